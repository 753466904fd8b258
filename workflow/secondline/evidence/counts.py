"""Counts of patients with an event or in a category, by arm, and the criterion chosen for response outcomes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from secondline.project.config_parts import Selection
from secondline.project.figures import ALL, Count, resolve_count
from secondline.project.outcome_records import Response
from secondline.project.outcomes import RESPONSE, Outcome
from secondline.project.sheets import StudySheet

# What a paper prints beside the categories: the rate made of them.
_PRINTED_RATE = {("cr", "pr"): "orr", ("cr", "pr", "sd"): "dcr"}


@dataclass(frozen=True)
class ArmCount:
    """Events among the patients of one arm; ``derived`` says how, where the count is not printed as such."""

    study: str
    outcome: str
    criterion: str | None
    arm: str
    population: str
    events: int
    n: int
    derived: str | None
    source: str


@dataclass(frozen=True)
class ArmCategories:
    """Patients of one arm by category of an ordered outcome; ``n`` counts those who are in a category."""

    study: str
    outcome: str
    criterion: str | None
    arm: str
    population: str
    categories: dict[str, int]
    n: int
    derived: str | None
    source: str


def how_derived(figure: Count) -> str | None:
    """How a count came about where it is not printed as such."""
    return figure.derived or (f"from {figure.percent}%" if figure.count is None else None)


def count_arms(sheet: StudySheet, outcome_id: str, outcome: Outcome) -> list[ArmCount]:
    """Count the events of every arm, criterion and population that the sheet reports for a count outcome."""
    if outcome.categories:
        return list(_responses(sheet, outcome_id, tuple(outcome.categories)))
    return list(_records(sheet, outcome_id))


def count_category(sheet: StudySheet, category: str) -> list[ArmCount]:
    """Count the patients of every arm, criterion and population in one category of best overall response."""
    return list(_responses(sheet, category, (category,)))


def category_arms(sheet: StudySheet, outcome_id: str, outcome: Outcome) -> list[ArmCategories]:
    """Count the patients in every category, for the arms, criteria and populations that give all of them."""
    return list(_best_responses(sheet, outcome_id, outcome.categories)) if set(outcome.categories) <= RESPONSE else []


def _best_responses(sheet: StudySheet, outcome_id: str, categories: Sequence[str]) -> Iterator[ArmCategories]:
    for i, record in enumerate(sheet.responses):
        counted = None if record.not_used else _by_category(sheet, record, categories)
        if counted is None:
            continue
        counts, derivations = counted
        n, whole = sum(counts.values()), sheet.patients(record.arm, record.population)
        if n < whole:
            derivations.append(f"{whole - n} of {whole} patients are in no category")
        yield ArmCategories(
            sheet.study,
            outcome_id,
            record.criterion,
            record.arm,
            record.population,
            counts,
            n,
            "; ".join(derivations) or None,
            sheet.source(("responses", i), record.place),
        )


def _records(sheet: StudySheet, outcome_id: str) -> Iterator[ArmCount]:
    for i, record in enumerate(sheet.counts):
        if record.outcome != outcome_id or record.not_used:
            continue
        n = record.events.of or sheet.patients(record.arm, record.population)
        events = resolve_count(record.events, n)
        assert events is not None
        source = sheet.source(("counts", i), record.events.place or "")
        derived = how_derived(record.events)
        yield ArmCount(sheet.study, outcome_id, None, record.arm, record.population, events, n, derived, source)


def _responses(sheet: StudySheet, outcome_id: str, categories: tuple[str, ...]) -> Iterator[ArmCount]:
    for i, record in enumerate(sheet.responses):
        if record.not_used:
            continue
        counted = _from_categories(sheet, record, categories) or _from_rate(sheet, record, categories)
        if counted is not None:
            events, n, derived = counted
            source = sheet.source(("responses", i), record.place)
            yield ArmCount(
                sheet.study, outcome_id, record.criterion, record.arm, record.population, events, n, derived, source
            )


def _by_category(
    sheet: StudySheet, record: Response, categories: Sequence[str]
) -> tuple[dict[str, int], list[str]] | None:
    """Patients in every one of the categories, and how those not printed came about."""
    n = sheet.patients(record.arm, record.population)
    counts, derivations = {}, []
    for category in categories:
        figure: Count | None = getattr(record, category)
        count = resolve_count(figure, n) if figure else None
        if figure is None or count is None:
            return None
        counts[category] = count
        how = how_derived(figure)
        if how:
            derivations.append(f"{category} {how}")
    return counts, derivations


def _from_categories(
    sheet: StudySheet, record: Response, categories: tuple[str, ...]
) -> tuple[int, int, str | None] | None:
    counted = _by_category(sheet, record, categories)
    if counted is None:
        return None
    counts, derivations = counted
    return sum(counts.values()), sheet.patients(record.arm, record.population), "; ".join(derivations) or None


def _from_rate(sheet: StudySheet, record: Response, categories: tuple[str, ...]) -> tuple[int, int, str | None] | None:
    figure: Count | None = getattr(record, _PRINTED_RATE.get(categories, ""), None)
    if figure is None:
        return None
    n = figure.of or sheet.patients(record.arm, record.population)
    events = resolve_count(figure, n)
    return None if events is None else (events, n, how_derived(figure))


def select_counts[C: (ArmCount, ArmCategories)](
    sheet: StudySheet, counts: Sequence[C], criteria: Sequence[str], selection: Selection | None = None
) -> list[C]:
    """Choose the counts of a study that enter a fit: whole arms, by the first criterion that covers all of them.

    Returns
    -------
    list of ArmCount or ArmCategories
        One for every arm of the contrast set; empty if no criterion covers all of them.
    """
    name = (selection and selection.contrast_set) or sheet.default_contrast_set
    population = (selection and selection.population) or ALL
    arms = sheet.contrast_sets[name].arms
    asked = selection and selection.criterion
    for criterion in (asked,) if asked else (None, *criteria):
        chosen = {
            count.arm: count
            for count in reversed(counts)
            if count.criterion == criterion and count.population == population and count.arm in arms
        }
        if set(chosen) == set(arms):
            return [chosen[arm] for arm in arms]
    return []
