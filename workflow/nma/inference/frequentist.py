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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import chdtrc, ndtr, ndtri, stdtrit

from nma.inference.mixture import Axis
from nma.network.data import whiten
from nma.network.structure import Floats

# Singular values below this part of the largest one, and parts of a row outside the row space, are rounding.
_TOLERANCE = 1e-9
# The restricted likelihood may have more than one maximum; a grid this fine finds them.
_GRID = 41
_UPPER = 0.975


@dataclass(frozen=True, eq=False)
class GaussianStudy:
    """Basic contrasts of a study against one of its treatments.

    Parameters
    ----------
    study : str
    y : array, (n,)
    rows : array, (n, P)
        What each contrast is made of: P coefficients.
    covariance : array, (n, n)
        Positive definite.
    treatments : tuple of str, (n + 1,)
        The comparator, then the treatment of each contrast. The set of them is the design of the study.

    Raises
    ------
    ValueError
        The sizes do not match.
    """

    study: str
    y: Floats
    rows: Floats
    covariance: Floats
    treatments: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse sizes that do not match."""
        n = len(self.y)
        if n == 0 or len(self.rows) != n or self.covariance.shape != (n, n) or len(self.treatments) != n + 1:
            raise ValueError(f"{self.study}: contrasts, rows, covariance and treatments do not match in number")

    @classmethod
    def of_means(
        cls, study: str, means: Floats, variances: Floats, rows: Floats, treatments: Sequence[str]
    ) -> "GaussianStudy":
        """Contrasts of independent arms against the first of them, with the rows of the arms."""
        covariance = np.diag(variances[1:]) + variances[0]
        return cls(study, means[1:] - means[0], rows[1:] - rows[0], covariance, tuple(treatments))

    @property
    def design(self) -> str:
        """Treatments compared, in alphabetical order."""
        return ":".join(sorted(set(self.treatments)))

    @cached_property
    def whitening(self) -> tuple[Floats, Floats]:
        """T and lambda with T S T' = I and T R T' = diag(lambda)."""
        return whiten(self.covariance)

    def indicators(self) -> Floats:
        """Contrasts as differences of the treatments of the design, (n, treatments of the design)."""
        names = sorted(set(self.treatments))
        of_arms = np.array([[float(name == treatment) for name in names] for treatment in self.treatments])
        return np.asarray(of_arms[1:] - of_arms[0])


@dataclass(frozen=True)
class Fit:
    """Coefficients by generalised least squares, given tau.

    Parameters
    ----------
    tau : float
    estimates : array, (P,)
        Of minimum norm where the design determines only some combinations of the coefficients.
    covariance : array, (P, P)
        Of the estimates; its rank is that of the design.
    row_space : array, (rank, P)
        Orthonormal rows. The combinations of coefficients in their span are estimable.
    df : int
        Contrasts minus rank: the degrees of freedom of the total Q.
    """

    tau: float
    estimates: Floats
    covariance: Floats
    row_space: Floats
    df: int

    def estimable(self, rows: Floats) -> NDArray[np.bool_]:
        """Whether combinations of the coefficients, (..., P), lie in the row space of the design, (...)."""
        outside = rows - rows @ self.row_space.T @ self.row_space
        size = np.linalg.norm(rows, axis=-1)
        return np.asarray(np.linalg.norm(outside, axis=-1) <= 100 * _TOLERANCE * np.maximum(size, 1.0))


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


def fit(studies: Sequence[GaussianStudy], tau: float) -> Fit:
    """Estimate the coefficients by generalised least squares.

    Parameters
    ----------
    studies : sequence of GaussianStudy
        At least one.
    tau : float
        Heterogeneity standard deviation; 0 for the fixed effect model.
    """
    model = _Model.consistent(studies)
    solution = model.at(tau**2)
    root = np.linalg.solve(solution.r.T, model.basis) if model.rank else model.basis
    target = solution.q.T @ (np.sqrt(solution.weights) * model.y)
    return Fit(tau, root.T @ target, root.T @ root, model.basis, model.df)


def reml_tau(studies: Sequence[GaussianStudy]) -> float | None:
    """Estimate tau by restricted maximum likelihood, the highest maximum over tau >= 0.

    The likelihood of all combinations of the data that do not depend on the coefficients (Harville 1977). None where
    there are none: then it is flat.
    """
    model = _Model.consistent(studies)
    if not model.df:
        return None
    points = Axis(1 / np.sqrt(model.scales.max()), model.upper_bound(), _GRID).points ** 2
    scores = [model.score(point) for point in points]
    candidates = [0.0]
    for low, high, before, after in zip(points[:-1], points[1:], scores[:-1], scores[1:], strict=True):
        if before > 0 >= after:
            candidates.append(brentq(model.score, low, high, xtol=1e-14 * high, rtol=1e-14))
    return float(np.sqrt(max(candidates, key=model.log_likelihood)))


def moments_tau(studies: Sequence[GaussianStudy], *, within_designs: bool = False) -> float | None:
    """Estimate tau from the total Q by the method of moments (Jackson 2012); None without degrees of freedom.

    tau^2 = (Q - df) / tr(P R), at least 0, with P = W - W X (X'WX)^- X'W and W the inverse of S: what netmeta calls DL.

    Parameters
    ----------
    within_designs : bool
        Take the Q within designs instead: heterogeneity around the full design-by-treatment interaction model.
    """
    models = _within(studies).values() if within_designs else [_Model.consistent(studies)]
    df = sum(model.df for model in models)
    if not df:
        return None
    solutions = [model.at(0.0) for model in models]
    excess = sum(solution.q_statistic for solution in solutions) - df
    expected = sum(model.scales @ (1 - s.leverages) for model, s in zip(models, solutions, strict=True))
    return float(np.sqrt(max(0.0, excess / expected)))


def q_statistics(studies: Sequence[GaussianStudy], tau: float = 0.0) -> Decomposition:
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
    designs = {name: _q(model, tau) for name, model in _within(studies).items()}
    within = QStatistic(sum(q.value for q in designs.values()), sum(q.df for q in designs.values()))
    total = _q(_Model.consistent(studies), tau)
    df = total.df - within.df
    between = QStatistic(max(0.0, total.value - within.value) if df else 0.0, df)
    return Decomposition(tau, total, within, between, designs)


def q_without(studies: Sequence[GaussianStudy], tau: float = 0.0) -> dict[str, QStatistic]:
    """Q between designs after detaching each design that takes part in it (Krahn 2013).

    A design whose detaching leaves little Q is where the inconsistency lies. Designs that close no loop are left out.
    """
    df = q_statistics(studies, tau).between.df
    result = {}
    for design in sorted({study.design for study in studies}):
        others = [study for study in studies if study.design != design]
        if others:
            between = q_statistics(others, tau).between
            if between.df < df:
                result[design] = between
    return result


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
    """Effects over their standard errors; 0 for treatments that the model does not tell apart."""
    return np.divide(effect, se, out=np.where(np.isnan(se), np.nan, 0.0), where=se > 0)


@dataclass(frozen=True)
class _Solution:
    """A weighted least-squares fit of whitened data: the factors of the weighted design, and what they leave."""

    weights: Floats
    q: Floats
    r: Floats
    residuals: Floats

    @property
    def leverages(self) -> Floats:
        return np.asarray((self.q**2).sum(axis=1))

    @property
    def q_statistic(self) -> float:
        return float(self.residuals @ self.residuals)


@dataclass(frozen=True)
class _Model:
    """Whitened contrasts and a design of full column rank: y ~ N(z g, diag(1 + tau^2 scales))."""

    y: Floats
    z: Floats
    scales: Floats
    basis: Floats

    @classmethod
    def consistent(cls, studies: Iterable[GaussianStudy]) -> "_Model":
        """One set of coefficients for all studies."""
        return cls.of([(study, study.rows) for study in studies])

    @classmethod
    def of(cls, parts: Sequence[tuple[GaussianStudy, Floats]]) -> "_Model":
        """Reduce the design to a basis of its row space, which does not depend on the weights."""
        basis = _row_space(np.vstack([rows for _, rows in parts]))
        return cls(
            np.concatenate([study.whitening[0] @ study.y for study, _ in parts]),
            np.vstack([study.whitening[0] @ (rows @ basis.T) for study, rows in parts]),
            np.concatenate([study.whitening[1] for study, _ in parts]),
            basis,
        )

    @property
    def rank(self) -> int:
        return len(self.basis)

    @property
    def df(self) -> int:
        return len(self.y) - self.rank

    def at(self, tau2: float) -> _Solution:
        return self._solve(1 / (1 + tau2 * self.scales))

    def _solve(self, weights: Floats) -> _Solution:
        root = np.sqrt(weights)
        q, r = np.linalg.qr(root[:, None] * self.z)
        y = root * self.y
        return _Solution(weights, q, r, y - q @ (q.T @ y))

    def log_likelihood(self, tau2: float) -> float:
        """Restricted log likelihood, up to a constant."""
        solution = self.at(tau2)
        log_det = 2 * np.log(abs(np.diag(solution.r))).sum() - np.log(solution.weights).sum()
        return float(-(log_det + solution.q_statistic) / 2)

    def score(self, tau2: float) -> float:
        """Twice the derivative of the restricted log likelihood by tau^2: y'P R P y - tr(P R)."""
        solution = self.at(tau2)
        return float((solution.weights * self.scales) @ (solution.residuals**2 + solution.leverages - 1))

    def upper_bound(self) -> float:
        """Tau beyond which the restricted likelihood only falls.

        With a = Q_R / df, Q_R the least squares weighted by 1 / scales, and s the smallest scale: y'PRPy is at most
        Q_R / tau^4 and tr(P R) at least df s / (1 + s tau^2), so the score is negative above the root of
        s tau^4 = a (1 + s tau^2); one percent is added for rounding.
        """
        a = self._solve(1 / self.scales).q_statistic / self.df
        return float(1.01 * np.sqrt(a / 2 + np.sqrt(a**2 / 4 + a / self.scales.min())))


def _within(studies: Sequence[GaussianStudy]) -> dict[str, _Model]:
    """For every design, the model in which its studies agree with each other and need not with the others."""
    by_design = groupby(sorted(studies, key=lambda study: study.design), key=lambda study: study.design)
    return {
        design: _Model.of([(study, np.hstack([study.indicators(), study.rows])) for study in members])
        for design, members in by_design
    }


def _q(model: _Model, tau: float) -> QStatistic:
    return QStatistic(model.at(tau**2).q_statistic if model.df else 0.0, model.df)


def _row_space(rows: Floats) -> Floats:
    """Orthonormal rows that span the same space, (rank, P)."""
    _, sizes, right = np.linalg.svd(rows, full_matrices=False)
    return np.asarray(right[sizes > _TOLERANCE * max(sizes.max(initial=0.0), np.finfo(float).tiny)])
