"""Ratios and differences of the arms of a study as contrasts, with the covariance that a shared comparator gives them.

Arms are independent: with estimate t_i of variance v_i for arm i, the contrast ``t_i - t_1`` has the variance ``v_i +
v_1``, and two contrasts the covariance ``v_1`` (Gleser & Olkin 2009). The variances are large-sample ones:

    log risk          1/r - 1/n               risk              p (1 - p) / n
    log odds          1/r + 1/(n - r)         log mean          se^2 / mean^2

An arm without events, or without patients who had none, has no finite log, or an error of 0 in what is never certain.
Then half a patient is added to the events and to the non-events of every arm of the study where logs are taken
(Cochrane Handbook, section 10.4.4.1); a difference of risks needs no log and keeps its value, and only the variance of
that arm is taken after the addition. What is added moves sparse trials towards no effect, so that `binomial_logit`,
which adds nothing, is the better model of rare events.

References
----------
Gleser LJ, Olkin I (2009) Stochastically dependent effect sizes, in: Cooper H, Hedges LV, Valentine JC (eds) The
handbook of research synthesis and meta-analysis, 2nd ed, 357-376.
Hedges LV, Gurevitch J, Curtis PS (1999) Ecology 80:1150 (log ratio of means).
Higgins JPT et al. (2024) Cochrane Handbook for Systematic Reviews of Interventions 6.5, section 10.4.4.
Lajeunesse MJ (2011) Ecology 92:2049 (its covariance in studies of several arms).
"""

from collections.abc import Sequence
from math import log

Counts = tuple[float, float]
"""Patients with an event, and all patients."""
Contrasts = tuple[list[float], list[list[float]]]
"""Effects against the first arm, (k - 1,), and their covariance, (k - 1, k - 1)."""


def against_first(estimates: Sequence[float], variances: Sequence[float]) -> Contrasts:
    """Differences of independent estimates from the first, and their covariance."""
    effects = [estimate - estimates[0] for estimate in estimates[1:]]
    covariance = [[variances[0]] * len(effects) for _ in effects]
    return effects, [
        [value + (variances[i + 1] if i == j else 0.0) for j, value in enumerate(row)]
        for i, row in enumerate(covariance)
    ]


def _is_empty(arm: Counts) -> bool:
    """Whether an arm has no events, or no patients without one."""
    return arm[0] in (0, arm[1])


def _filled(arm: Counts) -> Counts:
    return arm[0] + 0.5, arm[1] + 1


def _without_empty(arms: Sequence[Counts]) -> Sequence[Counts]:
    """Add half a patient to both cells of every arm if one of them is empty somewhere in the study."""
    return list(map(_filled, arms)) if any(map(_is_empty, arms)) else arms


def log_risk_ratios(arms: Sequence[Counts]) -> Contrasts:
    """Log risk ratios against the first arm, and their covariance."""
    used = _without_empty(arms)
    return against_first([log(r / n) for r, n in used], [1 / r - 1 / n for r, n in used])


def log_odds_ratios(arms: Sequence[Counts]) -> Contrasts:
    """Log odds ratios against the first arm, and their covariance."""
    used = _without_empty(arms)
    return against_first([log(r / (n - r)) for r, n in used], [1 / r + 1 / (n - r) for r, n in used])


def risk_differences(arms: Sequence[Counts]) -> Contrasts:
    """Risk differences against the first arm, and their covariance."""
    spread = [_filled(arm) if _is_empty(arm) else arm for arm in arms]
    return against_first([r / n for r, n in arms], [r / n * (1 - r / n) / n for r, n in spread])


def log_ratios_of_means(arms: Sequence[tuple[float, float]]) -> Contrasts:
    """Log ratios of means against the first arm, from means above 0 and their standard errors."""
    return against_first([log(mean) for mean, _ in arms], [(se / mean) ** 2 for mean, se in arms])
