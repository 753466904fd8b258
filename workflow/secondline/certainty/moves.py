"""How far another analysis moves the lead contrast, and whether it changes who is first.

The lead contrast of a setting is that of the two candidates with the highest SUCRAs among the candidates. Every move is
the difference between two rows of one table, in posterior standard deviations of the contrast in the analysis itself,
so that whatever may decide the answer is measured on one scale.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log

from secondline.cell_values import NOT_PLACED

Row = Mapping[str, str]

ANOTHER, NOBODY = "another_first", "nobody_placed"
"""How another analysis changes who is first."""
CHOICE, ANALYSIS, SHARED, LEFT_OUT = "other_choice", "other_analysis", "shared_patients", "left_out"
"""What is compared with the analysis: a level of one choice, a declared analysis, all shared patients, or the analysis
without a study."""


@dataclass(frozen=True, kw_only=True)
class Lead:
    """The lead contrast of a setting.

    Parameters
    ----------
    setting, first, runner_up : str
    effect, sd : float
        Posterior mean and standard deviation of the first against the runner-up, link scale.
    """

    setting: str
    first: str
    runner_up: str
    effect: float
    sd: float


@dataclass(frozen=True, kw_only=True)
class Move:
    """What one other analysis finds of the lead contrast.

    Parameters
    ----------
    how : str
        `CHOICE`, `ANALYSIS`, `SHARED` or `LEFT_OUT`.
    alternative : str
        Level, analysis, level of the overlap, or study.
    declared, other : float or None
        The lead contrast in the analysis itself and in the other, link scale; None where the other has no such effect.
    size : float or None
        Their difference in standard deviations of the lead contrast.
    first : str
        Candidate with the highest SUCRA in the other analysis; empty where none is placed.
    change : str
        `ANOTHER`, `NOBODY`, or empty.
    label : str
        What tables call the alternative.
    axis : str
        The choice of which it is a level.
    """

    how: str
    alternative: str
    declared: float | None
    other: float | None
    size: float | None
    first: str
    change: str
    label: str = ""
    axis: str = ""

    @property
    def weight(self) -> tuple[bool, float]:
        """Sorts moves: those that put another candidate first above the others, then by size."""
        return self.change == ANOTHER, abs(self.size or 0.0)


def leads(ranking: Iterable[Row], relative: Sequence[Row]) -> list[Lead]:
    """Find the lead contrast of every setting in which two candidates are ranked.

    Parameters
    ----------
    ranking, relative : rows
        ranking.csv and relative_effects.csv of one fit.
    """
    by_setting: dict[str, list[Row]] = {}
    for row in ranking:
        if row["candidate_sucra"]:
            by_setting.setdefault(row["setting"], []).append(row)
    found = []
    for setting, rows in by_setting.items():
        first, *others = sorted(rows, key=lambda row: -float(row["candidate_sucra"]))
        if others:
            pair = (first["treatment"], others[0]["treatment"])
            row = _contrast(relative, setting, *pair)
            found.append(
                Lead(setting=setting, first=pair[0], runner_up=pair[1], effect=float(row["mean"]), sd=float(row["sd"]))
            )
    return found


def _contrast(relative: Sequence[Row], setting: str, treatment: str, comparator: str) -> Row:
    keys = (setting, treatment, comparator)
    return next(row for row in relative if (row["setting"], row["treatment"], row["comparator"]) == keys)


def move(
    lead: Lead,
    how: str,
    alternative: str,
    first: str,
    effects: tuple[float | None, float | None],
    label: str = "",
    axis: str = "",
) -> Move:
    """Measure one move.

    Parameters
    ----------
    first : str
        Candidate with the highest SUCRA in the other analysis; empty where none is placed.
    effects : pair of float or None
        The lead contrast in the analysis itself and in the other, of one table.
    """
    declared, other = effects
    size = None if declared is None or other is None else (other - declared) / lead.sd
    change = NOBODY if not first else ANOTHER if first != lead.first else ""
    return Move(
        how=how,
        alternative=alternative,
        declared=declared,
        other=other,
        size=size,
        first=first,
        change=change,
        label=label,
        axis=axis,
    )


def moves_of_levels(lead: Lead, steps: Sequence[Row], levels: Sequence[Row]) -> list[Move]:
    """Measure what every other level of every choice changes while all other choices are as declared.

    Parameters
    ----------
    steps : rows
        specification_steps.csv
    levels : rows
        specification_levels.csv, for the labels and the contrast that is followed.
    """
    here = [row for row in steps if row["setting"] == lead.setting]
    declared = next((row for row in here if not row["axis"]), None)
    whole = next((row for row in levels if row["setting"] == lead.setting and not row["axis"]), None)
    if declared is None or whole is None:
        return []
    sign = {(lead.first, lead.runner_up): 1.0, (lead.runner_up, lead.first): -1.0}.get(
        (whole["lead"], whole["lead_comparator"])
    )
    labels = {(row["axis"], row["level"]): row["label"] for row in levels}
    found = []
    for row in here:
        if axis := row["axis"]:
            level = row[f"axis_{axis}"]
            effects = _signed(sign, declared["lead_effect"]), _signed(sign, row["lead_effect"])
            first = row["first"] if int(row["placed"]) else ""
            found.append(move(lead, CHOICE, level, first, effects, labels.get((axis, level), level), axis))
    return found


def _signed(sign: float | None, cell: str) -> float | None:
    return sign * float(cell) if sign is not None and cell else None


def moves_of_analyses(
    lead: Lead, sensitivity: Sequence[Row], own: str, others: Iterable[str], ratio: bool, how: str = ANALYSIS
) -> list[Move]:
    """Measure what other analyses of the same outcome and model change.

    Parameters
    ----------
    sensitivity : rows
        summary/sensitivity.csv of one outcome and model.
    own : str
        The analysis itself.
    ratio : bool
        Whether the estimates are ratios.
    """
    here = [row for row in sensitivity if row["setting"] == lead.setting]
    effects = {
        row["analysis"]: log(float(row["estimate"])) if ratio else float(row["estimate"])
        for row in here
        if (row["treatment"], row["comparator"]) == (lead.first, lead.runner_up)
    }
    found = []
    for name in others:
        rows = [row for row in here if row["analysis"] == name]
        if rows:
            ranked = [row for row in rows if row["candidate_sucra"]]
            first = max(ranked, key=lambda row: float(row["candidate_sucra"]))["treatment"] if ranked else ""
            found.append(move(lead, how, name, first, (effects.get(own), effects.get(name))))
    return found


def moves_of_overlaps(lead: Lead, overlap: Sequence[Row], declared: str, other: str) -> Iterator[tuple[str, Move]]:
    """Measure for every pair of studies what it changes that they share all patients whom they can share, or none.

    Parameters
    ----------
    overlap : rows
        doubt/overlap.csv
    declared, other : str
        The levels that are compared: that of the analysis itself, and the other.
    """
    here = [row for row in overlap if row["setting"] == lead.setting]
    for pair in dict.fromkeys(row["studies"] for row in here):
        by_level = {row["level"]: row for row in here if row["studies"] == pair}
        if declared in by_level and other in by_level:
            row = by_level[other]
            effects = (_of_pair(lead, by_level[declared]), _of_pair(lead, row))
            first = row["first"] if row["not_named"] != NOT_PLACED else ""
            yield pair, move(lead, SHARED, other, first, effects)


def _of_pair(lead: Lead, row: Row) -> float | None:
    """Take the lead contrast from a row of two other names in whatever order; None where it is that of others."""
    sign = {(lead.first, lead.runner_up): 1.0, (lead.runner_up, lead.first): -1.0}.get((row["first"], row["runner_up"]))
    return _signed(sign, row["mean"])
