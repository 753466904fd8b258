"""What changed between two runs: statements, figures beyond chance, and causes, on tables made by hand."""

from itertools import pairwise
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from secondline.changes.causes import Cause, Places, evidence_causes, settings_causes, where
from secondline.changes.compare import ChangedStatement, Difference, FitChange
from secondline.changes.manifest import FitRecord, Setup, flat, read_manifest, write_manifest
from secondline.changes.numbers import BEYOND, Shifts, compare_fit
from secondline.changes.statements import Subject, from_rows, statements, to_rows
from secondline.changes.words import NOTHING, as_html, as_markdown, as_text, sections
from secondline.errors import UserError
from secondline.tables import write_table

MEASURES, BETTER = {"os": "HR"}, {"os": "lower"}


def row(treatment: str, comparator: str, estimate: tuple[float, float, float], **cells: str) -> dict[str, str]:
    """Return a row of summary/sensitivity.csv: estimate with its limits, then what is changed of the defaults."""
    names = ("estimate", "estimate_lower", "estimate_upper")
    return {
        "analysis": "main",
        "outcome": "os",
        "model": "random",
        "setting": "overall",
        "treatment": treatment,
        "comparator": comparator,
        **dict(zip(names, map(repr, estimate), strict=True)),
        "p_better": "0.9",
        "sucra": "0.6",
        "p_best": "0.5",
        "candidate_sucra": "0.6",
        "candidate_p_best": "0.5",
        "named_first": "false",
        "not_named": "",
        "evidence": "direct",
        **cells,
    }


THREE = [
    row("a", "b", (1.3, 1.1, 1.6), candidate_sucra="0.1"),
    row("a", "c", (0.9, 0.7, 1.2), candidate_sucra="0.1"),
    row("b", "a", (0.77, 0.62, 0.91), candidate_sucra="0.9", named_first="true"),
    row("b", "c", (0.7, 0.5, 1.1), candidate_sucra="0.9", named_first="true"),
    row("c", "a", (1.1, 0.83, 1.4), candidate_sucra="0.5"),
    row("c", "b", (1.4, 0.9, 2.0), candidate_sucra="0.5"),
]


def test_statements() -> None:
    """Who is named first; the first against the next; every candidate against the reference."""
    said = statements(THREE, "a", MEASURES, BETTER)
    place = ("main", "os", "overall")
    assert said == {
        Subject(*place, "first"): "b",
        Subject(*place, "lead"): "b against c: not known",
        Subject(*place, "effect", "b", "a"): "better",
        Subject(*place, "effect", "c", "a"): "not known",
    }
    assert statements(THREE, "a", MEASURES, {"os": "higher"})[Subject(*place, "effect", "b", "a")] == "worse"
    driven = [{**one, "evidence": "prior_driven", "named_first": "false", "not_named": "prior_driven"} for one in THREE]
    found = statements(driven, "a", MEASURES, BETTER)
    assert set(found.values()) == {"nobody: prior_driven", "b against c: prior_driven", "prior_driven"}
    extrapolated = [{**one, "evidence": "extrapolated"} for one in THREE]
    assert (
        statements(extrapolated, "a", MEASURES, BETTER)[Subject(*place, "effect", "b", "a")] == "better, extrapolated"
    )
    assert from_rows(to_rows(said)) == said


def summary(draws: np.ndarray) -> dict[str, str]:
    """Summarise draws of a log hazard ratio as the tables do."""
    lower, median, upper = map(float, np.quantile(draws, [0.025, 0.5, 0.975]))
    share = repr(float(np.mean(draws < 0)))
    shares = dict.fromkeys(("p_better", "sucra", "p_best", "candidate_sucra", "candidate_p_best"), share)
    return row("b", "a", (exp(median), exp(lower), exp(upper)), **shares)


@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_chance(shift: float) -> None:
    """Independent draws of one posterior do not differ, in 2,000 comparisons; those of another one do."""
    random, n = np.random.default_rng(1), 4000
    drawn = [summary(random.normal(-0.3 + shift * (k % 2), 0.2, n)) for k in range(500)]
    found = [compare_fit([one], [other], "HR", {"random": (n, n)}) for one, other in pairwise(drawn)]
    assert sum(shifts.compared for shifts in found) == 8 * len(found)
    changed = [shifts for shifts in found if shifts.beyond]
    assert len(changed) == (len(found) if shift else 0)


