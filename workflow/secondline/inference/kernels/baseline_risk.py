"""Likelihood of a study whose effects depend on its own baseline (Dias, NICE DSU TSD3, 2011, example 6).

The linear predictor of the arm on the reference is u ~ N(0, s^2), and those of the other arms are

    eta_k = u + f_k + B (u - a) + delta_k,    delta_k ~ N(0, tau^2) with correlation 1/2

where a is a value near u, and f_k holds B (a - centre) beside the effect at the centre. The baseline is that of the
model, not the one observed. With delta_k = (tau / sqrt 2) (z_k + w) the arms are independent given u and w:

    L = integral N(u; 0, s^2) p(r_0 | u) N(w; 0, 1) prod_k [ integral p(r_k | eta_k) phi(z_k) dz_k ] dw du

With one arm beside the reference delta is normal by itself, and w is not needed. The integrand is log-concave in u.
"""

from math import exp, log, sqrt

import numba
import numpy as np

from secondline.inference.families import SCORE, TAU_SCORE, V, Y
from secondline.inference.kernels.arm_integral import LOG_ROOT, integrate
from secondline.inference.kernels.lattice import integrate_on_lattice, lay_lattice
from secondline.inference.kernels.nodes import FROM, SLOPE, TO, VALUE, X, advance, asked, average, begin

# the last columns of the arm table: 1 for arms that move with the baseline, and a
MOVES, NEAR = -2, -1
_STEP, _REACH = 0.35, 20
"""Equal steps of w, on either side of 0: its posterior is never narrower than 1 / sqrt(1 + arms)."""


@numba.njit(cache=True)
def integrate_at_baseline(family, f, slope, tau, arms, baseline_sd, work, expected):
    """Log likelihood of one study; fills ``expected`` (arms, T), the last term by the slope.

    Parameters
    ----------
    f, arms : arrays
        Of the study, with one arm on the reference.
    slope : float
        B, the change of the effects per unit of the baseline.
    tau : float
        0 or more.
    """
    alone = arms[:, MOVES].sum() < 1.5 or tau == 0.0
    for a in range(f.shape[0]):
        lay_lattice(work[5], a, arms[a, MOVES] * (tau if alone else tau / sqrt(2.0)), arms[a])
    if alone:
        return _given_common(family, f, slope, tau, 0.0, 0.0, arms, baseline_sd, work, expected)
    points, part = 2 * _REACH + 1, np.empty(expected.shape)
    values, parts = np.empty(points), np.empty((points, *expected.shape))
    for i in range(points):
        w = _STEP * (i - _REACH)
        value = _given_common(family, f, slope, tau / sqrt(2.0), w, 1.0, arms, baseline_sd, work, part)
        values[i], parts[i] = value - 0.5 * w * w, part
    top, total = values.max(), 0.0
    expected[:] = 0.0
    for i in range(points):
        weight = exp(values[i] - top)
        total += weight
        expected += weight * parts[i]
    expected /= total
    return top + log(total * _STEP) - LOG_ROOT


@numba.njit(cache=True)
def _given_common(family, f, slope, k, w, shared, arms, baseline_sd, work, expected):
    """Integrate over the baseline, given what the random effects of the arms share; ``k`` is the spread of the rest."""
    nodes, state, by_node, inner, _, lattices = work
    n_arms, width, cuts = f.shape[0], expected.shape[1], np.zeros(1)
    precision, mean = 1.0 / baseline_sd**2, 0.0
    for a in range(n_arms):
        moves, own = arms[a, MOVES], arms[a, MOVES] * k
        rise, weight = 1.0 + slope * moves, 1.0 / (arms[a, V] + own * own)
        precision += rise * rise * weight
        mean += rise * weight * (arms[a, Y] - f[a] + slope * moves * arms[a, NEAR] - own * w)
    begin(nodes, state, mean / precision, 1.0 / sqrt(precision), False)
    while asked(state):
        for s in range(int(state[FROM]), int(state[TO])):
            u = nodes[s, X]
            value, rising = -0.5 * (u / baseline_sd) ** 2, -u / baseline_sd**2
            for a in range(n_arms):
                moves, found = arms[a, MOVES], by_node[s, a * width : (a + 1) * width]
                beyond, own = moves * (u - arms[a, NEAR]), moves * k
                eta = u + f[a] + slope * beyond + own * w
                part = integrate_on_lattice(family, eta, own, arms[a], cuts, lattices, a, found)
                if np.isnan(part):
                    part = integrate(family, eta, own, arms[a], cuts, inner, found)
                value += part
                along = found[TAU_SCORE] + w * found[SCORE] / sqrt(2.0)
                found[TAU_SCORE] = moves * (along if shared > 0.0 else sqrt(2.0) * along)
                found[width - 1] = found[SCORE] * beyond
                rising += found[SCORE] * (1.0 + slope * moves)
            nodes[s, VALUE], nodes[s, SLOPE] = value, rising
        advance(nodes, state)
    means = np.empty(n_arms * width)
    result = average(nodes, state, by_node[:, : n_arms * width], means)
    for a in range(n_arms):
        expected[a] = means[a * width : (a + 1) * width]
    return result - LOG_ROOT - log(baseline_sd)
