"""The models that the report's page solves by itself: everything its engine needs, as data.

A study enters by its contrasts as they are read (effects, covariance, arms), so that the page can leave it out, read it
otherwise, move it or add another, and solve again. The page whitens, lays the grid and decides as
`secondline.inference.exact` and `secondline.doubt.decision` do; tests hold it to them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from secondline.cell_values import OVERALL
from secondline.doubt.question import Question
from secondline.inference import exact
from secondline.inference.settings import FitSettings
from secondline.inference.task import Fit, FitTask
from secondline.inference.widening import PRIOR_DRIVEN
from secondline.likelihoods import LIKELIHOODS
from secondline.network.arms import Arm, baseline_first, is_contrast, used_arms, used_rows
from secondline.network.data import ContrastBlock, Row, contrast_blocks, joined
from secondline.network.graph import differences
from secondline.network.predictor import EFFECT, EXCHANGEABLE, INTERACTION, SLOPE, Predictor
from secondline.network.structure import Floats, Structure
from secondline.summaries.settings import ComparisonSettings
from secondline.tables import read_table, write_text
from secondline.thresholds import LEAST_P_BETTER

_COUNTS = "the page cannot recompute outcomes that count patients"
_COVARIATE = "has a covariate, whose centre moves with the studies"
_PRIOR = "has another prior of a standard deviation than a half-normal one, and the page solves no other"
_UNEQUAL = "has a heterogeneity of its own for every group of studies"
_OWN_SDS = "has a standard deviation of its own for every class"
_NO_CONSISTENCY = "does not hold all effects together"
_KINDS = {EFFECT: "effect", SLOPE: "slope", EXCHANGEABLE: "omega", INTERACTION: "interaction"}
_DECLARED = "as declared"


@dataclass(frozen=True)
class Reading:
    """One way to read a study: the rows of evidence that enter, and what it is called."""

    label: str
    declared: bool
    rows: tuple[Row, ...]
    select: str = ""
    """How `select:` of an analysis makes this choice, as JSON."""


def write_page_models(
    evidence: str, alternatives: str | None, fit: FitSettings, comparison: ComparisonSettings, output: str | Path
) -> None:
    """Write page_models.json of an outcome.

    Parameters
    ----------
    evidence, alternatives : path
        Evidence table of the fits, and the table of other readings where the analysis has one.
    """
    other = read_table(alternatives) if alternatives else []
    found = page_models(read_table(evidence), other, fit, comparison)
    write_text(output, json.dumps(found, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n")


def page_models(
    evidence: Sequence[Row], alternatives: Sequence[Row], fit: FitSettings, comparison: ComparisonSettings
) -> dict[str, Any]:
    """Put the models of an outcome into data for the page.

    Parameters
    ----------
    evidence : rows
    alternatives : rows
        Of alternatives.csv: other readings of studies, by axis and level.

    Returns
    -------
    dict
        ``reason`` alone where the page cannot solve the outcome; otherwise what is asked, ``models`` by name, why
        others are ``withheld``, ``studies`` with their readings, and ``cross``, covariances between studies that share
        patients.
    """
    rows = used_rows(evidence)
    if not all(is_contrast(row) for row in rows) and not LIKELIHOODS[fit.likelihood].is_gaussian:
        return {"reason": _COUNTS}
    found = FitTask.from_rows(rows, fit).fits
    withheld = {name: why for name, one in found.items() if (why := _why_not_offered(one))}
    fits = {name: one for name, one in found.items() if name not in withheld}
    if not fits:
        return {"reason": f"every model {next(iter(withheld.values()))}"}
    structure = Structure.of(fit.treatments)
    predictors = {name: one.data.predictor for name, one in fits.items()}
    return {
        "regimens": list(structure.regimens),
        "settings": [OVERALL, *structure.settings],
        "parts": structure.matrix.sum(axis=1).astype(int).tolist(),
        "reference": comparison.reference,
        "sign": 1 if comparison.better == "higher" else -1,
        "ratio": comparison.ratio,
        "barred": {place: list(names) for place, names in comparison.not_candidates.items()},
        "limits": {"widening": PRIOR_DRIVEN, "pBetter": LEAST_P_BETTER},
        "withheld": withheld,
        "models": {name: _model(one) | {"declared": _solved(one, rows, comparison)} for name, one in fits.items()},
        "studies": [
            {"study": study, "readings": [_reading(one, predictors, fit) for one in readings]}
            for study, readings in _readings(rows, alternatives).items()
        ],
        "cross": _cross(rows, next(iter(predictors.values())), fit),
    }


def _why_not_offered(fit: Fit) -> str:
    """Say why the page does not solve a model; nothing of one that it does.

    It solves those whose rows of a study depend on no other study, with half-normal priors of tau and omega.
    """
    effects = fit.data.predictor.effects
    if effects.slopes:
        return _COVARIATE
    if effects.groups:
        return _UNEQUAL
    if effects.own_class_sds:
        return _OWN_SDS
    if effects.unrelated or effects.split:
        return _NO_CONSISTENCY
    return _PRIOR if None in (fit.scales.tau.page_scale, fit.scales.omega.page_scale) else ""


def _readings(rows: Sequence[Row], alternatives: Sequence[Row]) -> dict[str, list[Reading]]:
    """List the readings of every study, the declared one first; two of equal rows are one."""
    found: dict[str, list[Reading]] = {study: [Reading(_DECLARED, True, own)] for study, own in _by_study(rows).items()}
    others: dict[tuple[str, str, str, str], list[Row]] = {}
    for row in used_rows(alternatives):
        others.setdefault((row["axis"], row["label"], row["study"], row["select"]), []).append(row)
    for (_, label, study, select), own in others.items():
        known = found.setdefault(study, [])
        if all(_figures(own) != _figures(reading.rows) for reading in known):
            known.append(Reading(label, False, tuple(own), select))
    return found


_READ = (
    *("effect", "se", "covariances", "baseline_se", "mean", "setting_mix"),
    *("treatment_mix", "comparator_mix", "arm_mix", "treatment_settings", "comparator_settings", "arm_settings"),
)


def _figures(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Keep of rows what a fit reads."""
    return [tuple(row.get(column, "") for column in _READ) for row in rows]


