"""The frequentist twin: hand-computed networks, textbook formulas, published figures and invariances."""

import csv
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats
from secondline.inference.frequentist import (
    Decomposition,
    QStatistic,
    RelativeEffects,
    moments_tau,
    p_scores,
    q_statistics,
    q_without,
    relative_effects,
    reml_tau,
)
from secondline.inference.generalised_least_squares import Fit, GaussianStudy, fit
from secondline.network.structure import Floats

DIABETES = Path(__file__).parent.parent / "config/examples/diabetes.csv"
DRUGS = (
    "placebo",
    "acarbose",
    "benfluorex",
    "metformin",
    "miglitol",
    "pioglitazone",
    "rosiglitazone",
    "sitagliptin",
    "sulfonylurea",
    "vildagliptin",
)


def treatment_rows(n: int, reference: int = 0) -> Floats:
    """Rows of the treatments of a plain network: one coefficient each, none for the reference."""
    return np.delete(np.eye(n), reference, axis=1)


def pair(study: str, y: float, se: float, treatment: str, comparator: str, names: Sequence[str]) -> GaussianStudy:
    """Return a study of two arms in a plain network."""
    rows = treatment_rows(len(names))
    row = rows[names.index(treatment)] - rows[names.index(comparator)]
    return GaussianStudy(study, np.array([y]), row[None], np.array([[se**2]]), (comparator, treatment))


def pairwise(y: Floats, variances: Floats) -> list[GaussianStudy]:
    """Return the studies of a pairwise meta-analysis."""
    return [pair(str(i), y[i], np.sqrt(variances[i]), "b", "a", "ab") for i in range(len(y))]


def diabetes(reference: str = "placebo") -> list[GaussianStudy]:
    """Return the trials of Senn (2013) from their arms: means, with standard errors sd / sqrt(n)."""
    with DIABETES.open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    of = dict(zip(DRUGS, treatment_rows(len(DRUGS), DRUGS.index(reference)), strict=True))
    studies = []
    for study in dict.fromkeys(line["study"] for line in lines):
        arms = [line for line in lines if line["study"] == study]
        means = np.array([float(arm["mean"]) for arm in arms])
        variances = np.array([float(arm["sd"]) ** 2 / float(arm["n"]) for arm in arms])
        treatments = [arm["treatment"] for arm in arms]
        studies.append(
            GaussianStudy.of_means(study, means, variances, np.array([of[t] for t in treatments]), treatments)
        )
    return studies


