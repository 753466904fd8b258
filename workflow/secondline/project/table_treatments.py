"""Treatments that the tables of evidence declare themselves: the names that stand there, of any letters."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import field_validator

from secondline.errors import UserError
from secondline.project.documents import Document, Label, Strict, fail, validate
from secondline.project.table_columns import take
from secondline.project.table_components import JOINT
from secondline.project.table_lines import EvidenceTable, Line
from secondline.project.treatments import Treatments

_ENDS = ("treatment", "comparator")
_MOST_LETTERS = 50  # of an identifier made of a name, so that a number fits behind it


class TreatmentsOfTables(Strict):
    """Treatments as named in the tables of evidence, each with an effect of its own.

    A name may be any text. The entry of a table may give a treatment another name under ``treatments``, for example to
    merge two spellings. If tables have components in columns, their arms are sums of these components.
    """

    from_table: bool
    """true: the tables declare the treatments."""
    reference: Label
    """The reference, as named in the tables."""

    @field_validator("from_table")
    @classmethod
    def _declared(cls, value: bool) -> bool:
        if not value:
            fail((), value, "allowed: true; without tables that declare them, list the treatments under regimens")
        return value


def is_of_tables(data: Any) -> bool:
    """Whether an entry ``treatments`` leaves the treatments to the tables."""
    return isinstance(data, dict) and "from_table" in data


def read_of_tables(tables: Sequence[EvidenceTable], document: Document) -> tuple[Treatments, list[EvidenceTable]]:
    """Read the treatments that tables declare; give the tables with the regimen of every name in them.

    Parameters
    ----------
    document : Document
        The whole configuration.

    Raises
    ------
    UserError
        A table that cannot be read, two names that differ in case or blanks alone, or an unknown reference.
    """
    wanted = validate(TreatmentsOfTables, document.section("treatments"))
    if not tables:
        raise document.error(("treatments", "from_table"), True, "no tables of evidence; name one under evidence")
    found: list[dict[str, str]] = []
    where: dict[str, str] = {}
    for i, table in enumerate(tables):
        section = document.section("evidence").section(i)
        there = dict(names_in(table, section))
        for name, place in there.items():
            where.setdefault(table.treatments.get(name, name), place)
        found.append({name: table.treatments.get(name, name) for name in there})
    parts = dict.fromkeys(name for table in tables for name in table.components)
    words = identifiers({**dict.fromkeys(parts, ""), **where})
    regimens = {label: words[label] for label in where}
    if wanted.reference not in regimens:
        problem = f"no table has this treatment; allowed: {', '.join(regimens)}"
        raise document.error(("treatments", "reference"), wanted.reference, problem)
    treatments = Treatments.model_validate(_treatments(regimens, words, list(parts), wanted.reference))
    return treatments, [
        table.model_copy(update={"treatments": {name: regimens[label] for name, label in there.items()}})
        for table, there in zip(tables, found, strict=True)
    ]


def _treatments(
    regimens: Mapping[str, str], words: Mapping[str, str], parts: Sequence[str], reference: str
) -> dict[str, Any]:
    """Build what a configuration would say of regimens, by label, that may be sums of parts."""
    if not parts:
        return {"reference": regimens[reference], "regimens": {word: label for label, word in regimens.items()}}
    held = {label: [part for part in label.split(JOINT) if part in parts] or [label] for label in regimens}
    held[reference] = []
    return {
        "reference": regimens[reference],
        "components": {words[part]: part for every in held.values() for part in every},
        "regimens": {
            word: {"label": label, "components": [words[part] for part in held[label]]}
            for label, word in regimens.items()
        },
    }


def names_in(table: EvidenceTable, document: Document) -> Iterator[tuple[str, str]]:
    """Iterate over the treatments that the chosen studies of a table name, each with its line, once a name."""
    _, taken, _ = take(table, document.error)
    seen: set[str] = set()
    for row in taken.rows:
        line = Line(table.file, row.number, row.cells, row.names)
        if table.studies and row.cells.get("study") not in table.studies:
            continue
        for end in _ENDS:
            if end in row.cells and line.text(end) not in seen:
                seen.add(line.text(end))
                yield line.text(end), f"{line.source}"


def identifiers(names: Mapping[str, str]) -> dict[str, str]:
    """Make a word of every name: its letters and digits, and a number where two names would be one word.

    Parameters
    ----------
    names : mapping
        Where each name stands, by name.

    Raises
    ------
    UserError
        Two names that a reader would take for one.
    """
    plain: dict[str, str] = {}
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name, place in names.items():
        same = " ".join(name.casefold().split())
        if same in plain:
            first = plain[same]
            problem = f"'{first}' stands in {names[first]}; write both alike, or under treatments {{{name}: {first}}}"
            file, _, number = place.rpartition(":")
            raise UserError(problem, file, int(number), "treatment", name)
        plain[same] = name
        word = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:_MOST_LETTERS].strip("_") or "treatment"
        other, i = word, 1
        while other.casefold() in taken:
            i += 1
            other = f"{word}_{i}"
        taken.add(other.casefold())
        found[name] = other
    return found
