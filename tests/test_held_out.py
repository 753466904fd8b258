"""Printed figures that no fit uses: all are accounted for, and compared with the model as worked out by hand."""

import csv
import io
from collections import Counter
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy.special import ndtr
from secondline.doubt.held_out import COLUMNS, Model, held_out_rows
from secondline.doubt.prediction import fitted_studies, new_study
from secondline.evidence.held_out import UNUSED_COLUMNS, unused_csv, unused_rows
from secondline.evidence.selection import evidence_rows
from secondline.inference.generalised_least_squares import gaussian_units
from secondline.jobs.settings import fit_settings, summary_settings
from secondline.network.arms import arms_of
from secondline.project.config import Project
from secondline.project.read import read_project

ROOT = Path(__file__).parents[1]
SECTIONS = ("hazard_ratios", "log_rank", "medians", "curves", "events")
# Records that enter a fit of the primary analysis and are behind no other figure, read off the sheets.
USED = {
    "os": {"ditan_2022": "hazard_ratios.1", "nanchang_2023": "log_rank.1", "severance_2024": "log_rank.2 events.2"},
    "pfs": {"ditan_2022": "hazard_ratios.3", "nanchang_2022": "hazard_ratios.1", "nanchang_2023": "log_rank.0"},
}
RESPONSES_USED = {
    "ditan_2022": (0, 1),
    "ditan_2025": (0, 1),
    "nanchang_2022": (0, 1),
    "nanchang_2023": (2, 3),
    "severance_2024": (0, 1),
}


@pytest.fixture(scope="module")
def project() -> Project:
    """Read the shipped network."""
    return read_project(ROOT / "config/config.yaml")


def unused(project: Project, outcome: str) -> list[dict[str, str]]:
    """Read back the table of unused figures."""
    return list(csv.DictReader(io.StringIO(unused_csv(project, "primary", outcome))))


def model_of(project: Project, outcome: str, name: str) -> Model:
    """One model of the primary analysis."""
    rows = evidence_rows(project, "primary", outcome)
    settings, summary = fit_settings(project, "primary", outcome), summary_settings(project, outcome)
    return Model.of(rows, settings, summary, name)


def found(rows: list[dict[str, Any]], **wanted: str) -> dict[str, Any]:
    """Return the one row with these cells."""
    (row,) = [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]
    return row


@pytest.mark.parametrize("outcome", ["os", "pfs"])
def test_every_time_to_event_record_is_used_compared_or_listed(project: Project, outcome: str) -> None:
    """The records of the sheets, counted in their files, are those of the table and those that a fit uses."""
    listed: dict[str, set[str]] = {}
    for row in unused_rows(project, "primary", outcome):
        assert row["records"], row
        assert row["kind"] != "record" or row["reason"], row
        listed.setdefault(row["study"], set()).update(row["records"].split())
    for file in sorted((ROOT / "config/studies").glob("*.yaml")):
        sheet = yaml.safe_load(file.read_text(encoding="utf-8"))
        records = {
            f"{section}.{i}"
            for section in SECTIONS
            for i, record in enumerate(sheet.get(section, []))
            if record["outcome"] == outcome
        }
        left = set(USED[outcome].get(file.stem, "").split())
        assert records - listed.get(file.stem, set()) == left, file.stem
        assert listed.get(file.stem, set()) <= records


@pytest.mark.parametrize("outcome", ["orr", "dcr", "response"])
def test_every_response_is_used_compared_or_listed(project: Project, outcome: str) -> None:
    """A response is behind all three outcomes; the ordered one needs every category."""
    listed: Counter[tuple[str, str]] = Counter()
    for row in unused_rows(project, "primary", outcome):
        listed.update((row["study"], key) for key in row["records"].split())
    assert set(listed.values()) == {1}
    for file in sorted((ROOT / "config/studies").glob("*.yaml")):
        responses = yaml.safe_load(file.read_text(encoding="utf-8")).get("responses", [])
        in_fit = RESPONSES_USED.get(file.stem, ())
        if outcome == "response" and file.stem in ("nanchang_2023", "severance_2024"):
            in_fit = ()
        expected = {f"responses.{i}" for i in range(len(responses)) if i not in in_fit}
        assert {key for study, key in listed if study == file.stem} == expected, file.stem


@pytest.mark.parametrize("outcome", ["ae_any", "ae_grade3", "discontinuation"])
def test_every_adverse_event_is_used(project: Project, outcome: str) -> None:
    """The sheets give one count of each for every arm."""
    assert unused_rows(project, "primary", outcome) == []


