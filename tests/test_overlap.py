"""Studies that share patients: the correlation of their errors, by hand and in every engine."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import secondline as sl
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.linalg import block_diag
from scipy.special import logsumexp
from scipy.stats import chi2, multivariate_normal
from secondline.doubt.decision import decide
from secondline.doubt.overlap_grid import overlap_rows
from secondline.doubt.question import Question
from secondline.errors import UserError
from secondline.evidence.audit.overlap import overlapping_enrolment
from secondline.evidence.selection import evidence_rows
from secondline.evidence.shared_patients import check_bounds
from secondline.inference import exact, frequentist
from secondline.inference.fit_statistics import Draws, assess
from secondline.inference.generalised_least_squares import fit, gaussian_units
from secondline.inference.kernels import density
from secondline.inference.leave_one_out import leave_one_out
from secondline.inference.models import model_inputs, natural_parameters
from secondline.inference.priors import PriorScales
from secondline.inference.task import FitTask
from secondline.inference.textbook import textbook_model
from secondline.inference.widening import prior_covariances
from secondline.jobs.settings import fit_settings, overlaps_of, summary_settings, treatments_of
from secondline.network.arms import used_arms
from secondline.network.data import NetworkData, contrast_blocks, joined, network_data
from secondline.network.leaving_out import without
from secondline.network.overlap import Overlap, SharedArm, correlation_of, kept_shares
from secondline.network.predictor import Effects
from secondline.network.structure import Floats, Structure
from secondline.project.config import Project
from secondline.project.cross_checks import check_overlaps
from secondline.summaries.sensitivity import evidence_digest

from tests.networks import ABC, Sizes, arm_row, contrast_row, plain, simulate
from tests.test_textbook import PLACES, by_hand

# metafor's documentation of vcalc, dat.knapp2017, study 3: groups of 39, 27, 15 and 20 patients with schizophrenia,
# compared with one group of 37 controls: patients, variances as rounded there, correlation and covariance.
SHARED_CONTROL = [
    (39, 27, 0.062, 0.073, 0.465283, 0.0313021866879515),
    (39, 15, 0.062, 0.102, 0.384742, 0.0305960523769429),
    (39, 20, 0.062, 0.084, 0.424329, 0.0306223534669685),
    (27, 15, 0.073, 0.102, 0.348848, 0.0301021398261882),
]
SCALES = PriorScales(1.5, 0.5, 0.0, 2.5)
FIXED = PriorScales(1.5, 0.0, 0.0, 2.5)


@pytest.mark.parametrize(("n1", "n2", "v1", "v2", "rho", "covariance"), SHARED_CONTROL)
def test_one_control_group_in_both_is_that_of_metafor(
    n1: int, n2: int, v1: float, v2: float, rho: float, covariance: float
) -> None:
    """The formula for shared controls, with all of them shared, is that of contrasts within one study."""
    rows = rows_with_sizes(("s1", "b", "a", 0.1, np.sqrt(v1), n1, 37), ("s2", "c", "a", 0.2, np.sqrt(v2), n2, 37))
    assert covariance_of(rows, [shared("s1", "s2", "a", 37)])[0, 1] == pytest.approx(covariance, rel=2e-6)
    assert correlation_of(37, (37, 37), (n1, n2)) == pytest.approx(rho, abs=5e-7)
    assert correlation_of(37, (37, 37), (n1, n2)) == pytest.approx(np.sqrt(n1 * n2 / ((n1 + 37) * (n2 + 37))))


def rows_with_sizes(*studies: tuple[str, str, str, float, float, int, int]) -> list[dict[str, str]]:
    """Contrasts with the patients of both arms."""
    return [
        contrast_row(study, t, c, y, se) | {"n_treatment": str(n), "n_comparator": str(m)}
        for study, t, c, y, se, n, m in studies
    ]


def shared(study: str, other: str, arm: str, patients: float, **more: object) -> Overlap:
    """Two studies that share patients of one arm."""
    return Overlap(studies=(study, other), arms=(SharedArm(arms=(arm, arm), patients=patients),), **more)  # pyright: ignore


def covariance_of(rows: list[dict[str, str]], overlaps: list[Overlap], likelihood: str = "contrasts") -> Floats:
    """Covariance of the contrasts of the only cluster."""
    data = network_data(rows, ABC, likelihood, overlaps=overlaps)
    return data.gaussian.clusters[0].covariance


def mean_rows(study: str, **arms: tuple[float, float, int]) -> list[dict[str, str]]:
    """Arms with their means, standard errors and patients."""
    return [arm_row(study, arm, n=n, mean=str(mean), se=str(se)) for arm, (mean, se, n) in arms.items()]


PAIR = rows_with_sizes(("s1", "b", "a", -0.5, 0.3, 48, 30), ("s2", "c", "a", -0.2, 0.25, 41, 27))


def test_shared_controls_by_patients() -> None:
    """The correlation of the formula times both standard errors; shared treated patients count alike."""
    rho = 22 / (30 * 27) / np.sqrt((1 / 48 + 1 / 30) * (1 / 41 + 1 / 27))
    assert rho == pytest.approx(0.4709, abs=5e-5)
    found = covariance_of(PAIR, [shared("s1", "s2", "a", 22)])
    assert found == pytest.approx(np.array([[0.09, rho * 0.075], [rho * 0.075, 0.0625]]))
    same = rows_with_sizes(("s1", "b", "a", -0.5, 0.3, 48, 30), ("s2", "b", "a", -0.2, 0.25, 41, 27))
    both = Overlap(
        studies=("s1", "s2"),
        arms=(SharedArm(arms=("a", "a"), patients=22), SharedArm(arms=("b", "b"), patients=10)),
    )
    treated = 10 / (48 * 41) / np.sqrt((1 / 48 + 1 / 30) * (1 / 41 + 1 / 27))
    assert covariance_of(same, [both])[0, 1] == pytest.approx((rho + treated) * 0.075)


def test_an_arm_on_opposite_sides_has_the_other_sign() -> None:
    """Patients who are the control of one study and the treatment of the other make the contrasts move apart."""
    rows = rows_with_sizes(("s1", "b", "a", -0.5, 0.3, 48, 30), ("s2", "a", "c", -0.2, 0.25, 27, 41))
    same = covariance_of(PAIR, [shared("s1", "s2", "a", 22)])[0, 1]
    assert covariance_of(rows, [shared("s1", "s2", "a", 22)])[0, 1] == pytest.approx(-same)


def test_events_take_the_place_of_patients() -> None:
    """22 of 30 and 27 with 17 and 21.6 events: 22 * 17 / 30 shared events, and no more covariance than those have."""
    events = {"b": 20.0, "a": 17.0}, {"c": 32.8, "a": 21.6}
    common = 22 * 17 / 30
    rho = correlation_of(common, (17, 21.6), (20, 32.8))
    plain_se = [np.sqrt(1 / 20 + 1 / 17), np.sqrt(1 / 32.8 + 1 / 21.6)]
    tight = rows_with_sizes(("s1", "b", "a", -0.5, 0.3, 48, 30), ("s2", "c", "a", -0.2, 0.25, 41, 27))
    found = covariance_of(tight, [shared("s1", "s2", "a", 22, events=events)])
    assert plain_se[0] > 0.3
    assert found[0, 1] == pytest.approx(rho * 0.3 * 0.25)
    adjusted = rows_with_sizes(("s1", "b", "a", -0.5, 0.42, 48, 30), ("s2", "c", "a", -0.2, 0.30, 41, 27))
    found = covariance_of(adjusted, [shared("s1", "s2", "a", 22, events=events)])
    assert found[0, 1] == pytest.approx(common / (17 * 21.6))


def test_multi_arm_studies_share_by_contrast() -> None:
    """Means of arms with known variances: shared controls give every pair of contrasts the same covariance."""
    rows = mean_rows("s1", a=(0, 0.2, 50), b=(1, 0.3, 40), c=(2, 0.4, 30))
    rows += mean_rows("s2", a=(0, 0.1, 80), b=(1, 0.5, 20))
    found = covariance_of(rows, [shared("s1", "s2", "a", 40)], "normal")
    of_a = 40 / np.sqrt(50 * 80) * 0.2 * 0.1
    assert found[:2, 2] == pytest.approx([of_a, of_a])
    found = covariance_of(rows, [shared("s1", "s2", "b", 10)], "normal")
    assert found[:2, 2] == pytest.approx([10 / np.sqrt(40 * 20) * 0.3 * 0.5, 0.0])


def test_common_covariance_is_that_of_the_comparator() -> None:
    """In a study of three arms the covariance of its contrasts says how much of them is the comparator's."""
    rows = [
        contrast_row("s1", "b", "a", 0.1, 0.5, baseline_se="0.3") | {"n_treatment": "40", "n_comparator": "50"},
        contrast_row("s1", "c", "a", 0.2, 0.4, baseline_se="0.3") | {"n_treatment": "40", "n_comparator": "50"},
        *rows_with_sizes(("s2", "b", "a", 0.3, 0.6, 30, 60)),
    ]
    found = covariance_of(rows, [shared("s1", "s2", "a", 20)])
    control = 0.36 * (1 / 60) / (1 / 30 + 1 / 60)
    assert found[:2, 2] == pytest.approx(20 / np.sqrt(50 * 60) * 0.3 * np.sqrt(control))


