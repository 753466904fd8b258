"""Tables as a workbook and for Word: the numbers of the CSV files, labels, what failed; the same bytes every time."""

import re
import shutil
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from secondline.report.certainty import SHADES
from secondline.report.export.word import write_document
from secondline.report.export.workbook import Sheet, write_workbook
from secondline.report.export.write import write_findings, write_take_away
from secondline.report.page.outcome import Sources
from secondline.report.tables.certainty import findings_tables, legend
from secondline.report.tables.results import Table
from secondline.tables import read_table

from tests.certainty_networks import bias_rows
from tests.test_certainty_report import certainty_of
from tests.test_plots import LABELS, SMOKING, Network, names, write_rows
from tests.test_report import settings_of, write_project

X = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def workbook(file: Path) -> dict[str, list[list[Any]]]:
    """Read the sheets of a workbook: numbers as numbers, words as words."""
    with ZipFile(file) as archive:
        shared = ET.fromstring(archive.read("xl/sharedStrings.xml"))
        strings = ["".join(text.itertext()) for text in shared.iter(f"{X}si")]
        titles = [sheet.get("name") for sheet in ET.fromstring(archive.read("xl/workbook.xml")).iter(f"{X}sheet")]
        sheets = {}
        for k, title in enumerate(titles, start=1):
            rows = ET.fromstring(archive.read(f"xl/worksheets/sheet{k}.xml")).iter(f"{X}row")
            sheets[str(title)] = [[cell_value(cell, strings) for cell in row] for row in rows]
    return sheets


def cell_value(cell: ET.Element, strings: list[str]) -> Any:
    """Read a cell."""
    value = cell.findtext(f"{X}v")
    if value is None:
        return ""
    return strings[int(value)] if cell.get("t") == "s" else float(value)


def document_tables(file: Path) -> tuple[str, list[list[list[str]]]]:
    """Read all text of a Word document, and its tables."""
    with ZipFile(file) as archive:
        body = ET.fromstring(archive.read("word/document.xml"))
    tables = [
        [["".join(cell.itertext()) for cell in row.iter(f"{W}tc")] for row in table.iter(f"{W}tr")]
        for table in body.iter(f"{W}tbl")
    ]
    return " ".join(body.itertext()), tables


ROWS = [
    {"outcome": "pain", "study": "1", "treatment": "alpha", "estimate": "0.123456789012345", "n": "40", "flag": "true"},
    {"outcome": "pain", "study": "2", "treatment": "beta_long", "estimate": "", "n": "3", "flag": "=1+1"},
]


def test_numbers_are_numbers_and_words_are_words(tmp_path: Path) -> None:
    """In the precision of the table; a study called 1 stays a name, and nothing is taken for a formula."""
    write_workbook(tmp_path / "t.xlsx", [Sheet("Results", "a table", ROWS)], [], names())
    sheets = workbook(tmp_path / "t.xlsx")
    assert list(sheets) == ["Notes", "Results"]
    head, first, second = sheets["Results"]
    assert head == ["outcome", "study", "treatment", "estimate", "n", "flag"]
    assert first == ["Pain relief at twelve weeks", "1", "Alpha", 0.123456789012345, 40.0, "true"]
    assert second[2:] == ["Beta given with a very long second name", "", 3.0, "=1+1"]


def test_the_first_sheet_holds_units_and_notes(tmp_path: Path) -> None:
    """What a sheet holds, which measure an outcome has, what columns mean, which id a label stands for."""
    write_workbook(tmp_path / "t.xlsx", [Sheet("Results", "a table", ROWS)], [], names())
    notes = workbook(tmp_path / "t.xlsx")["Notes"]
    assert ["Results", "a table"] in notes
    assert ["Pain relief at twelve weeks (pain)", "OR, odds ratio", "higher", "1.25"] in notes
    assert ["Alpha", "alpha"] in notes
    assert ["Acute attack", "acute"] in notes
    text = " ".join(str(cell) for row in notes for cell in row)
    assert "95% equal-tailed credible intervals" in text
    assert "natural scale" in text
    assert "Serious harm" not in text
    assert "poth" not in text
    assert "NOT CONVERGED" not in text


