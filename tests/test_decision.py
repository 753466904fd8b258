"""Who is first: the exact posterior against the tables of the pipeline, and against numbers worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr
from secondline.cell_values import DISAGREE, PRIOR_DRIVEN, TOO_CLOSE
from secondline.doubt.decision import Decision, decide, pairwise, why_not_named
from secondline.doubt.question import Question
from secondline.evidence.selection import evidence_rows
from secondline.inference import exact
from secondline.inference.fitted import solved
from secondline.inference.grid import Axis
from secondline.inference.reliability import solve
from secondline.inference.task import FitTask
from secondline.inference.widening import prior_covariances
from secondline.jobs.settings import fit_settings, summary_settings
from secondline.network.arms import used_arms
from secondline.project.read import read_project
from secondline.summaries.posterior import posterior_of
from secondline.summaries.ranking import rank_treatments
from secondline.summaries.relative_effects import relative_effects

CONFIG = Path(__file__).parents[1] / "config/config.yaml"


@pytest.mark.parametrize("outcome", ["os", "pfs"])
@pytest.mark.parametrize("model", ["fixed", "pooled", "setting"])
def test_a_decision_is_the_ranking_of_the_pipeline(outcome: str, model: str) -> None:
    """Candidates, SUCRA, P(best), and whether one is named, in every setting of the shipped network."""
    project = read_project(CONFIG)
    rows = evidence_rows(project, "primary", outcome)
    fit = FitTask.from_rows(rows, fit_settings(project, "primary", outcome)).fits[model]
    settings, arms = summary_settings(project, outcome), used_arms(rows)
    solution = solve(fit.data, fit.scales)
    assert solution.posterior is not None
    covariances = prior_covariances(fit.data, fit.scales, solution.posterior)
    assert covariances is not None
    structure = fit.data.predictor.structure
    posterior = posterior_of(solved(fit, solution, covariances, 100, 1))
    relative = relative_effects(posterior, arms, structure, settings, predict=False)
    table, _ = rank_treatments(posterior, arms, structure, settings, relative)

    for decision in decide(Question.of(fit, arms, settings), solution.posterior, covariances):
        ranked = {row["treatment"]: row for row in table if row["setting"] == decision.setting}
        placed = {name for name, row in ranked.items() if row["candidate_sucra"] is not None}
        assert placed == set(decision.placed)
        for name, sucra, p_best in zip(decision.placed, decision.sucra, decision.p_best, strict=True):
            assert ranked[name]["candidate_sucra"] == pytest.approx(sucra, abs=1e-9)
            assert ranked[name]["candidate_p_best"] == pytest.approx(p_best, abs=0.005)
        assert {row["not_named"] for row in ranked.values()} == {decision.not_named}
        if not decision.not_named:
            assert [name for name, row in ranked.items() if row["named_first"]] == [decision.first]


def test_probabilities_of_two_normals_are_those_of_their_difference() -> None:
    """One grid point, coefficients (0.3, -0.2) with standard deviations 0.5 and 1: P(first < second) by hand."""
    posterior = exact.GridPosterior(
        Axis(1.0, 0.0, 1),
        Axis(1.0, 0.0, 1),
        np.zeros((1, 1)),
        np.array([0.3, -0.2]).reshape(1, 1, 1, 2),
        np.zeros((1, 1, 1)),
        np.diag([0.5, 1.0])[None],
        np.zeros(1),
    )
    found = pairwise(np.eye(2), -1.0, posterior)
    assert found[0, 1] == pytest.approx(ndtr(-0.5 / np.hypot(0.5, 1.0)))
    assert found[1, 0] == pytest.approx(1 - found[0, 1])
    same = pairwise(np.array([[1.0, 0.0], [1.0, 0.0]]), -1.0, posterior)
    assert same[0, 1] == same[1, 0] == 0.5


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_members_of_a_class_are_tied_where_omega_is_0(sign: float) -> None:
    """Half of the posterior at omega 0, where two members have one effect; elsewhere one is ahead by 2 sds of 1."""
    omega = Axis(1.0, 1.0, 2)
    log_density = -np.log(omega.weights())[None]
    posterior = exact.GridPosterior(
        Axis(1.0, 0.0, 1),
        omega,
        log_density,
        np.array([[0.0, 0.0], [1.0, -1.0]]).reshape(1, 2, 1, 2),
        np.zeros((1, 2, 1)),
        np.stack([np.zeros((2, 2)), np.diag([np.sqrt(0.5), np.sqrt(0.5)])]),
        np.zeros(2),
    )
    found = pairwise(np.eye(2), sign, posterior)
    assert found[0, 1] == pytest.approx(0.25 + ndtr(2 * sign) / 2)
    assert found[0, 1] + found[1, 0] == 1


def test_nobody_is_named_on_weak_grounds() -> None:
    """A prior-driven lead comes before disagreement, disagreement before a small probability."""
    assert why_not_named(True, {0, 1}, 0.5) == PRIOR_DRIVEN
    assert why_not_named(False, {0, 1}, 0.5) == DISAGREE
    assert why_not_named(False, {0}, 0.59) == TOO_CLOSE
    assert why_not_named(False, {0}, 0.61) == ""


def test_first_and_runner_up_follow_sucra() -> None:
    """Also where nobody is placed."""
    p = np.array([[0.5, 0.2], [0.8, 0.5]])
    two = Decision(
        setting="overall",
        placed=("a", "b"),
        means=np.zeros(2),
        sucra=np.array([0.2, 0.8]),
        p_best=np.array([0.2, 0.8]),
        p_better=p,
        not_named="",
    )
    assert (two.first, two.runner_up, two.p_first) == ("b", "a", 0.8)
    nobody = Decision(
        setting="overall",
        placed=(),
        means=np.zeros(0),
        sucra=np.zeros(0),
        p_best=np.zeros(0),
        p_better=np.zeros((0, 0)),
        not_named=TOO_CLOSE,
    )
    assert (nobody.first, nobody.runner_up) == ("", "")
    assert np.isnan(nobody.p_first)
