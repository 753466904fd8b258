"""What an analysis decides: who is first among the candidates of every setting, and by how much.

SUCRA, posterior means and probabilities of one treatment being better than another come from the exact posterior, a
mixture of normals: SUCRA is the mean over the others of the probability of being better (Rücker & Schwarzer 2015).
P(best) takes draws where three or more candidates compete; they are the points of one scrambled Sobol sequence, so that
two posteriors that differ little have probabilities that differ little.

References
----------
Rücker G, Schwarzer G (2015) BMC Medical Research Methodology 15:58 (SUCRA as a mean of probabilities).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secondline.cell_values import DISAGREE, NO_CANDIDATE, NOT_PLACED, ONE_CANDIDATE, PRIOR_DRIVEN, TOO_CLOSE
from secondline.doubt.question import Contest, Question
from secondline.inference.exact import GridPosterior
from secondline.inference.widening import PRIOR_DRIVEN as WIDENING
from secondline.inference.widening import Covariances
from secondline.network.graph import groups
from secondline.network.structure import Floats
from secondline.summaries import hierarchy
from secondline.thresholds import LEAST_P_BETTER

DRAWS_LOG2 = 13  # Sobol points for P(best)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The ranking of one setting.

    Parameters
    ----------
    setting : str
    placed : tuple of str
        Candidates linked by effects that are not prior-driven; empty where no group holds more than half of them.
    means : array, (placed,)
        Posterior mean against the reference of the network, link scale.
    sucra, p_best : array, (placed,)
        Among the candidates placed.
    p_better : array, (placed, placed)
        Probability that the row is better than the column; 1/2 on the diagonal.
    not_named : str
        Why nobody may be named first; empty where ``first`` may be.
    """

    setting: str
    placed: tuple[str, ...]
    means: Floats
    sucra: Floats
    p_best: Floats
    p_better: Floats
    not_named: str

    @property
    def order(self) -> list[int]:
        """Places of the candidates by SUCRA, the first one first."""
        return list(np.argsort(-self.sucra, kind="stable"))

    @property
    def first(self) -> str:
        """Candidate with the highest SUCRA; empty without one."""
        return self.placed[self.order[0]] if self.placed else ""

    @property
    def runner_up(self) -> str:
        """Candidate with the second highest SUCRA; empty without one."""
        return self.placed[self.order[1]] if len(self.placed) > 1 else ""

    @property
    def p_first(self) -> float:
        """Probability that the first is better than the runner-up; nan without one."""
        return float(self.p_better[self.order[0], self.order[1]]) if len(self.placed) > 1 else float("nan")


def decide(
    question: Question, posterior: GridPosterior, covariances: Covariances, draws_log2: int = DRAWS_LOG2
) -> list[Decision]:
    """Rank the candidates of every setting by the exact posterior.

    Parameters
    ----------
    covariances : Covariances
        As fitted and with every prior scale doubled; see `secondline.inference.widening.prior_covariances`.
    draws_log2 : int
        Binary logarithm of the number of draws for P(best).
    """
    return [_decide(contest, question.sign, posterior, covariances, draws_log2) for contest in question.contests]


def placed_candidates(contest: Contest, prior_driven: NDArray[np.bool_]) -> list[int]:
    """Places of the candidates that the data link, as `secondline.summaries.candidates` defines it.

    Parameters
    ----------
    prior_driven : array of bool, (candidates, candidates)
    """
    names = contest.candidates
    if len(names) < 2:
        return []
    label = {
        (names[i], names[j]): PRIOR_DRIVEN if prior_driven[i, j] else ""
        for i in range(len(names))
        for j in range(len(names))
    }
    largest = groups(names, label)[0]
    return [names.index(name) for name in largest] if 2 * len(largest) > len(names) else []


def prior_driven_pairs(contest: Contest, covariances: Covariances) -> NDArray[np.bool_]:
    """Whether the difference of two candidates is prior-driven, (candidates, candidates)."""
    result = ~contest.estimable
    first, second = np.triu_indices(len(contest.candidates), 1)
    rows = contest.rows[first] - contest.rows[second]
    differ = rows.any(axis=1)
    if differ.any():
        wide = covariances.widening(rows[differ])[0] > WIDENING
        i, j = first[differ][wide], second[differ][wide]
        result[i, j] = result[j, i] = True
    return np.asarray(result)


