"""Contrasts of a multi-arm study and their covariance, from the pairwise intervals that its paper prints.

Contrasts of one study share arms and are correlated; without their covariance a multi-arm study counts too much
(Franchini 2012). Papers print intervals of pairs, often not all of them, rounded, sometimes wrong.

- All pairs printed: the covariance of two contrasts against c is ``(v_ac + v_bc - v_ab) / 2``, whatever made the arms
  correlated. It is used as it stands ("printed") if it is a covariance at all, that is, positive definite.
- Else each arm j has a variance of its own, and ``se_jk^2 = v_j + v_k`` (unadjusted comparisons of independent arms;
  quasi-variances, an excellent approximation for regression coefficients: Firth & de Menezes 2004). The v are found by
  least squares on the relative errors of the squared standard errors subject to v >= 0 ("reconstructed").
- Pairs that form no odd loop, and no standard error of a single arm, leave one number free: arms on one side of every
  comparison may be more precise if those on the other side are less. Taken then are the v for which the v_j, or with
  sizes the n_j v_j, are as equal as possible: their geometric over their arithmetic mean, Mauchly's measure of
  equality, is largest ("reconstructed_assumed"). The range that v >= 0 allows stands beside the covariance.

Inconsistent figures never stop the pipeline: they are reconciled, measured and told.

References
----------
Firth D, de Menezes RX (2004) Biometrika 91:65.
Franchini AJ, Dias S, Ades AE, Jansen JP, Welton NJ (2012) Research Synthesis Methods 3:142.
Higgins JPT, Whitehead A (1996) Statistics in Medicine 15:2733.
Lawson CL, Hanson RJ (1974) Solving Least Squares Problems. Prentice-Hall.
Mauchly JW (1940) Annals of Mathematical Statistics 11:204.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf, isfinite, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, null_space
from scipy.optimize import brentq, nnls

Floats = NDArray[np.float64]
Method = Literal["printed", "reconstructed", "reconstructed_assumed"]
Assumption = Literal["equal", "sizes", "floor"]

# Rounding of printed limits moves a standard error by up to some percent, and effects by a small part of it. Hazard
# ratios of pairs, each from a model of its own, add up less well: of 1,000 consistent three-arm analyses a tenth fail
# by 0.7 to 0.8 standard errors or more, a hundredth by 1.4 to 1.7 (tests/test_multi_arm_simulation.py).
TOLERATED_RATIO = 1.10
TOLERATED_LOOP = 1.0

# Printed covariances in which some combination of contrasts keeps less than this part of the variance that
# independent arms give it are the work of rounding, not of the data.
_DEGENERATE = 1e-3
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
class PairRow:
    """What was printed for one pair of arms and what is used; the printed fields are None for an unprinted pair.

    Parameters
    ----------
    effect, se
        Of the consistent contrasts, as they enter the analysis.
    loop
        Printed effect minus the effect that the other printed pairs imply: in a triangle y_ab + y_bc + y_ca. None if
        the others imply none.
    reconstructed_se
        From arm variances, also where the printed covariance is used.
    ratio
        ``printed_se / reconstructed_se``.
    se_lower, se_upper
        Range that the printed figures allow; equal to ``se`` where they determine it.
    """

    treatment: str
    comparator: str
    printed_effect: float | None
    effect: float
    loop: float | None
    printed_se: float | None
    reconstructed_se: float
    ratio: float | None
    se: float
    se_lower: float
    se_upper: float


@dataclass(frozen=True)
class ArmRow:
    """Reconstructed standard error of one arm, the one given if any, and the range that the figures allow."""

    arm: str
    printed_se: float | None
    reconstructed_se: float
    ratio: float | None
    se_lower: float
    se_upper: float


@dataclass(frozen=True, eq=False)
class StudyContrasts:
    """Basic contrasts of a study against one of its arms.

    Parameters
    ----------
    comparator
        The arm that the others are compared with.
    treatments
        The other arms, in the order of the study.
    effects : array, (n - 1,)
        Least-squares estimates where more pairs are printed than needed.
    covariance : array, (n - 1, n - 1)
        Positive definite.
    covariance_lower, covariance_upper : array, (n - 1, n - 1)
        Ends of the range that non-negative arm variances allow; equal to ``covariance`` where it is determined.
    method
        "printed", "reconstructed", or "reconstructed_assumed" if it rests on an assumption.
    assumptions
        "equal" (arm variances as equal as possible), "sizes" (as near to 1/n as possible), "floor" (two or more arms
        came out with no variance and were given a small one).
    inconsistency
        Largest ratio, either way round, of a printed standard error to its reconstruction from arm variances; 1 means
        that the printed intervals agree. Under "printed" the covariance itself is free of it.
    checks
        How many figures are printed beyond those that determine the arm variances; with 0, intervals that agree have
        only passed v >= 0. For effects, the printed pairs beyond n - 1 count instead.
    discrepancy
        Largest absolute ``loop`` of the pairs; 0 where no effect is printed twice, directly or by way of others.
    pairs
        All pairs: the printed ones as printed, then the others.
    arms
        All arms, in the order of the study.
    message
        One sentence for the audit.
    """

    comparator: str
    treatments: tuple[str, ...]
    effects: Floats
    covariance: Floats
    covariance_lower: Floats
    covariance_upper: Floats
    method: Method
    assumptions: tuple[Assumption, ...]
    inconsistency: float
    checks: int
    discrepancy: float
    pairs: tuple[PairRow, ...]
    arms: tuple[ArmRow, ...]
    message: str

    @property
    def flagged(self) -> bool:
        """Whether intervals or effects disagree by more than rounding explains."""
        return self.inconsistency > TOLERATED_RATIO or self.loop_in_se > TOLERATED_LOOP

    @property
    def loop_in_se(self) -> float:
        """Largest disagreement of the printed effects, in standard errors of the pair."""
        return _loop_in_se(self.pairs)


def solve_covariance(
    arms: Sequence[str],
    pairs: Sequence[PairwiseEffect],
    *,
    arm_se: Mapping[str, float] | None = None,
    sizes: Mapping[str, float] | None = None,
    comparator: str | None = None,
) -> StudyContrasts:
    """Reconcile the printed pairwise effects of a study into contrasts with a positive definite covariance.

    Parameters
    ----------
    arms
        Names of the study's arms.
    pairs
        Printed comparisons, in either direction; a pair may be printed more than once.
    arm_se
        Standard errors of single arms (means, log odds, log rates), for any of the arms.
    sizes
        Patients, or better events, of the arms. Used for what the intervals leave free, and only if complete.
    comparator
        Arm of the basic contrasts; the first arm by default.

    Returns
    -------
    StudyContrasts

    Raises
    ------
    ValueError
        The printed pairs do not connect the arms, or name an arm that the study has not; a standard error or a size is
        not positive. Never for figures that contradict one another.
    """
    study = _Study(tuple(arms), tuple(pairs), dict(arm_se or {}), dict(sizes or {}))
    reference = study.index(comparator) if comparator is not None else 0
    fit = _fit_arms(study)
    others = [k for k in range(len(arms)) if k != reference]

    def basic(variances: Floats) -> Floats:
        return np.asarray(np.diag(variances[others]) + variances[reference])

    covariance = lower = upper = basic(fit.variances)
    assumptions = fit.assumptions
    printed = study.printed_covariance(reference)
    used_as_printed = printed is not None and _is_sound(printed, covariance)
    if printed is not None and used_as_printed:
        covariance = lower = upper = printed
        assumptions = ()
    elif fit.free:
        ends = basic(fit.low), basic(fit.high)
        lower, upper = np.minimum(*ends), np.maximum(*ends)
    method: Method = "printed" if used_as_printed else "reconstructed_assumed" if assumptions else "reconstructed"

    effects = study.arm_effects(np.ones(len(pairs), dtype=bool))
    pair_rows = tuple(_pair_rows(study, fit, effects, _with_reference(covariance, reference), used_as_printed))
    arm_rows = tuple(_arm_rows(study, fit))
    checks = len(pairs) + len(study.arm_se) - len(arms) + fit.free
    return StudyContrasts(
        comparator=arms[reference],
        treatments=tuple(arms[k] for k in others),
        effects=effects[others] - effects[reference],
        covariance=covariance,
        covariance_lower=lower,
        covariance_upper=upper,
        method=method,
        assumptions=assumptions,
        inconsistency=_fold(_worst(pair_rows, arm_rows).ratio),
        checks=checks,
        discrepancy=max(abs(row.loop or 0.0) for row in pair_rows),
        pairs=pair_rows,
        arms=arm_rows,
        message=_message(method, assumptions, checks, pair_rows, arm_rows),
    )


@dataclass(frozen=True)
class _Study:
    """Printed figures of a study, as equations in its arms."""

    arms: tuple[str, ...]
    pairs: tuple[PairwiseEffect, ...]
    arm_se: Mapping[str, float]
    sizes: Mapping[str, float]

    def __post_init__(self) -> None:
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
class _ArmVariances:
    """Arm variances, and both ends of the line on which they may lie where the figures leave one number free."""

    variances: Floats
    low: Floats
    high: Floats
    free: bool
    assumptions: tuple[Assumption, ...]


def _fit_arms(study: _Study) -> _ArmVariances:
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
    return _ArmVariances(scale * fit.variances, scale * fit.low, scale * fit.high, fit.free, tuple(assumptions))


def _solve(design: Floats, printed: Floats, least: Floats, floor: Floats, sizes: Floats) -> _ArmVariances:
    """Minimise the squared relative errors of ``design @ v`` subject to ``v >= floor`` (Lawson & Hanson 1974).

    Connected arms leave at most one direction free, +1 on one side of all comparisons and -1 on the other.
    """
    surplus = nnls(design * least / printed[:, None], 1 - design @ floor / printed)[0]
    variances = floor + least * surplus
    kernel = null_space(design)
    if not kernel.size:
        return _ArmVariances(variances, variances, variances, False, ())
    direction = np.sign(kernel[:, 0])
    up, down = direction > 0, direction < 0
    low, high = -variances[up].min(), variances[down].min()
    step = _most_equal(variances, direction, sizes, low, high)
    room = variances - floor
    step = min(max(step, -room[up].min()), room[down].min())
    ends = [variances + end * direction for end in (low, high)]
    low_end, high_end = (np.where(end > _SINGULAR, end, 0.0) for end in ends)
    return _ArmVariances(variances + step * direction, low_end, high_end, True, ())


def _most_equal(variances: Floats, direction: Floats, sizes: Floats, low: float, high: float) -> float:
    """Step along the direction to the largest ratio of geometric to arithmetic mean of ``sizes * variances``.

    A concave over a linear function has one maximum, and a variance of 0 at either end puts it inside.
    """

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


def _is_sound(printed: Floats, independent: Floats) -> bool:
    """Whether a printed covariance is positive definite, by a measure that is the same for every comparator."""
    unit = np.sqrt(np.diag(independent))
    unit = unit * unit[:, None]
    return bool(eigh(printed / unit, independent / unit, eigvals_only=True)[0] > _DEGENERATE)


def _with_reference(covariance: Floats, reference: int) -> Floats:
    """Add the comparator's row and column of zeros."""
    return np.insert(np.insert(covariance, reference, 0.0, axis=0), reference, 0.0, axis=1)


