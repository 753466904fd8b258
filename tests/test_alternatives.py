"""The evidence that the shipped analysis could have used instead, level by level; axes, weights, mistakes."""

from collections.abc import Callable
from math import log, prod, sqrt
from pathlib import Path
from typing import Any

import pytest
import yaml
from secondline.errors import UserError
from secondline.evidence.alternatives import (
    LEVEL_COLUMNS,
    EvidenceAxis,
    alternatives_csv,
    alternatives_digest,
    evidence_axes,
)
from secondline.evidence.options import Option, axes_of
from secondline.evidence.selection import evidence_columns, evidence_digest, evidence_rows
from secondline.jobs.doubt_settings import check_axes, specification_settings
from secondline.project.config import Project
from secondline.project.config_parts import Model
from secondline.project.read import read_project
from secondline.project.specifications import Specifications
from secondline.sd_points import ABSENT
from secondline.sd_priors import LogNormal
from secondline.tables import read_back

from tests.conftest import CONFIG, ROOT

Edit = Callable[[str, str, str], int]
Rows = tuple[dict[str, Any], ...]


def doubting(project: Project, **given: Any) -> Project:
    """Change what a project doubts."""
    config = project.config.model_copy(update={"specifications": Specifications.model_validate(given)})
    return project.model_copy(update={"config": config})


def axis(project: Project, outcome: str, name: str) -> dict[str, Option[Rows]]:
    """Levels of an axis, by name."""
    (found,) = [one for one in evidence_axes(project, outcome) if one.name == name]
    return {level.name: level for level in found.levels}


def effects(levels: dict[str, Option[Rows]]) -> dict[str, tuple[float, float]]:
    """Log hazard ratio and standard error by level, of studies of two arms."""
    used = {name: level.content[0] for name, level in levels.items() if level.content[0]["used"]}
    return {name: (row["effect"], row["se"]) for name, row in used.items()}


@pytest.fixture
def automatic(project: Project) -> Project:
    """Let the shipped project have automatic axes."""
    return doubting(project)


def test_automatic_axes(automatic: Project) -> None:
    """One for each study with a sheet of its own, and those of the model."""
    assert list(axes_of(automatic)) == [
        *("ditan_2022", "ditan_2025", "nanchang_2022", "nanchang_2023", "severance_2024"),
        *("secondary_reports", "structure", "mixed_arms", "heterogeneity"),
    ]


def test_every_rung_of_a_sheet(automatic: Project) -> None:
    """ditan_2022 prints two ratios, medians and events; one limit of the medians was not reached in OS."""
    levels = axis(automatic, "os", "ditan_2022")
    assert list(levels) == ["adjusted_hr", "crude_hr", "medians_events", "left_out"]
    found = effects(levels)
    assert found["adjusted_hr"] == pytest.approx((log(0.28), log(0.51 / 0.16) / 3.919928))
    assert found["crude_hr"] == pytest.approx((log(0.34), log(0.59 / 0.2) / 3.919928))
    assert found["medians_events"] == pytest.approx((log(7.63 / 19.23), sqrt(1 / 30 + 1 / 24)))
    assert levels["crude_hr"].reason == "crude HR, Table 2, univariate"
    assert levels["left_out"].content == (
        {"study": "ditan_2022", "used": False, "informative": False, "reason": "left out"},
    )
    assert "medians_ci" in axis(automatic, "pfs", "ditan_2022")


def test_signs_and_events_of_a_test(automatic: Project) -> None:
    """The log-rank test of nanchang_2023 has no direction, and 80% (65% to 95%) of its patients died."""
    found = effects(axis(automatic, "os", "nanchang_2023"))
    tests = [name for name in found if name.startswith("logrank_p")]
    assert set(tests) == {
        *("logrank_p", "logrank_p_low_events", "logrank_p_high_events"),
        *("logrank_p_reversed", "logrank_p_reversed_low_events", "logrank_p_reversed_high_events"),
    }
    effect, se = found["logrank_p"]
    assert (effect, se) == pytest.approx((-0.386671 * se, sqrt(68**2 / (0.8 * 68 * 41 * 27))), rel=1e-3)
    assert found["logrank_p_reversed"] == (-effect, se)
    for end, share in (("low", 0.65), ("high", 0.95)):
        assert found[f"logrank_p_{end}_events"] == pytest.approx([x * sqrt(0.8 / share) for x in (effect, se)])
    assert found["medians_ci"][0] == pytest.approx(log(8.0 / 11.8))
    assert set(found) - set(tests) == {
        *("medians_ci", "medians_events", "medians_events_low_events", "medians_events_high_events")
    }


