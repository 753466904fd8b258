"""Every printed figure of a sheet, whatever section it stands in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from secondline.project.figures import ALL
from secondline.project.sheets import StudySheet

Path = tuple[str | int, ...]
_DETAILS = ("outcome", "criterion", "setting", "domain", "characteristic", "adjustment", "arm")


@dataclass(frozen=True)
class Printed:
    """A string that a sheet says the paper prints, and where."""

    item: str
    printed: str
    place: str
    near: str | None
    path: Path
    """Where it stands in the sheet."""


def printed_figures(sheet: StudySheet) -> list[Printed]:
    """Every mapping of a sheet that holds ``printed``, in the order of the sheet's sections.

    A figure without a place of its own stands where the record around it does.
    """
    return list(_walk(sheet.model_dump(exclude_none=True), (), "", ""))


def _walk(node: Any, path: Path, item: str, place: str) -> Iterator[Printed]:
    if isinstance(node, list | tuple):
        for i, part in enumerate(node):
            yield from _walk(part, (*path, i), _record(item, part), place)
    elif isinstance(node, Mapping):
        place = node.get("place", place) if isinstance(node.get("place", ""), str) else place
        if isinstance(node.get("printed"), str):
            yield Printed(item, node["printed"], place, node.get("near"), path)
        for key, part in node.items():
            yield from _walk(part, (*path, key), f"{item} {str(key).replace('_', ' ')}".strip(), place)


def _record(section: str, record: Any) -> str:
    """Name a record of a section by what it is about."""
    if not isinstance(record, Mapping):
        return section
    words = [section, *(str(record[key]) for key in _DETAILS if key in record)]
    if "treatment" in record and "comparator" in record:
        words.append(f"{record['treatment']} against {record['comparator']}")
    if record.get("population", ALL) != ALL:
        words.append(str(record["population"]))
    return " ".join(words)
