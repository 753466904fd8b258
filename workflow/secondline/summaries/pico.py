"""pico.csv: the effects that the questions of an assessment ask for, with what is missing in its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from secondline.tables import read_table, write_table

_EFFECT = (
    "measure", "estimate", "estimate_lower", "estimate_upper", "mean", "sd", "predictive_lower", "predictive_upper",
    "p_better", "p_margin", "interval", "evidence", "engine", "converged",
)  # fmt: skip
COLUMNS = (
    "question", "label", "population", "population_label", "treatment", "comparator", "outcome", "outcome_label",
    *_EFFECT, "reason",
)  # fmt: skip
NO_OUTCOME = "not an outcome of this analysis"
NO_EFFECT = "no study of this analysis gives the treatment or the comparator"

Row = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class PicoQuestion:
    """One question: a population (a setting), a treatment, and what it is compared with on which outcomes."""

    label: str
    population: str
    treatment: str
    comparators: tuple[str, ...]
    outcomes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PicoSettings:
    """The questions, the headline model, the outcomes of the analysis, and labels by name."""

    headline: str
    questions: tuple[PicoQuestion, ...]
    available: tuple[str, ...]
    outcomes: Mapping[str, str] = field(default_factory=dict)
    populations: Mapping[str, str] = field(default_factory=dict)


def tabulate_pico(folder: Path, settings: PicoSettings, output: str | Path) -> None:
    """Write pico.csv of an analysis.

    Parameters
    ----------
    folder : path
        results/<analysis>
    """
    wanted = {outcome for question in settings.questions for outcome in question.outcomes}
    tables = {
        outcome: read_table(folder / outcome / settings.headline / "relative_effects.csv")
        for outcome in settings.available
        if outcome in wanted
    }
    write_table(output, pico_rows(tables, settings), COLUMNS)


def pico_rows(tables: Mapping[str, Sequence[Row]], settings: PicoSettings) -> list[dict[str, Any]]:
    """List the effects that the questions ask for.

    Parameters
    ----------
    tables : mapping
        Rows of relative_effects.csv of the headline model, by outcome.

    Returns
    -------
    list of dict
        Rows with `COLUMNS`, one for each question, outcome and comparator; ``reason`` says why an effect is missing.
    """
    rows = []
    for number, question in enumerate(settings.questions, 1):
        for outcome in question.outcomes:
            effects = {(row["setting"], row["treatment"], row["comparator"]): row for row in tables.get(outcome, ())}
            for comparator in question.comparators:
                found = effects.get((question.population, question.treatment, comparator))
                missing = NO_OUTCOME if outcome not in tables else NO_EFFECT
                rows.append(
                    {
                        "question": number,
                        "label": question.label,
                        "population": question.population,
                        "population_label": settings.populations.get(question.population, question.population),
                        "treatment": question.treatment,
                        "comparator": comparator,
                        "outcome": outcome,
                        "outcome_label": settings.outcomes.get(outcome, outcome),
                        **({key: found[key] for key in _EFFECT} if found else {"reason": missing}),
                    }
                )
    return rows
