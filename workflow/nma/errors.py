"""What a user is told when an input is wrong: one line, never a traceback."""

from pathlib import Path
from typing import Any


def shorten(text: str, most: int = 200) -> str:
    """Cut a text that is too long to be read in a line."""
    return text if len(text) <= most else f"{text[:most]}…"


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
        super().__init__(": ".join(" ".join(part.split()) for part in parts if part))
