"""Effects in other terms at a declared baseline: by hand, and against draws of independent code."""

import random
from math import exp, inf, log, sqrt
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from secondline.cell_values import IMPOSSIBLE_RISK
from secondline.measures import MEASURES
from secondline.project.outcomes import Baseline, Outcome
from secondline.report.settings import Labels
from secondline.report.tables.conversions import conversion_sentences, conversion_table, needed_words
from secondline.report.words import Names
from secondline.summaries.conversions import COLUMNS, conversions, needed_to_treat
from secondline.summaries.settings import BaselineSettings
from secondline.tables import read_back

from tests.settings import summary
from tests.test_ranking import ABC, ARMS, posterior

RELATIVE = [
    {"setting": "overall", "treatment": "b", "comparator": "a", "evidence": "direct"},
    {"setting": "overall", "treatment": "c", "comparator": "a", "evidence": "extrapolated"},
]
KNOWN = [{**row, "evidence": "direct"} for row in RELATIVE]
HALVED = np.tile([log(0.5), log(2.0)], (400, 1))  # b halves the hazard, the odds or the risk of a, c doubles it
LIKELIHOODS = {"HR": "contrasts", "OR": "binomial_logit", "RR": "normal_counts", "RD": "normal_counts"}


def at(mean: float, sd: float = 1e-6, **more: Any) -> BaselineSettings:
    """Baseline of regimen a on the link scale."""
    return BaselineSettings(regimen="a", median=mean, sd_below=sd, sd_above=sd, figure="declared", **more)


def rows_of(
    measure: str,
    baseline: BaselineSettings,
    effects: np.ndarray = HALVED,
    relative: list[dict[str, Any]] = KNOWN,
    better: str = "lower",
) -> dict[tuple[str, str, float | None], dict[str, Any]]:
    """Rows by treatment, quantity and time."""
    settings = summary(measure=measure, likelihood=LIKELIHOODS[measure], better=better, baselines={"overall": baseline})
    found = conversions(posterior(effects), ARMS, ABC, settings, relative)
    assert all(set(row) <= set(COLUMNS) for row in found)
    return {(row["treatment"], row["quantity"], row["time"]): row for row in found}


def test_risks_by_hand() -> None:
    """Odds of 1/4, a risk of 0.2: 1/9 at half the odds, 1/3 at twice; events are harm where lower is better."""
    found = rows_of("OR", at(log(0.25)))
    for name, risk in (("b", 1 / 9), ("c", 1 / 3)):
        assert found[name, "risk_difference", None]["median"] == pytest.approx(1000 * (risk - 0.2), abs=0.01)
        assert found[name, "risk_ratio", None]["median"] == pytest.approx(risk / 0.2, rel=1e-4)
        needed = found[name, "number_needed_to_treat", None]
        assert needed["median"] == pytest.approx(1 / (0.2 - risk), rel=1e-4)
        assert not needed["disjoint"] and "mean" not in needed
    assert not [key for key in found if key[0] == "a"]
    better = rows_of("OR", at(log(0.25)), better="higher")
    assert better["c", "number_needed_to_treat", None]["median"] == pytest.approx(7.5, rel=1e-3)


@pytest.mark.parametrize(
    ("measure", "mean", "effect", "risk"), [("RR", log(0.2), log(0.5), 0.1), ("RD", 0.2, -0.1, 0.1)]
)
def test_ratios_and_differences_of_risks(measure: str, mean: float, effect: float, risk: float) -> None:
    """Half of 200 in 1,000, or 100 fewer: 100 per 1,000 in either case, and ten to treat."""
    found = rows_of(measure, at(mean), np.tile([effect, 0.0], (400, 1)))
    assert found["b", "risk_difference", None]["median"] == pytest.approx(1000 * (risk - 0.2), abs=0.01)
    assert found["b", "number_needed_to_treat", None]["median"] == pytest.approx(10, rel=1e-3)
    assert (("b", "risk_ratio", None) in found) == (measure == "RD")


def test_no_risk_beyond_one() -> None:
    """Twice a risk of 0.6 is none, and says so; half of it is 0.3."""
    found = rows_of("RR", at(log(0.6)))
    assert found["c", "risk_difference", None]["reason"] == IMPOSSIBLE_RISK
    assert "median" not in found["c", "number_needed_to_treat", None]
    assert found["b", "risk_difference", None]["median"] == pytest.approx(-300, abs=0.01)


