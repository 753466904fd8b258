"""Findings about derived effects, and the records that these were derived from."""

from collections.abc import Iterator
from typing import Any

from secondline.evidence.audit.finding import Finding, Path, Severity
from secondline.evidence.contrasts import Effect
from secondline.project.sheets import StudySheet

_WORDS = {
    "adjusted_hr": "the adjusted hazard ratio",
    "crude_hr": "the crude hazard ratio",
    "hr_p": "the hazard ratio and its p-value",
    "logrank_p": "the log-rank test",
    "medians_ci": "the medians",
    "medians_events": "the medians",
    "medians_p": "the medians and their p-value",
}


def in_words(effect: Effect) -> str:
    """Say what an effect was derived from."""
    return _WORDS.get(effect.method, effect.method.replace("_", " "))


def effect_item(effect: Effect) -> str:
    """Name an effect: outcome and arms."""
    return f"{effect.outcome} {effect.treatment_arm} against {effect.comparator_arm}"


def record_of(sheet: StudySheet, effect: Effect) -> tuple[Path, Any]:
    """Find the record that an effect was derived from, by its source, and its place; none if it is no record."""
    for path, record, place in _records(sheet):
        same = (record.outcome, record.population) == (effect.outcome, effect.population)
        adjustment = getattr(record, "adjustment", effect.adjustment)
        if same and adjustment == effect.adjustment and effect.source.startswith(sheet.source(path, place)):
            return path, record
    return (), None


def _records(sheet: StudySheet) -> Iterator[tuple[Path, Any, str]]:
    for section in ("hazard_ratios", "log_rank", "medians"):
        for i, record in enumerate(getattr(sheet, section)):
            yield (section, i), record, record.p.place if section == "log_rank" else record.place


def found_on(
    sheet: StudySheet, check: str, severity: Severity, effect: Effect, message: str, reported: Any, recomputed: Any
) -> Finding:
    """Build a finding about an effect."""
    path, _ = record_of(sheet, effect)
    item = effect_item(effect)
    return Finding(sheet.study, item, check, severity, reported, recomputed, effect.source, message, path)
