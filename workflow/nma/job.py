"""How the Snakefile and the scripts start: configuration errors in one line, bugs in the log."""

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from nma.config import Project, read_project
from nma.errors import UserError
from nma.plan import check_networks
from nma.provenance import PACKAGE

DEFAULT_CONFIG = Path("config/config.yaml")
EXIT_USER_ERROR = 2


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the program with one line and exit status 2 where the user made a mistake."""
    try:
        yield
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(EXIT_USER_ERROR) from None


def open_project(configfiles: list[Any]) -> tuple[Path, Project]:
    """Read and check the project for the Snakefile; a mistake ends the run with one line and exit status 2.

    Parameters
    ----------
    configfiles : list of paths
        What `--configfile` names; the first replaces config/config.yaml.
    """
    # Scripts that run in a conda environment find this package too.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    file = Path(configfiles[0]) if configfiles else DEFAULT_CONFIG
    if file.is_absolute() and file.is_relative_to(Path.cwd()):
        file = file.relative_to(Path.cwd())
    with one_line_errors():
        project = read_project(file)
        check_networks(project, file)
    return file, project


@contextmanager
def job(snakemake: Any) -> Iterator[Callable[[str], None]]:
    """Run the body of a script with its output in the rule's log.

    Yields
    ------
    callable
        Prints one line on the terminal and in the log.
    """
    terminal = sys.stderr
    file = Path(str(snakemake.log[0]))
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as log, redirect_stdout(log), redirect_stderr(log):

        def say(line: str) -> None:
            print(line, file=log, flush=True)
            print(line, file=terminal, flush=True)

        try:
            yield say
        except UserError as error:
            say(f"error: {error}")
            raise SystemExit(EXIT_USER_ERROR) from None
        except Exception:
            traceback.print_exc(file=log)
            log.flush()
            raise SystemExit(1) from None
