"""Forest plot: every treatment against the reference of its setting."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from secondline.cell_values import OVERALL, REFERENCE
from secondline.report.figures.axis import EffectAxis, Ends
from secondline.report.figures.style import (
    BOLD,
    EVIDENCE,
    GREY,
    INK,
    add_axes,
    add_legend,
    legend_rows,
    new_figure,
    styled,
    text_width,
)
from secondline.report.words import (
    NOT_A_CANDIDATE,
    Names,
    Row,
    all_candidates,
    by_rank,
    evidence_words,
    is_true,
    reference_of,
    settings_of,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW = 0.30  # inches
PLOT_WIDTH = 3.7


def draw_forest(relative: Sequence[Row], ranking: Sequence[Row], names: Names, warning: str = "") -> "Figure":
    """Draw one panel per setting, with treatments in the order of the overall ranking, best first.

    Parameters
    ----------
    relative, ranking : rows
        relative_effects.csv and ranking.csv of one model.
    """
    settings = settings_of(ranking)
    panels = {setting: _panel_rows(relative, ranking, setting) for setting in settings}
    rows = [row for members in panels.values() for row in members]
    axis = EffectAxis.over(
        [_credible(row) for row in rows], [ends for row in rows if (ends := _predictive(row))], names.is_ratio
    )
    candidates = {(row["setting"], row["treatment"]): is_true(row, "candidate") for row in ranking}
    labels = [
        *(names.regimen(row["treatment"]) for row in ranking),
        *([] if all_candidates(ranking) else [NOT_A_CANDIDATE]),
    ]
    headings = {setting: _heading(ranking, setting, names) for setting in settings}
    left = max(
        *(text_width(label) + 0.25 for label in labels),
        *(text_width(words) * BOLD + 0.2 - PLOT_WIDTH for words in headings.values()),
        axis.left_of_axis(names, PLOT_WIDTH) + 0.1,
    )
    heading = f"{names.measure} (95% CrI)"
    estimates = max(map(text_width, [heading, *map(names.estimate, rows)])) + 0.2
    said = [names.evidence(row, row["comparator"]) for row in rows]
    evidence = max(map(text_width, [evidence_words(REFERENCE), *said])) + 0.2
    right = max(estimates + evidence, axis.right_of_axis(names, PLOT_WIDTH) + 0.2)
    heights = [ROW * len(panels[setting]) for setting in settings]
    handles = _handles(rows, all_candidates(ranking))
    footer = 0.74 + 0.19 * legend_rows([handle.get_label() for handle in handles], left + PLOT_WIDTH + right)
    title = f"{names.outcome_label}: relative effects"
    order = "Ordered by the overall ranking." if names.has_settings else "Ordered by the ranking."
    subtitle = f"{names.analysis_label}, model “{names.model}”. {order}"
    header, gap = 0.50, 0.62
    with styled():
        height = header + sum(heights) + gap * len(settings) + footer
        figure = new_figure(left + PLOT_WIDTH + right, height, title, subtitle, warning)
        top = header
        for i, setting in enumerate(settings):
            top += gap
            axes = add_axes(figure, left, top, PLOT_WIDTH, heights[i])
            _draw_panel(axes, axis, panels[setting], names, candidates)
            _write_columns(axes, heights[i], panels[setting], names, (heading, estimates))
            axes.text(
                -left + 0.12, 0.20, headings[setting], transform=_inches(axes, heights[i]), weight="bold", va="center"
            )
            top += heights[i]
            if i == len(settings) - 1:
                axis.label(axes, names)
        add_legend(figure, handles)
    return figure


def _heading(ranking: Sequence[Row], setting: str, names: Names) -> str:
    reference = names.regimen(reference_of(ranking, setting))
    return f"{names.place(setting)}: against {reference}" if names.has_settings else f"Against {reference}"


def _panel_rows(relative: Sequence[Row], ranking: Sequence[Row], setting: str) -> list[Row]:
    reference = reference_of(ranking, setting)
    order = [row["treatment"] for row in by_rank(ranking, OVERALL)]
    rows = [row for row in relative if row["setting"] == setting and row["comparator"] == reference]
    return sorted(rows, key=lambda row: order.index(row["treatment"]))


def _credible(row: Row) -> Ends:
    return float(row["lower"]), float(row["upper"])


def _predictive(row: Row) -> Ends | None:
    return (float(row["predictive_lower"]), float(row["predictive_upper"])) if row["predictive_lower"] else None


def _inches(axes: Any, height: float) -> Any:
    """Coordinates in inches from the top left corner of the axes, upwards positive."""
    from matplotlib.transforms import Affine2D

    return Affine2D().scale(1 / PLOT_WIDTH, 1 / height).translate(0, 1) + axes.transAxes


def _draw_panel(
    axes: Any, axis: EffectAxis, rows: Sequence[Row], names: Names, candidates: dict[tuple[str, str], bool]
) -> None:
    axis.prepare(axes, len(rows))
    for y, row in enumerate(rows):
        candidate = candidates[row["setting"], row["treatment"]]
        _draw_row(axes, axis, y, row, candidate)
        label = names.regimen(row["treatment"]) + ("" if candidate else f"\n{NOT_A_CANDIDATE}")
        colour = INK if candidate else GREY
        place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
        axes.annotate(label, (0, y), xytext=(-9, 0), ha="right", color=colour, linespacing=0.95, **place)


def _draw_row(axes: Any, axis: EffectAxis, y: int, row: Row, candidate: bool) -> None:
    mark = EVIDENCE[row["evidence"]]
    if predictive := _predictive(row):
        axis.draw_interval(axes, y, predictive, mark.colour, 0.9)
    axis.draw_interval(axes, y, _credible(row), mark.colour, 3.4, mark.line)
    face = mark.colour if candidate else "white"
    axes.plot(
        [float(row["estimate"])],
        [y],
        mark.marker,
        color=mark.colour,
        markerfacecolor=face,
        markersize=6.5,
        zorder=4,
        gid=f"effect-{row['treatment']}",
    )


def _write_columns(axes: Any, height: float, rows: Sequence[Row], names: Names, estimates: tuple[str, float]) -> None:
    """Write estimate and evidence label beside every row, under headings."""
    heading, width = estimates
    places = (PLOT_WIDTH + 0.12, PLOT_WIDTH + 0.12 + width)
    style = {"transform": _inches(axes, height), "va": "center"}
    for place, text in zip(places, (heading, "evidence"), strict=True):
        axes.text(place, 0.20, text, color=GREY, **style)
    for y, row in enumerate(rows):
        for place, text in zip(places, (names.estimate(row), names.evidence(row, row["comparator"])), strict=True):
            axes.text(place, -(y + 0.5) * ROW, text, **style)


def _handles(rows: Sequence[Row], everyone: bool) -> list[Any]:
    """Legend of what is drawn; ``everyone``, all treatments are candidates."""
    from matplotlib.lines import Line2D

    found = {row["evidence"] for row in rows}
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
        if name in found
    ]
    handles.append(Line2D([], [], color=GREY, linewidth=3.4, label="95% credible interval (CrI)"))
    if any(map(_predictive, rows)):
        handles.append(Line2D([], [], color=GREY, linewidth=0.9, label="95% predictive interval"))
    if not everyone:
        hollow: dict[str, Any] = {"marker": "o", "markerfacecolor": "white", "linestyle": "none"}
        handles.append(Line2D([], [], color=GREY, label=f"hollow: {NOT_A_CANDIDATE}", **hollow))
    return handles
