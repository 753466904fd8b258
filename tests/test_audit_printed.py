"""Print precision: whatever a paper rounds to is within the range of what it prints."""

from math import exp, inf, log

import pytest
from hypothesis import given
from hypothesis import strategies as st
from secondline.evidence.audit import audit_project
from secondline.evidence.audit.printed import Range, interval_se, p_range, printed_range, ratio_log, z_range
from secondline.evidence.audit.significance import p_values
from secondline.project.config import Project
from secondline.project.figures import PValue
from secondline.project.outcome_records import HazardRatio

from tests.conftest import figure, hazard_ratio, sheet, synthetic

Z = 1.959963984540054
small = st.floats(-3, 3).filter(lambda x: abs(x) > 1e-3)


@pytest.mark.parametrize(
    ("value", "printed", "low", "high"),
    [
        (0.5, "0.5", 0.45, 0.55),
        (0.5, "0.50 (0.4–0.6)", 0.495, 0.505),
        (2.0, "1 (2)", 1.5, 2.5),
        (100.0, "48 (100)", 99.5, 100.5),
        (10.0, "10.0", 9.95, 10.05),
        (0.85, "0·85", 0.845, 0.855),
        (5.0, "5 of 20, 5.0", 4.5, 5.5),
        (12.5, "one patient in eight", 12.45, 12.55),
    ],
)
def test_a_printed_figure_is_anything_that_rounds_to_it(value: float, printed: str, low: float, high: float) -> None:
    """By the decimals printed, the fewest if the number stands there twice; else by those of the number itself."""
    found = printed_range(value, printed)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_ranges_by_hand() -> None:
    """Gaps, sizes and quotients of ranges."""
    assert Range(1, 2).gap(Range(4, 5)) == Range(4, 5).gap(Range(1, 2)) == 2
    assert Range(1, 3).gap(Range(2, 5)) == 0
    assert Range(-1, 3).size == Range(0, 3)
    assert Range(-3, -1).size == Range(1, 3)
    assert Range(-1, 2).over(Range(2, 4)) == Range(-0.5, 1.0)
    assert Range(1, 2).over(Range(0, 1)) == Range(1.0, inf)


def test_ranges_of_p() -> None:
    """A bound leaves everything beyond it open; a p of 0.000 is anything below 0.0005."""
    assert p_range(PValue(value=0.001, relation="<", **figure("<0.001"))) == Range(0, 0.001)
    assert p_range(PValue(value=0.05, relation=">", **figure(">0.05"))) == Range(0.05, 1)
    assert p_range(PValue(value=0, **figure("0.000"))) == Range(0, 0.0005)
    assert p_range(PValue(value=1, **figure("1"))) == Range(0.5, 1)
    bound = z_range(PValue(value=0.05, relation="<", **figure("<0.05")))
    assert (bound.low, bound.high) == (pytest.approx(Z), inf)


@given(st.floats(0.01, 500), st.integers(0, 4))
def test_rounding_stays_in_range(value: float, digits: int) -> None:
    """Whatever the value and the decimals."""
    text = f"{value:.{digits}f}"
    found = printed_range(float(text), text)
    assert found.low - 1e-9 <= value <= found.high + 1e-9


@given(small, st.floats(0.05, 1.5), st.integers(2, 4))
def test_ranges_hold_the_truth(estimate: float, se: float, digits: int) -> None:
    """Log hazard ratio and standard error behind a printed interval lie within their ranges, in both orientations."""
    texts = [f"{exp(estimate + z * se):.{digits}f}" for z in (0, -Z, Z)]
    value, lower, upper = map(float, texts)
    if not 0 < lower < upper:
        return
    ratio = HazardRatio(**hazard_ratio(value=value, lower=lower, upper=upper, **figure(" ".join(texts))))
    found, spread = ratio_log(ratio, "len"), interval_se(ratio)
    assert spread is not None
    assert found.low - 1e-9 <= estimate <= found.high + 1e-9
    assert ratio_log(ratio, "sor") == found.negative
    assert spread.low - 1e-6 <= se
    # The lower limit may be anything down to 0, whose logarithm has no bound.
    assert se <= spread.high + 1e-6 or lower < 10.0**-digits


@given(st.integers(1, 400), st.data(), st.integers(0, 2))
def test_no_whole_number_is_accused(project: Project, n: int, data: st.DataObject, digits: int) -> None:
    """Every count of any number of patients, printed with any decimals, with or without its percentage."""
    events = data.draw(st.integers(0, n))
    percent = f"{100 * events / n:.{digits}f}"
    only = data.draw(st.booleans())
    count = {"percent": float(percent), "of": n, "printed": f"{percent}%"}
    if not only:
        count |= {"count": events, "printed": f"{events} ({percent}%)"}
    arms = {"len": {"label": "A", "n": n, "regimens": {"lenvatinib": n}, **figure(str(n))}}
    arms["sor"] = {"label": "B", "n": n, "regimens": {"sorafenib": n}, **figure(str(n))}
    made = sheet(arms=arms, counts=[{"outcome": "ae_any", "arm": "len", "events": count}])
    found = audit_project(synthetic(project.config, project.treatments, made))
    assert not [f for f in found if f.check in ("percentage", "whole_number")]


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_no_usual_test_is_accused(project: Project, n: int, m: int, data: st.DataObject) -> None:
    """A p by Fisher, or by chi-squared with or without correction, to three decimals."""
    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    tests = p_values(a, n, b, m)
    value = tests[data.draw(st.sampled_from(sorted(tests)))]
    printed = figure(f"{value:.3f}", value=float(f"{value:.3f}"))
    arms = {
        name: {"label": name, "n": size, "regimens": {regimen: size}, **figure(str(size))}
        for name, size, regimen in (("len", n, "lenvatinib"), ("sor", m, "sorafenib"))
    }
    counts = [
        {"outcome": "ae_any", "arm": name, "events": {"count": k, "printed": str(k)}}
        for name, k in (("len", a), ("sor", b))
    ]
    compared = [{"outcome": "ae_any", "treatment": "len", "comparator": "sor", "p": printed}]
    made = sheet(arms=arms, counts=counts, comparisons=compared)
    found = audit_project(synthetic(project.config, project.treatments, made))
    assert not [f for f in found if f.check == "test_p"]


def test_a_ratio_of_two_rounded_limits() -> None:
    """0.5 (0.2–1.2) with one decimal: the standard error is anything from 0.39 to 0.54."""
    ratio = HazardRatio(**hazard_ratio(value=0.5, lower=0.2, upper=1.2, **figure("0.5 (0.2–1.2)")))
    found = interval_se(ratio)
    assert found is not None
    assert found.low == pytest.approx(log(1.15 / 0.25) / (2 * Z))
    assert found.high == pytest.approx(log(1.25 / 0.15) / (2 * Z))


@given(st.integers(1, 80), st.integers(1, 80), st.data())
def test_tests_are_those_of_scipy(n: int, m: int, data: st.DataObject) -> None:
    """Fisher's test and both chi-squared tests, against another implementation."""
    from scipy.stats import chi2_contingency, fisher_exact

    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    table, tests = [[a, n - a], [b, m - b]], p_values(a, n, b, m)
    assert tests["Fisher"] == pytest.approx(fisher_exact(table).pvalue, rel=1e-9)
    if 0 < a + b < n + m:
        for name, corrected in (("chi-squared", False), ("corrected chi-squared", True)):
            expected = chi2_contingency(table, correction=corrected).pvalue
            assert tests[name] == pytest.approx(expected, rel=1e-9, abs=1e-12)
    else:
        assert set(tests) == {"Fisher"}
