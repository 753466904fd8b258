"""What a result was made with: package versions, and a digest of the modules that a script uses."""

import ast
import subprocess
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

PACKAGE = Path(__file__).parent
_NAMED = ("pymc", "nutpie", "numpy", "arviz")


def versions() -> str:
    """Versions of the packages that shape the numbers, as one cell."""
    import platform

    return " ".join([f"python {platform.python_version()}", *(f"{name} {version(name)}" for name in _NAMED)])


def _file(module: str) -> Path | None:
    base = PACKAGE.parent.joinpath(*module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@cache
def _imports(file: Path) -> frozenset[str]:
    """Modules of this package that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(name for name in names if name.split(".")[0] == PACKAGE.name and _file(name))


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
    """Digest of the package code behind a script: a parameter of its rule, since Snakemake does not see imports."""
    digest = sha256()
    for file in sorted(modules_used(script)):
        digest.update(str(file.relative_to(PACKAGE)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def commit(project: Path = PACKAGE.parents[1]) -> str | None:
    """Git commit of a project that is checked out; None where the folder is not a repository of its own."""
    command = ["git", "-C", str(project), "rev-parse", "--show-toplevel", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    top, head = done.stdout.splitlines()
    return head if Path(top).resolve() == project.resolve() else None
