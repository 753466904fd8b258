"""Vary the patients whom two studies share, and solve one outcome at every level by the exact engine."""

from pathlib import Path

from secondline.inference.sampling import use_compile_cache
from secondline.jobs.script import job

with job(snakemake):
    use_compile_cache(Path(".cache/compiled"))
    from secondline.doubt.overlap_grid import explore_overlap

    explore_overlap(
        snakemake.input.evidence,
        *snakemake.params.fit,
        *snakemake.params.summary,
        snakemake.params.model,
        snakemake.params.declared,
        snakemake.output[0],
    )
