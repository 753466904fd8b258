"""Outcomes: the figures they are modelled from, their effect measure, and which direction favours the patient."""

from math import log, sqrt
from typing import Annotated, Literal

from pydantic import Field, model_validator

from nma.documents import Label, Strict, Text, fail
from nma.evidence.derivation import two_sided_z
from nma.evidence.table_lines import ORDERED, RISK_RATIOS, STUDY_COLUMNS
from nma.sheets import Average, Identifier, Some

Measure = Literal["HR", "OR", "RR", "IRR", "MD", "SMD", "PD"]
Likelihood = Literal[
    "contrasts", "normal", "binomial_logit", "binomial_cloglog", "poisson_log", "ordered_logit", "ordered_probit"
]
Scale = Annotated[float, Field(ge=1e-6, le=1e6, json_schema_extra={"errorMessage": "a number above 0"})]

RATIOS = ("HR", "OR", "RR", "IRR")
RESPONSE = frozenset({"cr", "pr", "sd", "pd"})  # categories that study sheets give
# Likelihoods that estimate a measure; the first is the default.
LIKELIHOODS: dict[str, tuple[Likelihood, ...]] = {
    "HR": ("contrasts", "binomial_cloglog", "poisson_log"),
    "OR": ("binomial_logit", "ordered_logit", "contrasts"),
    "RR": ("contrasts",),
    "IRR": ("poisson_log", "contrasts"),
    "MD": ("normal", "contrasts"),
    "SMD": ("contrasts", "normal"),
    "PD": ("ordered_probit", "contrasts"),
}
# What to do instead where a measure does not go with a likelihood.
_INSTEAD = {
    ("RR", "poisson_log"): f"ratios of rates, events in person-time, are measure IRR; {RISK_RATIOS}",
    ("RR", "binomial_logit"): RISK_RATIOS,
    ("RR", "binomial_cloglog"): RISK_RATIOS,
    ("IRR", "binomial_logit"): "rates need the time at risk; counts of patients go with measure OR",
    ("OR", "binomial_cloglog"): "this link gives hazard ratios, measure HR",
    ("OR", "poisson_log"): "rates give measure IRR",
    ("MD", "binomial_logit"): "risk differences cannot be estimated yet; counts of patients go with measure OR",
}


