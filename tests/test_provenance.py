"""Digests of code: a script depends on the modules behind it, and on no others."""

import ast
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import pytest
from secondline.jobs import provenance
from secondline.jobs.provenance import PACKAGE, code_digest, commit, modules_used
from secondline.versions import versions

from tests.arrows import BEHIND, GROUND, STARTERS, room
from tests.conftest import ROOT

SCRIPTS = sorted(file.name for file in (ROOT / "scripts").glob("*.py"))


def used(script: str) -> set[str]:
    """Return the modules behind a script, relative to the package."""
    return {str(file.relative_to(PACKAGE)) for file in modules_used(ROOT / "scripts" / script)}


RULES = sorted(
    {name for file in ROOT.glob("workflow/rules/*.smk") for name in re.findall(r"scripts/(\w+\.py)", file.read_text())}
)


def test_every_script_of_a_rule_is_in_the_table() -> None:
    """The others are programs that somebody starts by hand."""
    assert set(RULES) == set(BEHIND) <= set(SCRIPTS)


@pytest.mark.parametrize("script", RULES)
def test_what_stands_behind_a_script(script: str) -> None:
    """Rooms behind the script of a rule are those of the table, and of the jobs those modules that start it."""
    found = used(script)
    assert {room(name) for name in found} - {GROUND} <= BEHIND[script]
    assert {name for name in found if room(name) == "jobs"} <= STARTERS


def test_a_digest_reaches_what_a_script_uses() -> None:
    """Through other modules, at any depth."""
    assert {"inference/fit.py", "inference/kernels/study_integral.py", "network/data.py", "tables.py"} <= used(
        "fit_models.py"
    )
    assert {"evidence/derivation.py", "project/sheets.py", "errors.py"} <= used("build_evidence.py")


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_has_a_digest(script: str) -> None:
    """Sixteen hexadecimal digits, the same every time."""
    digest = code_digest(ROOT / "scripts" / script)
    assert len(digest) == 16
    assert int(digest, 16) >= 0
    code_digest.cache_clear()
    assert code_digest(ROOT / "scripts" / script) == digest


CODE = """
from pathlib import Path
from secondline.jobs.provenance import PACKAGE, code_digest
assert PACKAGE.is_relative_to(Path.cwd())
print(*(code_digest(Path(f"scripts/{name}.py")) for name in ("fit_models", "build_evidence")))
"""


def digests(folder: Path) -> tuple[str, str]:
    """Digests of the fits and of the evidence, by the copy of the package in a folder."""
    environment = {"PYTHONPATH": str(folder / "workflow"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    fits, evidence = done.stdout.split()
    return fits, evidence


def test_digests_follow_imports(tmp_path: Path) -> None:
    """A change deep inside reaches the scripts behind which it stands, and only those."""
    shutil.copytree(PACKAGE, tmp_path / "workflow/secondline", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    states = [digests(tmp_path)]
    edited = ("inference/kernels/study_integral.py", "evidence/derivation.py", "tables.py")
    for module in (*edited, "report/words.py", "report/settings.py", "jobs/script.py"):
        with (tmp_path / "workflow/secondline" / module).open("a", encoding="utf-8") as file:
            file.write("\n# changed\n")
        states.append(digests(tmp_path))
    steps = [tuple(a != b for a, b in zip(*pair, strict=True)) for pair in pairwise(states)]
    assert steps[0] == (True, False)
    assert steps[1][1] is True
    assert steps[2] == (True, True)
    assert steps[3:] == [(False, False)] * 3


def test_versions() -> None:
    """The packages that shape the numbers, in one cell."""
    text = versions()
    for name in ("pymc", "nutpie", "numpy", "arviz"):
        assert f"{name} {version(name)}" in text
    assert "," not in text


def git(folder: Path, *arguments: str) -> str:
    """Run git with an identity of its own, and return what it prints."""
    identity = ["-c", "user.name=Someone", "-c", "user.email=someone@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_commit(tmp_path: Path) -> None:
    """The commit of the project's own repository: none before the first, none in a folder of another's."""
    assert commit(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert commit(tmp_path) is None
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    assert commit(tmp_path) == git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "below").mkdir()
    assert commit(tmp_path / "below") is None


def test_imports_are_those_of_the_parsed_file() -> None:
    """Finding the statements by their shape misses none of them and adds none, in no module and no script."""
    for file in [*PACKAGE.rglob("*.py"), *(ROOT / "scripts").glob("*.py")]:
        names: set[str] = set()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        own = {name for name in names if name.startswith(f"{PACKAGE.name}.") and provenance._file(name)}
        assert provenance._imports(file) == own, file
