"""The difference between two runs in words: as plain text, Markdown or a page of HTML."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from secondline.cell_values import (
    DISAGREE,
    EXTRAPOLATED,
    NO_CANDIDATE,
    NOT_PLACED,
    ONE_CANDIDATE,
    OVERALL,
    PRIOR_DRIVEN,
    TOO_CLOSE,
)
from secondline.changes.causes import Cause
from secondline.changes.compare import ChangedStatement, Difference, FitChange
from secondline.changes.numbers import Shift
from secondline.changes.statements import BETTER, CERTAINTY, FIRST, LEAD, NOBODY, NOT_KNOWN, WORSE

NOTHING = "Nothing changed."
_WIDTH = 100
_SHOWN = 3  # figures of one fit
_REASONS = {
    NO_CANDIDATE: "no treatment is a candidate",
    ONE_CANDIDATE: "there is one candidate alone",
    NOT_PLACED: "the effects between the candidates are prior-driven",
    PRIOR_DRIVEN: "the difference between the first two is prior-driven",
    DISAGREE: "the criteria disagree",
    TOO_CLOSE: "the first two are too close to separate",
}
_VERDICTS = {
    BETTER: "is better",
    WORSE: "is worse",
    NOT_KNOWN: "is not known to be better or worse",
    PRIOR_DRIVEN: "cannot be compared: the effect is prior-driven",
    f"{BETTER}, {EXTRAPOLATED}": "is better, extrapolated from other settings",
    f"{WORSE}, {EXTRAPOLATED}": "is worse, extrapolated from other settings",
    "": "is not compared",
}
_OF_CONTRASTS = ("estimate", "estimate_lower", "estimate_upper", "p_better")
_COLUMNS = {
    "estimate": "the estimate",
    "estimate_lower": "its lower limit",
    "estimate_upper": "its upper limit",
    "p_better": "P(better)",
    "sucra": "SUCRA",
    "p_best": "P(best)",
    "candidate_sucra": "SUCRA among the candidates",
    "candidate_p_best": "P(best) among the candidates",
}


@dataclass(frozen=True)
class Item:
    """A line with what hangs on it."""

    text: str
    below: Sequence["Item"] = ()


@dataclass(frozen=True)
class Section:
    """A heading with its items."""

    heading: str
    items: Sequence[Item] = field(default_factory=list)


def sections(found: Difference, labels: Mapping[str, Mapping[str, str]]) -> list[Section]:
    """Put a difference into words: changed statements, changed figures, what caused them, fits that came or went.

    Parameters
    ----------
    labels : mapping
        Names by kind (``analyses``, ``outcomes``, ``settings``, ``regimens``, ``studies``) and id.
    """
    words = _Words(labels)
    changed = [fit for fit in found.fits if fit.is_change]
    if found.nothing:
        within = sum(fit.shifts.within for fit in found.fits)
        beside = f" Of {_compared(found)} figures, {within} differ, within Monte Carlo error." if within else ""
        other = [words.made_from(fit) for fit in found.fits if fit.explained]
        return [
            Section(NOTHING + beside),
            *([Section("Made from something else, with the same result", other)] if other else []),
        ]
    stated = [fit for fit in changed if fit.statements]
    parts = [Section("Changed statements", [words.statements(fit) for fit in stated])]
    parts.append(Section("Changed figures", [words.figures(fit) for fit in changed if fit.shifts.beyond]))
    parts.append(Section("Analyses and outcomes that are new", [Item(words.fit(fit)) for fit in found.added]))
    parts.append(Section("Analyses and outcomes that are gone", [Item(words.fit(fit)) for fit in found.gone]))
    if not stated:
        parts[0] = Section("Every statement is as it was.")
    return [parts[0], *(part for part in parts[1:] if part.items)]


def _compared(found: Difference) -> int:
    return sum(fit.shifts.compared for fit in found.fits)


class _Words:
    def __init__(self, labels: Mapping[str, Mapping[str, str]]) -> None:
        self.labels = labels

    def name(self, kind: str, name: str) -> str:
        return self.labels.get(kind, {}).get(name, name)

    def fit(self, fit: tuple[str, str]) -> str:
        return f"{self.name('outcomes', fit[1])} ({self.name('analyses', fit[0])})"

    def made_from(self, fit: FitChange) -> Item:
        return Item(self.fit(fit.fit), [Item(self.cause(cause)) for cause in fit.causes])

    def statements(self, fit: FitChange) -> Item:
        because = Item("What differs in what it was made from:", self.made_from(fit).below)
        return Item(self.fit(fit.fit), [*(Item(self.statement(said)) for said in fit.statements), because])

    def statement(self, said: ChangedStatement) -> str:
        subject = said.subject
        treatment, comparator = (self.name("regimens", name) for name in (subject.treatment, subject.comparator))
        place = "" if subject.setting == OVERALL else f"{self.name('settings', subject.setting)}: "
        if subject.about == FIRST:
            return f"{place}before, {self.first(said.before)}; now, {self.first(said.after)}."
        if subject.about == LEAD:
            was, now = (self.lead(value) for value in (said.before, said.after))
            return f"{place}the first of the candidates against the next: before, {was}; now, {now}."
        if subject.about == CERTAINTY:
            was, now = (value or "not judged" for value in (said.before, said.after))
            return f"{place}certainty of {treatment} against {comparator}: before, {was}; now, {now}."
        was, now = (_VERDICTS.get(value, value) for value in (said.before, said.after))
        return f"{place}{treatment} against {comparator}: before, {was}; now, {now}."

    def first(self, value: str) -> str:
        nobody, _, reason = value.partition(": ")
        if not value:
            return "there was no such ranking"
        if nobody == NOBODY:
            return f"no treatment can be named first ({_REASONS.get(reason, reason)})"
        return f"{self.name('regimens', value)} is named first"

    def lead(self, value: str) -> str:
        if not value:
            return "there were not two with a rank"
        pair, _, verdict = value.partition(": ")
        treatment, comparator = (self.name("regimens", name) for name in pair.split(" against "))
        return f"{treatment} {_VERDICTS.get(verdict, verdict)}, against {comparator}"

    def figures(self, fit: FitChange) -> Item:
        shifts = fit.shifts
        head = f"{self.fit(fit.fit)}: {len(shifts.beyond)} of {shifts.compared} figures"
        shown = [Item(self.shift(shift)) for shift in _largest(shifts.beyond)]
        causes = [] if fit.statements else [Item(f"Cause: {self.cause(cause)}") for cause in fit.causes]
        unexplained = [] if fit.causes else [Item("Nothing that the fit was made from differs: find out why.")]
        return Item(head, [*shown, *causes, *unexplained])

    def shift(self, shift: Shift) -> str:
        _, _, model, setting, treatment, comparator = shift.key
        place = "" if setting == OVERALL else f"{self.name('settings', setting)}, "
        pair = f"{self.name('regimens', treatment)} against {self.name('regimens', comparator)}"
        if shift.column.startswith("estimate"):
            return f"{place}{pair} ({model}): {_interval(shift.before)}; now {_interval(shift.after)}"
        subject = pair if shift.column == "p_better" else self.name("regimens", treatment)
        was, now = (_number(row[shift.column]) for row in (shift.before, shift.after))
        return f"{place}{subject} ({model}): {_COLUMNS[shift.column]} {was}; now {now}"

    def cause(self, cause: Cause) -> str:
        what = cause.what
        if cause.study:
            what = what.replace(cause.study, self.name("studies", cause.study), 1)
        change = f" {_number(cause.before)}, now {_number(cause.after)}" if cause.before or cause.after else ""
        return f"{what}{change}{f' ({cause.place})' if cause.place else ''}"


def _largest(shifts: Sequence[Shift]) -> list[Shift]:
    """Choose the figures shown of a fit: the effects that differ most, each contrast once; or else other figures."""
    chosen: dict[frozenset[str], Shift] = {}
    for shift in [shift for shift in shifts if shift.column == "estimate"] or shifts:
        names = shift.key if shift.column in _OF_CONTRASTS else (*shift.key[:-1], shift.column)
        chosen.setdefault(frozenset(names), shift)
    return list(chosen.values())[:_SHOWN]


def _number(text: str) -> str:
    try:
        return f"{float(text):.3g}"
    except ValueError:
        return text or "nothing"


def _interval(row: Mapping[str, str]) -> str:
    estimate, lower, upper = (_number(row[name]) for name in ("estimate", "estimate_lower", "estimate_upper"))
    return f"{estimate} (95% CrI {lower} to {upper})"


def as_text(parts: Iterable[Section]) -> str:
    """Write sections for a terminal."""
    lines: list[str] = []
    for part in parts:
        lines += textwrap.wrap(part.heading, _WIDTH)
        for depth, text in _flat(part.items):
            indent = "  " * (depth + 1)
            lines += textwrap.wrap(
                text, _WIDTH, initial_indent=f"{indent}- ", subsequent_indent=f"{indent}  ", break_long_words=False
            )
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def as_markdown(parts: Iterable[Section]) -> str:
    """Write sections as Markdown, for a pull request."""
    lines: list[str] = []
    for part in parts:
        lines += [f"### {part.heading}" if part.items else part.heading, ""]
        lines += [f"{'  ' * depth}- {_plain(text)}" for depth, text in _flat(part.items)]
        lines += [""] if part.items else []
    return "\n".join(lines).rstrip() + "\n"


def _plain(text: str) -> str:
    """Keep Markdown from reading marks in names and figures."""
    return "".join(f"\\{mark}" if mark in r"\`*_[]<>|#" else mark for mark in text)


def _flat(items: Iterable[Item], depth: int = 0) -> Iterator[tuple[int, str]]:
    for item in items:
        yield depth, item.text
        yield from _flat(item.below, depth + 1)


def as_html(parts: Iterable[Section], title: str) -> str:
    """Write sections as a page that needs nothing else."""
    body = "".join(
        f"<h2>{escape(part.heading)}</h2>{_list(part.items)}" if part.items else f"<p>{escape(part.heading)}</p>"
        for part in parts
    )
    style = "body{font:16px/1.5 system-ui,sans-serif;max-width:50em;margin:2em auto;padding:0 1em}"
    style += ":root{color-scheme:light dark}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{style}</style><body><main><h1>{escape(title)}</h1>{body}</main>"
        "</body></html>\n"
    )


def _list(items: Sequence[Item]) -> str:
    rows = "".join(f"<li>{escape(item.text)}{_list(item.below) if item.below else ''}</li>" for item in items)
    return f"<ul>{rows}</ul>"
