"""Study sheets: what a paper prints, and where it prints it.

One YAML file per study. Nothing in a sheet is computed: hazard ratios keep the printed orientation, counts
and percentages stand as printed, and every figure carries its printed string and its place in the paper.
"""

from collections.abc import Iterator
from math import log
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, model_validator

from nma.documents import MONTH, PATTERNS, WORD, Document, FileName, Label, Strict, Text, fail, read_yaml, validate
from nma.errors import Mistakes, UserError
from nma.printed import digits, holds_date, percentages, put_together

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

    An ellipsis in ``printed`` stands for words left out. ``near`` are a few words of the paper by which to know the
    right one of several like figures: the label of its row, or words beside it.
    """

    printed: Text
    """The figure as the paper prints it; every number of the record must stand in this string."""
    place: Text
    """Where it stands in the paper: table, figure or section."""
    near: Text | None = None
    """A few words of the paper by which to know the right one of several like figures."""
    note: str | None = None
    """What a reader must know about this figure."""


class Count(Strict):
    """Patients with an event: a printed count, a printed percentage, or both.

    Where only a percentage is printed the count is derived from it. ``derived`` says how a count was put
    together when the paper does not print it as such (for example from prose).
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
    """Where it stands in the paper; by default where the whole record stands."""
    near: Text | None = None
    """A few words of the paper by which to know the right one of several like figures."""
    derived: str | None = None
    """How the count was put together, if the paper does not print it as such."""
    note: str | None = None
    """What a reader must know about this figure."""

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
    """`=` for a p-value, else a bound, which is never used as an estimate."""


class PValue(PrintedP):
    """A two-sided p-value; with a relation other than ``=`` it is a bound and never used as an estimate.

    One that the paper prints as a bound ``elsewhere`` is a bound: a table that prints 0.001 for everything below it
    says no more than the text that prints < 0.001.
    """

    elsewhere: list[PrintedP] = Field(default_factory=list)
    """The same p-value where the paper prints it otherwise."""

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
        fail("upper", upper, f"the upper limit lies below the lower one, {lower}")


class HazardRatio(Figure):
    """One printed hazard ratio, in the printed orientation.

    ``treatment`` and ``comparator`` say which arm the printed number puts above which: a value below 1 favours
    ``treatment``. Where the printed label says otherwise (a ratio printed under the name of the wrong arm),
    ``label`` keeps that label, ``label_inverted`` is true and ``reason`` says how the direction was decided.
    """

    outcome: Identifier
    """A time-to-event outcome of the configuration, for example os or pfs."""
    treatment: Identifier
    """The arm that the printed ratio puts above the other."""
    comparator: Identifier
    """The arm that the ratio is against."""
    population: Identifier = ALL
    """all, or a name under populations."""
    adjustment: Literal["crude", "adjusted", "matched"]
    """How the ratio is adjusted; crude also where the paper does not say."""
    covariates: list[Text] = Field(default_factory=list)
    """What the ratio is adjusted for."""
    label: str | None = None
    """The label under which the paper prints the ratio."""
    label_inverted: bool = False
    """Whether that label names the wrong arm."""
    reason: str | None = None
    """How the direction was decided; needed with label_inverted."""
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
    """The unit in which they are printed."""
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
    """A log-rank test between two arms; ``favours`` is the arm that did better by the medians and the text.

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
    """Deaths, or progressions and deaths, of one arm or of all arms of a population together (``arm: null``)."""

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
    """The lowest and the highest fraction that are plausible."""
    reason: Text
    """Why this fraction."""

    @model_validator(mode="after")
    def _within(self) -> "AssumedEvents":
        if not self.plausible[0] <= self.fraction <= self.plausible[1]:
            fail("fraction", self.fraction, f"must lie within plausible {list(self.plausible)}")
        return self


class Curve(Strict):
    """Kaplan-Meier curves of the arms, digitised from a figure, for the reconstruction of a hazard ratio (Guyot 2012).

    ``points`` and ``at_risk`` name CSV files, from the working directory as everywhere in the configuration.
    ``points`` has the columns ``arm, time, survival``: one line for every point read off a curve, times in months and
    survival between 0 and 1; best are both ends of every step that can be told apart, 30 points an arm or more, to the
    end of the curve. ``at_risk`` has the columns ``arm, time, n``: the numbers at risk printed below the figure. It may
    be left out where ``events`` gives the events of every arm, which are used wherever they are given. ``precision``
    is how far the survival of a point may be read off wrongly.
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
    """How far the survival of a point may be read off wrongly."""
    place: Text
    """The figure of the paper."""
    note: str | None = None
    """What a reader must know about these curves."""
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
    """Where the response stands in the paper."""
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
    median with its quartiles (``interval: IQR``) or its range. ``of`` is the number of patients where it is not that of
    the arm; ``definition`` keeps what the paper calls the characteristic where it departs from the label, such as its
    own cut; ``derived`` says how a figure was put together when the paper does not print it as such.
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
    """What the paper calls the characteristic, where it departs from the label."""
    derived: str | None = None
    """How the figure was put together, if the paper does not print it as such."""
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
                fail("median", self.median, f"the median lies outside its interval {self.lower} to {self.upper}")
            if self.lower == self.upper:
                fail("upper", self.upper, "the interval has no width; leave out limits that were rounded away")
        return self


