"""Solve one outcome of an analysis by the exact engine, without draws."""

from pathlib import Path

from secondline.inference.sampling import use_compile_cache
from secondline.jobs.script import job

with job(snakemake):
    use_compile_cache(Path(".cache/compiled"))
    from secondline.summaries.sensitivity import solve

    solve(snakemake.input.evidence, *snakemake.params.fit, *snakemake.params.summary, snakemake.output[0])