def test_survival_by_hand() -> None:
    """A median of 6 months: a quarter is alive at 12, a half with half the hazard; the means up to 12 months follow."""
    hazard = log(2) / 6
    found = rows_of("HR", at(log(hazard), times=(12.0,), restricted_to=12.0, time_unit="months"))
    assert [found[name, "survival", 12.0]["median"] for name in "abc"] == pytest.approx([0.25, 0.5, 0.0625], rel=1e-4)
    assert found["b", "risk_difference", 12.0]["median"] == pytest.approx(-250, abs=0.01)
    assert found["b", "number_needed_to_treat", 12.0]["median"] == pytest.approx(4, rel=1e-3)
    means = {name: (1 - s) / h for name, s, h in (("a", 0.25, hazard), ("b", 0.5, hazard / 2))}
    assert found["b", "restricted_mean_time", 12.0]["median"] == pytest.approx(means["b"], rel=1e-4)
    assert found["b", "restricted_mean_time", 12.0]["comparator"] == ""
    difference = found["b", "restricted_mean_difference", 12.0]
    assert difference["median"] == pytest.approx(means["b"] - means["a"], rel=1e-4)
    assert difference["unit"] == "months" and "exponential" in difference["assumptions"]
    assert rows_of("HR", at(log(hazard))) == {}


def drawn(baseline: BaselineSettings, effects: np.ndarray, seed: int) -> list[tuple[float, float]]:
    """Predictors of a and b, drawn one after the other by Python alone."""
    chance = random.Random(seed)
    found = []
    for _ in range(60_000):
        z = chance.gauss(0, 1)
        mu = baseline.median + z * (baseline.sd_below if z < 0 else baseline.sd_above)
        found.append((mu, mu + float(effects[chance.randrange(len(effects)), 0])))
    return found


def quantiles(values: list[float]) -> list[float]:
    """Limits and median."""
    ordered = sorted(values)
    return [ordered[int(p * len(ordered))] for p in (0.025, 0.5, 0.975)]


FUNCTIONS = {
    "OR": {
        ("risk_difference", None): lambda c, t: 1000 * (1 / (1 + exp(-t)) - 1 / (1 + exp(-c))),
        ("risk_ratio", None): lambda c, t: (1 + exp(-c)) / (1 + exp(-t)),
    },
    "RR": {("risk_difference", None): lambda c, t: 1000 * (exp(t) - exp(c))},
    "RD": {("risk_difference", None): lambda c, t: 1000 * (t - c), ("risk_ratio", None): lambda c, t: t / c},
    "HR": {
        ("survival", 10.0): lambda c, t: exp(-exp(t) * 10),
        ("risk_difference", 10.0): lambda c, t: 1000 * (exp(-exp(c) * 10) - exp(-exp(t) * 10)),
        ("restricted_mean_time", 18.0): lambda c, t: (1 - exp(-exp(t) * 18)) / exp(t),
        ("restricted_mean_difference", 18.0): lambda c, t: (
            (1 - exp(-exp(t) * 18)) / exp(t) - (1 - exp(-exp(c) * 18)) / exp(c)
        ),
    },
}


@pytest.mark.parametrize("measure", FUNCTIONS)
def test_against_draws(measure: str) -> None:
    """Mean, standard deviation, median and limits are those of draws made elsewhere, baseline and effect together."""
    rng = np.random.default_rng(7)
    mean, sd, effect = {
        "OR": (-1.0, 0.3, (-0.5, 0.2)),
        "RR": (-1.6, 0.1, (-0.3, 0.15)),
        "RD": (0.3, 0.03, (-0.08, 0.04)),
        "HR": (-2.0, 0.2, (-0.4, 0.2)),
    }[measure]
    effects = rng.normal(*effect, (4000, 2))
    baseline = BaselineSettings(
        regimen="a", median=mean, sd_below=sd, sd_above=1.5 * sd, figure="x", times=(10.0,), restricted_to=18.0
    )
    found, draws = rows_of(measure, baseline, effects), drawn(baseline, effects, 11)
    for (quantity, time), function in FUNCTIONS[measure].items():
        row, values = found["b", quantity, time], [function(c, t) for c, t in draws]
        spread = float(np.std(values))
        assert (row["mean"], row["sd"]) == pytest.approx((float(np.mean(values)), spread), abs=0.02 * spread)
        limits = [row[name] for name in ("lower", "median", "upper")]
        assert limits == pytest.approx(quantiles(values), abs=0.05 * spread)
    time = 10.0 if measure == "HR" else None
    difference, needed = (found["b", name, time] for name in ("risk_difference", "number_needed_to_treat"))
    assert needed["median"] == pytest.approx(-1000 / difference["median"])
    assert [needed["lower"], needed["upper"]] == pytest.approx(
        [-1000 / difference["lower"], -1000 / difference["upper"]]
    )


