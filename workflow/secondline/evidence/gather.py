"""Global evidence tables: every effect and figure of every sheet and table, for readers rather than for fits."""

from collections.abc import Iterator
from dataclasses import asdict
from math import exp, inf
from pathlib import Path
from statistics import NormalDist
from typing import Any

from secondline.cells import categories_cell
from secondline.evidence.audit import AUDIT_COLUMNS, audit_project
from secondline.evidence.contrasts import derive_effects, select_effects
from secondline.evidence.counts import category_arms, count_arms, select_counts
from secondline.evidence.judgements import (
    INDIRECTNESS_COLUMNS,
    RISK_OF_BIAS_COLUMNS,
    indirectness_rows,
    risk_of_bias_rows,
)
from secondline.evidence.selection import setting_mix
from secondline.evidence.spread import DERIVATION_COLUMNS, derivation_rows
from secondline.evidence.transitivity import TRANSITIVITY_COLUMNS, transitivity_rows
from secondline.project.config import Project
from secondline.tables import write_table

EFFECT_COLUMNS = (
    "study",
    "outcome",
    "contrast_set",
    "treatment_arm",
    "comparator_arm",
    "population",
    "method",
    "adjustment",
    "assumed",
    "log_effect",
    "se",
    "baseline_se",
    "estimate",
    "estimate_lower",
    "estimate_upper",
    "selected",
    "source",
)
COUNT_COLUMNS = ("study", "outcome", "criterion", "arm", "population", "events", "n", "derived", "selected", "source")
ARM_DATA_COLUMNS = (
    "study",
    "outcome",
    "criterion",
    "arm",
    "population",
    "n",
    "events",
    "time",
    "mean",
    "se",
    "categories",
    "derived",
    "selected",
    "source",
)
ARM_COLUMNS = ("study", "arm", "n", "regimen", "weight")
SETTING_COLUMNS = ("study", "setting", "weight")
TABLES = (
    "effects",
    "derivation",
    "counts",
    "arm_data",
    "arms",
    "settings",
    "transitivity",
    "risk_of_bias",
    "indirectness",
    "audit",
)
_Z = NormalDist().inv_cdf(0.975)
Row = dict[str, Any]


def effect_rows(project: Project) -> list[Row]:
    """Every derivable effect; ``selected`` marks what an analysis uses unless it asks otherwise.

    Nothing of a secondary report is selected: an analysis has to ask for it.
    """
    rows: list[Row] = []
    for outcome_id, outcome in project.config.outcomes.items():
        effects = []
        if outcome.modelled.is_contrasts:
            for sheet in project.sheets.values():
                derived = derive_effects(sheet, outcome_id)
                chosen = [] if sheet.secondary_report else select_effects(sheet, derived)
                effects += [{**asdict(effect), "selected": effect in chosen} for effect in derived]
        for row, selected in _table_rows(project, outcome_id):
            if "effect" in row:
                effects.append({**row, "log_effect": row["effect"], "selected": selected})
        rows += [{**effect, **_natural(effect, outcome.is_ratio)} for effect in effects]
    return sorted(rows, key=_study_order(project))


def _natural(effect: Row, ratio: bool) -> Row:
    """Estimate and 95% confidence limits, those printed where they are; ``log_effect`` is on the link scale.

    A printed estimate need not lie in the middle of its limits, from which its standard error comes.
    """
    value, se = effect["log_effect"], effect["se"]
    estimate, *symmetric = [value + sign * _Z * se for sign in (0, -1, 1)]
    natural = _exp if ratio else float
    lower, upper = effect.get("limits") or map(natural, symmetric)
    return {"estimate": natural(estimate), "estimate_lower": lower, "estimate_upper": upper}


def _exp(value: float) -> float:
    """Exponential, infinite where a p-value next to 1 leaves so wide an interval."""
    return exp(value) if value < 700 else inf


def _table_rows(project: Project, outcome_id: str) -> Iterator[tuple[Row, bool]]:
    """Rows of the tables on an outcome, and whether fits use them or only what was made of them."""
    for study in project.tables:
        if study.outcome == outcome_id:
            yield from ((row, True) for row in study.rows)
            yield from ((row, False) for row in study.printed)


def count_rows(project: Project) -> list[Row]:
    """Every count of events by arm, criterion and population."""
    rows: list[Row] = []
    for outcome_id, outcome in project.config.outcomes.items():
        if outcome.is_count:
            for sheet in project.sheets.values():
                counts = count_arms(sheet, outcome_id, outcome)
                chosen = [] if sheet.secondary_report else select_counts(sheet, counts, project.config.criteria)
                rows += [{**asdict(count), "selected": count in chosen} for count in counts]
            rows += _table_arms(project, outcome_id)
    return sorted(rows, key=_study_order(project))


