"""Checks of every network of a project before anything runs: evidence, connection, reference, covariates, biases."""

from pathlib import Path

from secondline.errors import UserError
from secondline.evidence.selection import evidence_rows, reporting_sheets, select_evidence
from secondline.evidence.shared_patients import check_bounds
from secondline.jobs.settings import arms_in_use, bias_of, fits, overlaps_of, sheet_files_of, treatments_of
from secondline.network.arms import Arm, arms_with, covariate_by_study, is_contrast, used_rows
from secondline.network.baseline_risk import why_not
from secondline.network.graph import is_plain, parts, received
from secondline.network.predictor import Effects, Predictor
from secondline.network.structure import Structure
from secondline.project.config import Project
from secondline.project.config_parts import Model
from secondline.project.covariates import Covariate
from secondline.project.documents import Document, read_yaml
from secondline.project.evidence_tables import by_outcome


def check_networks(project: Project, file: Path) -> None:
    """Check that every fit has evidence from one source per study, and that no plain network is disconnected.

    Raises
    ------
    UserError
        An outcome without evidence, or that a sheet and a table give for one study; a disconnected network in which
        nothing but the treatments themselves links the parts; a plain network without its reference; a model of which
        the studies that give its covariate leave no network; a class contrast of a regimen that is not declared.
    """
    document, structure = project.document or read_yaml(file), Structure.of(treatments_of(project))
    _check_sources(project)
    check_bounds(project)
    _check_biases(project, document)
    for analysis, outcome in fits(project.config):
        path = ("analyses", analysis)
        arms = arms_in_use(project, analysis, outcome)
        if not arms:
            problem = f"no study gives evidence on {outcome}{_why_unused(project, analysis, outcome)}"
            raise document.error(path, None, f"{problem}; leave it out of the outcomes")
        pieces = parts(arms)
        if len(pieces) > 1 and is_plain(arms, structure):
            shown = "; ".join("{" + ", ".join(piece) + "}" for piece in pieces)
            problem = f"the network of {outcome} is disconnected: {shown}; allowed: one connected network"
            raise document.error(path, None, problem)
        fit, plain = f"{outcome} of {analysis}", is_plain(arms, structure)
        if plain:
            _check_reference(project, document, arms, fit)
        _check_covariates(project, document, arms, fit, plain)
        _check_baseline_risk(project, document, analysis, outcome)
        _check_mixed_arms(project, document, arms)
        _check_overlaps(project, document, analysis, outcome)


def _why_unused(project: Project, analysis: str, outcome: str) -> str:
    """Say why studies that report an outcome are left out of it, those of one reason together."""
    why: dict[str, list[str]] = {}
    for row in select_evidence(project, analysis, outcome):
        why.setdefault(row["reason"], []).append(row["study"])
    said = "; ".join(f"{', '.join(studies)}: {reason}" for reason, studies in why.items())
    return f" ({said})" if said else ""


def _check_sources(project: Project) -> None:
    for outcome in project.config.outcomes:
        sheets = reporting_sheets(project, outcome)
        for study in by_outcome(project.tables, outcome):
            if study.study in sheets:
                there = sheet_files_of(project, [study.study])[0]
                raise study.error(f"this study gives {outcome} already, in {there}; allowed: one source")


def _check_reference(project: Project, document: Document, arms: list[Arm], fit: str) -> None:
    """Check that a study has the reference: without one, every effect against it would be its prior's."""
    given = received(arms, list(project.treatments.regimens))
    if project.treatments.reference not in given:
        problem = f"no study in use for {fit} has the reference; allowed: one that is there, {', '.join(given)}"
        path = ("treatments", "reference") if isinstance(document.data["treatments"], dict) else ("treatments",)
        raise document.error(path, project.treatments.reference, problem)


