"""Each figure against the paper: found at its place, found elsewhere, not found."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from secondline.cell_values import ELSEWHERE, FOUND, NO_SOURCE, NOT_FOUND, UNREADABLE
from secondline.errors import UserError
from secondline.project.config import Project
from secondline.project.sheets import StudySheet
from secondline.sources.figures import Printed, printed_figures
from secondline.sources.normalise import compact, is_short, is_weak, pieces_of, swapped
from secondline.sources.paper import Paper, Span
from secondline.sources.read import find_copy, read_lines
from secondline.tables import write_table

STATUSES = (FOUND, ELSEWHERE, NOT_FOUND, UNREADABLE, NO_SOURCE)
COLUMNS = ("study", "item", "printed", "place", "status", "line")
WINDOW = 250  # how far from the words of `near:` a figure of a text may stand, in characters of the compact text


@dataclass(frozen=True)
class Verdict:
    """What became of a figure; ``line`` of the paper is counted from 1."""

    study: str
    figure: Printed
    status: str
    line: int | None = None

    @property
    def row(self) -> dict[str, object]:
        """A row of evidence/sources.csv."""
        figure = self.figure
        return {
            "study": self.study,
            "item": figure.item,
            "printed": figure.printed,
            "place": figure.place,
            "status": self.status,
            "line": self.line,
        }


def look_up(paper: Paper, figure: Printed) -> tuple[str, int | None]:
    """Look for a figure in its place, then elsewhere.

    A number of one or two digits alone counts only near the words of ``near:``. A number with nothing else counts
    nowhere but in its place, unless the paper has no such place.

    Returns
    -------
    status and line, counted from 1
    """
    if is_short(figure.printed) and not figure.near:
        return NOT_FOUND, None
    place = paper.outline.locate(figure.place) if figure.place else None
    if place:
        hit = _first(paper, figure, [paper.span(lines) for lines in place])
        if hit is not None:
            return FOUND, paper.line_at(hit) + 1
        if is_weak(figure.printed):
            return NOT_FOUND, None
    hit = _first(paper, figure, [(0, len(paper.text))])
    return (NOT_FOUND, None) if hit is None else (ELSEWHERE, paper.line_at(hit) + 1)


def _first(paper: Paper, figure: Printed, spans: Sequence[Span]) -> int | None:
    """Offset of the first place of a figure within spans, in the neighbourhood that it asks for."""
    areas = [area for span in spans for area in (_neighbourhoods(paper, figure.near, span) if figure.near else [span])]
    pieces, other_way = pieces_of(figure.printed), swapped(figure.printed)
    hits = (paper.find(pieces, area) for area in areas)
    hit = next((hit for hit in hits if hit is not None), None)
    if hit is None and other_way:
        hits = (paper.search(other_way, area) for area in areas)
        hit = next((hit for hit in hits if hit is not None), None)
    return hit


def _neighbourhoods(paper: Paper, near: str, span: Span) -> Iterator[Span]:
    """Where a figure near some words may stand: in a table their row, in a text not far from them."""
    for start, end in paper.occurrences(compact(near).text, span):
        first, last = paper.line_at(start), paper.line_at(end - 1)
        table = next((table for table in paper.outline.tables if table[0] <= first < table[1]), None)
        if table:
            rows = [row for row in paper.outline.rows(table) if row[0] <= last and first < row[1]]
            yield paper.span((rows[0][0], rows[-1][1]))
        else:
            yield max(span[0], start - WINDOW), min(span[1], end + WINDOW)


@dataclass(frozen=True)
class Copy:
    """The user's copy of a paper, or why it cannot be read."""

    file: Path
    paper: Paper | None
    problem: str = ""


def open_copy(file: Path) -> Copy:
    """Read a copy of a paper; see `secondline.sources.read.read_lines` for what can be wrong with it."""
    try:
        return Copy(file, Paper(tuple(read_lines(file))))
    except UserError as error:
        return Copy(file, None, str(error))


def verify_sheet(sheet: StudySheet, copy: Copy | None) -> list[Verdict]:
    """Look for every figure of a sheet in the copy of its paper, if there is one that can be read."""
    figures = printed_figures(sheet)
    if copy is None or copy.paper is None:
        return [Verdict(sheet.study, figure, UNREADABLE if copy else NO_SOURCE) for figure in figures]
    return [Verdict(sheet.study, figure, *look_up(copy.paper, figure)) for figure in figures]


def find_copies(project: Project) -> dict[str, Path]:
    """Find the copies of the papers that the user keeps, by study; of a secondary report, the paper that quotes it."""
    if project.config.sources is None:
        return {}
    folder = Path(project.config.sources.folder)
    papers = {
        study: sheet.secondary_report.quoted_by if sheet.secondary_report else study
        for study, sheet in project.sheets.items()
    }
    found = {study: find_copy(folder, paper) for study, paper in papers.items()}
    return {study: file for study, file in found.items() if file}


def verify_project(project: Project, say: Callable[[str], None]) -> list[Verdict]:
    """Verify every sheet, in the order of studies and sections; ``say`` takes a line on every copy not readable."""
    copies = {study: open_copy(file) for study, file in find_copies(project).items()}
    for problem in dict.fromkeys(copy.problem for copy in copies.values() if copy.problem):
        say(f"warning: {problem}")
    return [verdict for sheet in project.sheets.values() for verdict in verify_sheet(sheet, copies.get(sheet.study))]


def write_verdicts(project: Project, file: Path, say: Callable[[str], None]) -> None:
    """Write evidence/sources.csv."""
    write_table(file, (verdict.row for verdict in verify_project(project, say)), COLUMNS)
