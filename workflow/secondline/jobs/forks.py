"""The process that scripts are forked from: it imports what they need once, so that no job has to.

A job of this workflow takes tenths of a second, the imports of NumPy, pandas, SciPy and numba seconds. This process
runs nothing itself: a script runs in a fork of its own, which ends with it.
"""

import ast
import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from threading import Thread

from secondline.inference.sampling import use_compile_cache

PACKAGE = __package__.partition(".")[0]
_LONGEST = 1 << 20  # bytes of a request


def modules_of(script: Path) -> list[str]:
    """Modules of this package that a script imports, anywhere in it."""
    named = [node.module for node in ast.walk(ast.parse(script.read_bytes())) if isinstance(node, ast.ImportFrom)]
    return [module for module in named if module and module.partition(".")[0] == PACKAGE]


def serve(requests: socket.socket) -> None:
    """Fork a process for every request, until the other side closes.

    Parameters
    ----------
    requests : socket
        Of messages ``{"script": file, "environ": {name: value}}``, each with a socket on which the fork answers: its
        process, and when it ends its exit status.
    """
    while True:
        message, (*answers,), _, _ = socket.recv_fds(requests, _LONGEST, 1)
        if not message:
            return
        request = json.loads(message)
        _import_for(Path(request["script"]))
        gc.freeze()
        if os.fork() == 0:
            requests.close()
            with socket.socket(fileno=answers[0]) as answer:
                answer.sendall(f"{os.getpid()}\n".encode())
                Thread(target=_end_without, args=(answer.fileno(),), daemon=True).start()
                status = _run(request["script"], request["environ"])
                atexit._run_exitfuncs()  # as in a fork of multiprocessing: temporary folders of the script go
                answer.sendall(f"{status}\n".encode())
            os._exit(status)
        os.close(answers[0])


def _end_without(answer: int) -> None:
    """End this process when nobody waits for its answer: the run was killed, though its parent may be busy still."""
    asked = select.poll()
    asked.register(answer, 0)  # for the end of the other side alone
    asked.poll()
    os._exit(1)


def _import_for(script: Path) -> None:
    """Import what a script will; what cannot be imported is left to the script, whose log then says so."""
    for module in modules_of(script):
        try:
            importlib.import_module(module)
        except Exception:
            return


def _run(script: str, environ: dict[str, str]) -> int:
    """Run a script as the main program of this process, and return its exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(environ)
    sys.argv = [script]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    else:
        status = 0
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def main() -> None:
    """Serve the socket whose number is the only argument; an interrupt ends forks, the end of the run this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended forks are not waited for
    with suppress(OSError):  # a script says it in its log
        use_compile_cache(Path(".cache/compiled"))
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        serve(requests)


if __name__ == "__main__":
    main()
