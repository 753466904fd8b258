"""The command ``secondline``: a word for every tool, which alone is imported."""

import sys
from importlib import import_module

COMMANDS = {
    "run": ("secondline.jobs.run", "run the workflow: secondline run --configfile my.yaml --cores 4"),
    "check": ("secondline.tools.check", "validate and audit a configuration in seconds, without fitting"),
    "answer": ("secondline.tools.answer", "say what ranks first and how far that can be trusted, after a run"),
    "new-network": ("secondline.tools.new_network", "write a configuration for a table as it is"),
    "preview": (
        "secondline.tools.preview",
        "say in seconds what an edit changes, without sampling",
    ),
    "diff": ("secondline.tools.diff", "say what changed between two runs, and what caused it"),
    "new-study": ("secondline.tools.new_study", "write a study sheet to fill in"),
    "import": ("secondline.tools.import_studies", "write study sheets from a flat table"),
    "compile": ("secondline.tools.compile_code", "compile what every fit needs, once (make setup does)"),
    "sources": ("secondline.tools.sources", "check the printed figures against your copies of the papers"),
    "schemas": ("secondline.tools.schemas", "write the JSON schemas of configuration and sheets, for editors"),
    "reference": (
        "secondline.tools.reference",
        "write config/README.md, every key explained, and the schema of the catalogue",
    ),
}
"""Module with a function ``main`` that reads ``sys.argv``, and what it does."""


def usage() -> str:
    """Say which commands there are."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {what}" for name, (_, what) in COMMANDS.items()]
    return "\n".join(["usage: secondline COMMAND …", "", *lines, "", "secondline COMMAND --help explains a command."])


def main() -> int | None:
    """Run the command that is named, which reads the words behind it; exit status 2 where there is none."""
    name, *words = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help"):
        print(usage())
        return 0
    if name not in COMMANDS:
        print(f"error: {name}: no such command; allowed: {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    sys.argv = [f"secondline {name}", *words]
    status: int | None = import_module(COMMANDS[name][0]).main()
    return status


if __name__ == "__main__":
    sys.exit(main())
