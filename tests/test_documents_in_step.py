"""README, tutorial and ARCHITECTURE agree with the tree, and every command in them runs."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from nma.provenance import PACKAGE

from tests.workflow.conftest import ROOT, copy_of

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = sorted(file.relative_to(ROOT) for file in [*ROOT.glob("docs/*.md"), ROOT / "config/README.md"])
PAGES = {file: (ROOT / file).read_text(encoding="utf-8") for file in ("README.md", *map(str, DOCS))}


def commands(text: str) -> list[str]:
    """Commands of the bash blocks of a page."""
    return [
        line
        for block in re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL)
        for line in block.splitlines()
        if line and not line.startswith("#")
    ]


COMMANDS = commands(README)


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


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Every relative link and picture exists, and every heading that is linked to."""
    for file, heading in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", PAGES[page]):
        target = (ROOT / page).parent / file if file else ROOT / page
        assert target.exists(), file
        if heading:
            lines = target.read_text(encoding="utf-8").splitlines()
            assert heading in {line.lstrip("# ").lower().replace(" ", "-") for line in lines if line.startswith("#")}


def test_commands_are_those_that_are_run() -> None:
    """The README's commands, all of which `test_command_runs` runs."""
    assert COMMANDS == [
        "make results",
        "make test",
        ".venv/bin/snakemake -n",
        ".venv/bin/snakemake --configfile config/config.yaml",
        ".venv/bin/snakemake --report provenance.html",
        "make new-study ID=smith_2027",
        "make check",
        "make check STUDY=smith_2027",
        ".venv/bin/snakemake results/extended/report.html",
        ".venv/bin/snakemake results/primary/os/pooled/league_table.csv",
        "make import-studies CSV=studies.csv",
        ".venv/bin/snakemake --configfile config/examples/smoking.yaml",
        ".venv/bin/snakemake --configfile config/examples/parkinsons.yaml",
        ".venv/bin/snakemake --configfile config/examples/diabetes.yaml",
        ".venv/bin/snakemake --workflow-profile profiles/slurm",
    ]


def test_commands_of_the_tutorial() -> None:
    """From the sheet to the run."""
    assert commands(PAGES["docs/tutorial.md"]) == [
        "make new-study ID=smith_2027",
        "make check",
        ".venv/bin/python -m nma.sources",
        ".venv/bin/snakemake -n",
        ".venv/bin/snakemake",
    ]


@pytest.mark.parametrize(
    "command",
    [
        command
        for command in dict.fromkeys(command for text in PAGES.values() for command in commands(text))
        if "--report" not in command  # needs a run to tell of: see tests/workflow
    ],
)
def test_command_runs(command: str, tmp_path: Path) -> None:
    """Every command plans its work in a fresh copy: snakemake with -n, make with -n; what writes nothing just runs."""
    import sys

    project = copy_of(
        ROOT,
        tmp_path / "copy",
        ("Snakefile", "Makefile", "pyproject.toml", "tests", "config", "workflow", "scripts", "envs", "profiles"),
    )
    (project.folder / ".venv").symlink_to(Path(sys.executable).parents[1])
    words = command.split()
    # The cluster's own commands are not on a workstation, but the profile and the plan are checked.
    extra = ["--executor", "local"] if "profiles/slurm" in command else []
    if words[0] in ("make", ".venv/bin/snakemake"):
        extra.append("-n")
    done = subprocess.run([*words, *extra], cwd=project.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = {
        "make results": "-m nma.run",
        "make test": "pytest",
        "make new-study ID=smith_2027": "-m nma.new_study",
        ".venv/bin/python -m nma.sources": "not verified",
        "make check": "-m nma.check",
        "make check STUDY=smith_2027": "-m nma.check",
        "make import-studies CSV=studies.csv": "-m nma.importer",
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
