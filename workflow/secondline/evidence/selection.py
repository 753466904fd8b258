"""The evidence of one fit: which figures of which study enter it, and why others do not.

An evidence table holds everything a fit needs from sheets and tables and nothing else: no labels, no line numbers.
Two projects with equal evidence tables have equal fits.
"""

from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from typing import Any

from secondline.cell_values import TOGETHER, UNDIRECTED
from secondline.cells import categories_cell, mix, parse_categories, values_cell
from secondline.evidence.contrasts import derive_effects, select_effects, undirected_test
from secondline.evidence.counts import category_arms, count_arms, select_counts
from secondline.evidence.multi_arm import joint_contrasts
from secondline.likelihoods import LIKELIHOODS, Distribution, Likelihood
from secondline.project.config import Project
from secondline.project.config_parts import Selection
from secondline.project.covariates import numbers_of
from secondline.project.evidence_tables import TableStudy, by_outcome
from secondline.project.figures import ALL
from secondline.project.once import once_a_project
from secondline.project.outcomes import RESPONSE
from secondline.project.sheets import StudySheet
from secondline.tables import read_back, to_csv

CONTRAST_COLUMNS = (
    "study",
    "contrast_set",
    "treatment_arm",
    "comparator_arm",
    "population",
    "treatment_mix",
    "comparator_mix",
    "setting_mix",
    "n_treatment",
    "n_comparator",
    "effect",
    "se",
    "baseline_se",
    "covariances",
    "method",
    "adjustment",
    "assumed",
    "treatment_settings",
    "comparator_settings",
    "covariates",
    "used",
    "informative",
    "reason",
)
ARM_COLUMNS = (
    "study",
    "contrast_set",
    "arm",
    "arm_mix",
    "setting_mix",
    "events",
    "n",
    "time",
    "mean",
    "se",
    "categories",
    "criterion",
    "derived",
    "arm_settings",
    "covariates",
    "used",
    "informative",
    "reason",
)
AS_PRINTED = "ratios under the wrong arm's name are read as printed"
REVERSED = "the direction of the test is the reverse of the one in the sheet"
ASSUMED_EVENTS = {
    "low": "assumed events are the fewest that are plausible",
    "high": "assumed events are the most that are plausible",
}
_FIGURES = frozenset().union(*(one.figures for one in LIKELIHOODS.values()))
"""Figures of an arm that any likelihood reads; one has no column in the tables of those that do not."""
_SETTINGS_OF = {
    "arm": "arm_settings",
    "treatment_arm": "treatment_settings",
    "comparator_arm": "comparator_settings",
}
Row = dict[str, Any]


def setting_mix(sheet: StudySheet, population: str = ALL) -> str:
    """Patients of a study by failed first line, as one cell; a population of one setting holds no other."""
    alone = population in sheet.populations and sheet.populations[population].setting
    return mix({alone: 1} if alone else {line.setting: line.n or 1 for line in sheet.failed_first_line})


def _arm_settings(sheet: StudySheet, arm: str) -> str:
    """Patients of an arm by failed first line, as one cell; empty where the sheet does not give them by arm."""
    lines = sheet.failed_first_line
    return mix({line.setting: line.arms[arm] for line in lines}) if all(arm in line.arms for line in lines) else ""


def reports(sheet: StudySheet, outcome_id: str, project: Project) -> bool:
    """Whether a sheet gives any figure from which the outcome could be derived."""
    outcome = project.config.outcomes[outcome_id]
    if outcome.is_ordered:
        used = [record for record in sheet.responses if not record.not_used]
        categories = outcome.categories if set(outcome.categories) <= RESPONSE else []
        return any(getattr(record, name) for record in used for name in categories)
    if outcome.is_count:
        return bool(count_arms(sheet, outcome_id, outcome))
    sections = (sheet.hazard_ratios, sheet.medians, sheet.log_rank, sheet.curves)
    return any(record.outcome == outcome_id for records in sections for record in records)


def reporting_sheets(project: Project, outcome_id: str, analysis_id: str | None = None) -> list[str]:
    """Studies whose sheets report an outcome, in alphabetical order; with an analysis, those that it may use."""
    allowed = project.sheets if analysis_id is None else project.studies_of(analysis_id)
    return [
        study for study, sheet in project.sheets.items() if study in allowed and reports(sheet, outcome_id, project)
    ]


def reporting_studies(project: Project, outcome_id: str) -> list[str]:
    """Studies that report an outcome: those of sheets in alphabetical order, then those of tables."""
    return [*reporting_sheets(project, outcome_id), *(s.study for s in by_outcome(project.tables, outcome_id))]


def select_evidence(project: Project, analysis_id: str, outcome_id: str) -> list[Row]:
    """Choose what every study that reports the outcome contributes to one fit.

    Returns
    -------
    list of dict
        Rows with the columns of `evidence_columns`. A study that reports the outcome but is not used has one row with
        ``used`` false and the reason. Secondary reports are no part of an analysis that does not take them.
    """
    return [dict(row) for row in _selected(project, analysis_id, outcome_id)]


