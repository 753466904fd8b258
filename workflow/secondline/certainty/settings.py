"""The settings of judgements of certainty: rules, ranges of equivalence, and what persons judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

WITHIN, INDIRECTNESS, IMPRECISION = "within_study_bias", "indirectness", "imprecision"
HETEROGENEITY, INCOHERENCE, REPORTING = "heterogeneity", "incoherence", "reporting_bias"
START, OVERALL_CERTAINTY = "start", "overall"
DOMAINS = (WITHIN, REPORTING, INDIRECTNESS, IMPRECISION, HETEROGENEITY, INCOHERENCE)
"""The six domains, in the order in which CINeMA has them."""
JUDGED = (START, *DOMAINS, OVERALL_CERTAINTY)
"""All that is judged of a comparison: the level at which it starts, the domains, and the certainty."""
REGRESSION: Literal["regression"] = "regression"
"""Shares of the studies in the posterior, with that of the prior; other contributions are decompositions of flows."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a person judged, of one comparison or of all; None stands for all."""

    domain: str
    judgement: str
    reason: str
    judge: str
    treatment: str | None = None
    comparator: str | None = None
    setting: str | None = None

    def applies(self, setting: str, treatment: str, comparator: str) -> bool:
        """Whether it is about a comparison in a setting, in either direction."""
        pair = self.treatment is None or {self.treatment, self.comparator} == {treatment, comparator}
        return pair and self.setting in (None, setting)

    @property
    def precedence(self) -> tuple[bool, bool]:
        """What is said of a comparison goes before what is said of a setting, and this before what is said of all."""
        return self.treatment is not None, self.setting is not None


@dataclass(frozen=True, kw_only=True)
class TreatmentOrder:
    """Treatments from the one that small studies may favour least to the one that they may favour most, and why."""

    treatments: tuple[str, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class CertaintySettings:
    """How the certainty of one outcome is judged."""

    versions: Mapping[str, str]
    """Version of the rules, by domain."""
    equivalence: tuple[float, float]
    """Effects that are as good as none, around 0, link scale."""
    contributions: Literal["regression", "shortest_path", "random_walk"] = REGRESSION
    """How the studies are weighed."""
    said: tuple[Said, ...] = ()
    """Judgements of persons: of reporting bias, and in place of a rule."""
    risk_of_bias: Mapping[str, int] = field(default_factory=dict)
    """Level of concern by study as a whole (1 low, 2 some, 3 high), of the studies that were judged."""
    indirectness: Mapping[str, int] = field(default_factory=dict)
    """The same for indirectness."""
    randomised: Mapping[str, bool] = field(default_factory=dict)
    """Whether a study was randomised, of the studies of which this is known."""
