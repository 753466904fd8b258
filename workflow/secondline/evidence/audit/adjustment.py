"""Which effects in the network are adjusted, for what, and with how many events."""

from collections.abc import Iterator

from secondline.evidence.audit.effects import found_on, in_words, record_of
from secondline.evidence.audit.finding import Finding, Severity, found, item_of
from secondline.evidence.audit.ratios import in_use
from secondline.evidence.audit.survival import total_events
from secondline.evidence.contrasts import Effect, derive_effects, select_effects
from secondline.project.config import Project, time_to_event_outcomes
from secondline.project.sheets import StudySheet


def adjustments(project: Project) -> Iterator[Finding]:
    """Say of every effect selected what it is adjusted for; one that is crude among adjusted ones is a warning."""
    for outcome_id, outcome in project.config.outcomes.items():
        if not outcome.modelled.is_contrasts:
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
                    f"this effect is crude, whereas those of {', '.join(adjusted)} are adjusted: they do not estimate "
                    "the same quantity"
                )
                yield found_on(sheet, "adjustment_mixed", "warning", effect, message, *values)


def _for_what(sheet: StudySheet, effect: Effect) -> str:
    if effect.adjustment == "crude":
        return "crude (not adjusted for any covariate)"
    covariates = getattr(record_of(sheet, effect)[1], "covariates", [])
    if covariates:
        return f"{effect.adjustment} for {', '.join(covariates)}"
    population = sheet.populations.get(effect.population)
    return (
        f"{effect.adjustment}: {population.label}"
        if population
        else f"{effect.adjustment}, but the sheet does not state for which covariates"
    )


def overfitted(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Count the events behind every coefficient of an adjusted ratio: below ten it is biased and too sure of itself.

    Coefficients are those of the treatment and of the covariates, one each (Peduzzi 1995); a covariate of several
    categories has more.
    """
    fewest = project.config.audit.events_per_coefficient
    used = [e.source for name in time_to_event_outcomes(project.config) for e in _selected(sheet, name)]
    for i, ratio in in_use(sheet.hazard_ratios):
        if ratio.adjustment != "adjusted" or not ratio.covariates:
            continue
        events = total_events(sheet, ratio.outcome, [ratio.treatment, ratio.comparator], ratio.population)
        each = events and events / (1 + len(ratio.covariates))
        if each and each < fewest:
            source = sheet.source(("hazard_ratios", i), ratio.place)
            severity: Severity = "warning" if source in used else "info"
            message = (
                f"{ratio.printed} is adjusted for {len(ratio.covariates)} covariates with {events} events, that is, "
                f"{each:.1f} events per coefficient (including that of the treatment), fewer than {fewest:g}"
            )
            path = ("hazard_ratios", i)
            yield found(
                sheet, "events_per_covariate", severity, item_of(ratio), message, path, ratio.place, events, each
            )


def _selected(sheet: StudySheet, outcome: str) -> list[Effect]:
    return select_effects(sheet, derive_effects(sheet, outcome))


CHECKS = (overfitted,)
PROJECT_CHECKS = (adjustments,)
