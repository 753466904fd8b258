"""Data sets on which samplers fail, with default settings and five seeds: no divergences, and enough draws."""

from dataclasses import dataclass

import pytest
from secondline.inference import diagnostics, exact
from secondline.inference.fit import list_quantities, sample
from secondline.inference.models import model_inputs, network_model
from secondline.inference.sampling import CompiledModel, compile_model
from secondline.inference.settings import SamplerSettings
from secondline.inference.task import Fit, FitTask

from scripts import bench

SEEDS = (1, 2, 3, 4, 5)
MIN_ESS = 1000
DEFAULTS = SamplerSettings(draws=1000, tune=600, target_accept=0.9)


@dataclass(frozen=True)
class Tasks:
    """The fits of every data set with their exact posteriors, and one compiled model for all."""

    fits: dict[str, Fit]
    exact: dict[str, exact.GridPosterior]
    compiled: CompiledModel
    size: int


@pytest.fixture(scope="module")
def tasks() -> Tasks:
    """Assemble every data set of the benchmark, padded to one size."""
    made = {name: FitTask.from_rows(*make()) for name, make in bench.DATA.items()}
    fits = {name: task.fits["random"] for name, task in made.items()}
    size = max(task.size for task in made.values())
    posteriors = {n: exact.posterior(f.data, f.scales, exact.effort(f.data, f.scales)) for n, f in fits.items()}
    first = fits["smoking"]
    return Tasks(fits, posteriors, compile_model(network_model(model_inputs(first.data, first.scales, size))), size)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", bench.DATA)
def test_default_settings_suffice(tasks: Tasks, name: str, seed: int) -> None:
    """Large trials with tau near 0, rare events, and the two examples."""
    fit = tasks.fits[name]
    draws, divergences = sample(tasks.compiled, fit, tasks.size, DEFAULTS, 4, 2, seed)
    rows = diagnostics.convergence(list_quantities(draws, fit.data.predictor, tasks.exact[name]), divergences)
    assert rows[-1]["parameter"] == "tau"
    for row in rows:
        assert row["divergences"] == 0
        assert row["r_hat"] < 1.01, row
        assert row["ess_bulk"] > MIN_ESS, row