def random_network(seed: int, reference: int = 0) -> tuple[list[GaussianStudy], tuple[str, ...]]:
    """Return a connected plain network of 3 to 5 treatments with trials of 2 to 4 arms."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    rows, names = treatment_rows(n, reference % n), tuple("abcde"[:n])
    designs = [np.array([i, i + 1]) for i in range(n - 1)]
    designs += [rng.choice(n, int(rng.integers(2, min(n, 4) + 1)), replace=False) for _ in range(rng.integers(1, 8))]
    scale = 10 ** rng.uniform(-2, 1)
    studies = [
        GaussianStudy.of_means(
            f"s{i}",
            rng.normal(size=len(arms)),
            scale * rng.uniform(0.05, 1, len(arms)),
            rows[arms],
            [names[k] for k in arms],
        )
        for i, arms in enumerate(designs)
    ]
    return studies, names


def dense(studies: Sequence[GaussianStudy], tau: float) -> tuple[Floats, Floats, Floats]:
    """Return data, design and total covariance in full."""
    sizes = [len(study.y) for study in studies]
    covariance = np.zeros((sum(sizes), sum(sizes)))
    for study, end in zip(studies, np.cumsum(sizes), strict=True):
        block = slice(end - len(study.y), end)
        covariance[block, block] = study.covariance + tau**2 * (np.eye(len(study.y)) + 1) / 2
    return np.concatenate([study.y for study in studies]), np.vstack([study.rows for study in studies]), covariance


def restricted(studies: Sequence[GaussianStudy], tau: float) -> float:
    """Restricted log likelihood from dense matrices, up to a constant, for designs of full rank."""
    y, x, covariance = dense(studies, tau)
    inverse = np.linalg.inv(covariance)
    information = x.T @ inverse @ x
    residual = y - x @ np.linalg.solve(information, x.T @ inverse @ y)
    logs = np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(information)[1]
    return float(-(logs + residual @ inverse @ residual) / 2)


def q_of(decomposition: Decomposition) -> Floats:
    """Total, within and between designs."""
    return np.array([decomposition.total.value, decomposition.within.value, decomposition.between.value])


def versus(effects: RelativeEffects, comparator: str) -> Floats:
    """Effect, lower and upper limit of the other treatments against one, (T - 1, 3)."""
    c = effects.treatments.index(comparator)
    table = np.stack([effects.effect[:, c], effects.lower[:, c], effects.upper[:, c]], axis=1)
    return np.delete(table, c, axis=0)


# --- by hand -----------------------------------------------------------------


def test_triangle_by_hand() -> None:
    """Three trials of variance 1 on a triangle: each edge is 2/3 direct, 1/3 indirect, with variance 2/3.

    ab = 1, bc = 1, ac = 5: the loop says 3 more than it should, spread over three edges of variance 1: Q = 3^2 / 3.
    """
    names = "abc"
    studies = [pair("1", 1, 1, "b", "a", names), pair("2", 1, 1, "c", "b", names), pair("3", 5, 1, "c", "a", names)]
    estimate = fit(studies, 0)
    assert estimate.estimates == pytest.approx([2, 4])
    assert estimate.covariance == pytest.approx(np.array([[2, 1], [1, 2]]) / 3)
    assert estimate.df == 1
    q = q_statistics(studies)
    assert q_of(q) == pytest.approx([3, 0, 3])
    assert (q.total.df, q.within.df, q.between.df) == (1, 0, 1)
    assert q.between.p == pytest.approx(stats.chi2.sf(3, 1))
    assert q.total.i_squared == pytest.approx(2 / 3)
    # E[Q] = tr(P S) + tau^2 tr(P): tr(P) is df times 1 / variance.
    assert moments_tau(studies) == pytest.approx(np.sqrt(2))
    assert reml_tau(studies) == pytest.approx(np.sqrt(2))
    effects = relative_effects(estimate, tuple(names), treatment_rows(3))
    assert effects.effect == pytest.approx(np.array([[0, -2, -4], [2, 0, -2], [4, 2, 0]]))
    assert effects.se == pytest.approx(np.sqrt(2 / 3) * (1 - np.eye(3)))
    assert effects.upper[1, 0] == pytest.approx(2 + 1.959964 * np.sqrt(2 / 3), abs=1e-6)
    assert effects.p[1, 0] == pytest.approx(2 * stats.norm.sf(2 / np.sqrt(2 / 3)))
    z = stats.norm.cdf(np.array([2, 4]) / np.sqrt(2 / 3))
    assert p_scores(effects, "lower") == pytest.approx([z.mean(), 0.5, 1 - z.mean()])
    assert p_scores(effects, "higher") == pytest.approx([1 - z.mean(), 0.5, z.mean()])


def test_three_arm_trial_by_hand() -> None:
    """A three-arm trial of arm variances 1 is reproduced exactly, and tau adds tau^2 to every variance."""
    rows = treatment_rows(3)
    trial = GaussianStudy.of_means("t", np.array([0.0, 1, 3]), np.ones(3), rows, "abc")
    estimate = fit([trial], 2.0)
    assert estimate.estimates == pytest.approx([1, 3])
    assert estimate.covariance == pytest.approx(np.array([[6, 3], [3, 6]]))
    effects = relative_effects(estimate, "abc", rows)
    assert effects.se[1, 2] == pytest.approx(np.sqrt(6))
    assert estimate.df == 0
    assert moments_tau([trial]) is None
    assert reml_tau([trial]) is None
    q = q_statistics([trial])
    for statistic in (q.total, q.within, q.between):
        assert statistic == QStatistic(0.0, 0)
        assert statistic.p is None
        assert statistic.i_squared is None
    assert np.isnan(effects.prediction_lower).all()


def test_within_and_between_by_hand() -> None:
    """Two trials of a design disagree by 2 (Q = 2); their mean and the other path disagree by 1.

    Variances: ab 1, 1; ac 1; bc 1/2. The loop has variance 1/2 + 1 + 1/2 = 2 and says 1: Q = 1/2.
    """
    names = "abc"
    studies = [
        pair("1", 0, 1, "b", "a", names),
        pair("2", 2, 1, "b", "a", names),
        pair("3", 3, 1, "c", "a", names),
        pair("4", 1, np.sqrt(0.5), "c", "b", names),
    ]
    q = q_statistics(studies)
    assert q_of(q) == pytest.approx([2.5, 2, 0.5])
    assert (q.total.df, q.within.df, q.between.df) == (2, 1, 1)
    assert {design: s.df for design, s in q.designs.items()} == {"a:b": 1, "a:c": 0, "b:c": 0}
    assert q.designs["a:b"].value == pytest.approx(2)
    assert {design: s.df for design, s in q_without(studies).items()} == {"a:b": 0, "a:c": 0, "b:c": 0}
    # tau^2 within designs: (2 - 1) / tr(P), with tr(P) = 1 for the mean of two trials of variance 1.
    assert moments_tau(studies, within_designs=True) == pytest.approx(1)


def test_comparator_of_a_trial_does_not_make_a_design() -> None:
    """Trials of one design that report against different arms are compared with each other."""
    rows = treatment_rows(3)
    one = GaussianStudy.of_means("1", np.array([0.0, 1, 3]), np.ones(3), rows, "abc")
    two = GaussianStudy.of_means("2", np.array([4.0, 0, 1]), np.ones(3), rows[[2, 0, 1]], "cab")
    q = q_statistics([one, two])
    assert set(q.designs) == {"a:b:c"}
    assert (q.within.df, q.between.df) == (2, 0)
    # Contrasts (b, c) against a: (1, 3) and (1, 4); twice S = [[2, 1], [1, 2]] between them.
    assert q.within.value == pytest.approx(np.array([0, 1]) @ np.linalg.inv([[4, 2], [2, 4]]) @ np.array([0, 1]))


# --- pairwise meta-analysis --------------------------------------------------

# Colditz (1994): events and non-events of vaccinated and of controls in 13 trials of the BCG vaccine.
BCG = np.array(
    [
        [4, 119, 11, 128],
        [6, 300, 29, 274],
        [3, 228, 11, 209],
        [62, 13536, 248, 12619],
        [33, 5036, 47, 5761],
        [180, 1361, 372, 1079],
        [8, 2537, 10, 619],
        [505, 87886, 499, 87892],
        [29, 7470, 45, 7232],
        [17, 1699, 65, 1600],
        [186, 50448, 141, 27197],
        [5, 2493, 3, 2338],
        [27, 16886, 29, 17825],
    ],
    float,
)


def log_risk_ratios() -> tuple[Floats, Floats]:
    """Log risk ratios and their variances."""
    a, b, c, d = BCG.T
    return np.log(a / (a + b)) - np.log(c / (c + d)), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)


def test_pairwise_published() -> None:
    """BCG vaccine, log risk ratios, as printed by Viechtbauer (2010), Journal of Statistical Software 36(3).

    REML: tau^2 0.3132, estimate -0.7145 with standard error 0.1798, Q = 152.2330 on 12 degrees of freedom.
    """
    y, v = log_risk_ratios()
    studies = pairwise(y, v)
    tau = reml_tau(studies)
    assert tau is not None
    assert tau**2 == pytest.approx(0.3132, abs=5e-5)
    estimate = fit(studies, tau)
    assert estimate.estimates[0] == pytest.approx(-0.7145, abs=5e-5)
    assert np.sqrt(estimate.covariance[0, 0]) == pytest.approx(0.1798, abs=5e-5)
    q = q_statistics(studies).total
    assert q.value == pytest.approx(152.2330, abs=5e-5)
    assert q.df == 12


def test_pairwise_is_the_textbook() -> None:
    """Inverse variance weights, DerSimonian and Laird, REML's fixed point and the interval of Higgins (2009)."""
    y, v = log_risk_ratios()
    studies = pairwise(y, v)
    w = 1 / v
    mean = w @ y / w.sum()
    fixed = fit(studies, 0)
    assert fixed.estimates[0] == pytest.approx(mean)
    assert fixed.covariance[0, 0] == pytest.approx(1 / w.sum())
    q = w @ (y - mean) ** 2
    assert q_of(q_statistics(studies)) == pytest.approx([q, q, 0])
    laird = (q - 12) / (w.sum() - (w**2).sum() / w.sum())
    assert moments_tau(studies) == pytest.approx(np.sqrt(laird), rel=1e-12)

    tau = reml_tau(studies)
    assert tau is not None
    w = 1 / (v + tau**2)
    mean = w @ y / w.sum()
    fixed_point = (w**2 @ ((y - mean) ** 2 - v)) / (w**2).sum() + 1 / w.sum()
    assert tau**2 == pytest.approx(fixed_point, rel=1e-9)

    effects = relative_effects(fit(studies, tau), "ab", treatment_rows(2))
    se = np.sqrt(1 / w.sum())
    assert effects.se[1, 0] == pytest.approx(se)
    assert effects.prediction_df == 11
    half = stats.t.ppf(0.975, len(y) - 2) * np.sqrt(tau**2 + se**2)
    assert effects.prediction_lower[1, 0] == pytest.approx(mean - half)
    assert effects.prediction_upper[1, 0] == pytest.approx(mean + half)
    assert p_scores(effects, "lower") == pytest.approx(stats.norm.cdf([mean / se, -mean / se]))


