"""What a bias of some contrasts would change: the decision over a grid of its mean and its standard deviation.

Every pair (mean, sd) of a scheme is an analysis of its own, solved by the exact engine, with heterogeneity estimated
anew and candidates placed by its own posterior; where too few of them are placed, all are ranked, and nobody is named.
Counts have the bias in the linear predictor of their arms (`secondline.network.bias`), and the engine samples by
importance, once for a standard deviation (`secondline.doubt.bias_draws`): `error` is its own error. The standard
deviation of a bias belongs to the question, not to the priors of the analysis: it is not doubled where they are, to see
which effects follow their priors.

Without a bias it is the declared analysis, unless that has a bias itself: here every bias takes the place of that one,
as `instead_of` says, so that a fan starts from the studies as they are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from secondline.doubt.decision import Decision, pairwise
from secondline.doubt.question import Question
from secondline.doubt.settings import BiasScheme
from secondline.doubt.solved import decided, engine_of, solve_and_decide
from secondline.inference.exact import GridPosterior
from secondline.inference.reliability import Solution, solve_reliably
from secondline.inference.settings import FitSettings
from secondline.inference.task import Fit, FitTask
from secondline.network.arms import rows_with, used_arms
from secondline.network.bias import Bias
from secondline.network.data import network_data
from secondline.network.overlap import Overlap
from secondline.network.structure import Floats, Structure
from secondline.summaries.settings import ComparisonSettings, SummarySettings

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
    "engine",
    "error",
    "instead_of",
    "reason",
)
NO_CONTRAST = "no contrast in use has this bias"

Row = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Declared:
    """An analysis as it is declared, from which biases are taken, and whose priors may be others.

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

    @classmethod
    def of(cls, evidence: list[dict[str, str]], fit: FitSettings, summary: SummarySettings, model: str) -> "Declared":
        """Take one model of a fit, as its job has it."""
        return cls(
            evidence=evidence,
            fit=FitTask.from_rows(evidence, fit).fits[model],
            structure=Structure.of(fit.treatments),
            likelihood=fit.likelihood,
            settings=summary,
            overlaps=fit.overlaps,
        )

    def question_of(self, fit: Fit) -> Question:
        """Ask a fit for settings, candidates and direction; biases of counts are among its coefficients."""
        rows = rows_with(self.evidence, fit.data.predictor.effects.needs)
        return Question.of(fit, used_arms(rows), self.settings)

    @property
    def own_bias(self) -> str:
        """Bias that the analysis has itself, in the place of which others are taken; empty without one."""
        bias = self.fit.data.bias
        used = set(bias.studies) & set(self.fit.data.studies) if bias and (bias.mean or bias.sd) else None
        return f"b ~ N({bias.mean:g}, {bias.sd:g}²)" if bias and used else ""

    def without(self, bias: Bias) -> Fit:
        """Take a bias from the contrasts that have it, and no other."""
        effects = self.fit.data.predictor.effects
        data = network_data(self.evidence, self.structure, self.likelihood, effects, self.overlaps, bias)
        return Fit(data, self.fit.scales)

    def solver(self, scheme: BiasScheme, sd: float) -> Callable[[float], Solution]:
        """Give what solves the analysis under a bias of any mean: for counts, draws that are used again."""

        def at(mean: float) -> Fit:
            return self.without(scheme.at(mean, sd))

        if len(self.fit.data.counts.study):
            from secondline.doubt.bias_draws import BiasDraws

            return BiasDraws(at).solution
        return lambda mean: solve_reliably(at(mean).data, self.fit.scales)

    def why_not(self, scheme: BiasScheme) -> str:
        """Say why a scheme cannot be followed; empty where it can."""
        biased = {study for study, *_ in scheme.contrasts}
        return "" if biased & set(self.fit.data.studies) else NO_CONTRAST


def fan_rows(declared: Declared, scheme: BiasScheme) -> Iterator[dict[str, Any]]:
    """Decide at every mean and standard deviation of a bias; rows with `COLUMNS`, by setting."""
    reason = declared.why_not(scheme)
    if reason:
        yield {"scheme": scheme.name, "reason": reason}
        return
    found = solve_and_decide(declared.fit, declared.question_of(declared.fit))
    lead = {decision.setting: decision for decision in found.decisions}
    for sd in scheme.sds:
        solution = declared.solver(scheme, sd)
        for mean in scheme.means:
            at = {"scheme": scheme.name, "bias_mean": mean, "bias_sd": sd, "instead_of": declared.own_bias}
            fit = declared.without(scheme.at(mean, sd))
            question = declared.question_of(fit)
            solved = decided(fit, question, solution(mean))
            if solved.posterior is None:
                yield {**at, "reason": solved.reason}
                continue
            shared = {**solved.tau(fit), "engine": engine_of(fit)}
            for decision in solved.decisions:
                cells = _cells(decision, lead.get(decision.setting), question, solved.posterior, declared.settings)
                yield {**at, "setting": decision.setting, **cells, **shared}


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
        contrasts = np.array(list(pairs.values()))
        mean, _, lower, upper = posterior.mixture(contrasts).summary()
        row["error"] = float(posterior.error_of_means(contrasts)[1].max())
        for k, key in enumerate(pairs):
            row |= {f"{key}mean": float(mean[k]), f"{key}lower": float(lower[k]), f"{key}upper": float(upper[k])}
    for key in ("mean", "lower", "upper"):
        if key in row:
            natural = float(np.exp(row[key])) if settings.ratio else row[key]
            row["estimate" if key == "mean" else f"estimate_{key}"] = natural
    return row
