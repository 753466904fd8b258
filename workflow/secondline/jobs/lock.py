"""One live run a configuration and folder of results: what a run that was killed has locked, the next one unlocks."""

import errno
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
from secondline.jobs.disk import LOGS, check_writable
from secondline.jobs.earlier import sweep
from secondline.jobs.notes import FOLDER
from secondline.jobs.outputs import distrust, failures, settle
from secondline.jobs.slurm import end_orphans

_held: list[IO[str]] = []  # the system lets go of a lock when its holder ends, however it ends
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)  # what disks of clusters say that know none
_ATTEMPTS, _PAUSE = 5, 0.1  # another run that begins looks at this lock for a moment


@dataclass(frozen=True)
class Run:
    """A run of a configuration by this process."""

    folders: Sequence[Path]
    """Those that it writes into."""
    began: float
    """Seconds since the epoch."""

    def settle(self) -> None:
        """Have the next start know the outputs of this run without reading them."""
        settle(self.folders, self.began)

    def failed(self) -> str:
        """Gather what the jobs that failed say in their logs."""
        return "\n".join(failures(self.folders, self.began))


def begin(config: Path, results: Sequence[Path], folders: Sequence[Path], planning: bool) -> Run:
    """Claim a configuration and its results, unless this process only plans, and have what is damaged made again.

    Parameters
    ----------
    config : Path
        Its file.
    results : sequence of Path
        Folders of its results, in which there may be those of other configurations too.
    folders : sequence of Path
        Folders in them that belong to this configuration.

    Raises
    ------
    UserError
        Another run of this configuration, or into these results, is at work; or they cannot be written.
    """
    if not planning:
        claim(config, results)
        check_writable([FOLDER, LOGS, *results])
        sweep(folders)
    again = distrust(folders)
    if again:
        more = f" and {len(again) - 1} more" if len(again) > 1 else ""
        why = "not as the job that makes it left it, or without Snakemake's notes on it"
        print(f"{again[0]}{more}: {why}; to be made again", flush=True)
    return Run(folders, time.time())


def claim(config: Path, results: Sequence[Path] = ()) -> None:
    """Claim a configuration and its results for the life of this process.

    Locks of Snakemake that no live run holds are removed, and its jobs on a cluster are ended.

    Raises
    ------
    UserError
        Another run of this configuration, or into these results, is at work in this folder.
    """
    runs = FOLDER / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    mine = {runs / f"{sha256(str(place).encode()).hexdigest()[:16]}.lock": place for place in (config, *results)}
    try:
        for file, place in mine.items():
            _claim(file, place)
        live = any(_is_held(other) for other in runs.glob("*.lock") if other not in mine)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        print("the disk knows no locks: after a run that was killed, snakemake --unlock removes its own", flush=True)
        return
    if not live:
        ended = end_orphans()
        if ended:
            print(f"ended on the cluster, as the run was killed that they belong to: {ended} of its jobs", flush=True)
        for lock in (FOLDER / "locks").glob("*.lock"):
            lock.unlink()


def _claim(file: Path, place: Path) -> None:
    for _ in range(_ATTEMPTS):
        mine = _lock(file)
        if mine:
            mine.truncate(0)
            mine.write(f"process {os.getpid()} on {socket.gethostname()}")
            mine.flush()
            _held.append(mine)
            return
        time.sleep(_PAUSE)
    holder = file.read_text(encoding="utf-8", errors="replace").strip()
    raise UserError(f"another run of it is at work in this folder ({holder}); wait for it, or end it", place)


def _lock(file: Path) -> IO[str] | None:
    """Lock a file; None where another process holds it."""
    handle = file.open("a", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    except OSError:
        handle.close()
        raise
    return handle


def _is_held(file: Path) -> bool:
    handle = _lock(file)
    if handle:
        handle.close()
    return handle is None
