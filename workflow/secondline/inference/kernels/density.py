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
BASELINE, FAMILY, WIDTH, N_CUTS, RESOLUTION, BASELINE_SLOPE = range(6)
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
) = range(15)
_Y, _SPREAD = range(2)  # of the table of contrasts


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
def _add_contrasts(vector, b, tau, db):
    """Log likelihood of the whitened contrasts and its derivative by tau; adds that by b to ``db``."""
    rows, contrasts = _table(vector, ROWS), _table(vector, CONTRASTS)
    total, dtau = 0.0, 0.0
    for k in range(rows.shape[0]):
        spread = contrasts[k, _SPREAD]
        variance = 1.0 + tau**2 * spread
        residual = (contrasts[k, _Y] - rows[k] @ b) / variance
        total -= 0.5 * (residual**2 * variance + log(variance))
        dtau += tau * spread * (residual**2 - 1.0 / variance)
        db += residual * rows[k]
    return total, dtau


@numba.njit(cache=True)
def _add_counts(vector, b, tau, db):
    """Log likelihood of the counts and its derivative by tau; adds that by b to ``db`` (Fisher's identity)."""
    arms, settings = _table(vector, ARMS), _table(vector, SETTINGS)[0]
    if arms.shape[0] == 0:
        return 0.0, 0.0
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
    by_study, terms = study_integral.log_likelihood(
        int(settings[FAMILY]),
        f,
        tau,
        cuts,
        arms,
        _table(vector, STUDIES),
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
    return by_study.sum(), terms[:, TAU_SCORE].sum()


@numba.njit(cache=True)
def log_density(raw, vector):
    """Log posterior density over that of standard normal coordinates, and its gradient.

    Parameters
    ----------
    raw : array, (P + 2,)
        Coordinates of the coefficients (see `coordinates`), of tau and of omega; the last two of either sign.
    vector : array
        Packed tables, in the order of the indices above.

    Returns
    -------
    float
        Up to a constant of the data.
    array, (P + 2,)
        Derivatives by ``raw``.
    """
    sds, coefficients = _table(vector, SDS), _table(vector, COEFFICIENTS)
    z, tau_raw, omega_raw = raw[:-2], raw[-2], raw[-1]
    tau, tau_slope, tau_density, tau_score = coordinates.sd(tau_raw, sds[0])
    omega, omega_slope, omega_density, omega_score = coordinates.sd(omega_raw, sds[1])
    sd, exchangeable = coefficients[:, SD], np.ascontiguousarray(coefficients[:, EXCHANGEABLE])
    u, log_det, near = coordinates.transform(
        z,
        tau,
        omega,
        _table(vector, NEAR_LAYOUT),
        _table(vector, NEAR_COLUMNS)[0],
        _table(vector, NEAR_ROWS)[0],
        _table(vector, NEAR_VALUES),
        exchangeable,
    )
    scales = sd * np.where(exchangeable > 0.0, omega, 1.0)
    b, db = u * scales, np.zeros(z.shape[0])
    contrasts, dtau = _add_contrasts(vector, b, tau, db)
    counts, dtau_counts = _add_counts(vector, b, tau, db)
    value = tau_density + omega_density + contrasts + counts + 0.5 * (z @ z - u @ u) + log_det
    dz, dtau_u, domega_u = coordinates.pull_back(z, db * scales - u, near, exchangeable)
    dtau += dtau_counts + dtau_u
    domega = (db * u * sd * exchangeable).sum() + domega_u
    gradient = np.empty(raw.shape[0])
    gradient[:-2] = dz + z
    gradient[-2], gradient[-1] = dtau * tau_slope + tau_score, domega * omega_slope + omega_score
    return value, gradient
