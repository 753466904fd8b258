"""The resolved settings of every job: each holds what its results depend on and nothing else.

Snakemake compares these settings with those of the last run, so that an edit reruns only what it touches: labels are
not among the settings of a fit, margins not among those of an evidence table.
"""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from nma.config import Config, Project
from nma.documents import read_yaml
from nma.evidence.selection import evidence_columns, reporting_studies, select_evidence
from nma.network.design import Structure
from nma.network.graph import is_plain, parts, used_arms
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


def evidence_sheets(project: Project, outcome: str) -> list[str]:
    """Sheets that report an outcome."""
    return [f"{project.config.studies}/{study}.yaml" for study in reporting_studies(project, outcome)]


def structure_settings(project: Project) -> Settings:
    """Components, regimens and settings, without their labels."""
    treatments = project.treatments
    return {
        "components": list(treatments.components),
        "regimens": {name: list(regimen.components) for name, regimen in treatments.regimens.items()},
        "settings": list(treatments.settings),
    }


def model_settings(project: Project, outcome: str) -> dict[str, dict[str, float]]:
    """Prior scales of every model of an outcome; a scale of 0 leaves the parameter out of the model."""
    priors = project.config.priors[project.config.outcomes[outcome].prior]
    return {
        name: {
            "effect": priors.effect,
            "tau": priors.tau if model.heterogeneity else 0.0,
            "omega": priors.omega if model.settings and project.treatments.settings else 0.0,
            "baseline": priors.baseline,
        }
        for name, model in project.config.models.items()
    }


def fit_settings(project: Project, analysis: str, outcome: str) -> Settings:
    """Everything but the evidence that the fits of one outcome depend on."""
    return {
        "analysis": analysis,
        "outcome": outcome,
        "counts": project.config.outcomes[outcome].is_count,
        "structure": structure_settings(project),
        "models": model_settings(project, outcome),
        "sampler": project.config.sampler.model_dump(),
        "seed": project.config.seed,
    }


def summary_settings(project: Project, outcome: str) -> Settings:
    """Everything but posteriors and evidence that the summaries of one outcome depend on."""
    definition = project.config.outcomes[outcome]
    return {
        "outcome": outcome,
        "measure": definition.measure,
        "better": definition.better,
        "margin": definition.margin,
        "reference": project.treatments.reference,
        "not_candidates": {name: setting.not_candidates for name, setting in project.treatments.settings.items()},
        "structure": structure_settings(project),
    }


def label_settings(project: Project) -> Settings:
    """Labels for figures and reports."""
    config, treatments = project.config, project.treatments
    return {
        "outcomes": {name: outcome.label for name, outcome in config.outcomes.items()},
        "better": {name: outcome.better for name, outcome in config.outcomes.items()},
        "measures": {name: outcome.measure for name, outcome in config.outcomes.items()},
        "margins": {name: outcome.margin for name, outcome in config.outcomes.items()},
        "regimens": {name: regimen.label for name, regimen in treatments.regimens.items()},
        "settings": {"overall": "Overall", **{name: setting.label for name, setting in treatments.settings.items()}},
        "analyses": {name: analysis.label for name, analysis in config.analyses.items()},
        "headline": config.headline,
        "reference": treatments.reference,
    }


def check_networks(project: Project, file: Path) -> None:
    """Check that every fit has evidence, and that no plain network falls apart.

    Raises
    ------
    UserError
        An outcome without evidence, or a disconnected network in which nothing but the treatments themselves links the
        parts.
    """
    structure = Structure.from_settings(structure_settings(project))
    for analysis, outcome in fits(project.config):
        document, path = read_yaml(file), ("analyses", analysis)
        rows = _text_rows(select_evidence(project, analysis, outcome))
        arms = used_arms(rows)
        if not arms:
            raise document.error(path, None, f"no study gives evidence on {outcome}; leave it out of the outcomes")
        pieces = parts(arms)
        if len(pieces) > 1 and is_plain(arms, structure):
            shown = "; ".join("{" + ", ".join(piece) + "}" for piece in pieces)
            problem = f"the network of {outcome} falls apart into {shown}; allowed: one connected network"
            raise document.error(path, None, problem)


def _text_rows(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Rows as they read back from CSV."""
    return [{key: "true" if value is True else str(value) for key, value in row.items()} for row in rows]
