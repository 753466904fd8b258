"""Evidence tables: what every study contributes to every fit, and why a study does not."""

from math import log
from typing import Any

import pytest
from secondline.cell_values import UNDIRECTED
from secondline.cells import mix
from secondline.evidence.selection import (
    AS_PRINTED,
    evidence_columns,
    evidence_csv,
    reporting_studies,
    select_evidence,
    setting_mix,
)
from secondline.jobs.settings import fits
from secondline.project.config import Project

from tests.conftest import QUOTED, STUDIES, hazard_ratio, sheet, sheet_data, synthetic

HARMS = ("ae_any", "ae_grade3", "discontinuation")
OUTCOMES = ("os", "pfs", "orr", "dcr", "response")
CATEGORIES = ("ditan_2022", "ditan_2025", "nanchang_2022")  # studies that give all four categories of response
SOLVED = ("nanchang_2022_as_printed", "nanchang_2022_medians", "ditan_2022_medians")
FITS = [
    *((analysis, outcome) for analysis in ("primary", "four_cohorts") for outcome in OUTCOMES),
    *((analysis, outcome) for analysis in ("primary", "four_cohorts") for outcome in HARMS),
    *((analysis, outcome) for analysis in ("nanchang_2023_medians", "regimen_level") for outcome in ("os", "pfs")),
    *(("extended", outcome) for outcome in ("os", "pfs")),
    *((analysis, outcome) for analysis in SOLVED for outcome in ("os", "pfs")),
]


def test_the_fits_of_the_shipped_configuration(project: Project) -> None:
    """Two analyses of eight outcomes, three of survival only, and three more that are solved exactly."""
    assert set(project.config.analyses) - set(project.config.reported) == set(SOLVED)
    assert sorted(fits(project.config)) == sorted(FITS)


@pytest.mark.parametrize(("analysis", "outcome"), FITS)
def test_every_reporting_study_has_its_rows(project: Project, analysis: str, outcome: str) -> None:
    """A used study has one row per contrast or arm, all others one row with a reason."""
    rows = select_evidence(project, analysis, outcome)
    by_study = {study: [row for row in rows if row["study"] == study] for study in {r["study"] for r in rows}}
    reporting = [study for study in STUDIES if not (study == "nanchang_2023" and outcome in HARMS)]
    quoted = [study for study in QUOTED if analysis == "extended" and (study, outcome) != ("persano_secondary", "pfs")]
    assert sorted(by_study) == sorted([*reporting, *quoted])
    for study, members in by_study.items():
        if analysis == "four_cohorts" and study == "nanchang_2023":
            assert [row["used"] for row in members] == [False]
            continue
        if outcome == "response" and study not in CATEGORIES:
            assert [row["used"] for row in members] == [False]
            assert members[0]["reason"] == "no criterion gives pd, sd, pr, cr for every arm of the contrast set"
            continue
        assert all(row["used"] for row in members)
        contrasts = 4 if (analysis, study) == ("regimen_level", "ditan_2025") else 1
        assert len(members) == (contrasts if outcome in ("os", "pfs") else 2)


@pytest.mark.parametrize(("outcome", "ratio", "medians"), [("os", 0.436, 10.3 / 12.9), ("pfs", 0.345, 3.0 / 5.9)])
def test_a_study_read_the_other_way(project: Project, outcome: str, ratio: float, medians: float) -> None:
    """The ratios of nanchang_2022 by their labels are those of R against RP; by the medians it is one of exponentials.

    No other study changes.
    """
    plain, printed, by_medians = (
        {row["study"]: row for row in select_evidence(project, analysis, outcome)}
        for analysis in ("primary", "nanchang_2022_as_printed", "nanchang_2022_medians")
    )
    assert plain["nanchang_2022"]["effect"] == pytest.approx(log(ratio))
    assert printed["nanchang_2022"]["effect"] == pytest.approx(-log(ratio))
    assert printed["nanchang_2022"]["se"] == plain["nanchang_2022"]["se"]
    assert by_medians["nanchang_2022"]["effect"] == pytest.approx(log(medians))
    assert (plain["nanchang_2022"]["reason"], printed["nanchang_2022"]["reason"]) == (None, AS_PRINTED)
    assert plain["nanchang_2023"]["reason"] == UNDIRECTED
    for study in STUDIES:
        assert study == "nanchang_2022" or plain[study] == printed[study] == by_medians[study]


