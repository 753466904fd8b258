"""Estimates with their confidence limits, as tables of evidence print them."""

from dataclasses import dataclass
from math import log

from secondline.normal_deviate import two_sided_z
from secondline.project.table_lines import AS_PRINTED, Line


@dataclass(frozen=True)
class Interval:
    """An estimate and its confidence limits as a table prints them, ratios on their own scale."""

    estimate: float
    lower: float
    upper: float
    level: float
    printed: str
    is_ratio: bool

    @property
    def effect(self) -> float:
        """Estimate on the scale on which effects add up."""
        return log(self.estimate) if self.is_ratio else self.estimate

    @property
    def se(self) -> float:
        """Standard error on that scale, from the width of the interval (Parmar 1998)."""
        width = log(self.upper / self.lower) if self.is_ratio else self.upper - self.lower
        return width / (2 * two_sided_z(1 - self.level))


def read_interval(line: Line, is_ratio: bool) -> Interval:
    """Read an estimate and its limits; the level is 95% unless a column says otherwise.

    Raises
    ------
    UserError
        A ratio that is not above 0, limits in the wrong order, or a level outside 0.5 to 0.999.
    """
    read = line.positive if is_ratio else line.number_in
    if is_ratio and line.number_in("estimate") <= 0:
        raise line.error("estimate", "a ratio is above 0; allowed: the ratio itself, or its log under effect with se")
    estimate, lower, upper = (read(column) for column in AS_PRINTED)
    if not lower < upper:
        raise line.error("upper", f"allowed: a limit above the lower one, {line.cells['lower']}")
    level = line.number_in("level") if line.has("level") else 0.95
    if not 0.5 <= level <= 0.999:
        raise line.error("level", "allowed: a level from 0.5 to 0.999, such as 0.9 for a 90% interval")
    printed = "{} ({} to {})".format(*(line.cells[column] for column in AS_PRINTED))
    return Interval(estimate, lower, upper, level, printed, is_ratio)
