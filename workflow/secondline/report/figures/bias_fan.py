"""Bias fans: the effect between the two highest candidates, and who ranks first, over the size of a bias."""

from collections.abc import Mapping, Sequence
from math import log
from typing import TYPE_CHECKING, Any

from secondline.cell_values import NOT_SETTLED
from secondline.report.figures.axis import EffectAxis, tick_label
from secondline.report.figures.curve_points import shown_settings
from secondline.report.figures.pages import fitted, stack
from secondline.report.figures.style import (
    BOLD,
    COLUMN,
    EVIDENCE,
    GREY,
    INK,
    LINE,
    MARGIN,
    PAGE,
    add_axes,
    new_figure,
    panel_letters,
    shortened,
    styled,
    wrapped,
    write,
)
from secondline.report.words import Names, Row, differences, ratio

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RULE = "sucra"
"""The decision whose tipping point is drawn."""
COLUMNS = 3
PANEL, LEAST_PANEL = 1.25, 0.72  # inches: height of a panel, less where that keeps the figure on a page
_LEFT, _GAP = 0.42, 0.22  # inches beside the panels and between them
_TICKS = 5  # of an axis
_BELOW = 0.38
_TIPPING, _FAN = EVIDENCE["extrapolated"].colour, EVIDENCE["direct"].colour


def fan_settings(fan: Sequence[Row]) -> dict[str, tuple[str, str]]:
    """Candidates with the highest SUCRAs of the declared analysis, by setting: one setting for every such pair."""
    pairs = {row["setting"]: (row["declared_first"], row["declared_runner_up"]) for row in fan if row["declared_mean"]}
    return {setting: pairs[setting] for setting in shown_settings(pairs)}


