"""Quadrature likelihoods of counts against brute-force integration, for every family."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, gammaln, log_ndtr, xlogy
from secondline.inference import families, importance
from secondline.inference.families import FITTED, LOG_LIKELIHOOD, SCORE, TAU_SCORE
from secondline.inference.kernels import integral_tables as tabulate_module
from secondline.inference.kernels import study_integral
from secondline.inference.kernels.integral_tables import NO_TABLE, tabulate
from secondline.likelihoods import COUNT_LIKELIHOODS, Distribution
from secondline.links import PROBIT
from secondline.network.data import CountData, network_data
from secondline.network.leaving_out import without

from scripts.calibrate import Model, Truth, redraw
from tests.networks import arm_row, plain

BASELINE_SD = 2.5
NAMES = tuple(COUNT_LIKELIHOODS)
CUTS = {
    name: np.array([0.0, 0.6, 1.3] if one.link is PROBIT else [0.0, 0.9, 2.1])
    for name, one in COUNT_LIKELIHOODS.items()
    if one.is_ordered
}


def counts_of(name: str, studies: list[list[tuple]], times: list[float] | None = None) -> CountData:
    """Arms of several studies; the rows of coefficients play no part here."""
    start = np.cumsum([0, *(len(study) for study in studies)])
    counts = np.array([arm for study in studies for arm in study], float)
    counts = counts[:, :1] if COUNT_LIKELIHOODS[name].distribution is Distribution.POISSON else counts
    offset = np.zeros(len(counts)) if times is None else np.log(times)
    return CountData(
        COUNT_LIKELIHOODS[name].family, np.arange(len(studies)), start, counts, offset, np.zeros((len(counts), 1))
    )


def log_density(name: str, counts: np.ndarray, offset: float, eta: np.ndarray) -> np.ndarray:
    """Log likelihood of one arm at linear predictors, written down anew."""
    if name == "poisson_log":
        return counts[0] * (eta + offset) - np.exp(eta + offset)
    if name == "binomial_cloglog":
        hazard = np.exp(np.clip(eta + offset, -300, 300))
        return xlogy(counts[0], -np.expm1(-hazard)) - (counts[1] - counts[0]) * hazard
    if name == "binomial_logit":
        return counts[0] * eta - counts[1] * np.logaddexp(0, eta)
    if name not in CUTS:  # binomial with any other link, less exact in its tails
        p = np.clip(COUNT_LIKELIHOODS[name].link.inverse(eta + offset), 1e-300, 1 - 1e-16)
        return xlogy(counts[0], p) + xlogy(counts[1] - counts[0], 1 - p)
    log_cdf = log_ndtr if COUNT_LIKELIHOODS[name].link is PROBIT else (lambda x: -np.logaddexp(0, -x))
    ends = [None, *CUTS[name], None]
    total = np.zeros_like(eta)
    for n, low, high in zip(counts, ends[:-1], ends[1:], strict=True):
        if n:
            if low is None:
                log_p = log_cdf(high - eta)
            elif high is None:
                log_p = log_cdf(eta - low)
            else:
                # the difference of the smaller tails
                upper = eta > (low + high) / 2
                a = np.where(upper, log_cdf(high - eta), log_cdf(eta - low))
                b = np.where(upper, log_cdf(low - eta), log_cdf(eta - high))
                log_p = a + np.log1p(-np.exp(np.minimum(b - a, -1e-300)))
            total = total + n * log_p
    return total


STEP = 0.01


def brute_force(name: str, data: CountData, f: np.ndarray, tau: float) -> np.ndarray:
    """Log likelihood by study on a dense grid of the baseline; arm effects are a convolution with a normal density."""
    mu = np.arange(-30, 30, STEP)
    k = tau / np.sqrt(2)
    reach = int(np.ceil(9 * k / STEP))
    kernel = np.exp(-0.5 * (STEP * np.arange(-reach, reach + 1) / max(k, 1e-9)) ** 2)
    result = []
    for i in range(len(data.study)):
        total = -0.5 * (mu / BASELINE_SD) ** 2 - np.log(BASELINE_SD * np.sqrt(2 * np.pi))
        for arm in range(data.start[i], data.start[i + 1]):
            density = log_density(name, data.counts[arm], data.offset[arm], mu + f[arm])
            averaged = np.convolve(np.exp(density - density.max()), kernel / kernel.sum(), mode="same")
            total = total + density.max() + np.log(np.maximum(averaged, 1e-300))
        result.append(total.max() + np.log(np.trapezoid(np.exp(total - total.max()), mu)))
    return np.array(result)


@dataclass(frozen=True)
class Evaluation:
    """Log likelihood by study and expectations by arm."""

    value: np.ndarray
    terms: np.ndarray


def evaluate(
    name: str,
    data: CountData,
    f: np.ndarray,
    tau: float,
    cuts: np.ndarray | None = None,
    baseline_sd: float = BASELINE_SD,
) -> Evaluation:
    """Evaluate without a table."""
    cuts = CUTS.get(name, np.zeros(1)) if cuts is None else cuts
    tables = study_integral.arm_table(data), study_integral.study_table(data)
    width = families.n_terms(data.family, data.counts.shape[1])
    empty = np.zeros((0, 4))
    return Evaluation(
        *study_integral.log_likelihood(data.family, f, tau, cuts, *tables, baseline_sd, width, empty, 1.0)
    )


BINARY = [
    [(3, 37), (12, 56)],
    [(0, 21), (5, 49), (2, 33)],
    [(20, 20), (20, 20)],
    [(0, 15), (0, 12)],
    [(9, 48), (30, 86)],
    [(0, 15), (0, 12), (0, 40)],
    [(30, 30), (22, 31)],
]
ORDERED = [
    [(20, 9, 7, 4), (15, 11, 14, 10)],
    [(21, 0, 0, 0), (40, 5, 1, 0), (30, 3, 0, 0)],
    [(0, 0, 0, 20), (1, 0, 4, 30)],
    [(15, 0, 0, 0), (12, 0, 0, 0)],
    [(4, 11, 9, 0), (2, 7, 12, 3)],
    [(0, 0, 0, 14), (0, 0, 0, 9), (0, 1, 2, 20)],
]
TIMES = [0.5, 2, 1, 1, 3, 1, 2, 1, 0.5, 1, 2, 1, 1, 3, 0.7, 1.6]
PATIENTS = [arm[1] for study in BINARY for arm in study]
AT_RISK = [n * (1 + time) for n, time in zip(PATIENTS, TIMES, strict=True)]


def data_of(name: str) -> CountData:
    """Give arms such as the likelihood models, with the time that it takes."""
    one = COUNT_LIKELIHOODS[name]
    times = AT_RISK if one.distribution is Distribution.POISSON else TIMES
    return counts_of(name, ORDERED if one.is_ordered else BINARY, times if one.takes_time else None)


DATA = {name: data_of(name) for name in NAMES}


def centred(data: CountData, by_arm: np.ndarray) -> np.ndarray:
    """Values of the arms less their mean in each study; scores so are what a centred design makes a gradient of."""
    sizes = np.diff(data.start)
    return by_arm - np.repeat(np.add.reduceat(by_arm, data.start[:-1]) / sizes, sizes)


def fixed_parts(data: CountData, seed: int = 1, size: float = 0.4) -> np.ndarray:
    """Draw fixed parts of the arms, centred within studies."""
    return centred(data, size * np.random.default_rng(seed).normal(size=len(data.counts)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tau", [0.0, 0.02, 0.3, 1.0])
def test_agrees_with_brute_force(name: str, tau: float) -> None:
    """Two- and three-arm studies, zero cells, studies without any event, and some in which everybody had it."""
    data = DATA[name]
    f = fixed_parts(data)
    assert evaluate(name, data, f, tau).value == pytest.approx(brute_force(name, data, f, tau), abs=1e-4)


# a large study that tells the cutpoints
ANCHOR = {
    "ordered_logit": [(500, 211, 180, 109), (182, 172, 291, 354)],
    "ordered_probit": [(500, 226, 177, 97), (159, 186, 273, 382)],
}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 100), min_size=2, max_size=4),
    baseline=st.floats(-5, 5),
    tau=st.floats(0, 1.5),
    seed=st.integers(0, 10_000),
)
def test_likelihood_of_any_study(name: str, sizes: list[int], baseline: float, tau: float, seed: int) -> None:
    """Studies of two to four arms as their model has them, nobody and everybody with the event included."""
    rng = np.random.default_rng(seed)
    cells = {"time": repr(float(rng.uniform(0.5, 2))), "categories": ""}
    rows = [arm_row("s", t, 0, n, **cells) for t, n in zip("abcd", sizes, strict=False)]
    values = {f"beta[{t}]": 0.6 * float(rng.normal()) for t in "bcd"}
    values |= {f"log_distance[{k + 1}]": float(np.log(gap)) for k, gap in enumerate(np.diff(CUTS.get(name, [])), 1)}
    truth = Truth(values, tau, baseline=(baseline, 0.0))
    drawn = redraw(rows, name, Model(plain("abcd")), truth, rng)
    data = network_data(drawn, plain("abcd"), name).counts
    f = data.rows[:, :3] @ [values[f"beta[{t}]"] for t in "bcd"] + fixed_parts(data, seed, 0.3)
    network = counts_of(name, [ANCHOR[name], data.counts.tolist()]) if name in CUTS else data
    found = evaluate(name, network, np.concatenate([np.zeros(len(network.counts) - len(f)), f]), tau).value[-1:]
    assert found == pytest.approx(brute_force(name, data, f, tau), abs=1e-4)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tau", [0.05, 0.5, 1.2, -0.5])
def test_scores_are_derivatives(name: str, tau: float) -> None:
    """Fisher's identity against central differences: by f, by tau and by the cutpoints."""
    data, h = DATA[name], 1e-5
    f = fixed_parts(data)
    terms = evaluate(name, data, f, tau).terms
    for arm in range(len(f)):
        shift = np.eye(len(f))[arm] * h
        up, down = (evaluate(name, data, f + sign * shift, tau).value.sum() for sign in (1, -1))
        assert terms[arm, SCORE] == pytest.approx((up - down) / (2 * h), rel=1e-4, abs=1e-4)
    up, down = (evaluate(name, data, f, tau + sign * h).value.sum() for sign in (1, -1))
    assert terms[:, TAU_SCORE].sum() == pytest.approx((up - down) / (2 * h), rel=1e-4, abs=1e-4)
    if name in CUTS:
        for k in (1, 2):
            shift = np.eye(3)[k] * h
            up, down = (evaluate(name, data, f, tau, cuts=CUTS[name] + sign * shift).value.sum() for sign in (1, -1))
            assert terms[:, -2:].sum(axis=0)[k - 1] == pytest.approx((up - down) / (2 * h), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_likelihood_is_even_in_tau(name: str) -> None:
    """The sign of tau does not matter: what lets the sampler work on the whole line."""
    f = fixed_parts(DATA[name])
    positive, negative = evaluate(name, DATA[name], f, 0.7), evaluate(name, DATA[name], f, -0.7)
    assert positive.value == pytest.approx(negative.value, abs=1e-12)
    assert positive.terms[:, SCORE] == pytest.approx(negative.terms[:, SCORE], abs=1e-10)
    assert positive.terms[:, TAU_SCORE] == pytest.approx(-negative.terms[:, TAU_SCORE], abs=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_batches_are_single_evaluations(name: str) -> None:
    """The vectorised likelihood row by row."""
    data = DATA[name]
    tables = study_integral.arm_table(data), study_integral.study_table(data)
    cuts = np.tile(CUTS.get(name, np.zeros(1)), (3, 1)) * np.array([[1.0], [1.1], [0.9]])
    tau, f = np.array([0.0, 0.4, -1.0]), np.stack([fixed_parts(data, seed) for seed in range(3)])
    width = families.n_terms(data.family, data.counts.shape[1])
    empty = np.zeros((0, 4))
    value, terms = study_integral.log_likelihoods(data.family, f, tau, cuts, *tables, BASELINE_SD, width, empty, 1.0)
    for k in range(3):
        single = evaluate(name, data, f[k], tau[k], cuts=cuts[k])
        assert np.array_equal(value[k], single.value)
        assert np.array_equal(terms[k], single.terms)


TABULATED = [name for name in NAMES if name not in CUTS]


@dataclass(frozen=True)
class Tabulated:
    """Likelihood of a network by a table up to six times ``scale``."""

    data: CountData
    scale: float

    def __call__(self, f: np.ndarray, tau: float) -> Evaluation:
        """Evaluate with the table."""
        data = self.data
        tables = study_integral.arm_table(data), study_integral.study_table(data)
        table = tabulate(data.family, *tables, BASELINE_SD, self.scale)
        assert len(table.values)
        width = families.n_terms(data.family, 2)
        last = BASELINE_SD, width, table.values, table.resolution
        return Evaluation(*study_integral.log_likelihood(data.family, f, tau, np.zeros(1), *tables, *last))


# studies with 5 and with 20 patients in the smallest group, some just so and some with many more in others
MODERATE = [[(5, 37), (12, 56)], [(9, 21), (15, 20), (22, 73)], [(30, 35), (400, 2000)], [(5, 3000), (8, 13)]]
LARGE = [[(20, 140), (52, 180)], [(31, 60), (44, 110), (25, 300)], [(150, 170), (400, 2000)], [(20, 3000), (900, 9000)]]


@pytest.mark.parametrize("name", TABULATED)
@pytest.mark.parametrize("studies", [MODERATE, LARGE])
@settings(max_examples=25, deadline=None)
@given(tau=st.floats(-1.5, 1.5), distance=arrays(float, 9, elements=st.floats(-2, 2)))
def test_coarser_tables_of_larger_studies(
    name: str, studies: list[list[tuple]], tau: float, distance: np.ndarray
) -> None:
    """With more patients the integrals are smoother: fewer points give the likelihood and its scores as well.

    Arms are up to two standard errors away from their estimates.
    """
    times = [sum(arm) / 50 for study in studies for arm in study]
    data = counts_of(name, studies, times if name == "poisson_log" else None)
    y, v = families.gaussian_approximation(data)
    f = centred(data, y + distance * np.sqrt(v + tau**2 / 2))
    direct, found = evaluate(name, data, f, tau), Tabulated(data, 0.5)(f, tau)
    assert found.value == pytest.approx(direct.value, abs=1e-4)
    assert centred(data, found.terms[:, SCORE]) == pytest.approx(
        centred(data, direct.terms[:, SCORE]), rel=1e-2, abs=1e-2
    )


@pytest.mark.parametrize("name", TABULATED)
@settings(max_examples=25, deadline=None)
@given(tau=st.floats(-1.5, 1.5), seed=st.integers(0, 10_000), size=st.floats(0, 0.6))
def test_table_agrees_with_direct_evaluation(name: str, tau: float, seed: int, size: float) -> None:
    """Looking the inner integrals up gives the likelihood and its scores, at any tau up to six prior scales."""
    f = fixed_parts(DATA[name], seed, size)
    direct, found = evaluate(name, DATA[name], f, tau), Tabulated(DATA[name], 0.5)(f, tau)
    assert found.value == pytest.approx(direct.value, abs=1e-4)
    scores = [centred(DATA[name], evaluation.terms[:, SCORE]) for evaluation in (found, direct)]
    assert scores[0] == pytest.approx(scores[1], rel=1e-2, abs=2e-2)
    assert found.terms[:, TAU_SCORE].sum() == pytest.approx(direct.terms[:, TAU_SCORE].sum(), rel=1e-2, abs=5e-2)


@pytest.mark.parametrize("name", TABULATED)
def test_table_without_heterogeneity(name: str) -> None:
    """With a prior scale of 0 the table holds what it is asked for, tau = 0."""
    f = fixed_parts(DATA[name])
    direct, found = evaluate(name, DATA[name], f, 0.0), Tabulated(DATA[name], 0.0)(f, 0.0)
    assert found.value == pytest.approx(direct.value, abs=1e-4)
    assert not np.array_equal(found.value, direct.value)
    scores = [centred(DATA[name], evaluation.terms[:, SCORE]) for evaluation in (found, direct)]
    assert scores[0] == pytest.approx(scores[1], rel=1e-2, abs=1e-2)


@pytest.mark.parametrize("name", TABULATED)
@pytest.mark.parametrize("tau", [8.0, 12.0])
def test_beyond_the_table_there_is_direct_evaluation(name: str, tau: float) -> None:
    """A tau beyond six scales of the doubled prior is evaluated as if there were no table, to the last digit."""
    f = fixed_parts(DATA[name])
    direct, found = evaluate(name, DATA[name], f, tau), Tabulated(DATA[name], 0.5)(f, tau)
    assert np.array_equal(found.value, direct.value)
    assert np.array_equal(found.terms, direct.terms)


@pytest.mark.parametrize("name", TABULATED)
def test_arms_beyond_the_reach_of_the_table_fall_back(name: str) -> None:
    """Fixed parts that lead away from the arms' estimates by more than the table's reach: the same likelihood."""
    data = DATA[name]
    f = np.zeros(len(data.counts))
    f[0], f[1] = 6.0, -6.0
    direct, found = evaluate(name, data, f, 0.1), Tabulated(DATA[name], 0.5)(f, 0.1)
    assert found.value == pytest.approx(direct.value, rel=1e-6, abs=1e-4)
    scores = [centred(data, evaluation.terms[:, SCORE]) for evaluation in (found, direct)]
    assert scores[0] == pytest.approx(scores[1], rel=1e-5, abs=1e-3)


def test_no_table_where_none_is_of_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """For ordered outcomes, without arms, and where it would be too large."""
    binary, ordered = DATA["binomial_logit"], DATA["ordered_logit"]
    without = CountData(
        binary.family, binary.study[:0], binary.start[:1], np.zeros((0, 2)), np.zeros(0), np.zeros((0, 1))
    )
    for data in (ordered, without):
        tables = study_integral.arm_table(data), study_integral.study_table(data)
        assert tabulate(data.family, *tables, BASELINE_SD, 0.5) is NO_TABLE
    monkeypatch.setattr("secondline.inference.kernels.integral_tables.MOST", 1000)
    tables = study_integral.arm_table(binary), study_integral.study_table(binary)
    assert tabulate(binary.family, *tables, BASELINE_SD, 0.5) is NO_TABLE


@pytest.mark.parametrize("tau", [0.0, 3.0])
def test_fitted_probabilities_lie_between_prior_and_data(tau: float) -> None:
    """With large tau the expected probability of an arm approaches its observed one, without it the pooled one."""
    data = counts_of("binomial_logit", [[(30, 100), (80, 100)]])
    fitted = evaluate("binomial_logit", data, np.zeros(2), tau).terms[:, FITTED]
    assert fitted == pytest.approx([0.3, 0.8] if tau else [0.55, 0.55], abs=0.01)


def test_fitted_values_of_other_families() -> None:
    """Expected events of a rate, probabilities on the hazard scale, and probabilities by category."""
    rates = counts_of("poisson_log", [[(40, 1), (90, 1)]], [100.0, 300.0])
    assert evaluate("poisson_log", rates, np.zeros(2), 3.0).terms[:, FITTED] == pytest.approx([40, 90], rel=0.02)
    pooled = evaluate("poisson_log", rates, np.zeros(2), 0.0).terms[:, FITTED]
    assert pooled == pytest.approx([130 / 4, 130 * 3 / 4], rel=0.01)
    hazards = counts_of("binomial_cloglog", [[(30, 100), (80, 100)]], [1.0, 2.0])
    assert evaluate("binomial_cloglog", hazards, np.zeros(2), 3.0).terms[:, FITTED] == pytest.approx(
        [0.3, 0.8], abs=0.01
    )
    ordered = counts_of("ordered_logit", [[(40, 30, 20, 10), (10, 20, 30, 40)]])
    fitted = evaluate("ordered_logit", ordered, np.zeros(2), 2.0).terms[:, FITTED : FITTED + 4]
    assert fitted.sum(axis=1) == pytest.approx([1, 1])
    assert fitted == pytest.approx(np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]]), abs=0.1)


