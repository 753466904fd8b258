"""A class model in which every class has its own standard deviation, from table to report."""

import csv
from pathlib import Path

import pytest
import yaml
from secondline.report.page.folding import unfold

from tests.workflow.conftest import PARTS, ROOT, Project, copy_of

CLASSES = {
    "ergot": {"label": "Ergot derivatives", "components": ["bromocriptine", "cabergoline"]},
    "other": {"label": "Other agonists", "components": ["pramipexole", "ropinirole"]},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run the seven trials of dopamine agonists, with two classes of two, beside the headline model."""
    project = copy_of(ROOT, tmp_path_factory.mktemp("classes"), PARTS)
    example = yaml.safe_load((ROOT / "config" / "examples" / "parkinsons.yaml").read_text())
    table = ROOT / "config" / "examples" / "parkinsons_contrasts.csv"
    (project.folder / "rows.csv").write_text(table.read_text())
    outcome = {"label": "Off-time", "measure": "MD", "likelihood": "contrasts", "better": "lower", "margin": -0.5}
    config = {
        "results": "results",
        "seed": 1,
        "evidence": [{"file": "rows.csv", "outcome": "off_time"}],
        "treatments": {**example["treatments"], "classes": CLASSES},
        "outcomes": {"off_time": {**outcome, "prior": "vague"}},
        "models": {
            "random": {"heterogeneity": True},
            "shared": {"heterogeneity": True, "classes": {"sd": "shared"}},
            "own": {"heterogeneity": True, "classes": {"sd": "own"}},
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


def test_every_omega_is_in_tables_and_report(finished: Project) -> None:
    """A row of heterogeneity for each, checked by the exact engine; the methods say that they are separate."""
    folder = finished.folder / "results" / "only" / "off_time"
    found = {row["parameter"]: row for row in rows_of(folder / "own" / "heterogeneity.csv")}
    assert list(found) == ["tau", "omega[ergot]", "omega[other]"]
    checked = {row["parameter"]: row for row in rows_of(folder / "own" / "exact_check.csv")}
    assert all(checked[name]["status"] == "checked" for name in found)
    assert [row["parameter"] for row in rows_of(folder / "shared" / "heterogeneity.csv")] == ["tau", "omega"]
    assert {row["parameter"] for row in rows_of(folder / "own" / "densities.csv")} == set(found)
    page = unfold((finished.folder / "results" / "only" / "report.html").read_text())
    assert "ω (ergot)" in page
    assert "with a separate standard deviation ω for every class" in page


def test_a_headline_with_several_omegas_is_refused_in_one_line(finished: Project) -> None:
    """What departs from the headline model has one omega."""
    config = yaml.safe_load((finished.folder / "config.yaml").read_text())
    (finished.folder / "other.yaml").write_text(yaml.safe_dump(config | {"headline": "own"}))
    done = finished.snakemake("--configfile", "other.yaml", "--cores", "1", "-n")
    assert done.returncode != 0
    assert "headline = 'own': the headline model has one omega, or none" in done.stdout + done.stderr
