"""The variations that tables beside sensitivity.csv add: figures by hand, each once, with the line of its table."""

from dataclasses import replace
from math import exp
from pathlib import Path
from typing import Any

import pytest
from secondline.report.doubt import Doubt
from secondline.report.page.robustness import SHOWN, Chart, Line
from secondline.report.page.variations import HEADINGS
from secondline.report.settings import DoubtFacts, WeighFacts
from secondline.report.words import Names
from secondline.tables import write_table

from tests.test_report import settings_of
from tests.test_robustness import LABELS, OWN, fit
from tests.test_robustness_lines import CHOICES, STATE, charts

AXES = {"s_1": "S 1", "structure": "structure", "overlap": "shared controls"}
DECLARED = {"s_1": "adjusted", "structure": "additive", "overlap": "none"}
LEAD = {"effect": "-0.5", "lower": "-1.25", "upper": "0.25"}
LEVELS = {("s_1", "crude"): "crude", ("s_1", "left_out"): "left out", ("structure", "regimen_level"): "by regimen"}


def specification(
    k: int, first: str = "b", p_best: str = "0.7", setting: str = "overall", **levels: str
) -> dict[str, str]:
    """Row of specifications.csv.gz; the declared choices but for those given."""
    chosen = {f"axis_{axis}": level for axis, level in {**DECLARED, **levels}.items()}
    decided = {
        "placed": "3",
        "first": first,
        "named": "true",
        "not_named": "",
        "runner_up": "c" if first == "b" else "b",
    }
    effect = {f"lead_{end}": repr(float(value) - 0.01 * k) for end, value in LEAD.items()}
    return {"specification": str(k), **chosen, "setting": setting, **decided, "p_best": p_best, **effect}


def level(axis: str = "", name: str = "") -> dict[str, str]:
    """Row of specification_levels.csv."""
    lead = {"lead": "b", "lead_comparator": "c"}
    return {"setting": "overall", "axis": axis, "level": name, "label": LEVELS.get((axis, name), name), **lead}


def tables(specifications: list[dict[str, str]], **more: list[dict[str, Any]]) -> dict[str, Doubt]:
    """Give the tables of the outcome; the first specification is the declared one."""
    steps = []
    for row in specifications:
        changed = [key for key in row if key.startswith("axis_") and row[key] != specifications[0][key]]
        if len(changed) <= 1:
            steps.append({"axis": "".join(changed).removeprefix("axis_"), **row})
    facts = DoubtFacts(tables=tuple(more), axes=AXES, studies=("s_1",), schemes={"new": "New flattered"})
    levels = [level(), *(level(*key) for key in LEVELS)]
    return {"pain": Doubt(facts, {"specification_levels": levels, "specification_steps": steps, **more})}


def drawn(folder: Path, doubts: dict[str, Doubt], *rows: dict[str, str]) -> Chart:
    """Draw the chart of the declared analysis, further rows of sensitivity.csv, and these tables."""
    studies = {"s_1": "First 2001", "s_2": "Second 2002"}
    labels = replace(LABELS, margins={"pain": 1.0}, studies=studies, analyses={name: name for name in CHOICES})
    settings = settings_of(
        labels,
        leave_one_out="main",
        weigh=WeighFacts(solved=["pain"], analyses=CHOICES),
        choices={"s_1": "study", "structure": "structure", "overlap": "overlap"},
    )
    names = Names(labels, "main", "pain", "pooled")
    (chart,) = charts([*fit("main", "pooled", OWN), *rows], settings, doubts, folder, names)
    return chart


def by_label(chart: Chart) -> dict[str, Line]:
    """All lines of a chart, those that are folded too."""
    return {line.label: line for lines in [chart.lines, *(lines for _, lines in chart.folded)] for line in lines}


