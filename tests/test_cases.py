"""Files as people had them: each gives the right answer, or one line says why it cannot be analysed."""

import csv
import shutil
from collections.abc import Mapping
from io import StringIO
from math import exp, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from secondline.errors import UserError
from secondline.evidence.audit import audit_project
from secondline.evidence.selection import evidence_csv
from secondline.inference.priors import PriorScales
from secondline.inference.task import Fit
from secondline.jobs.settings import treatments_of
from secondline.network.data import network_data
from secondline.network.structure import Structure
from secondline.project.config import Project
from secondline.project.read import read_project
from secondline.summaries.exact_analysis import analyse
from secondline.tools.new_network import Wanted, write_network

from tests.conftest import ROOT

CASES = ROOT / "tests/data/cases"
HCQ = {
    **{"study": "acronym", "treatment.1": "hcq_cq", "n.1": "hcq_arm_total", "events.1": "hcq_arm_event"},
    **{"n.2": "control_arm_total", "events.2": "control_arm_event"},
}
CONTROL = {"treatment.2": "control"}
COMPONENTS = ["multi", "cog", "ba", "psed", "home", "prob", "soc", "relax", "goal", "final", "mind", "act"]
GROUPS = {f"SZ{i}": "SZ" for i in range(1, 5)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)


def run(name: str, entry: Mapping[str, Any] | None = None, **said: Any) -> tuple[Project, str]:
    """Write the configuration of a case and read it; give what was said of the file."""
    shutil.copy(CASES / name, name)
    Path("case.yaml").unlink(missing_ok=True)
    file, lines = write_network(
        Wanted(name, **{"better": "lower", "out": Path("case.yaml"), **said}, entry=entry or {})
    )
    return read_project(file), lines[0]


def effects(project: Project, tau: float = 0) -> dict[str, dict[str, float]]:
    """Effects against the reference, next to flat priors; fixed ones where tau is 0."""
    rows = list(csv.DictReader(StringIO(evidence_csv(project, "main", "outcome"))))
    likelihood = project.config.outcomes["outcome"].likelihood
    data = network_data(rows, Structure.of(treatments_of(project)), likelihood)
    found = analyse(Fit(data, PriorScales(effect=100, tau=tau, omega=0, baseline=100)), "lower", 1).effects
    reference = project.treatments.reference
    mirrored = [
        {**row, "treatment": row["comparator"], **{key: -row[key] for key in ("mean", "median")}}
        | {"lower": -row["upper"], "upper": -row["lower"]}
        for row in found
        if row["treatment"] == reference
    ]
    return {row["treatment"]: row for row in [*mirrored, *(r for r in found if r["comparator"] == reference)]}


def pair(row: Mapping[str, float]) -> tuple[float, float]:
    """Mean and standard deviation of an effect."""
    return row["mean"], row["sd"]


def test_a_reference_row_without_an_error() -> None:
    """The error of the baseline is assumed, and the audit says so with the range that is possible."""
    project, said = run("contrast_na_rows_three_arms.csv", measure="MD", reference="Pbo")
    assert "NA in y for the arm that the others of a study are compared with" in said and said.endswith("all used")
    (finding,) = [one for one in audit_project(project) if one.check == "pairwise_intervals"]
    assert finding.severity == "warning" and "0.22 to 0.36 is possible" in finding.message
    found = effects(project)
    assert pair(found["TrtA"]) == pytest.approx((-0.585, 0.166), abs=0.02)  # 0.05 is one of the possible errors
    assert pair(found["TrtB"]) == pytest.approx((-0.489, 0.200), abs=0.1)


def test_thirty_studies_of_contrasts() -> None:
    """Random effects with a prior of tau that is next to flat: T against A -1.658 (0.339), by an exact grid."""
    project, said = run("contrast_na_rows_30_studies.csv", {"ignore": ["Study"]}, measure="MD", reference="A")
    assert "66 rows, all used" in said and len(project.tables) == 30
    assert pair(effects(project, tau=20)["T"]) == pytest.approx((-1.658, 0.339), abs=0.002)


def test_wide_log_hazard_ratios() -> None:
    """Tabs are named, and the covariance of the study with three arms comes from their sizes."""
    project, said = run("wide_log_hr.tsv")
    assert said.startswith("wide_log_hr.tsv: tabs separate the columns; one row per study")
    found = effects(project)
    assert pair(found["A"]) == pytest.approx((-0.31, 0.15), abs=1e-4)
    assert pair(found["C"]) == pytest.approx((-0.434, 0.17), abs=1e-4)
    (finding,) = [one for one in audit_project(project) if one.check == "pairwise_intervals"]
    assert "is possible" in finding.message and "size" in finding.message


