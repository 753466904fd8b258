"""Specification curves of the library: rows are fits, counts add up, and mistakes are one line."""

from collections.abc import Callable
from functools import cache
from math import sqrt
from typing import Any

import pandas as pd
import pytest
import secondline as sl

from tests.conftest import ROOT
from tests.test_library import BINOMIAL, NORMAL, arms, contrasts

PRIORS = sl.Priors(tau=sl.half_normal(5))
CHOICES: dict[str, Any] = {"tau": [None, sl.half_normal(1), sl.half_normal(5)], "left_out": True}
_DRAWS = 10_000
_CLOSE = 1e-3  # of effects and probabilities: both engines are exact to about as much


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples are named relative to the project."""
    monkeypatch.chdir(ROOT)


def parkinsons(without: str = "") -> sl.Network:
    """Means of off-time, without a study."""
    frame = sl.example("parkinsons_arms")
    return sl.Network.from_arms(
        frame[frame["study"] != without], study="study", treatment="treatment", mean="mean", sd="sd", n="n",
        reference="placebo",
    )  # fmt: skip


@cache
def fitted() -> sl.Result:
    """Parkinson's disease with half_normal(5)."""
    return sl.fit(parkinsons(), NORMAL, priors=PRIORS)


def assert_row_is_fit(row: Any, result: sl.Result, better: str) -> None:
    """Compare first, runner-up, SUCRA, P(best), effects and P(better) of a specification with those of a fit.

    SUCRA and P(best) of a fit come from its draws.
    """
    ranked = result.ranking(better=better).query("setting == @row.setting and candidate_sucra.notna()")
    ranked = ranked.sort_values("candidate_sucra", ascending=False)
    assert row.placed == len(ranked)
    if not row.placed:
        assert (row.first, row.not_named) == ("", "not_placed")
        return
    assert (row.first, row.runner_up) == tuple(ranked["treatment"].iloc[:2])
    assert row.named == ranked["named_first"].iloc[0]
    error = 5 * 0.5 / sqrt(_DRAWS) + _CLOSE
    assert row.sucra == pytest.approx(ranked["candidate_sucra"].iloc[0], abs=error)
    assert row.p_best == pytest.approx(ranked["candidate_p_best"].iloc[0], abs=error)
    effects = result.relative_effects(better=better).query("setting == @row.setting")
    effects = effects.set_index(["treatment", "comparator"])
    against = effects.loc[(row.first, row.runner_up)]
    spread = against["sd"] / sqrt(_DRAWS)
    assert row.effect == pytest.approx(against["mean"], abs=5 * spread + _CLOSE)
    assert row.p_better == pytest.approx(against["p_better"], abs=error)
    if row.first != row.reference:
        against = effects.loc[(row.first, row.reference)]
        spread = against["sd"] / sqrt(_DRAWS)
        assert row.reference_effect == pytest.approx(against["mean"], abs=5 * spread + _CLOSE)


def test_the_declared_row_is_the_ranking_of_the_fit() -> None:
    """It comes first, and its levels are those of the fit."""
    declared = next(fitted().specifications("lower", **CHOICES).itertuples())
    assert (declared.declared, declared.axis_tau, declared.axis_left_out) == (True, "half_normal(5)", "all_studies")
    assert_row_is_fit(declared, fitted(), "lower")


def test_a_study_left_out_is_a_fit_of_the_others() -> None:
    """With each prior of tau; without Guttman 1997 and with a vague one, neither ranks the candidates."""
    rows = fitted().specifications("lower", **CHOICES).set_index(["axis_left_out", "axis_tau"])
    for study in fitted().network.studies:
        for prior in CHOICES["tau"]:
            (row,) = rows.loc[[(f"without_{study}", str(prior or "none"))]].itertuples()
            model = sl.Model(likelihood="normal", heterogeneity=prior is not None)
            assert_row_is_fit(row, sl.fit(parkinsons(study), model, priors=sl.Priors(tau=prior or PRIORS.tau)), "lower")
    nobody = rows.query("placed == 0").index
    assert [study for study, _ in nobody] == ["without_Guttman 1997"] * len(nobody)
    assert ("without_Guttman 1997", "half_normal(5)") in nobody


def effects(a: float, b: float, **more: Any) -> sl.Network:
    """Read two contrasts with these effects."""
    return contrasts({"y": [a, b]}, **more)


