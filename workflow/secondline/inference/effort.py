"""How fine the exact engine works: points of its grid, and importance draws at each of them."""

from dataclasses import dataclass

import numpy as np

from secondline.inference.grid_search import MOST_SDS, free_sds
from secondline.inference.priors import PriorScales
from secondline.network.data import NetworkData

REPLICATES = 8  # independent scramblings of the Sobol sequence; their spread is the engine's own error


@dataclass(frozen=True)
class Effort:
    """How fine the engine works: grid points for tau and omega, importance draws a grid point and replicate.

    The spread of the replicates is the engine's own error; one of them will do where that is not asked for.
    """

    tau: int
    omega: int
    draws: int
    replicates: int = REPLICATES


_GAUSSIAN_GRID = 41  # points for tau and for omega
_COUNT_GRID = {"tau": 21, "omega": 11}
_THREE_SDS, _TWO_TAUS_OF_COUNTS = 25, 13  # points for every standard deviation, where one grid has more of them
_EVALUATIONS = 2**21  # of the likelihood of an arm, over the whole grid
_SLOWER = 16  # how much more one costs that no table can know: of ordered categories, or along the baseline risk
_COUNT_DRAWS = 2**14, 2**16  # importance draws over the whole grid, at least and at most
_MIN_DRAWS, _MAX_DRAWS = 32, 512


def effort(data: NetworkData, scales: PriorScales, factor: float = 1.0, replicates: int = REPLICATES) -> Effort:
    """Choose the grid, and the importance draws at each of its points, for a fit; ``factor`` scales the draws."""
    if not len(data.counts.study):
        points = _GAUSSIAN_GRID if free_sds(data, scales) < MOST_SDS else _THREE_SDS
        return Effort(points, points, 1)
    n_taus = data.groups.n_taus
    of_tau = _COUNT_GRID["tau"] if n_taus == 1 else _TWO_TAUS_OF_COUNTS
    of_omega, n_omegas = _COUNT_GRID["omega"], len(data.predictor.omegas)
    points = (of_tau**n_taus if scales.tau.is_free else 1) * (of_omega**n_omegas if scales.omega.is_free else 1)
    total = min(max(_EVALUATIONS / len(data.counts.rows), _COUNT_DRAWS[0]), _COUNT_DRAWS[1])
    draws, least = total / points / REPLICATES, 2 * _MIN_DRAWS
    if is_slow(data):
        draws, least, replicates = draws * REPLICATES / 4 / _SLOWER, _MIN_DRAWS, min(replicates, 4)
    draws = max(factor * min(draws, _MAX_DRAWS), least)
    return Effort(of_tau, of_omega, 2 ** round(np.log2(draws)), replicates)


def is_slow(data: NetworkData) -> bool:
    """Whether the likelihood is integrated anew at every draw: of ordered categories, or along the baseline risk."""
    if not len(data.counts.study):
        return False
    return data.counts.likelihood.is_ordered or data.predictor.baseline_slope is not None
