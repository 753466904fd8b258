"""What to do next: the expected loss of deciding now, and how much of it which study would avoid.

The utility of a candidate is its effect on the link scale, in the favourable direction; the decision is for the one
with the best posterior mean. The expected loss of deciding now is by how much the candidate that is truly the best is
expected to be better than the one chosen: the expected value of perfect information. A new study has two arms, each
wholly on one treatment, all of its patients are in the setting, and it is as heterogeneous as the others. See
`secondline.doubt.preposterior` for what it would do, and `secondline.doubt.study_sizes` for how precise it would be.

For counts, the posterior of the effects given tau and omega, and the estimate of the new study, are taken as normal.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from secondline.doubt.decision import placed_candidates, prior_driven_pairs
from secondline.doubt.preposterior import Beliefs, Foreseen, Knowledge
from secondline.doubt.question import Contest, Question
from secondline.doubt.settings import NextStudySettings
from secondline.doubt.study_sizes import Precision, risks_of, size_unit
from secondline.errors import UserError
from secondline.inference.exact import GridPosterior
from secondline.inference.fitted import Fitted
from secondline.inference.settings import FitSettings
from secondline.inference.task import Fit, FitTask
from secondline.inference.widening import Covariances, solve_and_assess
from secondline.measures import MEASURES, OR
from secondline.network.arms import rows_with, used_arms
from secondline.network.structure import Floats
from secondline.summaries.settings import BaselineSettings, ComparisonSettings, SummarySettings
from secondline.tables import read_table, write_table

COLUMNS = (
    "setting",
    "treatment",
    "comparator",
    "size",
    "size_unit",
    "variance",
    "first",
    "runner_up",
    "p_better",
    "unit",
    "expected_loss_now",
    "p_change",
    "loss_avoided",
    "loss_left",
    "expected_loss_now_ratio",
    "loss_avoided_ratio",
    "loss_left_ratio",
    "decisive",
    "p_decisive",
    "best",
    "engine",
    "reason",
)
EXACT, NORMAL = "exact on the grid", "normal approximation"
"""How the posterior given tau and omega is known."""
NO_PRECISION = "the precision of a new study is not known: no baseline is declared and no arm shows its figures"
NOT_RANKED = "fewer than two candidates can be compared"
_TIE = 1e-9  # relative difference of two losses that rounding makes

Row = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What is known when a decision is made.

    Parameters
    ----------
    fit : Fit
    rows : rows
        Evidence that enters the fit.
    posterior : GridPosterior
    covariances : Covariances
        As fitted and with every prior scale doubled.
    likelihood : str
    settings : ComparisonSettings
    baselines : mapping
        Declared baselines, by setting.
    """

    fit: Fit
    rows: Sequence[Row]
    posterior: GridPosterior
    covariances: Covariances
    likelihood: str
    settings: ComparisonSettings
    baselines: Mapping[str, BaselineSettings] = field(default_factory=dict)

    @classmethod
    def of(cls, fitted: Fitted, rows: Sequence[Row], likelihood: str, settings: ComparisonSettings) -> "Situation":
        """Take a fit as a situation without declared baselines.

        Raises
        ------
        UserError
            The exact engine cannot be relied on for its posterior.
        """
        solution = fitted.solution
        if solution.posterior is None:
            problem = f"the value of a next study needs the exact engine, which cannot be used here: {solution.reason}"
            raise UserError(problem, "next study")
        return cls(
            fit=fitted.fit,
            rows=rows,
            posterior=solution.posterior,
            covariances=fitted.covariances,
            likelihood=likelihood,
            settings=settings,
        )

    @property
    def engine(self) -> str:
        """How the posterior given tau and omega is known."""
        return NORMAL if len(self.fit.data.counts.study) else EXACT


def value_next_study(
    evidence: str, fit: FitSettings, summary: SummarySettings, model: str, asked: NextStudySettings, output: str | Path
) -> None:
    """Write doubt/next_study.csv.

    Parameters
    ----------
    evidence : path
        Evidence table of the fits.
    model : str
    """
    table = read_table(evidence)
    ready = FitTask.from_rows(table, fit).fits[model]
    found = solve_and_assess(ready.data, ready.scales)
    posterior, covariances = found.solution.posterior, found.covariances
    if posterior is None or covariances is None:
        rows = [{"reason": found.reason}]
    else:
        situation = Situation(
            fit=ready,
            rows=rows_with(table, ready.data.predictor.effects.needs),
            posterior=posterior,
            covariances=covariances,
            likelihood=fit.likelihood,
            settings=summary,
            baselines=summary.baselines,
        )
        rows = next_studies(situation, asked)
    write_table(output, rows, COLUMNS)


