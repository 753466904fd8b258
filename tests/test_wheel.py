"""What is installed: the wheel holds package and workflow, from the sources too, and works with nothing else around."""

import os
import re
import subprocess
import sys
import tarfile
import venv
from importlib.metadata import distribution, version
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from secondline.jobs.provenance import PACKAGE
from secondline.tools.cli import COMMANDS

from tests.conftest import ROOT
from tests.workflow.conftest import copy_of
from tests.workflow.small import CONFIG, write_small

SOURCES = (
    *("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "Makefile", "ARCHITECTURE.md"),
    *("CHANGELOG.md", "CITATION.cff", "Snakefile", "mkdocs.yml", "results/README.md"),
    *("config", "docs", "envs", "profiles", "scripts", "tests", "workflow"),
)
NOT_RULES = {"bench.py", "calibrate.py", "picture.py"}
DATA = {".py", ".yaml", ".csv", ".j2", ".js", ".css"}


def build(sources: Path, kind: str, target: Path) -> Path:
    """Build a wheel or an sdist without a network."""
    target.mkdir(exist_ok=True)
    program = f"import sys; from setuptools.build_meta import {kind}; print({kind}(sys.argv[1]), file=sys.stderr)"
    command = [sys.executable, "-c", program, str(target)]
    done = subprocess.run(command, cwd=sources, capture_output=True, text=True, check=True)
    return target / done.stderr.splitlines()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy."""
    folder = tmp_path_factory.mktemp("wheel")
    copy_of(ROOT, folder / "sources", SOURCES)
    return build(folder / "sources", "build_wheel", folder / "dist")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel in an environment of its own, with what it depends on from that of the tests; gives its bin."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--no-index", "--no-deps", str(wheel)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    others = {str(Path(str(distribution(name).locate_file("")))) for name in ("snakemake", "pymc")}
    (site / "dependencies.pth").write_text("".join(f"{other}\n" for other in others))  # not what is editable there
    (folder / "bin/snakemake").write_text(f"#!{python}\nimport sys\nfrom snakemake.cli import main\nsys.exit(main())\n")
    (folder / "bin/snakemake").chmod(0o755)
    return folder / "bin"


def run(installed: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the environment in a folder, without what the tests put on the path."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    own["SECONDLINE_CACHE"] = str(ROOT / ".cache/compiled")
    command = [str(installed / words[0]), *words[1:]]
    return subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, check=False)


def expected() -> set[str]:
    """Files that a wheel must hold: the package with its data, and the workflow below it as in the repository."""
    package = [file for file in PACKAGE.rglob("*") if file.suffix in DATA]
    parts = ["workflow/Snakefile", "workflow/rules", "workflow/report", "workflow/schemas", "scripts", "envs"]
    parts += ["profiles", "config/examples", "config/schemas", "Snakefile"]
    trees = [file for part in parts for file in [ROOT / part, *(ROOT / part).rglob("*")]]
    pipeline = [file for file in trees if file.name not in NOT_RULES and "__pycache__" not in file.parts]
    return {
        *(f"secondline/{file.relative_to(PACKAGE).as_posix()}" for file in package),
        *(f"secondline/pipeline/{file.relative_to(ROOT).as_posix()}" for file in pipeline if file.is_file()),
    }


def held(wheel: Path) -> set[str]:
    """Files of a wheel but for its metadata."""
    return {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_package_and_workflow(wheel: Path) -> None:
    """Every module, template and data file, every rule and script, and nothing else."""
    assert held(wheel) == expected()
    names = {"report/page/templates/report.html.j2", "report/tables/prisma_nma.csv", "tools/examples.yaml"}
    names |= {"pipeline/Snakefile", "pipeline/workflow/rules/fit.smk", "pipeline/scripts/fit_models.py"}
    assert {f"secondline/{name}" for name in names} <= held(wheel)


def test_the_sources_make_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """An sdist holds all that a wheel is built from, with configuration, tests and documents."""
    archive = build(wheel.parents[1] / "sources", "build_sdist", tmp_path)
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    sources = tmp_path / archive.name.removesuffix(".tar.gz")
    assert all((sources / name).exists() for name in SOURCES)
    assert held(build(sources, "build_wheel", tmp_path / "again")) == held(wheel)


def test_dependencies_are_those_of_the_lock(wheel: Path) -> None:
    """The wheel asks for what envs/requirements.in asks for, and this environment gives it."""
    (metadata,) = [name for name in ZipFile(wheel).namelist() if name.endswith("/METADATA")]
    asked = re.findall(r"^Requires-Dist: (.*)$", ZipFile(wheel).read(metadata).decode(), re.MULTILINE)
    found = {wanted.name.lower(): wanted for wanted in map(Requirement, asked)}
    lines = (ROOT / "envs/requirements.in").read_text(encoding="utf-8").splitlines()
    wanted = {need.name.lower(): need for need in map(Requirement, (line for line in lines if line[:1] not in "#"))}
    assert {name: str(need.specifier) for name, need in found.items()} == {
        name: str(need.specifier) for name, need in wanted.items()
    }
    assert [name for name, need in found.items() if version(name) not in need.specifier] == []
    assert [name for name, need in found.items() if need.marker] == ["snakemake-executor-plugin-slurm"]


def test_every_command_says_what_it_takes(installed: Path, tmp_path: Path) -> None:
    """From a foreign folder; a command that is not there is one line."""
    usage = run(installed, tmp_path, "secondline").stdout
    for name in COMMANDS:
        assert f"\n  {name} " in usage
    for name in set(COMMANDS) - {"schemas", "reference"}:
        assert f"usage: secondline {name}" in run(installed, tmp_path, "secondline", name, "--help").stdout
    done = run(installed, tmp_path, "secondline", "chek")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [f"error: chek: no such command; allowed: {', '.join(COMMANDS)}"]


def test_check_from_a_foreign_folder(installed: Path, tmp_path: Path) -> None:
    """The package that is installed, with a configuration that lies elsewhere; a mistake is one line."""
    write_small(tmp_path)
    done = run(installed, tmp_path, "secondline", "check", "--configfile", CONFIG)
    assert done.returncode == 0, done.stderr
    assert "Studies: 3" in done.stdout
    where = run(installed, tmp_path, "python", "-c", "import secondline; print(secondline.__file__)").stdout
    assert Path(where).is_relative_to(installed.parent)
    write_small(tmp_path, headline="unknown")
    done = run(installed, tmp_path, "secondline", "check", "--configfile", CONFIG)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_schemas_of_a_foreign_folder(installed: Path, tmp_path: Path) -> None:
    """They are written where the sheets look for them."""
    assert run(installed, tmp_path, "secondline", "schemas").returncode == 0
    assert {file.name for file in (tmp_path / "config/schemas").iterdir()} >= {"config.json", "study.json"}


def test_run_plans_in_a_foreign_folder(installed: Path, tmp_path: Path) -> None:
    """The workflow is that of the wheel, with its profile."""
    write_small(tmp_path)
    done = run(installed, tmp_path, "secondline", "run", "--configfile", CONFIG, "--", "-n")
    assert done.returncode == 0, done.stderr
    assert "fit_models" in done.stdout + done.stderr
    assert "profiles/default" in done.stdout + done.stderr


@pytest.mark.slow
def test_run_in_a_foreign_folder(installed: Path, tmp_path: Path) -> None:
    """From a table to the report, with nothing of the repository."""
    write_small(tmp_path)
    done = run(installed, tmp_path, "secondline", "run", "--configfile", CONFIG, "--cores", "2")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert (tmp_path / "results/main/report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_the_lines_of_the_readme_run_where_the_wheel_is_installed(installed: Path, tmp_path: Path) -> None:
    """In an empty folder, as they stand: five lines of code, and a ranking."""
    (block,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len([line for line in block.splitlines() if line]) == 5
    done = run(installed, tmp_path, "python", "-c", block)
    assert done.returncode == 0, done.stderr
    ranks = [line.split()[1] for line in done.stdout.splitlines() if "_" in line and "sucra" not in line]
    assert sorted(ranks) == ["grp_counseling", "ind_counseling", "no_contact", "self_help"]
