"""Verify the figures of the sheets on screen: ``python -m nma.sources [--configfile FILE] [--all]``."""

import sys
from argparse import ArgumentParser

from nma.job import mistakes_in_one_line
from nma.sources.screen import screen_lines
from nma.sources.verify import NOT_FOUND
from nma.start import open_project


def main() -> int:
    """Print what was found; exit status 1 if a figure or a readable copy was not found, 2 on a mistake."""
    parser = ArgumentParser(prog="python -m nma.sources", description="Look figures up in the papers.")
    parser.add_argument("--configfile", help="instead of config/config.yaml")
    parser.add_argument("--all", action="store_true", help="show every figure with the words around it")
    options = parser.parse_args()
    _, project = open_project([options.configfile] if options.configfile else [])
    is_missing = False
    with mistakes_in_one_line():
        for line in screen_lines(project, options.all):
            print(line)
            is_missing |= line.startswith((f"  {NOT_FOUND}:", "  warning:"))
    return int(is_missing)


if __name__ == "__main__":
    sys.exit(main())
