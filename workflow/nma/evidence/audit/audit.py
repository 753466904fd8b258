"""The audit of a project: every check on every sheet, what the sheets acknowledge, and what stops the run."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from nma.config import Project
from nma.evidence.audit import (
    adjustment,
    arms,
    complements,
    counts,
    directions,
    events,
    gaps,
    intervals,
    ratios,
    reprints,
    significance,
    survival,
)
from nma.evidence.audit.finding import Finding, found
from nma.sheets import StudySheet

type SheetCheck = Callable[[StudySheet, Project], Iterator[Finding]]

SHEET_CHECKS: tuple[SheetCheck, ...] = (
    *ratios.CHECKS,
    *survival.CHECKS,
    *intervals.CHECKS,
    *events.CHECKS,
    *counts.CHECKS,
    *significance.CHECKS,
    *directions.CHECKS,
    *arms.CHECKS,
    *reprints.CHECKS,
    *adjustment.CHECKS,
    *complements.CHECKS,
    *gaps.CHECKS,
)
PROJECT_CHECKS = (*arms.PROJECT_CHECKS, *adjustment.PROJECT_CHECKS)


def audit_project(project: Project) -> list[Finding]:
    """Run every check; findings are ordered by study, then by check.

    An error that the sheet acknowledges is a warning with the reason; an acknowledgement of nothing is an error.
    """
    every = [finding for check in PROJECT_CHECKS for finding in check(project)]
    findings: list[Finding] = []
    for sheet in project.sheets.values():
        own = [finding for check in SHEET_CHECKS for finding in check(sheet, project)]
        findings += _acknowledged(sheet, own + [finding for finding in every if finding.study == sheet.study])
    return sorted(findings, key=lambda f: (f.study, f.check, f.item, f.source))


def _acknowledged(sheet: StudySheet, findings: list[Finding]) -> Iterator[Finding]:
    reasons = {(record.check, record.item): record.reason for record in sheet.acknowledged}
    graver = {(f.check, f.item) for f in findings if f.severity != "info"}
    for finding in findings:
        reason = reasons.get((finding.check, finding.item))
        if reason and finding.severity != "info":
            yield replace(finding, severity="warning", message=f"{finding.message} (acknowledged: {reason})")
        else:
            yield finding
    for i, record in enumerate(sheet.acknowledged):
        if (record.check, record.item) not in graver:
            items = sorted({item for check, item in graver if check == record.check})
            there = f"its items are {'; '.join(items)}" if items else f"checks with findings are {_names(graver)}"
            message = f"the audit finds nothing of this check on this item to acknowledge; {there}"
            item = f"{record.check} {record.item}"
            yield found(sheet, "acknowledged", "error", item, message, ("acknowledged", i), "sheet", record.item)


def _names(found_in: set[tuple[str, str]]) -> str:
    return ", ".join(sorted({check for check, _ in found_in})) or "none"


def check_audit(project: Project) -> None:
    """Stop at the first contradiction that a sheet does not acknowledge.

    Raises
    ------
    UserError
        The finding in one line, and how to acknowledge it.
    """
    for finding in audit_project(project):
        if finding.severity == "error":
            sheet, how = project.sheets[finding.study], ""
            if finding.check != "acknowledged":
                entry = f"{{check: {finding.check}, item: '{finding.item}', reason: ...}}"
                how = f"; correct the sheet or, if this is what the paper prints, add to acknowledged: {entry}"
            raise sheet.error(finding.path, finding.reported, f"{finding.message}{how}")
