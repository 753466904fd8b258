"""What leaves the project beside the page: tables as a workbook, league tables and the summary of findings for Word."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from secondline.report.certainty import Certainty
from secondline.report.export.word import write_document
from secondline.report.export.workbook import analysis_sheets, write_workbook
from secondline.report.page.certainty import read_certainties
from secondline.report.page.outcome import Sources
from secondline.report.prose.sentences import not_converged
from secondline.report.settings import ReportSettings
from secondline.report.tables.certainty import all_shades, counted_sentence, findings_tables, unjudged_sentence
from secondline.report.tables.league_pairs import OutcomeFit, pair_tables
from secondline.report.tables.results import Table, league_table
from secondline.report.titles import subject
from secondline.report.words import INTERVAL, NOT_CONVERGED, Names, settings_of
from secondline.tables import read_table


def write_take_away(sources: Sources, settings: ReportSettings, workbook: Path, document: Path) -> None:
    """Write tables.xlsx and league_tables.docx of an analysis.

    Parameters
    ----------
    settings : ReportSettings
        From `secondline.jobs.report_settings.report_settings`.
    """
    labels, folder = settings.labels, sources.analysis
    names = Names(labels, settings.analysis, model=labels.headline)
    failed = not_converged(read_table(folder / "summary" / "fits.csv"), names)
    sheets = analysis_sheets(folder, read_table(sources.sensitivity), settings)
    write_workbook(workbook, sheets, failed, names, title=subject(settings, names), question=settings.question)
    notes = [
        *([settings.question] if settings.question else []),
        f"Headline model “{names.model}”. Cells: row treatment against column treatment, {INTERVAL}.",
        *(replace(names, outcome=outcome).direction_of_outcome for outcome in settings.outcomes),
        *([f"{NOT_CONVERGED}, do not use: {'; '.join(failed)}."] if failed else []),
    ]
    title = f"League tables: {subject(settings, names)}"
    certainties = read_certainties(folder, settings)
    shades = all_shades(list(certainties.values()))
    write_document(document, title, notes, _league_tables(folder, settings, names, certainties), shades)


def write_findings(analysis: Path, settings: ReportSettings, document: Path) -> None:
    """Write summary_of_findings.docx of an analysis: a table for every outcome and setting, with its reasons.

    Parameters
    ----------
    analysis : path
        results/<analysis>
    settings : ReportSettings
        From `secondline.jobs.report_settings.report_settings`.
    """
    names = Names(settings.labels, settings.analysis, model=settings.labels.headline)
    failed = not_converged(read_table(analysis / "summary" / "fits.csv"), names)
    certainties = read_certainties(analysis, settings)
    own = {outcome: replace(names, outcome=outcome) for outcome in certainties}
    notes = [
        *([settings.question] if settings.question else []),
        f"Headline model “{names.model}”. The numbers under “Reasons” refer to the notes below each table.",
        *dict.fromkeys(counted_sentence(found) for found in certainties.values()),
        *dict.fromkeys(filter(None, map(unjudged_sentence, certainties.values()))),
        *([f"{NOT_CONVERGED}, do not use: {'; '.join(failed)}."] if failed else []),
    ]
    tables = [table for outcome, found in certainties.items() for table in findings_tables(found, own[outcome])]
    title = f"Summary of findings: {subject(settings, names)}"
    write_document(document, title, notes, tables, all_shades(list(certainties.values())))


def _league_tables(
    folder: Path, settings: ReportSettings, names: Names, certainties: Mapping[str, Certainty]
) -> list[Table]:
    """League tables of every pair of outcomes, and then of every outcome, each a section, setting by setting."""
    tables: list[Table] = []
    for pair in settings.pairs:
        below, above = (OutcomeFit.read(folder / outcome, replace(names, outcome=outcome)) for outcome in pair)
        tables += pair_tables(below, above, settings.methods)
    for outcome in settings.outcomes:
        league = read_table(folder / outcome / names.model / "league_table.csv")
        own, certainty = replace(names, outcome=outcome), certainties.get(outcome)
        found = (league_table(league, place, own, certainty) for place in settings_of(league))
        tables += [replace(table, section=own.outcome_label) for table in found]
    return tables
