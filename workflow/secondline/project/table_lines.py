"""The lines of an evidence table, read strictly: whatever is not understood is an error with its line and column."""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from secondline.errors import UserError
from secondline.likelihoods import CONTRASTS, LIKELIHOODS, NORMAL, Distribution, Likelihood
from secondline.measures import MEASURES, RR, Measure
from secondline.project.documents import FileName, Label, Strict, Text, is_plain
from secondline.project.figures import Identifier
from secondline.project.study_parts import Acknowledgement
from secondline.project.table_shape import REFERENCE_ROWS, check_header, check_separator, wide_form

Word = Annotated[str, Field(min_length=1, coerce_numbers_to_str=True)]
Complain = Callable[[tuple[str | int, ...], Any, str], UserError]

# Columns that give a contrast: on the scale on which effects add up, or as papers print it, with its interval.
ON_SCALE, AS_PRINTED = ("effect", "se"), ("estimate", "lower", "upper")
# Columns that any table may have, and all columns: words that no category, and no covariate can have.
STUDY_COLUMNS = ("study", "treatment", "outcome", "setting", "effect")
JUDGED_COLUMNS = ("risk_of_bias", "indirectness")
_FIGURES = chain(*((*one.required, *one.optional) for one in LIKELIHOODS.values()))
COLUMNS = frozenset([*STUDY_COLUMNS, *JUDGED_COLUMNS, *_FIGURES])
RISK_RATIOS = (
    "risk ratios cannot be estimated from counts yet: use measure OR with likelihood binomial_logit, or give log risk "
    "ratios with their standard errors as contrasts (patients are no time at risk)"
)
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_PATIENTS = re.compile(r"n|total|patients|participants|subjects|sample[ _.-]?size|n[ _.-]?total", re.IGNORECASE)
_NO_TIME = (
    "patients are no time at risk: counts of patients go with measure OR and likelihood binomial_logit (risk ratios "
    "cannot be estimated from counts yet)"
)
_MISSING = ("", "NA")
# More than any table of studies holds, and numbers between which every formula stays finite.
_MOST_BYTES, _MOST_LETTERS, _LARGEST, _SMALLEST, _MOST_PATIENTS = 50_000_000, 200, 1e12, 1e-12, 10**9


class TableAcknowledgement(Acknowledgement):
    """A contradiction in a table that is also in its source: the study, and how the contradiction is interpreted.

    ``check`` and ``item`` are those of the audit.
    """

    study: Word
    """The study of the table."""


class EvidenceTable(Strict):
    """A table of a data set, and its names of columns and treatments.

    ``columns`` gives the table's name for each of our columns, and ``treatments`` the regimen (or a mixture, ``a:34
    b:3``) for each value in the table. ``studies`` selects studies; columns under ``ignore`` are not read. The columns
    ``risk_of_bias`` and ``indirectness`` hold the judgements of ``judged_by``.
    """

    file: FileName
    """Name of the CSV file."""
    label: Label | None = None
    """Label of the data set in reports."""
    outcome: Identifier | None = None
    """The outcome of all rows, if there is no such column."""
    columns: dict[Text, Text] = Field(default_factory=dict)
    """Name in the table, by our name of a column."""
    treatments: dict[Text, Word] = Field(default_factory=dict)
    """Our regimen, by the table's name."""
    studies: list[Word] = Field(default_factory=list)
    """Studies to include; by default all."""
    ignore: list[Text] = Field(default_factory=list)
    """Columns that are not read."""
    judged_by: Label | None = None
    """Who judged risk of bias and indirectness, or where these judgements are published."""
    acknowledged: list[TableAcknowledgement] = Field(default_factory=list)
    """Findings of the audit that are known, each with the reason why it is accepted."""


