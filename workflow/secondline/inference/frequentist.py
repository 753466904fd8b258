"""The frequentist twin of the models of contrasts: every headline number has one.

The model is y ~ N(X b, S + tau^2 R) by study, with R = (I + 11')/2: 1 on the diagonal and 1/2 off it (Higgins &
Whitehead 1996). Its coefficients are estimated by generalised least squares given tau, tau by restricted maximum
likelihood or by the method of moments, which in a pairwise meta-analysis is that of DerSimonian and Laird.

A design matrix may lack columns of full rank: components that never come apart, networks in pieces. Then the estimates
are those of minimum norm, and only combinations in the row space of the design have a meaning. `Fit.estimable` tells
them apart, and relative effects that are not estimable are NaN.

Q statistics follow Krahn (2013): what the studies of one design say against each other (heterogeneity within designs),
and what designs say against each other (inconsistency between designs, the design-by-treatment interaction). Where
there are no degrees of freedom there is no p-value and no I^2: not assessable.

References
----------
DerSimonian R, Laird N (1986) Controlled Clinical Trials 7:177.
Harville DA (1977) Journal of the American Statistical Association 72:320 (restricted likelihood).
Higgins JPT, Whitehead A (1996) Statistics in Medicine 15:2733.
Higgins JPT, Thompson SG (2002) Statistics in Medicine 21:1539 (I^2).
Higgins JPT, Thompson SG, Spiegelhalter DJ (2009) JRSS A 172:137 (prediction intervals).
Higgins JPT, Jackson D, Barrett JK et al. (2012) Research Synthesis Methods 3:98 (design-by-treatment interaction).
Jackson D, White IR, Riley RD (2012) Statistics in Medicine 31:3805 (method of moments).
Krahn U, Binder H, König J (2013) BMC Medical Research Methodology 13:35 (Q within and between designs).
Rücker G, Schwarzer G (2015) BMC Medical Research Methodology 15:58 (P-scores).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtrc, ndtr, ndtri, stdtrit

from secondline.inference.generalised_least_squares import Fit, Model, OverlappingStudies, Unit, by_design
from secondline.inference.grid import Axis
from secondline.network.structure import Floats

# The restricted likelihood may have more than one maximum; a grid this fine finds them.
_GRID = 41
_UPPER = 0.975


@dataclass(frozen=True)
class QStatistic:
    """A generalised Cochran's Q; chi-squared with ``df`` degrees of freedom if the model behind it holds."""

    value: float
    df: int

    @property
    def p(self) -> float | None:
        """p-value; None where Q is not assessable."""
        return float(chdtrc(self.df, self.value)) if self.df else None

    @property
    def i_squared(self) -> float | None:
        """Part of the variation beyond chance, (Q - df) / Q, at least 0; None where Q is not assessable."""
        if not self.df:
            return None
        return max(0.0, 1 - self.df / self.value) if self.value > 0 else 0.0


@dataclass(frozen=True)
class Decomposition:
    """The total Q is the sum of the one within and the one between designs; that within is the sum over designs."""

    tau: float
    total: QStatistic
    within: QStatistic
    between: QStatistic
    designs: dict[str, QStatistic]
    """By design, also where it is not assessable."""


@dataclass(frozen=True)
class RelativeEffects:
    """Effects of the treatment of a row against the treatment of a column, (T, T); NaN where not estimable.

    Intervals are 95%. ``prediction`` holds the effect in a new study.
    """

    treatments: tuple[str, ...]
    effect: Floats
    se: Floats
    lower: Floats
    upper: Floats
    p: Floats
    prediction_df: int
    prediction_lower: Floats
    prediction_upper: Floats


def reml_tau(studies: Sequence[Unit]) -> float | None:
    """Estimate tau by restricted maximum likelihood, the highest maximum over tau >= 0.

    The likelihood of all combinations of the data that do not depend on the coefficients (Harville 1977). None where
    there are none: then it is flat.
    """
    model = Model.consistent(studies)
    if not model.df:
        return None
    points = Axis(1 / np.sqrt(model.scales.max()), model.upper_bound(), _GRID).points ** 2
    scores = [model.score(point) for point in points]
    candidates = [0.0]
    for low, high, before, after in zip(points[:-1], points[1:], scores[:-1], scores[1:], strict=True):
        if before > 0 >= after:
            candidates.append(brentq(model.score, low, high, xtol=1e-14 * high, rtol=1e-14))
    return float(np.sqrt(max(candidates, key=model.log_likelihood)))


def moments_tau(studies: Sequence[Unit], *, within_designs: bool = False) -> float | None:
    """Estimate tau from the total Q by the method of moments (Jackson 2012); None without degrees of freedom.

    tau^2 = (Q - df) / tr(P R), at least 0, with P = W - W X (X'WX)^- X'W and W the inverse of S: what netmeta calls DL.

    Parameters
    ----------
    within_designs : bool
        Take the Q within designs instead: heterogeneity around the full design-by-treatment interaction model.
    """
    models = by_design(studies).values() if within_designs else [Model.consistent(studies)]
    df = sum(model.df for model in models)
    if not df:
        return None
    solutions = [model.at(0.0) for model in models]
    excess = sum(solution.q_statistic for solution in solutions) - df
    expected = sum(model.scales @ (1 - s.leverages) for model, s in zip(models, solutions, strict=True))
    return float(np.sqrt(max(0.0, excess / expected)))


