"""Where importance sampling draws from: mixtures of two-piece t distributions around the mode, for a grid of tau.

A zero cell under a wide prior leaves a posterior that falls steeply on one side and is as flat as the prior on the
other: no distribution that is symmetric around the mode covers it. A two-piece t has a scale of its own on either side
of every axis (Geweke 1989), and is continuous: a side is drawn in proportion to its scale. Which axes suit depends
on where the zeros stand: one component takes the principal axes, one those of the coefficients in their order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import lgamma, log, pi

import numpy as np
from scipy.special import logsumexp, ndtri

from secondline.network.structure import Floats

DEGREES = 7  # of freedom
_REACH = np.array([1.0, 3.0, 9.0])  # where the target is looked up along an axis, in units of its scale
_LEAST, _MOST = 0.2, 30.0  # scale of a side, in units of that of the curvature


@dataclass(frozen=True)
class Component:
    """A two-piece t at every tau.

    ``centre`` (T, rank); ``axes`` (T, rank, rank), an axis a row; ``above`` and ``below`` (T, rank), the scales on
    either side of the centre in units of the axes.
    """

    centre: Floats
    axes: Floats
    above: Floats
    below: Floats

    def draw(self, uniform: Floats, stretch: Floats) -> Floats:
        """Turn uniforms (J, rank) and the stretch of a t (J,) into draws (T, J, rank)."""
        share = (self.below / (self.above + self.below))[:, None, :]
        lower = uniform < share
        half = np.where(lower, uniform / share, 1 + (uniform - share) / (1 - share)) / 2
        z = ndtri(np.clip(half, 1e-12, 1 - 1e-12)) * np.where(lower, self.below[:, None], self.above[:, None])
        return np.asarray(self.centre[:, None, :] + (z * stretch[:, None]) @ self.axes)

    def log_density(self, v: Floats) -> Floats:
        """Log density at v (T, J, rank) over the constant of a standard normal, (T, J)."""
        x = (v - self.centre[:, None, :]) @ np.linalg.inv(self.axes)
        z = x / np.where(x < 0, self.below[:, None, :], self.above[:, None, :])
        rank = v.shape[2]
        value = -0.5 * (DEGREES + rank) * np.log1p((z**2).sum(axis=2) / DEGREES) + _log_constant(rank)
        size = np.log((self.above + self.below) / 2).sum(axis=1) + np.linalg.slogdet(self.axes)[1]
        return np.asarray(value - size[:, None])


def draw(components: Sequence[Component], unseen: int, draws: int, replicate: int) -> tuple[Floats, Floats, Floats]:
    """Draw from an even mixture of a power of two of components.

    Parameters
    ----------
    unseen : int
        Standard normals that are drawn beside.

    Returns
    -------
    array, (J, unseen)
    array, (T, J, rank)
    array, (T, J)
        Log density of the mixture over the constant of a standard normal.
    """
    rank = components[0].centre.shape[1]
    uniform, stretch = _uniform(rank + unseen, draws, replicate)
    share = draws // len(components)
    parts = [slice(k * share, (k + 1) * share) for k in range(len(components))]
    pairs = zip(components, parts, strict=True)
    v = np.concatenate([c.draw(uniform[part, :rank], stretch[part]) for c, part in pairs], axis=1)
    density = logsumexp([component.log_density(v) for component in components], axis=0) - np.log(len(components))
    return ndtri(uniform[:, rank:]), v, np.asarray(density)


@cache
def _uniform(dimensions: int, draws: int, replicate: int) -> tuple[Floats, Floats]:
    """Uniforms (J, dimensions) of a scrambled Sobol sequence, and the stretch of a t (J,)."""
    from scipy.stats import chi2, qmc

    uniform = qmc.Sobol(dimensions + 1, rng=np.random.default_rng(replicate)).random(draws)
    uniform = np.clip(uniform, 1e-12, 1 - 1e-12)
    return uniform[:, :-1], np.sqrt(DEGREES / chi2.ppf(uniform[:, -1], DEGREES))


def _log_constant(rank: int) -> float:
    """Log of the density of a standard multivariate t at 0 over the normal's constant (2 pi)^(-rank/2)."""
    t = lgamma((DEGREES + rank) / 2) - lgamma(DEGREES / 2) - 0.5 * rank * log(DEGREES * pi)
    return t + 0.5 * rank * log(2 * pi)


def around(mode: Floats, roots: Floats, log_target: Callable[[Floats], Floats]) -> list[Component]:
    """Components around the modes (T, rank) by the roots of the covariances (T, rank, rank), covariance = roots' roots.

    ``log_target`` takes (T, K, rank) to (T, K).
    """
    _, singular, principal = np.linalg.svd(roots)
    covariance = roots.transpose(0, 2, 1) @ roots
    ordered = np.linalg.cholesky(covariance).transpose(0, 2, 1)
    return [_two_pieces(mode, axes, log_target) for axes in (singular[:, :, None] * principal, ordered)]


def plain(mode: Floats, roots: Floats) -> list[Component]:
    """One symmetric component around the modes: enough to see where the posterior of tau lies."""
    even = np.ones_like(mode)
    return [Component(mode, roots, even, even)]


def _two_pieces(mode: Floats, axes: Floats, log_target: Callable[[Floats], Floats]) -> Component:
    """Scale every side so that the log density of a normal lies above the target wherever it is looked up."""
    n_tau, rank = mode.shape
    signed = np.stack([axes, -axes], axis=1)[:, :, :, None, :] * _REACH[:, None]
    points = mode[:, None, :] + signed.reshape(n_tau, -1, rank)
    top = log_target(mode[:, None, :])
    drop = np.maximum(top - log_target(points), 1e-12).reshape(n_tau, 2, rank, len(_REACH))
    scale = np.clip((_REACH / np.sqrt(2 * drop)).max(axis=3), _LEAST, _MOST)
    return Component(mode, axes, scale[:, 0], scale[:, 1])


def adapted(v: Floats, log_weights: Floats, least: Floats) -> list[Component]:
    """Components by the moments of weighted draws v (T, J, rank): with their covariance, and with four times that.

    ``least`` (T, rank, rank) is a covariance added for draws that lie on top of each other.
    """
    weights = np.exp(log_weights - logsumexp(log_weights, axis=1, keepdims=True))
    mean = np.einsum("tj,tjr->tr", weights, v)
    centred = v - mean[:, None, :]
    covariance = np.einsum("tj,tjr,tjs->trs", weights, centred, centred, optimize=True) + least
    axes = np.linalg.cholesky(covariance).transpose(0, 2, 1)
    even = np.ones_like(mean)
    return [Component(mean, axes, even, even), Component(mean, axes, 2 * even, 2 * even)]
