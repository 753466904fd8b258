"""Node-splits on which the exact engine cannot be relied are not published: the comparison says why."""

from pathlib import Path

import pytest
from secondline.evidence.selection import evidence_csv
from secondline.inference import fit_statistics
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import Solution, solve
from secondline.jobs.settings import fit_settings, summary_settings
from secondline.network.data import NetworkData
from secondline.project.read import read_project
from secondline.summaries import inconsistency
from secondline.tables import read_table, write_table, write_text

from tests.conftest import ROOT

PAIR = ("ropinirole", "placebo")


def test_a_split_that_cannot_be_relied_on_is_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only that comparison loses its direct and indirect figures; its reason is that of the engine."""
    monkeypatch.chdir(ROOT)
    shipped, rule = read_project(Path("config/examples/parkinsons.yaml")), ("parkinsons", "off_time_contrasts")
    write_text(tmp_path / "evidence.csv", evidence_csv(shipped, *rule))
    write_table(tmp_path / "statistics.csv", [dict.fromkeys(fit_statistics.COLUMNS, 1.0)], fit_statistics.COLUMNS)
    write_table(tmp_path / "points.csv", [dict.fromkeys(fit_statistics.POINT_COLUMNS)], fit_statistics.POINT_COLUMNS)
    settings, summary = fit_settings(shipped, *rule), summary_settings(shipped, rule[1])

    def unreliable(data: NetworkData, scales: PriorScales) -> Solution:
        found = solve(data, scales)
        doubtful = f"direct[{','.join(PAIR)}]" in data.predictor.names
        return Solution(found.found, "its grid ends before the posterior does") if doubtful else found

    rows = {}
    for name in ("before", "after"):
        if name == "after":
            monkeypatch.setattr(inconsistency, "solve", unreliable)
            monkeypatch.setattr(inconsistency, "solve_reliably", unreliable)
        headline = str(tmp_path / "statistics.csv"), str(tmp_path / "points.csv")
        inconsistency.assess_inconsistency(
            str(tmp_path / "evidence.csv"), settings, summary, "random", tmp_path / name, headline
        )
        rows[name] = read_table(tmp_path / name / "node_splits.csv")
        models = [row["model"] for row in read_table(tmp_path / name / "fit_statistics.csv")]
        assert ("split ropinirole against placebo" in models) == (name == "before")
    of_pair = {name: [row for row in rows[name] if (row["treatment"], row["comparator"]) == PAIR] for name in rows}
    assert [row["evidence"] for row in of_pair["before"]] == ["network", "direct", "indirect", "difference"]
    (only,) = of_pair["after"]
    assert (only["evidence"], only["assessable"]) == ("network", "false")
    assert only["reason"] == "no exact posterior: its grid ends before the posterior does"
    others = {name: [row for row in rows[name] if row not in of_pair[name]] for name in rows}
    assert others["before"] == others["after"] != []
