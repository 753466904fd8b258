"""Printed tests of characteristics: whether the figures of the arms can have the p-value that is printed for them."""

from collections.abc import Iterator
from math import sqrt
from statistics import NormalDist

from nma.config import Project
from nma.evidence.audit.finding import Finding, found
from nma.evidence.audit.printed import point, z_of, z_range
from nma.evidence.audit.ratios import in_use
from nma.evidence.audit.significance import p_values
from nma.evidence.audit.survival import main_arms
from nma.evidence.populations import Described, describe
from nma.sheets import CharacteristicRecord, StudySheet


def characteristic_tests(sheet: StudySheet, project: Project) -> Iterator[Finding]:
    """Recompute the printed tests of characteristics of two arms.

    Shares are tested by Fisher and chi-squared. Averages are tested by means and standard deviations, which for medians
    come from the quartiles; a rank test of the same patients may differ from that, so that only what is further apart
    than two tests may be is a finding.
    """
    for i, record in in_use(sheet.characteristics):
        arms = _both_arms(sheet, record)
        if record.p is None or len(arms) != 2:
            continue
        tests = _tests(*(describe(sheet, arm) for arm in arms))
        gap = min((z_range(record.p).gap(point(z_of(p))) for p in tests.values()), default=0.0)
        if gap > (0.0 if record.is_binary else project.config.audit.test_error):
            shown = ", ".join(f"{name} {p:.2g}" for name, p in tests.items())
            figures = " and ".join(f"{arm.printed} in {arm.arm}" for arm in arms)
            message = f"{record.p.printed} is printed for {figures}, whose tests give {shown}"
            path, item = ("characteristics", i, "p"), f"{record.characteristic} {arms[0].arm} against {arms[1].arm}"
            values = (record.p.printed, next(iter(tests.values())))
            yield found(sheet, "characteristic_p", "warning", item, message, path, record.p.place, *values)


def _both_arms(sheet: StudySheet, record: CharacteristicRecord) -> list[CharacteristicRecord]:
    """Find the records of one characteristic and population, one for each arm of the study."""
    key = (record.characteristic, record.population)
    same = {r.arm: r for _, r in in_use(sheet.characteristics) if (r.characteristic, r.population) == key}
    arms = main_arms(sheet)
    return [same[arm] for arm in arms] if set(arms) <= set(same) else []


def _tests(a: Described, b: Described) -> dict[str, float]:
    """Two-sided p-values of the difference between two arms; none where their spreads are unknown or from a range."""
    if a.binary:
        return p_values(round(a.value * a.n), round(a.n), round(b.value * b.n), round(b.n))
    if not (a.sd and b.sd) or "range" in a.derivation + b.derivation:
        return {}
    deviate = abs(a.value - b.value) / sqrt(a.sd**2 / a.n + b.sd**2 / b.n)
    return {"about": 2 * NormalDist().cdf(-deviate)}


CHECKS = (characteristic_tests,)
