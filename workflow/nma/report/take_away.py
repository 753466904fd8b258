"""What leaves the project beside the page: the tables of an analysis as a workbook, its league tables for Word."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nma.report.report import Sources
from nma.report.report_tables import Table, league_table, paired_table
from nma.report.sentences import not_converged
from nma.report.word import write_league_tables
from nma.report.words import INTERVAL, NOT_CONVERGED, Names, settings_of
from nma.report.workbook import analysis_sheets, write_workbook
from nma.tables import read_table


def write_take_away(sources: Sources, settings: Mapping[str, Any], workbook: Path, document: Path) -> None:
    """Write tables.xlsx and league_tables.docx of an analysis.

    Parameters
    ----------
    settings : mapping
        From `nma.report.settings.report_settings`.
    """
    labels, folder = settings["labels"], sources.analysis
    names = Names(labels, settings["analysis"], model=labels["headline"])
    failed = not_converged(read_table(folder / "summary" / "fits.csv"), names)
    sheets = analysis_sheets(folder, read_table(sources.sensitivity), settings)
    write_workbook(workbook, sheets, failed, names)
    notes = [
        f"Headline model “{names.model}”. Cells: row treatment against column treatment, {INTERVAL}.",
        *(replace(names, outcome=outcome).direction_of_outcome for outcome in settings["outcomes"]),
        *([f"{NOT_CONVERGED}, do not use: {'; '.join(failed)}."] if failed else []),
    ]
    title = f"League tables: {names.analysis_label}"
    write_league_tables(document, title, notes, _league_tables(folder, settings, names))


def _league_tables(folder: Path, settings: Mapping[str, Any], names: Names) -> list[Table]:
    """League tables of every pair of outcomes and of every outcome, setting by setting."""
    pairs = read_table(folder / "summary" / "league_pairs.csv")
    tables = [
        paired_table(pairs, pair, place, names)
        for pair in settings["pairs"]
        for place in settings_of([row for row in pairs if (row["below"], row["above"]) == tuple(pair)])
    ]
    for outcome in settings["outcomes"]:
        league = read_table(folder / outcome / names.model / "league_table.csv")
        tables += [league_table(league, place, replace(names, outcome=outcome)) for place in settings_of(league)]
    return tables
