"""The settings of summaries: everything but posteriors and evidence that the tables of one outcome depend on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from secondline.network.bias import Bias
from secondline.network.overlap import Overlap
from secondline.network.predictor import Effects
from secondline.network.structure import Treatments


@dataclass(frozen=True, kw_only=True)
class BaselineSettings:
    """What is known of one regimen in one setting, to which relative effects are added."""

    regimen: str
    median: float
    """On the link scale, with a standard deviation on either side."""
    sd_below: float
    sd_above: float
    figure: str
    """The figure as the configuration gives it."""
    unit: str = ""
    """Unit of time of a median; empty for other figures."""
    source: str = ""
    assumed: tuple[str, ...] = ()
    times: tuple[float, ...] = ()
    """Times at which survival is given, of a hazard ratio."""
    restricted_to: float | None = None
    """Time up to which the mean survival time is taken."""
    time_unit: str = ""
    """Unit of these times."""


@dataclass(frozen=True, kw_only=True)
class PrintedMedian:
    """A median that a sheet prints of an arm, in months, and what its patients received and what had failed before."""

    study: str
    arm: str
    population: str
    n: int | None
    regimens: dict[str, int]
    settings: dict[str, int]
    median: float
    lower: float | None
    upper: float | None
    interval: str
    source: str


@dataclass(frozen=True, kw_only=True)
class ComparisonSettings:
    """How treatments are compared and ranked."""

    measure: str
    ratio: bool
    better: str
    """``lower`` or ``higher``."""
    margin: float
    """Smallest effect that matters, on the natural scale of the measure."""
    reference: str
    not_candidates: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Regimens that are no candidates, by setting."""


@dataclass(frozen=True, kw_only=True)
class SummarySettings(ComparisonSettings):
    """How the results of an outcome are summarised."""

    outcome: str
    likelihood: str
    treatments: Treatments
    baselines: Mapping[str, BaselineSettings] = field(default_factory=dict)
    """By setting, for the settings that have one."""
    medians: tuple[PrintedMedian, ...] = ()
    effects: Mapping[str, Effects] = field(default_factory=dict)
    """Effects by model, by whose columns estimability is judged; the centre of a covariate is that of the fit."""
    overlaps: tuple[Overlap, ...] = ()
    """Patients whom studies share."""
    bias: Bias | None = None
    """Bias that the analysis takes from its studies."""