def q_statistics(studies: Sequence[Unit], tau: float = 0.0) -> Decomposition:
    """Decompose Cochran's Q into Q within and Q between designs (Krahn 2013).

    A design is a set of treatments. Within a design its studies share contrasts that are free otherwise; whatever else
    the rows hold (covariates, shares of regimens in mixed arms) has coefficients of its own in every design. So the
    consistent model is nested in the model within designs, and Q between designs also takes up what additive components
    or a common slope do not fit.

    Parameters
    ----------
    tau : float
        0 for the usual Q. With tau from ``moments_tau(studies, within_designs=True)`` the Q between designs tests for
        inconsistency beyond heterogeneity (Higgins 2012), as netmeta's ``decomp.design`` does.
    """
    designs = {name: _q(model, tau) for name, model in by_design(studies).items()}
    within = QStatistic(sum(q.value for q in designs.values()), sum(q.df for q in designs.values()))
    total = _q(Model.consistent(studies), tau)
    df = total.df - within.df
    between = QStatistic(max(0.0, total.value - within.value) if df else 0.0, df)
    return Decomposition(tau, total, within, between, designs)


def q_without(studies: Sequence[Unit], tau: float = 0.0) -> dict[str, QStatistic]:
    """Q between designs after detaching each design that takes part in it (Krahn 2013).

    A design whose detaching leaves little Q is where the inconsistency lies. Designs that close no loop are left out.
    """
    df = q_statistics(studies, tau).between.df
    result = {}
    for design in sorted({study.design for unit in studies for study in unit.members}):
        others = [unit for unit in (_detached(unit, design) for unit in studies) if unit]
        if others:
            between = q_statistics(others, tau).between
            if between.df < df:
                result[design] = between
    return result


def _detached(unit: Unit, design: str) -> Unit | None:
    """Leave the studies of a design out of those that share patients; None where nothing is left."""
    kept = [study.design != design for study in unit.members]
    if all(kept):
        return unit
    own = np.repeat(kept, [len(study.y) for study in unit.members])
    members = tuple(study for study, stays in zip(unit.members, kept, strict=True) if stays)
    return OverlappingStudies(members, unit.covariance[np.ix_(own, own)]) if members else None


def relative_effects(estimate: Fit, treatments: Sequence[str], rows: Floats) -> RelativeEffects:
    """Effects of all pairs of treatments, with intervals for their mean and for a new study.

    Prediction intervals are ``effect ± t sqrt(se^2 + tau^2)`` with the degrees of freedom of Q minus 1: the k - 2 of
    Higgins (2009) in a pairwise meta-analysis, and contrasts minus treatments in a network, as in netmeta. They need at
    least one degree of freedom and are NaN otherwise.

    Parameters
    ----------
    rows : array, (T, P)
        Coefficients of the treatments, against any common comparator.
    """
    differences = rows[:, None] - rows
    spread = differences @ estimate.row_space.T
    inner = estimate.row_space @ estimate.covariance @ estimate.row_space.T
    variance = np.einsum("abi,ij,abj->ab", spread, inner, spread, optimize=True)
    known = estimate.estimable(differences)
    effect = np.where(known, spread @ (estimate.row_space @ estimate.estimates), np.nan)
    se = np.where(known, np.sqrt(np.maximum(variance, 0.0)), np.nan)
    df = estimate.df - 1
    half = ndtri(_UPPER) * se
    quantile = float(stdtrit(df, _UPPER)) if df > 0 else np.nan
    reach = np.asarray(quantile * np.sqrt(se**2 + estimate.tau**2), float)
    np.fill_diagonal(reach, 0.0 if df > 0 else np.nan)
    return RelativeEffects(
        tuple(treatments),
        effect,
        se,
        effect - half,
        effect + half,
        2 * ndtr(-abs(_z(effect, se))),
        df,
        effect - reach,
        effect + reach,
    )


def p_scores(effects: RelativeEffects, better: Literal["lower", "higher"]) -> Floats:
    """Mean certainty that a treatment is better than each of the others (Rücker & Schwarzer 2015), (T,).

    The frequentist SUCRA; the scores of a network average 0.5. NaN where a comparison with another treatment is not
    estimable, or there is none.
    """
    z = _z(effects.effect, effects.se)
    certainty = ndtr(-z if better == "lower" else z)
    np.fill_diagonal(certainty, 0.0)
    n = len(certainty)
    return np.asarray(certainty.sum(axis=1) / (n - 1)) if n > 1 else np.full(n, np.nan)


def _z(effect: Floats, se: Floats) -> Floats:
    """Effects over their standard errors; 0 for treatments that the model does not distinguish."""
    return np.divide(effect, se, out=np.where(np.isnan(se), np.nan, 0.0), where=se > 0)


def _q(model: Model, tau: float) -> QStatistic:
    return QStatistic(model.at(tau**2).q_statistic if model.df else 0.0, model.df)
