"""A posterior of counts under other priors: as the engine solves it, or not at all."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from secondline.inference.exact import Effort
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import solve
from secondline.inference.reweighting import reweighted
from secondline.network.data import NetworkData, network_data

from tests.networks import plain, simulate

SCALES = PriorScales(effect=2.0, tau=0.5, omega=0.0, baseline=10.0)
EFFORT = Effort(15, 1, 256, 4)


@cache
def counts() -> NetworkData:
    """Simulate nine trials of three treatments."""
    designs = [["a", "b"], ["a", "c"], ["b", "c"]] * 3
    rows = simulate("binomial_logit", designs, {"a": 0, "b": -0.4, "c": -0.3}, 0.2, 5)
    return network_data(rows, plain("abc"), "binomial_logit")


@pytest.mark.parametrize("name", ["effect", "tau"])
def test_it_is_what_the_engine_finds(name: str) -> None:
    """Means and standard deviations under a doubled prior, to a thirtieth of a standard deviation."""
    posterior = solve(counts(), SCALES, EFFORT).posterior
    doubled = SCALES.doubled(name)
    expected = solve(counts(), doubled, EFFORT).posterior
    assert posterior is not None
    assert expected is not None
    found = reweighted(posterior, counts().predictor, SCALES, doubled)
    assert found is not None
    contrasts = np.eye(2)
    (mean, sd, *_), (other, other_sd, *_) = (each.mixture(contrasts).summary() for each in (found, expected))
    assert mean == pytest.approx(other, abs=float(other_sd.min()) / 30)
    assert sd == pytest.approx(other_sd, rel=0.03)


def test_it_has_no_answer_where_the_prior_decides() -> None:
    """A prior of effects that is a hundredth of the standard error, doubled: few draws reach so far."""
    narrow = replace(SCALES, effect=0.002)
    posterior = solve(counts(), narrow, EFFORT).posterior
    assert posterior is not None
    assert reweighted(posterior, counts().predictor, narrow, replace(narrow, effect=0.2)) is None
