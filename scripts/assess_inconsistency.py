"""Fit unrelated mean effects and node-splits of one outcome."""

from pathlib import Path

from secondline.inference.sampling import use_compile_cache
from secondline.jobs.script import job

with job(snakemake):
    use_compile_cache(Path(".cache/compiled"))
    from secondline.summaries.inconsistency import assess_inconsistency

    params = snakemake.params
    folder = Path(snakemake.output[0]).parent
    tables = snakemake.input.statistics, snakemake.input.points
    assess_inconsistency(snakemake.input.evidence, *params.fit, *params.summary, params.model, folder, tables)