def _check_covariates(project: Project, document: Document, arms: list[Arm], fit: str, plain: bool) -> None:
    """Check what is left of a network of models that leave out studies which do not give their covariate."""
    for name, model in project.config.models.items():
        if not model.regressors:
            continue
        kept = arms_with(arms, model.needs)
        given = {arm.study for arm in kept}
        without = ", ".join(dict.fromkeys(arm.study for arm in arms if arm.study not in given))
        problem, (path, covariate) = None, _scarcest(model, arms)
        if not kept:
            reports = "reports this covariate" if len(model.regressors) == 1 else "reports all covariates of the model"
            problem = f"no study used for {fit} {reports}"
        elif plain and len(parts(kept)) > 1:
            problem = f"without {without}, where it is missing, the network of {fit} is disconnected"
        elif name == project.config.headline and len(_treatments(kept)) < len(_treatments(arms)):
            lost = ", ".join(sorted(_treatments(arms) - _treatments(kept)))
            problem = f"without {without}, where it is missing, the headline model of {fit} loses {lost}"
        if problem:
            raise document.error(("models", name, *path, "name"), covariate.name, problem)


def _check_baseline_risk(project: Project, document: Document, analysis: str, outcome: str) -> None:
    """Check that the outcome of a regression on the baseline has one, in studies that give it by arm."""
    likelihood = project.config.outcomes[outcome].modelled
    for name, model in project.config.models.items():
        if not model.baseline_risk:
            continue
        path, fit = ("models", name, "baseline_risk"), f"{outcome} of {analysis}"
        contrasts = [row for row in used_rows(evidence_rows(project, analysis, outcome)) if is_contrast(row)]
        problem = why_not(likelihood)
        if contrasts and not problem:
            problem = f"study {contrasts[0]['study']} gives contrasts, which have no modelled baseline"
        if problem:
            raise document.error(path, fit, problem)


def _scarcest(model: Model, arms: list[Arm]) -> tuple[tuple[str | int, ...], Covariate]:
    """Covariate of a model that the fewest studies give, and where it stands in the model."""
    return min(model.regressors, key=lambda each: len(covariate_by_study(arms, each[1].numbers[0])))


def _check_overlaps(project: Project, document: Document, analysis: str, outcome: str) -> None:
    """Check that the overlaps of an analysis can be: arms that are in use, and a covariance that is not singular."""
    overlaps = overlaps_of(project, analysis, outcome)
    if overlaps:
        from secondline.network.data import network_data

        rows, structure = evidence_rows(project, analysis, outcome), Structure.of(treatments_of(project))
        try:
            network_data(rows, structure, project.config.outcomes[outcome].likelihood, Effects(), overlaps)
        except UserError as error:
            path = ("analyses", analysis, "overlap")
            raise document.error(path, project.config.analyses[analysis].overlap, f"{outcome}: {error}") from None


def _check_biases(project: Project, document: Document) -> None:
    """Check that the bias of an analysis is that of a contrast at least, for one of its outcomes."""
    for name, analysis in project.config.analyses.items():
        found = (bias_of(project, name, outcome) for outcome in project.config.outcomes_of(name))
        if analysis.bias and not any(bias and bias.contrasts for bias in found):
            problem = "no contrast in use has this bias; allowed: another scheme, or none"
            raise document.error(("analyses", name, "bias", "scheme"), analysis.bias.scheme, problem)


def _check_mixed_arms(project: Project, document: Document, arms: list[Arm]) -> None:
    """Check that the mixed arms of every study can be given one mix, where a model does."""
    structure = Structure.of(treatments_of(project))
    for name, model in project.config.models.items():
        predictor = Predictor(structure, Effects(mixed_arms=model.mixed_arms))
        try:
            predictor.rows(arms)
        except UserError as error:
            raise document.error(("models", name, "mixed_arms"), model.mixed_arms, str(error)) from None


def _treatments(arms: list[Arm]) -> set[str]:
    return {regimen for arm in arms for regimen in arm.regimens}
