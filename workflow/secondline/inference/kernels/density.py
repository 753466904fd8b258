"""The log density of every model, and its gradient, in one function.

All tables of a fit stand in one vector: `pack` and `_table` are each other's inverse. As a graph of many operations the
same density takes eight seconds to load from a cache; as one function it takes none.
"""

from math import exp, log

import numba
import numpy as np

from secondline.inference.families import SCORE, TAU_SCORE
from secondline.inference.kernels import coordinates, study_integral
from secondline.inference.kernels.design_blocks import add_transposed, multiply
from secondline.network.structure import Floats

# what the first table holds, and the columns of the table of coefficients
BASELINE, FAMILY, WIDTH, N_CUTS, RESOLUTION, BASELINE_SLOPE, N_OMEGAS = range(7)
SD, EXCHANGEABLE = range(2)
(
    SETTINGS,
    SDS,
    COEFFICIENTS,
    NEAR_LAYOUT,
    NEAR_COLUMNS,
    NEAR_ROWS,
    NEAR_VALUES,
    ROWS,
    CONTRASTS,
    LAYOUT,
    COLUMNS,
    ARM_ROWS,
    ARMS,
    STUDIES,
    TABLE,
    COUNT_GROUPS,
) = range(16)
_Y, _SPREAD, _GROUP = range(3)  # of the table of contrasts


def pack(*tables: Floats) -> Floats:
    """Pack two-dimensional tables into one vector, each behind its shape."""
    return np.concatenate([part for table in tables for part in (np.array(table.shape, float), table.ravel())])


@numba.njit(cache=True)
def _table(vector, index):
    """Table of a packed vector, without a copy."""
    start = 0
    for _ in range(index):
        start += 2 + int(vector[start]) * int(vector[start + 1])
    rows, columns = int(vector[start]), int(vector[start + 1])
    return vector[start + 2 : start + 2 + rows * columns].reshape((rows, columns))


@numba.njit(cache=True)
def _add_contrasts(vector, b, taus, dtaus, db):
    """Log likelihood of the whitened contrasts; adds its derivatives by the taus and by b to ``dtaus`` and ``db``."""
    rows, contrasts = _table(vector, ROWS), _table(vector, CONTRASTS)
    total = 0.0
    for k in range(rows.shape[0]):
        spread, group = contrasts[k, _SPREAD], int(contrasts[k, _GROUP])
        tau = taus[group]
        variance = 1.0 + tau**2 * spread
        residual = (contrasts[k, _Y] - rows[k] @ b) / variance
        total -= 0.5 * (residual**2 * variance + log(variance))
        dtaus[group] += tau * spread * (residual**2 - 1.0 / variance)
        db += residual * rows[k]
    return total


@numba.njit(cache=True)
def _add_counts(vector, b, taus, dtaus, db):
    """Log likelihood of the counts; adds its derivatives to ``dtaus`` and ``db`` (Fisher's identity)."""
    arms, settings = _table(vector, ARMS), _table(vector, SETTINGS)[0]
    if arms.shape[0] == 0:
        return 0.0
    design = _table(vector, LAYOUT), _table(vector, COLUMNS)[0], _table(vector, ARM_ROWS)[0]
    f = np.empty(arms.shape[0])
    multiply(design[0], design[1], design[2], b, f)
    n_cuts, n = int(settings[N_CUTS]), b.shape[0]
    cuts = np.zeros(n_cuts + 1)
    for k in range(n_cuts):
        cuts[k + 1] = cuts[k] + exp(b[n - n_cuts + k])
    slope = int(settings[BASELINE_SLOPE])
    if slope >= 0:
        cuts[0] = b[slope]
    groups, studies = _table(vector, COUNT_GROUPS)[0], _table(vector, STUDIES)
    own = np.empty(groups.shape[0])
    for i in range(groups.shape[0]):
        own[i] = taus[int(groups[i])]
    by_study, terms = study_integral.log_likelihood_by_study(
        int(settings[FAMILY]),
        f,
        own,
        cuts,
        arms,
        studies,
        settings[BASELINE],
        int(settings[WIDTH]),
        _table(vector, TABLE),
        settings[RESOLUTION],
    )
    add_transposed(design[0], design[1], design[2], terms[:, SCORE], db)
    if slope >= 0:
        db[slope] += terms[:, terms.shape[1] - 1].sum()
    # A distance moves all cutpoints above it; the scores of the cutpoints are the last terms.
    above = 0.0
    for k in range(n_cuts - 1, -1, -1):
        above += terms[:, terms.shape[1] - n_cuts + k].sum()
        db[n - n_cuts + k] += above * exp(b[n - n_cuts + k])
    for i in range(groups.shape[0]):
        for arm in range(int(studies[i, study_integral.ARM]), int(studies[i + 1, study_integral.ARM])):
            dtaus[int(groups[i])] += terms[arm, TAU_SCORE]
    return by_study.sum()


