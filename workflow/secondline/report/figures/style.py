"""A common style for all figures: the widths and the text size of journals, and never colour alone.

A figure has no title inside. Its title and what else a reader has to know are its caption, which `new_figure` keeps as
the label of the figure and `secondline.report.figures.files.save` writes beside it.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from secondline.report.figures.pages import page_tops

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#1a1a1a"
GREY = "#5f6670"  # text that steps back; contrast 5.9 against white
LIGHT = "#d5d9de"
PALE = "#f2f4f6"
WARNING = "#b00020"
HEAT = ("#f7fbff", "#9ecae1", "#58a4d6")  # dark text stays legible on all of it

COLUMN, PAGE = 89 / 25.4, 183 / 25.4  # inches: the widths of one column and of two columns of a journal
MARGIN = 0.03  # inches, inside the edges of a figure
FONT_SIZE = 7.0  # points, of all text
BOLD = 1.15  # how much wider bold text is, at most
LINE = FONT_SIZE * 1.25 / 72  # height of a line of text in inches
HANDLE = 2.6  # length of the sample in a legend, in ems
LEGEND_ROW = 0.155  # inches, the height of a line of a legend


@dataclass(frozen=True)
class Mark:
    """How a kind of evidence is drawn: colour, marker, line and letter all differ."""

    colour: str
    marker: str
    line: Any
    letter: str


# Okabe & Ito (2008), Color Universal Design.
EVIDENCE = {
    "reference": Mark("#000000", "|", "solid", "R"),
    "direct": Mark("#0072B2", "o", "solid", "D"),
    "mixed_setting": Mark("#E69F00", "v", (0, (6, 1.5, 1, 1.5)), "M"),
    "indirect": Mark("#009E73", "s", (0, (4, 1)), "I"),
    "extrapolated": Mark("#D55E00", "^", (0, (2, 1)), "E"),
    "prior_driven": Mark("#CC79A7", "D", (0, (0.8, 0.8)), "P"),
}

SETTINGS: Any = {
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "font.size": FONT_SIZE,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.labelsize": FONT_SIZE,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": FONT_SIZE,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "text.color": INK,
    "text.parse_math": False,  # a label with two dollars is no formula
    **{
        f"{axis}tick.{key}": value
        for axis in "xy"
        for key, value in {
            "color": INK,
            "labelsize": FONT_SIZE,
            "major.width": 0.6,
            "major.size": 2.0,
            "major.pad": 2.0,
        }.items()
    },
    "hatch.linewidth": 0.5,
    "legend.frameon": False,
    "legend.fontsize": FONT_SIZE,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    # Text stays text: small files, words that can be searched and edited. With a fixed salt, equal ids in every run.
    "svg.fonttype": "none",
    "svg.hashsalt": "secondline",
    "pdf.fonttype": 42,  # TrueType, which every journal takes; words stay words
}


@contextmanager
def styled() -> Iterator[None]:
    """Apply the style inside a ``with`` block."""
    from matplotlib import rc_context

    with rc_context(SETTINGS):
        yield


def new_figure(width: float, height: float, title: str, about: str, warning: str = "") -> "Figure":
    """Open a figure of a size in inches, with its caption as its label and, in red on each of its pages, a warning.

    A plain `Figure` without pyplot: no global state, no window, nothing to close.

    Parameters
    ----------
    width : float
        `COLUMN` or `PAGE`.
    title, about : str
        The caption: what the figure is, and what a reader has to know of it.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    alarm = f"{warning}: these fits failed their checks, and their numbers are not to be used. " if warning else ""
    figure.set_label(f"{title}\n{alarm}{about}")
    for top in page_tops(height) if warning else ():
        place = (1 - MARGIN / width, 1 - (top + 0.02) / height)
        figure.text(*place, warning, color=WARNING, weight="bold", va="top", ha="right")
    return figure


def journal_width(needed: float) -> float:
    """Width of a figure that needs some inches: one column of a journal where that is enough, and otherwise two."""
    return COLUMN if needed <= COLUMN else PAGE


def header_height(warning: str) -> float:
    """Inches at the top of a page that a warning takes."""
    return LINE + 0.03 if warning else 0.02


def panel_letters(panels: int) -> list[str]:
    """Letters of the panels of a figure, each with the gap to its heading; none where there is one panel."""
    if panels == 1:
        return [""]
    return [("" if k < 26 else chr(64 + k // 26)) + chr(65 + k % 26) + "  " for k in range(panels)]


def add_axes(figure: "Figure", left: float, top: float, width: float, height: float) -> Any:
    """Add axes at a place in inches, counted from the top left corner."""
    total_width, total_height = figure.get_size_inches()
    bottom = total_height - top - height
    return figure.add_axes((left / total_width, bottom / total_height, width / total_width, height / total_height))


def write(figure: "Figure", left: float, top: float, text: str, **style: Any) -> None:
    """Write a text at a place in inches, counted from the top left corner of the figure to that of the text."""
    width, height = figure.get_size_inches()
    figure.text(left / width, 1 - top / height, text, **{"va": "top", **style})


@cache
def text_width(text: str, size: float = FONT_SIZE) -> float:
    """Width in inches of the longest line of a text."""
    from matplotlib.textpath import TextPath

    # Control points bound the outline and cost less than its exact extent. Drawn text is hinted and comes out
    # up to a few per cent wider.
    lines = [TextPath((0, 0), line, size=size).vertices for line in text.split("\n") if line.strip()]
    return max((float(vertices[:, 0].max()) / 72 * 1.06 for vertices in lines), default=0.0)


def wrapped(text: str, width: float) -> list[str]:
    """Break a text into lines of at most some width in inches, none of which ends in a plus."""
    lines: list[str] = []
    for word in re.findall(r"(?:\+ )?\S+", " ".join(text.split())):
        if lines and text_width(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def shortened(text: str, width: float) -> str:
    """Cut a text to at most some width in inches."""
    if text_width(text) <= width:
        return text
    kept = next((k for k in range(len(text) - 1, 0, -1) if text_width(f"{text[:k].rstrip()}…") <= width), 1)
    return f"{text[:kept].rstrip()}…"


def legend_height(handles: Sequence[Any], width: float) -> float:
    """Inches that a legend across a figure of some width takes at its foot."""
    return LEGEND_ROW * -(-len(handles) // _legend_columns(_labels(handles), width)) + 0.05 if handles else 0.0


def add_legend(figure: "Figure", handles: Sequence[Any]) -> None:
    """Put a legend along the foot of a figure, in as many columns as fit."""
    if handles:
        figure.legend(
            handles=handles,
            loc="lower left",
            ncols=_legend_columns(_labels(handles), figure.get_size_inches()[0]),
            borderaxespad=0.2,
            borderpad=0.2,
            labelspacing=0.45,
            bbox_to_anchor=(0, 0),
            handlelength=HANDLE,
            columnspacing=1.4,
        )


def _labels(handles: Sequence[Any]) -> list[str]:
    return [handle.get_label() for handle in handles]


def _legend_columns(labels: Sequence[str], width: float) -> int:
    """Most columns whose widest members fit side by side; a legend is filled column by column."""
    em = FONT_SIZE / 72
    widths = [text_width(label) + (HANDLE + 0.8 + 1.4) * em for label in labels]
    for columns in range(len(labels), 1, -1):
        rows, longer = divmod(len(labels), columns)
        sizes = [rows + (k < longer) for k in range(columns)]
        starts = [sum(sizes[:k]) for k in range(columns)]
        if sum(max(widths[i : i + n]) for i, n in zip(starts, sizes, strict=True)) < width:
            return columns
    return 1
