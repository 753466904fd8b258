"""What a file looks like that is no tidy table with commas: said in one line, before its columns are called unknown."""

import re
from collections.abc import Sequence

from secondline.errors import UserError
from secondline.project.formats.text import DELETE_TITLE

_TIDY = (
    "write one row per arm (study, treatment and its figures) or one row per contrast (study, treatment, comparator, …)"
)
_NEEDED = "such a table needs a treatment and all figures for every arm, as treat1, event1, n1, treat2, event2, n2"
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}
_NUMBERED = re.compile(r"(.*?)[ ._-]?([1-9])")


def check_separator(file: str, first: str) -> None:
    """Check that commas, and no other sign, separate the columns of the first line.

    Raises
    ------
    UserError
        Something else separates them.
    """
    bare = re.sub(r'"[^"]*"', "x", first).strip()
    if "," in bare:
        return
    for sign, name in _SEPARATORS.items():
        if sign in bare:
            comma = "; decimal commas (1,5) become points (1.5)" if sign == ";" else ""
            raise UserError(
                f"{name} separate the columns; allowed here: commas. Save it as CSV with commas{comma}", file
            )


def check_header(file: str, top: int, header: Sequence[str], body: Sequence[tuple[int, Sequence[str]]]) -> None:
    """Check that the first line names every column.

    Raises
    ------
    UserError
        It is a title, or some column has no name.
    """
    if len(header) > 1 and sum(map(bool, header)) == 1 and body and sum(map(bool, body[0][1])) > 1:
        title = "".join(header)
        problem = f"this line looks like a title, '{title}'; {DELETE_TITLE}"
        raise UserError(problem, file, top)
    nameless = [i for i, name in enumerate(header) if not name]
    if not nameless:
        return
    empty = all(not cells[i] for _, cells in body for i in nameless if i < len(cells))
    where = ", ".join(str(i + 1) for i in nameless)
    which, them = (f"columns {where} have", "them") if len(nameless) > 1 else (f"column {where} has", "it")
    if empty:
        advice = f"nothing is in {them}; delete {them}, with the commas that belong to {them}"
    elif nameless == [0]:
        advice = (
            "row names, as R writes them? Write the table without (row.names = FALSE), or name and ignore the column"
        )
    else:
        advice = f"give {them} one, and ignore {them} if {'they are' if len(nameless) > 1 else 'it is'} not to be read"
    raise UserError(f"{which} no name: {advice}", file, top)


def wide_form(header: Sequence[str]) -> str | None:
    """Describe a table with one row per study and columns for every arm; None for a table that is not like that."""
    numbered: dict[str, list[str]] = {}
    for name in header:
        if match := _NUMBERED.fullmatch(name):
            numbered.setdefault(match[1], []).append(name)
    repeated = [names for stem, names in numbered.items() if stem and len(names) > 1]
    sides = [[f"{stem}e", f"{stem}c"] for stem in ("N", "M", "S", "n", "m", "sd", "mean") if _both(stem, header)]
    control = [name for name in header if "control" in name.lower()]
    for found, least in ((repeated, 2), (sides, 2), ([[name] for name in control], 2)):
        if len(found) >= least:
            shown = ", ".join(name for names in found[:2] for name in names)
            return f"one row per study, with columns for every arm ({shown})? {_NEEDED}; else {_TIDY}"
    return None


def _both(stem: str, header: Sequence[str]) -> bool:
    return {f"{stem}e", f"{stem}c"} <= set(header)


REFERENCE_ROWS = (
    "a contrast names treatment and comparator on its row, or every study has a row whose effect is NA for the "
    "treatment with which the others are compared"
)
