"""The README's section on adding a study, followed to the letter in a copy of the project."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from nma.config import Project, read_project
from nma.evidence.selection import select_evidence
from nma.importer import COLUMNS
from nma.tables import to_csv

from tests.conftest import CONFIG, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README[README.index("## Add your study") : README.index("## Bring your own network")]
STEPS = [(kind, text) for kind, text in re.findall(r"```(\w+)\n(.*?)```", SECTION, flags=re.DOTALL)]
QUOTATION = Path("config/studies/yoo_secondary.yaml")


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy the project as it was before the example: no sheet of yoo_secondary, no analysis that takes it."""
    for part in ("config", "workflow", "envs"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    QUOTATION.unlink()
    text = CONFIG.read_text(encoding="utf-8")
    start, end = text.index("  extended:"), text.index("# Refit this analysis")
    CONFIG.write_text(f"{text[:start]}\n{text[end:]}", encoding="utf-8")
    return tmp_path


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run what make would run for a command of the README, but for the set-up of the environment."""
    plan = subprocess.run([*command.split(), "-n"], cwd=folder, capture_output=True, text=True, check=True)
    (line,) = [line for line in plan.stdout.splitlines() if line.startswith(".venv/bin/python -m nma.")]
    environment = {**os.environ, "PYTHONPATH": str(folder / "workflow")}
    arguments = [sys.executable, *shlex.split(line)[1:]]
    return subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def add_analysis(text: str) -> None:
    """Put an analysis at the end of those of the configuration, as the README says."""
    lines = "".join(f"  {line}\n" for line in text.splitlines() if not line.startswith("#"))
    config = CONFIG.read_text(encoding="utf-8")
    end = config.index("\n# Refit this analysis")
    CONFIG.write_text(config[:end].rstrip("\n") + "\n" + lines + config[end:], encoding="utf-8")


def evidence(project: Project, analysis: str, outcome: str, study: str) -> str:
    """Evidence that a study gives to a fit, but for the lines of the sheet that it stands on."""
    rows = [row for row in select_evidence(project, analysis, outcome) if row["study"] == study]
    assert rows
    return to_csv(rows, [column for column in rows[0] if column != "source"])


def test_the_worked_example(copy: Path, project: Project) -> None:
    """Every step in its order; at the end the example gives the evidence of the sheet that is shipped."""
    assert [kind for kind, _ in STEPS] == ["bash", "yaml", "yaml", "bash", "csv", "bash"]
    (_, new), (_, sheet), (_, analysis), (_, check), (_, table), (_, many) = STEPS
    done = run(new, copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert QUOTATION.is_file()
    assert set(yaml.safe_load(sheet)) <= set(
        re.findall(r"^#?(\w+):", QUOTATION.read_text(encoding="utf-8"), re.MULTILINE)
    )
    unfilled = run(check, copy)
    assert (unfilled.returncode, unfilled.stdout) == (2, "")
    assert unfilled.stderr.startswith(f"error: {QUOTATION}:")
    assert len(unfilled.stderr.splitlines()) == 1

    assert sheet.startswith(f"# {QUOTATION}\n")
    QUOTATION.write_text(sheet, encoding="utf-8")
    add_analysis(analysis)
    done = run(check, copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^ +yoo_secondary +quoted by severance_2024", done.stdout, re.MULTILINE)
    assert re.search(r"^ +extended +os +7 ", done.stdout, re.MULTILINE)
    assert re.search(r"^ +primary +os +5 ", done.stdout, re.MULTILINE)
    after = read_project(CONFIG)
    for outcome in ("os", "pfs"):
        shipped = evidence(project, "extended", outcome, "yoo_secondary")
        assert evidence(after, "extended", outcome, "yoo_secondary") == shipped

    Path("studies.csv").write_text(table, encoding="utf-8")
    done = run(many, copy)
    assert (done.returncode, done.stdout) == (0, "config/studies/smith_2027.yaml\n")
    assert run(many, copy).returncode == 2
    done = run(check, copy)
    assert re.search(
        r"^ +smith_2027 +os +combination against control +0\.71 +0\.48 to 1\.05", done.stdout, re.MULTILINE
    )
    assert re.search(r"^ +smith_2027 +ae_grade3 +combination 19/58; control 12/60", done.stdout, re.MULTILINE)


def test_the_text_says_where_snippets_belong() -> None:
    """The second snippet names the file and the key that it stands under."""
    _, text = STEPS[2]
    assert text.startswith("# config/config.yaml, under analyses:\n")
    shipped = yaml.safe_load((ROOT / CONFIG).read_text(encoding="utf-8"))["analyses"]
    assert yaml.safe_load(text)["extended"] == shipped["extended"]


def test_the_columns_are_listed() -> None:
    """`--help` of the importer names every column."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow")}
    command = [sys.executable, "-m", "nma.importer", "--help"]
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert "nma.importer --help" in " ".join(SECTION.split())
    assert [name for name in COLUMNS if f"``{name}``" not in shown] == []
