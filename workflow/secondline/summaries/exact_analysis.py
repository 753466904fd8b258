"""A whole analysis by the exact engine: effects, ranking, fit and evidence without Markov chains."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from secondline.inference import exact, fit_statistics
from secondline.inference.joint_posterior import JointPosterior
from secondline.inference.task import Fit
from secondline.network.structure import Floats
from secondline.summaries.hierarchy import Comparison

DRAWS = 2000  # for deviances, and for the ranks of counts


@dataclass(frozen=True)
class ExactAnalysis:
    """What is reported of one model.

    ``effects`` has a row for every pair of treatments, on the scale of the link: treatment, comparator, mean, sd,
    lower, median, upper (95% equal-tailed). ``rank_probabilities`` is (treatments, ranks), the best rank first.
    """

    treatments: tuple[str, ...]
    effects: list[dict[str, Any]]
    tau: Mapping[str, float]
    rank_probabilities: Floats
    sucra: Floats
    log_evidence: float
    fit: Mapping[str, Any]


def analyse(fit: Fit, better: str, seed: int) -> ExactAnalysis:
    """Compute the posterior of a model and all its summaries.

    Parameters
    ----------
    fit : Fit
        Data seen through the model's linear predictor, and the priors. With contrasts or means of arms the posterior is
        exact on a grid of tau and omega; with counts it rests on importance sampling, which may fail
        (`secondline.inference.reliability.why_not` says so, and why).
    better : {"lower", "higher"}
        Direction of the outcome.
    seed : int
        Of the draws behind deviances and, of counts, rank probabilities; the other figures need none.

    Returns
    -------
    ExactAnalysis
        ``tau`` has mean, sd, lower and upper, or is empty for a fixed-effect model; ``fit`` has
        data_points, residual_deviance, p_d and dic.
    """
    structure = fit.data.predictor.structure
    rows, names = fit.data.predictor.effect_rows()[0], structure.regimens
    pairs = list(combinations(range(len(names)), 2))
    posterior = exact.posterior(fit.data, fit.scales)
    mixture = posterior.mixture(np.array([rows[t] - rows[c] for c, t in pairs]))
    table = np.column_stack([mixture.mean(), mixture.sd(), *mixture.quantiles(np.array([0.025, 0.5, 0.975]))])
    columns = ("mean", "sd", "lower", "median", "upper")
    coefficients, tau, _ = posterior.draws(DRAWS, seed)
    joint = posterior.joint() if posterior.in_closed_form else JointPosterior.of_draws(coefficients)
    compared = Comparison.of(joint, rows, better).among(range(len(names)))
    assessed = fit_statistics.assess(fit.data, fit_statistics.Draws(coefficients, tau), fit.scales)
    scale = posterior.scale_summary("tau")[0] if fit.scales.tau.is_free else ()
    return ExactAnalysis(
        treatments=tuple(names),
        effects=[
            {"treatment": names[t], "comparator": names[c], **dict(zip(columns, values, strict=True))}
            for (c, t), values in zip(pairs, table.tolist(), strict=True)
        ],
        tau=dict(zip(("mean", "sd", "lower", "upper"), map(float, scale), strict=False)),
        rank_probabilities=compared.ranks,
        sucra=compared.sucra,
        log_evidence=posterior.log_evidence(),
        fit=fit_statistics.deviance_statistics(assessed),
    )
