"""By how much one study's figure must move before a decision changes (Phillippo 2018), tau estimated anew.

Every figure of every study is moved in both directions, and the posterior is computed again by the exact engine, up to
10 standard errors or a ratio of 20, whichever is further. The linear form, which is that of the paper, stands beside:
there the posterior means move as they begin to, and covariance and heterogeneity stay.

References
----------
Phillippo DM, Dias S, Ades AE, Didelez V, Welton NJ (2018) J R Stat Soc A 181:843-867.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from secondline.cell_values import NOT_SETTLED
from secondline.doubt.crossing import Crossing, first_crossing, search_points
from secondline.doubt.figures import Figure
from secondline.doubt.rules import RULES, Chosen, Path, Stakes, choose, scores
from secondline.network.structure import Floats

COLUMNS = (
    "setting",
    "rule",
    "study",
    "arm",
    "effect",
    "se",
    "first",
    "lower",
    "upper",
    "lower_ratio",
    "upper_ratio",
    "lower_se",
    "upper_se",
    "lower_first",
    "upper_first",
    "inside_interval",
    "inside_derivation",
    "linear_lower",
    "linear_upper",
    "disagree",
    "engine",
    "error",
    "reason",
)
NO_INFLUENCE = "no influence"
NONE_WITHIN_RANGE, NONE_BELOW, NONE_ABOVE = "none within range", "none below within range", "none above within range"
_REACH_SE, _REACH_RATIO = 10.0, 20.0
_DISAGREE = 0.10  # of a threshold's distance from the figure
_Z = 1.959963984540054  # of a 95% interval

Row = dict[str, Any]


class SettlingPath(Path, Protocol):
    """A path that knows the error of what is found on it."""

    def settle(self, rule: str, found: Crossing, se: float) -> tuple[Crossing | None, float]:
        """Give a crossing as exactly as the engine can, and its error on the scale of the figure; None if it cannot."""
        ...


class Engine(Protocol):
    """What solves a network for moved data."""

    name: str
    """As tables say it."""
    points: int
    """At which the decision is looked at on either side."""
    exact: float
    """Standard errors to which a threshold is found before it is settled."""

    def path(self, stakes: Stakes, direction: Floats, start: Floats | None = None) -> SettlingPath:
        """Follow the candidates of a setting along a direction of the data, from moved ones if ``start`` is given."""
        ...

    def tangent(self, stakes: Stakes, direction: Floats) -> Path:
        """Follow them in the linear form."""
        ...


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """Shifts of one figure at which a decision changes; None where none is within the range."""

    lower: Crossing | None
    upper: Crossing | None
    error: float = 0.0
    settled: bool = True
    """Whether the engine could settle what the search found."""


def threshold_rows(
    engine: Engine,
    every: Sequence[Stakes],
    figure: Figure,
    ratio: bool,
    rules: Sequence[str] = RULES,
    derived: tuple[float, float] | None = None,
) -> Iterator[Row]:
    """Thresholds of one figure in every setting and by every rule, rows with `COLUMNS`.

    Parameters
    ----------
    engine : Engine
    every : sequence of Stakes
        By setting.
    figure : Figure
    ratio : bool
        Whether the measure is a ratio, and its logarithm the figure.
    derived : pair of float, optional
        Range of the figure over its derivations.
    """
    reach = max(_REACH_SE * figure.se, float(np.log(_REACH_RATIO)) if ratio else 0.0)
    points = search_points(reach, figure.se, engine.points)
    for stakes in every:
        path, tangent = engine.path(stakes, figure.direction), engine.tangent(stakes, figure.direction)
        for rule in rules:
            names = {"setting": stakes.setting, "rule": rule, "study": figure.study, "arm": figure.arm}
            start = decision_at(path, rule, stakes.margin, 0.0)
            own = {
                **names,
                "effect": figure.effect,
                "se": figure.se,
                "first": stakes.named(start),
                "engine": engine.name,
            }
            if not path.moves:
                yield {**own, "reason": NO_INFLUENCE}
                continue
            found = _settled(path, rule, _thresholds(engine, path, rule, stakes.margin, points, figure.se), figure.se)
            linear = _thresholds(engine, tangent, rule, stakes.margin, points, figure.se)
            yield {
                **own,
                **_cells(stakes, figure, found, linear, ratio),
                "inside_derivation": _inside(figure, found, derived),
            }


def decision_at(path: Path, rule: str, margin: float, t: float) -> Chosen:
    """Take the decision of a rule at a point of a path."""
    return choose(rule, scores(rule, path.at(t)), margin)


def _thresholds(engine: Engine, path: Path, rule: str, margin: float, points: Floats, se: float) -> Threshold:
    def decide(t: float) -> Chosen:
        return decision_at(path, rule, margin, t)

    return Threshold(
        lower=first_crossing(decide, -points, se, engine.exact), upper=first_crossing(decide, points, se, engine.exact)
    )


def _settled(path: SettlingPath, rule: str, found: Threshold, se: float) -> Threshold:
    sides = [path.settle(rule, side, se) if side else (None, 0.0) for side in (found.lower, found.upper)]
    (lower, below), (upper, above) = sides
    settled = [error for error in (below, above) if np.isfinite(error)]
    return Threshold(lower=lower, upper=upper, error=max(settled, default=0.0), settled=len(settled) == len(sides))


def _cells(stakes: Stakes, figure: Figure, found: Threshold, linear: Threshold, ratio: bool) -> Row:
    row: Row = {}
    for side, crossing, beside in (("lower", found.lower, linear.lower), ("upper", found.upper, linear.upper)):
        value = None if crossing is None else figure.effect + crossing.at
        row[side] = value
        row[f"{side}_ratio"] = float(np.exp(value)) if ratio and value is not None else None
        row[f"{side}_se"] = None if crossing is None else crossing.at / figure.se
        row[f"{side}_first"] = "" if crossing is None else stakes.named(crossing.after)
        row[f"linear_{side}"] = None if beside is None else figure.effect + beside.at
    limits = figure.effect - _Z * figure.se, figure.effect + _Z * figure.se
    missing = found.lower is None, found.upper is None
    reasons = {(True, True): NONE_WITHIN_RANGE, (True, False): NONE_BELOW, (False, True): NONE_ABOVE}
    return {
        **row,
        "inside_interval": _inside(figure, found, limits),
        "disagree": _differ(found.lower, linear.lower) or _differ(found.upper, linear.upper),
        "error": found.error if found.settled or found.lower or found.upper else None,
        "reason": reasons.get(missing, "") if found.settled else NOT_SETTLED,
    }


def _inside(figure: Figure, found: Threshold, limits: tuple[float, float] | None) -> bool | None:
    """Whether a threshold lies within limits; None where there are none."""
    if limits is None:
        return None
    values = [figure.effect + side.at for side in (found.lower, found.upper) if side]
    return any(limits[0] <= value <= limits[1] for value in values)


def _differ(refitted: Crossing | None, linear: Crossing | None) -> bool:
    if refitted is None or linear is None:
        return (refitted is None) != (linear is None)
    return abs(linear.at - refitted.at) > _DISAGREE * abs(refitted.at)


def derivation_ranges(
    derivation: Sequence[Mapping[str, str]], outcome: str
) -> dict[tuple[str, ...], tuple[float, float]]:
    """Range of every effect of an outcome over its derivations, by study, treatment arm and comparator arm."""
    ranges: dict[tuple[str, ...], tuple[float, float]] = {}
    for row in derivation:
        if row["outcome"] == outcome and row["log_effect_low"] and row["log_effect_high"]:
            key = row["study"], row["treatment_arm"], row["comparator_arm"]
            low, high = ranges.get(key, (np.inf, -np.inf))
            ranges[key] = min(low, float(row["log_effect_low"])), max(high, float(row["log_effect_high"]))
    return ranges
