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

from nma.inference.families import SCORE, TAU_SCORE, V, Y, fewest, gaussian_approximation, place
from nma.inference.inner import integrate
from nma.inference.lookup import CELL, level_weights, look_up
from nma.network.data import ORDERED_LOGIT, ORDERED_PROBIT, CountData
from nma.network.structure import Floats

# Nodes by the number of patients in the smallest group of an arm (inner nodes, for the arm effect) or of a study (outer
# nodes, for the baseline): with few of them the likelihood is skewed, with none it levels off on one side. The outer
# integrand, a product over arms, is the smoother one.
RULES = (0, 4, 19)
"""None, fewer than 5, fewer than 20, more."""
INNER, OUTER = (15, 15, 7, 5), (21, 9, 7, 5)
POINTS = (121, 121, 61, 31)
"""In x, where the integrals of a study are tabulated, see `lookup`."""

# columns of the table of studies: first arm, outer nodes, where its entries start in a level of a table
ARM, FROM, TO, START = range(4)


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
    """Tabulate first arm, outer nodes and the start of the entries in a table of integrals by study, (studies + 1, 4).

    The last row ends the arms and the entries.
    """
    least = np.minimum.reduceat(fewest(data), data.start[:-1]) if len(data.study) else np.zeros(0)
    rules = _rules(least)
    bounds = factor * np.cumsum([0, *OUTER])
    ends = np.column_stack([bounds[rules], bounds[rules + 1]]).reshape(-1, 2)
    arms = np.diff(data.start)
    sizes = CELL * np.array(POINTS)[rules] * np.where(arms == 2, 1, arms)
    return np.column_stack([data.start, np.vstack([ends, [[0, 0]]]), np.cumsum([0, *sizes])]).astype(float)


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
def entry_of(table, studies, i, level, by_level):  # type: ignore[no-untyped-def]
    """First entry of a study, as `look_up` takes it."""
    start, arms = int(studies[i, START]), int(studies[i + 1, ARM] - studies[i, ARM])
    points = (int(studies[i + 1, START]) - start) // (CELL * (1 if arms == 2 else arms))
    return table, start, points, level, by_level


@numba.njit(cache=True)
def work_space(inner, outer, width):  # type: ignore[no-untyped-def]
    """Allocate what `integrate_study` writes to: the outer nodes and their weights, then what `integrate` takes."""
    nodes = np.empty(outer.shape[0]), np.empty(outer.shape[0])
    return nodes, np.empty(inner.shape[0]), np.empty((inner.shape[0], width)), np.empty((2, 4))


@numba.njit(cache=True)
def integrate_study(family, f, tau, cuts, arms, inner, outer, baseline_sd, entry, work, expected):  # type: ignore[no-untyped-def]
    """Log of the outer integral of one study; fills ``expected`` (arms, T).

    The inner integrals are looked up from ``entry`` on, see `look_up`, as far as it has them.
    """
    table, start, points, level, by_level = entry
    (mu, log_weights), log_density, terms, weights = work
    k, half_tau, n_nodes = tau / sqrt(2.0), 0.5 * tau, outer.shape[0]
    log_weight = log_weights[:n_nodes]
    by_node = np.zeros((n_nodes, f.shape[0], expected.shape[1]))
    _outer_nodes(f, k, arms, outer, baseline_sd, mu, log_weight)
    for a in range(f.shape[0]):
        y, variance = arms[a, Y], arms[a, V] + k * k
        of_arm = table, start + a * points * CELL, points, level, by_level
        for m in range(n_nodes):
            eta, found = mu[m] + f[a], by_node[m, a]
            value = look_up(of_arm, weights, eta, y, variance, half_tau, found)
            if np.isnan(value):
                value = integrate(family, eta, k, arms[a], cuts, inner, log_density, terms, found)
            log_weight[m] += value
    return _average(log_weight, by_node, expected)


@numba.njit(cache=True)
def _look_up_difference(entry, weights, f, tau, arms, expected):  # type: ignore[no-untyped-def]
    """Look the outer integral of a two-arm study up; fills the scores in ``expected`` (2, T)."""
    difference, y = f[0] - f[1], arms[0, Y] - arms[1, Y]
    variance = arms[0, V] + arms[1, V] + tau * tau
    value = look_up(entry, weights, difference, y, variance, tau, expected[0])
    expected[1, SCORE], expected[1, TAU_SCORE] = -expected[0, SCORE], 0.0
    return value


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
        From `nma.inference.tabulate.tabulate`; with a table only the scores are filled, and those of a two-arm study
        are of their difference: opposite to each other, which is the same to a design that is centred.

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
    result, expected = np.empty(n_studies), np.empty((n_arms, width))
    work, by_level = work_space(inner, outer, width), np.empty((2, 4))
    level = level_weights(table.shape[0], resolution, size, by_level)
    if family in (ORDERED_LOGIT, ORDERED_PROBIT):
        # The estimates depend on the cutpoints: the more patients, the closer the nodes have to be.
        arms = arms.copy()
        for arm in range(n_arms):
            place(family, arms[arm], cuts, 8, work[2][0])
    for i in range(n_studies):
        a, b = int(studies[i, ARM]), int(studies[i + 1, ARM])
        found, rule = expected[a:b], outer[int(studies[i, FROM]) : int(studies[i, TO])]
        at_level = level
        if b - a == 2:
            entry = entry_of(table, studies, i, level, by_level)
            result[i] = _look_up_difference(entry, work[3], f[a:b], size, arms[a:b], found)
            if not np.isnan(result[i]):
                continue
            at_level = -1  # its arms are not tabulated
        entry = entry_of(table, studies, i, at_level, by_level)
        result[i] = integrate_study(family, f[a:b], size, cuts, arms[a:b], inner, rule, baseline_sd, entry, work, found)
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
