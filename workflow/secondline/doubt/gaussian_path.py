"""Exact posteriors of Gaussian networks along a line of data: only y changes, so that a grid is factored once.

Given (tau, omega) the posterior means are linear in y and their covariance does not depend on it; the log density of
the grid point is quadratic in y. Along y + t d, every posterior follows from six arrays over the grid. The grid reaches
over the whole prior of tau and of omega, as data that are moved far make heterogeneity larger than it was.
"""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from scipy.special import ndtr

from secondline.doubt.best import BestSampler
from secondline.doubt.crossing import EXACT, POINTS, Crossing
from secondline.doubt.linear import ZERO
from secondline.doubt.rules import Stakes
from secondline.inference.exact import gaussian_grid
from secondline.inference.grid import Axis, normalise
from secondline.inference.priors import PriorScales
from secondline.inference.resolution import resolution
from secondline.network.data import NetworkData
from secondline.network.structure import Floats

_TAU, _TAU_BESIDE_OMEGA, _OMEGA = 121, 61, 31  # grid points
_REACH = 6.0  # prior scales that the grid spans
_COARSER = 3  # every how many points of an axis P(best) takes; divides the numbers of points less 1


@dataclass(frozen=True)
class Line:
    """Posteriors of the coefficients for the data y + t d, at every grid point."""

    log_density: Floats
    """At t = 0, with the weights of the grid, (G,)."""
    linear: Floats
    """Its derivative by t at 0, (G,)."""
    curvature: Floats
    """Minus its second derivative, (G,)."""
    means: Floats
    """At t = 0, (G, coefficients)."""
    slopes: Floats
    """Their derivative by t, (G, coefficients)."""
    length: float
    """Of d, in standard errors."""

    def weights(self, t: float) -> Floats:
        """Posterior weights of the grid points, (G,)."""
        return normalise(self.log_density + t * self.linear - t**2 / 2 * self.curvature)

    @property
    def drift(self) -> Floats:
        """Derivative of the posterior means by t at 0, tau and omega integrated out, (coefficients,)."""
        weights = self.weights(0.0)
        return np.asarray(weights @ self.slopes + (weights * (self.linear - weights @ self.linear)) @ self.means)

    def tangent(self) -> "Line":
        """Give the linear form of this line: all means move by the drift, and nothing else changes."""
        still = np.zeros_like(self.linear)
        return replace(self, linear=still, curvature=still, slopes=np.tile(self.drift, (len(still), 1)))


class GaussianEngine:
    """The factors of a Gaussian network over its grid, from which every line of data follows.

    Parameters
    ----------
    data : NetworkData
        Without counts.
    scales : PriorScales

    Attributes
    ----------
    basis : array, (contrasts, contrasts)
        Directions of one standard error each, independent of each other.
    """

    refits_directions = True
    """Whether the joint radius searches for a better direction than that of the linear form."""
    name = "exact, closed form"
    points = POINTS
    exact = EXACT

    def __init__(self, data: NetworkData, scales: PriorScales) -> None:
        self.data, self.basis = data, np.eye(len(data.gaussian.y))
        self._projections: dict[tuple[str, ...], Projection] = {}
        n_tau = _TAU_BESIDE_OMEGA if scales.omega.is_free else _TAU
        tau = Axis.of(scales.tau, resolution(data), n_tau, _REACH)
        omega = Axis.of(scales.omega, np.inf, _OMEGA, _REACH)
        found = gaussian_grid(data, scales, tau, omega)
        self.roots = found.roots
        self.log_density = found.log_weights_of_grid()[0]
        self._means = found.means[0, :, 0]
        shape = len(tau.points), len(omega.points)
        self.coarse = np.arange(np.prod(shape)).reshape(shape)[::_COARSER, ::_COARSER].ravel()
        self._precision = 1 / (1 + found.tau_points[:, None] ** 2 * data.gaussian.scales)

    def line(self, direction: Floats, start: Floats | None = None) -> Line:
        """Follow the whitened contrasts y + start + t direction, (contrasts,) each."""
        gaussian = self.data.gaussian
        first, log_density, means = gaussian.y, self.log_density, self._means
        if start is not None and start.any():
            before = self.line(start)
            first, means = first + start, means + before.slopes
            log_density = log_density + before.linear - before.curvature / 2
        weighted = self._precision * direction
        slopes = self._solve(weighted @ gaussian.rows)
        linear = -weighted @ first + np.einsum("gn,nc,gc->g", weighted, gaussian.rows, means, optimize=True)
        curvature = weighted @ direction - np.einsum("gn,nc,gc->g", weighted, gaussian.rows, slopes, optimize=True)
        return Line(log_density, linear, curvature, means, slopes, float(np.linalg.norm(direction)))

    def path(self, stakes: Stakes, direction: Floats, start: Floats | None = None) -> "GaussianPath":
        """Follow the candidates of a setting along a direction of the data."""
        return GaussianPath(self._projection(stakes), self.line(direction, start))

    def tangent(self, stakes: Stakes, direction: Floats) -> "GaussianPath":
        """Follow them in the linear form."""
        return GaussianPath(self._projection(stakes), self.line(direction).tangent())

    def _projection(self, stakes: Stakes) -> "Projection":
        key = stakes.setting, *stakes.names
        if key not in self._projections:
            self._projections[key] = Projection(self, stakes)
        return self._projections[key]

    def _solve(self, score: Floats) -> Floats:
        """Posterior covariance times a score, (G, coefficients)."""
        half = np.einsum("gkc,gc->gk", self.roots, score)
        return np.asarray(np.einsum("gk,gkc->gc", half, self.roots))


