"""The specification curve: against the unbatched engine, its counts and tables, and what they must always satisfy."""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from secondline.doubt import specification_tables as tables
from secondline.doubt.curve import Curve, specification_curve
from secondline.doubt.decision import decide
from secondline.doubt.factorial import Factorial, ordered
from secondline.doubt.question import Question
from secondline.doubt.settings import Axis, Level, SpecificationSettings
from secondline.doubt.shares import variance_shares
from secondline.doubt.specifications import explore
from secondline.errors import UserError
from secondline.evidence.selection import evidence_rows
from secondline.inference.kernels import contest
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import solve
from secondline.inference.settings import FitSettings, ModelSettings, SamplerPlan, SamplerSettings
from secondline.inference.task import Fit
from secondline.inference.widening import prior_covariances
from secondline.jobs.settings import fit_settings, summary_settings
from secondline.network.arms import used_arms
from secondline.network.data import network_data
from secondline.network.leaving_out import without
from secondline.network.predictor import Effects
from secondline.network.structure import Structure
from secondline.project.read import read_project
from secondline.sd_points import ABSENT
from secondline.sd_priors import HalfNormal, LogNormal
from secondline.tables import write_table

from tests.networks import contrast_row, simulate
from tests.settings import ABC, summary

CONFIG = Path(__file__).parents[1] / "config/config.yaml"
Row = Mapping[str, str]
_ATTEMPT = SamplerSettings(draws=10, tune=10, target_accept=0.9)
FIT = FitSettings(
    analysis="primary",
    outcome="y",
    likelihood="contrasts",
    treatments=ABC,
    models={
        "random": ModelSettings(effects=Effects(), prior=PriorScales(effect=1.5, tau=0.5, omega=0.0, baseline=2.5))
    },
    sampler=SamplerPlan(chains=1, first=_ATTEMPT, retry=_ATTEMPT),
    seed=1,
)
TAU = Axis(
    name="heterogeneity",
    levels=(
        Level(name="declared", declared=True),
        Level(name="fixed", tau=ABSENT),
        Level(name="wide", tau=HalfNormal(1.0)),
    ),
)
MIXED = Axis(
    name="mixed_arms",
    levels=(
        Level(name="patient_weights", declared=True, mixed_arms="patient_weights"),
        Level(name="class_contrast", mixed_arms="class_contrast"),
    ),
)


@cache
def rows() -> list[dict[str, str]]:
    """Simulate four studies of three treatments, one of three arms."""
    found = simulate(
        "contrasts", [["a", "b"], ["a", "c"], ["b", "c"], ["a", "b", "c"]], {"a": 0, "b": -0.4, "c": -0.3}, 0.1, 5
    )
    return [dict(row) for row in found]


def studies() -> list[str]:
    """Names of the studies."""
    return list(dict.fromkeys(row["study"] for row in rows()))


def shifted(study: str, by: float) -> list[dict[str, str]]:
    """Rows of a study with its effects moved."""
    return [{**row, "effect": repr(float(row["effect"]) + by)} for row in rows() if row["study"] == study]


def study_axis(study: str, by: float) -> tuple[Axis, list[Row]]:
    """Axis of a study: as it is, moved, left out; with its rows of alternatives."""
    names = ("as_declared", "moved", "left_out")
    axis = Axis(name=study, levels=tuple(Level(name=n, studies=(study,), declared=n == names[0]) for n in names))
    own = [row for row in rows() if row["study"] == study]
    by_level = zip(names, (own, shifted(study, by), [{**row, "used": "false"} for row in own]), strict=True)
    return axis, [{**row, "axis": study, "level": name} for name, level in by_level for row in level]


def curve(axes: Sequence[Axis], alternatives: Sequence[Row], **given: int) -> Curve:
    """Compute the curve of the simulated network."""
    return specification_curve(
        rows(), alternatives, FIT, summary(), "random", SpecificationSettings(axes=tuple(axes), **given)
    )


@cache
def example() -> tuple[Curve, tuple[Axis, ...], tuple[Row, ...]]:
    """All studies moved or left out, three priors, and an axis that changes nothing."""
    found = [study_axis(study, 0.3 * (-1) ** k) for k, study in enumerate(studies())]
    axes = (*(axis for axis, _ in found), TAU, MIXED)
    alternatives = tuple(row for _, level in found for row in level)
    return curve(axes, alternatives), axes, alternatives


