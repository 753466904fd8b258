"""P(best) of a mixture of normals as a smooth function of its means and weights.

Given all directions of a normal but its widest, every treatment is a line in that one, and the best of them changes
along it at the upper envelope of the lines: a difference of normal distribution functions. The other directions are the
points of one scrambled Sobol sequence, the same for every posterior, so that P(best) is continuous in the data and a
threshold of it can be found as exactly as that of any other probability.
"""

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import qmc

from secondline.network.structure import Floats

_POINTS_LOG2, _FEWER_LOG2, _MANY = 6, 5, 10  # points of the sequence; fewer with many treatments
_LEAST_WEIGHT = 1e-5  # of a component of the mixture


class BestSampler:
    """P(best) of treatments whose effects are mixtures of normals that keep their covariances.

    Parameters
    ----------
    roots : array, (G, rank, treatments)
        Covariance of component g is roots[g]' roots[g].
    """

    def __init__(self, roots: Floats) -> None:
        centred = roots - roots.mean(axis=2, keepdims=True)
        _, singular, vectors = np.linalg.svd(centred, full_matrices=False)
        directions = singular[..., None] * vectors
        self._widest, others = directions[:, 0], directions[:, 1 : roots.shape[2] - 1]
        log2 = _POINTS_LOG2 if roots.shape[2] <= _MANY else _FEWER_LOG2
        self._points = np.zeros((1, 0))
        if others.shape[1]:
            self._points = ndtri(qmc.Sobol(others.shape[1], seed=0).random_base2(log2))
        self._others = others

    def __call__(self, weights: Floats, means: Floats) -> Floats:
        """P(best) of every treatment, higher being better, (treatments,).

        Parameters
        ----------
        weights : array, (G,)
        means : array, (G, treatments)
        """
        kept = np.flatnonzero(weights > _LEAST_WEIGHT * weights.max())
        centred = means[kept] - means[kept].mean(axis=1, keepdims=True)
        height = centred[:, None, :] + self._points @ self._others[kept]
        best = _on_the_envelope(height, self._widest[kept]).mean(axis=1)
        found = weights[kept] @ best
        return np.asarray(found / found.sum())


def _on_the_envelope(height: Floats, steepness: Floats) -> Floats:
    """Probability that a standard normal z makes height + steepness z the largest, (G, points, treatments).

    Parameters
    ----------
    height : array, (G, points, treatments)
    steepness : array, (G, treatments)
    """
    lower, upper = np.full_like(height, -np.inf), np.full_like(height, np.inf)
    for j in range(height.shape[2]):
        ahead = height[..., j : j + 1] - height
        steeper = (steepness - steepness[:, j : j + 1])[:, None, :]
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = ahead / steeper
        np.maximum(lower, crossing, out=lower, where=steeper > 0)
        np.minimum(upper, crossing, out=upper, where=steeper < 0)
        upper[(steeper == 0) & (ahead > 0)] = -np.inf
    return np.maximum(ndtr(upper) - ndtr(lower), 0.0)
