"""What every printed figure has: its value, where it is printed, and what is known of its precision."""

from math import log
from typing import Annotated, Literal

from pydantic import Field, model_validator

from secondline.project.documents import (
    MONTH,
    PATTERNS,
    WORD,
    Strict,
    Text,
    fail,
)

Identifier = Annotated[
    str,
    Field(
        pattern=WORD,
        max_length=60,
        coerce_numbers_to_str=True,
        json_schema_extra={"patternErrorMessage": PATTERNS[WORD]},
    ),
]
Month = Annotated[
    str,
    Field(
        pattern=MONTH,
        json_schema_extra={"patternErrorMessage": PATTERNS[MONTH]},
    ),
]
# Wider than anything printed, and narrow enough for every derivation to stay finite.
_MANY, _TINY = 10**9, 1e-6
Patients = Annotated[int, Field(ge=0, le=_MANY, strict=True)]
Some = Annotated[int, Field(gt=0, le=_MANY, strict=True)]
Positive = Annotated[float, Field(ge=_TINY, le=1 / _TINY, json_schema_extra={"errorMessage": "a number above 0"})]
Average = Annotated[float, Field(ge=-1 / _TINY, le=1 / _TINY, json_schema_extra={"errorMessage": "a number"})]
ALL = "all"  # the population of everybody in the arms


class Figure(Strict):
    """A figure as the paper prints it: the printed string and its place (table, figure or section).

    An ellipsis in ``printed`` marks omitted words. ``near`` contains a few words from the paper that identify the
    figure among similar ones: the label of its row, or words beside it.
    """

    printed: Text
    """The figure as the paper prints it; every number of the record must occur in this string."""
    place: Text
    """Location in the paper: table, figure or section."""
    near: Text | None = None
    """A few words from the paper that identify the figure among similar ones."""
    note: str | None = None
    """A note on this figure for readers."""


class Count(Strict):
    """Patients with an event: a printed count, a printed percentage, or both.

    Where only a percentage is printed, the count is derived from it. ``derived`` says how a count was obtained if the
    paper does not print it as such (for example, from the text).
    """

    count: Patients | None = None
    """Patients with the event, a whole number."""
    percent: Annotated[float, Field(ge=0, le=100)] | None = None
    """The printed percentage; the count is derived from it where no count is printed."""
    of: Some | None = None
    """Patients that the count or percentage refers to, if not all patients of the arm."""
    printed: Text
    """The figure as the paper prints it."""
    place: str | None = None
    """Location in the paper; by default that of the whole record."""
    near: Text | None = None
    """A few words from the paper that identify the figure among similar ones."""
    derived: str | None = None
    """How the count was obtained, if the paper does not print it as such."""
    note: str | None = None
    """A note on this figure for readers."""

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, data: object) -> object:
        if isinstance(data, dict):
            count = data.get("count")
            if isinstance(count, float) and count.is_integer():
                fail("count", count, f"a count is a whole number of patients; write {int(count)}")
            if isinstance(count, float) or (isinstance(count, str) and "%" in count):
                fail("count", count, "a count is a whole number of patients; write a percentage as percent:")
        return data

    @model_validator(mode="after")
    def _something(self) -> "Count":
        if self.count is None and self.percent is None:
            fail("count", None, "give count, percent or both")
        return self


def resolve_count(figure: Count, n: int | None) -> int | None:
    """Patients with an event: the printed count, else the whole number next to the printed percentage of n."""
    if figure.count is not None:
        return figure.count
    total = figure.of or n
    if figure.percent is None or total is None:
        return None
    return round(figure.percent / 100 * total)


class PrintedP(Figure):
    """A two-sided p-value, or its bound, in one place of the paper."""

    value: Annotated[float, Field(ge=0, le=1)]
    """The p-value, or its bound."""
    relation: Literal["=", "<", "<=", ">", ">="] = "="
    """`=` for a p-value, otherwise a bound, which is never used as an estimate."""


class PValue(PrintedP):
    """A two-sided p-value; with a relation other than ``=`` it is a bound and never used as an estimate.

    A p-value that the paper prints as a bound ``elsewhere`` is also a bound: a table that prints 0.001 for every
    smaller value gives no more information than text that prints < 0.001.
    """

    elsewhere: list[PrintedP] = Field(default_factory=list)
    """The same p-value where the paper prints it in another form."""

    @property
    def exact(self) -> bool:
        """Whether this p says how large the test statistic was: it is nowhere a bound, and not rounded down to 0."""
        return self.value > _TINY**2 and all(p.relation == "=" for p in (self, *self.elsewhere))


def _check_interval(lower: float | None, upper: float | None) -> None:
    """Check the limits of an interval; whether the estimate lies between them is for the audit."""
    if lower is None or upper is None:
        return
    if log(lower) == log(upper):
        fail("upper", upper, "the interval has no width; leave out limits that were rounded away")
    if lower > upper:
        fail("upper", upper, f"the upper limit is below the lower one, {lower}")
