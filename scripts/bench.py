"""Benchmark: what a fit costs, beside the textbook model under the same sampler, in one run.

    python scripts/bench.py                  every data set, both models
    python scripts/bench.py --scale          networks of 50, 500 and 5,000 trials

Every line is measured in a process of its own, first with an empty compile cache, then with the one it left. The
textbook model samples study baselines and non-centred random effects (Dias, NICE DSU TSD2, 2011) in plain PyMC.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = {"draws": 1000, "tune": 600, "target_accept": 0.9}
CHAINS, CORES, SEED = 4, 2, 1
COLUMNS = ("import", "compile", "sample", "min ESS", "ESS/s", "ESS/s whole", "divergences", "MB")

Rows = list[dict[str, str]]


def simulate(trials: int, treatments: int, n: tuple[int, int], baseline: float, tau: float, three_arm: int) -> Rows:
    """Simulate a binomial network: a star with the pairs of neighbours, some trials of three arms."""
    rng = np.random.default_rng(20261121)
    effects = np.concatenate([[0.0], rng.normal(0, 0.3, treatments - 1)])
    rows: Rows = []
    for i in range(trials):
        first = 1 + i % (treatments - 1)
        arms = [0, first] if i % 3 else [first, 1 + first % (treatments - 1)]
        if i >= trials - three_arm:
            arms = [0, first, 1 + first % (treatments - 1)]
        mu = rng.normal(baseline, 0.5)
        for arm in dict.fromkeys(arms):
            size = int(rng.integers(*n))
            eta = mu + effects[arm] + tau / np.sqrt(2) * rng.normal()
            events = int(rng.binomial(size, 1 / (1 + np.exp(-eta))))
            rows.append(arm_row(f"trial{i:04d}", f"t{arm}", events, size))
    return rows


def arm_row(study: str, treatment: str, events: int, n: int) -> dict[str, str]:
    """One arm as a row of an evidence table."""
    return {
        "study": study,
        "arm": treatment,
        "arm_mix": f"{treatment}:{n}",
        "setting_mix": "",
        "events": str(events),
        "n": str(n),
        "used": "true",
    }


def example(name: str, outcome: str) -> Callable[[], tuple[Rows, Any]]:
    """Evidence rows and settings of a shipped example."""

    def read() -> tuple[Rows, Any]:
        from secondline.evidence.selection import evidence_rows
        from secondline.jobs.settings import fit_settings
        from secondline.project.read import read_project

        project = read_project(Path(f"config/examples/{name}.yaml"))
        settings = fit_settings(project, name, outcome)
        settings = replace(settings, models={"random": settings.models["random"]})
        return evidence_rows(project, name, outcome), settings

    return read


def simulated(*arguments: Any, tau: float = 5.0) -> Callable[[], tuple[Rows, Any]]:
    """Evidence rows and settings of a simulated network, with a half-normal prior of scale ``tau``."""

    def make() -> tuple[Rows, Any]:
        from secondline.inference.priors import PriorScales
        from secondline.inference.settings import FitSettings, ModelSettings, SamplerPlan, SamplerSettings
        from secondline.network.predictor import Effects
        from secondline.network.structure import Treatments

        rows, treatments = simulate(*arguments), [f"t{k}" for k in range(arguments[1])]
        regimens = {t: (t,) if k else () for k, t in enumerate(treatments)}
        prior = PriorScales(effect=100.0, tau=tau, omega=0.0, baseline=100.0)
        attempt = SamplerSettings(**SETTINGS)
        return rows, FitSettings(
            analysis="bench",
            outcome="bench",
            likelihood="binomial_logit",
            treatments=Treatments(components=tuple(treatments[1:]), regimens=regimens),
            models={"random": ModelSettings(prior=prior, effects=Effects())},
            sampler=SamplerPlan(chains=CHAINS, first=attempt, retry=attempt),
            seed=SEED,
        )

    return make


DATA = {
    "smoking": example("smoking", "cessation"),
    "parkinsons": example("parkinsons", "off_time_arms"),
    "diabetes": example("diabetes", "hba1c"),
    "large trials": simulated(50, 9, (2000, 20000), -1.5, 0.02, 3),
    "rare events": simulated(14, 5, (60, 250), -4.6, 0.2, 0, tau=1.0),
}
SCALE = {f"{n} trials": simulated(n, k, (100, 1000), -1.0, 0.2, n // 10) for n, k in ((50, 20), (500, 50), (5000, 100))}


def ours(task: Any, measure: dict[str, float]) -> Any:
    """Draws of effects and tau by this package, (chains, draws, quantities), and the divergences."""
    from secondline.inference.fit import sample
    from secondline.inference.models import model_inputs, network_model
    from secondline.inference.sampling import compile_model
    from secondline.inference.settings import SamplerSettings

    fit = task.fits["random"]
    compiled = compile_model(network_model(model_inputs(fit.data, fit.scales, task.size, tabulated=False)))
    measure["compile"] = compiled.seconds
    begun = time.perf_counter()
    draws, divergences = sample(compiled, fit, task.size, SamplerSettings(**SETTINGS), CHAINS, CORES, SEED)
    measure["sample"] = time.perf_counter() - begun
    return np.concatenate([draws["coefficients"], draws["tau"][..., None]], axis=-1), divergences


def textbook(task: Any, measure: dict[str, float]) -> Any:
    """Draws of effects and tau by the textbook model: baselines and non-centred effects sampled."""
    import nutpie
    from secondline.inference.textbook import textbook_model

    fit = task.fits["random"]
    model = textbook_model(fit.data, fit.scales)
    begun = time.perf_counter()
    compiled = nutpie.compile_pymc_model(model)
    measure["compile"] = time.perf_counter() - begun
    begun = time.perf_counter()
    trace = nutpie.sample(compiled, chains=CHAINS, cores=CORES, seed=SEED, progress_bar=False, **SETTINGS)
    measure["sample"] = time.perf_counter() - begun
    draws = np.concatenate(
        [trace.posterior["coefficients"].to_numpy(), trace.posterior["tau"].to_numpy()[..., None]], axis=-1
    )
    return draws, int(trace.sample_stats["diverging"].sum())


ENGINES = {"secondline": ours, "textbook": textbook}
EXACT = "exact"


def measure_one(name: str, engine: str) -> dict[str, float]:
    """Fit one data set once, in this process."""
    begun = time.perf_counter()
    from secondline.inference.sampling import use_compile_cache

    use_compile_cache(Path(os.environ["SECONDLINE_CACHE"]))
    import secondline.inference.models  # noqa: F401
    from arviz_stats.base import array_stats
    from secondline.inference.task import FitTask

    result = {"import": time.perf_counter() - begun}
    rows, settings = (DATA | SCALE)[name]()
    draws, divergences = ENGINES[engine](FitTask.from_rows(rows, settings), result)
    ess = float(np.min(array_stats.ess(draws, method="bulk", chain_axis=0, draw_axis=1)))
    whole = sum(result[key] for key in ("import", "compile", "sample"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        **result,
        "min ESS": ess,
        "ESS/s": ess / result["sample"],
        "ESS/s whole": ess / whole,
        "divergences": divergences,
        "MB": memory,
    }


def time_exact(name: str) -> dict[str, float]:
    """Median seconds of a whole analysis by the exact engine: effects of all pairs, ranks, evidence and deviances."""
    from secondline.inference.task import FitTask
    from secondline.summaries.exact_analysis import analyse

    fit = FitTask.from_rows(*DATA[name]()).fits["random"]
    seconds = []
    for seed in range(21):
        begun = time.perf_counter()
        analyse(fit, "lower", seed)
        seconds.append(time.perf_counter() - begun)
    return {"median": float(np.median(seconds[1:]))}


def run(name: str, engine: str, cache: str) -> dict[str, float]:
    """Fit one data set, in a new process with a given compile cache; the exact engine on one core."""
    command = [sys.executable, __file__, "--one", name, engine]
    environment = {**os.environ, "SECONDLINE_CACHE": cache, "PYTHONPATH": str(ROOT / "workflow")}
    if engine == EXACT:
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def show(label: str, values: dict[str, float]) -> None:
    """Print one line of the table."""
    print(f"{label:38}" + "".join(f"{values[key]:>12.4g}" for key in COLUMNS), flush=True)


def main(arguments: Sequence[str]) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", action="store_true", help="networks of 50, 500 and 5,000 trials instead")
    parser.add_argument("--one", nargs=2, metavar=("DATA", "ENGINE"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.one:
        name, engine = chosen.one
        print(json.dumps(time_exact(name) if engine == EXACT else measure_one(name, engine)))
        return
    print(
        f"{'seconds; ' + str(CHAINS) + ' chains on ' + str(CORES) + ' cores':38}" + "".join(f"{c:>12}" for c in COLUMNS)
    )
    for name in SCALE if chosen.scale else DATA:
        warm: dict[str, dict[str, float]] = {}
        for engine in ["secondline"] if chosen.scale else ENGINES:
            with tempfile.TemporaryDirectory() as cache:
                show(f"{name}, {engine}, cold", run(name, engine, cache))
                warm[engine] = run(name, engine, cache)
                show(f"{name}, {engine}, warm", warm[engine])
        if "textbook" in warm:
            ratios = {key: warm["secondline"][key] / max(warm["textbook"][key], 1e-9) for key in COLUMNS}
            show(f"{name}, ratio, warm", {**ratios, "divergences": float("nan")})
    if not chosen.scale:
        for name in DATA:
            with tempfile.TemporaryDirectory() as cache:
                median = 1000 * run(name, EXACT, cache)["median"]
            print(f"{name}, exact engine on one core, warm: {median:.0f} ms with all summaries", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
