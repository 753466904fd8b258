"""How far a posterior widens when a prior is made twice as wide: what an effect owes to its priors.

Every prior scale counts: that of the effects (and slopes), of tau, of omega and of exchangeable interactions. For
counts the exact engine samples, so that every covariance comes by replicate; a replicate has the same random numbers
under every prior, and most of its error leaves the ratio of two standard deviations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from secondline.inference import exact
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import Solution, solve, solve_reliably
from secondline.inference.reweighting import reweighted
from secondline.network.data import NetworkData
from secondline.network.structure import Floats

PRIOR_DRIVEN = 0.20  # widening of the posterior sd on doubling a prior scale that makes an effect prior-driven
FITTED, DOUBLED = "fitted", "_doubled"
UNRELIABLE = "it cannot be relied on under a doubled prior"
_NEAR = 3.0  # errors of a widening within which it is too close to the cut to say on which side it is
_FINER, _FINEST = 4, 4  # times the draws where one is, and at most


@dataclass(frozen=True)
class Covariances:
    """Posterior covariances of the coefficients by prior: ``fitted``, and every ``<scale>_doubled``.

    ``pooled`` (coefficients, coefficients) by prior; ``replicates`` (R, coefficients, coefficients) by prior, one for
    an engine in closed form.
    """

    pooled: Mapping[str, Floats]
    replicates: Mapping[str, Floats]

    @classmethod
    def without_error(cls, pooled: Mapping[str, Floats]) -> "Covariances":
        """Covariances in closed form."""
        return cls(pooled, {name: covariance[None] for name, covariance in pooled.items()})

    @classmethod
    def of_chains(cls, draws: Mapping[str, Floats]) -> "Covariances":
        """Covariances of sampled coefficients (chains, draws, coefficients) by prior; a chain is a replicate."""
        replicates = {name: np.stack([np.cov(chain.T, ddof=1) for chain in d]) for name, d in draws.items()}
        replicates = {name: c.reshape(len(c), *(draws[name].shape[-1],) * 2) for name, c in replicates.items()}
        pooled = {name: np.atleast_2d(np.cov(d.reshape(-1, d.shape[-1]).T)) for name, d in draws.items()}
        return cls(pooled, replicates)

    def widening(self, rows: Floats) -> tuple[Floats, Floats, NDArray[np.str_]]:
        """Largest widening of the sd of linear combinations over all doubled priors, its error, and that prior.

        Parameters
        ----------
        rows : array, (K, coefficients)

        Returns
        -------
        array, (K,)
            sd with the prior doubled over sd as fitted, less 1.
        array, (K,)
            Standard error of that over the replicates; 0 for an engine in closed form.
        array, (K,)
            The prior that it is largest for: effect, tau, omega or interaction.
        """
        widening, error = self._by_prior(rows)
        widest = widening.argmax(axis=0), np.arange(len(rows))
        priors = np.array([name.removesuffix(DOUBLED) for name in self._doubled])
        return widening[widest], error[widest], priors[widest[0]]

    def undecided(self, rows: Floats) -> list[str]:
        """Doubled priors that widen a linear combination by so little more or less than the cut that it is not sure."""
        widening, error = self._by_prior(rows)
        near = (np.abs(widening - PRIOR_DRIVEN) < _NEAR * error).any(axis=1)
        return [name for name, is_near in zip(self._doubled, near, strict=True) if is_near]

    def updated(self, finer: "Covariances") -> "Covariances":
        """Take over what has been found again with more draws."""
        return Covariances({**self.pooled, **finer.pooled}, {**self.replicates, **finer.replicates})

    @property
    def _doubled(self) -> list[str]:
        return [name for name in self.pooled if name != FITTED]

    def _by_prior(self, rows: Floats) -> tuple[Floats, Floats]:
        """Widening of the sd of linear combinations by doubled prior, and its error, (priors, K) each."""
        names = self._doubled
        ratios = np.array([_sd(self.pooled[name], rows) for name in names]) / _sd(self.pooled[FITTED], rows)
        by_replicate = [_sd(self.replicates[name], rows) / _sd(self.replicates[FITTED], rows) for name in names]
        n = len(self.replicates[FITTED])
        errors = np.std(by_replicate, axis=1, ddof=1) / np.sqrt(n) if n > 1 else np.zeros_like(ratios)
        return ratios - 1, np.asarray(errors)


def _sd(covariance: Floats, rows: Floats) -> Floats:
    """Give the standard deviations of linear combinations, (..., K)."""
    return np.asarray(np.sqrt(np.einsum("kc,...cd,kd->...k", rows, covariance, rows, optimize=True)))


@dataclass(frozen=True)
class Assessed:
    """A solution of the exact engine and its covariances by prior; none where it cannot be relied on under them all."""

    solution: Solution
    covariances: Covariances | None

    @property
    def reason(self) -> str:
        """Why the engine cannot be relied on; empty if it can."""
        return "" if self.covariances else self.solution.reason or UNRELIABLE


def solve_and_assess(data: NetworkData, scales: PriorScales, decide: bool = False) -> Assessed:
    """Solve a fit as fitted and with every prior scale doubled, by the exact engine.

    Parameters
    ----------
    decide : bool
        Whether to take more draws where a widening is near the cut; see `prior_covariances`.
    """
    solution = solve_reliably(data, scales)
    found = solution.posterior
    return Assessed(solution, prior_covariances(data, scales, found, decide) if found else None)


def prior_covariances(
    data: NetworkData, scales: PriorScales, posterior: exact.GridPosterior, decide: bool = True
) -> Covariances | None:
    """Compute the covariance as fitted and with every prior scale doubled, by the exact engine.

    Where a widening of an effect lies within its error of the cut, the engine takes more draws to ``decide``, for the
    prior that it is due to and the fitted one: what the others tell is sure as it is. That would take minutes where
    the likelihood is slow: there the draws as fitted are weighed anew under the doubled priors as far as they carry
    that, and the error beside the widening has to do. ``None`` where the engine cannot be relied
    on under one of the priors.
    """
    decide = decide and not exact.is_slow(data)
    chosen = replace(exact.effort(data, scales, replicates=posterior.n_replicates), draws=posterior.n_draws)
    found = _covariances(data, scales, scales.all_doubled(), chosen, posterior)
    contrasts, factor = _contrasts(data.predictor.effect_rows()), _FINER
    while decide and found and factor <= _FINEST and (near := found.undecided(contrasts)):
        chosen = exact.effort(data, scales, factor, posterior.n_replicates)
        finer, doubled = solve(data, scales, chosen).posterior, scales.all_doubled()
        near_doubled = {name: doubled[name] for name in near}
        again = _covariances(data, scales, near_doubled, chosen, finer) if finer else None
        found = found.updated(again) if again else None
        factor *= _FINER
    return found


def quick_covariances(data: NetworkData, scales: PriorScales, posterior: exact.GridPosterior) -> Covariances | None:
    """Compute the covariances of `prior_covariances` without their error: from the same draws, where these do.

    For tables of many analyses. Where the draws of counts do not represent the posterior under a doubled prior, and in
    closed form, it is solved anew.
    """
    chosen = replace(exact.effort(data, scales, replicates=posterior.n_replicates), draws=posterior.n_draws)
    grids = _grids(data, scales, scales.all_doubled(), chosen, posterior, quick=True)
    return Covariances.without_error({name: grid.covariance() for name, grid in grids.items()}) if grids else None


def _covariances(
    data: NetworkData,
    scales: PriorScales,
    doubled: Mapping[str, PriorScales],
    chosen: exact.Effort,
    posterior: exact.GridPosterior,
) -> Covariances | None:
    """Solve a fit under every doubled prior; where its likelihood is slow, from the same draws if these do."""
    grids = _grids(data, scales, doubled, chosen, posterior, quick=exact.is_slow(data))
    if grids is None:
        return None
    pooled = {name: grid.covariance() for name, grid in grids.items()}
    replicates = {
        name: np.stack([grid.covariance(r) for r in range(grid.n_replicates)]) for name, grid in grids.items()
    }
    return Covariances(pooled, replicates)


def _grids(
    data: NetworkData,
    scales: PriorScales,
    doubled: Mapping[str, PriorScales],
    chosen: exact.Effort,
    posterior: exact.GridPosterior,
    quick: bool,
) -> dict[str, exact.GridPosterior] | None:
    """Give the posterior by prior, None where the engine cannot be relied on under one; ``quick`` weighs draws anew."""
    grids = {FITTED: posterior}
    for name, others in doubled.items():
        again = reweighted(posterior, data.predictor, scales, others) if quick else None
        found = again or solve(data, others, chosen).posterior
        if found is None:
            return None
        grids[name] = found
    return grids


def _contrasts(effect_rows: Floats) -> Floats:
    """Differences of all pairs of regimens in every setting, without those that are always 0."""
    first, second = np.triu_indices(effect_rows.shape[1], 1)
    rows = (effect_rows[:, first] - effect_rows[:, second]).reshape(-1, effect_rows.shape[-1])
    return np.unique(rows[rows.any(axis=1)], axis=0)
