"""Classes of treatments, each with a standard deviation of its own."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import secondline as sl
from scipy import stats
from secondline.inference import exact, models
from secondline.inference.fit import Sampler, assess, sample_fit
from secondline.inference.kernels import density
from secondline.inference.leave_one_out import leave_one_out
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import solve
from secondline.inference.reweighting import reweighted
from secondline.inference.settings import SamplerPlan, SamplerSettings
from secondline.inference.task import Fit
from secondline.network.data import NetworkData, network_data
from secondline.network.leaving_out import without
from secondline.network.predictor import Effects, Predictor
from secondline.network.structure import Floats
from secondline.network.study_groups import StudyGroups
from secondline.report.prose.methods_model import effects_in_words
from secondline.report.prose.sentences import informed_words
from secondline.report.settings import AttemptFacts, Labels, MethodsFacts, ModelFacts, SamplerFacts
from secondline.report.words import Names
from secondline.sd_points import Fixed
from secondline.summaries.posterior import posterior_of, read_posterior
from secondline.thresholds import LEARNED_NOTHING

from tests.networks import plain, simulate

ABCDE = plain("abcde")
EFFECTS = {"a": 0.0, "b": -0.5, "c": 0.4, "d": 0.8, "e": 0.3}
CLASSES = {"b": "x", "c": "x", "d": "y", "e": "y"}
DESIGNS = ("ab", "ac", "ad", "ae", "bc", "cd", "bd", "be")
SCALES = PriorScales(1.5, 0.5, 0.6, 2.5)
COMMON = replace(SCALES, tau=PriorScales(1.5, 0.0, 0.6, 2.5).tau)
OWN, SHARED = Effects(classes=CLASSES, own_class_sds=True), Effects(classes=CLASSES)


def network(likelihood: str, effects: Effects = OWN, designs: tuple[str, ...] = DESIGNS) -> NetworkData:
    """Simulate a network of two classes of two treatments, and a reference without a class."""
    return network_data(simulate(likelihood, designs, EFFECTS, 0.2, 4), ABCDE, likelihood, effects)


def test_which_standard_deviation_a_coefficient_has() -> None:
    """That of the class of its component; one of all where the classes share it, or where there are no departures."""
    own = Predictor(ABCDE, OWN)
    assert own.omegas == ("omega[x]", "omega[y]")
    assert dict(zip(own.names, own.omega_of.tolist(), strict=True)) == {
        **{"class[x]": 0, "class[y]": 0},
        **{"departure[b]": 0, "departure[c]": 0, "departure[d]": 1, "departure[e]": 1},
    }
    assert SCALES.coefficients(own, np.array([0.2, 0.7])).tolist() == [1.5, 1.5, 0.2, 0.2, 0.7, 0.7]
    for effects in (SHARED, replace(OWN, unrelated=True), Effects(own_class_sds=True), Effects(settings=True)):
        assert Predictor(ABCDE, effects).omegas == ("omega",)


def two_arm() -> tuple[NetworkData, Floats, Floats, Floats]:
    """Two-arm contrasts: the data, and effects, standard errors and rows as the table gives them."""
    rows = simulate("contrasts", DESIGNS, EFFECTS, 0.2, 7)
    data = network_data(rows, ABCDE, "contrasts", OWN)
    y, se = (np.array([float(row[key]) for row in rows]) for key in ("effect", "se"))
    return data, y, se, data.gaussian.rows * se[:, None]


def test_density_is_that_computed_by_hand() -> None:
    """That of the compiled function, by differences between points; two fits of a job may differ in their omegas."""
    data, y, se, rows = two_arm()
    inputs = models.model_inputs(data, SCALES, 6, n_omegas=3)

    def natural(raw: Floats) -> Floats:
        found = models.natural_parameters(raw[None, None], data, SCALES, inputs)
        return np.concatenate([np.ravel(found[key][0, 0]) for key in ("coefficients", "tau", "omega")])

    def posterior(raw: Floats) -> float:
        at = natural(raw)
        b, tau, omegas = at[:6], at[6], at[7:]
        value = stats.norm(rows @ b, np.sqrt(se**2 + tau**2)).logpdf(y).sum()
        value += stats.norm(0, 1.5).logpdf(b[:2]).sum() + stats.norm(0, omegas[0]).logpdf(b[2:4]).sum()
        value += stats.norm(0, omegas[1]).logpdf(b[4:]).sum()
        value += stats.halfnorm(scale=0.5).logpdf(tau) + stats.halfnorm(scale=0.6).logpdf(omegas).sum()
        steps = np.eye(len(raw))[:9] * 1e-5
        jacobian = np.array([(natural(raw + step) - natural(raw - step)) / 2e-5 for step in steps])
        # the third omega is no parameter of this fit: its coordinate is a standard normal
        return float(value + np.linalg.slogdet(jacobian)[1] - 0.5 * raw[-1] ** 2)

    points = np.abs(np.random.default_rng(3).standard_normal((4, 10)))
    found = [density.log_density(raw, inputs.vector)[0] - 0.5 * float(raw @ raw) for raw in points]
    assert np.diff(found) == pytest.approx(np.diff([posterior(raw) for raw in points]), abs=1e-6)


@pytest.mark.parametrize("likelihood", ["contrasts", "normal", "binomial_logit"])
def test_gradient_by_every_omega(likelihood: str) -> None:
    """The compiled gradient against finite differences, with two taus beside two omegas."""
    data = network(likelihood, replace(OWN, groups=StudyGroups.by_activity("abcde", ["a"])))
    vector = models.model_inputs(data, SCALES, data.n_coefficients, tabulated=False).vector
    for raw in np.random.default_rng(2).standard_normal((3, data.n_coefficients + 4)):
        gradient = density.log_density(raw, vector)[1]
        steps = 1e-5 * np.eye(len(raw))
        ends = [[density.log_density(raw + sign * step, vector)[0] for sign in (1, -1)] for step in steps]
        assert gradient == pytest.approx(np.array([(up - down) / 2e-5 for up, down in ends]), rel=2e-4, abs=2e-4)


@pytest.mark.parametrize("scales", [COMMON, SCALES], ids=["common effect", "random effects"])
def test_exact_engine_against_brute_force(scales: PriorScales) -> None:
    """Quadrature over a plain product grid of tau and two omegas, y marginal to all effects."""
    data, y, se, rows = two_arm()
    found = exact.posterior(data, scales)
    x, axes = np.linspace(0, 3, 61), (0, 1, 2)
    taus = x if scales.tau else np.zeros(1)
    kinds = np.array([[1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]], float)
    of_class, of_x, of_y = ((rows * kind) @ rows.T for kind in kinds)
    within = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0]) * 1.5**2
    shape = len(taus), len(x), len(x)
    height, means = np.empty(shape), np.empty((*shape, 6))
    for t, tau in enumerate(taus):
        for k, first in enumerate(x):
            v = np.diag(se**2 + tau**2) + 1.5**2 * of_class + first**2 * of_x + x[:, None, None] ** 2 * of_y
            solved = np.linalg.solve(v, np.broadcast_to(y[:, None], (len(x), len(y), 1)))[..., 0]
            height[t, k] = -0.5 * (np.linalg.slogdet(v)[1] + solved @ y + len(y) * np.log(2 * np.pi))
            prior = within + first**2 * kinds[1] + x[:, None] ** 2 * kinds[2]
            means[t, k] = prior * (solved @ rows)
    half = np.where((x == 0) | (x == x[-1]), 0.5, 1.0) * x[1]
    of_omega = half * stats.halfnorm(scale=0.6).pdf(x)
    of_tau = half * stats.halfnorm(scale=0.5).pdf(x) if scales.tau else np.ones(1)
    weights = np.exp(height) * np.einsum("t,i,j->tij", of_tau, of_omega, of_omega)
    assert found.log_evidence() == pytest.approx(np.log(weights.sum()), abs=1e-4)
    weights /= weights.sum()
    assert found.mixture(np.eye(6)).mean() == pytest.approx(np.einsum("tij,tijk->k", weights, means), abs=1e-4)
    for k, name in enumerate(data.predictor.omegas):
        expected = weights.sum(axis=tuple(axis for axis in axes if axis != k + 1))
        mean = expected @ x
        sd = np.sqrt(expected @ (x - mean) ** 2)
        assert found.scale_summary(name)[0][:2] == pytest.approx([mean, sd], abs=1e-3)
        assert found.joint().scale(name).mean() == pytest.approx([mean], abs=1e-3)


@pytest.mark.parametrize("likelihood", ["contrasts", "normal", "binomial_logit"])
def test_one_class_of_its_own_is_the_shared_model(likelihood: str) -> None:
    """With a single class, density, gradient and exact posterior are to the bit those of the one omega of all."""
    every = dict.fromkeys("bcde", "x")
    own, shared = (network(likelihood, Effects(classes=every, own_class_sds=flag)) for flag in (True, False))
    assert own.predictor.omegas == ("omega[x]",)
    for raw in np.random.default_rng(1).standard_normal((3, 7)):
        first, second = (density.log_density(raw, models.model_inputs(d, SCALES, 5).vector) for d in (own, shared))
        assert first[0] == second[0]
        assert (first[1] == second[1]).all()
    drawn = np.random.default_rng(2).standard_normal((2, 5, 7))
    of_own, of_shared = (
        models.natural_parameters(drawn, data, SCALES, models.model_inputs(data, SCALES, 5)) for data in (own, shared)
    )
    assert (of_own["coefficients"] == of_shared["coefficients"]).all()
    assert (of_own["omega"][..., 0] == of_shared["omega"]).all()
    few = exact.Effort(5, 5, 32, 1)
    grids = [exact.posterior(data, SCALES, few) for data in (own, shared)]
    assert (grids[0].log_density == grids[1].log_density).all()
    assert (grids[0].means == grids[1].means).all()


def test_two_omegas_that_are_the_same_number_are_one() -> None:
    """With omega fixed at a number, the classes make no difference."""
    scales = replace(SCALES, omega=Fixed(0.4))
    first, second = (exact.posterior(network("contrasts", effects), scales) for effects in (OWN, SHARED))
    assert first.log_evidence() == pytest.approx(second.log_evidence(), abs=1e-12)


def test_a_study_left_out_of_several_classes() -> None:
    """Exact leave-one-out against two evidences."""
    data, *_ = two_arm()
    posterior = exact.posterior(data, COMMON)
    found = leave_one_out(data, COMMON, posterior, np.zeros((4, 10, len(data.studies))))
    for i in (0, 3, 7):
        without_it = exact.posterior(without(data, i), COMMON).log_evidence()
        assert found.elpd[i] == pytest.approx(posterior.log_evidence() - without_it, abs=1e-4)


def test_counts_have_a_grid_of_two_omegas() -> None:
    """In a model with a common effect: checked, and reweighted to the same priors it is what it was."""
    data = network("binomial_logit", designs=("ab", "ac", "ad", "ae"))
    solution = solve(data, COMMON)
    assert solution.status == "checked"
    found = solution.posterior
    assert found is not None
    assert found.omega.points.shape == (121, 2)
    again = reweighted(found, data.predictor, COMMON, COMMON)
    assert again is not None
    assert again.log_density == pytest.approx(found.log_density, abs=1e-9)


@pytest.mark.parametrize(
    ("likelihood", "classes", "line"),
    [
        ("contrasts", dict(zip("bcde", "xyzz", strict=True)), "at most 3 standard deviations, and the model 4"),
        ("binomial_logit", CLASSES, "at most 2 standard deviations with counts, and the model 3"),
    ],
)
def test_what_has_too_many_standard_deviations_is_not_checked(
    likelihood: str, classes: dict[str, str], line: str
) -> None:
    """The exact engine says so in one line, and the sampler is alone."""
    data = network(likelihood, Effects(classes=classes, own_class_sds=True))
    solution = solve(data, SCALES)
    assert line in solution.reason
    assert solution.status.startswith("no exact check: its grid has at most")
    with pytest.raises(ArithmeticError, match="at most"):
        exact.posterior(data, SCALES)


def contrasts(members: dict[str, tuple[str, float]], each: int = 2, se: float = 0.1, seed: int = 1) -> sl.Network:
    """Simulate contrasts of treatments against p; every member has a class and an effect."""
    rng = np.random.default_rng(seed)
    rows = [
        {"study": f"{name}{k}", "t": name, "c": "p", "y": effect + rng.normal(0, se), "se": se}
        for name, (_, effect) in members.items()
        for k in range(each)
    ]
    columns = {"study": "study", "treatment": "t", "comparator": "c", "effect": "y", "se": "se"}
    return sl.Network.from_contrasts(pd.DataFrame(rows), **columns, reference="p", measure="MD")


def of_classes(members: dict[str, tuple[str, float]], heterogeneity: bool = False) -> sl.Model:
    """Give every class of the members a standard deviation of its own."""
    classes = {name: group for name, (group, _) in members.items()}
    return sl.Model(likelihood="normal", heterogeneity=heterogeneity, classes=classes, class_sd="own")


PRIORS = sl.Priors(effect=sl.normal(10), tau=sl.half_normal(0.3), omega=sl.half_normal(1))
NARROW, WIDE = (0.0, 0.05, -0.05, 0.1, -0.1, 0.02), (1.5, 0.2, -0.9, 2.1, -0.4, 0.8)
MEMBERS = {
    **{f"n{k}": ("near", effect) for k, effect in enumerate(NARROW)},
    **{f"w{k}": ("far", effect) for k, effect in enumerate(WIDE)},
}


def test_classes_that_differ_have_different_omegas() -> None:
    """Members of one class are alike, those of the other are not; a shared omega would shrink both alike."""
    found = sl.fit(contrasts(MEMBERS), of_classes(MEMBERS), priors=PRIORS).heterogeneity().set_index("parameter")
    assert found.index.tolist() == ["omega[near]", "omega[far]"]
    assert found.loc["omega[near]", "upper"] < 0.3 < 0.5 < found.loc["omega[far]", "lower"]
    assert (found.prior_overlap < LEARNED_NOTHING).all()


def test_a_class_with_one_member_keeps_its_prior_and_says_so() -> None:
    """Its row is there, with the quantiles of the prior; the words are those of what the data do not inform."""
    members = {**{f"n{k}": ("near", effect) for k, effect in enumerate(NARROW)}, "alone": ("single", 0.7)}
    found = sl.fit(contrasts(members), of_classes(members), priors=PRIORS).heterogeneity().set_index("parameter")
    alone = found.loc["omega[single]"]
    expected = stats.halfnorm.ppf([0.5, 0.025, 0.975])
    assert alone[["median", "lower", "upper"]].to_numpy(float) == pytest.approx(expected, abs=0.02)
    assert alone.prior_overlap > 0.98 > LEARNED_NOTHING > found.loc["omega[near]", "prior_overlap"]
    assert informed_words({"parameter": "omega[single]", "prior_overlap": str(alone.prior_overlap)}).startswith(
        "ω (single) is not informed by the data"
    )


SMALL = {"b": ("x", 0.1), "c": ("x", 0.3), "d": ("y", 0.9), "e": ("y", 0.2)}


def test_a_whole_project_in_the_library(tmp_path: Path) -> None:
    """Every table of a fit, with a known tau beside two omegas, and the same posterior from a file."""
    priors = replace(PRIORS, tau=sl.fixed(0.1))
    fitted = sl.fit(contrasts(SMALL), of_classes(SMALL, heterogeneity=True), priors=priors, draws=500)
    assert fitted.heterogeneity().parameter.tolist() == ["omega[x]", "omega[y]"]
    coefficients = fitted.coefficients().set_index("parameter")
    assert coefficients.loc["departure[b]", "prior"] == "normal(0, omega of its class)"
    assert coefficients.loc["class[x]", "prior"] == "normal(0, 10)"
    effects = fitted.relative_effects(better="lower").set_index(["treatment", "comparator"])
    assert effects.loc[("d", "p"), "mean"] == pytest.approx(0.9, abs=0.3)
    assert (effects.predictive_upper > effects.upper).all()
    assert len(fitted.ranking(better="lower")) == 5
    assert np.isfinite(fitted.summary().select_dtypes("number").to_numpy(float)).any()
    shares = fitted.contributions().groupby(["treatment", "comparator"])["share"].sum()
    assert shares.to_numpy() == pytest.approx(np.ones(len(shares)))
    tree = fitted.to_datatree()
    assert tree["posterior"]["omega"].dims == ("chain", "draw", "class")
    assert tree["posterior"]["class"].to_numpy().tolist() == ["x", "y"]
    tree.to_netcdf(tmp_path / "posterior.nc", engine="h5netcdf")
    read, kept = read_posterior(str(tmp_path / "posterior.nc")), posterior_of(fitted._fitted)
    assert list(read.densities) == ["omega[x]", "omega[y]"]
    for name in read.densities:
        assert np.stack(read.densities[name]) == pytest.approx(np.stack(kept.densities[name]))
        assert read.scale(name)["mean"] == pytest.approx(kept.scale(name)["mean"], abs=0.1)


def test_what_has_one_omega_refuses_in_one_line() -> None:
    """Everything that departs from a fit by its standard deviations."""
    fitted = sl.fit(contrasts(SMALL), of_classes(SMALL), priors=PRIORS)
    verbs: dict[str, Callable[[], object]] = {
        "specifications": lambda: fitted.specifications(better="lower", left_out=True),
        "thresholds": lambda: fitted.thresholds(better="lower"),
        "additivity": fitted.additivity,
        "bias_fan": lambda: fitted.bias_fan("b", [0.0, 0.1], better="lower"),
        "prior_fan": lambda: fitted.prior_fan(better="lower"),
        "next_study": lambda: fitted.next_study(better="lower"),
    }
    for name, verb in verbs.items():
        with pytest.raises(sl.UserError, match=rf"Result\.{name}: class_sd = 'own': .* one omega, or none") as error:
            verb()
        assert "\n" not in str(error.value)
    plainly = sl.fit(contrasts(SMALL), sl.Model(likelihood="normal"), priors=PRIORS)
    with pytest.raises(sl.UserError, match="the specification curve has one omega, or none"):
        plainly.specifications(better="lower", models={"own": of_classes(SMALL)})


@pytest.mark.parametrize(
    ("build", "line"),
    [
        (lambda: sl.Model(likelihood="normal", classes={"b": "x"}, class_sd="each"), "class_sd = 'each': allowed: sha"),
        (lambda: sl.Model(likelihood="normal", class_sd="own"), "Model: class_sd = 'own': the model has no classes"),
        (
            lambda: sl.fit(
                contrasts({name: (name, 0.1) for name in "bcde"}), of_classes({name: (name, 0.1) for name in "bcde"})
            ),
            "its grid has at most 3 standard deviations, and the model 4; take nuts",
        ),
    ],
)
def test_mistakes_are_one_line(build: Callable[[], object], line: str) -> None:
    """In the library: another word, no classes, more classes than the exact engine takes."""
    with pytest.raises(sl.UserError) as error:
        build()
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_the_textbook_model_has_an_omega_for_every_class() -> None:
    """Departures of a class are multiplied by its omega."""
    written_out = sl.textbook_model(contrasts(SMALL), of_classes(SMALL), PRIORS)
    assert [variable.name for variable in written_out.free_RVs] == ["effect", "omega[x]", "omega[y]"]
    given = {"effect": np.ones(6), "omega[x]": 0.5, "omega[y]": 2.0}
    coefficients = pm.do(written_out, given)["coefficients"].eval(mode="FAST_COMPILE")
    assert coefficients.tolist() == [1.0, 1.0, 0.5, 0.5, 2.0, 2.0]


def test_words_of_the_report() -> None:
    """The methods say whose standard deviations they are, and headings name the class."""
    attempt = AttemptFacts(draws=1000, tune=600, target_accept=0.9)
    facts = MethodsFacts(
        outcomes={},
        models={},
        priors={},
        sampler=SamplerFacts(chains=4, first=attempt, retry=attempt, most=1000),
        analyses={},
        ladder=(),
        plain=True,
        reference="Placebo",
        classes=("Kinase inhibitors", "Antibodies"),
    )
    own, shared = (ModelFacts(heterogeneity=False, classes=True, own_class_sds=flag) for flag in (True, False))
    labels = Labels(classes={"x": "Kinase inhibitors"}, omega={"own": "classes"})
    names = Names(labels=labels, analysis="only", model="own")
    assert effects_in_words(own, facts, names).endswith("with a separate standard deviation ω for every class")
    assert effects_in_words(shared, facts, names).endswith("with standard deviation ω")
    heading = "ω: standard deviation of component effects within the class Kinase inhibitors"
    assert names.parameter("omega[x]") == heading
    assert names.parameter("omega") == "ω: standard deviation of component effects within classes"


@pytest.mark.slow
@pytest.mark.parametrize(("likelihood", "scales"), [("contrasts", SCALES), ("binomial_logit", COMMON)])
def test_sampler_against_exact_engine(likelihood: str, scales: PriorScales) -> None:
    """Both omegas and all effects within the bound of every fit; a model with one omega shares the code."""
    fits = [Fit(network(likelihood, effects), scales) for effects in (OWN, SHARED)]
    settings = SamplerSettings(draws=1000, tune=600, target_accept=0.9)
    again = SamplerSettings(draws=3000, tune=1000, target_accept=0.99)
    sampler = Sampler.build(fits, SamplerPlan(chains=4, first=settings, retry=again, most=1000), 1)
    for fit in fits:
        found = sample_fit(fit, sampler, 3)
        assert found.attempt.converged
        assert set(fit.data.predictor.omegas) <= {row["parameter"] for row in found.attempt.comparison}
        assert all(row["status"] == "checked" for row in found.attempt.comparison)
        assessed, left_out = assess(found)
        assert np.isfinite(assessed.log_likelihood).all()
        assert np.isfinite(left_out.elpd).all()


@pytest.mark.slow
def test_sampler_alone() -> None:
    """More standard deviations than a grid has: the sampler converges, unchecked, and the densities come from draws."""
    data = network("binomial_logit")
    settings = SamplerSettings(draws=1000, tune=600, target_accept=0.9)
    plan = SamplerPlan(chains=4, first=settings, retry=replace(settings, target_accept=0.99), most=1000)
    fit = Fit(data, SCALES)
    found = sample_fit(fit, Sampler.build([fit], plan, 1), 3)
    assert found.attempt.converged
    assert all(row["status"].startswith("no exact check") for row in found.attempt.comparison[:1])
    summarised = posterior_of(found)
    assert list(summarised.densities) == ["tau", "omega[x]", "omega[y]"]
    for x, height in summarised.densities.values():
        assert np.trapezoid(height, x) == pytest.approx(1, abs=0.02)
