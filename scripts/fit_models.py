"""Fit all models of one outcome of one analysis."""

import time
from pathlib import Path

from secondline.inference.sampling import use_compile_cache
from secondline.jobs.script import job

with job(snakemake) as say:
    started = time.perf_counter()
    use_compile_cache(Path(".cache/compiled"))
    from secondline.inference.fit import fit_models

    (settings,) = snakemake.params.settings
    folders = {Path(file).parent.name: Path(file).parent for file in snakemake.output.posteriors}
    fit_models(snakemake.input.evidence, settings, folders, snakemake.output.timings, snakemake.threads, started, say)
