"""Compute what further studies of one outcome would be worth, from its exact posterior."""

from pathlib import Path

from secondline.inference.sampling import use_compile_cache
from secondline.jobs.script import job

with job(snakemake):
    use_compile_cache(Path(".cache/compiled"))
    from secondline.doubt.next_study import value_next_study

    value_next_study(
        snakemake.input.evidence,
        *snakemake.params.fit,
        *snakemake.params.summary,
        snakemake.params.model,
        *snakemake.params.asked,
        snakemake.output[0],
    )
