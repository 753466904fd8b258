"""Printed tests of counts, recomputed; and what the text calls significant."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from math import comb, erfc, inf, sqrt

from secondline.evidence.audit.finding import Finding, found, grade, item_of
from secondline.evidence.audit.printed import Range, p_range, point, z_of, z_range
from secondline.evidence.audit.ratios import same_pair
from secondline.evidence.counts import ArmCount, count_arms, count_category
from secondline.project.config import Project
from secondline.project.figures import PValue
from secondline.project.outcomes import RESPONSE
from secondline.project.sheets import StudySheet
from secondline.project.study_parts import Comparison

_NEAR = 3  # patients by which a count may be off in the search for what a printed p-value fits
_CLOSE = 0.05  # normal deviates by which a test may miss the printed p-value in the search among all counts of an arm
_MANY = 2000  # patients beyond which there is no search among all counts of an arm


@lru_cache(maxsize=4096)
def p_values(events: int, n: int, events_other: int, n_other: int) -> dict[str, float]:
    """Two-sided p-values of the usual tests of two proportions.

    Returns
    -------
    dict of str to float
        Fisher's exact test, and the chi-squared test without and with Yates's correction where it is defined.

    Notes
    -----
    Written out, because the audit runs before every plan and SciPy's statistics take a second to import; a test holds
    them against SciPy's.
    """
    total, patients = events + events_other, n + n_other
    ways = {k: comb(n, k) * comb(n_other, total - k) for k in range(max(0, total - n_other), min(n, total) + 1)}
    tests = {"Fisher": sum(w for w in ways.values() if w <= ways[events]) / comb(patients, total)}
    if 0 < total < patients:
        off = abs(events - n * total / patients)
        # the sum of 1 / expected over the four cells
        weight = patients**3 / (n * n_other * total * (patients - total))
        for name, distance in (("chi-squared", off), ("corrected chi-squared", off - min(0.5, off))):
            tests[name] = erfc(sqrt(distance**2 * weight / 2))
    return tests


def printed_tests(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Recompute the printed tests of counts: whether Fisher's or a chi-squared test gives the printed p."""
    limits = project.config.audit
    for i, record in enumerate(sheet.comparisons):
        counts = list(compared_counts(sheet, record, project))
        if record.p is None or not counts or any(_fits(record.p, t, c) for t, c in counts):
            continue
        treatment, comparator = counts[0]
        tests = p_values(treatment.events, treatment.n, comparator.events, comparator.n)
        severity = grade(_gap(record.p, tests), 0.0, limits.test_error) or "warning"
        unit = p_range(record.p)
        wide = Range(unit.low - (unit.high - unit.low) / 2, unit.high + (unit.high - unit.low) / 2)
        if record.p.relation == "=" and any(wide.gap(point(p)) == 0 for p in tests.values()):
            severity = "info"
        shown = ", ".join(f"{name} {p:.2g}" for name, p in tests.items())
        counted = f"{treatment.events} of {treatment.n} and {comparator.events} of {comparator.n}"
        hint = _would_fit(record.p, treatment, comparator)
        message = f"{record.p.printed} is printed for {counted}, but tests of these counts give {shown}{hint}"
        path, values = ("comparisons", i, "p"), (record.p.printed, tests["Fisher"])
        yield found(sheet, "test_p", severity, item_of(record), message, path, record.p.place, *values)


def _fits(p: PValue, treatment: ArmCount, comparator: ArmCount) -> bool:
    tests = p_values(treatment.events, treatment.n, comparator.events, comparator.n)
    return any(p_range(p).gap(point(value)) == 0 for value in tests.values())


def _would_fit(p: PValue, treatment: ArmCount, comparator: ArmCount) -> str:
    """Say which counts close by the printed p would fit, if it is printed precisely enough to tell."""
    if p.relation != "=":
        return ""
    shifts = sorted(product(range(-_NEAR, _NEAR + 1), repeat=2), key=lambda s: (abs(s[0]) + abs(s[1]), s))
    for shift, other in shifts:
        events, events_other = treatment.events + shift, comparator.events + other
        if 0 <= events <= treatment.n and 0 <= events_other <= comparator.n:
            tests = p_values(events, treatment.n, events_other, comparator.n)
            if any(p_range(p).gap(point(value)) == 0 for value in tests.values()):
                return f"; it would fit {events} of {treatment.n} and {events_other} of {comparator.n}"
    return _would_fit_far(p, treatment, comparator)


