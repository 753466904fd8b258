"""The compiled model, sampled with nutpie, against the exact engine: every likelihood and model of the effects."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pymc as pm
import pytest
from secondline.inference import diagnostics, exact, models
from secondline.inference.fit import Sampler, covariances_of, list_quantities, sample
from secondline.inference.fitted import Attempt, Fitted
from secondline.inference.nutpie_bridge import evaluate
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import Solution, solve
from secondline.inference.sampling import CompiledModel, compile_model, fit_seed
from secondline.inference.settings import SamplerPlan, SamplerSettings
from secondline.inference.task import Fit, FitTask
from secondline.likelihoods import COUNT_LIKELIHOODS
from secondline.network.data import NetworkData, network_data
from secondline.network.overlap import Overlap, SharedArm
from secondline.network.predictor import Effects

from scripts import bench
from scripts.calibrate import CASES, Sizes, redraw
from tests.networks import plain, simulate, simulate_mixed

EFFECTS = {"a": 0.0, "b": -0.5, "c": 0.4, "d": 0.8}
PLAIN = plain("abcd")
LOOP = ("ab", "ac", "bc", "ad", "cd", "abc", "acd", "bd")
SETTINGS = SamplerSettings(draws=1000, tune=600, target_accept=0.9)
AGAIN = SamplerSettings(draws=4000, tune=2000, target_accept=0.99)
SIZE = 11  # coefficients of the largest model here

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def compiled() -> CompiledModel:
    """Compile the one model that serves every test here."""
    data = network_data(simulate("contrasts", LOOP, EFFECTS, 0.3, 1), PLAIN, "contrasts")
    return compile_model(models.network_model(models.model_inputs(data, RANDOM, SIZE)))


def checks(
    compiled: CompiledModel,
    data: NetworkData,
    scales: PriorScales,
    seed: int = 1,
    settings: SamplerSettings = SETTINGS,
    factor: float = 1.0,
) -> tuple[Rows, Rows]:
    """Sample, and compare with the exact engine; ``factor`` scales its draws."""
    parameters, divergences = sample(compiled, Fit(data, scales), SIZE, settings, 4, 2, seed)
    posterior = exact.posterior(data, scales, exact.effort(data, scales, factor))
    quantities = list_quantities(parameters, data.predictor, posterior)
    comparison = diagnostics.compare_with_exact(quantities, diagnostics.pareto_k(posterior))
    return diagnostics.convergence(quantities, divergences), comparison


def check(compiled: CompiledModel, data: NetworkData, scales: PriorScales) -> Rows:
    """Every mean, sd and quantile within four standard errors; no divergences, R-hat and sample sizes as asked.

    As in a fit job, a first attempt that fails is followed by a longer one against a finer engine.
    """
    convergence, comparison = checks(compiled, data, scales)
    if not diagnostics.has_converged(convergence, comparison):
        convergence, comparison = checks(compiled, data, scales, settings=AGAIN, factor=4)
    worst = max(comparison, key=lambda row: abs(row["z"]))
    assert abs(worst["z"]) < diagnostics.MAX_Z, worst
    assert convergence[0]["divergences"] == 0
    assert diagnostics.has_converged(convergence, comparison)
    if len(data.counts.study):
        assert comparison[0]["pareto_k"] < diagnostics.MAX_PARETO_K
    return comparison


FIXED = PriorScales(1.5, 0.0, 0.0, 2.5)
RANDOM = PriorScales(1.5, 1.0, 0.0, 2.5)
LARGE, RARE = Sizes(n=(2000, 9000)), Sizes(n=(20, 60))
NETWORKS = {
    "contrasts, fixed": ("contrasts", FIXED, simulate("contrasts", LOOP, EFFECTS, 0.0, 1)),
    "contrasts, many studies": ("contrasts", RANDOM, simulate("contrasts", LOOP * 4, EFFECTS, 0.5, 3)),
    "means": ("normal", RANDOM, simulate("normal", LOOP, EFFECTS, 0.3, 2)),
    "means and contrasts": ("normal", RANDOM, simulate_mixed("normal", LOOP, EFFECTS, 0.3, 2)),
    "counts, fixed": ("binomial_logit", FIXED, simulate("binomial_logit", LOOP, EFFECTS, 0.0, 5)),
    "counts, large": ("binomial_logit", RANDOM, simulate("binomial_logit", LOOP, EFFECTS, 0.02, 7, LARGE)),
    "counts, rare": ("binomial_logit", RANDOM, simulate("binomial_logit", LOOP, EFFECTS, 0.3, 6, RARE, (-4.2, 0.5))),
    "counts and contrasts": ("binomial_logit", RANDOM, simulate_mixed("binomial_logit", LOOP, EFFECTS, 0.3, 9)),
    "hazards, rare": ("binomial_cloglog", RANDOM, simulate("binomial_cloglog", LOOP, EFFECTS, 0.3, 6, RARE, (-4, 0.5))),
    "rates, rare": ("poisson_log", RANDOM, simulate("poisson_log", LOOP, EFFECTS, 0.3, 6, RARE, (-4, 0.5))),
}


@pytest.mark.parametrize("likelihood", ["contrasts", "binomial_logit"])
def test_sampler_agrees_where_studies_share_patients(likelihood: str, compiled: CompiledModel) -> None:
    """Errors correlated between studies, and counts of effective patients."""
    rows = simulate(likelihood, LOOP, EFFECTS, 0.3, 1)
    names = list(dict.fromkeys(row["study"] for row in rows))
    arms = (SharedArm(arms=("a", "a"), patients=8),)
    overlaps = [Overlap(studies=(names[0], other), arms=arms) for other in (names[1], names[5])]
    check(compiled, network_data(rows, PLAIN, likelihood, overlaps=overlaps), RANDOM)


@pytest.mark.parametrize("name", NETWORKS)
def test_sampler_agrees_with_exact_engine(name: str, compiled: CompiledModel) -> None:
    """Networks that are many, large, rare or mixed."""
    likelihood, scales, rows = NETWORKS[name]
    check(compiled, network_data(rows, PLAIN, likelihood), scales)


def test_glucose_lowering_agents(compiled: CompiledModel) -> None:
    """The 26 trials of Senn (2013), random effects, every coefficient, effect and tau."""
    fit = FitTask.from_rows(*bench.DATA["diabetes"]()).fits["random"]
    check(compiled, fit.data, fit.scales)


COMBINATIONS = [
    *[("contrasts", effects) for effects in ("random", "settings", "classes", "covariate", "interactions")],
    *[("contrasts", effects) for effects in ("exchangeable_interactions", "regimen_level", "class_contrast")],
    *[("normal", effects) for effects in ("settings", "covariate")],
    *[("binomial_logit", effects) for effects in ("random", "settings", "classes", "covariate", "interactions")],
    *[("binomial_logit", effects) for effects in ("exchangeable_interactions", "regimen_level", "class_contrast")],
    *[("binomial_cloglog", effects) for effects in ("random", "classes")],
    *[("poisson_log", effects) for effects in ("random", "settings")],
    *[("ordered_logit", effects) for effects in ("fixed", "random")],
    *[("ordered_probit", effects) for effects in ("fixed", "random")],
]


FAST = {("contrasts", "settings"), ("normal", "covariate"), ("binomial_logit", "random"), ("poisson_log", "random")}
"""Combinations that every run tests; test-all has them all."""


@pytest.mark.parametrize(
    ("likelihood", "effects"),
    [pytest.param(*each, marks=[] if each in FAST else pytest.mark.slow) for each in COMBINATIONS],
)
def test_every_likelihood_and_model_of_the_effects(likelihood: str, effects: str, compiled: CompiledModel) -> None:
    """Small networks drawn from moderate priors: the same posterior by two ways."""
    case = CASES[effects]
    rng = np.random.default_rng(fit_seed(1, likelihood, effects))
    truth = case.draw_truth(likelihood, rng)
    data = case.data(redraw(case.layout(likelihood, rng), likelihood, case.model, truth, rng), likelihood)
    check(compiled, data, case.priors(likelihood))


@pytest.mark.parametrize("effects", [Effects(unrelated=True), Effects(split=("c", "b"))], ids=["unrelated", "split"])
@pytest.mark.parametrize("likelihood", ["contrasts", "binomial_logit"])
def test_inconsistency_models(likelihood: str, effects: Effects, compiled: CompiledModel) -> None:
    """Unrelated mean effects and a split comparison are fits like any other."""
    data = network_data(simulate(likelihood, LOOP, EFFECTS, 0.2, 8), PLAIN, likelihood, effects)
    check(compiled, data, RANDOM)


@pytest.mark.parametrize("likelihood", ["contrasts", "binomial_logit"])
def test_departures_by_setting_keep_their_sign(likelihood: str, compiled: CompiledModel) -> None:
    """The model with settings, on data that tell the settings apart: the sign of every departure counts."""
    structure = plain("ab", settings=("first", "second"))
    rows = [
        {**row, "study": f"{setting}{k}", "setting_mix": f"{setting}:1"}
        for setting, effect in {"first": -1.2, "second": 0.9}.items()
        for k in range(3)
        for row in simulate(likelihood, ["ab"], {"a": 0.0, "b": effect}, 0.1, k)
    ]
    comparison = check(compiled, network_data(rows, structure, likelihood), PriorScales(1.5, 0.3, 1.0, 2.5))
    found = {row["parameter"]: row["sampled"] for row in comparison if row["quantity"] == "mean"}
    assert found["d[first,b]"] < found["d[second,b]"] - 1


def evaluated(
    compiled: CompiledModel, data: NetworkData, scales: PriorScales, raw: np.ndarray
) -> tuple[float, np.ndarray]:
    """Log density and gradient that nutpie gets."""
    vector = models.model_inputs(data, scales, SIZE).vector
    return evaluate(compiled.compiled.with_data(data=vector), raw)


@pytest.mark.parametrize("effects", ["random", "settings", "classes"])
@pytest.mark.parametrize("likelihood", ["contrasts", *COUNT_LIKELIHOODS])
def test_gradient_of_the_log_density(likelihood: str, effects: str, compiled: CompiledModel) -> None:
    """Nutpie gets the density of the PyMC model, with its gradient: by coordinates, tau and omega of either sign."""
    case, h = CASES[effects], 1e-5
    rng = np.random.default_rng(5)
    truth = case.draw_truth(likelihood, rng)
    data = case.data(redraw(case.layout(likelihood, rng), likelihood, case.model, truth, rng), likelihood)
    priors = case.priors(likelihood)
    model = models.network_model(models.model_inputs(data, priors, SIZE, tabulated=False))
    graph = model.compile_fn(model.logp(), mode="FAST_COMPILE")
    model["data"].set_value(models.model_inputs(data, priors, SIZE).vector)  # its tables may hold what is not a number
    for sign in (1, -1):
        raw = np.array([*rng.normal(size=SIZE) * 0.5, sign * 0.7, -sign * 0.9])
        value, gradient = evaluated(compiled, data, priors, raw)
        assert value == pytest.approx(float(graph({"raw": raw})), rel=1e-10)
        numeric = []
        for shift in h * np.eye(SIZE + 2):
            up, down = (evaluated(compiled, data, priors, raw + s * shift)[0] for s in (1, -1))
            numeric.append((up - down) / (2 * h))
        assert gradient == pytest.approx(np.array(numeric), rel=2e-2, abs=5e-2)


def test_another_model_is_not_sampled() -> None:
    """The compiled density belongs to the models of this package; a model with another prior is refused."""
    data = network_data(simulate("contrasts", LOOP, EFFECTS, 0.3, 1), PLAIN, "contrasts")
    inputs = models.model_inputs(data, RANDOM, SIZE)
    with pm.Model() as model:
        vector = pm.Data("data", inputs.vector)
        raw = pm.Normal("raw", sigma=1.01, shape=SIZE + 2)
        pm.Potential("log_density", models.LogDensity()(raw, vector)[0])
    with pytest.raises(RuntimeError, match="differs from that of the model"):
        compile_model(model)


def test_rare_event_network_has_zero_cells() -> None:
    """The rare-event cases are what they claim to be."""
    for name in ("counts, rare", "hazards, rare", "rates, rare"):
        likelihood, _, rows = NETWORKS[name]
        assert (network_data(rows, PLAIN, likelihood).counts.events == 0).sum() >= 3


def test_a_wrong_exact_summary_is_noticed(compiled: CompiledModel) -> None:
    """Moving the exact means by half a posterior sd must fail the comparison, and so must a divergence."""
    data = network_data(simulate("contrasts", LOOP, EFFECTS, 0.3, 2), PLAIN, "contrasts")
    parameters, _ = sample(compiled, Fit(data, RANDOM), SIZE, SETTINGS, 4, 2, 1)
    quantities = list_quantities(parameters, data.predictor, exact.posterior(data, RANDOM))
    half = np.array([0.5, 0, 0, 0])
    moved = [replace(q, exact=q.exact + half * q.exact[1]) for q in quantities]
    right, wrong = (diagnostics.compare_with_exact(found, None) for found in (quantities, moved))
    assert not diagnostics.has_converged(diagnostics.convergence(quantities, 0), wrong)
    assert diagnostics.has_converged(diagnostics.convergence(quantities, 0), right)
    assert not diagnostics.has_converged(diagnostics.convergence(quantities, 1), right)


def test_quantities_that_are_checked(compiled: CompiledModel) -> None:
    """Coefficients but the departures of settings, every regimen's effect in every setting, tau and omega."""
    structure = plain("ab", settings=("s", "t"))
    rows = [{**row, "setting_mix": "s:1"} for row in simulate("contrasts", ["ab"] * 3, {"a": 0.0, "b": 0.3}, 0.1, 1)]
    scales = PriorScales(1.5, 0.5, 0.5, 2.5)

    def names(data: NetworkData, scales: PriorScales) -> Sequence[str]:
        short = SamplerSettings(draws=100, tune=100, target_accept=0.9)
        parameters, _ = sample(compiled, Fit(data, scales), SIZE, short, 2, 2, 1)
        return [q.name for q in list_quantities(parameters, data.predictor, exact.posterior(data, scales))]

    departing = names(network_data(rows, structure, "contrasts"), scales)
    assert departing == ["beta[b]", "d[overall,b]", "d[s,b]", "d[t,b]", "tau", "omega"]
    assert names(network_data(rows, structure, "contrasts", effects=Effects()), FIXED) == ["beta[b]", "d[overall,b]"]
    unrelated = network_data(rows, structure, "contrasts", effects=Effects(unrelated=True))
    assert names(unrelated, RANDOM) == ["d[b,a]", "tau"]


