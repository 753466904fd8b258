"""The sampler's coordinates: the coefficients as an approximately standard normal vector, for any data.

Every contrast and arm is approximated by a normal on the link scale. Given tau and omega the approximate posterior of
the coefficients u, in units of their prior standard deviations, is then N(A^-1 h, A^-1), with A = I + D G D and
h = D s, where G and s are the information and the score of the weighted regression and D multiplies exchangeable
coefficients by their omega. So u = A^-1 h + L^-T z with A = L L' is near normal in z for every tau and omega: there is
no funnel, and nobody has to choose between centred and non-centred parametrisations. The approximation shapes the
coordinates, not the target.
"""

from dataclasses import dataclass
from math import asinh, cosh, exp, log, log1p, sinh, sqrt, tanh
from typing import Any

import numba
import numpy as np

from secondline.inference import families
from secondline.inference.kernels.cholesky import root_of, sensitivity
from secondline.inference.kernels.design_blocks import COLUMN, ROW, VALUE, Blocks, blocks
from secondline.inference.priors import PriorScales
from secondline.inference.resolution import resolution
from secondline.network.categories import counted_apart
from secondline.network.data import NetworkData
from secondline.network.predictor import CUT, EXCHANGEABLE
from secondline.network.structure import Floats
from secondline.sd_points import ABSENT

# columns of the approximate data: y ~ N(row u, variance + spread tau^2), tau that of the group
_Y, _VARIANCE, _SPREAD, _GROUP = range(4)
REACH = 1.0  # of a step in a scale, in standard deviations of its prior
# the prior of a standard deviation, as `secondline.sd_prior.Form` gives it, and its unit behind it
_POINT, _NORMAL, _POWER, _TAIL, _UPPER, _REACH_OF, _LOG_MEAN, _LOG_SD, _UNIT = range(9)
_CLOSE, _MAX_STEPS = 1e-14, 100  # when the Newton steps to a scale end


@dataclass(frozen=True)
class Approximation:
    """Normal approximation of a fit's likelihood, in units of the prior standard deviations with omega at 1."""

    design: Blocks
    """N rows: contrasts and cutpoints each by itself, then the arms of counts by study."""
    values: Floats
    """Estimate, variance, what multiplies tau^2, and which tau, (N, 4)."""
    exchangeable: Floats
    """For coefficients that an omega multiplies, which it is, counted from 1, (size,); 0 for the others."""
    resolution: float
    """Least standard error of a contrast."""

    @property
    def size(self) -> int:
        """Length of the raw coefficients."""
        return len(self.exchangeable)

    def units(self, scales: PriorScales) -> tuple[float, float]:
        """Units of tau and omega, see `scale`: what the data resolve of them.

        Where few data tell omega its density is that of the prior, which a unit of twice its scale follows best.
        """
        return 3 * self.resolution, min(3 * self.resolution, 2 * scales.omega.size)


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
    own = data.groups.of_points(gaussian.study)
    contrasts = np.column_stack([gaussian.y, np.ones(len(gaussian.y)), gaussian.scales, own])
    own = np.repeat(data.groups.of_points(counts.study), np.diff(counts.start))
    arms = np.column_stack([y, variance, np.full(len(y), 0.5), own])
    stacked = np.vstack([gaussian.rows, np.eye(data.n_coefficients)[cut], counts.rows])
    rows, exchangeable = np.zeros((len(stacked), size)), np.zeros(size)
    rows[:, places] = stacked * scales.coefficients(data.predictor, 1.0)
    exchangeable[places] = np.where(data.predictor.kinds == EXCHANGEABLE, 1 + data.predictor.omega_of, 0)
    alone = len(contrasts) + len(cut)
    design = blocks(rows, np.concatenate([np.arange(alone), alone + counts.start]))
    return Approximation(design, np.vstack([contrasts, _cuts(data), arms]), exchangeable, resolution(data))


def _cuts(data: NetworkData) -> Floats:
    """Log distances between the pooled cutpoints, with a variance of one over the patients counted between them."""
    if not data.n_cuts:
        return np.zeros((0, 4))
    distances = np.maximum(np.diff(families.pooled_cuts(data.counts)), 1e-3)
    between = counted_apart(data.counts.counts)[1:-1] + 1
    return np.column_stack([np.log(distances), 1 / between, *np.zeros((2, data.n_cuts))])


