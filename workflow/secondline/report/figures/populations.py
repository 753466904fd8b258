"""How similar the patients of the studies are: a row for every characteristic, a column for every arm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from secondline.report.figures.pages import stack
from secondline.report.figures.style import (
    BOLD,
    GREY,
    INK,
    LIGHT,
    LINE,
    MARGIN,
    PAGE,
    PALE,
    add_axes,
    new_figure,
    styled,
    text_width,
    wrapped,
    write,
)
from secondline.report.settings import PopulationSettings
from secondline.report.words import Names, Row, average, is_true, number, percentage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOWER, HIGHER = "#5fa8d8", "#f0a04b"  # blue and orange are told apart whatever the colour vision
STRONGEST = 1.0  # standardised difference of the full colour
ROW = 0.17  # inches
ARM = 0.62
GAP = 0.12
LABELS = 1.9  # inches, the widest line of the label of a characteristic
NOT_GIVEN = "–"
FLAGS = {"large": "● ", "notable": "○ ", "": ""}
DIFFERENCE = "between\narms, SD"
COLOURS = (
    "Colour: lower than in all studies combined",
    f"higher; darkest at {STRONGEST:g} standard deviation (SD)",
)
BAR, _LEGEND = 1.2, 0.24  # inches: the sample of the colours, and the height of its line


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
        return [*widths, max(text_width(text) for text in (DIFFERENCE, "● −0.00")) + 0.10]

    @property
    def title(self) -> str:
        """Name of the study in lines of the width of its columns."""
        return "\n".join(wrapped(self.label, sum(self.columns) / BOLD))

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
    texts = {name: wrapped(label, LABELS) for name, label in labels.items()}
    left = max([text_width(line) for lines in texts.values() for line in lines], default=1.0) + 0.15
    blocks = _blocks([part for study in studies for part in _parts(study, PAGE - left)], PAGE - left)
    row = max([ROW, *(0.9 * LINE * len(lines) + 0.03 for lines in texts.values())])
    headings = [0.16 + LINE * max(study.lines + study.title.count("\n") + 1 for study in block) for block in blocks]
    tops, height = stack([heading + row * len(labels) + 0.06 for heading in headings], 0.0, _LEGEND)
    with styled():
        figure = new_figure(PAGE, height, "Patients in the studies", _about(populations, names))
        for block, heading, top in zip(blocks, headings, tops, strict=True):
            place = left
            for study in block:
                axes = add_axes(figure, place, top + heading, study.width - GAP, row * len(labels))
                _draw_study(axes, study, list(labels))
                place += study.width
            for k, lines in enumerate(texts.values()):
                middle = top + heading + row * (k + 0.5)
                style: dict[str, Any] = {"ha": "right", "va": "center", "linespacing": 0.95}
                write(figure, left - 0.08, middle, "\n".join(lines), **style)
        if blocks:
            _draw_legend(figure)
        else:
            write(figure, MARGIN, 0.02, "\n".join(wrapped(_silent(populations, names), PAGE - 2 * MARGIN)))
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


def _parts(study: _Study, room: float) -> list[_Study]:
    """Divide a study whose arms do not fit side by side."""
    names, parts = list(study.arms), [study]
    while parts[0].width > room and len(parts) < len(names):
        size = -(-len(names) // (len(parts) + 1))
        members = [names[k : k + size] for k in range(0, len(names), size)]
        parts = [replace(study, arms={name: study.arms[name] for name in part}) for part in members]
    return parts


def _about(populations: PopulationSettings, names: Names) -> str:
    """Say what the figure shows, what the marks mean, and who gives nothing."""
    limits = populations.thresholds
    return " ".join(
        [
            f"{names.analysis_label}. Share of patients, or mean (standard deviation), by arm. Colour: standardised "
            "difference from the patients of all studies combined. Between arms: the largest standardised difference "
            f"(SD), comparator subtracted; ○ beyond {limits.notable:g}, ● beyond {limits.large:g}.",
            "Means and standard deviations are estimated where papers print medians with quartiles or ranges.",
            f"{NOT_GIVEN} not reported. A cell across all arms: reported for the whole study only.",
            _silent(populations, names),
        ]
    ).strip()


def _silent(populations: PopulationSettings, names: Names) -> str:
    """Say which studies describe no patients."""
    return f"No characteristics: {', '.join(map(names.study, populations.silent))}." if populations.silent else ""


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
    axes.annotate(study.title, (0, 0), xytext=(2, 5 + 72 * study.lines * LINE), weight="bold", **place)
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


def _draw_legend(figure: "Figure") -> None:
    height = figure.get_size_inches()[1]
    axes = add_axes(figure, MARGIN + text_width(COLOURS[0]) + 0.1, height - 0.16, BAR, 0.11)
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
