"""Thresholds in closed form: the decision as a linear function of the data at a fixed posterior covariance.

The posterior means of the basic effects move by H u when the data are moved by u. With a posterior covariance C, a
design X and a likelihood covariance V, H = C X' V^-1; in a random-effects model, C X' is the posterior covariance of
the basic effects with the study effects. The decision changes where two posterior means cross, or come to differ by
the margin of a decision set (Phillippo 2018, 2019). A published analysis without its data has a likelihood of
contrasts that gives its posterior covariance best, by least squares of the precisions (Phillippo 2018, section 4).

References
----------
Phillippo DM, Dias S, Ades AE, Didelez V, Welton NJ (2018) J R Stat Soc A 181:843-867.
Phillippo DM, Dias S, Welton NJ, Caldwell DM, Taske N, Ades AE (2019) Ann Intern Med 170:538-546.
"""

from dataclasses import dataclass

import numpy as np

from secondline.network.structure import Floats

ZERO = 1e-9
"""Influence, over the largest that its terms could add up to, below which it is zero and not a rounding error."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Shifts of one data point within which the decision stays.

    Parameters
    ----------
    lower, upper : float
        Infinite where no shift in that direction changes the decision.
    below, above : tuple of int
        The decision beyond either threshold; empty without one.
    """

    lower: float
    upper: float
    below: tuple[int, ...]
    above: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """A likelihood of independent contrasts that would have given a posterior.

    Parameters
    ----------
    precision : array, (contrasts,)
        0 for contrasts that add nothing.
    residual : float
        Sum of squares over the distinct elements of the precision matrix.
    divergence : float
        Kullback-Leibler divergence of the posterior from the reconstructed one.
    """

    precision: Floats
    residual: float
    divergence: float


def influence(effects_with_data: Floats, precision: Floats) -> Floats:
    """Influence of data points on posterior means, (effects, data points), structural zeros exactly 0.

    Parameters
    ----------
    effects_with_data : array, (effects, data points)
        Posterior covariance of the basic effects with what the data points measure: C X' without random effects, the
        posterior covariance with the study effects otherwise.
    precision : array, (data points, data points)
        Inverse of the likelihood covariance.
    """
    found = effects_with_data @ precision
    largest = np.abs(effects_with_data) @ np.abs(precision)
    return np.asarray(np.where(np.abs(found) <= ZERO * largest, 0.0, found))


def reconstruct(covariance: Floats, design: Floats, prior_precision: Floats) -> Reconstruction:
    """Reconstruct a likelihood of independent contrasts from a posterior covariance, by non-negative least squares.

    Parameters
    ----------
    covariance : array, (effects, effects)
    design : array, (contrasts, effects)
        One row for every contrast with data.
    prior_precision : array, (effects,)
    """
    from scipy.optimize import nnls

    distinct = np.tril_indices(len(covariance))
    wanted = np.linalg.inv(covariance) - np.diag(prior_precision)
    terms = np.array([np.outer(row, row)[distinct] for row in design]).T
    precision, distance = nnls(terms, wanted[distinct])
    fitted = np.linalg.inv(design.T @ (precision[:, None] * design) + np.diag(prior_precision))
    log_dets = np.linalg.slogdet(fitted)[1] - np.linalg.slogdet(covariance)[1]
    divergence = (np.trace(np.linalg.solve(fitted, covariance)) - len(covariance) + log_dets) / 2
    return Reconstruction(precision=precision, residual=distance**2, divergence=float(divergence))


def decision(means: Floats, margin: float = 0.0) -> tuple[int, ...]:
    """Who is within a margin of the best mean, higher being better; with a margin of 0 the best alone."""
    return tuple(np.flatnonzero(means >= means.max() - margin).tolist())


def interval(means: Floats, slopes: Floats, margin: float = 0.0) -> Interval:
    """Shifts of one data point within which the decision stays.

    Parameters
    ----------
    means, slopes : array, (treatments,)
        Posterior means, higher being better, and how much they move for a unit shift.
    margin : float
        Of the decision set; 0 for the best mean.
    """
    upper, above = _first_change(means, slopes, margin)
    lower, below = _first_change(means, -slopes, margin)
    return Interval(lower=-lower, upper=upper, below=below, above=above)


def _first_change(means: Floats, slopes: Floats, margin: float) -> tuple[float, tuple[int, ...]]:
    """Smallest positive shift beyond which the decision differs, and that decision.

    It can change only where two means differ by 0 or by the margin; between two such shifts it is constant.
    """
    difference, speed = (values[:, None] - values for values in (means, slopes))
    moving = np.abs(speed) > ZERO * np.abs(slopes).max(initial=0.0)
    shifts = np.concatenate([(level - difference[moving]) / speed[moving] for level in {0.0, margin}])
    shifts = np.unique(shifts[shifts > 0])
    if not len(shifts):
        return np.inf, ()
    between = np.append((shifts[1:] + shifts[:-1]) / 2, 2 * shifts[-1] + 1)
    at_start = decision(means, margin)
    for shift, inside in zip(shifts, between, strict=True):
        there = decision(means + inside * slopes, margin)
        if there != at_start:
            return float(shift), there
    return np.inf, ()


def joint_radius(difference: float, slopes: Floats) -> tuple[float, Floats]:
    """Smallest vector of shifts that closes a difference of two means, and its length.

    Parameters
    ----------
    difference : float
        Lead of the first over the other, above 0.
    slopes : array, (data points,)
        How much the lead moves for a shift of each data point by one of its standard errors, independent data points.

    Returns
    -------
    float
        Infinite where no data point moves the lead.
    array, (data points,)
    """
    length = float(np.linalg.norm(slopes))
    if length == 0:
        return np.inf, np.zeros_like(slopes)
    return difference / length, -difference * slopes / length**2
