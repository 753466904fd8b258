"""The audit of evidence tables: slips in files as people have them, found at their line; sound tables left alone."""

import contextlib
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from secondline.errors import UserError
from secondline.evidence.audit import Finding, audit_project, check_audit
from secondline.evidence.gather import audit_rows
from secondline.project.config import Project
from secondline.project.read import read_project

from tests.conftest import ROOT

REGIMENS = {name: name for name in ("A", "B", "C", "D", "P")}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


def table(text: str, measure: str = "HR", likelihood: str | None = None, **entry: Any) -> Project:
    """Read a project of one table on one outcome; lines are separated by `; `."""
    Path("t.csv").write_text(text.replace("; ", "\n") + "\n", encoding="utf-8")
    margin = 0.8 if measure in ("HR", "OR", "RR", "IRR") else -0.5
    outcome = {"label": "Y", "measure": measure, "better": "lower", "prior": "p", "margin": margin}
    config = {
        "evidence": [{"file": "t.csv", "outcome": "y", **entry}],
        "treatments": {"reference": "P", "regimens": REGIMENS},
        "seed": 1,
        "outcomes": {"y": outcome | ({"likelihood": likelihood} if likelihood else {})},
        "models": {"random": {"heterogeneity": True}},
        "headline": "random",
        "priors": {"p": {"effect": 10, "tau": 2, "omega": 1}},
        "sampler": yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))["sampler"],
        "analyses": {"all": {"label": "All"}},
    }
    Path("config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return read_project(Path("config.yaml"))


def found(project: Project) -> set[tuple[str, str, str, str]]:
    """Give the findings that are no mere information, as check, severity, item and source."""
    return {(f.check, f.severity, f.item, f.source) for f in audit_project(project) if f.severity != "info"}


def only(project: Project, check: str) -> Finding:
    """Return the one finding of a check."""
    (finding,) = [f for f in audit_project(project) if f.check == check]
    return finding


CONTRAST = "study,treatment,comparator,effect,se"
RATIOS = f"{CONTRAST}; S1,A,P,0.71,0.12; S2,A,P,0.80,0.10; S3,B,P,0.93,0.2"
PRINTED = "study,treatment,comparator,estimate,lower,upper"
# A meta-analysis of hazard ratios in which 16.16 became 6.16.
LEFT_MAIN = (
    "Blazek,A,P,1.78,0.84,3.76; PRECOMBAT,A,P,1.20,0.37,3.93; LE.MANS,A,P,1.14,0.3,4.25; NOBLE,A,P,2.99,1.66,5.39; "
    "MASS-II,A,P,2.90,1.39,6.01; CARDIa,A,P,4.64,1.33,6.16; BEST,A,P,2.75,1.16,6.54"
)
SIZES = f"{CONTRAST},n_treatment,n_comparator"
TIMES = "study,treatment,events,n,time; S1,P,20,100,2; S1,A,20,200,2; S2,P,15,120,1.5; S2,A,15,240,1.5"
TRIANGLE = f"{CONTRAST}; x,B,A,-0.2,0.066; x,C,A,-0.5,0.06; x,C,B,-0.3,0.07"

CASES: dict[str, tuple[str, dict[str, Any], set[tuple[str, str, str, str]]]] = {
    "ratios where logs belong": (RATIOS, {}, {("not_logged", "warning", "y", "t.csv:2")}),
    "risk ratios where logs belong": (RATIOS, {"measure": "RR"}, {("not_logged", "warning", "y", "t.csv:2")}),
    "positive differences": (RATIOS, {"measure": "MD"}, set()),
    "logs": (RATIOS.replace("A,P,0.71", "A,P,-0.34"), {}, set()),
    "one standard error beyond its patients": (
        f"{SIZES}; S1,A,P,-0.03,0.0155,100,100; S2,B,P,-0.5,0.25,100,100",
        {},
        {("ratio_precision", "error", "y A against P", "t.csv:2")},
    ),
    "an odds ratio beyond its patients": (
        f"{SIZES}; S1,A,P,-0.03,0.2,100,100; S2,B,P,-0.5,0.25,100,100",
        {"measure": "OR"},
        {("ratio_precision", "error", "y A against P", "t.csv:2")},
    ),
    "a standardised difference beyond its patients": (
        f"{SIZES}; S1,A,P,-0.03,0.05,100,100",
        {"measure": "SMD", "likelihood": "contrasts"},
        {("ratio_precision", "warning", "y A against P", "t.csv:2")},
    ),
    "a standard error for a standard deviation": (
        "study,treatment,mean,sd,n; 1,A,1,2,50; 1,P,2,2.1,50; 2,A,1,2.2,80; 2,P,2,2,80; 3,A,1,0.2,60; 3,P,2,2,60",
        {"measure": "MD"},
        {("spread", "warning", "y A", "t.csv:6")},
    ),
    "a mistyped limit": (
        f"{PRINTED}; {LEFT_MAIN}",
        {},
        {("interval_symmetry", "error", "y A against P", "t.csv:7")},
    ),
    "the limit as printed": (f"{PRINTED}; {LEFT_MAIN.replace('6.16', '16.16')}", {}, set()),
    "an estimate beyond its limits": (
        f"{PRINTED}; x,A,P,0.45,0.5,0.9",
        {},
        {("estimate_outside_interval", "error", "y A against P", "t.csv:2")},
    ),
    "a difference off the middle of its limits": (
        f"{PRINTED}; x,A,P,-1.0,-3.0,0.1",
        {"measure": "MD"},
        {("interval_symmetry", "warning", "y A against P", "t.csv:2")},
    ),
    "a ratio of 33": (f"{CONTRAST}; x,A,P,3.5,0.9", {}, {("ratio_size", "warning", "y A against P", "t.csv:2")}),
    "a ratio of 1/33": (f"{CONTRAST}; x,A,P,-3.5,0.9", {}, {("ratio_size", "warning", "y A against P", "t.csv:2")}),
    "times of patients": (
        TIMES,
        {"measure": "IRR"},
        {("time", "warning", "y A", "t.csv:3"), ("time", "warning", "y A", "t.csv:5")},
    ),
    "total times": (
        TIMES.replace("100,2", "100,200").replace("200,2;", "200,400;").split("; S2")[0],
        {"measure": "IRR"},
        set(),
    ),
    "totals where times of patients belong": (
        "study,treatment,events,n,time; S1,P,20,100,200; S1,A,20,200,400",
        {"likelihood": "binomial_cloglog"},
        {("time", "warning", "y A", "t.csv:3")},
    ),
    "times of patients where they belong": (TIMES, {"likelihood": "binomial_cloglog"}, set()),
    "a triangle that adds up": (TRIANGLE, {}, set()),
    "a slip in a triangle": (
        TRIANGLE.replace("-0.2,", "1.4655,"),  # 4.33 for 0.82: 25 standard errors
        {},
        {("pairwise_intervals", "error", "y", "t.csv:2")},
    ),
    "a standard error that cannot be in a triangle": (
        TRIANGLE.replace("0.066", "0.66"),
        {},
        {("pairwise_intervals", "error", "y", "t.csv:2")},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_tables(name: str) -> None:
    """Every slip is found at its line, under its name, and nothing else is; sound tables have no finding."""
    text, how, expected = CASES[name]
    assert found(table(text, **how)) == expected


def test_what_ratios_typed_as_logs_would_mean() -> None:
    """0.71 taken for a log is a hazard ratio of 2.03; under `estimate` with limits it is 0.71."""
    message = only(table(RATIOS), "not_logged").message
    assert "HRs of 2.03 to 2.53, all in the same direction; if they are ratios, name the columns estimate" in message
    (study,) = table(f"{PRINTED}; x,A,P,0.71,0.56,0.90").tables
    assert (study.rows[0]["effect"], study.rows[0]["se"]) == pytest.approx((log(0.71), log(0.9 / 0.56) / 3.919928))


def test_a_mistyped_limit() -> None:
    """With 16.16 all seven pool to 0.890 (0.163), fixed effect; the line of 6.16 stops the run and says its middle."""
    project = table(f"{PRINTED}; {LEFT_MAIN.replace('6.16', '16.16')}")
    rows = [study.rows[0] for study in project.tables]
    weights = np.array([row["se"] ** -2 for row in rows])
    pooled = sum(weights * [row["effect"] for row in rows]) / sum(weights)
    assert (pooled, 1 / sqrt(sum(weights))) == pytest.approx((0.890, 0.163), abs=5e-4)
    with pytest.raises(UserError) as stop:
        check_audit(table(f"{PRINTED}; {LEFT_MAIN}"))
    message = str(stop.value)
    assert message.startswith("t.csv:7: estimate = 4.64: 4.64 (1.33 to 6.16): the estimate is not in the middle")
    assert f"on the log scale, {exp((log(1.33) + log(6.16)) / 2):.3g}" in message
    assert message.endswith(
        "to acknowledged of its entry under evidence: "
        "{study: 'CARDIa', check: interval_symmetry, item: 'y A against P', reason: ...}"
    )


NETWORK = (
    "study,hr,low_ci,high_ci,treat1,treat2; a,0.83,0.7,0.99,D,P; b,1.39,1.21,1.61,A,P; c,0.95,0.77,1.18,B,C; "
    "d,1.07,0.93,1.23,C,P; e,1.01,0.8,1.27,D,P; g,1.75,1.37,2.22,A,C"
)


def test_a_network_of_hazard_ratios_under_other_names() -> None:
    """Ratios and limits are read under the table's own names, from both sides of 1."""
    names = {"estimate": "hr", "lower": "low_ci", "upper": "high_ci", "treatment": "treat1", "comparator": "treat2"}
    project = table(NETWORK, columns=names)
    assert found(project) == set()
    assert [study.rows[0]["effect"] for study in project.tables][:2] == pytest.approx([log(0.83), log(1.39)])


def test_levels_of_intervals() -> None:
    """A 90% interval has a standard error of its own; half of it is no level."""
    (study,) = table(f"{PRINTED},level; x,A,P,0.7,0.5,0.98,0.90").tables
    assert study.rows[0]["se"] == pytest.approx(log(0.98 / 0.5) / (2 * 1.6448536))
    with pytest.raises(UserError, match=r"t.csv:2: level = '90': allowed: a level from 0.5 to 0.999"):
        table(f"{PRINTED},level; x,A,P,0.7,0.5,0.98,90")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{PRINTED}; x,A,P,-0.35,-0.7,0.0", "estimate = '-0.35': a ratio is above 0; allowed: the ratio itself, or"),
        (f"{PRINTED}; x,A,P,0.7,0.9,0.5", "upper = '0.5': allowed: a limit above the lower one, 0.9"),
        (
            f"{PRINTED},effect,se; x,A,P,0.7,0.5,0.9,-0.3,0.1",
            "allowed: an effect with se, or an estimate",
        ),
        (f"{CONTRAST},lower; x,A,P,-0.3,0.1,0.5", "lower: unknown column"),
        (
            "study,treatment,comparator,estimate; x,A,P,0.7",
            "no column lower; needed: study, treatment, comparator,",
        ),
    ],
)
def test_mistakes_in_intervals(text: str, says: str) -> None:
    """One line each."""
    with pytest.raises(UserError, match=says.replace("(", r"\(")):
        table(text)


def test_rows_of_both_kinds() -> None:
    """Some studies with effect and se, others with an estimate and limits."""
    one, two = table(f"{PRINTED},effect,se; x,A,P,0.7,0.5,0.98,,; y,A,P,,,,-0.3,0.2").tables
    assert one.rows[0]["effect"] == pytest.approx(log(0.7))
    assert (two.rows[0]["effect"], two.rows[0]["se"]) == (-0.3, 0.2)


KNOWN = {"study": "x", "check": "ratio_size", "item": "y A against P", "reason": "so printed, 40 against 1"}


def test_what_a_table_acknowledges() -> None:
    """The finding keeps its place, as a warning with the reason; a run that it would stop goes on."""
    text = f"{PRINTED}; x,A,P,0.45,0.5,0.9"
    known = KNOWN | {"check": "estimate_outside_interval"}
    project = table(text, acknowledged=[known])
    check_audit(project)
    finding = only(project, "estimate_outside_interval")
    assert (finding.severity, finding.source) == ("warning", "t.csv:2")
    assert finding.message.endswith("(acknowledged: so printed, 40 against 1)")
    with pytest.raises(UserError, match=r"^t.csv:2: estimate = 0\.45: "):
        check_audit(table(text))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, "evidence.0.acknowledged.0 = 'y A against P': this check has no finding on this item"),
        ({"item": "z A against P"}, "evidence.0.acknowledged.0 = 'z A against P': this check has no finding"),
        ({"study": "w"}, "evidence.0.acknowledged.0.study = 'w': no such study in t.csv; allowed: x"),
    ],
)
def test_acknowledgements_of_nothing(change: dict[str, str], says: str) -> None:
    """None outlives the mistake that it was made for."""
    with pytest.raises(UserError) as stop:
        check_audit(table(f"{CONTRAST}; x,A,P,-0.3,0.2", acknowledged=[KNOWN | change]))
    assert str(stop.value).startswith("config.yaml:")
    assert says in str(stop.value)


