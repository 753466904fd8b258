"""report.html of one analysis: one self-contained file made from tables and figures in results/."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nma.network.arms import used_arms
from nma.report import check_tables, prisma, report_tables
from nma.report.answer import answer_cards, strength_of
from nma.report.evidence_map import comparison_table, edge_marks, evidence_map, map_sentences
from nma.report.explorer import explorer_data
from nma.report.first import NOBODY, first_sentences
from nma.report.hangs_on import hangs_on
from nma.report.inline import inline_svg
from nma.report.methods import methods_text
from nma.report.population_tables import definitions_table, population_sentences, population_tables
from nma.report.reproducibility import digests_table, reproducibility_sentences
from nma.report.sentences import (
    design_words,
    fit_sentences,
    inconsistency_sentences,
    learned,
    not_converged,
)
from nma.report.settings import HEADLINE_TABLES, INCONSISTENCY_FIGURES, INCONSISTENCY_TABLES, MODEL_TABLES, TWIN_TABLES
from nma.report.splits import splits_of
from nma.report.study_tables import studies_table
from nma.report.style import EVIDENCE
from nma.report.twin import twin
from nma.report.verification import doubtful_table, verification_sentences
from nma.report.words import (
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
from nma.tables import read_table, write_table, write_text

ByModel = Mapping[str, Mapping[str, Sequence[Row]]]  # rows by table and model


@dataclass(frozen=True)
class Section:
    """A section of the page."""

    id: str
    word: str
    title: str
    needs: str = ""


TEMPLATES = Path(__file__).with_name("templates")
# The page, section by section: the id is that of its anchor and of its file in templates/sections/, and the word that
# of the contents. A section stands in a report whose context holds what `needs` names, and holds it non-empty.
SECTIONS = (
    Section("answer", "Answer", "What ranks first, and on what evidence"),
    Section("evidence-map", "Evidence map", "Evidence map"),
    Section("network", "Network", "Network of comparisons"),
    Section("studies", "Studies", "Studies and risk flags"),
    Section("audit", "Audit", "Audit of the evidence"),
    Section("populations", "Populations", "Populations", needs="populations"),
    Section("effects", "Relative effects", "Relative effects"),
    Section("rankings", "Rankings", "Rankings"),
    Section("absolute", "Absolute effects", "Absolute effects", needs="absolute"),
    Section("outcome-pairs", "Two outcomes", "Two outcomes against each other", needs="pairs"),
    Section("checking", "Model checking", "Model checking"),
    Section("hangs-on", "Sensitivity", "What the first rank hangs on"),
    Section("methods", "Methods", "Methods"),
    Section("prisma", "PRISMA-NMA", "PRISMA-NMA checklist"),
    Section("versions", "Reproducibility", "Reproducibility"),
)
PLAIN = {
    "direct": "a study compared the two in whole arms",
    "indirect": "linked through other treatments, or inside mixed arms",
    "prior_driven": "not estimable from the data, or more than 20% wider once a prior scale (effects, τ, ω) is doubled",
}
BY_SETTING = {
    "direct": "a study of the setting compared the two in whole arms",
    "mixed_setting": "compared in whole arms, but only by a study of several settings that has no result for it",
    "indirect": PLAIN["indirect"],
    "extrapolated": "one of the two was given to nobody in the setting; the effect comes from other settings",
    "prior_driven": PLAIN["prior_driven"],
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
    """The table of all analyses side by side, or of the models of this one."""


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

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}  # keys in our order
    sections = [section for section in SECTIONS if not section.needs or context[section.needs]]
    return environment.get_template("report.html.j2").render(context, sections=sections)


def report_context(sources: Sources, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Everything the template shows, as text, tables and figures."""
    labels, folder = settings["labels"], sources.analysis
    names = Names(labels, settings["analysis"], model=labels["headline"])
    fits = read_table(folder / "summary" / "fits.csv")
    sensitivity = read_table(sources.sensitivity)
    effects, derivation = (read_table(sources.evidence / f"{table}.csv") for table in ("effects", "derivation"))
    audit = [row for row in read_table(sources.evidence / "audit.csv") if row["study"] in settings["studies"]]
    evidence = {outcome: read_table(folder / outcome / "evidence.csv") for outcome in settings["outcomes"]}
    by_model = {outcome: _by_model(folder / outcome, settings["models"]) for outcome in settings["outcomes"]}
    sections = [
        _outcome_section(
            sources,
            settings,
            Names(labels, names.analysis, outcome, names.model),
            evidence[outcome],
            by_model[outcome],
            sensitivity,
            effects,
            derivation,
        )
        for outcome in settings["outcomes"]
    ]
    lead = {outcome: by_model[outcome]["ranking"][names.model] for outcome in settings["lead"]}
    designs = {study: facts["design"] for study, facts in settings["studies"].items()}
    file = sources.evidence / "sources.csv"  # there where studies come from sheets
    verdicts = read_table(file) if file.exists() else []
    explanations = {evidence_words(name): text for name, text in (BY_SETTING if names.has_settings else PLAIN).items()}
    versions = sorted({row["versions"] for row in fits})
    timings = [row for outcome in settings["outcomes"] for row in read_table(folder / outcome / "timings.csv")]
    compared = any(len(table.rows) > 1 for section in sections for table in section["hangs_on"].tables)
    return {
        "title": names.analysis_label,
        "headline": names.model,
        "models": settings["models"],
        "interval": INTERVAL,
        "not_candidate": NOT_A_CANDIDATE,
        "not_ranked": NOT_RANKED,
        "everyone": all(section["everyone"] for section in sections),
        "has_settings": names.has_settings,
        "settings": list(dict.fromkeys(card.setting for section in sections for card in section["cards"])),
        "failed": [*not_converged(fits, names), *(text for section in sections for text in section["failed"])],
        "lead": settings["lead"],
        "strength": strength_of({outcome: evidence[outcome] for outcome in lead}, lead, designs, names),
        "evidence_words": explanations,
        "letters": {name: mark.letter for name, mark in EVIDENCE.items()},
        "words": {name: evidence_words(name) for name in EVIDENCE},
        "glossary": GLOSSARY,
        "outcomes": sections,
        "explorer": explorer_data(by_model, settings["lead"][0], names),
        "absolute": any(section["absolute"] for section in sections),
        "sucra": inline_svg(folder / "summary" / "sucra.svg", "sucra", "SUCRA by outcome and treatment"),
        "populations": _populations(sources, settings["populations"], names),
        "pairs": _pairs(folder, settings, names),
        "compared": compared,
        "compared_in": settings["compared_in"],
        "fits": check_tables.fits_table(fits, names),
        "verification": verification_sentences(verdicts),
        "doubtful": doubtful_table(verdicts),
        "audit": report_tables.audit_tables(audit),
        "studies": studies_table(settings["studies"], evidence, audit, verdicts, names),
        "methods": methods_text(settings, evidence, explanations, versions, names),
        "prisma": _prisma(settings, compared),
        "reproducibility": reproducibility_sentences(settings, versions, timings),
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
    return {
        "rows": rows,
        "sentence": prisma.prisma_sentence(rows),
        "table": prisma.prisma_table(rows, {section.id: section.word for section in SECTIONS}),
    }


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


def _by_model(folder: Path, models: Sequence[str]) -> ByModel:
    return {table: {model: read_table(folder / model / f"{table}.csv") for model in models} for table in MODEL_TABLES}


def _outcome_section(
    sources: Sources,
    settings: Mapping[str, Any],
    names: Names,
    evidence: Sequence[Row],
    by_model: ByModel,
    sensitivity: Sequence[Row],
    effects: Sequence[Row],
    derivation: Sequence[Row],
) -> dict[str, Any]:
    """One outcome: its sentences, tables and figures."""
    here, studies = sources.analysis / names.outcome, settings["studies"]
    headline = {table: read_table(here / names.model / f"{table}.csv") for table in HEADLINE_TABLES}
    ranking, relative = (by_model[table][names.model] for table in ("ranking", "relative_effects"))
    design = design_words(evidence, {study: facts["design"] for study, facts in studies.items()})
    arms, edges = used_arms(evidence), read_table(here / "network" / "edges.csv")
    drawn = evidence_map(ranking, arms, names)
    places, allowed = settings_of(ranking), settings["rechallenge"]
    inconsistency = _inconsistency(here / "inconsistency", evidence, settings, names)
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
            (names.place(place), *_lead(first_sentences(ranking, relative, place, design, names, allowed.get(place))))
            for place in places
        ],
        "hangs_on": hangs_on(sensitivity, ranking, settings, names),
        "evidence": report_tables.evidence_tables(evidence, effects, studies, names, derivation),
        "excluded": report_tables.excluded_table(evidence, names),
        "ranking": [report_tables.ranking_table(ranking, place, names) for place in places],
        "league": [report_tables.league_table(headline["league_table"], place, names) for place in places],
        "absolute": _absolute(sources.analysis, headline["absolute_effects"], names),
        "figures": _figures(here, settings["headline_figures"], edge_marks(edges, arms, studies, names), names),
        "coefficients": check_tables.coefficients_table(by_model["coefficients"], names),
        "heterogeneity": check_tables.heterogeneity_table(by_model["heterogeneity"], names),
        "learned": [learned(row) + "." for row in by_model["heterogeneity"][names.model]],
        "fit": fit_sentences(by_model["data_points"][names.model], names),
        "statistics": check_tables.statistics_table(by_model["fit_statistics"], by_model["loo"], names),
        "checks": check_tables.check_table(by_model["exact_check"], names),
        "twin": twin(
            [read_table(here / "frequentist" / f"{name}.csv") for name in TWIN_TABLES], relative, ranking, names
        ),
        "mixtures": check_tables.mixture_table(headline["mixtures"], studies, names),
        "inconsistency": inconsistency,
    }


