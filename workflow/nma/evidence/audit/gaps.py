"""What is assumed, recorded but not used, or not reported at all."""

from collections.abc import Iterator
from itertools import combinations

from nma.config import Project, time_to_event_outcomes
from nma.evidence.audit.effects import found_on
from nma.evidence.audit.finding import Finding, Severity, found, item_of
from nma.evidence.contrasts import derive_effects, select_effects
from nma.evidence.multi_arm import joint_contrasts
from nma.evidence.selection import reporting_studies
from nma.sheets import StudySheet


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
            severity: Severity = "warning" if joint.assumed or joint.flagged else "info"
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
    """List p-values beside ratios that are printed as bounds."""
    for i, ratio in enumerate(sheet.hazard_ratios):
        if ratio.p and ratio.p.relation != "=":
            message = "p is printed as a bound and gives no standard error"
            yield found(
                sheet, "p_bound", "info", item_of(ratio), message, ("hazard_ratios", i), ratio.place, ratio.p.printed
            )


CHECKS = (not_reported, quoted, assumed, multi_arm, unconnected, not_used, bounds)
