"""What is asked of every analysis under doubt: which treatments compete where, and what is better."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondline.cell_values import OVERALL
from secondline.inference.task import Fit
from secondline.network.arms import Arm
from secondline.network.graph import estimable, received, setting_reference
from secondline.network.predictor import Predictor
from secondline.network.structure import Floats
from secondline.summaries.settings import ComparisonSettings


@dataclass(frozen=True, kw_only=True)
class Contest:
    """The candidates of one setting.

    Parameters
    ----------
    setting : str
    candidates : tuple of str
        Regimens that were received and are not barred in the setting.
    rows : array, (candidates, coefficients)
        Effect of each candidate against the reference of the network, as a row of coefficients.
    estimable : array of bool, (candidates, candidates)
        Whether the structure of the network allows the difference of two candidates to be estimated at all.
    reference : str
        Treatment with which the candidates are compared in this setting.
    reference_row : array, (coefficients,)
        Its effect against the reference of the network.
    """

    setting: str
    candidates: tuple[str, ...]
    rows: Floats
    estimable: NDArray[np.bool_]
    reference: str
    reference_row: Floats


@dataclass(frozen=True, kw_only=True)
class Question:
    """The contests of a fit, and the direction and size of a difference that matters.

    Parameters
    ----------
    contests : tuple of Contest
        By setting, ``overall`` first.
    sign : float
        1 where higher is better, -1 where lower is.
    margin : float
        Smallest difference that matters, on the link scale, in the favourable direction and so positive.
    """

    contests: tuple[Contest, ...]
    sign: float
    margin: float

    @classmethod
    def of(cls, fit: Fit, arms: Sequence[Arm], settings: ComparisonSettings) -> "Question":
        """Ask what the ranking of a fit asks: the same settings, candidates and direction.

        Parameters
        ----------
        fit : Fit
        arms : sequence of Arm
            Those that enter the fit.
        settings : ComparisonSettings
        """
        return cls.of_predictor(fit.data.predictor, arms, settings)

    @classmethod
    def of_predictor(cls, predictor: Predictor, arms: Sequence[Arm], settings: ComparisonSettings) -> "Question":
        """Ask as `of` what a model of the effects can answer, whatever its data."""
        structure = predictor.structure
        effect_rows = predictor.effect_rows()
        can_be = estimable(arms, predictor)
        contests = []
        for s, setting in enumerate((OVERALL, *structure.settings)):
            barred = settings.not_candidates.get(setting, ())
            names = tuple(name for name in received(arms, structure.regimens) if name not in barred)
            at = [structure.regimens.index(name) for name in names]
            reference = setting_reference(arms, structure, setting, settings.reference)
            contests.append(
                Contest(
                    setting=setting,
                    candidates=names,
                    rows=effect_rows[s, at],
                    estimable=can_be[np.ix_(at, at)],
                    reference=reference,
                    reference_row=effect_rows[s, structure.regimens.index(reference)],
                )
            )
        margin = np.log(settings.margin) if settings.ratio else settings.margin
        sign = 1.0 if settings.better == "higher" else -1.0
        return cls(contests=tuple(contests), sign=sign, margin=abs(float(margin)))

    def contest(self, setting: str) -> Contest:
        """Return the contest of a setting."""
        return next(contest for contest in self.contests if contest.setting == setting)