def _absolute(folder: Path, rows: Sequence[Row], names: Names) -> dict[str, Any] | None:
    """Gather what to expect under every treatment; nothing without a declared baseline."""
    if not rows:
        return None
    observed = read_table(folder / names.outcome / "network" / "observed.csv")
    return {
        "sentences": report_tables.assumption_sentences(rows, names),
        "figure": _figure(folder / "summary" / f"absolute_{names.outcome}.svg", "absolute", names),
        "tables": [report_tables.absolute_table(rows, place, names, observed) for place in settings_of(rows)],
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
    splits, unrelated, statistics, tests, _ = (read_table(folder / f"{table}.csv") for table in INCONSISTENCY_TABLES)
    comparisons = splits_of(splits, used_arms(evidence))
    failed = [row["model"] for row in statistics if not is_true(row, "converged")]
    tables = [
        check_tables.freedom_table(tests, names),
        check_tables.splits_table(comparisons, statistics, names),
        check_tables.not_assessable_table(comparisons, names),
        check_tables.consistency_table(statistics, names),
        check_tables.unrelated_table(unrelated, names),
    ]
    return {
        "sentences": inconsistency_sentences(comparisons, statistics, names, tests),
        "tables": [table for table in tables if table.rows],
        "figures": {name: _figure(folder / "figures" / f"{name}.svg", name, names) for name in INCONSISTENCY_FIGURES},
        "failed": [f"{names.outcome_label}, inconsistency, {model}" for model in failed],
    }


def _lead(sentences: Sequence[str]) -> tuple[str, str]:
    """Split what the page prints bold, who is first or that nobody is, from the rest."""
    text = " ".join(sentences)
    if NOBODY in text:
        before, bold, rest = text.partition(NOBODY)
        return before + bold, rest
    name, verb, rest = text.partition(" ranks first")
    return name, verb + rest


def _figures(
    folder: Path, figures: Sequence[str], marks: Mapping[str, Mapping[str, str]], names: Names
) -> dict[str, Any]:
    """Figures of an outcome; the lines of its network know their studies."""
    files = {figure: folder / names.model / "figures" / f"{figure}.svg" for figure in figures}
    network = _figure(folder / "network" / "network.svg", "network", names, marks)
    return {"network": network} | {figure: _figure(file, figure, names) for figure, file in files.items()}


def _figure(file: Path, figure: str, names: Names, marks: Mapping[str, Mapping[str, str]] | None = None) -> Any:
    return inline_svg(file, f"{names.outcome}-{figure}", f"{names.outcome_label}: {CAPTIONS[figure]}", marks)
