"""The specification curve of the shipped outcomes: the headline, leave-one-out, and the unbatched engine."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass, replace
from functools import cache
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from secondline.cells import left_out_name
from secondline.doubt.curve import Curve, specification_curve
from secondline.doubt.decision import Decision, decide
from secondline.doubt.question import Question
from secondline.doubt.settings import Level, SpecificationSettings
from secondline.evidence.alternatives import alternatives_csv
from secondline.evidence.selection import evidence_csv
from secondline.inference import exact
from secondline.inference.exact import GridPosterior
from secondline.inference.kernels import contest
from secondline.inference.settings import FitSettings
from secondline.inference.task import Fit
from secondline.inference.widening import FITTED, Covariances
from secondline.jobs.doubt_settings import specification_settings
from secondline.jobs.settings import fit_settings, summary_settings
from secondline.network.arms import Arm, used_arms
from secondline.network.data import network_data
from secondline.network.overlap import Overlap
from secondline.network.structure import Structure
from secondline.project.read import read_project
from secondline.sd_points import ABSENT
from secondline.summaries import sensitivity
from secondline.summaries.settings import SummarySettings
from secondline.tables import read_table, write_text

from tests.conftest import ROOT

OUTCOMES = ("os", "pfs")
PARKINSONS = "config/examples/parkinsons.yaml"
_DRAWS = 40_000
_ERROR = 4 * 0.5 / sqrt(_DRAWS) + 1e-3  # of a probability: four standard errors, and what the batch is exact to
_ERROR_OF_LIMITS = 4 * sqrt(0.025 * 0.975 / _DRAWS) / 0.03
"""Standard deviations; the density of a normal at 1.96 is twice that, and heavy tails have less."""
Row = Mapping[str, str]


@dataclass(frozen=True)
class Shipped:
    """A shipped outcome: its evidence, its alternatives, and what its curve is made of."""

    evidence: str
    rows: Sequence[Row]
    alternatives: Sequence[Row]
    fit: FitSettings
    summary: SummarySettings
    model: str
    settings: SpecificationSettings

    def curve(self, settings: SpecificationSettings) -> Curve:
        """Compute a curve over other axes."""
        return specification_curve(self.rows, self.alternatives, self.fit, self.summary, self.model, settings, 1)


@cache
def shipped(outcome: str, config: str = "config/config.yaml") -> Shipped:
    """Read an outcome of a shipped configuration."""
    with chdir(ROOT):
        project = read_project(Path(config))
    base = project.config.doubted
    evidence, others = evidence_csv(project, base, outcome), alternatives_csv(project, outcome)
    return Shipped(
        evidence,
        list(csv.DictReader(io.StringIO(evidence))),
        list(csv.DictReader(io.StringIO(others))),
        fit_settings(project, base, outcome),
        summary_settings(project, outcome),
        project.config.headline,
        specification_settings(project, outcome),
    )


@cache
def without_one(outcome: str, config: str = "config/config.yaml") -> Curve:
    """Every study left out or not, and all else as declared."""
    given = shipped(outcome, config)
    axes = [
        replace(axis, levels=tuple(level for level in axis.levels if level.declared or _leaves_out(level)))
        for axis in given.settings.axes
    ]
    return given.curve(SpecificationSettings(axes=tuple(axis for axis in axes if len(axis.levels) > 1)))


def _leaves_out(level: Level) -> bool:
    """Whether a level leaves out a study."""
    return level.name == "left_out" or level.name.startswith("without_")


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_declared_specification_is_the_headline(outcome: str) -> None:
    """First, runner-up, SUCRA, effect and P(better) of every setting, by the posterior of the headline model."""
    given, found = shipped(outcome), without_one(outcome)
    model = given.fit.models[given.model]
    fit = Fit(
        network_data(given.rows, found_structure(given), given.fit.likelihood, model.effects, given.fit.overlaps),
        model.prior,
    )
    posterior = exact.posterior(fit.data, fit.scales)
    compare(found, 0, given, fit, posterior, covariances(fit, posterior), used_arms(given.rows))


@pytest.mark.parametrize(
    ("outcome", "config", "ranked"),
    [(outcome, "config/config.yaml", 0) for outcome in OUTCOMES]
    + [("off_time_arms", "config/examples/parkinsons.yaml", 6)],
)
def test_a_study_left_out_is_its_leave_one_out(
    outcome: str, config: str, ranked: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every setting: first and next, SUCRA, who is named, P(better) and the limits of the declared first's effects.

    leave_one_out.csv rests on independent draws, and its limits are quantiles of them. In the shipped network nobody is
    ranked without any one of its studies, so that a network of trials stands beside it.
    """
    given, found = shipped(outcome, config), without_one(outcome, config)
    monkeypatch.setattr(sensitivity, "DRAWS", _DRAWS)
    headline = replace(given.fit, models={given.model: given.fit.models[given.model]})
    write_text(tmp_path / "evidence.csv", given.evidence)
    sensitivity.leave_one_out(str(tmp_path / "evidence.csv"), headline, given.summary, str(tmp_path / "found.csv"))
    table = read_table(tmp_path / "found.csv")
    left_out = list(dict.fromkeys(row["analysis"] for row in table))
    specifications = dict(alone(found))
    assert sorted(left_out) == sorted(left_out_name(given.fit.analysis, study) for study in specifications)
    n_ranked = 0
    for study, k in specifications.items():
        analysis = left_out_name(given.fit.analysis, study)
        rows = {
            (row["setting"], row["treatment"], row["comparator"]): row for row in table if row["analysis"] == analysis
        }
        n_ranked += sum(compare_ranked(found, k, s, rows) for s in range(len(found.settings)))
        assert sum(compare_lead(found, k, s, rows, given.summary.ratio) for s in range(len(found.settings)))
    assert n_ranked == ranked


