"""What a run computes of how far an answer can be trusted: tables, figures, and the labels that they need."""

from collections.abc import Collection

from secondline.jobs.doubt_settings import specification_settings
from secondline.jobs.settings import is_overlapping, threshold_outcomes
from secondline.layout import (
    BIAS_TABLES,
    HELD_OUT_TABLES,
    NEXT_STUDY_TABLE,
    OVERLAP_TABLE,
    PRIOR_FAN_TABLE,
    SPECIFICATION_TABLES,
    THRESHOLD_TABLES,
)
from secondline.project.config import Project
from secondline.project.study_names import study_names
from secondline.report.settings import DoubtFacts


def doubt_outcomes(project: Project, analysis: str) -> list[str]:
    """Outcomes of an analysis of which a run writes tables under doubt/, those of the first screen first."""
    config = project.config
    lead = config.lead_of(analysis)
    order = [*lead, *(outcome for outcome in config.outcomes_of(analysis) if outcome not in lead)]
    return [outcome for outcome in order if doubt_tables(project, analysis, outcome)]


def doubt_tables(project: Project, analysis: str, outcome: str) -> list[str]:
    """Files under doubt/ that figures, report and terminal read."""
    config = project.config
    crossed = analysis == config.doubted and outcome in config.doubted_outcomes
    files = [*SPECIFICATION_TABLES] if crossed else []
    if analysis == config.base:
        files += [f"{table}.csv" for table in HELD_OUT_TABLES]
        files += [f"{table}.csv" for table in THRESHOLD_TABLES if outcome in threshold_outcomes(project)]
        files += [f"{OVERLAP_TABLE}.csv"] if is_overlapping(project, outcome) else []
        files += [f"{table}.csv" for table in BIAS_TABLES[:2] if outcome in config.bias_outcomes]
        files += [f"{NEXT_STUDY_TABLE}.csv"] if outcome in config.next_study_outcomes else []
        files += [f"{PRIOR_FAN_TABLE}.csv"] if outcome in config.prior_fan_outcomes else []
    return files


def doubt_figures(project: Project, analysis: str, outcome: str) -> list[str]:
    """Figures under doubt/ of one outcome."""
    return _figures_of(doubt_tables(project, analysis, outcome))


def _figures_of(tables: Collection[str]) -> list[str]:
    needs = {
        "specification_curve": "specifications.csv.gz",
        "thresholds": "thresholds.csv",
        "bias_fan": "bias_fan.csv",
        "prior_fan": "prior_fan.csv",
    }
    return [figure for figure, table in needs.items() if table in tables]


def doubt_facts(project: Project, analysis: str, outcome: str) -> DoubtFacts:
    """Resolve what figures, report and terminal show of one outcome."""
    given, bias = project.config.specifications, project.config.bias
    tables = doubt_tables(project, analysis, outcome)
    kinds = given.axes if given else {}
    crossed = outcome in project.config.doubted_outcomes and analysis == project.config.doubted
    axes = specification_settings(project, outcome).axes if crossed else ()
    studies = study_names(project)
    return DoubtFacts(
        tables=tuple(tables),
        figures=tuple(_figures_of(tables)),
        axes={axis.name: studies.get(axis.label, axis.label) or axis.name for axis in axes},
        studies=tuple(
            axis.name for axis in axes if axis.name in project.sheets and (not kinds or kinds[axis.name].of == "study")
        ),
        schemes={name: scheme.label for name, scheme in bias.schemes.items()} if bias else {},
        weighted=any(level.weight != 1 for axis in axes for level in axis.levels),
    )