def _would_fit_far(p: PValue, treatment: ArmCount, comparator: ArmCount) -> str:
    """Say which counts of one arm, the other one's as printed, come next to the printed p, and at which odds ratio.

    A count far from the printed one that fits may turn the effect round: then one of the two figures is misprinted, and
    which of them decides the sign.
    """
    arms = [(e, treatment.n, comparator.events, comparator.n) for e in _close_counts(p, treatment, comparator)]
    arms += [(treatment.events, treatment.n, e, comparator.n) for e in _close_counts(p, comparator, treatment)]
    if not arms:
        return ""
    printed = _odds_ratio(treatment.events, treatment.n, comparator.events, comparator.n)
    shown = "; ".join(_shown_fit(table, printed) for table in arms)
    return f"; the odds ratio of these counts is {printed:.2g}; the printed p-value would nearly fit {shown}"


def _close_counts(p: PValue, arm: ArmCount, other: ArmCount) -> list[int]:
    """List the counts of an arm for which a test comes close to the printed p, the other arm's being right."""
    if arm.n + other.n > _MANY:
        return []
    tests = {events: p_values(events, arm.n, other.events, other.n) for events in range(arm.n + 1)}
    found = [events for events in tests if _gap(p, tests[events]) <= _CLOSE]
    return [] if arm.events in found else found


def _gap(p: PValue, tests: dict[str, float]) -> float:
    """Measure, in normal deviates, how far a printed p is from the nearest of some tests."""
    return min(z_range(p).gap(point(z_of(value))) for value in tests.values())


def _shown_fit(table: tuple[int, int, int, int], printed: float) -> str:
    events, n, events_other, n_other = table
    ratio = _odds_ratio(*table)
    turned = ", in the opposite direction" if (ratio - 1) * (printed - 1) < 0 else ""
    return f"{events} of {n} and {events_other} of {n_other} (odds ratio {ratio:.2g}{turned})"


def _odds_ratio(events: int, n: int, events_other: int, n_other: int) -> float:
    """Odds ratio of two counts, infinite where the other arm has no odds."""
    above, below = events * (n_other - events_other), events_other * (n - events)
    return above / below if below else inf


def claims(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare what the text calls significant with the printed p-values, or with the tests where none is printed."""
    alpha = project.config.audit.significance
    for i, record in enumerate(sheet.comparisons):
        if record.significant is None:
            continue
        printed = [o.p for o in sheet.comparisons if o.p and _same_question(o, record)]
        smallest, largest = [p_range(p).low for p in printed], [p_range(p).high for p in printed]
        if not printed:
            for treatment, comparator in compared_counts(sheet, record, project):
                tests = p_values(treatment.events, treatment.n, comparator.events, comparator.n).values()
                smallest, largest = [*smallest, min(tests)], [*largest, max(tests)]
        if not smallest:
            continue
        wrong = min(smallest) >= alpha if record.significant else max(largest) < alpha
        if wrong:
            says = (
                "calls this difference significant" if record.significant else "calls this difference not significant"
            )
            shown = ", ".join(p.printed for p in printed) or f"p from {min(smallest):.2g} to {max(largest):.2g}"
            message = f"the text {says}, but {'the paper prints' if printed else 'the tests give'} {shown}"
            path, place = ("comparisons", i, "significant"), _place(record)
            yield found(
                sheet, "prose_significance", "warning", item_of(record), message, path, place, record.significant, shown
            )


def _same_question(a: Comparison, b: Comparison) -> bool:
    criteria = a.criterion == b.criterion or None in (a.criterion, b.criterion)
    return criteria and a.population == b.population and same_pair(a, b)


def _place(record: Comparison) -> str:
    figure = record.prose or record.p
    return figure.place if figure else ""


def counted(sheet: StudySheet, name: str, project: Project) -> list[ArmCount]:
    """Count the events of every arm, for a count outcome or a category of response."""
    outcome = project.config.outcomes.get(name)
    if outcome is None and name in RESPONSE:
        return count_category(sheet, name)
    return count_arms(sheet, name, outcome) if outcome and outcome.is_count else []


def compared_counts(sheet: StudySheet, record: Comparison, project: Project) -> Iterator[tuple[ArmCount, ArmCount]]:
    """Pair the counts of the two arms of a comparison, for every criterion that it can mean."""
    counts = [c for c in counted(sheet, record.outcome, project) if c.population == record.population]
    for criterion in dict.fromkeys(c.criterion for c in counts):
        by_arm = {c.arm: c for c in reversed(counts) if c.criterion == criterion}
        if record.criterion in (None, criterion) and {record.treatment, record.comparator} <= set(by_arm):
            yield by_arm[record.treatment], by_arm[record.comparator]


CHECKS = (printed_tests, claims)
