"""What one fit gives, whether its posterior was sampled or solved exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from secondline.cell_values import CHECKED, NO_CHECK
from secondline.inference.grid import refine
from secondline.inference.reliability import Solution
from secondline.inference.task import Fit
from secondline.inference.widening import Covariances
from secondline.network.class_sds import omega_names
from secondline.network.structure import Floats
from secondline.network.study_groups import Grouping

_DENSITY_POINTS = 401


@dataclass(frozen=True)
class Attempt:
    """Draws of a posterior with their checks."""

    parameters: Mapping[str, Floats]
    """coefficients, tau and omega by name, with leading dimensions (chain, draw); tau has the groups of studies as its
    last, where there are any, and omega the classes, where they have their own."""
    divergences: int
    diagnostics: list[dict[str, Any]]
    comparison: list[dict[str, Any]]
    converged: bool
    sampling_s: float
    on_grid: bool = False
    """Whether draws of tau and omega are points of the grid of the exact engine."""
    sds_solved: bool = False
    """Whether the exact engine gives tau and omega as precisely as tables ask for, so that these take no draws."""

    @property
    def largest_z(self) -> str:
        """How far sampled and exact posterior are apart, or that there is no exact check."""
        if self.comparison[0]["status"] != CHECKED:
            return NO_CHECK
        return f"at most {max(abs(row['z']) for row in self.comparison):.1f} SE from exact"


@dataclass(frozen=True)
class Fitted:
    """A fit with its posterior: the draws and their checks, the exact posterior, and what doubled priors would give."""

    fit: Fit
    attempt: Attempt
    solution: Solution
    covariances: Covariances
    seed: int

    @property
    def scales(self) -> list[str]:
        """Which of every tau and omega have a posterior."""
        return self.fit.free_sds

    def density(self, parameter: str) -> tuple[Floats, Floats]:
        """Grid and posterior density of a tau or omega: exact, or where there is no exact check that of the draws."""
        if self.solution.posterior:
            return refine(*self.solution.posterior.marginal(parameter), points=_DENSITY_POINTS)
        from scipy.stats import gaussian_kde

        data = self.fit.data
        draws = draws_of_sds(self.attempt.parameters, data.groups, data.predictor.classes_with_sds)[parameter]
        x = np.linspace(0, draws.max(), _DENSITY_POINTS)
        kernel = gaussian_kde(np.concatenate([draws.ravel(), -draws.ravel()]))
        return x, 2 * kernel(x)


def draws_of_sds(parameters: Mapping[str, Floats], groups: Grouping, classes: Sequence[str] = ()) -> dict[str, Floats]:
    """Draws (chain, draw) of every standard deviation that a model has, by its name.

    ``classes`` are those with a standard deviation of their own.
    """
    found = {}
    if "tau" in parameters:
        tau = parameters["tau"]
        found = {name: tau[..., k] if groups.names else tau for k, name in enumerate(groups.taus)}
    if "omega" in parameters:
        omega = parameters["omega"]
        found |= {name: omega[..., k] if classes else omega for k, name in enumerate(omega_names(classes))}
    return found


def solved(fit: Fit, solution: Solution, covariances: Covariances, draws: int, seed: int) -> Fitted:
    """Draw from a posterior that was solved exactly: independent draws, as one chain.

    Raises
    ------
    ValueError
        The exact engine cannot be relied on here.
    """
    if solution.posterior is None:
        raise ValueError(solution.reason)
    coefficients, tau, omega = solution.posterior.draws(draws, seed)
    scales = {name: d[None] for name, d in (("tau", tau), ("omega", omega)) if getattr(fit.scales, name)}
    attempt = Attempt({"coefficients": coefficients[None], **scales}, 0, [], [], True, 0.0, on_grid=True)
    return Fitted(fit, attempt, solution, covariances, seed)
