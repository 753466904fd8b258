"""How each data point fits: leverage plot of a model, and deviances of two models against each other.

References
----------
Spiegelhalter DJ et al. (2002) Journal of the Royal Statistical Society B 64:583 (leverage plots).
Dias S et al. (2011) NICE DSU TSD2 and TSD4 (leverage plots; deviances under unrelated mean effects).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

from secondline.report.figures.style import (
    COLUMN,
    EVIDENCE,
    GREY,
    INK,
    LINE,
    MARGIN,
    PAGE,
    add_axes,
    header_height,
    new_figure,
    styled,
    text_width,
    wrapped,
)
from secondline.report.words import Names, Row, plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CURVES = (1, 2, 3, 4)
BEYOND = 3.0  # deviance plus leverage from which a data point fits poorly
BETTER_BY = 1.0  # fall in deviance that makes a data point fit much better
MOST_LABELS = 12
MOST_IN_COLUMN = 4  # labels for which one column of a journal has room
LONGEST = {COLUMN: 1.5, PAGE: 2.2}  # inches of a label on one line, by the width of the figure
SEPARATOR = ", "
MANY = 1500  # data points beyond which they become an image
HEIGHTS = {COLUMN: 2.5, PAGE: 3.6}  # inches of the axes
_LEFT, _FOOT = 0.42, 0.36  # inches beside and under the axes
CONSISTENCY, UNRELATED = "consistency", "unrelated"

ORDINARY, OUTLYING = EVIDENCE["direct"], EVIDENCE["extrapolated"]
Box = tuple[float, float, float, float]
Point = tuple[float, float]


@dataclass(frozen=True)
class DataPoint:
    """A data point of a study, its place in the plot, and by how much it stands out: labelled if by more than 0."""

    study: str
    name: str
    x: float
    y: float
    excess: float


def leverage_points(points: Sequence[Row]) -> list[DataPoint]:
    """Place data points by the square root of their deviance and their leverage."""
    result = []
    for row in points:
        deviance, leverage = max(float(row["deviance"]), 0.0), float(row["leverage"])
        result.append(
            DataPoint(row["study"], row["data_point"], sqrt(deviance), leverage, deviance + leverage - BEYOND)
        )
    return result


def deviance_points(points: Sequence[Row]) -> list[DataPoint]:
    """Place data points by their deviances under consistency and under unrelated mean effects."""
    key = ("study", "data_point")
    unrelated = {tuple(row[k] for k in key): float(row["deviance"]) for row in points if row["model"] == UNRELATED}
    result = []
    for row in points:
        if row["model"] == CONSISTENCY:
            x, y = float(row["deviance"]), unrelated[row["study"], row["data_point"]]
            result.append(DataPoint(row["study"], row["data_point"], x, y, x - y - BETTER_BY))
    return result


def outlying(points: Sequence[DataPoint]) -> list[DataPoint]:
    """List the data points that stand out, the worst first."""
    return sorted((point for point in points if point.excess > 0), key=lambda point: -point.excess)


def point_label(point: DataPoint, points: Sequence[DataPoint], names: Names) -> str:
    """Name a data point: by its study, with the arm where the study has other data points."""
    others = sum(other.study == point.study for other in points)
    study = names.study(point.study)
    return study if others == 1 else f"{study}{SEPARATOR}{names.data_point(point.name)}"


def draw_leverage(points: Sequence[Row], names: Names, warning: str = "") -> "Figure":
    """Draw leverage against the square root of the residual deviance, with curves of equal share of the DIC.

    Parameters
    ----------
    points : rows
        data_points.csv of one model.
    """
    placed = leverage_points(points)
    top = max(1.05, *(point.y * 1.06 for point in placed))
    foot = min(0.0, *(point.y * 1.06 for point in placed))
    width, header = _width(placed), header_height(warning)
    size = width - _LEFT - MARGIN, HEIGHTS[width]
    plot = _Plot((0.0, max(2.15, *(point.x * 1.06 for point in placed))), (foot, top), *size, LONGEST[width])
    about = (
        f"{names.analysis_label}, model “{names.model}”. Leverage of each data point, plotted against the square root "
        f"of its residual deviance. Along a dashed curve deviance and leverage add up to "
        f"{', '.join(map(str, CURVES[:-1]))} or {CURVES[-1]}, the share of the data point in the DIC. "
        f"{_counted(placed, f'beyond the curve of {BEYOND:g}')}"
    )
    with styled():
        title = f"{names.outcome_label}: leverage of the data points"
        figure = new_figure(width, header + 0.05 + size[1] + _FOOT, title, about, warning)
        axes = plot.open(figure, _LEFT, header + 0.05, "square root of the residual deviance", "leverage")
        for curve in CURVES:
            x = [k / 80 * sqrt(curve - foot) for k in range(81)]
            axes.plot(x, [curve - v**2 for v in x], color=GREY, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
            plot.write(str(curve), (sqrt(curve - foot), foot + 0.045 * (top - foot)))
        plot.scatter(placed, names)
    return figure


def draw_deviances(points: Sequence[Row], names: Names, assessable: bool, warning: str = "") -> "Figure":
    """Draw the deviance of every data point under unrelated mean effects against that under consistency.

    Parameters
    ----------
    points : rows
        inconsistency/data_points.csv
    assessable : bool
        Whether the network has a comparison with direct and indirect evidence.
    """
    placed = deviance_points(points)
    limits = (0.0, max(1.0, *(1.06 * max(point.x, point.y) for point in placed)))
    width, header = _width(placed), header_height(warning)
    size = COLUMN - _LEFT - MARGIN if width == COLUMN else HEIGHTS[PAGE] + 1
    plot = _Plot(limits, limits, size, size, LONGEST[COLUMN])
    below = (
        "Below the line of equality a data point fits better without consistency."
        if assessable
        else "The network has no closed loop: inconsistency is not assessable."
    )
    about = (
        f"{names.analysis_label}. Residual deviance of each data point under unrelated mean effects, plotted against "
        f"that under the consistency model. {below} "
        f"{_counted(placed, f'lower by more than {BETTER_BY:g} under unrelated mean effects')}"
    )
    with styled():
        title = f"{names.outcome_label}: deviance with and without consistency"
        figure = new_figure(width, header + 0.05 + size + _FOOT, title, about, warning)
        left = (width - size + _LEFT - MARGIN) / 2
        axes = plot.open(figure, left, header + 0.05, "deviance, consistency model", "deviance, unrelated mean effects")
        axes.plot(limits, limits, color=GREY, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
        plot.scatter(placed, names)
    return figure


def _width(points: Sequence[DataPoint]) -> float:
    """Width of a figure with as many labels as points stand out."""
    return COLUMN if len(outlying(points)) <= MOST_IN_COLUMN else PAGE


def _counted(points: Sequence[DataPoint], words: str) -> str:
    """Say how many data points stand out, and whether all of them are labelled."""
    found = len(outlying(points))
    more = f"; the {MOST_LABELS} furthest are labelled" if found > MOST_LABELS else "; labelled" if found else ""
    return f"{found or 'None'} of {plural(len(points), 'data point')} {words}{more}."


class _Plot:
    """Axes of a size in inches in which labels find free places beside their points."""

    def __init__(self, x_limits: Point, y_limits: Point, width: float, height: float, longest: float) -> None:
        self._x, self._y = x_limits, y_limits
        self._size = width, height
        self._longest = longest
        self._labels: list[Box] = []
        self._axes: Any = None

    def open(self, figure: "Figure", left: float, top: float, x_label: str, y_label: str) -> Any:
        """Add the axes to a figure."""
        self._axes = add_axes(figure, left, top, *self._size)
        self._axes.set_xlim(*self._x)
        self._axes.set_ylim(*self._y)
        self._axes.set_xlabel(x_label, labelpad=2)
        self._axes.set_ylabel(y_label, labelpad=2)
        return self._axes

    def _inches(self, x: float, y: float) -> Point:
        (left, right), (foot, top) = self._x, self._y
        return (x - left) / (right - left) * self._size[0], (y - foot) / (top - foot) * self._size[1]

    def write(self, text: str, place: Point) -> None:
        """Write a word that labels keep away from."""
        x, y = self._inches(*place)
        width, height = text_width(text) + 0.06, LINE
        self._labels.append((x - width / 2, y - height / 2, x + width / 2, y + height / 2))
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
        self._axes.text(*place, text, color=GREY, ha="center", va="center", bbox=box)

    def scatter(self, points: Sequence[DataPoint], names: Names) -> None:
        """Draw the points, and label those that stand out."""
        for mark, members in (
            (ORDINARY, [point for point in points if point.excess <= 0]),
            (OUTLYING, [point for point in points if point.excess > 0]),
        ):
            self._axes.plot(
                [point.x for point in members],
                [point.y for point in members],
                linestyle="none",
                marker=mark.marker,
                color=mark.colour,
                markeredgecolor="white",
                markeredgewidth=0.4,
                markersize=4.5,
                alpha=0.85,
                zorder=3,
                clip_on=False,
                rasterized=len(members) > MANY,
            )
        dots = [self._inches(point.x, point.y) for point in points]
        for point in outlying(points)[:MOST_LABELS]:
            label = point_label(point, points, names)
            if text_width(label) > self._longest:
                label = "\n".join(line for part in label.split(SEPARATOR) for line in wrapped(part, self._longest))
            self._label(point, label, dots)

    def _label(self, point: DataPoint, text: str, dots: Sequence[Point]) -> None:
        size = text_width(text) + 0.02, LINE * (text.count("\n") + 1)
        at = self._inches(point.x, point.y)
        box = free_place(at, size, self._size, self._labels, dots)
        self._labels.append(box)
        place = {"xycoords": "axes points", "annotation_clip": False}
        near = min(max(at[0], box[0]), box[2]), min(max(at[1], box[1]), box[3])
        if abs(near[0] - at[0]) + abs(near[1] - at[1]) > 0.16:
            line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
            ends = {"xy": (at[0] * 72, at[1] * 72), "xytext": (near[0] * 72, near[1] * 72)}
            self._axes.annotate("", textcoords="axes points", arrowprops=line, zorder=2, **ends, **place)
        # The side that faces the point lines up with it.
        align = "right" if box[2] <= at[0] else "left" if box[0] >= at[0] else "center"
        x = {"right": box[2], "left": box[0], "center": (box[0] + box[2]) / 2}[align]
        self._axes.annotate(
            text,
            (x * 72, (box[1] + box[3]) / 2 * 72),
            ha=align,
            va="center",
            color=INK,
            linespacing=1.1,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
            zorder=4,
            gid="point-label",
            **place,
        )


def free_place(
    at: Point, size: Point, area: Point, labels: Sequence[Box], dots: Sequence[Point], reach: float = 0.06
) -> Box:
    """Find a box near a point, inside an area, that covers no label and, if it can be helped, no point."""
    width, height = size
    taken = [(x - 0.04, y - 0.04, x + 0.04, y + 0.04) for x, y in dots]
    sides = [(1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1), (0, 1), (0, -1)]
    second: Box | None = None
    for step in (0.02, 0.12, 0.25, 0.4, 0.6, 0.85, 1.15, 1.5, 1.9):
        for dx, dy in sides:
            x = at[0] + dx * (reach + step + width / 2)
            y = at[1] + dy * (reach + step + height / 2)
            box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            inside = box[0] >= 0 and box[1] >= 0 and box[2] <= area[0] and box[3] <= area[1]
            if inside and not any(_overlap(box, other) for other in labels):
                if not any(_overlap(box, dot) for dot in taken):
                    return box
                second = second or box
    if second:
        return second
    x = min(max(at[0] - width / 2, 0.0), max(area[0] - width, 0.0))
    y = min(max(at[1] - height / 2, 0.0), max(area[1] - height, 0.0))
    return x, y, x + width, y + height


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
