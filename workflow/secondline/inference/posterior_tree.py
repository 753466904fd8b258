"""The posterior of a fit as one tree of named arrays: what posterior.nc holds."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from secondline.cell_values import OVERALL
from secondline.inference.fitted import Fitted
from secondline.network.data import NetworkData
from secondline.network.structure import Floats

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

_DIMENSIONS: Mapping[str, list[str]] = {"coefficients": ["coefficient"], "tau": ["group"], "omega": ["class"]}
"""Of every parameter, behind chain and draw; tau has the groups of studies where these have taus of their own, and
omega the classes where these have theirs."""


def posterior_tree(fitted: Fitted, log_likelihood: Floats, names: Mapping[str, str]) -> "DataTree":
    """Put everything that summaries and readers of a fit need into one tree.

    Parameters
    ----------
    fitted : Fitted
    log_likelihood : array, (chains * draws, studies)
        Of every study, its effects integrated out.
    names : mapping
        Analysis, outcome and model.

    Returns
    -------
    xarray.DataTree
        ``/posterior`` with coefficients, relative effects ``d``, tau and omega by chain and draw; ``/log_likelihood``;
        ``/observed_data``; ``/exact`` with covariances by prior and densities of tau and omega.
    """
    import xarray as xr

    chains, draws = fitted.attempt.parameters["coefficients"].shape[:2]
    by_study = ["chain", "draw", "study"], log_likelihood.reshape(chains, draws, -1)
    return xr.DataTree.from_dict(
        {
            "/": xr.Dataset(attrs=_attributes(fitted, names)),
            "/posterior": _posterior(fitted),
            "/log_likelihood": xr.Dataset({"study_log_likelihood": by_study}, {"study": list(fitted.fit.data.studies)}),
            "/observed_data": _observed(fitted.fit.data),
            "/exact": _exact(fitted),
        }
    )


def _attributes(fitted: Fitted, names: Mapping[str, str]) -> dict[str, Any]:
    from secondline.versions import versions

    fit, attempt, solution = fitted.fit, fitted.attempt, fitted.solution
    effects, classes = fit.data.predictor.effects, fit.data.predictor.classes_with_sds
    return {
        **names,
        "seed": fitted.seed,
        "converged": int(attempt.converged),
        "divergences": attempt.divergences,
        "exact_check": solution.status,
        "sds_solved": int(attempt.sds_solved),
        "log_evidence": solution.posterior.log_evidence() if solution.posterior else np.nan,
        "varies_by_setting": int(effects.settings),
        "centres": json.dumps(effects.centres),
        "versions": versions(),
        **({"groups": json.dumps(fit.data.groups.names)} if fit.data.groups.names else {}),
        **({"classes": json.dumps(classes)} if classes else {}),
        **fit.scales.attributes(),
    }


def _posterior(fitted: Fitted) -> "Dataset":
    import xarray as xr

    predictor, parameters = fitted.fit.data.predictor, fitted.attempt.parameters
    variables = {key: (["chain", "draw", *_DIMENSIONS[key]][: value.ndim], value) for key, value in parameters.items()}
    d = np.einsum("cdk,srk->cdsr", parameters["coefficients"], predictor.effect_rows(), optimize=True)
    variables["d"] = (["chain", "draw", "setting", "regimen"], d)
    chains, draws = parameters["coefficients"].shape[:2]
    coords = {
        "chain": range(chains),
        "draw": range(draws),
        "coefficient": predictor.names,
        "setting": [OVERALL, *predictor.structure.settings],
        "regimen": list(predictor.structure.regimens),
        **_own_names(fitted),
    }
    return xr.Dataset(variables, coords)


def _own_names(fitted: Fitted) -> dict[str, list[str]]:
    """Names of the groups of studies, and of the classes, that have standard deviations of their own."""
    data = fitted.fit.data
    found = {"group": data.groups.names, "class": data.predictor.classes_with_sds}
    return {dimension: list(names) for dimension, names in found.items() if names}


def _exact(fitted: Fitted) -> "Dataset":
    import xarray as xr

    fit, covariances = fitted.fit, fitted.covariances
    predictor = fit.data.predictor
    square = ["coefficient", "coefficient_2"]
    variables: dict[str, Any] = {
        "covariance": (["prior", *square], np.stack(list(covariances.pooled.values()))),
        "covariance_by_replicate": (["prior", "replicate", *square], np.stack(list(covariances.replicates.values()))),
        "effect_rows": (["setting", "regimen", "coefficient"], predictor.effect_rows()),
        "prior_sd": (["coefficient"], fit.scales.coefficients(predictor, fit.scales.omega.size)),
    }
    groups = fit.data.groups
    several = {"tau": ["group"] if groups.names else [], "omega": ["class"] if predictor.classes_with_sds else []}
    for key, names in (("tau", groups.taus), ("omega", predictor.omegas)):
        found = [fitted.density(name) for name in names if name in fitted.scales]
        if found:
            dimensions = [*several[key], f"{key}_point"]
            for part, values in zip(("grid", "density"), zip(*found, strict=True), strict=True):
                variables[f"{key}_{part}"] = dimensions, np.stack(values) if len(dimensions) > 1 else values[0]
    pairs = groups.of_pairs(predictor.structure.regimens)
    if pairs is not None:
        variables["pair_group"] = ["regimen", "regimen_2"], pairs
    return xr.Dataset(variables, {"prior": list(covariances.pooled), **_own_names(fitted)})


def _observed(data: NetworkData) -> "Dataset":
    import xarray as xr

    gaussian, counts = data.gaussian, data.counts
    variables: dict[str, Any] = {}
    if len(gaussian.y):
        variables["whitened_contrast"] = (["contrast"], gaussian.y)
        variables["heterogeneity"] = (["contrast"], gaussian.scales)
    if len(counts.study):
        variables["counts"] = (["arm", "column"], counts.counts)
        variables["offset"] = (["arm"], counts.offset)
    return xr.Dataset(variables)
