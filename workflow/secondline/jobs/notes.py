"""Snakemake's notes on every output: with which settings, inputs and code it was made.

Snakemake compares nothing with notes that it does not have: an edit would rerun no job, and results would go stale.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

FOLDER = Path(".snakemake")
"""Snakemake keeps its own notes and locks here."""
_DATABASE = FOLDER / "metadata.db"  # of --persistence-backend db, in place of files


def without_notes(files: Iterable[Path]) -> list[Path]:
    """List the files on which the notes are missing or cannot be read; the latter are removed."""
    if _DATABASE.exists():
        return []
    notes = _notes()
    return [file for file in files if not _has_note(notes, str(file))]


def _has_note(notes: Any, file: str) -> bool:
    try:
        return notes._read_record(file) is not None
    except (ValueError, TypeError, AttributeError):  # no text, no JSON, or not what Snakemake writes
        notes._delete_record(file)
        return False


def call_incomplete(files: Iterable[Path]) -> None:
    """Have Snakemake make files again."""
    notes = _notes()
    for file in files:
        notes._mark_incomplete(str(file), None)


def _notes() -> Any:
    from snakemake.persistence.file import FilePersistence

    return FilePersistence(nolock=True, path=FOLDER)
