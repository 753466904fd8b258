"""The columns of an evidence table: read by the format it has, and checked against what its outcome needs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from secondline.errors import UserError
from secondline.likelihoods import CONTRASTS, LIKELIHOODS, Distribution, Likelihood
from secondline.measures import MEASURES, Measure
from secondline.project.arm_contrasts import ARM_CONTRASTS
from secondline.project.documents import is_plain
from secondline.project.formats.base import Left, Row, Sheet, Taken
from secondline.project.formats.files import Asked, Cells
from secondline.project.formats.names import numbered
from secondline.project.formats.registry import cells_of, choose
from secondline.project.formats.text import named_columns
from secondline.project.table_components import with_components
from secondline.project.table_lines import (
    AS_PRINTED,
    BASELINE,
    JUDGED_COLUMNS,
    ON_SCALE,
    Complain,
    EvidenceTable,
    Line,
    Vocabulary,
    kind_of,
    needed_columns,
)
from secondline.project.table_shape import REFERENCE_ROWS, check_header, wide_form

_PATIENTS = re.compile(r"n|total|patients|participants|subjects|sample[ _.-]?size|n[ _.-]?total", re.IGNORECASE)
_NO_TIME = (
    "patients are no time at risk: counts of patients go with measure RR, RD (likelihood normal_counts) or OR "
    "(binomial_logit)"
)


@dataclass(frozen=True)
class TableFile:
    """What a file was taken for, and what became of its lines."""

    file: str
    outcome: str | None
    """The outcome of all rows, if there is no such column."""
    words: str
    read: int
    """Lines with anything in them, without that of the names."""
    left: tuple[Left, ...]
    """Lines that are not used, each with the reason."""

    @classmethod
    def of(cls, table: EvidenceTable, sheet: Sheet, taken: Taken, words: str) -> "TableFile":
        """Count the lines of a file, those that its entry leaves out among them."""
        whole = cls(table.file, table.outcome, words, len(sheet.rows) + len(sheet.left), ())
        return whole.without([*sheet.left, *taken.left])

    def without(self, left: Sequence[Left]) -> "TableFile":
        """Add lines that are not used either."""
        known = {one.number for one in self.left}
        added = (one for one in left if one.number not in known)
        return replace(self, left=tuple(sorted((*self.left, *added), key=lambda one: one.number)))

    def __str__(self) -> str:
        """Say it in one line."""
        rows = f"{self.read} row{'s' if self.read > 1 else ''}"
        if not self.left:
            return f"{self.file}: {self.words}; {rows}, all used"
        reasons: dict[str, list[str]] = {}
        for one in self.left:
            reasons.setdefault(one.reason, []).append(str(one.number))
        why = "; ".join(f"line {', '.join(lines)}: {reason}" for reason, lines in reasons.items())
        return f"{self.file}: {self.words}; {rows}, {self.read - len(self.left)} used ({why})"


def read_lines(table: EvidenceTable, vocabulary: Vocabulary, complain: Complain) -> tuple[list[Line], TableFile]:
    """Read the cells of a table in whatever format it has, and check its columns; say what it was taken for."""
    sheet, taken, words = take(table, complain)
    _check_columns(table, sheet, taken, vocabulary, complain)
    lines = [Line(table.file, row.number, row.cells, row.names) for row in taken.rows]
    rates = {
        name for name in vocabulary.likelihoods if vocabulary.likelihood(name).distribution is Distribution.POISSON
    }
    check_time([line for line in lines if (table.outcome or line.cells["outcome"]) in rates], table, complain)
    return lines, TableFile.of(table, sheet, taken, words)


def take(table: EvidenceTable, complain: Complain) -> tuple[Sheet, Taken, str]:
    """Read a file, find its format, and say in words what it was taken for.

    Raises
    ------
    UserError
        The first mistake, in one line; a file that could be two formats names both.
    """
    sheet = read_sheet(table, complain)
    reader, words = choose(sheet, table.format)
    taken = reader.read(sheet)
    if table.components:
        taken = with_components(table, sheet, taken, complain)
    said = "; ".join([*([sheet.found] if sheet.found else []), f"{reader.title} ({words})", *taken.remarks])
    return sheet, taken, said


def read_sheet(table: EvidenceTable, complain: Complain) -> Sheet:
    """Read the cells of a file, with columns under our names where the entry of the table gives them."""
    asked = Asked(table.missing, table.sheet, table.ignore)
    cells = named_columns(cells_of(table.file, asked))
    check_header(table.file, cells.top, cells.header, cells.body)
    for i, name in enumerate(cells.header, 1):
        if not is_plain(name):
            raise UserError(f"the name of column {i} holds a control character", table.file, cells.top, repr(name))
        if cells.header.count(name) > 1:
            raise UserError("this column occurs twice", table.file, cells.top, name)
    ours = _our_names(table, cells.header, complain)
    for i, name in enumerate(table.ignore):
        if name not in cells.header:
            raise complain(("ignore", i), name, f"no such column in {table.file}; allowed: {', '.join(cells.header)}")
    if not cells.body:
        raise UserError("the table has no rows", table.file)
    _check_choices(table, cells, ours, complain)
    names = {our: name for name, our in ours.items()} | {our: our for our in table.common}
    rows, left = [], []
    for number, row in cells.body:
        if len(row) != len(cells.header):
            raise UserError(f"{len(row)} cells; allowed: {len(cells.header)}, as in the header", table.file, number)
        named = dict(zip(cells.header, row, strict=True))
        if other := [name for name, word in table.where.items() if named[name] != word]:
            left.append(Left(number, f"{other[0]} is not {table.where[other[0]]}"))
            continue
        given = {our: "NA" if named[name] in table.missing else named[name] for name, our in ours.items()}
        rows.append(Row(number, given | table.common, names))
    if not rows:
        raise complain(("where",), None, f"no row of {table.file} is like that")
    assert len(rows) + len(left) == len(cells.body), f"{table.file} lost a line"
    found = ", ".join(cells.found)
    return Sheet(table.file, cells.top, (*ours.values(), *table.common), names, tuple(rows), found, tuple(left))


def _check_choices(table: EvidenceTable, cells: Cells, ours: dict[str, str], complain: Complain) -> None:
    """Check the columns by which rows are chosen, and those that the entry fills."""
    for name, word in table.where.items():
        if name not in cells.header:
            allowed = ", ".join(cells.header)
            raise complain(("where", name), word, f"no such column in {table.file}; allowed: {allowed}")
        there = dict.fromkeys(row[cells.header.index(name)] for _, row in cells.body if len(row) == len(cells.header))
        if word not in there:
            raise complain(("where", name), word, f"no row of {table.file} has this; allowed: {', '.join(there)}")
    for our, word in table.common.items():
        if our in ours.values():
            raise complain(("common", our), word, f"{table.file} has this column; ignore it there, or leave this out")


def _our_names(table: EvidenceTable, header: Sequence[str], complain: Complain) -> dict[str, str]:
    """Our name of every column that is read, by its name in the table."""
    renamed: dict[str, str] = {}
    for our, name in table.columns.items():
        several = {column: f"{our}.{index}" for column in header for stem, index in numbered(column) if stem == name}
        if name not in header and not several:
            raise complain(("columns", our), name, f"no such column in {table.file}; allowed: {', '.join(header)}")
        for column, ours in {name: our}.items() if name in header else several.items():
            if column in renamed:
                raise complain(("columns", our), name, f"this column is {renamed[column]} already")
            renamed[column] = ours
    read = [name for name in header if name in renamed or name not in table.ignore]
    for name in read:
        if name in table.columns and name not in renamed:
            raise complain(("columns", name), table.columns[name], f"{table.file} has a column {name} too; ignore it")
    return {name: renamed.get(name, name) for name in read}


def _check_columns(
    table: EvidenceTable, sheet: Sheet, taken: Taken, vocabulary: Vocabulary, complain: Complain
) -> None:
    """Check that every column is known, and that none is missing."""
    there = set(taken.columns)
    if table.outcome:
        _check_kind(table, table.outcome, there, sheet.top, vocabulary)
        _check_measure(table.outcome, sheet, taken, vocabulary)
    allowed = _allowed(table, there, vocabulary)
    for our, name in taken.columns.items():
        if our not in allowed:
            wide = wide_form(list(sheet.names.values()))
            if wide and not taken.is_wide:
                raise UserError(wide, table.file, sheet.top)
            near = get_close_matches(our, allowed, 1)
            hint = f"did you mean {near[0]}? " if near else ""
            instead = "else give it one of these names under columns, or ignore it"
            problem = f"unknown column; {hint}allowed: {', '.join(allowed)}; {instead}"
            if our in table.columns:
                raise complain(("columns", our), name, problem)
            raise UserError(problem, table.file, sheet.top, name)
    _check_judged(table, there, complain)
    _check_changes(table, there, complain)
    needed = ["study", "treatment", *([] if table.outcome else ["outcome"])]
    if table.outcome:
        needed += needed_columns(table.outcome, there, vocabulary)
    for our in needed:
        if our not in there:
            reference = f"; {REFERENCE_ROWS}" if our == "comparator" else ""
            raise UserError(f"no column {our}; needed: {', '.join(needed)}{reference}", table.file, sheet.top)


def _allowed(table: EvidenceTable, there: set[str], vocabulary: Vocabulary) -> list[str]:
    """List the columns that a table may have."""
    outcomes = [table.outcome] if table.outcome else list(vocabulary.likelihoods)
    allowed = ["study", "treatment", *([] if table.outcome else ["outcome"]), "setting", *vocabulary.covariates]
    allowed += JUDGED_COLUMNS
    for outcome in outcomes:
        kind = kind_of(outcome, there, vocabulary)
        allowed += [*kind.required, *kind.optional, *vocabulary.categories_of(outcome, kind)]
    beside = () if AS_PRINTED[0] in there else (*AS_PRINTED[1:], "level")  # limits of an estimate, and of nothing else
    return [name for name in dict.fromkeys(allowed) if name not in beside]


def _check_measure(outcome: str, sheet: Sheet, taken: Taken, vocabulary: Vocabulary) -> None:
    """Check that a column that is named by a measure goes with an outcome of that measure."""
    if taken.measure and taken.measure != vocabulary.measures[outcome]:
        problem = f"these are {MEASURES[taken.measure].words.lower()}s, and {outcome} has measure"
        raise UserError(f"{problem} {vocabulary.measures[outcome]}", sheet.file, sheet.top, taken.columns["estimate"])


def _check_changes(table: EvidenceTable, there: set[str], complain: Complain) -> None:
    """Check that means at baseline have a correlation with those in the end, and both columns."""
    found = [column for column in BASELINE if column in there]
    if found and table.correlation is None:
        problem = f"say which correlation with the mean in the end is assumed, or ignore {' and '.join(found)}"
        raise complain(("correlation",), None, problem)
    if table.correlation is not None and len(found) < len(BASELINE):
        problem = f"changes from baseline need columns {' and '.join(BASELINE)}; leave the key out, or name them"
        raise complain(("correlation",), table.correlation, problem)


def _check_judged(table: EvidenceTable, there: set[str], complain: Complain) -> None:
    """Check that judgements have somebody who judged, and nobody judged nothing."""
    judged = [our for our in JUDGED_COLUMNS if our in there]
    if judged and table.judged_by is None:
        problem = f"say who judged {' and '.join(judged)}, or ignore the column{'s' if len(judged) > 1 else ''}"
        raise complain(("judged_by",), None, problem)
    if table.judged_by and not judged:
        problem = f"{table.file} has no column {' or '.join(JUDGED_COLUMNS)}; leave the key out, or name one in columns"
        raise complain(("judged_by",), table.judged_by, problem)


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
        return ""
    figures = [_taken(one, measure) for one in found]
    takers = [f"{one.name} ({', '.join(given)})" for one, given in zip(found, figures, strict=True)]
    return f"arms go with likelihood: {' or '.join(takers)}"


def _taken(likelihood: Likelihood, measure: Measure) -> tuple[str, ...]:
    """Columns that a likelihood takes for a measure, as a user would give them."""
    made = measure.name in likelihood.converted and ARM_CONTRASTS[measure.name].needed
    return ("mean", "sd", "n") if made else likelihood.required
