"""What a run of the small project is put through: kills, small disks, and folders that cannot be written."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.workflow.conftest import ROOT, Project, copy_of
from tests.workflow.small import CODE, CONFIG, read_all, write_small

RUN = [sys.executable, "-m", "secondline.tools.cli", "run", "--configfile", CONFIG, "--cores", "2"]
"""What `make results` does."""
PARTS = (*CODE, CONFIG, "small.csv", "results", "logs", ".snakemake")
Files = Mapping[str, bytes]


def new(folder: Path) -> Project:
    """Make the small project in a folder, without a run."""
    project = copy_of(ROOT, folder, CODE)
    write_small(project.folder)
    return project


def edit_the_table(project: Project) -> None:
    """Change the effect of one study: everything that a run makes is made again."""
    project.edit("small.csv", "s2,c,a,0.3,", "s2,c,a,0.1,")


def run(project: Project, **more: str) -> subprocess.CompletedProcess[str]:
    """Run it plainly, to whatever end."""
    environment = project.environment() | more
    return subprocess.run(RUN, cwd=project.folder, env=environment, capture_output=True, text=True, check=False)


def finish(project: Project) -> Files:
    """Run it plainly to its end; gives the results."""
    done = run(project)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return read_all(project)


def start(project: Project) -> "subprocess.Popen[bytes]":
    """Start a plain run in a session of its own."""
    return subprocess.Popen(
        RUN,
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill(process: "subprocess.Popen[bytes]", whole: bool = True) -> None:
    """Kill a run without a word: with all its jobs, or its head alone."""
    if whole:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.send_signal(signal.SIGKILL)
    process.wait()


@contextmanager
def holding(project: Project, *claimed: str) -> Iterator[None]:
    """Let a process hold the locks of a run for the block: those of its configuration, and of its results."""
    load = "import sys; from pathlib import Path; from secondline.jobs.lock import claim"
    program = f"{load}; claim(Path(sys.argv[1]), [Path(place) for place in sys.argv[2:]])"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", f"{program}; print('held'); input()", *claimed],
        cwd=project.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stdout.readline() == b"held\n"
    yield
    process.communicate(b"\n")


@dataclass(frozen=True)
class Undisturbed:
    """A finished project, its results before and after an edit of its table, and the seconds that the second took."""

    project: Project
    before: Files
    after: Files
    seconds: float

    def again(self, folder: Path) -> Project:
        """Make a copy of the finished project, whose table was then edited."""
        project = copy_of(self.project.folder, folder, PARTS)
        edit_the_table(project)
        return project


def undisturbed_in(folder: Path) -> Undisturbed:
    """Run the small project, edit the table of a copy, and run that."""
    project = new(folder / "project")
    before = finish(project)
    edited = copy_of(project.folder, folder / "edited", PARTS)
    edit_the_table(edited)
    began = time.monotonic()
    after = finish(edited)
    seconds = time.monotonic() - began
    assert before.keys() == after.keys()
    assert len([name for name in before if before[name] != after[name]]) > len(before) // 2
    return Undisturbed(project, before, after, seconds)


def damaged(project: Project, *versions: Files) -> list[str]:
    """List the results that are neither as in one of these versions nor missing."""
    return [name for name, found in read_all(project).items() if found not in [files.get(name) for files in versions]]


def errors(done: "subprocess.CompletedProcess[str]") -> list[str]:
    """List the lines that say what is wrong."""
    return [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("error: ")]


@contextmanager
def disk(folder: Path) -> Iterator[None]:
    """Have a folder be a disk of its own, large at first, for the block."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", "size=1g", "tmpfs", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def leave_room(folder: Path, room: int) -> None:
    """Leave so many bytes on the disk of a folder."""
    found = os.statvfs(folder)
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    _mount("-o", f"remount,size={used + room}", str(folder))


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Forbid to write into a folder for the block; root may write wherever the disk can."""
    if os.geteuid() == 0:
        _mount("--bind", str(folder), str(folder))
        try:
            _mount("-o", "remount,bind,ro", str(folder))
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
    else:
        folders = [folder, *(file for file in folder.rglob("*") if file.is_dir())]
        for one in folders:
            one.chmod(0o555)
        yield
        for one in folders:
            one.chmod(0o755)


def _mount(*words: str) -> None:
    if os.geteuid() != 0 or subprocess.run(["mount", *words], check=False).returncode != 0:
        pytest.skip("needs the right to mount a disk")


def moments(seed: int, longest: float) -> Iterator[tuple[float, bool]]:
    """Seconds after which a run is killed, and whether with all its jobs: four times of five."""
    drawn = random.Random(seed)
    while True:
        yield drawn.uniform(0, longest), drawn.random() < 0.8
