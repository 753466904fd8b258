"""Runs that are killed, full and read-only disks, damaged caches: earlier results stay.

A plain run afterwards gives the bytes of one that nothing disturbed.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflow.conftest import ROOT
from tests.workflow.faults import (
    Undisturbed,
    damaged,
    disk,
    errors,
    finish,
    kill,
    leave_room,
    moments,
    read_only,
    run,
    start,
    undisturbed_in,
)
from tests.workflow.small import read_all

pytestmark = pytest.mark.slow

KILLS = 50


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """Run the small project, edit the table of a copy, and run that."""
    return undisturbed_in(tmp_path_factory.mktemp("small"))


def test_runs_killed_at_random_moments_end_as_if_undisturbed(undisturbed: Undisturbed, tmp_path: Path) -> None:
    """Every file is whole after each kill, and a plain run gives the bytes of the undisturbed one."""
    chosen = moments(20261201, undisturbed.seconds)
    kills = finished = 0
    while kills < KILLS:
        project = undisturbed.again(tmp_path / str(finished))
        for _ in range(3):  # kills before the run that ends: the second and third meet what those before them left
            seconds, whole = next(chosen)
            process = start(project)
            time.sleep(seconds)
            if process.poll() is None:
                kill(process, whole)
                kills += 1
            assert damaged(project, undisturbed.before, undisturbed.after) == [], f"killed after {seconds:.2f} s"
        assert finish(project) == undisturbed.after
        assert not list((project.folder / "results").rglob("*.part"))
        finished += 1
        shutil.rmtree(project.folder)


@pytest.mark.parametrize("whole", [True, False], ids=["with its jobs", "its head alone"])
def test_a_run_killed_in_the_middle_ends_as_if_undisturbed(
    undisturbed: Undisturbed, tmp_path: Path, whole: bool
) -> None:
    """Once with all its jobs, once its head alone."""
    project = undisturbed.again(tmp_path / "project")
    process = start(project)
    time.sleep(undisturbed.seconds / 2)
    assert process.poll() is None
    kill(process, whole)
    assert damaged(project, undisturbed.before, undisturbed.after) == []
    assert finish(project) == undisturbed.after


def test_a_full_disk_keeps_earlier_results(undisturbed: Undisturbed, tmp_path: Path) -> None:
    """One line says so; with room again, a plain run ends as if undisturbed."""
    with disk(tmp_path / "disk"):
        project = undisturbed.again(tmp_path / "disk" / "project")
        leave_room(tmp_path / "disk", 2 << 20)
        done = run(project, TMPDIR=str(tmp_path))
        assert done.returncode != 0
        assert len(said := errors(done)) == 1
        assert "the disk is full; make room" in said[0]
        assert damaged(project, undisturbed.before, undisturbed.after) == []
        leave_room(tmp_path / "disk", 512 << 20)
        assert finish(project) == undisturbed.after


def test_results_that_cannot_be_written_stay(undisturbed: Undisturbed, tmp_path: Path) -> None:
    """One line says why they cannot; afterwards a plain run ends as if undisturbed."""
    project = undisturbed.again(tmp_path / "project")
    with read_only(project.folder / "results"):
        done = run(project)
        assert done.returncode != 0
        assert len(said := errors(done)) == 1
        assert "results" in said[0]
        assert read_all(project) == undisturbed.before
    assert finish(project) == undisturbed.after


@pytest.mark.parametrize("rest", [0, 0.5, None], ids=["empty", "cut short", "noise"])
def test_damaged_compiled_code_is_compiled_again(undisturbed: Undisturbed, tmp_path: Path, rest: float | None) -> None:
    """Every file of the cache is empty, cut short or noise: results are the same."""
    cache = tmp_path / "cache"
    shutil.copytree(ROOT / ".cache" / "compiled", cache)
    for file in _files(cache):
        content = file.read_bytes()
        file.write_bytes(bytes(len(content)) if rest is None else content[: int(rest * len(content))])
    project = undisturbed.again(tmp_path / "project")
    done = run(project, SECONDLINE_CACHE=str(cache))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert read_all(project) == undisturbed.after


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file())
