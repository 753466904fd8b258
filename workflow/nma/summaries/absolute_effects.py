"""Absolute effects: the outcome under every treatment, from declared baselines with their uncertainty.

The baseline of a regimen in a setting is normal on the link scale; relative effects are added to it, as if the two were
independent (Dias, NICE DSU TSD5, 2011). A baseline that is a median gives medians: with proportional hazards and
exponential survival the median under a treatment is the baseline median divided by the hazard ratio.
"""

from collections.abc import Callable, Mapping, Sequence
from math import log
from typing import Any

import numpy as np
from scipy.special import expit, ndtr

from nma.network.arms import Arm
from nma.network.graph import received
from nma.network.structure import Structure
from nma.summaries.posterior import Posterior
from nma.summaries.relative_effects import INTERVAL, blocks, mixture_quantiles

COLUMNS = (
    "setting",
    "treatment",
    "scale",
    "unit",
    "mean",
    "sd",
    "median",
    "lower",
    "upper",
    "absolute",
    "absolute_lower",
    "absolute_upper",
    "evidence",
    "baseline",
    "source",
    "assumptions",
    "interval",
    "converged",
)
EXPONENTIAL = "proportional hazards and exponential survival"

Natural = Callable[[Any], Any]
# name of the natural scale, and the way there from the linear predictor: by likelihood of counts, else by measure
COUNT_SCALES: dict[str, tuple[str, Natural]] = {
    "binomial_logit": ("probability", expit),
    "binomial_cloglog": ("probability in one unit of time", lambda x: -np.expm1(-np.exp(x))),
    "poisson_log": ("rate", np.exp),
    "ordered_logit": ("probability of more than the lowest category", expit),
    "ordered_probit": ("probability of more than the lowest category", ndtr),
}
GAUSSIAN_SCALES: dict[str, tuple[str, Natural]] = {
    "HR": ("hazard", np.exp),
    "OR": ("probability", expit),
    "RR": ("risk", np.exp),
    "IRR": ("rate", np.exp),
    "MD": ("mean", np.asarray),
    "SMD": ("mean in standard deviations", np.asarray),
    "PD": ("probability", ndtr),
}
MEDIAN: tuple[str, Natural] = ("median time", lambda x: log(2) * np.exp(-x))


def absolute_effects(
    posterior: Posterior,
    arms: Sequence[Arm],
    structure: Structure,
    settings: Mapping[str, Any],
    relative: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Add the relative effects to the declared baselines; no rows in settings without one.

    mean, sd, median, lower and upper are on the link scale, the absolute columns on the natural one, at the median and
    the limits. ``evidence`` is that of the effect against the regimen of the baseline, from the rows ``relative``; it
    is ``reference`` for the regimen itself, and ``prior_driven`` where no arm of the network received that regimen.
    """
    labels = {(row["setting"], row["treatment"], row["comparator"]): row["evidence"] for row in relative}
    rows = []
    for setting, s in blocks(structure).items():
        baseline = settings["baselines"].get(setting)
        if baseline is None:
            continue
        scale, natural = _scale(baseline, settings)
        anchor = baseline["regimen"]
        shared = {
            "setting": setting,
            "scale": scale,
            "unit": baseline["unit"],
            "baseline": f"{anchor} ~ N({baseline['mean']:g}, {baseline['sd']:g}^2)",
            "source": baseline["source"],
            "assumptions": "; ".join([*([EXPONENTIAL] if baseline["unit"] else []), *baseline["assumed"]]),
            "interval": INTERVAL,
            "converged": posterior.converged,
        }
        for treatment in received(arms, structure.regimens):
            t, c = structure.regimens.index(treatment), structure.regimens.index(anchor)
            draws = baseline["mean"] + posterior.effects[:, s, t] - posterior.effects[:, s, c]
            lower, median, upper = mixture_quantiles(draws, np.full(len(draws), baseline["sd"]), (0.025, 0.5, 0.975))
            low, high = sorted((float(natural(lower)), float(natural(upper))))
            label = labels.get((setting, treatment, anchor), "prior_driven")
            rows.append(
                {
                    **shared,
                    "treatment": treatment,
                    "mean": draws.mean(),
                    "sd": float(np.hypot(draws.std(ddof=1), baseline["sd"])),
                    "median": median,
                    "lower": lower,
                    "upper": upper,
                    "absolute": float(natural(median)),
                    "absolute_lower": low,
                    "absolute_upper": high,
                    "evidence": "reference" if treatment == anchor else label,
                }
            )
    return rows


def _scale(baseline: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[str, Natural]:
    """Name of the natural scale and the way there; a baseline with a unit of time is a median."""
    if baseline["unit"]:
        return MEDIAN
    return COUNT_SCALES.get(settings["likelihood"]) or GAUSSIAN_SCALES[settings["measure"]]
