"""Which arm did better: labels, prose and matched cohorts against the figures."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from math import inf, sqrt

from secondline.evidence.audit.elsewhere import reading_as_printed
from secondline.evidence.audit.finding import Finding, Severity, found, grade, item_of
from secondline.evidence.audit.ratios import in_use
from secondline.evidence.audit.significance import compared_counts, p_values
from secondline.evidence.counts import count_arms, select_counts
from secondline.project.config import Project
from secondline.project.outcome_records import HazardRatio
from secondline.project.sheets import StudySheet
from secondline.project.study_parts import Comparison

_REFERENCE = re.compile(
    r"\b(?:ref(?:erence)?(?: group)?\b[.:,]? ?|vs\.? |versus |compared (?:with|to) |relative to )([^;,)]+)",
    re.IGNORECASE,
)
_AGAINST = re.compile(r"\b(?:vs|versus|against|over)\b", re.IGNORECASE)


def labels(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Read the label printed with a ratio, and compare it with the orientation that the sheet gives."""
    for i, ratio in in_use(sheet.hazard_ratios):
        path, item = ("hazard_ratios", i), item_of(ratio)
        reading = f"{ratio.treatment} against {ratio.comparator}"
        first = label_treatment(sheet, ratio, project)
        if ratio.label_inverted and first != ratio.treatment:
            turned = reading_as_printed(project, sheet.study, ratio.outcome)
            received = " against ".join(_received(sheet, arm, project) for arm in (ratio.treatment, ratio.comparator))
            message = (
                f"the ratio is printed under the name of the wrong arm, '{ratio.label}', and is that of {received}: "
                f"{ratio.reason}; "
                f"{turned.words}"
            )
            inverted = found(sheet, "label_inverted", "warning", item, message, path, ratio.place, ratio.printed)
            yield replace(inverted, analyses=turned.analyses)
        elif ratio.label_inverted:
            message = f"the label '{ratio.label}' already means {reading}, so that label_inverted has no effect"
            yield found(sheet, "label", "error", item, message, path, ratio.place, ratio.label, reading)
        elif first not in (None, ratio.treatment):
            message = (
                f"the label '{ratio.label}' puts {first} first, but the sheet has {reading}; if the paper prints the "
                "ratio under the name of the wrong arm, set label_inverted and give the reason"
            )
            yield found(sheet, "label", "error", item, message, path, ratio.place, ratio.label, reading)


def _received(sheet: StudySheet, arm: str, project: Project) -> str:
    """Labels of what the patients of an arm received."""
    return " / ".join(project.treatments.regimens[name].label for name in sheet.arms[arm].regimens)


