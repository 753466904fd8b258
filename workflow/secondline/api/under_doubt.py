"""The verbs of a result that say how far its answer can be trusted."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from secondline.api.fitted_network import FittedNetwork, table
from secondline.api.model import Model
from secondline.api.network import Network
from secondline.api.sd_priors import checked_priors
from secondline.errors import UserError
from secondline.inference.sampling import use_user_cache
from secondline.network.arms import rows_with
from secondline.sd_prior import SdPrior

if TYPE_CHECKING:
    from secondline.api.specifying import Asked
    from secondline.doubt.bias_fan import Declared
    from secondline.doubt.curve import Curve


class UnderDoubt(FittedNetwork):
    """A fitted network whose figures, choices and studies could have been others."""

    def specifications(
        self,
        better: str | None = None,
        *,
        tau: Sequence[SdPrior | None] = (),
        left_out: bool | str | Sequence[str] = False,
        figures: Mapping[str, Mapping[str, Network]] | None = None,
        models: Mapping[str, Model] | None = None,
        kind: str = "specifications",
        limit: int | None = None,
        cores: int | None = None,
    ) -> pd.DataFrame:
        """Cross the choices that could have been made otherwise, and see who is first in every combination.

        The analysis that was fitted is the first specification, whatever engine fitted it; all of them are solved by
        the exact engine. The curve is kept: another ``kind`` of the same choices costs nothing.

        Parameters
        ----------
        better : {"lower", "higher"}, optional
            Direction of the outcome; a network of a configuration knows its own.
        tau : sequence of priors or None
            Other priors of tau on the link scale; None is a common effect.
        left_out : bool, str or sequence of str
            Studies that are left out, one at a time; True for every one.
        figures : mapping, optional
            Other figures of a study: by its name, networks that have it by the name of the choice. A study that is
            among ``left_out`` too is left out as one of these choices, so that other studies may be left out with it.
        models : mapping, optional
            Other models by name, of the same likelihood and link and with the same priors; a covariate without a centre
            is centred at its mean over all studies of the network.
        kind : {"specifications", "levels", "shares", "flips", "counts"}
            Every specification; who is first how often, by choice; what of the variance every axis explains; the
            smallest sets of choices that change who is first; the numbers of combinations, duplicates and invalid ones.
        limit : int, optional
            Largest number of specifications, by default 100,000, or 500 for counts; beyond it, a sample is drawn.
        cores : int, optional
            Processes for counts, by default one: others start the calling script again, which needs
            ``if __name__ == "__main__":``. For contrasts and means, threads, by default one for every processor.

        Returns
        -------
        pandas.DataFrame
            Columns of specifications.csv.gz, specification_levels.csv, specification_shares.csv,
            specification_flips.csv or specification_counts.csv. Effects are on the link scale.

        Raises
        ------
        UserError
            No choice at all, two axes that choose the same, or a study, network or model that does not go with the
            fit.

        Examples
        --------
        >>> import secondline as sl
        >>> net = sl.Network.from_arms(
        ...     sl.example("parkinsons_arms"), study="study", treatment="treatment", mean="mean", sd="sd", n="n",
        ...     reference="placebo",
        ... )
        >>> fit = sl.fit(net, sl.Model(likelihood="normal"), priors=sl.Priors(tau=sl.half_normal(5)))
        >>> choices = {"tau": [None, sl.half_normal(1)], "left_out": True}
        >>> counts = fit.specifications("lower", **choices, kind="counts")
        >>> counts[["axes", "product", "invalid", "duplicates", "specifications"]].iloc[0].tolist()
        [2, 24, 0, 0, 24]
        >>> flips = fit.specifications("lower", **choices, kind="flips")
        """
        use_user_cache()
        from secondline.api import specifying

        self._check_one_of_each_sd("specifications")
        specifying.check_kind(kind)
        settings = self._settings(self._direction(better), None)
        declared = specifying.Declared(
            network=self.network, model=self.model, priors=self.priors, evidence=self._evidence, summary=settings
        )
        every = self.network.studies if left_out is True else ()
        studies = every if isinstance(left_out, bool) else (left_out,) if isinstance(left_out, str) else left_out
        choices = specifying.Choices(tau=tau, left_out=studies, figures=figures or {}, models=models or {})
        asked = specifying.Asked.of(declared, choices, limit)
        if not self._curves or self._curves[0][0] != asked:
            self._curves[:] = [(asked, asked.curve(cores))]
        return specifying.frame_of(self._curves[0][1], kind)

    @cached_property
    def _curves(self) -> "list[tuple[Asked, Curve]]":
        """The specification curve that was asked for last, if any was."""
        return []

    def thresholds(self, better: str | None = None, margin: float | None = None, joint: bool = False) -> pd.DataFrame:
        """Find by how much one figure of one study must move before a decision changes, heterogeneity estimated anew.

        Parameters
        ----------
        better : {"lower", "higher"}, optional
            Direction of the outcome; a network of a configuration knows its own.
        margin : float, optional
            The clinically relevant effect, on the scale of the estimates; without one there is no margin.
        joint : bool
            Give the smallest biases of all figures together instead.

        Returns
        -------
        pandas.DataFrame
            Columns of thresholds.csv, or of thresholds_joint.csv.

        Raises
        ------
        UserError
            The network has ordered categories, for which thresholds are not found.
        """
        from secondline.doubt import joint as together
        from secondline.doubt import thresholds as single
        from secondline.doubt.threshold_tables import find_thresholds

        self._check_one_of_each_sd("thresholds")
        if self.model.arms.is_ordered:
            problem = "thresholds are not found for ordered categories; allowed: contrasts, means, events, rates"
            raise UserError(problem, "Result.thresholds", key="likelihood", value=str(self.model.arms.name))
        direction, limit = self._direction(better), margin if margin is not None else self.network.margin
        self._check_margin(margin, direction)
        found = find_thresholds(
            self._evidence,
            self._fitted.fit,
            self.model.arms.name,
            self._settings(direction, limit),
            overlaps=self.network.overlaps,
        )
        return table(found.joint, together.COLUMNS) if joint else table(found.single, single.COLUMNS)

    def additivity(self) -> pd.DataFrame:
        """Describe what can contradict the additivity of components; columns of doubt/additivity.csv."""
        from secondline.doubt import additivity

        self._check_one_of_each_sd("additivity")
        fit, posterior = self._fitted.fit, self._fitted.solution.posterior
        likelihood, overlaps = self.model.arms.name, self.network.overlaps
        return table(
            additivity.additivity_rows(self._evidence, fit, likelihood, posterior, overlaps), additivity.COLUMNS
        )

    def bias_fan(
        self,
        toward: str | Sequence[str],
        mean: Sequence[float],
        sd: Sequence[float] = (0.0,),
        studies: Sequence[str] | None = None,
        better: str | None = None,
        tipping: bool = False,
    ) -> pd.DataFrame:
        """Take a bias from the studies, b ~ N(mean, sd^2), and see who is first at every size of it.

        Parameters
        ----------
        toward : str or sequence of str
            Treatments that the bias flatters, where they are compared with others.
        mean, sd : sequence of float
            Sizes of the bias on the link scale: above 0 the treatments appear better than they are.
        studies : sequence of str, optional
            Studies that have it; by default all.
        better : {"lower", "higher"}, optional
            Direction of the outcome; a network of a configuration knows its own.
        tipping : bool
            Give the means of the bias at which the decision changes instead.

        Returns
        -------
        pandas.DataFrame
            Columns of bias_fan.csv, or of bias_tipping.csv.
        """
        from secondline.api.biases import flattered, scheme_of
        from secondline.doubt import bias_fan
        from secondline.doubt import tipping as points

        self._check_one_of_each_sd("bias_fan")
        direction, verb = self._direction(better), "Result.bias_fan"
        arms = flattered(toward, studies, (self.network.treatments, self.network.studies), direction, verb)
        declared = self._declared(direction)
        scheme = scheme_of(self._evidence, arms, (mean, sd), verb)
        if tipping:
            return table(list(points.tipping_rows(declared, scheme)), points.COLUMNS)
        return table(list(bias_fan.fan_rows(declared, scheme)), bias_fan.COLUMNS)

    def prior_fan(self, tau: Sequence[SdPrior | None] = (), better: str | None = None) -> pd.DataFrame:
        """Solve the network under several priors of tau, by the exact engine.

        Parameters
        ----------
        tau : sequence of priors or None
            Beside that of the fit; None is a common effect. By default eleven around it.
        better : {"lower", "higher"}, optional
            Direction of the outcome; a network of a configuration knows its own.

        Returns
        -------
        pandas.DataFrame
            Columns of prior_fan.csv: effects against the reference, SUCRA and tau by prior.

        Examples
        --------
        >>> import secondline as sl
        >>> net = sl.Network.from_arms(
        ...     sl.example("parkinsons_arms"), study="study", treatment="treatment", mean="mean", sd="sd", n="n",
        ...     reference="placebo",
        ... )
        >>> fit = sl.fit(net, sl.Model(likelihood="normal"), priors=sl.Priors(tau=sl.half_normal(5)))
        >>> fan = fit.prior_fan([sl.uniform(5), None], better="lower")
        >>> fan.prior.unique().tolist()
        ['half-normal(5)', 'uniform(0, 5)', 'common effect']
        """
        from secondline.doubt.prior_fan import COLUMNS, prior_fan_rows
        from secondline.doubt.prior_fan_choices import usual_priors

        self._check_one_of_each_sd("prior_fan")
        declared = self._declared(self._direction(better))
        priors = checked_priors(tau, "Result.prior_fan") or usual_priors(self.priors.tau, self.measure)
        return table(list(prior_fan_rows(declared, priors)), COLUMNS)

    def _declared(self, direction: str) -> "Declared":
        """Take the analysis as it was fitted; the margin of a network goes with its own direction alone."""
        from secondline.doubt.bias_fan import Declared

        return Declared(
            evidence=self._evidence,
            fit=self._fitted.fit,
            structure=self.network.structure,
            likelihood=self.model.arms.name,
            settings=self._settings(direction, self.network.margin if direction == self.network.better else None),
            overlaps=self.network.overlaps,
        )

    def next_study(
        self, better: str | None = None, sizes: Sequence[float] = (100, 150, 300), decisive: float = 0.95
    ) -> pd.DataFrame:
        """Compute the expected loss of deciding now, and how much of it a study of any two candidates would avoid.

        Parameters
        ----------
        better : {"lower", "higher"}, optional
            Direction of the outcome; a network of a configuration knows its own.
        sizes : sequence of float
            Events in both arms for ratios of hazards, risks and rates, otherwise patients in each arm.
        decisive : float
            Probability of being better than the next that counts as decisive.

        Returns
        -------
        pandas.DataFrame
            Columns of next_study.csv. The risks of a binary outcome are those observed over all arms.

        Raises
        ------
        UserError
            A size or a probability that cannot be, or a posterior that the exact engine cannot be relied on for.
        """
        from secondline.doubt import next_study as studies
        from secondline.doubt.settings import NextStudySettings

        self._check_one_of_each_sd("next_study")
        settings, rows = self._settings(self._direction(better), None), rows_with(self._evidence, self.model.needs)
        situation = studies.Situation.of(self._fitted, rows, self.model.arms.name, settings)
        asked = NextStudySettings(sizes=tuple(sizes), decisive=decisive)
        return table(studies.next_studies(situation, asked), studies.COLUMNS)
