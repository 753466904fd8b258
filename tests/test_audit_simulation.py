"""The audit on studies that contradict themselves nowhere, simulated and printed with the usual rounding."""

from collections import Counter

import numpy as np
import pytest
from nma.config import Project
from nma.evidence.audit import audit_project
from nma.sheets import StudySheet

from tests.conftest import synthetic
from tests.simulated_studies import Follow, Paper, cox, log_rank, quantile


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
