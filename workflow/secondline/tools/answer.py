"""``secondline answer``: what ranks first and how far that can be trusted, from the tables of the last run."""

import argparse
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from secondline.errors import UserError
from secondline.jobs.configuration import DEFAULT_CONFIG
from secondline.jobs.doubt_facts import doubt_facts
from secondline.jobs.report_settings import figure_labels
from secondline.jobs.script import mistakes_in_one_line
from secondline.project.config import Project
from secondline.project.read import read_project
from secondline.report.direct import behind_file, read_direct
from secondline.report.doubt import read_doubt
from secondline.report.prose.doubt import doubt_sentences, general_sentences
from secondline.report.prose.first import first_sentences
from secondline.report.prose.sentences import design_words
from secondline.report.words import Names, settings_of
from secondline.tables import read_table

_WIDTH = 100  # of a line


def answer(project: Project) -> Iterator[str]:
    """Say what ranks first in every lead outcome and setting of the analysis that the others vary, and how surely.

    Yields
    ------
    str
        Lines; those of a setting are indented.

    Raises
    ------
    UserError
        A table is missing: the run has not been made, or not with this configuration.
    """
    config, analysis = project.config, project.config.base
    labels = figure_labels(project)
    designs = {name: sheet.design or "" for name, sheet in project.sheets.items()}
    for outcome in config.lead_of(analysis):
        folder = Path(config.results) / analysis / outcome
        names = Names(labels, analysis, outcome, config.headline)
        try:
            names = replace(names, direct=read_direct({outcome: behind_file(folder)}))
            evidence = read_table(folder / "evidence.csv")
            ranking, relative = (
                read_table(folder / config.headline / f"{table}.csv") for table in ("ranking", "relative_effects")
            )
            doubt = read_doubt(folder, doubt_facts(project, analysis, outcome))
        except FileNotFoundError as error:
            problem = "there are no results of this configuration, or not all of them; run `make results`"
            raise UserError(problem, str(error.filename)) from None
        design = design_words(evidence, designs)
        yield f"{names.outcome_label} ({names.analysis_label})"
        for place in settings_of(ranking):
            allowed = project.treatments.settings[place].rechallenge if place in project.treatments.settings else {}
            said = first_sentences(ranking, relative, place, design, names, allowed)
            said += doubt_sentences(doubt, ranking, relative, place, names)
            if names.has_settings:
                yield f"  {names.place(place)}"
            yield from _paragraphs(said, "    " if names.has_settings else "  ")
        yield from _paragraphs(general_sentences(doubt, names), "  ")
        yield ""


def _paragraphs(sentences: list[str], indent: str) -> Iterator[str]:
    """Give every sentence lines of its own."""
    for sentence in sentences:
        yield from textwrap.wrap(
            sentence, _WIDTH, initial_indent=f"{indent}- ", subsequent_indent=f"{indent}  ", break_long_words=False
        )


def main() -> None:
    """Print the answer."""
    parser = argparse.ArgumentParser(prog="secondline answer", description=__doc__)
    parser.add_argument("--configfile", type=Path, default=DEFAULT_CONFIG)
    arguments = parser.parse_args()
    with mistakes_in_one_line():
        for line in answer(read_project(arguments.configfile)):
            print(line)


if __name__ == "__main__":
    main()