def next_studies(situation: Situation, asked: NextStudySettings) -> list[dict[str, Any]]:
    """Foresee every comparison of every size in every setting: rows of doubt/next_study.csv."""
    question = Question.of(situation.fit, used_arms(situation.rows), situation.settings)
    knowledge = Knowledge.of(situation.posterior)
    measure = situation.settings.measure
    precision = Precision.observed(situation.rows, measure, situation.likelihood)
    result = []
    for s, contest in enumerate(question.contests):
        here = {"setting": contest.setting, "engine": situation.engine}
        at = placed_candidates(contest, prior_driven_pairs(contest, situation.covariances))
        if len(at) < 2:
            result.append({**here, "reason": NOT_RANKED})
            continue
        rows = contest.rows[at]
        beliefs = knowledge.about(question.sign * rows)
        names = [contest.candidates[i] for i in at]
        now = _deciding_now(beliefs, names, measure)
        studies = _Studies(situation, contest, s, precision, knowledge, question.sign * rows, beliefs)
        found = list(studies.rows(names, rows, asked, now["expected_loss_now"]))
        result += [{**here, **now, **row} for row in _with_best(found)]
    return result


def _deciding_now(beliefs: Beliefs, names: Sequence[str], measure: str) -> dict[str, Any]:
    first, second = beliefs.order[:2]
    return {
        "first": names[first],
        "runner_up": names[second],
        "p_better": beliefs.p_better(first, second),
        "unit": MEASURES[measure].link_scale,
        "expected_loss_now": beliefs.expected_loss(),
    }


@dataclass(frozen=True)
class _Studies:
    """The studies of one setting."""

    situation: Situation
    contest: Contest
    place: int
    precision: Precision
    knowledge: Knowledge
    utilities: Floats
    beliefs: Beliefs

    def rows(
        self, names: Sequence[str], rows: Floats, asked: NextStudySettings, loss: float
    ) -> Iterator[dict[str, Any]]:
        """Foresee the studies of every pair of candidates, and of a candidate and the reference."""
        measure = self.situation.settings.measure
        for treatment, comparator, ends in self._comparisons(names, rows):
            contrast = ends[0] - ends[1]
            for size in asked.sizes:
                variance = self.precision.variance(size, self._risks(ends))
                row = {
                    "treatment": treatment,
                    "comparator": comparator,
                    "size": size,
                    "size_unit": size_unit(measure),
                    "variance": variance,
                    "decisive": asked.decisive,
                }
                if variance is None:
                    yield {**row, "reason": NO_PRECISION}
                    continue
                study = self.knowledge.study(self.beliefs, self.utilities, contrast, variance)
                yield {**row, **_losses(study.foresee(asked.decisive), loss, MEASURES[measure].is_ratio)}

    def _comparisons(self, names: Sequence[str], rows: Floats) -> Iterator[tuple[str, str, tuple[Floats, Floats]]]:
        """Pairs of different treatments, the one that is better now first, and their rows; the reference comes last.

        Treatments that are the same in the model cannot be compared by it.
        """
        reference, reference_row = self.contest.reference, self.contest.reference_row
        pairs = [(names[i], names[j], (rows[i], rows[j])) for i, j in combinations(self.beliefs.order, 2)]
        pairs += [(names[i], reference, (rows[i], reference_row)) for i in self.beliefs.order if reference not in names]
        return ((a, b, ends) for a, b, ends in pairs if (ends[0] != ends[1]).any())

    def _risks(self, ends: tuple[Floats, Floats]) -> tuple[float, float] | None:
        """Probability of an event in both arms at the posterior means, where a baseline is declared."""
        baseline = self.situation.baselines.get(self.contest.setting)
        ordered = self.situation.fit.data.n_cuts > 0
        if baseline is None or ordered or self.situation.settings.measure != OR.name:
            return None
        predictor = self.situation.fit.data.predictor
        row = predictor.effect_rows()[self.place, predictor.structure.regimens.index(baseline.regimen)]
        mean = self.knowledge.weights @ self.knowledge.means
        return risks_of(baseline.median, (float((ends[0] - row) @ mean), float((ends[1] - row) @ mean)))


def _losses(found: Foreseen, loss: float, is_ratio: bool) -> dict[str, Any]:
    """Columns of what is foreseen; of ratios, losses are factors as well."""
    left = max(loss - found.loss_avoided, 0.0)
    row = {
        "p_change": found.p_change,
        "loss_avoided": found.loss_avoided,
        "loss_left": left,
        "p_decisive": found.p_decisive,
    }
    factors = {"expected_loss_now": loss, "loss_avoided": found.loss_avoided, "loss_left": left}
    return row | ({f"{name}_ratio": float(np.exp(value)) for name, value in factors.items()} if is_ratio else {})


def _with_best(rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Mark the comparison of each size that avoids the largest loss: the first of equals, none where all avoid none."""
    best = {}
    for size in dict.fromkeys(row["size"] for row in rows):
        losses = [row.get("loss_avoided", 0.0) if row["size"] == size else 0.0 for row in rows]
        if max(losses) > 0:
            best[size] = next(i for i, loss in enumerate(losses) if loss >= (1 - _TIE) * max(losses))
    for i, row in enumerate(rows):
        yield {**row, "best": i == best.get(row["size"]) if "loss_avoided" in row else None}
