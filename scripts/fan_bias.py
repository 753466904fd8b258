"""Take biases from the contrasts of one outcome, and solve it at every size of them by the exact engine."""

from pathlib import Path

from secondline.inference.sampling import use_compile_cache
from secondline.jobs.script import job

with job(snakemake):
    use_compile_cache(Path(".cache/compiled"))
    from secondline.doubt.bias_tables import write_bias

    write_bias(
        snakemake.input.evidence,
        *snakemake.params.fit,
        *snakemake.params.summary,
        snakemake.params.model,
        *snakemake.params.bias,
        snakemake.output,
    )
