"""Ranks, SUCRA, POTH, relative effects: hand-computed values and invariants."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import ndtr
from secondline.inference.joint_posterior import JointPosterior
from secondline.inference.priors import PriorScales
from secondline.inference.widening import Covariances
from secondline.likelihoods import COUNT_LIKELIHOODS
from secondline.network.arms import Arm
from secondline.network.predictor import Effects, Predictor
from secondline.network.structure import Structure
from secondline.sd_priors import HalfNormal
from secondline.summaries.heterogeneity import overlap, summarise_heterogeneity
from secondline.summaries.hierarchy import Comparison, Hierarchy
from secondline.summaries.league_table import league_table, paired_league_table
from secondline.summaries.mixed_arm_error import marginal_effect, marginal_log_hazard_ratio
from secondline.summaries.posterior import Posterior
from secondline.summaries.rank_statistics import poth, ranks
from secondline.summaries.ranking import rank_treatments
from secondline.summaries.relative_effects import relative_effects
from secondline.summaries.settings import SummarySettings

from tests.networks import plain
from tests.settings import summary

ABC = plain(["a", "b", "c"])
ARMS = [
    Arm("s1", "t", {"b": 10}, {}, 10),
    Arm("s1", "c", {"a": 10}, {}, 10),
    Arm("s2", "t", {"c": 10}, {}, 10),
    Arm("s2", "c", {"a": 9}, {}, 9),
]


def settings(better: str, **changes: Any) -> SummarySettings:
    """Summary settings of an outcome."""
    margin = 0.8 if better == "lower" else 1.25
    return summary(**{"better": better, "margin": margin, "not_candidates": {"overall": ("c",)}, **changes})


def posterior_with(
    coefficients: np.ndarray,
    rows: np.ndarray,
    prior_sd: float,
    tau: np.ndarray | None = None,
    omega: np.ndarray | None = None,
    **known: Any,
) -> Posterior:
    """Posterior of a converged fit without tau, omega and settings, by its draws, but for what is known of it."""
    usual = {"varies_by_setting": False, "converged": True, "densities": {}, "engine": "sampled"}
    sds, joint = np.full(rows.shape[-1], prior_sd), JointPosterior.of_draws(coefficients, tau, omega)
    drawn = {"joint": joint, "draws": coefficients[None]}
    return Posterior(effect_rows=rows, prior_sd=sds, **{**usual, **drawn, **known})


def posterior(effects: np.ndarray, tau: np.ndarray | None = None) -> Posterior:
    """Posterior with given draws of b and c against a."""
    covariance = np.cov(effects.T)
    scales = PriorScales(1.5, 0.5 if tau is not None else 0.0, 0.0, 2.5)
    rows = np.concatenate([np.zeros((1, 2)), np.eye(2)])[None]
    covariances = Covariances.without_error({"fitted": covariance, "effect_doubled": covariance * 1.05})
    return posterior_with(effects, rows, 1.5, tau=tau, scales=scales, covariances=covariances)


NORMAL = np.random.default_rng(0).normal([-1.0, 0.5], [0.2, 0.3], (4000, 2))


def test_ranks_by_hand() -> None:
    """Lower is better: the smallest log hazard ratio comes first; higher is better: the largest."""
    effects = np.array([[0.0, -1.0, 1.0], [0.0, 1.0, 2.0]])
    assert ranks(effects, "lower").tolist() == [[2, 1, 3], [1, 2, 3]]
    assert ranks(effects, "higher").tolist() == [[2, 3, 1], [3, 2, 1]]


def test_ties_favour_nobody() -> None:
    """Two of one effect, as members of a class are where omega is 0, are each first in half of the draws."""
    by_draw = ranks(np.repeat([[0.5, 0.5, -1.0]], 4000, axis=0), "higher")
    assert set(by_draw[:, 2]) == {3}
    assert np.mean(by_draw[:, 0] == 1) == pytest.approx(0.5, abs=0.03)
    assert np.array_equal(by_draw[:, 0], 3 - by_draw[:, 1])
    gains = np.array([[-1.0, 0.0], [0.0, 0.0], [0.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
    p_better = Comparison.of(JointPosterior.of_draws(gains), np.eye(2), "higher").p_better
    assert p_better.tolist() == [[0.5, pytest.approx(0.6)], [pytest.approx(0.4), 0.5]]


def test_sucra_and_poth_by_hand() -> None:
    """SUCRA 1, 1/2, 0 of a certain hierarchy has POTH 1; equal SUCRAs have POTH 0."""
    assert everybody(np.array([[0.3, 0.2, 0.1]]), "higher").sucra == pytest.approx([1.0, 0.5, 0.0])
    assert everybody(np.array([[0.3]]), "higher").sucra.tolist() == [1.0]
    assert poth(np.array([1.0, 0.5, 0.0])) == pytest.approx(1.0)
    assert poth(np.array([0.5, 0.5, 0.5])) == 0.0


draws = arrays(float, st.tuples(st.integers(1, 30), st.integers(2, 6)), elements=st.floats(-5, 5), unique=True)


def everybody(effects: np.ndarray, better: str) -> Hierarchy:
    """Hierarchy of draws, (draws, treatments)."""
    n = effects.shape[1]
    return Comparison.of(JointPosterior.of_draws(effects), np.eye(n), better).among(range(n))


@given(draws)
def test_ranks_are_permutations_and_directions_mirror(effects: np.ndarray) -> None:
    """Every draw ranks each treatment once; the other direction reverses the ranks; SUCRAs average one half."""
    n = effects.shape[1]
    by_draw = ranks(effects, "lower")
    assert (np.sort(by_draw, axis=1) == np.arange(1, n + 1)).all()
    assert (ranks(effects, "higher") == n + 1 - by_draw).all()
    found = everybody(effects, "lower")
    if len(np.unique(np.round(effects, 6))) == effects.size:
        assert found.mean_rank == pytest.approx(by_draw.mean(axis=0))
    assert found.sucra.mean() == pytest.approx(0.5)
    assert -1e-9 <= poth(found.sucra) <= 1 + 1e-9


@given(draws, st.floats(-3, 3))
def test_ranks_do_not_depend_on_the_reference(effects: np.ndarray, shift: float) -> None:
    """Adding one number to every effect of a draw, as another reference would, changes no rank."""
    rounded = np.round(effects, 6)
    if len(np.unique(rounded)) == rounded.size:
        assert (ranks(rounded + round(shift, 2), "lower") == ranks(rounded, "lower")).all()


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_obvious_winner(better: str) -> None:
    """B is far lower than the rest: best where lower is better, worst where higher is."""
    relative = relative_effects(posterior(NORMAL), ARMS, ABC, settings(better))
    ranking, probabilities = rank_treatments(posterior(NORMAL), ARMS, ABC, settings(better), relative)
    rows = {row["treatment"]: row for row in ranking}
    winner, loser = ("b", "c") if better == "lower" else ("c", "b")
    assert rows[winner]["p_best"] > 0.9
    assert rows[loser]["p_best"] < 0.1
    assert rows[winner]["sucra"] > rows["a"]["sucra"] > rows[loser]["sucra"]
    assert [rows[t]["candidate"] for t in "abc"] == [True, True, False]
    assert rows["a"]["evidence"] == "reference"
    cells = {(r["treatment"], r["comparator"]): r for r in relative}
    assert cells[winner, loser]["p_better"] > 0.99
    assert cells[loser, winner]["p_better"] < 0.01
    assert cells[winner, loser]["p_margin"] > 0.9
    for treatment in "abc":
        assert sum(p["probability"] for p in probabilities if p["treatment"] == treatment) == pytest.approx(1)


def test_relative_effects_are_antisymmetric() -> None:
    """T against c is c against t with the sign flipped, and probabilities add up to 1."""
    relative = relative_effects(posterior(NORMAL), ARMS, ABC, settings("lower"))
    cells = {(r["treatment"], r["comparator"]): r for r in relative}
    assert len(relative) == 6
    for (t, c), row in cells.items():
        other = cells[c, t]
        assert row["mean"] == pytest.approx(-other["mean"])
        assert row["lower"] == pytest.approx(-other["upper"])
        assert row["estimate"] == pytest.approx(1 / other["estimate"])
        assert row["p_better"] + other["p_better"] == pytest.approx(1)
        assert row["evidence"] == other["evidence"]


def test_evidence_follows_structure_and_prior() -> None:
    """Direct and indirect by structure; prior-driven once doubling the prior widens the effect by more than a fifth."""
    base = posterior(NORMAL)
    labels = {
        (r["treatment"], r["comparator"]): r["evidence"] for r in relative_effects(base, ARMS, ABC, settings("lower"))
    }
    assert labels["b", "a"] == "direct"
    assert labels["b", "c"] == "indirect"
    fitted = base.covariances.pooled["fitted"]
    wide = {"fitted": fitted, "effect_doubled": fitted, "tau_doubled": fitted * 1.21**2}
    driven = replace(base, covariances=Covariances.without_error(wide))
    assert {r["evidence"] for r in relative_effects(driven, ARMS, ABC, settings("lower"))} == {"prior_driven"}


def test_predictive_interval_by_hand() -> None:
    """A point effect with a known tau predicts N(effect, tau^2); a fixed model predicts nothing."""
    random = relative_effects(posterior(NORMAL, tau=np.full(4000, 0.4)), ARMS, ABC, settings("lower"))
    row = next(r for r in random if (r["treatment"], r["comparator"]) == ("b", "a"))
    assert row["predictive_upper"] - row["predictive_lower"] == pytest.approx(2 * 1.96 * np.hypot(0.2, 0.4), rel=0.03)
    fixed = relative_effects(posterior(NORMAL), ARMS, ABC, settings("lower"))
    assert fixed[0]["predictive_lower"] is None


@given(st.integers(0, 10_000), st.floats(0.0, 1.5), st.floats(0.05, 2.0))
def test_predictive_limits_are_quantiles(seed: int, tau: float, spread: float) -> None:
    """The mixture's distribution function at the limits is 2.5% and 97.5%, whatever the mixture."""
    rng = np.random.default_rng(seed)
    means, taus = rng.normal(0.3, spread, 300), np.abs(rng.normal(0, tau + 0.01, 300)) + 1e-3
    new = JointPosterior.of_draws(means[:, None], tau=taus).predictive(np.eye(1), np.zeros(1))
    lower, upper = new.quantiles(np.array([0.025, 0.975]))[:, 0]
    assert ndtr((lower - means) / taus).mean() == pytest.approx(0.025, abs=1e-6)
    assert ndtr((upper - means) / taus).mean() == pytest.approx(0.975, abs=1e-6)


