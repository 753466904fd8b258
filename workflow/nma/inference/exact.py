"""The exact engine: posteriors without Markov chains, to check the sampler and to carry sensitivity grids.

Given (tau, omega) the effects of a contrast model are Gaussian, so that the posterior is a mixture over a grid. For
counts the effects given (tau, omega) come from importance sampling of the quadrature likelihood with a t_7 proposal at
the mode, on the same grid. The likelihood depends on tau and omega through their squares, so that integrands are even
and the trapezoid rule converges fast.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from nma.inference import quadrature
from nma.inference.mixture import Axis, NormalMixture, density_summary, normalise
from nma.inference.scales import PriorScales
from nma.network.design import ArmData, ContrastData, Floats, Structure

DEGREES = 7  # of freedom of the proposal
REPLICATES = 4  # independent scramblings of the Sobol sequence; their spread is the engine's own error


@dataclass(frozen=True)
class Effort:
    """How fine the engine works: grid points for tau and omega, importance draws a grid point and replicate."""

    tau: int
    omega: int
    draws: int


_CONTRAST_GRID = 41  # points for tau and for omega
_COUNT_GRID = {"tau": 21, "omega": 11}
_COUNT_DRAWS = 2**17  # importance draws over the whole grid
_MAX_DRAWS = 1024


def effort(data: ContrastData | ArmData, scales: "PriorScales", factor: float = 1.0) -> Effort:
    """Choose the grid, and the importance draws at each of its points, for a fit; ``factor`` scales the draws."""
    if isinstance(data, ContrastData):
        return Effort(_CONTRAST_GRID, _CONTRAST_GRID, 1)
    points = (_COUNT_GRID["tau"] if scales.tau else 1) * (_COUNT_GRID["omega"] if scales.omega else 1)
    draws = factor * min(_COUNT_DRAWS / points / REPLICATES, _MAX_DRAWS)
    return Effort(_COUNT_GRID["tau"], _COUNT_GRID["omega"], 2 ** round(np.log2(max(draws, 64))))


@dataclass(frozen=True)
class GridPosterior:
    """Posterior over a (tau, omega) grid.

    ``log_density`` holds log prior + log marginal likelihood at every grid point and replicate. Given a grid point the
    coefficients are a mixture of J normals with ``means`` and ``log_weights``, sharing ``roots`` (their covariance is
    roots' roots).
    """

    tau: Axis
    omega: Axis
    log_density: Floats
    """(replicates, G), G = points of tau times points of omega, tau varying slowest."""
    means: Floats
    """(replicates, G, J, coefficients)"""
    log_weights: Floats
    """(replicates, G, J), normalised over J."""
    roots: Floats
    """(G, rank, coefficients)"""

    def _log_weights(self, step: int = 1) -> Floats:
        """Log posterior weights of the grid, (replicates, G); ``step`` 2 uses every other point of both axes."""
        with np.errstate(divide="ignore"):
            return np.asarray(
                self.log_density + np.log(np.outer(self.tau.weights(step), self.omega.weights(step))).ravel()
            )

    def _component_weights(self) -> Floats:
        """Posterior weights of all mixture components, (replicates, G, J)."""
        return normalise(self._log_weights()[:, :, None] + self.log_weights)

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
        chosen = slice(None) if replicate is None else slice(replicate, replicate + 1)
        log_weights = self._log_weights(step)[chosen][:, :, None] + self.log_weights[chosen]
        weights = normalise(log_weights).ravel()
        kept = weights > 1e-10
        n_grid, n_draws = self.means.shape[1:3]
        index = np.tile(np.repeat(np.arange(n_grid), n_draws), log_weights.shape[0])[kept]
        means = self.means[chosen].reshape(-1, self.means.shape[-1])[kept] @ contrasts.T
        spread = np.sqrt(((self.roots @ contrasts.T) ** 2).sum(axis=1))
        return NormalMixture(weights[kept] / weights[kept].sum(), means, spread[index])

    def covariance(self) -> Floats:
        """Posterior covariance of the stacked coefficients, (coefficients, coefficients)."""
        weights = self._component_weights()
        mean = np.einsum("rgj,rgjc->c", weights, self.means)
        centred = self.means - mean
        between = np.einsum("rgj,rgjc,rgjd->cd", weights, centred, centred, optimize=True)
        within = np.einsum("g,gkc,gkd->cd", weights.sum(axis=(0, 2)), self.roots, self.roots, optimize=True)
        return np.asarray(between + within)

    def draws(self, n: int, seed: int) -> tuple[Floats, Floats, Floats]:
        """Draw coefficients (n, coefficients), tau (n,) and omega (n,) from the posterior."""
        rng = np.random.default_rng(seed)
        weights = self._component_weights()
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
        error = np.abs(self.mixture(contrasts, step=2).summary() - best)
        if self.n_replicates > 1:
            parts = [self.mixture(contrasts, replicate=r).summary() for r in range(self.n_replicates)]
            error = np.hypot(error, np.std(parts, axis=0, ddof=1) / np.sqrt(self.n_replicates))
        return best, error

    @property
    def n_replicates(self) -> int:
        """Number of independent replicates."""
        return len(self.log_density)

    @property
    def _shape(self) -> tuple[int, int]:
        return len(self.tau.points), len(self.omega.points)

    def marginal(self, parameter: str, replicate: int | None = None) -> tuple[Floats, Floats]:
        """Grid and normalised posterior density of ``tau`` or ``omega``."""
        chosen = slice(None) if replicate is None else slice(replicate, replicate + 1)
        table = np.exp(self.log_density[chosen] - self.log_density.max()).mean(axis=0).reshape(self._shape)
        axis, other = (self.tau, self.omega) if parameter == "tau" else (self.omega, self.tau)
        values = (table if parameter == "tau" else table.T) @ other.weights()
        return axis.points, values / (values @ axis.weights())

    def scale_summary(self, parameter: str) -> tuple[Floats, Floats]:
        """Mean, sd, 2.5% and 97.5% quantile of ``tau`` or ``omega``, (4,), and the engine's own error of each."""
        x, density = self.marginal(parameter)
        best = density_summary(x, density)
        error = np.abs(density_summary(x[::2], density[::2]) - best)
        if self.n_replicates > 1:
            parts = [density_summary(*self.marginal(parameter, r)) for r in range(self.n_replicates)]
            error = np.hypot(error, np.std(parts, axis=0, ddof=1) / np.sqrt(self.n_replicates))
        return best, error


def posterior(
    data: ContrastData | ArmData, structure: Structure, scales: PriorScales, chosen: Effort | None = None
) -> GridPosterior:
    """Compute the exact posterior of one fit.

    Parameters
    ----------
    data : ContrastData or ArmData
    structure : Structure
    scales : PriorScales
        A tau or omega of 0 leaves the parameter out.
    chosen : Effort, optional
        By default `effort`.
    """
    chosen = chosen or effort(data, scales)

    def evaluate(tau: Axis, omega: Axis, draws: int) -> GridPosterior:
        if isinstance(data, ContrastData):
            return _contrast_grid(data, structure, scales, tau, omega)
        return _count_grid(data, structure, scales, tau, omega, draws)

    return _search(evaluate, scales, _resolution(data), chosen)


def _resolution(data: ContrastData | ArmData) -> float:
    """Return the least standard error of a study: the scale below which tau makes no difference."""
    if isinstance(data, ContrastData):
        return float(1 / np.sqrt(data.scales.max(initial=1e-12)))
    return float(np.sqrt(np.add.reduceat(quadrature.arm_table(data)[:, 3], data.start[:-1]).min()))


def _search(
    evaluate: Callable[[Axis, Axis, int], GridPosterior], scales: PriorScales, resolution: float, effort: Effort
) -> GridPosterior:
    """Lay the grid over the range that holds the posterior: first a coarse one, then the one asked for."""

    def axes(tau_upper: float, omega_upper: float, n_tau: int, n_omega: int) -> tuple[Axis, Axis]:
        tau = Axis(min(resolution, scales.tau) if scales.tau else 1.0, tau_upper, n_tau)
        return tau, Axis(scales.omega or 1.0, omega_upper, n_omega)

    def upper(x: Floats, profile: Floats) -> float:
        reached = np.flatnonzero(profile > profile.max() - 18.0)
        return float(x[min(int(reached[-1]) + 1, len(x) - 1)])

    tau, omega = axes(6 * scales.tau, 6 * scales.omega, 17, 7)
    first = evaluate(tau, omega, 64)
    table = first.log_density.max(axis=0).reshape(len(tau.points), len(omega.points))
    limits = upper(tau.points, table.max(axis=1)), upper(omega.points, table.max(axis=0))
    return evaluate(*axes(*limits, effort.tau, effort.omega), effort.draws)


def _prior_scales(structure: Structure, scales: PriorScales, omega: float) -> Floats:
    """Prior standard deviations of the stacked coefficients."""
    p = len(structure.components)
    return np.repeat([scales.effect, omega], [p, structure.n_coefficients - p])


def _log_prior(scales: PriorScales, tau: Floats, omega: Floats) -> Floats:
    """Log density of the half-normal priors on the grid, up to a constant, (tau, omega)."""
    log_tau = -0.5 * (tau / scales.tau) ** 2 if scales.tau else np.zeros(1)
    log_omega = -0.5 * (omega / scales.omega) ** 2 if scales.omega else np.zeros(1)
    return np.asarray(log_tau[:, None] + log_omega[None, :])


def _contrast_grid(
    data: ContrastData, structure: Structure, scales: PriorScales, tau_axis: Axis, omega_axis: Axis
) -> GridPosterior:
    """Solve in closed form: y ~ N(A b, 1 + tau^2 lambda), b = D u, u ~ N(0, I)."""
    tau, omega = tau_axis.points, omega_axis.points
    n_coefficients = structure.n_coefficients
    precision = 1 / (1 + tau[:, None] ** 2 * data.scales)
    log_likelihood = 0.5 * np.log(precision).sum(axis=1) - 0.5 * precision @ data.y**2 + data.log_det.sum()
    log_density = np.empty((len(tau), len(omega)))
    means = np.empty((len(tau), len(omega), n_coefficients))
    roots = np.empty((len(tau), len(omega), n_coefficients, n_coefficients))
    for o, value in enumerate(omega):
        d = _prior_scales(structure, scales, value)
        rows = data.rows * d
        information = np.einsum("tn,np,nq->tpq", precision, rows, rows) + np.eye(n_coefficients)
        cholesky = np.linalg.cholesky(information)
        inverse_root = np.linalg.inv(cholesky)
        score = np.einsum("tn,np,n->tp", precision, rows, data.y)
        half = np.einsum("tpq,tq->tp", inverse_root, score)
        means[:, o] = np.einsum("tqp,tq->tp", inverse_root, half) * d
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
    )


