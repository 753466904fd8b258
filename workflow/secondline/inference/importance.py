"""Importance sampling of the coefficients of networks with counts, on a grid of tau and omega.

Given (tau, omega) the coefficients are drawn from two-piece t distributions around the mode of the quadrature
likelihood times their prior (`proposal`). Where few of the draws carry the weight, the moments of the weighted draws
shape further components, and all is drawn again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondline.inference import mode, proposal
from secondline.inference.along_slope import FEW_NODES, NODES, AlongSlope, Evaluate
from secondline.inference.families import SCORE, n_terms
from secondline.inference.kernels import coordinates, study_integral
from secondline.inference.kernels.integral_tables import NO_TABLE, tabulate
from secondline.inference.mode import Mode
from secondline.inference.priors import PriorScales
from secondline.inference.proposal import Component
from secondline.network.data import NetworkData
from secondline.network.predictor import CUT
from secondline.network.structure import Floats

_FEW = 0.2  # effective share of the draws below which the proposal is adapted
_SHAPED = 32  # draws from which on the proposal is shaped: fewer only look for where tau and omega lie
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
    rise: Floats
    """By how much the log density may rise beyond what was taken for its mode, (T, O)."""


def sample_grid(
    data: NetworkData,
    scales: PriorScales,
    tau: Floats,
    omega: Floats,
    draws: int,
    replicates: int,
    moved: Floats | None = None,
) -> GridSample:
    """Sample v by importance, b = D (V v + V' w) with w ~ N(0, I) unseen by the data, at every grid point.

    ``tau`` is (T,), or (T, groups) where groups of studies have their own; ``omega`` is (O,), or (O, classes) where
    classes have theirs.

    ``moved``, (arms,), is by how much the data of the arms with counts are moved on the link scale, centred within
    their study: their likelihood is that of the linear predictor less this.
    """
    likelihood = Likelihood(data, tau, scales, moved)
    columns = [Column.at(value, likelihood, scales) for value in omega]
    if data.predictor.baseline_slope is not None:
        return _along_slope(columns, data, scales, omega, draws, replicates)
    samples = [column.sample(draws, replicates) for column in columns]
    log_density, log_weights, coefficients = (np.stack([s[k] for s in samples], axis=2) for k in range(3))
    return GridSample(
        log_density, log_weights, coefficients, np.stack([column.found.rise for column in columns], axis=1)
    )


def modes(data: NetworkData, scales: PriorScales, tau: Floats, omega: Floats, moved: Floats | None = None) -> Floats:
    """Find the mode of the coefficients at every tau and omega, (T, O, coefficients); 0 where the data see nothing."""
    likelihood = Likelihood(data, tau, scales, moved)
    columns = [Column.at(value, likelihood, scales) for value in omega]
    return np.stack([column.found.v @ column.basis[: column.rank] for column in columns], axis=1)


def log_densities(
    data: NetworkData,
    scales: PriorScales,
    tau: Floats,
    omega: Floats,
    coefficients: Floats,
    moved: Floats | None = None,
) -> Floats:
    """Log of likelihood times prior of coefficients (R, T, O, J, P), up to a constant of the grid point, (R, T, O, J).

    ``moved`` is that of `sample_grid`.
    """
    index = np.broadcast_to(np.arange(len(tau))[:, None, None], coefficients.shape[:-1])
    likelihood = Likelihood(data, tau, scales, moved)
    flat = np.ascontiguousarray(coefficients.reshape(-1, coefficients.shape[-1]))
    value = likelihood(flat, index.ravel())[0].reshape(index.shape)
    sds = np.array([scales.coefficients(data.predictor, each) for each in omega])[:, None]
    whitened = np.divide(coefficients, sds, out=np.zeros_like(coefficients), where=sds > 0)
    return np.asarray(value - 0.5 * (whitened**2).sum(axis=-1))


def _seen(data: NetworkData, d: Floats) -> tuple[Floats, int]:
    """Orthonormal directions of the whitened coefficients, those that the data see first, and how many these are.

    Coefficients with a prior standard deviation of 0 in ``d`` stand in none of the first.
    """
    cuts = np.eye(data.n_coefficients)[data.predictor.kinds == CUT]
    seen = np.vstack([data.gaussian.rows, data.counts.rows, cuts]) * d
    _, singular, basis = np.linalg.svd(seen, full_matrices=False)
    rank = int((singular > 1e-10 * max(singular.max(initial=0.0), 1e-300)).sum())
    return _complete(basis), rank


def _complete(basis: Floats) -> Floats:
    """Complete orthonormal rows to a basis of the whole space."""
    if len(basis) == basis.shape[1]:
        return basis
    _, _, whole = np.linalg.svd(basis, full_matrices=True)
    return np.vstack([basis, whole[len(basis) :]])


@dataclass(frozen=True)
class Column:
    """All taus at one omega: the likelihood as a function of v, the coefficients' whitened part that the data see."""

    likelihood: Evaluate
    basis: Floats
    """(coefficients, coefficients): b = (v, w) basis."""
    rank: int
    found: Mode

    @classmethod
    def at(cls, omega: float | Floats, likelihood: "Likelihood", scales: PriorScales) -> "Column":
        """Find the modes, from those of the normal approximation on."""
        data = likelihood.data
        d = scales.coefficients(data.predictor, omega)
        basis, rank = _seen(data, d)
        start = _start(data, scales, likelihood.tau, basis[:rank] * d)
        column = cls(likelihood, basis * d, rank, Mode(*start, np.zeros(len(start[0]))))
        return cls(likelihood, basis * d, rank, mode.find(column.target, *start))

    def given(self, likelihood: Evaluate, found: Mode) -> "Column":
        """Take another likelihood, and other modes."""
        return replace(self, likelihood=likelihood, found=found)

    def without(self, slope: int, data: NetworkData, scales: PriorScales, omega: float | Floats) -> "Column":
        """Leave the slope of a regression on the baseline out of what is drawn, and give a place to start from.

        That of the other coefficients is their mode, with the covariance that they have given the slope.
        """
        d = scales.coefficients(data.predictor, omega)
        kept = np.where(np.arange(len(d)) == slope, 0.0, d)
        basis, rank = _seen(data, kept)
        at = self.found.v @ self.basis[: self.rank] / d
        precision = np.linalg.inv(self.found.roots.transpose(0, 2, 1) @ self.found.roots)
        into = basis[:rank] @ (self.basis[: self.rank] / d).T
        roots = np.linalg.inv(np.linalg.cholesky(into @ precision @ into.T))
        return replace(self, basis=basis * kept, rank=rank, found=Mode(at @ basis[:rank].T, roots, self.found.rise))

    def target(self, v: Floats) -> tuple[Floats, Floats]:
        """Log likelihood + log N(v; 0, I) up to a constant, (T, K), and its gradient (T, K, rank)."""
        n_tau, n = v.shape[:2]
        seen = self.basis[: self.rank]
        value, score = self.likelihood(v.reshape(-1, self.rank) @ seen, np.repeat(np.arange(n_tau), n))
        log_prior = -0.5 * (v**2).sum(axis=2)
        return value.reshape(n_tau, n) + log_prior, (score @ seen.T).reshape(v.shape) - v

    def sample(self, draws: int, replicates: int) -> tuple[Floats, Floats, Floats]:
        """Log density (R, T), log weights (R, T, J) and coefficients (R, T, J, P)."""
        found = self.found
        if draws < _SHAPED:
            components = proposal.plain(found.v, found.roots)
        else:
            components = proposal.around(found.v, found.roots, lambda v: self.target(v)[0])
        v, log_ratio, unseen = self._weigh(components, draws, replicates)
        if draws >= _SHAPED and _effective_share(log_ratio).min() < _FEW:
            least = 0.1 * found.roots.transpose(0, 2, 1) @ found.roots
            pooled = v.transpose(1, 0, 2, 3).reshape(len(found.v), -1, self.rank)
            weights = log_ratio.transpose(1, 0, 2).reshape(len(found.v), -1)
            components = [*components, *proposal.adapted(pooled, weights, least)]
            v, log_ratio, unseen = self._weigh(components, draws, replicates)
        top = log_ratio.max(axis=2, keepdims=True)
        log_mean = top[..., 0] + np.log(np.exp(log_ratio - top).mean(axis=2))
        whole = np.concatenate([v, np.broadcast_to(unseen[:, None], (*v.shape[:3], unseen.shape[2]))], axis=3)
        return log_mean, log_ratio - log_mean[..., None] - np.log(draws), whole @ self.basis

    def _weigh(self, components: list[Component], draws: int, replicates: int) -> tuple[Floats, Floats, Floats]:
        """Draws v (R, T, J, rank), their log ratio of target and proposal (R, T, J), and unseen normals (R, J, ...)."""
        unseen, v, log_ratio = [], [], []
        for replicate in range(replicates):
            w, seen, log_proposal = proposal.draw(components, len(self.basis) - self.rank, draws, replicate)
            unseen.append(w)
            v.append(seen)
            log_ratio.append(self.target(seen)[0] - log_proposal)
        return np.stack(v), np.stack(log_ratio), np.stack(unseen)


def _along_slope(
    columns: Sequence[Column], data: NetworkData, scales: PriorScales, omega: Floats, draws: int, replicates: int
) -> GridSample:
    """Sample along the slope of a regression on the baseline, see `secondline.inference.along_slope`."""
    slope = data.predictor.baseline_slope
    assert slope is not None
    size = NODES if draws >= _SHAPED else FEW_NODES
    lines = []
    for column, value in zip(columns, omega, strict=True):
        sd = float(scales.coefficients(data.predictor, value)[slope])
        lines.append(AlongSlope(column.without(slope, data, scales, value), slope, sd, size))
    each = max(4, 2 ** round(np.log2(draws / size)))
    samples = [line.sample(each, replicates) for line in lines]
    log_density, log_weights, coefficients = (np.stack([s[k] for s in samples], axis=2) for k in range(3))
    return GridSample(log_density, log_weights, coefficients, np.stack([line.rise for line in lines], axis=1))


def _effective_share(log_ratio: Floats) -> Floats:
    """Kish's effective sample size over the number of draws at every tau, (T,), of log weights (R, T, J)."""
    weights = np.exp(log_ratio - log_ratio.max(axis=(0, 2), keepdims=True))
    return np.asarray(weights.mean(axis=(0, 2)) ** 2 / (weights**2).mean(axis=(0, 2)))


def _start(data: NetworkData, scales: PriorScales, tau: Floats, seen: Floats) -> tuple[Floats, Floats]:
    """Mean (T, rank) and root (T, rank, rank) of the covariance of v under the normal approximation of the data."""
    n, rank = data.n_coefficients, len(seen)
    near = coordinates.approximate(data, scales, n, np.arange(n))
    rows = seen / scales.coefficients(data.predictor, 1.0)
    layout, (columns,), (values,) = near.design.tables
    mean, roots = np.zeros((len(tau), rank)), np.zeros((len(tau), rank, rank))
    for t, value in enumerate(tau):
        lower, score, *_ = coordinates.regress(np.atleast_1d(value), n, layout, columns, values, near.values)
        information = np.tril(lower) + np.tril(lower, -1).T
        roots[t] = np.linalg.inv(np.linalg.cholesky(np.eye(rank) + rows @ information @ rows.T))
        mean[t] = roots[t].T @ (roots[t] @ (rows @ score))
    return mean, roots


class Likelihood:
    """Likelihood of a network on a grid of tau: contrasts in closed form, counts by quadrature."""

    def __init__(self, data: NetworkData, tau: Floats, scales: PriorScales, moved: Floats | None) -> None:
        self.data, self.tau = data, tau
        self.moved = np.zeros(len(data.counts.rows)) if moved is None else moved
        self.precision = 1 / (1 + data.groups.tau_of(tau, data.gaussian.study) ** 2 * data.gaussian.scales)
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
        counts = self.data.counts
        cuts, jacobian, columns = shapes(coefficients, self.data)
        f = coefficients @ counts.rows.T - self.moved
        by_study, terms = study_integral.evaluate(self.data, f, tau, cuts, self.arguments)
        score = terms[:, :, SCORE] @ counts.rows
        if len(columns):
            by_shape = terms[:, :, -len(columns) :].sum(axis=1)
            score[:, columns] += np.einsum("bc,bcg->bg", by_shape, jacobian)
        return by_study.sum(axis=1), score


def count_arguments(data: NetworkData, scales: PriorScales, tabulated: bool = True) -> tuple[Any, ...]:
    """Arguments of `study_integral.log_likelihood` that stay the same throughout a fit.

    Parameters
    ----------
    tabulated : bool
        Look the integrals up where a table is of use; then only scores are filled.
    """
    counts = data.counts
    tables = study_integral.arm_table(counts), study_integral.study_table(counts)
    at_baseline = bool(len(counts.at_baseline))
    table = NO_TABLE
    if tabulated and not at_baseline:
        table = tabulate(counts.family, *tables, scales.baseline, scales.tau.table_scale)
    width = n_terms(counts.family, counts.counts.shape[1]) + at_baseline
    return *tables, scales.baseline, width, table.values, table.resolution


def shapes(coefficients: Floats, data: NetworkData) -> tuple[Floats, Floats, list[int]]:
    """Coefficients that shape the likelihood of counts beside the linear predictor, of draws (B, P).

    They are the log distances between cutpoints, or the slope of a regression on the baseline.

    Returns
    -------
    array, (B, 1 + n)
        What the likelihood takes: the cutpoints, the first at 0; or the slope, (B, 1).
    array, (B, n, n)
        Its derivatives by the coefficients, the first cutpoint left out.
    list of int
        Which coefficients they are; the last terms of the likelihood are the derivatives by them.
    """
    slope, n_cuts = data.predictor.baseline_slope, data.n_cuts
    if slope is not None:
        return coefficients[:, [slope]], np.ones((len(coefficients), 1, 1)), [slope]
    columns = list(range(coefficients.shape[1] - n_cuts, coefficients.shape[1]))
    distances = np.exp(coefficients[:, columns])
    cuts = np.concatenate([np.zeros((len(coefficients), 1)), np.cumsum(distances, axis=1)], axis=1)
    return cuts, np.tril(np.ones((n_cuts, n_cuts))) * distances[:, None, :], columns
