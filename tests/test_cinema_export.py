"""The project file of CINeMA: against its manual, by hand, and what it refuses."""

import csv
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import secondline as sl
from hypothesis import given
from hypothesis import strategies as st
from secondline.cell_values import SHORTEST, TWO_STAGE
from secondline.certainty.cinema_evidence import CONTRASTS, NO_PREDICTION, listed_rows, why_no_cinema
from secondline.certainty.cinema_names import clean_names, restored
from secondline.certainty.cinema_project import (
    NO_LOOP,
    RESULT_COLUMNS,
    WRITTEN,
    as_json,
    cinema_project,
    export_cinema,
)
from secondline.certainty.cinema_results import back_calculated, cinema_results, is_tested
from secondline.certainty.cinema_settings import CinemaSettings
from secondline.certainty.flow_reasons import NO_STUDY, NOT_PLAIN
from secondline.certainty.plain_network import plain_studies
from secondline.errors import UserError
from secondline.evidence.selection import evidence_rows
from secondline.inference.generalised_least_squares import GaussianStudy
from secondline.jobs.certainty_settings import cinema_files, cinema_settings
from secondline.network.arms import used_arms
from secondline.network.loops import direct_comparisons
from secondline.project.read import read_project
from secondline.tables import read_table, write_table

from tests.cinema_format import problems, strictly
from tests.conftest import ROOT
from tests.networks import HCC, arm_row, contrast_row, plain, simulate
from tests.test_flows import elliott as elliott_flows

ELLIOTT = ROOT / "tests/data/elliott2007"
Rows = list[dict[str, str]]


@cache
def example(name: str, outcome: str) -> tuple[Rows, CinemaSettings]:
    """Evidence and settings of a shipped example."""
    project = read_project(ROOT / f"config/examples/{name}.yaml")
    return evidence_rows(project, project.config.base, outcome), cinema_settings(project, outcome)


def settings(rows: Rows, names: str = "abc", **given: Any) -> CinemaSettings:
    """Give the settings of odds ratios in a plain network of which all studies were judged."""
    judged = {row["study"]: 1 for row in rows}
    known = {"outcome": "x", "likelihood": "binomial_logit", "measure": "OR", "treatments": plain(names).treatments}
    return CinemaSettings(**{**known, "risk_of_bias": judged, "indirectness": judged, **given})


def marked(rows: Rows, **cells: str) -> Rows:
    """Rows as a table of evidence has them."""
    return [{"informative": "true", "reason": "", **row, **cells} for row in rows]


def events(*studies: str) -> Rows:
    """Studies with an arm for each letter, more events in later ones."""
    return marked(
        [arm_row(f"s{k}", arm, 5 + k + 2 * i, 40) for k, arms in enumerate(studies) for i, arm in enumerate(arms)]
    )


def matrix(project: Mapping[str, Any]) -> Any:
    """Find the one analysis in a project."""
    return project["project"]["CM"]["contributionMatrices"][0]


