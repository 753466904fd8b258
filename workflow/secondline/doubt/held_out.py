"""Printed figures that no fit uses, beside what the fitted model predicts of them.

A figure y of a contrast x with standard error s is compared with one of two things.

- *Other patients*, or other arms or populations of a study in use: the posterior predictive of a new study of these
  arms. Its variance is s^2 + tau^2 + var(x b), and p its two-sided tail probability, tau integrated out. Patients
  shared with the figures in use are left out of account: they make the prediction depend on the figure, so that its
  variance is stated too large and z is too small in size, if anything.
- *The same patients* in the same arms, by another method, adjustment or criterion: the effect of that study as fitted,
  x b + u. The fit has seen these patients, so that the difference in units of s says by how much two readings of a
  paper disagree. It is no test, and has no p.

z is positive where the printed figure is the larger of the two: log hazard or odds ratios, or log medians.

References
----------
Gelman A, Meng XL, Stern H (1996) Statistica Sinica 6:733 (posterior predictive assessment).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, log
from typing import Any

import numpy as np

from secondline.cell_values import SAME_PATIENTS
from secondline.cells import parse_values
from secondline.doubt.additivity import COLUMNS as ADDITIVITY_COLUMNS
from secondline.doubt.additivity import additivity_rows
from secondline.doubt.prediction import Fitted, Prediction, approximated, fitted_studies, new_study
from secondline.inference.reliability import Solution, solve, solve_reliably
from secondline.inference.settings import FitSettings
from secondline.inference.task import Fit, FitTask
from secondline.inference.widening import PRIOR_DRIVEN, Covariances, prior_covariances
from secondline.likelihoods import LIKELIHOODS
from secondline.network.arms import Arm, arms_of, baseline_first, rows_with
from secondline.network.data import CountData
from secondline.network.figures import arm_counts
from secondline.network.graph import differences, row_space
from secondline.network.predictor import Predictor
from secondline.network.structure import Floats
from secondline.summaries.settings import SummarySettings
from secondline.tables import read_table, write_table

COLUMNS = (
    "study",
    "kind",
    "records",
    "contrast_set",
    "treatment_arm",
    "comparator_arm",
    "population",
    "criterion",
    "method",
    "adjustment",
    "assumed",
    "patients",
    "scale",
    "printed",
    "se",
    "predicted",
    "effect_sd",
    "predicted_sd",
    "sd",
    "z",
    "p_value",
    "printed_natural",
    "predicted_natural",
    "predicted_lower",
    "predicted_upper",
    "prior_driven",
    "reason",
    "source",
)
LIMITS = np.array([0.025, 0.975])
LOG_MONTHS = "log months"
Row = Mapping[str, str]
Result = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Model:
    """A model of a fit job, solved when that is asked for, and the evidence behind it.

    Parameters
    ----------
    fit : Fit
    evidence : rows
        Evidence table of the fit.
    settings : FitSettings
    measure : str
    ratio : bool
        Whether effects are logarithms of ratios.
    """

    fit: Fit
    evidence: Sequence[Row]
    settings: FitSettings
    measure: str
    ratio: bool

    @classmethod
    def of(cls, evidence: Sequence[Row], settings: FitSettings, summary: SummarySettings, name: str) -> "Model":
        """Take one model of a fit job by its name."""
        fit = FitTask.from_rows(evidence, settings).fits[name]
        return cls(fit, evidence, settings, summary.measure, summary.ratio)

    @cached_property
    def solution(self) -> Solution:
        """Exact posterior."""
        found = solve(self.fit.data, self.fit.scales)
        return found if found.posterior else solve_reliably(self.fit.data, self.fit.scales)

    @cached_property
    def covariances(self) -> Covariances | None:
        """Covariances as fitted and with every prior scale doubled; none where the engine cannot be relied on."""
        found = self.solution.posterior
        return prior_covariances(self.fit.data, self.fit.scales, found, decide=False) if found else None

    @cached_property
    def studies(self) -> dict[str, Fitted]:
        """Contrasts of every study in the fit."""
        return fitted_studies(self.fit, self.evidence, self.settings.likelihood, self.settings.overlaps)

    @property
    def predictor(self) -> Predictor:
        """Linear predictor of the model."""
        return self.fit.data.predictor

    def prior_driven(self, arms: Sequence[Arm]) -> bool:
        """Whether the data do not determine the effect between a comparator and a treatment."""
        rows = rows_with(self.evidence, self.predictor.effects.needs)
        estimated = self.predictor.estimated
        contrast = _contrast(estimated, arms)
        outside = contrast - contrast @ row_space(differences(baseline_first(rows), estimated))
        if self.covariances is None or np.abs(outside).max(initial=0.0) > 1e-8:
            return True
        row = _contrast(self.predictor, arms)
        return bool(row.any()) and bool(self.covariances.widening(row[None])[0][0] > PRIOR_DRIVEN)


def assess_held_out(
    evidence: str, unused: str, settings: FitSettings, summary: SummarySettings, headline: str, output: Sequence[str]
) -> None:
    """Write held_out.csv and additivity.csv of the headline model of one outcome.

    Parameters
    ----------
    evidence, unused : path
        Evidence table of the fit, and the table of the figures that it does not use.
    headline : str
        Name of the model.
    output : sequence of paths
        The two tables, in this order.
    """
    model = Model.of(read_table(evidence), settings, summary, headline)
    write_table(output[0], held_out_rows(read_table(unused), model), COLUMNS)
    write_table(output[1], _additivity(model), ADDITIVITY_COLUMNS)


def _additivity(model: Model) -> list[Result]:
    """Describe what can contradict additivity; the model is solved only if an interaction can be estimated."""
    likelihood, overlaps = model.settings.likelihood, model.settings.overlaps
    found = additivity_rows(model.evidence, model.fit, likelihood, None, overlaps)
    if not any(row.get("estimable") for row in found):
        return found
    return additivity_rows(model.evidence, model.fit, likelihood, model.solution.posterior, overlaps)


def held_out_rows(unused: Sequence[Row], model: Model) -> list[Result]:
    """Compare every unused figure with the model.

    Parameters
    ----------
    unused : rows
        From `secondline.evidence.held_out.unused_rows`, as they read back.

    Returns
    -------
    list of dict
        Rows with `COLUMNS`, one for every row of ``unused``. ``printed``, ``predicted`` and the standard deviations
        are on the link scale, those of medians in log months. ``effect_sd`` is that of the average effect x b,
        ``predicted_sd`` that of the effect in the study, without the error of the figure, and ``sd`` the denominator of
        z. ``predicted_lower`` and ``predicted_upper`` are the 95% limits, on the natural scale, of the figure as
        predicted, or of the effect of the study where the patients are the same. ``reason`` says why a figure cannot be
        compared.
    """
    return [{**{key: row[key] for key in COLUMNS if key in row}, **_compared(row, model)} for row in unused]


def _compared(row: Row, model: Model) -> Result:
    if row["kind"] == "record":
        return {}
    posterior = model.solution.posterior
    lacking = [name for name in model.predictor.effects.needs if name not in parse_values(row["covariates"])]
    if lacking:
        return {"reason": f"the study does not give {', '.join(lacking)}, which the model needs"}
    if posterior is None:
        return {"reason": f"no exact posterior: {model.solution.reason}"}
    arms = _arms(row)
    predicted = average = new_study(_contrast(model.predictor, arms), posterior)
    same = row["patients"] == SAME_PATIENTS and row["study"] in model.studies
    if same:
        predicted = model.studies[row["study"]].effect(arms, posterior)
    effect_sd = float(posterior.mixture(average.rows[:1]).sd()[0])
    return {
        **_figures(row, model, predicted, same),
        "effect_sd": effect_sd,
        "prior_driven": model.prior_driven(arms),
    }


def _arms(row: Row) -> list[Arm]:
    """Read the comparator and the treatment of a row."""
    given = {"treatment_settings": "", "comparator_settings": "", **row}
    treatment, comparator = arms_of(given)
    return [comparator, treatment]


def _contrast(predictor: Predictor, arms: Sequence[Arm]) -> Floats:
    comparator, treatment = predictor.rows(arms)
    return np.asarray(treatment - comparator)


def _printed(row: Row, likelihood: str) -> tuple[float, float | None]:
    """Log ratio that is printed, of treatment against comparator, and its standard error."""
    if row["kind"] != "count":
        return float(row["effect"]), float(row["se"]) if row["se"] else None
    of_arms = LIKELIHOODS[likelihood]
    figures = [
        {"categories" if of_arms.is_ordered else "events": row[f"{end}_figure"], "n": row[f"n_{end}"]}
        for end in ("comparator", "treatment")
    ]
    counts = np.array([arm_counts(figure, of_arms) for figure in figures])
    start = np.array([0, 2])
    nothing = np.zeros(2)
    estimates, variances = approximated(
        CountData(of_arms.family, np.zeros(1, np.int64), start, counts, nothing, nothing[:, None])
    )
    return float(estimates[1] - estimates[0]), float(np.sqrt(variances.sum()))


def _figures(row: Row, model: Model, prediction: Prediction, same: bool) -> Result:
    """Put printed and predicted figures side by side, on the scale of the figure."""
    printed, se = _printed(row, model.settings.likelihood)
    months = row["kind"] == "median"
    base, sign = (log(float(row["comparator_figure"])), -1.0) if months else (0.0, 1.0)
    effect, figure = prediction.mixture(), prediction.mixture(0.0 if same else se or 0.0)
    predicted, predicted_sd = float(effect.mean()[0]), float(effect.sd()[0])
    sd = None if se is None else se if same else float(figure.sd()[0])
    below = float(figure.cdf(np.array([printed]))[0])
    ends = sorted(base + sign * float(end) for end in figure.quantiles(LIMITS)[:, 0])
    natural = exp if months or model.ratio else float
    return {
        "scale": LOG_MONTHS if months else f"log {model.measure}" if model.ratio else model.measure,
        "printed": base + sign * printed,
        "se": se,
        "predicted": base + sign * predicted,
        "predicted_sd": predicted_sd,
        "sd": sd,
        "z": None if sd is None else sign * (printed - predicted) / sd,
        "p_value": None if se is None or same else 2 * min(below, 1 - below),
        "printed_natural": natural(base + sign * printed),
        "predicted_natural": natural(base + sign * predicted),
        "predicted_lower": natural(ends[0]),
        "predicted_upper": natural(ends[1]),
    }
