"""The priors of a fan where a configuration or a notebook names none."""

from math import log

from secondline.empirical_priors import ANY, empirical_sets
from secondline.sd_points import ABSENT
from secondline.sd_prior import SdPrior
from secondline.sd_priors import HalfCauchy, HalfNormal, HalfT, LogNormal, Uniform


def usual_priors(declared: SdPrior, measure: str) -> tuple[SdPrior, ...]:
    """Choose up to twelve priors around the declared one, by the scale that it has: narrower, wider, of other families.

    The last is an empirical one of any outcome, where there is one of the measure, or log-normal around a fifth of the
    declared scale.
    """
    size = declared.size or 1.0
    empirical = [each.priors[ANY, ANY] for each in empirical_sets() if each.priors[ANY, ANY].measure == measure]
    typical = empirical[:1] or [LogNormal(log(size / 5), 1.0, "sd")]
    found = [
        declared,
        declared.scaled(0.5),
        declared.scaled(2.0),
        ABSENT,
        HalfNormal(size / 5),
        HalfNormal(size / 10),
        Uniform(size),
        Uniform(2 * size / 5),
        HalfCauchy(size / 5),
        HalfCauchy(size / 10),
        HalfT(size / 5, 3.0),
        *typical,
    ]
    return tuple(dict.fromkeys(found))
