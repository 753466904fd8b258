"""Inconsistency: unrelated mean effects and node-splitting, beside the consistency model.

References
----------
Dias S, Welton NJ, Caldwell DM, Ades AE (2010) Statistics in Medicine 29:932 (node-splitting).
Dias S et al. (2011) NICE DSU TSD4 (unrelated mean effects, comparison of deviances).
van Valkenhoef G et al. (2016) Research Synthesis Methods 7:80 (which comparisons to split).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from secondline.cell_values import OVERALL
from secondline.cells import split_name
from secondline.inference import diagnostics, exact, fit_statistics
from secondline.inference.leave_one_out import leave_one_out
from secondline.inference.reliability import solve, solve_reliably
from secondline.inference.sampling import fit_seed
from secondline.inference.settings import FitSettings
from secondline.inference.task import Fit
from secondline.inference.widening import PRIOR_DRIVEN, Covariances, prior_covariances
from secondline.network.arms import Arm, baseline_first, rows_with, used_arms
from secondline.network.data import network_data
from secondline.network.graph import label_contrasts
from secondline.network.loops import Comparison, direct_comparisons
from secondline.network.predictor import Effects, node, split_baseline
from secondline.network.structure import Floats, Structure
from secondline.summaries.freedom import COLUMNS as FREEDOM_COLUMNS
from secondline.summaries.freedom import freedom_rows
from secondline.summaries.settings import SummarySettings
from secondline.tables import read_table, write_table

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
    "label",
    "prior_sensitivity",
    "same_test",
    "multi_arm",
)
UNRELATED_COLUMNS = (
    "treatment",
    "comparator",
    "model",
    "measure",
    *ESTIMATE_COLUMNS,
    "interval",
    "converged",
    "multi_arm",
)
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
    unreliable: str
    """Why the engine cannot be relied on; empty if it can."""
    ratio: bool
    measure: str
    covariances: Covariances | None = None
    """By prior, of the models whose effects are labelled."""

    @property
    def converged(self) -> bool:
        """Whether the engine finds itself reliable."""
        return not self.unreliable

    def reach(self, row: Floats, label: str) -> dict[str, Any]:
        """Label a combination of coefficients by the evidence rule: prior-driven where a wider prior widens it."""
        if self.covariances is None:  # the engine cannot tell: nothing says that the data carry it
            return {"label": "prior_driven", "prior_sensitivity": None}
        widening = float(self.covariances.widening(row[None, :])[0][0])
        return {"label": "prior_driven" if widening > PRIOR_DRIVEN else label, "prior_sensitivity": widening}

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
    evidence: str,
    fit: FitSettings,
    summary: SummarySettings,
    model: str,
    folder: Path,
    headline: tuple[str, str],
) -> None:
    """Fit the unrelated mean effects and every node-split by the exact engine, and write their tables.

    Parameters
    ----------
    evidence : path
        The evidence table of the fits.
    fit, summary : mapping
        From `secondline.jobs.settings.fit_settings` and `secondline.jobs.settings.summary_settings`.
    model : str
        The consistency model whose heterogeneity and priors are used.
    folder : path
        results/<analysis>/<outcome>/inconsistency
    """
    structure = Structure.of(fit.treatments)
    effects, scales = fit.models[model].effects, fit.models[model].prior
    rows = rows_with(read_table(evidence), effects.needs)

    def fitted(name: str, variant: Effects) -> _Fitted:
        data = network_data(rows, structure, fit.likelihood, variant, fit.overlaps, fit.bias)
        solution = solve(data, scales)
        if not solution.posterior:
            solution = solve_reliably(data, scales)
        grid = solution.found
        if grid is None:
            raise ArithmeticError(f"{name}: {solution.reason}")
        wider = None if variant.unrelated else prior_covariances(data, scales, grid, decide=False)
        k = diagnostics.pareto_k(grid)
        return _Fitted(name, Fit(data, scales), grid, k, solution.reason, summary.ratio, summary.measure, wider)

    consistent = fitted("consistency", effects)
    pairwise = Effects(unrelated=True, slopes=effects.slopes, baseline_risk=effects.baseline_risk)
    unrelated = fitted("unrelated", pairwise)
    arms = used_arms(rows)
    comparisons = direct_comparisons(arms, structure, effects)
    tests = freedom_rows(rows, structure, fit.likelihood, effects, comparisons, fit.overlaps, fit.bias)
    splits = {
        (c.treatment, c.comparator): fitted(
            split_name(c.treatment, c.comparator), replace(effects, split=(c.treatment, c.comparator))
        )
        for c in comparisons
        if not c.reason
    }
    comparisons, splits = _relied_on(comparisons, splits)
    all_fits = [consistent, unrelated, *splits.values()]
    seed = fit_seed(fit.seed, fit.analysis, fit.outcome, "inconsistency")
    assessed = {item.name: _assess(item, seed) for item in all_fits}
    statistics, consistent_points = map(read_table, headline)
    write_table(folder / "degrees_of_freedom.csv", tests, FREEDOM_COLUMNS)
    write_table(folder / "node_splits.csv", _split_rows(comparisons, splits, consistent, tests, arms), SPLIT_COLUMNS)
    write_table(folder / "unrelated_effects.csv", _unrelated_rows(unrelated, consistent, rows), UNRELATED_COLUMNS)
    fitted_rows = [_statistics(item, assessed[item.name]) for item in all_fits]
    fitted_rows[0] |= {key: statistics[0][key] for key in fit_statistics.COLUMNS}
    write_table(folder / "fit_statistics.csv", fitted_rows, FIT_COLUMNS)
    free_points = fit_statistics.point_rows(assessed[unrelated.name], unrelated.fit.data)
    points = [{"model": consistent.name, **row} for row in consistent_points]
    points += [{"model": unrelated.name, **row} for row in free_points]
    write_table(folder / "data_points.csv", points, POINT_COLUMNS)


def _relied_on(
    comparisons: Sequence[Comparison], splits: Mapping[tuple[str, str], _Fitted]
) -> tuple[list[Comparison], dict[tuple[str, str], _Fitted]]:
    """Take out the splits on which the engine cannot be relied: their comparisons are not assessed, and say why."""
    reasons = {pair: f"no exact posterior: {item.unreliable}" for pair, item in splits.items() if item.unreliable}
    kept = {pair: item for pair, item in splits.items() if pair not in reasons}
    said = [replace(c, reason=reasons.get((c.treatment, c.comparator), c.reason)) for c in comparisons]
    return said, kept


def _assess(item: _Fitted, seed: int) -> fit_statistics.Fit:
    coefficients, tau, _ = item.grid.draws(DRAWS, seed)
    return fit_statistics.assess(item.fit.data, fit_statistics.Draws(coefficients, tau), item.fit.scales)


def _statistics(item: _Fitted, assessed: fit_statistics.Fit) -> dict[str, Any]:
    log_likelihood = assessed.log_likelihood.reshape(4, DRAWS // 4, -1)
    left_out = leave_one_out(item.fit.data, item.fit.scales, item.grid, log_likelihood)
    statistics, _ = fit_statistics.summarise_fit(assessed, item.fit.data, left_out)
    tau: dict[str, Any] = {}
    if item.fit.scales.tau.is_free:
        lower, median, upper = item.grid.scale_quantiles("tau", np.array([0.025, 0.5, 0.975]))
        tau = {"tau_lower": lower, "tau_median": median, "tau_upper": upper}
    return {"model": item.name, **statistics, **tau, "pareto_k": item.pareto_k, "converged": item.converged}


def _split_rows(
    comparisons: Sequence[Comparison],
    splits: Mapping[tuple[str, str], _Fitted],
    consistent: _Fitted,
    tests: Sequence[Mapping[str, Any]],
    arms: Sequence[Arm],
) -> Rows:
    rows: Rows = []
    structure, effects = consistent.fit.data.predictor.structure, consistent.fit.data.predictor.effects
    numbers = {row["name"]: row["same_test"] for row in tests if row["kind"] == "split"}
    labels = {
        (row["treatment"], row["comparator"]): row["structure"]
        for row in label_contrasts(arms, structure, effects)
        if row["setting"] == OVERALL
    }
    for comparison in comparisons:
        t, c = comparison.treatment, comparison.comparator
        shared = {
            "treatment": t,
            "comparator": c,
            "studies": "; ".join(comparison.studies),
            "assessable": not comparison.reason,
            "reason": comparison.reason,
            "same_test": numbers.get(f"{t} against {c}"),
            "multi_arm": _split_rule(comparison, arms, structure),
        }
        both = consistent.contrast(t, c)
        network = {**consistent.estimate(both), **consistent.reach(both, labels[t, c])}
        rows.append({**shared, "evidence": "network", **network})
        if not comparison.reason:
            rows += [{**shared, **row} for row in _sides(splits[t, c], t, c)]
    return rows


def _sides(split: _Fitted, t: str, c: str) -> Rows:
    """Direct and indirect evidence and their difference, which is prior-driven where one of them is."""
    direct, indirect = split.coefficient(f"direct[{t},{c}]"), split.contrast(t, c)
    sides = [
        {"evidence": evidence, **split.estimate(row), **split.reach(row, evidence)}
        for evidence, row in (("direct", direct), ("indirect", indirect))
    ]
    difference = {**split.estimate(direct - indirect), **split.reach(direct - indirect, "")}
    weak = any(side["label"] == "prior_driven" for side in sides)
    difference |= {
        "label": "prior_driven" if weak else difference["label"],
        "p_value": split.p_value(direct - indirect),
    }
    return [*sides, {"evidence": "difference", **difference}]


def _split_rule(comparison: Comparison, arms: Sequence[Arm], structure: Structure) -> str:
    """Say which of the two is the baseline where a study of more than two arms has both; nothing otherwise."""
    sizes = Counter(arm.study for arm in arms)
    large = [study for study in comparison.studies if sizes[study] > 2]
    baseline = split_baseline((comparison.treatment, comparison.comparator), structure)
    return f"{baseline} is the baseline of {', '.join(large)}" if large else ""


def _unrelated_rows(unrelated: _Fitted, consistent: _Fitted, evidence: Sequence[Mapping[str, str]]) -> Rows:
    rows: Rows = []
    structure = consistent.fit.data.predictor.structure
    for t, c in unrelated.fit.data.predictor.pairs:
        names = {"treatment": t, "comparator": c, "multi_arm": _unrelated_rule((t, c), evidence, structure)}
        rows.append({**names, "model": "unrelated", **unrelated.estimate(unrelated.coefficient(f"d[{t},{c}]"))})
        if {t, c} <= set(structure.regimens):
            rows.append({**names, "model": "consistency", **consistent.estimate(consistent.contrast(t, c))})
    return rows


def _unrelated_rule(pair: tuple[str, str], evidence: Sequence[Mapping[str, str]], structure: Structure) -> str:
    """Say against which arm the studies of more than two arms that have a pair are taken; nothing without any."""
    found = []
    for study, group in groupby(baseline_first(evidence), key=lambda arm: arm.study):
        names = [node(arm, structure) for arm in group]
        if len(names) > 2 and set(pair) <= set(names):
            found.append(f"{study} against {names[0]}")
    return "; ".join(found)
