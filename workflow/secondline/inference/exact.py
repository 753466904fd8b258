"""The exact engine: posteriors without Markov chains, to check the sampler and to carry sensitivity grids.

Given (tau, omega) the effects of a contrast model are Gaussian, so that the posterior is a mixture over a grid. For
counts the effects given (tau, omega) come from importance sampling of the quadrature likelihood with two-piece t
proposals around the mode, on the same grid. The likelihood depends on tau and omega through their squares, so that
integrands are even and the trapezoid rule converges fast.

What only counts need, compiled code all of it, is imported where they are met: a Gaussian network needs none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from secondline.inference.effort import Effort, effort, is_slow
from secondline.inference.grid import (
    Axes,
    Axis,
    NormalMixture,
    density_quantiles,
    density_summary,
    normalise,
    parts_of,
)
from secondline.inference.grid_search import REACH, search, why_no_grid
from secondline.inference.joint_posterior import JointPosterior
from secondline.inference.priors import PriorScales
from secondline.inference.resolution import resolution
from secondline.network.class_sds import omega_names
from secondline.network.data import NetworkData
from secondline.network.structure import Floats
from secondline.network.study_groups import tau_names

__all__ = ["REACH", "Effort", "GridPosterior", "effort", "gaussian_grid", "is_slow", "posterior"]

_LEAST_WEIGHT = 1e-10  # of a component of the posterior
_FLOOR = 0.01  # error of the engine in sds below which its replicates do not bring it: they share grid and tables


@dataclass(frozen=True)
class GridPosterior:
    """Posterior over a (tau, omega) grid.

    ``log_density`` holds log prior + log marginal likelihood at every grid point and replicate. Given a grid point the
    coefficients are a mixture of J normals with ``means`` and ``log_weights``, sharing ``roots`` (their covariance is
    roots' roots).
    """

    tau: Axis | Axes
    omega: Axis | Axes
    log_density: Floats
    """(replicates, G), G = points of tau times points of omega, tau varying slowest."""
    means: Floats
    """(replicates, G, J, coefficients)"""
    log_weights: Floats
    """(replicates, G, J), normalised over J."""
    roots: Floats
    """(G, rank, coefficients)"""
    rise: Floats
    """By how much the log density may rise beyond what was taken for its mode, (G,); 0 in closed form."""
    groups: tuple[str, ...] = ()
    """Groups of studies with a tau of their own, in the order of the axes of ``tau``."""
    classes: tuple[str, ...] = ()
    """Classes with an omega of their own, in the order of the axes of ``omega``."""

    def log_weights_of_grid(self, step: int = 1) -> Floats:
        """Log posterior weights of the grid, (replicates, G); ``step`` 2 uses every other point of both axes."""
        with np.errstate(divide="ignore"):
            return np.asarray(
                self.log_density + np.log(np.outer(self.tau.weights(step), self.omega.weights(step))).ravel()
            )

    def component_weights(self, chosen: slice = slice(None), step: int = 1) -> Floats:
        """Posterior weights of all mixture components, (replicates, G, J)."""
        return normalise(self.log_weights_of_grid(step)[chosen, :, None] + self.log_weights[chosen])

    def mixture(self, contrasts: Floats, step: int = 1, replicate: int | None = None) -> NormalMixture:
        """Posterior of linear combinations of the coefficients.

        Parameters
        ----------
        contrasts : array, (K, coefficients)
        step : int
            2 uses every other grid point, to see the error of the grid.
        replicate : int, optional
            One replicate instead of all of them.
        """
        return self.joint(step, replicate).of(contrasts)

    def joint(self, step: int = 1, replicate: int | None = None) -> JointPosterior:
        """Posterior of all parameters as one mixture, without the components that have next to no weight.

        ``step`` and ``replicate`` are those of `mixture`; tau and omega are the points of the grid, also where a model
        has none.
        """
        chosen = slice(None) if replicate is None else slice(replicate, replicate + 1)
        by_replicate = self.component_weights(chosen, step)
        weights = by_replicate.ravel()
        kept = weights > _LEAST_WEIGHT
        n_grid, n_draws = self.means.shape[1:3]
        index = np.tile(np.repeat(np.arange(n_grid), n_draws), len(by_replicate))[kept]
        tau, omega = np.unravel_index(index, self._shape)
        return JointPosterior(
            weights=weights[kept] / weights[kept].sum(),
            means=self.means[chosen].reshape(-1, self.means.shape[-1])[kept],
            roots=self.roots,
            root=index,
            tau=self.tau.points[tau],
            omega=self.omega.points[omega],
            groups=self.groups,
            classes=self.classes,
        )

    def log_evidence(self, step: int = 1) -> float:
        """Log marginal likelihood of the data, the flat baselines of Gaussian arms apart."""
        return float(logsumexp(self.log_weights_of_grid(step)) - np.log(self.n_replicates))

    def log_evidence_error(self) -> float:
        """Error of the log marginal likelihood: on half the grid, and over the replicates."""
        error = abs(self.log_evidence(2) - self.log_evidence())
        if self.n_replicates == 1:
            return error
        parts = logsumexp(self.log_weights_of_grid(), axis=1)
        return float(np.hypot(error, np.std(parts, ddof=1) / np.sqrt(self.n_replicates)))

    def at_the_end(self, table: Floats) -> Floats:
        """Largest value of tables over the grid, (..., G), where tau or omega ends."""
        lead = table.shape[:-1]
        grid = table.reshape(*lead, *self._shape)
        ends = [np.full((*lead, 1), -np.inf)]
        ends += [grid[..., axis, :].reshape(*lead, -1) for axis in [self.tau.at_end] if axis.any()]
        ends += [grid[..., axis].reshape(*lead, -1) for axis in [self.omega.at_end] if axis.any()]
        return np.concatenate(ends, axis=-1).max(axis=-1)

    def on_the_lines(self, table: Floats) -> Floats:
        """Turn tables of log densities of (tau, omega) over the grid, (..., G), into those on the lines of the axes."""
        return np.asarray(table + np.add.outer(self.tau.log_slopes, self.omega.log_slopes).ravel())

    @property
    def tau_points(self) -> Floats:
        """Tau at every grid point, (G,), or that of every group, (G, groups)."""
        return np.repeat(self.tau.points, len(self.omega.points), axis=0)

    def covariance(self, replicate: int | None = None) -> Floats:
        """Posterior covariance of the stacked coefficients, (coefficients, coefficients), by all or one replicate."""
        chosen = slice(None) if replicate is None else slice(replicate, replicate + 1)
        weights = self.component_weights(chosen)
        means = self.means[chosen].reshape(weights.size, -1)
        centred = means - weights.ravel() @ means
        between = (weights.reshape(-1, 1) * centred).T @ centred
        within = np.einsum("g,gkc,gkd->cd", weights.sum(axis=(0, 2)), self.roots, self.roots, optimize=True)
        return np.asarray(between + within)

    def draws(self, n: int, seed: int) -> tuple[Floats, Floats, Floats]:
        """Draw coefficients (n, coefficients), tau (n,) or (n, groups), and omega (n,) or (n, classes)."""
        rng = np.random.default_rng(seed)
        weights = self.component_weights()
        picks = np.searchsorted(np.cumsum(weights.ravel()), (np.arange(n) + rng.random()) / n)
        picks = rng.permutation(np.minimum(picks, weights.size - 1))
        replicate, point, draw = np.unravel_index(picks, weights.shape)
        roots = self.roots[point]
        noise = np.einsum("nk,nkc->nc", rng.standard_normal(roots.shape[:2]), roots)
        tau, omega = np.unravel_index(point, self._shape)
        return self.means[replicate, point, draw] + noise, self.tau.points[tau], self.omega.points[omega]

    def summary(self, contrasts: Floats) -> tuple[Floats, Floats]:
        """Mean, sd, 2.5% and 97.5% quantile of linear combinations, (4, K), and the engine's own error of each."""
        best = self.mixture(contrasts).summary()
        halved = np.abs(self.mixture(contrasts, step=2).summary() - best)
        parts = [self.mixture(contrasts, replicate=r).summary() for r in range(self.n_replicates)]
        return best, _error(best, halved, parts)

    def error_of_means(self, contrasts: Floats | None = None) -> tuple[Floats, Floats]:
        """Posterior sd of linear combinations, and the engine's own error of their means, as in `summary`, (K,) each.

        It takes no quantiles, which cost more than all else where nobody reads them. By default it takes the
        coefficients themselves.
        """
        rows = np.eye(self.means.shape[-1]) if contrasts is None else contrasts
        best, halved = (rows @ self._mean(slice(None), step) for step in (1, 2))
        parts = [(rows @ self._mean(slice(r, r + 1)))[None] for r in range(self.n_replicates)]
        sd = np.sqrt(np.einsum("kc,cd,kd->k", rows, self.covariance(), rows, optimize=True))
        return sd, _error(np.stack([best, sd]), np.abs(halved - best)[None], parts)[0]

    def _mean(self, chosen: slice, step: int = 1) -> Floats:
        """Posterior means of the coefficients, (coefficients,)."""
        weights = self.component_weights(chosen, step)
        return np.asarray(weights.ravel() @ self.means[chosen].reshape(weights.size, -1))

    @property
    def n_replicates(self) -> int:
        """Number of independent replicates."""
        return len(self.log_density)

    @property
    def n_draws(self) -> int:
        """Importance draws of a grid point and replicate; 1 in closed form."""
        return int(self.log_weights.shape[2])

    @property
    def in_closed_form(self) -> bool:
        """Whether nothing of it was drawn: of contrasts and means, not of counts."""
        return self.n_draws == self.n_replicates == 1

    @property
    def _shape(self) -> tuple[int, int]:
        return len(self.tau.points), len(self.omega.points)

    @property
    def _axes(self) -> dict[str, Axis]:
        """Axis of every standard deviation, by its name, in the order of the grid."""
        names = (*tau_names(self.groups), *omega_names(self.classes))
        return dict(zip(names, (*parts_of(self.tau), *parts_of(self.omega)), strict=True))

    def marginal(self, parameter: str, replicate: int | None = None) -> tuple[Floats, Floats]:
        """Grid and normalised posterior density of ``tau`` or ``omega``, or of that of a group or of a class."""
        chosen = slice(None) if replicate is None else slice(replicate, replicate + 1)
        axes = self._axes
        place = list(axes).index(parameter)
        axis = axes.pop(parameter)
        table = np.exp(self.log_density[chosen] - self.log_density.max()).mean(axis=0)
        values = np.moveaxis(table.reshape([len(each.points) for each in self._axes.values()]), place, 0)
        for other in reversed(axes.values()):
            values = values @ other.weights()
        return axis.points, values / (values @ axis.weights())

    def scale_quantiles(self, parameter: str, probabilities: Floats) -> Floats:
        """Quantiles of ``tau`` or ``omega``."""
        return density_quantiles(*self.marginal(parameter), probabilities)

    def scale_summary(self, parameter: str) -> tuple[Floats, Floats]:
        """Mean, sd, 2.5% and 97.5% quantile of ``tau`` or ``omega``, (4,), and the engine's own error of each."""
        x, density = self.marginal(parameter)
        best = density_summary(x, density)
        halved = np.abs(density_summary(x[::2], density[::2]) - best)
        parts = [density_summary(*self.marginal(parameter, r)) for r in range(self.n_replicates)]
        return best, _error(best[:, None], halved[:, None], [part[:, None] for part in parts])[:, 0]


def _error(best: Floats, halved: Floats, parts: Sequence[Floats]) -> Floats:
    """Error of summaries (mean, sd and more, K): that of the grid, and that of sampling.

    That over few replicates is itself known badly: in standard deviations it is at least the root mean square of that
    of all K quantities, and at least `_FLOOR`.
    """
    if len(parts) == 1:
        return halved
    sampled = np.std(parts, axis=0, ddof=1) / np.sqrt(len(parts))
    relative = sampled / np.maximum(best[1], 1e-300)
    typical = np.sqrt((relative**2).mean(axis=1, keepdims=True))
    return np.asarray(np.hypot(halved, np.maximum(sampled, np.maximum(typical, _FLOOR) * best[1])))


def posterior(
    data: NetworkData, scales: PriorScales, chosen: Effort | None = None, moved: Floats | None = None
) -> GridPosterior:
    """Compute the exact posterior of one fit.

    Parameters
    ----------
    data : NetworkData
    scales : PriorScales
        A tau or omega of 0 leaves the parameter out.
    chosen : Effort, optional
        By default `effort`.
    moved : array, (arms,), optional
        By how much the data of arms with counts are moved; see `secondline.inference.importance.sample_grid`.

    Raises
    ------
    ArithmeticError
        The model has more standard deviations than there is a grid for.
    """
    if why_no_grid(data, scales):
        raise ArithmeticError(why_no_grid(data, scales))
    chosen = chosen or effort(data, scales)

    def evaluate(tau: Axis | Axes, omega: Axis | Axes, draws: int, replicates: int) -> GridPosterior:
        if len(data.counts.study):
            return _importance_grid(data, scales, tau, omega, draws, replicates, moved)
        return gaussian_grid(data, scales, tau, omega)

    points, own = (chosen.tau, chosen.omega), (len(data.groups.names), len(data.predictor.classes_with_sds))
    return search(evaluate, scales, resolution(data), points, (chosen.draws, chosen.replicates), own)


def _log_prior(scales: PriorScales, tau: Floats, omega: Floats) -> Floats:
    """Log density of the priors on the grid, (tau, omega); 0 for a parameter with a point mass."""
    of_tau, of_omega = (
        of_all if of_all.ndim == 1 else of_all.sum(axis=1)
        for of_all in (scales.tau.log_density(tau), scales.omega.log_density(omega))
    )
    return np.asarray(of_tau[:, None] + of_omega[None, :])


def _log_constant(data: NetworkData) -> float:
    """Terms of the log likelihood that depend on no parameter."""
    gaussian = float(-0.5 * np.log(2 * np.pi) * len(data.gaussian.y) + data.gaussian.log_det.sum())
    if not len(data.counts.counts):
        return gaussian
    from secondline.inference.families import log_constants

    return float(gaussian + log_constants(data.counts).sum())


def gaussian_grid(
    data: NetworkData, scales: PriorScales, tau_axis: Axis | Axes, omega_axis: Axis | Axes
) -> GridPosterior:
    """Solve in closed form on given axes: y ~ N(A b, 1 + tau^2 lambda), b = D u, u ~ N(0, I).

    tau is that of the group, and D has the omega of the class.
    """
    gaussian, tau, omega = data.gaussian, tau_axis.points, omega_axis.points
    n_coefficients = data.n_coefficients
    precision = 1 / (1 + data.groups.tau_of(tau, gaussian.study) ** 2 * gaussian.scales)
    log_likelihood = 0.5 * np.log(precision).sum(axis=1) - 0.5 * precision @ gaussian.y**2 + _log_constant(data)
    log_density = np.empty((len(tau), len(omega)))
    means = np.empty((len(tau), len(omega), n_coefficients))
    roots = np.empty((len(tau), len(omega), n_coefficients, n_coefficients))
    for o, value in enumerate(omega):
        d = scales.coefficients(data.predictor, value)  # one omega, or one of every class
        rows = gaussian.rows * d
        weighted = precision[:, :, None] * rows
        information = weighted.transpose(0, 2, 1) @ rows + np.eye(n_coefficients)
        cholesky = np.linalg.cholesky(information)
        inverse_root = np.linalg.inv(cholesky)
        score = weighted.transpose(0, 2, 1) @ gaussian.y
        half = (inverse_root @ score[:, :, None])[:, :, 0]
        means[:, o] = (inverse_root.transpose(0, 2, 1) @ half[:, :, None])[:, :, 0] * d
        roots[:, o] = inverse_root * d
        log_det = np.log(np.diagonal(cholesky, axis1=1, axis2=2)).sum(axis=1)
        log_density[:, o] = log_likelihood - log_det + 0.5 * (half**2).sum(axis=1)
    log_density += _log_prior(scales, tau, omega)
    n_grid = log_density.size
    return GridPosterior(
        tau_axis,
        omega_axis,
        log_density.reshape(1, n_grid),
        means.reshape(1, n_grid, 1, n_coefficients),
        np.zeros((1, n_grid, 1)),
        roots.reshape(n_grid, n_coefficients, n_coefficients),
        np.zeros(n_grid),
        data.groups.names,
        data.predictor.classes_with_sds,
    )


def _importance_grid(
    data: NetworkData,
    scales: PriorScales,
    tau_axis: Axis | Axes,
    omega_axis: Axis | Axes,
    draws: int,
    replicates: int,
    moved: Floats | None,
) -> GridPosterior:
    """Sample the coefficients by importance at every grid point."""
    from secondline.inference import importance

    found = importance.sample_grid(data, scales, tau_axis.points, omega_axis.points, draws, replicates, moved)
    replicates, n_tau, n_omega = found.log_density.shape
    log_density = found.log_density + _log_prior(scales, tau_axis.points, omega_axis.points) + _log_constant(data)
    n_grid, n_coefficients = n_tau * n_omega, data.n_coefficients
    return GridPosterior(
        tau_axis,
        omega_axis,
        log_density.reshape(replicates, n_grid),
        found.coefficients.reshape(replicates, n_grid, -1, n_coefficients),
        found.log_weights.reshape(replicates, n_grid, -1),
        np.zeros((n_grid, 1, n_coefficients)),
        found.rise.reshape(n_grid),
        data.groups.names,
        data.predictor.classes_with_sds,
    )