def test_the_other_reading_of_a_label(automatic: Project) -> None:
    """Ratios of nanchang_2022 under the wrong arm's name, both ways; subgroups are not inverted."""
    found = effects(axis(automatic, "os", "nanchang_2022"))
    for rung in ("adjusted_hr", "crude_hr", "hr_p_crude", "hr_p_adjusted"):
        assert found[f"{rung}_as_printed"][0] == -found[rung][0]
    assert found["adjusted_hr"][0] == pytest.approx(log(0.436), abs=0.02)
    assert "crude_hr_bclc_c" in found
    assert "crude_hr_bclc_c_as_printed" not in found


def test_populations_and_contrast_sets(automatic: Project) -> None:
    """The matched cohort of severance_2024 and the regimens of ditan_2025, four contrasts with one comparator."""
    assert {"logrank_p_matched", "logrank_p", "logrank_p_reversed", "left_out"} <= set(
        axis(automatic, "os", "severance_2024")
    )
    regimens = axis(automatic, "os", "ditan_2025")["medians_ci_regimens"]
    assert [row["comparator_mix"] for row in regimens.content] == ["sorafenib:9"] * 4
    assert regimens.content[0]["effect"] == pytest.approx(log(5.93 / 7.50))


def test_criteria_of_responses(automatic: Project) -> None:
    """Counts by each criterion; disease control of nanchang_2023 is printed the same under both."""
    levels = axis(automatic, "orr", "nanchang_2023")
    figures = {
        name: [(row["events"], row["n"]) for row in level.content]
        for name, level in levels.items()
        if "_" in name and name != "left_out"
    }
    assert figures == {"recist_1_1": [(8, 41), (2, 27)]}
    assert [(row["events"], row["n"]) for row in levels["mrecist"].content] == [(12, 41), (4, 27)]
    same = axis(automatic, "dcr", "nanchang_2023")
    assert list(same) == ["mrecist", "left_out"]
    assert same["mrecist"].reason.endswith("; recist_1_1 gives the same")


def test_secondary_reports(automatic: Project) -> None:
    """Neither, each and both in OS; only one of them gives PFS."""
    levels = axis(automatic, "os", "secondary_reports")
    used = {name: [row["study"] for row in level.content if row["used"]] for name, level in levels.items()}
    both = ["persano_secondary", "yoo_secondary"]
    assert used == {"not_used": [], both[0]: both[:1], both[1]: both[1:], "together": both}
    assert list(axis(automatic, "pfs", "secondary_reports")) == ["not_used", "yoo_secondary"]


@pytest.mark.parametrize("analysis", ["primary", "four_cohorts", "nanchang_2023_medians", "regimen_level", "extended"])
@pytest.mark.parametrize("outcome", ["os", "pfs"])
def test_the_declared_levels_are_the_analysis(project: Project, analysis: str, outcome: str) -> None:
    """Exactly one level of every axis is declared, and together they give the evidence of the analysis."""
    doubted = doubting(project, analysis=analysis)
    rows: list[dict[str, Any]] = []
    for one in evidence_axes(doubted, outcome):
        (declared,) = [level for level in one.levels if level.declared]
        rows += declared.content
    columns = [column for column in evidence_columns(project, outcome) if column != "reason"]
    expected = [{key: row[key] for key in columns} for row in evidence_rows(project, analysis, outcome)]
    found = [row for row in read_back(rows, columns) if row["used"] == "true"]
    assert sorted(map(str, found)) == sorted(str(row) for row in expected if row["used"] == "true")


