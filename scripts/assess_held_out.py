"""Compare the printed figures that a fit does not use with its predictions, and describe the tests of additivity."""

from pathlib import Path

from secondline.inference.sampling import use_compile_cache
from secondline.jobs.script import job

with job(snakemake):
    use_compile_cache(Path(".cache/compiled"))
    from secondline.doubt.held_out import assess_held_out

    params, given = snakemake.params, snakemake.input
    assess_held_out(given.evidence, given.unused, *params.fit, *params.summary, params.model, snakemake.output)
