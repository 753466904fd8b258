"""From evidence tables to arrays: whitening, covariances, arms of every likelihood, and networks of both kinds."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm
from secondline.evidence.selection import evidence_csv
from secondline.jobs.settings import treatments_of
from secondline.likelihoods import COUNT_LIKELIHOODS
from secondline.network.clusters import whiten
from secondline.network.data import (
    NetworkData,
    contrast_blocks,
    network_data,
)
from secondline.network.figures import contrast_covariance
from secondline.network.predictor import Effects
from secondline.network.structure import Structure
from secondline.project.config import Project

from tests.networks import ABC, arm_row, contrast_row, plain, simulate_mixed

Z = 1.959963984540054


@pytest.fixture(scope="module")
def structure(project: Project) -> Structure:
    """Return the shipped components and regimens."""
    return Structure.of(treatments_of(project))


def evidence(project: Project, analysis: str, outcome: str) -> list[dict[str, str]]:
    """Return an evidence table as a fit reads it."""
    return list(csv.DictReader(io.StringIO(evidence_csv(project, analysis, outcome))))


def log_density(data: NetworkData, b: np.ndarray, tau: float) -> float:
    """Log density of the whitened contrasts, as a density of the contrasts themselves."""
    spread = np.sqrt(1 + tau**2 * data.gaussian.scales)
    whitened = norm.logpdf(data.gaussian.y, data.gaussian.rows @ b, spread).sum()
    return float(whitened + data.gaussian.log_det.sum())


def test_a_contrast_of_mixtures(project: Project, structure: Structure) -> None:
    """ditan_2022, OS: 40 and 16 of 56 on combinations against 34 and 3 of 37; y and row divided by the error."""
    data = network_data(evidence(project, "primary", "os"), structure, "contrasts")
    i = data.studies.index("ditan_2022")
    at = data.gaussian.study == i
    se = np.log(0.51 / 0.16) / (2 * Z)
    row = np.array([40 / 56 - 34 / 37, 16 / 56 - 3 / 37, 0, 1])
    assert data.gaussian.y[at] == pytest.approx([np.log(0.28) / se])
    assert data.gaussian.rows[at][0] == pytest.approx(np.concatenate([row, row, np.zeros(8)]) / se)
    assert data.gaussian.scales[at] == pytest.approx([1 / se**2])
    assert data.gaussian.log_det[i] == pytest.approx(-np.log(se))
    assert data.points[int(np.flatnonzero(at)[0])] == ("ditan_2022", "tki_ici against tki")


def test_a_study_of_two_settings(project: Project, structure: Structure) -> None:
    """nanchang_2022: the ICI alone, 57/78 after sorafenib and 21/78 after lenvatinib."""
    data = network_data(evidence(project, "primary", "pfs"), structure, "contrasts")
    i = data.studies.index("nanchang_2022")
    se = np.log(0.641 / 0.185) / (2 * Z)
    ici = np.array([0, 0, 0, 1])
    expected = np.concatenate([ici, ici * 57 / 78, ici * 21 / 78, ici * 0])
    assert data.gaussian.rows[data.gaussian.study == i][0] * se == pytest.approx(expected)


def test_unused_rows_are_left_out(project: Project, structure: Structure) -> None:
    """An excluded study gives no contrast and no arm."""
    data = network_data(evidence(project, "four_cohorts", "os"), structure, "contrasts")
    assert len(data.points) == len(data.gaussian.y) == 4
    arms = network_data(evidence(project, "four_cohorts", "orr"), structure, "binomial_logit")
    assert len(arms.points) == len(arms.counts.counts) == 8
    assert "nanchang_2023" not in (*data.studies, *arms.studies)


def test_no_evidence_at_all(structure: Structure) -> None:
    """Empty tables give empty data of the right shape."""
    data = network_data([], structure, "contrasts")
    assert data.gaussian.rows.shape == data.counts.rows.shape == (0, 16)
    assert data.counts.start.tolist() == [0]
    assert data.counts.counts.shape == (0, 2)


@pytest.mark.parametrize("outcome", ["os", "pfs"])
@given(seed=st.integers(0, 1000), tau=st.floats(0, 2))
def test_whitening_keeps_the_likelihood(
    project: Project, structure: Structure, outcome: str, seed: int, tau: float
) -> None:
    """ditan_2025 by its regimens: the density of the whitened contrasts is that of the contrasts themselves."""
    rows = [r for r in evidence(project, "regimen_level", outcome) if r["study"] == "ditan_2025"]
    data = network_data(rows, structure, "contrasts")
    b = np.random.default_rng(seed).normal(size=data.n_coefficients)
    theta = dict(zip(structure.regimens, data.predictor.effect_rows()[2] @ b, strict=True))  # after lenvatinib
    regimens = ["regorafenib", "regorafenib_ici", "sorafenib_ici", "other_tki_ici"]
    mean = [theta[name] - theta["sorafenib"] for name in regimens]
    y = [float(row["effect"]) for row in rows]
    shared = float(rows[0]["baseline_se"]) ** 2
    covariance = np.full((4, 4), shared + tau**2 / 2)
    covariance[np.diag_indices(4)] = [float(row["se"]) ** 2 + tau**2 for row in rows]
    assert log_density(data, b, tau) == pytest.approx(multivariate_normal(mean, covariance).logpdf(y))


@given(st.integers(1, 5), st.integers(0, 10_000), st.floats(0.01, 10))
def test_whitening_diagonalises(n: int, seed: int, size: float) -> None:
    """T S T' = I and T R T' = diag(lambda), with R = (I + 11') / 2."""
    root = np.random.default_rng(seed).normal(size=(n, n + 2))
    covariance = size * (root @ root.T + 0.1 * np.eye(n))
    whitener, scales = whiten(covariance)
    pattern = (np.eye(n) + np.ones((n, n))) / 2
    assert whitener @ covariance @ whitener.T == pytest.approx(np.eye(n), abs=1e-8)
    assert whitener @ pattern @ whitener.T == pytest.approx(np.diag(scales), abs=1e-8 * max(scales))
    assert (scales > 0).all()


@given(st.floats(0.01, 5))
def test_whitening_two_arms(se: float) -> None:
    """One contrast is divided by its standard error; lambda is its precision."""
    whitener, scales = whiten(np.array([[se**2]]))
    assert abs(whitener[0, 0]) == pytest.approx(1 / se)
    assert scales[0] == pytest.approx(1 / se**2)


def test_a_plain_contrast() -> None:
    """Rows hold 1 and -1, divided by the standard error."""
    data = network_data([contrast_row("one", "c", "b", 0.3, 0.5)], ABC, "contrasts")
    gaussian = data.gaussian
    assert (gaussian.y.tolist(), gaussian.rows.tolist(), gaussian.scales.tolist()) == ([0.6], [[-2, 2]], [4])


def test_covariance_from_the_variance_of_the_comparator() -> None:
    """Contrasts against one comparator share its variance."""
    rows = [contrast_row("s", t, "a", 0.0, se, 0.2) for t, se in zip("bcd", (0.3, 0.4, 0.5), strict=True)]
    shared = 0.2**2
    assert contrast_covariance(rows) == pytest.approx(
        np.array([[0.09, shared, shared], [shared, 0.16, shared], [shared, shared, 0.25]])
    )


def test_covariance_as_it_is_given() -> None:
    """Covariances with the rows before outrank the variance of the comparator."""
    rows = [
        contrast_row("s", "b", "a", 0.0, 0.3, 0.2),
        contrast_row("s", "c", "a", 0.0, 0.4, 0.2, covariances="0.01"),
        contrast_row("s", "d", "a", 0.0, 0.5, 0.2, covariances="-0.02 0.03"),
    ]
    expected = np.array([[0.09, 0.01, -0.02], [0.01, 0.16, 0.03], [-0.02, 0.03, 0.25]])
    assert contrast_covariance(rows) == pytest.approx(expected)


@given(seed=st.integers(0, 10_000), tau=st.floats(0, 2))
def test_given_covariances_make_the_likelihood(seed: int, tau: float) -> None:
    """The likelihood of three correlated contrasts is multivariate normal, heterogeneity correlated by one half."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(3, 5)) / 4
    covariance, y, b = root @ root.T + 0.02 * np.eye(3), rng.normal(size=3), rng.normal(size=3)
    cells = [" ".join(repr(float(value)) for value in covariance[k, :k]) for k in range(3)]
    rows = [
        contrast_row("s", t, "a", y[k], np.sqrt(covariance[k, k]), covariances=cells[k]) for k, t in enumerate("bcd")
    ]
    data = network_data(rows, plain("abcd"), "contrasts")
    whole = multivariate_normal(b, covariance + tau**2 * (np.eye(3) + 1) / 2)
    assert log_density(data, b, tau) == pytest.approx(whole.logpdf(y))


def means(study: str, values: dict[str, tuple[float, float]]) -> list[dict[str, str]]:
    """Return arms with means and standard errors."""
    return [arm_row(study, t, mean=repr(mean), se=repr(se)) for t, (mean, se) in values.items()]


def test_means_become_contrasts() -> None:
    """Against the first arm, whose variance they share."""
    rows = means("s", {"b": (1.0, 0.3), "a": (0.4, 0.2), "c": (2.0, 0.5)})
    data = network_data(rows, ABC, "normal")
    block = contrast_blocks(rows, data.predictor, "normal")[0]
    assert block.y == pytest.approx([-0.6, 1.0])
    assert block.covariance == pytest.approx(np.array([[0.09 + 0.04, 0.09], [0.09, 0.09 + 0.25]]))
    assert block.rows.tolist() == [[-1, 0], [-1, 1]]
    assert block.treatments == ("b", "a", "c")
    assert len(data.gaussian.y) == 2
    assert data.gaussian.means.y.tolist() == [1.0, 0.4, 2.0]
    assert data.gaussian.means.variance == pytest.approx([0.09, 0.04, 0.25])
    assert data.points == (("s", "b"), ("s", "a"), ("s", "c"))


@given(seed=st.integers(0, 10_000), tau=st.floats(0, 2), order=st.permutations([0, 1, 2, 3]))
def test_means_with_a_flat_baseline(seed: int, tau: float, order: list[int]) -> None:
    """The contrasts' likelihood is that of the arms with the baseline integrated out, whichever arm stands first."""
    rng = np.random.default_rng(seed)
    mean, se, b = rng.normal(size=4), rng.uniform(0.1, 1, 4), rng.normal(size=3)
    names = "abcd"
    rows = means("s", {names[k]: (float(mean[k]), float(se[k])) for k in order})
    data = network_data(rows, plain(names), "normal")
    weight = 1 / (se**2 + tau**2 / 2)
    residual = mean - np.array([0.0, *b])
    centre = (weight * residual).sum() / weight.sum()
    # integral over a flat baseline of the product of the arms' densities
    integral = 0.5 * (np.log(weight / (2 * np.pi)).sum() - np.log(weight.sum() / (2 * np.pi)))
    integral -= 0.5 * (weight * (residual - centre) ** 2).sum()
    assert log_density(data, b, tau) == pytest.approx(integral)


def test_arms_of_mixtures(project: Project, structure: Structure) -> None:
    """ditan_2022, ORR: arm rows less the mean of the two arms, so plus and minus half of their difference."""
    data = network_data(evidence(project, "primary", "orr"), structure, "binomial_logit")
    counts = data.counts
    i = data.studies.index("ditan_2022")
    arms = slice(counts.start[i], counts.start[i + 1])
    half = np.array([40 / 56 - 34 / 37, 16 / 56 - 3 / 37, 0, 1]) / 2
    by_events = dict(zip(counts.events[arms], counts.rows[arms], strict=True))
    assert set(by_events) == {12, 3}
    assert by_events[12] == pytest.approx(np.concatenate([half, half, np.zeros(8)]))
    assert by_events[3] == pytest.approx(-by_events[12])
    assert sorted(counts.n[arms]) == [37, 56]


@pytest.mark.parametrize("outcome", ["orr", "dcr", "ae_any", "discontinuation"])
def test_arms_are_centred(project: Project, structure: Structure, outcome: str) -> None:
    """The rows of a study add up to nothing; an arm is where `start` says it is."""
    rows = evidence(project, "primary", outcome)
    data = network_data(rows, structure, "binomial_logit")
    counts = data.counts
    assert counts.start[-1] == len(data.points) == len(rows)
    for i, study in enumerate(data.studies):
        arms = slice(counts.start[i], counts.start[i + 1])
        assert counts.rows[arms].sum(axis=0) == pytest.approx(np.zeros(16), abs=1e-12)
        assert counts.events[arms].tolist() == [float(r["events"]) for r in rows if r["study"] == study]


def test_counts_of_every_family() -> None:
    """Events and patients with the logarithm of the time; events alone for rates; patients by category in order."""
    rows = [arm_row("s", "a", 3, 20, time="2.0"), arm_row("s", "b", 0, 10, time="0.5")]
    for likelihood in ("binomial_logit", "binomial_cloglog"):
        counts = network_data(rows, ABC, likelihood).counts
        assert counts.family == COUNT_LIKELIHOODS[likelihood].family
        assert counts.counts.tolist() == [[3, 20], [0, 10]]
    assert counts.offset == pytest.approx(np.log([2.0, 0.5]))
    rates = network_data(rows, ABC, "poisson_log").counts
    assert rates.counts.tolist() == [[3], [0]]
    assert rates.offset == pytest.approx(np.log([2.0, 0.5]))
    cells = {"a": "pd:10 sd:0 pr:3 cr:1", "c": "pd:1 sd:2 pr:0 cr:9"}
    rows = [arm_row("s", t, categories=cell) for t, cell in cells.items()]
    data = network_data(rows, ABC, "ordered_logit")
    assert data.counts.counts.tolist() == [[10, 0, 3, 1], [1, 2, 0, 9]]
    assert data.n_cuts == 2
    assert data.predictor.names == ["beta[b]", "beta[c]", "log_distance[2]", "log_distance[3]"]
    assert data.counts.rows.tolist() == [[0, -0.5, 0, 0], [0, 0.5, 0, 0]]


def test_two_categories_have_no_free_cutpoint() -> None:
    """An ordered outcome of two categories is a binomial one."""
    data = network_data([arm_row("s", t, categories="no:7 yes:3") for t in "ab"], ABC, "ordered_logit")
    assert data.n_cuts == 0
    assert data.counts.counts.shape == (2, 2)


@pytest.mark.parametrize("likelihood", ["normal", "binomial_logit", "ordered_probit"])
def test_networks_of_both_kinds(likelihood: str) -> None:
    """Studies with contrasts and studies with arms keep their places; every study is where its index says."""
    designs = ["ab", "abc", "bc", "ac"]
    rows = simulate_mixed(likelihood, designs, {"a": 0.0, "b": 0.4, "c": -0.2}, 0.2, 3)
    data = network_data(rows, ABC, likelihood)
    assert data.studies == ("study00", "study01", "study02", "study03")
    contrasts = [(row["study"], f"{row['treatment_arm']} against a") for row in rows if row["study"] == "study01"]
    assert list(data.points[:2]) == contrasts
    assert data.points[2] == ("study03", "c against a")
    assert [name for _, name in data.points[3:]] == ["a", "b", "b", "c"]
    if likelihood == "normal":
        assert sorted(data.gaussian.study.tolist()) == [0, 1, 1, 2, 3]
        assert data.gaussian.means.study.tolist() == [0, 0, 2, 2]
        assert len(data.counts.study) == 0
    else:
        assert data.gaussian.study.tolist() == [1, 1, 3]
        assert data.counts.study.tolist() == [0, 2]
        assert data.counts.start.tolist() == [0, 2, 4]
    assert (data.gaussian.log_det != 0).tolist() == [likelihood == "normal", True, likelihood == "normal", True]


def test_effects_by_default() -> None:
    """Departures for the settings that a structure has; the effects asked for otherwise."""
    rows = [contrast_row("s", "b", "a", 0.1, 0.3, setting_mix="x:10")]
    structure = plain("abc", settings=("x", "y"))
    assert network_data(rows, structure, "contrasts").n_coefficients == 6
    assert network_data(rows, structure, "contrasts", effects=Effects()).n_coefficients == 2


def test_unrelated_contrasts_are_against_the_comparator() -> None:
    """A three-arm study of contrasts is parametrised against the arm that its contrasts are against."""
    rows = [contrast_row("s", t, "a", 0.1, 0.3, 0.2) for t in "bc"]
    data = network_data(rows, ABC, "contrasts", effects=Effects(unrelated=True))
    assert data.predictor.names == ["d[b,a]", "d[c,a]"]
