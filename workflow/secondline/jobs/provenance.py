"""What a result was made with: a digest of the modules that a script uses, and the commit of the project."""

import ast
import re
import subprocess
from functools import cache
from hashlib import sha256
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
_ROOM = Path(__file__).parent
_PIPELINE = PACKAGE / "pipeline"  # where a wheel has the workflow


def is_installed() -> bool:
    """Whether this package comes from a wheel, among others, and not from a checkout."""
    return _PIPELINE.is_dir()


SNAKEFILE = (_PIPELINE if is_installed() else PACKAGE.parents[1]) / "Snakefile"
"""The workflow that belongs to this package."""
_FROM = rf"from +{PACKAGE.name}(?:\.[\w.]+)? +import +(?:\([^)]*\)|[\w ,]+)"
_STATEMENT = re.compile(rf"^ *({_FROM}|import +{PACKAGE.name}\.[\w., ]+) *(?:#.*)?$", re.M)
"""An import of this package; to parse these alone is ten times as fast as to parse the files."""


@cache
def _file(module: str) -> Path | None:
    base = PACKAGE.parent.joinpath(*module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@cache
def _imports(file: Path) -> frozenset[str]:
    """Modules of this package that a file imports, anywhere in it; the package itself only names the library."""
    names: set[str] = set()
    statements = "\n".join(_STATEMENT.findall(file.read_text(encoding="utf-8")))
    for node in ast.parse(statements).body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(name for name in names if name.startswith(f"{PACKAGE.name}.") and _file(name))


def modules_used(script: Path) -> set[Path]:
    """Files of this package that a script uses, directly or through others."""
    found: set[Path] = set()
    queue = [script]
    while queue:
        for name in _imports(queue.pop()):
            file = _file(name)
            if file and file not in found:
                found.add(file)
                queue.append(file)
    return found


@cache
def code_digest(script: Path) -> str:
    """Digest of the package code behind a script: a parameter of its rule, since Snakemake does not see imports.

    This room has no part in it: how jobs start and look after their files changes nothing of what they compute.
    """
    digest = sha256()
    for file in sorted(file for file in modules_used(script) if _ROOM not in file.parents):
        digest.update(str(file.relative_to(PACKAGE)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def package_file(file: str | Path) -> str:
    """Path of a file of the package, as an input of a rule: from the working directory where it lies below it."""
    whole = PACKAGE / file
    return str(whole.relative_to(Path.cwd()) if whole.is_relative_to(Path.cwd()) else whole)


def commit(project: Path = PACKAGE.parents[1]) -> str | None:
    """Git commit of a project that is checked out; None where the folder is not a repository of its own."""
    command = ["git", "-C", str(project), "rev-parse", "--show-toplevel", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    top, head = done.stdout.splitlines()
    return head if Path(top).resolve() == project.resolve() else None
