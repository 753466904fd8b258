"""The reports of real runs: every number of the prose is its table's, and they are sound in a browser."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from nma.config import read_project
from nma.report.settings import figure_labels

from tests.browser import WIDTHS, Page, assert_sound, chromium
from tests.prose import Tables, assert_prose
from tests.workflow.conftest import PARTS, ROOT, Project, copy_of

LARGEST = 6_000_000  # bytes of a report


def tables_of(project: Project, config: str, analysis: str) -> tuple[str, Tables]:
    """Read a report and find its tables."""
    with contextlib.chdir(project.folder):
        read = read_project(Path(config))
    results = project.folder / read.config.results / analysis
    evidence = project.folder / read.config.shared_results / "evidence"
    tables = Tables(results, evidence, figure_labels(read), read.config.lead_of(analysis), analysis)
    return (results / "report.html").read_text(encoding="utf-8"), tables


@pytest.fixture(scope="module")
def smoking(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run the smoking example with few draws."""
    project = copy_of(ROOT, tmp_path_factory.mktemp("smoking"), PARTS)
    project.edit("config/examples/smoking.yaml", "draws: 1000\n  tune: 600", "draws: 400\n  tune: 400")
    done = project.snakemake("--cores", "2", "--configfile", "config/examples/smoking.yaml")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return project


@pytest.mark.parametrize(("analysis", "statements"), [("primary", 60), ("four_cohorts", 20)])
def test_prose_of_the_shipped_network(finished: Project, analysis: str, statements: int) -> None:
    """Sentences, cards, counts and captions."""
    assert assert_prose(*tables_of(finished, "config/config.yaml", analysis)) >= statements


@pytest.mark.slow
def test_prose_of_another_network(smoking: Project) -> None:
    """Nothing in the sentences knows the field."""
    assert assert_prose(*tables_of(smoking, "config/examples/smoking.yaml", "smoking")) >= 15


@contextlib.contextmanager
def opened(file: Path, width: int) -> Iterator[Page]:
    """Open a report in a window of some width."""
    with chromium() as browser:
        yield Page(browser, file, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_shipped_report_in_a_browser(finished: Project, width: int) -> None:
    """Quiet, complete, accessible, painted in time; small enough to be sent."""
    file = finished.folder / "results/primary/report.html"
    assert file.stat().st_size < LARGEST
    with opened(file, width) as page:
        assert_sound(page)


@pytest.mark.slow
@pytest.mark.parametrize("width", WIDTHS)
def test_report_of_another_network_in_a_browser(smoking: Project, width: int) -> None:
    """As good as that of the shipped network."""
    with opened(smoking.folder / "results/smoking/report.html", width) as page:
        assert_sound(page)
