"""A bias of some contrasts: what is observed is the effect and the bias of the study, y_i = theta_i + d_i b_i.

The bias b_i ~ N(mean, sd^2) of every study is independent of that of the others; within a study there is one, and the
direction d_i says how it moves each contrast. Of contrasts and means it is integrated out: it takes mean d_i from the
contrasts of study i and adds sd^2 d_i d_i' to their covariance, so that a study loses its weight as sd grows (Turner
2009; Welton 2009). Counts have it in the linear predictor of their arms: mean d_i is an offset, and b_i - mean, where
sd is above 0, a coefficient of the study with the prior N(0, sd^2).

References
----------
Turner RM, Spiegelhalter DJ, Smith GCS, Thompson SG (2009) J R Stat Soc A 172:21 (bias modelling in evidence synthesis).
Welton NJ, Ades AE, Carlin JB, Altman DG, Sterne JAC (2009) J R Stat Soc A 172:119 (bias-adjusted meta-analysis).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from secondline.network.structure import Floats

BiasedContrast = tuple[str, str, str, float]


@dataclass(frozen=True, kw_only=True)
class Bias:
    """A bias of some contrasts, b ~ N(mean, sd^2), one of each study.

    Parameters
    ----------
    contrasts : tuple of (str, str, str, float)
        Study, treatment arm, comparator arm, and the direction: by how much a bias of 1 moves the contrast on the link
        scale.
    mean, sd : float
    """

    contrasts: tuple[BiasedContrast, ...]
    mean: float
    sd: float = 0.0

    def direction(self, study: str, arms: Sequence[str]) -> Floats:
        """By how much a bias of 1 moves the contrasts of a study, (contrasts,); 0 for those that have none.

        Parameters
        ----------
        study : str
        arms : sequence of str
            The comparator of the contrasts, then the treatment arm of each. Contrasts the other way round count too.
        """
        by_ends = {(t, c): value for name, t, c, value in self.contrasts if name == study}
        by_ends |= {(c, t): -value for (t, c), value in by_ends.items()}
        return np.array([by_ends.get((arm, arms[0]), 0.0) for arm in arms[1:]])

    def by_arm(self, study: str, arms: Sequence[str]) -> Floats:
        """By how much a bias of 1 moves the linear predictor of every arm of a study, (arms,), on average by 0.

        Arms that no biased contrast joins to the others are not moved against them.
        """
        moved = dict.fromkeys(arms, 0.0)
        own = [(t, c, value) for name, t, c, value in self.contrasts if name == study and {t, c} <= set(arms)]
        joined = {arm: {arm} for arm in arms}
        for treatment, comparator, value in own:
            if comparator in joined[treatment]:
                continue
            by = moved[comparator] + value - moved[treatment]
            moved |= {arm: moved[arm] + by for arm in joined[treatment]}
            together = joined[treatment] | joined[comparator]
            joined |= dict.fromkeys(together, together)
        values = np.array([moved[arm] for arm in arms])
        return np.asarray(values - values.mean())

    def of(self, studies: Collection[str]) -> "Bias":
        """Return the same bias of some studies alone."""
        return replace(self, contrasts=tuple(each for each in self.contrasts if each[0] in studies))

    @property
    def studies(self) -> tuple[str, ...]:
        """Studies that have it."""
        return tuple(dict.fromkeys(study for study, *_ in self.contrasts))


def joined(parts: Sequence[Bias]) -> Bias | None:
    """Join the parts of one bias, each of other studies; None where there are none."""
    if not parts:
        return None
    return replace(parts[0], contrasts=tuple(each for part in parts for each in part.contrasts))