@pytest.mark.parametrize(
    ("centre", "disjoint", "shown"),
    [
        (0.1, False, "benefit 10 (7.2 to 16)"),
        (-0.1, False, "harm 10 (7.2 to 16)"),
        (0.02, True, "benefit 50 (benefit 17 to ∞ to harm 52)"),
        (-0.02, True, "harm 50 (benefit 52 to ∞ to harm 17)"),
    ],
)
def test_numbers_needed_to_treat(centre: float, disjoint: bool, shown: str) -> None:
    """Altman: an interval of the difference that contains 0 is one of the number in two pieces, through infinity."""
    benefit = centre + 0.02 * np.sqrt(2) * np.linspace(-1.96 / np.sqrt(2), 1.96 / np.sqrt(2), 100_001) / 0.95
    row = needed_to_treat(benefit)
    assert row["disjoint"] == disjoint
    assert row["median"] == pytest.approx(1 / centre, rel=1e-3)
    assert (row["lower"] > 0 > row["upper"]) == disjoint
    assert needed_words(row["median"], row["lower"], row["upper"], disjoint=disjoint) == shown
    assert needed_words(inf, 20, -20, disjoint=True) == "benefit ∞ (benefit 20 to ∞ to harm 20)"


def test_no_figures_without_evidence() -> None:
    """An extrapolated effect has rows that say so, and no figures."""
    found = rows_of("OR", at(log(0.25)), relative=RELATIVE)
    assert "extrapolated" in found["c", "risk_difference", None]["reason"]
    assert "median" not in found["c", "risk_difference", None]
    assert found["b", "risk_difference", None]["reason"] == ""
    settings = summary(measure="MD", likelihood="normal", baselines={"overall": at(1.0)})
    assert conversions(posterior(HALVED), ARMS, ABC, settings, KNOWN) == []


def test_the_table_of_the_report() -> None:
    """A row for every treatment, a column for every quantity, and a sentence where an interval is in two pieces."""
    names = Names(Labels(settings={"overall": "Overall"}, regimens={"a": "A", "b": "B", "c": "C"}), "", "", "")
    effects = np.random.default_rng(1).normal([-0.7, 0.0], 0.2, (4000, 2))
    rows = read_back(list(rows_of("OR", at(log(0.25)), effects).values()), COLUMNS)
    table = conversion_table(rows, "overall", names)
    assert table.columns == (
        "Treatment", "Difference in events per 1,000", "Number needed to treat", "Risk ratio",
    )  # fmt: skip
    (b, difference, needed, _), (c, _, through, _) = table.rows
    assert (b, c) == ("B", "C")
    assert difference.startswith("−") and needed.startswith("benefit")
    assert "∞" in through and "two pieces" in conversion_sentences(rows)[0]
    assert conversion_sentences([row for row in rows if row["treatment"] == "b"]) == []


def test_times_in_the_headings() -> None:
    """Every column of a hazard ratio says by when, in which unit."""
    names = Names(Labels(settings={"overall": "Overall"}, regimens={"a": "A", "b": "B", "c": "C"}), "", "", "")
    baseline = at(log(log(2) / 6), times=(12.0,), restricted_to=18.0, time_unit="months")
    table = conversion_table(read_back(list(rows_of("HR", baseline).values()), COLUMNS), "overall", names)
    assert table.columns == (
        "Treatment",
        "Free of the event by 12 months, %",
        "Mean months free of the event, up to 18 months",
        "Difference in events per 1,000 by 12 months",
        "Number needed to treat by 12 months",
        "Difference in these months",
    )
    assert [row[:2] for row in table.rows][:2] == [["A", "25.0 (25.0 to 25.0)"], ["B", "50.0 (50.0 to 50.0)"]]


@pytest.mark.parametrize(
    ("measure", "sd"), [("OR", sqrt(1 / 20 + 1 / 80)), ("RR", sqrt(1 / 20 - 1 / 100)), ("RD", 0.04)]
)
def test_events_as_a_baseline(measure: str, sd: float) -> None:
    """20 of 100 on the scale of each measure, with the large-sample error."""
    middle, below, above = Baseline(regimen="a", events=20, n=100).on_link(measure)
    assert middle == pytest.approx({"OR": log(0.25), "RR": log(0.2), "RD": 0.2}[measure])
    assert below == above == pytest.approx(sd)


def test_what_a_baseline_may_ask() -> None:
    """Times are of hazards; a risk has both of its limits between 0 and 1."""
    common = {"label": "Y", "better": "lower", "margin": 0.8, "prior": "p"}
    with pytest.raises(ValidationError, match="goes with measure HR"):
        Outcome.model_validate(
            common | {"measure": "OR", "baseline": {"regimen": "a", "events": 2, "n": 9, "times": [12]}}
        )
    with pytest.raises(ValidationError, match="the 95% limits of the risk are"):
        Outcome.model_validate(common | {"measure": "RR", "baseline": {"regimen": "a", "events": 8, "n": 9}})
    asked = {"regimen": "a", "median": 6, "lower": 4, "times": [12, 24], "restricted_to": 24}
    assert Outcome.model_validate(common | {"measure": "HR", "baseline": asked}).baseline
    assert {name for name, one in MEASURES.items() if one.absolute} == {"HR", "OR", "RR", "RD", "PD"}
