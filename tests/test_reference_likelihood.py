"""The likelihood of counts against a library's adaptive quadrature: empty cells, wide tau, large effects, every family.

The wide grid is slow; a part of it runs by default.
"""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from secondline.inference import likelihood_check
from secondline.inference.diagnostics import has_converged
from secondline.inference.families import SCORE, TAU_SCORE, n_terms
from secondline.inference.fit_statistics import Draws
from secondline.inference.kernels import study_integral
from secondline.inference.kernels.integral_tables import tabulate
from secondline.inference.priors import PriorScales
from secondline.inference.reference_likelihood import study_log_likelihood
from secondline.network.data import CountData

from tests.sparse import EIGHT, two_arm_network
from tests.test_quadrature import CUTS, NAMES, TABULATED, counts_of

Study = list[tuple]
BINARY: dict[str, Study] = {
    "zero": [(0, 25), (3, 22)],
    "zero of many": [(0, 3000), (2, 1500)],
    "double zero": [(0, 25), (0, 20)],
    "all": [(20, 20), (9, 22)],
    "double all": [(20, 20), (15, 15)],
    "zero and all": [(0, 25), (20, 20)],
    "one": [(1, 50), (49, 50)],
    "large": [(300, 1000), (220, 900)],
    "single zero": [(0, 15)],
    "three arms": [(0, 15), (12, 12), (1, 40)],
    "three zeros": [(0, 15), (0, 12), (0, 400)],
}
ORDERED: dict[str, Study] = {
    "lowest": [(21, 0, 0, 0), (14, 5, 1, 0)],
    "double lowest": [(15, 0, 0, 0), (12, 0, 0, 0)],
    "highest": [(0, 0, 0, 20), (4, 9, 2, 7)],
    "lowest and highest": [(21, 0, 0, 0), (0, 0, 0, 20)],
    "middle": [(0, 9, 0, 0), (0, 0, 12, 1)],
    "large": [(200, 90, 70, 40), (110, 150, 140, 100)],
    "single": [(0, 0, 0, 14)],
    "three arms": [(0, 0, 0, 14), (9, 0, 0, 0), (0, 1, 2, 20)],
}
TIMES = (0.5, 2.0, 30.0)
TOLERANCE = 1e-4


def one_study(name: str, pattern: str) -> CountData:
    """Make the data of one study; rates have a person-time that makes events rare."""
    if name in CUTS:
        return counts_of(name, [ORDERED[pattern]])
    study = BINARY[pattern]
    times = [arm[1] for arm in study] if name == "poisson_log" else list(TIMES[: len(study)])
    return counts_of(name, [study], None if name == "binomial_logit" else times)


def patterns(name: str) -> Sequence[str]:
    """Patterns of empty cells of a family."""
    return list(ORDERED if name in CUTS else BINARY)


def fast(name: str, data: CountData, f: np.ndarray, tau: float, sd: float, table: tuple = ()) -> tuple:
    """Log likelihood of the study and its scores, without a table or with one."""
    tables = study_integral.arm_table(data), study_integral.study_table(data)
    last = table or (np.zeros((0, 4)), 1.0)
    width = n_terms(data.family, data.counts.shape[1])
    value, terms = study_integral.log_likelihood(
        data.family, f, tau, CUTS.get(name, np.zeros(1)), *tables, sd, width, *last
    )
    return float(value[0]), terms


def difference(name: str, data: CountData, f: np.ndarray, tau: float, sd: float) -> float:
    """How far the fast likelihood of a study is from the reference."""
    exact = study_log_likelihood(data, 0, f, tau, CUTS.get(name, np.zeros(1)), sd)
    return abs(fast(name, data, f, tau, sd)[0] - exact)


def fixed_part(arms: int, effect: float) -> np.ndarray:
    """Give the arms effects at equal distances, the first and the last ``effect`` apart."""
    return effect * np.linspace(-0.5, 0.5, arms) if arms > 1 else np.array([effect / 2])


FEW = (0.0, -12.0, 100.0), (4.0, 0.0, 2.5), (8.0, 30.0, 2.5), (0.7, 3.0, 100.0), (50.0, -30.0, 100.0)


@pytest.mark.parametrize("name", NAMES)
def test_every_pattern_at_some_points(name: str) -> None:
    """Every pattern of empty cells, at points that were off by up to 3.5."""
    found = {
        (pattern, *point): difference(name, data, fixed_part(len(data.counts), effect), tau, sd)
        for pattern in patterns(name)
        for point in FEW
        for data in [one_study(name, pattern)]
        for tau, effect, sd in [point]
    }
    worst = max(found, key=lambda key: found[key])
    assert found[worst] < TOLERANCE, worst


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_wide_grid(name: str) -> None:
    """Tau from 0 to 50, effects to 30 and prior scales of the baseline to 1000; prints the largest error by pattern."""
    for pattern in patterns(name):
        data = one_study(name, pattern)
        grid = itertools.product(
            (0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 50.0), (-30, -10, -3, 0, 3, 10, 30), (2.5, 100, 1000)
        )
        found = {
            (tau, effect, sd): difference(name, data, fixed_part(len(data.counts), effect), tau, sd)
            for tau, effect, sd in grid
        }
        worst = max(found, key=lambda key: found[key])
        print(f"\n{name}, {pattern}: {len(found)} points, largest error {found[worst]:.1e} at {worst}", end="")
        assert found[worst] < TOLERANCE, (pattern, worst)


