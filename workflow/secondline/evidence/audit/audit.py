"""The audit of a project: every check on every sheet, what the sheets acknowledge, and what stops the run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from secondline.errors import UserError
from secondline.evidence.audit import (
    adjustment,
    arms,
    baseline,
    complements,
    counts,
    course,
    directions,
    events,
    gaps,
    information,
    intervals,
    labels,
    medians,
    overlap,
    ratios,
    reprints,
    significance,
    survival,
    tables,
    units,
)
from secondline.evidence.audit.finding import Finding, Path
from secondline.project.config import Project
from secondline.project.evidence_tables import TableStudy
from secondline.project.sheets import StudySheet
from secondline.project.study_parts import Acknowledgement

type SheetCheck = Callable[[StudySheet, Project], Iterator[Finding]]
type TableCheck = Callable[[TableStudy, Project], Iterator[Finding]]

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
    *baseline.CHECKS,
    *course.CHECKS,
    *gaps.CHECKS,
    *units.CHECKS,
    *labels.CHECKS,
    *medians.CHECKS,
    *information.CHECKS,
)
TABLE_CHECKS: tuple[TableCheck, ...] = (*tables.CHECKS, *information.TABLE_CHECKS)
PROJECT_CHECKS = (*overlap.PROJECT_CHECKS, *adjustment.PROJECT_CHECKS)


def audit_project(project: Project) -> list[Finding]:
    """Run every check on every sheet and every table; findings are ordered by study, then by check.

    An error that is acknowledged is a warning with the reason; an acknowledgement of nothing is an error.
    """
    findings = [*_of_sheets(project), *_of_tables(project)]
    return sorted(findings, key=lambda f: (f.study, f.check, f.item, f.source))


def _of_sheets(project: Project) -> Iterator[Finding]:
    every = [finding for check in PROJECT_CHECKS for finding in check(project)]
    for sheet in project.sheets.values():
        own = [finding for check in SHEET_CHECKS for finding in check(sheet, project)]
        own += [finding for finding in every if finding.study == sheet.study]
        own = list(dict.fromkeys(own))  # medians give one effect by their limits and by the events
        known: dict[Path, Acknowledgement] = {("acknowledged", i): a for i, a in enumerate(sheet.acknowledged)}
        for path, finding in _acknowledged(known, sheet.study, own):
            yield replace(finding, source=sheet.source(path, "sheet"), path=path) if path else finding


def _of_tables(project: Project) -> Iterator[Finding]:
    """Take the findings of every study of every file; the entries of one file share what they acknowledge."""
    groups: dict[tuple[str, str], list[TableStudy]] = {}
    for study in project.tables:
        groups.setdefault((study.file, study.study), []).append(study)
    for (file, name), studies in groups.items():
        own = [finding for study in studies for check in TABLE_CHECKS for finding in check(study, project)]
        known: dict[Path, Acknowledgement] = {
            ("evidence", i, "acknowledged", k): record
            for i, entry in enumerate(project.config.evidence)
            for k, record in enumerate(entry.acknowledged)
            if (entry.file, record.study) == (file, name)
        }
        for path, finding in _acknowledged(known, name, own):
            yield replace(finding, source=f"{file}:{studies[0].line}", path=path) if path else finding


def _acknowledged(
    records: Mapping[Path, Acknowledgement], study: str, findings: Sequence[Finding]
) -> Iterator[tuple[Path, Finding]]:
    """Turn what is acknowledged into warnings; with their paths, find acknowledgements of nothing."""
    reasons = {(record.check, record.item): record.reason for record in records.values()}
    graver = {(f.check, f.item) for f in findings if f.severity != "info"}
    for finding in findings:
        reason = reasons.get((finding.check, finding.item))
        if reason and finding.severity != "info":
            message = f"{finding.message} (acknowledged: {reason})"
            yield (), replace(finding, severity="warning", message=message)
        else:
            yield (), finding
    for path, record in records.items():
        if (record.check, record.item) not in graver:
            items = sorted({item for check, item in graver if check == record.check})
            known = (
                f"this check has findings on {'; '.join(items)}" if items else f"checks with findings: {_names(graver)}"
            )
            message = f"this check has no finding on this item that could be acknowledged; {known}"
            item = f"{record.check} {record.item}"
            yield path, Finding(study, item, "acknowledged", "error", record.item, None, "", message)


def _names(found_in: set[tuple[str, str]]) -> str:
    return ", ".join(sorted({check for check, _ in found_in})) or "none"


def check_audit(project: Project) -> None:
    """Stop at the first contradiction that is not acknowledged.

    Raises
    ------
    UserError
        The finding in one line, and how to acknowledge it.
    """
    for finding in audit_project(project):
        if finding.severity == "error":
            raise _error(project, finding)


def _error(project: Project, finding: Finding) -> UserError:
    entry = f"check: {finding.check}, item: '{finding.item}', reason: ...}}"
    if cell := finding.cell:
        how = "correct the table or, if this is what its source prints, add to acknowledged of its entry under evidence"
        problem = f"{finding.message.rstrip('.')}; {how}: {{study: '{finding.study}', {entry}"
        return UserError(problem, cell.file, cell.line, cell.column, finding.reported)
    if finding.path[:1] == ("evidence",):
        return project.error(finding.path, finding.reported, finding.message)
    how = f"; correct the sheet or, if this is what the paper prints, add to acknowledged: {{{entry}"
    problem = finding.message if finding.check == "acknowledged" else finding.message.rstrip(".") + how
    return project.sheets[finding.study].error(finding.path, finding.reported, problem)
