"""The network: labels reasoned out by hand for the five studies, and laws for random networks."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from secondline.cell_values import OVERALL
from secondline.cells import parse_mix
from secondline.evidence.selection import evidence_csv
from secondline.jobs.settings import treatments_of
from secondline.network.arms import Arm, used_arms
from secondline.network.graph import (
    edges,
    graph,
    is_plain,
    label_contrasts,
    parts,
    patients,
    received,
    setting_reference,
)
from secondline.network.loops import direct_comparisons
from secondline.network.structure import Structure
from secondline.project.config import Project
from secondline.project.config_parts import Selection

from tests.conftest import STUDIES

SORAFENIB, LENVATINIB = "sorafenib_failure", "lenvatinib_failure"
ATEZOLIZUMAB = "atezolizumab_bevacizumab_failure"
SETTINGS = (SORAFENIB, LENVATINIB, ATEZOLIZUMAB)
RANKED = [
    "sorafenib",
    "lenvatinib",
    "regorafenib",
    "sorafenib_ici",
    "lenvatinib_ici",
    "regorafenib_ici",
    "other_tki_ici",
]
NAMES = (*RANKED, "other_tki")

# Pairs with one arm wholly on each, by setting. The studies whose arms are pure: nanchang_2022 (regorafenib with and
# without an ICI, after sorafenib and after lenvatinib), nanchang_2023 (after sorafenib), severance_2024.
DIRECT = {
    OVERALL: [
        ("regorafenib_ici", "regorafenib"),
        ("lenvatinib_ici", "regorafenib"),
        ("lenvatinib", "sorafenib"),
    ],
    SORAFENIB: [("lenvatinib_ici", "regorafenib")],
    LENVATINIB: [],
    ATEZOLIZUMAB: [("lenvatinib", "sorafenib")],
}
# Pairs that a study of several settings compares and does not report by setting: nanchang_2022
TOGETHER = {SORAFENIB: [("regorafenib_ici", "regorafenib")], LENVATINIB: [("regorafenib_ici", "regorafenib")]}
# Regimens that somebody received in the setting
GIVEN = {
    OVERALL: set(RANKED),
    SORAFENIB: {"lenvatinib", "regorafenib", "lenvatinib_ici", "regorafenib_ici"},
    LENVATINIB: {"regorafenib", "sorafenib", "regorafenib_ici", "sorafenib_ici", "other_tki_ici"},
    ATEZOLIZUMAB: {"lenvatinib", "sorafenib"},
}
# Pairs on the two sides of a study with a mixed arm, and nowhere compared in pure arms
MIXED_22 = [("lenvatinib", "lenvatinib_ici"), ("lenvatinib", "regorafenib_ici")]
MIXED_25 = [
    ("regorafenib", "sorafenib_ici"),
    ("regorafenib", "other_tki_ici"),
    ("sorafenib", "regorafenib_ici"),
    ("sorafenib", "sorafenib_ici"),
    ("sorafenib", "other_tki_ici"),
]
MIXED = {OVERALL: MIXED_22 + MIXED_25, SORAFENIB: MIXED_22, LENVATINIB: MIXED_25, ATEZOLIZUMAB: []}


@pytest.fixture(scope="module")
def structure(project: Project) -> Structure:
    """Return the shipped components and regimens."""
    return Structure.of(treatments_of(project))


def evidence(project: Project, analysis: str, outcome: str) -> list[dict[str, str]]:
    """Return an evidence table as a fit reads it."""
    return list(csv.DictReader(io.StringIO(evidence_csv(project, analysis, outcome))))


def arms_of(project: Project, outcome: str = "os", analysis: str = "primary") -> list[Arm]:
    """Return the arms of a shipped fit."""
    return used_arms(evidence(project, analysis, outcome))


def labels(arms: list[Arm], structure: Structure) -> dict[tuple[str, str, str], tuple[str, bool]]:
    """Structure and mixed-arms mark by setting, treatment and comparator."""
    rows = label_contrasts(arms, structure)
    found = {
        (row["setting"], row["treatment"], row["comparator"]): (row["structure"], row["mixed_direct"]) for row in rows
    }
    assert len(found) == len(rows)
    return found


def make_arm(study: str, name: str, regimens: dict[str, int], mix: dict[str, int]) -> Arm:
    """Return an arm whose population in use is all of its patients."""
    return Arm(study, name, regimens, mix, sum(regimens.values()))


def both_ways(pairs: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the pairs in both directions."""
    return {*pairs, *((c, t) for t, c in pairs)}


