"""Comparison-adjusted funnel plot: effects less the mean of their comparison, over their standard errors."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from secondline.cell_values import CENTRED_EFFECTS
from secondline.report.figures.axis import EffectAxis, linear_ticks, tick_label
from secondline.report.figures.style import (
    COLUMN,
    EVIDENCE,
    GREY,
    INK,
    PAGE,
    add_axes,
    add_legend,
    legend_height,
    new_figure,
    styled,
)
from secondline.report.words import Names, Row, is_true

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHTS = {COLUMN: 2.5, PAGE: 3.1}  # inches, of the funnel
MOST_IN_COLUMN = 6  # comparisons for whose legend one column of a journal has room
_LEFT, _FOOT = 0.42, 0.44  # inches beside and under it
_Z = 1.959963984540054  # of a 95% interval
_COLOURS = [mark.colour for name, mark in EVIDENCE.items() if name != "reference"]
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")

Pair = tuple[str, str]


def funnel_points(rows: Sequence[Row]) -> list[Row]:
    """Rows of small_study.csv that are drawn: contrasts that at least two studies make."""
    return [row for row in rows if row["effect"] and int(row["comparison_studies"]) > 1]


def draw_small_study(rows: Sequence[Row], test: Sequence[Row], names: Names) -> "Figure":
    """Draw the funnel with its points by comparison, filled where they are in the test, and the line of the test.

    Parameters
    ----------
    rows, test : rows
        small_study.csv, of which at least one row is drawn, and small_study_test.csv.
    """
    points = funnel_points(rows)
    widest = max(float(row["se"]) for row in points)
    axis = EffectAxis.over(
        [(-_Z * widest, _Z * widest), *((float(row["centred_effect"]),) * 2 for row in points)], [], names.is_ratio
    )
    styles = _styles(points)
    handles = _legend(points, styles, names)
    width = COLUMN if len(handles) <= MOST_IN_COLUMN and legend_height(handles, COLUMN) < 1 else PAGE
    with styled():
        title = f"{names.outcome_label}: small-study effects"
        height = 0.05 + HEIGHTS[width] + _FOOT + legend_height(handles, width)
        figure = new_figure(width, height, title, _about(names))
        axes = add_axes(figure, _LEFT, 0.05, width - _LEFT - 0.05, HEIGHTS[width])
        _draw_frame(axes, axis, widest, names)
        for row in points:
            _draw_point(axes, axis, row, styles[_pair(row)])
        _draw_line(axes, axis, test, widest)
        add_legend(figure, handles)
    return figure


def _about(names: Names) -> str:
    return (
        f"{names.analysis_label}. Comparison-adjusted funnel plot: effects of the studies, as reported, of the later "
        "treatment in the declared order against the earlier, less the mean of their comparison. Filled: the one "
        "comparison of a study that is in the test; hollow: others. Comparisons that one study makes are not shown. "
        "Dotted: where 95% of the studies would be without heterogeneity. Dashed: regression of the centred effects on "
        "their standard errors."
    )


def _pair(row: Row) -> Pair:
    return row["treatment"], row["comparator"]


def _styles(points: Sequence[Row]) -> dict[Pair, dict[str, Any]]:
    """Give every comparison a colour and a marker: no two share both."""
    pairs = list(dict.fromkeys(map(_pair, points)))
    return {
        pair: {"color": _COLOURS[k % len(_COLOURS)], "marker": _MARKERS[k % len(_MARKERS)]}
        for k, pair in enumerate(pairs)
    }


def _draw_frame(axes: Any, axis: EffectAxis, widest: float, names: Names) -> None:
    axis.prepare(axes, 1)
    axes.set_ylim(1.06 * widest, 0)
    ticks = linear_ticks(0, widest, 6)
    axes.set_yticks(ticks, [tick_label(tick) for tick in ticks])
    axes.spines["left"].set_visible(True)
    axes.set_ylabel(f"standard error of the {names.link_scale}", labelpad=2)
    for sign in (-1, 1):
        reach = min(_Z * widest, axis.high if sign > 0 else -axis.low)
        ends = [axis.natural(0.0), axis.natural(sign * reach)]
        axes.plot(ends, [0, reach / _Z], color=GREY, linewidth=0.8, linestyle="dotted", zorder=1)
    what = f"{names.measure} over the mean of its comparison" if names.is_ratio else "effect less mean of comparison"
    axes.set_xlabel(what, labelpad=11)
    later, earlier = ("←", "→") if names.lower_is_better else ("→", "←")
    _side(axes, later, "favours later treatment")
    _side(axes, earlier, "favours earlier treatment")


def _side(axes: Any, arrow: str, words: str) -> None:
    """Say under one end of the axis whom it favours."""
    left = arrow == "←"
    axes.annotate(
        f"{arrow} {words}" if left else f"{words} {arrow}",
        (0 if left else 1, 0),
        xytext=(0, -13),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="left" if left else "right",
        va="top",
        color=INK,
    )


def _draw_point(axes: Any, axis: EffectAxis, row: Row, style: Mapping[str, Any]) -> None:
    value = min(max(float(row["centred_effect"]), axis.low), axis.high)
    axes.plot(
        [axis.natural(value)],
        [float(row["se"])],
        linestyle="none",
        markersize=4.5,
        markeredgewidth=0.9,
        markerfacecolor=style["color"] if is_true(row, "tested") else "none",
        clip_on=False,
        zorder=4,
        gid=f"point-{row['study']}-{row['treatment']}-{row['comparator']}",
        **style,
    )


def _draw_line(axes: Any, axis: EffectAxis, test: Sequence[Row], widest: float) -> None:
    for row in test:
        if row["method"] == CENTRED_EFFECTS:
            steps = [widest * k / 40 for k in range(41)]
            drawn = [(float(row["intercept"]) + float(row["slope"]) * se, se) for se in steps]
            inside = [(axis.natural(value), se) for value, se in drawn if axis.low <= value <= axis.high]
            axes.plot(*zip(*inside, strict=True), color=INK, linewidth=1, linestyle=(0, (4, 2)), zorder=3, gid="test")


def _legend(points: Sequence[Row], styles: Mapping[Pair, Mapping[str, Any]], names: Names) -> list[Any]:
    from matplotlib.lines import Line2D

    shown = {_pair(row) for row in points if is_true(row, "tested")}
    return [
        Line2D(
            [],
            [],
            linestyle="none",
            markersize=4.5,
            markerfacecolor=style["color"] if pair in shown else "none",
            label=f"{names.regimen(pair[0])} against {names.regimen(pair[1])}",
            **style,
        )
        for pair, style in styles.items()
    ]
