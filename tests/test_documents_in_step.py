"""README, tutorial and ARCHITECTURE agree with the tree, and every command in them runs."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import networkx as nx
import pytest
from secondline.jobs.provenance import PACKAGE

from tests.arrows import ARROWS, arrows_back, imports, room
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


def test_recipes_name_what_is_there() -> None:
    """Every file and folder that a recipe of ARCHITECTURE.md names is there, and every name stands in the code."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("## To add a…")[1].split("\n## ")[0]
    code = "".join(file.read_text(encoding="utf-8") for file in [*PACKAGE.rglob("*.py"), *ROOT.glob("*/*.py")])
    paths = set(re.findall(r"`([\w/.]+(?:\.\w+|/))`", text))
    assert len(paths) > 30
    named = {name for name in paths if "/" in name or name.rpartition(".")[2] in ("py", "md", "yaml")}
    assert not [name for name in named if not (PACKAGE / name).exists() and not (ROOT / name).exists()]
    words = {word for word in re.findall(r"`(\w+)(?:\.\w+)*`", text) if word not in ("params", "columns")}
    assert not [word for word in words if word not in code and not (ROOT / word).exists()]


def test_every_room_has_its_arrows() -> None:
    """The table of arrows holds every folder of the package, and no circle."""
    rooms = {room(f.relative_to(PACKAGE).as_posix()) for f in PACKAGE.rglob("*.py")}
    assert rooms == set(ARROWS)
    assert nx.is_directed_acyclic_graph(nx.DiGraph([(a, b) for a, others in ARROWS.items() for b in others]))


def test_arrows_point_one_way() -> None:
    """Every module imports the ground, its own room, and what the table of arrows allows."""
    assert arrows_back(PACKAGE) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Not even in a function: what imports each other is one module."""
    names = {f: f.relative_to(PACKAGE).as_posix() for f in PACKAGE.rglob("*.py") if f.name != "__init__.py"}
    graph = nx.DiGraph([(name, other) for f, name in names.items() for other in imports(PACKAGE, f)])
    assert list(nx.simple_cycles(graph)) == []


LONGEST_MODULE, LONGEST_FUNCTION = 400, 60


def test_modules_and_functions_are_short() -> None:
    """No module over 400 lines, and no function over 60, without its docstring."""
    for file in PACKAGE.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= LONGEST_MODULE, file.name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
                assert (node.end_lineno or 0) - body[0].lineno < LONGEST_FUNCTION, f"{file.name}: {node.name}"


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("inference/fit.py", "from secondline.project.config import Project"),
        ("project/outcomes.py", "import secondline.evidence.derivation"),
        ("tables.py", "from secondline.network import arms"),
        ("inference/kernels/density.py", "    from secondline.summaries.posterior import Posterior"),
        ("report/words.py", "from secondline.evidence.selection import select_evidence"),
        ("summaries/ranking.py", "    from secondline.api.result import Result"),
        ("__init__.py", "from secondline.inference.exact import posterior"),
    ],
)
def test_a_reversed_arrow_is_found(module: str, line: str, tmp_path: Path) -> None:
    """One import against the arrows, at the top of a module or in a function, in any room and in the ground."""
    package = tmp_path / PACKAGE.name
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    with (package / module).open("a", encoding="utf-8") as file:
        file.write(f"\n\ndef _reversed():\n{line}\n" if line.startswith(" ") else f"\n{line}\n")
    found = arrows_back(package)
    assert {name for name, _ in found} == {module}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Every relative link and picture exists, and every heading that is linked to."""
    for file, heading in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", PAGES[page]):
        target = (ROOT / page).parent / file if file else ROOT / page
        assert target.exists(), file
        if heading:
            lines = target.read_text(encoding="utf-8").splitlines()
            named = [line.lstrip("# ").lower().replace(" ", "-") for line in lines if line.startswith("#")]
            assert heading in {*named, *(re.sub(r"[^\w-]", "", name) for name in named)}


def test_commands_are_those_that_are_run() -> None:
    """The README's commands, all of which `test_command_runs` runs."""
    assert COMMANDS == [
        "make new-network FILE=trials.csv BETTER=lower",
        "make results CONFIG=trials.yaml",
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
        ".venv/bin/snakemake --configfile config/examples/antihypertensives.yaml",
        ".venv/bin/snakemake --workflow-profile profiles/slurm",
    ]


def test_commands_of_the_tutorial() -> None:
    """From the sheet to the run."""
    assert commands(PAGES["docs/tutorial.md"]) == [
        "make new-study ID=smith_2027",
        "make check",
        ".venv/bin/secondline sources",
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
        "make results": "secondline run",
        "make test": "pytest",
        "make new-study ID=smith_2027": "secondline new-study",
        ".venv/bin/secondline sources": "not verified",
        "make check": "secondline check",
        "make check STUDY=smith_2027": "secondline check",
        "make check CONFIG=my.yaml": "secondline check",
        "make results CONFIG=my.yaml": "secondline run",
        "make import-studies CSV=studies.csv": "secondline import",
        "make new-network FILE=trials.csv BETTER=lower": "secondline new-network",
        "make results CONFIG=trials.yaml": "secondline run",
        "make import CSV=trials.csv BETTER=lower": "secondline new-network",
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
