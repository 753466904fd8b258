"""Tables of networks of contrasts and means are those of the exact posterior, by whichever road they are asked for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import secondline as sl
from scipy.integrate import quad
from scipy.special import expit, ndtr
from scipy.stats import norm
from secondline.inference import exact
from secondline.inference.fitted import solved
from secondline.inference.grid import NormalMixture
from secondline.inference.joint_posterior import JointPosterior
from secondline.inference.posterior_tree import posterior_tree
from secondline.inference.priors import PriorScales
from secondline.inference.settings import FitSettings, ModelSettings, SamplerPlan, SamplerSettings
from secondline.inference.task import Fit
from secondline.inference.widening import solve_and_assess
from secondline.network.data import network_data
from secondline.network.predictor import Effects
from secondline.network.structure import Structure, Treatments
from secondline.summaries.hierarchy import Comparison, pairwise
from secondline.summaries.posterior import posterior_of, summarised
from secondline.summaries.sensitivity import exact_rows
from secondline.summaries.settings import BaselineSettings
from secondline.summaries.summarise import summarise_models
from secondline.summaries.with_baseline import WithBaseline
from secondline.tables import read_table, write_table

from tests.networks import simulate
from tests.settings import summary

EFFECTS = {"a": 0.0, "b": -0.4, "c": -0.5, "d": 0.3}
DESIGNS = ("ab", "ac", "bc", "ad", "cd", "abc")
SCALES = PriorScales(1.5, 0.5, 0.0, 2.5)
TREATMENTS = Treatments(components=tuple("bcd"), regimens={"a": (), "b": ("b",), "c": ("c",), "d": ("d",)})
ONCE = SamplerSettings(draws=100, tune=100, target_accept=0.9)
TABLES = ("relative_effects", "ranking", "rank_probabilities", "coefficients", "heterogeneity", "league_table")


def normals(means: list[float], sds: list[float]) -> JointPosterior:
    """Independent normal effects."""
    return JointPosterior(
        weights=np.ones(1), means=np.array([means]), roots=np.diag(sds)[None], root=np.zeros(1, np.int64)
    )


def by_quadrature(means: list[float], sds: list[float]) -> np.ndarray:
    """Rank probabilities of independent normals, higher being better: for each, the others ahead of it at its value."""
    n = len(means)
    result = np.zeros((n, n))
    for j in range(n):
        others = [k for k in range(n) if k != j]

        def density(x: float, rank: int, j: int = j, others: list[int] = others) -> float:
            ahead = np.array([1.0])
            for k in others:
                p = float(ndtr((means[k] - x) / sds[k]))
                ahead = np.convolve(ahead, [1 - p, p])
            return float(norm.pdf(x, means[j], sds[j]) * ahead[rank])

        for rank in range(n):
            result[j, rank] = quad(density, means[j] - 9 * sds[j], means[j] + 9 * sds[j], args=(rank,), limit=200)[0]
    return result


def test_ranks_of_independent_normals() -> None:
    """Every probability within five of its errors of a quadrature, errors far below those of 24,000 draws."""
    means, sds = [0.0, 0.3, 0.4, -0.2], [0.1, 0.5, 0.3, 1.0]
    found = Comparison.of(normals(means, sds), np.eye(4), "higher").among(range(4))
    expected = by_quadrature(means, sds)
    assert found.errors.max() < 0.2 * np.sqrt(0.25 / 24_000)
    assert np.abs(found.ranks - expected).max() < 5 * found.errors.max()
    assert found.ranks.sum(axis=0) == pytest.approx(1) and found.ranks.sum(axis=1) == pytest.approx(1)
    assert found.mean_rank == pytest.approx(expected @ np.arange(1, 5), abs=1e-7)
    assert found.sucra.mean() == pytest.approx(0.5)
    turned = Comparison.of(normals(means, sds), np.eye(4), "lower").among(range(4))
    assert turned.p_better == pytest.approx(found.p_better.T)
    assert turned.ranks == pytest.approx(found.ranks[:, ::-1], abs=5 * found.errors.max())


def test_some_are_ranked_as_if_there_were_no_others() -> None:
    """Two of them by the probability that one is better, three as without the fourth."""
    means, sds = [0.0, 0.3, 0.4, -0.2], [0.1, 0.5, 0.3, 1.0]
    compared = Comparison.of(normals(means, sds), np.eye(4), "higher")
    two = compared.among([2, 0])
    ahead = float(ndtr(0.4 / np.hypot(0.3, 0.1)))
    assert two.ranks == pytest.approx(np.array([[ahead, 1 - ahead], [1 - ahead, ahead]]))
    assert (two.errors == 0).all()
    three = compared.among([3, 1, 2])
    assert three.ranks == pytest.approx(by_quadrature([-0.2, 0.3, 0.4], [1.0, 0.5, 0.3]), abs=0.002)


def test_members_of_a_class_share_their_ranks() -> None:
    """B and c with one effect, which is ahead of a with probability 0.8: neither is the better one of the two."""
    rows = np.array([[0.0], [1.0], [1.0]])
    found = Comparison.of(normals([float(norm.ppf(0.8))], [1.0]), rows, "higher").among(range(3))
    assert found.p_better[1, 2] == 0.5
    assert found.ranks[1] == pytest.approx([0.4, 0.4 + 0.1, 0.1], abs=0.003)
    assert found.ranks[1] == pytest.approx(found.ranks[2], abs=0.003)
    assert found.ranks[0] == pytest.approx([0.2, 0.0, 0.8], abs=0.001)


def test_probabilities_of_a_mixture_add_up() -> None:
    """Normals and point masses together: what lies exactly at the place counts half, on either side."""
    mixture = NormalMixture(
        np.array([0.5, 0.3, 0.2]), np.array([[1.0], [0.0], [-1.0]]), np.array([[2.0], [0.0], [0.0]])
    )
    above = mixture.p_above(np.zeros(1))[0]
    assert above == pytest.approx(0.5 * ndtr(0.5) + 0.15)
    turned = NormalMixture(mixture.weights, -mixture.means, mixture.sds)
    assert above + turned.p_above(np.zeros(1))[0] == pytest.approx(1)
    for p in (0.1, 0.3, 0.5, 0.9):
        x = mixture.quantiles(np.array([p]))[0]
        assert mixture.cdf(x - 1e-9)[0] - 1e-8 <= p <= mixture.cdf(x + 1e-9)[0] + 1e-8


def test_predictive_intervals_are_those_of_the_mixture() -> None:
    """A new study adds tau^2, and a new setting omega^2 for every departure that differs, in every component."""
    joint = JointPosterior(
        weights=np.array([0.4, 0.6]),
        means=np.array([[0.2], [0.5]]),
        roots=np.array([[[0.1]], [[0.3]]]),
        root=np.array([0, 1]),
        tau=np.array([0.0, 0.4]),
        omega=np.array([0.5, 0.2]),
    )
    found = joint.predictive(np.eye(1), np.array([2.0])).quantiles(np.array([0.025, 0.975]))[:, 0]
    sds = np.sqrt(np.array([0.01, 0.09]) + np.array([0.0, 0.16]) + 2 * np.array([0.25, 0.04]))
    at = [0.4 * ndtr((x - 0.2) / sds[0]) + 0.6 * ndtr((x - 0.5) / sds[1]) for x in found]
    assert at == pytest.approx([0.025, 0.975], abs=1e-10)


BASELINE = BaselineSettings(regimen="a", median=-1.0, sd_below=0.3, sd_above=0.6, figure="x")
MIXTURE = NormalMixture(np.array([0.7, 0.3]), np.array([[-0.5], [0.2]]), np.array([[0.2], [0.5]]))


def drawn(n: int = 400_000) -> np.ndarray:
    """Baseline plus effect, drawn, (n, 2): with the effect, and without."""
    rng = np.random.default_rng(5)
    which = rng.random(n) < 0.7
    effect = np.where(which, rng.normal(-0.5, 0.2, n), rng.normal(0.2, 0.5, n))
    z = rng.normal(size=n)
    baseline = -1.0 + z * np.where(z < 0, 0.3, 0.6)
    return np.stack([baseline + effect, baseline], axis=1)


def test_an_effect_added_to_a_baseline() -> None:
    """Quantiles, moments and what both give together, of a mixture and of draws of it: those of 400,000 draws."""
    values, probabilities = drawn(), np.array([0.025, 0.5, 0.975])
    both = WithBaseline(MIXTURE, BASELINE)
    spread = values[:, 0].std()
    assert both.quantiles(probabilities) == pytest.approx(np.quantile(values[:, 0], probabilities), abs=0.01 * spread)
    for natural in (lambda x: x, expit, np.exp):
        mean, sd = both.moments(natural)
        expected = natural(values[:, 0])
        assert mean == pytest.approx(expected.mean(), abs=0.01 * expected.std())
        assert sd == pytest.approx(expected.std(), rel=0.02)
    treated, control = both.pairs()
    difference = expit(values[:, 0]) - expit(values[:, 1])
    found = expit(treated) - expit(control)
    assert np.quantile(found, probabilities) == pytest.approx(
        np.quantile(difference, probabilities), abs=0.02 * difference.std()
    )
    by_draw = WithBaseline(
        NormalMixture(np.full(4000, 1 / 4000), (values - values[:, 1:])[:4000, :1], np.zeros((4000, 1))), BASELINE
    )
    assert by_draw.quantiles(probabilities) == pytest.approx(both.quantiles(probabilities), abs=0.06 * spread)


@pytest.mark.parametrize(
    ("sd", "below", "above"), [(0.0, 0.3, 0.6), (0.4, 0.0, 0.0), (1e-6, 0.3, 0.6), (0.4, 1e-6, 0.6)]
)
def test_what_has_no_spread_adds_none(sd: float, below: float, above: float) -> None:
    """A known effect moves the baseline; a known baseline moves the effect."""
    effect = NormalMixture(np.ones(1), np.array([[0.5]]), np.array([[sd]]))
    both = WithBaseline(effect, replace(BASELINE, sd_below=below, sd_above=above))
    lower, upper = both.quantiles(np.array([0.025, 0.975]))
    if sd < 0.1:
        assert (lower, upper) == pytest.approx((-0.5 - 1.959964 * 0.3, -0.5 + 1.959964 * 0.6), abs=1e-4)
    elif not above:
        assert (lower, upper) == pytest.approx((-0.5 - 1.959964 * 0.4, -0.5 + 1.959964 * 0.4), abs=1e-6)
    else:
        assert lower == pytest.approx(-0.5 - 0.4 * 1.959964, abs=0.15)
        assert upper > -0.5 + 1.959964 * 0.6


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    """Log hazard ratios of six studies of four treatments."""
    return simulate("contrasts", DESIGNS, EFFECTS, 0.2, 3)


@pytest.fixture(scope="module")
def written(rows: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the tables of a posterior.nc whose draws are few, as a job does."""
    folder = tmp_path_factory.mktemp("tables")
    fit = fit_of(rows)
    found = solve_and_assess(fit.data, fit.scales)
    assert found.covariances is not None
    fitted = solved(fit, found.solution, found.covariances, 100, 7)
    (folder / "drawn").mkdir()
    likelihood = np.zeros((100, len(fit.data.studies)))
    posterior_tree(fitted, likelihood, {}).to_netcdf(folder / "drawn" / "posterior.nc", engine="h5netcdf")
    write_table(folder / "evidence.csv", rows, list(rows[0]))
    settings = settings_of()
    summarise_models(
        str(folder / "evidence.csv"), {"random": str(folder / "drawn" / "posterior.nc")}, settings, folder, "random"
    )
    return folder