def test_a_failed_fit_stands_on_the_first_sheet(tmp_path: Path) -> None:
    """By name, before everything else."""
    write_workbook(tmp_path / "t.xlsx", [Sheet("Results", "a table", ROWS)], ["Pain, model “pooled”"], names())
    assert workbook(tmp_path / "t.xlsx")["Notes"][1] == ["NOT CONVERGED, do not use:", "Pain, model “pooled”"]


TABLE = Table(
    "A caption", ("Treatment", "Alpha", "Beta"), [["Alpha", "–", "2.00 (1.00 to 4.00)"], ["Beta", "0.50", "–"]]
)


def test_word_tables_hold_every_cell(tmp_path: Path) -> None:
    """Header, treatments, cells; title, notes and captions around them; the page lies on its side."""
    write_document(tmp_path / "t.docx", "A title", ["How to read"], [TABLE, TABLE])
    text, tables = document_tables(tmp_path / "t.docx")
    assert tables == [[list(TABLE.columns), *TABLE.rows]] * 2
    assert "A title How to read A caption" in re.sub(r"\s+", " ", text)
    with ZipFile(tmp_path / "t.docx") as archive:
        xml = archive.read("word/document.xml").decode()
        assert "python-docx" not in archive.read("docProps/core.xml").decode()
    assert 'w:orient="landscape"' in xml
    assert xml.count("<w:tblHeader/>") == 2


