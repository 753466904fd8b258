"""Risk of bias: a mark for every study and domain, and what is judged of each domain weighted by contributions.

The weight of a study is the mean of its shares in the effects against the reference of the network as a whole, the
share of the prior left out: a network has many effects, and a study has another weight in each.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from secondline.cell_values import OVERALL, PRIOR_SHARE
from secondline.report.certainty import Certainty, level_of
from secondline.report.figures.concern import CONCERNS, bar_style, concern_handles
from secondline.report.figures.pages import fitted, stack_rows
from secondline.report.figures.style import (
    GREY,
    INK,
    LINE,
    MARGIN,
    PAGE,
    add_axes,
    add_legend,
    legend_height,
    new_figure,
    panel_letters,
    shortened,
    styled,
    text_width,
    write,
)
from secondline.report.words import Names, Row, percentage, settings_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOOLS = {
    "robins_i": "ROBINS-I",
    "rob_2": "RoB 2",
    "rob_1": "Cochrane risk of bias tool (2011)",
    "table": "as tabulated",
}
ROW, LEAST_ROW, CELL = 0.17, 0.14, 0.5  # inches: rows of studies and of domains, and the width of a mark
_LABELS = 2.2  # inches: the widest name of a study
_MARK = 0.07  # inches: radius of a mark
_WEIGHT = 0.55  # inches: the column with the weights
_AROUND = (2 * LINE + 0.10, 0.10)  # inches around the marks of a tool
_AROUND_BARS = (LINE + 0.06, 0.26)  # and around its bars


def mean_weights(certainty: Certainty) -> dict[str, float]:
    """Mean share of every study in the effects against the reference of the first setting, summing to 1.

    The first setting is the network as a whole. Effects that are not assessable are left out; without any, all
    studies weigh the same.
    """
    settings = settings_of(certainty.findings)
    place = OVERALL if OVERALL in settings else settings[0]
    pairs = {frozenset((row["treatment"], row["comparator"])) for row in certainty.findings if row["setting"] == place}
    sums: dict[str, float] = {}
    for pair in pairs:
        own = {
            row["study"]: float(row["share"])
            for row in certainty.contributions
            if row["setting"] == place and frozenset((row["treatment"], row["comparator"])) == pair and row["share"]
        }
        total = sum(share for study, share in own.items() if study != PRIOR_SHARE)
        for study, share in own.items():
            if study != PRIOR_SHARE and total:
                sums[study] = sums.get(study, 0.0) + share / total
    studies = list(dict.fromkeys(row["study"] for row in certainty.risk_of_bias))
    whole = sum(sums.get(study, 0.0) for study in studies)
    return {study: sums.get(study, 0.0) / whole if whole else 1 / len(studies) for study in studies}


def draw_risk_of_bias(certainty: Certainty, names: Names) -> "Figure":
    """Draw a block for every tool by which studies were judged: studies by domain, and domains by weight."""
    weights = mean_weights(certainty)
    tools = list(dict.fromkeys(row["tool"] for row in certainty.risk_of_bias))
    tables = [_rows_of(certainty, tool) for tool in tools]
    sizes = [size for rows in tables for size in map(len, _parts(rows))]
    around = [_AROUND, _AROUND_BARS] * len(tools)
    handles = concern_handles(list(CONCERNS.values()))
    legend = legend_height(handles, PAGE)
    row = fitted((ROW, LEAST_ROW), sum(sizes), sum(map(sum, around)) + legend)
    parts, height = stack_rows(sizes, row, around, 0.02, legend)
    letters = panel_letters(len(sizes))
    left = min(_LABELS, max(text_width(names.study(study)) for study in weights)) + 0.15
    with styled():
        figure = new_figure(PAGE, height, f"{names.outcome_label}: risk of bias of the studies", _about(names))
        for part in parts:
            tool, rows = tools[part.panel // 2], tables[part.panel // 2]
            studies, domains = _parts(rows)
            shown = slice(part.first, part.last)
            tall = row * (part.last - part.first)
            title = f"Tool: {TOOLS.get(tool, tool)}" if tool else "Without a tool"
            if part.panel % 2 == 0:
                axes = add_axes(figure, left, part.top, CELL * len(domains) + _WEIGHT, tall)
                _draw_marks(axes, rows, (studies[shown], domains), weights, row, left, names)
                lift = LINE + 0.06
            else:
                title, lift = "Studies by weight", 0.04
                keys = [f"D{k} {domain_words(domain)}" for k, domain in enumerate(domains, start=1)]
                widest = max(text_width(key) for key in keys) + 0.15
                axes = add_axes(figure, widest, part.top, PAGE - widest - 0.2, tall)
                _draw_bars(axes, rows, weights, dict(zip(domains[shown], keys[shown], strict=True)))
            heading = f"{letters[part.panel]}{title}{part.more}"
            write(figure, MARGIN, part.top - lift, heading, weight="bold", va="bottom")
        add_legend(figure, handles)
    return figure


def _about(names: Names) -> str:
    return (
        f"{names.analysis_label}, model “{names.model}”. Marks: what was judged of every study, by domain. Bars: the "
        "same by domain, studies weighted by their mean share in the effects against the reference of the network, "
        "without the share of the prior."
    )


def _rows_of(certainty: Certainty, tool: str) -> dict[tuple[str, str], Row]:
    """Rows of one tool, by study and domain."""
    return {(row["study"], row["domain"]): row for row in certainty.risk_of_bias if row["tool"] == tool}


def _parts(rows: Mapping[tuple[str, str], Row]) -> tuple[list[str], list[str]]:
    """Studies and domains, in the order of the table."""
    return list(dict.fromkeys(study for study, _ in rows)), list(dict.fromkeys(domain for _, domain in rows))


def domain_words(domain: str) -> str:
    """Words of a domain: confounding, missing data; the study as a whole."""
    return "study as a whole" if domain == "overall" else domain.replace("_", " ")


def _draw_marks(
    axes: Any,
    rows: Mapping[tuple[str, str], Row],
    shown: tuple[Sequence[str], Sequence[str]],
    weights: Mapping[str, float],
    row_height: float,
    left: float,
    names: Names,
) -> None:
    """Draw a circle with a sign for every study and domain that is shown, and the weight of the study."""
    from matplotlib.patches import Ellipse

    studies, domains = shown
    wide, tall = CELL * len(domains) + _WEIGHT, row_height * len(studies)
    axes.set_xlim(0, wide)
    axes.set_ylim(tall, 0)
    axes.axis("off")
    style: dict[str, Any] = {"ha": "center", "va": "center"}
    for i, study in enumerate(studies):
        y = row_height * (i + 0.5)
        axes.text(-0.08, y, shortened(names.study(study), left - 0.12), color=INK, **{**style, "ha": "right"})
        for k, domain in enumerate(domains):
            row = rows.get((study, domain))
            if row:
                concern, x = CONCERNS[level_of(row)], CELL * (k + 0.5)
                mark = Ellipse((x, y), 2 * _MARK, 2 * _MARK, facecolor=concern.colour, edgecolor=GREY, linewidth=0.4)
                mark.set_gid(f"mark-{study}-{domain}")
                axes.add_patch(mark)
                axes.text(x, y, concern.sign, color=INK, **style)
        axes.text(wide - 0.06, y, percentage(str(weights[study])), color=GREY, **{**style, "ha": "right"})
    for k in range(len(domains)):
        axes.text(CELL * (k + 0.5), -0.07, f"D{k + 1}", color=GREY, **style)
    axes.text(wide - 0.06, -0.07, "weight", color=GREY, **{**style, "ha": "right"})


def weighted_levels(
    rows: Mapping[tuple[str, str], Row], weights: Mapping[str, float], domain: str
) -> dict[int | None, float]:
    """Weight of the studies with each level in a domain, of the studies that have the domain; they sum to 1."""
    own = [(level_of(row), weights[study]) for (study, name), row in rows.items() if name == domain]
    total = sum(weight for _, weight in own)
    sums: dict[int | None, float] = dict.fromkeys(CONCERNS, 0.0)
    for level, weight in own:
        sums[level] += weight / total if total else 1 / len(own)
    return sums


def _draw_bars(
    axes: Any, rows: Mapping[tuple[str, str], Row], weights: Mapping[str, float], keys: Mapping[str, str]
) -> None:
    """Draw the weight of the studies with every level, a bar for each domain with its label."""
    axes.set_xlim(0, 1)
    axes.set_ylim(len(keys), 0)
    place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    for k, (domain, key) in enumerate(keys.items()):
        axes.annotate(key, (0, k + 0.5), (-5, 0), ha="right", va="center", color=INK, **place)
        start = 0.0
        for level, share in weighted_levels(rows, weights, domain).items():
            if share:
                concern = CONCERNS[level]
                axes.barh(k + 0.5, share, 0.78, left=start, gid=f"weight-{domain}-{level}", **bar_style(concern))
                if share > 0.05:
                    words = f"{concern.sign} {percentage(str(share))}"
                    axes.text(start + share / 2, k + 0.5, words, ha="center", va="center", color=INK)
                start += share
    axes.set_yticks([])
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    axes.spines["left"].set_visible(False)
