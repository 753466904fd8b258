"""The report: every number from a table, only candidates named first, nothing fetched from anywhere."""

import re
from pathlib import Path

import pytest
from nma.report.inline import inline_svg
from nma.report.plots import plot_analysis, plot_outcome
from nma.report.report import write_report
from nma.report.sentences import best_candidate, best_sentences, design_words
from nma.report.words import Names

from tests.test_plots import (
    DENSITIES,
    EDGE_ROWS,
    EVIDENCE_ROWS,
    HETEROGENEITY,
    LABELS,
    SETTINGS,
    TREATMENTS,
    names,
    probability_rows,
    ranking_rows,
    relative_rows,
    write_rows,
)

DESIGN = "from non-randomised studies only (retrospective cohort)"


def relative_pairs():
    """Rows of relative_effects.csv: against the reference, and of the first against the next candidates."""
    extra = [
        {**row, "treatment": better, "comparator": worse, "p_better": "0.61", "evidence": "indirect"}
        for row in relative_rows()[::3]
        for k, better in enumerate(TREATMENTS)
        for worse in TREATMENTS[:k]
        if worse != "placebo"
    ]
    return [{**row, "p_better": "0.72"} for row in relative_rows()] + extra


def sensitivity_rows():
    """Rows of sensitivity.csv in which leaving out study two turns the ranking round."""
    rows = []
    for analysis in ("main", "main_without_two"):
        for row in ranking_rows():
            value = float(row["sucra"]) if analysis == "main" else 1 - float(row["sucra"])
            names_of_row = {key: row[key] for key in ("outcome", "model", "setting", "treatment", "p_best")}
            rows.append({"analysis": analysis, **names_of_row, "sucra": str(value)})
    return rows


def write_project(folder: Path, converged="true"):
    """Write the tables and figures of a network that has nothing to do with any real one."""
    ranking = [
        {**row, "median_rank": "2", "rank_lower": "1", "rank_upper": "4", "poth": "0.5"}
        for row in ranking_rows(converged=converged)
    ]
    here = folder / "main" / "pain"
    evidence = [
        {**row, "events": "7", "n": "40", "criterion": "", "derived": "", "informative": "true", "reason": ""}
        for row in EVIDENCE_ROWS
    ]
    excluded = {**evidence[0], "study": "three", "used": "false", "reason": "excluded: it is <odd>"}
    write_rows(here / "evidence.csv", [*evidence, excluded])
    write_rows(here / "network" / "edges.csv", EDGE_ROWS)
    model = here / "pooled"
    write_rows(model / "relative_effects.csv", relative_pairs())
    write_rows(model / "ranking.csv", ranking)
    write_rows(model / "rank_probabilities.csv", probability_rows())
    write_rows(model / "heterogeneity.csv", HETEROGENEITY)
    write_rows(model / "densities.csv", DENSITIES)
    league = [
        {"setting": s, "treatment": t, **{c: "" if c == t else "1.11 (0.51 to 2.22)" for c in TREATMENTS}}
        for s in SETTINGS
        for t in TREATMENTS
    ]
    write_rows(model / "league_table.csv", league)
    mixture = {"study": "two", "treatment_arm": "b", "comparator_arm": "a"}
    figures = {"linear": "-0.5", "marginal": "-0.375", "error": "0.125", "se": "0.3"}
    write_rows(model / "mixtures.csv", [{**mixture, **figures}])
    statistics = ("residual_deviance", "p_d", "dic", "elpd_loo", "elpd_loo_se", "p_loo")
    write_rows(model / "fit_statistics.csv", [{"data_points": "4", **dict.fromkeys(statistics, "4.321")}])
    check = [{"parameter": "tau", "quantity": "mean", "z": z, "pareto_k": k} for z, k in (("-3.25", "0.4"), ("1", ""))]
    write_rows(model / "exact_check.csv", check)
    write_rows(folder / "main" / "summary" / "ranking.csv", ranking)
    fit = {"outcome": "pain", "model": "pooled", "converged": converged, "draws": "4000", "divergences": "0"}
    fit |= {"min_ess_bulk": "1234.5", "max_r_hat": "1.00123", "versions": "python 3 pymc 6"}
    write_rows(folder / "main" / "summary" / "fits.csv", [fit])
    write_rows(folder / "summary" / "sensitivity.csv", sensitivity_rows())
    write_rows(folder / "evidence" / "effects.csv", [{"study": "one", "outcome": "other"}])
    finding = {"study": "one", "item": "pain", "check": "percentage", "severity": "error"}
    finding |= {"reported": "12.5", "recomputed": "13.123456", "message": "does not add up"}
    write_rows(folder / "evidence" / "audit.csv", [finding])
    plot_outcome(here, "pain", ["pooled"], LABELS, "main")
    plot_analysis(folder / "main", LABELS, "main")


