"""League tables of two outcomes for papers: a triangle each, candidates by rank, and notes on what is behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from secondline.cell_values import DIRECT, OVERALL
from secondline.network.arms import rows_with
from secondline.report.figures.style import EVIDENCE
from secondline.report.prose.doubt import WHY
from secondline.report.prose.evidence_facts import patients_counted
from secondline.report.prose.first import NOBODY, candidates_of, first_of, ranked_candidates
from secondline.report.prose.methods_model import effects_in_words
from secondline.report.prose.sentences import uninformed
from secondline.report.settings import MethodsFacts
from secondline.report.tables.results import Table
from secondline.report.taus import symbol
from secondline.report.words import (
    INTERVAL,
    NOT_CONVERGED,
    Names,
    Row,
    evidence_words,
    is_true,
    listed,
    number,
    plural,
    settings_of,
)
from secondline.tables import read_table

MOST_NAMED = 12  # studies that a note names
NOTHING = "–"


@dataclass(frozen=True, kw_only=True)
class OutcomeFit:
    """Tables of the headline model of one outcome, and the evidence behind it."""

    names: Names
    relative: Sequence[Row]
    ranking: Sequence[Row]
    heterogeneity: Sequence[Row]
    evidence: Sequence[Row]

    @classmethod
    def read(cls, folder: Path, names: Names) -> "OutcomeFit":
        """Read the tables of an outcome from results/<analysis>/<outcome>."""
        model = folder / names.model
        relative, ranking, heterogeneity = (
            read_table(model / f"{table}.csv") for table in ("relative_effects", "ranking", "heterogeneity")
        )
        evidence = read_table(folder / "evidence.csv")
        return cls(names=names, relative=relative, ranking=ranking, heterogeneity=heterogeneity, evidence=evidence)

    @property
    def label(self) -> str:
        """Label of the outcome."""
        return self.names.outcome_label

    @property
    def converged(self) -> bool:
        """Whether its fit passed its checks."""
        return all(is_true(row, "converged") for row in self.relative)


def pair_tables(below: OutcomeFit, above: OutcomeFit, facts: MethodsFacts) -> list[Table]:
    """Tabulate the effects between the candidates of every setting: one outcome below the diagonal, one above it.

    All settings together are no setting in which anybody is treated, and have no table where there are settings.
    """
    names = below.names
    settings = [name for name in settings_of(below.ranking) if not names.has_settings or name != OVERALL]
    tables = [_table(below, above, setting, facts) for setting in settings]
    return [table for table in tables if len(table.rows) > 1]


def in_order(below: OutcomeFit, above: OutcomeFit, setting: str) -> tuple[list[str], list[str]]:
    """Candidates of either outcome by their rank in the first, or else in the second; and those with a rank in it."""
    both = dict.fromkeys(row["treatment"] for fit in (below, above) for row in candidates_of(fit.ranking, setting))
    ranked = [[row["treatment"] for row in ranked_candidates(fit.ranking, setting)] for fit in (below, above)]
    first = ranked[0] or ranked[1]
    return list(dict.fromkeys([*first, *ranked[1], *both])), first


def _table(below: OutcomeFit, above: OutcomeFit, setting: str, facts: MethodsFacts) -> Table:
    names = below.names
    order, _ = in_order(below, above, setting)
    effects = [
        {(row["treatment"], row["comparator"]): row for row in fit.relative if row["setting"] == setting}
        for fit in (below, above)
    ]
    rows, marks = [], []
    for i, treatment in enumerate(order):
        cells, letters = [names.regimen(treatment)], [""]
        for k, comparator in enumerate(order):
            fit, known = (below, effects[0]) if i > k else (above, effects[1])
            row = known.get((treatment, comparator)) if i != k else None
            cells.append(fit.names.estimate(row) if row else NOTHING)
            letters.append("" if row is None or row["evidence"] == DIRECT else EVIDENCE[row["evidence"]].letter)
        rows.append(cells)
        marks.append(letters)
    title = f"{below.label} (below the diagonal) and {above.label} (above it)"
    caption = ": ".join(filter(None, [names.place(setting), title]))
    failed = [fit.label for fit in (below, above) if not fit.converged]
    return Table(
        caption + (f". {NOT_CONVERGED}, do not use: {listed(failed)}" if failed else ""),
        ("Treatment", *map(names.regimen, order)),
        rows,
        names.place(setting),
        notes=_notes(below, above, setting, facts, {letter for line in marks for letter in line}),
        marks=marks,
        section=f"{below.label} and {above.label}",
    )


def _notes(below: OutcomeFit, above: OutcomeFit, setting: str, facts: MethodsFacts, letters: set[str]) -> list[str]:
    """Say how to read a table and what stands behind it: model, heterogeneity, studies, evidence, order."""
    names, both = below.names, (below, above)
    model = facts.models[names.model]
    measures = " and ".join(
        f"{fit.names.effects.words.lower()} ({fit.names.measure}) of {fit.label} {side} the diagonal"
        for fit, side in zip(both, ("below", "above"), strict=True)
    )
    marks = [f"{mark.letter} {evidence_words(name)}" for name, mark in EVIDENCE.items() if mark.letter in letters]
    directions = " ".join(fit.names.direction_of_outcome for fit in both)
    return [
        f"Row treatment against column treatment, {measures}; posterior median ({INTERVAL}). {directions}",
        f"Model “{names.model}”: {effects_in_words(model, facts, names)}.",
        *(_behind(fit, model.needs) for fit in both),
        f"Evidence: {'; '.join(['no letter, direct', *marks])}."
        + (" Where it is prior-driven, the data do not determine the effect." if "P" in letters else ""),
        _order(below, above, setting),
        *(_first(fit, setting) for fit in both),
        *_missing(below, above, setting),
    ]


def _behind(fit: OutcomeFit, covariates: Sequence[str]) -> str:
    """Count the studies and patients of an outcome, and say how heterogeneous its studies are."""
    rows = rows_with(fit.evidence, covariates)
    studies = list(dict.fromkeys(row["study"] for row in rows))
    named = f" ({listed(map(fit.names.study, studies))})" if len(studies) <= MOST_NAMED else ""
    counted = ", ".join(filter(None, [f"{plural(len(studies), 'study', 'studies')}{named}", patients_counted(rows)]))
    spread = [
        f"{symbol(row['parameter'])} {number(row['median'])} (95% CrI {number(row['lower'])} to "
        f"{number(row['upper'])}; prior {row['prior']}{', not informed by the data' if uninformed(row) else ''})"
        for row in fit.heterogeneity
    ]
    heterogeneity = f"{', '.join(spread)}, on the scale of the {fit.names.link_scale}" if spread else "τ is taken as 0"
    return f"{fit.label}: {counted}; {heterogeneity}."


def _order(below: OutcomeFit, above: OutcomeFit, setting: str) -> str:
    """Say in which order the candidates are."""
    names, (order, ranked) = below.names, in_order(below, above, setting)
    by = below if ranked_candidates(below.ranking, setting) else above
    if not ranked:
        return "The candidates are not ranked, as the effects between them are prior-driven."
    rest = [names.regimen(name) for name in order if name not in ranked]
    last = f"; not ranked in it: {listed(rest)}" if rest else ""
    return f"Candidates in the order of their SUCRA for {by.label}{last}."


def _first(fit: OutcomeFit, setting: str) -> str:
    """Say who is named first for an outcome, or why nobody is."""
    best, candidates = first_of(fit.ranking, setting), candidates_of(fit.ranking, setting)
    if best:
        sucra = number(best["candidate_sucra"])
        return f"{fit.label}: {fit.names.regimen(best['treatment'])} ranks first (SUCRA {sucra})."
    why = WHY.get(candidates[0]["not_named"], "") if candidates else "no treatment of its network is a candidate"
    return f"{fit.label}: {NOBODY[0].lower()}{NOBODY[1:]}{f', as {why}' if why else ''}."


def _missing(below: OutcomeFit, above: OutcomeFit, setting: str) -> list[str]:
    """Name the treatments that are no candidates, and are not shown."""
    order, _ = in_order(below, above, setting)
    known = dict.fromkeys(
        row["treatment"] for fit in (below, above) for row in fit.ranking if row["setting"] == setting
    )
    left_out = [below.names.regimen(name) for name in known if name not in order]
    return [f"Not shown, as they are not candidates: {listed(left_out)}."] if left_out else []
