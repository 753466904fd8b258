"""Figures: the right direction of better, and no word cut off or covered."""

import xml.etree.ElementTree as ET
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from nma.report.forest import draw_forest
from nma.report.network import draw_network, place_labels
from nma.report.plots import draw_heterogeneity, plot_analysis, plot_outcome
from nma.report.ranks import draw_rankogram, draw_sucra, heat_colour
from nma.report.style import EVIDENCE, save
from nma.report.words import Names, number, probability, ratio
from nma.tables import read_table, write_table

TREATMENTS = ["placebo", "alpha", "beta_long", "gamma"]
LABELS = {
    "outcomes": {"pain": "Pain relief at twelve weeks", "harm": "Serious harm"},
    "better": {"pain": "higher", "harm": "lower"},
    "measures": {"pain": "OR", "harm": "HR"},
    "margins": {"pain": 1.25, "harm": 0.8},
    "regimens": {
        "placebo": "Placebo",
        "alpha": "Alpha",
        "beta_long": "Beta given with a very long second name",
        "gamma": "Gamma",
    },
    "settings": {"overall": "Overall", "acute": "Acute attack"},
    "analyses": {"main": "Everything"},
    "headline": "pooled",
    "reference": "placebo",
}
SETTINGS = ("overall", "acute")
LABEL_OF = {"placebo": "reference", "alpha": "direct", "beta_long": "extrapolated", "gamma": "prior_driven"}


def ranking_rows(outcome="pain", model="pooled", converged="true"):
    """Rows of ranking.csv in which every treatment ranks above the one before it."""
    rows = []
    for setting in SETTINGS:
        for k, treatment in enumerate(TREATMENTS):
            value = k / (len(TREATMENTS) - 1)
            rows.append(
                {
                    "outcome": outcome,
                    "model": model,
                    "setting": setting,
                    "treatment": treatment,
                    "candidate": "false" if (setting, treatment) == ("acute", "gamma") else "true",
                    "sucra": str(value),
                    "sucra_lower": str(max(value - 0.3, 0)),
                    "sucra_upper": str(min(value + 0.3, 1)),
                    "p_best": str(value / 2),
                    "evidence": LABEL_OF[treatment],
                    "converged": converged,
                }
            )
    return rows


def relative_rows(measure="OR"):
    """Rows of relative_effects.csv against the reference."""
    rows = []
    for setting in SETTINGS:
        for k, treatment in enumerate(TREATMENTS[1:]):
            effect = 0.5 * (k - 1) + 0.1
            rows.append(
                {
                    "setting": setting,
                    "treatment": treatment,
                    "comparator": "placebo",
                    "measure": measure,
                    "lower": str(effect - 1),
                    "upper": str(effect + 1),
                    "estimate": str(2.718281828**effect),
                    "estimate_lower": str(2.718281828 ** (effect - 1)),
                    "estimate_upper": str(2.718281828 ** (effect + 1)),
                    "predictive_lower": str(effect - 9),
                    "predictive_upper": str(effect + 1.5),
                    "evidence": LABEL_OF[treatment],
                    "converged": "true",
                }
            )
    return rows


def probability_rows():
    """Rows of rank_probabilities.csv, all ranks equally probable."""
    n = len(TREATMENTS)
    return [
        {"setting": setting, "treatment": treatment, "rank": str(rank), "probability": str(1 / n)}
        for setting in SETTINGS
        for treatment in TREATMENTS
        for rank in range(1, n + 1)
    ]