@once_a_project
def _selected(project: Project, analysis_id: str, outcome_id: str) -> list[Row]:
    analysis, pool = project.config.analyses[analysis_id], project.studies_of(analysis_id)
    sources: list[tuple[str, StudySheet | TableStudy]] = [
        *((study, project.sheets[study]) for study in reporting_sheets(project, outcome_id, analysis_id)),
        *((study.study, study) for study in by_outcome(project.tables, outcome_id) if study.study in pool),
    ]
    rows: list[Row] = []
    for study, source in sources:
        if study in analysis.exclude:
            rows.append(unused(study, f"excluded by the analysis: {analysis.exclude[study]}"))
        elif isinstance(source, TableStudy):
            rows += table_rows(source, project.config.outcomes[outcome_id].modelled)
        else:
            rows += sheet_rows(project, source, outcome_id, analysis.select.get(study))
    return rows


def table_rows(study: TableStudy, likelihood: Likelihood) -> list[Row]:
    """Take the rows of a study of a table, or one that says why it is not used."""
    return [unused(study.study, study.nothing)] if study.nothing else marked(study.rows, likelihood)


def unused(study: str, reason: str) -> Row:
    """Give the row of a study that is not used, with the reason."""
    return {"study": study, "used": False, "informative": False, "reason": reason}


def evidence_columns(project: Project, outcome_id: str) -> tuple[str, ...]:
    """Columns of the evidence table of an outcome: of contrasts, of arms, or of both where its studies are mixed."""
    mixed = any("effect" in row for study in by_outcome(project.tables, outcome_id) for row in study.rows)
    return table_columns(project.config.outcomes[outcome_id].modelled, mixed)


def table_columns(likelihood: Likelihood, mixed: bool) -> tuple[str, ...]:
    """Columns of an evidence table: of contrasts, of arms, or of both where its studies are ``mixed``."""
    if likelihood.is_contrasts:
        return CONTRAST_COLUMNS
    left_out = _FIGURES - likelihood.figures
    arms = [column for column in ARM_COLUMNS if column not in left_out]
    return tuple(dict.fromkeys([*CONTRAST_COLUMNS, *arms])) if mixed else tuple(arms)


def evidence_csv(project: Project, analysis: str, outcome: str) -> str:
    """Evidence table of one fit as CSV text."""
    return to_csv(select_evidence(project, analysis, outcome), evidence_columns(project, outcome))


def evidence_rows(project: Project, analysis: str, outcome: str) -> list[dict[str, str]]:
    """Evidence table of one fit as it reads back."""
    return read_back(select_evidence(project, analysis, outcome), evidence_columns(project, outcome))


def evidence_digest(project: Project, analysis: str, outcome: str) -> str:
    """Digest of the evidence of one fit; two equal digests mean equal data."""
    return sha256(evidence_csv(project, analysis, outcome).encode()).hexdigest()[:16]


def sheet_rows(project: Project, sheet: StudySheet, outcome_id: str, selection: Selection | None) -> list[Row]:
    """Choose the rows of a sheet that reports the outcome: those used, or one that says why none is."""
    outcome = project.config.outcomes[outcome_id]
    if outcome.is_count or outcome.is_ordered:
        chosen = arm_rows(project, sheet, outcome_id, selection)
    else:
        chosen = _contrast_rows(sheet, outcome_id, selection)
    if not chosen:
        return [unused(sheet.study, _why_not(project, outcome_id, selection))]
    given = values_cell(numbers_of(sheet.covariates, project.config.covariates, project.config.levels))
    rows = [{**row, **_settings_of(sheet, row), "covariates": given} for row in chosen]
    borrowed = _of_everybody(sheet, rows, selection)
    return marked([{**row, "reason": _said(row.get("reason"), borrowed)} for row in rows], outcome.modelled)


def _settings_of(sheet: StudySheet, row: Row) -> Row:
    """Failed first lines of a row: those of the study, and of each of its arms where the sheet gives them by arm."""
    found = {"setting_mix": setting_mix(sheet, row["population"])}
    if found["setting_mix"] != setting_mix(sheet):
        return found  # a population of one setting
    ends = ("arm", "treatment_arm", "comparator_arm")
    return found | {_SETTINGS_OF[end]: _arm_settings(sheet, row[end]) for end in ends if row.get(end)}


def _why_not(project: Project, outcome_id: str, selection: Selection | None) -> str:
    outcome = project.config.outcomes[outcome_id]
    where = f" in the population asked for, {selection.population}" if selection and selection.population else ""
    if outcome.is_ordered:
        return f"no criterion gives {', '.join(outcome.categories)} for every arm of the contrast set{where}"
    if outcome.is_count:
        return f"no criterion gives a count for every arm of the contrast set{where}"
    asked = selection and selection.method
    methods = f"the method asked for, {asked}, does not give" if asked else "no single method gives"
    return f"{methods} effects that connect every arm of the contrast set{where}"


