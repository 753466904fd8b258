"""What jobs ask of a cluster: more for larger networks and for every further attempt, and one job an outcome."""

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from secondline.jobs.resources import fit_megabytes, fit_minutes
from secondline.project.config import Project
from snakemake.iocontainers import InputFiles, Wildcards

from tests.conftest import ROOT

HEAVY = {
    "fit_models",
    "summarise_models",
    "leave_one_out",
    "solve_exactly",
    "assess_inconsistency",
    "explore_specifications",
}
PLOTS = {"plot_outcome", "plot_outcome_and_inconsistency", "plot_outcome_for_papers", "plot_other_models"}
GROUPED = {"summarise_models", "assess_inconsistency", *PLOTS}


@pytest.fixture(scope="module")
def rules() -> Iterator[dict[str, Any]]:
    """Read the rules of the real Snakefile with the shipped configuration."""
    from snakemake.api import SnakemakeApi
    from snakemake.settings.types import OutputSettings, ResourceSettings

    quiet = contextlib.redirect_stderr(io.StringIO())
    with contextlib.chdir(ROOT), quiet, SnakemakeApi(OutputSettings(dryrun=True)) as api:
        opened = api.workflow(ResourceSettings(cores=1), snakefile=ROOT / "Snakefile")
        yield {rule.name: rule for rule in opened._workflow.rules}


def test_resources_grow_with_the_network(project: Project) -> None:
    """By arms and draws; the tables of the likelihood take a gigabyte at most."""
    sampler = project.config.sampler
    small, large, largest = (fit_megabytes(arms, sampler) for arms in (10, 1_000, 100_000))
    assert 2500 <= small < 2600 < large < largest
    draws = sampler.chains * max(sampler.draws, sampler.retry.draws)
    assert largest - fit_megabytes(50_000, sampler) == pytest.approx(3 * 8e-6 * 50_000 * draws, abs=1)
    assert [fit_minutes(arms) for arms in (10, 1_000, 10_000)] == [60, 120, 660]


def test_a_further_attempt_asks_for_more(rules: dict[str, Any]) -> None:
    """Memory and time of every heavy rule, twice and three times what the first attempt asked for."""
    place = Wildcards(fromdict={"analysis": "primary", "outcome": "os"})
    for name in HEAVY:
        first, third = (rules[name].expand_resources(place, InputFiles(), attempt) for attempt in (1, 3))
        for kind in ("mem_mb", "runtime"):
            assert third[kind] == 3 * first[kind] > 0, (name, kind)


def test_small_jobs_of_an_outcome_are_one(rules: dict[str, Any]) -> None:
    """They share a group, whatever the rule that names the analysis; a fit is a job of its own."""

    def group(name: str) -> str:
        return str(rules[name]._group).format(analysis="primary", outcome="os")  # Snakemake hides it from local runs

    assert {group(name) for name in GROUPED} == {"primary_os"}
    assert group("fit_models") == "None"


def test_fits_are_measured(rules: dict[str, Any]) -> None:
    """Seconds and memory of every fit go to the logs, which are no results."""
    benchmarks = {name: rule.benchmark for name, rule in rules.items() if rule.benchmark}
    assert list(benchmarks) == ["fit_models"]
    file = re.sub(r"\{(\w+),[^}]*\}", r"{\1}", str(benchmarks["fit_models"]))  # without the constraints of wildcards
    assert file == "logs/{analysis}/{outcome}/fit_models.benchmark.tsv"


def test_no_path_of_a_rule_depends_on_the_working_directory() -> None:
    """Scripts, environments and captions are named from the file of the rule."""
    for file in [ROOT / "workflow/Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk"))]:
        text = file.read_text(encoding="utf-8")
        for path in re.findall(r'(?:script|conda|include|report):\s+"([^"]+)"|caption="([^"]+)"', text):
            assert (file.parent / Path(*filter(None, path))).exists(), (file, path)
