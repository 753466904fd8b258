"""Typical slips in a sheet typed by hand: a three-arm randomised trial, sound at first, and one mistake at a time."""

from collections.abc import Callable
from math import exp, log, sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest
from secondline.evidence.audit import Finding, audit_project
from secondline.evidence.contrasts import derive_effects, select_effects
from secondline.evidence.multi_arm import joint_contrasts
from secondline.project.config import Project
from secondline.project.documents import Document
from secondline.project.sheet_files import sheet_of
from secondline.project.sheets import StudySheet

from tests.conftest import QUOTED, STUDIES, figure, synthetic

Trial = dict[str, Any]
Slip = Callable[[Trial], Any]
Z = NormalDist().inv_cdf(0.975)
SETTING = "atezolizumab_bevacizumab_failure"
NAMES = {
    "len": ("Lenvatinib", 99, "lenvatinib"),
    "reg": ("Regorafenib", 101, "regorafenib"),
    "sor": ("Sorafenib", 100, "sorafenib"),
}
# Medians and events by arm: their ratios are the hazard ratios, and 1/d1 + 1/d2 the variances.
SURVIVAL = {
    "os": {"len": (16.1, 80), "reg": (13.9, 83), "sor": (12.5, 85)},
    "pfs": {"len": (7.2, 90), "reg": (6.1, 92), "sor": (5.0, 94)},
}
PAIRS = (("len", "sor"), ("reg", "sor"), ("len", "reg"))


def shown(value: float, se: float, digits: int, z: float = Z) -> Trial:
    """Return an estimate and its limits, as they are printed."""
    texts = [f"{value * exp(sign * z * se):.{digits}f}" for sign in (0, -1, 1)]
    numbers = dict(zip(("value", "lower", "upper"), map(float, texts), strict=True))
    return numbers | figure("{} ({}–{})".format(*texts))


def trial() -> Trial:
    """Return a three-arm randomised trial whose figures agree."""
    data: Trial = {
        "study": "trial",
        "bibliography": {
            "authors": "A",
            "title": "Three drugs in hepatocellular carcinoma after failure of atezolizumab and bevacizumab",
            "journal": "J",
            "year": 2024,
        },
        "design": "randomised_trial",
        "site": "40 hospitals",
        "enrolment": {"start": "2019-01", "end": "2021-12", **figure("January 2019 to December 2021")},
        "failed_first_line": [
            {
                "setting": SETTING,
                "n": 300,
                **figure("300 patients whose disease progressed on atezolizumab–bevacizumab"),
            }
        ],
        "arms": {
            name: {"label": label, "n": n, "regimens": {regimen: n}, **figure(f"{label} (n = {n})")}
            for name, (label, n, regimen) in NAMES.items()
        },
        "contrast_sets": {"arms": {"arms": list(NAMES), "comparator": "sor"}},
        "hazard_ratios": [],
        "medians": [],
        "events": [],
        "counts": [],
    }
    for outcome, arms in SURVIVAL.items():
        for name, (median, events) in arms.items():
            record = shown(median, 1.1 / sqrt(events), 1) | {"interval": "95% CI"}
            data["medians"].append({"outcome": outcome, "arm": name, **record})
            share = round(100 * events / NAMES[name][1], 1)
            printed = {"count": events, "percent": share, **figure(f"{events} ({share}%)")}
            data["events"].append({"outcome": outcome, "arm": name, "events": printed})
        for treatment, comparator in PAIRS:
            (m_t, d_t), (m_c, d_c) = arms[treatment], arms[comparator]
            ratio = shown(m_c / m_t, sqrt(1 / d_t + 1 / d_c), 2)
            pair = {"outcome": outcome, "treatment": treatment, "comparator": comparator, "adjustment": "adjusted"}
            data["hazard_ratios"].append(pair | ratio)
    for (name, (_, n, _)), events in zip(NAMES.items(), (44, 57, 40), strict=True):
        share = round(100 * events / n, 1)
        record = {"count": events, "percent": share, **figure(f"{events} ({share}%)")}
        data["counts"].append({"outcome": "ae_grade3", "arm": name, "events": record})
    return data


