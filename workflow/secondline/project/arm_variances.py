"""Variances of the arms of a study, found from the standard errors of its contrasts."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Method = Literal["printed", "reconstructed", "reconstructed_assumed"]
Assumption = Literal["equal", "sizes", "floor"]
# Printed covariances in which some combination of contrasts keeps less than this part of the variance that
# independent arms give it are the work of rounding, not of the data.
DEGENERATE = 1e-3
# Two arms below this part of every printed variance that they enter would be compared with next to no error, though
# figures of two or three digits cannot say so; they are raised to it.
_FLOOR = 0.01
# Least arm variance, as a part of the largest printed one: keeps every matrix numerically positive definite.
_SINGULAR = 1e-10


@dataclass(frozen=True)
class PairwiseEffect:
    """Printed effect of a treatment arm against a comparator arm on the analysis scale, with its standard error.

    Raises
    ------
    ValueError
        The arms are the same, the effect is not finite, or the standard error is not positive.
    """

    treatment: str
    comparator: str
    effect: float
    se: float

    def __post_init__(self) -> None:
        """Refuse what is not an effect."""
        if self.treatment == self.comparator:
            raise ValueError(f"{self.treatment} is compared with itself")
        if not (isfinite(self.effect) and _is_positive(self.se)):
            raise ValueError(
                f"{self.treatment} against {self.comparator}: effect {self.effect}, standard error {self.se}; "
                "the effect must be finite and the standard error positive"
            )


@dataclass(frozen=True)
class Study:
    """Printed figures of a study, as equations in its arms."""

    arms: tuple[str, ...]
    pairs: tuple[PairwiseEffect, ...]
    arm_se: Mapping[str, float]
    sizes: Mapping[str, float]

    def __post_init__(self) -> None:
        """Check that there are arms to compare, and that the comparisons connect them."""
        if len(self.arms) < 2 or len(set(self.arms)) < len(self.arms):
            raise ValueError(f"a study compares two or more arms of different names, not {', '.join(self.arms)}")
        for what, given in (("standard error", self.arm_se), ("size", self.sizes)):
            for arm, value in given.items():
                self.index(arm)
                if not _is_positive(value):
                    raise ValueError(f"the {what} of arm {arm} must be positive, not {value}")
        if not self.connects(np.ones(len(self.pairs), dtype=bool)):
            raise ValueError(f"the printed comparisons do not connect the arms {', '.join(self.arms)}")

    def index(self, arm: str) -> int:
        """Give the number of an arm."""
        if arm not in self.arms:
            raise ValueError(f"{arm} is not an arm of the study, which has {', '.join(self.arms)}")
        return self.arms.index(arm)

    @property
    def incidence(self) -> Floats:
        """1 for the treatment, -1 for the comparator of each printed pair, (pairs, n)."""
        rows = np.zeros((len(self.pairs), len(self.arms)))
        for row, pair in zip(rows, self.pairs, strict=True):
            row[self.index(pair.treatment)] = 1
            row[self.index(pair.comparator)] = -1
        return rows

    @property
    def variances(self) -> Floats:
        """Printed variances of the pairs."""
        return np.array([pair.se**2 for pair in self.pairs])

    def connects(self, use: NDArray[np.bool_]) -> bool:
        """Whether the pairs in use connect all arms."""
        return bool(np.linalg.matrix_rank(self.incidence[use]) == len(self.arms) - 1) if use.any() else False

    def equations(self) -> tuple[Floats, Floats]:
        """Arm variances that each printed variance is the sum of, pairs first, and the printed variances."""
        single = np.zeros((len(self.arm_se), len(self.arms)))
        for row, arm in zip(single, self.arm_se, strict=True):
            row[self.index(arm)] = 1
        own = np.array([se**2 for se in self.arm_se.values()])
        return np.vstack([abs(self.incidence), single]), np.concatenate([self.variances, own])

    def arm_effects(self, use: NDArray[np.bool_]) -> Floats:
        """Arm effects that fit the printed effects in use best, weighted by 1 / se^2; the first arm's is 0."""
        weights = np.sqrt(self.variances[use].min() / self.variances[use])
        printed = np.array([pair.effect for pair in self.pairs])[use]
        effects = np.linalg.lstsq(self.incidence[use, 1:] * weights[:, None], printed * weights, rcond=None)[0]
        return np.concatenate([[0.0], effects])

    def loop(self, pair: int) -> float | None:
        """Return the printed effect of a pair minus the one that the other printed pairs imply."""
        others = np.arange(len(self.pairs)) != pair
        if not self.connects(others):
            return None
        return float(self.pairs[pair].effect - self.incidence[pair] @ self.arm_effects(others))

    def printed_covariance(self, reference: int) -> Floats | None:
        """Covariance of the contrasts against an arm if all pairs are printed, else None.

        A pair that is printed more than once counts with the mean of its variances.
        """
        total, count = np.zeros((2, len(self.arms), len(self.arms)))
        for pair in self.pairs:
            j, k = self.index(pair.treatment), self.index(pair.comparator)
            total[[j, k], [k, j]] += pair.se**2
            count[[j, k], [k, j]] += 1
        np.fill_diagonal(count, 1)
        if not count.all():
            return None
        variance = total / count
        covariance = (variance[reference] + variance[reference][:, None] - variance) / 2
        return np.asarray(np.delete(np.delete(covariance, reference, axis=0), reference, axis=1))


