"""The coefficients of a model against their priors: component effects, interactions, slopes, classes, departures."""

from typing import Any

import numpy as np

from nma.inference.widening import FITTED, PRIOR_DRIVEN
from nma.summaries.posterior import Posterior
from nma.summaries.relative_effects import INTERVAL

COLUMNS = (
    "parameter",
    "mean",
    "sd",
    "median",
    "lower",
    "upper",
    "prior",
    "centre",
    "contraction",
    "prior_sensitivity",
    "evidence",
    "interval",
    "converged",
)
EXCHANGEABLE = ("delta[", "departure[")


def coefficient_rows(posterior: Posterior) -> list[dict[str, Any]]:
    """Summarise every coefficient of the linear predictor, link scale.

    ``prior_sensitivity`` is the widening of its posterior on doubling a prior scale; ``evidence`` is ``prior_driven``
    where that is more than 20%, and otherwise ``estimated``. ``centre`` is the value of the covariate at which the
    other effects of a meta-regression are given.
    """
    rows = []
    units = np.eye(len(posterior.coefficients))
    for k, (name, draws) in enumerate(posterior.coefficients.items()):
        lower, median, upper = np.quantile(draws, [0.025, 0.5, 0.975])
        widening = float(posterior.covariances.widening(units[[k]])[0][0])
        variance, prior_sd = posterior.covariances.pooled[FITTED][k, k], posterior.prior_sd[k]
        departs = name.startswith(EXCHANGEABLE)
        rows.append(
            {
                "parameter": name,
                "mean": draws.mean(),
                "sd": draws.std(ddof=1),
                "median": median,
                "lower": lower,
                "upper": upper,
                "prior": "normal(0, omega)" if departs else f"normal(0, {prior_sd:g})",
                "centre": posterior.centre if name.startswith("slope[") else None,
                "contraction": None if departs else float(1 - variance / prior_sd**2),
                "prior_sensitivity": widening,
                "evidence": "prior_driven" if widening > PRIOR_DRIVEN else "estimated",
                "interval": INTERVAL,
                "converged": posterior.converged,
            }
        )
    return rows
