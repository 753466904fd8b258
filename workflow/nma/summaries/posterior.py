"""Draws of the relative effects, from a sampled posterior or from the exact engine."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nma.inference.scales import PriorScales
from nma.network.design import Floats, Structure


@dataclass(frozen=True)
class Posterior:
    """Everything a summary needs of one fit.

    ``effects`` holds the effect of every regimen against the reference, (draws, 1 + settings, regimens), overall first;
    ``covariances`` the posterior covariance of the stacked coefficients by prior: ``fitted``, ``effect_doubled`` and,
    where the model has settings, ``omega_doubled``.
    """

    effects: Floats
    tau: Floats | None
    omega: Floats | None
    scales: PriorScales
    covariances: Mapping[str, Floats]
    converged: bool
    densities: Mapping[str, tuple[Floats, Floats]]
    """Exact posterior densities of tau and omega on a grid."""


def read_posterior(file: str) -> Posterior:
    """Read a posterior.nc written by a fit job."""
    import xarray as xr

    with xr.open_datatree(file, engine="h5netcdf") as tree:
        posterior, exact = tree["posterior"], tree["exact"]

        def flat(name: str) -> Floats | None:
            return posterior[name].to_numpy().reshape(-1) if name in posterior else None

        d = posterior["d"].to_numpy()
        scales = {key: float(tree.attrs[f"prior_{key}"]) for key in ("effect", "tau", "omega", "baseline")}
        names = [str(name) for name in exact["prior"].to_numpy()]
        densities = {
            key: (exact[f"{key}_grid"].to_numpy(), exact[f"{key}_density"].to_numpy())
            for key in ("tau", "omega")
            if f"{key}_grid" in exact
        }
        return Posterior(
            d.reshape(-1, *d.shape[2:]),
            flat("tau"),
            flat("omega"),
            PriorScales(**scales),
            dict(zip(names, exact["covariance"].to_numpy(), strict=True)),
            bool(tree.attrs["converged"]),
            densities,
        )


def prior_variance(rows: Floats, structure: Structure, scales: PriorScales) -> Floats:
    """Marginal prior variance of linear combinations of the coefficients; E[omega^2] is omega's prior scale squared."""
    p = len(structure.components)
    return np.asarray((rows[..., :p] ** 2).sum(-1) * scales.effect**2 + (rows[..., p:] ** 2).sum(-1) * scales.omega**2)
