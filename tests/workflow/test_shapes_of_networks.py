"""Networks whose shape leaves something that cannot be assessed: each runs to its report, and says so."""

import csv
from pathlib import Path
from typing import Any

import pytest
from secondline.cell_values import NOT_ASSESSABLE
from secondline.tables import read_table

from tests.workflow.small import run, small_project, write_small

Study = tuple[str, str, str, float, float]
PLAIN = {"a": "A", "b": "B", "c": "C", "d": "D"}
COMPONENTS = {"x": "Drug X", "y": "Drug Y"}
REGIMENS = {
    "a": {"label": "A", "components": []},
    "b": {"label": "B", "components": ["x"]},
    "c": {"label": "C", "components": ["y"]},
    "d": {"label": "D", "components": ["x", "y"]},
}


def plain(names: str) -> dict[str, Any]:
    """Declare treatments without components."""
    return {"reference": "a", "regimens": {name: PLAIN[name] for name in names}}


SHAPES: dict[str, tuple[dict[str, Any], list[Study]]] = {
    "star": (plain("abcd"), [("s1", "b", "a", -0.5, 0.2), ("s2", "c", "a", 0.3, 0.2), ("s3", "d", "a", -0.4, 0.3)]),
    "tree": (plain("abcd"), [("s1", "b", "a", -0.5, 0.2), ("s2", "c", "b", 0.3, 0.2), ("s3", "d", "b", -0.4, 0.3)]),
    # No study links a and b with c and d: the component x does.
    "linked by a component": (
        {"reference": "a", "components": COMPONENTS, "regimens": REGIMENS},
        [("s1", "b", "a", -0.5, 0.2), ("s2", "b", "a", -0.3, 0.2), ("s3", "d", "c", -0.4, 0.3)],
    ),
    "two treatments": (plain("ab"), [("s1", "b", "a", -0.5, 0.2), ("s2", "b", "a", -0.2, 0.2)]),
}


def run_shape(folder: Path, shape: str) -> Path:
    """Run a network of this shape to the end; gives the folder of its analysis."""
    treatments, studies = SHAPES[shape]
    project = small_project(folder)
    write_small(folder, treatments=treatments)
    with (folder / "small.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("study", "treatment", "comparator", "effect", "se"), *studies])
    run(project)
    main = folder / "results/main"
    assert (main / "report.html").is_file()
    findings = read_table(main / "os/certainty/summary_of_findings.csv")
    assert len(findings) == len(treatments["regimens"]) - 1
    assert {row["certainty"] for row in findings} == {NOT_ASSESSABLE}  # a prior decides how wide its interval is
    return main / "os/certainty"


def incoherence(certainty: Path) -> list[dict[str, str]]:
    """Judgements of one domain."""
    return [row for row in read_table(certainty / "certainty.csv") if row["domain"] == "incoherence"]


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["star", "tree", "two treatments"])
def test_without_a_loop_incoherence_is_not_assessable(tmp_path: Path, shape: str) -> None:
    """Each runs to its report."""
    judged = incoherence(run_shape(tmp_path, shape))
    assert {row["judgement"] for row in judged} == {NOT_ASSESSABLE}
    assert {row["note"] for row in judged} == {"no loop of the network tests coherence"}


@pytest.mark.slow
def test_without_a_path_between_treatments_flows_are_not_assessable(tmp_path: Path) -> None:
    """The two parts agree on the component that they share, which is a test of the whole network."""
    certainty = run_shape(tmp_path, "linked by a component")
    (flows,) = read_table(certainty / "flows.csv")
    assert flows["method"].startswith(f"{NOT_ASSESSABLE}: ")
    assert {(row["judgement"], row["note"]) for row in incoherence(certainty)} == {
        ("none", "tested in the network as a whole")
    }
    assert {float(row["p_design"]) for row in incoherence(certainty)} == {1.0}  # -0.4 in both parts
