"""The exact engine over the priors that a configuration allows: right within its own error, or it says that it is not.

The reference integrates the textbook model of two treatments on dense grids that follow the data, baselines and all, by
nothing that the engine uses.
"""

from itertools import product

import numpy as np
import pytest
from scipy.special import expit, log_expit
from secondline.inference import diagnostics, exact, reliability
from secondline.inference.fit import list_quantities
from secondline.inference.importance import Likelihood
from secondline.inference.priors import PriorScales
from secondline.inference.task import Fit
from secondline.network.data import network_data

from tests.networks import arm_row, plain

Trials = list[tuple[int, int, int, int]]

FIVE = [  # etanercept, ustekinumab and placebo in psoriasis: events and patients, PASI 75
    ("ACCEPT_2010", {"ETA": (80, 347), "USK": (231, 556)}),
    ("Igarashi_2012", {"PBO": (1, 32), "USK": (48, 126)}),
    ("Krueger_2007", {"PBO": (1, 64), "USK": (95, 256)}),
    ("PHOENIX1_2008", {"PBO": (5, 255), "USK": (200, 511)}),
    ("PHOENIX2_2008", {"PBO": (3, 410), "USK": (382, 820)}),
]


def test_five_trials_with_large_effects() -> None:
    """Effects of 4 under priors of sd 100, without heterogeneity: the maximum likelihood estimate, 4.09 (0.33)."""
    rows = [arm_row(study, t, r, n) for study, arms in FIVE for t, (r, n) in arms.items()]
    data = network_data(rows, plain(["PBO", "ETA", "USK"]), "binomial_logit")
    solution = reliability.solve(data, PriorScales(100.0, 0.0, 0.0, 100.0))
    assert solution.status == reliability.CHECKED
    summary, error = solution.posterior.summary(np.eye(2))
    assert summary[0, 1] == pytest.approx(4.09, abs=0.02)
    assert summary[1, 1] == pytest.approx(0.33, abs=0.01)
    assert error.max() < 0.02


def simulated(effect: float, n_trials: int, zero: bool) -> Trials:
    """Trials of two arms of 40 to 120 patients with a log odds ratio; ``zero`` takes all events from one comparator."""
    rng = np.random.default_rng(7)
    trials = []
    for k in range(n_trials):
        n = rng.integers(40, 120, 2)
        baseline = rng.normal(-1.0 - effect / 2, 0.4)
        r = rng.binomial(n, expit([baseline, baseline + effect]))
        trials.append((0 if zero and k == 0 else int(r[0]), int(n[0]), int(r[1]), int(n[1])))
    return trials


def fixed_effect(trials: Trials, scales: PriorScales) -> tuple[float, float]:
    """Mean and sd of the common log odds ratio, baselines integrated out, on grids."""
    bounded = any(r0 for r0, *_ in trials)  # otherwise the odds ratio may be as large as its prior lets it
    effect = _estimate(trials) + min(8 * scales.effect, 40.0 if bounded else np.inf) * _grid(2001, 6.0)
    log_density = -0.5 * (effect / scales.effect) ** 2
    for trial in trials:
        log_density = log_density + _marginal(effect, *trial, scales.baseline)
    weights = np.exp(log_density - log_density.max()) * np.gradient(effect)
    weights /= weights.sum()
    mean = weights @ effect
    return float(mean), float(np.sqrt(weights @ (effect - mean) ** 2))


def _grid(n: int, steep: float) -> np.ndarray:
    """Points from -1 to 1, dense around 0."""
    return np.asarray(np.sinh(np.linspace(-steep, steep, n)) / np.sinh(steep))


def _estimate(trials: Trials) -> float:
    total = np.array(trials).sum(axis=0) + 0.5
    return float(np.log(total[2] / (total[3] - total[2] + 0.5)) - np.log(total[0] / (total[1] - total[0] + 0.5)))


def _marginal(effect: np.ndarray, r0: int, n0: int, r1: int, n1: int, sd: float) -> np.ndarray:
    """Log likelihood of one trial with its baseline integrated out, by the log odds of its second arm.

    That arm has events and patients without: its log odds are bounded whatever the effect.
    """
    eta = np.log((r1 + 0.5) / (n1 - r1 + 0.5)) + 40 * _grid(401, 4.0)
    own = r1 * log_expit(eta) + (n1 - r1) * log_expit(-eta) + np.log(np.gradient(eta)) - np.log(sd)
    result = np.empty_like(effect)
    for part in np.array_split(np.arange(len(effect)), 20):
        e = effect[part, None]
        other = r0 * log_expit(eta - e) + (n0 - r0) * log_expit(e - eta)
        result[part] = np.logaddexp.reduce(own + other - 0.5 * ((eta - e / 2) / sd) ** 2, axis=1)
    return result


