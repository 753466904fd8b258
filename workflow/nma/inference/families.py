"""Families of counts: the likelihood of an arm as a function of its linear predictor.

Binomial with logit link; binomial with complementary log-log link and follow-up time, on the hazard scale; Poisson with
log link and person-time; ordered categories with cumulative logit or probit link.
"""

from math import erfc, exp, expm1, log, log1p, pi, sqrt

import numba
import numpy as np
from scipy.special import gammaln, ndtri

from nma.network.data import (
    BINOMIAL_CLOGLOG,
    BINOMIAL_LOGIT,
    ORDERED_LOGIT,
    ORDERED_PROBIT,
    POISSON_LOG,
    CountData,
)
from nma.network.structure import Floats

# columns of the arm table: estimate and variance on the link scale, log of the time; the counts follow
Y, V, OFFSET, COUNTS = range(4)
# what is accumulated for every arm; then fitted values, then scores of the cutpoints
SCORE, TAU_SCORE, LOG_LIKELIHOOD, FITTED = range(4)


def is_ordered(family: int) -> bool:
    """Whether a family has cutpoints."""
    return family in (ORDERED_LOGIT, ORDERED_PROBIT)


def log_constants(data: CountData) -> Floats:
    """Combinatorial constants of the log likelihood of every arm, (arms,)."""
    counts = data.counts
    if data.family == POISSON_LOG:
        return np.asarray(-gammaln(counts[:, 0] + 1))
    groups = counts if is_ordered(data.family) else np.column_stack([counts[:, 0], counts[:, 1] - counts[:, 0]])
    return np.asarray(gammaln(groups.sum(axis=1) + 1) - gammaln(groups + 1).sum(axis=1))


def fitted_width(family: int, columns: int) -> int:
    """Return the number of fitted values of an arm: one, or one for every category."""
    return columns if is_ordered(family) else 1


def n_terms(family: int, columns: int) -> int:
    """Count the terms that are accumulated for every arm."""
    return FITTED + fitted_width(family, columns) + (columns - 2 if fitted_width(family, columns) > 1 else 0)


def fewest(data: CountData) -> Floats:
    """Patients in the smaller group of every arm: events, non-events, those outside either extreme category."""
    counts = data.counts
    if data.family == POISSON_LOG:
        return np.asarray(counts[:, 0])
    if is_ordered(data.family):
        return np.asarray(counts.sum(axis=1) - np.maximum(counts[:, 0], counts[:, -1]))
    return np.asarray(np.minimum(counts[:, 0], counts[:, 1] - counts[:, 0]))


def gaussian_approximation(data: CountData) -> tuple[Floats, Floats]:
    """Estimate and variance of every arm's linear predictor; half a patient is added to every group."""
    counts = data.counts
    if data.family == POISSON_LOG:
        events = counts[:, 0] + 0.5
        return np.log(events) - data.offset, 1 / events
    if is_ordered(data.family):
        return _ordered_approximation(data)
    events, others = counts[:, 0] + 0.5, counts[:, 1] - counts[:, 0] + 0.5
    if data.family == BINOMIAL_CLOGLOG:
        hazard = np.log1p(events / others)
        variance = events / others / (events + others) / hazard**2
        # With no non-events the likelihood levels off: there the nodes have to reach as far as on the logit scale.
        return np.log(hazard) - data.offset, np.where(others < 1, 1 / events + 1 / others, variance)
    return np.log(events / others), 1 / events + 1 / others


def _ordered_approximation(data: CountData) -> tuple[Floats, Floats]:
    """Mode and curvature of every arm at the cutpoints of the pooled arms."""
    arms = np.column_stack([np.zeros((len(data.counts), COUNTS)), data.counts])
    arms[:, V] = 1.0
    terms = np.empty(n_terms(data.family, data.counts.shape[1]))
    for arm in arms:
        place(data.family, arm, pooled_cuts(data), 50, terms)
    return arms[:, Y], arms[:, V]


def pooled_cuts(data: CountData) -> Floats:
    """Cutpoints of all arms taken together, the first at 0; empty for families without."""
    if not is_ordered(data.family) or not len(data.counts):
        return np.zeros(0)
    totals = data.counts.sum(axis=0) + 0.5
    above = 1 - np.cumsum(totals)[:-1] / totals.sum()
    levels = ndtri(above) if data.family == ORDERED_PROBIT else np.log(above / (1 - above))
    return np.asarray(levels[0] - levels)


