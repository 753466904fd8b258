"""Tables of the integrals of a network, by difference of two-arm studies and by arm of others; see `lookup`.

An evaluation by quadrature costs tens of microseconds a study, and ten times that with empty cells; looked up in a
table that is made once a study, some nanoseconds.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import sqrt

import numba
import numpy as np

from secondline.inference.families import FITTED, SCORE, TAU_SCORE, V, Y, is_ordered
from secondline.inference.kernels.arm_integral import integrate
from secondline.inference.kernels.interpolation import BY_U, BY_X, BY_XU, CELL, STEP_U, VALUE, level_weights, x_of
from secondline.inference.kernels.study_integral import ARM, START, entry_of, integrate_study, most_arms, work_space
from secondline.network.structure import Floats

MOST = 2**27  # values in a table: a gigabyte
DEPTH = 40.0  # below the top of an entry, in the logarithm, beyond which it is not tabulated
ACCURACY = 3e-5
"""Of the logarithm in the middle of a cell: a cell that misses it is not a number, and evaluated directly."""


@dataclass(frozen=True)
class Table:
    """Integrals with their derivatives on a grid of u and x, (levels, points of all entries * 4)."""

    values: Floats
    resolution: float


NO_TABLE = Table(np.zeros((0, 0)), 1.0)


def tabulate(family: int, arms: Floats, studies: Floats, baseline_sd: float, tau_scale: float) -> Table:
    """Tabulate the integrals of a network up to six scales of the doubled prior of tau, which may be 0.

    The table is empty where none is of use: without arms, with cutpoints, or where it would be too large.

    Parameters
    ----------
    family : int
        One of the families of `secondline.network.data`.
    arms, studies : arrays
        From `quadrature.arm_table` and `study_table`.
    baseline_sd, tau_scale : float
        Prior scales of the study baselines and of tau.
    """
    if not len(arms) or is_ordered(family):
        return NO_TABLE
    resolution = float(np.sqrt(2 * arms[:, V].min()))
    asked, doubled = (_levels(scale, resolution) for scale in (tau_scale, 2 * tau_scale))
    if asked * int(studies[-1, START]) > MOST:
        return NO_TABLE
    return _table(family, _Key(arms), _Key(studies), baseline_sd, resolution, asked, doubled)


def _levels(tau_scale: float, resolution: float) -> int:
    """Levels of u up to six prior standard deviations of tau."""
    return max(int(np.ceil(np.arcsinh(6 * tau_scale / resolution) / STEP_U)), 1) + 1


class _Key:
    """An array that a cache distinguishes from others by its values."""

    def __init__(self, array: Floats) -> None:
        self.array = np.ascontiguousarray(array)
        self.values = array.shape, self.array.tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.values == other.values

    def __hash__(self) -> int:
        return hash(self.values)


@lru_cache(maxsize=1)
def _table(
    family: int, arms: _Key, studies: _Key, baseline_sd: float, resolution: float, asked: int, doubled: int
) -> Table:
    """Put the entries of the studies side by side; one that is made serves a doubled prior, too."""
    entries = []
    for (first, start), (last, end) in pairwise(studies.array[:, [ARM, START]].astype(int).tolist()):
        made = _made(family, _Key(arms.array[first:last]), end - start, baseline_sd, resolution)
        if not made or len(made[0]) < asked:
            made[:] = [_entry(family, arms.array[first:last], (doubled, end - start), baseline_sd, resolution)]
        entries.append(made[0])
    shared = min(doubled, *(len(entry) for entry in entries))
    return Table(np.hstack([entry[:shared] for entry in entries]), resolution)


@lru_cache(maxsize=1024)
def _made(family: int, arms: _Key, size: int, baseline_sd: float, resolution: float) -> list[Floats]:
    """Entry of a study, once it is made, for all that use it: sampler, exact engine, and every fit without a study."""
    return []


def _entry(family: int, arms: Floats, shape: tuple[int, int], baseline_sd: float, resolution: float) -> Floats:
    """Tabulate a study, (levels, points of its entries * 4)."""
    studies, values = np.array([[0.0, 0.0], [len(arms), shape[1]]]), np.empty(shape)
    _tabulate(family, arms.copy(), studies, baseline_sd, resolution, values)
    return values


@numba.njit(cache=True)
def _tabulate(family, arms, studies, baseline_sd, resolution, table):
    """Fill a table with values and derivatives, (levels, points of all entries * 4)."""
    work, n_u = work_space(most_arms(studies), FITTED + 1), table.shape[0]
    for i in range(studies.shape[0] - 1):
        a, b = int(studies[i, ARM]), int(studies[i + 1, ARM])
        points = entry_of(table, studies, i, 0, work[4])[2]
        size = points * CELL
        by_arm = np.full((n_u, (b - a) * size), np.nan)
        for arm in range(a, b):
            start = (arm - a) * size
            _tabulate_arm(family, arms[arm], resolution, work[3], by_arm[:, start : start + size])
        if b - a == 2:
            difference = np.full((n_u, size), np.nan)
            _tabulate_difference(family, arms[a:b], baseline_sd, resolution, work, by_arm, difference)
            by_arm = difference
        table[:, int(studies[i, START]) : int(studies[i + 1, START])] = by_arm


@numba.njit(cache=True)
def _middle(g, points):
    """Middle of a cell in x."""
    return 0.5 * (x_of(g, points) + x_of(g + 1, points))


@numba.njit(cache=True)
def _tau(t, resolution):
    """Give tau at a level."""
    return resolution * np.sinh(STEP_U * t)


@numba.njit(cache=True)
def _fill(level, g, found, resolution, tau, variance, c_tau):
    """Write a value and its scores by s and by tau at constant s, as those by x and by u at constant x."""
    value, score, tau_score = found
    cell = level[g * CELL : (g + 1) * CELL]
    by_u, x = sqrt(tau * tau + resolution * resolution), x_of(g, level.shape[0] // CELL)
    cell[VALUE] = value
    cell[BY_X] = score * sqrt(variance)
    cell[BY_U] = (tau_score + cell[BY_X] * x * c_tau / variance) * by_u


@numba.njit(cache=True)
def _mix(entry):
    """Fill the mixed derivatives of one entry (levels, points * 4) by differences of those by x."""
    entry[0, BY_XU::CELL] = 0.0  # even in u
    for t in range(1, entry.shape[0]):
        above = min(t + 1, entry.shape[0] - 1)
        entry[t, BY_XU::CELL] = (entry[above, BY_X::CELL] - entry[t - 1, BY_X::CELL]) / (STEP_U * (above - t + 1))


@numba.njit(cache=True)
def _outwards(level, i):
    """Give the i-th point of a level, from the middle to the right and then to the left; -1 once enough is known.

    An integral is a log-concave function of x: beyond where it is negligible it stays so.
    """
    points = level.shape[0] // CELL
    middle = points // 2
    g = middle + i if middle + i < points else points - 1 - i
    before = g - 1 if g > middle else g + 1
    if g == middle:
        return g
    value = level[before * CELL + VALUE]
    return g if value > np.nanmax(level[VALUE::CELL]) - DEPTH else -1


@numba.njit(cache=True)
def _at_arm(family, arm, tau, x, space, expected):
    """Inner integral of an arm, its scores by s and by tau; see `lookup`."""
    eta = arm[Y] + sqrt(arm[V] + 0.5 * tau * tau) * x
    value = integrate(family, eta, tau / sqrt(2.0), arm, np.zeros(1), space, expected[0])
    return value, expected[0, SCORE], expected[0, TAU_SCORE]


@numba.njit(cache=True)
def _at_difference(family, arms, tau, x, baseline_sd, work, entry, expected):
    """Outer integral of a two-arm study, its scores by s and by tau; the inner ones are looked up where they can be."""
    f = np.empty(2)
    f[0] = 0.5 * (arms[0, Y] - arms[1, Y] + sqrt(arms[0, V] + arms[1, V] + tau * tau) * x)
    f[1] = -f[0]
    value = integrate_study(family, f, tau, np.zeros(1), arms, baseline_sd, entry, work, expected)
    return value, 0.5 * (expected[0, SCORE] - expected[1, SCORE]), expected[0, TAU_SCORE] + expected[1, TAU_SCORE]


@numba.njit(cache=True)
def _tabulate_arm(family, arm, resolution, space, entry):
    """Fill the inner integrals of an arm, (levels, points * 4)."""
    expected, points = np.empty((1, FITTED + 1)), entry.shape[1] // CELL
    for t in range(entry.shape[0]):
        tau = _tau(t, resolution)
        for i in range(points):
            g = _outwards(entry[t], i)
            if g >= 0:
                found = _at_arm(family, arm, tau, x_of(g, points), space, expected)
                _fill(entry[t], g, found, resolution, tau, arm[V] + 0.5 * tau * tau, 0.5 * tau)
    _mix(entry)
    for t in range(entry.shape[0] - 1):
        tau = _tau(t + 0.5, resolution)
        for g in range(points - 1):
            if _is_known(entry, t, g):
                value = _at_arm(family, arm, tau, _middle(g, points), space, expected)[0]
                _verify(entry, t, g, value)


@numba.njit(cache=True)
def _tabulate_difference(family, arms, baseline_sd, resolution, work, by_arm, entry):
    """Outer integrals of a two-arm study, (levels, points * 4), from the inner ones of its arms one after the other."""
    expected, by_level = np.empty((2, FITTED + 1)), np.empty((2, 4))
    n_u, points = entry.shape[0], entry.shape[1] // CELL
    for t in range(n_u):
        tau = _tau(t, resolution)
        inner = by_arm, 0, points, level_weights(n_u, resolution, tau, by_level), by_level
        for i in range(points):
            g = _outwards(entry[t], i)
            if g >= 0:
                found = _at_difference(family, arms, tau, x_of(g, points), baseline_sd, work, inner, expected)
                _fill(entry[t], g, found, resolution, tau, arms[0, V] + arms[1, V] + tau * tau, tau)
    _mix(entry)
    for t in range(n_u - 1):
        tau = _tau(t + 0.5, resolution)
        inner = by_arm, 0, points, level_weights(n_u, resolution, tau, by_level), by_level
        for g in range(points - 1):
            if _is_known(entry, t, g):
                x = _middle(g, points)
                _verify(entry, t, g, _at_difference(family, arms, tau, x, baseline_sd, work, inner, expected)[0])


@numba.njit(cache=True)
def _is_known(entry, t, g):
    """Whether all corners of a cell are tabulated."""
    return not np.isnan(entry[t : t + 2, g * CELL : (g + 2) * CELL].sum())


@numba.njit(cache=True)
def _verify(entry, t, g, value):
    """Make a cell, and the neighbours that share its first corner, not a number if it is wrong in its middle."""
    points = entry.shape[1] // CELL
    total, u, x = 0.0, 0.125 * STEP_U, 0.125 * (x_of(g + 1, points) - x_of(g, points))
    for i in range(2):
        for j in range(2):
            c = entry[t + i, (g + j) * CELL : (g + j + 1) * CELL]
            over, beyond = u * (1 - 2 * i), x * (1 - 2 * j)
            total += 0.25 * c[VALUE] + 0.5 * (beyond * c[BY_X] + over * c[BY_U]) + over * beyond * c[BY_XU]
    if not abs(total - value) < ACCURACY:
        entry[t, g * CELL + VALUE] = np.nan
