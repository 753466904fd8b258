"""Time-to-event effects of a study: every rung of the ladder that its sheet allows, and the one selected."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from math import exp, log
from typing import get_args

from nma.config import Method, Selection
from nma.evidence import derivation
from nma.sheets import ALL, HazardRatio, LogRank, Median, StudySheet, resolve_count

RUNGS: tuple[str, ...] = get_args(Method)


@dataclass(frozen=True)
class Effect:
    """A log hazard ratio of a treatment arm against a comparator arm, and how it was derived."""

    study: str
    outcome: str
    contrast_set: str
    treatment_arm: str
    comparator_arm: str
    population: str
    method: str
    adjustment: str
    assumed: bool
    log_effect: float
    se: float
    baseline_se: float | None
    source: str


@dataclass(frozen=True)
class _Pair:
    """Two arms of a contrast set in one population, and the sheet that reports on them."""

    sheet: StudySheet
    outcome: str
    contrast_set: str
    treatment: str
    comparator: str
    population: str

    @property
    def adjustment(self) -> str:
        population = self.sheet.populations.get(self.population)
        return "matched" if population and population.kind == "matched" else "crude"

    def effect(
        self,
        method: str,
        log_effect: float,
        se: float,
        source: str,
        adjustment: str | None = None,
        assumed: bool = False,
        baseline_se: float | None = None,
    ) -> Effect:
        return Effect(
            self.sheet.study,
            self.outcome,
            self.contrast_set,
            self.treatment,
            self.comparator,
            self.population,
            method,
            adjustment or self.adjustment,
            assumed,
            log_effect,
            se,
            baseline_se,
            source,
        )

    def matches(self, record: HazardRatio | LogRank) -> bool:
        return (
            record.not_used is None
            and record.outcome == self.outcome
            and record.population == self.population
            and {record.treatment, record.comparator} == {self.treatment, self.comparator}
        )

    def patients(self, arm: str) -> int | None:
        return self.sheet.size(arm, self.population)


def derive_effects(sheet: StudySheet, outcome: str) -> list[Effect]:
    """Derive every effect that a sheet allows for a time-to-event outcome, in the order of the ladder."""
    effects = []
    for name, contrast_set in sheet.contrast_sets.items():
        for population in (ALL, *sheet.populations):
            for arm in contrast_set.arms:
                if arm != contrast_set.comparator:
                    pair = _Pair(sheet, outcome, name, arm, contrast_set.comparator, population)
                    effects += [*_hazard_ratios(pair), *_log_rank(pair), *_medians(pair)]
    return sorted(effects, key=lambda effect: RUNGS.index(effect.method))


def _hazard_ratios(pair: _Pair) -> Iterator[Effect]:
    for i, record in enumerate(pair.sheet.hazard_ratios):
        if not pair.matches(record):
            continue
        sign = 1 if record.treatment == pair.treatment else -1
        source = pair.sheet.source(("hazard_ratios", i), record.place)
        if record.lower and record.upper:
            method = "crude_hr" if record.adjustment == "crude" else "adjusted_hr"
            se = derivation.interval_se(record.lower, record.upper, record.level)
            yield pair.effect(method, sign * log(record.value), se, source, record.adjustment)
        if record.p and record.p.exact and record.p.value < 1 and record.value != 1:
            log_effect, se = derivation.hazard_ratio_p(record.value, record.p.value)
            yield pair.effect("hr_p", sign * log_effect, se, source, record.adjustment)


def _log_rank(pair: _Pair) -> Iterator[Effect]:
    for i, record in enumerate(pair.sheet.log_rank):
        if not pair.matches(record) or not record.p.exact:
            continue
        source = pair.sheet.source(("log_rank", i), record.p.place)
        favoured = record.favours == pair.treatment
        total, n_treatment, n_comparator = (
            _total_events(pair),
            pair.patients(pair.treatment),
            pair.patients(pair.comparator),
        )
        if total and n_treatment and n_comparator:
            events, assumed = total
            log_effect, se = derivation.log_rank_p(record.p.value, events, n_treatment, n_comparator, favoured)
            yield pair.effect("logrank_p", log_effect, se, source, assumed=assumed)
        else:
            yield from _medians_p(pair, record.p.value, favoured, source)


def _medians_p(pair: _Pair, p: float, favours_treatment: bool, source: str) -> Iterator[Effect]:
    """Ratio of the medians with the standard error that gives p, where the events behind p are unknown."""
    treatment, comparator = _median(pair, pair.treatment), _median(pair, pair.comparator)
    if treatment is None or comparator is None or p == 1:
        return
    log_ratio = derivation.median_ratio(treatment[1].value, comparator[1].value)
    if log_ratio and (log_ratio < 0) == favours_treatment:
        places = [pair.sheet.source(("medians", i), median.place) for i, median in (treatment, comparator)]
        log_effect, se = derivation.hazard_ratio_p(exp(log_ratio), p)
        yield pair.effect("medians_p", log_effect, se, "; ".join([*places, source]))


def _medians(pair: _Pair) -> Iterator[Effect]:
    treatment, comparator = _median(pair, pair.treatment), _median(pair, pair.comparator)
    if treatment is None or comparator is None:
        return
    (i, median_t), (j, median_c) = treatment, comparator
    log_effect = derivation.median_ratio(median_t.value, median_c.value)
    source = f"{pair.sheet.source(('medians', i), median_t.place)}; {pair.sheet.source(('medians', j), median_c.place)}"
    se_t, se_c = _median_se(median_t), _median_se(median_c)
    if se_t and se_c:
        yield pair.effect("medians_ci", log_effect, derivation.sum_se(se_t, se_c), source, baseline_se=se_c)
    events_t, events_c = _arm_events(pair, pair.treatment), _arm_events(pair, pair.comparator)
    if events_t and events_c:
        se_t, se_c = derivation.events_se(events_t[0]), derivation.events_se(events_c[0])
        assumed = events_t[1] or events_c[1]
        se = derivation.sum_se(se_t, se_c)
        yield pair.effect("medians_events", log_effect, se, source, assumed=assumed, baseline_se=se_c)


def _median(pair: _Pair, arm: str) -> tuple[int, Median] | None:
    for i, record in enumerate(pair.sheet.medians):
        where = (record.outcome, record.arm, record.population)
        if where == (pair.outcome, arm, pair.population) and record.not_used is None:
            return i, record
    return None


def _median_se(median: Median) -> float | None:
    if median.interval_is == "confidence" and median.lower and median.upper:
        return derivation.interval_se(median.lower, median.upper)
    return None


def _arm_events(pair: _Pair, arm: str | None) -> tuple[float, bool] | None:
    """Events of an arm (or, for ``None``, of a whole population), and whether their number is assumed."""
    for record in pair.sheet.events:
        where = (record.outcome, record.arm, record.population)
        if where == (pair.outcome, arm, pair.population) and record.not_used is None:
            n = record.events.of or (pair.patients(arm) if arm else None)
            events = resolve_count(record.events, n)
            return (float(events), False) if events else None
    for assumed in pair.sheet.assumed_events:
        n = pair.patients(arm) if arm else None
        if n and (assumed.outcome, assumed.population) == (pair.outcome, pair.population):
            return assumed.fraction * n, True
    return None


def _total_events(pair: _Pair) -> tuple[float, bool] | None:
    treatment, comparator = _arm_events(pair, pair.treatment), _arm_events(pair, pair.comparator)
    if treatment and comparator:
        return treatment[0] + comparator[0], treatment[1] or comparator[1]
    two_arms = len(pair.sheet.contrast_sets[pair.contrast_set].arms) == 2
    return _arm_events(pair, None) if two_arms else None


def select_effects(sheet: StudySheet, effects: list[Effect], selection: Selection | None = None) -> list[Effect]:
    """Choose the effects of a study that enter a fit: one per treatment arm, all by one method.

    The order: adjusted or matched before crude, then the higher rung, then the whole population before others.
    Subgroups are never chosen. ``selection`` narrows the choice to a contrast set or a method.

    Returns
    -------
    list of Effect
        One for every treatment arm of the contrast set; empty if no method covers all of them.
    """
    selection = selection or Selection()
    name = selection.contrast_set or sheet.default_contrast_set
    contrast_set = sheet.contrast_sets[name]
    wanted = set(contrast_set.arms) - {contrast_set.comparator}
    subgroups = {key for key, population in sheet.populations.items() if population.kind == "subgroup"}

    def order(effect: Effect) -> tuple[bool, int, bool, str, str]:
        rung = RUNGS.index(effect.method)
        crude, part = effect.adjustment == "crude", effect.population != ALL
        return crude, rung, part, effect.population, effect.adjustment

    candidates = [
        effect
        for effect in effects
        if effect.contrast_set == name
        and effect.population not in subgroups
        and selection.method in (None, effect.method)
    ]
    for _, group in groupby(sorted(candidates, key=order), key=order):
        by_arm: dict[str, Effect] = {}
        for effect in group:
            by_arm.setdefault(effect.treatment_arm, effect)
        usable = len(wanted) == 1 or all(effect.baseline_se for effect in by_arm.values())
        if set(by_arm) == wanted and usable:
            return [by_arm[arm] for arm in contrast_set.arms if arm in by_arm]
    return []