@pytest.mark.parametrize("outcome", ["os", "pfs", "orr", "dcr"])
@pytest.mark.parametrize("setting", [OVERALL, *SETTINGS])
def test_labels_of_the_shipped_network(project: Project, structure: Structure, outcome: str, setting: str) -> None:
    """All of survival and response: the five studies identify every component, so nothing is beyond estimation."""
    found = {key[1:]: label for key, label in labels(arms_of(project, outcome), structure).items() if key[0] == setting}
    assert len(found) == 7 * 6
    for (t, c), (label, mixed) in found.items():
        if (t, c) in both_ways(DIRECT[setting]):
            expected = "direct"
        elif (t, c) in both_ways(TOGETHER.get(setting, [])):
            expected = "mixed_setting"
        elif {t, c} <= GIVEN[setting]:
            expected = "indirect"
        else:
            expected = "extrapolated"
        assert label == expected, (t, c)
        assert mixed == ((t, c) in both_ways(MIXED[setting])), (t, c)


@pytest.mark.parametrize(
    ("setting", "treatment", "comparator", "label"),
    [
        (ATEZOLIZUMAB, "lenvatinib", "sorafenib", "direct"),
        (LENVATINIB, "regorafenib_ici", "regorafenib", "mixed_setting"),
        (SORAFENIB, "regorafenib_ici", "regorafenib", "mixed_setting"),
        (OVERALL, "regorafenib_ici", "regorafenib", "direct"),
        (SORAFENIB, "regorafenib", "sorafenib", "extrapolated"),
        (SORAFENIB, "lenvatinib", "regorafenib", "indirect"),
        (LENVATINIB, "regorafenib", "sorafenib", "indirect"),
        (LENVATINIB, "lenvatinib", "sorafenib", "extrapolated"),
        (ATEZOLIZUMAB, "regorafenib_ici", "lenvatinib", "extrapolated"),
        (OVERALL, "lenvatinib", "sorafenib", "direct"),
        (OVERALL, "regorafenib", "sorafenib", "indirect"),
    ],
)
def test_labels_worth_spelling_out(
    project: Project, structure: Structure, setting: str, treatment: str, comparator: str, label: str
) -> None:
    """The contrasts that a reader asks about first."""
    assert labels(arms_of(project), structure)[setting, treatment, comparator][0] == label


@pytest.mark.parametrize("outcome", ["os", "pfs", "orr", "dcr"])
def test_patients_by_setting_are_those_of_the_sheet(project: Project, outcome: str) -> None:
    """Where a sheet tells the failed first lines by arm they count, not the shares of the study; edges agree."""
    arms = arms_of(project, outcome)
    found = {
        (regimen, setting): patients(arms, regimen, setting)
        for regimen in ("regorafenib", "regorafenib_ici")
        for setting in (SORAFENIB, LENVATINIB)
    }
    assert found == pytest.approx(
        {
            ("regorafenib", SORAFENIB): 3 + 26 + 27,
            ("regorafenib", LENVATINIB): 12 + 4,
            ("regorafenib_ici", SORAFENIB): 16 + 31,
            ("regorafenib_ici", LENVATINIB): 23 + 17,
        }
    )
    (edge,) = [row for row in edges(arms, SETTINGS) if (row["study"], row["setting"]) == ("nanchang_2022", LENVATINIB)]
    assert edge["n"] == pytest.approx(21)
    assert edge["weight"] == pytest.approx(21 / 78)  # the model's share of the setting stays that of the study