@numba.njit(cache=True)
def _standard_deviations(raw, sds):
    """Every tau, and every omega behind them, (K + M,) each: values, slopes by ``raw``, log densities, their slopes."""
    n = sds.shape[0]
    values, slopes, densities, scores = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    for k in range(n):
        values[k], slopes[k], densities[k], scores[k] = coordinates.sd(raw[k], sds[k])
    return values, slopes, densities, scores


@numba.njit(cache=True)
def log_density(raw, vector):
    """Log posterior density over that of standard normal coordinates, and its gradient.

    Parameters
    ----------
    raw : array, (P + K + M,)
        Coordinates of the coefficients (see `coordinates`), of every tau and of every omega; those of either sign.
    vector : array
        Packed tables, in the order of the indices above.

    Returns
    -------
    float
        Up to a constant of the data.
    array, (P + K + M,)
        Derivatives by ``raw``.
    """
    sds, coefficients = _table(vector, SDS), _table(vector, COEFFICIENTS)
    n_omegas = int(_table(vector, SETTINGS)[0, N_OMEGAS])
    n_taus = sds.shape[0] - n_omegas
    n = raw.shape[0] - n_taus - n_omegas
    z = raw[:n]
    values, slopes, densities, scores = _standard_deviations(raw[n:], sds)
    taus, omegas = values[:n_taus], values[n_taus:]
    sd, exchangeable = coefficients[:, SD], np.ascontiguousarray(coefficients[:, EXCHANGEABLE])
    u, log_det, near = coordinates.transform(
        z,
        taus,
        omegas,
        _table(vector, NEAR_LAYOUT),
        _table(vector, NEAR_COLUMNS)[0],
        _table(vector, NEAR_ROWS)[0],
        _table(vector, NEAR_VALUES),
        exchangeable,
    )
    scales = sd * coordinates.factors(omegas, exchangeable)
    b, db, dtaus, dtaus_counts = u * scales, np.zeros(n), np.zeros(n_taus), np.zeros(n_taus)
    contrasts = _add_contrasts(vector, b, taus, dtaus, db)
    counts = _add_counts(vector, b, taus, dtaus_counts, db)
    of_sds = 0.0
    for k in range(n_taus + n_omegas):
        of_sds += densities[k]
    value = of_sds + contrasts + counts + 0.5 * (z @ z - u @ u) + log_det
    dz, dtaus_u, domegas_u = coordinates.pull_back(z, db * scales - u, near, exchangeable, n_omegas)
    gradient = np.empty(raw.shape[0])
    gradient[:n] = dz + z
    for k in range(n_taus):
        gradient[n + k] = (dtaus[k] + (dtaus_counts[k] + dtaus_u[k])) * slopes[k] + scores[k]
    for k in range(n_omegas):
        domega = (db * u * sd * coordinates.members(exchangeable, k)).sum() + domegas_u[k]
        gradient[n + n_taus + k] = domega * slopes[n_taus + k] + scores[n_taus + k]
    return value, gradient
