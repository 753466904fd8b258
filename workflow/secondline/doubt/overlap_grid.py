"""How the ranking depends on the patients whom two studies share: from none of them to the most that are possible.

Each pair of studies is varied on its own, everything else as in the analysis. Beside the grid there are the network
without either study, which is what is done where nothing is known of an overlap, and the largest correlation with which
the covariance is not singular. Counts have no correlation: of these only none, the best guess and the bound are solved.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.linalg import block_diag

from secondline.doubt.decision import Decision
from secondline.doubt.question import Question
from secondline.doubt.solved import solve_and_decide
from secondline.inference.exact import GridPosterior
from secondline.inference.settings import FitSettings
from secondline.inference.task import FitTask
from secondline.network.arms import rows_with, used_arms
from secondline.network.clusters import largest_factor
from secondline.network.data import ContrastBlock, contrast_blocks, joined
from secondline.network.overlap import Overlap
from secondline.network.structure import Floats
from secondline.summaries.settings import SummarySettings
from secondline.tables import read_table, write_table

COLUMNS = (
    "studies",
    "level",
    "patients",
    "correlation",
    "setting",
    "first",
    "candidate_sucra",
    "runner_up",
    "measure",
    "mean",
    "lower",
    "upper",
    "estimate",
    "estimate_lower",
    "estimate_upper",
    "p_better",
    "not_named",
    "tau_median",
    "tau_lower",
    "tau_upper",
    "reason",
)
NONE, GRID, BEST, BOUND, LARGEST = "none", "grid", "best", "bound", "largest"
_PARTS = (0.25, 0.5, 0.75)  # of the bound, between none and all of it
_QUANTILES = np.array([0.025, 0.5, 0.975])

Row = Mapping[str, str]


@dataclass(frozen=True)
class _Level:
    """One state of an overlap: what the studies share, or which of them is left out."""

    name: str
    overlaps: tuple[Overlap, ...]
    without: str = ""


def explore_overlap(
    evidence: str,
    fit: FitSettings,
    summary: SummarySettings,
    model: str,
    declared: tuple[Sequence[Overlap], Sequence[Overlap]],
    output: str | Path,
) -> None:
    """Write doubt/overlap.csv: the decision in every setting at every level of every overlap.

    Parameters
    ----------
    evidence : path
        Evidence table of the fits.
    model : str
    declared : pair of sequences of Overlap
        The best guess and the bound, in the same order.
    """
    rows = read_table(evidence)
    write_table(output, overlap_rows(rows, fit, summary, model, declared), COLUMNS)


def overlap_rows(
    evidence: Sequence[Row],
    fit: FitSettings,
    summary: SummarySettings,
    model: str,
    declared: tuple[Sequence[Overlap], Sequence[Overlap]],
) -> list[dict[str, Any]]:
    """Decide at every level of every overlap; see `explore_overlap`."""
    best, bound = declared
    rows = rows_with(evidence, fit.models[model].effects.needs)
    predictor = FitTask.from_rows(evidence, replace(fit, overlaps=())).fits[model].data.predictor
    blocks = contrast_blocks(rows, predictor, fit.likelihood)
    result = []
    used = {row["study"] for row in rows}
    for pair in dict.fromkeys(overlap.studies for overlap in bound if set(overlap.studies) <= used):
        guess, most = (tuple(overlap for overlap in each if overlap.studies == pair) for each in (best, bound))
        others = tuple(overlap for overlap in fit.overlaps if overlap.studies != pair)
        members = sorted((block for block in blocks if block.name in pair), key=lambda block: pair.index(block.name))
        for level in _levels(guess, most, members):
            kept = [row for row in evidence if row["study"] != level.without]
            if any(row["used"] == "true" for row in kept):
                at = {
                    "studies": " ".join(pair),
                    "level": level.name,
                    "patients": sum(arm.patients for overlap in level.overlaps for arm in overlap.arms),
                    "correlation": _correlation(level.overlaps, members) if not level.without else None,
                }
                if level.without or level.name == LARGEST:
                    at["patients"] = None
                settings = replace(fit, overlaps=others + level.overlaps)
                result += [{**at, **row} for row in _decided(kept, settings, summary, model)]
    return result


def _levels(best: tuple[Overlap, ...], bound: tuple[Overlap, ...], blocks: Sequence[ContrastBlock]) -> list[_Level]:
    """List what two studies may share; ``blocks`` are their contrasts, none where they give counts."""
    pair = bound[0].studies
    levels = [_Level(NONE, ()), *([_Level(GRID, _by(bound, part)) for part in _PARTS] if blocks else [])]
    levels += [_Level(BEST, best), _Level(BOUND, bound)]
    if blocks:
        levels.append(_Level(LARGEST, (_largest(bound, blocks),)))
    return [*levels, *(_Level(f"without {study}", (), study) for study in pair)]


def _by(overlaps: Sequence[Overlap], factor: float) -> tuple[Overlap, ...]:
    return tuple(overlap.scaled(factor) for overlap in overlaps)


def _correlations(overlaps: Sequence[Overlap], blocks: Sequence[ContrastBlock]) -> tuple[Floats, Floats]:
    """Covariance of the contrasts of both studies without what they share, and what they share, (n, n) each."""
    few = 1e-3  # of the patients, with which no covariance is singular
    ((_, covariance),) = joined(blocks, _by(overlaps, few))
    alone = block_diag(*(block.covariance for block in blocks))
    return alone, (covariance - alone) / few


def _largest(bound: Sequence[Overlap], blocks: Sequence[ContrastBlock]) -> Overlap:
    """Find the largest correlations that the covariance of two studies allows, in proportion to those of the bound."""
    alone, shared = _correlations(bound, blocks)
    se, factor = np.sqrt(np.diag(alone)), largest_factor(alone, shared)
    n = len(blocks[0].y)
    rho = factor * (shared / np.outer(se, se))[:n, n:]
    names = [block.arms.names[1:] if block.arms else () for block in blocks]
    by_arms = {(a, b): float(rho[i, j]) for i, a in enumerate(names[0]) for j, b in enumerate(names[1])}
    return Overlap(studies=(blocks[0].name, blocks[1].name), correlation=by_arms)


def _correlation(overlaps: Sequence[Overlap], blocks: Sequence[ContrastBlock]) -> float | None:
    """Correlation of the contrasts of both studies, the largest in size where they have several; None for counts."""
    if not blocks:
        return None
    if not overlaps:
        return 0.0
    alone, shared = _correlations(overlaps, blocks)
    se = np.sqrt(np.diag(alone))
    rho = (shared / np.outer(se, se)).ravel()
    return float(rho[np.abs(rho).argmax()])


def _decided(
    evidence: Sequence[Row], fit: FitSettings, summary: SummarySettings, model: str
) -> Iterator[dict[str, Any]]:
    """Solve one level, and say who is first in every setting; or why it cannot be solved."""
    ready = FitTask.from_rows(evidence, fit).fits[model]
    arms = used_arms(rows_with(evidence, ready.data.predictor.effects.needs))
    question = Question.of(ready, arms, summary)
    solved = solve_and_decide(ready, question)
    if solved.posterior is None:
        yield {"reason": solved.reason}
        return
    tau = solved.tau(ready)
    for decision in solved.decisions:
        lead = _lead(decision, question, solved.posterior, summary)
        yield {"setting": decision.setting, **lead, "not_named": decision.not_named, **tau}


def _lead(decision: Decision, question: Question, grid: GridPosterior, summary: SummarySettings) -> dict[str, Any]:
    """Effect of the first candidate against the runner-up."""
    if not decision.placed:
        return {}
    contest = question.contest(decision.setting)
    first, second = (contest.rows[contest.candidates.index(name)] for name in (decision.first, decision.runner_up))
    mean, _, lower, upper = grid.mixture((first - second)[None]).summary()[:, 0]
    natural = np.exp if summary.ratio else np.asarray
    return {
        "first": decision.first,
        "candidate_sucra": float(decision.sucra[decision.order[0]]),
        "runner_up": decision.runner_up,
        "measure": summary.measure,
        "mean": mean,
        "lower": lower,
        "upper": upper,
        "estimate": float(natural(mean)),
        "estimate_lower": float(natural(lower)),
        "estimate_upper": float(natural(upper)),
        "p_better": decision.p_first,
    }
