"""Contributions as flows: against CINeMA's manual, by hand, and their identities."""

import csv
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from secondline.cell_values import AGGREGATE, SHORTEST, TWO_STAGE, WALK
from secondline.certainty.flow_reasons import NO_STUDY, NOT_PLAIN, ORDERED, SHARED
from secondline.certainty.flow_tables import EFFECT_COLUMNS, FIXED, METHOD, Tables, find_flows
from secondline.certainty.flows import divide
from secondline.certainty.hat_matrices import contrasts_of, hat_matrix, reduced_weights
from secondline.certainty.plain_network import plain_studies
from secondline.evidence.selection import evidence_rows
from secondline.inference.generalised_least_squares import GaussianStudy
from secondline.inference.generalised_least_squares import fit as fit_given_tau
from secondline.jobs.settings import summary_settings
from secondline.network.overlap import Overlap
from secondline.network.structure import Structure
from secondline.project.read import read_project

from tests.conftest import ROOT
from tests.networks import ABC, HCC, arm_row, contrast_row, plain, simulate
from tests.settings import summary

ELLIOTT = ROOT / "tests/data/elliott2007"
EFFECTS = {"a": 0.0, "b": -0.6, "c": 0.4, "d": 0.1}
BOTH = [(kind, decomposition) for kind in (TWO_STAGE, AGGREGATE) for decomposition in (SHORTEST, WALK)]
Rows = list[dict[str, str]]


@cache
def elliott() -> Tables:
    """Flows of the shipped example."""
    project = read_project(ROOT / "config/examples/antihypertensives.yaml")
    rows = evidence_rows(project, project.config.base, "diabetes")
    summarised = summary_settings(project, "diabetes")
    return find_flows(rows, Structure.of(summarised.treatments), summarised.likelihood, summarised)


