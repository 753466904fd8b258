"""Mixtures of normals with the weights of a grid: probabilities, means and limits, in compiled code."""

import math

import numba
import numpy as np

_HALF = math.sqrt(0.5)
_DENSITY = 1 / math.sqrt(2 * math.pi)
_LIMIT = 1.959963984540054  # of a normal deviate, as a first guess at the limits of a mixture


@numba.njit(cache=True, nogil=True)
def p_above(weights, d, sd, sign):
    """Probability that a mixture of normals is above 0, or below it where the sign is negative."""
    result = 0.0
    for g in range(len(weights)):
        if weights[g] > 0:
            if sd[g] > 0:
                result += weights[g] * 0.5 * math.erfc(-sign * d[g] / sd[g] * _HALF)
            else:
                result += weights[g] * 0.5 * (1 + np.sign(sign * d[g]))
    return result


@numba.njit(cache=True, nogil=True)
def summary(weights, d, sd):
    """Mean and 95% limits of a mixture of normals."""
    mean, square = 0.0, 0.0
    for g in range(len(weights)):
        if weights[g] > 0:
            mean += weights[g] * d[g]
            square += weights[g] * (d[g] ** 2 + sd[g] ** 2)
    spread = math.sqrt(max(square - mean * mean, 0.0))
    if spread < 1e-9:
        return mean, mean, mean
    lower = _quantile(weights, d, sd, 0.025, mean - _LIMIT * spread, spread)
    return mean, lower, _quantile(weights, d, sd, 0.975, mean + _LIMIT * spread, spread)


@numba.njit(cache=True, nogil=True)
def _quantile(weights, d, sd, probability, guess, spread):
    """Quantile of a mixture of normals, by Newton steps kept within a bracket."""
    low, high, x = guess - 40 * spread, guess + 40 * spread, guess
    for _ in range(100):
        below, slope = -probability, 0.0
        for g in range(len(weights)):
            if weights[g] > 0:
                z = (x - d[g]) / max(sd[g], 1e-12)
                below += weights[g] * 0.5 * math.erfc(-z * _HALF)
                slope += weights[g] * _DENSITY * math.exp(-0.5 * z * z) / max(sd[g], 1e-12)
        if below > 0:
            high = x
        else:
            low = x
        step = below / slope if slope > 0 else 2 * (high - low)
        following = x - step if low < x - step < high else 0.5 * (low + high)
        if abs(following - x) < 1e-8 * spread:
            return following
        x = following
    return x
