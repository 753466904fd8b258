"""Contrasts with a row per arm, as gemtc and multinma write them: the effect of the reference of a study is NA.

The reference row may give the standard error of the outcome in its arm, which makes the contrasts of a study with
several arms correlated.
"""

from secondline.project.formats.base import Reader, Row, Sheet, Taken
from secondline.project.formats.contrasts import measure_of
from secondline.project.formats.names import EFFECTS, STUDY, TREATMENT, Roles, fact_of_study, roles

_SIZE = {"n": ("n", "samplesize")}


def _roles(sheet: Sheet) -> Roles:
    found = roles(sheet.columns, STUDY, TREATMENT, EFFECTS, _SIZE)
    if "y" in map(str.lower, found.clashes.get("effect", ())):  # beside a difference, y is the outcome of an arm
        others = [column for column in sheet.columns if column.lower() != "y"]
        return roles(others, STUDY, TREATMENT, EFFECTS, _SIZE)
    return found


class _ReferenceRows(Reader):
    name = "reference_rows"
    title = "contrasts with one row per arm"

    def recognises(self, sheet: Sheet) -> str | None:
        found = _roles(sheet)
        if not found.has("study", "treatment", "effect", "se") or "comparator" in sheet.columns:
            return None
        effect = found.column["effect"]
        if all(row.has(effect) for row in sheet.rows):
            return None
        words = found.in_words()
        return f"{words + '; ' if words else ''}NA in {effect} for the arm that the others of a study are compared with"

    def tidy(self, sheet: Sheet) -> Taken:
        found = _roles(sheet)
        for ours in ("study", "treatment", "effect", "se"):
            if not found.has(ours):
                raise sheet.error(None, "", f"no column for {ours}; needed: study, treatment, an effect and its se")
        found.check(sheet.file, sheet.top)
        names = _names(sheet, found)
        rows = [row for rows in sheet.by(found.column["study"]).values() for row in self._contrasts(sheet, found, rows)]
        return Taken(tuple(rows), names, measure=measure_of(sheet, found))

    def _contrasts(self, sheet: Sheet, found: Roles, rows: list[Row]) -> list[Row]:
        """Compare the other arms of a study with its reference."""
        effect, treatment = found.column["effect"], found.column["treatment"]
        references = [row for row in rows if not row.has(effect)]
        study = rows[0].cells[found.column["study"]]
        if len(references) != 1:
            problem = f"{len(references)} rows of study {study} have no effect; allowed: one, that of its reference"
            raise sheet.error((references or rows)[-1], effect, problem)
        (reference,) = references
        others = [row for row in rows if row is not reference]
        if not others:
            raise sheet.error(reference, effect, f"study {study} has no other row; allowed: two or more")
        names = _names(sheet, found)
        return [
            Row(row.number, self._cells(found, names, row, reference, treatment), names, (reference.number,))
            for row in others
        ]

    def _cells(self, found: Roles, names: dict[str, str], row: Row, reference: Row, treatment: str) -> dict[str, str]:
        of_arm = {found.column[ours]: ours for ours in ("study", "treatment", "effect", "se", "n") if found.has(ours)}
        cells = {of_arm.get(column) or fact_of_study(column): cell for column, cell in row.cells.items()}
        cells |= {"comparator": reference.cells[treatment]}
        cells |= {"comparator_se": reference.cells[found.column["se"]]} if "comparator_se" in names else {}
        if found.has("n"):
            del cells["n"]
            cells |= {"n_treatment": row.cells[found.column["n"]], "n_comparator": reference.cells[found.column["n"]]}
        return cells


def _names(sheet: Sheet, found: Roles) -> dict[str, str]:
    """Names that the columns of contrasts have in the file; two of them come from one column there."""
    ours = {column: name for name, column in found.column.items()}
    names = {ours.get(column) or fact_of_study(column): sheet.names[column] for column in sheet.columns}
    names["comparator"] = names["treatment"]
    if any(row.has(found.column["se"]) and not row.has(found.column["effect"]) for row in sheet.rows):
        names["comparator_se"] = names["se"]
    if "n" in names and found.has("n"):
        names["n_treatment"] = names["n_comparator"] = names.pop("n")
    return names


READER = _ReferenceRows()
