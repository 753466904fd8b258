"""A Gaussian network on a grid of (tau, omega) in compiled code: density, means and covariances of the effects.

Whitened contrasts are y ~ N(X b, 1 + tau^2 lambda), coefficients b = D u with u ~ N(0, I) and D given omega. The
effects are solved in the space of the contrasts or in that of the coefficients, whichever is the smaller. Both end in
the same form: with the first column h of ``half`` and the columns H of the effects, means are H'h, and covariances are
H'H (coefficients) or the prior covariance less H'H (contrasts).
"""

import math

import numba
import numpy as np

NEGLIGIBLE = 18.0  # log density below its maximum from which on a grid point counts for nothing


@numba.njit(cache=True, nogil=True)
def cholesky(a, n):
    """Replace a (n, n) by its lower Cholesky factor; where nothing is left of a pivot, its column is 0."""
    for j in range(n):
        diagonal, pivot = a[j, j], a[j, j]
        for k in range(j):
            pivot -= a[j, k] * a[j, k]
        root = math.sqrt(pivot) if pivot > 1e-12 * diagonal else 0.0
        inverse = 1 / root if root > 0 else 0.0
        a[j, j] = root
        for i in range(j + 1, n):
            value = a[i, j]
            for k in range(j):
                value -= a[i, k] * a[j, k]
            a[i, j] = value * inverse


@numba.njit(cache=True, nogil=True)
def _solve_lower(root, n, b, columns):
    """Solve root x = b in place for the first columns of b."""
    for i in range(n):
        for k in range(i):
            factor = root[i, k]
            for c in range(columns):
                b[i, c] -= factor * b[k, c]
        inverse = 1 / root[i, i]
        for c in range(columns):
            b[i, c] *= inverse


@numba.njit(cache=True, nogil=True)
def _in_contrasts(x, y, variance, crossed, root, half, columns):
    """Solve in the space of the contrasts; ``crossed`` is X D D' L', (contrasts, effects). Returns the log density."""
    n = len(y)
    for i in range(n):
        for j in range(i + 1):
            value = variance[i] if i == j else 0.0
            for c in range(x.shape[1]):
                value += x[i, c] * x[j, c]
            root[i, j] = value
        half[i, 0] = y[i]
        for k in range(1, columns):
            half[i, k] = crossed[i, k - 1]
    cholesky(root, n)
    _solve_lower(root, n, half, columns)
    result = 0.0
    for i in range(n):
        result -= math.log(root[i, i]) + 0.5 * half[i, 0] ** 2
    return result


@numba.njit(cache=True, nogil=True)
def _in_coefficients(x, y, variance, effects, root, half, columns):
    """Solve in the space of the coefficients; ``effects`` is L D, (effects, coefficients). Returns the log density."""
    n, result = x.shape[1], 0.0
    for a in range(n):
        for b in range(a + 1):
            root[a, b] = 1.0 if a == b else 0.0
        half[a, 0] = 0.0
        for k in range(1, columns):
            half[a, k] = effects[k - 1, a]
    for i in range(len(y)):
        precision = 1 / variance[i]
        result += 0.5 * math.log(precision) - 0.5 * precision * y[i] ** 2
        for a in range(n):
            weighted = precision * x[i, a]
            if weighted != 0:
                half[a, 0] += weighted * y[i]
                for b in range(a + 1):
                    root[a, b] += weighted * x[i, b]
    cholesky(root, n)
    _solve_lower(root, n, half, columns)
    for a in range(n):
        result += 0.5 * half[a, 0] ** 2 - math.log(root[a, a])
    return result


