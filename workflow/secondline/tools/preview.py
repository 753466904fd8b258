"""``secondline preview``: what an edit changes against the last run, by the exact engine, without sampling."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from secondline.changes.causes import Cause, Places, evidence_causes, gathered, settings_causes, where
from secondline.changes.compare import Difference, Fit, FitChange, changed, contrasts_of, evidence_of, records_of
from secondline.changes.manifest import Manifest, Setup, read_manifest
from secondline.changes.numbers import compare_fit
from secondline.changes.statements import CERTAINTY, Row, statements
from secondline.changes.words import as_text, sections
from secondline.evidence.audit import check_audit
from secondline.evidence.gather import arm_data_rows, count_rows, effect_rows
from secondline.evidence.reconstruction import check_curves
from secondline.evidence.selection import evidence_csv
from secondline.jobs.configuration import DEFAULT_CONFIG
from secondline.jobs.manifest_settings import manifest_setup
from secondline.jobs.network_checks import check_networks
from secondline.jobs.script import mistakes_in_one_line
from secondline.jobs.settings import fit_settings, fits, summary_settings
from secondline.layout import SOLVED_DRAWS
from secondline.project.config import Project
from secondline.project.documents import Document, read_yaml
from secondline.project.read import read_project
from secondline.summaries.sensitivity import COLUMNS, exact_rows
from secondline.tables import parse_table, read_back, write_table


@dataclass(frozen=True)
class Preview:
    """What an edit changes."""

    difference: Difference
    rows: Sequence[Row]
    """Contrasts of the fits that were solved, as in summary/sensitivity.csv."""
    waiting: Sequence[Fit]
    """Fits of counts that a run would make again, and that are not solved here."""
    labels: Mapping[str, Mapping[str, str]]
    """What readers call analyses, outcomes, settings and regimens."""


def preview(document: Document) -> Preview:
    """Solve what an edit has changed, and compare it with the last run.

    Parameters
    ----------
    document : Document
        The configuration.

    Returns
    -------
    Preview
        The headline model of every fit of contrasts or means whose evidence or settings are not those of the last run.
        Certainty is not judged anew.

    Raises
    ------
    UserError
        A mistake in the project, an error of the audit, or no last run.
    """
    project = read_project(document, check_curves)
    check_networks(project, document.file)
    check_audit(project)
    last = read_manifest(Path(project.config.shared_results))
    known, declared = records_of(last), list(fits(project.config))
    now = manifest_setup(project, document, [fit for fit in declared if fit in known], [], "")
    earlier_rows = contrasts_of(last)

    @cache
    def figures() -> tuple[Sequence[Row], Sequence[Row]]:
        return gathered(last.folder), [*effect_rows(project), *count_rows(project), *arm_data_rows(project)]

    @cache
    def places(outcome: str) -> Places:
        return Places(*(where(found, outcome) for found in figures()))

    found: list[FitChange] = []
    rows: list[Row] = []
    waiting: list[Fit] = []
    for record in now.fits:
        fit = (record.analysis, record.outcome)
        evidence, earlier = parse_table(evidence_csv(project, *fit)), evidence_of(last, fit)
        causes: list[Cause] = []
        if evidence != earlier:
            causes += evidence_causes(earlier, list(evidence), places(fit[1]))
        causes += settings_causes(last.setup, now, known[fit], record)
        if not causes:
            continue
        if not project.config.outcomes[fit[1]].modelled.is_gaussian:
            waiting.append(fit)
            continue
        solved = _solve(project, fit, evidence)
        rows += solved
        found.append(_compared(last, now, fit, earlier_rows.get(fit, []), solved, causes))
    new = [fit for fit in declared if fit not in known]
    gone = [fit for fit in known if fit not in declared]
    return Preview(Difference(found, new, gone), rows, waiting, now.labels)


def _solve(project: Project, fit: Fit, evidence: list[dict[str, str]]) -> list[Row]:
    """Solve the headline model of one fit, and give its contrasts as they read back from a table."""
    whole = fit_settings(project, *fit)
    headline = replace(whole, models={project.config.headline: whole.models[project.config.headline]})
    solved = exact_rows(evidence, headline, summary_settings(project, fit[1]), fit[0])
    return list(read_back(solved, COLUMNS))


def _compared(
    last: Manifest, now: Setup, fit: Fit, before: Sequence[Row], after: Sequence[Row], causes: Sequence[Cause]
) -> FitChange:
    said = statements(after, now.reference, now.labels["measures"], now.labels["better"])
    earlier = {subject: value for subject, value in last.said.items() if subject.about != CERTAINTY}
    name = "/".join((*fit, now.headline))
    draws = {now.headline: (last.draws[name], SOLVED_DRAWS)} if name in last.draws else {}
    shifts = compare_fit(before, after, now.labels["measures"][fit[1]], draws)
    return FitChange(fit, changed(earlier, said, fit), shifts, causes)


def main() -> None:
    """Print what an edit changes, and write the contrasts that were solved where asked."""
    parser = argparse.ArgumentParser(prog="secondline preview", description=__doc__)
    parser.add_argument("--configfile", type=Path, default=DEFAULT_CONFIG)
    parser.add_argument("--csv", type=Path, help="also write the contrasts that were solved, as in sensitivity.csv")
    arguments = parser.parse_args()
    with mistakes_in_one_line():
        document = read_yaml(arguments.configfile)
        found = preview(document)
        if arguments.csv:
            write_table(arguments.csv, found.rows, COLUMNS)
    labels = found.labels
    print(as_text(sections(found.difference, labels)), end="")
    if found.waiting:
        print("\nThese outcomes of counts change too, and need a run:")
        for analysis, outcome in found.waiting:
            print(f"  - {labels['outcomes'].get(outcome, outcome)} ({labels['analyses'].get(analysis, analysis)})")


if __name__ == "__main__":
    main()
