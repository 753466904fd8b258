"""How far the answer can be trusted, for readers: sentences, figures, the section of the page, and the terminal."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from secondline.cell_values import NOT_SETTLED
from secondline.errors import UserError
from secondline.jobs.doubt_facts import doubt_facts, doubt_outcomes
from secondline.jobs.report_settings import figure_labels
from secondline.project.read import read_project
from secondline.report.direct import behind_file
from secondline.report.doubt import read_doubt
from secondline.report.figures.bias_fan import draw_bias_fan
from secondline.report.figures.curve_points import read_curves, shown_settings
from secondline.report.figures.draw_doubt import plot_doubt
from secondline.report.figures.specification_curve import draw_specification_curve
from secondline.report.figures.thresholds import draw_thresholds
from secondline.report.prose.doubt import doubt_sentences, held_out_sentence, lead_sentence, weight_sentence
from secondline.report.prose.next_study import next_study_sentences
from secondline.report.tables.doubt import doubt_tables
from secondline.tables import write_table
from secondline.tools.answer import answer

from tests.conftest import ROOT
from tests.doubt_tables import (
    COUNTS,
    FACTS,
    doubt_of,
    flip_row,
    level_rows,
    next_study_row,
    overlap_row,
    pair_of_network,
    share_rows,
    threshold_row,
    tipping_row,
    upper,
    write_doubt,
    write_specifications,
)
from tests.prose import assert_prose, assert_sentences, said_on_the_terminal
from tests.prose_tables import Tables
from tests.test_plots import (
    LABELS,
    NETWORKS,
    SMOKING,
    assert_apart,
    assert_inside,
    drawn_texts,
    names,
    ranking_rows,
    write_rows,
)
from tests.test_report import relative_pairs, report, write_project

BETA = LABELS.regimens["beta_long"]
PLACES = {"overall": ("gamma", "beta_long"), "acute": ("beta_long", "alpha")}
DOUBT = doubt_of(PLACES)


def said(doubt: Any, setting: str = "overall", **changes: Any) -> str:
    """Sentences of one setting, as one text."""
    ranking = ranking_rows(**changes)
    return " ".join(doubt_sentences(doubt, ranking, relative_pairs(), setting, names()))


PRIORS = [
    {"prior": prior, "declared": declared, "setting": "overall", "treatment": treatment, "reference": "alpha"}
    | {"sucra": sucra, "mean": "-1", "lower": "-2", "upper": "0"}
    for prior, declared in (("half-normal(1)", "true"), ("uniform(0, 5)", "false"))
    for treatment, sucra in (("gamma", "0.9"), ("beta_long", "0.4"))
]


def test_other_priors_name_nobody_who_may_not_be_named() -> None:
    """Who has the highest SUCRA under them leads a sentence only where a treatment is named first and has a rank."""
    doubt, start = doubt_of(PLACES, prior_fan=PRIORS), "under 2 priors of τ, Gamma has the highest SUCRA under all"
    assert f"U{start[1:]} of them" in said(doubt)
    assert f"No treatment can be named first; {start}" in said(doubt, not_named="prior_driven")
    unplaced = [{**row, "candidate_sucra": ""} for row in ranking_rows(not_named="not_placed")]
    assert "priors of τ" not in " ".join(doubt_sentences(doubt, unplaced, relative_pairs(), "overall", names()))


def test_the_lead_sentence_gives_the_share_of_the_first_and_the_choice_that_decides_most():
    """0.6 of all is 75% of the 80% that rank; the axis with the largest total share is a study."""
    assert lead_sentence(DOUBT, ranking_rows(), "overall", names()) == (
        "Gamma ranks first in 75% of the defensible analyses that rank the candidates (1,234 in all, weighted by the "
        "combinations of choices that give them; 20% do not rank them, as the effects between the candidates are "
        "prior-driven); what decides "
        "most is "
        "how Study one is read (57% of the variance of the effect between the two highest)."
    )


def test_where_all_analyses_rank_the_candidates_nothing_is_said_of_others():
    """The number of analyses then stands beside the share."""
    rows = [row for row in level_rows("overall", "gamma", "beta_long") if row["axis"] or row["treatment"]]
    doubt = doubt_of({}, specification_levels=rows)
    assert lead_sentence(doubt, ranking_rows(), "overall", names()) == (
        "Gamma ranks first in 75% of 1,234 defensible analyses, weighted by the combinations of choices that give them."
    )


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("prior_driven", "as the difference between the two highest is prior-driven"),
        ("p_better", "as the two highest are too close to separate"),
        ("criteria_disagree", "as SUCRA, P(best) and the posterior mean favour different candidates"),
        ("not_placed", "as the effects between the candidates are prior-driven"),
    ],
)
def test_where_nobody_is_named_shares_are_given_and_no_winner(reason: str, words: str):
    """The sentence begins with the reason, and nobody ranks first in it."""
    text = lead_sentence(DOUBT, ranking_rows(not_named=reason), "overall", names())
    assert text.startswith(f"No treatment is named first, {words}: of the defensible analyses that rank the candidates")
    assert f"75% give the highest SUCRA to Gamma and 25% to {BETA}." in text
    assert "ranks first" not in text


def test_an_axis_that_is_no_study_is_named_by_its_label():
    """The largest total share decides, not the largest share alone."""
    shares = share_rows("overall", "gamma", "beta_long")
    shares[1]["total"] = "0.6"
    text = lead_sentence(doubt_of(PLACES, specification_shares=shares), ranking_rows(), "overall", names())
    assert "what decides most is the choice of “structure” (60% of the variance" in text


def test_sentences_hold_the_numbers_of_their_tables():
    """P(better), choices, thresholds, overlap and bias."""
    text = said(DOUBT)
    assert (
        f"The probability that Gamma is better than {BETA} is 0.61 in the declared analysis and 0.71 in the median"
        in text
    )
    assert "it is above 0.95 in 10% of them." in text
    assert "No single choice changes who has the highest SUCRA; two together do: “Study one: medians" in text
    assert "and “structure: regimen level” (Beta given" in text
    assert "is one: its OR would have to move from 0.61 to 1.22, by 2.8 standard errors, for Beta" in text
    assert "No threshold lies inside the 95% interval of its effect." in text
    assert "If all effects move together, 2.5 standard errors in the least favourable direction are enough." in text
    assert (
        "one and two may share up to 22 patients, correlation 0.30: with none and with all of them the highest" in text
    )
    assert f"P(better) against {BETA} is 0.94 and 0.95." in text
    assert (
        f"The most valuable next trial would compare Gamma with {BETA}: of 150 events, it would change the choice with "
        "a probability of 24%" in text
    )
    assert f"as changes of the OR of the arm that they favour: newer against older arms, OR × 0.41 ({BETA})." in text


def test_a_single_choice_comes_before_pairs_and_lost_links_are_counted():
    """Pairs are not named where one choice is enough."""
    flips = [
        flip_row("overall", "alpha", ("one", "a")),
        flip_row("overall", "beta_long", ("one", "b"), ("structure", "additive")),
        flip_row("overall", "", ("one", "left_out"), change="nobody_placed"),
    ]
    text = said(doubt_of(PLACES, specification_flips=flips))
    assert "A single choice changes who has the highest SUCRA: “Study one: adjusted HR” (Alpha)." in text
    assert "After 1 choice alone nobody has a rank, as the effects between the candidates are prior-driven." in text
    assert "No single choice and no pair of choices puts another candidate first." in said(
        doubt_of(PLACES, specification_flips=[])
    )


def test_the_nearest_threshold_counts_on_either_side():
    """Distances are compared in standard errors, whatever the sign."""
    below = {"lower": "-1.0", "lower_se": "-2.0", "lower_first": "alpha", "inside_interval": "true", "reason": ""}
    rows = [
        threshold_row("overall", "gamma", "one", **upper("0.5", "4.0", "beta_long")),
        threshold_row("overall", "gamma", "two", **below),
    ]
    text = said(doubt_of(PLACES, thresholds=rows))
    assert "is two: its OR would have to move from 0.61 to 0.37, by 2.0 standard errors, for Alpha to have it." in text
    assert "For 1 of 2 effects a threshold lies inside the 95% interval." in text
    text = said(doubt_of(PLACES, thresholds=[threshold_row("overall", "gamma", "one")]))
    assert "No study alone changes who has the highest SUCRA" in text


def test_an_overlap_that_changes_the_ranking_is_said_to():
    """Both candidates are named."""
    rows = [
        overlap_row("overall", "none", "gamma", "alpha", "0.9"),
        overlap_row("overall", "bound", "alpha", "gamma", "0.6"),
    ]
    text = said(doubt_of(PLACES, overlap=rows))
    assert (
        "with none of them the highest SUCRA is that of Gamma (P(better) 0.90 against Alpha), with all of them the "
        "highest SUCRA is that of Alpha (P(better) 0.60 against Gamma)."
    ) in text


def test_an_overlap_after_which_nobody_has_a_rank_is_said_to():
    """The table has who would be first among candidates that prior-driven effects link; no sentence does."""
    rows = [
        overlap_row("overall", "none", "gamma", "alpha", "0.9"),
        {**overlap_row("overall", "bound", "gamma", "alpha", "0.9"), "not_named": "not_placed"},
    ]
    text = said(doubt_of(PLACES, overlap=rows))
    assert "with all of them nobody has a rank, as the effects between the candidates are prior-driven." in text


def test_a_bias_that_cannot_change_the_ranking_is_said_to():
    """No number where there is no tipping point."""
    text = said(doubt_of(PLACES, bias_tipping=[tipping_row("overall", "gamma", "")]))
    assert "No bias within the range searched changes who has it: newer against older arms." in text
    assert "OR ×" not in text


def test_weights_are_said_to_be_a_choice_and_held_out_figures_are_counted():
    """Two of three comparable figures differ by more than 1.5, one of them on other patients."""
    assert weight_sentence(DOUBT) == (
        "Shares count combinations of choices: 2,000, of which 16 cannot be fitted and 750 repeat another analysis. "
        "That all "
        "combinations have the same weight is a choice, and with it all shares are; shares are no probabilities of the "
        "treatments."
    )
    weighted = replace(DOUBT, facts=replace(FACTS, weighted=True))
    assert "The weights of the levels, and with them all shares, are a choice" in weight_sentence(weighted)
    sampled = doubt_of(PLACES, specification_counts=[{**COUNTS[0], "sampled": "true"}])
    assert "are a sample of the product of all choices." in weight_sentence(sampled)
    assert held_out_sentence(DOUBT) == (
        "Of 4 printed figures that the analysis does not use, 3 can be compared with it, 1 of them on other patients "
        "than "
        "those of the fit; 2 differ from the prediction by more than 1.5 standard deviations, 1 of them on other "
        "patients."
    )


def test_without_tables_nothing_is_said():
    """A network without any of it has no sentence and no placeholder."""
    assert said(doubt_of({}, specification_counts=[], held_out=[])) == ""


def test_a_curve_is_thinned_by_weight_and_keeps_the_declared_analysis(tmp_path: Path):
    """Of the effects 0, 1 to 4 with weights 1, 1, 1, 1 and 16 (twentieths), four steps give 2 and three times 4."""
    file, places = tmp_path / "s.csv.gz", {"overall": ("gamma", "beta_long")}
    effects = [2.0, 4.0, 0.0, 1.0, 3.0, None]
    write_specifications(file, places, effects, [0.04, 0.64, 0.04, 0.04, 0.04, 0.2])
    (curve,) = read_curves(file, level_rows("overall", "gamma", "beta_long"), most=4)
    assert [point.effect for point in curve.points] == [2.0, 4.0, 4.0, 4.0]
    assert curve.declared is not None
    assert curve.declared.effect == 2.0
    assert curve.place == pytest.approx(0.1)
    assert (curve.estimated, curve.weight) == (5, pytest.approx(0.8))
    assert curve.declared.levels == ("a", "additive")
    (whole,) = read_curves(file, level_rows("overall", "gamma", "beta_long"))
    assert [point.effect for point in whole.points] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_settings_that_decide_between_the_same_candidates_are_drawn_once():
    """A setting is preferred to the summary over all of them, and the order of the table is kept."""
    assert shown_settings({"overall": ("a", "b"), "acute": ("a", "b"), "late": ("c", "a")}) == ["acute", "late"]
    assert shown_settings({"overall": ("a", "b"), "acute": ("c", "b")}) == ["overall", "acute"]


def drawn(kind: str, name: str, folder: Path) -> Any:
    """Draw a figure of one of the networks."""
    network = NETWORKS[name]
    places, labels = pair_of_network(network), network.names
    doubt = doubt_of(places)
    if kind == "thresholds":
        return draw_thresholds(doubt.rows("thresholds"), labels)
    if kind == "bias_fan":
        return draw_bias_fan(doubt.rows("bias_fan"), doubt.rows("bias_tipping"), labels, FACTS.schemes)
    write_specifications(folder / "s.csv.gz", places, [0.1 * k - 1 for k in range(300)])
    levels, shares = doubt.rows("specification_levels"), doubt.rows("specification_shares")
    return draw_specification_curve(read_curves(folder / "s.csv.gz", levels), levels, shares, labels, FACTS.axes)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("kind", FACTS.figures)
def test_words_are_inside_and_apart_in_every_network(kind: str, network: str, tmp_path: Path):
    """Whatever the measure and the length of the names."""
    figure = drawn(kind, network, tmp_path)
    assert_inside(figure)
    assert_apart(figure)


def test_figures_show_the_numbers_of_their_tables(tmp_path: Path):
    """Marks at the effect of the declared analysis, at thresholds and at the tipping point."""
    marks = {
        line.get_gid(): line for axes in drawn("specification_curve", "smoking", tmp_path).axes for line in axes.lines
    }
    assert marks["own"].get_ydata()[0] == pytest.approx(0.3679, abs=1e-4)  # exp(-1)
    figure = drawn("thresholds", "smoking", tmp_path)
    marks = {line.get_gid(): line for axes in figure.axes for line in axes.lines}
    assert marks["effect-one"].get_xdata()[0] == pytest.approx(0.6065, abs=1e-4)  # exp(-0.5)
    assert marks["upper-one"].get_xdata()[0] == pytest.approx(1.2214, abs=1e-4)  # exp(0.2)
    assert "upper-two" not in marks
    texts = [text.get_text() for text, _ in drawn_texts(figure)]
    assert "no threshold: none within range" in texts
    figure = drawn("bias_fan", "smoking", tmp_path)
    marks = {line.get_gid(): line for line in figure.axes[0].lines}
    assert marks["tipping"].get_xdata()[0] == 0.9
    assert list(marks["effect"].get_xdata()) == [-0.5, 0.0, 0.5, 1.0]


def test_bars_are_shares_of_the_variance(tmp_path: Path):
    """The dark part is what a choice explains alone."""
    figure = drawn("specification_curve", "two", tmp_path)
    bars = {
        patch.get_gid(): patch.get_width()
        for axes in figure.axes
        for patch in axes.patches
        if hasattr(patch, "get_width")
    }
    assert (bars["first_order-one"], bars["total-one"]) == (0.5, 0.57)


def write_page(folder: Path) -> str:
    """Write the report of the network with settings, with all tables of doubt."""
    write_project(folder)
    here = folder / "main" / "pain"
    write_doubt(here, DOUBT, PLACES)
    plot_doubt(here, "pain", LABELS, "main", FACTS)
    return report(folder, doubt={"pain": FACTS})


def test_the_page_has_the_section_and_the_first_screen_its_sentence(tmp_path: Path):
    """Figures, tables and sentences; in another report nothing of it."""
    page = write_page(tmp_path)
    first, section = page.split('id="section-glance"')[1], page.split('id="section-doubt"')[1]
    assert "Gamma ranks first in 75% of the defensible analyses" in first
    section = section.split('id="section-hangs-on"')[0]
    assert section.count("<figure") == 3
    for words in ("smallest sets of choices", "shared patients", "Gamma ranks first in 75%", "with |z| above 1.5"):
        assert words in section
    assert "1,234" in section
    assert len(section) < 400_000
    assert "specifications.csv.gz" not in section
    assert 'id="section-doubt"' not in report(tmp_path)
    assert "defensible analyses" not in report(tmp_path)


def test_figures_without_anything_to_draw_say_so(tmp_path: Path):
    """A setting without candidates is no reason for a failure."""
    empty = doubt_of({})
    write_doubt(tmp_path, empty, {"overall": ("a", "b")})
    plot_doubt(tmp_path, "pain", LABELS, "main", FACTS)
    text = (tmp_path / "doubt" / "figures" / "thresholds.svg").read_text(encoding="utf-8")
    assert "In no setting are candidates ranked." in text


def test_the_terminal_says_what_the_page_says(tmp_path: Path):
    """First sentences and those on doubt, from the tables; one line where there are none."""
    project = read_project(ROOT / "config" / "examples" / "smoking.yaml")
    project = project.model_copy(update={"config": project.config.model_copy(update={"results": str(tmp_path)})})
    with pytest.raises(UserError, match="run `make results`"):
        list(answer(project))
    analysis = project.config.base
    (outcome,) = project.config.lead_of(analysis)
    here = tmp_path / analysis / outcome
    write_rows(here / "evidence.csv", SMOKING.evidence())
    write_rows(here / project.config.headline / "ranking.csv", SMOKING.ranking())
    write_rows(here / project.config.headline / "relative_effects.csv", SMOKING.relative())
    write_doubt(here, doubt_of({"overall": ("grp_counseling", "ind_counseling")}, additivity=[]), {})
    write_table(behind_file(here), [], ("model", "setting", "treatment", "comparator", "direct_share"))
    text = " ".join(" ".join(answer(project)).replace(" - ", " ").split())
    label = figure_labels(project).regimens["grp_counseling"]
    assert f"{label} ranks first: SUCRA" in text
    facts = doubt_facts(project, analysis, outcome)
    assert doubt_outcomes(project, analysis) == [outcome]
    doubt = read_doubt(here, facts)
    assert held_out_sentence(doubt) in text
    assert lead_sentence(doubt, SMOKING.ranking(), "overall", SMOKING.names) in text
    tables = Tables(tmp_path / analysis, tmp_path, figure_labels(project), [outcome], analysis)
    spoken = said_on_the_terminal(answer(project), tables.labels)
    assert assert_sentences(spoken, tables) >= 10
    (weights,) = (passage for passage in spoken if "combinations of choices: 2,000" in passage.text)
    weights.text = weights.text.replace("2,000", "2,001")
    with pytest.raises(AssertionError):
        assert_sentences(spoken, tables)


def test_one_sentence_says_how_the_worth_of_a_trial_grows():
    """Sizes in their order; where another comparison is worth most, or none, that is said."""
    best = next_study_row("overall", "gamma", "beta_long")
    larger = {**best, "size": "300", "p_change": "0.3", "loss_left": "0.011", "p_decisive": "0.71"}
    smaller = {**best, "size": "50", "best": "false"}
    now, trial = next_study_sentences([best, larger], "overall", names())
    assert now.startswith("Gamma has the best posterior mean")
    assert trial == (
        f"The most valuable next trial would compare Gamma with {BETA}: of 150 and 300 events, it would change the "
        "choice with a probability of 24% and 30% and reduce the expected loss from 0.050 to 0.020 and 0.011; with a "
        "probability of 62% and 71%, the candidate then chosen would be better than the next with a probability above "
        "0.95."
    )
    _, trial = next_study_sentences([smaller, best, {**larger, "comparator": "alpha"}], "overall", names())
    assert f"would compare Gamma with {BETA} (150 events) or Gamma with Alpha (300 events): of 150 and" in trial
    assert trial.endswith("above 0.95; of 50 events, no trial would change the choice.")


def test_a_bias_in_the_place_of_another_is_said_to():
    """And a tipping point that the engine cannot settle."""
    rows = [tipping_row("overall", "gamma", "alpha", "0.4", "1.49", instead_of="b ~ N(0.2, 0.1²)")]
    rows.append(tipping_row("overall", "gamma", "", scheme="other", reason=NOT_SETTLED, instead_of="b ~ N(0.2, 0.1²)"))
    text = said(doubt_of(PLACES, bias_tipping=rows))
    assert "These biases take the place of the one that the analysis has itself, b ~ N(0.2, 0.1²)." in text
    assert "The engine could not settle at which size another candidate has it: other." in text
    assert "No bias within the range" not in text


def test_the_table_of_next_studies_holds_the_best_of_every_size() -> None:
    """A trial that is not the best of its size, and a setting in which none changes anything, have no row."""
    best = next_study_row("overall", "gamma", "beta_long")
    rows = [
        {**best, "treatment": "alpha", "best": "false"},
        best,
        {**best, "size": "300", "p_change": "0.004", "loss_left": "0.0001"},
        {**next_study_row("acute", "gamma", "alpha"), "best": "false"},
        {"setting": "late", "reason": "not ranked", "best": "", "loss_avoided": ""},
    ]
    *_, table = doubt_tables(doubt_of({}, next_study=rows), names())
    assert table.title == "next study"
    assert table.columns[2:] == (
        "Size",
        "Changes the choice",
        "Expected loss now",
        "Expected loss after it",
        "P(better) above 0.95 after it",
    )
    trial = [f"Gamma against {BETA}", table.rows[0][1]]
    assert table.rows == [
        [*trial, "150 events", "24%", "0.050", "0.020", "62%"],
        [*trial, "300 events", "0.4%", "0.050", "less than 0.001", "62%"],
    ]
    assert table.caption.endswith("avoids most of the expected loss, losses as log OR")
    assert "next study" not in [each.title for each in doubt_tables(doubt_of({}, next_study=rows[3:]), names())]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Tables]:
    """Write the report with all tables of doubt, beside them."""
    folder = tmp_path_factory.mktemp("doubt")
    return write_page(folder), Tables(folder / "main", folder / "evidence", LABELS, ["pain"], "main")


def test_every_number_of_the_section_is_its_tables(page: tuple[str, Tables]) -> None:
    """Those of the sentences in both settings, of captions and of the first screen; more than without the section."""
    whole, tables = page
    assert assert_prose(whole, tables) >= assert_prose(whole.split('id="section-doubt"')[0], tables) + 20
    assert "the trial of every size" in whole


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"ranks first in 75%", "ranks first in 57%"),
        (r"\(57% of the variance", "(58% of the variance"),
        (r"1,234 in all", "1,243 in all"),
        (r"20% do not rank", "21% do not rank"),
        (r"0\.71 in the median", "0.72 in the median"),
        (r"0\.95 in 10% of them", "0.95 in 11% of them"),
        (r"Study one: medians", "Study one: means"),
        (r"from 0\.61 to 1\.22", "from 0.61 to 1.23"),
        (r"by 2\.8 standard errors", "by 2.9 standard errors"),
        (r"together, 2\.5 standard", "together, 2.6 standard"),
        (r"up to 22 patients", "up to 21 patients"),
        (r"correlation 0\.30", "correlation 0.31"),
        (r"is 0\.94 and 0\.95", "is 0.95 and 0.94"),
        (r"× 0\.41", "× 0.42"),
        (r": of 150 events, it would", ": of 100 events, it would"),
        (r"probability of 24% and", "probability of 42% and"),
        (r"from 0\.050 to 0\.020", "from 0.050 to 0.021"),
        (r"may be better, is 0\.050", "may be better, is 0.051"),
        (r"of which 16 cannot", "of which 17 cannot"),
        (r"Of 4 printed figures", "Of 5 printed figures"),
        (r"2 printed figures not used, with", "3 printed figures not used, with"),
        (r"shares are no probabilities", "shares are 3 probabilities"),
    ],
)
def test_a_wrong_number_of_the_section_is_noticed(page: tuple[str, Tables], old: str, new: str) -> None:
    """A digit, a share, a label of a choice, or a number that no table holds."""
    whole, tables = page
    changed, times = re.subn(old, new, whole)
    assert times
    with pytest.raises(AssertionError):
        assert_prose(changed, tables)
