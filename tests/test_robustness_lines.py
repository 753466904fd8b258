"""The lines of the variations: places on the axis by hand, and addresses of states that are the same analysis."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from secondline.evidence.selection import evidence_rows
from secondline.jobs.report_settings import report_settings
from secondline.network.arms import used_rows
from secondline.project.config import Project
from secondline.report.doubt import Doubt
from secondline.report.page.robustness import Chart, robustness_charts
from secondline.report.page.states import Links
from secondline.report.page.weigh import slugs
from secondline.report.prose.robustness import variations
from secondline.report.settings import ReportSettings, WeighFacts
from secondline.report.words import Names

from tests.test_page_panel import shipped
from tests.test_report import settings_of
from tests.test_robustness import LABELS, NAMES, OWN, fit, ranking

READINGS: list[dict[str, Any]] = [
    {"label": "as declared", "declared": True, "select": None},
    {"label": "crude", "declared": False, "select": {"method": "crude_hr", "population": "all"}},
    {"label": "medians", "declared": False, "select": {"method": "medians_ci", "population": "all"}},
    {"label": "medians", "declared": False, "select": {"method": "medians_ci", "population": "matched"}},
]
MODELS = {"settings": ["overall"], "models": {"pooled": {}}, "studies": [{"study": "s_1", "readings": READINGS}]}
CHOICES = {
    "main": "{}",
    "fewer": '{"exclude": {"s_1": "why", "elsewhere": "not in this outcome"}}',
    "crude": '{"select": {"s_1": {"method": "crude_hr"}}}',
    "some": '{"select": {"s_1": {"method": "medians_ci"}}}',
    "whole": '{"select": {"s_1": {"method": "medians_ci", "population": "matched"}}}',
    "shared": '{"overlap": "best"}',
}


def lines(rows: list[dict[str, str]], **changes: Any) -> dict[str, Any]:
    """Lines of a network in which b leads and c follows, by their labels."""
    settings: ReportSettings = settings_of(
        replace(LABELS, margins={"pain": 1.0}),
        leave_one_out="main",
        weigh=WeighFacts(solved=["pain"], analyses=CHOICES),
        **changes,
    )
    (chart,) = charts(rows, settings, {}, Path("nowhere"))
    return {"chart": chart, **{line.label: line for line in chart.lines}}


def charts(
    rows: list[dict[str, str]], settings: ReportSettings, doubts: dict[str, Doubt], folder: Path, names: Names = NAMES
) -> list[Chart]:
    """Charts of the network of `lines`, with what the tables of a folder add to it."""
    weigh = {"models": {"pain": MODELS}}
    return robustness_charts(rows, {"pain": ranking()}, settings, weigh, {"pain": names}, doubts, folder)["pain"]


def test_lines_lie_where_the_effects_are() -> None:
    """A log axis from 0.1 to 3, which the intervals of all take; the most favourable on top; no difference marked."""
    found = lines([*fit("main", "pooled", OWN), *fit("fewer", "pooled", OWN, estimate="0.25")])
    chart, own = found["chart"], found["The declared analysis"]
    assert [line.label for line in chart.lines] == ["Fewer", "The declared analysis"]
    assert (chart.ends, chart.sides) == (("0.10", "3.00"), ("favours New", "favours Third"))
    assert chart.none == pytest.approx(100 * 2.302585 / 3.401197, abs=0.06)  # log 10 / log 30
    assert own.at == pytest.approx(100 * 1.609438 / 3.401197, abs=0.06)  # log 5 / log 30
    assert (own.lower, own.upper, own.own, own.estimate) == (0.0, 100.0, True, "0.50 (0.10 to 3.00)")
    assert own.p_first == "P(first) 0.40"


def test_a_line_without_the_comparison_has_no_mark_and_is_last() -> None:
    """A variation in whose network the runner-up is not, and one that ranks nobody."""
    without = [row for row in fit("fewer", "pooled", OWN) if "c" not in (row["treatment"], row["comparator"])]
    unranked = [
        {**row, "candidate_p_best": "", "candidate_sucra": "", "named_first": "false"}
        for row in fit("main", "fixed", OWN)
    ]
    found = lines([*fit("main", "pooled", OWN), *without, *unranked])
    last = found["chart"].lines[-1]
    assert (last.label, last.at, last.estimate) == ("Fewer", None, "not in the network")
    assert found["Model “fixed”"].p_first == "not ranked"


STATE = "weigh?outcome=pain&setting=overall&against=c"


@pytest.mark.parametrize(
    ("analysis", "expected"),
    [
        ("main", STATE),
        ("main_without_s_1", f"{STATE}&out=s_1"),
        ("fewer", f"{STATE}&out=s_1"),
        ("crude", f"{STATE}&read=s_1~crude"),
        ("whole", f"{STATE}&read=s_1~medians+%282%29"),
        ("some", ""),  # two readings fit
        ("shared", ""),  # no state has shared patients
        ("unknown", ""),
    ],
)
def test_a_line_leads_to_the_state_that_is_the_same(analysis: str, expected: str) -> None:
    """What an analysis leaves out and how it reads a study; nothing where the page cannot be sure to do the same."""
    links = Links(models=MODELS, analyses={k: json.loads(v) for k, v in CHOICES.items()}, slugs={})
    rows = [*fit("main", "pooled", OWN), *(fit(analysis, "pooled", OWN) if analysis != "main" else [])]
    names = replace(NAMES, labels=replace(LABELS, analyses={name: name for name in CHOICES}))
    varied = variations(rows, "overall", "main", names)[-1]
    assert links.address(varied, "overall", "c", names) == expected


def test_another_model_is_one_of_the_page() -> None:
    """A model that the page does not solve has no state."""
    found = lines([*fit("main", "pooled", OWN), *fit("main", "fixed", OWN)])
    assert found["The declared analysis"].address == STATE
    assert found["Model “fixed”"].address == ""


@pytest.mark.parametrize("analysis", ["nanchang_2023_medians", "regimen_level", "nanchang_2022_as_printed"])
def test_a_state_of_the_shipped_page_reads_what_its_analysis_reads(analysis: str, project: Project) -> None:
    """The effects of the reading that a line leads to are those in the evidence of the analysis."""
    _, data = shipped(project)
    settings = report_settings(project, "primary")
    assert settings.weigh is not None
    choices = {name: json.loads(text) for name, text in settings.weigh.analyses.items()}
    links = Links(models=data, analyses=choices, slugs=slugs(settings.labels.studies))
    names = Names(settings.labels, "primary", "os", "pooled")
    row = {"analysis": analysis, "outcome": "os", "model": "pooled", "setting": "lenvatinib_failure", "treatment": "x"}
    (varied,) = variations([row], "lenvatinib_failure", "primary", names)
    address = parse_qs(links.address(varied, "lenvatinib_failure", "regorafenib", names).partition("?")[2])
    ((slug, _, label),) = [text.partition("~") for text in address["read"]]
    study = next(name for name, own in links.slugs.items() if own == slug)
    (reading,) = [
        one for each in data["studies"] if each["study"] == study for one in each["readings"] if one["label"] == label
    ]
    taken = [row for row in used_rows(evidence_rows(project, analysis, "os")) if row["study"] == study]
    assert sorted(reading["y"]) == pytest.approx(sorted(float(row["effect"]) for row in taken))
    assert not any(one["y"] == reading["y"] for each in data["studies"] for one in each["readings"] if one["declared"])
