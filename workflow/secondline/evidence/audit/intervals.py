"""What the intervals beside medians are: confidence limits or quartiles, and one that is unlike its neighbours."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from math import inf, log

from secondline.evidence.audit.finding import Finding, Severity, found, item_of
from secondline.evidence.audit.printed import Range, printed_range
from secondline.evidence.audit.ratios import in_use
from secondline.project.config import Project
from secondline.project.outcome_records import Median
from secondline.project.sheets import StudySheet

# Quartiles of exponential survival lie at ln(4/3) and ln(4): their ratio, to the power 1/k for a Weibull shape k.
_QUARTILES = log(log(4) / log(4 / 3))
_NEIGHBOURS = 4  # intervals of one kind that make a fifth of another kind conspicuous


def called_quartiles(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Find intervals called IQR that can only be confidence intervals, and readings that the figures speak against.

    Quartiles lie apart by at least a factor exp(1.57 / k), with the largest plausible Weibull shape k: two narrower
    intervals give away the label of their place, and so does one that stands elsewhere as a confidence interval.
    """
    medians = [(i, m) for i, m in in_use(sheet.medians) if m.interval == "IQR"]
    narrow = Counter(m.place for _, m in medians if _width(m) < _QUARTILES / _largest_shape(m.outcome, project))
    given_away = {place for place, times in narrow.items() if times > 1}
    given_away |= {m.place for m in sheet.medians if m.interval == "IQR" and _stands_as_confidence(sheet, m)}
    for i, median in medians:
        path, item = ("medians", i), item_of(median)
        confidence = median.interval_is == "confidence"
        if median.place in given_away:
            reading = "it is used as such" if confidence else "the sheet has quartiles; set interval_is: confidence"
            message = f"the interval is labelled an IQR but can only be a confidence interval of the median; {reading}"
            severity: Severity = "warning" if confidence else "error"
        elif confidence:
            message = (
                "the interval is labelled an IQR but treated as a confidence interval, without support from the sheet"
            )
            severity = "warning"
        else:
            continue
        yield found(sheet, "interval_label", severity, item, message, path, median.place, median.printed)


def _largest_shape(outcome_id: str, project: Project) -> float:
    """Largest plausible Weibull shape: outcomes that include others, such as progression, are seen at scans."""
    outcome, limits = project.config.outcomes.get(outcome_id), project.config.audit
    return limits.scan_shape if outcome and outcome.includes else limits.shapes[1]


def _width(median: Median) -> float:
    """Width of an interval on the log scale; infinite where a limit was not reached."""
    return log(median.upper / median.lower) if median.lower and median.upper else inf


def _stands_as_confidence(sheet: StudySheet, median: Median) -> bool:
    """Whether the same limits are printed elsewhere as a confidence interval."""
    key = (median.outcome, median.arm, median.population, median.value, median.lower, median.upper)
    return any(
        key == (m.outcome, m.arm, m.population, m.value, m.lower, m.upper) and m.interval == "95% CI"
        for m in sheet.medians
    )


def lopsided(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Find the one interval of a table that is not, like all others, symmetric about its median."""
    complete = [(i, m) for i, m in in_use(sheet.medians) if m.lower and m.upper]
    for _, group in groupby(sorted(complete, key=lambda x: x[1].place), key=lambda x: x[1].place):
        table = list(group)
        odd = [(i, m) for i, m in table if not _symmetric(m)]
        if len(odd) == 1 and len(table) > _NEIGHBOURS:
            i, median = odd[0]
            path = ("medians", i)
            assert median.lower is not None
            expected = 2 * median.value - median.lower
            message = (
                f"{median.printed} is the only interval of its table that is not symmetric about the median; "
                f"symmetry would give an upper limit of {expected:.4g}, so that the figure may be misprinted"
            )
            yield found(
                sheet,
                "interval_lopsided",
                "warning",
                item_of(median),
                message,
                path,
                median.place,
                median.upper,
                expected,
            )


def _symmetric(median: Median) -> bool:
    assert median.lower is not None and median.upper is not None
    lower, upper, value = (printed_range(x, median.printed) for x in (median.lower, median.upper, median.value))
    return Range(lower.low + upper.low, lower.high + upper.high).gap(Range(2 * value.low, 2 * value.high)) == 0


CHECKS = (called_quartiles, lopsided)