EVIDENCE_ROWS = [
    {"study": "one", "arm": "a", "arm_mix": "placebo:40", "n": "40", "setting_mix": "acute:80", "used": "true"},
    {"study": "one", "arm": "b", "arm_mix": "alpha:40", "n": "40", "setting_mix": "acute:80", "used": "true"},
    {"study": "two", "arm": "a", "arm_mix": "placebo:30", "n": "30", "setting_mix": "acute:60", "used": "true"},
    {
        "study": "two",
        "arm": "b",
        "arm_mix": "beta_long:20 gamma:10",
        "n": "30",
        "setting_mix": "acute:60",
        "used": "true",
    },
]
EDGE_ROWS = [
    {"treatment": "alpha", "comparator": "placebo", "study": "one", "setting": "acute", "weight": "1.0"},
    {
        "treatment": "beta_long",
        "comparator": "placebo",
        "study": "two",
        "setting": "acute",
        "weight": "0.667",
    },
    {"treatment": "gamma", "comparator": "placebo", "study": "two", "setting": "acute", "weight": "0.333"},
]
HETEROGENEITY = [
    {
        "parameter": "tau",
        "median": "0.3",
        "lower": "0.1",
        "upper": "0.8",
        "prior": "half-normal(0.5)",
        "prior_overlap": "0.9",
    }
]
DENSITIES = [
    {"parameter": "tau", "value": str(x / 10), "prior": str(2 - x / 10), "posterior": str(1.5 - x / 20)}
    for x in range(20)
]


def names(outcome="pain"):
    """Labels of one outcome."""
    return Names(LABELS, "main", outcome, "pooled")


