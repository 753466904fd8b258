"""The likelihood of counts that sampler and exact engine share, against another method at points of the posterior.

The sampler and the exact engine would agree on a likelihood that is wrong: their agreement does not check it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondline.cell_values import CHECKED
from secondline.inference.families import fewest
from secondline.inference.fit_statistics import Draws
from secondline.inference.importance import count_arguments, shapes
from secondline.inference.kernels import study_integral
from secondline.inference.priors import PriorScales
from secondline.inference.reference_likelihood import study_log_likelihood
from secondline.network.data import CountData, NetworkData
from secondline.network.structure import Floats
from secondline.thresholds import MAX_Z

PARAMETER = "log_likelihood"
TOLERANCE = 1e-3  # of the log likelihood of a study
_STUDIES = 6  # evaluated at every point


def check_likelihood(data: NetworkData, draws: Draws, scales: PriorScales) -> list[dict[str, Any]]:
    """Compare the likelihood of studies at some draws, the extreme ones included, with `reference_likelihood`.

    Returns
    -------
    list of dict
        A row of the exact check for every point: the study that differs most, its log likelihood as ``sampled`` and by
        the reference as ``exact``. Its ``z`` reaches the bound of the others where they differ by `TOLERANCE`.
    """
    counts = data.counts
    if not len(counts.study):
        return []
    f = np.ascontiguousarray(draws.coefficients @ counts.rows.T)
    cuts = shapes(draws.coefficients, data)[0]
    arguments = count_arguments(data, scales)
    rows = []
    for name, point in _points(f, draws.tau).items():
        taus = np.empty(len(counts.study))
        taus[:] = data.groups.tau_of(draws.tau[[point]], counts.study)[0]
        at, shape = f[point], np.ascontiguousarray(cuts[point])
        found, _ = study_integral.log_likelihood_by_study(counts.family, at, taus, shape, *arguments)
        chosen = _studies(counts, point)
        exact = np.array([study_log_likelihood(counts, i, at, float(taus[i]), shape, scales.baseline) for i in chosen])
        worst = int(np.argmax(np.nan_to_num(np.abs(found[chosen] - exact), nan=np.inf)))
        study = data.studies[counts.study[chosen[worst]]]
        rows.append(_row(f"{name} ({study})", float(found[chosen[worst]]), float(exact[worst])))
    return rows


def _points(f: Floats, tau: Floats) -> dict[str, int]:
    """Choose draws, by what is extreme about them."""
    far = np.abs(f).max(axis=1)
    tau = tau if tau.ndim == 1 else tau.sum(axis=1)
    by_tau = {"least tau": int(tau.argmin()), "largest tau": int(tau.argmax())} if tau.any() else {}
    return {**by_tau, "largest effect": int(far.argmax()), "first draw": 0}


def _studies(counts: CountData, seed: int) -> NDArray[np.int64]:
    """Choose studies: those with the fewest patients in a group, then others at random."""
    least = np.minimum.reduceat(fewest(counts), counts.start[:-1])
    order = np.random.default_rng(seed).permutation(len(least))
    sparse = order[np.argsort(least[order], kind="stable")][: _STUDIES // 2]
    others = order[~np.isin(order, sparse)][: _STUDIES - len(sparse)]
    return np.concatenate([sparse, others])


def _row(quantity: str, found: float, exact: float) -> dict[str, Any]:
    error = TOLERANCE / MAX_Z
    return {
        "parameter": PARAMETER,
        "quantity": quantity,
        "sampled": found,
        "exact": exact,
        "mcse": 0.0,
        "exact_error": error,
        "z": (found - exact) / error,
        "pareto_k": None,
        "status": CHECKED,
    }
