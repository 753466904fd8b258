"""How robust the first rank is: under other models, in other analyses, and with each study left out in turn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from secondline.cells import left_out_study, parse_mix
from secondline.report.prose.first import NOBODY, candidates_of, first_of, ranked_candidates
from secondline.report.tables.results import Table
from secondline.report.words import Names, Row, all_candidates, listed, number, plural, probability, settings_of

STUDY, ANALYSIS, MODEL = "study", "analysis", "model"
KINDS = {
    STUDY: ("leave-one-out fit", "leave-one-out fits"),
    ANALYSIS: ("other analysis", "other analyses"),
    MODEL: ("other model", "other models"),
}


@dataclass(frozen=True)
class Variation:
    """The contrasts of one fit in one setting, and how that fit differs from the report's own."""

    kind: str
    """What differs, a key of `KINDS`; nothing for the report's own fit."""
    label: str
    rows: Sequence[Row]
    """Rows of summary/sensitivity.csv."""

    @property
    def ranked(self) -> int:
        """Number of treatments that have a rank among the candidates."""
        return len({row["treatment"] for row in self.rows if row["candidate_sucra"]})

    def rank(self, treatment: str) -> Row | None:
        """Row with the ranks of a treatment; None where it is not in the network."""
        return next((row for row in self.rows if row["treatment"] == treatment), None)

    @property
    def first(self) -> Row | None:
        """Row of the treatment that is named first; None where none can be."""
        return next((row for row in self.rows if row["named_first"] == "true"), None)

    def effect(self, treatment: str, comparator: str) -> Row | None:
        """Row of one contrast; None where it is not in the network."""
        return next(
            (row for row in self.rows if (row["treatment"], row["comparator"]) == (treatment, comparator)), None
        )

    @property
    def adjustment(self) -> str:
        """How many studies are adjusted and how many crude."""
        return listed(f"{n} {kind}" for kind, n in parse_mix(self.rows[0]["adjustment"]).items())


def variations(sensitivity: Sequence[Row], setting: str, leave_one_out: str, names: Names) -> list[Variation]:
    """Gather the report's own fit of an outcome, its other models, the other analyses, and every study left out.

    Parameters
    ----------
    sensitivity : rows
        summary/sensitivity.csv
    leave_one_out : str
        The analysis whose studies were left out in turn; empty where there is none.
    """
    fits: dict[tuple[str, str], list[Row]] = {}
    for row in sensitivity:
        own = row["analysis"] == names.analysis
        if (row["outcome"], row["setting"]) == (names.outcome, setting) and (own or row["model"] == names.model):
            fits.setdefault((row["analysis"], row["model"]), []).append(row)
    found = [_variation(analysis, model, rows, leave_one_out, names) for (analysis, model), rows in fits.items()]
    known = list(names.labels.analyses.values())
    order = ["", MODEL, ANALYSIS, STUDY]

    def place(variation: Variation) -> tuple[int, int, str]:
        position = known.index(variation.label) if variation.kind == ANALYSIS else 0
        return order.index(variation.kind), position, variation.label if variation.kind == STUDY else ""

    return _each_once(sorted(found, key=place))


def _each_once(found: Sequence[Variation]) -> list[Variation]:
    """Keep one of the variations that are one fit, the same evidence under the same model, with the names of all.

    A study that is left out is counted among these, whatever other analysis leaves it out.
    """
    same: dict[Any, list[Variation]] = {}
    for variation in found:
        row = variation.rows[0]
        same.setdefault((row["model"], row.get("evidence_digest") or variation.label), []).append(variation)
    kept = []
    for members in same.values():
        first, *others = sorted(members, key=lambda variation: (bool(variation.kind), variation.kind != STUDY))
        names = f" (on the same evidence: {listed(v.label for v in others)})" if others else ""
        kept.append(replace(first, label=first.label + names))
    return kept


def _variation(analysis: str, model: str, rows: Sequence[Row], base: str, names: Names) -> Variation:
    labels = names.labels.analyses
    if analysis == names.analysis:
        own = model == names.model
        return Variation("" if own else MODEL, "This report" if own else f"Model “{model}”", rows)
    if analysis in labels:
        return Variation(ANALYSIS, labels[analysis], rows)
    left_out = f"leaving out {names.study(left_out_study(analysis, base))}"
    return Variation(STUDY, left_out if base == names.analysis else names.label_of_analysis(analysis), rows)


@dataclass(frozen=True)
class Robustness:
    """How robust the first ranks of an outcome are: sentences by setting, and a table per setting."""

    sentences: dict[str, str]
    tables: list[Table]
    counts: dict[str, str]
    """The first sentence alone, by label of the setting: in how many variations it is as here."""


def robustness(sensitivity: Sequence[Row], ranking: Sequence[Row], leave_one_out: str, names: Names) -> Robustness:
    """Say in how many variations the same treatment is named first, or none, and how far its effect moves.

    The effect is that against the next candidate, on which the first rank rests.

    Parameters
    ----------
    sensitivity, ranking : rows
        summary/sensitivity.csv, and ranking.csv of the report's own fit.
    leave_one_out : str
        The analysis whose studies were left out in turn; empty where there is none.
    """
    places: dict[str, list[str]] = {}
    tables, counts = [], {}
    for setting in settings_of(ranking):
        found, pair = variations(sensitivity, setting, leave_one_out, names), _compared(ranking, setting)
        stays = _stays(found, ranking, setting, names)
        said = [stays, *(_moves(found, *pair, names) if pair else ())]
        if stays:
            counts[names.place(setting)] = f"{stays.partition(' Exceptions: ')[0]}"
        if text := " ".join(filter(None, said)):
            places.setdefault(text, []).append(names.place(setting))
        tables.append(_table(found, pair, setting, ranking, names))
    return Robustness({"; ".join(where): text for text, where in places.items()}, tables, counts)


