"""Printed tests of characteristics: whether the figures of the arms can have the p-value that is printed for them."""

from collections.abc import Iterator
from math import log, sqrt
from statistics import NormalDist

from secondline.evidence.audit.finding import Finding, found
from secondline.evidence.audit.printed import point, z_of, z_range
from secondline.evidence.audit.ratios import in_use
from secondline.evidence.audit.significance import p_values
from secondline.evidence.audit.survival import main_arms
from secondline.evidence.populations import describe
from secondline.project.config import Project
from secondline.project.moments import Group, quartile_moments
from secondline.project.outcome_records import CharacteristicRecord
from secondline.project.sheets import StudySheet


def characteristic_tests(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Recompute the printed tests of characteristics of two arms.

    Shares are tested by Fisher and chi-squared. Averages are tested by means and standard deviations, which for medians
    come from the quartiles, as printed and of their logarithms: a rank test of the same patients lies near one of the
    two, and only what is further from both than two tests may be apart is a finding.
    """
    for i, record in in_use(sheet.characteristics):
        arms = _both_arms(sheet, record)
        if record.p is None or len(arms) != 2:
            continue
        tests = _tests(sheet, arms)
        gap = min((z_range(record.p).gap(point(z_of(p))) for p in tests.values()), default=0.0)
        if gap > (0.0 if record.is_binary else project.config.audit.test_error):
            shown = ", ".join(f"{name} {p:.2g}" for name, p in tests.items())
            figures = " and ".join(f"{arm.printed} in {arm.arm}" for arm in arms)
            message = f"{record.p.printed} is printed for {figures}, but tests of these figures give {shown}"
            if not record.is_binary:
                message += "; a t-test affected by a few outlying patients could explain this"
            path, item = ("characteristics", i, "p"), f"{record.characteristic} {arms[0].arm} against {arms[1].arm}"
            values = (record.p.printed, next(iter(tests.values())))
            yield found(sheet, "characteristic_p", "warning", item, message, path, record.p.place, *values)


def _both_arms(sheet: StudySheet, record: CharacteristicRecord) -> list[CharacteristicRecord]:
    """Find the records of one characteristic and population, one for each arm of the study."""
    key = (record.characteristic, record.population)
    same = {r.arm: r for _, r in in_use(sheet.characteristics) if (r.characteristic, r.population) == key}
    arms = main_arms(sheet)
    return [same[arm] for arm in arms] if set(arms) <= set(same) else []


def _tests(sheet: StudySheet, arms: list[CharacteristicRecord]) -> dict[str, float]:
    """Two-sided p-values of the difference between two arms; none where their spreads are unknown or from a range."""
    a, b = (describe(sheet, arm) for arm in arms)
    if a.binary:
        return p_values(round(a.value * a.n), round(a.n), round(b.value * b.n), round(b.n))
    if not (a.sd and b.sd) or any(arm.interval == "range" for arm in arms):
        return {}
    tests = {"approximately": _p_of_means((a.n, a.value, a.sd), (b.n, b.value, b.sd))}
    logs = [_log_moments(arm, sheet.patients_of(arm)) for arm in arms]
    return tests | ({"from logarithms approximately": _p_of_means(*logs)} if logs[0][2] and logs[1][2] else {})


def _log_moments(record: CharacteristicRecord, n: int) -> Group:
    """Mean and standard deviation of the logarithms behind a median and its quartiles, where all are above 0."""
    if record.lower is None or record.median is None or record.upper is None or record.lower <= 0:
        return n, 0.0, None
    return n, *quartile_moments(log(record.lower), log(record.median), log(record.upper), n)


def _p_of_means(a: Group, b: Group) -> float:
    (n_a, mean_a, sd_a), (n_b, mean_b, sd_b) = a, b
    assert sd_a and sd_b
    return 2 * NormalDist().cdf(-abs(mean_a - mean_b) / sqrt(sd_a**2 / n_a + sd_b**2 / n_b))


CHECKS = (characteristic_tests,)
