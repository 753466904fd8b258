"""Families of counts: the likelihood of an arm as a function of its linear predictor.

Binomial with logit link; binomial with complementary log-log link and follow-up time, on the hazard scale; Poisson with
log link and person-time; ordered categories with cumulative logit or probit link.
"""

from math import erfc, exp, expm1, inf, log, log1p, nan, pi, sqrt

import numba
import numpy as np
from scipy.special import gammaln, ndtri

from secondline import likelihoods
from secondline.inference.kernels.compiled_code import set_up_compiled_code
from secondline.likelihoods import COUNT_LIKELIHOODS, Distribution
from secondline.network.categories import expected_counts, highest_counts, own_counts
from secondline.network.data import CountData
from secondline.network.structure import Floats

set_up_compiled_code()

# Compiled functions know a likelihood by its code, and take the codes from here.
BINOMIAL_LOGIT, BINOMIAL_CLOGLOG = likelihoods.BINOMIAL_LOGIT.family, likelihoods.BINOMIAL_CLOGLOG.family
POISSON_LOG, ORDERED_PROBIT = likelihoods.POISSON_LOG.family, likelihoods.ORDERED_PROBIT.family
ORDERED = tuple(one.family for one in COUNT_LIKELIHOODS.values() if one.is_ordered)

# columns of the arm table: estimate and variance on the link scale, offset (log time, mean of a bias); counts follow
Y, V, OFFSET, COUNTS = range(4)
# what is accumulated for every arm; then fitted values, then scores of the cutpoints
SCORE, TAU_SCORE, LOG_LIKELIHOOD, FITTED = range(4)
COUNTED_BEFORE = -1.0  # in the arm table, for a category that is counted with the one before it
FAR = 25.0  # in the link's tail, from where on probabilities are taken in logarithms


def is_ordered(family: int) -> bool:
    """Whether a family has cutpoints."""
    return family in ORDERED


def log_constants(data: CountData) -> Floats:
    """Combinatorial constants of the log likelihood of every arm, (arms,)."""
    if not len(data.counts):
        return np.zeros(0)
    groups = own_counts(_groups(data))
    each = gammaln(groups + 1).sum(axis=1)
    if data.likelihood.distribution is Distribution.POISSON:
        return np.asarray(-each)
    return np.asarray(gammaln(groups.sum(axis=1) + 1) - each)


def _groups(data: CountData) -> Floats:
    """Count what happened in every arm, (arms, groups): events and others, categories, or events alone."""
    counts = data.counts
    if data.likelihood.distribution is Distribution.BINOMIAL:
        return np.column_stack([counts[:, 0], counts[:, 1] - counts[:, 0]])
    return counts


def fitted_width(family: int, columns: int) -> int:
    """Return the number of fitted values of an arm: one, or one for every category."""
    return columns if is_ordered(family) else 1


def n_terms(family: int, columns: int) -> int:
    """Count the terms that are accumulated for every arm."""
    return FITTED + fitted_width(family, columns) + (columns - 2 if fitted_width(family, columns) > 1 else 0)


def fewest(data: CountData) -> Floats:
    """Patients in the smaller group of every arm: events, non-events, those outside either extreme category."""
    if not len(data.counts):
        return np.zeros(0)
    groups = _groups(data)
    if data.likelihood.distribution is Distribution.POISSON:
        return np.asarray(groups[:, 0])
    return np.asarray(own_counts(groups).sum(axis=1) - np.maximum(groups[:, 0], highest_counts(groups)))


def gaussian_approximation(data: CountData, added: float | Floats = 0.5) -> tuple[Floats, Floats]:
    """Estimate and variance of every arm's linear predictor.

    Parameters
    ----------
    data : CountData
    added : float or array, (arms, 1)
        Patients that are added to every group; with ordered categories it is always half a patient.
    """
    if not len(data.counts):
        return np.zeros(0), np.zeros(0)
    return _ordered_approximation(data) if is_ordered(data.family) else _APPROXIMATIONS[data.family](data, added)


def _logit_approximation(data: CountData, added: float | Floats) -> tuple[Floats, Floats]:
    events, others = (_groups(data) + added).T
    return np.log(events / others) - data.offset, 1 / events + 1 / others


def _cloglog_approximation(data: CountData, added: float | Floats) -> tuple[Floats, Floats]:
    """With no non-events the likelihood levels off: there the nodes have to reach as far as on the logit scale."""
    events, others = (_groups(data) + added).T
    hazard = np.log1p(events / others)
    variance = events / others / (events + others) / hazard**2
    return np.log(hazard) - data.offset, np.where(others < 1, 1 / events + 1 / others, variance)


