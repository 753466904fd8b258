"""Inconsistency: unrelated mean effects and node-splitting, beside the consistency model.

References
----------
Dias S, Welton NJ, Caldwell DM, Ades AE (2010) Statistics in Medicine 29:932 (node-splitting).
Dias S et al. (2011) NICE DSU TSD4 (unrelated mean effects, comparison of deviances).
van Valkenhoef G et al. (2016) Research Synthesis Methods 7:80 (which comparisons to split).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nma.inference import diagnostics, exact, fit_statistics
from nma.inference.fit import Fit
from nma.inference.leave_one_out import leave_one_out
from nma.inference.sampling import fit_seed
from nma.inference.scales import PriorScales
from nma.network.arms import used_arms
from nma.network.data import network_data
from nma.network.loops import Comparison, direct_comparisons
from nma.network.predictor import Effects
from nma.network.structure import Floats, Structure
from nma.tables import read_table, write_table

ESTIMATE_COLUMNS = ("mean", "sd", "median", "lower", "upper", "estimate", "estimate_lower", "estimate_upper")
SPLIT_COLUMNS = (
    "treatment",
    "comparator",
    "evidence",
    "measure",
    *ESTIMATE_COLUMNS,
    "p_value",
    "studies",
    "assessable",
    "reason",
    "interval",
    "converged",
)
UNRELATED_COLUMNS = ("treatment", "comparator", "model", "measure", *ESTIMATE_COLUMNS, "interval", "converged")
FIT_COLUMNS = ("model", *fit_statistics.COLUMNS, "tau_median", "tau_lower", "tau_upper", "pareto_k", "converged")
POINT_COLUMNS = ("model", *fit_statistics.POINT_COLUMNS)
INTERVAL = "95% equal-tailed credible"
DRAWS = 2000  # from the exact posterior, for deviances

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class _Fitted:
    """A model fitted by the exact engine."""

    name: str
    fit: Fit
    grid: exact.GridPosterior
    pareto_k: float | None
    ratio: bool
    measure: str

    @property
    def converged(self) -> bool:
        return self.pareto_k is None or self.pareto_k <= diagnostics.MAX_PARETO_K

    def estimate(self, row: Floats) -> dict[str, Any]:
        """Posterior of a combination of coefficients, on the link and on the natural scale."""
        mixture = self.grid.mixture(row[None, :])
        lower, median, upper = mixture.quantiles(np.array([0.025, 0.5, 0.975]))[:, 0]
        natural = np.exp if self.ratio else np.asarray
        return {
            "measure": self.measure,
            "mean": mixture.mean()[0],
            "sd": mixture.sd()[0],
            "median": median,
            "lower": lower,
            "upper": upper,
            "estimate": float(natural(median)),
            "estimate_lower": float(natural(lower)),
            "estimate_upper": float(natural(upper)),
            "interval": INTERVAL,
            "converged": self.converged,
        }

    def p_value(self, row: Floats) -> float:
        """Two-sided Bayesian p-value of a combination of coefficients against 0."""
        below = float(self.grid.mixture(row[None, :]).cdf(np.zeros(1))[0])
        return 2 * min(below, 1 - below)

    def contrast(self, treatment: str, comparator: str) -> Floats:
        """Row of a consistent relative effect, overall."""
        predictor = self.fit.data.predictor
        index = predictor.structure.regimens.index
        rows = predictor.effect_rows()[0]
        return np.asarray(rows[index(treatment)] - rows[index(comparator)])

    def coefficient(self, name: str) -> Floats:
        """Row of one coefficient."""
        predictor = self.fit.data.predictor
        return np.asarray(np.eye(predictor.n_coefficients)[predictor.names.index(name)])


def assess_inconsistency(
    evidence: str, fit: Mapping[str, Any], summary: Mapping[str, Any], model: str, folder: Path
) -> None:
    """Fit the unrelated mean effects and every node-split by the exact engine, and write their tables.

    Parameters
    ----------
    evidence : path
        The evidence table of the fits.
    fit, summary : mapping
        From `nma.plan.fit_settings` and `nma.plan.summary_settings`.
    model : str
        The consistency model whose heterogeneity and priors are used.
    folder : path
        results/<analysis>/<outcome>/inconsistency
    """
    rows = read_table(evidence)
    structure = Structure.from_settings(fit["structure"])
    chosen = fit["models"][model]
    effects, scales = Effects.from_settings(chosen["effects"]), PriorScales(**chosen["prior"])

    def fitted(name: str, variant: Effects) -> _Fitted:
        data = network_data(rows, structure, fit["likelihood"], variant)
        grid = exact.posterior(data, scales)
        return _Fitted(name, Fit(data, scales), grid, diagnostics.pareto_k(grid), summary["ratio"], summary["measure"])

    consistent = fitted("consistency", effects)
    unrelated = fitted("unrelated", replace(effects, unrelated=True, settings=False, classes={}, interactions=()))
    comparisons = direct_comparisons(used_arms(rows), structure)
    splits = {
        (c.treatment, c.comparator): fitted(
            f"split {c.treatment} against {c.comparator}", replace(effects, split=(c.treatment, c.comparator))
        )
        for c in comparisons
        if not c.reason
    }
    all_fits = [consistent, unrelated, *splits.values()]
    seed = fit_seed(fit["seed"], fit["analysis"], fit["outcome"], "inconsistency")
    assessed = {item.name: _assess(item, seed) for item in all_fits}
    write_table(folder / "node_splits.csv", _split_rows(comparisons, splits, consistent), SPLIT_COLUMNS)
    write_table(folder / "unrelated_effects.csv", _unrelated_rows(unrelated, consistent), UNRELATED_COLUMNS)
    write_table(
        folder / "fit_statistics.csv", [_statistics(item, assessed[item.name]) for item in all_fits], FIT_COLUMNS
    )
    points = [
        {"model": item.name, **row}
        for item in (consistent, unrelated)
        for row in fit_statistics.point_rows(assessed[item.name], item.fit.data)
    ]
    write_table(folder / "data_points.csv", points, POINT_COLUMNS)


def _assess(item: _Fitted, seed: int) -> fit_statistics.Fit:
    coefficients, tau, _ = item.grid.draws(DRAWS, seed)
    return fit_statistics.assess(item.fit.data, fit_statistics.Draws(coefficients, tau), item.fit.scales)


def _statistics(item: _Fitted, assessed: fit_statistics.Fit) -> dict[str, Any]:
    log_likelihood = assessed.log_likelihood.reshape(4, DRAWS // 4, -1)
    left_out = leave_one_out(item.fit.data, item.fit.scales, item.grid, log_likelihood)
    statistics, _ = fit_statistics.summarise_fit(assessed, item.fit.data, left_out)
    tau: dict[str, Any] = {}
    if item.fit.scales.tau:
        lower, median, upper = item.grid.scale_quantiles("tau", np.array([0.025, 0.5, 0.975]))
        tau = {"tau_lower": lower, "tau_median": median, "tau_upper": upper}
    return {"model": item.name, **statistics, **tau, "pareto_k": item.pareto_k, "converged": item.converged}


def _split_rows(
    comparisons: Sequence[Comparison], splits: Mapping[tuple[str, str], _Fitted], consistent: _Fitted
) -> Rows:
    rows: Rows = []
    for comparison in comparisons:
        t, c = comparison.treatment, comparison.comparator
        shared = {
            "treatment": t,
            "comparator": c,
            "studies": "; ".join(comparison.studies),
            "assessable": not comparison.reason,
            "reason": comparison.reason,
        }
        rows.append({**shared, "evidence": "network", **consistent.estimate(consistent.contrast(t, c))})
        if comparison.reason:
            continue
        split = splits[t, c]
        direct, indirect = split.coefficient(f"direct[{t},{c}]"), split.contrast(t, c)
        for evidence, row in (("direct", direct), ("indirect", indirect), ("difference", direct - indirect)):
            p_value = split.p_value(row) if evidence == "difference" else None
            rows.append({**shared, "evidence": evidence, **split.estimate(row), "p_value": p_value})
    return rows


def _unrelated_rows(unrelated: _Fitted, consistent: _Fitted) -> Rows:
    rows: Rows = []
    regimens = consistent.fit.data.predictor.structure.regimens
    for t, c in unrelated.fit.data.predictor.pairs:
        names = {"treatment": t, "comparator": c}
        rows.append({**names, "model": "unrelated", **unrelated.estimate(unrelated.coefficient(f"d[{t},{c}]"))})
        if t in regimens and c in regimens:
            rows.append({**names, "model": "consistency", **consistent.estimate(consistent.contrast(t, c))})
    return rows
