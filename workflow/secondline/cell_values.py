"""What cells of result tables may say, where one stage writes what another reads."""

from collections.abc import Sequence

OVERALL = "overall"
"""The reserved name of the setting that stands for no particular setting."""

SEVERITIES = ("error", "warning", "info")
"""Of a finding of the audit."""

METHOD_OF_MEASURE = {
    "SMD": "standardised",
    "ROM": "ratio_of_means",
    "RR": "risk_ratio",
    "RD": "risk_difference",
    "OR": "odds_ratio",
}
"""Method of a contrast that was made of the figures of arms, by measure."""
UNDIRECTED = "the direction of the test is assumed"
TOGETHER = "contrasts of three or more arms: "
"""How a reason begins that says what the covariance of contrasts assumes."""

FOUND, ELSEWHERE, NOT_FOUND, NO_SOURCE = "found", "found elsewhere", "not found", "no source"
UNREADABLE = "copy cannot be read"
NOT_LOOKED_UP = (UNREADABLE, NO_SOURCE)


def see_analyses(names: Sequence[str]) -> str:
    """Say in a finding where the results of the analyses are that read a study otherwise."""
    return f"see {' and '.join(names)} in summary/sensitivity.csv"


CHECKED, NO_CHECK = "checked", "no exact check"
"""Status of a fit: whether the exact engine could check it."""

EXACT, IMPORTANCE, SAMPLED = "exact", "importance", "sampled"
"""Where a figure comes from: the posterior in closed form on a grid of tau and omega; the importance sampling of the
exact engine, for counts; or Markov chains."""

DIRECT = "direct"
"""Label of an effect between treatments that whole arms of a study of the setting alone received."""
REFERENCE, EXTRAPOLATED = "reference", "extrapolated"
"""Labels of the reference of a setting, and of an effect that comes from other settings."""
PRIOR_DRIVEN = "prior_driven"
"""Label of an effect whose posterior follows its prior; also a reason why nobody is named first."""
NO_CANDIDATE, ONE_CANDIDATE, NOT_PLACED = "no_candidate", "one_candidate", "not_placed"
DISAGREE, TOO_CLOSE = "criteria_disagree", "p_better"
"""Further reasons why nobody is named first."""
NOT_SETTLED = "the engine cannot settle it"
"""Why a threshold that was found is left out."""

EXPONENTIAL = "proportional hazards and exponential survival"
"""What an absolute effect assumes."""

IMPOSSIBLE_RISK = "impossible: with this baseline the effect takes the risk, or a limit of it, below 0 or above 1"
"""Why an absolute effect is not given."""

RISK_DIFFERENCE, RISK_RATIO = "risk_difference", "risk_ratio"
NEEDED_TO_TREAT = "number_needed_to_treat"
SURVIVAL = "survival"
RESTRICTED_MEAN, RESTRICTED_MEAN_DIFFERENCE = "restricted_mean_time", "restricted_mean_difference"
"""Quantities into which a declared baseline turns relative effects."""

METHODS = {
    "adjusted_hr": "adjusted HR",
    "crude_hr": "crude HR",
    "hr_p": "HR and p-value",
    "logrank_p": "log-rank p-value",
    "km_reconstruction": "reconstructed Kaplan–Meier curves",
    "medians_ci": "medians with confidence intervals",
    "medians_events": "medians and numbers of events",
    "medians_p": "medians and p-value",
    "table": "as tabulated",
    "standardised": "Hedges' g from means and standard deviations",
    "ratio_of_means": "ratio of means, from arm means",
    "risk_ratio": "risk ratio, from counts",
    "risk_difference": "risk difference, from counts",
    "odds_ratio": "odds ratio, from counts",
    "printed": "pairwise intervals, as printed",
    "reconstructed": "reconstructed from pairwise intervals",
    "reconstructed_assumed": "reconstructed from pairwise intervals, with assumptions",
}
"""Methods of an effect, in words."""

CRITERIA = {"mrecist": "mRECIST", "recist_1_1": "RECIST 1.1"}
"""Response criteria, in words."""

SAME_PATIENTS, SAME_STUDY, OTHER_STUDY = "same", "same_study", "other_study"
"""Whose patients a figure describes that a fit does not use: those in the fit, others of their study, or neither."""

NOT_JUDGED = "not judged"
"""Risk of bias, or indirectness, of which no person has judged."""

PRIOR_SHARE = "(prior)"
"""In the place of a study, the share of an estimate that the prior has."""
BY_COVARIANCE, AT_MODE = "posterior covariance", "observed information at the mode"
AT_MODE_CUTS_FIXED = f"{AT_MODE}, cutpoints fixed"
"""How the shares of the studies were found: in closed form, or for counts."""
OWN_MEANS, CENTRED_EFFECTS = "own mean of every comparison", "centred effects, as published"
"""How effects were regressed on their standard errors."""
NOT_ASSESSABLE = "not assessable"
"""Shares, or judgements, that do not exist; what follows a colon says why."""

TWO_STAGE, AGGREGATE = "papakonstantinou_2018", "davies_2022"
"""Hat matrices whose rows are divided."""
SHORTEST, WALK = "shortest_path", "random_walk"
"""How a row of a hat matrix is divided among paths."""

BEYOND_HETEROGENEITY = "Q between designs, beyond heterogeneity"
"""The statistic of the design-by-treatment test for inconsistency."""

NOT_GIVEN = "not given"
"""An outcome under a treatment that is not given; what follows a colon says why."""
