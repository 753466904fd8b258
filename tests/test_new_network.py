"""A configuration written for a table: it runs as it is, and says what was chosen and what only the user can say."""

from pathlib import Path
from typing import Any

import pytest
from secondline.errors import UserError
from secondline.evidence.selection import select_evidence
from secondline.project.read import read_project
from secondline.tools import new_network
from secondline.tools.new_network import Wanted, write_network

from tests.conftest import ROOT

FORMATS = ROOT / "tests/data/formats"
NAMES = sorted(file.name for file in FORMATS.iterdir() if file.suffix != ".md")
GROUPS = {"Experimental group label": "counselling", "Control group label": "none"}
SAID: dict[str, dict[str, Any]] = {
    **{name: {"measure": "MD"} for name in NAMES if "contrasts" in name},
    "revman_data_rows.csv": {"entry": {"common": GROUPS}},
}
"""What the columns of a file do not say."""
ARMS = (
    "study,treatment,events,n\nA,No treatment (usual),1,20\nA,Drug A: 10 mg,2,20\nB,No treatment (usual),1,20\n"
    "B,3,5,20\n"
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


def write(text: str, **said: Any) -> tuple[Path, list[str]]:
    """Write a table and its configuration."""
    Path("t.csv").write_text(text, encoding="utf-8")
    file, lines = write_network(Wanted("t.csv", **{"better": "lower", **said}))
    return file, list(lines)


@pytest.mark.parametrize("name", NAMES)
def test_every_format(name: str) -> None:
    """Every example becomes a configuration of ten to twenty lines that reads all of its rows."""
    Path(name).write_bytes((FORMATS / name).read_bytes())
    file, said = write_network(Wanted(name, better="higher", **SAID.get(name, {})))
    assert len(said) == 3 and said[0].startswith(f"{name}: ") and "all used" in said[0]
    assert said[2] == f"{file}: next, make results CONFIG={file}"
    assert 10 <= len(file.read_text(encoding="utf-8").splitlines()) <= 20
    project = read_project(file)
    assert select_evidence(project, "main", "outcome")
    assert said[1].startswith(f"measure {project.config.outcomes['outcome'].measure} (")
    named = {
        row[end] for study in project.tables for row in study.rows for end in ("arm", "treatment_arm") if end in row
    }
    assert named <= set(project.treatments.regimens)


def test_treatments_of_the_table() -> None:
    """Names keep all of their letters as labels, a number is a name, and the reference is the commonest."""
    file, said = write(ARMS)
    treatments = read_project(file).treatments
    assert {name: regimen.label for name, regimen in treatments.regimens.items()} == {
        "No_treatment_usual": "No treatment (usual)",
        "Drug_A_10_mg": "Drug A: 10 mg",
        "3": "3",
    }
    assert treatments.reference == "No_treatment_usual"
    assert said[1] == (
        "measure OR (by its columns; --measure RR, RD), lower is better, No treatment (usual) is the reference (in 2 "
        "of 2 studies; --reference names another)"
    )


def test_names_that_become_one_word() -> None:
    """A+B and A/B are two treatments; letters of another alphabet make no word of ours, and are labels all the same."""
    text = "study,treatment,events,n\nA,A+B,1,20\nA,A/B,2,20\nB,A+B,1,20\nB,安慰剂,5,20\n"
    treatments = read_project(write(text)[0]).treatments
    assert {name: one.label for name, one in treatments.regimens.items()} == {
        "A_B": "A+B",
        "A_B_2": "A/B",
        "treatment": "安慰剂",
    }


def test_two_spellings() -> None:
    """Placebo and placebo are one treatment or two: nobody guesses which, and the entry of the table decides."""
    text = "study,treatment,events,n\nA,Placebo,1,20\nA,x,2,20\nB,placebo,1,20\nB,y,5,20\n"
    with pytest.raises(UserError) as error:
        write(text)
    assert str(error.value) == (
        "t.csv:4: treatment = 'placebo': 'Placebo' stands in t.csv:2; write both alike, or under treatments "
        "{placebo: Placebo}"
    )
    assert not Path("t.yaml").exists()
    file, _ = write(text.replace("placebo", "Placebo"))
    Path("t.csv").write_text(text, encoding="utf-8")
    entry = 'file: "t.csv", outcome: outcome'
    config = file.read_text(encoding="utf-8").replace(entry, f"{entry}, treatments: {{placebo: Placebo}}")
    assert config.count("{placebo: Placebo}") == 1
    file.write_text(config, encoding="utf-8")
    assert list(read_project(file).treatments.regimens) == ["Placebo", "x", "y"]


def test_columns_that_are_not_read_are_named() -> None:
    """Nothing is dropped in silence: on the terminal and in the configuration."""
    text = "study,treatment,events,n,country\nA,a,1,20,SE\nA,b,2,20,SE\n"
    file, said = write(text)
    assert said[0] == "t.csv: a tidy table (one row per arm); 2 rows, all used; not read: country"
    assert read_project(file).config.evidence[0].ignore == ["country"]


def test_the_size_of_differences() -> None:
    """Priors of a difference in means go by the standard deviation of the outcome, here 20 to one digit."""
    text = "study,treatment,mean,sd,n\nA,a,100,18,20\nA,b,90,22,20\n"
    config = read_project(write(text)[0]).config
    prior = config.priors["vague"]
    assert (prior.effect, prior.tau.scale) == (200, 20)
    assert config.outcomes["outcome"].margin == -4
    config = read_project(write(text, measure="SMD", out=Path("smd.yaml"))[0]).config
    assert config.outcomes["outcome"].likelihood == "normal"


ERRORS: dict[str, tuple[str, dict[str, Any], str]] = {
    "direction": (
        ARMS,
        {"better": None},
        "--better: no column says which direction is better for the patient; allowed",
    ),
    "bad direction": (ARMS, {"better": "up"}, "--better = 'up': no column says which"),
    "measure of contrasts": (
        "study,treatment,comparator,effect,se\nA,a,b,1,1\n",
        {},
        "t.csv: the columns do not say which measure this is; say --measure, one of: HR, OR, RR,",
    ),
    "measure of times": (
        "study,treatment,events,n,time\nA,a,1,9,2\nA,b,1,9,2\n",
        {},
        "t.csv: the columns do not say which measure this is; say --measure, one of: HR, IRR; HR where time is the",
    ),
    "another measure": (ARMS, {"measure": "MD"}, "--measure = 'MD': these columns allow: OR"),
    "a measure that contradicts its column": (
        "study,treat1,treat2,hr,lower,upper\nx,a,b,0.5,0.4,0.7\n",
        {"measure": "OR"},
        "t.csv: --measure = 'OR': column hr says HR",
    ),
    "reference": (
        ARMS,
        {"reference": "x"},
        "--reference = 'x': no such treatment; allowed: No treatment (usual), Drug A",
    ),
    "no figures": (
        "study,treatment,colour\nA,a,red\n",
        {},
        "t.csv: nothing to analyse in columns study, treatment, col",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_only_the_user_can_say(name: str) -> None:
    """One line that names the option and the choices; nothing is written."""
    text, said, says = ERRORS[name]
    with pytest.raises(UserError) as error:
        write(text, **said)
    assert str(error.value).startswith(says)
    assert not Path("t.yaml").exists()


def test_studies_that_nothing_links_to_the_reference() -> None:
    """They are excluded with that reason, which stands in the configuration and is said."""
    file, said = write("study,treatment,events,n\nA,a,1,9\nA,b,1,9\nB,c,1,9\nB,d,1,9\nC,a,1,9\nC,b,2,9\n")
    assert said[2] == "not linked to the reference, and excluded with that reason: B"
    project = read_project(file)
    assert project.config.analyses["main"].exclude == {"B": "no chain of comparisons links it to a"}
    assert {row["study"] for row in select_evidence(project, "main", "outcome") if row["used"]} == {"A", "C"}


def test_a_file_that_is_there_is_left() -> None:
    """Nothing is overwritten."""
    Path("t.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match=r"t\.yaml: this file is there already; it is left as it is; --out names"):
        write(ARMS)
    assert Path("t.yaml").read_text(encoding="utf-8") == "mine"
    assert write(ARMS, out=Path("other.yaml"))[0] == Path("other.yaml")


@pytest.mark.parametrize(
    ("treatments", "says"),
    [
        ("{from_table: true, reference: x}", "treatments.reference = 'x': no table has this treatment; allowed: No"),
        ("{from_table: false, reference: x}", "treatments.from_table = False: allowed: true; without tables"),
        (
            "{from_table: true, reference: x, regimens: {}}",
            "treatments.regimens = {}: unknown key; allowed: from_table, ref",
        ),
    ],
)
def test_mistakes_in_the_entry(treatments: str, says: str) -> None:
    """One line with file and line."""
    file, _ = write(ARMS)
    lines = [
        f"treatments: {treatments}" if line.startswith("treatments") else line
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_project(file)
    assert str(error.value).startswith("t.yaml:5: ") and says in str(error.value)


def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The words of the command line, and with --check the data at once."""
    Path("t.csv").write_text("trial;arm;cases;n\nA;a;1;9\nA;b;-;9\nB;a;1;9\nB;b;2;9\n", encoding="utf-8")
    words = ["t.csv", "--better", "lower", "--columns", "study=trial", "--columns", "treatment=arm", "--check"]
    monkeypatch.setattr("sys.argv", ["x", *words, "--columns", "events=cases", "--missing", "-"])
    with pytest.raises(SystemExit):
        new_network.main()
    assert (
        capsys.readouterr().err
        == "error: t.csv:3: cases = 'NA': not a number; allowed: a number such as 12 or -0.31, up to 1e+12\n"
    )
    Path("t.csv").write_text("trial;arm;cases;n\nA;a;1;9\nA;b;3;9\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["x", *words, "--columns", "events=cases"])
    new_network.main()
    printed = capsys.readouterr().out
    assert printed.startswith(
        "t.csv: semicolons separate the columns; a tidy table (one row per arm); 2 rows, all used\n"
    )
    assert "Networks, and the evidence on each pair of treatments" in printed
