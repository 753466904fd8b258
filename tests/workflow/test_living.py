"""The loop of an edit: what it will change, what it has changed, and which line caused that."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from secondline.tables import read_table

from tests.workflow.conftest import Project, copy_of
from tests.workflow.small import CODE, CONFIG, read_all, run, small_project, write_small

KEPT = (*CODE, "results", "logs", ".snakemake", CONFIG, "small.csv")
NOTHING = "Nothing changed."


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run the small project to the end, with a headline model whose effects follow the studies alone."""
    project = small_project(tmp_path_factory.mktemp("living"))
    analyses = {"main": {"label": "All"}, "solved": {"label": "Solved", "engine": "exact"}}
    write_small(project.folder, headline="fixed", analyses=analyses)
    run(project)
    return project


@pytest.fixture
def again(done: Project, tmp_path: Path) -> Project:
    """Copy it, results and records of the run included."""
    return copy_of(done.folder, tmp_path / "again", KEPT)


def command(project: Project, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the package in the folder of a project."""
    words = [sys.executable, "-m", "secondline.tools.cli", name, *arguments]
    return subprocess.run(
        words, cwd=project.folder, env=project.environment(), capture_output=True, text=True, check=False
    )


def said(project: Project, name: str, *arguments: str) -> str:
    """Run a command that has to succeed, and give what it prints, in one line."""
    found = command(project, name, *arguments)
    assert found.returncode == 0, found.stderr
    return " ".join(found.stdout.split())


def test_preview_then_run_then_diff(again: Project) -> None:
    """An edit is foretold, made, and traced to its line; a run against itself says that nothing changed."""
    assert said(again, "preview", "--configfile", CONFIG) == NOTHING
    shutil.copytree(again.folder / "results", again.folder / "before")
    again.edit("small.csv", "s2,c,a,0.3,0.2", "s2,c,a,-2.0,0.2")

    results = read_all(again)
    foretold = said(again, "preview", "--configfile", CONFIG, "--csv", "preview.csv")
    assert read_all(again) == results
    assert foretold.startswith("Changed statements - Survival (All) - before, B is named first; now, C is named first.")
    lead = "before, B is better, against A; now, C is better, against B."
    assert lead in foretold
    assert "C against A: before, is not known to be better or worse; now, is better." in foretold
    assert "s2, c against a: effect 0.3, now -2 (small.csv:3" in foretold

    run(again)
    found = said(again, "diff", "before", "results", "--markdown", "diff.md", "--html", "diff.html")
    assert found.startswith("Changed statements - Survival (All) - before, B is named first; now, C is named first.")
    assert "s2, c against a: effect 0.3, now -2 (small.csv:3" in found
    assert "s1" not in found
    assert "B is named first; now, C is named first" in (again.folder / "diff.md").read_text()
    assert "<li>before, B is named first; now, C is named first." in (again.folder / "diff.html").read_text()
    assert said(again, "diff", "results", "results") == NOTHING
    assert said(again, "preview", "--configfile", CONFIG) == NOTHING
    foretold_rows = [row for row in read_table(again.folder / "preview.csv") if row["analysis"] == "solved"]
    exact = [row for row in read_table(again.folder / "results/solved/os/exact.csv") if row["model"] == "fixed"]
    assert len(exact) == 6
    for one, other in zip(foretold_rows, exact, strict=True):
        figures = {key for key in other if key.startswith("estimate") or key in ("p_better", "sucra", "p_best")}
        assert {key: one[key] for key in one.keys() - figures} == {key: other[key] for key in other.keys() - figures}
        assert [float(one[key]) for key in figures] == pytest.approx([float(other[key]) for key in figures], rel=1e-6)


def test_changed_prior(again: Project) -> None:
    """A key of the configuration is named with its line and both values."""
    again.edit(CONFIG, "effect: 1\n", "effect: 0.1\n")
    foretold = said(again, "preview", "--configfile", CONFIG)
    line = next(
        n for n, text in enumerate((again.folder / CONFIG).read_text().splitlines(), 1) if "effect: 0.1" in text
    )
    assert f"priors.log_hr.effect 1, now 0.1 ({CONFIG}:{line})" in foretold


def test_another_seed_foretells_no_change(again: Project) -> None:
    """A seed changes the draws of a run, and nothing that the run says."""
    again.edit(CONFIG, "seed: 1\n", "seed: 2\n")
    assert said(again, "preview", "--configfile", CONFIG).startswith(NOTHING)


def test_no_last_run(tmp_path: Path) -> None:
    """Without a run there is nothing to compare with: one line, exit status 2."""
    project = small_project(tmp_path)
    found = command(project, "preview", "--configfile", CONFIG)
    assert found.returncode == 2
    assert found.stderr.count("\n") == 1
    assert "no such folder of results" in found.stderr or "no manifest" in found.stderr
    found = command(project, "diff", "nowhere", "results")
    assert (found.returncode, found.stderr) == (2, "error: nowhere: no such folder of results\n")


@pytest.mark.slow
def test_chance_is_no_change(again: Project) -> None:
    """Runs that differ in nothing but their seed say the same, with any of 20 seeds."""
    shutil.copytree(again.folder / "results", again.folder / "before")
    for seed in range(2, 22):
        run(again, "--config", f"seed={seed}", "--", "results/summary/manifest.json")
        assert said(again, "diff", "before", "results").startswith(NOTHING), seed
