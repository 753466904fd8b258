"""Modes of a log density by damped Newton steps, at many values of tau at once.

Every step is taken in coordinates that the curvature at the last one has made even: under wide priors directions differ
in scale by a factor of 10^5. A step is as long as the density goes on to rise, so that no plateau throws it off.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from secondline.network.structure import Floats

Target = Callable[[Floats], tuple[Floats, Floats]]
"""(T, K, rank) -> log density (T, K) and its gradient (T, K, rank)."""

_STEPS = 60
_CLOSE = 1e-6  # the rise that a Newton step promises, below which it is the last
_LONGEST = 8.0  # of a step, in standard deviations of the curvature
_LENGTHS = np.array([1.0, 2.0, 0.5, 0.25, 0.1, 0.03, 0.01, 0.0])
_DIFFERENCE = 1e-2  # of a coordinate, for second derivatives
_FLATTEST = 0.02  # curvature below which a direction counts as flat: the density need not be log-concave everywhere


@dataclass(frozen=True)
class Mode:
    """Modes (T, rank), roots of the inverse curvature there (T, rank, rank), and the rise still promised (T,)."""

    v: Floats
    roots: Floats
    rise: Floats


def find(target: Target, v: Floats, roots: Floats) -> Mode:
    """Climb from v (T, rank), with the roots (T, rank, rank) of a first guess of the covariance."""
    rise = np.full(len(v), np.inf)
    for _ in range(_STEPS):
        gradient, curvature = _derivatives(target, v, roots)
        step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
        rise = 0.5 * (gradient * step).sum(axis=1)
        moved = _longest_rise(target, v, step, roots)
        roots = np.linalg.inv(np.linalg.cholesky(curvature)) @ roots
        if rise.max(initial=0.0) < _CLOSE or np.array_equal(moved, v):
            break
        v = moved
    return Mode(v, roots, rise)


def _derivatives(target: Target, v: Floats, roots: Floats) -> tuple[Floats, Floats]:
    """Gradient (T, rank), and negative second derivatives (T, rank, rank) by central differences, along the roots."""
    points = np.concatenate([v[:, None, :] + sign * _DIFFERENCE * roots for sign in (1, -1)], axis=1)
    gradients = target(np.concatenate([v[:, None, :], points], axis=1))[1] @ roots.transpose(0, 2, 1)
    rank = v.shape[1]
    change = (gradients[:, 1 + rank :] - gradients[:, 1 : 1 + rank]) / (2 * _DIFFERENCE)
    return gradients[:, 0], _positive((change + change.transpose(0, 2, 1)) / 2)


def _positive(curvature: Floats) -> Floats:
    """Make a curvature positive definite."""
    values, vectors = np.linalg.eigh(curvature)
    lifted = np.maximum(np.abs(values), _FLATTEST)
    return np.asarray((vectors * lifted[:, None, :]) @ vectors.transpose(0, 2, 1))


def _longest_rise(target: Target, v: Floats, step: Floats, roots: Floats) -> Floats:
    """Go along a step to the best of several lengths; nowhere, where none is better."""
    size = np.sqrt((step**2).sum(axis=1, keepdims=True))
    along = ((step * np.minimum(1.0, _LONGEST / np.maximum(size, 1e-300)))[:, None, :] @ roots)[:, 0]
    points = v[:, None, :] + _LENGTHS[:, None] * along[:, None, :]
    value = np.nan_to_num(target(points)[0], nan=-np.inf)
    return np.asarray(np.take_along_axis(points, value.argmax(axis=1)[:, None, None], axis=1)[:, 0])
