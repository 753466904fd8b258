"""Looking a tabulated integral up: bicubic Hermite interpolation in (x, u), with derivatives.

A table has one entry for every two-arm study, its likelihood as a function of the difference s of its arms, and one for
every arm of other studies, its inner integral as a function of its linear predictor s. With y and v the estimate and
the variance of s and c its share of tau^2 (1 for a difference, 1/2 for an arm)

    x = (s - y) / sqrt(v + c tau^2),   u = asinh(tau / resolution)

are coordinates in which both integrals are smooth from tau = 0 to tau far beyond the standard errors.
"""

from math import sqrt

import numba
import numpy as np

from nma.inference.families import SCORE, TAU_SCORE

HALF_WIDTH = 12.0  # of a table, in x
STEP_U = 0.15  # between levels of u
VALUE, BY_X, BY_U, BY_XU = range(4)
CELL = 4  # values at a point


@numba.njit(cache=True)
def level_weights(levels, resolution, tau, weights):  # type: ignore[no-untyped-def]
    """Level below a tau, and weights (2, 4) of values and slopes in u there, with derivatives by tau.

    The level is -1 from the last of a number of ``levels`` on.
    """
    level = np.arcsinh(tau / resolution) / STEP_U
    if not level < levels - 1:
        return -1
    t = int(level)
    by_tau = 1.0 / sqrt(tau * tau + resolution * resolution)
    _hermite(level - t, STEP_U, weights)
    weights[:, 2:] *= by_tau
    return t


@numba.njit(cache=True)
def _hermite(p, h, weights):  # type: ignore[no-untyped-def]
    """Weights (2, 4) of cubic Hermite interpolation in a cell of width h: value, slope, and their derivatives."""
    r = 1.0 - p
    weights[0, 0], weights[0, 1] = r * r * (3.0 - 2.0 * r), r * r * p * h
    weights[1, 0], weights[1, 1] = p * p * (3.0 - 2.0 * p), -p * p * r * h
    weights[0, 2], weights[0, 3] = -6.0 * p * r / h, -r * (2.0 - 3.0 * r)
    weights[1, 2], weights[1, 3] = 6.0 * p * r / h, -p * (2.0 - 3.0 * p)


@numba.njit(cache=True)
def look_up(entry, weights, s, y, variance, c_tau, found):  # type: ignore[no-untyped-def]
    """Look a logarithm of an integral up; fills its scores by s and by tau. Not a number outside the table.

    Parameters
    ----------
    entry : table, start, points, level, by_level
        The table (levels, points of all entries * 4), where the entry starts in a level and its number of points; then
        from `level_weights`.
    weights : array, (2, 4)
        Work space.
    s, y, variance, c_tau : float
        As above; v + c tau^2, and its half derivative c tau.
    """
    table, start, points, level, by_level = entry
    sd, h = sqrt(variance), 2.0 * HALF_WIDTH / (points - 1)
    x = (s - y) / sd
    position = (x + HALF_WIDTH) / h
    if level < 0 or not 0.0 <= position < points - 1:
        return np.nan
    g = int(position)
    _hermite(position - g, h, weights)
    value, by_x, by_tau = 0.0, 0.0, 0.0
    for i in range(2):
        a0, a1, b0, b1 = by_level[i]
        for j in range(2):
            c0, c1, d0, d1 = weights[j]
            at = start + CELL * (g + j)
            f, f_x = table[level + i, at + VALUE], table[level + i, at + BY_X]
            f_u, f_xu = table[level + i, at + BY_U], table[level + i, at + BY_XU]
            along, along_u = c0 * f + c1 * f_x, c0 * f_u + c1 * f_xu
            value += a0 * along + a1 * along_u
            by_tau += b0 * along + b1 * along_u
            by_x += a0 * (d0 * f + d1 * f_x) + a1 * (d0 * f_u + d1 * f_xu)
    found[SCORE] = by_x / sd
    found[TAU_SCORE] = by_tau - by_x * x * c_tau / variance
    return value