def test_counts_of_the_shipped_axes(project: Project) -> None:
    """A full factorial of the order of 100,000 for both outcomes, below the limit; one declared level on each axis."""
    sizes = {}
    for outcome in project.config.doubted_outcomes:
        settings = specification_settings(project, outcome)
        assert len(settings.axes) == 10
        assert all([level.declared for level in one.levels].count(True) == 1 for one in settings.axes)
        assert all(level.reason and level.label for one in settings.axes for level in one.levels)
        sizes[outcome] = prod(len(one.levels) for one in settings.axes)
    assert sizes == {"os": 4 * 4 * 4 * 6 * 3 * 2 * 3 * 2 * 4 * 3, "pfs": 4 * 4 * 4 * 6 * 4 * 2 * 3 * 2 * 4 * 3}


def test_the_table_repeats_the_levels(project: Project) -> None:
    """Every row of the table belongs to a level, in the order of the axes; the rows read back."""
    axes: list[EvidenceAxis] = evidence_axes(project, "os")
    lines = alternatives_csv(project, "os").splitlines()
    assert lines[0].split(",") == [*LEVEL_COLUMNS, *evidence_columns(project, "os")]
    assert len(lines) - 1 == sum(len(level.content) for one in axes for level in one.levels)


def test_levels_that_change_the_model(project: Project) -> None:
    """What each sets; the declared ones set nothing."""
    axes = {one.name: {level.name: level for level in one.levels} for one in specification_settings(project, "os").axes}
    assert axes["structure"]["exchangeable"].interaction == ("ici", 0.3)
    assert axes["structure"]["regimen_level"].structure == "regimen_level"
    assert axes["mixed_arms"]["class_contrast"].mixed_arms == "class_contrast"
    prior = LogNormal(-4.18, 1.41)
    assert axes["heterogeneity"]["turner_mortality"].tau == prior
    assert "Turner 2015 Stat Med 34:984" in axes["heterogeneity"]["turner_mortality"].reason
    assert axes["heterogeneity"]["by_setting"].settings
    assert axes["heterogeneity"]["fixed"].tau == ABSENT
    assert axes["overlap"]["bound_os"].overlap == {("nanchang_2022", "nanchang_2023"): 0.3}
    for name, level in (("structure", "additive"), ("heterogeneity", "declared_prior"), ("overlap", "independent")):
        chosen = axes[name][level]
        assert chosen.declared
        assert (chosen.structure, chosen.tau, chosen.settings, chosen.overlap) == (None, None, None, None)


def test_a_headline_of_another_structure_is_declared(project: Project) -> None:
    """By regimen, with interactions, or with shared patients: what the analysis has is a level, and changes nothing."""
    varying = {"exchangeable_interactions": {"component": "ici", "sd": 0.2}}
    for change, declared in (({"regimen_level": True}, "regimen_level"), (varying, "declared"), ({}, "additive")):
        model = Model.model_validate({"heterogeneity": True, **change})
        config = project.config.model_copy(update={"models": {**project.config.models, "pooled": model}})
        changed = project.model_copy(update={"config": config})
        (structure,) = [one for one in specification_settings(changed, "os").axes if one.name == "structure"]
        (level,) = [level for level in structure.levels if level.declared]
        assert (level.name, level.structure, level.interaction) == (declared, None, None)
        assert {"additive", "exchangeable", "regimen_level"} <= {level.name for level in structure.levels}
    analysis = project.config.analyses["primary"].model_copy(update={"overlap": "best"})
    analyses = {**project.config.analyses, "primary": analysis}
    changed = project.model_copy(update={"config": project.config.model_copy(update={"analyses": analyses})})
    (overlap,) = [one for one in specification_settings(changed, "os").axes if one.name == "overlap"]
    assert [(level.name, level.overlap) for level in overlap.levels][:2] == [("declared", None), ("independent", {})]


def test_weights(project: Project) -> None:
    """A weight of 0 removes a level, any other is kept; a declared level cannot be removed."""
    weights = {"left_out": 0, "crude_hr": 0.25}
    weighed = doubting(project, axes={"ditan_2022": {"of": "study", "weights": weights}})
    found = {name: level.weight for name, level in axis(weighed, "os", "ditan_2022").items()}
    assert found == {"adjusted_hr": 1.0, "crude_hr": 0.25, "medians_events": 1.0}
    removed = doubting(project, axes={"ditan_2022": {"of": "study", "weights": {"adjusted_hr": 0}}})
    with pytest.raises(UserError, match="primary makes this choice, which cannot be removed by weight 0"):
        specification_settings(removed, "os")