def test_an_analysis_with_other_figures_leaves_others(project: Project) -> None:
    """By its medians nanchang_2023 leaves the log-rank test, and by its regimens ditan_2025 leaves the classes."""
    rows = unused_rows(project, "nanchang_2023_medians", "pfs")
    test = found(rows, study="nanchang_2023", method="logrank_p")
    assert (test["records"], test["patients"]) == ("log_rank.0", "same")
    assert not [row for row in rows if row["study"] == "nanchang_2023" and row["kind"] == "median"]
    rows = unused_rows(project, "regimen_level", "pfs")
    own = [row for row in rows if row["study"] == "ditan_2025" and row["kind"] in ("effect", "median")]
    assert {row["contrast_set"] for row in own} == {"classes"}
    assert {row["patients"] for row in own} == {"same_study"}


def test_the_difference_of_two_arms_by_hand(project: Project) -> None:
    """REG-ICI 5.27 (3.84 to 6.69) and SOR-ICI 5.60 (3.05 to 8.15) months; the comparator's error cancels."""
    row = found(unused_rows(project, "primary", "pfs"), treatment_arm="reg_ici", comparator_arm="sor_ici")
    se = sqrt(log(6.69 / 3.84) ** 2 + log(8.15 / 3.05) ** 2) / (2 * 1.959964)
    assert row["effect"] == pytest.approx(log(5.60 / 5.27), abs=1e-12)
    assert row["se"] == pytest.approx(se, rel=1e-6)
    assert (row["effect"], row["se"]) == (pytest.approx(0.0607, abs=5e-5), pytest.approx(0.288, abs=5e-4))


def test_figures_of_other_patients_against_a_new_study(project: Project) -> None:
    """With tau, omitted here, the variance is that of the average effect plus that of the figure."""
    model = model_of(project, "pfs", "fixed")
    rows = held_out_rows(unused(project, "pfs"), model)
    row = found(rows, kind="effect", treatment_arm="reg_ici", comparator_arm="sor_ici")
    predictor, posterior = model.predictor, model.solution.posterior
    assert posterior is not None
    at = predictor.names.index("beta[regorafenib]")
    mean, sd = posterior.summary(np.eye(predictor.n_coefficients)[[at]])[0][:2, 0]
    assert row["predicted"] == pytest.approx(mean, abs=1e-9)
    assert row["effect_sd"] == row["predicted_sd"] == pytest.approx(sd, rel=1e-9)
    assert row["sd"] == pytest.approx(sqrt(sd**2 + row["se"] ** 2), rel=1e-9)
    assert row["z"] == pytest.approx((row["printed"] - mean) / row["sd"], rel=1e-9)
    assert row["p_value"] == pytest.approx(2 * ndtr(-abs(row["z"])), rel=1e-9)


def test_regimens_of_ditan_2025_disagree_with_additive_components(project: Project) -> None:
    """Printed +0.06 (0.29), average effect -1.20 (0.55); the median of sorafenib is 2.87 months, predicted 1.1."""
    rows = held_out_rows(unused(project, "pfs"), model_of(project, "pfs", "pooled"))
    row = found(rows, kind="effect", treatment_arm="reg_ici", comparator_arm="sor_ici")
    assert (round(row["printed"], 2), round(row["se"], 2)) == (0.06, 0.29)
    assert (round(row["predicted"], 2), round(row["effect_sd"], 2)) == (-1.20, 0.55)
    without_tau = (row["printed"] - row["predicted"]) / sqrt(row["se"] ** 2 + row["effect_sd"] ** 2)
    assert without_tau == pytest.approx(2.03, abs=0.02)
    assert 1.7 < row["z"] < without_tau
    median = found(rows, kind="median", treatment_arm="sor")
    assert median["printed_natural"] == pytest.approx(2.87)
    assert median["predicted_natural"] == pytest.approx(3.63 * exp(row["predicted"]), rel=1e-9)
    assert median["predicted_natural"] == pytest.approx(1.1, abs=0.05)
    assert median["z"] > 0


def test_the_effect_of_a_study_as_fitted(project: Project) -> None:
    """Conditioning of the joint normal distribution of all effects and contrasts, at every tau, by brute force."""
    model = model_of(project, "pfs", "pooled")
    posterior, predictor = model.solution.posterior, model.predictor
    assert posterior is not None
    units = gaussian_units(model.evidence, predictor, "contrasts")
    y, x = np.concatenate([unit.y for unit in units]), np.vstack([unit.rows for unit in units])
    s = np.diag([float(unit.whitening[0][0, 0] ** -2) for unit in units])
    prior = np.diag(model.fit.scales.coefficients(predictor, 0.0) ** 2)
    weights, tau = posterior.component_weights()[0, :, 0], posterior.tau_points
    studies = fitted_studies(model.fit, model.evidence, "contrasts")
    for i, unit in enumerate(units):
        (name,) = (member.study for member in unit.members)
        of_delta = [x @ prior @ x.T + t**2 * np.eye(len(y)) for t in tau]
        gains = [np.linalg.solve(v + s, v[i]) for v in of_delta]
        means = np.array([gain @ y for gain in gains])
        variances = np.array([v[i, i] - gain @ v[i] for v, gain in zip(of_delta, gains, strict=True)])
        (row,) = [row for row in model.evidence if row["study"] == name and row["used"] == "true"]
        treatment, comparator = arms_of(row)
        mixture = studies[name].effect([comparator, treatment], posterior).mixture()
        assert mixture.mean()[0] == pytest.approx(weights @ means, abs=1e-7)
        spread = weights @ (variances + (means - weights @ means) ** 2)
        assert mixture.sd()[0] == pytest.approx(sqrt(spread), rel=1e-6)
        back = studies[name].effect([treatment, comparator], posterior).mixture()
        assert back.mean()[0] == pytest.approx(-mixture.mean()[0])


