"""Simulation-based calibration, and the quadrature against models that sample the study effects (slow).

Truths are drawn from the priors, data from the truths; the rank of every truth among its posterior draws must be
uniform (Talts et al. 2018). docs/calibration.md has the whole table, made by scripts/calibrate.py.
"""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from secondline.evidence.selection import evidence_csv
from secondline.inference import diagnostics, exact
from secondline.inference.fit import list_quantities
from secondline.inference.priors import PriorScales
from secondline.inference.settings import SamplerSettings
from secondline.inference.textbook import textbook_model
from secondline.jobs.settings import treatments_of
from secondline.likelihoods import LIKELIHOODS, OWN_LIKELIHOODS
from secondline.network.data import network_data
from secondline.network.predictor import Effects
from secondline.network.structure import Structure
from secondline.project.config import Project

from scripts.calibrate import (
    CASES,
    LEVEL,
    ORDERED_CASES,
    PRIOR_CASES,
    PRIOR_LIKELIHOOD,
    SEED,
    SPARSE,
    Case,
    Line,
    Model,
    Ranks,
    Sampler,
    Sizes,
    calibrate,
    pooled,
)
from tests.networks import plain, simulate

pytestmark = pytest.mark.slow

SCALES = {"os": PriorScales(1.5, 0.5, 0.25, 2.5), "orr": PriorScales(1.5, 1.0, 0.5, 2.5)}


def smallest(found: dict[str, Ranks]) -> dict[str, float]:
    """Return the smallest p of every set of ranks, and fail if one is below the joint bound."""
    p_values = {f"{name} {key}": p for name, ranks in found.items() for key, p in ranks.p_values().items()}
    bound = LEVEL / len(p_values)
    failed = {name: p for name, p in p_values.items() if p < bound}
    assert not failed, failed
    return {name: min(ranks.p_values().values()) for name, ranks in found.items()}


@pytest.mark.parametrize("outcome", ["os", "orr"])
def test_ranks_of_the_shipped_networks_are_uniform(project: Project, outcome: str) -> None:
    """200 networks of the shape of the primary evidence, with settings: every parameter's ranks, jointly at 1%."""
    likelihood = {"os": "contrasts", "orr": "binomial_logit"}[outcome]
    rows = list(csv.DictReader(io.StringIO(evidence_csv(project, "primary", outcome))))
    structure = Structure.of(treatments_of(project))
    case = Case(Model(structure, Effects(settings=True)), SCALES[outcome], lambda _likelihood, _rng: rows)
    compiled = Sampler.compile([(case, likelihood)])
    sampler = replace(compiled, settings=SamplerSettings(draws=500, tune=500, target_accept=0.9))
    ranks = calibrate(case, likelihood, sampler, 200, SEED, outcome)
    print(f"\n{outcome}: {len(ranks.ranks)} parameters, {ranks.divergences} divergences, {smallest({outcome: ranks})}")


@pytest.fixture(scope="module")
def sampler() -> Sampler:
    """Compile one model for all likelihoods and effects."""
    return Sampler.compile((case, likelihood) for case in CASES.values() for likelihood in OWN_LIKELIHOODS)


@pytest.mark.parametrize("likelihood", OWN_LIKELIHOODS)
def test_ranks_are_uniform(likelihood: str, sampler: Sampler) -> None:
    """Small networks under every model of the effects: each by itself, and each kind of parameter over all of them."""
    cases = CASES | (ORDERED_CASES if LIKELIHOODS[likelihood].is_ordered else {})
    found = {name: calibrate(case, likelihood, sampler, 15, SEED + 1, name) for name, case in cases.items()}
    lines = [Line(likelihood, name, ranks, 0.0) for name, ranks in found.items()]
    together = {f"all {name}": ranks for name, ranks in pooled(lines).items()}
    print(f"\n{likelihood}: {smallest({**found, **together})}")
    assert sum(ranks.divergences for ranks in found.values()) == 0


