"""What a run concludes, as data: one value for every statement, so that two runs can be compared."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from typing import Any

from secondline.cell_values import EXTRAPOLATED, PRIOR_DRIVEN
from secondline.measures import MEASURES

FIRST, LEAD, EFFECT, CERTAINTY = "first", "lead", "effect", "certainty"
"""What a statement is about: who is named first, whether that one is better than the next, whether a treatment is
better than its comparator, how certain that is."""
_ORDER = (FIRST, LEAD, EFFECT, CERTAINTY)
NOBODY = "nobody"
LEAD_WORDS = "{} against {}: {}"
BETTER, WORSE, NOT_KNOWN = "better", "worse", "not known"
"""Says of an effect: its 95% interval lies on one side of no difference, or includes it."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """What a statement is about: of an analysis, an outcome and a setting, a treatment and its comparator if any."""

    analysis: str
    outcome: str
    setting: str
    about: str
    treatment: str = ""
    comparator: str = ""

    @property
    def fit(self) -> tuple[str, str]:
        """The fit that the statement rests on."""
        return self.analysis, self.outcome

    @property
    def place(self) -> tuple[Any, ...]:
        """Where the statement stands among others: by setting, what matters most first."""
        return self.fit, self.setting, _ORDER.index(self.about), self.treatment, self.comparator


Statements = Mapping[Subject, str]


def statements(
    rows: Iterable[Row], reference: str, measures: Mapping[str, str], better: Mapping[str, str]
) -> dict[Subject, str]:
    """Say what the contrasts of one model conclude.

    Parameters
    ----------
    rows : rows of summary/sensitivity.csv
        Of one model.
    reference : str
        Treatment that every candidate is compared with.
    measures, better : mapping
        Effect measure, and ``lower`` or ``higher``, by outcome.

    Returns
    -------
    dict
        Who is named first (the treatment, or ``nobody`` and the reason); which candidates have the highest SUCRAs among
        the candidates, and whether the first is better than the next; whether every candidate is better than the
        reference: ``better``, ``worse``
        (``, extrapolated`` where the effect comes from other settings), ``not known`` or ``prior_driven``.
    """
    found: dict[Subject, str] = {}
    for (analysis, outcome, setting), own in grouped(rows, "analysis", "outcome", "setting").items():
        ranked = {row["treatment"]: row for row in own}
        named = [name for name, row in ranked.items() if row["named_first"] == "true"]
        reason = next(iter(ranked.values()))["not_named"]
        place = (analysis, outcome, setting)
        found[Subject(*place, FIRST)] = named[0] if named else f"{NOBODY}: {reason}"
        placed = [name for name, row in ranked.items() if row["candidate_sucra"]]
        placed.sort(key=lambda name: -float(ranked[name]["candidate_sucra"]))
        effects = {(row["treatment"], row["comparator"]): row for row in own}
        says = partial(_verdict, none=MEASURES[measures[outcome]].none, better=better[outcome])
        if len(placed) > 1:
            lead = (placed[0], placed[1])
            found[Subject(*place, LEAD)] = LEAD_WORDS.format(*lead, says(effects[lead]))
        for pair in ((name, reference) for name in placed):
            if pair in effects:
                found[Subject(*place, EFFECT, *pair)] = says(effects[pair])
    return found


def certainties(place: tuple[str, str], rows: Iterable[Row]) -> dict[Subject, str]:
    """Say how certain the effects of one outcome are, from its summary of findings."""
    keys = ("treatment", "comparator")
    return {Subject(*place, row["setting"], CERTAINTY, *(row[key] for key in keys)): row["certainty"] for row in rows}


def _verdict(row: Row, none: float, better: str) -> str:
    if row["evidence"] == PRIOR_DRIVEN:
        return PRIOR_DRIVEN
    lower, upper = float(row["estimate_lower"]), float(row["estimate_upper"])
    if lower <= none <= upper:
        return NOT_KNOWN
    verdict = BETTER if (upper < none) == (better == "lower") else WORSE
    return f"{verdict}, {EXTRAPOLATED}" if row["evidence"] == EXTRAPOLATED else verdict


def grouped(rows: Iterable[Row], *keys: str) -> dict[tuple[str, ...], list[Row]]:
    """Divide rows of a table by what some of its columns hold."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return groups


def to_rows(said: Statements) -> list[list[str]]:
    """Write statements as plain lists, in their order."""
    return [[*astuple(subject), value] for subject, value in sorted(said.items(), key=_place)]


def _place(statement: tuple[Subject, str]) -> tuple[Any, ...]:
    return statement[0].place


def from_rows(rows: Sequence[Sequence[str]]) -> dict[Subject, str]:
    """Read what `to_rows` wrote."""
    return {Subject(*row[:-1]): row[-1] for row in rows}
