"""Ranks by draw, and what sums them up: SUCRA, P(best), POTH.

References
----------
Salanti G, Ades AE, Ioannidis JPA (2011) Journal of Clinical Epidemiology 64:163 (rank probabilities, SUCRA).
Wigle A, Beliveau A, Salanti G et al. (2024) (precision of a treatment hierarchy, POTH).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondline.network.structure import Floats


def ranks(effects: Floats, better: str) -> NDArray[np.int64]:
    """Rank treatments in every draw, 1 for the best.

    Ties are broken by lot: where the exact engine takes omega to be 0, members of a class have one effect, and none of
    them is better for being named first.

    Parameters
    ----------
    effects : array, (draws, treatments)
        Link scale, against any common comparator.
    better : {"lower", "higher"}
    """
    lots = np.random.default_rng(0).random(effects.shape)
    order = np.lexsort((lots, effects if better == "lower" else -effects), axis=1)
    return np.argsort(order, axis=1, kind="stable") + 1


def share_above(gains: Floats) -> float:
    """Share of draws above 0, ties counted half: two ends of one contrast then add up to 1."""
    return float(np.mean(gains > 0) + np.mean(gains == 0) / 2)


def sucra(mean_rank: Floats, n: int) -> Floats:
    """Surface under the cumulative ranking curve from mean ranks: (T - mean rank) / (T - 1); 1 for one alone."""
    return (n - mean_rank) / (n - 1) if n > 1 else np.ones_like(mean_rank, dtype=float)


def poth(sucras: Floats) -> float:
    """Precision of a treatment hierarchy: the variance of the SUCRAs over its largest possible value."""
    n = len(sucras)
    return float(np.var(sucras) * 12 * (n - 1) / (n + 1))


def rank_cells(by_draw: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Summarise the ranks of every draw, (draws, treatments): one dict per treatment.

    Intervals are 95% equal-tailed; medians and limits are ranks that occurred.
    """
    n, mean_rank = by_draw.shape[1], by_draw.mean(axis=0)
    sucras = sucra(mean_rank, n)
    lower, median, upper = np.quantile(by_draw, [0.025, 0.5, 0.975], axis=0, method="inverted_cdf")
    by_draw_sucra = sucra(by_draw.astype(float), n)
    sucra_lower, sucra_upper = np.quantile(by_draw_sucra, [0.025, 0.975], axis=0, method="inverted_cdf")
    return [
        {
            "sucra": sucras[k],
            "sucra_lower": sucra_lower[k],
            "sucra_upper": sucra_upper[k],
            "mean_rank": mean_rank[k],
            "median_rank": int(median[k]),
            "rank_lower": int(lower[k]),
            "rank_upper": int(upper[k]),
            "p_best": np.mean(by_draw[:, k] == 1),
        }
        for k in range(n)
    ]
