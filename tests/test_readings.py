"""What printed figures may stand for, by hand; and the limits over all readings against brute force."""

from functools import partial
from math import inf, isnan, log

import pytest
from hypothesis import given
from hypothesis import strategies as st
from secondline.evidence import derivation
from secondline.evidence.readings import DRAWS, Box, Quantity, added, exact, rounded
from secondline.normal_deviate import two_sided_z

PRINTED = st.integers(1, 5000).flatmap(lambda n: st.integers(0, 3).map(lambda d: (n / 10**d, f"{n / 10**d:.{d}f}")))


@pytest.mark.parametrize(
    ("value", "printed", "low", "high"),
    [
        (0.5, "0.5", 0.45, 0.55),
        (0.5, "0.50 (0.3-0.8)", 0.495, 0.505),
        (0.699, "p =0.699", 0.6985, 0.6995),
        (0.01, "P=0.010", 0.0095, 0.0105),
        (14.0, "7.63 (95% CI, 5.6–14)", 13.5, 14.5),
        (0.2, "0.34 (0.2–0.59)", 0.15, 0.25),
        (5.0, "5.0 (5 to 7)", 4.5, 5.5),  # printed twice: the fewest decimals
        (1.5, "1·50", 1.495, 1.505),  # a middle dot
        (0.05, "p = .05", 0.045, 0.055),
        (0.25, "one quarter", 0.245, 0.255),  # not printed as a number: as the sheet writes it
        (1e-05, "10⁻⁵", 5e-06, 1.5e-05),
        (120.0, "a hundred and twenty", 119.5, 120.5),
    ],
)
def test_what_a_figure_may_stand_for(value: float, printed: str, low: float, high: float) -> None:
    """Half a unit of the last digit printed, the upper limit itself left out."""
    quantity = rounded("x", value, printed)
    assert quantity.value == value
    assert quantity.low == low
    assert quantity.high == pytest.approx(high, rel=1e-12)
    assert quantity.high < high


def test_a_limit_on_a_quantity() -> None:
    """A p printed as 1.00 cannot be above 1."""
    assert rounded("p", 1.0, "1.00", limit=1.0) == Quantity("p", 1.0, 0.995, 1.0)


@given(PRINTED, st.floats(-0.499, 0.499))
def test_whatever_rounds_to_the_print_is_between_the_limits(number: tuple[float, str], share: float) -> None:
    """A number that rounds to the printed string lies within its limits."""
    value, text = number
    true = value + share * 10.0 ** -len(text.partition(".")[2])
    quantity = rounded("x", value, text)
    assert quantity.low <= true <= quantity.high


def test_sums() -> None:
    """Limits of a sum are the sums of the limits."""
    total = added("events", Quantity("a", 20, 18, 22), exact("b", 17))
    assert (total.value, total.low, total.high) == (37, 35, 39)


def test_limits_of_a_hazard_ratio_by_hand() -> None:
    """HR 0.34 (0.2-0.59): ln 0.335 to ln 0.345; widths from 0.585 / 0.25 to 0.595 / 0.15."""
    text = "0.34 (0.2–0.59)"
    figures = [rounded(name, value, text) for name, value in (("HR", 0.34), ("lower", 0.2), ("upper", 0.59))]
    effects, errors = zip(*Box(derivation.hazard_ratio_interval, tuple(figures)).spread(1).extremes, strict=True)
    assert (min(effects), max(effects)) == pytest.approx((log(0.335), log(0.345)))
    assert (min(errors), max(errors)) == pytest.approx((log(0.585 / 0.25) / 3.919928, log(0.595 / 0.15) / 3.919928))


def test_a_hazard_ratio_that_may_be_one() -> None:
    """HR 1.0, p 0.8: the standard error abs(ln HR) / z falls to 0 inside the box, which no corner of it shows."""
    ratio, p = rounded("HR", 0.98, "0.98", turns=(1.0,)), rounded("p", 0.8, "0.8")
    wide = Quantity("HR", ratio.value, 0.95, 1.05, (1.0,))
    errors = [se for _, se in Box(derivation.hazard_ratio_p, (wide, p)).spread(1).extremes]
    assert min(errors) == pytest.approx(0.0, abs=1e-14)
    assert max(errors) == pytest.approx(-log(0.95) / two_sided_z(0.85))


