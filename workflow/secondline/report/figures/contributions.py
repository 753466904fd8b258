"""What every study, and the prior, contributes to the effects against the reference: stacked bars by comparison."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from secondline.cell_values import PRIOR_SHARE
from secondline.report.certainty import Certainty, level_of
from secondline.report.figures.concern import CONCERNS, PRIOR, Concern, bar_style, concern_handles
from secondline.report.figures.style import (
    BOLD,
    GREY,
    INK,
    PAGE_WIDTH,
    SMALL,
    SMALL_LINE,
    add_axes,
    add_legend,
    legend_rows,
    new_page,
    shortened,
    small_lines,
    small_print,
    text_width,
)
from secondline.report.words import Names, Row, percentage, settings_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW = 0.22  # inches
_BAR = 0.78  # of a row
_LABELS, _RIGHT = 1.75, 0.85  # inches: widest labels on the left, and the column on the right
_HEADING, _FOOT = SMALL_LINE + 0.06, 0.32


def levels_of(certainty: Certainty) -> dict[str, int | None]:
    """Level of concern of every study as a whole; None is not judged."""
    return {row["study"]: level_of(row) for row in certainty.risk_of_bias if row["domain"] == "overall"}


def draw_contributions(certainty: Certainty, names: Names) -> "Figure":
    """Draw a bar for every treatment against the reference of each setting, of the studies by risk of bias."""
    places = settings_of(certainty.findings)
    levels = levels_of(certainty)
    shares = _shares(certainty)
    lines = small_lines(_explanation(names))
    found = _concerns(certainty, levels)
    handles = concern_handles(found)
    legend = 0.2 * legend_rows([handle.get_label() for handle in handles], PAGE_WIDTH) + 0.05
    header = 0.19 + SMALL_LINE * len(lines) + 0.12
    sizes = [sum(row["setting"] == place for row in certainty.findings) for place in places]
    height = header + sum(_HEADING + ROW * size + _FOOT for size in sizes) + legend
    left = min(_LABELS, max(text_width(names.regimen(row["treatment"]), SMALL) for row in certainty.findings)) + 0.2
    with small_print():
        figure = new_page(height, f"{names.outcome_label}: contributions of the studies", lines)
        top = header
        for place, size in zip(places, sizes, strict=True):
            rows = [row for row in certainty.findings if row["setting"] == place]
            heading = f"{names.place(place)}: against" if names.has_settings else "Against"
            heading = shortened(f"{heading} {names.regimen(rows[0]['comparator'])}", PAGE_WIDTH / BOLD)
            figure.text(0, 1 - top / height, heading, weight="bold", va="top")
            axes = add_axes(figure, left, top + _HEADING, PAGE_WIDTH - left - _RIGHT, ROW * size)
            _draw_panel(axes, rows, shares, levels, left, names)
            top += _HEADING + ROW * size + _FOOT
        add_legend(figure, handles)
    return figure


def _explanation(names: Names) -> str:
    return (
        f"{names.analysis_label}, model “{names.model}”. Length: share of each study, and of the prior, in the effect "
        "against the reference of the setting. Colour and sign: risk of bias of the study as a whole. Right: share of "
        "the evidence of the studies that comes from those which compare the two directly."
    )


def _shares(certainty: Certainty) -> dict[tuple[str, ...], dict[str, float]]:
    """Shares by comparison, in both directions, and by study."""
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for row in certainty.contributions:
        for pair in ((row["treatment"], row["comparator"]), (row["comparator"], row["treatment"])):
            if row["share"]:
                found.setdefault((row["setting"], *pair), {})[row["study"]] = float(row["share"])
    return found


def _concerns(certainty: Certainty, levels: Mapping[str, int | None]) -> list[Concern]:
    """Concerns that occur, in the order of the bars, and the prior."""
    studies = {row["study"] for row in certainty.contributions if row["study"] not in ("", PRIOR_SHARE)}
    kinds = {levels.get(study) for study in studies}
    return [*(concern for level, concern in CONCERNS.items() if level in kinds), PRIOR]


def _draw_panel(
    axes: Any,
    rows: Sequence[Row],
    shares: Mapping[tuple[str, ...], Mapping[str, float]],
    levels: Mapping[str, int | None],
    left: float,
    names: Names,
) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(len(rows), 0)
    width = PAGE_WIDTH - left - _RIGHT
    style: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
    for k, row in enumerate(rows):
        middle = k + 0.5
        label = shortened(names.regimen(row["treatment"]), left - 0.13)
        axes.annotate(label, (0, middle), (-6, 0), ha="right", color=INK, **style)
        own = shares.get((row["setting"], row["treatment"], row["comparator"]))
        if own is None:
            axes.annotate("not assessable", (0, middle), (4, 0), color=GREY, **style)
            continue
        _draw_bar(axes, own, levels, middle, width, names)
        axes.annotate(_direct(row), (1, middle), (6, 0), color=GREY, **style)
    axes.set_yticks([])
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    axes.tick_params(labelsize=SMALL, width=0.6, length=2)
    axes.spines["left"].set_visible(False)


def _direct(row: Row) -> str:
    share = row["direct_share"]
    return f"{percentage(share)} direct" if share and float(share) > 0 else "none direct"


def _draw_bar(
    axes: Any,
    shares: Mapping[str, float],
    levels: Mapping[str, int | None],
    middle: float,
    width: float,
    names: Names,
) -> None:
    """Draw the studies by level, those with the largest shares first, then the prior, with names where they fit."""
    order = list(CONCERNS)
    studies = [study for study in shares if study != PRIOR_SHARE]
    studies.sort(key=lambda study: (order.index(levels.get(study)), -shares[study]))
    start = 0.0
    for study in [*studies, *([PRIOR_SHARE] if PRIOR_SHARE in shares else [])]:
        concern = PRIOR if study == PRIOR_SHARE else CONCERNS[levels.get(study)]
        share = shares[study]
        axes.barh(middle, share, _BAR, left=start, gid=f"share-{study}", **bar_style(concern))
        words = f"{concern.sign} {names.study(study)}" if study != PRIOR_SHARE else f"prior {percentage(str(share))}"
        if text_width(words, SMALL) + 0.08 <= share * width:
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8} if study == PRIOR_SHARE else None
            axes.text(start + share / 2, middle, words, ha="center", va="center", size=SMALL, color=INK, bbox=box)
        elif concern.sign and text_width(concern.sign, SMALL) + 0.04 <= share * width:
            axes.text(start + share / 2, middle, concern.sign, ha="center", va="center", size=SMALL, color=INK)
        start += share
