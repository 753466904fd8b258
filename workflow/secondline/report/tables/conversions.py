"""The table of effects in other terms: differences of risks, numbers needed to treat, survival."""

from collections.abc import Sequence

from secondline.cell_values import (
    NEEDED_TO_TREAT,
    RESTRICTED_MEAN,
    RESTRICTED_MEAN_DIFFERENCE,
    RISK_DIFFERENCE,
    RISK_RATIO,
    SURVIVAL,
)
from secondline.report.tables.results import Table
from secondline.report.words import INTERVAL, Names, Row, is_true, number

_HEADINGS = {
    RISK_DIFFERENCE: "Difference in events per 1,000{}",
    RISK_RATIO: "Risk ratio{}",
    NEEDED_TO_TREAT: "Number needed to treat{}",
    SURVIVAL: "Free of the event{}, %",
    RESTRICTED_MEAN: "Mean {1} free of the event, up to {2}",
    RESTRICTED_MEAN_DIFFERENCE: "Difference in these {1}",
}
DISJOINT = (
    "Where the interval of a difference contains 0, that of the number needed to treat is in two pieces: from benefit "
    "to infinity (nobody is helped or harmed) and from there to harm (Altman 1998)."
)
_NOT_GIVEN = "–"


def conversion_table(conversions: Sequence[Row], setting: str, names: Names) -> Table:
    """Tabulate what the effects against the regimen of the baseline mean, a row for every treatment.

    Parameters
    ----------
    conversions : rows
        conversions.csv of one outcome and model.
    """
    here = [row for row in conversions if row["setting"] == setting]
    kinds = list(dict.fromkeys(_kind(row) for row in here))
    cells = {(row["treatment"], _kind(row)): _cell(row) for row in here}
    treatments = list(dict.fromkeys(row["treatment"] for row in here))
    comparator = next(row["comparator"] for row in here if row["comparator"])
    caption = f"{names.heading(setting)}: effects against {names.regimen(comparator)} in other terms ({INTERVAL})"
    rows = [[names.regimen(t), *(cells.get((t, kind), _NOT_GIVEN) for kind in kinds)] for t in treatments]
    return Table(caption, ("Treatment", *map(_heading, kinds)), rows, names.place(setting))


def conversion_sentences(conversions: Sequence[Row]) -> list[str]:
    """Say how a number needed to treat is read where one of its intervals is in two pieces."""
    return [DISJOINT] if any(is_true(row, "disjoint") for row in conversions) else []


Kind = tuple[str, str, str, str]
"""Quantity, time, unit of the time, unit."""


def _kind(row: Row) -> Kind:
    return row["quantity"], row["time"], row["time_unit"], row["unit"]


def _heading(kind: Kind) -> str:
    quantity, time, time_unit, unit = kind
    shown = f"{float(time):g} {time_unit}" if time else ""
    return _HEADINGS[quantity].format(f" by {shown}" if time else "", unit, shown)


def _cell(row: Row) -> str:
    if not row["median"]:
        return _NOT_GIVEN
    median, lower, upper = (float(row[name]) for name in ("median", "lower", "upper"))
    if row["quantity"] == NEEDED_TO_TREAT:
        return needed_words(median, lower, upper, disjoint=is_true(row, "disjoint"))
    if row["quantity"] == SURVIVAL:
        median, lower, upper = (100 * value for value in (median, lower, upper))
    digits = 2 if row["quantity"] == RISK_RATIO else 1
    shown = [number(str(value), digits) for value in (median, lower, upper)]
    return f"{shown[0]} ({shown[1]} to {shown[2]})"


def needed_words(median: float, lower: float, upper: float, *, disjoint: bool) -> str:
    """Write a number needed to treat with its interval: ``benefit 12 (7.1 to 34)``, through infinity where it must.

    Numbers are positive for benefit and negative for harm; ``lower`` and ``upper`` are the inverses of the upper and
    lower limit of the benefit.
    """
    if disjoint:
        return f"{_side(median)} {_size(median)} (benefit {_size(lower)} to ∞ to harm {_size(upper)})"
    ends = sorted((abs(lower), abs(upper)))
    return f"{_side(median)} {_size(median)} ({_size(ends[0])} to {_size(ends[1])})"


def _side(value: float) -> str:
    return "benefit" if value > 0 else "harm"


def _size(value: float) -> str:
    size = abs(value)
    if size == float("inf"):
        return "∞"
    return f"{size:,.0f}" if size >= 10 else f"{size:.1f}"
