"""The likelihood of counts once more, by a library's adaptive quadrature: what the fast one is checked against.

It shares neither nodes nor densities with the fast one: they are written down anew, both integrals are taken by
QUADPACK (`scipy.integrate.quad`) between the points where the integrand has fallen by a factor of e^-40, on each side
of its mode. A study takes some hundredths of a second.
"""

from collections.abc import Callable
from math import erfc, exp, expm1, inf, isnan, log, log1p, nan, pi, sqrt
from typing import Any

import numba
import numpy as np
from numba import carray, cfunc, types

from secondline.inference.families import BINOMIAL_CLOGLOG, BINOMIAL_LOGIT, ORDERED, ORDERED_PROBIT, POISSON_LOG
from secondline.network.data import CountData
from secondline.network.structure import Floats

_DEPTH = 40.0  # of the integrand below its top, where the integral ends
_ACCURACY = 1e-9


@numba.njit(cache=True)
def _log_upper(family, x):
    """Log of the link's upper tail."""
    if family != ORDERED_PROBIT:
        return -x - log1p(exp(-x)) if x > 0 else -log1p(exp(x))
    if x < 25.0:
        return log(0.5 * erfc(x / sqrt(2.0)))
    return -0.5 * x * x - log(x * sqrt(2.0 * pi)) + log1p(-1.0 / (x * x) + 3.0 / x**4)


@numba.njit(cache=True)
def _log_between(family, low, high):
    """Log probability between two points, from the tail that they are nearer to."""
    if low + high < 0.0:
        low, high = -high, -low
    near, far = _log_upper(family, low), _log_upper(family, high) if high < inf else -inf
    return near + log1p(-exp(far - near))


@numba.njit(cache=True)
def _log_density(family, eta, offset, counts, cuts):
    """Log likelihood of one arm without its combinatorial constant; not a number for a code that is not here."""
    x = eta + offset
    if family == POISSON_LOG:
        return counts[0] * x - exp(min(x, 690.0))
    if family == BINOMIAL_LOGIT:
        r, others = counts[0], counts[1] - counts[0]
        total = -r * log1p(exp(-x)) if x > -30.0 else r * x
        return total - (others * log1p(exp(x)) if x < 30.0 else others * x)
    if family == BINOMIAL_CLOGLOG:
        hazard = exp(min(x, 690.0))
        events = counts[0] * (log(-expm1(-hazard)) if x > -30.0 else x) if counts[0] > 0.0 else 0.0
        return events - (counts[1] - counts[0]) * hazard
    if family not in ORDERED:
        return nan
    total, above = 0.0, 0
    for c in range(counts.shape[0]):
        if counts[c] > 0.0:
            above = c + 1  # the next category that has a count of its own
            while above < counts.shape[0] and isnan(counts[above]):
                above += 1
            low = -inf if c == 0 else cuts[c - 1] - x
            high = inf if above == counts.shape[0] else cuts[above - 1] - x
            total += counts[c] * _log_between(family, low, high)
    return total


@numba.njit(cache=True)
def _log_integrand(eta, packed):
    """Log of an arm's likelihood times the density of its linear predictor; see `_pack`."""
    family, mean, k, offset, n = int(packed[0]), packed[1], packed[2], packed[3], int(packed[4])
    x = (eta - mean) / k
    return _log_density(family, eta, offset, packed[5 : 5 + n], packed[5 + n :]) - 0.5 * x * x


@cfunc(types.float64(types.intc, types.CPointer(types.float64)), cache=True)
def _integrand(n, values):
    """Integrand of an arm as QUADPACK calls it: the variable, the log of the top, then what `_pack` gives."""
    x = carray(values, n)
    return exp(_log_integrand(x[0], x[2:]) - x[1])


@numba.njit(cache=True)
def _support(packed, low, high):
    """Mode of an arm's integrand between two points, its log there, and where it ends on both sides."""
    for _ in range(200):
        a, b = low + (high - low) / 3.0, high - (high - low) / 3.0
        if _log_integrand(a, packed) < _log_integrand(b, packed):
            low = a
        else:
            high = b
    mode = 0.5 * (low + high)
    top, ends = _log_integrand(mode, packed), np.empty(2)
    for side in range(2):
        inside, step = 0.0, 1e-9 if side else -1e-9
        while _log_integrand(mode + step, packed) > top - _DEPTH:
            inside, step = step, 2.0 * step
        for _ in range(30):
            middle = 0.5 * (inside + step)
            if _log_integrand(mode + middle, packed) > top - _DEPTH:
                inside = middle
            else:
                step = middle
        ends[side] = mode + step
    return mode, top, ends[0], ends[1]


def _pack(family: int, mean: float, k: float, offset: float, counts: Floats, cuts: Floats) -> Floats:
    return np.array([family, mean, k, offset, len(counts), *counts, *cuts], float)


