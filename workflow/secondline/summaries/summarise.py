"""One summary job: every table of one outcome of one analysis, for all its models."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from secondline.inference.reliability import solve
from secondline.network.arms import rows_with, used_arms
from secondline.network.data import network_data
from secondline.network.graph import edges, label_contrasts
from secondline.network.structure import Structure
from secondline.summaries import (
    absolute_effects,
    coefficients,
    conversions,
    heterogeneity,
    mixed_arm_error,
    observed,
    ranking,
    relative_effects,
)
from secondline.summaries.draws import write_draws
from secondline.summaries.frequentist import write_frequentist
from secondline.summaries.league_table import league_table
from secondline.summaries.posterior import Posterior, read_posterior
from secondline.summaries.settings import SummarySettings
from secondline.tables import read_table, write_table

EDGE_COLUMNS = ("treatment", "comparator", "study", "setting", "weight", "n")
LABEL_COLUMNS = ("setting", "treatment", "comparator", "structure", "mixed_direct")


def summarise_models(
    evidence: str, posteriors: Mapping[str, str], settings: SummarySettings, folder: Path, headline: str
) -> None:
    """Write the network tables of an outcome, its frequentist twin, and the summary tables of each of its models.

    Parameters
    ----------
    evidence : path
        The evidence table of the fits.
    posteriors : mapping
        posterior.nc by model.
    settings : SummarySettings
    folder : path
        results/<analysis>/<outcome>
    headline : str
        The model whose draws are written too, and by whose columns contrasts are labelled.
    """
    structure = Structure.of(settings.treatments)
    rows = read_table(evidence)
    everybody = used_arms(rows)
    write_table(folder / "network" / "edges.csv", edges(everybody, structure.settings), EDGE_COLUMNS)
    write_table(folder / "network" / "observed.csv", observed.observed_outcomes(rows, settings), observed.COLUMNS)
    for model, file in posteriors.items():
        posterior = _exact_where_closed(read_posterior(file), rows, structure, settings, model)
        effects = settings.effects[model].centred(posterior.centres)
        out, members = folder / model, rows_with(rows, effects.needs)
        arms = used_arms(members)
        relative = relative_effects.relative_effects(posterior, arms, structure, settings, effects=effects)
        ranked, probabilities = ranking.rank_treatments(posterior, arms, structure, settings, relative)
        league, columns = league_table(relative)
        write_table(out / "relative_effects.csv", relative, relative_effects.COLUMNS)
        write_table(out / "ranking.csv", ranked, ranking.COLUMNS)
        write_table(out / "rank_probabilities.csv", probabilities, ranking.PROBABILITY_COLUMNS)
        write_table(out / "league_table.csv", league, columns)
        write_table(out / "coefficients.csv", coefficients.coefficient_rows(posterior), coefficients.COLUMNS)
        write_table(out / "heterogeneity.csv", heterogeneity.summarise_heterogeneity(posterior), heterogeneity.COLUMNS)
        write_table(out / "densities.csv", heterogeneity.density_rows(posterior), heterogeneity.DENSITY_COLUMNS)
        if model == headline:
            write_frequentist(members, settings, folder / "frequentist", effects)
            labels = label_contrasts(arms, structure, effects)
            write_table(folder / "network" / "labels.csv", labels, LABEL_COLUMNS)
            write_draws(out / "draws.csv.gz", posterior, arms, structure, settings.reference)
        absolute = absolute_effects.absolute_effects(posterior, arms, structure, settings, relative)
        write_table(out / "absolute_effects.csv", absolute, absolute_effects.COLUMNS)
        converted = conversions.conversions(posterior, arms, structure, settings, relative)
        write_table(out / "conversions.csv", converted, conversions.COLUMNS)
        write_table(
            out / "mixtures.csv",
            mixed_arm_error.mixture_errors(members, structure, posterior.mean_effects(), settings, effects),
            mixed_arm_error.COLUMNS,
        )


def _exact_where_closed(
    drawn: Posterior, rows: Sequence[Mapping[str, str]], structure: Structure, settings: SummarySettings, model: str
) -> Posterior:
    """Solve a fit of contrasts or means again, in closed form: its draws are no more than the check of that.

    The means and covariances over the grid take more room in a file than time.
    """
    effects = settings.effects[model].centred(drawn.centres)
    data = network_data(rows, structure, settings.likelihood, effects, settings.overlaps, settings.bias)
    grid = None if len(data.counts.study) else solve(data, drawn.scales).posterior
    return drawn.solved(grid) if grid else drawn