def test_homogeneous_trials_have_no_heterogeneity() -> None:
    """With less spread than chance gives, both estimates of tau are 0, also where all agree exactly."""
    for y in (np.array([0.1, 0.11, 0.09, 0.1]), np.full(4, 0.1)):
        studies = pairwise(y, np.array([0.2, 0.1, 0.4, 0.3]))
        assert moments_tau(studies) == 0
        assert reml_tau(studies) == 0
        assert q_statistics(studies).total.i_squared == 0


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_reml_is_equivariant(scale: float) -> None:
    """Units of measurement do not matter, nor variances over many orders of magnitude."""
    y, v = log_risk_ratios()
    v = v * 10.0 ** np.linspace(-4, 2, len(v))
    assert reml_tau(pairwise(scale * y, scale**2 * v)) == pytest.approx(
        scale * (reml_tau(pairwise(y, v)) or 0), rel=1e-8
    )


@pytest.mark.parametrize(("apart", "expected"), [(2.3, 0.0), (2.5, 1.506)])
def test_reml_takes_the_higher_of_two_maxima(apart: float, expected: float) -> None:
    """Precise trials agree, imprecise ones do not: there is a maximum at 0 and one inside, and either may be higher."""
    studies = pairwise(np.array([0, 0.004, -0.004, apart, -apart]), np.array([0.001, 0.001, 0.001, 0.5, 0.5]))
    height = np.array([restricted(studies, tau) for tau in np.linspace(0, 4, 401)])
    inside = np.flatnonzero((height[1:-1] > height[:-2]) & (height[1:-1] > height[2:]))
    assert height[0] > height[1]
    assert len(inside) == 1
    assert reml_tau(studies) == pytest.approx(expected, abs=5e-4)
    assert restricted(studies, reml_tau(studies) or 0) >= height.max()


