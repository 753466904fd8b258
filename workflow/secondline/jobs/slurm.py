"""Jobs on a Slurm cluster: those of a run that was killed are ended, and a controller that is away loses none.

The controller is restarted now and then, and forgets finished jobs after minutes. Snakemake's executor drops the jobs
whose states it cannot ask for, and waits for them for ever, as it does for jobs that were forgotten; and a job that
cannot be submitted has failed. So jobs without an answer count as running here, jobs that Slurm does not know any more
as failed, which has them run again, and nothing is submitted before the controller answers.
"""

import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

_EXECUTOR = "snakemake_executor_plugin_slurm"
_OFTEN = 30  # seconds between two looks at the jobs, at most; Slurm may not remember them for three minutes
_UNKNOWN = 2  # looks in which a job is not among those of Slurm, before it counts as lost
_LONGEST, _BETWEEN = 3600, 10  # seconds of waiting for the controller; between two attempts

_BY_SNAKEMAKE = ("rule_", "group_")  # how its comment on a job begins
_UNTIL_ENDED, _PAUSE = 120, 1  # seconds until Slurm has ended jobs; between two looks
_PATIENCE = 60  # seconds for an answer of Slurm


def be_patient() -> None:
    """Have Snakemake's executor for Slurm be patient, where it is loaded, for the life of this process."""
    plugin: Any = sys.modules.get(_EXECUTOR)
    if plugin is not None:
        watch = Watch(plugin.query_job_status)
        plugin.query_job_status = watch.ask
        plugin.Executor.check_active_jobs = watch.checking(plugin.Executor.check_active_jobs)
        plugin.Executor.run_job = after_an_answer(plugin.Executor.run_job)


class Watch:
    """What Slurm says of the jobs that Snakemake waits for.

    Parameters
    ----------
    asked : callable
        The executor's own question: states by the number of a job, and the seconds it took; None without an answer.
    """

    def __init__(self, asked: Callable[..., Any]) -> None:
        self._asked = asked
        self._awaited: list[str] = []
        self._absent: Counter[str] = Counter()

    async def ask(self, command: str, logger: Any) -> tuple[dict[str, str], float]:
        """Ask for the states of jobs: none without an answer, and failed for what Slurm does not know any more."""
        states, seconds = await self._asked(command, logger)
        if states is None:
            return {}, 0.0
        if not command.lstrip().startswith("squeue"):
            return states, seconds
        absent = [job for job in self._awaited if job not in states]
        self._absent = Counter({job: self._absent[job] + 1 for job in absent})
        return states | {job: "FAILED" for job in absent if self._absent[job] >= _UNKNOWN}, seconds

    def checking(self, check: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
        """Have the executor's look at its jobs note which they are, and the next come soon."""

        async def checked(executor: Any, jobs: list[Any]) -> AsyncIterator[Any]:
            self._awaited = [job.external_jobid for job in jobs if "_" not in job.external_jobid]
            async for job in check(executor, jobs):
                yield job
            executor.next_seconds_between_status_checks = min(executor.next_seconds_between_status_checks, _OFTEN)

        return checked


def after_an_answer(submit: Callable[..., Any]) -> Callable[..., Any]:
    """Have a job be submitted only when the controller answers, or has not for an hour."""

    def submitted(executor: Any, job: Any) -> Any:
        since = time.monotonic()
        while not _ask("sinfo", "--noheader") and time.monotonic() - since < _LONGEST:
            time.sleep(_BETWEEN)
        return submit(executor, job)

    return submitted


def end_orphans() -> int:
    """End the user's jobs of Snakemake in this folder, which only a run that is not alive any more can have submitted.

    Returns
    -------
    int
        How many there were; none where there is no Slurm, or where it does not answer.
    """
    found = _jobs_here()
    if found:
        _ask("scancel", "--full", "--signal=KILL", *found)  # asked to end, Snakemake would wait for what it runs
        _ask("scancel", *found)  # those that wait
        since = time.monotonic()
        while _jobs_here() and time.monotonic() - since < _UNTIL_ENDED:
            time.sleep(_PAUSE)
    return len(found)


def _jobs_here() -> list[str]:
    """List the numbers of jobs that wait or run."""
    if not shutil.which("squeue"):
        return []
    rows = [line.split("|", 2) for line in _ask("squeue", "--me", "--noheader", "--format=%i|%Z|%k").splitlines()]
    return [
        row[0]
        for row in rows
        if len(row) == 3 and Path(row[1]).resolve() == Path.cwd().resolve() and row[2].startswith(_BY_SNAKEMAKE)
    ]


def _ask(*words: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