def test_contraction() -> None:
    """1 - (posterior sd / prior sd)^2."""
    row = relative_effects(posterior(NORMAL), ARMS, ABC, settings("lower"))[0]
    sd = np.std(NORMAL[:, 0], ddof=1)
    cells = {
        (r["treatment"], r["comparator"]): r for r in relative_effects(posterior(NORMAL), ARMS, ABC, settings("lower"))
    }
    assert cells["b", "a"]["contraction"] == pytest.approx(1 - (sd / 1.5) ** 2)
    assert row["prior_sensitivity"] == pytest.approx(np.sqrt(1.05) - 1)


def test_league_table_is_square() -> None:
    """Every treatment against every other, empty on the diagonal."""
    rows, columns = league_table(relative_effects(posterior(NORMAL), ARMS, ABC, settings("lower")))
    assert columns == ["setting", "treatment", "a", "b", "c", "interval", "engine"]
    assert [row[row["treatment"]] for row in rows] == ["", "", ""]
    assert rows[1]["a"].startswith("0.37 (")


def test_two_outcomes_share_a_league_table() -> None:
    """By hand: below the diagonal the first outcome, above it the second, in both row against column."""

    def effects(outcome: dict[tuple[str, str], float]) -> list[dict]:
        engine = "exact" if len(outcome) > 1 else "sampled"
        common = {"setting": "overall", "interval": "95%", "engine": engine, "converged": "true"}
        ends = {"estimate_lower": "0.1", "estimate_upper": "9"}
        rows = [(t, c, value) for (t, c), value in outcome.items()]
        rows += [(c, t, 1 / value) for (t, c), value in outcome.items()]
        return [{**common, **ends, "treatment": t, "comparator": c, "estimate": str(v)} for t, c, v in rows]

    relative = {"x": effects({("b", "a"): 0.5, ("c", "a"): 0.25, ("c", "b"): 0.2}), "y": effects({("b", "a"): 4.0})}
    rows, columns = paired_league_table(relative, [("x", "y"), ("y", "x")], ["a", "b", "c", "never"])
    assert columns == ["below", "above", "setting", "treatment", "a", "b", "c", "interval", "engine", "converged"]
    assert {row["below"]: row["engine"] for row in rows} == {"x": "exact sampled", "y": "sampled exact"}
    shown = [[row[name].split(" ")[0] for name in "abc"] for row in rows]
    assert shown[:3] == [["", "0.25", ""], ["0.50", "", ""], ["0.25", "0.20", ""]]
    assert shown[3:] == [["", "2.00", "4.00"], ["4.00", "", "5.00"], ["", "", ""]]
    assert {(row["below"], row["above"]) for row in rows[:3]} == {("x", "y")}
    assert all(row["converged"] for row in rows)
    failed = {**relative, "y": [{**row, "converged": "false"} for row in relative["y"]]}
    assert not any(row["converged"] for row in paired_league_table(failed, [("x", "y")], ["a", "b"])[0])
    assert paired_league_table({}, [], ["a"])[0] == []


