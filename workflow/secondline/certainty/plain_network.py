"""The studies of a plain network as contrasts with a known covariance: what flows are computed from."""

from collections.abc import Mapping, Sequence

import numpy as np

from secondline.inference.generalised_least_squares import GaussianStudy, gaussian_units
from secondline.likelihoods import Distribution
from secondline.network.arms import used_arms, used_rows
from secondline.network.data import CountData, NetworkData, network_data
from secondline.network.predictor import Effects, node
from secondline.network.structure import Structure

Row = Mapping[str, str]


def plain_studies(evidence: Sequence[Row], structure: Structure, likelihood: str) -> list[GaussianStudy]:
    """Collect the contrasts of a network, study by study; flows need that it is plain.

    Counts enter by the estimate and the variance of every arm on the link scale; half a patient is added to every group
    of a study in which one is empty. Studies that have events in no arm, or in every patient, tell nothing of a
    comparison and are left out, as is usual where contrasts are pooled.

    Returns
    -------
    list of GaussianStudy
        ``rows`` are those of the component effects; names of treatments are those of the regimens, or of a mix of them.
    """
    data = network_data(evidence, structure, likelihood, Effects())
    units = gaussian_units(used_rows(evidence), data.predictor, likelihood)
    contrasts = [study for unit in units for study in unit.members]
    return [*contrasts, *_of_counts(evidence, data)] if len(data.counts.study) else contrasts


def _of_counts(evidence: Sequence[Row], data: NetworkData) -> list[GaussianStudy]:
    from secondline.inference.families import gaussian_approximation

    counts, sizes = data.counts, np.diff(data.counts.start)
    empty = _empty(counts)
    added = 0.5 * np.repeat(np.logical_or.reduceat(empty.any(axis=1), counts.start[:-1]), sizes)
    estimates, variances = gaussian_approximation(counts, added[:, None])
    given = {(arm.study, arm.name): arm for arm in used_arms(evidence)}
    points = data.points[len(data.points) - len(counts.rows) :]
    names = [node(given[point], data.predictor.structure) for point in points]
    found = []
    for k, start, end in zip(counts.study, counts.start[:-1], counts.start[1:], strict=True):
        if not empty[start:end].all(axis=0).any():
            own = slice(start, end)
            study = GaussianStudy.of_means(
                data.studies[k], estimates[own], variances[own], counts.rows[own], names[own]
            )
            found.append(study)
    return found


def _empty(counts: CountData) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Whether an arm has no events, and whether it has no patient without, (arms, 2)."""
    of_patients = counts.likelihood.distribution is Distribution.BINOMIAL
    others = counts.n - counts.events if of_patients else np.ones(len(counts.counts))
    return np.column_stack([counts.events, others]) <= 0
