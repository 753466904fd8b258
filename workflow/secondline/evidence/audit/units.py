"""What printed strings say beside their numbers: units, levels of intervals, percentages, and totals."""

import re
from collections.abc import Iterator
from math import exp, log

from secondline.evidence.audit.counts import CATEGORIES, RATES, differs, response_item
from secondline.evidence.audit.finding import Finding, Path, found, item_of
from secondline.evidence.audit.ratios import in_use
from secondline.evidence.audit.survival import main_arms, patients
from secondline.numbers_in_text import digits
from secondline.project.config import Project
from secondline.project.figures import Count
from secondline.project.outcome_records import MONTHS, Median
from secondline.project.sheets import StudySheet

_UNITS = {
    "days": r"days?",
    "weeks": r"weeks?|wks?",
    "months": r"months?|mos?",
    "years": r"years?|yrs?",
}
_LEVEL = re.compile(r"(\d{2}(?:[.·]\d+)?) ?% ?-?(?:CIs?\b|C\.I\.|Cr\.?I\b|confidence|credib)", re.IGNORECASE)
_PERCENT = re.compile(r"(\d+(?:[.·]\d+)?) ?%(?! ?-?(?:CI|confidence))")
_OF = re.compile(r"(\d+) ?(?:/|of|out of) ?(?:the |all )?(\d+)(?![.·\d]*%)")
_FACTOR = 3.5  # between medians of two arms: beyond what treatments do, and near the weeks of a month, 4.35


