"""The coordinate of a heterogeneity scale: monotone over the whole line, and no step longer than the prior is wide."""

from math import asinh

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from secondline.inference.kernels.coordinates import REACH, Approximation, scale, sd_draws
from secondline.inference.kernels.design_blocks import blocks
from secondline.inference.priors import PriorScales
from secondline.sd_priors import HalfNormal

RAWS = st.floats(-200, 200)
PRIORS = st.floats(1e-3, 1e2)
UNITS = st.floats(1e-4, 1e6)


@given(RAWS, PRIORS, UNITS)
def test_the_scale_solves_its_equation(raw: float, prior: float, unit: float) -> None:
    """Raw = asinh(scale / unit) + scale / (REACH prior), whatever the sizes of prior and unit."""
    value = scale(raw, prior, unit)[0]
    assert asinh(value / unit) + value / (REACH * prior) == pytest.approx(raw, rel=1e-9, abs=1e-12)


@given(RAWS, PRIORS, UNITS)
def test_a_step_is_never_longer_than_the_prior_is_wide(raw: float, prior: float, unit: float) -> None:
    """The derivative is positive, below REACH prior everywhere and below ``unit`` at 0."""
    slope = scale(raw, prior, unit)[1]
    assert 0 < slope <= REACH * prior
    assert scale(0.0, prior, unit)[1] <= unit


@given(st.floats(-8, 8), st.floats(0.05, 5), st.floats(0.05, 5))
def test_derivatives(raw: float, prior: float, unit: float) -> None:
    """Slope and the derivative of its logarithm agree with central differences."""
    h = 1e-5
    below, here, above = (scale(raw + step, prior, unit) for step in (-h, 0.0, h))
    assert here[1] == pytest.approx((above[0] - below[0]) / (2 * h), rel=1e-6)
    assert here[2] == pytest.approx((np.log(above[1]) - np.log(below[1])) / (2 * h), abs=1e-5)


@pytest.mark.parametrize(("resolution", "expected"), [(0.02, (0.06, 0.06)), (0.3, (0.9, 0.5))])
def test_units(resolution: float, expected: tuple[float, float]) -> None:
    """Both scales are resolved as finely as the data do; omega at least as its prior does."""
    near = Approximation(blocks(np.eye(1), np.array([0, 1])), np.ones((1, 3)), np.ones(1), resolution)
    assert near.units(PriorScales(effect=1.0, tau=0.5, omega=0.25, baseline=1.0)) == pytest.approx(expected)


@given(st.lists(RAWS, max_size=5), PRIORS, UNITS)
def test_draws_are_the_scales_one_by_one(raws: list[float], prior: float, unit: float) -> None:
    """Odd, and the same for many draws as for one."""
    values = sd_draws(np.array(raws, float), np.array([*HalfNormal(prior).form, unit]))
    assert list(values) == [scale(raw, prior, unit)[0] for raw in raws]
    assert list(values) == [-scale(-raw, prior, unit)[0] for raw in raws]
