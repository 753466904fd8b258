"""How scripts of rules start and fail, and what they do with compiled code that is damaged."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

KERNEL = """\
import numba


@numba.njit(cache=True)
def double(x):
    return 2 * x
"""
SCRIPT = """\
import os
from pathlib import Path
from types import SimpleNamespace

from secondline.jobs.script import job

snakemake = SimpleNamespace(rule="fit", log=["logs/fit.log"], input=[], output=["results/fit.txt"])
with job(snakemake):
    os.environ["NUMBA_CACHE_DIR"] = "cache"
    from secondline.inference import families  # has numba check what it finds
    from kernel import double

    Path("results/fit.txt").write_text(f"{double(21)} {sum(double.stats.cache_hits.values())}")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a script of a rule that calls compiled code."""
    (tmp_path / "kernel.py").write_text(KERNEL)
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "results").mkdir()
    return tmp_path


def run_script(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the script."""
    command = [sys.executable, "script.py"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def result(folder: Path) -> str:
    """Return what the script gives, and how much of its code was found on disk."""
    done = run_script(folder)
    assert done.returncode == 0, done.stderr
    return (folder / "results" / "fit.txt").read_text()


def test_damaged_code_is_compiled_anew(folder: Path) -> None:
    """Once: the next job finds it whole."""
    assert result(folder) == "42 0"
    (kept,) = (folder / "cache").rglob("*.nbc")
    kept.write_bytes(kept.read_bytes()[:-1])
    assert result(folder) == "42 0"
    assert result(folder) == "42 1"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full; make room"),
        (errno.EDQUOT, "the quota of the disk is used up"),
        (errno.EFBIG, "files may not be that large here"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "permission is denied"),
    ],
)
def test_what_the_disk_refuses_is_one_line(folder: Path, number: int, words: str) -> None:
    """On the terminal and in the log, also where a library has put an error of its own before it."""
    load = "def double(x):\n    try:\n        raise OSError(%d, 'no', 'results/fit.txt')\n"
    wrap = "    except OSError as error:\n        raise RuntimeError('wrapped') from error\n"
    (folder / "kernel.py").write_text(load % number + wrap)
    done = run_script(folder)
    assert done.returncode == 2
    assert done.stderr.startswith("error: results/fit.txt: cannot be ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert (folder / "logs/fit.log").read_text() == done.stderr


def test_a_log_that_cannot_be_written_stops_no_job(folder: Path) -> None:
    """The results are whole all the same."""
    (folder / "logs").mkdir()
    (folder / "logs/fit.log").symlink_to("/dev/full")
    (folder / "kernel.py").write_text("def double(x):\n    print('a line', flush=True)\n    return 42\n")
    (folder / "script.py").write_text(SCRIPT.replace(" {sum(double.stats.cache_hits.values())}", ""))
    assert result(folder) == "42"


def test_another_error_is_a_traceback(folder: Path) -> None:
    """A bug is in the log once."""
    (folder / "script.py").write_text(SCRIPT.replace("double(21)", "1 / 0"))
    assert run_script(folder).returncode == 1
    assert (folder / "logs/fit.log").read_text().count("ZeroDivisionError") == 1
