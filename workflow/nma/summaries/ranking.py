"""Rank probabilities, SUCRA and POTH.

References
----------
Salanti G, Ades AE, Ioannidis JPA (2011) Journal of Clinical Epidemiology 64:163 (rank probabilities, SUCRA).
Wigle A, Beliveau A, Salanti G et al. (2024) (precision of a treatment hierarchy, POTH).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nma.network.arms import OVERALL, Arm
from nma.network.graph import received, setting_reference
from nma.network.structure import Floats, Structure
from nma.summaries.posterior import Posterior

COLUMNS = (
    "setting",
    "treatment",
    "candidate",
    "sucra",
    "sucra_lower",
    "sucra_upper",
    "mean_rank",
    "median_rank",
    "rank_lower",
    "rank_upper",
    "p_best",
    "poth",
    "direction",
    "evidence",
    "converged",
)
PROBABILITY_COLUMNS = ("setting", "treatment", "rank", "probability")


def ranks(effects: Floats, better: str) -> NDArray[np.int64]:
    """Rank treatments in every draw, 1 for the best.

    Parameters
    ----------
    effects : array, (draws, treatments)
        Log scale, against any common comparator.
    better : {"lower", "higher"}
    """
    order = np.argsort(effects if better == "lower" else -effects, axis=1, kind="stable")
    return np.argsort(order, axis=1, kind="stable") + 1


def sucra(mean_rank: Floats, n: int) -> Floats:
    """Surface under the cumulative ranking curve from mean ranks: (T - mean rank) / (T - 1)."""
    return (n - mean_rank) / (n - 1)


def poth(sucras: Floats) -> float:
    """Precision of a treatment hierarchy: the variance of the SUCRAs over its largest possible value."""
    n = len(sucras)
    return float(np.var(sucras) * 12 * (n - 1) / (n + 1))


def rank_treatments(
    posterior: Posterior,
    arms: Sequence[Arm],
    structure: Structure,
    settings: Mapping[str, Any],
    relative: Sequence[Mapping[str, Any]],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rank the received regimens in every setting.

    Returns
    -------
    rows of the ranking table and of the table of rank probabilities
        The evidence label of a treatment is that of its effect against the setting's reference.
    """
    treatments = received(arms, structure.regimens)
    columns = [structure.regimens.index(treatment) for treatment in treatments]
    labels = {(row["setting"], row["treatment"], row["comparator"]): row["evidence"] for row in relative}
    n = len(treatments)
    ranking, probabilities = [], []
    for s, setting in enumerate((OVERALL, *structure.settings)):
        by_draw = ranks(posterior.effects[:, s, columns], settings["better"])
        reference = setting_reference(arms, structure, setting, settings["reference"])
        mean_rank = by_draw.mean(axis=0)
        sucras = sucra(mean_rank, n) if n > 1 else np.ones(1)
        lower, median, upper = np.quantile(by_draw, [0.025, 0.5, 0.975], axis=0, method="inverted_cdf")
        by_draw_sucra = (n - by_draw) / max(n - 1, 1)
        sucra_lower, sucra_upper = np.quantile(by_draw_sucra, [0.025, 0.975], axis=0, method="inverted_cdf")
        for k, treatment in enumerate(treatments):
            ranking.append(
                {
                    "setting": setting,
                    "treatment": treatment,
                    "candidate": treatment not in settings["not_candidates"].get(setting, []),
                    "sucra": sucras[k],
                    "sucra_lower": sucra_lower[k],
                    "sucra_upper": sucra_upper[k],
                    "mean_rank": mean_rank[k],
                    "median_rank": int(median[k]),
                    "rank_lower": int(lower[k]),
                    "rank_upper": int(upper[k]),
                    "p_best": np.mean(by_draw[:, k] == 1),
                    "poth": poth(sucras),
                    "direction": f"{settings['better']} is better",
                    "evidence": labels.get((setting, treatment, reference), "reference"),
                    "converged": posterior.converged,
                }
            )
            probabilities += [
                {
                    "setting": setting,
                    "treatment": treatment,
                    "rank": rank,
                    "probability": np.mean(by_draw[:, k] == rank),
                }
                for rank in range(1, n + 1)
            ]
    return ranking, probabilities
