"""The settings of a fit job: everything but the evidence that the fits of one outcome depend on."""

from collections.abc import Mapping
from dataclasses import dataclass

from secondline.inference.priors import PriorScales
from secondline.network.bias import Bias
from secondline.network.overlap import Overlap
from secondline.network.predictor import Effects
from secondline.network.structure import Treatments


@dataclass(frozen=True, kw_only=True)
class SamplerSettings:
    """How to sample a fit: draws and tuning draws of every chain, and the target acceptance, below 1."""

    draws: int
    tune: int
    target_accept: float


@dataclass(frozen=True, kw_only=True)
class SamplerPlan:
    """Number of chains, the first attempt, and a longer and more careful second one."""

    chains: int
    first: SamplerSettings
    retry: SamplerSettings
    most: int = 0
    """Draws of every chain up to which more are taken where tables come from draws whose errors are too large."""


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """A model of the relative effects and its priors."""

    effects: Effects
    prior: PriorScales


@dataclass(frozen=True, kw_only=True)
class AnalysisSettings:
    """What the fits of one outcome are of, however they are solved or sampled."""

    likelihood: str
    treatments: Treatments
    models: Mapping[str, ModelSettings]
    overlaps: tuple[Overlap, ...] = ()
    """Patients whom studies share."""
    bias: Bias | None = None
    """Bias that the analysis takes from its studies."""


@dataclass(frozen=True, kw_only=True)
class FitSettings(AnalysisSettings):
    """What one fit job has to do: the models of an outcome of an analysis, and how to sample them."""

    analysis: str
    outcome: str
    sampler: SamplerPlan
    seed: int
