"""Priors of standard deviations, tau and omega, as the library calls them."""

from collections.abc import Sequence

from secondline.errors import UserError
from secondline.sd_points import ABSENT, Fixed
from secondline.sd_prior import SdPrior
from secondline.sd_prior_forms import FAMILIES
from secondline.sd_priors import VARIANCE, HalfCauchy, HalfNormal, HalfT, LogNormal, Uniform

SD_PRIORS = ", ".join(f"{one.name}({', '.join(one.kind.keys())})" for one in FAMILIES.values())
"""All of them, for messages."""


def checked_priors(tau: Sequence[SdPrior | None], where: str) -> list[SdPrior]:
    """Check priors of tau, None for a common effect.

    Raises
    ------
    UserError
        What is no prior of a standard deviation.
    """
    for prior in tau:
        if not (prior is None or isinstance(prior, SdPrior)):
            raise UserError(f"allowed: {SD_PRIORS}, or None for a common effect", where, key="tau", value=prior)
    return [ABSENT if prior is None else prior for prior in tau]


def half_normal(scale: float) -> HalfNormal:
    """Give a standard deviation, tau or omega, a half-normal prior.

    Parameters
    ----------
    scale : float
        Standard deviation of the normal whose absolute value it is, on the link scale, above 0.

    Examples
    --------
    >>> import secondline as sl
    >>> print(sl.half_normal(0.5))
    half_normal(0.5)
    """
    return HalfNormal(scale)


def uniform(upper: float) -> Uniform:
    """Give a standard deviation a uniform prior from 0 up.

    Parameters
    ----------
    upper : float
        Its end, on the link scale, above 0.

    Examples
    --------
    >>> import secondline as sl
    >>> print(sl.uniform(5))
    uniform(5)
    """
    return Uniform(upper)


def half_cauchy(scale: float) -> HalfCauchy:
    """Give a standard deviation a half-Cauchy prior.

    Parameters
    ----------
    scale : float
        Its median, on the link scale, above 0.

    Examples
    --------
    >>> import secondline as sl
    >>> print(sl.half_cauchy(0.5))
    half_cauchy(0.5)
    """
    return HalfCauchy(scale)


def half_t(scale: float, df: float) -> HalfT:
    """Give a standard deviation a half-t prior.

    Parameters
    ----------
    scale : float
        On the link scale, above 0.
    df : float
        Degrees of freedom, from 1.

    Examples
    --------
    >>> import secondline as sl
    >>> print(sl.half_t(0.5, df=3))
    half_t(0.5, 3)
    """
    return HalfT(scale, df)


def log_normal(mean: float, sd: float, on: str = VARIANCE, source: str = "") -> LogNormal:
    """Give a standard deviation a log-normal prior, by default of its square, as empirical priors are printed.

    Parameters
    ----------
    mean, sd : float
        Of the logarithm.
    on : {"variance", "sd"}
        What is log-normal.
    source : str, optional
        Where an empirical prior comes from.

    Examples
    --------
    >>> import secondline as sl
    >>> print(sl.log_normal(-2.56, 1.74))
    log_normal(-2.56, 1.74, on=variance)
    """
    return LogNormal(mean, sd, on, source=source)


def fixed(value: float) -> Fixed:
    """Take a standard deviation as known.

    Parameters
    ----------
    value : float
        On the link scale; 0 leaves the parameter out of the model.

    Examples
    --------
    >>> import secondline as sl
    >>> print(sl.fixed(0.2))
    fixed(0.2)
    """
    return Fixed(value)
