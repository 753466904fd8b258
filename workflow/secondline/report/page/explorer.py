"""What the page can compare at a reader's choice: every pair of treatments, by outcome, model and setting."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import exp
from typing import Any

from secondline.report.prose.first import ranked_candidates
from secondline.report.tables.results import among_candidates
from secondline.report.words import (
    Names,
    Row,
    by_rank,
    differences,
    is_true,
    probability,
    rank_note,
    ratio,
    reference_of,
    settings_of,
)

DIGITS = 4  # significant ones of the values that are drawn; what is read is formatted as everywhere in the report
EFFECT = ("estimate", "estimate_lower", "estimate_upper")


def explorer_data(
    tables: Mapping[str, Mapping[str, Mapping[str, Sequence[Row]]]], lead: str, names: Names
) -> dict[str, Any]:
    """Gather the comparisons for the script of the page.

    Parameters
    ----------
    tables : mapping
        ``relative_effects`` and ``ranking``, by outcome, table and model.
    lead : str
        The outcome that the page shows first.

    Returns
    -------
    dict
        ``outcomes``: by outcome its words and, by model and setting, ``effects`` as lists of treatment, comparator,
        estimate in words, its three values, predictive interval and P(better), evidence in words; ``ranks``, in their
        order, as lists of treatment, SUCRA and P(best) among the candidates, and why it has none.
    """
    return {
        "treatments": dict(names.labels.regimens),
        "settings": {name: names.place(name) for name in names.labels.settings},
        "headline": names.model,
        "lead": lead,
        "everyone": all(
            not rank_note(row) for members in tables.values() for rows in members["ranking"].values() for row in rows
        ),
        "outcomes": {
            outcome: _outcome(members["relative_effects"], members["ranking"], replace(names, outcome=outcome))
            for outcome, members in tables.items()
        },
    }


def _outcome(
    relative: Mapping[str, Sequence[Row]], rankings: Mapping[str, Sequence[Row]], names: Names
) -> dict[str, Any]:
    return {
        "label": names.outcome_label,
        "measure": names.measure,
        "ratio": names.is_ratio,
        "lower": names.lower_is_better,
        "direction": names.direction,
        "models": {
            model: {
                place: {
                    "reference": reference_of(ranking, place),
                    "converged": all(is_true(row, "converged") for row in ranking),
                    "effects": [
                        _effect(row, replace(names, model=model)) for row in relative[model] if row["setting"] == place
                    ],
                    "ranks": _ranks(ranking, place),
                }
                for place in settings_of(ranking)
            }
            for model, ranking in rankings.items()
        },
    }


def _effect(row: Row, names: Names) -> list[Any]:
    return [
        row["treatment"],
        row["comparator"],
        names.estimate(row),
        *(_drawn(float(row[key])) for key in EFFECT),
        _predictive(row, names),
        probability(row["p_better"]),
        names.evidence(row, row["comparator"]),
    ]


def _predictive(row: Row, names: Names) -> str:
    """Read the predictive limits, which stand on the link scale; nothing where a model has none."""
    limits = [row["predictive_lower"], row["predictive_upper"]]
    if not all(limits):
        return ""
    shown = [ratio(repr(exp(float(text)))) for text in limits] if names.is_ratio else differences(limits)
    return " to ".join(shown)


def _ranks(ranking: Sequence[Row], place: str) -> list[list[str]]:
    """List the treatments as they rank among the candidates, and those without such a rank after them."""
    ranked = ranked_candidates(ranking, place)
    rows = [*ranked, *(row for row in by_rank(ranking, place) if row not in ranked)]
    return [[row["treatment"], *(among_candidates(row)), rank_note(row)] for row in rows]


def _drawn(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
