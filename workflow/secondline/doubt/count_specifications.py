"""Specifications of networks with counts: one by one by the exact engine, in several processes."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np

from secondline.cell_values import IMPORTANCE, NO_CHECK
from secondline.doubt.batch import REASONS, Answers, Decided, processors
from secondline.doubt.choices import Choices
from secondline.doubt.decision import Decision, decide, pairwise
from secondline.doubt.factorial import Ints
from secondline.doubt.progress import Progress
from secondline.doubt.question import Question
from secondline.inference import exact
from secondline.inference.exact import GridPosterior
from secondline.inference.kernels import contest
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import solve, solve_reliably
from secondline.inference.reweighting import reweighted
from secondline.inference.task import Fit
from secondline.inference.widening import FITTED, Covariances
from secondline.network.arms import used_arms
from secondline.network.bias import Bias, joined
from secondline.network.data import NetworkData, network_data
from secondline.network.overlap import Overlap
from secondline.network.predictor import Effects
from secondline.network.structure import Floats, Structure
from secondline.summaries.settings import ComparisonSettings

Row = dict[str, str]
_CHUNK = 4  # specifications that a process solves at a time


@dataclass(frozen=True, kw_only=True)
class _Task:
    """One specification."""

    rows: Sequence[Row]
    overlaps: tuple[Overlap, ...]
    bias: Bias | None
    structure: Structure
    likelihood: str
    effects: Effects
    scales: PriorScales
    summary: ComparisonSettings
    lead: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, kw_only=True)
class _Solved:
    """What one specification decides: numbers, places and references as in `Answers`, and the engine's own error."""

    numbers: Floats
    places: Ints
    references: Ints
    errors: Floats


def solve_counts(choices: Choices, chosen: Ints, summary: ComparisonSettings, threads: int | None = None) -> Decided:
    """Solve specifications one by one.

    Parameters
    ----------
    chosen : array of int, (specifications, 3 + clusters)
        See `secondline.doubt.choices.Choices.keys`.
    """
    tasks = [_task(choices, specification, summary, ()) for specification in chosen]
    regimens = choices.structure.regimens
    declared = _solve(tasks[0])
    lead = np.column_stack([declared.places[:, :2], declared.references])
    lead[lead[:, 0] < 0] = -1
    names = [tuple(regimens[k] if k >= 0 else "" for k in row) for row in lead]
    tasks = [replace(task, lead=[(a, b, c) for a, b, c in names]) for task in tasks]
    found = []
    with (
        Progress(len(tasks), "specifications") as progress,
        _workers(threads or processors()) as solve_all,
    ):
        for solved in solve_all(tasks):
            found.append(solved)
            progress.add(1)
    answers = Answers(numbers=np.stack([s.numbers for s in found]), places=np.stack([s.places for s in found]))
    references, errors = np.stack([s.references for s in found]), np.stack([s.errors for s in found])
    return Decided(answers=answers, references=references, lead=lead, engine=IMPORTANCE, errors=errors)


@contextmanager
def _workers(n: int) -> Iterator[Callable[[Sequence[_Task]], Iterator[_Solved]]]:
    """Solve in several processes, or in this one where there is one: a library may not start others unasked."""
    if n == 1:
        yield lambda tasks: map(_solve, tasks)
        return
    with ProcessPoolExecutor(n, mp_context=get_context("spawn")) as pool:
        yield lambda tasks: pool.map(_solve, tasks, chunksize=_CHUNK)


def _task(
    choices: Choices, specification: Ints, summary: ComparisonSettings, lead: Sequence[tuple[str, str, str]]
) -> _Task:
    design, prior = choices.designs[0][specification[0]], choices.taus[0][specification[2]]
    parts = [choices.parts[k] for k in specification[3:] if k >= 0]
    return _Task(
        rows=[dict(row) for part in parts for row in part.rows],
        overlaps=tuple(overlap for part in parts for overlap in part.overlaps),
        bias=joined([part.bias for part in parts if part.bias]),
        structure=choices.structure,
        likelihood=choices.fit.likelihood,
        effects=design.effects,
        scales=replace(design.scales, tau=prior),
        summary=summary,
        lead=lead,
    )


