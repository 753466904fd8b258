"""Importance sampling along the slope of a regression on the baseline risk, which is no direction to draw from.

Where the slope is -1 the risk of the treated arms does not depend on the baseline, so that a study without an event on
the reference says nothing of how low its baseline is: under wide priors the posterior has a narrow ridge there, and a
shoulder beside it. So the slope is laid out as a grid, as tau is; given it the rest is nearly normal. The grid is
refined where the trapezoid rule misses most.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from secondline.inference import mode
from secondline.inference.mode import Mode
from secondline.network.structure import Floats

Evaluate = Callable[[Floats, NDArray[np.int64]], tuple[Floats, Floats]]
"""Coefficients (B, P) and the index of tau (B,) -> log likelihood (B,) and score (B, P)."""


class Column(Protocol):
    """What is asked of `secondline.inference.importance.Column`."""

    @property
    def likelihood(self) -> Evaluate:
        """Likelihood of the coefficients."""

    @property
    def found(self) -> Mode:
        """Modes at every tau."""

    def given(self, likelihood: Evaluate, found: Mode) -> "Column":
        """Take another likelihood, and other modes."""

    def target(self, v: Floats) -> tuple[Floats, Floats]:
        """Log density of what is drawn, and its gradient."""

    def sample(self, draws: int, replicates: int) -> tuple[Floats, Floats, Floats]:
        """Log density, log weights and coefficients."""


NODES, FEW_NODES = 41, 21
"""Nodes of the grid, and of one that only finds the range of the others."""
_RIDGE = -1.0
_DEPTH = 14.0  # below the top of the log density, where the grid may end
_FIRST = 0.5  # the first step away from the ridge
_MOST = 12  # steps outwards, each twice as long as the one before


@dataclass(frozen=True)
class _Given:
    """The likelihood at one value of the slope."""

    whole: Evaluate
    column: int
    value: float
    taus: NDArray[np.int64]
    """Which values of tau it is asked for."""

    def __call__(self, coefficients: Floats, index: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Coefficients (B, P) and the index of tau (B,) -> log likelihood (B,) and score (B, P), 0 by the slope."""
        moved = coefficients.copy()
        moved[:, self.column] = self.value
        value, score = self.whole(moved, self.taus[index])
        score[:, self.column] = 0.0
        return value, score


@dataclass(frozen=True)
class _Node:
    """One value of the slope: modes of the rest, and the log density by the normal approximation there, (T,)."""

    value: float
    found: Mode
    height: Floats


class AlongSlope:
    """The coefficients of one omega, at every tau, along the slope.

    Parameters
    ----------
    column : Column
        With a basis that leaves the slope out, and modes to start from.
    slope : int
        Index of its coefficient.
    sd : float
        Prior standard deviation of the slope.
    size : int
        Nodes of the grid.
    """

    def __init__(self, column: Column, slope: int, sd: float, size: int = NODES) -> None:
        self.column, self.slope, self.sd, self.size = column, slope, sd, size
        everything = np.arange(len(column.found.v))
        self._few = np.unique(np.linspace(0, len(everything) - 1, 4).astype(int))
        self.nodes = [self._at(node.value, node.found, everything) for node in self._laid_out()]

    def _given(self, value: float, taus: NDArray[np.int64], start: Mode) -> Column:
        return self.column.given(_Given(self.column.likelihood, self.slope, value, taus), start)

    def _at(self, value: float, start: Mode, taus: NDArray[np.int64]) -> _Node:
        """Find the modes at one value, from those of a neighbour on."""
        near = np.abs(taus[:, None] - self._few).argmin(axis=1) if len(start.v) != len(taus) else np.arange(len(taus))
        column = self._given(value, taus, start)
        found = mode.find(column.target, start.v[near], start.roots[near])
        top = column.target(found.v[:, None])[0][:, 0]
        height = top + np.linalg.slogdet(found.roots)[1] - 0.5 * (value / self.sd) ** 2
        return _Node(value, found, height)

    def _laid_out(self) -> list[_Node]:
        """Lay the grid: outwards from the ridge as far as the posterior goes, then between where most is missed."""
        start = self.column.found
        first = Mode(start.v[self._few], start.roots[self._few], start.rise[self._few])
        nodes = [self._at(_RIDGE, first, self._few)]
        for side in (1.0, -1.0):
            step = _FIRST
            for _ in range(_MOST):
                last = nodes[-1] if side > 0 else nodes[0]
                node = self._at(last.value + side * step, last.found, self._few)
                nodes = [*nodes, node] if side > 0 else [node, *nodes]
                top = np.max([each.height for each in nodes], axis=0)
                if (node.height < top - _DEPTH).all():
                    break
                step *= 2.0
        nodes = _thinned(nodes, self.size)
        while len(nodes) < self.size:
            gap = int(np.argmax(_missed(nodes)))
            low, high = nodes[gap], nodes[gap + 1]
            nodes.insert(gap + 1, self._at(0.5 * (low.value + high.value), low.found, self._few))
        return nodes

    def sample(self, draws: int, replicates: int) -> tuple[Floats, Floats, Floats]:
        """Log density (R, T), log weights (R, T, J) and coefficients (R, T, J, P), all nodes together."""
        taus = np.arange(len(self.column.found.v))
        x = np.array([node.value for node in self.nodes])
        widths = np.gradient(x) if len(x) > 1 else np.ones(1)
        widths[[0, -1]] /= 2
        log_prior = np.log(widths) - 0.5 * (x / self.sd) ** 2 - np.log(self.sd) - 0.5 * np.log(2 * np.pi)
        parts = []
        for node, prior in zip(self.nodes, log_prior, strict=True):
            density, weights, coefficients = self._given(node.value, taus, node.found).sample(draws, replicates)
            coefficients[..., self.slope] = node.value
            parts.append((density + prior, weights, coefficients))
        by_node = np.stack([density for density, *_ in parts])
        total = logsumexp(by_node, axis=0)
        log_weights = [w + (density - total)[..., None] for density, w, _ in parts]
        return total, np.concatenate(log_weights, axis=2), np.concatenate([c for *_, c in parts], axis=2)

    @property
    def rise(self) -> Floats:
        """By how much the log density may rise beyond its modes, where most of it is, (T,)."""
        heights = np.array([node.height for node in self.nodes])
        relevant = heights > heights.max(axis=0) - _DEPTH
        return np.asarray(np.where(relevant, [node.found.rise for node in self.nodes], 0.0).max(axis=0))


def _thinned(nodes: list[_Node], size: int) -> list[_Node]:
    """Leave out the ends where a grid went further than it has nodes."""
    while len(nodes) > size:
        ends = [float(node.height.max()) for node in (nodes[0], nodes[-1])]
        nodes = nodes[1:] if ends[0] < ends[1] else nodes[:-1]
    return nodes


def _missed(nodes: Sequence[_Node]) -> Floats:
    """Judge what every interval may miss: its larger end times its width, relative to the whole, at the worst tau."""
    x, height = np.array([node.value for node in nodes]), np.array([node.height for node in nodes])
    density = np.exp(height - height.max(axis=0))
    width = np.diff(x)[:, None]
    whole = (width * (density[1:] + density[:-1]) / 2).sum(axis=0)
    steep = np.abs(np.diff(height, axis=0)).clip(0.05, None)
    return np.asarray((width * np.maximum(density[1:], density[:-1]) * np.minimum(steep, 3.0) / whole).max(axis=1))