def test_combinations_are_specifications_duplicates_and_invalid_ones() -> None:
    """By hand: 3^4 x 3 x 2 combinations; without mixed arms half are duplicates; without studies 6 are invalid.

    Without any but one study of two arms, tau and the rest still make a specification of their own.
    """
    (row,) = tables.count_rows(example()[0])
    assert row["product"] == row["combinations"] == 3**4 * 3 * 2
    assert (row["invalid"], row["invalid_because"]) == (6, "6: no study gives evidence")
    assert row["duplicates"] == (3**4 - 1) * 3
    assert row["specifications"] == row["product"] - row["duplicates"] - row["invalid"]
    assert not row["sampled"]


def test_a_level_that_cannot_be_modelled_is_counted_with_its_reason() -> None:
    """A correlation of two studies that leaves their covariance singular; as often as the other axis has levels."""
    pair = studies()[0], studies()[3]
    impossible = Level(name="singular", overlap={pair: 0.999999})
    overlap = Axis(name="overlap", levels=(Level(name="independent", declared=True, overlap={}), impossible))
    (row,) = tables.count_rows(curve([overlap, TAU], []))
    assert (row["product"], row["invalid"], row["specifications"]) == (6, 3, 3)
    assert row["invalid_because"].startswith("3: ")
    assert all(study in row["invalid_because"] for study in pair)


def rows_of(combination: Mapping[str, str], alternatives: Sequence[Row]) -> list[Row]:
    """Collect the rows of one specification independently of the code under test."""
    return [row for row in alternatives if combination.get(row["axis"]) == row["level"] and row["used"] == "true"]


def test_random_specifications_are_those_of_the_unbatched_engine() -> None:
    """First, runner-up, named or why not, SUCRA, P(better), mean effect."""
    found, _, alternatives = example()
    axes, structure = found.factorial.axes, Structure.of(ABC)
    scales = {"declared": 0.5, "fixed": 0.0, "wide": 1.0}
    for k in np.random.default_rng(1).choice(len(found.combinations), 30, replace=False):
        names = {axis.name: axis.levels[level].name for axis, level in zip(axes, found.combinations[k], strict=True)}
        evidence = rows_of(names, alternatives)
        prior = replace(FIT.models["random"].prior, tau=scales[names["heterogeneity"]])
        fit = Fit(network_data(evidence, structure, "contrasts", Effects()), prior)
        posterior = solve(fit.data, prior).posterior
        assert posterior is not None
        covariances = prior_covariances(fit.data, prior, posterior)
        assert covariances is not None
        (decision,) = decide(Question.of(fit, used_arms(evidence), summary()), posterior, covariances)
        place, number = found.answers.places[k, 0], found.answers.numbers[k, 0]
        named = [*found.regimens, ""]
        assert place[contest.PLACED] == len(decision.placed)
        assert (named[place[contest.FIRST]], named[place[contest.RUNNER_UP]]) == (decision.first, decision.runner_up)
        assert tables.REASONS[place[contest.REASON]] == decision.not_named
        if decision.placed:
            assert number[contest.SUCRA] == pytest.approx(decision.sucra.max(), abs=1e-3)
            assert number[contest.P_BETTER] == pytest.approx(decision.p_first, abs=1e-3)
            first, second = decision.order[:2]
            assert number[contest.EFFECT] == pytest.approx(decision.means[first] - decision.means[second], abs=1e-3)


def test_leaving_a_study_out_is_leaving_it_out() -> None:
    """The effect of the lead contrast is that of the network without the study."""
    found, *_ = example()
    axes = found.factorial.axes
    data = network_data(rows(), Structure.of(ABC), "contrasts", Effects())
    first, second, _ = found.lead[0]
    for k, study in enumerate(studies()):
        wanted = np.array(
            [
                int(axis.name == study) * [lv.name for lv in axis.levels].index("left_out") if axis.name == study else 0
                for axis in axes
            ]
        )
        specification = found.distinct.of[found.factorial.places(wanted)]
        posterior = solve(without(data, k), FIT.models["random"].prior).posterior
        assert posterior is not None
        effects = data.predictor.effect_rows()[0]
        expected = posterior.mixture((effects[first] - effects[second])[None]).mean()[0]
        assert found.answers.numbers[specification, 0, contest.LEAD] == pytest.approx(expected, abs=1e-5)


def test_the_order_of_axes_and_levels_changes_nothing() -> None:
    """Every table is the same."""
    found, axes, alternatives = example()
    turned = [replace(axis, levels=axis.levels[::-1]) for axis in axes[::-1]]
    again = curve(turned, alternatives)
    assert list(tables.specifications_csv(again)) == list(tables.specifications_csv(found))
    assert tables.level_rows(again) == tables.level_rows(found)
    assert repr(tables.flip_rows(again)) == repr(tables.flip_rows(found))
    assert repr(tables.share_rows(again)) == repr(tables.share_rows(found))


