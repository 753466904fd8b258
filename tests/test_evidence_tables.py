"""Evidence tables: what every kind of table gives, and one line for every mistake in one."""

import csv
from collections.abc import Callable
from io import StringIO
from math import log, sqrt
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from secondline.errors import UserError
from secondline.evidence.gather import audit_rows, effect_rows
from secondline.evidence.selection import evidence_columns, evidence_csv, select_evidence
from secondline.jobs.network_checks import check_networks
from secondline.jobs.settings import fit_settings, fits, treatments_of
from secondline.network.data import network_data
from secondline.network.figures import contrast_covariance
from secondline.network.structure import Structure
from secondline.project.config import Project
from secondline.project.evidence_tables import TableStudy, read_studies
from secondline.project.read import read_project
from secondline.project.table_lines import EvidenceTable, Vocabulary
from secondline.sd_priors import HalfNormal

from tests.conftest import ROOT

CATEGORIES = ("bad", "fair", "good")
LIKELIHOODS = {
    "hr": "contrasts",
    "death": "binomial_logit",
    "relapse": "binomial_cloglog",
    "rate": "poisson_log",
    "pain": "normal",
    "grade": "ordered_probit",
}
VOCABULARY = Vocabulary(
    regimens=["a", "b", "c", "d", "A-2"],
    settings=["first", "later"],
    covariates=["age"],
    likelihoods=LIKELIHOODS,
    categories={"grade": CATEGORIES},
    measures={"hr": "HR", "death": "OR", "relapse": "HR", "rate": "IRR", "pain": "MD", "grade": "PD"},
)


def complain(path: tuple[str | int, ...], value: Any, problem: str) -> UserError:
    """Build an error as the configuration does."""
    return UserError(problem, "config.yaml", 1, ".".join(map(str, ("evidence", 0, *path))), value)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(text: str, outcome: str | None, **entry: Any) -> list[TableStudy]:
    """Read a table; lines are separated by `; `."""
    Path("t.csv").write_text(text.replace("; ", "\n") + "\n", encoding="utf-8")
    return read_studies(
        EvidenceTable.model_validate({"file": "t.csv", "outcome": outcome, **entry}), VOCABULARY, complain
    )


def figures(study: TableStudy, *names: str) -> list[tuple[Any, ...]]:
    """Return some columns of every row."""
    return [tuple(row[name] for name in names) for row in study.rows]


def test_events_of_patients() -> None:
    """Binary: arms in the order of the table, studies by first appearance, rows of one study together."""
    two, one = read("study,treatment,events,n; 2,a,1,10; 1,c,0,20; 2,b,3,12; 1,a,5,20.0", "death")
    assert figures(two, "study", "arm", "arm_mix", "events", "n") == [
        ("2", "a", "a:10", 1, 10),
        ("2", "b", "b:12", 3, 12),
    ]
    assert figures(one, "arm", "events", "n", "source") == [("c", 0, 20, "t.csv:3"), ("a", 5, 20, "t.csv:5")]
    assert (one.outcome, one.file, one.line) == ("death", "t.csv", 3)
    assert figures(one, "setting_mix", "covariates", "criterion", "derived") == [("", "", None, None)] * 2


def test_events_with_follow_up() -> None:
    """Events of patients with their mean follow-up; events in person-time, where patients may be left out."""
    (study,) = read("study,treatment,events,n,time; x,a,1,10,2.5; x,b,3,12,2", "relapse")
    assert figures(study, "events", "n", "time") == [(1, 10, 2.5), (3, 12, 2.0)]
    (study,) = read("study,treatment,events,time; x,a,1,250.5; x,b,30,100", "rate")
    assert figures(study, "events", "n", "time", "arm_mix") == [(1, None, 250.5, "a:1"), (30, None, 100.0, "b:1")]
    (study,) = read("study,treatment,events,time,n; x,a,1,250.5,20; x,b,30,100,NA", "rate")
    assert figures(study, "n", "arm_mix") == [(20, "a:20"), (None, "b:1")]


def test_means() -> None:
    """With a standard error, or with the standard deviation and the patients; both in one table."""
    (study,) = read("study,treatment,mean,se; x,a,-1.5,0.25; x,b,2e-1,.5", "pain")
    assert figures(study, "mean", "se", "n", "derived") == [(-1.5, 0.25, None, None), (0.2, 0.5, None, None)]
    (study,) = read("study,treatment,mean,sd,n; x,a,-1.22,3.7,54; x,b,2,1,4", "pain")
    assert figures(study, "se", "n", "derived") == [
        (3.7 / sqrt(54), 54, "se from sd and n"),
        (0.5, 4, "se from sd and n"),
    ]
    (study,) = read("study,treatment,mean,sd,se,n; x,a,1,NA,0.5,; x,b,2,3,,9", "pain")
    assert figures(study, "se", "n") == [(0.5, None), (1.0, 9)]


