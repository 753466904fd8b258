"""The settings of figures and reports: everything but tables and figures that they depend on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from secondline.sd_prior import SdPrior


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Labels of everything that figures and reports name, by id; what is left out is shown as its id."""

    outcomes: Mapping[str, str] = field(default_factory=dict)
    better: Mapping[str, str] = field(default_factory=dict)
    """``lower`` or ``higher``, by outcome."""
    measures: Mapping[str, str] = field(default_factory=dict)
    """Effect measure, by outcome."""
    margins: Mapping[str, float] = field(default_factory=dict)
    """Smallest effect that matters, on the natural scale of the measure, by outcome."""
    regimens: Mapping[str, str] = field(default_factory=dict)
    components: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    """All settings together, and each of them."""
    analyses: Mapping[str, str] = field(default_factory=dict)
    studies: Mapping[str, str] = field(default_factory=dict)
    """First author and year of the studies of sheets; those of tables are named by their ids."""
    omega: Mapping[str, str] = field(default_factory=dict)
    """Between what effects have standard deviation omega, by model: ``settings``, ``classes``, or nothing."""
    headline: str = ""
    """The headline model."""
    abbreviations: Mapping[str, str] = field(default_factory=dict)
    """Words of the abbreviations in labels of treatments."""
    avoided: Sequence[str] = ()
    """Outcomes whose label names an event that is to be avoided."""


@dataclass(frozen=True, kw_only=True)
class StudyFacts:
    """A study: its design, where it is published, and the labels of its arms; empty as far as these are not known."""

    design: str = ""
    citation: str = ""
    year: int | None = None
    """Year of publication."""
    enrolled_until: str = ""
    """Last month of enrolment, YYYY-MM."""
    arms: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DifferenceLimits:
    """Standardised differences beyond which two groups of patients are flagged, in standard deviations."""

    notable: float
    large: float


@dataclass(frozen=True, kw_only=True)
class PopulationSettings:
    """What the studies of an analysis describe of their patients."""

    characteristics: Mapping[str, str]
    """Labels, with units."""
    arms: Mapping[str, Mapping[str, str]]
    """Labels of the arms, by study."""
    patients: Mapping[str, Mapping[str, int | None]]
    """Number of patients, by study and arm; None where it is not known."""
    silent: Sequence[str]
    """Studies that describe no patients."""
    thresholds: DifferenceLimits


@dataclass(frozen=True, kw_only=True)
class OutcomeFacts:
    """How an outcome is modelled."""

    measure: str
    likelihood: str
    ratio: bool
    """Whether effects are ratios."""
    better: str
    """``lower`` or ``higher``."""
    margin: float
    """Smallest effect that matters, on the natural scale of the measure."""
    prior: str
    """Name of its prior scales."""
    categories: Sequence[str] = ()
    """Categories of response that it is made of."""
    fewer_cutoffs: bool = False
    """Whether a study counts some of the categories together."""


