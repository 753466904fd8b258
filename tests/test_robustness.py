"""How robust the first rank is: counts, names and ends of the ranges are those of the rows."""

from dataclasses import replace
from typing import Any

from secondline.report.prose.robustness import robustness
from secondline.report.settings import Labels
from secondline.report.words import Names
from secondline.summaries.sensitivity import evidence_digest

LABELS = Labels(
    outcomes={"pain": "Pain"},
    better={"pain": "lower"},
    measures={"pain": "HR"},
    regimens={"a": "Old", "b": "New", "c": "Third"},
    settings={"overall": "Overall"},
    analyses={"main": "All", "fewer": "Fewer"},
    omega={"pooled": ""},
)
NAMES = Names(LABELS, "main", "pain", "pooled")


def fit(
    analysis: str,
    model: str,
    sucra: dict[str, float],
    estimate: str = "0.5",
    adjustment: str = "adjusted:2 crude:1",
    named: bool = True,
) -> list[dict[str, str]]:
    """Rows of one fit: every treatment against every other, the effect of b against c as given."""
    first = max(sucra, key=lambda name: sucra[name]) if named else ""
    return [
        {
            "analysis": analysis,
            "outcome": "pain",
            "model": model,
            "setting": "overall",
            "treatment": t,
            "comparator": c,
            "estimate": estimate if (t, c) == ("b", "c") else "9.99",
            "estimate_lower": "0.1",
            "estimate_upper": "3",
            "sucra": "0.33",
            "p_best": "0.11",
            "candidate_sucra": str(sucra[t]),
            "candidate_p_best": "0.4",
            "named_first": str(t == first).lower(),
            "not_named": "" if named else "prior_driven",
            "adjustment": adjustment,
        }
        for t in sucra
        for c in sucra
        if t != c
    ]


def ranking(named: str = "b", barred: str = "") -> list[dict[str, str]]:
    """Ranking in which b leads, c follows, and a is the reference; those barred have no rank."""
    return [
        {
            "setting": "overall",
            "treatment": name,
            "candidate": str(name not in barred).lower(),
            "sucra": "0.33",
            "candidate_sucra": "" if name in barred else sucra,
            "named_first": str(name == named).lower(),
            "not_named": "" if named else "prior_driven",
            "evidence": "reference" if name == "a" else "direct",
        }
        for name, sucra in (("a", "0.1"), ("b", "0.9"), ("c", "0.5"))
    ]


OWN = {"a": 0.1, "b": 0.9, "c": 0.5}
TURNED = {"a": 0.05, "b": 0.6, "c": 0.85}
ROWS = [
    *fit("main_without_two", "pooled", TURNED, "0.25", "adjusted:1 crude:1"),
    *fit("main", "fixed", OWN, "0.6"),
    *fit("main_without_one", "pooled", {"a": 0.0, "c": 1.0}, adjustment="crude:1"),
    *fit("fewer", "pooled", OWN, "0.75", "adjusted:2"),
    *fit("fewer", "fixed", TURNED),
    *fit("main", "pooled", OWN),
    *fit("main_without_three", "pooled", OWN, "0.55", "adjusted:1 crude:1"),
]


def test_sentences_count_and_name_the_variations() -> None:
    """Kept under the other model and in the other analysis, lost without study one, and without study two."""
    (text,) = robustness(ROWS, ranking(), "main", NAMES).sentences.values()
    stays, moves = text.split(" The HR of ")
    assert stays == (
        "New remains first in 1 of 3 leave-one-out fits, 1 of 1 other analysis and 1 of 1 other model. Exceptions: "
        "leaving out one (Third is first, SUCRA 1.00; New is not in the network; 1 crude); "
        "leaving out two (Third is first, SUCRA 0.85; New 0.60; 1 adjusted and 1 crude)."
    )
    assert moves == (
        "New against Third is 0.50 (0.10 to 3.00) here (2 adjusted and 1 crude) and ranges across the variations "
        "from 0.25 (0.10 to 3.00) (leaving out two; 1 adjusted and 1 crude) to 0.75 (0.10 to 3.00) (Fewer; "
        "2 adjusted)."
    )


def test_table_has_the_report_first_and_other_models_of_other_analyses_not_at_all() -> None:
    """In the order: this report, its other models, other analyses, studies left out."""
    (table,) = robustness(ROWS, ranking(), "main", NAMES).tables
    assert [row[0] for row in table.rows] == [
        "This report",
        "Model “fixed”",
        "Fewer",
        "leaving out one",
        "leaving out three",
        "leaving out two",
    ]
    assert table.columns[-2:] == ("New against Third: HR (95% CrI)", "Contributing studies, adjusted or crude")
    assert table.rows[0][1:] == [
        "3",
        "New",
        "0.90",
        "0.40",
        "0.90",
        "0.40",
        "0.50 (0.10 to 3.00)",
        "2 adjusted and 1 crude",
    ]
    assert table.rows[3][1:] == ["2", "Third", "1.00", "0.40", "not in the network", "–", "–", "1 crude"]