def agrees(trials: Trials, scales: PriorScales) -> str:
    """Compare mean and sd with the reference, in the engine's own errors; returns its status."""
    rows = [
        arm_row(f"s{i}", t, r, n) for i, (a, b, c, d) in enumerate(trials) for t, r, n in (("a", a, b), ("b", c, d))
    ]
    data = network_data(rows, plain("ab"), "binomial_logit")
    solution = reliability.solve(data, scales)
    if solution.posterior is not None:
        summary, error = solution.posterior.summary(np.eye(1))
        mean, sd = fixed_effect(trials, scales)
        z = (summary[:2, 0] - [mean, sd]) / error[:2, 0]
        assert np.abs(z).max() < diagnostics.MAX_Z, (scales, summary[:2, 0], (mean, sd), error[:2, 0])
    return solution.status


PRIORS = (0.5, 10.0, 100.0, 1000.0)


@pytest.mark.parametrize("scale", PRIORS)
def test_fixed_effects_where_no_cell_is_zero(scale: float) -> None:
    """Two and eight trials, no effect and one of 4: the engine checks them all, whatever the prior."""
    for effect, n_trials in product((0.0, 4.0), (2, 8)):
        assert agrees(simulated(effect, n_trials, zero=False), PriorScales(scale, 0.0, 0.0, scale)) == "checked"


@pytest.mark.slow
@pytest.mark.parametrize("scale", PRIORS)
@pytest.mark.parametrize("n_trials", [2, 8, 20, 60])
@pytest.mark.parametrize("zero", [False, True])
def test_fixed_effects_over_a_wide_grid(scale: float, n_trials: int, zero: bool) -> None:
    """Priors, effects from 0 to 6, zero cells, 2 to 60 trials: right within its error, or no exact check."""
    for effect in (0.0, 2.0, 4.0, 6.0):
        agrees(simulated(effect, n_trials, zero), PriorScales(scale, 0.0, 0.0, scale))


def test_a_numerical_failure_is_no_exact_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """A division by zero in a kernel, or a matrix that has no root, does not end the job."""
    trials = simulated(0.0, 2, zero=False)
    rows = [
        arm_row(f"s{i}", t, r, n) for i, (a, b, c, d) in enumerate(trials) for t, r, n in (("a", a, b), ("b", c, d))
    ]
    data, scales = network_data(rows, plain("ab"), "binomial_logit"), PriorScales(1.5, 0.0, 0.0, 2.5)
    for failure in (ZeroDivisionError("division by zero"), np.linalg.LinAlgError("not positive definite")):

        def fail(*_: object, error: Exception = failure) -> None:
            raise error

        monkeypatch.setattr(Likelihood, "__call__", fail)
        solution = reliability.solve(data, scales)
        assert solution.posterior is None
        assert solution.status.startswith("no exact check: it failed numerically")


def test_a_fit_without_an_exact_check_rests_on_its_chains() -> None:
    """Draws that mix converge; draws that do not mix do not; the table says that there is no exact check and why."""
    trials = simulated(0.0, 2, zero=False)
    rows = [
        arm_row(f"s{i}", t, r, n) for i, (a, b, c, d) in enumerate(trials) for t, r, n in (("a", a, b), ("b", c, d))
    ]
    fit = Fit(network_data(rows, plain("ab"), "binomial_logit"), PriorScales(1.5, 0.0, 0.0, 2.5))
    draws = np.random.default_rng(1).normal(size=(4, 2000, 1))
    for shift, converged in ((0.0, True), (3.0, False)):
        moved = {"coefficients": draws + shift * np.arange(4)[:, None, None]}
        quantities = list_quantities(moved, fit.data.predictor, None)
        status = reliability.Solution(None, "it failed numerically").status
        comparison = diagnostics.compare_with_exact(quantities, None, status)
        assert {row["status"] for row in comparison} == {"no exact check: it failed numerically"}
        assert np.isnan(comparison[0]["exact"])
        assert diagnostics.has_converged(diagnostics.convergence(quantities, 0), comparison) == converged


def test_engine_that_is_wrong_is_found_out() -> None:
    """A proposal far from the posterior, a mode that was not found, a grid that ends too early: each is a reason."""
    trials = simulated(0.0, 4, zero=False)
    rows = [
        arm_row(f"s{i}", t, r, n) for i, (a, b, c, d) in enumerate(trials) for t, r, n in (("a", a, b), ("b", c, d))
    ]
    right = exact.posterior(network_data(rows, plain("ab"), "binomial_logit"), PriorScales(1.5, 0.5, 0.0, 2.5))
    assert reliability.why_not(right) == ""
    rng = np.random.default_rng(1)
    heavy = np.log(rng.pareto(0.5, right.log_weights.shape))
    heavy -= np.logaddexp.reduce(heavy, axis=2, keepdims=True)
    wrong = {
        "Pareto k": {"log_weights": heavy},
        "mode": {"rise": np.ones_like(right.rise)},
        "log evidence": {"log_density": right.log_density + 3 * np.arange(len(right.log_density))[:, None]},
        "grid ends": {"log_density": np.zeros_like(right.log_density)},
        "not finite": {"log_density": np.full_like(right.log_density, np.nan)},
    }
    for reason, change in wrong.items():
        assert reason in reliability.why_not(exact.GridPosterior(**{**vars(right), **change}))
