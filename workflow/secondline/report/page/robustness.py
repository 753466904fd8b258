"""The first against the runner-up in every variation, as rows that lead to the state of the page that is the same."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any
from urllib.parse import urlencode

from secondline.cell_values import OVERALL, PRIOR_DRIVEN
from secondline.cells import left_out_name, left_out_study
from secondline.report.page.weigh import slugs
from secondline.report.prose.first import ranked_candidates
from secondline.report.prose.robustness import STUDY, Variation, variations
from secondline.report.settings import ReportSettings
from secondline.report.words import Names, Row, differences, probability, ratio, settings_of

WIDEST = log(64)
"""Of the axis of a ratio, in both directions from no difference."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A variation: places on the axis in per cent of its width, and the fragment of the state that repeats it.

    ``address`` is empty where the page cannot repeat it. ``at`` is None where the comparison is not in the network.
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


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The lines of one setting, the most favourable for the first candidate on top, with the ends of their axis."""

    setting: str
    pair: tuple[str, str]
    lines: list[Line]
    ends: tuple[str, str]
    none: float
    sides: tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Links:
    """What the page needs to repeat a variation: what it solves of the outcome, and what analyses choose."""

    models: Mapping[str, Any]
    analyses: Mapping[str, Mapping[str, Any]]
    slugs: Mapping[str, str]

    def address(self, variation: Variation, setting: str, against: str, names: Names) -> str:
        """Write the fragment of a variation in a setting, compared with ``against``; empty where none is the same."""
        analysis, model = variation.rows[0]["analysis"], variation.rows[0]["model"]
        if model not in self.models.get("models", {}) or setting not in self._asked():
            return ""
        if analysis == names.analysis:
            changes: list[tuple[str, str]] | None = []
        elif variation.kind == STUDY:
            study = left_out_study(analysis, names.analysis)
            changes = [("out", self._slug(study))] if analysis == left_out_name(names.analysis, study) else None
        else:
            changes = self._changes(self.analyses.get(analysis), self.analyses.get(names.analysis))
        if changes is None:
            return ""
        own = [] if model == names.model else [("model", model)]
        asked = [("outcome", names.outcome), ("setting", setting), *own, ("against", against)]
        return "weigh?" + urlencode([*asked, *changes])

    def _asked(self) -> Sequence[str]:
        settings: list[str] = self.models["settings"]
        return settings[1:] if len(settings) > 1 else settings

    def _slug(self, study: str) -> str:
        return self.slugs.get(study, study)

    def _changes(self, other: Mapping[str, Any] | None, own: Mapping[str, Any] | None) -> list[tuple[str, str]] | None:
        """List what an analysis leaves out and reads otherwise than the declared one; None for any other difference."""
        if other is None or own is None:
            return None
        kinds = ("exclude", "select")
        rest = [{key: value for key, value in each.items() if key not in kinds} for each in (other, own)]
        out, kept = other.get("exclude", {}), own.get("exclude", {})
        if rest[0] != rest[1] or set(kept) - set(out):
            return None
        changes = [("out", self._slug(study)) for study in out if study not in kept and self._readings(study)]
        asked, declared = other.get("select", {}), own.get("select", {})
        for study in dict.fromkeys([*asked, *declared]):
            if asked.get(study) != declared.get(study) and study not in out and self._readings(study):
                label = self._label(study, asked.get(study))
                if label is None:
                    return None
                changes.append(("read", f"{self._slug(study)}~{label}"))
        return changes

    def _readings(self, study: str) -> list[Mapping[str, Any]]:
        return next((each["readings"] for each in self.models["studies"] if each["study"] == study), [])

    def _label(self, study: str, select: Any) -> str | None:
        """Label of the one reading that fits a selection, with its place among those of its label; None without."""
        readings = self._readings(study)
        asked = (select or {}).items()
        fits = [one for one in readings if one["select"] and asked <= one["select"].items()]
        if len(fits) != 1:
            return None
        (found,) = fits
        alike = [one for one in readings if one["label"] == found["label"]]
        return f"{found['label']} ({alike.index(found) + 1})" if len(alike) > 1 else str(found["label"])


def robustness_charts(
    sensitivity: Sequence[Row],
    rankings: Mapping[str, Sequence[Row]],
    settings: ReportSettings,
    weigh: Mapping[str, Any] | None,
    names: Mapping[str, Names],
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
    """
    facts = settings.weigh
    analyses = {name: json.loads(text) for name, text in facts.analyses.items()} if facts else {}
    own = slugs(settings.labels.studies)
    found: dict[str, list[Chart]] = {}
    for outcome, ranking in rankings.items():
        links = Links(models=weigh["models"].get(outcome, {}) if weigh else {}, analyses=analyses, slugs=own)
        places = [place for place in settings_of(ranking) if place != OVERALL or not names[outcome].has_settings]
        charts = (
            _chart(variations(sensitivity, place, settings.leave_one_out or "", names[outcome]), ranking, place, links,
                   names[outcome])
            for place in places
        )  # fmt: skip
        found[outcome] = [chart for chart in charts if chart]
    return found


def _chart(
    varied: Sequence[Variation], ranking: Sequence[Row], setting: str, links: Links, names: Names
) -> Chart | None:
    order = [row["treatment"] for row in ranked_candidates(ranking, setting)]
    if len(order) < 2:
        return None
    mine, other = order[:2]
    effects = [(variation, variation.effect(mine, other)) for variation in varied]
    if sum(row is not None for _, row in effects) < 2:
        return None
    link = log if names.is_ratio else float
    values = [
        link(float(row[end])) for _, row in effects if row for end in ("estimate_lower", "estimate_upper")
        if not names.is_ratio or float(row[end]) > 0
    ]  # fmt: skip
    low, high = min([0.0, *values]), max([0.0, *values])
    if names.is_ratio:
        low, high = max(low, -WIDEST), min(high, WIDEST)
    width = (high - low) or 1.0

    def place(text: str) -> float:
        value = link(max(float(text), exp(-2 * WIDEST))) if names.is_ratio else float(text)
        return round(100 * min(max((value - low) / width, 0.0), 1.0), 1)

    better = 1 if names.lower_is_better else -1
    effects.sort(key=lambda found: better * float(found[1]["estimate"]) if found[1] else float("inf"))
    ends = [ratio(repr(exp(end))) for end in (low, high)] if names.is_ratio else differences(map(repr, (low, high)))
    sides = (f"favours {names.regimen(mine)}", f"favours {names.regimen(other)}")
    return Chart(
        setting=names.place(setting),
        pair=(names.regimen(mine), names.regimen(other)),
        lines=[_line(variation, row, mine, place, links.address(variation, setting, other, names), names)
               for variation, row in effects],
        ends=(ends[0], ends[1]),
        none=place(names.no_effect),
        sides=sides if names.lower_is_better else (sides[1], sides[0]),
    )  # fmt: skip


def _line(variation: Variation, row: Row | None, mine: str, place: Any, address: str, names: Names) -> Line:
    ranked = variation.rank(mine)
    known = ranked["candidate_p_best"] if ranked else ""
    said = variation.label[0].upper() + variation.label[1:]
    return Line(
        label="The declared analysis" if not variation.kind else said,
        own=not variation.kind,
        driven=bool(row) and row.get("evidence") == PRIOR_DRIVEN if row else False,
        estimate=names.estimate(row) if row else "not in the network",
        p_first=f"P(first) {probability(known)}" if known else "not ranked",
        at=place(row["estimate"]) if row else None,
        lower=place(row["estimate_lower"]) if row else 0.0,
        upper=place(row["estimate_upper"]) if row else 0.0,
        address=address,
    )