def test_shares_of_first_rank_sum_to_one_and_weight_0_removes_a_level() -> None:
    """In every level, over treatments; a level of weight 0 is nowhere."""
    _, axes, alternatives = example()
    tau = replace(TAU, levels=tuple(replace(level, weight=float(level.name != "wide")) for level in TAU.levels))
    found = curve([*axes[:2], tau], alternatives)
    table = pd.DataFrame(tables.level_rows(found))
    sums = table.groupby(["setting", "axis", "level"])["share_first"].sum()
    assert sums.to_numpy() == pytest.approx(1.0)
    assert "wide" not in set(table["level"])
    assert len(found.combinations) == 3 * 3 * 2


def test_a_single_flip_is_found_with_no_pair_that_holds_it() -> None:
    """The study of b and c, moved by 0.8 in favour of c without heterogeneity, alone puts c before b."""
    study = studies()[2]
    axis, alternatives = study_axis(study, -0.8)
    other, others = study_axis(studies()[0], 0.01)
    fixed = replace(TAU, levels=tuple(replace(level, declared=level.name == "fixed") for level in TAU.levels))
    found = curve([axis, other, fixed], [*alternatives, *others])
    flips = [row for row in tables.flip_rows(found) if row["change"] == tables.ANOTHER]
    single = [row for row in flips if row["size"] == 1]
    assert [(row["axis_1"], row["level_1"]) for row in single if row["axis_1"] == study] == [(study, "moved")]
    assert all(row["first"] == "c" for row in single if row["axis_1"] == study)
    assert all(row["first"] != "b" and row["declared_first"] == "b" for row in flips)
    alone = {(row["axis_1"], row["level_1"]) for row in single}
    for row in flips:
        if row["size"] == 2:
            assert not {(row["axis_1"], row["level_1"]), (row["axis_2"], row["level_2"])} & alone


def test_flips_of_one_and_two_choices_are_complete() -> None:
    """Every combination of the curve with one or two other choices, looked at one by one, gives the rows of the table.

    The studies move far enough, and without heterogeneity, that both single choices and pairs put another first.
    """
    by = zip(studies(), (0.45, -0.1, -0.35, 0.2), strict=True)
    axes, alternatives = zip(*(study_axis(study, shift) for study, shift in by), strict=True)
    fixed = replace(TAU, levels=tuple(replace(level, declared=level.name == "fixed") for level in TAU.levels))
    found = curve([*axes, fixed], [row for rows_ in alternatives for row in rows_])
    named = [*found.regimens, ""]
    expected: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    for size in (1, 2):
        for levels, k in zip(found.factorial.levels, found.distinct.of, strict=True):
            if (levels > 0).sum() != size or k < 0:
                continue
            first = named[found.answers.places[k, 0, contest.FIRST]]
            if first == named[found.answers.places[0, 0, contest.FIRST]]:
                continue
            change = tables.ANOTHER if first else tables.NOBODY
            chosen = frozenset(
                (axis.name, axis.levels[level].name)
                for axis, level in zip(found.factorial.axes, levels, strict=True)
                if level
            )
            if not any((change, frozenset([choice])) in expected for choice in chosen):
                expected.add((change, chosen))
    rows = tables.flip_rows(found)
    listed = [
        (row["change"], frozenset((row[f"axis_{i}"], row[f"level_{i}"]) for i in range(1, row["size"] + 1)))
        for row in rows
    ]
    assert len(listed) == len(set(listed))
    assert set(listed) == expected
    assert {row["size"] for row in rows if row["change"] == tables.ANOTHER} == {1, 2}


