"""The simulated project of any size: it can be read, and each of its jobs is counted once."""

import json
from pathlib import Path

import pytest
from secondline.project.read import read_project

from scripts.scale import measure, write


def test_the_project_is_read_as_it_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every study reports every outcome, on the scale of its measure."""
    monkeypatch.chdir(tmp_path)
    write(Path("big.yaml"), studies=12, treatments=5, outcomes=3)
    project = read_project(Path("big.yaml"))
    assert [one.measure for one in project.config.outcomes.values()] == ["OR", "HR", "MD"]
    assert len(project.treatments.regimens) == 5
    assert len(project.tables) == 3 * 12


def test_a_job_with_several_outputs_is_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Snakemake has a note on every output, with times that differ a little."""
    monkeypatch.chdir(tmp_path)
    write(Path("big.yaml"), studies=6, treatments=3, outcomes=1)
    notes = Path(".snakemake/metadata")
    notes.mkdir(parents=True)
    for k, (start, end) in enumerate([(10.0, 12.0), (10.1, 12.5)]):
        note = {"rule": "fit_models", "starttime": start, "endtime": end, "input": ["results/big/x"], "log": ["a.log"]}
        (notes / str(k)).write_text(json.dumps(note))
    measure(Path("big.yaml"))
    said = capsys.readouterr().out
    assert "from the first job to the last: 2 s" in said
    (line,) = (line.split() for line in said.splitlines() if line.startswith("fit_models"))
    assert line == ["fit_models", "1", "2.5", "2.5"]