def test_overlap_of_prior_and_posterior() -> None:
    """Equal densities overlap wholly; disjoint ones not at all."""
    x = np.linspace(0, 5, 2001)
    prior = HalfNormal(0.5).density(x)
    assert overlap(x, prior, prior) == pytest.approx(1, abs=1e-4)
    base = posterior(NORMAL, tau=np.abs(np.random.default_rng(1).normal(size=4000)) * 0.5)
    learned = replace(base, densities={"tau": (x, prior)})
    row = summarise_heterogeneity(learned)[0]
    assert row["prior_overlap"] == pytest.approx(1, abs=1e-4)
    assert row["prior"] == "half-normal(0.5)"
    assert summarise_heterogeneity(posterior(NORMAL)) == []


def cox(time: np.ndarray, treated: np.ndarray) -> float:
    """Cox log hazard ratio of a binary covariate without censoring, by Newton's method."""
    x = treated[np.argsort(time)].astype(float)
    beta = 0.0
    for _ in range(20):
        risk = np.exp(beta * x)
        share = np.cumsum((risk * x)[::-1])[::-1] / np.cumsum(risk[::-1])[::-1]
        beta += (x - share).sum() / (share * (1 - share)).sum()
    return beta


def test_marginal_hazard_ratio_against_simulated_trials() -> None:
    """Half of the treated on a drug with a third of the hazard: what a Cox model finds in 400,000 patients."""
    theta = np.array([0.0, -1.1])
    rng = np.random.default_rng(4)
    n = 200_000
    better = rng.random(n) < 0.5
    time = np.concatenate([rng.exponential(1 / np.where(better, np.exp(-1.1), 1.0)), rng.exponential(1.0, n)])
    found = cox(time, np.repeat([True, False], n))
    expected = marginal_log_hazard_ratio(np.array([0.5, 0.5]), np.array([1.0, 0.0]), theta, 0.5)
    assert expected == pytest.approx(found, abs=0.01)
    assert abs(expected + 0.55) > 0.03  # the weighted mean of the log effects is something else


