"""Absolute outcomes: the expected outcome under each treatment, from the declared baseline of each setting."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from secondline.cell_values import OVERALL, REFERENCE
from secondline.cells import parse_baseline
from secondline.likelihoods import MEDIAN_TIME, SCALES
from secondline.report.direct import against_baseline
from secondline.report.figures.axis import linear_ticks, tick_label
from secondline.report.figures.rows import (
    BELOW,
    RowPage,
    columns_of,
    label_of,
    panel_headings,
    row_heights,
    write_columns,
    write_heading,
    write_label,
)
from secondline.report.figures.style import (
    EVIDENCE,
    GREY,
    INK,
    LIGHT,
    PAGE,
    add_axes,
    add_legend,
    header_height,
    legend_height,
    new_figure,
    styled,
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

ROW, LEAST_ROW = 0.20, 0.16  # inches
OBSERVED = "x"
WIDEST = 2.5  # an axis of times ends at this multiple of the largest estimate; longer intervals end in an arrow
_FOOT = 0.42  # inches under the last axis

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
    settings = settings_of(absolute)
    panels = [
        sorted((row for row in absolute if row["setting"] == setting), key=lambda row: order.index(row["treatment"]))
        for setting in settings
    ]
    candidates = {(row["setting"], row["treatment"]): is_true(row, "candidate") for row in ranking}
    seen = {(row["setting"], row["treatment"]): observed_beside(observed, row) for row in absolute}
    beside = [row for rows in seen.values() for row in rows]
    limits = _limits([row for row in absolute if row["absolute"]], beside)
    titles = ("estimate (95% CrI)", "evidence")
    labels = {
        key: label_of(names.regimen(key[1]), "" if candidate else NOT_A_CANDIDATE)
        for key, candidate in candidates.items()
    }
    known = [titles, *(_texts(row, names) for row in absolute)]
    columns = columns_of(list(labels.values()), list(zip(*known, strict=True)), widths=(PAGE,))
    handles = _handles(absolute, all_candidates(ranking), bool(beside))
    headings = panel_headings([_heading(rows[0], names) for rows in panels], columns)
    page = RowPage.of(
        [len(rows) for rows in panels],
        headings,
        row_heights(list(labels.values()), ROW, LEAST_ROW),
        (header_height(warning), _FOOT - BELOW + legend_height(handles, PAGE)),
    )
    with styled():
        figure = new_figure(PAGE, page.height, *_caption(panels, names), warning)
        for part in page.parts:
            rows = panels[part.panel][part.first : part.last]
            axes = add_axes(figure, columns.left, part.top, columns.plot, page.row * len(rows))
            _prepare(axes, limits, len(rows))
            for y, row in enumerate(rows):
                key = (row["setting"], row["treatment"])
                write_label(axes, y, labels[key], candidates[key])
                if row["absolute"]:
                    _draw_row(axes, limits, y, row, candidates[key])
                _draw_observed(axes, limits, y, seen[key])
            write_columns(axes, columns, titles, {y: _texts(row, names) for y, row in enumerate(rows)})
            write_heading(figure, part, headings)
        _label(axes, absolute[0], names)
        add_legend(figure, handles)
    return figure


def _texts(row: Row, names: Names) -> tuple[str, str]:
    """Write what stands beside a row."""
    return names.absolute(row), against_baseline(row, names)


def _caption(panels: Sequence[Sequence[Row]], names: Names) -> tuple[str, str]:
    """Title, and what is drawn from which baselines."""
    first = panels[0][0]
    assumed = (
        " Proportional hazards and exponential survival are assumed." if first["scale"] == MEDIAN_TIME.name else ""
    )
    notes = " ".join(_note(rows[0], names) for rows in panels)
    title = f"{names.outcome_label}: expected outcome under each treatment, {absolute_scale(first)}"
    about = (
        f"{names.analysis_label}, model “{names.model}”. Estimates with 95% equal-tailed credible intervals (CrI); "
        f"these include the uncertainty of the baseline.{assumed} No estimate is given where the effect against the "
        f"baseline is extrapolated or prior-driven. {notes}"
    )
    return title, about


def _heading(row: Row, names: Names) -> str:
    """Heading of a panel: its setting, and the treatment of its baseline."""
    regimen, _ = parse_baseline(row["baseline"])
    where = f"{names.place(row['setting'])}: b" if names.has_settings else "B"
    return f"{where}aseline {names.regimen(regimen)}"


def _note(row: Row, names: Names) -> str:
    """Describe the baseline of a setting: the row of its regimen, the source and the assumptions."""
    regimen, _ = parse_baseline(row["baseline"])
    where = f"Baseline, {names.place(row['setting'])}" if names.has_settings else "Baseline"
    parts = [f"{where}: {names.regimen(regimen)}", names.said(row["source"])]
    parts += [f"assumed: {names.said(row['assumptions'])}"] if row["assumptions"] else []
    return "; ".join(filter(None, parts)) + "."


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
    line = {"color": mark.colour, "linewidth": 2.6, "solid_capstyle": "butt", "dash_capstyle": "butt"}
    axes.plot([lower, min(upper, limits[1])], [y, y], linestyle=mark.line, zorder=2, **line)
    axes.plot([lower], [y], "|", color=mark.colour, markersize=5.5, markeredgewidth=1, zorder=3)
    end = ">" if upper > limits[1] else "|"
    axes.plot([min(upper, limits[1])], [y], end, color=mark.colour, markersize=4, clip_on=False, zorder=3)
    axes.plot(
        [value],
        [y],
        mark.marker,
        color=mark.colour,
        markerfacecolor=mark.colour if candidate else "white",
        markersize=9 if row["evidence"] == REFERENCE else 5,
        zorder=4,
        gid=f"absolute-{row['treatment']}",
    )


def _draw_observed(axes: Any, limits: Limits, y: int, rows: Sequence[Row]) -> None:
    """Mark what arms observed, a little below the estimate, with the intervals that are printed."""
    for k, row in enumerate(rows):
        at = y + 0.26 + 0.12 * k
        value, lower, upper = shown(row)
        axes.plot([lower, min(upper, limits[1])], [at, at], color=INK, linewidth=0.7, zorder=5)
        axes.plot([min(value, limits[1])], [at], OBSERVED, color=INK, markersize=4, clip_on=False, zorder=5)


def _label(axes: Any, row: Row, names: Names) -> None:
    """Say under the last axis what it shows and which way is better."""
    right = names.more_is_better(row)
    words, x, align = ("better →", 1, "right") if right else ("← better", 0, "left")
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "top"}
    axes.annotate(words, (x, 0), xytext=(0, -13), ha=align, gid="better", **place)
    axes.annotate(f"{names.outcome_label}, {absolute_scale(row)}", (0.5, 0), xytext=(0, -21), ha="center", **place)


def _handles(rows: Sequence[Row], everyone: bool, observed: bool) -> list[Any]:
    from matplotlib.lines import Line2D

    found = {row["evidence"] for row in rows if row["absolute"]}
    handles: list[Any] = [
        Line2D(
            [], [], color=mark.colour, marker=mark.marker, linestyle=mark.line, linewidth=2.4, markersize=5, label=label
        )
        for name, mark in EVIDENCE.items()
        if name in found
        for label in [DECLARED if name == REFERENCE else evidence_words(name)]
    ]
    handles.append(
        Line2D([], [], color=GREY, linewidth=2.6, label="95% credible interval (CrI), including the baseline")
    )
    if observed:
        words = "observed in a study arm, with the printed interval"
        handles.append(Line2D([], [], color=INK, marker=OBSERVED, linewidth=0.7, markersize=4, label=words))
    if not everyone:
        hollow: dict[str, Any] = {"marker": "o", "markerfacecolor": "white", "linestyle": "none"}
        handles.append(Line2D([], [], color=GREY, label=f"hollow: {NOT_A_CANDIDATE}", **hollow))
    return handles
