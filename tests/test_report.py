"""The report: every number from a table, only candidates named first, nothing fetched from anywhere."""

import contextlib
import re
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from secondline.cell_values import EXPONENTIAL
from secondline.jobs.report_settings import figure_labels, figures_of, report_inputs, report_settings
from secondline.layout import RANKED
from secondline.measures import MEASURES
from secondline.network.arms import used_arms
from secondline.project.config import Project
from secondline.project.read import read_project
from secondline.report.figures.draw_all import plot_analysis, plot_outcome
from secondline.report.figures.splits import splits_of
from secondline.report.page.folding import unfold
from secondline.report.page.inline import inline_svg
from secondline.report.page.outcome import Sources
from secondline.report.page.page import write_report
from secondline.report.prose.answer import answer_cards
from secondline.report.prose.first import closeness, first_of, first_sentences
from secondline.report.prose.sentences import design_words, fit_sentences, inconsistency_sentences
from secondline.report.settings import (
    AnalysisFacts,
    AttemptFacts,
    Labels,
    MethodsFacts,
    ModelFacts,
    OutcomeFacts,
    PriorFacts,
    ReportSettings,
    SamplerFacts,
    StudyFacts,
)
from secondline.report.tables import checks
from secondline.report.tables.results import absolute_table, assumption_sentences, evidence_tables
from secondline.report.titles import analysis_under, heading, subject
from secondline.report.twin import twin
from secondline.report.words import Names
from secondline.sd_priors import HalfNormal

from tests.conftest import ROOT
from tests.test_plots import (
    DENSITIES,
    DIRECTIONS,
    EDGE_ROWS,
    EVIDENCE_ROWS,
    HETEROGENEITY,
    LABELS,
    LOOPS,
    OFF_TIME,
    SETTINGS,
    SMOKING,
    STUCK,
    TREATMENTS,
    TWO,
    Network,
    among_candidates,
    names,
    obvious,
    probability_rows,
    ranking_rows,
    relative_rows,
    write_network,
    write_rows,
)

BETA = LABELS.regimens["beta_long"]
DESIGN = "from non-randomised studies only (retrospective cohorts)"


def relative_pairs():
    """Rows of relative_effects.csv: against the reference, and of the first against the next candidates."""
    extra = [
        {**row, "treatment": better, "comparator": worse, "p_better": "0.61", "p_margin": "0.5", "evidence": "indirect"}
        for row in relative_rows()[::3]
        for k, better in enumerate(TREATMENTS)
        for worse in TREATMENTS[:k]
        if worse != "placebo"
    ]
    return [{**row, "p_better": "0.72", "p_margin": "0.55"} for row in relative_rows()] + extra


def sensitivity_rows():
    """Rows of sensitivity.csv in which leaving out study two turns the ranking round."""
    rows = []
    effects = {(row["setting"], row["treatment"]): row for row in relative_rows()}
    turned = [{**row, "sucra": repr(1 - float(row["sucra"]))} for row in ranking_rows()]
    ranks = {
        "main": ranking_rows(),
        "main_without_two": [
            row for place in SETTINGS for row in among_candidates([row for row in turned if row["setting"] == place])
        ],
    }
    for analysis, adjustment in (("main", "adjusted:1 crude:1"), ("main_without_two", "adjusted:1")):
        for row in ranks[analysis]:
            names_of_row = {key: row[key] for key in ("outcome", "model", "setting", "treatment", *RANKED)}
            effect = effects.get((row["setting"], row["treatment"]), {"comparator": "gamma"})
            estimates = {key: effect.get(key, "1") for key in ("estimate", "estimate_lower", "estimate_upper")}
            rows.append(
                {
                    "analysis": analysis,
                    **names_of_row,
                    "comparator": effect["comparator"],
                    **estimates,
                    "adjustment": adjustment,
                }
            )
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
    write_rows(here / "network" / "observed.csv", [])
    model = here / "pooled"
    write_rows(model / "relative_effects.csv", relative_pairs())
    write_rows(model / "ranking.csv", ranking)
    write_rows(model / "rank_probabilities.csv", probability_rows())
    write_rows(model / "heterogeneity.csv", HETEROGENEITY)
    write_rows(model / "densities.csv", DENSITIES)
    write_rows(model / "data_points.csv", [{"study": "one", "data_point": "a", "deviance": "1", "leverage": "0.5"}])
    write_checks(model, LABELS.regimens, SETTINGS)
    mixture = {"study": "two", "treatment_arm": "b", "comparator_arm": "a"}
    figures = {"linear": "-0.5", "marginal": "-0.375", "error": "0.125", "se": "0.3"}
    write_rows(model / "mixtures.csv", [{**mixture, **figures}])
    plot_outcome(here, "pain", ["pooled"], LABELS, "main")
    write_rows(folder / "summary" / "sensitivity.csv", sensitivity_rows())
    write_analysis(folder, "pain", ranking, converged)
    plot_analysis(folder / "main", LABELS, "main")


NO_CHECK = "no exact check: only 12 of its draws carry the weight"


