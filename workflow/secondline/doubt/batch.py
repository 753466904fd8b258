"""Many Gaussian analyses at once: who is first in every one of them, and by how much.

The analyses share their pieces (the contrasts of one study, or of studies that share patients, as one analysis reads
them), designs and grids, so that one is solved in a fraction of a millisecond. The definitions are those of
`secondline.doubt.decision`: candidates that the data link, SUCRA among them, and why nobody may be named first.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondline.cell_values import DISAGREE, NO_CANDIDATE, NO_CHECK, NOT_PLACED, ONE_CANDIDATE, PRIOR_DRIVEN, TOO_CLOSE
from secondline.doubt.settings import TauPrior
from secondline.inference.grid import Axis
from secondline.inference.priors import PriorScales
from secondline.inference.widening import PRIOR_DRIVEN as WIDENING
from secondline.network.predictor import EXCHANGEABLE, Predictor
from secondline.network.structure import Floats
from secondline.thresholds import LEAST_P_BETTER

Ints = NDArray[np.int64]
REASONS = ("", PRIOR_DRIVEN, DISAGREE, TOO_CLOSE, NO_CANDIDATE, ONE_CANDIDATE, NOT_PLACED, NO_CHECK)
"""Why nobody is named first, by its code in the compiled code; the last is for counts that could not be solved."""

_TAU, _TAU_AND_OMEGA, _OMEGA = 21, 13, 7  # points of the grid
_REACH = 9.0  # scales of a half-normal up to which its grid goes: those of the doubled prior are 4.5
_LOG_REACH = 4.5  # standard deviations of a log-normal on either side
_DRAWS_LOG2 = 11  # Sobol points for P(best)
_CHUNK = 500  # analyses that a thread solves at a time


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Whitened contrasts of studies that are solved together: y ~ N(rows b, 1 + tau^2 scales).

    Parameters
    ----------
    y, scales : arrays, (N,)
    rows : array, (N, coefficients)
    """

    y: Floats
    rows: Floats
    scales: Floats


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Points of (tau, omega) and their log weights: as declared, and with the priors of tau and of omega doubled.

    Parameters
    ----------
    tau : array, (T,)
    omega : array, (O,)
        The single point 0 where the model has none.
    log_weights : array, (priors, O * T)
        Log prior density and integration weight.
    """

    tau: Floats
    omega: Floats
    log_weights: Floats

    @classmethod
    def of(cls, prior: TauPrior, omega: float, least: float) -> "Grid":
        """Lay the grid of a prior.

        Parameters
        ----------
        omega : float
            Scale of the half-normal prior of omega; 0 leaves it out.
        least : float
            The least standard error of a contrast, below which tau makes no difference.
        """
        points, of_tau = _tau_axis(prior, least, _TAU_AND_OMEGA if omega else _TAU)
        others, of_omega = _half_normal(omega, omega, _OMEGA)
        pairs = [(0, 0)]
        pairs += [(1, 0)] if len(of_tau) > 1 else []
        pairs += [(0, 1)] if len(of_omega) > 1 else []
        log_weights = [np.add.outer(of_omega[o], of_tau[t]).ravel() for t, o in pairs]
        return cls(tau=points, omega=others, log_weights=np.array(log_weights))


def _tau_axis(prior: TauPrior, least: float, n: int) -> tuple[Floats, Floats]:
    """Points of tau (n,), and log weights as declared and with tau twice as large a priori, (priors, n)."""
    if prior.family == "none":
        return _half_normal(0.0, 0.0, 1)
    if prior.family == "half_normal":
        return _half_normal(prior.scale, min(prior.scale, least), n)
    middle, step = (prior.location + np.log(2)) / 2, (prior.scale * _LOG_REACH + np.log(2)) / (n - 1)
    log_tau = middle + step * (np.arange(n) - (n - 1) / 2)
    deviates = (2 * log_tau - prior.location - np.array([[0.0], [np.log(4)]])) / prior.scale
    return np.exp(log_tau), -0.5 * deviates**2


def _half_normal(scale: float, unit: float, n: int) -> tuple[Floats, Floats]:
    if not scale:
        return np.zeros(1), np.zeros((1, 1))
    axis = Axis(unit, _REACH * scale, n)
    widths = np.array([[scale], [2 * scale]])
    return axis.points, np.log(axis.weights()) - 0.5 * (axis.points / widths) ** 2


@dataclass(frozen=True, kw_only=True)
class Contests:
    """What analyses are asked, by network: which regimens of the structure compete in every setting.

    Parameters
    ----------
    candidates : array of bool, (networks, settings, regimens)
    estimable : array of bool, (networks, regimens, regimens)
        Whether the network allows the difference of two regimens to be estimated.
    references : array of int, (networks, settings)
        Regimen with which the first is compared in a setting.
    """

    candidates: NDArray[np.bool_]
    estimable: NDArray[np.bool_]
    references: Ints


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What analyses decide, by analysis and setting.

    Parameters
    ----------
    numbers : array, (analyses, settings, NUMBERS)
        Columns are named in `secondline.inference.kernels.contest`; nan where there is nothing to say.
    places : array of int, (analyses, settings, PLACES)
        First and runner-up (regimens of the structure; -1 for none), number placed, and why nobody is named.
    """

    numbers: Floats
    places: Ints


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What the specifications of a curve decide; see `secondline.doubt.curve.Curve`."""

    answers: Answers
    references: Ints
    lead: Ints
    engine: str
    errors: Floats


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Analyses of one design and one prior.

    Parameters
    ----------
    predictor : Predictor
    scales : PriorScales
        Priors of the coefficients; those of tau are ``tau``.
    tau : TauPrior
    pieces : sequence of Piece
    chosen : array of int, (analyses, parts)
        Pieces of every analysis; -1 for none.
    network : array of int, (analyses,)
        Whose contests an analysis is asked.
    """

    predictor: Predictor
    scales: PriorScales
    tau: TauPrior
    pieces: Sequence[Piece]
    chosen: Ints
    network: Ints


