"""Posteriors of networks with counts along a line of data: reweighted draws for the search, refits at the thresholds.

The data of an arm with counts move with its linear predictor: when they move by d, the likelihood of the arm is that of
its linear predictor less d, centred within the study, so that the prior of the baseline stays where it is. The draws of
a refit at one point of a line represent the points near it, weighted by the likelihood ratio of the studies that move;
where few of them would carry the weight, the model is refitted. All refits use the same points of one Sobol sequence.
A threshold is settled by refits with replicates, at the threshold or so near that most of their draws carry the weight
there, and its error is that over the replicates.
"""

from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from secondline.doubt.count_draws import Draws, effective
from secondline.doubt.crossing import Crossing
from secondline.doubt.linear import ZERO
from secondline.doubt.rules import Chosen, Stakes, choose, lead, scores
from secondline.inference import exact, importance
from secondline.inference.grid import normalise
from secondline.inference.kernels import study_integral
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import solve
from secondline.network.data import NetworkData
from secondline.network.structure import Floats

_FEW = 0.2  # share of the draws that has to carry the weight, of that at the refit
_STEP = 1e-3  # standard errors, of the derivatives of the linear form
_POINTS = 13  # looked at on either side
_COARSE = 0.05  # standard errors to which the reweighted draws find a threshold, before it is refitted
_REPLICATES = 4  # of a refit that settles a threshold
_MOST = 0.5  # share of the draws that has to carry the weight where a threshold is settled, of that at the refit
_SECANTS = 8  # steps that settle a threshold, at most
_AROUND = 1.0  # standard errors that a threshold may move between two refits, at most
_SETTLED = 0.25  # of its error, by which it moves at the last step


class CountEngine:
    """A network with counts, solved along any direction of its data.

    Parameters
    ----------
    data : NetworkData
    scales : PriorScales
    declared : Draws
        Of the data as they are, with replicates.

    Attributes
    ----------
    basis : array, (directions, contrasts + arms)
        Directions of one standard error each: of the whitened contrasts, and of the contrasts of the arms of every
        study with counts by their normal approximation.
    """

    refits_directions = False
    """Whether the joint radius searches for a better direction than that of the linear form."""
    name = "exact, importance sampling"
    points = _POINTS
    exact = _COARSE

    def __init__(self, data: NetworkData, scales: PriorScales, declared: Draws) -> None:
        self.data, self.scales, self.declared = data, scales, declared
        self.few = declared.first_replicate()
        self.arguments = importance.count_arguments(data, scales)
        self.basis = _basis(data)
        self._last: _Line | None = None

    def path(self, stakes: Stakes, direction: Floats, start: Floats | None = None) -> "CountPath":
        """Follow the candidates of a setting along a direction of the data; only from the data as they are."""
        if start is not None:
            raise ValueError("lines of counts start from the data as they are")
        return CountPath(stakes, self._line(direction))

    def tangent(self, stakes: Stakes, direction: Floats) -> "CountTangent":
        """Follow them in the linear form."""
        return CountTangent(stakes, self._line(direction))

    def _line(self, direction: Floats) -> "_Line":
        """Give the line of a direction; the last one is kept, as settings and rules follow one after the other."""
        if self._last is None or not np.array_equal(self._last.direction, direction):
            self._last = _Line(self, direction)
        return self._last

    def refit(self, direction: Floats, t: float, replicates: int) -> Draws | None:
        """Solve the network for data moved by t along a direction; None where the engine cannot be relied on."""
        n = len(self.data.gaussian.y)
        gaussian = replace(self.data.gaussian, y=self.data.gaussian.y + t * direction[:n])
        effort = exact.effort(self.data, self.scales, 1.0, replicates)
        solution = solve(replace(self.data, gaussian=gaussian), self.scales, effort, t * direction[n:])
        return Draws.of(t, solution.posterior) if solution.posterior else None


