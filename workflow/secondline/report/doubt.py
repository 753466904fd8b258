"""The tables of how far the answer of one outcome can be trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from secondline.report.settings import DoubtFacts
from secondline.report.words import Row
from secondline.tables import read_table

FOLDER = "doubt"
CURVE = "specifications.csv.gz"
"""The table that is too long for the page: the figure alone reads it."""


@dataclass(frozen=True)
class Doubt:
    """Rows of the tables under doubt/ that a run writes for an outcome.

    Parameters
    ----------
    facts : DoubtFacts
    tables : mapping
        Rows by name of the table, without those of `CURVE`.
    """

    facts: DoubtFacts
    tables: Mapping[str, Sequence[Row]]

    def rows(self, table: str) -> Sequence[Row]:
        """Rows of a table; none where the run does not write it."""
        return self.tables.get(table, ())


def read_doubt(folder: Path, facts: DoubtFacts) -> Doubt:
    """Read the tables of an outcome.

    Parameters
    ----------
    folder : path
        results/<analysis>/<outcome>
    """
    short = [table for table in facts.tables if table != CURVE]
    return Doubt(facts, {table.removesuffix(".csv"): read_table(folder / FOLDER / table) for table in short})
