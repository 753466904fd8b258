"""What every study says of the coefficients, given the heterogeneity: its information, and how its figures enter.

Contrasts y ~ N(X b, S + tau^2 R) inform on b by X'(S + tau^2 R)^-1 X, study by study; a likelihood of counts by its
observed information at the mode, study baselines and arm effects integrated out. Studies that share patients have one
covariance. Its inverse is divided among them by the whitening that stays closest to each study's own (ZCA-cor; Kessy,
Lewin & Strimmer 2018): the parts are those of Zuber & Strimmer (2011) for correlated predictors, none is negative,
and they add up to what the studies say together.

References
----------
Kessy A, Lewin A, Strimmer K (2018) The American Statistician 72:309.
Zuber V, Strimmer K (2011) Statistical Applications in Genetics and Molecular Biology 10:34.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from secondline.inference.exact import GridPosterior
from secondline.inference.generalised_least_squares import OverlappingStudies, Unit, gaussian_units
from secondline.inference.task import Fit
from secondline.network.arms import compared_arms, rows_with
from secondline.network.clusters import heterogeneity
from secondline.network.overlap import Overlap
from secondline.network.predictor import CUT
from secondline.network.structure import Floats

_STEP = 1e-2
"""Of the standard error of an arm, for second derivatives of the likelihood of counts."""

Row = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Information:
    """Information of the studies at G points of a grid of tau and omega.

    Parameters
    ----------
    studies : tuple of str
    study : array of int, (N,)
        Index of the study of every row of ``roots``.
    roots : array, (G, N, coefficients)
        The information of a study is the sum of z z' over its rows z.
    figures : tuple of (study, treatment arm, comparator arm), (M,)
        Contrasts of the studies: as they are given, and of arms every other one against the first.
    slopes : array, (G, M, coefficients)
        Score of the coefficients for a contrast that is larger by 1, link scale.
    """

    studies: tuple[str, ...]
    study: NDArray[np.int64]
    roots: Floats
    figures: tuple[tuple[str, str, str], ...]
    slopes: Floats


def information_of(
    evidence: Sequence[Row],
    fit: Fit,
    likelihood: str,
    posterior: GridPosterior,
    points: NDArray[np.int64],
    overlaps: Sequence[Overlap] = (),
) -> Information:
    """Compute the information of every study of a fit.

    Parameters
    ----------
    evidence : rows
        Evidence table of the fit.
    fit : Fit
    likelihood : str
        Name of the likelihood of the arm rows.
    posterior : GridPosterior
        Of the fit, by the exact engine.
    points : array of int, (G,)
        Points of its grid.
    overlaps : sequence of Overlap
        Patients whom studies of the fit share.
    """
    data = fit.data
    rows = rows_with(evidence, data.predictor.effects.needs)
    units = gaussian_units(rows, data.predictor, likelihood, overlaps, bias=data.bias)
    arms = {row["study"]: compared_arms([r for r in rows if r["study"] == row["study"]]) for row in rows}
    tau, place = np.unique(posterior.tau_points[points], return_inverse=True, axis=0)
    index = {name: k for k, name in enumerate(data.studies)}
    first = [np.array([index[unit.members[0].study]]) for unit in units]  # the group of all its studies
    parts = [_of_unit(unit, data.groups.tau_of(tau, own)[:, 0], index) for unit, own in zip(units, first, strict=True)]
    names = [study.study for unit in units for study in unit.members]
    owners = [
        np.repeat([index[study.study] for study in unit.members], [len(study.y) for study in unit.members])
        for unit in units
    ]
    empty = np.zeros((len(tau), 0, data.n_coefficients))
    roots = np.concatenate([empty, *(root for root, _ in parts)], axis=1)[place]
    slopes = np.concatenate([empty, *(slope for _, slope in parts)], axis=1)[place]
    if len(data.counts.study):
        counted_roots, counted_slopes = _of_counts(fit, posterior, points)
        roots, slopes = np.concatenate([roots, counted_roots], axis=1), np.concatenate([slopes, counted_slopes], axis=1)
        owners.append(np.repeat(data.counts.study, np.diff(data.counts.start)))
        names += [data.studies[k] for k in data.counts.study]
    return Information(
        studies=data.studies,
        study=np.concatenate([np.zeros(0, np.int64), *owners]),
        roots=roots,
        figures=tuple((name, t.name, c.name) for name in names for t, c in arms[name]),
        slopes=slopes,
    )


def _of_unit(unit: Unit, tau: Floats, index: Mapping[str, int]) -> tuple[Floats, Floats]:
    """Roots and slopes of contrasts with a known covariance at every tau, (tau, contrasts, coefficients) each."""
    whitener, scales = unit.whitening
    rows, precision = whitener @ unit.rows, 1 / (1 + tau[:, None] ** 2 * scales)
    slopes = whitener.T @ (precision[:, :, None] * rows)
    if not isinstance(unit, OverlappingStudies):
        return np.sqrt(precision)[:, :, None] * rows, slopes
    sizes = [len(study.y) for study in unit.members]
    covariances = unit.covariance + tau[:, None, None] ** 2 * heterogeneity(sizes)
    return np.stack([_divided(covariance, sizes) @ unit.rows for covariance in covariances]), slopes


def _divided(covariance: Floats, sizes: Sequence[int]) -> Floats:
    """Whiten a covariance so that every row belongs to the study in whose place it is."""
    ends = np.cumsum(sizes)
    blocks = [covariance[end - n : end, end - n : end] for n, end in zip(sizes, ends, strict=True)]
    own = block_diag(*(np.linalg.inv(np.linalg.cholesky(block)) for block in blocks))
    values, vectors = np.linalg.eigh(own @ covariance @ own.T)
    return np.asarray(vectors / np.sqrt(values) @ vectors.T @ own)


def _of_counts(fit: Fit, posterior: GridPosterior, points: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Roots (G, arms, coefficients) and slopes (G, contrasts, coefficients) of counts, by their curvature at the mode.

    The cutpoints of ordered categories are taken as known.
    """
    from secondline.inference.importance import modes

    data, counts = fit.data, fit.data.counts
    tau, omega = posterior.tau.points, posterior.omega.points
    at, of = np.divmod(points, len(omega))
    (taus, t), (omegas, o) = np.unique(at, return_inverse=True), np.unique(of, return_inverse=True)
    found = modes(data, fit.scales, tau[taus], omega[omegas])[t, o]
    curvature = _curvature(fit, found, tau[at])
    rows = np.where(data.predictor.kinds == CUT, 0.0, counts.rows)
    roots, slopes = np.zeros((len(points), *rows.shape)), []
    for a, b in zip(counts.start[:-1], counts.start[1:], strict=True):
        own = curvature[:, a:b, : b - a]
        values, vectors = np.linalg.eigh((own + own.transpose(0, 2, 1)) / 2)
        root = np.sqrt(np.maximum(values, 0.0))[:, :, None] * vectors.transpose(0, 2, 1)
        roots[:, a:b] = root @ rows[a:b]
        moves = np.eye(b - a)[1:] - 1 / (b - a)
        slopes.append(moves @ root.transpose(0, 2, 1) @ roots[:, a:b])
    return roots, np.concatenate(slopes, axis=1)


