"""Data frames read as strictly as evidence tables: whatever is not understood is an error with its row and column."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar

from secondline.cells import parse_mix
from secondline.errors import UserError
from secondline.likelihoods import (
    BINOMIAL_CLOGLOG,
    BINOMIAL_LOGIT,
    NORMAL,
    NORMAL_COUNTS,
    ORDERED_LOGIT,
    ORDERED_PROBIT,
    POISSON_LOG,
    Likelihood,
)
from secondline.project.config_parts import AuditLimits
from secondline.project.evidence_tables import TableStudy, studies_of
from secondline.project.table_categories import never_given, not_told_apart
from secondline.project.table_columns import check_time
from secondline.project.table_lines import COLUMNS, STUDY_COLUMNS, EvidenceTable, Line, Vocabulary

if TYPE_CHECKING:
    import pandas as pd

FRAME = "data frame"
OUTCOME = "outcome"
"""The one outcome of a network that is made of data frames."""
_TAKERS: dict[frozenset[str], tuple[Likelihood, ...]] = {
    frozenset({"events", "n"}): (BINOMIAL_LOGIT, NORMAL_COUNTS),
    frozenset({"events", "n", "time"}): (BINOMIAL_CLOGLOG, POISSON_LOG),
    frozenset({"events", "time"}): (POISSON_LOG,),
    frozenset({"mean", "se"}): (NORMAL,),
    frozenset({"mean", "se", "n"}): (NORMAL,),
    frozenset({"mean", "sd", "n"}): (NORMAL,),
    frozenset({"mean", "se", "sd", "n"}): (NORMAL,),
}
"""Likelihoods that take all figures that are named, the usual one first."""
_ALLOWED = "events and n; events, n and time; events and time; mean with se, or with sd and n; categories"


class FrameLine(Line):
    """One row of a data frame; rows are counted from 0, as ``iloc`` counts them."""

    unit: ClassVar[str] = "row"
    meanings: ClassVar[str] = (
        "the same patients: keep one row; other patients: put the two together; separate trials under one name: name "
        "them apart"
    )

    def error(self, column: str, problem: str) -> UserError:
        """Report a bad cell under the data frame's name of the column."""
        where = f"{self.here} of the {FRAME}"
        return UserError(problem, where, key=self.names.get(column), value=self.cells.get(column))


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Names that columns have in a data frame, by ours, those of figures and of covariates."""

    figures: Mapping[str, str]
    covariates: Mapping[str, str]
    categories: Sequence[str] = ()
    by_arm: Sequence[str] = ()
    """Covariates that are given for every arm."""

    @classmethod
    def named(
        cls,
        figures: Mapping[str, object],
        covariates: Sequence[object],
        categories: Sequence[object] = (),
        by_arm: Sequence[object] = (),
    ) -> "Columns":
        """Take the names that a user gives; numbers may be names of columns.

        Raises
        ------
        UserError
            A column named for two figures, or a name that evidence tables cannot hold.
        """
        for key, given in (("covariates", covariates), ("arm_covariates", by_arm), ("categories", categories)):
            if isinstance(given, str):
                raise UserError("allowed: a list of columns", FRAME, key=key, value=given)
            for name in map(str, given):
                if ":" in name:
                    raise UserError("allowed: a name without a colon", FRAME, key=key, value=name)
        read: dict[str, str] = {}
        for ours, name in ((ours, str(name)) for ours, name in figures.items()):
            if name in read:
                raise UserError(f"this column is {read[name]} already", FRAME, key=ours, value=name)
            read[name] = ours
        for name in map(str, (*covariates, *by_arm)):
            if name in COLUMNS:
                problem = "this word is a column of evidence tables; rename the covariate"
                raise UserError(problem, FRAME, key="covariates", value=name)
        return cls(
            figures={ours: name for name, ours in read.items()},
            covariates={name: name for name in map(str, (*covariates, *by_arm))},
            categories=tuple(map(str, categories)),
            by_arm=tuple(map(str, by_arm)),
        )

    @property
    def names(self) -> dict[str, str]:
        """Names in the data frame by ours; categories and covariates keep their own."""
        return {**self.figures, **self.covariates, **{name: name for name in self.categories}}


def read_frame(frame: "pd.DataFrame", columns: Columns) -> list[FrameLine]:
    """Read the named columns of a data frame; other columns are left alone.

    Raises
    ------
    UserError
        No data frame, no rows, or a column that is not there or stands twice.
    """
    there = _column_names(frame)
    for ours, name in columns.names.items():
        if name not in there:
            raise UserError(f"no such column; allowed: {', '.join(there)}", FRAME, key=ours, value=name)
        if there.count(name) > 1:
            raise UserError("this column occurs twice", FRAME, key=ours, value=name)
    for name in columns.categories:
        if name in (*STUDY_COLUMNS, *columns.figures):
            problem = "this word is a column of evidence tables; rename the category"
            raise UserError(problem, FRAME, key="categories", value=name)
    if not len(frame):
        raise UserError("there are no rows", FRAME)
    values = [list(map(cell_of, frame.iloc[:, there.index(name)].tolist())) for name in columns.names.values()]
    return [
        FrameLine(FRAME, number, dict(zip(columns.names, cells, strict=True)), columns.names)
        for number, cells in enumerate(zip(*values, strict=True))
    ]


def _column_names(frame: Any) -> list[str]:
    try:
        return [str(name) for name in frame.columns]
    except AttributeError:
        problem = f"allowed: a pandas data frame, not {type(frame).__name__}"
        raise UserError(problem, FRAME) from None


def cell_of(value: Any) -> str:
    """Write a value as a cell of a table: whole numbers without a point, missing values as an empty cell."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return "" if value is None or value != value or type(value).__name__ == "NAType" else str(value).strip()
    if isinstance(value, Integral):
        return str(int(value))
    number = float(value)
    if number != number:
        return ""
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def likelihood_of(columns: Columns, measure: str | None) -> Likelihood:
    """Choose the likelihood by which the figures of arms are read: the usual one, or that of a measure.

    Raises
    ------
    UserError
        Figures that no likelihood takes, or a measure that none of theirs estimates.
    """
    figures = frozenset(columns.figures) - {"study", "treatment"}
    if columns.categories and not figures:
        if len(columns.categories) < 3:
            problem = "an ordered outcome needs three or more, in their order"
            raise UserError(problem, "Network.from_arms", key="categories", value=list(columns.categories))
        found: tuple[Likelihood, ...] = (ORDERED_LOGIT, ORDERED_PROBIT)
    else:
        found = () if columns.categories else _TAKERS.get(figures, ())
    if not found:
        named = [name for name in columns.figures if name in figures] + ["categories"] * bool(columns.categories)
        raise UserError(f"allowed: {_ALLOWED}", "Network.from_arms", key="columns", value=", ".join(named) or "none")
    chosen = next((one for one in found if measure in one.scales), found[0])
    if measure is not None:
        chosen.scale(measure)
    return chosen


