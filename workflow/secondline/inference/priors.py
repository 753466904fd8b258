"""Prior scales of a fit."""

from dataclasses import dataclass

import numpy as np

from secondline.network.predictor import BIAS, CUT, EFFECT, EXCHANGEABLE, INTERACTION, SLOPE, Predictor
from secondline.network.structure import Floats


@dataclass(frozen=True)
class PriorScales:
    """Standard deviations of the priors on the link scale; a tau or omega of 0 leaves the parameter out.

    Effects ~ N(0, effect^2); tau ~ half-normal(tau); omega ~ half-normal(omega), the standard deviation of departures;
    study baselines ~ N(0, baseline^2); slopes of covariates ~ N(0, slope^2); log distances of the cutpoints of ordered
    outcomes ~ N(0, cutpoint^2); exchangeable interactions ~ N(0, interaction^2), 0 where the model has none. Biases of
    studies with counts have the standard deviation that the bias itself has.
    """

    effect: float
    tau: float
    omega: float
    baseline: float
    slope: float = 1.0
    cutpoint: float = 1.5
    interaction: float = 0.0

    def coefficients(self, predictor: Predictor, omega: float) -> Floats:
        """Prior standard deviations of the coefficients given omega, (coefficients,)."""
        by_kind = {EFFECT: self.effect, SLOPE: self.slope, CUT: self.cutpoint, EXCHANGEABLE: omega}
        by_kind |= {INTERACTION: self.interaction, BIAS: predictor.bias.sd if predictor.bias else 0.0}
        return np.array([by_kind[int(kind)] for kind in predictor.kinds])

    def doubled(self, parameter: str) -> "PriorScales":
        """Double the scale of the effects (and slopes), of tau, of omega or of exchangeable interactions."""
        values = dict(vars(self))
        for name in ("effect", "slope") if parameter == "effect" else (parameter,):
            values[name] *= 2
        return PriorScales(**values)

    def all_doubled(self) -> "dict[str, PriorScales]":
        """Double every scale that the model has in turn: ``effect_doubled``, ``tau_doubled`` and so on."""
        names = ("effect", "tau", "omega", "interaction")
        return {f"{name}_doubled": self.doubled(name) for name in names if getattr(self, name)}
