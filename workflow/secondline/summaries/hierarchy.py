"""Who is better than whom, and who has which rank, in a posterior of the effects.

Probabilities of one treatment being better than another, and with them SUCRA and mean ranks, are those of the mixture
of normals; SUCRA is the mean over the others of the probability of being better (Rücker & Schwarzer 2015).
Probabilities of ranks are counted: over the draws, where the posterior consists of these, or over the points of several
scrambled Sobol sequences. The spread over batches of draws, or over the sequences, is the error of what is counted.

References
----------
Salanti G, Ades AE, Ioannidis JPA (2011) Journal of Clinical Epidemiology 64:163 (rank probabilities, SUCRA).
Rücker G, Schwarzer G (2015) BMC Medical Research Methodology 15:58 (SUCRA as a mean of probabilities).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from secondline.inference.joint_posterior import JointPosterior
from secondline.layout import RANK_POINTS_LOG2, RANK_SEQUENCES
from secondline.network.structure import Floats
from secondline.summaries.rank_statistics import ranks

_LIMITS = np.array([0.025, 0.5, 0.975])
_ROUNDING = 1e-12  # of a sum of probabilities
_BATCHES = 100  # of draws in order, whose spread is the Monte Carlo error
_DECIMALS = 12  # to which effects that are the same are the same


@dataclass(frozen=True, kw_only=True)
class Hierarchy:
    """Treatments against each other."""

    means: Floats
    """Posterior means, (treatments,), higher is better."""
    p_better: Floats
    """Probability that the row is better than the column, (treatments, treatments); 1/2 on the diagonal."""
    ranks: Floats
    """Probability of every rank, the best first, (treatments, ranks)."""
    errors: Floats
    """Standard errors of these, (treatments, ranks)."""

    @property
    def mean_rank(self) -> Floats:
        """Posterior mean of every rank, (treatments,)."""
        return len(self.means) + 0.5 - self.p_better.sum(axis=1)

    @property
    def sucra(self) -> Floats:
        """Mean over the others of the probability of being better, (treatments,); 1 for one alone."""
        n = len(self.means)
        return (n - self.mean_rank) / (n - 1) if n > 1 else np.ones(1)


def rank_cells(found: Hierarchy) -> list[dict[str, Any]]:
    """Cells of a ranking table: one dict per treatment.

    Intervals are 95% equal-tailed; medians and limits are ranks that occur.
    """
    n, sucra, mean_rank = len(found.means), found.sucra, found.mean_rank
    below = found.ranks.cumsum(axis=1)
    lower, median, upper = ((below < p - _ROUNDING).sum(axis=1).clip(max=n - 1) + 1 for p in _LIMITS)
    return [
        {
            "sucra": float(sucra[k]),
            "sucra_lower": _sucra_of(int(upper[k]), n),
            "sucra_upper": _sucra_of(int(lower[k]), n),
            "mean_rank": float(mean_rank[k]),
            "median_rank": int(median[k]),
            "rank_lower": int(lower[k]),
            "rank_upper": int(upper[k]),
            "p_best": float(found.ranks[k, 0]),
        }
        for k in range(n)
    ]


def _sucra_of(rank: int, n: int) -> float:
    """SUCRA of a rank that is certain."""
    return (n - rank) / (n - 1) if n > 1 else 1.0


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Treatments compared with each other; any of them can be ranked as if there were no others."""

    means: Floats
    p_better: Floats
    batches: Sequence[Floats]
    """Effects by draw or by point, (draws, treatments), higher is better; all of them count alike."""

    @classmethod
    def of(cls, posterior: JointPosterior, rows: Floats, better: str) -> "Comparison":
        """Compare treatments.

        Parameters
        ----------
        posterior : JointPosterior
        rows : array, (treatments, coefficients)
            Effects against any common comparator.
        better : {"lower", "higher"}
        """
        ahead = rows if better == "higher" else -rows
        means, p_better = posterior.of(ahead).mean(), pairwise(posterior, ahead)
        if posterior.is_drawn:
            batches = np.array_split(posterior.means @ ahead.T, min(len(posterior.means), _BATCHES))
        elif len(rows) > 2:
            batches = [
                posterior.points(ahead, RANK_POINTS_LOG2, seed).round(_DECIMALS) for seed in range(RANK_SEQUENCES)
            ]
        else:
            batches = []
        return cls(means=means, p_better=p_better, batches=batches)

    def among(self, places: Sequence[int]) -> Hierarchy:
        """Rank the treatments at some places, as if there were no others."""
        at = np.asarray(places, np.int64)
        p_better = self.p_better[np.ix_(at, at)]
        probabilities, errors = _counted([batch[:, at] for batch in self.batches]) if len(at) > 2 else _of_two(p_better)
        return Hierarchy(means=self.means[at], p_better=p_better, ranks=probabilities, errors=errors)


def pairwise(posterior: JointPosterior, rows: Floats) -> Floats:
    """Probability that one treatment is better than another, (treatments, treatments), higher effects being better.

    Effects that are the same, as those of a class where omega is 0, count half.

    Parameters
    ----------
    rows : array, (treatments, coefficients)
    """
    n = len(rows)
    result = np.full((n, n), 0.5)
    first, second = np.triu_indices(n, 1)
    for part in posterior.parts(len(first)):
        i, j = first[part], second[part]
        result[i, j] = posterior.of(rows[i] - rows[j]).p_above(np.zeros(len(i)))
        result[j, i] = 1 - result[i, j]
    return result


def _of_two(p_better: Floats) -> tuple[Floats, Floats]:
    """Ranks of one treatment, or of two: that of the better is the first."""
    first = p_better.sum(axis=1, keepdims=True) - 0.5
    found = np.hstack([first, 1 - first]) if len(p_better) == 2 else np.ones((len(p_better), len(p_better)))
    return found, np.zeros_like(found)


def _counted(batches: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Shares of the draws in which every treatment has every rank, and their standard errors, (treatments, ranks)."""
    n = batches[0].shape[1]
    shares = []
    for seed, batch in enumerate(batches):
        cells = np.arange(n) * n + ranks(batch, "higher", seed) - 1
        shares.append(np.bincount(cells.ravel(), minlength=n * n).reshape(n, n) / len(batch))
    weights = np.array([len(batch) for batch in batches]) / sum(map(len, batches))
    errors = np.std(shares, axis=0, ddof=1) / np.sqrt(len(shares)) if len(shares) > 1 else np.zeros((n, n))
    return np.einsum("b,btr->tr", weights, np.array(shares)), np.asarray(errors)
