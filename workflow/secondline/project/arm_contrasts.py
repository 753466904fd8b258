"""Contrasts that are made of the arms of a study: what its outcome's measure takes from them, and with what error.

Every contrast is against the first arm of the table, so that the contrasts of a study share its error; the formulas are
in `standardise` and `ratios_and_differences`. A registry: one entry for every measure that is made this way.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from secondline.cell_values import METHOD_OF_MEASURE
from secondline.project.ratios_and_differences import (
    log_odds_ratios,
    log_ratios_of_means,
    log_risk_ratios,
    risk_differences,
)
from secondline.project.standardise import standardised_differences
from secondline.registry import Registry

Row = dict[str, Any]
Found = tuple[list[float], list[list[float]]]
"""Effects against the first arm, (k - 1,), and their covariance, (k - 1, k - 1)."""
_ARM = ("arm", "arm_mix", "n", "mean", "se", "events", "criterion", "derived", "assumes")
HALF = "half a patient was added to events and to non-events"
NO_EVENTS = "no patient of any arm had the event, which says nothing of a ratio of {}"
ALL_EVENTS = "every patient of every arm had the event, which says nothing of a ratio of odds"


@dataclass(frozen=True, kw_only=True)
class ArmContrasts:
    """How contrasts of one measure are made of arms."""

    name: str
    """The measure."""
    of: Callable[[Sequence[Row]], Found]
    """Effects and covariance from the rows of the arms, the comparator first."""
    needed: tuple[str, ...] = ()
    """Columns of means that it takes beside the usual ones."""
    problem: Callable[[Row], tuple[str, str] | None] = lambda row: None
    """Column and reason why an arm cannot enter; None where it can."""
    nothing: Callable[[Sequence[Row]], str | None] = lambda rows: None
    """Why the arms say nothing of the measure; None where they do."""
    added: Callable[[Sequence[Row]], str | None] = lambda rows: None
    """What was added to the figures, and why; None where nothing was."""


def _counts(rows: Sequence[Row]) -> list[tuple[int, int]]:
    return [(row["events"], row["n"]) for row in rows]


def _means(rows: Sequence[Row]) -> list[tuple[float, float]]:
    return [(row["mean"], row["se"]) for row in rows]


def _with_sds(rows: Sequence[Row]) -> list[tuple[float, float, float]]:
    return [(row["n"], row["mean"], row["se"] * sqrt(row["n"])) for row in rows]


def _needs_patients(row: Row) -> tuple[str, str] | None:
    if row["n"] is None or row["n"] < 2:
        return "n", "a standardised difference needs mean, sd and n; allowed: a whole number, 2 or more"
    return None


def _needs_a_positive_mean(row: Row) -> tuple[str, str] | None:
    return None if row["mean"] > 0 else ("mean", "a ratio of means needs means above 0; use measure MD")


def _empty(rows: Sequence[Row]) -> list[str]:
    """Say which arms have no events, or events in all patients."""
    said = {0: "no event in {}", 1: "an event in every patient of {}"}
    return [said[row["events"] > 0].format(row["arm"]) for row in rows if row["events"] in (0, row["n"])]


def _added_to_all(rows: Sequence[Row]) -> str | None:
    empty = _empty(rows)
    return f"{HALF} in every arm: {', '.join(empty)}" if empty else None


def _added_to_errors(rows: Sequence[Row]) -> str | None:
    empty = _empty(rows)
    return f"{HALF} for the standard error alone: {', '.join(empty)}" if empty else None


def _no_events(rows: Sequence[Row]) -> str | None:
    return NO_EVENTS.format("risks") if all(row["events"] == 0 for row in rows) else None


def _no_odds(rows: Sequence[Row]) -> str | None:
    if all(row["events"] == 0 for row in rows):
        return NO_EVENTS.format("odds")
    return ALL_EVENTS if all(row["events"] == row["n"] for row in rows) else None


ARM_CONTRASTS = Registry(
    "measure that is made of arms",
    [
        ArmContrasts(
            name="SMD",
            of=lambda rows: standardised_differences(_with_sds(rows)),
            needed=("n",),
            problem=_needs_patients,
        ),
        ArmContrasts(name="ROM", of=lambda rows: log_ratios_of_means(_means(rows)), problem=_needs_a_positive_mean),
        ArmContrasts(
            name="RR", of=lambda rows: log_risk_ratios(_counts(rows)), nothing=_no_events, added=_added_to_all
        ),
        ArmContrasts(name="RD", of=lambda rows: risk_differences(_counts(rows)), added=_added_to_errors),
        ArmContrasts(name="OR", of=lambda rows: log_odds_ratios(_counts(rows)), nothing=_no_odds, added=_added_to_all),
    ],
)


def _said_of_arms(rows: Sequence[Row]) -> list[str]:
    """List what the figures of the arms assume, each once."""
    return list(dict.fromkeys(row["assumes"] for row in rows if row.get("assumes")))


def contrasts_of_arms(rows: Sequence[Row], measure: str) -> list[Row]:
    """Turn rows of arms into rows of contrasts against the first arm; the measure is one of `ARM_CONTRASTS`."""
    made = ARM_CONTRASTS[measure]
    effects, covariance = made.of(rows)
    comparator, *others = rows
    return [
        {
            **{key: value for key, value in row.items() if key not in _ARM},
            "treatment_arm": row["arm"],
            "comparator_arm": comparator["arm"],
            "treatment_mix": row["arm_mix"],
            "comparator_mix": comparator["arm_mix"],
            "n_treatment": row["n"],
            "n_comparator": comparator["n"],
            "effect": effects[k],
            "se": sqrt(covariance[k][k]),
            "baseline_se": None,
            "covariances": " ".join(repr(value) for value in covariance[k][:k]) or None,
            "method": METHOD_OF_MEASURE[measure],
            "adjustment": None,
            "assumed": False,
            "reason": "; ".join(filter(None, [made.added(rows), *_said_of_arms(rows)])) or None,
            "source": f"{row['source']}; {comparator['source']}",
        }
        for k, row in enumerate(others)
    ]
