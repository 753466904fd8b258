"""Tables whose trouble is their measure, as people had them: each runs as it is and gives the answer that is known."""

from math import exp, log, sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest
import secondline as sl
from secondline.errors import UserError
from secondline.evidence.audit import audit_project
from secondline.evidence.gather import arm_data_rows, effect_rows
from secondline.evidence.selection import evidence_rows, select_evidence
from secondline.project.config import Project
from secondline.project.ratios_and_differences import (
    against_first,
    log_odds_ratios,
    log_ratios_of_means,
    log_risk_ratios,
    risk_differences,
)

from tests.conftest import ROOT
from tests.test_formats import effects
from tests.test_measures import project_of

DATA = ROOT / "tests/data/measures"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


def of_file(name: str, measure: str, regimens: list[str], **entry: Any) -> Project:
    """Read a project of one file, as it is."""
    return project_of(measure, None, (ROOT / "tests/data" / name).read_text(encoding="utf-8"), regimens, **entry)


def findings(project: Project) -> set[tuple[str, str, str]]:
    """List what the audit finds: check, severity, study."""
    return {(found.check, found.severity, found.study) for found in audit_project(project)}


def test_risk_ratios_of_counts() -> None:
    """Aspirin: log RR -0.0906 (0.0275) by simulation, -0.0902 (0.02748) by inverse variance, computed here anew."""
    project = of_file("measures/risk_ratio_counts.csv", "RR", ["A", "B"])
    found = effects(project)["B"]
    assert (found["mean"], found["sd"]) == pytest.approx((-0.0906, 0.0275), abs=5e-4)
    weights = total = 0.0
    lines = [line.split("\t") for line in Path("t.csv").read_text(encoding="utf-8").splitlines()[1:]]
    for (*_, r0, n0), (*_, r1, n1) in zip(lines[::2], lines[1::2], strict=True):
        a, m, b, n = (float(x) for x in (r0, n0, r1, n1))
        weight = 1 / (1 / a - 1 / m + 1 / b - 1 / n)
        weights, total = weights + weight, total + weight * log(b * m / (a * n))
    assert (found["mean"], found["sd"]) == pytest.approx((total / weights, 1 / sqrt(weights)), rel=1e-4)
    assert {row["method"] for row in evidence_rows(project, "all", "y")} == {"risk_ratio"}
    assert not [one for one in findings(project) if one[1] == "error"]


def test_risk_ratios_of_common_events() -> None:
    """1.14 (1.08 to 1.20): a model of rates would give 1.02 to 1.28."""
    found = effects(of_file("measures/rr_common_events.csv", "RR", ["SECU", "BIME"]))["BIME"]
    shown = [round(exp(found[key]), 2) for key in ("mean", "lower", "upper")]
    assert shown == [1.14, 1.08, 1.20]


def test_many_scales() -> None:
    """17 trials on 8 scales: Hedges g -0.39 (0.07) fixed, -0.60 (-0.99 to -0.25) random."""
    entry = {"ignore": ["measure"], "treatments": {"e": "drug", "c": "placebo"}}
    project = of_file("formats/two_groups.csv", "SMD", ["placebo", "drug"], **entry)
    fixed, random = effects(project)["drug"], effects(project, tau=1)["drug"]
    assert (fixed["mean"], fixed["sd"]) == pytest.approx((-0.39, 0.07), abs=5e-3)
    assert [random[key] for key in ("mean", "lower", "upper")] == pytest.approx([-0.60, -0.99, -0.25], abs=0.015)
    raw = arm_data_rows(project)
    assert (len(raw), {row["selected"] for row in raw}) == (34, {False})
    assert {row["selected"] for row in effect_rows(project)} == {True}


def test_two_groups_are_named() -> None:
    """The letters of the groups are no treatments until the entry of the table says which."""
    with pytest.raises(UserError, match=r"t.csv:2: c = 'c': unknown treatment; allowed: "):
        of_file("formats/two_groups.csv", "SMD", ["placebo", "drug"], ignore=["measure"])


