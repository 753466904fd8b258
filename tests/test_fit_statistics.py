"""Residual deviance, leverage, DIC and leave-one-study-out, by hand where a hand can."""

import numpy as np
import pytest
from nma.inference.fit_statistics import Draws, Fit, assess, summarise_fit
from nma.inference.scales import PriorScales
from nma.network.data import NetworkData, network_data
from scipy import stats

from tests.networks import arm_row, contrast_row, plain

AB = plain(["a", "b"])


def assessed(data: NetworkData, coefficients: np.ndarray, tau: np.ndarray, baseline: float = 2.5) -> Fit:
    """Assess a fit at given draws."""
    return assess(data, Draws(coefficients, tau), PriorScales(1.5, 0.5, 0.0, baseline))


def test_fixed_contrasts_by_hand() -> None:
    """One study, fixed effect: deviance ((y - b) / se)^2, leverage var(b) / se^2."""
    data = network_data([contrast_row("s", "b", "a", -0.5, 0.3)], AB)
    b = np.random.default_rng(0).normal(-0.4, 0.2, (4000, 1))
    fit = assessed(data, b, np.zeros(4000))
    assert fit.deviance.sum() == pytest.approx(np.mean(((-0.5 - b) / 0.3) ** 2))
    assert fit.leverage.sum() == pytest.approx(b.var() / 0.09)
    assert fit.log_likelihood[:, 0] == pytest.approx(stats.norm(b[:, 0], 0.3).logpdf(-0.5))


def test_random_effects_absorb_the_residual() -> None:
    """With a huge tau the study effect follows the data: deviance and leverage of one a point."""
    data = network_data([contrast_row("s", "b", "a", -0.5, 0.3)], AB)
    fit = assessed(data, np.full((100, 1), 3.0), np.full(100, 1e4))
    assert fit.deviance == pytest.approx([1.0], abs=1e-4)
    assert fit.leverage == pytest.approx([1.0], abs=1e-4)


def test_three_arm_study_has_the_multivariate_likelihood() -> None:
    """Whitened contrasts give the log density of the correlated ones."""
    rows = [contrast_row("s", "b", "a", -0.5, 0.3, 0.2), contrast_row("s", "c", "a", 0.2, 0.4, 0.2)]
    data = network_data(rows, plain(["a", "b", "c"]))
    covariance = np.array([[0.09, 0.04], [0.04, 0.16]]) + 0.25 * np.array([[1, 0.5], [0.5, 1]])
    fit = assessed(data, np.array([[0.1, -0.1]]), np.array([0.5]))
    expected = stats.multivariate_normal([0.1, -0.1], covariance).logpdf([-0.5, 0.2])
    assert fit.log_likelihood[0, 0] == pytest.approx(expected)


def test_saturated_counts() -> None:
    """Counts fitted perfectly have deviance close to their leverage; the likelihood holds the binomial coefficient."""
    data = network_data([arm_row("s", "a", 300, 1000), arm_row("s", "b", 600, 1000)], AB)
    log_odds_ratio = np.log(0.6 / 0.4) - np.log(0.3 / 0.7)
    fit = assessed(data, np.full((50, 1), log_odds_ratio), np.zeros(50), 100.0)
    # one free parameter, the baseline, over two arms
    assert fit.deviance.sum() == pytest.approx(1.0, abs=0.02)
    assert (fit.log_likelihood < 0).all()


def test_dic_is_the_sum_of_its_parts() -> None:
    """DIC = residual deviance + pD, LOO from every study's marginal likelihood."""
    rng = np.random.default_rng(2)
    rows = [contrast_row(f"s{i}", "b", "a", y, 0.3) for i, y in enumerate(rng.normal(-0.4, 0.3, 6))]
    data = network_data(rows, AB)
    fit = assessed(data, rng.normal(-0.4, 0.12, (4000, 1)), np.zeros(4000))
    summary, by_study = summarise_fit(fit, data, 4)
    assert summary["dic"] == pytest.approx(summary["residual_deviance"] + summary["p_d"])
    assert summary["data_points"] == 6
    assert sum(row["elpd_loo"] for row in by_study) == pytest.approx(summary["elpd_loo"])
    assert summary["p_d"] == pytest.approx(6 * 0.12**2 / 0.09, rel=0.1)
    assert summary["elpd_loo"] < fit.log_likelihood.mean(axis=0).sum()
