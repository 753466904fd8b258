"""Likelihood of counts with the study effects integrated out by adaptive Gauss-Hermite quadrature.

For a study with arms k, fixed parts f_k, baseline mu ~ N(0, s^2) and arm effects (tau / sqrt 2) z_k, z_k ~ N(0, 1):

    L = integral N(mu; 0, s^2) prod_k [ integral p(r_k | mu + f_k + (tau / sqrt 2) z) phi(z) dz ] dmu

Both integrals use nodes placed in closed form from a Gaussian approximation of each arm's likelihood (estimate y with
variance v on the link scale); the approximation places the nodes, the likelihood itself is exact, zero cells included.
The change of variables follows Liu & Pierce (1994) and is stable as tau goes to 0.
"""

from math import exp, log, log1p, sqrt

import numba
import numpy as np
from numpy.polynomial.hermite_e import hermegauss

from nma.network.design import ArmData, Floats

FEW = 5  # with fewer events or non-events in an arm the likelihood is skewed and needs more nodes
# Inner nodes for the arm effects, outer nodes for the baseline. The outer integrand, a product over arms, is smoother,
# but for arms in which nobody or everybody had the event: there the likelihood levels off on one side.
INNER, INNER_FEW = 7, 15
OUTER, OUTER_FEW, OUTER_NONE = 7, 9, 21

# columns of the arm table
_EVENTS, _N, _Y, _V = range(4)
# what `_study` accumulates for every arm
SCORE, TAU_SCORE, PROBABILITY, LOG_LIKELIHOOD = range(4)


def arm_table(data: ArmData) -> Floats:
    """Tabulate events, patients, empirical logit and its variance by arm, (arms, 4)."""
    events, others = data.events + 0.5, data.n - data.events + 0.5
    return np.column_stack([data.events, data.n, np.log(events / others), 1 / events + 1 / others])


def nodes(data: ArmData, factor: int = 1) -> tuple[Floats, Floats]:
    """Inner and outer nodes with their log weights for a standard normal, (J, 2) each.

    Parameters
    ----------
    factor : int
        Multiplies the numbers of nodes, to check the quadrature by doubling them.
    """
    fewest = np.minimum(data.events, data.n - data.events).min(initial=np.inf)
    inner = INNER_FEW if fewest < FEW else INNER
    outer = OUTER_NONE if fewest == 0 else OUTER_FEW if fewest < FEW else OUTER
    return _hermite(factor * inner), _hermite(factor * outer)


def _hermite(n: int) -> Floats:
    x, w = hermegauss(n)
    return np.column_stack([x, np.log(w / w.sum())])


@numba.njit(cache=True)
def _arm(fixed, k, arm, x, log_w, log_density, terms, expected):  # type: ignore[no-untyped-def]
    """Log of the inner integral of one arm, given mu + f = ``fixed``; fills ``expected`` (4,).

    ``log_density`` (J,) and ``terms`` (J, 4) are work space.
    """
    r, n, y, v = arm[_EVENTS], arm[_N], arm[_Y], arm[_V]
    w = 1.0 / (v + k * k)
    centre, spread = k * w * (y - fixed), sqrt(v * w)
    shift = -0.5 * log1p(k * k / v)
    top = -np.inf
    for j in range(x.shape[0]):
        z = centre + spread * x[j]
        eta = fixed + k * z
        e = exp(-abs(eta))
        p = 1.0 / (1.0 + e) if eta > 0 else e / (1.0 + e)
        log_lik = r * eta - n * (max(eta, 0.0) + log1p(e))
        terms[j, SCORE] = r - n * p
        terms[j, TAU_SCORE] = (r - n * p) * z / sqrt(2.0)
        terms[j, PROBABILITY] = p
        terms[j, LOG_LIKELIHOOD] = log_lik
        log_density[j] = log_w[j] + 0.5 * (x[j] ** 2 - z * z) + shift + log_lik
        top = max(top, log_density[j])
    total = 0.0
    expected[:] = 0.0
    for j in range(x.shape[0]):
        weight = exp(log_density[j] - top)
        total += weight
        for t in range(4):
            expected[t] += weight * terms[j, t]
    expected /= total
    return top + log(total)