def drawn_texts(figure):
    """Draw a figure and return its texts with their boxes in pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    unseen = set()  # labels of ticks beyond the axis exist and are never drawn
    for axes in figure.axes:
        low, high = axes.get_xlim()
        unseen |= {label for label in axes.get_xticklabels() if not low <= label.get_position()[0] <= high}
    texts = [text for text in figure.findobj(Text) if text.get_text().strip() and text not in unseen]
    return [(text, text.get_window_extent(renderer)) for text in texts]


def assert_inside(figure):
    """Check that the box of every text lies on the canvas."""
    width, height = figure.bbox.width, figure.bbox.height
    for text, box in drawn_texts(figure):
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
        assert inside, f"{text.get_text()!r} leaves the figure"


def figures():
    """Draw every figure."""
    return {
        "forest": draw_forest(relative_rows(), ranking_rows(), names()),
        "rankogram": draw_rankogram(probability_rows(), ranking_rows(), names()),
        "network": draw_network(EDGE_ROWS, EVIDENCE_ROWS, ranking_rows(), names()),
        "heterogeneity": draw_heterogeneity(DENSITIES, HETEROGENEITY, names()),
        "sucra": draw_sucra(ranking_rows() + ranking_rows("harm"), names()),
    }


@pytest.mark.parametrize("figure", ["forest", "rankogram", "network", "heterogeneity", "sucra"])
def test_every_word_is_inside_the_figure(figure):
    """Every word is inside the figure."""
    assert_inside(figures()[figure])


@pytest.mark.parametrize(("outcome", "better_side"), [("harm", "left"), ("pain", "right")])
def test_arrow_towards_treatment_points_to_the_better_side(outcome, better_side):
    """Arrow towards treatment points to the better side."""
    figure = draw_forest(relative_rows(), ranking_rows(), names(outcome))
    boxes = {text.get_gid(): (text, box) for text, box in drawn_texts(figure) if text.get_gid()}
    treatment, box = boxes["favours-treatment"]
    comparator, other = boxes["favours-comparator"]
    one = figure.axes[-1].transData.transform((1, 0))[0]
    if better_side == "left":
        assert box.x1 < one < other.x0
        assert treatment.get_text().startswith("←")
        assert comparator.get_text().endswith("→")
    else:
        assert other.x1 < one < box.x0
        assert treatment.get_text().endswith("→")
        assert comparator.get_text().startswith("←")


def test_forest_shows_the_numbers_of_the_table_and_ends_long_intervals_in_arrow_heads():
    """Forest shows the numbers of the table and ends long intervals in arrow heads."""
    figure = draw_forest(relative_rows(), ranking_rows(), names())
    shown = {text.get_text() for text, _ in drawn_texts(figure)}
    for row in relative_rows():
        estimate, lower, upper = (ratio(row[key]) for key in ("estimate", "estimate_lower", "estimate_upper"))
        assert f"{estimate} ({lower} to {upper})" in shown
    assert any(line.get_marker() == "<" for line in figure.axes[0].lines)


def test_forest_texts_of_a_column_do_not_overlap():
    """Forest texts of a column do not overlap."""
    figure = draw_forest(relative_rows(), ranking_rows(), names())
    texts = [(text, box) for text, box in drawn_texts(figure) if text.axes is figure.axes[1]]
    for (one, first), (two, second) in combinations(texts, 2):
        assert not first.overlaps(second), f"{one.get_text()!r} covers {two.get_text()!r}"


def test_non_candidates_are_hollow_and_marked_in_words():
    """Non candidates are hollow and marked in words."""
    forest = draw_forest(relative_rows(), ranking_rows(), names())
    assert any(text.get_text() == "Gamma\nnot a candidate" for text, _ in drawn_texts(forest))
    acute = forest.axes[1]
    hollow = [line for line in acute.lines if line.get_marker() == EVIDENCE["prior_driven"].marker]
    assert [line.get_markerfacecolor() for line in hollow] == ["white"]


def test_evidence_labels_differ_in_colour_marker_line_and_letter():
    """Evidence labels differ in colour marker line and letter."""
    for attribute in ("colour", "marker", "letter"):
        assert len({getattr(mark, attribute) for mark in EVIDENCE.values()}) == len(EVIDENCE)
    lines = [str(mark.line) for name, mark in EVIDENCE.items() if name != "reference"]
    assert len(set(lines)) == len(lines)


@pytest.mark.parametrize("outcome", ["pain", "harm"])
def test_higher_sucra_is_darker_whatever_the_outcome(outcome):
    """Higher SUCRA is darker whatever the outcome."""
    from matplotlib.colors import to_rgb

    figure = draw_sucra(ranking_rows(outcome), names(outcome))
    cells = {patch.get_gid(): patch for patch in figure.axes[0].patches}
    light = [sum(to_rgb(cells[f"cell-{treatment}-{outcome}"].get_facecolor())) for treatment in TREATMENTS]
    assert light == sorted(light, reverse=True)
    assert sum(to_rgb(heat_colour(1.0))) < sum(to_rgb(heat_colour(0.0)))
    hollow = {patch.get_gid(): patch for patch in figure.axes[1].patches}[f"cell-gamma-{outcome}"]
    assert to_rgb(hollow.get_facecolor()) == (1, 1, 1)
    assert hollow.get_hatch()


def test_network_labels_do_not_overlap():
    """Network labels do not overlap."""
    figure = draw_network(EDGE_ROWS, EVIDENCE_ROWS, ranking_rows(), names())
    for axes in figure.axes:
        labels = [(t, box) for t, box in drawn_texts(figure) if t.get_gid() == "node-label" and t.axes is axes]
        assert len(labels) == len(TREATMENTS)
        for (one, first), (two, second) in combinations(labels, 2):
            assert not first.overlaps(second), f"{one.get_text()!r} covers {two.get_text()!r}"


@pytest.mark.parametrize("n", [1, 2, 3, 7, 12, 21])
def test_placed_labels_of_a_side_keep_their_distance(n):
    """Placed labels of a side keep their distance."""
    labels = place_labels(["two\nlines"] * n)
    for side in ("left", "right"):
        heights = sorted(label.y for label in labels if label.align == side)
        assert all(b - a > 0.28 for a, b in pairwise(heights))


def test_network_draws_whole_arms_solid_and_mixed_arms_dashed():
    """Network draws whole arms solid and mixed arms dashed."""
    from matplotlib.patches import FancyArrowPatch

    figure = draw_network(EDGE_ROWS, EVIDENCE_ROWS, ranking_rows(), names())
    edges = [patch for patch in figure.axes[0].patches if isinstance(patch, FancyArrowPatch)]
    assert [patch.get_linestyle() in ("solid", "-") for patch in edges] == [True, False, False]
    widths = [patch.get_linewidth() for patch in edges]
    assert widths == sorted(widths, reverse=True)


def test_heterogeneity_says_when_nothing_was_learned():
    """Heterogeneity says when nothing was learned."""
    texts = " ".join(text.get_text() for text, _ in drawn_texts(draw_heterogeneity(DENSITIES, HETEROGENEITY, names())))
    assert "τ learned nothing from the data" in texts
    moved = [{**HETEROGENEITY[0], "prior_overlap": "0.5"}]
    texts = " ".join(text.get_text() for text, _ in drawn_texts(draw_heterogeneity(DENSITIES, moved, names())))
    assert "nothing" not in texts
    assert "0.50" in texts


def test_not_converged_stands_in_the_figure():
    """Not converged stands in the figure."""
    figure = draw_forest(relative_rows(), ranking_rows(), names(), "NOT CONVERGED")
    assert any(text.get_text() == "NOT CONVERGED" for text, _ in drawn_texts(figure))


def test_saving_twice_gives_the_same_bytes(tmp_path):
    """Saving twice gives the same bytes."""
    for run in ("a", "b"):
        save(draw_forest(relative_rows(), ranking_rows(), names()), tmp_path / run)
    for kind in ("svg", "png"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.png", "a.svg", "b.png", "b.svg"]
    assert ET.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")


def write_rows(file: Path, rows):
    """Write rows with the columns of the first."""
    write_table(file, rows, list(rows[0]) if rows else ["parameter"])


def test_plot_outcome_and_plot_analysis_write_every_figure(tmp_path):
    """Plot outcome and plot analysis write every figure."""
    folder = tmp_path / "main" / "pain"
    write_rows(folder / "evidence.csv", EVIDENCE_ROWS)
    write_rows(folder / "network" / "edges.csv", EDGE_ROWS)
    for model, parameters in (("fixed", []), ("pooled", HETEROGENEITY)):
        write_rows(folder / model / "relative_effects.csv", relative_rows())
        write_rows(folder / model / "ranking.csv", ranking_rows())
        write_rows(folder / model / "rank_probabilities.csv", probability_rows())
        write_rows(folder / model / "heterogeneity.csv", parameters)
        write_rows(folder / model / "densities.csv", DENSITIES)
    plot_outcome(folder, "pain", ["fixed", "pooled"], LABELS, "main")
    found = {str(file.relative_to(folder)) for file in folder.rglob("*.svg")}
    assert found == {
        "network/network.svg",
        "fixed/figures/forest.svg",
        "fixed/figures/rankogram.svg",
        "pooled/figures/forest.svg",
        "pooled/figures/rankogram.svg",
        "pooled/figures/heterogeneity.svg",
    }
    assert {file.with_suffix(".svg") for file in folder.rglob("*.png")} == set(folder.rglob("*.svg"))
    write_rows(tmp_path / "main" / "summary" / "ranking.csv", ranking_rows(converged="false"))
    plot_analysis(tmp_path / "main", LABELS, "main")
    assert "NOT CONVERGED" in (tmp_path / "main" / "summary" / "sucra.svg").read_text(encoding="utf-8")
    assert read_table(folder / "pooled" / "ranking.csv")


def test_numbers_read_well():
    """Numbers read well."""
    assert number("-0.001") == "0.00"
    assert number("-0.25") == "−0.25"
    assert number("") == "–"
    assert probability("0.0001") == "<0.01"
    assert probability("0") == "0.00"
    assert probability("0.9999") == ">0.99"
    assert [ratio(text) for text in ("0.0123", "0.5", "12.34", "345.6", "2.5e7")] == [
        "0.012",
        "0.50",
        "12.3",
        "346",
        "2e+07",
    ]
