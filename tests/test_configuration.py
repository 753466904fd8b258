"""The configuration that Snakemake holds: of a file, of `--config`, of a module; and the copy that jobs read."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from secondline.jobs.configuration import COMMAND_LINE, changes, copy_for_jobs, find_document, write_copy
from secondline.project.documents import read_yaml
from secondline.project.read import read_project

from tests.conftest import CONFIG

AMBIGUOUS = [
    "no",
    "on",
    "12:30",
    "1e5",
    "0x1F",
    "null",
    "~",
    "",
    "2024-01-05",
    "é 😀 ≥",
    'a "b"\\c',
    "two\nlines",
    "# no",
]


def raw(file: Path) -> dict[str, Any]:
    """Read a file as Snakemake does."""
    from snakemake.common.configfile import load_configfile

    found: dict[str, Any] = load_configfile(file)
    return found


def test_a_file_is_itself(workdir: Path) -> None:
    """With or without `--configfile`, by its whole path too, the document is that of the file."""
    own = read_yaml(CONFIG)
    assert find_document({}, {}, []) == own
    for file in (CONFIG, str(CONFIG), CONFIG.absolute()):
        assert find_document(raw(CONFIG), {}, [file]) == own
    assert changes(own) == ""


def test_the_command_line_changes_single_keys(workdir: Path) -> None:
    """The default configuration or a file, at any depth; all else keeps its value and its line."""
    own, said = read_yaml(CONFIG), {"seed": 7, "sampler": {"retry": {"draws": "900"}}}
    for config, files in ((said, []), ({**raw(CONFIG), **{"seed": 7}}, [CONFIG])):
        found = find_document(config, {"seed": 7} if files else said, files)
        assert found.data["seed"] == 7
        assert found.data["models"] == own.data["models"]
        assert found.line(("models",)) == own.line(("models",))
        assert str(found.error(("seed",), 7, "no")) == "--config: seed = 7: no"
        assert str(found.error(("models",), None, "no")).startswith(f"{CONFIG}:{own.line(('models',))}: ")
        assert changes(found) not in ("", changes(own))
    deep = find_document(said, said, [])
    assert deep.data["sampler"] == {**own.data["sampler"], "retry": {**own.data["sampler"]["retry"], "draws": "900"}}
    assert set(deep.changed.values()) == {COMMAND_LINE}
    assert own.data["seed"] != 7


def test_a_module_takes_a_part_of_a_file(workdir: Path) -> None:
    """The lines are those of the whole file, and keys are named from its top."""
    Path("all.yaml").write_text(yaml.safe_dump({"samples": [1], "nma": {"seed": 1, "results": "no"}}, sort_keys=False))
    found = find_document({"seed": 1, "results": "no"}, {}, ["all.yaml"])
    assert (found.data, found.root) == ({"seed": 1, "results": "no"}, ("nma",))
    assert str(found.error(("seed",), 1, "no")) == "all.yaml:4: nma.seed = 1: no"


def test_a_mapping_of_no_file_has_no_lines(workdir: Path) -> None:
    """It is not mixed with the file that happens to lie at the usual place."""
    found = find_document({"seed": 1}, {}, [CONFIG])
    assert found.data == {"seed": 1}
    assert str(found.error(("seed",), 1, "no")) == "config: seed = 1: no"


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_the_copy_says_the_same(text: str, tmp_path: Path) -> None:
    """Words that YAML could take for something else are words in the copy too."""
    file, copy = tmp_path / "config.yaml", tmp_path / "copy.yaml"
    file.write_text(yaml.safe_dump({"a": {"b": [text, 1, 1e-05, True, None]}}, default_style='"'), encoding="utf-8")
    document = read_yaml(file)
    document.data["a"]["b"][1:] = [1, 1e-05, True, None]
    write_copy(document, copy)
    assert read_yaml(copy).data == document.data


def test_jobs_read_the_project_as_it_was_opened(workdir: Path) -> None:
    """The copy of the shipped configuration gives the same project, in a place by the folder of its results."""
    project = read_project(CONFIG)
    copy = copy_for_jobs(project.config)
    write_copy(read_yaml(CONFIG), copy)
    assert read_project(copy).model_dump() == project.model_dump()
    assert copy_for_jobs(project.config.model_copy(update={"shared": "other"})) != copy
