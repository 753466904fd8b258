"""Outcomes: the figures they are modelled from, their effect measure, and which direction favours the patient."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from nma.documents import Strict, fail
from nma.evidence.table_lines import ORDERED, STUDY_COLUMNS
from nma.sheets import Identifier, Text

Measure = Literal["HR", "OR", "RR", "MD", "SMD", "PD"]
Likelihood = Literal[
    "contrasts", "normal", "binomial_logit", "binomial_cloglog", "poisson_log", "ordered_logit", "ordered_probit"
]
Scale = Annotated[float, Field(gt=0)]

RATIOS = ("HR", "OR", "RR")
RESPONSE = frozenset({"cr", "pr", "sd", "pd"})  # categories that study sheets give
# Likelihoods that estimate a measure; the first is the default.
LIKELIHOODS: dict[str, tuple[Likelihood, ...]] = {
    "HR": ("contrasts", "binomial_cloglog", "poisson_log"),
    "OR": ("binomial_logit", "ordered_logit", "contrasts"),
    "RR": ("poisson_log", "contrasts"),
    "MD": ("normal", "contrasts"),
    "SMD": ("contrasts", "normal"),
    "PD": ("ordered_probit", "contrasts"),
}


class Baseline(Strict):
    """Absolute outcome of a regimen on the link scale, from outside the network: what absolute effects rest on."""

    regimen: Identifier
    """The regimen whose outcome is known."""
    mean: float
    """Its outcome on the link scale."""
    sd: Scale
    """Standard deviation of that outcome."""
    source: Text | None = None
    """Where it comes from."""


class Outcome(Strict):
    """An outcome, its effect measure and which direction favours the patient.

    ``likelihood`` says which figures of the arms it is modelled from, or ``contrasts``; by default the first that
    `LIKELIHOODS` names for the measure. ``margin`` is the clinically relevant effect: on the natural scale for ratios,
    a difference otherwise. In sheets, ``categories`` makes a count outcome from best overall response; without it a
    count outcome is read from the records of that name. The ``categories`` of an ordered outcome are all of its
    categories, from the worst to the best if higher is better. ``includes`` names the outcomes and categories of
    response every one of whose events is an event of this outcome too, as deaths are of progression-free survival.
    """

    label: Text
    """What figures and reports call it."""
    measure: Measure
    """The effect measure."""
    likelihood: Likelihood = Field(default_factory=lambda data: LIKELIHOODS[data["measure"]][0])
    """Which figures it is modelled from."""
    better: Literal["lower", "higher"]
    """Which direction is better for the patient."""
    margin: float
    """The clinically relevant effect."""
    prior: Identifier
    """Name of its prior scales."""
    categories: list[Identifier] = Field(default_factory=list)
    """Categories that it is made of."""
    includes: list[Identifier] = Field(default_factory=list)
    """Outcomes whose events are events of this one, too."""
    baseline: Baseline | None = None
    """Outcome of a regimen from outside, for absolute effects."""

    @property
    def is_ratio(self) -> bool:
        """Whether effects are ratios, and their logarithms on the link scale."""
        return self.measure in RATIOS

    @property
    def is_count(self) -> bool:
        """Whether sheets give the outcome as counts of patients with an event, by arm."""
        return self.likelihood == "binomial_logit"

    @property
    def is_ordered(self) -> bool:
        """Whether the outcome is modelled from counts of patients by category, by arm."""
        return self.likelihood in ORDERED

    @model_validator(mode="after")
    def _margin_beyond_no_effect(self) -> "Outcome":
        none = 1 if self.is_ratio else 0
        if self.is_ratio and self.margin <= 0:
            fail("margin", self.margin, "a ratio; allowed: a number above 0")
        if (self.margin < none) != (self.better == "lower") or self.margin == none:
            side = f"below {none}" if self.better == "lower" else f"above {none}"
            fail("margin", self.margin, f"with better: {self.better} the margin lies {side}")
        return self

    @model_validator(mode="after")
    def _likelihood_of_the_measure(self) -> "Outcome":
        allowed = LIKELIHOODS[self.measure]
        if self.likelihood not in allowed:
            fail("likelihood", self.likelihood, f"measure {self.measure} goes with {', '.join(allowed)}")
        return self

    @model_validator(mode="after")
    def _sensible_categories(self) -> "Outcome":
        if self.is_ordered and len(self.categories) < 3:
            fail("categories", self.categories, "an ordered outcome needs three or more, in their order")
        if self.categories and not (self.is_ordered or self.is_count):
            fail("categories", self.categories, "only a count outcome or an ordered one is made of categories")
        if len(set(self.categories)) < len(self.categories):
            fail("categories", self.categories, "a category stands twice")
        for i, name in enumerate(self.categories):
            if self.is_count and name not in RESPONSE:
                fail(("categories", i), name, "allowed: cr, pr, sd, pd")
            if name in STUDY_COLUMNS:
                fail(("categories", i), name, "this word is a column of evidence tables; choose another")
        return self
