"""How far effects widen when a prior scale is doubled: every scale counts, and the sampling error comes beside it."""

import numpy as np
import pytest
from nma.inference import exact
from nma.inference.scales import PriorScales
from nma.inference.widening import Covariances, prior_covariances
from nma.network.data import network_data

from tests.networks import arm_row, contrast_row, plain

# Relative effects of a published network that is almost a tree, log hazard ratios with standard errors.
TREE = [("s1", "b", "a", -0.3, 0.1), ("s2", "c", "a", 0.2, 0.12), ("s3", "d", "b", 0.1, 0.09)]


def test_the_prior_of_tau_counts() -> None:
    """In a tree tau is its prior's: doubling that prior widens every effect by all of its share of the variance."""
    data = network_data([contrast_row(*row) for row in TREE], plain("abcd"))
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
    data, scales = network_data(rows, plain("ab")), PriorScales(1.5, 1.0, 0.0, 2.5)
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
