"""The data of an analysis as a function of the mean of a bias, and the candidates over it."""

from functools import cached_property
from itertools import pairwise
from typing import Protocol

import numpy as np

from secondline.doubt.bias_fan import Declared
from secondline.doubt.crossing import EXACT, POINTS, Crossing
from secondline.doubt.gaussian_path import GaussianEngine
from secondline.doubt.rules import Stakes, Standing
from secondline.doubt.settings import BiasScheme
from secondline.inference.reliability import Solution, solve_reliably
from secondline.inference.task import Fit
from secondline.network.data import NetworkData
from secondline.network.predictor import BIAS
from secondline.network.structure import Floats

_COUNT_POINTS, _COUNT_EXACT = 13, 0.05
"""Points of the search with counts, on either side, and standard errors to which it is left to all replicates."""
_ZERO = 1e-9  # relative


class BiasPath(Protocol):
    """The candidates of one setting over the mean of a bias."""

    @property
    def moves(self) -> bool:
        """Whether the bias can move any of them."""
        ...

    def at(self, t: float, /) -> Standing | None:
        """Say where they are when the bias has this mean; None where the engine cannot say."""
        ...

    def settle(self, rule: str, found: Crossing, se: float) -> tuple[Crossing | None, float]:
        """Give a crossing as exactly as the engine can, and its error; None, and an infinite one, if it cannot."""
        ...


class BiasedData:
    """The data of an analysis as a function of the mean of a bias.

    Parameters
    ----------
    declared : Declared
    scheme : BiasScheme
    sd : float
        Standard deviation of the bias.
    """

    def __init__(self, declared: Declared, scheme: BiasScheme, sd: float) -> None:
        def at(mean: float) -> Fit:
            return declared.without(scheme.at(mean, sd))

        self.start, unit, self._sd = at(0.0), at(1.0), sd
        before, after = self.start.data, unit.data
        self._of_arms = after.counts.offset - before.counts.offset
        self.direction = np.concatenate([after.gaussian.y - before.gaussian.y, -self._of_arms])
        """By which a bias of 1 moves the data, (contrasts + arms,); those of an arm against its linear predictor."""
        self._draws = None
        if len(before.counts.study):
            from secondline.doubt.bias_draws import BiasDraws

            self._draws = BiasDraws(at)

    def solution(self) -> Solution:
        """Solve the analysis under a bias with mean 0."""
        return self._draws.solution(0.0) if self._draws else solve_reliably(self.start.data, self.start.scales)

    def path(self, stakes: Stakes) -> BiasPath:
        """Follow the candidates of a setting."""
        if self._draws:
            from secondline.doubt.bias_draws import DrawnPath

            return DrawnPath(self._draws, stakes, self.se)
        return self._engine.path(stakes, self.direction)

    @cached_property
    def _engine(self) -> GaussianEngine:
        return GaussianEngine(self.start.data, self.start.scales)

    @property
    def search_with(self) -> tuple[int, float]:
        """Points looked at on either side, and the standard errors to which a crossing is found between two of them."""
        return (_COUNT_POINTS, _COUNT_EXACT) if self._draws else (POINTS, EXACT)

    @property
    def se(self) -> float:
        """Standard error of the mean of the bias if all effects were known."""
        data = self.start.data
        information = float((self.direction[: len(data.gaussian.y)] ** 2).sum())
        return float((information + self._information_of_counts(data)) ** -0.5)

    def _information_of_counts(self, data: NetworkData) -> float:
        """Information of the arms with counts about the mean of the bias, by their normal approximation."""
        if not self._of_arms.any():
            return 0.0
        from secondline.inference.families import gaussian_approximation

        weights, start = 1 / gaussian_approximation(data.counts)[1], data.counts.start
        total = 0.0
        for a, b in pairwise(start):
            own, moved = weights[a:b], self._of_arms[a:b]
            known = float(own @ moved**2 - (own @ moved) ** 2 / own.sum())
            total += known / (1 + self._sd**2 * known)
        return total

    @property
    def is_linear(self) -> bool:
        """Whether the posterior means are linear in the mean of the bias: contrasts, with tau and omega fixed."""
        data, scales = self.start.data, self.start.scales
        return not (len(data.counts.study) or scales.tau or scales.omega)

    @cached_property
    def _effects(self) -> Floats:
        """Columns of the design that are effects of treatments, as a mask: the biases of studies are not."""
        return np.asarray(self.start.data.predictor.kinds != BIAS)

    @cached_property
    def _rows(self) -> Floats:
        """Design of the contrasts and of the arms with counts, (contrasts + arms, effects)."""
        data = self.start.data
        return np.vstack([data.gaussian.rows, data.counts.rows])[:, self._effects]

    @cached_property
    def _taken_up(self) -> Floats | None:
        """Effects that take the bias up entirely, (effects,); None where none do."""
        found = np.linalg.lstsq(self._rows, self.direction, rcond=None)[0]
        left = np.linalg.norm(self._rows @ found - self.direction)
        return found if left < _ZERO * np.linalg.norm(self.direction) else None

    def cannot_move(self, difference: Floats) -> bool:
        """Whether a difference of treatments that the data determine is none of what takes the bias up."""
        if self._taken_up is None:
            return False
        rows, own = self._rows, difference[self._effects]
        determined = np.linalg.norm(np.linalg.pinv(rows) @ (rows @ own) - own) < 1e-7
        return bool(determined and abs(own @ self._taken_up) < _ZERO * np.abs(self._taken_up).max())