@dataclass(frozen=True)
class Vocabulary:
    """The words that a table may use."""

    regimens: Sequence[str]
    settings: Sequence[str]
    covariates: Sequence[str]
    likelihoods: Mapping[str, str]
    """Likelihood by outcome."""
    categories: Mapping[str, Sequence[str]]
    """Categories by outcome, for ordered ones."""
    measures: Mapping[str, str]
    """Effect measure by outcome."""

    def measure(self, outcome: str) -> Measure:
        """Effect measure of an outcome."""
        return MEASURES[self.measures[outcome]]

    def likelihood(self, outcome: str) -> Likelihood:
        """Find what an outcome is modelled from where it is not given as contrasts."""
        return LIKELIHOODS[self.likelihoods[outcome]]

    def categories_of(self, outcome: str, kind: Likelihood) -> Sequence[str]:
        """Categories that rows of an outcome give; none where they give something else, as contrasts do."""
        return self.categories[outcome] if kind.is_ordered else ()

    def is_standardised(self, outcome: str) -> bool:
        """Whether means of arms are to be divided by their standard deviation."""
        return self.measures[outcome] in self.likelihood(outcome).standardised


@dataclass(frozen=True)
class Line:
    """One line of a table: its cells under our names of the columns."""

    file: str
    number: int
    cells: Mapping[str, str]
    names: Mapping[str, str]
    unit: ClassVar[str] = "line"

    @property
    def here(self) -> str:
        """Where the line is in its table."""
        return f"{self.unit} {self.number}"

    def error(self, column: str, problem: str) -> UserError:
        """Report a bad cell under the table's name of the column."""
        return UserError(problem, self.file, self.number, self.names.get(column, column), self.cells.get(column))

    def twice(self, what: str, where: str) -> UserError:
        """Report what an earlier line says already, and what that may mean."""
        meanings = (
            "the same patients: keep one line; other patients: put the two together; separate trials under one name: "
            "name them apart"
        )
        return self.error("treatment", f"{what} already, in {where}; {meanings}")

    @property
    def source(self) -> str:
        """File and line."""
        return f"{self.file}:{self.number}"

    def has(self, column: str) -> bool:
        """Whether a cell is filled; R writes NA into one that is not."""
        return self.cells.get(column, "") not in _MISSING

    def text(self, column: str) -> str:
        """Word in a cell that must be filled."""
        if not self.has(column):
            what = "a missing value, as R writes one" if self.cells[column] else "an empty cell"
            raise self.error(column, f"{what}; allowed: any text")
        if not is_plain(self.cells[column]) or len(self.cells[column]) > _MOST_LETTERS:
            raise self.error(column, f"allowed: up to {_MOST_LETTERS} letters in one line, without control characters")
        return self.cells[column]

    def number_in(self, column: str) -> float:
        """Any finite number."""
        if not _NUMBER.fullmatch(self.cells[column]) or abs(float(self.cells[column])) > _LARGEST:
            raise self.error(column, f"not a number; allowed: a number such as 12 or -0.31, up to {_LARGEST:g}")
        return float(self.cells[column])

    def positive(self, column: str) -> float:
        """Return a number above 0."""
        value = self.number_in(column)
        if value < _SMALLEST:
            raise self.error(column, f"allowed: a number above 0, {_SMALLEST:g} or more")
        return value

    def whole(self, column: str, least: int = 0) -> int:
        """Return a whole number of patients or events."""
        value = self.number_in(column)
        if value != int(value) or not least <= value <= _MOST_PATIENTS:
            raise self.error(column, f"allowed: a whole number, {least} or more, up to {_MOST_PATIENTS}")
        return int(value)

    def size(self, column: str) -> int | None:
        """Return a number of patients that may be left out."""
        return self.whole(column, 1) if self.has(column) else None


def read_lines(table: EvidenceTable, vocabulary: Vocabulary, complain: Complain) -> list[Line]:
    """Read the cells of a table, and check its columns."""
    (top, header), *body = read_cells(table.file)
    check_header(table.file, top, header, body)
    for name in header:
        if header.count(name) > 1:
            raise UserError("this column occurs twice", table.file, top, name)
    ours = _our_names(table, header, complain)
    _check_columns(table, header, top, ours, vocabulary, complain)
    if not body:
        raise UserError("the table has no rows", table.file)
    names = {our: name for name, our in ours.items()}
    lines = [_line(table.file, number, header, cells, names) for number, cells in body]
    rates = {
        name for name in vocabulary.likelihoods if vocabulary.likelihood(name).distribution is Distribution.POISSON
    }
    check_time([line for line in lines if (table.outcome or line.cells["outcome"]) in rates], table, complain)
    return lines


