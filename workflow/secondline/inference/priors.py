"""Priors of a fit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from secondline.network.predictor import BIAS, CUT, EFFECT, EXCHANGEABLE, INTERACTION, SLOPE, Predictor
from secondline.network.structure import Floats
from secondline.sd_points import ABSENT
from secondline.sd_prior import SdPrior
from secondline.sd_prior_forms import read_sd_prior
from secondline.sd_priors import HalfNormal


@dataclass(frozen=True)
class PriorScales:
    """Standard deviations of normal priors on the link scale, and the priors of the standard deviations tau and omega.

    Effects ~ N(0, effect^2); tau between studies and omega, the standard deviation of departures, have any prior of
    `secondline.sd_priors`: a number is the scale of a half-normal, and 0 leaves the parameter out; several of either,
    of groups of studies or of classes, have the same prior;
    study baselines ~ N(0, baseline^2); slopes of covariates ~ N(0, slope^2); log distances of the cutpoints of ordered
    outcomes ~ N(0, cutpoint^2); exchangeable interactions ~ N(0, interaction^2), 0 where the model has none. Biases of
    studies with counts have the standard deviation that the bias itself has.
    """

    effect: float
    tau: SdPrior
    omega: SdPrior
    baseline: float
    slope: float = 1.0
    cutpoint: float = 1.5
    interaction: float = 0.0

    def __post_init__(self) -> None:
        """Take a number for the scale of a half-normal."""
        for name in ("tau", "omega"):
            given = getattr(self, name)
            if not isinstance(given, SdPrior):
                object.__setattr__(self, name, HalfNormal(given) if given else ABSENT)

    def coefficients(self, predictor: Predictor, omega: float | Floats) -> Floats:
        """Prior standard deviations of the coefficients, (coefficients,).

        Parameters
        ----------
        omega : float or array, (omegas,)
            Standard deviation of the exchangeable coefficients, or that of every class where classes have their own.
        """
        by_kind = {EFFECT: self.effect, SLOPE: self.slope, CUT: self.cutpoint, INTERACTION: self.interaction}
        by_kind |= {BIAS: predictor.bias.sd if predictor.bias else 0.0}
        own = np.broadcast_to(omega, len(predictor.omegas))[predictor.omega_of]
        columns = zip(predictor.kinds.tolist(), own.tolist(), strict=True)
        return np.array([of_class if kind == EXCHANGEABLE else by_kind[kind] for kind, of_class in columns])

    def attributes(self) -> dict[str, float | str]:
        """Write the priors as attributes of a file, ``prior_effect`` and so on."""
        return {
            f"prior_{name}": json.dumps(each.given(), ensure_ascii=False) if isinstance(each, SdPrior) else each
            for name, each in vars(self).items()
        }

    @classmethod
    def of_attributes(cls, attributes: Mapping[Any, Any]) -> "PriorScales":
        """Read them from attributes of a file."""
        written = {each.name: attributes[f"prior_{each.name}"] for each in fields(cls)}
        values: dict[str, Any] = {
            name: read_sd_prior(json.loads(each)) if isinstance(each, str) else float(each)
            for name, each in written.items()
        }
        return cls(**values)

    def doubled(self, parameter: str) -> "PriorScales":
        """Double the scale of the effects (and slopes), of tau, of omega or of exchangeable interactions."""
        names = ("effect", "slope") if parameter == "effect" else (parameter,)
        values: dict[str, Any] = {name: _doubled(getattr(self, name)) for name in names}
        return replace(self, **values)

    def all_doubled(self) -> "dict[str, PriorScales]":
        """Double every scale that the model has in turn: ``effect_doubled``, ``tau_doubled`` and so on."""
        free = {"effect": self.effect, "tau": self.tau.is_free, "omega": self.omega.is_free}
        free |= {"interaction": self.interaction}
        return {f"{name}_doubled": self.doubled(name) for name, there in free.items() if there}


def _doubled(value: float | SdPrior) -> float | SdPrior:
    return value.scaled(2.0) if isinstance(value, SdPrior) else 2 * value