def test_contrasts_of_an_ordered_outcome() -> None:
    """Contrasts have no categories, whichever columns give them; nothing asks for any."""
    for text in ("effect,se; x,b,a,-0.4,0.2", "estimate,lower,upper; x,b,a,-0.4,-0.8,0"):
        (study,) = read(f"study,treatment,comparator,{text}", "grade")
        assert figures(study, "effect") == [(-0.4,)]
    with pytest.raises(UserError, match="bad: unknown column"):
        read("study,treatment,comparator,effect,se,bad; x,b,a,-0.4,0.2,3", "grade")


def test_ordered_categories() -> None:
    """One column for every category, in whatever order; the cell has the order of the configuration."""
    (study,) = read("study,treatment,good,bad,fair; x,a,3,10,0; x,b,1,0,4", "grade")
    assert figures(study, "categories", "n") == [("bad:10 fair:0 good:3", 13), ("bad:0 fair:4 good:1", 5)]
    assert figures(study, "arm_mix") == [("a:13",), ("b:5",)]


def test_two_arm_contrasts() -> None:
    """The link scale is that of the table; patients and the comparator's standard error may be left out."""
    (study,) = read(f"study,treatment,comparator,effect,se; x,b,a,{log(0.5)!r},0.3", "hr")
    names = ("treatment_arm", "comparator_arm", "treatment_mix", "effect", "se", "baseline_se", "n_treatment")
    assert figures(study, *names) == [("b", "a", "b:1", log(0.5), 0.3, None, None)]
    text = "study,treatment,comparator,effect,se,comparator_se,n_treatment,n_comparator; x,b,a,1,0.3,0.2,30,NA"
    (study,) = read(text, "pain")
    assert figures(study, "baseline_se", "n_treatment", "n_comparator") == [(0.2, 30, None)]
    assert figures(study, "treatment_mix", "comparator_mix") == [("b:30", "a:1")]
    assert figures(study, "method", "assumed", "covariances") == [("table", False, None)]


def test_contrasts_that_share_their_comparator() -> None:
    """Variances of the comparator's mean are the covariances."""
    text = "study,treatment,comparator,effect,se,comparator_se; x,b,a,1,0.5,0.3; x,c,a,2,0.6,0.3"
    (study,) = read(text, "hr")
    assert figures(study, "comparator_arm", "effect", "se", "baseline_se") == [
        ("a", 1.0, 0.5, 0.3),
        ("a", 2.0, 0.6, 0.3),
    ]
    assert study.message is None
    assert as_read(study) == pytest.approx(np.array([[0.25, 0.09], [0.09, 0.36]]))


def as_read(study: TableStudy) -> Any:
    """Return the covariance of the contrasts as the network reads it."""
    return contrast_covariance([{k: "" if v is None else str(v) for k, v in row.items()} for row in study.rows])


def test_all_pairwise_contrasts() -> None:
    """Independent arms with variances 0.1, 0.2, 0.3: contrasts against the first comparator, their covariance 0.1."""
    se = [sqrt(0.1 + 0.2), sqrt(0.1 + 0.3), sqrt(0.2 + 0.3)]
    rows = f"x,b,a,1,{se[0]!r}; x,c,a,3,{se[1]!r}; x,c,b,2,{se[2]!r}"
    (study,) = read(f"study,treatment,comparator,effect,se; {rows}", "hr")
    assert figures(study, "treatment_arm", "comparator_arm", "method", "assumed") == [
        ("b", "a", "printed", False),
        ("c", "a", "printed", False),
    ]
    assert [row["effect"] for row in study.rows] == pytest.approx([1, 3])
    assert as_read(study) == pytest.approx(np.array([[0.3, 0.1], [0.1, 0.4]]))
    assert [row["effect"] for row in study.printed] == [1, 3, 2]
    assert figures(study, "source") == [("t.csv:2; t.csv:3; t.csv:4",)] * 2
    assert study.message
    assert not study.flagged


def test_four_arms_with_covariances() -> None:
    """Every row after the first holds the covariances with those before it."""
    variances = {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}
    pairs = [("b", "a"), ("c", "a"), ("d", "a"), ("c", "b"), ("d", "b"), ("d", "c")]
    rows = "; ".join(f"x,{t},{c},0,{sqrt(variances[t] + variances[c])!r}" for t, c in pairs)
    (study,) = read(f"study,treatment,comparator,effect,se; {rows}", "hr")
    assert [len((row["covariances"] or "").split()) for row in study.rows] == [0, 1, 2]
    assert as_read(study) == pytest.approx(np.diag([0.2, 0.3, 0.4]) + 0.1)


