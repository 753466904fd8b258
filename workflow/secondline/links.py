"""Link functions and their inverses.

numpy and scipy are imported where they are used: what only asks a likelihood for columns and words starts without them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link function, from the natural scale to the linear predictor, and its inverse; both take arrays."""

    name: str
    link: Callable[[Any], Any]
    inverse: Callable[[Any], Any]


def _identity(x: Any) -> Any:
    import numpy as np

    return np.asarray(x)


def _log(x: Any) -> Any:
    import numpy as np

    return np.log(x)


def _exp(x: Any) -> Any:
    import numpy as np

    return np.exp(x)


def _logit(p: Any) -> Any:
    from scipy.special import logit

    return logit(p)


def _expit(x: Any) -> Any:
    from scipy.special import expit

    return expit(x)


def _probit(p: Any) -> Any:
    from scipy.special import ndtri

    return ndtri(p)


def _normal_probability(x: Any) -> Any:
    from scipy.special import ndtr

    return ndtr(x)


def _cloglog(p: Any) -> Any:
    import numpy as np

    return np.log(-np.log1p(-p))


def _event_probability(x: Any) -> Any:
    """Probability of an event in one unit of time, from the log hazard."""
    import numpy as np

    return -np.expm1(-np.exp(x))


def _log_hazard_of_median(time: Any) -> Any:
    import numpy as np

    return np.log(np.log(2) / time)


def _median_of_log_hazard(x: Any) -> Any:
    """Median time of exponential survival."""
    from math import log

    import numpy as np

    return log(2) * np.exp(-x)


IDENTITY = Link(name="identity", link=_identity, inverse=_identity)
LOG = Link(name="log", link=_log, inverse=_exp)
LOGIT = Link(name="logit", link=_logit, inverse=_expit)
PROBIT = Link(name="probit", link=_probit, inverse=_normal_probability)
CLOGLOG = Link(name="complementary log-log", link=_cloglog, inverse=_event_probability)
EXPONENTIAL_MEDIAN = Link(name="log hazard of a median", link=_log_hazard_of_median, inverse=_median_of_log_hazard)
