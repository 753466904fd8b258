"""How scripts of rules start, fail and start again."""

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

snakemake = SimpleNamespace(rule="fit", log=["fit.log"], input=[], output=["results/fit.txt"])
with job(snakemake):
    os.environ["NUMBA_CACHE_DIR"] = "cache"
    from kernel import double

    Path("results/fit.txt").write_text(str(double(21)))
"""


def run_script(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script of a rule that calls compiled code."""
    command = [sys.executable, "script.py"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("keep", [0.0, 0.5])
def test_a_damaged_cache_costs_one_fresh_start(tmp_path: Path, kind: str, keep: float) -> None:
    """It is said in the log, and the next job does not meet it."""
    (tmp_path / "kernel.py").write_text(KERNEL)
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "results").mkdir()
    assert run_script(tmp_path).returncode == 0
    (kept,) = (tmp_path / "cache").rglob(f"*.{kind}")
    kept.write_bytes(kept.read_bytes()[: int(keep * kept.stat().st_size)])
    (tmp_path / "results" / "fit.txt").unlink()
    done = run_script(tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results" / "fit.txt").read_text() == "42"
    log = (tmp_path / "fit.log").read_text()
    assert "the compiled code kept in cache is damaged: it is removed, and this job starts again" in log
    assert run_script(tmp_path).returncode == 0
    assert "damaged" not in (tmp_path / "fit.log").read_text()


def test_another_error_is_not_tried_again(tmp_path: Path) -> None:
    """A bug is in the log once."""
    (tmp_path / "script.py").write_text(SCRIPT.replace("double(21)", "1 / 0"))
    (tmp_path / "kernel.py").write_text("double = None\n")
    assert run_script(tmp_path).returncode == 1
    assert (tmp_path / "fit.log").read_text().count("ZeroDivisionError") == 1
