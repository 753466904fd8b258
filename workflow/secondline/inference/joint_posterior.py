"""The posterior of the coefficients as one mixture of normals: over the points of a grid, or over draws.

A draw is a normal without spread, so that everything that is asked of an exact posterior can be asked of a sampled one
in the same words: tables have one path, whatever they are made of.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from secondline.inference.grid import NormalMixture
from secondline.network.class_sds import omega_names
from secondline.network.structure import Floats
from secondline.network.study_groups import tau_names

_CELLS = 4_000_000  # components times quantities that are in memory at a time
_ROOT_CELLS = 8 * _CELLS  # rows of all roots times quantities


@dataclass(frozen=True, kw_only=True)
class JointPosterior:
    """Coefficients, tau and omega as a mixture of M components; given a component the coefficients are normal."""

    weights: Floats
    """(M,), which sum to 1."""
    means: Floats
    """(M, coefficients)"""
    roots: Floats
    """(R, rank, coefficients): the covariance of a component is root' root; without rank for draws."""
    root: NDArray[np.int64]
    """Which of the roots each component has, (M,)."""
    tau: Floats | None = None
    """(M,), or (M, groups); None in a model without."""
    omega: Floats | None = None
    """(M,), or (M, classes); None in a model without."""
    groups: tuple[str, ...] = ()
    """Groups of studies with a tau of their own."""
    classes: tuple[str, ...] = ()
    """Classes with an omega of their own."""

    @classmethod
    def of_draws(
        cls,
        coefficients: Floats,
        tau: Floats | None = None,
        omega: Floats | None = None,
        groups: tuple[str, ...] = (),
        classes: tuple[str, ...] = (),
    ) -> "JointPosterior":
        """Take draws of the coefficients, (M, coefficients), of tau, (M,) or (M, groups), and of omega alike."""
        n, width = coefficients.shape
        roots, root = np.zeros((1, 0, width)), np.zeros(n, np.int64)
        weights = np.full(n, 1 / n)
        return cls(
            weights=weights,
            means=coefficients,
            roots=roots,
            root=root,
            tau=tau,
            omega=omega,
            groups=groups,
            classes=classes,
        )

    @property
    def is_drawn(self) -> bool:
        """Whether it consists of draws."""
        return not self.roots.any()

    def of(self, rows: Floats) -> NormalMixture:
        """Posterior of linear combinations of the coefficients.

        Parameters
        ----------
        rows : array, (K, coefficients)
        """
        means = self.means @ rows.T
        return NormalMixture(self.weights, means, self._spread(rows, means.shape))

    def predictive(self, rows: Floats, departures: Floats, group: NDArray[np.int64] | None = None) -> NormalMixture:
        """Linear combinations of the coefficients in a new study, whose variance is larger by tau^2.

        Parameters
        ----------
        rows : array, (K, coefficients)
        departures : array, (K,)
            How many omega^2 a new setting adds to that.
        group : array, (K,), optional
            Group of studies to which each combination belongs, where there are any.
        """
        means = self.means @ rows.T
        nothing = np.zeros(len(means))
        tau, omega = (nothing if scale is None else scale for scale in (self.tau, self.omega))
        if tau.ndim > 1 and group is None:
            raise ValueError("a new study has the tau of its group")
        if omega.ndim > 1:  # that of classes, which a model has in the place of settings
            omega = nothing
        more = (tau[:, None] if tau.ndim == 1 else tau[:, group]) ** 2 + omega[:, None] ** 2 * departures
        return NormalMixture(self.weights, means, np.sqrt(self._spread(rows, means.shape) ** 2 + more))

    def points(self, rows: Floats, log2: int, seed: int) -> Floats:
        """Give linear combinations at points of a scrambled Sobol sequence, in place of draws, (2^log2, K).

        The first coordinate chooses the component, the others are normal deviates. The same points serve every
        posterior, so that those that differ little have combinations that differ little.
        """
        from scipy.stats import qmc

        used, root = np.unique(self.root, return_inverse=True)
        axes = _triangles(self.roots[used] @ rows.T, int(root[self.weights.argmax()]))
        found = qmc.Sobol(1 + axes.shape[1], seed=seed).random_base2(log2)
        cumulative = np.cumsum(self.weights)
        picks = np.minimum(np.searchsorted(cumulative, found[:, 0] * cumulative[-1]), len(cumulative) - 1)
        z = ndtri(np.clip(found[:, 1:], 1e-12, 1 - 1e-12))
        result = (self.means @ rows.T)[picks]
        size = max(1, _CELLS // axes[0].size)
        for part in (slice(first, first + size) for first in range(0, len(z), size)):
            result[part] += np.einsum("nd,ndk->nk", z[part], axes[root[picks[part]]])
        return np.asarray(result)

    def parts(self, n: int) -> Iterator[slice]:
        """Divide n quantities into as many as are computed at a time."""
        size = max(1, min(_CELLS // len(self.weights), _ROOT_CELLS // max(1, self.roots[..., 0].size)))
        yield from (slice(first, first + size) for first in range(0, n, size))

    def scale(self, name: str) -> NormalMixture:
        """Points of tau or omega with their weights, as one quantity.

        Raises
        ------
        ValueError
            The model has no such parameter.
        """
        known = zip((tau_names(self.groups), omega_names(self.classes)), (self.tau, self.omega), strict=True)
        for names, values in known:
            if name in names and values is not None:
                points = values[:, names.index(name)] if values.ndim > 1 else values
                return self._of_points(points)
        raise ValueError(f"{name} is no parameter of the model")

    def _of_points(self, points: Floats) -> NormalMixture:
        return NormalMixture(self.weights, points[:, None], np.zeros((len(points), 1)))

    def _spread(self, rows: Floats, shape: tuple[int, ...]) -> Floats:
        """Give the standard deviations of linear combinations given the component, (M, K)."""
        spread = np.sqrt(((self.roots @ rows.T) ** 2).sum(axis=1))
        return spread[self.root] if len(spread) > 1 else np.broadcast_to(spread, shape)


def _triangles(roots: Floats, heaviest: int) -> Floats:
    """Turn roots of covariances, (R, rank, K), into triangular ones, which change little where the covariance does.

    The combinations are taken in an order that is good for the ``heaviest`` root: those that add most first, and those
    that are determined by others last, whose coordinates then count for nothing.
    """
    from scipy.linalg import qr

    order = qr(roots[heaviest], mode="r", pivoting=True)[1]
    triangles = np.linalg.qr(roots[:, :, order], mode="r")
    diagonal = np.diagonal(triangles, axis1=1, axis2=2)
    return np.asarray((triangles * np.where(diagonal < 0, -1.0, 1.0)[:, :, None])[:, :, np.argsort(order)])
