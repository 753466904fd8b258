"""Relative effects in other terms, at a declared baseline: differences of risks, numbers needed to treat, survival.

Every draw of the relative effects is joined with draws of the baseline, which is independent of them (Dias, NICE DSU
TSD5, 2011); what follows is a function of the two linear predictors, and its median and interval are quantiles of these
draws. Where the posterior of the effects is exact, the draws of both are the points of a Sobol sequence
(`secondline.summaries.with_baseline`).

- Measures of risks: the difference of the risks per 1,000 patients, the risk ratio, and the number needed to treat.
- Hazard ratios: with a constant hazard h, as the median of an exponential baseline or its log hazard gives it, survival
  at t is S(t) = exp(-h t), and the mean time free of the event up to t* is (1 - exp(-h t*)) / h. The risks compared are
  1 - S(t), at the declared times.

The number needed to treat is 1 over the difference of risks, positive where the treatment is better. Where the interval
of the difference contains 0, that of the number is two pieces, from its end of benefit to infinity and from infinity to
its end of harm (Altman 1998): ``lower`` is then above ``upper``, and ``disjoint`` says so. It has no mean.

References
----------
Altman DG (1998) Confidence intervals for the number needed to treat. BMJ 317:1309.
Royston P, Parmar MKB (2013) BMC Medical Research Methodology 13:152 (restricted mean survival time).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from secondline.cell_values import (
    IMPOSSIBLE_RISK,
    NEEDED_TO_TREAT,
    REFERENCE,
    RESTRICTED_MEAN,
    RESTRICTED_MEAN_DIFFERENCE,
    RISK_DIFFERENCE,
    RISK_RATIO,
    SURVIVAL,
)
from secondline.likelihoods import LIKELIHOODS, NaturalScale
from secondline.links import LOG
from secondline.measures import MEASURES
from secondline.network.arms import Arm
from secondline.network.structure import Floats, Structure
from secondline.summaries.at_baselines import at_baselines
from secondline.summaries.posterior import Posterior
from secondline.summaries.settings import BaselineSettings, SummarySettings

COLUMNS = (
    "setting",
    "treatment",
    "comparator",
    "quantity",
    "time",
    "time_unit",
    "unit",
    "mean",
    "sd",
    "median",
    "lower",
    "upper",
    "disjoint",
    "evidence",
    "reason",
    "baseline",
    "source",
    "assumptions",
    "interval",
    "engine",
    "converged",
)
PER = 1000
"""Patients among whom a difference of risks is counted."""
_PROBABILITIES = (0.025, 0.5, 0.975)
Row = dict[str, Any]


@dataclass(frozen=True)
class Draws:
    """Linear predictors of a treatment and of the regimen of the baseline together, and which direction is better."""

    treatment: Floats
    comparator: Floats
    lower_is_better: bool


def conversions(
    posterior: Posterior,
    arms: Sequence[Arm],
    structure: Structure,
    settings: SummarySettings,
    relative: Sequence[Mapping[str, Any]],
) -> list[Row]:
    """Convert the effects against the regimen of the baseline; no rows in settings without a baseline.

    Returns
    -------
    list of dict
        Rows with `COLUMNS`, one for every setting, treatment, quantity and time. Where the relative effect is withheld
        (`secondline.summaries.at_baselines`), or takes the risk beyond 0 or 1, the figures are empty and ``reason``
        says why.
    """
    kind = MEASURES[settings.measure].absolute
    rows: list[Row] = []
    for at in at_baselines(posterior, arms, structure, settings, relative) if kind else ():
        draws = Draws(*at.effect.pairs(), settings.better == "lower")
        about = {**at.row(exponential=kind == "hazard"), "comparator": at.baseline.regimen}
        rows += _of_treatment(about, draws, at.baseline, settings)
    return rows


def _of_treatment(
    about: Mapping[str, Any], draws: Draws, baseline: BaselineSettings, settings: SummarySettings
) -> Iterator[Row]:
    """Give the rows of one treatment; those of the regimen of the baseline compare nothing."""
    scale = LIKELIHOODS[settings.likelihood].scale(settings.measure)
    of = _of_risks if MEASURES[settings.measure].absolute == "risk" else _of_hazards
    for quantity, time, unit, values in of(draws, scale, baseline):
        compares = quantity not in (SURVIVAL, RESTRICTED_MEAN)
        if compares and about["evidence"] == REFERENCE:
            continue
        within = baseline.time_unit if time is not None else ""
        row = {**about, "quantity": quantity, "time": time, "time_unit": within, "unit": unit}
        if not compares:
            row["comparator"] = ""
        if row["reason"]:
            yield row
        elif values is None:
            yield {**row, "reason": IMPOSSIBLE_RISK}
        elif quantity == NEEDED_TO_TREAT:
            yield row | needed_to_treat(values)
        else:
            lower, median, upper = (float(x) for x in np.quantile(values, _PROBABILITIES))
            moments = {"mean": float(values.mean()), "sd": float(values.std(ddof=1))}
            yield row | moments | {"median": median, "lower": lower, "upper": upper, "disjoint": False}


Quantity = tuple[str, float | None, str, Floats | None]
"""Name, time, unit and draws of a quantity; no draws where the risk would be none."""


def _of_risks(draws: Draws, scale: NaturalScale, _: BaselineSettings) -> Iterator[Quantity]:
    treated, control = scale.natural(draws.treatment), scale.natural(draws.comparator)
    low, high = np.quantile(treated, (0.025, 0.975))
    possible = scale.least <= low and high <= scale.most
    yield from _compared(treated if possible else None, control, draws, None)
    if scale.link is not LOG:  # there the effect itself is the ratio
        yield RISK_RATIO, None, "", treated / control if possible else None


def _compared(treated: Floats | None, control: Floats, draws: Draws, time: float | None) -> Iterator[Quantity]:
    """Difference of two risks per 1,000, and the number needed to treat, from the benefit of treating one patient."""
    difference = None if treated is None else treated - control
    unit = f"per {PER:,}"
    yield RISK_DIFFERENCE, time, unit, None if difference is None else PER * difference
    benefit = difference if difference is None or not draws.lower_is_better else -difference
    yield NEEDED_TO_TREAT, time, "patients", benefit


def _of_hazards(draws: Draws, _: NaturalScale, baseline: BaselineSettings) -> Iterator[Quantity]:
    treated, control = np.exp(draws.treatment), np.exp(draws.comparator)
    for time in baseline.times:
        yield SURVIVAL, time, "", np.exp(-treated * time)
        yield from _compared(-np.expm1(-treated * time), -np.expm1(-control * time), draws, time)
    if baseline.restricted_to:
        time, unit = baseline.restricted_to, baseline.time_unit
        means = [-np.expm1(-hazard * time) / hazard for hazard in (treated, control)]
        yield RESTRICTED_MEAN, time, unit, means[0]
        yield RESTRICTED_MEAN_DIFFERENCE, time, unit, means[0] - means[1]


def needed_to_treat(benefit: Floats) -> Row:
    """Put draws of the benefit of treating one patient, a difference of risks, as a number needed to treat.

    Parameters
    ----------
    benefit : array
        Draws of the difference of risks, positive where the treatment is better.
    """
    low, median, high = (float(x) for x in np.quantile(benefit, _PROBABILITIES))
    return {"median": _inverse(median), "lower": _inverse(high), "upper": _inverse(low), "disjoint": low < 0 < high}


def _inverse(value: float) -> float:
    """1 over a difference of risks; infinite where there is none."""
    return 1 / value if value else float("inf")
