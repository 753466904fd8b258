"""The ranking of a fit: of all treatments in every setting, and among its candidates."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from secondline.cell_values import OVERALL
from secondline.network.arms import Arm
from secondline.network.graph import received, setting_reference
from secondline.network.structure import Structure
from secondline.summaries import candidates
from secondline.summaries.posterior import Posterior
from secondline.summaries.rank_statistics import poth, rank_cells, ranks
from secondline.summaries.settings import ComparisonSettings

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
    *candidates.COLUMNS,
    "converged",
)
PROBABILITY_COLUMNS = ("setting", "treatment", "rank", "probability")


def rank_treatments(
    posterior: Posterior,
    arms: Sequence[Arm],
    structure: Structure,
    settings: ComparisonSettings,
    relative: Sequence[Mapping[str, Any]],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rank the received regimens in every setting, all of them and those among them that are candidates.

    Returns
    -------
    rows of the ranking table and of the table of rank probabilities
        The evidence label of a treatment is that of its effect against the setting's reference.
    """
    treatments = received(arms, structure.regimens)
    columns = [structure.regimens.index(treatment) for treatment in treatments]
    ranking, probabilities = [], []
    for s, setting in enumerate((OVERALL, *structure.settings)):
        effects = posterior.effects[:, s, columns]
        by_draw = ranks(effects, settings.better)
        labels = {(r["treatment"], r["comparator"]): r["evidence"] for r in relative if r["setting"] == setting}
        reference = setting_reference(arms, structure, setting, settings.reference)
        barred = settings.not_candidates.get(setting, ())
        chosen = [treatment for treatment in treatments if treatment not in barred]
        draws = dict(zip(treatments, effects.T, strict=True))
        among = candidates.rank_candidates(draws, chosen, labels, settings.better)
        cells = rank_cells(by_draw)
        common = {
            "poth": poth(np.array([row["sucra"] for row in cells])),
            "direction": f"{settings.better} is better",
            "converged": posterior.converged,
        }
        for k, treatment in enumerate(treatments):
            names = {"setting": setting, "treatment": treatment}
            known = {"candidate": treatment in chosen, "evidence": labels.get((treatment, reference), "reference")}
            ranking.append({**names, **known, **cells[k], **among.row(treatment), **common})
            probabilities += [
                {**names, "rank": rank, "probability": np.mean(by_draw[:, k] == rank)}
                for rank in range(1, len(treatments) + 1)
            ]
    return ranking, probabilities
