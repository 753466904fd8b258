"""Tables of evidence: contrasts against their scale, patients, intervals and each other, and times against patients."""

from collections.abc import Iterator
from math import exp, log, sqrt
from statistics import median

from secondline.evidence.audit.finding import Finding, Severity, grade, on_table
from secondline.evidence.audit.printed import Range, log_range, printed_range
from secondline.evidence.audit.ratios import off_centre
from secondline.likelihoods import Distribution
from secondline.project.arm_contrasts import ARM_CONTRASTS
from secondline.project.config import Project
from secondline.project.evidence_tables import Row, TableStudy, by_outcome

_SEVERAL = 3  # contrasts or studies of a table that make a pattern


def contrasts(study: TableStudy) -> tuple[Row, ...]:
    """Contrasts as the table gives them, before they are put together; none for a study of arms."""
    return tuple(row for row in study.printed or study.rows if "effect" in row)


def _item(row: Row) -> str:
    who = row["arm"] if "arm" in row else f"{row['treatment_arm']} against {row['comparator_arm']}"
    return f"{row['outcome']} {who}"


def _same_table(study: TableStudy, project: Project) -> list[TableStudy]:
    """Studies of the same file on the same outcome, in its order."""
    return [other for other in by_outcome(project.tables, study.outcome) if other.file == study.file]


def not_logged(study: TableStudy, project: Project) -> Iterator[Finding]:
    """Find tables whose log ratios look like ratios: all above 0, none far from 1. Said once, of the first study."""
    studies = _same_table(study, project)
    rows = [row for other in studies for row in contrasts(other) if row["interval"] is None]
    outcome, effects = project.config.outcomes[study.outcome], [row["effect"] for row in rows]
    if study is not studies[0] or not outcome.is_ratio or len(rows) < _SEVERAL or len(studies) < 2:
        return
    if min(effects) > 0 and max(effects) < log(project.config.audit.ratio_warning):
        message = (
            f"all {len(rows)} effects of {study.file} are above 0, from {min(effects):g} to {max(effects):g}; read as "
            f"logarithms, they are {outcome.measure}s of {exp(min(effects)):.3g} to {exp(max(effects)):.3g}, all in "
            "the same direction; if they are ratios, name the columns estimate, lower and upper, or enter logarithms"
        )
        yield on_table(study, "not_logged", "warning", study.outcome, message, rows[0], "effect", effects[0])


def ratio_size(study: TableStudy, project: Project) -> Iterator[Finding]:
    """Find ratios so far from 1 that a slip is likelier, for example a ratio or a percentage where a log belongs."""
    outcome, limit = project.config.outcomes[study.outcome], project.config.audit.ratio_warning
    for row in contrasts(study) if outcome.is_ratio else ():
        if abs(row["effect"]) > log(limit):
            size = exp(row["effect"]) if row["effect"] < 700 else float("inf")
            message = (
                f"the effect implies an {outcome.measure} of {size:.3g}, outside {1 / limit:g} to {limit:g}; check the "
                "number, its sign, and that it is a natural logarithm"
            )
            column = "estimate" if row["interval"] else "effect"
            yield on_table(study, "ratio_size", "warning", _item(row), message, row, column, row["effect"], size)


def precision(study: TableStudy, project: Project) -> Iterator[Finding]:
    """Compare standard errors with the least that so many patients can give, whatever happens to them.

    A paired or adjusted difference of means may be more precise than that; a hazard or odds ratio never is.
    """
    measure, limits = project.config.outcomes[study.outcome].effects, project.config.audit
    if measure.information is None:
        return
    for row in contrasts(study):
        sizes = row["n_treatment"], row["n_comparator"]
        if None in sizes:
            continue
        n = sum(sizes)
        least = 1 / sqrt(measure.information * n)
        if row["se"] < limits.information_warning * least:
            weight = (least / row["se"]) ** 2
            message = (
                f"the standard error {row['se']:.3g} is below {least:.3g}, the smallest that {n} patients can give, "
                f"and gives the study {weight:.3g} times the largest possible weight; check it, and that it was not "
                "derived from a rounded p-value beside a ratio near 1"
            )
            severity: Severity = "error" if measure.is_ratio else "warning"
            column = "upper" if row["interval"] else "se"
            yield on_table(study, "ratio_precision", severity, _item(row), message, row, column, row["se"], least)


def spread(study: TableStudy, project: Project) -> Iterator[Finding]:
    """Compare the standard deviation behind a standard error with the other studies': a mean difference has no bound.

    A standard error typed where a standard deviation belongs, or the other way round, is out by the root of n.
    """
    if project.config.outcomes[study.outcome].effects.information:
        return
    others = [
        sd for other in by_outcome(project.tables, study.outcome) if other is not study for sd in _deviations(other)
    ]
    factor = project.config.audit.width_warning
    for row, sd in _rows_with_deviations(study) if len(others) >= _SEVERAL else ():
        usual = median(others)
        if max(sd / usual, usual / sd) > factor:
            size = "smaller" if sd < usual else "larger"
            message = (
                f"the standard error {row['se']:.3g} implies a standard deviation of {sd:.3g}, "
                f"{max(sd / usual, usual / sd):.2g} times {size} than the median of the other studies, {usual:.3g}; "
                "check whether standard errors and standard deviations were confused, or the scale differs"
            )
            yield on_table(study, "spread", "warning", _item(row), message, row, "se", sd, usual)