def test_a_single_other_choice_is_a_line(tmp_path: Path) -> None:
    """Only rows with one other choice; a reading that the page knows is a link, another names its table."""
    doubts = tables(
        [
            specification(1),
            specification(2, s_1="crude"),
            specification(2, s_1="crude", setting="elsewhere"),
            specification(3, s_1="crude", structure="regimen_level"),
            specification(4, "c", structure="regimen_level"),
        ],
    )
    found = by_label(drawn(tmp_path, doubts))
    assert list(found) == ["The declared analysis", "Structure: by regimen", "S 1: crude"]
    crude, structure = found["S 1: crude"], found["Structure: by regimen"]
    assert crude.estimate == f"{exp(-0.52):.2f} ({exp(-1.27):.2f} to {exp(0.23):.2f})"
    assert (crude.p_first, crude.place) == ("P(first) 0.70", "pain/doubt/specification_steps.csv:3")
    assert crude.address == f"{STATE}&read=first-2001~crude"
    assert (structure.p_first, structure.address) == ("Third first", "")
    assert structure.place == "pain/doubt/specification_steps.csv:5"


def test_a_variation_in_two_tables_is_there_once(tmp_path: Path) -> None:
    """A study left out, a reading that is an analysis, and a choice with the limits of another model."""
    doubts = tables(
        [
            specification(1),
            specification(2, s_1="crude"),
            specification(3, s_1="left_out"),
            specification(5, structure="regimen_level"),
        ],
    )
    limits = {"estimate_lower": repr(exp(-1.3)), "estimate_upper": repr(exp(0.2))}
    rows = [
        *fit("main_without_s_1", "pooled", OWN),
        *fit("crude", "pooled", OWN),
        *(row | limits for row in fit("main", "regimens", OWN)),
    ]
    found = drawn(tmp_path, doubts, *rows)
    assert {line.table for line in found.lines} == {"summary/sensitivity.csv"}
    assert len(found.lines) == 4
    assert not found.means


OVERLAP = {"studies": "s_1 s_2", "setting": "overall", "mean": "0.4", "lower": "-0.2", "upper": "1.0", "not_named": ""}


def overlap(level: str, patients: str, pair: str = "c b", **more: str) -> dict[str, str]:
    """Row of overlap.csv, by default with the runner-up first."""
    first, runner_up = pair.split()
    return {**OVERLAP, "level": level, "patients": patients, "first": first, "runner_up": runner_up, **more}


def test_shared_patients_are_lines_in_the_direction_of_the_others(tmp_path: Path) -> None:
    """An effect that a table has the other way round is turned; of another pair there is none."""
    rows = [overlap("none", "0"), overlap("best", "11.0"), overlap("bound", "22.0", "a b", not_named="p_better")]
    found = by_label(drawn(tmp_path, tables([], overlap=rows)))
    best, bound = (found[f"First 2001 and Second 2002 share {n} patients"] for n in (11, 22))
    assert best.estimate == f"{exp(-0.4):.2f} ({exp(-1):.2f} to {exp(0.2):.2f})"
    assert (best.p_first, best.place) == ("Third first", "pain/doubt/overlap.csv:3")
    assert (bound.at, bound.estimate, bound.p_first) == (None, "not in this table", "nobody named first")


def test_shared_patients_among_the_choices_are_not_there_again(tmp_path: Path) -> None:
    """A curve with a choice of them has their probabilities too."""
    specifications = [specification(1), specification(2, overlap="half")]
    found = by_label(drawn(tmp_path, tables(specifications, overlap=[overlap("best", "11.0")])))
    assert list(found) == ["The declared analysis", "Shared controls: half"]


def bias(mean: float, first: str, sd: float = 0.0, scheme: str = "new") -> dict[str, str]:
    """Row of bias_fan.csv."""
    lead = {"declared_first": "b", "declared_runner_up": "c"}
    effect = {f"declared_{end}": repr(value + mean) for end, value in (("mean", -0.5), ("lower", -1.0), ("upper", 0.1))}
    own = {"first": first, "candidate_p_best": "0.55", "not_named": "", "setting": "overall"}
    return {"scheme": scheme, "bias_mean": repr(mean), "bias_sd": repr(sd), **own, **lead, **effect}