@numba.njit(cache=True)
def _outer_nodes(f, k, arms, outer, baseline_sd, mu, log_weight):  # type: ignore[no-untyped-def]
    """Place the nodes ``mu`` of a study's baseline; ``log_weight`` includes its prior."""
    precision, mean = 1.0 / baseline_sd**2, 0.0
    for a in range(f.shape[0]):
        w = 1.0 / (arms[a, _V] + k * k)
        precision += w
        mean += w * (arms[a, _Y] - f[a])
    mean /= precision
    sd = 1.0 / sqrt(precision)
    for m in range(outer.shape[0]):
        x = outer[m, 0]
        mu[m] = mean + sd * x
        log_weight[m] = outer[m, 1] + 0.5 * (x**2 - (mu[m] / baseline_sd) ** 2) + log(sd / baseline_sd)


@numba.njit(cache=True)
def _average(log_weight, by_node, expected):  # type: ignore[no-untyped-def]
    """Log sum of the outer nodes; averages ``by_node`` (J, arms, T) over them into ``expected`` (arms, T)."""
    top = log_weight.max()
    total = 0.0
    expected[:] = 0.0
    for m in range(log_weight.shape[0]):
        weight = exp(log_weight[m] - top)
        total += weight
        for a in range(expected.shape[0]):
            for t in range(expected.shape[1]):
                expected[a, t] += weight * by_node[m, a, t]
    expected /= total
    return top + log(total)


@numba.njit(cache=True)
def log_likelihood(f, tau, arms, start, inner, outer, baseline_sd):  # type: ignore[no-untyped-def]
    """Marginal log likelihood of every study, and conditional expectations by arm.

    Parameters
    ----------
    f : array, (arms,)
        Fixed part of the linear predictor of every arm, centred within studies.
    tau : float
        Between-study standard deviation of contrasts.
    arms, start, inner, outer : arrays
        From `arm_table`, `ArmData.start` and `nodes`.
    baseline_sd : float
        Prior standard deviation of the study baselines.

    Returns
    -------
    array, (studies,)
        log L without the binomial coefficients.
    array, (arms, 4)
        Conditional expectations given f and tau: score (the derivative of log L by f, by Fisher's identity), its
        product with z / sqrt 2 (which sums to the derivative by tau), probability, log likelihood.
    """
    n_studies, n_outer, k = start.shape[0] - 1, outer.shape[0], tau / sqrt(2.0)
    x, log_w = inner[:, 0].copy(), inner[:, 1].copy()
    result, expected = np.empty(n_studies), np.empty((f.shape[0], 4))
    mu, log_weight = np.empty(n_outer), np.empty(n_outer)
    log_density, terms = np.empty(x.shape[0]), np.empty((x.shape[0], 4))
    for i in range(n_studies):
        a, b = start[i], start[i + 1]
        by_node = np.empty((n_outer, b - a, 4))
        _outer_nodes(f[a:b], k, arms[a:b], outer, baseline_sd, mu, log_weight)
        for m in range(n_outer):
            for arm in range(b - a):
                fixed = mu[m] + f[a + arm]
                log_weight[m] += _arm(fixed, k, arms[a + arm], x, log_w, log_density, terms, by_node[m, arm])
        result[i] = _average(log_weight, by_node, expected[a:b])
    return result, expected


@numba.njit(cache=True)
def log_likelihoods(f, tau, arms, start, inner, outer, baseline_sd):  # type: ignore[no-untyped-def]
    """`log_likelihood` for a batch of draws: f (B, arms), tau (B,) -> (B, studies) and (B, arms, 4)."""
    result = np.empty((f.shape[0], start.shape[0] - 1))
    expected = np.empty((f.shape[0], f.shape[1], 4))
    for i in range(f.shape[0]):
        result[i], expected[i] = log_likelihood(f[i], tau[i], arms, start, inner, outer, baseline_sd)
    return result, expected


