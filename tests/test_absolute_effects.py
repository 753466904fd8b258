"""Absolute effects: medians under proportional hazards, numbers per 100, whose baseline it is; joint draws."""

import csv
import gzip
import io
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from secondline.cell_values import EXPONENTIAL, IMPOSSIBLE_RISK
from secondline.jobs.settings import summary_settings
from secondline.normal_deviate import two_sided_z
from secondline.project.config import Project
from secondline.project.outcomes import Baseline, Outcome
from secondline.project.study_names import study_names
from secondline.report.settings import Labels
from secondline.report.tables.results import assumption_sentences
from secondline.report.words import Names
from secondline.summaries.absolute_effects import COLUMNS, absolute_effects
from secondline.summaries.draws import write_draws
from secondline.summaries.observed import observed_outcomes
from secondline.summaries.settings import BaselineSettings, PrintedMedian

from tests.networks import plain
from tests.settings import summary
from tests.test_ranking import ABC, ARMS, posterior

Z = two_sided_z(0.05)
HALVED = np.tile([log(0.5), log(2.0)], (400, 1))  # b halves the hazard or the odds of a, c doubles them
RELATIVE = [
    {"setting": "overall", "treatment": "b", "comparator": "a", "evidence": "direct"},
    {"setting": "overall", "treatment": "c", "comparator": "a", "evidence": "indirect"},
]


def baseline(measure_of: dict[str, Any], measure: str | None = None, **changes: Any) -> dict[str, Any]:
    """Resolve a baseline of regimen a, as the plan does."""
    declared = Baseline.model_validate({"regimen": "a", **measure_of})
    median, below, above = declared.on_link(measure or ("OR" if declared.events else "HR"))
    link = {"median": median, "sd_below": below, "sd_above": above, "figure": declared.figure}
    unit = declared.unit if declared.median else ""
    return BaselineSettings(**{"regimen": "a", **link, "unit": unit, "source": "somewhere", **changes})


def rows_of(resolved: dict[str, Any], measure: str, effects: np.ndarray = HALVED) -> dict[str, dict[str, Any]]:
    """Absolute effects of the three treatments."""
    likelihood = "contrasts" if measure == "HR" else "binomial_logit"
    settings = summary(measure=measure, likelihood=likelihood, baselines={"overall": resolved})
    return {row["treatment"]: row for row in absolute_effects(posterior(effects), ARMS, ABC, settings, RELATIVE)}


def test_medians_under_proportional_hazards_by_hand() -> None:
    """With exponential survival a median of 6 months becomes 12 at half the hazard and 3 at twice the hazard."""
    found = rows_of(baseline({"median": 6.0, "lower": 4.0, "upper": 9.0}), "HR")
    assert [found[name]["absolute"] for name in "abc"] == pytest.approx([6.0, 12.0, 3.0], rel=1e-6)
    # the limits of the baseline median, 4 and 9, are those of its log hazard the other way round
    for name, factor in (("a", 1.0), ("b", 2.0), ("c", 0.5)):
        limits = found[name]["absolute_lower"], found[name]["absolute_upper"]
        assert limits == pytest.approx((4 * factor, 9 * factor), rel=1e-6)
        assert found[name]["scale"] == "median time"
        assert found[name]["unit"] == "months"
        assert EXPONENTIAL in found[name]["assumptions"]
    assert found["a"]["median"] == pytest.approx(log(log(2) / 6))
    assert found["a"]["lower"] < found["a"]["upper"]


def test_numbers_per_hundred_by_hand() -> None:
    """20 of 100 have odds of 1/4: 1/8 at half the odds, 11.1 per 100, and 1/2 at twice the odds, 33.3 per 100."""
    found = rows_of(baseline({"events": 20, "n": 100}), "OR")
    assert [found[name]["absolute"] for name in "abc"] == pytest.approx([0.2, 1 / 9, 1 / 3], rel=1e-6)
    se = sqrt(1 / 20 + 1 / 80)
    odds = 0.25 * exp(Z * se)
    assert found["a"]["absolute_upper"] == pytest.approx(odds / (1 + odds), rel=1e-6)
    assert found["a"]["assumptions"] == ""
    assert {row["scale"] for row in found.values()} == {"probability"}


