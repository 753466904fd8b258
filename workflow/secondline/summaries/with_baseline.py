"""A relative effect with the baseline that it is added to, which is independent of it (Dias, NICE DSU TSD5, 2011).

The baseline is two halves of normals, one either side of its median. The sum of a normal and one half of a normal is
skew-normal, whose distribution function is that of the normal and Owen's T.

References
----------
Azzalini A (1985) Scandinavian Journal of Statistics 12:171 (skew-normal distributions).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import ndtr, ndtri, owens_t

from secondline.inference.grid import NormalMixture
from secondline.network.structure import Floats
from secondline.summaries.settings import BaselineSettings

NODES, REACH = 24, 8.0  # of the quadrature over one half of the baseline, and how many standard deviations it covers
_HERMITE = 24  # nodes over a component of the effect
REPEATS, SEED = 8, 20090101  # of every draw of the effects, each with another draw of the baseline
PAIRS_LOG2 = 16  # points at which an exact effect and the baseline are taken together
_STEPS, _PRECISION = 100, 1e-11  # of the search for a quantile; standard deviations within which it is found
_TABLE = 1001  # places at which the distribution function of an effect is tabulated

Natural = Callable[[Floats], Floats]


@dataclass(frozen=True)
class WithBaseline:
    """One relative effect, link scale, with a baseline."""

    effect: NormalMixture
    """A single quantity."""
    baseline: BaselineSettings

    def quantiles(self, probabilities: Floats) -> Floats:
        """Quantiles of baseline plus effect, link scale, by Newton steps within a bracket."""
        medians, sds, below, above = self._parts
        low, high = (medians - 9 * (sds + below)).min(), (medians + 9 * (sds + above)).max()
        widest = np.sqrt(sds**2 + max(below, above) ** 2)
        centre = float(self.effect.weights @ medians)
        spread = float(np.sqrt(self.effect.weights @ ((medians - centre) ** 2 + widest**2)))
        return np.array([self._quantile(float(p), low, high, centre, spread) for p in probabilities])

    def moments(self, natural: Natural) -> tuple[float, float]:
        """Mean and standard deviation of a function of baseline plus effect, by quadrature."""
        effects, weights = self._nodes()
        nodes, of_half = np.polynomial.legendre.leggauss(NODES)
        z = REACH * (nodes + 1) / 2
        of_half = of_half * np.exp(-(z**2) / 2)
        both = np.concatenate([of_half, of_half]) / (2 * of_half.sum())
        steps = np.concatenate([-self.baseline.sd_below * z, self.baseline.sd_above * z])
        values = np.asarray(natural(self.baseline.median + effects[:, None] + steps))
        mean = float(weights @ values @ both)
        return mean, float(np.sqrt(weights @ (values - mean) ** 2 @ both))

    def pairs(self) -> tuple[Floats, Floats]:
        """Linear predictors of treatment and comparator, taken together, for functions of both.

        Draws of an effect are joined with draws of the baseline: its quantiles at equal steps in a random order that is
        always the same. An exact effect and the baseline are those at the points of one Sobol sequence.
        """
        if self._is_drawn:
            drawn = _halves(self.baseline, _shuffled(len(self.effect.means)))
            return drawn + np.tile(self.effect.means[:, 0], REPEATS), drawn
        z = _plane()
        baseline = _halves(self.baseline, z[:, 1])
        return baseline + self._deviates(z[:, 0]), baseline

    @property
    def _is_drawn(self) -> bool:
        return not self.effect.sds.any() and bool(np.ptp(self.effect.means))

    @property
    def _parts(self) -> tuple[Floats, Floats, float, float]:
        """Medians and standard deviations by component, and those of the halves of the baseline."""
        medians = self.baseline.median + self.effect.means[:, 0]
        return medians, np.asarray(self.effect.sds[:, 0]), self.baseline.sd_below, self.baseline.sd_above

    def _nodes(self) -> tuple[Floats, Floats]:
        """Points of the effect and their weights."""
        means, sds = self.effect.means[:, 0], self.effect.sds[:, 0]
        if not sds.any():
            return means, self.effect.weights
        z, weights = np.polynomial.hermite_e.hermegauss(_HERMITE)
        points = means[:, None] + sds[:, None] * z
        return points.ravel(), np.outer(self.effect.weights, weights / weights.sum()).ravel()

    def _deviates(self, z: Floats) -> Floats:
        """Quantiles of the effect at the probabilities of normal deviates z."""
        means, sds = self.effect.means[:, 0], self.effect.sds[:, 0]
        if not sds.any():
            return np.full(len(z), self.effect.mean()[0])
        centre, spread = self.effect.mean()[0], self.effect.sd()[0]
        low, high = (means - 9 * sds).min() - centre, (means + 9 * sds).max() - centre
        x = centre + spread * np.sinh(np.linspace(np.arcsinh(low / spread), np.arcsinh(high / spread), _TABLE))
        at = ndtri(self.effect.cdf_along(x))
        kept = np.flatnonzero(np.isfinite(at))
        kept = kept[np.diff(at[kept], prepend=-np.inf) > 0]
        return np.asarray(PchipInterpolator(at[kept], x[kept])(np.clip(z, at[kept[0]], at[kept[-1]])))

    def _quantile(self, probability: float, low: float, high: float, centre: float, spread: float) -> float:
        x = min(max(centre + float(ndtri(probability)) * spread, low), high)
        for step in range(_STEPS):
            below, density = self._distribution(x)
            gap = below - probability
            low, high = (low, x) if gap > 0 else (x, high)
            newton = x - gap / density if density > 0 else low - 1
            following = newton if low < newton < high and step < _STEPS // 2 else (low + high) / 2
            if abs(following - x) <= _PRECISION * spread:
                return following
            x = following
        return x

    def _distribution(self, x: float) -> tuple[float, float]:
        """P(baseline + effect <= x), and its density."""
        medians, sds, below, above = self._parts
        if not sds.any():
            scale = np.where(x < medians, below, above)
            scale = np.maximum(scale, 1e-9)
            z = (x - medians) / scale
            return self._mean(ndtr(z)), self._mean(np.exp(-0.5 * z**2) / scale) / np.sqrt(2 * np.pi)
        halves = [_skew_normal(x - medians, sds, -below), _skew_normal(x - medians, sds, above)]
        return self._mean(halves[0][0] + halves[1][0]) / 2, self._mean(halves[0][1] + halves[1][1]) / 2

    def _mean(self, values: Floats) -> float:
        return float(self.effect.weights @ values)


def _skew_normal(x: Floats, sds: Floats, half: float) -> tuple[Floats, Floats]:
    """Distribution function and density at x of N(0, sds^2) plus half |z|, z ~ N(0, 1)."""
    sds = np.maximum(sds, 1e-9)
    scale = np.hypot(sds, half)
    z, shape = x / scale, half / sds
    density = 2 / scale * np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) * ndtr(shape * z)
    return ndtr(z) - 2 * owens_t(z, shape), density


def _halves(baseline: BaselineSettings, z: Floats) -> Floats:
    """Quantiles of a baseline at the probabilities of normal deviates z."""
    return np.asarray(baseline.median + z * np.where(z < 0, baseline.sd_below, baseline.sd_above))


@lru_cache(maxsize=1)
def _shuffled(size: int) -> Floats:
    """Shuffle normal deviates at equal steps of probability, (REPEATS * size,)."""
    n = REPEATS * size
    return np.asarray(ndtri((np.random.default_rng(SEED).permutation(n) + 0.5) / n))


@lru_cache(maxsize=1)
def _plane() -> Floats:
    """Pairs of normal deviates, the points of a scrambled Sobol sequence, (2^PAIRS_LOG2, 2)."""
    from scipy.stats import qmc

    return np.asarray(ndtri(qmc.Sobol(2, seed=SEED).random_base2(PAIRS_LOG2)))
