"""The arms of a study in a table: what each received, and a name of its own, also where two received the same."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from secondline.cells import mix
from secondline.project.formats.base import Left
from secondline.project.table_lines import EvidenceTable, Line, Vocabulary, known

ALONE = "the only arm of its study, which is compared with nothing"


def parts(line: Line, column: str, cell: str, allowed: Sequence[str]) -> dict[str, int]:
    """Read one name, or a mixture such as ``a:34 b:3``."""
    if ":" not in cell:
        return {known(line, column, cell, allowed): 1}
    found: dict[str, int] = {}
    for part in cell.split():
        name, _, weight = part.rpartition(":")
        if known(line, column, name, allowed) in found or not (weight.isascii() and weight.isdigit() and int(weight)):
            raise line.error(column, "allowed: one name, or a mixture of different ones such as a:34 b:3")
        found[name] = int(weight)
    return found


def composition(regimens: Mapping[str, int], n: int | None) -> str:
    """Patients by regimen as one cell; an arm on one regimen holds all its patients."""
    return mix({next(iter(regimens)): n or 1} if len(regimens) == 1 else regimens)


@dataclass
class Arms:
    """The arms of one study, by what the table calls them.

    Two names of the table may stand for one treatment, as those of two doses: their arms keep apart, each with its own
    deviation. One name that stands twice is an error, unless the entry of the table says what it means.
    """

    study: str
    table: EvidenceTable
    vocabulary: Vocabulary
    left: list[Left] = field(default_factory=list)
    """Lines that say what others have said."""
    _names: dict[tuple[str, int], str] = field(default_factory=dict)
    _received: dict[str, str] = field(default_factory=dict)
    """What an arm received, by its name."""

    def regimens(self, line: Line, column: str) -> dict[str, int]:
        """Regimens of an arm, by the table's own names or by ours."""
        cell = line.text(column)
        named = self.table.treatments.get(cell)
        if named is None and ":" not in cell and cell not in self.vocabulary.regimens:
            allowed = ", ".join([*self.vocabulary.regimens, *self.table.treatments])
            raise line.error(column, f"unknown treatment; allowed: {allowed}")
        return parts(line, column, named or cell, self.vocabulary.regimens)

    def name(self, line: Line, column: str, again: int = 0) -> str:
        """Name an arm by what it received, with a number behind it if another arm of the study received the same."""
        key = (line.text(column), again)
        if key not in self._names:
            regimens = self.regimens(line, column)
            received = next(iter(regimens)) if len(regimens) == 1 else mix(regimens)
            name, i = received, 1
            while name in self._received or (i > 1 and name in self.vocabulary.regimens):
                i += 1
                name = f"{received}_{i}"
            self._names[key], self._received[name] = name, received
        return self._names[key]

    def each_once(self, lines: Sequence[Line], columns: Sequence[str], what: str) -> list[tuple[Line, int]]:
        """Lines that count, each with how many before it have the same names in these columns.

        Raises
        ------
        UserError
            A line that says what an earlier one says, where the entry of the table does not say what that means.
        """
        kept: list[tuple[Line, int]] = []
        seen: dict[frozenset[str], list[Line]] = {}
        for line in lines:
            earlier = seen.setdefault(frozenset(line.text(column) for column in columns), [])
            if earlier and self.table.repeated is None:
                raise line.twice(what, earlier[0].here)
            if earlier and self.table.repeated == "one_arm":
                self._same(line, earlier[0])
                if line.number not in {other.number for other, _ in kept}:
                    self.left.append(Left(line.number, f"the same patients as {earlier[0].here}"))
                continue
            kept.append((line, len(earlier)))
            earlier.append(line)
        used = {line.number for line, _ in kept}
        self.left = [one for one in self.left if one.number not in used]
        return kept

    def _same(self, line: Line, first: Line) -> None:
        """Check that a line has the figures of another one."""
        for column, cell in line.cells.items():
            if cell != first.cells.get(column):
                problem = f"allowed: {first.cells.get(column)!r}, as on {first.here}, since repeated says one_arm"
                raise line.error(column, problem)

    def in_words(self) -> str | None:
        """Say which treatments several arms of the study received."""
        several = {name: n for name, n in Counter(self._received.values()).items() if n > 1}
        said = ", ".join(f"{n} of {name}" for name, n in several.items())
        return f"{self.study} ({said})" if said else None


def several_arms(studies: Iterable[str | None]) -> str | None:
    """Say what happens to studies that have several arms of one treatment."""
    said = [words for words in dict.fromkeys(studies) if words]
    return f"several arms of one treatment, each kept with its own deviation: {', '.join(said)}" if said else None
