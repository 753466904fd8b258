"""Parts of the configuration: models, priors, the sampler, analyses, and the limits of the audit."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from secondline.project.bias import TakenBias
from secondline.project.class_effects import ClassEffects, Classes
from secondline.project.covariates import BaselineRisk, Covariate
from secondline.project.documents import FileName, Label, Strict, Text, fail
from secondline.project.figures import Identifier
from secondline.project.heterogeneity import Heterogeneity, UnequalHeterogeneity
from secondline.project.outcomes import Scale
from secondline.project.sd_priors import GivenSdPrior
from secondline.thresholds import MOST_DRAWS

Method = Literal[
    "adjusted_hr", "crude_hr", "hr_p", "logrank_p", "km_reconstruction", "medians_ci", "medians_events", "medians_p"
]


class ExchangeableInteractions(Strict):
    """A component whose effect varies around a common effect, depending on the regimen that contains it.

    The smaller the standard deviation, the closer the effects are to additivity; a large one leaves the interactions
    almost unconstrained.
    """

    component: Identifier
    """The component."""
    sd: Scale
    """Standard deviation of its effect between regimens, on the link scale."""


class Model(Strict):
    """A model of the relative effects.

    With ``heterogeneity``, effects vary between studies. With ``settings``, effects of components differ by setting;
    with ``classes``, they are exchangeable within their class. ``interactions`` allows pairs of components to interact,
    and ``exchangeable_interactions`` one component with whatever it is combined with. With ``regimen_level``, every
    regimen has its own effect instead of the sum of its components. ``mixed_arms`` specifies how arms that mix regimens
    enter. With ``covariate``, or ``covariates`` for several, effects vary with covariates; with ``baseline_risk``, they
    vary with the baseline risk.
    """

    heterogeneity: Heterogeneity
    """Whether effects vary between studies, with standard deviation tau; or how studies are divided into groups, each
    with a tau of its own."""
    settings: bool = False
    """Whether effects of components differ by setting, with standard deviation omega."""
    classes: Classes = False
    """Whether effects of components are exchangeable within their class, with one standard deviation omega for all
    classes; or whether every class has its own."""
    interactions: list[tuple[Identifier, Identifier]] = Field(default_factory=list)
    """Pairs of components whose effects are not additive."""
    exchangeable_interactions: ExchangeableInteractions | None = None
    """A component whose effect varies by regimen, with a declared standard deviation."""
    regimen_level: bool = False
    """Whether every regimen except the reference has an effect of its own, without additivity."""
    mixed_arms: Literal["patient_weights", "class_contrast"] = "patient_weights"
    """How arms that mix regimens enter: `patient_weights`, weighted by the numbers of patients on each regimen;
    `class_contrast`, with the same mix of the components that vary within them in all mixed arms of a study."""
    covariate: Covariate | None = None
    """A covariate with which effects vary."""
    covariates: list[Covariate] = Field(default_factory=list)
    """The covariates, where there are several."""
    baseline_risk: BaselineRisk | None = None
    """Effects that vary with the baseline risk, for event outcomes."""

    @model_validator(mode="after")
    def _one_omega(self) -> "Model":
        if self.settings and self.classes:
            problem = "a model has settings or classes, not both: each needs omega for itself"
            fail("classes", self.classes_shown, problem)
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
    def unequal(self) -> UnequalHeterogeneity | None:
        """How studies are divided into groups with a tau of their own; None where they are not."""
        return self.heterogeneity if isinstance(self.heterogeneity, UnequalHeterogeneity) else None

    @property
    def own_class_sds(self) -> bool:
        """Whether every class has a standard deviation of its own."""
        return isinstance(self.classes, ClassEffects) and self.classes.sd == "own"

    @property
    def classes_shown(self) -> bool | str:
        """What a message shows of the key ``classes``."""
        return f"sd: {self.classes.sd}" if isinstance(self.classes, ClassEffects) else self.classes

    @property
    def needs(self) -> list[str]:
        """Names of the numbers that a study has to give: covariates, and indicators of levels."""
        return [name for _, covariate in self.regressors for name in covariate.numbers]


class Priors(Strict):
    """Priors on the link scale.

    Effects, slopes, baselines and the log distances between the cutpoints of an ordered outcome have normal priors
    centred at 0; their keys give the prior standard deviations. Tau and omega are standard deviations themselves: a
    number is the scale of a half-normal prior, and other priors are given by name. Without ``slope``, slopes have the
    prior of the effects.
    """

    effect: Scale
    """Prior standard deviation of component effects."""
    tau: GivenSdPrior
    """Prior for tau, the between-study standard deviation."""
    omega: GivenSdPrior
    """Prior for omega, the standard deviation of departures of settings or of members of a class."""
    baseline: Scale = 2.5
    """Prior standard deviation of study baselines."""
    slope: Scale | None = None
    """Prior standard deviation of slopes; by default that of effects."""
    cutpoint: Scale = 1.5
    """Prior standard deviation of the log distances between cutpoints."""


class Retry(Strict):
    """Sampler settings for a second, longer and more careful attempt."""

    draws: Annotated[int, Field(ge=100, le=100_000)]
    """Draws per chain."""
    tune: Annotated[int, Field(ge=100, le=100_000)]
    """Tuning iterations per chain."""
    target_accept: Annotated[float, Field(gt=0, lt=1)]
    """Target acceptance probability of the sampler."""


class Sampler(Retry):
    """Sampler settings."""

    chains: Annotated[int, Field(ge=2, le=64)]
    """Number of chains."""
    most_draws: Annotated[int, Field(ge=100, le=100_000)] = MOST_DRAWS
    """Maximum number of draws per chain. A fit of counts takes more draws until Monte Carlo errors are at most 1.5% of
    the posterior standard deviation for means, and 4% for limits."""
    retry: Retry
    """Settings for a second attempt."""

    @property
    def most(self) -> int:
        """Draws per chain up to which more are taken."""
        return max(self.draws, self.most_draws)


class Selection(Strict):
    """What an analysis uses from a study instead of the default."""

    contrast_set: Identifier | None = None
    """A contrast set of the sheet; by default its first."""
    method: Method | None = None
    """A method of deriving effects; by default the most preferred one that covers every arm."""
    population: Identifier | None = None
    """A population or subgroup of the sheet; by default all patients, or a matched cohort where it gives the adjusted
    effect."""
    adjustment: Literal["crude", "adjusted", "matched"] | None = None
    """How the effect is adjusted; by default, adjusted or matched effects take precedence over crude ones."""
    criterion: Literal["mrecist", "recist_1_1"] | None = None
    """A response criterion; by default the first of the configuration that covers every arm."""
    reading: Literal["as_read", "as_printed"] = "as_read"
    """How ratios labelled with the wrong arm (label_inverted) are interpreted: as in the sheet, or as printed."""
    direction: Literal["recorded", "reversed"] = "recorded"
    """Which arm did better in a log-rank test if the paper does not say: the one given in the sheet, or the other."""
    assumed_events: Literal["best", "low", "high"] = "best"
    """Number of events where it is assumed: the best guess, or the lowest or highest plausible number."""


class SharedPatients(Strict):
    """How many patients two arms have in common: a best guess, and an upper bound."""

    best: Annotated[float, Field(ge=0, le=100_000)]
    """The best guess."""
    bound: Annotated[float, Field(gt=0, le=100_000)]
    """The largest number that the papers allow."""

    @model_validator(mode="after")
    def _in_order(self) -> "SharedPatients":
        if self.best > self.bound:
            fail("best", self.best, f"allowed: up to the bound, {self.bound:g}")
        return self


class Overlap(Strict):
    """Patients whom two studies share in one arm of each; any further shared arms have entries of their own."""

    studies: Annotated[list[Text], Field(min_length=2, max_length=2)]
    """The two studies."""
    arms: Annotated[dict[Text, Text], Field(min_length=2, max_length=2)]
    """The arm of each study."""
    shared: SharedPatients
    """Patients in both arms."""
    reason: Text
    """Why they are thought to be shared, and why there cannot be more of them."""
    place: Text | None = None
    """Where the papers report this."""

    @model_validator(mode="after")
    def _of_both(self) -> "Overlap":
        if len(set(self.studies)) == 1:
            fail("studies", self.studies, "allowed: two different studies")
        if set(self.arms) != set(self.studies):
            fail("arms", ", ".join(self.arms), f"allowed: one arm for each study, {', '.join(self.studies)}")
        return self


class Analysis(Strict):
    """A selection of studies, outcomes and figures.

    With ``engine: exact``, an analysis is computed without sampling, in seconds. It has its own evidence tables, and
    rows in ``summary/sensitivity.csv`` and in every report that compares analyses, but no fits and no report of its
    own.
    """

    label: Label
    """Its label in figures and reports."""
    engine: Literal["sampler", "exact"] = "sampler"
    """`exact` for an analysis that is only compared with the others and has no fits or report."""
    outcomes: list[Identifier] = Field(default_factory=list)
    """Outcomes to analyse; by default all."""
    exclude: dict[Text, Text] = Field(default_factory=dict)
    """Studies excluded, each with the reason."""
    select: dict[Identifier, Selection] = Field(default_factory=dict)
    """What to use from a study instead of the default."""
    secondary_reports: bool = False
    """Whether studies known only from another paper are used."""
    overlap: Literal["none", "best", "bound"] = "none"
    """How many of the patients under `overlaps` the studies are taken to share: none, the best guess, or the bound."""
    priors: dict[Identifier, Identifier] = Field(default_factory=dict)
    """Entries of `priors`, by outcome, that replace those given with the outcomes."""
    bias: TakenBias | None = None
    """A bias that is subtracted from the studies in every model; by default none."""


class PriorFan(Strict):
    """Priors for tau under which the base analysis is recomputed by the exact engine."""

    outcomes: list[Identifier] = Field(default_factory=list)
    """Outcomes; by default all outcomes of the analysis."""
    tau: Annotated[list[GivenSdPrior], Field(max_length=50)] = Field(default_factory=list)
    """Priors for tau; by default up to eleven besides the declared one: no heterogeneity, other scales and other
    families."""


class NextStudy(Strict):
    """Further studies that could be done, comparing any two candidates, in the base analysis.

    The size is the total number of events in both arms for hazard, risk and rate ratios, and otherwise the number of
    patients in each arm.
    """

    outcomes: list[Identifier] = Field(default_factory=list)
    """Outcomes; by default all outcomes of the analysis."""
    sizes: Annotated[list[Annotated[float, Field(ge=2, le=1_000_000)]], Field(min_length=1, max_length=20)] = Field(
        default_factory=lambda: [100.0, 150.0, 300.0]
    )
    """Sizes of the study, in ascending order."""
    decisive: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Probability of being better than the next candidate above which a result counts as decisive."""

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

    Repeated reports of the same figure may differ only by rounding. Differences between two estimates of the same
    effect are measured in standard errors (``effect_*``), and those between two tests of the same difference in normal
    deviates (``test_*``).
    """

    effect_warning: Scale = 3.0
    """Difference between two estimates of the same effect, in standard errors, beyond which there is a warning."""
    effect_error: Scale = 4.5
    """The same difference, beyond which there is an error."""
    subgroup_warning: Scale = 3.5
    """Difference between a subgroup and all patients, in standard errors; the limit allows for there being many
    subgroups."""
    test_warning: Scale = 0.25
    """Difference between two tests of different kinds in the same patients, in normal deviates, beyond which there is a
    warning."""
    test_error: Scale = 2.0
    """The same difference, beyond which there is an error."""
    asymmetry_error: Scale = 0.5
    """Difference between an estimate and the midpoint of its interval on the log scale, in standard errors."""
    percentage_error: Scale = 5.0
    """Difference between a printed percentage and that implied by its count, in percentage points."""
    information_warning: Annotated[float, Field(gt=0, le=1)] = 0.97
    """Fraction of the smallest standard error that the number of events allows, below which there is a warning."""
    width_warning: Annotated[float, Field(gt=1)] = 4.0
    """Factor by which the width of an interval may differ from that expected from the number of patients or events."""
    shapes: tuple[Shape, Shape] = (0.5, 2.5)
    """Range of plausible Weibull shapes of survival curves; 1 is a constant hazard."""
    scan_shape: Annotated[float, Field(ge=1, le=20)] = 4.0
    """The largest plausible shape for outcomes that are detected at scans, whose times cluster."""
    significance: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Two-sided p-value below which a difference is considered significant."""
    ratio_warning: Annotated[float, Field(gt=1)] = 20.0
    """Ratio beyond which, on either side of 1, an effect is considered a transcription error."""
    loop_error: Scale = 3.0
    """Inconsistency between the effects in a multi-arm study, in standard errors, beyond which there is an error."""
    fold_error: Annotated[float, Field(gt=1)] = 2.0
    """Factor between a standard error in a multi-arm study and that implied by all of them together, beyond which there
    is an error."""
    setting_mix: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Difference between the arms in the proportion of patients with a given failed first line."""
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
