"""A common style for all figures: colours that colour-blind readers can distinguish, and never colour alone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from secondline.report.figures.fonts import use_light_fonts
from secondline.tables import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#1a1a1a"
GREY = "#5f6670"  # text that steps back; contrast 5.9 against white
LIGHT = "#d5d9de"
PALE = "#f2f4f6"
WARNING = "#b00020"
HEAT = ("#f7fbff", "#9ecae1", "#58a4d6")  # dark text stays legible on all of it

FONT_SIZE = 8.5
TITLE_SIZE = FONT_SIZE + 3
BOLD = 1.15  # how much wider bold text is, at most
LINE = FONT_SIZE * 1.25 / 72  # height of a line of text in inches
HANDLE = 2.6  # length of the sample in a legend, in ems
RESOLUTION = 300  # dots per inch of the PNG files
SMALL = 7.0  # points: the size of text in figures that fill a page
SMALL_LINE = SMALL * 1.3 / 72  # height of a line of it in inches
PAGE_WIDTH = 183 / 25.4  # inches: two columns of a journal


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
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": FONT_SIZE + 1,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "text.color": INK,
    "text.parse_math": False,  # a label with two dollars is no formula
    "xtick.color": INK,
    "ytick.color": INK,
    "hatch.linewidth": 0.5,
    "legend.frameon": False,
    "legend.fontsize": FONT_SIZE,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    # Text stays text: small files, words that can be searched. With a fixed salt, equal ids in every run.
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


@contextmanager
def small_print() -> Iterator[None]:
    """Apply the style with the text size of figures that fill a page, inside a ``with`` block."""
    from matplotlib import rc_context

    sizes: Any = {"font.size": SMALL, "axes.titlesize": SMALL, "axes.linewidth": 0.6, "legend.fontsize": SMALL}
    with rc_context({**SETTINGS, **sizes}):
        yield


def new_page(height: float, title: str, lines: Sequence[str], warning: str = "") -> "Figure":
    """Open a figure of the width of a page with its title, lines in small print under it and, in red, a warning."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(PAGE_WIDTH, height))
    figure.text(0, 1 - 0.02 / height, title, size=SMALL + 2, weight="bold", va="top")
    for k, line in enumerate(lines):
        figure.text(0, 1 - (0.20 + k * SMALL_LINE) / height, line, color=GREY, va="top")
    if warning:
        figure.text(1, 1 - 0.02 / height, warning, color=WARNING, weight="bold", va="top", ha="right")
    return figure


def small_lines(text: str, width: float = PAGE_WIDTH) -> list[str]:
    """Break a text into lines of small print of at most some width in inches."""
    return wrapped(text, width * FONT_SIZE / SMALL)


def shortened(text: str, width: float, size: float = SMALL) -> str:
    """Cut a text to at most some width in inches."""
    if text_width(text, size) <= width:
        return text
    kept = next((k for k in range(len(text) - 1, 0, -1) if text_width(f"{text[:k].rstrip()}…", size) <= width), 1)
    return f"{text[:kept].rstrip()}…"


def new_figure(width: float, height: float, title: str, subtitle: str, warning: str = "") -> "Figure":
    """Open a figure of a size in inches with its title and, in red, a warning; it widens where these need room.

    A plain `Figure` without pyplot: no global state, no window, nothing to close.
    """
    from matplotlib.figure import Figure

    heading = text_width(title, TITLE_SIZE) * BOLD + (text_width(warning) * BOLD + 0.3 if warning else 0.0)
    width = max(width, heading + 0.3, *(text_width(line) + 0.3 for line in subtitle.split("\n")))
    figure = Figure(figsize=(width, height))
    figure.text(0.12 / width, 1 - 0.10 / height, title, size=TITLE_SIZE, weight="bold", va="top")
    figure.text(0.12 / width, 1 - 0.35 / height, subtitle, color=GREY, va="top", linespacing=1.3)
    if warning:
        figure.text(1 - 0.12 / width, 1 - 0.12 / height, warning, color=WARNING, weight="bold", va="top", ha="right")
    return figure


def add_axes(figure: "Figure", left: float, top: float, width: float, height: float) -> Any:
    """Add axes at a place in inches, counted from the top left corner."""
    total_width, total_height = figure.get_size_inches()
    bottom = total_height - top - height
    return figure.add_axes((left / total_width, bottom / total_height, width / total_width, height / total_height))


@cache
def text_width(text: str, size: float = FONT_SIZE) -> float:
    """Width in inches of the longest line of a text."""
    from matplotlib.textpath import TextPath

    # Control points bound the outline and cost less than its exact extent. Drawn text is hinted and comes out
    # up to a few per cent wider.
    lines = [TextPath((0, 0), line, size=size).vertices for line in text.split("\n") if line.strip()]
    return max((float(vertices[:, 0].max()) / 72 * 1.06 for vertices in lines), default=0.0)


def wrapped(text: str, width: float) -> list[str]:
    """Break a text into lines of at most some width in inches."""
    lines: list[str] = []
    for word in text.split():
        if lines and text_width(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def legend_rows(labels: Sequence[str], width: float) -> int:
    """Count the rows of a legend across a figure of some width in inches."""
    return -(-len(labels) // _legend_columns(labels, width))


def add_legend(figure: "Figure", handles: Sequence[Any]) -> None:
    """Put a legend along the foot of a figure, in as many columns as fit."""
    if handles:
        width = figure.get_size_inches()[0]
        figure.legend(
            handles=handles,
            loc="lower left",
            ncols=_legend_columns([handle.get_label() for handle in handles], width),
            borderaxespad=0.3,
            bbox_to_anchor=(0.05 / width, 0),
            handlelength=HANDLE,
            columnspacing=1.4,
        )


def _legend_columns(labels: Sequence[str], width: float) -> int:
    """Most columns whose widest members fit side by side; a legend is filled column by column."""
    em = FONT_SIZE / 72
    widths = [text_width(label) + (HANDLE + 0.8 + 1.4) * em for label in labels]
    for columns in range(len(labels), 1, -1):
        rows, longer = divmod(len(labels), columns)
        sizes = [rows + (k < longer) for k in range(columns)]
        starts = [sum(sizes[:k]) for k in range(columns)]
        if sum(max(widths[i : i + n]) for i, n in zip(starts, sizes, strict=True)) < width - 0.2:
            return columns
    return 1


def save(figure: "Figure", path: str | Path, formats: Sequence[str] = ("svg", "pdf", "png")) -> None:
    """Write ``path``.svg, ``path``.pdf and ``path``.png, or some of them, each under a temporary name first.

    The same figure gives the same bytes: no date, no program version, ids from a fixed salt.
    """
    options: dict[str, dict[str, Any]] = {
        "svg": {"metadata": {"Date": None, "Creator": None, "Format": None, "Type": None}},
        "pdf": {"metadata": {"CreationDate": None, "Creator": None, "Producer": None}},
        "png": {"metadata": {"Software": None}, "dpi": RESOLUTION, "pil_kwargs": {"compress_level": 3}},
    }
    if "pdf" in formats:
        use_light_fonts()
    with styled():
        for suffix in formats:
            buffer = BytesIO()
            figure.savefig(buffer, format=suffix, **options[suffix])
            write_bytes(f"{path}.{suffix}", buffer.getvalue())
