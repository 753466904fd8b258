"""The evidence of one fit: which figures of which study enter it, and why others do not.

An evidence table holds everything a fit needs from the sheets and nothing else: no labels, no line numbers.
Two projects with equal evidence tables have equal fits.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from nma.config import Project, Selection
from nma.evidence.contrasts import derive_effects, select_effects
from nma.evidence.counts import count_arms, select_counts
from nma.sheets import StudySheet

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
    "log_effect",
    "se",
    "baseline_se",
    "method",
    "adjustment",
    "assumed",
    "used",
    "informative",
    "reason",
)
COUNT_COLUMNS = (
    "study",
    "contrast_set",
    "arm",
    "arm_mix",
    "setting_mix",
    "events",
    "n",
    "criterion",
    "derived",
    "used",
    "informative",
    "reason",
)


def mix(parts: Mapping[str, int]) -> str:
    """Write patients by regimen or by setting as one cell: ``lenvatinib:34 regorafenib:3``."""
    return " ".join(f"{name}:{n}" for name, n in parts.items() if n)


def setting_mix(sheet: StudySheet) -> str:
    """Patients of a study by failed first line, as one cell."""
    return mix({line.setting: line.n for line in sheet.failed_first_line})


def reports(sheet: StudySheet, outcome_id: str, project: Project) -> bool:
    """Whether a sheet gives any figure from which the outcome could be derived."""
    outcome = project.config.outcomes[outcome_id]
    if outcome.is_count:
        return bool(count_arms(sheet, outcome_id, outcome))
    sections = (sheet.hazard_ratios, sheet.medians, sheet.log_rank)
    return any(record.outcome == outcome_id for records in sections for record in records)


def reporting_studies(project: Project, outcome_id: str) -> list[str]:
    """Studies whose sheets report an outcome, in alphabetical order."""
    return [study for study, sheet in project.sheets.items() if reports(sheet, outcome_id, project)]


def select_evidence(project: Project, analysis_id: str, outcome_id: str) -> list[dict[str, Any]]:
    """Choose what every study that reports the outcome contributes to one fit.

    Returns
    -------
    list of dict
        Rows with `CONTRAST_COLUMNS` or `COUNT_COLUMNS`. A study that reports the outcome but is not used has one
        row with ``used`` false and the reason.
    """
    analysis = project.config.analyses[analysis_id]
    outcome = project.config.outcomes[outcome_id]
    rows: list[dict[str, Any]] = []
    for study in reporting_studies(project, outcome_id):
        sheet = project.sheets[study]
        if study in analysis.exclude:
            reason = f"excluded by the analysis: {analysis.exclude[study]}"
            rows.append({"study": study, "used": False, "informative": False, "reason": reason})
            continue
        selection = analysis.select.get(study)
        chosen = (
            _count_rows(project, sheet, outcome_id, selection)
            if outcome.is_count
            else _contrast_rows(sheet, outcome_id, selection)
        )
        reason = _why_not(outcome.is_count, selection)
        rows += chosen or [{"study": study, "used": False, "informative": False, "reason": reason}]
    return rows


def _why_not(is_count: bool, selection: Selection | None) -> str:
    if is_count:
        return "no criterion gives a count for every arm of the contrast set"
    asked = selection and selection.method
    methods = f"the method asked for, {asked}, does not give" if asked else "no single method gives"
    return f"{methods} every arm an effect, with the comparator's standard error if there are more than two"


def evidence_columns(project: Project, outcome_id: str) -> tuple[str, ...]:
    """Columns of the evidence table of an outcome."""
    return COUNT_COLUMNS if project.config.outcomes[outcome_id].is_count else CONTRAST_COLUMNS


def _contrast_rows(sheet: StudySheet, outcome_id: str, selection: Selection | None) -> list[dict[str, Any]]:
    return [
        {
            **asdict(effect),
            "treatment_mix": mix(sheet.arms[effect.treatment_arm].regimens),
            "comparator_mix": mix(sheet.arms[effect.comparator_arm].regimens),
            "setting_mix": setting_mix(sheet),
            "n_treatment": sheet.patients(effect.treatment_arm, effect.population),
            "n_comparator": sheet.patients(effect.comparator_arm, effect.population),
            "used": True,
            "informative": True,
            "reason": None,
        }
        for effect in select_effects(sheet, derive_effects(sheet, outcome_id), selection)
    ]


def _count_rows(
    project: Project, sheet: StudySheet, outcome_id: str, selection: Selection | None
) -> list[dict[str, Any]]:
    counts = count_arms(sheet, outcome_id, project.config.outcomes[outcome_id])
    chosen = select_counts(sheet, counts, project.config.criteria, selection)
    name = (selection and selection.contrast_set) or sheet.default_contrast_set
    if all(count.events == 0 for count in chosen):
        reason = "uninformative: no patient of any arm had the event"
    elif all(count.events == count.n for count in chosen):
        reason = "uninformative: every patient of every arm had the event"
    else:
        reason = None
    return [
        {
            **asdict(count),
            "contrast_set": name,
            "arm_mix": mix(sheet.arms[count.arm].regimens),
            "setting_mix": setting_mix(sheet),
            "used": True,
            "informative": reason is None,
            "reason": reason,
        }
        for count in chosen
    ]
