"""Every measure with every likelihood that the configuration accepts: what it is called, its link, its own scale."""

import csv
from collections.abc import Sequence
from io import StringIO
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy.stats import norm
from secondline.errors import UserError
from secondline.evidence.audit import audit_project
from secondline.evidence.gather import arm_data_rows, effect_rows
from secondline.evidence.selection import evidence_csv, select_evidence
from secondline.inference.priors import PriorScales
from secondline.inference.task import Fit
from secondline.jobs.settings import fit_settings, summary_settings, treatments_of
from secondline.likelihoods import COUNT_LIKELIHOODS, LIKELIHOODS
from secondline.measures import MEASURES
from secondline.network.data import network_data
from secondline.network.figures import contrast_covariance
from secondline.network.structure import Structure
from secondline.project.config import Project
from secondline.project.read import read_project
from secondline.project.standardise import correction, standardised_differences
from secondline.summaries.absolute_effects import _scale
from secondline.summaries.exact_analysis import analyse
from secondline.summaries.settings import BaselineSettings

from tests.conftest import CONFIG, ROOT

# measure, likelihood: words, whether a ratio, the natural scale, and its value where the linear predictor is log(0.2)
PAIRS = {
    ("HR", "contrasts"): ("Hazard ratio", True, "hazard", 0.2),
    ("HR", "binomial_cloglog"): ("Hazard ratio", True, "probability in one unit of time", 1 - exp(-0.2)),
    ("HR", "poisson_log"): ("Hazard ratio", True, "rate", 0.2),
    ("OR", "binomial_logit"): ("Odds ratio", True, "probability", 0.2 / 1.2),
    ("OR", "ordered_logit"): ("Odds ratio", True, "probability of more than the lowest category", 0.2 / 1.2),
    ("OR", "contrasts"): ("Odds ratio", True, "probability", 0.2 / 1.2),
    ("RR", "contrasts"): ("Risk ratio", True, "risk", 0.2),
    ("RR", "normal_counts"): ("Risk ratio", True, "risk", 0.2),
    ("RD", "normal_counts"): ("Risk difference", False, "risk", log(0.2)),
    ("RD", "contrasts"): ("Risk difference", False, "risk", log(0.2)),
    ("OR", "normal_counts"): ("Odds ratio", True, "probability", 0.2 / 1.2),
    ("ROM", "normal"): ("Ratio of means", True, "mean", 0.2),
    ("ROM", "contrasts"): ("Ratio of means", True, "mean", 0.2),
    ("IRR", "poisson_log"): ("Incidence rate ratio", True, "rate", 0.2),
    ("IRR", "contrasts"): ("Incidence rate ratio", True, "rate", 0.2),
    ("MD", "normal"): ("Mean difference", False, "mean", log(0.2)),
    ("MD", "contrasts"): ("Mean difference", False, "mean", log(0.2)),
    ("SMD", "contrasts"): ("Standardised mean difference", False, "mean in standard deviations", log(0.2)),
    ("SMD", "normal"): ("Standardised mean difference", False, "mean in standard deviations", log(0.2)),
    ("PD", "ordered_probit"): (
        "Probit difference",
        False,
        "probability of more than the lowest category",
        norm.cdf(log(0.2)),
    ),
    ("PD", "contrasts"): ("Probit difference", False, "probability", norm.cdf(log(0.2))),
}
TABLES = {
    "contrasts": "study,treatment,comparator,effect,se\nx,b,a,0.5,0.2\n",
    "normal": "study,treatment,mean,sd,n\nx,a,1,2,20\nx,b,3,2,20\n",
    "binomial_logit": "study,treatment,events,n\nx,a,1,10\nx,b,3,10\n",
    "normal_counts": "study,treatment,events,n\nx,a,1,10\nx,b,3,10\n",
    "binomial_cloglog": "study,treatment,events,n,time\nx,a,1,10,2\nx,b,3,10,2\n",
    "poisson_log": "study,treatment,events,time\nx,a,1,20\nx,b,3,20\n",
    "ordered_logit": "study,treatment,bad,fair,good\nx,a,3,2,1\nx,b,1,2,3\n",
    "ordered_probit": "study,treatment,bad,fair,good\nx,a,3,2,1\nx,b,1,2,3\n",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


def project_of(
    measure: str, likelihood: str | None, table: str, regimens: Sequence[str] = "abc", **entry: Any
) -> Project:
    """Read a project of one outcome `y` and one table."""
    Path("t.csv").write_text(table, encoding="utf-8")
    ratio = MEASURES[measure].is_ratio
    ordered = {"categories": ["bad", "fair", "good"]} if likelihood and "ordered" in likelihood else {}
    outcome = {"label": "Y", "measure": measure, "better": "lower", "margin": 0.8 if ratio else -0.2, "prior": "p"}
    config = {
        "evidence": [{"file": "t.csv", "outcome": "y", **entry}],
        "treatments": {"reference": regimens[0], "regimens": {name: name for name in regimens}},
        "seed": 1,
        "outcomes": {"y": {**outcome, **ordered, **({"likelihood": likelihood} if likelihood else {})}},
        "models": {"random": {"heterogeneity": True}},
        "headline": "random",
        "priors": {"p": {"effect": 10, "tau": 1, "omega": 1}},
        "sampler": yaml.safe_load((ROOT / CONFIG).read_text(encoding="utf-8"))["sampler"],
        "analyses": {"all": {"label": "All"}},
    }
    Path("config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return read_project(Path("config.yaml"))


def test_every_pair_is_here() -> None:
    """The table above holds every pair that the configuration accepts, and every measure can be estimated."""
    assert {(measure, name) for name, one in LIKELIHOODS.items() for measure in one.scales} == set(PAIRS)
    assert {measure for measure, _ in PAIRS} == set(MEASURES)


@pytest.mark.parametrize(("measure", "likelihood"), PAIRS)
def test_a_pair_means_what_it_says(measure: str, likelihood: str) -> None:
    """Words, link and natural scale are those of the measure, and the data reach the likelihood."""
    words, ratio, scale, value = PAIRS[measure, likelihood]
    project = project_of(measure, likelihood, TABLES[likelihood])
    settings = summary_settings(project, "y")
    assert (MEASURES[measure].words, settings.ratio) == (words, ratio)
    found = _scale(BaselineSettings(regimen="a", median=0.0, sd_below=1.0, sd_above=1.0, figure=""), settings)
    assert found.name == scale
    assert float(found.natural(log(0.2))) == pytest.approx(value, rel=1e-12)
    assert not [finding for finding in audit_project(project) if finding.severity == "error"]
    rows = list(csv.DictReader(StringIO(evidence_csv(project, "all", "y"))))
    structure = Structure.of(treatments_of(project))
    data = network_data(rows, structure, fit_settings(project, "all", "y").likelihood)
    assert len(data.counts.study) == (likelihood in COUNT_LIKELIHOODS)
    assert len(data.gaussian.y) == (likelihood not in COUNT_LIKELIHOODS)


REFUSED = {
    ("RR", "poisson_log"): "ratios of rates, events in person-time, are measure IRR",
    ("RR", "binomial_logit"): "events among patients, go with likelihood normal_counts",
    ("RD", "binomial_logit"): "this likelihood gives odds ratios, which a declared baseline turns into both",
    ("OR", "poisson_log"): "rates give measure IRR",
    ("IRR", "binomial_logit"): "rates need the time at risk",
    ("MD", "binomial_logit"): "differences of risks are measure RD, with likelihood normal_counts",
}


@pytest.mark.parametrize(("measure", "likelihood"), REFUSED)
def test_a_pair_that_is_refused_says_what_to_do(measure: str, likelihood: str) -> None:
    """In one line, with what the measure goes with and what is possible instead."""
    with pytest.raises(UserError) as error:
        project_of(measure, likelihood, TABLES[likelihood])
    assert "\n" not in str(error.value)
    assert f"measure {measure} goes with" in str(error.value)
    assert REFUSED[measure, likelihood] in str(error.value)


@pytest.mark.parametrize(
    ("measure", "figures", "says"),
    [
        ("HR", "poisson_log", "likelihood: binomial_cloglog (events, n, time) or poisson_log (events, time)"),
    ],
)
def test_arms_for_an_outcome_of_contrasts(measure: str, figures: str, says: str) -> None:
    """Counts and means where contrasts are awaited: the line says which likelihood takes them, not to ignore them."""
    with pytest.raises(UserError) as error:
        project_of(measure, None, TABLES[figures])
    assert says in str(error.value)
    assert "ignore" not in str(error.value)


@pytest.mark.parametrize(
    ("table", "entry", "says"),
    [
        (
            "study,treatment,responders,sampleSize\nx,a,67,624\nx,b,49,615\n",
            {"columns": {"events": "responders", "time": "sampleSize"}},
            "config.yaml:6: evidence.0.columns.time = 'sampleSize': patients are no time at risk",
        ),
        (
            "study,treatment,events,n,time\nx,a,67,624,624\nx,b,49,615,615.0\n",
            {},
            "t.csv:2: time = '624': time is n on every line; patients are no time at risk",
        ),
    ],
)
def test_patients_for_time(table: str, entry: dict[str, Any], says: str) -> None:
    """A model of rates with patients for time is no model of risks: its interval is too wide, its model another."""
    with pytest.raises(UserError) as error:
        project_of("IRR", None, table, **entry)
    assert str(error.value).startswith(says)
    assert "measure RR, RD (likelihood normal_counts) or OR (binomial_logit)" in str(error.value)
    assert project_of("IRR", None, table.replace("615.0", "700").replace("sampleSize", "years"), **{
        "columns": {**entry.get("columns", {}), **({"time": "years"} if entry else {})}
    }).tables  # fmt: skip


def test_correction_of_small_samples() -> None:
    """Exact values of J, and its usual approximation 1 - 3 / (4 m - 1)."""
    assert correction(2) == pytest.approx(1 / sqrt(np.pi))
    for m in (5, 10, 30, 300):
        assert correction(m) == pytest.approx(1 - 3 / (4 * m - 1), abs=0.02 / m)


# 17 trials of tricyclics on 8 scales (after: patients, mean and sd, under treatment and then control)
SCALES = """13,6.4,5.4,18,11.4,9.6 17,11,8.2,16,19,8.2 10,17.5,8.8,6,23,8.8 7,12.3,9.9,7,20,10.5
73,15.7,10.6,73,18.7,10.6 26,8.5,11,28,14.5,11 17,25.5,24,10,53.2,11.2 11,6.2,7.6,10,10,7.6 105,-8.1,3.9,46,-8.5,5.2
22,13.4,2.3,19,19.7,1.3 13,12.5,7.6,15,12.5,7.6 29,1.99,0.77,39,2.54,0.77 13,11,8.2,13,15,8.2 78,15.8,6.8,71,17.1,7.2
23,-8.5,8.6,23,-8.3,6 11,51.9,18.5,11,74.3,18.5 11,8,8.1,18,10,9.7"""


def many_scales() -> Project:
    """Read the 17 trials as a table of arms."""
    lines = ["study,treatment,n,mean,sd"]
    for i, trial in enumerate(SCALES.split()):
        n, mean, sd, *control = trial.split(",")
        lines += [f"s{i},control,{','.join(control)}", f"s{i},drug,{n},{mean},{sd}"]
    table = "\n".join(lines).replace("control,", "a,").replace("drug,", "b,") + "\n"
    return project_of("SMD", "normal", table, "ab")


def fitted(project: Project, tau: float) -> dict[str, float]:
    """Effect of b against a by the exact engine."""
    rows = list(csv.DictReader(StringIO(evidence_csv(project, "all", "y"))))
    structure = Structure.of(treatments_of(project))
    data = network_data(rows, structure, "normal")
    (row,) = analyse(Fit(data, PriorScales(effect=10, tau=tau, omega=0, baseline=1)), "lower", 1).effects
    return row


def test_trials_on_many_scales() -> None:
    """Hedges g: -0.39 (0.07) fixed and -0.60 (-0.99 to -0.25) random; raw means would give -3.66."""
    project = many_scales()
    fixed, random = fitted(project, 0), fitted(project, 1)
    assert (fixed["mean"], fixed["sd"]) == pytest.approx((-0.3915, 0.0698), abs=5e-4)
    found = [random[key] for key in ("mean", "lower", "upper")]
    assert found == pytest.approx([-0.60, -0.98, -0.26], abs=0.015)
    rows = select_evidence(project, "all", "y")
    assert {row["method"] for row in rows} == {"standardised"}
    assert len(rows) == 17
    raw = arm_data_rows(project)
    assert (len(raw), {row["selected"] for row in raw}) == (34, {False})
    assert {row["selected"] for row in effect_rows(project)} == {True}


# Gleser & Olkin (2009): treatments 1 and 2 against control, with the pooled standard deviation of every study
GLESER_OLKIN = [
    (4.2593, [(-1.36, 25), (7.87, 25), (4.35, 22)], "abc"),
    (2.8831, [(0.98, 40), (9.32, 38)], "ab"),
    (3.1764, [(1.17, 50), (8.08, 50)], "ab"),
    (2.9344, [(0.45, 30), (7.44, 30), (5.34, 30)], "abc"),
]


def test_several_arms() -> None:
    """Estimates and covariance of Gleser & Olkin (2009): in large samples the correction for small ones is nothing."""
    large = 10_000
    lines = ["study,treatment,mean,se,n"]
    for i, (sd, arms, names) in enumerate(GLESER_OLKIN):
        for name, (mean, n) in zip(names, arms, strict=True):
            lines.append(f"s{i},{name},{mean},{sd / sqrt(n * large)!r},{n * large}")
    project = project_of("SMD", "normal", "\n".join(lines) + "\n")
    rows = list(csv.DictReader(StringIO(evidence_csv(project, "all", "y"))))
    y, design, precision = [], [], np.zeros((6, 6))
    for study in dict.fromkeys(row["study"] for row in rows):
        members = [row for row in rows if row["study"] == study]
        block = slice(len(y), len(y) + len(members))
        precision[block, block] = np.linalg.inv(contrast_covariance(members) * large)
        y += [float(row["effect"]) for row in members]
        design += [[row["treatment_arm"] == "b", row["treatment_arm"] == "c"] for row in members]
    x = np.array(design, float)
    covariance = np.linalg.inv(x.T @ precision @ x)
    assert y == pytest.approx([2.1670, 1.3406, 2.8927, 2.1754, 2.3821, 1.6664], abs=1e-4)
    assert covariance @ x.T @ precision @ y == pytest.approx([2.3743, 1.5702], abs=1e-4)
    assert covariance.ravel() == pytest.approx([0.02257, 0.01244, 0.01244, 0.03554], abs=1e-5)


def test_the_covariance_belongs_to_the_differences() -> None:
    """Simulated samples of three arms: mean and covariance of g are those given, the true difference is found."""
    rng = np.random.default_rng(1)
    sizes, means = (12, 15, 10), (0.0, 0.5, -0.3)
    draws = []
    for _ in range(20_000):
        samples = [rng.normal(mean, 1, n) for mean, n in zip(means, sizes, strict=True)]
        draws.append(standardised_differences([(len(s), s.mean(), s.std(ddof=1)) for s in samples])[0])
    found = np.array(draws)
    assert found.mean(axis=0) == pytest.approx([0.5, -0.3], abs=0.01)
    moments = [(n, mean, 1.0) for mean, n in zip(means, sizes, strict=True)]
    assert np.cov(found.T) == pytest.approx(np.array(standardised_differences(moments)[1]), rel=0.06)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("study,treatment,mean,se\nx,a,1,2\nx,b,3,2\n", "t.csv:1: no column n; needed: study, treatment, mean, n, se"),
        ("study,treatment,mean,se,n\nx,a,1,2,\nx,b,3,2,9\n", "t.csv:2: n = '': a standardised difference needs"),
        ("study,treatment,mean,sd,n\nx,a,1,2,9\nx,b,3,2,1\n", "t.csv:3: n = '1': a standardised difference needs"),
    ],
)
def test_a_standardised_difference_needs_patients(table: str, says: str) -> None:
    """Without patients no standard deviation is known."""
    with pytest.raises(UserError) as error:
        project_of("SMD", "normal", table)
    assert str(error.value).startswith(says)
