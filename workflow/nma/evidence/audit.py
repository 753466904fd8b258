"""What a reader must know about the evidence before reading a result: assumptions, conflicts, gaps."""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

from nma.config import Project, time_to_event_outcomes
from nma.evidence.contrasts import Effect, derive_effects, select_effects
from nma.evidence.counts import count_arms, select_counts
from nma.evidence.selection import reporting_studies
from nma.sheets import Count, StudySheet, resolve_count

AUDIT_COLUMNS = ("study", "item", "check", "severity", "reported", "recomputed", "source", "message")
Finding = dict[str, Any]


def audit_project(project: Project) -> list[Finding]:
    """Run every check; findings are ordered by study, then by check."""
    findings = [
        finding for sheet in project.sheets.values() for check in _SHEET_CHECKS for finding in check(sheet, project)
    ]
    findings += _overlapping_enrolment(project)
    return sorted(findings, key=lambda f: (f["study"], f["check"], f["item"], f["source"] or ""))


def _finding(
    sheet: StudySheet,
    item: str,
    check: str,
    severity: str,
    message: str,
    source: str = "",
    reported: Any = None,
    recomputed: Any = None,
) -> Finding:
    return {
        "study": sheet.study,
        "item": item,
        "check": check,
        "severity": severity,
        "reported": reported,
        "recomputed": recomputed,
        "source": source,
        "message": message,
    }