def results(project: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Results by comparison."""
    return {row["_row"]: row for row in matrix(project)["hatmatrix"]["NMAresults"]}


def printed(name: str) -> Rows:
    """Read a table of CINeMA's manual."""
    with (ELLIOTT / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@cache
def elliott() -> dict[str, Any]:
    """Give the project of the worked example, as it is read from its file."""
    project: dict[str, Any] = strictly(as_json(cinema_project(*example("antihypertensives", "diabetes"))))
    return project


def test_the_worked_example_has_the_league_table_of_the_manual() -> None:
    """Odds ratios of row against column to the printed digits, ACE inhibitor against beta blocker 0.713 among them."""
    found, rows = results(elliott()), printed("league")
    assert len(found) == len(rows) == 15
    for row in rows:
        own = found[f"{row['row']}:{row['column']}"]
        estimates = [exp(own[key]) for key in ("NMA treatment effect", "lower CI", "upper CI")]
        assert estimates == pytest.approx([float(row[key]) for key in ("or", "lo", "hi")], abs=0.0011)


def test_the_worked_example_splits_by_back_calculation() -> None:
    """Direct and indirect evidence on ACE inhibitors against beta blockers differ, p = 0.030; ACE:ARB is indirect."""
    found = results(elliott())
    own = found["ace:bblocker"]
    assert own["SidePvalue"] == pytest.approx(0.030, abs=0.0005)
    assert own["SideIF"] == pytest.approx(own["Direct"] - own["Indirect"])
    precise = [1 / ((own[f"{side}U"] - own[f"{side}L"]) / 2 / 1.959964) ** 2 for side in ("Direct", "Indirect")]
    weighted = (precise[0] * own["Direct"] + precise[1] * own["Indirect"]) / sum(precise)
    assert weighted == pytest.approx(own["NMA treatment effect"])
    assert own["PropDir"] == own["PropDirNetmeta"] == pytest.approx(precise[0] / sum(precise))
    assert found["ace:arb"]["Indirect"] == found["ace:arb"]["NMA treatment effect"]
    assert "Direct" not in found["ace:arb"]
    assert found["ace:arb"]["PropDir"] == 0


def test_contributions_of_the_worked_example_are_those_of_the_manual() -> None:
    """Percentages by the numbers of the studies; the weight of a direct comparison in itself is on the diagonal."""
    contributions, hat = matrix(elliott())["studycontributions"], matrix(elliott())["hatmatrix"]
    for row in printed("study_contributions"):
        own = contributions[row.pop("comparison")]
        assert [own[str(k)] for k in range(1, 23)] == pytest.approx([float(value) for value in row.values()], abs=0.02)
    for row in printed("comparison_contributions"):
        pair = row.pop("comparison")
        if pair in hat["colNames"]:
            weight = hat["H"][hat["rowNames"].index(pair)][hat["colNames"].index(pair)]
            assert 100 * weight == pytest.approx(float(row[pair]), abs=0.01)


def test_contributions_are_those_of_the_flows() -> None:
    """The shares in flows.csv, added up by study, which are computed apart under the names of the project."""
    rows, order = example("antihypertensives", "diabetes")[0], matrix(elliott())["studycontributions"]
    ids = {study: str(k) for k, study in enumerate(dict.fromkeys(row["study"] for row in rows), 1)}
    found: dict[str, dict[str, float]] = {pair: dict.fromkeys(ids.values(), 0.0) for pair in order}
    for row in elliott_flows().flows:
        if (row["hat_matrix"], row["decomposition"]) == (TWO_STAGE, SHORTEST):
            pair = ":".join(sorted((row["treatment"], row["comparator"])))
            found[pair][ids[row["study"]]] += 100 * row["share"]
    for pair, shares in order.items():
        assert shares == pytest.approx(found[pair])


def test_the_job_says_what_it_wrote(tmp_path: Path) -> None:
    """In one line: that there is a file, that CINeMA cannot finish without a loop, or why there is none."""
    outputs = [str(tmp_path / name) for name in ("cinema_rows.csv", "cinema.cnm")]
    for studies, expected in ((("ab", "bc", "ac", "ab"), WRITTEN), (("ab", "ac"), NO_LOOP)):
        rows = events(*studies)
        write_table(tmp_path / "evidence.csv", rows, list(rows[0]))
        assert export_cinema(str(tmp_path / "evidence.csv"), settings(rows), outputs) == expected
        assert problems(strictly(Path(outputs[1]).read_text(encoding="utf-8"))) == []
        assert len(read_table(outputs[0])) == len(rows)
    refused = export_cinema(str(tmp_path / "evidence.csv"), settings(rows, measure="HR"), outputs[:1])
    assert refused.startswith("no project of CINeMA: CINeMA's file has no HR")


def test_the_worked_example_has_the_figures_and_judgements_of_its_table() -> None:
    """Every row of the table is an arm of the file, in its order."""
    with (ROOT / "config/examples/antihypertensives.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    arms = elliott()["project"]["studies"]["long"]
    names = clean_names((row["study"] for row in table), between=" ")
    order = list(names)
    assert arms == [
        {
            "study": names[row["study"]],
            "id": order.index(row["study"]) + 1,
            "t": row["treatment"],
            **{key: int(row[column]) for key, column in (("r", "events"), ("n", "n"), ("rob", "rob"))},
            "indirectness": int(row["indirectness"]),
        }
        for row in table
    ]


@pytest.mark.parametrize(("name", "outcome"), [("antihypertensives", "diabetes"), ("parkinsons", "off_time_arms")])
def test_files_keep_to_the_format(name: str, outcome: str) -> None:
    """Of counts and of means, read back as strict JSON."""
    rows, own = example(name, outcome)
    judged = dict.fromkeys((row["study"] for row in rows), 2)
    known = {**vars(own), "risk_of_bias": own.risk_of_bias or judged, "indirectness": own.indirectness or judged}
    project = cinema_project(rows, CinemaSettings(**known))
    assert problems(strictly(as_json(project))) == []
    assert len(matrix(project)["hatmatrix"]["colNamesNMAresults"]) == len(set(RESULT_COLUMNS)) == 20


def drop(*path: Any) -> Callable[[Any], None]:
    """Take something out of a project."""

    def change(project: Any) -> None:
        *folders, last = path
        for step in folders:
            project = project[step]
        del project[last]

    return change


def put(value: Any, *path: Any) -> Callable[[Any], None]:
    """Put something into a project."""

    def change(project: Any) -> None:
        *folders, last = path
        for step in folders:
            project = project[step]
        project[last] = value

    return change


CM, LONG = ("project", "CM", "contributionMatrices", 0), ("project", "studies", "long", 0)


@pytest.mark.parametrize(
    "change",
    [
        drop(*LONG, "rob"),
        put(4, *LONG, "indirectness"),
        put("a-b", *LONG, "t"),
        put("a_b", *LONG, "study"),
        put(1.5, *LONG, "mean"),
        put("HR", *CM, "hatmatrix", "sm"),
        put(None, *CM, "hatmatrix", "H", 0, 0),
        drop(*CM, "hatmatrix", "H", 0, 0),
        drop(*CM, "hatmatrix", "NMAresults", 1, "SidePvalue"),
        put(0.1, *CM, "hatmatrix", "NMAresults", 0, "SideIF"),
        drop(*CM, "hatmatrix", "NMAresults", 0, "lower PrI"),
        put("ace v arb", *CM, "hatmatrix", "NMAresults", 0, "_row"),
        put(7.0, *CM, "studycontributions", "ace:arb", "1"),
        drop(*CM, "studycontributions", "ace:arb", "22"),
        put("wide", "project", "format"),
    ],
)
def test_the_check_of_the_format_finds_what_is_wrong(change: Callable[[Any], None]) -> None:
    """So that a file without problems is one that was looked at."""
    project = deepcopy(elliott())
    change(project)
    assert problems(project)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_is_strict(value: float) -> None:
    """A number that JSON does not have is never written."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_json({"project": value})


ANY_NAMES = st.lists(st.text(st.characters(codec="utf-8"), max_size=6) | st.text("aA1_ é", max_size=4), max_size=12)


@given(ANY_NAMES, st.sampled_from(["_", " "]))
def test_distinct_names_stay_distinct_and_come_back(names: list[str], between: str) -> None:
    """Whatever the text; what is clean already is not touched."""
    clean = clean_names(names, between)
    back = restored(clean)
    assert [back[clean[name]] for name in names] == names
    assert len(back) == len(set(names))
    allowed = "[a-zA-Z0-9_]+" if between == "_" else "[a-zA-Z0-9]+( [a-zA-Z0-9]+)*"
    for name, own in clean.items():
        assert re.fullmatch(allowed, own)
        assert own == name or not re.fullmatch(allowed, name)


def test_cleaned_names_are_recognised() -> None:
    """Accents go, the rest becomes what separates words, and the later of two that would be the same has a number."""
    assert clean_names(["β-blocker 5 mg", "blocker_5_mg", "Sjögren/placebo", "—"]) == {
        "β-blocker 5 mg": "blocker_5_mg_2",
        "blocker_5_mg": "blocker_5_mg",
        "Sjögren/placebo": "Sjogren_placebo",
        "—": "unnamed",
    }
    assert clean_names(["De Fronzo (1995)", "ANBP-2", "a_b"], between=" ") == {
        "De Fronzo (1995)": "De Fronzo 1995",
        "ANBP-2": "ANBP 2",
        "a_b": "a b",
    }


def two_arms(study: str, first: str, second: str, effect: float, variance: float) -> GaussianStudy:
    """Make a study with the effect of its first treatment against the second."""
    rows = np.array([[float(name == first) - float(name == second) for name in "bc"]])
    return GaussianStudy(study, np.array([effect]), rows, np.array([[variance]]), (second, first))


COEFFICIENTS = {"a": np.array([0.0, 0.0]), "b": np.array([1.0, 0.0]), "c": np.array([0.0, 1.0])}


def test_indirect_evidence_in_a_triangle_by_hand() -> None:
    """Of a against b it is a against c less b against c; variances add up, with tau^2 for each study."""
    studies = [
        two_arms("1", "a", "b", 0.5, 0.04),
        two_arms("2", "a", "c", 0.3, 0.09),
        two_arms("3", "b", "c", 0.6, 0.01),
    ]
    found = cinema_results(studies, COEFFICIENTS)
    assert found.tau is not None
    tau2 = found.tau**2
    # Q = (0.5 - (0.3 - 0.6))^2 / 0.14 with 1 degree of freedom, and tr(P R) = 3 / 0.14
    assert tau2 == pytest.approx((0.64 / 0.14 - 1) / (3 / 0.14))
    own = found.effects[0]
    assert own["_row"] == "a:b"
    assert own["Direct"] == pytest.approx(0.5)
    assert own["Indirect"] == pytest.approx(-0.3)
    half = 1.959964 * sqrt(0.09 + 0.01 + 2 * tau2)
    assert [own["IndirectL"], own["IndirectU"]] == pytest.approx([-0.3 - half, -0.3 + half])
    assert own["SideZ"] == pytest.approx(0.8 / sqrt(0.14 + 3 * tau2))
    # Two paths from a to b: the direct one carries its share, and the other is divided between two studies.
    direct = 100 * (0.1 + 2 * tau2) / (0.14 + 3 * tau2)
    expected = {"1": direct, "2": (100 - direct) / 2, "3": (100 - direct) / 2}
    assert found.contributions["a", "b"] == pytest.approx(expected)
    assert own["PropDir"] == pytest.approx(direct / 100)


DESIGNS = st.lists(st.sampled_from(["ab", "ac", "bc", "cd", "ad", "abc", "bcd", "abcd"]), min_size=1, max_size=6)


@given(DESIGNS)
def test_comparisons_are_tested_where_they_can_be_split(designs: list[str]) -> None:
    """Paths through the other studies agree with the columns by which node-splits are chosen."""
    rows, structure = events(*designs), plain("abcd")
    studies = plain_studies(rows, structure, "binomial_logit")
    for one in direct_comparisons(used_arms(rows), structure):
        assert is_tested((one.treatment, one.comparator), studies) == (not one.reason)


@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(0.01, 2), st.floats(0.01, 2))
def test_back_calculation_undoes_the_pooling(direct: float, indirect: float, se: float, other: float) -> None:
    """The network estimate is the mean of both by their precision."""
    precision = 1 / se**2 + 1 / other**2
    network = (direct / se**2 + indirect / other**2) / precision, 1 / sqrt(precision)
    assert back_calculated(network, (direct, se)) == pytest.approx((indirect, other), rel=1e-4, abs=1e-4)


def test_a_tree_has_common_effects_and_direct_evidence_alone() -> None:
    """Nothing informs tau: the interval for a new study is that of the mean; a against c has no study."""
    rows = events("ab", "bc")
    project = cinema_project(rows, settings(rows))
    assert problems(project) == []
    found = results(project)
    assert matrix(project)["hatmatrix"]["model"] == "fixed"
    assert {key for key in found["a:b"] if key.startswith(("Direct", "Ind", "Side"))} == {
        "Direct",
        "DirectL",
        "DirectU",
    }
    assert found["a:b"]["NMA treatment effect"] == pytest.approx(log(5 / 35) - log(7 / 33))
    assert [found["a:c"][f"{end} PrI"] for end in ("lower", "upper")] == [
        found["a:c"][f"{end} CI"] for end in ("lower", "upper")
    ]
    assert matrix(project)["studycontributions"]["a:c"] == pytest.approx({"1": 50, "2": 50})


def test_a_loop_inside_one_study_is_not_split() -> None:
    """It is consistent by construction: no study tells anything of b against c but the one with all three."""
    rows = events("abc", "ab", "ab")
    project = cinema_project(rows, settings(rows))
    assert problems(project) == []
    assert all("SideIF" not in row for row in (results(project)["b:c"], results(project)["a:c"]))


def test_a_standard_deviation_is_that_of_the_patients() -> None:
    """Its square is the variance of the mean times the patients: Lieberman 1998, placebo, printed as 3.70."""
    rows, own = example("parkinsons", "off_time_arms")
    judged = dict.fromkeys((row["study"] for row in rows), 1)
    known = {**vars(own), "risk_of_bias": judged, "indirectness": judged}
    first = cinema_project(rows, CinemaSettings(**known))["project"]["studies"]["long"][0]
    assert first["mean"] == -1.22
    assert first["sd"] == pytest.approx(3.70)
    assert first["n"] == 54


MIXED = [arm_row("s0", "a", 3, arm_mix="a:5 b:5"), arm_row("s0", "c", 4)]

TWICE = [*events("ab", "bc"), *marked([arm_row("s0", "again", 6, 40, arm_mix="a:40")])]


@pytest.mark.parametrize(
    ("rows", "given", "reason"),
    [
        (events("ab", "bc"), {"measure": "HR", "likelihood": "contrasts"}, "CINeMA's file has no HR; it has OR, RR"),
        (events("ab", "bc"), {"measure": "IRR"}, "CINeMA's file has no IRR"),
        (marked([contrast_row("s0", "b", "a", 0.1, 0.2)]), {"likelihood": "contrasts"}, CONTRASTS),
        (marked(MIXED), {}, NOT_PLAIN),
        (events("ab"), {"treatments": HCC.treatments}, NOT_PLAIN),
        (events("ab"), {"measure": "SMD", "likelihood": "normal"}, "has no SMD of a normal likelihood"),
        (events("ab", "cd"), {"treatments": plain("abcd").treatments}, "in 2 pieces"),
        (TWICE, {}, "s0 has 2 arms of a, and CINeMA takes one"),
        (marked(events("ab"), n="0"), {}, "arm a of s0 has no number of patients"),
        (events("ab", "ab"), {}, NO_PREDICTION),
        (events("ab", "bc", "ac"), {}, NO_PREDICTION),
        (marked(events("ab"), informative="false"), {}, NO_STUDY),
        (events("ab", "bc"), {"risk_of_bias": {"s0": 1}}, "nobody judged the risk of bias of s1, and"),
        (events("ab", "bc"), {"indirectness": {}}, "nobody judged the indirectness of any of the 2 studies, and"),
    ],
)
def test_what_the_file_cannot_hold_is_refused_in_one_line(rows: Rows, given: Mapping[str, Any], reason: str) -> None:
    """No file, and the reason beside every row; nothing that nobody judged is made up."""
    own = settings(rows, **given)
    found = why_no_cinema(rows, own)
    assert reason in found
    assert "\n" not in found
    with pytest.raises(UserError, match=re.escape(found)):
        cinema_project(rows, own)
    listed = listed_rows(rows, found)
    assert len(listed) == len(rows)
    assert all(row["reason"] and not row["written"] for row in listed)


def test_every_row_is_written_or_listed_with_its_reason() -> None:
    """A study that is excluded and one without events are listed; the others have the names that the file has."""
    rows = [
        *events("ab", "bc", "ab", "bc"),
        {"study": "gone", "used": "false", "informative": "false", "reason": "excluded by the analysis: retracted"},
        *marked([arm_row("none", arm, 0) for arm in "ab"], informative="false", reason="uninformative: no events"),
    ]
    own = settings(rows)
    assert why_no_cinema(rows, own) == ""
    listed, arms = listed_rows(rows, ""), cinema_project(rows, own)["project"]["studies"]["long"]
    written = [row for row in listed if row["written"]]
    assert [(row["cinema_study"], row["cinema_id"], row["cinema_treatment"]) for row in written] == [
        (arm["study"], arm["id"], arm["t"]) for arm in arms
    ]
    left = [row for row in listed if not row["written"]]
    assert len(rows) == len(arms) + len(left) == 8 + 3
    assert [row["reason"] for row in left] == ["excluded by the analysis: retracted", *["uninformative: no events"] * 2]


def test_names_in_the_file_change_no_number() -> None:
    """Names that have to be cleaned, and then come in another order, have the same effects."""
    plainly = simulate("binomial_logit", ["ab", "bc", "ac", "abc", "ab"], {"a": 0.0, "b": 0.5, "c": -0.3}, 0.2, 1)
    new = {"a": "ζ (z)", "b": "Ünit", "c": "c c"}
    renamed = [
        {
            **row,
            "study": f"{row['study']} é",
            "arm": new[row["arm"]],
            "arm_mix": f"{new[row['arm']].replace(' ', '~')}:9",
        }
        for row in plainly
    ]
    before = results(cinema_project(marked(plainly), settings(plainly)))
    treatments = plain([name.replace(" ", "~") for name in new.values()]).treatments
    project = cinema_project(marked(renamed), settings(renamed, treatments=treatments))
    assert problems(project) == []
    assert set(results(project)) == {"Unit:c_c", "Unit:z", "c_c:z"}
    for key in ("NMA treatment effect", "Direct", "Indirect", "SideIF"):
        assert results(project)["Unit:z"][key] == pytest.approx(-before["a:b"][key])
        assert results(project)["Unit:c_c"][key] == pytest.approx(before["b:c"][key])


def test_a_run_knows_beforehand_which_outcomes_have_a_file() -> None:
    """The worked example has one; the smoking cessation trials, which nobody judged, do not."""
    assert cinema_files(read_project(ROOT / "config/examples/antihypertensives.yaml"), "diabetes") == [
        "cinema_rows.csv",
        "cinema.cnm",
    ]
    assert cinema_files(read_project(ROOT / "config/examples/smoking.yaml"), "cessation") == ["cinema_rows.csv"]


def test_the_library_writes_the_same_file(tmp_path: Path) -> None:
    """From a data frame; levels that CINeMA does not have and unknown studies are refused."""
    table = pd.read_csv(ROOT / "config/examples/parkinsons_arms.csv")
    names = {"study": "study", "treatment": "treatment", "mean": "mean", "sd": "sd", "n": "n"}
    network = sl.Network.from_arms(table, reference="placebo", **names)
    fit = sl.fit(network, sl.Model(likelihood="normal"), priors=sl.Priors(tau=sl.half_normal(5)))
    judged = dict.fromkeys(table["study"], 1)
    file = tmp_path / "parkinsons.cnm"
    listed = fit.to_cinema(file, risk_of_bias=judged, indirectness=judged)
    project = strictly(file.read_text(encoding="utf-8"))
    assert problems(project) == []
    assert listed["written"].all()
    rows, own = example("parkinsons", "off_time_arms")
    expected = cinema_project(rows, CinemaSettings(**{**vars(own), "risk_of_bias": judged, "indirectness": judged}))
    assert {row["_row"] for row in matrix(project)["hatmatrix"]["NMAresults"]} == set(results(expected))
    for pair, row in results(project).items():
        assert row["NMA treatment effect"] == pytest.approx(results(expected)[pair]["NMA treatment effect"])
    with pytest.raises(UserError, match=r"to_cinema: risk_of_bias.*allowed: 1"):
        fit.to_cinema(file, risk_of_bias={**judged, table["study"][0]: 4}, indirectness=judged)
    with pytest.raises(UserError, match="no study of the network"):
        fit.to_cinema(file, risk_of_bias=judged | {"nobody": 1}, indirectness=judged)
    with pytest.raises(UserError, match="nobody judged the indirectness of any of the 7 studies"):
        fit.to_cinema(file, risk_of_bias=judged, indirectness={})