# --- Senn (2013) -------------------------------------------------------------


def test_senn_q_statistics() -> None:
    """Q as netmeta's `decomp.design` prints it for its data set Senn2013.

    The output stands on the page https://cttir.github.io/courses/course3_design_causal/labs/ (week 4, session 3): total
    96.99 on 18 degrees of freedom, within designs 74.46 on 11, between designs 22.53 on 7, p = 0.0021; by design and
    after detaching a design as below. I^2 of 81.4% and p = 0.0021 also in Harrer et al., Doing Meta-Analysis in R. That
    data set has standard errors of four digits; from the unrounded arms the total is 96.984 and the part within 74.450.
    """
    q = q_statistics(diabetes())
    assert q_of(q) == pytest.approx([96.99, 74.46, 22.53], abs=0.015)
    assert (q.total.df, q.within.df, q.between.df) == (18, 11, 7)
    assert q.between.p == pytest.approx(0.0021, abs=5e-5)
    assert q.total.i_squared == pytest.approx(0.814, abs=5e-4)
    printed = {
        "metformin:placebo": (42.16, 2),
        "placebo:rosiglitazone": (21.27, 5),
        "benfluorex:placebo": (4.38, 1),
        "miglitol:placebo": (6.45, 2),
        "metformin:rosiglitazone": (0.19, 1),
    }
    for design, (value, df) in printed.items():
        assert q.designs[design].value == pytest.approx(value, abs=0.01)
        assert q.designs[design].df == df
    assert {design for design, s in q.designs.items() if s.df} == set(printed)
    detached = q_without(diabetes())
    for design, value, p in (
        ("rosiglitazone:sulfonylurea", 6.77, 0.3425),
        ("metformin:sulfonylurea", 7.51, 0.2760),
        ("placebo:rosiglitazone", 16.29, 0.0123),
    ):
        assert detached[design].value == pytest.approx(value, abs=0.01)
        assert detached[design].df == 6
        assert detached[design].p == pytest.approx(p, abs=3e-4)
    assert {"placebo:sitagliptin", "placebo:vildagliptin", "miglitol:placebo"}.isdisjoint(detached)


