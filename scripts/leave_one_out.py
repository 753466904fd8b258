"""Refit one outcome without each of its studies in turn, by the exact engine."""

from pathlib import Path

from secondline.inference.sampling import use_compile_cache
from secondline.jobs.script import job

with job(snakemake):
    use_compile_cache(Path(".cache/compiled"))
    from secondline.summaries.sensitivity import leave_one_out

    leave_one_out(snakemake.input.evidence, *snakemake.params.fit, *snakemake.params.summary, snakemake.output[0])
