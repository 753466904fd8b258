"""Lists for those who decide, in a network without sheets, settings, components or choices."""

import csv
import gzip
from pathlib import Path
from typing import Any

import pytest
import yaml
from secondline.certainty.decisive import COLUMNS
from secondline.summaries.pico import COLUMNS as PICO_COLUMNS
from secondline.tables import read_table

from tests.workflow.conftest import PARTS, ROOT, copy_of
from tests.workflow.small import CONFIG, small_project, write_small

PICO = {"treatment": "b", "comparators": ["a", "c"], "outcomes": ["os"]}


def test_decisive_facts_and_questions_of_a_small_network(tmp_path: Path) -> None:
    """Nothing there decides: the table has its header alone. Questions are answered where they are asked."""
    project = small_project(tmp_path)
    planned = project.planned("--configfile", CONFIG)
    assert "list_decisive" in planned
    assert not any(job.startswith("tabulate_pico") for job in planned)
    write_small(tmp_path, pico=[PICO])
    files = ["results/main/decisive.csv", "results/main/pico.csv"]
    done = project.snakemake("--configfile", CONFIG, "--cores", "2", *files)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / files[0]).read_text(encoding="utf-8").splitlines() == [",".join(COLUMNS)]
    rows = read_table(tmp_path / files[1])
    effects = read_table(tmp_path / "results/main/os/random/relative_effects.csv")
    assert tuple(rows[0]) == PICO_COLUMNS
    assert [(row["comparator"], row["estimate"]) for row in rows] == [
        (row["comparator"], row["estimate"])
        for row in effects
        if (row["setting"], row["treatment"]) == ("overall", "b")
    ]


def survival_alone(config: dict[str, Any]) -> dict[str, Any]:
    """Return the shipped configuration with one outcome, one model, few draws and a sample of specifications."""
    kept = ("primary", "nanchang_2022_as_printed")
    axes = config["specifications"]["axes"]
    axes["heterogeneity"]["levels"].pop("by_setting")
    axes["severance_2024"]["levels"].pop("adjusted_hr")
    for axis in axes.values():
        levels = axis.get("levels", {})
        axis |= {"levels": {k: v for k, v in levels.items() if "os" in v.get("outcomes", ["os"])}} if levels else {}
    config |= {
        "analyses": {name: config["analyses"][name] | {"outcomes": ["os"]} for name in kept},
        "specifications": config["specifications"] | {"outcomes": ["os"], "limit": 3000},
        "models": {"pooled": config["models"]["pooled"]},
    }
    config["sampler"]["draws"] = 500
    for key in ("bias", "next_study", "pairs"):
        config.pop(key)
    return config


def assert_pairs(decisive: list[dict[str, str]], curve: Path) -> None:
    """Hold what pairs of choices are said to do against the specification that makes both and no other."""
    with gzip.open(curve, "rt", encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    axes = [name for name in rows[0] if name.startswith("axis_")]
    by_choice = {(row["setting"], *(row[name] for name in axes)): row["first"] for row in rows}
    together = [row for row in decisive if row["with_choice"]]
    assert together
    for row in together:
        own, _, level = row["row"].partition("=")
        chosen = {name: rows[0][name] for name in axes}
        chosen |= {f"axis_{own}": level, f"axis_{row['with_choice']}": row["with_level"]}
        assert by_choice[row["setting"], *chosen.values()] == row["with_first"], row


@pytest.mark.slow
def test_what_decides_survival_in_the_shipped_network(tmp_path: Path) -> None:
    """Six facts, those that move the answer most first; the inverted label moves it further than Nanchang 2023 does."""
    project, file = copy_of(ROOT, tmp_path, PARTS), tmp_path / "config/config.yaml"
    config = survival_alone(yaml.safe_load(file.read_text(encoding="utf-8")))
    file.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
    table = "results/primary/decisive.csv"
    done = project.snakemake("--cores", "2", table)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    assert_pairs(read_table(tmp_path / table), tmp_path / "results/primary/os/doubt/specifications.csv.gz")
    rows = [row for row in read_table(tmp_path / table) if row["setting"] == "overall"]
    moved = {
        (row["kind"], row["subject"]): abs(float(row["standard_errors"])) for row in rows if row["standard_errors"]
    }
    label = "finding", "nanchang_2022"
    assert next(iter(moved)) == label
    assert moved[label] == pytest.approx(0.95, abs=0.06)
    assert moved["reading", "nanchang_2023"] == pytest.approx(0.48, abs=0.03)
    assert moved["additivity", "structure"] == pytest.approx(0.43, abs=0.03)
    for fact in (
        ("overlap", "nanchang_2022 nanchang_2023"),
        ("imbalance", "nanchang_2022"),
        ("events_per_covariate", "nanchang_2022"),
    ):
        assert moved[fact] < 0.1, fact
