"""The textbook model is the model that is fitted: its study effects, integrated by hand, give the same likelihood."""

from collections.abc import Callable, Mapping

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.mode import Mode
from pytensor.graph.replace import vectorize_graph
from scipy.special import logsumexp
from secondline.inference.fit_statistics import Draws, assess
from secondline.inference.priors import PriorScales
from secondline.inference.textbook import textbook_model
from secondline.likelihoods import COUNT_LIKELIHOODS, OWN_LIKELIHOODS
from secondline.network.bias import Bias
from secondline.network.data import NetworkData, network_data
from secondline.network.predictor import Effects
from secondline.network.structure import Floats

from tests.networks import Sizes, plain, simulate

SCALES = PriorScales(1.5, 1.0, 0.0, 1.2)
PLACES = ((0.4, -0.3, 0.35), (-0.6, 0.2, 0.2), (0.1, 0.9, 0.3))
"""Effects of b and c, and tau."""
CUTS = [0.3, 0.1]
SAMPLED = ("mu", "z", "mu_means", "z_means", "z_contrasts")


def nodes(name: str, size: int, n: int) -> list[Floats]:
    """Nodes of study effects and their log weights, prior included, (2, nodes), for each of them.

    Baselines take equal steps, finer than any likelihood here: their prior is wide. Random effects take n Gauss-Hermite
    nodes.
    """
    x, w = np.polynomial.hermite_e.hermegauss(n)
    log_w = np.log(w / w.sum())
    if name.startswith("mu"):
        x = np.arange(-12, 12.1, 0.25) if name == "mu_means" else np.arange(-6, 6.1, 0.25)
        log_w = np.zeros(len(x)) if name == "mu_means" else -0.5 * (x / SCALES.baseline) ** 2
    return [np.stack([x, log_w])] * size


def by_hand(data: NetworkData, n: int) -> Floats:
    """Log likelihood at every place, but for a constant: the textbook model summed over a grid of its study effects."""
    with textbook_model(data, SCALES) as model:
        log_likelihood = over_a_grid(model)
    start = model.initial_point()
    sampled = [name for name in SAMPLED if name in start]
    axes = [axis for name in sampled for axis in nodes(name, start[name].size, n)]
    grid = np.stack([g.ravel() for g in np.meshgrid(*(x for x, _ in axes), indexing="ij")], axis=1)
    weights = sum(g.ravel() for g in np.meshgrid(*(w for _, w in axes), indexing="ij"))
    ends = np.cumsum([start[name].size for name in sampled])[:-1]
    effects = dict(zip(sampled, np.split(grid, ends, axis=1), strict=True))
    fixed = {"log_distance": np.array(CUTS)} if "log_distance" in start else {}
    found = []
    for *effect, tau in PLACES:
        at = {"effect": np.array(effect), "tau_log__": np.log(tau), **fixed}
        values = {name: np.broadcast_to(value, (len(grid), *np.shape(value))) for name, value in at.items()}
        found.append(logsumexp(log_likelihood({**values, **effects}) + weights))
    return np.array(found)


def over_a_grid(model: pm.Model) -> Callable[[Mapping[str, Floats]], Floats]:
    """Log likelihood of the data at many points at once, without compiling anything."""
    total = model.logp(vars=model.observed_RVs, sum=True)
    values = {variable.name: variable for variable in model.value_vars}
    many = {name: pt.tensor(name, shape=(None, *v.type.shape), dtype=v.dtype) for name, v in values.items()}
    batched = vectorize_graph(total, {values[name]: many[name] for name in values})
    function = pytensor.function(list(many.values()), batched, mode=Mode(linker="py"), on_unused_input="ignore")
    return lambda point: np.asarray(function(*(point[name] for name in many)))


def integrated(data: NetworkData) -> Floats:
    """Log likelihood at every place as it is fitted, study effects integrated out."""
    cuts = CUTS if data.n_cuts else []
    coefficients = np.array([[*place[:2], *cuts] for place in PLACES])
    draws = Draws(coefficients, np.array([place[2] for place in PLACES]))
    return assess(data, draws, SCALES).log_likelihood.sum(axis=1)


CASES = [(likelihood, "ab") for likelihood in OWN_LIKELIHOODS] + [("contrasts", "abc"), ("binomial_logit", "abc")]


@pytest.mark.parametrize(("likelihood", "design"), CASES)
def test_the_likelihood_is_that_of_the_textbook(likelihood: str, design: str) -> None:
    """Every likelihood in a study of two arms, and in one of three, whose random effects are correlated."""
    effects = {"a": 0.0, "b": 0.4, "c": -0.3}
    rows = simulate(likelihood, (design,), effects, 0.3, 5, Sizes(n=(12, 20)))
    data = network_data(rows, plain("abc"), likelihood, Effects())
    found, expected = integrated(data), by_hand(data, {"ab": 11, "abc": 7}[design])
    assert np.diff(found) == pytest.approx(np.diff(expected), abs=1e-3)


@pytest.mark.parametrize("likelihood", list(COUNT_LIKELIHOODS))
def test_the_mean_of_a_bias_is_an_offset(likelihood: str) -> None:
    """In the textbook model as in the one that is fitted."""
    rows = simulate(likelihood, ("ab",), {"a": 0.0, "b": 0.4, "c": -0.3}, 0.3, 5, Sizes(n=(12, 20)))
    first, second = (row["arm"] for row in rows)
    bias = Bias(contrasts=((rows[0]["study"], second, first, 1.0),), mean=0.7)
    data = network_data(rows, plain("abc"), likelihood, Effects(), bias=bias)
    found = integrated(data)
    assert np.diff(found) == pytest.approx(np.diff(by_hand(data, 11)), abs=1e-3)
    without = integrated(network_data(rows, plain("abc"), likelihood, Effects()))
    assert np.abs(np.diff(found) - np.diff(without)).max() > 0.05


def test_omega_spreads_classes_and_is_left_out_where_it_is_none() -> None:
    """Departures are in units of omega; a common effect has no study effects at all."""
    rows = simulate("contrasts", ("ab", "ac"), {"a": 0.0, "b": 0.4, "c": -0.3}, 0.3, 5)
    data = network_data(rows, plain("abc"), "contrasts", Effects(classes={"b": "k", "c": "k"}))
    with_classes = textbook_model(data, PriorScales(1.5, 1.0, 0.5, 1.2))
    assert [v.name for v in with_classes.free_RVs] == ["effect", "tau", "omega", "z_contrasts"]
    values = {"effect": np.array([0.2, 1.0, -1.0]), "omega": np.array(0.3)}
    givens = {with_classes[name]: value for name, value in values.items()}
    assert with_classes["coefficients"].eval(givens) == pytest.approx([0.2, 0.3, -0.3])
    common = textbook_model(network_data(rows, plain("abc"), "contrasts"), PriorScales(1.5, 0.0, 0.0, 1.2))
    assert [v.name for v in common.free_RVs] == ["effect"]
