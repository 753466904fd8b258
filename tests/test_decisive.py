"""What decides an answer: moves worked out by hand from made-up tables, their order, and their sentences."""

import re
from dataclasses import replace
from math import log
from typing import Any

import pytest
from secondline.certainty.decisive import COLUMNS, decisive_rows
from secondline.certainty.decisive_facts import OutcomeTables, facts_of
from secondline.certainty.decisive_settings import AxisSettings, DecisiveSettings
from secondline.certainty.moves import Lead, leads
from secondline.report.decisive import in_sentences
from secondline.report.prose.decisive import SHOWN, decisive_lists
from secondline.report.settings import DecisiveWords, DoubtFacts, Labels
from secondline.report.words import Names
from secondline.tables import read_table, write_table

from tests.prose import N, agrees

Row = dict[str, Any]
LEAD = Lead(setting="overall", first="a", runner_up="b", effect=-0.5, sd=0.25)
AXES = {
    "one": AxisSettings(label="one", of="study", study="one"),
    "structure": AxisSettings(label="structure", of="structure"),
    "tau": AxisSettings(label="heterogeneity", of="heterogeneity"),
}
SETTINGS = DecisiveSettings(
    analysis="main",
    headline="pooled",
    ratios={"os": True},
    tables={"os": ("specifications.csv.gz", *(f"specification_{t}.csv" for t in ("levels", "steps", "shares", "flips")),
                   "overlap.csv", "additivity.csv")},
    axes={"os": AXES},
    prognostic={"stage": "Stage III"},
)  # fmt: skip


def specification(number: int, effect: float, first: str = "a", placed: int = 3, **levels: str) -> Row:
    """Row of specifications.csv.gz; levels that are not named are as declared."""
    chosen = {"one": "adjusted", "structure": "additive", "tau": "free", **levels}
    return {
        "specification": str(number), "declared": "true" if number == 1 else "false",
        **{f"axis_{name}": level for name, level in chosen.items()}, "setting": "overall", "placed": str(placed),
        "first": first, "lead_effect": repr(effect), "axis": next(iter(levels), ""),
    }  # fmt: skip


SPECIFICATIONS = [
    specification(1, -0.5),
    specification(2, -0.3, one="medians"),  # 0.8 standard errors
    specification(3, -0.75, one="printed"),  # 1 standard error, the reading that a finding tells
    specification(4, 0.25, first="", placed=0, one="left_out"),  # 3 standard errors
    specification(5, -0.4, structure="regimens"),  # 0.4 standard errors
    specification(6, -0.49, first="b", tau="fixed"),  # hardly moves, and changes who is first
]
LEVELS = [
    {"setting": "overall", "axis": axis, "level": level, "label": label, "declared": declared, "lead": "a",
     "lead_comparator": "b"}
    for axis, level, label, declared in (
        ("", "", "", ""),
        ("one", "adjusted", "adjusted HR", "true"),
        ("one", "medians", "medians", "false"),
        ("one", "printed", "as printed", "false"),
        ("one", "left_out", "left out", "false"),
        ("structure", "additive", "additive", "true"),
        ("structure", "regimens", "by regimen", "false"),
        ("tau", "free", "random effects", "true"),
        ("tau", "fixed", "fixed effects", "false"),
    )
]  # fmt: skip
SHARES = [
    {"setting": "overall", "quantity": "lead_effect", "axis": axis, "first_order": first, "total": total}
    for axis, first, total in (("one", "0.5", "0.62"), ("structure", "0.1", "0.2"), ("tau", "0.0", "0.01"))
]
FLIPS = [
    {"setting": "overall", "change": "another_first", "size": "2", "axis_1": "one", "level_1": "medians",
     "axis_2": "structure", "level_2": "regimens", "first": "b"},
]  # fmt: skip
EFFECT = {"treatment_arm": "t", "comparator_arm": "c", "population": "all", "method": "adjusted_hr",
          "adjustment": "adjusted"}  # fmt: skip


def evidence(study: str, effect: str, used: str = "true") -> Row:
    """Row of evidence.csv."""
    return {"study": study, **EFFECT, "effect": effect, "se": "0.3", "used": used}