def _rate_approximation(data: CountData, added: float | Floats) -> tuple[Floats, Floats]:
    (events,) = (data.counts[:, :1] + added).T
    return np.log(events) - data.offset, 1 / events


_APPROXIMATIONS = {
    BINOMIAL_LOGIT: _logit_approximation,
    BINOMIAL_CLOGLOG: _cloglog_approximation,
    POISSON_LOG: _rate_approximation,
}


def _ordered_approximation(data: CountData) -> tuple[Floats, Floats]:
    """Mode and curvature of every arm at the cutpoints of the pooled arms."""
    arms = np.column_stack([np.zeros((len(data.counts), COUNTS)), packed_counts(data)])
    arms[:, OFFSET], arms[:, V] = data.offset, 1.0
    terms, cuts = np.empty(n_terms(data.family, data.counts.shape[1])), pooled_cuts(data)
    for arm in arms:
        place(data.family, arm, cuts, 50, terms)
    return arms[:, Y], arms[:, V]


def packed_counts(data: CountData) -> Floats:
    """Give the counts as the arm table has them, (arms, columns), with `COUNTED_BEFORE` where they are not a number.

    Data of a PyMC model have to be numbers.
    """
    return np.asarray(np.nan_to_num(data.counts, nan=COUNTED_BEFORE))


def pooled_cuts(data: CountData) -> Floats:
    """Cutpoints of all arms taken together, the first at 0; empty for families without."""
    if not len(data.counts) or not is_ordered(data.family):
        return np.zeros(0)
    totals = expected_counts(data.counts).sum(axis=0) + 0.5
    above = 1 - np.cumsum(totals)[:-1] / totals.sum()
    levels = ndtri(above) if data.family == ORDERED_PROBIT else np.log(above / (1 - above))
    return np.asarray(levels[0] - levels)


@numba.njit(cache=True)
def _log_tail(family, x):
    """Give the logs of the link's upper tail and of its density at x, however far out."""
    if family == ORDERED_PROBIT:
        log_density = -0.5 * x * x - 0.5 * log(2.0 * pi)
        if x < 25.0:
            return log(0.5 * erfc(x / sqrt(2.0))), log_density
        y = 1.0 / (x * x)
        return log_density - log(x) + log1p(-y * (1.0 - 3.0 * y * (1.0 - 5.0 * y))), log_density
    e = log1p(exp(-abs(x)))
    return -max(x, 0.0) - e, -abs(x) - 2.0 * e


@numba.njit(cache=True)
def _tails(family, x):
    """Give the link's lower and upper tail and its density at x, within `FAR` of 0."""
    if family == ORDERED_PROBIT:
        return 0.5 * erfc(-x / sqrt(2.0)), 0.5 * erfc(x / sqrt(2.0)), exp(-0.5 * x * x) / sqrt(2.0 * pi)
    e = exp(-abs(x))
    larger = 1.0 / (1.0 + e)
    smaller = e * larger
    return (larger, smaller, smaller * larger) if x > 0.0 else (smaller, larger, smaller * larger)


@numba.njit(cache=True)
def _far_category(family, low, high):
    """Take F(high) - F(low) from the tail that both are nearer to, its log, and the densities at both over it.

    For what lies far out: it takes logarithms throughout.
    """
    upper = low + high > 0.0
    a, b = (low, high) if upper else (-high, -low)
    near, near_density = _log_tail(family, a)
    far, far_density = _log_tail(family, b) if b < inf else (-inf, -inf)
    value = near + log1p(-min(exp(far - near), 1.0 - 1e-16))
    p, near_ratio, far_ratio = exp(value), exp(near_density - value), exp(far_density - value)
    return (p, value, near_ratio, far_ratio) if upper else (p, value, far_ratio, near_ratio)


