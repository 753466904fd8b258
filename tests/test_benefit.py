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
            "candidate_sucra": repr(1 - k / 10),
            "evidence": "reference" if treatment == "old" else "direct",
        }
        for k, treatment in enumerate(order)
    ]
    return [*rows, {**rows[0], "treatment": "gone", "candidate": "false", "candidate_sucra": "", "evidence": "direct"}]


def effect(treatment: str, estimate: float, p_margin: str, evidence: str) -> dict[str, str]:
    """Row of relative_effects.csv against the reference."""
    limits = {"estimate_lower": repr(estimate / 2), "estimate_upper": repr(estimate * 2)}
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
        "New": [("0.50 (0.25 to 1.00)", "0.90"), ("–", "")],
        "Newer": [("–", ""), ("2.00 (1.00 to 4.00)", "0.10")],
    }
