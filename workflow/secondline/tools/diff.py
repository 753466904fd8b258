"""``secondline diff``: what changed between two runs, statements first, with the line that caused each change."""

import argparse
from pathlib import Path

from secondline.changes.compare import compare
from secondline.changes.manifest import read_manifest
from secondline.changes.words import as_html, as_markdown, as_text, sections
from secondline.errors import UserError
from secondline.jobs.script import mistakes_in_one_line
from secondline.tables import write_text


def main() -> None:
    """Print the difference between two folders of results, and write it where asked."""
    parser = argparse.ArgumentParser(prog="secondline diff", description=__doc__)
    parser.add_argument("before", type=Path, help="folder of results of the earlier run")
    parser.add_argument("after", type=Path, help="folder of results of the later run")
    parser.add_argument("--markdown", type=Path, help="also write the difference as Markdown, for a pull request")
    parser.add_argument("--html", type=Path, help="also write it as a page")
    arguments = parser.parse_args()
    with mistakes_in_one_line():
        before, after = read_manifest(arguments.before), read_manifest(arguments.after)
        try:
            found = sections(compare(before, after), after.setup.labels)
        except FileNotFoundError as error:
            problem = "a table of the run is missing; run `make results` again"
            raise UserError(problem, str(error.filename)) from None
        title = f"{arguments.after} against {arguments.before}"
        if arguments.markdown:
            write_text(arguments.markdown, as_markdown(found))
        if arguments.html:
            write_text(arguments.html, as_html(found, title))
    print(as_text(found), end="")


if __name__ == "__main__":
    main()
