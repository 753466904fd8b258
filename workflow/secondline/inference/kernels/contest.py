"""Who is first in each setting, and by how much: `secondline.doubt.decision` for many analyses, in compiled code.

Differences of two effects are mixtures of normals over the grid. P(best) takes draws that all analyses share.
"""

import math

import numba
import numpy as np

from secondline.inference.kernels.gaussian_grid import cholesky, solve_grid, weigh
from secondline.inference.kernels.normal_mixture import p_above, summary

# results of a setting: numbers, and places of regimens
SUCRA, P_BEST, P_BETTER, EFFECT, LOWER, UPPER, TO_REFERENCE, REFERENCE_LOWER, REFERENCE_UPPER = range(9)
LEAD_P_BETTER, LEAD, LEAD_LOWER, LEAD_UPPER, LEAD_TO_REFERENCE, LEAD_REFERENCE_LOWER, LEAD_REFERENCE_UPPER = range(
    9, 16
)
NUMBERS = 16
FIRST, RUNNER_UP, PLACED, REASON = range(4)
PLACES = 4
# why nobody is named first
NAMED, BY_PRIOR, BY_CRITERION, CLOSE, NO_ONE, ONE_ALONE, UNLINKED = range(7)

_TIE = 1e-9  # difference of two values that are the same


@numba.njit(cache=True, nogil=True)
def decide_all(rows, study_rows, chosen, priors, grid, effects, contests, limits, draws, numbers, places):
    """Decide many analyses of one design and one prior.

    Parameters
    ----------
    rows : tuple
        Whitened contrasts of all pieces: X (R, C), y (R,), lambda (R,).
    study_rows : array of int, (pieces + 1,)
        Where each piece begins.
    chosen : array of int, (analyses, places)
        Pieces of every analysis; -1 for none.
    priors : tuple
        Standard deviations of the coefficients (C,), with every scale doubled in turn (scales, C), and whether omega
        takes their place (C,).
    grid : tuple
        tau^2 (G,), omega (O,), and log weights by prior (priors, O * G): as declared first, then with tau and omega
        doubled.
    effects : tuple
        Rows by block of settings (blocks, treatments, C), and the block of every setting (settings,).
    contests : tuple
        Contest of every analysis; by contest, candidates (settings, treatments), which differences the network can
        estimate (treatments, treatments) and the references (settings,); the declared first, runner-up and
        reference of every setting (settings, 3), -1 for none.
    limits : tuple
        Sign of what is better, widening that makes an effect prior-driven, least P(better) of a named first.
    draws : tuple
        Uniform deviates in ascending order (draws,), and normal deviates (treatments, draws).
    numbers, places : arrays, (analyses, settings, NUMBERS) and (analyses, settings, PLACES)
        Filled.
    """
    x, y, scales = rows
    sd, doubled, exchangeable = priors
    tau_squared, omega, log_weights = grid
    blocks, treatments, columns = effects[0].shape
    n_grid, n_priors = log_weights.shape[1], log_weights.shape[0]
    density, kept = np.empty(n_grid), np.empty(n_grid, np.bool_)
    mean, covariance = np.empty((n_grid, blocks, treatments)), np.empty((n_grid, blocks, treatments, treatments))
    weights, others = np.empty(n_grid), np.empty(n_grid)
    shape = (blocks, treatments, treatments)
    fitted, wider, widening = np.empty(shape), np.empty(shape), np.empty(shape)
    taken = np.empty(len(y), np.int64)
    for s in range(len(chosen)):
        n = _take(chosen[s], study_rows, taken)
        own_x, own_y, own_scales = np.empty((n, columns)), np.empty(n), np.empty(n)
        for i in range(n):
            own_x[i], own_y[i], own_scales[i] = x[taken[i]], y[taken[i]], scales[taken[i]]
        widening[:] = 0.0
        for k in range(len(doubled)):
            solve_grid(
                own_x,
                own_y,
                own_scales,
                doubled[k],
                exchangeable,
                tau_squared,
                omega,
                effects[0],
                log_weights[:1],
                density,
                kept,
                mean,
                covariance,
            )
            weigh(density, log_weights[0], kept, others)
            _variances(others, mean, covariance, wider)
            np.maximum(widening, wider, widening)
        solve_grid(
            own_x,
            own_y,
            own_scales,
            sd,
            exchangeable,
            tau_squared,
            omega,
            effects[0],
            log_weights,
            density,
            kept,
            mean,
            covariance,
        )
        weigh(density, log_weights[0], kept, weights)
        _variances(weights, mean, covariance, fitted)
        for prior in range(1, n_priors):
            weigh(density, log_weights[prior], kept, others)
            _variances(others, mean, covariance, wider)
            np.maximum(widening, wider, widening)
        _decide(
            weights, mean, covariance, fitted, widening, effects[1], contests, s, limits, draws, numbers[s], places[s]
        )


