"""One row per contrast under the names of netmeta and of papers: effects with standard errors, ratios with limits."""

from collections.abc import Mapping

from secondline.project.formats.arms import renamed
from secondline.project.formats.base import Reader, Sheet, Taken
from secondline.project.formats.names import EFFECTS, LIMITS, RATIOS, STUDY, Roles, plain, roles

_TWO = {
    "treatment": ("treatment", "treat1", "treatment1", "trt1", "t1"),
    "comparator": ("comparator", "treat2", "treatment2", "trt2", "t2"),
    "n_treatment": ("ntreatment", "n1"),
    "n_comparator": ("ncomparator", "n2"),
}
_LEVEL = {"level": ("level",)}
_RATIO = {"estimate": ("estimate", *(name for names in RATIOS.values() for name in names))}


def _roles(sheet: Sheet) -> Roles:
    """Find what the columns are: a ratio with its limits, or else an effect with its standard error."""
    names: list[Mapping[str, tuple[str, ...]]] = [STUDY, _TWO]
    ratio = roles(sheet.columns, _RATIO, LIMITS)
    return roles(sheet.columns, *names, *([_RATIO, LIMITS, _LEVEL] if ratio.has("estimate", "lower") else [EFFECTS]))


class _Contrasts(Reader):
    name = "contrasts"
    title = "one row per contrast, under the names of another program or of a paper"

    def recognises(self, sheet: Sheet) -> str | None:
        found = _roles(sheet)
        if not (found.has("study", "treatment", "comparator") and found.foreign):
            return None
        if not (found.has("effect", "se") or found.has("estimate", "lower", "upper")):
            return None
        return f"{found.in_words()}: every effect is {found.column['treatment']} against {found.column['comparator']}"

    def tidy(self, sheet: Sheet) -> Taken:
        found = _roles(sheet)
        found.check(sheet.file, sheet.top)
        return renamed(sheet, found, measure_of(sheet, found))


def measure_of(sheet: Sheet, found: Roles) -> str | None:
    """Return the measure that the column of the effects names, if it names one."""
    column = found.column.get("estimate") or found.column.get("effect")
    word = plain(column or "").removeprefix("log").removeprefix("ln")
    return next((measure for measure, names in RATIOS.items() if word in names), None)


READER = _Contrasts()