def test_who_may_not_be_chosen_is_never_first() -> None:
    """With c barred, b keeps the first rank; its effect is that against the next candidate, a."""
    barred = [
        {**row, "candidate_sucra": "", "named_first": "false"}
        if row["treatment"] == "c"
        else {**row, "named_first": str(row["treatment"] == "b").lower()}
        for row in ROWS
    ]
    found = robustness(barred, ranking(barred="c"), "main", NAMES)
    assert found.sentences[""].startswith("New remains first in 2 of 3 leave-one-out fits, 1 of 1")
    assert found.tables[0].columns[1:3] == ("Candidates ranked", "First among candidates")
    assert "New against Old: HR (95% CrI)" in found.tables[0].columns
    assert [row[2] for row in found.tables[0].rows][-1] == "New"


def test_where_nobody_is_named_nobody_wins() -> None:
    """Neither here nor in two of the variations; the table names those of the others, and the effect still moves."""
    rows = [
        *fit("main", "pooled", OWN, named=False),
        *fit("main", "fixed", OWN, "0.6"),
        *fit("main_without_one", "pooled", OWN, "0.4", named=False),
    ]
    found = robustness(rows, ranking(named=""), "main", NAMES)
    (text,) = found.sentences.values()
    assert text.startswith(
        "No treatment can be named first here, nor in 1 of 1 leave-one-out fit and 0 of 1 other model. Exceptions: "
        "Model “fixed” (New is first, SUCRA 0.90; 2 adjusted and 1 crude). The HR of New against Third is 0.50"
    )
    assert [row[2] for row in found.tables[0].rows] == ["none can be named", "New", "none can be named"]


def test_nobody_ranked_is_compared_with_nobody() -> None:
    """No rank, no effect between ranks."""
    ranks = [{**row, "candidate_sucra": ""} for row in ranking(named="")]
    found = robustness(ROWS, ranks, "main", NAMES)
    assert found.sentences[""].startswith("No treatment can be named first here, nor in 0 of 3 leave-one-out fits")
    assert found.tables[0].columns[-2:] == ("P(best)", "Contributing studies, adjusted or crude")


def test_alone_there_is_nothing_to_say() -> None:
    """No variation, no sentence on whether it stays; no candidate, none either."""
    assert robustness(fit("main", "pooled", OWN), ranking(), "main", NAMES).sentences == {}
    assert robustness(ROWS, ranking(named="", barred="abc"), "main", NAMES).sentences == {}


def test_settings_of_which_the_same_is_true_share_a_sentence() -> None:
    """One sentence for two settings that agree, another for one in which the leader may not be chosen."""
    labels = replace(LABELS, settings={"overall": "Overall", "one": "First", "two": "Second"})
    names = Names(labels, "main", "pain", "pooled")
    places = ("overall", "one", "two")
    rows = [{**row, "setting": place} for place in places for row in ROWS]
    turned = {True: ranking(), False: ranking(named="c", barred="b")}
    ranks = [{**row, "setting": place} for place in places for row in turned[place != "two"]]
    found = robustness(rows, ranks, "main", names)
    assert list(found.sentences) == ["Overall; First", "Second"]
    assert found.sentences["Second"].startswith("Third remains first in ")
    assert [table.title for table in found.tables] == ["Overall", "First", "Second"]


def test_studies_left_out_of_another_analysis_name_it() -> None:
    """In the report of another analysis than the one refitted."""
    rows = [*ROWS, *fit("fewer", "pooled", OWN)]
    names = Names(LABELS, "fewer", "pain", "pooled")
    (table,) = robustness(rows, ranking(), "main", names).tables
    assert [row[0] for row in table.rows][-1] == "All, leaving out two"


def test_one_analysis_under_two_names_is_shown_and_counted_once() -> None:
    """Leaving a study out that another analysis excludes is that analysis; one that changes nothing is this report."""
    first, other = {"a": 0.1, "b": 0.9, "c": 0.5}, {"a": 0.1, "b": 0.4, "c": 0.9}

    def of(digest: str, *arguments: Any) -> list[dict[str, str]]:
        return [{**row, "evidence_digest": digest} for row in fit(*arguments)]

    rows = [
        *of("x", "main", "pooled", first),
        *of("y", "fewer", "pooled", other),
        *of("y", "main_without_s1", "pooled", other),
        *of("z", "main_without_s2", "pooled", first),
        *of("x", "same", "pooled", first),
        *of("x", "main", "fixed", first),
    ]
    labels = replace(LABELS, analyses={**LABELS.analyses, "same": "Same"})
    found = robustness(rows, ranking(), "main", Names(labels, "main", "pain", "pooled"))
    assert [row[0] for row in found.tables[0].rows] == [
        "This report (on the same evidence: Same)",
        "Model “fixed”",
        "leaving out s1 (on the same evidence: Fewer)",
        "leaving out s2",
    ]
    (text,) = found.sentences.values()
    assert "1 of 2 leave-one-out fits and 1 of 1 other model" in text


def test_digest_of_evidence_is_that_of_the_rows_in_use() -> None:
    """An excluded study and the reason for it do not matter; a figure does."""
    row = {"study": "s", "effect": "0.1", "used": "true", "informative": "true", "reason": ""}
    other = {**row, "study": "t"}
    excluded = {**other, "used": "false", "reason": "overlaps"}
    assert evidence_digest([row, excluded]) == evidence_digest([row])
    assert evidence_digest([other, row]) == evidence_digest([row, other])
    assert len({evidence_digest(rows) for rows in ([row], [row, other], [{**row, "effect": "0.2"}])}) == 3
