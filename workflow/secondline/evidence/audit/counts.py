"""Counts and percentages of patients against each other."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor

from secondline.evidence.audit.finding import Finding, Path, Severity, found, item_of
from secondline.evidence.audit.printed import point, printed_range
from secondline.evidence.audit.ratios import in_use
from secondline.evidence.audit.survival import main_arms, patients
from secondline.numbers_in_text import decimals
from secondline.project.config import Project
from secondline.project.figures import ALL, Count, resolve_count
from secondline.project.outcome_records import Response
from secondline.project.sheets import StudySheet

CATEGORIES = ("cr", "pr", "sd", "pd")
RATES = {"orr": ("cr", "pr"), "dcr": ("cr", "pr", "sd")}


@dataclass(frozen=True)
class Share:
    """A count or percentage of so many patients, and where it stands."""

    figure: Count
    n: int
    item: str
    path: Path
    place: str


def response_item(name: str, record: Response) -> str:
    """Name one figure of a record of responses."""
    apart = "" if record.population == ALL else f", {record.population}"
    return f"{name} {record.criterion} {record.arm}{apart}"


def shares(sheet: StudySheet) -> Iterator[Share]:
    """Every count or percentage of patients, but for the rates of response that are made of categories."""
    for i, record in in_use(sheet.responses):
        n = sheet.patients(record.arm, record.population)
        for name in (*CATEGORIES, *RATES):
            figure: Count | None = getattr(record, name)
            made_of_categories = all(_count(record, part, n) is not None for part in RATES.get(name, (name,)))
            if figure and not (name in RATES and made_of_categories):
                item, path = response_item(name, record), ("responses", i, name)
                yield Share(figure, figure.of or n, item, path, figure.place or record.place)
    for section in ("counts", "events"):
        for i, row in in_use(getattr(sheet, section)):
            whole = patients(sheet, [row.arm] if row.arm else main_arms(sheet), row.population)
            total = row.events.of or whole
            if total:
                item = f"{row.outcome} events {row.arm or 'all arms'}" if section == "events" else item_of(row)
                apart = "" if section == "counts" or row.population == ALL else f", {row.population}"
                yield Share(row.events, total, item + apart, (section, i, "events"), row.events.place or "")
    for i, described in in_use(sheet.characteristics):
        total = sheet.patients_of(described)
        if described.is_binary and total:
            figure = Count(**described.model_dump(include=set(Count.model_fields)))
            item = f"{described.characteristic} {described.arm or 'all arms'}"
            yield Share(figure, total, item, ("characteristics", i), described.place)


def percentages(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare printed percentages with their counts, or with any whole number of patients (Brown & Heathers 2017)."""
    for share in shares(sheet):
        percent, n = share.figure.percent, share.n
        if percent is None:
            continue
        printed = share.figure.count
        low = floor(percent / 100 * n)
        nearest = low if percent - 100 * low / n < 100 * (low + 1) / n - percent else low + 1
        count, check = (nearest, "whole_number") if printed is None else (printed, "percentage")
        severity = differs(share.figure, count, n, project)
        if severity:
            exact = 100 * count / n
            message = (
                f"{percent:g}% is printed, which no whole number of {n} patients can give; the nearest, {count} of "
                f"{n}, is {exact:.2f}%"
                if printed is None
                else f"{percent:g}% is printed, but {count} of {n} is {exact:.2f}%"
            )
            yield found(sheet, check, severity, share.item, message, share.path, share.place, percent, exact)


def differs(figure: Count, count: int, n: int, project: Project) -> Severity | None:
    """Severity of a printed percentage that a count does not give; a slip of rounding is worth an info."""
    if figure.percent is None:
        return None
    gap = printed_range(figure.percent, figure.printed).gap(point(100 * count / n))
    if not gap:
        return None
    if gap > project.config.audit.percentage_error:
        return "error"
    unit = 10.0 ** -decimals(figure.percent, figure.printed)
    return "info" if gap < unit / 2 else "warning"


def rates(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare rates of response with the categories that they are made of."""
    for i, record in in_use(sheet.responses):
        n = sheet.patients(record.arm, record.population)
        for name, parts in RATES.items():
            rate: Count | None = getattr(record, name)
            known = [k for k in (_count(record, part, n) for part in parts) if k is not None]
            if rate is None or not known:
                continue
            total, complete = sum(known), len(known) == len(parts)
            severity: Severity | None = None
            if complete:
                severity, says = differs(rate, total, n, project), f"add up to {total} of {n}; the categories are used"
                if rate.count is not None and rate.count != total:
                    counted = all(getattr(record, part).count is not None for part in parts)
                    severity = "error" if counted else "warning"
            elif (_count(record, name, n) or 0) < total:
                severity, says = "error", f"alone add up to {total} of {n}"
            if severity:
                shown = f"{rate.percent:g}%" if rate.percent is not None else str(rate.count)
                message = f"{shown} is printed, but the categories {says}"
                values = (rate.count if rate.percent is None else rate.percent, 100 * total / n)
                item, path = response_item(name, record), ("responses", i, name)
                yield found(sheet, "categories", severity, item, message, path, record.place, *values)


def impossible_rates(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Find rates of response and progression that no number of patients can have together."""
    for i, record in in_use(sheet.responses):
        n = sheet.patients(record.arm, record.population)
        orr, dcr, pd = (_count(record, name, n) for name in ("orr", "dcr", "pd"))
        if dcr is None:
            continue
        path, item, place = ("responses", i, "dcr"), response_item("dcr", record), record.place
        if orr is not None and orr > dcr:
            message = f"{orr} of {n} patients had a response, but only {dcr} had disease control"
            yield found(sheet, "categories", "error", item, message, path, place, dcr, orr)
        if pd is not None and dcr + pd > n:
            message = f"{dcr} patients with disease control and {pd} with progression add up to more than {n} patients"
            yield found(sheet, "categories", "error", item, message, path, place, dcr, n - pd)


def uncategorised(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Count the patients who are in no category of response."""
    for i, record in in_use(sheet.responses):
        n = sheet.patients(record.arm, record.population)
        known = [k for k in (_count(record, name, n) for name in CATEGORIES) if k is not None]
        if len(known) == len(CATEGORIES) and sum(known) < n:
            message = f"{n - sum(known)} of {n} patients are not in any response category"
            path, item, values = ("responses", i), response_item("response", record), (sum(known), n)
            yield found(sheet, "categories_total", "info", item, message, path, record.place, *values)


def _count(record: Response, name: str, n: int) -> int | None:
    figure: Count | None = getattr(record, name)
    return resolve_count(figure, n) if figure else None


CHECKS = (percentages, rates, impossible_rates, uncategorised)
