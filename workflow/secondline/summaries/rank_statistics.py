"""Ranks by draw, and the precision of a hierarchy.

References
----------
Wigle A, Beliveau A, Salanti G et al. (2024) (precision of a treatment hierarchy, POTH).
"""

import numpy as np
from numpy.typing import NDArray

from secondline.network.structure import Floats


def ranks(effects: Floats, better: str, seed: int = 0) -> NDArray[np.int64]:
    """Rank treatments in every draw, 1 for the best.

    Ties are broken by lot: where the exact engine takes omega to be 0, members of a class have one effect, and none of
    them is better for being named first.

    Parameters
    ----------
    effects : array, (draws, treatments)
        Link scale, against any common comparator.
    better : {"lower", "higher"}
    seed : int
        Of the lots.
    """
    ahead = effects if better == "higher" else -effects
    result = np.ones(effects.shape, np.int64)
    for column in ahead.T:
        result += column[:, None] > ahead
    n = effects.shape[1]
    tied = np.flatnonzero(result.sum(axis=1) < n * (n + 1) // 2)
    lots = np.random.default_rng(seed).random((len(tied), n))
    order = np.lexsort((lots, -ahead[tied]), axis=1)
    result[tied] = np.argsort(order, axis=1, kind="stable") + 1
    return result


def poth(sucras: Floats) -> float:
    """Precision of a treatment hierarchy: the variance of the SUCRAs over its largest possible value."""
    n = len(sucras)
    return float(np.var(sucras) * 12 * (n - 1) / (n + 1))
