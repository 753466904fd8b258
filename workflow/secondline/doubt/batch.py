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
from secondline.inference.grid import Axis
from secondline.inference.priors import PriorScales
from secondline.inference.widening import PRIOR_DRIVEN as WIDENING
from secondline.network.predictor import EXCHANGEABLE, Predictor
from secondline.network.structure import Floats
from secondline.sd_points import ABSENT
from secondline.sd_prior import SdPrior
from secondline.thresholds import LEAST_P_BETTER

Ints = NDArray[np.int64]
REASONS = ("", PRIOR_DRIVEN, DISAGREE, TOO_CLOSE, NO_CANDIDATE, ONE_CANDIDATE, NOT_PLACED, NO_CHECK)
"""Why nobody is named first, by its code in the compiled code; the last is for counts that could not be solved."""

_TAU, _TAU_AND_OMEGA, _OMEGA = 21, 13, 7  # points of the grid
_REACH = 4.5  # scales of a half-normal up to which the grid of the doubled prior goes
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
    def of(cls, prior: SdPrior, omega: SdPrior, least: float) -> "Grid":
        """Lay the grid of a prior.

        Parameters
        ----------
        prior, omega : SdPrior
            Of tau and of omega.
        least : float
            The least standard error of a contrast, below which tau makes no difference.
        """
        points, of_tau = _axis(prior, least, _TAU_AND_OMEGA if omega.is_free else _TAU)
        others, of_omega = _axis(omega, np.inf, _OMEGA)
        pairs = [(0, 0)]
        pairs += [(1, 0)] if len(of_tau) > 1 else []
        pairs += [(0, 1)] if len(of_omega) > 1 else []
        log_weights = [np.add.outer(of_omega[o], of_tau[t]).ravel() for t, o in pairs]
        return cls(tau=points, omega=others, log_weights=np.array(log_weights))


def _axis(prior: SdPrior, least: float, n: int) -> tuple[Floats, Floats]:
    """Points (N,), and log weights under a prior and the doubled one, (2, N); a point mass has one row, (1, 1).

    The two share their points, n, where they allow the same values; otherwise each has points of its own.
    """
    if not prior.is_free:
        return np.array(prior.support[:1]), np.zeros((1, 1))
    both = prior, prior.scaled(2.0)
    if both[0].support == both[1].support:
        axis = Axis.of(prior, least, n, _REACH, _ends(*both))
        return axis.points, np.stack([np.log(axis.weights()) + each.log_kernel(axis.points) for each in both])
    axes = [Axis.of(each, least, n, _REACH) for each in both]
    log_weights = [
        np.log(axis.weights()) + each.log_density(axis.points) for axis, each in zip(axes, both, strict=True)
    ]
    nothing = np.full(n, -np.inf)
    rows = [[log_weights[0], nothing], [nothing, log_weights[1]]]
    return np.concatenate([axis.points for axis in axes]), np.array([np.concatenate(row) for row in rows])


def _ends(prior: SdPrior, doubled: SdPrior) -> tuple[float, float]:
    """Find the ends of a grid on the line of a prior that holds the doubled one too."""
    (lower, upper), (_, most) = prior.ends(_REACH), doubled.ends(_REACH)
    return lower, max(upper, float(prior.line.place(doubled.line.value(np.array(most)))))


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
        Priors of the coefficients; that of tau is ``tau``.
    tau : SdPrior
    pieces : sequence of Piece
    chosen : array of int, (analyses, parts)
        Pieces of every analysis; -1 for none.
    network : array of int, (analyses,)
        Whose contests an analysis is asked.
    """

    predictor: Predictor
    scales: PriorScales
    tau: SdPrior
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
    omega = batch.scales.omega if exchangeable.any() else ABSENT
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