def test_an_excluded_study_keeps_a_row_without_figures(project: Project) -> None:
    """The row says why, and no number of the study stands in the table."""
    (row,) = [r for r in select_evidence(project, "four_cohorts", "pfs") if r["study"] == "nanchang_2023"]
    assert row["used"] is False
    assert row["informative"] is False
    assert (
        row["reason"] == "excluded by the analysis: " + project.config.analyses["four_cohorts"].exclude["nanchang_2023"]
    )
    (line,) = [
        line for line in evidence_csv(project, "four_cohorts", "pfs").splitlines() if line.startswith("nanchang_2023")
    ]
    cells = line.split(",false,false,excluded by the analysis: ")[0]
    assert cells.strip(",") == "nanchang_2023"


def test_a_study_without_a_usable_figure_says_so(project: Project) -> None:
    """A lone median reports the outcome but gives no effect."""
    median = {"outcome": "os", "arm": "len", "value": 9, "printed": "9", "place": "Table 1"}
    small = synthetic(project.config, project.treatments, sheet(medians=[median]))
    (row,) = select_evidence(small, "primary", "os")
    assert row["used"] is False
    assert "no single method gives effects that connect every arm" in row["reason"]


def test_everybody_had_an_adverse_event_in_nanchang_2022(project: Project) -> None:
    """The study stays in the table, marked as uninformative; the others are informative."""
    rows = select_evidence(project, "primary", "ae_any")
    flags = {(row["study"], row["informative"], row["used"]) for row in rows}
    assert flags == {(study, study != "nanchang_2022", True) for study in STUDIES if study != "nanchang_2023"}
    assert {row["reason"] for row in rows} == {None, "uninformative: every patient of every arm had the event"}


def test_nobody_had_the_event(project: Project) -> None:
    """A study without events is uninformative, too; one event in one arm makes it informative."""
    for events, informative in ((0, False), (1, True)):
        counts = [
            {"outcome": "ae_any", "arm": name, "events": {"count": count, "printed": str(count)}}
            for name, count in (("len", events), ("sor", 0))
        ]
        rows = select_evidence(synthetic(project.config, project.treatments, sheet(counts=counts)), "primary", "ae_any")
        assert [row["informative"] for row in rows] == [informative] * 2


def test_categories_of_response(project: Project) -> None:
    """All four categories in the order of the configuration, empty ones too; n is their sum."""
    rows = [row for row in select_evidence(project, "primary", "response") if row["used"]]
    cells = {(row["study"], row["arm"]): (row["categories"], row["n"]) for row in rows}
    assert cells["nanchang_2022", "rp"] == ("pd:15 sd:24 pr:9 cr:0", 48)
    assert cells["ditan_2025", "tki"] == ("pd:8 sd:9 pr:3 cr:1", 21)
    assert all(row["criterion"] == "mrecist" and row["derived"] is None for row in rows)


def test_columns_by_likelihood(project: Project) -> None:
    """A table has no column that its likelihood can never use."""
    assert "categories" not in evidence_columns(project, "orr")
    assert {"events", "time", "mean", "se"} & set(evidence_columns(project, "response")) == set()
    for outcome in OUTCOMES:
        header = evidence_csv(project, "primary", outcome).splitlines()[0].split(",")
        assert header == list(evidence_columns(project, outcome))
        assert ("effect" in header) == (outcome in ("os", "pfs"))
        assert header[-4:] == ["covariates", "used", "informative", "reason"]


