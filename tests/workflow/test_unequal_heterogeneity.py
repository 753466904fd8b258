"""A model with unequal heterogeneity beside the headline, from table to report: its taus are in tables and page."""

import csv
from pathlib import Path

import pytest
import yaml
from secondline.report.page.folding import unfold

from tests.workflow.conftest import PARTS, ROOT, Project, copy_of


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run the seven trials of dopamine agonists, four against placebo and three against bromocriptine alone."""
    project = copy_of(ROOT, tmp_path_factory.mktemp("unequal"), PARTS)
    example = yaml.safe_load((ROOT / "config" / "examples" / "parkinsons.yaml").read_text())
    table = ROOT / "config" / "examples" / "parkinsons_contrasts.csv"
    (project.folder / "rows.csv").write_text(table.read_text())
    outcome = {"label": "Off-time", "measure": "MD", "likelihood": "contrasts", "better": "lower", "margin": -0.5}
    config = {
        "results": "results",
        "seed": 1,
        "evidence": [{"file": "rows.csv", "outcome": "off_time"}],
        "treatments": example["treatments"],
        "outcomes": {"off_time": {**outcome, "prior": "vague"}},
        "models": {
            "random": {"heterogeneity": True},
            "unequal": {"heterogeneity": {"by": "comparison", "inactive": ["placebo"]}},
        },
        "headline": "random",
        "priors": {"vague": {"effect": 100, "tau": 1, "omega": 1}},
        "sampler": example["sampler"] | {"draws": 1000},
        "analyses": {"only": {"label": "Only"}},
        "leave_one_out": "only",
    }
    (project.folder / "config.yaml").write_text(yaml.safe_dump(config))
    done = project.snakemake("--configfile", "config.yaml", "--cores", "1", "results/only/report.html")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return project


def rows_of(file: Path) -> list[dict[str, str]]:
    """Rows of a table."""
    with file.open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_both_taus_are_in_tables_and_report(finished: Project) -> None:
    """Two rows of heterogeneity, each checked by the exact engine; every comparison is predicted."""
    folder = finished.folder / "results" / "only" / "off_time"
    found = {row["parameter"]: row for row in rows_of(folder / "unequal" / "heterogeneity.csv")}
    assert list(found) == ["tau[active v inactive]", "tau[active v active]"]
    checked = {row["parameter"]: row for row in rows_of(folder / "unequal" / "exact_check.csv")}
    assert all(checked[name]["status"] == "checked" for name in found)
    assert float(rows_of(folder / "random" / "heterogeneity.csv")[0]["median"]) > 0
    predicted = {
        (row["treatment"], row["comparator"]): float(row["predictive_upper"]) - float(row["predictive_lower"])
        for row in rows_of(folder / "unequal" / "relative_effects.csv")
    }
    assert min(predicted.values()) > 0
    page = unfold((finished.folder / "results" / "only" / "report.html").read_text())
    assert "τ (active v active)" in page
    assert "differs between studies with and without an inactive control" in page


def test_a_headline_with_several_taus_is_refused_in_one_line(finished: Project) -> None:
    """What departs from the headline model has one tau."""
    config = yaml.safe_load((finished.folder / "config.yaml").read_text())
    (finished.folder / "other.yaml").write_text(yaml.safe_dump(config | {"headline": "unequal"}))
    done = finished.snakemake("--configfile", "other.yaml", "--cores", "1", "-n")
    assert done.returncode != 0
    assert "headline = 'unequal': the headline model has one tau, or none" in done.stdout + done.stderr
