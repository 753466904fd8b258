"""Time-to-event effects of a study: every rung of the ladder that its sheet allows, and the one selected."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, groupby
from math import ceil, floor
from typing import NamedTuple, get_args

from secondline.evidence import derivation
from secondline.evidence.curves import read_curves
from secondline.evidence.readings import Box, Quantity, Reading, added, divided, exact, rounded, scaled
from secondline.evidence.reconstruction import Reconstruction
from secondline.project.config_parts import Method, Selection
from secondline.project.figures import ALL, Count, resolve_count
from secondline.project.outcome_records import Curve, HazardRatio, LogRank, Median
from secondline.project.sheets import StudySheet
from secondline.project.study_parts import ContrastSet

RUNGS: tuple[str, ...] = get_args(Method)
LEVEL = 0.95  # of the confidence limits that tables show


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
    limits: tuple[float, float] | None = (
        None  # 95% confidence limits of the ratio as printed, the way round of the effect
    )


class Derived(NamedTuple):
    """An effect, and every way to read the figures behind it."""

    effect: Effect
    reading: Reading


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

    def derived(
        self,
        method: str,
        reading: Reading,
        source: str,
        adjustment: str | None = None,
        assumed: bool = False,
        baseline_se: float | None = None,
        limits: tuple[float, float] | None = None,
    ) -> Derived:
        log_effect, se = reading.central()
        effect = Effect(
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
            limits,
        )
        return Derived(effect, reading)

    def matches(self, record: HazardRatio | LogRank) -> bool:
        return self.covers(record) and {record.treatment, record.comparator} == {self.treatment, self.comparator}

    def covers(self, record: HazardRatio | LogRank | Curve) -> bool:
        where = (record.outcome, record.population)
        return record.not_used is None and where == (self.outcome, self.population)

    def patients(self, arm: str) -> int | None:
        return self.sheet.size(arm, self.population)


def derive_effects(sheet: StudySheet, outcome: str) -> list[Effect]:
    """Derive every effect that a sheet allows for a time-to-event outcome, in the order of the ladder."""
    return [derived.effect for derived in derive_readings(sheet, outcome)]


def derive_readings(sheet: StudySheet, outcome: str) -> list[Derived]:
    """Derive every effect together with the readings of the figures behind it, in the order of the ladder.

    Every arm is compared with the comparator of its contrast set; where a paper prints ratios or tests between two
    other arms, these are, too.
    """
    found: list[Derived] = []
    for name, contrast_set in sheet.contrast_sets.items():
        for population in (ALL, *sheet.populations):
            for arm in contrast_set.arms:
                if arm != contrast_set.comparator:
                    pair = _Pair(sheet, outcome, name, arm, contrast_set.comparator, population)
                    found += [*_hazard_ratios(pair), *_log_rank(pair), *_curves(pair), *_medians(pair)]
            others = [arm for arm in contrast_set.arms if arm != contrast_set.comparator]
            for base, arm in combinations(others, 2):
                pair = _Pair(sheet, outcome, name, arm, base, population)
                found += [*_hazard_ratios(pair), *_log_rank(pair)]
    return sorted(found, key=lambda derived: RUNGS.index(derived.effect.method))


def _hazard_ratios(pair: _Pair) -> Iterator[Derived]:
    for i, record in enumerate(pair.sheet.hazard_ratios):
        if not pair.matches(record):
            continue
        sign = 1 if record.treatment == pair.treatment else -1
        source = pair.sheet.source(("hazard_ratios", i), record.place)
        ratio = rounded("hazard ratio", record.value, record.printed, turns=(1.0,))
        if record.lower and record.upper:
            method = "crude_hr" if record.adjustment == "crude" else "adjusted_hr"
            formula = partial(derivation.hazard_ratio_interval, level=record.level)
            reading = Box(formula, (ratio, *_limits(record)), sign)
            lower, upper = (record.lower, record.upper) if sign == 1 else (1 / record.upper, 1 / record.lower)
            printed = (lower, upper) if record.level == LEVEL else None
            yield pair.derived(method, reading, source, record.adjustment, limits=printed)
        if record.p and record.p.exact and record.p.value < 1 and record.value != 1:
            p = rounded("p", record.p.value, record.p.printed, limit=1.0)
            yield pair.derived("hr_p", Box(derivation.hazard_ratio_p, (ratio, p), sign), source, record.adjustment)


def _limits(record: HazardRatio | Median, whose: str = "") -> tuple[Quantity, Quantity]:
    """Both limits of an interval that has them, those of a median in months."""
    scale = record.scale if isinstance(record, Median) else 1.0
    lower, upper = (
        scaled(rounded(f"{end} limit{whose}", value, record.printed), scale)
        for end, value in (("lower", record.lower), ("upper", record.upper))
        if value is not None
    )
    return lower, upper


def _log_rank(pair: _Pair) -> Iterator[Derived]:
    for i, record in enumerate(pair.sheet.log_rank):
        if not pair.matches(record) or not record.p.exact:
            continue
        p = rounded("p", record.p.value, record.p.printed, limit=1.0)
        favours_treatment = record.favours == pair.treatment
        source = pair.sheet.source(("log_rank", i), record.p.place)
        total = _total_events(pair)
        n_treatment, n_comparator = pair.patients(pair.treatment), pair.patients(pair.comparator)
        if total and n_treatment and n_comparator:
            events, assumed = total
            formula = partial(
                derivation.log_rank_p,
                n_treatment=n_treatment,
                n_comparator=n_comparator,
                favours_treatment=favours_treatment,
            )
            yield pair.derived("logrank_p", Box(formula, (p, events)), source, assumed=assumed)
        else:
            yield from _medians_p(pair, p, favours_treatment, source)


def _medians_p(pair: _Pair, p: Quantity, favours_treatment: bool, source: str) -> Iterator[Derived]:
    """Ratio of the medians with the standard error that gives p, where the events behind p are unknown."""
    treatment, comparator = _median(pair, pair.treatment), _median(pair, pair.comparator)
    if treatment is None or comparator is None or p.value == 1:
        return
    ratio = divided("ratio of the medians", *(_months(median) for _, median in (comparator, treatment)))
    if ratio.value != 1 and (ratio.value < 1) == favours_treatment:
        places = [pair.sheet.source(("medians", i), median.place) for i, median in (treatment, comparator)]
        yield pair.derived("medians_p", Box(derivation.hazard_ratio_p, (ratio, p)), "; ".join([*places, source]))


def _curves(pair: _Pair) -> Iterator[Derived]:
    for i, record in enumerate(pair.sheet.curves):
        if not pair.covers(record):
            continue
        arms = read_curves(pair.sheet, i)
        if pair.treatment in arms and pair.comparator in arms:
            reading = Reconstruction(arms[pair.treatment], arms[pair.comparator], record.precision)
            source = pair.sheet.source(("curves", i), record.place)
            yield pair.derived("km_reconstruction", reading, source, baseline_se=reading.comparator_se())


def _medians(pair: _Pair) -> Iterator[Derived]:
    treatment, comparator = _median(pair, pair.treatment), _median(pair, pair.comparator)
    if treatment is None or comparator is None:
        return
    (i, median_t), (j, median_c) = treatment, comparator
    source = f"{pair.sheet.source(('medians', i), median_t.place)}; {pair.sheet.source(('medians', j), median_c.place)}"
    medians = _months(median_t), _months(median_c)
    if _has_limits(median_t) and _has_limits(median_c):
        limits = [_limits(median, f" of {median.arm}") for median in (median_t, median_c)]
        levels = {"level_treatment": median_t.level, "level_comparator": median_c.level}
        reading = Box(partial(derivation.medians_interval, **levels), (*medians, *limits[0], *limits[1]))
        lower, upper = limits[1]
        se_c = derivation.interval_se(lower.value, upper.value, median_c.level)
        yield pair.derived("medians_ci", reading, source, baseline_se=se_c)
    events_t, events_c = _arm_events(pair, pair.treatment), _arm_events(pair, pair.comparator)
    if events_t and events_c:
        reading = Box(derivation.medians_events, (*medians, events_t[0], events_c[0]))
        se_c = derivation.events_se(events_c[0].value)
        assumed = events_t[1] or events_c[1]
        yield pair.derived("medians_events", reading, source, assumed=assumed, baseline_se=se_c)


def _months(median: Median) -> Quantity:
    """Median survival in months, as printed."""
    return scaled(rounded(f"median of {median.arm}", median.value, median.printed), median.scale)


def _median(pair: _Pair, arm: str) -> tuple[int, Median] | None:
    for i, record in enumerate(pair.sheet.medians):
        where = (record.outcome, record.arm, record.population)
        if where == (pair.outcome, arm, pair.population) and record.not_used is None:
            return i, record
    return None


def _has_limits(median: Median) -> bool:
    return median.interval_is == "confidence" and median.lower is not None and median.upper is not None


def _arm_events(pair: _Pair, arm: str | None) -> tuple[Quantity, bool] | None:
    """Events of an arm (or, for ``None``, of a whole population), and whether their number is assumed."""
    name = f"events of {arm}" if arm else "events"
    for record in pair.sheet.events:
        where = (record.outcome, record.arm, record.population)
        if where == (pair.outcome, arm, pair.population) and record.not_used is None:
            n = record.events.of or (pair.patients(arm) if arm else None)
            events = resolve_count(record.events, n)
            return (_counted(name, record.events, events, n), False) if events else None
    for assumed in pair.sheet.assumed_events:
        n = pair.patients(arm) if arm else None
        if n and (assumed.outcome, assumed.population) == (pair.outcome, pair.population):
            low, high = assumed.plausible
            return Quantity(name, assumed.fraction * n, low * n, high * n), True
    return None


def _counted(name: str, figure: Count, events: int, n: int | None) -> Quantity:
    """Events as printed, or every whole number of events that the printed percentage may represent."""
    if figure.count is not None or not figure.percent or n is None:
        return exact(name, float(events))
    percent = rounded("percent", figure.percent, figure.printed, limit=100.0)
    low, high = ceil(percent.low / 100 * n), floor(percent.high / 100 * n)
    return Quantity(name, float(events), float(max(1, min(low, events))), float(max(high, events)))


def _total_events(pair: _Pair) -> tuple[Quantity, bool] | None:
    treatment, comparator = _arm_events(pair, pair.treatment), _arm_events(pair, pair.comparator)
    if treatment and comparator:
        return added("events", treatment[0], comparator[0]), treatment[1] or comparator[1]
    two_arms = len(pair.sheet.contrast_sets[pair.contrast_set].arms) == 2
    return _arm_events(pair, None) if two_arms else None


def events_by_arm(sheet: StudySheet, outcome: str, contrast_set: str, population: str) -> dict[str, float]:
    """Events of the arms of a contrast set in a population, as printed or else assumed; empty unless all have them."""
    arms = sheet.contrast_sets[contrast_set].arms
    pair = _Pair(sheet, outcome, contrast_set, arms[0], arms[-1], population)
    events = {arm: found[0].value for arm in arms if (found := _arm_events(pair, arm))}
    return events if len(events) == len(arms) else {}


def arm_sizes(sheet: StudySheet, effect: Effect) -> dict[str, float]:
    """Events of every arm of a contrast set or, where they are not all printed, patients; empty without either."""
    pair = _Pair(
        sheet, effect.outcome, effect.contrast_set, effect.treatment_arm, effect.comparator_arm, effect.population
    )
    arms = sheet.contrast_sets[effect.contrast_set].arms
    events = {arm: found for arm in arms if (found := _arm_events(pair, arm))}
    if len(events) == len(arms) and not any(assumed for _, assumed in events.values()):
        return {arm: quantity.value for arm, (quantity, _) in events.items()}
    patients = {arm: float(n) for arm in arms if (n := pair.patients(arm))}
    return patients if len(patients) == len(arms) else {}


def select_effects(sheet: StudySheet, effects: list[Effect], selection: Selection | None = None) -> list[Effect]:
    """Choose the effects of a study that enter a fit, all by one method and between arms of one contrast set.

    The order: adjusted or matched before crude, then the higher rung, then the whole population before others.
    Subgroups are chosen only where ``selection`` asks for one; it narrows the choice to a contrast set, a method, a
    population or an adjustment.

    Returns
    -------
    list of Effect
        Effects that connect all arms of the contrast set, those against its comparator first (`joint_contrasts` puts
        them together); empty if no method has them.
    """
    selection = selection or Selection()
    name = selection.contrast_set or sheet.default_contrast_set
    contrast_set = sheet.contrast_sets[name]
    barred = {key for key, population in sheet.populations.items() if population.kind == "subgroup"}
    barred -= {selection.population}

    def order(effect: Effect) -> tuple[bool, int, bool, str, str]:
        rung = RUNGS.index(effect.method)
        crude, part = effect.adjustment == "crude", effect.population != ALL
        return crude, rung, part, effect.population, effect.adjustment

    candidates = [
        effect
        for effect in effects
        if effect.contrast_set == name
        and effect.population not in barred
        and selection.method in (None, effect.method)
        and selection.population in (None, effect.population)
        and selection.adjustment in (None, effect.adjustment)
    ]
    for _, group in groupby(sorted(candidates, key=order), key=order):
        by_pair: dict[tuple[str, str], Effect] = {}
        for effect in group:
            by_pair.setdefault((effect.treatment_arm, effect.comparator_arm), effect)
        if _connect(by_pair, contrast_set.arms):
            return _comparator_first(by_pair.values(), contrast_set)
    return []


def undirected_test(sheet: StudySheet, effect: Effect) -> tuple[int, LogRank] | None:
    """Find the log-rank test that gives an effect its sign without any words of the paper, and its place in the sheet.

    A p-value has no direction; the one taken is then an assumption.
    """
    if effect.method not in ("logrank_p", "medians_p"):
        return None
    key = (effect.outcome, effect.population, {effect.treatment_arm, effect.comparator_arm})
    for i, test in enumerate(sheet.log_rank):
        if (test.outcome, test.population, {test.treatment, test.comparator}) == key and not test.not_used:
            return None if test.stated else (i, test)
    return None


def _connect(pairs: Collection[tuple[str, str]], arms: Sequence[str]) -> bool:
    """Whether pairs of arms connect all arms."""
    reached = {arms[0]}
    for _ in arms:
        reached |= {arm for pair in pairs if reached & set(pair) for arm in pair}
    return reached == set(arms)


def _comparator_first(effects: Iterable[Effect], contrast_set: ContrastSet) -> list[Effect]:
    """Order effects: against the comparator first, then by the arms of the contrast set."""
    place = contrast_set.arms.index
    return sorted(
        effects,
        key=lambda e: (e.comparator_arm != contrast_set.comparator, place(e.comparator_arm), place(e.treatment_arm)),
    )
