"""A normal distribution by its precision A = L L', and what a change of A does to draws and to their density.

With the root R = L^-T, draws are u = mean + R z, where A mean = h. The derivative of a Cholesky factor is that of
Smith (1995), here turned around, so that one pass serves all changes of A and takes its time only where they are.
"""

import numba
import numpy as np


@numba.njit(cache=True)
def root_of(precision):
    """Inverse of the transposed Cholesky factor, L^-T, upper triangular, (P, P)."""
    lower = np.linalg.cholesky(precision)
    inverse = np.zeros_like(lower)
    for i in range(lower.shape[0]):
        inverse[i, i] = 1.0
        for k in range(i):
            for j in range(k + 1):
                inverse[i, j] -= lower[i, k] * inverse[k, j]
        for j in range(i + 1):
            inverse[i, j] /= lower[i, i]
    return np.ascontiguousarray(inverse.T)


@numba.njit(cache=True, fastmath=True)
def _dot(a, b, first):
    total = 0.0
    for i in range(first, a.shape[0]):
        total += a[i] * b[i]
    return total


@numba.njit(cache=True)
def sensitivity(pattern, root, mean, z, gradient):
    """How gradient . u + log |du / dz| falls with the precision at constant h.

    Parameters
    ----------
    pattern : array, (P, P)
        Zero in the lower triangle where no change of A is of interest.
    root : array, (P, P)
        Root of A.
    mean, z, gradient : array, (P,)
        u = mean + root z, and a linear function of it.

    Returns
    -------
    array, (P, P)
        S, lower triangular and 0 where the pattern is: a symmetric change C of A changes the sum by minus the sum of
        S * C over the lower triangle.
    array, (P,)
        A^-1 gradient, which is how the sum grows with h.
    """
    n = z.shape[0]
    p = np.ascontiguousarray(root.T) @ gradient
    q = root @ p
    moved = np.empty((n, n))  # row b: over i, z_i (sum of p_j R_bj over j < i, and half of j = i) + R_bi / 2
    for b in range(n):
        total = 0.0
        for i in range(n):
            term = p[i] * root[b, i]
            moved[b, i] = z[i] * (total + 0.5 * term) + 0.5 * root[b, i]
            total += term
    result = np.zeros((n, n))
    for a in range(n):
        for b in range(a):
            if pattern[a, b] != 0.0:
                result[a, b] = q[a] * mean[b] + _dot(root[a], moved[b], a)
                result[a, b] += q[b] * mean[a] + _dot(root[b], moved[a], b)
        result[a, a] = q[a] * mean[a] + _dot(root[a], moved[a], a)
    return result, q
