"""What the report says of the figures that were checked against the papers."""

from collections import Counter
from collections.abc import Sequence

from secondline.cell_values import ELSEWHERE, FOUND, NO_SOURCE, NOT_FOUND, NOT_LOOKED_UP, UNREADABLE
from secondline.report.tables.results import Table
from secondline.report.words import Names, Row, listed, plural


def verification_sentences(verdicts: Sequence[Row], names: Names) -> list[str]:
    """Count the figures by what became of them, and name the studies that were not verified.

    Parameters
    ----------
    verdicts : rows
        evidence/sources.csv; none where no study comes from a sheet.
    """
    if not verdicts:
        return []
    counts = Counter(row["status"] for row in verdicts if row["status"] not in NOT_LOOKED_UP)
    if not counts and not any(row["status"] == UNREADABLE for row in verdicts):
        return ["Not verified: no copies of the papers were available."]
    sentences = []
    if counts:
        sentences.append(
            f"Of {plural(counts.total(), 'figure')} checked against the papers, {counts[FOUND]} were found at the "
            f"stated place, {counts[ELSEWHERE]} elsewhere in the paper and {counts[NOT_FOUND]} not at all."
        )
    for status, why in ((NO_SOURCE, "no copy of the paper"), (UNREADABLE, "copy of the paper cannot be read")):
        unread = list(dict.fromkeys(row["study"] for row in verdicts if row["status"] == status))
        if unread:
            sentences.append(f"Not verified ({why}): {listed(map(names.study, unread))}.")
    return sentences


def doubtful_table(verdicts: Sequence[Row], names: Names) -> Table:
    """Tabulate the figures that were not found where the sheet says."""
    columns = ("Study", "Figure", "Printed", "Stated place", "Status", "Line")
    rows = [
        [names.study(row["study"]), row["item"], row["printed"], row["place"], row["status"], row["line"] or "–"]
        for status in (NOT_FOUND, ELSEWHERE)
        for row in verdicts
        if row["status"] == status
    ]
    return Table("Figures not found at their stated place", columns, rows)
