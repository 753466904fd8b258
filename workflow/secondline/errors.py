"""Errors of a user, reported in one line, never as a traceback."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def shorten(text: str, most: int = 200) -> str:
    """Cut a text that is too long to be read in a line."""
    return text if len(text) <= most else f"{text[:most]}…"


def _line(text: str) -> str:
    """Write a text in one line, control characters as Python writes them, so that they command no terminal."""
    words = " ".join(text.split())
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in words)


class UserError(Exception):
    """A mistake in a file that the user wrote.

    Parameters
    ----------
    problem : str
        What is wrong and what is allowed.
    file : path, optional
        The file that holds the mistake.
    line : int, optional
        Line of the file, counted from 1.
    key : str, optional
        Dotted path of the key, for example ``arms.tki.n``.
    value : optional
        The offending value.
    """

    def __init__(
        self,
        problem: str,
        file: str | Path | None = None,
        line: int | None = None,
        key: str | None = None,
        value: Any = None,
    ) -> None:
        where = f"{file}:{line}" if file and line else str(file or "")
        name = shorten(key or "")
        shown = f"{name} = {shorten(repr(value))}" if name and value is not None else name
        parts = (where, shown, shorten(problem, 1000))
        super().__init__(": ".join(_line(part) for part in parts if part))

    @property
    def lines(self) -> list[str]:
        """Lines shown to the user."""
        return [str(self)]


class UserErrors(UserError):
    """Mistakes that have nothing to do with each other, one line each."""

    def __init__(self, errors: Sequence[UserError]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = errors

    @property
    def lines(self) -> list[str]:
        """Lines shown to the user."""
        return [line for error in self.errors for line in error.lines]


class Mistakes:
    """Mistakes collected on the way: what does not depend on them continues, and all are reported at the end."""

    def __init__(self) -> None:
        self.found: list[UserError] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Leave the block at its first mistake, and go on behind it."""
        try:
            yield
        except UserError as error:
            self.found.append(error)

    def tell(self) -> None:
        """Raise what was found.

        Raises
        ------
        UserError
            The mistake, or all of them.
        """
        if self.found:
            raise self.found[0] if len(self.found) == 1 else UserErrors(self.found)
