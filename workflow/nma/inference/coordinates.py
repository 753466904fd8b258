"""The sampler's coordinates: the coefficients as a standard normal vector, whatever the data say about them.

Every contrast and arm is approximated by a normal on the link scale. Given tau and omega the approximate posterior of
the coefficients u, in units of their prior standard deviations, is then N(A^-1 h, A^-1), with A = I + D G D and
h = D s, where G and s are the information and the score of the weighted regression and D multiplies exchangeable
coefficients by omega. So u = A^-1 h + L^-T z with A = L L' is near normal in z for every tau and omega: there is no
funnel, and nobody has to choose between centred and non-centred parametrisations. The approximation shapes the
coordinates, not the target.
"""

from dataclasses import dataclass
from math import asinh, sinh, sqrt
from typing import Any

import numba
import numpy as np

from nma.inference import families
from nma.inference.scales import PriorScales
from nma.network.data import NetworkData
from nma.network.predictor import CUT, EXCHANGEABLE
from nma.network.structure import Floats

# columns of the approximate data: y ~ N(row u, variance + spread tau^2)
_Y, _VARIANCE, _SPREAD = range(3)
REACH = 1.0  # of a step in a scale, in standard deviations of its prior
_CLOSE, _MAX_STEPS = 1e-14, 100  # when the Newton steps to a scale end


@dataclass(frozen=True)
class Approximation:
    """Normal approximation of a fit's likelihood, in units of the prior standard deviations with omega at 1."""

    rows: Floats
    """(N, size): contrasts, cutpoints, then the arms of counts."""
    values: Floats
    """Estimate, variance, and what multiplies tau^2, (N, 3)."""
    start: Floats
    """First row of every study with counts, and N: the baselines of these rows are weighted out."""
    exchangeable: Floats
    """1 for coefficients that omega multiplies, (size,)"""
    resolution: float
    """Least standard error of a contrast."""

    @property
    def size(self) -> int:
        """Length of the raw coefficients."""
        return len(self.exchangeable)

    def units(self, scales: PriorScales) -> tuple[float, float]:
        """Units of tau and omega, see `scale`: what the data resolve of them, as far as that is known."""
        return 3 * self.resolution, 2 * scales.omega


def approximate(data: NetworkData, scales: PriorScales, size: int, places: Any) -> Approximation:
    """Approximate the likelihood of a fit.

    Parameters
    ----------
    size : int
        Length of the raw coefficients.
    places : array, (coefficients,)
        Where the coefficients stand among them.
    """
    gaussian, counts = data.gaussian, data.counts
    cut = np.flatnonzero(data.predictor.kinds == CUT)
    y, variance = families.gaussian_approximation(counts)
    contrasts = np.column_stack([gaussian.y, np.ones(len(gaussian.y)), gaussian.scales])
    arms = np.column_stack([y, variance, np.full(len(y), 0.5)])
    stacked = np.vstack([gaussian.rows, np.eye(data.n_coefficients)[cut], counts.rows])
    rows, exchangeable = np.zeros((len(stacked), size)), np.zeros(size)
    rows[:, places] = stacked * scales.coefficients(data.predictor, 1.0)
    exchangeable[places] = data.predictor.kinds == EXCHANGEABLE
    start = counts.start + len(contrasts) + len(cut)
    values = np.vstack([contrasts, _cuts(data), arms])
    return Approximation(rows, values, start.astype(float), exchangeable, resolution(data))


def _cuts(data: NetworkData) -> Floats:
    """Log distances between the pooled cutpoints, with a variance of one over the patients between them."""
    if not data.n_cuts:
        return np.zeros((0, 3))
    distances = np.maximum(np.diff(families.pooled_cuts(data.counts)), 1e-3)
    between = data.counts.counts.sum(axis=0)[1:-1] + 1
    return np.column_stack([np.log(distances), 1 / between, np.zeros(data.n_cuts)])


def resolution(data: NetworkData) -> float:
    """Return the least standard error of a contrast: the scale below which tau makes no difference."""
    precision = data.gaussian.scales.max(initial=1e-12)
    if len(data.counts.study):
        variance = families.gaussian_approximation(data.counts)[1]
        precision = max(precision, 1 / np.add.reduceat(variance, data.counts.start[:-1]).min())
    return float(1 / np.sqrt(precision))


@numba.njit(cache=True)
def scale(raw, prior, unit):  # type: ignore[no-untyped-def]
    """Scale of either sign with raw = asinh(scale / unit) + scale / (REACH prior).

    The likelihood depends on tau and omega through their squares alone: sampled over the whole line they have no
    boundary and no funnel at 0, where the usual log transform gives divergences. A step in raw is one of ``unit`` near
    0, grows with the scale beyond, and is never longer than the prior is wide: so the density in raw is neither spiked
    at the resolution of the data nor steep in the tail of the prior.

    Parameters
    ----------
    raw : float
    prior : float
        Standard deviation of the half-normal prior.
    unit : float
        Where the data resolve the scale.

    Returns
    -------
    float
        The scale, by Newton steps: raw is a concave function of it.
    float
        Its derivative by raw.
    float
        The derivative of the logarithm of that.
    """
    size, reach = abs(raw), REACH * prior
    value = min(unit * sinh(min(size, 700.0)), reach * size)
    for _ in range(_MAX_STEPS):
        by_unit = 1.0 / sqrt(unit * unit + value * value)
        slope = 1.0 / (by_unit + 1.0 / reach)
        step = slope * (asinh(value / unit) + value / reach - size)
        value = max(value - step, 0.0)
        if abs(step) <= _CLOSE * value:
            break
    sign = 1.0 if raw >= 0.0 else -1.0
    return sign * value, slope, sign * value * by_unit**3 * slope**2


