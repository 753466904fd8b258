"""The resolved settings of every job: each holds what its results depend on and nothing else.

Snakemake compares these settings with those of the last run, so that an edit reruns only what it touches: labels are
not among the settings of a fit, margins not among those of an evidence table.
"""

from collections.abc import Iterator
from typing import Literal

from secondline.cell_values import OVERALL
from secondline.doubt.settings import NextStudySettings
from secondline.evidence.biased_arms import bias_asked
from secondline.evidence.curves import curve_files
from secondline.evidence.selection import evidence_rows, reporting_sheets
from secondline.evidence.shared_patients import shared_patients
from secondline.inference.priors import PriorScales
from secondline.inference.settings import FitSettings, ModelSettings, SamplerPlan, SamplerSettings
from secondline.network.arms import Arm, arms_with, mean_covariates, rows_with, used_arms
from secondline.network.baseline_risk import BASELINE_RISK, mean_baseline
from secondline.network.bias import Bias
from secondline.network.biased_contrasts import Flattered
from secondline.network.overlap import Overlap
from secondline.network.predictor import Effects
from secondline.network.slopes import Slopes
from secondline.network.structure import Structure, Treatments
from secondline.network.study_groups import StudyGroups
from secondline.project import config_parts
from secondline.project.config import Config, Project
from secondline.project.config_parts import Model
from secondline.project.evidence_tables import by_outcome
from secondline.project.figures import ALL
from secondline.project.heterogeneity import UnequalHeterogeneity
from secondline.project.sheets import StudySheet
from secondline.sd_points import ABSENT
from secondline.summaries.pico import PicoQuestion, PicoSettings
from secondline.summaries.settings import BaselineSettings, PrintedMedian, SummarySettings

_ATTEMPT = {"draws", "tune", "target_accept"}


def fits(config: Config) -> Iterator[tuple[str, str]]:
    """Pairs of analysis and outcome, in the order of the configuration."""
    for analysis in config.analyses:
        for outcome in config.outcomes_of(analysis):
            yield analysis, outcome


def threshold_outcomes(project: Project) -> list[str]:
    """Outcomes of the analysis that the others vary of which thresholds are found.

    Those solved in closed form, and those with events of the specification curve, which take minutes; categories in
    their order would take hours.
    """
    config = project.config
    chosen = []
    for name in config.outcomes_of(config.base):
        modelled = config.outcomes[name].modelled
        if modelled.is_gaussian or (name in config.doubted_outcomes and not modelled.is_ordered):
            chosen.append(name)
    return chosen


def pico_settings(project: Project, analysis: str) -> PicoSettings:
    """Resolve the questions of an assessment for one analysis."""
    config, places = project.config, project.treatments.settings
    populations = {OVERALL: "All settings", **{name: place.label for name, place in places.items()}}
    return PicoSettings(
        headline=config.headline,
        questions=tuple(
            PicoQuestion(
                label=question.label or populations[question.population],
                population=question.population,
                treatment=question.treatment,
                comparators=tuple(question.comparators),
                outcomes=tuple(question.outcomes),
            )
            for question in config.pico
        ),
        available=tuple(config.outcomes_of(analysis)),
        outcomes={name: outcome.label for name, outcome in config.outcomes.items()},
        populations=populations,
    )


def next_study_settings(project: Project) -> NextStudySettings:
    """Sizes of the studies that could be done next, and what counts as decisive; the defaults where none are asked."""
    asked = project.config.next_study
    return NextStudySettings(sizes=tuple(asked.sizes), decisive=asked.decisive) if asked else NextStudySettings()


def evidence_files(project: Project, analysis: str | None, outcome: str) -> list[str]:
    """Sheets, curves and tables that report an outcome and that an analysis, or any, may use."""
    sheets = reporting_sheets(project, outcome, analysis)
    curves = [file for study in sheets for file in curve_files(project.sheets[study], outcome)]
    tables = [study.file for study in by_outcome(project.tables, outcome)]
    return list(dict.fromkeys([*sheet_files_of(project, sheets), *curves, *tables]))


def input_files(project: Project) -> list[str]:
    """Every file beside the configuration that the project is read from."""
    parts = (project.config.treatments, project.config.characteristics)
    tables = [table.file for table in project.config.evidence]
    named = [part for part in parts if isinstance(part, str)]
    curves = [file for sheet in project.sheets.values() for file in curve_files(sheet)]
    return list(dict.fromkeys([*sheet_files_of(project, list(project.sheets)), *curves, *tables, *named]))