def _pair_rows(
    study: _Study, fit: _ArmVariances, effects: Floats, covariance: Floats, used_as_printed: bool
) -> Iterator[PairRow]:
    printed = {frozenset((pair.treatment, pair.comparator)) for pair in study.pairs}
    missing = [(b, a) for a, b in combinations(study.arms, 2) if frozenset((a, b)) not in printed]
    rows = [(pair.treatment, pair.comparator, pair) for pair in study.pairs] + [(*pair, None) for pair in missing]
    for number, (treatment, comparator, pair) in enumerate(rows):
        j, k = study.index(treatment), study.index(comparator)
        reconstructed = sqrt(fit.variances[j] + fit.variances[k])
        se = sqrt(covariance[j, j] + covariance[k, k] - 2 * covariance[j, k])
        ends = [se] if used_as_printed or pair else [sqrt(end[j] + end[k]) for end in (fit.low, fit.high)]
        yield PairRow(
            treatment,
            comparator,
            printed_effect=pair.effect if pair else None,
            effect=float(effects[j] - effects[k]),
            loop=study.loop(number) if pair else None,
            printed_se=pair.se if pair else None,
            reconstructed_se=reconstructed,
            ratio=pair.se / reconstructed if pair else None,
            se=se,
            se_lower=min(se, *ends),
            se_upper=max(se, *ends),
        )


