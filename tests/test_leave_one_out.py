"""Leave-one-out densities against refits that share nothing with the engine: dense normals, integrated numerically."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats
from secondline.evidence.selection import select_evidence
from secondline.inference import exact
from secondline.inference.fit_statistics import Draws, assess
from secondline.inference.leave_one_out import leave_one_out
from secondline.inference.priors import PriorScales
from secondline.inference.task import FitTask
from secondline.jobs.settings import fit_settings
from secondline.network.data import ContrastBlock, NetworkData, contrast_blocks, network_data
from secondline.network.predictor import Predictor
from secondline.project.config import Project

from tests.networks import ABC, Sizes, contrast_row, plain, simulate
from tests.test_exact import as_contrasts

GAUSSIAN_FITS = [
    *(
        (analysis, outcome)
        for analysis in ("primary", "four_cohorts", "nanchang_2023_medians")
        for outcome in ("os", "pfs")
    ),
    *((analysis, outcome) for analysis in ("regimen_level", "extended") for outcome in ("os", "pfs")),
]
UNIT = 0.1  # about the standard error of a contrast
SAMPLED = np.zeros((2, 4, 1))  # log likelihoods of draws: of no use where all studies are Gaussian


def rows_of(project: Project, analysis: str, outcome: str) -> list[dict[str, str]]:
    """Evidence rows of a fit, as its table has them."""
    rows = select_evidence(project, analysis, outcome)
    return [
        {k: str(v).lower() if isinstance(v, bool) else "" if v is None else str(v) for k, v in r.items()} for r in rows
    ]


def log_evidence(blocks: list[ContrastBlock], predictor: Predictor, scales: PriorScales) -> float:
    """Log marginal likelihood of contrasts: y ~ N(0, X D^2 X' + S + tau^2 R), integrated over tau and omega.

    By Gauss-Legendre nodes in the inverse hyperbolic sine, out to 10 prior scales, which leave out 1e-22 of the prior.
    """
    if not blocks:
        return 0.0
    y = np.concatenate([block.y for block in blocks])
    x = np.vstack([block.rows for block in blocks])
    s, r = np.zeros((2, len(y), len(y)))
    start = 0
    for block in blocks:
        own = slice(start, start := start + len(block.y))
        s[own, own], r[own, own] = block.covariance, (np.eye(len(block.y)) + 1) / 2

    def nodes(scale: float) -> tuple[np.ndarray, np.ndarray]:
        if not scale:
            return np.zeros(1), np.zeros(1)
        z, w = np.polynomial.legendre.leggauss(160)
        half = np.arcsinh(10 * scale / UNIT) / 2
        points = UNIT * np.sinh(half * (z + 1))
        return points, np.log(half * w * np.hypot(UNIT, points)) + stats.halfnorm(scale=scale).logpdf(points)

    (taus, of_tau), (omegas, of_omega) = nodes(scales.tau.size), nodes(scales.omega.size)
    values = []
    for omega, weight in zip(omegas, of_omega, strict=True):
        between = x * scales.coefficients(predictor, omega) ** 2 @ x.T + s
        covariance = between + taus[:, None, None] ** 2 * r
        mahalanobis = (y * np.linalg.solve(covariance, np.tile(y[:, None], (len(taus), 1, 1)))[..., 0]).sum(axis=1)
        value = -0.5 * (mahalanobis + np.linalg.slogdet(covariance)[1] + len(y) * np.log(2 * np.pi))
        values.append(np.logaddexp.reduce(value + of_tau) + weight)
    return float(np.logaddexp.reduce(values))


def by_refit(rows: list[dict[str, str]], data: NetworkData, scales: PriorScales, likelihood: str) -> np.ndarray:
    """Log density of every study given the others, as a difference of log evidences."""
    blocks = contrast_blocks(rows, data.predictor, likelihood)
    everything = log_evidence(blocks, data.predictor, scales)
    kept = [[block for block in blocks if block.study != i] for i in range(len(data.studies))]
    return np.array([everything - log_evidence(others, data.predictor, scales) for others in kept])


def found(data: NetworkData, scales: PriorScales) -> np.ndarray:
    """Ask the engine, which has it in closed form and says so."""
    result = leave_one_out(data, scales, exact.posterior(data, scales), SAMPLED)
    assert set(result.method) == {"exact"}
    assert result.error.max() < 1e-6
    return result.elpd


@pytest.mark.parametrize(("analysis", "outcome"), GAUSSIAN_FITS)
def test_every_shipped_gaussian_fit(analysis: str, outcome: str, project: Project) -> None:
    """Five analyses, two outcomes, three models: every study as a refit without it has it."""
    rows, settings = rows_of(project, analysis, outcome), fit_settings(project, analysis, outcome)
    task = FitTask.from_rows(rows, settings)
    assert list(task.fits) == ["fixed", "pooled", "setting"]
    for fit in task.fits.values():
        expected = by_refit(rows, fit.data, fit.scales, settings.likelihood)
        assert found(fit.data, fit.scales) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("analysis", "model", "elpd"),
    [("primary", "fixed", -3.46), ("primary", "pooled", -4.27), ("regimen_level", "fixed", -16.6)],
)
def test_progression_as_computed_by_others(analysis: str, model: str, elpd: float, project: Project) -> None:
    """Three sums that were computed independently of this project."""
    task = FitTask.from_rows(rows_of(project, analysis, "pfs"), fit_settings(project, analysis, "pfs"))
    fit = task.fits[model]
    assert found(fit.data, fit.scales).sum() == pytest.approx(elpd, abs=0.06)


def test_quadrature_of_the_reference_is_right() -> None:
    """The nodes of the refits against an adaptive integral."""
    rows = simulate("contrasts", ["ab", "abc", "bc"], {"a": 0.0, "b": -0.4, "c": 0.3}, 0.3, 5)
    data, scales = network_data(rows, ABC, "contrasts"), PriorScales(1.5, 0.5, 0.0, 2.5)
    blocks = contrast_blocks(rows, data.predictor, "contrasts")

    def density(tau: float) -> float:
        fixed = log_evidence(blocks_at(blocks, tau), data.predictor, PriorScales(1.5, 0.0, 0.0, 2.5))
        return float(np.exp(fixed) * stats.halfnorm(scale=0.5).pdf(tau))

    expected = integrate.quad(density, 0, 5, epsabs=0, epsrel=1e-12, limit=200)[0]
    assert log_evidence(blocks, data.predictor, scales) == pytest.approx(np.log(expected), abs=1e-9)


def blocks_at(blocks: list[ContrastBlock], tau: float) -> list[ContrastBlock]:
    """Contrasts with a known heterogeneity in their covariance."""
    return [
        ContrastBlock(b.study, b.y, b.rows, b.covariance + tau**2 * (np.eye(len(b.y)) + 1) / 2, b.treatments)
        for b in blocks
    ]


CASES: dict[str, Callable[[], tuple[list[dict[str, Any]], PriorScales, str]]] = {
    "means, flat baselines": lambda: (
        simulate("normal", ["ab", "abc", "bc", "ac"], {"a": 0.0, "b": -0.4, "c": 0.3}, 0.3, 5),
        PriorScales(1.5, 0.5, 0.0, 2.5),
        "normal",
    ),
    "wide priors": lambda: (
        simulate("contrasts", ["ab", "abc", "bc", "ac"], {"a": 0.0, "b": -0.4, "c": 0.3}, 0.3, 6),
        PriorScales(1000.0, 50.0, 0.0, 2.5),
        "contrasts",
    ),
    "a study that alone tells an effect": lambda: (
        [contrast_row("s1", "b", "a", -0.3, 0.1), contrast_row("s2", "c", "a", 4.0, 0.2)],
        PriorScales(100.0, 5.0, 0.0, 2.5),
        "contrasts",
    ),
    "an outlier": lambda: (
        [contrast_row(f"s{k}", "b", "a", y, 0.05) for k, y in enumerate((0.1, 0.12, 0.08, 6.0))],
        PriorScales(1.5, 1.0, 0.0, 2.5),
        "contrasts",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_networks_that_are_hard(case: str) -> None:
    """Multi-arm means, wide priors, a study on which an effect rests, an outlier that makes all of tau."""
    rows, scales, likelihood = CASES[case]()
    data = network_data(rows, ABC if case != "an outlier" else plain("ab"), likelihood)
    assert found(data, scales) == pytest.approx(by_refit(rows, data, scales, likelihood), abs=1e-6)


def test_counts_by_refits_within_their_error() -> None:
    """Counts of large studies are nearly Gaussian: refits agree with the closed form of their contrasts."""
    effects = {"a": 0.0, "b": -0.4, "c": 0.3}
    rows = simulate("binomial_logit", ["ab", "ac", "bc"], effects, 0.2, 3, Sizes(n=(4000, 5000)))
    scales = PriorScales(1.5, 0.5, 0.0, 10.0)
    counted, contrasted = (
        network_data(rows, ABC, "binomial_logit"),
        network_data(as_contrasts(rows, "binomial_logit"), ABC, "contrasts"),
    )
    draws = np.random.default_rng(1).normal(size=(2, 200, len(counted.studies)))
    refits = leave_one_out(counted, scales, exact.posterior(counted, scales), draws)
    assert set(refits.method) == {"refit"}
    assert max(refits.error) < 0.1
    expected = found(contrasted, scales)
    # a contrast and two arms differ in what they are a density of, the same for every model: compare the differences
    other = leave_one_out(counted, FIXED, exact.posterior(counted, FIXED), draws)
    gap = found(contrasted, FIXED) - expected
    assert other.elpd - refits.elpd == pytest.approx(gap, abs=max(0.05, 4 * max(refits.error)))


FIXED = PriorScales(1.5, 0.0, 0.0, 10.0)


def test_slow_networks_refit_only_what_draws_do_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a likelihood is slow, studies of small Pareto k and error are left to the draws: as refits have them.

    One study is far from the others: its weights have no variance, and it is refitted all the same.
    """
    effects = {"a": 0.0, "b": -0.4, "c": 0.3}
    rows = simulate("binomial_logit", ["ab", "ac", "bc", "ab", "ac"], effects, 0.1, 3, Sizes(n=(200, 300)))
    far = next(row for row in rows if row["arm"] == "b")
    far["events"] = str(int(far["n"]) - 5)
    scales = PriorScales(1.5, 0.5, 0.0, 10.0)
    data = network_data(rows, ABC, "binomial_logit")
    posterior = exact.posterior(data, scales)
    coefficients, tau, _ = posterior.draws(4000, 1)
    draws = assess(data, Draws(coefficients, tau), scales).log_likelihood.reshape(4, 1000, -1)
    refits = leave_one_out(data, scales, posterior, draws)
    assert set(refits.method) == {"refit"}
    monkeypatch.setattr(exact, "is_slow", lambda _: True)
    spared = leave_one_out(data, scales, posterior, draws)
    assert set(spared.method) == {"psis", "refit"}
    assert max(spared.error) < 0.1
    for i, (method, k, error) in enumerate(zip(spared.method, spared.pareto_k, spared.error, strict=True)):
        assert (method == "psis") == (k is not None)
        if method == "psis":
            assert (k or 0.0) <= 0.5
            assert error <= 0.05
        assert spared.elpd[i] == pytest.approx(refits.elpd[i], abs=4 * np.hypot(error, refits.error[i]))
