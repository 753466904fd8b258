"""Specification curve: the effect of the lead contrast in all defensible analyses, above the choices behind it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, Any

from secondline.report.figures.axis import EffectAxis
from secondline.report.figures.curve_points import Curve
from secondline.report.figures.pages import TALLEST, fitted, stack
from secondline.report.figures.style import (
    BOLD,
    EVIDENCE,
    GREY,
    INK,
    LIGHT,
    LINE,
    MARGIN,
    PAGE,
    add_axes,
    new_figure,
    panel_letters,
    shortened,
    styled,
    wrapped,
    write,
)
from secondline.report.words import Names, Row, percentage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EFFECT = "lead_effect"
"""Quantity of specification_shares.csv that the bars show."""
LEVEL = 0.125  # inches: height of a line of the matrix
CURVE, LEAST_CURVE = 1.45, 0.85  # inches: height of a curve, less where that keeps the figure on a page
BARS = 0.75  # inches: width of the bars of variance
HEADING, GAP, TICKS = LINE + 0.08, 0.10, 0.34
_AXIS_COLUMN, _LEVEL_COLUMN, _SPACE = 1.15, 1.85, 0.10  # inches: columns of labels, and the space beside each
_LEFT = _AXIS_COLUMN + _LEVEL_COLUMN + 2 * _SPACE
_WIDTH = PAGE - _LEFT - BARS - 0.25
_BELOW = 0.2  # inches under a curve that has no choices under it
_LINES = 2  # of a label
_OUTSIDE = 0.02  # of the intervals, which may end beyond the axis on either side
_MOST_NAMED = 5  # choices named beside the curves under the first
_DECLARED = EVIDENCE["extrapolated"].colour
_CHOSEN = EVIDENCE["direct"].colour


@dataclass(frozen=True)
class Choices:
    """Labels of the axes and of their levels, in the order in which they are drawn."""

    axes: Mapping[str, str]
    levels: Mapping[str, Mapping[str, list[str]]]
    """Lines of the label, by axis and level."""

    @classmethod
    def of(cls, levels: Sequence[Row], shares: Sequence[Row], labels: Mapping[str, str], names: Names) -> "Choices":
        """Put the axis that explains most of the variance on top."""
        total = {row["axis"]: float(row["total"] or 0) for row in shares}
        by_axis: dict[str, dict[str, list[str]]] = {}
        for row in levels:
            if row["axis"]:
                lines = wrapped(names.level(row), _LEVEL_COLUMN / BOLD)
                kept = [*lines[: _LINES - 1], " ".join(lines[_LINES - 1 :])] if len(lines) >= _LINES else lines
                by_axis.setdefault(row["axis"], {})[row["level"]] = [
                    shortened(line, _LEVEL_COLUMN / BOLD) for line in kept
                ]
        order = sorted(by_axis, key=lambda axis: -total.get(axis, 0.0))
        return cls({axis: labels.get(axis, axis) for axis in order}, {axis: by_axis[axis] for axis in order})

    @property
    def lines(self) -> int:
        """Lines of the matrix."""
        return sum(len(label) for members in self.levels.values() for label in members.values())

    @property
    def heights(self) -> list[float]:
        """Heights of the axes, inches; under the last one are the ticks of the bars."""
        heights = [LEVEL * sum(map(len, members.values())) for members in self.levels.values()]
        return [*heights[:-1], heights[-1] + TICKS] if heights else []

    def on_pages(self, tops: Sequence[float]) -> Iterator[tuple[float, "Choices"]]:
        """Top of the axes that stand on each page, and these, given the tops of all axes in inches."""
        for _, members in groupby(zip(self.axes, tops, strict=True), key=lambda item: int(item[1] / TALLEST + 1e-9)):
            here = list(members)
            names = [axis for axis, _ in here]
            yield here[0][1], Choices({n: self.axes[n] for n in names}, {n: self.levels[n] for n in names})

    @property
    def spans(self) -> dict[tuple[str, str], tuple[float, float]]:
        """First and last line of every level, from the top of the matrix."""
        keys = [(axis, level) for axis, members in self.levels.items() for level in members]
        ends = [0, *accumulate(len(self.levels[axis][level]) for axis, level in keys)]
        return {key: (ends[k], ends[k + 1]) for k, key in enumerate(keys)}


def draw_specification_curve(
    curves: Sequence[Curve],
    levels: Sequence[Row],
    shares: Sequence[Row],
    names: Names,
    axes: Mapping[str, str],
) -> "Figure":
    """Draw the curve of the first setting over the matrix of its choices, and under it the curves of the others.

    Parameters
    ----------
    curves : sequence of Curve
        At least one.
    levels, shares : rows
        specification_levels.csv, specification_shares.csv
    axes : mapping
        Labels of the axes.
    """
    main, *others = curves
    by_setting = {curve.setting: _of_effect(shares, curve.setting) for curve in curves}
    choices = Choices.of(levels, by_setting[main.setting], axes, names)
    around = [HEADING + GAP, *[HEADING + _BELOW] * len(others)]
    tall = fitted((CURVE, LEAST_CURVE), len(curves), sum(around) + sum(choices.heights))
    first, *below = (other + tall for other in around)
    tops, height = stack([first, *choices.heights, *below])
    letters = panel_letters(len(curves))
    with styled():
        title = f"{names.outcome_label}: specification curve"
        figure = new_figure(PAGE, height, title, _about(curves, names))
        _draw_curve(figure, main, (tops[0], tall), letters[0], names)
        for top, part in choices.on_pages(tops[1 : 1 + len(choices.axes)]):
            matrix = LEVEL * part.lines
            _draw_matrix(add_axes(figure, _LEFT, top, _WIDTH, matrix), main, part)
            _draw_bars(add_axes(figure, _LEFT + _WIDTH + 0.15, top, BARS, matrix), by_setting[main.setting], part)
        for k, curve in enumerate(others):
            top = tops[1 + len(choices.axes) + k]
            _draw_curve(figure, curve, (top, tall), letters[1 + k], names)
            _name_shares(figure, by_setting[curve.setting], choices, top + HEADING)
    return figure


def _of_effect(shares: Sequence[Row], setting: str) -> list[Row]:
    return [row for row in shares if (row["setting"], row["quantity"]) == (setting, EFFECT) and row["total"]]


def _about(curves: Sequence[Curve], names: Names) -> str:
    shown = len(curves[0].points)
    thinned = f"; {shown} of them are shown, at equal steps of the weight" if shown < curves[0].estimated else ""
    return (
        f"{names.analysis_label}, model “{names.model}”. All analyses that combine the choices listed, in the order of "
        f"the effect{thinned}. Grey: 95% credible intervals, cut off at the ends of the axis. Diamond and line: the "
        "declared analysis, its choices in bold. Bars: share of the variance of the effect that a choice explains "
        "alone (dark) and together with others (light)."
    )


def _heading(curve: Curve, names: Names) -> str:
    where = f"{names.place(curve.setting)}: " if names.has_settings else ""
    pair = f"{names.regimen(curve.treatment)} against {names.regimen(curve.comparator)}"
    share = "" if curve.weight >= 1 - 1e-9 else f" (weight {percentage(str(curve.weight))})"
    return f"{where}{names.measure} of {pair}, {curve.estimated:,} analyses{share}"


def _draw_curve(figure: "Figure", curve: Curve, place: tuple[float, float], letter: str, names: Names) -> None:
    """Draw one curve under its heading, with its top and height: points in the order of the effect, with intervals."""
    top, height = place
    heading = letter + shortened(_heading(curve, names), PAGE / BOLD - 0.25)
    write(figure, MARGIN, top + 0.01, heading, weight="bold")
    axes = add_axes(figure, _LEFT, top + HEADING, _WIDTH, height)
    scale = _scale(curve, names.is_ratio)
    axes.set_yscale("log" if names.is_ratio else "linear")
    axes.set_ylim(scale.natural(scale.low), scale.natural(scale.high))
    _ticks(axes, scale)
    ends = [
        [scale.natural(min(max(end, scale.low), scale.high)) for end in (point.lower, point.upper)]
        for point in curve.points
    ]
    _strokes(axes, [((k, low), (k, high)) for k, (low, high) in enumerate(ends)], LIGHT, 1.0)
    effects = [scale.natural(point.effect) for point in curve.points]
    axes.plot(range(len(effects)), effects, color=INK, linewidth=1.4, zorder=3, gid="effects")
    axes.axhline(scale.none, color=GREY, linewidth=0.7, zorder=1)
    at = _mark_declared(axes, curve)
    if curve.declared:
        axes.plot([at], [scale.natural(curve.declared.effect)], "D", color=_DECLARED, markersize=4, zorder=5, gid="own")
    better, worse = names.regimen(curve.treatment), names.regimen(curve.comparator)
    below, above = (better, worse) if names.lower_is_better else (worse, better)
    for who, y, align in ((above, 1.0, "top"), (below, 0.0, "bottom")):
        words = shortened(f"favours {who}", _LEFT - 0.5)
        beside = {"xycoords": "axes fraction", "textcoords": "offset points", "ha": "right", "va": align}
        axes.annotate(words, (0, y), (-34, 0), color=GREY, **beside)


def _scale(curve: Curve, ratio: bool) -> EffectAxis:
    """Make room for all effects and for all intervals but the longest."""
    lower, upper = (sorted(getattr(point, end) for point in curve.points) for end in ("lower", "upper"))
    beyond = int(_OUTSIDE * len(curve.points))
    effects = [point.effect for point in (*curve.points, *filter(None, [curve.declared]))]
    ends = (min([lower[beyond], *effects]), max([upper[-1 - beyond], *effects]))
    return EffectAxis.over([ends], [], ratio)


def _mark_declared(axes: Any, curve: Curve) -> float:
    """Draw the line of the declared analysis; returns its place."""
    axes.set_xlim(-0.5, len(curve.points) - 0.5)
    at = curve.place * len(curve.points) - 0.5
    if curve.declared:
        axes.axvline(at, color=_DECLARED, linewidth=0.7, zorder=4)
    return at


def _ticks(axes: Any, scale: EffectAxis) -> None:
    scale.mark(axes.yaxis)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)


def _strokes(
    axes: Any, lines: Sequence[tuple[tuple[float, float], tuple[float, float]]], colour: str, width: float
) -> None:
    """Draw many lines as one path, which keeps the file small."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    if lines:
        corners = [corner for line in lines for corner in line]
        path = Path(corners, [Path.MOVETO, Path.LINETO] * len(lines))
        axes.add_patch(PathPatch(path, fill=False, edgecolor=colour, linewidth=width, capstyle="butt", zorder=2))