@pytest.mark.parametrize("name", ["t.xlsx", "t.docx"])
def test_two_runs_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Whatever the clock says."""
    for folder, clock in (("a", 1.0e9), ("b", 1.7e9)):
        monkeypatch.setattr(time, "time", lambda clock=clock: clock)
        local = time.gmtime(clock)
        monkeypatch.setattr(time, "localtime", lambda *_, local=local: local)
        if name.endswith("xlsx"):
            write_workbook(tmp_path / folder / name, [Sheet("Results", "a table", ROWS)], [], names())
        else:
            write_document(tmp_path / folder / name, "A title", [], [TABLE])
    assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def taken_away(folder: Path, settings: Any) -> tuple[dict[str, list[list[Any]]], str, list[list[list[str]]]]:
    """Write what leaves the project and read it."""
    sources = Sources(folder / "main", folder / "evidence", folder / "summary" / "sensitivity.csv")
    write_take_away(sources, settings, folder / "t.xlsx", folder / "t.docx")
    return workbook(folder / "t.xlsx"), *document_tables(folder / "t.docx")


def test_an_analysis_leaves_with_all_its_tables(tmp_path: Path) -> None:
    """Sheets of tables that have rows; a league table a setting; what failed is said in both."""
    write_project(tmp_path, converged="false")
    model = tmp_path / "main" / "pain" / "pooled"
    rows = [{**row, "converged": "false"} for row in read_table(model / "relative_effects.csv")]
    write_rows(model / "relative_effects.csv", rows)
    shutil.copytree(tmp_path / "main" / "pain", tmp_path / "main" / "harm")
    pairs = [
        {"below": "pain", "above": "harm", "setting": setting, "treatment": name, **halves, "converged": "true"}
        for setting in ("overall", "acute")
        for name, halves in (("alpha", {"alpha": "", "gamma": "1.50"}), ("gamma", {"alpha": "0.75", "gamma": ""}))
    ]
    write_rows(tmp_path / "main" / "summary" / "league_pairs.csv", pairs)
    sheets, text, tables = taken_away(tmp_path, settings_of(LABELS, pairs=[("pain", "harm")]))
    filled = {"Evidence", "Relative effects", "Ranking", "Rank probabilities", "League tables", "Two outcomes"}
    assert filled <= set(sheets)
    assert "Absolute effects" not in sheets
    assert "Node-splits" not in sheets
    assert len(sheets["Sensitivity"]) == 1 + 2 * 8
    assert sheets["Notes"][1][0].startswith("NOT CONVERGED")
    assert "NOT CONVERGED, do not use" in text
    assert "OR above 1 favours the treatment" in text
    assert len(tables) == 1 + 2  # of the pair and the one setting, and of the outcome, overall and in the setting
    beta = LABELS.regimens["beta_long"]
    assert tables[0] == [
        ["Treatment", beta, "Alpha", "Placebo"],
        [beta, "–", "0.67 (0.25 to 1.82)\u00a0I", "1.11 (0.41 to 3.00)\u00a0E"],
        ["Alpha", "–", "–", "0.67 (0.25 to 1.82)"],
        ["Placebo", "–", "–", "–"],
    ]
    assert "Pain relief at twelve weeks (below the diagonal) and Serious harm (above it)" in text
    assert "NOT CONVERGED, do not use: Pain relief at twelve weeks and Serious harm" in text


def test_an_analysis_of_one_plain_outcome_leaves_too(tmp_path: Path) -> None:
    """Without settings, pairs or baselines there is nothing about them."""
    from tests.test_plots import LOOPS
    from tests.test_report import network_report

    network: Network = SMOKING
    network_report(tmp_path, network, LOOPS["smoking"])
    write_rows(tmp_path / "main" / "summary" / "league_pairs.csv", [])
    settings = settings_of(network.labels, outcomes=["result"], inconsistency="main")
    sheets, text, tables = taken_away(tmp_path, settings)
    assert {"Node-splits", "Unrelated effects"} <= set(sheets)
    words = text + " ".join(str(cell) for rows in sheets.values() for row in rows for cell in row)
    assert "Two outcomes" not in sheets
    assert "diagonal" not in words
    assert len(tables) == 1
    splits = sheets["Node-splits"]
    assert splits[1][splits[0].index("treatment")] == "Individual counselling"


def fills(file: Path) -> list[list[list[str]]]:
    """Read the colours of the cells of a Word document, table by table; nothing where a cell has none."""
    with ZipFile(file) as archive:
        body = ET.fromstring(archive.read("word/document.xml"))
    return [
        [
            [next((shade.get(f"{W}fill", "") for shade in cell.iter(f"{W}shd")), "") for cell in row.iter(f"{W}tc")]
            for row in table.iter(f"{W}tr")
        ]
        for table in body.iter(f"{W}tbl")
    ]


def test_the_summary_of_findings_for_word_has_the_cells_colours_and_notes_of_the_page(tmp_path: Path):
    """The same tables as in the page, each followed by its numbered notes, after a legend of the colours."""
    certainty = certainty_of(tmp_path, SMOKING)
    write_rows(
        tmp_path / "main" / "summary" / "fits.csv", [{"outcome": "result", "model": "pooled", "converged": "true"}]
    )
    file = tmp_path / "findings.docx"
    judged = {"result": bias_rows(SMOKING)}
    given = settings_of(SMOKING.labels, outcomes=["result"], certainty={"result": ()}, judged=judged)
    write_findings(tmp_path / "main", given, file)
    text, (key, *tables) = document_tables(file)
    expected = findings_tables(certainty, SMOKING.names)
    assert tables == [[list(table.columns), *table.rows] for table in expected]
    assert all(f"{k}. {note}" in text for table in expected for k, note in enumerate(table.notes, start=1))
    assert key == [[f"{shade.letters} {shade.words}" for shade in legend(certainty)]]
    colours = [["" if shade is None else shade.colour[1:].upper() for shade in row] for row in expected[0].shades]
    assert fills(file)[1][1:] == colours


def test_league_tables_for_word_are_coloured_with_letters(tmp_path: Path):
    """A cell has the colour of its certainty, and its letters after the numbers."""
    shade = SHADES["low"]
    table = Table("League", ("Treatment", "A"), [["B", "0.5 (0.2 to 0.9)"]], shades=[[None, shade]])
    file = tmp_path / "league.docx"
    write_document(file, "Title", [], [table], [shade])
    _, (key, cells) = document_tables(file)
    assert (key, cells[1]) == ([["L low"]], ["B", "0.5 (0.2 to 0.9) L"])
    assert fills(file) == [[["FDE3A7"]], [["", ""], ["", "FDE3A7"]]]