def test_hazard_ratios_with_limits() -> None:
    """Fixed effects, as ratios: a 1.391 (1.209 to 1.604) and d 0.892 (0.777 to 1.024) against x."""
    project, said = run("hr_with_limits.csv", reference="x")
    assert said.endswith("not read: endpoint") and project.config.outcomes["outcome"].measure == "HR"
    found = effects(project)
    for name, right in {"a": (1.391, 1.209, 1.604), "d": (0.892, 0.777, 1.024)}.items():
        shown = [exp(found[name][key]) for key in ("mean", "lower", "upper")]
        assert shown == pytest.approx(right, abs=0.005)


def test_a_mistyped_limit() -> None:
    """4.64 is not in the middle of 1.33 to 6.16; with 16.16 all is well, and the pooled log is 0.890 (0.163)."""
    arms = {"common": {"treatment": "PCI", "comparator": "CABG"}}
    project, _ = run("hr_limits_one_mistyped.txt", arms, reference="CABG")
    (finding,) = [one for one in audit_project(project) if one.severity == "error"]
    assert (finding.study, finding.check) == (
        "CARDIa",
        "interval_symmetry",
    ) and "4.64 (1.33 to 6.16)" in finding.message
    file = Path("hr_limits_one_mistyped.txt")
    file.write_text(file.read_text().replace("6.16", "16.16"))
    project = read_project(Path("case.yaml"))
    assert not [one for one in audit_project(project) if one.severity == "error"]
    assert pair(effects(project)["PCI"]) == pytest.approx((0.890, 0.163), abs=0.002)


def test_zero_cells() -> None:
    """0 of 15 against 2 of 13 and its mirror: no difference, by symmetry."""
    project, said = run("zero_cells_mirrored.txt", reference="Placebo")
    assert "blanks separate the columns" in said
    assert effects(project, tau=1)["Treatment1"]["median"] == pytest.approx(0, abs=0.05)


def test_wide_means() -> None:
    """Two studies of three arms and one of two; then 29 studies: dopamine agonists -1.496 (0.193), tau 0.37."""
    project, said = run("wide_means_na_third_arm.csv")
    assert [len(study.rows) for study in project.tables] == [3, 3, 2] and "3 rows, all used" in said
    project, said = run("wide_means_sd.csv", reference="Placebo")
    assert "29 rows, all used" in said
    assert pair(effects(project, tau=20)["Dopamine_Agonist"]) == pytest.approx((-1.496, 0.193), abs=0.005)


def test_european_numbers() -> None:
    """C -0.31 (0.67) and B -1.70 (0.38) against A, with a line that says how the numbers were read."""
    project, said = run("european.csv", reference="A")
    assert "semicolons separate the columns, decimal commas" in said
    found = effects(project)
    assert pair(found["C"]) == pytest.approx((-0.31, 0.67), abs=0.005)
    assert pair(found["B"]) == pytest.approx((-1.70, 0.38), abs=0.005)


def test_columns_without_names() -> None:
    """Names of rows, columns at the end and numbers for treatments are read; a title is refused as one."""
    project, said = run("r_row_names.csv")
    assert list(project.treatments.regimens) == ["12", "10"] and "holds the names of rows and is not read" in said
    project, _ = run("trailing_columns.csv")
    assert [(row["arm"], row["events"]) for row in project.tables[0].rows] == [("P", 10), ("A", 5)]
    with pytest.raises(UserError) as error:
        run("title_row.csv")
    assert str(error.value).startswith("title_row.csv:1: this line looks like a title, 'Table 1. My data'; delete it")


