"""What is assumed, recorded but not used, or not reported at all."""

from collections.abc import Iterator
from itertools import combinations
from math import exp

from nma.config import Project, time_to_event_outcomes
from nma.evidence.audit.effects import found_on, in_words
from nma.evidence.audit.finding import Finding, Severity, found, item_of
from nma.evidence.audit.printed import p_range
from nma.evidence.audit.ratios import in_use
from nma.evidence.contrasts import RUNGS, Effect, derive_effects, select_effects, undirected_test
from nma.evidence.multi_arm import joint_contrasts
from nma.evidence.selection import reporting_studies
from nma.sheets import HazardRatio, LogRank, StudySheet


def not_reported(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """List the outcomes on which the study has no evidence."""
    takers = [name for name in project.config.analyses if sheet.study in project.studies_of(name)]
    analysed = {outcome for name in takers for outcome in project.config.outcomes_of(name)}
    where = "quotation" if sheet.secondary_report else "paper"
    for outcome in project.config.outcomes:
        if outcome in analysed and sheet.study not in reporting_studies(project, outcome):
            message = (
                f"the {where} gives no figure from which this outcome could be derived; the study is not in its network"
            )
            yield Finding(sheet.study, outcome, "not_reported", "info", None, None, "", message)


def quoted(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Say that the figures of a sheet were read in another paper, and which analyses use them."""
    report = sheet.secondary_report
    if report:
        takers = [name for name in project.config.analyses if sheet.study in project.studies_of(name)]
        used = f"used by {', '.join(takers)} only" if takers else "used by no analysis"
        message = f"read in {report.quoted_by}, which cites it as {report.cited_as}; {used}. {report.unknown}"
        yield found(sheet, "secondary_report", "warning", "study", message, ("secondary_report",), report.place)


def assumed(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """List the numbers of events that are assumed."""
    for i, record in enumerate(sheet.assumed_events):
        low, high = record.plausible
        message = f"the number of events is assumed, plausible fractions {low:g} to {high:g}: {record.reason}"
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
                f"no single method gives effects that connect every arm ({', '.join(arms)}); the study is left out of "
                f"this outcome. Print more pairs, or name a contrast set of the arms that are compared first"
            )
            yield Finding(sheet.study, outcome, "multi_arm", "warning", None, None, effects[0].source, message)


def not_used(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """List figures that are recorded and not used, and ratios between arms that no contrast set compares."""
    for section in ("hazard_ratios", "medians", "log_rank", "events", "curves", "responses", "counts"):
        for i, record in enumerate(getattr(sheet, section)):
            if record.not_used:
                message = f"recorded but not used: {record.not_used}"
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
            message = f"{p.printed} is a bound and gives no standard error{lost}"
            yield found(sheet, "p_bound", "warning" if lost else "info", item, message, path, place, p.printed)
        for other in p.elsewhere:
            if p.relation == "=" and other.relation != "=":
                message = (
                    f"p is printed as {p.printed} ({p.place}) and as the bound {other.printed} ({other.place}); "
                    f"it is read as the bound and gives no standard error{lost}"
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
    instead = f"enters by {in_words(chosen[0])} instead" if chosen else "has no other figure and is left out"
    return f": the study {instead}, and leaving out the strongest results biases; look for limits or an exact p"


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
        f"the p-value of the test ({test.p.printed}) has no direction; that {test.favours} did better is an assumption "
        f"for which no words of the paper are given; the other way round the hazard ratio would be {1 / ratio:.2f}, "
        f"not {ratio:.2f}"
    )
    path, values = ("log_rank", i, "favours"), (test.p.printed, ratio)
    return found(sheet, "direction_assumed", severity, item_of(test), message, path, test.p.place, *values)


CHECKS = (not_reported, quoted, assumed, multi_arm, unconnected, not_used, bounds, assumed_directions)