def test_marginal_effects_of_pure_arms_are_the_linear_ones() -> None:
    """Without a mixture there is no error; odds ratios of mixtures come from averaged probabilities."""
    theta = np.array([0.0, -1.0])
    a, b, half = np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([0.5, 0.5])
    assert marginal_log_hazard_ratio(b, a, theta, 0.4) == pytest.approx(-1.0, abs=1e-3)
    logit = COUNT_LIKELIHOODS["binomial_logit"].link
    assert marginal_effect(logit, b, a, theta, 0.3) == pytest.approx(-1.0)
    p = (1 / (1 + np.exp(0.0)) + 1 / (1 + np.exp(1.0))) / 2
    assert marginal_effect(logit, half, a, theta, 0.0) == pytest.approx(np.log(p / (1 - p)))


@pytest.mark.parametrize("name", COUNT_LIKELIHOODS)
@given(x=st.floats(-4, 1.5))
def test_links_and_their_inverses(name: str, x: float) -> None:
    """A linear predictor survives its link, for every likelihood of counts; pure arms have no mixture error."""
    link = COUNT_LIKELIHOODS[name].link
    assert link.link(link.inverse(x)) == pytest.approx(x, abs=1e-8)
    a, b = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert marginal_effect(link, b, a, np.array([0.0, 0.7]), x) == pytest.approx(0.7, abs=1e-7)


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_differences_are_on_their_own_scale(better: str) -> None:
    """Mean differences: estimates are not exponentiated, and the margin is a difference."""
    margin = -0.5 if better == "lower" else 0.2
    chosen = settings(better, measure="MD", ratio=False, margin=margin)
    cells = {(r["treatment"], r["comparator"]): r for r in relative_effects(posterior(NORMAL), ARMS, ABC, chosen)}
    for row in cells.values():
        assert (row["estimate"], row["estimate_lower"]) == (row["median"], row["lower"])
        assert row["measure"] == "MD"
    sign = -1 if better == "lower" else 1
    for name, column in (("b", 0), ("c", 1)):
        assert cells[name, "a"]["p_better"] == pytest.approx(np.mean(sign * NORMAL[:, column] > 0))
        assert cells[name, "a"]["p_margin"] == pytest.approx(np.mean(sign * (NORMAL[:, column] - margin) > 0))