def _draw_matrix(axes: Any, curve: Curve, choices: Choices) -> None:
    """Draw a row for every level, with a mark under every point that has it."""
    axes.set_ylim(choices.lines, 0)
    axes.axis("off")
    style: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    for (axis, level), (start, end) in choices.spans.items():
        here, first = curve.axes.index(axis), level == next(iter(choices.levels[axis]))
        middle = (start + end) / 2
        _strokes(axes, [((a, middle), (b, middle)) for a, b in _runs(curve, here, level)], _CHOSEN, 0.7 * LEVEL * 72)
        own = curve.declared is not None and curve.declared.levels[here] == level
        label = "\n".join(choices.levels[axis][level])
        weight = "bold" if own else "normal"
        axes.annotate(
            label, (0, middle), (-72 * _SPACE, 0), ha="right", va="center", weight=weight, linespacing=1, **style
        )
        if first:
            label = shortened(choices.axes[axis], _AXIS_COLUMN)
            shift = 72 * (MARGIN - _LEFT)
            axes.annotate(label, (0, start + 0.5), (shift, 0), va="center", color=GREY, **style)
        if first and start:
            across = [-_LEFT / _WIDTH, 1 + (BARS + 0.15) / _WIDTH]
            transform = axes.get_yaxis_transform()
            axes.plot(across, [start] * 2, color=LIGHT, linewidth=0.5, clip_on=False, transform=transform)
    _mark_declared(axes, curve)