ALTERNATIVES = [
    {"axis": "one", "level": "adjusted", **evidence("one", "-0.6")},
    {"axis": "one", "level": "printed", **evidence("one", "0.6")},
    {"axis": "one", "level": "left_out", **evidence("one", "", "false")},
]
AUDIT = [
    {"study": study, "item": item, "check": check, "source": source, "message": message, "analyses": analyses}
    for study, item, check, source, message, analyses in (
        ("one", "os t against c", "label_inverted", "one.yaml:5 (Table 1)",
         "the label is inverted; see printed in summary/sensitivity.csv", "printed"),
        ("one", "pfs t against c", "label_inverted", "one.yaml:9 (Table 2)", "of another outcome", "printed"),
        ("two", "os t against c, adjusted", "events_per_covariate", "two.yaml:7 (Table 3)",
         "0.8 is adjusted for 9 covariates with 37 events", ""),
        ("one", "os t against c", "adjustment", "one.yaml:5 (Table 1)", "it is adjusted for age", ""),
    )
]  # fmt: skip
EFFECTS = [
    {"study": "one", **EFFECT, "outcome": "os", "log_effect": "-0.6", "source": "one.yaml:5 (Table 1)"},
    {"study": "one", **EFFECT, "outcome": "os", "log_effect": "-0.1", "source": "one.yaml:6 (Table 1)"},
    {"study": "two", **EFFECT, "outcome": "os", "log_effect": "-0.2", "source": "two.yaml:7 (Table 3)"},
]
DIFFERENCES = [
    {"characteristic": name, "level": level, "study_a": study, "study_b": study, "value_a": "0.9", "value_b": "0.65",
     "difference": difference}
    for name, level, study, difference in (
        ("stage", "arms", "one", "-0.7"),
        ("stage", "arms", "two", "0.4"),  # too small
        ("stage", "studies", "one", "0.9"),  # between studies
        ("cycles", "arms", "two", "0.8"),  # not prognostic
    )
]  # fmt: skip


def analysis(name: str, ratio: float, first: str = "a") -> list[Row]:
    """Rows of sensitivity.csv of one analysis: the lead contrast, and the rank of the other candidate."""
    sucra = {"a": "0.9" if first == "a" else "0.2", "b": "0.8" if first == "b" else "0.3"}
    rest = {"analysis": name, "outcome": "os", "model": "pooled", "setting": "overall"}
    return [
        {**rest, "treatment": "a", "comparator": "b", "estimate": repr(ratio), "candidate_sucra": sucra["a"]},
        {**rest, "treatment": "b", "comparator": "a", "estimate": repr(1 / ratio), "candidate_sucra": sucra["b"]},
    ]


SENSITIVITY = [*analysis("main", 0.5), *analysis("printed", 1.0, "b"), *analysis("main_without_one", 0.4),
               *analysis("main_without_two", 0.5)]  # fmt: skip
OVERLAP = [
    {"studies": "one two", "level": level, "patients": patients, "correlation": "0.25", "setting": "overall",
     "first": first, "runner_up": runner_up, "mean": mean, "not_named": ""}
    for level, patients, first, runner_up, mean in (("none", "0", "a", "b", "-0.5"), ("bound", "22", "b", "a", "0.1"))
]  # fmt: skip
ADDITIVITY = [
    {"kind": "total", "df": "1", "detectable": "", "name": ""},
    {"kind": "interaction", "df": "1", "detectable": "0.7", "name": "x*y"},
]
CONTRIBUTIONS = [
    {"model": "pooled", "setting": "overall", "treatment": "b", "comparator": "a", "study": study, "share": share}
    for study, share in (("one", "0.8"), ("(prior)", "0.2"))
]
TABLES = OutcomeTables(
    evidence=[evidence("one", "-0.6"), evidence("two", "-0.2")],
    steps=SPECIFICATIONS,
    levels=LEVELS,
    shares=SHARES,
    flips=FLIPS,
    alternatives=ALTERNATIVES,
    overlap=OVERLAP,
    additivity=ADDITIVITY,
    contributions=CONTRIBUTIONS,
    sensitivity=SENSITIVITY,
    effects=EFFECTS,
    audit=AUDIT,
    differences=DIFFERENCES,
    others={"printed": [evidence("one", "0.6"), evidence("two", "-0.2")]},
)


def found(tables: OutcomeTables = TABLES, settings: DecisiveSettings = SETTINGS) -> list[tuple[Any, ...]]:
    """Kind, subject, alternative and size of every fact."""
    facts = facts_of(LEAD, tables, settings, "os")
    return [(f.kind, f.subject, f.move and f.move.alternative, f.move and f.move.size) for f in facts]


