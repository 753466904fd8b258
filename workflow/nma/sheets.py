"""Study sheets: what a paper prints, and where it prints it.

One YAML file per study. Nothing in a sheet is computed: hazard ratios keep the printed orientation, counts
and percentages stand as printed, and every figure carries its printed string and its place in the paper.
"""

from collections.abc import Iterator
from math import log
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, model_validator

from nma.documents import Document, Strict, fail, read_yaml, validate
from nma.errors import UserError
from nma.printed import digits, holds_date, percentages, put_together

# A word that can stand in a folder's name, in a cell such as `a:10 b:3` and in a parameter's name such as `beta[a*b]`.
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", coerce_numbers_to_str=True)]
Month = Annotated[str, Field(pattern=r"^(19|20)\d\d-(0[1-9]|1[0-2])$")]
Text = Annotated[str, Field(min_length=1)]
Patients = Annotated[int, Field(ge=0, strict=True)]
Positive = Annotated[float, Field(gt=0)]

ALL = "all"  # the population of everybody in the arms


class Figure(Strict):
    """A figure as the paper prints it: the printed string and its place (table, figure or section).

    An ellipsis in ``printed`` stands for words left out. ``near`` are a few words of the paper by which to know the
    right one of several like figures: the label of its row, or words beside it.
    """

    printed: Text
    place: Text
    near: Text | None = None
    note: str | None = None


class Count(Strict):
    """Patients with an event: a printed count, a printed percentage, or both.

    Where only a percentage is printed the count is derived from it. ``derived`` says how a count was put
    together when the paper does not print it as such (for example from prose).
    """

    count: Patients | None = None
    percent: Annotated[float, Field(ge=0, le=100)] | None = None
    of: Annotated[int, Field(gt=0, strict=True)] | None = None
    printed: Text
    place: str | None = None
    near: Text | None = None
    derived: str | None = None
    note: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, data: object) -> object:
        if isinstance(data, dict):
            count = data.get("count")
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


class PValue(Figure):
    """A two-sided p-value; with a relation other than ``=`` it is a bound and never used as an estimate."""

    value: Annotated[float, Field(ge=0, le=1)]
    relation: Literal["=", "<", "<=", ">", ">="] = "="


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
    treatment: Identifier
    comparator: Identifier
    population: Identifier = ALL
    adjustment: Literal["crude", "adjusted", "matched"]
    covariates: list[Text] = Field(default_factory=list)
    label: str | None = None
    label_inverted: bool = False
    reason: str | None = None
    value: Positive
    lower: Positive | None = None
    upper: Positive | None = None
    level: Annotated[float, Field(ge=0.5, le=0.999)] = 0.95
    p: PValue | None = None
    not_used: str | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "HazardRatio":
        _check_interval(self.lower, self.upper)
        if self.treatment == self.comparator:
            fail("comparator", self.comparator, "treatment and comparator are the same arm")
        if self.label_inverted and not self.reason:
            fail("reason", None, "label_inverted needs the reason for the direction taken")
        return self


class Median(Figure):
    """Median survival of one arm in months. A limit that was not reached is left out."""

    outcome: Identifier
    arm: Identifier
    population: Identifier = ALL
    value: Positive
    lower: Positive | None = None
    upper: Positive | None = None
    interval: Literal["95% CI", "IQR"] | None = None
    interval_is: Literal["confidence", "quartiles"] = "confidence"
    not_used: str | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "Median":
        _check_interval(self.lower, self.upper)
        return self


class LogRank(Strict):
    """A log-rank test between two arms; ``favours`` is the arm that did better by the medians and the text."""

    outcome: Identifier
    treatment: Identifier
    comparator: Identifier
    population: Identifier = ALL
    favours: Identifier
    p: PValue
    not_used: str | None = None

    @model_validator(mode="after")
    def _favours_one(self) -> "LogRank":
        if self.favours not in (self.treatment, self.comparator):
            fail("favours", self.favours, f"allowed: {self.treatment}, {self.comparator}")
        return self


class Events(Strict):
    """Deaths, or progressions and deaths, of one arm or of all arms of a population together (``arm: null``)."""

    outcome: Identifier
    arm: Identifier | None = None
    population: Identifier = ALL
    events: Count
    not_used: str | None = None


