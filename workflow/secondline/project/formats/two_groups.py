"""One row per study, with the figures of an experimental and a control group: the letters e and c end the names.

R's package meta takes its data so: ``event.e, n.e, event.c, n.c`` or ``Ne, Me, Se, Nc, Mc, Sc``. Which treatments the
two groups received stands in no column: the entry of the table says it, under ``treatments``.
"""

from secondline.project.formats.base import Reader, Row, Sheet, Taken
from secondline.project.formats.names import plain
from secondline.project.formats.wide import about_study

_GROUPS = ("c", "e")
"""Letters of the groups, the control first: contrasts are against it."""
_FIGURES = {
    "events": ("events", "event", "ev", "r"),
    "n": ("n",),
    "mean": ("mean", "m"),
    "sd": ("sd", "s"),
    "time": ("time",),
}
_AUTHOR = "author"
"""What names the study where no other column does."""
_COMPLETE = (("events", "n"), ("events", "time"), ("mean", "sd", "n"))


class _TwoGroups(Reader):
    name = "two_groups"
    title = "one row per study, with the figures of an experimental (e) and a control group (c)"

    def recognises(self, sheet: Sheet) -> str | None:
        found = _columns(sheet)
        whole = any(all((ours, group) in found for ours in one for group in _GROUPS) for one in _COMPLETE)
        return ", ".join(found.values()) if whole else None

    def tidy(self, sheet: Sheet) -> Taken:
        found = _columns(sheet)
        read = [ours for ours in _FIGURES if all((ours, group) in found for group in _GROUPS)]
        if not read:
            raise sheet.error(None, "", "no columns of two groups, such as event.e, n.e, event.c, n.c")
        own = {pair: column for pair, column in found.items() if pair[0] in read}
        shared = about_study(sheet, own.values())
        if "study" not in shared.values() and _AUTHOR in shared:
            shared[_AUTHOR] = "study"
        rows = []
        for row in sheet.rows:
            for group in _GROUPS:
                cells = {ours: row.cells[column] for column, ours in shared.items()} | {"treatment": group}
                names = {ours: row.names[column] for column, ours in shared.items()} | {"treatment": group}
                figures = {ours: own[ours, group] for ours in read}
                cells |= {ours: row.cells[column] for ours, column in figures.items()}
                names |= {ours: row.names[column] for ours, column in figures.items()}
                rows.append(Row(row.number, cells, names))
        columns = {ours: sheet.names[column] for column, ours in shared.items()} | {"treatment": "e and c"}
        columns |= {ours: ", ".join(sheet.names[own[ours, group]] for group in _GROUPS) for ours in read}
        remark = "e and c are the treatments of the two groups, named under treatments"
        return Taken(tuple(rows), columns, is_wide=True, remarks=(remark,))


def _columns(sheet: Sheet) -> dict[tuple[str, str], str]:
    """Columns by figure and group; the first of several for the same."""
    found: dict[tuple[str, str], str] = {}
    for column in sheet.columns:
        stem, group = plain(column)[:-1], plain(column)[-1:]
        for ours, called in _FIGURES.items():
            if group in _GROUPS and stem in called:
                found.setdefault((ours, group), column)
    return found


READER = _TwoGroups()
