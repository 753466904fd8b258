"""decisive.csv: what may decide the answers of an analysis, by outcome and setting, what moves them most first."""

from pathlib import Path
from typing import Any

from secondline.certainty.decisive_facts import Fact, OutcomeTables, facts_of
from secondline.certainty.decisive_settings import DecisiveSettings
from secondline.certainty.moves import Lead, leads
from secondline.tables import read_table

COLUMNS = (
    "outcome",
    "setting",
    "rank",
    "kind",
    "subject",
    "what",
    "first",
    "runner_up",
    "effect",
    "sd",
    "measured_by",
    "alternative",
    "alternative_label",
    "declared_effect",
    "other_effect",
    "standard_errors",
    "other_first",
    "change",
    "with_choice",
    "with_level",
    "with_first",
    "first_order",
    "total",
    "share",
    "table",
    "row",
    "place",
)


def decisive_rows(results: Path, shared: Path, settings: DecisiveSettings) -> list[dict[str, Any]]:
    """List what may decide the answers of an analysis.

    Parameters
    ----------
    results, shared : path
        results/ of the run, and the folder of the tables of all analyses.

    Returns
    -------
    list of dict
        Rows with `COLUMNS` but for ``what``, which is a matter of words. ``effect`` and ``sd`` are the lead contrast
        in the headline model, link scale; ``declared_effect`` and ``other_effect`` are its values in the table that
        measures the fact, and ``standard_errors`` is their difference in units of ``sd``.
    """
    rows = []
    for outcome in settings.ratios:
        folder = results / settings.analysis / outcome
        ranking, relative = (
            read_table(folder / settings.headline / f"{name}.csv") for name in ("ranking", "relative_effects")
        )
        tables = read_tables(results, shared, settings, outcome)
        for lead in leads(ranking, relative):
            facts = facts_of(lead, tables, settings, outcome)
            rows += [_row(outcome, lead, k, fact) for k, fact in enumerate(facts, 1)]
    return rows


def read_tables(results: Path, shared: Path, settings: DecisiveSettings, outcome: str) -> OutcomeTables:
    """Read what a run has of one outcome; tables that it does not write are empty."""
    folder, written = results / settings.analysis / outcome, settings.tables.get(outcome, ())

    def doubt(name: str) -> list[dict[str, str]]:
        return read_table(folder / "doubt" / name) if name in written else []

    audit = read_table(shared / "evidence" / "audit.csv")
    named = dict.fromkeys(name for row in audit for name in row["analyses"].split())
    files = {name: results / name / outcome / "evidence.csv" for name in named}
    return OutcomeTables(
        evidence=read_table(folder / "evidence.csv"),
        steps=doubt("specification_steps.csv"),
        levels=doubt("specification_levels.csv"),
        shares=doubt("specification_shares.csv"),
        flips=doubt("specification_flips.csv"),
        alternatives=read_table(folder / "doubt" / "alternatives.csv") if "specifications.csv.gz" in written else (),
        overlap=doubt("overlap.csv"),
        additivity=doubt("additivity.csv"),
        contributions=[
            row for row in read_table(folder / "certainty" / "contributions.csv") if row["model"] == settings.headline
        ],
        sensitivity=[
            row
            for row in read_table(shared / "summary" / "sensitivity.csv")
            if (row["outcome"], row["model"]) == (outcome, settings.headline)
        ],
        effects=[row for row in read_table(shared / "evidence" / "effects.csv") if row["outcome"] == outcome],
        audit=audit,
        differences=read_table(shared / "evidence" / "standardised_differences.csv"),
        others={name: read_table(file) for name, file in files.items() if file.exists()},
    )


def _row(outcome: str, lead: Lead, rank: int, fact: Fact) -> dict[str, Any]:
    move = fact.move
    choice, level, first = fact.together or ("", "", "")
    measured = (
        {
            "measured_by": move.how,
            "alternative": move.alternative,
            "alternative_label": move.label,
            "declared_effect": move.declared,
            "other_effect": move.other,
            "standard_errors": move.size,
            "other_first": move.first,
            "change": move.change,
        }
        if move
        else {}
    )
    return {
        "outcome": outcome,
        "setting": lead.setting,
        "rank": rank,
        "kind": fact.kind,
        "subject": fact.subject,
        "first": lead.first,
        "runner_up": lead.runner_up,
        "effect": lead.effect,
        "sd": lead.sd,
        **measured,
        "with_choice": choice,
        "with_level": level,
        "with_first": first,
        "first_order": fact.first_order,
        "total": fact.total,
        "share": fact.share,
        "table": fact.table,
        "row": fact.row,
        "place": fact.place,
    }
