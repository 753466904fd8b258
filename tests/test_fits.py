"""The PyMC models, sampled with nutpie, against the exact engine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nma.inference.sampling import CompiledModel, compile_model, fit_seed, use_compile_cache

use_compile_cache(Path(".cache/compiled"))

from nma.config import Retry  # noqa: E402
from nma.inference import diagnostics, exact, models  # noqa: E402
from nma.inference.fit import list_quantities, stack  # noqa: E402
from nma.inference.scales import PriorScales  # noqa: E402
from nma.network.design import ArmData, ContrastData, Structure, arm_data, contrast_data  # noqa: E402

from tests.networks import plain, simulate_arms, simulate_contrasts  # noqa: E402

TREATMENTS = ("a", "b", "c", "d")
EFFECTS = {"a": 0.0, "b": -0.5, "c": 0.4, "d": 0.8}
LOOP = [("a", "b"), ("a", "c"), ("b", "c"), ("a", "d"), ("c", "d"), ("a", "b", "c"), ("a", "c", "d"), ("b", "d")]
SETTINGS = Retry(draws=1000, tune=600, target_accept=0.9)

Compile = Callable[[str], CompiledModel]


@pytest.fixture(scope="module")
def compiled() -> Compile:
    """Compile each likelihood once for all tests of this module."""
    made: dict[str, CompiledModel] = {}
    build = {"contrasts": models.contrast_model, "counts": models.count_model}

    def get(kind: str) -> CompiledModel:
        if kind not in made:
            made[kind] = compile_model(build[kind](plain(TREATMENTS)))
        return made[kind]

    return get


def checks(
    compiled: CompiledModel, data: ContrastData | ArmData, structure: Structure, scales: PriorScales, seed: int = 1
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Sample, and compare with the exact engine."""
    trace = compiled.sample(models.model_data(data, scales), SETTINGS, 4, 2, seed)
    parameters = models.natural_parameters(trace.posterior, scales)
    posterior = exact.posterior(data, structure, scales)
    quantities = list_quantities(parameters, stack(parameters, structure), structure, posterior)
    divergences = int(trace.sample_stats["diverging"].sum())
    comparison = diagnostics.compare_with_exact(quantities, diagnostics.pareto_k(posterior))
    return diagnostics.convergence(quantities, divergences), comparison


FIXED = PriorScales(1.5, 0.0, 0.0, 2.5)
RANDOM = PriorScales(1.5, 1.0, 0.0, 2.5)
CASES = {
    "contrasts, fixed": ("contrasts", FIXED, lambda: simulate_contrasts(LOOP, EFFECTS, 0.0, 1)),
    "contrasts, random": ("contrasts", RANDOM, lambda: simulate_contrasts(LOOP, EFFECTS, 0.3, 2)),
    "contrasts, many studies": ("contrasts", RANDOM, lambda: simulate_contrasts(LOOP * 4, EFFECTS, 0.5, 3)),
    "counts, multi-arm": ("counts", RANDOM, lambda: simulate_arms(LOOP, EFFECTS, 0.3, 4)),
    "counts, fixed": ("counts", FIXED, lambda: simulate_arms(LOOP, EFFECTS, 0.0, 5)),
    "counts, rare events": ("counts", RANDOM, lambda: simulate_arms(LOOP, EFFECTS, 0.3, 6, (20, 60), (-4.2, 0.5))),
    "counts, large and homogeneous": ("counts", RANDOM, lambda: simulate_arms(LOOP, EFFECTS, 0.02, 7, (2000, 9000))),
}


