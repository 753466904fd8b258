"""Every prior of a standard deviation, in every engine, against its definition and against brute force."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats
from scipy.integrate import quad
from scipy.interpolate import CubicSpline
from secondline.doubt.batch import Grid
from secondline.empirical_priors import FILE
from secondline.inference import exact
from secondline.inference.fit import Sampler, sample_fit
from secondline.inference.grid import normalise
from secondline.inference.kernels.coordinates import sd
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import CHECKED, solve
from secondline.inference.settings import SamplerPlan, SamplerSettings
from secondline.inference.task import Fit
from secondline.inference.textbook import textbook_model
from secondline.jobs.methods_facts import methods_facts
from secondline.jobs.settings import model_settings
from secondline.network.data import NetworkData, network_data
from secondline.project.config import Config, Project
from secondline.project.documents import read_yaml
from secondline.sd_points import ABSENT, Fixed
from secondline.sd_prior import MisreadError, SdPrior
from secondline.sd_prior_forms import FAMILIES, read_sd_prior
from secondline.sd_priors import HalfCauchy, HalfNormal, HalfT, LogNormal, Uniform

from tests.conftest import ROOT
from tests.networks import arm_row, contrast_row, plain

PRIORS: list[SdPrior] = [
    HalfNormal(0.5),
    Uniform(2.0),
    HalfCauchy(0.3),
    HalfT(0.4, 4.0),
    LogNormal(-2.56, 1.74),
    LogNormal(-1.0, 0.6, "sd"),
    Fixed(0.2),
]
FREE = [prior for prior in PRIORS if prior.is_free]
Y, SE = np.array([-0.6, 0.1, -0.3, -0.9]), np.array([0.2, 0.25, 0.15, 0.3])
EFFECT = 1.5  # prior standard deviation
TRIALS = [(3, 40, 9, 42), (1, 30, 6, 31), (12, 80, 15, 78)]
LIBRARY = {
    HalfNormal(0.5): stats.halfnorm(scale=0.5),
    Uniform(2.0): stats.uniform(0, 2),
    HalfCauchy(0.3): stats.halfcauchy(scale=0.3),
    LogNormal(-1.0, 0.6, "sd"): stats.lognorm(0.6, scale=np.exp(-1)),
}


def test_every_family_is_tested() -> None:
    """A family that is added is added here."""
    assert {prior.name for prior in PRIORS} == set(FAMILIES)


@pytest.mark.parametrize("prior", FREE, ids=str)
def test_a_prior_agrees_with_itself(prior: SdPrior) -> None:
    """Its density integrates to its quantiles, twice as large is twice as large, and a file gives it back."""
    for p in (0.1, 0.5, 0.9):
        q = float(prior.quantile(p))
        assert quad(lambda x: float(prior.density(np.array(x))), 0, q)[0] == pytest.approx(p, abs=1e-7)
        assert prior.scaled(2.0).quantile(p) == pytest.approx(2 * q)
    x = np.array([0.05, 0.4, 1.9])
    assert np.log(prior.density(x)) == pytest.approx(prior.log_density(x))
    rng = np.random.default_rng(1)
    assert np.mean([prior.draw(rng) < prior.quantile(0.3) for _ in range(4000)]) == pytest.approx(0.3, abs=0.03)
    assert read_sd_prior(json.loads(json.dumps(prior.given()))) == prior


@pytest.mark.parametrize("prior", LIBRARY, ids=str)
def test_densities_are_those_of_a_library(prior: SdPrior) -> None:
    """Densities of SciPy; the half-t is that of a t, and a log-normal variance that of its root."""
    x = np.array([0.01, 0.3, 0.7, 1.5])
    assert prior.density(x) == pytest.approx(LIBRARY[prior].pdf(x))
    assert HalfT(0.4, 4.0).density(x) == pytest.approx(2 * stats.t(4, scale=0.4).pdf(x))
    of_variance = stats.lognorm(1.74, scale=np.exp(-2.56)).pdf(x**2)
    assert LogNormal(-2.56, 1.74).density(x) == pytest.approx(of_variance * 2 * x)


def test_turner_s_prior_has_the_quantiles_that_are_printed() -> None:
    """Turner 2015, Table IV, any outcome: tau is log-normal(-1.28, 0.87) with 97.5% below 1.53."""
    assert LogNormal(-2.56, 1.74).quantile(0.975) == pytest.approx(1.53, abs=0.005)


@pytest.mark.parametrize("prior", FREE, ids=str)
@given(st.floats(-6, 6), st.floats(-6, 6), st.floats(0.02, 2))
def test_the_sampler_has_the_density_of_the_object(prior: SdPrior, first: float, second: float, unit: float) -> None:
    """The density of the coordinate is that of the value times its slope, and its derivative the difference of it."""
    form = np.array([*prior.form, unit])

    def expected(raw: float) -> float:
        value, slope = sd(raw, form)[:2]
        return float(prior.log_density(np.array(abs(value)))) + np.log(slope) + raw**2 / 2

    found = [sd(raw, form)[2] for raw in (first, second)]
    assert found[0] - found[1] == pytest.approx(expected(first) - expected(second), abs=1e-7)
    h = 1e-5
    below, above = sd(first - h, form), sd(first + h, form)
    assert sd(first, form)[1] == pytest.approx((above[0] - below[0]) / (2 * h), rel=1e-4, abs=1e-9)
    assert sd(first, form)[3] == pytest.approx((above[2] - below[2]) / (2 * h), rel=1e-4, abs=2e-4)


def test_a_point_does_not_move() -> None:
    """A fixed value, and a parameter that is left out."""
    for prior, value in ((Fixed(0.2), 0.2), (ABSENT, 0.0)):
        assert sd(1.3, np.array([*prior.form, 0.1])) == (value, 0.0, 0.0, 0.0)


def brute_force(prior: SdPrior, log_likelihood: Callable[[float], float], of: Callable[[float], float]) -> float:
    """Posterior mean of a function of tau, by adaptive quadrature over the quantiles of its prior."""
    if not prior.is_free:
        return of(prior.support[0])
    most = max(log_likelihood(float(x)) for x in np.linspace(0.001, 3, 200))

    def weight(u: float, f: Callable[[float], float]) -> float:
        tau = float(prior.quantile(u))
        return float(np.exp(log_likelihood(tau) - most)) * f(tau)

    cuts = [0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999]
    total, part = (quad(weight, 0, 1, args=(f,), points=cuts, limit=800, epsabs=1e-11)[0] for f in (lambda _: 1.0, of))
    return float(part / total)


def given_tau(tau: float) -> tuple[float, float, float]:
    """Log likelihood, and mean and variance of the effect, of four studies of one comparison given tau."""
    variance = SE**2 + tau**2
    information = (1 / variance).sum() + 1 / EFFECT**2
    mean = float((Y / variance).sum() / information)
    log_p = -0.5 * np.log(variance).sum() - 0.5 * (Y**2 / variance).sum() + 0.5 * mean**2 * information
    return float(log_p - 0.5 * np.log(information)), mean, float(1 / information)


def contrasts() -> list[dict[str, str]]:
    """Rows of the four studies."""
    return [contrast_row(f"s{k}", "b", "a", y, se) for k, (y, se) in enumerate(zip(Y, SE, strict=True))]


@pytest.mark.parametrize("prior", PRIORS, ids=str)
def test_the_exact_engine_by_brute_force(prior: SdPrior) -> None:
    """Mean and sd of an effect, and mean of tau, to 0.1% of a standard deviation."""
    scales = PriorScales(EFFECT, prior, ABSENT, 1.0)
    posterior = exact.posterior(network_data(contrasts(), plain("ab"), "contrasts"), scales)

    def average(of: Callable[[float], float]) -> float:
        return brute_force(prior, lambda tau: given_tau(tau)[0], of)

    mean = average(lambda tau: given_tau(tau)[1])
    variance = average(lambda tau: given_tau(tau)[2] + (given_tau(tau)[1] - mean) ** 2)
    summary, error = posterior.summary(np.eye(1))
    assert summary[:2, 0] == pytest.approx([mean, variance**0.5], abs=1e-3 * variance**0.5)
    assert error.max() < 2e-3
    if prior.is_free:
        found = posterior.scale_summary("tau")[0]
        assert found[0] == pytest.approx(average(lambda tau: tau), abs=2e-3 * found[1])
    else:
        assert posterior.tau.points == pytest.approx([prior.support[0]])


@pytest.fixture(scope="module")
def counted() -> tuple[NetworkData, Callable[[float], float], Callable[[float], float]]:
    """Three trials of two arms: log likelihood and mean log odds ratio given tau, from a wide half-normal prior."""
    arms = [(f"s{k}", t, *trial[2 * i : 2 * i + 2]) for k, trial in enumerate(TRIALS) for i, t in enumerate("ab")]
    data = network_data([arm_row(*arm) for arm in arms], plain("ab"), "binomial_logit")
    wide = HalfNormal(2.0)
    found = exact.posterior(data, PriorScales(EFFECT, wide, ABSENT, 2.5), exact.Effort(61, 1, 512))
    tau = found.tau.points
    log_likelihood = CubicSpline(tau, found.log_density.mean(axis=0) - wide.log_density(tau))
    means = (np.exp(found.log_weights)[..., None] * found.means).sum(axis=2).mean(axis=0)[:, 0]
    mean = CubicSpline(tau, means)
    return (
        data,
        lambda x: float(log_likelihood(min(x, tau[-1]))) - max(x - tau[-1], 0),
        lambda x: float(mean(min(x, tau[-1]))),
    )


@pytest.mark.parametrize(
    "prior", [p if p.name == "uniform" else pytest.param(p, marks=pytest.mark.slow) for p in PRIORS], ids=str
)
def test_counts_by_brute_force(prior: SdPrior, counted: Any) -> None:
    """Mean log odds ratio and mean of tau, the likelihood given tau interpolated from another grid."""
    data, log_likelihood, mean = counted
    solution = solve(data, PriorScales(EFFECT, prior, ABSENT, 2.5))
    assert solution.status == CHECKED
    assert solution.posterior is not None
    summary, _ = solution.posterior.summary(np.eye(1))
    assert summary[0, 0] == pytest.approx(brute_force(prior, log_likelihood, mean), abs=0.02 * summary[1, 0])
    if prior.is_free:
        found = solution.posterior.scale_summary("tau")[0]
        assert found[0] == pytest.approx(brute_force(prior, log_likelihood, lambda tau: tau), abs=0.02 * found[1])


@pytest.mark.parametrize("prior", PRIORS, ids=str)
def test_the_grid_of_many_analyses(prior: SdPrior) -> None:
    """As declared and with the prior doubled: mean of the effect to 1% of a standard deviation."""
    grid = Grid.of(prior, ABSENT, float(SE.min()))
    log_p, means = np.array([given_tau(float(tau))[:2] for tau in grid.tau]).T
    assert len(grid.log_weights) == 1 + prior.is_free
    for each, log_weights in zip((prior, prior.scaled(2.0)), grid.log_weights, strict=False):
        expected = brute_force(each, lambda tau: given_tau(tau)[0], lambda tau: given_tau(tau)[1])
        assert normalise(log_p + log_weights) @ means == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("prior", FREE, ids=str)
def test_the_textbook_model_has_the_density_of_the_object(prior: SdPrior) -> None:
    """The prior of tau in plain PyMC; a fixed one is a number, and effects vary by it."""
    import pymc as pm

    data = network_data(contrasts(), plain("ab"), "contrasts")
    model = textbook_model(data, PriorScales(EFFECT, prior, ABSENT, 1.0))
    found = pm.logp(model["tau"], np.array([0.2, 0.7])).eval()
    assert found == pytest.approx(prior.log_density(np.array([0.2, 0.7])))
    fixed = textbook_model(data, PriorScales(EFFECT, Fixed(0.2), ABSENT, 1.0))
    assert [str(each) for each in fixed.free_RVs] == ["effect", "z_contrasts"]


@pytest.mark.parametrize("prior", [Uniform(2.0), LogNormal(-2.56, 1.74), HalfT(0.4, 4.0)], ids=str)
def test_doubled_priors(prior: SdPrior) -> None:
    """A free prior is doubled beside the effects; a fixed one has nothing to be doubled."""
    scales = PriorScales(EFFECT, prior, ABSENT, 1.0)
    assert scales.all_doubled()["tau_doubled"].tau == prior.scaled(2.0)
    assert list(replace(scales, tau=Fixed(0.2)).all_doubled()) == ["effect_doubled"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.5, HalfNormal(0.5)),
        ("none", ABSENT),
        ({"half_normal": 0.5}, HalfNormal(0.5)),
        ({"half_normal": {"scale": 0.5}}, HalfNormal(0.5)),
        ({"uniform": 5}, Uniform(5)),
        ({"half_cauchy": 1}, HalfCauchy(1)),
        ({"half_t": {"scale": 1, "df": 3}}, HalfT(1, 3)),
        ({"log_normal": {"on": "variance", "mean": -2.56, "sd": 1.74}}, LogNormal(-2.56, 1.74)),
        ({"log_normal": {"on": "sd", "mean": -1, "sd": 0.6}}, LogNormal(-1, 0.6, "sd")),
        ({"fixed": 0.2}, Fixed(0.2)),
        ({"family": "log_normal", "location": -2.56, "scale": 1.74, "source": "Turner 2015"}, LogNormal(-2.56, 1.74)),
        ({"family": "half_normal", "scale": 0.5}, HalfNormal(0.5)),
        ({"family": "none"}, ABSENT),
    ],
    ids=str,
)
def test_forms(value: object, expected: SdPrior) -> None:
    """All forms that a configuration may use."""
    assert read_sd_prior(value) == expected


def test_empirical_priors_have_the_limits_that_are_printed() -> None:
    """Every row of Turner 2015, Table IV: 97.5% of its log-normal are below the upper limit of tau in the same row."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 81
    for row in rows:
        asked = "any" if row["outcome"] == "any" else {key: row[key] for key in ("outcome", "comparison")}
        prior = read_sd_prior({row["name"]: asked})
        assert prior.quantile(0.975) == pytest.approx(float(row["tau_upper"]), abs=0.006, rel=0.006), row
        assert prior.in_tables.endswith(f"({prior.source})")
        assert prior.source.startswith("Turner 2015, Stat Med 34:984")
        assert prior.measure == "OR"


