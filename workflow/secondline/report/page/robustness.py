"""The first against the runner-up in every variation, as rows that lead to the state of the page that is the same."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from typing import Any

from secondline.cell_values import OVERALL
from secondline.report.doubt import Doubt
from secondline.report.page.states import Links
from secondline.report.page.variations import HEADINGS, Asked, Compared, compared
from secondline.report.page.weigh import slugs
from secondline.report.prose.first import first_of, ranked_candidates
from secondline.report.prose.robustness import variations
from secondline.report.settings import ReportSettings
from secondline.report.words import Names, Row, differences, probability, ratio, settings_of

WIDEST = log(64)
"""Of the axis of a ratio, in both directions from no difference."""
SHOWN = 12
"""Lines that stand open; the others are folded."""
_FARTHEST = 6
"""Of these, so many at least for how far they move the effect, in whatever way they change the answer."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A variation: places on the axis in per cent of its width, and the fragment of the state that repeats it.

    ``address`` is empty where the page cannot repeat it. ``at`` is None where there is no effect. ``table`` is the name
    of the table that the figures are from, with its folder, and ``place`` its path and the line.
    """

    label: str
    own: bool
    driven: bool
    estimate: str
    p_first: str
    at: float | None
    lower: float
    upper: float
    address: str
    table: str
    place: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The lines of one setting, the most favourable for the first candidate on top, with the ends of their axis."""

    setting: str
    pair: tuple[str, str]
    lines: list[Line]
    folded: list[tuple[str, list[Line]]]
    """The other lines, by kind."""
    ends: tuple[str, str]
    none: float
    sides: tuple[str, str]
    means: bool
    """Whether some estimates are posterior means, as the tables under doubt/ give them."""
    biases: bool

    @property
    def more(self) -> int:
        """How many lines are folded."""
        return sum(len(lines) for _, lines in self.folded)


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The axis of a chart on the link scale."""

    low: float
    high: float
    is_ratio: bool

    @classmethod
    def of(cls, rows: Sequence[Compared], is_ratio: bool) -> "Axis":
        """Take in every interval and no difference; a ratio within `WIDEST`."""
        ends = [row.figures[end] for row in rows if row.figures for end in ("estimate_lower", "estimate_upper")]
        values = [log(float(end)) if is_ratio else float(end) for end in ends if not is_ratio or float(end) > 0]
        low, high = min([0.0, *values]), max([0.0, *values])
        return (
            cls(low=max(low, -WIDEST), high=min(high, WIDEST), is_ratio=True)
            if is_ratio
            else cls(low=low, high=high, is_ratio=False)
        )

    def link(self, text: str) -> float:
        """Put a value of the natural scale on the link scale."""
        return log(max(float(text), exp(-2 * WIDEST))) if self.is_ratio else float(text)

    def place(self, text: str) -> float:
        """Place of a value of the natural scale, in per cent of the width."""
        share = (self.link(text) - self.low) / ((self.high - self.low) or 1.0)
        return round(100 * min(max(share, 0.0), 1.0), 1)

    @property
    def ends(self) -> tuple[str, str]:
        """Both ends in words."""
        low, high = (
            (ratio(repr(exp(end))) for end in (self.low, self.high))
            if self.is_ratio
            else differences(map(repr, (self.low, self.high)))
        )
        return low, high


def robustness_charts(
    sensitivity: Sequence[Row],
    rankings: Mapping[str, Sequence[Row]],
    settings: ReportSettings,
    weigh: Mapping[str, Any] | None,
    names: Mapping[str, Names],
    doubts: Mapping[str, Doubt],
    folder: Path,
) -> dict[str, list[Chart]]:
    """Draw the first against the runner-up of every outcome and setting, where several variations compare them.

    Parameters
    ----------
    sensitivity : rows
        summary/sensitivity.csv
    rankings, names : mapping
        ranking.csv of the headline model, and names, by outcome.
    weigh : mapping, optional
        From `secondline.report.page.weigh.weigh_section`.
    doubts : mapping
        By outcome.
    folder : path
        results/<analysis>
    """
    facts = settings.weigh
    analyses = {name: json.loads(text) for name, text in facts.analyses.items()} if facts else {}
    own, at = slugs(settings.labels.studies), {id(row): k + 2 for k, row in enumerate(sensitivity)}
    found: dict[str, list[Chart]] = {}
    for outcome, ranking in rankings.items():
        links = Links(models=weigh["models"].get(outcome, {}) if weigh else {}, analyses=analyses, slugs=own)
        doubt, found[outcome] = doubts.get(outcome), []
        for place in settings_of(ranking):
            order = [row["treatment"] for row in ranked_candidates(ranking, place)]
            if len(order) < 2 or (place == OVERALL and names[outcome].has_settings):
                continue
            asked = Asked(
                setting=place,
                first=order[0],
                runner_up=order[1],
                links=links,
                kinds=settings.choices,
                names=names[outcome],
            )
            varied = variations(sensitivity, place, settings.leave_one_out or "", names[outcome])
            rows = compared(varied, at, folder / outcome, doubt, asked)
            if sum(row.figures is not None for row in rows) > 1:
                named = first_of(ranking, place)
                found[outcome].append(_chart(rows, named["treatment"] if named else "", asked))
    return found


def _chart(rows: Sequence[Compared], named: str, asked: Asked) -> Chart:
    names = asked.names
    axis = Axis.of(rows, names.is_ratio)
    better = 1 if names.lower_is_better else -1
    order = sorted(
        rows, key=lambda row: better * float(row.figures["estimate"]) if row.figures else float("inf")
    )  # fmt: skip
    shown = _that_move_most(rows, named, axis)
    rest = [row for row in order if row not in shown]
    mine, other = names.regimen(asked.first), names.regimen(asked.runner_up)
    sides = (f"favours {mine}", f"favours {other}")

    def lines(chosen: Sequence[Compared]) -> list[Line]:
        return [_line(row, axis, asked) for row in chosen]

    groups = [(heading, lines([row for row in rest if row.kind == kind])) for kind, heading in HEADINGS.items()]
    return Chart(
        setting=names.place(asked.setting),
        pair=(mine, other),
        lines=lines([row for row in order if row in shown]),
        folded=[(heading, members) for heading, members in groups if members],
        ends=axis.ends,
        none=axis.place(names.no_effect),
        sides=sides if names.lower_is_better else (sides[1], sides[0]),
        means=any("/doubt/" in row.table for row in rows),
        biases=any(row.table.endswith("bias_fan.csv") for row in rows),
    )


def _that_move_most(rows: Sequence[Compared], named: str, axis: Axis) -> list[Compared]:
    """Choose the lines that stand open.

    They are the declared one, those that move the effect farthest, and of the others those that name another first.
    """
    own = next((row for row in rows if not row.kind), None)
    start = axis.link(own.figures["estimate"]) if own and own.figures else 0.0

    def distance(row: Compared) -> float:
        return abs(axis.link(row.figures["estimate"]) - start) if row.figures else 0.0

    if len(rows) <= SHOWN + 1:  # nothing is folded for a line or two
        return list(rows)
    order = sorted((row for row in rows if row.kind), key=distance, reverse=True)
    farthest, others = order[:_FARTHEST], order[_FARTHEST:]
    others.sort(key=lambda row: row.first is None or row.first == named)  # stable: those that move far come first
    return [*([own] if own else []), *farthest, *others][:SHOWN]


def _line(row: Compared, axis: Axis, asked: Asked) -> Line:
    figures = row.figures
    at = axis.place(figures["estimate"]) if figures else None
    lower, upper = (axis.place(figures[f"estimate_{end}"]) if figures else 0.0 for end in ("lower", "upper"))
    return Line(
        label=row.label,
        own=not row.kind,
        driven=row.driven,
        estimate=asked.names.estimate(dict(figures)) if figures else row.missing,
        p_first=_standing(row, asked),
        at=at,
        lower=lower,
        upper=upper,
        address=row.address,
        table="/".join(row.table.split("/")[-2:]),
        place=f"{row.table}:{row.line}" if row.line else row.table,
    )


def _standing(row: Compared, asked: Asked) -> str:
    """Say with which probability the first candidate ranks first or, where a table has none, who does."""
    if row.p_first:
        return f"P(first) {probability(row.p_first)}"
    if row.first is None:
        return "no ranks"
    if not row.ranked:
        return "not ranked"
    if row.first == asked.first:
        return "ranks first"
    return f"{asked.names.regimen(row.first)} first" if row.first else "nobody named first"
