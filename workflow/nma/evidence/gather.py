"""Global evidence tables: every derived effect and count of every sheet, for readers rather than for fits."""

from dataclasses import asdict
from math import exp
from pathlib import Path
from statistics import NormalDist
from typing import Any

from nma.config import Project
from nma.evidence.audit import AUDIT_COLUMNS, audit_project
from nma.evidence.contrasts import derive_effects, select_effects
from nma.evidence.counts import count_arms, select_counts
from nma.tables import write_table

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
ARM_COLUMNS = ("study", "arm", "n", "regimen", "weight")
SETTING_COLUMNS = ("study", "setting", "weight")
_Z = NormalDist().inv_cdf(0.975)


def effect_rows(project: Project) -> list[dict[str, Any]]:
    """Every derivable time-to-event effect; ``selected`` marks what an analysis uses unless it asks otherwise."""
    rows = []
    for sheet in project.sheets.values():
        for outcome_id, outcome in project.config.outcomes.items():
            if outcome.is_count:
                continue
            effects = derive_effects(sheet, outcome_id)
            chosen = select_effects(sheet, effects)
            for effect in effects:
                limits = [exp(effect.log_effect + sign * _Z * effect.se) for sign in (-1, 1)]
                rows.append(
                    {
                        **asdict(effect),
                        "estimate": exp(effect.log_effect),
                        "estimate_lower": limits[0],
                        "estimate_upper": limits[1],
                        "selected": effect in chosen,
                    }
                )
    return rows


def count_rows(project: Project) -> list[dict[str, Any]]:
    """Every count by arm, criterion and population."""
    rows = []
    for sheet in project.sheets.values():
        for outcome_id, outcome in project.config.outcomes.items():
            if outcome.is_count:
                counts = count_arms(sheet, outcome_id, outcome)
                chosen = select_counts(sheet, counts, project.config.criteria)
                rows += [{**asdict(count), "selected": count in chosen} for count in counts]
    return rows


def gather_evidence(project: Project, folder: Path) -> None:
    """Write evidence/effects.csv, counts.csv, arms.csv, settings.csv and audit.csv."""
    arms = [
        {"study": sheet.study, "arm": name, "n": arm.n, "regimen": regimen, "weight": n / arm.n}
        for sheet in project.sheets.values()
        for name, arm in sheet.arms.items()
        for regimen, n in arm.regimens.items()
    ]
    settings = [
        {"study": sheet.study, "setting": line.setting, "weight": line.n / sum(x.n for x in sheet.failed_first_line)}
        for sheet in project.sheets.values()
        for line in sheet.failed_first_line
    ]
    write_table(folder / "effects.csv", effect_rows(project), EFFECT_COLUMNS)
    write_table(folder / "counts.csv", count_rows(project), COUNT_COLUMNS)
    write_table(folder / "arms.csv", arms, ARM_COLUMNS)
    write_table(folder / "settings.csv", settings, SETTING_COLUMNS)
    write_table(folder / "audit.csv", audit_project(project), AUDIT_COLUMNS)
