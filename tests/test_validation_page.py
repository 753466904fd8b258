"""The page on validation: its numbers are those of the files that they come from."""

import csv
import re
from collections import Counter

import pytest
from secondline.likelihoods import OWN_LIKELIHOODS

from scripts.calibrate import CASES, PRIOR_CASES
from tests.conftest import ROOT

TEXT = " ".join((ROOT / "docs/validation.md").read_text(encoding="utf-8").split())
CALIBRATION = (ROOT / "docs/calibration.md").read_text(encoding="utf-8")


def lines_of_calibration() -> tuple[list[list[str]], list[list[str]]]:
    """Read both tables of docs/calibration.md: by likelihood and model, and over all of them."""
    lines = [line.strip("| ").split(" | ") for line in CALIBRATION.splitlines() if line.startswith("| ")]
    lines = [line for line in lines if line[0] not in ("likelihood", "parameter")]
    return [line for line in lines if len(line) == 8], [line for line in lines if len(line) == 4]


def test_calibration() -> None:
    """Likelihoods, models, data sets, sets of ranks, and the verdict."""
    lines, overall = lines_of_calibration()
    crossed = [line for line in lines if line[1] not in PRIOR_CASES]
    models, likelihoods = {line[1] for line in crossed}, {line[0] for line in crossed}
    assert len(crossed) == len(models) * len(likelihoods)
    assert likelihoods == set(OWN_LIKELIHOODS)
    (datasets,) = {line[2] for line in lines}
    said = f"covers {len(likelihoods)} likelihoods under {len(models)} models of the effects, with {datasets} data sets"
    assert said in TEXT
    assert {line[4] for line in lines} == {"0"}
    assert {line[-1] for line in lines + overall} == {"uniform"}
    ranks = sum(int(line[3]) for line in lines) + len(overall)
    assert f"{ranks} sets of ranks" in TEXT
    assert f"{ranks} sets of ranks" in CALIBRATION
    missing = {"exchangeable_interactions", "regimen_level", "class_contrast"}
    assert set(CASES) - models == missing, "say which models the table does not have"
    missing_models = "exchangeable interactions, effects by regimen, class contrasts"
    assert f"three that the table does not contain yet ({missing_models}" in TEXT


def test_published_figures() -> None:
    """How many there are, how many are printed, and how many are not compared."""
    with (ROOT / "tests/data/published.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    kinds = Counter(row["kind"] for row in rows)
    assert f"{len(rows)} figures" in TEXT
    assert f"{kinds['published']} of the {len(rows)} figures are printed. The other {kinds['software']}" in TEXT
    left_out = [row for row in rows if row["model"] == "UME RE (TSD4 original)" and row["parameter"].startswith("d ")]
    assert len(left_out) == 6
    assert "Six printed figures are not compared" in TEXT


@pytest.mark.parametrize(
    ("file", "columns"),
    [
        ("smoking", ("treatment",)),
        ("parkinsons_arms", ("treatment",)),
        ("diabetes", ("treatment",)),
        ("antihypertensives", ("treatment",)),
    ],
)
def test_sizes_of_the_examples(file: str, columns: tuple[str, ...]) -> None:
    """Trials and treatments of the four networks of config/examples/."""
    with (ROOT / f"config/examples/{file}.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    trials, treatments = len({row["study"] for row in rows}), len({row[c] for row in rows for c in columns})
    names = {
        "smoking": "smoking cessation",
        "parkinsons_arms": "Parkinson's disease",
        "diabetes": "glucose-lowering drugs",
        "antihypertensives": "antihypertensive drugs",
    }
    assert f"| {names[file]}, {trials} trials, {treatments} treatments |" in TEXT


def test_sizes_of_the_other_networks() -> None:
    """Treatments and contrasts of the analyses of thresholds; numbers of the audit."""
    with (ROOT / "tests/data/thresholds/social_anxiety_differences.csv").open(newline="") as file:
        anxiety = {name for row in csv.DictReader(file) for name in (row["a"], row["b"])}
    with (ROOT / "tests/data/thresholds/social_anxiety_thresholds.csv").open(newline="") as file:
        contrasts = len(list(csv.DictReader(file)))
    with (ROOT / "tests/data/thresholds/headache_posterior.csv").open(newline="") as file:
        headache = len(list(csv.DictReader(file))) + 1
    assert f"social anxiety, {len(anxiety)} treatments" in TEXT
    assert f"thresholds of {contrasts} contrasts" in TEXT
    assert f"headache, {headache} treatments" in TEXT
    audit = " ".join((ROOT / "docs/audit.md").read_text(encoding="utf-8").split())
    for number in ("1,000 simulated studies", "31 typ"):
        assert number in TEXT
        assert number in audit


def test_named_files_are_there() -> None:
    """Every file and folder that the page names."""
    named = set(re.findall(r"`((?:tests|config)/[^`]*)`", TEXT))
    assert len(named) == 3
    assert [name for name in named if not (ROOT / name).exists()] == []
