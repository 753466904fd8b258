"""Absolute effects: medians under proportional hazards, numbers per 100, whose baseline it is; joint draws."""

import csv
import gzip
import io
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nma.config import Project
from nma.evidence.derivation import two_sided_z
from nma.outcomes import Baseline
from nma.plan import summary_settings
from nma.summaries.absolute_effects import EXPONENTIAL, absolute_effects
from nma.summaries.draws import write_draws
from pydantic import ValidationError

from tests.networks import plain
from tests.test_ranking import ABC, ARMS, posterior

Z = two_sided_z(0.05)
HALVED = np.tile([log(0.5), log(2.0)], (400, 1))  # b halves the hazard or the odds of a, c doubles them
RELATIVE = [
    {"setting": "overall", "treatment": "b", "comparator": "a", "evidence": "direct"},
    {"setting": "overall", "treatment": "c", "comparator": "a", "evidence": "extrapolated"},
]


def baseline(measure_of: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Resolve a baseline of regimen a, as the plan does."""
    declared = Baseline.model_validate({"regimen": "a", **measure_of})
    mean, sd = declared.link
    unit = declared.unit if declared.median else ""
    return {"regimen": "a", "mean": mean, "sd": sd, "unit": unit, "source": "somewhere", "assumed": [], **changes}


def rows_of(resolved: dict[str, Any], measure: str, effects: np.ndarray = HALVED) -> dict[str, dict[str, Any]]:
    """Absolute effects of the three treatments."""
    likelihood = "contrasts" if measure == "HR" else "binomial_logit"
    settings = {"measure": measure, "likelihood": likelihood, "baselines": {"overall": resolved}}
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


def test_the_uncertainty_of_baseline_and_effect_add_up() -> None:
    """On the link scale the variances of the two add up, whichever is the larger."""
    effects = np.random.default_rng(3).normal([-0.7, 0.7], [0.4, 0.1], (40_000, 2))
    found = rows_of(baseline({"mean": -1.0, "sd": 0.3}), "HR", effects)
    assert found["b"]["sd"] == pytest.approx(sqrt(0.4**2 + 0.3**2), rel=0.01)
    assert found["b"]["upper"] == pytest.approx(-1.7 + Z * 0.5, abs=0.02)
    assert found["b"]["scale"] == "hazard"


def test_evidence_is_that_against_the_baseline() -> None:
    """Direct, extrapolated; the regimen of the baseline is the reference, one that nobody received is prior-driven."""
    found = rows_of(baseline({"events": 20, "n": 100}), "OR")
    assert [found[name]["evidence"] for name in "abc"] == ["reference", "direct", "extrapolated"]
    lost = absolute_effects(
        posterior(HALVED),
        ARMS,
        ABC,
        {
            "measure": "OR",
            "likelihood": "binomial_logit",
            "baselines": {"overall": baseline({"events": 1, "n": 9}, regimen="a")},
        },
        [],
    )
    assert [row["evidence"] for row in lost] == ["reference", "prior_driven", "prior_driven"]


def test_settings_without_a_baseline_have_no_rows() -> None:
    """Nothing is made up."""
    settings = {"measure": "OR", "likelihood": "binomial_logit", "baselines": {}}
    assert absolute_effects(posterior(HALVED), ARMS, ABC, settings, RELATIVE) == []


@pytest.mark.parametrize(
    ("given", "se"),
    [
        ({"lower": 3.0}, log(2) / Z),
        ({"upper": 24.0}, log(4) / Z),
        ({"lower": 3.0, "upper": 24.0}, log(8) / (2 * Z)),
    ],
)
def test_one_limit_of_a_median_is_enough(given: dict[str, float], se: float) -> None:
    """The distance of the limits on the log scale is that of 1.96 standard errors."""
    mean, sd = Baseline(regimen="a", median=6.0, **given).link
    assert mean == pytest.approx(log(log(2) / 6))
    assert sd == pytest.approx(se)


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
    for outcome, by_setting in project.config.baselines.items():
        for setting, declared in by_setting.items():
            assert declared.source
            study, arm = declared.source.partition(";")[0].split(", arm ")
            sheet = project.sheets[study]
            assert declared.regimen in sheet.arms[arm].regimens
            assert setting in {line.setting for line in sheet.failed_first_line}
            if len(sheet.arms[arm].regimens) > 1 or len(sheet.failed_first_line) > 1:
                assert declared.assumed, f"{outcome} in {setting} rests on a mixture and does not say so"
            if declared.median:
                printed = [
                    (m.value, m.lower, m.upper)
                    for m in sheet.medians
                    if (m.outcome, m.arm, m.population) == (outcome, arm, "all")
                ]
                assert (declared.median, declared.lower, declared.upper) in printed
            else:
                assert (declared.events, declared.n) == counted(project, study, arm, outcome)


def counted(project: Project, study: str, arm: str, outcome: str) -> tuple[int, int]:
    """Events and patients of an arm that the fit uses."""
    from nma.evidence.selection import select_evidence

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
    found = summary_settings(project.model_copy(update={"config": config}), "os")["baselines"]
    assert list(found) == ["overall", "sorafenib_failure", "lenvatinib_failure", "atezolizumab_bevacizumab_failure"]
    borrowed = "the baseline is not of this setting"
    assert found["overall"]["assumed"] == []
    assert found["sorafenib_failure"]["regimen"] == "regorafenib"
    assert borrowed not in found["sorafenib_failure"]["assumed"]
    assert found["lenvatinib_failure"]["assumed"] == [borrowed]


def drawn(file: Path) -> tuple[list[str], list[list[str]]]:
    """Read a table of draws."""
    columns, *rows = csv.reader(io.StringIO(gzip.decompress(file.read_bytes()).decode()))
    return columns, rows


def test_draws_are_written_jointly_and_in_full_precision(tmp_path: Path) -> None:
    """A row a draw, with its chain; against the reference of the network, which has no column."""
    from dataclasses import replace

    effects = np.random.default_rng(1).normal(size=(6, 2))
    write_draws(tmp_path / "d.csv.gz", replace(posterior(effects), chains=2), ARMS, ABC, "b")
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
