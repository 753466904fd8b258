"""Importance sampling of the coefficients of networks with counts, on a grid of tau and omega.

Given (tau, omega) the coefficients are drawn from a t_7 around the mode of the quadrature likelihood times their prior.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nma.inference import quadrature
from nma.inference.families import SCORE, n_terms
from nma.inference.scales import PriorScales
from nma.inference.tabulate import NO_TABLE, tabulate
from nma.network.data import NetworkData
from nma.network.predictor import CUT
from nma.network.structure import Floats

DEGREES = 7  # of freedom of the proposal
REPLICATES = 4  # independent scramblings of the Sobol sequence; their spread is the engine's own error
_CLOSE = 1e-3  # a Newton step this short leaves an error of its square: enough for the centre of a proposal
_CHUNK = 2_000_000  # arms times draws that are evaluated at a time


@dataclass(frozen=True)
class GridSample:
    """Weighted draws at every grid point: replicates, taus and omegas lead, (R, T, O)."""

    log_density: Floats
    """Log of likelihood times prior of the coefficients, integrated over them, (R, T, O)."""
    log_weights: Floats
    """(R, T, O, J), normalised over J."""
    coefficients: Floats
    """(R, T, O, J, coefficients)"""


def sample_grid(
    data: NetworkData, scales: PriorScales, tau: Floats, omega: Floats, draws: int, replicates: int = REPLICATES
) -> GridSample:
    """Sample v by importance, b = D (V v + V' w) with w ~ N(0, I) unseen by the data, at every grid point."""
    n_coefficients, n_tau = data.n_coefficients, len(tau)
    log_density = np.empty((replicates, n_tau, len(omega)))
    log_weights = np.empty((replicates, n_tau, len(omega), draws))
    coefficients = np.empty((*log_weights.shape, n_coefficients))
    likelihood = _Likelihood(data, tau, scales)
    index = np.repeat(np.arange(n_tau), draws)
    cuts = np.eye(n_coefficients)[data.predictor.kinds == CUT]
    near = np.zeros((n_tau, n_coefficients))  # the mode at the omega before
    for o, value in enumerate(omega):
        d = scales.coefficients(data.predictor, value)
        seen = np.vstack([data.gaussian.rows, data.counts.rows, cuts]) * d
        _, singular, basis = np.linalg.svd(seen, full_matrices=False)
        basis = _complete(basis)
        rank = int((singular > 1e-10 * max(singular.max(initial=0.0), 1e-300)).sum())
        target = _Target(likelihood, basis[:rank] * d)
        mode, cholesky = target.mode(near)
        near = mode @ target.basis
        root = np.linalg.inv(cholesky)
        log_det = np.log(np.diagonal(cholesky, axis1=1, axis2=2)).sum(axis=1)
        for replicate in range(replicates):
            unseen, t, log_proposal = _proposal(rank, n_coefficients - rank, draws, replicate)
            v = mode[:, None, :] + t @ root
            log_lik = target.log_likelihood(v.reshape(-1, rank), index).reshape(n_tau, draws)
            log_ratio = log_lik - 0.5 * (v**2).sum(axis=2) - log_proposal - log_det[:, None]
            top = log_ratio.max(axis=1)
            log_mean = top + np.log(np.exp(log_ratio - top[:, None]).mean(axis=1))
            log_density[replicate, :, o] = log_mean
            log_weights[replicate, :, o] = log_ratio - log_mean[:, None] - np.log(draws)
            whole = np.concatenate([v, np.broadcast_to(unseen, (n_tau, *unseen.shape))], axis=2)
            coefficients[replicate, :, o] = whole @ basis * d
    return GridSample(log_density, log_weights, coefficients)


def _complete(basis: Floats) -> Floats:
    """Complete orthonormal rows to a basis of the whole space."""
    if len(basis) == basis.shape[1]:
        return basis
    _, _, whole = np.linalg.svd(basis, full_matrices=True)
    return np.vstack([basis, whole[len(basis) :]])


@dataclass(frozen=True)
class _Target:
    """The likelihood as a function of v: the coefficients' whitened part that the data see."""

    likelihood: "_Likelihood"
    basis: Floats
    """(rank, coefficients): b = v basis."""

    def log_likelihood(self, v: Floats, index: NDArray[np.int64]) -> Floats:
        """Evaluate at v (B, rank) and the index of tau (B,), giving (B,)."""
        return self._evaluate(v, index)[0]

    def gradient(self, v: Floats, index: NDArray[np.int64]) -> Floats:
        """Gradient of log likelihood + log N(v; 0, I), (B, rank)."""
        return self._evaluate(v, index)[1] @ self.basis.T - v

    def _evaluate(self, v: Floats, index: NDArray[np.int64]) -> tuple[Floats, Floats]:
        return self.likelihood(v @ self.basis, index)

    def derivatives(self, v: Floats, index: NDArray[np.int64], step: float = 1e-4) -> tuple[Floats, Floats]:
        """Gradient (B, rank), and negative second derivatives (B, rank, rank) by its forward differences."""
        rank = v.shape[1]
        points = (v[:, None, :] + step * np.vstack([np.zeros(rank), np.eye(rank)])).reshape(-1, rank)
        gradients = self.gradient(points, np.repeat(index, rank + 1)).reshape(len(v), rank + 1, rank)
        hessian = (gradients[:, :1] - gradients[:, 1:]) / step
        return gradients[:, 0], np.asarray((hessian + hessian.transpose(0, 2, 1)) / 2)

    def mode(self, near: Floats) -> tuple[Floats, Floats]:
        """Mode and Cholesky factor of the negative Hessian for every tau, by damped Newton steps.

        They begin at the coefficients ``near`` (T, P), as far as v reaches them.
        """
        v = near @ np.linalg.pinv(self.basis)
        index = np.arange(len(near))
        for _ in range(30):
            gradient, hessian = self.derivatives(v, index)
            step = np.linalg.solve(self._positive(hessian), gradient[..., None])[..., 0]
            size = np.abs(step).max(axis=1, keepdims=True, initial=0.0)
            v = v + step * np.minimum(1.0, 2.0 / np.maximum(size, 1e-300))
            if size.max() < _CLOSE:
                break
        return v, np.linalg.cholesky(self._positive(self.derivatives(v, index)[1]))

    @staticmethod
    def _positive(hessian: Floats) -> Floats:
        """Lift a Hessian that is not positive definite: the marginal likelihood need not be log-concave."""
        if hessian.shape[1] == 0:
            return hessian
        lift = np.maximum(0.1 - np.linalg.eigvalsh(hessian)[:, 0], 0.0)
        return np.asarray(hessian + lift[:, None, None] * np.eye(hessian.shape[1]))


class _Likelihood:
    """Likelihood of a network on a grid of tau: contrasts in closed form, counts by quadrature."""

    def __init__(self, data: NetworkData, tau: Floats, scales: PriorScales) -> None:
        self.data, self.tau = data, tau
        self.precision = 1 / (1 + tau[:, None] ** 2 * data.gaussian.scales)
        self.arguments = count_arguments(data, scales)

    def __call__(self, coefficients: Floats, index: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Coefficients (B, P) and the index of tau (B,) -> log likelihood (B,) and score (B, P)."""
        value, score = self._contrasts(coefficients, index)
        size = max(1, _CHUNK // len(self.data.counts.rows))
        for start in range(0, len(coefficients), size):
            part = slice(start, start + size)
            counted = self._counts(coefficients[part], self.tau[index[part]])
            value[part] += counted[0]
            score[part] += counted[1]
        return value, score

    def _contrasts(self, coefficients: Floats, index: NDArray[np.int64]) -> tuple[Floats, Floats]:
        gaussian = self.data.gaussian
        precision = self.precision[index]
        residual = gaussian.y - coefficients @ gaussian.rows.T
        value = 0.5 * (np.log(precision) - precision * residual**2).sum(axis=1)
        return value, (precision * residual) @ gaussian.rows

    def _counts(self, coefficients: Floats, tau: Floats) -> tuple[Floats, Floats]:
        counts, n_cuts = self.data.counts, self.data.n_cuts
        cuts, jacobian = cutpoints(coefficients, n_cuts)
        f = np.ascontiguousarray(coefficients @ counts.rows.T)
        by_study, terms = quadrature.log_likelihoods(counts.family, f, tau, cuts, *self.arguments)
        score = terms[:, :, SCORE] @ counts.rows
        if n_cuts:
            score[:, -n_cuts:] += np.einsum("bc,bcg->bg", terms[:, :, -n_cuts:].sum(axis=1), jacobian)
        return by_study.sum(axis=1), score


def count_arguments(data: NetworkData, scales: PriorScales, tabulated: bool = True) -> tuple[Any, ...]:
    """Arguments of `quadrature.log_likelihood` that stay the same throughout a fit.

    Parameters
    ----------
    tabulated : bool
        Look the integrals up where a table is of use; then only scores are filled.
    """
    counts = data.counts
    tables = quadrature.arm_table(counts), quadrature.study_table(counts)
    table = tabulate(counts.family, *tables, scales.baseline, scales.tau) if tabulated else NO_TABLE
    width = n_terms(counts.family, counts.counts.shape[1])
    return *tables, scales.baseline, width, table.values, table.resolution


def cutpoints(coefficients: Floats, n_cuts: int) -> tuple[Floats, Floats]:
    """Cutpoints of draws (B, P), the first at 0, and their derivatives by the log distances.

    Returns
    -------
    array, (B, 1 + n_cuts)
    array, (B, n_cuts, n_cuts)
    """
    distances = np.exp(coefficients[:, coefficients.shape[1] - n_cuts :])
    cuts = np.concatenate([np.zeros((len(coefficients), 1)), np.cumsum(distances, axis=1)], axis=1)
    return cuts, np.tril(np.ones((n_cuts, n_cuts))) * distances[:, None, :]


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
