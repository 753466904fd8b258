"""What is printed of a study's contrasts against the covariance that was found, in rows and in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf, sqrt

import numpy as np

from secondline.project.arm_variances import ArmVariances, Assumption, Floats, Method, Study

# Rounding of printed limits moves a standard error by up to some percent, and effects by a small part of it. Hazard
# ratios of pairs, each from a model of its own, add up less well: of 1,000 consistent three-arm analyses a tenth fail
# by 0.7 to 0.8 standard errors or more, a hundredth by 1.4 to 1.7 (tests/test_multi_arm_simulation.py).
TOLERATED_RATIO = 1.10
TOLERATED_LOOP = 1.0


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


def pair_rows(
    study: Study, fit: ArmVariances, effects: Floats, covariance: Floats, used_as_printed: bool
) -> Iterator[PairRow]:
    """Every pair of arms: what is printed of it, and what the covariance gives."""
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


def arm_rows(study: Study, fit: ArmVariances) -> Iterator[ArmRow]:
    """Every arm: its printed standard error, and that which was found."""
    ends = np.sqrt(np.sort([fit.low, fit.high], axis=0))
    for arm, variance, lower, upper in zip(study.arms, fit.variances, *ends, strict=True):
        printed, reconstructed = study.arm_se.get(arm), sqrt(variance)
        ratio = printed / reconstructed if printed else None
        yield ArmRow(arm, printed, reconstructed, ratio, float(lower), float(upper))


def fold(ratio: float | None) -> float:
    """Return the ratio as a factor of at least 1; without a printed figure nothing disagrees."""
    return 1.0 if ratio is None else max(ratio, 1 / ratio)


def worst(pairs: Sequence[PairRow], arms: Sequence[ArmRow]) -> PairRow | ArmRow:
    """Row whose printed standard error is farthest from its reconstruction."""
    rows: list[PairRow | ArmRow] = [*pairs, *arms]
    return max(rows, key=lambda row: fold(row.ratio))


def loop_in_se(pairs: Sequence[PairRow]) -> float:
    """Largest disagreement of the printed effects, in standard errors of the pair."""
    return max(abs(row.loop or 0.0) / (row.printed_se or inf) for row in pairs)


def message(
    method: Method, assumptions: Sequence[Assumption], checks: int, pairs: Sequence[PairRow], arms: Sequence[ArmRow]
) -> str:
    """Say in one sentence what was printed, what follows from it and how much they disagree."""
    total = len(arms) * (len(arms) - 1) // 2
    missing = [row for row in pairs if row.printed_se is None]
    printed = f"{total - len(missing)} of {total} pairs of arms"
    odd = worst(pairs, arms)
    factor = fold(odd.ratio)
    agree = factor <= TOLERATED_RATIO
    name = f"{odd.treatment} against {odd.comparator}" if isinstance(odd, PairRow) else f"{odd.arm} alone"
    side = "wider" if (odd.ratio or 1) > 1 else "narrower"
    odd_one = f"that of {name} is {side} by a factor of {factor:.2f} than all together imply"
    disagreement = [] if agree else [f"the printed intervals do not agree: {odd_one}"]
    within = (
        f"they agree to within {100 * (factor - 1):.1f}%" if checks else "no further interval is left to check them"
    )
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
    if loop_in_se(pairs) > TOLERATED_LOOP:
        row = max(pairs, key=lambda row: abs(row.loop or 0.0) / (row.printed_se or inf))
        clauses.append(
            f"the printed effects do not add up: that of {row.treatment} against {row.comparator} is "
            f"{abs(row.loop or 0.0):.2g} away from what the other pairs imply, {loop_in_se([row]):.2g} standard errors"
        )
    return "; ".join(clauses) + "."
