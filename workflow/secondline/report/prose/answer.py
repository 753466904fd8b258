"""What the first screen says: the ranking of the leading outcomes, how sure it is, and how weak its evidence."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from secondline.cell_values import OVERALL, REFERENCE
from secondline.network.arms import used_rows
from secondline.report.prose.first import candidates_of, closeness, comparison, first_of, ranked_candidates
from secondline.report.prose.phrases import small
from secondline.report.prose.sentences import design_words
from secondline.report.words import (
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
LABELS = ("direct", "mixed_setting", "indirect", "extrapolated", "prior_driven")


@dataclass(frozen=True)
class Place:
    """A candidate on a card; ``evidence`` labels that against the next, ``said`` in words: empty without an order.

    ``at``, ``lower`` and ``upper`` are its SUCRA among the candidates for drawing, in per cent of the scale.
    """

    treatment: str
    evidence: str
    said: str
    sucra: str
    p_best: str
    at: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Card:
    """The candidates of one setting: the best in order, or all of them in no order if none is named first.

    ``more`` counts those that the card leaves to the tables, ``unranked`` names those without a rank.
    """

    setting: str
    named: bool
    places: list[Place]
    more: int
    unranked: list[str]
    converged: bool


@dataclass(frozen=True)
class Strength:
    """How weak the evidence is: sentences, and how many effects have which label."""

    sentences: list[str]
    counts: dict[str, int]


def answer_cards(ranking: Sequence[Row], relative: Sequence[Row], names: Names) -> list[Card]:
    """Make a card for every setting of a ranking.

    Parameters
    ----------
    ranking, relative : rows
        ranking.csv and relative_effects.csv of the headline model.
    """
    return [_card(ranking, relative, setting, names) for setting in settings_of(ranking)]


def _card(ranking: Sequence[Row], relative: Sequence[Row], setting: str, names: Names) -> Card:
    candidates, order = candidates_of(ranking, setting), ranked_candidates(ranking, setting)
    named = first_of(ranking, setting) is not None
    effects = {
        row["treatment"]: comparison(relative, setting, row["treatment"], following["treatment"])
        for row, following in pairwise(order)
        if named
    }
    shown = order[:SHOWN] if named else [row for row in candidates if row in order]
    return Card(
        names.place(setting),
        named,
        [_place(row, effects.get(row["treatment"]), names) for row in shown],
        len(order) - len(shown),
        [names.regimen(row["treatment"]) for row in candidates if row not in order],
        all(is_true(row, "converged") for row in candidates),
    )


def _place(row: Row, effect: Row | None, names: Names) -> Place:
    texts = [row[f"candidate_{key}"] for key in ("sucra", "sucra_lower", "sucra_upper")]
    at, lower, upper = (round(100 * float(text), 2) for text in texts)
    value, low, high = map(number, texts)
    sucra, p_best = f"{value} ({low} to {high})", probability(row["candidate_p_best"])
    label, said = (effect["evidence"], names.evidence(effect, effect["comparator"])) if effect else ("", "")
    return Place(names.regimen(row["treatment"]), label, said, sucra, p_best, at, lower, upper)


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
    sentences = [f"The evidence comes {design}." if count in design else f"The evidence ({count}) comes {design}."]
    if effects:
        kinds = listed(f"{n} {'is' if n == 1 else 'are'} {evidence_words(label)}" for label, n in counts.items())
        reference = "the reference of the setting" if names.has_settings else "the reference"
        sentences.append(f"Of {plural(len(effects), 'effect')} relative to {reference}, {kinds}.")
    places = [(ranking, place) for ranking in rankings.values() for place in settings_of(ranking)]
    asked = listed(small(names.label_of_outcome(outcome)) for outcome in rankings)
    of = f"{asked}, by setting and overall" if names.has_settings else asked
    sentences += closeness([[row for row in ranking if row["setting"] == place] for ranking, place in places], of)
    if names.has_settings and names.labels.omega.get(names.model) != "settings":
        sentences.append(
            f"The headline model “{names.model}” assumes the same effects in every setting: settings differ in their "
            "candidates and in their evidence, not in the estimates."
        )
    return Strength(sentences, counts)
