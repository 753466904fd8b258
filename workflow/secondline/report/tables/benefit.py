"""Benefit and harm side by side: every candidate of a setting against the reference, outcome by outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from secondline.report.prose.first import candidates_of, first_of, ranked_candidates
from secondline.report.prose.verdict import is_clear
from secondline.report.words import Names, Row, probability, reference_of, settings_of

STEPS = ((0.95, "much"), (0.8, "rather"), (0.5, "some"))
"""From which probability of a relevant benefit a cell is shaded how; the darkest takes a clear interval besides."""
UNSURE = ("extrapolated", "prior_driven")
"""Evidence on which no effect is coloured."""


@dataclass(frozen=True)
class Effect:
    """The effect of a candidate on one outcome, in words; ``shade`` is the class of its colour, empty without one."""

    estimate: str = "–"
    probability: str = ""
    evidence: str = ""
    said: str = ""
    shade: str = ""


@dataclass(frozen=True)
class Balance:
    """The candidates of one setting by outcomes; effects are against the comparator."""

    setting: str
    comparator: str
    outcomes: list[tuple[str, str]]
    """Label, and the direction in words."""
    rows: list[tuple[str, list[Effect]]]


def balances(
    rankings: Mapping[str, Sequence[Row]], relative: Mapping[str, Sequence[Row]], by_outcome: Mapping[str, Names]
) -> list[Balance]:
    """Tabulate the candidates of every setting that has a candidate beside the reference.

    Parameters
    ----------
    rankings, relative : mapping
        Rows of ranking.csv and relative_effects.csv of the headline model by outcome, in the order of the columns; the
        rows of the table are in the order of the first outcome, where the candidates have one.
    by_outcome : mapping
        Names, by outcome.
    """
    first = next(iter(rankings))
    places = settings_of(rankings[first])
    found = [_balance(place, rankings, relative, by_outcome) for place in places]
    return [balance for balance in found if balance.rows]


def _balance(
    place: str,
    rankings: Mapping[str, Sequence[Row]],
    relative: Mapping[str, Sequence[Row]],
    by_outcome: Mapping[str, Names],
) -> Balance:
    first, lead = next((names, rankings[outcome]) for outcome, names in by_outcome.items())
    reference = reference_of(lead, place)
    treatments = _in_order(lead, place)
    for ranking in rankings.values():
        treatments += [name for name in _in_order(ranking, place) if name not in treatments]
    rows = []
    for treatment in treatments:
        if treatment != reference:
            cells = [
                _effect(relative[outcome], (place, treatment, reference), names)
                for outcome, names in by_outcome.items()
            ]
            rows.append((first.regimen(treatment), cells))
    return Balance(
        first.place(place),
        first.regimen(reference),
        [(names.outcome_label, names.direction) for names in by_outcome.values()],
        rows,
    )


def _in_order(ranking: Sequence[Row], place: str) -> list[str]:
    """List the candidates of a setting, those with a rank, best first, before others; as they come if none is first."""
    ranked = ranked_candidates(ranking, place) if first_of(ranking, place) else []
    rows = [*ranked, *candidates_of(ranking, place)]
    return list(dict.fromkeys(row["treatment"] for row in rows))


def _effect(relative: Sequence[Row], key: tuple[str, str, str], names: Names) -> Effect:
    row = next((row for row in relative if (row["setting"], row["treatment"], row["comparator"]) == key), None)
    if row is None:
        return Effect()
    share = float(row["p_margin"])
    steps = STEPS if is_clear(row, names) else STEPS[1:]
    shade = "unsure" if row["evidence"] in UNSURE else next((name for least, name in steps if share >= least), "")
    return Effect(
        names.estimate(row), probability(row["p_margin"]), row["evidence"], names.evidence(row, key[2]), shade
    )
