"""Hazard ratios of three arms, each pair from a Cox model of its own: how well they add up where nothing is wrong."""

import numpy as np
from secondline.project.arm_variances import PairwiseEffect
from secondline.project.config_parts import AuditLimits
from secondline.project.covariance import StudyContrasts, solve_covariance
from secondline.project.covariance_checks import TOLERATED_LOOP

from tests.simulated_studies import Follow, cox

PAIRS = ((0, 2), (1, 2), (0, 1))


def three_arms(rng: np.random.Generator, adjusted: bool) -> StudyContrasts:
    """Simulate a trial whose hazards are not quite proportional, and print its three ratios with two decimals."""
    n = rng.integers(20, 250, 3)
    arm = np.repeat([0, 1, 2], n)
    marker = (rng.random(n.sum()) < rng.uniform(0.2, 0.7, 3)[arm]).astype(float)
    shape = (rng.uniform(0.8, 1.8) * np.exp(rng.normal(0, 0.1, 3)))[arm]
    risk = rng.normal(0, 0.4, 3)[arm] + rng.normal(0.4, 0.4) * marker
    time = 12 * np.exp(-risk / shape) * rng.weibull(shape)
    censored = rng.uniform(3, 33, n.sum())
    follow = Follow(np.minimum(time, censored), time <= censored)
    effects = []
    for a, b in PAIRS:
        chosen = (arm == a) | (arm == b)
        x = np.column_stack([arm == a, marker])[chosen].astype(float)
        estimate, se = cox(follow.of(chosen), x if adjusted else x[:, :1])
        printed = max(round(float(np.exp(estimate)), 2), 0.01)
        effects.append(PairwiseEffect(str(a), str(b), float(np.log(printed)), se))
    return solve_covariance(["0", "1", "2"], effects)


def test_ratios_of_consistent_trials_add_up() -> None:
    """Of 200 analyses at most a tenth are flagged, and none comes near an error."""
    rng, limits = np.random.default_rng(11), AuditLimits()
    found = [three_arms(rng, adjusted) for _ in range(100) for adjusted in (False, True)]
    loops = np.array([contrasts.loop_in_se for contrasts in found])
    assert np.mean(loops > TOLERATED_LOOP) < 0.1
    assert loops.max() < limits.loop_error
    assert max(contrasts.inconsistency for contrasts in found) < limits.fold_error
