"""Weighted mixtures of normals: the form in which the exact engine gives every posterior."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.special import ndtr, ndtri

from secondline.network.structure import Floats
from secondline.sd_lines import PLAIN, Line
from secondline.sd_prior import SdPrior

_TIE = 1e-12  # quantities that differ by less are the same
_STEPS, _PRECISION = 120, 1e-12  # of the search for a quantile; standard deviations within which it is found


@dataclass(frozen=True)
class NormalMixture:
    """Independent-of-scale summary of a set of scalar quantities, each a mixture of M normals.

    Parameters
    ----------
    weights : array, (M,)
        Sum to 1.
    means, sds : array, (M, K)
        Component means and standard deviations of K quantities; a standard deviation of 0 is a point mass.
    """

    weights: Floats
    means: Floats
    sds: Floats

    def mean(self) -> Floats:
        """Means of the K quantities."""
        return self.weights @ self.means

    def sd(self) -> Floats:
        """Return the standard deviations of the K quantities."""
        centred = self.means - self.mean()
        return np.sqrt(self.weights @ (centred**2 + self.sds**2))

    def cdf(self, x: Floats) -> Floats:
        """P(quantity <= x), one x for each of the K quantities."""
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (x - self.means) / self.sds
        steps = np.where(self.sds > 0, ndtr(np.nan_to_num(z)), (self.means <= x).astype(float))
        return np.asarray(self.weights @ steps)

    def cdf_along(self, x: Floats) -> Floats:
        """P(quantity <= x) of a single quantity at every x, (len(x),)."""
        one = NormalMixture(self.weights, self.means[:, :1], self.sds[:, :1])
        return one.cdf(x)

    def p_above(self, x: Floats) -> Floats:
        """P(quantity > x), one x for each of the K quantities; what is the same as x counts half."""
        ahead = self.means - x
        with np.errstate(divide="ignore", invalid="ignore"):
            z = ahead / self.sds
        steps = np.where(np.abs(ahead) <= _TIE, 0.5, (ahead > 0).astype(float))
        return np.asarray(self.weights @ np.where(self.sds > _TIE, ndtr(np.nan_to_num(z)), steps))

    def quantiles(self, probabilities: Floats) -> Floats:
        """Quantiles of the K quantities, (probabilities, K)."""
        if not self.sds.any():
            return weighted_quantiles(self.means, self.weights, probabilities)
        return np.stack([self._quantile(probability) for probability in probabilities])

    def _quantile(self, probability: float) -> Floats:
        """Find quantiles by Newton steps within a bracket, which is halved where a step leaves it."""
        low, high = (self.means - 12 * self.sds).min(axis=0), (self.means + 12 * self.sds).max(axis=0)
        within = _PRECISION * self.sd()
        x = np.clip(self.mean() + ndtri(probability) * self.sd(), low, high)
        moving = np.arange(len(x))
        for step in range(_STEPS):
            here = NormalMixture(self.weights, self.means[:, moving], self.sds[:, moving])
            at, left, right = x[moving], low[moving], high[moving]
            gap = here.cdf(at) - probability
            low[moving], high[moving] = np.where(gap < 0, at, left), np.where(gap < 0, right, at)
            middle = (low[moving] + high[moving]) / 2
            with np.errstate(divide="ignore", invalid="ignore"):
                newton = at - gap / here.density(at)
            follows = (newton > low[moving]) & (newton < high[moving]) & (step < _STEPS // 2)
            x[moving] = np.where(follows, newton, middle)
            moving = moving[np.abs(x[moving] - at) > within[moving]]
            if not len(moving):
                break
        return x

    def density(self, x: Floats) -> Floats:
        """Density at x, one for each of the K quantities; that of its normals alone where some are point masses."""
        with np.errstate(divide="ignore", invalid="ignore"):
            heights = np.exp(-0.5 * ((x - self.means) / self.sds) ** 2) / self.sds
        return np.asarray(self.weights @ np.where(self.sds > 0, heights, 0.0) / np.sqrt(2 * np.pi))

    def summary(self) -> Floats:
        """Mean, sd, 2.5% and 97.5% quantile, (4, K)."""
        return np.vstack([self.mean(), self.sd(), self.quantiles(np.array([0.025, 0.975]))])


SUMMARIES = ("mean", "sd", "q2.5", "q97.5")


def weighted_quantiles(values: Floats, weights: Floats, probabilities: Floats) -> Floats:
    """Quantiles of weighted draws by linear interpolation of the midpoint distribution.

    Parameters
    ----------
    values : array, (M, K)
    weights : array, (M,)

    Returns
    -------
    array, (probabilities, K)
    """
    if np.ptp(weights) == 0:
        return np.asarray(np.quantile(values, probabilities, axis=0, method="hazen"))
    result = np.empty((len(probabilities), values.shape[1]))
    for k in range(values.shape[1]):
        order = np.argsort(values[:, k], kind="stable")
        w = weights[order]
        result[:, k] = np.interp(probabilities, np.cumsum(w) - w / 2, values[order, k])
    return result


def density_summary(x: Floats, density: Floats) -> Floats:
    """Mean, sd, 2.5% and 97.5% quantile of a density known on a grid of numbers from 0 up, (4,).

    The density is interpolated by a cubic spline; its grid values are exact.
    """
    fine, value = refine(x, density)
    total = np.trapezoid(value, fine)
    mean = np.trapezoid(fine * value, fine) / total
    sd = np.sqrt(np.trapezoid((fine - mean) ** 2 * value, fine) / total)
    return np.array([mean, sd, *density_quantiles(x, density, np.array([0.025, 0.975]))])


def density_quantiles(x: Floats, density: Floats, probabilities: Floats) -> Floats:
    """Quantiles of a density known on a grid of numbers from 0 up."""
    fine, value = refine(x, density)
    cumulative = np.concatenate([[0.0], np.cumsum((value[1:] + value[:-1]) / 2 * np.diff(fine))])
    return np.interp(probabilities, cumulative / cumulative[-1], fine)


def refine(x: Floats, density: Floats, points: int = 4001) -> tuple[Floats, Floats]:
    """Interpolate a density on a finer grid, as an even function where x starts at 0: its logarithm, by a cubic spline.

    A narrow density on few points would ripple; its logarithm is nearly a parabola.
    """
    log_density = np.log(np.maximum(density, density.max() * 1e-40))
    known = x, log_density
    if x[0] == 0:
        known = np.concatenate([-x[:0:-1], x]), np.concatenate([log_density[:0:-1], log_density])
    fine = np.interp(np.linspace(0, len(x) - 1, points), np.arange(len(x)), x)
    return fine, np.exp(CubicSpline(*known)(fine))


@dataclass(frozen=True)
class Axis:
    """Grid of a standard deviation: dense near 0 at the resolution of the data, ever coarser beyond.

    The points are ``scale * sinh(u)`` with u equally spaced, on the `line` of their prior. The map is odd, so that an
    even integrand stays even in u and the trapezoid rule keeps its fast convergence: it begins at 0, or at a ``lower``
    below which there is nothing. An axis that ends where it begins is a single point.
    """

    scale: float
    upper: float
    n: int
    lower: float = 0.0
    line: Line = PLAIN

    @classmethod
    def of(cls, prior: SdPrior, least: float, n: int, reach: float, ends: tuple[float, float] | None = None) -> "Axis":
        """Lay the axis of a prior.

        Parameters
        ----------
        least : float
            The least standard deviation that the data resolve.
        n : int
            Number of points.
        reach : float
            See `secondline.sd_prior.SdPrior.ends`.
        ends : tuple of float, optional
            Ends on the line, in the place of those of the prior.
        """
        lower, upper = ends or prior.ends(reach)
        return cls(prior.unit(least), upper, n, lower, prior.line)

    def _u(self) -> Floats:
        return np.linspace(np.arcsinh(self.lower / self.scale), np.arcsinh(self.upper / self.scale), self.n)

    @property
    def is_point(self) -> bool:
        """Whether it is a single point."""
        return self.lower == self.upper

    @property
    def at_end(self) -> NDArray[np.bool_]:
        """Whether a point is where the grid ends, (n,); that of a single point does not."""
        n = len(self.places)
        return np.asarray((np.arange(n) == n - 1) & (not self.is_point))

    @property
    def places(self) -> Floats:
        """Places of the points on the line, from ``lower`` to ``upper``."""
        return np.array([self.lower]) if self.is_point else np.asarray(self.scale * np.sinh(self._u()))

    @property
    def points(self) -> Floats:
        """Grid points."""
        return self.line.value(self.places)

    @property
    def log_slopes(self) -> Floats:
        """Log of how a density on the line differs from that of the standard deviation, at every point."""
        return np.asarray(np.log(self.line.slope(self.places)))

    def weights(self, step: int = 1) -> Floats:
        """Trapezoid weights on every ``step``-th point, 0 elsewhere; half at both ends."""
        if self.is_point:
            return np.ones(1)
        u = self._u()
        weights = np.zeros(self.n)
        weights[::step] = self.scale * np.cosh(u[::step]) * (u[1] - u[0]) * step
        weights[[0, (self.n - 1) // step * step]] /= 2
        return weights * self.line.slope(self.places)


@dataclass(frozen=True)
class Axes:
    """Product of the grids of several standard deviations, T points in all; the first of them varies slowest."""

    parts: tuple[Axis, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of points of every axis."""
        return tuple(len(axis.points) for axis in self.parts)

    @property
    def is_point(self) -> bool:
        """Whether it is a single point."""
        return all(axis.is_point for axis in self.parts)

    @property
    def at_end(self) -> NDArray[np.bool_]:
        """Whether a point is where one of the axes ends, (T,)."""
        return np.asarray(np.any(self._mesh([axis.at_end for axis in self.parts]), axis=0))

    @property
    def points(self) -> Floats:
        """Grid points, (T, axes)."""
        return np.column_stack(self._mesh([axis.points for axis in self.parts]))

    @property
    def log_slopes(self) -> Floats:
        """Sum of the log slopes of the axes, (T,)."""
        return np.asarray(np.sum(self._mesh([axis.log_slopes for axis in self.parts]), axis=0))

    def weights(self, step: int = 1) -> Floats:
        """Product of the trapezoid weights of the axes, (T,)."""
        return np.asarray(np.prod(self._mesh([axis.weights(step) for axis in self.parts]), axis=0))

    @staticmethod
    def _mesh(values: list[NDArray[Any]]) -> list[NDArray[Any]]:
        return [each.ravel() for each in np.meshgrid(*values, indexing="ij")]


def parts_of(axes: Axis | Axes) -> tuple[Axis, ...]:
    """List the axes of a grid, one or several."""
    return axes.parts if isinstance(axes, Axes) else (axes,)


def normalise(log_weights: NDArray[Any]) -> Floats:
    """Exponentiate and scale log weights to sum to 1."""
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum())