def test_a_risk_above_one_is_no_figure() -> None:
    """A risk of 0.3 becomes 0.15 at half and 0.6 at twice the risk; twice 0.6 is no risk, nor its limit."""
    for mean, given in ((log(0.3), "abc"), (log(0.6), "ab")):
        settings = summary(
            measure="RR", likelihood="contrasts", baselines={"overall": baseline({"mean": mean, "sd": 0.01})}
        )
        found = absolute_effects(posterior(HALVED), ARMS, ABC, settings, RELATIVE)
        for row, factor in zip(sorted(found, key=lambda row: row["treatment"]), (1, 0.5, 2), strict=True):
            if row["treatment"] in given:
                assert row["absolute"] == pytest.approx(exp(mean) * factor)
                assert row["reason"] == ""
            else:
                assert "absolute" not in row
                assert row["reason"] == IMPOSSIBLE_RISK


@pytest.mark.parametrize(("mean", "sd"), [(0.3, 0.1), (log(0.6), 0.5)])
def test_a_baseline_of_risks_is_below_one(mean: float, sd: float) -> None:
    """It is declared on the log scale, where a risk and its upper limit are below 0; a percentage there is a slip."""
    figures = {"regimen": "a", "mean": mean, "sd": sd}
    declared = {"label": "Falls", "measure": "RR", "better": "lower", "margin": 0.8, "prior": "p", "baseline": figures}
    said = r"the 95% limits of the risk are .*; allowed: 0 to 1 \(the mean is on the log scale\)"
    with pytest.raises(ValidationError, match=said):
        Outcome.model_validate(declared)
    assert Outcome.model_validate(declared | {"baseline": figures | {"mean": log(0.2)}}).baseline


def test_the_report_says_why_an_absolute_effect_is_missing() -> None:
    """Of an impossible risk something else than of an effect that is extrapolated."""
    names = Names(Labels(settings={"overall": "Overall"}), "", "", "")
    row = {"setting": "overall", "evidence": "direct", "assumptions": "", "absolute": "", "reason": IMPOSSIBLE_RISK}
    said = "No estimate is given where the effect takes the risk, or a limit of it, below 0 or above 1."
    assert said in assumption_sentences([row], names)
    other = row | {"evidence": "extrapolated", "reason": "extrapolated: …"}
    said = " ".join(assumption_sentences([other], names))
    assert "extrapolated or prior-driven" in said and "above 1" not in said


def test_the_uncertainty_of_baseline_and_effect_add_up() -> None:
    """On the link scale the variances of the two add up, whichever is the larger."""
    effects = np.random.default_rng(3).normal([-0.7, 0.7], [0.4, 0.1], (40_000, 2))
    found = rows_of(baseline({"mean": -1.0, "sd": 0.3}), "HR", effects)
    assert found["b"]["sd"] == pytest.approx(sqrt(0.4**2 + 0.3**2), rel=0.01)
    assert found["b"]["upper"] == pytest.approx(-1.7 + Z * 0.5, abs=0.02)
    assert found["b"]["scale"] == "hazard"


def test_evidence_is_that_against_the_baseline() -> None:
    """Direct, indirect; the regimen of the baseline is the reference, one that nobody received is prior-driven."""
    found = rows_of(baseline({"events": 20, "n": 100}), "OR")
    assert [found[name]["evidence"] for name in "abc"] == ["reference", "direct", "indirect"]
    lost = absolute_effects(
        posterior(HALVED),
        ARMS,
        ABC,
        summary(
            measure="OR",
            likelihood="binomial_logit",
            baselines={"overall": baseline({"events": 1, "n": 9}, regimen="a")},
        ),
        [],
    )
    assert [row["evidence"] for row in lost] == ["reference", "prior_driven", "prior_driven"]


