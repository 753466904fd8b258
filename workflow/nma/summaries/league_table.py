"""League table: every treatment against every other, rounded, for papers."""

from collections.abc import Mapping, Sequence
from typing import Any


def league_table(relative: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Arrange relative effects as one square block a setting: row treatment against column comparator.

    Returns
    -------
    rows and column names
        Cells read ``estimate (lower to upper)`` on the natural scale.
    """
    treatments = list(dict.fromkeys(row["treatment"] for row in relative))
    cells = {(row["setting"], row["treatment"], row["comparator"]): _cell(row) for row in relative}
    settings = list(dict.fromkeys(row["setting"] for row in relative))
    interval = relative[0]["interval"] if relative else ""
    rows = [
        {
            "setting": setting,
            "treatment": treatment,
            "interval": interval,
            **{comparator: cells.get((setting, treatment, comparator), "") for comparator in treatments},
        }
        for setting in settings
        for treatment in treatments
    ]
    return rows, ["setting", "treatment", *treatments, "interval"]


def _cell(row: Mapping[str, Any]) -> str:
    return f"{row['estimate']:.2f} ({row['estimate_lower']:.2f} to {row['estimate_upper']:.2f})"
