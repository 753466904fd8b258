"""League tables of two outcomes for Word: each triangle its outcome, candidates by rank, notes from the tables."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from secondline.report.export.word import write_document
from secondline.report.settings import Labels, MethodsFacts, ModelFacts
from secondline.report.tables.league_pairs import OutcomeFit, in_order, pair_tables
from secondline.report.words import Names, ratio

from tests.test_plots import among_candidates
from tests.test_report import method_facts

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
IDS = ("drug_a", "drug_b", "drug_c", "old_d")
LABELS = Labels(
    outcomes={"os_id": "Survival", "harm_id": "Harm"},
    better={"os_id": "lower", "harm_id": "lower"},
    measures={"os_id": "HR", "harm_id": "OR"},
    margins={"os_id": 0.8, "harm_id": 0.8},
    regimens={"drug_a": "Drug A", "drug_b": "Drug B", "drug_c": "Drug C", "old_d": "Old D"},
    settings={"overall": "Overall", "late_id": "Late"},
    studies={"smith_x": "Smith 2020", "jones_y": "Jones 2021"},
    analyses={"main": "Everything"},
    headline="pooled",
    omega={"pooled": ""},
)
TAU = {"parameter": "tau", "median": "0.214", "lower": "0.012", "upper": "0.83", "prior": "half-normal(0.5)"}
EFFECTS = {"os_id": 2.0, "harm_id": 100.0}


def relative(outcome: str, evidence: str = "indirect", converged: str = "true") -> list[dict[str, str]]:
    """Rows whose estimates tell which outcome and which two treatments they are of: 2.01 is of a against b."""
    found = []
    for setting in ("overall", "late_id"):
        for t, c in permutations(IDS, 2):
            value = EFFECTS[outcome] + IDS.index(t) / 10 + IDS.index(c) / 100
            ends = {"estimate": value, "estimate_lower": value - 1, "estimate_upper": value + 1}
            labels = {"evidence": "direct" if {t, c} == {"drug_a", "drug_b"} else evidence, "converged": converged}
            found.append(
                {"setting": setting, "treatment": t, "comparator": c, **labels} | {k: repr(v) for k, v in ends.items()}
            )
    return found


def ranking(order: tuple[str, ...], not_named: str = "", unplaced: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """Rows of two settings in which the last treatment is no candidate, and the others have an order."""
    rows = []
    for setting in ("overall", "late_id"):
        ranked = [
            {
                "setting": setting,
                "treatment": name,
                "candidate": str(name != "old_d").lower(),
                "sucra": repr(1 - (order.index(name) if name in order else 9) / 10),
                "evidence": "indirect",
                "converged": "true",
            }
            for name in IDS
        ]
        rows += among_candidates(ranked, unplaced, not_named)
    return rows


EVIDENCE = [
    {"study": study, "arm": arm, "arm_mix": f"{drug}:{n}", "n": n, "setting_mix": "late_id:9", "used": used}
    for study, arm, drug, n, used in (
        ("smith_x", "1", "drug_a", "700", "true"),
        ("smith_x", "2", "drug_b", "650", "true"),
        ("jones_y", "1", "drug_c", "10", "true"),
        ("jones_y", "2", "old_d", "11", "true"),
        ("left_out", "1", "drug_a", "999", "false"),
    )
]


def fit(outcome: str, order: tuple[str, ...], evidence: str = "indirect", **changes: Any) -> OutcomeFit:
    """Make the tables of an outcome."""
    tau = {**TAU, "prior_overlap": "0.4" if outcome == "os_id" else "0.95"}
    names = Names(LABELS, "main", outcome, "pooled")
    own = OutcomeFit(
        names=names,
        relative=relative(outcome, evidence),
        ranking=ranking(order),
        heterogeneity=[tau],
        evidence=EVIDENCE,
    )
    return replace(own, **changes)


@pytest.fixture
def facts() -> MethodsFacts:
    """Return what the methods text says of the models."""
    return method_facts(LABELS)


SURVIVAL = fit("os_id", ("drug_c", "drug_a", "drug_b"))
HARM = fit("harm_id", ("drug_b", "drug_a", "drug_c"))


def test_each_triangle_is_of_its_outcome_and_candidates_are_in_order(facts: MethodsFacts) -> None:
    """By hand: below the diagonal 2.01 is drug A against drug B on survival; above it 100 and more are of harm."""
    (table,) = pair_tables(SURVIVAL, HARM, facts)
    assert table.columns == ("Treatment", "Drug C", "Drug A", "Drug B")
    assert [row[0] for row in table.rows] == ["Drug C", "Drug A", "Drug B"]
    assert table.rows[1][1] == "2.02 (1.02 to 3.02)"  # a against c, survival
    assert table.rows[2][1] == "2.12 (1.12 to 3.12)"  # b against c
    assert table.rows[2][2] == "2.10 (1.10 to 3.10)"  # b against a
    assert table.rows[0][2] == f"{ratio('100.2')} (99.2 to 101)"  # c against a, harm
    assert [table.rows[k][k + 1] for k in range(3)] == ["–"] * 3
    assert table.marks == [["", "", "I", "I"], ["", "I", "", ""], ["", "I", "", ""]]
    assert (table.title, table.section) == ("Late", "Survival and Harm")


def test_without_settings_there_is_one_table(facts: MethodsFacts) -> None:
    """Of the network as a whole, which a network with settings does not offer."""
    labels = replace(LABELS, settings={"overall": "Overall"})
    plain = [replace(own, names=replace(own.names, labels=labels), ranking=own.ranking[:4]) for own in (SURVIVAL, HARM)]
    (table,) = pair_tables(plain[0], plain[1], facts)
    assert table.caption == "Survival (below the diagonal) and Harm (above it)"


def test_notes_say_model_heterogeneity_studies_and_patients(facts: MethodsFacts) -> None:
    """Numbers of the tables: 700 + 650 + 10 + 11 patients of two studies; tau with its interval."""
    (table,) = pair_tables(SURVIVAL, HARM, facts)
    notes = " ".join(table.notes)
    assert "Model “pooled”: random effects with between-study standard deviation τ." in table.notes
    behind = "2 studies (Smith 2020 and Jones 2021), 1,371 patients; τ 0.21 (95% CrI 0.01 to 0.83"
    assert f"Survival: {behind}; prior half-normal(0.5)), on the scale of the log HR." in table.notes
    assert (
        f"Harm: {behind}; prior half-normal(0.5), not informed by the data), on the scale of the log OR." in table.notes
    )
    assert "Evidence: no letter, direct; I indirect." in table.notes
    assert "hazard ratio (HR) of Survival below the diagonal and odds ratio (OR) of Harm above the diagonal" in notes
    assert "Survival: HR below 1 favours the treatment." in notes
    assert "Not shown, as they are not candidates: Old D." in table.notes


def test_a_winner_is_named_by_the_ranking_alone(facts: MethodsFacts) -> None:
    """Where it names one; the one with the highest SUCRA is not a winner if the difference is prior-driven."""
    prior = fit("harm_id", (), "prior_driven", ranking=ranking(("drug_b", "drug_a", "drug_c"), "prior_driven"))
    (table,) = pair_tables(SURVIVAL, prior, facts)
    assert "Survival: Drug C ranks first (SUCRA 1.00)." in table.notes
    assert (
        "Harm: no treatment can be named first, as the difference between the two highest is prior-driven."
        in table.notes
    )
    assert not any("Drug B ranks first" in note for note in table.notes)
    assert any(
        note.endswith("P prior-driven. Where it is prior-driven, the data do not determine the effect.")
        for note in table.notes
    )
    assert table.marks[0][2] == "P"


def test_candidates_without_ranks_are_not_ordered(facts: MethodsFacts) -> None:
    """In the order of the configuration, with a note that says so; the second outcome orders them if it can."""
    empty = ranking((), "not_placed", ("drug_a", "drug_b", "drug_c"))
    lost = [fit(name, (), ranking=empty) for name in ("os_id", "harm_id")]
    (table,) = pair_tables(lost[0], lost[1], facts)
    assert list(table.columns[1:]) == ["Drug A", "Drug B", "Drug C"]
    assert "The candidates are not ranked, as the effects between them are prior-driven." in table.notes
    assert not any("ranks first" in note for note in table.notes)
    assert in_order(lost[0], HARM, "late_id")[0] == ["drug_b", "drug_a", "drug_c"]
    (table,) = pair_tables(lost[0], HARM, facts)
    assert "Candidates in the order of their SUCRA for Harm." in table.notes


def test_one_candidate_has_no_table(facts: MethodsFacts) -> None:
    """Nothing is compared."""
    one = [{**row, "candidate": str(row["treatment"] == "drug_a").lower()} for row in ranking(("drug_a",))]
    assert pair_tables(replace(SURVIVAL, ranking=one), replace(HARM, ranking=one), facts) == []


def test_a_model_without_heterogeneity_and_a_failed_fit_are_said(facts: MethodsFacts) -> None:
    """In the notes, and in the caption."""
    common = replace(facts, models={"pooled": ModelFacts(heterogeneity=False)})
    fixed = replace(SURVIVAL, heterogeneity=[], relative=relative("os_id", converged="false"))
    (table,) = pair_tables(fixed, HARM, common)
    assert any(note.startswith("Survival: 2 studies") and note.endswith("τ is taken as 0.") for note in table.notes)
    assert "Model “pooled”: common effects." in table.notes
    assert table.caption.endswith("NOT CONVERGED, do not use: Survival")


def test_the_document_has_a_section_for_a_pair_with_raised_letters_notes_and_no_ids(
    tmp_path: Path, facts: MethodsFacts
) -> None:
    """Heading, caption, table, numbered notes; letters are raised runs; ids of nothing occur."""
    tables = pair_tables(SURVIVAL, HARM, facts)
    write_document(tmp_path / "t.docx", "League tables", [], [*tables, *tables])
    with ZipFile(tmp_path / "t.docx") as archive:
        body = ET.fromstring(archive.read("word/document.xml"))
    text = " ".join(body.itertext())
    headings = [
        "".join(paragraph.itertext())
        for paragraph in body.iter(f"{W}p")
        for style in paragraph.iter(f"{W}pStyle")
        if style.get(f"{W}val") == "Heading2"
    ]
    assert headings == ["Survival and Harm"]
    raised = [
        "".join(run.itertext()).strip()
        for run in body.iter(f"{W}r")
        if any(align.get(f"{W}val") == "superscript" for align in run.iter(f"{W}vertAlign"))
    ]
    assert raised == ["I"] * 8
    assert all(f"{k}. {note}" in text for k, note in enumerate(tables[0].notes, start=1))
    for name in (*IDS, "os_id", "harm_id", "late_id", "smith_x", "jones_y"):
        assert name not in text
