"""The formats that are read. To add one, write a module with its reader or its kind of file, and name it here."""

from secondline.errors import UserError
from secondline.project.formats import (
    arms,
    cinema,
    contrasts,
    excel,
    reference_rows,
    revman,
    revman_review,
    tidy,
    two_groups,
    wide,
    wide_contrasts,
)
from secondline.project.formats.base import Reader, Sheet
from secondline.project.formats.files import Asked, Cells, content_of
from secondline.project.formats.text import read_text

KINDS = (excel.KIND, cinema.KIND, revman_review.KIND)
"""Kinds of files that are no text with separators."""
_ALL = (
    tidy.READER,
    arms.READER,
    contrasts.READER,
    reference_rows.READER,
    wide.READER,
    wide_contrasts.READER,
    two_groups.READER,
    revman.READER,
)
READERS: dict[str, Reader] = {reader.name: reader for reader in _ALL}
"""Readers by the word under ``format``."""


def cells_of(file: str, asked: Asked) -> Cells:
    """Read the cells of a file of any kind.

    Raises
    ------
    UserError
        It cannot be read, or a sheet is named of a file that has none.
    """
    content = content_of(file)
    kind = next((kind for kind in KINDS if kind.recognises(file, content)), None)
    if asked.sheet is not None and not (kind and kind.has_sheets):
        what = kind.title if kind else "text"
        raise UserError(
            f"this file is {what} and has no sheets; leave the key out", file, key="sheet", value=asked.sheet
        )
    return kind.cells(file, content, asked) if kind else read_text(file, content, asked)


def choose(sheet: Sheet, named: str | None) -> tuple[Reader, str]:
    """Choose the reader of a sheet: the one that is named, or the only one that recognises it.

    A sheet that no reader recognises is read as a tidy one, whose errors say what is missing.

    Returns
    -------
    reader : Reader
    words : str
        By what it was recognised.

    Raises
    ------
    UserError
        Several readers recognise it.
    """
    if named:
        return READERS[named], READERS[named].recognises(sheet) or "as its entry says"
    found = [(reader, words) for reader in READERS.values() if (words := reader.recognises(sheet))]
    if len(found) > 1:
        meanings = " or ".join(f"{reader.name}: {reader.title} ({words})" for reader, words in found)
        problem = f"this file can be read in {len(found)} ways: {meanings}; name one under format, and ignore the rest"
        raise UserError(problem, sheet.file, sheet.top)
    return found[0] if found else (tidy.READER, "under our names")
