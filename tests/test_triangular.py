"""A normal distribution by its precision, and how draws and density change with it, against central differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from secondline.inference.kernels.cholesky import root_of, sensitivity
from secondline.inference.kernels.coordinates import pull_back, transform

SIZES, SEEDS = st.integers(1, 8), st.integers(0, 10_000)
STEP = 1e-6


def precision_matrix(n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a positive definite matrix with some zeros."""
    rows = rng.normal(size=(2 * n, n)) * (rng.random((2 * n, n)) < 0.4)
    return np.eye(n) + rows.T @ rows


@given(SIZES, SEEDS)
def test_root(n: int, seed: int) -> None:
    """Upper triangular, its square the inverse; whatever stands above the diagonal of the precision is not read."""
    precision = precision_matrix(n, np.random.default_rng(seed))
    root = root_of(np.tril(precision))
    assert np.array_equal(root, np.triu(root))
    assert root @ root.T == pytest.approx(np.linalg.inv(precision), rel=1e-8, abs=1e-10)


def total(precision: np.ndarray, h: np.ndarray, z: np.ndarray, gradient: np.ndarray) -> float:
    """Gradient . u + log |du / dz|, written down anew."""
    root = np.linalg.inv(np.linalg.cholesky(precision)).T
    return float(gradient @ (np.linalg.solve(precision, h) + root @ z) - 0.5 * np.linalg.slogdet(precision)[1])


@settings(deadline=None)
@given(SIZES, SEEDS)
def test_sensitivity(n: int, seed: int) -> None:
    """By every element of the precision that is not zero, and by h."""
    rng = np.random.default_rng(seed)
    precision = precision_matrix(n, rng)
    h, z, gradient = rng.normal(size=(3, n))
    root = root_of(precision)
    by_precision, by_h = sensitivity(precision, root, root @ (root.T @ h), z, gradient)
    for i in range(n):
        for j in range(i + 1):
            change = np.zeros((n, n))
            change[i, j] = change[j, i] = STEP
            up, down = (total(precision + sign * change, h, z, gradient) for sign in (1, -1))
            expected = -(up - down) / (2 * STEP) if precision[i, j] else 0.0
            assert by_precision[i, j] == pytest.approx(expected, rel=1e-5, abs=1e-6)
        up, down = (total(precision, h + sign * STEP * np.eye(n)[i], z, gradient) for sign in (1, -1))
        assert by_h[i] == pytest.approx((up - down) / (2 * STEP), rel=1e-5, abs=1e-6)


LAYOUT = np.array([[0, 0, 0], [1, 2, 2], [3, 4, 6], [6, 7, 15]], float)  # a contrast, and studies of two and three arms
COLUMNS = np.array([0, 2, 0, 1, 0, 1, 2], float)
SPREADS = [1.0, 0.5, 0.5, 0.5, 0.5, 0.5]


@settings(deadline=None)
@given(SEEDS, st.floats(-1.5, 1.5), st.sampled_from([-0.7, 0.0, 0.4]))
def test_pull_back(seed: int, tau: float, omega: float) -> None:
    """Derivatives of the coordinates by z, tau and omega, with an exchangeable coefficient; omega at 0 included."""
    rng = np.random.default_rng(seed)
    values = np.column_stack([rng.normal(size=6), rng.uniform(0.1, 2, 6), SPREADS, np.zeros(6)])  # of one group
    design = LAYOUT, COLUMNS, rng.normal(size=15), values, np.array([0.0, 0.0, 1.0])
    z, gradient = rng.normal(size=(2, 3))

    def value(z: np.ndarray, tau: float, omega: float) -> float:
        u, log_det, _ = transform(z, np.array([tau]), np.array([omega]), *design)
        return float(gradient @ u + log_det)

    near = transform(z, np.array([tau]), np.array([omega]), *design)[2]
    by_z, by_tau, by_omega = pull_back(z, gradient, near, design[-1], 1)
    shifts = STEP * np.eye(5)
    found = [*by_z, *by_tau, *by_omega]
    for k, shift in enumerate(shifts):
        up, down = (value(z + s * shift[:3], tau + s * shift[3], omega + s * shift[4]) for s in (1, -1))
        assert found[k] == pytest.approx((up - down) / (2 * STEP), rel=1e-5, abs=1e-6)