class AssumedEvents(Strict):
    """A stated assumption where a paper gives no number of events: a fraction of the patients, and why."""

    outcome: Identifier
    population: Identifier = ALL
    fraction: Annotated[float, Field(gt=0, le=1)]
    plausible: tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]]
    reason: Text

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
    population: Identifier = ALL
    points: Text
    at_risk: Text | None = None
    precision: Annotated[float, Field(gt=0, le=0.02)] = 0.005
    place: Text
    note: str | None = None
    not_used: str | None = None


class Response(Strict):
    """Best overall response of one arm by one criterion; categories, and the rates printed beside them."""

    criterion: Literal["mrecist", "recist_1_1"]
    arm: Identifier
    population: Identifier = ALL
    place: Text
    cr: Count | None = None
    pr: Count | None = None
    sd: Count | None = None
    pd: Count | None = None
    orr: Count | None = None
    dcr: Count | None = None
    not_used: str | None = None


class CountRecord(Strict):
    """Patients of one arm who had an event of a count outcome, for example an adverse event."""

    outcome: Identifier
    arm: Identifier
    population: Identifier = ALL
    events: Count
    not_used: str | None = None


class CharacteristicRecord(Figure):
    """A baseline characteristic of one arm, or of all arms of a population together (``arm: null``).

    The figures are of one kind: a count of patients, a percentage or both; a mean and its standard deviation; or a
    median with its quartiles (``interval: IQR``) or its range. ``of`` is the number of patients where it is not that of
    the arm; ``definition`` keeps what the paper calls the characteristic where it departs from the label, such as its
    own cut; ``derived`` says how a figure was put together when the paper does not print it as such.
    """

    characteristic: Identifier
    arm: Identifier | None = None
    population: Identifier = ALL
    count: Patients | None = None
    percent: Annotated[float, Field(ge=0, le=100)] | None = None
    of: Annotated[int, Field(gt=0, strict=True)] | None = None
    mean: float | None = None
    sd: Positive | None = None
    median: float | None = None
    lower: float | None = None
    upper: float | None = None
    interval: Literal["IQR", "range"] | None = None
    definition: str | None = None
    derived: str | None = None
    not_used: str | None = None

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
    treatment: Identifier
    comparator: Identifier
    population: Identifier = ALL
    criterion: Literal["mrecist", "recist_1_1"] | None = None
    p: PValue | None = None
    favours: Identifier | None = None
    significant: bool | None = None
    prose: Figure | None = None


class Version(Figure):
    """One of the places where a quantity is printed: its number there, and the name it goes by where names differ.

    ``derived`` says how the number was put together where it is not printed as such.
    """

    value: float | None = None
    derived: Text | None = None
    relation: Literal["=", "<", "<=", ">", ">="] = "="
    label: Text | None = None


class Reprint(Strict):
    """A quantity that the paper prints more than once, or one figure that it prints for several things.

    ``outcome`` is that of the figures of the sheet that it concerns; without one it concerns none that is used.
    """

    item: Text
    outcome: Identifier | None = None
    versions: Annotated[list[Version], Field(min_length=2)]
    reading: Text | None = None


class Acknowledgement(Strict):
    """A contradiction that the audit finds and the paper really prints: the check, its item, and how it is read."""

    check: Identifier
    item: Text
    reason: Text


class Arm(Strict):
    """An arm, or a part of one, and the regimens its patients received."""

    label: Text
    n: Annotated[int, Field(gt=0, strict=True)]
    printed: Text
    place: Text
    near: Text | None = None
    regimens: dict[Identifier, Annotated[int, Field(gt=0, strict=True)]]

    @model_validator(mode="after")
    def _adds_up(self) -> "Arm":
        total = sum(self.regimens.values())
        if total != self.n:
            fail("regimens", dict(self.regimens), f"the regimens add up to {total}, the arm has n = {self.n}")
        return self


class ContrastSet(Strict):
    """A partition of the patients into arms that are compared with one comparator."""

    arms: Annotated[list[Identifier], Field(min_length=2)]
    comparator: Identifier

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
    label: Text
    n: dict[Identifier, Annotated[int, Field(gt=0, strict=True)]] = Field(default_factory=dict)
    printed: Text | None = None
    place: Text
    near: Text | None = None
    derived: Text | None = None


