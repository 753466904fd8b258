"""The inner integral over a lattice equals that over nodes of its own, or has no answer."""

import numpy as np
import pytest
from secondline.inference import families
from secondline.inference.families import V
from secondline.inference.kernels import arm_integral, lattice, study_integral

from tests.test_quadrature import CUTS, counts_of

ARMS = [(20, 9, 7, 4), (150, 111, 180, 60), (30, 0, 28, 6), (3, 5, 2, 4)]
ETAS = np.linspace(-2.5, 2.5, 21)


def both(name: str, arm: tuple[int, ...], k: float, etas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Value and terms of one arm at several fixed parts, (len(etas), 1 + T), by its own nodes and by its lattice."""
    data = counts_of(name, [[arm, arm]])
    row, cuts = study_integral.arm_table(data)[0], CUTS.get(name, np.zeros(1))
    width = families.n_terms(data.family, data.counts.shape[1])
    space, lattices = arm_integral.arm_space(width), lattice.lattice_space(1, width)
    lattice.lay_lattice(lattices, 0, k, row)
    found = []
    for eta in etas:
        own, shared = np.zeros(width), np.zeros(width)
        value = arm_integral.integrate(data.family, eta, k, row, cuts, space, own)
        again = lattice.integrate_on_lattice(data.family, eta, k, row, cuts, lattices, 0, shared)
        found.append(([value, *own], [again, *shared]))
    result = np.array(found)
    return result[:, 0], result[:, 1]


@pytest.mark.parametrize("k", [0.02, 0.1, 0.4, 1.5])
@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("name", sorted(CUTS))
def test_a_lattice_gives_what_nodes_of_their_own_give(name: str, arm: tuple[int, ...], k: float) -> None:
    """Log likelihood, its score by eta and by tau, fitted probabilities and scores of the cutpoints."""
    own, shared = both(name, arm, k, ETAS)
    answered = np.isfinite(shared[:, 0])
    # The relative error of either rule is e^-13; a score is a difference of large numbers.
    patients = sum(arm)
    assert np.abs(own - shared)[answered, 0].max(initial=0.0) < 5e-6
    assert np.abs(own - shared)[answered, 1:].max(initial=0.0) < 5e-6 * patients


@pytest.mark.parametrize("name", ["binomial_logit", "poisson_log", "binomial_cloglog"])
def test_a_lattice_serves_every_family(name: str) -> None:
    """A regression on the baseline asks for arms of any family."""
    own, shared = both(name, (9, 48), 0.3, ETAS / 5 - 1.5)
    assert np.isfinite(shared[:, 0]).all()
    assert np.abs(own - shared)[:, 0].max() < 5e-6


def test_most_integrals_have_an_answer() -> None:
    """Near the estimate of an arm of usual size none goes without."""
    _, shared = both("ordered_logit", ARMS[0], 0.35, ETAS / 2)
    assert np.isfinite(shared[:, 0]).all()


def test_a_skewed_arm_and_one_without_spread_have_no_lattice() -> None:
    """They are left to nodes of their own."""
    _, shared = both("ordered_logit", (25, 0, 0, 0), 0.4, ETAS)
    assert np.isnan(shared[:, 0]).all()
    _, shared = both("ordered_logit", ARMS[0], 0.0, ETAS)
    assert np.isnan(shared[:, 0]).all()


def test_an_integral_beyond_the_lattice_has_no_answer() -> None:
    """Far from the estimate and with a small spread a lattice would need too many points."""
    data = counts_of("ordered_logit", [[ARMS[0], ARMS[0]]])
    far = 300 * np.sqrt(study_integral.arm_table(data)[0, V])
    _, shared = both("ordered_logit", ARMS[0], 0.02, np.array([far]))
    assert np.isnan(shared[:, 0]).all()