@pytest.mark.parametrize("name", TABULATED)
@pytest.mark.parametrize("sd", [2.5, 100.0])
def test_tables_of_empty_cells(name: str, sd: float) -> None:
    """Looking up, or falling back where there is no table, from tau = 0 to beyond it and to effects of 30."""
    for pattern in patterns(name):
        data = one_study(name, pattern)
        table = tabulate(data.family, study_integral.arm_table(data), study_integral.study_table(data), sd, 1.0)
        rng = np.random.default_rng(1)
        for k in range(60):
            tau = abs(rng.normal()) * (0.2, 1.0, 3.0)[k % 3]
            f = fixed_part(len(data.counts), rng.uniform(-1, 1) * (2.0, 8.0, 30.0)[k % 3])
            found = fast(name, data, f, tau, sd, (table.values, table.resolution))[0]
            assert found == pytest.approx(fast(name, data, f, tau, sd)[0], abs=TOLERANCE), (pattern, tau, f)


@pytest.mark.parametrize("name", NAMES)
def test_scores_with_empty_cells(name: str) -> None:
    """Scores by the fixed parts and by tau against differences, where the integrand is a plateau with an edge."""
    h = 1e-4
    for pattern in patterns(name):
        data = one_study(name, pattern)
        for tau, effect, sd in (*FEW[1:], (0.5, 8.0, 2.5)):
            f = fixed_part(len(data.counts), effect)
            terms = fast(name, data, f, tau, sd)[1]
            for arm in range(len(f)):
                step = np.eye(len(f))[arm] * h
                up, down = (fast(name, data, f + sign * step, tau, sd)[0] for sign in (1, -1))
                assert terms[arm, SCORE] == pytest.approx((up - down) / (2 * h), rel=1e-3, abs=2e-3), (pattern, tau)
            up, down = (fast(name, data, f, tau + sign * h, sd)[0] for sign in (1, -1))
            score = terms[:, TAU_SCORE].sum()
            assert score == pytest.approx((up - down) / (2 * h), rel=1e-3, abs=2e-3), (pattern, tau)


def _draws(n: int = 40) -> Draws:
    rng = np.random.default_rng(0)
    return Draws(rng.normal(-2.5, 3, (n, 1)), np.abs(rng.normal(5, 3, n)))


def test_check_of_a_fit() -> None:
    """Four points, each with the study that differs most."""
    rows = likelihood_check.check_likelihood(two_arm_network(EIGHT), _draws(), PriorScales(100.0, 2.0, 0.0, 100.0))
    assert [row["quantity"].split(" (")[0] for row in rows] == [
        "least tau",
        "largest tau",
        "largest effect",
        "first draw",
    ]
    assert max(abs(row["sampled"] - row["exact"]) for row in rows) < TOLERANCE
    assert has_converged([], rows)


def test_a_wrong_likelihood_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that is off by 0.002 in one study: the fit is not converged, and the table says where."""
    right = study_integral.log_likelihood_by_study

    def wrong(*arguments: object) -> tuple:
        by_study, terms = right(*arguments)
        by_study[3] += 0.002
        return by_study, terms

    monkeypatch.setattr("secondline.inference.likelihood_check.study_integral.log_likelihood_by_study", wrong)
    rows = likelihood_check.check_likelihood(two_arm_network(EIGHT), _draws(), PriorScales(100.0, 2.0, 0.0, 100.0))
    assert not has_converged([], rows)
    assert any("(s3)" in row["quantity"] and abs(row["z"]) > 4 for row in rows)


def test_contrasts_need_no_check() -> None:
    """Without counts there is nothing to integrate."""
    data = two_arm_network([])
    assert likelihood_check.check_likelihood(data, _draws(), PriorScales(1.0, 1.0, 0.0, 1.0)) == []


def test_an_edge_between_the_nodes_of_a_panel_is_seen() -> None:
    """Two empty arms far apart under a wide baseline: a plateau a hundred wide with an edge that is one wide.

    The first panel after the mode put no node near the edge, and the logarithm was off by 5e-5.
    """
    data = counts_of("binomial_logit", [[(0, 60), (0, 19)]])
    errors = [difference("binomial_logit", data, fixed_part(2, effect), 2.0, 100.0) for effect in np.arange(20, 180, 2)]
    assert max(errors) < 5e-6


def test_tables_reach_far_along_a_plateau() -> None:
    """Under a wide prior an effect without events is anywhere: what is looked up there is 200 times cheaper."""
    data = counts_of("binomial_logit", [[(0, 60), (0, 19)]])
    tables = study_integral.arm_table(data), study_integral.study_table(data)
    table = tabulate(data.family, *tables, 100.0, 5.0)
    f, taus = [fixed_part(2, effect) for effect in range(-150, 151, 5)], (0.0, 0.5, 2.0, 7.0)
    found = [
        (fast("binomial_logit", data, at, tau, 100.0, last)[0], fast("binomial_logit", data, at, tau, 100.0)[0])
        for tau in taus
        for at in f
        for last in [(table.values, table.resolution)]
    ]
    looked_up = [a != b for a, b in found]
    assert sum(looked_up) > 0.95 * len(found)
    assert max(abs(a - b) for a, b in found) < 5e-5
