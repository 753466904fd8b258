"""What the page shows of one outcome: its sentences, tables and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from secondline.layout import (
    HEADLINE_TABLES,
    INCONSISTENCY_FIGURES,
    INCONSISTENCY_TABLES,
    TWIN_TABLES,
)
from secondline.network.arms import used_arms
from secondline.report.certainty import Certainty
from secondline.report.doubt import Doubt
from secondline.report.figures.splits import splits_of
from secondline.report.page.inline import inline_svg
from secondline.report.prose.answer import answer_cards
from secondline.report.prose.doubt import lead_sentence
from secondline.report.prose.first import first_sentences, lead_of
from secondline.report.prose.robustness import robustness
from secondline.report.prose.sentences import (
    design_words,
    engine_sentence,
    fit_sentences,
    inconsistency_sentences,
    informed_words,
)
from secondline.report.settings import ReportSettings
from secondline.report.tables import checks, results
from secondline.report.tables.certainty import legend
from secondline.report.tables.conversions import conversion_sentences, conversion_table
from secondline.report.tables.evidence_map import comparison_table, evidence_map, map_sentences, network_marks
from secondline.report.twin import twin
from secondline.report.words import (
    Names,
    Row,
    all_candidates,
    is_true,
    settings_of,
)
from secondline.tables import read_table

ByModel = Mapping[str, Mapping[str, Sequence[Row]]]
"""Rows by table and model."""
CAPTIONS = {
    "network": "network of comparisons",
    "forest": "effects relative to the reference",
    "rankogram": "rank probabilities",
    "cumulative_ranks": "probability of each rank or a better one",
    "absolute": "absolute outcomes from the declared baseline",
    "heterogeneity": "prior and posterior of the heterogeneity parameters",
    "leverage": "leverage of the data points",
    "node_splits": "direct against indirect evidence",
    "dev_dev": "deviance with and without consistency",
}


@dataclass(frozen=True)
class Sources:
    """Where the tables of a report are: those of its analysis, and those about all analyses."""

    analysis: Path
    """results/<analysis>"""
    evidence: Path
    """The folder of the global evidence tables."""
    sensitivity: Path
    """The table of all analyses side by side, or of the models of this one."""


def outcome_section(
    sources: Sources,
    settings: ReportSettings,
    names: Names,
    own: tuple[Sequence[Row], ByModel],
    shared: tuple[Sequence[Row], Sequence[Row], Sequence[Row]],
    trust: tuple[Doubt | None, Certainty | None],
) -> dict[str, Any]:
    """One outcome: its sentences, with that on doubt where it is one of the first screen, tables and figures."""
    (evidence, by_model), (sensitivity, effects, derivation), (doubt, certainty) = own, shared, trust
    here, studies = sources.analysis / names.outcome, settings.studies
    headline = {table: read_table(here / names.model / f"{table}.csv") for table in HEADLINE_TABLES}
    ranking, relative = (by_model[table][names.model] for table in ("ranking", "relative_effects"))
    design = design_words(evidence, {study: facts.design for study, facts in studies.items()})
    arms, edges = used_arms(evidence), read_table(here / "network" / "edges.csv")
    drawn = evidence_map(ranking, arms, names)
    places, allowed = settings_of(ranking), settings.rechallenge
    inconsistency = _inconsistency(here / "inconsistency", evidence, settings, names)

    def said(place: str) -> list[str]:
        doubted = lead_sentence(doubt, ranking, place, names) if doubt and names.outcome in settings.lead else ""
        return [
            *first_sentences(ranking, relative, place, design, names, allowed.get(place)),
            *filter(None, [doubted]),
        ]

    return {
        "id": names.outcome,
        "label": names.outcome_label,
        "direction": names.direction,
        "measure": names.effects.words,
        "computed": engine_sentence(headline["rank_probabilities"]),
        "everyone": all_candidates(ranking),
        "failed": inconsistency.pop("failed"),
        "cards": answer_cards(ranking, relative, names),
        "map": drawn,
        "missing": map_sentences(drawn),
        "comparisons": comparison_table(edges, arms, names),
        "sentences": [
            (names.place(place), lead := lead_of(ranking, place, names), " ".join(said(place)).removeprefix(lead))
            for place in places
        ],
        "robustness": robustness(sensitivity, ranking, settings.leave_one_out or "", names),
        "evidence": results.evidence_tables(evidence, effects, studies, names, derivation),
        "excluded": results.excluded_table(evidence, names),
        "ranking": [results.ranking_table(ranking, place, names) for place in places],
        "league": [results.league_table(headline["league_table"], place, names, certainty) for place in places],
        "shades": legend(certainty) if certainty else [],
        "absolute": _absolute(sources.analysis, headline["absolute_effects"], headline["conversions"], names),
        "figures": _figures(here, settings.headline_figures, network_marks(edges, arms, studies, names), names),
        "coefficients": checks.coefficients_table(by_model["coefficients"], names),
        "heterogeneity": checks.heterogeneity_table(by_model["heterogeneity"], names),
        "informed": [informed_words(row) + "." for row in by_model["heterogeneity"][names.model]],
        "fit": fit_sentences(by_model["data_points"][names.model], names),
        "statistics": checks.statistics_table(by_model["fit_statistics"], by_model["loo"], names),
        "checks": checks.check_table(by_model["exact_check"], names),
        "twin": twin(
            [read_table(here / "frequentist" / f"{name}.csv") for name in TWIN_TABLES], relative, ranking, names
        ),
        "mixtures": checks.mixture_table(headline["mixtures"], studies, names),
        "inconsistency": inconsistency,
    }


def _absolute(folder: Path, rows: Sequence[Row], converted: Sequence[Row], names: Names) -> dict[str, Any] | None:
    """Gather what to expect under every treatment; nothing without a declared baseline."""
    if not rows:
        return None
    observed = read_table(folder / names.outcome / "network" / "observed.csv")
    return {
        "sentences": results.assumption_sentences(rows, names),
        "figure": _figure(folder / "summary" / f"absolute_{names.outcome}.svg", "absolute", names),
        "tables": [results.absolute_table(rows, place, names, observed) for place in settings_of(rows)],
        "conversions": [conversion_table(converted, place, names) for place in settings_of(converted)],
        "converted": conversion_sentences(converted),
    }


def _inconsistency(folder: Path, evidence: Sequence[Row], settings: ReportSettings, names: Names) -> dict[str, Any]:
    """Gather what was assessed of the inconsistency of an outcome, or say where it was assessed instead."""
    if settings.inconsistency != names.analysis:
        where = settings.inconsistency
        text = f"Assessed in the analysis “{names.label_of_analysis(where)}”." if where else "Not assessed in this run."
        return {"sentences": [text], "tables": [], "figures": {}, "failed": []}
    splits, unrelated, statistics, tests, _ = (read_table(folder / f"{table}.csv") for table in INCONSISTENCY_TABLES)
    comparisons = splits_of(splits, used_arms(evidence))
    failed = [row["model"] for row in statistics if not is_true(row, "converged")]
    tables = [
        checks.freedom_table(tests, names),
        checks.splits_table(comparisons, statistics, names),
        checks.not_assessable_table(comparisons, names),
        checks.consistency_table(statistics, names),
        checks.unrelated_table(unrelated, names),
    ]
    return {
        "sentences": inconsistency_sentences(comparisons, statistics, names, tests),
        "tables": [table for table in tables if table.rows],
        "figures": {name: _figure(folder / "figures" / f"{name}.svg", name, names) for name in INCONSISTENCY_FIGURES},
        "failed": [f"{names.outcome_label}, inconsistency, {model}" for model in failed],
    }


def _figures(
    folder: Path, figures: Sequence[str], marks: Mapping[str, Mapping[str, str]], names: Names
) -> dict[str, Any]:
    """Figures of an outcome; the lines of its network know their studies."""
    files = {figure: folder / names.model / "figures" / f"{figure}.svg" for figure in figures}
    network = _figure(folder / "network" / "network.svg", "network", names, marks)
    return {"network": network} | {figure: _figure(file, figure, names) for figure, file in files.items()}


def _figure(file: Path, figure: str, names: Names, marks: Mapping[str, Mapping[str, str]] | None = None) -> Any:
    return inline_svg(file, f"{names.outcome}-{figure}", f"{names.outcome_label}: {CAPTIONS[figure]}", marks)
