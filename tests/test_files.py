"""Workbooks, projects of CINeMA and reviews of RevMan: their cells, and one line for what is wrong with them."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from secondline.errors import UserError
from secondline.project.evidence_tables import TableStudy
from secondline.project.formats.base import Left
from secondline.project.table_columns import TableFile

from tests.test_formats import FORMATS, figures, read, vocabulary, words_of

WORDS = vocabulary("ab", "OR", "binomial_logit")
TABLE = [["study", "treatment", "events", "n"], ["x", "a", 1, 10], ["x", "b", 2.0, 10]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


def workbook(**sheets: list[list[Any]]) -> str:
    """Write a workbook; a date is shown as Excel shows what was typed as 1-2."""
    with xlsxwriter.Workbook("t.xlsx") as book:
        day = book.add_format({"num_format": "d-mmm"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for i, row in enumerate(rows):
                for j, cell in enumerate(row):
                    is_date = isinstance(cell, datetime)
                    sheet.write_datetime(i, j, cell, day) if is_date else sheet.write(i, j, cell)
    return "t.xlsx"


def counts(studies: list[TableStudy]) -> list[tuple[str, int, int]]:
    """Arms with their figures."""
    return [(row["arm"], row["events"], row["n"]) for study in studies for row in study.rows]


def test_a_sheet_by_name() -> None:
    """Whole numbers are whole, lines are those of the sheet, and the sheets that are not read are named."""
    file = workbook(Notes=[["written by", "me"]], Trials=[[], *TABLE])
    with pytest.raises(UserError, match=r"t\.xlsx: several sheets, Notes, Trials; name one under sheet"):
        read(Path(file), WORDS)
    studies, found = read(Path(file), WORDS, sheet="Trials")
    assert counts(studies) == [("a", 1, 10), ("b", 2, 10)]
    assert studies[0].rows[0]["source"] == "t.xlsx:3"
    assert str(found) == "t.xlsx: sheet Trials (not read: Notes); a tidy table (one row per arm); 2 rows, all used"
    with pytest.raises(UserError, match=r"t\.xlsx: sheet = 'trials': no such sheet; allowed: Notes, Trials"):
        read(Path(file), WORDS, sheet="trials")
    assert read(Path(workbook(Empty=[], Trials=TABLE)), WORDS)[1].read == 2


def test_dates_that_excel_made() -> None:
    """What was typed as 1-2 is a date to Excel: refused under its column and line, unless the column is not read."""
    day = datetime(2026, 2, 1)
    rows = [[*TABLE[0], "dose"], ["x", "a", 1, 10, "1-2"], ["x", "b", 2, 10, day]]
    with pytest.raises(UserError) as error:
        read(Path(workbook(Trials=rows)), WORDS)
    assert str(error.value) == (
        "t.xlsx:3: dose = '2026-02-01': Excel keeps a date here, perhaps made of 1-2 or 2-1; format the column as text "
        "and type it again, or ignore it"
    )
    assert counts(read(Path("t.xlsx"), WORDS, ignore=["dose"])[0]) == [("a", 1, 10), ("b", 2, 10)]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([["My trials"], *TABLE], "t.xlsx:1: this line looks like a title, 'My trials'"),
        ([[*TABLE[0], None, "x"], ["x", "a", 1, 10]], "t.xlsx:1: column 5 has no name"),
        ([TABLE[0], ["x", "a", 1.5, 10]], "t.xlsx:2: events = '1.5': allowed: a whole number"),
        ([TABLE[0], ["x", "a", "=1/0", 10]], "t.xlsx:2: "),
        ([], "t.xlsx: the table is empty"),
        ([TABLE[0]], "t.xlsx: the table has no rows"),
    ],
)
def test_workbooks_that_cannot_be_read(rows: list[list[Any]], says: str) -> None:
    """The same lines as for text."""
    with pytest.raises(UserError) as error:
        read(Path(workbook(Trials=rows)), WORDS)
    assert str(error.value).startswith(says)


def test_text_has_no_sheets() -> None:
    """A sheet of a CSV file is a mistake."""
    Path("t.csv").write_text("study,treatment,events,n\nx,a,1,9\nx,b,1,9\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"t\.csv: sheet = 'x': this file is text and has no sheets; leave the key out"):
        read(Path("t.csv"), WORDS, sheet="x")


def test_judgements_of_metainsight() -> None:
    """Covariates under `covar.`, `rob` and `indirectness` from 1 to 3: as declared, with who judged."""
    words = words_of("parkinsons")
    words = vocabulary(words.regimens, "MD", "normal", ["duration"])
    studies, _ = read(FORMATS / "metainsight_covariates.csv", words, judged_by="the authors")
    assert studies[0].concerns == {"risk_of_bias": 1, "indirectness": 1} and studies[1].concerns["risk_of_bias"] == 2
    assert [study.rows[0]["covariates"] for study in studies][:2] == ["duration:5", "duration:6"]
    Path("t.csv").write_text("Study,T,R,N,ROB,Indirectness\nx,a,1,9,3,2\nx,b,1,9,3,2\n", encoding="utf-8")
    assert read(Path("t.csv"), WORDS, judged_by="me")[0][0].concerns == {"risk_of_bias": 3, "indirectness": 2}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "t.cnm: not valid JSON in line 1, as a project of CINeMA is"),
        ('{"project": ' * 100_000, "t.cnm: not valid JSON"),
        ('{"project": {"studies": {"long": []}}}', "t.cnm: no table of studies under project: studies: long"),
        ('{"project": [1]}', "t.cnm: no table of studies"),
        (
            json.dumps({"project": {"studies": {"long": [{"study": "x", "t": ["a"]}]}}}),
            "t.cnm:1: t = ['a']: allowed: a",
        ),
    ],
)
def test_projects_that_cannot_be_read(text: str, says: str) -> None:
    """One line."""
    Path("t.cnm").write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as error:
        read(Path("t.cnm"), WORDS)
    assert str(error.value).startswith(says)


def test_our_own_project_is_read_back() -> None:
    """An arm that CINeMA has is one that we read, with its judgements."""
    arm = {"study": "x", "id": 1, "t": "a", "r": 1, "n": 10, "rob": 2, "indirectness": 1}
    project = {"project": {"studies": {"long": [arm, {**arm, "t": "b", "r": 3}]}}}
    Path("t.cnm").write_text(json.dumps(project), encoding="utf-8")
    (study,), _ = read(Path("t.cnm"), WORDS, ignore=["id"], judged_by="me")
    assert counts([study]) == [("a", 1, 10), ("b", 3, 10)] and study.concerns["risk_of_bias"] == 2


REVIEW = """<?xml version="1.0" encoding="UTF-8"?>
<COCHRANE_REVIEW><STUDIES><STUDY ID="STD-1" NAME="Smith 2001"/></STUDIES><ANALYSES_AND_DATA>
<COMPARISON NO="1"><NAME>a against b</NAME>
<DICH_OUTCOME NO="1"><NAME>Death</NAME><GROUP_LABEL_1>a</GROUP_LABEL_1><GROUP_LABEL_2>b</GROUP_LABEL_2>
<DICH_DATA STUDY_ID="STD-1" EVENTS_1="1" TOTAL_1="10" EVENTS_2="2" TOTAL_2="11"/></DICH_OUTCOME>
<CONT_OUTCOME NO="2"><NAME>Pain</NAME><GROUP_LABEL_1>a</GROUP_LABEL_1><GROUP_LABEL_2>b</GROUP_LABEL_2>
<CONT_SUBGROUP NO="1"><NAME>Old</NAME>
<CONT_DATA STUDY_ID="STD-1" MEAN_1="1.5" SD_1="2" TOTAL_1="10" MEAN_2="2.5" SD_2="3" TOTAL_2="11"/></CONT_SUBGROUP>
</CONT_OUTCOME>
<IV_OUTCOME NO="3"><NAME>Survival</NAME><GROUP_LABEL_1>a</GROUP_LABEL_1><GROUP_LABEL_2>b</GROUP_LABEL_2>
<IV_DATA STUDY_ID="STD-1" ESTIMATE="-0.5" SE="0.2" EFFECT_SIZE="0.61" TOTAL_1="0" TOTAL_2="0"/></IV_OUTCOME>
</COMPARISON></ANALYSES_AND_DATA></COCHRANE_REVIEW>
"""


def review(text: str, measure: str, likelihood: str, **entry: Any) -> tuple[list[TableStudy], TableFile]:
    """Read a review."""
    Path("t.rm5").write_text(text, encoding="utf-8")
    return read(Path("t.rm5"), vocabulary("ab", measure, likelihood), **entry)


def test_an_outcome_of_a_review() -> None:
    """Counts, means and effects; the rows of other outcomes are listed with that reason."""
    (study,), found = review(REVIEW, "OR", "binomial_logit", where={"Analysis name": "Death"})
    assert (study.study, counts([study])) == ("Smith 2001", [("a", 1, 10), ("b", 2, 11)])
    assert found.left == (Left(8, "Analysis name is not Death"), Left(11, "Analysis name is not Death"))
    (study,), _ = review(REVIEW, "MD", "normal", where={"Analysis name": "Pain"})
    assert [(row["mean"], row["n"]) for row in study.rows] == [(1.5, 10), (2.5, 11)]
    (study,), _ = review(REVIEW, "HR", "contrasts", where={"Analysis name": "Survival"})
    row = study.rows[0]
    assert (row["treatment_arm"], row["comparator_arm"], row["effect"], row["se"]) == ("a", "b", -0.5, 0.2)
    with pytest.raises(UserError) as error:
        review(REVIEW, "OR", "binomial_logit")
    assert str(error.value) == (
        "t.rm5:1: Analysis name: 3 analyses: Death; Pain; Survival; say which under where: {Analysis name: Death}"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<a>", "t.rm5:1: not valid XML, as a review of RevMan 5 is: no element found"),
        ("<a></a>", "t.rm5: no analysis with the data of a study"),
        ('<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><a>&c;</a>', "t.rm5:1: b: declares an entity"),
        ('<!DOCTYPE a [<!ENTITY b SYSTEM "/etc/passwd">]><a>&b;</a>', "t.rm5:1: b: declares an entity"),
        ("<a>" * 200_000, "t.rm5:1: elements nested too deeply"),
        (REVIEW.replace('EVENTS_1="1"', 'EVENTS_1="many"'), "t.rm5:5: Experimental cases = 'many': not a number"),
        (REVIEW.replace('EVENTS_1="1"', ""), "t.rm5:1: no column Experimental cases, which these"),
    ],
)
def test_reviews_that_cannot_be_read(text: str, says: str) -> None:
    """One line; entities, which could read files or grow without end, are refused."""
    where = {"Analysis name": "Death"} if "Death" in text else {}
    with pytest.raises(UserError) as error:
        review(text, "OR", "binomial_logit", where=where)
    assert str(error.value).startswith(says)


def test_rows_of_revman_web() -> None:
    """Groups that no column names are named in the entry; a study of the example has 75 of 731 and 363 of 714."""
    words = vocabulary(["ind_counseling", "no_contact"], "OR", "binomial_logit")
    groups = {"Experimental group label": "ind_counseling", "Control group label": "no_contact"}
    studies, found = read(FORMATS / "revman_data_rows.csv", words, common=groups)
    smoking = figures(read(FORMATS / "smoking.xlsx", words_of("smoking"))[0])
    mine = figures(studies)
    assert len(mine) == 30 and all(row == smoking[key] for key, row in mine.items())
    assert found.left == ()
    with pytest.raises(
        UserError, match=r"no column says what the groups received; say it under common: \{Experimental"
    ):
        read(FORMATS / "revman_data_rows.csv", words)


def test_rows_are_chosen_by_a_column() -> None:
    """Others are listed; a column or a word that is not there is a mistake of the entry."""
    text = "study,treatment,events,n,week\nx,a,1,9,4\nx,a,2,9,8\nx,b,1,9,4\nx,b,5,9,8\n"
    Path("t.csv").write_text(text, encoding="utf-8")
    studies, found = read(Path("t.csv"), WORDS, where={"week": "8"}, ignore=["week"])
    assert counts(studies) == [("a", 2, 9), ("b", 5, 9)]
    assert str(found).endswith("4 rows, 2 used (line 2, 4: week is not 8)")
    with pytest.raises(UserError, match=r"no row of t\.csv has this; allowed: 4, 8"):
        read(Path("t.csv"), WORDS, where={"week": "12"})
    with pytest.raises(UserError, match=r"no such column in t\.csv; allowed: study, treatment, events, n, week"):
        read(Path("t.csv"), WORDS, where={"weeks": "8"})


def test_what_stands_in_no_column() -> None:
    """Limits of hazard ratios of one comparison: what is compared is said in the entry."""
    Path("t.csv").write_text("studlab,hr,lower,upper\nx,0.5,0.4,0.7\n", encoding="utf-8")
    words = vocabulary("ab", "HR", "contrasts")
    (study,), _ = read(Path("t.csv"), words, common={"treatment": "a", "comparator": "b"})
    assert (study.rows[0]["treatment_arm"], study.rows[0]["comparator_arm"]) == ("a", "b")
    with pytest.raises(UserError, match=r"t\.csv has this column; ignore it there, or leave this out"):
        read(Path("t.csv"), words, common={"hr": "1"})
