"""The tables of doubt in a workflow: which jobs there are, and what an edit reruns."""

import csv
import gzip
from pathlib import Path

from secondline.layout import SPECIFICATION_TABLES
from secondline.tables import read_table

from tests.workflow.small import CONFIG, small_project, write_small

COUNTS = "specification_counts"
TABLE = "results/main/os/doubt/alternatives.csv"


def test_a_configuration_without_specifications_has_no_such_job(tmp_path: Path) -> None:
    """Nothing is asked of what is not there."""
    planned = small_project(tmp_path).planned("--configfile", CONFIG)
    assert not any(job.startswith("list_alternatives") for job in planned)


def test_alternatives_are_listed_once(tmp_path: Path) -> None:
    """For every outcome of the analysis; a new weight lists them again, a new label of the analysis does not."""
    project = small_project(tmp_path)
    write_small(tmp_path, specifications={})
    assert "list_alternatives os" in project.planned("--configfile", CONFIG)
    done = project.snakemake("--configfile", CONFIG, "--cores", "1", TABLE)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = (tmp_path / TABLE).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("axis,level,label,why,weight,declared,select,study,")
    assert len(lines) > 1
    assert not any(job.startswith("list_alternatives") for job in project.planned("--configfile", CONFIG))
    done = project.snakemake("--configfile", CONFIG, "--cores", "2", TABLE.replace("alternatives", COUNTS))
    assert done.returncode == 0, done.stderr[-3000:]
    (counts,) = read_table(tmp_path / TABLE.replace("alternatives", COUNTS))
    missing = int(counts["invalid"]) + int(counts["duplicates"])
    assert int(counts["specifications"]) == int(counts["product"]) - missing
    for name in SPECIFICATION_TABLES:
        assert (tmp_path / TABLE).with_name(name).stat().st_size > 0
    assert_steps((tmp_path / TABLE).parent)
    write_small(tmp_path, specifications={}, analyses={"main": {"label": "Everything"}})
    assert not any(job.startswith("list_alternatives") for job in project.planned("--configfile", CONFIG))
    axes = {"left_out": {"of": "left_out", "weights": {lines[1].split(",")[1]: 0.5}}}
    write_small(tmp_path, specifications={"axes": axes})
    assert "list_alternatives os" in project.planned("--configfile", CONFIG)


def test_the_value_of_a_next_study_is_computed_where_it_is_asked_for(tmp_path: Path) -> None:
    """Not without the key; another size computes it again, another label does not."""
    project = small_project(tmp_path)
    assert not any(job.startswith("value_next_study") for job in project.planned("--configfile", CONFIG))
    write_small(tmp_path, next_study={})
    table = "results/main/os/doubt/next_study.csv"
    done = project.snakemake("--configfile", CONFIG, "--cores", "1", table)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = (tmp_path / table).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("setting,treatment,comparator,size,")
    assert len(lines) > 1
    write_small(tmp_path, next_study={}, analyses={"main": {"label": "Everything"}})
    assert not any(job.startswith("value_next_study") for job in project.planned("--configfile", CONFIG))
    write_small(tmp_path, next_study={"sizes": [40]})
    assert "value_next_study os" in project.planned("--configfile", CONFIG)


def assert_steps(folder: Path) -> None:
    """Every row of the curve with at most one choice beside the declared ones is among the steps, as it is."""
    with gzip.open(folder / "specifications.csv.gz", "rt", encoding="utf-8", newline="") as handle:
        curve = list(csv.DictReader(handle))
    steps = read_table(folder / "specification_steps.csv")
    axes = [name for name in curve[0] if name.startswith("axis_")]
    expected = []
    for row in curve:
        changed = [name for name in axes if row[name] != curve[0][name]]
        if len(changed) <= 1:
            expected.append({"axis": "".join(changed).removeprefix("axis_"), **row})
    assert steps == expected
    assert len(steps) > 2
