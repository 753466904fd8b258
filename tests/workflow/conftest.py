"""A small project on disk, run once with the real Snakefile, and copies of it for every test."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "config", "workflow", "scripts", "envs", "profiles")


@dataclass(frozen=True)
class Project:
    """A copy of the project in a folder of its own."""

    folder: Path

    @property
    def temporary(self) -> Path:
        """Folder of temporary files of its runs."""
        return self.folder / "tmp"

    def environment(self, cache: str | None = None) -> dict[str, str]:
        """Variables with which the copy runs its own package, on compiled code that all copies share."""
        self.temporary.mkdir(exist_ok=True)
        return {
            **os.environ,
            "TMPDIR": str(self.temporary),
            "PYTHONPATH": str(self.folder / "workflow"),
            "SECONDLINE_CACHE": cache or str(ROOT / ".cache" / "compiled"),
        }

    def snakemake(self, *arguments: str, cache: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run snakemake in the folder, with the copy's own package."""
        command = [sys.executable, "-m", "snakemake", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment(cache), capture_output=True, text=True, check=False
        )

    def planned(self, *arguments: str) -> set[str]:
        """Jobs that `snakemake -n` would run, as `rule analysis/outcome`."""
        done = self.snakemake("-n", "--quiet", "host", "progress", *arguments)
        assert done.returncode == 0, done.stderr
        return jobs(done.stderr + done.stdout)

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that must stand in a file."""
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new))


def jobs(output: str) -> set[str]:
    """Read rule names and wildcards from the plan that Snakemake prints."""
    found, rule, wildcards = set(), "", {}
    for line in [*output.splitlines(), "rule end:"]:
        words = line.strip()
        if words.startswith(("rule ", "localrule ")) and words.endswith(":"):
            if rule and rule != "all":
                found.add(" ".join([rule, "/".join(wildcards.values())]).strip())
            rule, wildcards = words.split()[1].rstrip(":"), {}
        elif words.startswith("wildcards:"):
            wildcards = dict(part.split("=") for part in words.removeprefix("wildcards:").replace(" ", "").split(","))
    return found


SMALL = {
    "config/config.yaml": [
        ("draws: 2000\n", "draws: 500\n  most_draws: 500\n"),
        (
            "  four_cohorts:\n",
            "  four_cohorts:\n    outcomes: [pfs]\n",
        ),
        (
            "  primary: {label: All five studies}",
            "  primary: {label: All five studies, outcomes: [os, pfs, discontinuation]}",
        ),
    ]
}


def copy_of(source: Path, folder: Path, parts: tuple[str, ...] = PARTS) -> Project:
    """Copy a project, keeping modification times."""
    for part in parts:
        if (source / part).is_dir():
            shutil.copytree(source / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        elif (source / part).exists():
            (folder / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / part, folder / part)
    return Project(folder)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run a small configuration to the end: two analyses, three outcomes."""
    project = copy_of(ROOT, tmp_path_factory.mktemp("finished"))
    for file, edits in SMALL.items():
        for old, new in edits:
            project.edit(file, old, new)
    config = project.folder / "config/config.yaml"
    text = config.read_text()
    for begin, after in (
        ("  nanchang_2023_medians:", "# Refit this analysis"),
        ("# Choices of the primary analysis", "# What a further trial"),
    ):
        start, end = text.index(begin), text.index(after)
        text = text[:start] + text[end:]
    config.write_text(text)
    done = project.snakemake("--cores", "2")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return project


@pytest.fixture
def again(finished: Project, tmp_path: Path) -> Callable[[], Project]:
    """Make a copy of the finished project, results and records of the run included."""
    return lambda: copy_of(finished.folder, tmp_path / "project", (*PARTS, "results", "logs", ".snakemake"))
