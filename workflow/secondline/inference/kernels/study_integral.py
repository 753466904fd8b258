"""Likelihood of counts with the study effects integrated out.

For a study with arms k, fixed parts f_k, baseline mu ~ N(0, s^2) and arm effects (tau / sqrt 2) z_k, z_k ~ N(0, 1):

    L = integral N(mu; 0, s^2) prod_k [ integral p(r_k | mu + f_k + (tau / sqrt 2) z) phi(z) dz ] dmu

Both integrands are log-concave; `nodes` places the nodes of both, beginning with a Gaussian approximation of each arm's
likelihood (estimate y with variance v on the link scale). The inner integral is stable as tau goes to 0.
"""

from collections.abc import Sequence
from math import log, sqrt
from typing import Any

import numba
import numpy as np

from secondline.inference.families import (
    FITTED,
    ORDERED,
    SCORE,
    TAU_SCORE,
    V,
    Y,
    fewest,
    gaussian_approximation,
    packed_counts,
    place,
)
from secondline.inference.kernels.arm_integral import LOG_ROOT, arm_space, integrate
from secondline.inference.kernels.baseline_risk import integrate_at_baseline
from secondline.inference.kernels.interpolation import CELL, OUTER, level_weights, look_up
from secondline.inference.kernels.lattice import integrate_on_lattice, lattice_space, lay_lattice
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
from secondline.network.data import CountData, NetworkData
from secondline.network.structure import Floats

RULES = (0, 4, 19)
"""Patients in the smallest group of a study: none, fewer than 5, fewer than 20, more."""
POINTS = tuple(cells + 1 + 2 * OUTER for cells in (140, 140, 80, 44))
"""In x, where the integrals of a study are tabulated, see `lookup`: with few patients they are less smooth."""

# columns of the table of studies: first arm, where its entries start in a level of a table, whether its effects move
# with its baseline
ARM, START, AT_BASELINE = range(3)


def arm_table(data: CountData) -> Floats:
    """Tabulate estimate and variance on the link scale, offset and counts by arm, (arms, 3 + columns).

    With a regression on the baseline two more columns follow, see `baseline_risk`.
    """
    y, v = gaussian_approximation(data)
    more = data.at_baseline if len(data.at_baseline) else np.zeros((len(y), 0))
    return np.column_stack([y, v, data.offset, packed_counts(data), more])


def study_table(data: CountData) -> Floats:
    """Tabulate by study first arm, start of the entries in a table of integrals, and the baseline, (studies + 1, 3).

    The last row ends the arms and the entries.
    """
    least = np.minimum.reduceat(fewest(data), data.start[:-1]) if len(data.study) else np.zeros(0)
    rules = np.searchsorted(np.array(RULES) + 0.5, least)
    arms = np.diff(data.start)
    sizes = CELL * np.array(POINTS)[rules] * np.where(arms == 2, 1, arms)
    moves = np.zeros(len(data.study))
    if len(data.at_baseline):
        moves = np.maximum.reduceat(data.at_baseline[:, 0], data.start[:-1])
    return np.column_stack([data.start, np.cumsum([0, *sizes]), [*moves, 0.0]]).astype(float)


@numba.njit(cache=True)
def _guess(f, k, arms, baseline_sd):
    """Mean and standard deviation of a study's baseline by the Gaussian approximation."""
    precision, mean = 1.0 / baseline_sd**2, 0.0
    for a in range(f.shape[0]):
        w = 1.0 / (arms[a, V] + k * k)
        precision += w
        mean += w * (arms[a, Y] - f[a])
    return mean / precision, 1.0 / sqrt(precision)


@numba.njit(cache=True)
def entry_of(table, studies, i, level, by_level):
    """First entry of a study, as `look_up` takes it."""
    start, arms = int(studies[i, START]), int(studies[i + 1, ARM] - studies[i, ARM])
    points = (int(studies[i + 1, START]) - start) // (CELL * (1 if arms == 2 else arms))
    return table, start, points, level, by_level


@numba.njit(cache=True)
def work_space(n_arms, width):
    """Allocate what `integrate_study` writes to, for studies of up to ``n_arms``: outer nodes, inner ones, lattices."""
    nodes, state = node_space()
    lattices = lattice_space(n_arms, width)
    return nodes, state, np.zeros((NODES, n_arms * width)), arm_space(width), np.empty((2, 4)), lattices


