"""The resolved settings of figures and reports: what the tables do not say."""

import re
from collections.abc import Mapping
from dataclasses import replace

from secondline.cell_values import OVERALL
from secondline.evidence.options import axes_of
from secondline.evidence.populations import given_characteristics
from secondline.evidence.selection import reporting_sheets
from secondline.jobs.certainty_settings import has_funnel, judged_studies
from secondline.jobs.doubt_facts import doubt_facts, doubt_figures, doubt_outcomes, doubt_tables
from secondline.jobs.methods_facts import methods_facts
from secondline.jobs.provenance import PACKAGE, commit, package_file
from secondline.layout import (
    BEHIND_TABLE,
    CERTAINTY_FIGURES,
    CERTAINTY_TABLE,
    CONTRIBUTION_TABLES,
    DECISIVE_TABLE,
    FINDINGS_TABLE,
    FUNNEL,
    HEADLINE_TABLES,
    INCONSISTENCY_FIGURES,
    INCONSISTENCY_TABLES,
    MODEL_TABLES,
    PAGE_MODELS,
    SMALL_STUDY_TABLES,
)
from secondline.likelihoods import LIKELIHOODS
from secondline.measures import MEASURES
from secondline.project.abbreviations import abbreviations
from secondline.project.config import Project
from secondline.project.evidence_tables import TableStudy
from secondline.project.outcomes import Outcome
from secondline.project.sheets import StudySheet
from secondline.project.study_names import study_names
from secondline.report.settings import (
    DifferenceLimits,
    Labels,
    PopulationSettings,
    ReportSettings,
    StudyFacts,
    WeighFacts,
)


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


def converted_outcomes(project: Project, analysis: str) -> list[str]:
    """Outcomes of an analysis whose effects a declared baseline turns into differences of risks."""
    config, places = project.config, (OVERALL, *project.treatments.settings)
    declared = {name: [config.baseline_of(name, p) for p in places] for name in absolute_outcomes(project, analysis)}
    return [
        name
        for name, found in declared.items()
        if any(baseline and baseline.converts(config.outcomes[name].measure) for baseline in found)
    ]


def _omega(project: Project, model: str) -> str:
    """Say what omega of a model spreads over, settings or classes; nothing where it has none."""
    definition = project.config.models[model]
    if definition.classes:
        return "classes"
    return "settings" if definition.settings and project.treatments.settings else ""


def figure_labels(project: Project) -> Labels:
    """Labels of everything that figures and reports name."""
    config, treatments = project.config, project.treatments
    return Labels(
        outcomes={name: outcome.label for name, outcome in config.outcomes.items()},
        better={name: outcome.better for name, outcome in config.outcomes.items()},
        measures={name: outcome.measure for name, outcome in config.outcomes.items()},
        margins={name: outcome.margin for name, outcome in config.outcomes.items()},
        regimens={name: regimen.label for name, regimen in treatments.regimens.items()},
        components=dict(treatments.components),
        classes={name: group.label for name, group in treatments.classes.items()},
        settings={OVERALL: "Overall", **{name: setting.label for name, setting in treatments.settings.items()}},
        analyses={name: analysis.label for name, analysis in config.analyses.items()},
        studies=study_names(project),
        omega={model: _omega(project, model) for model in config.models},
        headline=config.headline,
        abbreviations=abbreviations(
            [regimen.label for regimen in treatments.regimens.values()]
            + [setting.label for setting in treatments.settings.values()],
            [*treatments.components.values(), *(group.label for group in treatments.classes.values())],
        ),
        avoided=[name for name, outcome in config.outcomes.items() if is_avoided(outcome)],
    )


_TIME = re.compile(r"surviv|free|\btime\b", re.IGNORECASE)
"""In labels of outcomes that are named after a time without the event."""


def is_avoided(outcome: Outcome) -> bool:
    """Whether the label of an outcome names an event that better treatments prevent: death, but not survival."""
    of_events = MEASURES[outcome.measure].of_events and not LIKELIHOODS[outcome.likelihood].is_ordered
    return of_events and outcome.better == "lower" and not _TIME.search(outcome.label)


def outcome_labels(project: Project, outcome: str) -> Labels:
    """Labels of the figures of one outcome: of all studies, those that report it."""
    labels, reporting = figure_labels(project), reporting_sheets(project, outcome)
    return replace(labels, studies={name: label for name, label in labels.studies.items() if name in reporting})


def analysis_labels(project: Project) -> Labels:
    """Labels of the figures over all outcomes: of all studies, those that the words about a baseline name."""
    labels, config = figure_labels(project), project.config
    baselines = [baseline for settings in config.baselines.values() for baseline in settings.values()]
    baselines += [outcome.baseline for outcome in config.outcomes.values() if outcome.baseline]
    words = " ".join(f"{baseline.source} {baseline.assumed}" for baseline in baselines)
    return replace(labels, studies={name: label for name, label in labels.studies.items() if name in words})


