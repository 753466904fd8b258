"""The exact engine against closed forms, brute force and itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nma.inference import exact
from nma.inference.scales import PriorScales
from nma.network.design import arm_data, contrast_data
from scipy import stats

from tests.networks import arm_row, contrast_row, plain, simulate_arms, simulate_contrasts

ABC = plain(["a", "b", "c"])


def test_one_study_fixed_is_conjugate() -> None:
    """One contrast and a normal prior: the textbook posterior."""
    data = contrast_data([contrast_row("s", "b", "a", -0.5, 0.3)], ABC)
    grid = exact.posterior(data, ABC, PriorScales(1.5, 0, 0, 2.5))
    precision = 1 / 0.3**2 + 1 / 1.5**2
    summary, error = grid.summary(np.array([[1.0, 0.0], [0.0, 1.0]]))
    mean, sd = -0.5 / 0.3**2 / precision, precision**-0.5
    assert summary[:, 0] == pytest.approx([mean, sd, mean - 1.959964 * sd, mean + 1.959964 * sd], abs=1e-6)
    assert summary[:2, 1] == pytest.approx([0, 1.5])
    assert error.max() < 1e-9


def test_contrast_posterior_against_brute_force() -> None:
    """Random effects with a three-arm study: integrate tau and the effects on a dense grid."""
    rows = simulate_contrasts([["a", "b"], ["a", "b", "c"], ["b", "c"]], {"a": 0, "b": -0.4, "c": 0.3}, 0.3, 5)
    scales = PriorScales(1.0, 0.5, 0, 2.5)
    grid = exact.posterior(contrast_data(rows, ABC), ABC, scales)
    by_study = [[r for r in rows if r["study"] == s] for s in dict.fromkeys(r["study"] for r in rows)]
    index = {"b": 0, "c": 1}
    beta = np.stack(np.meshgrid(np.linspace(-3, 3, 241), np.linspace(-3, 3, 241), indexing="ij"), -1).reshape(-1, 2)
    taus = np.linspace(0, 2.5, 126)
    log_density = np.empty((len(taus), len(beta)))
    for t, tau in enumerate(taus):
        value = stats.norm(0, 1.0).logpdf(beta).sum(1) + stats.halfnorm(scale=0.5).logpdf(tau)
        for members in by_study:
            x = np.zeros((len(members), 2))
            for k, r in enumerate(members):
                for arm, sign in ((r["treatment_arm"], 1), (r["comparator_arm"], -1)):
                    if arm != "a":
                        x[k, index[arm]] += sign
            s = np.full((len(members), len(members)), float(members[0]["baseline_se"]) ** 2)
            np.fill_diagonal(s, [float(r["se"]) ** 2 for r in members])
            covariance = s + tau**2 * (np.eye(len(members)) + 1) / 2
            y = np.array([float(r["log_effect"]) for r in members])
            value = value + stats.multivariate_normal(np.zeros(len(members)), covariance).logpdf(y - beta @ x.T)
        log_density[t] = value
    weights = np.exp(log_density - log_density.max())
    weights[[0, -1]] /= 2
    weights /= weights.sum()
    mean = weights.sum(0) @ beta
    sd = np.sqrt(weights.sum(0) @ (beta - mean) ** 2)
    summary, _ = grid.summary(np.eye(2))
    assert summary[0] == pytest.approx(mean, abs=2e-3)
    assert summary[1] == pytest.approx(sd, rel=5e-3)
    tau_summary, _ = grid.scale_summary("tau")
    assert tau_summary[0] == pytest.approx(weights.sum(1) @ taus, abs=2e-3)


def test_star_with_flat_effects_teaches_tau_nothing() -> None:
    """A star with one study an edge and effect priors of sd 100: the posterior of tau is its prior."""
    star = plain(["a", "b", "c", "d", "e"])
    rows = [contrast_row(t, t, "a", y, 0.3) for t, y in zip("bcde", (0.1, -0.7, 0.4, 1.2), strict=True)]
    grid = exact.posterior(contrast_data(rows, star), star, PriorScales(100, 0.5, 0, 2.5))
    x, density = grid.marginal("tau")
    assert density == pytest.approx(stats.halfnorm(scale=0.5).pdf(x), abs=2e-4)


def test_count_engine_agrees_with_the_contrast_engine_on_large_studies() -> None:
    """With thousands of patients an arm the binomial likelihood is Gaussian in the log odds ratio."""
    rows = simulate_arms([["a", "b"], ["a", "c"], ["b", "c"]], {"a": 0, "b": 0.5, "c": -0.3}, 0.2, 3, (4000, 5000))
    contrasts = []
    for i in range(3):
        c, t = rows[2 * i], rows[2 * i + 1]
        odds = [np.log(int(r["events"]) / (int(r["n"]) - int(r["events"]))) for r in (t, c)]
        v = sum(1 / int(r["events"]) + 1 / (int(r["n"]) - int(r["events"])) for r in (t, c))
        contrasts.append(contrast_row(t["study"], t["arm"], c["arm"], odds[0] - odds[1], np.sqrt(v)))
    scales = PriorScales(1.5, 1.0, 0, 10.0)
    counted = exact.posterior(arm_data(rows, ABC), ABC, scales)
    contrasted = exact.posterior(contrast_data(contrasts, ABC), ABC, scales)
    assert counted.summary(np.eye(2))[0] == pytest.approx(contrasted.summary(np.eye(2))[0], abs=0.02)
    assert counted.scale_summary("tau")[0] == pytest.approx(contrasted.scale_summary("tau")[0], abs=0.02)


def test_count_posterior_against_brute_force() -> None:
    """Two studies of two treatments, one with a zero cell: integrate everything on dense grids."""
    from scipy.special import log_expit, roots_hermitenorm

    structure = plain(["a", "b"])
    table = [("s1", 4, 20, 9, 22), ("s2", 0, 15, 3, 14)]
    rows = [row for s, r0, n0, r1, n1 in table for row in (arm_row(s, "a", r0, n0), arm_row(s, "b", r1, n1))]
    x, w = roots_hermitenorm(30)
    w = w / w.sum()
    mu = np.linspace(-9, 9, 91)
    betas, taus = np.linspace(-4, 6, 51), np.linspace(0, 4, 33)
    log_density = np.empty((len(taus), len(betas)))
    for t, tau in enumerate(taus):
        for b, beta in enumerate(betas):
            value = stats.norm(0, 1.5).logpdf(beta) + stats.halfnorm().logpdf(tau)
            for _, r0, n0, r1, n1 in table:
                study = stats.norm(0, 2.5).logpdf(mu)
                for r, n, shift in ((r0, n0, -beta / 2), (r1, n1, beta / 2)):
                    eta = mu[:, None] + shift + tau / np.sqrt(2) * x
                    study = study + np.log(np.exp(r * log_expit(eta) + (n - r) * log_expit(-eta)) @ w)
                value += np.log(np.trapezoid(np.exp(study - study.max()), mu)) + study.max()
            log_density[t, b] = value
    weights = np.exp(log_density - log_density.max())
    weights[[0, -1]] /= 2
    weights /= weights.sum()
    mean = weights.sum(0) @ betas
    sd = np.sqrt(weights.sum(0) @ (betas - mean) ** 2)
    grid = exact.posterior(arm_data(rows, structure), structure, PriorScales(1.5, 1.0, 0, 2.5))
    summary, error = grid.summary(np.eye(1))
    assert summary[0, 0] == pytest.approx(mean, abs=max(3 * error[0, 0], 5e-3))
    assert summary[1, 0] == pytest.approx(sd, abs=max(3 * error[1, 0], 5e-3))


def test_covariance_and_draws_agree_with_the_summary() -> None:
    """Three ways to the same posterior."""
    rows = simulate_contrasts([["a", "b"], ["a", "b", "c"]], {"a": 0, "b": -0.4, "c": 0.3}, 0.3, 5)
    grid = exact.posterior(contrast_data(rows, ABC), ABC, PriorScales(1.0, 0.5, 0, 2.5))
    summary, _ = grid.summary(np.eye(2))
    assert np.sqrt(np.diag(grid.covariance())) == pytest.approx(summary[1], rel=1e-6)
    draws, tau, _ = grid.draws(40_000, 1)
    assert draws.mean(0) == pytest.approx(summary[0], abs=0.01)
    assert draws.std(0) == pytest.approx(summary[1], rel=0.02)
    assert tau.mean() == pytest.approx(grid.scale_summary("tau")[0][0], abs=0.01)


designs = st.lists(st.sampled_from([("a", "b"), ("a", "c"), ("b", "c"), ("a", "b", "c")]), min_size=2, max_size=5)


@settings(max_examples=25, deadline=None)
@given(designs=designs, seed=st.integers(0, 10_000))
def test_order_of_studies_changes_nothing(designs: list, seed: int) -> None:
    """Permuting studies leaves the posterior as it was."""
    rows = simulate_contrasts(designs, {"a": 0, "b": -0.4, "c": 0.3}, 0.3, seed)
    studies = list(dict.fromkeys(r["study"] for r in rows))
    shuffled = [r for s in reversed(studies) for r in rows if r["study"] == s]
    scales = PriorScales(1.5, 0.5, 0, 2.5)
    first = exact.posterior(contrast_data(rows, ABC), ABC, scales).summary(np.eye(2))[0]
    second = exact.posterior(contrast_data(shuffled, ABC), ABC, scales).summary(np.eye(2))[0]
    assert first == pytest.approx(second, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(designs=designs, seed=st.integers(0, 10_000))
def test_swapping_treatment_and_comparator_flips_the_sign_only(designs: list, seed: int) -> None:
    """A contrast b against a of y is a contrast a against b of -y."""
    pairs = [design[:2] for design in designs]
    rows = simulate_contrasts(pairs, {"a": 0, "b": -0.4, "c": 0.3}, 0.3, seed)
    swapped = [
        contrast_row(r["study"], r["comparator_arm"], r["treatment_arm"], -float(r["log_effect"]), float(r["se"]))
        for r in rows
    ]
    scales = PriorScales(1.5, 0.5, 0, 2.5)
    first = exact.posterior(contrast_data(rows, ABC), ABC, scales).summary(np.eye(2))[0]
    second = exact.posterior(contrast_data(swapped, ABC), ABC, scales).summary(np.eye(2))[0]
    assert first == pytest.approx(second, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_reference_does_not_matter_with_flat_priors(seed: int) -> None:
    """On a connected plain network with flat effect priors no relative effect depends on the reference."""
    rows = simulate_contrasts([("a", "b"), ("a", "b", "c"), ("b", "c")], {"a": 0, "b": -0.4, "c": 0.3}, 0.3, seed)
    scales = PriorScales(100.0, 0.5, 0, 2.5)
    first = exact.posterior(contrast_data(rows, ABC), ABC, scales).summary(np.array([[1.0, 0.0], [1.0, -1.0]]))[0]
    other = plain(["a", "b", "c"], reference="c")
    # against c the coefficients are (a, b): b - a is (-1, 1), b - c is (0, 1)
    second = exact.posterior(contrast_data(rows, other), other, scales).summary(np.array([[-1.0, 1.0], [0.0, 1.0]]))[0]
    assert first == pytest.approx(second, abs=2e-4)
