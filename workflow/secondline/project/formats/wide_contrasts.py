"""One row per study, with the effects of its other arms against the first one in numbered columns."""

from secondline.project.formats.base import Left, Reader, Row, Sheet, Taken
from secondline.project.formats.contrasts import measure_of
from secondline.project.formats.names import EFFECTS, TREATMENT, Roles
from secondline.project.formats.wide import Numbered, about_study

_SIZE = {"n": ("n", "samplesize")}
_READ = ("treatment", "effect", "se", "n")


def _others(found: Numbered) -> list[int]:
    """Numbers of the arms with a treatment and an effect against the first."""
    return [arm for arm in found.arms if arm > 1 and arm in found.columns("effect") and arm in found.columns("se")]


class _WideContrasts(Reader):
    name = "wide_contrasts"
    title = "one row per study, with the effects of its other arms against the first"

    def recognises(self, sheet: Sheet) -> str | None:
        found = Numbered(sheet, TREATMENT, EFFECTS, _SIZE)
        first = found.columns("effect").get(1)
        if not _others(found) or 1 not in found.arms or (first and any(row.has(first) for row in sheet.rows)):
            return None
        return f"{found.in_words()}; every effect is against {found.columns('treatment')[1]}"

    def tidy(self, sheet: Sheet) -> Taken:
        found = Numbered(sheet, TREATMENT, EFFECTS, _SIZE)
        found.stems.check(sheet.file, sheet.top)
        if not _others(found) or 1 not in found.arms:
            problem = "no numbered columns such as treat1 and treat2, with an effect and its se for the second"
            raise sheet.error(None, "", problem)
        shared = about_study(sheet, found.all_of(*_READ))
        rows: list[Row] = []
        left: list[Left] = []
        for row in sheet.rows:
            of_study = [_contrast(found, row, arm, shared) for arm in _others(found) if _has(sheet, found, row, arm)]
            rows += of_study
            if not of_study:
                left.append(Left(row.number, "no second treatment is named in it"))
        columns = {ours: sheet.names[column] for column, ours in shared.items()}
        columns |= {ours: ", ".join(sheet.names[c] for c in found.columns(ours).values()) for ours in _READ[:3]}
        columns["comparator"] = sheet.names[found.columns("treatment")[1]]
        if 1 in found.columns("se"):
            columns["comparator_se"] = sheet.names[found.columns("se")[1]]
        if found.stems.has("n"):
            columns["n_treatment"] = columns["n_comparator"] = ", ".join(found.columns("n").values())
        effect = Roles({"effect": found.stems.column["effect"]}, {})
        return Taken(tuple(rows), columns, tuple(left), measure_of(sheet, effect), is_wide=True)


def _has(sheet: Sheet, found: Numbered, row: Row, arm: int) -> bool:
    """Whether a row has an arm of this number; an effect of no treatment is an error."""
    treatment, effect = found.columns("treatment")[arm], found.columns("effect")[arm]
    if not row.has(treatment) and row.has(effect):
        raise sheet.error(row, treatment, f"no treatment is named for {row.names[effect]} = {row.cells[effect]}")
    return row.has(treatment)


def _contrast(found: Numbered, row: Row, arm: int, shared: dict[str, str]) -> Row:
    """Compare one arm of the row of a study with the first."""
    own = {ours: found.columns(ours)[arm] for ours in ("treatment", "effect", "se")}
    own["comparator"] = found.columns("treatment")[1]
    if 1 in found.columns("se"):
        own["comparator_se"] = found.columns("se")[1]
    for end, index in (("treatment", arm), ("comparator", 1)):
        if index in found.columns("n"):
            own[f"n_{end}"] = found.columns("n")[index]
    own |= {name: column for column, name in shared.items()}
    return Row(
        row.number,
        {ours: row.cells[column] for ours, column in own.items()},
        {ours: row.names[column] for ours, column in own.items()},
    )


READER = _WideContrasts()
