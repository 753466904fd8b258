"""Studies whose errors are correlated, as one: their contrasts are whitened together.

References
----------
Bürkner PC, Gabry J, Vehtari A (2021) Computational Statistics 36:1243 (leaving out of correlated observations).
Kessy A, Lewin A, Strimmer K (2018) The American Statistician 72:309 (ZCA-cor whitening).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from secondline.errors import UserError
from secondline.network.overlap import Overlap, StudyArms, cross_covariance
from secondline.network.structure import Floats

LEAST_EIGENVALUE = 1e-6
"""Of the correlation of a cluster, at or below which it counts as singular."""


def heterogeneity(sizes: Sequence[int]) -> Floats:
    """Pattern of the heterogeneity of studies with so many contrasts: 1 on the diagonal, 1/2 off it within a study."""
    return np.asarray(block_diag(*((np.eye(n) + 1) / 2 for n in sizes)))


def whiten(covariance: Floats, sizes: Sequence[int] = ()) -> tuple[Floats, Floats]:
    """Diagonalise a covariance S and a heterogeneity pattern R together.

    Parameters
    ----------
    covariance : array, (n, n)
        Of one study or, with ``sizes``, of several that share patients.
    sizes : sequence of int
        Contrasts of every study; by default all are of one.

    Returns
    -------
    whitener : array, (n, n)
        T with T S T' = I.
    scales : array, (n,)
        lambda with T R T' = diag(lambda).
    """
    inverse = np.linalg.inv(np.linalg.cholesky(covariance))
    pattern = 2 * heterogeneity(sizes or [len(covariance)])
    scales, vectors = np.linalg.eigh(inverse @ pattern @ inverse.T / 2)
    return vectors.T @ inverse, scales


@dataclass(frozen=True, eq=False)
class Cluster:
    """Contrasts of studies that share patients, which are whitened together.

    Parameters
    ----------
    at : array of int, (n,)
        Places of the contrasts among those of the network, ascending.
    study : array of int, (n,)
        Index of the study of each.
    y : array, (n,)
    rows : array, (n, coefficients)
    covariance : array, (n, n)
        Positive definite.
    """

    at: NDArray[np.int64]
    study: NDArray[np.int64]
    y: Floats
    rows: Floats
    covariance: Floats

    @property
    def studies(self) -> list[int]:
        """Indices of its studies."""
        return list(dict.fromkeys(self.study.tolist()))

    @cached_property
    def whitening(self) -> tuple[Floats, Floats]:
        """T and lambda with T S T' = I and T R T' = diag(lambda)."""
        return whiten(self.covariance, [int((self.study == i).sum()) for i in self.studies])

    @property
    def log_det(self) -> float:
        """Return log |T|."""
        return float(np.linalg.slogdet(self.whitening[0])[1])

    @cached_property
    def rotation(self) -> Floats:
        """Turn whitened residuals into standardised ones that belong to the contrasts, (n, n) and orthogonal.

        They are independent too, and each is as close as possible to the contrast's residual over its standard error
        (ZCA-cor whitening; Kessy, Lewin & Strimmer 2018). Without overlap they are those of each contrast alone.
        """
        se = np.sqrt(np.diag(self.covariance))
        values, vectors = np.linalg.eigh(self.covariance / np.outer(se, se))
        standardised = vectors / np.sqrt(values) @ vectors.T / se
        return np.asarray(standardised @ np.linalg.inv(self.whitening[0]))

    def given_others(self, study: int, scaled: Floats, precision: Floats) -> Floats:
        """Log density of the contrasts of one study given the others of the cluster, (B,).

        With the precision Q of all contrasts and g = Q (y - mean), the residual of study i from its prediction by the
        others is Q_ii^-1 g_i, with covariance Q_ii^-1 (Bürkner, Gabry & Vehtari 2021).

        Parameters
        ----------
        study : int
        scaled : array, (B, n)
            Q (y - mean) of the whitened contrasts.
        precision : array, (B, n, n)
            Q of the whitened contrasts.
        """
        own = self.whitening[0][:, self.study == study]
        g, q = scaled @ own, own.T @ precision @ own
        solved = np.linalg.solve(q, g[..., None])[..., 0]
        constant = own.shape[1] * np.log(2 * np.pi)
        return np.asarray(0.5 * (np.linalg.slogdet(q)[1] - (g * solved).sum(axis=1) - constant))

    def without(self, study: int, kept: NDArray[np.bool_]) -> "Cluster | None":
        """Leave one study of the network out; None where nothing is left.

        Parameters
        ----------
        kept : array of bool
            Which contrasts of the network stay: ``at`` counts those.
        """
        own = self.study != study
        if not own.any():
            return None
        at = (np.cumsum(kept) - 1)[self.at[own]]
        return Cluster(at, self.study[own], self.y[own], self.rows[own], self.covariance[np.ix_(own, own)])


def place(clusters: Sequence[Cluster], y: Floats, rows: Floats, scales: Floats, log_det: Floats) -> None:
    """Write whitened clusters in the places of their contrasts.

    Parameters
    ----------
    y, rows, scales : array
        Whitened contrasts of the network, as `secondline.network.data.GaussianData` has them.
    log_det : array, (studies,)
    """
    for cluster in clusters:
        whitener, scales[cluster.at] = cluster.whitening
        y[cluster.at], rows[cluster.at] = whitener @ cluster.y, whitener @ cluster.rows
        log_det[cluster.studies] = [cluster.log_det] + [0.0] * (len(cluster.studies) - 1)


def linked(studies: Sequence[str], overlaps: Sequence[Overlap]) -> list[list[int]]:
    """Group studies that share patients, directly or through others; those that share none are left out.

    Returns
    -------
    list of lists of int
        Places among ``studies``, ascending.
    """
    group = list(range(len(studies)))
    for overlap in overlaps:
        if set(overlap.studies) <= set(studies):
            first, second = (group[studies.index(name)] for name in overlap.studies)
            group = [min(first, second) if g in (first, second) else g for g in group]
    groups = [[i for i, g in enumerate(group) if g == each] for each in dict.fromkeys(group)]
    return [members for members in groups if len(members) > 1]


def joint_covariance(arms: Sequence[StudyArms], blocks: Sequence[Floats], overlaps: Sequence[Overlap]) -> Floats:
    """Assemble the covariance of the contrasts of studies that share patients.

    Parameters
    ----------
    arms : sequence of StudyArms
    blocks : sequence of arrays
        Covariance of the contrasts of every study.

    Raises
    ------
    UserError
        It is singular, or no covariance at all; the message names the largest correlation allowed.
    """
    names = [each.study for each in arms]
    ends = np.cumsum([0, *(len(block) for block in blocks)])
    alone, result = block_diag(*blocks), block_diag(*blocks)
    inside = [overlap for overlap in overlaps if set(overlap.studies) <= set(names)]
    for overlap in inside:
        i, j = (names.index(name) for name in overlap.studies)
        cross = cross_covariance(overlap, arms[i], arms[j], (blocks[i], blocks[j]))
        result[ends[i] : ends[i + 1], ends[j] : ends[j + 1]] += cross
        result[ends[j] : ends[j + 1], ends[i] : ends[i + 1]] += cross.T
    if not _least_eigenvalue(result) > LEAST_EIGENVALUE:
        raise _singular(inside, alone, result - alone)
    return np.asarray(result)


def largest_factor(alone: Floats, shared: Floats) -> float:
    """Find the factor of what studies share at which their correlation becomes singular, by bisection.

    Parameters
    ----------
    alone, shared : array, (n, n)
        Covariance within the studies, and between them.
    """
    low, high = 0.0, 1.0
    while _least_eigenvalue(alone + high * shared) > LEAST_EIGENVALUE:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _least_eigenvalue(alone + middle * shared) > LEAST_EIGENVALUE else (low, middle)
    return low


def largest_correlation(alone: Floats, shared: Floats) -> float:
    """Largest correlation, without its sign, between contrasts of different studies."""
    se = np.sqrt(np.diag(alone))
    return float(np.abs(shared / np.outer(se, se)).max())


def _least_eigenvalue(covariance: Floats) -> float:
    se = np.sqrt(np.diag(covariance))
    return float(np.linalg.eigvalsh(covariance / np.outer(se, se))[0])


def _singular(overlaps: Sequence[Overlap], alone: Floats, shared: Floats) -> UserError:
    """Say which correlation is too large, and how large it may be."""
    pairs = "; ".join(" and ".join(overlap.studies) for overlap in overlaps)
    rho = largest_correlation(alone, shared)
    allowed = rho * largest_factor(alone, shared)
    problem = f"a correlation of {rho:.6f} makes the covariance of {pairs} singular; allowed: at most {allowed:.6f}"
    return UserError(problem, key="overlaps", value=pairs)