def _table_arms(project: Project, outcome_id: str) -> list[Row]:
    """Arms of the tables on an outcome; those that contrasts were made of are not selected themselves."""
    return [{**row, "selected": used} for row, used in _table_rows(project, outcome_id) if "arm" in row]


def arm_data_rows(project: Project) -> list[Row]:
    """Figures of arms that are no counts of events: means, rates, events in a time, patients by category."""
    rows: list[Row] = []
    for outcome_id, outcome in project.config.outcomes.items():
        if outcome.is_ordered:
            for sheet in project.sheets.values():
                arms = category_arms(sheet, outcome_id, outcome)
                chosen = [] if sheet.secondary_report else select_counts(sheet, arms, project.config.criteria)
                rows += [
                    {**asdict(arm), "categories": categories_cell(arm.categories), "selected": arm in chosen}
                    for arm in arms
                ]
        if not outcome.is_count:
            rows += _table_arms(project, outcome_id)
    return sorted(rows, key=_study_order(project))


def _study_order(project: Project) -> Any:
    """Order rows by study, each study's in the order of the outcomes."""
    order = {study: i for i, study in enumerate(project.studies)}
    return lambda row: order[row["study"]]


def arm_rows(project: Project) -> list[Row]:
    """Regimens of every arm."""
    rows = [
        {"study": sheet.study, "arm": name, "n": arm.n, "regimen": regimen, "weight": n / sum(arm.regimens.values())}
        for sheet in project.sheets.values()
        for name, arm in sheet.arms.items()
        for regimen, n in arm.regimens.items()
    ]
    found: dict[tuple[str, str], tuple[int | None, dict[str, float]]] = {}
    for study in project.tables:
        for row in study.given:
            for name, mix, n in _ends(row):
                found.setdefault((study.study, name), (n, _shares(mix)))
    rows += [
        {"study": study, "arm": name, "n": n, "regimen": regimen, "weight": weight}
        for (study, name), (n, weights) in found.items()
        if study not in project.sheets
        for regimen, weight in weights.items()
    ]
    return rows


def _ends(row: Row) -> list[tuple[str, str, int | None]]:
    if "arm" in row:
        return [(row["arm"], row["arm_mix"], row["n"])]
    return [(row[f"{end}_arm"], row[f"{end}_mix"], row[f"n_{end}"]) for end in ("treatment", "comparator")]


def _shares(mix: str) -> dict[str, float]:
    parts = {name: int(n) for name, n in (part.rsplit(":", 1) for part in mix.split())}
    return {name: n / sum(parts.values()) for name, n in parts.items()}


def setting_rows(project: Project) -> list[Row]:
    """Weights of the settings in every study."""
    rows = [
        {"study": sheet.study, "setting": setting, "weight": weight}
        for sheet in project.sheets.values()
        for setting, weight in _shares(setting_mix(sheet)).items()
    ]
    shares = {study.study: _shares(study.given[0]["setting_mix"]) for study in reversed(project.tables)}
    rows += [
        {"study": study, "setting": setting, "weight": weight}
        for study in project.studies
        if study not in project.sheets
        for setting, weight in shares[study].items()
    ]
    return rows


def audit_rows(project: Project) -> list[Row]:
    """Every finding about sheets and tables."""
    return [{**asdict(finding), "analyses": " ".join(finding.analyses)} for finding in audit_project(project)]


def gather_evidence(project: Project, folder: Path) -> None:
    """Write the tables of `TABLES` to a folder."""
    for name, rows, columns in (
        ("effects", effect_rows(project), EFFECT_COLUMNS),
        ("derivation", derivation_rows(project), DERIVATION_COLUMNS),
        ("counts", count_rows(project), COUNT_COLUMNS),
        ("arm_data", arm_data_rows(project), ARM_DATA_COLUMNS),
        ("arms", arm_rows(project), ARM_COLUMNS),
        ("settings", setting_rows(project), SETTING_COLUMNS),
        ("transitivity", transitivity_rows(project), TRANSITIVITY_COLUMNS),
        ("risk_of_bias", risk_of_bias_rows(project), RISK_OF_BIAS_COLUMNS),
        ("indirectness", indirectness_rows(project), INDIRECTNESS_COLUMNS),
        ("audit", audit_rows(project), AUDIT_COLUMNS),
    ):
        write_table(folder / f"{name}.csv", rows, columns)
