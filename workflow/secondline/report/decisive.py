"""decisive.csv in words: reads the tables that its sentences quote."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from secondline.report.doubt import read_doubt
from secondline.report.prose.decisive import Behind, decisive_sentence
from secondline.report.settings import DecisiveWords, Labels
from secondline.report.words import Names
from secondline.tables import read_table


def in_sentences(
    rows: Iterable[Mapping[str, Any]],
    analysis: Path,
    shared: Path,
    labels: Labels,
    words: DecisiveWords,
) -> list[dict[str, Any]]:
    """Give every row of decisive.csv its sentence, ``what``.

    Parameters
    ----------
    rows : iterable of mapping
        From `secondline.certainty.decisive.decisive_rows`.
    analysis, shared : path
        results/<analysis>, and the folder of the tables of all analyses.
    """
    audit, differences = (
        read_table(shared / "evidence" / f"{name}.csv") for name in ("audit", "standardised_differences")
    )
    behind: dict[str, Behind] = {}
    for outcome, facts in words.doubt.items():
        doubt = read_doubt(analysis / outcome, facts)
        levels = [row for row in doubt.rows("specification_levels") if row["axis"]]
        names = Names(labels, analysis.name, outcome, labels.headline)
        behind[outcome] = Behind(
            words=words,
            axes=facts.axes,
            declared={row["axis"]: names.level(row) for row in levels if row["declared"] == "true"},
            levels={(row["axis"], row["level"]): names.level(row) for row in levels},
            audit=audit,
            differences=differences,
            overlap=doubt.rows("overlap"),
            additivity=doubt.rows("additivity"),
        )
    return [
        {
            **row,
            "what": decisive_sentence(
                row, behind[row["outcome"]], Names(labels, analysis.name, row["outcome"], labels.headline)
            ),
        }
        for row in rows
    ]
