"""How precise draws are: the Monte Carlo errors of means and limits, and how many draws it takes to have them small.

Everything counts that tables take from the draws of a fit: coefficients, the effects of all treatments against each
other in every setting, and tau and omega where the exact engine does not give them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from secondline.inference.diagnostics import mean_mcse, quantile_mcse
from secondline.network.predictor import Predictor
from secondline.network.structure import Floats
from secondline.thresholds import MAX_LIMIT_ERROR, MAX_MEAN_ERROR

_CELLS = 8_000_000  # draws times quantities that are in memory at a time
_MARGIN = 1.15  # more draws than the errors ask for, which are themselves known to a few per cent


@dataclass(frozen=True)
class Precision:
    """The largest Monte Carlo standard error of a mean, and of a 95% limit, in posterior standard deviations."""

    mean: float
    limit: float

    @property
    def is_enough(self) -> bool:
        """Whether both are as small as tables ask for."""
        return self.mean <= MAX_MEAN_ERROR and self.limit <= MAX_LIMIT_ERROR

    def draws(self, n: int) -> int:
        """Estimate how many draws bring both to what tables ask for, from the n that there are."""
        ratio = max(self.mean / MAX_MEAN_ERROR, self.limit / MAX_LIMIT_ERROR)
        return n if self.is_enough else ceil(_MARGIN * ratio**2 * n)


def precision(parameters: Mapping[str, Floats], predictor: Predictor, sds: bool = True) -> Precision:
    """Find the largest Monte Carlo errors of a fit.

    Parameters
    ----------
    parameters : mapping
        coefficients, tau and omega by name, with leading dimensions (chain, draw).
    sds : bool
        Whether tau and omega count.
    """
    coefficients, rows = parameters["coefficients"], _rows(predictor)
    size = max(1, _CELLS // coefficients[..., 0].size)
    parts = [coefficients @ rows[first : first + size].T for first in range(0, len(rows), size)]
    drawn = [parameters[name] for name in ("tau", "omega") if sds and np.ptp(parameters.get(name, 0.0))]
    parts += [draws if draws.ndim == 3 else draws[..., None] for draws in drawn]
    return largest(parts)


def largest(parts: Sequence[Floats]) -> Precision:
    """Find the largest Monte Carlo errors of quantities (chains, draws, K); those that do not vary have none."""
    mean = limit = 0.0
    for draws in parts:
        sd = draws.std(axis=(0, 1))
        varies = draws[..., sd > 0]
        if varies.size:
            sd = sd[sd > 0]
            mean = max(mean, float((mean_mcse(varies) / sd).max()))
            limit = max(limit, *(float((quantile_mcse(varies, p) / sd).max()) for p in (0.025, 0.975)))
    return Precision(mean, limit)


def _rows(predictor: Predictor) -> Floats:
    """Coefficients, and the effects of all treatments against each other in every setting, without repetition."""
    rows = [np.eye(predictor.n_coefficients)]
    if not predictor.effects.unrelated:
        first, second = np.triu_indices(len(predictor.structure.regimens), 1)
        rows += [block[first] - block[second] for block in predictor.effect_rows()]
    found = np.unique(np.vstack(rows), axis=0)
    return found[found.any(axis=1)]
