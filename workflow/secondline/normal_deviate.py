"""The normal distribution, as far as printed p-values and limits need it."""

from statistics import NormalDist

_NORMAL = NormalDist()


def two_sided_z(p: float) -> float:
    """Absolute normal deviate of a two-sided p-value.

    Raises
    ------
    ValueError
        p is not in (0, 1].
    """
    if not 0 < p <= 1:
        raise ValueError(f"a two-sided p-value is in (0, 1], not {p}")
    return abs(_NORMAL.inv_cdf(p / 2))
