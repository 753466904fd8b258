"""Fit all models of one outcome of one analysis."""

import time
from pathlib import Path

from nma.inference.sampling import use_compile_cache
from nma.job import job

with job(snakemake) as say:
    started = time.perf_counter()
    use_compile_cache(Path(".cache/compiled"))
    from nma.inference.fit import fit_models

    settings = snakemake.params.settings
    folders = {Path(file).parent.name: Path(file).parent for file in snakemake.output.posteriors}
    fit_models(snakemake.input.evidence, settings, folders, snakemake.output.timings, snakemake.threads, started, say)
