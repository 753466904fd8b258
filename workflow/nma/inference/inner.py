"""The inner integral: the likelihood of one arm with its random effect integrated out."""

from math import exp, log, log1p, sqrt

import numba
import numpy as np

from nma.inference.families import FROM, LOG_LIKELIHOOD, SCORE, TAU_SCORE, TO, V, Y, density


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
