"""The factorial of the axes: every combination of their levels, or a sample of it where there are too many.

Axes and levels are put in an order of their own (axes by name; the declared level first, the others by name), so that
nothing depends on the order in which they are given.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from math import prod

import numpy as np
from numpy.typing import NDArray

from secondline.doubt.settings import Axis, SpecificationSettings
from secondline.errors import UserError
from secondline.network.structure import Floats

Ints = NDArray[np.int64]
MOST = 4_000_000  # combinations that are listed one by one
_VARIANTS = 512  # sampled combinations of which every axis is varied alone, for the total shares
_SHARE_OF_LIMIT = 4  # one in so many specifications, at most, is such a variant


@dataclass(frozen=True, kw_only=True)
class Factorial:
    """Combinations of levels, those nearest to the declared analysis first.

    Parameters
    ----------
    axes : tuple of Axis
        By name; the declared level of each stands first, levels of weight 0 are removed.
    levels : array of int, (combinations, axes)
        Level of every axis; 0 is the declared one.
    weights : array, (combinations,)
        Plausibility: the product of the weights of the levels, or how often a sample drew the combination; they sum to
        1. Combinations that a sample did not draw have 0: they are there for the flips and the total shares.
    sampled : bool
    variants : array of int, (variants, axes, 2)
        For a sample: combinations that differ in one axis alone, by axis, as places among the combinations.
    """

    axes: tuple[Axis, ...]
    levels: Ints
    weights: Floats
    sampled: bool
    variants: Ints

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of levels of every axis."""
        return tuple(len(axis.levels) for axis in self.axes)

    @property
    def product(self) -> int:
        """Number of combinations of the whole factorial."""
        return prod(self.sizes)

    def places(self, wanted: Ints) -> Ints:
        """Find combinations, (..., axes), among those that are listed; -1 where one is not."""
        at = {row.tobytes(): k for k, row in enumerate(self.levels)}
        flat = [at.get(row.tobytes(), -1) for row in np.ascontiguousarray(wanted.reshape(-1, len(self.axes)))]
        return np.array(flat, np.int64).reshape(wanted.shape[:-1])

    @classmethod
    def whole(cls, axes: Sequence[Axis]) -> "Factorial":
        """List all combinations."""
        sizes = [len(axis.levels) for axis in axes]
        grids = np.meshgrid(*(np.arange(size) for size in sizes), indexing="ij") if axes else []
        levels = np.stack([grid.ravel() for grid in grids], axis=1) if axes else np.zeros((1, 0), np.int64)
        weights = np.ones(len(levels))
        for a, axis in enumerate(axes):
            weights *= level_weights(axis)[levels[:, a]]
        order = _nearest_first(levels)
        none = np.zeros((0, len(axes), 2), np.int64)
        return cls(axes=tuple(axes), levels=levels[order], weights=weights[order], sampled=False, variants=none)

    @classmethod
    def sample(cls, axes: Sequence[Axis], limit: int, seed: int) -> "Factorial":
        """Draw combinations by a scrambled Sobol sequence, in proportion to their weights.

        Beside them stand the declared analysis with its one- and two-choice neighbours, and variants of the first
        points of the sequence in which one axis is drawn anew (Jansen 1999).
        """
        from scipy.stats import qmc

        n = len(axes)
        near = neighbours([len(axis.levels) for axis in axes])
        variants = min(_VARIANTS, limit // (_SHARE_OF_LIMIT * n))
        points = max(limit - len(near) - variants * n, variants, 1)
        uniform = qmc.Sobol(2 * n, seed=seed).random_base2(int(np.ceil(np.log2(points))))[:points]
        cumulative = [np.cumsum(level_weights(axis)) for axis in axes]
        drawn = np.stack(
            [
                np.minimum(np.searchsorted(c, uniform[:, k], side="right"), len(c) - 1)
                for k, c in enumerate(cumulative * 2)
            ],
            axis=1,
        )
        base, again = drawn[:, :n], drawn[:variants, n:]
        varied = np.repeat(base[:variants, None], n, axis=1)
        for a in range(n):
            varied[:, a, a] = again[:, a]
        listed = np.concatenate([base, near, varied.reshape(-1, n)])
        levels, inverse = np.unique(listed, axis=0, return_inverse=True)
        weights = np.bincount(inverse.ravel()[:points], minlength=len(levels)) / points
        order = _nearest_first(levels)
        levels, weights = np.ascontiguousarray(levels[order]), weights[order]
        found = cls(
            axes=tuple(axes), levels=levels, weights=weights, sampled=True, variants=np.zeros((0, n, 2), np.int64)
        )
        pairs = np.stack([np.repeat(base[:variants, None], n, axis=1), varied], axis=2)
        return replace(found, variants=found.places(pairs))


def ordered(settings: SpecificationSettings) -> tuple[Axis, ...]:
    """Put axes and levels in order, without levels of weight 0.

    Raises
    ------
    UserError
        An axis has no level, or not one, that the declared analysis makes.
    """
    result = []
    for axis in sorted(settings.axes, key=lambda axis: axis.name):
        kept = [level for level in axis.levels if level.weight > 0]
        declared = [level.name for level in kept if level.declared]
        if len(declared) != 1:
            problem = "several levels are declared" if declared else "no level with a weight above 0 is declared"
            raise UserError(f"axis {axis.name}: {problem}; allowed: one that the declared analysis makes")
        levels = sorted(kept, key=lambda level: (not level.declared, level.name))
        result.append(replace(axis, levels=tuple(levels)))
    return tuple(result)


def level_weights(axis: Axis) -> Floats:
    """Weights of the levels of an axis, summing to 1."""
    weights = np.array([level.weight for level in axis.levels], float)
    return np.asarray(weights / weights.sum())


def neighbours(sizes: Sequence[int]) -> Ints:
    """List the declared combination, and those that differ from it in one and in two axes, (combinations, axes)."""
    n = len(sizes)
    found = [np.zeros(n, np.int64)]
    for count in (1, 2):
        for chosen in combinations(range(n), count):
            for levels in product(*(range(1, sizes[a]) for a in chosen)):
                row = np.zeros(n, np.int64)
                row[list(chosen)] = levels
                found.append(row)
    return np.array(found)


def _nearest_first(levels: Ints) -> Ints:
    """Order combinations by the number of choices that differ from the declared ones, then by their levels."""
    return np.lexsort((*levels.T[::-1], (levels > 0).sum(axis=1)))


@dataclass(frozen=True, kw_only=True)
class Distinct:
    """Combinations of levels as specifications: those with the same evidence, design and prior are one.

    Parameters
    ----------
    first : array of int, (specifications,)
        The combination nearest to the declared analysis of each, by its place.
    of : array of int, (combinations,)
        Specification of every combination; -1 where its choices exclude each other.
    """

    first: Ints
    of: Ints

    @classmethod
    def by(cls, keys: Ints, valid: NDArray[np.bool_]) -> "Distinct":
        """Put together the valid combinations with equal keys, (combinations, parts)."""
        codes = np.zeros(len(keys), np.int64)
        for column in keys.T:
            _, part = np.unique(column, return_inverse=True)
            _, codes = np.unique(codes * (part.max(initial=0) + 1) + part, return_inverse=True)
        of = np.full(len(keys), -1)
        _, first, inverse = np.unique(codes[valid], return_index=True, return_inverse=True)
        order = np.argsort(first)
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        of[valid] = rank[inverse]
        return cls(first=np.flatnonzero(valid)[first[order]], of=of)
