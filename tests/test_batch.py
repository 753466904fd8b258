"""Many Gaussian analyses at once: as one by one, by the unbatched engine or by brute force."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr
from secondline.cell_values import NOT_PLACED
from secondline.doubt.batch import REASONS, Answers, Batch, Contests, Grid, Piece, solve
from secondline.doubt.decision import Decision, decide
from secondline.doubt.question import Question
from secondline.inference import reliability
from secondline.inference.kernels import contest
from secondline.inference.priors import PriorScales
from secondline.inference.task import Fit
from secondline.inference.widening import prior_covariances
from secondline.network.arms import used_arms
from secondline.network.data import contrast_blocks, network_data
from secondline.network.predictor import Effects, Predictor
from secondline.network.structure import Structure
from secondline.sd_points import ABSENT
from secondline.sd_priors import LogNormal
from secondline.summaries.settings import ComparisonSettings

from scripts.calibrate import Model, Sizes, Truth, design_rows, redraw
from tests.networks import HCC, plain, simulate

SCALES = PriorScales(effect=1.5, tau=0.5, omega=0.0, baseline=2.5)
Rows = Sequence[Mapping[str, str]]


def contests_of(question: Question, regimens: Sequence[str]) -> Contests:
    """Write a question as the arrays of a batch."""
    n, settings = len(regimens), len(question.contests)
    candidates, estimable = np.zeros((1, settings, n), bool), np.zeros((1, n, n), bool)
    references = np.zeros((1, settings), np.int64)
    for s, asked in enumerate(question.contests):
        at = [regimens.index(name) for name in asked.candidates]
        candidates[0, s, at] = True
        estimable[0][np.ix_(at, at)] = asked.estimable
        references[0, s] = regimens.index(asked.reference)
    return Contests(candidates=candidates, estimable=estimable, references=references)


def one(rows: Rows, structure: Structure, effects: Effects, scales: PriorScales) -> tuple[Answers, list[Decision], Any]:
    """Decide one network by the batch and by the unbatched engine."""
    data = network_data(rows, structure, "contrasts", effects)
    fit, arms = Fit(data, scales), used_arms(rows)
    asked = ComparisonSettings(
        measure="HR", ratio=True, better="lower", margin=0.8, reference=structure.regimens[structure.reference]
    )
    question = Question.of(fit, arms, asked)
    posterior = reliability.solve(data, scales).posterior
    assert posterior is not None
    covariances = prior_covariances(data, scales, posterior)
    assert covariances is not None
    decisions = decide(question, posterior, covariances)
    whitened = [block.whitened() for block in contrast_blocks(rows, data.predictor, "contrasts")]
    batch = Batch(
        predictor=data.predictor,
        scales=scales,
        tau=scales.tau,
        pieces=[Piece(y=y, rows=x, scales=s) for y, x, s, _ in whitened],
        chosen=np.arange(len(whitened))[None],
        network=np.zeros(1, np.int64),
    )
    lead = np.full((len(decisions), 3), -1)
    answers = solve(batch, contests_of(question, structure.regimens), lead, question.sign)
    return answers, decisions, posterior


def hcc(seed: int, effects: Effects) -> Rows:
    """Simulate a small network of regimens, a mixed arm among them, in three settings."""
    rng = np.random.default_rng(seed)
    designs = [
        ["sorafenib", "regorafenib"],
        ["regorafenib", "regorafenib_ici"],
        ["lenvatinib", "lenvatinib_ici", "sorafenib"],
        ["regorafenib", "lenvatinib"],
        ["sorafenib", "sorafenib_ici"],
    ]
    rows = design_rows(designs, "contrasts", rng, Sizes())
    settings = [f"{name}:30" for name in HCC.settings]
    studies = list(dict.fromkeys(row["study"] for row in rows))
    rows = [{**row, "setting_mix": settings[studies.index(row["study"]) % 3]} for row in rows]
    model = Model(HCC, Effects())
    truth = Truth({f"beta[{c}]": -0.2 * k for k, c in enumerate(HCC.components)}, 0.1)
    return redraw(rows, "contrasts", model, truth, rng)


NETWORKS = [
    pytest.param(Effects(), SCALES, id="pooled"),
    pytest.param(Effects(), replace(SCALES, tau=0.0), id="fixed"),
    pytest.param(Effects(settings=True), replace(SCALES, omega=0.25), id="settings"),
    pytest.param(Effects(varying="ici"), replace(SCALES, interaction=0.3), id="exchangeable interactions"),
    pytest.param(Effects(regimen_level=True), SCALES, id="regimen level"),
]


@pytest.mark.parametrize(("effects", "scales"), NETWORKS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_batch_decides_as_the_unbatched_engine(effects: Effects, scales: PriorScales, seed: int) -> None:
    """Who is placed and first, whether named, SUCRA, P(better), and effects with limits."""
    compare(hcc(seed, effects), HCC, effects, scales)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_batch_solves_more_contrasts_than_coefficients(seed: int) -> None:
    """In the space of the coefficients."""
    designs = [["a", "b"], ["a", "c"], ["b", "c"], ["a", "d"], ["a", "b", "c"], ["c", "d"]] * 2
    rows = simulate("contrasts", designs, {"a": 0, "b": -0.2, "c": -0.3, "d": 0.1}, 0.2, seed)
    compare(rows, plain("abcd"), Effects(), SCALES)


def compare(rows: Rows, structure: Structure, effects: Effects, scales: PriorScales) -> None:
    """Compare every setting of one network, to the tolerances that the specification curve promises."""
    answers, decisions, posterior = one(rows, structure, effects, scales)
    predictor = network_data(rows, structure, "contrasts", effects).predictor
    effect_rows = predictor.effect_rows()
    for s, decision in enumerate(decisions):
        number, place = answers.numbers[0, s], answers.places[0, s]
        assert place[contest.PLACED] == len(decision.placed)
        assert REASONS[place[contest.REASON]] == decision.not_named
        if not decision.placed:
            assert place[contest.FIRST] == -1
            assert np.isnan(number[contest.SUCRA])
            continue
        first, second = (structure.regimens.index(name) for name in (decision.first, decision.runner_up))
        assert (place[contest.FIRST], place[contest.RUNNER_UP]) == (first, second)
        assert number[contest.SUCRA] == pytest.approx(decision.sucra.max(), abs=1e-3)
        assert number[contest.P_BETTER] == pytest.approx(decision.p_first, abs=1e-3)
        assert number[contest.P_BEST] == pytest.approx(decision.p_best[decision.order[0]], abs=0.02)
        between = (effect_rows[s, first] - effect_rows[s, second])[None]
        mean, _, lower, upper = posterior.mixture(between).summary()[:, 0]
        assert number[contest.EFFECT] == pytest.approx(mean, abs=1e-3)
        assert number[[contest.LOWER, contest.UPPER]] == pytest.approx([lower, upper], abs=2e-3)


def test_a_log_normal_prior_of_tau_squared_by_brute_force() -> None:
    """Two studies of one comparison: the mean effect and P(better) by a fine sum over log tau."""
    prior = LogNormal(-2.5, 1.4)
    y, se = np.array([-0.5, 0.1]), np.array([0.2, 0.25])
    tau_squared = np.exp(np.linspace(-2.5 - 10 * 1.4, -2.5 + 10 * 1.4, 40_001))
    variance = se**2 + tau_squared[:, None]
    information = (1 / variance).sum(axis=1) + 1 / 1.5**2
    mean = (y / variance).sum(axis=1) / information
    density = -0.5 * np.log(variance).sum(axis=1) - 0.5 * (y**2 / variance).sum(axis=1)
    density += 0.5 * mean**2 * information - 0.5 * np.log(information)
    weights = np.exp(density - density.max() - 0.5 * ((np.log(tau_squared) + 2.5) / 1.4) ** 2)
    weights /= weights.sum()

    structure = plain("ab")
    batch = Batch(
        predictor=Predictor.build(structure, Effects(), []),
        scales=replace(SCALES, tau=0.0),
        tau=prior,
        pieces=[
            Piece(y=np.array([v / s]), rows=np.array([[1 / s]]), scales=np.array([1 / s**2]))
            for v, s in zip(y, se, strict=True)
        ],
        chosen=np.array([[0, 1]]),
        network=np.zeros(1, np.int64),
    )
    asked = Contests(
        candidates=np.ones((1, 1, 2), bool), estimable=np.ones((1, 2, 2), bool), references=np.zeros((1, 1), np.int64)
    )
    number = solve(batch, asked, np.array([[1, 0, 0]]), -1.0).numbers[0, 0]
    assert number[contest.LEAD] == pytest.approx(weights @ mean, abs=1e-5)
    assert number[contest.LEAD_P_BETTER] == pytest.approx(weights @ ndtr(-mean * np.sqrt(information)), abs=1e-5)


def test_a_wider_prior_of_tau_shifts_a_log_normal_by_log_four() -> None:
    """Twice as large a tau is four times as large a tau squared."""
    as_declared = Grid.of(LogNormal(-2.5, 1.4), ABSENT, 0.1)
    shifted = Grid.of(LogNormal(-2.5 + np.log(4), 1.4), ABSENT, 0.1)
    at = np.log(as_declared.tau) * 2
    expected = [-0.5 * ((at + 2.5 - shift) / 1.4) ** 2 for shift in (np.log(4), 0.0)]
    assert np.subtract(*as_declared.log_weights[::-1]) == pytest.approx(np.subtract(*expected))
    assert shifted.log_weights[0].max() == pytest.approx(as_declared.log_weights[0].max(), abs=0.05)


def test_an_effect_that_follows_its_prior_places_nobody() -> None:
    """A prior so narrow that doubling it doubles the posterior: nobody is placed."""
    rows = simulate("contrasts", [["a", "b"]], {"a": 0, "b": -0.4}, 0.0, 3)
    answers, decisions, _ = one(rows, plain("ab"), Effects(), replace(SCALES, effect=0.001))
    assert decisions[0].not_named == REASONS[answers.places[0, 0, contest.REASON]] == NOT_PLACED
