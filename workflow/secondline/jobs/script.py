"""How scripts start: a user's mistake in one line, bugs in the log."""

import gc
import os
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from secondline.errors import UserError
from secondline.jobs.outputs import check_inputs, vouched

EXIT_USER_ERROR = 2
_AGAIN = "SECONDLINE_AGAIN"  # set in a job that starts once more


@contextmanager
def mistakes_in_one_line() -> Iterator[None]:
    """End the program with one line per mistake on stderr, and exit status 2."""
    try:
        yield
    except UserError as error:
        for line in error.lines:
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
    file.parent.mkdir(parents=True, exist_ok=True)
    with (
        file.open("a" if _AGAIN in os.environ else "w", encoding="utf-8") as log,
        redirect_stdout(log),
        redirect_stderr(log),
    ):

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
            traceback.print_exc(file=log)
            log.flush()
            if _AGAIN not in os.environ and _is_of_the_cache(error):
                _start_again(say)
            raise SystemExit(1) from None
        finally:
            gc.freeze()


def _end_with(parent: int) -> None:
    """End this process soon after its parent: of a run that was killed, no job goes on writing."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _is_of_the_cache(error: BaseException | None) -> bool:
    """Whether numba stumbled over compiled code that it had kept, here or on the way to this error."""
    if error is None:
        return False
    files = (frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__))
    stumbled = any(Path(name).parts[-3:] == ("numba", "core", "caching.py") for name in files)
    return stumbled or _is_of_the_cache(error.__cause__ or error.__context__)


def _start_again(say: Callable[[str], None]) -> None:
    """Start the script once more, without the compiled code that was kept."""
    kept = os.environ["NUMBA_CACHE_DIR"]
    say(f"the compiled code kept in {kept} is damaged: it is removed, and this job starts again")
    shutil.rmtree(kept, ignore_errors=True)
    os.environ[_AGAIN] = "1"
    os.execv(sys.executable, [sys.executable, *sys.argv])
