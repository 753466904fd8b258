"""From printed figures to log hazard ratios and standard errors.

Every function is pure and works on the log scale; effects are of treatment against comparator, so that a
negative log hazard ratio favours the treatment.

References
----------
Parmar MKB, Torri V, Stewart L (1998) Statistics in Medicine 17:2815.
Tierney JF, Stewart LA, Ghersi D, Burdett S, Sydes MR (2007) Trials 8:16.
"""

from math import hypot, log, sqrt

from secondline.normal_deviate import two_sided_z


def interval_se(lower: float, upper: float, level: float = 0.95) -> float:
    """Compute the standard error on the log scale of an estimate with limits on the natural scale (Parmar 1998).

    Raises
    ------
    ValueError
        The limits are not positive and increasing.
    """
    if not 0 < lower < upper:
        raise ValueError(f"limits must be positive and increasing, not {lower} to {upper}")
    return (log(upper) - log(lower)) / (2 * two_sided_z(1 - level))


def hazard_ratio_interval(hazard_ratio: float, lower: float, upper: float, level: float = 0.95) -> tuple[float, float]:
    """Log hazard ratio and its standard error from a hazard ratio and its confidence limits (Parmar 1998)."""
    return log(hazard_ratio), interval_se(lower, upper, level)


def hazard_ratio_p(hazard_ratio: float, p: float) -> tuple[float, float]:
    """Log hazard ratio and its standard error from a hazard ratio and its two-sided p (Parmar 1998).

    Raises
    ------
    ValueError
        p is 1, or the hazard ratio is 1: the standard error is not identified.
    """
    z = two_sided_z(p)
    if z == 0 or hazard_ratio == 1:
        raise ValueError("a hazard ratio of 1 or a p of 1 gives no standard error")
    return log(hazard_ratio), abs(log(hazard_ratio)) / z


def log_rank_p(
    p: float, events: float, n_treatment: int, n_comparator: int, favours_treatment: bool
) -> tuple[float, float]:
    """Log hazard ratio and its standard error from a log-rank p (Parmar 1998; Tierney 2007).

    ``events`` is the total over both arms; V = D n1 n2 / (n1 + n2)^2 is the variance of the log-rank statistic.
    """
    variance = events * n_treatment * n_comparator / (n_treatment + n_comparator) ** 2
    size = two_sided_z(p) / sqrt(variance)
    return (-size if favours_treatment else size), 1 / sqrt(variance)


def median_ratio(median_treatment: float, median_comparator: float) -> float:
    """Log hazard ratio from two medians, with exponential survival in both arms: ln(m_c / m_t)."""
    return log(median_comparator / median_treatment)


def sum_se(*standard_errors: float) -> float:
    """Compute the standard error of a sum or difference of independent estimates."""
    return hypot(*standard_errors)


def events_se(events: float) -> float:
    """Compute the standard error of a log median survival under exponential survival: 1 / sqrt(d)."""
    return 1 / sqrt(events)


def medians_interval(
    median_treatment: float,
    median_comparator: float,
    lower_treatment: float,
    upper_treatment: float,
    lower_comparator: float,
    upper_comparator: float,
    level_treatment: float = 0.95,
    level_comparator: float = 0.95,
) -> tuple[float, float]:
    """Log hazard ratio and its standard error from two medians and their confidence limits (Parmar 1998)."""
    errors = (
        interval_se(lower_treatment, upper_treatment, level_treatment),
        interval_se(lower_comparator, upper_comparator, level_comparator),
    )
    return median_ratio(median_treatment, median_comparator), sum_se(*errors)


def medians_events(
    median_treatment: float, median_comparator: float, events_treatment: float, events_comparator: float
) -> tuple[float, float]:
    """Log hazard ratio and its standard error from two medians and the events behind them (Parmar 1998)."""
    errors = events_se(events_treatment), events_se(events_comparator)
    return median_ratio(median_treatment, median_comparator), sum_se(*errors)
