"""Prior fans: the effects of the first candidates, and tau, under several priors of the heterogeneity."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from secondline.report.figures.axis import EffectAxis
from secondline.report.figures.curve_points import shown_settings
from secondline.report.figures.pages import fitted, stack
from secondline.report.figures.style import (
    BOLD,
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
    text_width,
    wrapped,
    write,
)
from secondline.report.words import Names, Row, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 3
"""Candidates of a setting that have a panel: those with the highest SUCRAs under the declared prior."""
ROW, LEAST_ROW = 0.16, 0.11  # inches
_GAP, _TICKS, _LABELS = 0.18, 4, 2.1
_BELOW = 0.40
_OWN = EVIDENCE["direct"].colour


def leading(rows: Sequence[Row], setting: str) -> list[str]:
    """Candidates with an effect in a setting, the highest SUCRA under the declared prior first."""
    own = [row for row in rows if row["setting"] == setting and row["declared"] == "true" and row["mean"]]
    return [row["treatment"] for row in sorted(own, key=lambda row: -float(row["sucra"] or 0))][:SHOWN]


def fan_panels(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Candidates that are drawn, by setting: one setting for all that show the same."""
    found = {setting: tuple(leading(rows, setting)) for setting in dict.fromkeys(row["setting"] for row in rows)}
    found = {setting: shown for setting, shown in found.items() if shown and setting}
    return {setting: list(found[setting]) for setting in shown_settings(found)}


def draw_prior_fan(rows: Sequence[Row], names: Names) -> "Figure":
    """Draw a block for every setting that shows different candidates: a row for every prior, a panel a candidate.

    Parameters
    ----------
    rows : rows
        prior_fan.csv, with at least one effect.
    """
    panels = fan_panels(rows)
    priors = list(dict.fromkeys(row["prior"] for row in rows))
    labels = [shortened(prior, _LABELS) for prior in priors]
    left = max(map(text_width, labels)) + MARGIN + 0.12
    right = max(text_width(_tau(row)) for row in rows) + 0.2
    above, over = LINE * 2 + 0.05, LINE * 2 + 0.04
    rest = [over + above + _BELOW for _ in panels]
    tall = fitted((ROW * len(priors), LEAST_ROW * len(priors)), len(rest), sum(rest))
    tops, height = stack([each + tall for each in rest])
    letters = iter(panel_letters(sum(map(len, panels.values()))))
    with styled():
        figure = new_figure(PAGE, height, f"{names.outcome_label}: priors", _about(names))
        for top, (setting, shown) in zip(tops, panels.items(), strict=True):
            here = [row for row in rows if row["setting"] == setting]
            heading = wrapped(_heading(here[0], names), (PAGE - 2 * MARGIN) / BOLD)[:2]
            write(figure, MARGIN, top + 0.02, "\n".join(heading), weight="bold")
            width = (PAGE - left - right - _GAP * (len(shown) - 1)) / len(shown)
            ends = [(float(row["lower"]), float(row["upper"])) for row in here if row["treatment"] in shown]
            axis = EffectAxis.over(ends, [], names.is_ratio)
            for k, treatment in enumerate(shown):
                axes = add_axes(figure, left + k * (width + _GAP), top + over + above, width, tall)
                title = next(letters) + "\n".join(
                    shortened(line, width) for line in wrapped(names.regimen(treatment), width - 0.2)[:2]
                )
                axes.annotate(title, (0, 1), (0, 4), xycoords="axes fraction", textcoords="offset points", color=INK)
                members = {row["prior"]: row for row in here if row["treatment"] == treatment and row["mean"]}
                _draw_panel(axes, axis, [members.get(prior) for prior in priors])
                if k == 0:
                    _write_beside(axes, labels, "right", (0, -6))
            tau = {row["prior"]: _tau(row) for row in here}
            _write_beside(axes, [tau.get(prior, "") for prior in priors], "left", (1, 6))
            axes.annotate(
                "τ", (1, 1), (6, 4), xycoords="axes fraction", textcoords="offset points", color=GREY, ha="left"
            )
    return figure


def _about(names: Names) -> str:
    return (
        f"{names.analysis_label}, model “{names.model}”. Effect of the candidates with the highest SUCRAs against the "
        "reference, with its 95% credible interval, under several priors of the standard deviation τ between studies; "
        "the declared one is blue. On the right: posterior median of τ with its 95% interval."
    )


def _heading(row: Row, names: Names) -> str:
    where = f"{names.place(row['setting'])}: " if names.has_settings else ""
    return f"{where}{names.measure} against {names.regimen(row['reference'])}"


def _tau(row: Row) -> str:
    """Posterior of tau in a few words; a value that is fixed has no interval."""
    if not row["tau_median"]:
        return ""
    median, lower, upper = (number(row[f"tau_{key}"]) for key in ("median", "lower", "upper"))
    return median if lower == upper else f"{median} ({lower} to {upper})"


def _write_beside(axes: Any, texts: Sequence[str], align: str, at: tuple[float, float]) -> None:
    side, shift = at
    for y, text in enumerate(texts):
        place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        axes.annotate(text, (side, y), (shift, 0), ha=align, va="center", color=INK, annotation_clip=False, **place)


def _draw_panel(axes: Any, axis: EffectAxis, rows: Sequence[Row | None]) -> None:
    axes.set_xscale("log" if axis.ratio else "linear")
    axes.set_xlim(axis.natural(axis.low), axis.natural(axis.high))
    axis.mark(axes.xaxis, _TICKS)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.axvline(axis.none, color=GREY, linewidth=0.7, zorder=1)
    for y, row in enumerate(rows):
        if row is None:
            continue
        colour = _OWN if row["declared"] == "true" else INK
        axis.draw_interval(axes, y, (float(row["lower"]), float(row["upper"])), colour, 1.0)
        mean = min(max(float(row["mean"]), axis.low), axis.high)
        axes.plot([axis.natural(mean)], [y], "o", color=colour, markersize=3, gid=f"effect-{y}")
