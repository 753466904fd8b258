"""Mixtures of normals and densities on a grid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from secondline.inference.grid import Axis, NormalMixture, density_summary, normalise, refine, weighted_quantiles


def test_single_normal() -> None:
    """One component is a normal distribution."""
    mixture = NormalMixture(np.ones(1), np.array([[0.3, -1.0]]), np.array([[2.0, 0.5]]))
    expected = stats.norm([0.3, -1.0], [2.0, 0.5])
    assert mixture.summary() == pytest.approx(
        np.stack([expected.mean(), expected.std(), expected.ppf(0.025), expected.ppf(0.975)]), abs=1e-9
    )


def test_two_components_by_hand() -> None:
    """Mean and variance of an unequal mixture: E[m] and E[s^2] + Var[m]."""
    mixture = NormalMixture(np.array([0.25, 0.75]), np.array([[0.0], [4.0]]), np.array([[1.0], [2.0]]))
    assert mixture.mean()[0] == pytest.approx(3.0)
    assert mixture.sd()[0] == pytest.approx(np.sqrt(0.25 * 1 + 0.75 * 4 + 0.25 * 9 + 0.75 * 1))
    lower = mixture.quantiles(np.array([0.025]))[0]
    assert mixture.cdf(lower)[0] == pytest.approx(0.025, abs=1e-9)


def test_point_masses_are_weighted_draws() -> None:
    """Without spread the quantiles are those of weighted draws."""
    draws = np.arange(101.0)[:, None]
    mixture = NormalMixture(np.full(101, 1 / 101), draws, np.zeros_like(draws))
    assert mixture.quantiles(np.array([0.5]))[0, 0] == pytest.approx(50)


@given(st.lists(st.floats(-5, 5), min_size=5, max_size=40))
def test_weighted_quantiles_do_not_depend_on_order(values: list[float]) -> None:
    """Permuting draws together with their weights changes nothing."""
    x = np.array(values)[:, None]
    weights = normalise(np.linspace(-1, 1, len(values)))
    p = np.array([0.1, 0.5, 0.9])
    order = np.random.default_rng(0).permutation(len(values))
    # Ties are broken by position; jitter them apart so that the order is not in play.
    x = x + np.arange(len(values))[:, None] * 1e-9
    assert weighted_quantiles(x, weights, p) == pytest.approx(weighted_quantiles(x[order], weights[order], p), abs=1e-6)


def test_half_normal_on_a_coarse_grid() -> None:
    """Eleven points of an even density give its moments and quantiles."""
    x = np.linspace(0, 5, 21)
    expected = stats.halfnorm()
    summary = density_summary(x, expected.pdf(x))
    assert summary == pytest.approx(
        [expected.mean(), expected.std(), expected.ppf(0.025), expected.ppf(0.975)], abs=2e-3
    )
    fine, density = refine(x, expected.pdf(x))
    assert np.trapezoid(density, fine) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(("mean", "sd"), [(1.3, 0.24), (0.9, 0.2), (0.3, 0.4), (0.0, 0.5)])
def test_narrow_densities_on_a_coarse_grid(mean: float, sd: float) -> None:
    """Eleven points, four of them where the density is: its moments and quantiles without ripples."""
    x = Axis(scale=0.5, upper=3.0, n=11).points
    density = stats.norm(mean, sd).pdf(x) + stats.norm(-mean, sd).pdf(x)
    folded = stats.foldnorm(mean / sd, scale=sd)
    summary = density_summary(x, density)
    truth = [folded.mean(), folded.std(), folded.ppf(0.025), folded.ppf(0.975)]
    assert summary == pytest.approx(truth, abs=0.02)
    fine, refined = refine(x, density)
    assert (refined >= 0).all()
    assert np.trapezoid(refined, fine) == pytest.approx(1, abs=0.02)


def test_axis_integrates_even_functions() -> None:
    """Twenty-one points spread over two decades integrate a narrow and a wide even density."""
    axis = Axis(scale=0.05, upper=6.0, n=41)
    for sd in (0.2, 1.0):
        density = stats.halfnorm(scale=sd).pdf(axis.points)
        assert density @ axis.weights() == pytest.approx(1, abs=1e-4)
        assert (density * axis.points**2) @ axis.weights() == pytest.approx(sd**2, rel=1e-3)
    assert Axis(1.0, 0.0, 9).points == pytest.approx([0.0])
    assert Axis(1.0, 0.0, 9).weights() == pytest.approx([1.0])


def test_axis_with_every_other_point() -> None:
    """The coarser rule of the same axis leaves out points and keeps the integral."""
    axis = Axis(scale=1.0, upper=5.0, n=21)
    weights = axis.weights(step=2)
    assert (weights[1::2] == 0).all()
    assert stats.halfnorm().pdf(axis.points) @ weights == pytest.approx(1, abs=1e-4)
