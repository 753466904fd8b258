"""One row per study, with numbered columns for every arm: MetaInsight and netmeta's wide tables, those of BUGS."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from secondline.project.formats.base import Left, Reader, Row, Sheet, Taken
from secondline.project.formats.names import COMPLETE, FIGURES, STUDY, TREATMENT, Roles, fact_of_study, numbered, roles

_NO_ARM = "no treatment is named in it"


class Numbered:
    """The numbered columns of a sheet: by stem and number, and what the stems are."""

    def __init__(self, sheet: Sheet, *names: Mapping[str, Iterable[str]]) -> None:
        self.by_stem: dict[str, dict[int, str]] = {}
        for column in sheet.columns:
            for stem, index in numbered(column):
                self.by_stem.setdefault(stem, {})[index] = column
        self.stems: Roles = roles(self.by_stem, *({ours: tuple(called) for ours, called in n.items()} for n in names))

    def columns(self, ours: str) -> dict[int, str]:
        """Columns of a figure, by the number of the arm."""
        return self.by_stem[self.stems.column[ours]] if self.stems.has(ours) else {}

    @property
    def arms(self) -> list[int]:
        """Numbers of the arms that have a column for their treatment."""
        return sorted(self.columns("treatment"))

    def all_of(self, *ours: str) -> set[str]:
        """Every column of some figures."""
        return {column for name in ours for column in self.columns(name).values()}

    def in_words(self) -> str:
        """Say which columns were taken for what."""
        said = [f"{', '.join(self.columns(ours).values())} for {ours}" for ours in self.stems.foreign]
        return "; ".join(said) or ", ".join(sorted(self.by_stem))


def about_study(sheet: Sheet, arms: Iterable[str]) -> dict[str, str]:
    """Our name of every column that is about the whole study."""
    of_arms = set(arms)
    others = [column for column in sheet.columns if column not in of_arms]
    found = roles(others, STUDY)
    found.check(sheet.file, sheet.top)
    ours = {column: name for name, column in found.column.items()}
    return {column: ours.get(column) or fact_of_study(column) for column in others}


class _Wide(Reader):
    name = "wide"
    title = "one row per study, with columns for every arm"

    def recognises(self, sheet: Sheet) -> str | None:
        found = Numbered(sheet, TREATMENT, FIGURES)
        complete = any(self._are_given(sheet, found, figures) for figures in COMPLETE)
        return found.in_words() if len(found.arms) > 1 and complete else None

    def _are_given(self, sheet: Sheet, found: Numbered, figures: Iterable[str]) -> bool:
        """Whether the first two arms have columns for these figures with anything in them."""
        columns = [found.columns(ours).get(arm) for ours in figures for arm in found.arms[:2]]
        return all(column and any(row.has(column) for row in sheet.rows) for column in columns)

    def tidy(self, sheet: Sheet) -> Taken:
        found = Numbered(sheet, TREATMENT, FIGURES)
        found.stems.check(sheet.file, sheet.top)
        if len(found.arms) < 2:
            raise sheet.error(None, "", "no numbered columns for treatments, such as treat1 and treat2")
        read = [ours for ours in ("treatment", *FIGURES) if found.stems.has(ours)]
        shared = about_study(sheet, found.all_of(*read))
        rows: list[Row] = []
        left: list[Left] = []
        for row in sheet.rows:
            arms = [arm for arm in found.arms if self._has_arm(sheet, found, row, arm, read)]
            rows += [_row_of_arm(found, row, arm, read, shared) for arm in arms]
            if not arms:
                left.append(Left(row.number, _NO_ARM))
        columns = {ours: sheet.names[column] for column, ours in shared.items()}
        columns |= {ours: ", ".join(sheet.names[c] for c in found.columns(ours).values()) for ours in read}
        return Taken(once(rows), columns, tuple(left), is_wide=True)

    def _has_arm(self, sheet: Sheet, found: Numbered, row: Row, arm: int, read: list[str]) -> bool:
        """Whether a row has an arm of this number; figures of no treatment are an error."""
        column = found.columns("treatment")[arm]
        if row.has(column):
            return True
        for ours in read:
            figure = found.columns(ours).get(arm)
            if figure and row.has(figure):
                problem = f"no treatment is named for {row.names[figure]} = {row.cells[figure]}; name it, or empty both"
                raise sheet.error(row, column, problem)
        return False


def _row_of_arm(found: Numbered, row: Row, arm: int, read: Iterable[str], shared: Mapping[str, str]) -> Row:
    """Take one arm out of the row of a study."""
    own = {ours: column for ours in read if (column := found.columns(ours).get(arm))}
    cells = {name: row.cells[column] for column, name in shared.items()}
    cells |= {ours: row.cells[own[ours]] if ours in own else "NA" for ours in read}
    names = {name: row.names[column] for column, name in shared.items()}
    return Row(row.number, cells, names | {ours: row.names[column] for ours, column in own.items()})


def once(rows: list[Row]) -> tuple[Row, ...]:
    """Keep every arm once where a study has a row for every pair of its arms, as netmeta's `pairwise` writes them."""
    by_study: dict[str, list[Row]] = {}
    for row in rows:
        by_study.setdefault(row.cells.get("study", ""), []).append(row)
    kept: list[Row] = []
    for members in by_study.values():
        kept += _arms_of_pairs(members) or members
    return tuple(kept)


def _arms_of_pairs(rows: list[Row]) -> list[Row]:
    """Arms of a study whose rows are all pairs of them with the same figures wherever one occurs; else nothing."""
    pairs: dict[int, list[Row]] = {}
    arms: dict[str, list[Row]] = {}
    for row in rows:
        pairs.setdefault(row.number, []).append(row)
        arms.setdefault(row.cells["treatment"], []).append(row)
    every = {frozenset(row.cells["treatment"] for row in pair) for pair in pairs.values()}
    agree = all(row.cells == same[0].cells for same in arms.values() for row in same)
    complete = len(arms) > 2 and len(pairs) == len(every) == len(arms) * (len(arms) - 1) // 2
    if not (agree and complete and all(len(pair) == 2 for pair in pairs.values())):
        return []
    return [replace(same[0], also=tuple(row.number for row in same[1:])) for same in arms.values()]


READER = _Wide()
