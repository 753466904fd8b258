"""Find by how much the figures of an outcome must move before its decision changes."""

from pathlib import Path

from secondline.inference.sampling import use_compile_cache
from secondline.jobs.script import job

if __name__ == "__main__":  # processes that this one starts import it
    with job(snakemake):
        use_compile_cache(Path(".cache/compiled"))
        from secondline.doubt.threshold_tables import write_thresholds

        write_thresholds(
            snakemake.input.evidence,
            snakemake.input.derivation,
            *snakemake.params.fit,
            *snakemake.params.summary,
            snakemake.params.model,
            snakemake.output,
            snakemake.threads,
        )
