"""Which effects in the network are adjusted, and for what."""

from collections.abc import Iterator

from nma.config import Project
from nma.evidence.audit.finding import Finding
from nma.evidence.contrasts import Effect, derive_effects, select_effects
from nma.sheets import StudySheet


def adjustments(project: Project) -> Iterator[Finding]:
    """Say of every effect selected what it is adjusted for; one that is crude among adjusted ones is a warning."""
    for outcome_id, outcome in project.config.outcomes.items():
        if outcome.likelihood != "contrasts":
            continue
        chosen = [
            (sheet, effect)
            for sheet in project.sheets.values()
            for effect in select_effects(sheet, derive_effects(sheet, outcome_id))
        ]
        adjusted = {sheet.study for sheet, effect in chosen if effect.adjustment != "crude"}
        for sheet, effect in chosen:
            item = f"{outcome_id} {effect.treatment_arm} against {effect.comparator_arm}"
            values = (effect.method, effect.adjustment, effect.source)
            yield Finding(
                sheet.study, item, "adjustment", "info", *values, f"{effect.method}: {_for_what(sheet, effect)}"
            )
            if effect.adjustment == "crude" and adjusted:
                message = (
                    f"this effect is crude, those of {', '.join(sorted(adjusted))} are adjusted: they estimate "
                    "different things"
                )
                yield Finding(sheet.study, item, "adjustment_mixed", "warning", *values, message)


def _for_what(sheet: StudySheet, effect: Effect) -> str:
    if effect.adjustment == "crude":
        return "crude, adjusted for nothing"
    for i, ratio in enumerate(sheet.hazard_ratios):
        same = ratio.adjustment == effect.adjustment and ratio.population == effect.population
        if same and ratio.covariates and sheet.source(("hazard_ratios", i), ratio.place) == effect.source:
            return f"{effect.adjustment} for {', '.join(ratio.covariates)}"
    population = sheet.populations.get(effect.population)
    return (
        f"{effect.adjustment}: {population.label}"
        if population
        else f"{effect.adjustment}; the sheet does not say for what"
    )


PROJECT_CHECKS = (adjustments,)
