"""Digests of code: a script depends on the modules behind it, and on no others."""

import shutil
import subprocess
import sys
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import pytest
from nma.provenance import PACKAGE, code_digest, commit, modules_used, versions

from tests.conftest import ROOT

SCRIPTS = sorted(file.name for file in (ROOT / "scripts").glob("*.py"))


def used(script: str) -> set[str]:
    """Return the modules behind a script, relative to the package."""
    return {str(file.relative_to(PACKAGE)) for file in modules_used(ROOT / "scripts" / script)}


def test_modules_of_the_fits() -> None:
    """Fits use the engine through others, but neither sheets nor reports."""
    found = used("fit_models.py")
    assert {"inference/fit.py", "inference/quadrature.py", "network/data.py", "tables.py"} <= found
    assert not {name for name in found if name.startswith(("report/",))}


def test_modules_of_the_evidence() -> None:
    """Evidence is made without any inference."""
    found = used("build_evidence.py")
    assert {"evidence/derivation.py", "sheets.py", "documents.py", "errors.py"} <= found
    assert not {name for name in found if name.startswith(("inference/", "summaries/", "report/"))}


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
from nma.provenance import PACKAGE, code_digest
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
    shutil.copytree(PACKAGE, tmp_path / "workflow/nma", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    states = [digests(tmp_path)]
    for module in ("inference/quadrature.py", "evidence/derivation.py", "tables.py", "report/words.py"):
        with (tmp_path / "workflow/nma" / module).open("a", encoding="utf-8") as file:
            file.write("\n# changed\n")
        states.append(digests(tmp_path))
    steps = [tuple(a != b for a, b in zip(*pair, strict=True)) for pair in pairwise(states)]
    assert steps[0] == (True, False)
    assert steps[1][1] is True
    assert steps[2] == (True, True)
    assert steps[3] == (False, False)


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
