"""Interpolation in a tabulated integral: bicubic Hermite interpolation in (x, u), with derivatives.

A table has one entry for every two-arm study, its likelihood as a function of the difference s of its arms, and one for
every arm of other studies, its inner integral as a function of its linear predictor s. With y and v the estimate and
the variance of s and c its share of tau^2 (1 for a difference, 1/2 for an arm)

    x = (s - y) / sqrt(v + c tau^2),   u = asinh(tau / resolution)

are coordinates in which both integrals are smooth from tau = 0 to tau far beyond the standard errors. Beyond what the
data say their logarithms are all but quadratic in x, a plateau where an arm has no events, and under wide priors a
posterior goes far along it: there cells grow, each by the same factor.
"""

from math import log, sqrt

import numba
import numpy as np

from secondline.inference.families import SCORE, TAU_SCORE

HALF_WIDTH = 12.0  # of the part of a table, in x, where cells are equally wide
OUTER, GROWTH = 14, 1.3  # cells beyond on either side, each ending at so much more x: up to 473
STEP_U = 0.15  # between levels of u
VALUE, BY_X, BY_U, BY_XU = range(4)
CELL = 4  # values at a point


@numba.njit(cache=True)
def level_weights(levels, resolution, tau, weights):
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
def x_of(g, points):
    """Where a point of an entry is in x."""
    last = points - 1 - OUTER
    if g < OUTER:
        return -HALF_WIDTH * GROWTH ** (OUTER - g)
    if g > last:
        return HALF_WIDTH * GROWTH ** (g - last)
    return HALF_WIDTH * (2.0 * (g - OUTER) / (last - OUTER) - 1.0)


@numba.njit(cache=True)
def _cell_of(x, points):
    """Cell of an entry that holds x: its first point, or -1 outside."""
    if not abs(x) < HALF_WIDTH:
        beyond = log(abs(x) / HALF_WIDTH) / log(GROWTH)
        if not beyond < OUTER:
            return -1
        return points - 1 - OUTER + int(beyond) if x > 0.0 else OUTER - 1 - int(beyond)
    cells = points - 1 - 2 * OUTER
    return OUTER + min(int((x / HALF_WIDTH + 1.0) * 0.5 * cells), cells - 1)


@numba.njit(cache=True)
def _hermite(p, h, weights):
    """Weights (2, 4) of cubic Hermite interpolation in a cell of width h: value, slope, and their derivatives."""
    r = 1.0 - p
    weights[0, 0], weights[0, 1] = r * r * (3.0 - 2.0 * r), r * r * p * h
    weights[1, 0], weights[1, 1] = p * p * (3.0 - 2.0 * p), -p * p * r * h
    weights[0, 2], weights[0, 3] = -6.0 * p * r / h, -r * (2.0 - 3.0 * r)
    weights[1, 2], weights[1, 3] = 6.0 * p * r / h, -p * (2.0 - 3.0 * p)


@numba.njit(cache=True)
def look_up(entry, weights, s, y, variance, c_tau, found):
    """Interpolate the logarithm of an integral; fills its scores by s and by tau. Not a number outside the table.

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
    sd = sqrt(variance)
    x = (s - y) / sd
    g = _cell_of(x, points)
    if level < 0 or g < 0:
        return np.nan
    left = x_of(g, points)
    h = x_of(g + 1, points) - left
    _hermite((x - left) / h, h, weights)
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
