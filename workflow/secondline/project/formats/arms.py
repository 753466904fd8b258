"""One row per arm under the names of gemtc, multinma, BUGSnet and MetaInsight."""

from secondline.project.formats.base import Reader, Row, Sheet, Taken
from secondline.project.formats.names import FIGURES, STUDY, TREATMENT, Roles, fact_of_study, roles


def _roles(sheet: Sheet) -> Roles:
    return roles(sheet.columns, STUDY, TREATMENT, FIGURES)


class _Arms(Reader):
    name = "arms"
    title = "one row per arm, under the names of another program"

    def recognises(self, sheet: Sheet) -> str | None:
        found = _roles(sheet)
        if not (found.has("study", "treatment") and found.foreign and found.is_complete):
            return None
        return None if self._has_references(sheet, found) else found.in_words()

    def _has_references(self, sheet: Sheet, found: Roles) -> bool:
        """Whether every study has one row without a mean, under a name for contrasts too: its reference."""
        mean = found.foreign.get("mean")
        studies = sheet.by(found.column["study"]).values()
        return mean is not None and all(sum(not row.has(mean) for row in rows) == 1 for rows in studies)

    def tidy(self, sheet: Sheet) -> Taken:
        found = _roles(sheet)
        found.check(sheet.file, sheet.top)
        return renamed(sheet, found)


def renamed(sheet: Sheet, found: Roles, measure: str | None = None) -> Taken:
    """Give columns our names, and facts about the study too, and leave the rows as they are."""
    ours = {column: name for name, column in found.column.items()}
    new = {column: ours.get(column) or fact_of_study(column) for column in sheet.columns}
    for column, name in new.items():
        if list(new.values()).count(name) > 1:
            raise sheet.error(None, column, f"another column is {name} too; ignore one of the two")
    names = {new[column]: sheet.names[column] for column in sheet.columns}
    rows = [Row(row.number, {new[column]: cell for column, cell in row.cells.items()}, names) for row in sheet.rows]
    return Taken(tuple(rows), names, measure=measure)


READER = _Arms()
