"""Absolute outcomes: the expected outcome under each treatment, from the declared baseline of each setting."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from secondline.cell_values import OVERALL, REFERENCE
from secondline.cells import parse_baseline
from secondline.likelihoods import MEDIAN_TIME, SCALES
from secondline.report.direct import against_baseline
from secondline.report.figures.axis import linear_ticks, tick_label
from secondline.report.figures.style import (
    EVIDENCE,
    GREY,
    INK,
    LIGHT,
    LINE,
    add_axes,
    add_legend,
    legend_rows,
    new_figure,
    styled,
    text_width,
    wrapped,
)
from secondline.report.tables.observed import observed_beside
from secondline.report.words import (
    DECLARED,
    NOT_A_CANDIDATE,
    Names,
    Row,
    absolute_scale,
    all_candidates,
    by_rank,
    evidence_words,
    is_true,
    settings_of,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW = 0.30  # inches
PLOT_WIDTH = 3.7
OBSERVED = "x"
WIDEST = 2.5  # an axis of times ends at this multiple of the largest estimate; longer intervals end in an arrow

Limits = tuple[float, float]


def draw_absolute(
    absolute: Sequence[Row], ranking: Sequence[Row], names: Names, warning: str = "", observed: Sequence[Row] = ()
) -> "Figure":
    """Draw one panel for every setting with a baseline; treatments stand in the order of the overall ranking.

    A treatment whose effect against the baseline is extrapolated or prior-driven has no estimate, in words.

    Parameters
    ----------
    absolute, ranking : rows
        absolute_effects.csv, not empty, and ranking.csv of one model.
    observed : rows
        network/observed.csv; what arms of the studies observed is marked beside what is predicted.
    """
    order = [row["treatment"] for row in by_rank(ranking, OVERALL)]
    panels = {
        setting: sorted(
            (row for row in absolute if row["setting"] == setting), key=lambda row: order.index(row["treatment"])
        )
        for setting in settings_of(absolute)
    }
    candidates = {(row["setting"], row["treatment"]): is_true(row, "candidate") for row in ranking}
    seen = {(row["setting"], row["treatment"]): observed_beside(observed, row) for row in absolute}
    beside = [row for rows in seen.values() for row in rows]
    limits = _limits([row for row in absolute if row["absolute"]], beside)
    heading = "estimate (95% CrI)"
    labels = [
        *(names.regimen(name) for name in order),
        *([] if all_candidates(ranking) else [NOT_A_CANDIDATE]),
    ]
    left = max(map(text_width, labels)) + 0.25
    estimates = max(map(text_width, [heading, *map(names.absolute, absolute)])) + 0.2
    evidence = max(text_width(against_baseline(row, names)) for row in absolute) + 0.2
    width = left + PLOT_WIDTH + estimates + evidence
    notes = {setting: wrapped(_note(rows[0], names), width - 0.3) for setting, rows in panels.items()}
    handles = _handles(absolute, all_candidates(ranking), bool(beside))
    footer = 0.74 + 0.19 * legend_rows([handle.get_label() for handle in handles], width)
    gaps = {setting: 0.78 + LINE * 1.25 * len(lines) for setting, lines in notes.items()}
    with styled():
        height = 0.35 + sum(ROW * len(rows) + gaps[setting] for setting, rows in panels.items()) + footer
        figure = new_figure(width, height, *_heading(absolute[0], names), warning)
        top = 0.35
        for setting, rows in panels.items():
            top += gaps[setting]
            axes = add_axes(figure, left, top, PLOT_WIDTH, ROW * len(rows))
            _prepare(axes, limits, len(rows))
            for y, row in enumerate(rows):
                candidate = candidates[setting, row["treatment"]]
                _name_row(axes, y, row, candidate, names)
                if row["absolute"]:
                    _draw_row(axes, limits, y, row, candidate)
                _draw_observed(axes, limits, y, seen[setting, row["treatment"]])
            _write_columns(axes, rows, names, (heading, estimates))
            _write_note(axes, (left, ROW * len(rows)), names.place(setting) or "Baseline", notes[setting])
            top += ROW * len(rows)
        _label(axes, absolute[0], names)
        add_legend(figure, handles)
    return figure


def _heading(row: Row, names: Names) -> tuple[str, str]:
    """Title and subtitle."""
    assumed = " Assumed: proportional hazards, exponential survival." if row["scale"] == MEDIAN_TIME.name else ""
    return f"{names.outcome_label}: {absolute_scale(row)}", f"{names.analysis_label}, model “{names.model}”.{assumed}"


def _write_note(axes: Any, size: tuple[float, float], title: str, note: Sequence[str]) -> None:
    """Write the title of a panel above it, and what its baseline is."""
    left, height = size
    place = {"transform": _inches(axes, height), "va": "top"}
    foot = 0.26 + LINE * 1.25 * len(note)
    axes.text(-left + 0.12, foot + 0.22, title, weight="bold", **place)
    axes.text(-left + 0.12, foot + 0.02, "\n".join(note), color=GREY, linespacing=1.25, **place)


def _note(row: Row, names: Names) -> str:
    """Describe the baseline of a setting: the row of its regimen, the source and the assumptions."""
    regimen, _ = parse_baseline(row["baseline"])
    parts = [f"Baseline: {names.regimen(regimen)}", row["source"], f"assumed: {row['assumptions']}"]
    return "; ".join(part for part in parts if part not in ("", "assumed: ")) + "."


def shown(row: Row) -> tuple[float, float, float]:
    """Estimate and limits as they are drawn: probabilities per 100 patients; a limit not known is at the estimate."""
    factor = 100 if SCALES[row["scale"]].per_hundred else 1
    texts = (row[f"absolute{end}"] or row["absolute"] for end in ("", "_lower", "_upper"))
    value, lower, upper = (factor * float(text) for text in texts)
    return value, lower, upper


def _limits(rows: Sequence[Row], observed: Sequence[Row]) -> Limits:
    """Limits of the axis: from 0 where nothing is below, and no wider than the estimates can be distinguished."""
    values = [shown(row) for row in [*rows, *observed]]
    low, high = min(0.0, *(lower for _, lower, _ in values)), max(upper for _, _, upper in values)
    if SCALES[rows[0]["scale"]].per_hundred:
        return 0.0, min(100.0, 1.05 * high)
    return 1.05 * low, 1.03 * (min(high, WIDEST * max(value for value, _, _ in values)) if low == 0 else high)


def _inches(axes: Any, height: float) -> Any:
    """Coordinates in inches from the top left corner of the axes, upwards positive."""
    from matplotlib.transforms import Affine2D

    return Affine2D().scale(1 / PLOT_WIDTH, 1 / height).translate(0, 1) + axes.transAxes


def _prepare(axes: Any, limits: Limits, rows: int) -> None:
    ticks = linear_ticks(*limits, 8)
    axes.set_xlim(*limits)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xticks(ticks, [tick_label(tick) for tick in ticks])
    axes.vlines(ticks, 0, 1, transform=axes.get_xaxis_transform(), color=LIGHT, linewidth=0.5, zorder=-1)


def _draw_row(axes: Any, limits: Limits, y: int, row: Row, candidate: bool) -> None:
    mark = EVIDENCE[row["evidence"]]
    value, lower, upper = shown(row)
    line = {"color": mark.colour, "linewidth": 3.4, "solid_capstyle": "butt", "dash_capstyle": "butt"}
    axes.plot([lower, min(upper, limits[1])], [y, y], linestyle=mark.line, zorder=2, **line)
    axes.plot([lower], [y], "|", color=mark.colour, markersize=7, markeredgewidth=1.2, zorder=3)
    end = ">" if upper > limits[1] else "|"
    axes.plot([min(upper, limits[1])], [y], end, color=mark.colour, markersize=5, clip_on=False, zorder=3)
    axes.plot(
        [value],
        [y],
        mark.marker,
        color=mark.colour,
        markerfacecolor=mark.colour if candidate else "white",
        markersize=11 if row["evidence"] == REFERENCE else 6.5,
        zorder=4,
        gid=f"absolute-{row['treatment']}",
    )


def _draw_observed(axes: Any, limits: Limits, y: int, rows: Sequence[Row]) -> None:
    """Mark what arms observed, a little below the estimate, with the intervals that are printed."""
    for k, row in enumerate(rows):
        at = y + 0.26 + 0.12 * k
        value, lower, upper = shown(row)
        axes.plot([lower, min(upper, limits[1])], [at, at], color=INK, linewidth=0.7, zorder=5)
        axes.plot([min(value, limits[1])], [at], OBSERVED, color=INK, markersize=4.5, clip_on=False, zorder=5)


def _name_row(axes: Any, y: int, row: Row, candidate: bool, names: Names) -> None:
    axes.annotate(
        names.regimen(row["treatment"]) + ("" if candidate else f"\n{NOT_A_CANDIDATE}"),
        (0, y),
        xytext=(-9, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        va="center",
        color=INK if candidate else GREY,
        linespacing=0.95,
    )


def _write_columns(axes: Any, rows: Sequence[Row], names: Names, estimates: tuple[str, float]) -> None:
    """Write estimate and evidence label beside every row, under headings."""
    heading, width = estimates
    style = {"transform": _inches(axes, ROW * len(rows)), "va": "center"}
    places = PLOT_WIDTH + 0.12, PLOT_WIDTH + 0.12 + width
    for place, text in zip(places, (heading, "evidence"), strict=True):
        axes.text(place, 0.13, text, color=GREY, **style)
    for y, row in enumerate(rows):
        for place, text in zip(places, (names.absolute(row), against_baseline(row, names)), strict=True):
            axes.text(place, -(y + 0.5) * ROW, text, **style)


def _label(axes: Any, row: Row, names: Names) -> None:
    """Say under the last axis what it shows and which way is better."""
    right = names.more_is_better(row)
    words, x, align = ("better →", 1, "right") if right else ("← better", 0, "left")
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "top"}
    axes.annotate(words, (x, 0), xytext=(0, -18), ha=align, gid="better", **place)
    axes.annotate(f"{names.outcome_label}, {absolute_scale(row)}", (0.5, 0), xytext=(0, -32), ha="center", **place)


def _handles(rows: Sequence[Row], everyone: bool, observed: bool) -> list[Any]:
    from matplotlib.lines import Line2D

    found = {row["evidence"] for row in rows if row["absolute"]}
    handles: list[Any] = [
        Line2D(
            [], [], color=mark.colour, marker=mark.marker, linestyle=mark.line, linewidth=3, markersize=6, label=label
        )
        for name, mark in EVIDENCE.items()
        if name in found
        for label in [DECLARED if name == REFERENCE else evidence_words(name)]
    ]
    handles.append(
        Line2D([], [], color=GREY, linewidth=3.4, label="95% credible interval (CrI), including the baseline")
    )
    if observed:
        words = "observed in a study arm, with the printed interval"
        handles.append(Line2D([], [], color=INK, marker=OBSERVED, linewidth=0.7, markersize=4.5, label=words))
    if not everyone:
        hollow: dict[str, Any] = {"marker": "o", "markerfacecolor": "white", "linestyle": "none"}
        handles.append(Line2D([], [], color=GREY, label=f"hollow: {NOT_A_CANDIDATE}", **hollow))
    return handles
