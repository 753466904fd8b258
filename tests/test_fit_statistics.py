"""Residual deviance, leverage, DIC and leave-one-study-out, by hand where a hand can."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit
from secondline.inference import exact
from secondline.inference.fit_statistics import Draws, Fit, assess, point_rows, summarise_fit
from secondline.inference.leave_one_out import by_psis, leave_one_out
from secondline.inference.priors import PriorScales
from secondline.network.data import NetworkData, network_data

from tests.networks import ABC, Sizes, arm_row, contrast_row, plain, simulate, simulate_mixed

AB = plain("ab")
SCALES = PriorScales(1.5, 0.5, 0.0, 2.5)
WIDE = PriorScales(1.5, 0.5, 0.0, 100.0)


def at(data: NetworkData, coefficients: np.ndarray, tau: float = 0.0, scales: PriorScales = SCALES) -> Fit:
    """Assess the fit over draws of the coefficients (B, P) with one tau."""
    return assess(data, Draws(coefficients, np.full(len(coefficients), tau)), scales)


def test_fixed_contrasts_by_hand() -> None:
    """One study, fixed effect: deviance ((y - b) / se)^2, leverage var(b) / se^2."""
    data = network_data([contrast_row("s", "b", "a", -0.5, 0.3)], AB, "contrasts")
    b = np.random.default_rng(0).normal(-0.4, 0.2, (4000, 1))
    fit = at(data, b)
    assert fit.deviance.sum() == pytest.approx(np.mean(((-0.5 - b) / 0.3) ** 2))
    assert fit.leverage.sum() == pytest.approx(b.var() / 0.09)
    assert fit.log_likelihood[:, 0] == pytest.approx(stats.norm(b[:, 0], 0.3).logpdf(-0.5))


def test_random_effects_absorb_the_residual() -> None:
    """With a huge tau the study effect follows the data: deviance and leverage of one a point."""
    data = network_data([contrast_row("s", "b", "a", -0.5, 0.3)], AB, "contrasts")
    fit = at(data, np.full((100, 1), 3.0), 1e4)
    assert fit.deviance == pytest.approx([1.0], abs=1e-4)
    assert fit.leverage == pytest.approx([1.0], abs=1e-4)


def test_three_arm_study_has_the_multivariate_likelihood() -> None:
    """Whitened contrasts give the log density of the correlated ones."""
    rows = [contrast_row("s", "b", "a", -0.5, 0.3, 0.2), contrast_row("s", "c", "a", 0.2, 0.4, 0.2)]
    covariance = np.array([[0.09, 0.04], [0.04, 0.16]]) + 0.25 * np.array([[1, 0.5], [0.5, 1]])
    fit = at(network_data(rows, ABC, "contrasts"), np.array([[0.1, -0.1]]), 0.5)
    expected = stats.multivariate_normal([0.1, -0.1], covariance).logpdf([-0.5, 0.2])
    assert fit.log_likelihood[0, 0] == pytest.approx(expected)


def means(values: dict[str, tuple[float, float]], study: str = "s") -> list[dict[str, str]]:
    """Return arms with means and standard errors."""
    return [arm_row(study, t, mean=repr(mean), se=repr(se)) for t, (mean, se) in values.items()]


def test_fixed_means_by_hand() -> None:
    """Two arms, fixed effect: the baseline is their weighted mean, and one of the two data points is its leverage."""
    data = network_data(means({"a": (1.0, 0.2), "b": (1.6, 0.3)}), AB, "normal")
    b = np.random.default_rng(0).normal(0.4, 0.2, (4000, 1))
    fit = at(data, b)
    weight = np.array([1 / 0.04, 1 / 0.09])
    y = np.column_stack([np.full(4000, 1.0), 1.6 - b[:, 0]])
    baseline = y @ weight / weight.sum()
    deviance = (weight * ((y - baseline[:, None]) ** 2 + 1 / weight.sum())).mean(axis=0)
    assert fit.deviance == pytest.approx(deviance)
    assert fit.deviance.sum() == pytest.approx(1 + np.mean((0.6 - b) ** 2) / (0.04 + 0.09))
    assert fit.leverage.sum() == pytest.approx(1 + b.var() / (0.04 + 0.09))


def test_means_with_a_huge_tau_are_saturated() -> None:
    """Every arm follows its own data."""
    data = network_data(means({"a": (1.0, 0.2), "b": (1.6, 0.3), "c": (-4.0, 0.1)}), ABC, "normal")
    fit = at(data, np.full((50, 2), 2.0), 1e4)
    assert fit.deviance == pytest.approx([1.0] * 3, abs=1e-3)
    assert fit.leverage == pytest.approx([1.0] * 3, abs=1e-3)


@pytest.mark.parametrize("tau", [0.0, 0.4])
def test_means_by_sampling_the_study_effects(tau: float) -> None:
    """Deviance and leverage in closed form against draws of baseline and arm effects from their conditional."""
    values = {"a": (1.0, 0.2), "b": (1.6, 0.3), "c": (0.7, 0.25)}
    data = network_data(means(values), ABC, "normal")
    rng = np.random.default_rng(1)
    b = rng.normal([0.3, -0.1], 0.15, (40_000, 2))
    fit = at(data, b, tau)
    f = np.column_stack([np.zeros(len(b)), b])
    y, variance = (np.array([value[k] for value in values.values()]) for k in (0, 1))
    variance = variance**2
    weight = 1 / (variance + tau**2 / 2)
    baseline = ((y - f) * weight).sum(axis=1) / weight.sum() + rng.normal(size=len(b)) / np.sqrt(weight.sum())
    shrinkage = weight * tau**2 / 2
    residual = y - f - baseline[:, None]
    theta = f + baseline[:, None] + shrinkage * residual
    theta = theta + rng.normal(size=f.shape) * np.sqrt(shrinkage * variance)
    deviance = ((y - theta) ** 2 / variance).mean(axis=0)
    assert fit.deviance == pytest.approx(deviance, rel=0.03)
    assert fit.leverage == pytest.approx(deviance - (y - theta.mean(axis=0)) ** 2 / variance, rel=0.03)


SATURATED = {
    "binomial_logit": ([300, 600], {}, np.log(0.6 / 0.4) - np.log(0.3 / 0.7)),
    "binomial_cloglog": ([300, 600], {"time": "1.0"}, np.log(-np.log(0.4)) - np.log(-np.log(0.7))),
    "poisson_log": ([300, 600], {"time": "100.0"}, np.log(2.0)),
}


@pytest.mark.parametrize("likelihood", SATURATED)
def test_saturated_counts(likelihood: str) -> None:
    """Two arms fitted perfectly: a deviance of one for the baseline, the one free parameter; a proper likelihood."""
    events, cells, effect = SATURATED[likelihood]
    rows = [arm_row("s", t, r, 1000, **cells) for t, r in zip("ab", events, strict=True)]
    fit = at(network_data(rows, AB, likelihood), np.full((50, 1), effect), 0.0, WIDE)
    assert fit.deviance.sum() == pytest.approx(1.0, abs=0.02)
    assert (fit.log_likelihood < 0).all()


def test_saturated_categories() -> None:
    """Two arms in three categories, as a cumulative logit model has them: a deviance of one for the baseline."""
    rows = []
    for t, eta in (("a", -0.2), ("b", 0.5)):
        above = expit(eta - np.array([0.0, 1.2]))
        x, y, z = np.round(100_000 * -np.diff([1.0, *above, 0.0])).astype(int)
        rows.append(arm_row("s", t, categories=f"x:{x} y:{y} z:{z}"))
    data = network_data(rows, AB, "ordered_logit")
    fit = at(data, np.tile([0.7, np.log(1.2)], (50, 1)), 0.0, WIDE)
    assert fit.deviance.sum() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("likelihood", [*SATURATED, "ordered_logit", "ordered_probit"])
def test_saturated_by_a_huge_tau(likelihood: str) -> None:
    """With a large tau every arm follows its own data; cutpoints need not, which bends the leverage a little."""
    rows = simulate(
        likelihood, ["abc", "ab"], {"a": 0.0, "b": 0.4, "c": -0.3}, 0.1, 3, Sizes(n=(400, 500)), (-0.3, 0.1)
    )
    data = network_data(rows, ABC, likelihood)
    coefficients = np.tile([0.4, -0.3, *([0.3, 0.1] if data.n_cuts else [])], (200, 1))
    fit = at(data, coefficients, 5.0)
    assert fit.log_likelihood.shape == (200, 2)
    assert fit.leverage == pytest.approx(np.ones(5), abs=0.15 if data.n_cuts else 0.05)
    if not data.n_cuts:
        assert fit.deviance == pytest.approx(np.ones(5), abs=0.05)


@pytest.mark.parametrize("likelihood", SATURATED)
def test_arms_without_events_have_a_finite_deviance(likelihood: str) -> None:
    """Zero cells on either side."""
    cells = {"time": "1.0"} if likelihood != "binomial_logit" else {}
    rows = [arm_row("s", "a", 0, 20, **cells), arm_row("s", "b", 20, 20, **cells), arm_row("t", "a", 0, 9, **cells)]
    rows.append(arm_row("t", "b", 0, 8, **cells))
    fit = at(network_data(rows, AB, likelihood), np.random.default_rng(0).normal(size=(100, 1)), 0.5)
    assert np.isfinite(fit.deviance).all()
    assert np.isfinite(fit.leverage).all()
    assert (fit.deviance > 0).all()


def test_log_likelihoods_of_studies_have_their_constants() -> None:
    """Marginal likelihoods of the studies add up to the evidence when nothing is left to learn."""
    rows = simulate_mixed("binomial_logit", ["ab", "abc", "bc"], {"a": 0.0, "b": 0.4, "c": -0.3}, 0.0, 3)
    data = network_data(rows, ABC, "binomial_logit")
    scales = PriorScales(1e-4, 0.0, 0.0, 2.5)
    fit = at(data, np.zeros((1, 2)), 0.0, scales)
    assert fit.log_likelihood.sum() == pytest.approx(exact.posterior(data, scales).log_evidence(), abs=1e-3)


def test_points_of_a_mixed_network() -> None:
    """Contrasts first, then arms; every data point has its line."""
    rows = simulate_mixed("normal", ["ab", "abc", "bc"], {"a": 0.0, "b": 0.4, "c": -0.3}, 0.1, 3)
    data = network_data(rows, ABC, "normal")
    draws = np.random.default_rng(0).normal(size=(400, 2))
    fit = at(data, draws, 0.2)
    lines = point_rows(fit, data)
    assert [(line["study"], line["data_point"]) for line in lines] == [
        *(("study01", f"{t} against a") for t in "bc"),
        *(("study00", t) for t in "ab"),
        *(("study02", t) for t in "bc"),
    ]
    alone = [row for row in rows if row["study"] == "study02"]
    of_study = at(network_data(alone, ABC, "normal"), draws, 0.2)
    assert [line["deviance"] for line in lines[-2:]] == pytest.approx(of_study.deviance.tolist())


def test_dic_is_the_sum_of_its_parts() -> None:
    """DIC = residual deviance + pD, LOO from every study's marginal likelihood."""
    rng = np.random.default_rng(2)
    rows = [contrast_row(f"s{i}", "b", "a", y, 0.3) for i, y in enumerate(rng.normal(-0.4, 0.3, 6))]
    data = network_data(rows, AB, "contrasts")
    fit = at(data, rng.normal(-0.4, 0.12, (4000, 1)))
    left_out = by_psis(fit.log_likelihood.reshape(4, 1000, -1))
    summary, by_study = summarise_fit(fit, data, left_out)
    assert summary["dic"] == pytest.approx(summary["residual_deviance"] + summary["p_d"])
    assert summary["data_points"] == 6
    assert summary["p_d"] == pytest.approx(6 * 0.12**2 / 0.09, rel=0.1)
    assert summary["elpd_loo"] < fit.log_likelihood.mean(axis=0).sum()
    assert [row["study"] for row in by_study] == list(data.studies)
    assert sum(row["elpd_loo"] for row in by_study) == pytest.approx(summary["elpd_loo"])
    assert max(row["pareto_k"] for row in by_study) < 0.7
    within = np.log(np.exp(fit.log_likelihood).mean(axis=0)).sum()
    assert summary["p_loo"] == pytest.approx(within - summary["elpd_loo"])
    assert {row["method"] for row in by_study} == {summary["loo_method"]} == {"psis"}


