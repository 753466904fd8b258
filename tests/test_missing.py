"""What studies do not give: a covariate, an event, a reference, a name; and slopes of covariates that they do."""

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from secondline.errors import UserError
from secondline.evidence.audit import audit_project
from secondline.evidence.selection import evidence_csv, select_evidence
from secondline.inference import exact
from secondline.inference.task import FitTask
from secondline.jobs.network_checks import check_networks
from secondline.jobs.settings import fit_settings, summary_settings
from secondline.network.arms import rows_with, used_arms
from secondline.project.config import Project
from secondline.project.read import read_project
from secondline.summaries.sensitivity import leave_one_out
from secondline.tables import read_table

from tests.conftest import CONFIG, ROOT, sheet, synthetic

CONFIG_FILE = Path("config.yaml")
FIXED, AGE = {"heterogeneity": False}, {"heterogeneity": False, "covariate": {"name": "age"}}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


def project_of(
    table: str,
    regimens: list[str],
    models: dict[str, Any],
    measure: str = "OR",
    headline: str = "plain",
    **columns: str,
) -> Project:
    """Read a project of one table of arms."""
    Path("t.csv").write_text(table, encoding="utf-8")
    outcome = {"label": "Y", "measure": measure, "better": "lower", "margin": 0.8 if measure == "OR" else -0.2}
    outcome |= {"likelihood": "normal"} if measure == "MD" else {}
    config = {
        "evidence": [{"file": "t.csv", "outcome": "y", "columns": columns}],
        "treatments": {"reference": regimens[0], "regimens": {name: name for name in regimens}},
        "seed": 1,
        "outcomes": {"y": {**outcome, "prior": "p"}},
        "models": models,
        "headline": headline,
        "priors": {"p": {"effect": 100, "tau": 1, "omega": 1, "baseline": 100}},
        "sampler": yaml.safe_load((ROOT / CONFIG).read_text(encoding="utf-8"))["sampler"],
        "analyses": {"all": {"label": "All"}},
    }
    CONFIG_FILE.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return read_project(CONFIG_FILE)


def task_of(project: Project) -> FitTask:
    """Assemble the fits of the only outcome."""
    rows = list(csv.DictReader(StringIO(evidence_csv(project, "all", "y"))))
    return FitTask.from_rows(rows, fit_settings(project, "all", "y"))


def coefficients(project: Project, model: str) -> dict[str, tuple[float, float]]:
    """Posterior mean and standard deviation of every coefficient, by the exact engine."""
    fit = task_of(project).fits[model]
    names = fit.data.predictor.names
    summary, _ = exact.posterior(fit.data, fit.scales).summary(np.eye(len(names)))
    return {name: (float(summary[0, k]), float(summary[1, k])) for k, name in enumerate(names)}


BASE = """study,treatment,mean,std.err,base
1683,A,-1.95,0.170,1.78
1683,B,-2.22,0.160,1.78
1683,C,-1.14,0.160,1.78
1683,D,-1.74,0.160,1.78
1711,A,-1.05,0.096,1.26
1711,D,-1.19,0.086,1.26
3636,C,-1.14,0.124,0.75
3636,D,-1.76,0.087,0.75
"""


def test_the_slope_of_a_covariate_of_means() -> None:
    """A slope common to B, C and D against A: 0.660 (0.480), and B -0.611 (0.242) at the mean of the covariate."""
    models = {"plain": {**FIXED, "covariate": {"name": "base"}}}
    found = coefficients(project_of(BASE, list("ABCD"), models, "MD", se="std.err"), "plain")
    assert found["slope[base]"] == pytest.approx((0.660, 0.480), abs=1e-3)
    assert found["beta[B]"] == pytest.approx((-0.611, 0.242), abs=1e-3)


