"""``secondline run``: read the configuration as this package reads it, then hand over to Snakemake.

Snakemake itself parses what ``--configfile`` names before the Snakefile runs, and says what is wrong with it in a
traceback. `make results CONFIG=my.yaml` comes here first, so that a mistake is one line.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from secondline.errors import UserError
from secondline.jobs.configuration import DEFAULT_CONFIG
from secondline.jobs.disk import LOGS, check_writable
from secondline.jobs.notes import FOLDER
from secondline.jobs.provenance import SNAKEFILE
from secondline.jobs.script import mistakes_in_one_line
from secondline.project.read import read_setup

ANSWER = "SECONDLINE_ANSWER"
"""Set in the environment of a run that is to end with the answer on the terminal."""
_MOST_CORES = 4096


def check_config(file: Path) -> None:
    """Read the configuration and the treatments, and check that Snakemake can take the name of the file.

    Raises
    ------
    UserError
        The first mistake found, in one line.
    """
    if any(mark in str(file) for mark in "{}"):
        raise UserError("Snakemake takes { and } in a file's name for a wildcard; rename the file", file)
    read_setup(file)


def _cores(text: str) -> str:
    if text != "all" and not (text.isdecimal() and 1 <= int(text) <= _MOST_CORES):
        raise UserError(f"allowed: all, or 1 to {_MOST_CORES}", key="CORES", value=text)
    return text


def changes(said: Sequence[str]) -> list[str]:
    """Hand on changes of the configuration, each ``key=value``; anything else would be a traceback of Snakemake."""
    for text in said:
        if not text.partition("=")[0].isidentifier() or "=" not in text:
            raise UserError("allowed: key=value, such as seed=7 or sampler='{draws: 500}'", key="--config", value=text)
    return ["--config", *said] if said else []


def command(file: Path, cores: str, more: Sequence[str]) -> list[str]:
    """Return Snakemake's command line for a configuration; the shipped one is its default."""
    chosen = [] if file == DEFAULT_CONFIG else ["--configfile", str(file)]
    return [str(Path(sys.executable).with_name("snakemake")), *chosen, "--cores", _cores(cores), *more]


def own_workflow() -> list[str]:
    """Name the workflow of this package, unless the working directory has one, which is then the one meant."""
    if any(Path(place).is_file() for place in ("Snakefile", "workflow/Snakefile")):
        return []
    return ["--snakefile", str(SNAKEFILE)]


def main() -> None:
    """Check the configuration, then become Snakemake."""
    parser = argparse.ArgumentParser(prog="secondline run", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--configfile", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--config", nargs="+", default=[], metavar="KEY=VALUE", help="changes of the configuration")
    parser.add_argument("--cores", default="all")
    parser.add_argument("more", nargs="*", help="further arguments for Snakemake, after --")
    arguments = parser.parse_args()
    with mistakes_in_one_line():
        check_config(arguments.configfile)
        check_writable([FOLDER, LOGS])
        more = [*own_workflow(), *changes(arguments.config), *arguments.more]
        words = command(arguments.configfile, arguments.cores, more)
    os.environ[ANSWER] = "true"
    os.execv(words[0], words)


if __name__ == "__main__":
    main()