def test_figures_of_studies_are_crossed_and_counted() -> None:
    """By hand: (declared, same, moved, left out) x (declared, moved, left out) x 2 models that are one.

    Of 24 combinations the two without any study are invalid. The figures that are the same repeat 6 analyses, and the
    model that is the same half of the others.
    """
    priors = sl.Priors(tau=sl.half_normal(0.05))
    fit = sl.fit(effects(0.1, 0.2), NORMAL, priors=priors)
    choices: dict[str, Any] = {
        "figures": {"A": {"same": effects(0.1, 9), "moved": effects(1.0, 9)}, "B": {"moved": effects(9, -1.0)}},
        "left_out": True,
        "models": {"by regimen": sl.Model(likelihood="normal", regimen_level=True)},
    }
    (counts,) = fit.specifications("lower", **choices, kind="counts").itertuples()
    rows = fit.specifications("lower", **choices)
    assert (counts.product, counts.combinations, counts.invalid, counts.duplicates) == (24, 24, 2, 14)
    assert counts.invalid_because == "2: no study gives evidence"
    assert len(rows) == counts.specifications == counts.product - counts.duplicates - counts.invalid
    assert rows["weight"].sum() == pytest.approx(1)
    assert list(rows["axis_A"].unique()) == ["declared", "left_out", "moved"]
    for a, b in ((0.1, 0.2), (1.0, 0.2), (0.1, -1.0), (1.0, -1.0)):
        levels = ["declared" if a == 0.1 else "moved", "declared" if b == 0.2 else "moved"]
        (row,) = rows[(rows[["axis_A", "axis_B"]] == levels).all(axis=1)].itertuples()
        assert_row_is_fit(row, sl.fit(effects(a, b), NORMAL, priors=priors), "lower")
    flips = fit.specifications("lower", **choices, kind="flips").query("change == 'another_first'")
    (flip,) = flips.query("size == 1").itertuples()
    assert (flip.axis_1, flip.level_1, flip.declared_first, flip.first) == ("B", "moved", "p", "y")


def test_models_are_those_of_the_fits() -> None:
    """The shipped network by regimen, with a class contrast, and with a common effect, in every setting."""
    net = sl.Network.from_config("config/config.yaml", analysis="primary", outcome="os")
    priors = sl.Priors(effect=sl.normal(1.5), tau=sl.half_normal(0.5))
    models = {
        "by regimen": sl.Model(likelihood="normal", regimen_level=True),
        "class contrast": sl.Model(likelihood="normal", mixed_arms="class_contrast"),
        "common effect": sl.Model(likelihood="normal", heterogeneity=False),
        "shrunken": sl.Model(likelihood="normal", exchangeable_interactions=("ici", 0.3)),
    }
    fit = sl.fit(net, NORMAL, priors=priors)
    rows = fit.specifications(models=models)
    assert len(rows) == 5 * (1 + len(net.structure.settings))
    for name, model in {"declared": NORMAL, **models}.items():
        result = sl.fit(net, model, priors=priors)
        for row in rows[rows["axis_model"] == name].itertuples():
            assert_row_is_fit(row, result, "lower")


def smoking(without: str = "") -> sl.Network:
    """Smoking cessation without a study."""
    frame = sl.example("smoking")
    return sl.Network.from_arms(
        frame[frame["study"] != without], study="study", treatment="treatment", events="events", n="n",
        reference="no_contact",
    )  # fmt: skip


def test_counts_are_solved_one_by_one() -> None:
    """A narrower prior and a study left out are their fits; the row says the engine and its error."""
    tau, narrow = sl.half_normal(5), sl.half_normal(0.5)
    fit = sl.fit(smoking(), BINOMIAL, priors=sl.Priors(tau=tau))
    rows = fit.specifications("higher", tau=[narrow], left_out="9")
    assert list(rows["engine"].unique()) == ["importance"]
    assert (rows["error"] > 0).all()
    for row in rows.itertuples():
        without = "9" if row.axis_left_out == "without_9" else ""
        prior = narrow if row.axis_tau == str(narrow) else tau
        assert_row_is_fit(row, sl.fit(smoking(without), BINOMIAL, priors=sl.Priors(tau=prior)), "higher")
    assert len(rows) == 4


