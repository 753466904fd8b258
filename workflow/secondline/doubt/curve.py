"""The specification curve: every combination of defensible choices, and what each decides."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from secondline.cell_values import EXACT, OVERALL
from secondline.doubt.batch import Answers, Batch, Contests, Decided, solve
from secondline.doubt.choices import IMPOSSIBLE, KEYS, NOTHING, Choices, Rows
from secondline.doubt.factorial import MOST, Distinct, Factorial, Ints, ordered
from secondline.doubt.progress import Progress
from secondline.doubt.settings import SpecificationSettings
from secondline.errors import UserError
from secondline.inference.settings import AnalysisSettings
from secondline.network.arms import Arm
from secondline.network.graph import estimable, received, setting_reference
from secondline.network.predictor import Predictor
from secondline.summaries.settings import ComparisonSettings

_DESIGN, _TAU = 0, 2


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Specifications and what they decide.

    Parameters
    ----------
    factorial : Factorial
    distinct : Distinct
        Specification 0 is the declared analysis; those after it are farther and farther from it.
    answers : Answers
        By specification and setting.
    settings, regimens : tuple of str
        To which the places of the answers refer.
    references : array of int, (specifications, settings)
        Regimen with which the first is compared.
    lead : array of int, (settings, 3)
        First, runner-up and reference of the declared analysis; -1 for none.
    engine : str
    errors : array, (specifications, settings)
        The engine's own error of the effect of the first against the runner-up; nan in closed form.
    invalid : mapping
        Combinations that are no specification, by the reason.
    """

    factorial: Factorial
    distinct: Distinct
    answers: Answers
    settings: tuple[str, ...]
    regimens: tuple[str, ...]
    references: Ints
    lead: Ints
    engine: str
    errors: "np.ndarray[tuple[int, int], np.dtype[np.float64]]"
    invalid: Mapping[str, int]

    @property
    def combinations(self) -> Ints:
        """Level of every axis by specification, (specifications, axes): its combination nearest to the declared one."""
        return self.factorial.levels[self.distinct.first]


def specification_curve(
    evidence: Sequence[Mapping[str, str]],
    alternatives: Sequence[Mapping[str, str]],
    fit: AnalysisSettings,
    summary: ComparisonSettings,
    model: str,
    settings: SpecificationSettings,
    threads: int | None = None,
) -> Curve:
    """Compute a specification curve.

    Parameters
    ----------
    evidence : rows
        Evidence table of the declared analysis.
    alternatives : rows
        Evidence rows of every level that chooses evidence, with the columns ``axis`` and ``level``.
    fit, summary : settings
        Of the declared analysis.
    model : str
        Its model.
    settings : SpecificationSettings
        The axes.
    threads : int, optional
        By default the processors that this process may use.

    Raises
    ------
    UserError
        Axes that contradict each other or the declared analysis.
    """
    by_level: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for row in alternatives:
        by_level.setdefault((row["axis"], row["level"]), []).append(row)
    choices = Choices(
        axes=ordered(settings),
        evidence=_by_study(evidence),
        alternatives={level: _by_study(rows) for level, rows in by_level.items()},
        fit=fit,
        model=model,
        classes=settings.classes,
    )
    factorial, keys, distinct = _specifications(choices, settings)
    if distinct.of[0] != 0:
        raise UserError(
            "the declared analysis of the specification curve has no evidence, or none that can be modelled"
        )
    chosen = keys[distinct.first]
    decided = (_decide if choices.is_gaussian else _decide_counts)(choices, chosen, summary, threads)
    return Curve(
        factorial=factorial,
        distinct=distinct,
        answers=decided.answers,
        settings=(OVERALL, *choices.structure.settings),
        regimens=choices.structure.regimens,
        references=decided.references,
        lead=decided.lead,
        engine=decided.engine,
        errors=decided.errors,
        invalid=choices.why_invalid(keys),
    )


def _decide_counts(choices: Choices, chosen: Ints, summary: ComparisonSettings, threads: int | None) -> Decided:
    from secondline.doubt.count_specifications import solve_counts

    return solve_counts(choices, chosen, summary, threads)


def _by_study(rows: Iterable[Mapping[str, str]]) -> dict[str, Rows]:
    found: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        found.setdefault(row["study"], []).append(row)
    return dict(found)


