"""Lists for those who decide, in a network without sheets, settings, components or choices."""

from pathlib import Path

from secondline.certainty.decisive import COLUMNS
from secondline.summaries.pico import COLUMNS as PICO_COLUMNS
from secondline.tables import read_table

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
