"""Tables of the integrals of a network, by difference of two-arm studies and by arm of others; see `lookup`.

An evaluation by adaptive Gauss-Hermite quadrature costs a microsecond an arm and baseline; looked up in a table that is
made once a fit, some nanoseconds.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import prod, sqrt

import numba
import numpy as np

from nma.inference.families import FITTED, SCORE, TAU_SCORE, V, Y, is_ordered
from nma.inference.inner import integrate
from nma.inference.lookup import BY_U, BY_X, BY_XU, CELL, HALF_WIDTH, STEP_U, VALUE, level_weights
from nma.inference.quadrature import ARM, START, entry_of, integrate_study, most_arms, work_space
from nma.network.structure import Floats

MOST = 2**27  # values in a table: a gigabyte


@dataclass(frozen=True)
class Table:
    """Integrals with their derivatives on a grid of u and x, (levels, points of all entries * 4)."""

    values: Floats
    resolution: float


NO_TABLE = Table(np.zeros((0, 0)), 1.0)


def tabulate(
    family: int, arms: Floats, studies: Floats, baseline_sd: float, tau_scale: float
) -> Table:
    """Tabulate the integrals of a network up to three prior standard deviations of tau, which may be 0.

    The table is empty where none is of use: without arms, with cutpoints, or where it would be too large.

    Parameters
    ----------
    family : int
        One of the families of `nma.network.data`.
    arms, studies : arrays
        From `quadrature.arm_table` and `study_table`.
    baseline_sd, tau_scale : float
        Prior scales of the study baselines and of tau.
    """
    if not len(arms) or is_ordered(family):
        return NO_TABLE
    resolution = float(np.sqrt(2 * arms[:, V].min()))
    intervals = max(int(np.ceil(np.arcsinh(3 * tau_scale / resolution) / STEP_U)), 1)
    if prod(shape := (intervals + 1, int(studies[-1, START]))) > MOST:
        return NO_TABLE
    key = arms.shape, np.ascontiguousarray(arms).tobytes(), np.ascontiguousarray(studies).tobytes()
    return _table(family, *key, baseline_sd, resolution, shape)


@lru_cache(maxsize=2)
def _table(
    family: int,
    arms_shape: tuple[int, ...],
    arms: bytes,
    studies: bytes,
    baseline_sd: float,
    resolution: float,
    shape: tuple[int, int],
) -> Table:
    """Fill a table, once for all that use it: the sampler, the exact engine and its searches."""
    values = np.empty(shape)
    unpacked = np.frombuffer(arms).reshape(arms_shape).copy(), np.frombuffer(studies).reshape(-1, 2).copy()
    _tabulate(family, *unpacked, baseline_sd, resolution, values)
    return Table(values, resolution)


@numba.njit(cache=True)
def _tabulate(family, arms, studies, baseline_sd, resolution, table):  # type: ignore[no-untyped-def]
    """Fill a table with values and derivatives, (levels, points of all entries * 4)."""
    work, n_u = work_space(most_arms(studies), FITTED + 1), table.shape[0]
    for i in range(studies.shape[0] - 1):
        a, b = int(studies[i, ARM]), int(studies[i + 1, ARM])
        points = entry_of(table, studies, i, 0, work[4])[2]
        by_arm = np.zeros((n_u, b - a, points, CELL))
        _tabulate_arms(family, arms[a:b], resolution, work[3], by_arm)
        flat = by_arm.reshape((n_u, (b - a) * points * CELL))
        if b - a == 2:
            flat = _tabulate_difference(family, arms[a:b], baseline_sd, resolution, work, flat)
        table[:, int(studies[i, START]) : int(studies[i + 1, START])] = flat


@numba.njit(cache=True)
def _grid(n_x):  # type: ignore[no-untyped-def]
    return np.linspace(-HALF_WIDTH, HALF_WIDTH, n_x)


@numba.njit(cache=True)
def _fill(cell, value, score, tau_score, x, variance, c_tau, by_u):  # type: ignore[no-untyped-def]
    """Turn the scores by s and by tau at constant s into those by x and by u at constant x."""
    cell[VALUE] = value
    cell[BY_X] = score * sqrt(variance)
    cell[BY_U] = (tau_score + cell[BY_X] * x * c_tau / variance) * by_u


@numba.njit(cache=True)
def _mix(table):  # type: ignore[no-untyped-def]
    """Fill the mixed derivatives of one entry (levels, points, 4) by differences of those by x."""
    for t in range(1, table.shape[0]):  # even in u: none at tau = 0
        above = min(t + 1, table.shape[0] - 1)
        table[t, :, BY_XU] = (table[above, :, BY_X] - table[t - 1, :, BY_X]) / (STEP_U * (above - t + 1))


@numba.njit(cache=True)
def _tabulate_arms(family, arms, resolution, space, table):  # type: ignore[no-untyped-def]
    """Fill the inner integrals of the arms of a study, (levels, arms, points, 4)."""
    cuts, expected, grid = np.zeros(1), np.empty(FITTED + 1), _grid(table.shape[2])
    for a in range(arms.shape[0]):
        for t in range(table.shape[0]):
            tau = resolution * np.sinh(STEP_U * t)
            by_u, variance = sqrt(tau * tau + resolution * resolution), arms[a, V] + 0.5 * tau * tau
            for g in range(grid.shape[0]):
                eta = arms[a, Y] + sqrt(variance) * grid[g]
                value = integrate(family, eta, tau / sqrt(2.0), arms[a], cuts, space, expected)
                cell = table[t, a, g]
                _fill(cell, value, expected[SCORE], expected[TAU_SCORE], grid[g], variance, 0.5 * tau, by_u)
        _mix(table[:, a])


@numba.njit(cache=True)
def _tabulate_difference(family, arms, baseline_sd, resolution, work, by_arm):  # type: ignore[no-untyped-def]
    """Outer integrals of a two-arm study, (levels, points * 4), from the inner ones of its arms one after the other."""
    n_u, points = by_arm.shape[0], by_arm.shape[1] // (2 * CELL)
    table, by_level = np.zeros((n_u, points, CELL)), np.empty((2, 4))
    cuts, expected, grid = np.zeros(1), np.empty((2, FITTED + 1)), _grid(points)
    f = np.empty(2)
    for t in range(n_u):
        tau = resolution * np.sinh(STEP_U * t)
        by_u, variance = sqrt(tau * tau + resolution * resolution), arms[0, V] + arms[1, V] + tau * tau
        entry = by_arm, 0, points, level_weights(n_u, resolution, tau, by_level), by_level
        for g in range(points):
            f[0] = 0.5 * (arms[0, Y] - arms[1, Y] + sqrt(variance) * grid[g])
            f[1] = -f[0]
            value = integrate_study(family, f, tau, cuts, arms, baseline_sd, entry, work, expected)
            score = 0.5 * (expected[0, SCORE] - expected[1, SCORE])
            tau_score = expected[0, TAU_SCORE] + expected[1, TAU_SCORE]
            _fill(table[t, g], value, score, tau_score, grid[g], variance, tau, by_u)
    _mix(table)
    return table.reshape((n_u, points * CELL))
