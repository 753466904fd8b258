"""Signs: the effects of two trials, worked out by hand, in every measure and direction, whatever the order of rows."""

from collections.abc import Callable
from math import log

import numpy as np
import pytest
import secondline as sl
from secondline.likelihoods import CONTRASTS

from tests.test_library import VAGUE, arms, contrasts

# What two trials of x against p say, on the scale on which effects add up: by the formula of each measure.
_TWO_ARMS = {"study": list("AABB"), "drug": list("pxpx")}
_COUNTS = {**_TWO_ARMS, "r": [150, 300, 1500, 3000], "n": [1000, 1000, 10000, 10000]}
SIGNS: dict[str, tuple[Callable[[], sl.Network], sl.Model, float]] = {
    "OR": (lambda: arms(_COUNTS), sl.Model(likelihood="binomial", heterogeneity=False), log(300 / 700 / (150 / 850))),
    "HR": (
        lambda: arms({**_COUNTS, "time": [1.0, 4.0, 1.0, 4.0]}, time="time"),
        sl.Model(likelihood="binomial", link="cloglog", heterogeneity=False),
        log(-log(1 - 0.3) / 4 / -log(1 - 0.15)),
    ),
    "IRR": (
        lambda: arms({**_COUNTS, "time": [1000.0, 4000.0, 10000.0, 40000.0]}, time="time"),
        sl.Model(likelihood="poisson", heterogeneity=False),
        log(300 / 4000 / (150 / 1000)),
    ),
    "MD": (
        lambda: arms({**_TWO_ARMS, "m": [1.0, 0.5, 2.0, 1.5], "s": [0.1] * 4}, events=None, n=None, mean="m", se="s"),
        sl.Model(likelihood="normal", heterogeneity=False),
        -0.5,
    ),
    "SMD": (  # Hedges g: the difference in standard deviations of 2, times 1 - 3 / (4 * 198 - 1)
        lambda: arms(
            {**_TWO_ARMS, "m": [5.0, 4.0, 5.0, 4.0], "s": [2.0] * 4, "n": [100] * 4},
            events=None, mean="m", sd="s", measure="SMD",
        ),
        sl.Model(likelihood="normal", heterogeneity=False),
        -0.5 * (1 - 3 / (4 * 198 - 1)),
    ),
    "PD": (  # cutpoints at 0 and 0.6745 on the scale of the deviate of p, at 0.5 and 1.1745 on that of x
        lambda: arms(
            {**_TWO_ARMS, "low": [5000, 6915] * 2, "mid": [2500, 1884] * 2, "high": [2500, 1201] * 2},
            events=None, n=None, categories=["low", "mid", "high"],
        ),
        sl.Model(likelihood="ordered", link="probit", heterogeneity=False),
        -0.5,
    ),
    **{
        f"{measure} of contrasts": (
            lambda measure=measure: contrasts(
                {"t": ["x", "p"], "c": ["p", "x"], "y": [-0.5, 0.5], "se": [0.1, 0.1]}, measure=measure
            ),
            sl.Model(likelihood="normal", heterogeneity=False),
            -0.5,
        )
        for measure in CONTRASTS.scales
    },
}  # fmt: skip


@pytest.mark.parametrize("name", SIGNS)
def test_signs(name: str) -> None:
    """The effect of x against p, its opposite, and the better of the two in either direction, worked out by hand."""
    make, model, expected = SIGNS[name]
    result = sl.fit(make(), model, priors=sl.Priors(effect=sl.normal(100)))
    for better in ("lower", "higher"):
        effects = result.relative_effects(better=better).set_index(["treatment", "comparator"])
        assert effects.loc[("x", "p"), "mean"] == pytest.approx(expected, abs=0.02)
        assert effects.loc[("p", "x"), "mean"] == pytest.approx(-expected, abs=0.02)
        favours = float((expected < 0) == (better == "lower"))
        assert effects.loc[("x", "p"), "p_better"] == pytest.approx(favours, abs=0.01)
        best = result.ranking(better=better).set_index("treatment")["sucra"]
        assert best["x"] == pytest.approx(favours, abs=0.01)


def test_order_and_reference_do_not_matter() -> None:
    """Rows in reverse, or effects against another reference: the same posterior of every difference."""
    table = sl.example("parkinsons_arms")
    named = {"study": "study", "treatment": "treatment", "mean": "mean", "sd": "sd", "n": "n"}
    found = {}
    for key, frame, reference in (
        ("as given", table, "placebo"), ("reversed", table.iloc[::-1], "placebo"), ("turned", table, "ropinirole")
    ):  # fmt: skip
        net = sl.Network.from_arms(frame, **named, reference=reference)
        effects = sl.fit(net, sl.Model(likelihood="normal"), priors=VAGUE, draws=40_000).relative_effects(
            better="lower"
        )
        found[key] = effects.set_index(["treatment", "comparator"])[["mean", "sd", "p_better"]].sort_index()
    for key in ("reversed", "turned"):
        assert np.allclose(found[key], found["as given"], atol=0.03), key