@dataclass(frozen=True)
class _CountTarget:
    """The counts' likelihood as a function of v: the coefficients' whitened part that the data see."""

    likelihood: "_TabulatedLikelihood"
    rows: Floats
    """(arms, rank): f = rows v."""

    def log_likelihood(self, v: Floats, index: NDArray[np.int64]) -> Floats:
        """Evaluate at v (B, rank) and the index of tau (B,), giving (B,)."""
        return self.likelihood(v @ self.rows.T, index)[0]

    def gradient(self, v: Floats, index: NDArray[np.int64]) -> Floats:
        """Gradient of log likelihood + log N(v; 0, I), (B, rank)."""
        return self.likelihood(v @ self.rows.T, index)[1] @ self.rows - v

    def hessian(self, v: Floats, index: NDArray[np.int64], step: float = 1e-4) -> Floats:
        """Negative second derivatives by central differences of the gradient, (B, rank, rank)."""
        rank = v.shape[1]
        shifts = step * np.vstack([np.eye(rank), -np.eye(rank)])
        points = (v[:, None, :] + shifts).reshape(-1, rank)
        gradients = self.gradient(points, np.repeat(index, 2 * rank)).reshape(len(v), 2, rank, rank)
        hessian = -(gradients[:, 0] - gradients[:, 1]) / (2 * step)
        return np.asarray((hessian + hessian.transpose(0, 2, 1)) / 2)

    def mode(self, n_tau: int) -> tuple[Floats, Floats]:
        """Mode and Cholesky factor of the negative Hessian for every tau, by damped Newton steps."""
        v = np.zeros((n_tau, self.rows.shape[1]))
        index = np.arange(n_tau)
        for _ in range(30):
            hessian = self._positive(self.hessian(v, index))
            step = np.linalg.solve(hessian, self.gradient(v, index)[..., None])[..., 0]
            size = np.abs(step).max(axis=1, keepdims=True, initial=0.0)
            v = v + step * np.minimum(1.0, 2.0 / np.maximum(size, 1e-300))
            if size.max() < 1e-4:
                break
        return v, np.linalg.cholesky(self._positive(self.hessian(v, index)))

    @staticmethod
    def _positive(hessian: Floats) -> Floats:
        """Lift a Hessian that is not positive definite: the marginal likelihood need not be log-concave."""
        if hessian.shape[1] == 0:
            return hessian
        lift = np.maximum(0.1 - np.linalg.eigvalsh(hessian)[:, 0], 0.0)
        return np.asarray(hessian + lift[:, None, None] * np.eye(hessian.shape[1]))


