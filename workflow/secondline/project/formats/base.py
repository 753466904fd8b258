"""What every reader of a format has in common: a sheet of cells in, tidy rows out, and no row lost between the two."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from secondline.errors import UserError

MISSING = ("", "NA")
"""Cells that hold nothing; words that a table declares as missing are turned into the second."""


def is_given(cell: str) -> bool:
    """Whether a cell holds anything."""
    return cell not in MISSING


@dataclass(frozen=True)
class Row:
    """Cells by column, and where they were read.

    ``names`` are the names that the columns have in the file, and ``also`` the numbers of other lines that give part
    of the row.
    """

    number: int
    cells: Mapping[str, str]
    names: Mapping[str, str]
    also: tuple[int, ...] = ()

    def has(self, column: str) -> bool:
        """Whether the cell of a column is there and holds anything."""
        return is_given(self.cells.get(column, ""))


@dataclass(frozen=True)
class Left:
    """A line that is not used, and why."""

    number: int
    reason: str


@dataclass(frozen=True)
class Sheet:
    """The cells of a file: columns under our names where the user has given them, else under those of the file."""

    file: str
    top: int
    """Line of the names of the columns."""
    columns: tuple[str, ...]
    names: Mapping[str, str]
    """Name in the file by column."""
    rows: tuple[Row, ...]
    found: str = ""
    """What was unusual about the file, such as its separators, in words."""
    left: tuple[Left, ...] = ()
    """Lines of the file that its entry leaves out."""

    def by(self, column: str) -> dict[str, list[Row]]:
        """Rows by what a column holds, in the order of the sheet."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.cells[column], []).append(row)
        return found

    def error(self, row: Row | None, column: str, problem: str) -> UserError:
        """Report a bad cell, or without a row a bad column, under the name that it has in the file."""
        if row is None:
            return UserError(problem, self.file, self.top, self.names.get(column, column) or None)
        return UserError(problem, self.file, row.number, row.names.get(column, column), row.cells.get(column))


@dataclass(frozen=True)
class Taken:
    """What a reader made of a sheet.

    ``columns`` are those of the tidy rows, each with its name, or names, in the file. ``measure`` is the effect
    measure that the names of the columns state, if they do.
    """

    rows: tuple[Row, ...]
    columns: Mapping[str, str]
    left: tuple[Left, ...] = ()
    measure: str | None = None
    is_wide: bool = False
    """Whether the file has columns for every arm of a study."""
    remarks: tuple[str, ...] = field(default=())
    """What else a user must know of how the rows were read."""

    def used(self) -> set[int]:
        """Numbers of the lines that are part of a tidy row."""
        return {number for row in self.rows for number in (row.number, *row.also)}


class Reader(ABC):
    """A format: how it is recognised, and how its rows become tidy ones, one per arm or one per contrast."""

    name: str
    """The word for it under ``format``."""
    title: str
    """What it is, in words."""

    @abstractmethod
    def recognises(self, sheet: Sheet) -> str | None:
        """Say by what the sheet looks like this format; None where it does not."""

    @abstractmethod
    def tidy(self, sheet: Sheet) -> Taken:
        """Turn the rows into tidy ones; a `UserError` where they cannot be read."""

    def read(self, sheet: Sheet) -> Taken:
        """Turn the rows into tidy ones, and account for every line.

        Raises
        ------
        UserError
            The first row that cannot be read.
        AssertionError
            A reader lost a line, or both used it and left it out: never the fault of a file.
        """
        taken = self.tidy(sheet)
        used, left = taken.used(), {one.number for one in taken.left}
        assert used | left == {row.number for row in sheet.rows}, f"format {self.name} lost a line of {sheet.file}"
        assert not used & left, f"format {self.name} both used a line of {sheet.file} and left it out"
        return taken


def unused(sheet: Sheet, rows: Sequence[Row], reason: str) -> tuple[Left, ...]:
    """List the lines of a sheet that no row uses, all for one reason."""
    used = {number for row in rows for number in (row.number, *row.also)}
    return tuple(Left(row.number, reason) for row in sheet.rows if row.number not in used)
