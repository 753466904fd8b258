"""Tables of inconsistency: each side of a split by the evidence rule; splits on which the engine cannot be relied."""

from dataclasses import replace
from pathlib import Path

import pytest
from secondline.evidence.selection import evidence_csv
from secondline.inference import fit_statistics
from secondline.inference.priors import PriorScales
from secondline.inference.reliability import Solution, solve
from secondline.inference.widening import PRIOR_DRIVEN
from secondline.jobs.settings import fit_settings, summary_settings
from secondline.network.data import NetworkData
from secondline.project.config import Project
from secondline.project.read import read_project
from secondline.sd_priors import HalfNormal
from secondline.summaries import inconsistency
from secondline.tables import read_table, write_table, write_text

from tests.conftest import ROOT

PAIR = ("ropinirole", "placebo")
Rows = list[dict[str, str]]


def assessed(
    project: Project, analysis: str, outcome: str, model: str, folder: Path, tau: float = 1.0
) -> dict[str, Rows]:
    """Node-splits and unrelated mean effects of an outcome, with the prior of tau as wide as declared, or wider."""
    write_text(folder / "evidence.csv", evidence_csv(project, analysis, outcome))
    write_table(folder / "statistics.csv", [dict.fromkeys(fit_statistics.COLUMNS, 1.0)], fit_statistics.COLUMNS)
    write_table(folder / "points.csv", [dict.fromkeys(fit_statistics.POINT_COLUMNS)], fit_statistics.POINT_COLUMNS)
    settings, summary = fit_settings(project, analysis, outcome), summary_settings(project, outcome)
    prior = replace(settings.models[model].prior, tau=HalfNormal(tau * settings.models[model].prior.tau.size))
    settings = replace(settings, models={model: replace(settings.models[model], prior=prior)})
    headline = str(folder / "statistics.csv"), str(folder / "points.csv")
    inconsistency.assess_inconsistency(str(folder / "evidence.csv"), settings, summary, model, folder, headline)
    return {name: read_table(folder / f"{name}.csv") for name in ("node_splits", "unrelated_effects")}


def test_sides_of_a_split_are_labelled_by_the_evidence_rule(project: Project, tmp_path: Path) -> None:
    """The indirect side of lenvatinib + ICI follows the priors: with one of them doubled it is wider by 59%.

    A side that widens by more than a fifth is prior-driven, whatever the design, and so is the difference of the two.
    """
    rows = assessed(project, "primary", "os", "pooled", tmp_path)["node_splits"]
    sides = {(row["treatment"], row["comparator"], row["evidence"]): row for row in rows if row["assessable"] == "true"}
    pairs = {key[:2] for key in sides}
    assert len(pairs) == 2
    doubled = assessed(project, "primary", "os", "pooled", tmp_path, 2.0)["node_splits"]
    wider = {(row["treatment"], row["comparator"], row["evidence"]): row for row in doubled}
    for pair in pairs:
        for side in ("direct", "indirect"):
            row = sides[*pair, side]
            driven = float(row["prior_sensitivity"]) > PRIOR_DRIVEN
            assert row["label"] == ("prior_driven" if driven else side)
            by_tau = float(wider[*pair, side]["sd"]) / float(row["sd"]) - 1
            assert by_tau <= float(row["prior_sensitivity"]) + 0.01
        weak = {sides[*pair, side]["label"] for side in ("direct", "indirect")} & {"prior_driven"}
        assert (sides[*pair, "difference"]["label"] == "prior_driven") or not weak
    (indirect,) = [row for (t, _, side), row in sides.items() if t == "lenvatinib_ici" and side == "indirect"]
    assert indirect["label"] == "prior_driven"
    assert float(indirect["prior_sensitivity"]) == pytest.approx(0.59, abs=0.02)


def test_tables_say_by_which_rule_studies_of_several_arms_are_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only trial of three arms, and which of them is its baseline: in the rows of its comparisons alone."""
    monkeypatch.chdir(ROOT)
    shipped = read_project(Path("config/examples/parkinsons.yaml"))
    tables = assessed(shipped, "parkinsons", "off_time_contrasts", "random", tmp_path)
    of_splits = {(row["treatment"], row["comparator"]): row["multi_arm"] for row in tables["node_splits"]}
    assert of_splits == {
        ("pramipexole", "placebo"): "placebo is the baseline of Guttman 1997",
        ("bromocriptine", "placebo"): "placebo is the baseline of Guttman 1997",
        ("bromocriptine", "pramipexole"): "bromocriptine is the baseline of Guttman 1997",
        ("ropinirole", "placebo"): "",
        ("bromocriptine", "ropinirole"): "",
        ("cabergoline", "bromocriptine"): "",
    }
    of_unrelated = {(row["treatment"], row["comparator"]): row["multi_arm"] for row in tables["unrelated_effects"]}
    assert of_unrelated == {
        ("pramipexole", "placebo"): "Guttman 1997 against placebo",
        ("bromocriptine", "placebo"): "Guttman 1997 against placebo",
        ("ropinirole", "placebo"): "",
        ("bromocriptine", "ropinirole"): "",
        ("cabergoline", "bromocriptine"): "",
    }


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
