"""Checklists that a person answers: all items, nothing answered, and every link arrives."""

import re
from html import unescape
from pathlib import Path

import pytest
from secondline.layout import CHECKLIST_TABLES
from secondline.report.page.sections import SECTIONS
from secondline.report.tables.checklists import BY_A_PERSON, CHECKLISTS, COLUMNS, Checklist, checklist_sentence, fill
from secondline.tables import read_table

from tests.conftest import ROOT

HAS = {"populations": True, "inconsistency": True}
ITEMS = {
    "rob_nma": [f"{domain}.{k}" for domain, items in ((1, 4), (2, 4), (3, 9)) for k in range(1, items + 1)],
    "nice_tsd7": [f"{part}{k}" for part, headings in (("A", 9), ("B", 5), ("C", 4), ("D", 2))
                  for k in range(1, headings + 1)],
}  # fmt: skip


@pytest.mark.parametrize("checklist", CHECKLISTS, ids=lambda checklist: checklist.name)
def test_all_items_and_none_is_answered(checklist: Checklist) -> None:
    """The 17 items of RoB NMA in three domains, and the 20 headings of TSD7."""
    rows = fill(checklist, HAS)
    assert [row["item"] for row in rows] == ITEMS[checklist.name]
    assert {row["status"] for row in rows} == {BY_A_PERSON}
    assert all(row["topic"] and row["section"] for row in rows)


@pytest.mark.parametrize("checklist", CHECKLISTS, ids=lambda checklist: checklist.name)
def test_what_a_run_does_not_have_is_not_pointed_to(checklist: Checklist) -> None:
    """Neither its sections nor its tables."""
    rows = fill(checklist, dict.fromkeys(HAS, False))
    pointed_to = " ".join(row["report"] + " " + row["tables"] for row in rows)
    assert "inconsistency" not in pointed_to
    assert "populations" not in pointed_to.split()
    open_ = sum(not row["shows"] for row in rows)
    assert open_ == sum(row not in rows for row in fill(checklist, HAS)) > 0
    counts = list(map(int, re.findall(r"\d+", checklist_sentence(checklist, rows))))[:2]
    assert counts == [len(rows), len(rows) - open_]


@pytest.mark.parametrize("checklist", CHECKLISTS, ids=lambda checklist: checklist.name)
def test_links_and_tables_exist(checklist: Checklist) -> None:
    """Sections of the page, and files that results/README.md describes."""
    described = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
    sections = {part.id for section in SECTIONS for part in section.parts}
    optional = {part.id for section in SECTIONS for part in section.parts if part.needs} - {"populations"}
    for row in fill(checklist, HAS):
        assert set(row["report"].split()) <= sections - optional
        for file in row["tables"].split():
            assert Path(file).name in described or f"`{Path(file).name}`" in described, file


def test_the_tables_stand_beside_the_report(tmp_path: Path) -> None:
    """Those that the rule names, as the page shows them."""
    from tests.test_report import report, write_project

    write_project(tmp_path)
    page = unescape(re.sub(r"\s+", " ", report(tmp_path)))
    assert [checklist.name for checklist in CHECKLISTS] == list(CHECKLIST_TABLES)
    for checklist in CHECKLISTS:
        rows = read_table(tmp_path / "main" / "summary" / f"{checklist.name}.csv")
        assert tuple(rows[0]) == COLUMNS
        assert checklist_sentence(checklist, rows) in page
        assert checklist.title in page
