"""Patients whom two studies share, as an analysis takes them: how many, in which arms, and with how many events."""

from typing import Literal, NamedTuple

from secondline.evidence.audit.overlap import most_shared
from secondline.evidence.contrasts import events_by_arm
from secondline.evidence.selection import select_evidence
from secondline.project.config import Project

Pair = tuple[str, str]


class SharedPatients(NamedTuple):
    """Patients in both of two studies, for one outcome.

    ``arms`` names the arm of each study, and how many patients are in both; ``events`` are those of every arm of each
    study, empty where they are not known.
    """

    studies: Pair
    arms: tuple[tuple[Pair, float], ...]
    events: tuple[dict[str, float], dict[str, float]]


def shared_patients(
    project: Project, analysis: str, outcome: str, how_many: Literal["none", "best", "bound"] | None = None
) -> list[SharedPatients]:
    """List the overlaps of studies that are used for an outcome.

    Parameters
    ----------
    how_many : {"none", "best", "bound"}, optional
        By default as the analysis has it.
    """
    chosen = how_many or project.config.analyses[analysis].overlap
    if chosen == "none" or not project.config.overlaps:
        return []
    rows = {row["study"]: row for row in select_evidence(project, analysis, outcome) if row["used"]}
    result = []
    for overlap in project.config.overlaps:
        first, second = overlap.studies
        if first in rows and second in rows:
            events = {study: _events(project, outcome, rows[study]) for study in (first, second)}
            known = all(events.values())
            patients = overlap.shared.best if chosen == "best" else overlap.shared.bound
            arms = (overlap.arms[first], overlap.arms[second])
            by_study = (events[first], events[second]) if known else ({}, {})
            result.append(SharedPatients((first, second), ((arms, patients),), by_study))
    return result


def _events(project: Project, outcome: str, row: dict[str, object]) -> dict[str, float]:
    """Events by arm of a study that gives a log hazard ratio by its sheet."""
    study, population = str(row["study"]), row.get("population")
    if study not in project.sheets or not population or not project.config.outcomes[outcome].is_time_to_event:
        return {}
    return events_by_arm(project.sheets[study], outcome, str(row["contrast_set"]), str(population))


def check_bounds(project: Project) -> None:
    """Check that no more patients are said to be shared than two sheets allow.

    Raises
    ------
    UserError
        A bound beyond what the audit finds possible, or a best guess beyond it.
    """
    for i, overlap in enumerate(project.config.overlaps):
        first, second = overlap.studies
        if first in project.sheets and second in project.sheets:
            sheets = project.sheets[first], project.sheets[second]
            most = most_shared(project, sheets, (overlap.arms[first], overlap.arms[second]))
            if overlap.shared.bound > most.patients:
                path = ("overlaps", i, "shared", "bound")
                raise project.error(path, overlap.shared.bound, f"allowed: at most {most.patients}{most.why}")
