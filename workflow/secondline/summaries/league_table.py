"""League tables: every treatment against every other, rounded, for papers; of one outcome, or of two in one table."""

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

PAIR_KEYS = ("below", "above", "setting", "treatment")


def league_table(relative: Sequence[Row]) -> tuple[list[dict[str, Any]], list[str]]:
    """Arrange relative effects as one square block a setting: row treatment against column comparator.

    Returns
    -------
    rows and column names
        Cells read ``estimate (lower to upper)`` on the natural scale.
    """
    treatments = list(dict.fromkeys(row["treatment"] for row in relative))
    cells = {(row["setting"], row["treatment"], row["comparator"]): _cell(row) for row in relative}
    settings = list(dict.fromkeys(row["setting"] for row in relative))
    interval, engine = (relative[0][key] for key in ("interval", "engine")) if relative else ("", "")
    rows = [
        {
            "setting": setting,
            "treatment": treatment,
            "interval": interval,
            "engine": engine,
            **{comparator: cells.get((setting, treatment, comparator), "") for comparator in treatments},
        }
        for setting in settings
        for treatment in treatments
    ]
    return rows, ["setting", "treatment", *treatments, "interval", "engine"]


def paired_league_table(
    relative: Mapping[str, Sequence[Row]], pairs: Sequence[tuple[str, str]], treatments: Sequence[str]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Arrange two outcomes in one square block a pair and setting: the first below the diagonal, the second above it.

    In both triangles a cell is the row treatment against the column treatment; it is empty where one of the two is not
    in the network of that outcome.

    Parameters
    ----------
    relative : mapping
        Relative effects by outcome.
    pairs : sequence
        The outcome below and the outcome above the diagonal.
    treatments : sequence
        Order of rows and columns, those of no outcome left out.
    """
    cells = {
        (outcome, row["setting"], row["treatment"], row["comparator"]): _cell(row)
        for outcome, rows in relative.items()
        for row in rows
    }
    known = {key[2] for key in cells}
    order = [name for name in treatments if name in known]
    result = []
    for below, above in pairs:
        both = [row for outcome in (below, above) for row in relative[outcome]]
        engines = " ".join(dict.fromkeys(row["engine"] for row in both))
        converged = all(str(row["converged"]).lower() == "true" for row in both)
        for setting in dict.fromkeys(row["setting"] for row in both):
            for i, treatment in enumerate(order):
                keys = dict(zip(PAIR_KEYS, (below, above, setting, treatment), strict=True))
                halves = {
                    comparator: cells.get((below if i > k else above, setting, treatment, comparator), "")
                    for k, comparator in enumerate(order)
                }
                result.append(
                    {**keys, **halves, "interval": both[0]["interval"], "engine": engines, "converged": converged}
                )
    return result, [*PAIR_KEYS, *order, "interval", "engine", "converged"]


def _cell(row: Row) -> str:
    estimate, lower, upper = (float(row[key]) for key in ("estimate", "estimate_lower", "estimate_upper"))
    return f"{estimate:.2f} ({lower:.2f} to {upper:.2f})"
