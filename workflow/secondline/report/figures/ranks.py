"""Rankogram, cumulative ranks, and the heat map of SUCRA by outcome. A higher SUCRA is better for every outcome."""

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from textwrap import fill
from typing import TYPE_CHECKING, Any

from secondline.cell_values import OVERALL
from secondline.report.figures.style import (
    EVIDENCE,
    FONT_SIZE,
    GREY,
    HEAT,
    INK,
    LIGHT,
    PALE,
    WARNING,
    add_axes,
    new_figure,
    styled,
    text_width,
)
from secondline.report.words import (
    NOT_A_CANDIDATE,
    NOT_CONVERGED,
    Names,
    Row,
    all_candidates,
    by_rank,
    evidence_words,
    is_true,
    number,
    rank_note,
    settings_of,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BAR = "#0072B2"
BAND = 0.42  # inches, the height of one treatment in a rankogram
NOBODY_FIRST = "no treatment can be named first"
HOLLOW = {"facecolor": "white", "edgecolor": GREY}
FILLED, UNDECIDED = {"facecolor": BAR, "edgecolor": BAR}, {"facecolor": LIGHT, "edgecolor": GREY}
CELL_WIDTH, CELL_HEIGHT = 1.02, 0.42


def draw_rankogram(probabilities: Sequence[Row], ranking: Sequence[Row], names: Names, warning: str = "") -> "Figure":
    """Draw the probability of every rank: a panel for each setting, a band for each treatment.

    Treatments stand in the order of the overall ranking, best on top.

    Parameters
    ----------
    probabilities, ranking : rows
        rank_probabilities.csv and ranking.csv of one model.
    """
    title = f"{names.outcome_label}: rank probabilities"
    scale = "A full band is probability 1."
    subtitle = f"{names.analysis_label}, model “{names.model}”. Rank 1 is best. {scale}{_grey(ranking)}"
    return _ranks(probabilities, ranking, names, (title, subtitle, warning), "rank", _draw_bands)


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
    sucra = {(row["setting"], row["treatment"]): number(row["sucra"]) for row in ranking}

    def draw(axes: Any, rows: Sequence[Row], treatments: Sequence[str], ranked: Mapping[str, Row]) -> None:
        _draw_steps(axes, rows, treatments, ranked)
        place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        for k, name in enumerate(treatments):
            text = sucra[rows[0]["setting"], name]
            axes.annotate(text, (1, k + 0.5), xytext=(5, 0), ha="left", va="center", **place)
        axes.annotate("SUCRA", (1, 0), xytext=(5, 3), color=GREY, ha="left", va="bottom", **place)

    title = f"{names.outcome_label}: cumulative ranks"
    scale = "The filled share of a band is the SUCRA."
    subtitle = f"{names.analysis_label}, model “{names.model}”. Rank 1 is best. {scale}{_grey(ranking)}"
    return _ranks(probabilities, ranking, names, (title, subtitle, warning), "this rank or better", draw, 0.62)


def _ranks(
    probabilities: Sequence[Row],
    ranking: Sequence[Row],
    names: Names,
    words: tuple[str, str, str],
    label: str,
    draw: Callable[[Any, Sequence[Row], Sequence[str], Mapping[str, Row]], None],
    gap: float = 0.25,
) -> "Figure":
    """Lay out the panels of a figure of ranks; ``words`` are title, subtitle and warning."""
    title, subtitle, warning = words
    settings = settings_of(ranking)
    treatments = [row["treatment"] for row in by_rank(ranking, OVERALL)]
    left = max(text_width(names.regimen(name)) for name in treatments) + 0.25
    columns = min(len(settings), 2)
    lines = -(-len(settings) // columns)
    header, heading, footer = 0.62, 0.30 if names.has_settings else 0.0, 0.55
    panel_width = max(2.9, 0.30 * len(treatments), (text_width(subtitle) - left) / columns)
    height = BAND * len(treatments)
    step = heading + height + 0.32
    with styled():
        width = left + columns * (panel_width + gap)
        figure = new_figure(width, header + lines * step + footer - 0.32, title, subtitle, warning)
        for i, setting in enumerate(settings):
            column, line = i % columns, i // columns
            axes = add_axes(
                figure, left + column * (panel_width + gap), header + line * step + heading, panel_width, height
            )
            rows = [row for row in probabilities if row["setting"] == setting]
            ranked = {row["treatment"]: row for row in ranking if row["setting"] == setting}
            draw(axes, rows, treatments, ranked)
            axes.set_title(names.place(setting), pad=5)
            if column == 0:
                place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
                for k, name in enumerate(treatments):
                    axes.annotate(names.regimen(name), (0, k + 0.5), xytext=(-8, 0), ha="right", va="center", **place)
            if line == lines - 1 or i + columns >= len(settings):
                axes.set_xlabel(label, labelpad=2)
    return figure


def _open_bands(axes: Any, treatments: int, ranks: int, margin: float) -> None:
    """Prepare pale bands, one per treatment, over some ranks."""
    from matplotlib.collections import PolyCollection

    left, right = 0.5 - margin, ranks + 0.5 + margin
    axes.set_xlim(left, right)
    axes.set_ylim(treatments, 0)
    axes.set_xticks(range(1, ranks + 1), [str(rank) for rank in range(1, ranks + 1)])
    axes.set_yticks([])
    axes.tick_params(length=0)
    bands = [[(left, k + 0.06), (right, k + 0.06), (right, k + 1), (left, k + 1)] for k in range(treatments)]
    axes.add_collection(PolyCollection(bands, facecolor=PALE, zorder=0))
    feet = range(1, treatments + 1)
    axes.hlines(feet, 0, 1, transform=axes.get_yaxis_transform(), color=GREY, linewidth=0.8, zorder=2)


def _grey(ranking: Sequence[Row]) -> str:
    """Explain grey bars, where there are any."""
    grey = any(row["not_named"] and not rank_note(row) for row in ranking)
    return f" Grey: {NOBODY_FIRST}." if grey else ""


def _bar_style(row: Row) -> dict[str, Any]:
    """Fill the bars of a ranked treatment, grey where none is named first; leave those without a rank hollow."""
    if rank_note(row):
        return HOLLOW
    return UNDECIDED if row["not_named"] else FILLED


def _draw_steps(axes: Any, rows: Sequence[Row], treatments: Sequence[str], ranked: Mapping[str, Row]) -> None:
    """Draw cumulative probabilities as steps."""
    from matplotlib.collections import PolyCollection

    ranks = max(len(treatments) - 1, 1)
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
        axes.add_collection(PolyCollection([shape], linewidth=0.8, zorder=1, gid=f"cumulative-{name}", **style))
        if note:
            axes.text(0.6, k + 0.3, note, color=GREY, va="center", size=FONT_SIZE - 1)


def _draw_bands(axes: Any, rows: Sequence[Row], treatments: Sequence[str], ranked: Mapping[str, Row]) -> None:
    from matplotlib.collections import PolyCollection

    n = len(treatments)
    _open_bands(axes, n, n, 0.05)
    for k, name in enumerate(treatments):
        bars = [(int(row["rank"]), float(row["probability"])) for row in rows if row["treatment"] == name]
        shapes = [_bar(rank, k + 1, probability) for rank, probability in bars]
        style, note = _bar_style(ranked[name]), rank_note(ranked[name])
        axes.add_collection(PolyCollection(shapes, linewidth=0.8, zorder=1, gid=f"ranks-{name}", **style))
        if note:
            start = max(bars[0][1], bars[min(1, n - 1)][1]) < max(bars[-1][1], bars[-min(2, n)][1])
            place, align = (0.5, "left") if start else (n + 0.5, "right")
            axes.text(place, k + 0.3, note, color=GREY, ha=align, va="center", size=FONT_SIZE - 1)


def _bar(rank: int, foot: float, probability: float) -> list[tuple[float, float]]:
    top = foot - 0.94 * probability
    return [(rank - 0.4, foot), (rank - 0.4, top), (rank + 0.4, top), (rank + 0.4, foot)]


def draw_sucra(ranking: Sequence[Row], names: Names, warning: str = "") -> "Figure":
    """Draw the heat map of SUCRA: one panel per setting, treatments by outcomes, intervals in the cells.

    Parameters
    ----------
    ranking : rows
        summary/ranking.csv of an analysis; the model of ``names`` is drawn.
    """
    rows = [row for row in ranking if row["model"] == names.model]
    settings = settings_of(rows)
    outcomes = [name for name in names.labels.outcomes if any(row["outcome"] == name for row in rows)]
    treatments = [name for name in names.labels.regimens if any(row["treatment"] == name for row in rows)]
    failed = {row["outcome"] for row in rows if not is_true(row, "converged")}
    labels = [_column_label(names.label_of_outcome(name), name in failed) for name in outcomes]
    everyone, best = all_candidates(rows), _best_words(rows)
    cell = max(CELL_WIDTH, *(text_width(label) + 0.1 for label in labels))
    marks = [*map(names.regimen, treatments), *([] if everyone else [NOT_A_CANDIDATE])]
    left = max(*map(text_width, marks), 0.6) + 0.3
    label_lines = max(label.count("\n") + 1 for label in labels)
    header, heading = 0.45, (0.58 if names.has_settings else 0.34) + label_lines * 0.15
    height = CELL_HEIGHT * len(treatments)
    title = "SUCRA by outcome: higher is better, 1 is best"
    subtitle = f"{names.analysis_label}, model “{names.model}”. 95% equal-tailed credible intervals in brackets."
    note = _letters(rows, names)
    width = max(left + cell * len(outcomes) + 0.2, text_width(note) + 0.3, left + 1.6 + text_width(best) + 0.3)
    with styled():
        figure = new_figure(width, header + (heading + height) * len(settings) + 0.75, title, subtitle, warning)
        for i, setting in enumerate(settings):
            top = header + i * (heading + height) + heading
            axes = add_axes(figure, left, top, cell * len(outcomes), height)
            here = {(row["treatment"], row["outcome"]): row for row in rows if row["setting"] == setting}
            _draw_cells(axes, here, treatments, outcomes, names)
            axes.text(
                0,
                1 + (heading - 0.36) / height,
                names.place(setting),
                transform=axes.transAxes,
                weight="bold",
                va="center",
                size=FONT_SIZE + 1,
            )
            for k, (name, label) in enumerate(zip(outcomes, labels, strict=True)):
                axes.annotate(
                    label,
                    (k + 0.5, 0),
                    xytext=(0, 3),
                    textcoords="offset points",
                    ha="center",
                    va="bottom",
                    color=WARNING if name in failed else GREY,
                )
        _colour_bar(figure, left, note, best)
    return figure


def _column_label(label: str, failed: bool) -> str:
    return fill(label, 14, break_long_words=False) + (f"\n{NOT_CONVERGED}" if failed else "")


def _letters(rows: Sequence[Row], names: Names) -> str:
    """Explain the letters of the evidence in the cells."""
    found = {row["evidence"] for row in rows}
    legend = ", ".join(f"{mark.letter} {evidence_words(name)}" for name, mark in EVIDENCE.items() if name in found)
    reference = "the reference of the setting" if names.has_settings else "the reference"
    return f"Letter: evidence on the effect relative to {reference} ({legend})."


def _draw_cells(
    axes: Any,
    cells: dict[tuple[str, str], Row],
    treatments: Sequence[str],
    outcomes: Sequence[str],
    names: Names,
) -> None:
    """Fill the cells; no candidate, hollow; no evidence on the outcome, no data."""
    axes.set_xlim(0, len(outcomes))
    axes.set_ylim(len(treatments), 0)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    for y, treatment in enumerate(treatments):
        known = [cells[treatment, outcome] for outcome in outcomes if (treatment, outcome) in cells]
        candidate = all(is_true(row, "candidate") for row in known)
        label = names.regimen(treatment) + ("" if candidate else f"\n{NOT_A_CANDIDATE}")
        axes.annotate(
            label,
            (0, y + 0.5),
            xytext=(-8, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            color=INK if candidate else GREY,
        )
        for x, outcome in enumerate(outcomes):
            row = cells.get((treatment, outcome))
            if row is None:
                axes.text(x + 0.5, y + 0.5, "no data", ha="center", va="center", color=GREY, style="italic")
            else:
                _draw_cell(axes, x, y, row)


def _draw_cell(axes: Any, x: int, y: int, row: Row) -> None:
    """Fill a cell by its SUCRA where one is named first; white where none is, hatched without a rank."""
    from matplotlib.patches import Rectangle

    ranked = not rank_note(row)
    filled = ranked and not row["not_named"]
    face = heat_colour(float(row["sucra"])) if filled else "white"
    colour = INK if ranked else GREY
    edge = "white" if filled else LIGHT
    axes.add_patch(
        Rectangle(
            (x + 0.02, y + 0.03),
            0.96,
            0.94,
            facecolor=face,
            edgecolor=edge,
            linewidth=0.8,
            hatch="" if ranked else "////",
            gid=f"cell-{row['treatment']}-{row['outcome']}",
        )
    )
    box = {} if ranked else {"bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.6}}
    axes.text(
        x + 0.5,
        y + 0.32,
        number(row["sucra"]),
        ha="center",
        va="center",
        color=colour,
        weight="bold" if filled else "normal",
        **box,
    )
    interval = f"[{number(row['sucra_lower'])}, {number(row['sucra_upper'])}]"
    axes.text(x + 0.5, y + 0.72, interval, ha="center", va="center", color=colour, size=FONT_SIZE - 1, **box)
    axes.text(
        x + 0.90,
        y + 0.28,
        EVIDENCE[row["evidence"]].letter,
        ha="center",
        va="center",
        color=colour,
        size=FONT_SIZE - 1.5,
        **box,
    )


def heat_colour(value: float) -> str:
    """Colour of a SUCRA: the higher, the darker."""
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    return to_hex(LinearSegmentedColormap.from_list("sucra", HEAT)(value))


def _best_words(rows: Sequence[Row]) -> str:
    """Explain the end of the colour bar, and cells without a colour."""
    notes = sorted({rank_note(row) for row in rows} - {""})
    undecided = any(row["not_named"] and not rank_note(row) for row in rows)
    hatched = [f"hatched: {', or '.join(notes)}"] if notes else []
    return ";  ".join(["1 best", *hatched, *([f"white: {NOBODY_FIRST}"] if undecided else [])])


def _colour_bar(figure: "Figure", left: float, note: str, best: str) -> None:
    width, height = figure.get_size_inches()
    axes = add_axes(figure, left, height - 0.60, 1.6, 0.13)
    for k in range(32):
        axes.axvspan(k / 32, (k + 1) / 32, facecolor=heat_colour((k + 0.5) / 32), linewidth=0)
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.set_yticks([])
    place = {"textcoords": "offset points", "va": "center"}
    axes.annotate("0 worst", (0, 0.5), xytext=(-4, 0), ha="right", **place)
    axes.annotate(best, (1, 0.5), xytext=(4, 0), **place)
    figure.text(0.12 / width, 0.14 / height, note, color=GREY)