def test_some_pairwise_contrasts() -> None:
    """Without the third pair nobody knows how precise the arms are; patients help, and the assumption is marked."""
    header = "study,treatment,comparator,effect,se,n_treatment,n_comparator"
    (study,) = read(f"{header}; x,b,a,1,0.5,50,50; x,c,a,2,0.5,50,50", "hr")
    assert figures(study, "method", "assumed") == [("reconstructed_assumed", True)] * 2
    assert as_read(study) == pytest.approx(np.array([[0.25, 0.125], [0.125, 0.25]]), rel=1e-6)
    assert study.message


def test_a_missing_pair_with_a_standard_error_of_an_arm() -> None:
    """The comparator's standard error on one of two rows is enough."""
    text = "study,treatment,comparator,effect,se,comparator_se; x,b,a,1,0.5,0.3; x,c,a,2,0.6,"
    (study,) = read(text, "hr")
    assert figures(study, "method") == [("reconstructed",)] * 2
    assert as_read(study) == pytest.approx(np.array([[0.25, 0.09], [0.09, 0.36]]), rel=1e-6)


def test_mixtures_settings_and_covariates() -> None:
    """An arm may mix regimens, a study settings; both are patients, and only shares count."""
    text = "study,treatment,events,n,setting,age; x,a:34 b:3,1,37,first:10 later:5,61.5; x,c,2,40,first:10 later:5,61.5"
    (study,) = read(text, "death")
    assert figures(study, "arm", "arm_mix", "setting_mix", "covariates") == [
        ("a:34 b:3", "a:34 b:3", "first:10 later:5", "age:61.5"),
        ("c", "c:40", "first:10 later:5", "age:61.5"),
    ]
    (study,) = read("study,treatment,events,n,setting,age; x,a,1,37,later,NA; x,c,2,40,later,NA", "death")
    assert figures(study, "setting_mix", "covariates") == [("later:1", "")] * 2
    (study,) = read("study,treatment,comparator,effect,se; x,c:1 d:1,a:34 b:3,1,1", "hr")
    assert figures(study, "treatment_mix", "comparator_mix", "comparator_arm") == [("c:1 d:1", "a:34 b:3", "a:34 b:3")]


def test_other_names() -> None:
    """Columns and treatments may be called otherwise, further columns ignored, studies picked out."""
    text = '\ufeffid,trt,r,n,note\n1,Drug A (2),1,10,"x, y"\n1,a,2,10,\n\n2,a,1,9,\n2,mixed,1,8,\n'
    columns = {"study": "id", "treatment": "trt", "events": "r"}
    treatments = {"Drug A (2)": "A-2", "mixed": "c:3 d:1"}
    one, two = read(text, "death", columns=columns, treatments=treatments, ignore=["note"])
    assert figures(one, "study", "arm", "events") == [("1", "A-2", 1), ("1", "a", 2)]
    assert figures(two, "arm_mix", "source") == [("a:9", "t.csv:5"), ("c:3 d:1", "t.csv:6")]
    (two,) = read(text, "death", columns=columns, treatments=treatments, ignore=["note"], studies=[2])
    assert two.study == "2"


def test_lines_after_quoted_line_breaks() -> None:
    """A line is where a row starts in the file."""
    text = 'study,treatment,events,n,note\n"x",a,1,10,"two\nlines"\nx,b,1,10,\n'
    (study,) = read(text, "death", ignore=["note"])
    assert figures(study, "source") == [("t.csv:2",), ("t.csv:4",)]


def test_a_column_of_outcomes() -> None:
    """One table may hold several outcomes, each with the columns that it needs."""
    text = (
        "study,treatment,outcome,events,n,mean,se; x,a,death,1,10,,; x,b,death,2,10,,; x,a,pain,,,1.5,1; x,b,pain,,,2,1"
    )
    death, pain = read(text, None)
    assert (death.outcome, pain.outcome) == ("death", "pain")
    assert figures(death, "events") == [(1,), (2,)]
    assert figures(pain, "mean") == [(1.5,), (2.0,)]


ARMS = "study,treatment,events,n; x,a,1,10; x,b,2,10"
PAIR = "study,treatment,comparator,effect,se; x,b,a,1,0.5"
STAR = "study,treatment,comparator,effect,se,comparator_se; x,b,a,1,0.5,0.3; x,c,a,2,0.6,0.3"

