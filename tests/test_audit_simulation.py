"""The audit on studies that contradict themselves nowhere, simulated and printed with the usual rounding."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, ttest_ind
from secondline.evidence.audit import audit_project
from secondline.project.config import Project
from secondline.project.sheets import StudySheet

from tests.conftest import arm, figure, sheet_data, synthetic
from tests.simulated_studies import Follow, Paper, cox, log_rank, printed_p, quantile


def findings_of(project: Project, seeds: range) -> tuple[int, int, Counter[str]]:
    """Count the studies with an error, those with a warning, and what sets them off.

    A p printed as a bound that leaves a study without its best figure is no contradiction, and left out here.
    """
    errors = warnings = 0
    checks: Counter[str] = Counter()
    for seed in seeds:
        study = StudySheet.model_validate(Paper(seed).sheet())
        every = audit_project(synthetic(project.config, project.treatments, study))
        found = [f for f in every if f.severity != "info" and f.check != "p_bound"]
        errors += any(f.severity == "error" for f in found)
        warnings += any(f.severity == "warning" for f in found)
        checks.update(f"{f.severity} {f.check}" for f in found)
    return errors, warnings, checks


def test_a_hundred_consistent_studies(project: Project) -> None:
    """No error, and no more than 2 warnings."""
    errors, warnings, checks = findings_of(project, range(100))
    print(f"100 consistent studies: {errors} with an error, {warnings} with a warning; {dict(checks)}")
    assert errors == 0
    assert warnings <= 2


@pytest.mark.slow
def test_a_thousand_consistent_studies(project: Project) -> None:
    """No error, and warnings in at most 2%."""
    errors, warnings, checks = findings_of(project, range(1000, 2000))
    print(f"1000 consistent studies: {errors} with an error, {warnings} with a warning; {dict(checks)}")
    assert errors == 0
    assert warnings <= 20


def test_medians_with_quartiles_fit_the_tests_of_their_patients(project: Project) -> None:
    """Ages, durations and cycles of two arms, tested by ranks or means: at most 1% of 1,200 p-values are doubted.

    Normal, lognormal and negative binomial values, in arms that differ or not. A t-test of skewed values hangs on a few
    patients far out, whom the quartiles do not show.
    """
    rng, doubted = np.random.default_rng(7), 0
    for i in range(1200):
        n, shift = {"len": int(rng.integers(20, 150)), "sor": int(rng.integers(20, 150))}, rng.normal(0, 0.4)
        values = [_values(rng, i % 3, k, d) for k, d in zip(n.values(), (shift, 0.0), strict=True)]
        p = float((mannwhitneyu if rng.random() < 0.7 else ttest_ind)(*values).pvalue)
        records = [
            {"characteristic": "age", "arm": name, "interval": "IQR", **_quartiles(value)}
            for name, value in zip(n, values, strict=True)
        ]
        if any(record["lower"] == record["upper"] for record in records):
            continue
        records[1]["p"] = printed_p(p)
        arms = {"len": arm(n["len"], lenvatinib=n["len"]), "sor": arm(n["sor"], sorafenib=n["sor"])}
        study = StudySheet.model_validate(sheet_data(arms=arms, characteristics=records))
        alone = synthetic(project.config, project.treatments, study)
        doubted += any(f.check == "characteristic_p" for f in audit_project(alone))
    print(f"1200 printed tests of medians: {doubted} doubted")
    assert doubted <= 12


def _values(rng: np.random.Generator, kind: int, n: int, shift: float) -> np.ndarray:
    if kind == 0:
        return rng.normal(60 + 10 * shift, 10, n)
    if kind == 1:
        return rng.lognormal(2 + 0.8 * shift, 0.8, n)
    return 1.0 + rng.negative_binomial(1.5 * np.exp(shift), 0.25, n)


def _quartiles(values: np.ndarray) -> dict[str, Any]:
    lower, median, upper = (round(float(x), 1) for x in np.quantile(values, [0.25, 0.5, 0.75]))
    return {"median": median, "lower": lower, "upper": upper, **figure(f"{median} ({lower}–{upper})")}


def test_the_simulated_papers_are_varied() -> None:
    """Ratios in both orientations, subgroups, tests, quartiles, and papers without ratios."""
    sheets = [Paper(seed).sheet() for seed in range(40)]
    ratios = [ratio for data in sheets for ratio in data.get("hazard_ratios", [])]
    assert {ratio["treatment"] for ratio in ratios} == {"len", "sor"}
    assert {ratio["population"] for ratio in ratios} == {"all", "low", "high"}
    assert {ratio["adjustment"] for ratio in ratios} == {"crude", "adjusted"}
    assert any("hazard_ratios" not in data for data in sheets)
    assert {median["interval"] for data in sheets for median in data["medians"]} == {"95% CI", "IQR"}
    assert all(len(data["comparisons"]) == 5 for data in sheets)


def test_survival_analyses_by_hand() -> None:
    """Four deaths, two an arm, at 1 and 3 against 2 and 4: worked out by hand.

    With risk sets of 4, 3, 2, 1 the score at 0 is 2 - (2/4 + 1/3 + 1/2 + 0) = 2/3, and the information is 1/4 + 2/9 +
    1/4 = 13/18. The Kaplan-Meier curve of all four falls to 1/2 at the second death.
    """
    follow = Follow(np.array([1.0, 3.0, 2.0, 4.0]), np.ones(4, bool))
    treated = np.array([1.0, 1.0, 0.0, 0.0])
    assert log_rank(follow, treated) == pytest.approx((2 / 3) / np.sqrt(13 / 18))
    assert quantile(follow, 0.5)[0] == 2.0
    estimate, se = cox(follow, treated[:, None])
    e = np.exp(estimate)
    score = 2 - 2 * e / (2 * e + 2) - e / (e + 2) - e / (e + 1)
    assert score == pytest.approx(0, abs=1e-8)
    assert se > 1
