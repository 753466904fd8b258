"""Hat matrices of plain networks: the weight of every comparison that studies make in every effect.

Two are in use. Papakonstantinou et al. (2018) pool each comparison by itself, with the variance of every contrast as it
is, also in studies of several arms, plus tau^2; the pooled comparisons then enter a second stage as if independent.
Davies et al. (2022) take all studies together: the contrasts of a study of several arms have the weights that reduce it
to independent comparisons (Rücker 2012). The rows of both are flows: what enters at the comparator of an effect, 1 in
all, leaves at its treatment.

References
----------
Davies AL, Papakonstantinou T, Nikolakopoulou A, Rücker G, Galla T (2022) Statistics in Medicine 41:2091.
Krahn U, Binder H, König J (2013) BMC Medical Research Methodology 13:35 (two stages).
Papakonstantinou T, Nikolakopoulou A, Rücker G et al. (2018) F1000Research 7:610.
Rücker G (2012) Research Synthesis Methods 3:312.
Rücker G, Schwarzer G (2014) Statistics in Medicine 33:4353 (reduced weights).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from secondline.cell_values import TWO_STAGE
from secondline.inference.generalised_least_squares import GaussianStudy
from secondline.network.structure import Floats

_ZERO = 1e-12
"""Weight, over the largest of a study, at or below which it counts as none."""

Pair = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A contrast of a study between two treatments, in alphabetical order.

    Parameters
    ----------
    effect : float
        Of the second treatment against the first.
    variance : float
        As it is.
    reduced : float
        Weight of the independent comparison that takes its place, without heterogeneity.
    reduced_at_tau : float
        The same with heterogeneity.
    """

    study: str
    pair: Pair
    effect: float
    variance: float
    reduced: float
    reduced_at_tau: float

    def share(self, tau: float) -> float:
        """Weight of the study inside its comparison: the inverse of its adjusted variance plus tau^2."""
        return 1 / (1 / self.reduced + tau**2)


def contrasts_of(studies: Sequence[GaussianStudy], tau: float) -> list[Contrast]:
    """List all contrasts of all studies between different treatments.

    Raises
    ------
    ValueError
        A study whose contrasts have no positive weights as independent comparisons; the message is its name.
    """
    found = []
    for study in studies:
        padded, means = np.pad(study.covariance, ((1, 0), (1, 0))), np.pad(study.y, (1, 0))
        own = np.diag(padded)
        variances = own[:, None] + own - 2 * padded
        apart = tau**2 * (1 - np.eye(len(own)))
        weights, at_tau = reduced_weights(variances), reduced_weights(variances + apart)
        for i, j in combinations(range(len(own)), 2):
            if study.treatments[i] == study.treatments[j]:
                continue
            if min(weights[i, j], at_tau[i, j]) <= _ZERO * weights.max():
                raise ValueError(study.study)
            first, second = sorted((i, j), key=lambda arm: study.treatments[arm])
            found.append(
                Contrast(
                    study=study.study,
                    pair=(study.treatments[first], study.treatments[second]),
                    effect=float(means[second] - means[first]),
                    variance=float(variances[i, j]),
                    reduced=float(weights[i, j]),
                    reduced_at_tau=float(at_tau[i, j]),
                )
            )
    return found


def reduced_weights(variances: Floats) -> Floats:
    """Weights of independent comparisons that give a study's contrasts their variances, (arms, arms).

    With the doubly centred variances -L^+ / 2, the weights are the elements of -L off the diagonal (Rücker 2012).
    """
    n = len(variances)
    centring = np.eye(n) - 1 / n
    weights = -np.linalg.pinv(-centring @ variances @ centring / 2, hermitian=True)
    np.fill_diagonal(weights, 0.0)
    return np.asarray(weights)


def edges_of(contrasts: Sequence[Contrast]) -> list[Pair]:
    """List the comparisons that studies make, in alphabetical order."""
    return sorted({contrast.pair for contrast in contrasts})


def hat_matrix(contrasts: Sequence[Contrast], effects: Sequence[Pair], tau: float, kind: str) -> Floats:
    """Compute the weights of comparisons in effects, (effects, edges).

    Parameters
    ----------
    contrasts : sequence of Contrast
    effects : sequence of (comparator, treatment)
        Of treatments that the comparisons connect.
    tau : float
    kind : str
        `TWO_STAGE` or `AGGREGATE`.
    """
    edges = edges_of(contrasts)
    weights = np.zeros(len(edges))
    for contrast in contrasts:
        of_study = 1 / (contrast.variance + tau**2) if kind == TWO_STAGE else contrast.reduced_at_tau
        weights[edges.index(contrast.pair)] += of_study
    names = sorted({name for pair in edges for name in pair})
    incidence, wanted = (_incidence(pairs, names) for pairs in (edges, effects))
    laplacian = incidence.T * weights @ incidence
    return np.asarray(wanted @ np.linalg.pinv(laplacian, hermitian=True) @ (incidence.T * weights))


def _incidence(pairs: Sequence[Pair], names: Sequence[str]) -> Floats:
    """Pairs as differences of treatments, (pairs, names): the second less the first."""
    return np.array([[float(name == t) - float(name == c) for name in names] for c, t in pairs])