@pytest.mark.parametrize(("turns", "mean", "said"), [(0.2, "0.20", "Third first"), (9.0, "0.40", "P(first) 0.55")])
def test_a_bias_is_the_smallest_that_changes_the_first_or_the_largest(
    tmp_path: Path, turns: float, mean: str, said: str
) -> None:
    """Without a spread of its own; a scheme that has the contrasts of another is not there again."""
    rows = [bias(x, "c" if x >= turns else "b", sd) for sd in (0.0, 0.2) for x in (-0.4, 0.0, 0.1, 0.2, 0.4)]
    again = [bias(0.4, "b", scheme="same")]
    tipping = [{"scheme": "same", "same_as": "new"}]
    chart = drawn(tmp_path, tables([], bias_fan=[*rows, *again], bias_tipping=tipping))
    (line,) = [line for line in chart.lines if not line.own]
    assert line.label == f"New flattered, by {mean} (log HR)"
    assert line.p_first == said
    assert line.estimate.startswith(f"{exp(-0.5 + float(mean)):.2f} ")
    assert chart.biases


def prior(name: str, treatment: str, reference: str = "c", declared: str = "false") -> dict[str, str]:
    """Row of prior_fan.csv; the reference has no effect on itself."""
    effect = {"mean": "-0.3", "lower": "-0.9", "upper": "0.3"} if treatment != reference else {}
    row = {"prior": name, "declared": declared, "setting": "overall", "treatment": treatment, "reference": reference}
    return {**row, "p_best": "0.6", **{"mean": "", "lower": "", "upper": "", **effect}}


@pytest.mark.parametrize(
    ("reference", "estimate"),
    [("c", f"{exp(-0.3):.2f} ({exp(-0.9):.2f} to {exp(0.3):.2f})"),
     ("b", f"{exp(0.3):.2f} ({exp(-0.3):.2f} to {exp(0.9):.2f})"), ("a", "not in this table")],
)  # fmt: skip
def test_a_prior_is_a_line_where_one_of_the_two_is_the_reference(tmp_path: Path, reference: str, estimate: str) -> None:
    """Its table has the effects on the reference alone, and P(best) of all."""
    rows = [prior(name, each, reference, str(name == "own").lower()) for name in ("own", "wide") for each in "bc"]
    found = by_label(drawn(tmp_path, tables([], prior_fan=rows), *fit("fewer", "pooled", OWN)))
    assert found["τ: wide"].estimate == estimate
    assert found["τ: wide"].p_first == "P(first) 0.60"
    assert "τ: own" not in found


def test_the_frequentist_twin_is_a_line_without_ranks(tmp_path: Path) -> None:
    """The effect of its own table."""
    effect = {"estimate": "0.6", "estimate_lower": "0.3", "estimate_upper": "1.2"}
    pairs = [{"treatment": t, "comparator": c, **effect} for t, c in ("ab", "bc", "cb")]
    (tmp_path / "pain" / "frequentist").mkdir(parents=True)
    write_table(tmp_path / "pain" / "frequentist" / "relative_effects.csv", pairs, list(pairs[0]))
    (line,) = [line for line in drawn(tmp_path, {}).lines if not line.own]
    assert (line.label, line.estimate, line.p_first) == ("Frequentist analysis", "0.60 (0.30 to 1.20)", "no ranks")
    assert line.place == "pain/frequentist/relative_effects.csv:3"


def test_lines_that_move_the_effect_least_are_folded_by_kind(tmp_path: Path) -> None:
    """The declared one, those that name another first and those that move it most stand open, in one order."""
    rows = [row for k in range(20) for row in fit(f"main_without_{k:02}", "pooled", OWN, estimate=repr(0.5 + 0.01 * k))]
    turned = fit("fewer", "pooled", {"a": 0.1, "b": 0.5, "c": 0.9}, estimate="0.501")
    chart = drawn(tmp_path, {}, *rows, *turned)
    assert len(chart.lines) == SHOWN
    assert chart.more == 22 - SHOWN
    shown = [line.label for line in chart.lines]
    assert shown[:2] == ["The declared analysis", "Fewer"]
    assert shown[2:] == [f"Leaving out {k:02}" for k in range(10, 20)]
    assert [heading for heading, _ in chart.folded] == [HEADINGS["study"]]
    assert chart.folded[0][1][0].label == "Leaving out 00"
