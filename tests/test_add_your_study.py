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
from secondline.evidence.audit import audit_project
from secondline.project.read import read_project
from secondline.tools.check import summary
from secondline.tools.import_studies import COLUMNS

from tests.conftest import CONFIG, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README[README.index("## Add your study") : README.index("## Bring your own network")]
STEPS = [(kind, text) for kind, text in re.findall(r"```(\w+)\n(.*?)```", SECTION, flags=re.DOTALL)]
SHEET = Path("config/studies/smith_2027.yaml")


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy the project as it is shipped."""
    for part in ("config", "workflow", "envs"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run what make would run for a command of the README, but for the set-up of the environment."""
    plan = subprocess.run([*command.split(), "-n"], cwd=folder, capture_output=True, text=True, check=True)
    (line,) = [line for line in plan.stdout.splitlines() if line.startswith(".venv/bin/secondline ")]
    given = dict(word.split("=", 1) for word in command.split()[2:])  # make hands its variables on by environment
    environment = {**os.environ, "PYTHONPATH": str(folder / "workflow"), "CONFIG": str(CONFIG), "STUDY": "", **given}
    line = line.replace(".venv/bin/", f"{shlex.quote(str(Path(sys.executable).parent))}/")
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def add_analysis(text: str) -> None:
    """Put an analysis at the end of those of the configuration, as the README says."""
    lines = "".join(f"  {line}\n" for line in text.splitlines() if not line.startswith("#"))
    config = CONFIG.read_text(encoding="utf-8")
    end = config.index("\n# Patients whom two studies share")
    CONFIG.write_text(config[:end].rstrip("\n") + "\n" + lines + config[end:], encoding="utf-8")


def findings_of(study: str) -> list[str]:
    """List what the audit finds in a study that is more than information."""
    found = audit_project(read_project(CONFIG))
    return [finding.message for finding in found if finding.study == study and finding.severity != "info"]


def test_the_worked_example(copy: Path) -> None:
    """Every step in its order, on the project as it is shipped; the audit has nothing against the examples."""
    assert [kind for kind, _ in STEPS] == ["bash", "yaml", "yaml", "bash", "bash", "csv", "bash", "yaml"]
    (_, new), (_, sheet), (_, analysis), (_, checks), _, (_, table), (_, many), _ = STEPS
    check, of_one = checks.splitlines()
    done = run(new, copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert SHEET.is_file()
    assert set(yaml.safe_load(sheet)) <= set(re.findall(r"^#?(\w+):", SHEET.read_text(encoding="utf-8"), re.MULTILINE))
    unfilled = run(check, copy)
    assert (unfilled.returncode, unfilled.stdout) == (2, "")
    assert unfilled.stderr.startswith(f"error: {SHEET}:")
    assert len(unfilled.stderr.splitlines()) == 1

    assert sheet.startswith(f"# {SHEET}\n")
    SHEET.write_text(sheet, encoding="utf-8")
    add_analysis(analysis)
    done = run(check, copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^ +smith_2027 +Smith 2027 +randomised trial +100 +a, b", done.stdout, re.MULTILINE)
    assert re.search(r"^ +primary +os +6 +none ", done.stdout, re.MULTILINE)
    assert re.search(r"^ +without_smith +os +5 +smith_2027 ", done.stdout, re.MULTILINE)
    short = run(of_one, copy)
    assert (short.returncode, short.stderr) == (0, "")
    assert "smith_2027  os       a against b" in short.stdout
    assert "severance_2024" not in short.stdout

    Path("studies.csv").write_text(table, encoding="utf-8")
    done = run(many, copy)
    assert (done.returncode, done.stdout) == (0, "config/studies/jones_2028.yaml\n")
    assert run(many, copy).returncode == 2
    done = run(check, copy)
    assert re.search(
        r"^ +jones_2028 +os +combination against control +0\.71 +0\.46 to 1\.10", done.stdout, re.MULTILINE
    )
    assert re.search(r"^ +jones_2028 +ae_grade3 +combination 19/58; control 12/60", done.stdout, re.MULTILINE)
    assert findings_of("smith_2027") == findings_of("jones_2028") == []


def test_a_new_drug_and_a_new_first_line(copy: Path) -> None:
    """The snippet, merged key by key; a sheet may use both at once."""
    _, text = STEPS[-1]
    assert text.startswith("# config/treatments.yaml, under components:, regimens: and settings:\n")
    file = Path("config/treatments.yaml")
    treatments = yaml.safe_load(file.read_text(encoding="utf-8"))
    for key, lines in yaml.safe_load(text).items():
        assert not set(lines) & set(treatments[key])
        treatments[key] |= lines
    file.write_text(yaml.safe_dump(treatments, sort_keys=False), encoding="utf-8")
    sheet = (
        STEPS[1][1].replace("regorafenib: 50", "cabozantinib: 50").replace("lenvatinib_failure", "regorafenib_failure")
    )
    SHEET.write_text(sheet, encoding="utf-8")
    shown = summary(read_project(CONFIG))
    assert re.search(r"^ +primary +os +6 +none +8 +connected ", shown, re.MULTILINE)


def test_the_text_says_where_snippets_belong() -> None:
    """The second snippet names the file and the key that it stands under."""
    assert STEPS[2][1].startswith("# config/config.yaml, under analyses:\n")


def test_the_columns_are_listed() -> None:
    """`--help` of the importer names every column."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow")}
    command = [sys.executable, "-m", "secondline.tools.import_studies", "--help"]
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert "secondline import --help" in " ".join(SECTION.split())
    assert [name for name in COLUMNS if f"``{name}``" not in shown] == []
