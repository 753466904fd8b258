"""Small-study effects: the regression by hand, the shipped example by other means, what may not change it, words."""

import csv
from collections.abc import Sequence
from math import atan, cos, log, pi, sin, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from secondline.cell_values import CENTRED_EFFECTS, NOT_ASSESSABLE, OWN_MEANS
from secondline.cells import order_cell, parse_order
from secondline.certainty.flow_reasons import ORDERED, SHARED
from secondline.certainty.order import comparisons_tested, widest
from secondline.certainty.settings import TreatmentOrder
from secondline.certainty.small_studies import (
    ALONE,
    COLUMNS,
    NARROWER,
    NO_ORDER,
    OUTSIDE,
    SAME_SIZE,
    TEST_COLUMNS,
    Tables,
    find_small_studies,
)
from secondline.certainty.small_study_test import Slope, regress
from secondline.errors import UserError
from secondline.evidence.selection import evidence_rows
from secondline.jobs.certainty_settings import has_funnel, treatment_order
from secondline.jobs.settings import summary_settings
from secondline.network.overlap import Overlap
from secondline.network.structure import Structure
from secondline.project.read import read_project
from secondline.report.figures.small_study import draw_small_study, funnel_points
from secondline.report.prose.small_studies import small_studies_sentence
from secondline.report.settings import Labels
from secondline.report.words import Names, p_value
from secondline.tables import read_back

from tests.conftest import ROOT
from tests.networks import ABC, contrast_row, plain, simulate
from tests.test_plots import assert_apart, assert_inside
from tests.workflow.small import CONFIG, write_small

BY_NAME = TreatmentOrder(treatments=("a", "b", "c"), reason="by name")
NAMES = Names(Labels(measures={"os": "HR"}, better={"os": "lower"}), "main", "os", "random")
EXAMPLE = ROOT / "config/examples/antihypertensives"
Study = tuple[str, str, float, float]


def rows_of(studies: Sequence[Study]) -> list[dict[str, str]]:
    """Evidence of studies with a treatment, a comparator, an effect and a standard error each."""
    return [contrast_row(f"s{k}", *study) for k, study in enumerate(studies)]


def found_of(studies: Sequence[Study], order: TreatmentOrder | None = BY_NAME) -> Tables:
    """Tables of such studies in the network of a, b and c."""
    return find_small_studies(rows_of(studies), ABC, "contrasts", order)


def ten(shift: float = 0.0) -> list[Study]:
    """Five studies of b against a and five of c against a, with effects that lean."""
    sizes = (0.1, 0.2, 0.25, 0.4, 0.5)
    leaning = (-0.1, -0.32, -0.2, -0.7, -0.55)
    return [
        *(("b", "a", y + shift, se) for y, se in zip(leaning, sizes, strict=True)),
        *(("c", "a", 0.3 + y / 2, se + 0.05) for y, se in zip(leaning, sizes, strict=True)),
    ]


def test_the_regression_by_hand() -> None:
    """Two groups with standard errors 1, 1, 2, 2; the p-value of 5 degrees of freedom is elementary.

    Weighted means: 1.2 of the standard errors, 0.4 and 1 of the effects. Sxx = 2 (2 0.04 + 0.5 0.64) = 0.8,
    Sxy = 0.16 + 0.12 + 0.52 = 0.8, the residuals are -0.2, -0.2, -0.2, 1.8 and 0.2, 0.2, -0.8, -0.8, and so their
    weighted sum of squares 0.9 + 0.4.
    """
    se = np.array([1.0, 1, 2, 2, 1, 1, 2, 2])
    found = regress(np.array([0.0, 0, 1, 3, 1, 1, 1, 1]), se, [*"aaaabbbb"])
    assert found is not None
    t = 1 / sqrt(1.3 / 5 / 0.8)
    angle = atan(t / sqrt(5))
    p = 1 - 2 / pi * (angle + sin(angle) * cos(angle) * (1 + 2 / 3 * cos(angle) ** 2))
    reach = 2.570581835636314 / t  # the 0.975 quantile of 5 degrees of freedom
    assert found == Slope(
        slope=pytest.approx(1),
        se=pytest.approx(sqrt(0.325)),
        lower=pytest.approx(1 - reach),
        upper=pytest.approx(1 + reach),
        t=pytest.approx(t),
        df=5,
        p_value=pytest.approx(p),
        intercept=None,
    )


def least_squares(y: Any, design: Any, se: Any) -> tuple[Any, float, float]:
    """Coefficients, residual variance and standard error of the last of them, by the textbook formulas."""
    root, target = design / se[:, None], y / se
    inverse = np.linalg.inv(root.T @ root)
    coefficients = inverse @ root.T @ target
    variance = float(((target - root @ coefficients) ** 2).sum() / (len(y) - design.shape[1]))
    return coefficients, variance, sqrt(variance * inverse[-1, -1])


