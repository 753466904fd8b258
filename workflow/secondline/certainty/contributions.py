"""The tables contributions.csv and weights.csv: which studies carry an effect, and how much of it is the prior."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondline.cell_values import AT_MODE, AT_MODE_CUTS_FIXED, BY_COVARIANCE, NOT_ASSESSABLE, OVERALL, PRIOR_SHARE
from secondline.certainty.information import Information, information_of
from secondline.certainty.shares import Shares, shares_of
from secondline.inference.exact import GridPosterior
from secondline.inference.reliability import Solution, solve_reliably
from secondline.inference.settings import FitSettings
from secondline.inference.task import Fit, FitTask
from secondline.network.arms import rows_with, used_arms
from secondline.network.graph import received
from secondline.network.overlap import Overlap
from secondline.network.structure import Floats
from secondline.tables import read_table, write_table

PAIR = ("model", "setting", "treatment", "comparator")
COLUMNS = (*PAIR, "study", "share", "share_lower", "share_upper", "weight", "method")
WEIGHT_COLUMNS = (*PAIR, "study", "treatment_arm", "comparator_arm", "weight", "method")
MOST_ROWS = 200_000
"""Of contributions.csv for one model; beyond, not all pairs of treatments are compared."""
EQUAL = f"{NOT_ASSESSABLE}: the model takes both for equal"
_NEGLIGIBLE = 1e-6
"""Posterior weight of all points of the grid together that are left out."""

Row = Mapping[str, str]
Rows = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Rows of contributions.csv and of weights.csv."""

    contributions: Rows
    weights: Rows


@dataclass(frozen=True)
class _Pair:
    setting: str
    treatment: str
    comparator: str
    row: Floats

    def names(self, model: str) -> dict[str, str]:
        return dict(zip(PAIR, (model, self.setting, self.treatment, self.comparator), strict=True))


def trace_contributions(evidence: str, fit: FitSettings, outputs: Sequence[str]) -> None:
    """Write contributions.csv and weights.csv for every model of a fit."""
    rows = read_table(evidence)
    found = [
        find_contributions(rows, one, fit.likelihood, model, overlaps=fit.overlaps)
        for model, one in FitTask.from_rows(rows, fit).fits.items()
    ]
    write_table(outputs[0], [row for tables in found for row in tables.contributions], COLUMNS)
    write_table(outputs[1], [row for tables in found for row in tables.weights], WEIGHT_COLUMNS)


def find_contributions(
    evidence: Sequence[Row],
    fit: Fit,
    likelihood: str,
    model: str,
    solution: Solution | None = None,
    overlaps: Sequence[Overlap] = (),
    most_rows: int = MOST_ROWS,
) -> Tables:
    """Find the shares of all studies, and of the prior, in the effects between any two treatments in every setting.

    Parameters
    ----------
    evidence : rows
        Evidence table of the fit.
    fit : Fit
    likelihood : str
        Name of the likelihood of the arm rows.
    model : str
        Name of the model.
    solution : Solution, optional
        Of the fit by the exact engine; by default it is solved.
    overlaps : sequence of Overlap
        Patients whom studies of the fit share.
    most_rows : int
        If all pairs would take more rows, the comparisons are those with the reference and those of treatments that
        follow each other in the order of their posterior means.
    """
    solution = solution or solve_reliably(fit.data, fit.scales)
    posterior = solution.posterior
    pairs = _pairs(evidence, fit, posterior, most_rows)
    if posterior is None:
        reason = f"{NOT_ASSESSABLE}: {solution.reason}"
        return Tables(contributions=[{**pair.names(model), "method": reason} for pair in pairs], weights=[])
    points, weights = _points(posterior)
    information = information_of(evidence, fit, likelihood, posterior, points, overlaps)
    prior_sd = _prior_sd(fit, posterior)[points % len(posterior.omega.points)]
    different = [pair for pair in pairs if pair.row.any()]
    rows = np.array([pair.row for pair in different]).reshape(-1, fit.data.n_coefficients)
    shares = shares_of(information, prior_sd, weights, rows)
    method = BY_COVARIANCE
    if len(fit.data.counts.study):
        method = AT_MODE_CUTS_FIXED if fit.data.n_cuts else AT_MODE
    contributions: Rows = [{**pair.names(model), "method": EQUAL} for pair in pairs if not pair.row.any()]
    of_weights: Rows = []
    for k, pair in enumerate(different):
        known = {**pair.names(model), "method": method}
        contributions += [{**known, **row} for row in _share_rows(information, shares, k)]
        of_weights += [
            {**known, "study": study, "treatment_arm": treatment, "comparator_arm": comparator, "weight": weight}
            for (study, treatment, comparator), weight in zip(information.figures, shares.weights[k], strict=True)
        ]
    return Tables(contributions=contributions, weights=of_weights)


