"""What the catalogue of Snakemake workflows and a server that hosts the project look for."""

import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from secondline.project.documents import read_yaml
from secondline.project.read import read_project
from secondline.tools.reference import CATALOGUE, catalogue_text

from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))


def read(file: Path) -> dict[str, object]:
    """Read a file as its host does, but for `on`, which YAML 1.1 takes for a truth value."""
    found: dict[str, object] = read_yaml(file).data
    return found


def test_standardised_usage() -> None:
    """Main file, instructions and settings are where the catalogue looks, and say what holds."""
    assert (ROOT / "workflow/Snakefile").is_file()
    assert (ROOT / "config/README.md").is_file()
    usage = read(ROOT / ".snakemake-workflow-catalog.yml")["usage"]
    assert isinstance(usage, dict)
    assert usage["software-stack-deployment"] == {"conda": True, "apptainer": False, "apptainer+conda": True}
    words = (ROOT / "README.md").read_text(encoding="utf-8").lower()
    assert "snakemake" in words and "workflow" in words


def test_the_schema_of_the_catalogue_is_up_to_date() -> None:
    """`make schemas` renews it; the shipped configuration and that of the two trials fit."""
    text = (ROOT / CATALOGUE).read_text(encoding="utf-8")
    assert text == catalogue_text()
    for file in ("config/config.yaml", ".test/config/config.yaml"):
        jsonschema.validate(read_yaml(ROOT / file).data, yaml.safe_load(text))


def test_two_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small configuration is sound, and says that its figures are made up."""
    monkeypatch.chdir(ROOT / ".test")
    project = read_project(Path("config/config.yaml"))
    assert len(project.sheets) == 2
    for file in (ROOT / ".test").rglob("*.yaml"):
        if "config" in file.parts:
            assert "made up" in file.read_text(encoding="utf-8"), file


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflows_of_the_server_run_what_there_is(file: Path) -> None:
    """Every job has its machine and its steps; what it makes is a target of the Makefile, what it names is there."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    content = read(file)
    assert content["on"]
    assert isinstance(content["jobs"], dict)
    for job in content["jobs"].values():
        assert job["runs-on"] == "ubuntu-latest"
        assert all(("run" in step) != ("uses" in step) for step in job["steps"])
    text = file.read_text(encoding="utf-8")
    for target in re.findall(r"\bmake ([a-z-]+)", text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for name in re.findall(r"--directory (\S+)|test -f (\S+)", text):
        assert (ROOT / "".join(name)).exists(), name


@pytest.mark.parametrize("file", FORMS, ids=lambda file: file.name)
def test_forms_can_be_filled_in(file: Path) -> None:
    """An issue form has a name, a description and fields with labels."""
    form = read(file)
    if file.name != "config.yml":
        assert form["name"] and form["description"]
        assert isinstance(form["body"], list)
        assert all(field["attributes"]["label"] for field in form["body"])
