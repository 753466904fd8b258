"""Means of arms with their standard errors, from whatever figures a table gives of them.

A mean with its standard error, or with the standard deviation and the patients, is taken as it is. Two derivations are
made, and marked as such wherever the arm appears: mean and standard deviation from the median and the quartiles, and
the change from baseline from means at baseline and in the end, with a declared correlation between the two.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Any

from secondline.project.moments import change_sd, quartile_moments
from secondline.project.table_lines import BASELINE, Line

Row = dict[str, Any]
SE_FROM_SD = "se from sd and n"
FROM_QUARTILES = "mean and sd from the median and quartiles, as of a normal distribution (Wan 2014)"
FROM_BASELINE = (
    "change from baseline, with an assumed correlation of {:g} between baseline and end (Cochrane Handbook 6.5.2.8)"
)


def read_mean(line: Line, correlation: float | None) -> Row:
    """Read the mean of an arm, its standard error and its patients.

    Parameters
    ----------
    correlation : float or None
        Declared correlation between figures at baseline and in the end. Arms without figures at baseline give changes.

    Raises
    ------
    UserError
        A figure that is missing or cannot be.

    Returns
    -------
    dict
        ``mean``, ``se``, ``n``, how the arm was ``derived`` and, where that took an assumption, what it ``assumes``.
    """
    mean, spread, n, derived = _given(line)
    if correlation is not None and any(line.has(column) for column in BASELINE):
        before, sd_before = line.number_in("baseline_mean"), line.positive("baseline_sd")
        sd = _sd(line, spread, n)
        mean, spread = mean - before, ("sd", change_sd(sd_before, sd, correlation))
        derived = [*derived, FROM_BASELINE.format(correlation)]
    kind, value = spread
    if kind == "se":
        return {"mean": mean, "n": n, "se": value}
    row = {"mean": mean, "n": n, "se": value / sqrt(n or 1), "derived": "; ".join(derived or [SE_FROM_SD])}
    return {**row, "assumes": row["derived"]} if derived else row


def check_changes(lines: Sequence[Line]) -> None:
    """Check that all arms of a study give figures at baseline, or none: a change is no final value."""
    given = [any(line.has(column) for column in BASELINE) for line in lines]
    if any(given) and not all(given):
        line = lines[given.index(False)]
        raise line.error("baseline_mean", f"another arm of study {line.text('study')} has it; give it for all, or none")


Spread = tuple[str, float]
"""``se`` or ``sd``, and its value."""


def _given(line: Line) -> tuple[float, Spread, int | None, list[str]]:
    """Mean, spread and patients as they are given, and what was derived to have them."""
    n = line.size("n")
    if not line.has("mean") and line.has("median"):
        return (*_from_quartiles(line), [FROM_QUARTILES])
    mean = line.number_in("mean")
    if line.has("se"):
        return mean, ("se", line.positive("se")), n, []
    for column in ("sd", "n"):
        if not line.has(column):
            raise line.error(column if column in line.cells else "se", "allowed: a standard error, or sd and n")
    return mean, ("sd", line.positive("sd")), n, []


def _from_quartiles(line: Line) -> tuple[float, Spread, int]:
    for column in ("q1", "q3", "n"):
        if not line.has(column):
            raise line.error(column if column in line.cells else "median", "a median needs q1, q3 and n beside it")
    lower, median, upper, n = *(line.number_in(name) for name in ("q1", "median", "q3")), line.whole("n", 2)
    if not lower <= median <= upper or lower == upper:
        raise line.error("median", f"it lies outside its quartiles, {lower:g} to {upper:g}, or these are equal")
    mean, sd = quartile_moments(lower, median, upper, n)
    if sd is None:
        raise line.error("n", "too few patients for a standard deviation from quartiles; allowed: 2 or more")
    return mean, ("sd", sd), n


def _sd(line: Line, spread: Spread, n: int | None) -> float:
    """Find the standard deviation in the end, which a change needs."""
    kind, value = spread
    if n is None:
        raise line.error("n", "a change from baseline needs the patients; allowed: a whole number, 1 or more")
    return value if kind == "sd" else value * sqrt(n)
