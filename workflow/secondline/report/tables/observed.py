"""What studies observed in their own arms, beside what was predicted."""

from collections.abc import Sequence

from secondline.report.words import Names, Row, is_true, percentage


def observed_beside(observed: Sequence[Row], row: Row) -> list[Row]:
    """Find the arms that are shown beside a predicted outcome: of its treatment, in its setting, on its scale.

    Parameters
    ----------
    observed : rows
        network/observed.csv of an outcome.
    row : mapping
        A row of absolute_effects.csv.

    Returns
    -------
    list of rows
        With the figure and its limits in the columns that a predicted outcome has.
    """
    keys = ("setting", "treatment", "scale", "unit")
    return [
        {**found, **{f"absolute{end}": found[f"observed{end}"] for end in ("", "_lower", "_upper")}}
        for found in observed
        if is_true(found, "shown") and all(found[key] == row[key] for key in keys)
    ]


def observed_words(rows: Sequence[Row], names: Names) -> str:
    """Name every arm with what it observed, and how much of it belongs here; rows from `observed_beside`."""
    return "; ".join(f"{names.absolute(row)}, {names.study(row['study'])} ({_arm(row)})" for row in rows) or "–"


def _arm(row: Row) -> str:
    share = float(row["regimen_share"]) * float(row["setting_share"])
    return row["arm"] if share == 1 else f"{row['arm']}, {percentage(str(share))} of its patients"
