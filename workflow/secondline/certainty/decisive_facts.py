"""The facts that may decide an answer, each with the move that measures it.

Of every fact the largest move counts, one that puts another candidate first before all others. What no other analysis
answers, such as a difference between the arms of a study, is measured by leaving the study out, which says how much
rests on the study rather than on the fact: such facts follow those that are measured by themselves.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isclose, isinf

from secondline.cell_values import PRIOR_SHARE
from secondline.cells import left_out_name
from secondline.certainty.decisive_settings import AxisSettings, DecisiveSettings
from secondline.certainty.moves import (
    ANOTHER,
    LEFT_OUT,
    Lead,
    Move,
    moves_of_analyses,
    moves_of_levels,
    moves_of_overlaps,
)
from secondline.thresholds import LARGE_DIFFERENCE, LARGE_MOVE, LARGE_SHARE

Row = Mapping[str, str]

READING, USE, FINDING, ADDITIVITY, OVERLAP, CHOICE = "reading", "use", "finding", "additivity", "overlap", "choice"
IMBALANCE, EVENTS, PRIOR = "imbalance", "events_per_covariate", "prior"
_NO_OVERLAP, _BOUND = "none", "bound"
_ARMS = "arms"


@dataclass(frozen=True, kw_only=True)
class OutcomeTables:
    """Tables of one outcome, and those of all outcomes that say something of it; empty where a run has none.

    Parameters
    ----------
    contributions, sensitivity : rows
        Of the outcome and the headline model.
    others : mapping
        evidence.csv of other analyses, by name.
    """

    evidence: Sequence[Row]
    steps: Sequence[Row] = ()
    levels: Sequence[Row] = ()
    shares: Sequence[Row] = ()
    flips: Sequence[Row] = ()
    alternatives: Sequence[Row] = ()
    overlap: Sequence[Row] = ()
    additivity: Sequence[Row] = ()
    contributions: Sequence[Row] = ()
    sensitivity: Sequence[Row] = ()
    effects: Sequence[Row] = ()
    audit: Sequence[Row] = ()
    differences: Sequence[Row] = ()
    others: Mapping[str, Sequence[Row]] = field(default_factory=dict)

    @property
    def used(self) -> list[Row]:
        """Rows of evidence that enter the fit."""
        return [row for row in self.evidence if row["used"] == "true"]

    @property
    def studies(self) -> list[str]:
        """Studies that enter the fit."""
        return list(dict.fromkeys(row["study"] for row in self.used))


@dataclass(frozen=True, kw_only=True)
class Fact:
    """What may decide the answer of one setting.

    Parameters
    ----------
    kind, subject : str
        The subject is a study, two studies, or a choice.
    move : Move or None
        The move that measures it; None where no table has one.
    table, row : str
        The table that the fact was found in, and the key of its row.
    place : str
        Line of the sheet, and place in the paper.
    together : tuple
        Axis, level and new first candidate of another choice with which this one changes who is first.
    first_order, total : str
        Shares of the variance of the lead contrast that the choice explains.
    share : str
        Share of the prior in the lead contrast.
    """

    kind: str
    subject: str
    move: Move | None
    table: str
    row: str
    place: str = ""
    together: tuple[str, str, str] | None = None
    first_order: str = ""
    total: str = ""
    share: str = ""

    @property
    def order(self) -> tuple[bool, bool, float]:
        """Sorts facts, those first that move the answer most."""
        if self.move is None:
            return True, True, 0.0
        changes, size = self.move.weight
        return self.move.how == LEFT_OUT, not changes, -size


def facts_of(lead: Lead, tables: OutcomeTables, settings: DecisiveSettings, outcome: str) -> list[Fact]:
    """List what may decide the answer in one setting, the largest move first."""
    axes = settings.axes.get(outcome, {})
    levels = moves_of_levels(lead, tables.steps, tables.levels)
    findings = list(_findings(lead, tables, settings, outcome))
    told = _told_by_findings(findings, tables)
    found = [
        *findings,
        *_choices(lead, [m for m in levels if (m.axis, m.alternative) not in told], tables, axes),
        *_additivity(levels, tables, axes),
        *_overlaps(lead, levels, tables, axes, settings.overlap),
        *_imbalances(lead, tables, settings, outcome),
        *_events(lead, levels, tables, settings, outcome),
        *_prior(lead, tables),
    ]
    return sorted(found, key=lambda fact: fact.order)


def _largest(moves: Iterable[Move]) -> Move | None:
    return max(moves, key=lambda move: move.weight, default=None)


def _is_decisive(move: Move) -> bool:
    """Whether a move puts another candidate first, or is larger than a standard deviation of the lead contrast."""
    return move.change == ANOTHER or abs(move.size or 0.0) > LARGE_MOVE


def _choices(
    lead: Lead, levels: Sequence[Move], tables: OutcomeTables, axes: Mapping[str, AxisSettings]
) -> Iterator[Fact]:
    """List the choices that decide: alone, or by the variance that they explain; whether a study is used is apart."""
    drop = {
        (row["axis"], row["level"])
        for row in tables.alternatives
        if row["axis"] in axes and axes[row["axis"]].of == "study" and row["used"] != "true"
    }
    shares = {
        row["axis"]: row
        for row in tables.shares
        if (row["setting"], row["quantity"]) == (lead.setting, "lead_effect") and row["total"]
    }
    for name, axis in axes.items():
        if axis.of == "overlap" or (axis.of == "structure" and _adds(tables)):
            continue
        own = [move for move in levels if move.axis == name]
        move = _largest(move for move in own if (name, move.alternative) not in drop)
        share = shares.get(name, {})
        if move and (_is_decisive(move) or float(share.get("total", 0)) >= LARGE_SHARE):
            yield Fact(
                kind=READING if axis.of == "study" else CHOICE,
                subject=axis.study or name,
                move=move,
                table="doubt/specification_steps.csv",
                row=f"{move.axis}={move.alternative}",
                together=_together(lead, move, tables),
                first_order=share.get("first_order", ""),
                total=share.get("total", ""),
            )
        without = _largest(move for move in own if (name, move.alternative) in drop)
        if without and _is_decisive(without):
            yield Fact(
                kind=USE,
                subject=axis.study or name,
                move=without,
                table="doubt/specification_steps.csv",
                row=f"{without.axis}={without.alternative}",
            )


def _together(lead: Lead, move: Move, tables: OutcomeTables) -> tuple[str, str, str] | None:
    """Find a choice with which this one puts another candidate first, although neither does so alone."""
    for row in tables.flips:
        if row["setting"] == lead.setting and row["size"] == "2" and row["change"] == "another_first":
            pairs = [(row["axis_1"], row["level_1"]), (row["axis_2"], row["level_2"])]
            if (own := (move.axis, move.alternative)) in pairs:
                other = pairs[1 - pairs.index(own)]
                return (*other, row["first"])
    return None


def _sources(tables: OutcomeTables) -> dict[str, str]:
    """Find the sources of the effects that enter the fit, with their studies."""
    used = {_identity(row): float(row["effect"]) for row in tables.used if row.get("effect")}
    return {
        row["source"]: row["study"]
        for row in tables.effects
        if _identity(row) in used and isclose(used[_identity(row)], float(row["log_effect"]), abs_tol=1e-9)
    }


def _identity(row: Row) -> tuple[str, ...]:
    return tuple(row[key] for key in ("study", "treatment_arm", "comparator_arm", "population", "method", "adjustment"))


def _findings(lead: Lead, tables: OutcomeTables, settings: DecisiveSettings, outcome: str) -> Iterator[Fact]:
    """List findings about effects in use whose other reading changes who is first, or moves the lead contrast far."""
    sources = _sources(tables)
    for k, row in enumerate(tables.audit):
        if not row["analyses"] or row["source"] not in sources:
            continue
        ratio, others = settings.ratios[outcome], row["analyses"].split()
        move = _largest(moves_of_analyses(lead, tables.sensitivity, settings.analysis, others, ratio))
        if move and (move.change or _is_decisive(move)):
            yield Fact(
                kind=FINDING,
                subject=row["study"],
                move=move,
                table="evidence/audit.csv",
                row=_audit_key(k, row),
                place=row["source"],
            )


def _audit_key(number: int, row: Row) -> str:
    return f"{number + 1}: {row['study']}, {row['check']}, {row['item']}"


def _told_by_findings(findings: Sequence[Fact], tables: OutcomeTables) -> set[tuple[str, str]]:
    """Levels of the choices that give the same figures of a study as the analysis that answers a finding."""
    told = set()
    by_level: dict[tuple[str, str], list[Row]] = {}
    for row in tables.alternatives:
        by_level.setdefault((row["axis"], row["level"]), []).append(row)
    for fact in findings:
        assert fact.move is not None
        theirs = _figures(row for row in tables.others.get(fact.move.alternative, ()) if row["study"] == fact.subject)
        told |= {key for key, rows in by_level.items() if _figures(rows) == theirs}
    return told


def _figures(rows: Iterable[Row]) -> set[tuple[str, ...]]:
    keys = ("study", "treatment_arm", "comparator_arm", "effect", "se")
    return {tuple(row[key] for key in keys) for row in rows}


def _adds(tables: OutcomeTables) -> bool:
    """Whether regimens combine components, whose effects the model adds."""
    return any(row["kind"] == "interaction" for row in tables.additivity)


def _additivity(levels: Sequence[Move], tables: OutcomeTables, axes: Mapping[str, AxisSettings]) -> Iterator[Fact]:
    """Additivity, wherever regimens combine components, by the other structures among the choices."""
    if _adds(tables):
        move = _largest(move for move in levels if axes[move.axis].of == "structure")
        axis = next((name for name, axis in axes.items() if axis.of == "structure"), "")
        yield Fact(kind=ADDITIVITY, subject=axis or ADDITIVITY, move=move, table="doubt/additivity.csv", row="total")


def _overlaps(
    lead: Lead, levels: Sequence[Move], tables: OutcomeTables, axes: Mapping[str, AxisSettings], declared: str
) -> Iterator[Fact]:
    """Pairs of studies that may share patients, and choices of their correlation where no table has the pairs."""
    found = list(moves_of_overlaps(lead, tables.overlap, declared, _NO_OVERLAP if declared == _BOUND else _BOUND))
    for pair, move in found:
        yield Fact(kind=OVERLAP, subject=pair, move=move, table="doubt/overlap.csv", row=f"{pair}, {move.alternative}")
    for name, axis in axes.items():
        largest = _largest(move for move in levels if move.axis == name)
        if axis.of == "overlap" and largest and not found:
            key = f"{name}={largest.alternative}"
            yield Fact(kind=CHOICE, subject=name, move=largest, table="doubt/specification_steps.csv", row=key)


def _left_out(lead: Lead, study: str, tables: OutcomeTables, settings: DecisiveSettings, outcome: str) -> Move | None:
    name, ratio = left_out_name(settings.analysis, study), settings.ratios[outcome]
    return _largest(moves_of_analyses(lead, tables.sensitivity, settings.analysis, [name], ratio, LEFT_OUT))


def _imbalances(lead: Lead, tables: OutcomeTables, settings: DecisiveSettings, outcome: str) -> Iterator[Fact]:
    """Studies in use whose arms differ in prognostic factors by more than half a standard deviation."""
    large = large_differences(tables.differences, settings.prognostic)
    places = {study: source for source, study in reversed(_sources(tables).items())}
    for study in dict.fromkeys(row["study_a"] for row in large):
        if study in tables.studies:
            rows = [row for row in large if row["study_a"] == study]
            yield Fact(
                kind=IMBALANCE,
                subject=study,
                move=_left_out(lead, study, tables, settings, outcome),
                table="evidence/standardised_differences.csv",
                row=f"{study}: {', '.join(row['characteristic'] for row in rows)}",
                place=places.get(study, ""),
            )


def large_differences(differences: Iterable[Row], prognostic: Iterable[str]) -> list[Row]:
    """Rows of standardised_differences.csv between arms of a study, of prognostic factors, above the limit."""
    known = set(prognostic)
    return [
        row
        for row in differences
        if row["level"] == _ARMS
        and row["characteristic"] in known
        and row["difference"]
        and (isinf(float(row["difference"])) or abs(float(row["difference"])) > LARGE_DIFFERENCE)
    ]


def _events(
    lead: Lead, levels: Sequence[Move], tables: OutcomeTables, settings: DecisiveSettings, outcome: str
) -> Iterator[Fact]:
    """List adjusted effects in use with too few events, by the crude effect among the choices, or without the study."""
    sources = _sources(tables)
    crude = {
        (row["axis"], row["level"])
        for row in tables.alternatives
        if row.get("method") == "crude_hr" and row["used"] == "true"  # figures by arm have no method
    }
    for k, row in enumerate(tables.audit):
        if row["check"] == EVENTS and row["source"] in sources:
            own = [move for move in levels if (move.axis, move.alternative) in crude and move.axis == row["study"]]
            yield Fact(
                kind=EVENTS,
                subject=row["study"],
                move=_largest(own) or _left_out(lead, row["study"], tables, settings, outcome),
                table="evidence/audit.csv",
                row=_audit_key(k, row),
                place=row["source"],
            )


def _prior(lead: Lead, tables: OutcomeTables) -> Iterator[Fact]:
    """Share of the prior in the lead contrast, where it is large; no other analysis measures what it changes."""
    pair = {lead.first, lead.runner_up}
    for row in tables.contributions:
        here = (row["setting"], row["study"]) == (lead.setting, PRIOR_SHARE)
        if here and {row["treatment"], row["comparator"]} == pair and float(row["share"] or 0) >= LARGE_SHARE:
            key = f"{lead.setting}, {row['treatment']}, {row['comparator']}"
            table = "certainty/contributions.csv"
            yield Fact(kind=PRIOR, subject=PRIOR, move=None, table=table, row=key, share=row["share"])
            return
