"""What the summaries need of a fit: its posterior, exact where it has a closed form and otherwise draws of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondline.cell_values import EXACT, IMPORTANCE, SAMPLED
from secondline.inference.exact import GridPosterior
from secondline.inference.fitted import Fitted
from secondline.inference.grid import NormalMixture, density_quantiles, density_summary
from secondline.inference.joint_posterior import JointPosterior
from secondline.inference.priors import PriorScales
from secondline.inference.widening import Covariances
from secondline.network.class_sds import omega_names
from secondline.network.structure import Floats
from secondline.network.study_groups import tau_names
from secondline.summaries.hierarchy import Comparison

SUMMARY = ("mean", "sd", "median", "lower", "upper")
_SDS = ("tau", "omega")
_PROBABILITIES = np.array([0.025, 0.5, 0.975])


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """Everything a summary needs of one fit.

    ``effect_rows`` holds the effect of every regimen against the reference as rows of coefficients, (1 + settings,
    regimens, coefficients), overall first; ``prior_sd`` the prior standard deviations of the coefficients, those of
    departures at the scale of omega; ``covariances`` the posterior covariances of the coefficients by prior: as fitted,
    and with every prior scale of the model doubled.
    """

    joint: JointPosterior
    engine: str
    """Where the tables come from: ``exact``, ``importance`` or ``sampled``."""
    effect_rows: Floats
    prior_sd: Floats
    varies_by_setting: bool
    scales: PriorScales
    covariances: Covariances
    converged: bool
    densities: Mapping[str, tuple[Floats, Floats]]
    """Exact posterior densities of tau and omega on a grid."""
    draws: Floats
    """Draws of the coefficients, (chains, draws, coefficients)."""
    names: tuple[str, ...] = ()
    """Names of the coefficients."""
    centres: Mapping[str, float] = field(default_factory=dict)
    """Value of every covariate of the model at which effects are given."""
    solved_scales: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Mean, sd, median, lower and upper of tau and omega where they were solved on a grid."""
    pair_groups: NDArray[np.int64] | None = None
    """Group of studies to which a study of every two regimens would belong, (regimens, regimens), where there are any;
    see `secondline.network.study_groups.StudyGroups.of_pairs`."""
    _compared: dict[tuple[str, bytes], Comparison] = field(default_factory=dict, init=False, repr=False, compare=False)

    def difference(self, setting: int, treatment: int, comparator: int) -> Floats:
        """Row of coefficients of one effect, by the places of setting (overall is 0) and regimens."""
        return np.asarray(self.effect_rows[setting, treatment] - self.effect_rows[setting, comparator])

    def comparison(self, setting: int, treatments: Sequence[int], better: str) -> Comparison:
        """Compare treatments with each other in a setting, by their places; once where settings do not differ."""
        rows = self.effect_rows[setting, list(treatments)]
        key = better, rows.tobytes()
        if key not in self._compared:
            self._compared.clear()  # the comparisons of a large network fill the memory
            self._compared[key] = Comparison.of(self.joint, rows, better)
        return self._compared[key]

    def scale(self, name: str) -> Mapping[str, float]:
        """Mean, sd, median, lower and upper of tau or omega."""
        if name in self.solved_scales:
            return self.solved_scales[name]
        return {key: float(value[0]) for key, value in summarised(self.joint.scale(name)).items()}

    def engine_of(self, name: str) -> str:
        """Where tau or omega come from; the exact engine may give them where effects are sampled."""
        return IMPORTANCE if self.engine == SAMPLED and name in self.solved_scales else self.engine

    def solved(self, grid: GridPosterior) -> "Posterior":
        """Take the posterior in closed form in place of the draws, which stay as its check."""
        joint = grid.joint()
        return replace(
            self,
            joint=replace(
                joint,
                tau=joint.tau if self.scales.tau else None,
                omega=joint.omega if self.scales.omega else None,
            ),
            engine=EXACT,
            solved_scales=_solved_scales(grid, list(self.densities)),
        )

    def mean_effects(self) -> Floats:
        """Posterior means of the overall effects against the reference, (regimens,)."""
        return np.asarray(self.joint.of(self.effect_rows[0]).mean())


