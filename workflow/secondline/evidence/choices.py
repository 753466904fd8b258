"""What can be taken from a study: every figure that its sheet or table allows, and nothing at all."""

import re
from collections.abc import Iterator, Sequence
from itertools import product

from secondline.cell_values import CRITERIA, METHODS
from secondline.evidence.contrasts import RUNGS, Effect, derive_effects, undirected_test
from secondline.evidence.counts import ArmCategories, ArmCount, category_arms, count_arms
from secondline.evidence.options import Option, selected
from secondline.evidence.selection import Row, sheet_rows, table_rows, unused
from secondline.project.config import Project
from secondline.project.config_parts import Selection
from secondline.project.evidence_tables import TableStudy
from secondline.project.figures import ALL
from secondline.project.sheets import StudySheet

Rows = tuple[Row, ...]
OMITTED = "left_out"
"""Name of the level that leaves a study out."""
_RATIOS = ("adjusted_hr", "crude_hr", "hr_p")
_READINGS = {
    "as_printed": "ratios under the wrong arm's name as printed",
    "reversed": "the other arm better",
    "low_events": "fewest events that are plausible",
    "high_events": "most events that are plausible",
}
_SOURCE = re.compile(r"\S+ \((.*?)\)(?=; \S+ \(|$)")


def left_out(study: str) -> Rows:
    """Give the row of a study that a level leaves out."""
    return (unused(study, "left out"),)


def table_choices(project: Project, study: TableStudy) -> dict[str, Option[Rows]]:
    """Levels of a study of a table, by name: used and left out."""
    rows = tuple(table_rows(study, project.config.outcomes[study.outcome].modelled))
    used = Option(name="used", content=rows, label="used", reason=f"as tabulated in {study.file}")
    return {"used": used, OMITTED: _omitted(study.study)}


def sheet_choices(project: Project, sheet: StudySheet, outcome: str) -> dict[str, Option[Rows]]:
    """Levels of a study sheet, by name: every selection that gives rows of evidence, and leaving the study out."""
    definition = project.config.outcomes[outcome]
    if definition.is_ordered:
        selections = _count_selections(project, sheet, category_arms(sheet, outcome, definition))
    elif definition.is_count:
        selections = _count_selections(project, sheet, count_arms(sheet, outcome, definition))
    else:
        selections = _contrast_selections(sheet, outcome)
    found: dict[str, Option[Rows]] = {}
    for selection in selections:
        rows = tuple(sheet_rows(project, sheet, outcome, selection))
        if rows[0]["used"]:
            name, label = _name(sheet, selection), _label(sheet, selection)
            reason = ", ".join([label, *_places(rows)])
            select = selected(selection)
            option = Option(name=name, content=rows, label=label, reason=reason, select=select)
            found.setdefault(name, option)
    return {**found, OMITTED: _omitted(sheet.study)}


def _omitted(study: str) -> Option[Rows]:
    reason = f"the analysis without {study}"
    return Option(name=OMITTED, content=left_out(study), label="left out", reason=reason)


def _contrast_selections(sheet: StudySheet, outcome: str) -> Iterator[Selection]:
    """Every contrast set, population, rung and adjustment, each with every reading of the figures behind it."""
    groups: dict[tuple[str, str, str, str], list[Effect]] = {}
    for effect in derive_effects(sheet, outcome):
        key = (effect.contrast_set, effect.population, effect.method, effect.adjustment)
        groups.setdefault(key, []).append(effect)
    for (contrast_set, population, method, adjustment), effects in sorted(groups.items(), key=lambda g: _order(*g[0])):
        given = {"contrast_set": contrast_set, "population": population, "method": method, "adjustment": adjustment}
        for reading in _readings(sheet, effects):
            yield Selection.model_validate(given | reading)


def _order(contrast_set: str, population: str, method: str, adjustment: str) -> tuple[bool, int, bool, str, str]:
    """Order of preference within a sheet, as `secondline.evidence.contrasts.select_effects` has it."""
    return adjustment == "crude", RUNGS.index(method), population != ALL, population, contrast_set


def _readings(sheet: StudySheet, effects: Sequence[Effect]) -> Iterator[dict[str, str]]:
    """Every reading of effects of one method: the other arm's name, the other direction, fewer or more events."""
    inverted = effects[0].method in _RATIOS and any(ratio.label_inverted for ratio in sheet.hazard_ratios)
    undirected = effects[0].method == "logrank_p" and any(undirected_test(sheet, effect) for effect in effects)
    assumed = any(effect.assumed for effect in effects)
    for reading, direction, events in product(
        ("as_read", "as_printed") if inverted else ("as_read",),
        ("recorded", "reversed") if undirected else ("recorded",),
        ("best", "low", "high") if assumed else ("best",),
    ):
        yield {"reading": reading, "direction": direction, "assumed_events": events}


def _count_selections(
    project: Project, sheet: StudySheet, counts: Sequence[ArmCount | ArmCategories]
) -> Iterator[Selection]:
    """Every contrast set, population and criterion of the counts of a sheet."""
    order = [None, *project.config.criteria]
    keys = dict.fromkeys((count.population, count.criterion) for count in counts)
    for contrast_set in sheet.contrast_sets:
        for population, criterion in sorted(
            keys, key=lambda k: (k[0] != ALL, k[0], order.index(k[1]) if k[1] in order else len(order))
        ):
            given = {"contrast_set": contrast_set, "population": population, "criterion": criterion}
            yield Selection.model_validate(given)


def _name(sheet: StudySheet, selection: Selection) -> str:
    """Name of a level, of the words by which its selection differs from the default of its rung."""
    first = selection.method or selection.criterion or "counts"
    return "_".join([first, *_parts(sheet, selection), *_read(selection)])


def _parts(sheet: StudySheet, selection: Selection) -> Iterator[str]:
    """Say what tells selections of one method or criterion apart: adjustment, population, contrast set."""
    matched = selection.adjustment == "matched" and selection.population == ALL
    if selection.adjustment and (selection.method == "hr_p" or matched):
        yield selection.adjustment
    if selection.population and selection.population != ALL:
        yield selection.population
    if selection.contrast_set and selection.contrast_set != sheet.default_contrast_set:
        yield selection.contrast_set


def _read(selection: Selection) -> Iterator[str]:
    """Name what is read differently."""
    if selection.reading == "as_printed":
        yield "as_printed"
    if selection.direction == "reversed":
        yield "reversed"
    if selection.assumed_events != "best":
        yield f"{selection.assumed_events}_events"


def _label(sheet: StudySheet, selection: Selection) -> str:
    """Say in words what a selection takes."""
    first = METHODS[selection.method] if selection.method else CRITERIA.get(selection.criterion or "", "counts")
    parts = [part.replace("_", " ") for part in _parts(sheet, selection)]
    return ", ".join([first, *parts, *(_READINGS[name] for name in _read(selection))])


def _places(rows: Rows) -> list[str]:
    """Places in the paper of the figures behind rows, each once."""
    found = [place for row in rows for place in _SOURCE.findall(row.get("source") or "")]
    return list(dict.fromkeys(found))
