"""Outcomes: the figures they are modelled from, their effect measure, and which direction favours the patient."""

from collections.abc import Callable
from math import inf, log, sqrt
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from secondline.likelihoods import CONTRASTS, LIKELIHOODS, Likelihood, NaturalScale, estimating
from secondline.links import IDENTITY, LOG, LOGIT
from secondline.measures import HR, MEASURES, Measure
from secondline.normal_deviate import two_sided_z
from secondline.project.documents import Label, Strict, Text, fail
from secondline.project.figures import Average, Identifier, Some
from secondline.project.table_lines import RISK_RATIOS, STUDY_COLUMNS
from secondline.sd_prior import LEAST_SCALE, MOST_SCALE

if TYPE_CHECKING:
    type MeasureName = str
    type LikelihoodName = str
else:  # names as the schema and a mistake list them
    MeasureName, LikelihoodName = Literal[*MEASURES], Literal[*LIKELIHOODS]
Scale = Annotated[float, Field(ge=LEAST_SCALE, le=MOST_SCALE, json_schema_extra={"errorMessage": "a number above 0"})]

RESPONSE = frozenset({"cr", "pr", "sd", "pd"})  # categories that study sheets give
_RISKS = f"{RISK_RATIOS}; this likelihood gives odds ratios, which a declared baseline turns into both"
# What to do instead where a measure does not go with a likelihood.
_INSTEAD = {
    ("RR", "poisson_log"): f"ratios of rates, events in person-time, are measure IRR; {RISK_RATIOS}",
    ("RR", "binomial_logit"): _RISKS,
    ("RR", "binomial_cloglog"): _RISKS,
    ("RD", "binomial_logit"): _RISKS,
    ("IRR", "binomial_logit"): "rates need the time at risk; counts of patients go with measure OR",
    ("OR", "binomial_cloglog"): "this link gives hazard ratios, measure HR",
    ("OR", "poisson_log"): "rates give measure IRR",
    ("MD", "binomial_logit"): "differences of risks are measure RD, with likelihood normal_counts",
}


def _scale(measure: str) -> NaturalScale:
    """Scale of the outcome of a treatment, as the usual likelihood of a measure has it."""
    return LIKELIHOODS[MEASURES[measure].usual].scale(measure)


_SHARES: dict[str, Callable[[int, int], tuple[float, float]]] = {
    LOGIT.name: lambda events, n: (log(events / (n - events)), sqrt(1 / events + 1 / (n - events))),
    LOG.name: lambda events, n: (log(events / n), sqrt(1 / events - 1 / n)),
    IDENTITY.name: lambda events, n: (events / n, sqrt(events * (n - events) / n**3)),
}
"""A share of patients on the scale of a link, with its large-sample standard error."""