def test_a_study_that_reports_a_setting_by_itself_is_direct_there(project: Project, structure: Structure) -> None:
    """By its patients after sorafenib alone, nanchang_2022 compares them directly there and says nothing elsewhere."""
    selection = {"nanchang_2022": Selection(population="first_line_sorafenib")}
    chosen = project.config.analyses["primary"].model_copy(update={"select": selection})
    config = project.config.model_copy(update={"analyses": {**project.config.analyses, "primary": chosen}})
    arms = arms_of(project.model_copy(update={"config": config}), "pfs")
    found = labels(arms, structure)
    assert found[SORAFENIB, "regorafenib_ici", "regorafenib"] == ("direct", False)
    assert found[LENVATINIB, "regorafenib_ici", "regorafenib"][0] == "indirect"
    assert patients(arms, "regorafenib", SORAFENIB) == pytest.approx(56)
    assert patients(arms, "regorafenib", LENVATINIB) == pytest.approx(12)


def test_regimens_enter_by_themselves(project: Project, structure: Structure) -> None:
    """With ditan_2025 by its regimens, regorafenib against sorafenib is compared directly after lenvatinib."""
    found = labels(arms_of(project, "os", "regimen_level"), structure)
    assert found[LENVATINIB, "regorafenib", "sorafenib"] == ("direct", False)
    assert found[LENVATINIB, "other_tki_ici", "sorafenib_ici"] == ("direct", False)
    assert found[SORAFENIB, "regorafenib", "sorafenib"][0] == "extrapolated"


def test_what_cannot_be_estimated(project: Project, structure: Structure) -> None:
    """Without the two studies that link regorafenib to lenvatinib, only sums of components are known.

    What is left: lenvatinib (severance_2024), the ICI (nanchang_2022), and of regorafenib and the other TKIs one
    weighted difference (ditan_2025). So everything that takes regorafenib out of the comparison can be estimated.
    """
    arms = [arm for arm in arms_of(project) if arm.study not in ("nanchang_2023", "ditan_2022")]
    found = labels(arms, structure)
    estimable = {
        ("regorafenib_ici", "regorafenib"): "direct",
        ("lenvatinib", "sorafenib"): "direct",
        ("sorafenib_ici", "sorafenib"): "indirect",
        ("sorafenib_ici", "lenvatinib"): "indirect",
    }
    for (setting, t, c), (label, _) in found.items():
        if setting == OVERALL:
            assert label == estimable.get((t, c), estimable.get((c, t), "not_estimable")), (t, c)
    assert found[SORAFENIB, "regorafenib", "lenvatinib"][0] == "not_estimable"


def test_adverse_events_connect_through_mixed_arms(project: Project, structure: Structure) -> None:
    """Without nanchang_2023 ditan_2022 alone separates regorafenib from lenvatinib, inside mixed arms."""
    found = labels(arms_of(project, "ae_grade3"), structure)
    assert found[OVERALL, "regorafenib", "sorafenib"] == ("indirect", False)
    assert found[OVERALL, "lenvatinib_ici", "regorafenib"] == ("indirect", True)


def test_edges_of_the_shipped_network(project: Project) -> None:
    """Weights w_t,r * w_c,r' * v_s and patients by hand; OS of severance_2024 is that of 36 matched pairs."""
    rows = {
        (row["study"], row["treatment"], row["comparator"], row["setting"]): (row["weight"], row["n"])
        for row in edges(arms_of(project), SETTINGS)
    }
    assert len(rows) == 4 + 6 + 2 + 1 + 1
    expected = {
        ("ditan_2022", "lenvatinib_ici", "lenvatinib", SORAFENIB): (40 / 56 * 34 / 37, 74),
        ("ditan_2022", "regorafenib_ici", "regorafenib", SORAFENIB): (16 / 56 * 3 / 37, 19),
        ("ditan_2025", "other_tki_ici", "sorafenib", LENVATINIB): (16 / 49 * 9 / 21, 25),
        ("nanchang_2022", "regorafenib_ici", "regorafenib", SORAFENIB): (57 / 78, 57),
        ("nanchang_2022", "regorafenib_ici", "regorafenib", LENVATINIB): (21 / 78, 21),
        ("nanchang_2023", "lenvatinib_ici", "regorafenib", SORAFENIB): (1, 68),
        ("severance_2024", "lenvatinib", "sorafenib", ATEZOLIZUMAB): (1, 72),
    }
    for key, value in expected.items():
        assert rows[key] == pytest.approx(value), key


