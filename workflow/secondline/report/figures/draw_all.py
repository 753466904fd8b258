"""All figures of one outcome and of one analysis: read the tables, draw, save."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from secondline.layout import POPULATION_TABLES
from secondline.network.arms import used_arms
from secondline.report.direct import read_direct
from secondline.report.figures.absolute import draw_absolute
from secondline.report.figures.files import PAPER, SCREEN, save
from secondline.report.figures.fit import CONSISTENCY, UNRELATED, draw_deviances, draw_leverage
from secondline.report.figures.forest import draw_forest
from secondline.report.figures.heterogeneity import draw_heterogeneity
from secondline.report.figures.network import draw_network
from secondline.report.figures.pair import draw_pair
from secondline.report.figures.populations import draw_populations
from secondline.report.figures.ranks import draw_cumulative_ranks, draw_rankogram
from secondline.report.figures.splits import draw_splits, splits_of
from secondline.report.figures.sucra import draw_sucra
from secondline.report.settings import Labels, PopulationSettings
from secondline.report.words import NOT_CONVERGED, Names, Row, is_true
from secondline.tables import read_table


def plot_outcome(
    folder: Path,
    outcome: str,
    models: Sequence[str],
    labels: Labels,
    analysis: str,
    formats: Sequence[str] = SCREEN,
    inconsistency: bool = False,
    behind: str | None = None,
) -> None:
    """Draw the figures of models of an outcome, with the headline one those of the network and its inconsistency.

    Parameters
    ----------
    folder : path
        results/<analysis>/<outcome>; figures go to network/, <model>/figures/ and inconsistency/figures/.
    models : sequence of str
        Those to draw.
    labels : Labels
        From `secondline.jobs.report_settings.figure_labels`.
    formats : sequence
        Of the files, but for those of inconsistency, which have all.
    inconsistency : bool
        Whether the inconsistency of this analysis was assessed.
    behind : str, optional
        studies_behind.csv of the outcome, where its contributions are traced.
    """
    rankings = {model: read_table(folder / model / "ranking.csv") for model in models}
    evidence, edges = read_table(folder / "evidence.csv"), read_table(folder / "network" / "edges.csv")
    headline = labels.headline in rankings
    names = Names(labels, analysis, outcome, direct=read_direct({outcome: behind} if behind else {}))
    if headline:
        save(draw_network(edges, evidence, rankings[labels.headline], names), folder / "network" / "network", formats)
    for model, ranking in rankings.items():
        _plot_model(folder / model, ranking, replace(names, model=model), formats)
    if headline and inconsistency:
        _plot_inconsistency(folder / "inconsistency", evidence, replace(names, model=labels.headline))


def _plot_model(folder: Path, ranking: Sequence[Row], names: Names, formats: Sequence[str]) -> None:
    """Draw the figures of one model."""
    out, warning = folder / "figures", _warning(ranking)
    probabilities = read_table(folder / "rank_probabilities.csv")
    figures = {
        "forest": draw_forest(read_table(folder / "relative_effects.csv"), ranking, names, warning),
        "rankogram": draw_rankogram(probabilities, ranking, names, warning),
        "cumulative_ranks": draw_cumulative_ranks(probabilities, ranking, names, warning),
        "leverage": draw_leverage(read_table(folder / "data_points.csv"), names, warning),
    }
    parameters = read_table(folder / "heterogeneity.csv")
    if parameters:
        densities = read_table(folder / "densities.csv")
        figures["heterogeneity"] = draw_heterogeneity(densities, parameters, names, warning)
    for name, figure in figures.items():
        save(figure, out / name, formats)


def _plot_inconsistency(folder: Path, evidence: Sequence[Row], names: Names) -> None:
    rows, statistics = read_table(folder / "node_splits.csv"), read_table(folder / "fit_statistics.csv")
    splits = splits_of(rows, used_arms(evidence))
    save(draw_splits(splits, names, _warning(rows)), folder / "figures" / "node_splits")
    pair = [row for row in statistics if row["model"] in (CONSISTENCY, UNRELATED)]
    assessable = any(not split.reason for split in splits)
    figure = draw_deviances(read_table(folder / "data_points.csv"), names, assessable, _warning(pair))
    save(figure, folder / "figures" / "dev_dev")


def _warning(rows: Sequence[Row]) -> str:
    return "" if all(is_true(row, "converged") for row in rows) else NOT_CONVERGED


def plot_analysis(
    folder: Path,
    labels: Labels,
    analysis: str,
    absolute: Sequence[str] = (),
    pairs: Sequence[tuple[str, str]] = (),
    behind: Mapping[str, str] | None = None,
    formats: Sequence[str] = PAPER,
) -> None:
    """Draw the figures of an analysis over its outcomes, for the headline model, into summary/.

    Parameters
    ----------
    folder : path
        results/<analysis>
    absolute : sequence
        Outcomes with a declared baseline.
    pairs : sequence
        Outcomes to be drawn against each other: across and upwards.
    behind : mapping, optional
        studies_behind.csv, by outcome whose contributions are traced.
    formats : sequence
        Of the files.
    """
    names, out = Names(labels, analysis, model=labels.headline, direct=read_direct(behind or {})), folder / "summary"
    ranking = read_table(out / "ranking.csv")
    warning = _warning([row for row in ranking if row["model"] == names.model])
    save(draw_sucra(ranking, names, warning), out / "sucra", formats)

    def of(outcome: str, table: str) -> list[dict[str, str]]:
        return read_table(folder / outcome / names.model / f"{table}.csv")

    for outcome in absolute:
        rows, its_ranking = of(outcome, "absolute_effects"), of(outcome, "ranking")
        observed = read_table(folder / outcome / "network" / "observed.csv")
        figure = draw_absolute(rows, its_ranking, replace(names, outcome=outcome), _warning(rows), observed)
        save(figure, out / f"absolute_{outcome}", formats)
    for across, upwards in pairs:
        relative = of(across, "relative_effects"), of(upwards, "relative_effects")
        rankings = of(across, "ranking"), of(upwards, "ranking")
        both = replace(names, outcome=across), replace(names, outcome=upwards)
        figure = draw_pair(relative, rankings, both, _warning([*rankings[0], *rankings[1]]))
        save(figure, out / f"pair_{across}_{upwards}", formats)


def plot_populations(
    results: Path,
    evidence: Path,
    labels: Labels,
    populations: Mapping[str, PopulationSettings],
    formats: Sequence[str] = PAPER,
) -> None:
    """Draw the patients of the studies of every analysis.

    Parameters
    ----------
    results, evidence : path
        The folder of the results, and that of the global evidence tables.
    labels : Labels
        Those of the analyses are enough.
    populations : mapping
        By analysis, from `secondline.jobs.report_settings.population_settings`.
    formats : sequence
        Of the files.
    """
    characteristics, differences = (read_table(evidence / f"{table}.csv") for table in POPULATION_TABLES)
    for analysis, settings in populations.items():
        figure = draw_populations(characteristics, differences, settings, Names(labels, analysis))
        save(figure, results / analysis / "summary" / "populations", formats)
