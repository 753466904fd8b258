"""All figures of one outcome and of one analysis: read the tables, draw, save."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nma.report.forest import draw_forest
from nma.report.network import draw_network
from nma.report.ranks import draw_rankogram, draw_sucra
from nma.report.sentences import SYMBOLS, learned, learned_nothing
from nma.report.style import EVIDENCE, GREY, INK, WARNING, add_axes, new_figure, save, styled, text_width
from nma.report.words import Names, Row
from nma.tables import read_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARAMETERS = {
    "tau": "τ: standard deviation between studies",
    "omega": "ω: standard deviation of component effects between settings",
}
NOT_CONVERGED = "NOT CONVERGED"


def plot_outcome(folder: Path, outcome: str, models: Sequence[str], labels: Mapping[str, Any], analysis: str) -> None:
    """Draw the network of an outcome and the figures of each of its models.

    Parameters
    ----------
    folder : path
        results/<analysis>/<outcome>; figures go to network/ and <model>/figures/.
    labels : mapping
        From `nma.plan.label_settings`.
    """
    rankings = {model: read_table(folder / model / "ranking.csv") for model in models}
    evidence, edges = read_table(folder / "evidence.csv"), read_table(folder / "network" / "edges.csv")
    names = Names(labels, analysis, outcome)
    save(draw_network(edges, evidence, rankings[models[0]], names), folder / "network" / "network")
    for model, ranking in rankings.items():
        names = Names(labels, analysis, outcome, model)
        out = folder / model
        warning = "" if all(row["converged"] == "true" for row in ranking) else NOT_CONVERGED
        relative = read_table(out / "relative_effects.csv")
        save(draw_forest(relative, ranking, names, warning), out / "figures" / "forest")
        probabilities = read_table(out / "rank_probabilities.csv")
        save(draw_rankogram(probabilities, ranking, names, warning), out / "figures" / "rankogram")
        parameters = read_table(out / "heterogeneity.csv")
        if parameters:
            figure = draw_heterogeneity(read_table(out / "densities.csv"), parameters, names, warning)
            save(figure, out / "figures" / "heterogeneity")


def plot_analysis(folder: Path, labels: Mapping[str, Any], analysis: str) -> None:
    """Draw the heat map of SUCRA of an analysis, for the headline model."""
    names = Names(labels, analysis, model=labels["headline"])
    ranking = read_table(folder / "summary" / "ranking.csv")
    headline = [row for row in ranking if row["model"] == names.model]
    failed = sorted({row["outcome"] for row in headline if row["converged"] != "true"})
    warning = f"{NOT_CONVERGED}: {', '.join(names.of('outcomes', name) for name in failed)}" if failed else ""
    save(draw_sucra(ranking, names, warning), folder / "summary" / "sucra")


def draw_heterogeneity(
    densities: Sequence[Row], parameters: Sequence[Row], names: Names, warning: str = ""
) -> "Figure":
    """Draw prior against posterior of tau and omega, with their overlap in words.

    Parameters
    ----------
    densities, parameters : rows
        densities.csv and heterogeneity.csv of one model.
    """
    title = f"{names.outcome_label}: heterogeneity"
    subtitle = f"{names.analysis_label}, model “{names.model}”. Bar: median and 95% credible interval."
    gap, height = 0.5, 2.2
    n = len(parameters)
    width = max(n * 4.9 + gap, text_width(subtitle) + 0.3)
    panel = (width - 0.2) / n - gap
    with styled():
        figure = new_figure(width, 0.62 + 0.62 + height + 0.55, title, subtitle, warning)
        for i, row in enumerate(parameters):
            axes = add_axes(figure, 0.35 + i * (panel + gap), 0.62 + 0.62, panel, height)
            points = [point for point in densities if point["parameter"] == row["parameter"]]
            _draw_densities(axes, points, row)
    return figure


def _draw_densities(axes: Any, points: Sequence[Row], row: Row) -> None:
    x = [float(point["value"]) for point in points]
    prior = [float(point["prior"]) for point in points]
    posterior = [float(point["posterior"]) for point in points]
    colour = EVIDENCE["direct"].colour
    axes.plot(x, prior, color=INK, linestyle=(0, (5, 2)), linewidth=1.4, label=f"prior {row['prior']}")
    axes.plot(x, posterior, color=colour, linewidth=1.8, label="posterior")
    axes.fill_between(x, posterior, color=colour, alpha=0.18, linewidth=0)
    peak = max(*prior, *posterior)
    axes.set_ylim(-0.10 * peak, 1.05 * peak)
    axes.set_xlim(0, max(v for v, p, q in zip(x, prior, posterior, strict=True) if max(p, q) > 0.01 * peak))
    axes.plot(
        [float(row["lower"]), float(row["upper"])],
        [-0.05 * peak] * 2,
        color=colour,
        linewidth=3,
        solid_capstyle="butt",
    )
    axes.plot([float(row["median"])], [-0.05 * peak], "o", color=colour, markersize=5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(
        f"{SYMBOLS[row['parameter']]}, on the log scale of the effects",
        color=GREY,
    )
    axes.text(0, 1.17, PARAMETERS[row["parameter"]], transform=axes.transAxes, weight="bold", va="center")
    axes.text(
        0,
        1.06,
        learned(row),
        transform=axes.transAxes,
        va="center",
        color=WARNING if learned_nothing(row) else INK,
    )
    axes.legend(loc="upper right")
