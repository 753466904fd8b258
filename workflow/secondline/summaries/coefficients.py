"""The coefficients of a model against their priors: component effects, interactions, slopes, classes, departures."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from secondline.inference.widening import FITTED, PRIOR_DRIVEN
from secondline.summaries.posterior import Posterior, summarised_in_parts
from secondline.summaries.relative_effects import INTERVAL

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
    "engine",
    "converged",
)
EXCHANGEABLE = ("delta[", "departure[")


def coefficient_rows(posterior: Posterior) -> list[dict[str, Any]]:
    """Summarise every coefficient of the linear predictor, link scale.

    ``prior_sensitivity`` is the widening of its posterior on doubling a prior scale; ``evidence`` is ``prior_driven``
    where that is more than 20%, and otherwise ``estimated``. That of a bias is on doubling its own standard deviation,
    which the analysis declares, by the normal approximation. ``centre`` is the value of the covariate at which the
    other effects of a meta-regression are given.
    """
    rows = []
    units = np.eye(len(posterior.names))
    omega = "omega of its class" if posterior.joint.classes else "omega"
    summaries = summarised_in_parts(posterior.joint, units)
    for k, name in enumerate(posterior.names):
        variance, prior_sd = posterior.covariances.pooled[FITTED][k, k], posterior.prior_sd[k]
        widening = float(posterior.covariances.widening(units[[k]])[0][0])
        if name.startswith("bias["):
            widening = _widening_of_bias(float(variance), float(prior_sd))
        departs = name.startswith(EXCHANGEABLE)
        rows.append(
            {
                "parameter": name,
                **{column: float(values[k]) for column, values in summaries.items()},
                "prior": f"normal(0, {omega})" if departs else f"normal(0, {prior_sd:g})",
                "centre": _centre(name, posterior.centres),
                "contraction": None if departs else float(1 - variance / prior_sd**2),
                "prior_sensitivity": widening,
                "evidence": "prior_driven" if widening > PRIOR_DRIVEN else "estimated",
                "interval": INTERVAL,
                "engine": posterior.engine,
                "converged": posterior.converged,
            }
        )
    return rows


def _centre(name: str, centres: Mapping[str, float]) -> float | None:
    """Centre of the covariate of a slope; None of other coefficients."""
    if not name.startswith("slope["):
        return None
    inside = name.removeprefix("slope[").removesuffix("]")
    return centres[max((c for c in centres if re.match(rf"{re.escape(c)}( per [^,]+)?(,|$)", inside)), key=len)]


def _widening_of_bias(variance: float, prior_sd: float) -> float:
    """By how much the posterior sd of a bias grows on doubling its prior sd s, what the data say held: 1/v - 1/s^2."""
    information = max(1 / variance - prior_sd**-2, 0.0)
    return float(np.sqrt((information + prior_sd**-2) / (information + (2 * prior_sd) ** -2)) - 1)
