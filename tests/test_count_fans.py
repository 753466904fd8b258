"""Fans and tipping points of biased studies with counts, against analyses that are solved anew."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import secondline as sl
from secondline.cell_values import IMPORTANCE, NOT_SETTLED
from secondline.doubt import bias_draws
from secondline.doubt.bias_draws import BiasDraws
from secondline.doubt.bias_fan import Declared, fan_rows
from secondline.doubt.decision import pairwise
from secondline.doubt.rules import MEAN, SUCRA
from secondline.doubt.settings import BiasScheme
from secondline.doubt.solved import solve_and_decide
from secondline.doubt.tipping import RUNNER_UP, SEARCH, STRUCTURAL, tipping_rows
from secondline.inference import exact
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import Solution
from secondline.inference.task import Fit
from secondline.network.bias import Bias
from secondline.network.data import network_data
from secondline.summaries.settings import ComparisonSettings

from tests.networks import ABC, Sizes, arm_row, contrast_row, simulate

SCALES = PriorScales(2.0, 0.5, 0.0, 2.5)
DESIGNS = ("ab", "ab", "ac", "ac", "bc")
ROWS = simulate("binomial_logit", DESIGNS, {"a": 0.0, "b": 0.7, "c": 0.4}, 0.05, 5, Sizes(n=(300, 400)))
STUDIES = list(dict.fromkeys(row["study"] for row in ROWS))
AGAINST_A = [row for row in ROWS if row["study"] in STUDIES[:4]]
OF_B = tuple((study, "b", "a", 1.0) for study in STUDIES[:2])
OF_BOTH = (*OF_B, *((study, "c", "a", 1.0) for study in STUDIES[2:4]))


def declared(rows: list[dict[str, str]] | None = None, bias: Bias | None = None) -> Declared:
    """Three treatments, a the reference and more events better."""
    settings = ComparisonSettings(
        measure="OR", ratio=True, better="higher", margin=1.0, reference="a", not_candidates={}
    )
    evidence = rows or ROWS
    fit = Fit(network_data(evidence, ABC, "binomial_logit", bias=bias), SCALES)
    return Declared(evidence=evidence, fit=fit, structure=ABC, likelihood="binomial_logit", settings=settings)


def scheme(
    contrasts: tuple[tuple[str, str, str, float], ...] = OF_B,
    means: tuple[float, ...] = (0.0, 0.3),
    sds: tuple[float, ...] = (0.0,),
) -> BiasScheme:
    """Contrasts with a bias."""
    return BiasScheme(name="x", label="X", reason="r", contrasts=contrasts, means=means, sds=sds)


def test_no_bias_is_the_declared_analysis() -> None:
    """To the last digit: mean and standard deviation of 0 leave the data as they are."""
    analysis = declared()
    row = next(fan_rows(analysis, scheme()))
    (decision,) = solve_and_decide(analysis.fit, analysis.question_of(analysis.fit)).decisions
    assert (row["first"], row["runner_up"]) == (decision.first, decision.runner_up) == ("b", "c")
    assert row["candidate_sucra"] == decision.sucra[decision.order[0]]
    assert row["p_better"] == decision.p_first
    # Of the declared lead two rows are enough, whose sums are rounded in another order.
    assert row["declared_p_better"] == pytest.approx(decision.p_first, rel=1e-13)
    assert (row["engine"], row["instead_of"]) == (IMPORTANCE, "")
    assert 0 < row["error"] < 0.02


def test_a_bias_without_a_spread_is_an_offset() -> None:
    """The mean is taken from the linear predictor of the arms, half of it from either side of a study."""
    analysis, mean = declared(), 0.3
    data, offset = analysis.fit.data, analysis.fit.data.counts.offset.copy()
    for study, arm, _, _ in OF_B:
        for k, row in enumerate(ROWS):
            offset[k] += (row["study"] == study) * (mean / 2 if row["arm"] == arm else -mean / 2)
    shifted = exact.posterior(replace(data, counts=replace(data.counts, offset=offset)), SCALES)
    effect, _, lower, upper = shifted.mixture(np.array([[1.0, -1.0]])).summary()[:, 0]
    row = list(fan_rows(analysis, scheme(means=(0.0, mean))))[-1]
    assert row["bias_mean"] == mean
    assert row["declared_mean"] == pytest.approx(effect, abs=4 * row["error"])
    assert [row["declared_lower"], row["declared_upper"]] == pytest.approx([lower, upper], abs=0.03)


@pytest.mark.parametrize(("mean", "sd"), [(0.4, 0.0), (0.2, 0.3), (-0.5, 0.3)])
def test_a_point_of_a_fan_is_the_analysis_with_that_bias(mean: float, sd: float) -> None:
    """That of the configuration or of a network with a bias, with a coefficient of every study where there is an sd."""
    bias = Bias(contrasts=OF_BOTH, mean=mean, sd=sd)
    data = network_data(ROWS, ABC, "binomial_logit", bias=bias)
    assert data.n_coefficients == (6 if sd else 2)
    posterior = exact.posterior(data, SCALES)
    rows = np.eye(2, data.n_coefficients)
    wanted = posterior.mixture(rows[[0]] - rows[[1]]).summary()[:, 0]
    row = list(fan_rows(declared(), scheme(OF_BOTH, means=(0.0, mean), sds=(sd,))))[-1]
    assert row["declared_mean"] == pytest.approx(wanted[0], abs=4 * row["error"] + 1e-3)
    assert [row["declared_lower"], row["declared_upper"]] == pytest.approx(wanted[2:], abs=0.04)
    against = posterior.mixture((rows[0] if row["first"] == "b" else rows[1])[None]).summary()[:, 0]
    assert row["reference"] == "a"
    assert row["reference_mean"] == pytest.approx(against[0], abs=4 * row["error"] + 1e-3)
    assert row["tau_median"] == pytest.approx(float(posterior.scale_quantiles("tau", np.array([0.5]))[0]), abs=0.02)


@pytest.mark.parametrize("sd", [0.0, 0.2])
def test_a_tipping_point_satisfies_its_definition(sd: float) -> None:
    """Who is first differs on either side of it, five of its errors away, by analyses that are solved anew."""
    analysis, flattered = declared(AGAINST_A), scheme(sds=(sd,))
    found = {row["rule"]: row for row in tipping_rows(analysis, flattered)}
    assert set(found) == {SUCRA, MEAN, RUNNER_UP}
    for rule, row in found.items():
        assert (row["first"], row["new_first"], row["method"], row["engine"]) == ("b", "c", SEARCH, IMPORTANCE)
        assert 0 < row["error"] < 0.05
        assert row["tipping"] > 0
        assert row["tipping_factor"] == pytest.approx(np.exp(row["tipping"]))
        for side, first in ((-5, "b"), (5, "c")):
            fit = analysis.without(flattered.at(row["tipping"] + side * row["error"], sd))
            posterior, (contest,) = exact.posterior(fit.data, fit.scales), analysis.question_of(fit).contests
            leads = posterior.mixture(contest.rows).mean()
            if rule == SUCRA:
                leads = pairwise(contest.rows, 1.0, posterior).sum(axis=1)
            assert contest.candidates[int(leads.argmax())] == first


def test_a_bias_that_is_common_to_two_treatments_cannot_reorder_them() -> None:
    """Every study against a: its effects take the bias up, whatever it is between studies."""
    for row in tipping_rows(declared(AGAINST_A), scheme(OF_BOTH, sds=(0.0, 0.2))):
        if row["rule"] == RUNNER_UP:
            assert row["reason"] == STRUCTURAL
            assert "tipping" not in row
        else:
            assert row["new_first"] == "a"


def test_draws_that_do_not_represent_a_bias_are_drawn_anew() -> None:
    """Where heterogeneity grows with the bias of one study; nearer by, moved draws are as good as new ones."""
    analysis, flattered = declared(), scheme(OF_B[:1])
    draws = BiasDraws(lambda mean: analysis.without(flattered.at(mean, 0.0)))
    draws.solution(0.0)
    moved = draws.solution(0.2).posterior
    assert moved is not None
    assert len(draws._bases) == 1
    draws.solution(8.0)
    assert len(draws._bases) == 2
    again = exact.posterior(analysis.without(flattered.at(0.2, 0.0)).data, SCALES)
    found, wanted = (each.mixture(np.eye(2)).summary()[:2] for each in (moved, again))
    assert found == pytest.approx(wanted, abs=0.01)


def test_contrasts_beside_counts_move_too() -> None:
    """A bias of a contrast and of a study with events, at one point."""
    rows = [*ROWS, contrast_row("s9", "b", "a", 0.6, 0.2)]
    contrasts = (*OF_B, ("s9", "b", "a", 1.0))
    row = list(fan_rows(declared(rows), scheme(contrasts)))[-1]
    data = network_data(rows, ABC, "binomial_logit", bias=Bias(contrasts=contrasts, mean=0.3))
    wanted = exact.posterior(data, SCALES).mixture(np.array([[1.0, -1.0]])).mean()[0]
    assert row["declared_mean"] == pytest.approx(wanted, abs=4 * row["error"])


def test_the_place_of_an_own_bias_is_taken_and_said() -> None:
    """In both tables: a fan of an analysis with a bias is that of the studies as they are."""
    own = Bias(contrasts=OF_BOTH, mean=0.2, sd=0.1)
    biased, plain = (list(fan_rows(declared(bias=bias), scheme())) for bias in (own, None))
    assert {row["instead_of"] for row in biased} == {"b ~ N(0.2, 0.1²)"}
    assert [row["candidate_sucra"] for row in biased] == [row["candidate_sucra"] for row in plain]
    (tipping, *_) = tipping_rows(declared(bias=own), scheme())
    assert tipping["instead_of"] == "b ~ N(0.2, 0.1²)"
    nothing = Bias(contrasts=OF_BOTH, mean=0.0)
    assert {row["instead_of"] for row in fan_rows(declared(bias=nothing), scheme())} == {""}


def test_what_the_engine_cannot_say_is_not_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a bias from which on it cannot be relied on nothing is said of who is first."""
    real = bias_draws.solve_reliably
    monkeypatch.setattr(bias_draws, "weighted", lambda *_: None)
    limit = 0.02

    def failing(data: object, scales: object) -> Solution:
        offset = data.counts.offset  # pyright: ignore
        return Solution(None, "no") if np.abs(offset).max() > limit / 2 else real(data, scales)  # pyright: ignore

    monkeypatch.setattr(bias_draws, "solve_reliably", failing)
    rows = list(tipping_rows(declared(), scheme()))
    assert {row["reason"] for row in rows} == {NOT_SETTLED}
    assert not any("tipping" in row for row in rows)


def test_a_notebook_asks_for_a_fan_of_counts() -> None:
    """The same numbers as those of the tables."""
    rows = [arm_row(row["study"], row["arm"], n=int(row["n"]), events=row["events"]) for row in ROWS]
    frame = pd.DataFrame(rows)[["study", "arm", "events", "n"]].astype({"events": int, "n": int})
    network = sl.Network.from_arms(frame, study="study", treatment="arm", events="events", n="n", reference="a")
    priors = sl.Priors(effect=sl.normal(2.0), tau=sl.half_normal(0.5), baseline=sl.normal(2.5))
    fit = sl.fit(network, sl.Model(likelihood="binomial"), priors=priors)
    fan = fit.bias_fan("b", mean=[0.0, 0.3], studies=STUDIES[:2], better="higher")
    own = list(fan_rows(declared(), scheme()))
    assert list(fan["candidate_sucra"]) == pytest.approx([row["candidate_sucra"] for row in own])
    assert list(fan["engine"]) == [IMPORTANCE, IMPORTANCE]
