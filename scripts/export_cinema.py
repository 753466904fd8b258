"""Write the project file of CINeMA for one outcome, and what of the evidence is in it."""

from pathlib import Path

from secondline.inference.sampling import use_compile_cache
from secondline.jobs.script import job

with job(snakemake):
    use_compile_cache(Path(".cache/compiled"))
    from secondline.certainty.cinema_project import export_cinema

    print(export_cinema(snakemake.input.evidence, *snakemake.params.settings, snakemake.output))