def test_one_control_on_two_lines() -> None:
    """Three possibilities are named; the entry says which: one arm of three, or an arm of its own."""
    with pytest.raises(UserError) as error:
        run("repeated_control.csv")
    assert str(error.value) == (
        "repeated_control.csv:4: treatment = 'P': study S1 has this arm already, in line 2; the same patients: keep "
        "one line, or say repeated: one_arm; other patients: put the two together, or say repeated: own_arms; separate "
        "trials under one name: name them apart"
    )
    project, _ = run("repeated_control.csv", {"repeated": "one_arm"}, reference="P")
    assert [row["arm"] for row in project.tables[0].rows] == ["P", "A", "B"]
    assert str(project.files[0]).endswith("4 rows, 3 used (line 4: the same patients as line 2)")
    project, _ = run("repeated_control.csv", {"repeated": "own_arms"}, reference="P")
    assert [(row["arm"], row["arm_mix"]) for row in project.tables[0].rows][2] == ("P_2", "P:100")
    assert "several arms of one treatment, each kept with its own deviation: S1 (2 of P)" in str(project.files[0])
    twice = effects(project)["A"]
    text = Path("repeated_control.csv").read_text().replace("S1,P,10,100\nS1,B", "S1,B").replace("P,10,100", "P,20,200")
    Path("repeated_control.csv").write_text(text)
    together = effects(read_project(Path("case.yaml")))["A"]
    assert pair(twice) == pytest.approx(pair(together), abs=0.01)  # fixed effects: two arms of one risk are their sum


def test_three_trials_under_one_id() -> None:
    """Ids name three randomisations, acronyms tell them apart: hcq 0.083 (0.066), cq 0.436 (0.440).

    Two trials have one control on two lines.
    """
    entry = {"columns": {**HCQ, "study": "id"}, "common": CONTROL}
    name = "shared_controls_double_zero.csv"
    with pytest.raises(UserError, match=r"has this arm already.*separate trials under one name: name them apart"):
        run(name, entry)
    project, said = run(name, {"columns": HCQ, "common": CONTROL, "repeated": "one_arm"}, reference="control")
    assert "33 rows, all used" in said
    found = effects(project)
    assert pair(found["hcq"]) == pytest.approx((0.083, 0.066), abs=0.003)
    assert pair(found["cq"]) == pytest.approx((0.436, 0.440), abs=0.03)
    silent = [one for one in audit_project(project) if one.check == "no_information"]
    trials = list(csv.DictReader(StringIO(Path(name).read_text(encoding="utf-8"))))
    without = {row["acronym"] for row in trials if row["hcq_arm_event"] == row["control_arm_event"] == "0"}
    assert {one.study for one in silent} == without and len(without) > 10


def test_groups_that_share_one_control() -> None:
    """SZ1 to SZ4 against one HC are arms of one treatment, correlated through the control that they share."""
    entry = {"columns": {"n_treatment": "n_sz", "n_comparator": "n_hc"}, "treatments": GROUPS}
    name = "groups_sharing_one_control.csv"
    with pytest.raises(UserError, match=r"csv:12: group1 = 'SZ': study 6 compares these two already, in line 11"):
        run(name, entry, measure="SMD", reference="HC")  # the same patients in eight tasks
    one_task = {**entry, "where": {"difficulty": "3.83"}}
    project, said = run(name, one_task, measure="SMD", reference="HC")
    assert "vi is the variance of an effect" in said
    assert "several arms of one treatment, each kept with its own deviation: " in str(project.files[0])
    (study,) = [one for one in project.tables if one.study == "3"]
    assert [row["treatment_arm"] for row in study.rows] == ["SZ", "SZ_2", "SZ_3", "SZ_4"]
    covariance = float(study.rows[1]["covariances"])
    assert covariance == pytest.approx(1 / 37, rel=0.25)  # the variance of a standardised mean of 37 controls
    estimate, weight = 0.0, 0.0
    for one in project.tables:  # generalised least squares of a common effect
        k = len(one.rows)
        block = np.diag([row["se"] ** 2 for row in one.rows])
        for i, row in enumerate(one.rows):
            lower = [float(cell) for cell in str(row["covariances"] or "").split()]
            block[i, : len(lower)] = block[: len(lower), i] = lower
        inverse = np.linalg.inv(block)
        estimate += (inverse @ [row["effect"] for row in one.rows]).sum()
        weight += inverse.sum()
        assert k == len(one.printed or one.rows)
    assert pair(effects(project)["SZ"]) == pytest.approx((estimate / weight, 1 / sqrt(weight)), abs=1e-4)