def test_senn_tau() -> None:
    """Heterogeneity: 0.1087 by the method of moments, as netmeta has it; by REML it depends on the three-arm trial.

    0.318 is what netmeta finds from Senn2013, which has no arms: it then hands the contrasts of Willms (1999) to
    metafor as if they were independent, apart from heterogeneity (R/netmeta.R, `V <- dat.tau$seTE^2`). With the
    covariance of contrasts that share an arm it is 0.316.
    """
    studies = diabetes()
    assert (moments_tau(studies) or 0) ** 2 == pytest.approx(0.1087, abs=5e-5)
    assert reml_tau(studies) == pytest.approx(0.3161, abs=5e-5)
    independent = [
        GaussianStudy(s.study, s.y, s.rows, np.diag(np.diag(s.covariance)), s.treatments)
        for s in (with_comparator(s, "placebo") if len(s.y) == 2 else s for s in studies)
    ]
    assert reml_tau(independent) == pytest.approx(0.318, abs=5e-4)


def with_comparator(study: GaussianStudy, comparator: str) -> GaussianStudy:
    """Take the contrasts of a study against another of its arms."""
    at = study.treatments.index(comparator)
    arms = np.vstack([np.zeros(len(study.y)), np.eye(len(study.y))])
    change = np.delete(arms - arms[at], at, axis=0)
    others = tuple(t for t in study.treatments if t != comparator)
    covariance = change @ study.covariance @ change.T
    return GaussianStudy(study.study, change @ study.y, change @ study.rows, covariance, (comparator, *others))


def test_senn_effects() -> None:
    """Effects against placebo, with 95% intervals, of fixed and random effects (moments) as netmeta gives them.

    As `netmeta(..., data = Senn2013, reference = "plac")` prints them, quoted from memory: no citable copy was at hand.
    `test_graph_theory_agrees` has its algorithm for the same data.
    """
    studies, rows = diabetes(), treatment_rows(len(DRUGS))
    fixed = versus(relative_effects(fit(studies, 0), DRUGS, rows), "placebo")
    assert fixed[:, 0] == pytest.approx(
        [-0.8274, -0.9052, -1.1141, -0.9439, -1.0664, -1.2018, -0.57, -0.4395, -0.7], abs=2e-4
    )
    assert fixed[0] == pytest.approx([-0.8274, -1.0401, -0.6147], abs=2e-4)
    tau = moments_tau(studies)
    assert tau is not None
    random = versus(relative_effects(fit(studies, tau), DRUGS, rows), "placebo")
    assert random[0] == pytest.approx([-0.8418, -1.3236, -0.3600], abs=2e-4)
    assert random[5] == pytest.approx([-1.2335, -1.4839, -0.9830], abs=2e-4)


def test_senn_p_scores() -> None:
    """Rosiglitazone comes first, placebo last with a P-score of 0 (Harrer et al., from netmeta's `netrank`, fixed)."""
    effects = relative_effects(fit(diabetes(), 0), DRUGS, treatment_rows(len(DRUGS)))
    scores = dict(zip(DRUGS, p_scores(effects, "lower"), strict=True))
    assert max(scores, key=scores.__getitem__) == "rosiglitazone"
    assert scores["placebo"] == pytest.approx(0, abs=5e-5)
    assert np.mean(list(scores.values())) == pytest.approx(0.5)


def test_senn_inconsistency_given_heterogeneity() -> None:
    """The Q between designs vanishes once tau is estimated within designs (Higgins 2012): consistent after all."""
    studies = diabetes()
    tau = moments_tau(studies, within_designs=True)
    assert tau is not None
    assert tau == pytest.approx(0.3797, abs=5e-5)
    between = q_statistics(studies, tau).between
    assert between.df == 7
    assert between.p is not None
    assert between.p > 0.9


# --- independent algorithms --------------------------------------------------


