"""What the first rank hangs on: under other models, in other analyses, and with each study left out in turn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nma.network.arms import parse_mix
from nma.report.report_tables import Table
from nma.report.sentences import best_candidate
from nma.report.words import (
    Names,
    Row,
    all_candidates,
    by_rank,
    listed,
    number,
    plural,
    probability,
    reference_of,
    settings_of,
)

STUDY, ANALYSIS, MODEL = "study", "analysis", "model"
KINDS = {
    STUDY: ("fit that leaves a study out", "fits that leave a study out"),
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

    @cached_property
    def ranked(self) -> list[Row]:
        """One row a treatment, the highest SUCRA first."""
        members = {row["treatment"]: row for row in self.rows}
        return sorted(members.values(), key=lambda row: -float(row["sucra"]))

    def rank(self, treatment: str) -> Row | None:
        """Row with the SUCRA of a treatment; None where it is not in the network."""
        return next((row for row in self.ranked if row["treatment"] == treatment), None)

    def first(self, barred: Sequence[str]) -> Row | None:
        """Treatment with the highest SUCRA among those that may be chosen."""
        return next((row for row in self.ranked if row["treatment"] not in barred), None)

    def effect(self, treatment: str, comparator: str) -> Row | None:
        """Row of one contrast; None where it is not in the network."""
        return next(
            (row for row in self.rows if (row["treatment"], row["comparator"]) == (treatment, comparator)), None
        )

    @property
    def adjustment(self) -> str:
        """How many studies are adjusted and how many crude."""
        return listed(f"{n} {kind}" for kind, n in parse_mix(self.rows[0]["adjustment"]).items())


def variations(sensitivity: Sequence[Row], setting: str, settings: Mapping[str, Any], names: Names) -> list[Variation]:
    """Gather the report's own fit of an outcome, its other models, the other analyses, and every study left out.

    Parameters
    ----------
    sensitivity : rows
        summary/sensitivity.csv
    """
    fits: dict[tuple[str, str], list[Row]] = {}
    for row in sensitivity:
        own = row["analysis"] == names.analysis
        if (row["outcome"], row["setting"]) == (names.outcome, setting) and (own or row["model"] == names.model):
            fits.setdefault((row["analysis"], row["model"]), []).append(row)
    found = [_variation(analysis, model, rows, settings, names) for (analysis, model), rows in fits.items()]
    known = list(settings["labels"]["analyses"].values())
    order = ["", MODEL, ANALYSIS, STUDY]

    def place(variation: Variation) -> tuple[int, int, str]:
        position = known.index(variation.label) if variation.kind == ANALYSIS else 0
        return order.index(variation.kind), position, variation.label if variation.kind == STUDY else ""

    return sorted(found, key=place)


def _variation(analysis: str, model: str, rows: Sequence[Row], settings: Mapping[str, Any], names: Names) -> Variation:
    labels, base = settings["labels"]["analyses"], settings["leave_one_out"]
    if analysis == names.analysis:
        own = model == names.model
        return Variation("" if own else MODEL, "This report" if own else f"Model “{model}”", rows)
    if analysis in labels:
        return Variation(ANALYSIS, labels[analysis], rows)
    left_out = f"leaving out {analysis.removeprefix(f'{base}_without_')}"
    return Variation(STUDY, left_out if base == names.analysis else f"{labels[base]}, {left_out}", rows)


@dataclass(frozen=True)
class HangsOn:
    """What the first ranks of an outcome hang on.

    ``sentences`` stand under the settings that they hold for; ``tables`` are one a setting.
    """

    sentences: dict[str, str]
    tables: list[Table]


def hangs_on(sensitivity: Sequence[Row], ranking: Sequence[Row], settings: Mapping[str, Any], names: Names) -> HangsOn:
    """Say in how many variations the first candidate stays first, which turn the ranking, and how far its effect moves.

    Parameters
    ----------
    sensitivity, ranking : rows
        summary/sensitivity.csv, and ranking.csv of the report's own fit.
    """
    places: dict[str, list[str]] = {}
    tables = []
    for setting in settings_of(ranking):
        found, barred = variations(sensitivity, setting, settings, names), settings["not_candidates"].get(setting, [])
        pair = _compared(ranking, setting)
        said = [_stays(found, pair[0], barred, names), *_moves(found, *pair, names)] if pair else []
        if text := " ".join(filter(None, said)):
            places.setdefault(text, []).append(names.place(setting))
        tables.append(_table(found, pair, setting, barred, ranking, names))
    return HangsOn({"; ".join(where): text for text, where in places.items()}, tables)


def _compared(ranking: Sequence[Row], setting: str) -> tuple[str, str] | None:
    """Find the first candidate and what its effect is given against: the reference, or the next treatment.

    None where nothing is a candidate, or nothing can be compared.
    """
    best = best_candidate(ranking, setting)
    if best is None:
        return None
    others = [reference_of(ranking, setting), *(row["treatment"] for row in by_rank(ranking, setting))]
    other = next((name for name in others if name != best["treatment"]), None)
    return (best["treatment"], other) if other else None


def _stays(found: Sequence[Variation], mine: str, barred: Sequence[str], names: Names) -> str:
    """Count the variations that keep the first rank, and name those that do not."""
    others = [variation for variation in found if variation.kind]
    if not others:
        return ""
    winners = {variation.label: variation.first(barred) for variation in others}
    lost = [variation for variation in others if (winners[variation.label] or {}).get("treatment") != mine]
    counts = []
    for kind, words in KINDS.items():
        members = [variation for variation in others if variation.kind == kind]
        if members:
            kept = sum(variation not in lost for variation in members)
            counts.append(f"{kept} of {plural(len(members), *words)}")
    label = names.regimen(mine)
    text = f"{label} stays first in {listed(counts)}."
    if lost:
        text += f" Not so: {'; '.join(_lost(variation, winners[variation.label], mine, names) for variation in lost)}."
    return text


def _lost(variation: Variation, winner: Row | None, mine: str, names: Names) -> str:
    """Say who is first in a variation instead."""
    own = variation.rank(mine)
    after = f"{names.regimen(mine)} {number(own['sucra'])}" if own else f"{names.regimen(mine)} is not in the network"
    first = (
        f"{names.regimen(winner['treatment'])} is first, SUCRA {number(winner['sucra'])}" if winner else "no candidate"
    )
    return f"{variation.label} ({first}; {after}; {variation.adjustment})"


def _moves(found: Sequence[Variation], mine: str, other: str, names: Names) -> list[str]:
    """Say from where to where the effect of the first candidate moves, with what stands behind each estimate."""
    effects = [(variation, variation.effect(mine, other)) for variation in found]
    known = [(variation, row) for variation, row in effects if row is not None]
    if len(known) < 2:
        return []
    low, high = (end(known, key=lambda item: float(item[1]["estimate"])) for end in (min, max))
    own = next((row for variation, row in known if not variation.kind), None)
    here = f" is {names.estimate(own)} here ({found[0].adjustment}) and, over the variations," if own else ""
    ends = " to ".join(
        f"{names.estimate(row)} ({variation.label}; {variation.adjustment})" for variation, row in (low, high)
    )
    pair = f"{names.regimen(mine)} against {names.regimen(other)}"
    return [f"The {names.measure} of {pair}{here} runs from {ends}."]


def _table(
    found: Sequence[Variation],
    pair: tuple[str, str] | None,
    setting: str,
    barred: Sequence[str],
    ranking: Sequence[Row],
    names: Names,
) -> Table:
    """Tabulate the first among the candidates of every variation, and what becomes of this report's first."""
    mine, other = pair or ("", "")
    rows = []
    for variation in found:
        own, effect = variation.rank(mine), variation.effect(mine, other)
        rows.append(
            [
                variation.label,
                str(len(variation.ranked)),
                *_cells(variation.first(barred), names),
                *(_cells(own, names)[1:] if own else ["not in the network", "–"]),
                names.estimate(effect) if effect else "–",
                variation.adjustment,
            ]
        )
    label = names.regimen(mine) if mine else "–"
    columns = (
        "Variation",
        "Treatments ranked",
        "First" if all_candidates(ranking) else "First among candidates",
        "SUCRA",
        "P(best)",
        f"{label}: SUCRA",
        f"{label}: P(best)",
        f"{label} against {names.regimen(other) if other else '–'}: {names.measure} (95% CrI)",
        "Studies behind it, adjusted or crude",
    )
    return Table(f"{names.heading(setting)}: what the first rank hangs on", columns, rows, names.place(setting))


def _cells(row: Row | None, names: Names) -> list[str]:
    return [names.regimen(row["treatment"]), number(row["sucra"]), probability(row["p_best"])] if row else ["–"] * 3