def test_ranks_under_every_prior_of_tau_are_uniform(sampler: Sampler) -> None:
    """Every family of priors, on one likelihood."""
    found = {name: calibrate(case, PRIOR_LIKELIHOOD, sampler, 60, SEED + 1, name) for name, case in PRIOR_CASES.items()}
    print(f"\n{smallest(found)}")
    assert sum(ranks.divergences for ranks in found.values()) == 0


@pytest.mark.parametrize("likelihood", ["binomial_logit", "binomial_cloglog", "poisson_log"])
def test_ranks_of_sparse_networks_under_wide_priors_are_uniform(likelihood: str) -> None:
    """Arms of 15 to 60 patients under a half-normal(3) for tau: cells without events, or with nothing else, abound."""
    compiled = Sampler.compile([(SPARSE, likelihood)])
    ranks = calibrate(SPARSE, likelihood, compiled, 40, SEED + 2, "sparse")
    found = smallest({"sparse": ranks})
    print(f"\n{likelihood}: {found}, {ranks.divergences} divergences")


def test_a_sampler_that_is_wrong_is_noticed() -> None:
    """Ranks of truths in posteriors that are a third too narrow fail the test of 200 data sets."""
    rng = np.random.default_rng(1)
    truth = rng.normal(size=200)
    draws = truth[:, None] + 0.5 * rng.normal(size=(200, 1)) + 0.33 * rng.normal(size=(200, 200))
    ranks = Ranks({"beta[b]": list(((draws < truth[:, None]).sum(axis=1) + rng.random(200)) / 201)}, 0)
    with pytest.raises(AssertionError):
        smallest({"wrong": ranks})


USUAL, RARE = (Sizes(n=(30, 120)), (-1.0, 0.5)), (Sizes(n=(20, 60)), (-3.5, 0.5))
SHAPES = {
    "usual": ("binomial_logit", *USUAL),
    "rare": ("binomial_logit", *RARE),
    "hazards": ("binomial_cloglog", *USUAL),
    "rare hazards": ("binomial_cloglog", *RARE),
    "rare rates": ("poisson_log", *RARE),
    "ordered, logit": ("ordered_logit", *USUAL),
    "ordered, probit": ("ordered_probit", *USUAL),
    "means": ("normal", *USUAL),
    "contrasts": ("contrasts", *USUAL),
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_textbook_model_has_the_same_posterior(name: str) -> None:
    """Multi-arm and rare-event networks: the engine integrates what `textbook_model` samples, every study effect."""
    import nutpie

    likelihood, sizes, baseline = SHAPES[name]
    designs = ("ab", "ac", "bc", "ad", "abc", "acd", "bd")
    rows = simulate(likelihood, designs, {"a": 0.0, "b": -0.5, "c": 0.4, "d": 0.8}, 0.3, 21, sizes, baseline)
    data, scales = network_data(rows, plain("abcd"), likelihood), PriorScales(1.5, 1.0, 0.0, 2.5)
    trace = nutpie.sample(
        nutpie.compile_pymc_model(textbook_model(data, scales)),
        draws=4000, tune=1500, chains=4, cores=2, seed=3, target_accept=0.97, progress_bar=False,
    )  # fmt: skip
    parts = [np.asarray(trace.posterior[key]) for key in ("coefficients", "log_distance") if key in trace.posterior]
    parameters = {"coefficients": np.concatenate(parts, axis=-1), "tau": np.asarray(trace.posterior["tau"])}
    posterior = exact.posterior(data, scales, exact.effort(data, scales, factor=4))
    quantities = list_quantities(parameters, data.predictor, posterior)
    comparison = diagnostics.compare_with_exact(quantities, diagnostics.pareto_k(posterior))
    worst = max(comparison, key=lambda row: abs(row["z"]))
    print(f"\n{name}: largest |z| {abs(worst['z']):.2f}, Pareto k {comparison[0]['pareto_k']}")
    assert abs(worst["z"]) < diagnostics.MAX_Z, worst
