"""The inner integral: the likelihood of one arm with its random effect integrated out."""

from math import log, pi, sqrt

import numba
import numpy as np

from secondline.inference.families import LOG_LIKELIHOOD, SCORE, TAU_SCORE, V, Y, density
from secondline.inference.kernels.nodes import (
    FROM,
    NODES,
    SLOPE,
    TO,
    VALUE,
    X,
    advance,
    asked,
    average,
    begin,
    node_space,
)

LOG_ROOT = 0.5 * log(2.0 * pi)
SKEWED = 0.6
"""Variance of an arm's estimate from which its likelihood is skewed: with one patient or none in its smallest group."""


@numba.njit(cache=True)
def arm_space(width):
    """Allocate what `integrate` writes to, for ``width`` terms."""
    nodes, state = node_space()
    return nodes, state, np.empty((NODES, width))


@numba.njit(cache=True)
def _guess(family, fixed, k, arm, cuts, terms):
    """Centre and spread of the arm's effect by the Gaussian approximation, or by its prior where that is more likely.

    The latter is so where the likelihood has levelled off.
    """
    v = arm[V]
    weight = 1.0 / (v + k * k)
    centre, spread = k * weight * (arm[Y] - fixed), sqrt(v * weight)
    if v > SKEWED:
        density(family, arm, cuts, fixed, terms)
        at_prior = terms[LOG_LIKELIHOOD]
        density(family, arm, cuts, fixed + k * centre, terms)
        if at_prior > terms[LOG_LIKELIHOOD] - 0.5 * centre * centre:
            return 0.0, 1.0
    return centre, spread


@numba.njit(cache=True)
def integrate(family, fixed, k, arm, cuts, space, expected):
    """Log of the inner integral of one arm, given mu + f = ``fixed``; fills ``expected`` (T,).

    ``space`` is from `arm_space`.
    """
    if k == 0.0:
        density(family, arm, cuts, fixed, expected)
        expected[TAU_SCORE] = 0.0
        return expected[LOG_LIKELIHOOD]
    nodes, state, terms = space
    centre, spread = _guess(family, fixed, k, arm, cuts, terms[0])
    begin(nodes, state, centre, spread, arm[V] > SKEWED)
    while asked(state):
        for s in range(int(state[FROM]), int(state[TO])):
            z = nodes[s, X]
            density(family, arm, cuts, fixed + k * z, terms[s])
            nodes[s, VALUE] = terms[s, LOG_LIKELIHOOD] - 0.5 * z * z
            nodes[s, SLOPE] = k * terms[s, SCORE] - z
            terms[s, TAU_SCORE] = terms[s, SCORE] * z / sqrt(2.0)
        advance(nodes, state)
    return average(nodes, state, terms, expected) - LOG_ROOT
