"""Threshold forest: what the studies found, and how far each figure may move before another candidate ranks first."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from secondline.report.figures.axis import EffectAxis, Ends
from secondline.report.figures.style import (
    BOLD,
    EVIDENCE,
    GREY,
    INK,
    PAGE_WIDTH,
    SMALL,
    SMALL_LINE,
    add_axes,
    new_page,
    shortened,
    small_lines,
    small_print,
    text_width,
)
from secondline.report.words import Names, Row, settings_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RULE = "sucra"
"""The decision of which the figure shows the thresholds."""
ROW = 0.19  # inches
_HEADING, _FOOT = SMALL_LINE + 0.05, 0.34
_LABELS, _WORDS = 1.75, 2.35  # inches: widest columns on the left and on the right
_Z = 1.959963984540054  # of a 95% interval
_OWN, _CHANGE = EVIDENCE["direct"].colour, EVIDENCE["extrapolated"].colour


def threshold_rows(thresholds: Sequence[Row]) -> list[Row]:
    """Rows of figures by the rule that is shown, without those of settings in which nothing is decided."""
    return [row for row in thresholds if row["rule"] == RULE and row["study"] and row["effect"]]


def figure_label(row: Row, rows: Sequence[Row], names: Names) -> str:
    """Study, with the arm or contrast where the study has several figures."""
    several = len({other["arm"] for other in rows if other["study"] == row["study"]}) > 1
    study = names.study(row["study"])
    return f"{study}, {row['arm']}" if several else study


def draw_thresholds(thresholds: Sequence[Row], names: Names) -> "Figure":
    """Draw one panel per setting: the figure of every study with its interval, and its thresholds.

    Parameters
    ----------
    thresholds : rows
        thresholds.csv, with at least one row of `threshold_rows`.
    """
    rows = threshold_rows(thresholds)
    panels = [(place, [row for row in rows if row["setting"] == place]) for place in settings_of(rows)]
    axis = EffectAxis.over([_interval(row) for row in rows], [_reach(row) for row in rows], names.is_ratio)
    left = min(_LABELS, max(text_width(figure_label(row, rows, names), SMALL) for row in rows)) + 0.15
    width = PAGE_WIDTH - left - _WORDS - 0.15
    lines = small_lines(_explanation(names))
    header = 0.19 + SMALL_LINE * len(lines) + 0.10
    height = header + sum(_HEADING + ROW * len(members) + 0.12 for _, members in panels) + _FOOT
    with small_print():
        figure = new_page(height, f"{names.outcome_label}: thresholds", lines)
        top = header
        for setting, members in panels:
            figure.text(0, 1 - top / height, _heading(setting, members[0], names), weight="bold", va="top")
            axes = add_axes(figure, left, top + _HEADING, width, ROW * len(members))
            _draw_panel(axes, axis, members, names)
            top += _HEADING + ROW * len(members) + 0.12
        axes.set_xlabel(names.effects.axis_label, size=SMALL, labelpad=2)
        axes.spines["bottom"].set_visible(True)
        axes.tick_params(labelbottom=True, length=2)
    return figure


def _explanation(names: Names) -> str:
    return (
        f"{names.analysis_label}, model “{names.model}”. Circle: effect that a study contributes, with its 95% "
        "confidence "
        "interval. Triangle: value of this effect beyond which another candidate has the highest SUCRA, everything "
        "else "
        "unchanged and heterogeneity estimated anew, hollow where it is beyond the axis. On the right, this value "
        "and that "
        "candidate."
    )


def _heading(setting: str, row: Row, names: Names) -> str:
    where = f"{names.place(setting)}: h" if names.has_settings else "H"
    return shortened(f"{where}ighest SUCRA, {names.regimen(row['first'])}", PAGE_WIDTH / BOLD)


def _interval(row: Row) -> Ends:
    effect, se = float(row["effect"]), float(row["se"])
    return effect - _Z * se, effect + _Z * se


def _reach(row: Row) -> Ends:
    """Leave room for the thresholds of a figure."""
    known = [float(row[end]) for end in ("lower", "upper") if row[end]]
    return min([*known, float(row["effect"])]), max([*known, float(row["effect"])])


def _draw_panel(axes: Any, axis: EffectAxis, rows: Sequence[Row], names: Names) -> None:
    axis.prepare(axes, len(rows))
    axes.tick_params(labelsize=SMALL, width=0.6, length=0, labelbottom=False)
    axes.spines["bottom"].set_visible(False)
    for y, row in enumerate(rows):
        axis.draw_interval(axes, y, _interval(row), _OWN, 1.3)
        axes.plot(
            [axis.natural(float(row["effect"]))], [y], "o", color=_OWN, markersize=3.5, gid=f"effect-{row['study']}"
        )
        for end, marker in (("lower", "<"), ("upper", ">")):
            if row[end]:
                value = min(max(float(row[end]), axis.low), axis.high)
                face = _CHANGE if value == float(row[end]) else "white"
                style = {"color": _CHANGE, "markerfacecolor": face, "clip_on": False, "markersize": 5, "zorder": 5}
                axes.plot([axis.natural(value)], [y], marker, gid=f"{end}-{row['study']}", **style)
        place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
        axes.annotate(shortened(figure_label(row, rows, names), _LABELS), (0, y), (-6, 0), ha="right", **place)
        words = threshold_words(row, names)
        axes.annotate(
            shortened(words, _WORDS), (1, y), (8, 0), color=INK if row["lower"] or row["upper"] else GREY, **place
        )


def threshold_words(row: Row, names: Names) -> str:
    """Thresholds of a figure in words: below and above which value, and who then ranks first."""
    parts = [
        f"{side} {names.natural(row[end])}: {names.regimen(row[f'{end}_first'])}"
        for end, side in (("lower", "below"), ("upper", "above"))
        if row[end]
    ]
    return "; ".join(parts) or f"no threshold: {row['reason']}"