def test_the_order_and_every_move_by_hand() -> None:
    """Who is first weighs more than size; a study left out measures what nothing else does, and comes last.

    The finding moves log 1 - log 0.5 = 0.693, 2.77 of 0.25; the overlap (-0.1) - (-0.5), as its row has the pair turned
    round; the study left out log 0.4 - log 0.5.
    """
    assert found() == [
        ("finding", "one", "printed", pytest.approx(log(2) / 0.25)),
        ("overlap", "one two", "bound", pytest.approx(1.6)),
        ("choice", "tau", "fixed", pytest.approx(0.04)),
        ("use", "one", "left_out", pytest.approx(3.0)),
        ("reading", "one", "medians", pytest.approx(0.8)),
        ("additivity", "structure", "regimens", pytest.approx(0.4)),
        ("imbalance", "one", "main_without_one", pytest.approx(log(0.8) / 0.25)),
        ("events_per_covariate", "two", "main_without_two", pytest.approx(0.0)),
        ("prior", "prior", None, None),
    ]


def test_a_level_that_a_finding_tells_is_not_told_twice() -> None:
    """Without the analysis of the finding, the same figures are a level of the choice like any other."""
    audit = [{**row, "analyses": ""} for row in AUDIT]
    assert ("reading", "one", "printed", pytest.approx(-1.0)) in found(replace(TABLES, audit=audit))


def test_findings_that_move_little_are_left_out() -> None:
    """Half a standard error, and the same candidate first."""
    little = [*analysis("main", 0.5), *analysis("printed", 0.55)]
    assert "finding" not in {kind for kind, *_ in found(replace(TABLES, sensitivity=little))}


def test_a_choice_is_listed_by_its_share_of_the_variance() -> None:
    """The reading of 0.8 standard errors is there for its 62%; with 9% it is not."""
    shares = [{**row, "total": "0.09"} for row in SHARES]
    assert "reading" not in {kind for kind, *_ in found(replace(TABLES, shares=shares))}


def test_a_small_share_of_the_prior_is_left_out() -> None:
    """Below a tenth; of a contrast for which there is no share too."""
    for share in ("0.09", ""):
        rows = [{**row, "share": share} for row in CONTRIBUTIONS]
        assert "prior" not in {kind for kind, *_ in found(replace(TABLES, contributions=rows))}


def test_pairs_of_choices_are_named() -> None:
    """The reading puts another first only together with the structure."""
    (reading,) = (fact for fact in facts_of(LEAD, TABLES, SETTINGS, "os") if fact.kind == "reading")
    assert reading.together == ("structure", "regimens", "b")
    assert (reading.first_order, reading.total) == ("0.5", "0.62")


def test_pairs_of_another_level_are_not_named() -> None:
    """What the figures as printed do together with the structure says nothing of the medians."""
    tables = replace(TABLES, flips=[{**row, "level_1": "printed"} for row in FLIPS])
    (reading,) = (fact for fact in facts_of(LEAD, tables, SETTINGS, "os") if fact.kind == "reading")
    assert reading.together is None


def test_an_analysis_that_takes_the_bound_is_compared_with_none() -> None:
    """The move is then the other way round."""
    turned = found(settings=replace(SETTINGS, overlap="bound"))
    assert ("overlap", "one two", "none", pytest.approx(-1.6)) in turned


def test_a_crude_effect_measures_an_adjusted_one_with_few_events() -> None:
    """Where it is among the choices: 0.8 standard errors instead of those of the study left out."""
    crude = {**evidence("one", "-0.3"), "method": "crude_hr", "adjustment": "crude"}
    alternatives = [*ALTERNATIVES, {"axis": "one", "level": "medians", **crude}]
    audit = [{**AUDIT[2], "study": "one", "source": "one.yaml:5 (Table 1)"}]
    tables = replace(TABLES, alternatives=alternatives, audit=audit)
    assert ("events_per_covariate", "one", "medians", pytest.approx(0.8)) in found(tables)


def test_without_any_of_the_tables_there_is_nothing() -> None:
    """A network without specifications, overlaps, sheets or components."""
    assert found(OutcomeTables(evidence=[evidence("one", "-0.6")]), replace(SETTINGS, axes={})) == []


def test_the_structure_of_a_plain_network_is_a_choice_like_others() -> None:
    """Where nothing is added there is no additivity; 20% of the variance are its structure's."""
    plain = found(replace(TABLES, additivity=ADDITIVITY[:1]))
    assert ("choice", "structure", "regimens", pytest.approx(0.4)) in plain
    assert "additivity" not in {kind for kind, *_ in plain}


