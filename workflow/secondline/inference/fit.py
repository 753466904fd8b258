"""One fit job: all models of one outcome of one analysis, sampled, checked and written."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from secondline.cell_values import OVERALL
from secondline.inference import diagnostics, exact, fit_statistics
from secondline.inference.fitted import Attempt, Fitted, draws_of_sds
from secondline.inference.leave_one_out import LeftOut, leave_one_out
from secondline.inference.likelihood_check import check_likelihood
from secondline.inference.posterior_tree import posterior_tree
from secondline.inference.precision import Precision, precision
from secondline.inference.reliability import Solution, solve
from secondline.inference.sampling import CompiledModel, compile_model, fit_seed
from secondline.inference.settings import FitSettings, SamplerPlan, SamplerSettings
from secondline.inference.task import Fit, FitTask
from secondline.inference.widening import FITTED, Covariances, prior_covariances
from secondline.network.predictor import Predictor
from secondline.network.structure import Floats
from secondline.network.study_groups import Grouping
from secondline.tables import replacing, write_table
from secondline.thresholds import MAX_LIMIT_ERROR, MAX_MEAN_ERROR

_ROUNDS, _LEAST_MORE = 3, 500  # of further draws, and how many a chain takes in one at least
TIMING_COLUMNS = ("analysis", "outcome", "model", "import_s", "compile_s", "sampling_s", "other_s")


def fit_models(
    evidence: str,
    settings: FitSettings,
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
    settings : FitSettings
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
    task = FitTask.read(evidence, settings)
    sampler = Sampler.build(list(task.fits.values()), task.sampler, cores)
    import_s = time.perf_counter() - started - sampler.compiled.seconds
    rows: list[dict[str, Any]] = []
    for name, fit in task.fits.items():
        begun = time.perf_counter()
        fitted = sample_fit(fit, sampler, fit_seed(task.seed, task.analysis, task.outcome, name))
        statistics = _write(task, name, fitted, folders[name])
        attempt = fitted.attempt
        other_s = time.perf_counter() - begun - attempt.sampling_s
        opening = not rows
        rows.append(
            {
                "analysis": task.analysis,
                "outcome": task.outcome,
                "model": name,
                "import_s": import_s if opening else 0.0,
                "compile_s": sampler.compiled.seconds if opening else 0.0,
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


@dataclass(frozen=True)
class Sampler:
    """What draws from the fits of a job, all of which share one compiled model."""

    compiled: CompiledModel
    size: int
    """Length of the raw coefficients."""
    n_taus: int
    """Number of taus among the raw parameters."""
    n_omegas: int
    """Number of omegas among them."""
    plan: SamplerPlan
    cores: int

    @classmethod
    def build(cls, fits: Sequence[Fit], plan: SamplerPlan, cores: int) -> "Sampler":
        """Compile the model that these fits share."""
        from secondline.inference.models import model_inputs, network_model

        first, size = fits[0], max(fit.data.n_coefficients for fit in fits)
        n_taus = max(fit.data.groups.n_taus for fit in fits)
        n_omegas = max(len(fit.data.predictor.omegas) for fit in fits)
        inputs = model_inputs(first.data, first.scales, size, tabulated=False, n_taus=n_taus, n_omegas=n_omegas)
        return cls(compile_model(network_model(inputs)), size, n_taus, n_omegas, plan, cores)

    def draw(self, fit: Fit, seed: int, again: bool = False, draws: int | None = None) -> tuple[dict[str, Floats], int]:
        """Draw from the posterior of a fit, see `sample`.

        Parameters
        ----------
        again : bool
            Whether with the settings of a second attempt.
        draws : int, optional
            Draws of every chain; by default those of the settings.
        """
        settings, chains = self.plan.retry if again else self.plan.first, self.plan.chains
        settings = settings if draws is None else replace(settings, draws=draws)
        sizes = self.n_taus, self.n_omegas
        return sample(self.compiled, fit, self.size, settings, chains, min(self.cores, chains), seed, *sizes)


def sample_fit(fit: Fit, sampler: Sampler, seed: int) -> Fitted:
    """Sample and check a fit; on failure once more, longer, more carefully and against a finer exact engine.

    A finer engine alone is tried where only the exact check is wanting.
    """
    solution = solve(fit.data, fit.scales)
    attempt = _attempt(fit, sampler, solution, seed)
    if not (attempt.converged and solution.posterior):
        solution = solve(fit.data, fit.scales, exact.effort(fit.data, fit.scales, factor=4))
        attempt = _attempt(fit, sampler, solution, seed, again=not attempt.converged)
    return Fitted(fit, attempt, solution, covariances_of(fit, sampler, attempt, solution, seed), seed)


def _attempt(fit: Fit, sampler: Sampler, solution: Solution, seed: int, again: bool = False) -> Attempt:
    begun = time.perf_counter()
    # The tables of a posterior in closed form do not come from draws, which are its check alone.
    exact_tables = solution.posterior is not None and solution.posterior.in_closed_form
    sds_solved = _sds_are_solved(fit, solution)
    draw_it = _draw_once if exact_tables else _draw_enough
    parameters, divergences, found = draw_it(fit, sampler, seed, again, sds_solved)
    sampling_s = time.perf_counter() - begun
    quantities = list_quantities(parameters, fit.data.predictor, solution.posterior, fit.data.groups)
    checks = diagnostics.convergence(quantities, divergences)
    k = diagnostics.pareto_k(solution.found) if solution.found else None
    comparison = diagnostics.compare_with_exact(quantities, k, solution.status)
    comparison += check_likelihood(fit.data, flat_draws(parameters), fit.scales)
    converged = diagnostics.has_converged(checks, comparison)
    for row in checks:
        row |= {"mcse_mean_ratio": found.mean, "mcse_limit_ratio": found.limit}
        row |= {"converged": converged, "exact_check": solution.status}
    return Attempt(
        parameters, divergences, checks, comparison, converged, sampling_s, sds_solved=sds_solved and converged
    )


Drawn = tuple[dict[str, Floats], int, Precision]
"""Draws with leading dimensions (chain, draw), divergences, and how precise the draws are."""


def _sds_are_solved(fit: Fit, solution: Solution) -> bool:
    """Whether the exact engine knows tau and omega as precisely as tables ask for: then these take no draws."""
    if solution.posterior is None:
        return False
    for name in fit.free_sds:
        (_, sd, *_), (mean_error, _, *limit_errors) = solution.posterior.scale_summary(name)
        if mean_error > MAX_MEAN_ERROR * sd or max(limit_errors) > MAX_LIMIT_ERROR * sd:
            return False
    return True


def _draw_once(fit: Fit, sampler: Sampler, seed: int, again: bool, sds_solved: bool) -> Drawn:
    parameters, divergences = sampler.draw(fit, seed, again)
    return parameters, divergences, precision(parameters, fit.data.predictor, sds=not sds_solved)


def _draw_enough(fit: Fit, sampler: Sampler, seed: int, again: bool, sds_solved: bool) -> Drawn:
    """Draw until means and limits are as precise as tables ask for, or there are as many draws as there may be."""
    parameters, divergences, found = _draw_once(fit, sampler, seed, again, sds_solved)
    for number in range(_ROUNDS):
        n = parameters["coefficients"].shape[1]
        more = min(found.draws(n), sampler.plan.most) - n
        if more <= 0:
            break
        further, diverged = sampler.draw(fit, fit_seed(seed, f"more {number}"), again, max(more, _LEAST_MORE))
        parameters = {name: np.concatenate([draws, further[name]], axis=1) for name, draws in parameters.items()}
        divergences += diverged
        found = precision(parameters, fit.data.predictor, sds=not sds_solved)
    return parameters, divergences, found


def sample(
    compiled: CompiledModel,
    fit: Fit,
    size: int,
    settings: SamplerSettings,
    chains: int,
    cores: int,
    seed: int,
    n_taus: int = 1,
    n_omegas: int = 1,
) -> tuple[dict[str, Floats], int]:
    """Draw from the posterior of one fit.

    Returns
    -------
    dict
        coefficients, tau and omega with leading dimensions (chain, draw).
    int
        Divergences.
    """
    from secondline.inference.models import model_inputs, natural_parameters

    inputs = model_inputs(fit.data, fit.scales, size, n_taus=n_taus, n_omegas=n_omegas)
    trace = compiled.sample({"data": inputs.vector}, settings, chains, cores, seed)
    parameters = natural_parameters(trace.posterior["raw"].to_numpy(), fit.data, fit.scales, inputs)
    return parameters, int(trace.sample_stats["diverging"].sum())


def list_quantities(
    parameters: Mapping[str, Floats],
    predictor: Predictor,
    posterior: exact.GridPosterior | None,
    groups: Grouping | None = None,
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
    for scale, values in draws_of_sds(parameters, groups or Grouping(), predictor.classes_with_sds).items():
        if np.ptp(values):  # a value that is fixed has nothing to be checked
            found = posterior.scale_summary(scale) if posterior else unknown[..., 0]
            quantities.append(diagnostics.Quantity(scale, values, *found))
    return quantities


def flat_draws(parameters: Mapping[str, Floats]) -> fit_statistics.Draws:
    """Draws of all chains one after the other; tau is 0 in a model without."""
    coefficients = parameters["coefficients"]
    n = coefficients.shape[0] * coefficients.shape[1]
    tau = parameters["tau"].reshape(n, *parameters["tau"].shape[2:]) if "tau" in parameters else np.zeros(n)
    return fit_statistics.Draws(coefficients.reshape(n, -1), tau)


def _write(task: FitTask, name: str, fitted: Fitted, folder: Path) -> dict[str, Any]:
    """Write the files of a fit; returns its fit statistics."""
    data, attempt = fitted.fit.data, fitted.attempt
    assessed, left_out = assess(fitted)
    statistics, by_study = fit_statistics.summarise_fit(assessed, data, left_out)
    write_table(folder / "diagnostics.csv", attempt.diagnostics, diagnostics.DIAGNOSTIC_COLUMNS)
    write_table(folder / "exact_check.csv", attempt.comparison, diagnostics.EXACT_COLUMNS)
    write_table(folder / "fit_statistics.csv", [statistics], fit_statistics.COLUMNS)
    write_table(folder / "loo.csv", by_study, fit_statistics.STUDY_COLUMNS)
    write_table(folder / "data_points.csv", fit_statistics.point_rows(assessed, data), fit_statistics.POINT_COLUMNS)
    names = {"analysis": task.analysis, "outcome": task.outcome, "model": name}
    tree = posterior_tree(fitted, assessed.log_likelihood, names)
    with replacing(folder / "posterior.nc") as temporary:
        tree.to_netcdf(temporary, engine="h5netcdf")
    return statistics


def assess(fitted: Fitted) -> tuple[fit_statistics.Fit, LeftOut]:
    """Fit of the model to every data point, and how well it predicts every study left out."""
    fit, parameters = fitted.fit, fitted.attempt.parameters
    chains, draws = parameters["coefficients"].shape[:2]
    assessed = fit_statistics.assess(fit.data, flat_draws(parameters), fit.scales)
    by_chain = assessed.log_likelihood.reshape(chains, draws, -1)
    return assessed, leave_one_out(fit.data, fit.scales, fitted.solution.posterior, by_chain)


def covariances_of(fit: Fit, sampler: Sampler, attempt: Attempt, solution: Solution, seed: int) -> Covariances:
    """Covariances under doubled priors, by the exact engine or, where that cannot, by sampling each of them."""
    found = prior_covariances(fit.data, fit.scales, solution.posterior) if solution.posterior else None
    if found:
        return found
    draws = {FITTED: attempt.parameters["coefficients"]}
    for key, scales in fit.scales.all_doubled().items():
        draws[key] = sampler.draw(Fit(fit.data, scales), seed)[0]["coefficients"]
    return Covariances.of_chains(draws)
