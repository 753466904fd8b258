"""Tables of counts have small Monte Carlo errors: the estimate of them, the draws that it asks for, and the tables."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from secondline.cell_values import IMPORTANCE, SAMPLED
from secondline.inference.fit import Sampler, sample_fit
from secondline.inference.fitted import Fitted
from secondline.inference.precision import Precision, largest, precision
from secondline.inference.priors import PriorScales
from secondline.inference.settings import SamplerPlan, SamplerSettings
from secondline.inference.task import Fit
from secondline.network.arms import used_arms
from secondline.network.data import network_data
from secondline.network.predictor import Effects
from secondline.summaries.absolute_effects import absolute_effects
from secondline.summaries.coefficients import coefficient_rows
from secondline.summaries.heterogeneity import summarise_heterogeneity
from secondline.summaries.posterior import posterior_of
from secondline.summaries.ranking import rank_treatments
from secondline.summaries.relative_effects import relative_effects
from secondline.summaries.settings import BaselineSettings
from secondline.thresholds import MAX_LIMIT_ERROR, MAX_MEAN_ERROR

from tests.networks import plain, simulate
from tests.settings import summary

ABC = plain("abc")
ROWS = simulate("binomial_logit", ("ab", "ac", "bc", "ab"), {"a": 0.0, "b": -0.5, "c": 0.4}, 0.3, 1)
RANDOM = PriorScales(1.5, 1.0, 0.0, 2.5)
FIRST, AGAIN = (SamplerSettings(draws=500, tune=500, target_accept=accept) for accept in (0.9, 0.99))
SEEDS = range(6)


def correlated(rho: float, n: int) -> np.ndarray:
    """Draws of autoregressive chains of variance 1, (4, n, 3)."""
    rng = np.random.default_rng(2)
    draws = rng.normal(size=(4, n, 3))
    for i in range(1, n):
        draws[:, i] = rho * draws[:, i - 1] + np.sqrt(1 - rho**2) * draws[:, i]
    return draws


def test_errors_of_independent_and_of_correlated_draws() -> None:
    """1 over the root of n for a mean, 2.67 times that for a limit; at a correlation of 0.8 three times as much."""
    found = largest([correlated(0.0, 2500)])
    assert found.mean == pytest.approx(0.01, rel=0.1)
    assert found.limit == pytest.approx(0.0267, rel=0.2)
    assert largest([correlated(0.8, 2500)]).mean == pytest.approx(0.03, rel=0.2)
    one, other = correlated(0.0, 2500), correlated(0.8, 2500)
    assert largest([one, other]).mean == largest([np.concatenate([one, other], axis=2)]).mean
    assert largest([np.ones((4, 100, 1))]) == Precision(0.0, 0.0)


def test_draws_that_errors_ask_for() -> None:
    """Twice the error takes four times the draws, and a few more; small errors take none."""
    assert Precision(MAX_MEAN_ERROR, MAX_LIMIT_ERROR).draws(1000) == 1000
    assert Precision(2 * MAX_MEAN_ERROR, MAX_LIMIT_ERROR).draws(1000) == pytest.approx(4600, abs=1)
    assert Precision(0.0, 3 * MAX_LIMIT_ERROR).draws(1000) == pytest.approx(10350, abs=1)


@pytest.fixture(scope="module")
def sampler() -> Sampler:
    """Compile the model of a small network of counts."""
    fit = Fit(network_data(ROWS, ABC, "binomial_logit"), RANDOM)
    return Sampler.build([fit], SamplerPlan(chains=4, first=FIRST, retry=AGAIN, most=20_000), 2)


def fitted(
    sampler: Sampler, seed: int, rows: Any = ROWS, likelihood: str = "binomial_logit", most: int = 20_000
) -> Fitted:
    """Sample a fit."""
    plan = SamplerPlan(chains=4, first=FIRST, retry=AGAIN, most=most)
    return sample_fit(Fit(network_data(rows, ABC, likelihood), RANDOM), replace(sampler, plan=plan, cores=2), seed)


def errors(found: Fitted) -> tuple[float, float]:
    """Columns of diagnostics.csv, which are the same in every row."""
    row = found.attempt.diagnostics[0]
    assert {(each["mcse_mean_ratio"], each["mcse_limit_ratio"]) for each in found.attempt.diagnostics} == {
        (row["mcse_mean_ratio"], row["mcse_limit_ratio"])
    }
    return row["mcse_mean_ratio"], row["mcse_limit_ratio"]


def draws_of(found: Fitted) -> int:
    """Draws of a chain."""
    return int(found.attempt.parameters["coefficients"].shape[1])


def test_counts_go_on_until_errors_are_small_and_contrasts_do_not(sampler: Sampler) -> None:
    """Bounded, where a configuration says so; a posterior in closed form needs draws for its check alone."""
    enough, bounded = fitted(sampler, 1), fitted(sampler, 1, most=700)
    assert errors(enough)[0] <= MAX_MEAN_ERROR and errors(enough)[1] <= MAX_LIMIT_ERROR
    assert 500 < draws_of(enough) <= 20_000
    assert enough.attempt.converged and enough.attempt.parameters["tau"].shape == (4, draws_of(enough))
    assert draws_of(bounded) == 1000 and errors(bounded)[1] > MAX_LIMIT_ERROR
    contrasts = simulate("contrasts", ("ab", "ac", "bc", "ab"), {"a": 0.0, "b": -0.5, "c": 0.4}, 0.3, 1)
    exact = fitted(sampler, 1, contrasts, "contrasts")
    assert draws_of(exact) == 500 and errors(exact)[1] > MAX_LIMIT_ERROR


def test_tau_comes_from_the_exact_engine_where_that_is_precise(sampler: Sampler) -> None:
    """Its row has the exact values, of which the draws are the check; then draws need not be as many for its limits."""
    found = fitted(sampler, 1)
    assert found.attempt.sds_solved and found.solution.posterior is not None
    mean, sd, lower, upper = found.solution.posterior.scale_summary("tau")[0]
    (row,) = summarise_heterogeneity(posterior_of(found))
    assert row["engine"] == IMPORTANCE
    assert [row["mean"], row["sd"], row["lower"], row["upper"]] == pytest.approx(
        [mean, sd, lower, upper], abs=1e-3 * sd
    )
    drawn = found.attempt.parameters["tau"]
    assert drawn.mean() == pytest.approx(row["mean"], abs=4 * sd / np.sqrt(drawn.size / 4))
    parameters, predictor = found.attempt.parameters, found.fit.data.predictor
    assert precision(parameters, predictor).limit > precision(parameters, predictor, sds=False).limit


def cells(found: Fitted) -> dict[tuple[str, ...], dict[str, float]]:
    """Rows of the tables by name: mean, lower and upper with their standard deviation."""
    posterior, arms = posterior_of(found), used_arms(ROWS)
    assert posterior.engine == SAMPLED
    baseline = BaselineSettings(regimen="a", median=-1.0, sd_below=0.2, sd_above=0.2, figure="x")
    settings = summary(likelihood="binomial_logit", measure="OR", margin=0.8, baselines={"overall": baseline})
    relative = relative_effects(posterior, arms, ABC, settings, effects=Effects())
    absolute = absolute_effects(posterior, arms, ABC, settings, relative)
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    rows |= {("effect", row["treatment"], row["comparator"]): row for row in relative}
    rows |= {("new study", *key[1:]): {**row, **_predictive(row)} for key, row in rows.items()}
    rows |= {("coefficient", row["parameter"]): row for row in coefficient_rows(posterior)}
    rows |= {("scale", row["parameter"]): row for row in summarise_heterogeneity(posterior)}
    rows |= {("outcome", row["treatment"]): _natural(row) for row in absolute if row["treatment"] != "a"}
    ranking, probabilities = rank_treatments(posterior, arms, ABC, settings, relative)
    for row in ranking:
        shares = [each["probability"] for each in probabilities if each["treatment"] == row["treatment"]]
        sd = float(np.sqrt(np.dot(shares, (np.arange(1, 4) - row["mean_rank"]) ** 2)))
        rows["rank", row["treatment"]] = {"mean": row["mean_rank"], "sd": sd}
    return {
        key: {name: float(row[name]) for name in ("mean", "sd", "lower", "upper") if name in row}
        for key, row in rows.items()
    }


def _predictive(row: dict[str, Any]) -> dict[str, float]:
    """Limits in a new study, whose standard deviation is that which a normal distribution has between them."""
    lower, upper = row["predictive_lower"], row["predictive_upper"]
    return {"lower": lower, "upper": upper, "sd": (upper - lower) / 3.92}


def _natural(row: dict[str, Any]) -> dict[str, float]:
    return {name: row[f"absolute_{name}"] for name in ("mean", "sd", "lower", "upper")}


@pytest.fixture(scope="module")
def by_seed(sampler: Sampler) -> list[dict[tuple[str, ...], dict[str, float]]]:
    """Tables of six runs."""
    return [cells(fitted(sampler, 10 + seed)) for seed in SEEDS]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "bound"), [(("mean",), MAX_MEAN_ERROR), (("lower", "upper"), MAX_LIMIT_ERROR)], ids=["means", "limits"]
)
def test_tables_of_runs_with_other_seeds_differ_by_no_more(
    by_seed: list[dict[tuple[str, ...], dict[str, float]]], what: tuple[str, ...], bound: float
) -> None:
    """Means by 1.5% of their standard deviation and limits by 4%, as the standard deviation over seeds."""
    ratios = {}
    for key, row in by_seed[0].items():
        sd = np.mean([tables[key]["sd"] for tables in by_seed])
        for name in what:
            if name in row:
                ratios[*key, name] = float(np.std([tables[key][name] for tables in by_seed], ddof=1) / sd)
    assert len(ratios) > 10
    assert np.sqrt(np.mean(np.square(list(ratios.values())))) <= bound
    # of six seeds a standard deviation is known to a third
    assert max(ratios.values()) <= 1.7 * bound, max(ratios, key=lambda key: ratios[key])