@numba.njit(cache=True, nogil=True)
def _take(pieces, study_rows, taken):
    """Fill the rows of the pieces of an analysis; gives how many there are."""
    n = 0
    for piece in pieces:
        if piece >= 0:
            for row in range(study_rows[piece], study_rows[piece + 1]):
                taken[n] = row
                n += 1
    return n


@numba.njit(cache=True, nogil=True)
def _variances(weights, mean, covariance, result):
    """Fill the posterior variances of all differences within a block, (blocks, treatments, treatments)."""
    blocks, treatments = mean.shape[1:]
    for b in range(blocks):
        for t in range(treatments):
            result[b, t, t] = 0.0
            for u in range(t):
                first, second = 0.0, 0.0
                for g in range(len(weights)):
                    if weights[g] > 0:
                        d = mean[g, b, t] - mean[g, b, u]
                        v = covariance[g, b, t, t] + covariance[g, b, u, u] - 2 * covariance[g, b, t, u]
                        first += weights[g] * d
                        second += weights[g] * (d * d + v)
                result[b, t, u] = result[b, u, t] = max(second - first * first, 0.0)


@numba.njit(cache=True, nogil=True)
def _decide(weights, mean, covariance, fitted, widening, block, contests, analysis, limits, draws, numbers, places):
    """Decide every setting of one analysis."""
    contest, candidate, estimable, reference, lead = contests
    treatments = mean.shape[2]
    sign, most_widening, least = limits
    own = contest[analysis]
    p_best = np.empty((len(block), treatments))
    prior_driven = np.empty((treatments, treatments), np.bool_)
    placed, same = np.zeros((len(block), treatments), np.bool_), np.empty(len(block), np.int64)
    p_better = np.empty((treatments, treatments))
    d, sd = np.empty(len(weights)), np.empty(len(weights))
    numbers[:], places[:, FIRST], places[:, RUNNER_UP] = np.nan, -1, -1
    for s in range(len(block)):
        _mark_prior_driven(fitted[block[s]], widening[block[s]], estimable[own], (1 + most_widening) ** 2, prior_driven)
        places[s, REASON], places[s, PLACED] = _place(candidate[own, s], prior_driven, placed[s])
    _mark_same(block, placed, same)
    _best(weights, mean, covariance, block, placed, same, sign, draws, p_best)
    for s in range(len(block)):
        b, number, place, alike = block[s], numbers[s], places[s], same[s]
        asked_the_same = reference[own, s] == reference[own, alike] and (lead[s] == lead[alike]).all()
        if alike < s and asked_the_same and (candidate[own, s] == candidate[own, alike]).all():
            number[:], place[:] = numbers[alike], places[alike]
            continue
        _lead(lead[s], candidate[own, s], estimable[own], weights, mean, covariance, b, sign, d, sd, number)
        if place[PLACED] < 2:
            continue
        _mark_prior_driven(fitted[b], widening[b], estimable[own], (1 + most_widening) ** 2, prior_driven)
        _compare(weights, mean, covariance, b, placed[s], fitted[b], sign, d, sd, p_better)
        p_best[s] = p_best[alike]
        first, second, by_best, by_mean = _order(weights, mean, b, placed[s], p_better, p_best[s], sign, number)
        place[FIRST], place[RUNNER_UP] = first, second
        if prior_driven[first, second]:
            place[REASON] = BY_PRIOR
        elif by_best != first or by_mean != first:
            place[REASON] = BY_CRITERION
        elif p_better[first, second] < least:
            place[REASON] = CLOSE
        number[P_BETTER] = p_better[first, second]
        _difference(weights, mean, covariance, b, first, second, d, sd)
        number[EFFECT], number[LOWER], number[UPPER] = summary(weights, d, sd)
        if reference[own, s] >= 0:
            _difference(weights, mean, covariance, b, first, reference[own, s], d, sd)
            number[TO_REFERENCE], number[REFERENCE_LOWER], number[REFERENCE_UPPER] = summary(weights, d, sd)


