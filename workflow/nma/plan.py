"""The resolved settings of every job: each holds what its results depend on and nothing else.

Snakemake compares these settings with those of the last run, so that an edit reruns only what it touches: labels are
not among the settings of a fit, margins not among those of an evidence table.
"""

import csv
from collections.abc import Iterator
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

from nma.config import Config, Model, Project
from nma.documents import Document, read_yaml
from nma.evidence.curves import curve_files
from nma.evidence.selection import evidence_columns, reporting_sheets, select_evidence
from nma.evidence.tables import by_outcome
from nma.network.arms import OVERALL, Arm, used_arms
from nma.network.graph import is_plain, parts, received
from nma.network.structure import Structure
from nma.sheets import ALL, StudySheet
from nma.tables import to_csv

Settings = dict[str, Any]


def fits(config: Config) -> Iterator[tuple[str, str]]:
    """Pairs of analysis and outcome, in the order of the configuration."""
    for analysis in config.analyses:
        for outcome in config.outcomes_of(analysis):
            yield analysis, outcome


def evidence_csv(project: Project, analysis: str, outcome: str) -> str:
    """Evidence table of one fit as CSV text."""
    return to_csv(select_evidence(project, analysis, outcome), evidence_columns(project, outcome))


def evidence_digest(project: Project, analysis: str, outcome: str) -> str:
    """Digest of the evidence of one fit; two equal digests mean equal data."""
    return sha256(evidence_csv(project, analysis, outcome).encode()).hexdigest()[:16]


def evidence_files(project: Project, analysis: str, outcome: str) -> list[str]:
    """Sheets, curves and tables that report an outcome and that an analysis may use."""
    sheets = reporting_sheets(project, outcome, analysis)
    curves = [file for study in sheets for file in curve_files(project.sheets[study], outcome)]
    tables = [study.file for study in by_outcome(project.tables, outcome)]
    return list(dict.fromkeys([*_sheets(project, sheets), *curves, *tables]))


def input_files(project: Project) -> list[str]:
    """Every file beside the configuration that the project is read from."""
    parts = (project.config.treatments, project.config.characteristics)
    tables = [table.file for table in project.config.evidence]
    named = [part for part in parts if isinstance(part, str)]
    curves = [file for sheet in project.sheets.values() for file in curve_files(sheet)]
    return list(dict.fromkeys([*_sheets(project, list(project.sheets)), *curves, *tables, *named]))


def sheet_files(project: Project) -> list[str]:
    """Every study sheet."""
    return _sheets(project, list(project.sheets))


def _sheets(project: Project, studies: list[str]) -> list[str]:
    return [f"{project.config.studies}/{study}.yaml" for study in studies]


def structure_settings(project: Project) -> Settings:
    """Components, regimens and settings, without their labels."""
    treatments = project.treatments
    return {
        "components": list(treatments.components),
        "regimens": {name: list(regimen.components) for name, regimen in treatments.regimens.items()},
        "settings": list(treatments.settings),
    }


def model_settings(project: Project, analysis: str, outcome: str) -> dict[str, Settings]:
    """Priors and effects of every model of one fit.

    A prior scale of 0 leaves the parameter out of the model.
    """
    return {
        name: {"prior": _prior(project, model, outcome), "effects": _effects(project, model, analysis, outcome)}
        for name, model in project.config.models.items()
    }


def _prior(project: Project, model: Model, outcome: str) -> dict[str, float]:
    priors = project.config.priors[project.config.outcomes[outcome].prior]
    departures = model.classes or (model.settings and bool(project.treatments.settings))
    return {
        "effect": priors.effect,
        "tau": priors.tau if model.heterogeneity else 0.0,
        "omega": priors.omega if departures else 0.0,
        "baseline": priors.baseline,
        "slope": priors.slope or priors.effect,
        "cutpoint": priors.cutpoint,
    }


def _effects(project: Project, model: Model, analysis: str, outcome: str) -> Settings:
    covariate, centre = model.covariate, 0.0
    if covariate:
        centre = covariate.centre or 0.0
        if covariate.centre is None:
            values = _covariate(_arms(project, analysis, outcome), covariate.name).values()
            centre = sum(values) / len(values)
    return {
        "settings": model.settings and bool(project.treatments.settings),
        "classes": project.treatments.class_of if model.classes else {},
        "interactions": [list(pair) for pair in model.interactions],
        "covariate": covariate.name if covariate else None,
        "centre": centre,
    }


def _arms(project: Project, analysis: str, outcome: str) -> list[Arm]:
    """Arms of one fit, as they read back from its evidence table."""
    return used_arms(csv.DictReader(StringIO(evidence_csv(project, analysis, outcome))))


def _covariate(arms: list[Arm], name: str) -> dict[str, float]:
    """Covariate of every study that gives it."""
    return {arm.study: arm.covariates[name] for arm in arms if name in arm.covariates}


def fit_settings(project: Project, analysis: str, outcome: str) -> Settings:
    """Everything but the evidence that the fits of one outcome depend on."""
    return {
        "analysis": analysis,
        "outcome": outcome,
        "likelihood": project.config.outcomes[outcome].likelihood,
        "structure": structure_settings(project),
        "models": model_settings(project, analysis, outcome),
        "sampler": project.config.sampler.model_dump(),
        "seed": project.config.seed,
    }


