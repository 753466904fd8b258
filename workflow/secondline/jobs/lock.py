"""One live run a configuration and folder: what a run that was killed has locked is unlocked by the next."""

import fcntl
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

from secondline.errors import UserError
from secondline.jobs.outputs import distrust, failures

_FOLDER = Path(".snakemake")  # Snakemake keeps its own notes and locks here
_held: list[IO[str]] = []  # the system lets go of a lock when its holder ends, however it ends


@dataclass(frozen=True)
class Run:
    """A run of a configuration by this process."""

    results: Sequence[Path]
    """Folders of the results."""
    began: float
    """Seconds since the epoch."""

    def failed(self) -> str:
        """Gather what the jobs that failed say in their logs."""
        return "\n".join(failures(self.results, self.began))


def begin(config: Path, results: Sequence[Path], planning: bool) -> Run:
    """Claim a configuration for this process, unless it only plans, and have damaged outputs made again.

    Raises
    ------
    UserError
        Another run of this configuration is at work in this folder.
    """
    if not planning:
        claim(config)
    damaged = distrust(results)
    if damaged:
        more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        print(f"{damaged[0]}{more}: not as the job that makes it left it; to be made again", flush=True)
    return Run(results, time.time())


def claim(config: Path) -> None:
    """Claim a configuration for the life of this process, and remove locks of Snakemake that no live run holds.

    Raises
    ------
    UserError
        Another run of this configuration is at work in this folder.
    """
    runs = _FOLDER / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    file = runs / f"{sha256(str(config).encode()).hexdigest()[:16]}.lock"
    mine = _lock(file)
    if mine is None:
        holder = file.read_text(encoding="utf-8").strip()
        raise UserError(f"another run of it is at work in this folder ({holder}); wait for it, or end it", config)
    mine.truncate(0)
    mine.write(f"process {os.getpid()} on {socket.gethostname()}")
    mine.flush()
    _held.append(mine)
    if not any(_is_held(other) for other in runs.glob("*.lock") if other != file):
        for lock in (_FOLDER / "locks").glob("*.lock"):
            lock.unlink()


def _lock(file: Path) -> IO[str] | None:
    """Lock a file; None where another process holds it."""
    handle = file.open("a", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    return handle


def _is_held(file: Path) -> bool:
    handle = _lock(file)
    if handle:
        handle.close()
    return handle is None
