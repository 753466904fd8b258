"""The records of outcomes in a sheet: which there are, where they are printed, and which of them an effect rests on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from secondline.evidence.contrasts import Effect
from secondline.project.outcome_records import CountRecord, Curve, Events, HazardRatio, LogRank, Median, Response
from secondline.project.sheets import StudySheet

SURVIVAL = ("hazard_ratios", "log_rank", "medians", "curves", "events")
"""Sections of a sheet that hold time-to-event figures."""
_WITH_EVENTS = ("logrank_p", "medians_events")  # methods that need a number of events
Record = HazardRatio | LogRank | Median | Curve | Events | Response | CountRecord


@dataclass(frozen=True)
class Entry:
    """A record and its place in the sheet."""

    section: str
    index: int
    record: Record

    @property
    def key(self) -> str:
        """Path in the sheet, counted from 0: ``medians.3``."""
        return f"{self.section}.{self.index}"

    @property
    def place(self) -> str:
        """Where the paper prints it."""
        if isinstance(self.record, LogRank):
            return self.record.p.place
        if isinstance(self.record, Events | CountRecord):
            return self.record.events.place or ""
        return self.record.place

    def source(self, sheet: StudySheet) -> str:
        """File, line and place, as derivations write them."""
        return sheet.source((self.section, self.index), self.place)


def survival_entries(sheet: StudySheet, outcome: str) -> list[Entry]:
    """List the time-to-event records of an outcome, section by section."""
    return [entry for section in SURVIVAL for entry in _entries(sheet, section) if _outcome(entry) == outcome]


def count_entries(sheet: StudySheet, outcome: str, responses: bool) -> list[Entry]:
    """List the records of a count outcome: its counts and, for one made of response categories, every response."""
    counts = [entry for entry in _entries(sheet, "counts") if _outcome(entry) == outcome]
    return [*(_entries(sheet, "responses") if responses else []), *counts]


def behind(sheet: StudySheet, effect: Effect, entries: Sequence[Entry]) -> list[Entry]:
    """Find the records from which an effect is derived, its events among them."""
    arms = (effect.treatment_arm, effect.comparator_arm, None)
    return [
        entry
        for entry in entries
        if (
            effect.method in _WITH_EVENTS
            and entry.record.not_used is None
            and entry.record.population == effect.population
            and entry.record.arm in arms
            if isinstance(entry.record, Events)
            else entry.source(sheet) in effect.source
        )
    ]


def _entries(sheet: StudySheet, section: str) -> Iterator[Entry]:
    return (Entry(section, i, record) for i, record in enumerate(getattr(sheet, section)))


def _outcome(entry: Entry) -> str | None:
    return None if isinstance(entry.record, Response) else entry.record.outcome