def test_time_per_patient() -> None:
    """Follow-up per patient where the total belongs: a warning with the totals, which give a rate ratio of 0.5."""
    project = of_file("measures/time_per_patient.csv", "IRR", ["P", "A"])
    assert {("time", "warning", "S1"), ("time", "warning", "S2")} <= findings(project)
    assert exp(effects(project)["A"]["mean"]) == pytest.approx(1, abs=0.05)
    header, *lines = (line.split(",") for line in Path("t.csv").read_text(encoding="utf-8").splitlines())
    arms = [[*line[:-1], f"{int(line[3]) * float(line[4]):g}"] for line in lines]
    totals = "\n".join(",".join(cells) for cells in (header, *arms)) + "\n"
    right = project_of("IRR", None, totals, ["P", "A"])
    assert "time" not in {check for check, *_ in findings(right)}
    assert exp(effects(right)["A"]["mean"]) == pytest.approx(0.5, abs=0.01)


def test_ratios_that_are_not_logged() -> None:
    """A warning that all effects point the same way and what they would mean; under the name of a ratio all is well."""
    project = of_file("measures/ratios_not_logged.csv", "HR", ["P", "A", "B"])
    (found,) = (one for one in audit_project(project) if one.check == "not_logged")
    assert found.severity == "warning"
    assert "all 3 effects of t.csv are above 0" in found.message and "HRs of 2.03 to 2.53" in found.message
    ratios = "S1,A,P,0.71,0.56,0.90\nS2,A,P,0.80,0.66,0.97\nS3,B,P,0.93,0.63,1.38\n"
    table = f"study,treatment,comparator,hr,lower,upper\n{ratios}"
    right = project_of("HR", None, table, ["P", "A", "B"])
    assert "not_logged" not in {check for check, *_ in findings(right)}
    assert [float(row["effect"]) for row in evidence_rows(right, "all", "y")] == pytest.approx(
        [log(0.71), log(0.80), log(0.93)], abs=5e-3
    )


@pytest.mark.parametrize(("measure", "severity"), [("HR", "error"), ("OR", "error"), ("SMD", "warning")])
def test_a_standard_error_that_is_too_small(measure: str, severity: str) -> None:
    """200 patients give a log hazard ratio no smaller error than 2 / sqrt(200) = 0.141; 0.0155 is a slip."""
    project = of_file("measures/se_too_small.csv", measure, ["P", "A", "B"])
    found = findings(project)
    assert ("ratio_precision", severity, "S1") in found
    assert not {check for check, _, study in found if study == "S2"} & {"ratio_precision"}


COUNTS = "study,treatment,events,n\nx,a,{},20\nx,b,{},30\nx,c,{},25\ny,a,5,40\ny,b,4,40\n"


@pytest.mark.parametrize(
    ("measure", "events", "effect", "variances"),
    [
        ("RR", (0, 3, 5), [log(3.5 / 31 * 21 / 0.5), log(5.5 / 26 * 21 / 0.5)], (1 / 0.5 - 1 / 21, 1 / 3.5 - 1 / 31)),
        ("RR", (2, 3, 5), [0.0, log(2.0)], (1 / 2 - 1 / 20, 1 / 3 - 1 / 30)),
        (
            "RR",
            (20, 30, 5),
            [log(30.5 / 31 * 21 / 20.5), log(5.5 / 26 * 21 / 20.5)],
            (1 / 20.5 - 1 / 21, 1 / 30.5 - 1 / 31),
        ),
        (
            "OR",
            (0, 3, 5),
            [log(3.5 / 27.5 * 20.5 / 0.5), log(5.5 / 20.5 * 20.5 / 0.5)],
            (1 / 0.5 + 1 / 20.5, 1 / 3.5 + 1 / 27.5),
        ),
        ("RD", (0, 3, 5), [0.1, 0.2], (0.5 / 21 * (20.5 / 21) / 21, 0.1 * 0.9 / 30)),
        ("RD", (0, 0, 5), [0.0, 0.2], (0.5 / 21 * (20.5 / 21) / 21, 0.5 / 31 * (30.5 / 31) / 31)),
    ],
)
def test_empty_cells(measure: str, events: tuple[int, ...], effect: list[float], variances: tuple[float, ...]) -> None:
    """By hand: half a patient in every cell of the study for logs, in a difference for the error of the arm alone."""
    project = project_of(measure, "normal_counts", COUNTS.format(*events))
    rows = [row for row in evidence_rows(project, "all", "y") if row["study"] == "x"]
    assert [float(row["effect"]) for row in rows] == pytest.approx(effect)
    assert float(rows[0]["se"]) ** 2 == pytest.approx(sum(variances))
    assert float(rows[1]["covariances"]) == pytest.approx(variances[0])
    empty = any(one in (0, n) for one, n in zip(events, (20, 30, 25), strict=True))
    said = {("zero_cells", "warning", "x")} if empty else set()
    assert {one for one in findings(project) if one[0] == "zero_cells"} == said
    assert ("half a patient was added" in rows[0]["reason"]) == empty


