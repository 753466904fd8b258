"""report.html of one analysis: one self-contained file made from tables and figures in results/."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nma.network.arms import used_arms
from nma.report import check_tables, prisma, report_tables
from nma.report.hangs_on import hangs_on
from nma.report.inline import inline_svg
from nma.report.methods import methods_text
from nma.report.population_tables import definitions_table, population_sentences, population_tables
from nma.report.reproducibility import digests_table, reproducibility_sentences
from nma.report.sentences import (
    best_sentences,
    design_words,
    fit_sentences,
    inconsistency_sentences,
    learned,
    not_converged,
)
from nma.report.settings import HEADLINE_TABLES, INCONSISTENCY_FIGURES, INCONSISTENCY_TABLES, MODEL_TABLES
from nma.report.splits import splits_of
from nma.report.verification import doubtful_table, verification_sentences
from nma.report.words import (
    INTERVAL,
    NOT_A_CANDIDATE,
    Names,
    Row,
    all_candidates,
    evidence_words,
    is_true,
    settings_of,
)
from nma.tables import read_table, write_table, write_text

TEMPLATE = Path(__file__).with_name("report.html.j2")
PLAIN = {
    "direct": "a study compared the two in whole arms",
    "indirect": "linked through other treatments, or inside mixed arms",
    "prior_driven": "not estimable from the data, or more than 20% wider once a prior scale is doubled",
}
BY_SETTING = PLAIN | {
    "direct": "a study of the setting compared the two in whole arms",
    "extrapolated": "one of the two was given to nobody in the setting; the effect comes from other settings",
}
CAPTIONS = {
    "network": "network of comparisons",
    "forest": "relative effects against the reference",
    "rankogram": "rank probabilities",
    "cumulative_ranks": "probability of every rank or a better one",
    "absolute": "absolute outcomes from the declared baseline",
    "heterogeneity": "prior and posterior of the heterogeneity parameters",
    "leverage": "leverage of the data points",
    "node_splits": "direct against indirect evidence",
    "dev_dev": "deviance with and without consistency",
}


@dataclass(frozen=True)
class Sources:
    """Where the tables of a report stand: of its analysis, and about all analyses."""

    analysis: Path
    """results/<analysis>"""
    evidence: Path
    """The folder of the global evidence tables."""
    sensitivity: Path
    """The table of all analyses side by side."""


def write_report(sources: Sources, settings: Mapping[str, Any], output: Path) -> None:
    """Write report.html of an analysis, and the PRISMA-NMA checklist as a table.

    Parameters
    ----------
    settings : mapping
        From `nma.report.settings.report_settings`.
    """
    context = report_context(sources, settings)
    write_text(output, render(context))
    write_table(sources.analysis / "summary" / "prisma_nma.csv", context["prisma"]["rows"], prisma.COLUMNS)


def render(context: Mapping[str, Any]) -> str:
    """Fill the template."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(TEMPLATE.parent)
    environment = Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    return environment.get_template(TEMPLATE.name).render(context)


