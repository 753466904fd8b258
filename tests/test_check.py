"""What `make check` says: what is in the project and what the audit finds, in seconds and without fitting."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from secondline.evidence.audit import audit_project
from secondline.jobs.provenance import PACKAGE
from secondline.project.config import Project
from secondline.project.config_parts import Analysis
from secondline.project.read import read_project
from secondline.tools import check
from secondline.tools.check import summary

from tests.conftest import NO_DOUBT, QUOTED, ROOT, STUDIES, hazard_ratio, sheet, sheet_data, synthetic, write_plain


@pytest.fixture(autouse=True)
def keep_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore PYTHONPATH, which opening a project sets, after every test."""
    monkeypatch.setenv("PYTHONPATH", "")


def table(text: str, title: str) -> list[list[str]]:
    """Cells of the rows under a title."""
    (block,) = [block for block in text.split("\n\n") if block.startswith(title)]
    return [re.split(r" {2,}", line.strip()) for line in block.splitlines()[1:]]


@pytest.fixture(scope="module")
def page(project: Project) -> str:
    """Summarise the shipped configuration."""
    return summary(project)


def test_studies(page: str) -> None:
    """Seven, with their patients; a quotation says whose."""
    head, *rows = table(page, "Studies: 7")
    assert head == ["study", "name", "design", "patients", "arms"]
    assert [row[0] for row in rows] == sorted([*STUDIES, *QUOTED])
    assert ["severance_2024", "Chon 2024", "retrospective cohort", "126", "lenvatinib, sorafenib"] in rows
    assert ["yoo_secondary", "Yoo et al.", "quoted by Chon 2024", "lenvatinib, sorafenib"] in rows


def test_candidates(page: str) -> None:
    """One line a setting: after atezolizumab no regimen with an ICI."""
    _, *rows = table(page, "Candidates")
    assert [row[0] for row in rows] == ["sorafenib_failure", "lenvatinib_failure", "atezolizumab_bevacizumab_failure"]
    assert rows[2][1:] == ["ici", "sorafenib, lenvatinib, regorafenib, other_tki", "none"]


def test_networks(page: str, project: Project) -> None:
    """One line a fit: 7 treatments are 21 pairs, the labels of which add up."""
    _, *rows = table(page, "Networks")
    fits = [
        (analysis, outcome) for analysis in project.config.analyses for outcome in project.config.outcomes_of(analysis)
    ]
    assert [(row[0], row[1]) for row in rows] == fits
    found = {(row[0], row[1]): row[2:] for row in rows}
    assert found["primary", "os"] == ["5", "none", "7", "connected", "3 direct, 18 indirect"]
    assert found["extended", "os"][0] == "7"
    assert found["four_cohorts", "pfs"][:2] == ["4", "nanchang_2023"]
    assert found["primary", "response"][-1] == "1 direct, 6 indirect, 14 not estimable"
    for *_, contrasts in rows:
        assert sum(int(n) for n in re.findall(r"\d+", contrasts)) == 21


def test_selected_effects(page: str) -> None:
    """The figures behind the headline results, and which rest on an assumption."""
    _, *rows = table(page, "Selected effects: 10")
    found = {(row[0], row[1]): row[2:] for row in rows}
    assert found["severance_2024", "pfs"] == ["lenvatinib against sorafenib", "0.54", "0.33 to 0.88", "adjusted_hr"]
    assert found["nanchang_2023", "os"][-2:] == ["logrank_p", "assumed"]
    _, *arms = table(page, "Selected arm-level data: 50")
    assert ["ditan_2022", "orr", "tki 3/37; tki_ici 12/56"] in arms


def test_findings(page: str, project: Project) -> None:
    """Counted by severity; every warning on a line of its own that names file and line."""
    findings = audit_project(project)
    counts = {severity: sum(f.severity == severity for f in findings) for severity in check.SEVERITIES}
    title = f"Findings of the audit: errors {counts['error']}, warnings {counts['warning']}, info {counts['info']}"
    lines = page[page.index(title) :].splitlines()[1:]
    assert len(lines) == counts["error"] + counts["warning"] > 0
    assert all(re.match(r"  (error|warning): (config/studies/\w+\.yaml:\d+|\w+): ", line) for line in lines)


