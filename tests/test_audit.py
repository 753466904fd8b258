"""The audit finds what is known to be wrong with the five reports, and nothing in a sound one."""

from collections import Counter
from typing import Any

import pytest
from nma.config import Project
from nma.evidence.audit import audit_project

from tests.conftest import figure, hazard_ratio, sheet, synthetic

Finding = dict[str, Any]


@pytest.fixture(scope="module")
def findings(project: Project) -> list[Finding]:
    """Audit the shipped sheets."""
    return audit_project(project)


def of(findings: list[Finding], check: str, **wanted: Any) -> list[Finding]:
    """Return the findings of one check with these properties."""
    return [f for f in findings if f["check"] == check and all(f[key] == value for key, value in wanted.items())]


def test_inverted_labels(findings: list[Finding]) -> None:
    """Tables 3 and 4 of nanchang_2022 print four ratios of RP against R under the name of R."""
    found = of(findings, "label_inverted")
    assert Counter(f["study"] for f in found) == {"nanchang_2022": 4}
    assert Counter(f["item"] for f in found) == {"os": 2, "pfs": 2}
    assert {f["reported"].split()[0] for f in found} == {"0.403", "0.345", "0.430", "0.436"}
    assert {f["severity"] for f in found} == {"warning"}


def test_intervals_called_quartiles(findings: list[Finding]) -> None:
    """Ten in Table 2 of ditan_2025, eight in severance_2024."""
    found = of(findings, "interval_label")
    assert Counter(f["study"] for f in found) == {"ditan_2025": 10, "severance_2024": 8}


def test_printed_rates_against_categories(findings: list[Finding]) -> None:
    """66.7% is printed where the categories give 33 of 48."""
    (found,) = of(findings, "categories", item="dcr mrecist rp")
    assert (found["study"], found["reported"]) == ("nanchang_2022", 66.7)
    assert found["recomputed"] == pytest.approx(68.75)
    assert "33 of 48" in found["message"]


def test_prose_against_figures(findings: list[Finding]) -> None:
    """nanchang_2023 says twice that disease control was better with R; 73.2% against 44.4% says LP."""
    found = of(findings, "prose_direction")
    assert [(f["study"], f["item"], f["reported"], f["recomputed"]) for f in found] == [
        ("nanchang_2023", "dcr", "r", "lp")
    ] * 2


def test_matching_turns_a_response_round(findings: list[Finding]) -> None:
    """ORR of severance_2024: 7.5% against 5.8% in the whole cohort, 5.6% against 8.3% after matching."""
    (found,) = of(findings, "matched_direction")
    assert (found["study"], found["item"]) == ("severance_2024", "orr")
    assert found["reported"] == pytest.approx(3 / 40 - 5 / 86)
    assert found["recomputed"] == pytest.approx(2 / 36 - 3 / 36)


def test_overlapping_enrolment(findings: list[Finding]) -> None:
    """The two Nanchang reports share site, dates, regorafenib and sorafenib failure; the Ditan ones no setting."""
    assert [(f["study"], f["item"]) for f in of(findings, "overlap")] == [("nanchang_2022", "nanchang_2023")]


def test_assumed_events(findings: list[Finding]) -> None:
    """nanchang_2023 prints no number of events."""
    found = of(findings, "assumed")
    assert {(f["study"], f["item"], f["recomputed"]) for f in found} == {
        ("nanchang_2023", "os", 0.80),
        ("nanchang_2023", "pfs", 0.95),
    }


def test_percentages_that_do_not_match(findings: list[Finding]) -> None:
    """83.6% fits no number of 126 patients; 31.1% is no share of 48."""
    (progressions,) = of(findings, "percentage", study="severance_2024")
    assert (progressions["item"], progressions["reported"]) == ("pfs events all arms", 83.6)
    (progressive,) = of(findings, "percentage", item="pd mrecist rp")
    assert progressive["reported"] == 31.1


def test_outcomes_not_reported(findings: list[Finding]) -> None:
    """Adverse events of nanchang_2023, and of a quotation only what the analysis that takes it asks for."""
    found = of(findings, "not_reported")
    expected = {("nanchang_2023", name) for name in ("ae_any", "ae_grade3", "discontinuation")}
    expected.add(("persano_secondary", "pfs"))
    assert {(f["study"], f["item"]) for f in found} == expected
    assert {f["severity"] for f in found} == {"info"}


