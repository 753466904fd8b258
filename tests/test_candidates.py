"""Ranks among candidates, and who may be named first: hand-computed values and a made-up network."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from math import log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from secondline.evidence.selection import evidence_csv
from secondline.inference import exact
from secondline.inference.joint_posterior import JointPosterior
from secondline.inference.priors import PriorScales
from secondline.inference.widening import Covariances, prior_covariances
from secondline.jobs.settings import fit_settings, summary_settings
from secondline.network.arms import Arm
from secondline.network.data import network_data
from secondline.network.graph import groups
from secondline.project.config import Project
from secondline.summaries.candidates import COLUMNS, rank_candidates
from secondline.summaries.hierarchy import Comparison, Hierarchy, rank_cells
from secondline.summaries.ranking import rank_treatments
from secondline.summaries.relative_effects import relative_effects
from secondline.summaries.sensitivity import solve
from secondline.tables import read_table, write_text

from tests.networks import contrast_row, plain
from tests.test_ranking import posterior, posterior_with, settings


def evidence(names: str, driven: str = "") -> dict[tuple[str, str], str]:
    """Labels of all pairs: indirect, but for the prior-driven ones given as ``ab cd``."""
    pairs = {frozenset(pair) for pair in driven.split()}
    return {(t, c): "prior_driven" if {t, c} in pairs else "indirect" for t, c in permutations(names, 2)}


# Draws of four treatments, lower is better. Ranks of all: a 1 1 2 2, b 2 2 1 4, c 3 4 3 1, d 4 3 4 3.
DRAWS = {
    "a": np.array([-3.0, -4.0, -1.0, -2.0]),
    "b": np.array([-2.0, -3.0, -2.0, 1.0]),
    "c": np.array([-1.0, 0.0, -0.5, -3.0]),
    "d": np.array([0.0, -1.0, 0.0, 0.0]),
}


def among(effects: Mapping[str, np.ndarray], better: str = "lower") -> Callable[[Sequence[str]], Hierarchy]:
    """Hierarchies of draws by treatment."""
    names, draws = list(effects), JointPosterior.of_draws(np.stack(list(effects.values()), axis=1))
    compared = Comparison.of(draws, np.eye(len(names)), better)
    return lambda chosen: compared.among([names.index(name) for name in chosen])


def test_ranks_among_candidates_by_hand() -> None:
    """Without a: b is first, first, first, last; SUCRA 0.75 against 0.5 for c and 0.25 for d."""
    found = rank_candidates(among(DRAWS), list("bcd"), evidence("abcd"))
    rows = {name: found.row(name) for name in "abcd"}
    assert [rows[name]["candidate_mean_rank"] for name in "bcd"] == [1.5, 2.0, 2.5]
    assert [rows[name]["candidate_sucra"] for name in "bcd"] == [0.75, 0.5, 0.25]
    assert [rows[name]["candidate_p_best"] for name in "bcd"] == [0.75, 0.25, 0.0]
    assert [rows[name]["candidate_median_rank"] for name in "bcd"] == [1, 2, 2]
    ends = [(rows[n]["candidate_rank_lower"], rows[n]["candidate_rank_upper"]) for n in "bcd"]
    assert ends == [(1, 3), (1, 3), (2, 3)]
    assert (rows["b"]["candidate_sucra_lower"], rows["b"]["candidate_sucra_upper"]) == (0.0, 1.0)
    assert all(rows["a"][column] is None for column in COLUMNS if column.startswith("candidate"))
    # b has the lowest mean, -1.5 against -1.125, and beats c in three of four draws
    assert rows["b"]["candidate_first_by"] == "sucra p_best mean"
    assert [rows[name]["named_first"] for name in "abcd"] == [False, True, False, False]
    assert rows["b"]["not_named"] == ""
    everyone = dict(zip("abcd", rank_cells(among(DRAWS)("abcd")), strict=True))
    assert everyone["b"]["p_best"] == 0.25  # among all four: what a sentence on the candidates must not print


def test_one_that_the_priors_place_has_no_rank() -> None:
    """D is prior-driven against everyone: the others are ranked without it, and it takes no P(best)."""
    found = rank_candidates(among(DRAWS), list("abcd"), evidence("abcd", "ad bd cd"))
    assert found.row("d")["candidate_sucra"] is None
    assert sum(found.row(name)["candidate_p_best"] for name in "abc") == 1
    assert found.row("a")["named_first"]


def test_groups_that_only_priors_link() -> None:
    """Two against two: no group holds more than half, and nobody has a rank."""
    labels = evidence("abcd", "ac ad bc bd")
    assert groups(list("abcd"), labels) == [["a", "b"], ["c", "d"]]
    found = rank_candidates(among(DRAWS), list("abcd"), labels)
    assert found.not_named == "not_placed"
    assert not any(found.row(name)["named_first"] or found.row(name)["candidate_sucra"] for name in "abcd")
    chained = evidence("abcd", "ac ad bd")
    assert groups(list("abcd"), chained) == [list("abcd")]


def test_nobody_is_named_where_the_first_is_prior_driven_against_the_next() -> None:
    """Both have a rank, through a third; the effect that the first rank rests on is prior-driven."""
    found = rank_candidates(among(DRAWS), list("bcd"), evidence("bcd", "bc"))
    assert found.row("b")["candidate_sucra"] == 0.75
    assert found.not_named == "prior_driven"


def test_nobody_is_named_where_the_criteria_disagree() -> None:
    """B is best most often, a never last: P(best) puts b first, SUCRA and the mean a."""
    effects = {
        "a": np.array([-1.0, -1.0, -1.0, -1.0, -1.0]),
        "b": np.array([-2.0, -2.0, -2.0, 3.0, 3.0]),
        "c": np.array([1.0, 1.0, 1.0, 1.0, 1.0]),
        "d": np.array([2.0, 2.0, 2.0, 2.0, 2.0]),
    }
    found = rank_candidates(among(effects), list("abcd"), evidence("abcd"))
    # mean ranks: a (2 2 2 1 1) 1.6, b (1 1 1 4 4) 2.2
    assert found.row("a")["candidate_mean_rank"] == pytest.approx(1.6)
    assert found.row("a")["candidate_first_by"] == "sucra mean"
    assert found.row("b")["candidate_first_by"] == "p_best"
    assert found.not_named == "criteria_disagree"


@pytest.mark.parametrize(("better", "sign"), [("lower", 1.0), ("higher", -1.0)])
def test_nobody_is_named_below_a_probability_of_six_tenths(better: str, sign: float) -> None:
    """The first beats the next in 59 or in 60 of 100 draws, in either direction of the outcome."""
    for wins, reason in ((59, "p_better"), (60, "")):
        gap = sign * np.where(np.arange(100) < wins, -1.0, 1.0)
        found = rank_candidates(among({"a": gap, "b": np.zeros(100)}, better), ["a", "b"], evidence("ab"))
        assert found.not_named == reason
        assert found.row("a")["named_first"] == (not reason)


def test_nothing_to_choose_from() -> None:
    """No candidate, or one alone: nobody is first among nobody."""
    assert rank_candidates(among(DRAWS), [], evidence("abcd")).not_named == "no_candidate"
    alone = rank_candidates(among(DRAWS), ["a"], evidence("abcd"))
    assert alone.not_named == "one_candidate"
    assert alone.row("a")["candidate_sucra"] is None


@given(st.integers(0, 10_000), st.sets(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=10))
def test_nobody_named_is_weak(seed: int, driven: set[tuple[int, int]]) -> None:
    """Whoever is named is first by every criterion, clearly before the next and not by the prior; at most one is."""
    names = "abcde"
    rng = np.random.default_rng(seed)
    effects = {name: rng.normal(rng.normal(), rng.uniform(0.1, 2), 200) for name in names}
    labels = evidence(names, " ".join(names[i] + names[j] for i, j in driven if i != j))
    found = rank_candidates(among(effects), list(names), labels)
    named = [name for name in names if found.row(name)["named_first"]]
    assert len(named) == (0 if found.not_named else 1)
    ranked = [name for name in names if found.row(name)["candidate_sucra"] is not None]
    assert not ranked or 2 * len(ranked) > len(names)
    assert not ranked or sum(found.row(name)["candidate_p_best"] for name in ranked) == pytest.approx(1)
    for first in named:
        order = sorted(ranked, key=lambda name: -found.row(name)["candidate_sucra"])
        assert order[0] == first
        assert found.row(first)["candidate_p_best"] == max(found.row(name)["candidate_p_best"] for name in ranked)
        assert effects[first].mean() == min(effects[name].mean() for name in ranked)
        assert labels[first, order[1]] != "prior_driven"
        assert np.mean(effects[first] < effects[order[1]]) >= 0.6


def test_a_made_up_network_names_nobody_by_its_prior() -> None:
    """The same draws, named on data and not named once doubling tau's prior widens them; the ranks of all stay."""
    arms = [Arm(f"s{name}", arm, {arm: 20}, {}, 20) for name in "bc" for arm in ("a", name)]
    draws = np.random.default_rng(3).normal([-1.0, -0.4], [0.2, 0.2], (2000, 2))
    base, chosen = posterior(draws), settings("lower", not_candidates={})
    fitted = base.covariances.pooled["fitted"]
    driven = replace(
        base,
        covariances=Covariances.without_error(
            {"fitted": fitted, "effect_doubled": fitted, "tau_doubled": fitted * 1.77**2}
        ),
    )
    for given_, named in ((base, ["b"]), (driven, [])):
        relative = relative_effects(given_, arms, plain("abc"), chosen)
        ranking, _ = rank_treatments(given_, arms, plain("abc"), chosen, relative)
        assert [row["treatment"] for row in ranking if row["named_first"]] == named
        assert max(ranking, key=lambda row: row["sucra"])["treatment"] == "b"
    assert {row["evidence"] for row in relative} == {"prior_driven"}
    assert {row["prior_sensitivity_prior"] for row in relative} == {"tau"}
    assert {row["not_named"] for row in ranking} == {"not_placed"}