# The inner integral of an arm depends on mu + f alone. Tabulated once for every tau of a grid, it makes the engine that
# evaluates it a million times some twenty times faster.
_REACH, _POINTS = 30.0, 401  # half width of a table in standard deviations sqrt(v + k^2), and its points


@numba.njit(cache=True)
def tabulate(tau, arms, inner):  # type: ignore[no-untyped-def]
    """Log inner integrals and their slopes on a grid around every arm's estimate: (taus, arms, points, 2)."""
    x, log_w = inner[:, 0].copy(), inner[:, 1].copy()
    table = np.empty((tau.shape[0], arms.shape[0], _POINTS, 2))
    log_density, terms, expected = np.empty(x.shape[0]), np.empty((x.shape[0], 4)), np.empty(4)
    for t in range(tau.shape[0]):
        k = tau[t] / sqrt(2.0)
        for a in range(arms.shape[0]):
            sd = sqrt(arms[a, _V] + k * k)
            for g in range(_POINTS):
                fixed = arms[a, _Y] + sd * _REACH * (2.0 * g / (_POINTS - 1) - 1.0)
                table[t, a, g, 0] = _arm(fixed, k, arms[a], x, log_w, log_density, terms, expected)
                table[t, a, g, 1] = expected[SCORE]
    return table


@numba.njit(cache=True)
def _look_up(table, arm, k, fixed, value):  # type: ignore[no-untyped-def]
    """Cubic Hermite interpolation of one arm's table, linear beyond it; ``value`` receives value and slope."""
    sd = sqrt(arm[_V] + k * k)
    h = 2.0 * _REACH * sd / (_POINTS - 1)
    position = (fixed - arm[_Y] + _REACH * sd) / h
    g = min(max(int(position), 0), _POINTS - 2)
    s = position - g
    y0, y1, d0, d1 = table[g, 0], table[g + 1, 0], table[g, 1] * h, table[g + 1, 1] * h
    if s < 0.0:
        value[0], value[1] = y0 + s * d0, d0 / h
    elif s > 1.0:
        value[0], value[1] = y1 + (s - 1.0) * d1, d1 / h
    else:
        c2, c3 = 3.0 * (y1 - y0) - 2.0 * d0 - d1, 2.0 * (y0 - y1) + d0 + d1
        value[0] = y0 + s * (d0 + s * (c2 + s * c3))
        value[1] = (d0 + s * (2.0 * c2 + 3.0 * s * c3)) / h


@numba.njit(cache=True)
def tabulated_log_likelihoods(f, index, tau, table, arms, start, outer, baseline_sd):  # type: ignore[no-untyped-def]
    """Total log likelihood and score of a batch of draws from a table: f (B, arms), index of tau (B,).

    Returns
    -------
    array, (B,)
    array, (B, arms)
    """
    n_nodes, n_studies = outer.shape[0], start.shape[0] - 1
    mu, log_weight, value = np.empty(n_nodes), np.empty(n_nodes), np.empty(2)
    result, score = np.zeros(f.shape[0]), np.empty(f.shape)
    by_node, expected = np.empty((n_nodes, f.shape[1], 1)), np.empty((f.shape[1], 1))
    for d in range(f.shape[0]):
        k = tau[index[d]] / sqrt(2.0)
        for i in range(n_studies):
            a, b = start[i], start[i + 1]
            _outer_nodes(f[d, a:b], k, arms[a:b], outer, baseline_sd, mu, log_weight)
            for m in range(n_nodes):
                for arm in range(a, b):
                    _look_up(table[index[d], arm], arms[arm], k, mu[m] + f[d, arm], value)
                    log_weight[m] += value[0]
                    by_node[m, arm - a, 0] = value[1]
            result[d] += _average(log_weight, by_node[:, : b - a], expected[: b - a])
            score[d, a:b] = expected[: b - a, 0]
    return result, score