@pytest.mark.parametrize("outcome", ["os", "ae_any"])
def test_edge_weights_of_a_study_add_up(project: Project, outcome: str) -> None:
    """No arm shares a regimen with the other, so the edges of a study are the whole of its comparison."""
    totals: dict[str, float] = {}
    for row in edges(arms_of(project, outcome), SETTINGS):
        totals[row["study"]] = totals.get(row["study"], 0.0) + row["weight"]
    assert list(totals.values()) == pytest.approx([1.0] * len(totals))
    assert set(totals) == set(STUDIES) - ({"nanchang_2023"} if outcome == "ae_any" else set())


def test_references_of_the_settings(project: Project, structure: Structure) -> None:
    """Sorafenib where it was given; after sorafenib regorafenib, which 3 + 27 + 26 received, against 34."""
    arms = arms_of(project)
    assert patients(arms, "regorafenib", SORAFENIB) == pytest.approx(3 + 27 + 26)
    assert patients(arms, "lenvatinib", SORAFENIB) == 34
    expected = {OVERALL: "sorafenib", SORAFENIB: "regorafenib", LENVATINIB: "sorafenib", ATEZOLIZUMAB: "sorafenib"}
    assert {s: setting_reference(arms, structure, s, "sorafenib") for s in expected} == expected
    ditan = [arm for arm in arms if arm.study == "ditan_2022"]
    assert setting_reference(ditan, structure, SORAFENIB, "sorafenib") == "lenvatinib"
    assert setting_reference(ditan, structure, ATEZOLIZUMAB, "sorafenib") == "sorafenib"


def test_fewer_components_make_a_better_reference(structure: Structure) -> None:
    """A combination that many received gives way to a single drug that few received."""
    mixes = {"a": {"lenvatinib_ici": 90}, "b": {"regorafenib": 10}}
    arms = [make_arm("s", name, mix, {SORAFENIB: 100}) for name, mix in mixes.items()]
    assert setting_reference(arms, structure, SORAFENIB, "sorafenib") == "regorafenib"


def test_the_rank_set(project: Project, structure: Structure) -> None:
    """Nobody received another TKI alone; it is not ranked."""
    assert received(arms_of(project), structure.regimens) == RANKED
    assert not is_plain(arms_of(project), structure)


def test_unused_rows_give_no_arms(project: Project) -> None:
    """An excluded study has a row in the table, but no arms in the network."""
    assert {arm.study for arm in arms_of(project, "os", "four_cohorts")} == set(STUDIES) - {"nanchang_2023"}


def plain(*pairs: tuple[str, str]) -> tuple[list[Arm], Structure]:
    """Return a plain network of the treatments a to f with one two-arm study for every pair."""
    names = tuple("abcdef")
    matrix = np.vstack([np.zeros(5), np.eye(5)])
    arms = [make_arm(f"study{i}", x, {x: 10}, {"any": 20}) for i, pair in enumerate(pairs) for x in pair]
    return arms, Structure(names[1:], names, ("any",), matrix)


def test_a_plain_network() -> None:
    """A chain a - b - c and a pair d - e apart from it."""
    arms, structure = plain(("a", "b"), ("b", "c"), ("d", "e"))
    assert is_plain(arms, structure)
    assert parts(arms) == [["a", "b", "c"], ["d", "e"]]
    found = labels(arms, structure)
    assert found[OVERALL, "b", "a"] == ("direct", False)
    assert found["any", "c", "a"] == ("indirect", False)
    assert found["any", "d", "a"] == ("not_estimable", False)
    assert found["any", "e", "d"] == ("direct", False)


def test_a_network_is_not_plain() -> None:
    """A mixed arm, or a component that two treatments share, makes a component network."""
    arms, structure = plain(("a", "b"))
    assert not is_plain([make_arm("s", "x", {"a": 1, "b": 1}, {}), *arms], structure)
    shared = Structure(("x",), ("a", "b", "c"), (), np.array([[0.0], [1.0], [1.0]]))
    assert not is_plain(arms, shared)


