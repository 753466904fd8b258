"""A bias of some contrasts: by hand, in both directions, and at its ends."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import secondline as sl
from secondline.cell_values import NOT_PLACED
from secondline.doubt.bias_fan import NO_CONTRAST, Declared, fan_rows
from secondline.doubt.bias_tables import bias_tables
from secondline.doubt.decision import pairwise
from secondline.doubt.e_values import (
    NO_RATIO,
    OF_MEANS,
    approximation,
    as_risk_ratio,
    e_value,
    e_value_of_limit,
    e_value_rows,
)
from secondline.doubt.rules import MEAN, SUCRA
from secondline.doubt.settings import BiasScheme
from secondline.doubt.solved import solve_and_decide
from secondline.doubt.tipping import CLOSED_FORM, RUNNER_UP, SEARCH, STRUCTURAL, tipping_rows
from secondline.errors import UserError
from secondline.evidence.selection import evidence_rows
from secondline.inference import exact
from secondline.inference.priors import PriorScales
from secondline.inference.task import Fit
from secondline.jobs.bias_settings import bias_settings, biased_contrasts
from secondline.jobs.doubt_facts import doubt_tables
from secondline.network.arms import used_rows
from secondline.network.bias import Bias
from secondline.network.data import network_data
from secondline.network.overlap import Overlap
from secondline.network.structure import Floats
from secondline.project.bias import BiasedContrasts
from secondline.project.config import Project
from secondline.project.read import read_project
from secondline.summaries.settings import ComparisonSettings

from tests.conftest import ROOT
from tests.networks import ABC, arm_row, contrast_row

FIXED = PriorScales(2.0, 0.0, 0.0, 2.5)
RANDOM = PriorScales(2.0, 0.5, 0.0, 2.5)
PAIR = [contrast_row("s1", "b", "a", -0.6, 0.3), contrast_row("s2", "b", "a", -0.1, 0.2)]


def of_first(mean: float, sd: float = 0.0) -> Bias:
    """Bias of the first study that flatters b where lower is better."""
    return Bias(contrasts=(("s1", "b", "a", -1.0),), mean=mean, sd=sd)


def moments(rows: list[dict[str, str]], scales: PriorScales, bias: Bias | None = None, **more: object) -> Floats:
    """Posterior mean and standard deviation of the effects of b and c, (2, 2)."""
    data = network_data(rows, ABC, "contrasts", bias=bias, **more)  # pyright: ignore
    return exact.posterior(data, scales).mixture(np.eye(2)).summary()[:2].T


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 0.0), (0.2, 0.0), (0.0, 0.4), (-0.3, 0.25)])
def test_the_pooled_mean_moves_by_the_weight_times_the_bias(mean: float, sd: float) -> None:
    """Two studies of one comparison with fixed effects: precision 1 / (se^2 + s^2), and y_1 + m instead of y_1."""
    first, second, prior = 1 / (0.09 + sd**2), 1 / 0.04, 1 / 4
    total = first + second + prior
    expected = (first * (-0.6 + mean) + second * -0.1) / total
    found = moments(PAIR, FIXED, of_first(mean, sd))[0]
    assert found == pytest.approx([expected, 1 / np.sqrt(total)], abs=1e-9)
    shift = expected - (first * -0.6 + second * -0.1) / total
    assert shift == pytest.approx(first / total * mean, abs=1e-12)


def test_no_bias_is_the_declared_analysis() -> None:
    """To the last digit, with heterogeneity too."""
    assert np.array_equal(moments(PAIR, RANDOM, of_first(0.0)), moments(PAIR, RANDOM))


def test_a_wide_bias_leaves_the_study_out() -> None:
    """Weight to 0 is exclusion, whatever its mean."""
    left_out = moments(PAIR[1:], RANDOM)[0]
    for mean in (0.0, 0.5):
        assert moments(PAIR, RANDOM, of_first(mean, 1e5))[0] == pytest.approx(left_out, abs=2e-5)


def test_a_contrast_the_other_way_round_has_the_same_bias() -> None:
    """Arms swapped in the bias, in the evidence, or in both."""
    swapped = Bias(contrasts=(("s1", "a", "b", 1.0),), mean=0.2, sd=0.1)
    turned = [contrast_row("s1", "a", "b", 0.6, 0.3), PAIR[1]]
    declared = moments(PAIR, RANDOM, of_first(0.2, 0.1))
    for rows, bias in ((PAIR, swapped), (turned, of_first(0.2, 0.1)), (turned, swapped)):
        assert moments(rows, RANDOM, bias) == pytest.approx(declared, abs=1e-10)


def test_the_contrasts_of_a_study_share_its_bias() -> None:
    """Means of three arms, two of them biased: their difference keeps its variance, that from the control gains s^2."""
    rows = [arm_row("s1", name, n=30, mean=str(y), se=str(se)) for name, y, se in (("a", 1.0, 0.2), ("b", 0.4, 0.3))]
    rows.append(arm_row("s1", "c", n=30, mean="0.1", se="0.25"))
    both = Bias(contrasts=(("s1", "b", "a", -1.0), ("s1", "c", "a", -1.0)), mean=0.3, sd=0.5)
    data = network_data(rows, ABC, "normal", bias=both)
    assert len(data.gaussian.means.y) == 0
    flat = PriorScales(1e6, 0.0, 0.0, 2.5)
    against_control, between = exact.posterior(data, flat).mixture(np.array([[1.0, 0.0], [1.0, -1.0]])).summary()[:2].T
    assert against_control == pytest.approx([-0.6 + 0.3, np.sqrt(0.04 + 0.09 + 0.25)], abs=1e-5)
    assert between == pytest.approx([0.3, np.sqrt(0.09 + 0.0625)], abs=1e-5)
    declared = network_data(rows, ABC, "normal")
    assert len(declared.gaussian.means.y) == 3
    none = network_data(rows, ABC, "normal", bias=Bias(contrasts=both.contrasts, mean=0.0))
    assert np.array_equal(none.gaussian.y, declared.gaussian.y)


def test_a_bias_adds_nothing_to_what_studies_share() -> None:
    """The covariance of studies with common patients stays; the variance of the bias is added to one of them."""
    shared = Overlap(studies=("s1", "s2"), correlation=0.5)
    data = network_data(PAIR, ABC, "contrasts", overlaps=[shared], bias=of_first(0.0, 0.4))
    (cluster,) = data.gaussian.clusters
    assert cluster.covariance == pytest.approx(np.array([[0.09 + 0.16, 0.03], [0.03, 0.04]]))


def declared(rows: list[dict[str, str]], tau: float = 0.1, better: str = "lower") -> Declared:
    """Three treatments, a the reference, with effects on the log scale."""
    settings = ComparisonSettings(measure="HR", ratio=True, better=better, margin=1.0, reference="a", not_candidates={})
    fit = Fit(network_data(rows, ABC, "contrasts"), PriorScales(2.0, tau, 0.0, 2.5))
    return Declared(evidence=rows, fit=fit, structure=ABC, likelihood="contrasts", settings=settings)


def scheme(*contrasts: tuple[str, str, str, float], sds: tuple[float, ...] = (0.0,)) -> BiasScheme:
    """Contrasts with a bias."""
    return BiasScheme(name="x", label="X", reason="r", contrasts=contrasts, means=(0.0, 0.3), sds=sds)


TRIANGLE = [
    contrast_row("s1", "b", "a", -0.9, 0.2),
    contrast_row("s2", "c", "a", -0.5, 0.2),
    contrast_row("s3", "b", "a", -0.7, 0.25),
    contrast_row("s4", "c", "b", 0.2, 0.3),
]
B_OF_S1 = scheme(("s1", "b", "a", -1.0))
ALL_OF_B_AND_C = scheme(("s1", "b", "a", -1.0), ("s2", "c", "a", -1.0), ("s3", "b", "a", -1.0))


def test_the_fan_without_a_bias_is_the_declared_decision() -> None:
    """And away from it every row is the analysis of the shifted figures."""
    analysis = declared(TRIANGLE)
    rows = list(fan_rows(analysis, B_OF_S1))
    solved = solve_and_decide(analysis.fit, analysis.question_of(analysis.fit))
    for row, decision in zip(rows, solved.decisions, strict=False):
        assert (row["first"], row["runner_up"]) == (decision.first, decision.runner_up)
        assert row["candidate_sucra"] == decision.sucra[decision.order[0]]
        assert row["declared_mean"] == row["mean"]
        assert row["declared_p_better"] == pytest.approx(row["p_better"], abs=1e-12)
    moved = [contrast_row("s1", "b", "a", -0.6, 0.2), *TRIANGLE[1:]]
    (there,) = solve_and_decide(declared(moved).fit, analysis.question_of(analysis.fit)).decisions
    assert rows[-1]["bias_mean"] == 0.3
    assert rows[-1]["candidate_sucra"] == pytest.approx(there.sucra[there.order[0]], abs=1e-12)


@pytest.mark.parametrize("tau", [0.0, 0.1])
@pytest.mark.parametrize("better", ["lower", "higher"])
@pytest.mark.parametrize("sd", [0.0, 0.2])
def test_a_tipping_point_satisfies_its_definition(tau: float, better: str, sd: float) -> None:
    """Who is first differs 1e-4 on either side of it, by an analysis that knows nothing of the search."""
    sign = -1.0 if better == "lower" else 1.0
    rows = [{**row, "effect": str(-sign * float(row["effect"]))} for row in TRIANGLE]
    flattered = scheme(("s1", "b", "a", sign), sds=(sd,))
    analysis = declared(rows, tau, better)
    found = {row["rule"]: row for row in tipping_rows(analysis, flattered)}
    assert set(found) == {SUCRA, MEAN, RUNNER_UP}
    for rule, row in found.items():
        assert row["tipping"] > 0
        assert (row["first"], row["new_first"]) == ("b", "c")
        assert row["tipping_factor"] == pytest.approx(np.exp(sign * row["tipping"]))
        assert row["method"] == (CLOSED_FORM if tau == 0 and rule != SUCRA else SEARCH)
        for side, first in ((-1e-4, "b"), (1e-4, "c")):
            fit = analysis.without(flattered.at(row["tipping"] + side, sd))
            posterior, (contest,) = exact.posterior(fit.data, fit.scales), analysis.question_of(fit).contests
            p_better = pairwise(contest.rows, sign, posterior).sum(axis=1)
            leads = p_better if rule == SUCRA else sign * posterior.mixture(contest.rows).mean()
            assert contest.candidates[int(leads.argmax())] == first


def test_the_closed_form_is_that_of_two_studies() -> None:
    """With fixed effects and flat priors b and c cross where the bias takes their difference over the weight of s1."""
    rows = TRIANGLE[:3]
    fit = Fit(network_data(rows, ABC, "contrasts"), PriorScales(1e3, 0.0, 0.0, 2.5))
    (mean,) = (row for row in tipping_rows(replace(declared(rows, 0.0), fit=fit), B_OF_S1) if row["rule"] == MEAN)
    first, third = 1 / 0.04, 1 / 0.0625
    pooled, weight = (first * -0.9 + third * -0.7) / (first + third), first / (first + third)
    assert mean["tipping"] == pytest.approx((-0.5 - pooled) / weight, abs=1e-5)


def test_a_bias_that_is_common_to_two_treatments_cannot_reorder_them() -> None:
    """It moves both by the same; against the reference it can."""
    rows = {row["rule"]: row for row in tipping_rows(declared(TRIANGLE), ALL_OF_B_AND_C)}
    assert rows[RUNNER_UP]["reason"] == STRUCTURAL
    assert "tipping" not in rows[RUNNER_UP]
    assert rows[MEAN]["new_first"] == "a"


def test_a_scheme_without_contrasts_in_use_says_so() -> None:
    """In both tables."""
    none = scheme(("other", "b", "a", 1.0))
    assert [row["reason"] for row in fan_rows(declared(TRIANGLE), none)] == [NO_CONTRAST]
    assert [row["reason"] for row in tipping_rows(declared(TRIANGLE), none)] == [NO_CONTRAST]


def test_a_scheme_with_the_contrasts_of_another_names_it() -> None:
    """So that nobody takes them for two findings."""
    tables = bias_tables(declared(TRIANGLE), [B_OF_S1, replace(B_OF_S1, name="y"), ALL_OF_B_AND_C])
    assert {(row["scheme"], row["same_as"]) for row in tables.tipping} == {("x", ""), ("y", "x")}


# VanderWeele & Ding 2017: 3.9 (1.8 to 8.7) has 7.26 and 3.0. Vignette of their package EValue: 10.73 (8.02 to 14.36)
# has 20.95 and 15.52.
@pytest.mark.parametrize(
    ("ratio", "lower", "upper", "expected", "of_limit"),
    [(3.9, 1.8, 8.7, 7.26, 3.0), (10.73, 8.02, 14.36, 20.95, 15.52), (0.8, 0.71, 0.91, 1.81, 1.43)],
)
def test_e_values_of_printed_examples(
    ratio: float, lower: float, upper: float, expected: float, of_limit: float
) -> None:
    """Of an estimate and of the limit nearer to 1; of a ratio below 1 they are those of its inverse."""
    assert e_value(ratio) == pytest.approx(expected, abs=0.005)
    assert e_value_of_limit(ratio, lower, upper) == pytest.approx(of_limit, abs=0.005)
    assert e_value_of_limit(1 / ratio, 1 / upper, 1 / lower) == pytest.approx(of_limit, abs=0.005)
    assert e_value_of_limit(ratio, 0.9, 9.0 if ratio > 1 else 1.1) == 1.0


def test_ratios_of_common_outcomes_are_approximated() -> None:
    """HR 0.56: sqrt is 0.748, (1 - 0.5^0.748) / (1 - 0.5^1.336) = 0.4047 / 0.6040 = 0.670; OR 4 is RR 2."""
    assert as_risk_ratio(0.56, approximation("HR", common=True)) == pytest.approx(0.6700, abs=5e-4)
    assert as_risk_ratio(4.0, approximation("OR", common=True)) == 2.0
    for measure in ("HR", "OR", "RR", "IRR"):
        assert as_risk_ratio(0.56, approximation(measure, common=False)) == 0.56
    assert as_risk_ratio(0.56, approximation("RR", common=True)) == 0.56


def test_e_values_of_studies() -> None:
    """Each contrast as observed; nothing for differences."""
    data = network_data(PAIR, ABC, "contrasts")
    first, second = e_value_rows(PAIR, data, "contrasts", "HR", common=False)
    assert first["estimate"] == pytest.approx(np.exp(-0.6))
    assert first["e_value"] == pytest.approx(e_value(np.exp(-0.6)))
    assert first["e_value_limit"] == pytest.approx(e_value(np.exp(-0.6 + 1.959964 * 0.3)))
    assert second["e_value_limit"] == 1.0
    assert {row["reason"] for row in e_value_rows(PAIR, data, "contrasts", "MD", common=False)} == {NO_RATIO}
    assert {row["reason"] for row in e_value_rows(PAIR, data, "contrasts", "ROM", common=False)} == {OF_MEANS}
    counts = [arm_row("s1", "a", n=50, events="10"), arm_row("s1", "b", n=50, events="20")]
    counted = network_data(counts, ABC, "binomial_logit")
    (row,) = e_value_rows(counts, counted, "binomial_logit", "OR", common=True)
    assert row["estimate"] == pytest.approx((20 / 30) / (10 / 40), rel=0.05)
    assert row["as_risk_ratio"] == pytest.approx(np.sqrt(row["estimate"]))


@pytest.fixture(scope="module")
def shipped() -> Project:
    """Read the project as it is shipped."""
    return read_project(ROOT / "config/config.yaml")


def contrasts_of(project: Project, outcome: str = "os", **changes: object) -> dict[str, float]:
    """Direction of the bias by study, with the contrasts of a scheme replaced."""
    given = project.config.bias
    assert given is not None
    toward = changes.pop("toward", "newer")
    made = given.schemes["ici"].model_copy(update={"contrasts": BiasedContrasts(**changes), "toward": toward})  # pyright: ignore
    rows = used_rows(evidence_rows(project, "primary", outcome))
    return {study: value for study, _, _, value in biased_contrasts(project, made, outcome, rows)}


def test_schemes_of_the_shipped_network(shipped: Project) -> None:
    """By hand: lower is better, so that what flatters the newer arm makes a log hazard ratio smaller."""
    with_ici = dict.fromkeys(("ditan_2022", "ditan_2025", "nanchang_2022", "nanchang_2023"), -1.0)
    assert contrasts_of(shipped, component="ici") == with_ici
    assert contrasts_of(shipped, component="ici", toward="older") == dict.fromkeys(with_ici, 1.0)
    assert contrasts_of(shipped, more_components=True) == with_ici | {"severance_2024": -1.0}
    assert contrasts_of(shipped, design="retrospective_cohort") == with_ici | {"severance_2024": -1.0}
    assert contrasts_of(shipped, study="nanchang_2023") == {"nanchang_2023": -1.0}
    assert set(contrasts_of(shipped, "orr", study="nanchang_2023").values()) <= {1.0, -1.0}


def test_mixed_arms_have_a_bias_in_proportion_to_their_patients(shipped: Project) -> None:
    """Lenvatinib: 34 of 37 in one arm of ditan_2022 and 40 of 56 in the other."""
    found = contrasts_of(shipped, component="lenvatinib")
    assert found["ditan_2022"] == pytest.approx(-(40 / 56 - 34 / 37))
    assert found["nanchang_2023"] == -1.0
    assert "nanchang_2022" not in found


@pytest.mark.parametrize("outcome", ["orr", "os"])
def test_the_direction_follows_the_outcome(shipped: Project, outcome: str) -> None:
    """A higher response and a lower hazard flatter; arms of counts are compared with the first one."""
    followed = shipped.config.bias.model_copy(update={"outcomes": [outcome]}) if shipped.config.bias else None
    config = shipped.config.model_copy(update={"bias": followed})
    project = shipped.model_copy(update={"config": config})
    settings = bias_settings(project, outcome)
    better = 1.0 if outcome == "orr" else -1.0
    of_ici = {(study, treatment): value for study, treatment, _, value in settings.schemes[0].contrasts}
    assert settings.common_outcome == (outcome == "os")
    for (study, treatment), value in of_ici.items():
        holds = any(name.endswith("_ici") for name in shipped.sheets[study].arms[treatment].regimens)
        assert value == (better if holds else -better)


def test_biases_are_followed_in_the_outcomes_asked_for(shipped: Project) -> None:
    """By default in those of contrasts; the others have E-values alone."""
    assert shipped.config.bias_outcomes == ["os", "pfs"]
    assert [bool(bias_settings(shipped, name).schemes) for name in ("os", "orr", "response")] == [True, False, False]
    assert "bias_fan.csv" in doubt_tables(shipped, "primary", "pfs")
    assert not {"bias_fan.csv", "bias_tipping.csv"} & set(doubt_tables(shipped, "primary", "orr"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("bias:\n", "bias:\n  outcomes: [oss]\n", "bias.outcomes.0 = 'oss': unknown outcome; allowed: os"),
        ("bias:\n", "bias:\n  outcomes: [response]\n", "'response': allowed: outcomes without ordered categories"),
        ("{component: ici}", "{component: pdl1}", "contrasts.component = 'pdl1': unknown component; allowed: lenvat"),
        ("{study: nanchang_2023}", "{study: wuhan}", "contrasts.study = 'wuhan': unknown study; allowed: ditan_2022"),
        (
            "{design: retrospective_cohort}",
            "{design: randomised_trial}",
            "no sheet gives this design; allowed: retrospective_cohort",
        ),
        ("{component: ici}", "{component: ici, study: nanchang_2023}", "allowed: exactly one of component, more_comp"),
        ("toward: older", "toward: later", "toward"),
        ("sd: [0, 0.2, 0.4]", "sd: [0.4, 0.2]", "allowed: different numbers, ascending"),
        ("sd: [0, 0.2, 0.4]", "sd: [-1]", "bias.schemes.ici.sd.0 = -1: Input should be greater than or equal to 0"),
        ("common_outcomes: [os,", "common_outcomes: [oss,", "unknown outcome; allowed: os"),
    ],
)
def test_errors_are_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    """With the place, the value and what is allowed."""
    text = (ROOT / "config/config.yaml").read_text(encoding="utf-8")
    assert old in text
    text = text.replace("config/", f"{ROOT}/config/").replace(old, new, 1)
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_project(tmp_path / "config.yaml")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_notebook_asks_for_a_fan() -> None:
    """One bias toward a treatment is that of every contrast that it is in."""
    names = {"treatment": "treatment_arm", "comparator": "comparator_arm"}
    rows = pd.DataFrame(TRIANGLE).astype({"effect": float, "se": float})
    network = sl.Network.from_contrasts(
        rows[["study", *names.values(), "effect", "se"]],
        study="study",
        effect="effect",
        se="se",
        measure="HR",
        reference="a",
        **names,
    )
    fit = sl.fit(network, sl.Model(likelihood="normal", heterogeneity=False), priors=sl.Priors(effect=sl.normal(2.0)))
    fan = fit.bias_fan("b", mean=[0.0, 0.3], better="lower", studies=["s1"])
    assert list(fan["bias_mean"]) == [0.0, 0.3]
    own = list(fan_rows(declared(TRIANGLE, 0.0), B_OF_S1))
    assert list(fan["candidate_sucra"]) == pytest.approx([row["candidate_sucra"] for row in own])
    points = fit.bias_fan("b", mean=[0.0], better="lower", tipping=True)
    assert set(points["rule"]) == {SUCRA, MEAN, RUNNER_UP}
    with pytest.raises(UserError, match="toward"):
        fit.bias_fan("x", mean=[0.0], better="lower")


def test_all_candidates_are_ranked_where_too_few_are_placed() -> None:
    """With tau in doubt and four studies nobody is placed: the order is that of all, and nobody is named."""
    analysis = declared(TRIANGLE, tau=0.5)
    row = next(fan_rows(analysis, B_OF_S1))
    assert (row["not_named"], row["first"], row["runner_up"]) == (NOT_PLACED, "b", "c")
    points = {row["rule"]: row for row in tipping_rows(analysis, B_OF_S1)}
    assert {row["not_named"] for row in points.values()} == {NOT_PLACED}
    assert points[MEAN]["new_first"] == "c"