def test_an_empirical_prior_is_found_by_outcome_and_comparison() -> None:
    """All-cause mortality, two drugs: tau squared is log-normal(-4.18, 1.41)."""
    asked = {"outcome": "all-cause mortality", "comparison": "pharm vs pharm"}
    assert read_sd_prior({"turner_2015": asked}) == LogNormal(-4.18, 1.41)


def changed_config(**change: Any) -> Config:
    """Change top keys of the shipped configuration."""
    return Config.model_validate(read_yaml(ROOT / "config/config.yaml").data | change)


def test_an_empirical_prior_of_another_measure_is_refused(project: Project) -> None:
    """Those of log odds ratios are no priors of log hazard ratios, unless written out."""
    priors = {name: prior.model_dump() for name, prior in project.config.priors.items()}
    assert changed_config(priors=priors).priors == project.config.priors
    priors["log_hr"]["tau"] = {"turner_2015": "any"}
    with pytest.raises(ValidationError, match="describes effects measured as OR, and those of os are HR"):
        changed_config(priors=priors)
    priors["log_hr"]["tau"] = {"log_normal": {"mean": -2.56, "sd": 1.74, "source": "Turner 2015"}}
    assert changed_config(priors=priors).priors["log_hr"].tau == LogNormal(-2.56, 1.74)