def test_correlations_by_pair_of_contrasts() -> None:
    """A correlation for all, or for some."""
    assert covariance_of(PAIR, [Overlap(studies=("s1", "s2"), correlation=0.4)])[0, 1] == pytest.approx(0.4 * 0.075)
    by_pair = Overlap(studies=("s1", "s2"), correlation={("b", "c"): 0.2})
    assert covariance_of(PAIR, [by_pair])[0, 1] == pytest.approx(0.2 * 0.075)
    assert covariance_of(PAIR, [by_pair.scaled(0.5)])[0, 1] == pytest.approx(0.1 * 0.075)
    half = shared("s1", "s2", "a", 22).scaled(0.5)
    assert half.arms[0].patients == 11


@pytest.mark.parametrize(
    ("overlap", "says"),
    [
        (lambda: Overlap(studies=("s1", "s1"), correlation=0.1), "allowed: two different studies"),
        (lambda: Overlap(studies=("s1", "s2")), "one of the two"),
        (lambda: Overlap(studies=("s1", "s2"), correlation=1.1), "allowed: a number from -1 to 1"),
        (lambda: shared("s1", "s2", "a", -1), "allowed: a number of patients, 0 or more"),
        (lambda: shared("s1", "s2", "a", 28), r"s1 and s2: arm a of s2 has 27; allowed: no more than that"),
        (lambda: shared("s1", "s2", "z", 2), "not an arm of s1 in use; allowed: a, b"),
        (
            lambda: Overlap(studies=("s1", "s2"), correlation=1.0),
            r"a correlation of 1\.000000 makes the covariance of s1 and s2 singular; allowed: at most 0\.999999",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(overlap: Callable[[], Overlap], says: str) -> None:
    """Also a covariance that is singular, with the pair and the largest correlation allowed."""
    with pytest.raises(UserError, match=says) as caught:
        network_data(PAIR, ABC, "contrasts", overlaps=[overlap()])
    assert len(caught.value.lines) == 1


def test_sizes_have_to_be_known_and_kinds_alike() -> None:
    """Evidence without patients, and a study with counts beside one with contrasts."""
    rows = [contrast_row("s1", "b", "a", -0.5, 0.3), contrast_row("s2", "c", "a", -0.2, 0.25)]
    unknown = [row | {"n_treatment": "", "n_comparator": ""} for row in rows]
    with pytest.raises(UserError, match="s1 does not say how many patients this arm has"):
        network_data(unknown, ABC, "contrasts", overlaps=[shared("s1", "s2", "a", 2)])
    mixed = [*PAIR[:1], *(arm_row("s2", t, 3, 20) for t in "ac")]
    with pytest.raises(UserError, match="both by counts, or both by contrasts"):
        network_data(mixed, ABC, "binomial_logit", overlaps=[shared("s1", "s2", "a", 2)])


def test_no_overlap_of_studies_in_use_changes_nothing() -> None:
    """One of the two is not there."""
    data = network_data(PAIR[:1], ABC, "contrasts", overlaps=[shared("s1", "s2", "a", 22)])
    assert data.gaussian.clusters == ()
    assert data.gaussian.log_det == pytest.approx([-np.log(0.3)])


def test_two_correlated_studies_pool_as_by_hand() -> None:
    """Generalised least squares of two studies of one contrast: the weights are those of the textbook.

    w1 = (s2^2 - c) / (s1^2 + s2^2 - 2c), variance (s1^2 s2^2 - c^2) / (s1^2 + s2^2 - 2c).
    """
    rows = [contrast_row("s1", "b", "a", -0.5, 0.3), contrast_row("s2", "b", "a", -0.1, 0.2)]
    overlaps = [Overlap(studies=("s1", "s2"), correlation=0.5)]
    c, v1, v2 = 0.5 * 0.06, 0.09, 0.04
    w = (v2 - c) / (v1 + v2 - 2 * c)
    mean, variance = -0.5 * w - 0.1 * (1 - w), (v1 * v2 - c**2) / (v1 + v2 - 2 * c)
    data = network_data(rows, plain("ab"), "contrasts", overlaps=overlaps)
    found = fit(gaussian_units(rows, data.predictor, "contrasts", overlaps), 0.0)
    assert found.estimates == pytest.approx([mean])
    assert found.covariance == pytest.approx(np.array([[variance]]))
    wide = exact.posterior(data, PriorScales(1e4, 0.0, 0.0, 2.5)).summary(np.eye(1))[0]
    assert wide[:2, 0] == pytest.approx([mean, np.sqrt(variance)], rel=1e-5)


LOOP = simulate("contrasts", ["ab", "abc", "bc", "ac", "ab"], {"a": 0.0, "b": -0.4, "c": 0.3}, 0.3, 5)
STUDIES = list(dict.fromkeys(row["study"] for row in LOOP))
CHAIN = [
    Overlap(studies=(STUDIES[0], STUDIES[1]), correlation=0.3),
    Overlap(studies=(STUDIES[3], STUDIES[1]), correlation=0.2),
]
"""The second study, of three arms, shares patients with the first and the fourth: these are one cluster."""


def dense(
    rows: list[dict[str, str]], data: NetworkData, overlaps: list[Overlap], likelihood: str = "contrasts"
) -> tuple[Floats, ...]:
    """Contrasts, rows, covariance and pattern of heterogeneity of all studies, not whitened, and their studies."""
    blocks = contrast_blocks(rows, data.predictor, likelihood)
    s = block_diag(*(block.covariance for block in blocks))
    r = block_diag(*((np.eye(len(block.y)) + 1) / 2 for block in blocks))
    study = np.repeat([block.study for block in blocks], [len(block.y) for block in blocks])
    for members, covariance in joined(blocks, overlaps):
        at = np.flatnonzero(np.isin(study, [block.study for block in members]))
        s[np.ix_(at, at)] = covariance
    return np.concatenate([b.y for b in blocks]), np.vstack([b.rows for b in blocks]), s, r, study


@given(st.floats(0.0, 2.0), st.floats(-1, 1), st.floats(-1, 1))
@settings(max_examples=20, deadline=None)
def test_whitening_a_cluster_keeps_the_density(tau: float, b: float, c: float) -> None:
    """The product of the whitened normals is the joint normal with blocks between studies."""
    data = network_data(LOOP, ABC, "contrasts", overlaps=CHAIN)
    y, rows, s, r, _ = dense(LOOP, data, CHAIN)
    effects = np.array([b, c])
    gaussian = data.gaussian
    spread = np.sqrt(1 + tau**2 * gaussian.scales)
    z = (gaussian.y - gaussian.rows @ effects) / spread
    found = -0.5 * (z**2).sum() - np.log(spread).sum() - 0.5 * len(y) * np.log(2 * np.pi) + gaussian.log_det.sum()
    assert found == pytest.approx(multivariate_normal(rows @ effects, s + tau**2 * r).logpdf(y), abs=1e-8)


def test_the_likelihood_of_a_study_is_given_its_cluster() -> None:
    """Joint density of all less that of all others, at fixed parameters."""
    data = network_data(LOOP, ABC, "contrasts", overlaps=CHAIN)
    y, rows, s, r, study = dense(LOOP, data, CHAIN)
    effects, tau = np.array([-0.2, 0.4]), 0.25
    found = assess(data, Draws(effects[None], np.array([tau])), SCALES).log_likelihood[0]
    v = s + tau**2 * r

    def joint(kept: np.ndarray) -> float:
        return float(multivariate_normal((rows @ effects)[kept], v[np.ix_(kept, kept)]).logpdf(y[kept]))

    for i in range(len(data.studies)):
        assert found[i] == pytest.approx(joint(study >= 0) - joint(study != i), abs=1e-9)


def test_deviance_of_a_cluster_is_its_quadratic_form() -> None:
    """Without heterogeneity: e' S^-1 e in all, and each contrast's own where nothing is shared."""
    data = network_data(LOOP, ABC, "contrasts", overlaps=CHAIN)
    y, rows, s, _, _ = dense(LOOP, data, CHAIN)
    effects = np.array([-0.2, 0.4])
    found = assess(data, Draws(effects[None], np.zeros(1)), FIXED)
    e = y - rows @ effects
    assert found.deviance.sum() == pytest.approx(e @ np.linalg.solve(s, e))
    assert found.leverage == pytest.approx(np.zeros(len(y)), abs=1e-9)
    apart = network_data(PAIR, ABC, "contrasts", overlaps=[shared("s1", "s2", "a", 1e-9)])
    alone = network_data(PAIR, ABC, "contrasts")
    draws = Draws(np.array([[-0.2, 0.4], [0.3, 0.1]]), np.array([0.2, 0.4]))
    assert assess(apart, draws, SCALES).deviance == pytest.approx(assess(alone, draws, SCALES).deviance)
    assert assess(apart, draws, SCALES).leverage == pytest.approx(assess(alone, draws, SCALES).leverage)


@pytest.mark.parametrize("overlaps", [CHAIN, CHAIN[:1], CHAIN[1:]])
@pytest.mark.parametrize("scales", [FIXED, SCALES])
def test_leaving_a_study_out_is_a_refit_without_it(overlaps: list[Overlap], scales: PriorScales) -> None:
    """p(y_i | y_-i) is the difference of two log evidences, by the grid and by the data without the study."""
    data = network_data(LOOP, ABC, "contrasts", overlaps=overlaps)
    posterior = exact.posterior(data, scales)
    result = leave_one_out(data, scales, posterior, np.zeros((2, 4, 1)))
    for i, study in enumerate(data.studies):
        rest = network_data([row for row in LOOP if row["study"] != study], ABC, "contrasts", overlaps=overlaps)
        refit = exact.posterior(rest, scales)
        assert result.elpd[i] == pytest.approx(posterior.log_evidence() - refit.log_evidence(), abs=1e-5)
        cut = exact.posterior(without(data, i), scales)
        assert cut.log_evidence() == pytest.approx(refit.log_evidence(), abs=1e-8)
        assert cut.summary(np.eye(2))[0] == pytest.approx(refit.summary(np.eye(2))[0], abs=1e-8)


def test_posterior_is_that_of_the_joint_normal() -> None:
    """Common effects: the closed form with the dense covariance."""
    data = network_data(LOOP, ABC, "contrasts", overlaps=CHAIN)
    y, rows, s, *_ = dense(LOOP, data, CHAIN)
    precision = rows.T @ np.linalg.solve(s, rows) + np.eye(2) / 1.5**2
    mean, covariance = np.linalg.solve(precision, rows.T @ np.linalg.solve(s, y)), np.linalg.inv(precision)
    found = exact.posterior(data, FIXED)
    assert found.summary(np.eye(2))[0][:2] == pytest.approx(np.array([mean, np.sqrt(np.diag(covariance))]))
    marginal = multivariate_normal(np.zeros(len(y)), s + 1.5**2 * rows @ rows.T)
    assert found.log_evidence() == pytest.approx(marginal.logpdf(y))


def test_a_study_of_no_weight_is_one_left_out() -> None:
    """As its standard error grows, what it shares does not: by events the limit is the network without it."""
    events = {"a": 30.0, "b": 20.0}, {"a": 25.0, "b": 15.0, "c": 20.0}
    rows = [row | {"n_treatment": "40", "n_comparator": "40"} for row in LOOP]
    far = [row | {"se": "1e6"} if row["study"] == STUDIES[0] else row for row in rows]
    overlaps = [shared(STUDIES[0], STUDIES[1], "a", 20, events=events)]
    data = network_data(far, ABC, "contrasts", overlaps=overlaps)
    assert data.gaussian.clusters[0].covariance[0, 1:] == pytest.approx([20 * 25 / 40 / (30 * 25)] * 2, rel=0.3)
    found = exact.posterior(data, SCALES).summary(np.eye(2))[0]
    rest = [row for row in rows if row["study"] != STUDIES[0]]
    expected = exact.posterior(network_data(rest, ABC, "contrasts"), SCALES).summary(np.eye(2))[0]
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_fixed_correlation_is_no_exclusion() -> None:
    """An estimate that misses by far less than its standard error tells that the other misses by little too.

    With correlation rho and s1 going to infinity, the other study has the variance (1 - rho^2) s2^2.
    """
    far = [contrast_row("s1", "b", "a", 0.0, 1e6), contrast_row("s2", "b", "a", -0.1, 0.2)]
    near = [contrast_row("s2", "b", "a", -0.1, 0.2 * np.sqrt(1 - 0.5**2))]
    overlaps = [Overlap(studies=("s1", "s2"), correlation=0.5)]
    found = exact.posterior(network_data(far, plain("ab"), "contrasts", overlaps=overlaps), FIXED).summary(np.eye(1))
    expected = exact.posterior(network_data(near, plain("ab"), "contrasts"), FIXED).summary(np.eye(1))
    assert found[0] == pytest.approx(expected[0], abs=1e-5)


def test_frequentist_twin_by_dense_matrices() -> None:
    """Estimates, restricted likelihood and Q with the whole covariance, and designs that overlap together."""
    data = network_data(LOOP, ABC, "contrasts", overlaps=CHAIN)
    y, x, s, r, study = dense(LOOP, data, CHAIN)
    units = gaussian_units(LOOP, data.predictor, "contrasts", CHAIN)
    assert len(units) == len(STUDIES) - 2
    tau = frequentist.reml_tau(units)
    assert tau is not None

    def restricted(t: float) -> float:
        v = s + t**2 * r
        w = np.linalg.inv(v)
        information = x.T @ w @ x
        e = y - x @ np.linalg.solve(information, x.T @ w @ y)
        return float(-0.5 * (np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1] + e @ w @ e))

    assert all(restricted(tau) >= restricted(t) - 1e-9 for t in np.linspace(0, 2, 401))
    w = np.linalg.inv(s + tau**2 * r)
    found = fit(units, tau)
    assert found.covariance == pytest.approx(np.linalg.inv(x.T @ w @ x))
    assert found.estimates == pytest.approx(found.covariance @ x.T @ w @ y)

    q = frequentist.q_statistics(units)
    w = np.linalg.inv(s)
    e = y - x @ np.linalg.solve(x.T @ w @ x, x.T @ w @ y)
    assert (q.total.value, q.total.df) == (pytest.approx(e @ w @ e), len(y) - 2)
    # designs: ab twice, abc, bc, ac; the full interaction model has 1 + 2 + 1 + 1 effects
    of_design = {0: [0], 4: [0], 1: [1, 2], 2: [3], 3: [4]}
    full = np.zeros((len(y), 5))
    for i, columns in of_design.items():
        for row, column in zip(np.flatnonzero(study == i), columns, strict=True):
            full[row, column] = 1.0
    e = y - full @ np.linalg.solve(full.T @ w @ full, full.T @ w @ y)
    assert (q.within.value, q.within.df) == (pytest.approx(e @ w @ e), len(y) - 5)
    assert q.between.p == pytest.approx(chi2.sf(q.total.value - q.within.value, q.between.df))
    assert list(q.designs) == ["a:b + a:b:c + a:c", "b:c"]
    assert frequentist.q_without(units)["b:c"].df < q.between.df


def test_counts_give_up_half_of_what_they_share() -> None:
    """10 of 30 and 27 patients: 25 of 30 and 22 of 27 count, events by the same share."""
    counts = ("s1", "a", 12, 30), ("s1", "b", 20, 48), ("s2", "a", 9, 27), ("s2", "c", 10, 41)
    rows = [arm_row(*each) for each in counts]
    data = network_data(rows, ABC, "binomial_logit", overlaps=[shared("s1", "s2", "a", 10)])
    share = 25 / 30, 22 / 27
    expected = [[12 * share[0], 25], [20, 48], [9 * share[1], 22], [10, 41]]
    assert data.counts.counts == pytest.approx(np.array(expected))
    rates = [row | {"time": "100"} for row in rows]
    data = network_data(rates, ABC, "poisson_log", overlaps=[shared("s1", "s2", "a", 10)])
    assert np.exp(data.counts.offset) == pytest.approx([100 * share[0], 100, 100 * share[1], 100])
    assert data.counts.events == pytest.approx([12 * share[0], 20, 9 * share[1], 10])
    with pytest.raises(UserError, match="allowed: the patients shared by arm"):
        network_data(rows, ABC, "binomial_logit", overlaps=[Overlap(studies=("s1", "s2"), correlation=0.1)])
    with pytest.raises(UserError, match="not an arm of s1 in use; allowed: a, b"):
        kept_shares({("s1", "a"): 3, ("s1", "b"): 3, ("s2", "a"): 3}, [shared("s1", "s2", "z", 1)])


def test_overlap_of_means_is_that_of_their_contrasts() -> None:
    """Arm means that overlap have the posterior of contrasts with the same covariance, and contrasts as data points."""
    rows = mean_rows("s1", a=(0, 0.2, 50), b=(1, 0.3, 50), c=(2, 0.4, 50))
    rows += mean_rows("s2", a=(0.3, 0.1, 50), b=(1, 0.5, 50))
    rows += mean_rows("s3", b=(0.2, 0.1, 50), c=(1, 0.5, 50))
    overlaps = [shared("s1", "s2", "a", 30)]
    data = network_data(rows, ABC, "normal", Effects(), overlaps)
    assert [point for study, point in data.points if study != "s3"] == ["b against a", "c against a", "b against a"]
    assert [point for study, point in data.points if study == "s3"] == ["b", "c"]
    draws = Draws(np.array([[-0.2, 0.4], [0.3, 0.1]]), np.array([0.2, 0.4]))
    assert len(assess(data, draws, SCALES).deviance) == 5
    y, x, s, *_ = dense(rows, data, overlaps, "normal")
    precision = x.T @ np.linalg.solve(s, x) + np.eye(2) / 1.5**2
    found = exact.posterior(data, FIXED).summary(np.eye(2))[0]
    assert found[0] == pytest.approx(np.linalg.solve(precision, x.T @ np.linalg.solve(s, y)))


@pytest.mark.parametrize("scales", [FIXED, SCALES])
def test_the_density_that_is_sampled_is_the_joint_normal(scales: PriorScales) -> None:
    """At random points: the compiled density against the dense one, with the Jacobian of the coordinates."""
    data = network_data(LOOP, ABC, "contrasts", overlaps=CHAIN)
    y, x, s, r, _ = dense(LOOP, data, CHAIN)
    inputs = model_inputs(data, scales, 2)
    rng = np.random.default_rng(3)
    moving = 3 if scales.tau else 2

    def parameters(raw: Floats) -> Floats:
        found = natural_parameters(raw[None, None], data, scales, inputs)
        return np.array([*found["coefficients"][0, 0], *(found["tau"][0] if scales.tau else [])])

    gaps = []
    for _ in range(5):
        raw = np.array([*rng.normal(size=2), abs(rng.normal()) + 0.3, 0.0])
        b, tau = parameters(raw)[:2], float(parameters(raw)[2]) if scales.tau else 0.0
        shifts = 1e-5 * np.eye(4)[:moving]
        jacobian = np.array([(parameters(raw + h) - parameters(raw - h)) / 2e-5 for h in shifts])
        expected = multivariate_normal(x @ b, s + tau**2 * r).logpdf(y) - 0.5 * (b**2).sum() / 1.5**2
        expected += np.linalg.slogdet(jacobian)[1] - (0.5 * (tau / scales.tau.size) ** 2 if scales.tau else 0.0)
        sampled = density.log_density(raw, inputs.vector)[0] - 0.5 * (raw[:moving] ** 2).sum()
        gaps.append(sampled - expected)
    assert np.ptp(gaps) < 1e-6


def test_the_textbook_model_is_the_joint_normal() -> None:
    """Contrasts of two studies, random effects summed over a grid."""
    rows = [contrast_row("s1", "b", "a", -0.5, 0.3), contrast_row("s2", "c", "a", -0.2, 0.25)]
    overlaps = [Overlap(studies=("s1", "s2"), correlation=0.6)]
    data = network_data(rows, ABC, "contrasts", Effects(), overlaps)
    y, x, s, r, _ = dense(rows, data, overlaps)
    expected = [multivariate_normal(x @ [b, c], s + tau**2 * r).logpdf(y) for b, c, tau in PLACES]
    assert np.diff(by_hand(data, 61)) == pytest.approx(np.diff(expected), abs=1e-4)


@pytest.mark.parametrize("likelihood", ["binomial_logit", "binomial_cloglog", "poisson_log", "ordered_logit"])
def test_effective_patients_in_the_textbook_model(likelihood: str) -> None:
    """Counts that are not whole: their potential against the likelihood that is fitted, but for a constant."""
    rows = simulate(likelihood, ("ab", "ac"), {"a": 0.0, "b": 0.4, "c": -0.3}, 0.0, 5, Sizes(n=(12, 20)))
    rows = [row | {"n": row.get("n") or "15"} for row in rows]
    names = tuple(dict.fromkeys(row["study"] for row in rows))
    overlap = Overlap(studies=(names[0], names[1]), arms=(SharedArm(arms=("a", "a"), patients=5),))
    data = network_data(rows, ABC, likelihood, Effects(), [overlap])
    assert (data.counts.counts % 1).any()
    scales = PriorScales(1.5, 0.0, 0.0, 1.2)
    with textbook_model(data, scales) as model:
        logp = model.compile_fn(model.logp(), mode="FAST_COMPILE")
    cuts = {"log_distance": np.zeros(data.n_cuts)} if data.n_cuts else {}
    grid = np.arange(-5, 5.01, 0.1)
    values = []
    effects = np.array([place[:2] for place in PLACES])
    for effect in effects:
        # A study at a time: with the other baseline fixed, the density is a product.
        at = [[float(logp({"effect": effect, "mu": np.array(mu), **cuts})) for mu in line] for line in lines(grid)]
        both = logp({"effect": effect, "mu": np.zeros(2), **cuts})
        values.append(logsumexp(at[0]) + logsumexp(at[1]) - both + 0.5 * (effect**2).sum() / 1.5**2)
    draws = Draws(np.hstack([effects, np.zeros((3, data.n_cuts))]), np.zeros(3))
    found = assess(data, draws, scales).log_likelihood.sum(axis=1)
    assert np.diff(found) == pytest.approx(np.diff(values), abs=2e-3)


def lines(grid: Floats) -> list[list[tuple[float, float]]]:
    """Baselines of the first study with the second at 0, and the other way round."""
    return [[(float(mu), 0.0) for mu in grid], [(0.0, float(mu)) for mu in grid]]


def test_the_shipped_bound_is_that_of_the_audit(project: Project) -> None:
    """22 of 30 and 27 controls by ECOG; rho about 0.30 and 0.36 by events, and no overlap in the declared analyses."""
    (declared,) = project.config.overlaps
    found = next(f for f in overlapping_enrolment(project) if f.study == "nanchang_2022")
    assert declared.shared.bound == found.recomputed == 22
    for outcome, rho in (("os", 0.30), ("pfs", 0.36)):
        rows = evidence_rows(project, "primary", outcome)
        overlaps = overlaps_of(project, "primary", outcome, "bound")
        structure = Structure.of(treatments_of(project))
        (cluster,) = network_data(rows, structure, "contrasts", Effects(), overlaps).gaussian.clusters
        se = np.sqrt(np.diag(cluster.covariance))
        assert cluster.covariance[0, 1] / se.prod() == pytest.approx(rho, abs=0.006)
        assert overlaps_of(project, "primary", outcome) == ()
    assert all(analysis.overlap == "none" for analysis in project.config.analyses.values())


def changed(project: Project, **change: object) -> Project:
    """Return the project with its only overlap changed, and the first analysis taking the bound."""
    config = project.config
    overlap = type(config.overlaps[0]).model_validate(config.overlaps[0].model_dump() | change)
    primary = config.analyses["primary"].model_copy(update={"overlap": "bound"})
    update = {"overlaps": [overlap], "analyses": {**config.analyses, "primary": primary}}
    return project.model_copy(update={"config": config.model_copy(update=update)})


def test_an_analysis_takes_what_it_asks_for(project: Project) -> None:
    """Settings of fits and summaries of one analysis alone, and only of outcomes that both studies give."""
    taken = changed(project)
    assert fit_settings(taken, "primary", "os").overlaps[0].arms[0].patients == 22
    assert fit_settings(taken, "primary", "orr").overlaps[0].events == ({}, {})
    assert fit_settings(taken, "primary", "ae_grade3").overlaps == ()
    assert fit_settings(taken, "nanchang_2023_medians", "os").overlaps == ()
    assert fit_settings(taken, "four_cohorts", "os").overlaps == ()
    assert summary_settings(taken, "os", "primary").overlaps == fit_settings(taken, "primary", "os").overlaps
    assert summary_settings(taken, "os").overlaps == ()
    rows = evidence_rows(taken, "primary", "os")
    with_overlap = evidence_digest(rows, overlaps_of(taken, "primary", "os"))
    assert with_overlap != evidence_digest(rows) == evidence_digest(rows, ())


def test_no_more_is_shared_than_the_sheets_allow(project: Project) -> None:
    """One line with the key, the value and what is allowed; nor an unknown study or arm."""
    with pytest.raises(UserError, match=r"overlaps\.0\.shared\.bound = 23.*at most 22, as ECOG PS 2 or worse"):
        check_bounds(changed(project, shared={"best": 10, "bound": 23}))
    document = project.document
    assert document is not None
    with pytest.raises(UserError, match=r"overlaps\.0\.arms\.nanchang_2022 = 'x'.*allowed: rp, r"):
        check_overlaps(changed(project, arms={"nanchang_2022": "x", "nanchang_2023": "r"}), document)
    with pytest.raises(UserError, match=r"overlaps\.0\.studies\.0 = 'z'.*unknown study"):
        change = {"studies": ["z", "nanchang_2023"], "arms": {"z": "r", "nanchang_2023": "r"}}
        check_overlaps(changed(project, **change), document)
    studies, arms = {"studies": ["nanchang_2022"] * 2}, {"arms": {"a": "r", "b": "r"}}
    for wrong in ({"shared": {"best": 23, "bound": 22}}, studies, arms):
        with pytest.raises(ValidationError):
            changed(project, **wrong)


def test_grid_of_the_shipped_network(project: Project) -> None:
    """From no overlap, which is the headline, to exclusion: the levels of both outcomes and every setting."""
    rows, fit_of, summary = (
        evidence_rows(project, "primary", "os"),
        fit_settings(project, "primary", "os"),
        summary_settings(project, "os"),
    )
    declared = tuple(overlaps_of(project, "primary", "os", how_many) for how_many in ("best", "bound"))
    found = overlap_rows(rows, fit_of, summary, "pooled", (declared[0], declared[1]))
    after = [row for row in found if row["setting"] == "sorafenib_failure"]
    levels = [row["level"] for row in after]
    without = ["without nanchang_2022", "without nanchang_2023"]
    assert levels == ["none", *["grid"] * 3, "best", "bound", "largest", *without]
    assert len(found) == len(levels) * 4
    by_level = {row["level"]: row for row in after}
    assert by_level["bound"]["correlation"] == pytest.approx(2 * by_level["best"]["correlation"])
    assert by_level["largest"]["correlation"] == pytest.approx(1, abs=2e-6)
    fit_none = FitTask.from_rows(rows, fit_of).fits["pooled"]
    decision = decide(
        Question.of(fit_none, used_arms(rows), summary),
        posterior := exact.posterior(fit_none.data, fit_none.scales),
        prior_covariances(fit_none.data, fit_none.scales, posterior),
    )[1]
    none = by_level["none"]
    assert (none["first"], none["p_better"]) == (decision.first, pytest.approx(decision.p_first))
    assert none["correlation"] == 0.0
    fit_none = FitTask.from_rows([row for row in rows if row["study"] != "nanchang_2023"], fit_of).fits["pooled"]
    predictor, without_it = fit_none.data.predictor, by_level["without nanchang_2023"]
    of = [predictor.structure.regimens.index(without_it[key]) for key in ("first", "runner_up")]
    row = predictor.effect_rows()[1][of[0]] - predictor.effect_rows()[1][of[1]]
    expected = exact.posterior(fit_none.data, fit_none.scales).mixture(row[None]).mean()[0]
    assert without_it["mean"] == pytest.approx(expected)
    assert overlap_rows(rows[:1], fit_of, summary, "pooled", (declared[0], declared[1])) == []


def test_library_takes_overlaps() -> None:
    """A network of contrasts with a correlation: the effect is that of generalised least squares."""
    frame = pd.DataFrame({"s": ["s1", "s2"], "t": ["b", "b"], "c": ["a", "a"], "y": [-0.5, -0.1], "se": [0.3, 0.2]})
    columns = {"study": "s", "treatment": "t", "comparator": "c", "effect": "y", "se": "se"}
    net = sl.Network.from_contrasts(frame, **columns, reference="a", measure="HR")
    shared_net = net.sharing(sl.Overlap(studies=("s1", "s2"), correlation=0.5))
    model, priors = sl.Model(likelihood="normal", heterogeneity=False), sl.Priors(effect=sl.normal(1e4))
    result = sl.fit(shared_net, model, priors=priors)
    effects = result.relative_effects()
    row = effects[(effects["treatment"] == "b") & (effects["comparator"] == "a")].iloc[0]
    w = (0.04 - 0.03) / (0.09 + 0.04 - 0.06)
    assert row["mean"] == pytest.approx(-0.5 * w - 0.1 * (1 - w), abs=0.01)
    with pytest.raises(UserError, match=r"Network\.sharing: study = 'z': allowed: s1, s2"):
        net.sharing(sl.Overlap(studies=("s1", "z"), correlation=0.5))
