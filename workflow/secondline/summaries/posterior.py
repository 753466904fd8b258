"""Draws of the relative effects, from a sampled posterior or from the exact engine."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from secondline.inference.fitted import Fitted
from secondline.inference.grid import density_quantiles, density_summary
from secondline.inference.priors import PriorScales
from secondline.inference.widening import Covariances
from secondline.network.structure import Floats


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """Everything a summary needs of one fit.

    ``effects`` holds the effect of every regimen against the reference, (draws, 1 + settings, regimens), overall first;
    ``effect_rows`` the same as rows of coefficients, (1 + settings, regimens, coefficients); ``prior_sd`` the prior
    standard deviations of the coefficients, those of departures at the scale of omega; ``covariances`` the posterior
    covariances of the coefficients by prior: as fitted, and with every prior scale of the model doubled.
    """

    effects: Floats
    effect_rows: Floats
    prior_sd: Floats
    varies_by_setting: bool
    tau: Floats | None
    omega: Floats | None
    scales: PriorScales
    covariances: Covariances
    converged: bool
    densities: Mapping[str, tuple[Floats, Floats]]
    """Exact posterior densities of tau and omega on a grid."""
    chains: int = 1
    """Chains that the draws came from, one after the other and of one length."""
    coefficients: Mapping[str, Floats] = field(default_factory=dict)
    """Draws of every coefficient of the linear predictor by name, (draws,)."""
    centres: Mapping[str, float] = field(default_factory=dict)
    """Value of every covariate of the model at which effects are given."""
    solved_scales: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Mean, sd, median, lower and upper of tau and omega where they were solved: their draws are points of a grid."""


def posterior_of(fitted: Fitted) -> Posterior:
    """Take what the summaries need from a fit in memory; `read_posterior` gives the same of a file."""
    fit, parameters = fitted.fit, fitted.attempt.parameters
    predictor = fit.data.predictor
    effects, effect_rows, coefficients = predictor.effects, predictor.effect_rows(), parameters["coefficients"]
    d = np.einsum("cdk,srk->cdsr", coefficients, effect_rows, optimize=True)
    draws = coefficients.reshape(-1, coefficients.shape[-1]).T
    return Posterior(
        effects=d.reshape(-1, *d.shape[2:]),
        effect_rows=effect_rows,
        prior_sd=fit.scales.coefficients(predictor, fit.scales.omega.size),
        varies_by_setting=effects.settings,
        tau=parameters["tau"].reshape(-1) if "tau" in parameters else None,
        omega=parameters["omega"].reshape(-1) if "omega" in parameters else None,
        scales=fit.scales,
        covariances=fitted.covariances,
        converged=fitted.attempt.converged,
        densities={name: fitted.density(name) for name in fitted.scales},
        chains=len(d),
        coefficients=dict(zip(predictor.names, draws, strict=True)),
        centres=effects.centres,
        solved_scales=_solved_scales(fitted),
    )


def _solved_scales(fitted: Fitted) -> dict[str, dict[str, float]]:
    grid = fitted.solution.posterior
    if grid is None or not fitted.attempt.on_grid:
        return {}
    result = {}
    for name in fitted.scales:
        x, density = grid.marginal(name)
        mean, sd, lower, upper = density_summary(x, density).tolist()
        (median,) = density_quantiles(x, density, np.array([0.5])).tolist()
        result[name] = {"mean": mean, "sd": sd, "median": median, "lower": lower, "upper": upper}
    return result


def read_posterior(file: str) -> Posterior:
    """Read a posterior.nc written by a fit job."""
    import xarray as xr

    with xr.open_datatree(file, engine="h5netcdf") as tree:
        posterior, exact = tree["posterior"], tree["exact"]

        def flat(name: str) -> Floats | None:
            return posterior[name].to_numpy().reshape(-1) if name in posterior else None

        d = posterior["d"].to_numpy()
        names = [str(name) for name in exact["prior"].to_numpy()]

        def by_prior(name: str) -> dict[str, Floats]:
            return dict(zip(names, exact[name].to_numpy(), strict=True))

        densities = {
            key: (exact[f"{key}_grid"].to_numpy(), exact[f"{key}_density"].to_numpy())
            for key in ("tau", "omega")
            if f"{key}_grid" in exact
        }
        return Posterior(
            effects=d.reshape(-1, *d.shape[2:]),
            effect_rows=exact["effect_rows"].to_numpy(),
            prior_sd=exact["prior_sd"].to_numpy(),
            varies_by_setting=bool(tree.attrs["varies_by_setting"]),
            tau=flat("tau"),
            omega=flat("omega"),
            scales=PriorScales.of_attributes(tree.attrs),
            covariances=Covariances(by_prior("covariance"), by_prior("covariance_by_replicate")),
            converged=bool(tree.attrs["converged"]),
            densities=densities,
            chains=len(d),
            coefficients=_by_name(posterior["coefficients"]),
            centres=json.loads(tree.attrs["centres"]),
        )


def _by_name(coefficients: Any) -> dict[str, Floats]:
    values = coefficients.to_numpy()
    draws = values.reshape(-1, values.shape[-1]).T
    return {str(name): row for name, row in zip(coefficients["coefficient"].to_numpy(), draws, strict=True)}


def draws_summary(draws: Floats) -> dict[str, float]:
    """Mean, standard deviation, median and 95% equal-tailed limits of the draws of a parameter."""
    lower, median, upper = np.quantile(draws, [0.025, 0.5, 0.975])
    return {"mean": draws.mean(), "sd": draws.std(ddof=1), "median": median, "lower": lower, "upper": upper}