def report(folder: Path):
    """Write and read the report of the network in a folder."""
    study = {"design": "retrospective_cohort", "citation": "A. Author. A title.", "arms": {"a": "Arm A", "b": "Arm B"}}
    settings = {
        "analysis": "main",
        "outcomes": ["pain"],
        "models": ["pooled"],
        "headline_figures": ["forest", "rankogram", "heterogeneity"],
        "labels": LABELS,
        "not_candidates": {"acute": ["gamma"]},
        "studies": {"one": study, "two": study, "three": study},
        "leave_one_out": "main",
        "seed": 11,
    }
    write_report(folder, settings, folder / "main" / "report.html")
    return (folder / "main" / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Report of a network that converged."""
    folder = tmp_path_factory.mktemp("results")
    write_project(folder)
    return report(folder)


def test_sentences_hold_the_numbers_of_the_table():
    """SUCRA, its interval and P(best) are those of the row of the best candidate."""
    sentences = best_sentences(ranking_rows(), relative_pairs(), "overall", DESIGN, names())
    assert sentences[0] == (
        "Gamma ranks first among the candidates: SUCRA 1.00 (95% equal-tailed credible interval 0.70 to 1.00), "
        "P(best) 0.50, but prior-driven: its effect against Placebo leans on the prior, "
        f"{DESIGN}."
    )
    assert "P(better) 0.61" in sentences[1]


def test_a_treatment_that_is_no_candidate_is_never_named_first():
    """The best of a setting that is no candidate there is mentioned as such, not as first."""
    best = best_candidate(ranking_rows(), "acute")
    assert best is not None
    assert best["treatment"] == "beta_long"
    text = " ".join(best_sentences(ranking_rows(), relative_pairs(), "acute", DESIGN, names()))
    assert text.startswith(LABELS["regimens"]["beta_long"])
    assert "Gamma ranks first" not in text
    assert "Gamma has a higher SUCRA (1.00) but is not a candidate here." in text


def test_a_setting_without_candidates_names_nobody():
    """No candidate, no winner."""
    rows = [{**row, "candidate": "false"} for row in ranking_rows()]
    assert best_candidate(rows, "acute") is None
    assert best_sentences(rows, [], "acute", DESIGN, names()) == ["No treatment of this network is a candidate here."]


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ("direct", "on direct evidence against Placebo"),
        ("indirect", "on indirect evidence against Placebo"),
        ("extrapolated", "extrapolated from other settings"),
        ("prior_driven", "but prior-driven"),
    ],
)
def test_the_weakness_of_the_evidence_stands_in_the_same_sentence(evidence, words):
    """Rank, evidence label and design share one sentence."""
    rows = [{**row, "evidence": evidence} if row["treatment"] == "gamma" else row for row in ranking_rows()]
    first = best_sentences(rows, relative_pairs(), "overall", DESIGN, names())[0]
    assert words in first
    assert "non-randomised" in first


def test_the_reference_as_the_best_is_said_to_be_the_reference():
    """Its evidence is that against the next candidate."""
    swap = {"gamma": "placebo", "placebo": "gamma"}
    rows = [{**row, "treatment": swap.get(row["treatment"], row["treatment"])} for row in ranking_rows()]
    rows = [{**row, "evidence": "reference" if row["treatment"] == "placebo" else "direct"} for row in rows]
    pair = {**relative_pairs()[0], "treatment": "placebo", "comparator": "beta_long", "evidence": "indirect"}
    first = best_sentences(rows, [pair], "overall", DESIGN, names())[0]
    assert first.startswith("Placebo ranks first")
    assert "itself the reference" in first
    assert "indirect" in first


@pytest.mark.parametrize(
    ("designs", "words"),
    [
        (("randomised_trial", "randomised_trial"), "randomised trials only"),
        (("retrospective_cohort", "retrospective_cohort"), "non-randomised studies only (retrospective cohort)"),
        (("randomised_trial", "prospective_cohort"), "1 non-randomised of 2 studies"),
    ],
)
def test_designs_in_words(designs, words):
    """Designs come from the study sheets, of the studies that are used."""
    assert words in design_words(EVIDENCE_ROWS, dict(zip(("one", "two"), designs, strict=True)))


def test_report_shows_the_tables(page):
    """Numbers of every table appear, formatted."""
    shown = re.sub(r"\s+", " ", page)
    for text in (
        "1.11 (0.51 to 2.22)",
        "0.125",
        "3.25",
        "τ learned nothing from the data",
        "excluded: it is &lt;odd&gt;",
        "Everything, leaving out two",
        "does not add up",
        "13.12",
        "Seed 11",
        "1.0012",
        "7 / 40",
        "95% equal-tailed credible interval",
        "OR above 1 favours the treatment",
    ):
        assert text in shown, text
    assert 'role="alert"' not in page


def test_sensitivity_names_the_first_candidate_of_every_analysis(page):
    """Leaving out study two turns the ranking round: Placebo comes first there."""
    row = re.search(r"leaving out two</th>(.*?)</tr>", page, re.DOTALL)
    assert row is not None
    assert re.findall(r"<td>(.*?)</td>", row[1])[:3] == ["4", "Placebo", "1.00"]


def test_report_fetches_nothing(page):
    """No script, no address to fetch from, no import in a style."""
    assert not re.search(r"<script|<link|<img|<iframe|@import", page)
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
    assert not re.search(r"url\((?!#)", page)
    assert page.count("<svg") == 5


def test_ids_are_unique_and_links_arrive(page):
    """Several figures share the page without sharing ids."""
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', page)) <= set(ids)


def test_tables_have_captions_and_scopes(page):
    """What a screen reader needs."""
    assert page.count("<table>") == page.count("<caption>")
    assert page.count('scope="col"') == page.count('<th scope="col"')
    assert "<th>" not in page
    assert "prefers-color-scheme: dark" in page


def test_a_failed_fit_is_announced_at_the_top(tmp_path):
    """The red box stands before the first result, and the sentence repeats it."""
    write_project(tmp_path, converged="false")
    text = report(tmp_path)
    assert 'class="failed" role="alert"' in text
    assert text.index('role="alert"') < text.index("ranks first")
    assert "Pain relief at twelve weeks, model “pooled”" in text
    assert "NOT CONVERGED, do not use" in text


def test_code_and_template_know_no_field():
    """Every name comes from labels."""
    folder = Path(inline_svg.__code__.co_filename).parent
    for file in [*folder.glob("*.py"), *folder.glob("*.j2")]:
        assert not re.search(r"nib\b|sorafenib|hepato|\bHCC\b|\bICI\b|\bTKI\b", file.read_text(encoding="utf-8"))


def test_an_id_without_a_label_stands_for_itself():
    """Ids of other networks are shown as they are."""
    assert Names(LABELS, "main", "pain").regimen("unheard_of") == "unheard_of"