def solved(project: Project, outcome: str, folder: Path) -> list[dict[str, str]]:
    """Contrasts of the headline model of a shipped outcome, with the ranks of their treatments, by the exact engine."""
    write_text(folder / "evidence.csv", evidence_csv(project, "primary", outcome))
    fit = fit_settings(project, "primary", outcome)
    fit = replace(fit, models={"pooled": fit.models["pooled"]})
    solve(str(folder / "evidence.csv"), fit, summary_settings(project, outcome), str(folder / "exact.csv"))
    return read_table(folder / "exact.csv")


# Who may be named first in shipped outcomes: hardly anybody. In PFS what tells the first from the next widens by more
# than a fifth with the prior of tau. After atezolizumab + bevacizumab no regimen with an ICI is a candidate.
NAMED = {
    "os": {"lenvatinib_failure": "regorafenib_ici"},
    "pfs": {},
    "dcr": {"lenvatinib_failure": "regorafenib_ici"},
}


@pytest.mark.parametrize("outcome", ["os", "pfs", pytest.param("dcr", marks=pytest.mark.slow)])
def test_nobody_weak_is_named_in_the_shipped_network(project: Project, outcome: str, tmp_path: Path) -> None:
    """No failed drug, no prior-driven first, and nobody where the candidates are too close."""
    rows = solved(project, outcome, tmp_path)
    named = {row["setting"]: row["treatment"] for row in rows if row["named_first"] == "true"}
    assert named == NAMED[outcome]
    for setting in project.treatments.settings:
        barred = project.treatments.barred(setting)
        here = [row for row in rows if row["setting"] == setting]
        assert not any(row["candidate_sucra"] for row in here if row["treatment"] in barred)
        assert not any(row["candidate_sucra"] for row in here if row["treatment"] == "other_tki_ici")
        if setting in named:
            placed = {row["treatment"]: float(row["candidate_sucra"]) for row in here if row["candidate_sucra"]}
            first, following = sorted(placed, key=lambda name: -placed[name])[:2]
            (effect,) = [row for row in here if (row["treatment"], row["comparator"]) == (first, following)]
            assert first == named[setting]
            assert effect["evidence"] != "prior_driven"
            assert float(effect["p_better"]) >= 0.6


