"""The data of a network without one of its studies."""

from dataclasses import replace

import numpy as np

from secondline.network.clusters import place
from secondline.network.data import CountData, GaussianData, Means, NetworkData


def without(data: NetworkData, study: int) -> NetworkData:
    """Leave the data of one study out, by its index; the coefficients and the names of all studies stay."""
    gaussian, means, counts = data.gaussian, data.gaussian.means, data.counts
    own, of_means = gaussian.study != study, means.study != study
    kept_means = Means(*(values[of_means] for values in (means.study, means.y, means.variance, means.rows)))
    y, rows, scales = gaussian.y[own], gaussian.rows[own], gaussian.scales[own]
    log_det = np.where(np.arange(len(data.studies)) == study, 0.0, gaussian.log_det)
    found = [cluster.without(study, own) for cluster in gaussian.clusters]
    clusters = tuple(cluster for cluster in found if cluster is not None)
    place(clusters, y, rows, scales, log_det)
    kept = counts.study != study
    arms = np.repeat(kept, np.diff(counts.start))
    return replace(
        data,
        points=tuple(point for point in data.points if point[0] != data.studies[study]),
        gaussian=GaussianData(gaussian.study[own], y, rows, scales, log_det, kept_means, clusters),
        counts=CountData(
            counts.family,
            counts.study[kept],
            np.cumsum([0, *np.diff(counts.start)[kept]]),
            counts.counts[arms],
            counts.offset[arms],
            counts.rows[arms],
            counts.at_baseline[arms] if len(counts.at_baseline) else counts.at_baseline,
        ),
    )
