"""Compute every analysis that the axes of doubt allow, and what each choice decides."""

from pathlib import Path

from secondline.inference.sampling import use_compile_cache
from secondline.jobs.script import job

if __name__ == "__main__":  # processes that this one starts import it
    with job(snakemake):
        use_compile_cache(Path(".cache/compiled"))
        from secondline.doubt.specifications import explore

        explore(
            snakemake.input.evidence,
            snakemake.input.alternatives,
            *snakemake.params.fit,
            *snakemake.params.summary,
            snakemake.params.model,
            *snakemake.params.specifications,
            snakemake.output,
            snakemake.threads,
        )