def alone(found: Curve) -> Iterator[tuple[str, int]]:
    """Find the specifications that leave out one study and choose nothing else, with the study."""
    for k, chosen in enumerate(found.combinations):
        if (chosen > 0).sum() == 1:
            (a,) = np.flatnonzero(chosen)
            (study,) = found.factorial.axes[a].levels[chosen[a]].studies
            yield study, k


def compare_ranked(found: Curve, k: int, s: int, rows: Mapping[tuple[str, str, str], Row]) -> bool:
    """Compare the ranking of a specification in one setting with leave_one_out.csv; whether anybody is ranked."""
    setting, regimens = found.settings[s], found.regimens
    place, number = found.answers.places[k, s], found.answers.numbers[k, s]
    here = {treatment: row for (where, treatment, _), row in rows.items() if where == setting}
    sucra = {name: float(row["candidate_sucra"]) for name, row in here.items() if row["candidate_sucra"]}
    assert place[contest.PLACED] == len(sucra)
    if not sucra:
        return False
    first, second = (regimens[place[key]] for key in (contest.FIRST, contest.RUNNER_UP))
    assert [first, second] == sorted(sucra, key=lambda name: -sucra[name])[:2]
    assert number[contest.SUCRA] == pytest.approx(sucra[first], abs=_ERROR)
    assert (here[first]["named_first"] == "true") == (place[contest.REASON] == contest.NAMED)
    p_better = float(rows[setting, first, second]["p_better"])
    assert number[contest.P_BETTER] == pytest.approx(p_better, abs=_ERROR)
    return True


def compare_lead(found: Curve, k: int, s: int, rows: Mapping[tuple[str, str, str], Row], is_ratio: bool) -> int:
    """Compare the effects of the declared first in one setting with leave_one_out.csv; how many there are."""
    setting, regimens, number = found.settings[s], found.regimens, found.answers.numbers[k, s]
    lead, comparator, reference = found.lead[s]
    compared = 0
    for other, columns in (
        (comparator, (contest.LEAD_LOWER, contest.LEAD_UPPER)),
        (reference, (contest.LEAD_REFERENCE_LOWER, contest.LEAD_REFERENCE_UPPER)),
    ):
        row = rows.get((setting, regimens[lead], regimens[other]))
        if row is None or np.isnan(number[columns[0]]):
            continue
        limits = [float(row[key]) for key in ("estimate_lower", "estimate_upper")]
        ends = np.log(limits) if is_ratio else limits
        sd = (ends[1] - ends[0]) / 3.92
        assert number[list(columns)] == pytest.approx(ends, abs=_ERROR_OF_LIMITS * sd)
        if other == comparator:
            assert number[contest.LEAD_P_BETTER] == pytest.approx(float(row["p_better"]), abs=_ERROR)
        compared += 1
    return compared