def write_checks(model: Path, treatments: Any, settings: Any):
    """Write the tables of a model that only the report reads."""
    league = [
        {"setting": s, "treatment": t, **{c: "" if c == t else "1.11 (-0.51 to 2.22)" for c in treatments}}
        for s in settings
        for t in treatments
    ]
    write_rows(model / "league_table.csv", league)
    write_rows(model / "mixtures.csv", [])
    write_rows(model / "absolute_effects.csv", [])
    write_rows(model / "conversions.csv", [])
    slope = {"parameter": "slope[age]", "median": "0.66", "lower": "-0.28", "upper": "1.6", "prior": "normal(0, 3)"}
    for name in ("relative_effects", "ranking", "heterogeneity"):
        write_rows(model.parent / "frequentist" / f"{name}.csv", [])
    write_rows(model / "coefficients.csv", [{**slope, "evidence": "prior_driven", "centre": "61.5"}])
    statistics = ("residual_deviance", "p_d", "dic", "elpd_loo", "elpd_loo_se", "p_loo")
    write_rows(
        model / "fit_statistics.csv", [{"data_points": "4", "left_out": "", **dict.fromkeys(statistics, "4.321")}]
    )
    by_study = (("one", "0.21", "psis"), ("two", "0.83", "psis"), ("three", "", "refit"))
    loo = [{"study": name, "elpd_loo": "-1", "pareto_k": k, "method": method} for name, k, method in by_study]
    write_rows(model / "loo.csv", loo)
    check = [{"parameter": "tau", "quantity": "mean", "z": z, "pareto_k": k} for z, k in (("-3.25", "0.4"), ("1", ""))]
    write_rows(model / "exact_check.csv", [{**row, "status": "checked"} for row in check])


def write_analysis(folder: Path, outcome: str, ranking: Any, converged: str = "true", study: str = "one"):
    """Write the tables about all outcomes and all studies, with one finding about a study."""
    write_rows(folder / "main" / "summary" / "ranking.csv", ranking)
    fit = {"outcome": outcome, "model": "pooled", "converged": converged, "draws": "4000", "divergences": "0"}
    fit |= {"exact_check": NO_CHECK, "min_ess_bulk": "1234.5", "max_r_hat": "1.00123", "versions": "python 3 pymc 6"}
    fit |= {"engine": "sampled", "mcse_mean_ratio": "0.0123", "mcse_limit_ratio": "0.0321"}
    write_rows(folder / "main" / "summary" / "fits.csv", [fit])
    write_rows(folder / "evidence" / "effects.csv", [{"study": study, "outcome": "other", "selected": "true"}])
    write_rows(folder / "evidence" / "derivation.csv", [{"study": study, "outcome": "other", "method": "any"}])
    finding = {"study": study, "item": "pain", "check": "percentage", "severity": "error"}
    finding |= {"reported": "12.5", "recomputed": "13.123456", "message": "does not add up"}
    write_rows(folder / "evidence" / "audit.csv", [finding])
    seconds = {"import_s": "2.5", "compile_s": "0.4", "sampling_s": "3.25", "other_s": "0"}
    names = {"analysis": "main", "outcome": outcome, "model": "pooled"}
    write_rows(folder / "main" / outcome / "timings.csv", [{**names, **seconds}])


def method_facts(labels: Labels) -> MethodsFacts:
    """Return what the methods text says of the configuration of a made-up network."""
    outcomes = {
        name: OutcomeFacts(
            measure=measure,
            likelihood="binomial_logit" if MEASURES[measure].is_ratio else "contrasts",
            better=labels.better[name],
            margin=labels.margins[name],
            prior="vague",
            ratio=MEASURES[measure].is_ratio,
        )
        for name, measure in labels.measures.items()
    }
    first = AttemptFacts(draws=1234, tune=567, target_accept=0.87)
    retry = AttemptFacts(draws=4321, tune=765, target_accept=0.98)
    return MethodsFacts(
        outcomes=outcomes,
        ladder=("adjusted_hr", "medians_ci"),
        models={"pooled": ModelFacts(heterogeneity=True)},
        priors={
            "vague": PriorFacts(
                effect=7.5, tau=HalfNormal(0.6), omega=HalfNormal(0.3), baseline=8.5, slope=7.5, cutpoint=1.5
            )
        },
        sampler=SamplerFacts(chains=3, first=first, retry=retry, most=9876),
        plain=True,
        reference=next(iter(labels.regimens.values())),
        settings=[label for name, label in labels.settings.items() if name != "overall"],
        analyses={name: AnalysisFacts(label=label) for name, label in labels.analyses.items()},
    )


def settings_of(labels: Labels, **changes: Any) -> ReportSettings:
    """Return the settings of a report."""
    study = StudyFacts(design="retrospective_cohort", citation="A. Author. A title.", arms={"a": "Arm A", "b": "Arm B"})
    settings = ReportSettings(
        analysis="main",
        outcomes=["pain"],
        lead=changes.get("outcomes", ["pain"]),
        models=["pooled"],
        headline_figures=["forest", "rankogram", "cumulative_ranks", "leverage", "heterogeneity"],
        labels=labels,
        studies={"one": study, "two": study, "three": study},
        leave_one_out="main",
        seed=11,
        methods=method_facts(labels),
        commit="0123abcd",
    )
    return replace(settings, **changes)


def write_and_read(folder: Path, settings: Any) -> str:
    """Write a report and read it."""
    sources = Sources(folder / "main", folder / "evidence", folder / "summary" / "sensitivity.csv")
    write_report(sources, settings, folder / "main" / "report.html")
    return unfold((folder / "main" / "report.html").read_text(encoding="utf-8"))


def report(folder: Path, **changes: Any) -> str:
    """Write and read the report of the network in a folder."""
    return write_and_read(folder, settings_of(LABELS, **changes))


