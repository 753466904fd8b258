"""How far the mixture approximation is off: arms that mix regimens enter by the weighted mean of their log effects.

The marginal log hazard or odds ratio of two mixed arms is not the weighted mean of its parts. For every contrast that
involves a mixed arm this computes what a large study would estimate if the fitted effects were true: the limit of the
Cox estimate for exponential survival within regimens and complete follow-up, or the log odds ratio of the averaged
probabilities. Arms have the mixes that the model gives them: those of their patients, or that of the class contrast.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.optimize import brentq

from secondline.inference.families import gaussian_approximation
from secondline.likelihoods import LIKELIHOODS, Likelihood
from secondline.links import Link
from secondline.measures import HR, MEASURES
from secondline.network.arms import Arm, arms_of, is_contrast, used_arms, used_rows
from secondline.network.data import network_data
from secondline.network.predictor import Effects, Predictor
from secondline.network.structure import Floats, Structure
from secondline.summaries.settings import SummarySettings

COLUMNS = ("study", "treatment_arm", "comparator_arm", "linear", "marginal", "error", "se")


def marginal_log_hazard_ratio(treatment: Floats, comparator: Floats, theta: Floats, share: float) -> float:
    """Large-sample Cox estimate for two mixtures of exponentials with log hazards ``theta``.

    Parameters
    ----------
    treatment, comparator : arrays, (regimens,)
        Mixing weights.
    theta : array, (regimens,)
        Log hazards.
    share : float
        Share of the patients in the treatment arm.
    """
    hazards = np.exp(theta)
    time = np.linspace(0, 12 / hazards[(treatment + comparator) > 0].min(), 4001)
    survival = np.exp(-np.outer(time, hazards))
    at_risk_t, at_risk_c = share * survival @ treatment, (1 - share) * survival @ comparator
    events_t, events_c = share * survival @ (treatment * hazards), (1 - share) * survival @ (comparator * hazards)

    def score(beta: float) -> float:
        expected = at_risk_t * np.exp(beta) / (at_risk_t * np.exp(beta) + at_risk_c)
        return float(np.trapezoid(events_t - expected * (events_t + events_c), time))

    return float(brentq(score, -10, 10))


def marginal_effect(link: Link, treatment: Floats, comparator: Floats, theta: Floats, baseline: float) -> float:
    """Effect of two mixtures on the link scale, from their averaged probabilities or rates at ``baseline + theta``."""
    values = link.inverse(baseline + theta)
    return float(link.link(treatment @ values) - link.link(comparator @ values))


def mixture_errors(
    evidence: Sequence[Mapping[str, str]],
    structure: Structure,
    theta: Floats,
    settings: SummarySettings,
    effects: Effects | None = None,
) -> list[dict[str, Any]]:
    """Error of the mixture approximation at the posterior mean effects ``theta`` (regimens,), link scale.

    Mean differences mix without error, and contrasts other than hazard ratios lack the baseline it depends on.
    """
    rows = used_rows(evidence)
    shares = _shares(used_arms(rows), Predictor(structure, effects or Effects()))
    result = []
    if MEASURES[settings.measure] is HR:
        result += _contrast_errors([row for row in rows if is_contrast(row)], shares, theta)
    likelihood = LIKELIHOODS[settings.likelihood]
    if likelihood.is_count:
        arms = [row for row in rows if not is_contrast(row)]
        result += _arm_errors(arms, structure, shares, theta, likelihood)
    return result


Shares = Mapping[tuple[str, str], Floats]
"""Shares of the regimens by study and arm."""


def _shares(arms: Sequence[Arm], predictor: Predictor) -> Shares:
    """Shares of the regimens in every arm as it enters the model."""
    result: dict[tuple[str, str], Floats] = {}
    for study in dict.fromkeys(arm.study for arm in arms):
        for arm in predictor.entering([arm for arm in arms if arm.study == study]):
            result[study, arm.name] = arm.regimen_shares(predictor.structure.regimens)
    return result


def _row(study: str, arms: tuple[str, str], linear: float, marginal: float, se: float) -> dict[str, Any]:
    return {
        "study": study,
        "treatment_arm": arms[0],
        "comparator_arm": arms[1],
        "linear": linear,
        "marginal": marginal,
        "error": marginal - linear,
        "se": se,
    }


def _is_mixed(*shares: Floats) -> bool:
    return any((share > 0).sum() > 1 for share in shares)


def _contrast_errors(rows: Sequence[Mapping[str, str]], shares: Shares, theta: Floats) -> list[dict[str, Any]]:
    result = []
    for row in rows:
        treatment, comparator = arms_of(row)
        t, c = (shares[arm.study, arm.name] for arm in (treatment, comparator))
        if _is_mixed(t, c):
            share = treatment.n / (treatment.n + comparator.n) if treatment.n and comparator.n else 0.5
            marginal = marginal_log_hazard_ratio(t, c, theta, share)
            names = treatment.name, comparator.name
            result.append(_row(row["study"], names, float((t - c) @ theta), marginal, float(row["se"])))
    return result


def _arm_errors(
    rows: Sequence[Mapping[str, str]],
    structure: Structure,
    by_arm: Shares,
    theta: Floats,
    likelihood: Likelihood,
) -> list[dict[str, Any]]:
    data = network_data(rows, structure, likelihood.name, Effects())
    estimates, variances = gaussian_approximation(data.counts)
    result = []
    for start, end in pairwise(data.counts.start):
        members = [arms_of(row)[0] for row in rows[start:end]]
        shares = [by_arm[arm.study, arm.name] for arm in members]
        y, variance = estimates[start:end], variances[start:end]
        baseline = float(np.mean(y + data.counts.offset[start:end]) - np.mean(np.array(shares) @ theta))
        for k in range(1, len(members)):
            if _is_mixed(shares[0], shares[k]):
                marginal = marginal_effect(likelihood.link, shares[k], shares[0], theta, baseline)
                names = members[k].name, members[0].name
                linear = float((shares[k] - shares[0]) @ theta)
                result.append(
                    _row(members[k].study, names, linear, marginal, float(np.sqrt(variance[k] + variance[0])))
                )
    return result
