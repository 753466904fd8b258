"""Rows of analyses of RevMan: per study an experimental and a control group, or an effect with its error."""

from secondline.errors import UserError
from secondline.project.formats.base import Reader, Row, Sheet, Taken
from secondline.project.formats.wide import once

_SIDES = ("Experimental", "Control")
_ARMS = {"events": "cases", "mean": "mean", "sd": "SD", "n": "N"}
_KINDS = {"events": ("events", "n"), "mean": ("mean", "sd", "n")}
_EFFECT = {"effect": "GIV Mean", "se": "GIV SE"}
_NAME, _NUMBERS = "Analysis name", ("Analysis group", "Analysis number")
_ABOUT = (
    *(*_NUMBERS, _NAME, "Subgroup", "Subgroup number", "Applicability", "Study year", "CI start", "CI end", "Mean"),
    *("O-E", "Variance", "Weight", "Footnotes"),
)
"""Columns that RevMan Web writes beside the figures, which are not read."""


class _RevMan(Reader):
    name = "revman"
    title = "rows of an analysis of RevMan, an experimental against a control group"

    def recognises(self, sheet: Sheet) -> str | None:
        there = set(sheet.columns)
        if not there & {"study", "Study"}:
            return None
        kinds = [{f"{side} {_ARMS[ours]}" for side in _SIDES for ours in figures} for figures in _KINDS.values()]
        if not any(columns <= there for columns in [*kinds, set(_EFFECT.values())]):
            return None
        return "GIV Mean, GIV SE" if "Experimental N" not in there else "Experimental and Control, each with N"

    def tidy(self, sheet: Sheet) -> Taken:
        _one_analysis(sheet)
        labels = [f"{side} group label" for side in _SIDES]
        for label in labels:
            if label not in sheet.columns:
                problem = (
                    f"no column says what the groups received; say it under common: {{{labels[0]}: …, {labels[1]}: …}}"
                )
                raise sheet.error(None, "", problem)
        kind = _kind(sheet)
        needed = [f"{side} {_ARMS[ours]}" for ours in _KINDS[kind] for side in _SIDES] if kind else _EFFECT.values()
        for column in (_study(sheet), *needed):
            if column not in sheet.columns:
                raise sheet.error(None, "", f"no column {column}, which these rows need")
        if kind is None:
            rows = tuple(_contrast(sheet, row) for row in sheet.rows)
            extra = {"comparator": labels[1]}
        else:
            arms = [_arm(sheet, row, side, _KINDS[kind]) for row in sheet.rows for side in _SIDES]
            rows, extra = once(arms), {}
        names: dict[str, str] = {}
        for row in rows:
            names |= row.names
        return Taken(rows, names | extra, is_wide=True)


def _one_analysis(sheet: Sheet) -> None:
    """Check that all rows are of one outcome; several comparisons may have it.

    Raises
    ------
    UserError
        Naming the outcomes.
    """
    if _NAME not in sheet.columns:
        return
    names = list(dict.fromkeys(row.cells[_NAME] for row in sheet.rows))
    if len(names) > 1:
        problem = f"{len(names)} analyses: {'; '.join(names)}; say which under where: {{{_NAME}: {names[0]}}}"
        raise UserError(problem, sheet.file, sheet.top, _NAME)


def _kind(sheet: Sheet) -> str | None:
    """Say whether the rows hold events or means; None where they hold effects."""
    found = [kind for kind in _KINDS if any(row.has(f"{side} {_ARMS[kind]}") for row in sheet.rows for side in _SIDES)]
    if len(found) > 1:
        raise UserError(
            "rows with cases and rows with means; choose those of one kind under where", sheet.file, sheet.top
        )
    return found[0] if found else None


def _study(sheet: Sheet) -> str:
    return "study" if "study" in sheet.columns else "Study"


def _row(sheet: Sheet, row: Row, own: dict[str, str]) -> Row:
    """Take columns out of a row under our names, and those about no group as they are."""
    others = {
        column: column
        for column in sheet.columns
        if not column.startswith(_SIDES) and column not in (*_ABOUT, _study(sheet), *_EFFECT.values())
    }
    columns = {"study": _study(sheet), **own, **others}
    cells = {ours: row.cells[column] for ours, column in columns.items()}
    return Row(row.number, cells, {ours: row.names[column] for ours, column in columns.items()})


def _arm(sheet: Sheet, row: Row, side: str, figures: tuple[str, ...]) -> Row:
    return _row(sheet, row, {"treatment": f"{side} group label", **{f: f"{side} {_ARMS[f]}" for f in figures}})


def _contrast(sheet: Sheet, row: Row) -> Row:
    ends = {"treatment": f"{_SIDES[0]} group label", "comparator": f"{_SIDES[1]} group label"}
    return _row(sheet, row, {**ends, **_EFFECT})


READER = _RevMan()