def _arm_rows(study: _Study, fit: _ArmVariances) -> Iterator[ArmRow]:
    ends = np.sqrt(np.sort([fit.low, fit.high], axis=0))
    for arm, variance, lower, upper in zip(study.arms, fit.variances, *ends, strict=True):
        printed, reconstructed = study.arm_se.get(arm), sqrt(variance)
        ratio = printed / reconstructed if printed else None
        yield ArmRow(arm, printed, reconstructed, ratio, float(lower), float(upper))


def _fold(ratio: float | None) -> float:
    """Return the ratio as a factor of at least 1; without a printed figure nothing disagrees."""
    return 1.0 if ratio is None else max(ratio, 1 / ratio)


def _worst(pairs: Sequence[PairRow], arms: Sequence[ArmRow]) -> PairRow | ArmRow:
    """Row whose printed standard error is farthest from its reconstruction."""
    rows: list[PairRow | ArmRow] = [*pairs, *arms]
    return max(rows, key=lambda row: _fold(row.ratio))


def _loop_in_se(pairs: Sequence[PairRow]) -> float:
    """Largest disagreement of the printed effects, in standard errors of the pair."""
    return max(abs(row.loop or 0.0) / (row.printed_se or inf) for row in pairs)


def _message(
    method: Method, assumptions: Sequence[Assumption], checks: int, pairs: Sequence[PairRow], arms: Sequence[ArmRow]
) -> str:
    """Tell in one sentence what was printed, what follows from it and how far it disagrees."""
    total = len(arms) * (len(arms) - 1) // 2
    missing = [row for row in pairs if row.printed_se is None]
    printed = f"{total - len(missing)} of {total} pairs of arms"
    worst = _worst(pairs, arms)
    factor = _fold(worst.ratio)
    agree = factor <= TOLERATED_RATIO
    name = f"{worst.treatment} against {worst.comparator}" if isinstance(worst, PairRow) else f"{worst.arm} alone"
    side = "wider" if (worst.ratio or 1) > 1 else "narrower"
    odd_one = f"that of {name} is {side} by a factor of {factor:.2f} than all together imply"
    disagreement = [] if agree else [f"the printed intervals do not agree: {odd_one}"]
    within = f"they agree to within {100 * (factor - 1):.1f}%" if checks else "nothing is left to check them by"
    agreement = [within] if agree else disagreement
    if total == 1:
        clauses = ["The interval of the only pair of arms is used as printed", *disagreement]
    elif method == "printed":
        clauses = [f"Intervals are printed for all {total} pairs of arms and give the correlations of the contrasts"]
        clauses += agreement if agree else [f"they are not those of independent arms: {odd_one}"]
    elif not missing:
        clauses = [
            f"The intervals printed for all {total} pairs of arms contradict one another, and the nearest that "
            f"independent arms can have are used instead: {odd_one}"
        ]
    elif {"equal", "sizes"} & set(assumptions):
        how = "as precise as their sizes suggest" if "sizes" in assumptions else "about equally precise"
        vague = max(missing, key=lambda row: row.se_upper - row.se_lower)
        clauses = [
            f"Intervals are printed for {printed}, too few to tell how precise each arm is, so the arms are assumed to "
            f"be {how}: the standard error of {vague.treatment} against {vague.comparator} is then {vague.se:.2g}, "
            f"where {vague.se_lower:.2g} to {vague.se_upper:.2g} is possible",
            *disagreement,
        ]
    else:
        own = ", with standard errors of single arms," if any(row.printed_se for row in arms) else ""
        rest = "one follows" if len(missing) == 1 else f"{len(missing)} follow"
        clauses = [f"Intervals are printed for {printed}{own} and the other {rest}", *agreement]
    if "floor" in assumptions:
        clauses.append("two or more arms would have no uncertainty at all and are given a small one by assumption")
    if _loop_in_se(pairs) > TOLERATED_LOOP:
        row = max(pairs, key=lambda row: abs(row.loop or 0.0) / (row.printed_se or inf))
        clauses.append(
            f"the printed effects do not add up: that of {row.treatment} against {row.comparator} is "
            f"{abs(row.loop or 0.0):.2g} away from what the other pairs imply, {_loop_in_se([row]):.2g} standard errors"
        )
    return "; ".join(clauses) + "."
