"""Snakemake's notes on what jobs have made: where they are missing or damaged, this is found."""

from pathlib import Path

import pytest
from secondline.jobs.notes import FOLDER, call_incomplete, without_notes
from snakemake.persistence import MetadataRecord
from snakemake.persistence.file import FilePersistence

RUBBISH = [b"", b"\0" * 300, b"\xff\xfe rubbish", b'{"rule": "fit_mo', b"[]", b"[1]", b"1", b'"x"', b'{"params": 1}']
FILE = Path("results/main/report.html")


@pytest.fixture
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write notes on a file as Snakemake does; gives where."""
    monkeypatch.chdir(tmp_path)
    notes = FilePersistence(nolock=True, path=FOLDER)
    notes._write_record(str(FILE), MetadataRecord(rule="write_report", params=["'x'"], record_format_version=6))
    return Path(notes._record_path(notes._metadata_path, str(FILE)))


def test_what_is_noted_is_found(note: Path) -> None:
    """And nothing else is."""
    assert note.is_file()
    assert without_notes([FILE, Path("results/other.csv")]) == [Path("results/other.csv")]


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_damaged_notes_are_as_good_as_none(note: Path, rubbish: bytes) -> None:
    """And are not left for Snakemake to stumble over."""
    note.write_bytes(rubbish)
    assert without_notes([FILE]) == [FILE]
    assert FilePersistence(nolock=True, path=FOLDER)._read_record(str(FILE)) is None


def test_notes_in_a_database_are_not_looked_for(note: Path) -> None:
    """Snakemake has them there with --persistence-backend db."""
    (FOLDER / "metadata.db").touch()
    assert not without_notes([Path("results/other.csv")])


def test_what_is_called_incomplete_is_made_again(note: Path) -> None:
    """By Snakemake's own mark."""
    call_incomplete([FILE])
    notes = FilePersistence(nolock=True, path=FOLDER)
    assert notes._filter_incomplete_keys([str(FILE)]) == {str(FILE)}
