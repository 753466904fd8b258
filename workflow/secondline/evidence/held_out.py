"""What the papers print and an analysis does not use: every effect, median and count, or why it cannot be compared.

The figures of a study that an analysis uses are those of one method, contrast set and population. All others, and those
of studies that it does not take, are left to be compared with what the model predicts of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from itertools import combinations, groupby
from math import sqrt
from typing import Any

from secondline.cell_values import OTHER_STUDY, SAME_PATIENTS, SAME_STUDY
from secondline.cells import categories_cell, mix, values_cell
from secondline.evidence.contrasts import Effect, derive_effects, select_effects
from secondline.evidence.counts import ArmCategories, ArmCount, category_arms, count_arms, select_counts
from secondline.evidence.derivation import median_ratio
from secondline.evidence.records import Entry, behind, count_entries, survival_entries
from secondline.evidence.selection import select_evidence, setting_mix
from secondline.project.config import Project
from secondline.project.config_parts import Selection
from secondline.project.covariates import numbers_of
from secondline.project.outcome_records import HazardRatio, LogRank, Median
from secondline.project.outcomes import RESPONSE
from secondline.project.sheets import StudySheet
from secondline.tables import to_csv

UNUSED_COLUMNS = (
    "study",
    "kind",
    "records",
    "contrast_set",
    "treatment_arm",
    "comparator_arm",
    "population",
    "criterion",
    "method",
    "adjustment",
    "assumed",
    "effect",
    "se",
    "treatment_figure",
    "comparator_figure",
    "treatment_mix",
    "comparator_mix",
    "setting_mix",
    "n_treatment",
    "n_comparator",
    "covariates",
    "patients",
    "reason",
    "source",
)
EFFECT, MEDIAN, COUNT, RECORD = "effect", "median", "count", "record"
_OF_MEDIANS = ("medians_ci", "medians_events")
_NO_SE = "neither limits nor numbers of events give its standard error"
_BASELINE = "it is the baseline from which the other medians of the study are predicted"
_ALONE = "the study prints no median of a baseline arm in this population"
Row = dict[str, Any]
Counts = ArmCount | ArmCategories


def unused_rows(project: Project, analysis: str, outcome: str) -> list[Row]:
    """List the printed figures of an outcome that an analysis does not use.

    Returns
    -------
    list of dict
        Rows with `UNUSED_COLUMNS`, of four kinds. ``effect``: a log hazard ratio with its standard error, by every
        method of the ladder that is not the one in use, and the differences between arms that have no effect of their
        own. ``median``: the median of an arm, months, beside that of the baseline arm of its study; ``effect`` is the
        logarithm of the hazard ratio that the two imply. ``count``: patients with an event, or by category, in two
        arms. ``record``: a record of the sheet in none of the other rows, which cannot be compared: ``reason`` says
        why. ``patients`` are ``same`` where the arms and the population are those in use, ``same_study`` where the
        study is, and ``other_study`` otherwise.
    """
    used = [row for row in select_evidence(project, analysis, outcome) if row["used"]]
    selections = project.config.analyses[analysis].select
    rows: list[Row] = []
    for study, sheet in project.sheets.items():
        taken = [row for row in used if row["study"] == study]
        shared = {
            "study": study,
            "covariates": values_cell(numbers_of(sheet.covariates, project.config.covariates, project.config.levels)),
        }
        if project.config.outcomes[outcome].modelled.is_contrasts:
            found = _survival(project, sheet, outcome, selections.get(study), taken)
        else:
            found = _counts(project, sheet, outcome, selections.get(study), taken)
        rows += [{**row, **shared, "patients": _patients(row, taken)} for row in found]
    return rows


def unused_csv(project: Project, analysis: str, outcome: str) -> str:
    """Table of the figures that an analysis does not use, as CSV text."""
    return to_csv(unused_rows(project, analysis, outcome), UNUSED_COLUMNS)


def unused_digest(project: Project, analysis: str, outcome: str) -> str:
    """Digest of the figures that an analysis does not use."""
    return sha256(unused_csv(project, analysis, outcome).encode()).hexdigest()[:16]


def _patients(row: Row, taken: Sequence[Row]) -> str | None:
    """Say whether the patients behind a row are those of the evidence in use."""
    if row["kind"] == RECORD:
        return None
    if not taken:
        return OTHER_STUDY
    arms = {used[end] for used in taken for end in ("arm", "treatment_arm", "comparator_arm") if used.get(end)}
    same = {row["treatment_arm"], row["comparator_arm"]} <= arms and row["population"] == taken[0]["population"]
    return SAME_PATIENTS if same else SAME_STUDY


def _ends(sheet: StudySheet, treatment: str, comparator: str, population: str) -> Row:
    """Say who the two arms of a row are."""
    return {
        "treatment_arm": treatment,
        "comparator_arm": comparator,
        "population": population,
        "treatment_mix": mix(sheet.arms[treatment].regimens),
        "comparator_mix": mix(sheet.arms[comparator].regimens),
        "setting_mix": setting_mix(sheet, population),
        "n_treatment": sheet.size(treatment, population),
        "n_comparator": sheet.size(comparator, population),
    }


def _sources(entries: Sequence[Entry]) -> Row:
    return {
        "records": " ".join(entry.key for entry in entries),
        "source": "; ".join(dict.fromkeys(entry.place for entry in entries if entry.place)),
    }


# Time-to-event outcomes.


def _survival(
    project: Project, sheet: StudySheet, outcome: str, selection: Selection | None, taken: Sequence[Row]
) -> list[Row]:
    sheet = sheet.as_printed() if selection and selection.reading == "as_printed" else sheet
    entries = survival_entries(sheet, outcome)
    effects = derive_effects(sheet, outcome)
    chosen = select_effects(sheet, effects, selection) if taken else []
    used = {entry.key for effect in chosen for entry in behind(sheet, effect, entries)}
    between = list(_between(sheet, effects))
    unused = [*(e for e in effects if e not in chosen), *(e for e in between if not _implied(e, chosen))]
    rows = [_effect_row(sheet, effect, entries) for effect in unused]
    rows += _median_rows(project, sheet, entries, used, [*effects, *between])
    compared = used | {key for row in rows for key in row["records"].split()}
    return rows + [_listed(entry, _why_not_survival(sheet, entry)) for entry in entries if entry.key not in compared]


def _between(sheet: StudySheet, effects: Sequence[Effect]) -> Iterator[Effect]:
    """Differences between arms that were each compared with a comparator whose standard error is known."""

    def key(effect: Effect) -> tuple[str, ...]:
        return effect.contrast_set, effect.comparator_arm, effect.population, effect.method, effect.adjustment

    known = sorted((effect for effect in effects if effect.baseline_se), key=key)
    for _, group in groupby(known, key=key):
        for one, other in combinations(group, 2):
            if one.treatment_arm != other.treatment_arm and one.baseline_se == other.baseline_se:
                yield replace(
                    one,
                    comparator_arm=other.treatment_arm,
                    assumed=one.assumed or other.assumed,
                    log_effect=one.log_effect - other.log_effect,
                    se=sqrt(one.se**2 + other.se**2 - 2 * (one.baseline_se or 0.0) ** 2),
                    baseline_se=None,
                    source=f"{one.source}; {other.source}",
                )


def _implied(effect: Effect, chosen: Sequence[Effect]) -> bool:
    """Whether the effects in use imply the difference between two of their arms."""
    arms = {e.treatment_arm for e in chosen if (e.method, e.population) == (effect.method, effect.population)}
    return {effect.treatment_arm, effect.comparator_arm} <= arms


def _effect_row(sheet: StudySheet, effect: Effect, entries: list[Entry]) -> Row:
    found = [
        entry
        for entry in behind(sheet, effect, entries)
        if not isinstance(entry.record, Median) or entry.record.arm in (effect.treatment_arm, effect.comparator_arm)
    ]
    return {
        **{key: value for key, value in asdict(effect).items() if key in UNUSED_COLUMNS},
        **_ends(sheet, effect.treatment_arm, effect.comparator_arm, effect.population),
        **_sources(found),
        "kind": EFFECT,
        "effect": effect.log_effect,
    }


def _median_rows(
    project: Project, sheet: StudySheet, entries: Sequence[Entry], used: set[str], effects: Sequence[Effect]
) -> Iterator[Row]:
    """Medians of arms, each beside that of the baseline arm of its study."""
    medians = [(e, e.record) for e in entries if isinstance(e.record, Median) and e.record.not_used is None]
    for entry, median in medians:
        if entry.key in used:
            continue
        base = _baseline(project, sheet, median, [other for _, other in medians])
        if base is None or base.arm == median.arm:
            yield _listed(entry, _BASELINE if base else _ALONE)
            continue
        behind_it = [entry, *(e for e, other in medians if other is base)]
        found = _of_medians(effects, median.arm, base.arm, median.population)
        yield {
            **_ends(sheet, median.arm, base.arm, median.population),
            **_sources(behind_it),
            "kind": MEDIAN,
            "treatment_figure": median.months,
            "comparator_figure": base.months,
            **(found or {"effect": median_ratio(median.months, base.months), "reason": _NO_SE}),
        }


def _baseline(project: Project, sheet: StudySheet, median: Median, medians: Sequence[Median]) -> Median | None:
    """Choose the median from which that of an arm is predicted; None where no other arm has one.

    It is that of the arm whose patients all received the regimen of the declared baseline in the setting of most
    patients, or else that of the comparator of the contrast set.
    """
    most = max(sheet.failed_first_line, key=lambda line: line.n or 0).setting
    declared = project.config.baseline_of(median.outcome, most)
    for contrast_set in sheet.contrast_sets.values():
        there = {
            m.arm: m for m in reversed(medians) if m.population == median.population and m.arm in contrast_set.arms
        }
        if median.arm in contrast_set.arms and len(there) > 1:
            whole = [arm for arm in there if declared and list(sheet.arms[arm].regimens) == [declared.regimen]]
            return there.get(whole[0] if whole else contrast_set.comparator)
    return None


def _of_medians(effects: Sequence[Effect], arm: str, base: str, population: str) -> Row | None:
    """Log ratio of two medians with its standard error: by their limits, or else by the events."""
    for method in _OF_MEDIANS:
        for effect in effects:
            ends = (effect.treatment_arm, effect.comparator_arm)
            if (effect.method, effect.population) == (method, population) and set(ends) == {arm, base}:
                sign = 1 if ends[0] == arm else -1
                how = {key: getattr(effect, key) for key in ("contrast_set", "method", "adjustment", "assumed", "se")}
                return {**how, "effect": sign * effect.log_effect}
    return None


def _listed(entry: Entry, reason: str) -> Row:
    return {"kind": RECORD, **_sources([entry]), "population": entry.record.population, "reason": reason}


def _why_not_survival(sheet: StudySheet, entry: Entry) -> str:
    """Say why no effect follows from a record."""
    record = entry.record
    if record.not_used:
        return record.not_used
    if isinstance(record, HazardRatio | LogRank):
        if not any({record.treatment, record.comparator} <= set(s.arms) for s in sheet.contrast_sets.values()):
            return "no contrast set compares these two arms"
        if record.p and not record.p.exact:
            return "its p-value is a bound, from which no standard error follows"
        if isinstance(record, LogRank):
            return "the numbers of events behind it are not known, and no medians give the size of the effect"
        return "neither limits nor an exact p-value give its standard error"
    if entry.section == "events":
        return "a number of events gives no relative effect by itself"
    return "it shows no two arms of a contrast set"


# Counts.


def _counts(
    project: Project, sheet: StudySheet, outcome_id: str, selection: Selection | None, taken: Sequence[Row]
) -> list[Row]:
    outcome = project.config.outcomes[outcome_id]
    chosen: Sequence[Counts]
    unused: Sequence[Counts]
    if outcome.is_ordered:
        categories = category_arms(sheet, outcome_id, outcome)
        chosen, unused = _parted(sheet, categories, project.config.criteria, selection, bool(taken))
    else:
        counts = count_arms(sheet, outcome_id, outcome)
        chosen, unused = _parted(sheet, counts, project.config.criteria, selection, bool(taken))
    entries = count_entries(sheet, outcome_id, bool(set(outcome.categories or ()) & RESPONSE))
    used = {entry.key for entry in entries if any(entry.source(sheet) == figure.source for figure in chosen)}
    rows = list(_count_rows(sheet, unused, entries))
    compared = used | {key for row in rows for key in row["records"].split()}
    return rows + [_listed(entry, _why_not_counted(entry)) for entry in entries if entry.key not in compared]


def _parted[C: (ArmCount, ArmCategories)](
    sheet: StudySheet, figures: list[C], criteria: Sequence[str], selection: Selection | None, in_use: bool
) -> tuple[list[C], list[C]]:
    """Part the counts of a study into those that are in use and the others."""
    chosen = select_counts(sheet, figures, criteria, selection) if in_use else []
    return chosen, [figure for figure in figures if figure not in chosen]


def _count_rows(sheet: StudySheet, figures: Sequence[Counts], entries: Sequence[Entry]) -> Iterator[Row]:
    """Arms against the comparator of their contrast set, by criterion and population."""
    groups = dict.fromkeys((figure.criterion, figure.population) for figure in figures)
    for criterion, population in groups:
        by_arm = {f.arm: f for f in reversed(figures) if (f.criterion, f.population) == (criterion, population)}
        for name, contrast_set in sheet.contrast_sets.items():
            base = by_arm.get(contrast_set.comparator)
            others = [by_arm[arm] for arm in contrast_set.arms if arm in by_arm and arm != contrast_set.comparator]
            for figure in others if base else []:
                assert base is not None
                found = [e for e in entries if e.source(sheet) in (figure.source, base.source)]
                yield {
                    **_ends(sheet, figure.arm, base.arm, population),
                    **_sources(found),
                    "kind": COUNT,
                    "contrast_set": name,
                    "criterion": criterion,
                    "treatment_figure": _cell(figure),
                    "comparator_figure": _cell(base),
                    "n_treatment": figure.n,
                    "n_comparator": base.n,
                }


def _cell(figure: Counts) -> str:
    return str(figure.events) if isinstance(figure, ArmCount) else categories_cell(figure.categories)


def _why_not_counted(entry: Entry) -> str:
    return (
        entry.record.not_used or "it does not give the categories of this outcome, or the other arm has no such figure"
    )
