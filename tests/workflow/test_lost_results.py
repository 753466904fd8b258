"""Files deleted or damaged, jobs that fail, runs that are killed: nothing is lost, and nothing stale is kept."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from secondline.jobs.outputs import identity, read_records

from tests.workflow.conftest import ROOT, Project, copy_of
from tests.workflow.faults import holding
from tests.workflow.small import CODE, CONFIG, read_all, run, small_project, write_small

Again = Callable[[], Project]
SMALL = ("--configfile", CONFIG)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run the small project to the end."""
    project = small_project(tmp_path_factory.mktemp("small"))
    run(project)
    return project


@pytest.fixture
def again(finished: Project, tmp_path: Path) -> Callable[[], Project]:
    """Make a copy of the finished project, results and records of the run included."""
    parts = (*CODE, CONFIG, "small.csv", "results", "logs", ".snakemake")
    return lambda: copy_of(finished.folder, tmp_path / "project", parts)


def targets(output: str) -> set[str]:
    """Files that rule all asks for, from the plan that Snakemake prints."""
    lines = iter(output.splitlines())
    for line in lines:
        if line.split()[-2:] == ["rule", "all:"] or line.split()[-2:] == ["localrule", "all:"]:
            return set(next(lines).strip().removeprefix("input: ").split(", "))
    return set()


def test_every_file_is_a_target(again: Again) -> None:
    """One plan shows what all asks for: every file that the run has made."""
    project = again()
    made = {str(file.relative_to(project.folder)) for file in results_of(project)}
    (project.folder / "results/main/report.html").unlink()
    done = project.snakemake(*SMALL, "-n", "--quiet", "host", "progress")
    assert len(made) > 60
    assert targets(done.stdout + done.stderr) == made


def test_the_next_start_knows_all_results_without_reading_them(finished: Project) -> None:
    """What the system says of each is what it said when the run ended, after Snakemake had touched them all."""
    records = read_records(finished.folder / "results")
    files = [(file, record) for record in records for file in record.digests]
    assert len(files) > 60
    assert [file for file, record in files if record.identities.get(file) != identity(file)] == []


def results_of(project: Project) -> list[Path]:
    """Every file of the results but hidden ones."""
    files = (project.folder / "results").rglob("*")
    return sorted(file for file in files if file.is_file() and not file.name.startswith("."))


@pytest.mark.slow
def test_every_deleted_file_is_planned(again: Again) -> None:
    """Delete each in turn: a job is planned."""
    project = again()
    for file in results_of(project):
        content, times = file.read_bytes(), file.stat()
        file.unlink()
        assert project.planned(*SMALL), file
        file.write_bytes(content)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize(
    ("file", "job"),
    [
        ("main/os/random/posterior.nc", "fit_models main/os"),
        ("main/os/random/league_table.csv", "summarise_models main/os"),
        ("main/os/leave_one_out.csv", "leave_one_out os"),
    ],
)
def test_a_damaged_file_is_made_again(again: Again, file: str, job: str) -> None:
    """Cut short by a disk that was full, with the time of a whole one."""
    project = again()
    path = project.folder / "results" / file
    times = path.stat()
    path.write_bytes(path.read_bytes()[: times.st_size // 2])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert job in project.planned(*SMALL)


def test_a_failing_job_keeps_earlier_results_and_shows_its_log(again: Again) -> None:
    """They are the earlier ones, and the next run does not take them for new."""
    project = again()
    last = "    write_take_away("
    project.edit("scripts/write_report.py", last, f'    raise OSError("no space left")\n{last}')
    before = read_all(project)
    done = project.snakemake(*SMALL, "--cores", "2")
    assert done.returncode == 1
    assert read_all(project) == before
    said = done.stdout + done.stderr
    assert "rule write_report failed. Its log, logs/main/write_report.log, ends:" in said
    assert "    OSError: no space left" in said
    assert "Cannot restore" not in said
    assert project.planned(*SMALL) == {"write_report main"}


def test_two_runs_at_once_are_refused_in_one_line(again: Again) -> None:
    """The second of them, and a plan is not a run."""
    project = again()
    with holding(project, CONFIG):
        done = project.snakemake(*SMALL, "--cores", "2")
        assert done.returncode == 2
        lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1
        assert "small.yaml: another run of it is at work in this folder (process " in lines[0]
        assert project.snakemake(*SMALL, "-n").returncode == 0


def kill_in(project: Project, seconds: float) -> None:
    """Start a run, and kill it without a word some time after its first job has begun."""
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", *SMALL, "--cores", "2"],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    locks = project.folder / ".snakemake" / "locks"
    while process.poll() is None and not any(locks.glob("*.lock")):
        time.sleep(0.05)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_killed_run_is_taken_up(again: Again) -> None:
    """Locks, half a table and a temporary file are left behind; a plain run ends with the same bytes."""
    project = again()
    before = read_all(project)
    for table in ("fits", "models"):
        (project.folder / f"results/main/summary/{table}.csv").unlink()
    kill_in(project, 0.5)
    assert list((project.folder / ".snakemake/locks").glob("*.lock"))
    (project.folder / "results/main/summary/.fits.csv.1.part").write_text("outcome,mo")
    run(project)
    assert read_all(project) == before
    assert not list((project.folder / "results").rglob("*.part"))


def test_results_of_two_configurations_lie_apart(tmp_path: Path) -> None:
    """With folders of their own they share no output, so neither refits the other."""
    project = copy_of(ROOT, tmp_path / "project", CODE)
    write_small(project.folder, results="elsewhere")
    done = project.snakemake(*SMALL, "-n", "--quiet", "host", "progress")
    outputs = [line for line in done.stdout.splitlines() if line.strip().startswith("output: ")]
    files = [file for line in outputs for file in line.strip().removeprefix("output: ").split(", ")]
    assert len(files) > 60
    assert all(file.startswith("elsewhere/") for file in files)


def test_a_report_needs_the_fits_of_its_own_analysis(tmp_path: Path) -> None:
    """But for the one that compares all analyses."""
    project = copy_of(ROOT, tmp_path / "project", CODE)
    write_small(project.folder, analyses={"main": {"label": "All"}, "other": {"label": "The same once more"}})
    fits = {
        job
        for job in project.planned("--cores", "1", "results/other/report.html", *SMALL)
        if job.startswith("fit_models")
    }
    assert fits == {"fit_models other/os"}
