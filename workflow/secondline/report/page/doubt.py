"""The section of the page on how far the answer can be trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from secondline.report.doubt import FOLDER, Doubt, read_doubt
from secondline.report.page.inline import inline_svg
from secondline.report.prose.decisive import decisive_lists
from secondline.report.prose.doubt import doubt_sentences, general_sentences, settings_in_doubt
from secondline.report.settings import ReportSettings
from secondline.report.tables.doubt import doubt_tables
from secondline.report.words import Names, Row

CAPTIONS = {
    "specification_curve": "effect of the declared contrast in all defensible analyses, and the choices behind it",
    "thresholds": "how far the effect of each study may move before another candidate has the highest SUCRA",
    "bias_fan": "effect of the declared contrast over the size of a bias",
    "prior_fan": "effects of the first candidates and heterogeneity under several priors",
}


def read_doubts(analysis: Path, settings: ReportSettings) -> dict[str, Doubt]:
    """Read the tables of every outcome that has any, in the order of the section."""
    return {outcome: read_doubt(analysis / outcome, facts) for outcome, facts in settings.doubt.items()}


def doubt_sections(
    folder: Path,
    doubts: Mapping[str, Doubt],
    by_model: Mapping[str, Mapping[str, Mapping[str, Sequence[Row]]]],
    decisive: Sequence[Row],
    names: Names,
) -> list[dict[str, Any]]:
    """Gather how far the answers can be trusted, by outcome.

    Parameters
    ----------
    folder : path
        results/<analysis>
    by_model : mapping
        Rows of ranking.csv and relative_effects.csv by outcome, table and model.
    decisive : rows
        decisive.csv; none where the run does not write it for this analysis.
    """
    sections = [
        _section(
            folder / outcome,
            doubt,
            by_model[outcome]["ranking"][names.model],
            by_model[outcome]["relative_effects"][names.model],
            decisive,
            replace(names, outcome=outcome),
        )
        for outcome, doubt in doubts.items()
    ]
    return [section for section in sections if section]


def _section(
    folder: Path,
    doubt: Doubt,
    ranking: Sequence[Row],
    relative: Sequence[Row],
    decisive: Sequence[Row],
    names: Names,
) -> dict[str, Any] | None:
    """One outcome of the section: its sentences by setting and in general, its figures and tables; None without any.

    Parameters
    ----------
    folder : path
        results/<analysis>/<outcome>
    ranking, relative : rows
        ranking.csv and relative_effects.csv of the headline model.
    """
    places = settings_in_doubt(doubt, ranking)
    said = [(names.place(place), doubt_sentences(doubt, ranking, relative, place, names)) for place in places]
    section = {
        "id": names.outcome,
        "label": names.outcome_label,
        "decisive": decisive_lists(decisive, names),
        "sentences": [(place, texts) for place, texts in said if texts],
        "general": general_sentences(doubt, names),
        "figures": [
            (f"{names.outcome_label}: {CAPTIONS[figure]}.", _figure(folder, figure, names))
            for figure in doubt.facts.figures
        ],
        "tables": doubt_tables(doubt, names),
    }
    return section if any(section[part] for part in ("decisive", "sentences", "general", "figures", "tables")) else None


def _figure(folder: Path, figure: str, names: Names) -> Any:
    file = folder / FOLDER / "figures" / f"{figure}.svg"
    return inline_svg(file, f"{names.outcome}-{figure}", f"{names.outcome_label}: {CAPTIONS[figure]}")