def response(arm: str, **counts: int) -> dict[str, Any]:
    """Return a response record of the synthetic sheet."""
    categories = {name: {"count": n, "printed": str(n)} for name, n in counts.items()}
    return {"criterion": "mrecist", "arm": arm, "place": "Table 1", **categories}


@pytest.mark.parametrize(
    ("sorafenib", "reason"),
    [
        ({"pd": 60, "sd": 0}, "uninformative: every patient of every arm is in category pd"),
        ({"pd": 59, "sd": 1}, None),
        ({"pd": 0, "sd": 60}, None),
    ],
)
def test_everybody_in_one_category(project: Project, sorafenib: dict[str, int], reason: str | None) -> None:
    """A study says nothing if all patients of all arms are in the same category."""
    records = [response("len", pd=40, sd=0, pr=0, cr=0), response("sor", **sorafenib, pr=0, cr=0)]
    small = synthetic(project.config, project.treatments, sheet(responses=records))
    rows = select_evidence(small, "primary", "response")
    assert [(row["used"], row["informative"], row["reason"]) for row in rows] == [(True, reason is None, reason)] * 2


def test_mixtures_of_the_real_arms(project: Project) -> None:
    """Patients by regimen and by failed first line, as cells."""
    rows = {row["study"]: row for row in select_evidence(project, "primary", "os")}
    assert rows["ditan_2022"]["treatment_mix"] == "lenvatinib_ici:40 regorafenib_ici:16"
    assert rows["ditan_2022"]["comparator_mix"] == "lenvatinib:34 regorafenib:3"
    assert rows["ditan_2025"]["treatment_mix"] == "regorafenib_ici:23 sorafenib_ici:10 other_tki_ici:16"
    assert rows["nanchang_2022"]["setting_mix"] == "sorafenib_failure:57 lenvatinib_failure:21"
    assert rows["severance_2024"]["setting_mix"] == "atezolizumab_bevacizumab_failure:126"


def test_matched_patients_are_counted_as_matched(project: Project) -> None:
    """The OS of severance_2024 rests on 36 and 36 patients, its PFS on 40 and 86."""
    for outcome, patients in (("os", (36, 36)), ("pfs", (40, 86))):
        rows = {row["study"]: row for row in select_evidence(project, "primary", outcome)}
        row = rows["severance_2024"]
        assert (row["n_treatment"], row["n_comparator"]) == patients


def test_assumed_numbers_stay_marked(project: Project) -> None:
    """Only nanchang_2023 by its log-rank test is assumed; by its medians nothing is."""
    for analysis, expected in (("primary", {"nanchang_2023"}), ("nanchang_2023_medians", set())):
        rows = select_evidence(project, analysis, "pfs")
        assert {row["study"] for row in rows if row["assumed"]} == expected


def test_reporting_studies(project: Project) -> None:
    """nanchang_2023 gives no totals of adverse events."""
    assert reporting_studies(project, "dcr") == list(STUDIES)
    assert reporting_studies(project, "ae_any") == [study for study in STUDIES if study != "nanchang_2023"]


def test_cells_of_mixtures() -> None:
    """Regimens nobody received are left out."""
    assert mix({"lenvatinib": 34, "regorafenib": 0, "sorafenib": 3}) == "lenvatinib:34 sorafenib:3"
    assert setting_mix(sheet()) == "atezolizumab_bevacizumab_failure:100"


def test_a_sheet_with_one_outcome(project: Project) -> None:
    """A sheet that reports OS only stands in no other table."""
    small = synthetic(project.config, project.treatments, sheet(hazard_ratios=[hazard_ratio()]))
    assert sheet_data()["study"] == "alpha"
    for outcome in project.config.outcomes:
        assert len(select_evidence(small, "primary", outcome)) == (1 if outcome == "os" else 0)