@numba.njit(cache=True)
def most_arms(studies):
    """Arms of the largest study."""
    most = 0
    for i in range(studies.shape[0] - 1):
        most = max(most, int(studies[i + 1, ARM] - studies[i, ARM]))
    return most


@numba.njit(cache=True)
def integrate_study(family, f, tau, cuts, arms, baseline_sd, entry, work, expected):
    """Log of the outer integral of one study; fills ``expected`` (arms, T).

    The inner integrals are looked up from ``entry`` on, see `look_up`, as far as it has them.
    """
    table, start, points, level, by_level = entry
    nodes, state, by_node, inner, weights, lattices = work
    k, half_tau, n_arms, width = tau / sqrt(2.0), 0.5 * tau, f.shape[0], expected.shape[1]
    centre, spread = _guess(f, k, arms, baseline_sd)
    begin(nodes, state, centre, spread, False)
    for a in range(n_arms):
        # Other families have tables.
        lay_lattice(lattices, a, k if family in ORDERED else 0.0, arms[a])
    while asked(state):
        for s in range(int(state[FROM]), int(state[TO])):
            mu = nodes[s, X]
            value, slope = -0.5 * (mu / baseline_sd) ** 2, -mu / baseline_sd**2
            for a in range(n_arms):
                eta, found = mu + f[a], by_node[s, a * width : (a + 1) * width]
                of_arm = table, start + a * points * CELL, points, level, by_level
                part = look_up(of_arm, weights, eta, arms[a, Y], arms[a, V] + k * k, half_tau, found)
                if np.isnan(part):
                    part = integrate_on_lattice(family, eta, k, arms[a], cuts, lattices, a, found)
                if np.isnan(part):
                    part = integrate(family, eta, k, arms[a], cuts, inner, found)
                value += part
                slope += found[SCORE]
            nodes[s, VALUE], nodes[s, SLOPE] = value, slope
        advance(nodes, state)
    means = np.empty(n_arms * width)
    result = average(nodes, state, by_node[:, : n_arms * width], means)
    for a in range(n_arms):
        expected[a] = means[a * width : (a + 1) * width]
    return result - LOG_ROOT - log(baseline_sd)


@numba.njit(cache=True)
def _look_up_difference(entry, weights, f, tau, arms, expected):
    """Interpolate the outer integral of a two-arm study; fills the scores in ``expected`` (2, T)."""
    difference, y = f[0] - f[1], arms[0, Y] - arms[1, Y]
    variance = arms[0, V] + arms[1, V] + tau * tau
    value = look_up(entry, weights, difference, y, variance, tau, expected[0])
    expected[1, SCORE], expected[1, TAU_SCORE] = -expected[0, SCORE], 0.0
    return value


@numba.njit(cache=True)
def log_likelihood(family, f, tau, cuts, arms, studies, baseline_sd, width, table, resolution):
    """`log_likelihood_by_study` with one tau, a float, for all studies."""
    taus = np.full(studies.shape[0] - 1, tau)
    return log_likelihood_by_study(family, f, taus, cuts, arms, studies, baseline_sd, width, table, resolution)


