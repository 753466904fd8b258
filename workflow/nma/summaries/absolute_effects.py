"""Absolute effects: the outcome under every treatment, from a declared baseline with its uncertainty.

The baseline of a reference treatment is external evidence, normal on the link scale; relative effects are added to it
(Dias, NICE DSU TSD5, 2011).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import expit, ndtr

from nma.network.arms import OVERALL, Arm
from nma.network.graph import received
from nma.network.structure import Structure
from nma.summaries.posterior import Posterior
from nma.summaries.relative_effects import INTERVAL, mixture_quantiles

COLUMNS = (
    "setting",
    "treatment",
    "scale",
    "mean",
    "sd",
    "median",
    "lower",
    "upper",
    "absolute",
    "absolute_lower",
    "absolute_upper",
    "baseline",
    "interval",
    "converged",
)

Natural = Callable[[Any], Any]
# likelihood: name of the natural scale, and the way there from the linear predictor
SCALES: dict[str, tuple[str, Natural]] = {
    "binomial_logit": ("probability", expit),
    "binomial_cloglog": ("probability in one unit of time", lambda x: -np.expm1(-np.exp(x))),
    "poisson_log": ("rate", np.exp),
    "ordered_logit": ("probability of more than the lowest category", expit),
    "ordered_probit": ("probability of more than the lowest category", ndtr),
    "normal": ("mean", np.asarray),
    "OR": ("probability", expit),
    "RR": ("rate", np.exp),
    "HR": ("hazard", np.exp),
}


def absolute_effects(
    posterior: Posterior, arms: Sequence[Arm], structure: Structure, settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Add the relative effects to the declared baseline; no rows where none is declared.

    mean, sd, median, lower and upper are on the link scale, the absolute columns on the natural one, at the median and
    the limits.
    """
    baseline = settings["baseline"]
    if baseline is None:
        return []
    likelihood = settings["likelihood"]
    scale, natural = SCALES.get(settings["measure"] if likelihood == "contrasts" else likelihood, SCALES["normal"])
    anchor = structure.regimens.index(baseline["regimen"])
    rows = []
    for s, setting in enumerate((OVERALL, *structure.settings)):
        for treatment in received(arms, structure.regimens):
            effect = posterior.effects[:, s, structure.regimens.index(treatment)] - posterior.effects[:, s, anchor]
            draws = baseline["mean"] + effect
            lower, median, upper = mixture_quantiles(draws, np.full(len(draws), baseline["sd"]), (0.025, 0.5, 0.975))
            rows.append(
                {
                    "setting": setting,
                    "treatment": treatment,
                    "scale": scale,
                    "mean": draws.mean(),
                    "sd": float(np.hypot(draws.std(ddof=1), baseline["sd"])),
                    "median": median,
                    "lower": lower,
                    "upper": upper,
                    "absolute": float(natural(median)),
                    "absolute_lower": float(natural(lower)),
                    "absolute_upper": float(natural(upper)),
                    "baseline": f"{baseline['regimen']} ~ N({baseline['mean']:g}, {baseline['sd']:g}^2)",
                    "interval": INTERVAL,
                    "converged": posterior.converged,
                }
            )
    return rows
