"""Slips of a digit in study sheets, and whether anything notices them."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import yaml
from secondline.cell_values import ELSEWHERE, NOT_FOUND
from secondline.errors import UserError
from secondline.evidence.audit import audit_project
from secondline.numbers_in_text import digits
from secondline.project.config import Project
from secondline.project.documents import read_yaml
from secondline.project.sheet_files import read_sheet
from secondline.project.sheets import StudySheet
from secondline.sources.figures import printed_figures
from secondline.sources.paper import Paper
from secondline.sources.verify import look_up

KEYS = ("value", "lower", "upper", "count", "percent", "n", "of", "start", "end", "median_follow_up_months")
MODES = ("printed", "number", "both")
REJECTED, MISSING, MOVED, AUDITED, MISSED = "rejected", "not found", "found elsewhere", "audited", "missed"
Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Slip:
    """A sheet as plain data in which one digit is wrong."""

    study: str
    path: Path_
    mode: str
    before: str
    after: str
    data: Any


def figures_of(data: Any, path: Path_ = ()) -> Iterator[tuple[Path_, dict[str, Any]]]:
    """Every mapping of a sheet that says what is printed."""
    if isinstance(data, list):
        for i, item in enumerate(data):
            yield from figures_of(item, (*path, i))
    elif isinstance(data, dict):
        if isinstance(data.get("printed"), str):
            yield path, data
        for key, item in data.items():
            yield from figures_of(item, (*path, key))


def numbers_of(figure: dict[str, Any]) -> list[Path_]:
    """Paths of the numbers that stand beside a printed string."""
    paths: list[Path_] = [(key,) for key in KEYS if key in figure and not isinstance(figure[key], dict)]
    return paths + [("n", arm) for arm in (figure["n"] if isinstance(figure.get("n"), dict) else ())]


def slipped(text: str, random: Random, first: int = 0, last: int | None = None) -> str:
    """Return a text with one digit changed."""
    at = random.choice([i for i in range(first, len(text) if last is None else last) if text[i].isdigit()])
    other = random.choice([digit for digit in "0123456789" if digit != text[at]])
    return text[:at] + other + text[at + 1 :]


def slip(study: str, data: Any, path: Path_, mode: str, random: Random) -> Slip | None:
    """Change one digit of a figure: in its printed string, in a number beside it, or in both alike.

    None where the figure has no such digit.
    """
    data = copy.deepcopy(data)
    figure = data
    for key in path:
        figure = figure[key]
    if mode == "printed":
        if not any(character.isdigit() for character in figure["printed"]):
            return None
        before = figure["printed"]
        figure["printed"] = slipped(before, random)
        return Slip(study, path, mode, before, figure["printed"], data)
    paths = numbers_of(figure)
    if not paths:
        return None
    *where, key = random.choice(paths)
    holder = figure
    for step in where:
        holder = holder[step]
    before = str(holder[key])
    token = _token(figure["printed"], before) if mode == "both" else None
    after = slipped(before if token is None else token, random)
    if token is not None:
        figure["printed"] = figure["printed"].replace(token, after)
    holder[key] = after if isinstance(holder[key], str) else type(holder[key])(after)
    return Slip(study, path, mode, before, after, data)


def _token(printed: str, number: str) -> str | None:
    """Return the number as it is printed."""
    import re

    try:
        wanted = float(number)
    except ValueError:
        return None
    return next((token for token in re.findall(r"\d+(?:\.\d+)?", printed) if digits(token) == [wanted]), None)


def fate(slip_: Slip, project: Project, papers: dict[str, Paper], folder: Path) -> str:
    """Say what became of a slip: rejected by the sheet, not found in the paper, found by the audit, or missed."""
    file = folder / f"{slip_.study}.yaml"
    text = yaml.dump(slip_.data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    file.write_text(text, encoding="utf-8")
    try:
        sheet = read_sheet(file)
    except UserError:
        return REJECTED
    statuses = {look_up(papers[slip_.study], figure)[0] for figure in printed_figures(sheet)}
    if NOT_FOUND in statuses:
        return MISSING
    if ELSEWHERE in statuses:
        return MOVED
    return AUDITED if _findings(project, sheet) - _findings(project, project.sheets[sheet.study]) else MISSED


class _Dumper(yaml.CSafeDumper):
    """Writes strings in quotes: a month or a percentage stays what it is."""


_Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


def _findings(project: Project, sheet: StudySheet) -> set[tuple[str, ...]]:
    """Warnings and errors of the audit about one sheet."""
    changed = project.model_copy(update={"sheets": {**project.sheets, sheet.study: sheet}})
    return {
        tuple(str(getattr(finding, key)) for key in ("item", "check", "severity", "reported", "recomputed"))
        for finding in audit_project(changed)
        if finding.study == sheet.study and finding.severity != "info"
    }


def draw(files: Sequence[Path], n: int, seed: int) -> Iterator[Slip]:
    """Draw n slips: figures at random, each once before any comes again, in the three modes."""
    random = Random(seed)
    sheets = {file.stem: read_yaml(file).data for file in files}
    figures = [(study, path) for study, data in sheets.items() for path, _ in figures_of(data)]
    drawn = 0
    while drawn < n:
        for study, path in random.sample(figures, len(figures)):
            made = slip(study, sheets[study], path, random.choice(MODES), random)
            if made is not None and drawn < n:
                drawn += 1
                yield made