def _by_study(rows: Sequence[Row]) -> dict[str, tuple[Row, ...]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["study"], []).append(row)
    return {study: tuple(own) for study, own in found.items()}


def _model(fit: Fit) -> dict[str, Any]:
    """Describe a model without its data: coefficients, prior scales, the effect of every regimen by setting."""
    predictor, scales = fit.data.predictor, fit.scales
    judged = predictor.estimated
    return {
        "coefficients": predictor.names,
        "kinds": [_KINDS[int(kind)] for kind in predictor.kinds],
        "scales": {
            **{name: getattr(scales, name) for name in ("effect", "slope", "interaction")},
            **{name: getattr(scales, name).page_scale for name in ("tau", "omega")},
        },
        "effects": [[_sparse(row) for row in block] for block in predictor.effect_rows()],
        "judged": {
            "size": judged.n_coefficients,
            "effects": [_sparse(row) for row in judged.effect_rows()[0]],
        },
    }


def _solved(fit: Fit, rows: Sequence[Row], comparison: ComparisonSettings) -> list[list[list[float]]]:
    """Solve the declared analysis: by setting and candidate, mean, sd and 95% limits of the effect on its reference."""
    posterior = exact.posterior(fit.data, fit.scales)
    contests = Question.of(fit, used_arms(rows), comparison).contests
    return [posterior.mixture(one.rows - one.reference_row).summary().T.tolist() for one in contests]


def _reading(reading: Reading, predictors: Mapping[str, Predictor], fit: FitSettings) -> dict[str, Any]:
    """Describe a study as one reading gives it: contrasts y with their covariance, its arms, and its rows by model."""
    blocks = {name: _block(reading.rows, one, fit) for name, one in predictors.items()}
    block = next(iter(blocks.values()))
    arms = baseline_first(reading.rows)
    return {
        "label": reading.label,
        "declared": reading.declared,
        "select": json.loads(reading.select or "null"),
        "y": block.y.tolist(),
        "covariance": block.variance.tolist(),
        "treatments": list(block.treatments),
        "arms": [_arm(arm) for arm in arms],
        "rows": {name: [_sparse(row) for row in one.rows] for name, one in blocks.items()},
        "spans": {name: [_sparse(row) for row in differences(arms, one.estimated)] for name, one in predictors.items()},
    }


def _block(rows: Sequence[Row], predictor: Predictor, fit: FitSettings) -> ContrastBlock:
    (block,) = contrast_blocks(rows, predictor, fit.likelihood, fit.bias)
    return block


def _arm(arm: Arm) -> dict[str, Any]:
    """Describe an arm: its patients by regimen and by setting."""
    return {"n": arm.n, "regimens": arm.regimens, "settings": arm.settings, "own": arm.own_settings}


def _cross(rows: Sequence[Row], predictor: Predictor, fit: FitSettings) -> list[dict[str, Any]]:
    """Covariances between the contrasts of two studies that share patients, as declared."""
    found = []
    for blocks, covariance in joined(contrast_blocks(rows, predictor, fit.likelihood, fit.bias), fit.overlaps):
        ends = np.cumsum([0, *(len(block.y) for block in blocks)])
        for (i, first), (j, second) in combinations(enumerate(blocks), 2):
            part = covariance[ends[i] : ends[i + 1], ends[j] : ends[j + 1]]
            if part.any():
                found.append({"studies": [first.name, second.name], "covariance": part.tolist()})
    return found


def _sparse(row: Floats) -> list[list[float]]:
    """Places and values of what is not 0 in a row."""
    at = np.flatnonzero(row)
    return [at.tolist(), row[at].tolist()]
