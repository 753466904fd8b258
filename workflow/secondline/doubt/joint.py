"""The smallest biases of all studies together that change a decision.

Biases are measured in standard errors: the radius is the Mahalanobis length of the bias vector in the likelihood
covariance, so that 2 is as far as the two standard errors of a single study. In the linear form the nearest change lies
along the gradient of the lead of the first over another (`secondline.doubt.linear.joint_radius`). From there on the
search follows the gradient of the refitted lead at the change, as long as that brings the change nearer (Hasofer &
Lind 1974; Rackwitz & Fiessler 1978).

References
----------
Hasofer AM, Lind NC (1974) Journal of the Engineering Mechanics Division 100:111-121.
Rackwitz R, Fiessler B (1978) Computers & Structures 9:489-494.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from secondline.doubt.crossing import Crossing, first_crossing, search_points
from secondline.doubt.figures import Figure
from secondline.doubt.linear import ZERO, joint_radius
from secondline.doubt.rules import RULES, WITHIN_MARGIN, Chosen, Path, Stakes, lead, scores
from secondline.doubt.thresholds import NO_INFLUENCE, NONE_WITHIN_RANGE, Engine, decision_at
from secondline.network.structure import Floats

COLUMNS = (
    "setting",
    "rule",
    "first",
    "radius",
    "linear_radius",
    "new_first",
    "study",
    "arm",
    "shift",
    "shift_se",
    "reason",
)
LINEAR_ONLY = "linear form alone"
_REACH = 20.0  # standard errors
_NEAREST = 2  # changes in the linear form from which the search starts
_STEPS = 6
_CLOSER = 1e-3  # by which a step has to shorten the radius
_DIFFERENCE = 1e-3  # standard errors, of the gradient

Row = dict[str, Any]


class JointEngine(Engine, Protocol):
    """What solves a network for data that are all moved."""

    basis: Floats
    """Directions of one standard error each, independent of each other, (directions, data)."""
    refits_directions: bool
    """Whether to refit along the directions found, and search for better ones; otherwise the linear form alone."""


@dataclass(frozen=True, kw_only=True)
class Joint:
    """The nearest change of a decision: its distance and direction, in standard errors, and the decision beyond."""

    radius: float
    bias: Floats
    """(directions of the basis,)"""
    after: Chosen


def joint_rows(
    engine: JointEngine, every: Sequence[Stakes], figures: Sequence[Figure], rules: Sequence[str] = RULES
) -> Iterator[Row]:
    """Joint radius in every setting and by every rule, with one row for every figure that is moved, `COLUMNS`.

    Parameters
    ----------
    engine : JointEngine
    every : sequence of Stakes
        By setting.
    figures : sequence of Figure
        Of all studies, in whose terms the bias vector is given.
    """
    directions = np.array([figure.direction for figure in figures])
    for stakes in every:
        for rule in rules:
            start = decision_at(engine.path(stakes, figures[0].direction), rule, stakes.margin, 0.0)
            own: Row = {"setting": stakes.setting, "rule": rule, "first": stakes.named(start)}
            linear = _linear(engine, stakes, rule, start)
            if not linear:
                yield {**own, "reason": NO_INFLUENCE}
                continue
            found = []
            if engine.refits_directions:
                found = [joint for each in linear[:_NEAREST] if (joint := _refined(engine, stakes, rule, start, each))]
            in_tangent = _in_tangent(engine, stakes, rule, [*linear[:_NEAREST], *found])
            own["linear_radius"] = in_tangent.radius if in_tangent else None
            nearest = min(found, key=lambda joint: joint.radius, default=None)
            if not engine.refits_directions:
                nearest, own["reason"] = in_tangent, LINEAR_ONLY
            if not nearest:
                yield {**own, "reason": NONE_WITHIN_RANGE}
                continue
            # The shifts of least length: those of the arms of a study add up to 0, as to move all alike is no bias.
            shifts = np.linalg.lstsq(directions.T, nearest.bias @ engine.basis, rcond=None)[0]
            for figure, shift in zip(figures, shifts, strict=True):
                yield {
                    **own,
                    "radius": nearest.radius if found else None,
                    "new_first": stakes.named(nearest.after),
                    "study": figure.study,
                    "arm": figure.arm,
                    "shift": float(shift),
                    "shift_se": float(shift / figure.se),
                }


def _linear(engine: JointEngine, stakes: Stakes, rule: str, start: Chosen) -> list[Joint]:
    """List the changes of the decision in the linear form of the score of the rule, the nearest first."""
    best = int(scores(rule, engine.path(stakes, engine.basis[0]).at(0.0)).argmax())
    others = [k for k in range(len(stakes.names)) if k != best]
    if rule == WITHIN_MARGIN:
        afters: list[Chosen] = [tuple(sorted({*start} ^ {k})) for k in others]
    else:
        afters = [(k,) for k in others]
    found = []
    for after, (ahead, gradient) in zip(afters, _leads(engine, stakes, rule, start, afters), strict=True):
        radius, bias = joint_radius(ahead, gradient)
        if 0 < radius < np.inf:
            found.append(Joint(radius=radius, bias=bias, after=after))
    return sorted(found, key=lambda joint: joint.radius)


def _refined(engine: JointEngine, stakes: Stakes, rule: str, start: Chosen, linear: Joint) -> Joint | None:
    """Follow the gradient of the refitted lead, from the direction of the linear form on; None beyond the range."""
    direction, best = linear.bias / np.linalg.norm(linear.bias), None
    for _ in range(_STEPS):
        crossing = _crossing(engine, stakes, rule, direction)
        if crossing is None or (best and crossing.at > best.radius - _CLOSER):
            break
        best = Joint(radius=crossing.at, bias=crossing.at * direction, after=crossing.after)
        [(_, gradient)] = _leads(engine, stakes, rule, start, [best.after], best.bias @ engine.basis)
        if not gradient.any():
            break
        direction = -gradient / np.linalg.norm(gradient)
    return best


def _in_tangent(engine: JointEngine, stakes: Stakes, rule: str, every: Sequence[Joint]) -> Joint | None:
    """Nearest change in the linear form along the directions found; None beyond the range."""
    changes = []
    for joint in every:
        direction = joint.bias / np.linalg.norm(joint.bias)
        found = _first(engine, engine.tangent(stakes, direction @ engine.basis), rule, stakes.margin)
        if found:
            changes.append(Joint(radius=found.at, bias=found.at * direction, after=found.after))
    return min(changes, key=lambda change: change.radius, default=None)


def _first(engine: JointEngine, path: Path, rule: str, margin: float) -> Crossing | None:
    points = search_points(_REACH, 1.0, engine.points)
    return first_crossing(lambda t: decision_at(path, rule, margin, t), points, 1.0, engine.exact)


def _crossing(engine: JointEngine, stakes: Stakes, rule: str, direction: Floats) -> Crossing | None:
    return _first(engine, engine.path(stakes, direction @ engine.basis), rule, stakes.margin)


def _leads(
    engine: JointEngine,
    stakes: Stakes,
    rule: str,
    declared: Chosen,
    afters: Sequence[Chosen],
    start: Floats | None = None,
) -> list[tuple[float, Floats]]:
    """Lead of a decision over others, and its gradient by the directions of the basis, for data moved by ``start``."""
    here, above, below = None, [], []
    for direction in engine.basis:  # one path at a time: those of a large network fill the memory
        path = engine.path(stakes, direction, start)
        here = scores(rule, path.at(0.0)) if here is None else here
        above.append(scores(rule, path.at(_DIFFERENCE)))
        below.append(scores(rule, path.at(-_DIFFERENCE)))
    assert here is not None
    result = []
    for after in afters:
        ahead = lead(rule, here, stakes.margin, declared, after)
        change = [
            lead(rule, high, stakes.margin, declared, after) - lead(rule, low, stakes.margin, declared, after)
            for high, low in zip(above, below, strict=True)
        ]
        gradient = np.array(change) / (2 * _DIFFERENCE)
        result.append((ahead, np.where(np.abs(gradient) > ZERO * np.abs(gradient).max(), gradient, 0.0)))
    return result
