"""Standardised mean differences: arms of a study on a scale of its own, as contrasts in standard deviations.

The standard deviation is pooled over all arms of the study, and the difference corrected for small samples. Contrasts
with one comparator share it, and the standard deviation, so that they are correlated.

References
----------
Gleser LJ, Olkin I (2009) Stochastically dependent effect sizes, in: Cooper H, Hedges LV, Valentine JC (eds) The
handbook of research synthesis and meta-analysis, 2nd ed, 357-376.
Hedges LV (1981) Journal of Educational Statistics 6:107.
Hedges LV, Olkin I (1985) Statistical methods for meta-analysis, chapter 5.
"""

from collections.abc import Sequence
from math import exp, lgamma, log, sqrt

Arm = tuple[float, float, float]
"""Patients, mean and standard deviation."""


def correction(freedom: float) -> float:
    """Factor that makes a standardised difference unbiased, from the degrees of freedom of its standard deviation.

    Hedges (1981): J(m) = gamma(m / 2) / (sqrt(m / 2) gamma((m - 1) / 2)).
    """
    return exp(lgamma(freedom / 2) - lgamma((freedom - 1) / 2) - log(freedom / 2) / 2)


def standardised_differences(arms: Sequence[Arm]) -> tuple[list[float], list[list[float]]]:
    """Hedges g of every arm against the first, and their covariance.

    With N patients in k arms and g_i of arm i against the first, of n_1 patients, the variance is ``1/n_i + 1/n_1 +
    g_i^2 / f`` and the covariance ``1/n_1 + g_i g_j / f``. The formulas are those of Gleser & Olkin (2009), whose f is
    2 N; here it is 2 (N - k - 1.94), for two arms the 2 (N - 3.94) of Hedges & Olkin (1985).

    Parameters
    ----------
    arms : sequence of Arm
        Two or more, of two patients or more each.

    Returns
    -------
    differences : list of float, (k - 1,)
    covariance : list of lists of float, (k - 1, k - 1)
    """
    freedom = sum(n for n, _, _ in arms) - len(arms)
    pooled = sqrt(sum((n - 1) * sd**2 for n, _, sd in arms) / freedom)
    (first, base, _), *others = arms
    g = [correction(freedom) * (mean - base) / pooled for _, mean, _ in others]
    covariance = [[1 / first + a * b / (2 * (freedom - 1.94)) for b in g] for a in g]
    for k, (n, _, _) in enumerate(others):
        covariance[k][k] += 1 / n
    return g, covariance
