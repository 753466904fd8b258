"""Files that are no tidy tables with commas: one honest line that says what they look like and what to do."""

from pathlib import Path

import pytest
import yaml
from secondline.errors import UserError
from secondline.project.documents import read_yaml
from secondline.project.sheet_files import sheet_of

from tests.conftest import sheet_data
from tests.test_measures import project_of

FILES = {
    "a column without a name": (
        "study,treatment,,events,n\nx,a,note,1,9\nx,b,,2,9\n",
        "t.csv:1: column 3 has no name: give it one, and ignore it if it is not to be read",
    ),
    "a title": (
        "Table 1. My data,,,\nstudy,treatment,events,n\nx,a,1,9\nx,b,2,9\n",
        "t.csv:1: this line looks like a title, 'Table 1. My data'; delete it",
    ),
    "arms by number": (
        "Study,N.1,Mean.1,N.2,Mean.2\nx,9,1.5,9,2.5\n",
        "t.csv:1: one row per study, with columns for every arm (N.1, N.2, Mean.1, Mean.2)? such a table needs",
    ),
    "means of two groups where events are wanted": (
        "author,Ne,Me,Se,Nc,Mc,Sc\nx,13,6.4,5.4,18,11.4,9.6\n",
        "t.csv:1: Mc, Me: unknown column; allowed: study, treatment, setting, risk_of_bias, indirectness, events, n; ",
    ),
    "a control beside": (
        "id,hcq_total,hcq_event,control_total,control_event\nx,97,6,97,5\n",
        "t.csv:1: one row per study, with columns for every arm (control_total, control_event)?",
    ),
    "an unknown column": (
        "study,treatment,events,n,blinding\nx,a,1,9,yes\nx,b,2,9,yes\n",
        "t.csv:1: blinding: unknown column; allowed: study, treatment, setting, risk_of_bias, indirectness, events, n; "
        "else give it one of",
    ),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_what_a_file_looks_like(name: str) -> None:
    """One line with the file, and nothing misleading about single columns."""
    text, says = FILES[name]
    with pytest.raises(UserError) as error:
        project_of("OR", None, text)
    assert str(error.value).startswith(says)
    assert "\n" not in str(error.value)


def test_commas_inside_quotes_separate_nothing() -> None:
    """A quoted name with a comma does not hide semicolons; a quoted semicolon hides no commas."""
    table = '"study, year";treatment;events;n\nx;a;1;9\nx;b;2;9\n'
    assert project_of("OR", None, table, columns={"study": "study, year"}).tables
    table = '"study","treatment","events","n","a;b"\nx,a,1,9,\nx,b,2,9,\n'
    assert project_of("OR", None, table, ignore=["a;b"]).tables


def test_a_byte_order_mark_is_no_part_of_a_name() -> None:
    """Excel writes one."""
    assert project_of("OR", None, "\ufeffstudy,treatment,events,n\nx,a,1,9\nx,b,2,9\n").tables


def test_rows_of_arms_among_contrasts() -> None:
    """A contrast without a comparator on its row says which rows would have one, and those are read."""
    with pytest.raises(UserError) as error:
        project_of("OR", "contrasts", "study,treatment,effect,se\nx,a,0.1,0.2\nx,b,-0.7,0.7\n")
    assert "no column comparator" in str(error.value)
    assert "every study has a row whose effect is NA" in str(error.value)
    (study,) = project_of("OR", "contrasts", "study,treatment,effect,se\nx,a,NA,NA\nx,b,-0.7,0.7\n").tables
    assert [(row["treatment_arm"], row["comparator_arm"]) for row in study.rows] == [("b", "a")]


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("arms", "len", "n"), 40.0, "arms.len.n = 40.0: allowed: a whole number; write 40"),
        (("arms", "len", "n"), 40.5, "arms.len.n = 40.5: allowed: a whole number"),
        (("study",), "al pha", "study = 'al pha': allowed: a word of letters, digits, _ and -"),
        (("enrolment", "start"), "2015/01", "enrolment.start = '2015/01': allowed: a month, YYYY-MM"),
        (
            ("counts",),
            [{"outcome": "x", "arm": "len", "events": {"count": 7.0, "printed": "7"}}],
            "counts.0.events.count = 7.0: a count is a whole number of patients; write 7",
        ),
    ],
)
def test_messages_in_words(path: tuple[str, ...], value: object, says: str) -> None:
    """No regular expressions, and 40.0 patients are 40."""
    data = sheet_data()
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    Path("alpha.yaml").write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    with pytest.raises(UserError) as error:
        sheet_of(read_yaml(Path("alpha.yaml")))
    assert str(error.value).endswith(says)
