"""Jobs on a cluster, with commands of Slurm that answer as they are told: what is lost, and what is waited for."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from secondline.jobs import slurm
from secondline.jobs.slurm import Watch, after_an_answer, end_orphans

SQUEUE, SACCT = "squeue --me --name run", "sacct --name run"


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder for commands that are found before all others; the working directory is another."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "bin"


def command(folder: Path, name: str, script: str) -> None:
    """Write a command."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def states_of(watch: Watch, *numbers: str, asked: str = SQUEUE) -> dict[str, str]:
    """Look at jobs as the executor does; gives what it gets to see."""
    seen: dict[str, str] = {}

    async def check(_: Any, jobs: list[Any]) -> AsyncIterator[Any]:
        seen.update((await watch.ask(asked, None))[0])
        for job in jobs:
            yield job

    async def look() -> None:
        jobs = [SimpleNamespace(external_jobid=number) for number in numbers]
        executor = SimpleNamespace(next_seconds_between_status_checks=180)
        assert [job async for job in watch.checking(check)(executor, jobs)] == jobs
        assert executor.next_seconds_between_status_checks == 30

    asyncio.run(look())
    return seen


def answering(*answers: dict[str, str] | None) -> Watch:
    """Watch a Slurm that gives these answers in turn."""
    given = iter(answers)

    async def asked(*_: Any) -> tuple[dict[str, str] | None, float | None]:
        answer = next(given)
        return (answer, 0.1) if answer is not None else (None, None)

    return Watch(asked)


def test_without_an_answer_nothing_is_known() -> None:
    """So that the executor goes on waiting for all of its jobs, however long the controller is away."""
    watch = answering(*[None] * 9, {"7": "RUNNING"})
    assert [states_of(watch, "7") for _ in range(9)] == [{}] * 9
    assert states_of(watch, "7") == {"7": "RUNNING"}


def test_a_forgotten_job_has_failed() -> None:
    """At the second look in a row, as one may come before Slurm lists a new job."""
    watch = answering({"7": "RUNNING"}, {}, None, {"7": "RUNNING"}, {}, {})
    found = [states_of(watch, "7") for _ in range(6)]
    assert found == [{"7": "RUNNING"}, {}, {}, {"7": "RUNNING"}, {}, {"7": "FAILED"}]


def test_accounts_may_come_late() -> None:
    """A job that sacct does not list may be listed later."""
    watch = answering({}, {}, {})
    assert [states_of(watch, "7", asked=SACCT) for _ in range(3)] == [{}] * 3


def test_a_job_is_submitted_when_the_controller_answers(commands: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not before."""
    command(commands, "sinfo", "echo x >> ../asked; test $(wc -l < ../asked) -ge 3 && echo main up")
    monkeypatch.setattr(slurm, "_BETWEEN", 0)
    submitted: list[str] = []
    after_an_answer(lambda _, job: submitted.append(job))(None, "job")
    assert submitted == ["job"]
    assert (commands.parent / "asked").read_text() == "x\n" * 3


def test_jobs_of_a_killed_run_are_ended(commands: Path) -> None:
    """Those of this folder which Snakemake has submitted, and no others."""
    here = Path.cwd()
    rows = [
        f"1|{here}|rule_fit_models_wildcards_main_os",
        f"2|{here}|my own",
        "3|/elsewhere|rule_a",
        f"4|{here}|group_b",
    ]
    (commands.parent / "jobs").write_text("\n".join(rows) + "\n")
    command(commands, "squeue", "cat ../jobs")
    command(commands, "scancel", "echo $* >> ../ended; : > ../jobs")
    assert end_orphans() == 2
    assert (commands.parent / "ended").read_text() == "--full --signal=KILL 1 4\n1 4\n"
    assert end_orphans() == 0


def test_without_an_answer_no_job_is_ended(commands: Path) -> None:
    """Nothing is known of any."""
    command(commands, "squeue", "exit 1")
    assert end_orphans() == 0
