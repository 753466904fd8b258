"""Parts of the configuration: models, priors, the sampler, analyses, and the limits of the audit."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from secondline.project.bias import TakenBias
from secondline.project.covariates import BaselineRisk, Covariate
from secondline.project.documents import FileName, Label, Strict, Text, fail
from secondline.project.figures import Identifier
from secondline.project.outcomes import Scale
from secondline.project.sd_priors import GivenSdPrior
from secondline.thresholds import MOST_DRAWS

Method = Literal[
    "adjusted_hr", "crude_hr", "hr_p", "logrank_p", "km_reconstruction", "medians_ci", "medians_events", "medians_p"
]


class ExchangeableInteractions(Strict):
    """A component whose effect varies by the regimen that contains it, around a common effect.

    The smaller the standard deviation, the closer to additivity; a large one leaves the interactions free.
    """

    component: Identifier
    """The component."""
    sd: Scale
    """Standard deviation of its effect between regimens, link scale."""


class Model(Strict):
    """A model of the relative effects.

    ``heterogeneity`` between studies; ``settings``, effects of components that differ by setting; ``classes``, effects
    of components exchangeable within their class; ``interactions`` of pairs of components, or
    ``exchangeable_interactions`` of one component with whatever it is combined with; ``regimen_level``, an effect for
    every regimen instead of the sum of its components; ``mixed_arms``, how arms that mix regimens enter; ``covariate``,
    effects that vary with a covariate, or ``covariates`` with several.
    """

    heterogeneity: bool
    """Whether effects vary between studies, with standard deviation tau."""
    settings: bool = False
    """Whether effects of components differ by setting, with standard deviation omega."""
    classes: bool = False
    """Whether effects of components are exchangeable within their class."""
    interactions: list[tuple[Identifier, Identifier]] = Field(default_factory=list)
    """Pairs of components whose effects are not additive."""
    exchangeable_interactions: ExchangeableInteractions | None = None
    """A component whose effect varies by regimen, with a declared standard deviation."""
    regimen_level: bool = False
    """Whether every regimen except the reference has an effect of its own, without additivity."""
    mixed_arms: Literal["patient_weights", "class_contrast"] = "patient_weights"
    """How arms that mix regimens enter: `patient_weights`, by the patients of each regimen; `class_contrast`, with the
    same mix of what varies within them in all mixed arms of a study."""
    covariate: Covariate | None = None
    """A covariate with which effects vary."""
    covariates: list[Covariate] = Field(default_factory=list)
    """The covariates, where there are several."""
    baseline_risk: BaselineRisk | None = None
    """Effects that change with the baseline risk; for outcomes of events."""

    @model_validator(mode="after")
    def _one_omega(self) -> "Model":
        if self.settings and self.classes:
            fail("classes", True, "a model has settings or classes, not both: each needs omega for itself")
        pairs = [frozenset(pair) for pair in self.interactions]
        for i, pair in enumerate(pairs):
            if len(pair) == 1 or pair in pairs[:i]:
                fail(("interactions", i), list(self.interactions[i]), "allowed: two different components, once a pair")
        return self

    @model_validator(mode="after")
    def _no_second_interaction(self) -> "Model":
        varying = self.exchangeable_interactions
        for i, pair in enumerate(self.interactions):
            if varying and varying.component in pair:
                problem = f"interactions of {varying.component} are exchangeable already; allowed: the one or the other"
                fail(("interactions", i), list(pair), problem)
        return self

    @model_validator(mode="after")
    def _no_components(self) -> "Model":
        for key in ("classes", "interactions", "exchangeable_interactions"):
            if self.regimen_level and getattr(self, key):
                fail("regimen_level", True, f"effects of regimens have no components; allowed: without {key}")
        for path, covariate in self.regressors:
            if self.regimen_level and covariate.slopes == "by_class":
                problem = "effects of regimens have no components with classes; allowed: common, independent"
                fail((*path, "slopes"), covariate.slopes, problem)
        return self

    @model_validator(mode="after")
    def _each_covariate_once(self) -> "Model":
        if self.covariate and self.covariates:
            fail("covariate", self.covariate.name, "allowed: covariate for one, covariates for several; not both")
        names = [covariate.name for covariate in self.covariates]
        for i, name in enumerate(names):
            if name in names[:i]:
                fail(("covariates", i, "name"), name, "allowed: every covariate once")
        return self

    @property
    def regressors(self) -> list[tuple[tuple[str | int, ...], Covariate]]:
        """The covariates, one or several, each with where it stands in the model."""
        one: list[tuple[tuple[str | int, ...], Covariate]] = (
            [(("covariate",), self.covariate)] if self.covariate else []
        )
        return one + [(("covariates", i), covariate) for i, covariate in enumerate(self.covariates)]

    @property
    def needs(self) -> list[str]:
        """Names of the numbers that a study has to give: covariates, and indicators of levels."""
        return [name for _, covariate in self.regressors for name in covariate.numbers]


class Priors(Strict):
    """Priors on the link scale.

    Effects, slopes and baselines are normal around 0, and so are the log distances between the cutpoints of an ordered
    outcome: their keys are standard deviations. Tau and omega are standard deviations themselves: a number is the scale
    of their half-normal prior, and other priors are written by name. Without ``slope`` a slope has the prior of an
    effect.
    """

    effect: Scale
    """Standard deviation of component effects."""
    tau: GivenSdPrior
    """Prior of tau, the standard deviation between studies."""
    omega: GivenSdPrior
    """Prior of omega, that of departures."""
    baseline: Scale = 2.5
    """Standard deviation of study baselines."""
    slope: Scale | None = None
    """Standard deviation of slopes; by default that of effects."""
    cutpoint: Scale = 1.5
    """Standard deviation of the log distances between cutpoints."""


class Retry(Strict):
    """The longer and more careful sampler settings of a second attempt."""

    draws: Annotated[int, Field(ge=100, le=100_000)]
    """Draws per chain."""
    tune: Annotated[int, Field(ge=100, le=100_000)]
    """Tuning iterations per chain."""
    target_accept: Annotated[float, Field(gt=0, lt=1)]
    """Target acceptance of the sampler, below 1."""


class Sampler(Retry):
    """Sampler settings."""

    chains: Annotated[int, Field(ge=2, le=64)]
    """Number of chains."""
    most_draws: Annotated[int, Field(ge=100, le=100_000)] = MOST_DRAWS
    """Draws per chain up to which a fit of counts goes on until Monte Carlo errors are small: at most 1.5% of the
    posterior standard deviation for means, and 4% for limits."""
    retry: Retry
    """Settings of a second attempt."""

    @property
    def most(self) -> int:
        """Draws per chain up to which more are taken."""
        return max(self.draws, self.most_draws)


class Selection(Strict):
    """What an analysis uses from a study instead of the default."""

    contrast_set: Identifier | None = None
    """A contrast set of the sheet; by default its first."""
    method: Method | None = None
    """A method of the ladder; by default the highest that covers every arm."""
    population: Identifier | None = None
    """A population of the sheet or a subgroup; by default all patients, or a matched cohort where it is adjusted."""
    adjustment: Literal["crude", "adjusted", "matched"] | None = None
    """How the effect is adjusted; by default adjusted or matched before crude."""
    criterion: Literal["mrecist", "recist_1_1"] | None = None
    """A response criterion; by default the first of the configuration that covers every arm."""
    reading: Literal["as_read", "as_printed"] = "as_read"
    """How ratios labelled with the wrong arm (label_inverted) are interpreted: as in the sheet, or as printed."""
    direction: Literal["recorded", "reversed"] = "recorded"
    """Which arm did better by a log-rank test of which the paper does not say so: as in the sheet, or the other."""
    assumed_events: Literal["best", "low", "high"] = "best"
    """Events where they are assumed: the best guess, or the fewest or most that are plausible."""


class SharedPatients(Strict):
    """How many patients are in both of two arms: a best guess, and the most there can be."""

    best: Annotated[float, Field(ge=0, le=100_000)]
    """The best guess."""
    bound: Annotated[float, Field(gt=0, le=100_000)]
    """The most that the papers allow."""

    @model_validator(mode="after")
    def _in_order(self) -> "SharedPatients":
        if self.best > self.bound:
            fail("best", self.best, f"allowed: up to the bound, {self.bound:g}")
        return self


class Overlap(Strict):
    """Patients whom two studies share in one arm of each; arms that are shared besides have an entry of their own."""

    studies: Annotated[list[Text], Field(min_length=2, max_length=2)]
    """The two studies."""
    arms: Annotated[dict[Text, Text], Field(min_length=2, max_length=2)]
    """The arm of each study."""
    shared: SharedPatients
    """Patients in both arms."""
    reason: Text
    """Why they are thought to be shared, and why not more of them."""
    place: Text | None = None
    """Where the papers say so."""

    @model_validator(mode="after")
    def _of_both(self) -> "Overlap":
        if len(set(self.studies)) == 1:
            fail("studies", self.studies, "allowed: two different studies")
        if set(self.arms) != set(self.studies):
            fail("arms", ", ".join(self.arms), f"allowed: one arm for each study, {', '.join(self.studies)}")
        return self


class Analysis(Strict):
    """A selection of studies, outcomes and figures.

    With ``engine: exact``, an analysis is computed without sampling, in seconds: it has its evidence, and rows in
    ``summary/sensitivity.csv`` and in every report that compares analyses, but no fits and no report of its own.
    """

    label: Label
    """Its label in figures and reports."""
    engine: Literal["sampler", "exact"] = "sampler"
    """`exact` for an analysis that is only compared with the others; without fits and report."""
    outcomes: list[Identifier] = Field(default_factory=list)
    """Outcomes to analyse; by default all."""
    exclude: dict[Text, Text] = Field(default_factory=dict)
    """Studies excluded, each with the reason."""
    select: dict[Identifier, Selection] = Field(default_factory=dict)
    """What to use from a study instead of the default."""
    secondary_reports: bool = False
    """Whether studies known only from another paper are used."""
    overlap: Literal["none", "best", "bound"] = "none"
    """How many of the patients under `overlaps` studies share: none of them, the best guess, or the bound."""
    priors: dict[Identifier, Identifier] = Field(default_factory=dict)
    """Entries of `priors` by outcome, in the place of those of the outcomes."""
    bias: TakenBias | None = None
    """A bias that every model takes from the studies; by default none."""


class PriorFan(Strict):
    """Priors of tau under which the analysis that the others vary is solved anew, by the exact engine."""

    outcomes: list[Identifier] = Field(default_factory=list)
    """Outcomes; by default all of the analysis."""
    tau: Annotated[list[GivenSdPrior], Field(max_length=50)] = Field(default_factory=list)
    """Priors of tau; by default eleven around the declared one, without heterogeneity and of other families."""


class NextStudy(Strict):
    """Studies that could be done next, of every two candidates, in the analysis that the others vary.

    The size is the number of events in both arms for ratios of hazards, risks and rates, and otherwise the number of
    patients in each arm.
    """

    outcomes: list[Identifier] = Field(default_factory=list)
    """Outcomes; by default all of the analysis."""
    sizes: Annotated[list[Annotated[float, Field(ge=2, le=1_000_000)]], Field(min_length=1, max_length=20)] = Field(
        default_factory=lambda: [100.0, 150.0, 300.0]
    )
    """Sizes of the study, ascending."""
    decisive: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Probability of being better than the next candidate that counts as decisive."""

    @model_validator(mode="after")
    def _ascending(self) -> "NextStudy":
        if sorted(set(self.sizes)) != self.sizes:
            fail("sizes", self.sizes, "allowed: different numbers, ascending")
        return self


