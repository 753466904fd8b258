"""What the rules of certainty ask for, computed from contributions, intervals and tests.

Intervals, estimates and ranges are on the link scale, on which no effect is 0. A limit is *crossed* by an interval that
has it strictly inside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from secondline.cell_values import NOT_JUDGED
from secondline.certainty.rules import Feature

LEVELS = (1, 2, 3)
"""Levels of concern of a study: low, some, high."""
NO_STUDY = "no study"
MIXED, DIRECT, INDIRECT, UNTESTED = "mixed", "direct", "indirect", "untested"
"""What kind of evidence there is on a comparison; untested where node-splits were not computed."""
_LEAST = 1e-12
"""Share below which nothing contributes: shares are sums of floating-point numbers."""
_TIE = 1e-9
Interval = tuple[float, float]
Counts = NDArray[np.int64]


def concern_features(shares: Sequence[float], not_judged: float) -> dict[str, Feature]:
    """Reduce the contributions of studies by their level of concern to one level, in three ways.

    ``majority`` is the level with the largest summed contribution, the higher one of two that are equal; ``average``
    the mean level, rounded half up; ``highest`` that of any contributing study. Where nobody judged some of the
    studies, a level is given only if it is the same whatever these would be judged.

    Parameters
    ----------
    shares : sequence of float, (3,)
        Summed contributions of the studies with levels 1, 2 and 3.
    not_judged : float
        Summed contribution of the studies of which nobody judged.
    """
    total = sum(shares) + not_judged
    if total < _LEAST:
        return dict.fromkeys(("majority", "average", "highest"), NO_STUDY)
    if not_judged < _LEAST:
        supposed = [list(shares)]
    else:
        supposed = [
            [share + (not_judged if level == k else 0.0) for k, share in zip(LEVELS, shares, strict=True)]
            for level in LEVELS
        ]
    found = [_reduced([share / total for share in each]) for each in supposed]
    return {
        name: found[0][name] if len({one[name] for one in found}) == 1 else NOT_JUDGED
        for name in ("majority", "average", "highest")
    }


def _reduced(shares: Sequence[float]) -> dict[str, Feature]:
    largest = max(shares)
    return {
        "majority": max(level for level, share in zip(LEVELS, shares, strict=True) if share > largest - _TIE),
        "average": floor(sum(level * share for level, share in zip(LEVELS, shares, strict=True)) + 0.5 + _TIE),
        "highest": max(level for level, share in zip(LEVELS, shares, strict=True) if share > _LEAST),
    }


@dataclass(frozen=True)
class Crossings:
    """Limits that intervals cross, each an array with one entry for every interval."""

    inside: NDArray[np.bool_]
    """Whether the interval of the mean lies inside the range of equivalence."""
    crossed: Counts
    """Limits crossed by it, of no effect and the limit of the range on the other side of it from the estimate."""
    range_crossed: Counts
    """Limits of the range of equivalence that it crosses."""
    predictive_crossed: Counts | None
    """As ``crossed`` for the interval of a new study, but of both limits of the range where ``inside``."""

    def features(self, i: int = 0) -> dict[str, Feature]:
        """Features of one interval."""
        predictive = None if self.predictive_crossed is None else float(self.predictive_crossed[i])
        return {
            "inside": "yes" if self.inside[i] else "no",
            "crossed": float(self.crossed[i]),
            "range_crossed": float(self.range_crossed[i]),
            "predictive_crossed": predictive,
        }


def crossings(
    estimate: ArrayLike,
    interval: tuple[ArrayLike, ArrayLike],
    predictive: tuple[ArrayLike, ArrayLike] | None,
    equivalence: Interval,
) -> Crossings:
    """Count the limits that intervals of the mean, and of a new study, cross.

    An estimate of exactly no effect has no opposite side; there the limit counts that is crossed, if any is. The
    interval of a new study is at least as wide as that of the mean: limits that contradict this, by the error of
    quantiles of draws, are moved to those of the mean.

    Parameters
    ----------
    estimate : float or array, (N,)
        Link scale.
    interval, predictive : pair of float or array, (N,)
        Lower and upper limits; predictive is None where the model has no heterogeneity.
    equivalence : (float, float)
        Range of effects that are as good as none, around 0.
    """
    centre = np.atleast_1d(np.asarray(estimate, float))
    mean = tuple(np.atleast_1d(np.asarray(limit, float)) for limit in interval)
    inside = (mean[0] >= equivalence[0]) & (mean[1] <= equivalence[1])
    crossed = _of_zone(centre, mean, equivalence)
    whole = _crosses(mean, equivalence[0]) + _crosses(mean, equivalence[1])
    crossed = np.where(inside, 0, crossed)
    if predictive is None:
        return Crossings(inside, crossed, whole, None)
    new = np.minimum(mean[0], predictive[0]), np.maximum(mean[1], predictive[1])
    of_range = _crosses(new, equivalence[0]) + _crosses(new, equivalence[1])
    return Crossings(inside, crossed, whole, np.where(inside, of_range, _of_zone(centre, new, equivalence)))


def _of_zone(centre: NDArray[np.float64], interval: Sequence[ArrayLike], equivalence: Interval) -> Counts:
    """Count the limits crossed of the zone between no effect and the limit opposite to the estimate."""
    low, high = (_crosses(interval, limit) for limit in equivalence)
    opposite = np.where(centre > 0, low, np.where(centre < 0, high, np.maximum(low, high)))
    return np.asarray(_crosses(interval, 0.0) + opposite)


def _crosses(interval: Sequence[ArrayLike], limit: float) -> Counts:
    return np.asarray((np.asarray(interval[0]) < limit) & (limit < np.asarray(interval[1])), dtype=np.int64)


def agreements(direct: Interval, indirect: Interval, equivalence: Interval) -> int:
    """Count the regions, below, within and above the range of equivalence, of which both intervals say the same.

    An interval reaches a region or does not; 3 means that direct and indirect evidence reach the same regions.
    """
    return sum(a == b for a, b in zip(_regions(direct, equivalence), _regions(indirect, equivalence), strict=True))


def _regions(interval: Interval, equivalence: Interval) -> tuple[bool, bool, bool]:
    lower, upper = interval
    low, high = equivalence
    return lower < low, lower < high and upper > low, upper > high


def points(judgements: Mapping[str, str]) -> int:
    """Sum the levels by which judgements lower the certainty: some concerns by one, major concerns by two."""
    return sum({"some": 1, "major": 2}.get(judgement, 0) for judgement in judgements.values())