# Certolizumab pegol and other biologics in rheumatoid arthritis: ACR-50 and disease duration (NICE DSU TSD3, table 11)
DURATION = """Abe2006,8.3 Placebo,47,0 Infliximab,49,15; ARMADA,11.65 Placebo,62,5 Adalimumab,67,37
ATTEST,7.85 Placebo,110,22 Infliximab,165,61; CHARISMA,0.915 Placebo,49,14 Tocilizumab,50,26
DE019,10.95 Placebo,200,19 Adalimumab,207,81; Kim2007,6.85 Placebo,63,9 Adalimumab,65,28
OPTION,7.65 Placebo,204,22 Tocilizumab,205,90; RAPID1,6.15 Placebo,199,15 CZP,393,146
RAPID2,5.85 Placebo,127,4 CZP,246,80; START,8.1 Placebo,363,33 Infliximab,360,110
Strand2006,11.25 Placebo,40,5 Rituximab,40,5; Weinblatt1999,13 Placebo,30,1 Etanercept,59,23"""


def test_the_slope_of_a_covariate_of_counts() -> None:
    """With a zero cell and fixed effects: 0.138 (0.062)."""
    lines = ["study,treatment,n,events,duration"]
    for trial in DURATION.replace("\n", "; ").split("; "):
        about, *arms = trial.split(" ")
        study, duration = about.split(",")
        lines += [f"{study},{arm},{duration}" for arm in arms]
    regimens = ["Placebo", "Infliximab", "Adalimumab", "Tocilizumab", "CZP", "Rituximab", "Etanercept"]
    models = {"plain": {**FIXED, "covariate": {"name": "duration"}}}
    found = coefficients(project_of("\n".join(lines) + "\n", regimens, models), "plain")
    assert found["slope[duration]"] == pytest.approx((0.138, 0.062), abs=2e-3)


MISSING = """study,treatment,events,n,age
S1,P,10,100,50
S1,A,5,100,50
S2,P,12,90,NA
S2,B,8,95,NA
S3,P,12,90,61
S3,B,8,95,61
S4,P,12,90,65
S4,A,8,95,65
"""


def test_a_model_leaves_out_a_study_without_its_covariate() -> None:
    """Only that model, and its fit is that of the table without the study."""
    project = project_of(MISSING, list("PAB"), {"plain": FIXED, "age": AGE})
    check_networks(project, CONFIG_FILE)
    task = task_of(project)
    assert task.fits["plain"].data.studies == ("S1", "S2", "S3", "S4")
    assert task.fits["plain"].data.left_out == ()
    assert task.fits["age"].data.studies == ("S1", "S3", "S4")
    assert task.fits["age"].data.left_out == ("S2",)
    whole = coefficients(project, "age")
    without = "\n".join(line for line in MISSING.splitlines() if not line.startswith("S2")) + "\n"
    assert coefficients(project_of(without, list("PAB"), {"plain": FIXED, "age": AGE}), "age") == whole


def test_the_audit_names_it() -> None:
    """With the models that leave it out."""
    project = project_of(MISSING, list("PAB"), {"plain": FIXED, "age": AGE})
    (finding,) = [f for f in audit_project(project) if f.check == "covariate_missing"]
    assert (finding.study, finding.severity) == ("S2", "warning")
    assert finding.message == "the study does not report age and is omitted from model age"


def test_leave_one_out_of_a_model_that_leaves_out_another(tmp_path: Path) -> None:
    """Every study in turn; a treatment that is then in no study of the model is in none of its contrasts."""
    table = "\n".join(line for line in MISSING.splitlines() if not line.startswith("S4")) + "\n"
    project = project_of(table, list("PAB"), {"plain": FIXED, "age": AGE})
    Path("evidence.csv").write_text(evidence_csv(project, "all", "y"), encoding="utf-8")
    settings = fit_settings(project, "all", "y"), summary_settings(project, "y")
    leave_one_out("evidence.csv", *settings, str(tmp_path / "out.csv"))
    rows = [row for row in read_table(tmp_path / "out.csv") if row["analysis"] == "all_without_S3"]
    treatments = {model: {row["treatment"] for row in rows if row["model"] == model} for model in ("plain", "age")}
    assert treatments == {"plain": {"P", "A", "B"}, "age": {"P", "A"}}


@pytest.mark.parametrize(
    ("old", "headline", "says"),
    [
        (("50", "61", "65"), "plain", "no study used for y of all reports this covariate"),
        (("61",), "age", "without S2, S3, where it is missing, the headline model of y of all loses B"),
    ],
)
def test_what_no_model_can_do_without(old: tuple[str, ...], headline: str, says: str) -> None:
    """Some study with the covariate, and every treatment in the headline model."""
    table = MISSING
    for value in old:
        table = table.replace(f",{value}\n", ",NA\n")
    project = project_of(table, list("PAB"), {"plain": FIXED, "age": AGE}, headline=headline)
    with pytest.raises(UserError) as error:
        check_networks(project, CONFIG_FILE)
    assert "models.age.covariate.name = 'age'" in str(error.value)
    assert says in str(error.value)


