"""The resolved settings of figures and reports: what the tables do not say."""

from typing import Any

from nma.config import Project
from nma.plan import label_settings

HEADLINE_TABLES = ("ranking", "relative_effects", "league_table", "mixtures")
MODEL_TABLES = ("heterogeneity", "fit_statistics", "exact_check")


def figures_of(project: Project, model: str) -> list[str]:
    """Figures drawn for a model; one without heterogeneity has no prior to set against a posterior."""
    definition = project.config.models[model]
    varies = definition.heterogeneity or (definition.settings and bool(project.treatments.settings))
    return ["forest", "rankogram", *(["heterogeneity"] if varies else [])]


def report_settings(project: Project, analysis: str) -> dict[str, Any]:
    """Everything but tables and figures that the report of an analysis depends on."""
    settings = project.treatments.settings
    return {
        "analysis": analysis,
        "outcomes": project.config.outcomes_of(analysis),
        "models": list(project.config.models),
        "headline_figures": figures_of(project, project.config.headline),
        "labels": label_settings(project),
        "not_candidates": {name: list(setting.not_candidates) for name, setting in settings.items()},
        "studies": {name: _study(sheet) for name, sheet in project.sheets.items()},
        "leave_one_out": project.config.leave_one_out,
        "seed": project.config.seed,
    }


def _study(sheet: Any) -> dict[str, Any]:
    paper = sheet.bibliography
    citation = f"{paper.authors}. {paper.title}. {paper.journal} {paper.year}."
    return {
        "design": sheet.design,
        "citation": f"{citation} doi:{paper.doi}" if paper.doi else citation,
        "arms": {name: arm.label for name, arm in sheet.arms.items()},
    }


def report_inputs(project: Project, analysis: str) -> list[str]:
    """Tables and figures that the report of an analysis reads, but for those of the rules it names itself."""
    config = project.config
    files = []
    for outcome in config.outcomes_of(analysis):
        folder = f"{config.results}/{analysis}/{outcome}"
        headline = f"{folder}/{config.headline}"
        files += [f"{folder}/evidence.csv", f"{folder}/network/network.svg"]
        files += [f"{folder}/{model}/{table}.csv" for model in config.models for table in MODEL_TABLES]
        files += [f"{headline}/{table}.csv" for table in HEADLINE_TABLES]
        files += [f"{headline}/figures/{figure}.svg" for figure in figures_of(project, config.headline)]
    return files
