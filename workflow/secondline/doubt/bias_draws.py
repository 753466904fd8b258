"""Posteriors of a network with counts over the mean of a bias: the draws of one solution, moved and weighted anew.

At every point of the grid the draws move by as much as the mode does when the mean of the bias changes, and are
weighted by the ratio of likelihood times prior at the new place to that at the old one. Of a bias that an effect takes
up entirely nothing but the prior is left to weigh. Where few of the draws would carry the weight, or the grid ends
before the posterior does, the network is solved anew, and points near there start from that solution. The replicates of
the engine stay apart: their spread is the error of what is found, with the share that the weights have in it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from secondline.doubt.crossing import Crossing
from secondline.doubt.decision import p_best_of, pairwise
from secondline.doubt.linear import ZERO
from secondline.doubt.rules import Stakes, choose, lead, scores
from secondline.inference import importance
from secondline.inference.exact import GridPosterior
from secondline.inference.reliability import Solution, solve_reliably
from secondline.inference.reweighting import weighted
from secondline.inference.task import Fit
from secondline.network.data import NetworkData
from secondline.network.structure import Floats

_STEP = 0.05  # standard errors to either side of a tipping point, where its lead is looked at
_STEPS = 8  # that settle it, at most
_KEPT = 64  # posteriors of other means


@dataclass(frozen=True)
class _Base:
    """A solution, and what its draws were drawn from."""

    mean: float
    posterior: GridPosterior
    modes: Floats
    """(G, coefficients)"""
    log_densities: Floats
    """(R, G, J)"""


class BiasDraws:
    """A network with counts under a bias of any mean.

    Parameters
    ----------
    at : function
        The fit with a bias of a mean.
    """

    def __init__(self, at: Callable[[float], Fit]) -> None:
        self._at = at
        self.start, unit = at(0.0), at(1.0)
        before, after = self.start.data, unit.data
        self.of_contrasts = after.gaussian.y - before.gaussian.y
        """By which a bias of 1 moves the whitened contrasts, (contrasts,)."""
        self.of_arms = before.counts.offset - after.counts.offset
        """By which it moves the data of the arms with counts against their linear predictor, (arms,)."""
        self._bases: list[_Base] = []
        self.solution = lru_cache(maxsize=_KEPT)(self._solution)

    def _solution(self, mean: float, few: bool = False) -> Solution:
        """Posterior under a bias with this mean, or why the engine cannot be relied on; of one replicate if ``few``."""
        return self._moved(mean, few) or self._solved(mean, few)

    def _moved(self, mean: float, few: bool) -> Solution | None:
        """Move the draws of the nearest solution; None where they do not do."""
        if not self._bases:
            return None
        base = min(self._bases, key=lambda each: abs(each.mean - mean))
        own = base.posterior if not few else _only(base.posterior, 0)
        if mean == base.mean:
            return Solution(own, "")
        means = own.means + (self._modes(base.posterior, mean) - base.modes)[:, None]
        densities = self._log_densities(base.posterior, means, mean)
        found = weighted(own, densities - base.log_densities[: len(own.log_density)], means)
        return Solution(found, "") if found else None

    def _solved(self, mean: float, few: bool) -> Solution:
        fit = self._at(mean)
        solution = solve_reliably(fit.data, fit.scales)
        found = solution.posterior
        if found is None:
            return solution
        modes, densities = self._modes(found, mean), self._log_densities(found, found.means, mean)
        self._bases.append(_Base(mean, found, modes, densities))
        return Solution(_only(found, 0), "") if few else solution

    def _modes(self, grid: GridPosterior, mean: float) -> Floats:
        data, moved = self._data(mean)
        found = importance.modes(data, self.start.scales, grid.tau.points, grid.omega.points, moved)
        return found.reshape(-1, found.shape[-1])

    def _log_densities(self, grid: GridPosterior, means: Floats, mean: float) -> Floats:
        data, moved = self._data(mean)
        replicates, _, draws, n = means.shape
        tau, omega = grid.tau.points, grid.omega.points
        by_axis = means.reshape(replicates, len(tau), len(omega), draws, n)
        found = importance.log_densities(data, self.start.scales, tau, omega, by_axis, moved)
        return found.reshape(replicates, -1, draws)

    def _data(self, mean: float) -> tuple[NetworkData, Floats]:
        """Contrasts under a bias, and by how much the data of the arms with counts have moved."""
        data = self.start.data
        gaussian = replace(data.gaussian, y=data.gaussian.y + mean * self.of_contrasts)
        return replace(data, gaussian=gaussian), mean * self.of_arms


class DrawnPath:
    """The candidates of one setting over the mean of a bias; see `secondline.doubt.biased_data.BiasPath`."""

    def __init__(self, draws: BiasDraws, stakes: Stakes, se: float) -> None:
        self.draws, self.stakes, self._se = draws, stakes, se

    def at(self, mean: float) -> "PosteriorStanding | None":
        """Say where they are when the bias has this mean, by one replicate; None where the engine cannot say."""
        posterior = self.draws.solution(mean, few=True).posterior
        return PosteriorStanding(posterior, self.stakes) if posterior else None

    @property
    def moves(self) -> bool:
        """Whether a bias of a standard error moves any candidate."""
        here, there = self.at(0.0), self.at(self._se)
        if here is None or there is None:
            return True
        return bool(max(np.ptp(there.means() - here.means()), np.ptp(there.sucra() - here.sucra())) > ZERO)

    def settle(self, rule: str, found: Crossing, se: float) -> tuple[Crossing | None, float]:
        """Move a tipping point to where all replicates have it, and give its error over them.

        The lead of the first is linear near the point. There is none, and its error is infinite, where the engine
        cannot be relied on, the lead does not fall, or the steps do not come to rest.
        """
        if not found.after:
            return None, np.inf
        start, at, step = self.at(0.0), found.at, (_STEP if found.at >= 0 else -_STEP) * se
        declared = choose(rule, scores(rule, start), self.stakes.margin) if start else ()
        for _ in range(_STEPS if declared else 0):
            near, far = (self._leads(rule, at + by, declared, found.after) for by in (-step, step))
            if near is None or far is None or far[-1] >= near[-1]:
                break
            slope = (far[-1] - near[-1]) / (2 * step)
            middle = (near + far) / 2
            moved = -middle[-1] / slope
            if abs(moved) <= abs(step):
                error = np.std(middle[:-1], ddof=1) / np.sqrt(len(middle) - 1) / abs(slope)
                return Crossing(at=float(at + moved), after=found.after), float(error)
            at += float(np.clip(moved, -se, se))
        return None, np.inf

    def _leads(self, rule: str, mean: float, declared: tuple[int, ...], after: tuple[int, ...]) -> Floats | None:
        """Lead of the declared first by every replicate, then by all of them; None where the engine cannot say."""
        posterior = self.draws.solution(mean).posterior
        if posterior is None:
            return None
        every = [*(_only(posterior, r) for r in range(posterior.n_replicates)), posterior]
        margin = self.stakes.margin
        by_posterior = (scores(rule, PosteriorStanding(each, self.stakes)) for each in every)
        return np.array([lead(rule, score, margin, declared, after) for score in by_posterior])


class PosteriorStanding:
    """What a posterior says of the candidates; see `secondline.doubt.rules.Standing`."""

    def __init__(self, posterior: GridPosterior, stakes: Stakes) -> None:
        self.posterior, self.stakes = posterior, stakes

    def means(self) -> Floats:
        """Posterior means of the effects."""
        return np.asarray(self.posterior.mixture(self.stakes.rows).mean())

    def sucra(self) -> Floats:
        """SUCRA among the candidates."""
        p_better = pairwise(self.stakes.rows, 1.0, self.posterior)
        return np.asarray((p_better.sum(axis=1) - 0.5) / (len(p_better) - 1))

    def p_best(self) -> Floats:
        """Probability of being the best."""
        return p_best_of(self.stakes.rows, 1.0, self.posterior)

    def p_margin(self) -> Floats:
        """Probability of being better than the reference of the setting by more than the margin."""
        against = self.posterior.mixture(self.stakes.rows - self.stakes.reference)
        return np.asarray(1 - against.cdf(np.full(len(self.stakes.rows), self.stakes.margin)))


def _only(posterior: GridPosterior, replicate: int) -> GridPosterior:
    """Take one replicate of a posterior."""
    own = slice(replicate, replicate + 1)
    return replace(
        posterior,
        log_density=posterior.log_density[own],
        means=posterior.means[own],
        log_weights=posterior.log_weights[own],
    )