# name: outcome, table, text to replace, its replacement, what the line says
MISTAKES = {
    "an unknown column": (
        "death",
        ARMS,
        "events",
        "evnts",
        "t.csv:1: evnts: unknown column; did you mean events? allowed: ",
    ),
    "a column not asked for": (
        "death",
        ARMS.replace(",10", ",10,5"),
        "n;",
        "n,age2;",
        "t.csv:1: age2: unknown column; did you mean age?",
    ),
    "a missing column": (
        "death",
        ARMS,
        "study,treatment,events",
        "study,treatment,age",
        "no column events; needed: study, ",
    ),
    "a missing column of times": (
        "relapse",
        ARMS,
        "",
        "",
        "t.csv:1: no column time; needed: study, treatment, events, n, time",
    ),
    "no standard error": ("pain", "study,treatment,mean,n; x,a,1,9; x,b,1,9", "", "", "t.csv:1: no column se; needed:"),
    "no effects": (
        "hr",
        "study,treatment; x,a; x,b",
        "",
        "",
        "t.csv:1: no column comparator; needed: study, treatment, ",
    ),
    "a column twice": ("death", ARMS, "events,n", "n,n", "t.csv:1: n: this column occurs twice"),
    "a short row": ("death", ARMS, "a,1,10", "a,1", "t.csv:2: 3 cells; allowed: 4, as in the header"),
    "a long row": ("death", ARMS, "a,1,10", "a,1,10,", "t.csv:2: 5 cells; allowed: 4"),
    "an unknown treatment": (
        "death",
        ARMS,
        "x,b",
        "x,e",
        "t.csv:3: treatment = 'e': unknown treatment; allowed: a, b, c, d, A-2",
    ),
    "an unknown part": ("death", ARMS, "x,b", "x,b:3 e:4", "treatment = 'b:3 e:4': unknown treatment; allowed: a, b"),
    "a bad mixture": ("death", ARMS, "x,b", "x,b:3 c:0", "treatment = 'b:3 c:0': allowed: one name, or a mixture"),
    "a mixture of one": ("death", ARMS, "x,b", "x,b:3 b:1", "treatment = 'b:3 b:1': allowed: one name, or a mixture"),
    "more events than patients": (
        "death",
        ARMS,
        "b,2",
        "b,11",
        "t.csv:3: events = '11': more events than patients; allowed: 0 to 10",
    ),
    "negative events": ("death", ARMS, "b,2", "b,-2", "events = '-2': allowed: a whole number, 0 or more"),
    "part of an event": ("death", ARMS, "b,2", "b,2.5", "events = '2.5': allowed: a whole number, 0 or more"),
    "no patients": ("death", ARMS, "b,2,10", "b,0,0", "n = '0': allowed: a whole number, 1 or more"),
    "a word": ("death", ARMS, "b,2", "b,two", "events = 'two': not a number; allowed: a number such as 12"),
    "an empty cell": ("death", ARMS, "b,2", "b,", "t.csv:3: events = '': not a number"),
    "a missing value": ("death", ARMS, "b,2", "b,NA", "events = 'NA': not a number"),
    "infinity": ("pain", "study,treatment,mean,se; x,a,1,1; x,b,inf,1", "", "", "t.csv:3: mean = 'inf': not a number"),
    "more than any number": (
        "pain",
        "study,treatment,mean,se; x,a,1,1; x,b,1e999,1",
        "",
        "",
        "mean = '1e999': not a number",
    ),
    "a missing study": ("death", ARMS, "x,b", "NA,b", "t.csv:3: study = 'NA': a missing value, as R writes one"),
    "no study": ("death", ARMS, "x,b", ",b", "t.csv:3: study = '': an empty cell; allowed: any text"),
    "an arm twice": (
        "death",
        ARMS,
        "x,b",
        "x,a",
        "treatment = 'a': study x has this arm already, in line 2; the same patients: keep one",
    ),
    "one arm": ("death", ARMS, "x,b", "y,b", "t.csv:2: study = 'x': this study has one arm; allowed: two or more"),
    "no time": (
        "rate",
        "study,treatment,events,time; x,a,1,0; x,b,1,1",
        "",
        "",
        "t.csv:2: time = '0': allowed: a number above 0",
    ),
    "a negative error of a mean": (
        "pain",
        "study,treatment,mean,se; x,a,1,-1; x,b,1,1",
        "",
        "",
        "t.csv:2: se = '-1': allowed: a number above 0",
    ),
    "neither se nor sd": (
        "pain",
        "study,treatment,mean,se,sd,n; x,a,1,1,,; x,b,1,,3,",
        "",
        "",
        "t.csv:3: n = '': allowed: a standard error, or sd and n",
    ),
    "an empty arm of categories": (
        "grade",
        "study,treatment,bad,fair,good; x,a,1,2,3; x,b,0,0,0",
        "",
        "",
        "t.csv:3: bad = '0': no patient in any category; allowed: at least one",
    ),
    "a missing category": (
        "grade",
        "study,treatment,bad,good; x,a,1,2; x,b,0,0",
        "",
        "",
        "t.csv:1: no column fair; needed: study, treatment, bad, fair, good",
    ),
    "a negative standard error": ("hr", PAIR, "0.5", "-0.5", "t.csv:2: se = '-0.5': allowed: a number above 0"),
    "an arm against itself": (
        "hr",
        PAIR,
        "b,a",
        "a,a",
        "t.csv:2: comparator = 'a': treatment and comparator are the same",
    ),
    "an unknown comparator": ("hr", PAIR, "b,a", "b,z", "t.csv:2: comparator = 'z': unknown treatment; allowed: a, b"),
    "a pair twice": (
        "hr",
        STAR,
        "x,c,a,2",
        "x,a,b,2",
        "t.csv:3: treatment = 'a': study x compares these two already, in line 2",
    ),
    "two errors of one arm": (
        "hr",
        STAR,
        "0.6,0.3",
        "0.6,0.4",
        "t.csv:3: comparator_se = '0.4': allowed: 0.3, as on line 2",
    ),
    "two sizes of one arm": (
        "hr",
        "study,treatment,comparator,effect,se,n_comparator; x,b,a,1,0.5,30; x,c,a,1,0.5,31",
        "",
        "",
        "t.csv:3: n_comparator = '31': allowed: 30, as on line 2: it is the same arm",
    ),
    "an arm less certain than its contrast": (
        "hr",
        STAR,
        "0.6,0.3",
        "0.6,0.7",
        "t.csv:3: comparator_se = '0.7': allowed: less than the standard error of the contrast, 0.6",
    ),
    "arms that are not connected": (
        "hr",
        "study,treatment,comparator,effect,se; x,b,a,1,1; x,d,c,1,1",
        "",
        "",
        "t.csv:2: study = 'x': the printed comparisons do not connect the arms a, b, c, d",
    ),
    "an unknown setting": (
        "death",
        "study,treatment,events,n,setting; x,a,1,10,third; x,b,2,10,third",
        "",
        "",
        "t.csv:2: setting = 'third': unknown setting; allowed: first, later",
    ),
    "two settings of one study": (
        "death",
        "study,treatment,events,n,setting; x,a,1,10,first; x,b,2,10,later",
        "",
        "",
        "t.csv:3: setting = 'later': must be the same on every line of study x, as on line 2",
    ),
    "two values of a covariate": (
        "death",
        "study,treatment,events,n,age; x,a,1,10,60; x,b,2,10,61",
        "",
        "",
        "t.csv:3: age = '61': must be the same on every line of study x",
    ),
    "an unknown outcome": (
        None,
        "study,treatment,outcome,events,n; x,a,deth,1,10",
        "",
        "",
        "t.csv:2: outcome = 'deth': unknown outcome; allowed: hr, death, relapse, rate, pain, grade",
    ),
    "no column of outcomes": (None, ARMS, "", "", "t.csv:1: no column outcome; needed: study, treatment, outcome"),
    "no column for one of the outcomes": (
        None,
        "study,treatment,outcome,mean,se; x,a,death,1,10; x,b,death,1,10",
        "",
        "",
        "t.csv:2: outcome = 'death': there is no column events; death needs events, n",
    ),
    "a header alone": ("death", "study,treatment,events,n", "", "", "t.csv: the table has no rows"),
    "an empty file": ("death", "", "", "", "t.csv: the table is empty"),
    "an open quote": ("death", ARMS, "x,b", '"x,b', "t.csv:3: not valid CSV: unexpected end of data"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name: str) -> None:
    """File, line, column, value and what is allowed, in one line."""
    outcome, table, old, new, says = MISTAKES[name]
    assert old in table
    with pytest.raises(UserError) as error:
        read(table.replace(old, new, 1) if old else table, outcome)
    message = str(error.value)
    assert says in message
    assert message.startswith("t.csv")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"file": "u.csv"}, "evidence.0.file = 'u.csv': no such file"),
        (
            {"columns": {"events": "r"}},
            "evidence.0.columns.events = 'r': no such column in t.csv; allowed: study, trea",
        ),
        ({"columns": {"evnts": "events"}}, "evidence.0.columns.evnts = 'events': unknown column; did you mean events?"),
        ({"columns": {"events": "n", "n": "n"}}, "evidence.0.columns.n = 'n': this column is events already"),
        ({"columns": {"events": "n"}}, "evidence.0.columns.events = 'n': t.csv has a column events too; ignore it"),
        ({"ignore": ["note"]}, "evidence.0.ignore.0 = 'note': no such column in t.csv; allowed: study, treatment"),
        ({"treatments": {"A": "e"}}, "evidence.0.treatments.A = 'e': unknown regimen; allowed: a, b, c, d, A-2"),
        ({"treatments": {"A": "a:1 e:1"}}, "evidence.0.treatments.A = 'a:1 e:1': unknown regimen; allowed: a, b"),
        ({"studies": ["y"]}, "evidence.0.studies.0 = 'y': no such study in t.csv; allowed: x"),
    ],
)
def test_mistakes_in_the_entry(entry: dict[str, Any], says: str) -> None:
    """What the configuration says about a table is reported there."""
    with pytest.raises(UserError) as error:
        read(ARMS, "death", **entry)
    assert str(error.value).startswith(f"config.yaml:1: {says}")