@numba.njit(cache=True)
def scale(raw, prior, unit):
    """Scale of either sign with raw = asinh(scale / unit) + scale / (REACH prior).

    The likelihood depends on tau and omega through their squares alone: sampled over the whole line they have no
    boundary and no funnel at 0, where the usual log transform gives divergences. A step in raw is one of ``unit`` near
    0, grows with the scale beyond, and is never longer than the prior is wide: so the density in raw is neither spiked
    at the resolution of the data nor steep in the tail of the prior.

    Parameters
    ----------
    raw : float
    prior : float
        How far a step may reach: the standard deviation of a half-normal prior.
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


def sd_table(
    scales: PriorScales, units: tuple[float, float], own: tuple[int, int] = (1, 1), sizes: tuple[int, int] = (1, 1)
) -> Floats:
    """Tabulate the priors of every tau and of every omega for `sd`, (taus + omegas, 9).

    Parameters
    ----------
    units : tuple of float
        Of tau and omega, see `Approximation.units`.
    own, sizes : tuple of int
        Number of taus and of omegas of the fit, and the largest numbers of the fits that share a compilation; those
        that the fit does not have are 0.
    """
    table = []
    for prior, unit, n, size in zip((scales.tau, scales.omega), units, own, sizes, strict=True):
        table += [[*prior.form, unit]] * n + [[*ABSENT.form, 1.0]] * (size - n)
    return np.array(table)


@numba.njit(cache=True)
def sd(raw, form):
    """Give a standard deviation of any prior, with a sign where its density is even, and what goes with it.

    A half-normal and a half-t are in the coordinate of `scale`; a prior with an upper end is end tanh(w), w in that
    coordinate; a log-normal has the standard normal coordinate that its logarithm has; a point mass does not move.

    Parameters
    ----------
    raw : float
    form : array, (9,)
        Row of `sd_table`.

    Returns
    -------
    float
        The value.
    float
        Its derivative by raw.
    float
        Log prior density of raw over that of a standard normal, up to a constant.
    float
        The derivative of that by raw.
    """
    if form[_POINT] >= 0.0:
        return form[_POINT], 0.0, 0.0, 0.0
    if form[_LOG_SD] > 0.0:
        value = exp(form[_LOG_MEAN] + form[_LOG_SD] * raw)
        return value, form[_LOG_SD] * value, 0.0, 0.0
    upper = form[_UPPER]
    if upper < np.inf:
        place, slope, bend = scale(raw, 1.0, form[_UNIT] / upper)
        value = upper * tanh(place)
        flat = 1.0 / cosh(min(abs(place), 300.0)) ** 2
        density = 0.5 * raw**2 + log(flat) + log(slope)
        return value, upper * flat * slope, density, raw + bend - 2.0 * tanh(place) * slope
    normal, power, spread = form[_NORMAL], form[_POWER], form[_TAIL]
    value, slope, bend = scale(raw, form[_REACH_OF], form[_UNIT])
    tail = (value / spread) ** 2
    density = 0.5 * raw**2 - 0.5 * (value / normal) ** 2 + log(slope) - power * log1p(tail)
    by_tail = power * 2.0 * value / spread**2 / (1.0 + tail)
    return value, slope, density, raw - value * slope / normal**2 + bend - by_tail * slope


@numba.njit(cache=True)
def sd_draws(raw, form):
    """Values of `sd` for many draws, (B,) -> (B,)."""
    values = np.empty_like(raw)
    for i in range(raw.shape[0]):
        values[i] = sd(raw[i], form)[0]
    return values


@numba.njit(cache=True)
def regress(taus, n, layout, columns, rows, values):
    """Information G (its lower triangle) and score s given taus (K,), and their derivatives by every tau, (K, ...).

    The baseline of a study is weighted out: its rows and estimates are taken from their weighted means.
    """
    information, by_tau = np.zeros((n, n)), np.zeros((taus.shape[0], n, n))
    score, score_by_tau, mean = np.zeros(n), np.zeros((taus.shape[0], n)), np.zeros(n)
    tau = np.empty(values.shape[0])
    for k in range(values.shape[0]):
        tau[k] = taus[int(values[k, _GROUP])]
    weights = 1.0 / (values[:, _VARIANCE] + values[:, _SPREAD] * tau * tau)
    changes = -2.0 * tau * values[:, _SPREAD] * weights**2
    for s in range(layout.shape[0] - 1):
        start, end = int(layout[s, ROW]), int(layout[s + 1, ROW])
        first, width = int(layout[s, COLUMN]), int(layout[s + 1, COLUMN]) - int(layout[s, COLUMN])
        at, total, mean_y = int(layout[s, VALUE]), 0.0, 0.0
        for i in range(width):
            mean[i] = 0.0
        if end - start > 1:
            for k in range(start, end):
                total += weights[k]
                mean_y += weights[k] * values[k, _Y]
                for i in range(width):
                    mean[i] += weights[k] * rows[at + (k - start) * width + i]
            mean_y /= total
            for i in range(width):
                mean[i] /= total
        for k in range(start, end):
            y, group = values[k, _Y] - mean_y, int(values[k, _GROUP])
            for i in range(width):
                row, value = int(columns[first + i]), rows[at + i] - mean[i]
                score[row] += weights[k] * value * y
                score_by_tau[group, row] += changes[k] * value * y
                for j in range(i + 1):
                    column, product = int(columns[first + j]), value * (rows[at + j] - mean[j])
                    information[row, column] += weights[k] * product
                    by_tau[group, row, column] += changes[k] * product
            at += width
    return information, score, by_tau, score_by_tau


@numba.njit(cache=True)
def factors(omegas, exchangeable):
    """Give what multiplies every coefficient, (P,): its omega, of omegas (M,), or 1 for those without."""
    result = np.ones(exchangeable.shape[0])
    for i in range(exchangeable.shape[0]):
        if exchangeable[i] > 0.0:
            result[i] = omegas[int(exchangeable[i]) - 1]
    return result


@numba.njit(cache=True)
def members(exchangeable, k):
    """Give 1 for the coefficients that the omega with index k multiplies and 0 for the others, (P,)."""
    return np.where(exchangeable == k + 1.0, 1.0, 0.0)


@numba.njit(cache=True)
def transform(z, taus, omegas, layout, columns, rows, values, exchangeable):
    """Turn z into u, given every tau and every omega.

    Parameters
    ----------
    z : array, (P,)
    taus : array, (K,)
    omegas : array, (M,)
    layout, columns, rows, values, exchangeable : arrays
        From an `Approximation`: the tables of its design, the second and third without their first dimension.

    Returns
    -------
    u : array, (P,)
    log_det : float
        log |du / dz|.
    near : tuple
        What `pull_back` takes.
    """
    n = z.shape[0]
    d = factors(omegas, exchangeable)
    information, score, by_tau, score_by_tau = regress(taus, n, layout, columns, rows, values)
    precision = np.eye(n)
    for i in range(n):
        for j in range(i + 1):
            precision[i, j] += d[i] * information[i, j] * d[j]
    root = root_of(precision)
    mean = root @ (np.ascontiguousarray(root.T) @ (d * score))
    near = d, information, score, by_tau, score_by_tau, root, mean
    return mean + root @ z, np.log(np.diag(root)).sum(), near


@numba.njit(cache=True)
def pull_back(z, gradient, near, exchangeable, n_omegas):
    """Differentiate gradient . u + log |du / dz|.

    Returns
    -------
    array, (P,)
        The derivatives of gradient . u by z.
    array, (K,)
        Those of the whole by every tau.
    array, (M,)
        Those of the whole by every omega, M being ``n_omegas``.
    """
    d, information, score, by_tau, score_by_tau, root, mean = near
    change, q = sensitivity(information, root, mean, z, gradient)
    dtau, domega = np.empty(by_tau.shape[0]), np.empty(n_omegas)
    for group in range(by_tau.shape[0]):
        dtau[group] = q @ (d * score_by_tau[group])
    for i in range(z.shape[0]):
        for j in range(i + 1):
            for group in range(by_tau.shape[0]):
                dtau[group] -= change[i, j] * d[i] * by_tau[group, i, j] * d[j]
    for k in range(n_omegas):
        own = members(exchangeable, k)
        of_k = q @ (own * score)
        for i in range(z.shape[0]):
            for j in range(i + 1):
                of_k -= change[i, j] * information[i, j] * (own[i] * d[j] + d[i] * own[j])
        domega[k] = of_k
    return np.ascontiguousarray(root.T) @ gradient, dtau, domega


@numba.njit(cache=True)
def transform_draws(z, taus, omegas, layout, columns, rows, values, exchangeable):
    """`transform` for many draws: z (B, P), taus (B, K), omegas (B, M) -> u (B, P)."""
    u = np.empty_like(z)
    for i in range(z.shape[0]):
        u[i] = transform(z[i], taus[i], omegas[i], layout, columns, rows, values, exchangeable)[0]
    return u
