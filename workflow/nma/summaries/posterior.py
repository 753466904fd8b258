"""Draws of the relative effects, from a sampled posterior or from the exact engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from nma.inference.scales import PriorScales
from nma.inference.widening import Covariances
from nma.network.structure import Floats


@dataclass(frozen=True)
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
    centre: float | None = None
    """Value of the covariate at which effects are given; None for a model without one."""


def read_posterior(file: str) -> Posterior:
    """Read a posterior.nc written by a fit job."""
    import xarray as xr

    with xr.open_datatree(file, engine="h5netcdf") as tree:
        posterior, exact = tree["posterior"], tree["exact"]

        def flat(name: str) -> Floats | None:
            return posterior[name].to_numpy().reshape(-1) if name in posterior else None

        d = posterior["d"].to_numpy()
        scales = {field.name: float(tree.attrs[f"prior_{field.name}"]) for field in fields(PriorScales)}
        names = [str(name) for name in exact["prior"].to_numpy()]

        def by_prior(name: str) -> dict[str, Floats]:
            return dict(zip(names, exact[name].to_numpy(), strict=True))

        densities = {
            key: (exact[f"{key}_grid"].to_numpy(), exact[f"{key}_density"].to_numpy())
            for key in ("tau", "omega")
            if f"{key}_grid" in exact
        }
        return Posterior(
            d.reshape(-1, *d.shape[2:]),
            exact["effect_rows"].to_numpy(),
            exact["prior_sd"].to_numpy(),
            bool(tree.attrs["varies_by_setting"]),
            flat("tau"),
            flat("omega"),
            PriorScales(**scales),
            Covariances(by_prior("covariance"), by_prior("covariance_by_replicate")),
            bool(tree.attrs["converged"]),
            densities,
            len(d),
            _by_name(posterior["coefficients"]),
            float(tree.attrs["centre"]) if tree.attrs["covariate"] else None,
        )


def _by_name(coefficients: Any) -> dict[str, Floats]:
    values = coefficients.to_numpy()
    draws = values.reshape(-1, values.shape[-1]).T
    return {str(name): row for name, row in zip(coefficients["coefficient"].to_numpy(), draws, strict=True)}
