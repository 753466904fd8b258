"""Every rung of the derivation ladder against numbers worked out by hand, and the laws that all rungs obey."""

from math import exp, inf, log, nan, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from secondline.evidence import derivation
from secondline.normal_deviate import two_sided_z

Z = 1.959963984540054  # qnorm(0.975)

P_VALUES = st.floats(1e-6, 0.999999)
EVENTS = st.floats(2, 500)
ARMS = st.integers(3, 400)
RATIOS = st.floats(0.02, 50).filter(lambda ratio: abs(log(ratio)) > 1e-3)


@pytest.mark.parametrize(
    ("p", "z"),
    [(0.05, 1.959964), (0.001, 3.290527), (0.01, 2.575829), (0.353, 0.928786), (0.633, 0.477509), (1.0, 0.0)],
)
def test_normal_deviates(p: float, z: float) -> None:
    """Deviates of two-sided p-values as tables print them."""
    assert two_sided_z(p) == pytest.approx(z, abs=2e-6)


@pytest.mark.parametrize(
    ("lower", "upper", "se"),
    [
        (0.16, 0.51, 0.295729),  # ditan_2022, OS: ln(0.51 / 0.16) = 1.159237, over 3.919928
        (1.142, 3.003, 0.246645),  # severance_2024, PFS: ln(3.003 / 1.142) = 0.966831
        (0.222, 0.833, 0.337342),  # nanchang_2022, OS, crude: ln(0.833 / 0.222) = 1.322356
        (0.5, 2.0, 0.353653),  # ln 4 = 1.386294
    ],
)
def test_standard_error_of_an_interval(lower: float, upper: float, se: float) -> None:
    """(ln U - ln L) / (2 z)."""
    assert derivation.interval_se(lower, upper) == pytest.approx(se, abs=2e-6)
    assert derivation.interval_se(lower, upper) == pytest.approx((log(upper) - log(lower)) / (2 * Z), rel=1e-12)


def test_standard_error_of_a_ninety_per_cent_interval() -> None:
    """At another level the deviate is another: 1.644854 for 90%."""
    assert derivation.interval_se(0.5, 2.0, 0.90) == pytest.approx(1.3862944 / (2 * 1.6448536), rel=1e-6)


def test_hazard_ratio_and_p() -> None:
    """HR 0.64 with p = 0.173 (ditan_2025, OS): z = 1.362627, ln 0.64 = -0.446287, se = 0.327520."""
    log_effect, se = derivation.hazard_ratio_p(0.64, 0.173)
    assert (log_effect, se) == pytest.approx((-0.446287, 0.327520), abs=3e-6)


def test_hazard_ratio_and_p_above_one() -> None:
    """HR 1.852 with p = 0.012 (severance_2024, PFS): z = 2.512144, ln 1.852 = 0.616266, se = 0.245315."""
    log_effect, se = derivation.hazard_ratio_p(1.852, 0.012)
    assert (log_effect, se) == pytest.approx((0.616266, 0.245315), abs=3e-6)


def test_log_rank_of_equal_arms() -> None:
    """44 deaths in 36 and 36 patients: V = 44 / 4 = 11, log HR = -0.928786 / sqrt(11) = -0.280040."""
    log_effect, se = derivation.log_rank_p(0.353, 44, 36, 36, True)
    assert (log_effect, se) == pytest.approx((-0.280040, 0.301511), abs=2e-6)


def test_log_rank_of_unequal_arms() -> None:
    """0.95 of 68 events in 41 and 27 patients: V = 64.6 * 41 * 27 / 68^2 = 15.465441."""
    log_effect, se = derivation.log_rank_p(0.633, 64.6, 41, 27, True)
    assert se == pytest.approx(1 / sqrt(15.465441), rel=1e-6)
    assert log_effect == pytest.approx(-0.477509 / sqrt(15.465441), abs=2e-6)


def test_medians() -> None:
    """Medians of 5.3 and 3.0 months: HR 3.0 / 5.3 = 0.566038."""
    assert derivation.median_ratio(5.3, 3.0) == pytest.approx(log(0.566038), abs=1e-6)


def test_standard_errors_of_medians() -> None:
    """Independent errors add in squares; an exponential median with d events has 1 / sqrt(d)."""
    assert derivation.sum_se(3.0, 4.0) == 5.0
    assert derivation.sum_se(derivation.events_se(20), derivation.events_se(17)) == pytest.approx(sqrt(1 / 20 + 1 / 17))


@pytest.mark.parametrize("p", [0.0, -0.1, 1.0001, nan])
def test_p_outside_its_range(p: float) -> None:
    """A p-value of 0 or beyond 1 is refused."""
    with pytest.raises(ValueError, match="p-value"):
        two_sided_z(p)


