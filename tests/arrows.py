"""Which rooms of the package may import which, and what may stand behind every script: the one place that says so."""

import ast
from collections.abc import Iterator
from pathlib import Path

GROUND = ""
"""Modules of no room: they import each other alone, and every room may import them."""
DOOR = "__init__.py"
"""The package itself: it offers the names of the library, and imports them when they are used."""

ARROWS: dict[str, set[str]] = {
    GROUND: set(),
    "project": set(),
    "network": set(),
    "evidence": {"project"},
    "inference": {"network"},
    "summaries": {"inference", "network"},
    "doubt": {"summaries", "inference", "network"},
    "certainty": {"summaries", "inference", "network"},
    "report": {"network"},
    "changes": set(),
    "sources": {"project"},
    "api": {"project", "evidence", "network", "inference", "summaries", "doubt", "certainty", "report"},
    DOOR: {"api", "network"},
    "jobs": {"project", "evidence", "network", "inference", "summaries", "doubt", "certainty", "report", "changes"},
    "tools": {"project", "evidence", "network", "inference", "summaries", "sources", "jobs", "report", "changes"},
}
"""``tools`` reach ``report`` because `secondline answer` says on the terminal what the page says, in the same words."""
SETTINGS_ALONE = {("jobs", "report")}
"""Arrows that reach the settings of a room and nothing else of it: the Snakefile draws no figure and writes no page."""

_ENGINE = {"network", "inference", "summaries", "jobs"}
_EVIDENCE = {"project", "evidence", "network", "jobs"}
_DOUBT = _ENGINE | {"doubt"}
_PAGE = {"network", "report", "jobs"}
BEHIND: dict[str, set[str]] = {
    "verify_sources.py": {"project", "sources", "jobs"},
    "build_evidence.py": _EVIDENCE,
    "list_alternatives.py": _EVIDENCE,
    "list_held_out.py": _EVIDENCE,
    "assess_held_out.py": _ENGINE | {"doubt"},
    "gather_evidence.py": {"project", "evidence", "jobs"},
    "describe_patients.py": {"project", "evidence", "jobs"},
    "list_derivation.py": {"project", "evidence", "jobs"},
    "fit_models.py": _ENGINE - {"summaries"},
    "summarise_models.py": _ENGINE,
    "summarise_analysis.py": _ENGINE,
    "compare_analyses.py": _ENGINE,
    "explore_overlap.py": _ENGINE | {"doubt"},
    "fan_bias.py": _ENGINE | {"doubt"},
    "fan_priors.py": _ENGINE | {"doubt"},
    "leave_one_out.py": _ENGINE,
    "solve_exactly.py": _ENGINE,
    "assess_inconsistency.py": _ENGINE,
    "explore_specifications.py": _DOUBT,
    "find_thresholds.py": _DOUBT,
    "value_next_study.py": _DOUBT,
    "export_models.py": _DOUBT,
    "judge_certainty.py": {"network", "certainty", "jobs"},
    "trace_contributions.py": _ENGINE | {"certainty"},
    "list_studies_behind.py": {"network", "certainty", "jobs"},
    "summarise_findings.py": _ENGINE | {"certainty"},
    "divide_flows.py": _ENGINE | {"certainty"},
    "compare_small_studies.py": _ENGINE | {"certainty"},
    "export_cinema.py": _ENGINE | {"certainty"},
    "plot_outcome.py": _PAGE,
    "plot_analysis.py": _PAGE,
    "plot_doubt.py": _PAGE,
    "plot_certainty.py": _PAGE,
    "plot_populations.py": _PAGE,
    "tabulate_pico.py": _ENGINE,
    "list_decisive.py": _PAGE | {"certainty"},
    "write_findings.py": _PAGE,
    "write_report.py": _PAGE,
    "write_manifest.py": {"changes", "jobs"},
}
"""Rooms behind the script of a rule. Of ``jobs`` only what starts a script: see `STARTERS`."""

STARTERS = {f"jobs/{name}.py" for name in ("__init__", "script", "outputs", "disk", "notes")}


def room(module: str) -> str:
    """Room of a module such as ``inference/kernels/density.py``."""
    if module == DOOR:
        return DOOR
    return module.split("/")[0] if "/" in module else GROUND


def imports(package: Path, file: Path) -> Iterator[str]:
    """Modules of the package that a file imports anywhere in it, as paths relative to the package."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            head, *parts = name.split(".")
            for path in ("/".join(parts) + ".py", "/".join([*parts, "__init__.py"])):
                if head == package.name and parts and (package / path).is_file():
                    yield path


def arrows_back(package: Path) -> list[tuple[str, str]]:
    """List the imports that no arrow allows: module and what it imports."""
    found = []
    for file in sorted(package.rglob("*.py")):
        module = file.relative_to(package).as_posix()
        found += [(module, other) for other in imports(package, file) if not _is_allowed(room(module), other)]
    return found


def _is_allowed(here: str, other: str) -> bool:
    there = room(other)
    if (here, there) in SETTINGS_ALONE:
        return other == f"{there}/settings.py"
    return there in {here, GROUND} | ARROWS[here]
