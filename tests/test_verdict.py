"""What the first screen claims: nothing of what follows the priors, and no more than the interval shows."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from secondline.jobs.report_settings import figure_labels, is_avoided
from secondline.project.abbreviations import abbreviations
from secondline.project.config import Project
from secondline.report.page.first_screen import LONG, brief, harm_of
from secondline.report.prose.phrases import aim, small, spelled_out
from secondline.report.prose.verdict import Tables, compared, harm_sentence, verdict_of
from secondline.report.settings import Labels
from secondline.report.words import Names

from tests.test_certainty_report import certainty_of
from tests.test_plots import NETWORKS, SMOKING


def tables(**changes: Any) -> Tables:
    """Tables of the smoking network; changes are of every row of its effects."""
    relative = [{**row, **changes} for row in SMOKING.relative()]
    return Tables(SMOKING.ranking(), relative, None, SMOKING.names)


FIRST = "ind_counseling", "no_contact"


@pytest.mark.parametrize(
    ("limits", "expected"),
    [(("2.00", "1.50", "3.00"), "might be better than"), (("0.50", "0.30", "0.80"), "might be worse than")],
)
def test_a_clear_effect_is_said_with_its_certainty(limits: tuple[str, str, str], expected: str) -> None:
    """Without a judgement the weakest words are used, and that nobody judged is said."""
    effect = dict(zip(("estimate", "estimate_lower", "estimate_upper"), limits, strict=True))
    text = compared(tables(**effect, evidence="direct"), "overall", *FIRST)
    assert expected in text
    assert text.endswith("; certainty not judged.")


def test_an_interval_that_includes_no_effect_is_not_known() -> None:
    """Whichever way the estimate points."""
    effect = {"estimate": "1.40", "estimate_lower": "0.90", "estimate_upper": "2.20", "evidence": "direct"}
    assert compared(tables(**effect), "overall", *FIRST).endswith("is not known: odds ratio 1.40 (0.90 to 2.20).")


def test_nothing_is_claimed_of_an_effect_that_follows_the_priors() -> None:
    """Neither of benefit nor of harm, however far it lies from no effect."""
    effect = {"estimate": "3.00", "estimate_lower": "2.00", "estimate_upper": "4.00", "evidence": "prior_driven"}
    driven = tables(**effect)
    assert compared(driven, "overall", *FIRST).startswith("The studies cannot tell how")
    best = next(row for row in driven.ranking if row["treatment"] == FIRST[0])
    assert "the studies do not tell" in harm_sentence(driven, "overall", best)


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_nobody_is_better_where_nobody_is_named(name: str, tmp_path: Path) -> None:
    """In every made-up network and setting; and the pair whose certainty is shown is one that was judged."""
    network = NETWORKS[name]
    known = Tables(network.ranking(), network.relative(), certainty_of(tmp_path, network), network.names)
    for setting in ("overall", *network.settings):
        rows = [row for row in known.ranking if row["setting"] == setting]
        verdict = verdict_of(known, None, setting)
        named = any(row["named_first"] == "true" for row in rows)
        assert named or not any("is better than" in text or " be better than" in text for text in verdict.sentences)
        nobody = verdict_of(replace(known, ranking=[{**row, "named_first": "false"} for row in rows]), None, setting)
        assert not any(" be better than" in text for text in nobody.sentences)


def test_harm_is_the_other_outcome_of_a_pair() -> None:
    """Of a leading outcome alone."""
    pairs = [("pfs", "ae"), ("os", "ae"), ("os", "pfs")]
    assert [harm_of(name, ["os", "pfs"], pairs) for name in ("os", "pfs", "ae")] == ["ae", "ae", None]


def test_a_reason_is_cut_between_clauses() -> None:
    """Not within brackets, and without how far it moves the answer."""
    kept, more = (
        "The arms differ: class A (92% against 70%, difference 0.57)",
        "grade 1 (50% against 23%), and the score too",
    )
    fact = f"{kept}, {more}"
    assert brief(f"{fact}. Then the HR of b against a is 0.7 instead of 0.5.") == f"{fact}."
    assert brief(f"{fact} (−2.58 against −2.22). Then the HR is another.") == f"{kept}, grade 1 (50% against 23%)."
    assert brief("A short one; the comparison is with another.") == "A short one."
    assert all(len(brief(fact * n)) <= LONG + len(fact) for n in range(1, 4))


def test_labels_begin_with_a_small_letter_within_a_sentence() -> None:
    """But for abbreviations."""
    assert [small(text) for text in ("Regorafenib + ICI", "ICI", "No contact", "A", "")] == [
        *("regorafenib + ICI", "ICI", "no contact", "A", "")
    ]


ICI, TKI = "immune checkpoint inhibitor", "tyrosine kinase inhibitor"


def test_abbreviations_are_those_that_other_labels_spell_out() -> None:
    """By the first letters of words that follow each other; one that nothing spells out stays as it is."""
    spelled = ["Other tyrosine kinase inhibitor", "Immune checkpoint-inhibitor", "ICI"]
    assert abbreviations(["Other TKI + ICI", "PLD", "ICI, a TKI"], spelled) == {
        "TKI": TKI,
        "ICI": "immune checkpoint-inhibitor",
    }
    assert abbreviations(["ICI"], ["ICI", "Invasive ductal"]) == {}


def test_an_abbreviation_is_spelled_out_where_it_first_occurs() -> None:
    """Once in texts read one after another, also at the beginning of one; words that contain it stay."""
    names = Names(Labels(abbreviations={"ICI": ICI, "TKI": TKI}), "main")
    said = spelled_out(["Sorafenib + ICI, not sorafenib.", "ICI and ICIs.", "TKI + ICI.", "TKI."], names)
    assert said == [f"Sorafenib + {ICI} (ICI), not sorafenib.", "ICI and ICIs.", f"T{TKI[1:]} (TKI) + ICI.", "TKI."]


def test_the_first_screen_of_the_shipped_network_spells_its_abbreviations_out(project: Project) -> None:
    """From the labels of its components."""
    assert figure_labels(project).abbreviations == {"ICI": ICI, "TKI": TKI}


FOR = {
    "os": "overall survival",
    "pfs": "progression-free survival",
    "orr": "objective response",
    "dcr": "disease control",
    "response": "best overall response",
    "ae_any": "avoiding any adverse event",
    "ae_grade3": "avoiding adverse events of grade 3 or worse",
    "discontinuation": "avoiding discontinuation for toxicity",
}


def test_treatments_are_better_for_avoiding_events_and_for_survival(project: Project) -> None:
    """Every outcome of the shipped analysis after “better for”; of others, death but neither times nor scores."""
    labels = figure_labels(project)
    assert {name: aim(Names(labels, "primary", name)) for name in labels.outcomes} == FOR
    kinds = {
        "Death": ("HR", "lower"),
        "Time to relapse": ("HR", "lower"),
        "Pain": ("MD", "lower"),
        "Cure": ("OR", "higher"),
    }
    config = project.config.outcomes["os"]
    found = [
        is_avoided(config.model_copy(update={"label": label, "measure": measure, "better": better}))
        for label, (measure, better) in kinds.items()
    ]
    assert found == [True, False, False, False]
