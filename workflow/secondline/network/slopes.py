"""Meta-regression: how the effects change with a covariate, as columns of the linear predictor.

The effect of an arm is that of its treatments at the centre of the covariate, and (x - centre) / per times a slope
(Dias, NICE DSU TSD3, 2011). One slope may be common to all treatments but the reference; or every component has its
own, or every class of components. Then the slope of a regimen is the sum of those of its components, as its effect is.
A covariate that is a word has an indicator for each of its levels, 1 or 0, and these are covariates as any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from secondline.network.arms import Arm
from secondline.network.structure import Floats, Structure

COMMON, BY_CLASS, INDEPENDENT = "common", "by_class", "independent"
"""Whose slopes are one: all treatments', those of a class, or nobody's."""


@dataclass(frozen=True)
class Slopes:
    """How the effects change with one covariate."""

    covariate: str
    centre: float = 0.0
    """Value of the covariate at which the effects are given."""
    per: float = 1.0
    """Units of the covariate to which a slope refers."""
    kind: str = COMMON
    classes: Mapping[str, str] = field(default_factory=dict)
    """Class by component; a component without a class has a slope of its own."""

    @property
    def label(self) -> str:
        """The covariate, and to how many of its units the slope refers."""
        return self.covariate if self.per == 1 else f"{self.covariate} per {self.per:g}"

    def names(self, components: Sequence[str]) -> list[str]:
        """Names of the coefficients."""
        if self.kind == COMMON:
            return [f"slope[{self.label}]"]
        return [f"slope[{self.label},{owner}]" for owner in self._owners(components)]

    def rows(self, arms: Sequence[Arm], shares: Floats, structure: Structure, own: Structure) -> Floats:
        """Rows of the arms of one study, (arms, slopes).

        Parameters
        ----------
        shares : array, (arms, regimens)
            Of the regimens in every arm.
        structure, own : Structure
            The treatments, and what their effects belong to.
        """
        moved = np.array([arm.covariates[self.covariate] - self.centre for arm in arms])[:, None] / self.per
        if self.kind == COMMON:
            return np.asarray(moved * (1 - shares[:, [structure.reference]]))
        owners = self._owners(own.components)
        membership = np.array([[float(self._owner(c) == owner) for owner in owners] for c in own.components])
        return np.asarray(moved * (shares @ own.matrix @ membership.reshape(len(own.components), len(owners))))

    def centred(self, centres: Mapping[str, float]) -> "Slopes":
        """Take the same slopes with the centre that a fit has, by covariate."""
        return replace(self, centre=centres.get(self.covariate, self.centre))

    def has(self, coefficient: str) -> bool:
        """Whether a coefficient is one of these slopes."""
        return coefficient == f"slope[{self.label}]" or coefficient.startswith(f"slope[{self.label},")

    def _owner(self, component: str) -> str:
        return self.classes.get(component, component) if self.kind == BY_CLASS else component

    def _owners(self, components: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(map(self._owner, components)))