@dataclass(frozen=True, kw_only=True)
class SlopeFacts:
    """How the effects of a model change with a covariate."""

    covariate: str
    per: float = 1.0
    """Units to which a slope refers."""
    levels: Sequence[str] = ()
    """Of a covariate that is a word, that at which effects are given first."""
    kind: str = "common"
    """Whose slopes are one: see `secondline.network.slopes`."""
    needs: Sequence[str] = ()
    """Names of its numbers in evidence tables."""


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What a model assumes about the effects."""

    heterogeneity: bool
    unequal: str = ""
    """What divides studies into groups with a heterogeneity of their own, ``class`` or ``comparison``; nothing where it
    is one of all."""
    settings: bool = False
    """Whether effects of components differ by setting, where the network has settings."""
    classes: bool = False
    own_class_sds: bool = False
    """Whether every class has a standard deviation of its own."""
    interactions: Sequence[tuple[str, str]] = ()
    """Pairs of components."""
    exchangeable_interactions: tuple[str, float] | None = None
    """Component whose effect varies between regimens, and the standard deviation of that."""
    regimen_level: bool = False
    class_contrast: bool = False
    """Whether the mixed arms of a study have the same mix of what varies within them."""
    slopes: Sequence[SlopeFacts] = ()
    baseline_risk: bool = False
    """Whether effects change with the baseline of the study."""

    @property
    def needs(self) -> list[str]:
        """Names of the numbers that a study has to give in evidence tables."""
        return [name for each in self.slopes for name in each.needs]


@dataclass(frozen=True, kw_only=True)
class PriorFacts:
    """Priors on the scale of the linear predictor: standard deviations of normal ones, and those of tau and omega."""

    effect: float
    tau: SdPrior
    omega: SdPrior
    baseline: float
    slope: float
    cutpoint: float


@dataclass(frozen=True, kw_only=True)
class AttemptFacts:
    """How fits were sampled: draws and tuning draws of every chain, and the target acceptance, below 1."""

    draws: int
    tune: int
    target_accept: float


@dataclass(frozen=True, kw_only=True)
class SamplerFacts:
    """Number of chains, the first attempt, and a longer and more careful second one."""

    chains: int
    first: AttemptFacts
    retry: AttemptFacts
    most: int
    """Draws of a chain up to which more are taken."""


@dataclass(frozen=True, kw_only=True)
class SelectionFacts:
    """What an analysis uses from a study instead of the default."""

    contrast_set: str | None = None
    population: str | None = None
    method: str | None = None
    as_printed: bool = False
    """Whether ratios labelled with the wrong arm are interpreted as printed."""


@dataclass(frozen=True, kw_only=True)
class TakenBias:
    """The bias that an analysis takes from its studies, b ~ N(mean, sd^2) on the link scale."""

    label: str
    reason: str
    toward: str
    """``newer`` or ``older``: the arm that it favours."""
    mean: float
    sd: float


@dataclass(frozen=True, kw_only=True)
class AnalysisFacts:
    """How an analysis selects its evidence."""

    label: str
    exact: bool = False
    """Whether it is computed without sampling."""
    exclude: Mapping[str, str] = field(default_factory=dict)
    """Reason, by study."""
    select: Mapping[str, SelectionFacts] = field(default_factory=dict)
    """By study."""
    secondary_reports: bool = False
    """Whether studies known only from another paper are used."""
    overlap: str = "none"
    """How many of the patients whom studies share are taken into account: ``none``, ``best`` or ``bound``."""
    priors: Mapping[str, str] = field(default_factory=dict)
    """Priors by outcome, in the place of those of the outcomes."""
    bias: TakenBias | None = None


@dataclass(frozen=True, kw_only=True)
class MethodsFacts:
    """What the methods text says beyond the tables; treatments and settings are named by their labels."""

    outcomes: Mapping[str, OutcomeFacts]
    models: Mapping[str, ModelFacts]
    priors: Mapping[str, PriorFacts]
    sampler: SamplerFacts
    analyses: Mapping[str, AnalysisFacts]
    ladder: Sequence[str]
    """Methods by which contrasts are derived, the preferred first."""
    criteria: Sequence[str] = ()
    """Criteria of response, the preferred first."""
    plain: bool
    """Whether no treatment has several components."""
    reference: str
    components: Sequence[str] = ()
    """None in a plain network."""
    classes: Sequence[str] = ()
    settings: Sequence[str] = ()
    not_candidates: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Treatments that are no candidates, by setting."""
    rechallenge: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Reasons for which a treatment remains a candidate, by setting and treatment."""
    sheets: int = 0
    """Number of study sheets."""
    quoted: Mapping[str, str] = field(default_factory=dict)
    """Study from whose report another was taken, by the latter."""
    overlapping: Sequence[tuple[str, str]] = ()
    """Studies that may share patients."""

    def prior_of(self, analysis: str, outcome: str) -> str:
        """Name the priors of an outcome in an analysis."""
        return self.analyses[analysis].priors.get(outcome, self.outcomes[outcome].prior)


@dataclass(frozen=True, kw_only=True)
class DoubtFacts:
    """What a run computes of how far the answer of an outcome can be trusted, and the labels of it."""

    tables: Sequence[str]
    """Files under doubt/."""
    figures: Sequence[str] = ()
    """Figures that are made of them."""
    axes: Mapping[str, str] = field(default_factory=dict)
    """Labels of the choices that are crossed."""
    studies: Sequence[str] = ()
    """Those of them that say how the study of their name is read."""
    weighted: bool = False
    """Whether any level of a choice has a weight of its own."""
    schemes: Mapping[str, str] = field(default_factory=dict)
    """Labels of the biases."""


@dataclass(frozen=True, kw_only=True)
class DecisiveWords:
    """What the sentences of decisive.csv need beside labels and tables."""

    doubt: Mapping[str, DoubtFacts]
    """By outcome."""
    prognostic: Mapping[str, str] = field(default_factory=dict)
    """Labels of the characteristics that are known to predict the outcomes."""
    proportions: Sequence[str] = ()
    """Those of them that are proportions of the patients."""


@dataclass(frozen=True, kw_only=True)
class WeighFacts:
    """What the page needs to let its reader argue with an analysis, beside the models that it solves."""

    solved: Sequence[str]
    """Outcomes that it solves: those of contrasts and means."""
    choices: str = "{}"
    """What the configuration says of the analysis, without its label and outcomes, as JSON."""
    analyses: Mapping[str, str] = field(default_factory=dict)
    """The same of every analysis, by name."""


@dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """Everything but tables and figures that the report of an analysis depends on."""

    analysis: str
    outcomes: Sequence[str]
    lead: Sequence[str]
    """Outcomes of the first screen."""
    models: Sequence[str]
    headline_figures: Sequence[str]
    """Figures of the headline model."""
    labels: Labels
    studies: Mapping[str, StudyFacts]
    question: str = ""
    """The question that the report answers."""
    title: str = ""
    """Short title of the project."""
    methods: MethodsFacts
    seed: int
    rechallenge: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Reasons for which a regimen remains a candidate, by setting and regimen."""
    populations: PopulationSettings | None = None
    """None where no study describes its patients."""
    leave_one_out: str | None = None
    """The analysis whose studies are left out in turn."""
    compared_in: str | None = None
    """Label of the analysis whose report compares all analyses; None where it is this one."""
    inconsistency: str | None = None
    """The analysis whose inconsistency was assessed."""
    absolute: Sequence[str] = ()
    """Outcomes with a declared baseline."""
    converted: Sequence[str] = ()
    """Those of them whose effects it turns into differences of risks."""
    pairs: Sequence[tuple[str, str]] = ()
    """Outcomes drawn against each other: across and upwards."""
    doubt: Mapping[str, DoubtFacts] = field(default_factory=dict)
    """By outcome, in the order of the section: those of which the run asks how far the answer can be trusted."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """Kinds of the choices that a specification curve crosses (``study``, ``structure``, …), by name."""
    decisive: bool = False
    """Whether what decides the answers of this analysis is listed."""
    judged: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    """Risk of bias of the studies by outcome: study, outcome, tool, domain, level."""
    certainty: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Figures of certainty, by outcome whose certainty is judged."""
    weigh: WeighFacts | None = None
    """What the page needs to solve an outcome by itself; None where it solves none."""
    commit: str | None = None