class Comparison(Strict):
    """A test or a direction stated between two arms; recorded for the audit.

    ``favours`` is the arm that the text says did better, ``significant`` whether it calls the difference statistically
    significant.
    """

    outcome: Identifier
    """A count outcome of the configuration, for example orr."""
    treatment: Identifier
    """One arm."""
    comparator: Identifier
    """The other arm."""
    population: Identifier = ALL
    """all, or a name under populations."""
    criterion: Literal["mrecist", "recist_1_1"] | None = None
    """The response criterion."""
    p: PValue | None = None
    """The printed p-value."""
    favours: Identifier | None = None
    """The arm that did better by the text."""
    significant: bool | None = None
    """Whether the text calls the difference statistically significant."""
    prose: Figure | None = None
    """The words that say so."""


class Version(Figure):
    """One of the places where a quantity is printed: its number there, and the name it goes by where names differ.

    ``derived`` says how the number was put together where it is not printed as such.
    """

    value: float | None = None
    """The number there."""
    derived: Text | None = None
    """How the number was put together, if it is not printed as such."""
    relation: Literal["=", "<", "<=", ">", ">="] = "="
    """`=`, or the sign of a bound."""
    label: Label | None = None
    """The name that the quantity goes by there, where names differ."""


class LeastTreatment(Figure):
    """A criterion of inclusion that only patients who stayed on the study's treatment so long could meet.

    Those who died, progressed or stopped before are left out, and nobody can have the event in that time, which is
    called immortal.
    """

    value: Positive
    """How much treatment the patients had to receive at least."""
    unit: Literal["cycles", "doses", "weeks", "months"] = "cycles"
    """Its unit."""


class Switch(Count):
    """Patients of an arm who went on to another treatment after that of the study.

    ``to`` names a regimen where the paper says which one they went on to.
    """

    arm: Identifier
    """The arm that they came from."""
    to: Identifier | None = None
    """The regimen of treatments.yaml that they went on to; by default any further treatment."""
    place: Text
    """Where it stands in the paper."""


class Reprint(Strict):
    """A quantity that the paper prints more than once, or one figure that it prints for several things.

    ``outcome`` is that of the figures of the sheet that it concerns; without one it concerns none that is used.
    """

    item: Text
    """What the quantity is."""
    outcome: Identifier | None = None
    """The outcome whose figures it concerns; without one it concerns none that is used."""
    versions: Annotated[list[Version], Field(min_length=2)]
    """The places where it is printed."""
    reading: Text | None = None
    """How the sheet reads it."""


class Acknowledgement(Strict):
    """A contradiction that the audit finds and the paper really prints: the check, its item, and how it is read."""

    check: Identifier
    """The check of the audit."""
    item: Text
    """Its item, as the audit names it."""
    reason: Text
    """How the contradiction is read."""