def _not_reported(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    takers = [name for name in project.config.analyses if sheet.study in project.studies_of(name)]
    analysed = {outcome for name in takers for outcome in project.config.outcomes_of(name)}
    for outcome in project.config.outcomes:
        if outcome in analysed and sheet.study not in reporting_studies(project, outcome):
            where = "quotation" if sheet.secondary_report else "paper"
            problem = f"the {where} gives no figure from which this outcome could be derived"
            message = f"{problem}; the study is not in its network"
            yield _finding(sheet, outcome, "not_reported", "info", message)


def _secondary(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    report = sheet.secondary_report
    if report:
        takers = [name for name in project.config.analyses if sheet.study in project.studies_of(name)]
        used = f"used by {', '.join(takers)} only" if takers else "used by no analysis"
        message = f"read in {report.quoted_by}, which cites it as {report.cited_as}; {used}. {report.unknown}"
        source = sheet.source(("secondary_report",), report.place)
        yield _finding(sheet, "study", "secondary_report", "warning", message, source)


def _assumed(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    for i, record in enumerate(sheet.assumed_events):
        low, high = record.plausible
        yield _finding(
            sheet,
            record.outcome,
            "assumed",
            "warning",
            f"the number of events is assumed, plausible fractions {low:g} to {high:g}: {record.reason}",
            sheet.source(("assumed_events", i), "assumed"),
            recomputed=record.fraction,
        )


def _labels(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    for i, ratio in enumerate(sheet.hazard_ratios):
        if ratio.label_inverted:
            reading = f"{ratio.treatment} against {ratio.comparator}"
            message = f"printed under the label '{ratio.label}', read as {reading}: {ratio.reason}"
            source = sheet.source(("hazard_ratios", i), ratio.place)
            yield _finding(sheet, ratio.outcome, "label_inverted", "warning", message, source, ratio.printed)
    for i, median in enumerate(sheet.medians):
        if median.interval == "IQR" and median.interval_is == "confidence":
            message = "the interval is called an IQR but can only be a confidence interval of the median; used as such"
            source = sheet.source(("medians", i), median.place)
            yield _finding(sheet, median.outcome, "interval_label", "warning", message, source, median.printed)


def _direction(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare selected effects with the medians of the same arms."""
    for outcome_id, outcome in project.config.outcomes.items():
        if outcome.is_count:
            continue
        effects = derive_effects(sheet, outcome_id)
        for effect in select_effects(sheet, effects):
            for other in effects:
                if other.method.startswith("medians") and _same_arms(effect, other):
                    yield from _compare(sheet, effect, other)
                    break


def _same_arms(effect: Effect, other: Effect) -> bool:
    key = (effect.contrast_set, effect.treatment_arm, effect.comparator_arm)
    return key == (other.contrast_set, other.treatment_arm, other.comparator_arm) and effect is not other


def _compare(sheet: StudySheet, effect: Effect, other: Effect) -> Iterator[Finding]:
    if effect.log_effect * other.log_effect < 0:
        severity, message = "error", f"{effect.method} and the medians point in opposite directions"
    elif abs(effect.log_effect - other.log_effect) > effect.se:
        severity = "warning"
        message = (
            f"{effect.method} and the medians differ by more than one standard error; see the sensitivity analyses"
        )
    else:
        return
    item = f"{effect.outcome} {effect.treatment_arm} against {effect.comparator_arm}"
    yield _finding(sheet, item, "medians", severity, message, effect.source, effect.log_effect, other.log_effect)


def _implied_events(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Say how many events a p beside two medians stands for: with equal arms, the variance of log HR is 4 / events."""
    for outcome in time_to_event_outcomes(project.config):
        for effect in derive_effects(sheet, outcome):
            if effect.method == "medians_p":
                sizes = [sheet.size(arm, effect.population) for arm in (effect.treatment_arm, effect.comparator_arm)]
                patients = None if None in sizes else sum(n for n in sizes if n)
                events = 4 / effect.se**2
                too_many = patients is not None and events > patients
                limit = f", more than the {patients} patients" if too_many else ""
                standing = f"stands for some {events:.0f} events in arms of equal size{limit}"
                message = (
                    f"no number of events is given; with the ratio of the medians as hazard ratio the p {standing}"
                )
                severity = "warning" if too_many else "info"
                item = f"{outcome} {effect.treatment_arm} against {effect.comparator_arm}"
                yield _finding(sheet, item, "implied_events", severity, message, effect.source, recomputed=events)


def _unused(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    for section in ("hazard_ratios", "medians", "log_rank", "events", "curves", "responses", "counts"):
        for i, record in enumerate(getattr(sheet, section)):
            if record.not_used:
                source = sheet.source((section, i), getattr(record, "place", "") or "see sheet")
                item = getattr(record, "outcome", "response")
                yield _finding(sheet, item, "not_used", "info", f"recorded but not used: {record.not_used}", source)
    for i, ratio in enumerate(sheet.hazard_ratios):
        pairs = [
            {arm, contrast_set.comparator} for contrast_set in sheet.contrast_sets.values() for arm in contrast_set.arms
        ]
        if {ratio.treatment, ratio.comparator} not in pairs:
            message = "no contrast set compares these two arms; the ratio cannot be used"
            source = sheet.source(("hazard_ratios", i), ratio.place)
            yield _finding(sheet, ratio.outcome, "not_used", "warning", message, source, ratio.printed)
        if ratio.p and ratio.p.relation != "=":
            message = "p is printed as a bound and gives no standard error"
            source = sheet.source(("hazard_ratios", i), ratio.place)
            yield _finding(sheet, ratio.outcome, "p_bound", "info", message, source, ratio.p.printed)


def _settings(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    lines = sheet.failed_first_line
    if len(lines) < 2 or not all(line.arms for line in lines):
        return
    arms = list(lines[0].arms)
    shares = {arm: lines[0].arms[arm] / sum(line.arms.get(arm, 0) for line in lines) for arm in arms}
    if max(shares.values()) - min(shares.values()) > 0.05:
        shown = ", ".join(f"{arm} {share:.0%}" for arm, share in shares.items())
        difference = f"the arms differ in their failed first line ({lines[0].setting}: {shown})"
        message = f"{difference}; the study enters with its overall mix"
        source = sheet.source(("failed_first_line", 0), lines[0].place)
        yield _finding(sheet, "failed_first_line", "setting_mix", "warning", message, source)


def _percentages(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare printed percentages with printed counts, and printed rates against their categories."""
    for i, record in enumerate(sheet.responses):
        n = sheet.patients(record.arm, record.population)
        source = sheet.source(("responses", i), record.place)
        for name in ("cr", "pr", "sd", "pd"):
            yield from _percentage(sheet, f"{name} {record.criterion} {record.arm}", getattr(record, name), n, source)
        for name, parts in (("orr", ("cr", "pr")), ("dcr", ("cr", "pr", "sd"))):
            item = f"{name} {record.criterion} {record.arm}"
            rate: Count | None = getattr(record, name)
            figures = [getattr(record, part) for part in parts]
            counts = [resolve_count(figure, n) for figure in figures if figure]
            if len(counts) < len(parts) or None in counts:
                yield from _percentage(sheet, item, rate, n, source)
            elif rate and rate.percent is not None:
                total = sum(count for count in counts if count is not None)
                message = (
                    f"{rate.percent}% is printed, the categories add up to {total} of {n}; the categories are used"
                )
                yield from _disagreement(sheet, item, "categories", rate.percent, total, n, message, source)
    for i, row in enumerate(sheet.counts):
        n = sheet.patients(row.arm, row.population)
        source = sheet.source(("counts", i), row.events.place or "")
        yield from _percentage(sheet, f"{row.outcome} {row.arm}", row.events, n, source)
    for i, event in enumerate(sheet.events):
        arms = [event.arm] if event.arm else sheet.contrast_sets[sheet.default_contrast_set].arms
        n = sum(sheet.patients(arm, event.population) for arm in arms)
        source = sheet.source(("events", i), event.events.place or "")
        item = f"{event.outcome} events {event.arm or 'all arms'}"
        yield from _percentage(sheet, item, event.events, n, source)


def _percentage(sheet: StudySheet, item: str, figure: Count | None, n: int, source: str) -> Iterator[Finding]:
    if figure is None or figure.percent is None:
        return
    total = figure.of or n
    count = resolve_count(figure, total)
    if count is not None:
        message = f"{figure.percent}% is printed, {count} of {total} is {100 * count / total:.2f}%"
        yield from _disagreement(sheet, item, "percentage", figure.percent, count, total, message, source)


def _disagreement(
    sheet: StudySheet, item: str, check: str, percent: float, count: int, n: int, message: str, source: str
) -> Iterator[Finding]:
    """Report a count that does not give the printed percentage; a slip of rounding is worth an info."""
    exact = 100 * count / n
    unit = 1.0 if percent == round(percent) else 0.1
    gap = abs(exact - percent)
    if gap > 0.5 * unit + 1e-9:
        severity = "info" if gap < unit else "warning"
        yield _finding(sheet, item, check, severity, message, source, percent, exact)


def _matched_direction(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare counts of the whole cohort with those of a matched one."""
    for outcome_id, outcome in project.config.outcomes.items():
        if not outcome.is_count:
            continue
        counts = count_arms(sheet, outcome_id, outcome)
        whole = select_counts(sheet, counts, project.config.criteria)
        for name, population in sheet.populations.items():
            matched = {c.arm: c for c in counts if c.population == name and whole and c.criterion == whole[0].criterion}
            if population.kind != "matched" or set(matched) != {c.arm for c in whole}:
                continue
            for a, b in combinations(whole, 2):
                before = a.events / a.n - b.events / b.n
                after = matched[a.arm].events / matched[a.arm].n - matched[b.arm].events / matched[b.arm].n
                if before * after < 0:
                    pair = f"{a.arm} against {b.arm}"
                    message = f"{pair} points one way in the whole cohort (used) and the other after matching"
                    yield _finding(
                        sheet, outcome_id, "matched_direction", "warning", message, matched[a.arm].source, before, after
                    )


def _prose(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Directions stated for a count outcome against the counts."""
    for i, record in enumerate(sheet.comparisons):
        outcome = project.config.outcomes.get(record.outcome)
        if not record.favours or outcome is None or not outcome.is_count:
            continue
        counts = {
            c.arm: c
            for c in count_arms(sheet, record.outcome, outcome)
            if c.population == record.population and record.criterion in (None, c.criterion)
        }
        if {record.treatment, record.comparator} - set(counts):
            continue
        t, c = counts[record.treatment], counts[record.comparator]
        difference = t.events / t.n - c.events / c.n
        better = record.treatment if (difference > 0) == (outcome.better == "higher") else record.comparator
        if difference and better != record.favours:
            place = record.prose.place if record.prose else (record.p.place if record.p else "")
            message = f"the text says {record.favours} did better, the figures say {better}"
            source = sheet.source(("comparisons", i), place)
            yield _finding(sheet, record.outcome, "prose_direction", "warning", message, source, record.favours, better)


def _overlapping_enrolment(project: Project) -> Iterator[Finding]:
    for a, b in combinations(project.sheets.values(), 2):
        if not (a.site and b.site and a.enrolment and b.enrolment):
            continue
        same_site = a.site.strip().lower() == b.site.strip().lower()
        overlap = a.enrolment.start <= b.enrolment.end and b.enrolment.start <= a.enrolment.end
        shared = {r for arm in a.arms.values() for r in arm.regimens} & {
            r for arm in b.arms.values() for r in arm.regimens
        }
        lines = {line.setting for line in a.failed_first_line} & {line.setting for line in b.failed_first_line}
        if same_site and overlap and shared and lines:
            message = (
                f"enrolled at the site of {b.study} over overlapping dates, both with {', '.join(sorted(shared))}: "
                "the same patients may stand in both"
            )
            yield _finding(a, b.study, "overlap", "warning", message, a.source(("enrolment",), a.enrolment.place))


_SHEET_CHECKS: tuple[Callable[[StudySheet, Project], Iterator[Finding]], ...] = (
    _not_reported,
    _secondary,
    _assumed,
    _labels,
    _direction,
    _implied_events,
    _unused,
    _settings,
    _percentages,
    _matched_direction,
    _prose,
)