class SourceCopies(Strict):
    """The user's own copies of the papers: a folder with one file per study, ``<study>.txt``, ``.html`` or ``.pdf``."""

    folder: FileName
    """The folder."""


Shape = Annotated[float, Field(gt=0, le=20)]


class AuditLimits(Strict):
    """Limits beyond which a difference between two figures of a paper becomes a finding.

    Repeated reports of the same figure may differ only by rounding. Two estimates of the same effect are compared in
    standard errors (``effect_*``), two tests of the same difference in normal deviates (``test_*``).
    """

    effect_warning: Scale = 3.0
    """Standard errors between an estimate and another of the same effect: a warning."""
    effect_error: Scale = 4.5
    """The same: an error."""
    subgroup_warning: Scale = 3.5
    """Standard errors between a subgroup and all patients; there are many subgroups."""
    test_warning: Scale = 0.25
    """Normal deviates between two tests of the same patients, but not of the same kind: a warning."""
    test_error: Scale = 2.0
    """The same: an error."""
    asymmetry_error: Scale = 0.5
    """Standard errors between an estimate and the middle of its interval, on the log scale."""
    percentage_error: Scale = 5.0
    """Percentage points between a printed percentage and its count."""
    information_warning: Annotated[float, Field(gt=0, le=1)] = 0.97
    """Fraction of the smallest standard error that the number of events allows, below which there is a warning."""
    width_warning: Annotated[float, Field(gt=1)] = 4.0
    """Ratio of the width of an interval to the width expected from the number of patients or events."""
    shapes: tuple[Shape, Shape] = (0.5, 2.5)
    """Weibull shapes of survival that are plausible; 1 is a constant hazard."""
    scan_shape: Annotated[float, Field(ge=1, le=20)] = 4.0
    """The largest shape of outcomes seen at scans, whose times cluster."""
    significance: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Two-sided p-value below which a difference is considered significant."""
    ratio_warning: Annotated[float, Field(gt=1)] = 20.0
    """Ratio beyond which, on either side of 1, an effect is considered a transcription error."""
    loop_error: Scale = 3.0
    """Standard errors by which the effects of the arms of a study may be inconsistent before this is an error."""
    fold_error: Annotated[float, Field(gt=1)] = 2.0
    """Factor between a standard error in a multi-arm study and the one implied by all of them together: an error."""
    setting_mix: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Difference between the arms in the share of a failed first line."""
    events_per_coefficient: Scale = 10.0
    """Events per coefficient of an adjusted ratio below which there is a warning (Peduzzi 1995)."""

    @model_validator(mode="after")
    def _in_order(self) -> "AuditLimits":
        for kind in ("effect", "test"):
            warning, error = getattr(self, f"{kind}_warning"), getattr(self, f"{kind}_error")
            if error < warning:
                fail(f"{kind}_error", error, f"allowed: {kind}_warning, {warning}, or more")
        if not self.shapes[0] <= 1 <= self.shapes[1]:
            fail("shapes", list(self.shapes), "allowed: two shapes, one on either side of 1")
        return self