class Arm(Strict):
    """An arm, or a part of one, and the regimens its patients received."""

    label: Label
    """What the paper calls the arm."""
    n: Some | None
    """Patients in the arm; null only where a secondary report does not say."""
    printed: Text
    """The number of patients as the paper prints it."""
    place: Text
    """Where it stands in the paper."""
    near: Text | None = None
    """A few words of the paper by which to know the right one of several like figures."""
    regimens: dict[Identifier, Some]
    """Patients by regimen of treatments.yaml; they add up to n. Without n they are proportions."""

    @model_validator(mode="after")
    def _adds_up(self) -> "Arm":
        total = sum(self.regimens.values())
        if not total:
            fail("regimens", dict(self.regimens), "name at least one regimen")
        if self.n is not None and total != self.n:
            fail("regimens", dict(self.regimens), f"the regimens add up to {total}, the arm has n = {self.n}")
        return self


class ContrastSet(Strict):
    """A partition of the patients into arms that are compared with one comparator."""

    arms: Annotated[list[Identifier], Field(min_length=2)]
    """Arms that share no patients."""
    comparator: Identifier
    """The arm that the others are compared with."""

    @model_validator(mode="after")
    def _consistent(self) -> "ContrastSet":
        if self.comparator not in self.arms:
            fail("comparator", self.comparator, f"allowed: {', '.join(self.arms)}")
        if len(set(self.arms)) < len(self.arms):
            fail("arms", self.arms, "an arm stands twice")
        return self


class Population(Strict):
    """A named part of the patients: a matched cohort or a subgroup; ``n`` gives its patients by arm.

    ``derived`` says how these were put together where the paper does not print them as such.
    """

    kind: Literal["matched", "subgroup"]
    """A matched cohort may enter a fit, a subgroup only where an analysis asks for it."""
    label: Label
    """Who they are."""
    n: dict[Identifier, Some] = Field(default_factory=dict)
    """Patients of this population by arm."""
    printed: Text | None = None
    """The numbers of patients as the paper prints them."""
    place: Text
    """Where it stands in the paper."""
    near: Text | None = None
    """A few words of the paper by which to know the right one of several like figures."""
    derived: Text | None = None
    """How the numbers were put together, if the paper does not print them as such."""
    setting: Identifier | None = None
    """The failed first line of all these patients, where they are those of one setting."""


class FailedFirstLine(Strict):
    """Patients whose first line was the drug of this setting."""

    setting: Identifier
    """A setting of treatments.yaml."""
    n: Some | None
    """Patients with this first line; null only where a secondary report does not say."""
    arms: dict[Identifier, Patients] = Field(default_factory=dict)
    """The same patients by arm."""
    printed: Text
    """The number of patients as the paper prints it."""
    place: Text
    """Where it stands in the paper."""
    near: Text | None = None
    """A few words of the paper by which to know the right one of several like figures."""

    @model_validator(mode="after")
    def _adds_up(self) -> "FailedFirstLine":
        total = sum(self.arms.values())
        if self.arms and self.n is not None and total != self.n:
            fail("arms", dict(self.arms), f"the arms add up to {total}, the failed first line has n = {self.n}")
        return self


class Bibliography(Strict):
    """Where the report was published."""

    authors: Text
    """Surname and initials of every author."""
    title: Text
    """Title of the paper."""
    journal: Text
    """Journal, volume and pages."""
    year: Annotated[int, Field(ge=1900, le=2100)]
    """Year of publication."""
    doi: str | None = None
    """DOI without its address."""
    published: str | None = None
    """Day of publication, YYYY-MM-DD."""


class Enrolment(Figure):
    """First and last month of enrolment (YYYY-MM), and the end of follow-up where the paper gives it.

    ``follow_up`` is what the paper prints of the cutoff or of the median follow-up.
    """

    start: Month
    """First month of enrolment."""
    end: Month
    """Last month of enrolment."""
    cutoff: str | None = None
    """Last day of follow-up, YYYY-MM-DD."""
    median_follow_up_months: Positive | None = None
    """Median follow-up in months."""
    follow_up: Figure | None = None
    """What the paper prints of the cutoff or of the median follow-up."""

    @model_validator(mode="after")
    def _ordered(self) -> "Enrolment":
        if self.end < self.start:
            fail("end", self.end, f"enrolment ends before it starts ({self.start})")
        return self