def report_settings(project: Project, analysis: str) -> ReportSettings:
    """Everything but tables and figures that the report of an analysis depends on."""
    config, treatments = project.config, project.treatments
    return ReportSettings(
        analysis=analysis,
        outcomes=tuple(config.outcomes_of(analysis)),
        lead=tuple(config.lead_of(analysis)),
        models=tuple(config.models),
        headline_figures=tuple(figures_of(project, config.headline)),
        labels=figure_labels(project),
        rechallenge={name: dict(setting.rechallenge) for name, setting in treatments.settings.items()},
        studies=_studies(project, analysis),
        question=config.question or "",
        title=config.title or "",
        populations=population_settings(project, analysis),
        leave_one_out=config.leave_one_out,
        compared_in=None if analysis == config.base else config.analyses[config.base].label,
        inconsistency=config.inconsistency,
        absolute=tuple(absolute_outcomes(project, analysis)),
        converted=tuple(converted_outcomes(project, analysis)),
        pairs=tuple(config.pairs_of(analysis)),
        seed=config.seed,
        methods=methods_facts(project),
        doubt={outcome: doubt_facts(project, analysis, outcome) for outcome in doubt_outcomes(project, analysis)},
        choices={name: axis.of for name, axis in axes_of(project).items()},
        decisive=analysis == config.base,
        judged={outcome: judged_studies(project, outcome) for outcome in judged_outcomes(project, analysis)},
        certainty={outcome: certainty_figures(project, outcome) for outcome in judged_outcomes(project, analysis)},
        weigh=weigh_facts(project, analysis),
        commit=commit(),
    )


def weigh_facts(project: Project, analysis: str) -> WeighFacts | None:
    """Gather what the page needs to solve outcomes of an analysis by itself; None where it can solve none."""
    solved = solved_outcomes(project, analysis)
    if not solved:
        return None
    choices = {
        name: each.model_dump_json(exclude_defaults=True, exclude={"label", "engine", "outcomes"})
        for name, each in project.config.analyses.items()
    }
    return WeighFacts(solved=tuple(solved), choices=choices[analysis], analyses=choices)


def judged_outcomes(project: Project, analysis: str) -> list[str]:
    """Outcomes of an analysis whose certainty is judged: all of the one that the others vary, and no others."""
    return list(project.config.outcomes_of(analysis)) if analysis == project.config.base else []


def certainty_figures(project: Project, outcome: str) -> tuple[str, ...]:
    """Figures of certainty of one outcome: a funnel plot only where there are enough studies for it."""
    return (*CERTAINTY_FIGURES, *([FUNNEL] if has_funnel(project, outcome) else []))


def certainty_tables(project: Project, analysis: str, outcome: str) -> list[str]:
    """Tables of certainty that figures, page and documents read."""
    folder = f"{project.config.results}/{analysis}/{outcome}/certainty"
    tables = (CONTRIBUTION_TABLES[0], CERTAINTY_TABLE, BEHIND_TABLE, FINDINGS_TABLE, *SMALL_STUDY_TABLES)
    return [f"{folder}/{table}.csv" for table in tables]


def behind_tables(project: Project, analysis: str, outcome: str) -> list[str]:
    """Table of the shares of direct evidence, where contributions to the effects of an analysis are traced."""
    judged = outcome in judged_outcomes(project, analysis)
    return [f"{project.config.results}/{analysis}/{outcome}/certainty/{BEHIND_TABLE}.csv"] if judged else []


def page_model_inputs(project: Project, analysis: str, outcome: str) -> dict[str, str]:
    """Tables from which the models of an outcome are put into data for the page."""
    config = project.config
    folder = f"{config.results}/{analysis}/{outcome}"
    read = bool(config.specifications) and analysis == config.doubted and outcome in config.doubted_outcomes
    others = {"alternatives": f"{folder}/doubt/alternatives.csv"} if read else {}
    return {"evidence": f"{folder}/evidence.csv", **others}


def solved_outcomes(project: Project, analysis: str) -> list[str]:
    """Outcomes of an analysis that the page solves by itself: those of contrasts and means."""
    outcomes = project.config.outcomes
    return [name for name in project.config.outcomes_of(analysis) if outcomes[name].modelled.is_gaussian]


def has_populations(project: Project) -> bool:
    """Whether any study describes its patients."""
    return any(sheet.characteristics for sheet in project.sheets.values())


