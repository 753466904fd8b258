"""CSV tables: nothing lost, nothing half written."""

import csv
import io
import os
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from secondline.tables import read_table, to_csv, write_table, write_text


def cell(value: Any) -> str:
    """Return the text of one cell, as it reads back."""
    return list(csv.reader(io.StringIO(to_csv([{"a": value, "b": "x"}], ["a", "b"]))))[1][0]


@given(st.floats(allow_nan=False))
def test_floats_survive(value: float) -> None:
    """Every float comes back as itself, whether from Python or from numpy; minus zero as zero."""
    assert float(cell(value)) == value
    assert cell(np.float64(value)) == cell(value)
    assert cell(-0.0) == cell(0.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (1 / 3, "0.3333333333333333"),
        (2.0, "2.0"),
        (1e-300, "1e-300"),
        (inf, "inf"),
        (nan, ""),
        (np.float64("nan"), ""),
        (None, ""),
        (True, "true"),
        (False, "false"),
        (np.True_, "true"),
        (np.False_, "false"),
        (7, "7"),
        (np.int64(7), "7"),
        ("Overall, survival", "Overall, survival"),
    ],
)
def test_cells(value: Any, text: str) -> None:
    """Shortest digits, empty cells for what is missing, booleans in lower case."""
    assert cell(value) == text


def test_columns_decide() -> None:
    """Columns stand in the given order; missing keys are empty and other keys are left out."""
    assert to_csv([{"b": 1, "c": 2}, {"a": 3}], ["a", "b"]) == "a,b\n,1\n3,\n"
    assert to_csv([], ["a", "b"]) == "a,b\n"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1, max_size=4))
def test_texts_survive(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    """Commas, quotes and line ends in a cell come back."""
    file = tmp_path_factory.getbasetemp() / "texts.csv"
    write_table(file, [{"text": text, "end": "."} for text in texts], ["text", "end"])
    assert [row["text"] for row in read_table(file)] == texts


def test_writing_leaves_one_file(tmp_path: Path) -> None:
    """Folders are made, the temporary file goes, an old table is replaced."""
    file = tmp_path / "new" / "folder" / "table.csv"
    for value in (1, 2):
        write_table(file, [{"a": value}], ["a"])
        assert [found.name for found in file.parent.iterdir()] == ["table.csv"]
        assert read_table(file) == [{"a": str(value)}]


def test_a_file_is_on_the_disk_before_it_takes_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut leaves the old table or the whole new one: what is renamed was flushed, in this order."""
    said: list[tuple[str, object]] = []
    flush, move = os.fsync, os.replace

    def fsync(handle: int) -> None:
        said.append(("flushed", os.fstat(handle).st_ino))
        flush(handle)

    def replace(source: Path, target: Path) -> None:
        said.append(("moved", source.stat().st_ino))
        move(source, target)

    monkeypatch.setattr("secondline.tables.os.fsync", fsync)
    monkeypatch.setattr("secondline.tables.os.replace", replace)
    file = tmp_path / "table.csv"
    write_table(file, [{"a": 1}], ["a"])
    assert said == [("flushed", file.stat().st_ino), ("moved", file.stat().st_ino)]


def test_a_failed_write_keeps_the_old_table(tmp_path: Path) -> None:
    """A text that cannot be written leaves the file as it was, and nothing beside it."""
    file = tmp_path / "table.csv"
    write_text(file, "old\n")
    with pytest.raises(UnicodeEncodeError):
        write_text(file, "\ud800")
    assert file.read_text(encoding="utf-8") == "old\n"
    assert [found.name for found in tmp_path.iterdir()] == ["table.csv"]