def _posterior(data: NetworkData, scales: PriorScales) -> tuple[GridPosterior, Covariances] | None:
    """Solve as declared and under doubled priors; None where the engine cannot be relied on."""
    posterior = solve_reliably(data, scales).posterior
    if posterior is None:
        return None
    effort = replace(exact.effort(data, scales, replicates=posterior.n_replicates), draws=posterior.n_draws)
    solved = {FITTED: posterior}
    for name, doubled in scales.all_doubled().items():
        found = reweighted(posterior, data.predictor, scales, doubled) or solve(data, doubled, effort).posterior
        if found is None:
            return None
        solved[name] = found
    return solved[FITTED], Covariances.without_error({name: each.covariance() for name, each in solved.items()})


def _solve(task: _Task) -> _Solved:
    """Solve one specification."""
    data = network_data(task.rows, task.structure, task.likelihood, task.effects, task.overlaps, task.bias)
    question = Question.of(Fit(data, task.scales), used_arms(task.rows), task.summary)
    regimens, settings = task.structure.regimens, len(question.contests)
    numbers, places = np.full((settings, contest.NUMBERS), np.nan), np.zeros((settings, contest.PLACES), np.int64)
    places[:, [contest.FIRST, contest.RUNNER_UP]], places[:, contest.REASON] = -1, REASONS.index(NO_CHECK)
    references = np.array([regimens.index(each.reference) for each in question.contests])
    solved = _Solved(numbers=numbers, places=places, references=references, errors=np.full(settings, np.nan))
    found = _posterior(data, task.scales)
    if found is None:
        return solved
    posterior, covariances = found
    effect_rows = data.predictor.effect_rows()
    for s, decision in enumerate(decide(question, posterior, covariances)):
        places[s, contest.PLACED], places[s, contest.REASON] = len(decision.placed), REASONS.index(decision.not_named)
        at = {name: effect_rows[s, k] for k, name in enumerate(regimens)}
        if decision.placed:
            places[s, :2] = regimens.index(decision.first), regimens.index(decision.runner_up)
            solved.errors[s] = _fill(numbers[s], decision, at, question.contests[s].reference, posterior)
        if task.lead:
            _fill_lead(numbers[s], task.lead[s], question, s, at, posterior)
    return solved


def _fill(
    numbers: Floats, decision: Decision, at: dict[str, Floats], reference: str, posterior: GridPosterior
) -> float:
    """Fill the numbers of the first candidate; returns the engine's own error of its effect against the runner-up."""
    first = decision.order[0]
    numbers[[contest.SUCRA, contest.P_BEST]] = decision.sucra[first], decision.p_best[first]
    numbers[contest.P_BETTER] = decision.p_first
    own = at[decision.first]
    summary, error = posterior.summary(np.stack([own - at[decision.runner_up], own - at[reference]]))
    numbers[[contest.EFFECT, contest.LOWER, contest.UPPER]] = summary[[0, 2, 3], 0]
    numbers[[contest.TO_REFERENCE, contest.REFERENCE_LOWER, contest.REFERENCE_UPPER]] = summary[[0, 2, 3], 1]
    return float(error[0, 0])


def _fill_lead(
    numbers: Floats,
    lead: tuple[str, str, str],
    question: Question,
    s: int,
    at: dict[str, Floats],
    posterior: GridPosterior,
) -> None:
    """Fill the contrasts of the declared first, where this specification has both treatments and can estimate them."""
    asked = question.contests[s]
    first, second, reference = lead
    of_second = [contest.LEAD, contest.LEAD_LOWER, contest.LEAD_UPPER]
    of_reference = [contest.LEAD_TO_REFERENCE, contest.LEAD_REFERENCE_LOWER, contest.LEAD_REFERENCE_UPPER]
    for other, columns in ((second, of_second), (reference, of_reference)):
        if first not in asked.candidates or other not in asked.candidates:
            continue
        if not asked.estimable[asked.candidates.index(first), asked.candidates.index(other)]:
            continue
        numbers[columns] = posterior.mixture((at[first] - at[other])[None]).summary()[[0, 2, 3], 0]
        if other == second:
            numbers[contest.LEAD_P_BETTER] = pairwise(np.stack([at[first], at[other]]), question.sign, posterior)[0, 1]
