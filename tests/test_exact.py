"""The exact engine against closed forms, brute force and itself."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit, log_expit, roots_hermitenorm
from secondline.inference import exact
from secondline.inference.priors import PriorScales
from secondline.network.data import network_data
from secondline.network.predictor import Effects
from secondline.network.slopes import Slopes

from scripts.calibrate import CASES, Sizes, redraw
from tests.networks import ABC, arm_row, contrast_row, plain, simulate, simulate_mixed

EFFECTS = {"a": 0.0, "b": -0.4, "c": 0.3}
RANDOM = PriorScales(1.5, 0.5, 0, 2.5)


def test_one_study_fixed_is_conjugate() -> None:
    """One contrast and a normal prior: the textbook posterior."""
    data = network_data([contrast_row("s", "b", "a", -0.5, 0.3)], ABC, "contrasts")
    grid = exact.posterior(data, PriorScales(1.5, 0, 0, 2.5))
    precision = 1 / 0.3**2 + 1 / 1.5**2
    summary, error = grid.summary(np.array([[1.0, 0.0], [0.0, 1.0]]))
    mean, sd = -0.5 / 0.3**2 / precision, precision**-0.5
    assert summary[:, 0] == pytest.approx([mean, sd, mean - 1.959964 * sd, mean + 1.959964 * sd], abs=1e-6)
    assert summary[:2, 1] == pytest.approx([0, 1.5])
    assert error.max() < 1e-9


class Gaussian:
    """A random-effects network of contrasts by brute force: log prior + log likelihood on a grid of the parameters."""

    def __init__(self, rows: Sequence[dict[str, str]]) -> None:
        self.blocks = []
        for _, group in groupby(rows, key=lambda row: row["study"]):
            members = list(group)
            x = np.zeros((len(members), 2))
            for k, row in enumerate(members):
                for name, sign in ((row["treatment_arm"], 1), (row["comparator_arm"], -1)):
                    if name != "a":
                        x[k, "bc".index(name)] += sign
            s = np.full((len(members), len(members)), float(members[0]["baseline_se"]) ** 2)
            np.fill_diagonal(s, [float(row["se"]) ** 2 for row in members])
            self.blocks.append((np.array([float(row["effect"]) for row in members]), x, s))

    def log_likelihood(self, effects: np.ndarray, tau: float) -> np.ndarray:
        """Log likelihood of effects of b and c, (N, 2) -> (N,)."""
        total = np.zeros(len(effects))
        for y, x, s in self.blocks:
            covariance = s + tau**2 * (np.eye(len(y)) + 1) / 2
            total += stats.multivariate_normal(np.zeros(len(y)), covariance).logpdf(y - effects @ x.T)
        return total


def pairs(low: float, high: float, n: int) -> np.ndarray:
    """Return a square grid of two effects, (n * n, 2)."""
    axis = np.linspace(low, high, n)
    return np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)


def test_contrast_posterior_against_brute_force() -> None:
    """Random effects with a three-arm study: moments and marginal likelihood by integration on a dense grid."""
    rows = simulate("contrasts", ["ab", "abc", "bc"], EFFECTS, 0.3, 5)
    scales = PriorScales(1.0, 0.5, 0, 2.5)
    grid = exact.posterior(network_data(rows, ABC, "contrasts"), scales)
    network, beta, taus = Gaussian(rows), pairs(-3, 3, 121), np.linspace(0, 2.5, 126)
    prior = stats.norm(0, 1.0).logpdf(beta).sum(axis=1)
    log_density = np.array(
        [network.log_likelihood(beta, tau) + prior + stats.halfnorm(scale=0.5).logpdf(tau) for tau in taus]
    )
    top = log_density.max()
    weights = np.exp(log_density - top)
    weights[[0, -1]] /= 2
    evidence = top + np.log(weights.sum() * 0.05**2 * 0.02)
    weights /= weights.sum()
    mean = weights.sum(axis=0) @ beta
    sd = np.sqrt(weights.sum(axis=0) @ (beta - mean) ** 2)
    summary, _ = grid.summary(np.eye(2))
    assert summary[0] == pytest.approx(mean, abs=2e-3)
    assert summary[1] == pytest.approx(sd, rel=5e-3)
    assert grid.scale_summary("tau")[0][0] == pytest.approx(weights.sum(axis=1) @ taus, abs=2e-3)
    assert grid.log_evidence() == pytest.approx(evidence, abs=2e-3)


def test_evidence_of_means_is_that_of_their_contrasts() -> None:
    """The flat baselines of Gaussian arms are left out of the marginal likelihood."""
    values = {"a": (0.1, 0.2), "b": (-0.3, 0.3), "c": (0.4, 0.25)}
    rows = [arm_row("s", t, mean=repr(mean), se=repr(se)) for t, (mean, se) in values.items()]
    contrasts = [
        contrast_row("s", t, "a", values[t][0] - 0.1, float(np.hypot(0.2, values[t][1])), 0.2) for t in ("b", "c")
    ]
    first = exact.posterior(network_data(rows, ABC, "normal"), RANDOM).log_evidence()
    second = exact.posterior(network_data(contrasts, ABC, "contrasts"), RANDOM).log_evidence()
    assert first == pytest.approx(second, abs=1e-9)


def test_evidence_falls_with_a_prior_that_is_too_wide() -> None:
    """Marginal likelihoods of one data set under two priors compare the priors."""
    data = network_data(simulate("contrasts", ["ab", "abc", "bc"], EFFECTS, 0.1, 5), ABC, "contrasts")
    usual, wide = (exact.posterior(data, PriorScales(sd, 0.5, 0, 2.5)).log_evidence() for sd in (0.5, 50))
    assert usual > wide + 5


def test_star_with_flat_effects_teaches_tau_nothing() -> None:
    """A star with one study an edge and effect priors of sd 100: the posterior of tau is its prior."""
    star = plain("abcde")
    rows = [contrast_row(t, t, "a", y, 0.3) for t, y in zip("bcde", (0.1, -0.7, 0.4, 1.2), strict=True)]
    grid = exact.posterior(network_data(rows, star, "contrasts"), PriorScales(100, 0.5, 0, 2.5))
    x, density = grid.marginal("tau")
    assert density == pytest.approx(stats.halfnorm(scale=0.5).pdf(x), abs=2e-4)
    summary = grid.scale_summary("tau")[0]
    prior = stats.halfnorm(scale=0.5)
    expected = [prior.mean(), prior.std(), prior.ppf(0.025), prior.ppf(0.975)]
    assert summary == pytest.approx(expected, abs=1e-3)


def test_star_of_means_teaches_tau_nothing() -> None:
    """The same for arms with means."""
    star = plain("abcde")
    rows = [
        arm_row(f"s{t}", arm, mean=repr(mean), se="0.3")
        for t, y in zip("bcde", (0.1, -0.7, 0.4, 1.2), strict=True)
        for arm, mean in (("a", 3.0), (t, 3.0 + y))
    ]
    x, density = exact.posterior(network_data(rows, star, "normal"), PriorScales(100, 0.5, 0, 2.5)).marginal("tau")
    assert density == pytest.approx(stats.halfnorm(scale=0.5).pdf(x), abs=2e-4)


designs = st.lists(st.sampled_from(["ab", "ac", "bc", "abc", "cab", "bca"]), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None)
@given(designs=designs, seed=st.integers(0, 10_000), tau=st.floats(0, 1))
def test_arms_and_contrasts_are_one_model(designs: list[str], seed: int, tau: float) -> None:
    """Means of arms, and their contrasts against the first arm with its standard error: one posterior to the digit."""
    rows = simulate("normal", designs, EFFECTS, tau, seed)
    contrasts = []
    for _, group in groupby(rows, key=lambda row: row["study"]):
        base, *others = group
        se = float(base["se"])
        contrasts += [
            contrast_row(
                row["study"],
                row["arm"],
                base["arm"],
                float(row["mean"]) - float(base["mean"]),
                float(np.hypot(float(row["se"]), se)),
                se,
            )
            for row in others
        ]
    first = exact.posterior(network_data(rows, ABC, "normal"), RANDOM)
    second = exact.posterior(network_data(contrasts, ABC, "contrasts"), RANDOM)
    rows_of = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]])
    assert first.summary(rows_of)[0] == pytest.approx(second.summary(rows_of)[0], abs=1e-9)
    assert first.scale_summary("tau")[0] == pytest.approx(second.scale_summary("tau")[0], abs=1e-9)
    assert first.log_evidence() == pytest.approx(second.log_evidence(), abs=1e-8)


@settings(max_examples=20, deadline=None)
@given(designs=designs, seed=st.integers(0, 10_000), order=st.permutations([0, 1, 2]))
def test_order_of_arms_changes_no_gaussian_posterior(designs: list[str], seed: int, order: list[int]) -> None:
    """Whichever arm stands first, with a flat baseline the others are contrasted with the same information."""
    rows = simulate("normal", designs, EFFECTS, 0.3, seed)
    shuffled = []
    for _, group in groupby(rows, key=lambda row: row["study"]):
        members = list(group)
        shuffled += [members[k] for k in order if k < len(members)]
    first, second = (exact.posterior(network_data(table, ABC, "normal"), RANDOM) for table in (rows, shuffled))
    assert first.summary(np.eye(2))[0] == pytest.approx(second.summary(np.eye(2))[0], abs=1e-8)


@pytest.mark.parametrize("likelihood", ["binomial_logit", "poisson_log", "binomial_cloglog"])
def test_count_engine_agrees_with_the_contrast_engine_on_large_studies(likelihood: str) -> None:
    """With thousands of patients an arm the likelihood of counts is Gaussian on the link scale."""
    rows = simulate(likelihood, ["ab", "ac", "bc", "abc"], EFFECTS, 0.2, 3, Sizes(n=(4000, 5000)))
    contrasts = as_contrasts(rows, likelihood)
    scales = PriorScales(1.5, 1.0, 0, 10.0)
    counted = exact.posterior(network_data(rows, ABC, likelihood), scales)
    contrasted = exact.posterior(network_data(contrasts, ABC, "contrasts"), scales)
    assert counted.summary(np.eye(2))[0] == pytest.approx(contrasted.summary(np.eye(2))[0], abs=0.02)
    assert counted.scale_summary("tau")[0] == pytest.approx(contrasted.scale_summary("tau")[0], abs=0.02)


def as_contrasts(rows: Sequence[dict[str, str]], likelihood: str) -> list[dict[str, str]]:
    """Turn arms with counts into contrasts by the delta method."""
    result = []
    for _, group in groupby(rows, key=lambda row: row["study"]):
        members = list(group)
        (base, variance), *others = [_estimate(row, likelihood) for row in members]
        result += [
            contrast_row(r["study"], r["arm"], members[0]["arm"], y - base, float(np.sqrt(v + variance)), variance**0.5)
            for r, (y, v) in zip(members[1:], others, strict=True)
        ]
    return result


def _estimate(row: dict[str, str], likelihood: str) -> tuple[float, float]:
    events, n, time = int(row["events"]), int(row["n"]), float(row.get("time", "1"))
    if likelihood == "poisson_log":
        return float(np.log(events / time)), 1 / events
    p = events / n
    if likelihood == "binomial_logit":
        return float(np.log(p / (1 - p))), 1 / events + 1 / (n - events)
    hazard = -np.log1p(-p)
    return float(np.log(hazard / time)), p / (n * (1 - p) * hazard**2)


@pytest.mark.parametrize("likelihood", ["binomial_logit", "poisson_log", "binomial_cloglog"])
def test_mixed_networks_agree_with_pure_ones_on_large_studies(likelihood: str) -> None:
    """Replacing the counts of every other study by its contrasts changes next to nothing."""
    rows = simulate(likelihood, ["ab", "ac", "bc", "abc", "ab"], EFFECTS, 0.2, 4, Sizes(n=(4000, 5000)))
    contrasts = as_contrasts(rows, likelihood)
    mixed = [row for row in rows if row["study"] in ("study00", "study02", "study04")]
    mixed += [row for row in contrasts if row["study"] in ("study01", "study03")]
    scales = PriorScales(1.5, 1.0, 0, 10.0)
    first, second = (exact.posterior(network_data(table, ABC, likelihood), scales) for table in (rows, mixed))
    assert first.summary(np.eye(2))[0] == pytest.approx(second.summary(np.eye(2))[0], abs=0.02)
    assert first.scale_summary("tau")[0] == pytest.approx(second.scale_summary("tau")[0], abs=0.02)


def test_mixed_gaussian_networks_are_gaussian_networks() -> None:
    """Means in one study and contrasts in another: the posterior of either form, to the digit."""
    rows = simulate_mixed("normal", ["ab", "abc", "bc", "ac"], EFFECTS, 0.2, 7)
    whole = []
    for _, group in groupby(rows, key=lambda row: row["study"]):
        members = list(group)
        if "mean" in members[0]:
            base, other = members
            effect, se = float(other["mean"]) - float(base["mean"]), np.hypot(float(base["se"]), float(other["se"]))
            members = [contrast_row(base["study"], other["arm"], base["arm"], effect, float(se))]
        whole += members
    first = exact.posterior(network_data(rows, ABC, "normal"), RANDOM)
    second = exact.posterior(network_data(whole, ABC, "contrasts"), RANDOM)
    assert first.summary(np.eye(2))[0] == pytest.approx(second.summary(np.eye(2))[0], abs=1e-9)


TABLE = [("s1", 4, 20, 9, 22), ("s2", 0, 15, 3, 14)]


def test_count_posterior_against_brute_force() -> None:
    """Two studies of two treatments, one with a zero cell: integrate everything on dense grids, evidence included."""
    rows = [row for s, r0, n0, r1, n1 in TABLE for row in (arm_row(s, "a", r0, n0), arm_row(s, "b", r1, n1))]
    x, w = roots_hermitenorm(40)
    w = w / w.sum()
    mu = np.linspace(-9, 9, 181)
    betas, taus = np.linspace(-4, 6, 51), np.linspace(0, 4, 41)
    log_density = np.empty((len(taus), len(betas)))
    for t, tau in enumerate(taus):
        for b, beta in enumerate(betas):
            value = stats.norm(0, 1.5).logpdf(beta) + stats.halfnorm().logpdf(tau)
            for _, r0, n0, r1, n1 in TABLE:
                study = stats.norm(0, 2.5).logpdf(mu)
                for r, n, shift in ((r0, n0, -beta / 2), (r1, n1, beta / 2)):
                    eta = mu[:, None] + shift + tau / np.sqrt(2) * x
                    study = study + np.log(np.exp(r * log_expit(eta) + (n - r) * log_expit(-eta)) @ w)
                    study = study + stats.binom(n, 0.5).logpmf(r) + n * np.log(2)
                value += np.log(np.trapezoid(np.exp(study - study.max()), mu)) + study.max()
            log_density[t, b] = value
    weights = np.exp(log_density - log_density.max())
    weights[[0, -1]] /= 2
    evidence = log_density.max() + np.log(weights.sum() * 0.2 * 0.1)
    weights /= weights.sum()
    mean = weights.sum(axis=0) @ betas
    sd = np.sqrt(weights.sum(axis=0) @ (betas - mean) ** 2)
    grid = exact.posterior(network_data(rows, plain("ab"), "binomial_logit"), PriorScales(1.5, 1.0, 0, 2.5))
    summary, error = grid.summary(np.eye(1))
    assert summary[0, 0] == pytest.approx(mean, abs=max(3 * error[0, 0], 5e-3))
    assert summary[1, 0] == pytest.approx(sd, abs=max(3 * error[1, 0], 5e-3))
    assert grid.log_evidence() == pytest.approx(evidence, abs=5e-3)
    assert grid.scale_summary("tau")[0][0] == pytest.approx(weights.sum(axis=1) @ taus, abs=1e-2)


def test_classes_against_brute_force() -> None:
    """Two treatments of one class: their effects are normal around the class mean with variance omega^2."""
    rows = simulate("contrasts", ["ab", "ac", "bc"], EFFECTS, 0.1, 9)
    scales = PriorScales(effect=1.0, tau=0.0, omega=0.5, baseline=2.5)
    data = network_data(rows, ABC, "contrasts", effects=Effects(classes={"b": "x", "c": "x"}))
    assert data.predictor.names == ["class[x]", "departure[b]", "departure[c]"]
    effects, omegas = pairs(-3, 3, 161), np.linspace(0, 2.5, 101)[1:]
    likelihood = Gaussian(rows).log_likelihood(effects, 0.0)
    log_density = np.array(
        [
            likelihood
            + stats.multivariate_normal([0, 0], np.ones((2, 2)) + omega**2 * np.eye(2)).logpdf(effects)
            + stats.halfnorm(scale=0.5).logpdf(omega)
            for omega in omegas
        ]
    )
    weights = np.exp(log_density - log_density.max())
    weights /= weights.sum()
    mean = weights.sum(axis=0) @ effects
    sd = np.sqrt(weights.sum(axis=0) @ (effects - mean) ** 2)
    grid = exact.posterior(data, scales)
    summary, _ = grid.summary(data.predictor.effect_rows()[0, 1:])
    assert summary[0] == pytest.approx(mean, abs=5e-3)
    assert summary[1] == pytest.approx(sd, abs=5e-3)
    assert grid.scale_summary("omega")[0][0] == pytest.approx(weights.sum(axis=1) @ omegas, abs=1e-2)


def test_unrelated_effects_are_separate_analyses() -> None:
    """With fixed unrelated effects every pair is a meta-analysis of its own."""
    rows = simulate("contrasts", ["ab", "ac", "bc", "ab"], EFFECTS, 0.0, 11)
    data = network_data(rows, ABC, "contrasts", effects=Effects(unrelated=True))
    scales = PriorScales(1.5, 0, 0, 2.5)
    summary = exact.posterior(data, scales).summary(np.eye(3))[0]
    for k, pair in enumerate(("ba", "ca", "cb")):
        own = [row for row in rows if row["treatment_arm"] + row["comparator_arm"] == pair]
        weight = np.array([1 / float(row["se"]) ** 2 for row in own])
        precision = weight.sum() + 1 / 1.5**2
        mean = (weight * [float(row["effect"]) for row in own]).sum() / precision
        assert summary[:2, k] == pytest.approx([mean, precision**-0.5], abs=1e-9)


def test_splitting_separates_direct_from_indirect_evidence() -> None:
    """In a triangle of two-arm studies the direct effect is the study's own, the indirect one comes round the loop."""
    ab, ac, bc = (0.2, 0.2), (0.7, 0.3), (0.1, 0.25)
    rows = [contrast_row("s1", "b", "a", *ab), contrast_row("s2", "c", "a", *ac), contrast_row("s3", "c", "b", *bc)]
    data = network_data(rows, ABC, "contrasts", effects=Effects(split=("c", "a")))
    assert data.predictor.names == ["beta[b]", "beta[c]", "direct[c,a]"]
    summary = exact.posterior(data, PriorScales(100, 0, 0, 2.5)).summary(np.eye(3))[0]
    assert summary[0] == pytest.approx([ab[0], ab[0] + bc[0], ac[0]], abs=1e-3)
    assert summary[1] == pytest.approx([ab[1], np.hypot(ab[1], bc[1]), ac[1]], abs=1e-3)