def report_context(sources: Sources, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Everything the template shows, as text, tables and figures."""
    labels, folder = settings["labels"], sources.analysis
    names = Names(labels, settings["analysis"], model=labels["headline"])
    fits = read_table(folder / "summary" / "fits.csv")
    sensitivity = read_table(sources.sensitivity)
    effects, derivation = (read_table(sources.evidence / f"{table}.csv") for table in ("effects", "derivation"))
    audit = [row for row in read_table(sources.evidence / "audit.csv") if row["study"] in settings["studies"]]
    sections = [
        _outcome_section(
            sources, settings, Names(labels, names.analysis, outcome, names.model), sensitivity, effects, derivation
        )
        for outcome in settings["outcomes"]
    ]
    file = sources.evidence / "sources.csv"  # there where studies come from sheets
    verdicts = read_table(file) if file.exists() else []
    explanations = {evidence_words(name): text for name, text in (BY_SETTING if names.has_settings else PLAIN).items()}
    evidence = {outcome: read_table(folder / outcome / "evidence.csv") for outcome in settings["outcomes"]}
    versions = sorted({row["versions"] for row in fits})
    compared = any(len(table.rows) > 1 for section in sections for table in section["hangs_on"].tables)
    return {
        "title": names.analysis_label,
        "headline": names.model,
        "interval": INTERVAL,
        "not_candidate": NOT_A_CANDIDATE,
        "everyone": all(section["everyone"] for section in sections),
        "has_settings": names.has_settings,
        "failed": [*not_converged(fits, names), *(text for section in sections for text in section["failed"])],
        "evidence_words": explanations,
        "outcomes": sections,
        "sucra": inline_svg(folder / "summary" / "sucra.svg", "sucra", "SUCRA by outcome and treatment"),
        "populations": _populations(sources, settings["populations"], names),
        "pairs": _pairs(folder, settings, names),
        "compared": compared,
        "fits": check_tables.fits_table(fits, names),
        "verification": verification_sentences(verdicts),
        "doubtful": doubtful_table(verdicts),
        "audit": report_tables.audit_tables(audit),
        "studies": report_tables.studies_table(settings["studies"]),
        "methods": methods_text(settings, evidence, explanations, versions, names),
        "prisma": _prisma(settings, compared),
        "reproducibility": reproducibility_sentences(settings, versions),
        "digests": digests_table(folder, settings["outcomes"], names),
    }


def _prisma(settings: Mapping[str, Any], compared: bool) -> dict[str, Any]:
    """Fill the PRISMA-NMA checklist by what this run has."""
    has = {
        "sheets": bool(settings["methods"]["sheets"]),
        "populations": bool(settings["populations"]),
        "inconsistency": bool(settings["inconsistency"]),
        "variations": compared,
    }
    rows = prisma.prisma_checklist(has)
    return {"rows": rows, "sentence": prisma.prisma_sentence(rows), "table": prisma.prisma_table(rows)}


def _populations(sources: Sources, populations: Mapping[str, Any] | None, names: Names) -> dict[str, Any] | None:
    """Who was treated, and whether the studies are alike; nothing where no study describes its patients."""
    if not populations:
        return None
    rows, file = read_table(sources.evidence / "transitivity.csv"), sources.analysis / "summary" / "populations.svg"
    return {
        "sentences": population_sentences(rows, populations, names),
        "figure": inline_svg(file, "populations", "Baseline characteristics by study and arm"),
        "tables": [
            *population_tables(rows, populations, names),
            definitions_table(read_table(sources.evidence / "characteristics.csv"), populations),
        ],
    }


def _outcome_section(
    sources: Sources,
    settings: Mapping[str, Any],
    names: Names,
    sensitivity: Sequence[Row],
    effects: Sequence[Row],
    derivation: Sequence[Row],
) -> dict[str, Any]:
    """One outcome: its sentences, tables and figures."""
    here, studies = sources.analysis / names.outcome, settings["studies"]
    headline = {table: read_table(here / names.model / f"{table}.csv") for table in HEADLINE_TABLES}
    by_model = {
        table: {model: read_table(here / model / f"{table}.csv") for model in settings["models"]}
        for table in MODEL_TABLES
    }
    ranking, evidence = headline["ranking"], read_table(here / "evidence.csv")
    design = design_words(evidence, {study: facts["design"] for study, facts in studies.items()})
    places = settings_of(ranking)
    inconsistency = _inconsistency(here / "inconsistency", evidence, settings, names)
    return {
        "id": names.outcome,
        "label": names.outcome_label,
        "direction": names.direction,
        "everyone": all_candidates(ranking),
        "failed": inconsistency.pop("failed"),
        "sentences": [
            (names.place(place), *_lead(best_sentences(ranking, headline["relative_effects"], place, design, names)))
            for place in places
        ],
        "hangs_on": hangs_on(sensitivity, ranking, settings, names),
        "evidence": report_tables.evidence_tables(evidence, effects, studies, names, derivation),
        "excluded": report_tables.excluded_table(evidence, names),
        "ranking": [report_tables.ranking_table(ranking, place, names) for place in places],
        "league": [report_tables.league_table(headline["league_table"], place, names) for place in places],
        "absolute": _absolute(sources.analysis, headline["absolute_effects"], names),
        "figures": _figures(here, settings["headline_figures"], names),
        "heterogeneity": check_tables.heterogeneity_table(by_model["heterogeneity"], names),
        "learned": [learned(row) + "." for row in by_model["heterogeneity"][names.model]],
        "fit": fit_sentences(by_model["data_points"][names.model], names),
        "statistics": check_tables.statistics_table(by_model["fit_statistics"], by_model["loo"], names),
        "checks": check_tables.check_table(by_model["exact_check"], names),
        "mixtures": check_tables.mixture_table(headline["mixtures"], studies, names),
        "inconsistency": inconsistency,
    }


def _absolute(folder: Path, rows: Sequence[Row], names: Names) -> dict[str, Any] | None:
    """Gather what to expect under every treatment; nothing without a declared baseline."""
    if not rows:
        return None
    return {
        "sentences": report_tables.assumption_sentences(rows, names),
        "figure": _figure(folder / "summary" / f"absolute_{names.outcome}.svg", "absolute", names),
        "tables": [report_tables.absolute_table(rows, place, names) for place in settings_of(rows)],
    }


def _pairs(folder: Path, settings: Mapping[str, Any], names: Names) -> list[dict[str, Any]]:
    """Two outcomes against each other: a scatter plot and a league table of both."""
    league = read_table(folder / "summary" / "league_pairs.csv") if settings["pairs"] else []
    result = []
    for across, upwards in settings["pairs"]:
        first, second = (replace(names, outcome=outcome) for outcome in (across, upwards))
        places = settings_of([row for row in league if (row["below"], row["above"]) == (across, upwards)])
        title = f"{first.outcome_label} against {second.outcome_label}"
        file = folder / "summary" / f"pair_{across}_{upwards}.svg"
        result.append(
            {
                "id": f"pair-{across}-{upwards}",
                "title": title,
                "directions": [name.direction_of_outcome for name in (first, second)],
                "figure": inline_svg(file, f"pair-{across}-{upwards}", title),
                "tables": [report_tables.paired_table(league, (across, upwards), place, names) for place in places],
            }
        )
    return result


def _inconsistency(folder: Path, evidence: Sequence[Row], settings: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """Gather what was assessed of the inconsistency of an outcome, or say where it was assessed instead."""
    if settings["inconsistency"] != names.analysis:
        where = settings["inconsistency"]
        text = f"Assessed in the analysis “{names.of('analyses', where)}”." if where else "Not assessed in this run."
        return {"sentences": [text], "tables": [], "figures": {}, "failed": []}
    splits, unrelated, statistics, _ = (read_table(folder / f"{table}.csv") for table in INCONSISTENCY_TABLES)
    comparisons = splits_of(splits, used_arms(evidence))
    failed = [row["model"] for row in statistics if not is_true(row, "converged")]
    tables = [
        check_tables.splits_table(comparisons, statistics, names),
        check_tables.not_assessable_table(comparisons, names),
        check_tables.consistency_table(statistics, names),
        check_tables.unrelated_table(unrelated, names),
    ]
    return {
        "sentences": inconsistency_sentences(comparisons, statistics, names),
        "tables": [table for table in tables if table.rows],
        "figures": {name: _figure(folder / "figures" / f"{name}.svg", name, names) for name in INCONSISTENCY_FIGURES},
        "failed": [f"{names.outcome_label}, inconsistency, {model}" for model in failed],
    }


def _lead(sentences: Sequence[str]) -> tuple[str, str]:
    """Split what the page prints bold, the name, from the rest."""
    name, verb, rest = " ".join(sentences).partition(" ranks first")
    return name, verb + rest


def _figures(folder: Path, figures: Sequence[str], names: Names) -> dict[str, Any]:
    files = {"network": folder / "network" / "network.svg"}
    files |= {figure: folder / names.model / "figures" / f"{figure}.svg" for figure in figures}
    return {figure: _figure(file, figure, names) for figure, file in files.items()}


def _figure(file: Path, figure: str, names: Names) -> Any:
    return inline_svg(file, f"{names.outcome}-{figure}", f"{names.outcome_label}: {CAPTIONS[figure]}")
