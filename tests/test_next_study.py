"""The value of the next study: closed forms, and simulated studies that are fitted one by one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import secondline as sl
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from secondline.doubt.next_study import COLUMNS, NO_PRECISION, NOT_RANKED, Situation, next_studies
from secondline.doubt.preposterior import Foreseen, Knowledge
from secondline.doubt.settings import NextStudySettings
from secondline.doubt.study_sizes import EVENTS, PATIENTS, Precision, information_of, size_unit
from secondline.errors import UserError
from secondline.inference import exact
from secondline.inference.exact import Effort
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import solve
from secondline.inference.task import Fit
from secondline.inference.widening import prior_covariances
from secondline.links import LOGIT, PROBIT
from secondline.measures import MEASURES
from secondline.network.data import network_data
from secondline.network.predictor import Effects
from secondline.network.structure import Floats, Structure
from secondline.project.read import read_project
from secondline.report.prose.next_study import next_study_sentences
from secondline.report.settings import Labels
from secondline.report.words import Names
from secondline.summaries.settings import BaselineSettings
from secondline.tables import read_back

from tests.networks import ABC, Sizes, arm_row, contrast_row, plain, simulate
from tests.settings import summary
from tests.workflow.small import CONFIG, write_small

DECISIVE = 0.8
FIXED, RANDOM = PriorScales(1.5, 0.0, 0.0, 2.5), PriorScales(1.5, 0.5, 0.0, 2.5)
TRIALS = [
    contrast_row("s1", "b", "a", -0.5, 0.25),
    contrast_row("s2", "c", "a", -0.3, 0.30),
    contrast_row("s3", "c", "a", -0.6, 0.35),
    contrast_row("s4", "b", "a", -0.2, 0.40),
    contrast_row("s5", "b", "c", 0.1, 0.30),
    contrast_row("s6", "c", "a", -0.4, 0.30),
]
STAR = [
    contrast_row("s1", "b", "a", 0.4, 0.2),
    contrast_row("s2", "c", "a", 0.5, 0.3),
    contrast_row("s3", "d", "a", 0.2, 0.3),
    contrast_row("s4", "d", "b", 0.3, 0.4),
    contrast_row("s5", "b", "a", 0.1, 0.3),
]


def normal_density(z: float) -> float:
    """Density of a standard normal."""
    return float(np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))


def one_point(means: list[float], covariance: Floats, tau: float = 0.0) -> Knowledge:
    """Knowledge given one tau."""
    return Knowledge(
        weights=np.ones(1), tau=np.array([tau]), means=np.array(means)[None], covariances=np.array(covariance)[None]
    )


def foreseen(
    knowledge: Knowledge, utilities: Floats, contrast: Floats, variance: float, decisive: float = 0.95
) -> Foreseen:
    """Foresee one study."""
    beliefs = knowledge.about(utilities)
    return knowledge.study(beliefs, utilities, contrast, variance).foresee(decisive)


def test_two_treatments_at_a_known_tau_are_the_textbook() -> None:
    """EVSI of a normal mean: s phi(m / s) - |m| Phi(-|m| / s), s^2 what the study takes from the variance."""
    mean, sd, tau, variance = 0.2, 0.3, 0.1, 0.04
    s = sd**2 / np.sqrt(sd**2 + variance + tau**2)
    utilities, contrast = np.array([[0.0], [1.0]]), np.ones(1)
    knowledge = one_point([mean], np.array([[sd**2]]), tau)
    found = foreseen(knowledge, utilities, contrast, variance)
    assert found.loss_avoided == pytest.approx(s * normal_density(mean / s) - mean * ndtr(-mean / s), rel=1e-9)
    assert found.p_change == pytest.approx(ndtr(-mean / s), rel=1e-9)
    left, z = np.sqrt(sd**2 - s**2), 1.6448536269514722
    assert found.p_decisive == pytest.approx(ndtr((mean - z * left) / s) + ndtr((-mean - z * left) / s), rel=1e-8)
    now = knowledge.about(utilities)
    assert now.expected_loss() == pytest.approx(sd * normal_density(mean / sd) - mean * ndtr(-mean / sd), rel=1e-12)
    assert foreseen(one_point([mean], np.array([[sd**2]])), utilities, contrast, 1e-12).loss_avoided == pytest.approx(
        now.expected_loss(), rel=1e-6
    )


def test_three_treatments_are_the_maximum_of_lines() -> None:
    """Known tau: means 0, 0.1 and -0.1 that move by 0.3, -0.2 and 0.6 of a normal deviate, integrated numerically."""
    means, moves, variance = np.array([0.0, 0.1, -0.1]), np.array([0.3, -0.2, 0.6]), 0.05
    contrast = np.array([1.0, 0.0, 0.0])
    spread = moves[0] / 2 + np.sqrt(moves[0] ** 2 / 4 + variance)  # C_11 = spread * 0.3 and spread^2 = C_11 + variance
    covariance = np.diag([0.0, 1.0, 1.0])
    covariance[0] = covariance[:, 0] = spread * moves
    knowledge = one_point(list(means), covariance)
    z = np.linspace(-10, 10, 2_000_001)
    lines = means + moves * z[:, None]
    expected = np.trapezoid(lines.max(axis=1) * np.exp(-(z**2) / 2), z) / np.sqrt(2 * np.pi) - 0.1
    found = foreseen(knowledge, np.eye(3), contrast, variance)
    assert found.loss_avoided == pytest.approx(expected, rel=1e-7)
    # the first is above the second from z = 0.2 on, the third from z = 0.25
    assert found.p_change == pytest.approx(ndtr(-0.2), rel=1e-8)


def test_a_study_that_says_nothing_about_the_decision_changes_nothing() -> None:
    """Known tau: the contrast is independent of both candidates, so that nothing moves; exactly 0."""
    knowledge = one_point([0.1, 0.2, 0.0], np.diag([0.1, 0.2, 0.3]), 0.2)
    found = foreseen(knowledge, np.eye(3)[:2], np.array([0.0, 0.0, 1.0]), 0.01, decisive=0.5)
    assert (found.p_change, found.loss_avoided) == (0.0, 0.0)
    assert found.p_decisive == pytest.approx(1.0)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), points=st.sampled_from([1, 4]))
def test_a_larger_study_avoids_more_and_never_more_than_there_is(seed: int, points: int) -> None:
    """Any mixture: the avoided loss grows with the size, and is at most the expected loss."""
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(points, 3, 3))
    knowledge = Knowledge(
        weights=rng.dirichlet(np.ones(points)),
        tau=np.abs(rng.normal(size=points)),
        means=rng.normal(size=(points, 3)) * 0.5,
        covariances=roots @ roots.transpose(0, 2, 1),
    )
    utilities, contrast = rng.normal(size=(3, 3)), rng.normal(size=3)
    avoided = [foreseen(knowledge, utilities, contrast, variance).loss_avoided for variance in (1.0, 0.3, 0.1, 0.01)]
    assert avoided[0] >= 0
    assert (np.diff(avoided) >= -1e-10).all()
    assert avoided[-1] <= knowledge.about(utilities).expected_loss() + 2e-3


def situation_of(
    rows: list[dict[str, str]],
    structure: Structure,
    scales: PriorScales,
    likelihood: str = "contrasts",
    effects: Effects | None = None,
    **more: object,
) -> Situation:
    """Solve a network."""
    fit = Fit(network_data(rows, structure, likelihood, effects), scales)
    posterior = solve(fit.data, fit.scales).posterior
    assert posterior is not None
    covariances = prior_covariances(fit.data, fit.scales, posterior, decide=False)
    assert covariances is not None
    asked = summary(likelihood=likelihood, **more)  # pyright: ignore
    return Situation(
        fit=fit,
        rows=rows,
        posterior=posterior,
        covariances=covariances,
        likelihood=likelihood,
        settings=asked,
        baselines=asked.baselines,
    )


def simulated(
    rows: list[dict[str, str]], structure: Structure, sign: float, pair: tuple[str, str], variance: float, n: int
) -> tuple[Floats, Floats]:
    """Draw the truth n times, do the study, fit the network with it: what it did, (n, 3), means and their errors."""
    data = network_data(rows, structure, "contrasts")
    before = exact.posterior(data, RANDOM)
    utilities = sign * data.predictor.effect_rows()[0]
    now = int((utilities @ before.mixture(np.eye(data.n_coefficients)).mean()).argmax())
    truth, tau, _ = before.draws(n, 7)
    noise = np.random.default_rng(8).standard_normal(n)
    at = [structure.regimens.index(name) for name in pair]
    row = data.predictor.effect_rows()[0][at[0]] - data.predictor.effect_rows()[0][at[1]]
    results = truth @ row + noise * np.sqrt(variance + tau**2)
    did = []
    for y in results:
        again = network_data([*rows, contrast_row("new", *pair, y, np.sqrt(variance))], structure, "contrasts")
        after = exact.posterior(again, RANDOM, Effort(25, 1, 1))
        mean = utilities @ after.mixture(np.eye(data.n_coefficients)).mean()
        first, second = np.argsort(-mean, kind="stable")[:2]
        p_better = 1 - after.mixture((utilities[first] - utilities[second])[None]).cdf(np.zeros(1))[0]
        did.append([first != now, mean[first] - mean[now], p_better > DECISIVE])
    found = np.array(did, float)
    return found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(n)


NETWORKS = [(TRIALS, ABC, "lower", ("b", "c"), 100), (STAR, plain("abcd"), "higher", ("c", "a"), 150)]


def compare_with_simulation(n: int, which: int) -> None:
    """Compare everything foreseen with n simulated studies."""
    rows, structure, better, pair, size = NETWORKS[which]
    asked = NextStudySettings(sizes=(size,), decisive=DECISIVE)
    found = next_studies(situation_of(rows, structure, RANDOM, better=better), asked)
    ends = {pair, pair[::-1]}
    row = next(row for row in found if (row["treatment"], row["comparator"]) in ends)
    mean, error = simulated(rows, structure, 1.0 if better == "higher" else -1.0, pair, 4 / size, n)
    assert row["loss_avoided"] > 0.001
    assert (np.abs(np.array([row["p_change"], row["loss_avoided"], row["p_decisive"]]) - mean) < 4 * error).all()


@pytest.mark.parametrize("which", [0, 1])
def test_a_few_simulated_studies_agree(which: int) -> None:
    """400 studies, fitted one by one."""
    compare_with_simulation(400, which)


@pytest.mark.slow
@pytest.mark.parametrize("which", [0, 1])
def test_ten_thousand_simulated_studies_agree(which: int) -> None:
    """Within Monte Carlo error, on two networks."""
    compare_with_simulation(10_000, which)


@pytest.mark.parametrize(
    ("measure", "unit", "variance"),
    [("HR", EVENTS, 0.04), ("IRR", EVENTS, 0.04), ("RR", EVENTS, 0.04), ("SMD", PATIENTS, 0.02)],
)
def test_variances_by_size_alone(measure: str, unit: str, variance: float) -> None:
    """100 events, or 100 patients in each arm."""
    assert size_unit(measure) == unit
    assert Precision(measure=measure).variance(100) == pytest.approx(variance)


def test_variances_that_depend_on_what_was_observed() -> None:
    """Risks declared or observed, categories, standard deviations; None without any."""
    assert Precision(measure="OR").variance(100) is None
    assert Precision(measure="MD").variance(100) is None
    assert Precision(measure="OR").variance(100, (0.2, 0.5)) == pytest.approx(1 / 16 + 1 / 25)
    rows = [arm_row("s1", "a", 10, 100), arm_row("s1", "b", 30, 100)]
    assert Precision.observed(rows, "OR", "binomial_logit").variance(50) == pytest.approx(2 / (50 * 0.2 * 0.8))
    shares = np.array([0.2, 0.3, 0.5])
    assert information_of(shares, LOGIT) == pytest.approx((1 - (shares**3).sum()) / 3)  # Whitehead (1993)
    assert information_of(np.array([0.5, 0.5]), PROBIT) == pytest.approx(2 / np.pi)
    arms = [arm_row("s1", "a", n=20, mean="1", se="0.5"), arm_row("s1", "b", n=40, mean="2", se="0.4")]
    pooled = (19 * 20 * 0.25 + 39 * 40 * 0.16) / 58
    assert Precision.observed(arms, "MD", "normal").variance(30) == pytest.approx(2 * pooled / 30)
    contrast = contrast_row("s1", "b", "a", 0.3, 0.5) | {"n_treatment": "20", "n_comparator": "30"}
    assert Precision.observed([contrast], "MD", "contrasts").variance(30) == pytest.approx(2 * 0.25 * 12 / 30)
    assert Precision.observed([], "MD", "contrasts").variance(30) is None


def test_every_measure_has_a_size_or_says_what_is_missing() -> None:
    """None is forgotten."""
    for name in MEASURES:
        variance = Precision(measure=name, sd=1.0, information=0.25).variance(100, (0.5, 0.5))
        assert variance is not None
        assert variance > 0


def test_a_table_has_every_comparison_of_every_size_and_names_the_best() -> None:
    """Losses add up, a ratio is their exponential, and there is one best comparison for each size."""
    found = next_studies(situation_of(TRIALS, ABC, RANDOM), NextStudySettings(sizes=(50, 500)))
    assert len(found) == 6
    assert {row["engine"] for row in found} == {"exact on the grid"}
    for row in found:
        assert row["loss_avoided"] + row["loss_left"] == pytest.approx(row["expected_loss_now"])
        assert row["loss_left_ratio"] == pytest.approx(np.exp(row["loss_left"]))
        assert row["variance"] == 4 / row["size"]
    for size in (50, 500):
        rows = [row for row in found if row["size"] == size]
        (best,) = (row for row in rows if row["best"])
        assert best["loss_avoided"] == max(row["loss_avoided"] for row in rows)
        assert {best["treatment"], best["comparator"]} == {"b", "c"}
    assert {row["first"] for row in found} == {"c"}


def test_a_regimen_that_differs_from_another_in_nothing_is_not_compared_with_it() -> None:
    """Where nothing is linked by data, and where the precision is not known, the reason is said."""
    apart = [contrast_row("s1", "b", "a", -0.5, 2.5)]
    (row,) = next_studies(situation_of(apart, plain("ab"), FIXED), NextStudySettings())
    assert row["reason"] == NOT_RANKED
    unknown = next_studies(situation_of(TRIALS, ABC, FIXED, measure="OR"), NextStudySettings(sizes=(100,)))
    assert {row["reason"] for row in unknown} == {NO_PRECISION}
    assert {row["best"] for row in unknown} == {None}


def test_a_declared_baseline_gives_the_risks() -> None:
    """The comparator's risk is that of the regimen moved by the posterior mean of its effect."""
    baseline = BaselineSettings(regimen="a", median=-1.0, sd_below=0.1, sd_above=0.1, figure="27 of 100")
    situation = situation_of(TRIALS, ABC, FIXED, measure="OR", baselines={"overall": baseline})
    means = situation.posterior.mixture(np.eye(2)).mean()
    found = next_studies(situation, NextStudySettings(sizes=(100,)))
    row = next(row for row in found if {row["treatment"], row["comparator"]} == {"a", "b"})
    risks = 1 / (1 + np.exp(-np.array([-1.0, -1.0 + means[0]])))
    assert row["variance"] == pytest.approx((1 / (100 * risks * (1 - risks))).sum())


