"""Judgements of risk of bias and indirectness in a flat table of studies: of every outcome as a whole."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from secondline.project.documents import Path_
from secondline.project.risk_of_bias import WHOLE
from secondline.project.table_lines import Line

_PARTS = ("support", "place", "judge")
_SECTIONS = ("risk_of_bias", "indirectness")
_TOOL = "risk_of_bias_tool"
COLUMNS = (_TOOL, *(column for name in _SECTIONS for column in (name, *(f"{name}_{part}" for part in _PARTS))))
Once = Callable[[Sequence[Line], str], tuple[str, Line]]


def judgements(
    rows: Sequence[Line], once: Once, outcomes_of: Callable[[str], list[str]]
) -> tuple[dict[str, Any], dict[Path_, int]]:
    """Sections ``risk_of_bias`` and ``indirectness`` of a sheet, and the line of the table by path of the sheet.

    Parameters
    ----------
    rows : sequence of Line
        The rows of one study.
    once : callable
        Gives the cell of a column that rows may repeat or leave out but not contradict, and its line.
    outcomes_of : callable
        Gives the outcomes of the configuration that a cell of the column ``outcome`` stands for.

    Raises
    ------
    UserError
        A judgement without a judge, support or tool, or one of these without a judgement.
    """
    by_outcome: dict[str, list[Line]] = {}
    for row in rows:
        by_outcome.setdefault(row.cells["outcome"], []).append(row)
    data: dict[str, Any] = {}
    lines: dict[Path_, int] = {}
    for section in _SECTIONS:
        entries: list[dict[str, Any]] = []
        for outcome, members in by_outcome.items():
            entry, line = _judgement(section, members, once)
            if entry:
                lines[section, "judgements", len(entries)] = line.number
                entries.append({"outcomes": outcomes_of(outcome), **entry})
        if entries:
            data[section] = {"judgements": entries}
    tool, where = once(rows, _TOOL)
    if bool(tool) != ("risk_of_bias" in data):
        missing = "a tool without a judgement; fill in risk_of_bias"
        raise where.error(_TOOL, missing if tool else "risk of bias was judged; name the tool")
    if tool:
        data["risk_of_bias"] = {"tool": tool, **data["risk_of_bias"]}
        lines["risk_of_bias",] = where.number
    return data, lines


def _judgement(section: str, rows: Sequence[Line], once: Once) -> tuple[Mapping[str, Any] | None, Line]:
    """Read the judgement of an outcome; None where nobody judged."""
    level, line = once(rows, section)
    cells = {part: once(rows, f"{section}_{part}") for part in _PARTS}
    if not level:
        for part, (cell, where) in cells.items():
            if cell:
                raise where.error(
                    f"{section}_{part}", f"nothing in {section} that this belongs to; allowed: an empty cell"
                )
        return None, line
    for part, what in (("judge", "who judged"), ("support", "the words of the paper on which the judgement rests")):
        if not cells[part][0]:
            raise line.error(f"{section}_{part}", f"a judgement without {part}; give {what}")
    place = cells["place"][0] or f"{Path(line.file).name}, line {line.number}"
    support = [{"printed": cells["support"][0], "place": place}]
    return {"domain": WHOLE, "judgement": level, "support": support, "judge": cells["judge"][0]}, line
