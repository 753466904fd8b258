"""Means and spreads from printed figures, and standardised differences: worked examples and properties."""

from math import inf, sqrt
from statistics import NormalDist, mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st
from secondline.project.moments import (
    combine,
    difference_of_means,
    difference_of_proportions,
    difference_se,
    quartile_moments,
    range_moments,
)

SAMPLES = st.lists(st.lists(st.floats(-100, 100), min_size=2, max_size=6), min_size=1, max_size=4)


def test_quartiles() -> None:
    """37 patients with 53 [49, 60]: the quartile stands at probability 27.625 / 37.25 = 0.7416, z 0.6483."""
    value, sd = quartile_moments(49, 53, 60, 37)
    assert value == 54
    assert sd == pytest.approx(11 / (2 * 0.64832), rel=1e-4)


def test_range() -> None:
    """25 patients with 4 (0 to 10): the ends stand at probability 24.625 / 25.25 = 0.97525, z 1.9642."""
    value, sd = range_moments(0, 4, 10, 25)
    assert value == 4.5
    assert sd == pytest.approx(10 / (2 * 1.9642), rel=1e-4)


def test_one_patient_has_no_spread() -> None:
    """No division by zero where nothing can be known."""
    assert quartile_moments(1, 2, 3, 1) == (2, None)
    assert range_moments(1, 2, 3, 1) == (2, None)


@given(st.floats(-50, 50), st.floats(0.1, 30), st.integers(500, 100_000))
def test_large_normal_samples_are_recovered(mu: float, sigma: float, n: int) -> None:
    """Quartiles of a normal distribution give its mean and standard deviation back."""
    normal = NormalDist(mu, sigma)
    value, sd = quartile_moments(normal.inv_cdf(0.25), mu, normal.inv_cdf(0.75), n)
    assert value == pytest.approx(mu, abs=1e-9 * sigma)
    assert sd == pytest.approx(sigma, rel=0.003)


def test_groups_together() -> None:
    """0 and 2 with 4 and 6: mean 3, sum of squares 20."""
    assert combine([(2, 1, sqrt(2)), (2, 5, sqrt(2))]) == pytest.approx((4, 3, sqrt(20 / 3)))
    assert combine([(2, 1, None), (2, 5, 1.0)]) == (4, 3, None)


@given(SAMPLES)
def test_groups_together_are_the_pooled_sample(samples: list[list[float]]) -> None:
    """Means and standard deviations of parts give those of the whole."""
    whole = [x for sample in samples for x in sample]
    n, value, sd = combine([(len(sample), mean(sample), stdev(sample)) for sample in samples])
    assert n == len(whole)
    assert value == pytest.approx(mean(whole), abs=1e-9)
    assert sd == pytest.approx(stdev(whole), abs=1e-6)


def test_difference_of_proportions() -> None:
    """0.5 against 0.25: 0.25 over the root of (0.25 + 0.1875) / 2, that is 0.534522."""
    assert difference_of_proportions(0.5, 0.25) == pytest.approx(0.534522, abs=1e-6)
    assert difference_of_proportions(1, 1) == difference_of_proportions(0, 0) == 0
    assert difference_of_proportions(0, 1) == -inf


def test_difference_of_means() -> None:
    """Two over the pooled deviation of 3 patients with 1 and 2 patients with 2: 2 over the root of (2 + 4) / 3."""
    assert difference_of_means((3, 7, 1), (2, 5, 2)) == pytest.approx(sqrt(2))
    assert difference_of_means((10, 10, 2), (10, 12, 2)) == -1
    assert difference_of_means((10, 10, None), (10, 12, 2)) is None


@given(st.floats(0, 1), st.floats(0, 1))
def test_direction(a: float, b: float) -> None:
    """The larger share first gives a positive difference, and the other way round the same with the other sign."""
    difference = difference_of_proportions(a, b)
    assert difference == -difference_of_proportions(b, a)
    assert (difference > 0) == (a > b) or abs(a - b) < 1e-300


def test_standard_error() -> None:
    """20 and 30 patients, difference 0.5: the root of 50 / 600 + 0.25 / 100."""
    assert difference_se(0.5, 20, 30) == pytest.approx(0.292973, abs=1e-6)
