"""Design matrices: rows by hand, and the whitening that makes contrasts independent."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nma.config import Project
from nma.evidence.selection import mix
from nma.network.design import Structure, arm_data, contrast_data, expand, parse_mix, weights, whiten
from nma.plan import evidence_csv, structure_settings
from scipy.stats import multivariate_normal, norm

Z = 1.959963984540054


@pytest.fixture(scope="module")
def structure(project: Project) -> Structure:
    """Return the shipped components and regimens."""
    return Structure.from_settings(structure_settings(project))


def evidence(project: Project, analysis: str, outcome: str) -> list[dict[str, str]]:
    """Return an evidence table as a fit reads it."""
    return list(csv.DictReader(io.StringIO(evidence_csv(project, analysis, outcome))))


def test_effects_of_the_regimens(structure: Structure) -> None:
    """A regimen's effect is the sum of its components, and in a setting their departures too."""
    rows = structure.effect_rows()
    assert rows.shape == (4, 8, 16)
    assert structure.n_coefficients == 16
    index = structure.regimens.index("regorafenib_ici")
    components = [0, 1, 0, 1]  # lenvatinib, regorafenib, other_tki, ici
    nothing = [0] * 4
    assert rows[0, index].tolist() == [*components, *nothing, *nothing, *nothing]
    assert rows[1, index].tolist() == [*components, *components, *nothing, *nothing]
    assert rows[3, index].tolist() == [*components, *nothing, *nothing, *components]
    assert not rows[:, structure.regimens.index("sorafenib")].any()


def test_expanding_by_settings() -> None:
    """Component rows stand first, then once per setting with its weight."""
    rows = expand(np.array([[1.0, -2.0]]), np.array([[0.75, 0.25, 0.0]]))
    assert rows.tolist() == [[1, -2, 0.75, -1.5, 0.25, -0.5, 0, 0]]


def test_a_contrast_of_mixtures(project: Project, structure: Structure) -> None:
    """ditan_2022, OS: 40 and 16 of 56 on combinations against 34 and 3 of 37; y and row divided by the error."""
    data = contrast_data(evidence(project, "primary", "os"), structure)
    i = data.studies.index("ditan_2022")
    se = np.log(0.51 / 0.16) / (2 * Z)
    row = np.array([40 / 56 - 34 / 37, 16 / 56 - 3 / 37, 0, 1])
    assert data.y[i] == pytest.approx(np.log(0.28) / se)
    assert data.rows[i] == pytest.approx(np.concatenate([row, row, np.zeros(8)]) / se)
    assert data.scales[i] == pytest.approx(1 / se**2)
    assert data.log_det[i] == pytest.approx(-np.log(se))


def test_a_study_of_two_settings(project: Project, structure: Structure) -> None:
    """nanchang_2022: the ICI alone, 57/78 after sorafenib and 21/78 after lenvatinib."""
    data = contrast_data(evidence(project, "primary", "pfs"), structure)
    i = data.studies.index("nanchang_2022")
    se = np.log(0.641 / 0.185) / (2 * Z)
    ici = np.array([0, 0, 0, 1])
    assert data.rows[i] * se == pytest.approx(np.concatenate([ici, ici * 57 / 78, ici * 21 / 78, ici * 0]))


def test_unused_rows_are_left_out(project: Project, structure: Structure) -> None:
    """An excluded study gives no contrast and no arm."""
    data = contrast_data(evidence(project, "four_cohorts", "os"), structure)
    assert data.data_points == 4
    arms = arm_data(evidence(project, "four_cohorts", "orr"), structure)
    assert arms.data_points == 8
    assert "nanchang_2023" not in (*data.studies, *arms.studies)


def test_no_evidence_at_all(structure: Structure) -> None:
    """Empty tables give empty data of the right shape."""
    assert contrast_data([], structure).rows.shape == (0, 16)
    assert arm_data([], structure).rows.shape == (0, 16)