def _share_rows(information: Information, shares: Shares, k: int) -> Iterator[dict[str, Any]]:
    """Rows of one contrast; a study of several contrasts has no single weight."""
    by_study: dict[str, list[float]] = {}
    for (study, *_), weight in zip(information.figures, shares.weights[k], strict=True):
        by_study.setdefault(study, []).append(float(weight))
    for s, study in enumerate((*information.studies, PRIOR_SHARE)):
        own = by_study.get(study, [])
        yield {
            "study": study,
            "share": float(shares.mean[k, s]),
            "share_lower": float(shares.lower[k, s]),
            "share_upper": float(shares.upper[k, s]),
            "weight": own[0] if len(own) == 1 else None,
        }


def _pairs(evidence: Sequence[Row], fit: Fit, posterior: GridPosterior | None, most_rows: int) -> list[_Pair]:
    """Pairs of treatments that any arm received, the one that comes first in the network as comparator."""
    predictor, structure = fit.data.predictor, fit.data.predictor.structure
    treatments = received(used_arms(rows_with(evidence, predictor.effects.needs)), structure.regimens)
    blocks = predictor.effect_rows()
    settings = (OVERALL, *structure.settings)
    places = [structure.regimens.index(name) for name in treatments]
    names = structure.regimens[structure.reference], *treatments
    reference = treatments.index(next(name for name in names if name in treatments))
    every = list(combinations(range(len(places)), 2))
    in_full = len(every) * len(settings) * (len(fit.data.studies) + 1) <= most_rows
    result = []
    for setting, block in zip(settings, blocks, strict=True):
        chosen = every
        if posterior and not in_full:
            chosen = _followers(posterior.mixture(block[places]).mean(), reference)
        result += [_Pair(setting, treatments[t], treatments[c], block[places[t]] - block[places[c]]) for c, t in chosen]
    return result


def _followers(means: Floats, reference: int) -> list[tuple[int, int]]:
    """Pairs with the reference, and of treatments that follow each other in the order of their means."""
    pairs = [*pairwise(np.argsort(means, kind="stable").tolist()), *((reference, k) for k in range(len(means)))]
    return sorted({(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]})


def _points(posterior: GridPosterior) -> tuple[NDArray[np.int64], Floats]:
    """Points of the grid that hold all but a negligible part of the posterior, and their weights."""
    weights = posterior.component_weights().sum(axis=(0, 2))
    order = np.argsort(-weights, kind="stable")
    before = np.cumsum(weights[order]) - weights[order]
    points = np.sort(order[before < weights.sum() - _NEGLIGIBLE])
    return points, weights[points] / weights[points].sum()


def _prior_sd(fit: Fit, posterior: GridPosterior) -> Floats:
    """Prior standard deviations of the coefficients at every omega of the grid, (omegas, coefficients)."""
    return np.stack([fit.scales.coefficients(fit.data.predictor, omega) for omega in posterior.omega.points])