def test_choices_of_figures_by_arm() -> None:
    """Networks of counts have choices too; their evidence has no effects."""
    arms = {"study": "one", "arm": "t", "events": "3", "n": "10", "used": "true"}
    tables = OutcomeTables(
        evidence=[arms],
        steps=SPECIFICATIONS,
        levels=LEVELS,
        alternatives=[{"axis": "one", "level": "medians", **arms}],
        effects=EFFECTS,
        audit=AUDIT,
    )
    assert [kind for kind, *_ in found(tables)] == ["choice", "reading"]


def test_additivity_without_other_structures_is_not_measured() -> None:
    """It is listed last, without a move."""
    tables = OutcomeTables(evidence=[], additivity=ADDITIVITY)
    assert found(tables, replace(SETTINGS, axes={})) == [("additivity", "additivity", None, None)]


def test_the_lead_is_that_of_the_ranked_candidates() -> None:
    """Highest SUCRAs among the candidates; a setting with one of them has no lead."""
    ranking = [
        {"setting": place, "treatment": name, "candidate_sucra": sucra}
        for place, name, sucra in (("s", "x", "0.2"), ("s", "y", "0.9"), ("s", "z", ""), ("t", "x", "1.0"))
    ]
    relative = [{"setting": "s", "treatment": "y", "comparator": "x", "mean": "-0.3", "sd": "0.2"}]
    assert leads(ranking, relative) == [Lead(setting="s", first="y", runner_up="x", effect=-0.3, sd=0.2)]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """Write all tables of a run, and decisive.csv from them."""
    results = tmp_path_factory.mktemp("results")
    here = results / "main" / "os"
    ranking = [{"setting": "overall", "treatment": name, "candidate_sucra": sucra} for name, sucra in
               (("a", "0.9"), ("b", "0.3"))]  # fmt: skip
    relative = [{"setting": "overall", "treatment": "a", "comparator": "b", "mean": "-0.5", "sd": "0.25"}]
    for file, rows in {
        here / "pooled/ranking.csv": ranking,
        here / "pooled/relative_effects.csv": relative,
        here / "evidence.csv": TABLES.evidence,
        results / "printed/os/evidence.csv": TABLES.others["printed"],
        here / "doubt/specification_levels.csv": LEVELS,
        here / "doubt/specification_steps.csv": SPECIFICATIONS,
        here / "doubt/specification_shares.csv": SHARES,
        here / "doubt/specification_flips.csv": FLIPS,
        here / "doubt/alternatives.csv": ALTERNATIVES,
        here / "doubt/overlap.csv": OVERLAP,
        here / "doubt/additivity.csv": ADDITIVITY,
        here / "certainty/contributions.csv": CONTRIBUTIONS,
        results / "summary/sensitivity.csv": SENSITIVITY,
        results / "evidence/audit.csv": AUDIT,
        results / "evidence/effects.csv": EFFECTS,
        results / "evidence/standardised_differences.csv": DIFFERENCES,
    }.items():
        write_table(file, rows, list(rows[0]))
    labels = Labels(measures={"os": "HR"}, regimens={"a": "Alpha", "b": "Beta"}, analyses={"printed": "As printed"},
                    studies={"one": "Smith 2020"}, headline="pooled")  # fmt: skip
    facts = DoubtFacts(tables=SETTINGS.tables["os"], axes={name: axis.label for name, axis in AXES.items()})
    words = DecisiveWords(doubt={"os": facts}, prognostic=SETTINGS.prognostic, proportions=("stage",))
    rows = in_sentences(decisive_rows(results, results, SETTINGS), results / "main", results, labels, words)
    write_table(results / "main/decisive.csv", rows, COLUMNS)
    return read_table(results / "main/decisive.csv")


