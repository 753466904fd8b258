"""Meta-regression: several covariates, words among them, slopes of all, of a class or of each treatment, subgroups."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import secondline as sl
import yaml
from secondline.errors import UserError
from secondline.evidence.audit import audit_project
from secondline.evidence.selection import evidence_rows
from secondline.inference import exact
from secondline.inference.task import FitTask
from secondline.jobs.network_checks import check_networks
from secondline.jobs.settings import fit_settings, summary_settings
from secondline.network.predictor import Effects, Predictor
from secondline.network.slopes import BY_CLASS, INDEPENDENT, Slopes
from secondline.project.config import Project
from secondline.project.read import read_project
from secondline.report.tables.checks import coefficients_table
from secondline.report.words import Labels, Names
from secondline.summaries.frequentist import write_frequentist
from secondline.tables import read_table

from tests.conftest import CONFIG, ROOT
from tests.networks import plain
from tests.test_wide_priors import FIVE

CASES = ROOT / "tests/data/cases"
FIXED = {"heterogeneity": False}
VAGUE = sl.Priors(effect=sl.normal(100))


@pytest.fixture
def project_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Read a project of one table, as it is."""
    monkeypatch.chdir(tmp_path)

    def read(text: str, regimens: list[str], models: dict[str, Any], measure: str = "OR", **more: Any) -> Project:
        text = (CASES / text).read_text(encoding="utf-8") if text.endswith(".csv") else text
        Path("t.csv").write_text(text, encoding="utf-8")
        outcome = {"label": "Y", "measure": measure, "better": "lower", "margin": 0.8 if measure == "OR" else -0.2}
        outcome |= {"likelihood": "normal"} if measure == "MD" else {}
        config = {
            "evidence": [{"file": "t.csv", "outcome": "y", **more.pop("table", {})}],
            "treatments": {"reference": regimens[0], "regimens": {name: name for name in regimens}, **more},
            "seed": 1,
            "outcomes": {"y": {**outcome, "prior": "p"}},
            "models": models,
            "headline": next(iter(models)),
            "priors": {"p": {"effect": 100, "tau": 1, "omega": 1, "baseline": 100}},
            "sampler": yaml.safe_load((ROOT / CONFIG).read_text(encoding="utf-8"))["sampler"],
            "analyses": {"all": {"label": "All"}},
        }
        Path("config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
        project = read_project(Path("config.yaml"))
        check_networks(project, Path("config.yaml"))
        return project

    return read


def coefficients(project: Project, model: str) -> dict[str, tuple[float, float]]:
    """Posterior mean and standard deviation of every coefficient, by the exact engine."""
    fit = FitTask.from_rows(evidence_rows(project, "all", "y"), fit_settings(project, "all", "y")).fits[model]
    names = fit.data.predictor.names
    summary, _ = exact.posterior(fit.data, fit.scales).summary(np.eye(len(names)))
    return {name: (float(summary[0, k]), float(summary[1, k])) for k, name in enumerate(names)}


def test_a_covariate_in_the_rows(project_of: Any) -> None:
    """The file as it is: B -0.611 (0.242), slope 0.660 (0.480)."""
    models = {"plain": {**FIXED, "covariate": {"name": "base"}}}
    columns = {"columns": {"se": "std.err"}}
    found = coefficients(project_of("covariate_in_rows.csv", list("ABCD"), models, "MD", table=columns), "plain")
    assert found["beta[B]"] == pytest.approx((-0.611, 0.242), abs=1e-3)
    assert found["slope[base]"] == pytest.approx((0.660, 0.480), abs=1e-3)


def test_its_slope_is_in_the_tables() -> None:
    """In coefficients.csv with the value at which effects are given, and in the report in words."""
    frame = pd.read_csv(CASES / "covariate_in_rows.csv")
    net = sl.Network.from_arms(
        frame, study="study", treatment="treatment", mean="mean", se="std.err", covariates=["base"], reference="A"
    )
    covariate = sl.Covariate("base", per=0.5)
    result = sl.fit(net, sl.Model(likelihood="normal", heterogeneity=False, covariates=(covariate,)), priors=VAGUE)
    table = result.coefficients()
    (row,) = [row for row in table.astype(str).to_dict("records") if row["parameter"] == "slope[base per 0.5]"]
    assert (float(row["mean"]), float(row["sd"])) == pytest.approx((0.330, 0.240), abs=0.01)
    assert float(row["centre"]) == pytest.approx((1.78 + 1.26 + 0.75) / 3)
    names = Names(Labels(measures={"y": "MD"}), "all", "y", "plain")
    shown = coefficients_table({"plain": table.astype(str).to_dict("records")}, names)
    assert "slope of base per 0.5" in [cell for cells in shown.rows for cell in cells]


def test_a_file_of_metainsight_with_a_covariate(project_of: Any) -> None:
    """The file as it is, recognised by its columns: fixed effects, a zero cell, slope 0.138 (0.062)."""
    regimens = ["Placebo", "Infliximab", "Adalimumab", "Tocilizumab", "CZP", "Rituximab", "Etanercept"]
    models = {"plain": {**FIXED, "covariate": {"name": "duration"}}}
    found = coefficients(project_of("certolizumab_duration.csv", regimens, models), "plain")
    assert found["slope[duration]"] == pytest.approx((0.138, 0.062), abs=2e-3)


def test_a_study_without_the_covariate(project_of: Any) -> None:
    """The file as it is: one model leaves S2 out and says so, and the other takes every study."""
    models = {"plain": FIXED, "age": {**FIXED, "covariate": {"name": "age"}}}
    project = project_of("covariate_missing.csv", list("PAB"), models, table={"missing": ["NA"]})
    task = FitTask.from_rows(evidence_rows(project, "all", "y"), fit_settings(project, "all", "y"))
    assert {name: fit.data.left_out for name, fit in task.fits.items()} == {"plain": (), "age": ("S2",)}
    (finding,) = [f for f in audit_project(project) if f.check == "covariate_missing"]
    assert finding.message == "the study does not report age and is omitted from model age"


def test_the_five_trials_of_the_wide_priors_are_the_file() -> None:
    """tests/test_wide_priors.py solves this network: 4.09 (0.33)."""
    short = {"ETA": "ETA", "USK": "USK", "PBO": "PBO"}
    with (CASES / "wide_priors_five_trials.csv").open(encoding="utf-8") as file:
        rows = [(row["study"], row["treatment"], int(row["events"]), int(row["n"])) for row in csv.DictReader(file)]
    assert rows == [(study, short[t], *figures) for study, arms in FIVE for t, figures in arms.items()]


def statins() -> pd.DataFrame:
    """Trials of statins for primary or secondary prevention (NICE DSU TSD3): deaths."""
    frame = pd.read_csv(CASES / "statins.csv")
    return frame.assign(prevention=frame["secondary"].map({0: "primary", 1: "secondary"}))


def test_a_subgroup_interaction() -> None:
    """As printed, fixed effects: -0.11 (0.10) in primary prevention, interaction with secondary -0.21 (0.11)."""
    net = sl.Network.from_arms(
        statins(), study="study", treatment="treatment", events="events", n="n", covariates=["prevention"],
        reference="Placebo",
    )  # fmt: skip
    words = sl.Covariate("prevention", levels=("primary", "secondary"))
    model = sl.Model(likelihood="binomial", heterogeneity=False, covariates=(words,))
    found = sl.fit(net, model).coefficients().set_index("parameter")
    assert found.loc["beta[Statin]", ["mean", "sd"]].tolist() == pytest.approx([-0.11, 0.10], abs=0.01)
    assert found.loc["slope[prevention=secondary]", ["mean", "sd"]].tolist() == pytest.approx([-0.21, 0.11], abs=0.011)


def test_subgroups_of_one_study_identify_an_interaction_within_it() -> None:
    """Rows of two subgroups a trial: only what differs within trials says what the interaction is.

    Baselines that differ between trials, and between the subgroups of one, leave it where it is.
    """
    rng = np.random.default_rng(3)
    rows = []
    for trial in range(60):
        for subgroup, old in (("young", 0.0), ("old", 1.0)):
            level = rng.normal(0.0, 3.0) + 2 * old
            for treatment, effect in (("p", 0.0), ("t", -0.5 + 0.4 * old)):
                rows.append((f"{trial} {subgroup}", treatment, rng.normal(level + effect, 0.1), 0.1, subgroup))
    frame = pd.DataFrame(rows, columns=["study", "treatment", "mean", "se", "age"])
    net = sl.Network.from_arms(
        frame, study="study", treatment="treatment", mean="mean", se="se", covariates=["age"], reference="p"
    )
    age = sl.Covariate("age", levels=("young", "old"))
    model = sl.Model(likelihood="normal", heterogeneity=False, covariates=(age,))
    found = sl.fit(net, model, priors=VAGUE).coefficients().set_index("parameter")
    y = frame.pivot(index="study", columns="treatment", values="mean")
    difference = (y["t"] - y["p"]).groupby(y.index.str.endswith("old")).mean()
    assert found.loc["slope[age=old]", "mean"] == pytest.approx(difference[True] - difference[False], abs=1e-3)
    assert found.loc["slope[age=old]", "sd"] == pytest.approx(0.1 * np.sqrt(2 * 2 / 60), rel=0.03)


def test_slopes_of_a_class_and_of_each_treatment_are_least_squares() -> None:
    """Two covariates under vague priors: generalised least squares of the same columns, written out."""
    rng = np.random.default_rng(5)
    rows, x, y = [], [], []
    for i in range(40):
        t, age, dose = "bcd"[i % 3], float(rng.normal(60, 5)), float(rng.normal())
        classed = {"b": [1, 0], "c": [1, 0], "d": [0, 1]}[t]
        one = [float(t == name) for name in "bcd"]
        x.append([*one, *(v * (age - 60) / 10 for v in classed), *(v * dose for v in one)])
        y.append(float(rng.normal(np.dot(x[-1], [1, 2, 3, 0.5, -0.5, 0.2, 0.4, 0.6]), 0.3)))
        rows.append((f"s{i}", t, "a", y[-1], 0.3, age, dose))
    frame = pd.DataFrame(rows, columns=["s", "t", "c", "y", "se", "age", "dose"])
    net = sl.Network.from_contrasts(
        frame, study="s", treatment="t", comparator="c", effect="y", se="se", covariates=["age", "dose"],
        reference="a", measure="MD",
    )  # fmt: skip
    covariates = (
        sl.Covariate("age", centre=60, per=10, slopes={"b": "x", "c": "x"}),
        sl.Covariate("dose", centre=0, slopes="independent"),
    )
    model = sl.Model(likelihood="normal", heterogeneity=False, covariates=covariates)
    found = sl.fit(net, model, priors=VAGUE).coefficients()
    assert found["parameter"].tolist() == [
        *(f"beta[{t}]" for t in "bcd"),
        "slope[age per 10,x]",
        "slope[age per 10,d]",
        *(f"slope[dose,{t}]" for t in "bcd"),
    ]
    design = np.array(x)
    expected = np.linalg.lstsq(design, np.array(y))[0]
    sd = 0.3 * np.sqrt(np.diag(np.linalg.inv(design.T @ design)))
    assert found["mean"].to_numpy() == pytest.approx(expected, abs=0.06 * sd.max())
    assert found["sd"].to_numpy() == pytest.approx(sd, rel=0.05)
    assert str(model).endswith("covariates age per 10 (by class slopes), dose (independent slopes)")


def test_names_of_slopes() -> None:
    """In labels: of all treatments, of one, of a level."""
    names = Names(Labels(components={"b": "Beta"}), "all", "y", "m")
    assert names.coefficient("slope[age]") == "slope of age, per unit"
    assert names.coefficient("slope[age per 10,b]") == "slope of age per 10 of Beta"
    assert names.coefficient("slope[stage=late]") == "interaction with stage late"
    assert names.coefficient("slope[stage=late,b]") == "interaction with stage late of Beta"


TRIALS = """study,treatment,events,n,stage,dose
x,a,10,50,early,0
x,b,5,50,early,10
y,a,10,50,late,0
y,c,5,50,late,20
z,a,10,50,early,0
z,b,5,50,early,30
"""
STAGE = {"name": "stage", "levels": ["early", "late"]}
DOSE = {"name": "dose", "by": "arm", "centre": 0, "per": 10}


def test_words_and_covariates_by_arm(project_of: Any) -> None:
    """A word is an indicator for each of its levels in the evidence; a dose is that of its arm."""
    project = project_of(TRIALS, list("abc"), {"m": {**FIXED, "covariates": [STAGE, DOSE]}})
    cells = [row["covariates"] for row in evidence_rows(project, "all", "y")][:2]
    assert cells == ["stage=early:1 stage=late:0 dose:0", "stage=early:1 stage=late:0 dose:10"]
    effects = fit_settings(project, "all", "y").models["m"].effects
    assert effects.needs == ("stage=late", "dose")
    data = FitTask.from_rows(evidence_rows(project, "all", "y"), fit_settings(project, "all", "y")).fits["m"].data
    contrasts = np.diff(data.counts.rows, axis=0)[::2]
    assert contrasts.tolist() == [[1, 0, 0, 1], [0, 1, 1, 2], [1, 0, 0, 3]]


@pytest.mark.parametrize(
    ("model", "table", "says"),
    [
        ({"covariates": [STAGE, DOSE]}, ("late", "latest"), "stage = 'latest': unknown level; allowed: early, late"),
        ({"covariates": [STAGE, {**DOSE, "by": "study"}]}, ("", ""), "t.csv:3: dose = '10': must be the same on eve"),
        ({"covariate": STAGE, "covariates": [DOSE]}, ("", ""), "covariate for one, covariates for several; not both"),
        ({"covariates": [DOSE, DOSE]}, ("", ""), "models.m.covariates.1.name = 'dose': allowed: every covariate once"),
        ({"covariates": [{**STAGE, "centre": 1}]}, ("", ""), "a covariate with levels is no number"),
        ({"covariates": [{**STAGE, "levels": ["early"]}]}, ("", ""), "allowed: two or more, each once"),
        (
            {"covariates": [{**DOSE, "slopes": "by_class"}]},
            ("", ""),
            "slopes = 'by_class': the treatments have no clas",
        ),
    ],
)
def test_mistakes(project_of: Any, model: dict[str, Any], table: tuple[str, str], says: str) -> None:
    """Each in one line with what is allowed."""
    with pytest.raises(UserError) as error:
        project_of(TRIALS.replace(*table) if table[0] else TRIALS, list("abc"), {"m": {**FIXED, **model}})
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_centre_of_several_covariates_is_over_the_studies_of_the_model(project_of: Any) -> None:
    """A study that lacks one of them moves the centre of the other no more than it moves the fit."""
    table = TRIALS.replace("z,a,10,50,early,0", "z,a,10,50,,0").replace("z,b,5,50,early,30", "z,b,5,50,,30")
    dose = {key: value for key, value in DOSE.items() if key != "centre"}
    project = project_of(table, list("abc"), {"m": {**FIXED, "covariates": [STAGE, dose]}})
    settings = fit_settings(project, "all", "y")
    assert settings.models["m"].effects.centres == {"stage=late": 0.0, "dose": 7.5}
    (fit,) = FitTask.from_rows(evidence_rows(project, "all", "y"), settings).fits.values()
    assert fit.data.left_out == ("z",)


def test_estimability_counts_every_slope() -> None:
    """Slopes of each treatment are columns that the data have to estimate, and a class has one for its members."""
    classes = {"b": "x", "c": "x"}
    free = Effects(slopes=(Slopes("age", kind=INDEPENDENT),))
    shared = Effects(slopes=(Slopes("age", kind=BY_CLASS, classes=classes),))
    assert Predictor.build(plain("abc"), free, []).names[2:] == ["slope[age,b]", "slope[age,c]"]
    assert Predictor.build(plain("abc"), shared, []).estimated.names[2:] == ["slope[age,x]"]


def test_the_frequentist_twin_has_the_slope_too(project_of: Any, tmp_path: Path) -> None:
    """B -0.611 (0.242) at the mean of the covariate, as under vague priors; without the slope it would be -0.51."""
    models = {"plain": {**FIXED, "covariate": {"name": "base"}}}
    project = project_of("covariate_in_rows.csv", list("ABCD"), models, "MD", table={"columns": {"se": "std.err"}})
    effects = fit_settings(project, "all", "y").models["plain"].effects
    rows = evidence_rows(project, "all", "y")
    write_frequentist(rows, summary_settings(project, "y"), tmp_path, effects)
    table = {(row["treatment"], row["comparator"]): row for row in read_table(tmp_path / "relative_effects.csv")}
    tau = read_table(tmp_path / "heterogeneity.csv")[0]
    assert float(tau["value"]) == pytest.approx(0.0, abs=1e-6)
    assert float(table["B", "A"]["effect"]) == pytest.approx(-0.611, abs=1e-3)
    assert float(table["B", "A"]["se"]) == pytest.approx(0.242, abs=1e-3)
