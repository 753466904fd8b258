"""The page on data of one's own: its tables, configurations and code are used as a reader would use them."""

import csv
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from secondline.errors import UserError
from secondline.evidence.audit import audit_project
from secondline.evidence.selection import select_evidence
from secondline.likelihoods import LIKELIHOODS
from secondline.project.formats.registry import READERS
from secondline.project.read import read_project
from secondline.tools.check import summary

from tests.conftest import ROOT

TEXT = (ROOT / "docs/your-data.md").read_text(encoding="utf-8")
CONFIG = Path("my.yaml")


def blocks(kind: str) -> list[str]:
    """Blocks of the page."""
    return re.findall(rf"```{kind}\n(.*?)```", TEXT, flags=re.DOTALL)


ARMS, ORDERED, CONTRASTS = blocks("csv")
WHOLE, OF_CONTRASTS, TRANSLATED = blocks("yaml")
REGISTRY = "trial,arm,responders,randomised,country\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write what the page says to write."""
    for name, text in (("trials.csv", ARMS), ("contrasts.csv", CONTRASTS), ("my.yaml", WHOLE)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def change(text: str) -> None:
    """Put a snippet in the place of what it replaces, which it names in its first line."""
    keys = yaml.safe_load(text)
    first = text.splitlines()[0]
    assert first == f"# my.yaml, in place of {' and '.join(f'{key}:' for key in keys)}:".replace("::", ":")
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8")) | keys
    CONFIG.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def evidence(outcome: str) -> list[dict[str, Any]]:
    """Read the evidence on an outcome; the audit has nothing against it."""
    project = read_project(CONFIG)
    assert audit_project(project) == []
    return select_evidence(project, "main", outcome)


def test_one_row_per_arm() -> None:
    """The table and the configuration, as they are."""
    rows = evidence("response")
    assert len(rows) == len(ARMS.splitlines()) - 1 == 9
    assert [(row["events"], row["n"]) for row in rows if row["study"] == "Davis 2022"] == [(0, 25), (4, 24), (3, 26)]
    shown = summary(read_project(CONFIG))
    assert re.search(r"^ +main +response +4 +none +3 +connected +3 direct$", shown, re.MULTILINE)


def test_rows_of_ordered_categories() -> None:
    """They are those of the trials of psoriasis, which tests/test_cutoffs.py reads as they are."""
    shown = list(csv.DictReader(ORDERED.splitlines()))
    with (ROOT / "tests/data/psoriasis/trials.csv").open(newline="", encoding="utf-8") as file:
        trials = [{name: row[name] for name in shown[0]} for row in csv.DictReader(file)]
    assert len(shown) == 3 and [row for row in shown if row not in trials] == []


def test_one_row_per_contrast() -> None:
    """Ratios and limits as printed: the log of 0.74, and the width of 0.55 to 1.00 over 2 times 1.96."""
    change(OF_CONTRASTS)
    first, *others = evidence("survival")
    assert first["effect"] == pytest.approx(-0.30111, abs=1e-5)
    assert first["se"] == pytest.approx(0.15251, abs=1e-5)  # 0.59784 / 3.91993
    assert len(others) == 2


def test_both_in_one_network() -> None:
    """Arms of four studies and contrasts of three others; a study in both tables is refused."""
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    config["evidence"].append({"file": "contrasts.csv", "outcome": "response"})
    CONFIG.write_text(yaml.safe_dump(config), encoding="utf-8")
    assert len({row["study"] for row in evidence("response")}) == 7
    Path("contrasts.csv").write_text(CONTRASTS.replace("Evans 2019", "Adams 2019"), encoding="utf-8")
    with pytest.raises(UserError, match="Adams 2019"):
        read_project(CONFIG)


def test_a_table_with_its_own_names() -> None:
    """Names of columns and of treatments are translated, a mixed arm among them; a column is ignored."""
    change(TRANSLATED)
    lines = ["A,sugar pill,3,30,SE", "A,ALPHA 10 mg,5,30,SE", "B,sugar pill,4,35,NO", "B,combination arm,9,37,NO"]
    Path("registry.csv").write_text(REGISTRY + "\n".join(lines) + "\n", encoding="utf-8")
    found = [(row["arm_mix"], row["events"], row["n"]) for row in evidence("response")]
    assert found == [("placebo:30", 3, 30), ("alpha:30", 5, 30), ("placebo:35", 4, 35), ("alpha:34 beta:3", 9, 37)]


LAYOUTS = {
    "tidy": "study,treatment,events,n\nA,placebo,1,20\nA,alpha,2,20\n",
    "arms": "Study;T;R;N\nA;placebo;1;20\nA;alpha;2;20\n",
    "wide": "study\ttreat1\tevent1\tn1\ttreat2\tevent2\tn2\nA\tplacebo\t1\t20\talpha\t2\t20\n",
    "contrasts": "studlab,treat1,treat2,TE,seTE\nA,alpha,placebo,0.7,1.2\n",
    "reference_rows": "study,treatment,diff,std.err\nA,placebo,NA,NA\nA,alpha,0.7,1.2\n",
    "two_groups": "study,event.e,n.e,event.c,n.c\nA,2,20,1,20\n",
    "wide_contrasts": "study,t1,t2,logOR2,selogOR2\nA,placebo,alpha,0.7,1.2\n",
    "revman": "Study,Experimental group label,Control group label,GIV Mean,GIV SE\nA,alpha,placebo,0.7,1.2\n",
}
"""One study, alpha against placebo, in every layout of the page."""


@pytest.mark.parametrize("name", LAYOUTS)
def test_tables_of_other_programs(name: str) -> None:
    """Every layout that the page lists is read without being named, and the run says what it took it for."""
    Path("trials.csv").write_text(LAYOUTS[name], encoding="utf-8")
    if name == "two_groups":
        config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
        config["evidence"][0]["treatments"] = {"e": "alpha", "c": "placebo"}
        CONFIG.write_text(yaml.safe_dump(config), encoding="utf-8")
    project = read_project(CONFIG)
    (study,), (file,) = project.tables, project.files
    arms = {row["arm"]: row["events"] for row in study.rows} if "arm" in study.rows[0] else {}
    contrasts = [
        (row["treatment_arm"], row["comparator_arm"], row["effect"], row["se"]) for row in study.rows if not arms
    ]
    assert arms == {"placebo": 1, "alpha": 2} or contrasts == [("alpha", "placebo", 0.7, 1.2)]
    assert READERS[name].title in str(file) and str(file).endswith("all used")


def test_the_layouts_are_those_of_the_registry() -> None:
    """The table of the page names every reader."""
    section = TEXT[TEXT.index("| `format` | one row is") :].split("\n\n")[0]
    assert (
        re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)[1:]
        == list(READERS)
        == sorted(LAYOUTS, key=list(READERS).index)
    )


def test_columns_by_measure() -> None:
    """The table of columns names every likelihood of arms by its measure, with the columns that it needs."""
    section = TEXT[TEXT.index("| outcome | `measure`") :].split("\n\n")[0]
    rows = [re.findall(r"`([^`]+)`", line) for line in section.splitlines()[2:]]
    assert {word for row in rows for word in row if word.isupper()} == {
        "OR",
        "HR",
        "RR",
        "RD",
        "IRR",
        "MD",
        "SMD",
        "ROM",
        "PD",
    }
    for row, name in zip(
        rows, ("binomial_logit", "binomial_cloglog", "normal_counts", "poisson_log", "normal"), strict=False
    ):
        likelihood = LIKELIHOODS[name]
        assert {word for word in row if word.islower() and ":" not in word} == {
            *likelihood.required,
            *(likelihood.optional if name == "normal" else ()),
        }


def test_the_code_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """From the file to a ranking, and the evidence of the configuration."""
    names: dict[str, Any] = {}
    for block in blocks("python"):
        exec(block, names)
    printed = capsys.readouterr().out
    assert "placebo" in printed
    assert "<Network: 4 studies, 3 treatments, reference placebo, OR>" in printed
