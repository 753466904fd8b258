"""The inner integral over a lattice of linear predictors that all inner integrals of an arm share.

The outer integral asks for that of an arm at many values of its fixed part eta, all with the same spread k and, where
there are any, the same cutpoints. With x = eta + k z in the place of z

    integral p(r | eta + k z) phi(z) dz = (1 / k) integral p(r | x) phi((x - eta) / k) dx,

so that the likelihood of the arm is evaluated once at every point x that is asked for, and an integral is a sum of
those values with normal weights: the trapezoid rule in steps as long as those of `nodes`, with the same check of its
error. Where that check fails, or an integral reaches beyond the lattice, there is no answer.
"""

from math import exp, log, nan, sqrt

import numba
import numpy as np

from secondline.inference.families import LOG_LIKELIHOOD, SCORE, TAU_SCORE, V, Y, density
from secondline.inference.kernels.arm_integral import LOG_ROOT, SKEWED
from secondline.inference.kernels.nodes import DEPTH, STEP_IN_SPREADS, is_resolved

_POINTS = 401
"""Of the lattice of an arm, which has its estimate in the middle."""
_IS_LAID, _STEP = range(2)


@numba.njit(cache=True)
def lattice_space(n_arms, width):
    """Allocate the lattices of ``n_arms`` arms with ``width`` terms: terms, which are known, steps, work space."""
    return (
        np.empty((n_arms, _POINTS, width)),
        np.zeros((n_arms, _POINTS), np.bool_),
        np.zeros((n_arms, 2)),
        np.empty(_POINTS),
    )


@numba.njit(cache=True)
def lay_lattice(space, a, k, arm):
    """Begin the lattice of an arm with the spread k; that of a skewed likelihood, or of no spread, has no points."""
    _, known, places, _ = space
    known[a] = False
    places[a, _IS_LAID] = 1.0 if k > 0.0 and arm[V] <= SKEWED else 0.0
    places[a, _STEP] = STEP_IN_SPREADS * k * sqrt(arm[V] / (arm[V] + k * k))


@numba.njit(cache=True)
def integrate_on_lattice(family, eta, k, arm, cuts, space, a, expected):
    """Log of the inner integral of an arm, see `arm_integral.integrate`; not a number where the lattice will not do."""
    terms, known, places, values = space
    if places[a, _IS_LAID] == 0.0:
        return nan
    step, middle = places[a, _STEP], _POINTS // 2
    centre = eta + k * k / (arm[V] + k * k) * (arm[Y] - eta)
    start = middle + round((centre - arm[Y]) / step)
    first, last, top = start, start - 1, -np.inf
    for direction in (1, -1):
        m = start if direction == 1 else start - 1
        while True:
            if m < 0 or m >= _POINTS:
                return nan
            x = arm[Y] + (m - middle) * step
            if not known[a, m]:
                density(family, arm, cuts, x, terms[a, m])
                known[a, m] = True
            z = (x - eta) / k
            values[m] = terms[a, m, LOG_LIKELIHOOD] - 0.5 * z * z
            first, last, top = min(first, m), max(last, m), max(top, values[m])
            if not values[m] > top - DEPTH:
                break
            m += direction
    if not is_resolved(values[first : last + 1], top):
        return nan
    total = 0.0
    expected[:] = 0.0
    for m in range(first, last + 1):
        weight = exp(values[m] - top)
        total += weight
        for t in range(expected.shape[0]):
            if t != TAU_SCORE:
                expected[t] += weight * terms[a, m, t]
        z = (arm[Y] + (m - middle) * step - eta) / k
        expected[TAU_SCORE] += weight * terms[a, m, SCORE] * z / sqrt(2.0)
    expected /= total
    return top + log(total * step / k) - LOG_ROOT
