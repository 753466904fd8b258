"""A small project that has every kind of output: one outcome, two models, three studies."""

import csv
import re
from pathlib import Path
from typing import Any

import yaml
from secondline.report.page.folding import unfold

from tests.workflow.conftest import ROOT, Project, copy_of

CONFIG = "small.yaml"
CODE = ("Snakefile", "workflow", "scripts", "envs", "profiles")
STUDIES = [("s1", "b", -0.5, 0.2), ("s2", "c", 0.3, 0.2), ("s3", "b", -0.4, 0.3)]


def configuration() -> dict[str, Any]:
    """Contrasts against treatment a."""
    prior = {"effect": 1, "tau": 0.5, "omega": 0.5, "baseline": 1}
    return {
        "seed": 1,
        "evidence": [{"file": "small.csv", "outcome": "os"}],
        "treatments": {"reference": "a", "regimens": {name: name.upper() for name in "abc"}},
        "outcomes": {"os": {"label": "Survival", "measure": "HR", "better": "lower", "margin": 0.8, "prior": "log_hr"}},
        "models": {"fixed": {"heterogeneity": False}, "random": {"heterogeneity": True}},
        "headline": "random",
        "priors": {"log_hr": prior},
        "sampler": {
            "chains": 4,
            "draws": 500,
            "most_draws": 500,
            "tune": 500,
            "target_accept": 0.9,
            "retry": {"draws": 2000, "tune": 1000, "target_accept": 0.99},
        },
        "analyses": {"main": {"label": "All"}},
        "leave_one_out": "main",
        "inconsistency": "main",
    }


def write_small(folder: Path, **changes: Any) -> None:
    """Write its configuration, with changes, and its table."""
    (folder / CONFIG).write_text(yaml.safe_dump(configuration() | changes, sort_keys=False))
    with (folder / "small.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["study", "treatment", "comparator", "effect", "se"])
        writer.writerows([study, treatment, "a", effect, se] for study, treatment, effect, se in STUDIES)


def small_project(folder: Path) -> Project:
    """Make the project in a folder."""
    project = copy_of(ROOT, folder, CODE)
    write_small(folder)
    return project


def run(project: Project, *arguments: str) -> str:
    """Run it to the end; gives what was said."""
    done = project.snakemake("--configfile", CONFIG, "--cores", "2", *arguments)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return done.stdout + done.stderr


def read_all(project: Project) -> dict[str, bytes]:
    """Every file of the results, without the seconds that fits took: of all that a run writes, they alone differ."""
    files = (file for file in sorted((project.folder / "results").rglob("*")) if file.is_file())
    kept = {str(file.relative_to(project.folder)): file for file in files if not file.name.startswith(".")}
    return {name: _without_seconds(file) for name, file in kept.items() if file.name != "timings.csv"}


def _without_seconds(file: Path) -> bytes:
    """Give the bytes of a file; of a whole page what it shows, unfolded, without the seconds that fits took."""
    content = file.read_bytes()
    if file.suffix != ".html" or not content.rstrip().endswith(b"</html>"):
        return content
    return _RUN_TIME.sub("", unfold(content.decode("utf-8"))).encode()


_RUN_TIME = re.compile(r"The fits of this analysis, \d+ in all, took [^<]*")
