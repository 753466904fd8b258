"""How far effects widen when a prior scale is doubled: every scale counts, and the sampling error comes beside it."""

import numpy as np
import pytest
from secondline.inference import exact
from secondline.inference.priors import PriorScales
from secondline.inference.widening import Covariances, prior_covariances
from secondline.network.data import network_data

from tests.networks import arm_row, contrast_row, plain

# Relative effects of a published network that is almost a tree, log hazard ratios with standard errors.
TREE = [("s1", "b", "a", -0.3, 0.1), ("s2", "c", "a", 0.2, 0.12), ("s3", "d", "b", 0.1, 0.09)]


def test_the_prior_of_tau_counts() -> None:
    """In a tree tau is its prior's: doubling that prior widens every effect by all of its share of the variance."""
    data = network_data([contrast_row(*row) for row in TREE], plain("abcd"), "contrasts")
    scales = PriorScales(100.0, 2.0, 0.0, 2.5)
    found = prior_covariances(data, scales, exact.posterior(data, scales))
    assert list(found.pooled) == ["fitted", "effect_doubled", "tau_doubled"]
    widening, error, prior = found.widening(np.eye(3))
    steps = np.array([1, 1, 2])
    squares = np.array([0.1**2, 0.12**2, 0.1**2 + 0.09**2])
    variance = {scale: squares + steps * scale**2 for scale in (2.0, 4.0)}  # E tau^2 of a half-normal is scale^2
    assert widening == pytest.approx(np.sqrt(variance[4.0] / variance[2.0]) - 1, rel=2e-2)
    assert (error == 0).all()
    assert prior.tolist() == ["tau"] * 3


def test_counts_have_an_error_that_covers_the_truth() -> None:
    """The widening of counts by sampling against many more draws, in its own standard errors."""
    cells = [("s1", 4, 20, 9, 22), ("s2", 2, 15, 3, 14), ("s3", 7, 30, 5, 33)]
    rows = [row for s, r0, n0, r1, n1 in cells for row in (arm_row(s, "a", r0, n0), arm_row(s, "b", r1, n1))]
    data, scales = network_data(rows, plain("ab"), "binomial_logit"), PriorScales(1.5, 1.0, 0.0, 2.5)
    coarse, fine = (
        prior_covariances(data, scales, exact.posterior(data, scales, exact.effort(data, scales, factor)))
        for factor in (0.05, 4)
    )
    (widening, error, _), (truth, _, _) = coarse.widening(np.eye(1)), fine.widening(np.eye(1))
    assert 0 < error[0] < 0.01
    assert widening == pytest.approx(truth, abs=4 * error[0] + 1e-3)


def test_error_of_a_widening_is_the_spread_of_its_replicates() -> None:
    """By hand."""
    pooled = {"fitted": np.eye(1), "tau_doubled": np.eye(1) * 1.195**2}
    spread = {"fitted": np.ones((4, 1, 1)), "tau_doubled": np.array([1.17, 1.21, 1.19, 1.21]).reshape(4, 1, 1) ** 2}
    widening, error, prior = Covariances(pooled, spread).widening(np.eye(1))
    assert widening[0] == pytest.approx(0.195)
    assert prior.tolist() == ["tau"]
    assert error[0] == pytest.approx(np.std([1.17, 1.21, 1.19, 1.21], ddof=1) / 2)


def near_the_cut() -> Covariances:
    """Widen one effect by 0.195 (0.01) under a doubled tau, and by 0.05 (0) under a doubled effect prior."""
    pooled = {"fitted": np.eye(1), "effect_doubled": np.eye(1) * 1.05**2, "tau_doubled": np.eye(1) * 1.195**2}
    spread = {
        "fitted": np.ones((4, 1, 1)),
        "effect_doubled": np.full((4, 1, 1), 1.05**2),
        "tau_doubled": np.array([1.17, 1.21, 1.19, 1.21]).reshape(4, 1, 1) ** 2,
    }
    return Covariances(pooled, spread)


def test_a_widening_near_the_cut_is_undecided_until_more_draws_settle_it() -> None:
    """By hand: 0.195 is half an error under the cut of 0.20; 0.17 (0.001) is not near it."""
    coarse = near_the_cut()
    assert coarse.undecided(np.eye(1)) == ["tau_doubled"]
    steps = np.array([1.169, 1.171, 1.170, 1.170]).reshape(4, 1, 1) ** 2
    finer = Covariances(
        {"fitted": np.eye(1), "tau_doubled": np.eye(1) * 1.17**2},
        {"fitted": np.ones((4, 1, 1)), "tau_doubled": steps},
    )
    settled = coarse.updated(finer)
    assert list(settled.pooled) == ["fitted", "effect_doubled", "tau_doubled"]
    assert settled.undecided(np.eye(1)) == []
    widening, error, prior = settled.widening(np.eye(1))
    assert widening == pytest.approx([0.17])
    assert 0 < error[0] < 0.001
    assert prior.tolist() == ["tau"]


def test_chains_are_replicates_where_the_engine_cannot_be_relied_on() -> None:
    """Sampled covariances: draws with known standard deviations, one coefficient and two."""
    rng = np.random.default_rng(1)
    draws = {"fitted": rng.normal(size=(4, 5000, 2)), "tau_doubled": 1.5 * rng.normal(size=(4, 5000, 2))}
    widening, error, _ = Covariances.of_chains(draws).widening(np.array([[1.0, 0.0], [1.0, -1.0]]))
    assert widening == pytest.approx(0.5, abs=5 * error.max())
    assert (error > 0).all()
    assert (error < 0.03).all()
    single, _, _ = Covariances.of_chains({k: d[..., :1] for k, d in draws.items()}).widening(np.eye(1))
    assert single == pytest.approx(widening[:1])
