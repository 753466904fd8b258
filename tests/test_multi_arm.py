"""Trials with three and four arms, from the ratios that a sheet prints to the ranking."""

import csv
from io import StringIO
from math import exp, log, sqrt
from typing import Any

import numpy as np
import pytest
from secondline.errors import UserError
from secondline.evidence.audit import audit_project, check_audit
from secondline.evidence.contrasts import derive_effects, select_effects
from secondline.evidence.multi_arm import JointContrasts, joint_contrasts
from secondline.evidence.selection import evidence_csv, select_evidence
from secondline.inference.priors import PriorScales
from secondline.inference.task import Fit
from secondline.jobs.settings import treatments_of
from secondline.network.data import network_data
from secondline.network.predictor import Effects
from secondline.network.structure import Structure
from secondline.project.config import Project
from secondline.project.config_parts import Analysis, Selection
from secondline.project.sheets import StudySheet
from secondline.summaries.exact_analysis import analyse

from tests.conftest import arm, figure, hazard_ratio, sheet, synthetic

Z = 1.959963984540054
EVENTS = {"sor": 90, "len": 60, "reg": 75, "oth": 50}
LOG_RATIOS = {"sor": 0.0, "len": log(0.6), "reg": log(0.8), "oth": log(1.1)}
REGIMENS = {"sor": "sorafenib", "len": "lenvatinib", "reg": "regorafenib", "oth": "other_tki"}
THREE, FOUR = ("sor", "len", "reg"), ("sor", "len", "reg", "oth")


def printed(treatment: str, comparator: str, digits: int = 6, **more: Any) -> dict[str, Any]:
    """Print the ratio of two arms whose log hazards have the variances 1 / events."""
    se = sqrt(1 / EVENTS[treatment] + 1 / EVENTS[comparator])
    centre = LOG_RATIOS[treatment] - LOG_RATIOS[comparator]
    value, lower, upper = (round(exp(centre + z * se), digits) for z in (0, -Z, Z))
    figures = {"value": value, "lower": lower, "upper": upper, **figure(f"{value} ({lower}-{upper})")}
    return hazard_ratio(treatment=treatment, comparator=comparator, **figures, **more)


def trial(arms: tuple[str, ...], ratios: list[dict[str, Any]], **sections: Any) -> StudySheet:
    """Return a randomised trial of so many arms, the first of them the comparator."""
    sizes = {name: arm(2 * EVENTS[name], **{REGIMENS[name]: 2 * EVENTS[name]}) for name in arms}
    sets = {"arms": {"arms": list(arms), "comparator": "sor"}}
    return sheet(arms=sizes, contrast_sets=sets, hazard_ratios=ratios, design="randomised_trial", **sections)


