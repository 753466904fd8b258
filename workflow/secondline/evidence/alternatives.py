"""The evidence that an analysis could have used instead: for every choice between figures, the rows that it gives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from secondline.evidence.choices import Rows, left_out, sheet_choices, table_choices
from secondline.evidence.options import Option, axes_of, for_outcome, in_words, options_of
from secondline.evidence.selection import Row, evidence_columns, reporting_sheets, select_evidence, sheet_rows
from secondline.project.config import Project
from secondline.project.evidence_tables import TableStudy, by_outcome
from secondline.project.specifications import DoubtAxis, Level
from secondline.tables import to_csv

LEVEL_COLUMNS = ("axis", "level", "label", "why", "weight", "declared", "select")
"""Columns of alternatives.csv before those of the evidence table."""
EVIDENCE_KINDS = ("study", "left_out", "secondary_reports")
"""Kinds of axes of which every level is rows of evidence."""
_WORDS = ("method", "adjustment", "assumed", "population", "contrast_set", "criterion", "derived", "reason")
"""Columns that say where figures come from; two choices with equal figures are one."""
_ALL_STUDIES, _NOT_USED, _TOGETHER = "all_studies", "not_used", "together"


@dataclass(frozen=True, kw_only=True)
class EvidenceAxis:
    """An axis of which every level is rows of evidence.

    Parameters
    ----------
    name, label : str
    levels : tuple of Option
        With the rows of every study that the level decides on, used or not.
    """

    name: str
    label: str
    levels: tuple[Option[Rows], ...]


@dataclass(frozen=True, kw_only=True)
class _Source:
    """What an outcome has of every study, and what the declared analysis takes."""

    project: Project
    outcome: str
    columns: tuple[str, ...]
    tables: Mapping[str, TableStudy]
    sheets: tuple[str, ...]
    taken: Mapping[str, Rows]

    @classmethod
    def of(cls, project: Project, outcome: str) -> "_Source":
        taken: dict[str, Rows] = {}
        for row in select_evidence(project, project.config.doubted, outcome):
            taken[row["study"]] = (*taken.get(row["study"], ()), row)
        return cls(
            project=project,
            outcome=outcome,
            columns=evidence_columns(project, outcome),
            tables={study.study: study for study in by_outcome(project.tables, outcome)},
            sheets=tuple(reporting_sheets(project, outcome)),
            taken=taken,
        )

    @property
    def studies(self) -> list[str]:
        """Studies that report the outcome."""
        return [*self.sheets, *self.tables]

    @property
    def secondary(self) -> list[str]:
        """Secondary reports of the outcome without an axis of their own."""
        quoted = [study for study in self.sheets if self.project.sheets[study].secondary_report]
        return [study for study in quoted if study not in self.own]

    @property
    def own(self) -> set[str]:
        """Studies with an axis of their own."""
        return {axis.study or name for name, axis in axes_of(self.project).items() if axis.of == "study"}

    def figures(self, rows: Rows) -> tuple[tuple[Any, ...], ...]:
        """Keep of rows what a fit reads."""
        kept = [column for column in self.columns if column not in _WORDS]
        return tuple(tuple(row.get(column) for column in kept) for row in rows)


class _Choices(NamedTuple):
    """The automatic levels of an axis, by name, what a level of the configuration chooses, and what is declared."""

    automatic: dict[str, Option[Rows]]
    make: Callable[[Level], Rows]
    declared: Rows


def evidence_axes(project: Project, outcome: str) -> list[EvidenceAxis]:
    """List the axes of an outcome that choose evidence, those with one level left out.

    Raises
    ------
    UserError
        A level of the declared analysis has weight 0.
    """
    source, found = _Source.of(project, outcome), []
    for name, whole in axes_of(project).items():
        choices = _choices(source, name, whole)
        if choices is None:
            continue
        axis = for_outcome(whole, outcome)
        try:
            levels = options_of(axis, *choices, source.figures)
        except KeyError as error:
            raise weightless(project, name, error.args[0]) from None
        if len(levels) > 1:
            label = axis.label or (axis.study or name if axis.of == "study" else in_words(name))
            found.append(EvidenceAxis(name=name, label=label, levels=tuple(levels)))
    return found


def automatic_evidence(project: Project, outcome: str) -> dict[str, list[str]]:
    """Name the automatic levels of axes that choose evidence, before those that give the same are put together."""
    source = _Source.of(project, outcome)
    found = {name: _choices(source, name, axis) for name, axis in axes_of(project).items()}
    return {name: list(choices.automatic) for name, choices in found.items() if choices}


def weightless(project: Project, axis: str, level: str) -> Exception:
    """Build the error for a level of the declared analysis that has weight 0."""
    path = ("specifications", "axes", axis)
    problem = f"the analysis {project.config.doubted} makes this choice, which cannot be removed by weight 0"
    return project.error(path, level, problem)


def _choices(source: _Source, name: str, axis: DoubtAxis) -> _Choices | None:
    """List what an axis chooses from; None of an axis of the model, and of a study that does not report the outcome."""
    if axis.of == "study":
        study = axis.study or name
        return _of_study(source, study) if study in source.studies else None
    kinds = {"left_out": _of_left_out, "secondary_reports": _of_secondary}
    return kinds[axis.of](source) if axis.of in kinds else None


def _of_study(source: _Source, study: str) -> _Choices:
    """Levels of one study; a secondary report that the analysis does not take is left out by it."""
    project, outcome = source.project, source.outcome
    declared = source.taken.get(study, left_out(study))
    if study in source.tables:
        return _Choices(table_choices(project, source.tables[study]), lambda _: left_out(study), declared)
    sheet = project.sheets[study]

    def make(level: Level) -> Rows:
        return left_out(study) if level.omit else tuple(sheet_rows(project, sheet, outcome, level.select))

    return _Choices(sheet_choices(project, sheet, outcome), make, declared)


def _of_left_out(source: _Source) -> _Choices:
    """All studies that the analysis uses, and all but each of those without an axis of their own."""
    used = [study for study, rows in source.taken.items() if rows[0]["used"] and study not in source.own]
    reasons = {f"without_{study}": f"the analysis without {study}" for study in used}
    contents = dict(zip(reasons, map(left_out, used), strict=True))
    reasons, contents = {_ALL_STUDIES: "every study of the analysis", **reasons}, {_ALL_STUDIES: (), **contents}

    def make(level: Level) -> Rows:
        return tuple(row for study in level.studies if study in used for row in left_out(study))

    return _Choices(_options(reasons, contents), make, ())


def _of_secondary(source: _Source) -> _Choices:
    """None of the secondary reports, each, and all together."""
    project, select = source.project, source.project.config.analyses[source.project.config.doubted].select

    def use(studies: Sequence[str]) -> Rows:
        rows: list[Row] = []
        for study in source.secondary:
            sheet = project.sheets[study]
            chosen = sheet_rows(project, sheet, source.outcome, select.get(study)) if study in studies else None
            rows += chosen or left_out(study)
        return tuple(rows)

    reasons, contents = {_NOT_USED: "no study known only from another paper"}, {_NOT_USED: use(())}
    for study in source.secondary:
        record = project.sheets[study].secondary_report
        assert record is not None
        reasons[study], contents[study] = f"{study}, quoted by {record.quoted_by}, {record.place}", use((study,))
    if len(source.secondary) > 1:
        reasons[_TOGETHER] = "all studies known only from another paper"
        contents[_TOGETHER] = use(source.secondary)
    declared = use([study for study in source.secondary if source.taken.get(study, ({},))[0].get("used")])
    return _Choices(_options(reasons, contents), lambda level: use(level.studies), declared)


def _options(reasons: Mapping[str, str], contents: Mapping[str, Rows]) -> dict[str, Option[Rows]]:
    return {
        name: Option(name=name, content=contents[name], label=in_words(name), reason=reason)
        for name, reason in reasons.items()
    }


def decides_on(level: Option[Rows]) -> tuple[str, ...]:
    """Studies of which a level gives the rows."""
    return tuple(dict.fromkeys(row["study"] for row in level.content))


def alternatives_csv(project: Project, outcome: str) -> str:
    """Write the rows of every level of every axis that chooses evidence, as CSV text."""
    rows = [
        {
            "axis": axis.name,
            "level": level.name,
            "label": level.label,
            "why": level.reason,
            "weight": level.weight,
            "declared": level.declared,
            "select": level.select,
            **row,
        }
        for axis in evidence_axes(project, outcome)
        for level in axis.levels
        for row in level.content
    ]
    return to_csv(rows, (*LEVEL_COLUMNS, *evidence_columns(project, outcome)))


def alternatives_digest(project: Project, outcome: str) -> str:
    """Digest of the alternatives of an outcome."""
    return sha256(alternatives_csv(project, outcome).encode()).hexdigest()[:16]