def population_settings(project: Project, analysis: str) -> PopulationSettings | None:
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
    limits = vocabulary.standardised_difference
    return PopulationSettings(
        characteristics={name: ", ".join(filter(None, [given.label, given.unit])) for name, given in labels.items()},
        arms={study: {arm: sheets[study].arms[arm].label for arm in arms} for study, arms in described.items()},
        patients={study: {arm: sheets[study].arms[arm].n for arm in arms} for study, arms in described.items()},
        silent=tuple(name for name in sheets if name not in described),
        thresholds=DifferenceLimits(notable=limits.notable, large=limits.large),
    )


def _studies(project: Project, analysis: str) -> dict[str, StudyFacts]:
    """Design, source and arms of the studies of an analysis: as a sheet gives them, or as far as a table does."""
    pool = project.studies_of(analysis)
    names = study_names(project)
    studies = {name: _of_sheet(sheet, names) for name, sheet in project.sheets.items() if name in pool}
    sources: dict[str, dict[str, None]] = {}
    for study in project.tables:
        sources.setdefault(study.study, {})[_source(project, study)] = None
    for name, found in sources.items():
        studies.setdefault(name, StudyFacts(citation="; ".join(found)))
    return studies


def _of_sheet(sheet: StudySheet, names: Mapping[str, str]) -> StudyFacts:
    arms = {name: arm.label for name, arm in sheet.arms.items()}
    return StudyFacts(
        design=sheet.design or "",
        citation=_citation(sheet, names),
        year=sheet.bibliography.year if sheet.bibliography else None,
        enrolled_until=sheet.enrolment.end if sheet.enrolment else "",
        arms=arms,
    )


def _citation(sheet: StudySheet, names: Mapping[str, str]) -> str:
    """Where the study is published, and which paper quotes it if its figures were read there."""
    paper, report = sheet.bibliography, sheet.secondary_report
    authors = f"{paper.authors}. " if paper and paper.authors else ""
    parts = [f"{authors}{paper.title}. {paper.journal} {paper.year}."] if paper else []
    parts += [f"doi:{paper.doi}"] if paper and paper.doi else []
    if report:
        quoted_by = names.get(report.quoted_by, report.quoted_by)
        parts.append(f"{report.cited_as}, quoted by {quoted_by} ({report.place}).")
    return " ".join(parts)


def _source(project: Project, study: TableStudy) -> str:
    """Label of the table that gives a study, or else its file."""
    for table in project.config.evidence:
        wanted = table.outcome in (None, study.outcome) and (not table.studies or study.study in table.studies)
        if table.file == study.file and wanted:
            return table.label or table.file
    return study.file


def template_files() -> list[str]:
    """Files that the page is made of."""
    folders = [PACKAGE / "report/page" / name for name in ("script", "templates")]
    return [package_file(file) for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]


def report_inputs(project: Project, analysis: str) -> list[str]:
    """Tables and figures that the report of an analysis reads, but for those of the rules it names itself."""
    config = project.config
    files = [f"{config.results}/{analysis}/summary/{name}.svg" for name in analysis_figures(project, analysis)]
    files += [f"{config.results}/{analysis}/{DECISIVE_TABLE}.csv"] if analysis == config.base else []
    for outcome in config.outcomes_of(analysis):
        folder = f"{config.results}/{analysis}/{outcome}"
        headline = f"{folder}/{config.headline}"
        files += [f"{folder}/{PAGE_MODELS}"] if outcome in solved_outcomes(project, analysis) else []
        files += [f"{folder}/{name}.csv" for name in ("evidence", "timings", "network/edges", "network/observed")]
        files += [f"{folder}/network/network.svg"]
        files += [f"{folder}/{model}/{table}.csv" for model in config.models for table in MODEL_TABLES]
        files += [f"{headline}/{table}.csv" for table in HEADLINE_TABLES]
        files += [f"{headline}/figures/{figure}.svg" for figure in figures_of(project, config.headline)]
        if analysis == config.inconsistency:
            files += [f"{folder}/inconsistency/{table}.csv" for table in INCONSISTENCY_TABLES]
            files += [f"{folder}/inconsistency/figures/{figure}.svg" for figure in INCONSISTENCY_FIGURES]
    for outcome in doubt_outcomes(project, analysis):
        folder = f"{config.results}/{analysis}/{outcome}/doubt"
        files += [f"{folder}/{table}" for table in doubt_tables(project, analysis, outcome)]
        files += [f"{folder}/figures/{figure}.svg" for figure in doubt_figures(project, analysis, outcome)]
    for outcome in judged_outcomes(project, analysis):
        folder = f"{config.results}/{analysis}/{outcome}/certainty"
        files += certainty_tables(project, analysis, outcome)
        files += [f"{folder}/figures/{figure}.svg" for figure in certainty_figures(project, outcome)]
    return files
