"""What the first screen says: the ranking of the leading outcomes, how sure it is, and how weak its evidence."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nma.network.arms import used_rows
from nma.report.sentences import candidates_by_rank, design_words
from nma.report.words import (
    OVERALL,
    REFERENCE,
    Names,
    Row,
    evidence_words,
    is_true,
    listed,
    number,
    plural,
    probability,
    settings_of,
)

SHOWN = 3  # treatments on a card; the tables have all of them
LABELS = ("direct", "indirect", "extrapolated", "prior_driven")


@dataclass(frozen=True)
class Place:
    """A treatment on a card; ``at``, ``lower`` and ``upper`` are its SUCRA for drawing, in per cent of the scale."""

    treatment: str
    evidence: str
    sucra: str
    p_best: str
    at: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Card:
    """The best candidates of one setting; ``more`` counts those that the card leaves to the tables."""

    setting: str
    places: list[Place]
    more: int
    converged: bool


@dataclass(frozen=True)
class Strength:
    """How weak the evidence is: sentences, and how many effects have which label."""

    sentences: list[str]
    counts: dict[str, int]


def answer_cards(ranking: Sequence[Row], names: Names) -> list[Card]:
    """Make a card for every setting of a ranking.

    Parameters
    ----------
    ranking : rows
        ranking.csv of the headline model.
    """
    cards = []
    for setting in settings_of(ranking):
        order = candidates_by_rank(ranking, setting)
        converged = all(is_true(row, "converged") for row in order)
        places = [_place(row, names) for row in order[:SHOWN]]
        cards.append(Card(names.place(setting), places, len(order) - len(places), converged))
    return cards


def _place(row: Row, names: Names) -> Place:
    at, lower, upper = (100 * float(row[key]) for key in ("sucra", "sucra_lower", "sucra_upper"))
    return Place(
        names.regimen(row["treatment"]),
        row["evidence"],
        f"{number(row['sucra'])} ({number(row['sucra_lower'])} to {number(row['sucra_upper'])})",
        probability(row["p_best"]),
        *(round(value, 2) for value in (at, lower, upper)),
    )


def strength_of(
    evidence: Mapping[str, Sequence[Row]],
    rankings: Mapping[str, Sequence[Row]],
    designs: Mapping[str, str],
    names: Names,
) -> Strength:
    """Say how weak the evidence of some outcomes is: designs, labels of the effects, width of the intervals.

    Effects count by setting where there are settings, against the reference of each; the summary over all settings
    is not counted again.

    Parameters
    ----------
    evidence, rankings : mapping
        evidence.csv and ranking.csv of the headline model, by outcome.
    designs : mapping
        Design of every study, as far as it is declared.
    """
    rows = [row for members in evidence.values() for row in members]
    studies = len({row["study"] for row in used_rows(rows)})
    effects = [
        row["evidence"]
        for ranking in rankings.values()
        for row in ranking
        if row["evidence"] != REFERENCE and not (names.has_settings and row["setting"] == OVERALL)
    ]
    found = Counter(effects)
    counts = {label: found[label] for label in [*LABELS, *sorted(set(found) - set(LABELS))] if found[label]}
    design, count = design_words(rows, designs), plural(studies, "study", "studies")
    sentences = [f"The evidence comes {design}." if count in design else f"{count}: the evidence comes {design}."]
    if effects:
        kinds = listed(f"{n} {'is' if n == 1 else 'are'} {evidence_words(label)}" for label, n in counts.items())
        against = "the reference of a setting" if names.has_settings else "the reference"
        sentences.append(f"Of {plural(len(effects), 'effect')} against {against}, {kinds}.")
    orders = [candidates_by_rank(ranking, place) for ranking in rankings.values() for place in settings_of(ranking)]
    sentences += _closeness([order for order in orders if order])
    if names.has_settings and names.labels["omega"].get(names.model) != "settings":
        sentences.append(
            f"The headline model “{names.model}” takes effects to be the same in every setting: settings differ in who "
            "is a candidate and in what the evidence is, not in the estimates."
        )
    return Strength(sentences, counts)


def _closeness(orders: Sequence[Sequence[Row]]) -> list[str]:
    """Say how far the first candidates stand apart from the next."""
    pairs = [(order[0], order[1]) for order in orders if len(order) > 1]
    if not pairs:
        return []
    overlapping = sum(float(first["sucra_lower"]) <= float(following["sucra_upper"]) for first, following in pairs)
    best = sorted((first["p_best"] for first, _ in pairs), key=float)
    low, high = probability(best[0]), probability(best[-1])
    return [
        f"In {overlapping} of {plural(len(pairs), 'ranking')} the interval of the first SUCRA overlaps that of the "
        f"next; P(best) of the first is {low if low == high else f'{low} to {high}'}."
    ]
