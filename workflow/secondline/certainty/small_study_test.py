"""Do smaller studies find larger effects? A regression of effects on their standard errors, within comparisons.

Egger et al. (1997) regress effects on their standard errors, weighted by the inverse of the variances, with a residual
variance that is estimated. In a network every comparison has an effect of its own, so that effects are first centred on
the mean of their comparison (Chaimani & Salanti 2012, Chaimani et al. 2013). That leaves two regressions. As published,
the centred effects are regressed on the standard errors as if the means were known. With a mean of its own for every
comparison, which takes a degree of freedom each, standard errors are compared within comparisons as well. Where
comparisons differ in the sizes of their studies the published test draws the slope towards 0 and hardly ever rejects,
as the tests show; the one with own means keeps its level.

References
----------
Chaimani A, Salanti G (2012) Research Synthesis Methods 3:161.
Chaimani A, Higgins JPT, Mavridis D, Spyridonos P, Salanti G (2013) PLoS ONE 8:e76654.
Egger M, Davey Smith G, Schneider M, Minder C (1997) BMJ 315:629.
Sterne JAC, Sutton AJ, Ioannidis JPA et al. (2011) BMJ 343:d4002 (at least ten studies).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from secondline.network.structure import Floats

_SAME = 1e-9
"""Spread of standard errors, over their size, below which they count as the same."""


@dataclass(frozen=True, kw_only=True)
class Slope:
    """By how much an effect is larger if its standard error is larger by 1, with the t-test of no slope.

    Parameters
    ----------
    slope, se, lower, upper : float
        The limits are those of the 95% confidence interval.
    t, p_value : float
    df : int
    intercept : float or None
        Effect at a standard error of 0; None where every group has its own.
    """

    slope: float
    se: float
    lower: float
    upper: float
    t: float
    df: int
    p_value: float
    intercept: float | None


def regress(effects: Floats, se: Floats, groups: Sequence[object]) -> Slope | None:
    """Regress effects on their standard errors with a mean for every group, weighted by the inverse of the variances.

    Parameters
    ----------
    effects, se : array, (n,)
    groups : sequence, (n,)
        Effects of one group have the same mean.

    Returns
    -------
    Slope or None
        None where standard errors do not differ within groups, or no degree of freedom is left.
    """
    names = list(dict.fromkeys(groups))
    member = np.array([[float(group == name) for name in names] for group in groups])
    weights, df = se**-2, len(se) - len(names) - 1
    x, y = (_centred(values, weights, member) for values in (se, effects))
    information = float(weights @ x**2)
    if df < 1 or information <= _SAME**2 * float(weights @ se**2):
        return None
    slope = float(weights @ (x * y)) / information
    error = float(np.sqrt(weights @ (y - slope * x) ** 2 / df / information))
    reach = float(stdtrit(df, 0.975)) * error
    t = slope / error if error > 0 else float(np.copysign(np.inf, slope))
    return Slope(
        slope=slope,
        se=error,
        lower=slope - reach,
        upper=slope + reach,
        t=t,
        df=df,
        p_value=2 * float(stdtr(df, -abs(t))),
        intercept=float(weights @ (effects - slope * se) / weights.sum()) if len(names) == 1 else None,
    )


def _centred(values: Floats, weights: Floats, member: Floats) -> Floats:
    """Values less the weighted mean of their group."""
    means = (member.T @ (weights * values)) / (member.T @ weights)
    return np.asarray(values - member @ means)