def _curvature(fit: Fit, coefficients: Floats, tau: Floats) -> Floats:
    """Negative second derivatives of the log likelihood of every study by its linear predictors.

    Returns
    -------
    array, (G, arms, most arms of a study)
        Row of an arm, column of an arm of its study.
    """
    from secondline.inference.families import SCORE, gaussian_approximation
    from secondline.inference.importance import count_arguments, shapes
    from secondline.inference.kernels.study_integral import evaluate

    data, counts = fit.data, fit.data.counts
    arguments, cuts = count_arguments(data, fit.scales), shapes(coefficients, data)[0]
    steps = _STEP * np.sqrt(gaussian_approximation(counts)[1])
    sizes = np.diff(counts.start)
    place = np.arange(len(counts.rows)) - np.repeat(counts.start[:-1], sizes)
    predictors, result = coefficients @ counts.rows.T, np.zeros((len(tau), len(place), sizes.max()))
    for k in range(sizes.max()):
        move = np.where(place == k, steps, 0.0)
        scores = [evaluate(data, predictors + sign * move, tau, cuts, arguments)[1] for sign in (-1, 1)]
        of_study = np.repeat(np.add.reduceat(move, counts.start[:-1]), sizes)
        below, above = (score[:, :, SCORE] for score in scores)
        result[:, :, k] = np.divide(below - above, 2 * of_study, out=np.zeros_like(below), where=of_study > 0)
    return result
