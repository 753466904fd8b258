"""Generalised least squares of Gaussian studies, given the standard deviation between them.

Studies that share patients have correlated errors: they enter as one, `OverlappingStudies`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from secondline.network.bias import Bias
from secondline.network.clusters import whiten
from secondline.network.data import contrast_blocks, joined
from secondline.network.overlap import Overlap
from secondline.network.predictor import Predictor
from secondline.network.structure import Floats

# Singular values below this part of the largest one, and parts of a row outside the row space, are rounding.
_TOLERANCE = 1e-9


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

    @property
    def members(self) -> tuple["GaussianStudy", ...]:
        """Studies in it: itself."""
        return (self,)

    def indicators(self) -> Floats:
        """Contrasts as differences of the treatments of the design, (n, treatments of the design)."""
        names = sorted(set(self.treatments))
        of_arms = np.array([[float(name == treatment) for name in names] for treatment in self.treatments])
        return np.asarray(of_arms[1:] - of_arms[0])


@dataclass(frozen=True, eq=False)
class OverlappingStudies:
    """Studies that share patients.

    Parameters
    ----------
    members : tuple of GaussianStudy
    covariance : array, (n, n)
        Of all their contrasts, those of the first study first; positive definite.
    """

    members: tuple[GaussianStudy, ...]
    covariance: Floats

    @property
    def y(self) -> Floats:
        """Contrasts of all studies, (n,)."""
        return np.concatenate([study.y for study in self.members])

    @property
    def rows(self) -> Floats:
        """What each contrast is made of, (n, P)."""
        return np.vstack([study.rows for study in self.members])

    @cached_property
    def whitening(self) -> tuple[Floats, Floats]:
        """T and lambda with T S T' = I and T R T' = diag(lambda)."""
        return whiten(self.covariance, [len(study.y) for study in self.members])


Unit = GaussianStudy | OverlappingStudies
"""What is independent of all else: a study, or studies that share patients."""


def gaussian_units(
    evidence: Sequence[Mapping[str, str]],
    predictor: Predictor,
    likelihood: str,
    overlaps: Sequence[Overlap] = (),
    columns: Floats | None = None,
    bias: Bias | None = None,
) -> list[Unit]:
    """Collect the contrasts of a network by study, those that share patients together.

    Parameters
    ----------
    evidence : rows
    columns : array, (contrasts, k), optional
        Further columns of the design.
    bias : Bias, optional
        Taken from the contrasts, with its variance in their covariance.
    """
    blocks = contrast_blocks(evidence, predictor, likelihood, bias)
    ends = np.cumsum([0, *(len(block.y) for block in blocks)])
    more = np.zeros((ends[-1], 0)) if columns is None else columns
    studies = {
        block.study: GaussianStudy(
            block.name, block.y, np.hstack([block.rows, more[start:end]]), block.variance, block.treatments
        )
        for block, start, end in zip(blocks, ends[:-1], ends[1:], strict=True)
    }
    clusters = {
        members[0].study: OverlappingStudies(tuple(studies[block.study] for block in members), covariance)
        for members, covariance in joined(blocks, overlaps)
    }
    behind = {s.study for cluster in clusters.values() for s in cluster.members[1:]}
    return [clusters.get(i, study) for i, study in studies.items() if study.study not in behind]


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


def fit(studies: Sequence[Unit], tau: float) -> Fit:
    """Estimate the coefficients by generalised least squares.

    Parameters
    ----------
    studies : sequence of GaussianStudy or OverlappingStudies
        At least one.
    tau : float
        Heterogeneity standard deviation; 0 for the fixed effect model.
    """
    model = Model.consistent(studies)
    solution = model.at(tau**2)
    root = np.linalg.solve(solution.r.T, model.basis) if model.rank else model.basis
    target = solution.q.T @ (np.sqrt(solution.weights) * model.y)
    return Fit(tau, root.T @ target, root.T @ root, model.basis, model.df)


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
class Model:
    """Whitened contrasts and a design of full column rank: y ~ N(z g, diag(1 + tau^2 scales))."""

    y: Floats
    z: Floats
    scales: Floats
    basis: Floats

    @classmethod
    def consistent(cls, studies: Iterable[Unit]) -> "Model":
        """One set of coefficients for all studies."""
        return cls.of([(study, study.rows) for study in studies])

    @classmethod
    def of(cls, parts: Sequence[tuple[Unit, Floats]]) -> "Model":
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
        """Number of effects that the studies can tell apart."""
        return len(self.basis)

    @property
    def df(self) -> int:
        """Degrees of freedom left: contrasts less effects."""
        return len(self.y) - self.rank

    def at(self, tau2: float) -> _Solution:
        """Solve with the variance ``tau2`` between studies."""
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


def by_design(studies: Sequence[Unit]) -> dict[str, Model]:
    """For every design, the model in which its studies agree with each other and need not with the others.

    Designs whose studies share patients are not independent: they have one model, with effects of their own in each.
    """
    treatments = {study.design: len(set(study.treatments)) for unit in studies for study in unit.members}
    result = {}
    for designs in _designs(studies):
        widths = {design: treatments[design] for design in designs}
        members = [unit for unit in studies if unit.members[0].design in designs]
        result[" + ".join(designs)] = Model.of([(unit, _free(unit, widths)) for unit in members])
    return result


def _designs(studies: Sequence[Unit]) -> list[list[str]]:
    """Group the designs, in alphabetical order, by whether their studies share patients."""
    group = {study.design: study.design for unit in studies for study in unit.members}
    for unit in studies:
        own = {group[study.design] for study in unit.members}
        group = {design: min(own) if g in own else g for design, g in group.items()}
    return [sorted(d for d, g in group.items() if g == each) for each in sorted(set(group.values()))]


def _free(unit: Unit, widths: Mapping[str, int]) -> Floats:
    """Contrasts of studies over the effects of their own designs, given the number of treatments of every design."""
    parts = []
    for study in unit.members:
        own = np.hstack([study.indicators(), study.rows])
        empty = {design: np.zeros((len(own), n + study.rows.shape[1])) for design, n in widths.items()}
        parts.append([own if design == study.design else none for design, none in empty.items()])
    return np.block(parts)


def _row_space(rows: Floats) -> Floats:
    """Orthonormal rows that span the same space, (rank, P)."""
    _, sizes, right = np.linalg.svd(rows, full_matrices=False)
    return np.asarray(right[sizes > _TOLERANCE * max(sizes.max(initial=0.0), np.finfo(float).tiny)])