def test_arms_with_different_first_lines(findings: list[Finding]) -> None:
    """31 of 48 and 26 of 30 had sorafenib: 65% and 87%."""
    (found,) = of(findings, "setting_mix")
    assert found["study"] == "nanchang_2022"
    assert "rp 65%, r 87%" in found["message"]


def test_medians_against_the_selected_effects(findings: list[Finding]) -> None:
    """They differ widely in nanchang_2023, but nowhere point the other way."""
    found = of(findings, "medians")
    assert {("nanchang_2023", "os lp against r"), ("nanchang_2023", "pfs lp against r")} <= {
        (f["study"], f["item"]) for f in found
    }
    assert {f["severity"] for f in findings} == {"info", "warning"}


def test_bounds_of_p(findings: list[Finding]) -> None:
    """The four ratios of ditan_2022 come with p < 0.001."""
    assert Counter(f["study"] for f in of(findings, "p_bound")) == {"ditan_2022": 4}


def test_findings_are_ordered_and_placed(findings: list[Finding]) -> None:
    """Sorted by study and check; a printed figure has a source."""
    assert [(f["study"], f["check"]) for f in findings] == sorted((f["study"], f["check"]) for f in findings)
    for f in findings:
        if f["check"] not in ("not_reported",):
            assert f["source"].startswith(f"config/studies/{f['study']}.yaml:")


def count(events: int, n: int) -> dict[str, Any]:
    """Return a count with the percentage that belongs to it."""
    percent = round(100 * events / n, 1)
    return {"count": events, "percent": percent, "printed": f"{events} ({percent})"}


def sound_sections() -> dict[str, Any]:
    """Return sections of a sheet that contradict each other nowhere."""
    sections: dict[str, Any] = {"hazard_ratios": [], "medians": [], "responses": [], "counts": []}
    for outcome in ("os", "pfs"):
        sections["hazard_ratios"].append(hazard_ratio(outcome=outcome))
        for name, value in (("len", 10), ("sor", 8)):
            interval = {"value": value, "lower": value - 2, "upper": value + 3, "interval": "95% CI"}
            text = f"{value} {value - 2} {value + 3}"
            sections["medians"].append({"outcome": outcome, "arm": name, **interval, **figure(text)})
    for name, n, categories in (("len", 40, (2, 8, 20, 10)), ("sor", 60, (1, 7, 25, 27))):
        parts = {key: count(events, n) for key, events in zip(("cr", "pr", "sd", "pd"), categories, strict=True)}
        rates = {"orr": count(sum(categories[:2]), n), "dcr": count(sum(categories[:3]), n)}
        sections["responses"].append({"criterion": "mrecist", "arm": name, "place": "Table 2", **parts, **rates})
        for outcome, events in (("ae_any", n - 4), ("ae_grade3", n // 4), ("discontinuation", n // 10)):
            sections["counts"].append({"outcome": outcome, "arm": name, "events": count(events, n)})
    return sections


def test_a_sound_sheet_has_no_findings(project: Project) -> None:
    """Nothing to warn of where medians, ratios, counts and percentages agree."""
    assert audit_project(synthetic(project.config, project.treatments, sheet(**sound_sections()))) == []


@pytest.mark.parametrize(
    ("check", "severity", "damage"),
    [
        ("medians", "error", lambda s: s["hazard_ratios"][0].update(value=1.2, upper=1.9)),
        ("medians", "warning", lambda s: s["hazard_ratios"][0].update(value=0.3, lower=0.2, upper=0.45)),
        ("percentage", "warning", lambda s: s["counts"][0]["events"].update(percent=91.0)),
        ("categories", "warning", lambda s: s["responses"][0]["dcr"].update(count=31, percent=77.5)),
        ("interval_label", "warning", lambda s: s["medians"][0].update(interval="IQR")),
        ("not_used", "info", lambda s: s["hazard_ratios"][0].update(not_used="misprint")),
        ("not_reported", "info", lambda s: s.update(counts=s["counts"][1:3] + s["counts"][4:])),
    ],
)
def test_one_contradiction_is_one_finding(project: Project, check: str, severity: str, damage: Any) -> None:
    """Each damage to the sound sheet is found under its own name."""
    sections = sound_sections()
    damage(sections)
    findings = audit_project(synthetic(project.config, project.treatments, sheet(**sections)))
    assert [(f["check"], f["severity"]) for f in findings] == [(check, severity)]
