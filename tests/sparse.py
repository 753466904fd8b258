"""Sparse networks with the right answers: brute force on a dense grid, written down anew."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve
from scipy.special import expit, xlog1py, xlogy
from secondline.network.data import NetworkData, network_data

from scripts.calibrate import arm_row, plain

EIGHT = [
    ((1, 25), (0, 25)),
    ((2, 30), (0, 30)),
    ((0, 40), (1, 40)),
    ((3, 22), (0, 20)),
    ((0, 50), (0, 50)),
    ((0, 60), (2, 60)),
    ((1, 16), (0, 15)),
    ((4, 35), (1, 33)),
]
"""Eight trials of a drug against a control, (events, patients) of the control and of the drug."""
Trials = Sequence[tuple[tuple[int, int], tuple[int, int]]]


def two_arm_network(trials: Trials) -> NetworkData:
    """Trials of b against a as the data of a fit."""
    rows = [
        arm_row(f"s{i}", treatment, events, n)
        for i, trial in enumerate(trials)
        for treatment, (events, n) in zip("ab", trial, strict=True)
    ]
    return network_data(rows, plain("ab"), "binomial_logit")


@dataclass(frozen=True)
class Answer:
    """Mean, sd, 2.5% and 97.5% quantile of the effect and of tau."""

    d: np.ndarray
    tau: np.ndarray


STEP = 0.125  # of the baseline; effects are multiples of twice that


def brute_force(trials: Trials, tau_scale: float, effect_sd: float = 100.0, baseline_sd: float = 100.0) -> Answer:
    """Posterior of a two-arm network by two-dimensional quadrature on a grid of d and tau.

    The likelihood of an arm is averaged over its effect by convolution, that of a trial over its baseline by a sum.
    """
    mu = np.arange(-500, 500 + STEP / 2, STEP)
    reach = round(8 + 6 * tau_scale)
    d, tau = np.arange(-reach, reach, 4 * STEP if tau_scale > 2 else 2 * STEP), np.linspace(0, 5 * tau_scale, 101)
    log_prior = -0.5 * (mu / baseline_sd) ** 2
    table = -0.5 * (d / effect_sd) ** 2 - 0.5 * (tau[:, None] / tau_scale) ** 2
    shifts = np.round(d / 2 / STEP).astype(int)
    for trial in trials:
        p = expit(mu)
        arms = [np.exp(xlogy(r, p) + xlog1py(n - r, -p)) for r, n in trial]
        for t, value in enumerate(tau):
            if value:
                x = np.arange(-9 * value, 9 * value + STEP, STEP)
                kernel = np.exp(-((x - x.mean()) ** 2) / value**2)
                averaged = [fftconvolve(arm, kernel / kernel.sum(), mode="same") for arm in arms]
            else:
                averaged = arms
            # the control at mu - d / 2, the drug at mu + d / 2
            control, drug = (np.pad(arm, 400, mode="edge") for arm in averaged)
            for j, shift in enumerate(shifts):
                product = control[400 - shift : 400 - shift + len(mu)] * drug[400 + shift : 400 + shift + len(mu)]
                table[t, j] += np.log(np.exp(log_prior) @ np.maximum(product, 0.0))
    weights = np.exp(table - table.max())
    weights[0] /= 2  # the trapezoid rule in tau
    return Answer(_summary(d, weights.sum(axis=0)), _summary(tau, weights.sum(axis=1)))


def _summary(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    share = weights / weights.sum()
    mean = share @ x
    middle = np.cumsum(share) - share / 2
    middle[0] = 0.0
    return np.array([mean, np.sqrt(share @ (x - mean) ** 2), *np.interp([0.025, 0.975], middle, x)])
