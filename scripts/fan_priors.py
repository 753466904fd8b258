"""Solve one outcome under several priors of its heterogeneity by the exact engine."""

from pathlib import Path

from secondline.inference.sampling import use_compile_cache
from secondline.jobs.script import job

with job(snakemake):
    use_compile_cache(Path(".cache/compiled"))
    from secondline.doubt.prior_fan_tables import write_prior_fan

    write_prior_fan(
        snakemake.input.evidence,
        *snakemake.params.fit,
        *snakemake.params.summary,
        snakemake.params.model,
        *snakemake.params.priors,
        snakemake.output[0],
    )
