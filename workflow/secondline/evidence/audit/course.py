"""The course of treatment: who had to stay on it to be included, and who went on to another one."""

from collections.abc import Iterator

from secondline.evidence.audit.finding import Finding, Severity, found
from secondline.project.config import Project
from secondline.project.figures import resolve_count
from secondline.project.sheets import StudySheet
from secondline.project.study_parts import Switch


def immortal_time(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Find studies that include only patients who stayed on treatment for some time (Suissa 2008)."""
    least = sheet.treatment_at_least
    if least:
        message = (
            f"patients had to receive at least {least.value:g} {least.unit} of the study treatment: those who died, "
            "progressed or stopped earlier are excluded, and no event can occur during that time; survival is "
            "overestimated in every arm, most of all where more patients fail early"
        )
        path, values = ("treatment_at_least",), (least.printed, least.value)
        yield found(sheet, "immortal_time", "warning", "treatment_at_least", message, path, least.place, *values)


def switching(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Say of every arm what its patients went on to: a warning where it holds a drug of another arm that theirs lacks.

    Overall survival then compares sequences of treatments, and the difference between the arms is diluted.
    """
    for arm in dict.fromkeys(record.arm for record in sheet.switching):
        records = [(i, record) for i, record in enumerate(sheet.switching) if record.arm == arm]
        (i, first), n = records[0], sheet.patients(arm)
        crossed = {record.to: _count(sheet, record) for _, record in records if _crossed_over(sheet, project, record)}
        known, together = [_count(sheet, record) for _, record in records if record.to is None], sum(crossed.values())
        whole = f"{max(known)} of {n} patients of {arm} received subsequent treatment" if known else ""
        severity: Severity = "warning" if crossed else "info"
        message = whole or f"patients of {arm} received subsequent treatment"
        if crossed:
            labels = project.treatments.regimens
            shown = ", ".join(f"{labels[to].label} {count}" for to, count in crossed.items() if to)
            message += (
                f", {together} of them with drugs of another arm that they had not received before ({shown}): overall "
                "survival compares sequences of treatments, and the difference between the arms is diluted"
            )
        path, values = ("switching", i), (first.printed, together / n)
        yield found(sheet, "switching", severity, arm, message, path, first.place, *values)


def _count(sheet: StudySheet, record: Switch) -> int:
    return resolve_count(record, record.of or sheet.patients(record.arm)) or 0


def _crossed_over(sheet: StudySheet, project: Project, record: Switch) -> bool:
    """Whether patients went on to a drug that patients of another arm had, and patients of theirs had not."""
    if record.to is None:
        return False
    arms = sheet.contrast_sets[sheet.default_contrast_set].arms
    own = _drugs(sheet, project, [record.arm])
    others = _drugs(sheet, project, [arm for arm in arms if arm != record.arm])
    return bool((project.treatments.drugs(record.to) - own) & others)


def _drugs(sheet: StudySheet, project: Project, arms: list[str]) -> set[str]:
    regimens = {regimen for arm in arms for regimen in sheet.arms[arm].regimens}
    return {drug for regimen in regimens for drug in project.treatments.drugs(regimen)}


CHECKS = (immortal_time, switching)