@pytest.mark.parametrize(
    ("measure", "events", "reason"),
    [("RR", (0, 0, 0), "no patient of any arm had the event"), ("OR", (20, 30, 25), "every patient of every arm")],
)
def test_a_study_that_says_nothing_is_listed(measure: str, events: tuple[int, ...], reason: str) -> None:
    """It is in the evidence table with its reason and in no fit, and the audit says so; nobody loses it in silence."""
    project = project_of(measure, "normal_counts", COUNTS.format(*events))
    unused, *used = select_evidence(project, "all", "y")
    assert (unused["study"], unused["used"]) == ("x", False)
    assert reason in unused["reason"]
    assert {row["study"] for row in used} == {"y"}
    assert ("no_information", "info", "x") in findings(project)
    assert [row["study"] for row in arm_data_rows(project)] == ["x", "x", "x", "y", "y"]


def test_a_data_frame_of_counts() -> None:
    """The library: the measure chooses how counts are read, and the answer is that of the table."""
    import pandas as pd

    frame = pd.read_csv(DATA / "risk_ratio_counts.csv", sep="\t")
    columns = {"study": "study", "treatment": "treatment", "events": "responders", "n": "sampleSize"}
    net = sl.Network.from_arms(frame, **columns, reference="A", measure="RR")
    model = sl.Model(likelihood="normal", heterogeneity=False)
    fit = sl.fit(net, model, priors=sl.Priors(effect=sl.normal(100)))
    row = fit.relative_effects().query("treatment == 'B'").iloc[0]
    assert (row["mean"], row["sd"]) == pytest.approx((-0.0902, 0.0275), abs=1e-3)
    cells = {"study": ["x", "x", "y", "y"], "treatment": ["A", "B"] * 2, "events": [0, 0, 2, 3], "n": [9] * 4}
    empty = pd.DataFrame(cells)
    lost = sl.Network.from_arms(
        empty, study="study", treatment="treatment", events="events", n="n", reference="A", measure="RR"
    )
    assert [row["reason"] for row in lost.rows if not row.get("used", True)] == [
        "no patient of any arm had the event, which says nothing of a ratio of risks"
    ]


def test_ratios_of_means() -> None:
    """By hand: log ratios of 12, 8 and 10 with standard errors 1, 2 and 1; a mean of 0 or less has no ratio."""
    table = "study,treatment,mean,se\nx,a,10,1\nx,b,12,1\nx,c,8,2\n"
    rows = evidence_rows(project_of("ROM", None, table), "all", "y")
    assert [float(row["effect"]) for row in rows] == pytest.approx([log(1.2), log(0.8)])
    assert [float(row["se"]) ** 2 for row in rows] == pytest.approx([1 / 144 + 1 / 100, 4 / 64 + 1 / 100])
    assert float(rows[1]["covariances"]) == pytest.approx(1 / 100)
    with pytest.raises(UserError, match=r"t.csv:3: mean = '-1': a ratio of means needs means above 0"):
        project_of("ROM", None, table.replace("b,12", "b,-1"))


def test_formulas_share_the_comparator() -> None:
    """Every covariance is the variance of the first arm; with two arms the variances add up."""
    arms = [(4, 40), (10, 50), (6, 30)]
    for made in (log_risk_ratios, log_odds_ratios, risk_differences):
        _, covariance = made(arms)
        _, alone = made(arms[:2])
        assert covariance[0][1] == covariance[1][0] < min(covariance[0][0], covariance[1][1])
        assert alone == [[covariance[0][0]]]
    assert against_first([1.0, 3.0], [0.5, 0.25]) == ([2.0], [[0.75]])
    assert log_ratios_of_means([(2.0, 0.2), (4.0, 0.4)]) == ([pytest.approx(log(2))], [[pytest.approx(0.02)]])


QUARTILES = "study,treatment,mean,sd,n,median,q1,q3\nx,a,,,41,10,7,15\nx,b,12,4,40,,,\n"