def log_odds_ratios() -> dict[str, tuple[str, str, float, float]]:
    """Log odds ratios of the trials that the test of the example uses, from its table."""
    order = ("placebo", "diuretic", "bblocker", "ccb", "ace", "arb")
    trials: dict[str, dict[str, tuple[float, float]]] = {}
    with Path(f"{EXAMPLE}.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            events, n = int(row["events"]), int(row["n"])
            arm = log(events / (n - events)), 1 / events + 1 / (n - events)
            trials.setdefault(row["study"], {})[row["treatment"]] = arm
    ends = {name: (max(arms, key=order.index), min(arms, key=order.index)) for name, arms in trials.items()}
    shared = {name: pair for name, pair in ends.items() if [*ends.values()].count(pair) > 1}
    return {
        name: (t, c, trials[name][t][0] - trials[name][c][0], sqrt(trials[name][t][1] + trials[name][c][1]))
        for name, (t, c) in shared.items()
    }


def elliott() -> Tables:
    """Tables of the shipped example."""
    project = read_project(Path(f"{EXAMPLE}.yaml"))
    summarised = summary_settings(project, "diabetes")
    rows = evidence_rows(project, project.config.base, "diabetes")
    assert has_funnel(project, "diabetes")
    order = treatment_order(project)
    return find_small_studies(rows, Structure.of(summarised.treatments), summarised.likelihood, order)


def test_the_example_by_the_normal_equations() -> None:
    """Effects from the counts, indicators of the comparisons, and the centred effects on a line."""
    found, trials = elliott(), log_odds_ratios()
    used = {row["study"]: row for row in found.points if row["tested"]}
    assert set(used) == set(trials)
    for name, (treatment, comparator, effect, error) in trials.items():
        row = used[name]
        assert (row["treatment"], row["comparator"]) == (treatment, comparator)
        assert (row["effect"], row["se"]) == pytest.approx((effect, error))
    pairs = [trial[:2] for trial in trials.values()]
    y, se = (np.array([trial[k] for trial in trials.values()]) for k in (2, 3))
    indicators = np.array([[pair == other for other in sorted(set(pairs))] for pair in pairs], float)
    own, published = found.test
    coefficients, _, error = least_squares(y, np.column_stack([indicators, se]), se)
    assert (own["method"], own["studies"], own["comparisons"], own["df"]) == (OWN_MEANS, 15, 6, 8)
    assert (own["slope"], own["se"], own["t"]) == pytest.approx((coefficients[-1], error, coefficients[-1] / error))
    centred = np.array([used[name]["centred_effect"] for name in trials])
    coefficients, _, error = least_squares(centred, np.column_stack([np.ones(15), se]), se)
    assert (published["method"], published["df"]) == (CENTRED_EFFECTS, 13)
    assert (published["intercept"], published["slope"], published["se"]) == pytest.approx((*coefficients, error))
    assert parse_order(own["order"]) == ["placebo", "diuretic", "bblocker", "ccb", "ace", "arb"]


def test_a_study_of_three_arms_gives_three_points_and_one_test() -> None:
    """Between the treatments that are furthest apart; the sum of two contrasts is the third."""
    own = {(r["treatment"], r["comparator"]): r for r in elliott().points if r["study"] == "AASK"}
    assert {pair: (row["tested"], row["reason"]) for pair, row in own.items()} == {
        ("ace", "bblocker"): (True, ""),
        ("ace", "ccb"): (False, NARROWER),
        ("ccb", "bblocker"): (False, NARROWER),
    }
    whole, *parts = (own[pair]["effect"] for pair in (("ace", "bblocker"), ("ace", "ccb"), ("ccb", "bblocker")))
    assert whole == pytest.approx(sum(parts))
    assert [row["reason"] for row in elliott().points if row["study"] == "VALUE"] == [ALONE]


def test_the_mean_of_a_comparison_is_weighted_by_precision() -> None:
    """By hand: of 0 and 3 with standard errors 1 and 2 it is 0.6."""
    found = found_of([("b", "a", 0.0, 1.0), ("a", "b", -3.0, 2.0), *(("c", "a", 0.0, 1.0 + k) for k in range(8))])
    first, second = found.points[:2]
    assert (first["comparison_mean"], first["centred_effect"]) == pytest.approx((0.6, -0.6))
    assert (second["effect"], second["centred_effect"], second["comparison_studies"]) == pytest.approx((3, 2.4, 2))


@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(0.05, 1)), min_size=10, max_size=16), st.floats(-3, 3))
@settings(max_examples=40, deadline=None)
def test_the_order_backwards_turns_the_sign_and_a_shift_changes_nothing(
    results: list[tuple[float, float]], shift: float
) -> None:
    """Of every effect and slope, with the same p-value; the shift is that of all effects of a comparison."""
    studies: list[Study] = [("c" if k % 2 else "b", "a", *result) for k, result in enumerate(results)]
    backwards = TreatmentOrder(treatments=BY_NAME.treatments[::-1], reason="")
    here, there = found_of(studies), found_of(studies, backwards)
    moved = found_of([(t, c, y + (shift if t == "b" else 0), se) for t, c, y, se in studies])
    for one, other, same in zip(here.points, there.points, moved.points, strict=True):
        assert one["centred_effect"] == pytest.approx(-other["centred_effect"], abs=1e-9)
        assert one["centred_effect"] == pytest.approx(same["centred_effect"], abs=1e-9)
        assert (one["treatment"], one["comparator"]) == (other["comparator"], other["treatment"])
    for one, other, same in zip(here.test, there.test, moved.test, strict=True):
        assert one["method"] == other["method"] == same["method"]
        if "slope" in one:
            assert one["slope"] == pytest.approx(-other["slope"], rel=1e-6, abs=1e-6)
            assert one["slope"] == pytest.approx(same["slope"], rel=1e-6, abs=1e-6)
            if one["se"] > 1e-6:
                assert one["p_value"] == pytest.approx(other["p_value"], rel=1e-4, abs=1e-9)