class _Line:
    """The refits along one direction of the data, and the draws of other points by weights."""

    def __init__(self, engine: CountEngine, direction: Floats) -> None:
        self.engine, self.direction = engine, direction
        n = len(engine.data.gaussian.y)
        counts, of_arms = engine.data.counts, direction[n:]
        studies = [(int(a), int(b)) for a, b in zip(counts.start[:-1], counts.start[1:], strict=True)]
        self.studies = [(k, a, b) for k, (a, b) in enumerate(studies) if of_arms[a:b].any()]
        self.refits = [engine.few]
        self._settling: list[Draws] = []
        self._unweighted: list[tuple[Draws, Floats]] = []
        self._weighed: dict[float, tuple[Draws, Floats]] = {0.0: (engine.declared, engine.declared.log_weights)}

    def weighed(self, t: float) -> tuple[Draws, Floats]:
        """Draws that represent a point, and their log weights there; a refit where those at hand do not do."""
        if t not in self._weighed:
            self._weighed[t] = self._found(t)
        return self._weighed[t]

    def _found(self, t: float) -> tuple[Draws, Floats]:
        near = min(self.refits, key=lambda draws: abs(draws.at - t))
        log_weights = self.reweigh(near, t)
        if effective(log_weights) >= _FEW * effective(near.log_weights):
            return near, log_weights
        refit = self.engine.refit(self.direction, t, 1)
        if refit is None:
            return near, log_weights
        self.refits.append(refit)
        return refit, refit.log_weights

    def replicated(self, t: float) -> Draws | None:
        """Give a refit with replicates that represents a point well; None where the engine cannot be relied on."""
        for known in sorted(self._settling, key=lambda draws: abs(draws.at - t))[:1]:
            if effective(self.reweigh(known, t)) >= _MOST * effective(known.log_weights):
                return known
        refit = self.engine.refit(self.direction, t, _REPLICATES)
        if refit:
            self._settling.append(refit)
        return refit

    def reweigh(self, draws: Draws, t: float) -> Floats:
        """Log weights at a point of draws made at another, (M,)."""
        if t == draws.at:
            return draws.log_weights
        own = next((weights for known, weights in self._unweighted if known is draws), None)
        if own is None:
            own = draws.log_weights - self._log_likelihood(draws, draws.at)
            self._unweighted.append((draws, own))
        return own + self._log_likelihood(draws, t)

    def _log_likelihood(self, draws: Draws, t: float) -> Floats:
        """Log likelihood of the studies that move, for data moved by t, (M,)."""
        data, n = self.engine.data, len(self.engine.data.gaussian.y)
        moves = np.flatnonzero(self.direction[:n])
        residual = data.gaussian.y[moves] + t * self.direction[:n][moves]
        residual = residual - draws.coefficients @ data.gaussian.rows[moves].T
        result = -0.5 * (residual**2 / (1 + draws.tau[:, None] ** 2 * data.gaussian.scales[moves])).sum(axis=1)
        if self.studies:
            result += self._of_counts(draws, t * self.direction[n:])
        return np.asarray(result)

    def _of_counts(self, draws: Draws, moved: Floats) -> Floats:
        counts = self.engine.data.counts
        arms, studies, *rest = self.engine.arguments
        cuts = importance.shapes(draws.coefficients, self.engine.data)[0]
        result = np.zeros(len(draws.tau))
        for k, a, b in self.studies:
            own = studies[k : k + 2].copy()
            own[:, study_integral.ARM] -= a
            f = np.ascontiguousarray(draws.coefficients @ counts.rows[a:b].T - moved[a:b])
            result += study_integral.log_likelihoods(counts.family, f, draws.tau, cuts, arms[a:b], own, *rest)[0][:, 0]
        return result

    @cached_property
    def drift(self) -> Floats:
        """Derivative of the posterior means by t at 0, (coefficients,): a covariance with that of the log density."""
        draws = self.engine.declared
        weights = normalise(draws.log_weights)
        slope = (self._log_likelihood(draws, _STEP) - self._log_likelihood(draws, -_STEP)) / (2 * _STEP)
        return np.asarray((weights * (slope - weights @ slope)) @ draws.coefficients)


