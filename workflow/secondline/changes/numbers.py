"""Figures of two runs that differ by more than the Monte Carlo error of both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import hypot, inf, log, sqrt

from secondline.cell_values import EXACT
from secondline.changes.statements import Row
from secondline.layout import RANK_POINTS_LOG2, RANK_SEQUENCES, SOLVED_DRAWS
from secondline.measures import MEASURES

BEYOND = 6.0
"""Standard errors of the difference beyond which it is no chance: a run has thousands of figures, which share draws."""
_PER_SD = 2 * 1.959964
_FACTOR = {"estimate": 1.2533, "estimate_lower": 2.674, "estimate_upper": 2.674}
"""Monte Carlo error of the median and of the 2.5th and 97.5th percentile of a normal distribution from n independent
draws, in standard deviations over the square root of n: sqrt(p (1 - p)) over its density there."""
_PROBABILITIES = ("p_better", "sucra", "p_best", "candidate_sucra", "candidate_p_best")
_COUNTED = ("p_best", "candidate_p_best")
_ROUNDING = 1e-9

Key = tuple[str, ...]


@dataclass(frozen=True)
class Shift:
    """A figure that differs between two runs."""

    key: Key
    """Analysis, outcome, model, setting, treatment, comparator."""
    column: str
    before: Row
    after: Row
    z: float
    """Its difference in standard errors."""


@dataclass(frozen=True)
class Shifts:
    """The figures of one fit that two runs have in common."""

    compared: int
    beyond: Sequence[Shift]
    """Those that differ beyond Monte Carlo error, the largest first."""
    within: int
    """How many differ by no more than that."""


def compare_fit(
    before: Iterable[Row], after: Iterable[Row], measure: str, draws: Mapping[str, tuple[float, float]]
) -> Shifts:
    """Compare the contrasts of one fit in two runs.

    Parameters
    ----------
    before, after : rows of summary/sensitivity.csv
        Of one analysis and outcome.
    measure : str
        Effect measure of the outcome.
    draws : mapping
        Effective numbers of draws before and after, by model; a model that is not named was solved without Markov
        chains. They count where a row does not say that it is exact.
    """
    old, ratio = {_key(row): row for row in before}, MEASURES[measure].is_ratio
    found, compared, within = [], 0, 0
    for row in after:
        key = _key(row)
        if key not in old:
            continue
        counts = draws.get(row["model"], (SOLVED_DRAWS, SOLVED_DRAWS))
        for column in (*_FACTOR, *_PROBABILITIES):
            compared += 1
            if old[key][column] == row[column]:
                continue
            z = _z(old[key], row, column, counts, ratio)
            if z > BEYOND:
                found.append(Shift(key, column, old[key], row, z))
            else:
                within += 1
    return Shifts(compared, sorted(found, key=lambda shift: -shift.z), within)


def _key(row: Row) -> Key:
    return tuple(row[name] for name in ("analysis", "outcome", "model", "setting", "treatment", "comparator"))


def _z(before: Row, after: Row, column: str, draws: tuple[float, float], ratio: bool) -> float:
    if not before[column] or not after[column]:
        return inf  # a figure that is given in one run alone
    scale = log if ratio and column in _FACTOR else float
    one, other = scale(float(before[column])), scale(float(after[column]))
    errors = [_error(row, column, n, ratio) for row, n in zip((before, after), draws, strict=True)]
    return max(0.0, abs(one - other) - _ROUNDING) / max(hypot(*errors), _ROUNDING)


def _error(row: Row, column: str, draws: float, ratio: bool) -> float:
    """Monte Carlo error of a figure, on the link scale; of a probability, or a mean of ranks, the largest possible."""
    if row.get("engine") == EXACT:  # but for what is counted over points
        if column not in _COUNTED:
            return 0.0
        draws = RANK_SEQUENCES * 2**RANK_POINTS_LOG2
    if column in _FACTOR:
        ends = [float(row["estimate_lower"]), float(row["estimate_upper"])]
        lower, upper = map(log, ends) if ratio else ends
        return _FACTOR[column] * (upper - lower) / _PER_SD / sqrt(draws)
    p = float(row[column])
    return max(sqrt(p * (1 - p) / draws), 1 / draws)
