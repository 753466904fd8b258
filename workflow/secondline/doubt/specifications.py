"""The job of a specification curve: from evidence and alternatives to its tables."""

import gzip
from collections.abc import Iterable, Sequence
from pathlib import Path

from secondline.doubt import specification_tables as tables
from secondline.doubt.curve import specification_curve
from secondline.doubt.settings import SpecificationSettings
from secondline.inference.settings import FitSettings
from secondline.summaries.settings import SummarySettings
from secondline.tables import read_table, replacing, write_bytes, write_table

_LEVEL = 4  # of compression: beyond it, seconds for a few percent
_LINES = 20_000  # written at a time


def explore(
    evidence: str,
    alternatives: str,
    fit: FitSettings,
    summary: SummarySettings,
    model: str,
    specifications: SpecificationSettings,
    outputs: Sequence[str],
    threads: int | None = None,
) -> None:
    """Compute a specification curve and write its tables.

    Parameters
    ----------
    evidence, alternatives : str
        Evidence table of the declared analysis, and the rows of every level that chooses evidence.
    fit, summary : settings
        Of the declared analysis.
    model : str
        Its model.
    specifications : SpecificationSettings
        The axes.
    outputs : sequence of str
        Files of specifications.csv.gz, specification_levels.csv, specification_shares.csv, specification_flips.csv,
        specification_counts.csv and specification_steps.csv.
    threads : int, optional
        Threads, or processes of counts; by default the processors that this process may use.

    Raises
    ------
    UserError
        Axes that contradict each other or the declared analysis.
    """
    tabulated = read_table(evidence), read_table(alternatives)
    curve = specification_curve(*tabulated, fit, summary, model, specifications, threads)
    rows, levels, shares, flips, counts, steps = outputs
    _write_compressed(rows, tables.specifications_csv(curve))
    write_table(levels, tables.level_rows(curve), tables.LEVEL_COLUMNS)
    write_table(shares, tables.share_rows(curve), tables.SHARE_COLUMNS)
    write_table(flips, tables.flip_rows(curve), tables.FLIP_COLUMNS)
    write_table(counts, tables.count_rows(curve), tables.COUNT_COLUMNS)
    write_bytes(steps, "".join(tables.steps_csv(curve)).encode())


def _write_compressed(file: str | Path, lines: Iterable[str]) -> None:
    """Write lines as a gzip file without name and time, so that equal lines give equal bytes."""
    with (
        replacing(file) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=_LEVEL, mtime=0) as packed,
    ):
        kept: list[str] = []
        for line in lines:
            kept.append(line)
            if len(kept) == _LINES:
                packed.write("".join(kept).encode())
                kept.clear()
        packed.write("".join(kept).encode())