class _TabulatedLikelihood:
    """Quadrature likelihood of counts on a grid of tau."""

    def __init__(self, data: ArmData, tau: Floats, baseline_sd: float) -> None:
        self.start, self.tau, self.baseline_sd = data.start, tau, baseline_sd
        inner, self.outer = quadrature.nodes(data)
        self.arms = quadrature.arm_table(data)
        self.table = quadrature.tabulate(tau, self.arms, inner)

    def __call__(self, f: Floats, index: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """F (B, arms) and the index of tau (B,) -> log likelihood (B,) and score (B, arms)."""
        arguments = self.tau, self.table, self.arms, self.start, self.outer, self.baseline_sd
        return quadrature.tabulated_log_likelihoods(np.ascontiguousarray(f), index, *arguments)  # type: ignore[no-any-return]


def _count_grid(
    data: ArmData, structure: Structure, scales: PriorScales, tau_axis: Axis, omega_axis: Axis, draws: int
) -> GridPosterior:
    """Sample v by importance, b = D (V v + V' w) with w ~ N(0, I) unseen by the data, at every grid point."""
    tau, omega = tau_axis.points, omega_axis.points
    n_coefficients, n_tau = structure.n_coefficients, len(tau)
    log_density = np.empty((REPLICATES, n_tau, len(omega)))
    log_weights = np.empty((REPLICATES, n_tau, len(omega), draws))
    means = np.empty((*log_weights.shape, n_coefficients))
    likelihood = _TabulatedLikelihood(data, tau, scales.baseline)
    index = np.repeat(np.arange(n_tau), draws)
    for o, value in enumerate(omega):
        d = _prior_scales(structure, scales, value)
        u, singular, basis = np.linalg.svd(data.rows * d, full_matrices=True)
        rank = int((singular > 1e-10 * max(singular.max(initial=0.0), 1e-300)).sum())
        target = _CountTarget(likelihood, u[:, :rank] * singular[:rank])
        mode, cholesky = target.mode(n_tau)
        root = np.linalg.inv(cholesky)
        log_det = np.log(np.diagonal(cholesky, axis1=1, axis2=2)).sum(axis=1)
        for replicate in range(REPLICATES):
            unseen, t, log_proposal = _proposal(rank, n_coefficients - rank, draws, replicate)
            v = mode[:, None, :] + t @ root
            log_lik = target.log_likelihood(v.reshape(-1, rank), index).reshape(n_tau, draws)
            log_ratio = log_lik - 0.5 * (v**2).sum(axis=2) - log_proposal - log_det[:, None]
            top = log_ratio.max(axis=1)
            log_mean = top + np.log(np.exp(log_ratio - top[:, None]).mean(axis=1))
            log_density[replicate, :, o] = log_mean
            log_weights[replicate, :, o] = log_ratio - log_mean[:, None] - np.log(draws)
            whole = np.concatenate([v, np.broadcast_to(unseen, (n_tau, *unseen.shape))], axis=2)
            means[replicate, :, o] = whole @ basis * d
    log_density += _log_prior(scales, tau, omega)
    n_grid = n_tau * len(omega)
    return GridPosterior(
        tau_axis,
        omega_axis,
        log_density.reshape(REPLICATES, n_grid),
        means.reshape(REPLICATES, n_grid, draws, n_coefficients),
        log_weights.reshape(REPLICATES, n_grid, draws),
        np.zeros((n_grid, 1, n_coefficients)),
    )


@cache
def _proposal(rank: int, unseen: int, draws: int, replicate: int) -> tuple[Floats, Floats, Floats]:
    """Draw unseen normals (J, unseen) and a standard t (J, rank) by Sobol, with the log density of the t (J,)."""
    from scipy.special import ndtri
    from scipy.stats import chi2, qmc

    uniform = qmc.Sobol(rank + unseen + 1, rng=np.random.default_rng(replicate)).random(draws)
    uniform = np.clip(uniform, 1e-12, 1 - 1e-12)
    normal = ndtri(uniform[:, : rank + unseen])
    scale = np.sqrt(chi2.ppf(uniform[:, -1], DEGREES) / DEGREES)
    t = normal[:, :rank] / scale[:, None]
    log_density = -0.5 * (DEGREES + rank) * np.log1p((t**2).sum(axis=1) / DEGREES)
    constant = _log_t_constant(rank)
    return normal[:, rank:], t, log_density + constant


def _log_t_constant(rank: int) -> float:
    """Log of the density of a standard multivariate t at 0 relative to the normal's constant (2 pi)^(-rank/2)."""
    from math import lgamma, log, pi

    normal = -0.5 * rank * log(2 * pi)
    t = lgamma((DEGREES + rank) / 2) - lgamma(DEGREES / 2) - 0.5 * rank * log(DEGREES * pi)
    return t - normal
