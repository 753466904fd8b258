"""Unequal heterogeneity: groups of studies, each with a standard deviation of its own."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import secondline as sl
from scipy import stats
from secondline.inference import exact, models
from secondline.inference.fit import Sampler, assess, sample_fit
from secondline.inference.kernels import density
from secondline.inference.leave_one_out import leave_one_out
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import solve
from secondline.inference.settings import SamplerPlan, SamplerSettings
from secondline.inference.task import Fit
from secondline.network.data import NetworkData, network_data
from secondline.network.leaving_out import without
from secondline.network.overlap import Overlap
from secondline.network.predictor import Effects
from secondline.network.structure import Floats
from secondline.network.study_groups import StudyGroups
from secondline.report.prose.sentences import informed_words
from secondline.sd_points import Fixed
from secondline.thresholds import LEARNED_NOTHING

from tests.networks import contrast_row, plain, simulate

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
    scales = replace(SCALES, tau=Fixed(0.4))
    grouped, common = divided(likelihood), divided(likelihood, groups=None)
    first, second = (exact.posterior(data, scales) for data in (grouped, common))
    assert first.log_evidence() == pytest.approx(second.log_evidence(), abs=1e-9)


def simulated(n: int, taus: tuple[float, float], seed: int) -> pd.DataFrame:
    """Simulate contrasts: n studies with an inactive control a, and n without one, each group with its tau."""
    rng, rows = np.random.default_rng(seed), []
    for k in range(2 * n):
        first, second = (("a", "b"), ("a", "c"))[k % 2] if k < n else ("b", "c")
        effect = EFFECTS[second] - EFFECTS[first] + rng.normal(0, taus[k >= n]) + rng.normal(0, 0.1)
        rows.append({"study": f"s{k}", "treatment": second, "comparator": first, "effect": effect, "se": 0.1})
    return pd.DataFrame(rows)


def network_of(rows: pd.DataFrame) -> sl.Network:
    """Take contrasts against a."""
    columns = {name: name for name in ("study", "treatment", "comparator", "effect", "se")}
    return sl.Network.from_contrasts(rows, **columns, reference="a", measure="MD")


UNEQUAL = sl.Model(likelihood="normal", heterogeneity=sl.Unequal(by="comparison"))
PRIORS = sl.Priors(effect=sl.normal(10), tau=sl.half_normal(1))


def test_simulated_data_recover_both_taus() -> None:
    """Sixty studies of each kind; a new study has the heterogeneity of its kind."""
    truth = (0.1, 0.6)
    fitted = sl.fit(network_of(simulated(60, truth, 5)), UNEQUAL, priors=PRIORS)
    found = fitted.heterogeneity().set_index("parameter")
    for name, tau in zip(("tau[active v inactive]", "tau[active v active]"), truth, strict=True):
        assert found.loc[name, "lower"] < tau < found.loc[name, "upper"]
        assert found.loc[name, "median"] == pytest.approx(tau, abs=0.12)
        assert found.loc[name, "prior_overlap"] < 0.5
    effects = fitted.relative_effects(better="lower").set_index(["treatment", "comparator"])
    width = effects.predictive_upper - effects.predictive_lower
    for pair, name in ((("b", "a"), "tau[active v inactive]"), (("c", "b"), "tau[active v active]")):
        spread = np.hypot(effects.loc[pair, "sd"], found.loc[name, "median"])
        assert width[pair] == pytest.approx(2 * 1.96 * spread, rel=0.1)


def test_no_prediction_where_no_study_is_of_the_kind() -> None:
    """Studies of the class comparison A v a only: the heterogeneity of b v c is not known, and not said."""
    rows = simulated(10, (0.1, 0.6), 5).iloc[:10]
    model = sl.Model(likelihood="normal", heterogeneity=sl.Unequal(by="class", classes={"b": "B", "c": "B"}))
    fitted = sl.fit(network_of(rows), model, priors=PRIORS)
    assert fitted.heterogeneity().parameter.tolist() == ["tau[B v a]"]
    effects = fitted.relative_effects(better="lower").set_index(["treatment", "comparator"])
    assert effects.predictive_lower.isna().to_dict() == {
        pair: set(pair) == {"b", "c"} for pair in effects.index.to_list()
    }


def test_a_group_of_one_study_falls_to_its_prior_and_says_so() -> None:
    """Its posterior is close to its prior, and the words of the report are those of a tau that is not informed."""
    rows = simulated(10, (0.1, 0.1), 6).iloc[:11]
    found = sl.fit(network_of(rows), UNEQUAL, priors=PRIORS).heterogeneity().set_index("parameter")
    alone, many = found.loc["tau[active v active]"], found.loc["tau[active v inactive]"]
    assert alone.prior_overlap > LEARNED_NOTHING - 0.15 > many.prior_overlap
    words = informed_words({"parameter": "tau[active v active]", "prior_overlap": "0.95"})
    assert words == "τ (active v active) is not informed by the data (overlap of prior and posterior 0.95)"


@pytest.mark.parametrize(
    ("build", "line"),
    [
        (lambda: sl.Unequal(by="size"), "Unequal: by = 'size': allowed: comparison, class"),
        (lambda: sl.Unequal(by="class"), "Unequal: classes: allowed: a mapping, class by treatment, with by class"),
        (lambda: sl.Model(likelihood="normal", heterogeneity="yes"), "allowed: True, False, or how it is Unequal"),
        (
            lambda: sl.fit(
                network_of(simulated(3, (0.1, 0.1), 1)),
                sl.Model(likelihood="normal", heterogeneity=sl.Unequal(by="comparison", inactive=("z",))),
            ),
            "Unequal: inactive = 'z': allowed: a, b, c",
        ),
    ],
)
def test_mistakes_are_one_line(build: Callable[[], object], line: str) -> None:
    """In the library; what a group, a treatment or a class cannot be."""
    with pytest.raises(sl.UserError) as error:
        build()
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_what_has_one_tau_refuses_in_one_line() -> None:
    """Everything that departs from a fit by its tau; contributions have a tau by study."""
    fitted = sl.fit(network_of(simulated(6, (0.1, 0.5), 2)), UNEQUAL, priors=PRIORS)
    verbs: dict[str, Callable[[], object]] = {
        "specifications": lambda: fitted.specifications(better="lower", left_out=True),
        "thresholds": lambda: fitted.thresholds(better="lower"),
        "additivity": fitted.additivity,
        "bias_fan": lambda: fitted.bias_fan("b", [0.0, 0.1], better="lower"),
        "prior_fan": lambda: fitted.prior_fan(better="lower"),
        "next_study": lambda: fitted.next_study(better="lower"),
    }
    for name, verb in verbs.items():
        with pytest.raises(sl.UserError, match=rf"Result\.{name}: heterogeneity = 'unequal by comparison': .* one tau"):
            verb()
    shares = fitted.contributions()
    totals = shares.groupby(["treatment", "comparator"])["share"].sum()
    assert totals.to_numpy() == pytest.approx(np.ones(len(totals)))


def test_the_textbook_model_has_a_tau_for_every_group() -> None:
    """Random effects of a study have that of its group: its log density changes with that alone."""
    written_out = sl.textbook_model(network_of(simulated(3, (0.1, 0.5), 2)), UNEQUAL, PRIORS)
    names = [variable.name for variable in written_out.free_RVs]
    assert names == ["effect", "tau[active v inactive]", "tau[active v active]", "z_contrasts"]


def test_studies_that_share_patients_are_of_one_group() -> None:
    """Errors and heterogeneity of two groups cannot be diagonalised together."""
    rows = [
        contrast_row("one", "b", "a", -0.2, 0.2),
        contrast_row("two", "c", "b", 0.1, 0.2),
    ]
    shared = Overlap.by_arm(("one", "two"), [(("b", "b"), 5.0)])
    with pytest.raises(sl.UserError, match="unequal heterogeneity share patients, active v active and active v inact"):
        network_data(rows, plain("abc"), "contrasts", Effects(groups=StudyGroups.by_activity("abc", ["a"])), [shared])


def test_what_has_too_many_standard_deviations_is_not_checked() -> None:
    """Four taus, or three of counts: the exact engine says so in one line, and the sampler is alone."""
    kinds = StudyGroups(kinds={name: name for name in "abcd"})
    data = divided("contrasts", groups=kinds)
    n = len(data.groups.names)
    assert solve(data, SCALES).reason == f"its grid has at most 3 standard deviations, and the model {n}"
    with pytest.raises(ArithmeticError, match="at most 3"):
        exact.posterior(data, SCALES)
    counted = divided("binomial_logit", ("ab", "cd", "bc"), kinds)
    assert "with counts, and the model 3" in solve(counted, SCALES).reason


@pytest.mark.parametrize("likelihood", ["contrasts", "binomial_logit"])
def test_sampler_against_exact_engine(likelihood: str) -> None:
    """Both taus and all effects within the bound that every fit is held to; a model with one tau shares the code."""
    fits = [Fit(divided(likelihood, groups=groups), SCALES) for groups in (BY_CONTROL, None)]
    settings = SamplerSettings(draws=1000, tune=600, target_accept=0.9)
    again = SamplerSettings(draws=3000, tune=1000, target_accept=0.99)
    sampler = Sampler.build(fits, SamplerPlan(chains=4, first=settings, retry=again, most=1000), 1)
    for fit in fits:
        found = sample_fit(fit, sampler, 3)
        assert found.attempt.converged
        checked = {row["parameter"] for row in found.attempt.comparison}
        assert set(fit.data.groups.taus) <= checked
        assert all(row["status"] == "checked" for row in found.attempt.comparison)
        assessed, left_out = assess(found)
        assert np.isfinite(assessed.log_likelihood).all()
        assert np.isfinite(left_out.elpd).all()


def test_a_study_left_out_is_predicted_with_its_own_tau() -> None:
    """Exact leave-one-out against two evidences."""
    data, *_ = two_arm()
    posterior = exact.posterior(data, SCALES)
    found = leave_one_out(data, SCALES, posterior, np.zeros((4, 10, len(data.studies))))
    for i in range(len(data.studies)):
        without_it = exact.posterior(without(data, i), SCALES).log_evidence()
        assert found.elpd[i] == pytest.approx(posterior.log_evidence() - without_it, abs=1e-4)