def test_counts_are_close_to_the_draws_of_their_posterior() -> None:
    """The expected loss of the normal approximation is that of the importance draws; its engine says so."""
    rows = simulate(
        "binomial_logit", ["ab", "abc", "bc", "ac", "ab"], {"a": 0.0, "b": 0.4, "c": 0.3}, 0.2, 5, Sizes(n=(80, 120))
    )
    situation = situation_of(
        rows, ABC, PriorScales(1.5, 0.5, 0.0, 2.5), "binomial_logit", measure="OR", better="higher"
    )
    found = next_studies(situation, NextStudySettings(sizes=(200,)))
    assert {row["engine"] for row in found} == {"normal approximation"}
    draws, _, _ = situation.posterior.draws(100_000, 1)
    utilities = np.column_stack([np.zeros(len(draws)), draws[:, :2]])
    loss = utilities.max(axis=1).mean() - utilities.mean(axis=0).max()
    assert found[0]["expected_loss_now"] == pytest.approx(loss, abs=0.003)
    assert all(0 <= row["loss_avoided"] <= row["expected_loss_now"] for row in found)


def test_the_library_gives_the_same_table_and_refuses_what_cannot_be() -> None:
    """Three trials, and sizes and probabilities that make no sense."""
    frame = pd.DataFrame(
        [(row["study"], row["treatment_arm"], row["comparator_arm"], row["effect"], row["se"]) for row in TRIALS],
        columns=["study", "t", "c", "y", "se"],
    ).astype({"y": float, "se": float})
    network = sl.Network.from_contrasts(
        frame, study="study", treatment="t", comparator="c", effect="y", se="se", reference="a", measure="HR"
    )
    priors = sl.Priors(effect=sl.normal(1.5), tau=sl.half_normal(0.5))
    result = sl.fit(network, sl.Model(likelihood="normal"), priors=priors)
    found = result.next_study(better="lower", sizes=[50, 500])
    expected = next_studies(situation_of(TRIALS, ABC, RANDOM), NextStudySettings(sizes=(50, 500)))
    assert found["loss_avoided"].tolist() == pytest.approx([row["loss_avoided"] for row in expected], rel=1e-6)
    for wrong, says in (({"sizes": [1]}, "allowed: numbers from 2"), ({"decisive": 1.0}, "allowed: a probability")):
        with pytest.raises(UserError, match=says):
            result.next_study(better="lower", **wrong)