def _arm(family: int, mean: float, k: float, offset: float, counts: Floats, cuts: Floats) -> float:
    """Log of the integral over an arm's effect, of standard deviation ``k``."""
    from scipy import LowLevelCallable

    if k == 0.0:
        return float(_log_density(family, mean, offset, counts, cuts))
    packed = _pack(family, mean, k, offset, counts, cuts)
    mode, top, low, high = _support(packed, min(mean, -50.0 - offset), max(mean, 50.0 - offset))
    integrand = LowLevelCallable(_integrand.ctypes)
    total = sum(_quadpack(integrand, *ends, (top, *packed)) for ends in ((low, mode), (mode, high)))
    return float(top + log(total) - log(k * sqrt(2.0 * pi)))


def _quadpack(integrand: Any, low: float, high: float, more: tuple[float, ...] = ()) -> float:
    from scipy.integrate import quad

    return float(quad(integrand, low, high, args=more, epsabs=0.0, epsrel=_ACCURACY, limit=400)[0])


def _integral(log_integrand: Callable[[float], float], low: float, high: float) -> float:
    """Log of the integral of a log-concave function with its mode between two points."""
    from scipy.optimize import brentq, minimize_scalar

    mode = float(minimize_scalar(lambda x: -log_integrand(x), bounds=(low, high), method="bounded").x)
    top = log_integrand(mode)

    def end(direction: float) -> float:
        step = 0.25 * direction
        while log_integrand(mode + step) > top - _DEPTH:
            step *= 2.0
        return float(brentq(lambda x: log_integrand(x) - top + _DEPTH, mode, mode + step, rtol=1e-3))

    sides = (end(-1.0), mode), (mode, end(1.0))
    return top + log(sum(_quadpack(lambda x: exp(log_integrand(x) - top), *ends) for ends in sides))


def study_log_likelihood(data: CountData, i: int, f: Floats, tau: float, cuts: Floats, baseline_sd: float) -> float:
    """Log likelihood of one study, without the combinatorial constants.

    Parameters
    ----------
    data : CountData
    i : int
        Index of the study among those of counts.
    f : array, (arms of all studies,)
        Fixed part of the linear predictor.
    tau, baseline_sd : float
        Heterogeneity of a contrast, and the prior standard deviation of the baseline, on the link scale.
    cuts : array, (K - 1,)
        Cutpoints of an ordered outcome, or the slope of a regression on the baseline.
    """
    arms = range(int(data.start[i]), int(data.start[i + 1]))
    if len(data.at_baseline) and data.at_baseline[arms, 0].any():
        return _at_baseline(data, arms, f, tau, float(cuts[0]), baseline_sd)
    k, used = abs(tau) / sqrt(2.0), cuts if data.family in ORDERED else np.zeros(0)

    def log_integrand(mu: float) -> float:
        by_arm = (_arm(data.family, mu + f[a], k, float(data.offset[a]), data.counts[a], used) for a in arms)
        return sum(by_arm) - 0.5 * (mu / baseline_sd) ** 2

    reach = 50.0 + max(abs(f[a]) + abs(data.offset[a]) for a in arms)
    return _integral(log_integrand, -reach, reach) - log(baseline_sd * sqrt(2.0 * pi))


def _at_baseline(data: CountData, arms: range, f: Floats, tau: float, slope: float, baseline_sd: float) -> float:
    """Log likelihood of a study whose effects move with its baseline u, that of its arm on the reference.

    Given u, the treated arms have the common level v ~ N((1 + slope) u, tau^2 / 2) and effects of that variance each;
    one arm by itself has tau^2.
    """
    moves, near = data.at_baseline.T
    (base,), treated = [a for a in arms if not moves[a]], [a for a in arms if moves[a]]

    def arm(a: int, mean: float, k: float) -> float:
        return _arm(data.family, mean + f[a], k, float(data.offset[a]), data.counts[a], np.zeros(0))

    def given(u: float) -> float:
        level = [(1 + slope) * u - slope * near[a] for a in treated]
        if len(treated) == 1 or tau == 0:
            return sum(arm(a, mean, abs(tau)) for a, mean in zip(treated, level, strict=True))
        k = abs(tau) / sqrt(2.0)

        def at(w: float) -> float:
            return sum(arm(a, mean + k * w, k) for a, mean in zip(treated, level, strict=True)) - 0.5 * w * w

        return _integral(at, -40.0, 40.0) - log(sqrt(2.0 * pi))

    def log_integrand(u: float) -> float:
        return arm(base, u, 0.0) + given(u) - 0.5 * (u / baseline_sd) ** 2

    reach = 50.0 + max(abs(f[a]) + abs(data.offset[a]) for a in arms)
    return _integral(log_integrand, -reach, reach) - log(baseline_sd * sqrt(2.0 * pi))
