"""Likelihood of counts with the study effects integrated out by adaptive Gauss-Hermite quadrature.

For a study with arms k, fixed parts f_k, baseline mu ~ N(0, s^2) and arm effects (tau / sqrt 2) z_k, z_k ~ N(0, 1):

    L = integral N(mu; 0, s^2) prod_k [ integral p(r_k | mu + f_k + (tau / sqrt 2) z) phi(z) dz ] dmu

Both integrals use nodes placed in closed form from a Gaussian approximation of each arm's likelihood (estimate y with
variance v on the link scale); the approximation places the nodes, the likelihood itself is exact, zero cells included.
The change of variables follows Liu & Pierce (1994) and is stable as tau goes to 0.
"""

from math import exp, log, sqrt

import numba
import numpy as np
from numpy.polynomial.hermite_e import hermegauss

from nma.inference.families import TAU_SCORE, V, Y, fewest, gaussian_approximation, place
from nma.inference.inner import integrate, level_weights, look_up
from nma.network.data import ORDERED_LOGIT, ORDERED_PROBIT, CountData
from nma.network.structure import Floats

# Nodes by the number of patients in the smallest group of an arm (inner nodes, for the arm effect) or of a study (outer
# nodes, for the baseline): with few of them the likelihood is skewed, with none it levels off on one side. The outer
# integrand, a product over arms, is the smoother one.
RULES = (0, 4, 19)
"""None, fewer than 5, fewer than 20, more."""
INNER, OUTER = (15, 15, 7, 5), (21, 9, 7, 5)


def arm_table(data: CountData, factor: int = 1) -> Floats:
    """Tabulate estimate and variance on the link scale, offset, nodes and counts by arm, (arms, 5 + columns).

    Parameters
    ----------
    factor : int
        Multiplies the numbers of nodes, here, in `study_table` and in `nodes`, to check the quadrature.
    """
    y, v = gaussian_approximation(data)
    rules = _rules(fewest(data))
    bounds = factor * np.cumsum([0, *INNER])
    return np.column_stack([y, v, data.offset, bounds[rules], bounds[rules + 1], data.counts])


def study_table(data: CountData, factor: int = 1) -> Floats:
    """Tabulate the first arm of every study and its outer nodes, (studies + 1, 3); the last row ends the arms."""
    least = np.minimum.reduceat(fewest(data), data.start[:-1]) if len(data.study) else np.zeros(0)
    rules = _rules(least)
    bounds = factor * np.cumsum([0, *OUTER])
    ends = np.column_stack([bounds[rules], bounds[rules + 1]]).reshape(-1, 2)
    return np.column_stack([data.start, np.vstack([ends, [[0, 0]]])]).astype(float)


def nodes(factor: int = 1) -> tuple[Floats, Floats]:
    """Inner and outer nodes with their log weights for a standard normal, (J, 2) each: the rules one after another."""
    inner, outer = (np.vstack([_hermite(factor * n) for n in rule]) for rule in (INNER, OUTER))
    return inner, outer


def _hermite(n: int) -> Floats:
    x, w = hermegauss(n)
    return np.column_stack([x, np.log(w / w.sum())])


def _rules(least: Floats) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.searchsorted(np.array(RULES) + 0.5, least)


