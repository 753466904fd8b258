"""Rankogram and cumulative ranks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from typing import TYPE_CHECKING, Any

from secondline.cell_values import OVERALL
from secondline.report.figures.pages import fitted, stack_rows
from secondline.report.figures.rows import row_heights, write_label
from secondline.report.figures.style import (
    BOLD,
    GREY,
    LIGHT,
    LINE,
    MARGIN,
    PAGE,
    PALE,
    add_axes,
    header_height,
    journal_width,
    new_figure,
    panel_letters,
    styled,
    text_width,
    wrapped,
)
from secondline.report.words import NOT_A_CANDIDATE, NOT_RANKED, Names, Row, by_rank, number, rank_note, settings_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BAR = "#0072B2"
BAND, LEAST_BAND = 0.24, 0.14  # inches, the height of one treatment
LABELS = 1.5  # inches, the widest line of the name of a treatment
NOBODY_FIRST = "no treatment can be named first"
HOLLOW = {"facecolor": "white", "edgecolor": GREY}
FILLED, UNDECIDED = {"facecolor": BAR, "edgecolor": BAR}, {"facecolor": LIGHT, "edgecolor": GREY}
_NOTE: dict[str, Any] = {
    "color": GREY,
    "va": "center",
    "bbox": {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.8},
}
_RANK, _TICK = 0.16, 0.2  # inches: of a rank where there is room, and between the numbers of ranks
_FOOT = 0.32  # inches under a panel
_SIDE = 0.12  # inches between a panel and what stands beside it


@dataclass(frozen=True)
class _Kind:
    """A figure of ranks: what it is called, how a panel is drawn, and what stands beside one, inches."""

    title: str
    scale: str
    label: str
    beside: float
    draw: Callable[[Any, Sequence[Row], Sequence[str], int, Mapping[str, Row]], None]


def draw_rankogram(probabilities: Sequence[Row], ranking: Sequence[Row], names: Names, warning: str = "") -> "Figure":
    """Draw the probability of every rank: a panel for each setting, a band for each treatment.

    Treatments stand in the order of the overall ranking, best on top.

    Parameters
    ----------
    probabilities, ranking : rows
        rank_probabilities.csv and ranking.csv of one model.
    """
    kind = _Kind("rank probabilities", "A full band is probability 1.", "rank", MARGIN, _draw_bands)
    return _ranks(probabilities, ranking, names, kind, warning)


def draw_cumulative_ranks(
    probabilities: Sequence[Row], ranking: Sequence[Row], names: Names, warning: str = ""
) -> "Figure":
    """Draw the probability of every rank or a better one: a panel for each setting, a band for each treatment.

    The last rank, whose cumulative probability is 1, is left out: the filled share of a band is the SUCRA, which stands
    beside it.

    Parameters
    ----------
    probabilities, ranking : rows
        rank_probabilities.csv and ranking.csv of one model.
    """

    def draw(axes: Any, rows: Sequence[Row], treatments: Sequence[str], ranks: int, ranked: Mapping[str, Row]) -> None:
        _draw_steps(axes, rows, treatments, ranks, ranked)
        place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        for k, name in enumerate(treatments):
            axes.annotate(number(ranked[name]["sucra"]), (1, k + 0.5), xytext=(5, 0), ha="left", va="center", **place)
        axes.annotate("SUCRA", (1, 0), xytext=(5, 3), color=GREY, ha="left", va="bottom", **place)

    scale = (
        "A band is filled up to the probability of the rank or a better one; its filled share is the surface under the "
        "cumulative ranking curve (SUCRA): 1 if certainly best, 0 if certainly worst."
    )
    kind = _Kind("cumulative ranks", scale, "this rank or better", text_width("SUCRA") + 0.1, draw)
    return _ranks(probabilities, ranking, names, kind, warning)


def _ranks(probabilities: Sequence[Row], ranking: Sequence[Row], names: Names, kind: _Kind, warning: str) -> "Figure":
    """Lay out the panels of a figure of ranks, two side by side, divided between treatments where a page is full."""
    settings, treatments = settings_of(ranking), [row["treatment"] for row in by_rank(ranking, OVERALL)]
    labels = ["\n".join(wrapped(names.regimen(name), LABELS)) for name in treatments]
    left = max(map(text_width, labels)) + _SIDE + MARGIN
    columns = min(len(settings), 2)
    width = journal_width(left + _RANK * len(treatments) + kind.beside) if columns == 1 else PAGE
    panel = (width - left - _SIDE * (columns - 1)) / columns - kind.beside
    headings = [
        letter + "\n".join(wrapped(names.place(setting), panel / BOLD - 0.2))
        for letter, setting in zip(panel_letters(len(settings)), settings, strict=True)
    ]
    around = (0.12 + LINE * max(heading.count("\n") + bool(heading) for heading in headings), _FOOT)
    lines, header = -(-len(settings) // columns), header_height(warning)
    bands = row_heights(labels, BAND, LEAST_BAND)
    band = fitted(bands, lines * len(labels), lines * sum(around) + header)
    parts, height = stack_rows([len(treatments)] * lines, band, [around] * lines, header)
    with styled():
        figure = new_figure(width, height, *_caption(ranking, names, kind), warning)
        for part in parts:
            members = treatments[part.first : part.last]
            for column, setting in enumerate(settings[part.panel * columns : (part.panel + 1) * columns]):
                start = left + column * (panel + kind.beside + _SIDE)
                axes = add_axes(figure, start, part.top, panel, band * len(members))
                rows = [row for row in probabilities if row["setting"] == setting]
                ranked = {row["treatment"]: row for row in ranking if row["setting"] == setting}
                kind.draw(axes, rows, members, len(treatments), ranked)
                step = ceil(_TICK * len(treatments) / panel)
                axes.set_xticks(axes.get_xticks()[::step])
                axes.set_title(headings[part.panel * columns + column] + part.more, pad=4)
                axes.set_xlabel(kind.label, labelpad=2)
                if column == 0:
                    for k, label in enumerate(labels[part.first : part.last]):
                        write_label(axes, k + 0.5, label)
    return figure


def _caption(ranking: Sequence[Row], names: Names, kind: _Kind) -> tuple[str, str]:
    """Title, and what is drawn."""
    reasons = sorted({rank_note(row) for row in ranking} - {""}, key=[NOT_A_CANDIDATE, NOT_RANKED].index)
    hollow = f" Hollow: {', or '.join(reasons)}." if reasons else ""
    among = " Ranks are those among all treatments." if reasons else ""
    about = (
        f"{names.analysis_label}, model “{names.model}”. Rank 1 is best.{among} {kind.scale}{hollow}{_grey(ranking)}"
    )
    return f"{names.outcome_label}: {kind.title}", about


def _open_bands(axes: Any, treatments: int, ranks: int, margin: float) -> None:
    """Prepare pale bands, one per treatment, over some ranks."""
    from matplotlib.collections import PolyCollection

    left, right = 0.5 - margin, ranks + 0.5 + margin
    axes.set_xlim(left, right)
    axes.set_ylim(treatments, 0)
    axes.set_xticks(range(1, ranks + 1))
    axes.set_yticks([])
    axes.tick_params(length=0)
    bands = [[(left, k + 0.06), (right, k + 0.06), (right, k + 1), (left, k + 1)] for k in range(treatments)]
    axes.add_collection(PolyCollection(bands, facecolor=PALE, zorder=0))
    feet = range(1, treatments + 1)
    axes.hlines(feet, 0, 1, transform=axes.get_yaxis_transform(), color=GREY, linewidth=0.6, zorder=2)


def _grey(ranking: Sequence[Row]) -> str:
    """Explain grey bars, where there are any."""
    grey = any(row["not_named"] and not rank_note(row) for row in ranking)
    return f" Grey: {NOBODY_FIRST}." if grey else ""


def _bar_style(row: Row) -> dict[str, Any]:
    """Fill the bars of a ranked treatment, grey where none is named first; leave those without a rank hollow."""
    if rank_note(row):
        return HOLLOW
    return UNDECIDED if row["not_named"] else FILLED


def _draw_steps(
    axes: Any, rows: Sequence[Row], treatments: Sequence[str], ranks: int, ranked: Mapping[str, Row]
) -> None:
    """Draw cumulative probabilities as steps."""
    from matplotlib.collections import PolyCollection

    ranks = max(ranks - 1, 1)
    _open_bands(axes, len(treatments), ranks, 0.0)
    for k, name in enumerate(treatments):
        chances = [float(row["probability"]) for row in rows if row["treatment"] == name][:ranks]
        steps = [
            (rank + edge, k + 1 - 0.94 * min(total, 1.0))
            for rank, total in enumerate(accumulate(chances))
            for edge in (0.5, 1.5)
        ]
        shape = [(0.5, k + 1.0), *steps, (ranks + 0.5, k + 1.0)]
        style, note = _bar_style(ranked[name]), rank_note(ranked[name])
        axes.add_collection(PolyCollection([shape], linewidth=0.6, zorder=1, gid=f"cumulative-{name}", **style))
        if note:
            axes.text(0.6, k + 0.52, note, **_NOTE)


def _draw_bands(
    axes: Any, rows: Sequence[Row], treatments: Sequence[str], ranks: int, ranked: Mapping[str, Row]
) -> None:
    from matplotlib.collections import PolyCollection

    n = ranks
    _open_bands(axes, len(treatments), n, 0.05)
    for k, name in enumerate(treatments):
        bars = [(int(row["rank"]), float(row["probability"])) for row in rows if row["treatment"] == name]
        shapes = [_bar(rank, k + 1, probability) for rank, probability in bars]
        style, note = _bar_style(ranked[name]), rank_note(ranked[name])
        axes.add_collection(PolyCollection(shapes, linewidth=0.6, zorder=1, gid=f"ranks-{name}", **style))
        if note:
            start = max(bars[0][1], bars[min(1, n - 1)][1]) < max(bars[-1][1], bars[-min(2, n)][1])
            place, align = (0.5, "left") if start else (n + 0.5, "right")
            axes.text(place, k + 0.52, note, ha=align, **_NOTE)


def _bar(rank: int, foot: float, probability: float) -> list[tuple[float, float]]:
    top = foot - 0.94 * probability
    return [(rank - 0.4, foot), (rank - 0.4, top), (rank + 0.4, top), (rank + 0.4, foot)]
