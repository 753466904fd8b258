"""The audit: every check on a sheet that contradicts itself and on one that does not, and what stops a run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from secondline.cell_values import see_analyses
from secondline.errors import UserError
from secondline.evidence.audit import Finding, audit_project, check_audit
from secondline.evidence.audit.significance import p_values
from secondline.evidence.contrasts import derive_effects
from secondline.evidence.populations import given_characteristics
from secondline.jobs.script import EXIT_USER_ERROR
from secondline.jobs.start import open_project
from secondline.project.config import Project

from tests.conftest import arm, figure, hazard_ratio, sheet, synthetic

Sections = dict[str, Any]
Damage = Callable[[Sections], Any]


def count(events: int, n: int) -> Sections:
    """Return a count with the percentage that belongs to it."""
    percent = round(100 * events / n, 1)
    return {"count": events, "percent": percent, "printed": f"{events} ({percent})"}


def ratio(text: str, **more: Any) -> Sections:
    """Return a hazard ratio of the synthetic sheet, printed as value, lower and upper limit."""
    return hazard_ratio(
        **dict(zip(("value", "lower", "upper"), map(float, text.split()), strict=True)), **figure(text), **more
    )


def median(outcome: str, name: str, text: str, **more: Any) -> Sections:
    """Return a median, printed as value, lower and upper limit."""
    values = dict(zip(("value", "lower", "upper"), map(float, text.split()), strict=False))
    return {"outcome": outcome, "arm": name, **values, "interval": "95% CI", **figure(text), **more}


def p(value: float, **more: Any) -> Sections:
    """Return a printed p-value."""
    return figure(f"{value:.3f}", value=value, **more)


PAIR = {"treatment": "len", "comparator": "sor"}


def sound() -> Sections:
    """Return sections of a sheet, 40 patients against 60, that contradict each other nowhere.

    The interval 0.50 to 1.28 has standard error 0.24 and its middle at 0.8; z = 0.93, p = 0.352. 2 / sqrt(69) = 0.241.
    """
    sections: Sections = {
        "hazard_ratios": [
            ratio("0.80 0.50 1.28", outcome=o, p=p(0.352), label="Lenvatinib vs sorafenib") for o in ("os", "pfs")
        ],
        "medians": [
            median(outcome, name, text)
            for outcome, name, text in (
                ("os", "len", "10 8 13"),
                ("os", "sor", "8 6 11"),
                ("pfs", "len", "5.0 4.1 6.3"),
                ("pfs", "sor", "4.0 3.1 5.5"),
            )
        ],
        "log_rank": [{"outcome": o, **PAIR, "favours": "len", "p": p(0.35)} for o in ("os", "pfs")],
        "events": [
            {"outcome": outcome, "arm": name, "events": count(events, n)}
            for outcome, name, events, n in (
                ("os", "len", 24, 40),
                ("os", "sor", 45, 60),
                ("pfs", "len", 30, 40),
                ("pfs", "sor", 52, 60),
            )
        ],
        "populations": {
            "low": {"kind": "subgroup", "label": "low AFP", "n": {"len": 20, "sor": 30}, "place": "Table 1"},
            "matched": {"kind": "matched", "label": "matched", "n": {"len": 30, "sor": 30}, "place": "Table 1"},
        },
        "enrolment": {
            "start": "2015-01",
            "end": "2016-12",
            "cutoff": "2018-01-01",
            "median_follow_up_months": 20,
            **figure("January 2015 to December 2016"),
        },
        "responses": [],
        "counts": [],
        "comparisons": [],
    }
    for name, n, categories in (("len", 40, (2, 8, 20, 10)), ("sor", 60, (1, 7, 25, 27))):
        parts = {key: count(k, n) for key, k in zip(("cr", "pr", "sd", "pd"), categories, strict=True)}
        rates = {"orr": count(sum(categories[:2]), n), "dcr": count(sum(categories[:3]), n)}
        sections["responses"].append({"criterion": "mrecist", "arm": name, "place": "Table 2", **parts, **rates})
        for outcome, events in (("ae_any", n - 4), ("ae_grade3", n // 4), ("discontinuation", n // 10)):
            sections["counts"].append({"outcome": outcome, "arm": name, "events": count(events, n)})
    for outcome, test, a, b in (
        ("orr", "Fisher", 10, 8),
        ("dcr", "chi-squared", 30, 33),
        ("pd", "corrected chi-squared", 10, 27),
    ):
        value = round(p_values(a, 40, b, 60)[test], 3)
        sections["comparisons"].append({"outcome": outcome, **PAIR, "criterion": "mrecist", "p": p(value)})
    return sections


def audit(project: Project, *sheets: Sections) -> list[Finding]:
    """Audit synthetic sheets with the shipped configuration."""
    made = [sheet(f"study{i}", **sections) for i, sections in enumerate(sheets)]
    alone = synthetic(project.config, project.treatments, *made)
    return audit_project(alone.model_copy(update={"characteristics": project.characteristics}))


def test_a_sound_sheet_has_nothing_to_warn_of(project: Project) -> None:
    """Only what its selected effects are adjusted for."""
    assert {(f.check, f.severity) for f in audit(project, sound())} == {("adjustment", "info")}


def renew(section: str, i: int, **changes: Any) -> Damage:
    """Return a damage that changes one record."""
    return lambda s: s[section][i].update(changes)


def both(*damages: Damage) -> Damage:
    """Return several damages as one."""
    return lambda s: [damage(s) for damage in damages]


def add(section: str, *records: Sections) -> Damage:
    """Return a damage that adds records to a section."""
    return lambda s: s.setdefault(section, []).extend(records)


def drop(*sections: str) -> Damage:
    """Return a damage that leaves out sections."""
    return lambda s: [s.pop(section) for section in sections]


def response(i: int, *without: str, **figures: Any) -> Damage:
    """Return a damage that changes the figures of a response record and leaves some out."""

    def damage(s: Sections) -> None:
        kept = {key: value for key, value in s["responses"][i].items() if key not in without}
        s["responses"][i] = kept | figures

    return damage


IQR = {"interval": "IQR", "interval_is": "confidence"}
# The quartiles of a constant hazard lie a factor 4.8 apart, those of a Weibull shape of 2.5 a factor 1.9.
TWO_NARROW = both(
    renew("medians", 0, **median("os", "len", "10 8.9 11.5") | IQR),
    renew("medians", 1, **median("os", "sor", "8 6.9 9.5") | IQR),
)
TABLE = [
    median(outcome, name, text, population=population) | {"place": "Table 9"}
    for outcome, name, text, population in (
        ("os", "len", "9.00 5.50 12.50", "low"),
        ("os", "sor", "8.00 5.00 11.00", "low"),
        ("pfs", "len", "4.00 2.60 5.40", "low"),
        ("pfs", "sor", "3.00 1.90 4.10", "low"),
    )
]
VERSIONS = [figure("66.7%", value=66.7), figure("67.7", value=67.7)]
NAMED = [figure("5.3", value=5.3, label="LP"), figure("5.3", value=5.3, label="ECOG PS 0")]
SPLIT = {
    "arms": {
        "len": arm(40, lenvatinib=40),
        "sor": arm(60, sorafenib=60),
        "a": arm(40, lenvatinib=30, sorafenib=10),
        "b": arm(60, sorafenib=60),
    },
    "contrast_sets": {
        "arms": {"arms": ["len", "sor"], "comparator": "sor"},
        "other": {"arms": ["a", "b"], "comparator": "b"},
    },
}
LINES = [
    {"setting": "sorafenib_failure", "n": 50, "arms": {"len": 10, "sor": 40}, **figure("50")},
    {"setting": "lenvatinib_failure", "n": 50, "arms": {"len": 30, "sor": 20}, **figure("50")},
]
WRONG_LINES = [LINES[0], LINES[1] | {"arms": {"len": 31, "sor": 19}}]
SEVERE = both(renew("counts", 0, events=count(12, 40)), renew("counts", 3, events=count(50, 60)))

# All patients 0.80 with se 0.24, the subgroup 0.40 with se 0.30: the other patients 2.7 with se 0.40.
LOW = add("hazard_ratios", ratio("0.40 0.22 0.72", population="low"))
# All patients 0.50 with se 0.24, the subgroup 0.60 with se 0.33: the others 0.41 with se 0.35, which is significant.
HIGH = {"kind": "subgroup", "label": "high AFP", "n": {"len": 20, "sor": 30}, "place": "Table 1"}
SPARED = both(
    lambda s: s["populations"].update(high=HIGH),
    renew("hazard_ratios", 0, **ratio("0.50 0.312 0.80", p=p(0.004))),
    add("hazard_ratios", ratio("0.60 0.314 1.146", population="low")),
)
OTHER = {"place": "Table 3"}
DENIED = {"outcome": "os", **PAIR, "population": "high", "significant": False}

BOUND = p(0.4, relation="<")
LEAST = figure("at least 2 cycles", value=2)
SWITCH = {"arm": "sor", "place": "Table 3", **count(20, 60)}


def ages(text: str, value: float) -> list[Sections]:
    """Return the ages of both arms, medians with quartiles, and the p-value printed for them."""
    return [
        {"characteristic": "age", "arm": name, "interval": "IQR", **figure(shown), **more}
        | dict(zip(("median", "lower", "upper"), map(float, shown.split()), strict=True))
        for name, shown, more in (("len", text, {}), ("sor", "50 43 57", {"p": p(value)}))
    ]


def men(events: int, value: float) -> list[Sections]:
    """Return the men of both arms, and the p-value printed for them."""
    counts = ({"arm": "len", **count(events, 40)}, {"arm": "sor", **count(30, 60), "p": p(value)})
    return [{"characteristic": "male", "place": "Table 1", **record} for record in counts]


CASES: list[tuple[str, str, str, Damage]] = [
    (
        "estimate_outside_interval",
        "error",
        "os len against sor, crude",
        renew("hazard_ratios", 0, **ratio("1.5 0.5 1.28")),
    ),
    ("estimate_outside_interval", "error", "os len", renew("medians", 0, **median("os", "len", "14 8 13"))),
    ("interval_symmetry", "warning", "os len against sor, crude", renew("hazard_ratios", 0, **ratio("0.80 0.50 1.34"))),
    ("interval_symmetry", "error", "os len against sor, crude", renew("hazard_ratios", 0, **ratio("0.80 0.50 2.28"))),
    ("interval_p", "warning", "os len against sor, crude", renew("hazard_ratios", 0, p=p(0.45))),
    ("interval_p", "error", "os len against sor, crude", renew("hazard_ratios", 0, p=p(0.001, relation="<"))),
    (
        "adjusted_crude",
        "warning",
        "os len against sor, adjusted",
        add("hazard_ratios", ratio("0.35 0.21 0.58", adjustment="adjusted")),
    ),
    (
        "adjusted_crude",
        "error",
        "os len against sor, adjusted",
        add("hazard_ratios", ratio("0.2 0.12 0.33", adjustment="adjusted")),
    ),
    (
        "significance_lost",
        "info",
        "os len against sor, adjusted",
        both(
            renew("hazard_ratios", 0, **ratio("0.60 0.37 0.97", p=p(0.037))),
            add("hazard_ratios", ratio("0.70 0.43 1.14", adjustment="adjusted")),
        ),
    ),
    (
        "subgroup",
        "warning",
        "os len against sor, crude, low",
        add("hazard_ratios", ratio("0.15 0.07 0.32", population="low")),
    ),
    (
        "subgroup_precision",
        "warning",
        "os len against sor, crude, low",
        add("hazard_ratios", ratio("0.78 0.66 0.92", population="low")),
    ),
    ("subgroup_complement", "info", "os len against sor, crude, low", LOW),
    ("subgroup_complement", "warning", "os len against sor, crude, low", both(SPARED, add("comparisons", DENIED))),
    (
        "events_per_covariate",
        "warning",
        "os len against sor, adjusted",
        add("hazard_ratios", ratio("0.75 0.46 1.22", adjustment="adjusted", covariates=list("abcdef"))),
    ),
    (
        "events_per_covariate",
        "info",
        "os len against sor, adjusted",
        both(
            add("hazard_ratios", ratio("0.75 0.46 1.22", adjustment="adjusted", covariates=["a"])),
            add("hazard_ratios", ratio("0.75 0.45 1.25", adjustment="adjusted", covariates=list("abcdef")) | OTHER),
        ),
    ),
    (
        "significance_lost",
        "info",
        "os len against sor, matched",
        both(
            drop("hazard_ratios"),
            renew("log_rank", 0, p=p(0.02)),
            add("log_rank", {"outcome": "os", **PAIR, "favours": "len", "population": "matched", "p": p(0.3)}),
        ),
    ),
    ("log_rank_ratio", "warning", "os len against sor", renew("log_rank", 0, p=p(0.02))),
    ("log_rank_ratio", "error", "os len against sor", renew("log_rank", 0, favours="sor", p=p(0.001, relation="<"))),
    ("medians", "info", "os len against sor", renew("hazard_ratios", 0, **ratio("0.60 0.37 0.97"))),
    ("medians", "warning", "os len against sor", renew("hazard_ratios", 0, **ratio("0.2 0.12 0.33"))),
    ("medians", "error", "os len against sor", renew("hazard_ratios", 0, **ratio("0.08 0.05 0.13"))),
    (
        "direction",
        "error",
        "os len against sor",
        both(
            renew("hazard_ratios", 0, **ratio("2.0 1.25 3.2")),
            renew("medians", 0, **median("os", "len", "12 10.5 14")),
            renew("medians", 1, **median("os", "sor", "8 7 9")),
        ),
    ),
    ("log_rank_direction", "info", "os len against sor", renew("log_rank", 0, favours="sor")),
    (
        "log_rank_direction",
        "error",
        "os len against sor",
        both(drop("hazard_ratios"), renew("log_rank", 0, favours="sor")),
    ),
    ("ratio_precision", "error", "os len against sor, crude", renew("hazard_ratios", 0, **ratio("0.80 0.60 1.07"))),
    ("ratio_precision", "warning", "os len against sor, crude", renew("hazard_ratios", 0, **ratio("0.80 0.52 1.23"))),
    ("ratio_precision", "warning", "os len against sor, crude", renew("hazard_ratios", 0, **ratio("0.8 0.2 3.2"))),
    (
        "ratio_precision",
        "error",
        "os len against sor, crude",
        both(drop("events"), renew("hazard_ratios", 0, **ratio("0.80 0.72 0.89"))),
    ),
    ("median_precision", "warning", "os len", renew("medians", 0, **median("os", "len", "10 9.9 10.1"))),
    ("median_precision", "warning", "pfs len", renew("medians", 2, **median("pfs", "len", "5.0 1.0 50.0"))),
    ("interval_label", "warning", "os len", TWO_NARROW),
    ("interval_label", "error", "os len", both(TWO_NARROW, renew("medians", 0, interval_is="quartiles"))),
    ("interval_label", "warning", "os sor", renew("medians", 1, **IQR)),
    (
        "interval_lopsided",
        "warning",
        "pfs sor, low",
        add(
            "medians",
            *TABLE[:3],
            TABLE[3] | {"upper": 6.6, "printed": "3.00 1.90 6.60"},
            median("os", "len", "9.00 5.50 12.50", population="matched") | {"place": "Table 9"},
        ),
    ),
    ("events_total", "error", "os all arms", add("events", {"outcome": "os", "events": count(70, 100)})),
    ("included", "error", "ae_any len", renew("counts", 0, events=count(6, 40))),
    ("included", "warning", "pfs len", renew("events", 2, events=count(20, 40))),
    ("included", "warning", "pfs len", renew("medians", 2, **median("pfs", "len", "11 8 13"))),
    ("follow_up", "error", "os len", lambda s: s["enrolment"].update(cutoff="2015-11-30")),
    (
        "events_follow_up",
        "warning",
        "os all arms",
        both(renew("events", 0, events=count(2, 40)), renew("events", 1, events=count(3, 60))),
    ),
    (
        "percentage",
        "info",
        "ae_any len",
        renew("counts", 0, events={"count": 36, "percent": 89.9, "printed": "36 (89.9)"}),
    ),
    (
        "percentage",
        "warning",
        "ae_any len",
        renew("counts", 0, events={"count": 36, "percent": 91.0, "printed": "36 (91.0)"}),
    ),
    (
        "percentage",
        "error",
        "ae_any len",
        renew("counts", 0, events={"count": 36, "percent": 60.0, "printed": "36 (60.0)"}),
    ),
    (
        "percentage",
        "warning",
        "os events sor",
        renew("events", 1, events={"count": 45, "percent": 76.0, "printed": "45 (76.0)"}),
    ),
    ("whole_number", "warning", "ae_any len", renew("counts", 0, events={"percent": 91.0, "printed": "91.0"})),
    ("categories", "warning", "dcr mrecist len", response(0, dcr={"percent": 77.5, "printed": "77.5"})),
    ("categories", "error", "dcr mrecist len", response(0, dcr=count(31, 40))),
    ("categories", "error", "orr mrecist len", response(0, "cr", orr=count(6, 40))),
    ("categories", "error", "dcr mrecist len", response(0, "cr", "sd", dcr=count(35, 40))),
    ("categories", "error", "dcr mrecist len", response(0, "cr", "pr", "sd", "pd", dcr=count(9, 40))),
    ("categories_total", "info", "response mrecist len", response(0, "dcr", sd=count(17, 40))),
    ("test_p", "warning", "orr mrecist len against sor", renew("comparisons", 0, p=p(0.3))),
    (
        "test_p",
        "error",
        "orr mrecist len against sor",
        renew("comparisons", 0, p=figure("<0.0001", value=0.0001, relation="<")),
    ),
    ("test_p", "warning", "pd mrecist len against sor", renew("comparisons", 2, p=p(0.5))),
    ("prose_significance", "warning", "orr mrecist len against sor", renew("comparisons", 0, significant=True)),
    ("prose_significance", "warning", "dcr mrecist len against sor", renew("comparisons", 1, significant=False)),
    ("prose_direction", "warning", "orr mrecist len against sor", renew("comparisons", 0, favours="sor")),
    (
        "prose_direction",
        "error",
        "ae_any len against sor",
        both(SEVERE, add("comparisons", {"outcome": "ae_any", **PAIR, "favours": "sor"})),
    ),
    (
        "prose_direction",
        "warning",
        "os len against sor",
        add("comparisons", {"outcome": "os", **PAIR, "favours": "sor"}),
    ),
    ("label", "error", "os len against sor, crude", renew("hazard_ratios", 0, label="Sorafenib vs lenvatinib")),
    ("label", "error", "os len against sor, crude", renew("hazard_ratios", 0, label_inverted=True, reason="misread")),
    (
        "label_inverted",
        "warning",
        "os len against sor, crude",
        renew("hazard_ratios", 0, label="Sorafenib", label_inverted=True, reason="text"),
    ),
    (
        "matched_direction",
        "info",
        "orr",
        add(
            "responses",
            {"criterion": "mrecist", "arm": "len", "population": "matched", "place": "Table 2", "orr": count(3, 30)},
            {"criterion": "mrecist", "arm": "sor", "population": "matched", "place": "Table 2", "orr": count(4, 30)},
        ),
    ),
    ("composition", "error", "other", lambda s: s.update(SPLIT)),
    ("first_lines", "error", "failed_first_line", lambda s: s.update(failed_first_line=WRONG_LINES)),
    ("setting_mix", "warning", "failed_first_line", lambda s: s.update(failed_first_line=LINES)),
    ("printed_twice", "warning", "os len", add("medians", median("os", "len", "12 8 13", not_used="abstract"))),
    (
        "printed_twice",
        "warning",
        "os len against sor",
        add("log_rank", {"outcome": "os", **PAIR, "favours": "len", "p": p(0.3), "not_used": "abstract"}),
    ),
    (
        "printed_twice",
        "warning",
        "ae_any len",
        add("counts", {"outcome": "ae_any", "arm": "len", "events": count(35, 40), "not_used": "text"}),
    ),
    (
        "printed_twice",
        "warning",
        "dcr control",
        add("reprinted", {"item": "control", "outcome": "dcr", "versions": VERSIONS}),
    ),
    ("printed_twice", "info", "tumours", add("reprinted", {"item": "tumours", "versions": VERSIONS})),
    ("two_labels", "warning", "pfs median", add("reprinted", {"item": "median", "outcome": "pfs", "versions": NAMED})),
    ("not_used", "info", "os", renew("hazard_ratios", 0, not_used="misprint")),
    (
        "not_used",
        "warning",
        "os a against b, crude",
        both(
            lambda s: s.update(SPLIT),
            lambda s: s["contrast_sets"].pop("other"),
            add("hazard_ratios", ratio("0.8 0.5 1.28", treatment="a", comparator="b")),
        ),
    ),
    ("not_reported", "info", "ae_any", lambda s: s.update(counts=s["counts"][1:3] + s["counts"][4:])),
    ("p_bound", "info", "os len against sor, crude", renew("hazard_ratios", 0, p=p(0.5, relation="<"))),
    ("p_bound", "warning", "os len against sor, crude", renew("hazard_ratios", 0, p=p(0.352, elsewhere=[BOUND]))),
    ("p_bound", "warning", "os len against sor", renew("log_rank", 0, p=p(0.35, elsewhere=[BOUND]))),
    ("printed_twice", "warning", "os len against sor", renew("log_rank", 0, p=p(0.35, elsewhere=[p(0.3)]))),
    ("direction_assumed", "warning", "os len against sor", drop("hazard_ratios")),
    (
        "direction_assumed",
        "info",
        "os len against sor",
        both(drop("hazard_ratios"), renew("log_rank", 0, p=p(0.04))),
    ),
    ("immortal_time", "warning", "treatment_at_least", lambda s: s.update(treatment_at_least=LEAST)),
    ("switching", "info", "sor", add("switching", SWITCH)),
    ("switching", "warning", "sor", add("switching", SWITCH, SWITCH | {"to": "lenvatinib", **count(5, 60)})),
    ("switching", "info", "sor", add("switching", SWITCH | {"to": "regorafenib"})),
    ("characteristic_p", "warning", "age len against sor", add("characteristics", *ages("60 50 68", 0.9))),
    ("characteristic_p", "warning", "male len against sor", add("characteristics", *men(36, 0.9))),
    (
        "assumed",
        "warning",
        "os",
        add("assumed_events", {"outcome": "os", "fraction": 0.8, "plausible": [0.6, 0.9], "reason": "none printed"}),
    ),
]


@pytest.mark.parametrize(("check", "severity", "item", "damage"), CASES)
def test_a_contradiction_is_found(project: Project, check: str, severity: str, item: str, damage: Damage) -> None:
    """Each is found under its name, item and severity; the sound sheet has none of them."""
    sections = sound()
    damage(sections)
    found = {(f.check, f.severity, f.item) for f in audit(project, sections)}
    assert (check, severity, item) in found


def test_every_check_has_a_case(project: Project) -> None:
    """The checks that the shipped sheets set off are among the cases, compare studies, or are about quotations."""
    elsewhere = {"overlap", "practice", "adjustment", "adjustment_mixed", "secondary_report", "implied_events"}
    elsewhere |= {"no_information"}  # tests/test_missing.py
    assert {f.check for f in audit_project(project)} <= {check for check, *_ in CASES} | elsewhere


def test_even_intervals_are_left_alone(project: Project) -> None:
    """A table whose intervals are all even about their medians, or all lopsided, has none that is unlike the others."""
    sections = sound()
    sections["medians"] += [*TABLE, median("os", "len", "9.00 5.50 12.50", population="matched") | {"place": "Table 9"}]
    assert not [f for f in audit(project, sections) if f.check == "interval_lopsided"]


def test_an_interval_that_stands_elsewhere_as_confidence_interval(project: Project) -> None:
    """The same limits under two names give the label of the whole place away."""
    sections = sound()
    again = median("os", "len", "10 8 13", not_used="the text's interval") | {"interval": "IQR", "place": "Table 2"}
    part = median("os", "len", "9 4 16", population="low") | {**IQR, "place": "Table 2"}
    sections["medians"] += [part]
    (alone,) = [f for f in audit(project, sections) if f.check == "interval_label"]
    assert "without support from the sheet" in alone.message
    sections["medians"] += [again]
    (given_away,) = [f for f in audit(project, sections) if f.check == "interval_label"]
    assert "can only be a confidence interval" in given_away.message


def test_a_printed_p_says_which_counts_it_fits(project: Project) -> None:
    """33 of 48 and 13 of 30 have p = 0.026; the printed 0.042 is that of 32 of 48."""
    (found,) = [f for f in audit_project(project) if f.check == "test_p" and f.study == "nanchang_2022"]
    assert found.recomputed == pytest.approx(p_values(33, 48, 13, 30)["Fisher"])
    assert found.message.endswith("it would fit 32 of 48 and 13 of 30")


def test_counts_far_away_that_a_printed_p_would_fit(project: Project) -> None:
    """33 of 86 and 14 of 40 have p = 0.72; 0.145 is near that of 18 and 19 of 86, at which the odds ratio turns round.

    Corrected chi-squared 0.142 and Fisher 0.134; (14 / 26) / (18 / 68) = 2.03, (14 / 26) / (19 / 67) = 1.90.
    """
    found = [f for f in audit_project(project) if f.check == "test_p" and f.study == "severance_2024"]
    (severe,) = [f for f in found if f.item.startswith("ae_grade3")]
    assert "the odds ratio of these counts is 0.86; the printed p-value would nearly fit" in severe.message
    assert "14 of 40 and 18 of 86 (odds ratio 2, in the opposite direction)" in severe.message
    assert "14 of 40 and 19 of 86 (odds ratio 1.9, in the opposite direction)" in severe.message
    assert "14 of 40 and 42 of 86 (odds ratio 0.56)" in severe.message
    assert not [f for f in found if f is not severe and "fit" in f.message]  # the counts as printed are as near


def test_one_string_printed_twice_is_no_contradiction(project: Project) -> None:
    """107 of 126 is not 83.6%, which is found as such; the same string in two records is not two values."""
    assert not [f for f in audit_project(project) if f.check == "printed_twice" and f.reported == f.recomputed]
    (off,) = [f for f in audit_project(project) if (f.study, f.item) == ("severance_2024", "pfs events all arms")]
    assert (off.check, off.severity, off.reported) == ("percentage", "warning", 83.6)
    assert off.recomputed == pytest.approx(100 * 107 / 126)
    sections = sound()
    parts = ({"count": 36, "printed": "36 (80.0)"}, {"percent": 80.0, "printed": "36 (80.0)"})
    sections["counts"][0]["events"] = parts[0]
    sections["counts"].append({"outcome": "ae_any", "arm": "len", "events": parts[1], "not_used": "the same"})
    assert not [f for f in audit(project, sections) if f.check == "printed_twice"]


def test_what_a_subgroup_leaves_to_the_other_patients(project: Project) -> None:
    """By the inverse variances: the hazard ratios that three subgroups of nanchang_2022 leave to the rest."""
    found = {f.item: f for f in audit_project(project) if f.check == "subgroup_complement"}
    assert {item: round(f.recomputed, 1) for item, f in found.items() if item.startswith("os")} == {
        "os rp against r, crude, bclc_c": 3.0,
        "os rp against r, crude, extrahepatic_metastasis": 2.8,
    }
    denied = found["pfs rp against r, crude, first_line_sorafenib"]
    assert (denied.severity, round(denied.recomputed, 2)) == ("warning", 0.32)
    assert "the remaining 17 and 4 patients; the text says that they did not benefit" in denied.message


def test_events_behind_every_coefficient(project: Project) -> None:
    """Nine covariates and the treatment on 20 + 17 deaths."""
    found = {(f.study, f.item): f for f in audit_project(project) if f.check == "events_per_covariate"}
    nanchang = found["nanchang_2022", "os rp against r, adjusted"]
    assert (nanchang.severity, nanchang.reported, nanchang.recomputed) == ("warning", 37, 3.7)
    assert "9 covariates with 37 events" in nanchang.message
    assert not [item for study, item in found if study in ("ditan_2022", "severance_2024")]  # 54 on 3, 107 on 4


def test_tests_of_counts() -> None:
    """Of 3 of 4 against 1 of 4: Fisher 34/70 (the lady tasting tea), chi-squared 2 without and 0.5 with correction."""
    tests = p_values(3, 4, 1, 4)
    assert tests["Fisher"] == pytest.approx(34 / 70)
    assert tests["chi-squared"] == pytest.approx(0.157299, abs=1e-6)
    assert tests["corrected chi-squared"] == pytest.approx(0.479500, abs=1e-6)
    assert p_values(48, 48, 30, 30) == {"Fisher": 1.0}


def test_two_reports_of_one_site(project: Project) -> None:
    """Site, dates, a regimen and a setting in common; a year later there is nothing to warn of."""
    a, b = (sound() | {"site": "One hospital"} for _ in range(2))
    assert [(f.study, f.item) for f in audit(project, a, b) if f.check == "overlap"] == [("study0", "study1")]
    b["enrolment"] = b["enrolment"] | {"start": "2017-01", "end": "2017-12"}
    assert not [f for f in audit(project, a, b) if f.check == "overlap"]


def share(name: str, arm_name: str, k: int, n: int) -> Sections:
    """Return a share of the patients of an arm."""
    return {"characteristic": name, "arm": arm_name, "place": "Table 1", **count(k, n)}


def test_the_most_patients_that_two_reports_can_share(project: Project) -> None:
    """Of 60 and 60 on sorafenib, 12 and none with ECOG 2: at most 48 are the same; of 40 and 40 on lenvatinib, all."""
    a, b = (sound() | {"site": "One hospital"} for _ in range(2))
    a["characteristics"], b["characteristics"] = [share("ecog_2", "sor", 12, 60)], [share("ecog_2", "sor", 0, 60)]
    (found,) = [f for f in audit(project, a, b) if f.check == "overlap"]
    assert found.recomputed == 48 + 40
    shown = "of the 60 and 60 patients with sorafenib, at most 48 can be the same, as ECOG PS 2 or worse"
    assert shown in found.message


def test_two_reports_of_one_practice(project: Project) -> None:
    """A dose that nearly nobody had in one report and everybody in the other; alike doses are no finding."""
    a, b = (sound() | {"site": "One hospital"} for _ in range(2))
    a["characteristics"] = [share("regorafenib_160_mg", "sor", 3, 60)]
    b["characteristics"] = [share("regorafenib_160_mg", "sor", 60, 60)]
    (found,) = [f for f in audit(project, a, b) if f.check == "practice"]
    assert (found.study, found.item, found.reported) == ("study0", "regorafenib_160_mg study1", 0.05)
    (bound,) = [f for f in audit(project, a, b) if f.check == "overlap"]
    assert bound.recomputed == 100  # a dose of the protocol bounds nothing
    b["characteristics"] = [share("regorafenib_160_mg", "sor", 6, 60)]
    assert not [f for f in audit(project, a, b) if f.check == "practice"]


def test_the_two_reports_of_nanchang(project: Project) -> None:
    """At most 22 controls in common: ECOG 2 is excluded from one and true of 5 in the other; 160 mg of 2 and of 27."""
    found = {f.check: f for f in audit_project(project) if f.study == "nanchang_2022"}
    assert found["overlap"].recomputed == 22
    assert "at most 22 can be the same, as ECOG PS 2 or worse" in found["overlap"].message
    assert "2 of 30 patients of r and for 27 of 27 in nanchang_2023" in found["practice"].message


def test_cycles_of_the_second_line(project: Project) -> None:
    """Quartiles 4, 6, 10 of 48 against 3, 3, 6 of 30: means 6.7 and 4, by Wan 2014; p is nowhere near 0.353."""
    (found,) = [f for f in audit_project(project) if f.check == "characteristic_p"]
    assert (found.study, found.item) == ("nanchang_2022", "second_line_cycles rp against r")
    assert 0.0001 < found.recomputed < 0.002
    course = {name for name, c in project.characteristics.characteristics.items() if c.course}
    assert course == {"second_line_cycles", "regorafenib_160_mg"}
    assert not course & set(given_characteristics(project))  # not who the patients were


def test_ages_and_sexes_that_fit_their_tests(project: Project) -> None:
    """Quartiles 42 to 58 against 43 to 57 do not differ, 20 of 40 and 30 of 60 neither."""
    sections = sound() | {"characteristics": [*ages("50 42 58", 0.9), *men(20, 1.0)]}
    assert not [f for f in audit(project, sections) if f.check == "characteristic_p"]


def test_a_p_that_is_a_bound_elsewhere_is_no_estimate(project: Project) -> None:
    """The table of nanchang_2022 prints 0.001, its text P<0.001: no standard error comes from that."""
    adjusted = project.sheets["nanchang_2022"].hazard_ratios[1]
    assert adjusted.p and adjusted.p.relation == "=" and not adjusted.p.exact
    methods = [(e.method, e.adjustment) for e in derive_effects(project.sheets["nanchang_2022"], "pfs")]
    assert ("hr_p", "adjusted") not in methods and ("hr_p", "crude") in methods
    sections = sound()
    for relation, methods_of in (("=", ["crude_hr", "hr_p"]), ("<", ["crude_hr"])):
        again = p(0.352 if relation == "=" else 0.4, relation=relation)
        sections["hazard_ratios"] = [ratio("0.80 0.50 1.28", p=p(0.352, elsewhere=[again]))]
        effects = derive_effects(sheet(**sections), "os")
        assert [e.method for e in effects if e.method in ("crude_hr", "hr_p")] == methods_of


def test_the_direction_of_a_test_is_an_assumption(project: Project) -> None:
    """Unless words of the paper say so; the finding gives the ratio the other way round."""
    found = {(f.study, f.item): f for f in audit_project(project) if f.check == "direction_assumed"}
    shown = found["nanchang_2023", "pfs lp against r"]
    assert shown.severity == "warning"
    assert shown.message.endswith("in the opposite direction, the hazard ratio would be 1.13 instead of 0.89")
    assert ("severance_2024", "os lenvatinib against sorafenib, matched") in found
    assert ("yoo_secondary", "pfs lenvatinib against sorafenib") not in found  # "significantly higher" is said
    sections = sound()
    drop("hazard_ratios")(sections)
    for i in (0, 1):
        sections["log_rank"][i]["stated"] = figure("longer with lenvatinib")
    assert not [f for f in audit(project, sections) if f.check == "direction_assumed"]


def test_what_patients_went_on_to(project: Project) -> None:
    """All ten controls of nanchang_2023 who were treated further had drugs of the other arm; two cycles were needed."""
    found = {(f.study, f.check, f.item): f for f in audit_project(project)}
    controls = found["nanchang_2023", "switching", "r"]
    assert controls.severity == "warning"
    assert controls.message.startswith(
        "10 of 27 patients of r received subsequent treatment, 10 of them with drugs of another"
    )
    assert controls.recomputed == pytest.approx(10 / 27)
    assert found["severance_2024", "switching", "lenvatinib"].recomputed == pytest.approx(15 / 40)
    assert found["ditan_2025", "switching", "tki_ici"].severity == "info"
    least = found["nanchang_2023", "immortal_time", "treatment_at_least"]
    assert least.source.startswith("config/studies/nanchang_2023.yaml:") and least.source.endswith(
        "(Methods, Patients)"
    )


def test_crude_among_adjusted_effects(project: Project) -> None:
    """Every effect says what it is adjusted for; the crude one is a warning."""
    a, b = sound(), sound()
    a["hazard_ratios"].append(ratio("0.75 0.46 1.22", adjustment="adjusted", covariates=["AFP", "ECOG"]))
    findings = audit(project, a, b)
    told = {(f.study, f.item): f.message for f in findings if f.check == "adjustment"}
    assert told["study0", "os len against sor"] == "the adjusted hazard ratio is adjusted for AFP, ECOG"
    assert told["study1", "os len against sor"] == "the crude hazard ratio is crude (not adjusted for any covariate)"
    assert [(f.study, f.item) for f in findings if f.check == "adjustment_mixed"] == [("study1", "os len against sor")]


ACKNOWLEDGED = {"check": "percentage", "item": "ae_any len", "reason": "so printed, the count is that of the table"}
OFF = renew("counts", 0, events={"count": 36, "percent": 60.0, "printed": "36 (60.0)"})


def test_an_error_stops_the_run_in_one_line(project: Project) -> None:
    """The line names the sheet, the place, the figure, and how to acknowledge it."""
    sections = sound()
    OFF(sections)
    alone = synthetic(project.config, project.treatments, sheet(**sections))
    with pytest.raises(UserError) as stop:
        check_audit(alone)
    message = str(stop.value)
    assert message.startswith(
        "alpha: counts.0.events = 60.0: 60% is printed, but 36 of 40 is 90.00%; correct the sheet or, "
    )
    assert message.endswith("add to acknowledged: {check: percentage, item: 'ae_any len', reason: ...}")
    assert len(message.splitlines()) == 1


def test_an_acknowledged_error_is_a_warning_with_the_reason(project: Project) -> None:
    """And the run goes on."""
    sections = sound() | {"acknowledged": [ACKNOWLEDGED]}
    OFF(sections)
    alone = synthetic(project.config, project.treatments, sheet(**sections))
    check_audit(alone)
    (found,) = [f for f in audit_project(alone) if f.check == "percentage"]
    assert found.severity == "warning"
    assert found.message.endswith("(acknowledged: so printed, the count is that of the table)")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, "checks with findings: none"),
        ({"item": "ae_any sor"}, "checks with findings: none"),
    ],
)
def test_an_acknowledgement_of_nothing_is_an_error(project: Project, change: Sections, says: str) -> None:
    """A sheet that was corrected has to lose the acknowledgement too."""
    alone = synthetic(project.config, project.treatments, sheet(**sound(), acknowledged=[ACKNOWLEDGED | change]))
    with pytest.raises(UserError, match=says):
        check_audit(alone)


def test_an_acknowledgement_of_another_item(project: Project) -> None:
    """The line names the items that there are."""
    sections = sound() | {"acknowledged": [ACKNOWLEDGED | {"item": "ae_any sor"}, ACKNOWLEDGED]}
    OFF(sections)
    with pytest.raises(UserError, match=r"acknowledged\.0 = 'ae_any sor'.*this check has findings on ae_any len$"):
        check_audit(synthetic(project.config, project.treatments, sheet(**sections)))


def test_the_run_stops_before_anything_is_fitted(
    edit: Callable[[str, str, str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    """A contradiction in a shipped sheet ends the Snakefile with one line and exit status 2."""
    sheet_file = "studies/severance_2024.yaml"
    line = edit(
        sheet_file,
        'events: {count: 75, percent: 87.2, printed: "75 patients (87.2%)"',
        'events: {count: 57, percent: 87.2, printed: "57 patients (87.2%)"',
    )
    with pytest.raises(SystemExit) as stop:
        open_project([])
    assert stop.value.code == EXIT_USER_ERROR
    printed = capsys.readouterr().err
    assert printed.startswith(
        f"error: config/{sheet_file}:{line}: counts.1.events = 87.2: 87.2% is printed, but 57 of 86 is 66.28%"
    )
    assert printed.count("\n") == 1
    assert not Path("results").exists()


def test_limits_are_checked(edit: Callable[[str, str, str], int], capsys: pytest.CaptureFixture[str]) -> None:
    """An error below its warning is a mistake in one line."""
    line = edit("config.yaml", "  effect_error: 4.5", "  effect_error: 2")
    with pytest.raises(SystemExit):
        open_project([])
    assert (
        f"config/config.yaml:{line}: audit.effect_error = 2.0: allowed: effect_warning, 3.0" in capsys.readouterr().err
    )


# What the five papers say against themselves in figures that the analyses use, and the checks that find it.
CONTRADICTIONS = [
    ("ditan_2022", "printed_twice", "ae_grade3 grade 3 or 4 events of all patients, per cent"),
    ("ditan_2022", "printed_twice", "pfs gain in median PFS, months"),
    ("ditan_2025", "interval_label", "os sor"),
    ("ditan_2025", "interval_lopsided", "os sor"),
    ("ditan_2025", "prose_direction", "orr mrecist tki_ici against tki"),
    ("ditan_2025", "prose_significance", "orr mrecist tki_ici against tki"),
    ("ditan_2025", "printed_twice", "orr responders of both arms"),
    ("ditan_2025", "printed_twice", "dcr patients with disease control in both arms"),
    ("ditan_2025", "test_p", "pr mrecist tki_ici against tki"),
    ("ditan_2025", "significance_lost", "os tki_ici against tki, adjusted"),
    ("nanchang_2022", "label_inverted", "pfs rp against r, crude"),
    ("nanchang_2022", "label_inverted", "pfs rp against r, adjusted"),
    ("nanchang_2022", "label_inverted", "os rp against r, crude"),
    ("nanchang_2022", "label_inverted", "os rp against r, adjusted"),
    ("nanchang_2022", "interval_symmetry", "os rp against r, adjusted"),
    ("nanchang_2022", "interval_p", "os rp against r, adjusted"),
    ("nanchang_2022", "categories", "dcr mrecist rp"),
    ("nanchang_2022", "categories", "dcr recist_1_1 rp"),
    ("nanchang_2022", "test_p", "dcr mrecist rp against r"),
    ("nanchang_2022", "printed_twice", "pd mrecist rp"),
    ("nanchang_2022", "prose_significance", "orr rp against r"),
    ("nanchang_2022", "setting_mix", "failed_first_line"),
    ("nanchang_2022", "overlap", "nanchang_2023"),
    ("nanchang_2023", "prose_direction", "dcr mrecist lp against r"),
    ("nanchang_2023", "prose_direction", "dcr lp against r"),
    ("nanchang_2023", "two_labels", "dcr disease control of 73.2% and 44.4%"),
    ("nanchang_2023", "test_p", "orr mrecist lp against r"),
    ("nanchang_2023", "medians", "os lp against r"),
    ("nanchang_2023", "medians", "pfs lp against r"),
    ("nanchang_2023", "two_labels", "pfs median of 5.3 (4.0–7.2) months"),
    ("nanchang_2023", "two_labels", "pfs median of 3.0 months"),
    ("nanchang_2023", "adjustment_mixed", "os lp against r"),
    ("severance_2024", "interval_label", "os sorafenib"),
    ("severance_2024", "printed_twice", "pfs lenvatinib against sorafenib, matched"),
    ("severance_2024", "percentage", "pfs events all arms"),
    ("severance_2024", "significance_lost", "os lenvatinib against sorafenib, matched"),
    ("severance_2024", "matched_direction", "orr"),
    ("severance_2024", "test_p", "ae_grade3 lenvatinib against sorafenib"),
    ("severance_2024", "test_p", "ae_any lenvatinib against sorafenib"),
    ("severance_2024", "test_p", "orr recist_1_1 lenvatinib against sorafenib"),
]


@pytest.mark.parametrize(("study", "check", "item"), CONTRADICTIONS)
def test_contradictions_of_the_five_papers(project: Project, study: str, check: str, item: str) -> None:
    """Each is found, with a place in the sheet."""
    found = [f for f in audit_project(project) if (f.study, f.check, f.item) == (study, check, item)]
    assert found
    assert all(f.source.startswith(f"config/studies/{study}.yaml:") for f in found)


def test_findings_name_the_analyses_that_answer_them(project: Project) -> None:
    """Analyses that read a study the other way, as the message says; of other findings none."""
    findings = audit_project(project)
    named = {(f.study, f.check, analysis) for f in findings for analysis in f.analyses}
    assert named == {
        ("ditan_2022", "medians", "ditan_2022_medians"),
        ("nanchang_2022", "label_inverted", "nanchang_2022_as_printed"),
        ("nanchang_2022", "medians", "nanchang_2022_medians"),
        ("nanchang_2023", "medians", "nanchang_2023_medians"),
    }
    assert all(f.message.endswith(see_analyses(f.analyses)) for f in findings if f.analyses)
    assert all(bool(f.analyses) == ("sensitivity.csv" in f.message) for f in findings)


def test_nothing_in_the_shipped_sheets_stops_a_run(project: Project) -> None:
    """Every contradiction of the papers is a warning, or acknowledged; findings are in order."""
    findings = audit_project(project)
    assert {f.severity for f in findings} == {"info", "warning"}
    assert [(f.study, f.check) for f in findings] == sorted((f.study, f.check) for f in findings)


def test_labels_of_intervals_in_the_five_papers(project: Project) -> None:
    """Ten intervals of ditan_2025 and eight of severance_2024 are called IQR and are confidence intervals."""
    found = [f.study for f in audit_project(project) if f.check == "interval_label" and "can only be" in f.message]
    assert (found.count("ditan_2025"), found.count("severance_2024"), len(found)) == (10, 8, 18)


@pytest.mark.parametrize(
    ("label", "inverted"), [("Regorafenib monotherapy", False), ("RP vs R", True), ("Second line (R versus RP)", False)]
)
def test_labels_are_read(project: Project, label: str, inverted: bool) -> None:
    """A label names an arm by its id, its label or its regimen; the ratios of nanchang_2022 are RP against R."""
    read = project.sheets["nanchang_2022"]
    ratios = [r.model_copy(update={"label": label, "label_inverted": inverted}) for r in read.hazard_ratios[:1]]
    alone = synthetic(project.config, project.treatments, read.model_copy(update={"hazard_ratios": ratios}))
    assert [f.severity for f in audit_project(alone) if f.check == "label"] == ["error"]
