"""The first screen: the answer of every setting and outcome in sentences, how certain it is, and why."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from secondline.cell_values import OVERALL
from secondline.report.certainty import Certainty, shade_of
from secondline.report.doubt import Doubt
from secondline.report.prose.certainty import reasons
from secondline.report.prose.doubt import lead_sentence
from secondline.report.prose.verdict import Tables, verdict_of
from secondline.report.settings import ReportSettings
from secondline.report.words import Names, Row, settings_of

REASONS = 4
"""Reasons beside an answer; the sections that they lead to have all of them."""
LONG = 110
"""Letters of a reason beyond which its last clauses are left out."""
_MOVE = re.compile(r"\.? (?:Then the |With the study left out |The analysis “)|[.;] [Tt]he comparison is |, that is, ")
_CLAUSE = re.compile(r"([;:,] )(?![^(]*\))")  # not within brackets


@dataclass(frozen=True)
class Reason:
    """Why an answer is no more certain than it is, and the anchor of the section that says more."""

    text: str
    anchor: str


@dataclass(frozen=True)
class Answer:
    """The answer of one setting and outcome, with its certainty in words and the class of its colour."""

    setting: str
    outcome: str
    label: str
    sentences: list[str]
    certainty: str
    shade: str
    reasons: list[Reason]


ByModel = Mapping[str, Mapping[str, Mapping[str, Sequence[Row]]]]
"""Rows of ranking.csv and relative_effects.csv by outcome, table and model."""


def first_screen(
    by_model: ByModel,
    doubts: Mapping[str, Doubt],
    certainties: Mapping[str, Certainty],
    decisive: Sequence[Row],
    settings: ReportSettings,
    names: Names,
) -> dict[str, Any]:
    """Gather the questions that can be asked, and the answer of each.

    Parameters
    ----------
    by_model : mapping
    decisive : rows
        decisive.csv, where the run lists it for this analysis.
    settings : ReportSettings
    """
    asked = [*settings.lead, *(name for name in by_model if name not in settings.lead)]
    return {
        "answers": answers(by_model, asked, doubts, certainties, decisive, settings, names),
        "asked": [(name, names.label_of_outcome(name)) for name in asked],
        "asked_in": (places := _places(by_model[asked[0]]["ranking"][names.model], names)),
        "places": [label for _, label in places],
        "overall": names.place(OVERALL),
    }


def _places(ranking: Sequence[Row], names: Names) -> list[tuple[str, str]]:
    """List the settings that can be asked for, and their labels; none where the network has none."""
    return [(place, names.place(place)) for place in settings_of(ranking) if names.has_settings and place != OVERALL]


def answers(
    by_model: ByModel,
    asked: Sequence[str],
    doubts: Mapping[str, Doubt],
    certainties: Mapping[str, Certainty],
    decisive: Sequence[Row],
    settings: ReportSettings,
    names: Names,
) -> list[Answer]:
    """Answer the outcomes asked for in every setting; no patient is in all settings together."""
    lead, pairs = settings.lead, settings.pairs
    tables = {
        outcome: Tables(
            members["ranking"][names.model],
            members["relative_effects"][names.model],
            certainties.get(outcome),
            replace(names, outcome=outcome),
        )
        for outcome, members in by_model.items()
    }
    found = []
    for outcome in asked:
        own, harm = tables[outcome], tables.get(harm_of(outcome, lead, pairs) or "")
        places = [place for place in settings_of(own.ranking) if place != OVERALL or not names.has_settings]
        doubt = doubts.get(outcome)
        found += [_answer(own, harm, doubt, place, decisive) for place in places]
    return found


def harm_of(outcome: str, lead: Sequence[str], pairs: Sequence[tuple[str, str]]) -> str | None:
    """Find the outcome that tells of harm beside a leading one: the other of a pair that does not lead."""
    if outcome not in lead:
        return None
    return next((upwards for across, upwards in pairs if across == outcome and upwards not in lead), None)


def _answer(own: Tables, harm: Tables | None, doubt: Doubt | None, place: str, decisive: Sequence[Row]) -> Answer:
    names, found = own.names, verdict_of(own, harm, place)
    doubted = _plain(lead_sentence(doubt, own.ranking, place, names)) if doubt else ""
    shade: Any = shade_of(found.certainty) if found.certainty else None
    return Answer(
        names.place(place),
        names.outcome,
        names.outcome_label,
        [*found.sentences, *filter(None, [doubted])],
        shade.words if shade else "",
        shade.name if shade else "none",
        _reasons(own, place, found.pair, decisive)[:REASONS],
    )


def _plain(text: str) -> str:
    """Say it without a term: the highest SUCRA is the best mean rank, as one is linear in the other."""
    return text.replace("the highest SUCRA", "the best mean rank").replace("SUCRA", "mean rank")


def brief(fact: str) -> str:
    """Shorten what decides an answer to its subject: how far it moves the answer is said where it leads to."""
    clauses = _CLAUSE.split(_MOVE.split(fact)[0].rstrip("."))
    kept = clauses[0]
    for mark, clause in zip(clauses[1::2], clauses[2::2], strict=True):
        if len(kept) + len(clause) > LONG:
            break
        kept += mark + clause
    return f"{kept}."


def _reasons(own: Tables, place: str, pair: tuple[str, str] | None, decisive: Sequence[Row]) -> list[Reason]:
    """List what decides the answer, by how much it moves it; where nothing is listed, why its certainty is reduced."""
    outcome = own.names.outcome
    facts = [row["what"] for row in decisive if (row["outcome"], row["setting"]) == (outcome, place)]
    if facts:
        return [Reason(brief(fact), f"doubt-{outcome}") for fact in dict.fromkeys(facts)]
    known = own.certainty.by_names.get((place, *pair)) if own.certainty and pair else None
    return [Reason(text, f"certainty-{outcome}") for text in reasons(known, own.names)] if known else []