def _specifications(choices: Choices, settings: SpecificationSettings) -> tuple[Factorial, Ints, Distinct]:
    """List the combinations, and put together those that are one specification; sample where there are too many."""
    if np.prod([float(len(axis.levels)) for axis in choices.axes]) <= MOST:
        factorial = Factorial.whole(choices.axes)
        keys, distinct = _distinct(choices, factorial)
        if len(distinct.first) <= settings.limit:
            return factorial, keys, distinct
    factorial = Factorial.sample(choices.axes, settings.limit, settings.seed)
    return factorial, *_distinct(choices, factorial)


def _distinct(choices: Choices, factorial: Factorial) -> tuple[Ints, Distinct]:
    keys = choices.keys(factorial)
    parts = keys[:, KEYS:]
    valid = (parts > IMPOSSIBLE).all(axis=1) & (parts != NOTHING).any(axis=1)
    return keys, Distinct.by(keys[:, 1:], valid)


def _decide(choices: Choices, chosen: Ints, summary: ComparisonSettings, threads: int | None) -> Decided:
    """Solve all specifications of contrasts and means, (specifications, KEYS + clusters)."""
    contests, network = _contests(choices, chosen, summary)
    sign = 1.0 if summary.better == "higher" else -1.0
    none = np.full((contests.candidates.shape[1], 3), -1)
    declared = solve(_batch(choices, chosen[:1], network[:1]), contests, none, sign)
    lead = np.column_stack([declared.places[0, :, :2], contests.references[network[0]]])
    lead[lead[:, 0] < 0] = -1
    numbers = np.empty((len(chosen), *declared.numbers.shape[1:]))
    places = np.empty((len(chosen), *declared.places.shape[1:]), np.int64)
    _, group = np.unique(chosen[:, 1:KEYS], axis=0, return_inverse=True)
    with Progress(len(chosen), "specifications") as progress:
        for g in range(group.max() + 1):
            own = np.flatnonzero(group.ravel() == g)
            answers = solve(_batch(choices, chosen[own], network[own]), contests, lead, sign, threads, progress.add)
            numbers[own], places[own] = answers.numbers, answers.places
    answers = Answers(numbers=numbers, places=places)
    errors = np.full(places.shape[:2], np.nan)
    return Decided(answers=answers, references=contests.references[network], lead=lead, engine=EXACT, errors=errors)


def _batch(choices: Choices, chosen: Ints, network: Ints) -> Batch:
    """Put specifications of one space and prior of tau together, with the parts that they use."""
    design, parts = choices.designs[0][chosen[0, _DESIGN]], chosen[:, KEYS:]
    used = np.unique(parts[parts >= 0])
    place = np.full(used.max() + 2, -1)  # the last, of no part, is -1
    place[used] = np.arange(len(used))
    return Batch(
        predictor=design.predictor,
        scales=design.scales,
        tau=choices.taus[0][chosen[0, _TAU]],
        pieces=[choices.parts[k].piece for k in used],
        chosen=place[parts],
        network=network,
    )


def _contests(choices: Choices, chosen: Ints, summary: ComparisonSettings) -> tuple[Contests, Ints]:
    """Ask of every distinct network what its specifications are asked; the network of every specification."""
    of_part = np.array([*(part.network for part in choices.parts), -1])
    keys = np.column_stack([chosen[:, _DESIGN], of_part[chosen[:, KEYS:]]])
    _, first, network = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    regimens, settings = choices.structure.regimens, (OVERALL, *choices.structure.settings)
    candidates = np.zeros((len(first), len(settings), len(regimens)), bool)
    can_be = np.zeros((len(first), len(regimens), len(regimens)), bool)
    references = np.zeros((len(first), len(settings)), np.int64)
    for k, specification in enumerate(chosen[first]):
        arms = [arm for part in specification[KEYS:] if part >= 0 for arm in choices.parts[part].arms]
        predictor = choices.designs[0][specification[_DESIGN]].predictor
        candidates[k], references[k] = _asked(predictor, arms, summary)
        can_be[k] = estimable(arms, predictor)
    return Contests(candidates=candidates, estimable=can_be, references=references), network.ravel()


def _asked(predictor: Predictor, arms: Sequence[Arm], summary: ComparisonSettings) -> tuple[Ints, Ints]:
    """Candidates (settings, regimens) and reference (settings,) of a network; see `secondline.doubt.question`."""
    structure = predictor.structure
    given = received(arms, structure.regimens)
    candidates, references = [], []
    for setting in (OVERALL, *structure.settings):
        barred = summary.not_candidates.get(setting, ())
        candidates.append([name in given and name not in barred for name in structure.regimens])
        reference = setting_reference(arms, structure, setting, summary.reference)
        references.append(structure.regimens.index(reference))
    return np.array(candidates), np.array(references)
