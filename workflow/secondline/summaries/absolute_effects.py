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
from secondline.network.structure import Floats, Structure
from secondline.summaries.at_baselines import at_baselines
from secondline.summaries.posterior import Posterior
from secondline.summaries.relative_effects import mixture_quantiles
from secondline.summaries.settings import BaselineSettings, SummarySettings

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
    "converged",
)
NODES, REACH = 24, 8.0  # of the quadrature over one half of the baseline, and how many standard deviations it covers

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
        figures = {} if row["reason"] else _figures(at.effect, at.baseline, scale.natural)
        within = not figures or scale.least <= figures["absolute_lower"] <= figures["absolute_upper"] <= scale.most
        named = {**row, "scale": scale.name, "unit": at.baseline.unit}
        rows.append(named | (figures if within else {"reason": IMPOSSIBLE_RISK}))
    return rows


def _figures(effect: Floats, baseline: BaselineSettings, natural: Natural) -> dict[str, float]:
    """Add draws of a relative effect to a baseline: moments and quantiles, link and natural scale."""
    below, above = baseline.sd_below, baseline.sd_above
    medians = baseline.median + effect
    lower, median, upper = mixture_quantiles(
        medians, np.full(len(medians), below), (0.025, 0.5, 0.975), np.full(len(medians), above)
    )
    low, high = sorted((float(natural(lower)), float(natural(upper))))
    mean, sd = _moments(medians, below, above, IDENTITY.inverse)
    absolute_mean, absolute_sd = _moments(medians, below, above, natural)
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


def _moments(medians: Floats, below: float, above: float, natural: Natural) -> tuple[float, float]:
    """Mean and standard deviation over draws of the median and both halves of the baseline, by quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    z = REACH * (nodes + 1) / 2
    weights = weights * np.exp(-(z**2) / 2)
    values = np.asarray(natural(medians[:, None] + np.concatenate([-below * z, above * z])))
    weights = np.concatenate([weights, weights]) / (2 * weights.sum() * len(medians))
    mean = float((values * weights).sum())
    return mean, float(np.sqrt((weights * (values - mean) ** 2).sum()))


def _scale(baseline: BaselineSettings, settings: SummarySettings) -> NaturalScale:
    """Choose the natural scale; a baseline with a unit of time is a median."""
    return MEDIAN_TIME if baseline.unit else LIKELIHOODS[settings.likelihood].scale(settings.measure)