class CountPath:
    """The candidates of one setting along a line of data with counts."""

    def __init__(self, stakes: Stakes, line: _Line) -> None:
        self.stakes, self.line = stakes, line

    @property
    def moves(self) -> bool:
        """Whether the line can move any difference of candidates, or their heterogeneity."""
        few = self.line.engine.few
        return bool(np.ptp(self.line.reweigh(few, 1.0) - few.log_weights) > ZERO)

    def at(self, t: float) -> "DrawnStanding":
        """Say where they are when the data have moved by t."""
        draws, log_weights = self.line.weighed(t)
        return DrawnStanding(draws.features(self.stakes), normalise(log_weights))

    def settle(self, rule: str, found: Crossing, se: float) -> tuple[Crossing | None, float]:
        """Move a threshold to where refits near it have it, and give its error over their replicates.

        The lead of the decision is linear near the threshold. There is none, and its error is infinite, where the
        engine cannot be relied on, the lead does not fall, or the steps do not come to rest.
        """
        declared = choose(rule, scores(rule, self.at(0.0)), self.stakes.margin)
        side, at, after = (1.0 if found.at >= 0 else -1.0), found.at, found.after
        step = side * _COARSE * se
        for _ in range(_SECANTS):
            refit = self.line.replicated(at)
            if refit is None:
                break
            near, far = (self._scores(refit, rule, at + by) for by in (-step, step))
            beyond = choose(rule, far, self.stakes.margin)
            after = after if beyond == declared else beyond
            fall = lead(rule, far, self.stakes.margin, declared, after)
            fall -= lead(rule, near, self.stakes.margin, declared, after)
            if fall >= 0:
                break
            slope = fall / (2 * step)
            ahead, error = self._lead(refit, rule, at, declared, after)
            error /= abs(slope)
            moved = float(np.clip(-ahead / slope, -_AROUND * se, _AROUND * se))
            at += moved
            if abs(moved) <= _SETTLED * error:
                return Crossing(at=at, after=after), error
        return None, np.inf

    def _lead(self, refit: Draws, rule: str, t: float, declared: Chosen, after: Chosen) -> tuple[float, float]:
        """Lead of the declared decision at a point near a refit, and its standard error over the replicates."""
        features, log_weights = refit.features(self.stakes), self.line.reweigh(refit, t)

        def ahead(own: "slice | NDArray[np.bool_]") -> float:
            standing = DrawnStanding(features[own], normalise(log_weights[own]))
            return lead(rule, scores(rule, standing), self.stakes.margin, declared, after)

        parts = [ahead(refit.replicate == r) for r in np.unique(refit.replicate)]
        return ahead(slice(None)), float(np.std(parts, ddof=1) / np.sqrt(len(parts)))

    def _scores(self, draws: Draws, rule: str, t: float) -> Floats:
        weights = normalise(self.line.reweigh(draws, t))
        return scores(rule, DrawnStanding(draws.features(self.stakes), weights))


class CountTangent:
    """The candidates of one setting in the linear form: all draws move by the drift, and their weights stay."""

    def __init__(self, stakes: Stakes, line: _Line) -> None:
        self.stakes, self.line = stakes, line

    @property
    def moves(self) -> bool:
        """Whether the posterior means move at all."""
        return bool(self.line.drift.any())

    def at(self, t: float) -> "DrawnStanding":
        """Say where they are when the data have moved by t."""
        draws = self.line.engine.few if t else self.line.engine.declared
        return DrawnStanding(draws.features(self.stakes, t * self.line.drift), normalise(draws.log_weights))


class DrawnStanding:
    """What weighted draws say of the candidates; see `secondline.doubt.rules.Standing`.

    Parameters
    ----------
    features : array, (draws, 4, candidates)
        See `secondline.doubt.count_draws.Draws.features`.
    weights : array, (draws,)
    """

    def __init__(self, features: Floats, weights: Floats) -> None:
        self._means = np.tensordot(weights, features, axes=1)

    def means(self) -> Floats:
        """Posterior means of the effects."""
        return np.asarray(self._means[0])

    def sucra(self) -> Floats:
        """SUCRA among the candidates, ties shared equally."""
        return np.asarray(self._means[1])

    def p_best(self) -> Floats:
        """Probability of being the best, ties shared equally."""
        return np.asarray(self._means[2])

    def p_margin(self) -> Floats:
        """Probability of being better than the reference of the setting by more than the margin."""
        return np.asarray(self._means[3])


def _basis(data: NetworkData) -> Floats:
    from secondline.inference.families import gaussian_approximation

    n, counts = len(data.gaussian.y), data.counts
    variance = gaussian_approximation(counts)[1]
    directions = [np.eye(n, n + len(counts.rows))]
    for a, b in zip(counts.start[:-1], counts.start[1:], strict=True):
        root = np.linalg.cholesky(np.diag(variance[a + 1 : b]) + variance[a])
        own = np.zeros((b - a - 1, n + len(counts.rows)))
        own[:, n + a + 1 : n + b] = root.T
        own[:, n + a : n + b] -= own[:, n + a : n + b].mean(axis=1, keepdims=True)
        directions.append(own)
    return np.vstack(directions)
