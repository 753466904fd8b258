"""What no configuration, table or curve comes near is refused in one line, before anything is made of it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from secondline.errors import UserError
from secondline.project.read import read_project
from secondline.project.table_lines import read_cells, read_columns

from tests.conftest import CONFIG

Edit = Callable[[str, str, str], int]

FOLDERS = [
    "..",
    "../x",
    "a/../b",
    ".",
    "./",
    "/",
    "config",
    "config/x",
    ".snakemake",
    "a/.git",
    "logs",
    "'{x}'",
    "' '",
    "'a /b'",
    "x" * 300,
]


@pytest.mark.parametrize("key", ["results: results", "shared"])
@pytest.mark.parametrize("folder", [*FOLDERS, '"a\\tb"', '"a\\0"', "x" * 600, "3", "true"])
def test_results_go_to_a_folder_of_their_own(edit: Edit, key: str, folder: str) -> None:
    """Not above the project, not among its own folders, not where Snakemake sees a wildcard."""
    name = key.split(":")[0]
    new = f"{name}: {folder}" if name == "results" else f"results: results\nshared: {folder}"
    line = edit("config.yaml", "results: results\n", f"{new}\n") + (name == "shared")
    with pytest.raises(UserError, match=rf"config/config\.yaml:{line}: {name}") as error:
        read_project(CONFIG)
    assert "\n" not in str(error.value) and len(str(error.value)) < 1_500


@pytest.mark.parametrize("folder", ["results/mine", "out", "my results", "résultats"])
def test_usual_folders_are_taken(edit: Edit, folder: str) -> None:
    """A folder below the project, of any name."""
    edit("config.yaml", "results: results\n", f"results: {folder}\n")
    assert read_project(CONFIG).config.results == folder


def test_results_never_hold_the_project(edit: Edit, workdir: Path) -> None:
    """A folder above the project, by its whole path."""
    edit("config.yaml", "results: results\n", f"results: {workdir.parent}\n")
    with pytest.raises(UserError, match="allowed: a folder below this one"):
        read_project(CONFIG)


def test_results_elsewhere(edit: Edit, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A whole path leads to another disk."""
    folder = tmp_path_factory.mktemp("scratch")
    edit("config.yaml", "results: results\n", f"results: {folder}\n")
    assert read_project(CONFIG).config.results == str(folder)


VALUES = {
    "a truth value as seed": ("seed: 20261121", "seed: true", "seed"),
    "as a scale": ("log_hr: {effect: 1.5,", "log_hr: {effect: true,", "priors.log_hr.effect"),
    "in a list": ("shapes: [0.5, 2.5]", "shapes: [true, 2.5]", "audit.shapes"),
    "draws": ("  draws: 2000\n", "  draws: 1000000000\n", "sampler.draws"),
    "chains": ("chains: 4", "chains: 1000", "sampler.chains"),
    "a huge scale": ("log_hr: {effect: 1.5,", "log_hr: {effect: 1e308,", "priors.log_hr.effect"),
    "a tiny scale": ("log_hr: {effect: 1.5,", "log_hr: {effect: 1e-308,", "priors.log_hr.effect"),
    "patients": ("events: 3, n: 30", "events: 3, n: 1e308", "baselines.orr.sorafenib_failure.n"),
    "a long label": ("label: Overall survival", f"label: {'x' * 40_000}", "outcomes.os.label"),
    "a label of two lines": ("label: Overall survival", 'label: "a\\nb"', "outcomes.os.label"),
    "a long name": ("  primary: {", f"  {'p' * 300}: {{", "analyses.p"),
    "a wildcard": ("studies: config/studies", "studies: 'config/{studies}'", "studies"),
}


@pytest.mark.parametrize("case", VALUES)
def test_values_out_of_bounds(edit: Edit, workdir: Path, case: str) -> None:
    """One line with the key."""
    old, new, key = VALUES[case]
    file = workdir / "config" / "config.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert new in file.read_text(encoding="utf-8")
    with pytest.raises(UserError, match=rf"config/config\.yaml:\d+: {key}") as error:
        read_project(CONFIG)
    assert "\n" not in str(error.value) and len(str(error.value)) < 1_500


@pytest.mark.parametrize(("cell", "column"), [("1e308", "whole"), ("-1e200", "number_in"), ("1e-300", "positive")])
def test_numbers_of_tables(tmp_path: Path, cell: str, column: str) -> None:
    """Formulas stay finite."""
    (tmp_path / "t.csv").write_text(f"x\n{cell}\n", encoding="utf-8")
    line = read_columns(str(tmp_path / "t.csv"), ("x",))[0]
    with pytest.raises(UserError, match=r"t\.csv:2: x = "):
        getattr(line, column)("x")


@pytest.mark.parametrize("cell", ["y" * 40_000, "a\x07b"])
def test_names_of_tables(tmp_path: Path, cell: str) -> None:
    """A study's name is a word or two."""
    (tmp_path / "t.csv").write_text(f"x\n{cell}\n", encoding="utf-8")
    with pytest.raises(UserError, match="without control characters"):
        read_columns(str(tmp_path / "t.csv"), ("x",))[0].text("x")


def test_size_of_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file larger than any table of studies is not read."""
    monkeypatch.setattr("secondline.project.table_lines.MOST_BYTES", 3)
    (tmp_path / "t.csv").write_text("x\n1\n", encoding="utf-8")
    with pytest.raises(UserError, match="4 bytes; allowed: up to 3"):
        read_cells(str(tmp_path / "t.csv"))


def test_a_label_is_no_formula(tmp_path: Path) -> None:
    """Two dollars in a label are two dollars in the figure."""
    from secondline.report.figures.style import new_figure, styled, write

    with styled():
        figure = new_figure(3, 2, "A title", "costs")
        write(figure, 0.1, 0.1, "costs $5 and $6")
        figure.savefig(tmp_path / "f.svg")
    assert "costs $5 and $6" in (tmp_path / "f.svg").read_text(encoding="utf-8")
