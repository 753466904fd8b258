"""The inner integral: the likelihood of one arm with its random effect integrated out.

It depends on the sum eta of baseline and fixed part, and on tau. Evaluated by adaptive Gauss-Hermite quadrature it
costs some microseconds; it is tabulated once a fit, and looked up.
"""

from dataclasses import dataclass
from math import exp, log, log1p, sqrt

import numba
import numpy as np

from nma.inference.families import FITTED, FROM, LOG_LIKELIHOOD, SCORE, TAU_SCORE, TO, V, Y, density, is_ordered
from nma.network.structure import Floats

# Arms of a network and points of its table, coarser the more there are; beyond, a table would take over a gigabyte.
POINTS = {1_000: 121, 12_000: 61}
REACH = 12.0  # half width of a table in standard deviations of the arm and its effect
STEP_U = 0.15  # between values of asinh(tau / resolution)
VALUE, BY_X, BY_U, BY_XU = range(4)


@numba.njit(cache=True)
def integrate(family, fixed, k, arm, cuts, inner, log_density, terms, expected):  # type: ignore[no-untyped-def]
    """Log of the inner integral of one arm, given mu + f = ``fixed``; fills ``expected`` (T,).

    ``log_density`` (J,) and ``terms`` (J, T) are work space.
    """
    first, last = int(arm[FROM]), int(arm[TO])
    if k == 0.0:
        density(family, arm, cuts, fixed, expected)
        expected[TAU_SCORE] = 0.0
        return expected[LOG_LIKELIHOOD]
    v = arm[V]
    w = 1.0 / (v + k * k)
    centre, spread = k * w * (arm[Y] - fixed), sqrt(v * w)
    shift = -0.5 * log1p(k * k / v)
    top = -np.inf
    for j in range(last - first):
        x = inner[first + j, 0]
        z = centre + spread * x
        density(family, arm, cuts, fixed + k * z, terms[j])
        terms[j, TAU_SCORE] = terms[j, SCORE] * z / sqrt(2.0)
        log_density[j] = inner[first + j, 1] + 0.5 * (x * x - z * z) + shift + terms[j, LOG_LIKELIHOOD]
        top = max(top, log_density[j])
    total = 0.0
    expected[:] = 0.0
    for j in range(last - first):
        weight = exp(log_density[j] - top)
        total += weight
        for t in range(expected.shape[0]):
            expected[t] += weight * terms[j, t]
    expected /= total
    return top + log(total)


@dataclass(frozen=True)
class InnerTable:
    """Inner integrals of every arm on a grid of u and x, with their derivatives, (taus * arms, points * 4).

    What one tau needs stands together.
    x = (eta - y) / sqrt(v + tau^2 / 2) and u = asinh(tau / resolution): in these coordinates the integral is smooth
    from tau = 0 to tau far beyond the standard errors of the arms.
    """

    values: Floats
    resolution: float


def inner_table(family: int, arms: Floats, inner: Floats, tau_scale: float) -> InnerTable:
    """Tabulate the inner integrals of a network up to three prior standard deviations of tau.

    The table is empty where none is of use: without heterogeneity, with cutpoints, or with too many arms.
    """
    n_x = next((points for most, points in POINTS.items() if len(arms) <= most), 0)
    if not (tau_scale and n_x and len(arms)) or is_ordered(family):
        return InnerTable(np.zeros((0, 0)), 1.0)
    resolution = float(np.sqrt(2 * arms[:, V].min()))
    n_u = int(np.ceil(np.arcsinh(3 * tau_scale / resolution) / STEP_U)) + 1
    return InnerTable(_tabulate(family, arms, inner, resolution, n_u, n_x).reshape(-1, n_x * 4), resolution)


@numba.njit(cache=True)
def _tabulate(family, arms, inner, resolution, n_u, n_x):  # type: ignore[no-untyped-def]
    """Values and derivatives on the grid, (taus, arms, points, 4)."""
    table, cuts = np.zeros((n_u, arms.shape[0], n_x, 4)), np.zeros(1)
    log_density, terms, expected = (
        np.empty(inner.shape[0]),
        np.empty((inner.shape[0], FITTED + 1)),
        np.empty(FITTED + 1),
    )
    for a in range(arms.shape[0]):
        for t in range(n_u):
            tau = resolution * np.sinh(STEP_U * t)
            variance = arms[a, V] + 0.5 * tau * tau
            sd = sqrt(variance)
            for g in range(n_x):
                x = REACH * (2.0 * g / (n_x - 1) - 1.0)
                eta = arms[a, Y] + sd * x
                cell = table[t, a, g]
                cell[VALUE] = integrate(
                    family, eta, tau / sqrt(2.0), arms[a], cuts, inner, log_density, terms, expected
                )
                cell[BY_X] = expected[SCORE] * sd
                by_tau = expected[TAU_SCORE] + cell[BY_X] * x * 0.5 * tau / variance
                cell[BY_U] = by_tau * sqrt(tau * tau + resolution * resolution)
        for t in range(n_u):
            below, above = max(t - 1, 0), min(t + 1, n_u - 1)
            for g in range(n_x):
                # even in u: no mixed derivative at tau = 0
                if t > 0:
                    change = table[above, a, g, BY_X] - table[below, a, g, BY_X]
                    table[t, a, g, BY_XU] = change / (STEP_U * (above - below))
    return table


@numba.njit(cache=True)
def level_weights(table, resolution, n_arms, tau, weights):  # type: ignore[no-untyped-def]
    """Level of the table below a tau, and weights (2, 4) of values and slopes in u there, with derivatives by tau.

    The level is -1 outside the table.
    """
    n_u = table.shape[0] // max(n_arms, 1)
    level = np.arcsinh(tau / resolution) / STEP_U
    if not level < n_u - 1:
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
def look_up(table, row, n_arms, by_level, weights, arm, sd, half_tau, eta, expected):  # type: ignore[no-untyped-def]
    """Inner integral of one arm by bicubic Hermite interpolation; fills its scores. Not a number outside the table.

    ``row`` is that of the arm at the level below; ``weights`` (2, 4) is work space; ``half_tau`` is tau / 2.
    """
    n_x = table.shape[1] // 4
    h = 2.0 * REACH / (n_x - 1)
    x = (eta - arm[Y]) / sd
    position = (x + REACH) / h
    if not 0.0 <= position < n_x - 1:
        return np.nan
    g = int(position)
    _hermite(position - g, h, weights)
    value, by_x, by_tau = 0.0, 0.0, 0.0
    for i in range(2):
        a0, a1, b0, b1 = by_level[i]
        for j in range(2):
            c0, c1, d0, d1 = weights[j]
            at = 4 * (g + j)
            f, f_x = table[row + i * n_arms, at + VALUE], table[row + i * n_arms, at + BY_X]
            f_u, f_xu = table[row + i * n_arms, at + BY_U], table[row + i * n_arms, at + BY_XU]
            along, along_u = c0 * f + c1 * f_x, c0 * f_u + c1 * f_xu
            value += a0 * along + a1 * along_u
            by_tau += b0 * along + b1 * along_u
            by_x += a0 * (d0 * f + d1 * f_x) + a1 * (d0 * f_u + d1 * f_xu)
    expected[SCORE] = by_x / sd
    expected[TAU_SCORE] = by_tau - by_x * x * half_tau / (sd * sd)
    return value