def test_one_study(project: Project, page: str) -> None:
    """The lines of the whole that concern it, its own counts, and the fits that know it."""
    text = summary(project, "persano_secondary")
    for title, rows in (("Studies: 1", 1), ("Printed figures, looked up", 1), ("Networks", 1)):
        assert len(table(text, title)) == 1 + rows
    others = [study for study in (*STUDIES, *QUOTED) if study != "persano_secondary"]
    lines = [line for line in text.splitlines() if line.startswith(("  error", "  warning"))]
    own = [finding for finding in audit_project(project) if finding.study == "persano_secondary"]
    assert text.count("\n  info: ") == sum(finding.severity == "info" for finding in own) > 0
    assert not [line for line in lines if any(line.split(":")[1].endswith(f"{study}.yaml") for study in others)]
    assert {re.sub(" +", " ", line) for line in lines} <= {re.sub(" +", " ", line) for line in page.splitlines()}
    assert len(text) < len(page) / 4


def test_an_unknown_study(workdir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One line that names those there are."""
    monkeypatch.setattr("sys.argv", ["check", "--study", "sever"])
    with pytest.raises(SystemExit) as stop:
        check.main()
    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith("error: STUDY = 'sever': no such study; allowed: ditan_2022, ")


@pytest.mark.parametrize(
    ("old", "new"), [("design: retrospective_cohort", "design: guess"), ("regimens: {lenvatinib: ", "regimens: {len: ")]
)
def test_every_sheet_with_a_mistake_is_told(
    workdir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], old: str, new: str
) -> None:
    """Whether it breaks a rule of sheets or the vocabulary of this project: one line a sheet, not one a run."""
    files = ["config/studies/ditan_2022.yaml", "config/studies/severance_2024.yaml"]
    for file in files:
        text = Path(file).read_text(encoding="utf-8")
        assert old in text
        Path(file).write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["check"])
    with pytest.raises(SystemExit) as stop:
        check.main()
    assert stop.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1].strip() for line in lines] == files


def test_a_disconnected_network(project: Project) -> None:
    """A fit whose evidence falls apart says in how many parts, and what cannot be estimated."""
    arms = {name: {**sheet_data()["arms"]["len"], "regimens": {name: 40}} for name in ("regorafenib", "other_tki_ici")}
    sets = {"arms": {"arms": list(arms), "comparator": "regorafenib"}}
    ratio = hazard_ratio(treatment="other_tki_ici", comparator="regorafenib")
    other = sheet("bravo", arms=arms, contrast_sets=sets, hazard_ratios=[ratio])
    analysis = Analysis(label="All", outcomes=["os"])
    config = project.config.model_copy(update={"analyses": {"primary": analysis}, **NO_DOUBT})
    both = synthetic(config, project.treatments, sheet(hazard_ratios=[hazard_ratio()]), other)
    _, row = table(summary(both), "Networks")
    assert row[:6] == ["primary", "os", "2", "none", "4", "2 parts"]
    assert row[6] == "2 direct, 4 not estimable"


def test_exit_status(
    workdir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], project: Project
) -> None:
    """0 for a sound project; 2 and the summary for an error of the audit; 2 and one line for a mistake."""
    monkeypatch.setattr("sys.argv", ["check"])
    check.main()
    assert capsys.readouterr().out == summary(project)
    file = Path("config/studies/severance_2024.yaml")
    text = file.read_text(encoding="utf-8")
    old = "treatment: sorafenib, comparator: lenvatinib, adjustment: adjusted"
    assert text.count(old) == 1
    file.write_text(text.replace(old, "treatment: lenvatinib, comparator: sorafenib, adjustment: adjusted"))
    with pytest.raises(SystemExit) as stop:
        check.main()
    assert stop.value.code == 2
    assert "  error: config/studies/severance_2024.yaml:" in capsys.readouterr().out
    file.write_text(text.replace(old, "treatment: sorafenib"))
    with pytest.raises(SystemExit) as stop:
        check.main()
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1


def test_tables_as_evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project of tables has a summary too; in a plain network, every pair is direct or indirect."""
    monkeypatch.chdir(tmp_path)
    file = write_plain(tmp_path, {"one": ("b", "a"), "two": ("c", "b"), "three": ("d", "c")})
    _, row = table(summary(read_project(file)), "Networks")
    assert row[2:] == ["3", "none", "4", "connected", "3 direct, 3 indirect"]
    monkeypatch.chdir(ROOT)
    page = summary(read_project(Path("config/examples/smoking.yaml")))
    assert "Studies: 24" in page
    assert "connected" in page


def test_it_takes_seconds() -> None:
    """The shipped configuration is checked in less than 10 seconds, start of Python included, and nothing is fitted."""
    start = time.perf_counter()
    command = [sys.executable, "-X", "importtime", "-m", "secondline.tools.check"]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert time.perf_counter() - start < 10
    assert done.returncode == 0
    assert not re.search(r"\| +(pymc|pytensor|arviz|matplotlib|numba|snakemake)$", done.stderr, flags=re.MULTILINE)
