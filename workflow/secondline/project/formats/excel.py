"""Workbooks of Excel: one sheet, whose numbers are numbers; dates that Excel made of entries are refused."""

from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any
from zipfile import BadZipFile, ZipFile

from secondline.errors import UserError
from secondline.project.formats.files import Asked, Cells, FileKind, Line

_MOST_UNPACKED = 300_000_000  # bytes; more would be a file meant to do harm
_DATES = (datetime, date, time, timedelta)


class _Excel(FileKind):
    title = "an Excel workbook"
    has_sheets = True

    def recognises(self, file: str, content: bytes) -> bool:
        return content.startswith(b"PK\x03\x04")

    def cells(self, file: str, content: bytes, asked: Asked) -> Cells:
        name, rows, others = _rows(file, content, asked.sheet)
        filled = [i for i, row in enumerate(rows) if any(_is_filled(cell) for cell in row)]
        if not filled:
            raise UserError("the table is empty", file, key="sheet", value=name)
        top, *below = filled
        header = [_text(cell) for cell in rows[top]]
        width = max(i + 1 for k in filled for i, cell in enumerate(rows[k]) if _is_filled(cell))
        read = [name not in asked.ignore for name in header]
        body: list[Line] = []
        for i in below:
            for k, cell in enumerate(rows[i]):
                if isinstance(cell, _DATES) and read[k]:
                    raise _date(file, i + 1, header[k] or _letters(k), cell)
            body.append((i + 1, [_text(cell) for cell in rows[i][:width]]))
        found = f"sheet {name}" + (f" (not read: {', '.join(others)})" if others else "")
        return Cells(file, top + 1, header[:width], body, (found,))


def _rows(file: str, content: bytes, wanted: str | None) -> tuple[str, list[list[Any]], list[str]]:
    """Read the rows of a sheet: the one that is named, or the only one with anything in it; and name the others."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with ZipFile(BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > _MOST_UNPACKED:
                raise UserError(f"a workbook of more than {_MOST_UNPACKED} bytes; save its table as CSV", file)
        book = CalamineWorkbook.from_filelike(BytesIO(content))
        names = book.sheet_names
        if wanted is not None and wanted not in names:
            raise UserError(f"no such sheet; allowed: {', '.join(names)}", file, key="sheet", value=wanted)
        sheets = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in names}
    except (CalamineError, BadZipFile, ValueError, OverflowError, NotImplementedError) as error:
        raise UserError(f"a zip archive, and no Excel workbook that can be read: {error}", file) from None
    full = [name for name, rows in sheets.items() if any(_is_filled(cell) for row in rows for cell in row)]
    if wanted is None and len(full) > 1:
        raise UserError(f"several sheets, {', '.join(full)}; name one under sheet", file)
    if wanted is None and not full:
        raise UserError("the table is empty", file)
    name = wanted or full[0]
    return name, sheets[name], [other for other in full if other != name]


def _is_filled(cell: Any) -> bool:
    return not isinstance(cell, str) or bool(cell.strip())


def _text(cell: Any) -> str:
    """Write a cell as a CSV of it would have it: whole numbers without a point."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell).strip()


def _date(file: str, line: int, column: str, cell: Any) -> UserError:
    """Say of a date what Excel may have made it of."""
    made = f"{cell.day}-{cell.month} or {cell.month}-{cell.day}" if isinstance(cell, date) else "an entry with colons"
    problem = (
        f"Excel keeps a date here, perhaps made of {made}; format the column as text and type it again, or ignore it"
    )
    return UserError(problem, file, line, column, str(cell))


def _letters(column: int) -> str:
    """Name a column as Excel does."""
    name = ""
    while column >= 0:
        name, column = chr(ord("A") + column % 26) + name, column // 26 - 1
    return f"column {name}"


KIND = _Excel()
