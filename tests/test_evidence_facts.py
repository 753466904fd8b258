"""The line under the title: designs, patients and dates, each as the tables and sheets have them."""

from typing import Any

import pytest
from secondline.report.prose.evidence_facts import designs_counted, evidence_facts
from secondline.report.settings import Labels, StudyFacts
from secondline.report.words import Names

NAMES = Names(Labels(outcomes={"os": "Overall survival", "orr": "ORR"}), "main")
COHORT, TRIAL = "retrospective_cohort", "randomised_trial"


def contrast(study: str, *n: str, arms: tuple[str, str] = ("t", "c"), used: str = "true") -> dict[str, Any]:
    """Return a contrast of two arms with their patients."""
    return {
        "study": study, "used": used, "setting_mix": "",
        "treatment_arm": arms[0], "treatment_mix": "b:1", "n_treatment": n[0],
        "comparator_arm": arms[1], "comparator_mix": "a:1", "n_comparator": n[1],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("designs", "words"),
    [
        ([COHORT] * 5, "5 retrospective cohorts, no randomised trial"),
        ([COHORT], "1 retrospective cohort, no randomised trial"),
        ([TRIAL, COHORT, TRIAL], "2 randomised trials and 1 retrospective cohort"),
        ([TRIAL, "", ""], "1 randomised trial and 2 studies of undeclared design"),
        ([COHORT, ""], "1 retrospective cohort and 1 study of undeclared design"),
        ([""] * 24, "24 studies (design not declared)"),
    ],
)
def test_designs_are_counted(designs: list[str], words: str) -> None:
    """That there is no trial is said only where every design is known."""
    assert designs_counted(designs) == words


def test_the_line_is_that_of_the_tables() -> None:
    """Studies of all outcomes, patients of the lead one with shared arms once, and the last month of enrolment."""
    evidence = {
        "os": [contrast("one", "30", "20"), contrast("one", "12", "20", arms=("u", "c")),
               contrast("two", "1000", "7"), contrast("gone", "9", "9", used="false")],
        "orr": [contrast("three", "5", "5")],
    }  # fmt: skip
    studies = {
        "one": StudyFacts(design=COHORT, year=2025, enrolled_until="2021-05"),
        "two": StudyFacts(design=COHORT, year=2022, enrolled_until="2023-12"),
        "three": StudyFacts(design=TRIAL, year=2024),
        "gone": StudyFacts(design=TRIAL, year=2026, enrolled_until="2025-01"),
    }
    assert evidence_facts(evidence, "os", studies, NAMES) == [
        "2 retrospective cohorts and 1 randomised trial",
        "1,069 patients (overall survival)",
        "patients enrolled until December 2023",
    ]


def test_what_is_not_known_is_left_out() -> None:
    """Without enrolment the year of the last paper, without patients and dates neither."""
    one = {"os": [contrast("one", "30", "")]}
    assert evidence_facts(one, "os", {"one": StudyFacts(design=TRIAL, year=2019)}, NAMES) == [
        "1 randomised trial", "at least 30 patients (overall survival)", "last study published in 2019"
    ]  # fmt: skip
    assert evidence_facts({"os": [contrast("one", "", "")]}, "os", {}, NAMES) == ["1 study (design not declared)"]
