"""The engine of the page against the exact engine: effects, probabilities, and what is decided."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import qmc
from secondline.doubt.best import _on_the_envelope
from secondline.doubt.decision import Decision, decide
from secondline.doubt.page_models import page_models
from secondline.doubt.question import Contest, Question
from secondline.inference import exact
from secondline.inference.settings import FitSettings
from secondline.inference.task import FitTask
from secondline.inference.widening import prior_covariances
from secondline.network.arms import used_arms
from secondline.network.overlap import Overlap
from secondline.summaries.hierarchy import Comparison, rank_cells
from secondline.summaries.settings import ComparisonSettings

from tests.page_engine import needs_node, node, random_network

pytestmark = needs_node
Random = tuple[list[dict[str, str]], FitSettings, ComparisonSettings]

_SOLVE = """
return asked.map(({data, states}) => states.map(state => {
  const analysis = analyse(data, state);
  return data.settings.map(setting => answer(data, state, analysis, setting));
}));
"""
_POINTS_LOG2 = 17  # for P(best)
_FEW_OR_MANY = 1e-3, 3e-3  # error of P(best), of both engines together, among up to 12 candidates and among more
_IMPORTS = {"engine/analysis.js": "analyse, answer"}


def expected(seed: int, model: str) -> list[dict[str, Any]]:
    """Say what the exact engine says of a random network, by setting."""
    return solved(random_network(seed), model)


def solved(network: Random, model: str) -> list[dict[str, Any]]:
    """Say what the exact engine says of a network, by setting."""
    rows, fit, asked = network
    one = FitTask.from_rows(rows, fit).fits[model]
    posterior = exact.posterior(one.data, one.scales)
    covariances = prior_covariances(one.data, one.scales, posterior)
    assert covariances is not None
    question = Question.of(one, used_arms(rows), asked)
    found = []
    for contest, decision in zip(question.contests, decide(question, posterior, covariances), strict=True):
        mixture = posterior.mixture(contest.rows - contest.reference_row)
        summary = {"summary": mixture.summary(), "median": mixture.quantiles(np.array([0.5]))[0]}
        best = _p_best(posterior, contest, decision, question.sign)
        found.append({"contest": contest, "decision": decision, "p_best": best, **summary})
    return found


def _p_best(posterior: exact.GridPosterior, contest: Contest, decision: Decision, sign: float) -> np.ndarray:
    """P(best) of the candidates placed by many more points than the exact engine takes, new ones at every component."""
    if len(decision.placed) < 3:
        return decision.p_best
    rows = sign * contest.rows[[contest.candidates.index(name) for name in decision.placed]]
    weights, means = posterior.component_weights().ravel(), posterior.means[0, :, 0] @ rows.T
    points = ndtri(np.clip(qmc.Sobol(len(rows), seed=1).random_base2(_POINTS_LOG2), 1e-12, 1 - 1e-12))
    found, start = np.zeros(len(rows)), 0
    for weight, mean, root in zip(weights, means, posterior.roots @ rows.T, strict=True):
        _, singular, vectors = np.linalg.svd(root - root.mean(axis=1, keepdims=True), full_matrices=False)
        directions = singular[:, None] * vectors
        n = max(int(weight * len(points)), 4)
        z = np.take(points, np.arange(start, start + n), axis=0, mode="wrap")[:, : len(directions) - 1]
        moved = np.concatenate([z, -z]) @ directions[1 : z.shape[1] + 1]
        found += weight * _on_the_envelope((mean - mean.mean() + moved)[None], directions[:1])[0].mean(axis=0)
        start += n
    return found / found.sum()


@pytest.mark.parametrize("first", [0, *(pytest.param(k, marks=pytest.mark.slow) for k in range(25, 200, 25))])
def test_engine_of_the_page_agrees_with_the_exact_engine(first: int) -> None:
    """Random networks, 200 with the slow ones: the same numbers, and the same decision.

    Means, sds and limits are within 1e-5, SUCRA and P(best) within 1e-3; P(best) among more than 12 candidates, which
    takes integrals over so many dimensions, within 3e-3.
    """
    seeds = range(first, first + 25)
    networks = [(seed, *random_network(seed)) for seed in seeds]
    asked = [
        {"data": page_models(rows, [], fit, question), "states": [{"model": model} for model in fit.models]}
        for _, rows, fit, question in networks
    ]
    for (seed, _, fit, _), answers in zip(networks, node(_IMPORTS, _SOLVE, asked), strict=True):
        for model, by_setting in zip(fit.models, answers, strict=True):
            for here, there in zip(by_setting, expected(seed, model), strict=True):
                _agree(here, there, f"network {seed}, {model}, {here['setting']}")


@pytest.mark.parametrize("seed", [1, 4, 9])
def test_studies_that_share_patients_are_solved_together(seed: int) -> None:
    """Correlated contrasts of two or three studies, as the exact engine has them; uncorrelated is another answer."""
    rows, fit, question = random_network(seed)
    names = list(dict.fromkeys(row["study"] for row in rows))
    pairs = list(pairwise(names[:3]))
    fit = replace(fit, overlaps=tuple(Overlap(studies=pair, correlation=0.15) for pair in pairs))
    data = page_models(rows, [], fit, question)
    assert len(data["cross"]) == len(pairs)
    asked = [{"data": data | {"cross": cross}, "states": [{"model": "pooled"}]} for cross in (data["cross"], [])]
    (together,), (apart,) = node(_IMPORTS, _SOLVE, asked)
    for here, there in zip(together, solved((rows, fit, question), "pooled"), strict=True):
        _agree(here, there, f"network {seed}, {here['setting']}")
    assert [e["mean"] for e in together[0]["effects"]] != pytest.approx(
        [e["mean"] for e in apart[0]["effects"]], abs=1e-4
    )


_RANK = """
return asked.map(({data, states}) => states.map(state => {
  const analysis = analyse(data, state, {...FINE, doubled: false});
  return data.settings.map(setting => {
    const {rows} = contestOf(data, state.model, analysis.studies, setting);
    return rows.length < 2 ? [] : rankIntervals(analysis.posterior.project(rows), data.sign, FINE.ranks);
  });
}));
"""
_NEAR = 2.5e-3  # to a limit, a probability that may lie on either side of it


def test_intervals_of_ranks_are_those_of_the_table() -> None:
    """Random networks: the limits are the ranks of `rank_cells`, but where a probability is all but at a limit."""
    networks = [random_network(seed) for seed in range(12)]
    asked = [{"data": page_models(rows, [], fit, q), "states": [{"model": "pooled"}]} for rows, fit, q in networks]
    imports = {
        "engine/analysis.js": "analyse, FINE",
        "engine/network.js": "contestOf",
        "engine/ranks.js": "rankIntervals",
    }
    same, seen = 0, 0
    for (rows, fit, question), (by_setting,) in zip(networks, node(imports, _RANK, asked), strict=True):
        one = FitTask.from_rows(rows, fit).fits["pooled"]
        posterior = exact.posterior(one.data, one.scales).joint()
        for contest, found in zip(Question.of(one, used_arms(rows), question).contests, by_setting, strict=True):
            if len(contest.candidates) < 2:
                continue
            against = contest.rows - contest.reference_row
            ranked = Comparison.of(posterior, against, question.better).among(range(len(against)))
            below = np.hstack([np.zeros((len(against), 1)), ranked.ranks.cumsum(axis=1)])
            for k, (ends, cells) in enumerate(zip(found, rank_cells(ranked), strict=True)):
                for rank, expected_rank, limit in zip(
                    ends, (cells["rank_lower"], cells["rank_upper"]), (0.025, 0.975), strict=True
                ):
                    assert below[k, rank - 1] < limit + _NEAR, (k, rank, expected_rank)
                    assert below[k, rank] > limit - _NEAR, (k, rank, expected_rank)
                    same, seen = same + (rank == expected_rank), seen + 1
    assert seen > 200
    assert same > 0.95 * seen


def _agree(here: dict[str, Any], there: dict[str, Any], where: str) -> None:
    """Hold what the page says of one setting to what the exact engine says of it."""
    contest, decision = there["contest"], there["decision"]
    assert tuple(here["candidates"]) == contest.candidates, where
    assert here["reference"] == contest.reference, where
    table = np.array([[e[key] for e in here["effects"]] for key in ("mean", "sd", "lower", "upper")])
    np.testing.assert_allclose(table, there["summary"], rtol=0, atol=1e-5, err_msg=where)
    np.testing.assert_allclose([e["median"] for e in here["effects"]], there["median"], atol=1e-5, err_msg=where)
    found = here["decision"]
    assert [contest.candidates[i] for i in found["placed"]] == list(decision.placed), where
    if not decision.placed:
        assert found["notNamed"] == decision.not_named, where
        return
    np.testing.assert_allclose(found["means"], decision.means, rtol=0, atol=1e-5, err_msg=where)
    np.testing.assert_allclose(found["pBetter"], decision.p_better, rtol=0, atol=1e-4, err_msg=where)
    np.testing.assert_allclose(found["sucra"], decision.sucra, rtol=0, atol=1e-3, err_msg=where)
    np.testing.assert_allclose(
        found["pBest"], there["p_best"], rtol=0, atol=_FEW_OR_MANY[len(decision.placed) > 12], err_msg=where
    )
    assert [contest.candidates[i] for i in found["order"]] == [decision.placed[i] for i in decision.order], where
    assert found["notNamed"] == decision.not_named, where