def sheet_files(project: Project) -> list[str]:
    """Every study sheet."""
    return sheet_files_of(project, list(project.sheets))


def sheet_files_of(project: Project, studies: list[str]) -> list[str]:
    """Sheets of some studies."""
    return [f"{project.config.studies}/{study}.yaml" for study in studies]


def treatments_of(project: Project) -> Treatments:
    """Components, regimens and settings, without their labels."""
    return Treatments(**project.treatments.structure)


def model_settings(project: Project, analysis: str, outcome: str) -> dict[str, ModelSettings]:
    """Priors and effects of every model of one fit.

    A prior that is `ABSENT` leaves the parameter out of the model.
    """
    return {
        name: ModelSettings(
            prior=_prior(project, model, analysis, outcome), effects=_effects(project, model, analysis, outcome)
        )
        for name, model in project.config.models.items()
    }


def _prior(project: Project, model: Model, analysis: str, outcome: str) -> PriorScales:
    priors = project.config.priors[project.config.prior_of(analysis, outcome)]
    departures = model.classes or (model.settings and bool(project.treatments.settings))
    return PriorScales(
        effect=priors.effect,
        tau=priors.tau if model.heterogeneity else ABSENT,
        omega=priors.omega if departures else ABSENT,
        baseline=priors.baseline,
        slope=priors.slope or priors.effect,
        cutpoint=priors.cutpoint,
        interaction=model.exchangeable_interactions.sd if model.exchangeable_interactions else 0.0,
    )


def _effects(project: Project, model: Model, analysis: str, outcome: str) -> Effects:
    """Resolve the effects of a model; the centre of a covariate may depend on the studies of the fit."""
    centred = [one.name for _, one in model.regressors if one.centre is None and not one.levels]
    arms = arms_with(arms_in_use(project, analysis, outcome), model.needs) if centred else []
    centres = mean_covariates(arms, centred)
    effects, likelihood = _declared_effects(project, model), project.config.outcomes[outcome].modelled
    if model.baseline_risk and model.baseline_risk.centre is None:
        rows = rows_with(evidence_rows(project, analysis, outcome), model.needs)
        centres[BASELINE_RISK] = mean_baseline(rows, Structure.of(treatments_of(project)), likelihood)
    return effects.centred(centres)


def _declared_effects(project: Project, model: Model) -> Effects:
    """Effects of a model as far as the configuration says what they are."""
    varying = model.exchangeable_interactions
    return Effects(
        settings=model.settings and bool(project.treatments.settings),
        classes=project.treatments.class_of if model.classes else {},
        own_class_sds=model.own_class_sds,
        interactions=tuple(model.interactions),
        varying=varying.component if varying else None,
        regimen_level=model.regimen_level,
        mixed_arms=model.mixed_arms,
        slopes=tuple(
            Slopes(
                covariate=name,
                centre=covariate.centre or 0.0,
                per=covariate.per,
                kind=covariate.slopes,
                classes=project.treatments.class_of if covariate.slopes == "by_class" else {},
            )
            for _, covariate in model.regressors
            for name in covariate.numbers
        ),
        baseline_risk=(model.baseline_risk.centre or 0.0) if model.baseline_risk else None,
        groups=_groups(project, model.unequal) if model.unequal else None,
    )


def _groups(project: Project, unequal: UnequalHeterogeneity) -> StudyGroups:
    """Resolve how the studies are divided."""
    regimens = project.treatments.structure["regimens"]
    if unequal.by == "class":
        return StudyGroups.by_class(regimens, project.treatments.class_of)
    return StudyGroups.by_activity(regimens, unequal.inactive or [project.treatments.reference])


def arms_in_use(project: Project, analysis: str, outcome: str) -> list[Arm]:
    """Arms of one fit, as they read back from its evidence table."""
    return used_arms(evidence_rows(project, analysis, outcome))


def number_of_arms(project: Project, analysis: str, outcome: str) -> int:
    """Count the arms of one fit, by which it asks for memory and time."""
    return len(arms_in_use(project, analysis, outcome))


def fit_settings(project: Project, analysis: str, outcome: str) -> FitSettings:
    """Everything but the evidence that the fits of one outcome depend on."""
    return FitSettings(
        analysis=analysis,
        outcome=outcome,
        likelihood=project.config.outcomes[outcome].likelihood,
        treatments=treatments_of(project),
        models=model_settings(project, analysis, outcome),
        sampler=_sampler(project.config.sampler),
        seed=project.config.seed,
        overlaps=overlaps_of(project, analysis, outcome),
        bias=bias_of(project, analysis, outcome),
    )


