"""The verbs of a result that say which studies it rests on."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from secondline.api.fitted_network import FittedNetwork, table
from secondline.errors import UserError


class Contributing(FittedNetwork):
    """A fitted network whose effects rest on studies, and on their priors."""

    def contributions(self, weights: bool = False) -> pd.DataFrame:
        """Give the share of every study, and of the prior, in every effect, averaged over the heterogeneity.

        The variance of an effect given tau is a sum of terms that belong to one study each and to the prior; a share is
        such a term over their sum. Shares of counts are those of the observed information at the mode.

        Parameters
        ----------
        weights : bool
            Give by how much the posterior mean moves if a contrast of a study is larger by 1 instead, link scale.

        Returns
        -------
        pandas.DataFrame
            Columns of contributions.csv or of weights.csv, without the model. The prior is the study ``(prior)``.

        Examples
        --------
        >>> import secondline as sl
        >>> net = sl.Network.from_arms(
        ...     sl.example("parkinsons_arms"), study="study", treatment="treatment", mean="mean", sd="sd", n="n",
        ...     reference="placebo",
        ... )
        >>> fit = sl.fit(net, sl.Model(likelihood="normal"), priors=sl.Priors(tau=sl.half_normal(5)))
        >>> shares = fit.contributions()
        >>> own = shares.query("treatment == 'ropinirole' and comparator == 'placebo'")
        >>> round(float(own["share"].sum()), 9)
        1.0
        """
        from secondline.certainty.contributions import COLUMNS, WEIGHT_COLUMNS, find_contributions

        found = find_contributions(
            self._evidence,
            self._fitted.fit,
            self.model.arms.name,
            str(self.model),
            self._fitted.solution,
            self.network.overlaps,
        )
        if weights:
            return table(found.weights, WEIGHT_COLUMNS[1:])
        return table(found.contributions, COLUMNS[1:])

    def flows(self, effects: bool = False) -> pd.DataFrame:
        """Divide the effects of a plain network among its comparisons and studies, as CINeMA and netmeta do.

        Contrasts are pooled by generalised least squares, with tau by the method of moments: the fit and its priors
        have no part in it.

        Parameters
        ----------
        effects : bool
            Give the effects whose flows these are instead.

        Returns
        -------
        pandas.DataFrame
            Columns of flows.csv or of flow_effects.csv. A network without flows has one row, whose ``method`` says why.
        """
        from secondline.certainty.flow_tables import COLUMNS, EFFECT_COLUMNS, find_flows

        settings = self._settings("lower", None)  # no column depends on the direction
        found = find_flows(
            self._evidence,
            self.network.structure,
            self.model.arms.name,
            settings,
            self.network.overlaps,
            bias=self._fitted.fit.data.bias,
        )
        return table(found.effects, EFFECT_COLUMNS) if effects else table(found.flows, COLUMNS)

    def to_cinema(
        self, file: str | Path, *, risk_of_bias: Mapping[str, int], indirectness: Mapping[str, int]
    ) -> pd.DataFrame:
        """Write a project file of CINeMA: arms and judgements, and the frequentist analysis as CINeMA makes it.

        CINeMA's files hold plain networks of arms, with odds ratios or differences in means: no hazard ratios, no
        contrasts, no mixed arms. The fit and its priors have no part in the numbers.

        Parameters
        ----------
        file : path
            By custom it ends in ``.cnm``.
        risk_of_bias, indirectness : mapping
            Level of concern by study: 1 low, 2 some, 3 high. CINeMA asks for one of every study.

        Returns
        -------
        pandas.DataFrame
            Columns of cinema_rows.csv: every row of the evidence with the names that it has in the file.

        Raises
        ------
        UserError
            CINeMA's file cannot hold the network, or a judgement is none.
        """
        from secondline.certainty.cinema_evidence import COLUMNS, listed_rows
        from secondline.certainty.cinema_project import as_json, cinema_project
        from secondline.certainty.cinema_settings import CinemaSettings
        from secondline.tables import write_text

        for key, levels in (("risk_of_bias", risk_of_bias), ("indirectness", indirectness)):
            self._check_levels(key, levels)
        settings = CinemaSettings(
            outcome=self.network.name,
            likelihood=self.model.arms.name,
            measure=self.measure,
            treatments=self.network.structure.treatments,
            risk_of_bias={study: int(level) for study, level in risk_of_bias.items()},
            indirectness={study: int(level) for study, level in indirectness.items()},
            overlaps=self.network.overlaps,
            bias=self._fitted.fit.data.bias,
        )
        write_text(file, as_json(cinema_project(self._evidence, settings)))
        return table(listed_rows(self._evidence, ""), COLUMNS)

    def _check_levels(self, key: str, levels: Mapping[str, int]) -> None:
        """Refuse levels that CINeMA does not have, and studies that the network does not have."""
        for study, level in levels.items():
            if study not in self.network.studies:
                raise UserError("no study of the network has this name", "to_cinema", key=key, value=study)
            if isinstance(level, bool) or level not in (1, 2, 3):
                problem = "allowed: 1 (low), 2 (some concerns), 3 (high)"
                raise UserError(problem, "to_cinema", key=f"{key}.{study}", value=level)
