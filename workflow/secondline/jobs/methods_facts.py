"""What the methods text says of the configuration, resolved: outcomes, models, priors, the sampler and analyses."""

from collections.abc import Iterable
from typing import get_args

from secondline.cells import parse_categories
from secondline.project.config import Project
from secondline.project.config_parts import Analysis, Method, Model, Priors, Retry, Sampler, Selection
from secondline.project.evidence_tables import TableStudy, by_outcome
from secondline.project.outcomes import Outcome
from secondline.report.settings import (
    AnalysisFacts,
    AttemptFacts,
    MethodsFacts,
    ModelFacts,
    OutcomeFacts,
    PriorFacts,
    SamplerFacts,
    SelectionFacts,
    SlopeFacts,
    TakenBias,
)


def methods_facts(project: Project) -> MethodsFacts:
    """Gather what the methods text says beyond the tables: the choices of the configuration, with labels."""
    config, treatments = project.config, project.treatments
    plain = all(len(regimen.components) <= 1 for regimen in treatments.regimens.values())
    labels = {name: regimen.label for name, regimen in treatments.regimens.items()}
    return MethodsFacts(
        outcomes={
            name: _outcome(outcome, by_outcome(project.tables, name)) for name, outcome in config.outcomes.items()
        },
        criteria=tuple(config.criteria),
        ladder=get_args(Method),
        models={name: _model(model) for name, model in config.models.items()},
        priors={name: _priors(priors) for name, priors in config.priors.items()},
        sampler=_sampler(config.sampler),
        plain=plain,
        reference=labels[treatments.reference],
        components=() if plain else tuple(treatments.components.values()),
        classes=tuple(group.label for group in treatments.classes.values()),
        settings=tuple(setting.label for setting in treatments.settings.values()),
        not_candidates={
            setting.label: tuple(labels[regimen] for regimen in treatments.barred(name))
            for name, setting in treatments.settings.items()
        },
        rechallenge={
            setting.label: {labels[regimen]: reason for regimen, reason in setting.rechallenge.items()}
            for setting in treatments.settings.values()
        },
        analyses={name: _analysis(project, analysis) for name, analysis in config.analyses.items()},
        sheets=len(project.sheets),
        quoted={
            name: sheet.secondary_report.quoted_by for name, sheet in project.sheets.items() if sheet.secondary_report
        },
        overlapping=tuple((first, second) for first, second in (overlap.studies for overlap in config.overlaps)),
    )


def _outcome(outcome: Outcome, studies: Iterable[TableStudy]) -> OutcomeFacts:
    cells = (row.get("categories") for study in studies for row in study.rows)
    return OutcomeFacts(
        measure=outcome.measure,
        likelihood=outcome.likelihood,
        ratio=outcome.is_ratio,
        better=outcome.better,
        margin=outcome.margin,
        prior=outcome.prior,
        categories=tuple(outcome.categories),
        fewer_cutoffs=any(None in parse_categories(cell).values() for cell in cells if cell),
    )


def _model(model: Model) -> ModelFacts:
    varying = model.exchangeable_interactions
    return ModelFacts(
        heterogeneity=bool(model.heterogeneity),
        unequal=model.unequal.by if model.unequal else "",
        settings=model.settings,
        classes=bool(model.classes),
        own_class_sds=model.own_class_sds,
        interactions=tuple(model.interactions),
        exchangeable_interactions=(varying.component, varying.sd) if varying else None,
        regimen_level=model.regimen_level,
        class_contrast=model.mixed_arms == "class_contrast",
        slopes=tuple(
            SlopeFacts(
                covariate=covariate.name,
                per=covariate.per,
                levels=tuple(covariate.levels),
                kind=covariate.slopes,
                needs=tuple(covariate.numbers),
            )
            for _, covariate in model.regressors
        ),
        baseline_risk=model.baseline_risk is not None,
    )


def _priors(priors: Priors) -> PriorFacts:
    given = {name: getattr(priors, name) for name in Priors.model_fields}
    return PriorFacts(**{**given, "slope": priors.slope or priors.effect})


def _sampler(sampler: Sampler) -> SamplerFacts:
    return SamplerFacts(
        chains=sampler.chains, first=_attempt(sampler), retry=_attempt(sampler.retry), most=sampler.most
    )


def _attempt(given: Retry) -> AttemptFacts:
    return AttemptFacts(draws=given.draws, tune=given.tune, target_accept=given.target_accept)


def _analysis(project: Project, analysis: Analysis) -> AnalysisFacts:
    return AnalysisFacts(
        label=analysis.label,
        exact=analysis.engine == "exact",
        exclude=dict(analysis.exclude),
        select={study: _selection(choice) for study, choice in analysis.select.items()},
        secondary_reports=analysis.secondary_reports,
        overlap=analysis.overlap,
        priors=dict(analysis.priors),
        bias=_bias(project, analysis),
    )


def _bias(project: Project, analysis: Analysis) -> TakenBias | None:
    if analysis.bias is None or project.config.bias is None:
        return None
    scheme, size = project.config.bias.schemes[analysis.bias.scheme], analysis.bias
    return TakenBias(label=scheme.label, reason=scheme.reason, toward=scheme.toward, mean=size.mean, sd=size.sd)


def _selection(choice: Selection) -> SelectionFacts:
    return SelectionFacts(
        contrast_set=choice.contrast_set,
        population=choice.population,
        method=choice.method,
        as_printed=choice.reading == "as_printed",
    )
