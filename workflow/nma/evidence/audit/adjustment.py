"""Which effects in the network are adjusted, and for what."""

from collections.abc import Iterator

from nma.config import Project
from nma.evidence.audit.effects import found_on, in_words, record_of
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
        adjusted = sorted({sheet.study for sheet, effect in chosen if effect.adjustment != "crude"})
        for sheet, effect in chosen:
            values = (effect.method, effect.adjustment)
            message = f"{in_words(effect)} is {_for_what(sheet, effect)}"
            yield found_on(sheet, "adjustment", "info", effect, message, *values)
            if effect.adjustment == "crude" and adjusted:
                message = (
                    f"this effect is crude, those of {', '.join(adjusted)} are adjusted: they estimate different things"
                )
                yield found_on(sheet, "adjustment_mixed", "warning", effect, message, *values)


def _for_what(sheet: StudySheet, effect: Effect) -> str:
    if effect.adjustment == "crude":
        return "crude, adjusted for nothing"
    covariates = getattr(record_of(sheet, effect)[1], "covariates", [])
    if covariates:
        return f"{effect.adjustment} for {', '.join(covariates)}"
    population = sheet.populations.get(effect.population)
    return (
        f"{effect.adjustment}: {population.label}"
        if population
        else f"{effect.adjustment}, for what the sheet does not say"
    )


PROJECT_CHECKS = (adjustments,)
