"""The frequentist twin of a network of contrasts, for readers who want to hold the two against each other.

Generalised least squares with tau by restricted maximum likelihood; the consistency model without departures or priors.
Networks with counts have none: their likelihood is exact, and a normal approximation of it would be another analysis.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nma.inference import frequentist
from nma.network.arms import is_contrast, used_arms, used_rows
from nma.network.data import contrast_blocks
from nma.network.graph import received
from nma.network.predictor import Effects, Predictor
from nma.network.structure import Structure
from nma.tables import write_table

RELATIVE_COLUMNS = (
    "treatment",
    "comparator",
    "measure",
    "effect",
    "se",
    "lower",
    "upper",
    "estimate",
    "estimate_lower",
    "estimate_upper",
    "predictive_lower",
    "predictive_upper",
    "p_value",
    "interval",
)
RANKING_COLUMNS = ("treatment", "p_score", "direction")
HETEROGENEITY_COLUMNS = ("statistic", "design", "value", "df", "p_value", "i_squared")
INTERVAL = "95% confidence"

Rows = list[dict[str, Any]]


def write_frequentist(evidence: Sequence[Mapping[str, str]], settings: Mapping[str, Any], folder: Path) -> None:
    """Write relative_effects.csv, ranking.csv and heterogeneity.csv; header only for networks with counts.

    Parameters
    ----------
    evidence : rows
        Evidence table of the fits.
    settings : mapping
        From `nma.plan.summary_settings`.
    folder : path
        results/<analysis>/<outcome>/frequentist
    """
    relative, ranking, heterogeneity = _tables(evidence, settings)
    write_table(folder / "relative_effects.csv", relative, RELATIVE_COLUMNS)
    write_table(folder / "ranking.csv", ranking, RANKING_COLUMNS)
    write_table(folder / "heterogeneity.csv", heterogeneity, HETEROGENEITY_COLUMNS)


def _tables(evidence: Sequence[Mapping[str, str]], settings: Mapping[str, Any]) -> tuple[Rows, Rows, Rows]:
    likelihood = settings["likelihood"]
    if likelihood != "normal" and not all(is_contrast(row) for row in used_rows(evidence)):
        return [], [], []
    structure = Structure.from_settings(settings["structure"])
    arms = used_arms(evidence)
    predictor = Predictor.build(structure, Effects(), arms)
    studies = [
        frequentist.GaussianStudy(str(block.study), block.y, block.rows, block.covariance, block.treatments)
        for block in contrast_blocks(evidence, predictor, likelihood)
    ]
    treatments = received(arms, structure.regimens)
    rows = predictor.effect_rows()[0][[structure.regimens.index(t) for t in treatments]]
    tau = frequentist.reml_tau(studies)
    effects = frequentist.relative_effects(frequentist.fit(studies, tau or 0.0), treatments, rows)
    return _relative(effects, settings), _ranking(effects, settings["better"]), _heterogeneity(studies, tau)


def _relative(effects: frequentist.RelativeEffects, settings: Mapping[str, Any]) -> Rows:
    natural = np.exp if settings["ratio"] else np.asarray
    return [
        {
            "treatment": t,
            "comparator": c,
            "measure": settings["measure"],
            "effect": effects.effect[i, j],
            "se": effects.se[i, j],
            "lower": effects.lower[i, j],
            "upper": effects.upper[i, j],
            "estimate": float(natural(effects.effect[i, j])),
            "estimate_lower": float(natural(effects.lower[i, j])),
            "estimate_upper": float(natural(effects.upper[i, j])),
            "predictive_lower": effects.prediction_lower[i, j],
            "predictive_upper": effects.prediction_upper[i, j],
            "p_value": effects.p[i, j],
            "interval": INTERVAL,
        }
        for i, t in enumerate(effects.treatments)
        for j, c in enumerate(effects.treatments)
        if i != j
    ]


def _ranking(effects: frequentist.RelativeEffects, better: Any) -> Rows:
    scores = frequentist.p_scores(effects, better)
    return [
        {"treatment": t, "p_score": score, "direction": f"{better} is better"}
        for t, score in zip(effects.treatments, scores, strict=True)
    ]


def _heterogeneity(studies: Sequence[frequentist.GaussianStudy], tau: float | None) -> Rows:
    """Tau, and Q in total, within and between designs; an empty value is not assessable."""
    rows: Rows = [
        {"statistic": "tau (restricted maximum likelihood)", "value": tau},
        {"statistic": "tau (method of moments)", "value": frequentist.moments_tau(studies)},
    ]
    parts = frequentist.q_statistics(studies)
    named = [
        ("Q total", "", parts.total),
        ("Q within designs", "", parts.within),
        ("Q between designs", "", parts.between),
    ]
    named += [("Q within design", design, q) for design, q in parts.designs.items()]
    rows += [
        {
            "statistic": name,
            "design": design,
            "value": q.value if q.df else None,
            "df": q.df,
            "p_value": q.p,
            "i_squared": q.i_squared,
        }
        for name, design, q in named
    ]
    return rows