# Hazard ratios with 95% limits of a public forum question, almost a tree: treatment, comparator, ratio, limits.
RATIOS = [
    ("d", "x", 0.83, 0.70, 0.99),
    ("a", "x", 1.39, 1.21, 1.61),
    ("b", "v", 0.95, 0.77, 1.18),
    ("c", "x", 1.07, 0.93, 1.23),
    ("d", "x", 1.01, 0.80, 1.27),
    ("e", "x", 1.11, 0.90, 1.36),
    ("a", "v", 1.75, 1.37, 2.22),
]


def test_what_leans_on_the_prior_of_tau_alone_is_prior_driven_and_names_nobody() -> None:
    """Doubling the prior of tau widens a against x by 77%: one study compared them directly, and nobody is first."""
    structure = plain("xabcdev")
    cells = [
        (f"s{k}", t, c, log(hr), log(high / low) / (2 * 1.959964)) for k, (t, c, hr, low, high) in enumerate(RATIOS)
    ]
    data, scales = (
        network_data([contrast_row(*cell) for cell in cells], structure, "contrasts"),
        PriorScales(100.0, 5.0, 0.0, 2.5),
    )
    grid = exact.posterior(data, scales)
    rows = data.predictor.effect_rows()
    covariances = prior_covariances(data, scales, grid)
    found = posterior_with(grid.draws(2000, 1)[0], rows, 100.0, scales=scales, covariances=covariances)
    arms = [Arm(study, name, {name: 1}, {}, 0) for study, t, c, _, _ in cells for name in (t, c)]
    chosen = settings("lower", reference="x", not_candidates={})
    relative = relative_effects(found, arms, structure, chosen, predict=False)
    (effect,) = [row for row in relative if (row["treatment"], row["comparator"]) == ("a", "x")]
    assert effect["prior_sensitivity"] == pytest.approx(0.77, abs=0.005)
    assert (effect["prior_sensitivity_prior"], effect["evidence"]) == ("tau", "prior_driven")
    ranking, _ = rank_treatments(found, arms, structure, chosen, relative)
    assert {row["not_named"] for row in ranking} == {"not_placed"}
    assert not any(row["named_first"] for row in ranking)