@pytest.mark.parametrize(("lower", "upper"), [(0.5, 0.5), (0.6, 0.5), (0.0, 0.5), (-1.0, 1.0), (nan, 1.0)])
def test_limits_out_of_order(lower: float, upper: float) -> None:
    """Limits that are not positive and increasing are refused."""
    with pytest.raises(ValueError, match="limits"):
        derivation.interval_se(lower, upper)


@pytest.mark.parametrize(("ratio", "p"), [(1.0, 0.5), (0.7, 1.0)])
def test_hazard_ratio_without_information(ratio: float, p: float) -> None:
    """A hazard ratio of 1 or a p of 1 gives no standard error."""
    with pytest.raises(ValueError, match="no standard error"):
        derivation.hazard_ratio_p(ratio, p)


@given(RATIOS, P_VALUES)
def test_swapping_the_arms_of_a_hazard_ratio(ratio: float, p: float) -> None:
    """The inverse ratio has the opposite sign and the same standard error."""
    forward, backward = derivation.hazard_ratio_p(ratio, p), derivation.hazard_ratio_p(1 / ratio, p)
    assert forward[0] == pytest.approx(-backward[0], rel=1e-9)
    assert forward[1] == pytest.approx(backward[1], rel=1e-9)


@given(P_VALUES, EVENTS, ARMS, ARMS, st.booleans())
def test_swapping_the_arms_of_a_log_rank_test(p: float, events: float, n: int, m: int, favours: bool) -> None:
    """The other arm above flips the sign and nothing else."""
    forward = derivation.log_rank_p(p, events, n, m, favours)
    backward = derivation.log_rank_p(p, events, m, n, not favours)
    assert forward[0] == pytest.approx(-backward[0], rel=1e-12)
    assert forward[1] == pytest.approx(backward[1], rel=1e-12)


@given(RATIOS, RATIOS)
def test_swapping_medians(treatment: float, comparator: float) -> None:
    """The ratio of medians is antisymmetric."""
    forward = derivation.median_ratio(treatment, comparator)
    assert forward == pytest.approx(-derivation.median_ratio(comparator, treatment), abs=1e-12)


@given(st.floats(0.01, 10), st.floats(1.01, 100), st.floats(0.01, 100))
def test_the_width_of_an_interval_has_no_unit(lower: float, ratio: float, unit: float) -> None:
    """The standard error depends on U / L alone, so months or days make no difference; nor does inverting."""
    se = derivation.interval_se(lower, lower * ratio)
    assert derivation.interval_se(lower * unit, lower * ratio * unit) == pytest.approx(se, rel=1e-7)
    assert derivation.interval_se(1 / (lower * ratio), 1 / lower) == pytest.approx(se, rel=1e-7)


@given(st.floats(-2, 2), st.floats(0.02, 2), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_an_interval_gives_back_its_standard_error(log_effect: float, se: float, level: float) -> None:
    """Limits made from a standard error lead back to it."""
    z = two_sided_z(1 - level)
    limits = exp(log_effect - z * se), exp(log_effect + z * se)
    assert derivation.interval_se(*limits, level) == pytest.approx(se, rel=1e-9)


@given(P_VALUES, P_VALUES, EVENTS, ARMS, ARMS)
def test_log_rank_in_p(p: float, q: float, events: float, n: int, m: int) -> None:
    """The standard error ignores p; the effect grows as p falls and has p as its own two-sided p."""
    (effect_p, se_p), (effect_q, se_q) = (derivation.log_rank_p(x, events, n, m, False) for x in (p, q))
    assert se_p == se_q
    assert (effect_p - effect_q) * (p - q) <= 0
    assert effect_p / se_p == pytest.approx(two_sided_z(p), rel=1e-9)


@given(EVENTS, EVENTS, ARMS, ARMS)
def test_log_rank_in_events(d: float, e: float, n: int, m: int) -> None:
    """More events never widen the standard error, and four times as many halve it."""
    assert (derivation.log_rank_p(0.5, d, n, m, True)[1] - derivation.log_rank_p(0.5, e, n, m, True)[1]) * (d - e) <= 0
    half = derivation.log_rank_p(0.5, 4 * d, n, m, True)[1]
    assert 2 * half == pytest.approx(derivation.log_rank_p(0.5, d, n, m, True)[1])


@given(RATIOS, P_VALUES)
def test_hazard_ratio_keeps_its_p(ratio: float, p: float) -> None:
    """The standard error is the one that gives the printed p back."""
    log_effect, se = derivation.hazard_ratio_p(ratio, p)
    assert 0 < se < inf
    assert abs(log_effect) / se == pytest.approx(two_sided_z(p), rel=1e-9)