def network_report(folder: Path, network: Network, pairs: Any = (), stuck: Any = (), **changes: Any) -> str:
    """Write and read the report of a made-up network without settings."""
    here = folder / "main" / "result"
    write_network(here, network, pairs, stuck)
    write_checks(here / "pooled", network.effects, ("overall",))
    absolute = changes.pop("absolute", [])
    write_rows(here / "pooled" / "absolute_effects.csv", absolute)
    write_rows(here / "pooled" / "conversions.csv", changes.pop("conversions", []))
    write_rows(here / "network" / "observed.csv", [])
    behind = str(here / "certainty" / "studies_behind.csv") if changes.get("certainty") else None
    plot_outcome(here, "result", ["pooled"], network.labels, "main", inconsistency=True, behind=behind)
    ranking = network.ranking()
    ranks = {(row["setting"], row["treatment"]): row for row in ranking}
    kept = ("outcome", "model", *RANKED)
    write_rows(
        folder / "summary" / "sensitivity.csv",
        [
            {
                "analysis": "main",
                **{key: ranks[row["setting"], row["treatment"]][key] for key in kept},
                **{key: row[key] for key in row if key not in kept},
                "adjustment": "crude:3",
            }
            for row in network.relative()
        ],
    )
    write_analysis(folder, "result", ranking, study=next(iter(network.designs)))
    plot_analysis(
        folder / "main",
        network.labels,
        "main",
        ["result"] if absolute else [],
        behind={"result": behind} if behind else None,
    )
    studies = {name: StudyFacts(citation="A data set of old trials") for name in network.designs}
    more = {"studies": studies, "leave_one_out": None, "inconsistency": "main", **changes}
    return write_and_read(folder, settings_of(network.labels, outcomes=["result"], **more))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Report of a network that converged."""
    folder = tmp_path_factory.mktemp("results")
    write_project(folder)
    return report(folder)


def test_sentences_hold_the_numbers_of_the_table():
    """SUCRA, its interval and P(best) among the candidates, and the evidence of the effect that the rank rests on."""
    sentences = first_sentences(ranking_rows(), relative_pairs(), "overall", DESIGN, names())
    assert sentences[0] == (
        "Gamma ranks first among the candidates: SUCRA 1.00 (95% equal-tailed credible interval 0.70 to 1.00), "
        f"P(best) 0.50, based on an indirect comparison with the next candidate, {BETA}, {DESIGN}."
    )
    assert sentences[1].startswith(f"Against {BETA}: OR ")
    assert "P(better) 0.61" in sentences[1]


def test_a_treatment_that_is_no_candidate_is_never_named_first():
    """The best of a setting that is no candidate there is mentioned as such, not as first."""
    best = first_of(ranking_rows(), "acute")
    assert best is not None
    assert best["treatment"] == "beta_long"
    text = " ".join(first_sentences(ranking_rows(), relative_pairs(), "acute", DESIGN, names()))
    assert text.startswith(LABELS.regimens["beta_long"])
    assert "Gamma ranks first" not in text
    assert "Among all treatments, Gamma has a higher SUCRA (1.00) but is not a candidate here." in text


def test_a_setting_without_candidates_names_nobody():
    """No candidate, no winner."""
    rows = [{**row, "candidate": "false"} for row in ranking_rows()]
    assert first_of(rows, "acute") is None
    assert first_sentences(rows, [], "acute", DESIGN, names()) == ["No treatment in this network is a candidate here."]


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ("direct", "based on a direct comparison with the next candidate"),
        ("indirect", "based on an indirect comparison with the next candidate"),
        ("extrapolated", "(extrapolated from other settings, as not both were given here)"),
        ("mixed_setting", "(in a study of several settings combined)"),
    ],
)
def test_the_weakness_of_the_evidence_stands_in_the_same_sentence(evidence, words):
    """Rank, evidence of the effect against the next, and design share one sentence."""
    pairs = [{**row, "evidence": evidence} if row["comparator"] != "placebo" else row for row in relative_pairs()]
    first = first_sentences(ranking_rows(), pairs, "overall", DESIGN, names())[0]
    assert words in first
    assert "non-randomised" in first


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (
            "prior_driven",
            f"the difference between Gamma and {BETA} is prior-driven. Gamma against {BETA}: OR ",
        ),
        (
            "p_better",
            f"Gamma and {BETA}, which have the highest SUCRAs, are too close to separate. Gamma against {BETA}: OR ",
        ),
        (
            "criteria_disagree",
            "SUCRA favours Gamma (1.00), P(best) favours Gamma (0.50) and the posterior mean favours Gamma.",
        ),
    ],
)
def test_nobody_is_named_and_the_reason_is_given(reason, words):
    """The sentence says why, the card has no order, and no treatment ranks first."""
    rows = ranking_rows(not_named=reason)
    sentences = first_sentences(rows, relative_pairs(), "overall", DESIGN, names())
    assert sentences[0].startswith(f"No treatment can be named first: {words}")
    assert sentences[1] == f"The evidence comes {DESIGN}."
    assert "ranks first" not in " ".join(sentences)
    card = answer_cards(rows, relative_pairs(), names())[0]
    assert not card.named
    assert [place.treatment for place in card.places] == [LABELS.regimens[name] for name in TREATMENTS]
    assert not any(place.evidence for place in card.places)
    assert (
        closeness([rows[:4], ranking_rows()[:4]], "pain")[0]
        == "In 1 of 2 rankings (pain), no treatment can be named first."
    )


def test_candidates_without_a_rank_are_named_as_such():
    """One is prior-driven against all others; where all are, the sentence says what the data still link."""
    rows = ranking_rows(unplaced=("gamma",))
    text = " ".join(first_sentences(rows, relative_pairs(), "overall", DESIGN, names()))
    assert text.startswith(f"{BETA} ranks first")
    assert "Not ranked, prior-driven: Gamma." in text
    assert answer_cards(rows, relative_pairs(), names())[0].unranked == ["Gamma"]
    nobody = ranking_rows(unplaced=TREATMENTS)
    linked = {("gamma", "alpha"), ("alpha", "gamma")}
    pairs = [
        {"setting": "overall", "treatment": t, "comparator": c}
        | {"evidence": "indirect" if (t, c) in linked else "prior_driven"}
        for t, c in permutations(TREATMENTS, 2)
    ]
    assert first_sentences(nobody, pairs, "overall", DESIGN, names())[0] == (
        "No treatment can be named first: the effects between the candidates are prior-driven, except those among "
        "Alpha and Gamma."
    )


def test_rechallenge_is_said_with_its_reason():
    """A candidate that contains a failed drug."""
    said = first_sentences(ranking_rows(), relative_pairs(), "overall", DESIGN, names(), {"alpha": "it was tolerated"})
    assert said[-1] == "Alpha contains a drug that failed here; rechallenge is allowed: it was tolerated."


@pytest.mark.parametrize(
    ("designs", "words"),
    [
        (("randomised_trial", "randomised_trial"), "randomised trials only"),
        (("retrospective_cohort", "retrospective_cohort"), "non-randomised studies only (retrospective cohorts)"),
        (("randomised_trial", "prospective_cohort"), "from 2 studies, 1 of them non-randomised"),
        (("", ""), "from 2 studies of undeclared design"),
        (("", "prospective_cohort"), "from 2 studies, 1 of them non-randomised, 1 of undeclared design"),
    ],
)
def test_designs_in_words(designs, words):
    """Designs come from the study sheets, of the studies that are used."""
    assert words in design_words(EVIDENCE_ROWS, dict(zip(("one", "two"), designs, strict=True)))


def test_report_shows_the_tables(page):
    """Numbers of every table appear, formatted."""
    shown = re.sub(r"\s+", " ", page)
    for text in (
        "0.125",
        "3.25",
        "τ is not informed by the data",
        "excluded: it is &lt;odd&gt;",
        "leaving out two",
        "slope of age, per unit",
        "0.66 (−0.28 to 1.60)",
        "61.50",
        "does not add up",
        "13.12",
        "The base seed is 11",
        "1.0012",
        "7 / 40",
        "95% equal-tailed credible interval",
        "OR above 1 favours the treatment",
        "refits, PSIS: k 0.83 (two, unreliable)",
        "1.11 (−0.51 to 2.22)",
        "Not assessed in this run.",
        "No data point has deviance and leverage that add up to more than 3.",
    ):
        assert text in shown, text
    assert 'role="alert"' not in page


def test_a_model_has_one_figure_of_its_predictive_accuracy(page):
    """In the table of fit statistics; of the densities by study the page says by which method alone."""
    columns = [cell for cell in re.findall(r"<th[^>]*>(.*?)</th>", page, re.DOTALL) if "elpd" in cell]
    assert len(columns) == 1
    assert visible(page).count("4.32 (4.32)") == 1


def test_sensitivity_names_the_first_candidate_of_every_analysis(page):
    """Leaving out study two turns the ranking round: Placebo comes first there."""
    rows = re.findall(r"leaving out two</th>(.*?)</tr>", page, re.DOTALL)
    found = [re.findall(r"<td[^>]*>(.*?)</td>", row)[:3] for row in rows]
    assert ["4", "Placebo", "1.00"] in found
    assert {first for _, first, _ in found} == {"Placebo"}


def test_report_fetches_nothing(page):
    """No script from elsewhere, no address to fetch from, no import in a style."""
    assert not re.search(r"<script[^>]*src|<link|<img|<iframe|@import|fetch\(|XMLHttpRequest|import\(", page)
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
    assert not re.search(r"url\((?!#)", page)
    assert page.count("<figure") == 7


def test_ids_are_unique_and_links_arrive(page):
    """Several figures share the page without sharing ids."""
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', page)) <= set(ids)


def test_tables_have_captions_and_scopes(page):
    """What a screen reader needs."""
    assert len(re.findall("<table[ >]", page)) == page.count("<caption>")
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


def test_frequentist_twin_stands_beside_the_fit_or_is_said_to_be_missing():
    """Effects against the reference by both; for counts there is none, in words."""
    rows = [{**row, "setting": "overall"} for row in TWO.relative()]
    scores = [{"treatment": name, "p_score": "0.25"} for name in TWO.effects]
    blank = {"design": "", "df": "", "p_value": ""}
    heterogeneity = [
        {**blank, "statistic": "tau (restricted maximum likelihood)", "value": "0.1234"},
        {**blank, "statistic": "Q between designs", "value": "0.2567", "df": "1", "p_value": "0.612"},
    ]
    found = twin([rows, scores, heterogeneity], rows, TWO.ranking(), TWO.names)
    text = " ".join(found["sentences"])
    assert "likelihood estimate of τ is 0.12." in text
    assert "Q between designs is 0.26 (df 1, p = 0.61)." in text
    reference = TWO.names.regimen(TWO.reference)
    by_name = {row[0]: row for row in found["table"].rows}
    assert by_name[reference][1:3] == ["–", "–"]
    other = next(row for row in rows if row["comparator"] == TWO.reference)
    assert by_name[TWO.names.regimen(other["treatment"])][1] == TWO.names.estimate(other)
    assert "normal approximation" in twin([[], [], []], rows, TWO.ranking(), TWO.names)["sentences"][0]


def test_a_report_says_where_all_analyses_are_compared(tmp_path):
    """One of several analyses compares its own models, and needs no fit of another."""
    write_project(tmp_path)
    own, other = (" ".join(visible(report(tmp_path, compared_in=label)).split()) for label in (None, "Everything"))
    elsewhere = "are compared in the report of “Everything” and in summary/sensitivity.csv"
    assert "in every other analysis and with each study left out" in own
    assert elsewhere not in own
    assert elsewhere in other
    assert "in every other analysis" not in other


def test_a_headline_model_without_heterogeneity_has_a_report(tmp_path):
    """No figure of a heterogeneity that the model does not have; everything else is there."""
    write_project(tmp_path)
    write_rows(tmp_path / "main" / "pain" / "pooled" / "heterogeneity.csv", [])
    text = report(tmp_path, headline_figures=["forest", "rankogram", "cumulative_ranks", "leverage"])
    assert text.count("<figure") == 6
    assert "leverage, plotted against the square root" in text
    assert "pain-heterogeneity" not in text


def test_code_and_template_know_no_field():
    """Every name comes from labels."""
    folder = Path(inline_svg.__code__.co_filename).parent
    captions = ROOT / "workflow" / "report"
    templates = [file for file in (folder / "templates").rglob("*") if file.is_file()]
    assert len(templates) > 10
    for file in [*folder.glob("*.py"), *templates, *captions.glob("*.rst")]:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"nib\b|sorafenib|hepato|\bHCC\b|\bICI\b|\bTKI\b|failure|first line", text), file


def test_an_id_without_a_label_stands_for_itself():
    """Ids of other networks are shown as they are."""
    assert Names(LABELS, "main", "pain").regimen("unheard_of") == "unheard_of"


@pytest.fixture(scope="module")
def smoking_page(tmp_path_factory):
    """Report of a network without settings, sheets or candidates."""
    return network_report(tmp_path_factory.mktemp("smoking"), SMOKING, LOOPS["smoking"])


@pytest.fixture(scope="module")
def off_time_page(tmp_path_factory):
    """Report of contrasts of means without patients, of which one comparison cannot be split."""
    declared = {"baseline": "placebo ~ N(-0.73, 0.218^2)", "source": "TSD2 & more", "assumptions": "it holds <here>"}
    absolute = [
        {**row, "absolute": str(-0.73 + effect), "absolute_lower": "-4.5", "absolute_upper": "-0.31", **declared}
        for row, effect in zip(OFF_TIME.absolute(), OFF_TIME.effects.values(), strict=True)
    ]
    folder = tmp_path_factory.mktemp("off_time")
    pairs, stuck = LOOPS["off_time"], STUCK["off_time"]
    return network_report(folder, OFF_TIME, pairs, stuck, absolute=absolute)


def visible(page: str) -> str:
    """Text of a page without its figures, style and tags."""
    page = re.sub(r"<svg.*?</svg>|<style>.*?</style>|<script.*?</script>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_report_of_a_plain_network_says_nothing_of_settings_or_candidates(smoking_page):
    """No setting, no candidates, no mixture of regimens: none of the words."""
    others = r'<h4>References.*?</ol>|id="section-prisma".*?id="section-versions"'  # titles, and items of checklists
    text = visible(re.sub(others, "", smoking_page, flags=re.DOTALL))
    for word in (
        "Overall",
        "overall",
        "setting",
        "andidate",
        "extrapolated",
        "failure",
        "study sheets",
        "Not converged",
    ):
        assert word not in text, word
    assert "Group counselling ranks first: SUCRA 1.00" in text
    assert "of undeclared design" in text
    assert "A data set of old trials" in text
    assert "There is no other analysis or model" in text


def test_ids_of_a_plain_network_are_unique_and_links_arrive(smoking_page):
    """Figures of inconsistency share the page too."""
    ids = re.findall(r'\sid="([^"]+)"', smoking_page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', smoking_page)) <= set(ids)
    assert smoking_page.count("<figure") == 9


def test_report_tells_inconsistency(smoking_page):
    """Node-splits with p, studies and DIC; unrelated effects beside consistent ones; deviances of both models."""
    text = visible(smoking_page)
    assert "for 2 of 2 comparisons with direct evidence" in text
    assert "They do not differ at p &lt; 0.05 for any of these; the smallest p-value is that of " in text
    assert "(p = 0.62). Wide intervals can conceal a difference." in text
    assert "With unrelated mean effects, the residual deviance is 54.0 and the DIC 99.0" in text
    effects = smoking_page[smoking_page.index('id="effects"') :]
    row = re.search(r">Individual counselling against No_contact</th>(.*?)</tr>", effects, re.DOTALL)
    assert row is not None
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row[1])
    assert cells[0] == "2"
    assert cells[1] == cells[2] == "2.23 (1.00 to 4.95)"
    assert cells[4:] == ["0.10 (−0.70 to 0.90)", "0.62", "0.80"]
    assert "not detected" not in text


def test_report_says_what_cannot_be_assessed_and_why(off_time_page):
    """In the sentence and in the table."""
    text = visible(off_time_page)
    reason = "no closed loop: the other studies do not estimate it"
    assert f"Not assessable ({reason}): Pramipexole against Placebo." in text
    row = re.search(rf"Pramipexole against Placebo</th>(?:(?!</tr>).)*{reason}", off_time_page, re.DOTALL)
    assert row is not None
    assert "inconsistency not assessable" in text


def test_report_of_differences_has_no_ratio_and_no_logarithm(off_time_page):
    """Contrasts as tabulated, without patients; differences in their own unit."""
    text = visible(off_time_page)
    assert "MD below 0 favours the treatment" in text
    assert "MD −1.30 (−2.20 to −0.40)" in text
    assert "heterogeneity on the scale of the MD" in text
    for word in ("log ", "Hazard", "Odds", "unknown", "Adjusted or crude"):
        assert word not in text, word


def test_absolute_effects_stand_in_the_report_with_their_baseline(off_time_page, smoking_page):
    """Where a baseline is declared, and only there."""
    text = visible(off_time_page)
    assert "absolute effects, from the baseline Placebo ~ N(−0.73, 0.218²), TSD2 &amp; more" in text
    assert "−2.53 (−4.50 to −0.31)" in text
    assert "Assumptions: it holds &lt;here&gt;." in text
    assert "declared baseline" in text
    assert "Absolute effects" not in visible(smoking_page)


def test_numbers_needed_to_treat_stand_beside_absolute_effects(tmp_path):
    """Differences and numbers with their intervals, one through infinity with the sentence that explains it."""
    declared = {"baseline": "no_contact ~ 20 of 100", "source": "a registry", "assumptions": ""}
    absolute = [
        {**row, "absolute": "0.2", "absolute_lower": "0.1", "absolute_upper": "0.3", **declared}
        for row in SMOKING.absolute()
    ]
    shared = {"setting": "overall", "treatment": "ind_counseling", "comparator": "no_contact", "reason": ""}
    figures = [
        ("risk_difference", "per 1,000", "20", "-10", "50", "false"),
        ("number_needed_to_treat", "patients", "50", "20", "-100", "true"),
    ]
    names = ("quantity", "unit", "median", "lower", "upper", "disjoint")
    shared |= {"time": "", "time_unit": ""}
    rows = [shared | dict(zip(names, figure, strict=True)) for figure in figures]
    text = visible(network_report(tmp_path, SMOKING, LOOPS["smoking"], absolute=absolute, conversions=rows))
    assert "events avoided or caused, and numbers needed to treat" in text
    assert "20.0 (−10.0 to 50.0) benefit 50 (benefit 20 to ∞ to harm 100)" in text
    assert "in two pieces: from benefit to infinity" in text


def test_report_points_to_the_analysis_whose_inconsistency_was_assessed(tmp_path):
    """Another analysis has its words and no figures."""
    write_project(tmp_path)
    labels = replace(LABELS, analyses={"main": "Everything", "other": "Fewer studies"})
    text = write_and_read(tmp_path, settings_of(labels, inconsistency="other"))
    assert "Assessed in the analysis “Fewer studies”." in text


def test_a_failed_split_is_announced_at_the_top(tmp_path):
    """A fit of the exact engine that its Pareto k warns of."""
    folder = tmp_path / "main" / "result" / "inconsistency"
    network_report(tmp_path, SMOKING, LOOPS["smoking"])
    fits = SMOKING.fits(LOOPS["smoking"])
    write_rows(folder / "fit_statistics.csv", [{**row, "converged": "false"} for row in fits[2:]] + fits[:2])
    studies = dict.fromkeys(SMOKING.designs, StudyFacts())
    changes = {"outcomes": ["result"], "studies": studies, "inconsistency": "main"}
    page = write_and_read(tmp_path, settings_of(SMOKING.labels, **changes))
    assert 'role="alert"' in page
    assert "inconsistency, split ind_counseling against no_contact" in page


@pytest.mark.parametrize(("measure", "better"), DIRECTIONS)
def test_sentences_name_an_obvious_winner_and_its_side(measure, better):
    """For ratios and differences, more or less being better."""
    network = obvious(measure, better)
    sentences = first_sentences(network.ranking(), network.relative(), "overall", DESIGN, network.names)
    assert sentences[0].startswith("Winner ranks first: SUCRA 1.00")
    value = {"higher": 1.5, "lower": -1.5}[better]
    row = network.estimate(value)
    assert sentences[1] == (f"Against Reference: {measure} {network.names.estimate(row)}, P(better) 0.97.")
    none = 1.0 if MEASURES[measure].is_ratio else 0.0
    assert (float(row["estimate"]) > none) == (better == "higher")
    side = "above" if better == "higher" else "below"
    assert network.names.direction == f"{measure} {side} {none:g} favours the treatment"


def test_disagreement_is_said_with_its_p():
    """Every comparison with a p below 0.05 is named."""
    pairs = LOOPS["smoking"]
    rows = SMOKING.splits(pairs, p="0.012")
    splits = splits_of(rows, used_arms(SMOKING.evidence()))
    text = " ".join(inconsistency_sentences(splits, SMOKING.fits(pairs), SMOKING.names))
    assert "They disagree (p < 0.05) for: Individual counselling against No_contact (p = 0.01)" in text
    nothing = " ".join(inconsistency_sentences([], SMOKING.fits(), SMOKING.names))
    assert nothing.startswith("Inconsistency is not assessable: no study compares two treatments in whole arms.")


def test_fit_sentences_name_what_fits_poorly():
    """The sum of the deviances, and the data points beyond the curve of three."""
    first, second = fit_sentences(SMOKING.points(6.0), SMOKING.names)
    total = sum(float(row["deviance"]) for row in SMOKING.points(6.0))
    assert first == f"Model “pooled”: residual deviance {total:.1f} for 11 data points."
    assert second == "Deviance and leverage add up to more than 3 for: 1, No_contact."


def test_a_table_may_hold_contrasts_and_arms():
    """A mixed network has one table of each kind, without columns in which nothing stands."""
    arms = [{**row, "mean": "-1.22", "se": "0.51", "events": "", "time": ""} for row in SMOKING.evidence()[:2]]
    contrasts = OFF_TIME.evidence()[:1]
    columns = {key: "" for row in (*arms, *contrasts) for key in row}
    rows = [{**columns, **row} for row in (*arms, *contrasts)]
    tables = evidence_tables(rows, [], {}, OFF_TIME.names)
    assert [table.columns for table in tables] == [
        ("Study", "Treatments", "MD (SE)", "Method"),
        ("Study", "Treatments", "Patients", "Mean (SE)"),
    ]
    assert tables[0].rows[0][2:] == ["−0.500 (0.300)", "as tabulated"]
    assert tables[1].rows[0][2:] == ["50", "−1.22 (0.510)"]


@pytest.mark.parametrize(
    ("matters", "method", "remark"),
    [
        ("true", "any", "the choice of source shifts the estimate by up to 1.8 standard errors"),
        ("false", "any", "–"),
        ("true", "hr_p", "–"),
    ],
)
def test_a_rung_that_matters_is_named(matters: str, method: str, remark: str):
    """Beside the estimate stands how far the choice of rung moves it."""
    row = {**OFF_TIME.evidence()[0], "contrast_set": "arms", "reason": ""}
    keys = ("study", "contrast_set", "treatment_arm", "comparator_arm")
    shift = {"outcome": "result", "method": method, "rung_matters": matters, "shift": "1.7612"}
    (table,) = evidence_tables([row], [], {}, OFF_TIME.names, [{**{key: row[key] for key in keys}, **shift}])
    assert dict(zip(table.columns, table.rows[0], strict=True)).get("Remarks", "–") == remark


def test_categories_and_times_are_shown():
    """Ordered outcomes and rates."""
    base = {**SMOKING.evidence()[0], "covariates": "age:61.5"}
    ordered = evidence_tables([{**base, "events": "", "categories": "pd:10 sd:0 cr:2"}], [], {}, SMOKING.names)[0]
    assert ordered.rows[0][-2:] == ["pd 10, sd 0, cr 2", "age 61.5"]
    rate = evidence_tables([{**base, "n": "", "time": "102.5"}], [], {}, SMOKING.names)[0]
    assert dict(zip(rate.columns, rate.rows[0], strict=True))["Time"] == "102.5"


def test_absolute_probabilities_are_shown_per_hundred():
    """The scale heads the column; the regimen of the baseline is said to be declared."""
    row = {**SMOKING.absolute()[0], "absolute": "0.1234", "absolute_lower": "0.05", "absolute_upper": "0.3"}
    table = absolute_table([row], "overall", SMOKING.names)
    assert table.columns[1].startswith("Per 100 patients (95%")
    assert table.rows == [["No_contact", "12 (5 to 30)", "declared baseline"]]
    seen = {**row, "study": "one", "arm": "x", "shown": "true", "observed_lower": "", "observed_upper": ""}
    seen |= {"regimen_share": "1.0", "setting_share": "0.75"}
    beside = absolute_table([row], "overall", SMOKING.names, [{**seen, "observed": "0.21"}, {**seen, "shown": "false"}])
    assert beside.rows[0][3] == "21, one (x, 75% of its patients)"
    medians = absolute_table(TWO.absolute(), "overall", TWO.names)
    assert medians.columns[1].startswith("Median, months (95%")
    assert medians.rows[0][1] == "6.0 (5.9 to 6.1)"


def test_absolute_figures_that_are_withheld_are_dashes_beside_what_was_observed():
    """Nothing predicted, the reason in words, and the arm that was seen."""
    row = {**TWO.absolute()[1], "absolute": "", "absolute_lower": "", "absolute_upper": "", "evidence": "extrapolated"}
    row |= {"reason": "extrapolated"}
    seen = {**row, "study": "one", "arm": "x", "shown": "true", "observed": "12.9", "observed_lower": "11.9"}
    seen |= {"regimen_share": "1.0", "setting_share": "1.0"}
    table = absolute_table([row], "overall", TWO.names, [{**seen, "observed_upper": ""}])
    assert table.rows == [["B", "–", "extrapolated", "12.9 (11.9 to not reached), one (x)"]]
    assert "No estimate is given where" in " ".join(assumption_sentences([row], TWO.names))


def test_settings_without_a_baseline_are_named():
    """What is missing is said, and what is assumed is said of its setting."""
    names_ = Names(LABELS, "main", "harm")
    rows = [{**row, "setting": "acute", "assumptions": "a thing"} for row in TWO.absolute()]
    sentences = assumption_sentences(rows, names_)
    assert sentences[1:] == ["Assumptions: Acute attack: a thing.", "No baseline has been declared for: Overall."]
    assert assumption_sentences([], names_) == []
    medians = [{**row, "assumptions": f"{EXPONENTIAL}; a thing"} for row in rows]
    first, second, _ = assumption_sentences(medians, names_)
    assert "Medians assume proportional hazards and exponential survival." in first
    assert second == "Assumptions: Acute attack: a thing."


@pytest.fixture(scope="module")
def example() -> Project:
    """Read the smoking example."""
    with contextlib.chdir(ROOT):
        return read_project(Path("config/examples/smoking.yaml"))


def test_settings_of_a_network_from_a_table(example):
    """Studies come from the table and cite its label; class models have an omega to draw."""
    settings = report_settings(example, "smoking")
    assert len(settings.studies) == 24
    assert "Hasselblad" in settings.studies["1"].citation
    assert settings.inconsistency == "smoking"
    fixed = ["forest", "rankogram", "cumulative_ranks", "leverage"]
    assert figures_of(example, "class_fixed") == [*fixed, "heterogeneity"]
    assert figures_of(example, "fixed") == fixed
    assert figure_labels(example).omega == {
        "fixed": "",
        "random": "",
        "class_fixed": "classes",
        "class_random": "classes",
    }
    files = report_inputs(example, "smoking")
    assert "results/smoking/cessation/inconsistency/node_splits.csv" in files
    assert "results/smoking/cessation/inconsistency/figures/dev_dev.svg" in files
    assert "results/smoking/cessation/random/figures/leverage.svg" in files


def test_settings_of_a_network_from_sheets(project):
    """Studies cite their papers; the model with settings has an omega; one analysis has inconsistency."""
    assert figure_labels(project).omega["setting"] == "settings"
    assert all(facts.design for facts in report_settings(project, "primary").studies.values())
    assert any("inconsistency" in file for file in report_inputs(project, "primary"))
    assert not any("inconsistency" in file for file in report_inputs(project, "four_cohorts"))


def test_fits_without_an_exact_check_say_so() -> None:
    """The reason is in the table of fits, and where the largest differences stand."""
    names = Names(LABELS, "main", "pain", "pooled")
    fit = {"outcome": "pain", "model": "pooled", "converged": "true", "exact_check": NO_CHECK, "draws": "4000"}
    fit |= {"min_ess_bulk": "900", "max_r_hat": "1.001", "divergences": "0"}
    fit |= {"engine": "exact", "mcse_mean_ratio": "0.02", "mcse_limit_ratio": "0.05"}
    (cells,) = checks.fits_table([fit], names).rows
    assert NO_CHECK in cells
    assert (cells[4], cells[-2:]) == ("exact posterior", ["2.0%", "5.0%"])
    row = {"parameter": "tau", "quantity": "mean", "z": "", "pareto_k": "0.91", "status": NO_CHECK}
    assert checks.check_table({"Pooled": [row]}, names).rows[0][1:4] == ["0", "–", NO_CHECK]


NAMED = replace(LABELS, studies={"one": "Smith 2020", "two": "Wu 2021", "three": "Bern 2019"})
QUESTION = "Which treatment relieves <pain> best?"


@pytest.fixture(scope="module")
def named_page(tmp_path_factory):
    """Report of a network whose studies have names and whose project has a question."""
    folder = tmp_path_factory.mktemp("named")
    write_project(folder)
    return write_and_read(folder, settings_of(NAMED, question=QUESTION, title="Pain relief"))


def test_a_reader_sees_names_and_finds_the_sheet(named_page):
    """No cell is the id of a study but that of its sheet; what the page itself looks up keeps the ids."""
    cells = re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", named_page)
    for study, name in NAMED.studies.items():
        assert cells.count(study) == 1, study
        assert name in cells
    assert re.search(r'data-studies="one"><th scope="row">Smith 2020</th><td>one</td>', named_page)
    assert "leaving out Wu 2021" in named_page
    assert "leaving out two" not in named_page


def test_lines_of_the_network_name_their_studies(named_page):
    """The title of a line has names, its attribute ids."""
    titles = re.findall(r"<title>([^<]*in whole arms[^<]*)</title>", named_page)
    assert titles
    assert all("Smith 2020 (retrospective cohort)" in text or "Wu 2021" in text for text in titles)


def test_the_question_is_the_heading(named_page):
    """It is in the methods too; the title is that of the window, and facts stand under the heading."""
    asked = "Which treatment relieves &lt;pain&gt; best?"
    assert f"<h1>{asked}</h1>" in named_page
    assert "<title>Network meta-analysis: Pain relief</title>" in named_page
    assert f"This network meta-analysis addressed the following question: {asked} The analysis" in named_page
    assert '<p class="variant">' not in named_page
    line = "2 retrospective cohorts, no randomised trial · 160 patients (pain relief at twelve weeks)"
    assert f'<p class="facts">{line}</p>' in named_page


def test_titles_of_projects_and_analyses():
    """Without a question the title, without either the analysis; a variant is named beside them."""
    own = settings_of(LABELS)
    label = names().analysis_label
    variant = {"compared_in": "Another analysis"}

    def said(**given):
        settings = settings_of(LABELS, **given)
        return heading(settings, names()), subject(settings, names()), analysis_under(settings, names())

    assert own.question == ""
    assert said() == (f"Network meta-analysis: {label}", label, "")
    assert said(**variant) == (f"Network meta-analysis: {label}", label, "")
    assert said(question=QUESTION) == (QUESTION, QUESTION, "")
    assert said(question=QUESTION, title="Pain", **variant) == (QUESTION, f"Pain, {label}", label)
    assert said(title="Pain") == ("Pain", "Pain", "")
