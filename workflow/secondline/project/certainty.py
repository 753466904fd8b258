"""How the certainty of the results is judged: versions of the rules, ranges of equivalence, judgements of persons."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from secondline.project.bias import Design
from secondline.project.documents import Label, Strict, Text, fail
from secondline.project.figures import Average, Identifier

RATINGS = ("high", "moderate", "low", "very low")
CONCERNS = ("none", "some", "major")
Domain = Literal[
    "start",
    "within_study_bias",
    "reporting_bias",
    "indirectness",
    "imprecision",
    "heterogeneity",
    "incoherence",
    "overall",
]


class CertaintyVersions(Strict):
    """Versions of the rules, which differ between publications on CINeMA.

    ``software`` is CINeMA 2 and its manual. ``secondline`` differs from it in one respect: where no loop of the network
    can test incoherence, it is not assessable, whereas the software reports major concerns.
    """

    imprecision: Literal["software", "preprint_2019"] = "software"
    """The limits that count if the interval crosses them: no effect and the opposite end of the range of equivalence
    (`software`), or both ends of the range (`preprint_2019`)."""
    heterogeneity: Literal["software"] = "software"
    """The table of the limits crossed by the credible interval and by the predictive interval."""
    incoherence: Literal["secondline", "software", "web_page", "preprint_2019"] = "secondline"
    """Cut-offs of the design-by-treatment test, and the judgement if there is no such test."""
    start: Literal["design", "high"] = "design"
    """Level at which the certainty starts: low where non-randomised studies contribute most (`design`), or always
    `high`, for risk of bias judged by ROBINS-I."""
    overall: Literal["sum", "person"] = "sum"
    """The last step: some concerns lower the certainty by one level and major concerns by two (`sum`), or a `person`
    judges."""


class CertaintyJudgement(Strict):
    """What a person judged of one comparison, or of all of an outcome."""

    outcome: Identifier
    """The outcome."""
    treatment: Identifier | None = None
    """Treatment of the comparison; by default all comparisons."""
    comparator: Identifier | None = None
    """Its comparator; the order of the two does not matter."""
    setting: Identifier | None = None
    """Setting of the comparison; by default all settings, including overall."""
    judgement: Literal["none", "some", "major", "high", "moderate", "low", "very low"]
    """The concerns (none, some, major) for a domain; the level (high, moderate, low, very low) for overall."""
    reason: Text
    """Reason for the judgement."""
    judge: Label
    """Who judged."""

    @property
    def about(self) -> tuple[str | frozenset[str | None] | None, ...]:
        """What it is about."""
        return self.outcome, frozenset((self.treatment, self.comparator)), self.setting

    @model_validator(mode="after")
    def _pair(self) -> "CertaintyJudgement":
        if (self.treatment is None) != (self.comparator is None):
            missing = "treatment" if self.treatment is None else "comparator"
            fail(missing, None, "a comparison has a treatment and a comparator; allowed: both, or neither for all")
        if self.treatment is not None and self.treatment == self.comparator:
            fail("comparator", self.comparator, "allowed: another regimen than the treatment")
        return self


class ReportingBias(CertaintyJudgement):
    """Reporting bias, which only a person can judge."""

    @model_validator(mode="after")
    def _concern(self) -> "ReportingBias":
        _allowed(self.judgement, CONCERNS)
        return self


class CertaintyOverride(CertaintyJudgement):
    """A judgement that replaces that of the rule; the table shows both."""

    domain: Domain
    """The domain; start is the level at which the certainty starts, overall the certainty itself."""

    @model_validator(mode="after")
    def _of_the_domain(self) -> "CertaintyOverride":
        _allowed(self.judgement, {"start": ("high", "low"), "overall": RATINGS}.get(self.domain, CONCERNS))
        return self


class SmallStudies(Strict):
    """The order of treatments along which small studies are compared with large ones."""

    order: Annotated[list[Identifier], Field(min_length=2)]
    """Treatments, from the one that small studies are least likely to favour (placebo, or the oldest) to the one that
    they are most likely to favour; every effect in the funnel plot is that of the later against the earlier."""
    reason: Text
    """What the order is based on."""

    @model_validator(mode="after")
    def _once(self) -> "SmallStudies":
        for i, treatment in enumerate(self.order):
            if treatment in self.order[:i]:
                fail(("order", i), treatment, "it is in the order twice; allowed: each treatment once")
        return self


class Certainty(Strict):
    """How the certainty of the effects is judged, in the base analysis.

    The range of equivalence of an outcome contains the effects that count as unimportant. By default, it extends from
    the margin of the outcome to the same distance on the other side of no effect, on the log scale for ratios.
    """

    scheme: Literal["majority", "average", "highest"] = "average"
    """How the risk of bias and the indirectness of the studies are summarised over their contributions."""
    contributions: Literal["regression", "shortest_path", "random_walk"] = "regression"
    """The contributions: shares in the posterior (`regression`) or, for plain networks only, flows as in CINeMA."""
    versions: CertaintyVersions = Field(default_factory=CertaintyVersions)
    """Versions of the rules."""
    design: Design | None = None
    """Design of the studies in tables; study sheets state their own."""
    equivalence: dict[Identifier, tuple[Average, Average]] = Field(default_factory=dict)
    """Range of equivalence, by outcome, on the natural scale of its measure."""
    small_studies: SmallStudies | None = None
    """Order of treatments for the comparison-adjusted funnel plot and its test; without it, there is neither."""
    reporting_bias: list[ReportingBias] = Field(default_factory=list)
    """Judgements of reporting bias; without any, it is not judged."""
    overrides: list[CertaintyOverride] = Field(default_factory=list)
    """Judgements by a person that replace those of the rules."""

    def judgements(self) -> Iterator[tuple[tuple[str | int, ...], CertaintyJudgement]]:
        """All judgements of persons, each with its path."""
        for i, one in enumerate(self.reporting_bias):
            yield ("reporting_bias", i), one
        for i, override in enumerate(self.overrides):
            yield ("overrides", i), override

    @model_validator(mode="after")
    def _once(self) -> "Certainty":
        seen: dict[object, str] = {}
        for path, one in self.judgements():
            domain = one.domain if isinstance(one, CertaintyOverride) else "reporting_bias"
            name = ".".join(map(str, path))
            first = seen.setdefault((domain, *one.about), name)
            if first != name:
                fail((*path, "judgement"), one.judgement, f"{first} judges the same; allowed: one judgement")
        return self


def _allowed(judgement: str, allowed: tuple[str, ...]) -> None:
    if judgement not in allowed:
        fail("judgement", judgement, f"allowed: {', '.join(allowed)}")


def check_range(path: tuple[str | int, ...], equivalence: tuple[float, float], ratio: bool, none: float) -> None:
    """Check that a range of equivalence has no effect inside it."""
    lower, upper = equivalence
    if not lower < none < upper or (ratio and lower <= 0):
        least = "above 0 and " if ratio else ""
        fail(path, list(equivalence), f"allowed: two numbers, the first {least}below {none:g}, the second above it")
