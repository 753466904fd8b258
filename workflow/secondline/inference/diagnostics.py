"""Convergence of a fit, and its agreement with the exact engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from secondline.cell_values import CHECKED
from secondline.inference.exact import GridPosterior
from secondline.inference.grid import SUMMARIES
from secondline.network.structure import Floats
from secondline.thresholds import MAX_PARETO_K, MAX_R_HAT, MAX_Z, MIN_ESS

DIAGNOSTIC_COLUMNS = (
    "parameter",
    "r_hat",
    "ess_bulk",
    "ess_tail",
    "mcse_mean",
    "mcse_mean_ratio",
    "mcse_limit_ratio",
    "divergences",
    "converged",
    "exact_check",
)
EXACT_COLUMNS = ("parameter", "quantity", "sampled", "exact", "mcse", "exact_error", "z", "pareto_k", "status")


@dataclass(frozen=True)
class Quantity:
    """A scalar parameter with its draws (chains, draws), and its exact summary with the engine's error, (4,) each.

    Both are not a number where the engine could not check it.
    """

    name: str
    draws: Floats
    exact: Floats
    exact_error: Floats


def convergence(quantities: Sequence[Quantity], divergences: int) -> list[dict[str, Any]]:
    """Rank R-hat, bulk and tail effective sample size and Monte Carlo error of every quantity (Vehtari 2021)."""
    from arviz_stats.base import array_stats

    draws = np.stack([quantity.draws for quantity in quantities], axis=-1)
    axes = {"chain_axis": 0, "draw_axis": 1}
    r_hat = array_stats.rhat(draws, **axes)
    bulk = array_stats.ess(draws, method="bulk", **axes)
    tail = array_stats.ess(draws, method="tail", prob=(0.05, 0.95), **axes)
    mcse = mean_mcse(draws)
    return [
        {
            "parameter": quantity.name,
            "r_hat": float(r_hat[k]),
            "ess_bulk": float(bulk[k]),
            "ess_tail": float(tail[k]),
            "mcse_mean": float(mcse[k]),
            "divergences": divergences,
        }
        for k, quantity in enumerate(quantities)
    ]


def mean_mcse(draws: Floats) -> Floats:
    """Monte Carlo error of the mean of draws (chains, draws, K)."""
    from arviz_stats.base import array_stats

    return np.asarray(array_stats.mcse(draws, method="mean", chain_axis=0, draw_axis=1))


def quantile_mcse(draws: Floats, probability: float) -> Floats:
    """Monte Carlo error of a quantile of draws (chains, draws, K): sqrt(p (1 - p) / ESS) over the density there.

    The density is that between the quantiles half as far from the end and half again as far: over the few draws within
    one standard error it would itself be known to a fifth at best, and a fit would fail its check by that noise.
    """
    from arviz_stats.base import array_stats

    ess = array_stats.ess(draws, method="quantile", prob=probability, chain_axis=0, draw_axis=1)
    window = min(probability, 1 - probability) / 2
    low, high = np.quantile(draws, [probability - window, probability + window], axis=(0, 1))
    return np.asarray(np.sqrt(probability * (1 - probability) / ess) * (high - low) / (2 * window))


def compare_with_exact(
    quantities: Sequence[Quantity], pareto_k: float | None, status: str = CHECKED
) -> list[dict[str, Any]]:
    """Compare mean, sd and 2.5% and 97.5% quantiles with the exact engine, in standard errors of both.

    Where there is no exact check, ``exact``, ``exact_error`` and ``z`` are not a number, and ``status`` says why.
    """
    from arviz_stats.base import array_stats

    axes = {"chain_axis": 0, "draw_axis": 1}
    draws = np.stack([quantity.draws for quantity in quantities], axis=-1)
    flat = draws.reshape(-1, draws.shape[-1])
    sampled = [flat.mean(axis=0), flat.std(axis=0, ddof=1), *np.quantile(flat, [0.025, 0.975], axis=0)]
    mcse = [
        mean_mcse(draws),
        array_stats.mcse(draws, method="sd", **axes),
        quantile_mcse(draws, 0.025),
        quantile_mcse(draws, 0.975),
    ]
    return [
        {
            "parameter": quantity.name,
            "quantity": summary,
            "sampled": float(sampled[s][k]),
            "exact": float(quantity.exact[s]),
            "mcse": float(mcse[s][k]),
            "exact_error": float(quantity.exact_error[s]),
            "z": float((sampled[s][k] - quantity.exact[s]) / np.hypot(mcse[s][k], quantity.exact_error[s])),
            "pareto_k": pareto_k,
            "status": status,
        }
        for k, quantity in enumerate(quantities)
        for s, summary in enumerate(SUMMARIES)
    ]


def has_converged(diagnostics: Sequence[Mapping[str, Any]], comparison: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every check holds: R-hat, effective sample sizes, no divergences, agreement with the exact engine.

    An engine that says it cannot check a fit speaks neither for nor against it.
    """
    sampled = all(
        row["r_hat"] < MAX_R_HAT and row["ess_bulk"] > MIN_ESS and row["ess_tail"] > MIN_ESS and row["divergences"] == 0
        for row in diagnostics
    )
    exact = all(
        abs(row["z"]) < MAX_Z and (row["pareto_k"] is None or row["pareto_k"] <= MAX_PARETO_K)
        for row in comparison
        if row["status"] == CHECKED
    )
    return sampled and exact


def pareto_k(posterior: GridPosterior) -> float | None:
    """Largest Pareto k of the importance weights over the grid points that hold more than 1% of the posterior.

    Returns ``None`` for an engine in closed form.
    """
    replicates, n_grid, draws = posterior.log_weights.shape
    if draws == 1:
        return None
    from arviz_stats.base import array_stats

    mass = np.exp(posterior.log_density - posterior.log_density.max()).mean(axis=0)
    heavy = mass > min(0.01 * mass.sum(), mass.max())
    heavy |= mass == mass.max()
    weights = posterior.log_weights.transpose(1, 0, 2).reshape(n_grid, replicates * draws)[heavy]
    # psislw takes log likelihoods, the negative of log weights.
    return float(np.max(array_stats.psislw(-weights, axis=-1)[1]))
