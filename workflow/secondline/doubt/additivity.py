"""Additivity of component effects: on how many counts the studies can contradict it, and what departure they show.

The degrees of freedom are those that the contrasts of the studies spend on regimens, each with an effect of its own,
beyond those that they spend on sums of components. An interaction of two components can be estimated where it lies
among them. It is estimated by generalised least squares at every tau of the posterior of the headline model, without
priors: with one, the two interactions that are a single test would differ. Counts enter by the normal approximation of
their arms, half a patient added to every group.

References
----------
Welton NJ et al. (2009) American Journal of Epidemiology 169:1158 (interactions of components).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import ndtr

from secondline.doubt.prediction import fitted_studies
from secondline.inference.exact import GridPosterior
from secondline.inference.generalised_least_squares import Unit
from secondline.inference.generalised_least_squares import fit as fit_given_tau
from secondline.inference.task import Fit
from secondline.network.arms import Arm, baseline_first, rows_with
from secondline.network.data import Row, network_data
from secondline.network.freedom import contrasts, possible_interactions
from secondline.network.loops import direct_comparisons
from secondline.network.overlap import Overlap
from secondline.network.predictor import Effects, Predictor
from secondline.network.structure import Structure
from secondline.summaries.freedom import DETECTABLE, freedom_rows

COLUMNS = (
    "kind",
    "name",
    "regimen_effects",
    "component_effects",
    "df",
    "estimable",
    "same_test",
    "same_interactions",
    "node_splits",
    "estimate",
    "sd",
    "z",
    "p_value",
    "detectable",
    "tau",
    "estimator",
)
LEAST_SQUARES, APPROXIMATE = "generalised least squares", ", counts by a normal approximation"
Result = dict[str, Any]


def additivity_rows(
    evidence: Sequence[Row],
    fit: Fit,
    likelihood: str,
    posterior: GridPosterior | None,
    overlaps: Sequence[Overlap] = (),
) -> list[Result]:
    """Describe what can contradict additivity.

    Parameters
    ----------
    evidence : rows
        Evidence table of the fit.
    fit : Fit
        The headline model. Departures of settings and exchangeable interactions, which have priors of their own, are
        left out of the tests.
    likelihood : str
    posterior : GridPosterior, optional
        Its posterior; without it no interaction is estimated.
    overlaps : sequence of Overlap

    Returns
    -------
    list of dict
        Rows with `COLUMNS`. The first, ``total``, has the numbers of effects that the studies tell apart, those of
        regimens and those of components, and the difference, ``df``. One ``interaction`` follows for every pair of
        components that a regimen combines and whose effects the model adds. ``same_test`` numbers directions:
        interactions and node-splits of one number are one test, and are named. ``sd`` includes the
        uncertainty of tau; ``detectable`` is the interaction that a two-sided test at 5% detects with 80% power.
    """
    structure = fit.data.predictor.structure
    effects = replace(fit.data.predictor.effects, settings=False, varying=None)
    rows = rows_with(evidence, effects.needs)
    arms = baseline_first(rows)
    comparisons = direct_comparisons(arms, structure)
    tests = freedom_rows(rows, structure, likelihood, effects, comparisons, overlaps, fit.data.bias)[1:]
    numbers = {test["name"]: test["same_test"] for test in tests if test["kind"] == "interaction"}
    result = [{"kind": "total", **_freedom(arms, structure, effects)}]
    for pair in possible_interactions(arms, structure, effects):
        name = "*".join(pair)
        row: Result = {"kind": "interaction", "name": name, "estimable": name in numbers}
        if name in numbers:
            row |= {"df": 1, "same_test": numbers[name], **_one_test(name, numbers[name], tests)}
        if name in numbers and posterior:
            added = replace(effects, interactions=(*effects.interactions, pair))
            with_it = Fit(network_data(rows, structure, likelihood, added, overlaps, fit.data.bias), fit.scales)
            studies = fitted_studies(with_it, rows, likelihood, overlaps)
            at = with_it.data.predictor.names.index(f"beta[{name}]")
            row |= _estimate(list({id(one.unit): one.unit for one in studies.values()}.values()), at, posterior)
            row["estimator"] = f"{LEAST_SQUARES}{APPROXIMATE if len(fit.data.counts.study) else ''}"
        result.append(row)
    return result


def _freedom(arms: Sequence[Arm], structure: Structure, effects: Effects) -> Result:
    components = Predictor(structure, effects).estimated
    own = Predictor(structure, replace(components.effects, regimen_level=True, interactions=()))
    regimens, sums = (int(np.linalg.matrix_rank(contrasts(arms, each))) for each in (own, components))
    return {"regimen_effects": regimens, "component_effects": sums, "df": regimens - sums}


def _one_test(name: str, number: int, tests: Sequence[Mapping[str, Any]]) -> Result:
    """Name the other interactions and the node-splits of one direction."""
    same = [test for test in tests if test["same_test"] == number and test["name"] != name]
    return {
        "same_interactions": "; ".join(test["name"] for test in same if test["kind"] == "interaction"),
        "node_splits": "; ".join(test["name"] for test in same if test["kind"] == "split"),
    }


def _estimate(units: Sequence[Unit], at: int, posterior: GridPosterior) -> Result:
    """Estimate one coefficient by generalised least squares, averaged over the posterior of tau."""
    weights = posterior.component_weights().sum(axis=(0, 2)).reshape(len(posterior.tau.points), -1).sum(axis=1)
    fits = [fit_given_tau(units, float(tau)) for tau in posterior.tau.points]
    estimates = np.array([fit.estimates[at] for fit in fits])
    estimate, within = float(weights @ estimates), float(weights @ [fit.covariance[at, at] for fit in fits])
    sd = float(np.sqrt(within + weights @ (estimates - estimate) ** 2))
    return {
        "estimate": estimate,
        "sd": sd,
        "z": estimate / sd,
        "p_value": float(2 * ndtr(-abs(estimate / sd))),
        "detectable": DETECTABLE * float(np.sqrt(within)),
        "tau": float(weights @ posterior.tau.points),
    }