def graph(studies: Sequence[GaussianStudy], names: Sequence[str], tau: float) -> tuple[Floats, Floats, float]:
    """Effects, variances of all pairs and Q by the Laplacian of the network (Rücker 2012, Rücker & Schwarzer 2014).

    The Laplacian of a study is the pseudo-inverse of -1/2 times its doubly centred matrix of pairwise variances.
    """
    total, pull, square = np.zeros((len(names), len(names))), np.zeros(len(names)), 0.0
    for study in studies:
        n = len(study.treatments)
        contrasts = np.hstack([-np.ones((n - 1, 1)), np.eye(n - 1)])
        edges = np.array([np.eye(n)[j] - np.eye(n)[i] for i, j in combinations(range(n), 2)])
        of_edges = edges[:, 1:]
        variances = np.einsum("ei,ij,ej->e", of_edges, study.covariance, of_edges) + tau**2
        pairs = np.zeros((n, n))
        for (i, j), variance in zip(combinations(range(n), 2), variances, strict=True):
            pairs[i, j] = pairs[j, i] = variance
        centre = np.eye(n) - 1 / n
        laplacian = np.linalg.pinv(-centre @ pairs @ centre / 2)
        means = np.linalg.pinv(contrasts) @ study.y
        at = np.array([[float(name == t) for name in names] for t in study.treatments])
        total += at.T @ laplacian @ at
        pull += at.T @ laplacian @ means
        square += means @ laplacian @ means
    inverse = np.linalg.pinv(total)
    effect, diagonal = inverse @ pull, np.diag(inverse)
    return effect[:, None] - effect, diagonal[:, None] + diagonal - 2 * inverse, float(square - effect @ pull)


@pytest.mark.parametrize("tau", [0.0, 0.3297])
def test_graph_theory_agrees(tau: float) -> None:
    """Electrical networks, the algorithm of netmeta, give Senn's effects, standard errors and Q."""
    studies = diabetes()
    effects = relative_effects(fit(studies, tau), DRUGS, treatment_rows(len(DRUGS)))
    effect, variance, q = graph(studies, DRUGS, tau)
    assert effects.effect == pytest.approx(effect, abs=1e-10)
    assert effects.se**2 == pytest.approx(variance, abs=1e-10)
    assert q_statistics(studies, tau).total.value == pytest.approx(q, rel=1e-8)


@given(st.integers(0, 10**6))
def test_dense_algebra_agrees(seed: int) -> None:
    """Estimates, moments and the maximum of the restricted likelihood from dense matrices, without whitening."""
    studies, _ = random_network(seed)
    y, x, covariance = dense(studies, 0.4)
    inverse = np.linalg.inv(covariance)
    variance = np.linalg.inv(x.T @ inverse @ x)
    estimate = fit(studies, 0.4)
    assert estimate.covariance == pytest.approx(variance, rel=1e-8, abs=1e-10)
    assert estimate.estimates == pytest.approx(variance @ x.T @ inverse @ y, rel=1e-8, abs=1e-10)

    y, x, covariance = dense(studies, 0)
    inverse = np.linalg.inv(covariance)
    p = inverse - inverse @ x @ np.linalg.solve(x.T @ inverse @ x, x.T @ inverse)
    pattern = dense(studies, 1)[2] - covariance
    assert len(y) > x.shape[1]
    moments = max(0.0, (y @ p @ y - len(y) + x.shape[1]) / np.trace(p @ pattern))
    assert moments_tau(studies) == pytest.approx(np.sqrt(moments), rel=1e-6, abs=1e-9)

    tau = reml_tau(studies)
    assert tau is not None
    wide = 10 * (1 + np.sqrt(covariance.max()))
    grid = np.concatenate([[0], np.geomspace(1e-3, wide, 60)])
    top = restricted(studies, tau)
    assert top >= max(restricted(studies, point) for point in grid) - 1e-8
    around = optimize.minimize_scalar(
        lambda t: -restricted(studies, t), bounds=(0.5 * tau, 1.5 * tau + 1e-3), method="bounded"
    )
    assert top >= -around.fun - 1e-8


# --- properties --------------------------------------------------------------


@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.3, 2.0]))
def test_q_adds_up(seed: int, tau: float) -> None:
    """Total = within + between, in value and degrees of freedom; within is the sum over designs."""
    studies, _ = random_network(seed)
    q = q_statistics(studies, tau)
    total, within, between = q_of(q)
    assert total == pytest.approx(within + between, rel=1e-8, abs=1e-9)
    assert q.total.df == q.within.df + q.between.df
    assert within == pytest.approx(sum(s.value for s in q.designs.values()))
    assert min(total, within, between) >= 0
    # One mean for each contrast of a design, against one for each treatment: Krahn (2013), Table 1.
    contrasts = sum(len(design.split(":")) - 1 for design in q.designs)
    assert q.between.df == contrasts - len(studies[0].rows[0])


