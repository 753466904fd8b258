"""Relative effects of every ordered pair of treatments in every setting, and how far the data carry them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondline.cell_values import OVERALL
from secondline.inference.widening import FITTED, PRIOR_DRIVEN
from secondline.network.arms import Arm
from secondline.network.graph import label_contrasts
from secondline.network.predictor import Effects
from secondline.network.structure import Floats, Structure
from secondline.network.study_groups import NO_GROUP
from secondline.summaries.posterior import Posterior, summarised
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
    "engine",
    "converged",
)
INTERVAL = "95% equal-tailed credible"
_LIMITS = np.array([0.025, 0.975])


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
    in the estimates: that is the same for differences. With unequal heterogeneity a new study has that of its group;
    there are no predictive limits of a comparison for whose group there is no study. Probabilities count effects in the
    favourable direction of the outcome. What can be estimated is judged by the columns of ``effects``, by default
    additive components.
    """
    natural = np.exp if settings.ratio else float
    labels = label_contrasts(arms, structure, effects)
    contrasts = _Contrasts.of(posterior, labels, structure)
    figures = _figures(posterior, contrasts, settings, predict)
    reach = _reach(posterior, contrasts.rows)
    rows = []
    for label, k, turned in zip(labels, contrasts.index, contrasts.turned, strict=True):
        figure, carried = figures[k][turned], reach[k]
        driven = label["structure"] == "not_estimable" or carried["prior_sensitivity"] > PRIOR_DRIVEN
        rows.append(
            {
                **{key: label[key] for key in ("setting", "treatment", "comparator")},
                "measure": settings.measure,
                **figure,
                "estimate": natural(figure["median"]),
                "estimate_lower": natural(figure["lower"]),
                "estimate_upper": natural(figure["upper"]),
                "interval": INTERVAL,
                "evidence": "prior_driven" if driven else label["structure"],
                **carried,
                "engine": posterior.engine,
                "converged": posterior.converged,
            }
        )
    return rows


def blocks(structure: Structure) -> dict[str, int]:
    """Place of every setting, ``overall`` first, among the effects of a posterior."""
    return {setting: i for i, setting in enumerate((OVERALL, *structure.settings))}


@dataclass(frozen=True)
class _Contrasts:
    """The contrasts that differ: most stand in a table several times, turned round or in several settings."""

    rows: Floats
    """Combinations of coefficients, (K, coefficients)."""
    departures: Floats
    """By how many omega^2 each of them varies in a new setting, (K,)."""
    groups: NDArray[np.int64]
    """Group of studies to which a new study of each would belong, (K,); see `secondline.network.study_groups`."""
    index: list[int]
    """Which of them every label asks for."""
    turned: list[bool]
    """Whether it asks for it the other way round."""

    @classmethod
    def of(cls, posterior: Posterior, labels: Sequence[Mapping[str, Any]], structure: Structure) -> "_Contrasts":
        """Find those that the labels ask for."""
        place = {regimen: i for i, regimen in enumerate(structure.regimens)}
        block, effect_rows = blocks(structure), posterior.effect_rows
        departures = effect_rows[1] - effect_rows[0] if posterior.varies_by_setting else np.zeros_like(effect_rows[0])
        found: dict[bytes, int] = {}
        rows, spreads, groups, index, turned = [], [], [], [], []
        for label in labels:
            t, c = place[label["treatment"]], place[label["comparator"]]
            row = posterior.difference(block[label["setting"]], t, c)
            spread = float(((departures[t] - departures[c]) ** 2).sum()) if label["setting"] == OVERALL else 0.0
            back = bool(row[np.flatnonzero(row)[:1]].sum() < 0)
            row = (-row if back else row) + 0.0  # no zero has a sign
            group = 0 if posterior.pair_groups is None else int(posterior.pair_groups[t, c])
            key = row.tobytes() + np.float64(spread).tobytes() + np.int64(group).tobytes()
            if key not in found:
                rows.append(row)
                spreads.append(spread)
                groups.append(group)
            index.append(found.setdefault(key, len(found)))
            turned.append(back)
        combinations = np.array(rows).reshape(len(rows), effect_rows.shape[-1])
        return cls(combinations, np.array(spreads), np.array(groups, np.int64), index, turned)


def _figures(
    posterior: Posterior, contrasts: _Contrasts, settings: ComparisonSettings, predict: bool
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Give the figures of every contrast, link scale, as it is and turned round."""
    margin = float(np.log(settings.margin) if settings.ratio else settings.margin)
    predict = predict and posterior.joint.tau is not None
    known = contrasts.groups != NO_GROUP
    result = []
    for part in posterior.joint.parts(len(contrasts.rows)):
        rows, departures = contrasts.rows[part], contrasts.departures[part]
        mixture = posterior.joint.of(rows)
        found = summarised(mixture)
        above = {x: mixture.p_above(np.full(len(rows), x)) for x in (0.0, margin, -margin)}
        limits = np.full((2, len(rows)), np.nan)
        if predict:
            limits = posterior.joint.predictive(rows, departures, contrasts.groups[part]).quantiles(_LIMITS)
        for k in range(len(rows)):
            figure = {name: float(values[k]) for name, values in found.items()}
            new = (float(limits[0, k]), float(limits[1, k])) if predict and known[part][k] else None
            p = {x: float(values[k]) for x, values in above.items()}
            forth, back = (_row(figure, new, p, margin, settings.better, turned) for turned in (False, True))
            result.append((forth, back))
    return result


def _row(
    figure: Mapping[str, float],
    new: tuple[float, float] | None,
    above: Mapping[float, float],
    margin: float,
    better: str,
    turned: bool,
) -> dict[str, Any]:
    """Cells of one contrast.

    Parameters
    ----------
    figure : mapping
        Those of `summarised`.
    new : tuple of float, optional
        Predictive limits.
    above : mapping
        Probabilities of being above 0, the margin, and minus the margin.
    turned : bool
        Whether the row is that of the comparator against the treatment.
    """
    sign = -1.0 if turned else 1.0
    # of the effect of the row, sign * d, above x: that of d above x, or below -x
    beyond = {x: 1 - above[-x] if turned else above[x] for x in (0.0, margin)}
    chances = {x: p if better == "higher" else 1 - p for x, p in beyond.items()}
    ends = ("lower", "upper") if not turned else ("upper", "lower")
    return {
        "mean": sign * figure["mean"],
        "sd": figure["sd"],
        "median": sign * figure["median"],
        "lower": sign * figure[ends[0]],
        "upper": sign * figure[ends[1]],
        "predictive_lower": sign * new[turned] if new else None,
        "predictive_upper": sign * new[not turned] if new else None,
        "p_better": chances[0.0],
        "p_margin": chances[margin],
    }


def _reach(posterior: Posterior, rows: Floats) -> list[dict[str, Any]]:
    """Contraction 1 - (posterior sd / prior sd)^2, and the largest widening on doubling a prior scale, by contrast.

    The widening has its Monte Carlo error and the prior that causes it beside it: effect, tau, omega or interaction.
    """
    if not len(rows):
        return []
    fitted = np.einsum("kc,cd,kd->k", rows, posterior.covariances.pooled[FITTED], rows, optimize=True)
    contraction = 1 - fitted / (rows**2 @ posterior.prior_sd**2)
    widening, error, prior = posterior.covariances.widening(rows)
    return [
        {
            "contraction": float(contraction[k]),
            "prior_sensitivity": float(widening[k]),
            "prior_sensitivity_error": float(error[k]),
            "prior_sensitivity_prior": str(prior[k]),
        }
        for k in range(len(rows))
    ]
