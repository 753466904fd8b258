"""The PRISMA-NMA checklist (Hutton 2015): where each item is answered, and what a person must still write.

prisma_nma.csv holds the items of the extension statement, in words of our own. ``report`` names sections of the page,
``tables`` files of the results; an item that ``needs`` what a run does not have is left to a person.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from secondline.report.tables.results import Table
from secondline.report.words import Row
from secondline.tables import read_table

CHECKLIST = Path(__file__).with_name("prisma_nma.csv")
COLUMNS = ("item", "section", "topic", "asks", "status", "report", "tables", "still_needed")
ANSWERED, IN_PART, TO_BE_WRITTEN = "answered", "in part", "to be written"


def prisma_checklist(has: Mapping[str, bool]) -> list[dict[str, str]]:
    """Fill the checklist.

    Parameters
    ----------
    has : mapping
        Whether a run has what items need: ``sheets``, ``populations``, ``inconsistency``, ``variations``.
    """
    rows = []
    for row in read_table(CHECKLIST):
        missing = row["needs"] and not has[row["needs"]]
        left = (
            {"status": TO_BE_WRITTEN, "report": "", "tables": "", "still_needed": row["otherwise"]} if missing else {}
        )
        rows.append({key: {**row, **left}[key] for key in COLUMNS})
    return rows


def prisma_sentence(rows: Sequence[Row]) -> str:
    """Count the items by how far they are answered."""
    counts = Counter(row["status"] for row in rows)
    return (
        f"Of {len(rows)} items, {counts[ANSWERED]} are answered in this report, {counts[IN_PART]} are answered in "
        f"part and {counts[TO_BE_WRITTEN]} remain to be written."
    )


def prisma_table(rows: Sequence[Row], sections: Mapping[str, str]) -> Table:
    """Tabulate the checklist, with links to the sections of the page.

    Parameters
    ----------
    sections : mapping
        What the page calls its sections, by their ids.
    """
    cells = [
        [
            f"{row['item']} {row['topic']}",
            row["asks"],
            row["status"],
            links(row["report"], sections),
            row["tables"].replace(" ", ", ") or "–",
            row["still_needed"] or "–",
        ]
        for row in rows
    ]
    columns = ("Item", "What it asks for", "Status", "In this report", "Tables", "Still to be written")
    return Table("PRISMA-NMA checklist", columns, cells)


def links(cell: str, sections: Mapping[str, str]) -> str:
    """Link to sections of the page; a dash for none."""
    from markupsafe import Markup

    link = Markup('<a href="#{}">{}</a>')
    return Markup(", ").join(link.format(name, sections[name]) for name in cell.split()) or "–"
