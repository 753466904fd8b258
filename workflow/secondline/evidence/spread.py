"""How far every time-to-event effect moves over the admissible readings of its figures, and over the rungs.

Three things are left open by a paper: the digits that rounding took from its figures, the events that it does not
give, and which of its figures an effect is derived from. The first two make the limits and the distribution of every
rung; the third joins the rungs of an effect, each with equal weight.
"""

from collections.abc import Collection, Iterator, Sequence
from hashlib import sha256
from math import isfinite, isnan
from statistics import fmean, pstdev, quantiles
from typing import Any

from secondline.evidence.contrasts import Derived, Effect, derive_readings, select_effects
from secondline.evidence.readings import Spread
from secondline.project.config import Project
from secondline.project.config_parts import Selection
from secondline.project.sheets import StudySheet

ANY_RUNG = "any"  # in the column of methods: all rungs of an effect together
DERIVATION_COLUMNS = (
    "study",
    "outcome",
    "contrast_set",
    "treatment_arm",
    "comparator_arm",
    "population",
    "method",
    "adjustment",
    "selected",
    "log_effect",
    "se",
    "log_effect_low",
    "log_effect_high",
    "se_low",
    "se_high",
    "mean",
    "sd",
    "lower",
    "upper",
    "shift",
    "rung_matters",
    "varied",
    "source",
)
Row = dict[str, Any]


def derivation_rows(project: Project, outcomes: Collection[str] | None = None) -> list[Row]:
    """Spread of every effect of every sheet on the given outcomes, or on all of them, by rung and over all rungs.

    Subgroups, which no analysis selects, are left out.

    Returns
    -------
    list of dict
        Rows with `DERIVATION_COLUMNS`. ``log_effect_low`` to ``log_effect_high`` and ``se_low`` to ``se_high`` are the
        limits over all readings; ``mean``, ``sd``, ``lower`` and ``upper`` (2.5% and 97.5%) describe the distribution
        of the log effect over them, quantities uniform within their limits. ``shift`` is the distance from the
        selected estimate in standard errors of the selected one, and ``rung_matters`` says whether that is above 1;
        in the row of `ANY_RUNG` it is the largest shift of any rung. Both stay empty where no rung could be selected.
        ``se_high`` is infinite where a p that may be 1 leaves the standard error without bound.
    """
    wanted = [name for name in project.config.outcomes if outcomes is None or name in outcomes]
    return [row for sheet in project.sheets.values() for name in wanted for row in _sheet_rows(project, sheet, name)]


def derivation_digest(project: Project, outcome: str) -> str:
    """Digest of what the effects of one outcome are derived from; two equal digests mean equal spreads."""
    read = [
        (*_of_effect(d.effect).values(), d.effect.population, d.effect.method, *d.reading.central(), d.reading.varied)
        for sheet in project.sheets.values()
        for d in derive_readings(sheet, outcome)
    ]
    return sha256(repr(read).encode()).hexdigest()[:16]


def _sheet_rows(project: Project, sheet: StudySheet, outcome: str) -> Iterator[Row]:
    if not project.config.outcomes[outcome].modelled.is_contrasts:
        return
    subgroups = {name for name, population in sheet.populations.items() if population.kind == "subgroup"}
    derived = [d for d in derive_readings(sheet, outcome) if d.effect.population not in subgroups]
    effects = [d.effect for d in derived]
    chosen = [] if sheet.secondary_report else select_effects(sheet, effects)
    selections = [Selection(contrast_set=name) for name in sheet.contrast_sets]
    leading = {_pair(e): e for selection in selections for e in select_effects(sheet, effects, selection)}
    for pair in dict.fromkeys(map(_pair, effects)):
        group = [d for d in derived if _pair(d.effect) == pair]
        yield from _effect_rows(group, leading.get(pair), chosen, project.config.seed)


def _pair(effect: Effect) -> tuple[str, str, str]:
    """Contrast set and arms: what makes two effects of a study and outcome readings of the same."""
    return effect.contrast_set, effect.treatment_arm, effect.comparator_arm


def _effect_rows(
    group: Sequence[Derived], reference: Effect | None, chosen: Sequence[Effect], seed: int
) -> Iterator[Row]:
    """Rows of one effect: its rungs, and all of them together."""
    spreads = [reading.spread(seed) for _, reading in group]
    rows = []
    for (effect, reading), spread in zip(group, spreads, strict=True):
        shift = abs(effect.log_effect - reference.log_effect) / reference.se if reference else None
        rows.append(
            {
                **_of_effect(effect),
                "population": effect.population,
                "method": effect.method,
                "adjustment": effect.adjustment,
                "selected": effect in chosen,
                "log_effect": effect.log_effect,
                "se": effect.se,
                **_summary(spread),
                **_shift(shift),
                "varied": reading.varied,
                "source": effect.source,
            }
        )
    yield from rows
    longest = max(len(spread.draws) for spread in spreads)
    draws = [draw for spread in spreads for draw in spread.draws * (longest // len(spread.draws))]
    together = Spread([estimate for spread in spreads for estimate in spread.extremes], draws)
    yield {
        **_of_effect(group[0].effect),
        "population": reference and reference.population,
        "method": ANY_RUNG,
        "adjustment": reference and reference.adjustment,
        "selected": reference in chosen,
        "log_effect": reference and reference.log_effect,
        "se": reference and reference.se,
        **_summary(together),
        **_shift(max(row["shift"] for row in rows) if reference else None),
        "varied": " ".join(dict.fromkeys(row["method"] for row in rows)),
        "source": reference and reference.source,
    }


def _of_effect(effect: Effect) -> Row:
    keys = ("study", "outcome", "contrast_set", "treatment_arm", "comparator_arm")
    return {key: getattr(effect, key) for key in keys}


def _shift(shift: float | None) -> Row:
    return {"shift": shift, "rung_matters": None if shift is None else shift > 1}


def _summary(spread: Spread) -> Row:
    """Limits over all readings, and the distribution of the log effect over the draws."""
    limits = [[estimate[k] for estimate in spread.extremes if not isnan(estimate[k])] for k in (0, 1)]
    values = [effect for effect, _ in spread.draws if isfinite(effect)]
    cuts = quantiles(values, n=40, method="inclusive") if len(values) > 1 else values * 39
    return {
        "log_effect_low": min(limits[0]),
        "log_effect_high": max(limits[0]),
        "se_low": min(limits[1]),
        "se_high": max(limits[1]),
        "mean": fmean(values),
        "sd": pstdev(values),
        "lower": cuts[0],
        "upper": cuts[-1],
    }
