"""Verify the figures of the sheets on screen: ``secondline sources [--configfile FILE] [--all]``."""

import sys
from argparse import ArgumentParser

from secondline.jobs.script import mistakes_in_one_line
from secondline.jobs.start import open_project
from secondline.sources.screen import Missing, screen_lines


def main() -> int:
    """Print what was found; exit status 1 if a figure or a readable copy was not found, 2 on a mistake."""
    parser = ArgumentParser(prog="secondline sources", description="Check the figures against the papers.")
    parser.add_argument("--configfile", help="the configuration; by default config/config.yaml")
    parser.add_argument("--all", action="store_true", help="show every figure with the surrounding words")
    options = parser.parse_args()
    _, project = open_project([options.configfile] if options.configfile else [])
    is_missing = False
    with mistakes_in_one_line():
        for line in screen_lines(project, options.all):
            print(line)
            is_missing |= isinstance(line, Missing)
    return int(is_missing)


if __name__ == "__main__":
    sys.exit(main())
