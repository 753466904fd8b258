"""The scale on which the data of a network resolve heterogeneity."""

import numpy as np

from secondline.network.data import NetworkData


def resolution(data: NetworkData) -> float:
    """Return the least standard error of a contrast: the scale below which tau makes no difference."""
    precision = data.gaussian.scales.max(initial=1e-12)
    if len(data.counts.study):
        from secondline.inference.families import gaussian_approximation

        variance = gaussian_approximation(data.counts)[1]
        precision = max(precision, 1 / np.add.reduceat(variance, data.counts.start[:-1]).min())
    return float(1 / np.sqrt(precision))
