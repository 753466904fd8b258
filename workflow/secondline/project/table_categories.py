"""Patients by ordered category in tables, where a study need not report every cut-off.

Counts are exclusive: a patient is counted in one category. A category that is not given (an empty cell, NA, or a word
that the entry of the table declares as missing) is one whose lower cut-off the study does not report: its patients are
in the count of the nearest category before it, from the lowest, that is given. So multinma reads its ordered outcomes.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from secondline.cells import categories_cell, parse_categories
from secondline.project.table_lines import Line


def read_categories(line: Line, categories: Sequence[str]) -> dict[str, Any]:
    """Read the patients of one arm by category, from the lowest to the highest, as a row of an evidence table has them.

    Raises
    ------
    UserError
        No patients, no cut-off, or no count in the lowest category, which is counted with no other.
    """
    lowest, *others = categories
    if not line.has(lowest):
        problem = f"a category that is not given is counted with the one before it, and {lowest} is the first"
        raise line.error(lowest, f"{problem}; allowed: a whole number, 0 or more")
    if not any(line.has(name) for name in others):
        problem = f"no cut-off is given: all patients are counted in {lowest}"
        raise line.error(others[0], f"{problem}; allowed: a number in one or more of {', '.join(others)}")
    counts = {name: line.whole(name) if line.has(name) else None for name in categories}
    n = sum(count or 0 for count in counts.values())
    if not n:
        raise line.error(lowest, "no patient in any category; allowed: at least one")
    return {"n": n, "categories": categories_cell(counts)}


def never_given(cells: Iterable[str], categories: Sequence[str]) -> list[str]:
    """List the categories that every arm counts with the one before."""
    given = {name for cell in cells for name, n in parse_categories(cell).items() if n is not None}
    return [name for name in categories if name not in given]


def not_told_apart(name: str, categories: Sequence[str]) -> str:
    """Say that no study reports the cut-off below a category, and what to do."""
    before = categories[list(categories).index(name) - 1]
    problem = f"no study reports the cut-off between {before} and {name}"
    return f"{problem}; allowed: categories that one or more studies count apart; leave {name} out"
