"""Heterogeneity: tau and omega, and what the data added to their priors."""

from typing import Any

import numpy as np

from secondline.network.class_sds import omega_names
from secondline.network.structure import Floats
from secondline.network.study_groups import tau_names
from secondline.sd_prior import SdPrior
from secondline.summaries.posterior import Posterior

COLUMNS = ("parameter", "mean", "sd", "median", "lower", "upper", "prior", "prior_overlap", "engine")
DENSITY_COLUMNS = ("parameter", "value", "prior", "posterior")


def overlap(x: Floats, first: Floats, second: Floats) -> float:
    """Overlap of two densities on one grid, the integral of their minimum."""
    return float(np.trapezoid(np.minimum(first, second), x))


def summarise_heterogeneity(posterior: Posterior) -> list[dict[str, Any]]:
    """Summarise tau and omega, or those of every group of studies and every class.

    There are no rows for what a model leaves out or fixes. A class with a single member has a row as others do, in
    which the overlap of prior and posterior is close to 1.
    """
    rows = []
    for name in (*tau_names(posterior.joint.groups), *omega_names(posterior.joint.classes)):
        prior = _prior(posterior, name)
        if not prior.is_free:
            continue
        x, density = posterior.densities[name]
        rows.append(
            {
                "parameter": name,
                **posterior.scale(name),
                "prior": prior.in_tables,
                "prior_overlap": overlap(x, prior.density(x), density),
                "engine": posterior.engine_of(name),
            }
        )
    return rows


def _prior(posterior: Posterior, name: str) -> SdPrior:
    """Prior of a tau or an omega, which groups of studies, or classes, have in common."""
    return posterior.scales.omega if name.startswith("omega") else posterior.scales.tau


def density_rows(posterior: Posterior) -> list[dict[str, Any]]:
    """Tabulate prior and exact posterior densities of tau and omega for the figures."""
    rows = []
    for name, (x, density) in posterior.densities.items():
        prior = _prior(posterior, name).density(x)
        columns = zip(x[::4], prior[::4], density[::4], strict=True)
        rows += [{"parameter": name, "value": v, "prior": p, "posterior": d} for v, p, d in columns]
    return rows