def test_findings_reach_the_table_of_the_audit() -> None:
    """With the line of the file as place."""
    (row,) = audit_rows(table(f"{CONTRAST}; x,A,P,3.5,0.9"))
    assert (row["study"], row["check"], row["source"], row["reported"]) == ("x", "ratio_size", "t.csv:2", 3.5)
    assert row["recomputed"] == pytest.approx(exp(3.5))


@pytest.mark.parametrize("name", ["smoking", "parkinsons", "diabetes"])
def test_nothing_is_found_in_the_examples(name: str) -> None:
    """The published data sets are consistent."""
    with contextlib.chdir(ROOT):
        assert found(read_project(Path(f"config/examples/{name}.yaml"))) == set()


def test_consistent_tables() -> None:
    """Of 300 simulated tables of five two-arm trials, printed with two decimals, at most 2% have a finding."""
    rng = np.random.default_rng(11)
    findings = 0
    for _ in range(300):
        truth, rows = rng.normal(0, 0.4), []
        for study in range(5):
            n, share = rng.integers(30, 400, 2), rng.uniform(0.3, 0.9)
            se = sqrt(1 / (share * n[0]) + 1 / (share * n[1]))
            value = rng.normal(truth, se)
            limits = [exp(value + sign * 1.959964 * se) for sign in (0, -1, 1)]
            rows.append(f"s{study},A,P,{','.join(f'{x:.2f}' for x in limits)},{n[0]},{n[1]}")
        findings += bool(found(table("; ".join([f"{PRINTED},n_treatment,n_comparator", *rows]))))
    assert findings <= 6