def test_leaving_a_study_out() -> None:
    """The leave-one-out density of a fixed-effect model in closed form."""
    y, se = np.array([-0.6, -0.2, -0.5, 0.1, -0.4]), 0.3
    data = network_data([contrast_row(f"s{i}", "b", "a", value, se) for i, value in enumerate(y)], AB, "contrasts")
    scales = PriorScales(1.5, 0.0, 0.0, 2.5)
    posterior = exact.posterior(data, scales)
    draws, tau, _ = posterior.draws(40_000, 1)
    fit = assess(data, Draws(draws, tau), scales)
    sampled = fit.log_likelihood.reshape(4, 10_000, -1)
    _, by_study = summarise_fit(fit, data, leave_one_out(data, scales, posterior, sampled))
    _, smoothed = summarise_fit(fit, data, by_psis(sampled))
    for i, (row, other) in enumerate(zip(by_study, smoothed, strict=True)):
        precision = 4 / se**2 + 1 / 1.5**2
        mean = np.delete(y, i).sum() / se**2 / precision
        expected = stats.norm(mean, np.sqrt(se**2 + 1 / precision)).logpdf(y[i])
        assert row["elpd_loo"] == pytest.approx(expected, abs=1e-9)
        assert other["elpd_loo"] == pytest.approx(expected, abs=0.02)
