"""The answer in two or three sentences: against the usual choice, against the runner-up, and harm.

The words follow the certainty of the comparison, as GRADE has it (Santesso 2020): *is* where it is high, *probably*
where it is moderate, *may* where it is low, and *might* with what is uncertain where it is very low. Where the interval
includes no difference, what is better is not known; where the data do not determine an effect, the studies cannot tell.

References
----------
Santesso N et al. (2020) Journal of Clinical Epidemiology 119:126 (statements about the findings of reviews).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from secondline.cell_values import EXTRAPOLATED, NOT_JUDGED, OVERALL, PRIOR_DRIVEN
from secondline.report.certainty import OVERALL_CERTAINTY, Certainty
from secondline.report.prose.first import (
    NO_CANDIDATES,
    candidates_of,
    comparison,
    first_of,
    ranked_candidates,
)
from secondline.report.prose.phrases import aim, small
from secondline.report.words import NOT_CONVERGED, Names, Row, is_true, listed, percentage, reference_of

_VERBS = {"high": "is", "moderate": "is probably", "low": "may be"}
_VERY_LOW = "might be"
_UNCERTAIN = ", but the evidence is very uncertain"


@dataclass(frozen=True)
class Tables:
    """What the sentences of one outcome are made of; its certainty where that is judged."""

    ranking: Sequence[Row]
    relative: Sequence[Row]
    certainty: Certainty | None
    names: Names


@dataclass(frozen=True)
class Verdict:
    """The answer of one setting and outcome: sentences, and the comparison of which the certainty is shown."""

    sentences: list[str]
    pair: tuple[str, str] | None
    certainty: str


def verdict_of(benefit: Tables, harm: Tables | None, setting: str) -> Verdict:
    """Answer the question of one setting for one outcome.

    Parameters
    ----------
    benefit, harm : Tables
        Those of the outcome, and of the one that tells of harm where there is one.
    setting : str
    """
    names, candidates = benefit.names, candidates_of(benefit.ranking, setting)
    if not candidates:
        return Verdict([NO_CANDIDATES], None, "")
    best = first_of(benefit.ranking, setting)
    said = _of_first(benefit, setting, best) if best else [*_cannot_tell(benefit, setting)]
    pair = _shown_pair(benefit, setting, best)
    failed = [] if all(is_true(row, "converged") for row in candidates) else [f"{NOT_CONVERGED}, do not use:"]
    harms = [harm_sentence(harm, setting, best)] if harm else []
    level = judged(benefit.certainty, setting, *pair) if pair else ""
    return Verdict([*failed, *(_placed(text, setting, names, i) for i, text in enumerate(said)), *harms], pair, level)


def _placed(text: str, setting: str, names: Names, place: int) -> str:
    """Begin the first sentence with its setting."""
    where = names.place(setting) if setting != OVERALL else ""
    return f"{where}, {small(text)}" if where and not place else text


def _of_first(tables: Tables, setting: str, best: Row) -> list[str]:
    """Compare the first candidate with the usual choice, and with the runner-up where that is another one."""
    reference = reference_of(tables.ranking, setting)
    rivals = [ranked_candidates(tables.ranking, setting)[1]["treatment"]]
    others = [reference, *rivals] if best["treatment"] != reference else rivals
    found = list(dict.fromkeys(others))
    return [compared(tables, setting, best["treatment"], other, again=k > 0) for k, other in enumerate(found)]


def compared(tables: Tables, setting: str, treatment: str, other: str, again: bool = False) -> str:
    """Say whether one treatment is better than another, in words of the certainty; ``again`` after another sentence."""
    names, effect = tables.names, comparison(tables.relative, setting, treatment, other)
    one, two = ("it" if again else names.regimen(treatment)), small(names.regimen(other))
    figures = figures_of(effect, names)
    outcome = "" if again else f" for {aim(names)}"
    if effect["evidence"] == PRIOR_DRIVEN:
        return f"The studies cannot tell how {small(one)} compares with {two}{outcome}: {figures}, prior-driven."
    if not is_clear(effect, names):
        return f"Whether {small(one)} is better than {two}{outcome} is not known: {figures}."
    level = judged(tables.certainty, setting, treatment, other)
    verb, tail = _VERBS.get(level, _VERY_LOW), _UNCERTAIN if level == "very low" else ""
    if level not in (*_VERBS, "very low"):
        tail = f"; certainty {level or NOT_JUDGED}"
    start, how = one[0].upper() + one[1:], "better" if is_better(effect, names) else "worse"
    return f"{start} {verb} {how} than {two}{outcome}: {figures}{tail}."


def figures_of(effect: Row, names: Names) -> str:
    """Measure of an effect in words, its estimate and 95% interval."""
    return f"{names.effects.words.lower()} {names.estimate(effect)}"


def is_better(effect: Row, names: Names) -> bool:
    """Whether the estimate of an effect favours the first of its two treatments."""
    return (float(effect["estimate"]) < float(names.no_effect)) == names.lower_is_better


def is_clear(effect: Row, names: Names) -> bool:
    """Whether the interval of an effect lies on one side of no effect."""
    none = float(names.no_effect)
    return float(effect["estimate_upper"]) < none or float(effect["estimate_lower"]) > none


def _cannot_tell(tables: Tables, setting: str) -> Iterator[str]:
    """Say that the studies do not tell which treatment is best, and what they tell of the two that rank highest."""
    names, candidates = tables.names, candidates_of(tables.ranking, setting)
    outcome = aim(names)
    placed = ranked_candidates(tables.ranking, setting)
    if len(candidates) == 1:
        yield f"The only candidate is {small(names.regimen(candidates[0]['treatment']))}."
        return
    if len(placed) < 2:
        yield f"The studies cannot tell which treatment is best for {outcome}: what they say depends on the priors."
        return
    first, second = (small(names.regimen(row["treatment"])) for row in placed[:2])
    effect = comparison(tables.relative, setting, *(row["treatment"] for row in placed[:2]))
    why = _how_driven(effect) if effect["evidence"] == PRIOR_DRIVEN else ""
    yield (
        f"The studies cannot tell which treatment is best for {outcome}: {first} and {second} cannot be told apart "
        f"({figures_of(effect, names)}{why})."
    )

    reference = reference_of(tables.ranking, setting)
    others = [row["treatment"] for row in placed[:2] if row["treatment"] != reference]
    effects = [comparison(tables.relative, setting, name, reference) for name in others]
    known = [effect for effect in effects if effect["evidence"] != PRIOR_DRIVEN]
    if known:
        each = listed(
            f"{names.estimate(one)} for {small(names.regimen(one['treatment']))}{_how_sure(one, tables, setting)}"
            for one in known
        )
        yield f"Against {small(names.regimen(reference))}, the {names.effects.words.lower()} is {each}."


def _how_driven(effect: Row) -> str:
    """Say that an effect depends on the priors, and how much less certain it would be if one of them were wider."""
    wider = effect["prior_sensitivity"]
    how = f": with one twice as wide, its standard error would be {percentage(wider)} larger" if wider else ""
    return f", which depends on the priors{how}"


def _how_sure(effect: Row, tables: Tables, setting: str) -> str:
    """Say in brackets what an effect rests on, so that it is not quoted without."""
    if effect["evidence"] == EXTRAPOLATED:
        return " (extrapolated from other settings)"
    level = judged(tables.certainty, setting, effect["treatment"], effect["comparator"])
    return f" ({level} certainty)" if level in (*_VERBS, "very low") else f" (certainty {level})" if level else ""


def harm_sentence(harm: Tables, setting: str, best: Row | None) -> str:
    """Say what is known of the harm of the first candidate, or of all of them where none is named."""
    names, reference = harm.names, reference_of(harm.ranking, setting)
    known = {row["treatment"] for row in harm.ranking if row["setting"] == setting}
    label = small(names.outcome_label)
    if not best or best["treatment"] not in known or best["treatment"] == reference:
        return _safest(harm, setting, label)
    effect = comparison(harm.relative, setting, best["treatment"], reference)
    two, figures = small(names.regimen(reference)), figures_of(effect, names)
    if effect["evidence"] == PRIOR_DRIVEN:
        return f"Whether it causes more harm than {two} is not known ({label}: the studies do not tell)."
    if not is_clear(effect, names):
        return f"Whether it causes more harm than {two} is not known ({label}: {figures})."
    how = "less" if is_better(effect, names) else "more"
    return f"It appears to cause {how} harm than {two} ({label}: {figures})."


def _safest(harm: Tables, setting: str, label: str) -> str:
    """Say which candidate is safest, where its effect against the reference, or against the next, is clear."""
    best, names = first_of(harm.ranking, setting), harm.names
    if best is None:
        return f"The studies cannot tell which treatment is safest ({label})."
    first, reference = best["treatment"], reference_of(harm.ranking, setting)
    other = reference if first != reference else ranked_candidates(harm.ranking, setting)[1]["treatment"]
    effect = comparison(harm.relative, setting, first, other)
    figures = f"{figures_of(effect, names)} for {small(names.regimen(first))} against {small(names.regimen(other))}"
    if effect["evidence"] == PRIOR_DRIVEN or not is_clear(effect, names):
        return f"Which treatment is safest is not known ({label}: {figures})."
    return f"{names.regimen(first)} ranks first for safety ({label}: {figures})."


def _shown_pair(tables: Tables, setting: str, best: Row | None) -> tuple[str, str] | None:
    """Choose the comparison whose certainty stands beside the answer: that of the first sentence."""
    placed, reference = ranked_candidates(tables.ranking, setting), reference_of(tables.ranking, setting)
    if best and best["treatment"] != reference:
        return best["treatment"], reference
    return (placed[0]["treatment"], placed[1]["treatment"]) if len(placed) > 1 else None


def judged(certainty: Certainty | None, setting: str, treatment: str, comparator: str) -> str:
    """Find the certainty of a comparison as certainty.csv has it; empty where it was not judged."""
    found = certainty.by_names.get((setting, treatment, comparator)) if certainty else None
    return found[OVERALL_CERTAINTY]["judgement"] if found else ""