def _decide(
    contest: Contest, sign: float, posterior: GridPosterior, covariances: Covariances, draws_log2: int
) -> Decision:
    prior_driven = prior_driven_pairs(contest, covariances)
    at = placed_candidates(contest, prior_driven)
    nothing = np.zeros(0)
    if not at:
        counted = {0: NO_CANDIDATE, 1: ONE_CANDIDATE}.get(len(contest.candidates), NOT_PLACED)
        return Decision(
            setting=contest.setting,
            placed=(),
            means=nothing,
            sucra=nothing,
            p_best=nothing,
            p_better=np.zeros((0, 0)),
            not_named=counted,
        )
    rows = contest.rows[at]
    p_better = pairwise(rows, sign, posterior)
    means = posterior.mixture(rows).mean()
    sucra = (p_better.sum(axis=1) - 0.5) / (len(at) - 1)
    p_best = p_best_of(rows, sign, posterior, draws_log2) if len(at) > 2 else p_better.sum(axis=1) - 0.5
    first, second = np.argsort(-sucra, kind="stable")[:2]
    agreed = {int(first), int(p_best.argmax()), int((sign * means).argmax())}
    return Decision(
        setting=contest.setting,
        placed=tuple(contest.candidates[i] for i in at),
        means=means,
        sucra=sucra,
        p_best=p_best,
        p_better=p_better,
        not_named=why_not_named(bool(prior_driven[at[first], at[second]]), agreed, float(p_better[first, second])),
    )


def why_not_named(prior_driven: bool, firsts: set[int], p_better: float) -> str:
    """Say why the first candidate may not be named; empty where it may be.

    Parameters
    ----------
    prior_driven : bool
        Whether its difference from the runner-up is.
    firsts : set of int
        Who is first by SUCRA, by P(best) and by the posterior mean.
    p_better : float
        Probability that it is better than the runner-up.
    """
    if prior_driven:
        return PRIOR_DRIVEN
    if len(firsts) > 1:
        return DISAGREE
    return TOO_CLOSE if p_better < LEAST_P_BETTER else ""


def pairwise(rows: Floats, sign: float, posterior: GridPosterior) -> Floats:
    """Probability that one treatment is better than another, (treatments, treatments), exact but for the grid.

    Effects that are the same at a point of the grid, as those of a class where omega is 0, count half, as among draws.

    Parameters
    ----------
    rows : array, (treatments, coefficients)
    sign : float
        1 where higher is better, -1 where lower is.
    """
    return hierarchy.pairwise(posterior.joint(), sign * rows)


def p_best_of(rows: Floats, sign: float, posterior: GridPosterior, draws_log2: int = DRAWS_LOG2) -> Floats:
    """Probability that a treatment is the best, (treatments,), ties shared equally.

    Parameters
    ----------
    rows : array, (treatments, coefficients)
    """
    values = sign * quasi_draws(posterior, draws_log2) @ rows.T
    best = values >= values.max(axis=1, keepdims=True)
    return np.asarray((best / best.sum(axis=1, keepdims=True)).mean(axis=0))


def quasi_draws(posterior: GridPosterior, draws_log2: int = DRAWS_LOG2) -> Floats:
    """Draw coefficients, (2^draws_log2, coefficients), by a scrambled Sobol sequence with one seed.

    The first coordinate chooses a component of the mixture, the others a normal deviate by component.
    """
    weights = posterior.component_weights()
    picks, z = quasi_normals(weights.ravel(), posterior.roots.shape[1], draws_log2)
    replicate, point, draw = np.unravel_index(picks, weights.shape)
    noise = np.einsum("nk,nkc->nc", z, posterior.roots[point])
    return np.asarray(posterior.means[replicate, point, draw] + noise)


def quasi_normals(weights: Floats, n: int, draws_log2: int = DRAWS_LOG2) -> tuple[NDArray[np.int64], Floats]:
    """Draw components of a mixture by their weights, (2^draws_log2,), each with n normal deviates, (2^draws_log2, n).

    Parameters
    ----------
    weights : array, (components,)
        Need not sum to 1.
    """
    from scipy.special import ndtri
    from scipy.stats import qmc

    points = qmc.Sobol(1 + n, seed=0).random_base2(draws_log2)
    cumulative = np.cumsum(weights)
    picks = np.minimum(np.searchsorted(cumulative, points[:, 0] * cumulative[-1]), weights.size - 1)
    return picks, ndtri(np.clip(points[:, 1:], 1e-12, 1 - 1e-12))