def units(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Read the unit printed with a median, and find medians of a study in a unit that is not that of the others."""
    medians = list(in_use(sheet.medians))
    for i, median in medians:
        named = _named(median.printed)
        path, item = ("medians", i), item_of(median)
        if named and median.unit not in named:
            months = median.value * MONTHS[named[0]]
            message = (
                f"{median.printed} is printed in {named[0]}, but read in {median.unit}; set unit: {named[0]}, which "
                f"gives {months:.3g} months"
            )
            yield found(sheet, "unit", "error", item, message, path, median.place, median.value, months)
        others = {m.unit for _, m in medians} - {median.unit}
        if others and not named and median.unit != "months":
            message = f"{median.printed} is read in {median.unit}, but other medians are in {', '.join(sorted(others))}"
            yield found(sheet, "unit", "warning", item, message, path, median.place, median.unit)


def _named(printed: str) -> list[str]:
    """Units that a string names after a number, or a bracket."""
    return [unit for unit, words in _UNITS.items() if re.search(rf"(?<![a-z])(?:{words})(?![a-z])", printed.lower())]


def far_apart(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Find medians of two arms so far apart that one may be in another unit, where no ratio or test tells.

    A month has 4.35 weeks. Where a ratio is printed the medians are compared with that (`medians.other_units`).
    """
    groups: dict[tuple[str, str], list[tuple[int, Median]]] = {}
    for i, median in in_use(sheet.medians):
        groups.setdefault((median.outcome, median.population), []).append((i, median))
    for members in groups.values():
        (_, least), (i, most) = min(members, key=lambda m: m[1].months), max(members, key=lambda m: m[1].months)
        ratio = most.months / least.months
        if ratio > _FACTOR and not _explained(sheet, most, least, project.config.audit.significance):
            message = (
                f"the median of {most.arm}, {most.printed}, is {ratio:.3g} times that of {least.arm}, {least.printed}; "
                "check that both are in months (a month has 4.35 weeks)"
            )
            path, values = ("medians", i), (most.months, least.months)
            yield found(sheet, "unit", "warning", item_of(most), message, path, most.place, *values)


def _explained(sheet: StudySheet, a: Median, b: Median, alpha: float) -> bool:
    """Whether a ratio of the two arms is printed, or a test that finds them different."""
    records = [ratio for _, ratio in in_use(sheet.hazard_ratios)]
    records += [
        test for _, test in in_use(sheet.log_rank) if test.p.relation in ("=", "<", "<=") and test.p.value < alpha
    ]
    wanted = (a.outcome, a.population, {a.arm, b.arm})
    return any((r.outcome, r.population, {r.treatment, r.comparator}) == wanted for r in records)


def levels(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Read the level printed with an interval: a 90% interval taken as 95% is too wide by a fifth."""
    records = [("hazard_ratios", i, ratio, "") for i, ratio in in_use(sheet.hazard_ratios)]
    records += [("medians", i, m, m.interval or "") for i, m in in_use(sheet.medians)]
    for section, i, record, name in records:
        if record.lower is None and record.upper is None:
            continue
        texts = _LEVEL.findall(f"{record.printed} {record.near or ''}") or _LEVEL.findall(name)
        named = {float(level.replace("·", ".")) / 100 for level in texts}
        if named and not any(abs(level - record.level) < 1e-9 for level in named):
            says = " and ".join(f"{100 * level:g}%" for level in sorted(named))
            message = (
                f"the interval is printed as {says}, but read as {100 * record.level:g}%; set level: {max(named):g}"
            )
            path, values = (section, i), (f"{says} CI", record.level)
            yield found(sheet, "interval_level", "error", item_of(record), message, path, record.place, *values)


def _figures(sheet: StudySheet) -> Iterator[tuple[Count, int | None, str, Path, str]]:
    """Every count or percentage in use: the figure, the patients, its item, path and place."""
    for i, record in in_use(sheet.responses):
        n = sheet.patients(record.arm, record.population)
        for name in (*CATEGORIES, *RATES):
            figure: Count | None = getattr(record, name)
            if figure:
                item, path = response_item(name, record), ("responses", i, name)
                yield figure, figure.of or n, item, path, figure.place or record.place
    for section in ("counts", "events"):
        for i, row in in_use(getattr(sheet, section)):
            whole = patients(sheet, [row.arm] if row.arm else main_arms(sheet), row.population)
            what = item_of(row) if section == "counts" else f"{row.outcome} events {row.arm or 'all arms'}"
            yield row.events, row.events.of or whole, what, (section, i, "events"), row.events.place or ""
    for i, described in in_use(sheet.characteristics):
        if described.is_binary:
            figure = Count(**described.model_dump(include=set(Count.model_fields)))
            item = f"{described.characteristic} {described.arm or 'all arms'}"
            yield figure, sheet.patients_of(described), item, ("characteristics", i), described.place


def percentages(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare what is typed as a count or as a percentage with the figures that the printed string marks with %."""
    for figure, _, item, path, place in _figures(sheet):
        shares = [float(text.replace("·", ".")) for text in _PERCENT.findall(figure.printed)]
        if not shares or figure.derived:
            continue
        counted = digits(_PERCENT.sub(" ", figure.printed))
        if figure.percent is not None and figure.percent not in shares:
            printed = " and ".join(f"{share:g}%" for share in shares)
            message = f"{figure.percent:g} is entered as the percentage, but {printed} is printed: {figure.printed}"
            yield found(sheet, "printed_percent", "error", item, message, path, place, figure.percent, shares[0])
        if figure.count is not None and figure.count in shares and figure.count not in counted:
            message = f"{figure.count} is entered as the count, but is printed as a percentage: {figure.printed}"
            yield found(sheet, "printed_percent", "error", item, message, path, place, figure.count)


def shares_beside(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare counts with the percentage, and with the total, that is printed beside them but not typed."""
    for figure, n, item, path, place in _figures(sheet):
        if figure.count is None or not n or figure.derived:
            continue
        share = _beside(figure)
        severity = differs(share, figure.count, n, project) if share else None
        if share and severity:
            exact = 100 * figure.count / n
            message = (
                f"{figure.printed} is printed, but {figure.count} of {n} is {exact:.2f}%; check the count and the arm, "
                "or set of: to the number of patients to whom it refers"
            )
            yield found(sheet, "percentage", severity, item, message, path, place, share.percent, exact)
        totals = {int(total) for count, total in _OF.findall(figure.printed) if int(count) == figure.count}
        if totals and n not in totals and figure.of is None:
            total = min(totals)
            message = (
                f"{figure.count} of {total} is printed, but the arm has {n} patients; set of: {total}, or check both"
            )
            yield found(sheet, "printed_total", "warning", item, message, path, place, total, n)


def _beside(figure: Count) -> Count | None:
    """Percentage that is printed in brackets after a count, or before it, and was not typed."""
    if figure.percent is not None:
        return None
    after = rf"(?<![\d.·]){figure.count} ?\((\d+(?:[.·]\d+)?) ?%\)|(?<![\d.·]){figure.count} ?\((\d+[.·]\d+)\)"
    before = rf"(\d+(?:[.·]\d+)?) ?% ?\((?:n ?= ?)?{figure.count}\)"
    match = re.search(f"{after}|{before}", figure.printed)
    if match is None:
        return None
    percent = float(next(filter(None, match.groups())).replace("·", "."))
    return Count(count=figure.count, percent=percent, printed=figure.printed) if percent <= 100 else None


def ratio_size(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Find hazard ratios so far from 1 that a slip is likelier."""
    limit = project.config.audit.ratio_warning
    for i, ratio in in_use(sheet.hazard_ratios):
        if abs(log(ratio.value)) > log(limit):
            message = (
                f"the hazard ratio {ratio.value:g} lies outside {1 / limit:g} to {limit:g}; check the number and its "
                "decimal point"
            )
            path, value = ("hazard_ratios", i), exp(abs(log(ratio.value)))
            yield found(sheet, "ratio_size", "warning", item_of(ratio), message, path, ratio.place, ratio.value, value)


CHECKS = (units, far_apart, levels, percentages, shares_beside, ratio_size)
