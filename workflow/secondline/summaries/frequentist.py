"""The frequentist twin of a network of contrasts, for readers who want to hold the two against each other.

Generalised least squares with tau by restricted maximum likelihood; the headline model without priors, and so without
what rests on one: departures, exchangeable interactions, classes. Slopes of covariates are estimated as effects are.
Networks with counts have none: their likelihood is exact, and a normal approximation of it would be another analysis.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from secondline.cell_values import BEYOND_HETEROGENEITY
from secondline.inference import frequentist
from secondline.inference.generalised_least_squares import Unit, gaussian_units
from secondline.inference.generalised_least_squares import fit as fit_given_tau
from secondline.likelihoods import LIKELIHOODS
from secondline.network.arms import is_contrast, used_arms, used_rows
from secondline.network.graph import received
from secondline.network.predictor import Effects, Predictor
from secondline.network.structure import Structure
from secondline.summaries.settings import ComparisonSettings, SummarySettings
from secondline.tables import write_table

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


def write_frequentist(
    evidence: Sequence[Mapping[str, str]], settings: SummarySettings, folder: Path, effects: Effects | None = None
) -> None:
    """Write relative_effects.csv, ranking.csv and heterogeneity.csv; header only for networks with counts.

    Parameters
    ----------
    evidence : rows
        Of the studies that enter the model.
    settings : SummarySettings
    folder : path
        results/<analysis>/<outcome>/frequentist
    effects : Effects, optional
        The headline model; by default additive components.
    """
    without = replace(effects or Effects(), settings=False, classes={}, varying=None)
    relative, ranking, heterogeneity = _tables(evidence, settings, without)
    write_table(folder / "relative_effects.csv", relative, RELATIVE_COLUMNS)
    write_table(folder / "ranking.csv", ranking, RANKING_COLUMNS)
    write_table(folder / "heterogeneity.csv", heterogeneity, HETEROGENEITY_COLUMNS)


def _tables(
    evidence: Sequence[Mapping[str, str]], settings: SummarySettings, effects: Effects
) -> tuple[Rows, Rows, Rows]:
    likelihood = settings.likelihood
    if not LIKELIHOODS[likelihood].is_gaussian and not all(is_contrast(row) for row in used_rows(evidence)):
        return [], [], []
    structure = Structure.of(settings.treatments)
    arms = used_arms(evidence)
    predictor = Predictor.build(structure, effects, arms)
    studies = gaussian_units(evidence, predictor, likelihood, settings.overlaps, bias=settings.bias)
    treatments = received(arms, structure.regimens)
    rows = predictor.effect_rows()[0][[structure.regimens.index(t) for t in treatments]]
    tau = frequentist.reml_tau(studies)
    found = frequentist.relative_effects(fit_given_tau(studies, tau or 0.0), treatments, rows)
    return relative_rows(found, settings), _ranking(found, settings.better), _heterogeneity(studies, tau)


def relative_rows(effects: frequentist.RelativeEffects, settings: ComparisonSettings) -> Rows:
    """Give the effects of all ordered pairs of treatments; rows with `RELATIVE_COLUMNS`."""
    natural = np.exp if settings.ratio else np.asarray
    return [
        {
            "treatment": t,
            "comparator": c,
            "measure": settings.measure,
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


def _heterogeneity(studies: Sequence[Unit], tau: float | None) -> Rows:
    """Tau, and Q in total, within and between designs; an empty value is not assessable.

    Q between designs beyond heterogeneity is the design-by-treatment test (Higgins 2012; netmeta's ``decomp.design``):
    with the heterogeneity within designs, by moments, and without any where no design has two studies.
    """
    rows: Rows = [
        {"statistic": "tau (restricted maximum likelihood)", "value": tau},
        {"statistic": "tau (method of moments)", "value": frequentist.moments_tau(studies)},
    ]
    parts = frequentist.q_statistics(studies)
    beyond = frequentist.q_statistics(studies, frequentist.moments_tau(studies, within_designs=True) or 0.0)
    named = [
        ("Q total", "", parts.total),
        ("Q within designs", "", parts.within),
        ("Q between designs", "", parts.between),
        (BEYOND_HETEROGENEITY, "", beyond.between),
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
