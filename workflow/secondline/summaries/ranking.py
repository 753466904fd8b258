"""The ranking of a fit: of all treatments in every setting, and among its candidates."""

from collections.abc import Mapping, Sequence
from typing import Any

from secondline.cell_values import OVERALL
from secondline.network.arms import Arm
from secondline.network.graph import received, setting_reference
from secondline.network.structure import Structure
from secondline.summaries import candidates
from secondline.summaries.hierarchy import Comparison, Hierarchy, rank_cells
from secondline.summaries.posterior import Posterior
from secondline.summaries.rank_statistics import poth
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
    "engine",
    "converged",
)
PROBABILITY_COLUMNS = ("setting", "treatment", "rank", "probability", "error", "engine")


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
        The evidence label of a treatment is that of its effect against the setting's reference. ``error`` is the
        standard error of a probability, of Monte Carlo or quasi-Monte Carlo.
    """
    treatments = received(arms, structure.regimens)
    columns = [structure.regimens.index(treatment) for treatment in treatments]
    ranking, probabilities = [], []
    for s, setting in enumerate((OVERALL, *structure.settings)):
        compared = posterior.comparison(s, columns, settings.better)

        def among(names: Sequence[str], compared: Comparison = compared) -> Hierarchy:
            return compared.among([treatments.index(name) for name in names])

        everybody = among(treatments)
        labels = {(r["treatment"], r["comparator"]): r["evidence"] for r in relative if r["setting"] == setting}
        reference = setting_reference(arms, structure, setting, settings.reference)
        barred = settings.not_candidates.get(setting, ())
        chosen = [treatment for treatment in treatments if treatment not in barred]
        found = candidates.rank_candidates(among, chosen, labels)
        cells = rank_cells(everybody)
        common = {
            "poth": poth(everybody.sucra),
            "direction": f"{settings.better} is better",
            "engine": posterior.engine,
            "converged": posterior.converged,
        }
        for k, treatment in enumerate(treatments):
            names = {"setting": setting, "treatment": treatment}
            known = {"candidate": treatment in chosen, "evidence": labels.get((treatment, reference), "reference")}
            ranking.append({**names, **known, **cells[k], **found.row(treatment), **common})
            probabilities += [
                {
                    **names,
                    "rank": rank,
                    "probability": float(everybody.ranks[k, rank - 1]),
                    "error": float(everybody.errors[k, rank - 1]),
                    "engine": posterior.engine,
                }
                for rank in range(1, len(treatments) + 1)
            ]
    return ranking, probabilities
