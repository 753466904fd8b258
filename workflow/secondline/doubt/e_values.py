"""E-values of the contributing studies: how strong unmeasured confounding must be to explain an effect away.

The E-value of a risk ratio RR >= 1 is RR + sqrt(RR (RR - 1)); of one below 1, that of its inverse. Other ratios are
first put on the scale of risk ratios: where the outcome is common (more than 15% of the patients by the end of
follow-up), an odds ratio by its square root and a hazard ratio by (1 - 0.5^sqrt(HR)) / (1 - 0.5^sqrt(1/HR)); where it
is rare, and for ratios of rates, as they are. That of the confidence limit is 1 where the interval includes no effect.

References
----------
VanderWeele TJ, Ding P (2017) Annals of Internal Medicine 167:268-274.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from secondline.likelihoods import LIKELIHOODS, Likelihood
from secondline.measures import MEASURES, Measure
from secondline.network.data import NetworkData, contrast_blocks, network_data

COLUMNS = (
    "study",
    "treatment_arm",
    "comparator_arm",
    "measure",
    "estimate",
    "estimate_lower",
    "estimate_upper",
    "as_risk_ratio",
    "approximation",
    "e_value",
    "e_value_limit",
    "reason",
)
NO_RATIO = "the effect is no ratio"
OF_MEANS = "a ratio of means is no ratio of risks"
OF_CATEGORIES = "the odds ratio is that of ordered categories, which have no risk ratio"
NOTHING, SQUARE_ROOT, HAZARDS = "none", "square root of the odds ratio", "hazard ratio of a common outcome"
_Z = 1.959963984540054  # of a 95% interval

Row = Mapping[str, str]
Contrast = tuple[str, str, str, float, float]
"""Study, treatment arm, comparator arm, effect and standard error, link scale."""


def e_value(risk_ratio: float) -> float:
    """Compute the E-value of a risk ratio."""
    above = max(risk_ratio, 1 / risk_ratio)
    return float(above + np.sqrt(above * (above - 1)))


def e_value_of_limit(risk_ratio: float, lower: float, upper: float) -> float:
    """Compute the E-value of the confidence limit that is nearer to no effect; 1 where the interval includes it."""
    if lower <= 1 <= upper:
        return 1.0
    return e_value(lower if risk_ratio > 1 else upper)


def approximation(measure: str, common: bool) -> str:
    """Name how a ratio is put on the scale of risk ratios."""
    return {"OR": SQUARE_ROOT, "HR": HAZARDS}.get(measure, NOTHING) if common else NOTHING


def as_risk_ratio(ratio: float, approximated: str) -> float:
    """Put a ratio on the scale of risk ratios by one of the approximations."""
    if approximated == SQUARE_ROOT:
        return float(np.sqrt(ratio))
    if approximated == HAZARDS:
        return float((1 - 0.5 ** np.sqrt(ratio)) / (1 - 0.5 ** np.sqrt(1 / ratio)))
    return ratio


def _no_risks(measure: Measure, likelihood: Likelihood) -> str:
    """Say why a measure is no ratio of risks, nor near one; empty where it is."""
    if not measure.is_ratio:
        return NO_RATIO
    if likelihood.is_ordered:
        return OF_CATEGORIES
    return OF_MEANS if "mean" in LIKELIHOODS[measure.usual].required else ""


def e_value_rows(
    evidence: Sequence[Row], data: NetworkData, likelihood: str, measure: str, common: bool
) -> Iterator[dict[str, Any]]:
    """Give the E-values of every contrast of every study in use; rows with `COLUMNS`.

    Parameters
    ----------
    evidence : rows
        Evidence table of the fit.
    data : NetworkData
    likelihood : str
        Name of the likelihood of the arm rows.
    measure : str
        Name of the effect measure.
    common : bool
        Whether more than 15% of the patients have the event by the end of follow-up.
    """
    for study, treatment, comparator, effect, se in observed_contrasts(evidence, data, likelihood):
        row: dict[str, Any] = {"study": study, "treatment_arm": treatment, "comparator_arm": comparator}
        row["measure"] = measure
        reason = _no_risks(MEASURES[measure], LIKELIHOODS[likelihood])
        if reason:
            yield {**row, "reason": reason}
            continue
        estimate, lower, upper = np.exp(effect + se * np.array([0.0, -_Z, _Z])).tolist()
        approximated = approximation(measure, common)
        ratio, low, high = (as_risk_ratio(value, approximated) for value in (estimate, lower, upper))
        yield {
            **row,
            "estimate": estimate,
            "estimate_lower": lower,
            "estimate_upper": upper,
            "as_risk_ratio": ratio,
            "approximation": approximated,
            "e_value": e_value(ratio),
            "e_value_limit": e_value_of_limit(ratio, low, high),
        }


def observed_contrasts(evidence: Sequence[Row], data: NetworkData, likelihood: str) -> Iterator[Contrast]:
    """Contrasts of every study with its comparator, as observed: as given, or of counts by a normal approximation."""
    for block in contrast_blocks(evidence, data.predictor, likelihood):
        if block.arms:
            errors = np.sqrt(np.diag(block.covariance))
            for name, effect, error in zip(block.arms.names[1:], block.y, errors, strict=True):
                yield block.name, name, block.arms.names[0], float(effect), float(error)
    if not len(data.counts.study):
        return
    counts = network_data(evidence, data.predictor.structure, likelihood, data.predictor.effects).counts
    from secondline.inference.families import gaussian_approximation

    estimate, variance = gaussian_approximation(counts)
    names = [name for _, name in data.points[len(data.points) - len(counts.rows) :]]
    for i, first in enumerate(counts.start[:-1]):
        for arm in range(first + 1, counts.start[i + 1]):
            se = float(np.sqrt(variance[arm] + variance[first]))
            yield data.studies[counts.study[i]], names[arm], names[first], float(estimate[arm] - estimate[first]), se
