"""Sensitivity: the same contrasts across analyses, and with each study left out."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from nma.evidence.tables import mix
from nma.inference import exact, reliability
from nma.inference.fit import Fit, FitTask
from nma.inference.mixture import refine
from nma.inference.sampling import fit_seed
from nma.inference.widening import prior_covariances
from nma.network.arms import is_contrast, rows_with, used_arms, used_rows
from nma.summaries.candidates import RANKED
from nma.summaries.posterior import Posterior
from nma.summaries.ranking import rank_treatments
from nma.summaries.relative_effects import relative_effects
from nma.tables import read_table, write_table

COLUMNS = (
    "analysis",
    "outcome",
    "model",
    "setting",
    "treatment",
    "comparator",
    "estimate",
    "estimate_lower",
    "estimate_upper",
    "p_better",
    *RANKED,
    "evidence",
)
ADJUSTMENTS = ("adjusted", "matched", "crude", "unstated")
DRAWS = 10_000  # from the exact posterior, for ranks

Row = Mapping[str, Any]


def compare_analyses(
    results: Path,
    fits: Iterable[tuple[str, str]],
    models: Sequence[str],
    left_out: Sequence[str],
    output: str,
    solved: Sequence[str] = (),
) -> None:
    """Write summary/sensitivity.csv: every contrast of every fit, the rank of its treatment, and its adjustment.

    Parameters
    ----------
    left_out, solved : paths
        Tables of `leave_one_out`, and of `solve` for the analyses of the exact engine, beside their evidence.
    """
    rows: list[dict[str, Any]] = []
    for analysis, outcome in fits:
        behind = _behind(read_table(results / analysis / outcome / "evidence.csv"))
        for model in models:
            folder = results / analysis / outcome / model
            names = {"analysis": analysis, "outcome": outcome, "model": model, **behind}
            rows += _rows(names, read_table(folder / "relative_effects.csv"), read_table(folder / "ranking.csv"))
    for file in map(Path, left_out):
        evidence = read_table(file.with_name("evidence.csv"))
        without = {
            left_out_analysis(file.parts[-3], study): _behind([row for row in evidence if row["study"] != study])
            for study in dict.fromkeys(row["study"] for row in evidence)
        }
        rows += [{**row, **without[row["analysis"]]} for row in read_table(file)]
    for file in map(Path, solved):
        behind = _behind(read_table(file.with_name("evidence.csv")))
        rows += [{**row, **behind} for row in read_table(file)]
    rows.sort(key=lambda row: tuple(row[key] for key in ("outcome", "model", "setting", "treatment", "comparator")))
    write_table(output, rows, (*COLUMNS, "adjustment", "evidence_digest"))


def left_out_analysis(analysis: str, study: str) -> str:
    """Name of an analysis without one of its studies."""
    return f"{analysis}_without_{study}"


def _behind(evidence: Sequence[Row]) -> dict[str, str]:
    """Say what is behind a fit: how its studies are adjusted, and a digest of the evidence that enters it."""
    return {"adjustment": adjustments(evidence), "evidence_digest": evidence_digest(evidence)}


def evidence_digest(evidence: Iterable[Row]) -> str:
    """Digest of the rows that enter a fit; two fits of one model with equal digests are one."""
    said = ("used", "informative", "reason")
    rows = sorted(sorted((key, row[key]) for key in row if key not in said) for row in used_rows(evidence))
    return sha256(repr(rows).encode()).hexdigest()[:16]


def adjustments(evidence: Iterable[Row]) -> str:
    """Count the studies of a fit by how their effects are adjusted, as one cell: ``adjusted:4 crude:1``.

    Figures by arm are crude; a table of contrasts does not say.
    """
    found = {
        (row["study"], (row["adjustment"] or "unstated") if is_contrast(row) else "crude")
        for row in used_rows(evidence)
    }
    return mix(Counter(sorted((kind for _, kind in found), key=ADJUSTMENTS.index)))


def _rows(names: Mapping[str, str], relative: Sequence[Row], ranking: Sequence[Row]) -> list[dict[str, Any]]:
    ranks = {(row["setting"], row["treatment"]): row for row in ranking}
    return [
        {
            **names,
            **{key: row[key] for key in COLUMNS if key in row},
            **{key: ranks[row["setting"], row["treatment"]][key] for key in RANKED},
        }
        for row in relative
    ]


def solve(evidence: str, fit: Mapping[str, Any], summary: Mapping[str, Any], output: str) -> None:
    """Solve every model of one outcome by the exact engine, and write the contrasts."""
    rows = read_table(evidence)
    write_table(output, _exact_rows(rows, fit, summary, fit["analysis"]), COLUMNS)


def leave_one_out(evidence: str, fit: Mapping[str, Any], summary: Mapping[str, Any], output: str) -> None:
    """Refit every model without each informative study in turn, by the exact engine, and write the contrasts.

    A study whose removal leaves no evidence is skipped: there is nothing left to fit. So is a refit about which the
    engine says that it cannot be relied on; the log of the job names it.
    """
    everything = read_table(evidence)
    rows: list[dict[str, Any]] = []
    for study in dict.fromkeys(row["study"] for row in everything if row["used"] == "true"):
        kept = [row for row in everything if row["study"] != study]
        if any(row["used"] == "true" for row in kept):
            rows += _exact_rows(kept, fit, summary, left_out_analysis(fit["analysis"], study))
    write_table(output, rows, COLUMNS)


def _reliably(fit: Fit) -> reliability.Solution:
    """Refit with few draws, and with more where the engine says that they do not do."""
    few, many = (exact.effort(fit.data, fit.scales, factor, replicates=4) for factor in (1, 8))
    solution = reliability.solve(fit.data, fit.scales, few)
    return solution if solution.posterior else reliability.solve(fit.data, fit.scales, many)


def _exact_rows(
    evidence: list[dict[str, str]], fit: Mapping[str, Any], summary: Mapping[str, Any], analysis: str
) -> list[dict[str, Any]]:
    """Contrasts of every model of an analysis, solved without draws."""
    task = FitTask.from_rows(evidence, fit)
    informed = [model for model, each in task.fits.items() if each.data.studies]
    return [row for model in informed for row in _model_rows(task, model, evidence, summary, analysis)]


def _model_rows(
    task: FitTask, model: str, evidence: list[dict[str, str]], summary: Mapping[str, Any], analysis: str
) -> list[dict[str, Any]]:
    fit = task.fits[model]
    scales, effect_rows = fit.scales, fit.data.predictor.effect_rows()
    solution = _reliably(fit)
    grid = solution.posterior
    covariances = prior_covariances(fit.data, scales, grid, decide=False) if grid else None
    if grid is None or covariances is None:
        why = solution.reason or "it cannot be relied on under a doubled prior"
        print(f"{analysis}, {task.outcome}, {model}: left out, exact engine: {why}", file=sys.stderr)
        return []
    coefficients, tau, omega = grid.draws(DRAWS, fit_seed(task.seed, analysis, task.outcome, model))
    posterior = Posterior(
        np.einsum("dk,srk->dsr", coefficients, effect_rows, optimize=True),
        effect_rows,
        scales.coefficients(fit.data.predictor, scales.omega),
        fit.data.predictor.effects.settings,
        tau if scales.tau else None,
        omega if scales.omega else None,
        scales,
        covariances,
        True,
        {key: refine(*grid.marginal(key)) for key in ("tau", "omega") if getattr(scales, key)},
    )
    arms = used_arms(rows_with(evidence, fit.data.predictor.effects.covariate))
    relative = relative_effects(posterior, arms, task.structure, summary, predict=False)
    ranking, _ = rank_treatments(posterior, arms, task.structure, summary, relative)
    return _rows({"analysis": analysis, "outcome": task.outcome, "model": model}, relative, ranking)
