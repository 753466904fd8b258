"""The share of every study, and of the prior, in an effect.

Given the heterogeneity, the precision of the coefficients is the sum of the information of the studies and the
precision of their prior, P: V^-1 = sum_s X_s' S_s^-1 X_s + P. The variance c'Vc of a contrast is c'V V^-1 V c, and so a
sum of terms that belong to one study each and to the prior; a share is such a term over the sum. None is negative, and
they add up to 1. Under a flat prior they are the weights h_s' S_s h_s / sum h_s' S_s h_s of the rows of the hat matrix
h_s = S_s^-1 X_s V c; those are also the slopes of the posterior mean, dE[c'b]/dy. Both are averaged over the posterior
of the heterogeneity.
"""

from dataclasses import dataclass

import numpy as np

from secondline.certainty.information import Information
from secondline.inference.grid import weighted_quantiles
from secondline.network.structure import Floats

_LIMITS = np.array([0.025, 0.975])
_CHUNK = 4_000_000
"""Shares that are held in memory at a time."""


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Shares of the studies, and last of the prior, in K contrasts.

    Parameters
    ----------
    mean, lower, upper : array, (K, studies + 1)
        Mean and 95% limits over the posterior of the heterogeneity.
    weights : array, (K, M)
        By how much the posterior mean moves when a contrast of a study is larger by 1, heterogeneity as it is.
    """

    mean: Floats
    lower: Floats
    upper: Floats
    weights: Floats


def shares_of(information: Information, prior_sd: Floats, weights: Floats, contrasts: Floats) -> Shares:
    """Compute the shares in contrasts.

    Parameters
    ----------
    information : Information
        At G points of a grid.
    prior_sd : array, (G, coefficients)
        Prior standard deviations of the coefficients.
    weights : array, (G,)
        Posterior weights of the points; they sum to 1.
    contrasts : array, (K, coefficients)
        At every point at least one has a prior standard deviation, or the contrast is all prior.
    """
    size = max(1, _CHUNK // (len(weights) * (len(information.studies) + 1)))
    parts = [_chunk(information, prior_sd, weights, contrasts[k : k + size]) for k in range(0, len(contrasts), size)]
    mean, lower, upper, moved = (np.concatenate([part[i] for part in parts]) for i in range(4))
    return Shares(mean=mean, lower=lower, upper=upper, weights=moved)


def _chunk(
    information: Information, prior_sd: Floats, weights: Floats, contrasts: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    n_contrasts, n_studies = len(contrasts), len(information.studies)
    member = (information.study[:, None] == np.arange(n_studies)).astype(float)
    shares = np.zeros((len(weights), n_contrasts, n_studies + 1))
    moved = np.zeros((n_contrasts, len(information.figures)))
    for g, (sd, weight) in enumerate(zip(prior_sd, weights, strict=True)):
        roots, scaled = information.roots[g] * sd, contrasts * sd
        solved = np.linalg.solve(roots.T @ roots + np.eye(len(sd)), scaled.T).T
        variance = (solved * scaled).sum(axis=1, keepdims=True)
        terms = np.hstack([(solved @ roots.T) ** 2 @ member, (solved**2).sum(axis=1, keepdims=True)])
        all_prior = np.eye(n_studies + 1)[-1]
        shares[g] = np.divide(terms, variance, out=np.tile(all_prior, (n_contrasts, 1)), where=variance > 0)
        moved += weight * (solved * sd) @ information.slopes[g].T
    flat = shares.reshape(len(weights), -1)
    lower, upper = weighted_quantiles(flat, weights, _LIMITS).reshape(2, n_contrasts, n_studies + 1)
    return np.tensordot(weights, shares, 1), lower, upper, moved