@given(st.integers(0, 10**6), st.integers(1, 4))
def test_reference_does_not_matter(seed: int, other: int) -> None:
    """Relative effects, tau and Q are the same whichever treatment has no coefficient."""
    first, names = random_network(seed)
    second, _ = random_network(seed, other)
    tau = reml_tau(first)
    assert tau is not None
    assert reml_tau(second) == pytest.approx(tau, rel=1e-6, abs=1e-7)
    assert q_of(q_statistics(second)) == pytest.approx(q_of(q_statistics(first)), rel=1e-8, abs=1e-9)
    a = relative_effects(fit(first, tau), names, treatment_rows(len(names)))
    b = relative_effects(fit(second, tau), names, treatment_rows(len(names), other % len(names)))
    for field in ("effect", "se", "lower", "upper", "p", "prediction_lower", "prediction_upper"):
        assert getattr(b, field) == pytest.approx(getattr(a, field), rel=1e-7, abs=1e-8, nan_ok=True), field


@given(st.integers(0, 10**6))
def test_comparator_of_the_trials_does_not_matter(seed: int) -> None:
    """Contrasts against another arm of each trial say the same."""
    studies, _ = random_network(seed)
    turned = [with_comparator(study, study.treatments[-1]) for study in studies]
    assert fit(turned, 0.5).estimates == pytest.approx(fit(studies, 0.5).estimates, rel=1e-7, abs=1e-8)
    assert q_of(q_statistics(turned)) == pytest.approx(q_of(q_statistics(studies)), rel=1e-7, abs=1e-8)
    assert reml_tau(turned) == pytest.approx(reml_tau(studies), rel=1e-6, abs=1e-7)


@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_order_of_studies_does_not_matter(seed: int, random: Random) -> None:
    """Permuting the studies changes nothing."""
    studies, _ = random_network(seed)
    shuffled = list(studies)
    random.shuffle(shuffled)
    assert fit(shuffled, 0.5).estimates == pytest.approx(fit(studies, 0.5).estimates, rel=1e-8, abs=1e-9)
    assert q_of(q_statistics(shuffled)) == pytest.approx(q_of(q_statistics(studies)), rel=1e-8, abs=1e-9)
    assert reml_tau(shuffled) == pytest.approx(reml_tau(studies), rel=1e-6, abs=1e-7)


@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.7]))
def test_p_scores_average_one_half(seed: int, tau: float) -> None:
    """P-scores average 0.5, and turning the direction of better turns them round."""
    studies, names = random_network(seed)
    effects = relative_effects(fit(studies, tau), names, treatment_rows(len(names)))
    low, high = p_scores(effects, "lower"), p_scores(effects, "higher")
    assert low.mean() == pytest.approx(0.5)
    assert low + high == pytest.approx(np.ones(len(names)))


@pytest.mark.parametrize(("better", "best"), [("lower", "a"), ("higher", "c")])
def test_obvious_winner(better: Literal["lower", "higher"], best: str) -> None:
    """The direction of better decides who wins."""
    names = "abc"
    studies = [pair("1", 2, 0.1, "b", "a", names), pair("2", 2, 0.1, "c", "b", names)]
    scores = p_scores(relative_effects(fit(studies, 0), names, treatment_rows(3)), better)
    assert names[int(np.argmax(scores))] == best
    assert scores.max() == pytest.approx(1)


# --- what is not estimable ---------------------------------------------------


def test_network_in_pieces() -> None:
    """Effects across pieces are NaN, those within are as if the pieces stood alone; P-scores are not assessable."""
    names = "abcd"
    studies = [pair("1", 1, 1, "b", "a", names), pair("2", 2, 1, "d", "c", names), pair("3", 4, 1, "d", "c", names)]
    estimate = fit(studies, 0)
    assert len(estimate.row_space) == 2
    assert estimate.df == 1
    assert estimate.estimable(np.array([[1.0, 0, 0], [0, 1, 0], [0, -1, 1], [1, -1, 1]])).tolist() == [
        True,
        False,
        True,
        True,
    ]
    effects = relative_effects(estimate, names, treatment_rows(4))
    assert effects.effect[1, 0] == pytest.approx(1)
    assert effects.effect[3, 2] == pytest.approx(3)
    assert effects.se[3, 2] == pytest.approx(np.sqrt(0.5))
    assert np.isnan(effects.effect[:2, 2:]).all()
    assert np.isnan(effects.p[2:, :2]).all()
    assert np.isnan(p_scores(effects, "lower")).all()
    # The estimate of minimum norm spreads the difference of c and d over both.
    assert estimate.estimates == pytest.approx([1, -1.5, 1.5])