class SecondaryReport(Strict):
    """Where the figures stand if they were read in another paper, which quotes the study.

    Only analyses with ``secondary_reports: true`` use such a sheet. What the quotation leaves out (bibliography,
    design, site, enrolment, the sizes of the arms) is null, never invented; ``unknown`` says so in words.
    """

    quoted_by: Identifier
    """The study whose paper quotes this one."""
    cited_as: Text
    """How that paper cites it."""
    place: Text
    """Where in that paper."""
    unknown: Text
    """What the quotation leaves out, in a sentence."""


class StudySheet(Strict):
    """Everything one paper reports about the outcomes of the network."""

    study: Identifier
    """Name of the study, which is the name of this file."""
    secondary_report: SecondaryReport | None = None
    """Only for figures that were read in another paper."""
    bibliography: Bibliography | None
    """Null only in a secondary report."""
    design: Literal["retrospective_cohort", "prospective_cohort", "randomised_trial"] | None
    """Design of the study; null only in a secondary report."""
    site: Text | None
    """Hospitals that enrolled; null only in a secondary report."""
    enrolment: Enrolment | None
    """Null only in a secondary report."""
    endpoints: dict[Identifier, Figure] = Field(default_factory=dict)
    """How the paper defines its endpoints, by outcome."""
    failed_first_line: Annotated[list[FailedFirstLine], Field(min_length=1)]
    """What the patients had before: one entry a setting. All entries add up to the arms of the first contrast set."""
    arms: Annotated[dict[Identifier, Arm], Field(min_length=2)]
    """The arms, by a short name of your choice."""
    contrast_sets: Annotated[dict[Identifier, ContrastSet], Field(min_length=1)]
    """Which arms are compared with which; fits use the first unless an analysis asks for another."""
    populations: dict[Identifier, Population] = Field(default_factory=dict)
    """Matched cohorts and subgroups that records below refer to."""
    covariates: dict[Identifier, float] = Field(default_factory=dict)
    """Covariates of the study that a meta-regression of the configuration uses, by name."""
    hazard_ratios: list[HazardRatio] = Field(default_factory=list)
    """The code orients them; crude and adjusted ones are an entry each."""
    medians: list[Median] = Field(default_factory=list)
    """One entry an arm."""
    log_rank: list[LogRank] = Field(default_factory=list)
    """One entry a test."""
    events: list[Events] = Field(default_factory=list)
    """One entry an arm, or one for all arms together."""
    assumed_events: list[AssumedEvents] = Field(default_factory=list)
    """One entry an outcome without numbers of events."""
    curves: list[Curve] = Field(default_factory=list)
    """Digitised Kaplan-Meier curves: one entry a figure."""
    responses: list[Response] = Field(default_factory=list)
    """One entry an arm and criterion."""
    counts: list[CountRecord] = Field(default_factory=list)
    """Adverse events and the like: one entry an arm."""
    comparisons: list[Comparison] = Field(default_factory=list)
    """One entry a printed test or a stated direction."""
    characteristics: list[CharacteristicRecord] = Field(default_factory=list)
    """Baseline characteristics: one entry an arm and characteristic."""
    treatment_at_least: LeastTreatment | None = None
    """How much of the study's treatment patients had to receive in order to be included."""
    switching: list[Switch] = Field(default_factory=list)
    """What patients went on to after the study's treatment: one entry an arm and regimen."""
    reprinted: list[Reprint] = Field(default_factory=list)
    """Quantities that the paper prints more than once, with different values."""
    acknowledged: list[Acknowledgement] = Field(default_factory=list)
    """Findings of the audit that are known, each with the reason why it may stand."""
    notes: list[Text] = Field(default_factory=list)
    """Contradictions inside the paper, and what is missing."""
    _document: Document | None = PrivateAttr(default=None)

    def source(self, path: tuple[str | int, ...], place: str) -> str:
        """Where a figure comes from: file and line of the sheet, and the place in the paper."""
        if self._document is None:
            return f"{self.study} ({place})"
        return f"{self._document.file}:{self._document.line(path)} ({place})"

    def error(self, path: tuple[str | int, ...], value: object, problem: str) -> UserError:
        """Build the one-line error for a value at a path of the sheet."""
        if self._document is None:
            return UserError(problem, self.study, key=".".join(map(str, path)), value=value)
        return self._document.error(path, value, problem)

    @property
    def default_contrast_set(self) -> str:
        """The contrast set used unless an analysis asks for another: the first one."""
        return next(iter(self.contrast_sets))

    def as_printed(self) -> "StudySheet":
        """Take every ratio under the wrong arm's name as its label has it, with the two arms exchanged."""
        ratios = [
            ratio.model_copy(update={"treatment": ratio.comparator, "comparator": ratio.treatment})
            if ratio.label_inverted
            else ratio
            for ratio in self.hazard_ratios
        ]
        return self.model_copy(update={"hazard_ratios": ratios})

    def patients(self, arm: str, population: str = ALL) -> int:
        """Patients of an arm in a population.

        Raises
        ------
        KeyError
            The sheet does not say how many patients of the population are in the arm; see `size`.
        """
        n = self.size(arm, population)
        if n is None:
            raise KeyError(arm)
        return n

    def size(self, arm: str, population: str = ALL) -> int | None:
        """Patients of an arm in a population, where the sheet says how many."""
        return self.arms[arm].n if population == ALL else self.populations[population].n.get(arm)

    def patients_of(self, record: CharacteristicRecord) -> int:
        """Patients that a characteristic describes.

        Raises
        ------
        KeyError
            The population does not say how many of its patients are in an arm.
        """
        arms = [record.arm] if record.arm else self.contrast_sets[self.default_contrast_set].arms
        return record.of or sum(self.patients(arm, record.population) for arm in arms)

    @model_validator(mode="after")
    def _references(self) -> "StudySheet":
        if ALL in self.populations:
            fail(("populations", ALL), None, "this word is reserved for everybody in the arms")
        arms = ", ".join(self.arms)
        for name, contrast_set in self.contrast_sets.items():
            for i, arm in enumerate(contrast_set.arms):
                if arm not in self.arms:
                    fail(("contrast_sets", name, "arms", i), arm, f"unknown arm; allowed: {arms}")
        for path, arm in self._arm_references():
            if arm not in self.arms:
                fail(path, arm, f"unknown arm; allowed: {arms}")
        populations = [ALL, *self.populations]
        for section in _RECORDS:
            for i, record in enumerate(getattr(self, section)):
                if record.population not in populations:
                    allowed = ", ".join(populations)
                    fail((section, i, "population"), record.population, f"unknown population; allowed: {allowed}")
        return self

    @model_validator(mode="after")
    def _only_quotations_leave_out(self) -> "StudySheet":
        """Check that null stands only where another paper quotes the study."""
        keys: list[tuple[str | int, ...]] = [("bibliography",), ("design",), ("site",), ("enrolment",)]
        left_out = [path for path in keys if getattr(self, str(path[0])) is None]
        left_out += [("failed_first_line", i, "n") for i, line in enumerate(self.failed_first_line) if line.n is None]
        left_out += [("arms", name, "n") for name, arm in self.arms.items() if arm.n is None]
        for path in left_out:
            if self.secondary_report is None:
                fail(path, None, "null is allowed in a secondary_report only")
            if path[0] == "failed_first_line" and len(self.failed_first_line) > 1:
                fail(path, None, "more than one failed first line; say how many patients each had")
        return self

    @model_validator(mode="after")
    def _patients_add_up(self) -> "StudySheet":
        self._arms_add_up()
        for name, population in self.populations.items():
            for arm, n in population.n.items():
                whole = self.arms[arm].n
                if whole is not None and n > whole:
                    fail(("populations", name, "n", arm), n, f"the whole arm has {whole} patients")
        self._sizes_are_known()
        for path, events, n in self._counts_with_totals():
            if events is not None and events > n:
                fail(path, events, f"more events than patients; allowed: 0 to {n}")
        for i, response in enumerate(self.responses):
            n = self.patients(response.arm, response.population)
            figures = (response.cr, response.pr, response.sd, response.pd)
            total = sum(resolve_count(figure, n) or 0 for figure in figures if figure)
            if total > n:
                fail(("responses", i), None, f"the categories add up to {total}; allowed: 0 to {n} patients")
        return self

    def _arms_add_up(self) -> None:
        """Check the arms against the failed first lines, and every contrast set against the first."""
        total = self._together(self.default_contrast_set)
        lines = [line.n for line in self.failed_first_line if line.n is not None]
        failed = sum(lines)
        if total is not None and lines and failed != total:
            fail("failed_first_line", failed, f"the failed first lines add up to {failed}, the arms to {total}")
        for name in self.contrast_sets:
            n = self._together(name)
            if n is not None and total is not None and n > total:
                fail(("contrast_sets", name, "arms"), n, f"the arms hold {n} patients, the study {total}")

    def _together(self, contrast_set: str) -> int | None:
        """Patients of all arms of a contrast set, where the size of each is known."""
        sizes = [self.arms[arm].n for arm in self.contrast_sets[contrast_set].arms]
        known = [n for n in sizes if n is not None]
        return sum(known) if len(known) == len(sizes) else None

    @model_validator(mode="after")
    def _one_figure_a_characteristic(self) -> "StudySheet":
        found: set[tuple[str, str | None, str]] = set()
        for i, record in enumerate(self.characteristics):
            key = (record.characteristic, record.arm, record.population)
            if key in found and not record.not_used:
                problem = "this arm has a figure for it already; say why one of the two is not_used"
                fail(("characteristics", i, "characteristic"), record.characteristic, problem)
            if not record.not_used:
                found.add(key)
        return self

    def _sizes_are_known(self) -> None:
        """Check that the patients by arm are known wherever a derivation needs them."""
        for section in ("events", "assumed_events", "responses", "counts", "characteristics", "switching"):
            for i, record in enumerate(getattr(self, section)):
                arm = getattr(record, "arm", None)
                for name in [arm] if arm else self.contrast_sets[self.default_contrast_set].arms:
                    if self.arms[name].n is None:
                        fail(("arms", name, "n"), None, f"{section}.{i} needs to know how many patients the arm has")
        for section in _RECORDS:
            for i, record in enumerate(getattr(self, section)):
                population = self.populations.get(record.population)
                sized = section not in ("hazard_ratios", "medians")
                if population is None or not (sized or population.kind == "matched"):
                    continue
                named = (getattr(record, key, None) for key in ("arm", "treatment", "comparator"))
                arms = [name for name in named if name]
                for arm in arms or self.contrast_sets[self.default_contrast_set].arms:
                    if arm not in population.n:
                        path = ("populations", record.population, "n")
                        needed = f"{section}.{i} needs to know how many patients of {arm} are in this population"
                        fail(path, dict(population.n), needed)

    def _arm_references(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        for i, switch in enumerate(self.switching):
            yield ("switching", i, "arm"), switch.arm
        for i, line in enumerate(self.failed_first_line):
            for arm in line.arms:
                yield ("failed_first_line", i, "arms", arm), arm
        for name, population in self.populations.items():
            for arm in population.n:
                yield ("populations", name, "n", arm), arm
        for section in _RECORDS:
            for i, record in enumerate(getattr(self, section)):
                for key in ("arm", "treatment", "comparator"):
                    named: str | None = getattr(record, key, None)
                    if named is not None:
                        yield (section, i, key), named

    def _counts_with_totals(self) -> Iterator[tuple[tuple[str | int, ...], int | None, int]]:
        for i, response in enumerate(self.responses):
            for category in ("cr", "pr", "sd", "pd", "orr", "dcr"):
                figure: Count | None = getattr(response, category)
                if figure is not None:
                    n = self._total(response.arm, response.population, figure)
                    yield ("responses", i, category, "count"), figure.count, n
        for i, record in enumerate(self.counts):
            yield (
                ("counts", i, "events", "count"),
                record.events.count,
                self._total(record.arm, record.population, record.events),
            )
        for i, row in enumerate(self.events):
            if row.arm is not None:
                n = self._total(row.arm, row.population, row.events)
                yield ("events", i, "events", "count"), row.events.count, n
        for i, described in enumerate(self.characteristics):
            yield ("characteristics", i, "count"), described.count, self.patients_of(described)
        for i, switch in enumerate(self.switching):
            yield ("switching", i, "count"), switch.count, self._total(switch.arm, ALL, switch)

    def _total(self, arm: str, population: str, figure: Count) -> int:
        return figure.of or self.patients(arm, population)


_RECORDS = (
    "hazard_ratios",
    "medians",
    "log_rank",
    "events",
    "assumed_events",
    "curves",
    "responses",
    "counts",
    "comparisons",
    "characteristics",
)


def read_sheet(file: Path) -> StudySheet:
    """Read and validate one study sheet.

    Raises
    ------
    UserError
        The sheet breaks a rule of the models above, its ``study`` is not the file's name, or a figure is not in
        its printed string.
    """
    sheet = sheet_of(read_yaml(file))
    if sheet.study != file.stem:
        raise sheet.error(("study",), sheet.study, f"must be the name of the file: {file.stem}")
    return sheet


def sheet_of(document: Document) -> StudySheet:
    """Validate a sheet, whichever file it was read from.

    Raises
    ------
    UserError
        The sheet breaks a rule of the models above, or a figure is not in its printed string.
    """
    sheet = validate(StudySheet, document)
    _check_printed(document, document.data, ())
    if sheet.enrolment:
        _check_dates(document, sheet.enrolment)
    sheet._document = document
    return sheet


_NUMBERS = ("value", "lower", "upper", "count", "percent", "n", "mean", "sd", "median")


def _check_printed(document: Document, node: object, path: tuple[str | int, ...]) -> None:
    """Check that every number of a figure stands in the string printed beside it."""
    if isinstance(node, list):
        for i, item in enumerate(node):
            _check_printed(document, item, (*path, i))
    elif isinstance(node, dict):
        printed = node.get("printed")
        for key, item in node.items():
            if key in _NUMBERS and isinstance(item, str):
                raise document.error((*path, key), item, "write the number without quotes")
            if key in _NUMBERS and isinstance(printed, str) and isinstance(item, int | float | dict):
                by_arm = item if isinstance(item, dict) else {None: item}
                for arm, number in by_arm.items():
                    where = (*path, key) if arm is None else (*path, key, arm)
                    _check_number(document, number, printed, node.get("derived"), where)
            else:
                _check_printed(document, item, (*path, key))


def _check_number(
    document: Document, number: float, printed: str, derived: object, path: tuple[str | int, ...]
) -> None:
    """Check that a number stands in what is printed, or in how it was put together: as such, in words, or as a sum."""
    if float(number) in digits(printed):
        return
    if not derived:
        raise document.error(path, number, f"does not stand in what is printed: {printed}")
    if path[0] == "reprinted":  # recomputed, to be held against what is printed
        if (shares := percentages(str(derived))) and number not in shares:
            raise document.error(path, number, f"is not {derived}: {shares[0]}%")
        return
    if not any(float(number) in put_together(text) for text in (printed, str(derived))):
        raise document.error(path, number, f"stands neither in what is printed, {printed}, nor in derived: {derived}")


def _check_dates(document: Document, enrolment: Enrolment) -> None:
    """Check that the dates of enrolment, and what is printed of follow-up, are those given."""
    for key, month in (("start", enrolment.start), ("end", enrolment.end)):
        if not holds_date(enrolment.printed, month):
            problem = f"does not stand in what is printed: {enrolment.printed}"
            raise document.error(("enrolment", key), month, problem)
    if enrolment.follow_up:
        printed, months = enrolment.follow_up.printed, enrolment.median_follow_up_months
        if months not in digits(printed) and not holds_date(printed, enrolment.cutoff or ""):
            problem = f"allowed: what is printed of the cutoff, {enrolment.cutoff}, or of the median, {months} months"
            raise document.error(("enrolment", "follow_up", "printed"), printed, problem)


def read_sheets(folder: Path) -> dict[str, StudySheet]:
    """Read every study sheet of a folder, by study id in alphabetical order.

    Raises
    ------
    UserError
        No sheets, or the first mistake of every sheet that has one.
    """
    for file in sorted(folder.glob("*.yml")):
        raise UserError(f"study sheets end in .yaml; rename it to {file.stem}.yaml", file)
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise UserError("no study sheets (*.yaml) here", folder)
    sheets, mistakes = {}, Mistakes()
    for file in files:
        with mistakes.noted():
            sheets[file.stem] = read_sheet(file)
    mistakes.tell()
    return sheets
