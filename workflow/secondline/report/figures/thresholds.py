"""Threshold forest: what the studies found, and how far each figure may move before another candidate ranks first."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from secondline.report.figures.axis import EffectAxis, Ends
from secondline.report.figures.rows import (
    RowPage,
    columns_of,
    label_of,
    panel_headings,
    row_heights,
    write_columns,
    write_heading,
    write_label,
)
from secondline.report.figures.style import EVIDENCE, PAGE, add_axes, new_figure, styled, wrapped
from secondline.report.words import Names, Row, settings_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RULE = "sucra"
"""The decision of which the figure shows the thresholds."""
ROW, LEAST_ROW = 0.19, 0.14  # inches
_AROUND, _FOOT = (0.22, 0.22), 0.34  # inches around a panel, and under the last one
_WORDS = 2.35  # inches: the widest line of the words on the right
_Z = 1.959963984540054  # of a 95% interval
_OWN, _CHANGE = EVIDENCE["direct"].colour, EVIDENCE["extrapolated"].colour


def threshold_rows(thresholds: Sequence[Row]) -> list[Row]:
    """Rows of figures by the rule that is shown, without those of settings in which nothing is decided."""
    return [row for row in thresholds if row["rule"] == RULE and row["study"] and row["effect"]]


def figure_label(row: Row, rows: Sequence[Row], names: Names) -> str:
    """Study, with the arm or contrast where the study has several figures."""
    several = len({other["arm"] for other in rows if other["study"] == row["study"]}) > 1
    study = names.study(row["study"])
    return f"{study}, {names.data_point(row['arm'])}" if several else study


def draw_thresholds(thresholds: Sequence[Row], names: Names) -> "Figure":
    """Draw one panel per setting: the figure of every study with its interval, and its thresholds.

    Parameters
    ----------
    thresholds : rows
        thresholds.csv, with at least one row of `threshold_rows`.
    """
    rows = threshold_rows(thresholds)
    panels = [[row for row in rows if row["setting"] == place] for place in settings_of(rows)]
    axis = EffectAxis.over([_interval(row) for row in rows], [_reach(row) for row in rows], names.is_ratio)
    labels = [[label_of(figure_label(row, rows, names)) for row in members] for members in panels]
    words = [["\n".join(wrapped(threshold_words(row, names), _WORDS)) for row in members] for members in panels]
    flat = [text for texts in (*labels, *words) for text in texts]
    columns = columns_of(
        [text for texts in labels for text in texts], [[text for texts in words for text in texts]], widths=(PAGE,)
    )
    headings = panel_headings([_heading(members[0], names) for members in panels], columns)
    page = RowPage.of(
        [len(members) for members in panels],
        headings,
        row_heights(flat, ROW, LEAST_ROW),
        (0.02, _FOOT - _AROUND[1]),
        _AROUND,
    )
    with styled():
        figure = new_figure(PAGE, page.height, f"{names.outcome_label}: thresholds", _about(names))
        for part in page.parts:
            shown = slice(part.first, part.last)
            members = panels[part.panel][shown]
            axes = add_axes(figure, columns.left, part.top, columns.plot, page.row * len(members))
            _draw_panel(axes, axis, members)
            for y, label in enumerate(labels[part.panel][shown]):
                write_label(axes, y, label)
            write_columns(axes, columns, ("",), {y: (text,) for y, text in enumerate(words[part.panel][shown])})
            write_heading(figure, part, headings)
        axes.set_xlabel(names.effects.axis_label, labelpad=2)
    return figure


def _about(names: Names) -> str:
    return (
        f"{names.analysis_label}, model “{names.model}”. Circle: effect that a study contributes, with its 95% "
        "confidence interval. Triangle: value of this effect beyond which another candidate has the highest SUCRA, "
        "everything else unchanged and heterogeneity estimated anew, hollow where it is beyond the axis. On the right, "
        "this value and that candidate."
    )


def _heading(row: Row, names: Names) -> str:
    where = f"{names.place(row['setting'])}: h" if names.has_settings else "H"
    return f"{where}ighest SUCRA, {names.regimen(row['first'])}"


def _interval(row: Row) -> Ends:
    effect, se = float(row["effect"]), float(row["se"])
    return effect - _Z * se, effect + _Z * se


def _reach(row: Row) -> Ends:
    """Leave room for the thresholds of a figure."""
    known = [float(row[end]) for end in ("lower", "upper") if row[end]]
    return min([*known, float(row["effect"])]), max([*known, float(row["effect"])])


def _draw_panel(axes: Any, axis: EffectAxis, rows: Sequence[Row]) -> None:
    axis.prepare(axes, len(rows))
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


def threshold_words(row: Row, names: Names) -> str:
    """Thresholds of a figure in words: below and above which value, and who then ranks first."""
    parts = [
        f"{side} {names.natural(row[end])}: {names.regimen(row[f'{end}_first'])}"
        for end, side in (("lower", "below"), ("upper", "above"))
        if row[end]
    ]
    return "; ".join(parts) or f"no threshold: {row['reason']}"
