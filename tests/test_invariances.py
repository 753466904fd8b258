"""A component network with one regimen an arm is a plain network; arms mixed of one regimen are that regimen."""

from itertools import groupby

import numpy as np
import pytest
from secondline.inference import exact
from secondline.inference.priors import PriorScales
from secondline.network.data import network_data
from secondline.network.predictor import Effects, Predictor
from secondline.network.structure import Structure

from tests.networks import HCC, plain, simulate

MONO = ("sorafenib", "lenvatinib", "regorafenib")
EFFECTS = {"sorafenib": 0.0, "lenvatinib": -0.4, "regorafenib": 0.3}
DESIGNS = [("sorafenib", "lenvatinib"), ("lenvatinib", "regorafenib"), ("sorafenib", "lenvatinib", "regorafenib")]
SCALES = PriorScales(1.5, 0.5, 0, 2.5)
LIKELIHOODS = ["contrasts", "normal", "binomial_logit", "binomial_cloglog", "poisson_log"]


def effects_of(structure: Structure, names: tuple[str, ...]) -> np.ndarray:
    """Coefficient rows of the overall effects of some regimens."""
    rows = Predictor.build(structure, Effects(), []).effect_rows()
    return rows[0][[structure.regimens.index(name) for name in names]]


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_component_network_of_single_regimens_is_the_plain_model(likelihood: str) -> None:
    """The general code path gives the plain model's posterior, component coding and idle components or not."""
    rows = simulate(likelihood, DESIGNS, EFFECTS, 0.2, 11)
    treatment_coded = plain(MONO)
    first = exact.posterior(network_data(rows, treatment_coded, likelihood), SCALES)
    second = exact.posterior(network_data(rows, HCC, likelihood, Effects()), SCALES)
    a, error_a = first.summary(effects_of(treatment_coded, MONO[1:]))
    b, error_b = second.summary(effects_of(HCC, MONO[1:]))
    assert a == pytest.approx(b, abs=max(1e-7, 4 * max(error_a.max(), error_b.max())))


@pytest.mark.parametrize("likelihood", ["contrasts", "binomial_logit"])
def test_departures_of_no_size_are_the_model_without_settings(likelihood: str) -> None:
    """Omega at 0 leaves the pooled model, whatever the settings of the studies."""
    rows = [{**row, "setting_mix": "sorafenib_failure:3"} for row in simulate(likelihood, DESIGNS, EFFECTS, 0.2, 11)]
    pooled = network_data(rows, HCC, likelihood, Effects())
    departing = network_data(rows, HCC, likelihood)
    first = exact.posterior(pooled, SCALES).summary(pooled.predictor.effect_rows()[0, 1:3])
    second = exact.posterior(departing, SCALES).summary(departing.predictor.effect_rows()[1, 1:3])
    assert first[0] == pytest.approx(second[0], abs=max(1e-7, 4 * max(first[1].max(), second[1].max())))


def test_mixture_of_one_is_no_mixture() -> None:
    """Splitting an arm's patients over one regimen leaves the design row as it is."""
    rows = simulate("contrasts", DESIGNS, EFFECTS, 0.2, 11)
    fewer = [{**r, "treatment_mix": r["treatment_mix"].replace(":10", ":7")} for r in rows]
    assert network_data(rows, HCC, "contrasts").gaussian.rows == pytest.approx(
        network_data(fewer, HCC, "contrasts").gaussian.rows
    )


@pytest.mark.parametrize("likelihood", [*LIKELIHOODS[2:], "ordered_logit"])
def test_order_of_arms_changes_no_count_posterior(likelihood: str) -> None:
    """Arms are exchangeable within a study: the baseline is the mean of the arms, not a reference arm."""
    structure = plain(MONO)
    rows = simulate(likelihood, DESIGNS, EFFECTS, 0.2, 12)
    shuffled = [row for _, group in groupby(rows, key=lambda row: row["study"]) for row in reversed(list(group))]
    scales = SCALES if likelihood != "ordered_logit" else PriorScales(1.5, 0, 0, 2.5)
    first, second = (exact.posterior(network_data(table, structure, likelihood), scales) for table in (rows, shuffled))
    a, error = first.summary(np.eye(2, first.means.shape[-1]))
    b, _ = second.summary(np.eye(2, first.means.shape[-1]))
    assert a == pytest.approx(b, abs=4 * error.max() + 1e-3)


@pytest.mark.parametrize("likelihood", ["binomial_cloglog", "poisson_log"])
def test_units_of_time_change_no_effect(likelihood: str) -> None:
    """Follow-up in months or in years shifts the baselines alone."""
    structure = plain(MONO)
    rows = simulate(likelihood, DESIGNS, EFFECTS, 0.2, 12)
    other = [{**row, "time": repr(float(row["time"]) * 12)} for row in rows]
    scales = PriorScales(1.5, 0.5, 0, 50.0)
    first, second = (exact.posterior(network_data(table, structure, likelihood), scales) for table in (rows, other))
    a, error = first.summary(np.eye(2))
    assert a == pytest.approx(second.summary(np.eye(2))[0], abs=4 * error.max() + 2e-3)


@pytest.mark.parametrize("unrelated", [False, True])
@pytest.mark.parametrize("likelihood", ["contrasts", "binomial_logit"])
def test_order_of_regimens_changes_no_inconsistency(likelihood: str, unrelated: bool) -> None:
    """Multi-arm studies have a baseline by rule, whichever treatment is declared first and called the comparator."""
    rows = simulate(likelihood, [*DESIGNS, MONO[::-1]], EFFECTS, 0.2, 11)
    found = []
    for names in (MONO, (MONO[0], *MONO[:0:-1]), MONO[::-1]):
        structure = plain(names, reference="sorafenib")
        later, earlier = sorted(("lenvatinib", "regorafenib"), key=names.index, reverse=True)
        effects = Effects(unrelated=True) if unrelated else Effects(split=(later, earlier))
        data = network_data(rows, structure, likelihood, effects)
        means = exact.posterior(data, SCALES).summary(np.eye(data.n_coefficients))[0][0]
        found.append(sorted(np.abs(means)))
    assert found[0] == pytest.approx(found[1], abs=0.02)
    assert found[0] == pytest.approx(found[2], abs=0.02)