@numba.njit(cache=True, nogil=True)
def solve_grid(
    x, y, scales, sd, exchangeable, tau_squared, omega, effects, log_weights, density, kept, mean, covariance
):
    """Solve at every point of the grid that counts.

    Parameters
    ----------
    x, y, scales : arrays, (N, C), (N,), (N,)
        Whitened contrasts and their lambda.
    sd, exchangeable : arrays, (C,)
        Prior standard deviations of the coefficients; where ``exchangeable``, omega takes their place.
    tau_squared, omega : arrays, (G,), (O,)
        The grid; its points stand with omega varying slowest.
    effects : array, (blocks, treatments, C)
    log_weights : array, (priors, O * G)
        Log prior and integration weights under every prior for which the grid has to serve.
    density, kept, mean, covariance : arrays, (O * G,), (O * G,), (O * G, blocks, treatments), with treatments once more
        Filled: log density without prior; whether a point counts under any prior; means and covariances where it does.
    """
    blocks, treatments, columns = effects.shape
    n_effects, points = blocks * treatments, len(tau_squared)
    size = min(x.shape)
    by_contrasts = x.shape[0] <= x.shape[1]
    root, half = np.empty((size, size)), np.empty((size, 1 + n_effects))
    scaled, scaled_effects = np.empty(x.shape), np.empty((n_effects, columns))
    crossed, variance = np.empty((len(y), n_effects)), np.empty(len(y))
    for step in range(2):
        if step:
            _keep(density, log_weights, kept)
        for o in range(len(omega)):
            _scale(x, effects, sd, exchangeable, omega[o], scaled, scaled_effects)
            if by_contrasts and step:
                crossed[:] = 0.0
                for i in range(len(y)):
                    for k in range(n_effects):
                        for c in range(columns):
                            crossed[i, k] += scaled[i, c] * scaled_effects[k, c]
            for t in range(points):
                g = o * points + t
                if step and not kept[g]:
                    continue
                for i in range(len(y)):
                    variance[i] = 1 + tau_squared[t] * scales[i]
                width = 1 + n_effects if step else 1
                if by_contrasts:
                    density[g] = _in_contrasts(scaled, y, variance, crossed, root, half, width)
                else:
                    density[g] = _in_coefficients(scaled, y, variance, scaled_effects, root, half, width)
                if step:
                    _moments(half, size, scaled_effects, by_contrasts, mean[g], covariance[g])


@numba.njit(cache=True, nogil=True)
def _scale(x, effects, sd, exchangeable, omega, scaled, scaled_effects):
    """Fill X D and L D."""
    for c in range(len(sd)):
        by = omega if exchangeable[c] else sd[c]
        for i in range(x.shape[0]):
            scaled[i, c] = x[i, c] * by
        for b in range(effects.shape[0]):
            for t in range(effects.shape[1]):
                scaled_effects[b * effects.shape[1] + t, c] = effects[b, t, c] * by


@numba.njit(cache=True, nogil=True)
def _keep(density, log_weights, kept):
    """Mark the points that count under any prior."""
    kept[:] = False
    for prior in range(log_weights.shape[0]):
        most = -np.inf
        for g in range(len(density)):
            most = max(most, density[g] + log_weights[prior, g])
        for g in range(len(density)):
            if density[g] + log_weights[prior, g] > most - NEGLIGIBLE:
                kept[g] = True


@numba.njit(cache=True, nogil=True)
def _moments(half, size, scaled_effects, by_contrasts, mean, covariance):
    """Fill means (blocks, treatments) and covariances (blocks, treatments, treatments) of one grid point."""
    blocks, treatments = mean.shape
    columns = scaled_effects.shape[1]
    for b in range(blocks):
        first = b * treatments
        for t in range(treatments):
            value = 0.0
            for i in range(size):
                value += half[i, 0] * half[i, 1 + first + t]
            mean[b, t] = value
            for u in range(t + 1):
                value = 0.0
                for i in range(size):
                    value += half[i, 1 + first + t] * half[i, 1 + first + u]
                if by_contrasts:
                    value = -value
                    for c in range(columns):
                        value += scaled_effects[first + t, c] * scaled_effects[first + u, c]
                covariance[b, t, u] = covariance[b, u, t] = value


@numba.njit(cache=True, nogil=True)
def weigh(density, log_weights, kept, weights):
    """Fill the posterior weights of the grid under one prior, 0 where a point does not count; they sum to 1."""
    most, total = -np.inf, 0.0
    for g in range(len(density)):
        if kept[g]:
            most = max(most, density[g] + log_weights[g])
    for g in range(len(density)):
        weights[g] = math.exp(density[g] + log_weights[g] - most) if kept[g] else 0.0
        if weights[g] < 1e-10:
            weights[g] = 0.0
        total += weights[g]
    for g in range(len(density)):
        weights[g] /= total
