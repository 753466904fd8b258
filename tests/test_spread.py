"""derivation.csv: limits and distribution over readings, and whether the rung matters, by hand."""

from math import log, sqrt
from typing import Any

import pytest
from secondline.evidence.gather import effect_rows
from secondline.evidence.spread import ANY_RUNG, DERIVATION_COLUMNS, derivation_rows
from secondline.project.config import Project

from tests.conftest import arm, figure, hazard_ratio, sheet, synthetic

Row = dict[str, Any]


@pytest.fixture(scope="module")
def rows(project: Project) -> list[Row]:
    """Spread of the shipped effects."""
    return derivation_rows(project)


def find(rows: list[Row], study: str, outcome: str, method: str, **more: str) -> Row:
    """Return the one row with these properties."""
    wanted = {"study": study, "outcome": outcome, "method": method, **more}
    (row,) = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    return row


def test_every_effect_but_subgroups_is_there(project: Project, rows: list[Row]) -> None:
    """The rungs are the rows of effects.csv, with the same estimates and the same selection."""
    keys = ("study", "outcome", "contrast_set", "treatment_arm", "population", "method", "adjustment", "selected")
    keys = (*keys, "log_effect", "se")
    spread = [tuple(row[key] for key in keys) for row in rows if row["method"] != ANY_RUNG]
    effects = [row for row in effect_rows(project) if row["population"] in ("all", "matched")]
    assert sorted(spread) == sorted(tuple(row[key] for key in keys) for row in effects)
    assert all(set(row) == set(DERIVATION_COLUMNS) for row in rows)


def test_limits_hold_the_estimate(rows: list[Row]) -> None:
    """The estimate lies between its limits, the distribution does, and the rungs lie within their joint limits."""
    whole = {}
    for row in rows:
        key = (row["study"], row["outcome"], row["contrast_set"], row["treatment_arm"])
        assert row["log_effect_low"] <= row["log_effect"] <= row["log_effect_high"]
        assert 0 < row["se_low"] <= row["se"] <= row["se_high"]
        assert row["log_effect_low"] <= row["lower"] <= row["mean"] <= row["upper"] <= row["log_effect_high"]
        if row["method"] == ANY_RUNG:
            whole[key] = row
    for row in rows:
        joint = whole[row["study"], row["outcome"], row["contrast_set"], row["treatment_arm"]]
        assert joint["log_effect_low"] <= row["log_effect_low"] <= row["log_effect_high"] <= joint["log_effect_high"]


def test_an_assumed_number_of_events(rows: list[Row]) -> None:
    """nanchang_2023, OS: p 0.6985 to 0.6995, 65% to 95% of 68 events: se = 1 / sqrt(D 41 27 / 68^2)."""
    row = find(rows, "nanchang_2023", "os", "logrank_p")
    share = 41 * 27 / 68**2
    assert (row["se_low"], row["se_high"]) == pytest.approx((1 / sqrt(64.6 * share), 1 / sqrt(44.2 * share)))
    assert row["log_effect_low"] == pytest.approx(-0.387326 / sqrt(44.2 * share), abs=1e-5)
    assert row["log_effect_high"] == pytest.approx(-0.386016 / sqrt(64.6 * share), abs=1e-5)
    assert row["varied"] == "p 0.6985 to 0.6995; events 44.2 to 64.6"


def test_a_printed_ratio(rows: list[Row]) -> None:
    """severance_2024, PFS: 1.852 is 1.8515 to 1.8525, the other way round."""
    row = find(rows, "severance_2024", "pfs", "adjusted_hr")
    limits = (row["log_effect_low"], row["log_effect_high"])
    assert limits == pytest.approx((-log(1.8525), -log(1.8515)), rel=1e-9)


