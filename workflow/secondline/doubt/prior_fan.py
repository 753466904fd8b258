"""What the prior of the heterogeneity changes: effects, ranks and tau under several priors, by the exact engine.

Every prior is an analysis of its own, solved anew; all else is as declared. The effects are those of the candidates of
every setting against its reference, and SUCRA and P(best) are among all candidates, placed or not: the table shows what
a prior does, and does not name anybody.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import exp
from typing import Any

import numpy as np

from secondline.doubt.bias_fan import Declared
from secondline.doubt.decision import p_best_of, pairwise
from secondline.doubt.question import Contest, Question
from secondline.doubt.solved import Solved, engine_of
from secondline.inference.exact import GridPosterior
from secondline.inference.reliability import solve_reliably
from secondline.inference.task import Fit
from secondline.sd_prior import SdPrior

COLUMNS = (
    "prior",
    "source",
    "declared",
    "setting",
    "treatment",
    "reference",
    "measure",
    "mean",
    "lower",
    "upper",
    "estimate",
    "estimate_lower",
    "estimate_upper",
    "sucra",
    "p_best",
    "tau_lower",
    "tau_median",
    "tau_upper",
    "engine",
    "error",
    "reason",
)


def prior_fan_rows(declared: Declared, priors: Sequence[SdPrior]) -> Iterator[dict[str, Any]]:
    """Solve an analysis under its own prior of tau and under others; rows with `COLUMNS`, by setting and candidate."""
    own = declared.fit.scales.tau
    for prior in dict.fromkeys([own, *priors]):
        fit = Fit(declared.fit.data, replace(declared.fit.scales, tau=prior))
        at = {"prior": prior.words, "source": prior.source, "declared": prior == own}
        solution = solve_reliably(fit.data, fit.scales)
        if solution.posterior is None:
            yield {**at, "reason": solution.reason}
            continue
        shared = {**at, **_tau(solution.posterior, fit), "engine": engine_of(fit), "measure": declared.settings.measure}
        question = declared.question_of(fit)
        for contest in question.contests:
            for row in _contest_rows(contest, question, solution.posterior, declared.settings.ratio):
                yield {**shared, **row}


def _tau(posterior: GridPosterior, fit: Fit) -> dict[str, float]:
    """Median and 95% limits of tau, or the value that it is fixed at."""
    tau = fit.scales.tau
    if tau.is_free:
        return Solved(posterior, ()).tau(fit)
    return dict.fromkeys(("tau_lower", "tau_median", "tau_upper"), tau.support[0])


def _contest_rows(
    contest: Contest, question: Question, posterior: GridPosterior, ratio: bool
) -> Iterator[dict[str, Any]]:
    """Effects of the candidates of a setting against its reference, and how they rank."""
    n = len(contest.candidates)
    if not n:
        return
    rows = contest.rows - contest.reference_row
    mean, _, lower, upper = posterior.mixture(rows).summary()
    error = posterior.error_of_means(rows)[1]
    ranked: dict[str, Any] = {}
    if n > 1:
        p_better = pairwise(contest.rows, question.sign, posterior)
        ranked["sucra"] = (p_better.sum(axis=1) - 0.5) / (n - 1)
        ranked["p_best"] = p_best_of(contest.rows, question.sign, posterior)
    for k, treatment in enumerate(contest.candidates):
        row: dict[str, Any] = {"setting": contest.setting, "treatment": treatment, "reference": contest.reference}
        row |= {key: float(values[k]) for key, values in ranked.items()}
        if np.any(rows[k]):
            ends = {"mean": float(mean[k]), "lower": float(lower[k]), "upper": float(upper[k])}
            natural = {key: exp(value) if ratio else value for key, value in ends.items()}
            row |= ends | {"error": float(error[k])}
            row |= {f"estimate{'' if key == 'mean' else f'_{key}'}": value for key, value in natural.items()}
        yield row
