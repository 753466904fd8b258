"""Leave-one-study-out cross-validation: log p(y_i | y_-i) of every study, tau and omega integrated out.

Where all studies are Gaussian it is exact. Given (tau, omega) a study with whitened contrasts y ~ N(X b, R) has the
residual r = y - X m from the posterior mean of the coefficients, and S = R - X C X' from their covariance C; without
the study its prediction is off by R S^-1 r, with covariance R S^-1 R. A study that shares patients with others is
predicted from their errors too (`secondline.network.clusters`). One grid serves all studies: the density of
(tau, omega) without a study is that with it over p(y_i | y_-i, tau, omega). Where the grid does not resolve that, the
model is refitted without the study. With counts a study takes a refit: the difference of two log evidences, each with
its error. Refits go to the most influential studies first; where there are many, the others are left to importance
sampling of the draws, and the table says by which method each was left out. Where the likelihood is integrated anew at
every draw, as along a baseline risk, a refit takes minutes: studies whose importance weights have a variance, and whose
density has a standard error of at most 0.05, are then left to the draws as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp

from secondline.inference import exact
from secondline.inference.exact import GridPosterior
from secondline.inference.grid_search import free_sds
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import solve
from secondline.network.data import NetworkData
from secondline.network.leaving_out import without
from secondline.network.structure import Floats

_REFITS = 20  # of networks with counts, at most
_COARSER = 0.5  # times the importance draws of a fit, for the evidence without a study
_FINITE_K = 0.5  # Pareto k up to which importance weights have a variance, and their mean a standard error
_SMALL_ERROR = 0.05  # standard error of an elpd from draws, up to which a slow network takes no refit
_BATCHES = 10  # of every chain: their means say how far the mean of correlated draws is off
EXACT, REFIT, PSIS = "exact", "refit", "psis"
_TOLERANCE = 1e-8  # of a log density on the grid, before the model is refitted without the study
_FINE = exact.Effort(tau=161, omega=41, draws=1)  # grid of such a refit
_FINE_OF_SEVERAL = {1: 161, 2: 81, 3: 31}  # its points for every tau or omega, where there are several of one of them


@dataclass(frozen=True)
class LeftOut:
    """Log density of every study given the others, (studies,): its standard error, the method, and Pareto k of PSIS."""

    elpd: Floats
    error: Floats
    method: Sequence[str]
    pareto_k: Sequence[float | None]


def leave_one_out(
    data: NetworkData, scales: PriorScales, posterior: GridPosterior | None, log_likelihood: Floats
) -> LeftOut:
    """Predict every study from the others.

    Parameters
    ----------
    posterior : GridPosterior, optional
        Of all studies.
    log_likelihood : array, (chains, draws, studies)
        For PSIS, where nothing better can be had.
    """
    if posterior is None:
        return by_psis(log_likelihood)
    if len(data.counts.study):
        return _by_refits(data, scales, posterior, by_psis(log_likelihood))
    elpd, error = _on_the_grid(data, posterior)
    coarse = np.flatnonzero(error > _TOLERANCE)
    if len(coarse):
        chosen = _FINE
        if data.groups.names or data.predictor.classes_with_sds:
            points = _FINE_OF_SEVERAL[max(free_sds(data, scales), 1)]
            several = bool(data.predictor.classes_with_sds)
            chosen = replace(_FINE, tau=points, omega=min(points, _FINE.omega) if several else _FINE.omega)
        fine = exact.posterior(data, scales, chosen)
    for i in coarse:
        refit = exact.posterior(without(data, int(i)), scales, chosen)
        elpd[i] = fine.log_evidence() - refit.log_evidence()
        error[i] = np.hypot(fine.log_evidence_error(), refit.log_evidence_error())
    n = len(elpd)
    return LeftOut(elpd, error, [EXACT] * n, [None] * n)


def by_psis(log_likelihood: Floats) -> LeftOut:
    """Approximate by Pareto-smoothed importance sampling of draws (Vehtari, Gelman & Gabry 2017).

    Parameters
    ----------
    log_likelihood : array, (chains, draws, studies)
    """
    from arviz_stats.base import array_stats

    elpd, k, _ = array_stats.loo(log_likelihood, chain_axis=0, draw_axis=1)
    n, k = log_likelihood.shape[2], np.ravel(k)
    error = np.where(k <= _FINITE_K, _error_of_weights(-log_likelihood), np.nan)
    return LeftOut(np.ravel(elpd), error, [PSIS] * n, [float(value) for value in k])


def _error_of_weights(log_weights: Floats) -> Floats:
    """Relative standard error of the mean weight of every study, by batch means; NaN where draws are too few."""
    chains, draws, n = log_weights.shape
    size = draws // _BATCHES
    if size < 2:
        return np.full(n, np.nan)
    scaled = np.exp(log_weights - log_weights.max(axis=(0, 1)))[:, : size * _BATCHES]
    means = scaled.reshape(chains * _BATCHES, size, n).mean(axis=1)
    return np.asarray(means.std(axis=0, ddof=1) / np.sqrt(len(means)) / means.mean(axis=0))


def _by_refits(data: NetworkData, scales: PriorScales, posterior: GridPosterior, draws: LeftOut) -> LeftOut:
    """Replace the estimates from draws by refits without a study, as far as the engine can be relied on without it."""
    elpd, error, method, pareto_k = draws.elpd.copy(), draws.error.copy(), list(draws.method), list(draws.pareto_k)
    by_influence = np.argsort([-float(k or 0.0) for k in pareto_k])
    chosen = exact.effort(data, scales, _COARSER, replicates=4)
    spared = error <= _SMALL_ERROR if exact.is_slow(data) else np.zeros(len(error), dtype=bool)
    for i in by_influence[~spared[by_influence]][:_REFITS].tolist():
        refit = solve(without(data, i), scales, chosen).posterior
        if refit:
            elpd[i] = posterior.log_evidence() - refit.log_evidence()
            error[i] = np.hypot(posterior.log_evidence_error(), refit.log_evidence_error())
            method[i], pareto_k[i] = REFIT, None
    return LeftOut(elpd, error, method, pareto_k)


def _on_the_grid(data: NetworkData, posterior: GridPosterior) -> tuple[Floats, Floats]:
    """Log density of every study given the others, and how far it moves on half the grid or beyond its end."""
    conditional = _given_scales(data, posterior)
    elpd, halved = (-logsumexp(posterior.log_weights_of_grid(step)[0] - conditional, axis=1) for step in (1, 2))
    elpd, halved = (x + posterior.log_evidence(step) for x, step in ((elpd, 1), (halved, 2)))
    without_it = posterior.on_the_lines(posterior.log_density[0] - conditional)
    beyond = np.exp(posterior.at_the_end(without_it) - without_it.max(axis=1))
    return elpd, np.maximum(np.abs(elpd - halved), beyond)


def _given_scales(data: NetworkData, posterior: GridPosterior) -> Floats:
    """Log p(y_i | y_-i, tau, omega) at every grid point, (studies, G)."""
    gaussian, means = data.gaussian, posterior.means[0, :, 0]
    variance = 1 + data.groups.tau_of(posterior.tau_points, gaussian.study) ** 2 * gaussian.scales
    result = np.tile(gaussian.log_det[:, None], len(means))
    for i in range(len(data.studies)):
        own = gaussian.study == i
        rows, r = gaussian.rows[own], variance[:, own]
        half = posterior.roots @ rows.T
        residual = gaussian.y[own] - means @ rows.T
        s = np.eye(own.sum()) * r[:, None, :] - half.transpose(0, 2, 1) @ half
        solved = np.linalg.solve(s, residual[..., None])[..., 0]
        result[i] -= 0.5 * (residual * solved).sum(axis=1) + np.log(r).sum(axis=1)
        result[i] += 0.5 * (np.linalg.slogdet(s)[1] - own.sum() * np.log(2 * np.pi))
    for cluster in gaussian.clusters:
        rows, weight = gaussian.rows[cluster.at], 1 / variance[:, cluster.at]
        half = posterior.roots @ rows.T * weight[:, None, :]
        precision = np.eye(len(rows)) * weight[:, None, :] - half.transpose(0, 2, 1) @ half
        scaled = weight * (gaussian.y[cluster.at] - means @ rows.T)
        for i in cluster.studies:
            result[i] = cluster.given_others(i, scaled, precision)
    return result
