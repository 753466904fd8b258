"""A finding: two figures of a paper that disagree, or something that a reader of the results must know."""

from dataclasses import dataclass
from typing import Any, Literal

from secondline.project.evidence_tables import Row, TableStudy
from secondline.project.figures import ALL
from secondline.project.sheets import StudySheet

Severity = Literal["info", "warning", "error"]
Path = tuple[str | int, ...]

AUDIT_COLUMNS = ("study", "item", "check", "severity", "reported", "recomputed", "source", "message", "analyses")


@dataclass(frozen=True)
class Cell:
    """A cell of a table of evidence."""

    file: str
    line: int
    column: str


@dataclass(frozen=True)
class Finding:
    """What a check found; ``message`` is one sentence for a clinician.

    ``path`` is the place in the sheet, or in the configuration where ``study`` has none; ``cell`` that in a table.
    ``analyses`` read the study the other way.
    """

    study: str
    item: str
    check: str
    severity: Severity
    reported: Any
    recomputed: Any
    source: str
    message: str
    path: Path = ()
    cell: Cell | None = None
    analyses: tuple[str, ...] = ()


def on_table(
    study: TableStudy,
    check: str,
    severity: Severity,
    item: str,
    message: str,
    row: Row,
    column: str,
    reported: Any = None,
    recomputed: Any = None,
) -> Finding:
    """Build a finding about a row of a table."""
    file, _, line = row["source"].rpartition(":")
    cell = Cell(file, int(line), column)
    return Finding(study.study, item, check, severity, reported, recomputed, row["source"], message, cell=cell)


def found(
    sheet: StudySheet,
    check: str,
    severity: Severity,
    item: str,
    message: str,
    path: Path,
    place: str = "",
    reported: Any = None,
    recomputed: Any = None,
) -> Finding:
    """Build a finding about the figure at a path of a sheet."""
    return Finding(sheet.study, item, check, severity, reported, recomputed, sheet.source(path, place), message, path)


def grade(size: float, warning: float, error: float) -> Severity | None:
    """Severity of a difference of this size, if it is worth a finding."""
    if size > error:
        return "error"
    return "warning" if size > warning else None


def item_of(record: Any) -> str:
    """Name what a record of a sheet is about: outcome and criterion, arms, and what sets it apart."""
    pair = getattr(record, "comparator", None) and f"{record.treatment} against {record.comparator}"
    who = pair or getattr(record, "arm", None) or "all arms"
    what = [getattr(record, key, None) for key in ("outcome", "criterion")]
    population = getattr(record, "population", ALL)
    apart = [getattr(record, "adjustment", None), None if population == ALL else population]
    return ", ".join([" ".join([*filter(None, what), who]), *filter(None, apart)])