def test_slope_of_a_covariate() -> None:
    """Precise studies at three values of a covariate give its line."""
    rows = [
        contrast_row(f"s{k}", "b", "a", 0.5 - 0.2 * (age - 60), 0.01, covariates=f"age:{age}")
        for k, age in enumerate((57, 60, 62))
    ]
    data = network_data(rows, plain("ab"), "contrasts", effects=Effects(slopes=(Slopes("age", 60.0),)))
    summary = exact.posterior(data, PriorScales(10, 0, 0, 2.5, slope=10)).summary(np.eye(2))[0]
    assert summary[0] == pytest.approx([0.5, -0.2], abs=1e-3)


def test_covariance_and_draws_agree_with_the_summary() -> None:
    """Three ways to the same posterior."""
    rows = simulate("contrasts", ["ab", "abc"], EFFECTS, 0.3, 5)
    grid = exact.posterior(network_data(rows, ABC, "contrasts"), PriorScales(1.0, 0.5, 0, 2.5))
    summary, _ = grid.summary(np.eye(2))
    assert np.sqrt(np.diag(grid.covariance())) == pytest.approx(summary[1], rel=1e-6)
    draws, tau, _ = grid.draws(40_000, 1)
    assert draws.mean(0) == pytest.approx(summary[0], abs=0.01)
    assert draws.std(0) == pytest.approx(summary[1], rel=0.02)
    assert tau.mean() == pytest.approx(grid.scale_summary("tau")[0][0], abs=0.01)


