"""The section of the page on the certainty of the evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from secondline.layout import FUNNEL
from secondline.report.certainty import FOLDER, Certainty, read_certainty
from secondline.report.page.inline import inline_svg
from secondline.report.prose.small_studies import small_studies_sentence
from secondline.report.settings import ReportSettings
from secondline.report.tables.certainty import (
    counted_sentence,
    findings_tables,
    judgements_table,
    legend,
    unjudged_sentence,
)
from secondline.report.words import Names, settings_of

CAPTIONS = {
    "contributions": "what every study, and the prior, contributes to the effects against the reference",
    FUNNEL: "comparison-adjusted funnel plot: effects less the mean of their comparison, over their standard errors",
    "risk_of_bias": "risk of bias of the studies by domain, and weighted by what they contribute",
}


def read_certainties(analysis: Path, settings: ReportSettings) -> dict[str, Certainty]:
    """Read the tables of every outcome whose certainty is judged."""
    model = settings.labels.headline
    judged = settings.judged
    return {name: read_certainty(analysis / name, judged.get(name, ()), model) for name in settings.certainty}


def certainty_sections(
    folder: Path, certainties: Mapping[str, Certainty], figures: Mapping[str, Sequence[str]], names: Names
) -> list[dict[str, Any]]:
    """Gather the summary of findings, the judgements and the figures of every outcome.

    Parameters
    ----------
    folder : path
        results/<analysis>
    figures : mapping
        Figures by outcome.
    """
    sections = []
    for outcome, certainty in certainties.items():
        own = replace(names, outcome=outcome)
        sections.append(
            {
                "id": outcome,
                "label": own.outcome_label,
                "sentence": " ".join(filter(None, [counted_sentence(certainty), unjudged_sentence(certainty)])),
                "small_studies": small_studies_sentence(certainty.small_study_test, own),
                "findings": findings_tables(certainty, own),
                "shades": legend(certainty),
                "judgements": [judgements_table(certainty, place, own) for place in settings_of(certainty.findings)],
                "figures": [
                    (f"{own.outcome_label}: {CAPTIONS[figure]}.", _figure(folder / outcome, figure, own))
                    for figure in figures[outcome]
                ],
            }
        )
    return sections


def _figure(folder: Path, figure: str, names: Names) -> Any:
    file = folder / FOLDER / "figures" / f"{figure}.svg"
    return inline_svg(file, f"{names.outcome}-certainty-{figure}", f"{names.outcome_label}: {CAPTIONS[figure]}")
