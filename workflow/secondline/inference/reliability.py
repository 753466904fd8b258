"""Whether the exact engine is right about a fit: it says so itself, or that it cannot check it."""

from dataclasses import dataclass

import numpy as np

from secondline.cell_values import CHECKED, NO_CHECK
from secondline.inference import exact
from secondline.inference.diagnostics import pareto_k
from secondline.inference.exact import Effort, GridPosterior
from secondline.inference.grid_search import why_no_grid
from secondline.inference.priors import PriorScales
from secondline.network.data import NetworkData
from secondline.network.structure import Floats
from secondline.thresholds import MAX_PARETO_K

_HEAVY = 0.01  # share of the posterior from which on a grid point has to be right
_MOST_RISE = 0.05  # of the log density, beyond what was taken for its mode
_LEAST_EFFECTIVE = 50.0  # draws that carry the weight at a grid point
_EVIDENCE = 0.5  # standard error of the log marginal likelihood over replicates and on half the grid
_END = 1e-4  # density where the grid ends, over its maximum
_PRECISION = 0.2  # error of a mean in posterior standard deviations


@dataclass(frozen=True)
class Solution:
    """What the engine found, and why it cannot be relied on; an empty ``reason`` if it can."""

    found: GridPosterior | None
    reason: str

    @property
    def posterior(self) -> GridPosterior | None:
        """Posterior, if it can be relied on."""
        return None if self.reason else self.found

    @property
    def status(self) -> str:
        """Status for tables: checked, or no exact check and why."""
        return f"{NO_CHECK}: {self.reason}" if self.reason else CHECKED


def solve(
    data: NetworkData, scales: PriorScales, effort: Effort | None = None, moved: Floats | None = None
) -> Solution:
    """Run the exact engine and let it judge itself; a numerical failure is a reason, not the end of a job.

    ``moved`` is by how much the data of arms with counts are moved, see `secondline.inference.exact.posterior`.
    """
    impossible = why_no_grid(data, scales)
    if impossible:
        return Solution(None, impossible)
    try:
        with np.errstate(all="ignore"):
            found = exact.posterior(data, scales, effort, moved)
            return Solution(found, why_not(found))
    except (np.linalg.LinAlgError, ArithmeticError) as error:
        return Solution(None, f"it failed numerically ({error or type(error).__name__})")


def solve_reliably(data: NetworkData, scales: PriorScales) -> Solution:
    """Solve with few draws, and with more where the engine says that they do not do."""
    few, many = (exact.effort(data, scales, factor, replicates=4) for factor in (1, 8))
    solution = solve(data, scales, few)
    return solution if solution.posterior else solve(data, scales, many)


def why_not(posterior: GridPosterior) -> str:
    """Say why a posterior cannot be relied on; empty if it can."""
    if not np.isfinite(posterior.log_density).any(axis=1).all() or np.isnan(posterior.log_density).any():
        return "its densities are not finite"
    on_lines = posterior.on_the_lines(posterior.log_density)
    ends = np.exp(posterior.at_the_end(on_lines) - on_lines.max(axis=1))
    if ends.max() > _END:
        return "its grid ends before the posterior does"
    k = pareto_k(posterior)
    if k is None:
        return ""
    if not k <= MAX_PARETO_K:
        return f"its importance weights have Pareto k {k:.2f}, more than {MAX_PARETO_K:g}"
    return _why_not_sampled(posterior)


def _why_not_sampled(posterior: GridPosterior) -> str:
    rise = float(posterior.rise[_heavy(posterior)].max())
    if not rise < _MOST_RISE:
        return f"the density rises by {rise:.2g} beyond what it took for the mode"
    weights = np.exp(_weights(posterior))
    effective = float((weights.sum(axis=1) ** 2 / (weights**2).sum(axis=1)).min())
    if effective < _LEAST_EFFECTIVE:
        return f"only {effective:.0f} of its draws carry the weight"
    of_evidence = posterior.log_evidence_error()
    if not of_evidence < _EVIDENCE:
        return f"its replicates or grids differ by {of_evidence:.2g} in the log evidence"
    sd, error = posterior.error_of_means()
    worst = float((error / sd).max())
    return "" if worst < _PRECISION else f"its own error is {worst:.2g} posterior standard deviations"


def _heavy(posterior: GridPosterior) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Whether a grid point holds more than 1% of the posterior, or the most of it, (G,)."""
    log_weights = posterior.log_weights_of_grid()
    mass = np.exp(log_weights - log_weights.max()).mean(axis=0)
    return np.asarray(mass >= min(_HEAVY * mass.sum(), mass.max()))


def _weights(posterior: GridPosterior) -> Floats:
    """Log weights of all draws at the grid points that matter, (points, draws)."""
    replicates, n_grid, draws = posterior.log_weights.shape
    log_weights = posterior.log_weights.transpose(1, 0, 2).reshape(n_grid, replicates * draws)
    return np.asarray(log_weights[_heavy(posterior)])