class Baseline(Strict):
    """Absolute outcome of a regimen, from outside the relative effects: what absolute effects rest on.

    One of three: ``mean`` and ``sd`` on the link scale; for a hazard ratio the ``median`` survival with its 95%
    confidence limits ``lower`` and ``upper``, or one of them, in some ``unit`` of time; for an odds ratio ``events``
    among ``n`` patients. It enters as a normal on the link scale, a median with the very limits declared. ``source``
    says where it was read, ``assumed`` what is assumed when it stands for its regimen and setting.
    """

    regimen: Identifier
    """The regimen whose outcome is known."""
    mean: Average | None = None
    """Its outcome on the link scale."""
    sd: Scale | None = None
    """Standard deviation of that outcome."""
    median: Scale | None = None
    """Its median survival, of an outcome measured in hazard ratios."""
    lower: Scale | None = None
    """Lower 95% limit of the median."""
    upper: Scale | None = None
    """Upper 95% limit of the median."""
    unit: Label = "months"
    """Unit of the median."""
    events: Some | None = None
    """Patients with the event, of an outcome measured in odds ratios."""
    n: Annotated[Some, Field(ge=2)] | None = None
    """Patients."""
    source: Text | None = None
    """Where it comes from."""
    assumed: Text | None = None
    """What is assumed when it stands for its regimen and setting."""

    @model_validator(mode="after")
    def _one_figure(self) -> "Baseline":
        given = set(self.model_fields_set) - {"regimen", "unit", "source", "assumed"}
        medians = [{"median", "lower"}, {"median", "upper"}, {"median", "lower", "upper"}]
        kinds = [{"mean", "sd"}, {"events", "n"}, *medians]
        if given not in kinds:
            fail((), sorted(given), "allowed: mean and sd, or median with lower and upper, or events and n")
        if self.median and not (self.lower or 0) < self.median < (self.upper or float("inf")):
            fail("median", self.median, "the median lies between its limits")
        if self.events and self.n and self.events >= self.n:
            fail("events", self.events, f"allowed: fewer than n, {self.n}; give mean and sd where all have the event")
        return self

    def check_measure(self, measure: Measure, path: tuple[str, ...]) -> None:
        """Check that medians are of hazard ratios and events of odds ratios; ``path`` is where the baseline stands."""
        for key, needed in (("median", "HR"), ("events", "OR")):
            value = getattr(self, key)
            if value and measure != needed:
                fail((*path, key), value, f"goes with measure {needed}; give mean and sd on the link scale")

    @property
    def link(self) -> tuple[float, float, float]:
        """Median on the link scale, and the standard deviations below and above it: two halves of normals.

        A median m is that of exponential survival, whose log hazard is log(log(2) / m); its limits are those printed,
        unequal distances from it on the log scale included, and a single one counts for both sides. Events are a logit
        with its usual standard error.
        """
        if self.median:
            below, above = self._reach(self.upper), self._reach(self.lower)
            return log(log(2) / self.median), below or above, above or below
        if self.events and self.n:
            others = self.n - self.events
            sd = sqrt(1 / self.events + 1 / others)
            return log(self.events / others), sd, sd
        return self.mean or 0.0, self.sd or 0.0, self.sd or 0.0

    def _reach(self, limit: float | None) -> float:
        """Read the standard deviation off a limit, log scale; 0 where it is not known."""
        return abs(log(limit / self.median)) / two_sided_z(0.05) if limit and self.median else 0.0

    @property
    def figure(self) -> str:
        """The figure as it was declared."""
        if self.median:
            ends = " to ".join(f"{limit:g}" if limit else "not known" for limit in (self.lower, self.upper))
            return f"{self.median:g} {self.unit} ({ends})"
        if self.events:
            return f"{self.events} of {self.n}"
        return f"N({self.mean:g}, {self.sd:g}^2)"


class Outcome(Strict):
    """An outcome, its effect measure and which direction favours the patient.

    ``likelihood`` says which figures of the arms it is modelled from, or ``contrasts``; by default the first that
    `LIKELIHOODS` names for the measure. Of ``SMD``, ``normal`` divides means of arms by the standard deviation pooled
    over the arms of their study (Hedges g). ``margin`` is the clinically relevant effect: on the natural scale for
    ratios, a difference otherwise. In sheets, ``categories`` makes a count outcome from best overall response; without
    it a count outcome is read from the records of that name. The ``categories`` of an ordered outcome are all of its
    categories, from the worst to the best if higher is better. ``includes`` names the outcomes and categories of
    response every one of whose events is an event of this outcome too, as deaths are of progression-free survival.
    ``baseline`` is what absolute effects rest on, for all patients together and for settings that have none of their
    own.
    """

    label: Label
    """What figures and reports call it."""
    measure: Measure
    """The effect measure: ratio of hazards, odds, risks or incidence rates; difference of means, also standardised, or
    of probits."""
    likelihood: Likelihood = Field(default_factory=lambda data: LIKELIHOODS[data["measure"]][0])
    """Which figures it is modelled from."""
    better: Literal["lower", "higher"]
    """Which direction is better for the patient."""
    margin: Average
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
            instead = _INSTEAD.get((self.measure, self.likelihood))
            problem = f"measure {self.measure} goes with {', '.join(allowed)}"
            fail("likelihood", self.likelihood, f"{problem}; {instead}" if instead else problem)
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

    @model_validator(mode="after")
    def _baseline_of_the_measure(self) -> "Outcome":
        if self.baseline:
            self.baseline.check_measure(self.measure, ("baseline",))
        return self
