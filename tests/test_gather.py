"""Global evidence tables: columns of the contract, one selection per contrast, limits that fit."""

from math import exp, log
from pathlib import Path

import pytest
from nma.config import Project
from nma.evidence.gather import count_rows, effect_rows, gather_evidence
from nma.tables import read_table

from tests.conftest import STUDIES

COLUMNS = {
    "effects": "study outcome contrast_set treatment_arm comparator_arm population method adjustment assumed "
    "log_effect se baseline_se estimate estimate_lower estimate_upper selected source",
    "counts": "study outcome criterion arm events n derived selected source",
    "arms": "study arm n regimen weight",
    "settings": "study setting weight",
    "audit": "study item check severity reported recomputed source message",
}


@pytest.fixture(scope="module")
def folder(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the tables once."""
    folder = tmp_path_factory.mktemp("results") / "evidence"
    gather_evidence(project, folder)
    return folder


@pytest.mark.parametrize("table", COLUMNS)
def test_columns_of_the_contract(folder: Path, table: str) -> None:
    """Every promised column stands in the table, in the promised order."""
    header = (folder / f"{table}.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    promised = COLUMNS[table].split()
    assert [name for name in header if name in promised] == promised
    assert set(header) - set(promised) <= {"population"}


def test_no_temporary_files_are_left(folder: Path) -> None:
    """The folder holds the five tables and nothing else."""
    assert sorted(file.name for file in folder.iterdir()) == sorted(f"{name}.csv" for name in COLUMNS)


def test_one_selection_per_contrast(project: Project) -> None:
    """Every study has exactly one selected effect for OS and one for PFS."""
    selected = [(row["study"], row["outcome"]) for row in effect_rows(project) if row["selected"]]
    assert sorted(selected) == sorted((study, outcome) for study in STUDIES for outcome in ("os", "pfs"))


def test_selected_counts(project: Project) -> None:
    """Two arms for every study and count outcome, but no adverse events from nanchang_2023."""
    selected = [(row["study"], row["outcome"]) for row in count_rows(project) if row["selected"]]
    harms = {"ae_any", "ae_grade3", "discontinuation"}
    expected = [
        (study, outcome)
        for study in STUDIES
        for outcome in ("orr", "dcr", *sorted(harms))
        if not (study == "nanchang_2023" and outcome in harms)
    ]
    assert sorted(selected) == sorted(2 * expected)
    assert not any(row["selected"] for row in count_rows(project) if row["population"] == "matched")


def test_natural_scale(folder: Path) -> None:
    """severance_2024, PFS, adjusted: 0.540 (0.333-0.876), read back from the file."""
    (row,) = [
        row
        for row in read_table(folder / "effects.csv")
        if (row["study"], row["outcome"], row["selected"]) == ("severance_2024", "pfs", "true")
    ]
    estimate, lower, upper = (float(row[f"estimate{end}"]) for end in ("", "_lower", "_upper"))
    assert (estimate, lower, upper) == pytest.approx((0.540, 0.333, 0.876), abs=5e-4)
    assert log(estimate) == pytest.approx(float(row["log_effect"]), abs=1e-15)
    assert exp(float(row["se"]) * 2 * 1.959963984540054) == pytest.approx(upper / lower)


def test_sources_point_at_the_sheet(folder: Path) -> None:
    """The source names file, line and place, and that line starts the record."""
    from tests.conftest import ROOT

    for row in read_table(folder / "effects.csv"):
        for source in row["source"].split("; "):
            file, line = source.split(" (")[0].split(":")
            text = (ROOT / file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
            assert text.lstrip().startswith(f"- {{outcome: {row['outcome']},")


def test_weights_add_up(folder: Path) -> None:
    """Regimens of an arm and settings of a study are shares of their patients."""
    for table, keys in (("arms", ("study", "arm")), ("settings", ("study",))):
        totals: dict[tuple[str, ...], float] = {}
        for row in read_table(folder / f"{table}.csv"):
            key = tuple(row[name] for name in keys)
            totals[key] = totals.get(key, 0.0) + float(row["weight"])
        assert list(totals.values()) == pytest.approx([1.0] * len(totals))
    rows = {(row["study"], row["setting"]): float(row["weight"]) for row in read_table(folder / "settings.csv")}
    assert rows["nanchang_2022", "sorafenib_failure"] == 57 / 78
    assert len(rows) == 6