def test_error_of_figures() -> None:
    """The standard error of a median and of a limit, against the spread of 4,000 replicates."""
    random, n = np.random.default_rng(2), 1000
    quantiles = np.quantile(random.normal(0, 0.2, (4000, n)), [0.025, 0.5], axis=1).std(axis=1)
    exact = row("b", "a", (1.0, exp(-0.2 * 1.959964), exp(0.2 * 1.959964)))
    for column, spread in zip(("estimate_lower", "estimate"), quantiles, strict=True):
        moved = {**exact, column: repr(exp(log(float(exact[column])) + (BEYOND + 1) * spread * 2**0.5))}
        shift = next(
            one for one in compare_fit([exact], [moved], "HR", {"random": (n, n)}).beyond if one.column == column
        )
        assert shift.z == pytest.approx(BEYOND + 1, rel=0.15)


def test_solved_exactly_is_compared_by_its_draws() -> None:
    """A figure that one run alone gives is a change, whatever its error."""
    one, other = row("b", "a", (0.7, 0.5, 0.9)), row("b", "a", (0.7, 0.5, 0.9), candidate_sucra="")
    assert [shift.column for shift in compare_fit([one], [other], "HR", {}).beyond] == ["candidate_sucra"]


def contrast(study: str, effect: float, **cells: str) -> dict[str, str]:
    """Return a row of evidence.csv."""
    return {
        "study": study,
        "treatment_arm": "b",
        "comparator_arm": "a",
        "effect": repr(effect),
        "se": "0.2",
        "used": "true",
        "informative": "true",
        "reason": "",
        **cells,
    }


def test_causes_in_the_evidence() -> None:
    """A figure, a study that came, one that went and one that is used no longer, each with its line."""
    place = {("s1", "b"): "s1.yaml:7 (Table 2)", ("s2", "b"): "s2.yaml:9", ("s4", "b"): "s4.yaml:3"}
    places = Places({**place, ("s3", "b"): "s3.yaml:5"}, place)
    unused = {"study": "s2", "used": "false", "informative": "false", "reason": "excluded by the analysis: doubtful"}
    before = [contrast("s1", -0.5), contrast("s2", 0.1), contrast("s3", 0.2)]
    after = [contrast("s1", -0.4), unused, contrast("s4", 0.3)]
    assert list(evidence_causes(before, after, places)) == [
        Cause("s1, b against a: effect", "-0.5", "-0.4", "s1.yaml:7 (Table 2)", "s1"),
        Cause("s2", "used", "not used: excluded by the analysis: doubtful", "s2.yaml:9", "s2"),
        Cause("s3: no longer in the evidence", place="s3.yaml:5", study="s3"),
        Cause("s4: new", place="s4.yaml:3", study="s4"),
    ]
    assert not list(evidence_causes(before, before, places))


def test_places() -> None:
    """Selected figures alone say where a figure stands."""
    rows = [
        {"study": "s1", "outcome": "os", "treatment_arm": "b", "selected": "false", "source": "s1.yaml:3"},
        {"study": "s1", "outcome": "os", "treatment_arm": "b", "selected": "true", "source": "s1.yaml:7"},
        {"study": "s1", "outcome": "pfs", "treatment_arm": "b", "selected": "true", "source": "s1.yaml:9"},
        {"study": "s2", "outcome": "os", "arm": "b", "selected": True, "source": "s2.csv:2"},
    ]
    assert where(rows, "os") == {("s1", "b"): "s1.yaml:7", ("s2", "b"): "s2.csv:2"}


def setup(**changes: Any) -> Setup:
    """Return what a run was made from."""
    record = FitRecord(analysis="main", outcome="os", parts={"models": "1", "seed": "1"}, code="c", sampled=True)
    given: dict[str, Any] = {
        "headline": "random",
        "reference": "a",
        "base": "main",
        "results": ".",
        "fits": (record,),
        "configuration": {
            "priors.p.tau": ("0.5", "my.yaml:4"),
            "seed": ("1", "my.yaml:1"),
            "title": ('"T"', "my.yaml:2"),
        },
        "labels": {"measures": MEASURES, "better": BETTER, "outcomes": {"os": "Survival"}, "analyses": {"main": "All"}},
    }
    return Setup(**given | changes)


def test_causes_in_the_configuration() -> None:
    """Of the keys that differ, those behind the part of the settings that differs."""
    before, fit = setup(), setup().fits[0]
    values = {"priors.p.tau": ("1", "my.yaml:5"), "seed": ("2", "my.yaml:1"), "title": ('"U"', "my.yaml:2")}
    after = setup(configuration=values)
    changed = FitRecord(analysis="main", outcome="os", parts={"models": "2", "seed": "1"}, code="c", sampled=True)
    assert list(settings_causes(before, after, fit, changed)) == [
        Cause("priors.p.tau", "0.5", "1", "my.yaml:5", part="models")
    ]


