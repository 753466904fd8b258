"""Figures with a row for every treatment: its name, an axis, and columns of text beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from secondline.report.figures.axis import EffectAxis
from secondline.report.figures.pages import Part, fitted, stack_rows
from secondline.report.figures.style import (
    BOLD,
    COLUMN,
    GREY,
    INK,
    LINE,
    MARGIN,
    PAGE,
    panel_letters,
    text_width,
    wrapped,
    write,
)
from secondline.report.words import Names

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LABELS = 1.65  # inches, the widest line of a label
ABOVE, BELOW = 0.24, 0.22  # inches over the rows, for headings, and under them, for the ticks
_GAP = 0.12  # inches beside a column
_LEAST_PLOT = 1.4  # inches, below which an axis takes both columns of a journal


@dataclass(frozen=True)
class Columns:
    """Widths in inches: of a figure, of what is to the left of its axis, of the axis, and of the texts at the right."""

    width: float
    left: float
    plot: float
    texts: tuple[float, ...]

    @property
    def starts(self) -> list[float]:
        """Places of the texts, from the left end of the axis."""
        return [self.plot + _GAP + sum(self.texts[:k]) for k in range(len(self.texts))]


def columns_of(
    labels: Sequence[str],
    texts: Sequence[Sequence[str]],
    axis: tuple[EffectAxis, Names] | None = None,
    widths: Sequence[float] = (COLUMN, PAGE),
    least: float = 0.0,
) -> Columns:
    """Share the width of a figure, the first of some that leaves room for an axis, or the last.

    Parameters
    ----------
    labels : sequence of str
        Labels of the rows.
    texts : sequence
        Texts of every column, with its heading.
    axis : pair, optional
        An axis of effects, whose words need room on both sides.
    least : float
        Inches that anything else needs at the right of the axis.
    """
    sizes = tuple(max(map(text_width, column)) + _GAP for column in texts)
    for width in widths:
        left, right = max(map(text_width, labels)) + _GAP + MARGIN, max(sum(sizes) + _GAP, least)
        plot = width - left - right
        for _ in range(4 if axis else 0):
            scale, names = axis or (None, None)
            assert scale and names
            left = max(left, scale.left_of_axis(names, plot) + MARGIN)
            right = max(right, scale.right_of_axis(names, plot) + MARGIN)
            plot = width - left - right
        if plot >= _LEAST_PLOT:
            break
    return Columns(width, left, plot, sizes)


def label_of(label: str, note: str = "", width: float = LABELS) -> str:
    """Label of a row in lines of at most some width in inches, with a note under it."""
    return "\n".join([*wrapped(label, width), *([note] if note else [])])


def row_heights(labels: Sequence[str], usual: float, least: float) -> tuple[float, float]:
    """Usual and least height of a row, inches, which both have room for every label."""
    needed = 0.95 * LINE * max(label.count("\n") + 1 for label in labels) + 0.03
    return max(usual, needed), max(least, needed)


def write_label(axes: Any, y: float, label: str, known: bool = True) -> None:
    """Write the label of a row; what is not a candidate steps back."""
    place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    style: dict[str, Any] = {"ha": "right", "va": "center", "color": INK if known else GREY, "linespacing": 0.95}
    axes.annotate(label, (0, y), xytext=(-72 * _GAP * 0.8, 0), **style, **place)


def write_columns(axes: Any, columns: Columns, headings: Sequence[str], rows: Mapping[float, Sequence[str]]) -> None:
    """Write the texts beside every row, by its place, under headings."""
    beside: dict[str, Any] = {"textcoords": "offset points", "annotation_clip": False}
    for k, start in enumerate(columns.starts):
        shift = 72 * (start - columns.plot)
        axes.annotate(
            headings[k], (1, 1), xytext=(shift, 4), xycoords="axes fraction", va="bottom", color=GREY, **beside
        )
        for y, texts in rows.items():
            place = {"xycoords": ("axes fraction", "data"), "va": "center"}
            axes.annotate(texts[k], (1, y), xytext=(shift, 0), **place, **beside)


def panel_headings(headings: Sequence[str], columns: Columns) -> list[str]:
    """Give the headings of panels their letters, and break them into lines beside the headings of the columns."""
    room = (columns.left + columns.plot - 0.1) / BOLD - 0.2
    return [
        letter + "\n".join(wrapped(heading, room))
        for letter, heading in zip(panel_letters(len(headings)), headings, strict=True)
    ]


@dataclass(frozen=True)
class RowPage:
    """Where the rows of panels stand, how tall they are, and how tall the figure is, inches."""

    parts: Sequence[Part]
    row: float
    height: float

    @classmethod
    def of(
        cls,
        sizes: Sequence[int],
        headings: Sequence[str],
        rows: tuple[float, float],
        ends: tuple[float, float],
        around: tuple[float, float] = (ABOVE, BELOW),
    ) -> "RowPage":
        """Place the rows of panels under their headings.

        Parameters
        ----------
        sizes : sequence of int
            Rows of every panel.
        rows : pair
            Height of a row, and the least that it may be to keep the figure on a page.
        ends : pair
            Height of what stands above the first panel and below the last one.
        around : pair
            Room above and under the rows of a panel, above it with one line of its heading.
        """
        above, below = around
        room = [(above + LINE * heading.count("\n"), below) for heading in headings]
        row = fitted(rows, sum(sizes), sum(map(sum, room)) + sum(ends))
        parts, height = stack_rows(sizes, row, room, *ends)
        return cls(parts, row, height)


def write_heading(figure: "Figure", part: Part, headings: Sequence[str], lift: float = 0.0) -> None:
    """Write the heading of a part of a panel over its rows, some inches higher if need be."""
    write(figure, MARGIN, part.top - 4 / 72 - lift, headings[part.panel] + part.more, weight="bold", va="bottom")