SENTENCES = {
    "finding": "Smith 2020: the label is inverted. The analysis “As printed” reads it the other way. Then the HR "
    "of Alpha against Beta is 1.00 instead of 0.50, 2.8 standard errors away, and Beta has the highest SUCRA.",
    "overlap": "Smith 2020 and two may share up to 22 patients (correlation 0.25); the comparison is with all of "
    "these shared. Then the HR of Alpha against Beta is 0.90 instead of 0.61, 1.6 standard errors away, and "
    "Beta has the highest SUCRA of those ranked, although this effect still favours Alpha.",
    "choice": "The choice “heterogeneity”: “fixed effects” instead of “random effects”. Then the HR of Alpha against "
    "Beta stays 0.61, 0.04 standard errors away, and Beta has the highest SUCRA of those ranked, although "
    "this effect still favours Alpha. The choice explains 1% of the variance of this effect over the defensible "
    "analyses, including its interactions with other choices.",
    "use": "Whether Smith 2020 is used: it is left out instead of read by “adjusted HR”. Then the HR of Alpha "
    "against Beta is 1.28 instead of 0.61, 3.0 standard errors away, and the candidates cannot be "
    "ranked.",
    "reading": "How Smith 2020 is read: “medians” instead of “adjusted HR”. Then the HR of Alpha against Beta is "
    "0.74 instead of 0.61, 0.8 standard errors away, and Alpha still has the highest SUCRA. The choice explains "
    "62% of the "
    "variance of this effect over the defensible analyses, including its interactions with other choices. "
    "Together with “structure: by regimen” it gives Beta the highest SUCRA.",
    "additivity": "The effects of components are assumed to add up; the studies test this on 1 degree of freedom and "
    "would detect an interaction of 0.70, a ratio of 2.01, with 80% power. The comparison is with “by regimen”. Then "
    "the HR of Alpha against Beta is 0.67 instead of 0.61, 0.4 standard errors away, and Alpha still has the highest "
    "SUCRA.",
    "imbalance": "The arms of Smith 2020 differ in prognostic factors: Stage III (90% against 65%, standardised "
    "difference −0.70); it is adjusted for age. With the study left out the HR of Alpha against Beta is 0.40 "
    "instead of 0.50, 0.9 standard errors away, and Alpha still has the highest SUCRA.",
    "events_per_covariate": "two: 0.8 is adjusted for 9 covariates with 37 events. With the study left out the "
    "HR of Alpha against Beta stays 0.50, 0.00 standard errors away, and Alpha still has the highest "
    "SUCRA.",
    "prior": "The prior has a share of 20% in the HR of Alpha against Beta.",
}


def test_every_sentence(table: list[Row]) -> None:
    """One for each kind, in the order of the facts, and read back from the table."""
    assert [row["kind"] for row in table] == list(SENTENCES)
    assert {row["kind"]: row["what"] for row in table} == SENTENCES
    assert [row["rank"] for row in table] == [str(k) for k in range(1, len(SENTENCES) + 1)]


MOVED = re.compile(rf"(?:is {N} instead of|stays) {N}, {N} standard errors away")


def test_every_number_of_a_move_is_in_its_row(table: list[Row]) -> None:
    """The page shows what the row holds."""
    for row in table[:-1]:  # but the share of the prior
        match = MOVED.search(row["what"])
        assert match
        other, declared, size = match.groups()
        assert abs(float(other or declared) - 2.718281828459045 ** float(row["other_effect"])) <= 0.00501
        assert abs(float(declared) - 2.718281828459045 ** float(row["declared_effect"])) <= 0.00501
        assert agrees(size, repr(abs(float(row["standard_errors"]))))
        difference = float(row["other_effect"]) - float(row["declared_effect"])
        assert float(row["standard_errors"]) == pytest.approx(difference / float(row["sd"]))


def test_the_page_lists_the_largest_of_every_setting(table: list[Row]) -> None:
    """Not of all settings together, in which no patient is; each sentence once, and the rest is counted."""
    settings = {"overall": "Overall", "late": "Late", "early": "Early"}
    labels = Labels(regimens={"a": "Alpha", "b": "Beta"}, settings=settings)
    rows = [*table, *({**row, "setting": place} for place in ("late", "early") for row in (*table, table[0]))]
    shown, other = decisive_lists(rows, Names(labels, "main", "os", "pooled"))
    assert (shown.place, shown.pair, shown.more) == ("Late", "Alpha against Beta", len(table) - SHOWN)
    assert shown.sentences == other.sentences == [row["what"] for row in table][:SHOWN]
    assert shown.anchors == [f"decides-os-late-{k}" for k in range(1, SHOWN + 1)]
    assert other.place == "Early"
    (alone,) = decisive_lists(table, Names(replace(labels, settings={"overall": "Overall"}), "main", "os", "pooled"))
    assert (alone.place, alone.anchors[0]) == ("", "decides-os-overall-1")