@numba.njit(cache=True, nogil=True)
def _lead(lead, candidate, estimable, weights, mean, covariance, block, sign, d, sd, number):
    """Summarise the contrasts of the declared first, where this analysis has both treatments and can estimate them."""
    first, second, reference = lead
    if first < 0 or not candidate[first]:
        return
    if second >= 0 and candidate[second] and estimable[first, second]:
        _difference(weights, mean, covariance, block, first, second, d, sd)
        number[LEAD], number[LEAD_LOWER], number[LEAD_UPPER] = summary(weights, d, sd)
        number[LEAD_P_BETTER] = p_above(weights, d, sd, sign)
    if reference >= 0 and candidate[reference] and estimable[first, reference]:
        _difference(weights, mean, covariance, block, first, reference, d, sd)
        number[LEAD_TO_REFERENCE], number[LEAD_REFERENCE_LOWER], number[LEAD_REFERENCE_UPPER] = summary(weights, d, sd)


@numba.njit(cache=True, nogil=True)
def _mark_prior_driven(fitted, widening, estimable, most, result):
    """Mark the differences that the network cannot estimate, or that a doubled prior widens too much."""
    n = len(fitted)
    for t in range(n):
        for u in range(n):
            result[t, u] = not estimable[t, u] or (fitted[t, u] > 1e-12 and widening[t, u] > most * fitted[t, u])


@numba.njit(cache=True, nogil=True)
def _place(candidate, prior_driven, placed):
    """Fill ``placed`` with the largest group that the data link; returns why nobody is named, and its size."""
    n, candidates, largest = len(candidate), 0, 0
    group = np.full(n, -1)
    for t in range(n):
        candidates += candidate[t]
        if not candidate[t] or group[t] >= 0:
            continue
        group[t], size, grown = t, 1, True
        while grown:
            grown = False
            for u in range(n):
                if group[u] == t:
                    for v in range(n):
                        if candidate[v] and group[v] < 0 and not prior_driven[u, v]:
                            group[v], grown = t, True
                            size += 1
        if size > largest:
            largest = size
            for u in range(n):
                placed[u] = group[u] == t
    if candidates < 2 or 2 * largest <= candidates:
        placed[:] = False
        return NO_ONE if candidates == 0 else ONE_ALONE if candidates == 1 else UNLINKED, 0
    return NAMED, largest


@numba.njit(cache=True, nogil=True)
def _mark_same(block, placed, same):
    """Fill the first setting with the same effects and the same candidates placed, for every setting."""
    for s in range(len(block)):
        same[s] = s
        for other in range(s):
            if block[other] == block[s] and (placed[other] == placed[s]).all():
                same[s] = other
                break


@numba.njit(cache=True, nogil=True)
def _compare(weights, mean, covariance, block, placed, fitted, sign, d, sd, result):
    """Fill the probability that a row is better than a column; 1/2 where both are the same."""
    n = len(placed)
    for t in range(n):
        result[t, t] = 0.5
        for u in range(t):
            if placed[t] and placed[u]:
                result[t, u] = 0.5
                if fitted[t, u] > 1e-12:
                    _difference(weights, mean, covariance, block, t, u, d, sd)
                    result[t, u] = p_above(weights, d, sd, sign)
                result[u, t] = 1 - result[t, u]