def by_setting(omega: float) -> tuple[Posterior, Structure]:
    """Posterior of a model with settings, a point effect of b and c and known tau and omega."""
    structure = plain("abc", settings=("s", "t"))
    rows = Predictor.build(structure, Effects(settings=True), []).effect_rows()
    coefficients = np.tile([-0.3, 0.4, 0.2, 0.0, -0.2, 0.0], (500, 1))
    names = ("fitted", "effect_doubled", "omega_doubled")
    covariances = Covariances.without_error({name: np.eye(6) * 1e-4 for name in names})
    scales = PriorScales(1.5, 0.5, 0.25, 2.5)
    known = {"tau": np.full(500, 0.1), "omega": np.full(500, omega), "scales": scales, "covariances": covariances}
    return posterior_with(coefficients, rows, 1.5, varies_by_setting=True, **known), structure


def test_effects_and_predictions_by_setting() -> None:
    """Effects differ by setting; overall, a new study is of a new setting: omega^2 for every component that differs."""
    found, structure = by_setting(0.4)
    arms = [replace(arm, settings={"s": 5, "t": 5}) for arm in ARMS]
    chosen = settings("lower", not_candidates={})
    rows = {
        (r["setting"], r["treatment"], r["comparator"]): r for r in relative_effects(found, arms, structure, chosen)
    }
    assert [rows[name, "b", "a"]["mean"] for name in ("overall", "s", "t")] == pytest.approx([-0.3, -0.1, -0.5])

    def width(name: str, treatment: str, comparator: str) -> float:
        row = rows[name, treatment, comparator]
        return (row["predictive_upper"] - row["predictive_lower"]) / (2 * 1.959964)

    assert width("s", "b", "a") == pytest.approx(0.1, rel=1e-4)
    assert width("overall", "b", "a") == pytest.approx(np.hypot(0.1, 0.4), rel=1e-4)
    assert width("overall", "b", "c") == pytest.approx(np.sqrt(0.01 + 2 * 0.16), rel=1e-4)


def test_departures_within_classes_are_no_new_settings() -> None:
    """The omega of classes does not widen the prediction for a new study of the same treatments."""
    found, structure = by_setting(0.4)
    classes = replace(found, varies_by_setting=False)
    row = relative_effects(classes, ARMS, structure, settings("lower"))[0]
    assert (row["predictive_upper"] - row["predictive_lower"]) / (2 * 1.959964) == pytest.approx(0.1, rel=1e-4)
