"""Solve one outcome of an analysis by the exact engine, without draws."""

from pathlib import Path

from nma.inference.sampling import use_compile_cache
from nma.job import job

with job(snakemake):
    use_compile_cache(Path(".cache/compiled"))
    from nma.summaries.sensitivity import solve

    solve(snakemake.input.evidence, snakemake.params.fit, snakemake.params.summary, snakemake.output[0])
