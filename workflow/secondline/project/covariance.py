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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from secondline.project.arm_variances import (
    DEGENERATE,
    ArmVariances,
    Assumption,
    Floats,
    Method,
    PairwiseEffect,
    Study,
    fit_arms,
)
from secondline.project.covariance_checks import (
    TOLERATED_LOOP,
    TOLERATED_RATIO,
    ArmRow,
    PairRow,
    arm_rows,
    fold,
    loop_in_se,
    message,
    pair_rows,
    worst,
)


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
        return loop_in_se(self.pairs)


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
    study = Study(tuple(arms), tuple(pairs), dict(arm_se or {}), dict(sizes or {}))
    reference = study.index(comparator) if comparator is not None else 0
    fit = fit_arms(study)
    others = [k for k in range(len(arms)) if k != reference]
    chosen = _choose(study, fit, reference)
    effects = study.arm_effects(np.ones(len(pairs), dtype=bool))
    as_printed, method = chosen.method == "printed", chosen.method
    by_pair = tuple(pair_rows(study, fit, effects, _with_reference(chosen.covariance, reference), as_printed))
    by_arm = tuple(arm_rows(study, fit))
    checks = len(pairs) + len(study.arm_se) - len(arms) + fit.free
    return StudyContrasts(
        comparator=arms[reference],
        treatments=tuple(arms[k] for k in others),
        effects=effects[others] - effects[reference],
        covariance=chosen.covariance,
        covariance_lower=chosen.lower,
        covariance_upper=chosen.upper,
        method=method,
        assumptions=chosen.assumptions,
        inconsistency=fold(worst(by_pair, by_arm).ratio),
        checks=checks,
        discrepancy=max(abs(row.loop or 0.0) for row in by_pair),
        pairs=by_pair,
        arms=by_arm,
        message=message(method, chosen.assumptions, checks, by_pair, by_arm),
    )


@dataclass(frozen=True, eq=False)
class _Chosen:
    """Covariance of the basic contrasts with its range, the method and what it assumes."""

    covariance: Floats
    lower: Floats
    upper: Floats
    method: Method
    assumptions: tuple[Assumption, ...]


def _choose(study: Study, fit: ArmVariances, reference: int) -> _Chosen:
    """Take the covariance that is printed where it is sound, or else that of independent arms."""
    others = [k for k in range(len(study.arms)) if k != reference]

    def basic(variances: Floats) -> Floats:
        return np.asarray(np.diag(variances[others]) + variances[reference])

    covariance, printed = basic(fit.variances), study.printed_covariance(reference)
    if printed is not None and _is_sound(printed, covariance):
        return _Chosen(printed, printed, printed, "printed", ())
    ends = (basic(fit.low), basic(fit.high)) if fit.free else (covariance, covariance)
    method: Method = "reconstructed_assumed" if fit.assumptions else "reconstructed"
    return _Chosen(covariance, np.minimum(*ends), np.maximum(*ends), method, fit.assumptions)


def _is_sound(printed: Floats, independent: Floats) -> bool:
    """Whether a printed covariance is positive definite, by a measure that is the same for every comparator."""
    from scipy.linalg import eigh

    unit = np.sqrt(np.diag(independent))
    unit = unit * unit[:, None]
    return bool(eigh(printed / unit, independent / unit, eigvals_only=True)[0] > DEGENERATE)


def _with_reference(covariance: Floats, reference: int) -> Floats:
    """Add the comparator's row and column of zeros."""
    return np.insert(np.insert(covariance, reference, 0.0, axis=0), reference, 0.0, axis=1)
