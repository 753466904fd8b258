"""A data set of every kind through the real Snakefile, unchanged: simulated tables, one configuration."""

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.networks import contrast_row, simulate
from tests.workflow.conftest import PARTS, ROOT, Project, copy_of

EFFECTS = {"a": 0.0, "b": -0.8, "c": 0.9}
DESIGNS = ("ab", "ac", "bc", "ab", "ac", "abc")
CATEGORIES = ["worse", "same", "better", "well"]
LIKELIHOODS = {
    "events": "binomial_logit",
    "followed": "binomial_cloglog",
    "rates": "poisson_log",
    "means": "normal",
    "odds": "normal_counts",
    "grades": "ordered_logit",
    "probits": "ordered_probit",
    "stars": "contrasts",
    "pairs": "contrasts",
    "both": "binomial_logit",
}
FIGURES = {
    "binomial_logit": ("events", "n"),
    "normal_counts": ("events", "n"),
    "binomial_cloglog": ("events", "n", "time"),
    "poisson_log": ("events", "time"),
    "normal": ("mean", "se"),
}
SIMULATED_AS = {"normal_counts": "binomial_logit"}
MEASURES = {"followed": "HR", "rates": "IRR", "means": "MD", "probits": "PD"}


def of_arms(rows: list[dict[str, str]], likelihood: str) -> list[dict[str, Any]]:
    """Rows of arms as a tidy table, with the columns that a likelihood needs."""
    table = []
    for row in rows:
        line = {"study": row["study"], "treatment": row["arm"]}
        line |= {key: row[key] for key in FIGURES.get(likelihood, ())}
        if row.get("categories"):
            line |= {CATEGORIES[int(c[1:])]: n for c, n in (cell.split(":") for cell in row["categories"].split())}
        table.append(line)
    return table


def of_contrasts(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Rows of contrasts as a tidy table, the comparator's standard error included."""
    return [
        {
            "study": row["study"],
            "treatment": row["treatment_arm"],
            "comparator": row["comparator_arm"],
            "effect": row["effect"],
            "se": row["se"],
            "comparator_se": row["baseline_se"],
        }
        for row in rows
    ]


def all_pairs() -> list[dict[str, Any]]:
    """Two-arm studies, and one of three arms with all its pairwise contrasts and no standard errors of arms."""
    effects = {("b", "a"): -0.8, ("c", "a"): 0.9, ("c", "b"): 1.7}
    rows = [
        contrast_row(f"s{i}", t, c, effect + shift, 0.2)
        for i, ((t, c), effect) in enumerate(effects.items())
        for shift in (0.05,)
    ]
    rows += [contrast_row("three", t, c, effect, 0.28284) for (t, c), effect in effects.items()]
    return [{key: value for key, value in row.items() if key != "comparator_se"} for row in of_contrasts(rows)]


@pytest.fixture(scope="module")
def tables() -> dict[str, list[dict[str, Any]]]:
    """Tables by outcome."""
    made = {
        name: of_arms(simulate(SIMULATED_AS.get(likelihood, likelihood), DESIGNS, EFFECTS, 0.1, 3), likelihood)
        for name, likelihood in LIKELIHOODS.items()
        if likelihood != "contrasts"
    }
    made["stars"] = of_contrasts(simulate("contrasts", DESIGNS, EFFECTS, 0.1, 4))
    made["pairs"] = all_pairs()
    made["both"] = made["both"][:4]
    return made


@pytest.fixture(scope="module")
def finished(tables: dict[str, list[dict[str, Any]]], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run the pipeline on all tables up to the summaries of every model."""
    project = copy_of(ROOT, tmp_path_factory.mktemp("kinds"), PARTS)
    evidence = [{"file": f"{name}.csv", "outcome": name} for name in tables]
    tables = {**tables, "added": [{**row, "study": f"x{row['study']}"} for row in tables["stars"]]}
    evidence.append({"file": "added.csv", "outcome": "both"})
    for name, rows in tables.items():
        with (project.folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    outcomes = {
        name: {
            "label": name,
            "likelihood": likelihood,
            "measure": MEASURES.get(name, "OR"),
            "better": "higher",
            "margin": 0.5 if name in ("means", "probits") else 1.25,
            "prior": "vague",
        }
        | ({"categories": CATEGORIES} if likelihood.startswith("ordered") else {})
        for name, likelihood in LIKELIHOODS.items()
    }
    example = yaml.safe_load((ROOT / "config" / "examples" / "smoking.yaml").read_text())
    config = {
        "shared": "results/kinds",
        "seed": 1,
        "evidence": evidence,
        "treatments": {"reference": "a", "regimens": {t: t.upper() for t in "abc"}},
        "outcomes": outcomes,
        "models": {"random": {"heterogeneity": True}},
        "headline": "random",
        "priors": {"vague": {"effect": 10, "tau": 1, "omega": 1, "baseline": 10}},
        "sampler": example["sampler"] | {"draws": 500, "most_draws": 500},
        "analyses": {"kinds": {"label": "Kinds of data"}},
    }
    (project.folder / "kinds.yaml").write_text(yaml.safe_dump(config))
    done = project.snakemake("--configfile", "kinds.yaml", "--cores", "2", "--until", "summarise_models")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return project


@pytest.mark.parametrize("outcome", LIKELIHOODS)
def test_a_data_set_of_each_kind(finished: Project, outcome: str) -> None:
    """Every kind gives the effects it was simulated with, converged, and ranks c above a above b."""
    folder: Path = finished.folder / "results" / "kinds" / outcome / "random"
    with (folder / "relative_effects.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["comparator"] == "a" and row["setting"] == "overall"]
    assert {row["treatment"] for row in rows} == {"b", "c"}
    for row in rows:
        assert row["converged"] == "true"
        assert float(row["lower"]) < EFFECTS[row["treatment"]] < float(row["upper"])
    with (folder / "ranking.csv").open(newline="") as file:
        sucra = {row["treatment"]: float(row["sucra"]) for row in csv.DictReader(file) if row["setting"] == "overall"}
    assert sucra["c"] > sucra["a"] > sucra["b"]