def test_settings_without_a_baseline_have_no_rows() -> None:
    """Nothing is made up."""
    settings = summary(measure="OR", likelihood="binomial_logit")
    assert absolute_effects(posterior(HALVED), ARMS, ABC, settings, RELATIVE) == []


@pytest.mark.parametrize(
    ("given", "se"),
    [
        ({"lower": 3.0}, (log(2) / Z, log(2) / Z)),
        ({"upper": 24.0}, (log(4) / Z, log(4) / Z)),
        ({"lower": 3.0, "upper": 24.0}, (log(4) / Z, log(2) / Z)),
    ],
)
def test_one_limit_of_a_median_is_enough(given: dict[str, float], se: tuple[float, float]) -> None:
    """The distance of a limit on the log scale is 1.96 standard errors; long survival is a low hazard."""
    median, below, above = Baseline(regimen="a", median=6.0, **given).on_link("HR")
    assert median == pytest.approx(log(log(2) / 6))
    assert (below, above) == pytest.approx(se)


def test_the_interval_of_a_baseline_is_the_one_declared() -> None:
    """8.0 months with limits 6.5 and 22.0 as printed, not 4.3 to 14.7, and the same ends shifted by any effect."""
    found = rows_of(baseline({"median": 8.0, "lower": 6.5, "upper": 22.0}), "HR")
    for name, factor in (("a", 1.0), ("b", 2.0), ("c", 0.5)):
        row = [found[name][key] for key in ("absolute", "absolute_lower", "absolute_upper")]
        assert row == pytest.approx([8.0 * factor, 6.5 * factor, 22.0 * factor], rel=1e-6)
    assert found["a"]["baseline"] == "a ~ 8 months (6.5 to 22)"


@pytest.mark.parametrize("measure", ["HR", "OR"])
def test_absolute_outcomes_have_mean_and_standard_deviation(measure: str) -> None:
    """Those of a million draws of both halves of the baseline and of the effect."""
    figures = {"median": 8.0, "lower": 6.5, "upper": 22.0} if measure == "HR" else {"events": 5, "n": 86}
    rng = np.random.default_rng(5)
    effects = rng.normal([-0.7, 0.4], [0.3, 0.2], (2000, 2))
    resolved = baseline(figures)
    row = rows_of(resolved, measure, effects)["b"]
    z = rng.normal(size=(500, 2000))
    link = resolved.median + effects[:, 0] + np.where(z < 0, resolved.sd_below, resolved.sd_above) * z
    natural = log(2) * np.exp(-link) if measure == "HR" else 1 / (1 + np.exp(-link))
    assert row["absolute_mean"] == pytest.approx(natural.mean(), rel=0.005)
    assert row["absolute_sd"] == pytest.approx(natural.std(), rel=0.01)
    assert (row["mean"], row["sd"]) == (pytest.approx(link.mean(), abs=0.002), pytest.approx(link.std(), rel=0.01))


@pytest.mark.parametrize("label", ["extrapolated", "prior_driven"])
def test_no_absolute_figure_without_evidence_in_the_setting(label: str) -> None:
    """The row says why; nothing puts a number of months to what no study has seen."""
    relative = [{**row, "evidence": label} if row["treatment"] == "c" else row for row in RELATIVE]
    settings = summary(baselines={"overall": baseline({"mean": 1.0, "sd": 0.1})})
    rows = {row["treatment"]: row for row in absolute_effects(posterior(HALVED), ARMS, ABC, settings, relative)}
    figures = [
        key for key in COLUMNS if key.startswith("absolute") or key in ("mean", "sd", "median", "lower", "upper")
    ]
    assert not set(figures) & set(rows["c"])
    assert rows["c"]["reason"].startswith(label.replace("_", "-"))
    assert set(figures) < set(rows["b"])
    assert rows["b"]["reason"] == ""


