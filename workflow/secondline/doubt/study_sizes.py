"""How precise a future study of two arms would be, from its size: the variance of its estimate on the link scale.

Both arms are of one size. Of hazard, risk and rate ratios the size is the number of events in both arms together, and
the variance of the logarithm is 4 / events (Schoenfeld 1981), an approximation for events divided equally between the
arms; for risk ratios it is too large where events are common. Otherwise the size is the number of patients in each arm.

With categories whose probabilities are p_j, cut at c_j on the scale of the linear predictor with density f, a patient
adds the information sum_j (f(c_j) - f(c_j-1))^2 / p_j, which for the logistic density is p (1 - p) of two categories
and (1 - sum_j p_j^3) / 3 of several (Whitehead 1993).

References
----------
Schoenfeld D (1981) Biometrika 68:316-319. Whitehead J (1993) Statistics in Medicine 12:2257-2271.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtri

from secondline.likelihoods import LIKELIHOODS, Distribution, Likelihood
from secondline.links import PROBIT, Link
from secondline.measures import HR, IRR, MD, RR, SMD
from secondline.network.arms import is_contrast
from secondline.network.categories import expected_counts
from secondline.network.figures import arm_counts
from secondline.network.structure import Floats

EVENTS, PATIENTS = "events", "patients per arm"
"""What the size of a study counts."""
_BY_EVENTS = {HR.name, RR.name, IRR.name}
_FEWEST = 0.5  # patients in a category that nobody is in

Row = Mapping[str, str]


def size_unit(measure: str) -> str:
    """Say what the size of a study counts."""
    return EVENTS if measure in _BY_EVENTS else PATIENTS


@dataclass(frozen=True, kw_only=True)
class Precision:
    """What the precision of a future study depends on, beside its size.

    Parameters
    ----------
    measure : str
    sd : float, optional
        Standard deviation of the outcome of a patient, of differences of means.
    information : float, optional
        Information of a patient about the linear predictor, of an outcome by category.
    """

    measure: str
    sd: float | None = None
    information: float | None = None

    @classmethod
    def observed(cls, rows: Sequence[Row], measure: str, likelihood: str) -> "Precision":
        """Take what is needed from the evidence of a fit.

        Parameters
        ----------
        rows : rows
            Those that enter the fit.
        """
        of_arms = LIKELIHOODS[likelihood]
        sd = _pooled_sd(rows) if measure == MD.name else None
        shares = _shares(rows, of_arms)
        information = None if shares is None else information_of(shares, of_arms.link)
        return cls(measure=measure, sd=sd, information=information)

    def variance(self, size: float, risks: tuple[float, float] | None = None) -> float | None:
        """Variance of the estimate of a study; None where what it depends on is not known.

        Parameters
        ----------
        size : float
            See `size_unit`.
        risks : pair of float, optional
            Probability of an event in both arms, of a binary outcome, where it is declared.
        """
        if self.measure in _BY_EVENTS:
            return 4 / size
        if self.measure == SMD.name:
            return 2 / size
        if self.measure == MD.name:
            return None if self.sd is None else 2 * self.sd**2 / size
        if risks:
            return sum(1 / (size * p * (1 - p)) for p in risks)
        return None if self.information is None else 2 / (size * self.information)


def information_of(shares: Floats, link: Link) -> float:
    """Information of a patient about the linear predictor, from the probabilities of the categories.

    Parameters
    ----------
    shares : array, (categories,)
        Above 0; they sum to 1.
    link : Link
        Logit or probit.
    """
    below = np.cumsum(shares)[:-1]
    density = np.exp(-(ndtri(below) ** 2) / 2) / np.sqrt(2 * np.pi) if link is PROBIT else below * (1 - below)
    return float((np.diff(density, prepend=0.0, append=0.0) ** 2 / shares).sum())


def risks_of(baseline: float, effects: tuple[float, float]) -> tuple[float, float]:
    """Probability of an event in both arms, from the log odds of a regimen and the effects against it."""
    return float(expit(baseline + effects[0])), float(expit(baseline + effects[1]))


def _shares(rows: Sequence[Row], likelihood: Likelihood) -> Floats | None:
    """Shares of the patients of all arms by category, of an event and none, or of ordered categories."""
    arms = [row for row in rows if not is_contrast(row)]
    if not arms or likelihood.distribution not in (Distribution.BINOMIAL, Distribution.MULTINOMIAL):
        return None
    counts = expected_counts(np.array([arm_counts(row, likelihood) for row in arms])).sum(axis=0)
    if not likelihood.is_ordered:
        counts = np.array([counts[0], counts[1] - counts[0]])
    counts = np.maximum(counts, _FEWEST)
    return np.asarray(counts / counts.sum())


def _pooled_sd(rows: Sequence[Row]) -> float | None:
    """Pool the standard deviation of a patient's outcome over arms and over contrasts that say how many they had."""
    total, weight = 0.0, 0.0
    for row in rows:
        sizes = [float(row.get(key) or 0) for key in (("n_treatment", "n_comparator") if is_contrast(row) else ("n",))]
        if all(n > 1 for n in sizes):
            n = sum(sizes) - len(sizes)
            total += n * float(row["se"]) ** 2 / sum(1 / size for size in sizes)
            weight += n
    return float(np.sqrt(total / weight)) if weight else None
