"""Compare small studies with large ones, within comparisons, and test whether their effects differ."""

from pathlib import Path

from secondline.inference.sampling import use_compile_cache
from secondline.jobs.script import job

with job(snakemake):
    use_compile_cache(Path(".cache/compiled"))
    from secondline.certainty.small_studies import write_small_studies

    files, params = snakemake.input, snakemake.params
    write_small_studies(files.evidence, *params.summary, *params.order, snakemake.output)
