"""The lines of an evidence table, read strictly: whatever is not understood is an error with its line and column."""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from secondline.errors import UserError
from secondline.likelihoods import CONTRASTS, LIKELIHOODS, NORMAL, Likelihood
from secondline.measures import MEASURES, Measure
from secondline.project.arm_contrasts import ARM_CONTRASTS, ArmContrasts
from secondline.project.documents import FileName, Label, Strict, Text, fail, is_plain
from secondline.project.figures import Identifier
from secondline.project.formats.base import is_given
from secondline.project.formats.files import MOST_BYTES
from secondline.project.formats.registry import READERS
from secondline.project.study_parts import Acknowledgement
from secondline.project.table_shape import check_separator

Word = Annotated[str, Field(min_length=1, coerce_numbers_to_str=True)]
if TYPE_CHECKING:
    type FormatName = str
else:  # names as the schema and a mistake list them
    FormatName = Literal[*READERS]
Complain = Callable[[tuple[str | int, ...], Any, str], UserError]

# Columns that give a contrast: on the scale on which effects add up, or as papers print it, with its interval.
ON_SCALE, AS_PRINTED = ("effect", "se"), ("estimate", "lower", "upper")
# Columns that any table may have, and all columns: words that no category, and no covariate can have.
STUDY_COLUMNS = ("study", "treatment", "outcome", "setting", "effect")
BASELINE = ("baseline_mean", "baseline_sd")
JUDGED_COLUMNS = ("risk_of_bias", "indirectness")
_FIGURES = chain(*((*one.required, *one.optional) for one in LIKELIHOODS.values()))
COLUMNS = frozenset([*STUDY_COLUMNS, *JUDGED_COLUMNS, *_FIGURES])
RISK_RATIOS = (
    "ratios and differences of risks, events among patients, go with likelihood normal_counts and columns events and n"
)
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
# More letters than any name has, and numbers between which every formula stays finite.
_MOST_LETTERS, _LARGEST, _SMALLEST, _MOST_PATIENTS = 200, 1e12, 1e-12, 10**9


class TableAcknowledgement(Acknowledgement):
    """A contradiction in a table that is also in its source: the study, and how the contradiction is interpreted.

    ``check`` and ``item`` are those that the audit reports.
    """

    study: Word
    """The study of the table."""


