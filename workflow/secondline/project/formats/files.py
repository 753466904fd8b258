"""Files that hold tables: each kind has a module that turns it into cells, and everything else is text."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from secondline.errors import UserError
from secondline.project.formats.base import MISSING

MOST_BYTES = 50_000_000  # more than any table of studies holds
Line = tuple[int, list[str]]


@dataclass(frozen=True)
class Cells:
    """Names of columns and cells of every line that is not blank, with the number of the line on which it starts."""

    file: str
    top: int
    header: list[str]
    body: list[Line]
    found: tuple[str, ...] = ()
    """What was unusual, in words."""


@dataclass(frozen=True)
class Asked:
    """What the entry of a table says of the file itself."""

    missing: Sequence[str] = ()
    """Words that mean a missing value."""
    sheet: str | None = None
    """Sheet of a workbook."""
    ignore: Sequence[str] = field(default_factory=tuple)
    """Columns that are not read."""

    @property
    def nothing(self) -> tuple[str, ...]:
        """Cells that hold nothing."""
        return (*MISSING, *self.missing)


class FileKind(ABC):
    """A kind of file that is no text with separators: how it is recognised, and how its cells are read."""

    title: str
    """What it is, in words."""
    has_sheets: bool = False
    """Whether a sheet of it may be named."""

    @abstractmethod
    def recognises(self, file: str, content: bytes) -> bool:
        """Say by the name and the content of a file whether it is of this kind."""

    @abstractmethod
    def cells(self, file: str, content: bytes, asked: Asked) -> Cells:
        """Read the cells; a `UserError` where that is not possible."""


def content_of(file: str) -> bytes:
    """Read a file that is not too large.

    Raises
    ------
    UserError
        It is too large, or cannot be read.
    """
    try:
        size = Path(file).stat().st_size
        if size > MOST_BYTES:
            raise UserError(f"{size} bytes; allowed: up to {MOST_BYTES}", file)
        return Path(file).read_bytes()
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", file) from None


def table_of(file: str, rows: Sequence[Mapping[str, str]], lines: Sequence[int], found: str) -> Cells:
    """Put rows that name their cells into a table with all columns that any of them has."""
    header = list(dict.fromkeys(name for row in rows for name in row))
    body = [(line, [row.get(name, "") for name in header]) for line, row in zip(lines, rows, strict=True)]
    return Cells(file, 1, header, body, (found,))
