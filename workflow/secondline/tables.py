"""Long tables as CSV: full precision, fixed columns, written aside and moved into place."""

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return "true" if value else "false"
    if isinstance(value, float):
        number = float(value)
        return "" if number != number else repr(number + 0.0)
    return str(value)


def to_csv(rows: Iterable[Row], columns: Sequence[str]) -> str:
    """Format rows as CSV text: shortest digits that give every float back, empty cells for missing values."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return text.getvalue()


def parse_table(text: str) -> list[dict[str, str]]:
    """Read the text of a CSV file as a list of rows of strings."""
    return list(csv.DictReader(io.StringIO(text)))


def read_back(rows: Iterable[Row], columns: Sequence[str]) -> list[dict[str, str]]:
    """Give rows as they read back from their CSV text: strings, in the given columns."""
    return parse_table(to_csv(rows, columns))


@contextmanager
def replacing(file: str | Path) -> Iterator[Path]:
    """Give a temporary name to write a file under; after the block it is on the disk and in place, or nothing is left.

    Raises
    ------
    OSError
        The disk refuses it; the error has the name of the file, also where the system gives none.
    """
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(file, str(os.getpid()))
    try:
        yield temporary
        with temporary.open("rb+") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, file)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            error.filename = str(file)
        raise


def _temporary(file: Path, owner: str) -> Path:
    return file.with_name(f".{file.name}.{owner}.part")


def clean_up(file: Path) -> None:
    """Remove what was left under the temporary names of a file by jobs that did not finish."""
    for part in file.parent.glob(_temporary(file, "*").name):
        part.unlink(missing_ok=True)


def write_text(file: str | Path, text: str) -> None:
    """Write a text file under a temporary name and move it into place."""
    write_bytes(file, text.encode("utf-8"))


def write_bytes(file: str | Path, content: bytes) -> None:
    """Write a file under a temporary name and move it into place."""
    with replacing(file) as temporary:
        temporary.write_bytes(content)


def write_table(file: str | Path, rows: Iterable[Row], columns: Sequence[str]) -> None:
    """Write rows as a CSV file; see `to_csv` for the format and `write_text` for how it gets there."""
    write_text(file, to_csv(rows, columns))


def read_table(file: str | Path) -> list[dict[str, str]]:
    """Read a CSV file as a list of rows of strings."""
    with Path(file).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))
