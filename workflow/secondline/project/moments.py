"""Means and standard deviations from printed figures, and standardised differences between groups of patients.

References
----------
Austin PC (2009) Statistics in Medicine 28:3083.
Cohen J (1988) Statistical power analysis for the behavioral sciences, 2nd ed.
Hedges LV, Olkin I (1985) Statistical methods for meta-analysis, chapter 5.
Higgins JPT et al. (2024) Cochrane Handbook for Systematic Reviews of Interventions 6.5, sections 6.5.2.8 and 6.5.2.10.
Hozo SP, Djulbegovic B, Hozo I (2005) BMC Medical Research Methodology 5:13.
Wan X, Wang W, Liu J, Tong T (2014) BMC Medical Research Methodology 14:135.
"""

from collections.abc import Sequence
from math import copysign, inf, sqrt
from statistics import NormalDist

Group = tuple[float, float, float | None]
"""Patients, mean and standard deviation; without the last where it is not known."""


def quartile_moments(lower: float, median: float, upper: float, n: int) -> tuple[float, float | None]:
    """Mean and standard deviation of a normal sample from its quartiles and median (Wan 2014, equations 14 and 16).

    One patient alone has no spread.
    """
    return (lower + median + upper) / 3, _spread(upper - lower, (0.75 * n - 0.125) / (n + 0.25))


def range_moments(lower: float, median: float, upper: float, n: int) -> tuple[float, float | None]:
    """Mean (Hozo 2005, equation 5) and standard deviation (Wan 2014, equation 9) from the range and the median.

    One patient alone has no spread.
    """
    return (lower + 2 * median + upper) / 4, _spread(upper - lower, (n - 0.375) / (n + 0.25))


def _spread(width: float, probability: float) -> float | None:
    """Compute the standard deviation of a normal distribution whose two quantiles at p and 1 - p lie so far apart."""
    z = NormalDist().inv_cdf(probability)
    return width / (2 * z) if z > 0 else None


def change_sd(before: float, after: float, correlation: float) -> float:
    """Compute the standard deviation of a change from those before and after (Cochrane Handbook, section 6.5.2.8).

    The variance is ``before^2 + after^2 - 2 r before after``; a correlation of 1 of equal deviations leaves none, which
    is no standard deviation, so that the correlation is below 1.
    """
    return sqrt(before**2 + after**2 - 2 * correlation * before * after)


def combine(groups: Sequence[Group]) -> Group:
    """Patients, mean and standard deviation of groups taken together (Cochrane Handbook, section 6.5.2.10).

    Without the standard deviation of every group there is none of all of them.
    """
    n = sum(size for size, _, _ in groups)
    mean = sum(size * value for size, value, _ in groups) / n
    spreads = [sd for _, _, sd in groups if sd is not None]
    if len(spreads) < len(groups) or n <= 1:
        return n, mean, None
    squares = sum(
        (size - 1) * sd**2 + size * (value - mean) ** 2 for (size, value, _), sd in zip(groups, spreads, strict=True)
    )
    return n, mean, sqrt(squares / (n - 1))


def difference_of_proportions(a: float, b: float) -> float:
    """Standardised difference of two proportions (Austin 2009, equation 2); infinite between 0 and 1."""
    return _ratio(a - b, sqrt((a * (1 - a) + b * (1 - b)) / 2))


def difference_of_means(a: Group, b: Group) -> float | None:
    """Cohen's d, the difference of two means over their pooled standard deviation; none where a spread is unknown."""
    (n_a, mean_a, sd_a), (n_b, mean_b, sd_b) = a, b
    if sd_a is None or sd_b is None or n_a + n_b <= 2:
        return None
    return _ratio(mean_a - mean_b, sqrt(((n_a - 1) * sd_a**2 + (n_b - 1) * sd_b**2) / (n_a + n_b - 2)))


def _ratio(difference: float, spread: float) -> float:
    if spread:
        return difference / spread
    return copysign(inf, difference) if difference else 0.0


def difference_se(difference: float, n_a: float, n_b: float) -> float:
    """Compute the standard error of a standardised difference between independent groups (Hedges and Olkin 1985)."""
    return sqrt((n_a + n_b) / (n_a * n_b) + difference**2 / (2 * (n_a + n_b)))
