"""What a user is told when an input is wrong: one line, never a traceback."""

from pathlib import Path
from typing import Any

_LONGEST = 200


def shorten(text: str) -> str:
    """Cut a text that is too long to be read in a line."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


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
        shown = f"{key} = {shorten(repr(value))}" if key and value is not None else key or ""
        super().__init__(": ".join(" ".join(part.split()) for part in (where, shown, problem) if part))