def test_two_readings_of_the_same_patients_are_no_test(project: Project) -> None:
    """Z is in standard errors of the figure, and there is no p."""
    rows = held_out_rows(unused(project, "os"), model_of(project, "os", "pooled"))
    same = [row for row in rows if row["patients"] == "same" and row["se"]]
    others = [row for row in rows if row["patients"] in ("same_study", "other_study") and row["se"]]
    assert len(same) > 10
    assert len(others) > 10
    for row in same:
        assert (row["sd"], row["p_value"]) == (row["se"], None)
        assert row["z"] == pytest.approx((row["printed"] - row["predicted"]) / row["se"])
    for row in others:
        assert row["sd"] > row["predicted_sd"] > row["effect_sd"]
        assert 0 < row["p_value"] <= 1
    assert {row["study"] for row in others} >= {"yoo_secondary", "persano_secondary"}
    medians = [row for row in rows if row["kind"] == "median"]
    for row in medians:
        assert row["printed_natural"] == pytest.approx(exp(row["printed"]))
        assert row["predicted_lower"] < row["predicted_natural"] < row["predicted_upper"]
        if row["se"] is None:
            assert row["z"] is None
            assert row["reason"]


def test_a_median_and_the_effect_of_it_disagree_alike(project: Project) -> None:
    """The median of an arm rises where the hazard ratio falls: z has the other sign."""
    rows = held_out_rows(unused(project, "pfs"), model_of(project, "pfs", "pooled"))
    of_median = found(rows, study="nanchang_2023", kind="median")
    of_effect = found(rows, study="nanchang_2023", kind="effect", method="medians_ci")
    assert of_median["z"] == pytest.approx(-of_effect["z"])
    assert of_median["printed"] == pytest.approx(log(5.3))
    assert of_median["predicted"] == pytest.approx(log(3.0) - of_effect["predicted"])


def test_a_new_study_varies_by_tau(project: Project) -> None:
    """The variance of its effect is that of the average effect plus the mean of tau squared."""
    model = model_of(project, "os", "pooled")
    posterior = model.solution.posterior
    assert posterior is not None
    row = np.eye(model.predictor.n_coefficients)[0]
    average, new = posterior.mixture(row[None]), new_study(row, posterior).mixture(0.3)
    tau2 = posterior.component_weights()[0, :, 0] @ posterior.tau_points**2
    assert new.mean()[0] == pytest.approx(average.mean()[0])
    assert new.sd()[0] ** 2 == pytest.approx(average.sd()[0] ** 2 + tau2 + 0.09)


def test_counts_by_another_criterion_by_hand(project: Project) -> None:
    """Disease control by RECIST 1.1 in nanchang_2022: 31 of 48 and 13 of 30, half a patient added to every cell."""
    rows = held_out_rows(unused(project, "dcr"), model_of(project, "dcr", "fixed"))
    row = found(rows, study="nanchang_2022", kind="count")
    assert row["printed"] == pytest.approx(log(31.5 / 17.5) - log(13.5 / 17.5))
    assert row["se"] == pytest.approx(sqrt(1 / 31.5 + 1 / 17.5 + 1 / 13.5 + 1 / 17.5))
    assert (row["patients"], row["p_value"], row["sd"]) == ("same", None, row["se"])
    matched = found(rows, study="severance_2024", kind="count")
    assert matched["printed"] == pytest.approx(log(24.5 / 12.5) - log(8.5 / 28.5))
    assert (matched["patients"], matched["p_value"] > 0) == ("same_study", True)


def test_tables_have_their_columns(project: Project) -> None:
    """Nothing that is computed is lost on the way to the file."""
    for row in unused_rows(project, "primary", "pfs"):
        assert set(row) <= {*UNUSED_COLUMNS, "baseline_se", "limits", "outcome", "log_effect"}
    for row in held_out_rows(unused(project, "pfs"), model_of(project, "pfs", "fixed")):
        assert set(row) <= set(COLUMNS)
