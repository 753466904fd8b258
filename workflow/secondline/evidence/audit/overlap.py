"""Patients who may stand in two studies: how many at most, and whether two reports of one hospital agree."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from secondline.evidence.audit.finding import Finding, found
from secondline.evidence.audit.ratios import in_use
from secondline.evidence.audit.significance import p_values
from secondline.evidence.audit.survival import main_arms
from secondline.evidence.populations import describe
from secondline.project.config import Project
from secondline.project.figures import ALL
from secondline.project.sheets import StudySheet

_UNLIKE = 1e-3  # p of Fisher's test below which two reports do not describe one practice


@dataclass(frozen=True)
class Bound:
    """The most patients whom two arms can share, and the figure that says so."""

    patients: int
    why: str


def overlapping_enrolment(project: Project) -> Iterator[Finding]:
    """Find pairs of reports that may hold the same patients: one site, dates, a regimen and a setting in common.

    Of two arms no more patients can be the same than have a characteristic in both or lack it in both: min(a, b) +
    min(m - a, n - b) for a of m patients and b of n.
    """
    for a, b in combinations(project.sheets.values(), 2):
        shared = _shared_regimens(a, b)
        if not shared:
            continue
        bounds = [_bound(project, a, b, regimen) for regimen in shared if regimen in _whole_arms(a, b)]
        message = (
            f"patients were enrolled at the site of {b.study} over overlapping dates, and both studies include "
            f"{', '.join(shared)}: the same patients may be in both{''.join(f'; {bound.why}' for bound in bounds)}"
        )
        most = sum(bound.patients for bound in bounds) if len(bounds) == len(shared) else None
        path, place = ("enrolment",), a.enrolment.place if a.enrolment else ""
        yield found(a, "overlap", "warning", b.study, message, path, place, ", ".join(shared), most)


def _shared_regimens(a: StudySheet, b: StudySheet) -> list[str]:
    """Regimens that two reports have in common if one hospital can have enrolled the same patients for both."""
    if not (a.site and b.site and a.enrolment and b.enrolment):
        return []
    same_site = a.site.strip().lower() == b.site.strip().lower()
    overlap = a.enrolment.start <= b.enrolment.end and b.enrolment.start <= a.enrolment.end
    regimens, lines = (
        [{r for arm in s.arms.values() for r in arm.regimens} for s in (a, b)],
        [_settings(s) for s in (a, b)],
    )
    return sorted(regimens[0] & regimens[1]) if same_site and overlap and lines[0] & lines[1] else []


def _settings(sheet: StudySheet) -> set[str]:
    return {line.setting for line in sheet.failed_first_line}


def _arm_of(sheet: StudySheet, regimen: str) -> str | None:
    """Arm that contains all patients with a regimen and no others."""
    holding = [arm for arm in main_arms(sheet) if regimen in sheet.arms[arm].regimens]
    return holding[0] if len(holding) == 1 and len(sheet.arms[holding[0]].regimens) == 1 else None


def _whole_arms(a: StudySheet, b: StudySheet) -> set[str]:
    """Regimens of which both reports have an arm of their own."""
    regimens = {regimen for arm in a.arms.values() for regimen in arm.regimens}
    return {regimen for regimen in regimens if _arm_of(a, regimen) and _arm_of(b, regimen)}


def _bound(project: Project, a: StudySheet, b: StudySheet, regimen: str) -> Bound:
    """Bound the patients with a regimen whom two reports can share."""
    arms = _arm_of(a, regimen) or "", _arm_of(b, regimen) or ""
    most = most_shared(project, (a, b), arms)
    m, n = (sheet.patients(arm) for sheet, arm in zip((a, b), arms, strict=True))
    said = f"of the {m} and {n} patients with {regimen}, at most {most.patients} can be the same"
    return Bound(most.patients, f"{said}{most.why}")


def most_shared(project: Project, sheets: tuple[StudySheet, StudySheet], arms: tuple[str, str]) -> Bound:
    """Bound the patients whom an arm of each of two reports can share, by the strictest of their figures."""
    a, b = sheets
    m, n = (sheet.patients(arm) for sheet, arm in zip(sheets, arms, strict=True))
    most = [(min(m, n), "")]
    lines = [
        {line.setting: line.arms.get(arm) for line in s.failed_first_line} for s, arm in zip(sheets, arms, strict=True)
    ]
    if all(None not in line.values() for line in lines):
        common = sum(min(lines[0][name] or 0, lines[1][name] or 0) for name in lines[0].keys() & lines[1].keys())
        most.append((common, ", as no more can have the same failed first-line therapy"))
    for name, (k, other) in _both(project, a, arms[0], b, arms[1], course=False).items():
        label = project.characteristics.characteristics[name].label
        most.append((min(k, other) + min(m - k, n - other), f", as {label} applies to {k} here and to {other} there"))
    return Bound(*min(most, key=lambda bound: bound[0]))


def _both(
    project: Project, a: StudySheet, arm_a: str, b: StudySheet, arm_b: str, course: bool
) -> dict[str, tuple[int, int]]:
    """Patients of two arms with every share that both reports give: of the patients, or of the course of treatment."""
    counts = [_counts(sheet, arm) for sheet, arm in ((a, arm_a), (b, arm_b))]
    declared = project.characteristics.characteristics
    names = [name for name in counts[0] if name in counts[1] and declared[name].course == course]
    return {name: (counts[0][name], counts[1][name]) for name in names}


def _counts(sheet: StudySheet, arm: str) -> dict[str, int]:
    records = [r for _, r in in_use(sheet.characteristics) if (r.arm, r.population) == (arm, ALL) and r.is_binary]
    described = {record.characteristic: describe(sheet, record) for record in records}
    n = sheet.patients(arm)
    return {name: round(d.value * d.n) for name, d in described.items() if d.n == n}


def practices(project: Project) -> Iterator[Finding]:
    """Compare how two reports of one hospital say that they treated with one regimen, over overlapping dates."""
    for a, b in combinations(project.sheets.values(), 2):
        for regimen in _shared_regimens(a, b):
            arms = _arm_of(a, regimen), _arm_of(b, regimen)
            if arms[0] and arms[1]:
                yield from _unlike(project, a, arms[0], b, arms[1])


def _unlike(project: Project, a: StudySheet, arm_a: str, b: StudySheet, arm_b: str) -> Iterator[Finding]:
    m, n = a.patients(arm_a), b.patients(arm_b)
    for name, (k, other) in _both(project, a, arm_a, b, arm_b, course=True).items():
        if p_values(k, m, other, n)["Fisher"] < _UNLIKE:
            message = (
                f"{project.characteristics.characteristics[name].label} is reported for {k} of {m} patients of {arm_a} "
                f"and for {other} of {n} in {b.study}, from the same hospital over overlapping dates: both cannot be "
                "correct"
            )
            i = next(i for i, r in in_use(a.characteristics) if (r.characteristic, r.arm) == (name, arm_a))
            path, place = ("characteristics", i), a.characteristics[i].place
            yield found(a, "practice", "warning", f"{name} {b.study}", message, path, place, k / m, other / n)


PROJECT_CHECKS = (overlapping_enrolment, practices)