class FailedFirstLine(Strict):
    """Patients whose first line was the drug of this setting."""

    setting: Identifier
    n: Annotated[int, Field(gt=0, strict=True)]
    arms: dict[Identifier, Patients] = Field(default_factory=dict)
    printed: Text
    place: Text
    near: Text | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> "FailedFirstLine":
        total = sum(self.arms.values())
        if self.arms and total != self.n:
            fail("arms", dict(self.arms), f"the arms add up to {total}, the failed first line has n = {self.n}")
        return self


class Bibliography(Strict):
    """Where the report was published."""

    authors: Text
    title: Text
    journal: Text
    year: Annotated[int, Field(ge=1900, le=2100)]
    doi: str | None = None
    published: str | None = None


class Enrolment(Figure):
    """First and last month of enrolment (YYYY-MM), and the end of follow-up where the paper gives it.

    ``follow_up`` is what the paper prints of the cutoff or of the median follow-up.
    """

    start: Month
    end: Month
    cutoff: str | None = None
    median_follow_up_months: Positive | None = None
    follow_up: Figure | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "Enrolment":
        if self.end < self.start:
            fail("end", self.end, f"enrolment ends before it starts ({self.start})")
        return self


class StudySheet(Strict):
    """Everything one paper reports about the outcomes of the network."""

    study: Identifier
    bibliography: Bibliography
    design: Literal["retrospective_cohort", "prospective_cohort", "randomised_trial"]
    site: Text
    enrolment: Enrolment
    endpoints: dict[Identifier, Figure] = Field(default_factory=dict)
    failed_first_line: Annotated[list[FailedFirstLine], Field(min_length=1)]
    arms: dict[Identifier, Arm]
    contrast_sets: Annotated[dict[Identifier, ContrastSet], Field(min_length=1)]
    populations: dict[Identifier, Population] = Field(default_factory=dict)
    covariates: dict[Identifier, float] = Field(default_factory=dict)
    hazard_ratios: list[HazardRatio] = Field(default_factory=list)
    medians: list[Median] = Field(default_factory=list)
    log_rank: list[LogRank] = Field(default_factory=list)
    events: list[Events] = Field(default_factory=list)
    assumed_events: list[AssumedEvents] = Field(default_factory=list)
    curves: list[Curve] = Field(default_factory=list)
    responses: list[Response] = Field(default_factory=list)
    counts: list[CountRecord] = Field(default_factory=list)
    comparisons: list[Comparison] = Field(default_factory=list)
    characteristics: list[CharacteristicRecord] = Field(default_factory=list)
    reprinted: list[Reprint] = Field(default_factory=list)
    acknowledged: list[Acknowledgement] = Field(default_factory=list)
    notes: list[Text] = Field(default_factory=list)
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

    def patients(self, arm: str, population: str = ALL) -> int:
        """Patients of an arm in a population.

        Raises
        ------
        KeyError
            The population does not say how many of its patients are in the arm.
        """
        return self.arms[arm].n if population == ALL else self.populations[population].n[arm]

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
    def _patients_add_up(self) -> "StudySheet":
        main = self.contrast_sets[self.default_contrast_set].arms
        total = sum(self.arms[arm].n for arm in main)
        failed = sum(line.n for line in self.failed_first_line)
        if failed != total:
            fail("failed_first_line", failed, f"the failed first lines add up to {failed}, the arms to {total}")
        for name, contrast_set in self.contrast_sets.items():
            n = sum(self.arms[arm].n for arm in contrast_set.arms)
            if n > total:
                fail(("contrast_sets", name, "arms"), n, f"the arms hold {n} patients, the study {total}")
        for name, population in self.populations.items():
            for arm, n in population.n.items():
                if n > self.arms[arm].n:
                    fail(("populations", name, "n", arm), n, f"the whole arm has {self.arms[arm].n} patients")
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
    document = read_yaml(file)
    sheet = validate(StudySheet, document)
    if sheet.study != file.stem:
        raise document.error(("study",), sheet.study, f"must be the name of the file: {file.stem}")
    _check_printed(document, document.data, ())
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
    """Read every study sheet of a folder, by study id in alphabetical order."""
    for file in sorted(folder.glob("*.yml")):
        raise UserError(f"study sheets end in .yaml; rename it to {file.stem}.yaml", file)
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise UserError("no study sheets (*.yaml) here", folder)
    return {file.stem: read_sheet(file) for file in files}
