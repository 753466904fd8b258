"""What a bias of some contrasts would change: the decision over a grid of its mean and its standard deviation.

Every pair (mean, sd) of a scheme is an analysis of its own, with heterogeneity estimated anew and candidates placed by
its own posterior; where too few of them are placed, all are ranked, and nobody is named. Without a bias it is the
declared analysis, unless that has a bias itself: here every bias takes the place of that.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from secondline.doubt.decision import Decision, pairwise
from secondline.doubt.question import Question
from secondline.doubt.settings import BiasScheme
from secondline.doubt.solved import solve_and_decide
from secondline.inference.exact import GridPosterior
from secondline.inference.task import Fit
from secondline.network.arms import rows_with, used_arms
from secondline.network.bias import Bias
from secondline.network.data import network_data
from secondline.network.overlap import Overlap
from secondline.network.structure import Floats, Structure
from secondline.summaries.settings import ComparisonSettings

COLUMNS = (
    "scheme",
    "bias_mean",
    "bias_sd",
    "setting",
    "first",
    "candidate_sucra",
    "candidate_p_best",
    "not_named",
    "runner_up",
    "measure",
    "mean",
    "lower",
    "upper",
    "estimate",
    "estimate_lower",
    "estimate_upper",
    "p_better",
    "reference",
    "reference_mean",
    "reference_lower",
    "reference_upper",
    "declared_first",
    "declared_runner_up",
    "declared_mean",
    "declared_lower",
    "declared_upper",
    "declared_p_better",
    "tau_median",
    "tau_lower",
    "tau_upper",
    "reason",
)
NO_CONTRAST = "no contrast in use has this bias"
OF_COUNTS = "a biased study gives counts; the size of a bias is varied for contrasts and means alone"

Row = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Declared:
    """An analysis as it is declared, from which biases are taken.

    Parameters
    ----------
    evidence : rows
        Evidence table of the fit.
    fit : Fit
    structure : Structure
    likelihood : str
        Name of the likelihood of the arm rows.
    settings : ComparisonSettings
    overlaps : sequence of Overlap
    """

    evidence: Sequence[Row]
    fit: Fit
    structure: Structure
    likelihood: str
    settings: ComparisonSettings
    overlaps: Sequence[Overlap] = ()

    @property
    def question(self) -> Question:
        """Settings, candidates and direction."""
        covariate = self.fit.data.predictor.effects.covariate
        return Question.of(self.fit, used_arms(rows_with(self.evidence, covariate)), self.settings)

    def without(self, bias: Bias) -> Fit:
        """Take a bias from the contrasts that have it."""
        effects = self.fit.data.predictor.effects
        data = network_data(self.evidence, self.structure, self.likelihood, effects, self.overlaps, bias)
        return Fit(data, self.fit.scales)

    def why_not(self, scheme: BiasScheme) -> str:
        """Say why a scheme cannot be followed; empty where it can."""
        data = self.fit.data
        biased = {study for study, *_ in scheme.contrasts}
        if not biased & set(data.studies):
            return NO_CONTRAST
        return OF_COUNTS if biased & {data.studies[i] for i in data.counts.study} else ""


def fan_rows(declared: Declared, scheme: BiasScheme) -> Iterator[dict[str, Any]]:
    """Decide at every mean and standard deviation of a bias; rows with `COLUMNS`, by setting."""
    reason = declared.why_not(scheme)
    if reason:
        yield {"scheme": scheme.name, "reason": reason}
        return
    question = declared.question
    lead = {decision.setting: decision for decision in solve_and_decide(declared.fit, question).decisions}
    for sd in scheme.sds:
        for mean in scheme.means:
            at = {"scheme": scheme.name, "bias_mean": mean, "bias_sd": sd}
            fit = declared.without(scheme.at(mean, sd))
            solved = solve_and_decide(fit, question)
            if solved.posterior is None:
                yield {**at, "reason": solved.reason}
                continue
            tau = solved.tau(fit)
            for decision in solved.decisions:
                cells = _cells(decision, lead.get(decision.setting), question, solved.posterior, declared.settings)
                yield {**at, "setting": decision.setting, **cells, **tau}


def _cells(
    decision: Decision,
    lead: Decision | None,
    question: Question,
    posterior: GridPosterior,
    settings: ComparisonSettings,
) -> dict[str, Any]:
    """First, runner-up and reference, and how far the declared first is ahead of the declared runner-up."""
    contest = question.contest(decision.setting)
    by_name = dict(zip(contest.candidates, contest.rows, strict=True))
    pairs: dict[str, Floats] = {}
    row: dict[str, Any] = {"not_named": decision.not_named, "measure": settings.measure}
    if decision.placed:
        first, best = by_name[decision.first], decision.order[0]
        pairs |= {"": first - by_name[decision.runner_up], "reference_": first - contest.reference_row}
        row |= {
            "first": decision.first,
            "candidate_sucra": float(decision.sucra[best]),
            "candidate_p_best": float(decision.p_best[best]),
            "runner_up": decision.runner_up,
            "p_better": decision.p_first,
            "reference": contest.reference,
        }
    if lead and lead.placed:
        ahead, behind = by_name[lead.first], by_name[lead.runner_up]
        pairs["declared_"] = ahead - behind
        row |= {
            "declared_first": lead.first,
            "declared_runner_up": lead.runner_up,
            "declared_p_better": float(pairwise(np.stack([ahead, behind]), question.sign, posterior)[0, 1]),
        }
    if pairs:
        mean, _, lower, upper = posterior.mixture(np.array(list(pairs.values()))).summary()
        for k, key in enumerate(pairs):
            row |= {f"{key}mean": float(mean[k]), f"{key}lower": float(lower[k]), f"{key}upper": float(upper[k])}
    for key in ("mean", "lower", "upper"):
        if key in row:
            natural = float(np.exp(row[key])) if settings.ratio else row[key]
            row["estimate" if key == "mean" else f"estimate_{key}"] = natural
    return row