def test_a_curve_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tables are of the same curve; other choices, or another direction, are another."""
    fit, solved = sl.fit(effects(0.1, 0.2), NORMAL), []
    from secondline.api import specifying

    whole = specifying.specification_curve
    monkeypatch.setattr(specifying, "specification_curve", lambda *given: solved.append(given) or whole(*given))
    tables = {kind: fit.specifications("lower", tau=[None], kind=kind) for kind in specifying.KINDS}
    assert len(solved) == 1
    assert tables["specifications"]["declared"].tolist() == [True, False]
    assert tables["counts"]["specifications"].tolist() == [2]
    first = tables["levels"].query("axis == '' and treatment == 'p'")
    assert first["share_first"].item() == (tables["specifications"]["first"] == "p").mean()
    fit.specifications("higher", tau=[None])
    fit.specifications("higher", tau=[sl.half_normal(2)])
    assert len(solved) == 3


def test_beyond_the_limit_a_sample_is_drawn() -> None:
    """And the table says so."""
    models = {"by regimen": sl.Model(likelihood="normal", regimen_level=True)}
    counts = fitted().specifications("lower", **CHOICES, models=models, limit=12, kind="counts").iloc[0]
    assert counts["sampled"]
    assert counts["product"] == 48 > counts["combinations"]


def asked(**choices: Any) -> Callable[[], pd.DataFrame]:
    """Ask two contrasts."""
    return lambda: sl.fit(contrasts(), NORMAL).specifications("lower", **choices)


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "nothing": (
        asked(),
        "there is no choice but the declared one; allowed: others of tau, left_out, figures or models",
    ),
    "the declared prior alone": (asked(tau=[sl.half_normal(5)]), "there is no choice but the declared one"),
    "a number for a prior": (
        asked(tau=[1.0]),
        "tau = 1.0: allowed: half_normal(scale), uniform(upper), half_cauchy(scale)",
    ),
    "no such table": (asked(left_out=True, kind="rows"), "kind = 'rows': allowed: specifications, levels, shares"),
    "no such study": (asked(left_out=["C"]), "left_out = 'C': allowed: A, B"),
    "figures of nobody": (asked(figures={"C": {"x": contrasts()}}), "figures = 'C': allowed: A, B"),
    "a data frame for a network": (
        asked(figures={"A": {"x": pd.DataFrame()}}),
        "figures = 'x': allowed: a Network of secondline with study A",
    ),
    "figures of another study": (
        asked(figures={"A": {"x": contrasts({"study": ["C", "D"]})}}),
        "figures = 'x': allowed: a Network of secondline with study A",
    ),
    "figures of another measure": (
        asked(figures={"A": {"x": contrasts(measure="HR")}}),
        "measure = 'HR': allowed: OR, as of the fit",
    ),
    "figures of other treatments": (
        asked(figures={"A": {"x": contrasts({"t": ["z", "y"]})}}),
        "figures = 'z': study A has a treatment that the network does not have; allowed: p, x, y",
    ),
    "a name that is taken": (asked(figures={"A": {"left_out": contrasts()}}), "allowed: a name other than declared"),
    "no model": (asked(models={"x": "fixed"}), "models = 'x': allowed: a Model of secondline, not str"),
    "another likelihood": (
        asked(models={"x": BINOMIAL}),
        "models = 'x': allowed: the likelihood of the fit, normal with identity link",
    ),
    "tau twice": (
        asked(models={"x": sl.Model(likelihood="normal", heterogeneity=False)}, tau=[sl.half_normal(1)]),
        "axes model and tau both choose tau; allowed: one axis for each choice",
    ),
    "a model of what is not there": (
        asked(models={"x": sl.Model(likelihood="normal", settings=True)}),
        "settings = True: the network has no settings",
    ),
    "no limit": (asked(tau=[None], limit=0), "limit = 0: allowed: a whole number, 1 or more"),
    "no cores": (asked(tau=[None], cores=0), "cores = 0: allowed: a whole number, 1 or more"),
    "no direction": (
        lambda: sl.fit(arms(), BINOMIAL).specifications(tau=[None]),
        "better: which direction is better for the patient?",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line(name: str) -> None:
    """It names what was given and what is allowed."""
    act, expected = MISTAKES[name]
    with pytest.raises(sl.UserError) as raised:
        act()
    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)