def centred(effects: Any, se: Any, groups: Sequence[str]) -> Any:
    """Effects less the mean of their group, weighted by precision."""
    means = {
        name: np.average(effects[own], weights=se[own] ** -2)
        for name in set(groups)
        for own in [np.array(groups) == name]
    }
    return effects - np.array([means[name] for name in groups])


def test_own_means_keep_the_level_and_find_the_slope_where_the_published_test_does_not() -> None:
    """Two comparisons, of large and of small studies: as published the slope is drawn to 0, and nothing is rejected."""
    rng = np.random.default_rng(4)
    se, groups = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.6, 0.7]), [*"aaaaabbbbb"]
    chance, own, published = [], [], []
    for _ in range(2000):
        noise = rng.normal(0, se)
        fits = [regress(noise, se, groups), regress(noise + 0.5 * se, se, groups)]
        fits.append(regress(centred(noise + 0.5 * se, se, groups), se, [()] * 10))
        null, leaning, as_published = fits
        assert null and leaning and as_published
        chance.append(null.p_value)
        own.append(leaning.slope)
        published.append(as_published.slope)
    for level in (0.05, 0.2, 0.5):
        assert np.mean(np.array(chance) < level) == pytest.approx(level, abs=4 * sqrt(level * (1 - level) / 2000))
    assert np.mean(own) == pytest.approx(0.5, abs=4 * np.std(own) / sqrt(2000))
    assert np.mean(published) < 0.25


def test_what_there_is_no_test_for_is_said() -> None:
    """Too few studies, no order, shared patients, ordered categories, comparisons made once, studies of one size."""
    rows = rows_of(ten())
    shared = [Overlap(studies=("s0", "s1"), correlation=0.3)]
    ordered = simulate("ordered_logit", ["ab"] * 10, {"a": 0.0, "b": 0.2}, 0.0, 1)
    once: list[Study] = [*ten()[:9], ("c", "b", 0.1, 0.2)]
    same: list[Study] = [(t, c, y, 0.2) for t, c, y, _ in ten()]
    ab = TreatmentOrder(treatments=("a", "b"), reason="")
    for found, reason in (
        (found_of(ten()[:5]), "5 studies, 10 are needed"),
        (found_of(ten()[:5], None), "5 studies, 10 are needed"),
        (found_of(ten(), None), NO_ORDER),
        (find_small_studies(rows, ABC, "contrasts", BY_NAME, shared), SHARED),
        (find_small_studies(ordered, plain("ab"), "ordered_logit", ab), ORDERED),
        (found_of(once), "9 studies, 10 are needed in comparisons that several studies make"),
        (found_of(same), SAME_SIZE),
    ):
        assert {row["method"] for row in found.test} == {f"{NOT_ASSESSABLE}: {reason}"}
        sentence = small_studies_sentence(read_back(found.test, TEST_COLUMNS), NAMES)
        assert sentence == f"Small-study effects: {NOT_ASSESSABLE}: {reason}."


