"""A component network with one regimen an arm is a plain network; arms mixed of one regimen are that regimen."""

import numpy as np
import pytest
from nma.inference import exact
from nma.inference.scales import PriorScales
from nma.network.data import network_data
from nma.network.predictor import Effects, Predictor
from nma.network.structure import Structure

from tests.networks import HCC, plain, simulate

MONO = ("sorafenib", "lenvatinib", "regorafenib")
EFFECTS = {"sorafenib": 0.0, "lenvatinib": -0.4, "regorafenib": 0.3}
DESIGNS = [("sorafenib", "lenvatinib"), ("lenvatinib", "regorafenib"), ("sorafenib", "lenvatinib", "regorafenib")]


def effects_of(structure: Structure, names: tuple[str, ...]) -> np.ndarray:
    """Coefficient rows of the overall effects of some regimens."""
    rows = Predictor.build(structure, Effects(settings=bool(structure.settings)), []).effect_rows()
    return rows[0][[structure.regimens.index(name) for name in names]]


@pytest.mark.parametrize("kind", ["contrasts", "binomial_logit"])
def test_component_network_of_single_regimens_is_the_plain_model(kind: str) -> None:
    """The general code path gives the plain model's posterior, component coding and idle components or not."""
    scales = PriorScales(1.5, 0.5, 0, 2.5)
    rows = simulate(kind, DESIGNS, EFFECTS, 0.2, 11)
    treatment_coded = plain(MONO)
    first = exact.posterior(network_data(rows, treatment_coded), scales)
    second = exact.posterior(network_data(rows, HCC), scales)
    a, error_a = first.summary(effects_of(treatment_coded, MONO[1:]))
    b, error_b = second.summary(effects_of(HCC, MONO[1:]))
    assert a == pytest.approx(b, abs=max(1e-7, 4 * max(error_a.max(), error_b.max())))


def test_mixture_of_one_is_no_mixture() -> None:
    """Splitting an arm's patients over one regimen leaves the design row as it is."""
    rows = simulate("contrasts", DESIGNS, EFFECTS, 0.2, 11)
    assert network_data(rows, HCC).gaussian.rows == pytest.approx(
        network_data([{**r, "treatment_mix": r["treatment_mix"].replace(":10", ":7")} for r in rows], HCC).gaussian.rows
    )


def test_order_of_arms_changes_no_count_posterior() -> None:
    """Arms are exchangeable within a study: the baseline is the mean logit, not a reference arm."""
    scales = PriorScales(1.5, 0.5, 0, 2.5)
    structure = plain(MONO)
    rows = simulate("binomial_logit", DESIGNS, EFFECTS, 0.2, 12)
    first = exact.posterior(network_data(rows, structure), scales)
    second = exact.posterior(network_data(rows[::-1], structure), scales)
    a, error = first.summary(np.eye(2))
    assert a == pytest.approx(second.summary(np.eye(2))[0], abs=4 * error.max() + 1e-3)
