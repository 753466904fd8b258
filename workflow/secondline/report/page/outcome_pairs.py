"""The section of the page on two outcomes together."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from secondline.report.page.inline import inline_svg
from secondline.report.settings import ReportSettings
from secondline.report.tables import results
from secondline.report.words import Names, settings_of
from secondline.tables import read_table


def outcome_pairs(folder: Path, settings: ReportSettings, names: Names) -> list[dict[str, Any]]:
    """Two outcomes against each other: a scatter plot and a league table of both."""
    league = read_table(folder / "summary" / "league_pairs.csv") if settings.pairs else []
    result = []
    for across, upwards in settings.pairs:
        first, second = (replace(names, outcome=outcome) for outcome in (across, upwards))
        places = settings_of([row for row in league if (row["below"], row["above"]) == (across, upwards)])
        title = f"{first.outcome_label} and {second.outcome_label}"
        file = folder / "summary" / f"pair_{across}_{upwards}.svg"
        result.append(
            {
                "id": f"pair-{across}-{upwards}",
                "title": title,
                "directions": [name.direction_of_outcome for name in (first, second)],
                "figure": inline_svg(file, f"pair-{across}-{upwards}", title),
                "tables": [results.paired_table(league, (across, upwards), place, names) for place in places],
            }
        )
    return result
