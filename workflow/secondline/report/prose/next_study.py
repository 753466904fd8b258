"""What a further trial would do to the decision, in sentences made of doubt/next_study.csv."""

from collections.abc import Sequence

from secondline.report.words import Names, Row, is_true, percentage, ratio

_SMALL = 0.0005  # of a loss on the link scale, below which its digits say nothing


def next_study_sentences(table: Sequence[Row], setting: str, names: Names) -> list[str]:
    """Say what deciding now is expected to cost, and what the best trial of every size would change.

    Parameters
    ----------
    table : rows
        next_study.csv of one outcome.
    setting : str
    names : Names

    Returns
    -------
    list of str
        Nothing for a setting that the table does not have; where nothing could be computed, why not.
    """
    rows = [row for row in table if row["setting"] == setting]
    studies = [row for row in rows if row["loss_avoided"]]
    if not studies:
        reasons = dict.fromkeys(row["reason"] for row in rows)
        return [f"The value of a further trial was not computed: {reason}." for reason in reasons]
    sizes = dict.fromkeys(row["size"] for row in studies)
    return [
        _now(studies[0], names),
        *(_best_trial([row for row in studies if row["size"] == size], names) for size in sizes),
    ]


def trial_sentence(row: Row, names: Names) -> str:
    """Say what one trial would change.

    Parameters
    ----------
    row : row
        Of next_study.csv, with a loss avoided.
    names : Names
    """
    trial = f"{_size_words(row)} comparing {names.regimen(row['treatment'])} with {names.regimen(row['comparator'])}"
    return (
        f"{trial} would change the choice with a probability of {percentage(row['p_change'])} and reduce the expected "
        f"loss from {loss_words(row, 'expected_loss_now')} to {loss_words(row, 'loss_left')}; with a probability of "
        f"{percentage(row['p_decisive'])}, the candidate then chosen would be better than the next with a probability "
        f"above {float(row['decisive']):g}."
    )


def _now(row: Row, names: Names) -> str:
    loss = f"{loss_words(row, 'expected_loss_now')} ({row['unit']}{_as_ratio(row, names)})"
    return (
        f"{names.regimen(row['first'])} has the best posterior mean; the expected loss of choosing it now, because "
        f"another candidate may be better, is {loss}."
    )


def _best_trial(rows: Sequence[Row], names: Names) -> str:
    best = next((row for row in rows if is_true(row, "best")), None)
    if best is None:
        return f"{_size_words(rows[0])} would not change the choice, whichever two candidates it compares."
    return trial_sentence(best, names)


def _size_words(row: Row) -> str:
    return f"A trial of {size_words(row)}"


def size_words(row: Row) -> str:
    """Size of the trial of a row, with its unit."""
    return f"{float(row['size']):g} {row['size_unit']}"


def loss_words(row: Row, column: str) -> str:
    """Loss of a row, on the link scale."""
    value = float(row[column])
    return f"{value:.3f}" if value >= _SMALL else "less than 0.001"


def _as_ratio(row: Row, names: Names) -> str:
    factor = row["expected_loss_now_ratio"]
    return f", a factor of {ratio(factor)} in {names.measure}" if factor else ""
