"""Two outcomes together, such as benefit against harm, with the uncertainty of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, log, pi, sin, sqrt
from typing import TYPE_CHECKING, Any

from secondline.cell_values import REFERENCE
from secondline.report.figures.axis import EffectAxis, tick_label
from secondline.report.figures.fit import Box, Point, free_place
from secondline.report.figures.pages import stack
from secondline.report.figures.style import (
    BOLD,
    COLUMN,
    EVIDENCE,
    GREY,
    INK,
    LIGHT,
    LINE,
    MARGIN,
    PAGE,
    PALE,
    add_axes,
    add_legend,
    header_height,
    legend_height,
    new_figure,
    panel_letters,
    styled,
    text_width,
    wrapped,
)
from secondline.report.words import (
    NOT_A_CANDIDATE,
    Names,
    Row,
    all_candidates,
    evidence_words,
    is_true,
    reference_of,
    settings_of,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LARGEST = 4.4  # inches, the side of a panel that stands alone on a page
HALF = sqrt(2 * log(2))  # radius in standard deviations of the circle that holds half of two independent normals
MOST_NAMES = 8  # treatments beyond which numbers and a key take the place of names
MOST_IN_COLUMN = 5  # names for which one column of a journal has room
_LEFT, _GAP, _FOOT = 0.62, 0.45, 0.44  # inches beside, between and under the panels
WEAKEST_LAST = ("direct", "mixed_setting", "indirect", "extrapolated", "prior_driven")


@dataclass(frozen=True)
class Place:
    """A treatment in both outcomes: the rows of its effects against the reference of a setting."""

    treatment: str
    x: Row
    y: Row
    candidate: bool

    @property
    def evidence(self) -> str:
        """The weaker of the two evidence labels."""
        return max(self.x["evidence"], self.y["evidence"], key=WEAKEST_LAST.index)


def places_of(
    relative: tuple[Sequence[Row], Sequence[Row]], rankings: tuple[Sequence[Row], Sequence[Row]], setting: str
) -> tuple[str, list[Place]]:
    """Find the reference of a setting and the treatments that both outcomes compare with it.

    The reference is that of the first outcome where the second has it too, and otherwise the other way round; without
    a shared one there are no treatments.
    """
    known = [{row["treatment"] for row in ranking} for ranking in rankings]
    references = [reference_of(ranking, setting) for ranking in rankings]
    reference = next((name for name in references if name in known[0] & known[1]), references[0])
    effects = [
        {row["treatment"]: row for row in rows if row["setting"] == setting and row["comparator"] == reference}
        for rows in relative
    ]
    candidates = {row["treatment"]: is_true(row, "candidate") for row in rankings[0] if row["setting"] == setting}
    both = [name for name in effects[0] if name in effects[1]]
    return reference, [Place(name, effects[0][name], effects[1][name], candidates[name]) for name in both]


def draw_pair(
    relative: tuple[Sequence[Row], Sequence[Row]],
    rankings: tuple[Sequence[Row], Sequence[Row]],
    names: tuple[Names, Names],
    warning: str = "",
) -> "Figure":
    """Plot the effects on one outcome against those on another, one panel per setting.

    Crosses are 95% credible intervals; ellipses hold half of the joint posterior, taken as normal. The outcomes are
    fitted apart from each other: their correlation is not known, and the ellipses have none.

    Parameters
    ----------
    relative, rankings : pair of rows
        relative_effects.csv and ranking.csv of the headline model, for the outcome across and the one upwards.
    names : pair
        Names of the two outcomes.
    """
    settings = settings_of(rankings[0])
    panels = {setting: places_of(relative, rankings, setting) for setting in settings}
    every = [place for _, members in panels.values() for place in members]
    axes_of = tuple(
        EffectAxis.over([_ends(getattr(place, side)) for place in every], [], name.is_ratio)
        for side, name in zip("xy", names, strict=True)
    )
    treatments = list(dict.fromkeys(place.treatment for place in every))
    labels = _labels(treatments, names[0])
    handles = _handles(every, labels, names[0], all_candidates(rankings[0]))
    columns = min(len(settings), 2)
    width = COLUMN if columns == 1 and len(treatments) <= MOST_IN_COLUMN else PAGE
    size = min((width - _LEFT - MARGIN - (columns - 1) * _GAP) / columns, LARGEST)
    titles = [
        letter + "\n".join(wrapped(_title(names[0], setting, reference), size / BOLD - 0.2))
        for letter, (setting, (reference, _)) in zip(panel_letters(len(panels)), panels.items(), strict=True)
    ]
    heading = 0.10 + LINE * max(text.count("\n") + 1 for text in titles)
    lines, footer = -(-len(settings) // columns), legend_height(handles, width)
    tops, height = stack([heading + size + _FOOT] * lines, header_height(warning), footer)
    with styled():
        figure = new_figure(width, height, *_caption(names), warning)
        for i, (reference, places) in enumerate(panels.values()):
            line, column = divmod(i, columns)
            axes = add_axes(figure, _LEFT + column * (size + _GAP), tops[line] + heading, size, size)
            _prepare(axes, axes_of, names)
            for place in places:
                _draw_place(axes, axes_of, place)
            _write_labels(axes, axes_of, places, labels, names[0].regimen(reference), size)
            axes.set_title(titles[i], pad=4)
            _write_axis(axes, names[0], 0)
            if column == 0:
                _write_axis(axes, names[1], 90)
        add_legend(figure, handles)
    return figure


def _caption(names: tuple[Names, Names]) -> tuple[str, str]:
    """Title, and what is drawn."""
    of_setting = " of its setting" if names[0].has_settings else ""
    about = (
        f"{names[0].analysis_label}, model “{names[0].model}”. Effects of every treatment against the reference"
        f"{of_setting}: {names[0].effects.words} ({names[0].measure}) of {names[0].outcome_label} across, "
        f"{names[1].effects.words} ({names[1].measure}) of {names[1].outcome_label} upwards. Marks: posterior medians; "
        "crosses: 95% equal-tailed credible intervals; ellipses: half of the joint posterior, assumed normal and "
        "uncorrelated, as the outcomes are analysed separately. Colour and marker: the weaker evidence of the two. "
        "Shaded: better than the reference in both outcomes."
    )
    return f"{names[0].outcome_label} against {names[1].outcome_label}", about


def _title(names: Names, setting: str, reference: str) -> str:
    regimen = names.regimen(reference)
    return f"{names.place(setting)}: against {regimen}" if names.has_settings else f"Against {regimen}"


def _ends(row: Row) -> tuple[float, float]:
    return float(row["lower"]), float(row["upper"])


def _labels(treatments: Sequence[str], names: Names) -> dict[str, str]:
    if len(treatments) <= MOST_NAMES:
        return {name: names.regimen(name) for name in treatments}
    return {name: str(k) for k, name in enumerate(treatments, start=1)}


def _prepare(axes: Any, both: tuple[EffectAxis, ...], names: tuple[Names, Names]) -> None:
    """Set scales and limits, draw no effect, and shade where both outcomes are better than under the reference."""
    from matplotlib.ticker import NullLocator

    corner = []
    for axis, name, across in zip(both, names, (True, False), strict=True):
        ends = axis.natural(axis.low), axis.natural(axis.high)
        ticks = axis.tick_values()
        scale = "log" if axis.ratio else "linear"
        if across:
            axes.set_xscale(scale)
            axes.set_xlim(*ends)
            axes.set_xticks(ticks, [tick_label(tick) for tick in ticks])
            axes.xaxis.set_minor_locator(NullLocator())
            axes.axvline(axis.none, color=GREY, linewidth=0.9, zorder=0)
        else:
            axes.set_yscale(scale)
            axes.set_ylim(*ends)
            axes.set_yticks(ticks, [tick_label(tick) for tick in ticks])
            axes.yaxis.set_minor_locator(NullLocator())
            axes.axhline(axis.none, color=GREY, linewidth=0.9, zorder=0)
        corner.append((ends[0], axis.none) if name.lower_is_better else (axis.none, ends[1]))
    axes.grid(color=LIGHT, linewidth=0.5)
    axes.set_axisbelow(True)
    (x0, x1), (y0, y1) = corner
    axes.fill([x0, x1, x1, x0], [y0, y0, y1, y1], color=PALE, zorder=-2, gid="better-in-both")
    down, left = names[1].lower_is_better, names[0].lower_is_better
    axes.annotate(
        "better in both",
        (0 if left else 1, 0 if down else 1),
        xytext=(4 if left else -4, 4 if down else -4),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="left" if left else "right",
        va="bottom" if down else "top",
        color=GREY,
        bbox={"facecolor": PALE, "edgecolor": "none", "pad": 0.6},
        zorder=4,
        gid="corner",
    )


def _draw_place(axes: Any, both: tuple[EffectAxis, ...], place: Place) -> None:
    x_axis, y_axis = both
    mark = EVIDENCE[place.evidence]
    middle = x_axis.natural(float(place.x["median"])), y_axis.natural(float(place.y["median"]))
    for axis, row, k in ((x_axis, place.x, 0), (y_axis, place.y, 1)):
        lower, upper = _ends(row)
        shown = [axis.natural(max(lower, axis.low)), axis.natural(min(upper, axis.high))]
        line = (shown, [middle[1]] * 2) if k == 0 else ([middle[0]] * 2, shown)
        axes.plot(*line, color=mark.colour, linewidth=0.9, alpha=0.8, zorder=2)
    ring = [(cos(k * pi / 36), sin(k * pi / 36)) for k in range(72)]
    centre, spread = ([float(row[key]) for row in (place.x, place.y)] for key in ("mean", "sd"))
    axes.fill(
        [x_axis.natural(centre[0] + HALF * spread[0] * x) for x, _ in ring],
        [y_axis.natural(centre[1] + HALF * spread[1] * y) for _, y in ring],
        facecolor=mark.colour,
        edgecolor=mark.colour,
        alpha=0.13,
        linewidth=0.8,
        zorder=1,
    )
    axes.plot(
        [middle[0]],
        [middle[1]],
        mark.marker,
        color=mark.colour,
        markerfacecolor=mark.colour if place.candidate else "white",
        markersize=5,
        zorder=4,
        gid=f"pair-{place.treatment}",
    )


def _write_labels(
    axes: Any,
    both: tuple[EffectAxis, ...],
    places: Sequence[Place],
    labels: dict[str, str],
    reference: str,
    size: float,
) -> None:
    """Write every name beside its point, where it covers no other, in a panel with sides of a size in inches."""

    def inches(x: float, y: float) -> Point:
        return both[0].share(x) * size, both[1].share(y) * size

    dots = [inches(0.0, 0.0), *(inches(float(place.x["median"]), float(place.y["median"])) for place in places)]
    left = next(text for text in axes.texts if text.get_gid() == "corner")
    corner = text_width(left.get_text()) + 0.1
    x0, y0 = (0.0 if left.get_ha() == "left" else size - corner), (0.0 if left.get_va() == "bottom" else size - 0.18)
    taken: list[Box] = [(x0, y0, x0 + corner, y0 + 0.18)]
    texts = [reference, *(labels[place.treatment] for place in places)]
    for text, at in zip(texts, dots, strict=True):
        box = free_place(at, (text_width(text) + 0.04, LINE), (size, size), taken, dots)
        taken.append(box)
        near = min(max(at[0], box[0]), box[2]), min(max(at[1], box[1]), box[3])
        place: dict[str, Any] = {"xycoords": "axes points", "annotation_clip": False}
        if abs(near[0] - at[0]) + abs(near[1] - at[1]) > 0.16:
            line = {"arrowstyle": "-", "color": INK, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3}
            ends = {"xy": (at[0] * 72, at[1] * 72), "xytext": (near[0] * 72, near[1] * 72)}
            axes.annotate("", textcoords="axes points", arrowprops=line, zorder=3, **ends, **place)
        axes.annotate(
            text,
            ((box[0] + box[2]) / 2 * 72, (box[1] + box[3]) / 2 * 72),
            ha="center",
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.4},
            zorder=5,
            gid="treatment-label",
            **place,
        )
    axes.plot([both[0].none], [both[1].none], "+", color=INK, markersize=6.5, zorder=4, gid="pair-reference")


def _write_axis(axes: Any, names: Names, rotation: int) -> None:
    """Say beside an axis what it shows and which way is better."""
    label = f"{names.outcome_label}: {names.effects.axis_label}"
    words, end, align = ("← better", 0, "left") if names.lower_is_better else ("better →", 1, "right")
    style = {"xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
    if rotation:
        place = {"rotation": 90, "ha": "right", "va": "bottom" if end == 0 else "top"}
        axes.annotate(words, (0, end), xytext=(-24, 0), gid="better-y", **place, **style)
        axes.annotate(label, (0, 0.5), xytext=(-33, 0), rotation=90, ha="right", va="center", **style)
    else:
        axes.annotate(words, (end, 0), xytext=(0, -13), ha=align, va="top", gid="better-x", **style)
        axes.annotate(label, (0.5, 0), xytext=(0, -22), ha="center", va="top", **style)


def _handles(places: Sequence[Place], labels: dict[str, str], names: Names, everyone: bool) -> list[Any]:
    from matplotlib.lines import Line2D

    found = {place.evidence for place in places}
    handles: list[Any] = [
        Line2D(
            [], [], color=EVIDENCE[name].colour, marker=EVIDENCE[name].marker, linewidth=0.9, label=evidence_words(name)
        )
        for name in WEAKEST_LAST
        if name in found
    ]
    handles.append(
        Line2D([], [], color=INK, marker="+", linestyle="none", markersize=6.5, label=evidence_words(REFERENCE))
    )
    if not everyone:
        hollow: dict[str, Any] = {"marker": "o", "markerfacecolor": "white", "linestyle": "none"}
        handles.append(Line2D([], [], color=GREY, label=f"hollow: {NOT_A_CANDIDATE}", **hollow))
    blank: dict[str, Any] = {"marker": "", "linestyle": "none"}
    key = [f"{label}  {names.regimen(name)}" for name, label in labels.items() if label != names.regimen(name)]
    return handles + [Line2D([], [], label=text, **blank) for text in key]