def test_a_p_that_may_be_one() -> None:
    """HR 0.9 with p 1.0 (0.95 to 1): nothing bounds the standard error."""
    reading = Box(derivation.hazard_ratio_p, (exact("HR", 0.9), Quantity("p", 0.99, 0.95, 1.0)))
    extremes = reading.spread(1).extremes
    assert max(se for _, se in extremes) == inf
    assert isnan(extremes[1][0])


def test_what_varied() -> None:
    """Names and limits of what is open, and nothing where nothing is."""
    p, events = rounded("p", 0.699, "0.699"), Quantity("events", 54.4, 44.2, 64.6)
    formula = partial(derivation.log_rank_p, n_treatment=41, n_comparator=27, favours_treatment=True)
    assert Box(formula, (p, events)).varied == "p 0.6985 to 0.6995; events 44.2 to 64.6"
    closed = Box(formula, (exact("p", 0.699), exact("events", 54.4)))
    assert closed.varied == ""
    assert closed.spread(1).draws == [closed.central()]
    assert set(closed.spread(1).extremes) == {closed.central()}


def test_the_other_way_round() -> None:
    """A ratio printed the other way round has the opposite effects and the same errors."""
    figures = (rounded("HR", 1.852, "1.852"), rounded("p", 0.012, "0.012"))
    forward, backward = (Box(derivation.hazard_ratio_p, figures, sign).spread(3) for sign in (1, -1))
    for part in (0, 1):
        assert [(-effect, se) for effect, se in forward[part]] == backward[part]


@given(
    st.floats(0.05, 5).filter(lambda ratio: round(ratio, 2) != 1),
    st.floats(1.1, 4),
    st.floats(1.1, 4),
    st.floats(0.001, 0.9),
    st.integers(0, 2**32 - 1),
)
def test_no_reading_lies_outside_the_limits(ratio: float, below: float, above: float, p: float, seed: int) -> None:
    """All rungs: every draw over the box lies between the extremes, and the central estimate too."""
    quantities = [
        rounded(name, round(value, 2) or 0.01, f"{round(value, 2) or 0.01:.2f}", turns=(1.0,))
        for name, value in (("HR", ratio), ("lower", ratio / below), ("upper", ratio * above + 0.05))
    ]
    p_value = rounded("p", round(p, 3), f"{p:.3f}", limit=1.0)
    events = Quantity("events", 30, 20, 40)
    log_rank = partial(derivation.log_rank_p, n_treatment=30, n_comparator=50, favours_treatment=True)
    boxes = [
        Box(derivation.hazard_ratio_p, (quantities[0], p_value)),
        Box(log_rank, (p_value, events)),
        Box(derivation.medians_events, (*quantities[:2], events, events)),
    ]
    if quantities[1].high < quantities[2].low:
        boxes.append(Box(derivation.hazard_ratio_interval, tuple(quantities)))
        boxes.append(Box(derivation.medians_interval, (*quantities[:2], *quantities[1:], *quantities[1:])))
    for box in boxes:
        extremes, draws = box.spread(seed)
        assert len(draws) == DRAWS
        for k in (0, 1):
            low, high = min(e[k] for e in extremes), max(e[k] for e in extremes)
            slack = 1e-9 * max(1.0, abs(low), abs(high))
            assert all(low - slack <= draw[k] <= high + slack for draw in [*draws, box.central()])


def test_draws_repeat() -> None:
    """The same seed gives the same draws, another seed others."""
    box = Box(derivation.hazard_ratio_p, (rounded("HR", 0.5, "0.5"), rounded("p", 0.04, "0.04")))
    assert box.spread(1).draws == box.spread(1).draws
    assert box.spread(1).draws != box.spread(2).draws