def printed(name: str) -> Rows:
    """Read a table of the manual."""
    with (ELLIOTT / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def percentages(kind: str, decomposition: str, by: str) -> dict[tuple[str, str], dict[str, float]]:
    """Add up shares by direct comparison or by study, of every effect with its names in alphabetical order."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for row in elliott().flows:
        if (row["hat_matrix"], row["decomposition"]) == (kind, decomposition):
            own = found.setdefault(tuple(sorted((row["treatment"], row["comparator"]))), {})  # pyright: ignore
            key = (
                row["study"] if by == "study" else ":".join(sorted((row["direct_treatment"], row["direct_comparator"])))
            )
            own[key] = own.get(key, 0.0) + 100 * row["share"]
    return found


@pytest.mark.parametrize(
    ("table", "kind", "tolerance"),
    [("comparison_contributions", TWO_STAGE, 0.01), ("comparison_contributions_davies", AGGREGATE, 0.001)],
)
def test_comparison_contributions_are_those_of_the_manual(table: str, kind: str, tolerance: float) -> None:
    """Within 0.01 percentage points, which takes the right order among equally short paths."""
    found, rows = percentages(kind, SHORTEST, "comparison"), printed(table)
    assert len(found) == len(rows) == 15
    for row in rows:
        own = found[tuple(row.pop("comparison").split(":"))]  # pyright: ignore
        expected = {key: float(value) for key, value in row.items()}
        assert {key: own.get(key, 0.0) for key in expected} == pytest.approx(expected, abs=tolerance)
        assert sum(own.values()) == pytest.approx(100)


def test_study_contributions_are_those_of_the_manual() -> None:
    """Within 0.02 percentage points."""
    found = percentages(TWO_STAGE, SHORTEST, "study")
    with (ROOT / "config/examples/antihypertensives.csv").open(newline="") as file:
        studies = list(dict.fromkeys(row["study"] for row in csv.DictReader(file)))
    for row in printed("study_contributions"):
        own = found[tuple(row.pop("comparison").split(":"))]  # pyright: ignore
        assert [own.get(study, 0.0) for study in studies] == pytest.approx([*map(float, row.values())], abs=0.02)


def test_the_league_table_is_that_of_the_manual() -> None:
    """Within 0.001: random effects, tau by the method of moments."""
    found = {(row["treatment"], row["comparator"]): row for row in elliott().effects}
    assert set(EFFECT_COLUMNS) == set(elliott().effects[0])
    for row in printed("league"):
        own = found[row["row"], row["column"]]
        values = [own[key] for key in ("estimate", "estimate_lower", "estimate_upper")]
        assert values == pytest.approx([float(row[key]) for key in ("or", "lo", "hi")], abs=0.001)
        assert own["tau"] ** 2 == pytest.approx(0.01608, abs=5e-6)
        assert own["method"] == METHOD


def test_a_flow_by_hand_is_divided_by_paths() -> None:
    """Half of a to d directly, 0.3 through b, and 0.2 through b and c: shortest first, then what is left."""
    edges = [("a", "b"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")]
    flow = np.array([0.5, 0.5, 0.2, 0.3, 0.2])
    expected = np.array([0.3 / 2 + 0.2 / 3, 0.5, 0.2 / 3, 0.3 / 2, 0.2 / 3])
    for decomposition in (SHORTEST, WALK):
        assert divide(flow, edges, "a", "d", decomposition) == pytest.approx(expected)
    backwards = divide(-flow, edges, "d", "a", SHORTEST)
    assert backwards == pytest.approx(expected)


def test_walks_and_shortest_paths_differ_where_flows_cross() -> None:
    """Two ways into x, two out: the walker mixes them, the shortest path takes one wholly."""
    edges = [("a", "p"), ("a", "x"), ("p", "x"), ("q", "z"), ("x", "q"), ("x", "z")]
    flow = np.array([0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    walked = divide(flow, edges, "a", "z", WALK)
    # lengths 2, 3, 3 and 4, each with probability 1/4
    by_length = [0.25 / n for n in (2, 3, 3, 4)]
    entering = by_length[2] + by_length[3]
    assert walked == pytest.approx([entering, 0.25 / 2 + 0.25 / 3, entering, entering, entering, 0.25 / 2 + 0.25 / 3])
    assert divide(flow, edges, "a", "z", SHORTEST) == pytest.approx([1 / 8, 1 / 4, 1 / 8, 1 / 8, 1 / 8, 1 / 4])


def test_two_arm_studies_have_the_weights_of_their_variance() -> None:
    """Both hat matrices are that of generalised least squares, where no study has three arms."""
    rows = [
        contrast_row("s1", "b", "a", 0.0, 0.3),
        contrast_row("s2", "c", "a", 0.0, 0.2),
        contrast_row("s3", "c", "b", 0.0, 0.4),
        contrast_row("s4", "c", "b", 0.0, 0.5),
    ]
    studies = plain_studies(rows, ABC, "contrasts")
    for tau in (0.0, 0.3):
        contrasts = contrasts_of(studies, tau)
        variances = np.array([0.09, 0.04, 0.16, 0.25]) + tau**2
        design = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 1.0], [-1.0, 1.0]])
        inverse = np.linalg.inv(design.T / variances @ design)
        hat = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 1.0]]) @ inverse @ (design.T / variances)
        expected = np.column_stack([hat[:, :2], hat[:, 2] + hat[:, 3]])
        pairs = [("a", "b"), ("a", "c"), ("b", "c")]
        for kind in (TWO_STAGE, AGGREGATE):
            assert hat_matrix(contrasts, pairs, tau, kind) == pytest.approx(expected)
        assert [contrast.share(tau) for contrast in contrasts] == pytest.approx(1 / variances)


def test_the_aggregate_hat_matrix_gives_the_estimates_of_generalised_least_squares() -> None:
    """Studies of three and four arms, too: the comparisons that take their place weigh as much in every effect."""
    rows = simulate("normal", ["ab", "abc", "abcd", "cd"], EFFECTS, 0.1, 3)
    structure = plain("abcd")
    studies = plain_studies(rows, structure, "normal")
    tau = 0.2
    contrasts, estimate = contrasts_of(studies, tau), fit_given_tau(studies, tau)
    pairs = list(combinations("abcd", 2))
    hat = hat_matrix(contrasts, pairs, tau, AGGREGATE)
    weights, pooled = np.zeros(6), np.zeros(6)
    k = 0
    for study in studies:
        levels = np.concatenate([[0.0], study.y])
        for i, j in combinations(range(len(levels)), 2):
            contrast = contrasts[k]
            at = pairs.index(contrast.pair)
            sign = 1.0 if (study.treatments[i], study.treatments[j]) == contrast.pair else -1.0
            weights[at] += contrast.reduced_at_tau
            pooled[at] += contrast.reduced_at_tau * sign * (levels[j] - levels[i])
            k += 1
    expected = [
        estimate.estimates @ (structure.matrix["abcd".index(t)] - structure.matrix["abcd".index(c)]) for c, t in pairs
    ]
    assert hat @ (pooled / weights) == pytest.approx(expected)


def test_reduced_weights_give_back_the_variances() -> None:
    """The variance of every contrast in a network of independent comparisons with these weights."""
    own = np.array([0.1, 0.2, 0.4, 0.15])
    variances = own[:, None] + own
    np.fill_diagonal(variances, 0.0)
    weights = reduced_weights(variances)
    inverse = np.linalg.pinv(np.diag(weights.sum(axis=1)) - weights)
    diagonal = np.diag(inverse)
    assert diagonal[:, None] + diagonal - 2 * inverse == pytest.approx(variances)
    # Independent arms: products of their precisions over the sum of all.
    assert weights[0, 1] == pytest.approx(1 / 0.1 / 0.2 / (1 / own).sum())


@given(
    designs=st.lists(st.lists(st.sampled_from("abcd"), min_size=2, max_size=4, unique=True), min_size=1, max_size=7),
    seed=st.integers(0, 1000),
)
@settings(max_examples=40, deadline=None)
def test_flows_of_random_networks_conserve(designs: list[list[str]], seed: int) -> None:
    """What enters at the comparator leaves at the treatment, 1 in all, and nothing stays in between."""
    rows = simulate("normal", designs, EFFECTS, 0.2, seed)
    studies = plain_studies(rows, plain("abcd"), "normal")
    contrasts = contrasts_of(studies, 0.1)
    edges = sorted({contrast.pair for contrast in contrasts})
    reach = find_flows(rows, plain("abcd"), "normal", summary(measure="MD", ratio=False)).flows
    pairs = sorted({tuple(sorted((row["treatment"], row["comparator"]))) for row in reach})
    for kind in (TWO_STAGE, AGGREGATE):
        hat = hat_matrix(contrasts, pairs, 0.1, kind)  # pyright: ignore
        for row, (source, sink) in zip(hat, pairs, strict=True):
            assert max(abs(row)) <= 1 + 1e-9
            for name in {name for edge in edges for name in edge}:
                out = sum(v * ((c == name) - (t == name)) for v, (c, t) in zip(row, edges, strict=True))
                assert out == pytest.approx((name == source) - (name == sink), abs=1e-8)
            for decomposition in (SHORTEST, WALK):
                parts = divide(row, edges, source, sink, decomposition)
                assert parts.min() >= 0
                assert parts.sum() == pytest.approx(1)
    totals: dict[tuple[str, ...], float] = {}
    for each in reach:
        key = each["hat_matrix"], each["decomposition"], each["treatment"], each["comparator"]
        totals[key] = totals.get(key, 0.0) + each["share"]
    assert list(totals.values()) == pytest.approx([1.0] * len(totals))


def test_a_replicate_of_a_study_halves_what_it_contributes() -> None:
    """Split into two of twice its variance, without heterogeneity: half for each."""
    rows = [
        contrast_row("s1", "b", "a", 0.1, 0.3),
        contrast_row("s2", "c", "a", 0.0, 0.2),
        contrast_row("s3", "c", "b", -0.1, 0.4),
    ]
    two = [*rows[:2], *(contrast_row(name, "c", "b", -0.1, 0.4 * 2**0.5) for name in ("s3", "again"))]
    once, twice = (find_flows(each, ABC, "contrasts", summary()).flows for each in (rows, two))
    assert {row["tau"] for row in once + twice} == {0.0}

    def share(flows: list[dict[str, object]], study: str, *pair: str) -> list[object]:
        return [
            row["share"] for row in flows if row["study"] == study and (row["treatment"], row["comparator"]) == pair
        ]

    for pair in (("b", "a"), ("c", "a"), ("c", "b")):
        half = [value / 2 for value in share(once, "s3", *pair)]  # pyright: ignore
        assert len(half) == len(BOTH)
        assert share(twice, "s3", *pair) == pytest.approx(half)
        assert share(twice, "again", *pair) == pytest.approx(half)


def test_the_order_of_the_treatments_changes_nothing() -> None:
    """Only which of the two is called the comparator."""
    rows = simulate("normal", ["ab", "ac", "bc", "bd", "cd", "abd"], EFFECTS, 0.2, 1)
    found = []
    for structure in (plain("abcd"), plain("dcba", reference="d")):
        flows = find_flows(rows, structure, "normal", summary(measure="MD", ratio=False)).flows
        found.append(
            {
                (
                    row["hat_matrix"],
                    row["decomposition"],
                    row["study"],
                    frozenset((row["treatment"], row["comparator"])),
                    frozenset((row["direct_treatment"], row["direct_comparator"])),
                ): row["share"]
                for row in flows
            }
        )
    assert found[0] == pytest.approx(found[1])


@pytest.mark.parametrize(
    ("designs", "pairs"),
    [
        (["ab"], 1),
        (["ab", "ac", "ad"], 6),
        (["ab", "bc", "cd"], 6),
        (["ab", "cd"], 2),
    ],
)
def test_stars_trees_and_pieces_run_to_the_end(designs: list[str], pairs: int) -> None:
    """An effect between two pieces of a network has no flow; in a tree an effect is its only path."""
    rows = simulate("binomial_logit", designs, EFFECTS, 0.1, 4)
    tables = find_flows(rows, plain("abcd"), "binomial_logit", summary(measure="OR"))
    assert len({(row["treatment"], row["comparator"]) for row in tables.flows}) == pairs
    assert {row["method"] for row in tables.flows} == {FIXED}  # no degree of freedom for tau
    assert {row["tau"] for row in tables.flows} == {None}
    if designs == ["ab", "bc", "cd"]:
        (whole,) = {
            round(row["share"], 12) for row in tables.flows if (row["treatment"], row["comparator"]) == ("d", "a")
        }
        assert whole == pytest.approx(1 / 3)


def test_counts_have_half_a_patient_added_where_a_group_is_empty() -> None:
    """To every arm of that study and to no other; a study without events, or with nothing else, is left out."""
    rows = [arm_row("s1", "a", 3, 10), arm_row("s1", "b", 0, 12), arm_row("s2", "a", 4, 10), arm_row("s2", "b", 6, 12)]
    rows += [
        arm_row("none", "a", 0, 10),
        arm_row("none", "b", 0, 12),
        arm_row("all", "a", 9, 9),
        arm_row("all", "c", 8, 8),
    ]
    first, second = plain_studies(rows, ABC, "binomial_logit")
    assert first.y == pytest.approx([np.log(0.5 / 12.5) - np.log(3.5 / 7.5)])
    assert first.covariance == pytest.approx(1 / 0.5 + 1 / 12.5 + 1 / 3.5 + 1 / 7.5)
    assert second.y == pytest.approx([np.log(6 / 6) - np.log(4 / 6)])
    assert second.covariance == pytest.approx(1 / 6 + 1 / 6 + 1 / 4 + 1 / 6)
    timed = [arm_row("s1", "a", 3, 10, time="20"), arm_row("s1", "b", 5, 12, time="30")]
    (rate,) = plain_studies(timed, ABC, "poisson_log")
    assert rate.y == pytest.approx([np.log(5 / 30) - np.log(3 / 20)])
    assert rate.covariance == pytest.approx(1 / 5 + 1 / 3)
    (hazard,) = plain_studies(timed, ABC, "binomial_cloglog")
    risks = np.array([3 / 10, 5 / 12])
    logs = np.log(-np.log1p(-risks)) - np.log([20, 30])
    assert hazard.y == pytest.approx([logs[1] - logs[0]])


def test_networks_without_flows_say_why() -> None:
    """Mixed arms and components, shared patients, ordered categories, no information."""
    mixed = [contrast_row("s1", "x", "sorafenib", 0.1, 0.2, treatment_mix="lenvatinib:5 regorafenib:5")]
    pair = [contrast_row("s1", "b", "a", 0.1, 0.2), contrast_row("s2", "b", "a", 0.2, 0.3)]
    overlap = [Overlap(studies=("s1", "s2"), correlation=0.3)]
    ordered = simulate("ordered_logit", ["ab"], {"a": 0.0, "b": 0.2}, 0.0, 1)
    empty = [arm_row("none", "a", 0, 10), arm_row("none", "b", 0, 12)]
    for given_, reason in (
        ((mixed, HCC, "contrasts", summary()), NOT_PLAIN),
        ((pair, ABC, "contrasts", summary(), overlap), SHARED),
        ((ordered, plain("ab"), "ordered_logit", summary()), ORDERED),
        ((empty, ABC, "binomial_logit", summary()), NO_STUDY),
    ):
        tables = find_flows(*given_)  # pyright: ignore
        assert tables.flows == tables.effects == [{"method": f"not assessable: {reason}"}]
    assert find_flows(pair, ABC, "contrasts", summary(), [Overlap(studies=("s1", "s9"), correlation=0.3)]).flows[0][
        "share"
    ]


def test_contrasts_that_are_no_independent_comparisons_say_so() -> None:
    """Two contrasts that vary together more than each by itself would need a negative weight between them."""
    covariance = np.array([[1.0, 1.2], [1.2, 2.0]])
    study = GaussianStudy("odd", np.zeros(2), np.eye(2), covariance, ("a", "b", "c"))
    with pytest.raises(ValueError, match="odd"):
        contrasts_of([study], 0.0)
    rows = [
        contrast_row("odd", "b", "a", 0.0, 1.0, baseline_se=1.2**0.5),
        contrast_row("odd", "c", "a", 0.0, 2.0**0.5, baseline_se=1.2**0.5),
    ]
    tables = find_flows(rows, ABC, "contrasts", summary())
    assert [row["method"] for row in tables.flows] == [
        "not assessable: the contrasts of odd are no independent comparisons with positive weights"
    ]
    assert len(tables.effects) == 6


def test_large_networks_have_the_effects_against_the_reference() -> None:
    """Beyond the limit of rows."""
    rows = simulate("normal", ["ab", "ac", "bc", "bd"], EFFECTS, 0.2, 1)
    tables = find_flows(rows, plain("abcd"), "normal", summary(measure="MD", ratio=False), most_rows=50)
    assert {(row["treatment"], row["comparator"]) for row in tables.flows} == {("b", "a"), ("c", "a"), ("d", "a")}


def test_contrasts_of_one_treatment_with_itself_are_no_comparison() -> None:
    """Two control arms of a study: each is compared with the treatment, and they are not with each other."""
    own = GaussianStudy.of_means("s", np.zeros(3), np.array([0.1, 0.2, 0.3]), np.zeros((3, 1)), ("a", "a", "b"))
    found = contrasts_of([own], 0.0)
    assert [contrast.pair for contrast in found] == [("a", "b"), ("a", "b")]
