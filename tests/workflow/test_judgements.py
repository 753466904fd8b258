"""Judgements of certainty in a workflow: networks of every shape run to the end, and an edit judges again."""

import csv
from pathlib import Path
from typing import Any

import pytest
from secondline.certainty.judgements import rule_of
from secondline.certainty.settings import JUDGED
from secondline.tables import read_table

from tests.workflow.conftest import PARTS, ROOT, Project, copy_of
from tests.workflow.small import CONFIG, small_project, write_small

TABLE = "results/main/os/certainty/certainty.csv"
PRINTED = ROOT / "tests/data/cinema/printed_judgements.csv"
JUDGES = "judge_certainty os"
Study = tuple[str, str, float, float]
"""Treatment, comparator, effect and standard error."""


def planned(project: Project) -> set[str]:
    """Jobs that would run for the table."""
    return project.planned("--configfile", CONFIG, "--cores", "1", TABLE)


def write_studies(folder: Path, networks: dict[str, list[Study]]) -> None:
    """Replace the table of the small project: of every outcome its studies, with their risk of bias."""
    with (folder / "small.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["outcome", "study", "treatment", "comparator", "effect", "se", "rob"])
        for outcome, studies in networks.items():
            writer.writerows([outcome, f"s{i}", *study, 1 + i % 3] for i, study in enumerate(studies))


def evidence() -> list[dict[str, Any]]:
    """Table of the small project, with the risk of bias of each study."""
    return [{"file": "small.csv", "columns": {"risk_of_bias": "rob"}, "judged_by": "AB"}]


def judged(project: Project, *outcomes: str) -> list[list[dict[str, str]]]:
    """Run to the tables of certainty, and read them."""
    files = [TABLE.replace("/os/", f"/{outcome}/") for outcome in outcomes]
    done = project.snakemake("--configfile", CONFIG, "--cores", "1", *files)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return [read_table(project.folder / file) for file in files]


STAR = [("b", "a", -0.5, 0.2), ("c", "a", 0.3, 0.2), ("b", "a", -0.4, 0.3)]
NETWORKS: dict[str, list[Study]] = {
    "pair": [("b", "a", -0.5, 0.2), ("b", "a", -0.3, 0.2)],
    "star": STAR,
    "tree": [("b", "a", -0.5, 0.2), ("c", "b", 0.3, 0.2)],
    "linked": [("b", "a", -0.5, 0.2), ("bc", "c", -0.3, 0.2)],
}
"""The linked one is disconnected but for shared components; that they add up is what its two studies can test."""
HELD: dict[str, list[str]] = {"a": [], "b": ["b"], "c": ["c"], "bc": ["b", "c"]}
TREATMENTS = {
    "reference": "a",
    "components": {"b": "B", "c": "C"},
    "regimens": {name: {"label": name.upper(), "components": parts} for name, parts in HELD.items()},
}


def test_every_network_is_judged_to_the_end(tmp_path: Path) -> None:
    """Where nothing tests incoherence it is not assessable, and every row holds what its judgement is computed from."""
    project = small_project(tmp_path)
    outcome = {"measure": "HR", "better": "lower", "margin": 0.8, "prior": "log_hr"}
    write_small(
        tmp_path,
        treatments=TREATMENTS,
        outcomes={name: {"label": name, **outcome} for name in NETWORKS},
        evidence=evidence(),
        certainty={"design": "randomised_trial"},
        models={"random": {"heterogeneity": True}},
        priors={"log_hr": {"effect": 100, "tau": 0.05, "omega": 0.5, "baseline": 1}},  # which the data outweigh
    )
    write_studies(tmp_path, NETWORKS)
    for (name, studies), rows in zip(NETWORKS.items(), judged(project, *NETWORKS), strict=True):
        given = {treatment for treatment, *_ in studies} | {comparator for _, comparator, *_ in studies}
        assert len(rows) == len(given) * (len(given) - 1) // 2 * len(JUDGED)
        assert all(rule_of(row).judgement == row["by_rule"] for row in rows)
        found = {(frozenset((row["treatment"], row["comparator"])), row["domain"]): row["judgement"] for row in rows}
        pair = frozenset("ab")
        assert (found[pair, "incoherence"] == "not assessable") == (name != "linked"), name
        assert found[pair, "within_study_bias"] in ("none", "some", "major"), name
        assert found[pair, "start"] == "high", name
        assert found[pair, "overall"].startswith("not judged; at most "), name
        if name == "linked":
            assert found[frozenset("ac"), "overall"] == "not assessable"


def test_an_edit_judges_again(tmp_path: Path) -> None:
    """Another judgement, range or level of a study does; another label does not, and nothing is fitted again."""
    project = small_project(tmp_path)
    assert JUDGES in project.planned("--configfile", CONFIG)
    write_small(tmp_path, evidence=evidence())
    write_studies(tmp_path, {"os": STAR})
    before = {row["domain"]: row for row in judged(project, "os")[0]}
    assert before["start"]["judgement"] == "not known"
    assert planned(project) == set()
    write_small(tmp_path, evidence=evidence(), analyses={"main": {"label": "Everything"}})
    write_studies(tmp_path, {"os": STAR})
    assert JUDGES not in planned(project)
    said = {"outcome": "os", "domain": "imprecision", "judgement": "some", "reason": "few events", "judge": "AB"}
    write_small(tmp_path, evidence=evidence(), certainty={"overrides": [said]})
    write_studies(tmp_path, {"os": STAR})
    jobs = planned(project)
    assert JUDGES in jobs
    assert not any(job.startswith(("fit_models", "summarise_models", "trace_contributions")) for job in jobs)
    after = {row["domain"]: row for row in judged(project, "os")[0]}
    assert (after["imprecision"]["judgement"], after["imprecision"]["reason"]) == ("some", "few events")
    assert after["imprecision"]["by_rule"] == before["imprecision"]["by_rule"] != "some"
    text = (tmp_path / "small.csv").read_text(encoding="utf-8")
    (tmp_path / "small.csv").write_text(text.replace("0.2,1", "0.2,3"), encoding="utf-8")
    jobs = planned(project)
    assert JUDGES in jobs
    assert not any(job.startswith(("fit_models", "summarise_models")) for job in jobs)


@pytest.mark.slow
def test_judgements_printed_in_the_manual_come_out(tmp_path: Path) -> None:
    """Elliott 2007 from its counts, by the posterior intervals: every judgement of CINeMA's manual, and its shares."""
    project = copy_of(ROOT, tmp_path, PARTS)
    file = "results/antihypertensives/diabetes/certainty/certainty.csv"
    done = project.snakemake("--configfile", "config/examples/antihypertensives.yaml", "--cores", "1", file)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    rows = read_table(tmp_path / file)
    assert len(rows) == 15 * len(JUDGED)
    found = {(frozenset((row["treatment"], row["comparator"])), row["domain"]): row for row in rows}
    printed = [row for row in read_table(PRINTED) if row["source"] == "CINeMA manual"]
    assert len(printed) == 3
    for each in printed:
        pair = frozenset(each["comparison"].lower().split(" v "))
        for domain in ("imprecision", "heterogeneity", "incoherence"):
            if each[domain]:
                assert found[pair, domain]["judgement"] == each[domain], (each["comparison"], domain)
    bias = found[frozenset(("ace", "bblocker")), "within_study_bias"]
    shares = [float(bias[f"share_{word}"]) for word in ("low", "some", "high")]
    assert shares == pytest.approx([0.53, 0.43, 0.04], abs=0.005)
    assert bias["judgement"] == "some"
    assert set(bias["other_versions"].split("; ")) == {"majority: none", "highest: major"}