def solve(
    batch: Batch,
    contests: Contests,
    lead: Ints,
    sign: float,
    threads: int | None = None,
    done: Callable[[int], None] = lambda _: None,
) -> Answers:
    """Solve all analyses of a batch.

    Parameters
    ----------
    lead : array of int, (settings, 3)
        First, runner-up and reference of the declared analysis, of which every analysis gives the effects; -1 for none.
    sign : float
        1 where higher is better, -1 where lower is.
    threads : int, optional
        By default the processors that this process may use.
    done : callable
        Is told how many analyses have been solved.
    """
    from secondline.inference.kernels import contest

    regimens = _regimens(contests, lead)
    arguments = _arguments(batch, contests, lead, sign, regimens)
    n, settings = len(batch.chosen), contests.candidates.shape[1]
    numbers = np.empty((n, settings, contest.NUMBERS))
    places = np.zeros((n, settings, contest.PLACES), np.int64)

    def run(part: slice) -> int:
        rows, study_rows, priors, grid, effects, asked, limits, draws = arguments
        contest.decide_all(
            rows,
            study_rows,
            batch.chosen[part],
            priors,
            grid,
            effects,
            (batch.network[part], *asked),
            limits,
            draws,
            numbers[part],
            places[part],
        )
        return len(numbers[part])

    parts = [slice(first, first + _CHUNK) for first in range(0, n, _CHUNK)]
    pool = ThreadPoolExecutor(threads or processors())
    try:
        for finished in as_completed([pool.submit(run, part) for part in parts]):
            done(finished.result())
    finally:
        pool.shutdown(cancel_futures=True)
    named = places[..., : contest.PLACED]
    named[:] = np.where(named < 0, -1, regimens[named])
    return Answers(numbers=numbers, places=places)


def _regimens(contests: Contests, lead: Ints) -> Ints:
    """Regimens that any analysis ranks or compares with, in the order of the structure."""
    met = contests.candidates.any(axis=(0, 1))
    met[contests.references.ravel()] = True
    met[lead[lead >= 0]] = True
    return np.flatnonzero(met)


def processors() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _arguments(batch: Batch, contests: Contests, lead: Ints, sign: float, regimens: Ints) -> tuple[Any, ...]:
    """Put a batch into the arrays of the compiled code, with the regimens that count alone."""
    predictor, pieces = batch.predictor, batch.pieces
    lambdas = np.concatenate([np.zeros(0), *(piece.scales for piece in pieces)])
    rows = (
        np.vstack([np.zeros((0, predictor.n_coefficients)), *(piece.rows for piece in pieces)]),
        np.concatenate([np.zeros(0), *(piece.y for piece in pieces)]),
        lambdas,
    )
    exchangeable = predictor.kinds == EXCHANGEABLE
    omega = batch.scales.omega if exchangeable.any() else 0.0
    grid = Grid.of(batch.tau, omega, float(1 / np.sqrt(lambdas.max(initial=1e-12))))
    blocks, block = _distinct_blocks(predictor.effect_rows()[:, regimens])
    place = np.full(contests.candidates.shape[2] + 1, -1)  # the last, of no regimen, is -1
    place[regimens] = np.arange(len(regimens))
    candidates = np.ascontiguousarray(contests.candidates[:, :, regimens])
    estimable = np.ascontiguousarray(contests.estimable[:, regimens][:, :, regimens])
    return (
        rows,
        np.cumsum([0, *(len(piece.y) for piece in pieces)]),
        (*_prior_sds(batch), exchangeable),
        (grid.tau**2, grid.omega, grid.log_weights),
        (blocks, block),
        (candidates, estimable, place[contests.references], place[lead]),
        (sign, WIDENING, LEAST_P_BETTER),
        shared_draws(len(regimens)),
    )


def _prior_sds(batch: Batch) -> tuple[Floats, Floats]:
    """Prior standard deviations of the coefficients, and with every scale of theirs doubled in turn; omega apart."""
    doubled = batch.scales.all_doubled()
    of_effects = [scales for name, scales in doubled.items() if name not in ("tau_doubled", "omega_doubled")]
    return (
        batch.scales.coefficients(batch.predictor, 1.0),
        np.array([scales.coefficients(batch.predictor, 1.0) for scales in of_effects]),
    )


def _distinct_blocks(effect_rows: Floats) -> tuple[Floats, Ints]:
    """Put settings with the same effects into one block: (blocks, regimens, coefficients), and the block by setting."""
    distinct = {rows.tobytes(): rows for rows in effect_rows}
    names = list(distinct)
    return np.stack(list(distinct.values())), np.array([names.index(rows.tobytes()) for rows in effect_rows])


def shared_draws(treatments: int, log2: int = _DRAWS_LOG2) -> tuple[Floats, Floats]:
    """Draw one scrambled Sobol sequence: uniform, ascending (2^log2,), and normal deviates (treatments, 2^log2)."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    points = qmc.Sobol(1 + treatments, seed=0).random_base2(log2)
    points = points[np.argsort(points[:, 0])]
    return points[:, 0].copy(), np.ascontiguousarray(ndtri(np.clip(points[:, 1:], 1e-12, 1 - 1e-12)).T)