def test_two_choices_that_change_nothing_alone_change_pfs_together() -> None:
    """nanchang_2023 by its medians and ditan_2025 by its regimens put lenvatinib with an ICI first."""
    project = read_project(CONFIG)
    evidence, axes, alternatives = evidence_rows(project, "primary", "pfs"), [], []
    for study, analysis in (("nanchang_2023", "nanchang_2023_medians"), ("ditan_2025", "regimen_level")):
        by_level = {"primary": evidence, analysis: evidence_rows(project, analysis, "pfs")}
        levels = (Level(name=name, studies=(study,), declared=name == "primary") for name in by_level)
        axes.append(Axis(name=study, levels=tuple(levels)))
        alternatives += [
            {**r, "axis": study, "level": n} for n, found in by_level.items() for r in found if r["study"] == study
        ]
    fit, asked = fit_settings(project, "primary", "pfs"), summary_settings(project, "pfs")
    found = specification_curve(evidence, alternatives, fit, asked, "pooled", SpecificationSettings(axes=tuple(axes)))
    flips = [row for row in tables.flip_rows(found) if row["setting"] == "overall" and row["change"] == tables.ANOTHER]
    (flip,) = flips
    assert (flip["size"], flip["declared_first"], flip["first"]) == (2, "regorafenib_ici", "lenvatinib_ici")


def plain_axes(sizes: Sequence[int]) -> tuple[Axis, ...]:
    """Axes with levels that choose nothing, with unequal weights."""
    return ordered(
        SpecificationSettings(
            axes=tuple(
                Axis(
                    name=f"x{a}",
                    levels=tuple(Level(name=f"l{k}", declared=k == 0, weight=1.0 + k) for k in range(size)),
                )
                for a, size in enumerate(sizes)
            )
        )
    )


@hypothesis_settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(2, 4), min_size=2, max_size=4), st.integers(0, 2**20))
def test_an_additive_function_has_the_shares_of_its_terms(sizes: list[int], seed: int) -> None:
    """First-order and total shares are equal, sum to 1, and are those of the terms."""
    factorial = Factorial.whole(plain_axes(sizes))
    terms = [np.random.default_rng([seed, a]).normal(size=size) for a, size in enumerate(sizes)]
    values = sum(term[factorial.levels[:, a]] for a, term in enumerate(terms))
    weights = [np.arange(1.0, size + 1) / np.arange(1.0, size + 1).sum() for size in sizes]
    variances = np.array([w @ (t - w @ t) ** 2 for w, t in zip(weights, terms, strict=True)])
    found = variance_shares(factorial, np.asarray(values))
    assert found.variance == pytest.approx(variances.sum())
    assert found.first_order == pytest.approx(variances / variances.sum())
    assert found.total == pytest.approx(variances / variances.sum(), abs=1e-9)


def test_an_interaction_is_in_the_total_share_alone() -> None:
    """The product of two centred signs: no first-order share, a total share of 1 for both, and none for the third."""
    axes = tuple(replace(a, levels=tuple(replace(lv, weight=1.0) for lv in a.levels)) for a in plain_axes([2, 2, 3]))
    factorial = Factorial.whole(axes)
    found = variance_shares(factorial, np.asarray((-1.0) ** (factorial.levels[:, 0] + factorial.levels[:, 1])))
    assert found.first_order == pytest.approx([0, 0, 0], abs=1e-12)
    assert found.total == pytest.approx([1, 1, 0], abs=1e-12)


def test_a_sample_estimates_the_shares_and_holds_the_neighbours() -> None:
    """Of 4^8 combinations 4,000: shares within 0.05 of the truth, every one- and two-choice neighbour listed."""
    axes = plain_axes([4] * 8)
    factorial = Factorial.sample(axes, 4000, 1)
    assert len(factorial.levels) <= 4000
    assert factorial.weights.sum() == pytest.approx(1)
    near = (factorial.levels > 0).sum(axis=1)
    assert [(near == k).sum() for k in (0, 1, 2)] == [1, 24, 9 * 28]
    assert not factorial.levels[0].any()
    scores = np.arange(1.0, 9.0)
    found = variance_shares(factorial, factorial.levels @ scores)
    expected = scores**2 / (scores**2).sum()
    assert found.first_order == pytest.approx(expected, abs=0.05)
    assert found.total == pytest.approx(expected, abs=0.05)


def test_a_curve_beyond_its_limit_is_sampled() -> None:
    """The declared analysis is the first specification, and the table says that it is a sample."""
    full, axes, alternatives = example()
    found = curve(axes, alternatives, limit=100)
    (row,) = tables.count_rows(found)
    assert row["sampled"]
    assert row["specifications"] <= 100
    assert row["combinations"] == row["specifications"] + row["duplicates"] + row["invalid"]
    assert found.answers.numbers[0] == pytest.approx(full.answers.numbers[0], nan_ok=True)


