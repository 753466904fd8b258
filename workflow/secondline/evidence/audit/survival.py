"""Survival figures against each other: ratios, log-rank tests and medians, and the patients and events behind them."""

from collections.abc import Iterator
from dataclasses import replace
from math import exp, log, sqrt

from secondline.evidence import derivation
from secondline.evidence.audit.effects import found_on, in_words
from secondline.evidence.audit.elsewhere import taking_medians
from secondline.evidence.audit.finding import Finding, Severity, found, grade, item_of
from secondline.evidence.audit.printed import Range, interval_se, p_range, p_se, ratio_log, z_range
from secondline.evidence.audit.ratios import in_use, same_pair
from secondline.evidence.contrasts import Effect, derive_effects, select_effects
from secondline.normal_deviate import two_sided_z
from secondline.project.config import Project, time_to_event_outcomes
from secondline.project.config_parts import AuditLimits
from secondline.project.figures import ALL, resolve_count
from secondline.project.outcome_records import HazardRatio, LogRank
from secondline.project.sheets import StudySheet


def log_rank_and_ratio(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare log-rank tests with crude ratios: the score test and the Wald test of one difference (Collett 2015)."""
    limits = project.config.audit
    for i, test in in_use(sheet.log_rank):
        for _, ratio in in_use(sheet.hazard_ratios):
            se = interval_se(ratio)
            if se is None or ratio.adjustment != "crude" or not _same_patients(test, ratio):
                continue
            deviate = z_range(test.p)
            tested = deviate.negative if test.favours == test.treatment else deviate
            estimated = ratio_log(ratio, test.treatment).over(se)
            # The two tests part as the difference grows.
            allowance = 1 + 0.5 * estimated.size.low
            severity = grade(tested.gap(estimated) / allowance, limits.test_warning, limits.test_error)
            if severity:
                message = (
                    f"the log-rank test ({test.p.printed}, {test.favours} better) is inconsistent with the hazard "
                    f"ratio {ratio.printed} of {ratio.treatment} against {ratio.comparator}"
                )
                path, place = ("log_rank", i), test.p.place
                yield found(
                    sheet, "log_rank_ratio", severity, item_of(test), message, path, place, test.p.printed, ratio.value
                )


def _same_patients(test: LogRank, ratio: HazardRatio) -> bool:
    return (
        (test.outcome, test.population) == (ratio.outcome, ratio.population)
        and {test.treatment, test.comparator} == {ratio.treatment, ratio.comparator}
    )  # fmt: skip


def significance_after_matching(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Find log-rank tests that are significant in all patients and not in a matched cohort of them."""
    alpha = project.config.audit.significance
    for _, whole in in_use(sheet.log_rank):
        for i, matched in in_use(sheet.log_rank):
            population = sheet.populations.get(matched.population)
            cohort = whole.population == ALL and population and population.kind == "matched"
            if cohort and same_pair(whole, matched) and p_range(whole.p).high < alpha <= p_range(matched.p).low:
                message = (
                    f"the difference is significant in all patients, {whole.p.printed}, but not in the matched cohort, "
                    f"{matched.p.printed}"
                )
                path, values = ("log_rank", i), (whole.p.printed, matched.p.printed)
                place = matched.p.place
                yield found(sheet, "significance_lost", "info", item_of(matched), message, path, place, *values)


def medians(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare ratios and log-rank tests with the medians of the same arms.

    With Weibull survival of shape k in both arms the log hazard ratio is k times the log ratio of the medians (Weibull
    1951): only what no plausible shape explains is a warning or an error.
    """
    for outcome_id, outcome in project.config.outcomes.items():
        if not outcome.modelled.is_contrasts:
            continue
        effects = derive_effects(sheet, outcome_id)
        chosen = select_effects(sheet, effects)
        for effect in effects:
            others = (e for e in effects if e.method.startswith("medians") and _same_arms(e, effect))
            other = None if effect.method.startswith("medians") else next(others, None)
            if other is None:
                continue
            severity = _apart(effect, other, project.config.audit, effect in chosen)
            said = (
                f"{in_words(effect)} gives {exp(effect.log_effect):.2f}, whereas the medians suggest a hazard ratio of "
                f"{exp(other.log_effect):.2f}"
            )
            analyses: tuple[str, ...] = ()
            if severity == "info":
                other_reading = taking_medians(project, effect)
                analyses = other_reading.analyses
                message = f"{said}; the two are more than one standard error apart; {other_reading.words}"
            elif severity:
                message = f"{said}: neither chance nor a plausible shape of the curves explains this"
            else:
                continue
            values = (effect.log_effect, other.log_effect)
            yield replace(found_on(sheet, "medians", severity, effect, message, *values), analyses=analyses)


def _same_arms(a: Effect, b: Effect) -> bool:
    """Whether two effects compare the same patients."""
    keys = ("contrast_set", "treatment_arm", "comparator_arm", "population")
    return all(getattr(a, key) == getattr(b, key) for key in keys)


def _apart(effect: Effect, other: Effect, limits: AuditLimits, selected: bool) -> Severity | None:
    low, high = (shape * other.log_effect for shape in limits.shapes)
    plausible = Range(min(low, high), max(low, high))
    gap = Range(effect.log_effect, effect.log_effect).gap(plausible)
    severity = grade(gap / derivation.sum_se(effect.se, other.se), limits.effect_warning, limits.effect_error)
    if severity is None and selected and abs(effect.log_effect - other.log_effect) > effect.se:
        return "info"
    return severity


def opposite_directions(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Find figures that favour, each of them significantly, opposite arms: one of them is turned round."""
    deviate = two_sided_z(project.config.audit.significance)
    for outcome_id, outcome in project.config.outcomes.items():
        if not outcome.modelled.is_contrasts:
            continue
        effects = derive_effects(sheet, outcome_id)
        for used in select_effects(sheet, effects):
            pair = (used.contrast_set, used.treatment_arm, used.comparator_arm)
            for other in effects:
                if (other.contrast_set, other.treatment_arm, other.comparator_arm) != pair:
                    continue
                if other.population in sheet.populations and sheet.populations[other.population].kind == "subgroup":
                    continue
                z, z_other = used.log_effect / used.se, other.log_effect / other.se
                if z * z_other < 0 and min(abs(z), abs(z_other)) > deviate:
                    better, worse = (pair[1], pair[2]) if z < 0 else (pair[2], pair[1])
                    message = (
                        f"{in_words(used)}, which is used, favours {better}, whereas {in_words(other)} "
                        f"({other.source}) "
                        f"favours {worse}: one of them is inverted, for example a ratio printed under the wrong arm's "
                        "name"
                    )
                    values = (used.log_effect, other.log_effect)
                    yield found_on(sheet, "direction", "error", used, message, *values)


def log_rank_direction(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Check the direction read into a log-rank test: where no ratio is printed it decides the sign of the effect."""
    for i, test in in_use(sheet.log_rank):
        value = {
            m.arm: m.months
            for _, m in in_use(sheet.medians)
            if (m.outcome, m.population) == (test.outcome, test.population)
        }
        other = test.comparator if test.favours == test.treatment else test.treatment
        if not {test.favours, other} <= set(value) or value[test.favours] >= value[other]:
            continue
        ratio = any(_same_patients(test, ratio) for _, ratio in in_use(sheet.hazard_ratios))
        message = (
            f"the log-rank test is read in favour of {test.favours}, whose median is the shorter "
            f"({value[test.favours]:g} against {value[other]:g} months)"
        )
        path = ("log_rank", i, "favours")
        values = (test.favours, other)
        severity: Severity = "info" if ratio else "error"
        yield found(sheet, "log_rank_direction", severity, item_of(test), message, path, test.p.place, *values)


def precision_of_ratios(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare the standard error of a ratio with the number of events, or of patients where it is not printed.

    An event adds p(1 - p), at most 1/4, to the information about a log hazard ratio, so that its standard error is at
    least 2 / sqrt(events) (Schoenfeld 1981); below 2 / sqrt(patients) it is an error. A crude one is near
    sqrt(1/d1 + 1/d2). Without an interval the p-value gives the standard error, of a ratio near 1 almost any.
    """
    limits = project.config.audit
    for i, ratio in in_use(sheet.hazard_ratios):
        se = interval_se(ratio) or p_se(ratio)
        if se is None:
            continue
        arms = [ratio.treatment, ratio.comparator]
        path, item = ("hazard_ratios", i), item_of(ratio)
        events = total_events(sheet, ratio.outcome, arms, ratio.population)
        everybody = patients(sheet, arms, ratio.population)
        number, noun = (events, "events") if events else (everybody, "patients")
        if number and se.high < limits.information_warning * 2 / sqrt(number):
            impossible = everybody and se.high < limits.information_warning * 2 / sqrt(everybody)
            severity: Severity = "error" if impossible else "warning"
            beside = "" if interval_se(ratio) or not ratio.p else f" with {ratio.p.printed}"
            message = f"{ratio.printed}{beside} is more precise than {number} {noun} allow"
            yield found(
                sheet, "ratio_precision", severity, item, message, path, ratio.place, se.middle, 2 / sqrt(number)
            )
        by_arm = [arm_events(sheet, ratio.outcome, arm, ratio.population) for arm in arms]
        if ratio.adjustment == "crude" and all(by_arm):
            expected = sqrt(sum(1 / d for d in by_arm if d))
            if se.low > limits.width_warning / 2 * expected:
                message = f"{ratio.printed} is far less precise than {sum(filter(None, by_arm))} events would give"
                yield found(sheet, "ratio_precision", "warning", item, message, path, ratio.place, se.middle, expected)


def precision_of_medians(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare confidence intervals of medians with the number of patients.

    With constant hazards and everybody followed to the event a log median has standard error 1 / (ln 2 sqrt(n))
    (Collett 2015). Outcomes that include others, such as progression, are seen at scans only: their times cluster, and
    their intervals can be as narrow as they like.
    """
    factor, seen_at_scans = project.config.audit.width_warning, _composite(project)
    for i, median in in_use(sheet.medians):
        n = patients(sheet, [median.arm], median.population)
        if not (median.lower and median.upper and n) or median.interval_is != "confidence":
            continue
        se = derivation.interval_se(median.lower, median.upper, median.level)
        expected = 1 / (log(2) * sqrt(n))
        if se > expected * factor or (se < expected / factor and median.outcome not in seen_at_scans):
            size, by = ("narrower", expected / se) if se < expected else ("wider", se / expected)
            message = (
                f"the interval {median.printed} is {by:.1f} times {size} than expected for the median of {n} patients"
            )
            path = ("medians", i)
            yield found(
                sheet, "median_precision", "warning", item_of(median), message, path, median.place, se, expected
            )


def _composite(project: Project) -> set[str]:
    return {name for name, outcome in project.config.outcomes.items() if outcome.includes}


def implied_events(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Say how many events a p-value beside two medians implies; with equal arms, log HR has variance 4 / events."""
    for outcome in time_to_event_outcomes(project.config):
        effects = derive_effects(sheet, outcome)
        chosen = select_effects(sheet, effects)
        for effect in effects:
            if effect.method == "medians_p":
                n = patients(sheet, [effect.treatment_arm, effect.comparator_arm], effect.population)
                events = 4 / effect.se**2
                too_many = n is not None and events > n
                implied = f"implies about {events:.0f} events in arms of equal size"
                limit = f", more than there are patients ({n})" if too_many else ""
                message = (
                    "no number of events is given; with the ratio of the medians as the hazard ratio, the p-value "
                    f"{implied}{limit}"
                )
                severity: Severity = ("error" if effect in chosen else "warning") if too_many else "info"
                yield found_on(sheet, "implied_events", severity, effect, message, None, events)


def arm_events(sheet: StudySheet, outcome: str, arm: str | None, population: str) -> int | None:
    """Count the printed events of an arm, or of all arms together."""
    for _, row in in_use(sheet.events):
        if (row.outcome, row.arm, row.population) == (outcome, arm, population):
            n = patients(sheet, [arm] if arm else main_arms(sheet), population)
            return resolve_count(row.events, n)
    return None


def total_events(sheet: StudySheet, outcome: str, arms: list[str], population: str) -> int | None:
    """Count the printed events of two arms together."""
    events = [arm_events(sheet, outcome, arm, population) for arm in arms]
    known = [d for d in events if d is not None]
    if len(known) == len(arms):
        return sum(known)
    return arm_events(sheet, outcome, None, population) if set(arms) == set(main_arms(sheet)) else None


def main_arms(sheet: StudySheet) -> list[str]:
    """Arms that hold every patient of the study once."""
    return sheet.contrast_sets[sheet.default_contrast_set].arms


def patients(sheet: StudySheet, arms: list[str], population: str) -> int | None:
    """Patients of some arms in a population, where the sheet says how many they are."""
    try:
        return sum(sheet.patients(arm, population) for arm in arms)
    except KeyError:
        return None


CHECKS = (
    log_rank_and_ratio,
    significance_after_matching,
    medians,
    opposite_directions,
    log_rank_direction,
    precision_of_ratios,
    precision_of_medians,
    implied_events,
)
