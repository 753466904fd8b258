"""Write the manifest of a run: what it was made from, and what it concludes."""

from pathlib import Path

from secondline.changes.manifest import write_manifest
from secondline.jobs.script import job

with job(snakemake):
    write_manifest(Path(snakemake.params.results), *snakemake.params.setup, snakemake.output[0])
