"""Write what the studies describe of their patients, and the standardised differences between them."""

from pathlib import Path

from secondline.evidence.populations import write_populations
from secondline.jobs.script import job
from secondline.project.read import read_project

with job(snakemake):
    write_populations(read_project(Path(snakemake.params.config)), snakemake.output)