@numba.njit(cache=True)
def _ordered(family, arm, cuts, eta, terms):
    """Fill the terms of an ordered outcome: P(category >= k) = F(eta - cut_k), categories from the lowest up.

    Patients of a category that is `COUNTED_BEFORE` are counted in the one before it, which reaches up to the last of
    them, with probability F(eta - cut_c) - F(eta - cut_last+1); they have a fitted value of 0. The tails at a cutpoint
    serve both categories that meet there.
    """
    n_categories = cuts.shape[0] + 1
    terms[SCORE], terms[LOG_LIKELIHOOD] = 0.0, 0.0
    for c in range(1, cuts.shape[0]):
        terms[FITTED + n_categories + c - 1] = 0.0
    high, below_high, above_high, density_high = inf, 1.0, 0.0, 0.0
    for c in range(n_categories):
        n, last = arm[COUNTS + c], c
        if n < 0.0:
            terms[FITTED + c] = 0.0
            continue
        while last < n_categories - 1 and arm[COUNTS + last + 1] < 0.0:
            last += 1
        low, below_low, above_low, density_low = -inf, 0.0, 1.0, 0.0
        if last < n_categories - 1:
            low = eta - cuts[last]
            below_low, above_low, density_low = _tails(family, low)
        upper = low + high > 0.0
        if (low if upper else -high) < FAR:
            near, far = (above_low, above_high) if upper else (below_high, below_low)
            p = max(near - far, 1e-16 * near)
            log_p, at_low, at_high = log(p), density_low / p, density_high / p
        else:
            p, log_p, at_low, at_high = _far_category(family, low, high)
        terms[FITTED + c] = p
        if n > 0.0:
            terms[LOG_LIKELIHOOD] += n * log_p
            terms[SCORE] += n * (at_high - at_low)
            if c >= 2:
                terms[FITTED + n_categories + c - 2] -= n * at_high
            if 1 <= last < n_categories - 1:
                terms[FITTED + n_categories + last - 1] += n * at_low
        high, below_high, above_high, density_high = low, below_low, above_low, density_low


@numba.njit(cache=True)
def density(family, arm, cuts, eta, terms):
    """Log likelihood of one arm at a linear predictor, its score, the fitted value, and the scores of the cutpoints.

    Not a number for a code that none of them has.
    """
    r, x = arm[COUNTS], eta + arm[OFFSET]
    if family == BINOMIAL_LOGIT:
        n = arm[COUNTS + 1]
        e = exp(-abs(x))
        p = 1.0 / (1.0 + e) if x > 0 else e / (1.0 + e)
        terms[SCORE] = r - n * p
        terms[LOG_LIKELIHOOD] = r * x - n * (max(x, 0.0) + log1p(e))
        terms[FITTED] = p
    elif family == POISSON_LOG:
        rate = exp(min(x, 700.0))
        terms[SCORE] = r - rate
        terms[LOG_LIKELIHOOD] = r * x - rate
        terms[FITTED] = rate
    elif family == BINOMIAL_CLOGLOG:
        n = arm[COUNTS + 1]
        hazard = exp(min(max(x, -700.0), 700.0))
        p = -expm1(-hazard)
        ratio = hazard * exp(-hazard) / p
        terms[SCORE] = r * ratio - (n - r) * hazard
        terms[LOG_LIKELIHOOD] = (r * log(p) if r > 0 else 0.0) - (n - r) * hazard
        terms[FITTED] = p
    elif family in ORDERED:
        _ordered(family, arm, cuts, x, terms)
    else:
        terms[:] = nan


@numba.njit(cache=True)
def place(family, arm, cuts, steps, terms):
    """Move estimate and variance of an ordered arm to its mode at given cutpoints, by Newton steps from where they are.

    Half a patient is added to the other categories together. ``terms`` is work space.
    """
    row, categories, patients, highest = arm.copy(), 0, 0.0, 0.0
    for c in range(COUNTS, arm.shape[0]):
        if arm[c] >= 0.0:
            categories, patients, highest = categories + 1, patients + arm[c], arm[c]
    for c in range(COUNTS, arm.shape[0]):
        if arm[c] >= 0.0:
            row[c] += 0.5 / max(categories - 1, 1)
    for _ in range(steps):
        h = 0.01 * sqrt(arm[V])
        density(family, row, cuts, arm[Y] - h, terms)
        below = terms[SCORE]
        density(family, row, cuts, arm[Y] + h, terms)
        above = terms[SCORE]
        curvature = max((below - above) / (2.0 * h), 1e-3)
        step = min(max(0.5 * (below + above) / curvature, -1.0), 1.0)
        arm[Y] += step
        arm[V] = 1.0 / curvature
        if abs(step) < 1e-6 * sqrt(arm[V]):
            break
    if patients - max(arm[COUNTS], highest) < 1.0:
        # The likelihood levels off: the nodes have to reach that far.
        arm[V] = max(arm[V], 2.0)
