"""Relative effects of every ordered pair of treatments in every setting, and how far the data carry them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from secondline.cell_values import OVERALL
from secondline.inference.widening import FITTED, PRIOR_DRIVEN
from secondline.network.arms import Arm
from secondline.network.graph import label_contrasts
from secondline.network.predictor import Effects
from secondline.network.structure import Floats, Structure
from secondline.summaries.posterior import Posterior
from secondline.summaries.rank_statistics import share_above
from secondline.summaries.settings import ComparisonSettings

COLUMNS = (
    "setting",
    "treatment",
    "comparator",
    "measure",
    "mean",
    "sd",
    "median",
    "lower",
    "upper",
    "estimate",
    "estimate_lower",
    "estimate_upper",
    "predictive_lower",
    "predictive_upper",
    "p_better",
    "p_margin",
    "interval",
    "evidence",
    "contraction",
    "prior_sensitivity",
    "prior_sensitivity_error",
    "prior_sensitivity_prior",
    "converged",
)
INTERVAL = "95% equal-tailed credible"


def relative_effects(
    posterior: Posterior,
    arms: Sequence[Arm],
    structure: Structure,
    settings: ComparisonSettings,
    predict: bool = True,
    effects: Effects | None = None,
) -> list[dict[str, Any]]:
    """Summarise the effect of every treatment against every other in every setting; ``predict`` new studies, too.

    Effects are on the link scale in mean, sd, median, lower, upper and the predictive limits, and on the natural scale
    in the estimates: that is the same for differences. Probabilities count effects in the favourable direction of the
    outcome. What can be estimated is judged by the columns of ``effects``, by default additive components.
    """
    sign = 1.0 if settings.better == "higher" else -1.0
    natural = np.exp if settings.ratio else float
    margin = np.log(settings.margin) if settings.ratio else settings.margin
    rows = []
    for label, draws, row, spread in _contrasts(posterior, label_contrasts(arms, structure, effects), structure):
        mean, sd = draws.mean(), draws.std(ddof=1)
        lower, median, upper = np.quantile(draws, [0.025, 0.5, 0.975])
        predictive = _predictive(draws, posterior, spread) if predict else (None, None)
        rows.append(
            {
                **{key: label[key] for key in ("setting", "treatment", "comparator")},
                "measure": settings.measure,
                "mean": mean,
                "sd": sd,
                "median": median,
                "lower": lower,
                "upper": upper,
                "estimate": natural(median),
                "estimate_lower": natural(lower),
                "estimate_upper": natural(upper),
                "predictive_lower": predictive[0],
                "predictive_upper": predictive[1],
                "p_better": share_above(sign * draws),
                "p_margin": np.mean(sign * (draws - margin) > 0),
                "interval": INTERVAL,
                **_reach(label["structure"], row, posterior),
                "converged": posterior.converged,
            }
        )
    return rows


def blocks(structure: Structure) -> dict[str, int]:
    """Place of every setting, ``overall`` first, among the draws of effects."""
    return {setting: i for i, setting in enumerate((OVERALL, *structure.settings))}


def _contrasts(posterior: Posterior, labels: Sequence[Mapping[str, Any]], structure: Structure) -> Any:
    """Every labelled contrast with its draws, its row of coefficients, and by how many omega^2 a new setting varies."""
    index = {regimen: i for i, regimen in enumerate(structure.regimens)}
    block = blocks(structure)
    effect_rows = posterior.effect_rows
    departures = np.zeros_like(effect_rows[0])
    if posterior.varies_by_setting:
        departures = effect_rows[1] - effect_rows[0]
    for label in labels:
        s, t, c = block[label["setting"]], index[label["treatment"]], index[label["comparator"]]
        draws = posterior.effects[:, s, t] - posterior.effects[:, s, c]
        spread = ((departures[t] - departures[c]) ** 2).sum() if label["setting"] == OVERALL else 0.0
        yield label, draws, effect_rows[s, t] - effect_rows[s, c], float(spread)


def _reach(structure_label: str, row: Floats, posterior: Posterior) -> dict[str, Any]:
    """Evidence label, contraction 1 - (posterior sd / prior sd)^2, and the largest widening on doubling a prior scale.

    The widening has its Monte Carlo error and the prior that causes it beside it: effect, tau, omega or interaction.
    """
    fitted = row @ posterior.covariances.pooled[FITTED] @ row
    widening, error, prior = posterior.covariances.widening(row[None, :])
    prior_driven = structure_label == "not_estimable" or widening[0] > PRIOR_DRIVEN
    return {
        "evidence": "prior_driven" if prior_driven else structure_label,
        "contraction": float(1 - fitted / (row**2 @ posterior.prior_sd**2)),
        "prior_sensitivity": float(widening[0]),
        "prior_sensitivity_error": float(error[0]),
        "prior_sensitivity_prior": str(prior[0]),
    }


def _predictive(draws: Floats, posterior: Posterior, spread: float) -> tuple[float | None, float | None]:
    """95% limits of the effect in a new study: quantiles of the mixture over draws of N(effect, tau^2).

    Under a model with settings the overall effect in a new study also varies between settings, by omega^2 times the
    squared length of the component contrast, ``spread``.
    """
    if posterior.tau is None:
        return None, None
    variance = posterior.tau**2
    if posterior.omega is not None:
        variance = variance + spread * posterior.omega**2
    thin = slice(None, None, max(1, len(draws) // 4000))
    lower, upper = mixture_quantiles(draws[thin], np.sqrt(variance[thin]))
    return lower, upper


def mixture_quantiles(
    medians: Floats, sds: Floats, probabilities: Sequence[float] = (0.025, 0.975), above: Floats | None = None
) -> list[float]:
    """Quantiles of an equally weighted mixture of normals, by Newton steps kept inside a bracket.

    With ``above`` every part is two halves of normals with one median: ``sds`` below it, ``above`` over it.
    """
    sds = np.maximum(sds, 1e-9)
    above = sds if above is None else np.maximum(above, 1e-9)
    widest = np.maximum(sds, above)
    centre, spread = medians.mean(), np.sqrt(medians.var() + (widest**2).mean())
    result = []
    for probability in probabilities:
        low, high = (medians - 9 * sds).min(), (medians + 9 * above).max()
        x = centre + ndtri(probability) * spread
        for _ in range(100):
            scale = np.where(x < medians, sds, above)
            z = (x - medians) / scale
            gap = ndtr(z).mean() - probability
            if abs(gap) < 1e-10:
                break
            low, high = (low, x) if gap > 0 else (x, high)
            density = (np.exp(-0.5 * z**2) / scale).mean() / np.sqrt(2 * np.pi)
            step = x - gap / density if density > 0 else low - 1
            x = step if low < step < high else (low + high) / 2
        result.append(float(x))
    return result