@pytest.mark.parametrize("case", CASES)
def test_sampler_agrees_with_exact_engine(case: str, compiled: Compile) -> None:
    """Every mean, sd and quantile within four standard errors; no divergences, R-hat and sample sizes as asked."""
    kind, scales, simulate = CASES[case]
    structure = plain(TREATMENTS)
    data = (arm_data if kind == "counts" else contrast_data)(simulate(), structure)
    convergence, comparison = checks(compiled(kind), data, structure, scales)
    worst = max(comparison, key=lambda row: abs(row["z"]))
    assert abs(worst["z"]) < diagnostics.MAX_Z, worst
    assert diagnostics.has_converged(convergence, comparison)
    if kind == "counts":
        assert comparison[0]["pareto_k"] < diagnostics.MAX_PARETO_K


@pytest.mark.parametrize("kind", ["contrasts", "counts"])
def test_departures_by_setting_agree_with_exact_engine(kind: str) -> None:
    """The model with settings, on data that tell the settings apart: the sign of every departure counts."""
    structure = plain(("a", "b"), settings=("first", "second"))
    scales = PriorScales(1.5, 0.3, 1.0, 2.5)
    simulate = simulate_arms if kind == "counts" else simulate_contrasts
    rows = [
        {**row, "study": f"{setting}{k}", "setting_mix": f"{setting}:1"}
        for setting, effect in {"first": -1.2, "second": 0.9}.items()
        for k in range(3)
        for row in simulate([("a", "b")], {"a": 0.0, "b": effect}, 0.1, k)
    ]
    data = (arm_data if kind == "counts" else contrast_data)(rows, structure)
    build = models.count_model if kind == "counts" else models.contrast_model
    convergence, comparison = checks(compile_model(build(structure)), data, structure, scales)
    worst = max(comparison, key=lambda row: abs(row["z"]))
    assert abs(worst["z"]) < diagnostics.MAX_Z, worst
    found = {row["parameter"]: row["sampled"] for row in comparison if row["quantity"] == "mean"}
    assert found["d[first,b]"] < found["d[second,b]"] - 1
    assert diagnostics.has_converged(convergence, comparison)


def test_rare_event_network_has_zero_cells() -> None:
    """The rare-event case is what it claims to be."""
    data = arm_data(CASES["counts, rare events"][2](), plain(TREATMENTS))
    assert (data.events == 0).sum() >= 3


def test_a_wrong_exact_summary_is_noticed(compiled: Compile) -> None:
    """Moving the exact means by half a posterior sd must fail the comparison."""
    structure = plain(TREATMENTS)
    data = contrast_data(simulate_contrasts(LOOP, EFFECTS, 0.3, 2), structure)
    trace = compiled("contrasts").sample(models.model_data(data, RANDOM), SETTINGS, 4, 2, 1)
    parameters = models.natural_parameters(trace.posterior, RANDOM)
    quantities = list_quantities(
        parameters, stack(parameters, structure), structure, exact.posterior(data, structure, RANDOM)
    )
    half = np.array([0.5, 0, 0, 0])
    moved = [diagnostics.Quantity(q.name, q.draws, q.exact + half * q.exact[1], q.exact_error) for q in quantities]
    rows = diagnostics.compare_with_exact(moved, None)
    assert not diagnostics.has_converged(diagnostics.convergence(quantities, 0), rows)
    assert diagnostics.has_converged(
        diagnostics.convergence(quantities, 0), diagnostics.compare_with_exact(quantities, None)
    )
    assert not diagnostics.has_converged(
        diagnostics.convergence(quantities, 1), diagnostics.compare_with_exact(quantities, None)
    )


def test_same_seed_same_draws(compiled: Compile) -> None:
    """One seed gives one set of draws; another seed another."""
    data = contrast_data(simulate_contrasts(LOOP, EFFECTS, 0.3, 2), plain(TREATMENTS))

    def draws(seed: int) -> np.ndarray:
        trace = compiled("contrasts").sample(models.model_data(data, RANDOM), SETTINGS, 4, 2, seed)
        return np.asarray(trace.posterior["beta_raw"])

    assert np.array_equal(draws(1), draws(1))
    assert not np.array_equal(draws(1), draws(2))
    assert fit_seed(1, "a", "os", "pooled") != fit_seed(1, "a", "os", "fixed")
