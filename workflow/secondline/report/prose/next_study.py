"""What a further trial would do to the decision, in sentences made of doubt/next_study.csv."""

from collections.abc import Sequence

from secondline.report.words import Names, Row, is_true, listed, percentage, ratio

_SMALL = 0.0005  # of a loss on the link scale, below which its digits say nothing


def next_study_sentences(table: Sequence[Row], setting: str, names: Names) -> list[str]:
    """Say what deciding now is expected to cost, and what the trial that would be worth most would change.

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
    return [_now(studies[0], names), trial_sentence(studies, names)]


def trial_sentence(rows: Sequence[Row], names: Names) -> str:
    """Say which trial would be worth most, and how its worth grows with its size.

    Parameters
    ----------
    rows : rows
        Of next_study.csv, those of one setting with a loss avoided.
    names : Names
    """
    rows = sorted(rows, key=lambda row: float(row["size"]))
    sizes = dict.fromkeys(row["size"] for row in rows)
    best = {row["size"]: row for row in rows if is_true(row, "best")}
    idle = [f"{float(size):g}" for size in sizes if size not in best]
    unit = rows[0]["size_unit"]
    if not best:
        return f"No trial of {listed(idle, 'or')} {unit} would change the choice, whichever two candidates it compares."
    found = list(best.values())
    text = (
        f"The most valuable next trial would compare {_pairs(found, names)}: of "
        f"{listed([f'{float(row["size"]):g}' for row in found])} {unit}, it would change the choice with a probability "
        f"of {_each([percentage(row['p_change']) for row in found])} and reduce the expected loss from "
        f"{loss_words(found[0], 'expected_loss_now')} to {_each([loss_words(row, 'loss_left') for row in found])}; "
        f"with a probability of {_each([percentage(row['p_decisive']) for row in found])}, the candidate then chosen "
        f"would be better than the next with a probability above {float(found[0]['decisive']):g}"
    )
    return f"{text}; of {listed(idle, 'or')} {unit}, no trial would change the choice." if idle else f"{text}."


def _each(texts: Sequence[str]) -> str:
    """List what holds of every size; once where it is the same of all."""
    return texts[0] if len(set(texts)) == 1 else listed(texts)


def _pairs(rows: Sequence[Row], names: Names) -> str:
    """Name the candidates that the trials compare; with the sizes, where these differ in them."""
    by_pair: dict[str, list[str]] = {}
    for row in rows:
        pair = f"{names.regimen(row['treatment'])} with {names.regimen(row['comparator'])}"
        by_pair.setdefault(pair, []).append(f"{float(row['size']):g}")
    if len(by_pair) == 1:
        return next(iter(by_pair))
    return " or ".join(f"{pair} ({listed(sizes)} {rows[0]['size_unit']})" for pair, sizes in by_pair.items())


def _now(row: Row, names: Names) -> str:
    loss = f"{loss_words(row, 'expected_loss_now')} ({row['unit']}{_as_ratio(row, names)})"
    return (
        f"{names.regimen(row['first'])} has the best posterior mean; the expected loss of choosing it now, because "
        f"another candidate may be better, is {loss}."
    )


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
