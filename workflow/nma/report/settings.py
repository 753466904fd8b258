"""The resolved settings of figures and reports: what the tables do not say."""

import os
from pathlib import Path
from typing import Any, get_args

from nma.config import Method, Project
from nma.evidence.populations import given_characteristics
from nma.evidence.tables import TableStudy
from nma.network.arms import OVERALL
from nma.plan import label_settings
from nma.provenance import commit
from nma.sheets import StudySheet

HEADLINE_TABLES = ("rank_probabilities", "league_table", "mixtures", "absolute_effects")
MODEL_TABLES = (
    "ranking",
    "relative_effects",
    "coefficients",
    "heterogeneity",
    "fit_statistics",
    "exact_check",
    "data_points",
    "loo",
)
TWIN_TABLES = ("relative_effects", "ranking", "heterogeneity")  # of the frequentist twin
INCONSISTENCY_TABLES = ("node_splits", "unrelated_effects", "fit_statistics", "degrees_of_freedom", "data_points")
INCONSISTENCY_FIGURES = ("node_splits", "dev_dev")
POPULATION_TABLES = ("characteristics", "standardised_differences")  # what the figure of the patients shows


def figures_of(project: Project, model: str) -> list[str]:
    """Figures drawn for a model; one without heterogeneity has no prior to set against a posterior."""
    definition = project.config.models[model]
    varies = definition.heterogeneity or _omega(project, model)
    return ["forest", "rankogram", "cumulative_ranks", "leverage", *(["heterogeneity"] if varies else [])]


def analysis_figures(project: Project, analysis: str) -> list[str]:
    """Figures of an analysis over its outcomes, in its folder summary/."""
    return [
        "sucra",
        *(f"absolute_{outcome}" for outcome in absolute_outcomes(project, analysis)),
        *(f"pair_{across}_{upwards}" for across, upwards in project.config.pairs_of(analysis)),
    ]


def absolute_outcomes(project: Project, analysis: str) -> list[str]:
    """Outcomes of an analysis for which a baseline is declared."""
    config = project.config
    settings = (OVERALL, *project.treatments.settings)
    return [name for name in config.outcomes_of(analysis) if any(config.baseline_of(name, place) for place in settings)]


def _omega(project: Project, model: str) -> str:
    """Say what omega of a model spreads over, settings or classes; nothing where it has none."""
    definition = project.config.models[model]
    if definition.classes:
        return "classes"
    return "settings" if definition.settings and project.treatments.settings else ""


def figure_labels(project: Project) -> dict[str, Any]:
    """Labels of everything that figures and reports name."""
    return {**label_settings(project), "omega": {model: _omega(project, model) for model in project.config.models}}


def report_settings(project: Project, analysis: str) -> dict[str, Any]:
    """Everything but tables and figures that the report of an analysis depends on."""
    config, treatments = project.config, project.treatments
    return {
        "analysis": analysis,
        "outcomes": config.outcomes_of(analysis),
        "lead": config.lead_of(analysis),
        "models": list(config.models),
        "headline_figures": figures_of(project, config.headline),
        "labels": figure_labels(project),
        "rechallenge": {name: dict(setting.rechallenge) for name, setting in treatments.settings.items()},
        "studies": _studies(project, analysis),
        "populations": population_settings(project, analysis),
        "leave_one_out": config.leave_one_out,
        "compared_in": None if analysis == config.base else config.analyses[config.base].label,
        "inconsistency": config.inconsistency,
        "absolute": absolute_outcomes(project, analysis),
        "pairs": config.pairs_of(analysis),
        "seed": config.seed,
        "methods": _methods(project, analysis),
        "commit": commit(),
    }


def _methods(project: Project, analysis: str) -> dict[str, Any]:
    """Gather what the methods text says beyond the tables: the choices of the configuration, with labels."""
    config, treatments = project.config, project.treatments
    plain = all(len(regimen.components) <= 1 for regimen in treatments.regimens.values())
    labels = {name: regimen.label for name, regimen in treatments.regimens.items()}
    return {
        "outcomes": {
            name: {
                **outcome.model_dump(include={"measure", "likelihood", "better", "margin", "prior", "categories"}),
                "ratio": outcome.is_ratio,
            }
            for name, outcome in config.outcomes.items()
        },
        "criteria": list(config.criteria),
        "ladder": list(get_args(Method)),
        "models": {name: model.model_dump(mode="json") for name, model in config.models.items()},
        "priors": {name: priors.model_dump() for name, priors in config.priors.items()},
        "sampler": config.sampler.model_dump(),
        "plain": plain,
        "reference": labels[treatments.reference],
        "components": [] if plain else list(treatments.components.values()),
        "classes": [group.label for group in treatments.classes.values()],
        "settings": [setting.label for setting in treatments.settings.values()],
        "not_candidates": {
            setting.label: [labels[regimen] for regimen in treatments.barred(name)]
            for name, setting in treatments.settings.items()
        },
        "rechallenge": {
            setting.label: {labels[regimen]: reason for regimen, reason in setting.rechallenge.items()}
            for setting in treatments.settings.values()
        },
        "analyses": {name: analysis.model_dump(mode="json") for name, analysis in config.analyses.items()},
        "absolute": absolute_outcomes(project, analysis),
        "sheets": len(project.sheets),
        "quoted": {
            name: sheet.secondary_report.quoted_by for name, sheet in project.sheets.items() if sheet.secondary_report
        },
    }