def treatments_of(lines: Sequence[FrameLine], columns: Sequence[str]) -> list[str]:
    """List the treatments that rows name, in alphabetical order; mixtures such as ``a:34 b:3`` give their parts."""
    return sorted({name for line in lines for column in columns for name in _parts(line, column)})


def _parts(line: FrameLine, column: str) -> list[str]:
    cell = line.text(column)
    try:
        return list(parse_mix(cell)) if ":" in cell else [cell]
    except ValueError:
        raise line.error(column, "allowed: a name without a colon, or a mixture such as a:34 b:3") from None


def read_network_studies(
    lines: Sequence[FrameLine], treatments: Sequence[str], columns: Columns, likelihood: Likelihood, measure: str
) -> list[TableStudy]:
    """Turn rows into studies as the rows of an evidence table are.

    Raises
    ------
    UserError
        The first mistake, in one line: row, column, value and what is allowed.
    """
    vocabulary = Vocabulary(
        regimens=treatments,
        settings=(),
        covariates=list(columns.covariates),
        levels=_levels(lines, columns.covariates),
        by_arm=columns.by_arm,
        likelihoods={OUTCOME: likelihood.name},
        categories={OUTCOME: columns.categories} if columns.categories else {},
        measures={OUTCOME: measure},
    )
    table = EvidenceTable(file=FRAME, outcome=OUTCOME, columns=dict(columns.figures))
    if "time" in columns.figures:
        check_time(lines, table, _complain)
    studies = studies_of(lines, table, vocabulary)
    cells = [row["categories"] for study in studies for row in study.rows if row.get("categories")]
    for name in never_given(cells, columns.categories) if cells else ():
        raise UserError(not_told_apart(name, columns.categories), FRAME, key="categories", value=name)
    for study in studies:
        _check_together(study)
    return studies


def _levels(lines: Sequence[FrameLine], covariates: Iterable[str]) -> dict[str, list[str]]:
    """Find the levels of covariates that are words, in the order in which they occur.

    Raises
    ------
    UserError
        Numbers and words in one column, or a word that cells of evidence tables cannot hold.
    """
    found: dict[str, list[str]] = {}
    for name in covariates:
        given = [line for line in lines if line.has(name)]
        words = [line for line in given if not _is_numeral(line.cells[name])]
        for line in words:
            if len(words) < len(given):
                raise line.error(name, "allowed: numbers, or words, in all rows of a covariate")
            if set(line.cells[name]) & set(":,=[]"):
                raise line.error(name, "allowed: words without : , = [ ]")
        if words:
            found[name] = list(dict.fromkeys(line.cells[name] for line in words))
    return found


def _is_numeral(cell: str) -> bool:
    try:
        return isfinite(float(cell))
    except ValueError:
        return False


def _complain(path: Sequence[str | int], value: Any, problem: str) -> UserError:
    """Report a bad name of a column."""
    return UserError(problem, FRAME, key=str(path[-1]), value=value)


def _check_together(study: TableStudy) -> None:
    """Refuse contrasts of one study that contradict each other, as the audit does; warn of what had to be assumed."""
    if study.message is None:
        return
    if study.contradicts(AuditLimits()):
        raise UserError(study.message, f"row {study.line} of the {FRAME}", key="study", value=study.study)
    if study.flagged or any(row["assumed"] for row in study.rows):
        warnings.warn(f"study {study.study}: {study.message}", stacklevel=5)
