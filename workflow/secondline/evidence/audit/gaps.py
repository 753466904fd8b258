"""What is assumed, recorded but not used, or not reported at all."""

from collections.abc import Iterator
from itertools import combinations
from math import exp

from secondline.evidence.audit.effects import found_on, in_words
from secondline.evidence.audit.finding import Finding, Severity, found, item_of
from secondline.evidence.audit.printed import p_range
from secondline.evidence.audit.ratios import in_use
from secondline.evidence.contrasts import RUNGS, Effect, derive_effects, select_effects, undirected_test
from secondline.evidence.multi_arm import joint_contrasts
from secondline.evidence.selection import reporting_studies
from secondline.project.config import Project, time_to_event_outcomes
from secondline.project.outcome_records import HazardRatio, LogRank
from secondline.project.sheets import StudySheet


def not_reported(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """List the outcomes on which the study has no evidence."""
    takers = [name for name in project.config.analyses if sheet.study in project.studies_of(name)]
    analysed = {outcome for name in takers for outcome in project.config.outcomes_of(name)}
    where = "quotation" if sheet.secondary_report else "paper"
    for outcome in project.config.outcomes:
        if outcome in analysed and sheet.study not in reporting_studies(project, outcome):
            message = (
                f"the {where} gives no figure from which an effect on this outcome could be derived; the study is not "
                "in the network of this outcome"
            )
            yield Finding(sheet.study, outcome, "not_reported", "info", None, None, "", message)


def quoted(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Say that the figures of a sheet were read in another paper, and which analyses use them."""
    report = sheet.secondary_report
    if report:
        takers = [name for name in project.config.analyses if sheet.study in project.studies_of(name)]
        used = f"only by {', '.join(takers)}" if takers else "by no analysis"
        message = (
            f"the figures were taken from {report.quoted_by}, which cites the study as {report.cited_as}; they are "
            f"used {used}. {report.unknown}"
        )
        yield found(sheet, "secondary_report", "warning", "study", message, ("secondary_report",), report.place)


def assumed(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """List the numbers of events that are assumed."""
    for i, record in enumerate(sheet.assumed_events):
        low, high = record.plausible
        message = f"the number of events is assumed (plausible proportions {low:g} to {high:g}): {record.reason}"
        path, values = ("assumed_events", i), (None, record.fraction)
        yield found(sheet, "assumed", "warning", record.outcome, message, path, "assumed", *values)


def multi_arm(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Say how the pairs printed for three arms or more became contrasts, and what that assumes."""
    for outcome in time_to_event_outcomes(project.config):
        chosen = select_effects(sheet, derive_effects(sheet, outcome))
        joint = joint_contrasts(sheet, chosen) if chosen else None
        if joint and joint.message:
            limits = project.config.audit
            contradicts = joint.loop > limits.loop_error or joint.fold > limits.fold_error
            vague = joint.assumed or joint.flagged
            severity: Severity = "error" if contradicts else "warning" if vague else "info"
            yield found_on(sheet, "multi_arm", severity, chosen[0], joint.message, None, None)


def unconnected(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Find outcomes for which effects can be derived, of which none connect every arm: the study is left out."""
    for outcome in time_to_event_outcomes(project.config):
        effects = derive_effects(sheet, outcome)
        arms = sheet.contrast_sets[sheet.default_contrast_set].arms
        if effects and len(arms) > 2 and not select_effects(sheet, effects):
            message = (
                f"no single method gives effects that connect every arm ({', '.join(arms)}), so that the study is "
                "not used for this outcome; enter more pairs, or make a contrast set of the compared arms the first one"
            )
            yield Finding(sheet.study, outcome, "multi_arm", "warning", None, None, effects[0].source, message)


def not_used(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """List figures that are recorded and not used, and ratios between arms that no contrast set compares."""
    for section in ("hazard_ratios", "medians", "log_rank", "events", "curves", "responses", "counts"):
        for i, record in enumerate(getattr(sheet, section)):
            if record.not_used:
                message = f"the figure is recorded but not used: {record.not_used}"
                place, item = getattr(record, "place", "") or "see sheet", getattr(record, "outcome", "response")
                yield found(sheet, "not_used", "info", item, message, (section, i), place)
    compared = [set(pair) for chosen in sheet.contrast_sets.values() for pair in combinations(chosen.arms, 2)]
    for i, ratio in enumerate(sheet.hazard_ratios):
        if {ratio.treatment, ratio.comparator} not in compared:
            message = "no contrast set compares these two arms; the ratio cannot be used"
            path = ("hazard_ratios", i)
            yield found(sheet, "not_used", "warning", item_of(ratio), message, path, ratio.place, ratio.printed)


def bounds(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """List p-values printed as bounds, here or elsewhere; one that leaves a study without its best figure is a warning.

    The smallest p-values are those printed as bounds: what they leave out are the strongest results.
    """
    records: list[tuple[str, int, HazardRatio | LogRank]] = [
        *(("hazard_ratios", i, ratio) for i, ratio in in_use(sheet.hazard_ratios)),
        *(("log_rank", i, test) for i, test in in_use(sheet.log_rank)),
    ]
    for section, i, record in records:
        p, path, item = record.p, (section, i), item_of(record)
        if p is None or p.exact:
            continue
        place = record.place if isinstance(record, HazardRatio) else p.place
        lost = _lost(sheet, record) if p.relation in ("=", "<", "<=") else ""
        if p.relation != "=":
            message = f"{p.printed} is a bound, from which no standard error can be derived{lost}"
            yield found(sheet, "p_bound", "warning" if lost else "info", item, message, path, place, p.printed)
        for other in p.elsewhere:
            if p.relation == "=" and other.relation != "=":
                message = (
                    f"the p-value is printed as {p.printed} ({p.place}) and as the bound {other.printed} "
                    f"({other.place}); it is treated as the bound, from which no standard error can be derived{lost}"
                )
                yield found(sheet, "p_bound", "warning", item, message, path, other.place, p.printed, other.printed)


def _lost(sheet: StudySheet, record: HazardRatio | LogRank) -> str:
    """Say what is used instead of a figure whose p is a bound; nothing where it, or a better one, is used anyway."""
    population = sheet.populations.get(record.population)
    printed = isinstance(record, HazardRatio) and record.lower and record.upper
    if printed or (population and population.kind == "subgroup"):
        return ""
    chosen = select_effects(sheet, derive_effects(sheet, record.outcome))
    rung = "hr_p" if isinstance(record, HazardRatio) else "logrank_p"
    if chosen and RUNGS.index(chosen[0].method) <= RUNGS.index(rung):
        return ""
    instead = f"enters through {in_words(chosen[0])} instead" if chosen else "has no other figure and is left out"
    return (
        f"; the study {instead}, and omitting the strongest results causes bias: look for confidence limits or an "
        "exact p-value"
    )


def assumed_directions(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Find selected effects whose sign is an assumption: a p-value says how far the arms differ, not which is better.

    A warning where the difference is not significant, for the curves may cross then, and the effect
    may as well be its reciprocal.
    """
    for outcome in time_to_event_outcomes(project.config):
        for effect in select_effects(sheet, derive_effects(sheet, outcome)):
            test = undirected_test(sheet, effect)
            if test:
                yield _direction(sheet, project, effect, *test)


def _direction(sheet: StudySheet, project: Project, effect: Effect, i: int, test: LogRank) -> Finding:
    clear = p_range(test.p).high < project.config.audit.significance
    severity: Severity = "info" if clear else "warning"
    ratio = exp(effect.log_effect)
    message = (
        f"the p-value of the test ({test.p.printed}) has no direction; the sheet assumes that {test.favours} did "
        f"better and quotes no statement of the paper; in the opposite direction, the hazard ratio would be "
        f"{1 / ratio:.2f} instead of {ratio:.2f}"
    )
    path, values = ("log_rank", i, "favours"), (test.p.printed, ratio)
    return found(sheet, "direction_assumed", severity, item_of(test), message, path, test.p.place, *values)


CHECKS = (not_reported, quoted, assumed, multi_arm, unconnected, not_used, bounds, assumed_directions)