def read_columns(file: str, columns: Sequence[str]) -> list[Line]:
    """Read a CSV file that has these columns and no others, in any order.

    Raises
    ------
    UserError
        The file is no CSV, has other columns, or has no rows.
    """
    (top, header), *body = read_cells(file)
    if sorted(header) != sorted(columns):
        raise UserError(f"columns {', '.join(header)}; allowed: {', '.join(columns)}", file, top)
    if not body:
        raise UserError("the table has no rows", file)
    names = {name: name for name in columns}
    return [_line(file, number, header, cells, names) for number, cells in body]


def _line(file: str, number: int, header: Sequence[str], cells: Sequence[str], names: Mapping[str, str]) -> Line:
    """Put the cells of a line under our names of the columns."""
    if len(cells) != len(header):
        raise UserError(f"{len(cells)} cells; allowed: {len(header)}, as in the header", file, number)
    named = dict(zip(header, cells, strict=True))
    return Line(file, number, {our: named[name] for our, name in names.items()}, names)


def read_cells(file: str) -> list[tuple[int, list[str]]]:
    """Cells of every line that is not blank, with the number of the line on which it starts."""
    found, start = [], 1
    try:
        size = Path(file).stat().st_size
        if size > _MOST_BYTES:
            raise UserError(f"{size} bytes; allowed: up to {_MOST_BYTES}", file)
        with Path(file).open(encoding="utf-8-sig", newline="") as handle:
            check_separator(file, next((line for line in handle if line.strip()), ""))
            handle.seek(0)
            reader = csv.reader(handle, strict=True)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    found.append((start, [cell.strip() for cell in cells]))
                start = reader.line_num + 1
    except UnicodeDecodeError as error:
        raise UserError(f"not UTF-8 text: {error.reason} at byte {error.start}", file) from None
    except csv.Error as error:
        raise UserError(f"not valid CSV: {error}", file, start) from None
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", file) from None
    if not found:
        raise UserError("the table is empty", file)
    return found


def _our_names(table: EvidenceTable, header: Sequence[str], complain: Complain) -> dict[str, str]:
    """Our name of every column that is read, by its name in the table."""
    renamed: dict[str, str] = {}
    for our, name in table.columns.items():
        if name not in header:
            raise complain(("columns", our), name, f"no such column in {table.file}; allowed: {', '.join(header)}")
        if name in renamed:
            raise complain(("columns", our), name, f"this column is {renamed[name]} already")
        renamed[name] = our
    read = [name for name in header if name in renamed or name not in table.ignore]
    for name in read:
        if name in table.columns and name not in renamed:
            raise complain(("columns", name), table.columns[name], f"{table.file} has a column {name} too; ignore it")
    return {name: renamed.get(name, name) for name in read}


