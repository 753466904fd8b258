"""``python -m nma.run``: read the configuration as this package reads it, then hand over to Snakemake.

Snakemake itself parses what ``--configfile`` names before the Snakefile runs, and says what is wrong with it in a
traceback. `make results CONFIG=my.yaml` comes here first, so that a mistake is one line.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from nma.config import read_setup
from nma.errors import UserError
from nma.job import mistakes_in_one_line
from nma.start import DEFAULT_CONFIG

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


def command(file: Path, cores: str, more: Sequence[str]) -> list[str]:
    """Return Snakemake's command line for a configuration; the shipped one is its default."""
    chosen = [] if file == DEFAULT_CONFIG else ["--configfile", str(file)]
    return [str(Path(sys.executable).with_name("snakemake")), *chosen, "--cores", _cores(cores), *more]


def main() -> None:
    """Check the configuration, then become Snakemake."""
    parser = argparse.ArgumentParser(prog="python -m nma.run", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--configfile", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--cores", default="all")
    parser.add_argument("more", nargs="*", help="what Snakemake takes beside them, behind --")
    arguments = parser.parse_args()
    with mistakes_in_one_line():
        check_config(arguments.configfile)
        words = command(arguments.configfile, arguments.cores, arguments.more)
    os.execv(words[0], words)


if __name__ == "__main__":
    main()