class EvidenceTable(Strict):
    """A table of evidence, with its own names of columns and treatments.

    ``columns`` gives the table's name for each of our columns, and ``treatments`` gives the regimen (or a mixture,
    ``a:34 b:3``) for each name in the table. ``studies`` selects studies; columns under ``ignore`` are not read. The
    columns ``risk_of_bias`` and ``indirectness`` contain the judgements of the person named under ``judged_by``.
    Numbered columns of a wide table, such as ``r.1`` and ``r.2``, are named together: ``events: r``. ``where`` selects
    rows by the value in a column of the table, and ``common`` supplies columns that the table does not have.
    """

    file: FileName
    """Name of the file: text separated by commas, semicolons, tabs, bars or blanks, an Excel workbook (`.xlsx`), a
    CINeMA project (`.cnm`) or a RevMan 5 review (`.rm5`)."""
    sheet: Text | None = None
    """Sheet of a workbook; by default the only one that is not empty."""
    format: FormatName | None = None
    """Layout of the studies; by default recognised from the columns."""
    missing: list[Text] = Field(default_factory=list)
    """Words that mean a missing value, in addition to an empty cell and NA."""
    label: Label | None = None
    """Label of the data set in reports."""
    outcome: Identifier | None = None
    """The outcome of all rows, if the table has no column for it."""
    columns: dict[Text, Text] = Field(default_factory=dict)
    """The table's name for each column, by our name for it."""
    treatments: dict[Text, Word] = Field(default_factory=dict)
    """Our name for each regimen, by the table's name for it."""
    where: dict[Text, Word] = Field(default_factory=dict)
    """Rows to read: those with these values in these columns, which are named as in the table."""
    common: dict[Text, Word] = Field(default_factory=dict)
    """Values that are the same in every row and have no column in the table, by our name for the column."""
    repeated: Literal["one_arm", "own_arms"] | None = None
    """How to interpret a treatment, or a contrast, that a study has on two lines: `one_arm`, the same patients given
    twice, or `own_arms`, different patients. Without this key, such a repetition is an error."""
    components: list[Text] = Field(default_factory=list)
    """Columns with 1 where an arm has a component and 0 where it does not, if the tables declare the treatments; an arm
    without any of these components keeps its treatment."""
    studies: list[Word] = Field(default_factory=list)
    """Studies to include; by default all."""
    ignore: list[Text] = Field(default_factory=list)
    """Columns that are not read."""
    correlation: Annotated[float, Field(gt=-1, lt=1)] | None = None
    """Assumed correlation between the measurements at baseline and at the end, for changes from baseline."""
    judged_by: Label | None = None
    """Who judged risk of bias and indirectness, or where these judgements are published."""
    acknowledged: list[TableAcknowledgement] = Field(default_factory=list)
    """Known findings of the audit, each with the reason why it is accepted."""

    @field_validator("missing")
    @classmethod
    def _never_nothing(cls, words: list[str]) -> list[str]:
        """Refuse a nought that would be taken for a missing value, as no events are a figure."""
        for i, word in enumerate(words):
            if _NUMBER.fullmatch(word) and float(word) == 0:
                fail((i,), word, "0 is a figure, and never means a missing value")
        return words


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
    levels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Levels by covariate, for those that are words."""
    by_arm: Sequence[str] = ()
    """Covariates that tables of arms give for every arm."""

    def measure(self, outcome: str) -> Measure:
        """Effect measure of an outcome."""
        return MEASURES[self.measures[outcome]]

    def likelihood(self, outcome: str) -> Likelihood:
        """Find what an outcome is modelled from where it is not given as contrasts."""
        return LIKELIHOODS[self.likelihoods[outcome]]

    def categories_of(self, outcome: str, kind: Likelihood) -> Sequence[str]:
        """Categories that rows of an outcome give; none where they give something else, as contrasts do."""
        return self.categories[outcome] if kind.is_ordered else ()

    def made_of_arms(self, outcome: str) -> ArmContrasts | None:
        """How contrasts of an outcome are made of arms, where its measure is one that is."""
        measure = self.measures[outcome]
        return ARM_CONTRASTS[measure] if measure in self.likelihood(outcome).converted else None


@dataclass(frozen=True)
class Line:
    """One line of a table: its cells under our names of the columns."""

    file: str
    number: int
    cells: Mapping[str, str]
    names: Mapping[str, str]
    unit: ClassVar[str] = "line"
    meanings: ClassVar[str] = (
        "the same patients: keep one line, or say repeated: one_arm; other patients: put the two together, or say "
        "repeated: own_arms; separate trials under one name: name them apart"
    )
    """What it may mean that something is said twice."""

    @property
    def here(self) -> str:
        """Where the line is in its table."""
        return f"{self.unit} {self.number}"

    def error(self, column: str, problem: str) -> UserError:
        """Report a bad cell under the table's name of the column."""
        return UserError(problem, self.file, self.number, self.names.get(column, column), self.cells.get(column))

    def twice(self, what: str, where: str) -> UserError:
        """Report what an earlier line says already, and what that may mean."""
        return self.error("treatment", f"{what} already, in {where}; {self.meanings}")

    @property
    def source(self) -> str:
        """File and line."""
        return f"{self.file}:{self.number}"

    def has(self, column: str) -> bool:
        """Whether a cell is filled; R writes NA into one that is not."""
        return is_given(self.cells.get(column, ""))

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
        if size > MOST_BYTES:
            raise UserError(f"{size} bytes; allowed: up to {MOST_BYTES}", file)
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


def kind_of(outcome: str, columns: set[str], vocabulary: Vocabulary) -> Likelihood:
    """Likelihood of the rows of an outcome: contrasts wherever there is a column of effects or estimates."""
    return CONTRASTS if {ON_SCALE[0], AS_PRINTED[0]} & columns else vocabulary.likelihood(outcome)


def needed_columns(outcome: str, columns: set[str], vocabulary: Vocabulary) -> list[str]:
    """Columns of figures that an outcome needs."""
    kind = kind_of(outcome, columns, vocabulary)
    if kind is NORMAL and "mean" not in columns and "median" in columns:
        return ["median", "q1", "q3", "n"]
    if kind is NORMAL:
        made = vocabulary.made_of_arms(outcome)
        if made and made.needed:
            return ["mean", *made.needed, "sd" if "sd" in columns or "se" not in columns else "se"]
        return ["mean", *(["sd", "n"] if {"sd", "n"} <= columns else ["se"])]
    if kind is CONTRASTS and AS_PRINTED[0] in columns:
        return ["comparator", *AS_PRINTED, *(ON_SCALE if ON_SCALE[0] in columns else ())]
    return [*kind.required, *vocabulary.categories_of(outcome, kind)]


def known(line: Line, column: str, value: str, allowed: Sequence[str]) -> str:
    """Check a word against those allowed."""
    if value not in allowed:
        raise line.error(column, f"unknown {column}; allowed: {', '.join(allowed)}")
    return value
