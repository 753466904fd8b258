"""The first screen: the answer of every setting and outcome in sentences, how certain it is, and why."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from secondline.cell_values import OVERALL
from secondline.cells import left_out_study
from secondline.report.certainty import Certainty, shade_of
from secondline.report.doubt import Doubt
from secondline.report.prose.certainty import in_short, reasons
from secondline.report.prose.decisive import decisive_anchor, decisive_facts
from secondline.report.prose.doubt import lead_in_short
from secondline.report.prose.first import first_of
from secondline.report.prose.phrases import small, spelled_out
from secondline.report.prose.verdict import Tables, verdict_of
from secondline.report.settings import ReportSettings
from secondline.report.tables.certainty import findings_table
from secondline.report.words import Names, Row, is_true, settings_of

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
    about: str
    """The comparison that this certainty is of; empty where there is none."""
    reasons: list[Reason]


@dataclass(frozen=True)
class Around:
    """What other analyses found: decisive.csv and sensitivity.csv, and the analysis whose studies are left out."""

    decisive: Sequence[Row]
    sensitivity: Sequence[Row]
    base: str


ByModel = Mapping[str, Mapping[str, Mapping[str, Sequence[Row]]]]
"""Rows of ranking.csv and relative_effects.csv by outcome, table and model."""


def first_screen(
    by_model: ByModel,
    doubts: Mapping[str, Doubt],
    certainties: Mapping[str, Certainty],
    around: Around,
    settings: ReportSettings,
    names: Names,
) -> dict[str, Any]:
    """Gather the questions that can be asked, and the answer of each.

    Parameters
    ----------
    by_model : mapping
    doubts, certainties : mapping
        By outcome.
    around : Around
    settings : ReportSettings
    """
    asked = [*settings.lead, *(name for name in by_model if name not in settings.lead)]
    return {
        "answers": answers(by_model, asked, doubts, certainties, around, settings, names),
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
    around: Around,
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
        found += [_answer(own, harm, doubt, place, around) for place in places]
    return found


def harm_of(outcome: str, lead: Sequence[str], pairs: Sequence[tuple[str, str]]) -> str | None:
    """Find the outcome that tells of harm beside a leading one: the other of a pair that does not lead."""
    if outcome not in lead:
        return None
    return next((upwards for across, upwards in pairs if across == outcome and upwards not in lead), None)


def _answer(own: Tables, harm: Tables | None, doubt: Doubt | None, place: str, around: Around) -> Answer:
    names, found = own.names, verdict_of(own, harm, place)
    doubted = lead_in_short(doubt, own.ranking, place, names) if doubt else ""
    shade: Any = shade_of(found.certainty) if found.certainty else None
    sentences = [*found.sentences, *filter(None, [doubted, _left_out(own, place, around)])]
    why = _reasons(own, place, found.pair, around.decisive)[:REASONS]
    said = spelled_out([*sentences, *(reason.text for reason in why)], names)
    return Answer(
        names.place(place),
        names.outcome,
        names.outcome_label,
        said[: len(sentences)],
        shade.words if shade else "",
        shade.name if shade else "none",
        f"{names.regimen(found.pair[0])} against {small(names.regimen(found.pair[1]))}" if found.pair else "",
        [replace(reason, text=text) for reason, text in zip(why, said[len(sentences) :], strict=True)],
    )


def _left_out(own: Tables, place: str, around: Around) -> str:
    """Say how often the treatment named first is named first with each study left out in turn."""
    best = first_of(own.ranking, place)
    here = (own.names.outcome, own.names.model, place)
    fits: dict[str, bool] = {}
    others = False
    for row in around.sensitivity if best and around.base else ():
        left_out = row["analysis"] != left_out_study(row["analysis"], around.base)
        if left_out and (row["outcome"], row["model"], row["setting"]) == here:
            first = row["treatment"] == best["treatment"] and is_true(row, "named_first") if best else False
            fits[row["analysis"]] = fits.get(row["analysis"], False) or first
            others = others or (is_true(row, "named_first") and not first)
    if not fits or not best:
        return ""
    name, times = small(own.names.regimen(best["treatment"])), f"{sum(fits.values())} of {len(fits)}"
    if not any(fits.values()) and not others:
        return f"With any of the {len(fits)} studies left out, no treatment can be named first."
    return f"With each study left out in turn, {name} ranks first in {times} analyses."


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
    """Say what lowers the certainty, and list what decides the answer; where nothing is listed, every reason."""
    outcome = own.names.outcome
    known = own.certainty.by_names.get((place, *pair)) if own.certainty and pair else None
    facts = decisive_facts(decisive, outcome, place)[:REASONS]
    if facts:
        judged = [Reason(text, f"certainty-{outcome}")] if known and (text := in_short(known)) else []
        return [*judged, *(Reason(brief(fact), decisive_anchor(outcome, place, k)) for k, fact in enumerate(facts))]
    return _of_certainty(own, place, known) if known else []


def _of_certainty(own: Tables, place: str, known: Mapping[str, Row]) -> list[Reason]:
    """Say why a certainty is what it is; a reason leads to the note of the summary of findings that says the same."""
    assert own.certainty is not None
    table = findings_table(own.certainty, place, own.names)
    anchors = {note: f"{table.anchor}-{k + 1}" for k, note in enumerate(table.notes)}
    return [Reason(text, anchors.get(text, f"certainty-{own.names.outcome}")) for text in reasons(known, own.names)]
