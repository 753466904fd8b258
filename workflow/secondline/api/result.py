"""What a fit gives: the tables of the pipeline, as data frames."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from secondline.api.contributing import Contributing
from secondline.api.fitted_network import Row, table
from secondline.api.under_doubt import UnderDoubt
from secondline.cell_values import OVERALL
from secondline.network.arms import Arm, rows_with, used_arms
from secondline.summaries import coefficients, heterogeneity, ranking, relative_effects
from secondline.summaries.league_table import league_table
from secondline.summaries.posterior import Posterior, posterior_of
from secondline.tables import read_back

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from xarray import DataTree

_SUMMARY = ("parameter", "mean", "sd", "median", "lower", "upper", "prior")


class Result(UnderDoubt, Contributing):
    """A fitted network. Every verb gives the rows of a table of the pipeline, as a pandas data frame.

    Attributes
    ----------
    network : Network
    model : Model
    priors : Priors
    engine : {"exact", "nuts"}
    converged : bool
        Whether the draws can be relied on; always true of the exact engine, which refuses otherwise.
    """

    def __repr__(self) -> str:
        """Say what was fitted to what, and whether it can be relied on."""
        converged = "converged" if self.converged else "NOT CONVERGED"
        return f"<Result: {self.model}; {self.network!r}; engine {self.engine}, {converged}>"

    @cached_property
    def _posterior(self) -> Posterior:
        return posterior_of(self._fitted)

    @cached_property
    def _arms(self) -> list[Arm]:
        return used_arms(rows_with(self._evidence, self.model.needs))

    @cached_property
    def _relative(self) -> dict[tuple[str, float, bool], list[dict[str, Any]]]:
        return {}

    def relative_effects(self, better: str | None = None, margin: float | None = None) -> pd.DataFrame:
        """Give the effect of every treatment against every other, in every setting.

        Parameters
        ----------
        better : {"lower", "higher"}, optional
            Direction of the outcome; a network of a configuration knows its own. Without it there is no column
            ``p_better``.
        margin : float, optional
            The clinically relevant effect, on the scale of the estimates and on the better side of no effect; that of a
            configuration goes with its own direction. Without it, or without ``better``, there is no column
            ``p_margin``.

        Returns
        -------
        pandas.DataFrame
            Columns of relative_effects.csv: effects on the link scale (mean, sd, median, lower, upper, predictive
            limits), estimates on the natural scale, the evidence behind each and how far its prior carries it.
        """
        direction, limit = better or self.network.better, margin
        if margin is None and direction == self.network.better:
            limit = self.network.margin
        self._check_margin(margin, direction)
        rows = self._rows(direction or "lower", limit)
        absent = {"p_better", "p_margin"} if direction is None else {"p_margin"} if limit is None else set()
        return table(rows, [column for column in relative_effects.COLUMNS if column not in absent])

    def ranking(self, better: str | None = None) -> pd.DataFrame:
        """Rank the treatments in every setting: SUCRA, ranks, P(best), each with the evidence behind it.

        Parameters
        ----------
        better : {"lower", "higher"}, optional
            Direction of the outcome; a network of a configuration knows its own.

        Returns
        -------
        pandas.DataFrame
            Columns of ranking.csv.
        """
        return table(self._ranked(better)[0], ranking.COLUMNS)

    def rank_probabilities(self, better: str | None = None) -> pd.DataFrame:
        """Give the probability of every rank of every treatment; columns of rank_probabilities.csv."""
        return table(self._ranked(better)[1], ranking.PROBABILITY_COLUMNS)

    def league_table(self) -> pd.DataFrame:
        """Arrange all estimates in a square, rounded for a paper: row treatment against column treatment."""
        rows, columns = league_table(self._rows(self.network.better or "lower", self.network.margin))
        return table(rows, columns)

    def heterogeneity(self) -> pd.DataFrame:
        """Summarise tau and omega beside their priors; no rows for a model without. Columns of heterogeneity.csv."""
        return table(heterogeneity.summarise_heterogeneity(self._posterior), heterogeneity.COLUMNS)

    def coefficients(self) -> pd.DataFrame:
        """Summarise the coefficients of the linear predictor, link scale. Columns of coefficients.csv."""
        return table(coefficients.coefficient_rows(self._posterior), coefficients.COLUMNS)

    def diagnostics(self) -> pd.DataFrame:
        """Give R-hat, effective sample sizes and errors of the chains; no rows for the exact engine, which has none."""
        from secondline.inference.diagnostics import DIAGNOSTIC_COLUMNS

        return table(self._fitted.attempt.diagnostics, DIAGNOSTIC_COLUMNS)

    def summary(self) -> pd.DataFrame:
        """Give every parameter of the model beside its prior, and the checks of its chains where there are any."""
        rows: list[Row] = [
            *coefficients.coefficient_rows(self._posterior),
            *heterogeneity.summarise_heterogeneity(self._posterior),
        ]
        checks = {row["parameter"]: row for row in self._fitted.attempt.diagnostics}
        known = [{**row, **checks.get(row["parameter"], {}), "converged": self.converged} for row in rows]
        return table(known, (*_SUMMARY, *(("r_hat", "ess_bulk") if checks else ()), "converged"))

    def to_datatree(self) -> "DataTree":
        """Give all draws as an xarray tree, as posterior.nc holds them and ArviZ reads them."""
        from secondline.inference.fit import assess
        from secondline.inference.posterior_tree import posterior_tree

        names = {"analysis": "", "outcome": self.network.name, "model": str(self.model)}
        return posterior_tree(self._fitted, assess(self._fitted)[0].log_likelihood, names)

    def plot_forest(self, better: str | None = None) -> "Figure":
        """Draw every treatment against the reference, best first, as the pipeline draws it.

        Parameters
        ----------
        better : {"lower", "higher"}, optional
            Direction of the outcome, by which treatments are ordered; a network of a configuration knows its own.
        """
        from secondline.report.figures.forest import draw_forest
        from secondline.report.settings import Labels
        from secondline.report.words import NOT_CONVERGED, Names

        labels = Labels(
            regimens=self.network.labels,
            settings={OVERALL: "Overall", **self.network.labels},
            outcomes={self.network.name: self.network.name},
            measures={self.network.name: self.measure},
            better={self.network.name: self._direction(better)},
        )
        names = Names(labels, f"{len(self.network.studies)} studies", self.network.name, str(self.model))
        rows = read_back(self._rows(self._direction(better), self.network.margin), relative_effects.COLUMNS)
        ranked = read_back(self._ranked(better)[0], ranking.COLUMNS)
        return draw_forest(rows, ranked, names, "" if self.converged else NOT_CONVERGED)

    def _rows(self, better: str, margin: float | None, predict: bool = True) -> list[dict[str, Any]]:
        """Rows of relative effects; a ranking asks for their labels alone, and needs no predictive intervals."""
        settings, structure = self._settings(better, margin), self.network.structure
        for more in (True, predict):
            if (better, settings.margin, more) in self._relative:
                return self._relative[better, settings.margin, more]
        effects = self._fitted.fit.data.predictor.effects
        rows = relative_effects.relative_effects(self._posterior, self._arms, structure, settings, predict, effects)
        self._relative[better, settings.margin, predict] = rows
        return rows

    def _ranked(self, better: str | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        direction = self._direction(better)
        settings = self._settings(direction, self.network.margin)
        rows = self._rows(direction, self.network.margin, predict=False)
        return ranking.rank_treatments(self._posterior, self._arms, self.network.structure, settings, rows)