def posterior_of(fitted: Fitted) -> Posterior:
    """Take what the summaries need from a fit in memory; `read_posterior` gives the same of a file."""
    fit, parameters, grid = fitted.fit, fitted.attempt.parameters, fitted.solution.posterior
    predictor, on_grid = fit.data.predictor, fitted.attempt.on_grid
    draws = parameters["coefficients"]
    n, groups = draws.shape[0] * draws.shape[1], fit.data.groups
    scales = {key: parameters[key].reshape(n, *parameters[key].shape[2:]) for key in _SDS if key in parameters}
    densities = {name: fitted.density(name) for name in fitted.scales}
    posterior = Posterior(
        joint=JointPosterior.of_draws(_flat(draws), **scales, groups=groups.names, classes=predictor.classes_with_sds),
        engine=IMPORTANCE if on_grid else SAMPLED,
        effect_rows=predictor.effect_rows(),
        prior_sd=fit.scales.coefficients(predictor, fit.scales.omega.size),
        varies_by_setting=predictor.effects.settings,
        scales=fit.scales,
        covariances=fitted.covariances,
        converged=fitted.attempt.converged,
        densities=densities,
        draws=draws,
        names=tuple(predictor.names),
        centres=predictor.effects.centres,
        solved_scales=_solved_scales(grid, fitted.scales)
        if on_grid and grid
        else _of_densities(densities, fitted.attempt.sds_solved),
        pair_groups=groups.of_pairs(predictor.structure.regimens),
    )
    return posterior.solved(grid) if on_grid and grid and grid.in_closed_form else posterior


def _flat(draws: Floats) -> Floats:
    return np.asarray(draws.reshape(-1, draws.shape[-1]))


def _solved_scales(grid: GridPosterior, names: list[str]) -> dict[str, dict[str, float]]:
    return {name: _summary_of(*grid.marginal(name)) for name in names}


def _of_densities(densities: Mapping[str, tuple[Floats, Floats]], solved: bool) -> dict[str, dict[str, float]]:
    """Summarise tau and omega by their exact densities, in the place of draws, where these are ``solved``."""
    return {name: _summary_of(*density) for name, density in densities.items()} if solved else {}


def _summary_of(x: Floats, density: Floats) -> dict[str, float]:
    mean, sd, lower, upper = density_summary(x, density).tolist()
    (median,) = density_quantiles(x, density, np.array([0.5])).tolist()
    return {"mean": mean, "sd": sd, "median": median, "lower": lower, "upper": upper}


def read_posterior(file: str) -> Posterior:
    """Read the draws of a posterior.nc written by a fit job."""
    import xarray as xr

    with xr.open_datatree(file, engine="h5netcdf") as tree:
        posterior, exact = tree["posterior"], tree["exact"]
        names = [str(name) for name in exact["prior"].to_numpy()]

        def by_prior(name: str) -> dict[str, Floats]:
            return dict(zip(names, exact[name].to_numpy(), strict=True))

        draws = posterior["coefficients"].to_numpy()
        n = draws.shape[0] * draws.shape[1]
        groups, classes = (tuple(json.loads(tree.attrs.get(key, "[]"))) for key in ("groups", "classes"))
        drawn = {name: posterior[name].to_numpy() for name in _SDS if name in posterior}
        drawn = {name: values.reshape(n, *values.shape[2:]) for name, values in drawn.items()}
        densities = _densities(exact, groups, classes)
        return Posterior(
            joint=JointPosterior.of_draws(_flat(draws), **drawn, groups=groups, classes=classes),
            engine=SAMPLED,
            effect_rows=exact["effect_rows"].to_numpy(),
            prior_sd=exact["prior_sd"].to_numpy(),
            varies_by_setting=bool(tree.attrs["varies_by_setting"]),
            scales=PriorScales.of_attributes(tree.attrs),
            covariances=Covariances(by_prior("covariance"), by_prior("covariance_by_replicate")),
            converged=bool(tree.attrs["converged"]),
            densities=densities,
            draws=draws,
            names=tuple(str(name) for name in posterior["coefficient"].to_numpy()),
            centres=json.loads(tree.attrs["centres"]),
            solved_scales=_of_densities(densities, bool(tree.attrs["sds_solved"])),
            pair_groups=exact["pair_group"].to_numpy() if groups else None,
        )


def _densities(exact: Any, groups: Sequence[str], classes: Sequence[str]) -> dict[str, tuple[Floats, Floats]]:
    """Read the densities of every tau and every omega, those that a fit has."""
    found: dict[str, tuple[Floats, Floats]] = {}
    for key, names in (("tau", tau_names(groups)), ("omega", omega_names(classes))):
        if f"{key}_grid" in exact:
            x, density = (exact[f"{key}_{part}"].to_numpy() for part in ("grid", "density"))
            found |= {name: (x[k], density[k]) if x.ndim > 1 else (x, density) for k, name in enumerate(names)}
    return found


def summarised_in_parts(joint: JointPosterior, rows: Floats) -> dict[str, Floats]:
    """Summarise linear combinations of the coefficients, rows (K, coefficients), as `summarised` does."""
    parts = [summarised(joint.of(rows[part])) for part in joint.parts(len(rows))]
    return {name: np.concatenate([part[name] for part in parts]) for name in SUMMARY}


def summarised(mixture: NormalMixture) -> dict[str, Floats]:
    """Mean, standard deviation, median and 95% equal-tailed limits of K quantities, (K,) each."""
    lower, median, upper = mixture.quantiles(_PROBABILITIES)
    return dict(zip(SUMMARY, (mixture.mean(), mixture.sd(), median, lower, upper), strict=True))
