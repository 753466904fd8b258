"""Projects of CINeMA (`.cnm`): the table of their studies, one row per arm or one row per contrast."""

import json
from typing import Any

from secondline.errors import UserError
from secondline.project.formats.files import Asked, Cells, FileKind, table_of


class _Cinema(FileKind):
    title = "a project of CINeMA"

    def recognises(self, file: str, content: bytes) -> bool:
        return content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")

    def cells(self, file: str, content: bytes, asked: Asked) -> Cells:
        try:
            project = json.loads(content.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            where = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            raise UserError(f"not valid JSON{where}, as a project of CINeMA is", file) from None
        found = _rows(project)
        if not found:
            raise UserError("no table of studies under project: studies: long, as projects of CINeMA have one", file)
        rows = [{str(name): _text(file, i, name, cell) for name, cell in row.items()} for i, row in enumerate(found, 1)]
        return table_of(file, rows, range(1, len(rows) + 1), "a project of CINeMA, whose rows are counted as lines")


def _rows(project: Any) -> list[dict[str, Any]]:
    """Find the table: rows by name of column, in the form that the project was made from."""
    for key in ("project", "studies"):
        project = project.get(key) if isinstance(project, dict) else None
    for form in ("long", "iv", "wide"):
        rows = project.get(form) if isinstance(project, dict) else None
        if isinstance(rows, list) and rows and all(isinstance(row, dict) and row for row in rows):
            return rows
    return []


def _text(file: str, row: int, name: str, cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, dict | list | bool):
        raise UserError("allowed: a number or a word", file, row, str(name), cell)
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell).strip()


KIND = _Cinema()
