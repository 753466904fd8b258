"""Analyses of the exact engine: rows of the sensitivity table, and nothing that needs draws."""

from math import log
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from secondline.evidence.selection import evidence_csv
from secondline.jobs import settings
from secondline.project.config import Config, Project
from secondline.summaries.sensitivity import COLUMNS, compare_analyses, solve
from secondline.tables import read_table, write_text

from tests.conftest import NO_DOUBT

ANALYSIS = "nanchang_2022_as_printed"


@pytest.fixture(scope="module")
def solved(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Solve PFS of an analysis into a folder of results."""
    folder = tmp_path_factory.mktemp("results") / ANALYSIS / "pfs"
    folder.mkdir(parents=True)
    write_text(folder / "evidence.csv", evidence_csv(project, ANALYSIS, "pfs"))
    fit, summary = settings.fit_settings(project, ANALYSIS, "pfs"), settings.summary_settings(project, "pfs")
    solve(str(folder / "evidence.csv"), fit, summary, str(folder / "exact.csv"))
    return folder / "exact.csv"


def test_the_fixed_model_in_closed_form(project: Project, solved: Path) -> None:
    """Without heterogeneity the posterior is that of a Bayesian regression, here worked out apart.

    Components: the ICI, lenvatinib, regorafenib and others, in arms of mixed regimens by their shares.
    """
    components = list(project.treatments.components)

    def shares(mixture: str) -> np.ndarray:
        parts = [part.rsplit(":", 1) for part in mixture.split()]
        total = sum(int(n) for _, n in parts)
        rows = [[c in project.treatments.regimens[name].components for c in components] for name, _ in parts]
        return np.array([int(n) / total for _, n in parts]) @ np.array(rows, float)

    evidence = [row for row in read_table(solved.with_name("evidence.csv")) if row["used"] == "true"]
    x = np.array([shares(row["treatment_mix"]) - shares(row["comparator_mix"]) for row in evidence])
    y, se = (np.array([float(row[key]) for row in evidence]) for key in ("effect", "se"))
    prior = project.config.priors["log_hr"].effect
    precision = (x.T / se**2) @ x + np.eye(len(components)) / prior**2
    mean = np.linalg.solve(precision, x.T @ (y / se**2))
    sd = np.sqrt(np.linalg.inv(precision).diagonal())
    ici = components.index("ici")
    (row,) = [
        row
        for row in read_table(solved)
        if (row["model"], row["setting"]) == ("fixed", "overall")
        and (row["treatment"], row["comparator"]) == ("regorafenib_ici", "regorafenib")
    ]
    assert log(float(row["estimate"])) == pytest.approx(mean[ici], abs=0.02)
    assert log(float(row["estimate_upper"])) == pytest.approx(mean[ici] + 1.96 * sd[ici], abs=0.03)


def test_rows_of_the_sensitivity_table(project: Project, solved: Path, tmp_path: Path) -> None:
    """Every model, with the adjustment of the studies behind it."""
    compare_analyses(tmp_path, [], [], [], str(tmp_path / "sensitivity.csv"), [str(solved)])
    rows = read_table(tmp_path / "sensitivity.csv")
    assert list(rows[0]) == [*COLUMNS, "adjustment", "evidence_digest"]
    assert {row["model"] for row in rows} == set(project.config.models)
    assert {(row["analysis"], row["adjustment"]) for row in rows} == {(ANALYSIS, "adjusted:4 crude:1")}
    assert len(rows) == len(read_table(solved))


def test_something_has_to_be_reported(project: Project) -> None:
    """A configuration of nothing but comparisons has no report."""
    data = project.config.model_dump(mode="json")
    data |= {"analyses": {"only": {"label": "Only", "engine": "exact"}}, "baselines": {}}
    data |= {"leave_one_out": None, "inconsistency": None, **NO_DOUBT}
    with pytest.raises(ValidationError, match="every analysis has engine: exact"):
        Config.model_validate(data)