def test_mixed_arms_and_treatments_outside_the_order_are_left_out() -> None:
    """Of the studies that have no two others; the rest is as without them."""
    mixed = contrast_row("mixed", "b", "a", -5.0, 0.2, treatment_mix="b:5 c:5")
    outside = contrast_row("outside", "d", "a", -5.0, 0.2)
    found = find_small_studies([*rows_of(ten()), mixed, outside], plain("abcd"), "contrasts", BY_NAME)
    alone = find_small_studies(rows_of(ten()), plain("abcd"), "contrasts", BY_NAME)
    assert found.points[:-2] == alone.points
    assert found.test == alone.test
    assert [(row["study"], row["reason"]) for row in found.points[-2:]] == [("mixed", OUTSIDE), ("outside", OUTSIDE)]


def test_the_widest_comparison_counts_where_another_study_makes_it() -> None:
    """In the order, not by name."""
    order = ("c", "a", "b")
    assert widest(["a", "b", "c"], order) == ("b", "c")
    assert widest(["a", "a"], order) is None
    studies = {"one": ["a", "b"], "two": ["b", "a"], "three": ["a", "b", "c"], "four": ["a", "d"]}
    assert comparisons_tested(studies, order) == {"one": ("b", "a"), "two": ("b", "a")}
    assert parse_order(order_cell(order)) == list(order)


def test_the_sentence_says_whom_small_studies_favour() -> None:
    """A hazard ratio that is lower in small studies favours the later treatment; backwards, it is the earlier one."""
    for order, who in ((BY_NAME.treatments, "later"), (BY_NAME.treatments[::-1], "earlier")):
        found = found_of(ten(), TreatmentOrder(treatments=order, reason="By name."))
        sentence = small_studies_sentence(read_back(found.test, TEST_COLUMNS), NAMES)
        own, published = found.test
        assert f"favourable to the {who} treatment" in sentence
        assert f"changes by {own['slope']:.2f}".replace("-", "−") in sentence
        assert f"gives {published['slope']:.2f}".replace("-", "−") in sentence
        assert f"7 degrees of freedom, {p_value(str(own['p_value']))})" in sentence
        assert "in 10 studies of 2 comparisons" in sentence
        assert f"The order: {order[0]}, {order[1]} and {order[2]}. By name. " in sentence


def test_the_funnel_has_the_points_of_the_table() -> None:
    """Filled where they are in the test, at their standard errors; none of a comparison that one study makes."""
    found = elliott()
    rows, test = read_back(found.points, COLUMNS), read_back(found.test, TEST_COLUMNS)
    labels = Labels(measures={"diabetes": "OR"}, better={"diabetes": "lower"})
    figure = draw_small_study(rows, test, Names(labels, "main", "diabetes", "random"))
    assert_inside(figure)
    assert_apart(figure)
    (axes,) = figure.axes
    drawn = {line.get_gid(): line for line in axes.lines if (line.get_gid() or "").startswith("point-")}
    expected = {f"point-{row['study']}-{row['treatment']}-{row['comparator']}": row for row in funnel_points(rows)}
    assert set(drawn) == set(expected)
    assert not any("VALUE" in name for name in drawn)
    for name, row in expected.items():
        (x,), (y,) = drawn[name].get_data()
        assert (log(x), y) == pytest.approx((float(row["centred_effect"]), float(row["se"])))
        assert (drawn[name].get_markerfacecolor() == "none") == (row["tested"] == "false")
    looks = {(line.get_color(), line.get_marker()) for line in drawn.values()}
    assert len(looks) == len({(row["treatment"], row["comparator"]) for row in expected.values()})
    line = next(line for line in axes.lines if line.get_gid() == "test")
    for x, se in zip(*line.get_data(), strict=True):
        assert log(x) == pytest.approx(found.test[1]["intercept"] + found.test[1]["slope"] * se)


def test_an_order_names_known_treatments_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or one line says what is wrong; a network of three studies has no funnel."""
    monkeypatch.chdir(tmp_path)
    for order, says in ((["a", "b", "a"], "twice"), (["a", "z"], "unknown treatment; allowed: a, b"), (["a"], "order")):
        write_small(tmp_path, certainty={"small_studies": {"order": order, "reason": "by name"}})
        with pytest.raises(UserError) as caught:
            read_project(tmp_path / CONFIG)
        assert len(caught.value.lines) == 1
        assert says in caught.value.lines[0]
    write_small(tmp_path, certainty={"small_studies": {"order": ["a", "b"], "reason": "by name"}})
    project = read_project(tmp_path / CONFIG)
    assert treatment_order(project) == TreatmentOrder(treatments=("a", "b"), reason="by name")
    assert not has_funnel(project, "os")
