"""Wherever a reader sees the label direct of an effect, it has its share: in tables, figures, sentences and exports."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from secondline.certainty.behind import COLUMNS, studies_behind
from secondline.report.direct import against_baseline, read_direct
from secondline.report.export.workbook import analysis_sheets
from secondline.report.prose.first import first_sentences
from secondline.report.words import Names
from secondline.tables import read_table, write_table

from tests.certainty_networks import contribution_rows
from tests.test_certainty_report import certainty_page
from tests.test_findings import PLACED
from tests.test_plots import SMOKING
from tests.test_report import DESIGN, names, network_report, ranking_rows, relative_pairs, settings_of

ROW = {"setting": "x", "treatment": "b", "evidence": "direct"}
SHARES = {("os", "m", "x", "b", "a"): "0.304"}
KNOWN = Names(SMOKING.labels, "main", "os", "m", direct=SHARES)


def test_the_share_is_said_of_effects_that_are_direct_and_of_no_others() -> None:
    """And not where it is not known: of another comparator, model or outcome."""
    assert KNOWN.evidence(ROW, "a") == "direct, 30%"
    assert KNOWN.evidence({**ROW, "evidence": "mixed_setting"}, "a") == "mixed-setting"
    assert KNOWN.evidence({**ROW, "evidence": "prior_driven"}, "a") == "prior-driven"
    for other in (replace(KNOWN, model="n"), replace(KNOWN, outcome="pfs"), replace(KNOWN, direct={})):
        assert other.evidence(ROW, "a") == "direct"
    assert KNOWN.evidence(ROW, "c") == "direct"
    assert against_baseline({**ROW, "baseline": "a ~ N(0, 1^2)"}, KNOWN) == "direct, 30%"
    assert against_baseline({**ROW, "baseline": "c ~ N(0, 1^2)"}, KNOWN) == "direct"


def test_shares_are_read_for_every_model_and_in_both_directions(tmp_path: Path) -> None:
    """By hand: in setting x of two studies that both compare b with a, and one of which compares c with a."""
    shares = [*contribution_rows(PLACED, "one"), *contribution_rows(PLACED, "two", prior=0.5)]
    rows = [row | {"setting_mix": "x:1"} for row in PLACED.evidence()]
    write_table(tmp_path / "behind.csv", studies_behind(shares, rows), COLUMNS)
    found = read_direct({"os": tmp_path / "behind.csv"})
    for model in ("one", "two"):
        for pair in (("b", "a"), ("a", "b")):
            assert float(found["os", model, "x", *pair]) == pytest.approx(1)
        for pair in (("c", "a"), ("a", "c")):
            assert float(found["os", model, "x", *pair]) == pytest.approx(10 / 11)
        assert float(found["os", model, "y", "b", "a"]) == 0
    assert not read_direct({})


def test_the_sentence_on_the_first_says_the_share_of_its_lead() -> None:
    """Behind the word direct, and of no other kind of evidence."""
    pairs = [{**row, "evidence": "direct"} for row in relative_pairs()]
    plain = first_sentences(ranking_rows(), pairs, "overall", DESIGN, names())[0]
    own = names()
    keys = [(own.outcome, own.model, row["setting"], row["treatment"], row["comparator"]) for row in pairs]
    said = first_sentences(ranking_rows(), pairs, "overall", DESIGN, replace(own, direct=dict.fromkeys(keys, "0.3")))[0]
    assert said == plain.replace("a direct comparison with", "a direct comparison (30% of the evidence) with")
    assert said != plain


def test_page_figures_and_workbook_have_the_shares_of_the_table(tmp_path: Path) -> None:
    """Against the reference in ranking, evidence map and forest plot; of every pair in explorer and workbook."""
    page, _ = certainty_page(tmp_path, SMOKING)
    here = tmp_path / "main" / "result"
    behind = read_table(here / "certainty" / "studies_behind.csv")
    shares = {frozenset((row["treatment"], row["comparator"])): float(row["direct_share"]) for row in behind}
    wanted = {
        name: f"direct, {100 * shares[frozenset((name, SMOKING.reference))]:.0f}%"
        for name in SMOKING.effects
        if name != SMOKING.reference
    }
    found = re.search(r'<script[^>]*id="explorer-data"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert found
    models = json.loads(found[1])["outcomes"]["result"]["models"]
    direct = {
        frozenset(row[:2]): row[8] for row in models["pooled"]["overall"]["effects"] if row[8].startswith("direct")
    }
    assert direct == {frozenset((name, SMOKING.reference)): words for name, words in wanted.items()}
    forest = (here / "pooled" / "figures" / "forest.svg").read_text(encoding="utf-8")
    rankings = page[page.index('id="section-rankings"') : page.index('id="section-checking"')]
    for words in wanted.values():
        assert f">{words}<" in forest
        assert f"<td>{words}</td>" in rankings
        assert f"{words}</span>" in page
    write_table(tmp_path / "main" / "summary" / "league_pairs.csv", [], ("below", "above"))
    given = settings_of(SMOKING.labels, outcomes=["result"], certainty={"result": ()})
    sheets = {sheet.name: sheet.rows for sheet in analysis_sheets(tmp_path / "main", [], given)}
    for row in sheets["Relative effects"]:
        assert float(row["direct_share"]) == pytest.approx(shares[frozenset((row["treatment"], row["comparator"]))])


def test_an_analysis_whose_contributions_are_not_traced_has_plain_labels(tmp_path: Path) -> None:
    """In page and forest plot alike."""
    page = network_report(tmp_path, SMOKING)
    assert "direct, " not in (tmp_path / "main/result/pooled/figures/forest.svg").read_text(encoding="utf-8")
    assert not re.search(r"direct, [\d.]+%", page)
