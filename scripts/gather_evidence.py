"""Write the global evidence tables."""

from pathlib import Path

from secondline.evidence.gather import gather_evidence
from secondline.jobs.script import job
from secondline.project.read import read_project

with job(snakemake):
    gather_evidence(read_project(Path(snakemake.params.config)), Path(snakemake.output[0]).parent)
