"""The verification for the screen: what was found where, with a few words around it."""

import re
from collections import Counter
from collections.abc import Iterator

from secondline.cell_values import FOUND, NOT_FOUND, NOT_LOOKED_UP
from secondline.project.config import Project
from secondline.sources.normalise import clean, compact, numbers
from secondline.sources.paper import Paper
from secondline.sources.verify import STATUSES, Verdict, find_copies, open_copy, verify_sheet

WIDTH = 100  # characters of the paper that are shown


class Missing(str):
    """A line that says that a figure or a readable copy was not found."""

    __slots__ = ()


def screen_lines(project: Project, everything: bool = False) -> Iterator[str]:
    """Report on every study, and on the figures that were not found at their place.

    Parameters
    ----------
    everything : bool
        Show every figure with the words around it.
    """
    files = find_copies(project)
    for study, sheet in project.sheets.items():
        copy = open_copy(files[study]) if study in files else None
        verdicts = verify_sheet(sheet, copy)
        counts = Counter(verdict.status for verdict in verdicts)
        shown = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
        yield f"{study}: {len(verdicts)} figures, {shown}" + (
            f" ({copy.file})" if copy and copy.paper else "; not verified"
        )
        if copy and copy.problem:
            yield Missing(f"  warning: {copy.problem}")
        if copy and copy.paper:
            for verdict in verdicts:
                if everything or verdict.status not in (FOUND, *NOT_LOOKED_UP):
                    figure = verdict.figure
                    line = f"  {verdict.status}: {figure.item}: {figure.printed}"
                    yield Missing(line) if verdict.status == NOT_FOUND else line
                    yield f"    {sheet.source(figure.path, figure.place)}"
                    yield from _context(copy.paper, verdict)


def _context(paper: Paper, verdict: Verdict) -> Iterator[str]:
    printed = verdict.figure.printed
    wanted = numbers(compact(printed).text) or re.findall(r"[^\W\d_]+", clean(printed))
    if verdict.status == NOT_FOUND:
        line = _nearest(paper, verdict, wanted)
        if line is not None:
            yield f"    nearest, line {line + 1}: {_window(paper.lines[line], wanted)}"
    elif verdict.line is not None:
        yield f"    line {verdict.line}: {_window(paper.lines[verdict.line - 1], wanted)}"


def _nearest(paper: Paper, verdict: Verdict, wanted: list[str]) -> int | None:
    """Line of the stated place, or else of the paper, that shares most numbers with a figure."""
    place = paper.outline.locate(verdict.figure.place) if verdict.figure.place else None
    lines = [at for first, last in place or [(0, len(paper.lines))] for at in range(first, last)]
    shared = {at: len(set(wanted) & set(numbers(compact(paper.lines[at]).text))) for at in lines}
    best = max(lines, key=lambda at: shared[at], default=None)
    return best if best is not None and shared[best] else None


def _window(line: str, wanted: list[str]) -> str:
    """Return the part of a line around the first number that it shares with a figure, or else the first word."""
    text = " ".join(clean(line).split())
    places = (re.search(rf"(?<![\w.]){re.escape(part)}(?!\.?\w)", text, re.IGNORECASE) for part in wanted)
    at = next((match.start() for match in places if match), 0)
    start = max(0, at - WIDTH // 2)
    shown = text[start : start + WIDTH]
    return ("…" if start else "") + shown + ("…" if start + WIDTH < len(text) else "")
