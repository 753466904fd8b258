"""Secondary reports: figures that were read in another paper, used only where an analysis asks for them."""

from math import inf, log
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest
from secondline.errors import UserError
from secondline.evidence.audit import audit_project
from secondline.evidence.contrasts import derive_effects, select_effects
from secondline.evidence.gather import count_rows, effect_rows
from secondline.evidence.selection import select_evidence
from secondline.evidence.spread import derivation_rows
from secondline.jobs.network_checks import check_networks
from secondline.network.arms import used_arms
from secondline.project.config import Project
from secondline.project.read import read_project
from secondline.project.sheets import StudySheet

from tests.conftest import CONFIG, QUOTED, STUDIES, arm, figure, hazard_ratio, sheet, sheet_data, synthetic

REPORT = {"quoted_by": "bravo", "cited_as": "Alpha and others", "place": "Discussion", "unknown": "nearly everything"}
SETTING = "atezolizumab_bevacizumab_failure"
NOTHING_KNOWN: dict[str, Any] = {
    "secondary_report": REPORT,
    **dict.fromkeys(("bibliography", "design", "site", "enrolment")),
    "arms": {"len": {**arm(1, lenvatinib=1), "n": None}, "sor": {**arm(1, sorafenib=1), "n": None}},
    "failed_first_line": [{"setting": SETTING, "n": None, **figure("all")}],
}


def medians(treatment: float, comparator: float) -> list[dict[str, Any]]:
    """Return two medians of OS without intervals."""
    pairs = (("len", treatment), ("sor", comparator))
    return [{"outcome": "os", "arm": name, "value": value, **figure(str(value))} for name, value in pairs]


def log_rank(p: float, favours: str = "len", **more: Any) -> list[dict[str, Any]]:
    """Return a log-rank test of OS."""
    pair = {"outcome": "os", "treatment": "len", "comparator": "sor", "favours": favours}
    return [{**pair, "p": {"value": p, **figure(str(p))}, **more}]


def test_yoo(project: Project) -> None:
    """PFS 6.1 against 2.5 months, p 0.004; OS 16.6 against 11.2, p 0.347: the ratio, and the p as printed."""
    for outcome, better, worse, p in (("pfs", 6.1, 2.5, 0.004), ("os", 16.6, 11.2, 0.347)):
        yoo = project.sheets["yoo_secondary"]
        (effect,) = select_effects(yoo, derive_effects(yoo, outcome))
        assert (effect.method, effect.treatment_arm, effect.assumed) == ("medians_p", "lenvatinib", False)
        assert effect.log_effect == pytest.approx(log(worse / better))
        assert 2 * NormalDist().cdf(effect.log_effect / effect.se) == pytest.approx(p)


def test_persano(project: Project) -> None:
    """OS 0.45 (0.24 to 0.83), lenvatinib against sorafenib: se (log 0.83 - log 0.24) / 3.92 = 0.3165; no PFS."""
    persano = project.sheets["persano_secondary"]
    (effect,) = select_effects(persano, derive_effects(persano, "os"))
    assert (effect.method, effect.treatment_arm, effect.adjustment) == ("crude_hr", "lenvatinib", "crude")
    assert effect.log_effect == pytest.approx(log(0.45))
    assert effect.se == pytest.approx(0.3165, abs=5e-5)
    assert derive_effects(persano, "pfs") == []


def test_only_the_extended_analysis_uses_them(project: Project) -> None:
    """No other analysis so much as names them; nothing of theirs is selected by default."""
    takers = {name for name, analysis in project.config.analyses.items() if analysis.secondary_reports}
    assert takers == {"extended"}
    for analysis in project.config.analyses:
        expected = sorted([*STUDIES, *QUOTED]) if analysis == "extended" else list(STUDIES)
        assert project.studies_of(analysis) == expected
        rows = select_evidence(project, analysis, "os")
        assert sorted({row["study"] for row in rows}) == expected
    assert not any(row["selected"] for row in effect_rows(project) if row["study"] in QUOTED)
    assert {row["study"] for row in effect_rows(project)} == {*STUDIES, *QUOTED}
    assert not any(row["study"] in QUOTED for row in count_rows(project))


