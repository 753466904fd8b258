"""Where a decision changes first along a line of data."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from secondline.doubt.rules import Chosen
from secondline.network.structure import Floats

_NEAREST = 0.02  # standard errors, where the first of them lies
POINTS = 32
"""Looked at on either side, denser near 0."""
EXACT = 1e-6
"""Standard errors to which a threshold is found."""


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """The first change of a decision in one direction.

    Parameters
    ----------
    at : float
        Last point at which the decision is the declared one.
    after : tuple of int
        The decision just beyond.
    """

    at: float
    after: Chosen


def search_points(reach: float, se: float, points: int = POINTS) -> Floats:
    """Points at which the decision is looked at on one side, from near 0 to the reach, ever wider apart."""
    return np.geomspace(min(_NEAREST * se, reach / 2), reach, points)


def first_crossing(
    decide: Callable[[float], Chosen], points: Floats, se: float, exact: float = EXACT
) -> Crossing | None:
    """Find where a decision changes first along points on one side of 0, all of one sign; None where it does not.

    Between two points the decision is assumed to change once at most.

    Parameters
    ----------
    decide : function
        Decision at a shift.
    points : array
        Shifts in the order of their distance from 0.
    se : float
        Standard error of the figure.
    exact : float
        Standard errors to which a threshold is found.
    """
    declared, inside = decide(0.0), 0.0
    for point in map(float, points):
        after = decide(point)
        if after != declared:
            return _bisect(decide, declared, inside, point, after, exact * se)
        inside = point
    return None


def _bisect(
    decide: Callable[[float], Chosen], declared: Chosen, inside: float, outside: float, after: Chosen, exact: float
) -> Crossing:
    while abs(outside - inside) > exact:
        middle = (inside + outside) / 2
        there = decide(middle)
        if there == declared:
            inside = middle
        else:
            outside, after = middle, there
    return Crossing(at=inside, after=after)
