"""Checklists that a person answers: what of a run bears on each item, and where it is.

No item is answered here. ``shows`` says what the run has; ``report`` names sections of the page and ``tables`` files of
the results. An item that ``needs`` what a run does not have points nowhere.

References
----------
Lunny C et al. (2025) BMJ 388:e079839 (RoB NMA; rob_nma.csv has its 17 items in words of our own). Ades AE et al. (2012)
NICE DSU Technical Support Document 7 (its headings A1 to D2, in words of our own, are the items of nice_tsd7.csv).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from secondline.report.settings import ReportSettings
from secondline.report.tables.prisma import links
from secondline.report.tables.results import Table
from secondline.report.words import Row
from secondline.tables import read_table, write_table

COLUMNS = ("item", "section", "topic", "status", "shows", "report", "tables")
BY_A_PERSON = "a person must answer"
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Checklist:
    """A checklist: the stem of its file here and in summary/, its title, and where its items come from."""

    name: str
    title: str
    source: str


CHECKLISTS = (
    Checklist(
        "rob_nma",
        "Risk of bias in the network meta-analysis (RoB NMA)",
        "The items of RoB NMA (Lunny et al. 2025) are paraphrased.",
    ),
    Checklist(
        "nice_tsd7",
        "Reviewer's checklist (NICE DSU Technical Support Document 7)",
        "The headings of the checklist of Technical Support Document 7 (Ades et al. 2012) are in our own words, "
        "without the questions below them: use the original.",
    ),
)


def fill(checklist: Checklist, has: Mapping[str, bool]) -> list[dict[str, str]]:
    """List the items of a checklist with what of a run bears on each.

    Parameters
    ----------
    has : mapping
        Whether a run has what items need: ``populations``, ``inconsistency``.

    Returns
    -------
    list of dict
        Rows with `COLUMNS`; every ``status`` is `BY_A_PERSON`.
    """
    rows = []
    for row in read_table(_FOLDER / f"{checklist.name}.csv"):
        missing = row["needs"] and not has[row["needs"]]
        nothing = {"shows": "", "report": "", "tables": ""} if missing else {}
        filled = {**row, **nothing, "status": BY_A_PERSON}
        rows.append({key: filled[key] for key in COLUMNS})
    return rows


def checklist_sentence(checklist: Checklist, rows: Sequence[Row]) -> str:
    """Say that no item is answered, and for how many the run has something to look at."""
    helped = sum(bool(row["shows"]) for row in rows)
    return (
        f"A person must answer all {len(rows)} items; for {helped} of them the table says what in this run bears on "
        f"the answer. {checklist.source}"
    )


def checklist_table(checklist: Checklist, rows: Sequence[Row], sections: Mapping[str, str]) -> Table:
    """Tabulate a checklist, with links to the sections of the page.

    Parameters
    ----------
    sections : mapping
        What the page calls its sections, by their ids.
    """
    cells = [
        [
            f"{row['item']} {row['topic']}",
            row["status"],
            row["shows"] or "–",
            links(row["report"], sections),
            row["tables"].replace(" ", ", ") or "–",
        ]
        for row in rows
    ]
    return Table(checklist.title, ("Item", "Answer", "What this run shows", "In this report", "Tables"), cells)


def checklist_parts(settings: ReportSettings, sections: Mapping[str, str]) -> list[dict[str, Any]]:
    """Gather what the page shows of every checklist: its name, rows, sentence and table."""
    has = {"populations": bool(settings.populations), "inconsistency": bool(settings.inconsistency)}
    filled = [(checklist, fill(checklist, has)) for checklist in CHECKLISTS]
    return [
        {
            "name": checklist.name,
            "rows": rows,
            "sentence": checklist_sentence(checklist, rows),
            "table": checklist_table(checklist, rows, sections),
        }
        for checklist, rows in filled
    ]


def write_checklists(parts: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Write every checklist as a table into summary/ of an analysis."""
    for part in parts:
        write_table(folder / f"{part['name']}.csv", part["rows"], COLUMNS)
