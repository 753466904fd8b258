"""The same quantity printed twice."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from secondline.evidence.audit.counts import CATEGORIES, RATES, response_item
from secondline.evidence.audit.finding import Finding, Path, Severity, found, item_of
from secondline.evidence.audit.printed import Range, p_range, point, printed_range
from secondline.evidence.audit.survival import main_arms, patients
from secondline.project.config import Project
from secondline.project.figures import Count, PValue
from secondline.project.outcome_records import Median
from secondline.project.sheets import StudySheet
from secondline.project.study_parts import Version

# A quantity: what it is, which of its numbers, where it stands, what is printed, and the range of that.
type _Printed = tuple[str, tuple[Any, ...], Path, str, str, Range]


def printed_twice(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Find quantities that a paper prints with different values, whichever of them is used.

    One string printed again is no contradiction, whichever of its numbers a record takes: what contradicts itself
    inside it, such as a percentage that is not its count's, is found by its own check.
    """
    groups: dict[tuple[Any, ...], list[_Printed]] = {}
    for quantity in _quantities(sheet):
        groups.setdefault(quantity[1], []).append(quantity)
    reported = set()
    for versions in groups.values():
        for (item, _, _, first, place, a), (_, _, path, second, other, b) in combinations(versions, 2):
            if first != second and a.gap(b) and (item, first, second) not in reported:
                reported.add((item, first, second))
                message = f"the paper prints {first} ({place}) and {second} ({other}) for the same quantity"
                yield found(sheet, "printed_twice", "warning", item, message, path, other, first, second)


def _quantities(sheet: StudySheet) -> Iterator[_Printed]:
    """Every figure of a sheet by what it is a figure of, those not used among them."""
    for i, ratio in enumerate(sheet.hazard_ratios):
        key = (ratio.outcome, ratio.treatment, ratio.comparator, ratio.population, ratio.adjustment, *ratio.covariates)
        yield from _numbers(ratio, ("hazard_ratios", i), key)
        if ratio.p:
            yield from _p_values(ratio.p, item_of(ratio), ("p", *key), ("hazard_ratios", i, "p"))
    for i, median in enumerate(sheet.medians):
        yield from _numbers(median, ("medians", i), ("median", median.outcome, median.arm, median.population))
    for section in ("log_rank", "comparisons"):
        for i, test in enumerate(getattr(sheet, section)):
            p: PValue | None = test.p
            criterion = getattr(test, "criterion", None)
            pair = frozenset((test.treatment, test.comparator))
            if p:
                asked = (section, test.outcome, pair, test.population, criterion)
                yield from _p_values(p, item_of(test), asked, (section, i, "p"))
    for i, record in enumerate(sheet.responses):
        n = sheet.patients(record.arm, record.population)
        for name in (*CATEGORIES, *RATES):
            figure: Count | None = getattr(record, name)
            if figure:
                rate = ("responses", name, record.criterion, record.arm, record.population)
                path, place = ("responses", i, name), figure.place or record.place
                yield response_item(name, record), rate, path, figure.printed, place, _share(figure, n)
    for section in ("counts", "events"):
        for i, row in enumerate(getattr(sheet, section)):
            total = row.events.of or patients(sheet, [row.arm] if row.arm else main_arms(sheet), row.population)
            if total:
                events, at = (section, row.outcome, row.arm, row.population), (section, i, "events")
                yield item_of(row), events, at, row.events.printed, row.events.place or "", _share(row.events, total)


def _p_values(p: PValue, item: str, key: tuple[Any, ...], path: Path) -> Iterator[_Printed]:
    """List a p-value wherever it is printed."""
    for printed in (p, *p.elsewhere):
        yield item, key, path, printed.printed, printed.place, p_range(printed)


def _numbers(record: Any, path: Path, key: tuple[Any, ...]) -> Iterator[_Printed]:
    scale = record.scale if isinstance(record, Median) else 1.0  # medians in months
    for name in ("value", "lower", "upper"):
        value = getattr(record, name)
        if value is not None:
            yield (
                item_of(record),
                (name, *key),
                path,
                record.printed,
                record.place,
                printed_range(value, record.printed).map(lambda x: x * scale),
            )


def _share(figure: Count, n: int) -> Range:
    """Percentage of the patients: exactly, by the count, or as printed."""
    if figure.count is not None:
        return point(100 * figure.count / (figure.of or n))
    assert figure.percent is not None
    return printed_range(figure.percent, figure.printed)


def reprinted(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare the versions of the quantities that a sheet records as printed in several places.

    One that concerns a figure of the sheet is a warning, any other an info.
    """
    for i, record in enumerate(sheet.reprinted):
        a, path = record.versions[0], ("reprinted", i)
        severity: Severity = "warning" if record.outcome else "info"
        item = " ".join(filter(None, [record.outcome, record.item]))
        reading = f"; {record.reading}" if record.reading else ""
        for b in record.versions[1:]:
            if _value(a).gap(_value(b)):
                message = f"{_difference(a, b)}{reading}"
                yield found(sheet, "printed_twice", severity, item, message, path, b.place, a.value, b.value)
            elif a.label != b.label:
                message = f"the paper prints {a.printed} as {a.label} ({a.place}) and as {b.label} ({b.place}){reading}"
                yield found(sheet, "two_labels", severity, item, message, path, b.place, a.label, b.label)


def _difference(a: Version, b: Version) -> str:
    if b.derived and a.printed == b.printed:
        return f"the paper prints {a.printed} ({a.place}), where {b.value:g} is expected: {b.derived}"
    return f"for the same quantity the paper prints {_shown(a)} and {_shown(b)}"


def _shown(version: Version) -> str:
    derived = f", {version.derived}, that is {version.value:g}" if version.derived else ""
    return f"{version.printed} ({version.place}{derived})"


def _value(version: Version) -> Range:
    """Range of a version: exact where it is put together, anything where it has no number."""
    if version.value is None:
        return Range(float("-inf"), float("inf"))
    if version.derived:
        return point(version.value)
    if version.relation in ("<", "<="):
        return Range(float("-inf"), version.value)
    if version.relation in (">", ">="):
        return Range(version.value, float("inf"))
    return printed_range(version.value, version.printed)


CHECKS = (printed_twice, reprinted)