def read(data: Trial) -> StudySheet:
    """Read a sheet as from a file: every number has to stand in what is printed."""
    return sheet_of(Document(Path("trial.yaml"), data, {}))


def graver(project: Project, data: Trial) -> list[Finding]:
    """Warnings and errors about a trial."""
    findings = audit_project(synthetic(project.config, project.treatments, read(data)))
    return [finding for finding in findings if finding.severity != "info"]


def in_weeks(record: Trial, **more: Any) -> Trial:
    """Return a median as a paper that counts in weeks prints it."""
    weeks = [f"{record[key] * 365.25 / 84:.0f}" for key in ("value", "lower", "upper")]
    numbers = dict(zip(("value", "lower", "upper"), map(float, weeks), strict=True))
    return {**record, **numbers, "printed": "{} weeks ({}–{})".format(*weeks), **more}


def turned(record: Trial) -> Trial:
    """Return a ratio with its arms swapped, its number left as printed."""
    return record | {"treatment": record["comparator"], "comparator": record["treatment"]}


def change(section: str, i: int, how: Callable[[Trial], Trial]) -> Slip:
    """Return a slip in one record."""

    def slip(data: Trial) -> None:
        data[section][i] = how(data[section][i])

    return slip


def events(i: int, **figures: Any) -> Slip:
    """Return a slip in a count."""
    return change("counts", i, lambda record: record | {"events": {**figures, "place": "Table 1"}})


def alone(*slips: Slip, drop: tuple[str, ...] = ()) -> Slip:
    """Return a slip in the trial without its third pair, and without some sections."""

    def slip(data: Trial) -> None:
        data["hazard_ratios"] = [r for r in data["hazard_ratios"] if r["comparator"] == "sor"]
        for one in slips:
            one(data)
        for section in drop:
            del data[section]

    return slip


def swapped_arms(data: Trial) -> None:
    """Put the regimens of two arms of equal names the other way round."""
    data["arms"]["len"]["regimens"] = {"sorafenib": 99}


def ninety(record: Trial) -> Trial:
    """Return a record whose interval is a 90% one."""
    se = log(record["upper"] / record["lower"]) / (2 * Z)
    new = shown(record["value"], se, 2, NormalDist().inv_cdf(0.95))
    return {**record, **new, "printed": new["printed"].replace(" (", " (90% CI, ")}


def no_limits(**more: Any) -> Callable[[Trial], Trial]:
    """Return a change that leaves the limits out."""
    return lambda r: {k: v for k, v in r.items() if k not in ("lower", "upper")} | {"printed": str(r["value"]), **more}


def p(value: float, printed: str, relation: str = "=") -> Trial:
    """Return a p-value."""
    return {"value": value, "relation": relation, **figure(printed)}


