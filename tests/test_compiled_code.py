"""Compiled code that is kept on disk: what is damaged counts as missing, and copies of the same sources share it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from secondline.inference.kernels.compiled_code import CheckedFiles

from tests.conftest import ROOT

KEY, CODE = ("float64",), b"machine code" * 100


def ends_in_zeros(content: bytes) -> bytes:
    """Give a file what it has after a power cut: its length, and no end."""
    return content[: len(content) // 2] + bytes(len(content) - len(content) // 2)


def one_byte_is_wrong(content: bytes) -> bytes:
    """Change a byte in the middle."""
    k = len(content) // 2
    return content[:k] + bytes([content[k] ^ 255]) + content[k + 1 :]


@pytest.fixture
def files(tmp_path: Path) -> CheckedFiles:
    """Keep the code of one signature."""
    kept = CheckedFiles(str(tmp_path), "function", 0)
    kept.save(KEY, CODE)
    return kept


@pytest.mark.parametrize("name", ["function.nbi", "function.*.nbc"])
@pytest.mark.parametrize(
    "damage",
    [ends_in_zeros, one_byte_is_wrong, lambda content: content[:-1], lambda content: content[:9], lambda _: b""],
)
def test_what_is_damaged_counts_as_missing(
    files: CheckedFiles, tmp_path: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    """Until it is kept once more."""
    assert files.load(KEY) == CODE
    (kept,) = tmp_path.glob(name)
    kept.write_bytes(damage(kept.read_bytes()))
    assert files.load(KEY) is None
    files.save(KEY, CODE)
    assert files.load(KEY) == CODE


def test_numba_alone_reads_what_is_kept(files: CheckedFiles, tmp_path: Path) -> None:
    """So that a process may have declared functions before this check."""
    numba = CheckedFiles.__base__(str(tmp_path), "function", 0)
    assert numba.load(KEY) == CODE


def test_code_that_cannot_be_kept_is_not_missed(tmp_path: Path) -> None:
    """On a full disk every process compiles anew."""
    (tmp_path / "file").write_text("")
    files = CheckedFiles(str(tmp_path / "file"), "function", 0)
    files.save(KEY, CODE)
    assert files.load(KEY) is None


def test_two_processes_do_not_share_a_file(files: CheckedFiles, tmp_path: Path) -> None:
    """One that has not seen the index of the other keeps its code elsewhere."""
    (tmp_path / "function.nbi").unlink()
    files.save(("int64",), b"other code")
    assert files.load(("int64",)) == b"other code"
    assert len([*tmp_path.glob("*.nbc")]) == 2


CALL = """
from secondline.inference.families import _tails
_tails(0, 1.0)
print(sum(_tails.stats.cache_hits.values()))
"""


def test_copies_of_the_same_sources_share_what_one_has_compiled(tmp_path: Path) -> None:
    """Wherever they are; a change of any source that a function may call has it compiled anew."""
    hits = []
    for name, more in (("one", ""), ("two", ""), ("changed", "\n# more\n")):
        package = tmp_path / name / "secondline"
        shutil.copytree(ROOT / "workflow/secondline", package, ignore=shutil.ignore_patterns("__pycache__"))
        with (package / "inference/kernels/nodes.py").open("a") as file:
            file.write(more)
        own = os.environ | {"PYTHONPATH": str(package.parent), "NUMBA_CACHE_DIR": str(tmp_path / "kept")}
        done = subprocess.run([sys.executable, "-c", CALL], env=own, capture_output=True, text=True, check=True)
        hits.append(int(done.stdout))
    assert hits == [0, 1, 0]
