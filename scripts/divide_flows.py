"""Divide the effects of a plain network among its comparisons and studies, as flows."""

from pathlib import Path

from secondline.inference.sampling import use_compile_cache
from secondline.jobs.script import job

with job(snakemake):
    use_compile_cache(Path(".cache/compiled"))
    from secondline.certainty.flow_tables import write_flows

    write_flows(snakemake.input.evidence, *snakemake.params.summary, snakemake.output)
