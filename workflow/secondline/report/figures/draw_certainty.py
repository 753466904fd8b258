"""The figures of how certain the evidence of one outcome is: read the tables, draw, save."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from secondline.layout import FUNNEL
from secondline.report.certainty import FOLDER, Certainty, read_certainty
from secondline.report.figures.contributions import draw_contributions
from secondline.report.figures.draw_doubt import nothing_to_draw
from secondline.report.figures.files import save
from secondline.report.figures.risk_of_bias import draw_risk_of_bias
from secondline.report.figures.small_study import draw_small_study, funnel_points
from secondline.report.settings import Labels
from secondline.report.words import Names, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_certainty(
    folder: Path, judged: Sequence[Row], outcome: str, labels: Labels, analysis: str, figures: Sequence[str]
) -> None:
    """Draw the figures of one outcome, of its headline model, into certainty/figures/.

    Parameters
    ----------
    folder : path
        results/<analysis>/<outcome>
    judged : rows
        Risk of bias of the studies, from `secondline.jobs.certainty_settings.judged_studies`.
    labels : Labels
        From `secondline.jobs.report_settings.figure_labels`.
    figures : sequence of str
        From `secondline.jobs.report_settings.certainty_figures`.
    """
    names = Names(labels, analysis, outcome, labels.headline)
    certainty = read_certainty(folder, judged, labels.headline)
    for figure in figures:
        save(_DRAWN[figure](certainty, names), folder / FOLDER / "figures" / figure)


def _contributions(certainty: Certainty, names: Names) -> "Figure":
    if not certainty.findings:
        return nothing_to_draw("contributions of the studies", "No treatment is compared with a reference.", names)
    return draw_contributions(certainty, names)


def _risk_of_bias(certainty: Certainty, names: Names) -> "Figure":
    if not certainty.risk_of_bias or not certainty.findings:
        return nothing_to_draw("risk of bias of the studies", "No study of this outcome has an entry.", names)
    return draw_risk_of_bias(certainty, names)


def _small_study(certainty: Certainty, names: Names) -> "Figure":
    if not funnel_points(certainty.small_studies):
        return nothing_to_draw("small-study effects", "No comparison is made by several studies.", names)
    return draw_small_study(certainty.small_studies, certainty.small_study_test, names)


_DRAWN: dict[str, Callable[[Certainty, Names], "Figure"]] = {
    "contributions": _contributions,
    "risk_of_bias": _risk_of_bias,
    FUNNEL: _small_study,
}
