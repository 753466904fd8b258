"""The heat map of SUCRA: treatments by outcomes. A higher SUCRA is better for every outcome."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from secondline.report.figures.pages import TALLEST
from secondline.report.figures.ranks import LABELS, NOBODY_FIRST
from secondline.report.figures.rows import RowPage, label_of, row_heights, write_heading, write_label
from secondline.report.figures.style import (
    EVIDENCE,
    GREY,
    HEAT,
    INK,
    LIGHT,
    LINE,
    MARGIN,
    PAGE,
    WARNING,
    add_axes,
    header_height,
    journal_width,
    new_figure,
    panel_letters,
    styled,
    text_width,
    wrapped,
    write,
)
from secondline.report.words import (
    NOT_A_CANDIDATE,
    NOT_CONVERGED,
    Names,
    Row,
    evidence_words,
    is_true,
    number,
    rank_note,
    settings_of,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CELL, LEAST_CELL = 0.30, 0.26  # inches, the height of a treatment
_WIDEST, _WORST = "[0.00, 0.00]", "0 worst"
_SIDE = 0.12  # inches between labels and cells
_BAR, _BAR_HEIGHT = 1.2, 0.10  # inches, the sample of the colours
_GAP = 0.12  # inches under a panel
COLOURS = "Blue with bold figures: a treatment can be named first, and the darker the blue, the higher the SUCRA."
"""What colours and bold figures of the cells mean."""


def draw_sucra(ranking: Sequence[Row], names: Names, warning: str = "") -> "Figure":
    """Draw the heat map of SUCRA: one panel per setting, treatments by outcomes, intervals in the cells.

    Parameters
    ----------
    ranking : rows
        summary/ranking.csv of an analysis; the model of ``names`` is drawn.
    """
    rows = [row for row in ranking if row["model"] == names.model]
    outcomes = [name for name in names.labels.outcomes if any(row["outcome"] == name for row in rows)]
    treatments = [name for name in names.labels.regimens if any(row["treatment"] == name for row in rows)]
    cells = {(row["setting"], row["treatment"], row["outcome"]): row for row in rows}
    noted = {row["treatment"] for row in rows if not is_true(row, "candidate")}
    labels = [label_of(names.regimen(name), NOT_A_CANDIDATE if name in noted else "", LABELS) for name in treatments]
    left = max(map(text_width, labels)) + _SIDE + MARGIN
    columns = _columns(rows, outcomes, names)
    blocks = _blocks(columns, PAGE - left - MARGIN)
    width = journal_width(max(left + sum(columns[name][1] for name in block) + MARGIN for block in blocks))
    panels = [(setting, block) for setting in settings_of(rows) for block in blocks]
    headings = [
        f"{letter}{names.place(setting)}"
        for letter, (setting, _) in zip(panel_letters(len(panels)), panels, strict=True)
    ]
    # Where all panels have the same columns, these are named at the top of every page, and otherwise over every panel.
    above, once = LINE * max(label.count("\n") + 1 for label, _ in columns.values()) + 0.06, len(blocks) == 1
    header = header_height(warning) + _BAR_HEIGHT + 0.04
    page = RowPage.of(
        [len(treatments)] * len(panels),
        headings,
        row_heights(labels, CELL, LEAST_CELL),
        (header + (above if once else 0.0), 0.0),
        ((LINE + 0.06 if any(headings) else 0.0) + (0.0 if once else above), _GAP),
    )
    with styled():
        figure = new_figure(width, page.height, *_caption(rows, names), warning)
        named: set[int] = set()
        for part in page.parts:
            setting, block = panels[part.panel]
            members, own = treatments[part.first : part.last], {name: columns[name] for name in block}
            axes = add_axes(figure, left, part.top, sum(columns[name][1] for name in block), page.row * len(members))
            here = {(t, o): cells[setting, t, o] for t in members for o in block if (setting, t, o) in cells}
            _draw_cells(axes, here, members, own, names)
            number_of_page = int(part.top / TALLEST)
            if not once or number_of_page not in named:
                top = number_of_page * TALLEST + header + above if once else part.top
                _name_columns(figure, own, left, top - 0.03)
            named.add(number_of_page)
            write_heading(figure, part, headings, 0.0 if once else above)
        _colour_bar(figure, header_height(warning))
    return figure


def _columns(rows: Sequence[Row], outcomes: Sequence[str], names: Names) -> dict[str, tuple[str, float]]:
    """Label of every outcome in lines, and the width of its column in inches."""
    failed = {row["outcome"] for row in rows if not is_true(row, "converged")}
    columns = {}
    for name in outcomes:
        label = names.label_of_outcome(name)
        room = max(text_width(_WIDEST), *map(text_width, label.split()))
        lines = [*wrapped(label, room), *([NOT_CONVERGED] if name in failed else [])]
        columns[name] = ("\n".join(lines), max(room, *map(text_width, lines)) + 0.06)
    return columns


def _blocks(columns: Mapping[str, tuple[str, float]], room: float) -> list[list[str]]:
    """Outcomes that fit side by side, about as many in every block."""
    widest = max(width for _, width in columns.values())
    whole = sum(width for _, width in columns.values()) <= room
    most = len(columns) if whole else max(int(room / widest), 1)
    count = -(-len(columns) // most)
    size = -(-len(columns) // count)
    names = list(columns)
    return [names[k : k + size] for k in range(0, len(names), size)]


def _caption(rows: Sequence[Row], names: Names) -> tuple[str, str]:
    """Title, and what colours, hatches and letters mean."""
    found = {row["evidence"] for row in rows}
    letters = ", ".join(f"{mark.letter} {evidence_words(name)}" for name, mark in EVIDENCE.items() if name in found)
    reference = "the reference of the setting" if names.has_settings else "the reference"
    notes = sorted({rank_note(row) for row in rows} - {""})
    hatched = f" Hatched: {', or '.join(notes)}." if notes else ""
    undecided = any(row["not_named"] and not rank_note(row) for row in rows)
    white = f" White: {NOBODY_FIRST}." if undecided else ""
    among = " among the candidates" if notes else ""
    about = (
        f"{names.analysis_label}, model “{names.model}”. Surface under the cumulative ranking curve (SUCRA){among}: 1 "
        "is best, 0 is worst, and higher is better for every outcome; 95% equal-tailed credible intervals in brackets. "
        f"{COLOURS}{white}{hatched} Letter: evidence on the effect relative to {reference} ({letters})."
    )
    return "SUCRA by outcome", about


def _draw_cells(
    axes: Any,
    cells: Mapping[tuple[str, str], Row],
    treatments: Sequence[str],
    columns: Mapping[str, tuple[str, float]],
    names: Names,
) -> None:
    """Fill the cells; no candidate, hollow; no evidence on the outcome, no data."""
    axes.set_xlim(0, sum(width for _, width in columns.values()))
    axes.set_ylim(len(treatments), 0)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    for y, treatment in enumerate(treatments):
        candidate = all(is_true(row, "candidate") for (name, _), row in cells.items() if name == treatment)
        note = "" if candidate else NOT_A_CANDIDATE
        write_label(axes, y + 0.5, label_of(names.regimen(treatment), note, LABELS), candidate)
    x = 0.0
    for outcome, (_, width) in columns.items():
        for y, treatment in enumerate(treatments):
            row = cells.get((treatment, outcome))
            if row is None:
                axes.text(x + width / 2, y + 0.5, "no data", ha="center", va="center", color=GREY, style="italic")
            else:
                _draw_cell(axes, (x, y), width, row)
        x += width


def _name_columns(figure: "Figure", columns: Mapping[str, tuple[str, float]], left: float, foot: float) -> None:
    """Write the labels of columns above a place in inches from the top."""
    for label, width in columns.values():
        colour = WARNING if NOT_CONVERGED in label else GREY
        style: dict[str, Any] = {"color": colour, "ha": "center", "va": "bottom", "linespacing": 1.1}
        write(figure, left + width / 2, foot, label, **style)
        left += width


def _draw_cell(axes: Any, corner: tuple[float, float], width: float, row: Row) -> None:
    """Fill a cell by its SUCRA among candidates where one is named first; white where none is, hatched without."""
    from matplotlib.patches import Rectangle

    x, y = corner
    ranked = not rank_note(row)
    filled = ranked and not row["not_named"]
    cell = Rectangle(
        (x + 0.015, y + 0.03),
        width - 0.03,
        0.94,
        facecolor=heat_colour(float(row["candidate_sucra"])) if filled else "white",
        edgecolor="white" if filled else LIGHT,
        linewidth=0.6,
        hatch="" if ranked else "////",
        gid=f"cell-{row['treatment']}-{row['outcome']}",
    )
    axes.add_patch(cell)
    box = {} if ranked else {"bbox": {"facecolor": "white", "edgecolor": "none", "pad": 0.6}}
    style: dict[str, Any] = {"ha": "center", "va": "center", "color": INK if ranked else GREY, **box}
    if ranked:
        interval = f"[{number(row['candidate_sucra_lower'])}, {number(row['candidate_sucra_upper'])}]"
        weight = "bold" if filled else "normal"
        axes.text(x + width / 2, y + 0.30, number(row["candidate_sucra"]), weight=weight, **style)
        axes.text(x + width / 2, y + 0.71, interval, **style)
    axes.text(x + width - 0.08, y + 0.30, EVIDENCE[row["evidence"]].letter, **style)


def heat_colour(value: float) -> str:
    """Colour of a SUCRA: the higher, the darker."""
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    return to_hex(LinearSegmentedColormap.from_list("sucra", HEAT)(value))


def _colour_bar(figure: "Figure", top: float) -> None:
    axes = add_axes(figure, MARGIN + text_width(_WORST) + 0.08, top, _BAR, _BAR_HEIGHT)
    for k in range(32):
        axes.axvspan(k / 32, (k + 1) / 32, facecolor=heat_colour((k + 0.5) / 32), linewidth=0)
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.set_yticks([])
    place = {"textcoords": "offset points", "va": "center"}
    axes.annotate(_WORST, (0, 0.5), xytext=(-4, 0), ha="right", **place)
    axes.annotate("1 best", (1, 0.5), xytext=(4, 0), **place)
