"""Prior scales of a fit."""

from dataclasses import dataclass

import numpy as np

from nma.network.design import Floats

# order of the vector of scales
EFFECT, TAU, OMEGA, BASELINE = range(4)


@dataclass(frozen=True)
class PriorScales:
    """Standard deviations of the priors on the log scale; a tau or omega of 0 leaves the parameter out.

    beta ~ N(0, effect^2); tau ~ half-normal(tau); omega ~ half-normal(omega); mu ~ N(0, baseline^2).
    """

    effect: float
    tau: float
    omega: float
    baseline: float

    def vector(self) -> Floats:
        """Scales in the order EFFECT, TAU, OMEGA, BASELINE."""
        return np.array([self.effect, self.tau, self.omega, self.baseline])
