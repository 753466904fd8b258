"""How similar the patients of the studies are: a row for every characteristic, a column for every arm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from secondline.report.figures.style import (
    BOLD,
    GREY,
    INK,
    LIGHT,
    LINE,
    PALE,
    add_axes,
    new_figure,
    styled,
    text_width,
    wrapped,
)
from secondline.report.settings import PopulationSettings
from secondline.report.words import Names, Row, average, is_true, number, percentage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOWER, HIGHER = "#5fa8d8", "#f0a04b"  # blue and orange are told apart whatever the colour vision
STRONGEST = 1.0  # standardised difference of the full colour
ROW = 0.25  # inches
ARM = 0.80
GAP = 0.12
WIDEST = 14.5  # more studies stand in a further block below
NOT_GIVEN = "–"
FLAGS = {"large": "● ", "notable": "○ ", "": ""}
DIFFERENCE = "between\narms, SD"
COLOURS = (
    "Colour: lower than in all studies combined",
    f"higher; darkest at {STRONGEST:g} standard deviation",
)
BAR = 1.2  # inches, the sample of the colours


@dataclass(frozen=True)
class _Study:
    """A study as the figure shows it: its name, labels of its arms, its figures, and how its arms differ."""

    label: str
    arms: Mapping[str, Sequence[str]]
    """Lines of the label by arm."""
    figures: Mapping[tuple[str, str], Row]
    """By characteristic and arm; the arm is empty for all of them together."""
    differences: Mapping[str, Row]
    """The largest by characteristic."""

    @property
    def columns(self) -> list[float]:
        """Widths of the arms and of the column of differences, inches."""
        widths = [
            max(ARM, *(text_width(text) + 0.12 for text in [*lines, *self._texts(arm)]))
            for arm, lines in self.arms.items()
        ]
        widths.append(max(text_width(text) for text in (DIFFERENCE, "● −0.00")) + 0.10)
        missing = text_width(self.label) * BOLD + 0.1 - sum(widths)
        return [width + max(missing, 0.0) / len(widths) for width in widths]

    def _texts(self, arm: str) -> list[str]:
        return [_cell_text(row) for (_, there), row in self.figures.items() if there == arm]

    @property
    def width(self) -> float:
        """Width with the gap to the next study, inches."""
        return sum(self.columns) + GAP

    @property
    def lines(self) -> int:
        """Lines of the tallest label of a column."""
        return max(2, *map(len, self.arms.values()))

    def is_whole(self, characteristic: str) -> bool:
        """Whether a figure for all arms together stands in for those of the arms."""
        every = all((characteristic, arm) in self.figures for arm in self.arms)
        return not every and (characteristic, "") in self.figures


def draw_populations(
    characteristics: Sequence[Row], differences: Sequence[Row], populations: PopulationSettings, names: Names
) -> "Figure":
    """Draw the patients of every arm, coloured by how far they are from the patients of all studies together.

    Parameters
    ----------
    characteristics, differences : rows
        evidence/characteristics.csv and evidence/standardised_differences.csv.
    populations : PopulationSettings
        From `secondline.jobs.report_settings.population_settings`.
    """
    studies = [_study(name, characteristics, differences, populations, names) for name in populations.arms]
    labels = {
        name: label
        for name, label in populations.characteristics.items()
        if any(name == key[0] for study in studies for key in study.figures)
    }
    left = max([text_width(label) for label in labels.values()], default=1.0) + 0.3
    blocks = _blocks(studies, WIDEST - left)
    notes = _notes(populations, names)
    header, height = 0.62, ROW * len(labels)
    heading = 0.32 + max([study.lines for study in studies], default=0) * LINE
    footer = 0.62 + len(notes) * LINE * 1.4
    width = max([left + sum(study.width for study in block) for block in blocks], default=0.0) + 0.1
    subtitle = f"{names.analysis_label}. Share of patients, or mean (standard deviation), by arm."
    with styled():
        figure = new_figure(
            max(width, sum(map(text_width, COLOURS)) + BAR + 0.5, *(text_width(note) + 0.3 for note in notes)),
            header + len(blocks) * (heading + height + GAP) + footer,
            "Patients in the studies",
            subtitle,
        )
        top = header
        for block in blocks:
            top += heading
            place = left
            for study in block:
                axes = add_axes(figure, place, top, study.width - GAP, height)
                _draw_study(axes, study, list(labels))
                place += study.width
            _write_labels(figure, list(labels.values()), left, top)
            top += height + GAP
        _draw_legend(figure, notes)
    return figure


def _study(
    name: str,
    characteristics: Sequence[Row],
    differences: Sequence[Row],
    populations: PopulationSettings,
    names: Names,
) -> _Study:
    largest: dict[str, Row] = {}
    for row in differences:
        if row["level"] == "arms" and row["study_a"] == name and row["difference"]:
            known = largest.setdefault(row["characteristic"], row)
            if abs(float(row["difference"])) > abs(float(known["difference"])):
                largest[row["characteristic"]] = row
    figures = {
        (row["characteristic"], row["arm"]): row
        for row in characteristics
        if row["study"] == name and row["population"] == "all" and is_true(row, "used")
    }
    arms = {
        arm: [*wrapped(label, ARM), f"n = {populations.patients[name][arm]}"]
        for arm, label in populations.arms[name].items()
    }
    return _Study(names.study(name), arms, figures, largest)


def _blocks(studies: Sequence[_Study], room: float) -> list[list[_Study]]:
    """Studies that fit side by side."""
    blocks: list[list[_Study]] = []
    for study in studies:
        if not blocks or sum(other.width for other in blocks[-1]) + study.width > room:
            blocks.append([])
        blocks[-1].append(study)
    return blocks


def _notes(populations: PopulationSettings, names: Names) -> list[str]:
    """Say what the marks mean, and who gives nothing."""
    limits, silent = populations.thresholds, populations.silent
    beyond = f"○ beyond {limits.notable:g}, ● beyond {limits.large:g}"
    arms = f"Between arms: the largest standardised difference, comparator subtracted; {beyond}."
    means = "Means and standard deviations are estimated where papers print medians with quartiles or ranges."
    missing = f"{NOT_GIVEN} not reported. A cell across all arms: reported for the whole study only."
    return [arms, means, missing, *([f"No characteristics: {', '.join(map(names.study, silent))}."] if silent else [])]


def _draw_study(axes: Any, study: _Study, characteristics: Sequence[str]) -> None:
    columns = study.columns
    starts = [sum(columns[:k]) for k in range(len(columns))]
    axes.set_xlim(0, sum(columns))
    axes.set_ylim(len(characteristics), 0)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    _write_headings(axes, study, starts)
    for y, name in enumerate(characteristics):
        if study.is_whole(name):
            _draw_cell(axes, (0.0, y), starts[-1], study.figures[name, ""])
        else:
            for start, width, arm in zip(starts, columns, study.arms, strict=False):
                _draw_cell(axes, (start, y), width, study.figures.get((name, arm)))
        row = study.differences.get(name)
        text = FLAGS[row["flag"]] + number(row["difference"]) if row else NOT_GIVEN
        strong = bool(row and row["flag"] == "large")
        style: dict[str, Any] = {"color": INK if strong else GREY, "weight": "bold" if strong else "normal"}
        axes.text(sum(columns) - 0.04, y + 0.5, text, ha="right", va="center", **style)


def _write_headings(axes: Any, study: _Study, starts: Sequence[float]) -> None:
    place: dict[str, Any] = {
        "textcoords": "offset points",
        "va": "bottom",
        "annotation_clip": False,
        "linespacing": 1.1,
    }
    axes.annotate(study.label, (0, 0), xytext=(2, 6 + 72 * study.lines * LINE), weight="bold", **place)
    for start, lines in zip(starts, study.arms.values(), strict=False):
        axes.annotate("\n".join(lines), (start, 0), xytext=(2, 3), **place)
    axes.annotate(DIFFERENCE, (starts[-1], 0), xytext=(4, 3), color=GREY, **place)


def _draw_cell(axes: Any, corner: tuple[float, float], width: float, row: Row | None) -> None:
    from matplotlib.patches import Rectangle

    x, y = corner
    face = PALE if row is None else cell_colour(row["difference"])
    style: dict[str, Any] = {"facecolor": face, "edgecolor": "white" if row is None else LIGHT, "linewidth": 0.6}
    # As an artist: the limits stand, and to have every patch move them takes a third of the time.
    axes.add_artist(Rectangle((x + 0.01, y + 0.05), width - 0.02, 0.9, gid=row and _cell_id(row), **style))
    text = NOT_GIVEN if row is None else _cell_text(row)
    axes.text(x + width / 2, y + 0.52, text, ha="center", va="center", color=GREY if row is None else INK)


def _cell_id(row: Row) -> str:
    return f"cell-{row['study']}-{row['arm'] or 'all'}-{row['characteristic']}"


def _cell_text(row: Row) -> str:
    return percentage(row["proportion"]) if row["proportion"] else average(row["mean"], row["sd"])


@cache
def cell_colour(difference: str) -> str:
    """Colour of a standardised difference: blue below, orange above, white for none or where it is not known."""
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    value = float(difference or 0.0)
    ramp = LinearSegmentedColormap.from_list("difference", ["white", HIGHER if value > 0 else LOWER])
    return to_hex(ramp(min(abs(value) / STRONGEST, 1.0)))


def _write_labels(figure: "Figure", labels: Sequence[str], left: float, top: float) -> None:
    width, height = figure.get_size_inches()
    for k, label in enumerate(labels):
        figure.text((left - 0.12) / width, 1 - (top + ROW * (k + 0.5)) / height, label, ha="right", va="center")


def _draw_legend(figure: "Figure", notes: Sequence[str]) -> None:
    width, height = figure.get_size_inches()
    step = LINE * 1.4
    top = height - 0.46 - len(notes) * step
    axes = add_axes(figure, 0.12 + text_width(COLOURS[0]) + 0.1, top + 0.05, BAR, 0.13)
    for k in range(24):
        middle = STRONGEST * (2 * (k + 0.5) / 24 - 1)
        axes.axvspan(k / 24, (k + 1) / 24, facecolor=cell_colour(repr(middle)), linewidth=0)
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    place: dict[str, Any] = {"textcoords": "offset points", "va": "center", "annotation_clip": False}
    for words, end, shift, align in zip(COLOURS, (0, 1), (-6, 6), ("right", "left"), strict=True):
        axes.annotate(words, (end, 0.5), xytext=(shift, 0), ha=align, **place)
    for k, note in enumerate(notes):
        figure.text(0.12 / width, 1 - (top + 0.26 + (k + 0.5) * step) / height, note, color=GREY, va="center")
