"""The figures of how far the answer of one outcome can be trusted: read the tables, draw, save."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from secondline.report.doubt import CURVE, FOLDER, Doubt, read_doubt
from secondline.report.figures.bias_fan import draw_bias_fan
from secondline.report.figures.curve_points import read_curves
from secondline.report.figures.files import save
from secondline.report.figures.prior_fan import draw_prior_fan, fan_panels
from secondline.report.figures.specification_curve import draw_specification_curve
from secondline.report.figures.style import COLUMN, LINE, MARGIN, new_figure, styled, wrapped, write
from secondline.report.figures.thresholds import draw_thresholds, threshold_rows
from secondline.report.settings import DoubtFacts, Labels
from secondline.report.words import Names

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_doubt(folder: Path, outcome: str, labels: Labels, analysis: str, facts: DoubtFacts) -> None:
    """Draw the figures of one outcome, of its headline model, into doubt/figures/.

    Parameters
    ----------
    folder : path
        results/<analysis>/<outcome>
    labels : Labels
        From `secondline.jobs.report_settings.figure_labels`.
    facts : DoubtFacts
        From `secondline.jobs.doubt_facts.doubt_facts`.
    """
    names, doubt = Names(labels, analysis, outcome, labels.headline), read_doubt(folder, facts)
    for figure in facts.figures:
        save(_DRAWN[figure](folder, doubt, names), folder / FOLDER / "figures" / figure)


def _curve(folder: Path, doubt: Doubt, names: Names) -> "Figure":
    levels, shares = doubt.rows("specification_levels"), doubt.rows("specification_shares")
    curves = [curve for curve in read_curves(folder / FOLDER / CURVE, levels) if curve.points]
    if not curves:
        return nothing_to_draw("specification curve", "In no analysis are two candidates compared.", names)
    return draw_specification_curve(curves, levels, shares, names, doubt.facts.axes)


def _thresholds(_: Path, doubt: Doubt, names: Names) -> "Figure":
    rows = doubt.rows("thresholds")
    if not threshold_rows(rows):
        return nothing_to_draw("thresholds", "In no setting are candidates ranked.", names)
    return draw_thresholds(rows, names)


def _fan(_: Path, doubt: Doubt, names: Names) -> "Figure":
    rows = doubt.rows("bias_fan")
    if not any(row["declared_mean"] for row in rows):
        return nothing_to_draw("bias", "No bias of the configuration can be followed.", names)
    return draw_bias_fan(rows, doubt.rows("bias_tipping"), names, doubt.facts.schemes)


def _priors(_: Path, doubt: Doubt, names: Names) -> "Figure":
    rows = doubt.rows("prior_fan")
    if not fan_panels(rows):
        return nothing_to_draw("priors", "The analysis cannot be solved exactly under its own prior.", names)
    return draw_prior_fan(rows, names)


def nothing_to_draw(what: str, why: str, names: Names) -> "Figure":
    """Say in a figure why it shows nothing."""
    lines = wrapped(why, COLUMN - 2 * MARGIN)
    with styled():
        figure = new_figure(COLUMN, 0.08 + LINE * len(lines), f"{names.outcome_label}: {what}", why)
        write(figure, MARGIN, 0.03, "\n".join(lines))
    return figure


_DRAWN: dict[str, Callable[[Path, Doubt, Names], "Figure"]] = {
    "specification_curve": _curve,
    "thresholds": _thresholds,
    "bias_fan": _fan,
    "prior_fan": _priors,
}