def test_a_declared_choice_that_no_level_makes_is_added(project: Project) -> None:
    """So that the declared analysis is one of the specifications."""
    levels = {"crude_hr": {}, "left_out": {}}
    found = axis(doubting(project, axes={"ditan_2022": {"of": "study", "levels": levels}}), "os", "ditan_2022")
    assert list(found) == ["declared", "crude_hr", "left_out"]
    assert found["declared"].declared
    assert effects(found)["declared"][0] == pytest.approx(log(0.28))


@pytest.mark.parametrize(("file", "sizes"), [("smoking", [25, 4, 2]), ("parkinsons", [8, 4])])
def test_axes_of_plain_networks(file: str, sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each trial left out, priors and, where there are any, classes."""
    monkeypatch.chdir(ROOT)
    project = read_project(Path(f"config/examples/{file}.yaml"))
    check_axes(project)
    for outcome in project.config.doubted_outcomes:
        axes = specification_settings(project, outcome).axes
        assert [len(one.levels) for one in axes] == sizes
        assert axes[0].levels[0].studies == ()
        assert {len(level.studies) for level in axes[0].levels[1:]} == {1}


def test_limits_by_default(project: Project) -> None:
    """By what the outcome is modelled from, unless the configuration says."""
    assert specification_settings(doubting(project), "os").limit == 100_000
    assert specification_settings(doubting(project), "orr").limit == 500
    assert specification_settings(doubting(project, limit=7), "orr").limit == 7


def test_edits_and_the_alternatives(project: Project, edit: Edit) -> None:
    """A figure that no analysis uses changes the alternatives of its outcome alone, and no evidence; a note nothing."""
    before = {outcome: alternatives_digest(project, outcome) for outcome in ("os", "pfs")}
    evidence = evidence_digest(project, "primary", "os")
    edit("studies/ditan_2022.yaml", "note: upper limit not reached", "note: not reached")
    after = read_project(CONFIG)
    assert {outcome: alternatives_digest(after, outcome) for outcome in before} == before
    edit(
        "studies/ditan_2022.yaml",
        'value: 7.63,  lower: 5.6, upper: 14, interval: 95% CI,\n     printed: "7.63',
        'value: 7.64,  lower: 5.6, upper: 14, interval: 95% CI,\n     printed: "7.64',
    )
    after = read_project(CONFIG)
    assert alternatives_digest(after, "os") != before["os"]
    assert alternatives_digest(after, "pfs") == before["pfs"]
    assert evidence_digest(after, "primary", "os") == evidence


LEVELS = "specifications.axes.ditan_2022.levels"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"analysis": "x"}, "specifications.analysis = 'x': unknown analysis; allowed: primary,"),
        ({"analysis": "ditan_2022_medians"}, "unknown analysis; allowed: primary, four_cohorts"),
        ({"outcomes": ["x"]}, "specifications.outcomes.0 = 'x': unknown outcome; allowed: os,"),
        ({"limit": 0}, "specifications.limit = 0"),
        ({"axes": {"x": {"of": "study"}}}, "specifications.axes.x = 'x': unknown study; allowed: ditan_2022,"),
        ({"axes": {"x": {"of": "place"}}}, "specifications.axes.x.of = 'place'"),
        ({"axes": {"x": {"of": "structure", "study": "x"}}}, "axes.x.study = 'x': goes with of: study"),
        (
            {"axes": {"a": {"of": "structure"}, "b": {"of": "structure"}}},
            "specifications.axes.b: axis a varies structure already",
        ),
        ({"axes": {"x": {"of": "structure", "levels": {}}}}, "axes.x.levels"),
        (
            {"axes": {"ditan_2022": {"of": "study", "weights": {"hr": 0}}}},
            "weights.hr: no automatic level; allowed: adj",
        ),
        ({"axes": {"ditan_2022": {"of": "study", "weights": {"crude_hr": -1}}}}, "weights.crude_hr = -1"),
        (
            {"axes": {"ditan_2022": {"of": "study", "levels": {"crude_hr": {}}, "weights": {"crude_hr": 1}}}},
            "axes.ditan_2022.weights: goes with levels: auto; give each level its weight",
        ),
        (
            {"axes": {"overlap": {"of": "overlap"}}},
            "axes.overlap: no outcome has an alternative on this axis; leave it",
        ),
        *(
            ({"axes": {"ditan_2022": {"of": "study", "levels": {"x": level}}}}, f"{LEVELS}.x{problem}")
            for level, problem in (
                ({}, ": no automatic level; allowed: adjusted_hr, crude_hr, medians_events, left_out"),
                ({"omit": True}, ".reason: a level that chooses something itself needs the reason"),
                ({"omit": True, "reason": "r", "select": {"method": "crude_hr"}}, ".omit = True: the level selects"),
                ({"select": {"method": "x"}, "reason": "r"}, ".select.method = 'x'"),
                ({"select": {"population": "x"}, "reason": "r"}, ".select.population = 'x': unknown population"),
                ({"select": {"reading": "as_printed"}, "reason": "r"}, ".select.reading = 'as_printed': no ratio of"),
                ({"select": {"assumed_events": "low"}, "reason": "r"}, ".select.assumed_events = 'low': the sheet"),
                ({"mixed_arms": "class_contrast", "reason": "r"}, ".mixed_arms: no choice of an axis of study; allow"),
                ({"outcomes": ["x"]}, ".outcomes.0 = 'x': unknown outcome"),
            )
        ),
        *(
            ({"axes": {"a": {"of": of, "levels": {"x": {**level, "reason": "r"}}}}}, f"axes.a.levels.x{problem}")
            for of, level, problem in (
                ("structure", {"structure": "exchangeable_interactions", "sd": 1}, ".component: structure exch"),
                ("structure", {"structure": "additive", "sd": 1}, ".sd = 1.0: goes with structure: exchangeable"),
                (
                    "structure",
                    {"structure": "exchangeable_interactions", "component": "x", "sd": 1},
                    ".component = 'x': unknown component; allowed: lenvatinib,",
                ),
                ("structure", {"structure": "classes"}, ".structure = 'classes': the treatments have no classes"),
                ("heterogeneity", {"prior": {"family": "half_normal"}}, ".prior.scale: family half_normal needs it"),
                (
                    "heterogeneity",
                    {"prior": {"family": "none", "scale": 1}},
                    ".prior.scale = 1: family none has none",
                ),
                (
                    "heterogeneity",
                    {"prior": {"family": "log_normal", "scale": 1, "location": -3}},
                    ".prior.source: family log_normal needs it",
                ),
                (
                    "overlap",
                    {"correlations": [{"studies": ["ditan_2022", "ditan_2022"], "correlation": 0.1}]},
                    ".correlations.0.studies.1 = 'ditan_2022': allowed: two different studies",
                ),
                (
                    "overlap",
                    {"correlations": [{"studies": ["ditan_2022", "x"], "correlation": 0.1}]},
                    ".correlations.0.studies.1 = 'x': unknown study",
                ),
                (
                    "overlap",
                    {"correlations": [{"studies": ["ditan_2022", "ditan_2025"], "correlation": 1}]},
                    ".correlations.0.correlation = 1",
                ),
                ("secondary_reports", {"studies": ["ditan_2022"]}, ".studies.0 = 'ditan_2022': unknown study; allowed"),
            )
        ),
    ],
)
def test_mistakes_are_one_line(workdir: Path, change: dict[str, Any], problem: str) -> None:
    """File, line, key, value, and what is allowed."""
    data = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    data["specifications"] = change
    CONFIG.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), encoding="utf-8")
    with pytest.raises(UserError) as stop:
        check_axes(read_project(CONFIG))
    assert str(stop.value).startswith("config/config.yaml:")
    assert problem in str(stop.value)
    assert "\n" not in str(stop.value)
