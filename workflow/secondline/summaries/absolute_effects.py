"""Absolute effects: the outcome under every treatment, from declared baselines with their uncertainty.

The baseline of a regimen in a setting is two halves of normals on the link scale, one either side of its median, so
that its limits are those declared; relative effects are added to it, as if the two were independent (Dias, NICE DSU
TSD5, 2011). A baseline that is a median gives medians: with proportional hazards and exponential survival the median
under a treatment is the baseline median divided by the hazard ratio. Where the relative effect is extrapolated or
prior-driven there is no figure: it would put months or patients to what no study has seen. Nor is there one where a
ratio or difference of risks takes the risk, or a limit of it, beyond 0 or 1: cut off there it would look like an
estimate.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from secondline.cell_values import IMPOSSIBLE_RISK
from secondline.likelihoods import LIKELIHOODS, MEDIAN_TIME, NaturalScale
from secondline.links import IDENTITY
from secondline.network.arms import Arm
from secondline.network.structure import Structure
from secondline.summaries.at_baselines import at_baselines
from secondline.summaries.posterior import Posterior
from secondline.summaries.settings import BaselineSettings, SummarySettings
from secondline.summaries.with_baseline import WithBaseline

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
    "absolute_mean",
    "absolute_sd",
    "evidence",
    "reason",
    "baseline",
    "source",
    "assumptions",
    "interval",
    "engine",
    "converged",
)
_PROBABILITIES = np.array([0.025, 0.5, 0.975])

Natural = Callable[[Any], Any]


def absolute_effects(
    posterior: Posterior,
    arms: Sequence[Arm],
    structure: Structure,
    settings: SummarySettings,
    relative: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Add the relative effects to the declared baselines; no rows in settings without one.

    mean, sd, median, lower and upper are on the link scale, the absolute columns on the natural one. ``evidence`` is
    that of the effect against the regimen of the baseline, from the rows ``relative``; it is ``reference`` for the
    regimen itself, and ``prior_driven`` where no arm of the network received that regimen. Where it is one of
    `secondline.summaries.at_baselines.WITHHELD` the figures are empty and ``reason`` says why.
    """
    rows = []
    for at in at_baselines(posterior, arms, structure, settings, relative):
        scale, row = _scale(at.baseline, settings), at.row(exponential=bool(at.baseline.unit))
        figures = {} if row["reason"] else _figures(at.effect, scale.natural)
        within = not figures or scale.least <= figures["absolute_lower"] <= figures["absolute_upper"] <= scale.most
        named = {**row, "scale": scale.name, "unit": at.baseline.unit}
        rows.append(named | (figures if within else {"reason": IMPOSSIBLE_RISK}))
    return rows


def _figures(both: WithBaseline, natural: Natural) -> dict[str, float]:
    """Moments and quantiles of baseline plus effect, link and natural scale."""
    lower, median, upper = (float(x) for x in both.quantiles(_PROBABILITIES))
    low, high = sorted((float(natural(lower)), float(natural(upper))))
    mean, sd = both.moments(IDENTITY.inverse)
    absolute_mean, absolute_sd = both.moments(natural)
    return {
        "mean": mean,
        "sd": sd,
        "median": median,
        "lower": lower,
        "upper": upper,
        "absolute": float(natural(median)),
        "absolute_lower": low,
        "absolute_upper": high,
        "absolute_mean": absolute_mean,
        "absolute_sd": absolute_sd,
    }


def _scale(baseline: BaselineSettings, settings: SummarySettings) -> NaturalScale:
    """Choose the natural scale; a baseline with a unit of time is a median."""
    return MEDIAN_TIME if baseline.unit else LIKELIHOODS[settings.likelihood].scale(settings.measure)