def bias_of(project: Project, analysis: str, outcome: str) -> Bias | None:
    """Bias that an analysis takes from the studies of one fit."""
    asked = bias_asked(project, analysis, outcome)
    if asked is None:
        return None
    arms, mean, sd = asked
    return Bias(contrasts=Flattered(**arms).contrasts(evidence_rows(project, analysis, outcome)), mean=mean, sd=sd)


def overlaps_of(
    project: Project, analysis: str, outcome: str, how_many: Literal["best", "bound"] | None = None
) -> tuple[Overlap, ...]:
    """Patients whom the studies of one fit share, as its analysis has it or as asked for."""
    return tuple(Overlap.by_arm(*found) for found in shared_patients(project, analysis, outcome, how_many))


def overlapping_outcomes(project: Project) -> list[str]:
    """Outcomes of the analysis that the others vary for which studies may share patients."""
    return [outcome for outcome in project.config.outcomes_of(project.config.base) if is_overlapping(project, outcome)]


def is_overlapping(project: Project, outcome: str) -> bool:
    """Whether studies of the analysis that the others vary may share patients, for one outcome."""
    return bool(overlaps_of(project, project.config.base, outcome, "bound"))


def _sampler(given: config_parts.Sampler) -> SamplerPlan:
    first, retry = (SamplerSettings(**each.model_dump(include=_ATTEMPT)) for each in (given, given.retry))
    return SamplerPlan(chains=given.chains, first=first, retry=retry, most=given.most)


def summary_settings(project: Project, outcome: str, analysis: str | None = None) -> SummarySettings:
    """Everything but posteriors and evidence that the summaries of one outcome depend on.

    Of an analysis, with the patients whom its studies share, and with its bias.
    """
    definition = project.config.outcomes[outcome]
    return SummarySettings(
        outcome=outcome,
        likelihood=definition.likelihood,
        measure=definition.measure,
        ratio=definition.is_ratio,
        better=definition.better,
        margin=definition.margin,
        baselines=_baselines(project, outcome),
        medians=_medians(project, outcome),
        effects={name: _declared_effects(project, model) for name, model in project.config.models.items()},
        reference=project.treatments.reference,
        not_candidates={name: tuple(project.treatments.barred(name)) for name in project.treatments.settings},
        treatments=treatments_of(project),
        overlaps=overlaps_of(project, analysis, outcome) if analysis else (),
        bias=bias_of(project, analysis, outcome) if analysis else None,
    )


def _baselines(project: Project, outcome: str) -> dict[str, BaselineSettings]:
    """Baseline of every setting that has one: its own, or that of all patients together, which is then assumed."""
    own = project.config.baselines.get(outcome, {})
    result = {}
    for setting in (OVERALL, *project.treatments.settings):
        baseline = project.config.baseline_of(outcome, setting)
        if baseline:
            median, below, above = baseline.on_link(project.config.outcomes[outcome].measure)
            borrowed = setting != OVERALL and setting not in own
            result[setting] = BaselineSettings(
                regimen=baseline.regimen,
                median=median,
                sd_below=below,
                sd_above=above,
                figure=baseline.figure,
                unit=baseline.unit if baseline.median else "",
                source=baseline.source or "",
                times=tuple(baseline.times),
                restricted_to=baseline.restricted_to,
                time_unit=baseline.unit if baseline.times or baseline.restricted_to else "",
                assumed=(*(["the baseline is not of this setting"] * borrowed), *filter(None, [baseline.assumed])),
            )
    return result


def _medians(project: Project, outcome: str) -> tuple[PrintedMedian, ...]:
    """List the medians, in months, that sheets print of arms, with what these received and what had failed before."""
    return tuple(
        PrintedMedian(
            study=study,
            arm=median.arm,
            population=median.population,
            n=_size(sheet, median.arm, median.population),
            regimens=dict(sheet.arms[median.arm].regimens),
            settings={line.setting: line.arms.get(median.arm, line.n or 1) for line in sheet.failed_first_line},
            median=median.months,
            lower=median.lower and median.lower * median.scale,
            upper=median.upper and median.upper * median.scale,
            interval=median.interval or "",
            source=median.place,
        )
        for study, sheet in project.sheets.items()
        for median in sheet.medians
        if median.outcome == outcome and not median.not_used
    )


def _size(sheet: StudySheet, arm: str, population: str) -> int | None:
    """Patients of an arm, or of a population within it; None where that is not known."""
    return sheet.arms[arm].n if population == ALL else sheet.populations[population].n.get(arm)