def test_what_is_left_must_hold_together() -> None:
    """Without S2 and S3 neither B nor C is compared with P."""
    table = MISSING.replace("S3,P,12,90,61\nS3,B,8,95,61", "S3,C,12,90,61\nS3,B,8,95,61")
    project = project_of(table, list("PABC"), {"plain": FIXED, "age": AGE})
    with pytest.raises(UserError, match="without S2, where it is missing, the network of y of all is disconnected"):
        check_networks(project, CONFIG_FILE)


def test_rows_of_a_model() -> None:
    """Studies that give the covariate; all of them for a model without one."""
    project = project_of(MISSING, list("PAB"), {"plain": FIXED, "age": AGE})
    rows = list(csv.DictReader(StringIO(evidence_csv(project, "all", "y"))))
    assert {arm.study for arm in used_arms(rows_with(rows, ["age"]))} == {"S1", "S3", "S4"}
    assert {arm.study for arm in used_arms(rows_with(rows, []))} == {"S1", "S2", "S3", "S4"}


NOTHING = "study,treatment,events,n\nS1,P,0,15\nS1,A,0,15\nS2,P,1,63\nS2,A,0,62\nS3,P,9,9\nS3,A,8,8\n"


def test_trials_without_events() -> None:
    """They are in the evidence with the reason, and in the audit; nothing is said of a trial with one event."""
    project = project_of(NOTHING, list("PA"), {"plain": FIXED})
    reasons = {row["study"]: row["reason"] for row in select_evidence(project, "all", "y")}
    assert reasons["S1"] == "uninformative: no patient of any arm had the event"
    assert reasons["S2"] is None
    found = {f.study: f.message for f in audit_project(project) if f.check == "no_information"}
    assert found == {
        "S1": "no patient of any arm had the event, which gives no information on the relative effect",
        "S3": "every patient of every arm had the event, which gives no information on the relative effect",
    }


def test_a_sheet_without_events(project: Project) -> None:
    """Sheets are told apart in the same way."""
    counts = [
        {"outcome": "ae_grade3", "arm": name, "events": {"count": 0, "printed": "0", "place": "Table 3"}}
        for name in ("len", "sor")
    ]
    small = synthetic(project.config, project.treatments, sheet(counts=counts))
    (finding,) = [f for f in audit_project(small) if f.check == "no_information"]
    assert (finding.study, finding.item, finding.severity) == ("alpha", "ae_grade3", "info")


def test_a_reference_that_no_study_has() -> None:
    """It is named, with those that are there."""
    project = project_of(NOTHING, ["Q", "P", "A"], {"plain": FIXED})
    with pytest.raises(UserError) as error:
        check_networks(project, CONFIG_FILE)
    assert "treatments.reference = 'Q': no study in use for y of all has the reference" in str(error.value)
    assert "one that is there, P, A" in str(error.value)


@pytest.mark.parametrize(
    ("components", "says"),
    [
        (["a", "b"], "regimens.y.components: regimen x has the same components: no model can tell the two apart"),
        (["b", "a"], "regimens.y.components: regimen x has the same components: no model can tell the two apart"),
        (["a", "a"], "regimens.y.components: a component occurs twice"),
    ],
)
def test_regimens_that_cannot_be_told_apart(components: list[str], says: str) -> None:
    """Two with the same components would crash after the fits."""
    project_of(NOTHING, list("PA"), {"plain": FIXED})
    config = yaml.safe_load(CONFIG_FILE.read_text(encoding="utf-8"))
    regimens: dict[str, Any] = {name: {"label": name, "components": []} for name in "Pxy"}
    regimens["x"]["components"], regimens["y"]["components"] = ["a", "b"], components
    config["treatments"] = {"reference": "P", "components": {"a": "A", "b": "B"}, "regimens": regimens}
    CONFIG_FILE.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_project(CONFIG_FILE)
    assert says in str(error.value).replace(f" = {components!r}", "")
