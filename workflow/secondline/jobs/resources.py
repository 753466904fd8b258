"""What a fit asks of a cluster, by the size of its network: enough for one attempt in most cases, not a limit."""

from secondline.project.config_parts import Sampler

_BASE_MB = 2500
"""Interpreter, libraries and compiled density; networks of 10 and 50 arms took 0.7 and 0.8 GB where measured."""
_TABLES_MB_PER_ARM, _MOST_TABLES_MB = 0.1, 1024
"""Tables of the likelihood of counts: a gigabyte at most, reached by some 10,000 arms (assumed, not measured)."""
_COPIES = 3
"""Arrays of eight bytes per arm and draw that are held at once (assumed)."""


def fit_megabytes(arms: int, sampler: Sampler) -> int:
    """Memory of a fit.

    Parameters
    ----------
    arms : int
        Arms of all studies in use.
    sampler : Sampler
        Chains and draws; the second attempt of the sampler may take more draws than the first. Draws that it adds
        where Monte Carlo errors ask for more are not counted: large networks hardly do.

    Returns
    -------
    int
        Megabytes.
    """
    draws = sampler.chains * max(sampler.draws, sampler.retry.draws)
    return round(_BASE_MB + min(_TABLES_MB_PER_ARM * arms, _MOST_TABLES_MB) + _COPIES * 8e-6 * arms * draws)


def fit_minutes(arms: int) -> int:
    """Minutes of a fit: an hour, and one more for every thousand arms."""
    return 60 + 60 * arms // 1000