MEDIANS = [
    {"study": "x", "arm": "t", "population": "all", "median": 5.6, "lower": 4.7, "upper": None, "interval": "95% CI"},
    {"study": "x", "arm": "t", "population": "matched", "median": 7.5, "lower": 4.7, "upper": 11.3, "interval": "IQR"},
    {"study": "x", "arm": "c", "population": "all", "median": 3.0, "lower": None, "upper": None, "interval": ""},
    {"study": "unused", "arm": "t", "population": "all", "median": 9.0, "lower": 1, "upper": 99, "interval": ""},
]


def test_observed_medians_are_those_of_the_studies_in_use() -> None:
    """The population is the fit's where it is printed; an arm is shown where most of it got the treatment there."""
    mixes = {"t": {"b": 9, "c": 1}, "c": {"a": 4}}
    medians = [
        PrintedMedian(**row, n=10, regimens=mixes[row["arm"]], settings={"s": 8, "r": 2}, source="Table 1")
        for row in MEDIANS
    ]
    evidence = [{"study": "x", "treatment_arm": "t", "population": "matched", "used": "true"}]
    settings = summary(medians=tuple(medians))
    rows = observed_outcomes(evidence, settings)
    assert {row["study"] for row in rows} == {"x"}
    shown = {(row["setting"], row["treatment"], row["arm"], row["observed"]) for row in rows if row["shown"]}
    assert shown == {
        ("overall", "b", "t", 7.5),
        ("s", "b", "t", 7.5),
        ("overall", "a", "c", 3.0),
        ("s", "a", "c", 3.0),
    }
    assert {(row["regimen_share"], row["setting_share"]) for row in rows if row["treatment"] == "c"} == {
        (0.1, 1.0),
        (0.1, 0.8),
        (0.1, 0.2),
    }


def test_observed_events_are_those_of_the_arms_in_the_fit() -> None:
    """Two of eight is a quarter."""
    row = {"study": "x", "arm": "t", "arm_mix": "b:8", "setting_mix": "s:8", "n": "8", "events": "2", "used": "true"}
    (overall, here) = observed_outcomes([row], summary(likelihood="binomial_logit", measure="OR"))
    assert (overall["setting"], here["setting"]) == ("overall", "s")
    assert (here["observed"], here["scale"], here["shown"]) == (0.25, "probability", True)


@pytest.mark.parametrize(
    "figures",
    [
        {},
        {"mean": 1.0},
        {"median": 6.0},
        {"median": 6.0, "lower": 7.0},
        {"median": 6.0, "lower": 3.0, "mean": 1.0},
        {"events": 5, "n": 5},
        {"events": 5},
    ],
)
def test_a_baseline_is_one_figure_with_its_uncertainty(figures: dict[str, float]) -> None:
    """Neither none, nor half of one, nor two, nor one that contradicts itself."""
    with pytest.raises(ValidationError):
        Baseline.model_validate({"regimen": "a", **figures})


def test_shipped_baselines_are_printed_in_the_sheets(project: Project) -> None:
    """Every median, limit and count of the configuration is that of the arm that its source names."""
    ids = {name: study for study, name in study_names(project).items()}
    for outcome, by_setting in project.config.baselines.items():
        for setting, declared in by_setting.items():
            assert declared.source
            name, arm = declared.source.partition(";")[0].split(", arm ")
            study = ids[name]
            population = population_of_effect(project, study, outcome)
            sheet = project.sheets[study]
            assert declared.regimen in sheet.arms[arm].regimens
            assert setting in {line.setting for line in sheet.failed_first_line}
            if len(sheet.arms[arm].regimens) > 1 or len(sheet.failed_first_line) > 1:
                assert declared.assumed, f"{outcome} in {setting} rests on a mixture and does not say so"
            if declared.median:
                printed = [
                    (m.value, m.lower, m.upper)
                    for m in sheet.medians
                    if (m.outcome, m.arm, m.population) == (outcome, arm, population)
                ]
                assert (declared.median, declared.lower, declared.upper) in printed
            else:
                assert (declared.events, declared.n) == counted(project, study, arm, outcome)