def test_other_encodings(folder: Path) -> None:
    """Text must be UTF-8."""
    (folder / "t.csv").write_bytes("study,treatment,events,n\nMüller,a,1,2\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"^t\.csv: not UTF-8 text: invalid start byte at byte 26; save it as UTF-8$"):
        read_studies(EvidenceTable(file="t.csv", outcome="death"), VOCABULARY, complain)


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12).filter(
    "NA".__ne__
)
ARM_FIGURES = st.tuples(st.integers(0, 10**6), st.integers(1, 10**6)).map(lambda pair: (min(pair), max(pair)))
STUDIES = st.dictionaries(
    NAMES, st.dictionaries(st.sampled_from(VOCABULARY.regimens), ARM_FIGURES, min_size=2), min_size=1, max_size=6
)


@given(STUDIES, st.booleans())
def test_counts_survive_the_table(studies: dict[str, dict[str, tuple[int, int]]], quoted: bool) -> None:
    """Whatever studies are called, their counts are what was written."""
    text = StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    writer.writerow(["study", "treatment", "events", "n"])
    writer.writerows([study, *arm] for study, arms in studies.items() for arm in ((t, *f) for t, f in arms.items()))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "t.csv"
        file.write_bytes(text.getvalue().encode("utf-8"))
        found = read_studies(EvidenceTable(file=str(file), outcome="death"), VOCABULARY, complain)
    assert {s.study: {row["arm"]: (row["events"], row["n"]) for row in s.rows} for s in found} == studies


