"""What a study that nobody has done yet would do to a decision: its preposterior distribution.

Given tau and omega the coefficients are normal, and so is the estimate y of a future study of two arms:
y ~ N(x'b, v + tau^2). What is known is a mixture over the grid of (tau, omega); observing y changes the weights of the
grid, by the predictive density of y at each of its points, and the mean at each of them, which moves along C x. The
candidate with the best posterior mean is therefore a function of the one number y, and so is whether it is better than
the next with a large probability. The values of y at which either changes are found by bisection, and between them
every probability and every expected value is a sum of normal distribution functions: no future study is simulated.
With a single grid point this is the maximum of linear functions of one normal deviate, as in Frazier (2009).

References
----------
Raiffa H, Schlaifer R (1961) Applied Statistical Decision Theory (preposterior analysis).
Ades AE, Lu G, Claxton K (2004) Medical Decision Making 24:207-227 (expected value of sample information).
Frazier P, Powell W, Dayanik S (2009) INFORMS Journal on Computing 21:599-613 (correlated normal beliefs).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from secondline.doubt.decision import quasi_normals
from secondline.inference.exact import GridPosterior
from secondline.network.structure import Floats

_NEGLIGIBLE = 1e-9  # weight of a grid point, of the largest
_NODES = 601  # values of y between which changes are looked for
_REACH = 8.0  # standard deviations of the predictive distribution that they cover
_BISECTIONS = 30
_DRAWS_LOG2 = 15  # Sobol points for the best of three or more candidates
_SQRT_2PI = np.sqrt(2 * np.pi)


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """What is known of the coefficients, as a mixture of normals over the grid of tau and omega.

    Parameters
    ----------
    weights, tau : array, (points,)
    means : array, (points, coefficients)
    covariances : array, (points, coefficients, coefficients)
    """

    weights: Floats
    tau: Floats
    means: Floats
    covariances: Floats

    @classmethod
    def of(cls, posterior: GridPosterior) -> "Knowledge":
        """Match mean and covariance at every grid point: exact for Gaussian networks, an approximation for counts."""
        parts = posterior.component_weights()
        weights = parts.sum(axis=(0, 2))
        kept = np.flatnonzero(weights > _NEGLIGIBLE * weights.max())
        weights, parts, draws = weights[kept], parts[:, kept] / weights[kept, None], posterior.means[:, kept]
        means = np.einsum("rgj,rgjc->gc", parts, draws)
        centred = draws - means[None, :, None]
        between = np.einsum("rgj,rgjc,rgjd->gcd", parts, centred, centred, optimize=True)
        within = np.einsum("gkc,gkd->gcd", posterior.roots[kept], posterior.roots[kept])
        return cls(
            weights=weights / weights.sum(), tau=posterior.tau_points[kept], means=means, covariances=between + within
        )

    def about(self, rows: Floats) -> "Beliefs":
        """Say what is known of the utilities of candidates: the larger the better.

        Parameters
        ----------
        rows : array, (candidates, coefficients)
        """
        return Beliefs(weights=self.weights, means=self.means @ rows.T, covariances=rows @ self.covariances @ rows.T)

    def study(self, beliefs: "Beliefs", rows: Floats, contrast: Floats, variance: float) -> "FutureStudy":
        """Foresee a study that compares two treatments.

        Parameters
        ----------
        beliefs : Beliefs
            About ``rows``.
        rows : array, (candidates, coefficients)
        contrast : array, (coefficients,)
            What the study estimates.
        variance : float
            Of its estimate, without the heterogeneity, to which it is as much subject as any other study.
        """
        along = self.covariances @ contrast
        spread = np.sqrt(along @ contrast + variance + self.tau**2)
        return FutureStudy(
            beliefs=beliefs, centre=self.means @ contrast, spread=spread, moves=along @ rows.T / spread[:, None]
        )


@dataclass(frozen=True, kw_only=True)
class Beliefs:
    """A mixture of normals for the utilities of the candidates.

    Parameters
    ----------
    weights : array, (points,)
    means : array, (points, candidates)
    covariances : array, (points, candidates, candidates)
    """

    weights: Floats
    means: Floats
    covariances: Floats

    @property
    def order(self) -> list[int]:
        """Candidates by posterior mean, the best first."""
        return list(np.argsort(-(self.weights @ self.means), kind="stable"))

    def p_better(self, first: int, second: int) -> float:
        """Probability that one candidate is better than another; 1/2 for two that the model cannot tell apart."""
        mean, sd = self.means[:, first] - self.means[:, second], np.sqrt(self.variance(first, second))
        return float(self.weights @ above(mean, sd))

    def variance(self, first: int, second: int) -> Floats:
        """Variance of the difference of two candidates, (points,)."""
        c = self.covariances
        return np.maximum(c[:, first, first] + c[:, second, second] - 2 * c[:, first, second], 0.0)

    def expected_loss(self) -> float:
        """Compute the expected loss of choosing by posterior mean: by how much the best is expected to be better.

        Two candidates: E max(d, 0) of their difference d, exactly; more: quasi-Monte Carlo.
        """
        first, second = self.order[:2]
        if len(self.order) == 2:
            gain = self.means[:, second] - self.means[:, first]
            return float(self.weights @ expected_excess(gain, np.sqrt(self.variance(first, second))))
        values, vectors = np.linalg.eigh(self.covariances)
        roots = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
        picks, z = quasi_normals(self.weights, len(self.order), _DRAWS_LOG2)
        utilities = self.means[picks] + np.einsum("nk,nck->nc", z, roots[picks])
        return float((utilities.max(axis=1) - utilities[:, first]).mean())


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """What a future study is expected to do.

    Parameters
    ----------
    p_change : float
        Probability that another candidate then has the best posterior mean.
    loss_avoided : float
        By how much the expected loss falls: the expected value of sample information.
    p_decisive : float
        Probability that the candidate that then has the best posterior mean is better than the next with the
        probability asked for.
    """

    p_change: float
    loss_avoided: float
    p_decisive: float


@dataclass(frozen=True, kw_only=True)
class FutureStudy:
    """The estimate y of a future study, and how it moves the beliefs.

    Parameters
    ----------
    beliefs : Beliefs
    centre, spread : array, (points,)
        Mean and standard deviation of y at every grid point.
    moves : array, (points, candidates)
        By how much the mean utilities move where y is one standard deviation above its mean.
    """

    beliefs: Beliefs
    centre: Floats
    spread: Floats
    moves: Floats

    def foresee(self, decisive: float) -> Foreseen:
        """Find what the study is expected to do.

        Parameters
        ----------
        decisive : float
            Probability of being better than the next that counts as decisive.
        """
        now = self.beliefs.order[0]
        ends, first, is_decisive = self._pieces(decisive)
        z = (ends - self.centre[:, None]) / self.spread[:, None]
        mass = np.diff(ndtr(z), axis=1)
        slope = -np.diff(_density(z), axis=1)
        gain = self.beliefs.means[:, first] - self.beliefs.means[:, [now]]
        moved = self.moves[:, first] - self.moves[:, [now]]
        weights = self.beliefs.weights
        by_piece = weights @ mass
        return Foreseen(
            p_change=float(by_piece[first != now].sum()),
            loss_avoided=float((weights @ (gain * mass + moved * slope)).sum()),
            p_decisive=float(by_piece[is_decisive].sum()),
        )

    def _pieces(self, decisive: float) -> tuple[Floats, NDArray[np.int64], NDArray[np.bool_]]:
        """Cut the line of y where the decision changes: ends, (pieces + 1,), best candidate, and whether decisive."""
        nodes = self._nodes()
        first, sure = self._state(nodes, decisive)
        changes = np.flatnonzero((np.diff(first) != 0) | (np.diff(sure.astype(int)) != 0))
        low, high = nodes[changes], nodes[changes + 1]
        for _ in range(_BISECTIONS if len(changes) else 0):
            middle = (low + high) / 2
            at = self._state(middle, decisive)
            same = (at[0] == first[changes]) & (at[1] == sure[changes])
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        ends = np.concatenate([[-np.inf], (low + high) / 2, [np.inf]])
        pieces = np.concatenate([changes, [len(nodes) - 1]])
        return ends, first[pieces], sure[pieces]

    def _nodes(self) -> Floats:
        """Values of y, dense where the narrowest components of its distribution are, and as far as the widest reach."""
        middle, unit = float(self.beliefs.weights @ self.centre), float(self.spread.min())
        reach = np.arcsinh((np.abs(self.centre - middle) + _REACH * self.spread).max() / unit)
        return np.asarray(middle + unit * np.sinh(np.linspace(-reach, reach, _NODES)))

    def _state(self, y: Floats, decisive: float) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Best candidate after y, and whether it is better than the next with the probability asked for, (y,) each."""
        z = (y[:, None] - self.centre) / self.spread
        log_weights = np.log(self.beliefs.weights / self.spread) - z**2 / 2
        weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        order = np.argsort(-(weights @ self.beliefs.means + (weights * z) @ self.moves), axis=1, kind="stable")
        p_better = np.empty(len(y))
        for first, second in np.unique(order[:, :2], axis=0):
            at = (order[:, 0] == first) & (order[:, 1] == second)
            p_better[at] = self._p_better(first, second, z[at], weights[at])
        return order[:, 0], p_better > decisive

    def _p_better(self, first: int, second: int, z: Floats, weights: Floats) -> Floats:
        """Probability that one candidate is better than another after the study, (y,)."""
        moved = self.moves[:, first] - self.moves[:, second]
        mean = self.beliefs.means[:, first] - self.beliefs.means[:, second] + moved * z
        left = np.maximum(self.beliefs.variance(first, second) - moved**2, 0.0)
        return np.asarray((weights * above(mean, np.sqrt(left))).sum(axis=1))


def above(mean: Floats, sd: Floats) -> Floats:
    """Probability that normals are above 0; 1/2 where one is 0 for certain."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sd > 0, ndtr(mean / sd), np.where(mean == 0, 0.5, (mean > 0).astype(float)))


def expected_excess(mean: Floats, sd: Floats) -> Floats:
    """Compute the expected value of max(x, 0) of normals x: s phi(m / s) + m Phi(m / s)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = mean / sd
        return np.where(sd > 0, sd * _density(z) + mean * ndtr(z), np.maximum(mean, 0.0))


def _density(z: Floats) -> Floats:
    return np.asarray(np.exp(-(z**2) / 2) / _SQRT_2PI)
