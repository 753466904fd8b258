"""Several arms against one control: effects, covariances and pooled estimates as Gleser & Olkin (2009) print them."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from secondline.evidence.selection import evidence_rows
from secondline.network.figures import contrast_covariance
from secondline.project.config import Project

from tests.conftest import ROOT
from tests.test_measures import project_of

DATA = ROOT / "tests/data/measures"
REGIMENS = ["control", "t1", "t2", "t3"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


def printed() -> dict[tuple[str, str], list[float]]:
    """Read what the chapter prints, by measure and quantity."""
    with (DATA / "gleser_olkin_printed.csv").open(encoding="utf-8") as handle:
        return {
            (row["example"], row["quantity"]): [float(value) for value in row["value"].split(" (")[0].split(";")]
            for row in csv.DictReader(handle)
        }


def pooled(
    project: Project, regimens: Sequence[str], scale: float = 1.0
) -> tuple[list[float], np.ndarray, np.ndarray, float]:
    """Contrasts of the evidence table pooled by generalised least squares: effects, estimates, covariance and Q."""
    rows = evidence_rows(project, "all", "y")
    y = np.array([float(row["effect"]) for row in rows])
    design = np.array([[row["treatment_arm"] == name for name in regimens] for row in rows], float)
    precision = np.zeros((len(y), len(y)))
    at = 0
    for study in dict.fromkeys(row["study"] for row in rows):
        members = [row for row in rows if row["study"] == study]
        block = slice(at, at := at + len(members))
        precision[block, block] = np.linalg.inv(contrast_covariance(members) * scale)
    covariance = np.linalg.inv(design.T @ precision @ design)
    estimates = covariance @ design.T @ precision @ y
    residual = y - design @ estimates
    return list(y), estimates, covariance, float(residual @ precision @ residual)


def counts() -> str:
    """Table of arms, the control of every study first."""
    lines = ["study,treatment,events,n"]
    with (DATA / "gleser_olkin_counts.csv").open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            control = f"{row['study']},control,{row['ai_control']},{row['n_control']}"
            lines += [] if control in lines else [control]
            lines.append(f"{row['study']},t{row['trt']},{row['ci_treated']},{row['n_treated']}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("measure", "name", "vcov", "unit"),
    [("RD", "RD", "vcov x1e6", 1e-6), ("OR", "logOR", "vcov", 1.0), ("RR", "logRR", None, 1.0)],
)
def test_counts(measure: str, name: str, vcov: str | None, unit: float) -> None:
    """Differences and log ratios of risks, log odds ratios: to the digits printed, there of control against treated."""
    known = printed()
    effects, estimates, covariance, q = pooled(project_of(measure, "normal_counts", counts(), REGIMENS), REGIMENS[1:])
    assert -estimates == pytest.approx(known[name, "coef"], abs=5.1e-5)
    if vcov:
        assert [-effect for effect in effects] == pytest.approx(known[name, "yi"], abs=5.1e-5)
        digits = 5.1e-4 if unit < 1 else 5.1e-6
        assert covariance.ravel() / unit == pytest.approx(known[name, vcov], abs=digits)
        assert q == pytest.approx(known[name, "QE"][0], abs=5.1e-5)


def test_standardised_differences() -> None:
    """Without the correction for small samples, which is nothing in large ones: patients times 10,000, errors over 100.

    Gleser & Olkin standardise by the standard deviation pooled over all arms of a study, and do not correct.
    """
    large, known = 10_000, printed()
    lines = ["study,treatment,mean,sd,n"]
    with (DATA / "gleser_olkin_means.csv").open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            control = f"{row['study']},control,{row['m2']},{row['sd_pooled']},{int(row['n2']) * large}"
            lines += [] if control in lines else [control]
            lines.append(f"{row['study']},t{row['trt']},{row['m1']},{row['sd_pooled']},{int(row['n1']) * large}")
    project = project_of("SMD", "normal", "\n".join(lines) + "\n", REGIMENS[:3])
    effects, estimates, covariance, q = pooled(project, REGIMENS[1:3], large)
    assert effects == pytest.approx(known["SMD (Glass, pooled SD)", "yi"], abs=5.1e-5)
    assert estimates == pytest.approx(known["SMD", "coef"], abs=5.1e-5)
    assert covariance.ravel() == pytest.approx(known["SMD", "vcov"], abs=5.1e-6)
    assert q == pytest.approx(known["SMD", "QE"][0], abs=5.1e-4)