def test_priors_by_analysis(project: Project) -> None:
    """An entry of an analysis takes the place of that of the outcome, in that analysis and in its methods text."""
    config = project.config
    analyses = {
        name: one.model_copy(update={"priors": {"os": "log_or"}} if name == "primary" else {})
        for name, one in config.analyses.items()
    }
    changed = project.model_copy(update={"config": config.model_copy(update={"analyses": analyses})})
    other = next(name for name in config.analyses if name != "primary")
    found = {name: model_settings(changed, name, "os")[config.headline].prior.tau for name in ("primary", other)}
    assert found == {"primary": config.priors["log_or"].tau, other: config.priors["log_hr"].tau}
    facts = methods_facts(changed)
    assert (facts.prior_of("primary", "os"), facts.prior_of(other, "os")) == ("log_or", "log_hr")
    with pytest.raises(ValidationError, match="unknown prior; allowed: log_hr"):
        changed_config(analyses={"primary": {"label": "A", "priors": {"os": "none"}}})


@pytest.mark.parametrize(
    ("value", "path", "problem"),
    [
        ({"turner_2015": {"outcome": "pain"}}, ("turner_2015",), "{outcome, comparison}, or any"),
        ({"turner_2015": {"outcome": "x", "comparison": "any"}}, ("turner_2015", "outcome"), "all-cause mortality"),
        ({"turner_2015": {"outcome": "pain", "comparison": "any"}}, ("turner_2015",), "any goes with any alone"),
        (0, (), "a number above 0"),
        (True, (), "a number above 0"),
        (inf, (), "a number above 0"),
        ({"half_norml": 1}, (), "allowed: a number, the scale of a half-normal, or one of {half_normal: scale}"),
        ({"uniform": 5, "half_normal": 1}, (), "one of"),
        ({"uniform": -5}, ("uniform",), "a number above 0"),
        ({"half_t": 1}, ("half_t",), "{scale, df}"),
        ({"half_t": {"scale": 1}}, ("half_t", "df"), "half_t needs it"),
        ({"half_t": {"scale": 1, "df": 0.5}}, ("half_t", "df"), "a number from 1 to 1000"),
        ({"log_normal": {"mean": 0, "sd": 1, "on": "tau"}}, ("log_normal", "on"), "variance, sd"),
        ({"log_normal": {"mean": 0, "sd": 1, "source": 3}}, ("log_normal", "source"), "text"),
        ({"fixed": {"value": 1, "scale": 2}}, ("fixed", "scale"), "unknown key; allowed: value, source"),
        ({"family": "gamma"}, ("family",), "none, half_normal"),
        ({"family": "uniform", "scale": 1, "upper": 1}, ("scale",), "family uniform has none"),
    ],
    ids=str,
)
def test_mistakes(value: object, path: tuple[str, ...], problem: str) -> None:
    """Where the mistake is, and what is allowed."""
    with pytest.raises(MisreadError) as stop:
        read_sd_prior(value)
    assert stop.value.path == path
    assert problem in stop.value.problem


@pytest.mark.slow
def test_the_sampler_against_the_exact_engine() -> None:
    """Fits of contrasts converge under every prior: they do only where they agree with the exact engine."""
    data = network_data(contrasts(), plain("ab"), "contrasts")
    fits = [Fit(data, PriorScales(EFFECT, prior, ABSENT, 1.0)) for prior in PRIORS]
    settings = SamplerSettings(draws=2000, tune=800, target_accept=0.95)
    sampler = Sampler.build(fits, SamplerPlan(chains=4, first=settings, retry=settings), 2)
    for fit in fits:
        found = sample_fit(fit, sampler, 7)
        assert found.attempt.converged, (str(fit.scales.tau), found.attempt.comparison)
        assert found.attempt.divergences == 0
        assert ("tau" in {row["parameter"] for row in found.attempt.diagnostics}) == fit.scales.tau.is_free