def fit_of(rows: list[dict[str, str]]) -> Fit:
    """Fit of the network with random effects."""
    return Fit(network_data(rows, Structure.of(TREATMENTS), "contrasts", Effects()), SCALES)


def settings_of() -> Any:
    """Summary settings of the network, with a baseline."""
    baseline = BaselineSettings(regimen="a", median=-2.0, sd_below=0.2, sd_above=0.3, figure="x", times=(12.0,))
    return summary(treatments=TREATMENTS, effects={"random": Effects()}, baselines={"overall": baseline})


def test_tables_come_from_the_exact_posterior(rows: list[dict[str, str]], written: Path) -> None:
    """Effects, coefficients and tau are those of the mixture, whatever the hundred draws of the file say."""
    fit = fit_of(rows)
    posterior = exact.posterior(fit.data, fit.scales)
    effects = fit.data.predictor.effect_rows()[0]
    names = list(TREATMENTS.regimens)
    table = read_table(written / "random" / "relative_effects.csv")
    assert len(table) == 12
    for row in table:
        contrast = effects[names.index(row["treatment"])] - effects[names.index(row["comparator"])]
        mixture = posterior.mixture(contrast[None])
        for key, values in summarised(mixture).items():
            assert float(row[key]) == pytest.approx(values[0], abs=1e-9)
        assert float(row["p_better"]) == pytest.approx(mixture.cdf(np.zeros(1))[0])
        assert float(row["p_margin"]) == pytest.approx(mixture.cdf(np.full(1, np.log(0.8)))[0])
    (tau,) = read_table(written / "random" / "heterogeneity.csv")
    mean, sd, lower, upper = posterior.scale_summary("tau")[0]
    assert [float(tau[key]) for key in ("mean", "sd", "lower", "upper")] == pytest.approx([mean, sd, lower, upper])
    ranking = read_table(written / "random" / "ranking.csv")
    p_better = pairwise(posterior.joint(), -effects)
    assert [float(row["sucra"]) for row in ranking] == pytest.approx((p_better.sum(axis=1) - 0.5) / 3)
    for name in (*TABLES, "absolute_effects", "conversions"):
        assert {row["engine"] for row in read_table(written / "random" / f"{name}.csv")} == {"exact"}


