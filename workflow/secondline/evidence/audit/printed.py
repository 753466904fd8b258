"""The values that a printed figure can represent: a printed 0.5 is any number from 0.45 to 0.55."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, log

from secondline.normal_deviate import two_sided_z
from secondline.numbers_in_text import decimals
from secondline.project.figures import PrintedP, PValue
from secondline.project.outcome_records import HazardRatio

_NOISE = 1e-9  # of floating-point arithmetic


@dataclass(frozen=True)
class Range:
    """Every value that a printed figure, or what is computed from it, can have."""

    low: float
    high: float

    def map(self, function: Callable[[float], float]) -> "Range":
        """Range of an increasing function of the value."""
        return Range(function(self.low), function(self.high))

    def gap(self, other: "Range") -> float:
        """Distance between two ranges; 0 if they have a value in common."""
        gap = max(self.low - other.high, other.low - self.high)
        return gap if gap > _NOISE else 0.0

    @property
    def negative(self) -> "Range":
        """Range of the value with its sign turned round."""
        return Range(-self.high, -self.low)

    @property
    def size(self) -> "Range":
        """Range of the absolute value."""
        if self.low <= 0 <= self.high:
            return Range(0.0, max(-self.low, self.high))
        return self if self.low > 0 else self.negative

    @property
    def middle(self) -> float:
        """Middle of the range."""
        return (self.low + self.high) / 2

    def over(self, divisor: "Range") -> "Range":
        """Range of the quotient by a value that is not negative."""
        ends = [_quotient(end, by) for end in (self.low, self.high) for by in (divisor.low, divisor.high)]
        return Range(min(ends), max(ends))


def _quotient(value: float, by: float) -> float:
    if by > 0:
        return value / by
    return inf if value > 0 else -inf if value < 0 else 0.0


def point(value: float) -> Range:
    """Range of a value that is known exactly."""
    return Range(value, value)


def printed_range(value: float, printed: str) -> Range:
    """Range of a value by the decimals that it is printed with."""
    half = 0.5 * 10.0 ** -decimals(value, printed)
    return Range(value - half, value + half)


def log_range(value: float, printed: str) -> Range:
    """Range of the logarithm of a printed ratio or duration."""
    return printed_range(value, printed).map(lambda x: log(max(x, 1e-6)))


def ratio_log(ratio: HazardRatio, treatment: str) -> Range:
    """Range of a log hazard ratio, of an arm against the other one."""
    value = log_range(ratio.value, ratio.printed)
    return value if ratio.treatment == treatment else value.negative


def interval_se(ratio: HazardRatio) -> Range | None:
    """Range of the standard error behind the interval of a log hazard ratio (Parmar 1998)."""
    if ratio.lower is None or ratio.upper is None:
        return None
    lower, upper = log_range(ratio.lower, ratio.printed), log_range(ratio.upper, ratio.printed)
    width = 2 * two_sided_z(1 - ratio.level)
    return Range(max(upper.low - lower.high, 0.0) / width, (upper.high - lower.low) / width)


def p_se(ratio: HazardRatio) -> Range | None:
    """Range of the standard error that a p-value gives beside a hazard ratio."""
    if ratio.p is None or not ratio.p.exact or ratio.p.value == 1 or ratio.value == 1:
        return None
    return log_range(ratio.value, ratio.printed).size.over(z_range(ratio.p))


def p_range(p: PrintedP) -> Range:
    """Range of a printed p-value; a bound leaves everything beyond it open."""
    if p.relation in ("<", "<="):
        return Range(0.0, p.value)
    if p.relation in (">", ">="):
        return Range(p.value, 1.0)
    printed = printed_range(p.value, p.printed)
    return Range(max(printed.low, 0.0), min(printed.high, 1.0))


def z_of(p: float) -> float:
    """Absolute normal deviate of a two-sided p-value, infinite where p is 0 or next to it."""
    return two_sided_z(p) if p > 1e-300 else inf


def z_range(p: PValue) -> Range:
    """Range of the absolute normal deviate behind a printed two-sided p-value."""
    p_values = p_range(p)
    return Range(z_of(p_values.high), z_of(p_values.low))