def test_expected_log_likelihood_is_an_average() -> None:
    """At tau = 0 and a tight baseline it is the log likelihood itself."""
    data = counts_of("binomial_logit", [[(7, 20)]])
    tables = study_integral.arm_table(data), study_integral.study_table(data)
    value, terms = study_integral.log_likelihood(
        data.family, np.array([0.3]), 0.0, np.zeros(1), *tables, 1e-4, 4, np.zeros((0, 4)), 1.0
    )
    p = expit(0.3)
    expected = 7 * np.log(p) + 13 * np.log1p(-p)
    assert value[0] == pytest.approx(expected, abs=1e-5)
    assert terms[0, LOG_LIKELIHOOD] == pytest.approx(expected, abs=1e-5)


def test_constants() -> None:
    """Binomial, Poisson and multinomial coefficients."""
    binomial = families.log_constants(counts_of("binomial_cloglog", [[(3, 10)]], [1.0]))
    assert binomial == pytest.approx([np.log(120)])
    assert families.log_constants(counts_of("poisson_log", [[(4, 1)]])) == pytest.approx([-np.log(24)])
    multinomial = families.log_constants(counts_of("ordered_probit", [[(2, 1, 3)]]))
    assert multinomial == pytest.approx([gammaln(7) - np.log(2 * 6)])


