"""report.html of one analysis: one self-contained file made from tables and figures in results/."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from secondline.layout import (
    DECISIVE_TABLE,
    HEADLINE_TABLES,
    INCONSISTENCY_FIGURES,
    INCONSISTENCY_TABLES,
    MODEL_TABLES,
    TWIN_TABLES,
)
from secondline.network.arms import used_arms
from secondline.report.certainty import Certainty
from secondline.report.direct import direct_of
from secondline.report.doubt import Doubt
from secondline.report.figures.splits import splits_of
from secondline.report.figures.style import EVIDENCE
from secondline.report.page.certainty import certainty_sections, read_certainties
from secondline.report.page.doubt import doubt_sections, read_doubts
from secondline.report.page.explanations import explanations
from secondline.report.page.explorer import explorer_data
from secondline.report.page.first_screen import first_screen
from secondline.report.page.inline import inline_svg
from secondline.report.page.outcome_pairs import outcome_pairs
from secondline.report.page.sections import SECTIONS
from secondline.report.page.weigh import weigh_section
from secondline.report.prose.answer import answer_cards, strength_of
from secondline.report.prose.doubt import lead_sentence
from secondline.report.prose.evidence_facts import evidence_facts
from secondline.report.prose.first import first_sentences, lead_of
from secondline.report.prose.methods import methods_text
from secondline.report.prose.robustness import robustness
from secondline.report.prose.sentences import (
    design_words,
    fit_sentences,
    inconsistency_sentences,
    informed_words,
    not_converged,
)
from secondline.report.prose.verdict import small
from secondline.report.settings import PopulationSettings, ReportSettings
from secondline.report.tables import checks, prisma, results
from secondline.report.tables.certainty import legend
from secondline.report.tables.checklists import checklist_parts, write_checklists
from secondline.report.tables.evidence_map import comparison_table, edge_marks, evidence_map, map_sentences
from secondline.report.tables.populations import definitions_table, population_sentences, population_tables
from secondline.report.tables.reproducibility import digests_table, reproducibility_sentences
from secondline.report.tables.studies import studies_table
from secondline.report.tables.verification import doubtful_table, verification_sentences
from secondline.report.titles import analysis_under, heading, subject
from secondline.report.twin import twin
from secondline.report.words import (
    GLOSSARY,
    INTERVAL,
    NOT_A_CANDIDATE,
    NOT_RANKED,
    Names,
    Row,
    all_candidates,
    evidence_words,
    is_true,
    settings_of,
)
from secondline.tables import read_table, write_table, write_text

ByModel = Mapping[str, Mapping[str, Sequence[Row]]]  # rows by table and model


TEMPLATES = Path(__file__).with_name("templates")
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


def write_report(sources: Sources, settings: ReportSettings, output: Path) -> None:
    """Write report.html of an analysis, and its checklists as tables.

    Parameters
    ----------
    settings : ReportSettings
        From `secondline.jobs.report_settings.report_settings`.
    """
    context = report_context(sources, settings)
    write_text(output, render(context))
    write_table(sources.analysis / "summary" / "prisma_nma.csv", context["prisma"]["rows"], prisma.COLUMNS)
    write_checklists(context["checklists"], sources.analysis / "summary")


def render(context: Mapping[str, Any]) -> str:
    """Fill the template."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["lower_first"] = small
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}  # keys in our order
    sections = [section for section in SECTIONS if not section.needs or context[section.needs]]
    return environment.get_template("report.html.j2").render(context, sections=sections)


_WORDS = {
    "interval": INTERVAL,
    "not_candidate": NOT_A_CANDIDATE,
    "not_ranked": NOT_RANKED,
    "letters": {name: mark.letter for name, mark in EVIDENCE.items()},
    "words": {name: evidence_words(name) for name in EVIDENCE},
    "glossary": GLOSSARY,
}
"""What the template shows in every report."""


