"""Checks of one file of a project against the others."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from secondline.cell_values import OVERALL
from secondline.cells import left_out_name
from secondline.project.characteristics import Characteristics
from secondline.project.config import Config, Project, time_to_event_outcomes
from secondline.project.config_parts import Model, Selection
from secondline.project.documents import Document, Path_
from secondline.project.figures import ALL
from secondline.project.outcomes import RESPONSE
from secondline.project.risk_of_bias import Indirectness, RiskOfBias
from secondline.project.sheets import StudySheet
from secondline.project.specifications import Level
from secondline.project.table_categories import never_given, not_told_apart
from secondline.project.treatments import Treatments


def check_outcomes(config: Config, treatments: Treatments, document: Document) -> None:
    """Check what every outcome refers to."""
    for name, outcome in config.outcomes.items():
        declared = {("outcomes", name, "baseline"): outcome.baseline} if outcome.baseline else {}
        for setting, baseline in config.baselines.get(name, {}).items():
            declared["baselines", name, setting] = baseline
            if setting not in treatments.settings:
                allowed = ", ".join(treatments.settings) or "none, the treatments have no settings"
                raise document.error(("baselines", name, setting), None, f"unknown setting; allowed: {allowed}")
        for path, baseline in declared.items():
            if baseline.regimen not in treatments.regimens:
                allowed = ", ".join(treatments.regimens)
                raise document.error((*path, "regimen"), baseline.regimen, f"unknown regimen; allowed: {allowed}")


def check_pico(config: Config, treatments: Treatments, document: Document) -> None:
    """Check the populations and treatments of the questions of an assessment."""
    for i, question in enumerate(config.pico):
        places, regimens = [OVERALL, *treatments.settings], list(treatments.regimens)
        asked: list[tuple[Path_, str, str, list[str]]] = [
            (("population",), question.population, "setting", places),
            (("treatment",), question.treatment, "regimen", regimens),
            *((("comparators", k), name, "regimen", regimens) for k, name in enumerate(question.comparators)),
        ]
        for path, name, what, allowed in asked:
            if name not in allowed:
                raise document.error(("pico", i, *path), name, f"unknown {what}; allowed: {', '.join(allowed)}")


def check_models(config: Config, treatments: Treatments, document: Document) -> None:
    """Check that the treatments have what the models ask for."""
    for name, model in config.models.items():
        if model.classes and not treatments.classes:
            raise document.error(("models", name, "classes"), model.classes_shown, "the treatments have no classes")
        for path, covariate in model.regressors:
            if covariate.slopes == "by_class" and not treatments.classes:
                raise document.error(("models", name, *path, "slopes"), "by_class", "the treatments have no classes")
        if model.settings and not treatments.settings:
            problem = "the treatments have no settings, and without them this is the model with settings: false"
            raise document.error(("models", name, "settings"), True, problem)
        for i, pair in enumerate(model.interactions):
            path = ("models", name, "interactions", i)
            for k, component in enumerate(pair):
                if component not in treatments.components:
                    allowed = ", ".join(treatments.components)
                    raise document.error((*path, k), component, f"unknown component; allowed: {allowed}")
            if not any(set(pair) <= set(regimen.components) for regimen in treatments.regimens.values()):
                raise document.error(path, list(pair), "no regimen holds both components")
        _check_exchangeable(name, model, treatments, document)
        _check_regimen_level(name, model, treatments, document)
        _check_unequal(name, model, treatments, document)


def _check_unequal(name: str, model: Model, treatments: Treatments, document: Document) -> None:
    """Check that the treatments have what divides the studies."""
    path = ("models", name, "heterogeneity")
    if model.unequal and model.unequal.by == "class" and not treatments.classes:
        raise document.error((*path, "by"), "class", "the treatments have no classes; allowed: comparison")
    for i, regimen in enumerate(model.unequal.inactive if model.unequal else ()):
        if regimen not in treatments.regimens:
            problem = f"unknown regimen; allowed: {', '.join(treatments.regimens)}"
            raise document.error((*path, "inactive", i), regimen, problem)


def _check_regimen_level(name: str, model: Model, treatments: Treatments, document: Document) -> None:
    """Check that there is additivity to do without: regimens of more than one component, or with one in common."""
    held = [component for regimen in treatments.regimens.values() for component in regimen.components]
    combined = any(len(regimen.components) > 1 for regimen in treatments.regimens.values())
    if model.regimen_level and not combined and len(held) == len(set(held)):
        problem = "every regimen has an effect of its own without it, as no two share a component; allowed: false"
        raise document.error(("models", name, "regimen_level"), True, problem)


def _check_exchangeable(name: str, model: Model, treatments: Treatments, document: Document) -> None:
    """Check that regimens can differ in the effect of the component whose interactions are exchangeable."""
    if model.exchangeable_interactions is None:
        return
    component, path = model.exchangeable_interactions.component, ("models", name, "exchangeable_interactions")
    held = {
        name: [k for k, regimen in treatments.regimens.items() if name in regimen.components]
        for name in treatments.components
    }
    if component not in treatments.components:
        allowed = ", ".join(treatments.components)
        raise document.error((*path, "component"), component, f"unknown component; allowed: {allowed}")
    if len(held[component]) < 2:
        allowed = ", ".join(name for name, regimens in held.items() if len(regimens) > 1) or "none here"
        problem = f"only regimen {held[component][0]} contains it" if held[component] else "no regimen contains it"
        raise document.error((*path, "component"), component, f"{problem}; allowed: one of several, {allowed}")


def check_analyses(project: Project, document: Document) -> None:
    """Check the studies that analyses name."""
    sheets = project.sheets
    for name, analysis in project.config.analyses.items():
        pool = project.studies_of(name)
        for key, studies, allowed in (
            ("exclude", analysis.exclude, pool),
            ("select", analysis.select, [study for study in sheets if study in pool]),
        ):
            for study in studies:
                if study not in allowed:
                    path = ("analyses", name, key, study)
                    raise document.error(path, study, f"unknown study; allowed: {', '.join(allowed)}")
        base = project.config.leave_one_out
        if base and name in [left_out_name(base, study) for study in project.studies_of(base)]:
            problem = f"this is the name of {base} without one of its studies (leave_one_out); allowed: another name"
            raise document.error(("analyses", name), None, problem)
        if len(analysis.exclude) == len(pool):
            raise document.error(("analyses", name, "exclude"), None, "every study is excluded")
        for study, selection in analysis.select.items():
            check_selection(selection, sheets[study], document, ("analyses", name, "select", study))


def check_selection(selection: Selection, sheet: StudySheet, document: Document, path: Path_) -> None:
    """Check that a sheet has what a selection asks of it."""
    for key, there in (
        ("contrast_set", list(sheet.contrast_sets)),
        ("population", [ALL, *sheet.populations]),
    ):
        asked = getattr(selection, key)
        if asked and asked not in there:
            problem = f"unknown {key.replace('_', ' ')}; allowed: {', '.join(there)}"
            raise document.error((*path, key), asked, problem)
    for key, default, other, problem in (
        ("reading", "as_read", sheet.as_printed, "no ratio of this sheet has label_inverted"),
        ("direction", "recorded", sheet.with_reversed_tests, "the paper states the direction of every log-rank test"),
        ("assumed_events", "best", partial(sheet.with_assumed_events, "low"), "the sheet assumes no events"),
    ):
        asked = getattr(selection, key)
        if asked != default and other() == sheet:
            raise document.error((*path, key), asked, f"{problem}; allowed: {default}")


def check_specifications(project: Project, document: Document) -> None:
    """Check the studies, figures and components that the axes of doubt name."""
    wanted = project.config.specifications
    quoted = [study for study, sheet in project.sheets.items() if sheet.secondary_report]
    for name, axis in wanted.axes.items() if wanted else ():
        path: Path_ = ("specifications", "axes", name)
        study = axis.study or name
        if axis.of == "study" and study not in project.studies:
            where = (*path, "study") if axis.study else path
            raise document.error(where, study, f"unknown study; allowed: {', '.join(project.studies)}")
        allowed = quoted if axis.of == "secondary_reports" else project.studies
        for level_name, level in (axis.levels or {}).items():
            below: Path_ = (*path, "levels", level_name)
            if level.select and study not in project.sheets:
                raise document.error((*below, "select"), None, "this study has no sheet to select from")
            if level.select:
                check_selection(level.select, project.sheets[study], document, (*below, "select"))
            for where, named in _studies_named(level):
                if named not in allowed:
                    raise document.error((*below, *where), named, f"unknown study; allowed: {', '.join(allowed)}")
            if level.component and level.component not in project.treatments.components:
                components = ", ".join(project.treatments.components)
                raise document.error(
                    (*below, "component"), level.component, f"unknown component; allowed: {components}"
                )
            if level.structure == "classes" and not project.treatments.classes:
                raise document.error((*below, "structure"), level.structure, "the treatments have no classes")
            if level.settings and not project.treatments.settings:
                raise document.error((*below, "settings"), True, "the treatments have no settings")


def _studies_named(level: Level) -> Iterator[tuple[Path_, str]]:
    """List the studies that a level names, each with its place in it."""
    for i, study in enumerate(level.studies):
        yield ("studies", i), study
    for i, shared in enumerate(level.correlations):
        for k, study in enumerate(shared.studies):
            yield ("correlations", i, "studies", k), study


def check_overlaps(project: Project, document: Document) -> None:
    """Check the studies and arms that are said to share patients."""
    for i, overlap in enumerate(project.config.overlaps):
        for k, study in enumerate(overlap.studies):
            if study not in project.studies:
                problem = f"unknown study; allowed: {', '.join(project.studies)}"
                raise document.error(("overlaps", i, "studies", k), study, problem)
            arms = _arms_of(project, study)
            if overlap.arms[study] not in arms:
                problem = f"unknown arm; allowed: {', '.join(arms)}"
                raise document.error(("overlaps", i, "arms", study), overlap.arms[study], problem)


def check_bias(project: Project, document: Document) -> None:
    """Check that there are contrasts of the kind that schemes of bias name."""
    there = dict.fromkeys(sheet.design for sheet in project.sheets.values() if sheet.design)
    for name, scheme in project.config.bias.schemes.items() if project.config.bias else ():
        for key, allowed in (
            ("component", list(project.treatments.components)),
            ("design", list(there)),
            ("study", project.studies),
        ):
            asked = getattr(scheme.contrasts, key)
            if asked and asked not in allowed:
                problem = f"unknown {key}" if key != "design" else "no sheet gives this design"
                path = ("bias", "schemes", name, "contrasts", key)
                raise document.error(path, asked, f"{problem}; allowed: {', '.join(allowed) or 'another property'}")


def check_cutoffs(project: Project, document: Document) -> None:
    """Check that some study reports every cut-off of an ordered outcome that tables give."""
    for outcome, definition in project.config.outcomes.items():
        tables = [study for study in project.tables if study.outcome == outcome]
        cells = [row["categories"] for study in tables for row in study.rows if row.get("categories")]
        if not cells or any(_every_category(sheet, definition.categories) for sheet in project.sheets.values()):
            continue
        for name in never_given(cells, definition.categories):
            path = ("outcomes", outcome, "categories", definition.categories.index(name))
            raise document.error(path, name, not_told_apart(name, definition.categories))


def _every_category(sheet: StudySheet, categories: Sequence[str]) -> bool:
    """Whether a sheet gives the patients of an arm in every one of the categories."""
    return set(categories) <= RESPONSE and any(
        all(getattr(record, name) for name in categories) for record in sheet.responses if not record.not_used
    )


def check_certainty(project: Project, document: Document) -> None:
    """Check the treatments and settings of judgements of certainty."""
    certainty, treatments = project.config.certainty, project.treatments
    small = certainty.small_studies if certainty else None
    for i, asked in enumerate(small.order if small else ()):
        if asked not in treatments.regimens:
            problem = f"unknown treatment; allowed: {', '.join(treatments.regimens)}"
            raise document.error(("certainty", "small_studies", "order", i), asked, problem)
    for path, judgement in certainty.judgements() if certainty else ():
        for key, allowed in (
            ("treatment", list(treatments.regimens)),
            ("comparator", list(treatments.regimens)),
            ("setting", [OVERALL, *treatments.settings]),
        ):
            asked = getattr(judgement, key)
            if asked is not None and asked not in allowed:
                problem = f"unknown {key}; allowed: {', '.join(allowed)}"
                raise document.error(("certainty", *path, key), asked, problem)


def _arms_of(project: Project, study: str) -> list[str]:
    if study in project.sheets:
        return list(project.sheets[study].arms)
    rows = [row for table in project.tables if table.study == study for row in table.given]
    ends = ("arm", "comparator_arm", "treatment_arm")
    return list(dict.fromkeys(row[end] for row in rows for end in ends if row.get(end)))


def check_quotation(sheet: StudySheet, sheets: Mapping[str, StudySheet]) -> None:
    """Check that the paper in which a secondary report was read has a sheet of its own."""
    papers = [name for name, other in sheets.items() if not other.secondary_report]
    if sheet.secondary_report and sheet.secondary_report.quoted_by not in papers:
        path, problem = ("secondary_report", "quoted_by"), f"unknown study; allowed: {', '.join(papers)}"
        raise sheet.error(path, sheet.secondary_report.quoted_by, problem)


def check_vocabulary(sheet: StudySheet, treatments: Treatments, config: Config) -> None:
    """Check regimens, settings and outcomes of a sheet against the treatments and the configuration.

    Raises
    ------
    UserError
        The first word that they do not know.
    """

    def check(path: tuple[str | int, ...], kind: str, value: str, allowed: list[str]) -> None:
        if value not in allowed:
            raise sheet.error(path, value, f"unknown {kind}; allowed: {', '.join(allowed)}")

    for name, arm in sheet.arms.items():
        for regimen in arm.regimens:
            check(("arms", name, "regimens", regimen), "regimen", regimen, list(treatments.regimens))
    for i, switch in enumerate(sheet.switching):
        if switch.to is not None:
            check(("switching", i, "to"), "regimen", switch.to, list(treatments.regimens))
    for name in set(sheet.covariates) & set(config.covariates):
        value, levels = sheet.covariates[name], config.levels.get(name)
        if levels:
            check(("covariates", name), "level", str(value), levels)
        elif isinstance(value, str):
            raise sheet.error(("covariates", name), value, "allowed: a number, as its model declares no levels")
    for i, line in enumerate(sheet.failed_first_line):
        check(("failed_first_line", i, "setting"), "setting", line.setting, list(treatments.settings))
    for name, population in sheet.populations.items():
        if population.setting is not None:
            check(("populations", name, "setting"), "setting", population.setting, list(treatments.settings))
    contrasts, counts = time_to_event_outcomes(config), [name for name, o in config.outcomes.items() if o.is_count]
    recorded = [name for name in counts if not config.outcomes[name].categories]
    time_to_event: list[str] = ["hazard_ratios", "medians", "log_rank", "events", "assumed_events", "curves"]
    sections: dict[str, list[str]] = {
        **dict.fromkeys(time_to_event, contrasts),
        "counts": recorded,
        "comparisons": [*counts, *contrasts, *sorted(RESPONSE)],
        "reprinted": list(config.outcomes),
    }
    for section, allowed in sections.items():
        for i, record in enumerate(getattr(sheet, section)):
            if record.outcome is not None:
                check((section, i, "outcome"), "outcome", record.outcome, allowed)
    for section in ("risk_of_bias", "indirectness"):
        assessment: RiskOfBias | Indirectness | None = getattr(sheet, section)
        for path, outcome in assessment.outcomes_named() if assessment else ():
            check((section, *path), "outcome", outcome, list(config.outcomes))


def check_characteristics(sheet: StudySheet, vocabulary: Characteristics) -> None:
    """Check that the characteristics of a sheet are declared, and that their figures are of the declared kind."""
    known = vocabulary.characteristics
    for i, record in enumerate(sheet.characteristics):
        path = ("characteristics", i, "characteristic")
        if record.characteristic not in known:
            allowed = f"allowed: {', '.join(known)}" if known else "the configuration declares no characteristics"
            raise sheet.error(path, record.characteristic, f"unknown characteristic; {allowed}")
        if record.is_binary != (known[record.characteristic].kind == "binary"):
            figures = "a mean or a median" if record.is_binary else "a count or a percent"
            problem = f"this characteristic is {known[record.characteristic].kind}; give {figures}"
            raise sheet.error(path, record.characteristic, problem)