def test_the_job_writes_its_tables(tmp_path: Path) -> None:
    """A row for every specification and setting; the declared one first, as the curve has it; equal bytes twice."""
    found, axes, alternatives = example()
    columns = list(alternatives[0])
    write_table(tmp_path / "evidence.csv", rows(), list(rows()[0]))
    write_table(tmp_path / "alternatives.csv", alternatives, columns)
    names = (
        "specifications.csv.gz",
        *(f"specification_{name}.csv" for name in ("levels", "shares", "flips", "counts", "steps")),
    )
    settings = SpecificationSettings(axes=axes)
    for folder in ("one", "two"):
        files = [str(tmp_path / folder / name) for name in names]
        given = str(tmp_path / "evidence.csv"), str(tmp_path / "alternatives.csv")
        explore(*given, FIT, summary(), "random", settings, files)
    packed = [(tmp_path / folder / names[0]).read_bytes() for folder in ("one", "two")]
    assert packed[0] == packed[1]
    table = pd.read_csv(tmp_path / "one" / names[0])
    assert len(table) == len(found.combinations)
    assert table["declared"].tolist() == [True] + [False] * (len(table) - 1)
    assert table["weight"].sum() == pytest.approx(1)
    assert table["sucra"][0] == pytest.approx(found.answers.numbers[0, 0, contest.SUCRA], abs=1e-6)
    assert gzip.decompress(packed[0]).decode().count("\n") == len(table) + 1
    steps = pd.read_csv(tmp_path / "one" / "specification_steps.csv")
    chosen = [name for name in table.columns if name.startswith("axis_")]
    differs = table[chosen].astype(str) != table.loc[0, chosen].astype(str)
    near = differs.sum(axis=1) <= 1
    pd.testing.assert_frame_equal(steps.drop(columns="axis"), table[near].reset_index(drop=True))
    others = [f"axis_{axis}" for axis in steps["axis"][1:]]
    assert pd.isna(steps["axis"][0])
    assert others == differs[near].iloc[1:].idxmax(axis=1).tolist()


def test_axes_that_contradict_are_refused_in_one_line() -> None:
    """Two declared levels, none, and two axes that choose the same."""
    twice = replace(TAU, levels=tuple(replace(level, declared=True) for level in TAU.levels))
    with pytest.raises(UserError, match="several levels are declared"):
        curve([twice], [])
    never = replace(TAU, levels=tuple(replace(level, weight=0.0) if level.declared else level for level in TAU.levels))
    with pytest.raises(UserError, match="no level with a weight above 0 is declared"):
        curve([never], [])
    with pytest.raises(UserError, match="both choose tau"):
        curve([TAU, replace(TAU, name="again")], [])


def test_counts_of_many_patients_are_decided_as_their_contrasts() -> None:
    """Arms of 4,000 patients against their log odds ratios, under a half-normal and a log-normal prior."""
    designs = [["a", "b"], ["a", "c"], ["b", "c"]] * 2
    arms = simulate("binomial_logit", designs, {"a": 0, "b": -0.4, "c": -0.3}, 0.1, 5)
    events = {"a": 800, "b": 600, "c": 680}
    shown = [events[row["arm_mix"].split(":")[0]] + 9 * (k % 4) for k, row in enumerate(arms)]
    arms = [{**row, "events": str(value), "n": "4000"} for row, value in zip(arms, shown, strict=True)]
    contrasts = []
    for one, other in zip(arms[::2], arms[1::2], strict=True):
        odds = [(float(row["events"]), 4000 - float(row["events"])) for row in (one, other)]
        effect = np.log(odds[1][0] / odds[1][1]) - np.log(odds[0][0] / odds[0][1])
        se = np.sqrt(sum(1 / value for pair in odds for value in pair))
        names = one["arm_mix"].split(":")[0], other["arm_mix"].split(":")[0]
        contrasts.append(contrast_row(one["study"], names[1], names[0], effect, se))
    log_normal = Level(name="log_normal", tau=LogNormal(-3.0, 1.4))
    axis = Axis(name="heterogeneity", levels=(TAU.levels[0], log_normal))
    found = [
        specification_curve(
            evidence, [], replace(FIT, likelihood=likelihood), summary(measure="OR"), "random",
            SpecificationSettings(axes=(axis,)), 1,
        )
        for evidence, likelihood in ((arms, "binomial_logit"), (contrasts, "contrasts"))
    ]  # fmt: skip
    assert [curve.engine for curve in found] == ["importance", "exact"]
    by_counts, by_contrasts = (curve.answers for curve in found)
    assert (by_counts.places == by_contrasts.places).all()
    assert by_counts.numbers == pytest.approx(by_contrasts.numbers, abs=0.03, nan_ok=True)
    assert found[0].errors[0, 0] < 0.02