FLOATS = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(st.lists(st.tuples(FLOATS, st.floats(1e-6, 1e6)), min_size=2, max_size=5))
def test_means_survive_the_table(arms: list[tuple[float, float]]) -> None:
    """Floats as Python writes them read back as they were."""
    rows = [f"x,{t},{mean!r},{se!r}" for t, (mean, se) in zip(VOCABULARY.regimens, arms, strict=False)]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "t.csv"
        file.write_text("\n".join(["study,treatment,mean,se", *rows]), encoding="utf-8")
        (study,) = read_studies(EvidenceTable(file=str(file), outcome="pain"), VOCABULARY, complain)
    assert figures(study, "mean", "se") == arms


def project_of(outcome: dict[str, Any], *tables: str, **changes: Any) -> tuple[Path, Project]:
    """Read a project of one outcome `y` and some tables."""
    entries = []
    for i, text in enumerate(tables):
        Path(f"t{i}.csv").write_text(text.replace("; ", "\n") + "\n", encoding="utf-8")
        entries.append({"file": f"t{i}.csv", "outcome": "y"})
    config = {
        "evidence": entries,
        "treatments": {"reference": "a", "regimens": {"a": "A", "b": "B", "c": "C"}},
        "seed": 1,
        "outcomes": {"y": {"label": "Y", "better": "lower", "prior": "p", **outcome}},
        "models": {"random": {"heterogeneity": True}},
        "headline": "random",
        "priors": {"p": {"effect": 10, "tau": 2, "omega": 1}},
        "sampler": yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))["sampler"],
        "analyses": {"all": {"label": "All", **changes}},
    }
    file = Path("config.yaml")
    file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return file, read_project(file)


def network(file: Path, project: Project) -> Any:
    """Assemble the data of the only fit, as a job would."""
    check_networks(project, file)
    rows = list(csv.DictReader(StringIO(evidence_csv(project, "all", "y"))))
    structure = Structure.of(treatments_of(project))
    return network_data(rows, structure, fit_settings(project, "all", "y").likelihood)


