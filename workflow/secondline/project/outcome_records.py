"""Records of outcomes in a study sheet: ratios, medians, tests, events, curves, responses and characteristics."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from secondline.project.documents import (
    FileName,
    Strict,
    Text,
    fail,
)
from secondline.project.figures import (
    ALL,
    Average,
    Count,
    Figure,
    Identifier,
    Patients,
    Positive,
    PValue,
    Some,
    _check_interval,
)


class HazardRatio(Figure):
    """A printed hazard ratio, in the printed direction.

    ``treatment`` and ``comparator`` are the arms in the numerator and the denominator of the printed ratio: a value
    below 1 favours ``treatment``. Where the printed label says otherwise (a ratio printed under the name of the wrong
    arm), ``label`` keeps that label, ``label_inverted`` is true and ``reason`` says how the direction was decided.
    """

    outcome: Identifier
    """A time-to-event outcome of the configuration, for example os or pfs."""
    treatment: Identifier
    """The arm in the numerator of the printed ratio."""
    comparator: Identifier
    """The arm in the denominator."""
    population: Identifier = ALL
    """all, or a name under populations."""
    adjustment: Literal["crude", "adjusted", "matched"]
    """How the ratio is adjusted; crude also where the paper does not say."""
    covariates: list[Text] = Field(default_factory=list)
    """The covariates for which the ratio is adjusted."""
    label: str | None = None
    """The label under which the paper prints the ratio."""
    label_inverted: bool = False
    """Whether that label names the wrong arm."""
    reason: str | None = None
    """How the direction was decided; required with label_inverted."""
    value: Positive
    """The hazard ratio."""
    lower: Positive | None = None
    """Its lower confidence limit."""
    upper: Positive | None = None
    """Its upper confidence limit."""
    level: Annotated[float, Field(ge=0.5, le=0.999)] = 0.95
    """The level of the interval."""
    p: PValue | None = None
    """The p-value printed beside the ratio."""
    not_used: str | None = None
    """Why this record is kept but not used."""

    @model_validator(mode="after")
    def _ordered(self) -> "HazardRatio":
        _check_interval(self.lower, self.upper)
        if self.treatment == self.comparator:
            fail("comparator", self.comparator, "treatment and comparator are the same arm")
        if self.label_inverted and not self.reason:
            fail("reason", None, "label_inverted needs the reason for the direction taken")
        return self


# Months in a unit of time, with years of 365.25 days.
MONTHS = {"days": 12 / 365.25, "weeks": 7 * 12 / 365.25, "months": 1.0, "years": 12.0}
Unit = Literal["days", "weeks", "months", "years"]


class Median(Figure):
    """Median survival of one arm, in the unit in which it is printed. A limit that was not reached is left out."""

    outcome: Identifier
    """A time-to-event outcome of the configuration."""
    arm: Identifier
    """The arm."""
    population: Identifier = ALL
    """all, or a name under populations."""
    value: Positive
    """Median survival."""
    lower: Positive | None = None
    """Lower limit of its interval."""
    upper: Positive | None = None
    """Upper limit of its interval; left out if not reached."""
    unit: Unit = "months"
    """The unit in which the figures are printed."""
    interval: Literal["80% CI", "90% CI", "95% CI", "99% CI", "IQR"] | None = None
    """What the paper calls the interval."""
    level: Annotated[float, Field(ge=0.5, le=0.999)] = 0.95
    """The level of the interval."""
    interval_is: Literal["confidence", "quartiles"] = "confidence"
    """What the interval is; only confidence limits give a standard error."""
    not_used: str | None = None
    """Why this record is kept but not used."""

    @model_validator(mode="after")
    def _ordered(self) -> "Median":
        _check_interval(self.lower, self.upper)
        return self

    @property
    def scale(self) -> float:
        """Months in the unit of this median."""
        return MONTHS[self.unit]

    @property
    def months(self) -> float:
        """Median survival in months."""
        return self.value * self.scale


class LogRank(Strict):
    """A log-rank test between two arms; ``favours`` is the arm that did better according to the medians and the text.

    A p-value has no direction. Unless ``stated`` gives the words in which the paper says which arm did better, the
    direction is an assumption, and the audit says so wherever an effect rests on it.
    """

    outcome: Identifier
    """A time-to-event outcome of the configuration."""
    treatment: Identifier
    """One arm of the test."""
    comparator: Identifier
    """The other arm."""
    population: Identifier = ALL
    """all, or a name under populations."""
    favours: Identifier
    """The arm that did better."""
    stated: Figure | None = None
    """The words in which the paper says which arm did better; without them the direction is an assumption."""
    p: PValue
    """The p-value of the test."""
    not_used: str | None = None
    """Why this record is kept but not used."""

    @model_validator(mode="after")
    def _favours_one(self) -> "LogRank":
        if self.treatment == self.comparator:
            fail("comparator", self.comparator, "treatment and comparator are the same arm")
        if self.favours not in (self.treatment, self.comparator):
            fail("favours", self.favours, f"allowed: {self.treatment}, {self.comparator}")
        return self


class Events(Strict):
    """Deaths, or progressions and deaths, in one arm or in all arms of a population together (``arm: null``)."""

    outcome: Identifier
    """A time-to-event outcome of the configuration."""
    arm: Identifier | None = None
    """The arm; null for all arms together."""
    population: Identifier = ALL
    """all, or a name under populations."""
    events: Count
    """How many patients had the event."""
    not_used: str | None = None
    """Why this record is kept but not used."""


class AssumedEvents(Strict):
    """A stated assumption where a paper gives no number of events: a fraction of the patients, and why."""

    outcome: Identifier
    """A time-to-event outcome whose events the paper does not give."""
    population: Identifier = ALL
    """all, or a name under populations."""
    fraction: Annotated[float, Field(gt=0, le=1)]
    """The fraction of the patients assumed to have had the event."""
    plausible: tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]]
    """The lowest and the highest plausible fraction."""
    reason: Text
    """Why this fraction was chosen."""

    @model_validator(mode="after")
    def _within(self) -> "AssumedEvents":
        if not self.plausible[0] <= self.fraction <= self.plausible[1]:
            fail("fraction", self.fraction, f"must lie within plausible {list(self.plausible)}")
        return self


class Curve(Strict):
    """Kaplan-Meier curves of the arms, digitised from a figure, for the reconstruction of a hazard ratio (Guyot 2012).

    ``points`` and ``at_risk`` name CSV files, relative to the working directory as everywhere in the configuration.
    ``points`` has the columns ``arm, time, survival``: one line for every point read off a curve, times in months and
    survival between 0 and 1; ideally both ends of every step that can be distinguished, and at least 30 points per arm,
    to the end of the curve. ``at_risk`` has the columns ``arm, time, n``: the numbers at risk printed below the figure.
    It may be left out if ``events`` gives the number of events in every arm; these numbers are used wherever they are
    given. ``precision`` is the largest error in reading the survival of a point.
    """

    outcome: Identifier
    """A time-to-event outcome of the configuration."""
    population: Identifier = ALL
    """all, or a name under populations."""
    points: FileName
    """CSV file of the points, with the columns arm, time, survival."""
    at_risk: FileName | None = None
    """CSV file of the numbers at risk, with the columns arm, time, n."""
    precision: Annotated[float, Field(gt=0, le=0.02)] = 0.005
    """Largest error in reading the survival of a point."""
    place: Text
    """The figure of the paper."""
    note: str | None = None
    """A note on these curves for readers."""
    not_used: str | None = None
    """Why this record is kept but not used."""


class Response(Strict):
    """Best overall response of one arm by one criterion; categories, and the rates printed beside them."""

    criterion: Literal["mrecist", "recist_1_1"]
    """The response criterion."""
    arm: Identifier
    """The arm."""
    population: Identifier = ALL
    """all, or a name under populations."""
    place: Text
    """Location of the response in the paper."""
    cr: Count | None = None
    """Complete response."""
    pr: Count | None = None
    """Partial response."""
    sd: Count | None = None
    """Stable disease."""
    pd: Count | None = None
    """Progressive disease."""
    orr: Count | None = None
    """The objective response rate as printed."""
    dcr: Count | None = None
    """The disease control rate as printed."""
    not_used: str | None = None
    """Why this record is kept but not used."""


class CountRecord(Strict):
    """Patients of one arm who had an event of a count outcome, for example an adverse event."""

    outcome: Identifier
    """A count outcome of the configuration, for example ae_any."""
    arm: Identifier
    """The arm."""
    population: Identifier = ALL
    """all, or a name under populations."""
    events: Count
    """How many patients had the event."""
    not_used: str | None = None
    """Why this record is kept but not used."""


class CharacteristicRecord(Figure):
    """A baseline characteristic of one arm, or of all arms of a population together (``arm: null``).

    The figures are of one kind: a count of patients, a percentage or both; a mean and its standard deviation; or a
    median with its quartiles (``interval: IQR``) or its range. ``of`` is the number of patients if it is not that of
    the arm; ``definition`` is the paper's definition of the characteristic if it differs from the label, for example in
    the cut-off; ``derived`` says how a figure was obtained if the paper does not print it as such.
    """

    characteristic: Identifier
    """A characteristic that the configuration declares."""
    arm: Identifier | None = None
    """The arm; null for all arms together."""
    population: Identifier = ALL
    """all, or a name under populations."""
    count: Patients | None = None
    """Patients who have it."""
    percent: Annotated[float, Field(ge=0, le=100)] | None = None
    """The printed percentage of patients who have it."""
    of: Some | None = None
    """Patients that the figure refers to, if not all patients of the arm."""
    mean: Average | None = None
    """Mean over the patients."""
    sd: Positive | None = None
    """Standard deviation; goes with a mean."""
    median: Average | None = None
    """Median over the patients."""
    lower: Average | None = None
    """Lower limit of the interval of the median."""
    upper: Average | None = None
    """Upper limit of the interval of the median."""
    interval: Literal["IQR", "range"] | None = None
    """What that interval is."""
    definition: str | None = None
    """The paper's definition of the characteristic, if it differs from the label."""
    derived: str | None = None
    """How the figure was obtained, if the paper does not print it as such."""
    p: PValue | None = None
    """The p-value printed for the difference between the arms, in the record of one of them."""
    not_used: str | None = None
    """Why this record is kept but not used."""

    @property
    def is_binary(self) -> bool:
        """Whether the figure is a share of the patients, not an average over them."""
        return self.count is not None or self.percent is not None

    @model_validator(mode="after")
    def _one_kind_of_figure(self) -> "CharacteristicRecord":
        given = [self.is_binary, self.mean is not None, self.median is not None]
        if given.count(True) != 1:
            fail("count", self.count, "give one kind of figure: count or percent, mean, or median")
        if self.sd is not None and self.mean is None:
            fail("sd", self.sd, "a standard deviation goes with a mean")
        limits = [self.lower, self.upper, self.interval]
        if any(limit is not None for limit in limits) and (self.median is None or None in limits):
            fail("interval", self.interval, "a median has lower, upper and interval (IQR or range), or none of them")
        if self.median is not None and self.lower is not None and self.upper is not None:
            if not self.lower <= self.median <= self.upper:
                fail("median", self.median, f"the median is outside its interval {self.lower} to {self.upper}")
            if self.lower == self.upper:
                fail("upper", self.upper, "the interval has no width; leave out limits that were rounded away")
        return self