@pytest.mark.parametrize("effects", ["settings", "classes"])
@pytest.mark.parametrize("likelihood", ["contrasts", "binomial_logit"])
def test_draws_of_departures_agree_with_the_summary(likelihood: str, effects: str) -> None:
    """Departures, tau and omega drawn together."""
    case = CASES[effects]
    rng = np.random.default_rng(3)
    truth = case.draw_truth(likelihood, rng)
    data = case.data(redraw(case.layout(likelihood, rng), likelihood, case.model, truth, rng), likelihood)
    grid = exact.posterior(data, case.scales)
    summary, error = grid.summary(np.eye(data.n_coefficients))
    draws, tau, omega = grid.draws(40_000, 1)
    assert draws.mean(axis=0) == pytest.approx(summary[0], abs=0.02)
    assert draws.std(axis=0) == pytest.approx(summary[1], rel=0.05)
    for name, values in (("tau", tau), ("omega", omega)):
        assert values.mean() == pytest.approx(grid.scale_summary(name)[0][0], abs=0.02)
    assert error[:2].max() < 0.15


@settings(max_examples=25, deadline=None)
@given(designs=designs, seed=st.integers(0, 10_000))
def test_order_of_studies_changes_nothing(designs: list[str], seed: int) -> None:
    """Permuting studies leaves the posterior as it was."""
    rows = simulate("contrasts", designs, EFFECTS, 0.3, seed)
    studies = list(dict.fromkeys(r["study"] for r in rows))
    shuffled = [r for s in reversed(studies) for r in rows if r["study"] == s]
    first, second = (exact.posterior(network_data(table, ABC, "contrasts"), RANDOM) for table in (rows, shuffled))
    assert first.summary(np.eye(2))[0] == pytest.approx(second.summary(np.eye(2))[0], abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(designs=designs, seed=st.integers(0, 10_000))
def test_swapping_treatment_and_comparator_flips_the_sign_only(designs: list[str], seed: int) -> None:
    """A contrast b against a of y is a contrast a against b of -y."""
    rows = simulate("contrasts", [design[:2] for design in designs], EFFECTS, 0.3, seed)
    swapped = [
        contrast_row(r["study"], r["comparator_arm"], r["treatment_arm"], -float(r["effect"]), float(r["se"]))
        for r in rows
    ]
    first, second = (exact.posterior(network_data(table, ABC, "contrasts"), RANDOM) for table in (rows, swapped))
    assert first.summary(np.eye(2))[0] == pytest.approx(second.summary(np.eye(2))[0], abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_reference_does_not_matter_with_flat_priors(seed: int) -> None:
    """On a connected plain network with flat effect priors no relative effect depends on the reference."""
    rows = simulate("contrasts", ["ab", "abc", "bc"], EFFECTS, 0.3, seed)
    scales = PriorScales(100.0, 0.5, 0, 2.5)
    first = exact.posterior(network_data(rows, ABC, "contrasts"), scales).summary(np.array([[1.0, 0.0], [1.0, -1.0]]))[
        0
    ]
    other = network_data(rows, plain("abc", reference="c"), "contrasts")
    # against c the coefficients are (a, b): b - a is (-1, 1), b - c is (0, 1)
    second = exact.posterior(other, scales).summary(np.array([[-1.0, 1.0], [0.0, 1.0]]))[0]
    assert first == pytest.approx(second, abs=2e-4)


@pytest.mark.parametrize("link", ["ordered_logit", "ordered_probit"])
def test_ordered_engine_against_brute_force(link: str) -> None:
    """One study, fixed effect, three categories: effect, cutpoint and evidence on a dense grid."""
    counts = {"a": (12, 9, 5), "b": (5, 8, 14)}
    rows = [arm_row("s", t, categories=f"x:{x} y:{y} z:{z}") for t, (x, y, z) in counts.items()]
    cdf = expit if link == "ordered_logit" else stats.norm.cdf
    mu = np.linspace(-4, 4, 81)[:, None, None]
    beta, log_distance = np.linspace(-4, 5, 91)[:, None], np.linspace(-2.5, 2.5, 101)
    total = stats.norm(0, 2.5).logpdf(mu) + stats.norm(0, 1.5).logpdf(beta) + stats.norm(0, 1.5).logpdf(log_distance)
    for sign, (x, y, z) in ((-0.5, counts["a"]), (0.5, counts["b"])):
        eta = mu + sign * beta
        first, second = cdf(eta), cdf(eta - np.exp(log_distance))
        total = total + x * np.log1p(-first) + y * np.log(first - second) + z * np.log(second)
        total = total + stats.multinomial(x + y + z, [1 / 3] * 3).logpmf([x, y, z]) + (x + y + z) * np.log(3)
    weights = np.exp(total - total.max())
    evidence = total.max() + np.log(weights.sum() * 0.1 * 0.1 * 0.05)
    weights /= weights.sum()
    by_beta, by_distance = weights.sum(axis=(0, 2)), weights.sum(axis=(0, 1))
    data = network_data(rows, plain("ab"), link)
    grid = exact.posterior(data, PriorScales(1.5, 0, 0, 2.5))
    summary, error = grid.summary(np.eye(2))
    expected = np.array([by_beta @ beta[:, 0], by_distance @ log_distance])
    assert summary[0] == pytest.approx(expected, abs=max(4 * error[0].max(), 5e-3))
    spread = [by_beta @ (beta[:, 0] - expected[0]) ** 2, by_distance @ (log_distance - expected[1]) ** 2]
    assert summary[1] == pytest.approx(np.sqrt(spread), abs=max(4 * error[1].max(), 5e-3))
    assert grid.log_evidence() == pytest.approx(evidence, abs=1e-2)