def test_cutpoints_and_their_derivatives() -> None:
    """The first cutpoint is 0; every log distance moves all later ones. The slope of a baseline is taken as it is."""
    coefficients = np.array([[9.0, np.log(0.5), np.log(2.0)]])
    ordered: Any = SimpleNamespace(predictor=SimpleNamespace(baseline_slope=None), n_cuts=2)
    cuts, jacobian, columns = importance.shapes(coefficients, ordered)
    assert cuts == pytest.approx(np.array([[0, 0.5, 2.5]]))
    assert jacobian[0] == pytest.approx(np.array([[0.5, 0], [0.5, 2.0]]))
    assert columns == [1, 2]
    sloped: Any = SimpleNamespace(predictor=SimpleNamespace(baseline_slope=0), n_cuts=0)
    slope, jacobian, columns = importance.shapes(coefficients, sloped)
    assert (slope.tolist(), jacobian.tolist(), columns) == ([[9.0]], [[[1.0]]], [0])


def test_ordered_outcomes_of_two_categories_are_binomial() -> None:
    """The logit model of two categories is the binomial one."""
    ordered = counts_of("ordered_logit", [[(17, 3), (9, 12)]])
    binomial = counts_of("binomial_logit", [[(3, 20), (12, 21)]])
    f = np.array([-0.2, 0.2])
    found = evaluate("ordered_logit", ordered, f, 0.4, cuts=np.zeros(1)).value
    assert found == pytest.approx(evaluate("binomial_logit", binomial, f, 0.4).value, abs=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_extreme_predictors_stay_finite(name: str) -> None:
    """Where the sampler may stray in its first steps there are numbers, if bad ones."""
    data = DATA[name]
    for size in (30.0, 300.0):
        f = np.where(np.arange(len(data.counts)) % 2, size, -size)
        for tau in (0.0, 0.5, 30.0):
            found = evaluate(name, data, f, tau)
            assert np.isfinite(found.value).all()
            assert np.isfinite(found.terms).all()


def test_a_study_is_tabulated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A doubled prior of tau and a network without a study use what is made, with the same values."""
    made: list[int] = []
    entry = tabulate_module._entry
    monkeypatch.setattr(tabulate_module, "_entry", lambda *given: made.append(1) or entry(*given))
    rows = [
        arm_row(s, t, r, 50)
        for s, (a, b) in {"s1": (7, 9), "s2": (8, 12), "s3": (25, 25)}.items()
        for t, r in zip("ab", (a, b), strict=True)
    ]
    data = network_data(rows, plain("ab"), "binomial_logit")
    tables = [
        (d, study_integral.arm_table(d.counts), study_integral.study_table(d.counts)) for d in (data, without(data, 0))
    ]
    (_, *whole), (_, *rest) = tables
    first = tabulate(data.counts.family, *whole, 3.217, 0.4)
    assert len(made) == 3
    assert tabulate(data.counts.family, *whole, 3.217, 0.8).values == pytest.approx(first.values, nan_ok=True)
    fewer = tabulate(data.counts.family, *rest, 3.217, 0.4)
    assert len(made) == 3
    assert fewer.values == pytest.approx(first.values[:, -fewer.values.shape[1] :], nan_ok=True)
