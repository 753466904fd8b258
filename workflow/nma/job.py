"""How scripts start: a user's mistake in one line, bugs in the log."""

import gc
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from nma.errors import UserError
from nma.outputs import check_inputs, vouched

EXIT_USER_ERROR = 2


@contextmanager
def mistakes_in_one_line() -> Iterator[None]:
    """End the program with one line on stderr and exit status 2 when the user made a mistake."""
    try:
        yield
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(EXIT_USER_ERROR) from None


def ended_from_outside(snakemake_log: str | Path) -> str:
    """Say what to do where a job has failed without a word, as one that is killed for memory or time does.

    Parameters
    ----------
    snakemake_log : path
        Snakemake's own log of the run, which says of every failed job what its log holds.
    """
    if not re.search(r"^\s*Logfile .*: empty file", Path(snakemake_log).read_text(encoding="utf-8"), re.MULTILINE):
        return ""
    return (
        "A job with an empty log was ended from outside, most often for want of memory or time; on a cluster the job's "
        "own log, named above, says which. --set-resources RULE:mem_mb=… or RULE:runtime=… gives it more."
    )


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
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as log, redirect_stdout(log), redirect_stderr(log):

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
        except Exception:
            traceback.print_exc(file=log)
            log.flush()
            raise SystemExit(1) from None
        finally:
            gc.freeze()


def _end_with(parent: int) -> None:
    """End this process soon after its parent: of a run that was killed, no job goes on writing."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