@numba.njit(cache=True)
def log_likelihood_by_study(family, f, taus, cuts, arms, studies, baseline_sd, width, table, resolution):
    """Marginal log likelihood of every study, and conditional expectations by arm.

    Parameters
    ----------
    family : int
        One of the families of `secondline.network.data`.
    f : array, (arms,)
        Fixed part of the linear predictor of every arm, centred within studies.
    taus : array, (studies,)
        Between-study standard deviation of contrasts, for every study; of either sign.
    cuts : array, (K - 1,)
        Cutpoints of an ordered outcome, the first of them 0; the slope of a regression on the baseline, (1,); otherwise
        without meaning.
    arms, studies : arrays
        From `arm_table` and `study_table`.
    baseline_sd : float
        Prior standard deviation of the study baselines.
    width : int
        Number of terms, `secondline.inference.families.n_terms`.
    table, resolution : array, float
        From `integral_tables.tabulate`; with a table only the scores are filled, and those of a two-arm study are of
        their difference: opposite to each other, which is the same to a design that is centred.

    Returns
    -------
    array, (studies,)
        log L without the combinatorial constants.
    array, (arms, T)
        Conditional expectations given f and taus: score (the derivative of log L by f, by Fisher's identity), its
        product with z / sqrt 2 (which sums to the derivative by tau), log likelihood, fitted values (probabilities, or
        events of a rate), scores of the cutpoints.
    """
    n_studies, n_arms, size = studies.shape[0] - 1, f.shape[0], -1.0
    result, expected = np.empty(n_studies), np.empty((n_arms, width))
    work, by_level = work_space(most_arms(studies), width), np.empty((2, 4))
    level = -1
    if family in ORDERED:
        # The estimates depend on the cutpoints: the more patients, the closer the nodes have to be.
        arms = arms.copy()
        for arm in range(n_arms):
            place(family, arms[arm], cuts, 8, expected[arm])
    for i in range(n_studies):
        a, b = int(studies[i, ARM]), int(studies[i + 1, ARM])
        if abs(taus[i]) != size:
            size = abs(taus[i])
            level = level_weights(table.shape[0], resolution, size, by_level)
        found, at_level = expected[a:b], level
        if studies[i, AT_BASELINE] > 0.0:
            result[i] = integrate_at_baseline(family, f[a:b], cuts[0], size, arms[a:b], baseline_sd, work, found)
            continue
        if b - a == 2:
            entry = entry_of(table, studies, i, level, by_level)
            result[i] = _look_up_difference(entry, work[4], f[a:b], size, arms[a:b], found)
            if not np.isnan(result[i]):
                continue
            at_level = -1  # its arms are not tabulated
        entry = entry_of(table, studies, i, at_level, by_level)
        result[i] = integrate_study(family, f[a:b], size, cuts, arms[a:b], baseline_sd, entry, work, found)
        if family not in ORDERED:
            found[:, FITTED + 1 :] = 0.0  # by the slope of the baseline, where there is one
    for i in range(n_studies):
        if taus[i] < 0.0:
            expected[int(studies[i, ARM]) : int(studies[i + 1, ARM]), TAU_SCORE] *= -1.0
    return result, expected


@numba.njit(cache=True)
def log_likelihoods(family, f, tau, cuts, arms, studies, baseline_sd, width, table, resolution):
    """`log_likelihood` for a batch of draws: f (B, arms), tau (B,), cuts (B, K - 1) -> (B, studies), (B, arms, T)."""
    result = np.empty((f.shape[0], studies.shape[0] - 1))
    expected = np.empty((f.shape[0], f.shape[1], width))
    for i in range(f.shape[0]):
        result[i], expected[i] = log_likelihood(
            family, f[i], tau[i], cuts[i], arms, studies, baseline_sd, width, table, resolution
        )
    return result, expected


@numba.njit(cache=True)
def log_likelihoods_by_study(family, f, taus, cuts, arms, studies, baseline_sd, width, table, resolution):
    """`log_likelihood_by_study` for a batch of draws, as `log_likelihoods`, with taus (B, studies)."""
    result = np.empty((f.shape[0], studies.shape[0] - 1))
    expected = np.empty((f.shape[0], f.shape[1], width))
    for i in range(f.shape[0]):
        result[i], expected[i] = log_likelihood_by_study(
            family, f[i], taus[i], cuts[i], arms, studies, baseline_sd, width, table, resolution
        )
    return result, expected


def evaluate(
    data: NetworkData, f: Floats, tau: Floats, cuts: Floats, arguments: Sequence[Any]
) -> tuple[Floats, Floats]:
    """`log_likelihoods` of the counts of a network, each study with the tau of its group.

    Parameters
    ----------
    f, cuts : arrays, (B, arms), (B, K - 1)
    tau : array, (B,) or (B, groups)
    arguments : sequence
        What stays the same throughout a fit, see `secondline.inference.importance.count_arguments`.
    """
    counts, f, tau = data.counts, np.ascontiguousarray(f), np.ascontiguousarray(tau)
    if tau.ndim == 1:
        value, terms = log_likelihoods(counts.family, f, tau, cuts, *arguments)
    else:
        taus = data.groups.tau_of(tau, counts.study)
        value, terms = log_likelihoods_by_study(counts.family, f, taus, cuts, *arguments)
    return value, terms