def has_populations(project: Project) -> bool:
    """Whether any study describes its patients."""
    return any(sheet.characteristics for sheet in project.sheets.values())


def population_settings(project: Project, analysis: str) -> dict[str, Any] | None:
    """Labels of characteristics, studies and arms for what an analysis shows of its patients; None without any."""
    if not has_populations(project):
        return None
    excluded, vocabulary = project.config.analyses[analysis].exclude, project.characteristics
    pool = [name for name in project.studies_of(analysis) if name not in excluded]
    sheets = {name: sheet for name, sheet in project.sheets.items() if name in pool}
    described = {
        name: sheet.contrast_sets[sheet.default_contrast_set].arms
        for name, sheet in sheets.items()
        if sheet.characteristics
    }
    labels = {name: vocabulary.characteristics[name] for name in given_characteristics(project)}
    return {
        "characteristics": {name: ", ".join(filter(None, [given.label, given.unit])) for name, given in labels.items()},
        "arms": {study: {arm: sheets[study].arms[arm].label for arm in arms} for study, arms in described.items()},
        "patients": {study: {arm: sheets[study].arms[arm].n for arm in arms} for study, arms in described.items()},
        "silent": [name for name in sheets if name not in described],
        "thresholds": vocabulary.standardised_difference.model_dump(),
    }


def _studies(project: Project, analysis: str) -> dict[str, Any]:
    """Design, source and arms of the studies of an analysis: as a sheet gives them, or as far as a table does."""
    pool = project.studies_of(analysis)
    studies = {name: _of_sheet(sheet) for name, sheet in project.sheets.items() if name in pool}
    sources: dict[str, dict[str, None]] = {}
    for study in project.tables:
        sources.setdefault(study.study, {})[_source(project, study)] = None
    for name, found in sources.items():
        studies.setdefault(name, {"design": "", "citation": "; ".join(found), "arms": {}})
    return studies


def _of_sheet(sheet: StudySheet) -> dict[str, Any]:
    return {
        "design": sheet.design or "",
        "citation": _citation(sheet),
        "arms": {name: arm.label for name, arm in sheet.arms.items()},
    }


def _citation(sheet: StudySheet) -> str:
    """Where the study is published, and which paper quotes it if its figures were read there."""
    paper, report = sheet.bibliography, sheet.secondary_report
    parts = [f"{paper.authors}. {paper.title}. {paper.journal} {paper.year}."] if paper else []
    parts += [f"doi:{paper.doi}"] if paper and paper.doi else []
    parts += [f"{report.cited_as}, quoted by {report.quoted_by} ({report.place})."] if report else []
    return " ".join(parts)


def _source(project: Project, study: TableStudy) -> str:
    """Label of the table that gives a study, or else its file."""
    for table in project.config.evidence:
        wanted = table.outcome in (None, study.outcome) and (not table.studies or study.study in table.studies)
        if table.file == study.file and wanted:
            return table.label or table.file
    return study.file


def template_files() -> list[str]:
    """Files that the page is made of, from the folder that Snakemake runs in."""
    folder = Path(__file__).with_name("templates")
    return [os.path.relpath(file) for file in sorted(folder.rglob("*")) if file.is_file()]


def report_inputs(project: Project, analysis: str) -> list[str]:
    """Tables and figures that the report of an analysis reads, but for those of the rules it names itself."""
    config = project.config
    files = [f"{config.results}/{analysis}/summary/{name}.svg" for name in analysis_figures(project, analysis)]
    for outcome in config.outcomes_of(analysis):
        folder = f"{config.results}/{analysis}/{outcome}"
        headline = f"{folder}/{config.headline}"
        files += [f"{folder}/{name}.csv" for name in ("evidence", "timings", "network/edges", "network/observed")]
        files += [f"{folder}/network/network.svg"]
        files += [f"{folder}/{model}/{table}.csv" for model in config.models for table in MODEL_TABLES]
        files += [f"{headline}/{table}.csv" for table in HEADLINE_TABLES]
        files += [f"{headline}/figures/{figure}.svg" for figure in figures_of(project, config.headline)]
        if analysis == config.inconsistency:
            files += [f"{folder}/inconsistency/{table}.csv" for table in INCONSISTENCY_TABLES]
            files += [f"{folder}/inconsistency/figures/{figure}.svg" for figure in INCONSISTENCY_FIGURES]
    return files