def test_flat() -> None:
    """A list of plain values is one value, one of mappings a value for each of their keys."""
    found = flat({"a": {"b": 1, "c": [1, 2]}, "d": [{"e": "x"}], "f": {}})
    assert found == {("a", "b"): "1", ("a", "c"): "[1, 2]", ("d", "0", "e"): '"x"', ("f",): "{}"}


def test_manifest_round_trip(tmp_path: Path) -> None:
    """What is written is read back; anything else is refused in one line."""
    write_table(tmp_path / "summary" / "sensitivity.csv", THREE, list(THREE[0]))
    fits = {"outcome": "os", "model": "random", "min_ess_bulk": 1234.5, "versions": "pymc 6"}
    write_table(tmp_path / "main" / "summary" / "fits.csv", [fits], list(fits))
    findings = [{"setting": "overall", "treatment": "b", "comparator": "a", "certainty": "low"}]
    write_table(tmp_path / "main/os/certainty/summary_of_findings.csv", findings, list(findings[0]))
    file = tmp_path / "summary" / "manifest.json"
    write_manifest(tmp_path, setup(), str(file))
    found = read_manifest(tmp_path)
    assert found.setup == setup()
    assert found.draws == {"main/os/random": 1234.5}
    assert found.said[Subject("main", "os", "overall", "certainty", "b", "a")] == "low"
    for damaged in ("", "{}", "[]", file.read_text().replace('"manifest": 1', '"manifest": 0')):
        file.write_text(damaged)
        with pytest.raises(UserError, match="not a manifest of this version"):
            read_manifest(tmp_path)


CHANGE = FitChange(
    fit=("main", "os"),
    statements=[ChangedStatement(Subject("main", "os", "overall", "first"), "b", "nobody: p_better")],
    shifts=compare_fit([row("b", "a", (0.7, 0.5, 0.9))], [row("b", "a", (0.8, 0.5, 0.9))], "HR", {}),
    causes=[Cause("s1, b against a: effect", "-0.5", "-0.4", "s1.yaml:7", "s1")],
)
LABELS = {
    "outcomes": {"os": "Survival"},
    "analyses": {"main": "All"},
    "regimens": {"a": "A <1>", "b": "B*"},
    "studies": {"s1": "Adams 2019"},
}


def test_words() -> None:
    """Changed statements first, with what caused them; then figures; nothing where there is nothing."""
    found = as_text(sections(Difference([CHANGE], [("main", "pfs")], []), LABELS))
    assert found.split("\n")[:3] == [
        "Changed statements",
        "  - Survival (All)",
        "    - before, B* is named first; now, no treatment can be named first (the first two are too close",
    ]
    assert "      - Adams 2019, b against a: effect -0.5, now -0.4 (s1.yaml:7)" in found
    assert "    - B* against A <1> (random): 0.7 (95% CrI 0.5 to 0.9); now 0.8 (95% CrI 0.5 to 0.9)" in found
    assert "Analyses and outcomes that are new\n  - pfs (All)\n" in found
    quiet = FitChange(("main", "os"), CHANGE.statements, Shifts(8, [], 3), [])
    assert as_text(sections(Difference([quiet], [], []), LABELS)) == (
        f"{NOTHING} Of 8 figures, 3 differ, within Monte Carlo error.\n"
    )
    same = FitChange(("main", "os"), [], Shifts(8, [], 3), CHANGE.causes)
    assert as_text(sections(Difference([same], [], []), LABELS)).endswith(
        "Made from something else, with the same result\n"
        "  - Survival (All)\n    - Adams 2019, b against a: effect -0.5, now -0.4 (s1.yaml:7)\n"
    )
    assert as_text(sections(Difference([], [], []), LABELS)) == f"{NOTHING}\n"


def test_unexplained_figures() -> None:
    """Figures that differ beyond chance though nothing behind them does are a fault, and are said to be."""
    strange = FitChange(("main", "os"), [], CHANGE.shifts, [])
    found = as_text(sections(Difference([strange], [], []), LABELS))
    assert "Nothing that the fit was made from differs: find out why." in found


def test_marks_are_escaped() -> None:
    """Names cannot become marks of Markdown or HTML."""
    parts = sections(Difference([CHANGE], [], []), LABELS)
    assert r"B\* against A \<1\>" in as_markdown(parts)
    assert "B* against A &lt;1&gt;" in as_html(parts, "b against a")
