"""Judgements of risk of bias and indirectness in the columns of a table of evidence."""

from secondline.project.risk_of_bias import CONCERNS
from secondline.project.table_lines import JUDGED_COLUMNS, Line

_LEVELS = {word: i for i, concern in enumerate(CONCERNS, 1) for word in (concern, str(i))}


def concerns_of(line: Line) -> dict[str, int]:
    """Level of concern (1 low, 2 some, 3 high) by column, where somebody judged.

    Raises
    ------
    UserError
        A cell that states no level.
    """
    found = {column: line.cells[column].lower() for column in JUDGED_COLUMNS if line.has(column)}
    for column, cell in found.items():
        if cell not in _LEVELS:
            raise line.error(column, f"allowed: 1, 2 or 3, or {', '.join(CONCERNS)}; NA where nobody judged")
    return {column: _LEVELS[cell] for column, cell in found.items()}