@pytest.mark.parametrize("measure", ["MD", "SMD", "ROM"])
def test_medians_and_quartiles(measure: str) -> None:
    """Wan (2014) by hand: mean (7 + 10 + 15) / 3, sd 8 over twice the normal quantile at 0.746; marked everywhere."""
    project = project_of(measure, None, QUARTILES)
    sd = 8 / (2 * NormalDist().inv_cdf((0.75 * 41 - 0.125) / 41.25))
    arm = next(row for row in arm_data_rows(project) if row["arm"] == "a")
    assert (arm["mean"], arm["se"]) == pytest.approx((32 / 3, sd / sqrt(41)))
    assert "median and quartiles" in arm["derived"]
    rows = evidence_rows(project, "all", "y")
    assert "median and quartiles" in rows[0]["derived" if measure == "MD" else "reason"]
    (found,) = (one for one in audit_project(project) if one.check == "derived_mean")
    assert (found.severity, found.message.startswith("a: mean and sd from the median")) == ("info", True)
    if measure == "MD":
        assert float(rows[0]["mean"]) == pytest.approx(32 / 3)
        assert rows[1]["derived"] == "se from sd and n" and not rows[1]["reason"]


def test_medians_alone() -> None:
    """A table without a column of means needs quartiles and patients; a median outside its quartiles is a slip."""
    table = "study,treatment,n,median,q1,q3\nx,a,41,10,7,15\nx,b,40,9,6,13\n"
    assert len(evidence_rows(project_of("MD", None, table), "all", "y")) == 2
    with pytest.raises(UserError, match=r"t.csv:2: median = '17': it lies outside its quartiles, 7 to 15"):
        project_of("MD", None, table.replace("41,10", "41,17"))
    with pytest.raises(UserError, match=r"t.csv:1: no column q1; needed: study, treatment, median, q1, q3, n"):
        project_of("MD", None, table.replace("q1", "age"), ignore=["age"])
    with pytest.raises(UserError, match=r"t.csv:3: q3 = '': a median needs q1, q3 and n beside it"):
        project_of("MD", None, table.replace(",13", ","))


CHANGES = (
    "study,treatment,baseline_mean,baseline_sd,mean,sd,n\nx,a,50,10,46,12,25\nx,b,51,9,41,11,30\n"
    "y,a,,,-3,8,20\ny,b,,,-9,9,20\n"
)


@pytest.mark.parametrize("correlation", [0.0, 0.5, -0.3])
def test_changes_from_baseline(correlation: float) -> None:
    """Cochrane Handbook 6.5.2.8 by hand; a study that gives changes is taken as it is."""
    project = project_of("MD", None, CHANGES, correlation=correlation)
    rows = {(row["study"], row["arm"]): row for row in evidence_rows(project, "all", "y")}
    for arm, n, before, after, change in (("a", 25, 10, 12, -4), ("b", 30, 9, 11, -10)):
        row = rows["x", arm]
        variance = before**2 + after**2 - 2 * correlation * before * after
        assert (float(row["mean"]), float(row["se"])) == pytest.approx((change, sqrt(variance / n)))
        assert f"correlation of {correlation:g}" in row["derived"] and row["reason"] == ""
    assert (float(rows["y", "a"]["mean"]), float(rows["y", "a"]["se"])) == pytest.approx((-3, 8 / sqrt(20)))
    assert rows["y", "a"]["derived"] == "se from sd and n"
    assert {one[2] for one in findings(project) if one[0] == "derived_mean"} == {"x"}


@pytest.mark.parametrize(
    ("table", "entry", "says"),
    [
        (CHANGES, {}, "evidence.0.correlation: say which correlation with the mean in the end is assumed, or ignore"),
        (CHANGES, {"correlation": 1.0}, "evidence.0.correlation = 1.0"),
        (QUARTILES, {"correlation": 0.5}, "changes from baseline need columns baseline_mean and baseline_sd"),
        (CHANGES.replace("x,b,51,9", "x,b,,"), {"correlation": 0.5}, "another arm of study x has it; give it for all"),
        (CHANGES.replace("51,9,", "51,,"), {"correlation": 0.5}, "t.csv:3: baseline_sd = ''"),
    ],
)
def test_changes_that_cannot_be(table: str, entry: dict[str, Any], says: str) -> None:
    """One line that says what is missing."""
    with pytest.raises(UserError) as error:
        project_of("MD", None, table, **entry)
    assert says in str(error.value) and "\n" not in str(error.value)
