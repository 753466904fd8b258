"""Text files of cells: their encoding, what separates the columns, and the decimal mark."""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from io import StringIO

from secondline.errors import UserError
from secondline.project.formats.files import Asked, Cells, Line

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_BLANK = " "
_QUOTED = re.compile(r'"[^"]*"|\[,?[0-9]*\]')  # and the index of a column of BUGS, r[,1]
_EXPONENT = r"(?:[eE][-+]?[0-9]+)?"
_WITH_COMMA = re.compile(rf"[-+]?[0-9]*,[0-9]+{_EXPONENT}")
_WITH_POINT = re.compile(rf"[-+]?[0-9]*\.[0-9]+{_EXPONENT}")
_NUMBER = re.compile(rf"[-+]?[0-9]*[.,]?[0-9]+{_EXPONENT}")
_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2},[0-9]{3}")
DELETE_TITLE = "delete it, so that the names of the columns come first"
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
_OTHER_FILES = {
    b"\xd0\xcf\x11\xe0": "an old Excel file; save it as .xlsx or as CSV",
}


def read_text(file: str, content: bytes, asked: Asked) -> Cells:
    """Read a text file into cells.

    Raises
    ------
    UserError
        The file is no text, holds nothing, or what separates its columns or decimals is ambiguous.
    """
    text, encoding = _decoded(file, content)
    sign = _separator(file, text)
    (top, header), *body = _split(file, text, sign)
    name = _SEPARATORS.get(sign, "blanks")
    found = (*encoding, *([] if sign == "," else [f"{name} separate the columns"]))
    return _decimals(Cells(file, top, header, body, found), asked.nothing)


def _decoded(file: str, content: bytes) -> tuple[str, list[str]]:
    """Decode a file, by the mark at its start or as UTF-8."""
    for start, what in _OTHER_FILES.items():
        if content.startswith(start):
            raise UserError(f"this is no text but {what}", file)
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    if encoding != "utf-16" and b"\0" in content:
        raise UserError("not text: it holds bytes of zero, as UTF-16 without a mark at its start does", file)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding.removesuffix("-sig").upper()
        raise UserError(f"not {name} text: {error.reason} at byte {error.start}; save it as UTF-8", file) from None
    if "\0" in text:
        raise UserError("not text: it holds zeros, as UTF-32 does; save it as UTF-8", file)
    if not text.strip():
        raise UserError("the table is empty", file)
    return text, ["UTF-16"] if encoding == "utf-16" else []


def _separator(file: str, text: str) -> str:
    """Find what separates the columns, from the line of their names and, if several signs are in it, from all."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    (top, first), *others = lines
    bare = _QUOTED.sub("x", first).strip()
    signs = [sign for sign in _SEPARATORS if sign in bare]
    if len(signs) == 1:
        return signs[0]
    if not signs:
        below = _QUOTED.sub("x", others[0][1]) if others else ""
        if _BLANK not in bare:
            return ","
        if not any(sign in below for sign in _SEPARATORS) or _width(file, text, _BLANK):
            return _BLANK
        problem = (
            f"this line looks like a title, '{first.strip()}'; delete it, so that the names of the columns come first"
        )
        raise UserError(problem, file, top)
    widths = {sign: width for sign in signs if (width := _width(file, text, sign))}
    if len(widths) > 1:
        ways = " or ".join(f"{_SEPARATORS[sign]} ({width} columns)" for sign, width in widths.items())
        raise UserError(f"the columns may be separated by {ways}; put names that hold the other sign in quotes", file)
    return next(iter(widths), signs[0])


def _width(file: str, text: str, sign: str) -> int:
    """Count the columns that a sign separates, if all lines have as many and more than one; else 0."""
    try:
        widths = {len(cells) for _, cells in _split(file, text, sign)}
    except UserError:
        return 0
    return widths.pop() if len(widths) == 1 and min(widths) > 1 else 0


def _split(file: str, text: str, sign: str) -> list[Line]:
    found, start = [], 1
    lines: Iterable[str] = StringIO(text, newline="")
    if sign == _BLANK:
        lines = (line.strip() for line in lines)
    reader = csv.reader(lines, delimiter=sign, skipinitialspace=sign == _BLANK, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((start, [cell.strip() for cell in cells]))
            start = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"not valid CSV: {error}", file, start) from None
    if not found:
        raise UserError("the table is empty", file)
    return found


def _decimals(cells: Cells, nothing: Sequence[str]) -> Cells:
    """Turn decimal commas into points, where no cell leaves open what a comma is."""
    columns = _columns_of_figures(cells, nothing)
    figures = [(number, row[i]) for number, row in cells.body for i in columns if i < len(row)]
    commas = [(number, cell) for number, cell in figures if _WITH_COMMA.fullmatch(cell)]
    points = [(number, cell) for number, cell in figures if _WITH_POINT.fullmatch(cell)]
    if not commas:
        return cells
    number, cell = commas[0]
    if points:
        problem = (
            f"'{cell}' has a comma and '{points[0][1]}' in line {points[0][0]} a point: one of them is no decimal "
            "mark; write all numbers with decimal points and nothing between thousands"
        )
        raise UserError(problem, cells.file, number)
    if all(_THOUSANDS.fullmatch(cell) for _, cell in commas):
        whole, decimal = cell.replace(",", ""), cell.replace(",", ".")
        problem = f"'{cell}' may be {whole} or {decimal}, and no other number says which; write it without a comma"
        raise UserError(problem, cells.file, number)
    body = [
        (line, [c.replace(",", ".") if i in columns and _WITH_COMMA.fullmatch(c) else c for i, c in enumerate(row)])
        for line, row in cells.body
    ]
    return replace(cells, body=body, found=(*cells.found, "decimal commas"))


def _columns_of_figures(cells: Cells, nothing: Sequence[str]) -> set[int]:
    """Columns most of whose cells are numbers, with a point or a comma."""
    found = set()
    for i in range(len(cells.header)):
        column = [row[i] for _, row in cells.body if i < len(row) and row[i] not in nothing]
        numbers = sum(bool(_NUMBER.fullmatch(cell)) for cell in column)
        if numbers and 2 * numbers > len(column):
            found.add(i)
    return found


def named_columns(cells: Cells) -> Cells:
    """Leave out columns without a name that hold nothing, or the names of rows that R writes.

    What is left without a name is an error of whoever reads the columns.
    """
    header, body, found = list(cells.header), cells.body, list(cells.found)
    if body and all(len(row) > len(header) and not any(row[len(header) :]) for _, row in body):
        body = [(number, row[: len(header)]) for number, row in body]
    if len(header) > 1 and header[0] and {len(row) for _, row in body} == {len(header) + 1}:
        header = ["", *header]  # R names no column of row names
    square = all(len(row) == len(header) for _, row in body)
    first = [row[0] for _, row in body if row]
    drop = set()
    if square and len(header) > 1 and not header[0] and any(first) and len(set(first)) == len(first) and any(header):
        drop.add(0)
        found.append("the first column, which has no name, holds the names of rows and is not read")
    for i in reversed(range(1, len(header))):
        if header[i] or not square or any(row[i] for _, row in body):
            break
        drop.add(i)
    if not any(header[i] for i in range(len(header)) if i not in drop):
        return cells
    kept = [i for i in range(len(header)) if i not in drop]
    return replace(
        cells,
        header=[header[i] for i in kept],
        body=[(number, [row[i] for i in kept] if square else row) for number, row in body],
        found=tuple(found),
    )
