"""Weighted draws of the exact posterior of a network with counts, and what each of them says of the candidates."""

from dataclasses import dataclass, field

import numpy as np

from secondline.doubt.rules import Stakes
from secondline.inference.exact import GridPosterior
from secondline.network.structure import Floats

_LEAST_WEIGHT = 1e-6  # of a point of the grid


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Weighted draws of a posterior at one point of a line, those of negligible grid points left out."""

    at: float
    replicate: Floats
    """(M,)"""
    tau: Floats
    """(M,)"""
    log_weights: Floats
    """(M,)"""
    coefficients: Floats
    """(M, coefficients)"""
    _features: dict[str, Floats] = field(default_factory=dict)

    @classmethod
    def of(cls, at: float, posterior: GridPosterior) -> "Draws":
        """Take the draws of a posterior."""
        by_point = posterior.log_weights_of_grid()
        mass = np.exp(by_point - by_point.max()).mean(axis=0)
        kept = np.flatnonzero(mass > _LEAST_WEIGHT * mass.max())
        log_weights = by_point[:, kept, None] + posterior.log_weights[:, kept]
        shape = log_weights.shape
        return cls(
            at=at,
            replicate=np.repeat(np.arange(shape[0]), shape[1] * shape[2]),
            tau=np.broadcast_to(posterior.tau_points[kept, None], shape).ravel(),
            log_weights=log_weights.ravel(),
            coefficients=posterior.means[:, kept].reshape(log_weights.size, -1),
        )

    def first_replicate(self) -> "Draws":
        """Give the draws of the first replicate alone, enough for a search."""
        own = self.replicate == 0
        return Draws(
            at=self.at,
            replicate=self.replicate[own],
            tau=self.tau[own],
            log_weights=self.log_weights[own],
            coefficients=self.coefficients[own],
        )

    def features(self, stakes: Stakes, shift: Floats | None = None) -> Floats:
        """Say what every draw means for the candidates, (M, 4, candidates), higher being better.

        In this order: the effect, the share of the other candidates that it beats, whether it is the best, whether it
        is better than the reference of the setting by more than the margin; ties are shared equally. Posterior means of
        these are those of the effects, SUCRA and the two probabilities.

        Parameters
        ----------
        stakes : Stakes
        shift : array, (coefficients,), optional
            By which all draws are moved.
        """
        if shift is not None:
            return _features(self.coefficients + shift, stakes)
        if stakes.setting not in self._features:
            self._features[stakes.setting] = _features(self.coefficients, stakes)
        return self._features[stakes.setting]


def effective(log_weights: Floats) -> float:
    """Kish's effective number of draws."""
    weights = np.exp(log_weights - log_weights.max())
    return float(weights.sum() ** 2 / (weights**2).sum())


def _features(coefficients: Floats, stakes: Stakes) -> Floats:
    values = coefficients @ stakes.rows.T
    n = values.shape[1]
    ahead = sum(np.sign(values - values[:, [j]]) for j in range(n))
    best = values >= values.max(axis=1, keepdims=True)
    over = values - (coefficients @ stakes.reference)[:, None] - stakes.margin
    parts = values, 0.5 + ahead / (2 * (n - 1)), best / best.sum(axis=1, keepdims=True), (np.sign(over) + 1) / 2
    return np.stack(parts, axis=1)