class Baseline(Strict):
    """Absolute outcome under one regimen, from an external source, to which relative effects are applied.

    Give one of three: ``mean`` and ``sd`` on the link scale; for hazard ratios, the ``median`` survival with one or
    both of its 95% confidence limits, ``lower`` and ``upper``, in some ``unit`` of time; for odds ratios, risk ratios
    or risk differences, ``events`` among ``n`` patients. The baseline enters as a normal distribution on the link
    scale; that of a median has exactly the limits declared. For hazard ratios, ``times`` requests survival at these
    times, and ``restricted_to`` the mean survival time up to this time, both in ``unit`` and with a constant hazard.
    ``source`` states where the figure comes from, and ``assumed`` what is assumed in using it for its regimen and
    setting.
    """

    regimen: Identifier
    """The regimen whose outcome is known."""
    mean: Average | None = None
    """Its mean outcome on the link scale."""
    sd: Scale | None = None
    """Standard deviation of that outcome."""
    median: Scale | None = None
    """Its median survival, for hazard ratios."""
    lower: Scale | None = None
    """Lower 95% limit of the median."""
    upper: Scale | None = None
    """Upper 95% limit of the median."""
    unit: Label = "months"
    """Unit of the median, of the times, and of a hazard whose logarithm is the mean."""
    times: list[Scale] = Field(default_factory=list)
    """Times at which survival and risk differences are reported, for hazard ratios."""
    restricted_to: Scale | None = None
    """Time up to which the mean survival time is reported, for hazard ratios."""
    events: Some | None = None
    """Patients with the event, for odds ratios, risk ratios or risk differences."""
    n: Annotated[Some, Field(ge=2)] | None = None
    """Number of patients."""
    source: Text | None = None
    """Where the figure comes from."""
    assumed: Text | None = None
    """What is assumed in using it for its regimen and setting."""

    @model_validator(mode="after")
    def _one_figure(self) -> "Baseline":
        given = set(self.model_fields_set) - {"regimen", "unit", "source", "assumed", "times", "restricted_to"}
        medians = [{"median", "lower"}, {"median", "upper"}, {"median", "lower", "upper"}]
        kinds = [{"mean", "sd"}, {"events", "n"}, *medians]
        if given not in kinds:
            fail((), sorted(given), "allowed: mean and sd, or median with lower and upper, or events and n")
        if self.median and not (self.lower or 0) < self.median < (self.upper or float("inf")):
            fail("median", self.median, "the median is between its limits")
        if self.events and self.n and self.events >= self.n:
            fail("events", self.events, f"allowed: fewer than n, {self.n}; give mean and sd where all have the event")
        return self

    def check_measure(self, measure: str, path: tuple[str, ...]) -> None:
        """Check that the figure goes with the measure, and that risks are; ``path`` is where the baseline stands."""
        for key in ("median", "events"):
            value = getattr(self, key)
            if value and MEASURES[measure].baseline != key:
                needed = " or ".join(name for name, one in MEASURES.items() if one.baseline == key)
                fail((*path, key), value, f"goes with measure {needed}; give mean and sd on the link scale")
        for key in ("times", "restricted_to"):
            if getattr(self, key) and MEASURES[measure].absolute != "hazard":
                needed = " or ".join(name for name, one in MEASURES.items() if one.absolute == "hazard")
                fail((*path, key), getattr(self, key), f"goes with measure {needed}")
        scale = _scale(measure)
        if scale.most < inf:
            self._check_risk(scale, measure, path)

    def _check_risk(self, scale: NaturalScale, measure: str, path: tuple[str, ...]) -> None:
        """Check that both limits of a risk are risks."""
        (middle, below, above), reach = self.on_link(measure), two_sided_z(0.05)
        ends = [float(scale.natural(middle - reach * below)), float(scale.natural(middle + reach * above))]
        if ends[0] < scale.least or ends[1] > scale.most:
            key = "mean" if self.mean is not None else "events"
            problem = f"the 95% limits of the {scale.name} are {ends[0]:.3g} and {ends[1]:.3g}"
            on = "" if scale.link is IDENTITY else f" (the mean is on the {scale.link.name} scale)"
            fail((*path, key), getattr(self, key), f"{problem}; allowed: 0 to 1{on}")

    def on_link(self, measure: str) -> tuple[float, float, float]:
        """Median on the link scale of a measure, and the standard deviations below and above it: two halves of normals.

        A median m is that of exponential survival, whose log hazard is log(log(2) / m); its limits are those printed,
        unequal distances from it on the log scale included, and a single one counts for both sides. Events among
        patients are a risk, put on the link scale with its large-sample standard error.
        """
        if self.median:
            below, above = self._reach(self.upper), self._reach(self.lower)
            return log(log(2) / self.median), below or above, above or below
        if self.events and self.n:
            middle, sd = _SHARES[_scale(measure).link.name](self.events, self.n)
            return middle, sd, sd
        return self.mean or 0.0, self.sd or 0.0, self.sd or 0.0

    def _reach(self, limit: float | None) -> float:
        """Read the standard deviation off a limit, log scale; 0 where it is not known."""
        return abs(log(limit / self.median)) / two_sided_z(0.05) if limit and self.median else 0.0

    def converts(self, measure: str) -> bool:
        """Whether it turns effects into differences of risks: at once, or for a hazard ratio at the times asked for."""
        absolute = MEASURES[measure].absolute
        return absolute == "risk" or (absolute == "hazard" and bool(self.times or self.restricted_to))

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

    ``likelihood`` specifies the arm-level data from which the outcome is modelled, or ``contrasts``; the default
    depends on the measure. For ``SMD``, ``normal`` divides the differences between arm means by the standard deviation
    pooled over the arms of the study (Hedges' g); for ``ROM``, it takes the ratio of the means. With ``normal_counts``,
    ``RR`` and ``RD`` are computed from the counts of the arms. ``margin`` is the clinically relevant effect: on the
    natural scale for ratios, a difference otherwise. In study sheets, ``categories`` defines a count outcome by
    categories of best overall response; without it, a count outcome is read from the records of that name. For an
    ordered outcome, ``categories`` lists all of its categories, from the worst to the best if higher is better; in a
    table, a category that a study does not report is counted with the one before it. ``includes`` names the outcomes
    and response categories whose events are all events of this outcome too, as deaths are events of progression-free
    survival. ``baseline`` is the baseline for absolute effects, for all patients together and for settings without one
    of their own.
    """

    label: Label
    """Its label in figures and reports. Sentences describe a treatment as better for it or, if it names an event,
    better for avoiding it."""
    measure: MeasureName
    """The effect measure: ratio of hazards, odds, risks, incidence rates or means; difference in risks, in means, in
    standardised means or in probits."""
    likelihood: LikelihoodName = Field(default_factory=lambda data: MEASURES[data["measure"]].usual)
    """The data from which the outcome is modelled."""
    better: Literal["lower", "higher"]
    """Which direction is better for the patient."""
    margin: Average
    """The clinically relevant effect."""
    prior: Identifier
    """Name of its set of priors."""
    categories: list[Identifier] = Field(default_factory=list)
    """Categories that make up the outcome."""
    includes: list[Identifier] = Field(default_factory=list)
    """Outcomes whose events are also events of this one."""
    baseline: Baseline | None = None
    """Absolute outcome under one regimen, from an external source, for absolute effects."""

    @property
    def effects(self) -> Measure:
        """The effect measure."""
        return MEASURES[self.measure]

    @property
    def modelled(self) -> Likelihood:
        """What the outcome is modelled from."""
        return LIKELIHOODS[self.likelihood]

    @property
    def is_ratio(self) -> bool:
        """Whether effects are ratios, and their logarithms on the link scale."""
        return self.effects.is_ratio

    @property
    def is_time_to_event(self) -> bool:
        """Whether the time-to-event records of sheets can be about it."""
        return self.modelled is CONTRASTS and self.effects is HR

    @property
    def is_count(self) -> bool:
        """Whether sheets give the outcome as counts of patients with an event, by arm."""
        return self.modelled.counts_patients

    @property
    def is_ordered(self) -> bool:
        """Whether the outcome is modelled from counts of patients by category, by arm."""
        return self.modelled.is_ordered

    @model_validator(mode="after")
    def _margin_beyond_no_effect(self) -> "Outcome":
        none = self.effects.none
        if self.is_ratio and self.margin <= 0:
            fail("margin", self.margin, "a ratio; allowed: a number above 0")
        if (self.margin < none) != (self.better == "lower") or self.margin == none:
            side = f"below {none}" if self.better == "lower" else f"above {none}"
            fail("margin", self.margin, f"with better: {self.better} the margin lies {side}")
        return self

    @model_validator(mode="after")
    def _likelihood_of_the_measure(self) -> "Outcome":
        allowed = estimating(self.measure, self.effects.usual)
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
            fail("categories", self.categories, "a category occurs twice")
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
