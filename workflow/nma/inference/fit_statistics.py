"""Fit of a model to the data: residual deviance, leverage, DIC and leave-one-study-out cross-validation.

The deviance is conditional on the study effects, whose expectation given the sampled parameters is taken in closed form
(contrasts) or by quadrature (counts). pD is the mean deviance minus the deviance at the posterior mean of the fitted
values (Dias, NICE DSU TSD2, 2011).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaln, xlogy

from nma.inference import quadrature
from nma.network.design import ArmData, ContrastData, Floats

COLUMNS = ("data_points", "residual_deviance", "p_d", "dic", "elpd_loo", "elpd_loo_se", "p_loo")


@dataclass(frozen=True)
class Fit:
    """How a model fits every data point and study.

    ``deviance`` and ``leverage`` by data point; ``log_likelihood`` by draw and study, with the study effects integrated
    out.
    """

    deviance: Floats
    leverage: Floats
    log_likelihood: Floats


def assess(data: ContrastData | ArmData, coefficients: Floats, tau: Floats, baseline_sd: float) -> Fit:
    """Assess the fit over draws of the coefficients (B, coefficients) and tau (B,)."""
    if isinstance(data, ContrastData):
        return _assess_contrasts(data, coefficients, tau)
    return _assess_counts(data, coefficients, tau, baseline_sd)


def _assess_contrasts(data: ContrastData, coefficients: Floats, tau: Floats) -> Fit:
    mean = coefficients @ data.rows.T
    heterogeneity = tau[:, None] ** 2 * data.scales
    shrinkage = heterogeneity / (1 + heterogeneity)
    fitted = mean + shrinkage * (data.y - mean)
    deviance = ((data.y - fitted) ** 2 + shrinkage).mean(axis=0)
    at_mean = (data.y - fitted.mean(axis=0)) ** 2
    by_point = -0.5 * ((data.y - mean) ** 2 / (1 + heterogeneity) + np.log(2 * np.pi * (1 + heterogeneity)))
    log_likelihood = np.stack([by_point[:, data.study == i].sum(axis=1) for i in range(len(data.studies))], axis=1)
    return Fit(deviance, deviance - at_mean, log_likelihood + data.log_det)


def _assess_counts(data: ArmData, coefficients: Floats, tau: Floats, baseline_sd: float) -> Fit:
    f = np.ascontiguousarray(coefficients @ data.rows.T)
    log_likelihood, expected = quadrature.log_likelihoods(
        f, tau, quadrature.arm_table(data), data.start, *quadrature.nodes(data), baseline_sd
    )
    r, n = data.events, data.n
    saturated = xlogy(r, r / n) + xlogy(n - r, (n - r) / n)
    probability = expected[:, :, quadrature.PROBABILITY].mean(axis=0)
    deviance = 2 * (saturated - expected[:, :, quadrature.LOG_LIKELIHOOD].mean(axis=0))
    at_mean = 2 * (saturated - xlogy(r, probability) - xlogy(n - r, 1 - probability))
    constant = gammaln(n + 1) - gammaln(r + 1) - gammaln(n - r + 1)
    return Fit(deviance, deviance - at_mean, log_likelihood + np.add.reduceat(constant, data.start[:-1]))


def summarise_fit(fit: Fit, chains: int) -> dict[str, Any]:
    """Residual deviance, pD, DIC, and PSIS-LOO over studies (Vehtari, Gelman & Gabry 2017)."""
    from arviz_stats.base import array_stats

    n_draws, n_studies = fit.log_likelihood.shape
    by_chain = fit.log_likelihood.reshape(chains, n_draws // chains, n_studies)
    elpd, _, p_loo = array_stats.loo(by_chain, chain_axis=0, draw_axis=1)
    residual_deviance, p_d = float(fit.deviance.sum()), float(fit.leverage.sum())
    return {
        "data_points": len(fit.deviance),
        "residual_deviance": residual_deviance,
        "p_d": p_d,
        "dic": residual_deviance + p_d,
        "elpd_loo": float(np.sum(elpd)),
        "elpd_loo_se": float(np.sqrt(n_studies * np.var(elpd))),
        "p_loo": float(np.sum(p_loo)),
    }
