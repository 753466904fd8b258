"""Sensitivity: the same contrasts across analyses, and with each study left out."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from secondline.cells import left_out_name, mix
from secondline.inference.fitted import solved
from secondline.inference.sampling import fit_seed
from secondline.inference.settings import FitSettings
from secondline.inference.task import FitTask
from secondline.inference.widening import solve_and_assess
from secondline.layout import RANKED, SOLVED_DRAWS
from secondline.network.arms import is_contrast, rows_with, used_arms, used_rows
from secondline.network.bias import Bias
from secondline.network.overlap import Overlap
from secondline.summaries.posterior import posterior_of
from secondline.summaries.ranking import rank_treatments
from secondline.summaries.relative_effects import relative_effects
from secondline.summaries.settings import SummarySettings
from secondline.tables import read_table, write_table

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
    "engine",
)
ADJUSTMENTS = ("adjusted", "matched", "crude", "unstated")
DRAWS = SOLVED_DRAWS

Row = Mapping[str, Any]


def compare_analyses(
    results: Path,
    fits: Iterable[tuple[str, str]],
    models: Sequence[str],
    left_out: Sequence[str],
    output: str,
    solved: Sequence[str] = (),
    overlaps: Mapping[tuple[str, str], Sequence[Overlap]] | None = None,
    biases: Mapping[tuple[str, str], Bias] | None = None,
) -> None:
    """Write summary/sensitivity.csv: every contrast of every fit, the rank of its treatment, and its adjustment.

    Parameters
    ----------
    left_out, solved : paths
        Tables of `leave_one_out`, and of `solve` for the analyses of the exact engine, beside their evidence.
    overlaps : mapping, optional
        Patients whom studies share, by analysis and outcome: they enter the digest of the evidence.
    biases : mapping, optional
        Biases taken from the studies, by analysis and outcome: so do they.
    """
    rows: list[dict[str, Any]] = []

    def behind_of(evidence: Sequence[Row], fit: tuple[str, str]) -> dict[str, str]:
        return _behind(evidence, (overlaps or {}).get(fit, ()), (biases or {}).get(fit))

    for analysis, outcome in fits:
        table = read_table(results / analysis / outcome / "evidence.csv")
        behind = behind_of(table, (analysis, outcome))
        for model in models:
            folder = results / analysis / outcome / model
            names = {"analysis": analysis, "outcome": outcome, "model": model, **behind}
            rows += _rows(names, read_table(folder / "relative_effects.csv"), read_table(folder / "ranking.csv"))
    for file in map(Path, left_out):
        evidence = read_table(file.with_name("evidence.csv"))
        without = {
            left_out_name(file.parts[-3], study): behind_of(
                [row for row in evidence if row["study"] != study], (file.parts[-3], file.parts[-2])
            )
            for study in dict.fromkeys(row["study"] for row in evidence)
        }
        rows += [{**row, **without[row["analysis"]]} for row in read_table(file)]
    for file in map(Path, solved):
        behind = behind_of(read_table(file.with_name("evidence.csv")), (file.parts[-3], file.parts[-2]))
        rows += [{**row, **behind} for row in read_table(file)]
    rows.sort(key=lambda row: tuple(row[key] for key in ("outcome", "model", "setting", "treatment", "comparator")))
    write_table(output, rows, (*COLUMNS, "adjustment", "evidence_digest"))


def _behind(evidence: Sequence[Row], overlaps: Sequence[Overlap], bias: Bias | None) -> dict[str, str]:
    """Say what is behind a fit: how its studies are adjusted, and a digest of the evidence that enters it."""
    return {"adjustment": adjustments(evidence), "evidence_digest": evidence_digest(evidence, overlaps, bias)}


def evidence_digest(evidence: Iterable[Row], overlaps: Sequence[Overlap] = (), bias: Bias | None = None) -> str:
    """Digest of the rows that enter a fit, of the patients whom their studies share, and of the bias of these.

    Two fits of one model with equal digests are one.
    """
    said = ("used", "informative", "reason")
    used = used_rows(evidence)
    rows = sorted(sorted((key, row[key]) for key in row if key not in said) for row in used)
    studies = {row["study"] for row in used}
    shared = [overlap for overlap in overlaps if set(overlap.studies) <= studies]
    own = bias.of(studies) if bias else None
    taken = [own] if own and own.contrasts and (own.mean or own.sd) else []
    more = (shared, taken) if taken else (shared,) if shared else ()
    return sha256(repr((rows, *more) if more else rows).encode()).hexdigest()[:16]


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


def solve(evidence: str, fit: FitSettings, summary: SummarySettings, output: str) -> None:
    """Solve every model of one outcome by the exact engine, and write the contrasts."""
    rows = read_table(evidence)
    write_table(output, exact_rows(rows, fit, summary, fit.analysis), COLUMNS)


def leave_one_out(evidence: str, fit: FitSettings, summary: SummarySettings, output: str) -> None:
    """Refit every model without each informative study in turn, by the exact engine, and write the contrasts.

    A study whose removal leaves no evidence is skipped: there is nothing left to fit. So is a refit about which the
    engine says that it cannot be relied on; the log of the job names it.
    """
    everything = read_table(evidence)
    rows: list[dict[str, Any]] = []
    for study in dict.fromkeys(row["study"] for row in everything if row["used"] == "true"):
        kept = [row for row in everything if row["study"] != study]
        if any(row["used"] == "true" for row in kept):
            rows += exact_rows(kept, fit, summary, left_out_name(fit.analysis, study))
    write_table(output, rows, COLUMNS)


def exact_rows(
    evidence: list[dict[str, str]], fit: FitSettings, summary: SummarySettings, analysis: str
) -> list[dict[str, Any]]:
    """Solve every model of one outcome without Markov chains, and give its contrasts.

    Parameters
    ----------
    evidence : rows of evidence.csv
        Of one fit.
    analysis : str
        Name of the analysis in the rows, from which the draws behind ranks have their seed.

    Returns
    -------
    list of dict
        Rows with `COLUMNS`. A model without a study, or about which the engine cannot be relied on, has none; the
        reason is printed.
    """
    task = FitTask.from_rows(evidence, fit)
    informed = [model for model, each in task.fits.items() if each.data.studies]
    return [row for model in informed for row in _model_rows(task, model, evidence, summary, analysis)]


def _model_rows(
    task: FitTask, model: str, evidence: list[dict[str, str]], summary: SummarySettings, analysis: str
) -> list[dict[str, Any]]:
    fit = task.fits[model]
    found = solve_and_assess(fit.data, fit.scales)
    if found.covariances is None:
        print(f"{analysis}, {task.outcome}, {model}: left out, exact engine: {found.reason}", file=sys.stderr)
        return []
    seed = fit_seed(task.seed, analysis, task.outcome, model)
    posterior = posterior_of(solved(fit, found.solution, found.covariances, DRAWS, seed))
    effects = fit.data.predictor.effects
    arms = used_arms(rows_with(evidence, effects.needs))
    relative = relative_effects(posterior, arms, task.structure, summary, predict=False, effects=effects)
    ranking, _ = rank_treatments(posterior, arms, task.structure, summary, relative)
    return _rows({"analysis": analysis, "outcome": task.outcome, "model": model}, relative, ranking)
