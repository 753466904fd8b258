"""Quadrature likelihood of counts against brute-force integration."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nma.inference import quadrature
from nma.network.design import ArmData
from scipy.special import expit, log_expit, roots_hermitenorm

BASELINE_SD = 2.5


def arms_of(events: list[list[int]], patients: list[list[int]]) -> ArmData:
    """Arms of several studies; the design rows play no part here."""
    start = np.concatenate([[0], np.cumsum([len(study) for study in events])])
    flat = [np.concatenate(table).astype(float) for table in (events, patients)]
    names = tuple(f"study{i}" for i in range(len(events)))
    return ArmData(names, start, flat[0], flat[1], np.zeros((len(flat[0]), 1)))


def brute_force(data: ArmData, f: np.ndarray, tau: float) -> np.ndarray:
    """Log likelihood by study on a dense grid of the baseline and a dense Gauss-Hermite rule for the arm effects."""
    x, w = roots_hermitenorm(120)
    w = w / w.sum()
    mu = np.linspace(-20, 20, 8001)
    result = []
    for i in range(len(data.studies)):
        total = -0.5 * (mu / BASELINE_SD) ** 2 - np.log(BASELINE_SD * np.sqrt(2 * np.pi))
        for arm in range(data.start[i], data.start[i + 1]):
            eta = mu[:, None] + f[arm] + tau / np.sqrt(2) * x
            r, n = data.events[arm], data.n[arm]
            total = total + np.log(np.maximum(np.exp(r * log_expit(eta) + (n - r) * log_expit(-eta)) @ w, 1e-300))
        top = total.max()
        result.append(top + np.log(np.trapezoid(np.exp(total - top), mu)))
    return np.array(result)


def evaluate(data: ArmData, f: np.ndarray, tau: float, factor: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Log likelihood and expectations with the package's own nodes."""
    inner, outer = quadrature.nodes(data, factor)
    return quadrature.log_likelihood(f, tau, quadrature.arm_table(data), data.start, inner, outer, BASELINE_SD)


DATA = arms_of([[3, 12], [0, 5, 2], [20, 20], [0, 0], [9, 30]], [[37, 56], [21, 49, 33], [20, 20], [15, 12], [48, 86]])
F = np.array([-0.4, 0.4, -0.6, 0.5, 0.1, -0.2, 0.2, 0.3, -0.3, -0.5, 0.5])


@pytest.mark.parametrize("tau", [0.0, 0.02, 0.3, 1.0])
def test_agrees_with_brute_force(tau: float) -> None:
    """Two- and three-arm studies, zero cells, and a study in which everybody had the event."""
    assert evaluate(DATA, F, tau)[0] == pytest.approx(brute_force(DATA, F, tau), abs=2e-3)


@pytest.mark.parametrize("tau", [0.0, 0.3, 1.0, 2.0])
def test_doubling_the_nodes_changes_nothing_that_matters(tau: float) -> None:
    """The error of the nodes in use, by doubling them."""
    assert evaluate(DATA, F, tau)[0] == pytest.approx(evaluate(DATA, F, tau, factor=2)[0], abs=2e-3)


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 60)), min_size=2, max_size=4),
    tau=st.floats(0, 1.5),
    seed=st.integers(0, 1000),
)
def test_likelihood_of_any_study(counts: list, tau: float, seed: int) -> None:
    """Random studies of two to four arms, nobody and everybody side by side included."""
    data = arms_of([[min(r, n) for r, n in counts]], [[n for _, n in counts]])
    f = np.random.default_rng(seed).normal(size=len(counts)) * 0.7
    f -= f.mean()
    # The allowance grows for studies that contradict f beyond belief, such as 0 of 29 against 16 of 16.
    assert evaluate(data, f, tau)[0] == pytest.approx(brute_force(data, f, tau), abs=1e-2, rel=2e-3)


@pytest.mark.parametrize("tau", [0.05, 0.5, 1.2])
def test_scores_are_derivatives(tau: float) -> None:
    """Fisher's identity against central differences."""
    h = 1e-5
    _, expected = evaluate(DATA, F, tau)
    for arm in range(len(F)):
        shift = np.eye(len(F))[arm] * h
        numeric = (evaluate(DATA, F + shift, tau)[0].sum() - evaluate(DATA, F - shift, tau)[0].sum()) / (2 * h)
        assert expected[arm, quadrature.SCORE] == pytest.approx(numeric, abs=2e-3)
    numeric = (evaluate(DATA, F, tau + h)[0].sum() - evaluate(DATA, F, tau - h)[0].sum()) / (2 * h)
    assert expected[:, quadrature.TAU_SCORE].sum() == pytest.approx(numeric, abs=2e-3)


def test_likelihood_is_even_in_tau() -> None:
    """The sign of tau does not matter: what lets the sampler work on the whole line."""
    positive, negative = evaluate(DATA, F, 0.7), evaluate(DATA, F, -0.7)
    assert positive[0] == pytest.approx(negative[0], abs=1e-12)
    assert positive[1][:, quadrature.SCORE] == pytest.approx(negative[1][:, quadrature.SCORE], abs=1e-10)


def test_conditional_probability_lies_between_prior_and_data() -> None:
    """With large tau the expected probability of an arm approaches its observed one."""
    data = arms_of([[30, 80]], [[100, 100]])
    _, expected = evaluate(data, np.zeros(2), 3.0)
    assert expected[:, quadrature.PROBABILITY] == pytest.approx([0.3, 0.8], abs=0.01)
    _, pooled = evaluate(data, np.zeros(2), 0.0)
    assert pooled[:, quadrature.PROBABILITY] == pytest.approx([0.55, 0.55], abs=0.01)


def test_table_agrees_with_direct_evaluation() -> None:
    """The tabulated likelihood of the exact engine is that of the sampler."""
    tau = np.array([0.0, 0.4, 1.1])
    inner, outer = quadrature.nodes(DATA)
    arms = quadrature.arm_table(DATA)
    table = quadrature.tabulate(tau, arms, inner)
    rng = np.random.default_rng(1)
    f, index = rng.normal(size=(30, len(F))), rng.integers(0, 3, 30)
    value, score = quadrature.tabulated_log_likelihoods(f, index, tau, table, arms, DATA.start, outer, BASELINE_SD)
    direct, expected = quadrature.log_likelihoods(f, tau[index], arms, DATA.start, inner, outer, BASELINE_SD)
    assert value == pytest.approx(direct.sum(axis=1), abs=1e-4)
    assert score == pytest.approx(expected[:, :, quadrature.SCORE], abs=1e-3)


def test_one_arm_at_tau_0_is_a_logistic_likelihood() -> None:
    """Without heterogeneity and with a tight baseline prior nothing is left to integrate."""
    data = arms_of([[7]], [[20]])
    inner, outer = quadrature.nodes(data)
    value, _ = quadrature.log_likelihood(
        np.array([0.3]), 0.0, quadrature.arm_table(data), data.start, inner, outer, 1e-4
    )
    p = expit(0.3)
    assert value[0] == pytest.approx(7 * np.log(p) + 13 * np.log1p(-p), abs=1e-5)