def _rows_with_deviations(study: TableStudy) -> Iterator[tuple[Row, float]]:
    for row in contrasts(study) or study.printed or study.rows:
        if "arm" in row and row.get("mean") is not None and row["n"]:
            yield row, row["se"] * sqrt(row["n"])
        elif "effect" in row and row["n_treatment"] and row["n_comparator"]:
            yield row, row["se"] / sqrt(1 / row["n_treatment"] + 1 / row["n_comparator"])


def _deviations(study: TableStudy) -> list[float]:
    return [sd for _, sd in _rows_with_deviations(study)]


def limits(study: TableStudy, project: Project) -> Iterator[Finding]:
    """Compare estimates with the middle of their intervals, within print precision, as the audit of sheets does."""
    for row in contrasts(study):
        interval = row["interval"]
        if interval is None:
            continue
        if not interval.lower <= interval.estimate <= interval.upper:
            message = f"the estimate of {interval.printed} lies outside its limits"
            values = (interval.estimate, f"{interval.lower:g} to {interval.upper:g}")
            yield on_table(study, "estimate_outside_interval", "error", _item(row), message, row, "estimate", *values)
            continue
        to_range = log_range if interval.is_ratio else printed_range
        lower, value, upper = (
            to_range(x, interval.printed) for x in (interval.lower, interval.estimate, interval.upper)
        )
        gap = off_centre(lower, value, upper)
        if gap:
            severity = grade(gap / interval.se, 0.0, project.config.audit.asymmetry_error) or "warning"
            middle = Range(lower.middle, upper.middle).middle
            shown = exp(middle) if interval.is_ratio else middle
            message = (
                f"{interval.printed}: the estimate is not in the middle of its limits "
                f"({'on the log scale, ' if interval.is_ratio else ''}{shown:.3g}); one of the three figures is "
                "mistyped or misprinted"
            )
            yield on_table(
                study, "interval_symmetry", severity, _item(row), message, row, "estimate", interval.estimate, shown
            )


def pairwise_intervals(study: TableStudy, project: Project) -> Iterator[Finding]:
    """Say how contrasts were put together from pairwise ones; effects or errors that contradict each other are errors.

    The effects of the arms of one study are estimated from the same patients, and add up but for rounding.
    """
    if study.message is None:
        return
    if study.contradicts(project.config.audit):
        severity: Severity = "error"
    else:
        severity = "warning" if study.flagged or any(row["assumed"] for row in study.rows) else "info"
    yield on_table(study, "pairwise_intervals", severity, study.outcome, study.message, study.printed[0], "effect")


def times(study: TableStudy, project: Project) -> Iterator[Finding]:
    """Find times that are those of a patient where totals belong, or totals where those of a patient do.

    The arms of a study are followed about equally long. Times that are alike although the arms differ in size are times
    of a patient, times in proportion to the sizes are totals.
    """
    likelihood = project.config.outcomes[study.outcome].modelled
    rows = [row for row in study.rows if row.get("time") and row.get("n")]
    if not likelihood.takes_time or len(rows) < 2:
        return
    small, large = min(rows, key=lambda row: row["n"]), max(rows, key=lambda row: row["n"])
    sizes = log(large["n"] / small["n"])
    of_patients = abs(log(large["time"] / small["time"])) < sizes / 2
    if sizes < log(1.25) or of_patients == (likelihood.distribution is Distribution.BINOMIAL):
        return
    shown = " and ".join(f"{row['time']:g} for {row['n']} patients" for row in (small, large))
    if of_patients:
        totals = ", ".join(f"{row['n'] * row['time']:g} for {row['arm']}" for row in rows)
        message = (
            f"times of {shown} look like the follow-up per patient, but time must be the total of all patients of the "
            f"arm, which would be {totals}"
        )
    else:
        means = ", ".join(f"{row['time'] / row['n']:.3g} for {row['arm']}" for row in rows)
        message = (
            f"times of {shown} look like totals, but time must be the follow-up per patient, which would be {means}"
        )
    yield on_table(study, "time", "warning", _item(large), message, large, "time", large["time"])


def added(study: TableStudy, project: Project) -> Iterator[Finding]:
    """Say where effects needed more than the counts: arms without events, or with events in all patients."""
    measure, arms = project.config.outcomes[study.outcome].measure, [row for row in study.printed if "arm" in row]
    reason = ARM_CONTRASTS[measure].added(arms) if arms and study.rows else None
    if reason:
        message = (
            f"{reason}; the {measure} of such a study depends on what is added; measure OR with likelihood "
            "binomial_logit adds nothing, and a declared baseline turns it into ratios and differences of risks"
        )
        row = next(row for row in arms if row["events"] in (0, row["n"]))
        yield on_table(study, "zero_cells", "warning", _item(row), message, row, "events", row["events"])


def derived_means(study: TableStudy, _: Project) -> Iterator[Finding]:
    """Say of which arms means were derived from quartiles, or changes from values at baseline and in the end."""
    arms: dict[str, list[Row]] = {}
    for row in study.printed or study.rows:
        if row.get("assumes"):
            arms.setdefault(row["assumes"], []).append(row)
    for reason, rows in arms.items():
        message = f"{', '.join(row['arm'] for row in rows)}: {reason}"
        yield on_table(study, "derived_mean", "info", study.outcome, message, rows[0], "study")


CHECKS = (not_logged, ratio_size, precision, spread, limits, pairwise_intervals, times, added, derived_means)
