"""Events against patients, medians and follow-up; outcomes against the outcomes that they include."""

import re
from collections.abc import Iterator
from math import sqrt

from secondline.evidence.audit.finding import Finding, Severity, found, item_of
from secondline.evidence.audit.ratios import in_use
from secondline.evidence.audit.significance import counted
from secondline.evidence.audit.survival import arm_events, main_arms, patients, total_events
from secondline.project.config import Project
from secondline.project.figures import ALL, resolve_count
from secondline.project.sheets import StudySheet


def totals(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare the events of all arms with those of the arms."""
    for i, row in in_use(sheet.events):
        arms = main_arms(sheet)
        by_arm = [arm_events(sheet, row.outcome, arm, row.population) for arm in arms]
        stated = resolve_count(row.events, patients(sheet, arms, row.population))
        if row.arm is None and None not in by_arm and stated != sum(filter(None, by_arm)):
            total = sum(filter(None, by_arm))
            message = f"the arms have {total} events in total, but {stated} are printed for all arms together"
            path, place = ("events", i), row.events.place or ""
            yield found(sheet, "events_total", "error", item_of(row), message, path, place, stated, total)


def included_events(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare outcomes with those that they include: no fewer events, no longer medians."""
    for outcome_id, outcome in project.config.outcomes.items():
        for part in outcome.includes:
            yield from _more_events(sheet, project, outcome_id, part)
            yield from _longer_medians(sheet, outcome_id, part)


def _more_events(sheet: StudySheet, project: Project, whole: str, part: str) -> Iterator[Finding]:
    counted = _by_arm(sheet, project, part)
    for (arm, population, criterion), (n, path, place) in _by_arm(sheet, project, whole).items():
        for (other, where, by), (m, _, _) in counted.items():
            same = (arm, population) == (other, where) and (criterion == by or None in (criterion, by))
            if same and m > n:
                message = f"{m} patients are counted for {part} but only {n} for {whole}, which includes {part}"
                item = f"{whole} {arm or 'all arms'}" + ("" if population == ALL else f", {population}")
                severity: Severity = "warning" if path[0] == "events" else "error"
                yield found(sheet, "included", severity, item, message, path, place, n, m)


type _Arms = dict[tuple[str | None, str, str | None], tuple[int, tuple[str | int, ...], str]]


def _by_arm(sheet: StudySheet, project: Project, name: str) -> _Arms:
    """Patients with an event by arm, population and criterion."""
    result: _Arms = {}
    for i, row in in_use(sheet.events):
        n = arm_events(sheet, name, row.arm, row.population)
        if row.outcome == name and n is not None:
            result[row.arm, row.population, None] = (n, ("events", i), row.events.place or "")
    outcome = project.config.outcomes.get(name)
    section = "responses" if outcome is None or outcome.categories else "counts"
    for count in counted(sheet, name, project):
        result[count.arm, count.population, count.criterion] = (count.events, (section,), "")
    return result


def _longer_medians(sheet: StudySheet, whole: str, part: str) -> Iterator[Finding]:
    medians = {(m.outcome, m.arm, m.population): m.months for _, m in in_use(sheet.medians)}
    for i, median in in_use(sheet.medians):
        other = medians.get((part, median.arm, median.population))
        if median.outcome == whole and other is not None and median.months > other:
            message = (
                f"the median of {whole}, {median.months:g} months, is longer than that of {part}, {other:g} "
                f"months, although {whole} includes every event of {part}"
            )
            path = ("medians", i)
            yield found(
                sheet, "included", "warning", item_of(median), message, path, median.place, median.months, other
            )


def follow_up(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Find medians longer than anybody can have been followed, from the first enrolment to cutoff or publication."""
    if sheet.enrolment is None or sheet.bibliography is None:
        return
    published = sheet.bibliography.published or f"{sheet.bibliography.year}-12"
    end = _month(sheet.enrolment.cutoff) or _month(published)
    start = _month(sheet.enrolment.start)
    if end is None or start is None:
        return
    longest = end - start + 1
    for i, median in in_use(sheet.medians):
        reached = max(filter(None, (median.value, median.lower, median.upper))) * median.scale
        if reached > longest:
            message = (
                f"{median.printed} exceeds the longest follow-up, {longest} months from {sheet.enrolment.start} "
                f"to {'the cutoff' if sheet.enrolment.cutoff else 'publication'}; check the figure and its unit"
            )
            path = ("medians", i)
            yield found(sheet, "follow_up", "error", item_of(median), message, path, median.place, reached, longest)


def _month(date: str | None) -> int | None:
    """Count months from a date that starts with year and month."""
    match = re.match(r"(\d{4})-(\d\d)", date or "")
    return 12 * int(match[1]) + int(match[2]) if match else None


def events_and_follow_up(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare the number of events with the medians and the median follow-up.

    With F the distribution of the time to the event and f the median follow-up, half the patients are followed longer:
    the share of events lies between F(f)/2 and (1 + F(f))/2, F being Weibull with the printed median and any plausible
    shape. Where follow-up may mean time under observation, which stops at the event, the upper bound does not hold.
    """
    f, limits = sheet.enrolment.median_follow_up_months if sheet.enrolment else None, project.config.audit
    if sheet.enrolment is None or f is None:
        return
    arms = main_arms(sheet)
    longest = max((m.months for _, m in in_use(sheet.medians) if m.population == ALL), default=0.0)
    for outcome in dict.fromkeys(row.outcome for _, row in in_use(sheet.events)):
        median = {m.arm: m.months for _, m in in_use(sheet.medians) if (m.outcome, m.population) == (outcome, ALL)}
        events, n = total_events(sheet, outcome, arms, ALL), patients(sheet, arms, ALL)
        if events is None or n is None or not set(arms) <= set(median):
            continue
        shares = [[1 - 2 ** -(min(f / median[arm], 1e3) ** shape) for shape in limits.shapes] for arm in arms]
        low = sum(min(share) * sheet.patients(arm) for share, arm in zip(shares, arms, strict=True)) / n / 2
        high = (1 + sum(max(share) * sheet.patients(arm) for share, arm in zip(shares, arms, strict=True)) / n) / 2
        if f <= longest:
            high = 1.0
        bound = min(max(events / n, low), high)
        error = sqrt(bound * (1 - bound) / n)
        if abs(events / n - bound) > limits.effect_warning * error:
            message = (
                f"{events} events in {n} patients are inconsistent with medians of "
                f"{', '.join(f'{median[a]:g}' for a in arms)} months and a median follow-up of {f:g} months"
            )
            path, place = ("enrolment",), sheet.enrolment.place
            yield found(
                sheet, "events_follow_up", "warning", f"{outcome} all arms", message, path, place, events / n, bound
            )


CHECKS = (totals, included_events, follow_up, events_and_follow_up)
