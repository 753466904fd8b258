"""The report of a real run of another network: every number of its prose is its table's; sound in a browser."""

import contextlib
from pathlib import Path

import pytest
from secondline.jobs.report_settings import figure_labels
from secondline.project.read import read_project
from secondline.report.page.folding import unfold

from tests.browser import WIDTHS, Page, assert_sound, chromium
from tests.page_targets import assert_targets
from tests.prose import Tables, assert_prose
from tests.workflow.conftest import PARTS, ROOT, Project, copy_of


def report_and_tables(project: Project, config: str, analysis: str) -> tuple[str, Tables]:
    """Read a report and find its tables."""
    with contextlib.chdir(project.folder):
        read = read_project(Path(config))
    results = project.folder / read.config.results / analysis
    evidence = project.folder / read.config.shared_results / "evidence"
    tables = Tables(
        results,
        evidence,
        figure_labels(read),
        read.config.lead_of(analysis),
        analysis,
    )
    return unfold((results / "report.html").read_text(encoding="utf-8")), tables


@pytest.fixture(scope="module")
def smoking(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run the smoking example with few draws."""
    project = copy_of(ROOT, tmp_path_factory.mktemp("smoking"), PARTS)
    project.edit(
        "config/examples/smoking.yaml", "draws: 1000\n  tune: 600", "draws: 400\n  most_draws: 400\n  tune: 400"
    )
    done = project.snakemake("--cores", "2", "--configfile", "config/examples/smoking.yaml")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return project


@pytest.mark.slow
def test_prose_of_another_network(smoking: Project) -> None:
    """Nothing in the sentences knows the field."""
    assert assert_prose(*report_and_tables(smoking, "config/examples/smoking.yaml", "smoking")) >= 15


@pytest.mark.slow
def test_report_of_another_network_in_a_browser(smoking: Project) -> None:
    """As good as that of the shipped network."""
    with chromium() as browser:
        assert_targets(browser, smoking.folder / "results/smoking/report.html", "smoking")
        for width in WIDTHS:
            assert_sound(Page(browser, smoking.folder / "results/smoking/report.html", width))
