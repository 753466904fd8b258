"""Digitised curves: noise is evened out, mistakes are one line; and the rung they give."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from secondline.errors import UserError
from secondline.evidence.contrasts import derive_effects, select_effects
from secondline.evidence.curves import Curve, curve_files, read_curves
from secondline.evidence.reconstruction import check_curves
from secondline.evidence.selection import evidence_digest
from secondline.jobs.settings import evidence_files, input_files
from secondline.project.config_parts import Selection
from secondline.project.read import read_project
from secondline.project.sheets import StudySheet

from tests.conftest import CONFIG, figure, hazard_ratio, sheet

LEN = [(0, 1), (2, 1), (2, 0.9), (5, 0.9), (5, 0.6), (9, 0.6), (9, 0.5), (12, 0.5)]
SOR = [(0, 1), (1, 1), (1, 0.8), (4, 0.8), (4, 0.4), (8, 0.4), (8, 0.3), (12, 0.3)]
AT_RISK = [("len", 0, 40), ("len", 6, 20), ("sor", 0, 60), ("sor", 6, 20)]
RECORD = {"outcome": "os", "place": "Figure 2", "points": "points.csv", "at_risk": "at_risk.csv"}
EVENTS = [{"outcome": "os", "arm": "len", "events": {"count": 18, "printed": "18"}}]


def csv(header: str, rows: Any) -> str:
    """Return rows as CSV text."""
    return "\n".join([header, *(",".join(map(str, row)) for row in rows), ""])


def points_of(len_: Any = LEN, sor: Any = SOR) -> list[tuple[Any, ...]]:
    """Return the lines of both curves."""
    return [*(("len", *point) for point in len_), *(("sor", *point) for point in sor)]


def write(folder: Path, points: Any = None, at_risk: Any = AT_RISK) -> None:
    """Write the files of the record; text as it is, rows as CSV."""
    points = points_of() if points is None else points
    for name, header, rows in (("points", "arm,time,survival", points), ("at_risk", "arm,time,n", at_risk)):
        (folder / f"{name}.csv").write_text(rows if isinstance(rows, str) else csv(header, rows), encoding="utf-8")


def study(record: dict[str, Any] | None = None, **sections: Any) -> StudySheet:
    """Return a synthetic sheet with one record of curves."""
    return sheet(curves=[{**RECORD, **(record or {})}], **sections)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_clean_curves(here: Path) -> None:
    """Clean points stay as they are; events are those that the sheet gives."""
    write(here)
    assert read_curves(study(events=EVENTS), 0) == {
        "len": Curve(*zip(*LEN, strict=True), ((0, 40), (6, 20)), 18),
        "sor": Curve(*zip(*SOR, strict=True), ((0, 60), (6, 20)), None),
    }


def test_noise(here: Path) -> None:
    """Points out of order, before 0, above 1, twice, and steps that lean backwards or rise by a pixel."""
    noisy = [(5.02, 0.9), (-0.03, 1.004), (2, 0.998), (2.03, 0.902), (4.98, 0.6), (9, 0.601), (9.01, 0.5), (9.01, 0.5)]
    write(here, points_of([*noisy, (12, 0.504), (1.98, 0.905)]))
    curve = read_curves(study(), 0)["len"]
    assert (curve.times[0], curve.survival[0]) == (0.0, 1.0)
    assert all(a <= b for a, b in zip(curve.times, curve.times[1:], strict=False))
    assert all(a >= b for a, b in zip(curve.survival, curve.survival[1:], strict=False))
    for time, survival in ((1.5, 1), (2.1, 0.9), (5.1, 0.6), (9.1, 0.5), (12.1, 0.5)):
        assert curve.before(time) == pytest.approx(survival, abs=0.006)


def test_a_flat_end_reaches_the_last_number_at_risk(here: Path) -> None:
    """Three patients at risk at 18 months: the curve goes on until then."""
    write(here, at_risk=[*AT_RISK, ("len", 18, 3), ("sor", 24, 0)])
    curves = read_curves(study(), 0)
    assert (curves["len"].times[-1], curves["len"].survival[-1]) == (18, 0.5)
    assert curves["len"].at_risk == ((0, 40), (6, 20), (18, 3))
    assert curves["sor"].times[-1] == 12
    assert curves["sor"].at_risk == ((0, 60), (6, 20))


MISTAKES = {
    "no file": ({"points": "other.csv"}, None, None, ["curves.0.points = 'other.csv'", "no such file"]),
    "no table of numbers at risk": ({"at_risk": "x.csv"}, None, None, ["curves.0.at_risk = 'x.csv'", "no such file"]),
    "other columns": (
        {},
        "arm,time,s\nlen,1,1\n",
        None,
        ["points.csv:1: columns arm, time, s; allowed: arm, time, sur"],
    ),
    "no rows": ({}, "arm,time,survival\n", None, ["points.csv: the table has no rows"]),
    "too many cells": ({}, "arm,time,survival\nlen,1,1,1\n", None, ["points.csv:2: 4 cells; allowed: 3"]),
    "unknown arm": ({}, [*points_of(), ("lenn", 1, 1)], None, ["points.csv:18: arm = 'lenn'", "allowed: len, sor"]),
    "no number": ({}, points_of([(1, "x")]), None, ["points.csv:2: survival = 'x'", "not a number"]),
    "percentages": ({}, points_of([(0, 100), (5, 60)]), None, ["points.csv:2: survival = '100'", "allowed: 0 to 1"]),
    "below zero": ({}, points_of([*LEN, (13, -0.05)]), None, ["survival = '-0.05'", "allowed: 0 to 1"]),
    "before time 0": ({}, points_of([(-1, 1), *LEN]), None, ["points.csv:2: time = '-1'", "before time 0"]),
    "nothing after time 0": ({}, points_of([(0, 1)]), None, ["no point of this arm is after time 0"]),
    "a curve that rises": (
        {},
        points_of([(2, 0.9), (5, 0.41), (11, 0.55), (12, 0.4)]),
        None,
        ["survival", "the curve rises or turns back here"],
    ),
    "a start below 1": ({}, points_of([(0, 0.9), (5, 0.5), (12, 0.4)]), None, ["survival at time 0 is below 1"]),
    "more at risk than patients": ({}, None, [("len", 0, 41)], ["at_risk.csv:2: n = '41'", "allowed: 0 to 40"]),
    "numbers at risk that rise": (
        {},
        None,
        [*AT_RISK, ("len", 9, 21)],
        ["at_risk.csv:6: n = '21'", "more patients at risk than before; allowed: 0 to 20"],
    ),
    "a time twice": ({}, None, [*AT_RISK, ("len", 6, 20)], ["at_risk.csv:6: time = '6'", "each once an arm"]),
    "parts of patients": ({}, None, [("len", 6, 20.5)], ["n = '20.5'", "a whole number"]),
    "nobody at risk": ({}, None, [*AT_RISK, ("len", 9, 0)], ["at_risk.csv:6: n = '0'", "the curve continues to 12"]),
    "more at risk than alive": (
        {},
        None,
        [("len", 0, 40), ("len", 6, 33), *AT_RISK[2:]],
        ["at_risk.csv:3: n = '33'", "leaves at most 25 of the 40"],
    ),
    "an arm without a curve": (
        {},
        [row for row in points_of() if row[0] == "sor"],
        None,
        ["at_risk.csv:2: arm = 'len'", "points.csv has no curve of this arm; allowed: sor"],
    ),
    "nothing about censoring": ({"at_risk": None}, None, None, ["curves.0", "neither numbers at risk", "nor events"]),
    "no events": (
        {},
        points_of(sor=[(0, 1), (12, 1)]),
        [("len", 6, 20), ("sor", 6, 20)],
        ["curves.0", "no hazard ratio of len: an arm has no event"],
    ),
    "events that the curve contradicts": (
        {"events": 30},
        None,
        None,
        ["curves.0", "the curve and the numbers at risk of len show 18 events, the sheet 30"],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(here: Path, name: str) -> None:
    """One line that says where, what and what is allowed."""
    record, points, at_risk, parts = MISTAKES[name]
    write(here, points, AT_RISK if at_risk is None else at_risk)
    changes = {key: value for key, value in record.items() if key != "events"}
    events = [
        {"outcome": "os", "arm": "len", "events": {"count": n, "printed": f"{n}"}} for n in [record.get("events")] if n
    ]
    with pytest.raises(UserError) as error:
        check_curves(study(changes, events=events))
    assert "\n" not in str(error.value)
    for part in parts:
        assert part in str(error.value)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(-2, 30), st.floats(-0.1, 1.1)), min_size=1, max_size=12),
    st.lists(st.tuples(st.floats(-1, 30), st.integers(0, 45)), max_size=4),
    st.one_of(st.none(), st.integers(0, 40)),
)
def test_whatever_is_digitised(
    tmp_path_factory: pytest.TempPathFactory, points: Any, at_risk: Any, events: int | None
) -> None:
    """Any points and numbers at risk give patients that add up, or an error of one line."""
    folder = tmp_path_factory.mktemp("curves")
    write(folder, points_of(points), [*(("len", *row) for row in at_risk), ("sor", 6, 20)])
    record = {key: str(folder / f"{key}.csv") for key in ("points", "at_risk")}
    given_events = (
        [] if events is None else [{"outcome": "os", "arm": "len", "events": {"count": events, "printed": "n"}}]
    )
    try:
        check_curves(study(record, events=given_events))
    except UserError as error:
        assert "\n" not in str(error)


def test_the_rung(here: Path) -> None:
    """It stands between log-rank test and medians, favours the arm that survives longer, and names its place."""
    write(here)
    p = figure("0.04", value=0.04)
    test = {"outcome": "os", "treatment": "len", "comparator": "sor", "favours": "len", "p": p}
    medians = [{"outcome": "os", "arm": arm, **figure("9 6 13", value=9, lower=6, upper=13)} for arm in ("len", "sor")]
    totals = [{"outcome": "os", "events": {"count": 60, "printed": "60"}}]
    with_curves = study(log_rank=[test], medians=medians, events=totals)
    effects = derive_effects(with_curves, "os")
    assert [effect.method for effect in effects] == ["logrank_p", "km_reconstruction", "medians_ci"]
    effect = effects[1]
    assert effect.log_effect < 0
    assert (effect.adjustment, effect.assumed, effect.source) == ("crude", False, "alpha (Figure 2)")
    (chosen,) = select_effects(with_curves, effects, Selection(method="km_reconstruction"))
    assert chosen == effect
    assert derive_effects(with_curves, "pfs") == []


def test_three_arms_share_their_comparator(here: Path) -> None:
    """Curves of all arms give a multi-arm study the standard error of its comparator; they come after hazard ratios."""
    write(here, [*points_of(), *(("reg", *point) for point in SOR)], [*AT_RISK, ("reg", 0, 30), ("reg", 6, 10)])
    arms = {
        name: {"label": name, "n": n, "regimens": {regimen: n}, **figure(f"{n}")}
        for name, n, regimen in (("len", 40, "lenvatinib"), ("reg", 30, "regorafenib"), ("sor", 60, "sorafenib"))
    }
    sets = {"arms": {"arms": ["len", "reg", "sor"], "comparator": "sor"}}
    ratios = [hazard_ratio(), hazard_ratio(treatment="reg")]
    three = study(arms=arms, contrast_sets=sets, hazard_ratios=ratios)
    effects = derive_effects(three, "os")
    assert {effect.method for effect in select_effects(three, effects)} == {"crude_hr"}
    chosen = select_effects(three, effects, Selection(method="km_reconstruction"))
    assert [(effect.treatment_arm, effect.method) for effect in chosen] == [
        ("len", "km_reconstruction"),
        ("reg", "km_reconstruction"),
    ]
    assert chosen[0].baseline_se == chosen[1].baseline_se
    assert all(effect.baseline_se and effect.baseline_se < effect.se for effect in chosen)


def test_curves_that_are_not_used(here: Path) -> None:
    """Recorded, read, and without an effect."""
    write(here)
    unused = study({"not_used": "cut off"})
    check_curves(unused)
    assert derive_effects(unused, "os") == []
    assert curve_files(unused) == ["points.csv", "at_risk.csv"]
    assert curve_files(unused, "pfs") == []


@pytest.fixture
def shipped(edit: Callable[[str, str, str], int], workdir: Path) -> Path:
    """Give nanchang_2023, which prints no hazard ratio, curves of its overall survival."""
    points = [*(("lp", *point) for point in LEN), *(("r", *point) for point in SOR)]
    write(workdir, points, [("lp", 6, 20), ("r", 6, 10)])
    record = "- {outcome: os, place: Figure 2, points: points.csv, at_risk: at_risk.csv}"
    edit("studies/nanchang_2023.yaml", "assumed_events:\n", f"curves:\n  {record}\nassumed_events:\n")
    return workdir


def test_curves_in_a_project(shipped: Path) -> None:
    """Files of curves are inputs, and an edit of one changes the evidence of that outcome where it is selected."""
    config = shipped / CONFIG
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("method: medians_ci", "method: km_reconstruction", 1), encoding="utf-8")
    project = read_project(CONFIG)
    assert {"points.csv", "at_risk.csv"} <= set(input_files(project)) & set(evidence_files(project, "primary", "os"))
    assert "points.csv" not in evidence_files(project, "primary", "pfs")
    fits = [("primary", "os"), ("nanchang_2023_medians", "os"), ("nanchang_2023_medians", "pfs")]
    before = [evidence_digest(project, *fit) for fit in fits]
    (shipped / "points.csv").write_text((shipped / "points.csv").read_text().replace(",0.5\n", ",0.4\n"))
    after = [evidence_digest(read_project(CONFIG), *fit) for fit in fits]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]


def test_an_unknown_outcome_of_curves(shipped: Path, edit: Callable[[str, str, str], int]) -> None:
    """Curves are of time-to-event outcomes."""
    line = edit("studies/nanchang_2023.yaml", "outcome: os, place: Figure 2", "outcome: orr, place: Figure 2")
    with pytest.raises(UserError, match=rf"nanchang_2023.yaml:{line}: curves.0.outcome = 'orr': unknown outcome"):
        read_project(CONFIG)
