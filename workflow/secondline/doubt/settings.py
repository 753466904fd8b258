"""The settings of analyses under doubt: the choices that could have been made otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from numbers import Real
from typing import Literal

from secondline.errors import UserError
from secondline.network.bias import Bias, BiasedContrast
from secondline.sd_prior import SdPrior

__all__ = [
    "Axis",
    "Bias",
    "BiasScheme",
    "BiasSettings",
    "Level",
    "NextStudySettings",
    "SpecificationSettings",
]
MOST_GAUSSIAN, MOST_COUNTS = 100_000, 500
"""Largest numbers of specifications that are computed by default."""
_LEAST_SIZE = 2  # of a study


@dataclass(frozen=True, kw_only=True)
class BiasScheme:
    """Contrasts that may have the same bias, and the biases for which the analysis is repeated.

    Parameters
    ----------
    name, label, reason : str
    contrasts : tuple of (str, str, str, float)
        As those of `secondline.network.bias.Bias`; a bias above 0 flatters the arm that the scheme names.
    means, sds : tuple of float
        Means and standard deviations of the bias, link scale; every pair of them is an analysis.
    """

    name: str
    label: str
    reason: str
    contrasts: tuple[BiasedContrast, ...]
    means: tuple[float, ...]
    sds: tuple[float, ...] = (0.0,)

    def at(self, mean: float, sd: float) -> Bias:
        """Return the bias of this scheme with a mean and a standard deviation."""
        return Bias(contrasts=self.contrasts, mean=mean, sd=sd)


@dataclass(frozen=True, kw_only=True)
class BiasSettings:
    """The schemes of bias of one outcome, and whether its events are common: of more than 15% of the patients."""

    schemes: tuple[BiasScheme, ...] = ()
    common_outcome: bool = False


@dataclass(frozen=True, kw_only=True)
class Level:
    """One choice on an axis, as what it changes in the declared analysis; None leaves that as it is."""

    name: str
    label: str = ""
    reason: str = ""
    weight: float = 1.0
    """Plausibility; 0 removes the level."""
    declared: bool = False
    """Whether the declared analysis makes this choice."""
    studies: tuple[str, ...] = ()
    """Studies whose rows of evidence are replaced by those of this axis and level in alternatives.csv."""
    model: str | None = None
    """Model of the fit in the place of the declared one; what else a level chooses changes this model."""
    structure: Literal["additive", "exchangeable_interactions", "regimen_level", "classes"] | None = None
    interaction: tuple[str, float] | None = None
    """Component whose effect varies by what it is combined with, and the standard deviation of that."""
    mixed_arms: Literal["patient_weights", "class_contrast"] | None = None
    settings: bool | None = None
    """Whether effects vary by setting."""
    tau: SdPrior | None = None
    """Prior of tau; `ABSENT` leaves it out."""
    overlap: Mapping[tuple[str, str], float] | None = None
    """Correlation of the errors of two studies."""
    bias: Bias | None = None


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Choices of which an analysis makes exactly one."""

    name: str
    label: str = ""
    levels: tuple[Level, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SpecificationSettings:
    """The axes of a specification curve, crossed with each other."""

    axes: tuple[Axis, ...] = ()
    limit: int = MOST_GAUSSIAN
    """Largest number of distinct specifications; above it a scrambled Sobol sample of the factorial."""
    seed: int = 1
    classes: Mapping[str, str] = field(default_factory=dict)
    """Class by component, for levels with classes."""


@dataclass(frozen=True, kw_only=True)
class NextStudySettings:
    """The future studies whose value is computed."""

    sizes: tuple[float, ...] = (100, 150, 300)
    """Events of both arms together, or patients in each arm: see `secondline.doubt.study_sizes.size_unit`."""
    decisive: float = 0.95
    """Probability of being better than the next that counts as decisive."""

    def __post_init__(self) -> None:
        """Refuse what is no size and no probability of being decisive."""
        for size in self.sizes:
            if not (isinstance(size, Real) and _LEAST_SIZE <= size < inf):
                problem = f"allowed: numbers from {_LEAST_SIZE}"
                raise UserError(problem, "next study", key="sizes", value=size)
        if not (isinstance(self.decisive, Real) and 0.5 < self.decisive < 1):
            problem = "allowed: a probability above 0.5 and below 1"
            raise UserError(problem, "next study", key="decisive", value=self.decisive)
