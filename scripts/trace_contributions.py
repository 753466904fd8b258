"""Find which studies carry the effects of an outcome, and how much of them is the prior."""

from pathlib import Path

from secondline.inference.sampling import use_compile_cache
from secondline.jobs.script import job

with job(snakemake):
    use_compile_cache(Path(".cache/compiled"))
    from secondline.certainty.contributions import trace_contributions

    trace_contributions(snakemake.input.evidence, *snakemake.params.fit, snakemake.output)
