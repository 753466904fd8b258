"""Where the grid of the exact engine lies: over the range of the standard deviations that holds the posterior."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from secondline.inference.grid import Axes, Axis, parts_of
from secondline.inference.priors import PriorScales
from secondline.network.data import NetworkData
from secondline.network.structure import Floats

REACH = 6.0  # scales of a half-normal that the grid spans at most
_SEARCHES, _SEARCH_GRID, _SEARCH_DRAWS = 2, (17, 7), 16  # to find the range of the grid
MOST_SDS, MOST_SDS_OF_COUNTS = 3, 2  # standard deviations over which a grid is laid

Limits = tuple[float, float]


class Coarse(Protocol):
    """What a search looks at: log densities over a grid."""

    @property
    def log_density(self) -> Floats:
        """Log densities over the grid, (replicates, G)."""

    def on_the_lines(self, table: Floats) -> Floats:
        """Turn log densities over the grid into those on the lines of its axes."""


def free_sds(data: NetworkData, scales: PriorScales) -> int:
    """Count the standard deviations that a model estimates: every tau, and every omega."""
    return data.groups.n_taus * scales.tau.is_free + len(data.predictor.omegas) * scales.omega.is_free


def why_no_grid(data: NetworkData, scales: PriorScales) -> str:
    """Say why there is no grid for a fit; empty if there is one."""
    free, counted = free_sds(data, scales), bool(len(data.counts.study))
    most = MOST_SDS_OF_COUNTS if counted else MOST_SDS
    if free > most:
        return f"its grid has at most {most} standard deviations{' with counts' * counted}, and the model {free}"
    if data.groups.n_taus > 1 and data.predictor.baseline_slope is not None:
        return "it has no grid for unequal heterogeneity with a regression on the baseline"
    if len(data.predictor.omegas) > 1 and data.predictor.baseline_slope is not None:
        return "it has no grid for classes with their own standard deviations in a regression on the baseline"
    return ""


def search[Found: Coarse](
    evaluate: Callable[[Axis | Axes, Axis | Axes, int, int], Found],
    scales: PriorScales,
    least: float,
    points: tuple[int, int],
    draws: tuple[int, int],
    own: tuple[int, int] = (0, 0),
) -> Found:
    """Lay the grid over the range that holds the posterior: coarse ones first, then the one asked for.

    Parameters
    ----------
    evaluate : callable
        Takes the grids of tau and of omega, importance draws and replicates.
    least : float
        The least standard deviation that the data resolve.
    points : tuple of int
        For every tau, and for every omega.
    draws : tuple of int
        Importance draws of a grid point, and replicates.
    own : tuple of int
        Groups of studies with a tau of their own, 0 where all studies are one; classes with an omega of their own, 0
        where all exchangeable effects share one.
    """
    groups, classes = own
    n_taus = max(groups, 1)

    def axes(limits: list[Limits], n_tau: int, n_omega: int) -> tuple[Axis | Axes, Axis | Axes]:
        taus = tuple(Axis.of(scales.tau, least, n_tau, REACH, each) for each in limits[:n_taus])
        omegas = tuple(Axis.of(scales.omega, np.inf, n_omega, REACH, each) for each in limits[n_taus:])
        return Axes(taus) if groups else taus[0], Axes(omegas) if classes else omegas[0]

    limits = [scales.tau.ends(REACH)] * n_taus + [scales.omega.ends(REACH)] * max(classes, 1)
    for _ in range(_SEARCHES if scales.tau.is_free or scales.omega.is_free else 0):
        tau, omega = axes(limits, *_SEARCH_GRID)
        coarse = evaluate(tau, omega, _SEARCH_DRAWS, 1)
        parts = (*parts_of(tau), *parts_of(omega))
        table = coarse.on_the_lines(coarse.log_density).max(axis=0).reshape([len(axis.points) for axis in parts])
        limits = [_range(axis.places, _profile(table, k)) for k, axis in enumerate(parts)]
    return evaluate(*axes(limits, *points), *draws)


def _profile(table: Floats, axis: int) -> Floats:
    """Maximum of a table along one of its axes."""
    return np.asarray(table.max(axis=tuple(k for k in range(table.ndim) if k != axis)))


def _range(x: Floats, profile: Floats) -> Limits:
    """Places on either side of where a log density comes within e^-18 of its maximum."""
    reached = np.flatnonzero(profile > profile.max() - 18.0)
    return float(x[max(reached[0] - 1, 0)]), float(x[min(reached[-1] + 1, len(x) - 1)])
