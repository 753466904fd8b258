"""How scripts start: a user's mistake in one line, bugs in the log."""

import gc
import io
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from secondline.errors import UserError
from secondline.jobs.disk import disk_fault
from secondline.jobs.outputs import check_inputs, vouched

EXIT_USER_ERROR = 2


@contextmanager
def mistakes_in_one_line() -> Iterator[None]:
    """End the program with one line per mistake, or for what the disk refuses, on stderr, and exit status 2."""
    try:
        yield
    except (UserError, OSError) as error:
        mistake = error if isinstance(error, UserError) else disk_fault(error)
        if not mistake:
            raise
        for line in mistake.lines:
            print(f"error: {line}", file=sys.stderr)
        raise SystemExit(EXIT_USER_ERROR) from None


@contextmanager
def job(snakemake: Any) -> Iterator[Callable[[str], None]]:
    """Run the body of a script with its output in the rule's log, on inputs as they were made, to outputs vouched for.

    Yields
    ------
    callable
        Prints one line on the terminal and in the log.
    """
    terminal = sys.stderr
    # A job imports much and lives for seconds: looking for garbage, above all at its end, would take a second of them.
    gc.set_threshold(100_000, 50, 50)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    file = Path(str(snakemake.log[0]))
    with mistakes_in_one_line():
        file.parent.mkdir(parents=True, exist_ok=True)
        opened = _Log(file, "w")
    with io.TextIOWrapper(opened, encoding="utf-8") as log, redirect_stdout(log), redirect_stderr(log):

        def say(line: str) -> None:
            print(line, file=log, flush=True)
            print(line, file=terminal, flush=True)

        try:
            check_inputs(snakemake.input)
            with vouched(snakemake.rule, str(file), snakemake.output):
                yield say
        except UserError as error:
            say(f"error: {error}")
            raise SystemExit(EXIT_USER_ERROR) from None
        except Exception as error:
            fault = disk_fault(error)
            if fault:
                say(f"error: {fault}")
                raise SystemExit(EXIT_USER_ERROR) from None
            traceback.print_exc(file=log)
            log.flush()
            raise SystemExit(1) from None
        finally:
            gc.freeze()


class _Log(io.FileIO):
    """The file of a log, which a full disk cuts short: what cannot be logged stops no job."""

    def write(self, line: Any) -> int:
        try:
            return super().write(line) or 0
        except OSError:
            return len(line)


def _end_with(parent: int) -> None:
    """End this process soon after its parent: of a run that was killed, no job goes on writing."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