PAIRS = st.lists(st.sampled_from(list(combinations("abcdef", 2))), min_size=1, max_size=7)


@given(PAIRS)
def test_plain_networks_estimate_what_they_connect(pairs: list[tuple[str, str]]) -> None:
    """In a plain network a contrast can be estimated if and only if a path joins its ends."""
    arms, structure = plain(*pairs)
    joined = nx.Graph(pairs)
    for (_, t, c), (label, mixed) in labels(arms, structure).items():
        assert (label != "not_estimable") == nx.has_path(joined, t, c)
        assert (label == "direct") == joined.has_edge(t, c)
        assert not mixed
    assert {frozenset(part) for part in parts(arms)} == set(map(frozenset, nx.connected_components(joined)))


MIXES = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 30), min_size=1, max_size=3)


@st.composite
def networks(draw: st.DrawFn) -> list[Arm]:
    """Draw one to four studies of two or three arms with mixtures of regimens and of settings."""
    arms = []
    for i in range(draw(st.integers(1, 4))):
        mix = draw(st.dictionaries(st.sampled_from(SETTINGS), st.integers(1, 50), min_size=1, max_size=3))
        arms += [make_arm(f"study{i}", f"arm{k}", draw(MIXES), mix) for k in range(draw(st.integers(2, 3)))]
    return arms


def study_pairs(arms: list[Arm]) -> Iterator[tuple[Arm, Arm]]:
    """Pairs of arms of one study."""
    return ((a, b) for a, b in combinations(arms, 2) if a.study == b.study)


@given(networks())
def test_edge_weights_and_shared_regimens_add_up(arms: list[Arm]) -> None:
    """For every pair of arms and every setting: edges plus shared regimens make the setting's share."""
    rows = edges(arms, SETTINGS)
    for study in {arm.study for arm in arms}:
        for setting in SETTINGS:
            pairs = [(a, b) for a, b in study_pairs(arms) if a.study == study]
            share = pairs[0][0].setting_share(setting)
            shared = sum(a.share(r) * b.share(r) for a, b in pairs for r in a.regimens) * share
            weight = sum(row["weight"] for row in rows if (row["study"], row["setting"]) == (study, setting))
            assert weight + shared == pytest.approx(len(pairs) * share)


def full_rank_label(arms: list[Arm], structure: Structure, t: str, c: str) -> bool:
    """Whether a contrast adds nothing to the rank of the rows: another way to ask whether it can be estimated."""
    rows: list[Any] = []
    for a, b in study_pairs(arms):
        shares = [np.array([arm.share(r) for r in structure.regimens]) for arm in (a, b)]
        rows.append((shares[0] - shares[1]) @ structure.matrix)
    index = structure.regimens.index
    contrast = structure.matrix[index(t)] - structure.matrix[index(c)]
    matrix = np.array(rows)
    return bool(np.linalg.matrix_rank(matrix, 1e-9) == np.linalg.matrix_rank(np.vstack([matrix, contrast]), 1e-9))


@settings(max_examples=60, deadline=None)
@given(arms=networks())
def test_laws_of_labels(structure: Structure, arms: list[Arm]) -> None:
    """Labels do not depend on the direction; estimability is a matter of rank and the same in all settings."""
    found = labels(arms, structure)
    for (setting, t, c), label in found.items():
        assert found[setting, c, t] == label
        assert (label[0] == "not_estimable") == (found[OVERALL, t, c][0] == "not_estimable")
        if setting == OVERALL and t < c:
            assert (label[0] != "not_estimable") == full_rank_label(arms, structure, t, c)
            assert label[0] != "extrapolated"
    assert {t for _, t, _ in found} in (set(received(arms, structure.regimens)), set())