@dataclass(frozen=True)
class ArmVariances:
    """Arm variances, and both ends of the line on which they may lie where the figures leave one number free."""

    variances: Floats
    low: Floats
    high: Floats
    free: bool
    assumptions: tuple[Assumption, ...]


def fit_arms(study: Study) -> ArmVariances:
    """Find the arm variances, with a floor if two or more arms would have next to none."""
    design, printed = study.equations()
    scale = printed.max()
    printed = printed / scale
    least = np.array([printed[column > 0].min() for column in design.T])
    complete = set(study.sizes) == set(study.arms)
    sizes = np.array([study.sizes[arm] for arm in study.arms]) if complete else np.ones(len(study.arms))
    fit = _solve(design, printed, least, np.full(len(least), _SINGULAR), sizes)
    assumptions: list[Assumption] = ["sizes" if complete else "equal"] if fit.free else []
    if np.count_nonzero(fit.variances < _FLOOR * least) > 1:
        fit = _solve(design, printed, least, np.maximum(_SINGULAR, _FLOOR * least), sizes)
        assumptions.append("floor")
    return ArmVariances(scale * fit.variances, scale * fit.low, scale * fit.high, fit.free, tuple(assumptions))


def _solve(design: Floats, printed: Floats, least: Floats, floor: Floats, sizes: Floats) -> ArmVariances:
    """Minimise the squared relative errors of ``design @ v`` subject to ``v >= floor`` (Lawson & Hanson 1974).

    Connected arms leave at most one direction free, +1 on one side of all comparisons and -1 on the other.
    """
    from scipy.linalg import null_space
    from scipy.optimize import nnls

    surplus = nnls(design * least / printed[:, None], 1 - design @ floor / printed)[0]
    variances = floor + least * surplus
    kernel = null_space(design)
    if not kernel.size:
        return ArmVariances(variances, variances, variances, False, ())
    direction = np.sign(kernel[:, 0])
    up, down = direction > 0, direction < 0
    low, high = -variances[up].min(), variances[down].min()
    step = _most_equal(variances, direction, sizes, low, high)
    room = variances - floor
    step = min(max(step, -room[up].min()), room[down].min())
    ends = [variances + end * direction for end in (low, high)]
    low_end, high_end = (np.where(end > _SINGULAR, end, 0.0) for end in ends)
    return ArmVariances(variances + step * direction, low_end, high_end, True, ())


def _most_equal(variances: Floats, direction: Floats, sizes: Floats, low: float, high: float) -> float:
    """Step along the direction to the largest ratio of geometric to arithmetic mean of ``sizes * variances``.

    A concave over a linear function has one maximum, and a variance of 0 at either end puts it inside.
    """
    from scipy.optimize import brentq

    def slope(step: float) -> float:
        there = variances + step * direction
        return float((direction / there).sum() - len(there) * (sizes @ direction) / (sizes @ there))

    margin = 1e-9 * (high - low)
    low, high = low + margin, high - margin
    if slope(low) <= 0:
        return low
    if slope(high) >= 0:
        return high
    return float(brentq(slope, low, high, xtol=1e-15))


def _is_positive(value: float) -> bool:
    """Whether a number is positive, and its square too in floating point."""
    return 1e-100 < value < 1e100
