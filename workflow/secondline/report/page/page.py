"""report.html of one analysis: one self-contained file made from tables and figures in results/."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from secondline.layout import (
    DECISIVE_TABLE,
    MODEL_TABLES,
)
from secondline.report.direct import direct_of
from secondline.report.doubt import Doubt
from secondline.report.figures.style import EVIDENCE
from secondline.report.figures.sucra import COLOURS
from secondline.report.page.bundle import bundle
from secondline.report.page.certainty import certainty_sections, read_certainties
from secondline.report.page.doubt import doubt_sections, read_doubts
from secondline.report.page.explanations import explanations
from secondline.report.page.explorer import explorer_data
from secondline.report.page.first_screen import Around, first_screen
from secondline.report.page.folding import fold
from secondline.report.page.inline import inline_svg
from secondline.report.page.outcome import ByModel, Sources, outcome_section
from secondline.report.page.outcome_pairs import outcome_pairs
from secondline.report.page.robustness import robustness_charts
from secondline.report.page.sections import sections_with, titles
from secondline.report.page.weigh import SCRIPT, weigh_section
from secondline.report.prose.answer import strength_of
from secondline.report.prose.evidence_facts import evidence_facts
from secondline.report.prose.methods import methods_text
from secondline.report.prose.phrases import small
from secondline.report.prose.sentences import (
    not_converged,
)
from secondline.report.settings import PopulationSettings, ReportSettings
from secondline.report.tables import checks, prisma, results
from secondline.report.tables.benefit import Balance, balances
from secondline.report.tables.checklists import checklist_parts, write_checklists
from secondline.report.tables.populations import definitions_table, population_sentences, population_tables
from secondline.report.tables.reproducibility import digests_table, reproducibility_sentences
from secondline.report.tables.studies import studies_table
from secondline.report.tables.verification import doubtful_table, verification_sentences
from secondline.report.titles import analysis_under, heading, subject
from secondline.report.words import (
    GLOSSARY,
    INTERVAL,
    NOT_A_CANDIDATE,
    NOT_RANKED,
    Names,
    Row,
    evidence_words,
)
from secondline.tables import read_table, write_table, write_text

TEMPLATES = Path(__file__).with_name("templates")


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
    environment.filters |= {"lower_first": small, "fold": fold}
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}  # keys in our order
    return environment.get_template("report.html.j2").render(
        context, sections=sections_with(context), script=bundle(SCRIPT, "page/main.js")
    )


_WORDS = {
    "interval": INTERVAL,
    "not_candidate": NOT_A_CANDIDATE,
    "not_ranked": NOT_RANKED,
    "letters": {name: mark.letter for name, mark in EVIDENCE.items()},
    "words": {name: evidence_words(name) for name in EVIDENCE},
    "glossary": GLOSSARY,
    "sucra_colours": COLOURS,
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
        outcome_section(
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
    verdicts = _verdicts(sources)
    around = Around(_decisive(folder, settings), sensitivity, settings.leave_one_out or "")
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
        "evidence_words": explanations(settings, names),
        "outcomes": sections,
        **_shown(folder, settings, by_model, sensitivity, doubts, names),
        **first_screen(by_model, doubts, certainties, around, settings, names),
        "absolute": any(section["absolute"] for section in sections),
        "sucra": inline_svg(folder / "summary" / "sucra.svg", "sucra", "SUCRA by outcome and treatment"),
        "populations": _populations(sources, settings.populations, names),
        "pairs": outcome_pairs(folder, settings, names),
        "compared": compared,
        "compared_in": settings.compared_in,
        "doubt": doubt_sections(folder, doubts, by_model, around.decisive, names),
        "certainty": certainty_sections(folder, certainties, settings.certainty, names),
        "fits": checks.fits_table(fits, names),
        "verification": verification_sentences(verdicts, names),
        "doubtful": doubtful_table(verdicts, names),
        "audit": results.audit_tables(audit, names),
        "studies": studies_table(settings.studies, evidence, audit, verdicts, names),
        "methods": methods_text(settings, evidence, explanations(settings, names), versions, names),
        "prisma": _prisma(settings, compared),
        "checklists": checklist_parts(settings, titles()),
        "reproducibility": reproducibility_sentences(settings, versions, _timings(folder, settings)),
        "digests": digests_table(folder, settings.outcomes, names),
    }


def _balances(by_model: Mapping[str, ByModel], settings: ReportSettings, names: Names) -> list[Balance]:
    """Tabulate benefit and harm, the leading outcomes first."""
    order = [*settings.lead, *(name for name in by_model if name not in settings.lead)]
    rankings, relative = (
        {name: by_model[name][table][names.model] for name in order} for table in ("ranking", "relative_effects")
    )
    return balances(rankings, relative, {name: replace(names, outcome=name) for name in order})


def _shown(
    folder: Path,
    settings: ReportSettings,
    by_model: Mapping[str, ByModel],
    sensitivity: Sequence[Row],
    doubts: Mapping[str, Doubt],
    names: Names,
) -> dict[str, Any]:
    """Gather what the effects are shown in: comparisons at choice, benefit and harm, the panel, the variations."""
    return {
        "explorer": explorer_data(by_model, settings.lead[0], names),
        "benefit": _balances(by_model, settings, names),
        "weigh": (weigh := weigh_section(folder, settings, names)),
        "variations": robustness_charts(
            sensitivity,
            {outcome: members["ranking"][names.model] for outcome, members in by_model.items()},
            settings,
            weigh,
            {outcome: replace(names, outcome=outcome) for outcome in by_model},
            doubts,
            folder,
        ),
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
        "table": prisma.prisma_table(rows, titles()),
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