@settings(max_examples=40, deadline=None)
@given(first=networks(), second=networks())
def test_more_studies_never_hurt(structure: Structure, first: list[Arm], second: list[Arm]) -> None:
    """A contrast gets no weaker label when studies are added."""
    order = ["direct", "mixed_setting", "indirect", "extrapolated", "not_estimable"]
    renamed = [replace(arm, study=f"more_{arm.study}") for arm in second]
    before, after = labels(first, structure), labels([*first, *renamed], structure)
    assert all(order.index(after[key][0]) <= order.index(before[key][0]) for key in before)


def test_the_graph_joins_arms_not_mixtures(project: Project) -> None:
    """Two regimens of one arm are not compared with each other."""
    joined = graph(arms_of(project))
    assert not joined.has_edge("lenvatinib_ici", "regorafenib_ici")
    assert joined.has_edge("lenvatinib_ici", "lenvatinib")
    assert nx.is_connected(joined)
    assert set(joined) == set(RANKED)


def test_shares() -> None:
    """Shares of an arm and of a setting."""
    arm = make_arm("s", "a", {"x": 3, "y": 1}, {"p": 1, "q": 3})
    assert (arm.n, arm.share("x"), arm.share("z")) == (4, 0.75, 0.0)
    assert [arm.setting_share(s) for s in (OVERALL, "p", "q", "r")] == [1.0, 0.25, 0.75, 0.0]
    assert Arm("s", "a", parse_mix("x:3 y:1"), {}, 4).regimen_shares(["y", "x", "z"]).tolist() == [0.25, 0.75, 0.0]


def test_studies_of_no_setting_stand_under_overall() -> None:
    """A network without settings has its edges in the whole of the evidence."""
    arms, _ = plain(("a", "b"), ("b", "c"))
    bare = [replace(arm, settings={}) for arm in arms]
    rows = edges(bare, ())
    assert [(row["treatment"], row["comparator"], row["setting"], row["weight"], row["n"]) for row in rows] == [
        ("a", "b", OVERALL, 1.0, 20.0),
        ("b", "c", OVERALL, 1.0, 20.0),
    ]
    assert patients(bare, "b", OVERALL) == 20


def comparisons(*studies: str) -> dict[str, tuple[int, bool]]:
    """Comparisons of a plain network by treatment and comparator: studies, and whether they can be split."""
    _, structure = plain(("a", "b"))
    arms = [make_arm(f"study{i}", x, {x: 10}, {}) for i, study in enumerate(studies) for x in study]
    found = direct_comparisons(arms, structure)
    return {f"{c.treatment}{c.comparator}": (len(c.studies), not c.reason) for c in found}


def test_comparisons_that_can_be_split() -> None:
    """A triangle of two-arm studies can be split on every side; a chain and a single three-arm study nowhere."""
    assert comparisons("ab", "bc", "ac") == {"ba": (1, True), "ca": (1, True), "cb": (1, True)}
    assert comparisons("ab", "bc") == {"ba": (1, False), "cb": (1, False)}
    assert comparisons("abc") == {"ba": (1, False), "ca": (1, False), "cb": (1, False)}


def test_a_loop_needs_studies_of_its_own() -> None:
    """A three-arm study closes no loop with itself; with one more study on each other side it does."""
    assert comparisons("abc", "ab") == {"ba": (2, False), "ca": (1, False), "cb": (1, False)}
    assert comparisons("abc", "ab", "ac") == {"ba": (2, False), "ca": (2, False), "cb": (1, True)}
    assert comparisons("ab", "bc", "cd", "da", "ef")["dc"] == (1, True)
    assert comparisons("ab", "bc", "cd", "da", "ef")["fe"] == (1, False)


@given(PAIRS)
def test_two_arm_studies_can_be_split_where_another_path_joins_them(pairs: list[tuple[str, str]]) -> None:
    """Without multi-arm studies a comparison can be split if its ends stay joined without its own studies."""
    for name, (n, splits) in comparisons(*("".join(pair) for pair in pairs)).items():
        others = [pair for pair in pairs if set(pair) != set(name)]
        joined = nx.Graph(others)
        assert n == len(pairs) - len(others)
        assert splits == (set(name) <= set(joined) and nx.has_path(joined, *name))
