"""Fit of a model to the data: residual deviance, leverage, DIC and leave-one-study-out cross-validation.

The deviance is conditional on the study effects, whose expectation given the sampled parameters is taken in closed form
(contrasts and means) or by quadrature (counts, over draws evenly spaced: an expectation needs fewer than the tail of a
leave-one-out density). The log likelihood of a study whose errors are correlated with those of others is given these,
which is what leaving it out takes (Bürkner, Gabry & Vehtari 2021, Computational Statistics 36:1243). pD is the mean
deviance minus the deviance at the posterior mean of the fitted values (Dias, NICE DSU TSD2, 2011).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp, xlogy

from secondline.inference.families import FITTED, LOG_LIKELIHOOD, fitted_width, log_constants, n_terms
from secondline.inference.importance import count_arguments, shapes
from secondline.inference.kernels import study_integral
from secondline.inference.leave_one_out import LeftOut
from secondline.inference.priors import PriorScales
from secondline.likelihoods import Distribution
from secondline.network.categories import own_counts
from secondline.network.data import CountData, NetworkData
from secondline.network.structure import Floats

COLUMNS = (
    "data_points",
    "residual_deviance",
    "p_d",
    "dic",
    "elpd_loo",
    "elpd_loo_se",
    "p_loo",
    "loo_method",
    "studies",
    "left_out",
)
STUDY_COLUMNS = ("study", "elpd_loo", "pareto_k", "method", "error")
POINT_COLUMNS = ("study", "data_point", "deviance", "leverage")
_CHUNK = 4_000_000  # arms times draws that are evaluated at a time
_EXPECTED = 4_000  # draws, about, that expectations of counts are taken over: they cost a quadrature each


@dataclass(frozen=True)
class Fit:
    """How a model fits every data point and study.

    ``deviance`` and ``leverage`` by data point; ``log_likelihood`` by draw and study, with the study effects integrated
    out; that of a study which shares patients with others is given those.
    """

    deviance: Floats
    leverage: Floats
    log_likelihood: Floats


@dataclass(frozen=True)
class Draws:
    """Posterior draws of everything the likelihood depends on: coefficients (B, P) and tau (B,) or (B, groups)."""

    coefficients: Floats
    tau: Floats


def assess(data: NetworkData, draws: Draws, scales: PriorScales) -> Fit:
    """Assess the fit over posterior draws."""
    gaussian, counts = data.gaussian, data.counts
    contrasts = _assess_contrasts(data, draws)
    # Arm means enter the likelihood as contrasts, and the deviance as what they are.
    shown = ~np.isin(gaussian.study, gaussian.means.study)
    parts = [
        (contrasts[0][shown], contrasts[1][shown]),
        _assess_means(data, draws),
    ]
    log_likelihood = _contrast_log_likelihood(data, draws)
    if len(counts.study):
        deviance, leverage, by_study = _assess_counts(data, draws, scales)
        parts.append((deviance, leverage))
        log_likelihood[:, counts.study] += by_study
    deviance, leverage = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    return Fit(deviance, leverage, log_likelihood)


def _assess_contrasts(network: NetworkData, draws: Draws) -> tuple[Floats, Floats]:
    data = network.gaussian
    mean = draws.coefficients @ data.rows.T
    heterogeneity = network.groups.tau_of(draws.tau, data.study) ** 2 * data.scales
    shrinkage = heterogeneity / (1 + heterogeneity)
    fitted = mean + shrinkage * (data.y - mean)
    deviance = ((data.y - fitted) ** 2 + shrinkage).mean(axis=0)
    at_mean = (data.y - fitted.mean(axis=0)) ** 2
    for cluster in data.clusters:
        # The deviance is that of the cluster as a whole; its parts are given to the contrasts that they belong to.
        residual = (data.y - fitted)[:, cluster.at] @ cluster.rotation.T
        spread = shrinkage[:, cluster.at] @ (cluster.rotation**2).T
        deviance[cluster.at] = (residual**2 + spread).mean(axis=0)
        at_mean[cluster.at] = residual.mean(axis=0) ** 2
    return deviance, deviance - at_mean


def _contrast_log_likelihood(data: NetworkData, draws: Draws) -> Floats:
    gaussian = data.gaussian
    result = np.tile(gaussian.log_det, (len(draws.tau), 1))
    variance = 1 + data.groups.tau_of(draws.tau, gaussian.study) ** 2 * gaussian.scales
    residual = gaussian.y - draws.coefficients @ gaussian.rows.T
    by_point = -0.5 * (residual**2 / variance + np.log(2 * np.pi * variance))
    for i in range(len(data.studies)):
        result[:, i] += by_point[:, gaussian.study == i].sum(axis=1)
    for cluster in gaussian.clusters:
        precision = 1 / variance[:, cluster.at]
        of_all = precision[:, :, None] * np.eye(len(cluster.at))
        for i in cluster.studies:
            result[:, i] = cluster.given_others(i, precision * residual[:, cluster.at], of_all)
    return result


def _assess_means(network: NetworkData, draws: Draws) -> tuple[Floats, Floats]:
    """Deviance of arm means: given the fixed part f and tau, the arms share a flat baseline."""
    data = network.gaussian.means
    if not len(data.y):
        return np.zeros(0), np.zeros(0)
    f = draws.coefficients @ data.rows.T
    half = network.groups.tau_of(draws.tau, data.study) ** 2 / 2
    weight = 1 / (data.variance + half)
    start = np.flatnonzero(np.diff(data.study, prepend=-1))
    n_arms = np.diff(np.append(start, len(data.y)))
    total = np.add.reduceat(weight, start, axis=1)
    baseline = np.repeat(np.add.reduceat(weight * (data.y - f), start, axis=1) / total, n_arms, axis=1)
    shrinkage = half * weight
    fitted = f + baseline + shrinkage * (data.y - f - baseline)
    variance = (1 - shrinkage) ** 2 / np.repeat(total, n_arms, axis=1) + shrinkage * data.variance
    deviance = (((data.y - fitted) ** 2 + variance) / data.variance).mean(axis=0)
    return deviance, deviance - (data.y - fitted.mean(axis=0)) ** 2 / data.variance


def _assess_counts(data: NetworkData, draws: Draws, scales: PriorScales) -> tuple[Floats, Floats, Floats]:
    """Deviance and leverage by arm, log likelihood by draw and study.

    Conditional expectations are integrated over some of the draws; the log likelihood of all is looked up in the tables
    of the fit, as far as there are any.
    """
    counts = data.counts
    constants = log_constants(counts)
    width = fitted_width(counts.family, counts.counts.shape[1])
    some = _every(draws, max(1, len(draws.tau) // _EXPECTED))
    fitted, log_likelihood = np.zeros((len(constants), width)), np.zeros(len(constants))
    for _, terms in _terms(data, some, count_arguments(data, scales, tabulated=False)):
        fitted += terms[:, :, FITTED : FITTED + width].sum(axis=0) / len(some.tau)
        log_likelihood += terms[:, :, LOG_LIKELIHOOD].sum(axis=0) / len(some.tau)
    by_study = np.concatenate([values for values, _ in _terms(data, draws, count_arguments(data, scales))])
    saturated = _log_density(counts, _observed(counts))
    deviance = 2 * (saturated - log_likelihood)
    at_mean = 2 * (saturated - _log_density(counts, fitted))
    return deviance, deviance - at_mean, by_study + np.add.reduceat(constants, counts.start[:-1])


def _every(draws: Draws, step: int) -> Draws:
    """Give draws evenly spaced over the chains."""
    return Draws(draws.coefficients[::step], draws.tau[::step])


def _terms(data: NetworkData, draws: Draws, arguments: tuple[Any, ...]) -> Iterator[tuple[Floats, Floats]]:
    """Log likelihoods by study and conditional expectations by arm, some draws at a time."""
    counts = data.counts
    size = max(1, _CHUNK // (len(counts.counts) * n_terms(counts.family, counts.counts.shape[1])))
    for start in range(0, len(draws.tau), size):
        b, tau = draws.coefficients[start : start + size], draws.tau[start : start + size]
        cuts = shapes(b, data)[0]
        yield study_integral.evaluate(data, b @ counts.rows.T, tau, cuts, arguments)


def _observed(counts: CountData) -> Floats:
    """Fitted values of the saturated model."""
    match counts.likelihood.distribution:
        case Distribution.POISSON:
            return counts.counts[:, :1]
        case Distribution.MULTINOMIAL:
            own = own_counts(counts.counts)
            return np.asarray(own / own.sum(axis=1, keepdims=True))
        case _:
            return (counts.events / counts.n)[:, None]


def _log_density(counts: CountData, fitted: Floats) -> Floats:
    """Log likelihood of every arm at fitted values, without the combinatorial constants."""
    r = counts.events
    match counts.likelihood.distribution:
        case Distribution.POISSON:
            return xlogy(r, fitted[:, 0]) - fitted[:, 0]
        case Distribution.MULTINOMIAL:
            return np.asarray(xlogy(own_counts(counts.counts), fitted).sum(axis=1))
        case _:
            return np.asarray(xlogy(r, fitted[:, 0]) + xlogy(counts.n - r, 1 - fitted[:, 0]))


def point_rows(fit: Fit, data: NetworkData) -> list[dict[str, Any]]:
    """Deviance and leverage of every data point."""
    columns = zip(data.points, fit.deviance, fit.leverage, strict=True)
    return [{"study": s, "data_point": name, "deviance": d, "leverage": h} for (s, name), d, h in columns]


def deviance_statistics(fit: Fit) -> dict[str, Any]:
    """Count the data points and sum residual deviance, pD and DIC (Dias, NICE DSU TSD2, 2011)."""
    residual_deviance, p_d = float(fit.deviance.sum()), float(fit.leverage.sum())
    return {
        "data_points": len(fit.deviance),
        "residual_deviance": residual_deviance,
        "p_d": p_d,
        "dic": residual_deviance + p_d,
    }


def summarise_fit(fit: Fit, data: NetworkData, left_out: LeftOut) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Residual deviance, pD, DIC, and leave-one-out cross-validation over studies.

    p_loo is the log predictive density of the studies within the sample minus that of each given the others.

    Returns
    -------
    dict
        Statistics of the fit.
    list of dict
        Leave-one-out density by study, its error, the method, and Pareto k where that is PSIS.
    """
    n_draws, n_studies = fit.log_likelihood.shape
    within = logsumexp(fit.log_likelihood, axis=0) - np.log(n_draws)
    statistics = {
        **deviance_statistics(fit),
        "elpd_loo": float(np.sum(left_out.elpd)),
        "elpd_loo_se": float(np.sqrt(n_studies * np.var(left_out.elpd))),
        "p_loo": float(np.sum(within - left_out.elpd)),
        "loo_method": ", ".join(sorted(set(left_out.method))),
        "studies": n_studies,
        "left_out": ", ".join(data.left_out),
    }
    columns = zip(data.studies, left_out.elpd, left_out.pareto_k, left_out.method, left_out.error, strict=True)
    return statistics, [dict(zip(STUDY_COLUMNS, row, strict=True)) for row in columns]