class Projection:
    """The coefficients of an engine as seen by the candidates of one setting: what no shift of the data changes."""

    def __init__(self, engine: GaussianEngine, stakes: Stakes) -> None:
        self.stakes = stakes
        self.first, self.second = np.triu_indices(len(stakes.names), 1)
        self.differences = stakes.rows[self.first] - stakes.rows[self.second]
        self.from_reference = stakes.rows - stakes.reference
        self.sds = self._sds(engine, self.differences)
        self.sds_from_reference = self._sds(engine, self.from_reference)
        self.coarse = engine.coarse
        self._engine = engine

    @cached_property
    def best(self) -> BestSampler:
        """Integrals over which candidate is the best."""
        return BestSampler(self._engine.roots[self.coarse] @ self.stakes.rows.T)

    @staticmethod
    def _sds(engine: GaussianEngine, rows: Floats) -> Floats:
        return np.asarray(np.sqrt(((engine.roots @ rows.T) ** 2).sum(axis=1)))


class GaussianPath:
    """The candidates of one setting along a line of data."""

    def __init__(self, projection: Projection, line: Line) -> None:
        self.projection, self.line = projection, line
        rows = projection.stakes.rows, projection.differences, projection.from_reference
        self.own, self.pairs, self.against = ((line.means @ each.T, line.slopes @ each.T) for each in rows)
        self.at = lru_cache(maxsize=256)(self._at)

    def _at(self, t: float) -> "GaussianStanding":
        return GaussianStanding(self, t)

    def settle(self, rule: str, found: Crossing, se: float) -> tuple[Crossing | None, float]:
        """Give a crossing and its error: none, as the posterior is exact and the search goes on to `EXACT`."""
        return found, 0.0

    @property
    def moves(self) -> bool:
        """Whether the line can move any difference of candidates, or their heterogeneity."""
        largest = self.projection.sds * self.line.length
        direct = np.abs(self.pairs[1]) > ZERO * np.maximum(largest, 1e-300)
        by_scales = np.ptp(self.line.linear) > ZERO or np.ptp(self.line.curvature) > ZERO
        return bool(direct.any() or by_scales)


@dataclass(frozen=True)
class GaussianStanding:
    """What the posterior at one point of a path says of the candidates; see `secondline.doubt.rules.Standing`."""

    path: GaussianPath
    t: float

    @cached_property
    def weights(self) -> Floats:
        """Posterior weights of the grid points, (G,)."""
        return self.path.line.weights(self.t)

    def means(self) -> Floats:
        """Posterior means of the effects."""
        return np.asarray(self.weights @ self._moved(self.path.own))

    def sucra(self) -> Floats:
        """SUCRA among the candidates."""
        projection = self.path.projection
        better = self._above(self._moved(self.path.pairs), projection.sds)
        n = len(projection.stakes.names)
        table = np.zeros((n, n))
        table[projection.first, projection.second] = better
        table[projection.second, projection.first] = 1 - better
        return table.sum(axis=1) / (n - 1)

    def p_best(self) -> Floats:
        """Probability of being the best."""
        coarse = self.path.projection.coarse
        return self.path.projection.best(self.weights[coarse], self._moved(self.path.own)[coarse])

    def p_margin(self) -> Floats:
        """Probability of being better than the reference of the setting by more than the margin."""
        projection = self.path.projection
        lead = self._moved(self.path.against) - projection.stakes.margin
        return self._above(lead, projection.sds_from_reference)

    def _moved(self, start_and_slope: tuple[Floats, Floats]) -> Floats:
        start, slope = start_and_slope
        return start + self.t * slope

    def _above(self, means: Floats, sds: Floats) -> Floats:
        """Probability of being above 0; a half for what is 0 for certain."""
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(sds > 0, means / sds, np.where(means == 0, 0.0, np.sign(means) * np.inf))
        return np.asarray(self.weights @ ndtr(z))