RATIO, DIFFERENCE = {"measure": "OR", "margin": 0.8}, {"measure": "MD", "margin": -0.5}
KINDS: dict[str, tuple[dict[str, Any], str, Callable[[Any], bool]]] = {
    "binomial_logit": (
        RATIO,
        ARMS,
        lambda data: data.counts.counts.tolist() == [[1, 10], [2, 10]] and data.counts.offset.tolist() == [0, 0],
    ),
    "binomial_cloglog": (
        {**RATIO, "measure": "HR", "likelihood": "binomial_cloglog"},
        "study,treatment,events,n,time; x,a,1,10,2; x,b,3,12,4",
        lambda data: data.counts.offset.tolist() == [log(2), log(4)],
    ),
    "poisson_log": (
        {**RATIO, "measure": "IRR"},
        "study,treatment,events,time; x,a,1,200; x,b,3,400",
        lambda data: data.counts.events.tolist() == [1, 3] and data.counts.offset.tolist() == [log(200), log(400)],
    ),
    "normal": (
        DIFFERENCE,
        "study,treatment,mean,se; x,a,1,0.3; x,b,3,0.4",
        lambda data: data.gaussian.means.y.tolist() == [1, 3] and np.allclose(abs(data.gaussian.y), 2 / 0.5),
    ),
    "ordered_logit": (
        {**RATIO, "likelihood": "ordered_logit", "categories": ["bad", "fair", "good"]},
        "study,treatment,good,fair,bad; x,a,3,2,0; x,b,6,5,4",
        lambda data: data.counts.counts.tolist() == [[0, 2, 3], [4, 5, 6]],
    ),
    "contrasts": (
        {"measure": "HR", "margin": 0.8},
        PAIR,
        lambda data: np.allclose(abs(data.gaussian.y), 1 / 0.5),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_tables_reach_the_network(kind: str) -> None:
    """Every kind of table is read into the data of its likelihood."""
    outcome, table, check = KINDS[kind]
    file, project = project_of(outcome, table)
    assert project.config.outcomes["y"].likelihood == kind
    data = network(file, project)
    assert check(data)
    assert data.studies == ("x",)


def test_mixed_evidence() -> None:
    """Some studies by their arms, some by contrasts: one table with the columns of both, contrasts first."""
    file, project = project_of(DIFFERENCE, "study,treatment,mean,se; x,a,1,0.3; x,b,3,0.4", PAIR.replace("x", "y"))
    columns = evidence_columns(project, "y")
    assert len(columns) == len(set(columns))
    assert columns[:4] == ("study", "contrast_set", "treatment_arm", "comparator_arm")
    assert {"arm", "arm_mix", "mean"} <= set(columns)
    assert not {"events", "time", "categories"} & set(columns)
    data = network(file, project)
    assert data.points == (("y", "b against a"), ("x", "a"), ("x", "b"))
    assert evidence_columns(project_of(DIFFERENCE, PAIR)[1], "y")[10] == "effect"


@pytest.mark.parametrize(
    ("outcome", "table", "reason"),
    [
        (RATIO, ARMS.replace("a,1", "a,0").replace("b,2", "b,0"), "uninformative: no patient of any arm had the event"),
        (RATIO, ARMS.replace("a,1", "a,10").replace("b,2", "b,10"), "uninformative: every patient of every arm had"),
        (RATIO, ARMS.replace("a,1", "a,0").replace("b,2", "b,10"), None),
        (KINDS["poisson_log"][0], "study,treatment,events,time,n; x,a,5,2,5; x,b,5,4,5", None),
        (KINDS["poisson_log"][0], "study,treatment,events,time; x,a,0,2; x,b,0,4", "uninformative: no patient of any"),
        (KINDS["binomial_cloglog"][0], "study,treatment,events,n,time; x,a,5,5,2; x,b,5,5,4", "uninformative: every"),
        (
            KINDS["ordered_logit"][0],
            "study,treatment,bad,fair,good; x,a,5,0,0; x,b,5,0,0",
            "uninformative: every patient",
        ),
        (KINDS["ordered_logit"][0], "study,treatment,bad,fair,good; x,a,5,0,0; x,b,0,0,5", None),
    ],
)
def test_uninformative_studies(outcome: dict[str, Any], table: str, reason: str | None) -> None:
    """They stay in use, marked and with the reason."""
    rows = select_evidence(project_of(outcome, table)[1], "all", "y")
    assert all(row["used"] and row["informative"] == (reason is None) for row in rows)
    assert all((row["reason"] or "").startswith(reason or "") for row in rows)
    assert bool(rows[0]["reason"]) == bool(reason)


def test_excluded_studies() -> None:
    """Analyses leave out studies of tables by the names that these have there."""
    table = ARMS + "; De Fronzo (1995),a,1,2; De Fronzo (1995),b,1,2"
    _, project = project_of(RATIO, table, exclude={"De Fronzo (1995)": "too old"})
    assert [row["used"] for row in select_evidence(project, "all", "y")] == [True, True, False]
    with pytest.raises(UserError, match=r"exclude\.z = 'z': unknown study; allowed: x, De Fronzo \(1995\)"):
        project_of(RATIO, table, exclude={"z": "unknown"})
    with pytest.raises(UserError, match="every study is excluded"):
        project_of(RATIO, ARMS, exclude={"x": "bad"})


def test_a_study_in_two_tables() -> None:
    """One outcome of one study comes from one table."""
    with pytest.raises(UserError) as error:
        project_of(DIFFERENCE, "study,treatment,mean,se; z,a,1,1; z,b,1,1; x,a,1,0.3; x,b,3,0.4", PAIR)
    assert str(error.value) == "t1.csv:2: study = 'x': this study gives y already, in t0.csv:4; allowed: one source"


def test_contrasts_put_together_are_audited() -> None:
    """What was printed and what was made of it stand in the table of effects, how in the audit."""
    pairs = "x,b,a,1,0.5; x,c,a,2,0.6; x,c,b,1.5,0.1"
    _, project = project_of({"measure": "HR", "margin": 0.8}, f"study,treatment,comparator,effect,se; {pairs}")
    rows = effect_rows(project)
    assert [row["selected"] for row in rows] == [True, True, False, False, False]
    assert [row["log_effect"] for row in rows[2:]] == [1, 2, 1.5]
    assert all(np.isclose(log(row["estimate"]), row["log_effect"]) for row in rows)
    (finding,) = audit_rows(project)
    assert (finding["study"], finding["item"], finding["check"]) == ("x", "y", "pairwise_intervals")
    assert finding["severity"] == "error"  # 0.5 is 5 standard errors of c against b
    assert "do not add up" in finding["message"]


@pytest.mark.parametrize(
    ("name", "arms"),
    [("smoking", {"cessation": 50}), ("parkinsons", {"off_time_arms": 15}), ("diabetes", {"hba1c": 53})],
)
def test_the_examples(name: str, arms: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped data sets pass their checks and hold the arms of the published ones."""
    monkeypatch.chdir(ROOT)
    file = Path(f"config/examples/{name}.yaml")
    project = read_project(file)
    check_networks(project, file)
    for outcome, n in arms.items():
        assert len(select_evidence(project, name, outcome)) == n
    assert {analysis for analysis, _ in fits(project.config)} == {name}


def test_contrasts_of_the_example_are_those_of_its_arms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both tables of the Parkinson example say the same."""
    monkeypatch.chdir(ROOT)
    project = read_project(Path("config/examples/parkinsons.yaml"))
    means = {(r["study"], r["arm"]): r for r in select_evidence(project, "parkinsons", "off_time_arms")}
    contrasts = select_evidence(project, "parkinsons", "off_time_contrasts")
    assert len(contrasts) == 8
    for row in contrasts:
        t, c = (means[row["study"], row[f"{end}_arm"]] for end in ("treatment", "comparator"))
        assert row["effect"] == pytest.approx(t["mean"] - c["mean"])
        assert row["se"] == pytest.approx(sqrt(t["se"] ** 2 + c["se"] ** 2), abs=1e-6)
        assert row["baseline_se"] == pytest.approx(c["se"], abs=1e-6)
        assert (row["n_treatment"], row["n_comparator"]) == (t["n"], c["n"])


@pytest.mark.parametrize("name", ["smoking", "parkinsons", "diabetes"])
def test_baselines_and_classes_of_the_examples(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models and priors behind the published figures."""
    monkeypatch.chdir(ROOT)
    config = read_project(Path(f"config/examples/{name}.yaml")).config
    (prior,) = config.priors.values()
    assert (prior.effect, prior.tau, prior.baseline) == (100, HalfNormal(5), 100)
    assert config.headline == "random"
    if name == "smoking":
        assert list(config.models) == ["fixed", "random", "class_fixed", "class_random"]
        assert [model.classes for model in config.models.values()] == [False, False, True, True]
    elif name == "parkinsons":
        baselines = [outcome.baseline for outcome in config.outcomes.values()]
        assert all(b and (b.regimen, b.mean, round(1 / b.sd**2, 5)) == ("placebo", -0.73, 21) for b in baselines)