def _runs(curve: Curve, axis: int, level: str) -> list[tuple[float, float]]:
    """Stretches of neighbouring points that have a level."""
    found = []
    for has, members in groupby(enumerate(curve.points), key=lambda item: item[1].levels[axis] == level):
        places = [k for k, _ in members]
        if has:
            found.append((places[0] - 0.5, places[-1] + 0.5))
    return found


def _draw_bars(axes: Any, shares: Sequence[Row], choices: Choices) -> None:
    """Draw the share of the variance of every axis beside its levels."""
    axes.patch.set_visible(False)
    axes.set_ylim(choices.lines, 0)
    axes.set_xlim(0, 1)
    by_axis, spans = {row["axis"]: row for row in shares}, choices.spans
    for axis, members in choices.levels.items():
        ends = [spans[axis, level] for level in members]
        middle = (ends[0][0] + ends[-1][1]) / 2
        if row := by_axis.get(axis):
            for key, colour in (("total", LIGHT), ("first_order", GREY)):
                axes.barh(middle, min(max(float(row[key] or 0), 0.0), 1.0), 1.0, color=colour, gid=f"{key}-{axis}")
    for side in ("left", "top"):
        axes.spines[side].set_visible(False)
    axes.set_yticks([])
    axes.set_xticks([0, 0.5, 1], ["0", "50", "100"])
    axes.set_xlabel("% of variance", color=GREY, labelpad=2)


def _name_shares(figure: "Figure", shares: Sequence[Row], choices: Choices, top: float) -> None:
    """List the choices that explain most of another curve, beside it."""
    largest = sorted(shares, key=lambda row: -float(row["total"]))[:_MOST_NAMED]
    lines = [f"{shortened(choices.axes[row['axis']], 1.2)} {percentage(row['total'])}" for row in largest]
    if lines:
        words = "\n".join(["Of the variance, with others:", *lines])
        write(figure, MARGIN, top + 0.12, words, color=GREY, linespacing=1.35)