NEAR_ONE = {"value": 0.97, "printed": "0.97", "p": p(0.049, "P = 0.049")}
SLIPS: list[tuple[str, str, str, Slip]] = [
    ("median_direction", "warning", "os sor against len, adjusted", alone(change("hazard_ratios", 0, turned))),
    ("median_direction", "error", "pfs sor against len, adjusted", alone(change("hazard_ratios", 2, turned))),
    (
        "label",
        "error",
        "os sor against len, adjusted",
        change("hazard_ratios", 0, lambda r: turned(r) | {"printed": f"{r['printed']}, lenvatinib versus sorafenib"}),
    ),
    (
        "label",
        "error",
        "os sor against len, adjusted",
        change("hazard_ratios", 0, lambda r: turned(r) | {"printed": f"{r['printed']}; reference: sorafenib arm"}),
    ),
    ("multi_arm", "error", "os len against sor", change("hazard_ratios", 0, turned)),
    ("arm_label", "error", "len", swapped_arms),
    ("arm_label", "error", "len", lambda d: d["arms"]["len"].update(label="LEN", regimens={"sorafenib": 99})),
    (
        "arm_label",
        "warning",
        "len",
        lambda d: d["arms"]["len"].update(label="Lenvatinib or regorafenib", printed="n = 99"),
    ),
    ("printed_percent", "error", "ae_grade3 reg", events(1, percent=57, printed="57 (56.4%)")),
    ("printed_percent", "error", "ae_grade3 reg", events(1, count=56, printed="57 (56%)")),
    ("percentage", "error", "ae_grade3 len", events(0, count=44, printed="44 (54.4%)")),
    ("percentage", "error", "ae_grade3 len", events(0, count=44, printed="44 (54.4)")),
    ("percentage", "error", "ae_grade3 len", events(0, count=44, printed="54.4% (n = 44)")),
    ("printed_total", "warning", "ae_grade3 len", events(0, count=44, printed="44/81")),
    (
        "setting_label",
        "error",
        "sorafenib_failure",
        lambda d: d["failed_first_line"][0].update(setting="sorafenib_failure"),
    ),
    (
        "setting_label",
        "warning",
        "title",
        lambda d: d["failed_first_line"][0].update(setting="sorafenib_failure", printed="300 patients"),
    ),
    ("interval_level", "error", "os len against sor, adjusted", change("hazard_ratios", 0, ninety)),
    (
        "interval_level",
        "error",
        "os len",
        change("medians", 0, lambda r: r | {"printed": r["printed"].replace(" (", " (90% confidence interval ")}),
    ),
    ("interval_level", "error", "os len", change("medians", 0, lambda r: r | {"interval": "90% CI"})),
    ("unit", "error", "os len", change("medians", 0, in_weeks)),
    (
        "unit",
        "warning",
        "os len against sor, adjusted",
        change("medians", 0, lambda r: in_weeks(r, printed=in_weeks(r)["printed"].replace(" weeks", ""))),
    ),
    (
        "unit",
        "warning",
        "os len",
        alone(
            change("medians", 0, lambda r: in_weeks(r, printed=in_weeks(r)["printed"].replace(" weeks", ""))),
            drop=("hazard_ratios",),
        ),
    ),
    (
        "unit",
        "warning",
        "os len",
        change("medians", 0, lambda r: in_weeks(r, printed=in_weeks(r)["printed"].replace(" weeks", ""), unit="weeks")),
    ),
    (
        "medians_used",
        "error",
        "os len against sor",
        alone(
            change("medians", 0, lambda r: in_weeks(r, printed=in_weeks(r)["printed"].replace(" weeks", ""))),
            change("hazard_ratios", 1, no_limits()),
        ),
    ),
    (
        "medians",
        "error",
        "pfs len against sor, adjusted",
        alone(
            change("hazard_ratios", 2, lambda r: r | shown(0.069, 0.15, 3)),
            change("medians", 3, no_limits()),
            change("medians", 5, no_limits()),
            drop=("events",),
        ),
    ),
    (
        "median_direction",
        "warning",
        "pfs sor against len, adjusted",
        alone(
            change("hazard_ratios", 2, turned),
            change("medians", 3, no_limits()),
            change("medians", 5, no_limits()),
            drop=("events",),
        ),
    ),
    (
        "follow_up",
        "error",
        "os len",
        change("medians", 0, lambda r: r | shown(161, 0.12, 0)),
    ),
    (
        "ratio_size",
        "warning",
        "os len against sor, adjusted",
        change("hazard_ratios", 0, no_limits(value=0.04, printed="0.04")),
    ),
    (
        "ratio_precision",
        "error",
        "os len against sor, adjusted",
        change("hazard_ratios", 0, lambda r: no_limits()(r) | NEAR_ONE),
    ),
    (
        "ratio_precision",
        "error",
        "os len against sor, adjusted",
        alone(change("hazard_ratios", 0, lambda r: no_limits()(r) | NEAR_ONE), drop=("events",)),
    ),
    (
        "p_bound",
        "warning",
        "os len against sor, adjusted",
        alone(change("hazard_ratios", 0, no_limits(p=p(0.001, "P < 0.001", "<")))),
    ),
]