def _check_columns(
    table: EvidenceTable,
    header: Sequence[str],
    line: int,
    ours: Mapping[str, str],
    vocabulary: Vocabulary,
    complain: Complain,
) -> None:
    """Check that every column is known, and that none is missing."""
    if table.outcome:
        _check_kind(table, table.outcome, set(ours.values()), line, vocabulary)
    for i, name in enumerate(table.ignore):
        if name not in header:
            raise complain(("ignore", i), name, f"no such column in {table.file}; allowed: {', '.join(header)}")
    there = set(ours.values())
    outcomes = [table.outcome] if table.outcome else list(vocabulary.likelihoods)
    allowed = ["study", "treatment", *([] if table.outcome else ["outcome"]), "setting", *vocabulary.covariates]
    allowed += JUDGED_COLUMNS
    for outcome in outcomes:
        kind = kind_of(outcome, there, vocabulary)
        allowed += [*kind.required, *kind.optional, *vocabulary.categories_of(outcome, kind)]
    beside = () if AS_PRINTED[0] in there else (*AS_PRINTED[1:], "level")  # limits of an estimate, and of nothing else
    allowed = [name for name in dict.fromkeys(allowed) if name not in beside]
    for name, our in ours.items():
        if our not in allowed:
            wide = wide_form(header)
            if wide:
                raise UserError(wide, table.file, line)
            near = get_close_matches(our, allowed, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            instead = "else give it one of these names under columns, or ignore it"
            problem = f"unknown column; {hint}allowed: {', '.join(allowed)}; {instead}"
            if name != our:
                raise complain(("columns", our), name, problem)
            raise UserError(problem, table.file, line, name)
    judged = [our for our in JUDGED_COLUMNS if our in there]
    if judged and table.judged_by is None:
        problem = f"say who judged {' and '.join(judged)}, or ignore the column{'s' if len(judged) > 1 else ''}"
        raise complain(("judged_by",), None, problem)
    if table.judged_by and not judged:
        problem = f"{table.file} has no column {' or '.join(JUDGED_COLUMNS)}; leave the key out, or name one in columns"
        raise complain(("judged_by",), table.judged_by, problem)
    needed = ["study", "treatment", *([] if table.outcome else ["outcome"])]
    if table.outcome:
        needed += needed_columns(table.outcome, there, vocabulary)
    for our in needed:
        if our not in there:
            reference = f"; {REFERENCE_ROWS}" if our == "comparator" else ""
            raise UserError(f"no column {our}; needed: {', '.join(needed)}{reference}", table.file, line)


def check_time(lines: Sequence[Line], table: EvidenceTable, complain: Complain) -> None:
    """Check that numbers of patients are not given as time at risk, which makes a model of rates of what are risks."""
    name = table.columns.get("time", "")
    if lines and _PATIENTS.fullmatch(name):
        problem = f"{_NO_TIME}; rename the column if it really contains time"
        raise complain(("columns", "time"), name, problem)
    given = [line for line in lines if all(line.has(column) for column in ("n", "time", "events"))]
    if given and all(line.number_in("n") == line.number_in("time") for line in given):
        problem = (
            f"time is n on every line; {_NO_TIME}; if all patients were followed for one unit of time, ignore column n"
        )
        raise given[0].error("time", problem)


def _check_kind(table: EvidenceTable, outcome: str, columns: set[str], line: int, vocabulary: Vocabulary) -> None:
    """Check that an outcome that is modelled from contrasts is not given by arms."""
    if kind_of(outcome, columns, vocabulary) is CONTRASTS and not {*ON_SCALE, *AS_PRINTED, "comparator"} & columns:
        for column in ("events", "mean"):
            instead = _arms_instead(vocabulary.measure(outcome), column)
            if instead and column in columns:
                problem = f"{outcome} is modelled from contrasts, and these are arms; {instead}"
                raise UserError(problem, table.file, line, column)


def _arms_instead(measure: Measure, column: str) -> str:
    """Say which likelihoods estimate a measure from arms that have a column; nothing where none does."""
    found = [one for one in LIKELIHOODS.values() if measure.name in one.scales and column in one.required]
    if not found:
        return RISK_RATIOS if measure is RR and column == "events" else ""
    figures = [("mean", "sd", "n") if measure.name in one.standardised else one.required for one in found]
    takers = [f"{one.name} ({', '.join(given)})" for one, given in zip(found, figures, strict=True)]
    return f"arms go with likelihood: {' or '.join(takers)}"


def kind_of(outcome: str, columns: set[str], vocabulary: Vocabulary) -> Likelihood:
    """Likelihood of the rows of an outcome: contrasts wherever there is a column of effects or estimates."""
    return CONTRASTS if {ON_SCALE[0], AS_PRINTED[0]} & columns else vocabulary.likelihood(outcome)


def needed_columns(outcome: str, columns: set[str], vocabulary: Vocabulary) -> list[str]:
    """Columns of figures that an outcome needs."""
    kind = kind_of(outcome, columns, vocabulary)
    if kind is NORMAL and vocabulary.is_standardised(outcome):
        return ["mean", "n", "sd" if "sd" in columns or "se" not in columns else "se"]
    if kind is NORMAL:
        return ["mean", *(["sd", "n"] if {"sd", "n"} <= columns else ["se"])]
    if kind is CONTRASTS and AS_PRINTED[0] in columns:
        return ["comparator", *AS_PRINTED, *(ON_SCALE if ON_SCALE[0] in columns else ())]
    return [*kind.required, *vocabulary.categories_of(outcome, kind)]


def known(line: Line, column: str, value: str, allowed: Sequence[str]) -> str:
    """Check a word against those allowed."""
    if value not in allowed:
        raise line.error(column, f"unknown {column}; allowed: {', '.join(allowed)}")
    return value