def _compared(ranking: Sequence[Row], setting: str) -> tuple[str, str] | None:
    """Find the two highest among the ranked candidates; None where none has a rank."""
    order = ranked_candidates(ranking, setting)
    return (order[0]["treatment"], order[1]["treatment"]) if order else None


def _stays(found: Sequence[Variation], ranking: Sequence[Row], setting: str, names: Names) -> str:
    """Count the variations that name the same treatment first, or none as here, and list the others."""
    others = [variation for variation in found if variation.kind]
    if not others or not candidates_of(ranking, setting):
        return ""
    named = _name(first_of(ranking, setting))
    firsts = {variation.label: variation.first for variation in others}
    lost = [variation for variation in others if _name(firsts[variation.label]) != named]
    counts = []
    for kind, words in KINDS.items():
        members = [variation for variation in others if variation.kind == kind]
        if members:
            kept = sum(variation not in lost for variation in members)
            counts.append(f"{kept} of {plural(len(members), *words)}")
    text = f"{names.regimen(named)} remains first" if named else f"{NOBODY} here, nor"
    text = f"{text} in {listed(counts)}."
    if lost:
        text += (
            f" Exceptions: {'; '.join(_lost(variation, firsts[variation.label], named, names) for variation in lost)}."
        )
    return text


def _name(row: Row | None) -> str | None:
    return row["treatment"] if row else None


def _lost(variation: Variation, first: Row | None, mine: str | None, names: Names) -> str:
    """Say who is first in a variation instead, and where the one named here is."""
    parts = ["no treatment can be named first"]
    if first:
        parts = [f"{names.regimen(first['treatment'])} is first, SUCRA {number(first['candidate_sucra'])}"]
    if mine:
        own, label = variation.rank(mine), names.regimen(mine)
        if own is None:
            parts.append(f"{label} is not in the network")
        elif own["candidate_sucra"]:
            parts.append(f"{label} {number(own['candidate_sucra'])}")
    return f"{variation.label} ({'; '.join([*parts, variation.adjustment])})"


def _moves(found: Sequence[Variation], mine: str, other: str, names: Names) -> list[str]:
    """Say over which range the effect of the first candidate moves, and how many studies each estimate is based on."""
    effects = [(variation, variation.effect(mine, other)) for variation in found]
    known = [(variation, row) for variation, row in effects if row is not None]
    if len(known) < 2:
        return []
    low, high = (end(known, key=lambda item: float(item[1]["estimate"])) for end in (min, max))
    own = next((row for variation, row in known if not variation.kind), None)
    here = f" is {names.estimate(own)} here ({found[0].adjustment}) and" if own else ""
    ends = " to ".join(
        f"{names.estimate(row)} ({variation.label}; {variation.adjustment})" for variation, row in (low, high)
    )
    pair = f"{names.regimen(mine)} against {names.regimen(other)}"
    return [f"The {names.measure} of {pair}{here} ranges across the variations from {ends}."]


def _table(
    found: Sequence[Variation], pair: tuple[str, str] | None, setting: str, ranking: Sequence[Row], names: Names
) -> Table:
    """Tabulate who is named first in every variation, and what becomes of this report's highest, if any has a rank."""
    everyone = all_candidates(ranking)
    columns = ["Variation", "Treatments ranked" if everyone else "Candidates ranked"]
    columns += ["First" if everyone else "First among candidates", "SUCRA", "P(best)"]
    columns += _columns_of(*pair, names) if pair else []
    rows = []
    for variation in found:
        first = variation.first
        name = names.regimen(first["treatment"]) if first else "none can be named"
        cells = [variation.label, str(variation.ranked), name, *_ranks(first)]
        rows.append([*cells, *(_cells_of(variation, *pair, names) if pair else ()), variation.adjustment])
    columns.append("Contributing studies, adjusted or crude")
    return Table(f"{names.heading(setting)}: robustness of the first rank", tuple(columns), rows, names.place(setting))


def _columns_of(mine: str, other: str, names: Names) -> list[str]:
    label = names.regimen(mine)
    effect = f"{label} against {names.regimen(other)}: {names.measure} (95% CrI)"
    return [f"{label}: SUCRA", f"{label}: P(best)", effect]


def _cells_of(variation: Variation, mine: str, other: str, names: Names) -> list[str]:
    own, effect = variation.rank(mine), variation.effect(mine, other)
    ranks = _ranks(own) if own else ["not in the network", "–"]
    return [*ranks, names.estimate(effect) if effect else "–"]


def _ranks(row: Row | None) -> list[str]:
    """SUCRA and P(best) among the candidates, as far as the treatment has a rank."""
    ranked = row and row["candidate_sucra"]
    return [number(row["candidate_sucra"]), probability(row["candidate_p_best"])] if row and ranked else ["–", "–"]