def test_absolute_effects_and_conversions_follow(rows: list[dict[str, str]], written: Path) -> None:
    """The median hazard is that of the sum of two independent quantities; survival is a function of it."""
    fit = fit_of(rows)
    joint = exact.posterior(fit.data, fit.scales).joint()
    baseline = settings_of().baselines["overall"]
    absolute = {row["treatment"]: row for row in read_table(written / "random" / "absolute_effects.csv")}
    survival = {
        row["treatment"]: row
        for row in read_table(written / "random" / "conversions.csv")
        if row["quantity"] == "survival"
    }
    for name, contrast in zip(TREATMENTS.regimens, fit.data.predictor.effect_rows()[0], strict=True):
        both = WithBaseline(joint.of(contrast[None]), baseline)
        lower, median, upper = both.quantiles(np.array([0.025, 0.5, 0.975]))
        assert [float(absolute[name][key]) for key in ("lower", "median", "upper")] == pytest.approx(
            [lower, median, upper]
        )
        shown = [float(survival[name][key]) for key in ("lower", "median", "upper")]
        assert shown == pytest.approx(
            [np.exp(-12 * np.exp(x)) for x in (upper, median, lower)], abs=0.003 * float(survival[name]["sd"])
        )


def test_the_same_rows_by_every_road(rows: list[dict[str, str]], written: Path) -> None:
    """A run, a preview or an analysis with `engine: exact`, and the library: one number in all of them."""
    table = {
        (row["treatment"], row["comparator"]): row for row in read_table(written / "random" / "relative_effects.csv")
    }
    ranking = {row["treatment"]: row for row in read_table(written / "random" / "ranking.csv")}
    settings = FitSettings(
        likelihood="contrasts",
        treatments=TREATMENTS,
        models={"random": ModelSettings(effects=Effects(), prior=SCALES)},
        analysis="main",
        outcome="y",
        sampler=SamplerPlan(chains=2, first=ONCE, retry=ONCE),
        seed=1,
    )
    for row in exact_rows(rows, settings, settings_of(), "main"):
        expected = table[row["treatment"], row["comparator"]]
        for key in ("estimate", "estimate_lower", "estimate_upper", "p_better"):
            assert float(row[key]) == pytest.approx(float(expected[key]), abs=1e-9)
        for key in ("sucra", "p_best", "candidate_sucra", "candidate_p_best"):
            assert float(row[key]) == pytest.approx(float(ranking[row["treatment"]][key]), abs=1e-9)
        assert (row["engine"], row["evidence"]) == ("exact", expected["evidence"])
    fit = fit_of(rows)
    found = solve_and_assess(fit.data, fit.scales)
    assert found.covariances is not None
    posterior = posterior_of(solved(fit, found.solution, found.covariances, 50, 3))
    assert posterior.engine == "exact"
    assert posterior.scale("tau")["upper"] == pytest.approx(
        float(read_table(written / "random" / "heterogeneity.csv")[0]["upper"])
    )


def test_draws_are_not_behind_the_tables_of_the_library() -> None:
    """Another seed and another number of draws change no figure of a network of contrasts."""
    frame = pd.DataFrame(
        {
            "study": ["1", "2", "3", "4"],
            "t": ["b", "c", "c", "b"],
            "c": ["a", "a", "b", "a"],
            "effect": [-0.3, -0.6, 0.1, -0.5],
            "se": [0.2, 0.25, 0.3, 0.2],
        }
    )
    network = sl.Network.from_contrasts(
        frame, study="study", treatment="t", comparator="c", effect="effect", se="se", reference="a", measure="HR"
    )
    few, many = (
        sl.fit(network, sl.Model(likelihood="normal"), priors=sl.Priors(tau=sl.half_normal(0.5)), seed=seed, draws=n)
        for seed, n in ((1, 100), (2, 5000))
    )
    for name in ("relative_effects", "ranking", "rank_probabilities"):
        one, other = (getattr(each, name)(better="lower") for each in (few, many))
        assert one.equals(other), name
        assert set(one["engine"]) == {"exact"}
    for name in ("coefficients", "heterogeneity"):
        assert getattr(few, name)().equals(getattr(many, name)())
