"""Medians against every ratio of the same arms, whether either is significant, used, or has an interval."""

from collections.abc import Iterator
from math import exp, log, sqrt

from secondline.evidence import derivation
from secondline.evidence.audit.effects import found_on
from secondline.evidence.audit.finding import Finding, Severity, found, grade, item_of
from secondline.evidence.audit.printed import Range, interval_se, log_range, p_se, ratio_log
from secondline.evidence.audit.ratios import in_use
from secondline.evidence.audit.survival import patients
from secondline.evidence.contrasts import Effect, derive_effects, select_effects
from secondline.project.config import Project, time_to_event_outcomes
from secondline.project.outcome_records import HazardRatio, Median
from secondline.project.sheets import StudySheet

# How much better a ratio has to fit the medians turned round, as a likelihood ratio, for a warning and for an error: of
# 1,000 consistent studies 5 come to 5, and none to 20.
_TURNED_WARNING, _TURNED_ERROR = 5.0, 100.0
_OTHER_UNITS = {"weeks": 365.25 / 84, "years": 12.0, "days": 365.25 / 12}  # in a month, or months in it


def directions(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Find ratios that favour one arm where the medians of the same patients favour the other.

    The two are estimates of one effect, with constant hazards ln(m_c / m_t). They differ by chance, and where curves
    cross; how much better the ratio fits turned round, exp(-2 e m / (se_e^2 + se_m^2)), grades the finding.
    """
    for i, ratio in in_use(sheet.hazard_ratios):
        pair = _medians(sheet, ratio)
        if pair is None:
            continue
        effect, medians, variance = ratio_log(ratio, ratio.treatment), _log_ratio(*pair), _variance(sheet, ratio, pair)
        if effect.middle * medians.middle >= 0 or not effect.gap(Range(0, 0)) or not medians.gap(Range(0, 0)):
            continue
        better = -2 * effect.middle * medians.middle / variance if variance else 0.0
        severity: Severity = grade(better, log(_TURNED_WARNING), log(_TURNED_ERROR)) or "info"
        treatment, comparator = pair
        favoured, shorter = sorted(
            (treatment, comparator), key=lambda m: (m.arm == ratio.treatment) != (effect.middle < 0)
        )
        message = (
            f"the hazard ratio {ratio.printed} of {ratio.treatment} against {ratio.comparator} favours {favoured.arm}, "
            f"whose median is the shorter ({favoured.printed} against {shorter.printed}); "
            + _what_to_do(severity, ratio, better)
        )
        path, values = ("hazard_ratios", i), (ratio.value, exp(medians.middle))
        yield found(sheet, "median_direction", severity, item_of(ratio), message, path, ratio.place, *values)


def _what_to_do(severity: Severity, ratio: HazardRatio, better: float) -> str:
    if severity == "info":
        return "chance alone may explain this"
    return (
        f"the inverse would fit the medians {exp(min(better, 20)):.3g} times better: check which arm the paper puts "
        "first, and to which arms the medians belong"
    )


def _medians(sheet: StudySheet, ratio: HazardRatio) -> tuple[Median, Median] | None:
    """Medians of the two arms of a ratio in its population."""
    where = (ratio.outcome, ratio.population)
    by_arm = {m.arm: m for _, m in reversed(list(in_use(sheet.medians))) if (m.outcome, m.population) == where}
    if not {ratio.treatment, ratio.comparator} <= set(by_arm):
        return None
    return by_arm[ratio.treatment], by_arm[ratio.comparator]


def _log_ratio(treatment: Median, comparator: Median) -> Range:
    """Range of the log hazard ratio that two medians mean with constant hazards."""
    first, second = (log_range(m.value, m.printed) for m in (comparator, treatment))
    shift = log(comparator.scale / treatment.scale)
    return Range(first.low - second.high + shift, first.high - second.low + shift)


def _variance(sheet: StudySheet, ratio: HazardRatio, pair: tuple[Median, Median]) -> float | None:
    """Variance of the difference between a ratio and the medians, as if they were independent.

    Where neither intervals nor patients are known, medians have 1 / (ln 2)^2 times the variance of the ratio.
    """
    se, errors = _ratio_se(ratio), [_median_se(sheet, median) for median in pair]
    if se is None:
        return None
    if None in errors:
        return se**2 * (1 + 1 / log(2) ** 2)
    return se**2 + sum(error**2 for error in errors if error)


def _ratio_se(ratio: HazardRatio) -> float | None:
    """Compute the standard error of a log hazard ratio from its interval or from its p."""
    se = interval_se(ratio) or p_se(ratio)
    return se.middle if se else None


def _median_se(sheet: StudySheet, median: Median) -> float | None:
    """Compute the standard error of a log median: by its interval, or by the patients, at least 1 / (ln 2 sqrt(n))."""
    if median.lower and median.upper and median.interval_is == "confidence":
        return derivation.interval_se(median.lower, median.upper, median.level)
    n = patients(sheet, [median.arm], median.population)
    return 1 / (log(2) * sqrt(n)) if n else None


def bare_medians(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare ratios with medians that have no interval, as `survival.medians` does with those that have one."""
    limits = project.config.audit
    for i, ratio in in_use(sheet.hazard_ratios):
        pair = _medians(sheet, ratio)
        if pair is None or all(m.lower and m.upper and m.interval_is == "confidence" for m in pair):
            continue
        effect, medians, variance = (
            ratio_log(ratio, ratio.treatment),
            _log_ratio(*pair).middle,
            _variance(sheet, ratio, pair),
        )
        if variance is None:
            continue
        ends = sorted(shape * medians for shape in limits.shapes)
        severity = grade(effect.gap(Range(*ends)) / sqrt(variance), limits.effect_warning, limits.effect_error)
        if severity:
            message = (
                f"the hazard ratio {ratio.value:g} is inconsistent with the medians, {pair[0].printed} and "
                f"{pair[1].printed}, which suggest {exp(medians):.2f}: neither chance nor a plausible shape of the "
                "curves explains this"
                f"{_unit_hint(effect.middle, medians, sqrt(variance))}"
            )
            path, values = ("hazard_ratios", i), (effect.middle, medians)
            yield found(sheet, "medians", severity, item_of(ratio), message, path, ratio.place, *values)


def other_units(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Find medians that do not fit the ratio of their arms, and would if one of them were in another unit."""
    for i, ratio in in_use(sheet.hazard_ratios):
        pair = _medians(sheet, ratio)
        variance = _variance(sheet, ratio, pair) if pair else None
        if pair is None or variance is None:
            continue
        effect, medians = ratio_log(ratio, ratio.treatment).middle, _log_ratio(*pair).middle
        hint = _unit_hint(effect, medians, sqrt(variance))
        if hint and abs(effect - medians) > project.config.audit.effect_warning * sqrt(variance):
            message = (
                f"the medians, {pair[0].printed} and {pair[1].printed}, suggest a hazard ratio of {exp(medians):.2f} "
                f"but {ratio.printed} is printed{hint}; check the units of the medians"
            )
            path, values = ("hazard_ratios", i), (effect, medians)
            yield found(sheet, "unit", "warning", item_of(ratio), message, path, ratio.place, *values)


def _unit_hint(effect: float, medians: float, se: float) -> str:
    """Say which unit of one of the medians would make them fit."""
    for unit, factor in _OTHER_UNITS.items():
        if min(abs(effect - medians - sign * log(factor)) for sign in (-1, 1)) < se:
            return f"; they would agree if one of the two medians were in {unit}, not months"
    return ""


def used_beside_ratios(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Find medians that enter a fit although a ratio of the same arms is printed, and how far they lie apart.

    As they are used, with constant hazards, the medians stand for the hazard ratio itself.
    """
    limits = project.config.audit
    for outcome in time_to_event_outcomes(project.config):
        for used in select_effects(sheet, derive_effects(sheet, outcome)):
            if not used.method.startswith("medians"):
                continue
            for ratio in _printed_ratios(sheet, used):
                value, se = ratio_log(ratio, used.treatment_arm).middle, _ratio_se(ratio)
                apart = abs(used.log_effect - value) / derivation.sum_se(used.se, se or 0.0)
                severity = grade(apart, limits.effect_warning, limits.effect_error) or "warning"
                message = (
                    f"the medians are used as a hazard ratio of {exp(used.log_effect):.2f} although "
                    f"{exp(value):.2f} ({ratio.adjustment}, {ratio.printed}), {apart:.1f} standard errors apart, is "
                    "printed for the same arms; enter the interval of that ratio, or the ratios of the other arms"
                    f"{_unit_hint(value, used.log_effect, derivation.sum_se(used.se, se or 0.0))}"
                )
                yield found_on(sheet, "medians_used", severity, used, message, used.log_effect, value)


def _printed_ratios(sheet: StudySheet, effect: Effect) -> Iterator[HazardRatio]:
    """Ratios in use of the arms and patients of an effect."""
    for _, ratio in in_use(sheet.hazard_ratios):
        same = {ratio.treatment, ratio.comparator} == {effect.treatment_arm, effect.comparator_arm}
        population = sheet.populations.get(ratio.population)
        if same and ratio.outcome == effect.outcome and (population is None or population.kind == "matched"):
            yield ratio


CHECKS = (directions, bare_medians, other_units, used_beside_ratios)
