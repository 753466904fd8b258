"""The PRISMA-NMA checklist: all 32 items, each with an answer or with what a person must write."""

import re
from itertools import product
from pathlib import Path

import pytest
from secondline.report.page.sections import SECTIONS
from secondline.report.tables.prisma import ANSWERED, COLUMNS, IN_PART, TO_BE_WRITTEN, prisma_checklist, prisma_sentence
from secondline.tables import read_table

from tests.conftest import ROOT
from tests.test_report import page as page

NEEDS = ("sheets", "populations", "inconsistency", "variations")
EVERYTHING = dict.fromkeys(NEEDS, True)
ORDER = [*range(1, 12), "S1", 12, 13, 14, "S2", 15, 16, 17, "S3", "S4", 18, 19, 20, 21, "S5", *range(22, 28)]


def test_items_and_their_order() -> None:
    """27 items of PRISMA and S1 to S5 of the extension, where Hutton (2015) puts them."""
    assert [row["item"] for row in prisma_checklist(EVERYTHING)] == [str(item) for item in ORDER]
    assert len(ORDER) == 32


@pytest.mark.parametrize("values", list(product((True, False), repeat=4)))
def test_every_item_is_answered_or_left_to_a_person(values: tuple[bool, ...]) -> None:
    """What is answered points to a section; what is open says what is needed, and points nowhere."""
    for row in prisma_checklist(dict(zip(NEEDS, values, strict=True))):
        assert row["status"] in (ANSWERED, IN_PART, TO_BE_WRITTEN)
        assert bool(row["report"]) == (row["status"] != TO_BE_WRITTEN), row["item"]
        assert row["status"] == ANSWERED or row["still_needed"], row["item"]
        assert set(row["report"].split()) <= {part.id for section in SECTIONS for part in section.parts}


def test_items_follow_what_a_run_has() -> None:
    """Without inconsistency S2 and S5 are open, with it answered."""
    without = {row["item"]: row for row in prisma_checklist({**EVERYTHING, "inconsistency": False})}
    with_it = {row["item"]: row for row in prisma_checklist(EVERYTHING)}
    assert {without[item]["status"] for item in ("S2", "S5")} == {TO_BE_WRITTEN}
    assert {with_it[item]["status"] for item in ("S2", "S5")} == {ANSWERED}
    changed = {item for item in with_it if with_it[item] != without[item]}
    assert changed == {"S2", "S5"}


def test_sentence_counts_the_items() -> None:
    """The three numbers are those of the statuses."""
    rows = prisma_checklist(EVERYTHING)
    total, answered, in_part, open_ = map(int, re.findall(r"\d+", prisma_sentence(rows)))
    assert total == len(rows) == answered + in_part + open_
    assert answered == sum(row["status"] == ANSWERED for row in rows)
    assert in_part == sum(row["status"] == IN_PART for row in rows)


def test_tables_are_those_of_the_results() -> None:
    """Every file that an item names is described in results/README.md."""
    described = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
    for row in prisma_checklist(EVERYTHING):
        for file in row["tables"].split():
            assert Path(file).name in described or Path(file).stem in described, file


def test_sections_are_those_of_the_page(page: str) -> None:
    """Every link of the checklist arrives (populations where patients are described), and all items are there."""
    ids = set(re.findall(r'\sid="([^"]+)"', page))
    pointed_to = {name for row in prisma_checklist(EVERYTHING) for name in row["report"].split()}
    assert len(pointed_to) > 8
    assert pointed_to - {"populations"} <= ids
    table = page[page.index("PRISMA-NMA checklist</span>") :]
    assert len(re.findall(r"<tr><th scope", table[: table.index("</table>")])) == 33


def test_the_table_stands_beside_the_report(tmp_path: Path) -> None:
    """summary/prisma_nma.csv holds what the page shows."""
    from tests.test_report import report, write_project

    write_project(tmp_path)
    text = report(tmp_path)
    rows = read_table(tmp_path / "main" / "summary" / "prisma_nma.csv")
    assert tuple(rows[0]) == COLUMNS
    assert prisma_sentence(rows) in re.sub(r"\s+", " ", text)