def report_context(sources: Sources, settings: ReportSettings) -> dict[str, Any]:
    """Everything the template shows, as text, tables and figures."""
    labels, folder = settings.labels, sources.analysis
    names = Names(labels, settings.analysis, model=labels.headline, direct=direct_of(folder, settings))
    fits = read_table(folder / "summary" / "fits.csv")
    sensitivity = read_table(sources.sensitivity)
    effects, derivation = (read_table(sources.evidence / f"{table}.csv") for table in ("effects", "derivation"))
    audit = [row for row in read_table(sources.evidence / "audit.csv") if row["study"] in settings.studies]
    evidence = {outcome: read_table(folder / outcome / "evidence.csv") for outcome in settings.outcomes}
    by_model = {outcome: _by_model(folder / outcome, settings.models) for outcome in settings.outcomes}
    doubts, certainties = read_doubts(folder, settings), read_certainties(sources.analysis, settings)
    sections = [
        _outcome_section(
            sources,
            settings,
            replace(names, outcome=outcome),
            (evidence[outcome], by_model[outcome]),
            (sensitivity, effects, derivation),
            (doubts.get(outcome), certainties.get(outcome)),
        )
        for outcome in settings.outcomes
    ]
    lead = {outcome: by_model[outcome]["ranking"][names.model] for outcome in settings.lead}
    designs = {study: facts.design for study, facts in settings.studies.items()}
    verdicts, decisive = _verdicts(sources), _decisive(folder, settings)
    meanings = explanations(settings, names)
    versions = sorted({row["versions"] for row in fits})
    compared = any(len(table.rows) > 1 for section in sections for table in section["robustness"].tables)
    return {
        **_WORDS,
        **_head(settings, evidence, names),
        "headline": names.model,
        "models": settings.models,
        "everyone": all(section["everyone"] for section in sections),
        "has_settings": names.has_settings,
        "settings": list(dict.fromkeys(card.setting for section in sections for card in section["cards"])),
        "failed": [*not_converged(fits, names), *(text for section in sections for text in section["failed"])],
        "lead": settings.lead,
        "strength": strength_of({outcome: evidence[outcome] for outcome in lead}, lead, designs, names),
        "evidence_words": meanings,
        "outcomes": sections,
        **_live(folder, settings, by_model, names),
        **first_screen(by_model, certainties, decisive, settings, names),
        "absolute": any(section["absolute"] for section in sections),
        "sucra": inline_svg(folder / "summary" / "sucra.svg", "sucra", "SUCRA by outcome and treatment"),
        "populations": _populations(sources, settings.populations, names),
        "pairs": outcome_pairs(folder, settings, names),
        "compared": compared,
        "compared_in": settings.compared_in,
        "doubt": doubt_sections(folder, doubts, by_model, decisive, names),
        "certainty": certainty_sections(folder, certainties, settings.certainty, names),
        "fits": checks.fits_table(fits, names),
        "verification": verification_sentences(verdicts, names),
        "doubtful": doubtful_table(verdicts, names),
        "audit": results.audit_tables(audit, names),
        "studies": studies_table(settings.studies, evidence, audit, verdicts, names),
        "methods": methods_text(settings, evidence, meanings, versions, names),
        "prisma": _prisma(settings, compared),
        "checklists": checklist_parts(settings, {section.id: section.word for section in SECTIONS}),
        "reproducibility": reproducibility_sentences(settings, versions, _timings(folder, settings)),
        "digests": digests_table(folder, settings.outcomes, names),
    }


def _live(
    folder: Path, settings: ReportSettings, by_model: Mapping[str, ByModel], names: Names
) -> dict[str, dict[str, Any] | None]:
    """Gather what the scripts of the page read."""
    return {
        "explorer": explorer_data(by_model, settings.lead[0], names),
        "weigh": weigh_section(folder, settings, names),
    }


def _head(settings: ReportSettings, evidence: Mapping[str, Sequence[Row]], names: Names) -> dict[str, Any]:
    """Say what the page is about: question, title, analysis, and the evidence in one line."""
    return {
        "heading": heading(settings, names),
        "title": subject(settings, names),
        "variant": analysis_under(settings, names),
        "facts": evidence_facts(evidence, settings.lead[0], settings.studies, names),
    }


def _timings(folder: Path, settings: ReportSettings) -> list[dict[str, str]]:
    """Read how long the fits of all outcomes took."""
    return [row for outcome in settings.outcomes for row in read_table(folder / outcome / "timings.csv")]


def _decisive(folder: Path, settings: ReportSettings) -> list[dict[str, str]]:
    """Read what decides the answers, where the run lists it for this analysis."""
    return read_table(folder / f"{DECISIVE_TABLE}.csv") if settings.decisive else []


def _verdicts(sources: Sources) -> list[dict[str, str]]:
    """Read what the verification found, where studies come from sheets."""
    file = sources.evidence / "sources.csv"
    return read_table(file) if file.exists() else []


def _prisma(settings: ReportSettings, compared: bool) -> dict[str, Any]:
    """Fill the PRISMA-NMA checklist by what this run has."""
    has = {
        "sheets": bool(settings.methods.sheets),
        "populations": bool(settings.populations),
        "inconsistency": bool(settings.inconsistency),
        "variations": compared,
    }
    rows = prisma.prisma_checklist(has)
    return {
        "rows": rows,
        "sentence": prisma.prisma_sentence(rows),
        "table": prisma.prisma_table(rows, {section.id: section.word for section in SECTIONS}),
    }


def _populations(sources: Sources, populations: PopulationSettings | None, names: Names) -> dict[str, Any] | None:
    """Who was treated, and whether the studies are alike; nothing where no study describes its patients."""
    if not populations:
        return None
    rows, file = read_table(sources.evidence / "transitivity.csv"), sources.analysis / "summary" / "populations.svg"
    return {
        "sentences": population_sentences(rows, populations, names),
        "figure": inline_svg(file, "populations", "Baseline characteristics by study and arm"),
        "tables": [
            *population_tables(rows, populations, names),
            definitions_table(read_table(sources.evidence / "characteristics.csv"), populations, names),
        ],
    }


def _by_model(folder: Path, models: Sequence[str]) -> ByModel:
    return {table: {model: read_table(folder / model / f"{table}.csv") for model in models} for table in MODEL_TABLES}


def _outcome_section(
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
        "absolute": _absolute(sources.analysis, headline["absolute_effects"], names),
        "figures": _figures(here, settings.headline_figures, edge_marks(edges, arms, studies, names), names),
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


def _absolute(folder: Path, rows: Sequence[Row], names: Names) -> dict[str, Any] | None:
    """Gather what to expect under every treatment; nothing without a declared baseline."""
    if not rows:
        return None
    observed = read_table(folder / names.outcome / "network" / "observed.csv")
    return {
        "sentences": results.assumption_sentences(rows, names),
        "figure": _figure(folder / "summary" / f"absolute_{names.outcome}.svg", "absolute", names),
        "tables": [results.absolute_table(rows, place, names, observed) for place in settings_of(rows)],
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
