"""An analysis solved exactly, and what it decides: for tables that vary one thing of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from secondline.cell_values import EXACT, IMPORTANCE
from secondline.doubt.decision import Decision, decide, p_best_of, pairwise
from secondline.doubt.question import Contest, Question
from secondline.inference.exact import GridPosterior
from secondline.inference.reliability import Solution, solve_reliably
from secondline.inference.task import Fit
from secondline.inference.widening import UNRELIABLE, quick_covariances

_QUANTILES = np.array([0.025, 0.5, 0.975])


@dataclass(frozen=True)
class Solved:
    """The posterior of one analysis, and what it decides in every setting; or why there is none."""

    posterior: GridPosterior | None
    decisions: Sequence[Decision]
    reason: str = ""

    def tau(self, fit: Fit) -> dict[str, float]:
        """Median and 95% equal-tailed limits of tau, as cells of a table; none where the model leaves it out."""
        if self.posterior is None or not fit.scales.tau.is_free:
            return {}
        quantiles = self.posterior.scale_quantiles("tau", _QUANTILES)
        return dict(zip(("tau_lower", "tau_median", "tau_upper"), map(float, quantiles), strict=True))


def engine_of(fit: Fit) -> str:
    """Name the way in which a fit is solved, as cells of tables say it."""
    return IMPORTANCE if len(fit.data.counts.study) else EXACT


def solve_and_decide(fit: Fit, question: Question) -> Solved:
    """Solve a fit by the exact engine, and rank the candidates placed in every setting, or all where too few are."""
    return decided(fit, question, solve_reliably(fit.data, fit.scales))


def decided(fit: Fit, question: Question, solution: Solution) -> Solved:
    """Rank the candidates as `solve_and_decide` does, by a posterior that has been found already."""
    posterior = solution.posterior
    if posterior is None:
        return Solved(None, (), solution.reason)
    covariances = quick_covariances(fit.data, fit.scales, posterior)
    if covariances is None:
        return Solved(None, (), UNRELIABLE)
    decisions = decide(question, posterior, covariances)
    return Solved(posterior, [_among_all(d, question.contest(d.setting), question.sign, posterior) for d in decisions])


def _among_all(decision: Decision, contest: Contest, sign: float, posterior: GridPosterior) -> Decision:
    """Rank all candidates where the data link too few of them; ``not_named`` stays and says so."""
    if decision.placed or len(contest.candidates) < 2:
        return decision
    p_better = pairwise(contest.rows, sign, posterior)
    return replace(
        decision,
        placed=contest.candidates,
        means=posterior.mixture(contest.rows).mean(),
        sucra=(p_better.sum(axis=1) - 0.5) / (len(contest.candidates) - 1),
        p_best=p_best_of(contest.rows, sign, posterior),
        p_better=p_better,
    )
