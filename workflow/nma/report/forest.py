"""Forest plot: every treatment against the reference of its setting."""

from collections.abc import Sequence
from math import ceil, exp, floor, log, log10
from typing import TYPE_CHECKING, Any

from nma.report.style import EVIDENCE, FONT_SIZE, GREY, INK, LIGHT, add_axes, new_figure, styled, text_width
from nma.report.words import (
    MEASURES,
    NOT_A_CANDIDATE,
    OVERALL,
    REFERENCE,
    Names,
    Row,
    by_rank,
    evidence_words,
    is_true,
    ratio_interval,
    reference_of,
    settings_of,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW = 0.30  # inches
PLOT_WIDTH = 3.7
WIDEST = log(500)  # an axis never reaches further from 1 than this; longer intervals end in an arrow


def draw_forest(relative: Sequence[Row], ranking: Sequence[Row], names: Names, warning: str = "") -> "Figure":
    """Draw one panel a setting; treatments stand in the order of the overall ranking, best first.

    Parameters
    ----------
    relative, ranking : rows
        relative_effects.csv and ranking.csv of one model.
    """
    settings = settings_of(ranking)
    panels = {setting: _panel_rows(relative, ranking, setting) for setting in settings}
    limits = _limits([row for rows in panels.values() for row in rows])
    candidates = {(row["setting"], row["treatment"]): is_true(row, "candidate") for row in ranking}
    shown = {row["treatment"] for row in ranking}
    left = max(text_width(text) for text in [*map(names.regimen, shown), NOT_A_CANDIDATE]) + 0.25
    estimates = max(text_width(ratio_interval(row)) for rows in panels.values() for row in rows) + 0.2
    evidence = max(text_width(evidence_words(label)) for label in EVIDENCE) + 0.2
    heights = [ROW * len(panels[setting]) for setting in settings]
    title = f"{names.outcome_label}: relative effects"
    subtitle = f"{names.analysis_label}, model “{names.model}”. Best of the overall ranking on top."
    header, footer, gap = 0.50, 1.30, 0.62
    width = max(left + PLOT_WIDTH + estimates + evidence, text_width(subtitle) + 0.3)
    with styled():
        figure = new_figure(width, header + sum(heights) + gap * len(settings) + footer, title, subtitle, warning)
        top = header
        for i, setting in enumerate(settings):
            top += gap
            axes = add_axes(figure, left, top, PLOT_WIDTH, heights[i])
            reference = names.regimen(reference_of(ranking, setting))
            _draw_panel(axes, panels[setting], names, candidates, limits)
            _write_columns(axes, heights[i], panels[setting], names, estimates)
            heading = f"{names.setting(setting)}: against {reference}"
            axes.text(-left + 0.12, 0.20, heading, transform=_inches(axes, heights[i]), weight="bold", va="center")
            top += heights[i]
            if i == len(settings) - 1:
                _favours(axes, names.lower_is_better)
                axes.set_xlabel(f"{MEASURES.get(names.measure, names.measure)}, log scale", labelpad=17)
        _legend(figure)
    return figure


def _panel_rows(relative: Sequence[Row], ranking: Sequence[Row], setting: str) -> list[Row]:
    reference = reference_of(ranking, setting)
    order = [row["treatment"] for row in by_rank(ranking, OVERALL)] or [row["treatment"] for row in ranking]
    rows = [row for row in relative if row["setting"] == setting and row["comparator"] == reference]
    return sorted(rows, key=lambda row: order.index(row["treatment"]))


def _limits(rows: Sequence[Row]) -> tuple[float, float]:
    """Limits of the axis, natural scale: all credible intervals, predictive ones if they leave these room."""
    low = min(0.0, *(float(row["lower"]) for row in rows))
    high = max(0.0, *(float(row["upper"]) for row in rows))
    room = 0.25 * (high - low)
    predictive = [float(row[key]) for row in rows for key in ("predictive_lower", "predictive_upper") if row[key]]
    low = max(min([low, *predictive]), low - room) - 0.06 * (high - low)
    high = min(max([high, *predictive]), high + room) + 0.06 * (high - low)
    return exp(max(low, -WIDEST)), exp(min(high, WIDEST))


def _inches(axes: Any, height: float) -> Any:
    """Coordinates in inches from the top left corner of the axes, upwards positive."""
    from matplotlib.transforms import Affine2D

    return Affine2D().scale(1 / PLOT_WIDTH, 1 / height).translate(0, 1) + axes.transAxes


def _draw_panel(
    axes: Any,
    rows: Sequence[Row],
    names: Names,
    candidates: dict[tuple[str, str], bool],
    limits: tuple[float, float],
) -> None:
    axes.set_xscale("log")
    axes.set_xlim(*limits)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.axvline(1, color=GREY, linewidth=0.9, zorder=0)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    _ticks(axes, limits)
    for y, row in enumerate(rows):
        candidate = candidates[row["setting"], row["treatment"]]
        _draw_row(axes, y, row, candidate, limits)
        label = names.regimen(row["treatment"]) + ("" if candidate else f"\n{NOT_A_CANDIDATE}")
        colour = INK if candidate else GREY
        place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
        axes.annotate(label, (0, y), xytext=(-9, 0), ha="right", color=colour, linespacing=0.95, **place)


def _draw_row(axes: Any, y: int, row: Row, candidate: bool, limits: tuple[float, float]) -> None:
    mark = EVIDENCE[row["evidence"]]
    if row["predictive_lower"]:
        _interval(
            axes,
            y,
            (float(row["predictive_lower"]), float(row["predictive_upper"])),
            limits,
            mark.colour,
            0.9,
        )
    lower, upper = float(row["lower"]), float(row["upper"])
    _interval(axes, y, (lower, upper), limits, mark.colour, 3.4, mark.line)
    face = mark.colour if candidate else "white"
    axes.plot(
        [float(row["estimate"])],
        [y],
        mark.marker,
        color=mark.colour,
        markerfacecolor=face,
        markersize=6.5,
        zorder=4,
    )


def _interval(
    axes: Any,
    y: int,
    ends: tuple[float, float],
    limits: tuple[float, float],
    colour: str,
    width: float,
    line: Any = "solid",
) -> None:
    """Draw an interval given on the log scale; an end beyond the axis becomes an arrow head."""
    low, high = (log(limit) for limit in limits)
    shown = [exp(min(max(end, low), high)) for end in ends]
    style = {
        "color": colour,
        "linewidth": width,
        "linestyle": line,
        "solid_capstyle": "butt",
        "dash_capstyle": "butt",
    }
    axes.plot(shown, [y, y], zorder=3 if width > 2 else 2, **style)
    if width > 2:  # the last dash of a dashed line may end before the interval does
        axes.plot(shown, [y, y], "|", color=colour, markersize=7, markeredgewidth=1.2, zorder=3)
    for end, limit, marker in ((low - ends[0], limits[0], "<"), (ends[1] - high, limits[1], ">")):
        if end > 0:
            axes.plot([limit], [y], marker, color=colour, markersize=4.5, clip_on=False, zorder=3)


def _ticks(axes: Any, limits: tuple[float, float]) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    decades = log10(limits[1] / limits[0])
    steps = (1, 2, 5) if decades < 2 else (1, 3) if decades < 3.2 else (1,)
    powers = range(floor(log10(limits[0])), ceil(log10(limits[1])) + 1)
    ticks = [step * 10.0**power for power in powers for step in steps if limits[0] <= step * 10.0**power <= limits[1]]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    for tick in ticks:
        axes.axvline(tick, color=LIGHT, linewidth=0.5, zorder=-1)


def _write_columns(axes: Any, height: float, rows: Sequence[Row], names: Names, estimates: float) -> None:
    """Write estimate and evidence label beside every row, with headings."""
    places = (PLOT_WIDTH + 0.12, PLOT_WIDTH + 0.12 + estimates)
    heading = {"transform": _inches(axes, height), "color": GREY, "va": "center"}
    for place, text in zip(places, (f"{names.measure} (95% CrI)", "evidence"), strict=True):
        axes.text(place, 0.20, text, **heading)
    for y, row in enumerate(rows):
        for place, text in zip(places, (ratio_interval(row), evidence_words(row["evidence"])), strict=True):
            axes.text(place, -(y + 0.5) * ROW, text, transform=heading["transform"], va="center")


def _favours(axes: Any, lower_is_better: bool) -> None:
    """Say under the axis which side favours whom."""
    left, right = ("treatment", "comparator") if lower_is_better else ("comparator", "treatment")
    place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "va": "top", "color": INK}
    axes.annotate(f"← favours {left}", (1, 0), xytext=(-6, -18), ha="right", gid=f"favours-{left}", **place)
    axes.annotate(f"favours {right} →", (1, 0), xytext=(6, -18), ha="left", gid=f"favours-{right}", **place)


def _legend(figure: "Figure") -> None:
    from matplotlib.lines import Line2D

    handles: list[Any] = [
        Line2D(
            [],
            [],
            color=mark.colour,
            marker=mark.marker,
            linestyle=mark.line,
            linewidth=3,
            markersize=6,
            label=evidence_words(name),
        )
        for name, mark in EVIDENCE.items()
        if name != REFERENCE
    ]
    handles += [
        Line2D([], [], color=GREY, linewidth=3.4, label="95% credible interval (CrI)"),
        Line2D([], [], color=GREY, linewidth=0.9, label="95% predictive interval"),
        Line2D(
            [],
            [],
            color=GREY,
            marker="o",
            markerfacecolor="white",
            linestyle="none",
            label=f"hollow: {NOT_A_CANDIDATE}",
        ),
    ]
    width = figure.get_size_inches()[0]
    figure.legend(
        handles=handles,
        loc="lower left",
        ncols=4,
        borderaxespad=0.2,
        bbox_to_anchor=(0.12 / width, 0),
        handlelength=2.6,
        fontsize=FONT_SIZE - 0.5 if width < 8 else FONT_SIZE,
    )
