"""The tutorial's study goes through the steps it tells of; the clinicians' page uses the words of the report."""

import re
from pathlib import Path

import pytest
import yaml
from secondline.cell_values import REFERENCE
from secondline.evidence.audit import audit_project
from secondline.evidence.selection import select_evidence
from secondline.project.config import Project
from secondline.project.read import read_project
from secondline.report.words import EVIDENCE_WORDS, NOT_ASSESSABLE
from secondline.tools.check import summary

from tests.conftest import CONFIG, ROOT
from tests.test_report import page as page
from tests.test_report import visible

TUTORIAL = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
READING = (ROOT / "docs/reading-the-results.md").read_text(encoding="utf-8")
SHEET, ANALYSIS = re.findall(r"```yaml\n(.*?)```", TUTORIAL, flags=re.DOTALL)


@pytest.fixture
def followed(workdir: Path) -> Project:
    """Follow the tutorial in a copy of config/: write the sheet, add the analysis."""
    (workdir / "config/studies/smith_2027.yaml").write_text(SHEET, encoding="utf-8")
    config = yaml.safe_load((workdir / CONFIG).read_text(encoding="utf-8"))
    config["analyses"] |= yaml.safe_load(ANALYSIS)
    (workdir / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return read_project(CONFIG)


def test_the_sheet_is_checked_without_an_error(followed: Project) -> None:
    """The audit stops nothing, and the summary shows the study where the tutorial sends the reader."""
    errors = [f for f in audit_project(followed) if f.severity == "error" and f.study == "smith_2027"]
    assert errors == []
    text = summary(followed)
    for title in re.findall(r"under \*(\w+)\*", TUTORIAL[TUTORIAL.index("## 3") : TUTORIAL.index("## 4")]):
        assert any(block.startswith(title) and "smith_2027" in block for block in text.split("\n\n")), title


def test_what_is_selected_is_what_the_tutorial_says(followed: Project) -> None:
    """The adjusted ratio for OS, the medians for PFS, counts of grade 3 and worse."""
    found = {
        outcome: [row for row in select_evidence(followed, "primary", outcome) if row["study"] == "smith_2027"]
        for outcome in ("os", "pfs", "ae_grade3")
    }
    (os,), (pfs,) = found["os"], found["pfs"]
    assert (os["method"], os["adjustment"]) == ("adjusted_hr", "adjusted")
    assert os["effect"] < 0
    assert (pfs["method"], pfs["adjustment"]) == ("medians_ci", "crude")
    assert {row["arm"]: row["events"] for row in found["ae_grade3"]} == {"combination": 19, "control": 12}


def test_the_analysis_without_it(followed: Project) -> None:
    """It says why."""
    (row,) = [row for row in select_evidence(followed, "without_smith", "os") if row["study"] == "smith_2027"]
    assert not row["used"]
    assert "its controls may be those of another study" in row["reason"]


def test_files_to_read_are_those_of_the_results() -> None:
    """Every file that the tutorial names is described in results/README.md, or is a report."""
    described = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
    for file in re.findall(r"`results/([^`]+)`", TUTORIAL + READING):
        assert Path(file).name in described, file


def test_labels_are_explained_as_the_report_names_them() -> None:
    """Every evidence label, and no other."""
    table = READING[READING.index("| label |") : READING.index("Read a prior-driven")]
    assert set(re.findall(r"\*\*([\w-]+)\*\*", table)) == set(EVIDENCE_WORDS.values()) - {EVIDENCE_WORDS[REFERENCE]}


def test_words_that_the_reader_is_sent_to_stand_in_the_report(page: str) -> None:
    """Headings and columns that the page for clinicians names."""
    text = visible(page)
    for words in ("Robustness of the first rank", "SUCRA", "P(best)", "P(better)", "among the candidates"):
        assert words in text, words
        assert words.lower() in READING.lower(), words
    assert NOT_ASSESSABLE in READING.lower()
