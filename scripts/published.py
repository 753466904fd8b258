"""Published figures of the networks of validation/: where a run has them, and how far it is from them.

Each network is a folder with a configuration, its data (or the name of those of an example), and `published.csv`, which
has a row for every figure. `validation/Snakefile` makes the tables that the rows name; `scripts/validate.py` writes the
page, and tests/published asks for the same comparison.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import hypot, sqrt
from pathlib import Path

ROOT = Path(__file__).parents[1]
VALIDATION = ROOT / "validation"
NETWORKS = sorted(file.parent.name for file in VALIDATION.glob("*/config.yaml"))
RESULTS = "results/validation"

COLUMNS = (
    "figure",
    "table",
    "row",
    "column",
    "form",
    "published",
    "tolerance",
    "kind",
    "sampled",
    "source",
    "reason",
)
KINDS = ("printed", "software", "recomputed")
FORMS = ("", "minus", "square", "square in millionths", "percent", "sum in percent", "less effect")

DRAWS = 4_000
"""Independent draws that a published sampler is taken to be worth. Papers do not say; they kept tens of thousands of
correlated ones."""
ERRORS = 3.0
"""Monte Carlo errors of both analyses together that belong to the tolerance."""
PER_DRAW = {"mean": 1.0, "median": 1.25, "sd": 0.71, "lower": 2.67, "upper": 2.67}
"""Monte Carlo error of a summary of a normal posterior, in its standard deviations, times the root of the draws."""
ABSOLUTE = {
    "absolute_mean": "mean",
    "absolute_sd": "sd",
    "absolute": "median",
    "absolute_lower": "lower",
    "absolute_upper": "upper",
}
"""Summaries on the natural scale, whose standard deviation is absolute_sd."""
EXACT = {"mean": "mean", "sd": "sd", "lower": "q2.5", "upper": "q97.5"}
"""What exact_check.csv calls the columns of other tables."""

SAME, AGREES, DIFFERS = "same digits", "agrees", "differs"

Row = Mapping[str, str]


@dataclass(frozen=True)
class Figure:
    """One published figure, and where a run of its network has it."""

    network: str
    figure: str
    """What it is."""
    table: str
    """Below the results of the network, without .csv."""
    row: Mapping[str, str]
    """What the row has in which columns; a name such as ``a+b`` is two columns in either order."""
    column: str
    form: str
    """What of the cell was published: one of `FORMS`."""
    published: str
    """As it is printed."""
    tolerance: str
    """By how much the figure may be off by its own rounding; without it half a unit of the last digit printed."""
    kind: str
    """One of `KINDS`: printed, of a run of other software, or recomputed from what was published."""
    sampled: bool
    """Whether a sampler found it."""
    source: str
    """Author, year, and table or example."""
    reason: str
    """Why ours differs, and which is right; empty of one that does not."""

    @property
    def rounding(self) -> float:
        """Largest error by rounding."""
        return float(self.tolerance) if self.tolerance else 0.5 * 10.0 ** -len(self.published.partition(".")[2])


@dataclass(frozen=True)
class Compared:
    """A published figure beside that of a run."""

    figure: Figure
    ours: float
    """In the table of the run."""
    exact: float | None
    """By the exact engine, where exact_check.csv has it."""
    error: float
    """Monte Carlo error of both analyses together."""

    @property
    def best(self) -> float:
        """The exact value where there is one."""
        return self.ours if self.exact is None else self.exact

    @property
    def difference(self) -> float:
        """Ours less the published one, in tolerances: its rounding and three Monte Carlo errors."""
        return (self.best - float(self.figure.published)) / (self.figure.rounding + ERRORS * self.error)

    @property
    def verdict(self) -> str:
        """Whether it is the same to the digits printed, agrees within the tolerance, or differs."""
        if abs(self.best - float(self.figure.published)) <= self.figure.rounding * (1 + 1e-9):
            return SAME
        return AGREES if abs(self.difference) <= 1 else DIFFERS


def read_figures(network: str) -> list[Figure]:
    """Read the published figures of a network.

    Raises
    ------
    ValueError
        A row has other columns, or a word that is none of those allowed.
    """
    with (VALIDATION / network / "published.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{file.name}: the columns are {reader.fieldnames}; allowed: {', '.join(COLUMNS)}")
        return [_figure(network, row, f"{file.name}:{reader.line_num}") for row in reader]


def _figure(network: str, cells: Row, here: str) -> Figure:
    allowed = {"kind": KINDS, "form": FORMS, "sampled": ("yes", "no")}
    for column, words in allowed.items():
        if cells[column] not in words:
            raise ValueError(f"{here}: {column} = {cells[column]!r}; allowed: {', '.join(map(repr, words))}")
    row = dict(part.split("=", 1) for part in cells["row"].split("; ") if part)
    return Figure(**{**cells, "network": network, "row": row, "sampled": cells["sampled"] == "yes"})


def tables_of(network: str) -> list[str]:
    """Name the tables that have the figures of a network, each once, from the folder in which the workflow runs."""
    tables = dict.fromkeys(figure.table for figure in read_figures(network))
    return [f"{RESULTS}/{network}/{table}.csv" for table in tables]


def compare(network: str, folder: Path = ROOT) -> list[Compared]:
    """Compare the figures of a network with those of the run in a folder.

    Raises
    ------
    LookupError
        A table does not have the row of a figure, or has more than one.
    """
    return [look_up(figure, folder / RESULTS / network) for figure in read_figures(network)]


def look_up(figure: Figure, results: Path) -> Compared:
    """Find one figure in the results of its network, and compare it.

    Raises
    ------
    LookupError
        The table does not have its row, or has more than one.
    """
    file = results / f"{figure.table}.csv"
    rows = [row for row in read_table(file) if _has(row, figure.row)]
    if figure.form == "sum in percent":
        return Compared(figure, 100 * sum(float(row[figure.column]) for row in rows), None, 0.0)
    if len(rows) != 1:
        raise LookupError(f"{file}: {len(rows)} rows for {figure.figure}, allowed: one; {dict(figure.row)}")
    row, value = rows[0], float(rows[0][figure.column])
    exact, ours, per_draw = _errors(figure, row, file)
    theirs = per_draw / sqrt(DRAWS) if figure.sampled else 0.0
    scale = 2 * abs(value) if figure.form.startswith("square") else 1.0
    return Compared(
        figure,
        _in_form(figure.form, value, row),
        None if exact is None else _in_form(figure.form, exact, row),
        scale * hypot(ours, theirs),
    )


def _in_form(form: str, value: float, row: Row) -> float:
    """Turn a cell into what was published."""
    match form:
        case "minus":
            return -value
        case "square":
            return value**2
        case "square in millionths":
            return 1e6 * value**2
        case "percent":
            return 100 * value
        case "less effect":
            return value - float(row["effect"])
        case _:
            return value


def _has(row: Row, wanted: Mapping[str, str]) -> bool:
    return all(
        sorted(row[part] for part in column.split("+")) == sorted(cell.split("+"))
        if "+" in column
        else row[column] == cell
        for column, cell in wanted.items()
    )


def _errors(figure: Figure, row: Row, file: Path) -> tuple[float | None, float, float]:
    """Find the exact value where there is one, the error of ours, and the Monte Carlo error of a single draw."""
    per_draw = _per_draw(figure.column, row)
    if row.get("engine") == "exact":
        return float(row[figure.column]), 0.0, per_draw
    diagnostics = file.with_name("diagnostics.csv")
    if not diagnostics.exists():  # of no sampler
        return None, 0.0, per_draw
    draws = {each["parameter"]: float(each["ess_bulk"]) for each in read_table(diagnostics)}
    parameter, quantity = _parameter(row, draws), EXACT.get(figure.column)
    for check in read_table(file.with_name("exact_check.csv")):
        if (check["parameter"], check["quantity"]) == (parameter, quantity) and check["status"] == "checked":
            spread = float(check["mcse"]) * sqrt(draws[parameter])
            return float(check["exact"]), float(check["exact_error"]), spread
    return None, per_draw / sqrt(min(draws.values())), per_draw


def _parameter(row: Row, known: Mapping[str, float]) -> str:
    """Name what a row is of as the diagnostics do: a parameter, or an effect against the reference."""
    if "comparator" not in row:
        return row.get("parameter", "")
    effect, other = (f"d[{row['setting']},{row[end]}]" for end in ("treatment", "comparator"))
    return "" if other in known else effect


def _per_draw(column: str, row: Row) -> float:
    """Monte Carlo error of a summary from a single draw, by the normal approximation; 0 of what no draws give."""
    if column in PER_DRAW and row.get("sd"):
        return PER_DRAW[column] * float(row["sd"])
    if column in ABSOLUTE:
        return PER_DRAW[ABSOLUTE[column]] * float(row["absolute_sd"])
    if column.startswith("predictive_"):
        return PER_DRAW["lower"] * (float(row["predictive_upper"]) - float(row["predictive_lower"])) / 3.92
    if column.startswith("tau_"):
        return PER_DRAW[column.removeprefix("tau_")] * (float(row["tau_upper"]) - float(row["tau_lower"])) / 3.92
    if column in ("residual_deviance", "p_d", "dic"):
        # A deviance varies as half as many squares of normals as there are parameters; DIC has its mean twice.
        return (2.0 if column == "dic" else 1.0) * sqrt(2 * float(row["p_d"]))
    if column == "sucra" and row[column]:
        return sqrt(float(row[column]) * (1 - float(row[column])))
    if column == "p_value" and row[column]:
        # Twice a probability of p / 2, that of the smaller side.
        return sqrt(float(row[column]) * (2 - float(row[column])))
    return 0.0


@cache
def read_table(file: Path) -> Sequence[Row]:
    """Read a table of results, once."""
    with file.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))
