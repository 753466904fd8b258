"""Counts by arm against the papers, and the choice of a criterion."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from secondline.evidence.counts import ArmCount, category_arms, count_arms, select_counts
from secondline.project.config import Project
from secondline.project.config_parts import Selection
from secondline.project.figures import ALL, Count, resolve_count
from secondline.project.outcomes import Outcome
from secondline.project.sheets import StudySheet

from tests.conftest import STUDIES, sheet

# study, outcome, criterion, population: events and patients by arm, the treatment first
RESPONSES = [
    # Results, Therapeutic response: CR 2 + PR 10 (+ SD 35) of 56; 1 + 2 (+ 14) of 37
    ("ditan_2022", "orr", "mrecist", "all", {"tki_ici": (12, 56), "tki": (3, 37)}),
    ("ditan_2022", "dcr", "mrecist", "all", {"tki_ici": (47, 56), "tki": (17, 37)}),
    # Table 3
    ("ditan_2025", "orr", "mrecist", "all", {"tki_ici": (8, 49), "tki": (4, 21)}),
    ("ditan_2025", "dcr", "mrecist", "all", {"tki_ici": (42, 49), "tki": (13, 21)}),
    # Table 2: mRECIST 0 + 9 + 24 of 48 and 1 + 2 + 10 of 30; RECIST 1.1 0 + 6 + 25 and 0 + 2 + 11
    ("nanchang_2022", "orr", "mrecist", "all", {"rp": (9, 48), "r": (3, 30)}),
    ("nanchang_2022", "dcr", "mrecist", "all", {"rp": (33, 48), "r": (13, 30)}),
    ("nanchang_2022", "orr", "recist_1_1", "all", {"rp": (6, 48), "r": (2, 30)}),
    ("nanchang_2022", "dcr", "recist_1_1", "all", {"rp": (31, 48), "r": (13, 30)}),
    # Results: 3 + 9 and 1 + 3 by mRECIST, 1 + 7 and 0 + 2 by RECIST 1.1; DCR 73.2% of 41, 44.4% of 27
    ("nanchang_2023", "orr", "mrecist", "all", {"lp": (12, 41), "r": (4, 27)}),
    ("nanchang_2023", "orr", "recist_1_1", "all", {"lp": (8, 41), "r": (2, 27)}),
    ("nanchang_2023", "dcr", "mrecist", "all", {"lp": (30, 41), "r": (12, 27)}),
    ("nanchang_2023", "dcr", "recist_1_1", "all", {"lp": (30, 41), "r": (12, 27)}),
    # Results: PR 3 of 40 and 5 of 86; SD 60.0% is 24 and 18.6% is 16; matched 5.6, 8.3, 66.7, 22.2% of 36
    ("severance_2024", "orr", "recist_1_1", "all", {"lenvatinib": (3, 40), "sorafenib": (5, 86)}),
    ("severance_2024", "dcr", "recist_1_1", "all", {"lenvatinib": (27, 40), "sorafenib": (21, 86)}),
    ("severance_2024", "orr", "recist_1_1", "matched", {"lenvatinib": (2, 36), "sorafenib": (3, 36)}),
    ("severance_2024", "dcr", "recist_1_1", "matched", {"lenvatinib": (24, 36), "sorafenib": (8, 36)}),
]

HARMS = [
    # Results, Safety analysis: 78.4% and 89.3%, 79 of 93 together; 18.9% and 32.1%; prose
    ("ditan_2022", "ae_any", {"tki_ici": (50, 56), "tki": (29, 37)}),
    ("ditan_2022", "ae_grade3", {"tki_ici": (18, 56), "tki": (7, 37)}),
    ("ditan_2022", "discontinuation", {"tki_ici": (2, 56), "tki": (1, 37)}),
    # Table 6
    ("ditan_2025", "ae_any", {"tki_ici": (39, 49), "tki": (18, 21)}),
    ("ditan_2025", "ae_grade3", {"tki_ici": (9, 49), "tki": (5, 21)}),
    ("ditan_2025", "discontinuation", {"tki_ici": (4, 49), "tki": (1, 21)}),
    # Table 5 and Results, Safety
    ("nanchang_2022", "ae_any", {"rp": (48, 48), "r": (30, 30)}),
    ("nanchang_2022", "ae_grade3", {"rp": (11, 48), "r": (7, 30)}),
    ("nanchang_2022", "discontinuation", {"rp": (3, 48), "r": (1, 30)}),
    # Results, Safety profiles; 35.0% of 40 and 38.4% of 86
    ("severance_2024", "ae_any", {"lenvatinib": (32, 40), "sorafenib": (75, 86)}),
    ("severance_2024", "ae_grade3", {"lenvatinib": (14, 40), "sorafenib": (33, 86)}),
    ("severance_2024", "discontinuation", {"lenvatinib": (12, 40), "sorafenib": (16, 86)}),
]
COUNT_OUTCOMES = ("orr", "dcr", "ae_any", "ae_grade3", "discontinuation")

# Counts that the paper does not print as such
DERIVED = {
    ("ditan_2022", "ae_any"): "from 78.4%",
    ("ditan_2022", "ae_grade3"): "from 18.9%",
    ("ditan_2022", "discontinuation"): "from prose",
    ("nanchang_2022", "discontinuation"): "from prose",
    ("nanchang_2023", "dcr"): "from 44.4%",
    ("severance_2024", "dcr"): "sd from 18.6%",
    ("severance_2024", "orr"): "cr stated in words",
    ("severance_2024", "ae_grade3"): "from 38.4%",
}


def counts(project: Project, study: str, outcome: str) -> list[ArmCount]:
    """Return all counts of a study for an outcome."""
    return count_arms(project.sheets[study], outcome, project.config.outcomes[outcome])


def by_arm(found: list[ArmCount]) -> dict[str, tuple[int, int]]:
    """Events and patients by arm; an arm that stands twice is an error."""
    assert len({count.arm for count in found}) == len(found)
    return {count.arm: (count.events, count.n) for count in found}


@pytest.mark.parametrize("row", RESPONSES, ids=lambda row: "-".join(row[:4]))
def test_responses(project: Project, row: tuple[Any, ...]) -> None:
    """Objective response and disease control by every criterion and population."""
    study, outcome, criterion, population, expected = row
    found = [c for c in counts(project, study, outcome) if (c.criterion, c.population) == (criterion, population)]
    assert by_arm(found) == expected


@pytest.mark.parametrize("row", HARMS, ids=lambda row: "-".join(row[:2]))
def test_adverse_events_and_discontinuation(project: Project, row: tuple[Any, ...]) -> None:
    """Any grade, grade 3 or worse, and patients who stopped a drug for toxicity."""
    study, outcome, expected = row
    assert by_arm(counts(project, study, outcome)) == expected


def test_the_tables_are_complete(project: Project) -> None:
    """No study gives a count that the tables above do not hold."""
    total = sum(len(counts(project, study, outcome)) for study in STUDIES for outcome in COUNT_OUTCOMES)
    assert total == 2 * (len(RESPONSES) + len(HARMS))


@pytest.mark.parametrize("study", STUDIES)
@pytest.mark.parametrize("outcome", COUNT_OUTCOMES)
def test_derived_counts_say_so(project: Project, study: str, outcome: str) -> None:
    """A count from a percentage or from prose is marked; one that is printed is not."""
    found = counts(project, study, outcome)
    marks = {mark for count in found for mark in (count.derived or "").split("; ") if mark}
    expected = DERIVED.get((study, outcome))
    if expected:
        assert any(mark.startswith(expected) for mark in marks)
    elif (study, outcome) != ("nanchang_2023", "orr"):  # there a complete response is stated in words
        assert marks == set()


@pytest.mark.parametrize("outcome", ["orr", "dcr"])
@pytest.mark.parametrize("study", STUDIES)
def test_modified_recist_comes_first(project: Project, study: str, outcome: str) -> None:
    """MRECIST where a study has it, RECIST 1.1 in severance_2024; whole cohorts always."""
    chosen = select_counts(project.sheets[study], counts(project, study, outcome), project.config.criteria)
    criterion = "recist_1_1" if study == "severance_2024" else "mrecist"
    assert {(count.criterion, count.population) for count in chosen} == {(criterion, ALL)}
    assert len(chosen) == 2


def test_the_order_of_the_criteria_decides(project: Project) -> None:
    """With RECIST 1.1 first nanchang_2022 has 31 of 48 and 13 of 30; without criteria it has nothing."""
    study, found = project.sheets["nanchang_2022"], counts(project, "nanchang_2022", "dcr")
    assert by_arm(select_counts(study, found, ["recist_1_1", "mrecist"])) == {"rp": (31, 48), "r": (13, 30)}
    assert select_counts(study, found, []) == []


def test_a_criterion_must_cover_every_arm(project: Project) -> None:
    """A criterion reported for one arm only gives way to the next."""
    study = project.sheets["nanchang_2022"]
    found = [c for c in counts(project, "nanchang_2022", "orr") if (c.criterion, c.arm) != ("mrecist", "r")]
    assert {c.criterion for c in select_counts(study, found, ["mrecist", "recist_1_1"])} == {"recist_1_1"}


def test_no_counts_by_regimen(project: Project) -> None:
    """ditan_2025 reports no response by regimen, so that contrast set has no counts."""
    found = counts(project, "ditan_2025", "orr")
    selection = Selection(contrast_set="regimens")
    assert select_counts(project.sheets["ditan_2025"], found, project.config.criteria, selection) == []


def test_matched_counts_alone_are_not_used(project: Project) -> None:
    """The counts of a matched cohort do not stand in for those of everybody."""
    study, found = project.sheets["severance_2024"], counts(project, "severance_2024", "orr")
    for order in (found, found[::-1]):
        assert by_arm(select_counts(study, order, ["recist_1_1"])) == {"lenvatinib": (3, 40), "sorafenib": (5, 86)}
    matched = [count for count in found if count.population == "matched"]
    assert len(matched) == 2
    assert select_counts(study, matched, ["recist_1_1"]) == []


def test_the_first_of_two_records_counts() -> None:
    """A second record of the same arm changes nothing."""
    events = [("len", 9), ("sor", 8), ("len", 7)]
    records = [{"outcome": "ae_any", "arm": name, "events": printed(count=n)} for name, n in events]
    study = sheet(counts=records)
    harm = Outcome(label="AE", measure="OR", better="lower", margin=0.8, prior="log_or")
    assert by_arm(select_counts(study, count_arms(study, "ae_any", harm), [])) == {"len": (9, 40), "sor": (8, 60)}


def response(**figures: Any) -> StudySheet:
    """Return a synthetic sheet with one response record."""
    record = {"criterion": "mrecist", "arm": "len", "place": "Table 1", **figures}
    return sheet(responses=[record])


def printed(**values: Any) -> dict[str, Any]:
    """Return a count with its printed string."""
    return {"printed": " ".join(map(str, values.values())), **values}


DCR = Outcome(
    label="DCR",
    measure="OR",
    better="higher",
    margin=1.25,
    prior="log_or",
    categories=["cr", "pr", "sd"],
)


def test_categories_outrank_a_printed_rate() -> None:
    """1 + 3 + 16 is 20 of 40, whatever rate is printed; without the categories the rate counts."""
    categories = {"cr": printed(count=1), "pr": printed(count=3), "sd": printed(count=16)}
    (count,) = count_arms(response(**categories, dcr=printed(percent=60)), "dcr", DCR)
    assert (count.events, count.n, count.derived) == (20, 40, None)
    (count,) = count_arms(response(dcr=printed(percent=60)), "dcr", DCR)
    assert (count.events, count.n, count.derived) == (24, 40, "from 60.0%")


def test_incomplete_categories_without_a_rate_give_nothing() -> None:
    """Disease control cannot be counted without the stable ones."""
    assert count_arms(response(cr=printed(count=1), pr=printed(count=3)), "dcr", DCR) == []


ORDERED = Outcome(
    label="Response",
    measure="OR",
    likelihood="ordered_logit",
    better="higher",
    margin=1.25,
    prior="log_or",
    categories=["pd", "sd", "pr", "cr"],
)


def test_patients_by_category() -> None:
    """Patients in a category make up n; what is not printed as such, and who is missing, is said."""
    figures = {"cr": printed(count=1), "pr": printed(count=3), "sd": printed(percent=40.0), "pd": printed(count=18)}
    (arm,) = category_arms(response(**figures), "response", ORDERED)
    assert arm.categories == {"pd": 18, "sd": 16, "pr": 3, "cr": 1}
    assert list(arm.categories) == ORDERED.categories
    assert (arm.n, arm.derived) == (38, "sd from 40.0%; 2 of 40 patients are in no category")


def test_all_categories_or_none() -> None:
    """A rate does not stand in for its categories; an ordered outcome of other categories is not in sheets."""
    three = {"cr": printed(count=1), "pr": printed(count=3), "sd": printed(count=16)}
    assert category_arms(response(**three, dcr=printed(count=20)), "response", ORDERED) == []
    study = response(**three, pd=printed(count=20))
    assert [arm.derived for arm in category_arms(study, "response", ORDERED)] == [None]
    other = ORDERED.model_copy(update={"categories": ["none", "some", "much"]})
    assert category_arms(study, "response", other) == []
    assert category_arms(response(**three, pd=printed(count=20), not_used="twice"), "response", ORDERED) == []


def test_criteria_of_categories(project: Project) -> None:
    """RECIST 1.1 of nanchang_2022 if it comes first."""
    study = project.sheets["nanchang_2022"]
    arms = category_arms(study, "response", project.config.outcomes["response"])
    chosen = select_counts(study, arms, ["recist_1_1", "mrecist"])
    assert [(arm.arm, list(arm.categories.values())) for arm in chosen] == [
        ("rp", [17, 25, 6, 0]),
        ("r", [17, 11, 2, 0]),
    ]


@given(st.integers(1, 99), st.data())
def test_counts_survive_being_printed_as_percentages(n: int, data: st.DataObject) -> None:
    """With one decimal place, a percentage of up to 99 patients leads back to the count."""
    events = data.draw(st.integers(0, n))
    figure = Count(percent=round(100 * events / n, 1), printed="printed")
    assert resolve_count(figure, n) == events
