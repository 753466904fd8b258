"""One fit job: all models of one outcome of one analysis, sampled, checked and written."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nma.config import Retry
from nma.inference import diagnostics, exact, fit_statistics
from nma.inference.leave_one_out import leave_one_out
from nma.inference.likelihood_check import check_likelihood
from nma.inference.mixture import refine
from nma.inference.reliability import Solution, solve
from nma.inference.sampling import CompiledModel, compile_model, fit_seed
from nma.inference.scales import PriorScales
from nma.inference.widening import FITTED, Covariances, prior_covariances
from nma.network.arms import OVERALL
from nma.network.data import NetworkData, network_data
from nma.network.predictor import Effects, Predictor
from nma.network.structure import Floats, Structure
from nma.tables import read_table, replacing, write_table

TIMING_COLUMNS = ("analysis", "outcome", "model", "import_s", "compile_s", "sampling_s", "other_s")


@dataclass(frozen=True)
class Fit:
    """One model of a fit job: its data, seen through its linear predictor, and its priors."""

    data: NetworkData
    scales: PriorScales


@dataclass(frozen=True)
class FitTask:
    """What one fit job has to do: the fits by model, and how to sample them."""

    analysis: str
    outcome: str
    structure: Structure
    fits: Mapping[str, Fit]
    sampler: Mapping[str, Any]
    seed: int

    @classmethod
    def read(cls, evidence: str, settings: Mapping[str, Any]) -> "FitTask":
        """Read an evidence table and the settings made by `nma.plan.fit_settings`."""
        return cls.from_rows(read_table(evidence), settings)

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, str]], settings: Mapping[str, Any]) -> "FitTask":
        """Assemble the data of evidence rows."""
        structure = Structure.from_settings(settings["structure"])
        fits = {
            name: Fit(
                network_data(rows, structure, settings["likelihood"], Effects.from_settings(model["effects"])),
                PriorScales(**model["prior"]),
            )
            for name, model in settings["models"].items()
        }
        names = settings["analysis"], settings["outcome"]
        return cls(*names, structure, fits, settings["sampler"], settings["seed"])

    @property
    def size(self) -> int:
        """Largest number of coefficients of the models: they share one compilation."""
        return max(fit.data.n_coefficients for fit in self.fits.values())


@dataclass(frozen=True)
class Attempt:
    """A sampled posterior with its checks."""

    parameters: dict[str, Floats]
    """coefficients, tau and omega by name, with leading dimensions (chain, draw)."""
    divergences: int
    diagnostics: list[dict[str, Any]]
    comparison: list[dict[str, Any]]
    converged: bool
    sampling_s: float

    @property
    def largest_z(self) -> str:
        """How far sampled and exact posterior are apart, or that there is no exact check."""
        if self.comparison[0]["status"] != diagnostics.CHECKED:
            return diagnostics.NO_CHECK
        return f"at most {max(abs(row['z']) for row in self.comparison):.1f} SE from exact"


def fit_models(
    evidence: str,
    settings: Mapping[str, Any],
    folders: Mapping[str, Path],
    timings: str,
    cores: int,
    started: float,
    say: Callable[[str], None],
) -> None:
    """Fit every model of an outcome and write its posterior, diagnostics, exact check and fit statistics.

    Parameters
    ----------
    evidence : path
        The evidence table: the only data the fit reads.
    settings : mapping
        Resolved settings of the job.
    folders : mapping
        Output folder by model.
    timings : path
        Where the seconds go.
    cores : int
        Chains sampled at a time.
    started : float
        `time.perf_counter()` before the first import of the job.
    say : callable
        Receives one line per fit.
    """
    from nma.inference.models import model_inputs, network_model

    task = FitTask.read(evidence, settings)
    first = next(iter(task.fits.values()))
    compiled = compile_model(network_model(model_inputs(first.data, first.scales, task.size, tabulated=False)))
    import_s = time.perf_counter() - started - compiled.seconds
    rows: list[dict[str, Any]] = []
    for name in task.fits:
        begun = time.perf_counter()
        attempt, solution = _fit(task, compiled, name, cores)
        covariances = _covariances(task, compiled, name, attempt, solution, cores)
        statistics = _write(task, name, attempt, solution, covariances, folders[name])
        other_s = time.perf_counter() - begun - attempt.sampling_s
        opening = not rows
        rows.append(
            {
                "analysis": task.analysis,
                "outcome": task.outcome,
                "model": name,
                "import_s": import_s if opening else 0.0,
                "compile_s": compiled.seconds if opening else 0.0,
                "sampling_s": attempt.sampling_s,
                "other_s": other_s,
            }
        )
        say(_line(task, name, attempt, statistics, time.perf_counter() - begun))
    write_table(timings, rows, TIMING_COLUMNS)


def _line(task: FitTask, name: str, attempt: Attempt, statistics: Mapping[str, Any], seconds: float) -> str:
    ess = min(row["ess_bulk"] for row in attempt.diagnostics)
    r_hat = max(row["r_hat"] for row in attempt.diagnostics)
    verdict = "converged" if attempt.converged else "NOT CONVERGED"
    return (
        f"fit {task.analysis}/{task.outcome}/{name}: {len(task.fits[name].data.studies)} studies, "
        f"{statistics['data_points']} data points, residual deviance {statistics['residual_deviance']:.1f}; {verdict} "
        f"(R-hat {r_hat:.3f}, least ESS {ess:.0f}, {attempt.divergences} divergences, {attempt.largest_z}); "
        f"{seconds:.1f} s"
    )


def _fit(task: FitTask, compiled: CompiledModel, name: str, cores: int) -> tuple[Attempt, Solution]:
    """Sample and check; on failure once more, longer, more carefully and against a finer exact engine.

    A finer engine alone is tried where only the exact check is wanting.
    """
    fit = task.fits[name]
    solution = solve(fit.data, fit.scales)
    attempt = _attempt(task, compiled, name, solution, _settings(task, again=False), cores)
    if attempt.converged and solution.posterior:
        return attempt, solution
    solution = solve(fit.data, fit.scales, exact.effort(fit.data, fit.scales, factor=4))
    return _attempt(task, compiled, name, solution, _settings(task, not attempt.converged), cores), solution


def _settings(task: FitTask, again: bool) -> Retry:
    chosen = task.sampler["retry"] if again else task.sampler
    return Retry(**{key: chosen[key] for key in ("draws", "tune", "target_accept")})


def _attempt(
    task: FitTask, compiled: CompiledModel, name: str, solution: Solution, settings: Retry, cores: int
) -> Attempt:
    seed = fit_seed(task.seed, task.analysis, task.outcome, name)
    chains = task.sampler["chains"]
    begun = time.perf_counter()
    parameters, divergences = sample(compiled, task.fits[name], task.size, settings, chains, min(cores, chains), seed)
    sampling_s = time.perf_counter() - begun
    quantities = list_quantities(parameters, task.fits[name].data.predictor, solution.posterior)
    checks = diagnostics.convergence(quantities, divergences)
    k = diagnostics.pareto_k(solution.found) if solution.found else None
    comparison = diagnostics.compare_with_exact(quantities, k, solution.status)
    comparison += check_likelihood(task.fits[name].data, _flat(parameters), task.fits[name].scales)
    converged = diagnostics.has_converged(checks, comparison)
    for row in checks:
        row |= {"converged": converged, "exact_check": solution.status}
    return Attempt(parameters, divergences, checks, comparison, converged, sampling_s)


def sample(
    compiled: CompiledModel, fit: Fit, size: int, settings: Retry, chains: int, cores: int, seed: int
) -> tuple[dict[str, Floats], int]:
    """Draw from the posterior of one fit.

    Returns
    -------
    dict
        coefficients, tau and omega with leading dimensions (chain, draw).
    int
        Divergences.
    """
    from nma.inference.models import model_inputs, natural_parameters

    inputs = model_inputs(fit.data, fit.scales, size)
    trace = compiled.sample({"data": inputs.vector}, settings, chains, cores, seed)
    parameters = natural_parameters(trace.posterior["raw"].to_numpy(), fit.data, fit.scales, inputs)
    return parameters, int(trace.sample_stats["diverging"].sum())


def list_quantities(
    parameters: Mapping[str, Floats], predictor: Predictor, posterior: exact.GridPosterior | None
) -> list[diagnostics.Quantity]:
    """List the parameters that are checked: coefficients, tau, omega, and the effect of every regimen and setting.

    The departures of settings are checked through the effects of the regimens.
    """
    names, rows = [], []
    for name, row in zip(predictor.names, np.eye(predictor.n_coefficients), strict=True):
        if not name.startswith("delta["):
            names.append(name)
            rows.append(row)
    if not predictor.effects.unrelated:
        settings = (OVERALL, *(predictor.structure.settings if predictor.effects.settings else ()))
        for setting, block in zip(settings, predictor.effect_rows(), strict=False):
            for regimen, row in zip(predictor.structure.regimens, block, strict=True):
                if row.any():
                    names.append(f"d[{setting},{regimen}]")
                    rows.append(row)
    matrix = np.array(rows)
    unknown = np.full((2, 4, len(names)), np.nan)
    exact_summary, error = posterior.summary(matrix) if posterior else unknown
    draws = parameters["coefficients"] @ matrix.T
    quantities = [
        diagnostics.Quantity(name, draws[..., k], exact_summary[:, k], error[:, k]) for k, name in enumerate(names)
    ]
    for scale in ("tau", "omega"):
        if scale in parameters:
            found = posterior.scale_summary(scale) if posterior else unknown[..., 0]
            quantities.append(diagnostics.Quantity(scale, parameters[scale], *found))
    return quantities


def _flat(parameters: Mapping[str, Floats]) -> fit_statistics.Draws:
    """Draws of all chains one after the other; tau is 0 in a model without."""
    coefficients = parameters["coefficients"]
    n = coefficients.shape[0] * coefficients.shape[1]
    tau = parameters["tau"].reshape(n) if "tau" in parameters else np.zeros(n)
    return fit_statistics.Draws(coefficients.reshape(n, -1), tau)


def _write(
    task: FitTask, name: str, attempt: Attempt, solution: Solution, covariances: Covariances, folder: Path
) -> dict[str, Any]:
    """Write the files of a fit; returns its fit statistics."""
    data, scales = task.fits[name].data, task.fits[name].scales
    chains, draws = attempt.parameters["coefficients"].shape[:2]
    fit = fit_statistics.assess(data, _flat(attempt.parameters), scales)
    left_out = leave_one_out(data, scales, solution.posterior, fit.log_likelihood.reshape(chains, draws, -1))
    statistics, by_study = fit_statistics.summarise_fit(fit, data, left_out)
    write_table(folder / "diagnostics.csv", attempt.diagnostics, diagnostics.DIAGNOSTIC_COLUMNS)
    write_table(folder / "exact_check.csv", attempt.comparison, diagnostics.EXACT_COLUMNS)
    write_table(folder / "fit_statistics.csv", [statistics], fit_statistics.COLUMNS)
    write_table(folder / "loo.csv", by_study, fit_statistics.STUDY_COLUMNS)
    write_table(folder / "data_points.csv", fit_statistics.point_rows(fit, data), fit_statistics.POINT_COLUMNS)
    _write_posterior(task, name, attempt, solution, covariances, fit, folder / "posterior.nc")
    return statistics


def _covariances(
    task: FitTask, compiled: CompiledModel, name: str, attempt: Attempt, solution: Solution, cores: int
) -> Covariances:
    """Covariances under doubled priors, by the exact engine or, where that cannot, by sampling each of them."""
    fit = task.fits[name]
    found = prior_covariances(fit.data, fit.scales, solution.posterior) if solution.posterior else None
    if found:
        return found
    chains, seed = task.sampler["chains"], fit_seed(task.seed, task.analysis, task.outcome, name)
    draws = {FITTED: attempt.parameters["coefficients"]}
    for key, scales in fit.scales.all_doubled().items():
        wide = Fit(fit.data, scales)
        settings = _settings(task, again=False)
        draws[key] = sample(compiled, wide, task.size, settings, chains, min(cores, chains), seed)[0]["coefficients"]
    return Covariances.of_chains(draws)


def _density(draws: Floats, solution: Solution, parameter: str) -> tuple[Floats, Floats]:
    """Grid and posterior density of tau or omega: exact, or where there is no exact check that of the draws."""
    if solution.posterior:
        return refine(*solution.posterior.marginal(parameter), points=401)
    from scipy.stats import gaussian_kde

    x = np.linspace(0, draws.max(), 401)
    kernel = gaussian_kde(np.concatenate([draws.ravel(), -draws.ravel()]))
    return x, 2 * kernel(x)


def _write_posterior(
    task: FitTask,
    name: str,
    attempt: Attempt,
    solution: Solution,
    covariances: Covariances,
    assessed: fit_statistics.Fit,
    file: Path,
) -> None:
    import xarray as xr

    from nma.provenance import versions

    structure, fit = task.structure, task.fits[name]
    predictor = fit.data.predictor
    chains, draws = attempt.parameters["coefficients"].shape[:2]
    effect_rows = predictor.effect_rows()
    dims = {"coefficients": ["coefficient"], "tau": [], "omega": []}
    variables = {key: (["chain", "draw", *dims[key]], value) for key, value in attempt.parameters.items()}
    d = np.einsum("cdk,srk->cdsr", attempt.parameters["coefficients"], effect_rows, optimize=True)
    variables["d"] = (["chain", "draw", "setting", "regimen"], d)
    coords = {
        "chain": range(chains),
        "draw": range(draws),
        "coefficient": predictor.names,
        "setting": [OVERALL, *structure.settings],
        "regimen": list(structure.regimens),
    }
    exact_variables: dict[str, Any] = {
        "covariance": (["prior", "coefficient", "coefficient_2"], np.stack(list(covariances.pooled.values()))),
        "covariance_by_replicate": (
            ["prior", "replicate", "coefficient", "coefficient_2"],
            np.stack(list(covariances.replicates.values())),
        ),
        "effect_rows": (["setting", "regimen", "coefficient"], effect_rows),
        "prior_sd": (["coefficient"], fit.scales.coefficients(predictor, fit.scales.omega)),
    }
    for key in ("tau", "omega"):
        if key in attempt.parameters:
            x, density = _density(attempt.parameters[key], solution, key)
            exact_variables |= {f"{key}_grid": ([f"{key}_point"], x), f"{key}_density": ([f"{key}_point"], density)}
    tree = xr.DataTree.from_dict(
        {
            "/": xr.Dataset(
                attrs={
                    "analysis": task.analysis,
                    "outcome": task.outcome,
                    "model": name,
                    "seed": fit_seed(task.seed, task.analysis, task.outcome, name),
                    "converged": int(attempt.converged),
                    "divergences": attempt.divergences,
                    "exact_check": solution.status,
                    "log_evidence": solution.posterior.log_evidence() if solution.posterior else np.nan,
                    "varies_by_setting": int(predictor.effects.settings),
                    "covariate": predictor.effects.covariate or "",
                    "centre": predictor.effects.centre,
                    "versions": versions(),
                    **{f"prior_{key}": value for key, value in vars(fit.scales).items()},
                }
            ),
            "/posterior": xr.Dataset(variables, coords),
            "/log_likelihood": xr.Dataset(
                {
                    "study_log_likelihood": (
                        ["chain", "draw", "study"],
                        assessed.log_likelihood.reshape(chains, draws, -1),
                    )
                },
                {"study": list(fit.data.studies)},
            ),
            "/observed_data": _observed(fit.data),
            "/exact": xr.Dataset(exact_variables, {"prior": list(covariances.pooled)}),
        }
    )
    with replacing(file) as temporary:
        tree.to_netcdf(temporary, engine="h5netcdf")


def _observed(data: NetworkData) -> Any:
    import xarray as xr

    gaussian, counts = data.gaussian, data.counts
    variables: dict[str, Any] = {}
    if len(gaussian.y):
        variables["whitened_contrast"] = (["contrast"], gaussian.y)
        variables["heterogeneity"] = (["contrast"], gaussian.scales)
    if len(counts.study):
        variables["counts"] = (["arm", "column"], counts.counts)
        variables["log_time"] = (["arm"], counts.offset)
    return xr.Dataset(variables)