def test_uniform_digits(rows: list[Row]) -> None:
    """ditan_2022, OS: 0.275 to 0.285, so the mean is that of ln x over it, and the sd nearly its width / sqrt(12)."""
    row = find(rows, "ditan_2022", "os", "adjusted_hr")
    a, b = 0.275, 0.285
    assert row["mean"] == pytest.approx((b * log(b) - a * log(a)) / (b - a) - 1, abs=1e-6)
    assert row["sd"] == pytest.approx(log(b / a) / sqrt(12), rel=1e-3)
    assert (row["lower"], row["upper"]) == pytest.approx((log(0.27525), log(0.28475)), abs=1e-4)


def test_where_the_rung_matters(rows: list[Row]) -> None:
    """nanchang_2023, PFS: the medians lie (0.569 - 0.121) / 0.254 = 1.76 standard errors from the log-rank test."""
    row = find(rows, "nanchang_2023", "pfs", ANY_RUNG)
    assert row["shift"] == pytest.approx((0.569094 - 0.121421) / 0.254284, abs=1e-4)
    matters = {(r["study"], r["outcome"]): r["rung_matters"] for r in rows if r["method"] == ANY_RUNG and r["selected"]}
    assert {key for key, value in matters.items() if value} == {
        ("ditan_2022", "os"),
        ("nanchang_2022", "os"),
        ("nanchang_2022", "pfs"),
        ("nanchang_2023", "os"),
        ("nanchang_2023", "pfs"),
    }
    assert len(matters) == 10


def test_a_contrast_set_that_is_not_the_default(rows: list[Row]) -> None:
    """ditan_2025 by its regimens: one rung, which is its own reference, but not selected."""
    row = find(rows, "ditan_2025", "os", ANY_RUNG, treatment_arm="reg_ici")
    assert (row["selected"], row["shift"], row["rung_matters"]) == (False, 0.0, False)
    assert row["varied"] == "medians_ci"


def test_rungs_weigh_the_same(project: Project) -> None:
    """A ratio and medians far apart: the mean over both lies half-way, whatever the number of their readings."""
    medians = [
        {"outcome": "os", "arm": name, **figure(f"{value:.3f}", value=value)}
        for name, value in (("len", 20), ("sor", 5))
    ]
    events = [{"outcome": "os", "arm": name, "events": {"count": 30, "printed": "30"}} for name in ("len", "sor")]
    ratio = hazard_ratio(**figure("0.800 0.500 1.280"))
    study = sheet(hazard_ratios=[ratio], medians=medians, events=events)
    rows = derivation_rows(synthetic(project.config, project.treatments, study))
    row = find(rows, "alpha", "os", ANY_RUNG)
    assert row["mean"] == pytest.approx((log(0.8) + log(0.25)) / 2, abs=1e-5)
    assert row["varied"] == "crude_hr medians_events"
    assert row["rung_matters"]


def test_no_effects_no_rows(project: Project) -> None:
    """A bound of p gives no effect, and so no row."""
    bound = hazard_ratio(upper=None, p=figure("<0.001", value=0.001, relation="<"))
    assert derivation_rows(synthetic(project.config, project.treatments, sheet(hazard_ratios=[bound]))) == []


def test_nothing_selected_gives_no_shift(project: Project) -> None:
    """A ratio that leaves an arm out cannot be selected, but its limits are there."""
    arms = {"len": arm(40, lenvatinib=40), "reg": arm(30, regorafenib=30), "sor": arm(60, sorafenib=60)}
    sets = {"arms": {"arms": ["len", "reg", "sor"], "comparator": "sor"}}
    study = sheet(arms=arms, contrast_sets=sets, hazard_ratios=[hazard_ratio()])
    rows = derivation_rows(synthetic(project.config, project.treatments, study))
    assert [row["method"] for row in rows] == ["crude_hr", ANY_RUNG]
    for row in rows:
        assert (row["shift"], row["rung_matters"], row["selected"]) == (None, None, False)
        assert (row["log_effect_low"], row["log_effect_high"]) == pytest.approx((log(0.75), log(0.85)))
    assert rows[1]["log_effect"] is None


def test_rows_repeat(project: Project, rows: list[Row]) -> None:
    """The draws are seeded by the configuration."""
    assert derivation_rows(project) == rows