def test_the_trial_is_sound(project: Project) -> None:
    """Nothing to warn of before the first slip; its ratios enter together."""
    data = trial()
    assert graver(project, data) == []
    chosen = select_effects(read(data), derive_effects(read(data), "os"))
    assert [effect.method for effect in chosen] == ["adjusted_hr"] * 3
    assert not joint_contrasts(read(data), chosen).flagged


def test_medians_in_weeks(project: Project) -> None:
    """In the unit in which they are printed, medians say what they say in months, and nothing is found."""
    data, weeks = trial(), trial()
    weeks["medians"] = [in_weeks(record, unit="weeks") for record in weeks["medians"]]
    assert graver(project, weeks) == []
    months, converted = ([e for e in derive_effects(read(d), "os") if e.method == "medians_ci"] for d in (data, weeks))
    for a, b in zip(months, converted, strict=True):
        assert (b.log_effect, b.se) == pytest.approx((a.log_effect, a.se), abs=0.02)  # printed to the week
    only = trial()
    only["medians"][0] = in_weeks(only["medians"][0], unit="weeks")
    (effect, *_) = (e for e in derive_effects(read(only), "os") if e.method == "medians_ci")
    assert effect.log_effect == pytest.approx(log(12.5 / (70 * 84 / 365.25)))


def new_findings(project: Project, changed: StudySheet) -> list[Finding]:
    """Warnings and errors about a changed sheet that the shipped one does not have."""
    before = {(f.study, f.check, f.item, f.severity) for f in audit_project(project)}
    other = project.model_copy(update={"sheets": {**project.sheets, changed.study: changed}})
    return [
        f
        for f in audit_project(other)
        if f.study == changed.study and f.severity != "info" and (f.study, f.check, f.item, f.severity) not in before
    ]


@pytest.mark.parametrize("study", [*STUDIES, *QUOTED])
def test_another_setting_of_a_shipped_sheet(project: Project, study: str) -> None:
    """Whatever the sheet prints with its failed first line, or its title, gives the wrong setting away."""
    sheet, settings = project.sheets[study], list(project.treatments.settings)
    used = {line.setting for line in sheet.failed_first_line}
    (other, *_) = [name for name in settings if name not in used]
    lines = [line.model_copy(update={"setting": other}) for line in sheet.failed_first_line]
    found = new_findings(project, sheet.model_copy(update={"failed_first_line": lines}))
    assert "setting_label" in {f.check for f in found}


@pytest.mark.parametrize("study", [*STUDIES, *QUOTED])
def test_turned_ratios_of_a_shipped_sheet(project: Project, study: str) -> None:
    """Every ratio of all patients is found out when its arms are swapped, without its label."""
    sheet = project.sheets[study]
    for i, ratio in enumerate(sheet.hazard_ratios):
        if ratio.population != "all" or ratio.not_used:
            continue
        pair = {"treatment": ratio.comparator, "comparator": ratio.treatment, "label": None, "label_inverted": False}
        ratios = list(sheet.hazard_ratios)
        ratios[i] = ratio.model_copy(update=pair)
        found = new_findings(project, sheet.model_copy(update={"hazard_ratios": ratios}))
        assert {"direction", "median_direction", "label"} & {f.check for f in found}


@pytest.mark.parametrize(
    ("title", "named"),
    [
        ("Regorafenib after sorafenib in hepatocellular carcinoma", "sorafenib"),
        ("Cabozantinib in patients with disease progression on lenvatinib", "lenvatinib"),
        ("Regorafenib in lenvatinib-refractory hepatocellular carcinoma", "lenvatinib"),
        ("Sorafenib versus lenvatinib after atezolizumab plus bevacizumab", None),
        ("Lenvatinib versus sorafenib in hepatocellular carcinoma", None),
    ],
)
def test_titles(project: Project, title: str, named: str | None) -> None:
    """A title tells what was given before by "after" and the like; the drugs of the arms are left alone."""
    data = trial()
    data["bibliography"]["title"] = title
    found = [f.recomputed for f in graver(project, data) if f.check == "setting_label"]
    assert found == ([named] if named else [])