def test_unknown_sizes_stay_unknown(project: Project) -> None:
    """Arms of a quotation have no number of patients, and one regimen each."""
    rows = [row for row in select_evidence(project, "extended", "pfs") if row["study"] == "yoo_secondary"]
    assert [(row["n_treatment"], row["n_comparator"], row["treatment_mix"]) for row in rows] == [
        (None, None, "lenvatinib:1")
    ]
    texts = [{name: "" if value is None else str(value).lower() for name, value in row.items()} for row in rows]
    assert [arm.n for arm in used_arms(texts)] == [0.0, 0.0]  # not known, as for contrasts of tables


def test_the_audit_says_so(project: Project) -> None:
    """Who quotes it and which analysis uses it; and how many events the p beside the medians stands for."""
    findings = audit_project(project)
    quoted = [f for f in findings if f.check == "secondary_report"]
    assert [(f.study, f.severity) for f in quoted] == [(study, "warning") for study in QUOTED]
    assert all("taken from severance_2024" in f.message and "used only by extended" in f.message for f in quoted)
    implied = {(f.study, f.item.split()[0]): f for f in findings if f.check == "implied_events"}
    assert set(implied) == {("yoo_secondary", "os"), ("yoo_secondary", "pfs")}
    # 4 (z / log ratio)^2: z 2.878 and 0.892, z 0.940 and 0.3935
    assert implied["yoo_secondary", "pfs"].recomputed == pytest.approx(41.6, abs=0.1)
    assert implied["yoo_secondary", "os"].recomputed == pytest.approx(22.9, abs=0.1)


@pytest.mark.parametrize(
    ("sections", "count"),
    [
        ({"medians": medians(10, 8), "log_rank": log_rank(0.05)}, 1),
        ({"medians": medians(10, 8), "log_rank": log_rank(0.05, favours="sor")}, 0),
        ({"medians": medians(8, 8), "log_rank": log_rank(0.05)}, 0),
        ({"medians": medians(10, 8), "log_rank": log_rank(1.0)}, 0),
        ({"medians": medians(10, 8)[:1], "log_rank": log_rank(0.05)}, 0),
        ({"medians": medians(10, 8), "log_rank": log_rank(0.05, not_used="because")}, 0),
        ({"medians": medians(10, 8), "log_rank": []}, 0),
    ],
)
def test_when_medians_and_p_make_an_effect(sections: dict[str, Any], count: int) -> None:
    """Both medians that differ, in the direction that the test favours, and a p below 1."""
    effects = derive_effects(sheet(**NOTHING_KNOWN, **sections), "os")
    assert [effect.method for effect in effects] == ["medians_p"] * count


def test_a_p_next_to_one(project: Project) -> None:
    """The interval is as good as infinite, and no reason to stop."""
    one = sheet(**NOTHING_KNOWN, medians=medians(10, 8), log_rank=log_rank(0.9999))
    rows = effect_rows(synthetic(project.config, project.treatments, one))
    assert [(row["method"], row["estimate"], row["estimate_upper"]) for row in rows] == [
        ("medians_p", pytest.approx(0.8), inf)
    ]


def test_known_events_come_first() -> None:
    """Where the events behind the p are known the log-rank rung is used, and the lowest rung is not needed."""
    events = [{"outcome": "os", "arm": None, "events": {"count": 70, "printed": "70", "place": "Text"}}]
    effects = derive_effects(sheet(medians=medians(10, 8), log_rank=log_rank(0.05), events=events), "os")
    assert [effect.method for effect in effects] == ["logrank_p"]


def test_more_events_than_patients(project: Project) -> None:
    """Medians of 10.0 and 9.9 months with p 0.01 would need some 260,000 events among 100 patients.

    Where this enters a fit, its standard error of 0.004 would outweigh every other study: an error.
    """
    one = sheet(medians=medians(10.0, 9.9), log_rank=log_rank(0.01))
    findings = audit_project(synthetic(project.config, project.treatments, one))
    (found,) = [f for f in findings if f.check == "implied_events"]
    assert found.severity == "error"
    assert "more than there are patients (100)" in found.message


@pytest.mark.parametrize(
    "keys",
    [("bibliography",), ("design",), ("site",), ("enrolment",), ("failed_first_line",), ("arms", "failed_first_line")],
)
def test_only_quotations_leave_out(keys: tuple[str, ...]) -> None:
    """What a paper must say, a sheet must give."""
    with pytest.raises(ValueError, match="null is allowed in a secondary_report only"):
        sheet(**{key: NOTHING_KNOWN[key] for key in keys})