def test_same_seed_same_draws(compiled: CompiledModel) -> None:
    """One seed gives one set of draws; another seed another."""
    data = network_data(simulate("contrasts", LOOP, EFFECTS, 0.3, 2), PLAIN, "contrasts")

    def draws(seed: int) -> np.ndarray:
        return sample(compiled, Fit(data, RANDOM), SIZE, SETTINGS, 4, 2, seed)[0]["coefficients"]

    assert np.array_equal(draws(1), draws(1))
    assert not np.array_equal(draws(1), draws(2))
    assert fit_seed(1, "a", "os", "pooled") != fit_seed(1, "a", "os", "fixed")


def test_a_fit_without_an_exact_check_takes_its_widening_and_densities_from_draws(
    compiled: CompiledModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the engine refuses itself, doubled priors are sampled; the engine's own answer is the right value."""
    data = network_data(simulate("contrasts", LOOP, EFFECTS, 0.3, 1), PLAIN, "contrasts")
    plan = SamplerPlan(chains=4, first=SETTINGS, retry=AGAIN)
    fit, sampler = Fit(data, RANDOM), Sampler(compiled, SIZE, n_taus=1, n_omegas=1, plan=plan, cores=2)
    solution = solve(data, RANDOM)
    parameters, divergences = sample(compiled, fit, SIZE, SETTINGS, 4, 2, 1)
    attempt = Attempt(parameters, divergences, [], [], True, 0.0)
    refused = Solution(solution.found, "its own error is large")
    rows = data.predictor.effect_rows()[0][1:]
    by_draws, by_engine = (covariances_of(fit, sampler, attempt, s, 1) for s in (refused, solution))
    found, right = by_draws.widening(rows), by_engine.widening(rows)
    assert (right[1] == 0).all()
    assert (found[1] > 0).all()
    assert found[0] == pytest.approx(right[0], abs=5 * found[1].max())
    (x, density), (x_exact, exact_density) = (
        Fitted(fit, attempt, s, by_engine, 1).density("tau") for s in (refused, solution)
    )
    assert np.trapezoid(density, x) == pytest.approx(1, abs=0.01)
    at = np.linspace(0.15, 0.6, 10)
    assert np.interp(at, x, density) == pytest.approx(np.interp(at, x_exact, exact_density), rel=0.2, abs=0.15)
