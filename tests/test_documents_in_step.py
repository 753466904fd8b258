"""README and ARCHITECTURE agree with the tree, and every command of the README runs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from nma.provenance import PACKAGE

from tests.workflow.conftest import ROOT, copy_of

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
    for line in block.splitlines()
    if line and not line.startswith("#")
]


def test_architecture_lists_every_module() -> None:
    """The module map of ARCHITECTURE.md is the package."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([a-z_/]+\.py)` \|", text, flags=re.MULTILINE))
    there = {str(f.relative_to(PACKAGE)) for f in PACKAGE.rglob("*.py") if f.name != "__init__.py"}
    assert listed == there


def test_arrows_point_downstream() -> None:
    """A stage imports from earlier stages only."""
    stages = ["sources", "evidence", "network", "inference", "summaries", "report"]
    for file in PACKAGE.rglob("*.py"):
        parts = file.relative_to(PACKAGE).parts
        if len(parts) < 2:
            continue
        later = stages[stages.index(parts[0]) + 1 :]
        imported = re.findall(r"^\s*(?:from|import) nma\.(\w+)", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert not set(imported) & set(later), file


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_lead_somewhere(target: str) -> None:
    """Every relative link and picture of the README exists."""
    assert (ROOT / target).exists()


def test_commands_are_those_that_are_run() -> None:
    """The README's commands, all of which `test_command_runs` runs."""
    assert COMMANDS == [
        "make results",
        "make test",
        ".venv/bin/snakemake -n",
        ".venv/bin/snakemake --configfile config/config.yaml",
        "make new-study ID=yoo_secondary",
        "make check",
        "make import-studies CSV=studies.csv",
        ".venv/bin/snakemake --configfile config/examples/smoking.yaml",
        ".venv/bin/snakemake --configfile config/examples/parkinsons.yaml",
        ".venv/bin/snakemake --configfile config/examples/diabetes.yaml",
        ".venv/bin/snakemake --workflow-profile profiles/slurm",
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_runs(command: str, tmp_path: Path) -> None:
    """Every command of the README plans its work in a fresh copy: snakemake with -n, make with -n."""
    import sys

    project = copy_of(
        ROOT,
        tmp_path / "copy",
        ("Snakefile", "Makefile", "pyproject.toml", "tests", "config", "workflow", "scripts", "envs", "profiles"),
    )
    binaries = project.folder / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for name in ("snakemake", "python"):
        (binaries / name).symlink_to(Path(sys.executable).parent / name)
    words = command.split()
    # The cluster's own commands are not on a workstation, but the profile and the plan are checked.
    extra = ["--executor", "local"] if "profiles/slurm" in command else []
    done = subprocess.run([*words, *extra, "-n"], cwd=project.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = {
        "make results": "snakemake --cores",
        "make test": "pytest",
        "make new-study ID=yoo_secondary": '-m nma.new_study "yoo_secondary"',
        "make check": "-m nma.check",
        "make import-studies CSV=studies.csv": '-m nma.importer "studies.csv"',
    }.get(command, "fit_models")
    assert wanted in done.stdout + done.stderr


def test_makefile_finds_python_or_says_what_to_install(tmp_path: Path) -> None:
    """Without a suitable Python or uv the set-up ends with one plain line."""
    (tmp_path / "bin").mkdir()
    for tool in ("bash", "ls", "sort"):
        found = shutil.which(tool)
        assert found
        (tmp_path / "bin" / tool).symlink_to(found)
    done = subprocess.run(
        ["bash", str(ROOT / "envs/setup.sh"), str(tmp_path / "venv")],
        env={"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path), "PYENV_ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "needs Python 3.12 or newer" in done.stderr
