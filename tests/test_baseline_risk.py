"""Regression on the modelled baseline risk (NICE DSU TSD3, example 6): the likelihood, both engines, mistakes."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import secondline as sl
from secondline.errors import UserError
from secondline.inference import reliability
from secondline.inference.families import log_constants
from secondline.inference.importance import Likelihood, count_arguments, shapes
from secondline.inference.kernels import study_integral
from secondline.inference.priors import PriorScales
from secondline.inference.reference_likelihood import study_log_likelihood
from secondline.inference.textbook import textbook_model
from secondline.network.data import NetworkData, network_data
from secondline.network.predictor import Effects
from secondline.tables import read_table

from tests.conftest import ROOT
from tests.networks import arm_row, contrast_row, plain

FILE = Path(ROOT / "tests/data/cases/certolizumab_duration.csv")
TREATMENTS = ["Placebo", "Adalimumab", "CZP", "Etanercept", "Infliximab", "Rituximab", "Tocilizumab"]
CENTRE = -2.421
VAGUE = PriorScales(100.0, 0.0, 0.0, 100.0, slope=100.0)
MODEL = sl.Model(likelihood="binomial", heterogeneity=False, baseline_risk=CENTRE)


def certolizumab(more: tuple[tuple[str, str, int, int], ...] = ()) -> NetworkData:
    """Twelve trials in rheumatoid arthritis: ACR-50 at six months."""
    rows = [arm_row(row["Study"], row["T"], int(row["R"]), int(row["N"])) for row in read_table(FILE)]
    rows += [arm_row(*one) for one in more]
    return network_data(rows, plain(TREATMENTS), "binomial_logit", Effects(baseline_risk=CENTRE))


SEVERAL = (
    ("three", "Placebo", 5, 50),
    ("three", "CZP", 12, 50),
    ("three", "Infliximab", 20, 60),
    ("none", "CZP", 12, 50),
    ("none", "Infliximab", 20, 60),
)
"""A trial of three arms, and one without the reference."""


@pytest.mark.parametrize("tau", [0.0, 0.3, -1.2])
def test_the_likelihood_and_its_derivatives(tau: float) -> None:
    """Against adaptive quadrature of the model written down anew, and central differences."""
    data, scales = certolizumab(SEVERAL), PriorScales(100.0, 1.0, 0.0, 10.0, slope=100.0)
    b = np.random.default_rng(0).normal(size=data.n_coefficients)
    b[-1] = -0.6
    arguments, family = count_arguments(data, scales), data.counts.family

    def found(coefficients: Any, at: float) -> Any:
        cuts = shapes(coefficients[None], data)[0][0]
        return study_integral.log_likelihood(family, data.counts.rows @ coefficients, at, cuts, *arguments)

    by_study, terms = found(b, tau)
    for i in (0, 1, 12, 13):
        f, cuts = data.counts.rows @ b, shapes(b[None], data)[0][0]
        assert by_study[i] == pytest.approx(study_log_likelihood(data.counts, i, f, tau, cuts, 10.0), abs=1e-5)
    h = 1e-5
    slope = (found(b, tau + h)[0].sum() - found(b, tau - h)[0].sum()) / (2 * h)
    assert terms[:, 1].sum() == pytest.approx(slope, abs=1e-3)
    likelihood = Likelihood(data, np.array([abs(tau)]), scales, None)
    at = np.zeros(1, np.int64)
    score = likelihood(b[None], at)[1][0]
    for k, unit in enumerate(h * np.eye(len(b))):
        change = likelihood((b + unit)[None], at)[0] - likelihood((b - unit)[None], at)[0]
        assert score[k] == pytest.approx(change[0] / (2 * h), abs=1e-3)


def test_studies_without_the_reference_enter_as_ever() -> None:
    """All of their arms move together, which the baseline takes up: the slope says nothing of them."""
    data = certolizumab(SEVERAL)
    assert not data.counts.rows[-2:, -1].any()
    assert data.counts.rows[-2:].sum(axis=0) == pytest.approx(0)
    assert data.counts.at_baseline[-5:].tolist() == [
        [0, 0],
        [1, pytest.approx(np.log(5 / 45))],
        [1, pytest.approx(np.log(5 / 45))],
        [0, 0],
        [0, 0],
    ]


@pytest.mark.slow
def test_the_textbook_model_has_the_same_posterior_density() -> None:
    """Random effects and baselines integrated over on a grid, one study of two arms."""
    rows = [arm_row("s", "a", 3, 20), arm_row("s", "b", 9, 21)]
    data = network_data(rows, plain("ab"), "binomial_logit", Effects(baseline_risk=-1.0))
    scales = PriorScales(1.0, 0.5, 0.0, 1.5, slope=1.0)
    model = textbook_model(data, scales)
    density = model.compile_logp(jacobian=False)
    b, tau = np.array([0.7, -0.4]), 0.6
    grid, z = np.linspace(-9, 9, 91), np.linspace(-6, 6, 49)
    total = 0.0
    for mu in grid / 2:
        for difference in z:
            point = {"effect": b, "mu": np.array([mu]), "z": np.array([0.0, difference * np.sqrt(2)])}
            value = float(density({**{name: np.asarray(v) for name, v in point.items()}, "tau_log__": np.log(tau)}))
            prior = -0.5 * (point["z"] ** 2).sum() - np.log(2 * np.pi)
            total += np.exp(value - prior - 0.5 * difference**2 - 0.5 * np.log(2 * np.pi))
    total *= (grid[1] - grid[0]) / 2 * (z[1] - z[0])
    outside = -0.5 * (b**2).sum() - np.log(2 * np.pi) - 0.5 * (tau / 0.5) ** 2 + 0.5 * np.log(2 / np.pi) - np.log(0.5)
    cuts, rows_of = np.array([-0.4]), data.counts.rows @ b
    expected = (
        study_integral.log_likelihood(data.counts.family, rows_of, tau, cuts, *count_arguments(data, scales))[0].sum()
        + log_constants(data.counts).sum()
    )
    assert np.log(total) - outside == pytest.approx(expected, abs=1e-3)


@pytest.mark.slow
def test_certolizumab_by_the_exact_engine() -> None:
    """As printed, fixed effects: b -0.93 (0.09), 95% -1.03 to -0.69, with a ridge at -1 under baselines of sd 100."""
    data = certolizumab()
    solution = reliability.solve(data, VAGUE)
    assert solution.status == reliability.CHECKED
    summary, _ = solution.posterior.summary(np.eye(data.n_coefficients))
    assert data.predictor.names[-1] == "slope[baseline risk]"
    assert summary[0, -1] == pytest.approx(-0.93, abs=0.02)
    assert summary[1, -1] == pytest.approx(0.09, abs=0.01)
    assert summary[2:, -1] == pytest.approx([-1.03, -0.69], abs=0.04)


@pytest.mark.slow
def test_certolizumab_by_both_engines() -> None:
    """Random effects: b -0.95 (0.10) as printed, the sampler as the exact engine."""
    net = sl.Network.from_arms(pd.read_csv(FILE), study="Study", treatment="T", events="R", n="N", reference="Placebo")
    model = sl.Model(likelihood="binomial", baseline_risk=CENTRE)
    found = {}
    for engine in ("exact", "nuts"):
        table = sl.fit(net, model, engine=engine, seed=1).coefficients().set_index("parameter")
        found[engine] = table.loc["slope[baseline risk]", ["mean", "sd"]].astype(float).tolist()
        assert table.loc["slope[baseline risk]", "centre"] == CENTRE
    for one in found.values():
        assert one == pytest.approx([-0.95, 0.10], abs=0.02)


MISTAKES = {
    "contrasts": (
        lambda: network_data(
            [contrast_row("s", "b", "a", 0.1, 0.2)], plain("ab"), "binomial_logit", Effects(baseline_risk=0.0)
        ),
        "baseline_risk: study s gives contrasts, which have no modelled baseline; allowed: events by arm",
    ),
    "means": (
        lambda: sl.Model(likelihood="normal", baseline_risk=True),
        "Model: baseline_risk = True: contrasts and means of arms have no modelled baseline; allowed: outcomes of eve",
    ),
    "categories": (
        lambda: sl.Model(likelihood="ordered", baseline_risk=True),
        "ordered categories have a baseline of several cutpoints; allowed: outcomes of events",
    ),
    "a word": (lambda: sl.Model(likelihood="binomial", baseline_risk="yes"), "allowed: True"),
    "two arms on the reference": (
        lambda: network_data(
            [arm_row("s", "a", 1, 9), {**arm_row("s", "a", 1, 9), "arm": "a2"}, arm_row("s", "b", 1, 9)],
            plain("ab"),
            "binomial_logit",
            Effects(baseline_risk=0.0),
        ),
        "several arms are on a, so that the baseline is not defined; allowed: a model without baseline_risk",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_where_it_is_not_defined(name: str) -> None:
    """One line that says why."""
    mistake, says = MISTAKES[name]
    with pytest.raises(UserError) as error:
        mistake()
    assert says in str(error.value)