@pytest.mark.parametrize(
    "section",
    [
        {"counts": [{"outcome": "ae_any", "arm": "len", "events": {"percent": 50, **figure("50%")}}]},
        {"events": [{"outcome": "os", "arm": None, "events": {"count": 50, **figure("50")}}]},
        {"assumed_events": [{"outcome": "os", "fraction": 0.5, "plausible": [0.4, 0.6], "reason": "a guess"}]},
    ],
)
def test_a_figure_that_needs_the_size_of_an_arm(section: dict[str, Any]) -> None:
    """Counts without the patients that they are counted among are refused, not dropped."""
    with pytest.raises(ValueError, match="needs to know how many patients the arm has"):
        sheet(**NOTHING_KNOWN, **section)


def test_curves_need_the_size_of_an_arm(tmp_path: Path) -> None:
    """A curve of an arm of unknown size cannot be reconstructed."""
    file = tmp_path / "points.csv"
    file.write_text("arm,time,survival\nlen,5,0.5\nsor,5,0.4\n", encoding="utf-8")
    one = sheet(**NOTHING_KNOWN, curves=[{"outcome": "os", "points": str(file), "place": "Figure 1"}])
    with pytest.raises(UserError, match="does not say how many patients of len are in all"):
        derive_effects(one, "os")


def test_readings_of_medians_and_p(project: Project) -> None:
    """PFS of Yoo: [6.05, 6.15) and [2.45, 2.55), so a ratio of 2.45 / 6.15 to 2.55 / 6.05; nothing is selected."""
    rows = [row for row in derivation_rows(project) if (row["study"], row["outcome"]) == ("yoo_secondary", "pfs")]
    assert [row["method"] for row in rows] == ["medians_p", "any"]
    assert rows[0]["log_effect_low"] == pytest.approx(log(2.45 / 6.15))
    assert rows[0]["log_effect_high"] == pytest.approx(log(2.55 / 6.05))
    assert not any(row["selected"] for row in rows)


def test_several_first_lines_need_their_sizes() -> None:
    """A mix of settings without numbers cannot be weighted."""
    lines = [{"setting": name, "n": None, **figure("some")} for name in (SETTING, "sorafenib_failure")]
    with pytest.raises(ValueError, match="more than one failed first line"):
        sheet(**{**NOTHING_KNOWN, "failed_first_line": lines})


def test_assumed_sizes_are_flagged(project: Project) -> None:
    """Where sizes are known and events assumed with a reason, the effect is flagged as assumed."""
    assumed = [{"outcome": "os", "fraction": 0.5, "plausible": [0.4, 0.6], "reason": "as in similar trials"}]
    one = sheet(secondary_report=REPORT, log_rank=log_rank(0.05), assumed_events=assumed)
    (effect,) = derive_effects(one, "os")
    assert (effect.method, effect.assumed) == ("logrank_p", True)


@pytest.mark.parametrize("quoted_by", ["nobody", "yoo_secondary"])
def test_the_quoting_paper_has_a_sheet(workdir: Path, quoted_by: str) -> None:
    """A quotation is traced to a paper that was read, not to another quotation."""
    file = Path("config/studies/persano_secondary.yaml")
    text = file.read_text(encoding="utf-8").replace("quoted_by: severance_2024", f"quoted_by: {quoted_by}")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_project(CONFIG)
    problem = f"unknown study; allowed: {', '.join(STUDIES)}"
    assert str(error.value) == f"{file}:6: secondary_report.quoted_by = '{quoted_by}': {problem}"


def test_an_analysis_cannot_exclude_what_it_does_not_take(workdir: Path) -> None:
    """A secondary report is no study of the primary analysis."""
    file = Path("config/config.yaml")
    text = file.read_text(encoding="utf-8")
    label = "{label: All five studies"
    file.write_text(text.replace(label, f"{label}, exclude: {{yoo_secondary: quoted}}"), encoding="utf-8")
    with pytest.raises(UserError, match=r"analyses.primary.exclude.yoo_secondary .*unknown study"):
        read_project(CONFIG)


def test_an_outcome_that_only_quotations_give(project: Project, workdir: Path) -> None:
    """Without a study of its own an analysis that takes no quotations has no evidence, and says so."""
    bravo = sheet("bravo", counts=[])
    quoted = StudySheet.model_validate(sheet_data("alpha", secondary_report=REPORT, hazard_ratios=[hazard_ratio()]))
    with pytest.raises(UserError, match="no study gives evidence on os"):
        check_networks(synthetic(project.config, project.treatments, quoted, bravo), CONFIG)
