"""One row per contrast under the names of netmeta and of papers: effects with standard errors, ratios with limits."""

from collections.abc import Mapping
from dataclasses import replace
from math import sqrt

from secondline.errors import UserError
from secondline.project.formats.arms import renamed
from secondline.project.formats.base import Reader, Row, Sheet, Taken
from secondline.project.formats.names import EFFECTS, LIMITS, RATIOS, STUDY, VARIANCES, Roles, plain, roles

_TWO = {
    "treatment": ("treatment", "treat1", "treatment1", "trt1", "t1", "group1"),
    "comparator": ("comparator", "treat2", "treatment2", "trt2", "t2", "group2"),
    "n_treatment": ("ntreatment", "n1"),
    "n_comparator": ("ncomparator", "n2"),
}
_FIGURES = (("effect", "se"), ("effect", "variance"), ("estimate", "lower", "upper"))
_LEVEL = {"level": ("level",)}
_RATIO = {"estimate": ("estimate", *(name for names in RATIOS.values() for name in names))}


def _roles(sheet: Sheet) -> Roles:
    """Find what the columns are: a ratio with its limits, or else an effect with its standard error."""
    names: list[Mapping[str, tuple[str, ...]]] = [STUDY, _TWO]
    ratio = roles(sheet.columns, _RATIO, LIMITS)
    if ratio.has("estimate", "lower"):
        return roles(sheet.columns, *names, _RATIO, LIMITS, _LEVEL)
    found = roles(sheet.columns, *names, EFFECTS)
    return found if found.has("se") else roles(sheet.columns, *names, EFFECTS, VARIANCES)


class _Contrasts(Reader):
    name = "contrasts"
    title = "one row per contrast, under the names of another program or of a paper"

    def recognises(self, sheet: Sheet) -> str | None:
        found = _roles(sheet)
        if not (found.has("study", "treatment", "comparator") and found.foreign):
            return None
        if not any(found.has(*figures) for figures in _FIGURES):
            return None
        return f"{found.in_words()}: every effect is {found.column['treatment']} against {found.column['comparator']}"

    def tidy(self, sheet: Sheet) -> Taken:
        found = _roles(sheet)
        found.check(sheet.file, sheet.top)
        taken = renamed(sheet, found, measure_of(sheet, found))
        return _with_errors(sheet, taken) if found.has("variance") else taken


def _with_errors(sheet: Sheet, taken: Taken) -> Taken:
    """Turn variances into standard errors."""

    def changed(row: Row) -> Row:
        cells, names = dict(row.cells), dict(row.names)
        cell, names["se"] = cells.pop("variance"), names.pop("variance")
        try:
            cells["se"] = repr(sqrt(float(cell)))
        except ValueError:
            error = UserError("not a variance; allowed: a number above 0", sheet.file, row.number, names["se"], cell)
            raise error from None
        return replace(row, cells=cells, names=names)

    columns = {"se" if ours == "variance" else ours: name for ours, name in taken.columns.items()}
    remark = f"{columns['se']} is the variance of an effect"
    return replace(taken, rows=tuple(map(changed, taken.rows)), columns=columns, remarks=(*taken.remarks, remark))


def measure_of(sheet: Sheet, found: Roles) -> str | None:
    """Return the measure that the column of the effects names, if it names one."""
    column = found.column.get("estimate") or found.column.get("effect")
    word = plain(column or "").removeprefix("log").removeprefix("ln")
    return next((measure for measure, names in RATIOS.items() if word in names), None)


READER = _Contrasts()
