"""How much of an effect is direct: the shares of studies_behind.csv, which every label ``direct`` is shown with."""

from collections.abc import Mapping
from pathlib import Path

from secondline.cell_values import REFERENCE
from secondline.cells import parse_baseline
from secondline.layout import BEHIND_TABLE
from secondline.report.settings import ReportSettings
from secondline.report.words import DECLARED, Key, Names, Row
from secondline.tables import read_table


def behind_file(folder: Path) -> Path:
    """Name the table of an outcome, in results/<analysis>/<outcome>."""
    return folder / "certainty" / f"{BEHIND_TABLE}.csv"


def read_direct(files: Mapping[str, str | Path]) -> dict[Key, str]:
    """Read which share of what the studies say of an effect comes from those that compare the two directly.

    Parameters
    ----------
    files : mapping
        studies_behind.csv by outcome.

    Returns
    -------
    dict
        Shares by outcome, model, setting, treatment and comparator, in both directions, where they are known.
    """
    found: dict[Key, str] = {}
    for outcome, file in files.items():
        for row in read_table(file):
            if row["direct_share"]:
                treatment, comparator = row["treatment"], row["comparator"]
                for pair in ((treatment, comparator), (comparator, treatment)):
                    found[outcome, row["model"], row["setting"], *pair] = row["direct_share"]
    return found


def direct_of(folder: Path, settings: ReportSettings) -> dict[Key, str]:
    """Read the shares of the outcomes of an analysis whose contributions are traced, in results/<analysis>."""
    return read_direct({outcome: behind_file(folder / outcome) for outcome in settings.certainty})


def against_baseline(row: Row, names: Names) -> str:
    """Say in words on what evidence an absolute effect rests: that of its effect against the declared baseline."""
    baseline, _ = parse_baseline(row["baseline"])
    return DECLARED if row["evidence"] == REFERENCE else names.evidence(row, baseline)
