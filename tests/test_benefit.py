"""Benefit and harm side by side: the effects of the tables, coloured only where the evidence decides them."""

from collections.abc import Mapping, Sequence

import pytest
from secondline.report.settings import Labels
from secondline.report.tables.benefit import balances
from secondline.report.words import Names

LABELS = Labels(
    outcomes={"life": "Survival", "harm": "Harm"},
    better={"life": "lower", "harm": "lower"},
    measures={"life": "HR", "harm": "OR"},
    margins={"life": 0.8, "harm": 0.8},
    regimens={"old": "Old", "new": "New", "newer": "Newer", "gone": "Gone"},
    settings={"overall": "Overall", "late": "Late"},
    analyses={"main": "Main"},
    headline="pooled",
    omega={"pooled": ""},
)
Row = Mapping[str, str]


def ranking(order: Sequence[str]) -> list[dict[str, str]]:
    """Rows of ranking.csv of the setting ``late``: candidates from the best to the worst, and one that is none."""
    rows = [
        {
            "setting": "late",
            "treatment": treatment,
            "candidate": "true",
            "named_first": "false" if k else "true",
            "candidate_sucra": repr(1 - k / 10),
            "evidence": "reference" if treatment == "old" else "direct",
        }
        for k, treatment in enumerate(order)
    ]
    return [
        *rows,
        {
            **rows[0],
            "treatment": "gone",
            "candidate": "false",
            "named_first": "false",
            "candidate_sucra": "",
            "evidence": "direct",
        },
    ]


def effect(treatment: str, estimate: float, p_margin: str, evidence: str) -> dict[str, str]:
    """Row of relative_effects.csv against the reference."""
    limits = {"estimate_lower": repr(estimate / 1.5), "estimate_upper": repr(estimate * 1.5)}
    found = {"setting": "late", "treatment": treatment, "comparator": "old", "estimate": repr(estimate)}
    return {**found, **limits, "p_better": "0.99", "p_margin": p_margin, "evidence": evidence}


def table(life: Sequence[Row], harm: Sequence[Row]) -> dict[str, list[str]]:
    """Shades of the treatments, in the order of the table."""
    by_outcome = {name: Names(LABELS, "main", name, "pooled") for name in ("life", "harm")}
    rankings = {"life": ranking(["newer", "old", "new"]), "harm": ranking(["new", "newer", "old"])}
    (found,) = balances(rankings, {"life": life, "harm": harm}, by_outcome)
    assert (found.setting, found.comparator) == ("Late", "Old")
    assert [label for label, _ in found.outcomes] == ["Survival", "Harm"]
    return {treatment: [cell.shade for cell in cells] for treatment, cells in found.rows}


@pytest.mark.parametrize(
    ("share", "shade"), [("0.95", "much"), ("0.94", "rather"), ("0.8", "rather"), ("0.79", "some")]
)
def test_a_cell_is_as_dark_as_the_benefit_is_sure(share: str, shade: str) -> None:
    """By steps of the probability of a relevant benefit; without a benefit there is no colour."""
    life = [effect("new", 0.5, share, "direct"), effect("newer", 0.7, "0.49", "indirect")]
    assert table(life, []) == {"Newer": ["", ""], "New": [shade, ""]}


def test_the_darkest_cell_takes_an_interval_without_no_difference() -> None:
    """A probability of 0.97 whose interval includes no difference is not as dark, since the answer says: not known."""
    life = [effect("new", 0.8, "0.97", "direct"), effect("newer", 0.5, "0.97", "direct")]
    assert table(life, []) == {"Newer": ["much", ""], "New": ["rather", ""]}


def test_without_a_first_the_rows_have_no_rank() -> None:
    """Candidates stand as the table has them."""
    by_outcome = {"life": Names(LABELS, "main", "life", "pooled")}
    rows = [{**row, "named_first": "false"} for row in ranking(["newer", "old", "new"])]
    life = [effect("new", 0.5, "0.9", "direct"), effect("newer", 0.5, "0.9", "direct")]
    (found,) = balances({"life": sorted(rows, key=lambda row: row["treatment"])}, {"life": life}, by_outcome)
    assert [treatment for treatment, _ in found.rows] == ["New", "Newer"]


@pytest.mark.parametrize("evidence", ["prior_driven", "extrapolated"])
def test_what_the_prior_decides_is_hatched_and_never_coloured(evidence: str) -> None:
    """However sure the numbers look."""
    life = [effect("new", 0.1, "1", evidence), effect("newer", 0.1, "1", "direct")]
    assert table(life, [effect("new", 0.2, "0.99", evidence)]) == {"Newer": ["much", ""], "New": ["unsure", "unsure"]}


def test_rows_are_candidates_in_the_order_of_the_first_outcome() -> None:
    """The comparator and what has just failed have no row, and what was not estimated has no figure."""
    by_outcome = {name: Names(LABELS, "main", name, "pooled") for name in ("life", "harm")}
    rankings = {"life": ranking(["new", "old"]), "harm": ranking(["newer", "old"])}
    relative = {"life": [effect("new", 0.5, "0.9", "direct")], "harm": [effect("newer", 2.0, "0.1", "direct")]}
    (found,) = balances(rankings, relative, by_outcome)
    words = {name: [(cell.estimate, cell.probability) for cell in cells] for name, cells in found.rows}
    assert words == {
        "New": [("0.50 (0.33 to 0.75)", "0.90"), ("–", "")],
        "Newer": [("–", ""), ("2.00 (1.33 to 3.00)", "0.10")],
    }
