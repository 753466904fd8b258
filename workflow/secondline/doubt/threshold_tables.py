"""The tables of thresholds of one fit: thresholds.csv and thresholds_joint.csv."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain
from multiprocessing import get_context
from typing import Any

from secondline.cell_values import NO_CANDIDATE, NOT_PLACED, ONE_CANDIDATE
from secondline.doubt import joint, thresholds
from secondline.doubt.decision import placed_candidates, prior_driven_pairs
from secondline.doubt.figures import Figure, figures_of
from secondline.doubt.gaussian_path import GaussianEngine
from secondline.doubt.question import Question
from secondline.doubt.rules import MEAN, RULES, SUCRA, WITHIN_MARGIN, Stakes
from secondline.inference.exact import GridPosterior
from secondline.inference.settings import FitSettings
from secondline.inference.task import Fit, FitTask
from secondline.inference.widening import solve_and_assess
from secondline.network.arms import rows_with, used_arms
from secondline.network.overlap import Overlap
from secondline.summaries.settings import ComparisonSettings, SummarySettings
from secondline.tables import read_table, write_table

COUNT_RULES = (SUCRA, MEAN, WITHIN_MARGIN)
NOT_FOR_COUNTS = "not searched for with events"

Row = dict[str, Any]
Ranges = Mapping[tuple[str, ...], tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Rows of thresholds.csv and of thresholds_joint.csv."""

    single: list[Row]
    joint: list[Row]


def write_thresholds(
    evidence: str,
    derivation: str,
    fit: FitSettings,
    summary: SummarySettings,
    model: str,
    outputs: Sequence[str],
    processes: int,
) -> None:
    """Write thresholds.csv and thresholds_joint.csv of one model of a fit.

    Parameters
    ----------
    evidence, derivation : path
        Evidence table of the fit, and the table of the derivations of all effects.
    processes : int
        Among which the figures of a network with counts are divided.
    """
    rows = read_table(evidence)
    task = FitTask.from_rows(rows, fit)
    derived = thresholds.derivation_ranges(read_table(derivation), fit.outcome)
    found = find_thresholds(
        rows, task.fits[model], fit.likelihood, summary, derived, overlaps=fit.overlaps, processes=processes
    )
    write_table(outputs[0], found.single, thresholds.COLUMNS)
    write_table(outputs[1], found.joint, joint.COLUMNS)


def find_thresholds(
    evidence: Sequence[Mapping[str, str]],
    fit: Fit,
    likelihood: str,
    settings: ComparisonSettings,
    derived: Ranges | None = None,
    rules: Sequence[str] = RULES,
    overlaps: Sequence[Overlap] = (),
    processes: int = 1,
) -> Tables:
    """Find the thresholds of every figure, in every setting and by every rule, and the joint radius of all.

    Parameters
    ----------
    evidence : rows
        Evidence table of the fit.
    fit : Fit
    likelihood : str
        Name of the likelihood of the arm rows.
    settings : ComparisonSettings
    derived : mapping, optional
        Range of a contrast over its derivations, by study, treatment arm and comparator arm.
    rules : sequence of str
        Of `secondline.doubt.rules.RULES`.
    overlaps : sequence of Overlap
        Patients whom studies of the fit share.
    processes : int
        Among which the figures of a network with counts are divided.
    """
    solved = solve_and_assess(fit.data, fit.scales, decide=True)
    posterior, covariances = solved.solution.posterior, solved.covariances
    arms = used_arms(rows_with(evidence, fit.data.predictor.effects.needs))
    question = Question.of(fit, arms, settings)
    every, skipped = [], []
    for contest in question.contests:
        why = solved.reason
        if covariances:
            placed = placed_candidates(contest, prior_driven_pairs(contest, covariances))
            why = {0: NO_CANDIDATE, 1: ONE_CANDIDATE}.get(len(contest.candidates), NOT_PLACED)
            if placed:
                every.append(Stakes.of(contest, placed, question.sign, question.margin))
                continue
        skipped += [{"setting": contest.setting, "rule": rule, "reason": why} for rule in rules]
    if not every or posterior is None:
        return Tables(single=skipped, joint=skipped)
    if len(fit.data.counts.study):
        left = [rule for rule in rules if rule not in COUNT_RULES]
        skipped += [
            {"setting": stakes.setting, "rule": rule, "reason": NOT_FOR_COUNTS} for stakes in every for rule in left
        ]
        rules = [rule for rule in rules if rule in COUNT_RULES]
    figures = figures_of(evidence, fit.data, likelihood, overlaps)
    jobs: list[_Job] = [_Joint(stakes, figures, rule) for stakes in every for rule in rules]
    last = len(jobs)
    jobs += [
        _Single(every, figure, settings.ratio, rules, (derived or {}).get((figure.study, *figure.ends)))
        for figure in figures
    ]
    engine = _engine(fit, posterior)
    found = _done(engine, jobs, processes if len(fit.data.counts.study) else 1)
    together, single = found[:last], found[last:]
    return Tables(single=[*chain(*single), *skipped], joint=[*chain(*together), *skipped])


def _engine(fit: Fit, posterior: GridPosterior) -> joint.JointEngine:
    if not len(fit.data.counts.study):
        return GaussianEngine(fit.data, fit.scales)
    from secondline.doubt.count_draws import Draws
    from secondline.doubt.count_path import CountEngine

    return CountEngine(fit.data, fit.scales, Draws.of(0.0, posterior))


@dataclass(frozen=True)
class _Single:
    """Thresholds of one figure."""

    every: Sequence[Stakes]
    figure: Figure
    ratio: bool
    rules: Sequence[str]
    derived: tuple[float, float] | None

    def rows(self, engine: joint.JointEngine) -> list[Row]:
        """Rows of thresholds.csv."""
        found = thresholds.threshold_rows(engine, self.every, self.figure, self.ratio, self.rules, self.derived)
        return list(found)


@dataclass(frozen=True)
class _Joint:
    """Joint radius of all figures in one setting and by one rule."""

    stakes: Stakes
    figures: Sequence[Figure]
    rule: str

    def rows(self, engine: joint.JointEngine) -> list[Row]:
        """Rows of thresholds_joint.csv."""
        return list(joint.joint_rows(engine, [self.stakes], self.figures, (self.rule,)))


_Job = _Single | _Joint


def _done(engine: joint.JointEngine, jobs: Sequence[_Job], processes: int) -> list[list[Row]]:
    """Do the jobs, in one process or in several."""
    if processes == 1:
        return [job.rows(engine) for job in jobs]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return list(pool.map(_rows, [engine] * len(jobs), jobs))


def _rows(engine: joint.JointEngine, job: _Job) -> list[Row]:
    return job.rows(engine)