def test_components_in_columns() -> None:
    """Arms are sums of the components that have 1; arms of one treatment in a study are all kept."""
    entry = {"columns": {"mean": "diff"}, "repeated": "own_arms", "components": COMPONENTS}
    name = "component_indicator_columns.csv"
    project, said = run(name, entry, reference="Wait list")
    rows = list(csv.DictReader(StringIO(Path(name).read_text(encoding="utf-8")), delimiter="\t"))
    assert set(COMPONENTS) <= set(project.treatments.components) and f"{len(rows)} rows" in said
    used = [row for study in project.tables for row in study.rows]
    assert len(used) + len(project.files[0].left) == len(rows)
    held = project.treatments.regimens["multi_cog_ba_psed_final"]
    assert held.label == "multi + cog + ba + psed + final"
    assert held.components == [
        "multi",
        "cog",
        "ba",
        "psed",
        "final",
    ]
    (berger,) = [study for study in project.tables if study.study == "Berger (2011)"]
    assert len(berger.rows) == 3 and len({row["arm_mix"].split(":")[0] for row in berger.rows}) == 2
    names = list(project.treatments.components)
    y, x, weight = [], [], []  # least squares of the components, with a mean for every study
    for i, study in enumerate(project.tables):
        for row in study.rows:
            has = project.treatments.regimens[row["arm_mix"].split(":")[0]].components
            y.append(row["mean"])
            x.append([float(k == i) for k in range(len(project.tables))] + [float(part in has) for part in names])
            weight.append(row["se"] ** -2)
    design, weights = np.array(x), np.array(weight)
    estimated = np.linalg.pinv(design.T @ (weights[:, None] * design)) @ design.T @ (weights * np.array(y))
    cog = estimated[len(project.tables) + names.index("cog")]
    found = effects(project)
    alone = [name for name, one in project.treatments.regimens.items() if one.components == ["cog"]]
    assert not alone or found[alone[0]]["mean"] == pytest.approx(cog, abs=0.01)
    total = sum(estimated[len(project.tables) + names.index(part)] for part in held.components)
    assert found["multi_cog_ba_psed_final"]["mean"] == pytest.approx(total, abs=0.01)


def test_a_component_is_there_or_not() -> None:
    """Any other word is a mistake, with its line; so are components of contrasts."""
    shutil.copy(CASES / "component_indicator_columns.csv", "t.csv")
    entry = {"columns": {"mean": "diff"}, "repeated": "own_arms", "components": ["sessions"]}
    with pytest.raises(UserError, match=r"t\.csv:2: sessions = 'NA': allowed: 1 where the arm has this component"):
        write_network(Wanted("t.csv", better="lower", entry=entry))
    Path("c.csv").write_text("study,treatment,comparator,effect,se,multi\nx,a,b,1,1,1\n", encoding="utf-8")
    with pytest.raises(UserError, match="the rows are contrasts, and arms have components"):
        write_network(Wanted("c.csv", better="lower", measure="MD", entry={"components": ["multi"]}))


def test_studies_that_compare_nothing() -> None:
    """A study of one arm is listed with its reason, and does not stop the others."""
    text = "study,treatment,events,n\nA,a,1,20\nA,b,2,20\nB,b,3,20\nC,a,1,20\nC,b,3,20\n"
    Path("t.csv").write_text(text, encoding="utf-8")
    file, said = write_network(Wanted("t.csv", better="lower"))
    project = read_project(file)
    assert [study.study for study in project.tables] == ["A", "C"]
    assert str(project.files[0]).endswith(
        "5 rows, 4 used (line 4: the only arm of its study, which is compared with nothing)"
    )
    assert said[0].endswith("compared with nothing)")


def test_two_arms_of_one_treatment_against_each_other() -> None:
    """Such a contrast says nothing of the effects and something of their heterogeneity: by hand, on a grid of tau."""
    y, v = np.array([0.4, 1.5]), np.array([0.04, 0.09])
    lines = [
        "study,treatment,comparator,effect,se",
        f"one,b,a,{y[0]},{sqrt(v[0])}",
        f"two,a at night,a,{y[1]},{sqrt(v[1])}",
    ]
    Path("t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    entry = {"treatments": {"a at night": "a"}}
    file, _ = write_network(
        Wanted("t.csv", better="lower", measure="MD", reference="a", out=Path("case.yaml"), entry=entry)
    )
    project = read_project(file)
    assert "several arms of one treatment, each kept with its own deviation: two (2 of a)" in str(project.files[0])
    assert pair(effects(project)["b"]) == pytest.approx((0.4, 0.2), abs=1e-4)
    tau = np.linspace(0, 12, 200_001)
    weight = np.exp(-(tau**2) / 2 - y[1] ** 2 / (2 * (v[1] + tau**2))) / np.sqrt(v[1] + tau**2)
    variance = (weight * (v[0] + tau**2)).sum() / weight.sum()
    assert pair(effects(project, tau=1)["b"]) == pytest.approx((0.4, sqrt(variance)), abs=2e-3)