@numba.njit(cache=True)
def scale_draws(raw, prior, unit):  # type: ignore[no-untyped-def]
    """`scale` for many draws, (B,) -> (B,)."""
    values = np.empty_like(raw)
    for i in range(raw.shape[0]):
        values[i] = scale(raw[i], prior, unit)[0]
    return values


@numba.njit(cache=True)
def _accumulate(row, y, weight, change, information, score, by_tau, score_by_tau):  # type: ignore[no-untyped-def]
    """Add one row to information and score, and to their derivatives by tau."""
    for i in range(row.shape[0]):
        if row[i] != 0.0:
            score[i] += weight * row[i] * y
            score_by_tau[i] += change * row[i] * y
            for j in range(i + 1):
                product = row[i] * row[j]
                information[i, j] += weight * product
                by_tau[i, j] += change * product


@numba.njit(cache=True)
def _regress(tau, rows, values, start):  # type: ignore[no-untyped-def]
    """Information G (its lower triangle) and score s given tau, and their derivatives by tau."""
    n = rows.shape[1]
    information, by_tau = np.zeros((n, n)), np.zeros((n, n))
    score, score_by_tau = np.zeros(n), np.zeros(n)
    weight = 1.0 / (values[:, _VARIANCE] + values[:, _SPREAD] * tau * tau)
    change = -2.0 * tau * values[:, _SPREAD] * weight**2
    for k in range(int(start[0])):
        _accumulate(rows[k], values[k, _Y], weight[k], change[k], information, score, by_tau, score_by_tau)
    for s in range(start.shape[0] - 1):
        a, b = int(start[s]), int(start[s + 1])
        total, mean_y, mean_row = 0.0, 0.0, np.zeros(n)
        for k in range(a, b):
            total += weight[k]
            mean_y += weight[k] * values[k, _Y]
            mean_row += weight[k] * rows[k]
        for k in range(a, b):
            row, y = rows[k] - mean_row / total, values[k, _Y] - mean_y / total
            _accumulate(row, y, weight[k], change[k], information, score, by_tau, score_by_tau)
    return information, score, by_tau, score_by_tau


@numba.njit(cache=True)
def _derivative(change, score_change, inverse, root, mean, z):  # type: ignore[no-untyped-def]
    """Differentiate u and log |du / dz| along a change of A and h."""
    half = np.ascontiguousarray(np.tril(inverse @ change @ root))
    log_det = 0.0
    for i in range(z.shape[0]):
        half[i, i] *= 0.5
        log_det -= half[i, i]
    return root @ (inverse @ (score_change - change @ mean)) - root @ (np.ascontiguousarray(half.T) @ z), log_det


@numba.njit(cache=True)
def transform(z, tau, omega, rows, values, start, exchangeable):  # type: ignore[no-untyped-def]
    """Turn z into u, given tau and omega.

    Parameters
    ----------
    z : array, (P,)
    tau, omega : float
    rows, values, start, exchangeable : arrays
        From an `Approximation`.

    Returns
    -------
    u, root : arrays, (P,) and (P, P)
        u = mean + root z.
    derivatives : array, (2, P)
        Of u by tau and by omega.
    log_det : array, (3,)
        log |du / dz| and its derivatives by tau and by omega.
    """
    n = z.shape[0]
    d = np.where(exchangeable > 0, omega, 1.0)
    information, score, by_tau, score_by_tau = _regress(tau, rows, values, start)
    a, a_tau, a_omega = np.eye(n), np.empty((n, n)), np.empty((n, n))
    for i in range(n):
        for j in range(i + 1):
            a[i, j] += d[i] * information[i, j] * d[j]
            a_tau[i, j] = d[i] * by_tau[i, j] * d[j]
            a_omega[i, j] = information[i, j] * (exchangeable[i] * d[j] + d[i] * exchangeable[j])
            a[j, i], a_tau[j, i], a_omega[j, i] = a[i, j], a_tau[i, j], a_omega[i, j]
    inverse = np.linalg.inv(np.linalg.cholesky(a))
    root = np.ascontiguousarray(inverse.T)
    mean = root @ (inverse @ (d * score))
    u = mean + root @ z
    derivatives, log_det = np.zeros((2, n)), np.zeros(3)
    log_det[0] = np.log(np.diag(inverse)).sum()
    derivatives[0], log_det[1] = _derivative(a_tau, d * score_by_tau, inverse, root, mean, z)
    if exchangeable.any():
        derivatives[1], log_det[2] = _derivative(a_omega, exchangeable * score, inverse, root, mean, z)
    return u, root, derivatives, log_det


@numba.njit(cache=True)
def transform_draws(z, tau, omega, rows, values, start, exchangeable):  # type: ignore[no-untyped-def]
    """`transform` for many draws: z (B, P), tau (B,), omega (B,) -> u (B, P)."""
    u = np.empty_like(z)
    for i in range(z.shape[0]):
        u[i] = transform(z[i], tau[i], omega[i], rows, values, start, exchangeable)[0]
    return u