def components(
    study: str, y: float, treatment: Sequence[float], comparator: Sequence[float], names: str
) -> GaussianStudy:
    """Return a trial of two regimens in a component network, of variance 1."""
    rows = np.array([treatment], float) - np.array(comparator, float)
    return GaussianStudy(study, np.array([y]), rows, np.ones((1, 1)), (names.split()[1], names.split()[0]))


def test_component_network() -> None:
    """Components that never come apart are not estimable one by one, their sum is; additivity is part of Q between."""
    inseparable = [components("1", 3, [1, 1], [0, 0], "ab none")]
    estimate = fit(inseparable, 0)
    assert estimate.estimates == pytest.approx([1.5, 1.5])
    assert estimate.estimable(np.array([[1.0, 0], [0, 1], [1, 1]])).tolist() == [False, False, True]

    additive = [
        components("1", 1, [1, 0], [0, 0], "a none"),
        components("2", 2, [0, 1], [0, 0], "b none"),
        components("3", 6, [1, 1], [0, 0], "ab none"),
    ]
    q = q_statistics(additive)
    # 1 + 2 against 6, with variance 3.
    assert q_of(q) == pytest.approx([3, 0, 3])
    assert (q.within.df, q.between.df) == (0, 1)
    factorial = GaussianStudy.of_means(
        "4",
        np.array([0.0, 1, 2, 6]),
        np.ones(4),
        np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]]),
        ("none", "a", "b", "ab"),
    )
    # An interaction of 3 within a single trial, of variance 4, is no heterogeneity.
    assert q_of(q_statistics([factorial])) == pytest.approx([9 / 4, 0, 9 / 4])


def test_arms_of_different_mixtures() -> None:
    """Trials of one design whose arms mix regimens in different shares do not have to agree."""
    studies = [components("1", 1, [0.9, 0.1], [0, 0], "a+b none"), components("2", 5, [0.1, 0.9], [0, 0], "a+b none")]
    q = q_statistics(studies)
    assert (q.total.df, q.within.df, q.between.df) == (0, 0, 0)


def test_treatments_the_model_does_not_tell_apart() -> None:
    """Two names for one regimen: effect 0, even odds, and nothing divides by 0."""
    estimate = fit([pair("1", 1, 1, "b", "a", "ab")], 0)
    effects = relative_effects(estimate, ("a", "b", "b2"), np.array([[0.0], [1], [1]]))
    assert effects.effect[1, 2] == 0
    assert effects.p[1, 2] == 1
    assert p_scores(effects, "higher")[1] == pytest.approx(p_scores(effects, "higher")[2])
    assert p_scores(effects, "higher").mean() == pytest.approx(0.5)


def test_nothing_to_compare() -> None:
    """A design without any coefficient, and a single treatment, have no estimates and no score."""
    same = GaussianStudy("1", np.array([0.5]), np.zeros((1, 1)), np.ones((1, 1)), ("a", "a"))
    estimate = fit([same], 0)
    assert estimate.estimates.tolist() == [0]
    assert estimate.covariance.tolist() == [[0]]
    assert isinstance(estimate, Fit)
    assert not estimate.estimable(np.ones(1))
    assert np.isnan(p_scores(relative_effects(estimate, ("a",), np.zeros((1, 1))), "lower")).all()


def test_sizes_that_do_not_match() -> None:
    """A study whose parts do not fit is refused by name."""
    with pytest.raises(ValueError, match="alpha"):
        GaussianStudy("alpha", np.zeros(2), np.zeros((2, 1)), np.eye(2), ("a", "b"))


def test_prediction_interval_of_a_network() -> None:
    """Student's t with one degree of freedom less than Q, that is contrasts minus treatments, as in netmeta."""
    studies = diabetes()
    tau = reml_tau(studies)
    assert tau is not None
    effects = relative_effects(fit(studies, tau), DRUGS, treatment_rows(len(DRUGS)))
    assert effects.prediction_df == 27 - 10
    half = stats.t.ppf(0.975, 17) * np.sqrt(effects.se[3, 0] ** 2 + tau**2)
    assert effects.prediction_upper[3, 0] - effects.effect[3, 0] == pytest.approx(half)
    assert (np.diag(effects.prediction_upper) == 0).all()
