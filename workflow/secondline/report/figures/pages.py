"""Figures of many rows: rows come closer where that keeps a figure on one page, and otherwise fill further pages.

The pages of a figure lie one below another, each as tall as a page of a journal, and nothing stands on two of them: a
PDF has them as pages, other files as one tall picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

TALLEST = 247 / 25.4  # inches: the height of a page of a journal
LEAST_ROWS = 3  # of a panel at the foot of a page
_NEAR = 1e-9


@dataclass(frozen=True)
class Part:
    """Rows of a panel that stand on one page: the first, the one after the last, and their top in inches."""

    panel: int
    first: int
    last: int
    top: float

    @property
    def more(self) -> str:
        """What is said of a part after its heading."""
        return " (continued)" if self.first else ""


def page_tops(height: float) -> list[float]:
    """Tops of the pages of a figure of some height, inches."""
    return [k * TALLEST for k in range(max(ceil(height / TALLEST - _NEAR), 1))]


def fitted(limits: tuple[float, float], rows: int, rest: float) -> float:
    """Height of a row: the usual one or, where some rows and the rest do not fit on a page, less, down to the least."""
    usual, least = limits
    return min(usual, max((TALLEST - rest) / max(rows, 1), least))


def stack(heights: Sequence[float], header: float = 0.0, footer: float = 0.0) -> tuple[list[float], float]:
    """Put things under each other, on the next page where they do not fit, below a header and above a footer.

    Returns
    -------
    tops of the things and height of the figure
        Inches; every page leaves room for the header and the footer.
    """
    page, at, tops = 0, header, []
    for height in heights:
        if at > header and at + height + footer > TALLEST + _NEAR:
            page, at = page + 1, header
        tops.append(page * TALLEST + at)
        at += height
    return tops, page * TALLEST + at + footer


def stack_rows(
    sizes: Sequence[int], row: float, around: Sequence[tuple[float, float]], header: float = 0.0, footer: float = 0.0
) -> tuple[list[Part], float]:
    """Put panels of rows under each other, and divide those that do not fit on a page.

    Parameters
    ----------
    sizes : sequence of int
        Rows of every panel.
    row : float
        Height of a row.
    around : sequence
        Room above and below the rows of every panel, also above and below their parts.

    Returns
    -------
    parts of the panels and height of the figure
        As of `stack`.
    """
    page, at, parts = 0, header, []
    for panel, (size, (above, below)) in enumerate(zip(sizes, around, strict=True)):
        first = 0
        while first < size:
            fit = floor((TALLEST - footer - at - above - below) / row + _NEAR)
            if at > header and fit < min(size - first, LEAST_ROWS):
                page, at = page + 1, header
                continue
            last = min(first + max(fit, 1), size)
            parts.append(Part(panel, first, last, page * TALLEST + at + above))
            at += above + (last - first) * row + below
            first = last
    return parts, page * TALLEST + at + footer