def references(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Read which arm the printed string of a ratio names as its reference, "vs sorafenib" or "reference sorafenib"."""
    for i, ratio in in_use(sheet.hazard_ratios):
        named = _REFERENCE.search(ratio.printed)
        arms = (ratio.treatment, ratio.comparator)
        if named and not ratio.label_inverted and _named_arm(sheet, named[1], arms, project) == ratio.treatment:
            reading = f"{ratio.treatment} against {ratio.comparator}"
            message = (
                f"{ratio.printed} is printed relative to {ratio.treatment}, but the sheet has {reading}; exchange "
                "treatment and comparator"
            )
            path, item = ("hazard_ratios", i), item_of(ratio)
            yield found(sheet, "label", "error", item, message, path, ratio.place, ratio.printed, reading)


def label_treatment(sheet: StudySheet, ratio: HazardRatio, project: Project) -> str | None:
    """Arm that the printed label of a ratio puts first, if it can be read.

    An arm is named by its id, its label, or the regimen that all its patients have; of two names the longer one counts.
    """
    before, *_ = _AGAINST.split(ratio.label or "")
    return _named_arm(sheet, before, (ratio.treatment, ratio.comparator), project)


def _named_arm(sheet: StudySheet, text: str, arms: tuple[str, str], project: Project) -> str | None:
    """Which of two arms a text names, if it is one of them."""
    words = _words(text)
    size = {arm: max((len(name) for name in _names(sheet, arm, project) if name <= words), default=0) for arm in arms}
    best = [arm for arm in size if size[arm] == max(size.values()) > 0]
    return best[0] if len(best) == 1 else None


def _names(sheet: StudySheet, arm: str, project: Project) -> list[frozenset[str]]:
    described = sheet.arms[arm]
    names = [arm, described.label]
    if len(described.regimens) == 1:
        regimen = next(iter(described.regimens))
        names += [regimen, *(r.label for key, r in project.treatments.regimens.items() if key == regimen)]
    return [words for words in map(_words, names) if words]


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W_]+", text.casefold()))


def prose(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare stated directions with the figures; against a significant difference they are an error."""
    for i, record in enumerate(sheet.comparisons):
        place = record.prose.place if record.prose else (record.p.place if record.p else "")
        for better, significant, figures in _figures(sheet, record, project):
            if record.favours and better != record.favours:
                message = (
                    f"the text states that {record.favours} did better, but the figures ({figures}) favour {better}"
                )
                path = ("comparisons", i, "favours")
                severity: Severity = "error" if significant else "warning"
                yield found(
                    sheet, "prose_direction", severity, item_of(record), message, path, place, record.favours, better
                )
                break


def _figures(sheet: StudySheet, record: Comparison, project: Project) -> Iterator[tuple[str, bool, str]]:
    """Arm that did better by the figures, whether significantly, and the figures."""
    alpha, outcome = project.config.audit.significance, project.config.outcomes.get(record.outcome)
    if outcome is None:
        return
    for t, c in compared_counts(sheet, record, project):
        difference = t.events / t.n - c.events / c.n
        if difference:
            better = record.treatment if (difference > 0) == (outcome.better == "higher") else record.comparator
            significant = max(p_values(t.events, t.n, c.events, c.n).values()) < alpha
            yield better, significant, f"{t.events} of {t.n} with {t.arm}, {c.events} of {c.n} with {c.arm}"
    for _, ratio in in_use(sheet.hazard_ratios):
        key = (ratio.outcome, ratio.population, {ratio.treatment, ratio.comparator})
        if key == (record.outcome, record.population, {record.treatment, record.comparator}) and ratio.value != 1:
            better = ratio.treatment if ratio.value < 1 else ratio.comparator
            significant = not (ratio.lower or 0) <= 1 <= (ratio.upper or inf)
            yield better, significant, f"hazard ratio {ratio.printed}"


def matched_direction(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Compare counts of the whole cohort with those of a matched one."""
    limits = project.config.audit
    for outcome_id, outcome in project.config.outcomes.items():
        if not outcome.is_count:
            continue
        counts = count_arms(sheet, outcome_id, outcome)
        whole = select_counts(sheet, counts, project.config.criteria)
        for name, population in sheet.populations.items():
            matched = {c.arm: c for c in counts if c.population == name and whole and c.criterion == whole[0].criterion}
            if population.kind != "matched" or set(matched) != {c.arm for c in whole}:
                continue
            for a, b in combinations(whole, 2):
                pairs = ((a, b), (matched[a.arm], matched[b.arm]))
                before, after = (x.events / x.n - y.events / y.n for x, y in pairs)
                if before * after < 0:
                    rates = [(c.events + 1) / (c.n + 2) for pair in pairs for c in pair]
                    sizes = [c.n for pair in pairs for c in pair]
                    se = sqrt(sum(p * (1 - p) / n for p, n in zip(rates, sizes, strict=True)))
                    severity = grade(abs(before - after) / se, limits.effect_warning, inf) or "info"
                    message = (
                        f"the difference between {a.arm} and {b.arm} in the whole cohort (used) has the opposite "
                        "direction after matching"
                    )
                    source = matched[a.arm].source
                    yield Finding(
                        sheet.study,
                        outcome_id,
                        "matched_direction",
                        severity,
                        before,
                        after,
                        source,
                        message,
                        ("responses",),
                    )


CHECKS = (labels, references, prose, matched_direction)