@numba.njit(cache=True, nogil=True)
def _order(weights, mean, block, placed, p_better, p_best, sign, number):
    """Find the first and the runner-up by SUCRA, the first by P(best) and by the posterior mean; the first of a tie."""
    n, size = len(placed), placed.sum()
    first, second, by_best, by_mean = -1, -1, -1, -1
    sucra, value = np.empty(n), np.empty(n)
    for t in range(n):
        if not placed[t]:
            continue
        sucra[t], value[t] = -0.5, 0.0
        for u in range(n):
            if placed[u]:
                sucra[t] += p_better[t, u]
        for g in range(len(weights)):
            value[t] += sign * weights[g] * mean[g, block, t] if weights[g] > 0 else 0.0
        if size == 2:
            p_best[t] = sucra[t]
        if first < 0 or sucra[t] > sucra[first]:
            first, second = t, first
        elif second < 0 or sucra[t] > sucra[second]:
            second = t
        if by_best < 0 or p_best[t] > p_best[by_best]:
            by_best = t
        if by_mean < 0 or value[t] > value[by_mean]:
            by_mean = t
    number[SUCRA], number[P_BEST] = sucra[first] / (size - 1), p_best[first]
    return first, second, by_best, by_mean


@numba.njit(cache=True, nogil=True)
def _best(weights, mean, covariance, block, placed, same, sign, draws, result):
    """Fill P(best) among the placed of every setting that is the first of its kind; ties are shared."""
    blocks, treatments = mean.shape[1:]
    uniform, deviates = draws
    root, values = np.empty((treatments, treatments)), np.empty((treatments, len(uniform)))
    most, share = np.empty(len(uniform)), np.empty(len(uniform))
    result[:] = 0.0
    for b in range(blocks):
        first, above = 0, 0.0
        for g in range(len(weights)):
            above += weights[g]
            end = first
            while end < len(uniform) and (uniform[end] <= above or g == len(weights) - 1):
                end += 1
            if end > first:
                root[:] = covariance[g, b]
                cholesky(root, treatments)
                _draw(mean[g, b], root, sign, deviates, first, end, values)
                first = end
        for s in range(len(block)):
            if block[s] == b and same[s] == s:
                _count_best(values, placed[s], most, share, result[s])


@numba.njit(cache=True, nogil=True)
def _draw(mean, root, sign, deviates, first, end, values):
    """Fill draws from ``first`` to ``end`` with sign * (mean + root z), (treatments, draws)."""
    for t in range(len(mean)):
        for k in range(first, end):
            values[t, k] = sign * mean[t]
        for u in range(t + 1):
            factor = sign * root[t, u]
            for k in range(first, end):
                values[t, k] += factor * deviates[u, k]


@numba.njit(cache=True, nogil=True)
def _count_best(values, placed, most, share, result):
    """Add how often a treatment that is placed is the best of the draws, (treatments,)."""
    most[:], share[:] = -np.inf, 0.0
    for t in range(len(placed)):
        if placed[t]:
            for k in range(len(most)):
                most[k] = max(most[k], values[t, k])
    for t in range(len(placed)):
        if placed[t]:
            for k in range(len(most)):
                share[k] += 1.0 if values[t, k] >= most[k] - _TIE else 0.0
    for t in range(len(placed)):
        if placed[t]:
            for k in range(len(most)):
                result[t] += (1.0 / share[k] if values[t, k] >= most[k] - _TIE else 0.0) / len(most)


@numba.njit(cache=True, nogil=True)
def _difference(weights, mean, covariance, block, first, second, d, sd):
    """Fill mean and standard deviation of a difference of two effects at every grid point."""
    for g in range(len(weights)):
        if weights[g] > 0:
            d[g] = mean[g, block, first] - mean[g, block, second]
            variance = covariance[g, block, first, first] + covariance[g, block, second, second]
            sd[g] = math.sqrt(max(variance - 2 * covariance[g, block, first, second], 0.0))
