"""Components of treatments in columns of a table: 1 where an arm has one, 0 where not."""

from dataclasses import replace

from secondline.project.formats.base import Row, Sheet, Taken
from secondline.project.table_lines import Complain, EvidenceTable

_HAS = {"0": False, "1": True}
JOINT = " + "
"""What stands between the components in the name of an arm."""


def with_components(table: EvidenceTable, sheet: Sheet, taken: Taken, complain: Complain) -> Taken:
    """Call every arm that has components after them; an arm without any keeps the name of its treatment.

    Raises
    ------
    UserError
        A column that is not there, a cell that is neither 0 nor 1, or a table of contrasts.
    """
    for i, name in enumerate(table.components):
        if name not in taken.columns:
            allowed = ", ".join(taken.columns)
            raise complain(("components", i), name, f"no such column in {table.file}; allowed: {allowed}")
        if "comparator" in taken.columns:
            raise complain(("components", i), name, "the rows are contrasts, and arms have components")
    rows = tuple(_named(table, sheet, row) for row in taken.rows)
    columns = {ours: name for ours, name in taken.columns.items() if ours not in table.components}
    return replace(taken, rows=rows, columns=columns)


def _named(table: EvidenceTable, sheet: Sheet, row: Row) -> Row:
    for name in table.components:
        if row.cells[name] not in _HAS:
            raise sheet.error(row, name, "allowed: 1 where the arm has this component, 0 where not")
    held = [name for name in table.components if _HAS[row.cells[name]]]
    cells = {ours: cell for ours, cell in row.cells.items() if ours not in table.components}
    return replace(row, cells=cells | ({"treatment": JOINT.join(held)} if held else {}))
