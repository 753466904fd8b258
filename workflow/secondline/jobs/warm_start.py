"""Scripts of a run on this machine start in forks of one process, which has imported what they need."""

import json
import os
import socket
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from threading import Lock
from typing import Any

from snakemake.benchmark import benchmarked
from snakemake.script import PythonScript

_LIBRARIES = ("OMP", "OPENBLAS", "MKL", "GOTO", "VECLIB", "NUMEXPR")
_alone = PythonScript.execute_script


class Forks:
    """The process that scripts are forked from, started by the first of them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._started: tuple[socket.socket, subprocess.Popen[bytes]] | None = None

    def run(self, script: str, environ: dict[str, str], benchmark: Any) -> int:
        """Run a script in a fork and return its exit status; one that was killed has that of a killed process.

        Parameters
        ----------
        script : path
            A script with Snakemake's preamble.
        environ : dict
            Variables of the environment that the fork sets.
        benchmark : BenchmarkRecord or None
            Snakemake's record of time and memory.
        """
        answer, theirs = socket.socketpair()
        with answer, answer.makefile() as said:
            with theirs, self._lock:
                message = json.dumps({"script": script, "environ": environ}).encode()
                socket.send_fds(self._requests(), [message], [theirs.fileno()])
            process = int(said.readline() or 0)
            with benchmarked(process, benchmark) if benchmark and process else nullcontext():
                status = said.readline()
        return int(status) if status else 128 + 9

    def close(self) -> None:
        """Let the process end, and wait for it."""
        if self._started is not None:
            requests, process = self._started
            requests.close()
            process.wait()

    def _requests(self) -> socket.socket:
        if self._started is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            one_thread = {f"{library}_NUM_THREADS": "1" for library in _LIBRARIES}
            words = [sys.executable, "-m", "secondline.jobs.forks", str(theirs.fileno())]
            with theirs:
                process = subprocess.Popen(words, pass_fds=[theirs.fileno()], env=os.environ | one_thread)
            self._started = ours, process
        return self._started[0]


_FORKS = Forks()


def execute(script: Any, fname: str, edit: bool = False) -> None:
    """Run a script in a fork where it needs no environment but this one, in place of Snakemake's `execute_script`.

    Raises
    ------
    CalledProcessError
        The script ended with another exit status than 0.
    """
    elsewhere = script.conda_env or script.container_img or script.env_modules or script.shadow_dir
    if elsewhere or script.threads != 1 or not hasattr(os, "fork"):
        _alone(script, fname, edit)
        return
    folder = script.resources.get("tmpdir")
    environ = dict.fromkeys(("TMPDIR", "TMP", "TEMPDIR", "TEMP"), str(folder)) if folder else {}
    status = _FORKS.run(str(Path(fname).absolute()), environ, script.bench_record)
    if status:
        raise subprocess.CalledProcessError(status, f"{sys.executable} {fname}")


def start_warm() -> None:
    """Start scripts in forks from now on, in this process."""
    PythonScript.execute_script = execute