@numba.njit(cache=True)
def _cumulative(family, x):  # type: ignore[no-untyped-def]
    """Distribution function and density of the link at x."""
    if family == ORDERED_PROBIT:
        return 0.5 * erfc(-x / sqrt(2.0)), exp(-0.5 * x * x) / sqrt(2.0 * pi)
    e = exp(-abs(x))
    p = 1.0 / (1.0 + e) if x > 0 else e / (1.0 + e)
    return p, e / (1.0 + e) ** 2


@numba.njit(cache=True)
def _ordered(family, arm, cuts, eta, terms):  # type: ignore[no-untyped-def]
    """Fill the terms of an ordered outcome: P(category >= k) = F(eta - cut_k), categories from the lowest up."""
    n_categories = cuts.shape[0] + 1
    terms[SCORE], terms[LOG_LIKELIHOOD] = 0.0, 0.0
    for c in range(1, cuts.shape[0]):
        terms[FITTED + n_categories + c - 1] = 0.0
    above, density = 1.0, 0.0
    for c in range(n_categories):
        next_above, next_density = 0.0, 0.0
        if c < n_categories - 1:
            next_above, next_density = _cumulative(family, eta - cuts[c])
        probability = max(above - next_above, 1e-300)
        if c < n_categories - 1 and above > 0.5:
            # the same difference from the other tail, where it does not cancel
            low = 0.0 if c == 0 else _cumulative(family, cuts[c - 1] - eta)[0]
            probability = max(_cumulative(family, cuts[c] - eta)[0] - low, 1e-300)
        n = arm[COUNTS + c]
        terms[FITTED + c] = probability
        if n > 0.0:
            terms[LOG_LIKELIHOOD] += n * log(probability)
            terms[SCORE] += n * (density - next_density) / probability
            if c >= 2:
                terms[FITTED + n_categories + c - 2] -= n * density / probability
            if 1 <= c < n_categories - 1:
                terms[FITTED + n_categories + c - 1] += n * next_density / probability
        above, density = next_above, next_density


@numba.njit(cache=True)
def density(family, arm, cuts, eta, terms):  # type: ignore[no-untyped-def]
    """Log likelihood of one arm at a linear predictor, its score, the fitted value, and the scores of the cutpoints."""
    r = arm[COUNTS]
    if family == BINOMIAL_LOGIT:
        n = arm[COUNTS + 1]
        e = exp(-abs(eta))
        p = 1.0 / (1.0 + e) if eta > 0 else e / (1.0 + e)
        terms[SCORE] = r - n * p
        terms[LOG_LIKELIHOOD] = r * eta - n * (max(eta, 0.0) + log1p(e))
        terms[FITTED] = p
    elif family == POISSON_LOG:
        rate = exp(min(eta + arm[OFFSET], 700.0))
        terms[SCORE] = r - rate
        terms[LOG_LIKELIHOOD] = r * (eta + arm[OFFSET]) - rate
        terms[FITTED] = rate
    elif family == BINOMIAL_CLOGLOG:
        n = arm[COUNTS + 1]
        hazard = exp(min(max(eta + arm[OFFSET], -700.0), 700.0))
        p = -expm1(-hazard)
        ratio = hazard * exp(-hazard) / p
        terms[SCORE] = r * ratio - (n - r) * hazard
        terms[LOG_LIKELIHOOD] = (r * log(p) if r > 0 else 0.0) - (n - r) * hazard
        terms[FITTED] = p
    else:
        _ordered(family, arm, cuts, eta, terms)


@numba.njit(cache=True)
def place(family, arm, cuts, steps, terms):  # type: ignore[no-untyped-def]
    """Move estimate and variance of an ordered arm to its mode at given cutpoints, by Newton steps from where they are.

    Half a patient is added to the other categories together. ``terms`` is work space.
    """
    row = arm.copy()
    row[COUNTS:] += 0.5 / (arm.shape[0] - COUNTS - 1)
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
    patients = arm[COUNTS:].sum()
    if patients - max(arm[COUNTS], arm[arm.shape[0] - 1]) < 1.0:
        # The likelihood levels off: the nodes have to reach that far.
        arm[V] = max(arm[V], 2.0)
