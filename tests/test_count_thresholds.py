"""Thresholds of networks with events: against the closed form of large trials, and by refits on either side."""

import numpy as np
import pytest
from secondline.doubt.count_draws import Draws
from secondline.doubt.count_path import CountEngine
from secondline.doubt.decision import pairwise
from secondline.doubt.figures import figures_of
from secondline.doubt.rules import MEAN, P_BEST, SUCRA
from secondline.doubt.threshold_tables import Tables, find_thresholds
from secondline.inference import exact
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import solve
from secondline.inference.task import Fit
from secondline.network.data import network_data
from secondline.network.predictor import Effects
from secondline.network.structure import Floats
from secondline.summaries.settings import ComparisonSettings

from tests.networks import ABC, arm_row, contrast_row

SCALES = PriorScales(10.0, 0.0, 0.0, 10.0)
SETTINGS = ComparisonSettings(measure="OR", ratio=True, better="lower", margin=0.8, reference="a")
PATIENTS = 4000
EVENTS = {("one", "a"): 1200, ("one", "b"): 900, ("two", "a"): 800, ("two", "c"): 720, ("three", "b"): 1000}
EVENTS[("three", "c")] = 1080


def counted() -> list[dict[str, str]]:
    """Rows of three large trials, a against b, a against c and b against c."""
    return [arm_row(study, arm, events=events, n=PATIENTS) for (study, arm), events in EVENTS.items()]


def as_contrasts() -> list[dict[str, str]]:
    """Log odds ratios of the same trials."""
    rows = []
    for study, comparator, treatment in (("one", "a", "b"), ("two", "a", "c"), ("three", "b", "c")):
        events = np.array([EVENTS[study, treatment], EVENTS[study, comparator]])
        odds = np.log(events / (PATIENTS - events))
        se = float(np.sqrt((1 / events + 1 / (PATIENTS - events)).sum()))
        rows.append(contrast_row(study, treatment, comparator, float(odds[0] - odds[1]), se))
    return rows


def thresholds(rows: list[dict[str, str]], likelihood: str) -> tuple[Fit, Tables]:
    """Thresholds of a fixed-effect fit by SUCRA and by the posterior mean."""
    fit = Fit(network_data(rows, ABC, likelihood, Effects()), SCALES)
    return fit, find_thresholds(rows, fit, likelihood, SETTINGS, rules=(SUCRA, MEAN))


def test_large_trials_are_those_in_closed_form() -> None:
    """Trials of 8000 patients: both engines agree; and refits with more draws decide differently on the two sides."""
    fit, found = thresholds(counted(), "binomial_logit")
    _, expected = thresholds(as_contrasts(), "contrasts")
    assert len(found.single) == len(expected.single) == 6
    figures = {figure.study: figure for figure in figures_of(counted(), fit.data, "binomial_logit")}
    checked = 0
    for row, closed in zip(found.single, expected.single, strict=True):
        assert (row["study"], row["rule"], row["first"]) == (closed["study"], closed["rule"], closed["first"])
        assert (row["engine"], closed["engine"]) == ("exact, importance sampling", "exact, closed form")
        assert closed["error"] == 0
        for side, sign in (("lower", -1), ("upper", 1)):
            assert (row[side] is None) == (closed[side] is None), (row, closed)
            if row[side] is None:
                continue
            assert 0 < row["error"] < 0.5 * row["se"]
            assert row[side] == pytest.approx(
                closed[side], abs=3 * row["error"] + 0.03 * abs(closed[f"{side}_se"]) * row["se"]
            )
            assert row[f"{side}_first"] == closed[f"{side}_first"]
            if row["rule"] == MEAN:
                firsts = [
                    first_after(fit, figures[row["study"]].direction, row[side] - row["effect"] + by)
                    for by in (-sign * 4 * row["error"], sign * 4 * row["error"])
                ]
                assert firsts == [row["first"], row[f"{side}_first"]]
                checked += 1
    assert checked >= 3
    for row, closed in zip(found.joint, expected.joint, strict=True):
        assert (row.get("radius"), row["reason"]) == (None, "linear form alone")
        assert row["linear_radius"] == pytest.approx(closed["linear_radius"], rel=0.1)
        assert row["new_first"] == closed["new_first"]


SMALL = {
    "one": (("a", 24, 90), ("b", 15, 90)),
    "two": (("a", 30, 80), ("c", 26, 80)),
    "three": (("b", 16, 70), ("c", 20, 70)),
    "four": (("a", 20, 60), ("b", 17, 60)),
    "five": (("a", 18, 75), ("b", 12, 75), ("c", 14, 75)),
}
"""Events and patients of trials that differ."""


@pytest.mark.slow
def test_with_heterogeneity_refits_decide_differently_on_the_two_sides() -> None:
    """Random effects, a study of three arms: by SUCRA and by the mean, four errors before and after a threshold."""
    rows = [arm_row(study, arm, events=events, n=n) for study, arms in SMALL.items() for arm, events, n in arms]
    fit = Fit(network_data(rows, ABC, "binomial_logit", Effects()), PriorScales(10.0, 1.0, 0.0, 10.0))
    found = find_thresholds(rows, fit, "binomial_logit", SETTINGS, rules=(SUCRA, MEAN, P_BEST))
    left = [row for row in found.single if row["rule"] == P_BEST]
    assert [row["reason"] for row in left] == ["not searched for with events"]
    figures = {(figure.study, figure.arm): figure for figure in figures_of(rows, fit.data, "binomial_logit")}
    assert len(found.single) == 2 * len(figures) + 1
    settled = [(row, side) for row in found.single for side in ("lower", "upper") if row.get(side) is not None]
    assert len(settled) >= 4
    for row, side in [*settled[:2], *settled[-2:]]:
        figure, shift = figures[row["study"], row["arm"]], row[side] - row["effect"]
        assert 0 < row["error"] < 0.2 * row["se"]
        by = 4 * row["error"] * np.sign(shift)
        firsts = [first_after(fit, figure.direction, shift + step, row["rule"]) for step in (-by, by)]
        assert firsts == [row["first"], row[f"{side}_first"]]


def test_a_threshold_that_the_engine_cannot_settle_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where refits with replicates fail there is no number, and the table says why."""
    own = CountEngine.refit

    def without_replicates(self: CountEngine, direction: Floats, t: float, replicates: int) -> Draws | None:
        return own(self, direction, t, replicates) if replicates == 1 else None

    monkeypatch.setattr(CountEngine, "refit", without_replicates)
    _, found = thresholds(counted(), "binomial_logit")
    row = next(row for row in found.single if row["reason"] == "the engine cannot settle it")
    assert (row["lower"], row["upper"], row["error"]) == (None, None, None)


def first_after(fit: Fit, direction: np.ndarray, shift: float, rule: str = MEAN) -> str:
    """First of a refit with twice the draws and replicates of its own."""
    effort = exact.effort(fit.data, fit.scales, 2.0, 8)
    found = solve(fit.data, fit.scales, effort, shift * direction).posterior
    assert found
    rows = fit.data.predictor.effect_rows()[0]
    if rule == SUCRA:
        return "abc"[int(pairwise(rows, -1.0, found).sum(axis=1).argmax())]
    return "abc"[int(found.mixture(rows).mean().argmin())]
