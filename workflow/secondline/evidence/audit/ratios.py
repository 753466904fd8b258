"""Hazard ratios against their own intervals and p-values, and against the other ratios of the same paper."""

from collections.abc import Iterator
from itertools import combinations
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Any

from secondline.evidence import derivation
from secondline.evidence.audit.finding import Finding, found, grade, item_of
from secondline.evidence.audit.printed import Range, interval_se, log_range, ratio_log, z_range
from secondline.project.config import Project
from secondline.project.figures import ALL
from secondline.project.outcome_records import HazardRatio, LogRank
from secondline.project.sheets import StudySheet
from secondline.project.study_parts import Comparison

type Compared = HazardRatio | LogRank | Comparison

# Least standard error of the difference between a part and the whole, as a share of the part's own: the difference of
# two variances that are nearly equal is mostly noise.
_LEAST = 0.5
_LEVELS = (0.9, 0.95, 0.99, 0.8)  # of intervals, the usual ones first


def in_use(records: list[Any]) -> Iterator[tuple[int, Any]]:
    """Iterate over the records that are not marked as unused, with their places in the sheet."""
    return ((i, record) for i, record in enumerate(records) if not getattr(record, "not_used", None))


def estimate_outside_interval(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Find estimates that their own interval does not hold."""
    for section in ("hazard_ratios", "medians"):
        for i, record in in_use(getattr(sheet, section)):
            lower, upper = record.lower or 0.0, record.upper or float("inf")
            if not lower <= record.value <= upper:
                message = f"the estimate {record.value:g} lies outside its interval, {record.lower} to {record.upper}"
                path = (section, i, "value")
                item = item_of(record)
                yield found(
                    sheet,
                    "estimate_outside_interval",
                    "error",
                    item,
                    message,
                    path,
                    record.place,
                    record.value,
                    f"{record.lower} to {record.upper}",
                )


def interval_symmetry(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare estimates with the middle of their intervals on the log scale, within print precision."""
    for i, ratio in in_use(sheet.hazard_ratios):
        if ratio.lower is None or ratio.upper is None or not ratio.lower <= ratio.value <= ratio.upper:
            continue
        lower, upper = log_range(ratio.lower, ratio.printed), log_range(ratio.upper, ratio.printed)
        gap = off_centre(lower, log_range(ratio.value, ratio.printed), upper)
        if gap:
            se = derivation.interval_se(ratio.lower, ratio.upper, ratio.level)
            severity = grade(gap / se, 0.0, project.config.audit.asymmetry_error) or "warning"
            middle = sqrt(ratio.lower * ratio.upper)
            message = (
                f"the hazard ratio {ratio.value:g} is not in the middle of its interval, {ratio.lower:g} to "
                f"{ratio.upper:g} (on the log scale, {middle:.3g}); one of the three figures may be misprinted"
            )
            path = ("hazard_ratios", i)
            yield found(
                sheet, "interval_symmetry", severity, item_of(ratio), message, path, ratio.place, ratio.value, middle
            )


def off_centre(lower: Range, value: Range, upper: Range) -> float:
    """Distance of a printed estimate from the middle of its printed limits, 0 where rounding explains it."""
    return Range((lower.low + upper.low) / 2, (lower.high + upper.high) / 2).gap(value)


def interval_p(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare the p-value printed beside a ratio with the one that its interval implies (Altman & Bland 2011)."""
    for i, ratio in in_use(sheet.hazard_ratios):
        se = interval_se(ratio)
        if se is None or ratio.p is None:
            continue
        implied = log_range(ratio.value, ratio.printed).size.over(se)
        gap = implied.gap(z_range(ratio.p))
        if gap:
            severity = grade(gap, 0.0, project.config.audit.test_error) or "warning"
            p = 2 * NormalDist().cdf(
                -abs(log(ratio.value)) / derivation.interval_se(ratio.lower, ratio.upper, ratio.level)
            )
            message = (
                f"{ratio.p.printed} is printed beside the hazard ratio {ratio.value:g} ({ratio.lower:g} to "
                f"{ratio.upper:g}), whose interval implies p = {p:.2g}{_other_level(ratio)}"
            )
            path = ("hazard_ratios", i, "p")
            yield found(sheet, "interval_p", severity, item_of(ratio), message, path, ratio.p.place, ratio.p.printed, p)


def _other_level(ratio: HazardRatio) -> str:
    """Say which other level of the interval would mean the p that is printed."""
    for level in _LEVELS:
        se = interval_se(ratio.model_copy(update={"level": level}))
        if (
            level != ratio.level
            and se
            and ratio.p
            and log_range(ratio.value, ratio.printed).size.over(se).gap(z_range(ratio.p)) == 0
        ):
            return f"; as a {100 * level:g}% interval it would imply the printed p-value: set level if it is one"
    return ""


def adjusted_and_crude(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare ratios before and after adjustment: both come from the same patients."""
    limits = project.config.audit
    for (_, a), (i, b) in combinations(with_intervals(sheet), 2):
        if (
            not same_pair(a, b)
            or a.population != b.population
            or (a.adjustment == "crude") == (b.adjustment == "crude")
        ):
            continue
        se = max(ratio_se(a), ratio_se(b))
        difference = abs(_log(a, a.treatment) - _log(b, a.treatment))
        severity = grade(difference / se, limits.effect_warning, limits.effect_error)
        if severity:
            message = (
                f"the hazard ratios {a.value:g} ({a.adjustment}) and {b.value:g} ({b.adjustment}) of the same patients "
                f"are {difference / se:.1f} standard errors apart"
            )
            path = ("hazard_ratios", i)
            yield found(sheet, "adjusted_crude", severity, item_of(b), message, path, b.place, b.value, a.value)
        crude, adjusted = (a, b) if a.adjustment == "crude" else (b, a)
        if _excludes_one(crude) and not _excludes_one(adjusted):
            message = (
                f"the difference is significant before adjustment, {crude.printed}, but not after it, "
                f"{adjusted.printed}"
            )
            path, values = ("hazard_ratios", i), (crude.printed, adjusted.printed)
            yield found(sheet, "significance_lost", "info", item_of(adjusted), message, path, adjusted.place, *values)


def subgroups(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare a subgroup with the whole: its ratio is less precise, and near the whole's if effects are alike.

    The difference between a part and the whole has the variance of the part's estimate less that of the whole's.
    """
    limits = project.config.audit
    whole = [ratio for _, ratio in with_intervals(sheet) if ratio.population == ALL]
    for i, part in with_intervals(sheet):
        population = sheet.populations.get(part.population)
        if population is None or population.kind != "subgroup":
            continue
        for ratio in whole:
            if not same_pair(part, ratio) or part.adjustment != ratio.adjustment:
                continue
            path, item = ("hazard_ratios", i), item_of(part)
            se, se_whole = interval_se(part), interval_se(ratio)
            assert se and se_whole
            if se.high < 0.9 * se_whole.low:
                message = (
                    f"the hazard ratio in a subgroup, {part.printed}, has a narrower interval than that in all "
                    f"patients, {ratio.printed}"
                )
                values = (ratio_se(part), ratio_se(ratio))
                yield found(sheet, "subgroup_precision", "warning", item, message, path, part.place, *values)
            variance = max(ratio_se(part) ** 2 - ratio_se(ratio) ** 2, (_LEAST * ratio_se(part)) ** 2)
            z = abs(_log(part, ratio.treatment) - _log(ratio, ratio.treatment)) / sqrt(variance)
            severity = grade(z, limits.subgroup_warning, float("inf"))
            if severity:
                message = (
                    f"the hazard ratio in a subgroup, {part.value:g}, is {z:.1f} standard errors from that in all "
                    f"patients, {exp(_log(ratio, part.treatment)):.3g}: the effect in the remaining patients would be "
                    "very different"
                )
                yield found(sheet, "subgroup", severity, item, message, path, part.place, part.value, ratio.value)


def with_intervals(sheet: StudySheet) -> list[tuple[int, HazardRatio]]:
    """Ratios in use that have both limits, with their places in the sheet."""
    return [(i, ratio) for i, ratio in in_use(sheet.hazard_ratios) if ratio.lower and ratio.upper]


def same_pair(a: Compared, b: Compared) -> bool:
    """Whether two records compare the same arms in one outcome, whichever arm they put first."""
    return a.outcome == b.outcome and {a.treatment, a.comparator} == {b.treatment, b.comparator}


def _excludes_one(ratio: HazardRatio) -> bool:
    return not (ratio.lower or 0.0) <= 1 <= (ratio.upper or float("inf"))


def _log(ratio: HazardRatio, treatment: str) -> float:
    return ratio_log(ratio, treatment).middle


def ratio_se(ratio: HazardRatio) -> float:
    """Compute the standard error of the log of a ratio that has both limits."""
    assert ratio.lower and ratio.upper
    return derivation.interval_se(ratio.lower, ratio.upper, ratio.level)


CHECKS = (estimate_outside_interval, interval_symmetry, interval_p, adjusted_and_crude, subgroups)
