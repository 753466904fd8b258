"""How much of a network can be contradicted: degrees of freedom of inconsistency, and what each test of them could see.

A node-split and an interaction of components are estimated by generalised least squares without heterogeneity and
without priors: the smallest standard error that the studies allow, so that the effect detectable with 80% power is a
lower limit. Networks with counts have no such estimate; their degrees of freedom are counted all the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from secondline.inference.generalised_least_squares import fit as fit_given_tau
from secondline.inference.generalised_least_squares import gaussian_units
from secondline.likelihoods import LIKELIHOODS
from secondline.network.arms import baseline_first, is_contrast, used_rows
from secondline.network.bias import Bias
from secondline.network.data import contrast_blocks
from secondline.network.freedom import contrasts, freedom, possible_interactions, same_tests
from secondline.network.loops import Comparison
from secondline.network.overlap import Overlap
from secondline.network.predictor import Effects, Predictor
from secondline.network.structure import Floats, Structure

COLUMNS = (
    "kind",
    "name",
    "contrasts",
    "effects",
    "df",
    "same_test",
    "estimate",
    "se",
    "p_value",
    "detectable",
)
DETECTABLE = float(ndtri(0.975) + ndtri(0.80))  # in standard errors: with 80% power, two-sided 5%

Row = Mapping[str, str]
Rows = list[dict[str, Any]]


def freedom_rows(
    evidence: Sequence[Row],
    structure: Structure,
    likelihood: str,
    effects: Effects,
    comparisons: Sequence[Comparison],
    overlaps: Sequence[Overlap] = (),
    bias: Bias | None = None,
) -> Rows:
    """Count the degrees of freedom, and describe every test of them; ``same_test`` numbers those that are one.

    Parameters
    ----------
    evidence : rows
        Evidence table of the fits.
    effects : Effects
        The consistency model; departures of settings and exchangeable interactions, which have priors of their own, are
        left out.
    comparisons : sequence of Comparison
        Comparisons with direct evidence; those that can be split are tests.
    overlaps : sequence of Overlap
        Patients whom studies share.
    bias : Bias, optional
        Taken from the studies.
    """
    effects = replace(effects, settings=False, varying=None)
    arms = baseline_first(evidence)
    plain = Predictor.build(structure, effects, arms)
    counted, rows = freedom(arms, plain), contrasts(arms, plain)
    variants = _variants(structure, effects, comparisons, possible_interactions(arms, structure, effects))
    columns, estimates = {}, {}
    for (kind, name), (variant, coefficient) in variants.items():
        predictor = Predictor.build(structure, variant, arms)
        at = predictor.names.index(coefficient)
        columns[f"{kind} {name}"] = contrasts(arms, predictor)[:, at]
        estimates[f"{kind} {name}"] = _estimate(evidence, likelihood, (plain, predictor), at, overlaps, bias)
    tests = same_tests(rows, columns)
    total = {"kind": "total", "contrasts": counted.contrasts, "effects": counted.effects, "df": counted.df}
    return [
        total,
        *(
            {"kind": kind, "name": name, "df": 1, "same_test": tests[key], **estimates[key]}
            for kind, name in variants
            if tests[key := f"{kind} {name}"]
        ),
    ]


Variants = dict[tuple[str, str], tuple[Effects, str]]


def _variants(
    structure: Structure, effects: Effects, comparisons: Sequence[Comparison], pairs: Sequence[tuple[str, str]]
) -> Variants:
    """Name every test, with the model that has it and its coefficient."""
    result: Variants = {}
    for c in comparisons:
        if not c.reason:
            pair = (c.treatment, c.comparator)
            name = f"{c.treatment} against {c.comparator}"
            result["split", name] = replace(effects, split=pair), f"direct[{','.join(pair)}]"
    for pair in pairs:
        result["interaction", "*".join(pair)] = _with(effects, pair), f"beta[{'*'.join(pair)}]"
    return result


def _with(effects: Effects, pair: tuple[str, str]) -> Effects:
    return replace(effects, interactions=(*effects.interactions, pair))


def _estimate(
    evidence: Sequence[Row],
    likelihood: str,
    predictors: tuple[Predictor, Predictor],
    at: int,
    overlaps: Sequence[Overlap],
    bias: Bias | None,
) -> dict[str, Any]:
    """Estimate what a test adds to the consistency model, the first predictor; nothing for networks with counts."""
    plain, predictor = predictors
    if not LIKELIHOODS[likelihood].is_gaussian and not all(is_contrast(row) for row in used_rows(evidence)):
        return {}
    added = [block.rows[:, [at]] for block in contrast_blocks(evidence, predictor, likelihood)]
    columns = np.vstack([np.zeros((0, 1)), *added])
    fit = fit_given_tau(gaussian_units(evidence, plain, likelihood, overlaps, columns, bias), 0.0)
    wanted: Floats = np.eye(plain.n_coefficients + 1)[-1]
    if not fit.estimable(wanted):
        return {}
    value, se = float(fit.estimates[-1]), float(np.sqrt(fit.covariance[-1, -1]))
    return {"estimate": value, "se": se, "p_value": float(2 * ndtr(-abs(value / se))), "detectable": DETECTABLE * se}