@numba.njit(cache=True)
def _outer_nodes(f, k, arms, outer, baseline_sd, mu, log_weight):  # type: ignore[no-untyped-def]
    """Place the nodes ``mu`` of a study's baseline; ``log_weight`` includes its prior."""
    precision, mean = 1.0 / baseline_sd**2, 0.0
    for a in range(f.shape[0]):
        w = 1.0 / (arms[a, V] + k * k)
        precision += w
        mean += w * (arms[a, Y] - f[a])
    mean /= precision
    sd = 1.0 / sqrt(precision)
    for m in range(outer.shape[0]):
        x = outer[m, 0]
        mu[m] = mean + sd * x
        log_weight[m] = outer[m, 1] + 0.5 * (x * x - (mu[m] / baseline_sd) ** 2) + log(sd / baseline_sd)


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
def log_likelihood(family, f, tau, cuts, arms, studies, inner, outer, baseline_sd, width, table, resolution):  # type: ignore[no-untyped-def]
    """Marginal log likelihood of every study, and conditional expectations by arm.

    Parameters
    ----------
    family : int
        One of the families of `nma.network.data`.
    f : array, (arms,)
        Fixed part of the linear predictor of every arm, centred within studies.
    tau : float
        Between-study standard deviation of contrasts.
    cuts : array, (K - 1,)
        Cutpoints of an ordered outcome, the first of them 0; without meaning for other families.
    arms, studies, inner, outer : arrays
        From `arm_table`, `study_table` and `nodes`.
    baseline_sd : float
        Prior standard deviation of the study baselines.
    width : int
        Number of terms, `nma.inference.families.n_terms`.
    table, resolution : array, float
        From `nma.inference.inner.inner_table`; with a table only the scores are filled.

    Returns
    -------
    array, (studies,)
        log L without the combinatorial constants.
    array, (arms, T)
        Conditional expectations given f and tau: score (the derivative of log L by f, by Fisher's identity), its
        product with z / sqrt 2 (which sums to the derivative by tau), log likelihood, fitted values (probabilities, or
        events of a rate), scores of the cutpoints.
    """
    n_studies, n_arms, size = studies.shape[0] - 1, f.shape[0], abs(tau)
    k = size / sqrt(2.0)
    result, expected = np.empty(n_studies), np.empty((n_arms, width))
    mu, log_weights = np.empty(outer.shape[0]), np.empty(outer.shape[0])
    log_density, terms = np.empty(inner.shape[0]), np.empty((inner.shape[0], width))
    by_level, weights = np.empty((2, 4)), np.empty((2, 4))
    level = level_weights(table, resolution, n_arms, size, by_level) if table.shape[0] > 0 else -1
    if family in (ORDERED_LOGIT, ORDERED_PROBIT):
        # The estimates depend on the cutpoints: the more patients, the closer the nodes have to be.
        arms = arms.copy()
        for arm in range(n_arms):
            place(family, arms[arm], cuts, 8, terms[0])
    for i in range(n_studies):
        a, b = int(studies[i, 0]), int(studies[i + 1, 0])
        rule = outer[int(studies[i, 1]) : int(studies[i, 2])]
        log_weight = log_weights[: rule.shape[0]]
        by_node = np.zeros((rule.shape[0], b - a, width))
        _outer_nodes(f[a:b], k, arms[a:b], rule, baseline_sd, mu, log_weight)
        for arm in range(a, b):
            sd, row = sqrt(arms[arm, V] + k * k), level * n_arms + arm
            for m in range(rule.shape[0]):
                eta, found = mu[m] + f[arm], by_node[m, arm - a]
                value = np.nan
                if level >= 0:
                    value = look_up(table, row, n_arms, by_level, weights, arms[arm], sd, 0.5 * size, eta, found)
                if np.isnan(value):
                    value = integrate(family, eta, k, arms[arm], cuts, inner, log_density, terms, found)
                log_weight[m] += value
        result[i] = _average(log_weight, by_node, expected[a:b])
    if tau < 0.0:
        expected[:, TAU_SCORE] *= -1.0
    return result, expected


@numba.njit(cache=True)
def log_likelihoods(family, f, tau, cuts, arms, studies, inner, outer, baseline_sd, width, table, resolution):  # type: ignore[no-untyped-def]
    """`log_likelihood` for a batch of draws: f (B, arms), tau (B,), cuts (B, K - 1) -> (B, studies), (B, arms, T)."""
    result = np.empty((f.shape[0], studies.shape[0] - 1))
    expected = np.empty((f.shape[0], f.shape[1], width))
    for i in range(f.shape[0]):
        result[i], expected[i] = log_likelihood(
            family, f[i], tau[i], cuts[i], arms, studies, inner, outer, baseline_sd, width, table, resolution
        )
    return result, expected
