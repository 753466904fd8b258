"""Tidy tables under our own names: one row per arm, or one per contrast."""

from secondline.project.formats.base import Reader, Sheet, Taken
from secondline.project.formats.names import COMPLETE

_CONTRASTS = (("effect", "se"), ("estimate", "lower", "upper"))


class _Tidy(Reader):
    name = "tidy"
    title = "a tidy table"

    def recognises(self, sheet: Sheet) -> str | None:
        there = set(sheet.columns)
        if not {"study", "treatment"} <= there:
            return None
        if "comparator" in there and any(set(figures) <= there for figures in _CONTRASTS):
            return "one row per contrast"
        return "one row per arm" if any(set(figures) <= there for figures in COMPLETE) else None

    def tidy(self, sheet: Sheet) -> Taken:
        return Taken(sheet.rows, {column: sheet.names[column] for column in sheet.columns})


READER = _Tidy()
