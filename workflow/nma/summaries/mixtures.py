"""How far the mixture approximation is off: arms that mix regimens enter by the weighted mean of their log effects.

The marginal log hazard or odds ratio of two mixed arms is not the weighted mean of its parts. For every contrast that
involves a mixed arm this computes what a large study would estimate if the fitted effects were true: the limit of the
Cox estimate for exponential survival within regimens and complete follow-up, or the log odds ratio of the averaged
probabilities.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

from nma.network.design import Floats, Structure, weights

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


def marginal_log_odds_ratio(treatment: Floats, comparator: Floats, theta: Floats, baseline: float) -> float:
    """Log odds ratio of the averaged probabilities of two mixtures with log odds ``baseline + theta``."""
    probabilities = expit(baseline + theta)
    return float(logit(treatment @ probabilities) - logit(comparator @ probabilities))


def mixture_errors(evidence: Sequence[Mapping[str, str]], structure: Structure, theta: Floats) -> list[dict[str, Any]]:
    """Error of the mixture approximation at the posterior mean effects ``theta`` (regimens,), log scale."""
    used = [row for row in evidence if row["used"] == "true"]
    return (
        _contrast_errors(used, structure, theta)
        if "log_effect" in (used[0] if used else {})
        else _count_errors(used, structure, theta)
    )


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


def _contrast_errors(rows: Sequence[Mapping[str, str]], structure: Structure, theta: Floats) -> list[dict[str, Any]]:
    result = []
    for row in rows:
        t, c = weights(row["treatment_mix"], structure.regimens), weights(row["comparator_mix"], structure.regimens)
        if _is_mixed(t, c):
            n_t, n_c = float(row["n_treatment"]), float(row["n_comparator"])
            marginal = marginal_log_hazard_ratio(t, c, theta, n_t / (n_t + n_c))
            arms = row["treatment_arm"], row["comparator_arm"]
            result.append(_row(row["study"], arms, float((t - c) @ theta), marginal, float(row["se"])))
    return result


def _count_errors(rows: Sequence[Mapping[str, str]], structure: Structure, theta: Floats) -> list[dict[str, Any]]:
    result = []
    for study in dict.fromkeys(row["study"] for row in rows):
        members = [row for row in rows if row["study"] == study]
        shares = [weights(row["arm_mix"], structure.regimens) for row in members]
        events = np.array([float(row["events"]) + 0.5 for row in members])
        others = np.array([float(row["n"]) + 1 for row in members]) - events
        for k in range(1, len(members)):
            if _is_mixed(shares[0], shares[k]):
                baseline = float(np.mean(np.log(events / others)) - np.mean(np.array(shares) @ theta))
                marginal = marginal_log_odds_ratio(shares[k], shares[0], theta, baseline)
                se = float(np.sqrt((1 / events + 1 / others)[[0, k]].sum()))
                arms = members[k]["arm"], members[0]["arm"]
                result.append(_row(study, arms, float((shares[k] - shares[0]) @ theta), marginal, se))
    return result
