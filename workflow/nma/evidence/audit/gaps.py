"""What is assumed, recorded but not used, or not reported at all."""

from collections.abc import Iterator
from itertools import combinations
from math import exp

from nma.config import Project, time_to_event_outcomes
from nma.evidence.audit.effects import found_on
from nma.evidence.audit.finding import Finding, Path, Severity, found, item_of
from nma.evidence.audit.printed import p_range
from nma.evidence.audit.ratios import in_use
from nma.evidence.contrasts import Effect, derive_effects, select_effects
from nma.evidence.multi_arm import joint_contrasts
from nma.evidence.selection import reporting_studies
from nma.sheets import LogRank, PValue, StudySheet


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
    """List p-values beside ratios and of log-rank tests that are printed as bounds, here or elsewhere in the paper."""
    for i, ratio in enumerate(sheet.hazard_ratios):
        if ratio.p:
            yield from _bound(sheet, ratio.p, item_of(ratio), ("hazard_ratios", i), ratio.place)
    for i, test in in_use(sheet.log_rank):
        if test.p.elsewhere:
            yield from _bound(sheet, test.p, item_of(test), ("log_rank", i), test.p.place)


def _bound(sheet: StudySheet, p: PValue, item: str, path: Path, place: str) -> Iterator[Finding]:
    if p.relation != "=":
        message = "p is printed as a bound and gives no standard error"
        yield found(sheet, "p_bound", "info", item, message, path, place, p.printed)
    for other in p.elsewhere:
        if p.relation == "=" and other.relation != "=":
            message = (
                f"p is printed as {p.printed} ({p.place}) and as the bound {other.printed} ({other.place}); "
                "it is read as the bound and gives no standard error"
            )
            yield found(sheet, "p_bound", "warning", item, message, path, other.place, p.printed, other.printed)


def assumed_directions(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Find selected effects whose sign is an assumption: a p-value says how far the arms differ, not which is better.

    A warning where the difference is not significant, for the curves may cross then, and the effect
    may as well be its reciprocal.
    """
    for outcome in time_to_event_outcomes(project.config):
        for effect in select_effects(sheet, derive_effects(sheet, outcome)):
            if effect.method not in ("logrank_p", "medians_p"):
                continue
            for i, test in in_use(sheet.log_rank):
                same = (test.outcome, test.population) == (outcome, effect.population)
                pair = {test.treatment, test.comparator} == {effect.treatment_arm, effect.comparator_arm}
                if same and pair and test.stated is None:
                    yield _direction(sheet, project, effect, i, test)


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
