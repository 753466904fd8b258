"""The limits by which results are judged: one for each judgement, wherever it is applied or put into words."""

MAX_R_HAT = 1.01
MIN_ESS = 400.0
MAX_Z = 4.0
MAX_PARETO_K = 0.7
MAX_MEAN_ERROR = 0.015
"""Monte Carlo standard error of a published mean, in standard deviations, beyond which more draws are taken."""
MAX_LIMIT_ERROR = 0.04
"""The same of a 95% limit."""
MOST_DRAWS = 20_000
"""Draws of a chain up to which more are taken, by default."""

LEARNED_NOTHING = 0.8
"""Overlap of prior and posterior above which the data say nothing about a parameter."""
LEAST_P_BETTER = 0.6
"""Probability of being better than the next, below which nobody is named first."""

LARGE_MOVE = 1.0
"""Standard deviations of the lead contrast beyond which another reading of a study is said to decide."""
LARGE_SHARE = 0.1
"""Share of the variance of the lead contrast, of a choice or of the prior, from which on it is said to decide."""
LARGE_DIFFERENCE = 0.5
"""Standardised difference between the arms of a study beyond which a prognostic factor is said to decide."""