@pytest.mark.parametrize("outcome", ["os", "pfs"])
@given(seed=st.integers(0, 1000), tau=st.floats(0, 2))
def test_whitening_keeps_the_likelihood(
    project: Project, structure: Structure, outcome: str, seed: int, tau: float
) -> None:
    """ditan_2025 by its regimens: the density of the whitened contrasts is that of the contrasts themselves."""
    rows = [r for r in evidence(project, "regimen_level", outcome) if r["study"] == "ditan_2025"]
    data = contrast_data(rows, structure)
    b = np.random.default_rng(seed).normal(size=structure.n_coefficients)
    theta = dict(zip(structure.regimens, structure.effect_rows()[2] @ b, strict=True))  # after lenvatinib
    regimens = ["regorafenib", "regorafenib_ici", "sorafenib_ici", "other_tki_ici"]
    mean = [theta[name] - theta["sorafenib"] for name in regimens]
    y = [float(row["log_effect"]) for row in rows]
    shared = float(rows[0]["baseline_se"]) ** 2
    covariance = np.full((4, 4), shared + tau**2 / 2)
    covariance[np.diag_indices(4)] = [float(row["se"]) ** 2 + tau**2 for row in rows]
    direct = multivariate_normal(mean, covariance).logpdf(y)
    spread = np.sqrt(1 + tau**2 * data.scales)
    assert norm.logpdf(data.y, data.rows @ b, spread).sum() + data.log_det.sum() == pytest.approx(direct)


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


def test_arms_of_mixtures(project: Project, structure: Structure) -> None:
    """ditan_2022, ORR: arm rows less the mean of the two arms, so plus and minus half of their difference."""
    data = arm_data(evidence(project, "primary", "orr"), structure)
    i = data.studies.index("ditan_2022")
    arms = slice(data.start[i], data.start[i + 1])
    half = np.array([40 / 56 - 34 / 37, 16 / 56 - 3 / 37, 0, 1]) / 2
    by_events = dict(zip(data.events[arms], data.rows[arms], strict=True))
    assert set(by_events) == {12, 3}
    assert by_events[12] == pytest.approx(np.concatenate([half, half, np.zeros(8)]))
    assert by_events[3] == pytest.approx(-by_events[12])
    assert sorted(data.n[arms]) == [37, 56]


@pytest.mark.parametrize("outcome", ["orr", "dcr", "ae_any", "discontinuation"])
def test_arms_are_centred(project: Project, structure: Structure, outcome: str) -> None:
    """The rows of a study add up to nothing; an arm is where `start` says it is."""
    rows = evidence(project, "primary", outcome)
    data = arm_data(rows, structure)
    assert data.start[-1] == data.data_points == len(rows)
    for i, study in enumerate(data.studies):
        arms = slice(data.start[i], data.start[i + 1])
        assert data.rows[arms].sum(axis=0) == pytest.approx(np.zeros(16), abs=1e-12)
        assert data.events[arms].tolist() == [float(r["events"]) for r in rows if r["study"] == study]


def test_a_plain_network_is_the_identity() -> None:
    """One component per treatment: rows hold 1 and -1, and effects are the coefficients themselves."""
    settings = {"components": ["b", "c"], "regimens": {"a": [], "b": ["b"], "c": ["c"]}, "settings": []}
    structure = Structure.from_settings(settings)
    assert structure.effect_rows().tolist() == [[[0, 0], [1, 0], [0, 1]]]
    ends = {"treatment_mix": "c:10", "comparator_mix": "b:12", "setting_mix": ""}
    row = {"study": "one", "used": "true", "log_effect": "0.3", "se": "0.5", "baseline_se": "", **ends}
    data = contrast_data([row], structure)
    assert (data.y.tolist(), data.rows.tolist(), data.scales.tolist()) == ([0.6], [[-2, 2]], [4])


MIXES = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 500), min_size=1)


@given(MIXES)
def test_mixtures_as_cells(parts: dict[str, int]) -> None:
    """A mixture survives being written, and its weights are shares."""
    cell = mix(parts)
    assert parse_mix(cell) == parts
    assert weights(cell, "abcdef").sum() == pytest.approx(1)
    assert weights(cell, "fedcba").tolist() == weights(cell, "abcdef").tolist()[::-1]
