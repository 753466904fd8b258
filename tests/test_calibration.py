"""Simulation-based calibration, and the quadrature against a model that samples the study effects (slow).

Truths are drawn from the priors, data from the truths; the rank of every truth among its posterior draws must be
uniform (Talts et al. 2018). The networks have the shape of the primary OS and ORR evidence.
"""

from pathlib import Path

import numpy as np
import pytest
from nma.inference.sampling import compile_model, use_compile_cache
from scipy import stats
from scipy.special import expit

use_compile_cache(Path(".cache/compiled"))

from nma.config import Retry, read_project  # noqa: E402
from nma.inference import diagnostics, exact, models  # noqa: E402
from nma.inference.fit import list_quantities, stack  # noqa: E402
from nma.inference.scales import PriorScales  # noqa: E402
from nma.network.design import ArmData, ContrastData, Structure, arm_data, contrast_data  # noqa: E402
from nma.plan import evidence_csv, structure_settings  # noqa: E402

from tests.networks import plain, simulate_arms  # noqa: E402

pytestmark = pytest.mark.slow

REPLICATES = 200
SETTINGS = Retry(draws=500, tune=500, target_accept=0.9)
SCALES = {"os": PriorScales(1.5, 0.5, 0.25, 2.5), "orr": PriorScales(1.5, 1.0, 0.5, 2.5)}


def shape(outcome: str) -> tuple[Structure, ContrastData | ArmData]:
    """Structure and data of the primary analysis, for their shape."""
    import csv
    import io

    project = read_project(Path("config/config.yaml"))
    structure = Structure.from_settings(structure_settings(project))
    rows = list(csv.DictReader(io.StringIO(evidence_csv(project, "primary", outcome))))
    return structure, (arm_data if outcome == "orr" else contrast_data)(rows, structure)


def draw_truth(structure: Structure, scales: PriorScales, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw beta, delta, tau and omega from their priors."""
    p, s = len(structure.components), len(structure.settings)
    omega = abs(rng.normal()) * scales.omega
    return {
        "beta": rng.normal(size=p) * scales.effect,
        "delta": rng.normal(size=(s, p)) * omega,
        "tau": np.array(abs(rng.normal()) * scales.tau),
        "omega": np.array(omega),
    }


def simulate(
    data: ContrastData | ArmData, truth: dict[str, np.ndarray], rng: np.random.Generator
) -> ContrastData | ArmData:
    """Draw new data of the same shape."""
    b = np.concatenate([truth["beta"], truth["delta"].ravel()])
    tau = float(truth["tau"])
    if isinstance(data, ContrastData):
        y = data.rows @ b + rng.normal(size=len(data.y)) * np.sqrt(1 + tau**2 * data.scales)
        return ContrastData(data.studies, data.study, y, data.rows, data.scales, data.log_det)
    baseline = np.repeat(rng.normal(size=len(data.studies)) * 2.5, np.diff(data.start))
    eta = baseline + data.rows @ b + tau / np.sqrt(2) * rng.normal(size=len(data.n))
    events = rng.binomial(data.n.astype(int), expit(eta)).astype(float)
    return ArmData(data.studies, data.start, events, data.n, data.rows)


@pytest.mark.parametrize("outcome", ["os", "orr"])
def test_ranks_are_uniform(outcome: str) -> None:
    """200 networks: the ECDF of every parameter's ranks inside bands that hold jointly at 1%."""
    structure, data = shape(outcome)
    scales = SCALES[outcome]
    build = models.count_model if outcome == "orr" else models.contrast_model
    compiled = compile_model(build(structure))
    rng = np.random.default_rng(20261121)
    ranks: dict[str, list[float]] = {}
    for replicate in range(REPLICATES):
        truth = draw_truth(structure, scales, rng)
        simulated = simulate(data, truth, rng)
        trace = compiled.sample(models.model_data(simulated, scales), SETTINGS, 4, 2, replicate)
        parameters = models.natural_parameters(trace.posterior, scales)
        for name, value in truth.items():
            draws = np.asarray(parameters[name])[:, ::4].reshape(-1, value.size)
            below = (draws < value.ravel()).sum(axis=0)
            # A uniform jitter makes the discrete ranks continuous.
            position = (below + rng.random(value.size)) / (len(draws) + 1)
            for k, u in enumerate(position):
                ranks.setdefault(f"{name}[{k}]", []).append(float(u))
    p_values = {name: stats.kstest(u, "uniform").pvalue for name, u in ranks.items()}
    print(f"\n{outcome}: {len(p_values)} parameters, smallest p {min(p_values.values()):.4f}")
    print({name: round(p, 3) for name, p in p_values.items()})
    assert min(p_values.values()) > 0.01 / len(p_values), p_values


def full_model(structure: Structure, data: ArmData, scales: PriorScales):
    """Build the textbook model: study baselines and arm effects sampled, non-centred."""
    import pymc as pm

    with pm.Model() as model:
        beta = pm.Normal("beta", 0, scales.effect, shape=len(structure.components))
        tau = pm.HalfNormal("tau", scales.tau)
        mu = pm.Normal("mu", 0, scales.baseline, shape=len(data.studies))
        z = pm.Normal("z", shape=len(data.n))
        study = np.repeat(np.arange(len(data.studies)), np.diff(data.start))
        eta = mu[study] + data.rows[:, : len(structure.components)] @ beta + tau / np.sqrt(2) * z
        pm.Binomial("events", n=data.n.astype(int), logit_p=eta, observed=data.events.astype(int))
    return model


@pytest.mark.parametrize(
    ("name", "baseline", "n"), [("usual", (-1.0, 0.5), (30, 120)), ("rare", (-3.5, 0.5), (20, 60))]
)
def test_quadrature_agrees_with_sampled_study_effects(name: str, baseline: tuple, n: tuple) -> None:
    """Multi-arm and rare-event networks: the same posterior as the model that samples every study effect."""
    structure = plain(("a", "b", "c", "d"))
    designs = [("a", "b"), ("a", "c"), ("b", "c"), ("a", "d"), ("a", "b", "c"), ("a", "c", "d"), ("b", "d")]
    rows = simulate_arms(designs, {"a": 0.0, "b": -0.5, "c": 0.4, "d": 0.8}, 0.3, 21, n, baseline)
    data, scales = arm_data(rows, structure), PriorScales(1.5, 1.0, 0.0, 2.5)
    import nutpie

    trace = nutpie.sample(
        nutpie.compile_pymc_model(full_model(structure, data, scales)),
        draws=4000, tune=1500, chains=4, seed=3, target_accept=0.97, progress_bar=False,
    )  # fmt: skip
    parameters = {"beta": np.asarray(trace.posterior["beta"]), "tau": np.asarray(trace.posterior["tau"])}
    posterior = exact.posterior(data, structure, scales)
    quantities = list_quantities(parameters, stack(parameters, structure), structure, posterior)
    comparison = diagnostics.compare_with_exact(quantities, diagnostics.pareto_k(posterior))
    worst = max(comparison, key=lambda row: abs(row["z"]))
    print(f"\n{name}: largest |z| {abs(worst['z']):.2f}, Pareto k {comparison[0]['pareto_k']:.2f}")
    assert abs(worst["z"]) < diagnostics.MAX_Z, worst