def summary_settings(project: Project, outcome: str) -> Settings:
    """Everything but posteriors and evidence that the summaries of one outcome depend on."""
    definition = project.config.outcomes[outcome]
    return {
        "outcome": outcome,
        "likelihood": definition.likelihood,
        "measure": definition.measure,
        "ratio": definition.is_ratio,
        "better": definition.better,
        "margin": definition.margin,
        "baselines": _baselines(project, outcome),
        "medians": _medians(project, outcome),
        "covariates": {name: m.covariate.name for name, m in project.config.models.items() if m.covariate},
        "reference": project.treatments.reference,
        "not_candidates": {name: project.treatments.barred(name) for name in project.treatments.settings},
        "structure": structure_settings(project),
    }


def _baselines(project: Project, outcome: str) -> dict[str, Settings]:
    """Baseline of every setting that has one: its own, or that of all patients together, which is then assumed."""
    own, result = project.config.baselines.get(outcome, {}), {}
    for setting in (OVERALL, *project.treatments.settings):
        baseline = project.config.baseline_of(outcome, setting)
        if baseline:
            median, below, above = baseline.link
            borrowed = setting != OVERALL and setting not in own
            result[setting] = {
                "regimen": baseline.regimen,
                "median": median,
                "sd_below": below,
                "sd_above": above,
                "figure": baseline.figure,
                "unit": baseline.unit if baseline.median else "",
                "source": baseline.source or "",
                "assumed": [*(["the baseline is not of this setting"] * borrowed), *filter(None, [baseline.assumed])],
            }
    return result


def _medians(project: Project, outcome: str) -> list[Settings]:
    """List the medians, in months, that sheets print of arms, with what these received and what had failed before."""
    return [
        {
            "study": study,
            "arm": median.arm,
            "population": median.population,
            "n": _size(sheet, median.arm, median.population),
            "regimens": dict(sheet.arms[median.arm].regimens),
            "settings": {line.setting: line.arms.get(median.arm, line.n or 1) for line in sheet.failed_first_line},
            "median": median.months,
            "lower": median.lower and median.lower * median.scale,
            "upper": median.upper and median.upper * median.scale,
            "interval": median.interval or "",
            "source": median.place,
        }
        for study, sheet in project.sheets.items()
        for median in sheet.medians
        if median.outcome == outcome and not median.not_used
    ]


def _size(sheet: StudySheet, arm: str, population: str) -> int | None:
    """Patients of an arm, or of a population within it; None where that is not known."""
    return sheet.arms[arm].n if population == ALL else sheet.populations[population].n.get(arm)


def label_settings(project: Project) -> Settings:
    """Labels for figures and reports."""
    config, treatments = project.config, project.treatments
    return {
        "outcomes": {name: outcome.label for name, outcome in config.outcomes.items()},
        "better": {name: outcome.better for name, outcome in config.outcomes.items()},
        "measures": {name: outcome.measure for name, outcome in config.outcomes.items()},
        "margins": {name: outcome.margin for name, outcome in config.outcomes.items()},
        "regimens": {name: regimen.label for name, regimen in treatments.regimens.items()},
        "components": dict(treatments.components),
        "settings": {"overall": "Overall", **{name: setting.label for name, setting in treatments.settings.items()}},
        "analyses": {name: analysis.label for name, analysis in config.analyses.items()},
        "headline": config.headline,
        "reference": treatments.reference,
    }


def check_networks(project: Project, file: Path) -> None:
    """Check that every fit has evidence from one source a study, and that no plain network falls apart.

    Raises
    ------
    UserError
        An outcome without evidence, or that a sheet and a table give for one study; a disconnected network in which
        nothing but the treatments themselves links the parts; a plain network without its reference; a model of which
        the studies that give its covariate leave no network.
    """
    document, structure = read_yaml(file), Structure.from_settings(structure_settings(project))
    _check_sources(project)
    for analysis, outcome in fits(project.config):
        path = ("analyses", analysis)
        arms = _arms(project, analysis, outcome)
        if not arms:
            problem = f"no study gives evidence on {outcome}{_why_unused(project, analysis, outcome)}"
            raise document.error(path, None, f"{problem}; leave it out of the outcomes")
        pieces = parts(arms)
        if len(pieces) > 1 and is_plain(arms, structure):
            shown = "; ".join("{" + ", ".join(piece) + "}" for piece in pieces)
            problem = f"the network of {outcome} falls apart into {shown}; allowed: one connected network"
            raise document.error(path, None, problem)
        fit, plain = f"{outcome} of {analysis}", is_plain(arms, structure)
        if plain:
            _check_reference(project, document, arms, fit)
        _check_covariates(project, document, arms, fit, plain)


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
                there = _sheets(project, [study.study])[0]
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
        if not model.covariate:
            continue
        given = _covariate(arms, model.covariate.name)
        kept = [arm for arm in arms if arm.study in given]
        without = ", ".join(dict.fromkeys(arm.study for arm in arms if arm.study not in given))
        problem = None
        if not kept:
            problem = f"no study in use for {fit} gives this covariate"
        elif plain and len(parts(kept)) > 1:
            problem = f"without {without}, where it is missing, the network of {fit} falls apart"
        elif name == project.config.headline and len(_treatments(kept)) < len(_treatments(arms)):
            lost = ", ".join(sorted(_treatments(arms) - _treatments(kept)))
            problem = f"without {without}, where it is missing, the headline model of {fit} loses {lost}"
        if problem:
            raise document.error(("models", name, "covariate", "name"), model.covariate.name, problem)


def _treatments(arms: list[Arm]) -> set[str]:
    return {regimen for arm in arms for regimen in arm.regimens}
