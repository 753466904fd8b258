"""Sparse networks under wide priors: the exact engine and the sampler against brute force on a grid."""

import numpy as np
import pytest
from secondline.inference import diagnostics
from secondline.inference.fit import list_quantities, sample
from secondline.inference.models import model_inputs, network_model
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import solve
from secondline.inference.sampling import compile_model
from secondline.inference.settings import SamplerSettings
from secondline.inference.task import Fit

from tests.sparse import EIGHT, brute_force, two_arm_network


def test_brute_force_agrees_with_published_figures() -> None:
    """Give effect and tau of the eight trials as an independent two-dimensional quadrature and JAGS gave them.

    With half-normal(5) for tau: d -2.58 (3.11), -10.1 to 2.7; tau 5.35 (3.02), 0.70 to 12.3. These are figures under
    flat baselines; those of N(0, 100²), the prior of the other tests, are nearer to 0: d -2.53 (3.08), tau 5.32 (3.01).
    """
    flat = brute_force(EIGHT, 5.0, baseline_sd=1e6)
    assert flat.d == pytest.approx([-2.58, 3.11, -10.1, 2.7], abs=0.07)
    assert flat.tau == pytest.approx([5.35, 3.02, 0.70, 12.3], abs=0.02)
    answer = brute_force(EIGHT, 5.0)
    assert [*answer.d[:2], *answer.tau[:2]] == pytest.approx([-2.53, 3.08, 5.32, 3.01], abs=0.01)


@pytest.mark.parametrize("tau_scale", [0.5, 2.0, 5.0])
def test_exact_engine_of_sparse_trials(tau_scale: float) -> None:
    """The engine gives the answers of brute force, at every prior of tau, and knows that it does."""
    answer = brute_force(EIGHT, tau_scale)
    solution = solve(two_arm_network(EIGHT), PriorScales(100.0, tau_scale, 0.0, 100.0))
    assert solution.posterior, solution.reason
    d, tau = solution.posterior.summary(np.eye(1))[0][:, 0], solution.posterior.scale_summary("tau")[0]
    for found, expected in ((d, answer.d), (tau, answer.tau)):
        assert found[:2] == pytest.approx(expected[:2], abs=0.03 * expected[1])
        # The engine's own error of a limit is larger.
        assert found[2:] == pytest.approx(expected[2:], abs=0.1 * expected[1])


@pytest.mark.slow
@pytest.mark.parametrize("tau_scale", [2.0, 5.0])
def test_sampler_of_sparse_trials(tau_scale: float) -> None:
    """The sampler converges on the wide posterior without divergences, and agrees with brute force."""
    answer = brute_force(EIGHT, tau_scale)
    fit = Fit(two_arm_network(EIGHT), PriorScales(100.0, tau_scale, 0.0, 100.0))
    compiled = compile_model(network_model(model_inputs(fit.data, fit.scales, 1, tabulated=False)))
    settings = SamplerSettings(draws=2000, tune=1000, target_accept=0.9)
    draws, divergences = sample(compiled, fit, 1, settings, 4, 2, 7)
    quantities = list_quantities(draws, fit.data.predictor, None)
    rows = diagnostics.convergence(quantities, divergences)
    print([(row["parameter"], row["r_hat"], row["ess_bulk"], row["ess_tail"], divergences) for row in rows])
    assert diagnostics.has_converged(rows, [])
    d, tau = draws["coefficients"].ravel(), draws["tau"].ravel()
    assert [d.mean(), d.std()] == pytest.approx(answer.d[:2], abs=0.1 * answer.d[1])
    assert [tau.mean(), tau.std()] == pytest.approx(answer.tau[:2], abs=0.1 * answer.tau[1])