def draw_bias_fan(fan: Sequence[Row], tipping: Sequence[Row], names: Names, schemes: Mapping[str, str]) -> "Figure":
    """Draw a panel for every scheme of bias, in a block for every setting that decides between different candidates.

    Parameters
    ----------
    fan, tipping : rows
        bias_fan.csv, with at least one effect, and bias_tipping.csv.
    schemes : mapping
        Labels of the schemes.
    """
    known = [row for row in fan if row["declared_mean"]]
    pairs = fan_settings(known)
    shown = list(dict.fromkeys(row["scheme"] for row in known))
    columns = min(COLUMNS, len(shown))
    page = PAGE if columns > 1 else COLUMN
    width = (page - _LEFT - 0.05 - _GAP * (columns - 1)) / columns
    panels = [(setting, scheme) for setting in pairs for scheme in shown]
    labels = {
        panel: letter
        + "\n".join(shortened(line, width) for line in wrapped(schemes.get(panel[1], panel[1]), width - 0.2)[:2])
        for panel, letter in zip(panels, panel_letters(len(panels)), strict=True)
    }
    above = LINE * max(label.count("\n") + 1 for label in labels.values()) + 0.05
    deep = -(-len(shown) // COLUMNS)
    headings = [
        "\n".join(wrapped(_heading(setting, pair, names), (page - 2 * MARGIN) / BOLD)[:2])
        for setting, pair in pairs.items()
    ]
    over = LINE * max(heading.count("\n") + 1 for heading in headings) + 0.06
    rest = [(0.0 if row else over) + above + _BELOW for _ in pairs for row in range(deep)]
    tall = fitted((PANEL, LEAST_PANEL), len(rest), sum(rest))
    tops, height = stack([other + tall for other in rest])
    with styled():
        figure = new_figure(page, height, f"{names.outcome_label}: bias", _about(names, known[0]["instead_of"]))
        for k, setting in enumerate(pairs):
            write(figure, MARGIN, tops[k * deep] + 0.02, headings[k], weight="bold")
            here = [row for row in known if row["setting"] == setting]
            axis = _axis(here, names.is_ratio)
            for i, scheme in enumerate(shown):
                line, column = divmod(i, COLUMNS)
                top = tops[k * deep + line] + (0.0 if line else over) + above
                axes = add_axes(figure, _LEFT + column * (width + _GAP), top, width, tall)
                label = labels[setting, scheme]
                axes.annotate(label, (0, 1), (0, 4), xycoords="axes fraction", textcoords="offset points", color=INK)
                members = [row for row in here if row["scheme"] == scheme]
                _draw_fan(axes, axis, members, names, with_labels=column == 0)
                points = [r for r in tipping if (r["scheme"], r["setting"], r["rule"]) == (scheme, setting, RULE)]
                _draw_tipping(axes, points, members, width, names)
    return figure


def _about(names: Names, instead_of: str) -> str:
    size = f"factor by which it changes the {names.measure}" if names.is_ratio else f"change of the {names.measure}"
    return (
        f"{names.analysis_label}, model “{names.model}”. Effect between the two candidates with the highest SUCRAs in "
        "the declared analysis, with its 95% credible interval, where the contrasts named have a bias. Horizontal: the "
        f"{size} of the arm that it favours. Dashed: interval with the largest standard deviation of the bias between "
        "studies. Below the panel, and as a thick vertical line where the axis reaches it: the smallest bias without "
        "which another candidate has the highest SUCRA. "
        "Dotted: no bias."
        + (f" The biases take the place of the one that the analysis has itself, {instead_of}." if instead_of else "")
    )


def _heading(setting: str, pair: tuple[str, str], names: Names) -> str:
    where = f"{names.place(setting)}: " if names.has_settings else ""
    text = f"{where}{names.measure} of {names.regimen(pair[0])} against {names.regimen(pair[1])}"
    return f"{text}; {names.favours(names.regimen(pair[0]))}"


def _axis(rows: Sequence[Row], ratio: bool) -> EffectAxis:
    smallest = min(float(row["bias_sd"]) for row in rows)
    kept = [row for row in rows if float(row["bias_sd"]) == smallest]
    ends = [(float(row["declared_lower"]), float(row["declared_upper"])) for row in kept]
    return EffectAxis.over(ends, [], ratio)


def _draw_fan(axes: Any, axis: EffectAxis, rows: Sequence[Row], names: Names, *, with_labels: bool) -> None:
    sds = sorted({float(row["bias_sd"]) for row in rows})
    axes.set_yscale("log" if names.is_ratio else "linear")
    axes.set_ylim(axis.natural(axis.low), axis.natural(axis.high))
    axis.mark(axes.yaxis, _TICKS, with_labels=with_labels)
    axes.axhline(axis.none, color=GREY, linewidth=0.7, zorder=1)
    for sd in dict.fromkeys((sds[0], sds[-1])):
        members = sorted((row for row in rows if float(row["bias_sd"]) == sd), key=lambda row: float(row["bias_mean"]))
        x = [float(row["bias_mean"]) for row in members]
        mean, lower, upper = (
            [axis.natural(float(row[f"declared_{key}"])) for row in members] for key in ("mean", "lower", "upper")
        )
        if sd == sds[0]:
            axes.fill_between(x, lower, upper, color=_FAN, alpha=0.18, linewidth=0)
            axes.plot(x, mean, color=_FAN, linewidth=1.4, gid="effect")
            axes.set_xlim(x[0] - 0.02 * (x[-1] - x[0] or 1), x[-1] + 0.02 * (x[-1] - x[0] or 1))
        else:
            for values in (lower, upper):
                axes.plot(x, values, color=_FAN, linewidth=0.8, linestyle=(0, (4, 2)))
    axes.axvline(0, color=GREY, linewidth=0.7, linestyle=(0, (1, 2)))
    sign = -1 if names.lower_is_better else 1
    across = EffectAxis(names.is_ratio, *sorted(sign * end for end in axes.get_xlim()))
    values = across.tick_values(_TICKS)
    places = [sign * (log(value) if names.is_ratio else value) for value in values]
    axes.set_xticks(places, map(tick_label, values))
    axes.set_xlabel(f"bias, {names.measure} ×" if names.is_ratio else f"bias, {names.measure}", loc="right", color=GREY)


def _draw_tipping(axes: Any, points: Sequence[Row], members: Sequence[Row], width: float, names: Names) -> None:
    """Mark the tipping point, and say under the panel what it is, or that there is none."""
    if not points:
        return
    row = min(points, key=lambda point: float(point["bias_sd"]))
    low, high = axes.get_xlim()
    if row["tipping"] and low <= float(row["tipping"]) <= high:
        axes.axvline(float(row["tipping"]), color=_TIPPING, linewidth=1.2, zorder=4, gid="tipping")
    words = shortened(tipping_words(row, names), width)
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "top"}
    axes.annotate(words, (0, 0), (0, -14), color=_TIPPING if row["tipping"] else GREY, **place)


def tipping_words(row: Row, names: Names) -> str:
    """Tipping point in a few words: the size of the bias and who then ranks first, or why there is none."""
    if not row["tipping"]:
        return NOT_SETTLED if row["reason"] == NOT_SETTLED else f"no change: {row['reason'].partition(':')[0]}"
    return f"{bias_words(row, names)}: {names.regimen(row['new_first'])}"


def bias_words(row: Row, names: Names) -> str:
    """Size of the bias of a tipping point, as a change of the effect of the arm that it favours."""
    if names.is_ratio:
        return f"{names.measure} × {ratio(row['tipping_factor'])}"
    sign = -1 if names.lower_is_better else 1
    return f"{names.measure} {differences([str(sign * float(row['tipping']))])[0]}"