def events(arms: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the printed events of every arm."""
    return [
        {"outcome": "os", "arm": name, "events": {"count": EVENTS[name], "printed": str(EVENTS[name])}} for name in arms
    ]


def joined(study: StudySheet) -> JointContrasts:
    """Put the effects together that are chosen of a study."""
    return joint_contrasts(study, select_effects(study, derive_effects(study, "os")))


def covariance(joint: JointContrasts) -> np.ndarray:
    """Assemble the covariance of the contrasts."""
    result = np.diag([effect.se**2 for effect in joint.effects])
    for k, row in enumerate(joint.covariances):
        result[k, :k] = result[:k, k] = row
    return result


def right(arms: tuple[str, ...]) -> np.ndarray:
    """Covariance of log hazard ratios against the first arm: 1/events on the diagonal, the first arm's everywhere."""
    return np.diag([1 / EVENTS[name] for name in arms[1:]]) + 1 / EVENTS[arms[0]]


@pytest.mark.parametrize("arms", [THREE, FOUR])
def test_events_tell_how_precise_the_comparator_is(arms: tuple[str, ...]) -> None:
    """Ratios against one comparator alone leave its precision open; events of every arm fill the gap, and say so."""
    joint = joined(trial(arms, [printed(name, "sor") for name in arms[1:]], events=events(arms)))
    assert [effect.treatment_arm for effect in joint.effects] == list(arms[1:])
    assert {(effect.method, effect.comparator_arm) for effect in joint.effects} == {("crude_hr", "sor")}
    assert [effect.log_effect for effect in joint.effects] == pytest.approx([LOG_RATIOS[a] for a in arms[1:]], abs=1e-4)
    assert covariance(joint) == pytest.approx(right(arms), rel=1e-3)
    assert joint.assumed
    assert all(effect.assumed for effect in joint.effects)
    assert "assumed to be as precise as their sizes suggest" in (joint.message or "")


def test_patients_do_where_events_are_not_printed() -> None:
    """Without events of every arm, patients stand for them: here they are in the same proportion."""
    ratios = [printed("len", "sor"), printed("reg", "sor")]
    for sections in ({}, {"events": events(THREE)[:2]}):
        joint = joined(trial(THREE, ratios, **sections))
        assert covariance(joint) == pytest.approx(right(THREE), rel=1e-3)
        assert joint.assumed


@pytest.mark.parametrize("arms", [THREE, FOUR])
def test_all_pairs_need_no_assumption(arms: tuple[str, ...]) -> None:
    """The intervals of all pairs give the covariance, whichever way round they are printed."""
    pairs = [printed(a, b) for i, a in enumerate(arms) for b in arms[:i]]
    pairs[-1] = printed(pairs[-1]["comparator"], pairs[-1]["treatment"])
    joint = joined(trial(arms, pairs))
    assert covariance(joint) == pytest.approx(right(arms), rel=1e-3)
    assert (joint.assumed, joint.flagged) == (False, False)
    assert not any(effect.assumed for effect in joint.effects)


def test_all_pairs_at_two_digits() -> None:
    """Printed as papers print them, the covariance is right within rounding."""
    pairs = [printed("len", "sor", 2), printed("reg", "sor", 2), printed("reg", "len", 2)]
    joint = joined(trial(THREE, pairs))
    assert covariance(joint) == pytest.approx(right(THREE), rel=0.1)
    assert not joint.flagged


def test_pairs_that_leave_the_comparator_out() -> None:
    """Lenvatinib against sorafenib and regorafenib against lenvatinib give regorafenib against sorafenib."""
    joint = joined(trial(THREE, [printed("len", "sor"), printed("reg", "len")]))
    assert [effect.log_effect for effect in joint.effects] == pytest.approx([log(0.6), log(0.8)], abs=1e-4)
    assert joint.effects[1].se == pytest.approx(sqrt(1 / 75 + 1 / 90), rel=1e-3)


def test_ratios_come_before_medians() -> None:
    """With medians beside them, ratios of three arms are used all the same."""
    medians = [
        {"outcome": "os", "arm": name, **figure("9 6 13", value=9, lower=6, upper=13), "interval": "95% CI"}
        for name in THREE
    ]
    study = trial(THREE, [printed("len", "sor"), printed("reg", "sor")], medians=medians)
    assert {effect.method for effect in select_effects(study, derive_effects(study, "os"))} == {"crude_hr"}
    asked = select_effects(study, derive_effects(study, "os"), Selection(method="medians_ci"))
    assert [effect.method for effect in asked] == ["medians_ci", "medians_ci"]
    assert joint_contrasts(study, asked) == JointContrasts(tuple(asked), ((), ()))


def test_an_arm_without_a_ratio_is_told(project: Project) -> None:
    """Ratios that do not connect every arm give nothing; the audit and the evidence table say so."""
    study = trial(FOUR, [printed("len", "sor"), printed("oth", "reg")])
    assert select_effects(study, derive_effects(study, "os")) == []
    small = synthetic(project.config, project.treatments, study)
    (row,) = select_evidence(small, "primary", "os")
    assert (row["used"], row["reason"]) == (
        False,
        "no single method gives effects that connect every arm of the contrast set",
    )
    (finding,) = [f for f in audit_project(small) if f.check == "multi_arm"]
    assert (finding.severity, finding.item) == ("warning", "os")
    assert "sor, len, reg, oth" in finding.message


def test_ratios_that_do_not_add_up_stop_the_run(project: Project) -> None:
    """The line says by how many standard errors, and shows no other number in the place of the ratio."""
    pairs = [("len", "sor", 0.8), ("reg", "sor", 0.65), ("len", "reg", 4.2)]
    ratios = [
        hazard_ratio(
            treatment=t, comparator=c, value=v, lower=v / 1.4, upper=v * 1.4, printed=f"{v} {v / 1.4} {v * 1.4}"
        )
        for t, c, v in pairs
    ]
    small = synthetic(project.config, project.treatments, trial(THREE, ratios))
    (finding,) = [f for f in audit_project(small) if f.check == "multi_arm"]
    assert (finding.severity, finding.reported, finding.recomputed) == ("error", None, None)
    with pytest.raises(
        UserError, match=r"away from what the other pairs imply, \d+(\.\d)? standard errors; correct the sheet"
    ):
        check_audit(small)


def ranking(project: Project) -> tuple[dict[str, tuple[float, float]], list[str]]:
    """Effects against sorafenib by the exact engine, and the treatments in their order of SUCRA."""
    structure = Structure.of(treatments_of(project))
    rows = list(csv.DictReader(StringIO(evidence_csv(project, "primary", "os"))))
    data = network_data(rows, structure, "contrasts", Effects())
    result = analyse(Fit(data, PriorScales(effect=100, tau=0, omega=0, baseline=1)), "lower", 1)
    effects = {row["treatment"]: (row["mean"], row["sd"]) for row in result.effects if row["comparator"] == "sorafenib"}
    by_sucra = dict(zip(result.treatments, result.sucra, strict=True))
    return effects, sorted(result.treatments, key=lambda name: -by_sucra[name])


@pytest.mark.parametrize("arms", [THREE, FOUR])
def test_from_the_sheet_to_the_ranking(project: Project, arms: tuple[str, ...]) -> None:
    """The posterior is what the events say, and the order of the treatments that of their ratios."""
    study = trial(arms, [printed(name, "sor") for name in arms[1:]], events=events(arms))
    small = synthetic(project.config, project.treatments, study)
    rows = select_evidence(small, "primary", "os")
    assert [row["assumed"] for row in rows] == [True] * (len(arms) - 1)
    assert all("assumed to be as precise as their sizes suggest" in row["reason"] for row in rows)
    (finding,) = [f for f in audit_project(small) if f.check == "multi_arm"]
    assert (finding.severity, finding.item) == ("warning", "os len against sor")
    effects, order = ranking(small)
    for name in arms[1:]:
        expected = LOG_RATIOS[name], sqrt(1 / EVENTS[name] + 1 / EVENTS["sor"])
        assert effects[REGIMENS[name]] == pytest.approx(expected, rel=1e-3)
    expected_order = [REGIMENS[name] for name in sorted(arms, key=lambda name: LOG_RATIOS[name])]
    assert [name for name in order if name in expected_order] == expected_order


PART = {"part": {"kind": "subgroup", "label": "Part", "n": {"len": 10, "sor": 12}, "place": "Table 1"}}


def test_an_analysis_may_ask_for_a_population(project: Project) -> None:
    """A subgroup is selected where an analysis asks for it, for ratios and for counts, and nowhere else."""
    ratios = [hazard_ratio(), hazard_ratio(population="part", value=0.7)]
    counts = [
        {"outcome": "ae_any", "arm": name, "population": where, "events": {"count": n, "printed": f"{n}"}}
        for where, name, n in (("all", "len", 9), ("all", "sor", 8), ("part", "len", 4), ("part", "sor", 3))
    ]
    study = sheet(populations=PART, hazard_ratios=ratios, counts=counts)
    asked = Analysis(label="Part", select={"alpha": Selection(population="part")})
    config = project.config.model_copy(update={"analyses": {**project.config.analyses, "part": asked}})
    small = synthetic(config, project.treatments, study)
    for analysis, value, patients, events_in in (("primary", 0.8, 40, [9, 8]), ("part", 0.7, 10, [4, 3])):
        (row,) = select_evidence(small, analysis, "os")
        assert exp(row["effect"]) == pytest.approx(value)
        assert (row["n_treatment"], row["used"]) == (patients, True)
        assert [row["events"] for row in select_evidence(small, analysis, "ae_any")] == events_in


def test_a_population_without_figures(project: Project) -> None:
    """It says what was asked for."""
    study = sheet(populations=PART, hazard_ratios=[hazard_ratio()])
    asked = Analysis(label="Part", select={"alpha": Selection(population="part")})
    config = project.config.model_copy(update={"analyses": {**project.config.analyses, "part": asked}})
    (row,) = select_evidence(synthetic(config, project.treatments, study), "part", "os")
    assert not row["used"]
    assert row["reason"].endswith("every arm of the contrast set in the population asked for, part")