def test_settings_that_are_no_drugs(project: Project) -> None:
    """Lines of treatment are no drugs: "first" in what is printed names no setting."""
    settings = {name: {"label": f"{name} line"} for name in ("first", "later")}
    treatments = project.treatments.model_validate(project.treatments.model_dump() | {"settings": settings})
    data = trial()
    data["failed_first_line"][0] |= {"setting": "later", "printed": "300 patients after first-line therapy"}
    findings = audit_project(synthetic(project.config, treatments, read(data)))
    assert not [f for f in findings if f.check == "setting_label"]


@pytest.mark.parametrize(
    ("label", "regimens", "severity"),
    [
        ("TKI-ICI", {"lenvatinib_ici": 99}, None),
        ("Lenvatinib plus ICI", {"lenvatinib_ici": 99}, None),
        ("LEN + ICI", {"regorafenib_ici": 99}, "warning"),
        ("Second line after sorafenib", {"lenvatinib": 99}, None),
        ("TKI", {"other_tki": 99}, None),
        ("Sorafenib + ICI", {"sorafenib_ici": 99}, None),
        ("Sorafenib", {"lenvatinib": 50, "regorafenib": 49}, "error"),
        ("Sorafenib", {"sorafenib": 50, "regorafenib": 49}, None),
    ],
)
def test_labels_of_arms(project: Project, label: str, regimens: dict[str, int], severity: str | None) -> None:
    """Drugs in full or as abbreviations in capitals; what was given before is no part of the arm."""
    data = trial()
    data["arms"]["len"] |= {"label": label, "regimens": regimens, "printed": "n = 99"}
    found = [f.severity for f in graver(project, data) if f.check == "arm_label"]
    assert found == ([severity] if severity else [])


def test_a_ninety_percent_interval_that_is_not_called_one(project: Project) -> None:
    """The p-value beside it tells, and the message says which level would fit."""
    data = trial()
    ratio = ninety(data["hazard_ratios"][3])
    se = log(ratio["upper"] / ratio["lower"]) / (2 * NormalDist().inv_cdf(0.95))
    value = 2 * NormalDist().cdf(-abs(log(ratio["value"])) / se)
    ratio |= {"printed": ratio["printed"].replace("90% CI, ", ""), "p": p(float(f"{value:.2g}"), f"P = {value:.2g}")}
    data["hazard_ratios"][3] = ratio
    (found,) = [f for f in graver(project, data) if f.check == "interval_p"]
    assert "as a 90% interval it would imply the printed p-value: set level" in found.message
    data["hazard_ratios"][3]["level"] = 0.9
    assert not [f for f in graver(project, data) if f.check == "interval_p"]


def test_a_ninety_percent_interval_of_a_median(project: Project) -> None:
    """Its standard error is that of its level."""
    data = trial()
    for record in data["medians"]:
        record.update(interval="90% CI", level=0.9)
    assert [f for f in graver(project, data) if f.check == "interval_level"] == []
    nominal, wider = (
        next(e for e in derive_effects(read(d), "os") if e.method == "medians_ci") for d in (trial(), data)
    )
    assert wider.se == pytest.approx(nominal.se * Z / NormalDist().inv_cdf(0.95))
    assert wider.baseline_se == pytest.approx((nominal.baseline_se or 0) * Z / NormalDist().inv_cdf(0.95))


@pytest.mark.parametrize(("check", "severity", "item", "slip"), SLIPS)
def test_a_slip_is_found(project: Project, check: str, severity: str, item: str, slip: Slip) -> None:
    """Each is found under its name, item and severity, and the message says what to do."""
    data = trial()
    slip(data)
    findings = graver(project, data)
    assert (check, severity, item) in {(f.check, f.severity, f.item) for f in findings}
