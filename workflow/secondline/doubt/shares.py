"""How much of the variance of a result each axis explains: Sobol indices.

The first-order share of an axis is Var(E[f | level]) / Var(f), its total share E[Var(f | all other axes)] / Var(f).
On the whole factorial both are sums over its combinations. In a sample the first-order share comes from the means by
level, less what chance alone would give them, and the total share from pairs that differ in that axis alone.

References
----------
Sobol IM (2001) Mathematics and Computers in Simulation 55:271. Jansen MJW (1999) Computer Physics Communications
117:35 (the total share from such pairs).
"""

from dataclasses import dataclass

import numpy as np

from secondline.doubt.factorial import Factorial
from secondline.network.structure import Floats


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Shares of variance by axis.

    Parameters
    ----------
    variance : float
        Of the result over the combinations that have it.
    first_order, total : arrays, (axes,)
        nan where there is no variance, or nothing to tell it from.
    weight : float
        Weight of the combinations that have the result.
    """

    variance: float
    first_order: Floats
    total: Floats
    weight: float


def variance_shares(factorial: Factorial, values: Floats) -> Shares:
    """Compute the shares of variance of a result.

    Parameters
    ----------
    factorial : Factorial
    values : array, (combinations,)
        The result of every combination; nan where it has none, which leaves the combination out.
    """
    weights = np.where(np.isnan(values), 0.0, factorial.weights)
    weight, n = float(weights.sum()), len(factorial.axes)
    if not weight:
        return Shares(variance=np.nan, first_order=np.full(n, np.nan), total=np.full(n, np.nan), weight=0.0)
    values = values - weights @ np.nan_to_num(values) / weight
    known = np.nan_to_num(values)
    variance = float(weights @ known**2 / weight)
    if variance < 1e-24:
        return Shares(variance=0.0, first_order=np.full(n, np.nan), total=np.full(n, np.nan), weight=weight)
    if factorial.sampled:
        first, total = _sampled(factorial, known, weights, variance), _of_variants(factorial, values)
    else:
        first, total = _exact(factorial, known, weights)
    return Shares(variance=variance, first_order=first / variance, total=total / variance, weight=weight)


def _exact(factorial: Factorial, values: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Variance by axis that its level explains, and that remains given all others; centred values."""
    at = np.ravel_multi_index(tuple(factorial.levels.T), factorial.sizes)
    w, f = np.empty(len(values)), np.empty(len(values))
    w[at], f[at] = weights, values
    w, f = w.reshape(factorial.sizes), f.reshape(factorial.sizes)
    first, total, all_weight = [], [], w.sum()
    for a in range(f.ndim):
        others = tuple(b for b in range(f.ndim) if b != a)
        first.append(_squared_mean((w * f).sum(axis=others), w.sum(axis=others)) / all_weight)
        total.append(((w * f**2).sum() - _squared_mean((w * f).sum(axis=a), w.sum(axis=a))) / all_weight)
    return np.array(first), np.maximum(total, 0.0)


def _squared_mean(sums: Floats, weights: Floats) -> float:
    """Sum over groups of weight times squared mean."""
    return float(np.divide(sums**2, weights, out=np.zeros_like(sums), where=weights > 0).sum())


def _sampled(factorial: Factorial, values: Floats, weights: Floats, variance: float) -> Floats:
    """Estimate from a sample the variance by axis that its level explains; centred values."""
    result, n = [], int((weights > 0).sum())
    for a, size in enumerate(factorial.sizes):
        of = factorial.levels[:, a]
        sums, own = (np.bincount(of, w, minlength=size) for w in (weights * values, weights))
        between = _squared_mean(sums, own) / weights.sum()
        chance = ((own > 0).sum() - 1) * (variance - between) / max(n - size, 1)
        result.append(max(between - chance, 0.0))
    return np.array(result)


def _of_variants(factorial: Factorial, values: Floats) -> Floats:
    """Estimate by axis the variance that remains given all others, from pairs that differ in it alone."""
    result = []
    for a in range(len(factorial.axes)):
        one, other = factorial.variants[:, a].T
        squares = (values[one] - values[other]) ** 2
        known = squares[~np.isnan(squares)]
        result.append(0.5 * float(known.mean()) if len(known) else np.nan)
    return np.array(result)