def _contrast_rows(sheet: StudySheet, outcome_id: str, selection: Selection | None) -> list[Row]:
    sheet, said = _as_selected(sheet, selection or Selection())
    chosen = select_effects(sheet, derive_effects(sheet, outcome_id), selection)
    if not chosen:
        return []
    joint = joint_contrasts(sheet, chosen)
    together = f"{TOGETHER}{joint.message}" if joint.assumed or joint.flagged else None
    undirected = UNDIRECTED if any(undirected_test(sheet, effect) for effect in chosen) else None
    return [
        {
            **asdict(effect),
            "effect": effect.log_effect,
            "covariances": " ".join(map(repr, covariances)) or None,
            "treatment_mix": mix(sheet.arms[effect.treatment_arm].regimens),
            "comparator_mix": mix(sheet.arms[effect.comparator_arm].regimens),
            "n_treatment": sheet.size(effect.treatment_arm, effect.population),
            "n_comparator": sheet.size(effect.comparator_arm, effect.population),
            "reason": _said(together, *said, undirected),
        }
        for effect, covariances in zip(joint.effects, joint.covariances, strict=True)
    ]


def _as_selected(sheet: StudySheet, selection: Selection) -> tuple[StudySheet, list[str]]:
    """Read a sheet as a selection does, and say what it reads differently."""
    said = []
    if selection.reading == "as_printed":
        sheet, said = sheet.as_printed(), [AS_PRINTED]
    if selection.direction == "reversed":
        sheet, said = sheet.with_reversed_tests(), [*said, REVERSED]
    if selection.assumed_events != "best":
        sheet = sheet.with_assumed_events(selection.assumed_events)
        said = [*said, ASSUMED_EVENTS[selection.assumed_events]]
    return sheet, said


def _of_everybody(sheet: StudySheet, rows: Sequence[Row], selection: Selection | None) -> str | None:
    """Say what is taken from all patients where an analysis asks for a part of them."""
    name = (selection and selection.population) or ""
    if name not in sheet.populations:
        return None
    mixed = any(" " in (row.get(key) or "") for row in rows for key in ("arm_mix", "treatment_mix", "comparator_mix"))
    lines_mixed = len(sheet.failed_first_line) > 1 and not sheet.populations[name].setting
    shares = [*(["the regimens of its arms"] if mixed else []), *(["its failed first lines"] if lines_mixed else [])]
    if not shares:
        return None
    return f"population {name}: the shares of {' and '.join(shares)} are those of all patients"


def arm_rows(project: Project, sheet: StudySheet, outcome_id: str, selection: Selection | None) -> list[Row]:
    """Take the counts of a sheet that enter a fit, as rows of an evidence table; none if they are not complete."""
    outcome, criteria = project.config.outcomes[outcome_id], project.config.criteria
    name = (selection and selection.contrast_set) or sheet.default_contrast_set
    rows: list[Row] = []
    if outcome.is_ordered:
        arms = category_arms(sheet, outcome_id, outcome)
        chosen = select_counts(sheet, arms, criteria, selection)
        rows = [{**asdict(arm), "categories": categories_cell(arm.categories)} for arm in chosen]
    else:
        rows = [asdict(c) for c in select_counts(sheet, count_arms(sheet, outcome_id, outcome), criteria, selection)]
    return [{**row, "contrast_set": name, "arm_mix": mix(sheet.arms[row["arm"]].regimens)} for row in rows]


def marked(rows: Sequence[Row], likelihood: Likelihood) -> list[Row]:
    """Mark the rows of a study by whether they say anything about its relative effects."""
    nothing = uninformative(rows, likelihood)
    return [
        {**row, "used": True, "informative": nothing is None, "reason": _said(nothing, row.get("reason"))}
        for row in rows
    ]


def _said(*parts: str | None) -> str | None:
    """Join what there is to say about a row."""
    return "; ".join(filter(None, parts)) or None


def uninformative(rows: Sequence[Row], likelihood: Likelihood) -> str | None:
    """Say why the figures of a study hold no information on its relative effects; None where they do."""
    if rows[0].get("categories"):
        taken = {name for row in rows for name, n in parse_categories(row["categories"]).items() if n}
        if len(taken) == 1:
            return f"uninformative: every patient of every arm is in category {taken.pop()}"
    elif rows[0].get("events") is not None:
        if all(row["events"] == 0 for row in rows):
            return "uninformative: no patient of any arm had the event"
        if likelihood.distribution is Distribution.BINOMIAL and all(row["events"] == row["n"] for row in rows):
            return "uninformative: every patient of every arm had the event"
    return None
