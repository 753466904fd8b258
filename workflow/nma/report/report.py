"""report.html of one analysis: one self-contained file made from tables and figures in results/."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nma.report import report_tables as tables
from nma.report.inline import inline_svg
from nma.report.sentences import best_sentences, design_words, learned, not_converged
from nma.report.settings import HEADLINE_TABLES, MODEL_TABLES
from nma.report.words import INTERVAL, NOT_A_CANDIDATE, OVERALL, Names, Row, evidence_words, settings_of
from nma.tables import read_table, write_text

TEMPLATE = Path(__file__).with_name("report.html.j2")
EXPLANATIONS = {
    "direct": "a study of the setting compared the two in whole arms",
    "indirect": "linked through other treatments or inside mixed arms",
    "extrapolated": "one of the two was given to nobody in the setting; the effect comes from other settings",
    "prior_driven": "not estimable from the data, or more than 20% wider once a prior scale is doubled",
}


def write_report(results: Path, settings: Mapping[str, Any], output: Path) -> None:
    """Write report.html of an analysis.

    Parameters
    ----------
    results : path
        The folder of all results.
    settings : mapping
        From `nma.report.settings.report_settings`.
    """
    write_text(output, render(report_context(results, settings)))


def render(context: Mapping[str, Any]) -> str:
    """Fill the template."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(TEMPLATE.parent)
    environment = Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    return environment.get_template(TEMPLATE.name).render(context)


def report_context(results: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Everything the template shows, as text, tables and figures."""
    labels, analysis = settings["labels"], settings["analysis"]
    names = Names(labels, analysis, model=labels["headline"])
    folder = results / analysis
    fits = read_table(folder / "summary" / "fits.csv")
    sensitivity = [row for row in read_table(results / "summary" / "sensitivity.csv") if row["model"] == names.model]
    effects = read_table(results / "evidence" / "effects.csv")
    sections = [
        _outcome_section(folder, settings, Names(labels, analysis, outcome, names.model), sensitivity, effects)
        for outcome in settings["outcomes"]
    ]
    return {
        "title": names.analysis_label,
        "headline": names.model,
        "interval": INTERVAL,
        "not_candidate": NOT_A_CANDIDATE,
        "failed": not_converged(fits, names),
        "evidence_words": {evidence_words(name): text for name, text in EXPLANATIONS.items()},
        "outcomes": sections,
        "sucra": inline_svg(folder / "summary" / "sucra.svg", "sucra", "SUCRA by outcome, treatment and setting"),
        "fits": tables.fits_table(fits, names),
        "audit": tables.audit_tables(read_table(results / "evidence" / "audit.csv")),
        "studies": tables.studies_table(settings["studies"]),
        "versions": sorted({row["versions"] for row in fits}),
        "seed": str(settings["seed"]),
    }


def _outcome_section(
    folder: Path,
    settings: Mapping[str, Any],
    names: Names,
    sensitivity: Sequence[Row],
    effects: Sequence[Row],
) -> dict[str, Any]:
    """One outcome: its sentences, tables and figures."""
    outcome, studies = names.outcome, settings["studies"]
    here = folder / outcome
    ranking, relative, league, mixtures = (read_table(here / names.model / f"{table}.csv") for table in HEADLINE_TABLES)
    evidence = read_table(here / "evidence.csv")
    design = design_words(evidence, {study: facts["design"] for study, facts in studies.items()})
    parameters, statistics, checks = (
        {model: read_table(here / model / f"{table}.csv") for model in settings["models"]} for table in MODEL_TABLES
    )
    rows = [row for row in sensitivity if row["outcome"] == outcome]
    settings_here = settings_of(ranking)
    return {
        "id": outcome,
        "label": names.outcome_label,
        "direction": f"{names.measure} below 1 favours the treatment"
        if names.lower_is_better
        else f"{names.measure} above 1 favours the treatment",
        "sentences": [
            (
                names.setting(setting),
                *_lead(best_sentences(ranking, relative, setting, design, names)),
            )
            for setting in settings_here
        ],
        "sensitivity": [tables.sensitivity_table(rows, ranking, setting, settings, names) for setting in settings_here],
        "evidence": tables.evidence_table(evidence, effects, studies, names),
        "excluded": tables.excluded_table(evidence, names),
        "ranking": [tables.ranking_table(ranking, setting, names) for setting in settings_here],
        "league": [tables.league_table(league, setting, names) for setting in settings_here],
        "figures": _figures(here, settings["headline_figures"], names),
        "heterogeneity": tables.heterogeneity_table(parameters, names),
        "learned": [learned(row) + "." for row in parameters[names.model]],
        "statistics": tables.statistics_table(statistics, names),
        "checks": tables.check_table(checks, names),
        "mixtures": tables.mixture_table(mixtures, studies, names),
        "overall": names.setting(OVERALL),
    }


def _lead(sentences: Sequence[str]) -> tuple[str, str]:
    """Split what the page prints bold, the name, from the rest."""
    name, verb, rest = " ".join(sentences).partition(" ranks first")
    return name, verb + rest


def _figures(folder: Path, figures: Sequence[str], names: Names) -> dict[str, Any]:
    captions = {
        "network": "network of comparisons",
        "forest": "relative effects against the reference of each setting",
        "rankogram": "rank probabilities",
        "heterogeneity": "prior and posterior of the heterogeneity parameters",
    }
    files = {"network": folder / "network" / "network.svg"}
    files |= {figure: folder / names.model / "figures" / f"{figure}.svg" for figure in figures}
    return {
        figure: inline_svg(file, f"{names.outcome}-{figure}", f"{names.outcome_label}: {captions[figure]}")
        for figure, file in files.items()
    }
