"""One fit job: all models of one outcome of one analysis, sampled, checked and written."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nma.config import Retry
from nma.inference import diagnostics, exact, fit_statistics
from nma.inference.mixture import refine
from nma.inference.sampling import CompiledModel, compile_model, fit_seed
from nma.inference.scales import PriorScales
from nma.network.design import ArmData, ContrastData, Floats, Structure, arm_data, contrast_data
from nma.network.graph import OVERALL
from nma.tables import read_table, write_table

TIMING_COLUMNS = ("analysis", "outcome", "model", "import_s", "compile_s", "sampling_s", "other_s")


@dataclass(frozen=True)
class FitTask:
    """What one fit job has to do: the data, and the resolved settings of its models."""

    analysis: str
    outcome: str
    structure: Structure
    data: ContrastData | ArmData
    models: Mapping[str, PriorScales]
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
        data = arm_data(rows, structure) if settings["counts"] else contrast_data(rows, structure)
        models = {name: PriorScales(**scales) for name, scales in settings["models"].items()}
        names = settings["analysis"], settings["outcome"]
        return cls(*names, structure, data, models, settings["sampler"], settings["seed"])


@dataclass(frozen=True)
class Attempt:
    """A sampled posterior with its checks."""

    parameters: dict[str, Floats]
    """beta, delta, tau, omega by name, with leading dimensions (chain, draw)."""
    coefficients: Floats
    """Stacked coefficients, (chain, draw, coefficients)."""
    divergences: int
    diagnostics: list[dict[str, Any]]
    comparison: list[dict[str, Any]]
    converged: bool
    sampling_s: float


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
    from nma.inference import models

    task = FitTask.read(evidence, settings)
    build = models.count_model if isinstance(task.data, ArmData) else models.contrast_model
    compiled = compile_model(build(task.structure))
    import_s = time.perf_counter() - started - compiled.seconds
    rows: list[dict[str, Any]] = []
    for name, scales in task.models.items():
        begun = time.perf_counter()
        attempt, posterior = _fit(task, compiled, name, scales, cores)
        statistics = _write(task, name, scales, attempt, posterior, folders[name])
        other_s = time.perf_counter() - begun - attempt.sampling_s
        first = not rows
        rows.append(
            {
                "analysis": task.analysis,
                "outcome": task.outcome,
                "model": name,
                "import_s": import_s if first else 0.0,
                "compile_s": compiled.seconds if first else 0.0,
                "sampling_s": attempt.sampling_s,
                "other_s": other_s,
            }
        )
        say(_line(task, name, attempt, statistics, time.perf_counter() - begun))
    write_table(timings, rows, TIMING_COLUMNS)


def _line(task: FitTask, name: str, attempt: Attempt, statistics: Mapping[str, Any], seconds: float) -> str:
    ess = min(row["ess_bulk"] for row in attempt.diagnostics)
    r_hat = max(row["r_hat"] for row in attempt.diagnostics)
    z = max(abs(row["z"]) for row in attempt.comparison)
    verdict = "converged" if attempt.converged else "NOT CONVERGED"
    return (
        f"fit {task.analysis}/{task.outcome}/{name}: {len(task.data.studies)} studies, {task.data.data_points} data "
        f"points, residual deviance {statistics['residual_deviance']:.1f}; {verdict} (R-hat {r_hat:.3f}, least ESS "
        f"{ess:.0f}, {attempt.divergences} divergences, at most {z:.1f} SE from exact); {seconds:.1f} s"
    )


def _fit(
    task: FitTask, compiled: CompiledModel, name: str, scales: PriorScales, cores: int
) -> tuple[Attempt, exact.GridPosterior]:
    """Sample and check; on failure once more, longer, more carefully and against a finer exact engine."""
    posterior = exact.posterior(task.data, task.structure, scales)
    attempt = _attempt(task, compiled, name, scales, posterior, _settings(task, again=False), cores)
    if attempt.converged:
        return attempt, posterior
    posterior = exact.posterior(task.data, task.structure, scales, exact.effort(task.data, scales, factor=4))
    second = _attempt(task, compiled, name, scales, posterior, _settings(task, again=True), cores)
    return second, posterior


def _settings(task: FitTask, again: bool) -> Retry:
    chosen = task.sampler["retry"] if again else task.sampler
    return Retry(**{key: chosen[key] for key in ("draws", "tune", "target_accept")})


def _attempt(
    task: FitTask,
    compiled: CompiledModel,
    name: str,
    scales: PriorScales,
    posterior: exact.GridPosterior,
    settings: Retry,
    cores: int,
) -> Attempt:
    from nma.inference.models import model_data, natural_parameters

    seed = fit_seed(task.seed, task.analysis, task.outcome, name)
    begun = time.perf_counter()
    chains = task.sampler["chains"]
    trace = compiled.sample(model_data(task.data, scales), settings, chains, min(cores, chains), seed)
    sampling_s = time.perf_counter() - begun
    parameters = natural_parameters(trace.posterior, scales)
    coefficients = stack(parameters, task.structure)
    divergences = int(trace.sample_stats["diverging"].sum())
    quantities = list_quantities(parameters, coefficients, task.structure, posterior)
    checks = diagnostics.convergence(quantities, divergences)
    comparison = diagnostics.compare_with_exact(quantities, diagnostics.pareto_k(posterior))
    converged = diagnostics.has_converged(checks, comparison)
    for row in checks:
        row["converged"] = converged
    return Attempt(parameters, coefficients, divergences, checks, comparison, converged, sampling_s)


def stack(parameters: Mapping[str, Floats], structure: Structure) -> Floats:
    """Stack beta and delta to coefficients (..., coefficients); absent departures are 0."""
    beta = parameters["beta"]
    shape = (*beta.shape[:-1], structure.n_coefficients - len(structure.components))
    delta = parameters["delta"].reshape(shape) if "delta" in parameters else np.zeros(shape)
    return np.concatenate([beta, delta], axis=-1)


def list_quantities(
    parameters: Mapping[str, Floats], coefficients: Floats, structure: Structure, posterior: exact.GridPosterior
) -> list[diagnostics.Quantity]:
    """List the parameters that are checked: beta, tau, omega, and the effect of every regimen in every setting."""
    names = [f"beta[{component}]" for component in structure.components]
    rows = list(np.eye(structure.n_coefficients)[: len(structure.components)])
    settings = (OVERALL, *structure.settings) if "delta" in parameters else (OVERALL,)
    for setting, block in zip(settings, structure.effect_rows(), strict=False):
        for regimen, row in zip(structure.regimens, block, strict=True):
            if row.any():
                names.append(f"d[{setting},{regimen}]")
                rows.append(row)
    matrix = np.array(rows)
    exact_summary, error = posterior.summary(matrix)
    draws = coefficients @ matrix.T
    quantities = [
        diagnostics.Quantity(name, draws[..., k], exact_summary[:, k], error[:, k]) for k, name in enumerate(names)
    ]
    for scale in ("tau", "omega"):
        if scale in parameters:
            quantities.append(diagnostics.Quantity(scale, parameters[scale], *posterior.scale_summary(scale)))
    return quantities


def _write(
    task: FitTask, name: str, scales: PriorScales, attempt: Attempt, posterior: exact.GridPosterior, folder: Path
) -> dict[str, Any]:
    """Write the four files of a fit; returns its fit statistics."""
    chains, draws = attempt.coefficients.shape[:2]
    flat = attempt.coefficients.reshape(chains * draws, -1)
    tau = attempt.parameters["tau"].reshape(-1) if "tau" in attempt.parameters else np.zeros(chains * draws)
    fit = fit_statistics.assess(task.data, flat, tau, scales.baseline)
    statistics = fit_statistics.summarise_fit(fit, chains)
    write_table(folder / "diagnostics.csv", attempt.diagnostics, diagnostics.DIAGNOSTIC_COLUMNS)
    write_table(folder / "exact_check.csv", attempt.comparison, diagnostics.EXACT_COLUMNS)
    write_table(folder / "fit_statistics.csv", [statistics], fit_statistics.COLUMNS)
    _write_posterior(task, name, scales, attempt, posterior, fit, folder / "posterior.nc")
    return statistics


def prior_covariances(task: FitTask, scales: PriorScales, posterior: exact.GridPosterior) -> dict[str, Floats]:
    """Compute the posterior covariance as fitted, and with the prior scale of the effects or of omega doubled."""
    coarse = exact.effort(task.data, scales, factor=0.25)
    doubled = {"effect_doubled": PriorScales(2 * scales.effect, scales.tau, scales.omega, scales.baseline)}
    if scales.omega:
        doubled["omega_doubled"] = PriorScales(scales.effect, scales.tau, 2 * scales.omega, scales.baseline)
    return {
        "fitted": posterior.covariance(),
        **{
            key: exact.posterior(task.data, task.structure, wider, coarse).covariance()
            for key, wider in doubled.items()
        },
    }


def _write_posterior(
    task: FitTask,
    name: str,
    scales: PriorScales,
    attempt: Attempt,
    posterior: exact.GridPosterior,
    fit: fit_statistics.Fit,
    file: Path,
) -> None:
    import xarray as xr

    from nma.provenance import versions

    structure = task.structure
    settings = [OVERALL, *structure.settings]
    chains, draws = attempt.coefficients.shape[:2]
    d = np.einsum("cdk,srk->cdsr", attempt.coefficients, structure.effect_rows())
    dims = {"beta": ["component"], "delta": ["failed_line", "component"], "tau": [], "omega": []}
    variables = {key: (["chain", "draw", *dims[key]], value) for key, value in attempt.parameters.items()}
    variables["d"] = (["chain", "draw", "setting", "regimen"], d)
    coords = {
        "chain": range(chains),
        "draw": range(draws),
        "component": list(structure.components),
        "failed_line": list(structure.settings),
        "setting": settings,
        "regimen": list(structure.regimens),
    }
    covariances = prior_covariances(task, scales, posterior)
    exact_variables: dict[str, Any] = {
        "covariance": (["prior", "coefficient", "coefficient_2"], np.stack(list(covariances.values())))
    }
    for key in ("tau", "omega"):
        if key in attempt.parameters:
            x, density = refine(*posterior.marginal(key), points=401)
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
                    "versions": versions(),
                    **{f"prior_{key}": value for key, value in vars(scales).items()},
                }
            ),
            "/posterior": xr.Dataset(variables, coords),
            "/log_likelihood": xr.Dataset(
                {"study_log_likelihood": (["chain", "draw", "study"], fit.log_likelihood.reshape(chains, draws, -1))},
                {"study": list(task.data.studies)},
            ),
            "/fit": xr.Dataset(
                {"deviance": (["data_point"], fit.deviance), "leverage": (["data_point"], fit.leverage)}
            ),
            "/observed_data": _observed(task.data),
            "/exact": xr.Dataset(exact_variables, {"prior": list(covariances)}),
        }
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.part")
    tree.to_netcdf(temporary, engine="h5netcdf")
    os.replace(temporary, file)


def _observed(data: ContrastData | ArmData) -> Any:
    import xarray as xr

    if isinstance(data, ContrastData):
        return xr.Dataset(
            {"whitened_contrast": (["data_point"], data.y), "heterogeneity": (["data_point"], data.scales)}
        )
    return xr.Dataset({"events": (["data_point"], data.events), "n": (["data_point"], data.n)})