def test_sentences_say_what_the_table_says() -> None:
    """The best comparison of every size, in labels; a size that changes nothing; a setting without a table."""
    labels = Labels(
        regimens={"b": "Drug B", "c": "Drug C"},
        settings={"overall": "Overall"},
        outcomes={"y": "Survival"},
        measures={"y": "HR"},
        better={"y": "lower"},
    )
    names = Names(labels, "main", "y", "random")
    rows = next_studies(situation_of(TRIALS, ABC, RANDOM), NextStudySettings(sizes=(150,)))
    table = read_back(rows, COLUMNS)
    now, trial = next_study_sentences(table, "overall", names)
    best = next(row for row in rows if row["best"])
    assert now.startswith("Drug C has the best posterior mean; the expected loss of choosing it now")
    assert (
        f"is {best['expected_loss_now']:.3f} (log HR, a factor of {np.exp(best['expected_loss_now']):.2f} in HR)" in now
    )
    assert trial.startswith(
        "The most valuable next trial would compare Drug C with Drug B: of 150 events, it would change the choice with "
        "a probability"
    )
    assert (
        f"of {100 * best['p_change']:.0f}% and reduce the expected loss from {best['expected_loss_now']:.3f}" in trial
    )
    assert trial.endswith("better than the next with a probability above 0.95.")
    none = [row | {"best": "false"} for row in table]
    assert next_study_sentences(none, "overall", names)[1].startswith("No trial of 150 events would change the choice")
    assert next_study_sentences(table, "elsewhere", names) == []
    empty = read_back([{"setting": "overall", "reason": NOT_RANKED}], COLUMNS)
    assert next_study_sentences(empty, "overall", names) == [
        f"The value of a further trial was not computed: {NOT_RANKED}."
    ]


@pytest.mark.parametrize(
    ("given_key", "says"),
    [
        ({"outcomes": ["pfs"]}, "next_study.outcomes"),
        ({"sizes": [300, 100]}, "allowed: different numbers, ascending"),
        ({"sizes": [1]}, "sizes"),
        ({"decisive": 0.5}, "decisive"),
        ({"size": [100]}, "size"),
    ],
)
def test_a_configuration_that_asks_for_what_cannot_be(tmp_path: Path, given_key: dict[str, object], says: str) -> None:
    """In one line."""
    write_small(tmp_path, next_study=given_key)
    with pytest.raises(UserError, match=says) as caught:
        read_project(tmp_path / CONFIG)
    assert len(caught.value.lines) == 1
