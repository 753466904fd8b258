"""Unequal heterogeneity: groups of studies, each with a standard deviation of its own."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from secondline.inference import exact, models
from secondline.inference.kernels import density
from secondline.inference.priors import PriorScales
from secondline.network.data import NetworkData, network_data
from secondline.network.predictor import Effects
from secondline.network.structure import Floats
from secondline.network.study_groups import StudyGroups

from tests.networks import plain, simulate

ABCD = plain("abcd")
EFFECTS = {"a": 0.0, "b": -0.5, "c": 0.4, "d": 0.8}
DESIGNS = ("ab", "ac", "ad", "ab", "bc", "cd", "bd", "bcd", "abc")
BY_CONTROL = StudyGroups.by_activity("abcd", ["a"])
SCALES = PriorScales(1.5, 1.0, 0.0, 2.5)


def divided(
    likelihood: str, designs: tuple[str, ...] = DESIGNS, groups: StudyGroups | None = BY_CONTROL
) -> NetworkData:
    """Simulate a network whose studies are divided by whether they have an inactive control."""
    return network_data(simulate(likelihood, designs, EFFECTS, 0.3, 4), ABCD, likelihood, Effects(groups=groups))


def test_every_study_belongs_to_one_group() -> None:
    """By its arms: with an inactive control or without one; by the classes that it compares."""
    data = divided("contrasts")
    assert data.groups.names == ("active v inactive", "active v active")
    assert data.groups.by_study.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 0]
    parts = {"p": (), "a": ("a",), "b": ("b",), "ab": ("a", "b"), "c": ("c",)}
    classes = StudyGroups.by_class(parts, {"a": "A", "b": "B", "c": "B"})
    assert classes.of([["p"], ["a"]]) == "A v p"
    assert classes.of([["b"], ["c"]]) == "B v B"
    assert classes.of([["c"], ["p"], ["ab"]]) == "B v A + B v p"
    assert classes.of([["b", "a"], ["p"]]) == "A or B v p"
    places = classes.of_pairs(["p", "a", "b"], ["A v p", "B v p"])
    assert places.tolist() == [[-1, 0, 1], [0, -1, -1], [1, -1, -1]]


def hand_computed(rows: Floats, y: Floats, errors: Floats, taus: Floats, b: Floats) -> float:
    """Log likelihood of independent contrasts, each with its own tau."""
    return float(stats.norm(rows @ b, np.sqrt(errors**2 + taus**2)).logpdf(y).sum())


def two_arm() -> tuple[NetworkData, Floats, Floats, Floats]:
    """Two-arm contrasts: the data, and effects, standard errors and rows as the table gives them."""
    rows = simulate("contrasts", ("ab", "ab", "ab", "bc", "bc", "ac"), EFFECTS, 0.4, 7)
    data = network_data(rows, plain("abc"), "contrasts", Effects(groups=StudyGroups.by_activity("abc", ["a"])))
    y, se = (np.array([float(row[key]) for row in rows]) for key in ("effect", "se"))
    return data, y, se, data.gaussian.rows * se[:, None]


def test_log_likelihood_with_two_taus_is_that_computed_by_hand() -> None:
    """That of the compiled density, by differences between points."""
    data, y, se, rows = two_arm()
    group = data.groups.by_study
    scales = PriorScales(1.5, 1.0, 0.0, 2.5)
    inputs = models.model_inputs(data, scales, 2)

    def posterior(raw: Floats) -> float:
        found = models.natural_parameters(raw[None, None], data, scales, inputs)
        b, taus = found["coefficients"][0, 0], found["tau"][0, 0]
        prior = stats.norm(0, 1.5).logpdf(b).sum() + stats.halfnorm(scale=1.0).logpdf(taus).sum()
        return hand_computed(rows, y, se, taus[group], b) + float(prior)

    def log_jacobian(raw: Floats) -> float:
        def natural(x: Floats) -> Floats:
            found = models.natural_parameters(x[None, None], data, scales, inputs)
            return np.concatenate([found["coefficients"][0, 0], found["tau"][0, 0]])

        steps = np.eye(len(raw))[: len(raw) - 1] * 1e-5
        jacobian = np.array([(natural(raw + step) - natural(raw - step)) / 2e-5 for step in steps])
        return float(np.linalg.slogdet(jacobian)[1])

    points = np.abs(np.random.default_rng(3).standard_normal((4, 5)))
    found = [density.log_density(raw, inputs.vector)[0] - 0.5 * float(raw @ raw) for raw in points]
    # omega is no parameter: its coordinate is a standard normal
    expected = [posterior(raw) + log_jacobian(raw) - 0.5 * raw[-1] ** 2 for raw in points]
    assert np.diff(found) == pytest.approx(np.diff(expected), abs=1e-6)


@pytest.mark.parametrize("likelihood", ["contrasts", "normal", "binomial_logit", "poisson_log"])
def test_gradient_by_every_tau(likelihood: str) -> None:
    """The compiled gradient against finite differences."""
    data = divided(likelihood)
    vector = models.model_inputs(data, SCALES, data.n_coefficients, tabulated=False).vector
    rng = np.random.default_rng(2)
    for raw in rng.standard_normal((3, data.n_coefficients + 3)):
        gradient = density.log_density(raw, vector)[1]
        steps = 1e-5 * np.eye(len(raw))
        ends = [[density.log_density(raw + sign * step, vector)[0] for sign in (1, -1)] for step in steps]
        assert gradient == pytest.approx(np.array([(up - down) / 2e-5 for up, down in ends]), rel=2e-4, abs=2e-4)


def test_exact_engine_against_brute_force() -> None:
    """Quadrature over a plain product grid of two taus, the effects in closed form."""
    data, y, se, rows = two_arm()
    group = data.groups.by_study
    found = exact.posterior(data, SCALES)
    x = np.linspace(0, 6, 301)
    height, means = np.empty((len(x), len(x))), np.empty((len(x), len(x), 2))
    for i, first in enumerate(x):
        for j, second in enumerate(x):
            v = se**2 + np.array([first, second])[group] ** 2
            covariance = np.diag(v) + rows @ rows.T * 1.5**2
            height[i, j] = stats.multivariate_normal(np.zeros(len(y)), covariance).logpdf(y)
            means[i, j] = 1.5**2 * rows.T @ np.linalg.solve(covariance, y)
    prior = stats.halfnorm(scale=1.0).logpdf(x)
    weights = np.exp(height + prior[:, None] + prior) * np.outer(*[np.where((x == 0) | (x == 6), 0.5, 1.0)] * 2)
    step = x[1] ** 2
    assert found.log_evidence() == pytest.approx(np.log(weights.sum() * step), abs=1e-4)
    weights /= weights.sum()
    assert found.mixture(np.eye(2)).mean() == pytest.approx(np.einsum("ij,ijk->k", weights, means), abs=1e-5)
    for k, name in enumerate(data.groups.taus):
        expected = weights.sum(axis=1 - k)
        mean = expected @ x
        sd = np.sqrt(expected @ (x - mean) ** 2)
        assert found.scale_summary(name)[0][:2] == pytest.approx([mean, sd], abs=2e-4)


@pytest.mark.parametrize("likelihood", ["contrasts", "normal"])
def test_one_group_is_the_model_with_one_tau(likelihood: str) -> None:
    """Where all studies are of one kind, posterior and compiled density are those of the model with one tau."""
    designs = ("ab", "ac", "ad", "abc")
    grouped, common = divided(likelihood, designs), divided(likelihood, designs, None)
    assert grouped.groups.names == ("active v inactive",)
    first, second = exact.posterior(grouped, SCALES), exact.posterior(common, SCALES)
    assert first.log_evidence() == pytest.approx(second.log_evidence(), abs=1e-12)
    assert first.scale_summary(grouped.groups.taus[0])[0] == pytest.approx(second.scale_summary("tau")[0], abs=1e-12)
    raw = np.random.default_rng(1).standard_normal(grouped.n_coefficients + 2)
    one, other = (density.log_density(raw, models.model_inputs(d, SCALES, 3).vector) for d in (grouped, common))
    assert one[0] == other[0]
    assert (one[1] == other[1]).all()


@pytest.mark.parametrize("likelihood", ["contrasts", "binomial_logit"])
def test_two_taus_that_are_the_same_number_are_one(likelihood: str) -> None:
    """With both taus fixed at one number the groups make no difference."""
    from secondline.sd_points import Fixed

    scales = replace(SCALES, tau=Fixed(0.4))
    grouped, common = divided(likelihood), divided(likelihood, groups=None)
    first, second = (exact.posterior(data, scales) for data in (grouped, common))
    assert first.log_evidence() == pytest.approx(second.log_evidence(), abs=1e-9)
