"""The other parts of a study sheet: arms, populations, contrast sets, comparisons, and the paper itself."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from secondline.project.documents import (
    Label,
    Strict,
    Text,
    fail,
)
from secondline.project.figures import ALL, Count, Figure, Identifier, Month, Patients, Positive, PValue, Some


class Comparison(Strict):
    """A test between two arms, or a stated direction, recorded for the audit.

    ``favours`` is the arm that did better according to the text, and ``significant`` whether the text calls the
    difference statistically significant.
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
    """The arm that did better according to the text."""
    significant: bool | None = None
    """Whether the text calls the difference statistically significant."""
    prose: Figure | None = None
    """The words in question."""


class Version(Figure):
    """One of the places where a quantity is printed: its value there, and its name if the names differ.

    ``derived`` says how the number was obtained if it is not printed as such.
    """

    value: float | None = None
    """The value there."""
    derived: Text | None = None
    """How the number was obtained, if it is not printed as such."""
    relation: Literal["=", "<", "<=", ">", ">="] = "="
    """`=`, or the sign of a bound."""
    label: Label | None = None
    """The name of the quantity there, if the names differ."""


class LeastTreatment(Figure):
    """An inclusion criterion that only patients who remained on the study treatment for some time could meet.

    Patients who died, progressed or stopped earlier are excluded, and no event can occur during that time (immortal
    time).
    """

    value: Positive
    """Minimum amount of treatment."""
    unit: Literal["cycles", "doses", "weeks", "months"] = "cycles"
    """Its unit."""


class Switch(Count):
    """Patients of an arm who received another treatment after the study treatment.

    ``to`` names the regimen, where the paper reports it.
    """

    arm: Identifier
    """The arm."""
    to: Identifier | None = None
    """The subsequent regimen, from treatments.yaml; by default any further treatment."""
    place: Text
    """Location in the paper."""


class Reprint(Strict):
    """A quantity that the paper prints more than once, or the same figure printed for different quantities.

    ``outcome`` is the outcome whose figures in the sheet are affected; without it, no figure that is used is affected.
    """

    item: Text
    """What the quantity is."""
    outcome: Identifier | None = None
    """The outcome whose figures are affected; without it, no figure that is used is affected."""
    versions: Annotated[list[Version], Field(min_length=2)]
    """The places where it is printed."""
    reading: Text | None = None
    """How the sheet interprets it."""


class Acknowledgement(Strict):
    """A contradiction that is in the paper itself: the check, its item, and how the contradiction is interpreted."""

    check: Identifier
    """The check of the audit."""
    item: Text
    """Its item, as the audit names it."""
    reason: Text
    """How the contradiction is interpreted."""


class Arm(Strict):
    """An arm, or a part of one, and the regimens its patients received."""

    label: Label
    """What the paper calls the arm."""
    n: Some | None
    """Patients in the arm; null only where a secondary report does not say."""
    printed: Text
    """The number of patients as the paper prints it."""
    place: Text
    """Location in the paper."""
    near: Text | None = None
    """A few words from the paper that identify the figure among similar ones."""
    regimens: dict[Identifier, Some]
    """Numbers of patients by regimen of treatments.yaml; they add up to n. Without n, they are proportions."""

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
            fail("arms", self.arms, "an arm occurs twice")
        return self


class Population(Strict):
    """A named part of the patients: a matched cohort or a subgroup; ``n`` gives its patients by arm.

    ``derived`` says how these numbers were obtained if the paper does not print them as such.
    """

    kind: Literal["matched", "subgroup"]
    """A matched cohort may enter a fit, a subgroup only where an analysis asks for it."""
    label: Label
    """Who the patients are."""
    n: dict[Identifier, Some] = Field(default_factory=dict)
    """Patients of this population by arm."""
    printed: Text | None = None
    """The numbers of patients as the paper prints them."""
    place: Text
    """Location in the paper."""
    near: Text | None = None
    """A few words from the paper that identify the figure among similar ones."""
    derived: Text | None = None
    """How the numbers were obtained, if the paper does not print them as such."""
    setting: Identifier | None = None
    """The failed first line of these patients, if it is the same for all of them."""


class FailedFirstLine(Strict):
    """Patients whose first-line therapy was the drug of this setting."""

    setting: Identifier
    """A setting of treatments.yaml."""
    n: Some | None
    """Patients with this first-line therapy; null only where a secondary report does not say."""
    arms: dict[Identifier, Patients] = Field(default_factory=dict)
    """The same patients by arm."""
    printed: Text
    """The number of patients as the paper prints it."""
    place: Text
    """Location in the paper."""
    near: Text | None = None
    """A few words from the paper that identify the figure among similar ones."""

    @model_validator(mode="after")
    def _adds_up(self) -> "FailedFirstLine":
        total = sum(self.arms.values())
        if self.arms and self.n is not None and total != self.n:
            fail("arms", dict(self.arms), f"the arms add up to {total}, the failed first line has n = {self.n}")
        return self


class Bibliography(Strict):
    """Where the report was published."""

    authors: Text | None
    """Surname and initials of every author; null where they are not known."""
    title: Text
    """Title of the paper."""
    journal: Text
    """Journal, volume and pages."""
    year: Annotated[int, Field(ge=1900, le=2100)]
    """Year of publication."""
    doi: str | None = None
    """DOI, without the address of the resolver."""
    published: str | None = None
    """Day of publication, YYYY-MM-DD."""


class Enrolment(Figure):
    """First and last month of enrolment (YYYY-MM), and the end of follow-up where the paper gives it.

    ``follow_up`` is what the paper prints about the cutoff or the median follow-up.
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
    """What the paper prints about the cutoff or the median follow-up."""

    @model_validator(mode="after")
    def _ordered(self) -> "Enrolment":
        if self.end < self.start:
            fail("end", self.end, f"enrolment ends before it starts ({self.start})")
        return self


class SecondaryReport(Strict):
    """The paper from which the figures were taken, if the study is quoted in another paper.

    Only analyses with ``secondary_reports: true`` use such a sheet. What the quotation omits (bibliography, design,
    site, enrolment, sizes of the arms) is null, never invented; ``unknown`` describes it in words.
    """

    quoted_by: Identifier
    """The study whose paper quotes this one."""
    cited_as: Text
    """How that paper cites it."""
    place: Text
    """Location in that paper."""
    unknown: Text
    """What the quotation omits, in words."""
