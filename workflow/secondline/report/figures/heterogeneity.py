"""Prior against posterior of the heterogeneity parameters."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from secondline.report.figures.style import (
    BOLD,
    COLUMN,
    EVIDENCE,
    INK,
    LINE,
    PAGE,
    WARNING,
    add_axes,
    header_height,
    new_figure,
    panel_letters,
    styled,
    wrapped,
)
from secondline.report.prose.sentences import informed_words, uninformed
from secondline.report.taus import symbol
from secondline.report.words import Names, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT = 1.5  # inches of the axes
_SIDE, _FOOT = 0.14, 0.34  # inches beside and under them
_ROOM = COLUMN - 2 * _SIDE


def draw_heterogeneity(
    densities: Sequence[Row], parameters: Sequence[Row], names: Names, warning: str = ""
) -> "Figure":
    """Draw prior against posterior of tau and omega, with their overlap in words.

    Parameters
    ----------
    densities, parameters : rows
        densities.csv and heterogeneity.csv of one model.
    """
    about = (
        f"{names.analysis_label}, model “{names.model}”. Prior and posterior densities on the scale of the "
        f"{names.link_scale}. Bar under the curves: median and 95% equal-tailed credible interval."
    )
    letters = panel_letters(len(parameters))
    headings = [
        letter + "\n".join(wrapped(names.parameter(row["parameter"]), _ROOM / BOLD - 0.2))
        for letter, row in zip(letters, parameters, strict=True)
    ]
    notes = ["\n".join(wrapped(informed_words(row), _ROOM)) for row in parameters]
    lines = [max(text.count("\n") + 1 for text in texts) for texts in (headings, notes)]
    header = header_height(warning) + LINE * sum(lines) + 0.08
    rows, below = -(-len(parameters) // 2), LINE * sum(lines) + 0.08 + HEIGHT + _FOOT  # two panels beside each other
    with styled():
        title = f"{names.outcome_label}: heterogeneity"
        width = COLUMN if len(parameters) == 1 else PAGE
        figure = new_figure(width, header + HEIGHT + _FOOT + (rows - 1) * below, title, about, warning)
        for k, row in enumerate(parameters):
            line, column = divmod(k, 2)
            axes = add_axes(figure, column * (PAGE - COLUMN) + _SIDE, header + line * below, _ROOM, HEIGHT)
            points = [point for point in densities if point["parameter"] == row["parameter"]]
            _draw_densities(axes, points, row, names)
            beside: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom"}
            colour = WARNING if uninformed(row) else INK
            axes.annotate(notes[k], (0, 1), (0, 4), color=colour, linespacing=1.1, **beside)
            axes.annotate(headings[k], (0, 1), (0, 5 + 72 * LINE * lines[1]), weight="bold", linespacing=1.1, **beside)
    return figure


def _draw_densities(axes: Any, points: Sequence[Row], row: Row, names: Names) -> None:
    x = [float(point["value"]) for point in points]
    prior = [float(point["prior"]) for point in points]
    posterior = [float(point["posterior"]) for point in points]
    colour = EVIDENCE["direct"].colour
    axes.plot(x, prior, color=INK, linestyle=(0, (5, 2)), linewidth=1.1, label=f"prior {row['prior']}")
    axes.plot(x, posterior, color=colour, linewidth=1.4, label="posterior")
    axes.fill_between(x, posterior, color=colour, alpha=0.18, linewidth=0)
    peak = max(*prior, *posterior)
    axes.set_ylim(-0.10 * peak, 1.05 * peak)
    least = 0.01 * max(posterior)
    axes.set_xlim(0, max(v for v, p, q in zip(x, prior, posterior, strict=True) if q > least or p > 0.1 * peak))
    ends = [float(row["lower"]), float(row["upper"])]
    axes.plot(ends, [-0.05 * peak] * 2, color=colour, linewidth=2.4, solid_capstyle="butt")
    axes.plot([float(row["median"])], [-0.05 * peak], "o", color=colour, markersize=4)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"{symbol(row['parameter'])}, on the scale of the {names.link_scale}", labelpad=2)
    axes.legend(loc="upper right", borderaxespad=0)