def population_of_effect(project: Project, study: str, outcome: str) -> str:
    """Find the population of a study's effect in the primary analysis: its baseline goes with the same patients."""
    from secondline.evidence.selection import select_evidence

    rows = [row for row in select_evidence(project, "primary", outcome) if row["study"] == study]
    return str(rows[0].get("population") or "all")


def counted(project: Project, study: str, arm: str, outcome: str) -> tuple[int, int]:
    """Events and patients of an arm that the fit uses."""
    from secondline.evidence.selection import select_evidence

    (row,) = [row for row in select_evidence(project, "primary", outcome) if (row["study"], row["arm"]) == (study, arm)]
    return row["events"], row["n"]


def test_a_baseline_of_all_patients_serves_every_setting_and_says_so(project: Project) -> None:
    """Its own baseline comes first; borrowed ones are marked as assumed."""
    whole = Baseline(regimen="sorafenib", median=5.0, lower=4.0, upper=6.0, source="a registry")
    outcomes = {
        name: outcome.model_copy(update={"baseline": whole}) if name == "os" else outcome
        for name, outcome in project.config.outcomes.items()
    }
    own = project.config.baselines["os"]["sorafenib_failure"]
    config = project.config.model_copy(update={"outcomes": outcomes, "baselines": {"os": {"sorafenib_failure": own}}})
    found = summary_settings(project.model_copy(update={"config": config}), "os").baselines
    assert list(found) == ["overall", "sorafenib_failure", "lenvatinib_failure", "atezolizumab_bevacizumab_failure"]
    borrowed = "the baseline is not of this setting"
    assert found["overall"].assumed == ()
    assert found["sorafenib_failure"].regimen == "regorafenib"
    assert borrowed not in found["sorafenib_failure"].assumed
    assert found["lenvatinib_failure"].assumed == (borrowed,)


def drawn(file: Path) -> tuple[list[str], list[list[str]]]:
    """Read a table of draws."""
    columns, *rows = csv.reader(io.StringIO(gzip.decompress(file.read_bytes()).decode()))
    return columns, rows


def test_draws_are_written_jointly_and_in_full_precision(tmp_path: Path) -> None:
    """A row a draw, with its chain; against the reference of the network, which has no column."""
    from dataclasses import replace

    effects = np.random.default_rng(1).normal(size=(6, 2))
    write_draws(tmp_path / "d.csv.gz", replace(posterior(effects), draws=effects.reshape(2, 3, 2)), ARMS, ABC, "b")
    columns, rows = drawn(tmp_path / "d.csv.gz")
    assert columns == ["chain", "draw", "d[overall,a]", "d[overall,c]"]
    assert [row[:2] for row in rows] == [["0", "0"], ["0", "1"], ["0", "2"], ["1", "0"], ["1", "1"], ["1", "2"]]
    values = np.array([[float(cell) for cell in row[2:]] for row in rows])
    assert (values == np.stack([-effects[:, 0], effects[:, 1] - effects[:, 0]], axis=1)).all()


def test_draws_are_the_same_bytes_at_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No clock in the archive."""
    files = []
    for name, clock in (("a", 1.0e9), ("b", 1.7e9)):
        monkeypatch.setattr("time.time", lambda clock=clock: clock)
        files.append(tmp_path / f"{name}.csv.gz")
        write_draws(files[-1], posterior(HALVED), ARMS, ABC, "a")
    assert files[0].read_bytes() == files[1].read_bytes()


def test_draws_leave_out_what_nobody_received(tmp_path: Path) -> None:
    """A regimen without an arm is no part of the network."""
    arms = [arm for arm in ARMS if arm.study == "s1"]
    write_draws(tmp_path / "d.csv.gz", posterior(HALVED), arms, plain(["a", "b", "c"]), "a")
    assert drawn(tmp_path / "d.csv.gz")[0] == ["chain", "draw", "d[overall,b]"]