def found_structure(given: Shipped) -> Structure:
    """Build what the treatments are made of."""
    return Structure.of(given.fit.treatments)


def covariances(fit: Fit, posterior: GridPosterior) -> Covariances:
    """Covariances as fitted and with every prior doubled, of a Gaussian network."""
    found = {FITTED: posterior}
    for name, scales in fit.scales.all_doubled().items():
        found[name] = exact.posterior(fit.data, scales)
    return Covariances.without_error({name: each.covariance() for name, each in found.items()})


def compare(
    found: Curve,
    k: int,
    given: Shipped,
    fit: Fit,
    posterior: GridPosterior,
    widened: Covariances,
    arms: Sequence[Arm],
) -> tuple[float, float]:
    """Compare a specification with the decisions of the unbatched engine; largest errors of SUCRA and of effects."""
    decisions: list[Decision] = decide(Question.of(fit, arms, given.summary), posterior, widened)
    errors = [(0.0, 0.0)]
    named = [*found.regimens, ""]
    for s, decision in enumerate(decisions):
        place, number = found.answers.places[k, s], found.answers.numbers[k, s]
        assert place[contest.PLACED] == len(decision.placed)
        assert (named[place[contest.FIRST]], named[place[contest.RUNNER_UP]]) == (decision.first, decision.runner_up)
        if not decision.placed:
            continue
        first, second = decision.order[:2]
        assert number[contest.P_BETTER] == pytest.approx(decision.p_first, abs=1e-3)
        errors.append((
            abs(number[contest.SUCRA] - decision.sucra[first]),
            abs(number[contest.EFFECT] - (decision.means[first] - decision.means[second])),
        ))  # fmt: skip
    sucra, effect = np.max(errors, axis=0)
    assert sucra < 1e-3
    assert effect < 1e-3
    return float(sucra), float(effect)


def unbatched(found: Curve, k: int, given: Shipped) -> tuple[float, float]:
    """Solve a specification by itself, from the rows of its levels, and compare."""
    axes = found.factorial.axes
    levels = [axis.levels[at] for axis, at in zip(axes, found.combinations[k], strict=True)]
    replaced = {study for level in levels for study in level.studies}
    rows = [row for row in given.rows if row["study"] not in replaced]
    for axis, level in zip(axes, levels, strict=True):
        rows += [row for row in given.alternatives if (row["axis"], row["level"]) == (axis.name, level.name)]
    model = given.fit.models[given.model]
    effects, scales = model.effects, model.prior
    prior = next((level.tau for level in levels if level.tau is not None), scales.tau)
    overlaps = given.fit.overlaps
    for level in levels:
        if level.structure:
            varying, sd = level.interaction or (None, 0.0)
            effects = replace(effects, varying=varying, regimen_level=level.structure == "regimen_level")
            scales = replace(scales, interaction=sd)
        if level.mixed_arms:
            effects = replace(effects, mixed_arms=level.mixed_arms)
        if level.settings is not None:
            effects = replace(effects, settings=level.settings)
        if level.overlap is not None:
            overlaps = tuple(Overlap(studies=pair, correlation=rho) for pair, rho in level.overlap.items())
    omegas = [one.prior.omega for one in given.fit.models.values() if one.prior.omega]
    scales = replace(scales, tau=prior, omega=omegas[0] if effects.settings else ABSENT)
    used = {row["study"] for row in rows if row["used"] == "true"}
    overlaps = tuple(each for each in overlaps if set(each.studies) <= used)
    fit = Fit(network_data(rows, found_structure(given), given.fit.likelihood, effects, overlaps), scales)
    posterior = exact.posterior(fit.data, scales)
    widened = covariances(fit, posterior)
    return compare(found, k, given, fit, posterior, widened, used_arms(rows))


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_shipped_specifications_are_those_of_the_unbatched_engine(outcome: str) -> None:
    """Ten of a sample of the factorial: placed, first, runner-up, SUCRA, P(better) and mean effect."""
    given = shipped(outcome)
    found = given.curve(replace(given.settings, limit=1500))
    for k in np.random.default_rng(3).choice(len(found.combinations), 10, replace=False):
        unbatched(found, k, given)
